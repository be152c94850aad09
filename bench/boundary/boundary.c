/* What does it cost to cross the boundary between C and a guest, and to get a guest there?
 * Calls in both directions, exceptions, stores and instances, and loading a module, all in one
 * process and in turn, beside an empty indirect call in C. Uses the public interface only.
 * Snapshots have a program of their own (bench/snapshot).
 * Usage: boundary [--runs N] [--only TEXT] [--quick] */
#include "boundary.h"

#include <stdio.h>
#include <stdlib.h>

#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 1000 };

#define CODE_SIZE ((size_t)4 << 20)

#define C_CALL "empty indirect call in C"
#define LOOP_ALONE "guest: empty loop"

static const bench_row rows[] = {
    {.name = C_CALL, .run = call_c},
    {.name = LOOP_ALONE, .run = run_loop, .what = "loop_nothing", .beside = C_CALL},

    {.name = "C to guest: empty",
     .run = call_export,
     .what = "empty",
     .goal_ns = 60,
     .beside = C_CALL},
    {.name = "C to guest: 4 i64, 1 result",
     .run = call_four,
     .what = "four",
     .goal_ns = 60,
     .beside = C_CALL},
    {.name = "C to guest: v128 to v128",
     .run = call_vector,
     .what = "vector",
     .goal_ns = 60,
     .beside = C_CALL},
    {.name = "C to guest: it traps", .run = call_trap, .what = "trap", .beside = C_CALL},

#define LOOP(export)                                                                           \
    .run = run_in_loop, .what = export, .beside = C_CALL, .minus = LOOP_ALONE,                 \
    .minus_share = 1 / (double)LOOP_TIMES
    {.name = "guest to host: empty", LOOP("loop_host"), .goal_ns = 30},
    {.name = "guest to host: 4 i64, 1 result", LOOP("loop_host_four"), .goal_ns = 30},
    {.name = "guest to host to guest", LOOP("loop_nest"), .goal_ns = 90},
    {.name = "guest to host: thread's stack", LOOP("loop_thread")},
    {.name = "guest to guest: empty", LOOP("loop_guest")},
    {.name = "guest to guest: 4 i64, 1 result", LOOP("loop_guest_four")},
    {.name = "guest to guest: call_indirect", LOOP("loop_indirect")},
    {.name = "guest to guest: other instance", LOOP("loop_other")},

    {.name = "try, call that does not throw", LOOP("loop_try")},
    {.name = "throw, catch: one function", LOOP("loop_throw")},
    {.name = "throw, catch: through a call", LOOP("loop_throw_1")},
    {.name = "throw, catch: through 10 calls", LOOP("loop_throw_10")},
#undef LOOP

    {.name = "suspend and resume",
     .run = call_resume,
     .what = "loop_later",
     .goal_ns = 150,
     .beside = C_CALL},

    {.name = "store: new, free", .run = store_only, .beside = C_CALL},
    {.name = "instance", .run = instance_only, .goal_ns = 20e3, .beside = C_CALL},
    {.name = "instance, 5 imports by linker",
     .run = instance_linked,
     .goal_ns = 20e3,
     .beside = C_CALL},
    {.name = "instance, a 64-bit memory",
     .run = instance_memory,
     .goal_ns = 20e3,
     .beside = C_CALL},
    {.name = "store, instance, free", .run = store_instance, .goal_ns = 20e3, .beside = C_CALL},
    {.name = "... with a 64-bit memory",
     .run = store_memory,
     .goal_ns = 20e3,
     .beside = C_CALL},
    {.name = "... with a linker, 5 imports",
     .run = store_linker,
     .goal_ns = 20e3,
     .beside = C_CALL},

    {.name = "load: decode and validate", .run = load_module, .len = code_len},
    {.name = "load: memcpy of the bytes", .run = copy_bytes, .len = code_len},
    {.name = "load: SHA-256 of the bytes", .run = hash_bytes, .len = code_len},
};
static void print_head(const bench *b)
{
    report_host();
    (void)printf("beamr:    %s\n", beamr_version());
    (void)printf(
        "module:   %zu bytes, generated; rows of a guest's loop are without the loop\n",
        b->code_len);
}

int main(int argc, char **argv)
{
    bench b = {0};
    bench_options opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX};
    bench_table table = {.rows = rows, .count = sizeof rows / sizeof rows[0], .options = &opt};

    if (!bench_options_read(&opt, argc, argv))
        return 2;
    guests_open(&b, opt.is_quick ? CODE_SIZE / 16 : CODE_SIZE);
    bench_table_measure(&table, &b);
    print_head(&b);
    bench_table_report(&table, &b);
    guests_close(&b);
    return 0;
}
