/* How long do snapshot and restore take, beside memcpy of the same size?
 * A memory without a zero block is written to a buffer and restored from it, each into host
 * memory that is already there ("warm") and into new ("fresh", where page faults count), and so
 * is memcpy, all in turn; medians are compared. Uses the public interface only.
 * Usage: snapshot [--runs N] [--only TEXT] [--quick] */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "beamr/beamr.h"
#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 1000 };

typedef struct bench {
    beamr_engine *engine;
    beamr_module *module;
    beamr_store *store;
    beamr_instance *instance;
    size_t size;    /* bytes of memory */
    uint8_t *warm;  /* room for a snapshot */
    uint8_t *bytes; /* the snapshot */
    size_t len;
} bench;

static double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static uint8_t *map(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED) {
        perror("snapshot: mmap");
        exit(1);
    }
    return at;
}

/* ---- The guest: a module with nothing but a memory ---- */

static void open_module(bench *b)
{
    uint64_t pages = b->size / 65536;
    uint8_t wasm[18] = "\0asm\1\0\0\0\5\5\1\0"; /* one memory; its minimum in three bytes */
    beamr_error err = {0};

    wasm[12] = (uint8_t)(pages & 0x7f) | 0x80;
    wasm[13] = (uint8_t)(pages >> 7 & 0x7f) | 0x80;
    wasm[14] = (uint8_t)(pages >> 14 & 0x7f);
    check(beamr_module_load(b->engine, (beamr_bytes){wasm, 15}, &b->module, &err), &err);
}

static beamr_instance *instance_new(const bench *b, beamr_store **store)
{
    beamr_instance *inst = NULL;
    beamr_error err = {0};

    check(beamr_store_new(b->engine, NULL, store, &err), &err);
    check(beamr_instance_new(*store, b->module, NULL, 0, &inst, &err), &err);
    return inst;
}

static uint8_t *memory_of(const bench *b)
{
    return beamr_memory_data(beamr_instance_memory(b->instance, 0));
}

static void fill(const bench *b)
{
    uint64_t x = 88172645463325252u;
    uint8_t *at = memory_of(b);

    for (size_t i = 0; i < b->size; i += sizeof x) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(at + i, &x, sizeof x);
    }
}

static void bench_open(bench *b)
{
    beamr_error err = {0};

    check(beamr_engine_new(NULL, &b->engine, &err), &err);
    open_module(b);
    b->instance = instance_new(b, &b->store);
    fill(b);
    check(beamr_snapshot_save(b->instance, NULL, &b->bytes, &b->len, &err), &err);
    b->warm = map(b->len);
    memset(b->warm, 1, b->len);
}

static void bench_close(bench *b)
{
    (void)munmap(b->warm, b->len);
    beamr_snapshot_free(b->bytes);
    beamr_module_unref(b->module);
    beamr_store_free(b->store);
    beamr_engine_free(b->engine);
}

/* ---- What is measured; each returns milliseconds ---- */

static double copy_warm(const bench *b)
{
    double start = now_ms();

    memcpy(b->warm, memory_of(b), b->size);
    return now_ms() - start;
}

static double copy_fresh(const bench *b)
{
    double start = now_ms(), end;
    uint8_t *to = map(b->size);

    memcpy(to, memory_of(b), b->size);
    end = now_ms();
    (void)munmap(to, b->size);
    return end - start;
}

typedef struct cursor {
    uint8_t *at;
} cursor;

static beamr_status keep(void *user, uint64_t total, beamr_bytes piece, beamr_error *err)
{
    cursor *c = user;

    (void)total;
    (void)err;
    memcpy(c->at, piece.data, piece.len);
    c->at += piece.len;
    return BEAMR_OK;
}

static double snapshot_sink(const bench *b)
{
    cursor c = {b->warm};
    beamr_error err = {0};
    double start = now_ms();

    check(beamr_snapshot_write(b->instance, NULL, keep, &c, &err), &err);
    return now_ms() - start;
}

static double snapshot_warm(const bench *b)
{
    beamr_error err = {0};
    double start = now_ms();
    size_t len;

    check(beamr_snapshot_save_into(b->instance, NULL, b->warm, b->len, &len, &err), &err);
    return now_ms() - start;
}

static double snapshot_fresh(const bench *b)
{
    beamr_error err = {0};
    double start = now_ms(), end;
    uint8_t *data = NULL;
    size_t len = 0;

    check(beamr_snapshot_save(b->instance, NULL, &data, &len, &err), &err);
    end = now_ms();
    beamr_snapshot_free(data);
    return end - start;
}

static double restore_with(const bench *b, bool is_verified, bool is_fresh)
{
    beamr_snapshot_options options = {.is_verified = is_verified};
    beamr_store *store = NULL;
    beamr_instance *inst = is_fresh ? instance_new(b, &store) : b->instance;
    beamr_error err = {0};
    double start = now_ms(), end;

    check(beamr_snapshot_restore(inst, (beamr_bytes){b->bytes, b->len}, &options, &err), &err);
    end = now_ms();
    beamr_store_free(store);
    return end - start;
}

static double restore_warm(const bench *b)
{
    return restore_with(b, false, false);
}

static double restore_warm_verified(const bench *b)
{
    return restore_with(b, true, false);
}

static double restore_fresh(const bench *b)
{
    return restore_with(b, false, true);
}

static const struct {
    const char *name;
    double (*run)(const bench *b);
    unsigned beside; /* which memcpy it is compared with */
} subjects[] = {
    {"memcpy, warm", copy_warm, 0},
    {"memcpy, fresh", copy_fresh, 1},
    {"snapshot, warm", snapshot_warm, 0},
    {"snapshot, fresh", snapshot_fresh, 1},
    {"snapshot, warm, own sink", snapshot_sink, 0},
    {"restore, warm", restore_warm, 0},
    {"restore, warm, verified", restore_warm_verified, 0},
    {"restore, fresh", restore_fresh, 1},
};
#define SUBJECTS (sizeof subjects / sizeof subjects[0])

/* ---- Measuring ---- */

/* Those that others are compared with are always measured. */
static bool is_wanted(const bench_options *opt, size_t i)
{
    return i <= 1 || bench_options_want(opt, subjects[i].name);
}

static void measure(size_t size, const bench_options *opt)
{
    static double times[SUBJECTS][RUNS_MAX];
    unsigned runs = opt->runs;
    bench b = {.size = size};

    bench_open(&b);
    for (unsigned r = 0; r < runs; r++)
        for (size_t i = 0; i < SUBJECTS; i++)
            times[i][r] = is_wanted(opt, i) ? subjects[i].run(&b) : 0;
    bench_close(&b);
    for (size_t i = 0; i < SUBJECTS; i++)
        report_sort(times[i], runs);
    for (size_t i = 0; i < SUBJECTS; i++) {
        double median = times[i][runs / 2];

        if (!is_wanted(opt, i))
            continue;
        (void)printf("%4zu MiB  %-24s %9.2f ms  +-%3.0f %%  %5.2f x memcpy  %u runs\n",
                     size >> 20, subjects[i].name, median,
                     (times[i][runs - 1] - times[i][0]) / median * 50,
                     median / times[subjects[i].beside][runs / 2], runs);
    }
}

int main(int argc, char **argv)
{
    bench_options opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX};

    if (!bench_options_read(&opt, argc, argv))
        return 2;
    measure((size_t)12 << 20, &opt);
    if (!opt.is_quick)
        measure((size_t)256 << 20, &opt);
    return 0;
}
