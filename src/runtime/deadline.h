/* Deadlines of stores: points in time after which what runs in a store ends as a trap. One
 * timer for each engine, whose thread begins with the first deadline and ends with the engine.
 * All functions may be called from any thread, but not from a signal handler. Nothing of it
 * survives a fork: in the child there is no such thread. */
#ifndef RUNTIME_DEADLINE_H
#define RUNTIME_DEADLINE_H

#include <pthread.h>

#include "abi/instance.h"

typedef struct rt_deadline {
    uint64_t at; /* ns of CLOCK_MONOTONIC */
    abi_store *store;
} rt_deadline;

/* Part of an engine. */
typedef struct rt_timer {
    pthread_mutex_t lock; /* guards all of this, and deadline_place of the engine's stores */
    pthread_cond_t changed;
    pthread_t thread;
    bool is_running;   /* there is a thread */
    bool stop;         /* it is to end */
    uint64_t wakes_at; /* when the thread looks at the heap by itself; UINT64_MAX: never */
    rt_deadline *heap; /* none is before its parent, at (index - 1) / 2 */
    size_t count;
    size_t room;
} rt_timer;

/* Errors: BEAMR_NO_MEMORY; nothing needs to be cleared then. */
beamr_status rt_timer_init(rt_timer *t, beamr_error *err);
/* End and join the thread; not in a call of that thread itself. No store is left. */
void rt_timer_clear(rt_timer *t);

/* Give the store a deadline, in place of the one that it has or that has passed.
 *   ns  from now; 0: it has passed already. Beyond the clock's range means never
 * Errors: BEAMR_NO_MEMORY, also when there can be no thread; nothing has changed then. */
beamr_status rt_deadline_set(abi_store *s, uint64_t ns, beamr_error *err);
/* Take the deadline back, also when it has passed. When the store goes, too. */
void rt_deadline_clear(abi_store *s);

#endif
