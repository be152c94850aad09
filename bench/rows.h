/* Benchmarks that are tables: every row's function does one thing `n` times and says how long
 * that took; what repeats it, takes medians and prints them is here. Every row is run once,
 * round after round, so that a slow moment of the machine meets all of them; repetitions are
 * chosen so that a run takes 20 ms. One thread. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "options.h"

typedef struct bench bench; /* what rows work on: each program has its own */
typedef struct bench_row bench_row;

/* What a row stands beside, and what is subtracted from it, come before it. */
struct bench_row {
    const char *name;
    double (*run)(bench *b, const bench_row *row, uint64_t n); /* returns nanoseconds */
    int which;                                                 /* for `run`: which of several */
    const char *what;   /* for `run`: a name, as of an export */
    const char *beside; /* name of the row it is compared with; NULL for none */
    const char *minus;  /* name of the row whose time is not meant; NULL for none */
    double minus_share; /* how much of that; 0: all */
    double goal_ns;     /* 0: none; on top of `goal_ratio` if both are given */
    double goal_ratio;  /* to what it stands beside; 0: none */
    uint64_t at_most;   /* repetitions; 0: any */
    size_t (*len)(const bench *b, const bench_row *row); /* bytes, for MB/s; NULL for none */
    const char *(*missing)(const bench *b, const bench_row *row); /* why it is left out, or
                                                                     NULL; NULL: never */
};

/* A table: set `rows` and `count`, and the rest to zeros. */
typedef struct bench_table {
    const bench_row *rows;
    size_t count;
    const bench_options *options;
    double *times; /* options->runs for each row, ns for one repetition */
} bench_table;

/* Run what the options ask for, and what that needs. */
void bench_table_measure(bench_table *table, bench *b);
/* Print medians and what they come to, rows that are left out, and why. Frees the times. */
void bench_table_report(bench_table *table, const bench *b);

double processor_ns(void); /* of this thread */
double wall_ns(void);

#endif
