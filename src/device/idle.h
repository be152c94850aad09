/* The list of what stands idle, and the thread that gives it up after a while.
 * The thread begins when the first entry comes to rest, sleeps until the oldest one is due, and
 * ends when it wakes and finds none: so an instance that is used again and again costs a lock,
 * not a thread. A list that nobody uses has none. What entries are: world.h. */
#ifndef DEVICE_IDLE_H
#define DEVICE_IDLE_H

#include <pthread.h>

#include "device/world.h"

typedef struct idle_list {
    pthread_mutex_t lock;
    pthread_cond_t stop; /* of CLOCK_MONOTONIC */
    dev_idle entries;    /* a ring, the oldest behind it */
    uint64_t after_ns;   /* 0: nothing is ever given up */
    pthread_t thread;
    enum {
        IDLE_NONE,
        IDLE_RUNS,
        IDLE_ENDED
    } state; /* of the thread; when it has ended it is
                still to be joined */
    bool is_stopping;
    void (*stopped)(void *user); /* see idle_stop */
    void *user;
} idle_list;

/* Errors: BEAMR_NO_MEMORY. */
beamr_status idle_init(idle_list *list, uint64_t after_ns, beamr_error *err);
/* No entry is left, and none comes any more: end the thread, then call stopped(user). On that
 * thread itself, within an `expire`, this returns at once, and it is called as the last thing
 * that the thread does. */
void idle_stop(idle_list *list, void (*stopped)(void *user), void *user);

void idle_rest(idle_list *list, dev_idle *idle);
void idle_wake(idle_list *list, dev_idle *idle);

#endif
