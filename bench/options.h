/* The options that all benchmarks with rows have.
 *
 *   --runs N     how often each row is measured
 *   --only TEXT  only rows with this text in their names
 *   --quick      one run of the least work: does it work at all? */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>

typedef struct bench_options {
    unsigned runs;    /* begin with the default */
    unsigned most;    /* runs that the program has room for */
    const char *only; /* NULL: all */
    bool is_quick;
} bench_options;

/* Take argv[*at] if it is one of these options; *at then stands at the last word of it.
 * Returns false for any other word, and for a value that is missing or none. */
bool bench_options_take(bench_options *options, int argc, char **argv, int *at);
/* Take the whole command line, of a program that has no other options; says how it is used if
 * there is something else. */
bool bench_options_read(bench_options *options, int argc, char **argv);
/* Say how the program is used.
 *   more  its own words behind these options; "" for none */
void bench_options_usage(const bench_options *options, const char *more);

bool bench_options_want(const bench_options *options, const char *name);

#endif
