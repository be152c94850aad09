/* What do a guest's system calls and exceptions cost, in processor time? Calls of WASI beside a
 * call of a bare import of the same type, and `invoke_*` and throws of each kind, from a
 * guest's loop, in turn. Then ten million throws in one call, and the memory that the process
 * holds before and after. Usage: guest [--runs N] [--only TEXT] [--quick] */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "options.h"
#include "report.h"
#include "rows.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 1000, THROWS = 10000000 };

#define LOOP_ALONE "empty loop"
#define BARE "bare import"

static double run_export(bench *b, const bench_row *row, uint64_t n);

static const bench_row rows[] = {
    {.name = LOOP_ALONE, .run = run_export, .what = "nothing"},
#define ROW(name_, export) .name = name_, .run = run_export, .what = export, .minus = LOOP_ALONE
    {ROW(BARE, "raw")},
    {ROW("fd_write, 1 byte", "write_1"), .beside = BARE, .goal_ratio = 1, .goal_ns = 200},
    {ROW("fd_write, 64 KiB", "write_64k"), .beside = BARE, .goal_ratio = 1, .goal_ns = 200},
    {ROW("open, read, close", "open_read_close"), .beside = BARE, .goal_ratio = 1,
     .goal_ns = 600},
    {ROW("invoke_v, returns", "invoke"), .beside = BARE},
    {ROW("invoke_v, throws", "invoke_throw"), .goal_ns = 2000},
    {ROW("throw and catch, legacy", "throw_legacy"), .goal_ns = 2000},
    {ROW("throw and catch, exnref", "throw_exnref"), .goal_ns = 2000},
    {ROW("import throws, caught", "throw_import"), .goal_ns = 2000},
#undef ROW
};

struct bench {
    beamr_engine *engine;
    beamr_store *store;
    beamr_wasi *wasi;
    beamr_linker *linker;
    beamr_module *module;
    beamr_instance *instance;
    bench_options opt;
};

/* ---- The guest ---- */

static beamr_status raw(const beamr_call *call, const beamr_value *args, beamr_value *results,
                        beamr_error *err)
{
    (void)call;
    (void)args;
    (void)err;
    results[0] = beamr_i32(0);
    return BEAMR_OK;
}

static beamr_status take(void *user, beamr_bytes bytes, beamr_error *err)
{
    (void)user;
    (void)bytes;
    (void)err;
    return BEAMR_OK;
}

static void define_raw(bench *b, beamr_error *err)
{
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32);
    beamr_valtype params[] = {i32, i32, i32, i32};
    beamr_functype type = {params, 4, &i32, 1};

    check(beamr_linker_define_func(b->linker, "host", "raw", &type, raw, NULL, err), err);
}

static void open_bench(bench *b)
{
    beamr_wasi_options options = {.out = {.write = take}};
    beamr_error err = {0};

    check(beamr_engine_new(NULL, &b->engine, &err), &err);
    check(beamr_store_new(b->engine, NULL, &b->store, &err), &err);
    check(beamr_wasi_new(&options, &b->wasi, &err), &err);
    check(beamr_vfs_write(beamr_wasi_vfs(b->wasi), beamr_bytes_of("file"),
                          beamr_bytes_of("content"), &err),
          &err);
    check(beamr_linker_new(b->store, &b->linker, &err), &err);
    define_raw(b, &err);
    check(beamr_module_load(b->engine, module_image(), &b->module, &err), &err);
    check(beamr_guest_instantiate(b->wasi, b->linker, b->module, BEAMR_STUBS_NONE, &b->instance,
                                  &err),
          &err);
}

static void close_bench(bench *b)
{
    beamr_module_unref(b->module);
    beamr_linker_free(b->linker);
    beamr_store_free(b->store);
    beamr_wasi_unref(b->wasi);
    beamr_engine_free(b->engine);
}

static double run(bench *b, const char *export, uint32_t n)
{
    beamr_func *func = beamr_instance_find_func(b->instance, export);
    beamr_value arg = beamr_i32((int32_t)n);
    beamr_error err = {.text = "an export is missing"};
    double start;

    if (!func)
        check(BEAMR_NOT_FOUND, &err);
    start = processor_ns();
    check(beamr_func_call(func, &arg, 1, NULL, 0, &err), &err);
    return processor_ns() - start;
}

/* A system call that fails is fast, and measures nothing. */
static void check_works(bench *b)
{
    beamr_memory *memory = beamr_instance_memory(b->instance, 0);
    beamr_error err = {.text = "a system call fails"};
    uint32_t done;
    char read;

    (void)run(b, "write_64k", 1);
    check(beamr_memory_read(memory, 48, &done, sizeof done, &err), &err);
    check(done == 65536 ? BEAMR_OK : BEAMR_IO, &err);
    (void)run(b, "open_read_close", 1);
    check(beamr_memory_read(memory, 1024, &read, 1, &err), &err);
    check(read == 'c' ? BEAMR_OK : BEAMR_IO, &err);
}

static double run_export(bench *b, const bench_row *row, uint64_t n)
{
    return run(b, row->what, (uint32_t)n);
}

/* ---- Many throws ---- */

static double resident_mib(void)
{
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f && fscanf(f, "%*s %lu", &pages) != 1)
        pages = 0;
    if (f)
        (void)fclose(f);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

static void throw_many(bench *b, const char *name, const char *export)
{
    uint32_t count = b->opt.is_quick ? 1000 : THROWS;
    double before = resident_mib(), ns;

    if (!bench_options_want(&b->opt, name))
        return;
    ns = run(b, export, count);
    (void)printf("%-28s %u throws in one call: %.2f s; resident before %.1f MiB, after %.1f\n",
                 name, count, ns / 1e9, before, resident_mib());
}

int main(int argc, char **argv)
{
    bench b = {.opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX}};
    bench_table table = {
        .rows = rows, .count = sizeof rows / sizeof rows[0], .options = &b.opt};

    if (!bench_options_read(&b.opt, argc, argv))
        return 2;
    open_bench(&b);
    check_works(&b);
    bench_table_measure(&table, &b);
    report_host();
    (void)printf("beamr:    %s; rows are without the loop\n", beamr_version());
    bench_table_report(&table, &b);
    (void)printf("\n");
    throw_many(&b, "legacy", "throw_legacy");
    throw_many(&b, "exnref", "throw_exnref");
    throw_many(&b, "longjmp through invoke_v", "invoke_throw");
    close_bench(&b);
    return 0;
}
