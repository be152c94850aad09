/* Tables of rows: rows.h. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "report.h"

#define RUN_NS 20e6
#define QUICK 3 /* repetitions */
#define US 1e3
#define MS 1e6

static double clock_ns(clockid_t clock)
{
    struct timespec t;

    (void)clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double processor_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

double wall_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* ---- Which rows ---- */

static size_t row_find(const bench_table *t, const char *name)
{
    for (size_t i = 0; i < t->count; i++) {
        if (strcmp(t->rows[i].name, name) == 0)
            return i;
    }
    need(false, name);
    return 0;
}

static const char *missing(const bench *b, const bench_row *row)
{
    return row->missing ? row->missing(b, row) : NULL;
}

static bool is_named(const char *name, const bench_row *row)
{
    return name && strcmp(name, row->name) == 0;
}

/* Also what another row that is wanted stands beside, or less which it is. */
static bool is_wanted(const bench_table *t, const bench *b, const bench_row *row)
{
    if (missing(b, row))
        return false;
    if (bench_options_want(t->options, row->name))
        return true;
    for (size_t i = 0; i < t->count; i++) {
        const bench_row *other = &t->rows[i];

        if (bench_options_want(t->options, other->name) &&
            (is_named(other->beside, row) || is_named(other->minus, row)))
            return true;
    }
    return false;
}

/* ---- Measuring ---- */

static double *times_of(const bench_table *t, size_t i)
{
    return t->times + i * t->options->runs;
}

static uint64_t limit(const bench_row *row, uint64_t n)
{
    return row->at_most && n > row->at_most ? row->at_most : n;
}

/* How many repetitions take RUN_NS; finding out is the warm-up. */
static uint64_t calibrate(bench *b, const bench_row *row)
{
    uint64_t n = 1;
    double ns;

    while ((ns = row->run(b, row, n)) < RUN_NS / 4 && (!row->at_most || n < row->at_most))
        n *= ns < RUN_NS / 40 ? 8 : 2;
    return limit(row, (uint64_t)((double)n * RUN_NS / ns) + 1);
}

static void measure_row(bench_table *t, bench *b, size_t i, uint64_t n, unsigned run)
{
    const bench_row *row = &t->rows[i];
    double *time = &times_of(t, i)[run];

    *time = row->run(b, row, n) / (double)n;
    if (row->minus)
        *time -= times_of(t, row_find(t, row->minus))[run] *
                 (row->minus_share > 0 ? row->minus_share : 1);
}

void bench_table_measure(bench_table *table, bench *b)
{
    uint64_t *n = calloc(table->count, sizeof *n); /* 0: not wanted */
    bool has_any = false;

    table->times = calloc(table->count * table->options->runs, sizeof *table->times);
    need(n && table->times, "no memory for the times");
    for (size_t i = 0; i < table->count; i++) {
        const bench_row *row = &table->rows[i];

        has_any |= bench_options_want(table->options, row->name);
        if (is_wanted(table, b, row))
            n[i] = table->options->is_quick ? limit(row, QUICK) : calibrate(b, row);
    }
    need(has_any, "no row has that text in its name");
    for (unsigned run = 0; run < table->options->runs; run++)
        for (size_t i = 0; i < table->count; i++)
            if (n[i])
                measure_row(table, b, i, n[i], run);
    free(n);
}

/* ---- Report ---- */

static double median(const bench_table *t, size_t i)
{
    return times_of(t, i)[t->options->runs / 2];
}

static const char *unit_name(double unit)
{
    return unit < US ? "ns" : unit < MS ? "us" : "ms";
}

static void print_goal(const bench_row *row, double ns, double beside)
{
    double most = row->goal_ratio * beside + row->goal_ns;
    double unit = row->goal_ns < US * 1e2 ? 1 : row->goal_ns < MS ? US : MS;

    if (most <= 0)
        return;
    (void)printf("  < ");
    if (row->goal_ratio > 0)
        (void)printf("%.0f x%s", row->goal_ratio, row->goal_ns > 0 ? " + " : "");
    if (row->goal_ns > 0)
        (void)printf("%.0f %s", row->goal_ns / unit, unit_name(unit));
    (void)printf(": %s", ns < most ? "met" : "missed");
}

static void print_row(const bench_table *t, const bench *b, size_t i)
{
    const bench_row *row = &t->rows[i];
    const double *times = times_of(t, i);
    double ns = median(t, i);
    double beside = row->beside ? median(t, row_find(t, row->beside)) : 0;
    double unit = ns < US * 10 ? 1 : ns < MS ? US : MS;

    (void)printf("%-32s %9.2f %9.2f %9.2f %-2s %11.0f", row->name, ns / unit, times[0] / unit,
                 times[t->options->runs - 1] / unit, unit_name(unit), 1e9 / ns);
    if (beside > 0)
        (void)printf(" %8.2f", ns / beside);
    else
        (void)printf(" %8s", "");
    if (row->len)
        (void)printf(" %7.0f", (double)row->len(b, row) / ns * 1e3);
    else
        (void)printf(" %7s", "");
    print_goal(row, ns, beside);
    (void)printf("\n");
}

void bench_table_report(bench_table *table, const bench *b)
{
    (void)printf("runs:     %u of each, in turn\n\n", table->options->runs);
    (void)printf("%-32s %9s %9s %9s %-2s %11s %8s %7s  %s\n", "", "median", "least", "most", "",
                 "per second", "x beside", "MB/s", "goal");
    for (size_t i = 0; i < table->count; i++) {
        report_sort(times_of(table, i), table->options->runs);
        if (missing(b, &table->rows[i]))
            (void)printf("%-32s skipped (%s)\n", table->rows[i].name,
                         missing(b, &table->rows[i]));
    }
    for (size_t i = 0; i < table->count; i++) {
        if (is_wanted(table, b, &table->rows[i]))
            print_row(table, b, i);
    }
    free(table->times);
    table->times = NULL;
}
