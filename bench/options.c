/* The shared options of benchmarks: options.h. */
#define _GNU_SOURCE /* program_invocation_short_name */
#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_runs(bench_options *o, const char *word)
{
    char *end;
    unsigned long n = strtoul(word, &end, 10);

    if (word[0] < '0' || word[0] > '9' || *end || n < 1 || n > o->most)
        return false;
    o->runs = (unsigned)n;
    return true;
}

bool bench_options_take(bench_options *options, int argc, char **argv, int *at)
{
    const char *word = argv[*at], *value = *at + 1 < argc ? argv[*at + 1] : NULL;

    if (strcmp(word, "--quick") == 0) {
        options->is_quick = true;
        options->runs = 1;
        return true;
    }
    if (!value)
        return false;
    if (strcmp(word, "--only") == 0)
        options->only = value;
    else if (strcmp(word, "--runs") != 0 || !read_runs(options, value))
        return false;
    ++*at;
    return true;
}

bool bench_options_read(bench_options *options, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (bench_options_take(options, argc, argv, &i))
            continue;
        bench_options_usage(options, "");
        return false;
    }
    return true;
}

void bench_options_usage(const bench_options *options, const char *more)
{
    (void)fprintf(stderr, "usage: %s [--runs 1-%u] [--only TEXT] [--quick]%s%s\n",
                  program_invocation_short_name, options->most, *more ? " " : "", more);
}

bool bench_options_want(const bench_options *options, const char *name)
{
    return !options->only || strstr(name, options->only);
}
