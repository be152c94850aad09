/* Runs modules in both tiers, interpreted and as native code, and compares all that they do:
 * random ones of the generator that the fuzz targets use, or files.
 *
 * usage: diff_tiers [--seed N] [--count N] [--jobs N] [--tier native|interpret] [--out FOLDER]
 *                   [--shrink] [--verbose] [--module FILE...]
 *        diff_tiers --tape N
 *
 * Each seed is a module and a way of running it. A difference is printed with its seed, and the
 * module written to FOLDER/<seed>.wasm; --shrink then makes it smaller. With --tier interpret
 * the second engine interprets too, with and without guards and metering the other way round.
 * --jobs 0 runs in this process, for a debugger.
 * --tape writes the random bytes of a seed, for other generators.
 * Exit code: 0 all the same, 1 differences, 2 usage. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "fuzz.h"
#include "shrink.h"
#include "workers.h"

typedef struct options {
    uint64_t seed, count;
    unsigned jobs;
    bool native, shrink, verbose;
    bool tape;
    const char *out;
    char **files;
    size_t file_count;
} options;

static uint8_t room[GENERATE_ROOM];
static char report[4096];

static int usage(void)
{
    (void)fprintf(stderr, "usage: diff_tiers [--seed N] [--count N] [--jobs N] "
                          "[--tier native|interpret] [--out FOLDER] [--shrink] [--verbose] "
                          "[--module FILE...]\n       diff_tiers --tape N\n");
    return 2;
}

static bool read_number(const char *text, uint64_t *out)
{
    char *end;

    errno = 0;
    *out = strtoull(text, &end, 10);
    return errno == 0 && *text && !*end;
}

static bool read_option(options *o, int *i, int argc, char **argv)
{
    const char *name = argv[*i], *value = *i + 1 < argc ? argv[*i + 1] : NULL;
    uint64_t n = 0;

    if (strcmp(name, "--shrink") == 0)
        return o->shrink = true;
    if (strcmp(name, "--verbose") == 0)
        return o->verbose = true;
    if (!value)
        return false;
    ++*i;
    if (strcmp(name, "--tape") == 0)
        o->tape = true;
    if (o->tape || strcmp(name, "--seed") == 0)
        return read_number(value, &o->seed);
    if (strcmp(name, "--count") == 0)
        return read_number(value, &o->count);
    if (strcmp(name, "--jobs") == 0 && read_number(value, &n) && n <= 64) {
        o->jobs = (unsigned)n;
        return true;
    }
    if (strcmp(name, "--tier") == 0) {
        o->native = strcmp(value, "native") == 0;
        return o->native || strcmp(value, "interpret") == 0;
    }
    if (strcmp(name, "--out") == 0) {
        o->out = value;
        return true;
    }
    if (strcmp(name, "--module") == 0) {
        o->files = &argv[*i];
        o->file_count = (size_t)(argc - *i);
        *i = argc;
        return true;
    }
    return false;
}

static bool read_options(options *o, int argc, char **argv)
{
    *o = (options){.seed = 1, .count = 100, .jobs = 2, .native = true, .out = "."};
    for (int i = 1; i < argc; i++)
        if (!read_option(o, &i, argc, argv))
            return false;
    if (o->file_count)
        o->count = o->file_count;
    return true;
}

static void write_file(const options *o, uint64_t seed, const char *kind, const uint8_t *data,
                       size_t len)
{
    char path[512];
    FILE *f;

    (void)mkdir(o->out, 0777);
    (void)snprintf(path, sizeof path, "%s/%" PRIu64 "%s.wasm", o->out, seed, kind);
    f = fopen(path, "wb");
    if (!f || fwrite(data, 1, len, f) != len || fclose(f) != 0)
        (void)fprintf(stderr, "%s: cannot be written\n", path);
    else
        (void)fprintf(stderr, "  module: %s (%zu bytes)\n", path, len);
}

/* ---- Files ---- */

static bool file_job(void *user, uint64_t number, pair_stats *stats)
{
    const options *o = user;
    const char *path = o->files[number - o->seed];
    FILE *f = fopen(path, "rb");
    diff_setup setup;
    uint8_t *data = malloc(1u << 26);
    size_t len;
    pair_verdict verdict;

    if (!f || !data) {
        (void)fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    len = fread(data, 1, 1u << 26, f);
    (void)fclose(f);
    tape_setup(number, &setup);
    setup.is_known_valid = setup.run.must_load = false;
    setup.run.limits = 7; /* enough for what binaryen makes */
    verdict =
        pair_run((beamr_bytes){data, len}, &setup, o->native, stats, report, sizeof report);
    free(data);
    if (verdict == PAIR_DIFFERENT)
        (void)fprintf(stderr, "%s (seed %" PRIu64 "): differs\n%s", path, number, report);
    else if (o->verbose)
        (void)fprintf(stderr, "%s: %s\n", path, verdict == PAIR_SAME ? report : "refused");
    return verdict != PAIR_DIFFERENT;
}

static void file_lost(void *user, uint64_t number, const char *what)
{
    const options *o = user;

    (void)fprintf(stderr, "%s (seed %" PRIu64 "): %s\n", o->files[number - o->seed], number,
                  what);
}

/* ---- Seeds ---- */

static size_t module_of(uint64_t seed)
{
    static diff_tape tape;
    size_t len;

    tape_fill(seed, &tape);
    len = generate_module(tape.bytes, tape.len, room);
    FUZZ_CHECK(len > 0);
    return len;
}

static bool seed_job(void *user, uint64_t seed, pair_stats *stats)
{
    const options *o = user;
    diff_setup setup;
    size_t len = module_of(seed);

    tape_setup(seed, &setup);
    if (pair_run((beamr_bytes){room, len}, &setup, o->native, stats, report, sizeof report) !=
        PAIR_DIFFERENT)
        return true;
    (void)fprintf(stderr, "seed %" PRIu64 ": differs (%s%s%s)\n%s", seed,
                  setup.metering ? "metered" : "unmetered",
                  setup.unguarded ? ", unguarded" : "", setup.checks ? ", checks" : "", report);
    write_file(o, seed, "", room, len);
    return false;
}

static void seed_lost(void *user, uint64_t seed, const char *what)
{
    const options *o = user;

    (void)fprintf(stderr, "seed %" PRIu64 ": %s\n", seed, what);
    write_file(o, seed, "", room, module_of(seed));
}

static int write_tape(uint64_t seed)
{
    static diff_tape tape;

    tape_fill(seed, &tape);
    return fwrite(tape.bytes, 1, tape.len, stdout) == tape.len && fflush(stdout) == 0 ? 0 : 2;
}

/* Make the module of the one seed asked for smaller. */
static void shrink_seed(const options *o)
{
    size_t len = shrink(o->seed, o->native, room);

    if (len)
        write_file(o, o->seed, "-small", room, len);
    else
        (void)fprintf(stderr, "seed %" PRIu64 ": does not differ\n", o->seed);
}

int main(int argc, char **argv)
{
    options o;
    worker_plan plan = {.seconds = 30, .max_failures = 20};
    static pair_stats stats;
    struct timespec begin, end;
    uint64_t failures;

    if (!read_options(&o, argc, argv))
        return usage();
    if (o.tape)
        return write_tape(o.seed);
    plan.job = o.file_count ? file_job : seed_job;
    plan.lost = o.file_count ? file_lost : seed_lost;
    plan.user = &o;
    plan.first = o.seed;
    plan.count = o.count;
    plan.processes = o.jobs;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    failures = workers_run(&plan, &stats);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    pair_stats_print(&stats);
    printf("seeds %" PRIu64 " to %" PRIu64 ": %" PRIu64 " differ; %.1f s\n", o.seed,
           o.seed + o.count - 1, failures,
           (double)(end.tv_sec - begin.tv_sec) + 1e-9 * (double)(end.tv_nsec - begin.tv_nsec));
    if (o.shrink && failures && o.count == 1 && !o.file_count)
        shrink_seed(&o);
    return failures ? 1 : 0;
}
