/* What does it cost to cross the boundary between C and a guest, and to get a guest there?
 * Calls in both directions, exceptions, stores and instances, and loading a module, all in one
 * process and in turn, beside an empty indirect call in C. Uses the public interface only.
 * Each row's repetitions are chosen so that a run takes 20 ms; medians of the runs are printed.
 * Snapshots have a program of their own (bench/snapshot).
 * Usage: boundary [--runs N] [--only TEXT] [--quick] */
#include "boundary.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 1000 };

#define RUN_NS 20e6
#define CODE_SIZE ((size_t)4 << 20)

/* The first two are what others are compared with, and what is subtracted from them. */
enum { ROW_C, ROW_LOOP };

static const row rows[] = {
    {.name = "empty indirect call in C", .run = call_c},
    {.name = "guest: empty loop", .run = run_loop, .what = "loop_nothing"},

    {.name = "C to guest: empty", .run = call_export, .what = "empty", .goal_ns = 60},
    {.name = "C to guest: 4 i64, 1 result", .run = call_four, .what = "four", .goal_ns = 60},
    {.name = "C to guest: v128 to v128", .run = call_vector, .what = "vector", .goal_ns = 60},
    {.name = "C to guest: it traps", .run = call_trap, .what = "trap"},

#define LOOP(...) .run = run_in_loop, .is_in_a_loop = true, .what = __VA_ARGS__
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

    {.name = "suspend and resume", .run = call_resume, .what = "loop_later", .goal_ns = 150},

    {.name = "store: new, free", .run = store_only},
    {.name = "instance", .run = instance_only, .goal_ns = 20e3},
    {.name = "instance, 5 imports by linker", .run = instance_linked, .goal_ns = 20e3},
    {.name = "instance, a 64-bit memory", .run = instance_memory, .goal_ns = 20e3},
    {.name = "store, instance, free", .run = store_instance, .goal_ns = 20e3},
    {.name = "... with a 64-bit memory", .run = store_memory, .goal_ns = 20e3},
    {.name = "... with a linker, 5 imports", .run = store_linker, .goal_ns = 20e3},

    {.name = "load: decode and validate", .run = load_module, .is_of_code = true},
    {.name = "load: memcpy of the bytes", .run = copy_bytes, .is_of_code = true},
    {.name = "load: SHA-256 of the bytes", .run = hash_bytes, .is_of_code = true},
};
#define ROWS (sizeof rows / sizeof rows[0])

double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- Measuring ---- */

static double times[ROWS][RUNS_MAX]; /* ns for one repetition */

static bool is_wanted(const bench_options *opt, size_t i)
{
    return i <= ROW_LOOP || bench_options_want(opt, rows[i].name);
}

/* How many repetitions take RUN_NS; finding out is the warm-up. */
static uint64_t calibrate(bench *b, const row *r)
{
    uint64_t n = 1;
    double ns;

    while ((ns = r->run(b, r->what, n)) < RUN_NS / 4)
        n *= ns < RUN_NS / 40 ? 8 : 2;
    return (uint64_t)((double)n * RUN_NS / ns) + 1;
}

/* Every row once, round after round, so that a slow moment of the machine meets all of them.
 * What the loop itself took in the same round is subtracted. */
static void measure(bench *b, const bench_options *opt)
{
    uint64_t n[ROWS];

    for (size_t i = 0; i < ROWS; i++)
        n[i] = opt->is_quick || !is_wanted(opt, i) ? 3 : calibrate(b, &rows[i]);
    for (unsigned r = 0; r < opt->runs; r++)
        for (size_t i = 0; i < ROWS; i++) {
            if (!is_wanted(opt, i))
                continue;
            times[i][r] = rows[i].run(b, rows[i].what, n[i]) / (double)n[i];
            if (rows[i].is_in_a_loop)
                times[i][r] -= times[ROW_LOOP][r] / (double)LOOP_TIMES;
        }
}

/* ---- Report ---- */

static void print_head(const bench *b, const bench_options *opt)
{
    report_host();
    (void)printf("beamr:    %s\n", beamr_version());
    (void)printf("module:   %zu bytes, generated\n", b->code_len);
    (void)printf("runs:     %u of each, in turn; rows of a guest's loop without the loop\n\n",
                 opt->runs);
    (void)printf("%-32s %9s %9s %9s %-4s %8s %7s %6s\n", "", "median", "least", "most", "unit",
                 "x C call", "goal", "MB/s");
}

/* Sorts the row's times. */
static void print_row(const bench *b, size_t i, unsigned runs, double c_call)
{
    double median, unit;

    report_sort(times[i], runs);
    median = times[i][runs / 2];
    unit = median < 10e3 ? 1 : median < 1e6 ? 1e3 : 1e6;
    (void)printf("%-32s %9.2f %9.2f %9.2f %-4s %8.1f", rows[i].name, median / unit,
                 times[i][0] / unit, times[i][runs - 1] / unit,
                 unit < 1e3   ? "ns"
                 : unit < 1e6 ? "us"
                              : "ms",
                 median / c_call);
    if (rows[i].goal_ns > 0)
        (void)printf(" %7.0f", rows[i].goal_ns / unit);
    else
        (void)printf(" %7s", "");
    if (rows[i].is_of_code)
        (void)printf(" %6.0f", (double)b->code_len / median * 1e3);
    (void)printf("\n");
}

static void report(const bench *b, const bench_options *opt)
{
    double c_call;

    print_head(b, opt);
    report_sort(times[ROW_C], opt->runs);
    c_call = times[ROW_C][opt->runs / 2];
    for (size_t i = 0; i < ROWS; i++)
        if (is_wanted(opt, i))
            print_row(b, i, opt->runs, c_call);
}

int main(int argc, char **argv)
{
    bench b = {0};
    bench_options opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX};

    if (!bench_options_read(&opt, argc, argv))
        return 2;
    guests_open(&b, opt.is_quick ? CODE_SIZE / 16 : CODE_SIZE);
    measure(&b, &opt);
    report(&b, &opt);
    guests_close(&b);
    return 0;
}
