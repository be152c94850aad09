/* Threads for what takes longer than a callback may, as many as there are cores (thread.h); and
 * the clock that ends turns: of a callback after 200 us, of a thread of the pool after 5 ms if
 * others wait. Nothing of the emulator's is used here. Threads: everything may be called from
 * any thread. */
#ifndef DRIVER_POOL_H
#define DRIVER_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "beamr/error.h"

#define DRV_CALLBACK_NS 200000u /* a turn in a callback of the emulator's */
#define DRV_TURN_NS 5000000u    /* a turn in the pool, while others wait */

typedef struct drv_pool drv_pool;

/* Something to be done: part of the object that it is about. It may be submitted again while or
 * after it runs, but not while it stands in the queue. It begins as zeros, but for `run`. */
typedef struct drv_task {
    struct drv_task *next, **link; /* in the queue; link is NULL outside of it */
    void (*run)(struct drv_task *task);
} drv_task;

/* Errors: BEAMR_NO_MEMORY (no thread at all can be made). */
beamr_status drv_pool_new(BEAMR_OWN drv_pool **out, beamr_error *err);
/* Do all that was submitted, and what these submit in turn; then join the threads. */
void drv_pool_free(drv_pool *pool);

/* First come, first served. Cannot fail. */
void drv_pool_submit(drv_pool *pool, drv_task *task);
/* Likewise, for what has had its turn: mostly after what has not, which is often short. But it
 * always gets a share of the turns. */
void drv_pool_submit_again(drv_pool *pool, drv_task *task);
/* Before all others: for what is short, and awaited. */
void drv_pool_submit_first(drv_pool *pool, drv_task *task);
/* One that was submitted, and perhaps still waits, is to go before all others now. */
void drv_pool_hurry(drv_pool *pool, drv_task *task);
/* Do tasks wait for a thread? */
bool drv_pool_is_wanted(const drv_pool *pool);

/* What this thread of the pool does next may take very long and cannot be paused (loading a
 * module of strangers): another takes its place, until it comes back with drv_pool_return. */
void drv_pool_leave(drv_pool *pool);
void drv_pool_return(drv_pool *pool);

/* ---- Turns ---- */

/* A turn of this thread begins: when it is over, `pause` is called with `user`, once, from
 * another thread; never after drv_turn_end has returned. A thread has one turn at a time.
 *   ns            how long
 *   while_wanted  only if tasks wait in the pool then (or as soon as some do)
 * Returns false, without a turn, when memory is gone; never to a thread of the pool. */
bool drv_turn_begin(drv_pool *pool, uint64_t ns, bool while_wanted, void (*pause)(void *user),
                    void *user);
/* Only after a turn has begun. */
void drv_turn_end(drv_pool *pool);

#endif
