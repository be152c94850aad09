/* Compiling a module: parts of it are compiled by threads, one LLVM context each, until all are
 * done or the time is over; what is missing then, or does not fit, gets stubs; then all is
 * linked. See docs/internals/native.md. */
#define _GNU_SOURCE /* qsort_r */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "compile/link.h"
#include "compile/plan.h"
#include "compile/stubs.h"

#define THREADS_MAX 256u
#define THREAD_STACK (UINT64_C(16) << 20) /* LLVM recurses into what it compiles */

/* One compilation. Threads that are still inside LLVM when the time is over keep it until they
 * come back. */
typedef struct compile_run {
    compile_job job;
    compile_options options;
    compile_plan plan;
    compile_elf *units; /* by part; bytes NULL: not done */
    uint32_t *order;    /* in which parts are taken */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    uint32_t next;    /* in order */
    uint32_t workers; /* that run */
    uint32_t holders; /* workers, and the caller */
    bool is_over;     /* nobody wants more */
    beamr_status st;
    beamr_error err;
} compile_run;

uint32_t compile_host_arch(void)
{
#if defined(__aarch64__)
    return ABI_ARCH_AARCH64;
#else
    return ABI_ARCH_X86_64;
#endif
}

uint32_t compile_host_cpu(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("lzcnt") && __builtin_cpu_supports("movbe"))
        return ABI_CPU_X86_64_V3;
#endif
    return 0;
}

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for compiling");
}

/* ---- One part ---- */

static void build_functions(compile_run *w, compile_unit *u, const compile_part *part)
{
    uint32_t imports = w->job.m->func_imports;

    for (uint32_t i = part->first; i < part->first + part->count; i++) {
        if (w->plan.costs[i] != COMPILE_COST_TOO_HIGH)
            (void)compile_func_build(u, imports + i); /* else it is not FOUND later */
    }
}

static void build_thunks(compile_run *w, compile_unit *u, const compile_part *part)
{
    for (uint32_t i = part->first; i < part->first + part->count; i++) {
        if (w->plan.thunks[i])
            compile_thunk_build(u, i);
    }
}

static beamr_status compile_one(compile_run *w, const compile_part *part, compile_elf *out,
                                beamr_error *err)
{
    compile_unit u;
    beamr_status st = compile_unit_init(&u, &w->job, part->effort, err);

    if (st == BEAMR_OK) {
        if (part->is_thunks)
            build_thunks(w, &u, part);
        else
            build_functions(w, &u, part);
        st = compile_unit_emit(&u, part->effort, out, err);
        out->first_func = part->first;
        out->func_count = part->is_thunks ? 0 : part->count;
    }
    compile_unit_clear(&u);
    return st;
}

/* ---- Threads ---- */

static void work_free(compile_run *w)
{
    for (uint32_t i = 0; w->units && i < w->plan.part_count; i++)
        free(w->units[i].bytes);
    free(w->units);
    free(w->order);
    compile_plan_clear(&w->plan);
    pthread_mutex_destroy(&w->lock);
    pthread_cond_destroy(&w->changed);
    free(w);
}

/* The lock is held, and given back. */
static void work_release(compile_run *w)
{
    bool is_last = --w->holders == 0;

    pthread_mutex_unlock(&w->lock);
    if (is_last)
        work_free(w);
}

/* Take parts and compile them until there are none. */
static void *run_worker(void *arg)
{
    compile_run *w = arg;

    pthread_mutex_lock(&w->lock);
    while (!w->is_over && w->st == BEAMR_OK && w->next < w->plan.part_count) {
        uint32_t part = w->order[w->next++];
        compile_elf elf = {0};
        beamr_error err = {0};
        beamr_status st;

        pthread_mutex_unlock(&w->lock);
        st = compile_one(w, &w->plan.parts[part], &elf, &err);
        pthread_mutex_lock(&w->lock);
        if (st != BEAMR_OK && w->st == BEAMR_OK) {
            w->st = st;
            w->err = err;
        }
        if (w->is_over || st != BEAMR_OK)
            free(elf.bytes);
        else
            w->units[part] = elf;
    }
    w->workers--;
    pthread_cond_signal(&w->changed);
    work_release(w);
    return NULL;
}

/* The lock is held. */
static bool start_worker(compile_run *w)
{
    pthread_attr_t attr;
    pthread_t thread;
    int failure;

    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, THREAD_STACK);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    failure = pthread_create(&thread, &attr, run_worker, w);
    pthread_attr_destroy(&attr);
    if (failure)
        return false;
    w->workers++;
    w->holders++;
    return true;
}

/* Compile all parts, or what can be done by `deadline` (CLOCK_MONOTONIC; NULL: no limit). */
static beamr_status run_parts(compile_run *w, const struct timespec *deadline, beamr_error *err)
{
    uint32_t threads = w->options.threads < THREADS_MAX ? w->options.threads : THREADS_MAX;
    beamr_status st;

    pthread_mutex_lock(&w->lock);
    for (uint32_t i = 0; i < threads && i < w->plan.part_count; i++) {
        if (!start_worker(w) && i == 0)
            w->st = beamr_fail(&w->err, BEAMR_NO_MEMORY, 0, "no thread can be started");
    }
    while (w->workers > 0) {
        if (!deadline)
            pthread_cond_wait(&w->changed, &w->lock);
        else if (pthread_cond_timedwait(&w->changed, &w->lock, deadline) == ETIMEDOUT)
            break;
    }
    w->is_over = true;
    if ((st = w->st) != BEAMR_OK && err && err->status == BEAMR_OK)
        *err = w->err;
    pthread_mutex_unlock(&w->lock);
    return st;
}

/* ---- What is left out ---- */

/* Functions of which there is code that fits. */
static bool is_compiled(uint8_t state)
{
    return (state & (COMPILE_FOUND | COMPILE_UNFIT)) == COMPILE_FOUND;
}

static beamr_status survey(compile_run *w, uint8_t *state, beamr_error *err)
{
    for (uint32_t i = 0; i < w->plan.part_count; i++) {
        if (w->units[i].bytes)
            BEAMR_TRY(compile_survey(&w->job, &w->units[i], state, err));
    }
    return BEAMR_OK;
}

/* Can what was compiled be used? Tail calls between a compiled function and one that is left
 * out would let the native stack grow without end; without thunks nothing can be entered. */
static bool is_usable(const compile_run *w, const uint8_t *state)
{
    uint32_t count = w->job.m->func_count - w->job.m->func_imports;

    if (w->job.tail_words == COMPILE_TOO_MANY_WORDS)
        return false;
    for (uint32_t i = 0; i < w->plan.part_count; i++) {
        if (w->plan.parts[i].is_thunks && !w->units[i].bytes)
            return false;
    }
    for (uint32_t i = 0; w->job.tails && i < count; i++) {
        if (w->plan.tails[i] && !is_compiled(state[i]))
            return false;
    }
    return true;
}

static void drop_units(compile_elf *units, uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < count; i++)
        free(units[i].bytes);
}

/* Units that are done, and stubs, in the order of the object; nothing if that cannot be used,
 * or the time is over before the last stub is made. out       room for all borrowed  bytes of
 * those up to here are the run's, the others the caller's */
static beamr_status collect(compile_run *w, const uint8_t *state, const struct timespec *limit,
                            compile_elf *out, uint32_t *borrowed, uint32_t *count,
                            beamr_error *err)
{
    uint32_t functions = w->job.m->func_count - w->job.m->func_imports;
    beamr_error why = {0};
    beamr_status st;

    *count = *borrowed = 0;
    if (!is_usable(w, state))
        return BEAMR_OK;
    for (uint32_t i = 0; i < w->plan.part_count; i++) {
        if (w->units[i].bytes)
            out[(*count)++] = w->units[i];
    }
    *borrowed = *count;
    *count += compile_stubs_units(state, functions);
    st = compile_stubs_make(&w->job, state, limit, out + *borrowed, &why);
    if (st == BEAMR_LIMIT) {
        drop_units(out, *borrowed, *count);
        *count = *borrowed = 0;
        return BEAMR_OK;
    }
    if (st != BEAMR_OK && err && err->status == BEAMR_OK)
        *err = why;
    return st;
}

/* ---- The whole ---- */

static beamr_status link_and_write(compile_run *w, const uint8_t id[32], uint8_t *state,
                                   const struct timespec *limit, uint8_t **out, size_t *size,
                                   beamr_error *err)
{
    uint32_t functions = w->job.m->func_count - w->job.m->func_imports;
    uint32_t room = w->plan.part_count + compile_stubs_units(state, functions);
    uint32_t count = 0, borrowed = 0;
    compile_elf *units = calloc((size_t)room + 1, sizeof *units);
    compile_image image = {0};
    beamr_status st;

    if (!units)
        return fail_memory(err);
    if ((st = collect(w, state, limit, units, &borrowed, &count, err)) == BEAMR_OK) {
        if (count == 0) /* nothing of it: also no function that is only called by others */
            memset(state, 0, functions);
        st = compile_link(&w->job, units, count, state, &image, err);
    }
    if (st == BEAMR_OK)
        st = compile_object_write(&w->job, id, &image, out, size, err);
    compile_image_clear(&image);
    drop_units(units, borrowed, count);
    free(units);
    return st;
}

static beamr_status finish(compile_run *w, const uint8_t id[32], const struct timespec *limit,
                           uint8_t **out, size_t *size, beamr_error *err)
{
    uint8_t *state = calloc((size_t)w->job.m->func_count + 1, 1);
    beamr_status st;

    if (!state)
        return fail_memory(err);
    if ((st = survey(w, state, err)) == BEAMR_OK)
        st = link_and_write(w, id, state, limit, out, size, err);
    free(state);
    return st;
}

static int compare_sizes(const void *a, const void *b, void *arg)
{
    const compile_part *parts = arg, *x = &parts[*(const uint32_t *)a],
                       *y = &parts[*(const uint32_t *)b];

    if (x->is_thunks != y->is_thunks)
        return x->is_thunks ? -1 : 1;
    if (x->effort != y->effort)
        return x->effort < y->effort ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Thunks first, since nothing can be entered without them; then what is large, so that no
 * thread is left with it at the end; what may take too long comes last. */
static void order_parts(compile_run *w)
{
    for (uint32_t i = 0; i < w->plan.part_count; i++)
        w->order[i] = i;
    if (w->plan.part_count > 0)
        qsort_r(w->order, w->plan.part_count, sizeof *w->order, compare_sizes, w->plan.parts);
}

static beamr_status init_work(compile_run *w, const wb_module *m, beamr_error *err)
{
    BEAMR_TRY(compile_plan_make(&w->plan, m, err));
    w->units = calloc((size_t)w->plan.part_count + 1, sizeof *w->units);
    w->order = calloc((size_t)w->plan.part_count + 1, sizeof *w->order);
    if (!w->units || !w->order)
        return fail_memory(err);
    order_parts(w);
    w->job.m = m;
    w->job.options = &w->options;
    w->job.layout = abi_context_layout_of(m);
    w->job.guarded = !(w->options.flags & ABI_OBJECT_CHECKS);
    w->job.catches = abi_module_catches(m);
    w->job.tails = w->plan.has_tails;
    w->job.tail_words = compile_tail_words(&w->job);
    w->job.throws = w->plan.throws;
    return BEAMR_OK;
}

static compile_run *work_new(const compile_options *options)
{
    compile_run *w = calloc(1, sizeof *w);
    pthread_condattr_t attr;

    if (!w)
        return NULL;
    w->options = *options;
    w->holders = 1;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    return w;
}

static struct timespec after(struct timespec t, uint64_t ms)
{
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

beamr_status compile_module(const wb_module *m, const uint8_t id[32],
                            const compile_options *options, uint8_t **out, size_t *size,
                            beamr_error *err)
{
    uint64_t ms = options->time_ms;
    struct timespec now, deadline, limit;
    compile_run *w;
    beamr_status st;

    BEAMR_TRY(compile_llvm_start(options->arch, err));
    if (!(w = work_new(options)))
        return fail_memory(err);
    clock_gettime(CLOCK_MONOTONIC, &now);
    limit = after(now, ms);
    deadline = after(now, ms - ms / 4); /* the rest is for stubs and linking */
    st = init_work(w, m, err);
    if (st == BEAMR_OK)
        st = run_parts(w, ms ? &deadline : NULL, err);
    if (st == BEAMR_OK)
        st = finish(w, id, ms ? &limit : NULL, out, size, err);
    pthread_mutex_lock(&w->lock);
    work_release(w);
    return st;
}
