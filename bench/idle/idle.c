/* What does an instance cost that waits?
 * Many instances, each in a store of its own and with a 64-bit memory of at most 2 GiB, are
 * suspended in an import that is answered later. Memory is read from /proc before and after:
 * resident bytes, page tables, mappings; each guest has touched one page of its memory. Then
 * all are answered in another order, and their results checked. Uses the public interface only.
 * Usage: idle [--instances N] [--quick] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "beamr/beamr.h"

/* (module
 *   (import "host" "ask" (func $ask (param i32) (result i32)))
 *   (memory i64 1 32768)
 *   (func (export "run") (param i32) (result i32)
 *     (i32.store (i64.const 0) (local.get 0))
 *     (i32.add (call $ask (local.get 0)) (i32.load (i64.const 0))))) */
static const uint8_t wasm[] = "\0asm\x01\0\0\0"
                              "\x01\x06\x01\x60\x01\x7f\x01\x7f"
                              "\x02\x0c\x01\x04host\x03"
                              "ask\0\0"
                              "\x03\x02\x01\0"
                              "\x05\x06\x01\x05\x01\x80\x80\x02"
                              "\x07\x07\x01\x03run\0\x01"
                              "\x0a\x15\x01\x13\0"
                              "\x42\0\x20\0\x36\x02\0"           /* store the argument */
                              "\x20\0\x10\0\x42\0\x28\x02\0\x6a" /* ask, and add it */
                              "\x0b";

typedef struct guest {
    beamr_store *store;
    beamr_entry entry;
} guest;

/* What the host says about this process; bytes, but for the last. */
typedef struct usage {
    double resident, page_tables, mappings;
} usage;

static void check(beamr_status st, beamr_status wanted, const beamr_error *err)
{
    if (st == wanted)
        return;
    (void)fprintf(stderr, "idle: %s: %s\n", beamr_status_text(st), err->text);
    exit(1);
}

static double now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static usage usage_now(void)
{
    usage u = {0};
    char line[512];
    double kib;
    FILE *f = fopen("/proc/self/status", "r");

    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "VmRSS: %lf", &kib) == 1)
            u.resident = kib * 1024;
        if (sscanf(line, "VmPTE: %lf", &kib) == 1)
            u.page_tables = kib * 1024;
    }
    if (f)
        (void)fclose(f);
    f = fopen("/proc/self/maps", "r");
    for (int c; f && (c = getc(f)) != EOF;)
        u.mappings += c == '\n';
    if (f)
        (void)fclose(f);
    return u;
}

static void begin(guest *g, beamr_engine *engine, beamr_module *module, int32_t number)
{
    static const beamr_host later = {.module = {(const uint8_t *)"host", 4},
                                     .name = {(const uint8_t *)"ask", 3}};
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32);
    beamr_functype type = {&i32, 1, &i32, 1};
    beamr_extern import = {.kind = BEAMR_EXTERN_FUNC};
    beamr_instance *inst = NULL;
    beamr_value arg = {.kind = BEAMR_I32, .of.i32 = number};
    beamr_value result;
    beamr_error err = {0};

    check(beamr_store_new(engine, NULL, &g->store, &err), BEAMR_OK, &err);
    check(beamr_func_make(g->store, &type, &later, &import.of.func, &err), BEAMR_OK, &err);
    check(beamr_instance_new(g->store, module, &import, 1, &inst, &err), BEAMR_OK, &err);
    check(beamr_entry_begin(beamr_instance_find_func(inst, "run"), &arg, 1, &result, 1,
                            &g->entry, &err),
          BEAMR_SUSPENDED, &err);
}

static void end(guest *g, int32_t number)
{
    beamr_value reply = {.kind = BEAMR_I32, .of.i32 = 1000000};
    beamr_answer answer = {.results = &reply, .result_count = 1};
    beamr_value result;
    beamr_error err = {0};

    check(beamr_entry_resume(g->store, g->entry, &answer, &result, 1, &err), BEAMR_OK, &err);
    if (result.of.i32 != 1000000 + number) {
        (void)fprintf(stderr, "idle: guest %d answered %d\n", number, result.of.i32);
        exit(1);
    }
    beamr_store_free(g->store);
}

static void report(const char *what, double value, const char *unit)
{
    printf("%-44s %10.1f %s\n", what, value, unit);
}

static int run(unsigned count)
{
    double page = (double)sysconf(_SC_PAGESIZE);
    guest *guests = calloc(count, sizeof *guests);
    beamr_engine *engine = NULL;
    beamr_module *module = NULL;
    beamr_error err = {0};
    usage before, after;
    double t0, t1, t2, t3;

    if (!guests)
        return 1;
    memset(guests, 1, count * sizeof *guests); /* touched, so that it is not counted */
    check(beamr_engine_new(NULL, &engine, &err), BEAMR_OK, &err);
    check(beamr_module_load(engine, (beamr_bytes){wasm, sizeof wasm - 1}, &module, &err),
          BEAMR_OK, &err);
    before = usage_now();
    t0 = now_us();
    for (unsigned i = 0; i < count; i++)
        begin(&guests[i], engine, module, (int32_t)i);
    t1 = now_us();
    after = usage_now();
    t2 = now_us();
    for (unsigned i = 0; i < count; i++) { /* 7,919 is prime: each once, unless it divides */
        unsigned at = (unsigned)((uint64_t)i * 7919 % count);

        end(&guests[at], (int32_t)at);
    }
    t3 = now_us();
    printf("beamr %s, %u instances, each suspended in an import\n", beamr_version(), count);
    report("resident memory of each", (after.resident - before.resident) / count / 1024, "KiB");
    report("  of it touched by the guest", page / 1024, "KiB");
    report("page tables of each", (after.page_tables - before.page_tables) / count / 1024,
           "KiB");
    report("mappings of each", (after.mappings - before.mappings) / count, "");
    report("time to make each and run it to the import", (t1 - t0) / count, "us");
    report("time to answer each, end and free it", (t3 - t2) / count, "us");
    beamr_module_unref(module);
    beamr_engine_free(engine);
    free(guests);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned count = 10000;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            count = 100;
        } else if (strcmp(argv[i], "--instances") == 0 && i + 1 < argc) {
            count = (unsigned)strtoul(argv[++i], NULL, 10);
        } else {
            (void)fprintf(stderr, "usage: idle [--instances N] [--quick]\n");
            return 2;
        }
    }
    if (count == 0 || count > 1000000 || count % 7919 == 0) {
        (void)fprintf(stderr, "idle: from 1 to 1,000,000 instances, not a multiple of 7,919\n");
        return 2;
    }
    return run(count);
}
