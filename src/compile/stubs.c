/* Stubs for what is left out: by several threads, since there may be as many as there are
 * functions, and quickly, since what they lead to is interpreted. */
#include <pthread.h>
#include <stdlib.h>

#include "compile/plan.h"
#include "compile/stubs.h"

#define STUBS_IN_UNIT 128u
#define THREADS_MAX 64u

typedef struct stub_run {
    const compile_job *job;
    const struct timespec *limit;
    uint32_t *list; /* defined functions */
    uint32_t count;
    compile_elf *units;
    pthread_mutex_t lock;
    uint32_t next; /* unit */
    beamr_status st;
    beamr_error err;
} stub_run;

static uint32_t unit_count(uint32_t stubs)
{
    return (stubs + STUBS_IN_UNIT - 1) / STUBS_IN_UNIT;
}

static beamr_status compile_one(const stub_run *r, uint32_t unit, compile_elf *out,
                                beamr_error *err)
{
    uint32_t first = unit * STUBS_IN_UNIT;
    compile_unit u;
    beamr_status st = compile_unit_init(&u, r->job, COMPILE_QUICK, err);

    if (st == BEAMR_OK) {
        for (uint32_t i = first; i < r->count && i < first + STUBS_IN_UNIT; i++)
            compile_stub_build(&u, r->job->m->func_imports + r->list[i]);
        st = compile_unit_emit(&u, COMPILE_QUICK, out, err);
    }
    compile_unit_clear(&u);
    return st;
}

static bool is_past(const struct timespec *limit)
{
    struct timespec now;

    if (!limit)
        return false;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec > limit->tv_sec ||
           (now.tv_sec == limit->tv_sec && now.tv_nsec >= limit->tv_nsec);
}

static void *run(void *arg)
{
    stub_run *r = arg;

    pthread_mutex_lock(&r->lock);
    while (r->st == BEAMR_OK && r->next < unit_count(r->count)) {
        uint32_t unit = r->next++;
        beamr_error err = {0};
        beamr_status st;

        pthread_mutex_unlock(&r->lock);
        st = compile_one(r, unit, &r->units[unit], &err);
        if (st == BEAMR_OK && is_past(r->limit))
            st = beamr_fail(&err, BEAMR_LIMIT, 0, "the time is over while stubs are made");
        pthread_mutex_lock(&r->lock);
        if (st != BEAMR_OK && r->st == BEAMR_OK) {
            r->st = st;
            r->err = err;
        }
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* This thread and some more, until all is done. */
static void run_all(stub_run *r)
{
    uint32_t wanted = r->job->options->threads, started = 0;
    pthread_t threads[THREADS_MAX];

    while (started + 1 < wanted && started + 1 < unit_count(r->count) &&
           started < THREADS_MAX && pthread_create(&threads[started], NULL, run, r) == 0)
        started++;
    (void)run(r);
    for (uint32_t i = 0; i < started; i++)
        (void)pthread_join(threads[i], NULL);
}

static bool needs_stub(uint8_t state)
{
    return (state & COMPILE_UNFIT) ||
           (state & (COMPILE_NEEDED | COMPILE_FOUND)) == COMPILE_NEEDED;
}

static uint32_t count_stubs(const uint8_t *state, uint32_t functions)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < functions; i++)
        count += needs_stub(state[i]);
    return count;
}

uint32_t compile_stubs_units(const uint8_t *state, uint32_t functions)
{
    return unit_count(count_stubs(state, functions));
}

beamr_status compile_stubs_make(const compile_job *job, const uint8_t *state,
                                const struct timespec *limit, compile_elf *units,
                                beamr_error *err)
{
    uint32_t functions = job->m->func_count - job->m->func_imports;
    stub_run r = {.job = job, .limit = limit, .units = units};

    r.list = malloc(((size_t)functions + 1) * sizeof *r.list);
    if (!r.list)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for stubs");
    for (uint32_t i = 0; i < functions; i++) {
        if (needs_stub(state[i]))
            r.list[r.count++] = i;
    }
    pthread_mutex_init(&r.lock, NULL);
    run_all(&r);
    pthread_mutex_destroy(&r.lock);
    free(r.list);
    if (r.st != BEAMR_OK && err && err->status == BEAMR_OK)
        *err = r.err;
    return r.st;
}
