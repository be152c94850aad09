/* Calls: from C into a guest, and from a guest's loop to everything that it can call. */
#include "boundary.h"

#include <stdlib.h>

__attribute__((noinline)) static void c_empty(void)
{
    __asm__ volatile("");
}

/* The measure of the others: a call through a pointer that the compiler does not know. */
double call_c(bench *b, const bench_row *row, uint64_t n)
{
    void (*f)(void) = c_empty;
    double start = wall_ns();

    (void)b;
    (void)row;
    for (uint64_t i = 0; i < n; i++) {
        __asm__ volatile("" : "+r"(f));
        f();
    }
    return wall_ns() - start;
}

static beamr_func *find(bench *b, const char *what)
{
    beamr_func *f = beamr_instance_find_func(b->instance, what);
    beamr_error err = {.text = "an export is missing"};

    if (!f)
        check(BEAMR_NOT_FOUND, &err);
    return f;
}

double call_export(bench *b, const bench_row *row, uint64_t n)
{
    beamr_func *f = find(b, row->what);
    beamr_error err = {0};
    double start = wall_ns();

    for (uint64_t i = 0; i < n; i++)
        check(beamr_func_call(f, NULL, 0, NULL, 0, &err), &err);
    return wall_ns() - start;
}

double call_four(bench *b, const bench_row *row, uint64_t n)
{
    beamr_func *f = find(b, row->what);
    beamr_error err = {0};
    double start = wall_ns();

    for (uint64_t i = 0; i < n; i++) {
        beamr_value result;
        beamr_value args[4] = {beamr_i64((int64_t)i), beamr_i64(2), beamr_i64(3), beamr_i64(4)};

        check(beamr_func_call(f, args, 4, &result, 1, &err), &err);
        if (result.of.i64 != (int64_t)i + 9)
            abort();
    }
    return wall_ns() - start;
}

double call_vector(bench *b, const bench_row *row, uint64_t n)
{
    beamr_func *f = find(b, row->what);
    beamr_value value = {.kind = BEAMR_V128, .of.v128 = {1, 2, 3}};
    beamr_error err = {0};
    double start = wall_ns();

    for (uint64_t i = 0; i < n; i++)
        check(beamr_func_call(f, &value, 1, &value, 1, &err), &err);
    return wall_ns() - start;
}

double call_trap(bench *b, const bench_row *row, uint64_t n)
{
    beamr_func *f = find(b, row->what);
    beamr_error err = {0};
    double start = wall_ns();

    for (uint64_t i = 0; i < n; i++) {
        if (beamr_func_call(f, NULL, 0, NULL, 0, &err) != BEAMR_TRAP)
            abort();
        beamr_error_clear(&err);
    }
    return wall_ns() - start;
}

/* A call that waits in each turn of its guest's loop: going on with it, until it waits again. */
double call_resume(bench *b, const bench_row *row, uint64_t n)
{
    beamr_value count = beamr_i32((int32_t)(uint32_t)(n / LOOP_TIMES + 1));
    beamr_entry entry = 0;
    beamr_error err = {0};
    double start;

    if (beamr_entry_begin(find(b, row->what), &count, 1, NULL, 0, &entry, &err) != BEAMR_SUSPENDED)
        abort();
    start = wall_ns();
    for (uint64_t i = 0; i < n; i++)
        if (beamr_entry_resume(b->store, entry, NULL, NULL, 0, &err) != BEAMR_SUSPENDED)
            abort();
    start = wall_ns() - start;
    check(beamr_entry_cancel(b->store, entry, &err), &err);
    return start;
}

/* The export `what` has the loop; its argument says how many turns. */
double run_loop(bench *b, const bench_row *row, uint64_t n)
{
    beamr_func *f = find(b, row->what);
    beamr_value count = beamr_i32((int32_t)(uint32_t)n);
    beamr_error err = {0};
    double start = wall_ns();

    check(beamr_func_call(f, &count, 1, NULL, 0, &err), &err);
    return wall_ns() - start;
}

double run_in_loop(bench *b, const bench_row *row, uint64_t n)
{
    uint64_t turns = n / LOOP_TIMES + 1;

    return run_loop(b, row, turns) * (double)n / (double)(turns * LOOP_TIMES);
}
