/* What does it cost to reach a guest through messages?
 * Calls of a function raw, through wasm-64@1.0 and through a stack; imports that a device
 * answers and those that go to the node's own WASI directly; evaluations of a Lua process;
 * snapshots and restores beside memcpy. All in one process and in turn; repetitions are chosen
 * so that a run takes 20 ms, medians of the runs are printed. Rows of a process are left out by
 * name when its module is not there, and those in native code when the compiler is not.
 * Usage: devices [--runs N] [--only TEXT] [--quick] [--process MODULE.wasm] */
#include "devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 200 };

#define RUN_NS 20e6
#define MS 1e6

/* What others stand beside, or is subtracted from them, comes before them. */
static const row rows[] = {
    {"fac(5): raw call", run_raw, 0, NULL, NULL, 0, false, 0, NULL},
    {"make and free a request", run_make_requests, 0, NULL, NULL, 0, false, 0, NULL},
    {"fac(5): wasm-64@1.0 compute", run_wasm, 0, "fac(5): raw call", NULL, 4000, true, 0, NULL},
    {"the same, a new request each", run_new_requests, 0, "fac(5): raw call",
     "make and free a request", 0, false, 0, NULL},
    {"the same, without hashpaths", run_bare, 0, "fac(5): raw call", NULL, 4000, true, 0, NULL},
    {"fac(5): stack of four", run_stack, 0, "fac(5): wasm-64@1.0 compute", NULL, 0, false, 0,
     NULL},
    {"a key that is not there", run_missing, 0, NULL, NULL, 0, false, 0, NULL},
    {"such a key, stack of four", run_stack_missing, 0, "a key that is not there", NULL, 0,
     false, 0, NULL},
    {"import, answered by a device", run_import, 0, NULL, NULL, 0, false, 20000, NULL},
    {"import, direct (WASI)", run_direct, 0, NULL, NULL, 200, false, 0, NULL},

    {"Lua: first 1 + 1, from nothing", run_first, EVAL_SUM, NULL, NULL, 600 * MS, false, 1,
     process_missing},
    {"Lua: later 1 + 1", run_eval, EVAL_SUM, NULL, NULL, 15 * MS, false, 0, process_missing},
    {"Lua: loop of 1,000,000", run_eval, EVAL_LOOP, NULL, NULL, 0, false, 1, process_missing},
    {"Lua: 200,000 pcalls", run_eval, EVAL_PCALLS, NULL, NULL, 0, false, 1, process_missing},

    {"Lua native: later 1 + 1", run_native, EVAL_SUM, "Lua: later 1 + 1", NULL, 0, false, 0,
     native_missing},
    {"Lua native: loop of 1,000,000", run_native, EVAL_LOOP, "Lua: loop of 1,000,000", NULL, 0,
     false, 1, native_missing},
    {"Lua native: 200,000 pcalls", run_native, EVAL_PCALLS, "Lua: 200,000 pcalls", NULL, 0,
     false, 1, native_missing},

    {"12 MiB: memcpy", run_memcpy, SMALL, NULL, NULL, 0, false, 3, state_missing},
    {"12 MiB: snapshot", run_snapshot, SMALL, "12 MiB: memcpy", NULL, 0, false, 3,
     state_missing},
    {"12 MiB: restore", run_restore, SMALL, "12 MiB: memcpy", NULL, 0, false, 3, state_missing},
    {"256 MiB: memcpy", run_memcpy, LARGE, NULL, NULL, 0, false, 1, state_missing},
    {"256 MiB: snapshot", run_snapshot, LARGE, "256 MiB: memcpy", NULL, 0, false, 1,
     state_missing},
    {"256 MiB: restore", run_restore, LARGE, "256 MiB: memcpy", NULL, 0, false, 1,
     state_missing},
};
#define ROWS (sizeof rows / sizeof rows[0])

double now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- Measuring ---- */

static double times[ROWS][RUNS_MAX]; /* ns for one repetition */

static size_t row_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return i;
    }
    need(false, name);
    return 0;
}

static const char *missing(const bench *b, size_t i)
{
    return rows[i].missing ? rows[i].missing(b, rows[i].which) : NULL;
}

/* Also what another row that is wanted stands beside, or less which it is. */
static bool is_wanted(const bench *b, const bench_options *opt, size_t i)
{
    if (missing(b, i))
        return false;
    if (bench_options_want(opt, rows[i].name))
        return true;
    for (size_t j = 0; j < ROWS; j++) {
        const char *const others[] = {rows[j].beside, rows[j].minus};

        for (size_t k = 0; k < 2; k++) {
            if (others[k] && bench_options_want(opt, rows[j].name) &&
                strcmp(others[k], rows[i].name) == 0)
                return true;
        }
    }
    return false;
}

/* How many repetitions take RUN_NS; finding out is the warm-up. */
static uint64_t calibrate(bench *b, const row *r)
{
    uint64_t n = 1;
    double ns;

    while ((ns = r->run(b, r->which, n)) < RUN_NS / 4 && (!r->at_most || n < r->at_most))
        n *= ns < RUN_NS / 40 ? 8 : 2;
    n = (uint64_t)((double)n * RUN_NS / ns) + 1;
    return r->at_most && n > r->at_most ? r->at_most : n;
}

/* Every row once, round after round, so that a slow moment of the machine meets all of them. */
static void measure(bench *b, const bench_options *opt)
{
    uint64_t n[ROWS];

    for (size_t i = 0; i < ROWS; i++)
        n[i] = opt->is_quick || !is_wanted(b, opt, i) ? 1 : calibrate(b, &rows[i]);
    for (unsigned r = 0; r < opt->runs; r++) {
        for (size_t i = 0; i < ROWS; i++) {
            if (!is_wanted(b, opt, i))
                continue;
            times[i][r] = rows[i].run(b, rows[i].which, n[i]) / (double)n[i];
            if (rows[i].minus)
                times[i][r] -= times[row_find(rows[i].minus)][r];
        }
    }
}

/* ---- Report ---- */

static double median(size_t i, unsigned runs)
{
    return times[i][runs / 2];
}

static void print_goal(const row *r, double ns, double beside)
{
    double unit = r->goal_ns < 1e6 ? 1 : MS, limit = r->goal_ns;

    if (r->goal_ns <= 0)
        return;
    if (r->is_beyond)
        limit += beside;
    (void)printf("  < %.0f %s%s: %s", r->goal_ns / unit, unit > 1 ? "ms" : "ns",
                 r->is_beyond ? " more" : "", ns < limit ? "met" : "missed");
}

static void print_row(size_t i, unsigned runs)
{
    const row *r = &rows[i];
    double ns = median(i, runs), beside = r->beside ? median(row_find(r->beside), runs) : 0;
    double unit = ns < 10e3 ? 1 : ns < 1e6 ? 1e3 : 1e6;

    (void)printf("%-31s %9.2f %9.2f %9.2f %s %11.0f", r->name, ns / unit, times[i][0] / unit,
                 times[i][runs - 1] / unit,
                 unit < 1e3   ? "ns"
                 : unit < 1e6 ? "us"
                              : "ms",
                 1e9 / ns);
    if (beside > 0)
        (void)printf(" %8.2f", ns / beside);
    else
        (void)printf(" %8s", "");
    print_goal(r, ns, beside);
    (void)printf("\n");
}

static void report(const bench *b, const bench_options *opt)
{
    report_host();
    (void)printf("runs:     %u of each, in turn\n\n", opt->runs);
    (void)printf("%-31s %9s %9s %9s %-2s %11s %8s  %s\n", "", "median", "least", "most", "",
                 "per second", "x beside", "goal");
    for (size_t i = 0; i < ROWS; i++) {
        report_sort(times[i], opt->runs);
        if (missing(b, i))
            (void)printf("%-31s skipped (%s)\n", rows[i].name, missing(b, i));
    }
    for (size_t i = 0; i < ROWS; i++) {
        if (is_wanted(b, opt, i))
            print_row(i, opt->runs);
    }
}

static bool options_read(bench *b, bench_options *out, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--process") == 0 && i + 1 < argc) {
            b->lua = argv[++i];
        } else if (!bench_options_take(out, argc, argv, &i)) {
            bench_options_usage(out, "[--process MODULE.wasm]");
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    bench b = {.lua = "build/programs/lua_process.wasm"};
    bench_options opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX};

    if (!options_read(&b, &opt, argc, argv))
        return 2;
    b.is_quick = opt.is_quick;
    context_open(&b);
    calls_open(&b);
    measure(&b, &opt);
    report(&b, &opt);
    calls_close(&b);
    ao_message_unref(b.process);
    ao_message_unref(b.native);
    for (int i = 0; i < SIZES; i++)
        ao_message_unref(b.large[i]);
    ao_context_free(b.context);
    return 0;
}
