/* What do a guest's system calls and exceptions cost, in processor time? Calls of WASI beside a
 * call of a bare import of the same type, and `invoke_*` and throws of each kind, from a
 * guest's loop, in turn. Then ten million throws in one call, and the memory that the process
 * holds before and after. Usage: guest [--runs N] [--only TEXT] [--quick] */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 1000, THROWS = 10000000 };

#define RUN_NS 20e6

enum { ROW_LOOP, ROW_RAW };

typedef struct row {
    const char *name, *export;
    double goal_ns;     /* 0: none */
    bool is_beyond_raw; /* the goal is for what is beyond the bare import */
} row;

static const row rows[] = {
    {.name = "empty loop", .export = "nothing"},
    {.name = "bare import", .export = "raw"},
    {.name = "fd_write, 1 byte", .export = "write_1", .goal_ns = 200, .is_beyond_raw = true},
    {.name = "fd_write, 64 KiB", .export = "write_64k", .goal_ns = 200, .is_beyond_raw = true},
    {.name = "open, read, close",
     .export = "open_read_close",
     .goal_ns = 600,
     .is_beyond_raw = true},
    {.name = "invoke_v, returns", .export = "invoke"},
    {.name = "invoke_v, throws", .export = "invoke_throw", .goal_ns = 2000},
    {.name = "throw and catch, legacy", .export = "throw_legacy", .goal_ns = 2000},
    {.name = "throw and catch, exnref", .export = "throw_exnref", .goal_ns = 2000},
    {.name = "import throws, caught", .export = "throw_import", .goal_ns = 2000},
};
#define ROWS (sizeof rows / sizeof rows[0])

typedef struct bench {
    beamr_engine *engine;
    beamr_store *store;
    beamr_wasi *wasi;
    beamr_linker *linker;
    beamr_module *module;
    beamr_instance *instance;
    bench_options opt;
} bench;

static double times[ROWS][RUNS_MAX]; /* ns for one repetition */

/* Of the processor: all that is measured runs on this thread. */
static double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

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
    start = now_ns();
    check(beamr_func_call(func, &arg, 1, NULL, 0, &err), &err);
    return now_ns() - start;
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

/* ---- Measuring ---- */

static uint32_t calibrate(bench *b, const row *r)
{
    uint32_t n = 1;
    double ns;

    while ((ns = run(b, r->export, n)) < RUN_NS / 4)
        n *= ns < RUN_NS / 40 ? 8 : 2;
    return (uint32_t)((double)n * RUN_NS / ns) + 1;
}

/* The loop and the bare import are needed for the others. */
static bool is_wanted(const bench *b, size_t i)
{
    return i <= ROW_RAW || bench_options_want(&b->opt, rows[i].name);
}

/* Every row once, round after round, without what the loop itself takes. */
static void measure(bench *b)
{
    uint32_t n[ROWS];

    for (size_t i = 0; i < ROWS; i++)
        n[i] = b->opt.is_quick || !is_wanted(b, i) ? 3 : calibrate(b, &rows[i]);
    for (unsigned r = 0; r < b->opt.runs; r++)
        for (size_t i = 0; i < ROWS; i++) {
            if (!is_wanted(b, i))
                continue;
            times[i][r] = run(b, rows[i].export, n[i]) / (double)n[i];
            if (i != ROW_LOOP)
                times[i][r] -= times[ROW_LOOP][r];
        }
}

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

/* ---- Report ---- */

static void print_head(const bench *b)
{
    report_host();
    (void)printf("beamr:    %s\n", beamr_version());
    (void)printf("runs:     %u of each, in turn; without the loop\n\n", b->opt.runs);
    (void)printf("%-28s %9s %9s %9s %-4s %11s %9s\n", "", "median", "least", "most", "unit",
                 "beyond raw", "goal");
}

static void report(const bench *b)
{
    double raw_ns = 0;

    print_head(b);
    for (size_t i = 0; i < ROWS; i++) {
        double median;

        if (!is_wanted(b, i))
            continue;
        report_sort(times[i], b->opt.runs);
        median = times[i][b->opt.runs / 2];
        raw_ns = i == ROW_RAW ? median : raw_ns;
        (void)printf("%-28s %9.1f %9.1f %9.1f %-4s", rows[i].name, median, times[i][0],
                     times[i][b->opt.runs - 1], "ns");
        if (i > ROW_RAW)
            (void)printf(" %11.1f", median - raw_ns);
        if (rows[i].goal_ns > 0)
            (void)printf(" %6s%.0f", rows[i].is_beyond_raw ? "raw+" : "< ", rows[i].goal_ns);
        (void)printf("\n");
    }
    (void)printf("\n");
}

int main(int argc, char **argv)
{
    bench b = {.opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX}};

    if (!bench_options_read(&b.opt, argc, argv))
        return 2;
    open_bench(&b);
    check_works(&b);
    measure(&b);
    report(&b);
    throw_many(&b, "legacy", "throw_legacy");
    throw_many(&b, "exnref", "throw_exnref");
    throw_many(&b, "longjmp through invoke_v", "invoke_throw");
    close_bench(&b);
    return 0;
}
