/* The timer of an engine: a thread that waits for the first of all deadlines and then sets
 * ABI_DEADLINE in the store's interrupt word, which guests poll. What the bit does is up to
 * rt_store_poll.  See docs/internals/interrupts.md.
 *
 * Deadlines stand in a binary heap, and each store knows its place there, so setting, moving
 * and taking back are logarithmic. The thread is woken only for a deadline that is earlier than
 * the time at which it wakes up anyway: one that is set before each call and taken back after
 * it costs no switch of threads. It then may wake up for nothing, once. */
#include "runtime/deadline.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/thread.h"
#include "runtime/engine.h"

#define NS_PER_S UINT64_C(1000000000)
#define NEVER UINT64_MAX
/* Beyond the least stack: what a sanitizer or a tracer may want. */
#define THREAD_STACK_EXTRA ((size_t)64 << 10)

static uint64_t now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

/* ---- The heap ---- */

static void heap_put(rt_timer *t, size_t i, rt_deadline d)
{
    t->heap[i] = d;
    d.store->deadline_place = i + 1;
}

/* Put `d` at the free place `i`, or above it. */
static void heap_rise(rt_timer *t, size_t i, rt_deadline d)
{
    while (i > 0 && t->heap[(i - 1) / 2].at > d.at) {
        heap_put(t, i, t->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_put(t, i, d);
}

/* Put `d` at the free place `i`, or below it. */
static void heap_sink(rt_timer *t, size_t i, rt_deadline d)
{
    size_t child;

    while ((child = 2 * i + 1) < t->count) {
        if (child + 1 < t->count && t->heap[child + 1].at < t->heap[child].at)
            child++;
        if (t->heap[child].at >= d.at)
            break;
        heap_put(t, i, t->heap[child]);
        i = child;
    }
    heap_put(t, i, d);
}

static void heap_move(rt_timer *t, size_t i, rt_deadline d)
{
    if (i > 0 && t->heap[(i - 1) / 2].at > d.at)
        heap_rise(t, i, d);
    else
        heap_sink(t, i, d);
}

/* Accepts a store that is not in the heap. */
static void heap_remove(rt_timer *t, abi_store *s)
{
    size_t i = s->deadline_place;

    if (i-- == 0)
        return;
    s->deadline_place = 0;
    if (i != --t->count)
        heap_move(t, i, t->heap[t->count]);
}

static bool heap_reserve(rt_timer *t)
{
    size_t room = t->room ? t->room * 2 : 16;
    rt_deadline *heap;

    if (t->count < t->room)
        return true;
    if (!(heap = realloc(t->heap, room * sizeof *heap)))
        return false;
    t->heap = heap;
    t->room = room;
    return true;
}

/* ---- The thread ---- */

static void bit_set(abi_store *s)
{
    atomic_fetch_or_explicit(&s->interrupt, ABI_DEADLINE, memory_order_relaxed);
}

static void bit_clear(abi_store *s)
{
    atomic_fetch_and_explicit(&s->interrupt, ~(uint32_t)ABI_DEADLINE, memory_order_relaxed);
}

static void expire(rt_timer *t)
{
    uint64_t time = now();

    while (t->count > 0 && t->heap[0].at <= time) {
        abi_store *s = t->heap[0].store;

        heap_remove(t, s);
        bit_set(s);
    }
}

static void sleep_until(rt_timer *t, uint64_t at)
{
    struct timespec time = {(time_t)(at / NS_PER_S), (long)(at % NS_PER_S)};

    t->wakes_at = at;
    if (at == NEVER)
        (void)pthread_cond_wait(&t->changed, &t->lock);
    else
        (void)pthread_cond_timedwait(&t->changed, &t->lock, &time);
}

static void *timer_thread(void *arg)
{
    rt_timer *t = arg;

    (void)prctl(PR_SET_NAME, "beamr-deadline");
    (void)pthread_mutex_lock(&t->lock);
    while (!t->stop) {
        expire(t);
        sleep_until(t, t->count > 0 ? t->heap[0].at : NEVER);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return NULL;
}

static bool timer_start(rt_timer *t)
{
    if (!t->is_running)
        t->is_running = thread_start(&t->thread, THREAD_STACK_EXTRA, timer_thread, t);
    return t->is_running;
}

beamr_status rt_timer_init(rt_timer *t, beamr_error *err)
{
    pthread_condattr_t attr;
    bool done = false;

    *t = (rt_timer){.wakes_at = NEVER};
    if (pthread_mutex_init(&t->lock, NULL) != 0)
        goto fail;
    if (pthread_condattr_init(&attr) == 0) {
        done = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
               pthread_cond_init(&t->changed, &attr) == 0;
        (void)pthread_condattr_destroy(&attr);
    }
    if (done)
        return BEAMR_OK;
    (void)pthread_mutex_destroy(&t->lock);
fail:
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a timer");
}

void rt_timer_clear(rt_timer *t)
{
    if (t->is_running) {
        (void)pthread_mutex_lock(&t->lock);
        t->stop = true;
        (void)pthread_cond_signal(&t->changed);
        (void)pthread_mutex_unlock(&t->lock);
        (void)pthread_join(t->thread, NULL);
    }
    (void)pthread_cond_destroy(&t->changed);
    (void)pthread_mutex_destroy(&t->lock);
    free(t->heap);
}

/* ---- Deadlines ---- */

/* The kernel's clock is a signed number of nanoseconds: it never gets to the last. */
static uint64_t time_after(uint64_t ns)
{
    uint64_t time = now();

    return ns > (uint64_t)INT64_MAX - time ? (uint64_t)INT64_MAX : time + ns;
}

/* Put the store into the heap, or move it there. */
static beamr_status arm(rt_timer *t, abi_store *s, uint64_t at, beamr_error *err)
{
    size_t i = s->deadline_place;

    if (i == 0 && !heap_reserve(t))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a deadline");
    if (!timer_start(t))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no thread to watch deadlines");
    bit_clear(s);
    if (i > 0)
        heap_move(t, i - 1, (rt_deadline){at, s});
    else
        heap_rise(t, t->count++, (rt_deadline){at, s});
    if (at < t->wakes_at)
        (void)pthread_cond_signal(&t->changed);
    return BEAMR_OK;
}

beamr_status rt_deadline_set(abi_store *s, uint64_t ns, beamr_error *err)
{
    rt_timer *t = &s->engine->timer;
    beamr_status st = BEAMR_OK;

    (void)pthread_mutex_lock(&t->lock);
    if (ns > 0) {
        st = arm(t, s, time_after(ns), err);
    } else {
        heap_remove(t, s);
        bit_set(s);
    }
    (void)pthread_mutex_unlock(&t->lock);
    return st;
}

void rt_deadline_clear(abi_store *s)
{
    rt_timer *t = &s->engine->timer;

    (void)pthread_mutex_lock(&t->lock);
    heap_remove(t, s);
    bit_clear(s);
    (void)pthread_mutex_unlock(&t->lock);
}
