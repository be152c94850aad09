/* How fast is the interpreter, against native code?
 * Runs each kernel (kernels.h) compiled natively, and in the interpreter from a module with
 * 32-bit and from one with 64-bit addresses, all in turn, and compares medians. Uses the public
 * interface only, and fails when two of the three disagree about a checksum.
 * Usage: interp [--runs N] [--only TEXT] [--quick] KERNELS32.wasm KERNELS64.wasm */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "beamr/beamr.h"
#include "kernels.h"
#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 5, RUNS_MAX = 1000 };

/* The ways in which a kernel is run. */
enum { NATIVE, WASM32, WASM64, WAYS };

static const char *const way_names[WAYS] = {"native", "wasm32", "wasm64"};

typedef struct kernel {
    const char *name;
    const char *export;
    uint64_t (*native)(uint32_t size);
    uint32_t size, quick_size;
    const char *what;
} kernel;

static const kernel kernels[] = {
#define X(name, size, quick, what) {#name, "kernel_" #name, kernel_##name, size, quick, what},
    KERNELS(X)
#undef X
};

#define KERNEL_COUNT (sizeof kernels / sizeof kernels[0])

typedef struct options {
    const char *paths[WAYS]; /* of the modules */
    bench_options shared;
} options;

typedef struct bench {
    options opt;
    beamr_engine *engine;
    beamr_store *store;
    beamr_instance *instances[WAYS];
    double log_ratios[WAYS]; /* sums over kernels */
    unsigned kernels_run;
} bench;

/* ---- Time ---- */

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

typedef struct summary {
    double median;
    double spread; /* largest - smallest, in percent of the median */
} summary;

/* Sorts the times. */
static summary summarise(double *times, unsigned count)
{
    summary s;

    report_sort(times, count);
    s.median = (times[(count - 1) / 2] + times[count / 2]) / 2;
    s.spread = (times[count - 1] - times[0]) / s.median * 100;
    return s;
}

/* ---- Running ---- */

static beamr_status instance_open(bench *b, int way, beamr_error *err)
{
    static uint8_t bytes[1 << 20];
    beamr_module *module = NULL;
    FILE *file = fopen(b->opt.paths[way], "rbe");
    size_t len;
    beamr_status st;

    if (!file)
        return beamr_fail(err, BEAMR_IO, 0, "%s cannot be opened", b->opt.paths[way]);
    len = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    st = beamr_module_load(b->engine, (beamr_bytes){bytes, len}, &module, err);
    if (st == BEAMR_OK)
        st = beamr_instance_new(b->store, module, NULL, 0, &b->instances[way], err);
    beamr_module_unref(module);
    return st;
}

/* Run a kernel once.
 *   checksum  what it returned
 *   ms        how long it took */
static beamr_status kernel_run(bench *b, const kernel *k, int way, uint64_t *checksum,
                               double *ms, beamr_error *err)
{
    uint32_t size = b->opt.shared.is_quick ? k->quick_size : k->size;
    beamr_value arg = beamr_i32((int32_t)size), result;
    beamr_func *func = NULL;
    beamr_status st = BEAMR_OK;
    double begin;

    if (way != NATIVE && !(func = beamr_instance_find_func(b->instances[way], k->export)))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "%s has no export %s", b->opt.paths[way],
                          k->export);
    begin = now_ms();
    if (way == NATIVE)
        result = beamr_i64((int64_t)k->native(size));
    else
        st = beamr_func_call(func, &arg, 1, &result, 1, err);
    *ms = now_ms() - begin;
    if (st == BEAMR_OK)
        *checksum = (uint64_t)result.of.i64;
    return st;
}

/* Run a kernel once in each way, round after round. One round before is not measured.
 *   times  by way and round */
static beamr_status kernel_measure(bench *b, const kernel *k, double (*times)[RUNS_MAX],
                                   beamr_error *err)
{
    uint64_t native = 0;

    for (unsigned round = 0; round <= b->opt.shared.runs; round++) {
        for (int way = 0; way < WAYS; way++) {
            uint64_t checksum = 0;
            double ms = 0;
            beamr_status st = kernel_run(b, k, way, &checksum, &ms, err);

            if (st != BEAMR_OK)
                return st;
            if (way == NATIVE)
                native = checksum;
            if (checksum != native)
                return beamr_fail(err, BEAMR_IO, 0,
                                  "%s: %s gives 0x%" PRIx64 ", native code 0x%" PRIx64, k->name,
                                  way_names[way], checksum, native);
            if (round)
                times[way][round - 1] = ms;
        }
    }
    return BEAMR_OK;
}

static beamr_status kernel_report(bench *b, const kernel *k, beamr_error *err)
{
    static double times[WAYS][RUNS_MAX];
    summary s[WAYS];
    beamr_status st = kernel_measure(b, k, times, err);

    if (st != BEAMR_OK)
        return st;
    for (int way = 0; way < WAYS; way++)
        s[way] = summarise(times[way], b->opt.shared.runs);
    (void)printf("%-10s %8.2f %4.0f%%", k->name, s[NATIVE].median, s[NATIVE].spread);
    for (int way = WASM32; way < WAYS; way++) {
        double ratio = s[way].median / s[NATIVE].median;

        (void)printf("  %9.1f %4.0f%% %6.1f", s[way].median, s[way].spread, ratio);
        b->log_ratios[way] += log(ratio);
    }
    (void)printf("  %u %s\n", b->opt.shared.is_quick ? k->quick_size : k->size, k->what);
    (void)fflush(stdout);
    b->kernels_run++;
    return BEAMR_OK;
}

/* ---- Report ---- */

static void print_head(const bench *b)
{
    report_host();
    (void)printf("kernels:  %s\n", BENCH_KERNEL_COMPILER);
    (void)printf("beamr:    %s\n", beamr_version());
    (void)printf("runs:     %u of each, in turn, after one that is not measured\n",
                 b->opt.shared.runs);
    (void)printf("time:     median in ms; spread: (largest - smallest) / median; ratio: to the "
                 "native median\n\n");
    (void)printf("%-10s %8s %5s", "kernel", "native", "spr.");
    for (int way = WASM32; way < WAYS; way++)
        (void)printf("  %9s %5s %6s", way_names[way], "spr.", "ratio");
    (void)printf("  size\n");
}

static void print_means(const bench *b)
{
    double n = b->kernels_run;

    (void)printf("\ngeometric mean of the ratios: wasm32 %.2f, wasm64 %.2f, both %.2f\n",
                 exp(b->log_ratios[WASM32] / n), exp(b->log_ratios[WASM64] / n),
                 exp((b->log_ratios[WASM32] + b->log_ratios[WASM64]) / (2 * n)));
}

static beamr_status bench_run(bench *b, beamr_error *err)
{
    beamr_status st;

    if ((st = beamr_engine_new(NULL, &b->engine, err)) != BEAMR_OK)
        return st;
    if ((st = beamr_store_new(b->engine, NULL, &b->store, err)) != BEAMR_OK)
        return st;
    for (int way = WASM32; way < WAYS; way++) {
        if ((st = instance_open(b, way, err)) != BEAMR_OK)
            return st;
    }
    print_head(b);
    for (size_t i = 0; i < KERNEL_COUNT; i++) {
        if (!bench_options_want(&b->opt.shared, kernels[i].name))
            continue;
        if ((st = kernel_report(b, &kernels[i], err)) != BEAMR_OK)
            return st;
    }
    if (!b->kernels_run)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "there is no kernel %s", b->opt.shared.only);
    print_means(b);
    return BEAMR_OK;
}

/* ---- Options ---- */

static bool options_read(int argc, char **argv, options *out)
{
    int way = WASM32;

    *out = (options){.shared = {.runs = RUNS_DEFAULT, .most = RUNS_MAX}};
    for (int i = 1; i < argc; i++) {
        if (argv[i][0] != '-' && way < WAYS)
            out->paths[way++] = argv[i];
        else if (!bench_options_take(&out->shared, argc, argv, &i))
            return false;
    }
    return way == WAYS;
}

int main(int argc, char **argv)
{
    bench b = {0};
    beamr_error err = {0};
    beamr_status st;

    if (!options_read(argc, argv, &b.opt)) {
        bench_options_usage(&b.opt.shared, "KERNELS32.wasm KERNELS64.wasm");
        return 2;
    }
    st = bench_run(&b, &err);
    beamr_store_free(b.store);
    beamr_engine_free(b.engine);
    if (st != BEAMR_OK)
        (void)fprintf(stderr, "interp: %s: %s\n", beamr_status_text(st), err.text);
    return st == BEAMR_OK ? 0 : 1;
}
