/* What do resolving, ids, codecs and stores cost, beside what they cannot do without?
 * Each row is followed by its lower bound's ratio: the mere look-up, a hash or a copy of the
 * same bytes, a raw call of LMDB, all in one process and in turn. Repetitions are chosen so
 * that a run takes 20 ms; medians of the runs are printed. Usage: ao [--runs N] [--only TEXT]
 * [--quick] */
#include "ao.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 200 };

#define RUN_NS 20e6

/* Lower bounds come before the rows that stand beside them. */
static const row rows[] = {
    {"look up a key", run_find, 0, NULL, NULL, 0, 0, NULL, 0},
    {"resolve a key", run_key, 0, "look up a key", NULL, 300, 0, NULL, 0},
    {"look up four keys", run_find_four, 0, NULL, NULL, 0, 0, NULL, 0},
    {"resolve a path of four", run_path, 0, "look up four keys", NULL, 2000, 0, NULL, 0},

    {"memcpy of 10 values", run_copy_values, 10, NULL, NULL, 0, 0, NULL, 0},
    {"change a key of 10", run_with, 10, "memcpy of 10 values", NULL, 0, 0, NULL, 0},
    {"set a key of 10", run_set, 10, "memcpy of 10 values", NULL, 0, 0, NULL, 0},
    {"memcpy of 1000 values", run_copy_values, 1000, NULL, NULL, 0, 0, NULL, 0},
    {"change a key of 1000", run_with, 1000, "memcpy of 1000 values", NULL, 0, 0, NULL, 0},
    {"set a key of 1000", run_set, 1000, "memcpy of 1000 values", NULL, 0, 0, NULL, 0},

    {"SHA-256 of a small message", run_sha256, 0, NULL, NULL, 0, 0, NULL, 0},
    {"make a small message anew", run_change, 0, NULL, NULL, 0, 0, NULL, 0},
    {"unsigned id of it", run_id, 0, "SHA-256 of a small message", "make a small message anew",
     1000, 5, NULL, 0},

#define CODEC(i, name)                                                                         \
    {name ": memcpy", run_memcpy, (i)*2, NULL, NULL, 0, 0, codec_len, 0},                      \
        {name ": encode", run_encode, (i)*2, name ": memcpy", NULL, 0, 0, codec_len, 0},       \
        {name ": decode", run_decode, (i)*2, name ": memcpy", NULL, 0, 0, codec_len, 0},       \
        {name ", 1 MiB: memcpy", run_memcpy, (i)*2 + 1, NULL, NULL, 0, 0, codec_len, 0},       \
        {name ", 1 MiB: encode",                                                               \
         run_encode,                                                                           \
         (i)*2 + 1,                                                                            \
         name ", 1 MiB: memcpy",                                                               \
         NULL,                                                                                 \
         0,                                                                                    \
         0,                                                                                    \
         codec_len,                                                                            \
         0},                                                                                   \
    {                                                                                          \
        name ", 1 MiB: decode", run_decode, (i)*2 + 1, name ", 1 MiB: memcpy", NULL, 0, 0,     \
            codec_len, 0                                                                       \
    }
    CODEC(0, "structured"),
    CODEC(1, "httpsig"),
    CODEC(2, "flat"),
    CODEC(3, "json"),
    CODEC(4, "ans104"),
#undef CODEC

    {"LMDB alone: get 1 KiB", run_raw_get, 0, NULL, NULL, 0, 0, store_len, 0},
    {"lmdb: get 1 KiB", run_get, 0, "LMDB alone: get 1 KiB", NULL, 0, 2, store_len, 0},
    {"files: get 1 KiB", run_get, 2, "LMDB alone: get 1 KiB", NULL, 0, 0, store_len, 0},
    {"memory: get 1 KiB", run_get, 4, "LMDB alone: get 1 KiB", NULL, 0, 0, store_len, 0},
    {"LMDB alone: get 1 MiB", run_raw_get, 1, NULL, NULL, 0, 0, store_len, 0},
    {"lmdb: get 1 MiB", run_get, 1, "LMDB alone: get 1 MiB", NULL, 0, 2, store_len, 0},
    {"files: get 1 MiB", run_get, 3, "LMDB alone: get 1 MiB", NULL, 0, 0, store_len, 0},
    {"memory: get 1 MiB", run_get, 5, "LMDB alone: get 1 MiB", NULL, 0, 0, store_len, 0},

    {"LMDB alone: put 1 KiB", run_raw_put, 0, NULL, NULL, 0, 0, store_len, 20},
    {"lmdb: put 1 KiB", run_put, 0, "LMDB alone: put 1 KiB", NULL, 0, 0, store_len, 20},
    {"files: put 1 KiB", run_put, 2, "LMDB alone: put 1 KiB", NULL, 0, 0, store_len, 20},
    {"memory: put 1 KiB", run_put, 4, "LMDB alone: put 1 KiB", NULL, 0, 0, store_len, 0},
    {"LMDB alone: put 1 MiB", run_raw_put, 1, NULL, NULL, 0, 0, store_len, 5},
    {"lmdb: put 1 MiB", run_put, 1, "LMDB alone: put 1 MiB", NULL, 0, 0, store_len, 5},
    {"files: put 1 MiB", run_put, 3, "LMDB alone: put 1 MiB", NULL, 0, 0, store_len, 5},
    {"memory: put 1 MiB", run_put, 5, "LMDB alone: put 1 MiB", NULL, 0, 0, store_len, 0},
};
#define ROWS (sizeof rows / sizeof rows[0])

static double clock_ns(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double now_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

double wall_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
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

/* Also what another row that is wanted stands beside. */
static bool is_wanted(const bench_options *opt, size_t i)
{
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
        n[i] = opt->is_quick || !is_wanted(opt, i) ? 3 : calibrate(b, &rows[i]);
    for (unsigned r = 0; r < opt->runs; r++) {
        for (size_t i = 0; i < ROWS; i++) {
            if (!is_wanted(opt, i))
                continue;
            times[i][r] = rows[i].run(b, rows[i].which, n[i]) / (double)n[i];
            if (rows[i].minus)
                times[i][r] -= times[row_find(rows[i].minus)][r];
        }
    }
}

/* ---- Report ---- */

static void print_head(const bench_options *opt)
{
    report_host();
    (void)printf("runs:     %u of each, in turn\n\n", opt->runs);
    (void)printf("%-28s %9s %9s %9s %-4s %8s %7s  %s\n", "", "median", "least", "most", "unit",
                 "x bound", "MB/s", "goal");
}

static double median(size_t i, unsigned runs)
{
    return times[i][runs / 2];
}

static void print_goal(const row *r, double ns, double bound)
{
    double limit = r->goal_ratio > 0 ? r->goal_ratio * bound + r->goal_ns : r->goal_ns;

    if (limit <= 0)
        return;
    (void)printf("  ");
    if (r->goal_ratio > 0)
        (void)printf("< %.0f x", r->goal_ratio);
    if (r->goal_ns > 0)
        (void)printf("%s%.0f ns", r->goal_ratio > 0 ? " + " : "< ", r->goal_ns);
    (void)printf(": %s", ns < limit ? "met" : "missed");
}

static void print_row(const bench *b, size_t i, unsigned runs)
{
    const row *r = &rows[i];
    double ns = median(i, runs), bound = r->beside ? median(row_find(r->beside), runs) : 0;
    double unit = ns < 10e3 ? 1 : ns < 1e6 ? 1e3 : 1e6;

    (void)printf("%-28s %9.2f %9.2f %9.2f %-4s", r->name, ns / unit, times[i][0] / unit,
                 times[i][runs - 1] / unit,
                 unit < 1e3   ? "ns"
                 : unit < 1e6 ? "us"
                              : "ms");
    if (bound > 0)
        (void)printf(" %8.1f", ns / bound);
    else
        (void)printf(" %8s", "");
    if (r->len)
        (void)printf(" %7.0f", (double)r->len(b, r->which) / ns * 1e3);
    else
        (void)printf(" %7s", "");
    print_goal(r, ns, bound);
    (void)printf("\n");
}

static void report(const bench *b, const bench_options *opt)
{
    print_head(opt);
    for (size_t i = 0; i < ROWS; i++)
        report_sort(times[i], opt->runs);
    for (size_t i = 0; i < ROWS; i++) {
        if (is_wanted(opt, i))
            print_row(b, i, opt->runs);
    }
}

int main(int argc, char **argv)
{
    bench b = {0};
    beamr_error err = {0};
    bench_options opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX};

    if (!bench_options_read(&opt, argc, argv))
        return 2;
    check(ao_context_new(NULL, &b.context, &err), &err);
    messages_make(&b);
    stores_open(&b);
    measure(&b, &opt);
    report(&b, &opt);
    stores_close(&b);
    messages_clear(&b);
    ao_context_free(b.context);
    return 0;
}
