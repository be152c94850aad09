/* The list of what stands idle, alarms, and the thread that looks after both: it gives up what
 * has been idle for a while, and rings alarms that are due.
 * The thread begins with the first entry or alarm, sleeps until the first one is due, and ends
 * when it wakes and finds none: so an instance that is used again and again, or a call with a
 * deadline, costs a lock, not a thread. A list that nobody uses has none. What entries and alarms
 * are: world.h. */
#ifndef DEVICE_IDLE_H
#define DEVICE_IDLE_H

#include <pthread.h>

#include "device/world.h"

typedef struct idle_list {
    pthread_mutex_t lock;
    pthread_cond_t stop; /* of CLOCK_MONOTONIC */
    dev_idle entries;    /* a ring, the oldest behind it */
    uint64_t after_ns;   /* 0: nothing is ever given up */
    dev_alarm *alarms;   /* a heap; NULL: none is set */
    uint64_t wakes;      /* when the thread will look, if it sleeps */
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

/* Once it has stopped, or was never used. */
void idle_clear(idle_list *list);

void idle_rest(idle_list *list, dev_idle *idle);
void idle_wake(idle_list *list, dev_idle *idle);

/* As dev_world_set_alarm, dev_world_clear_alarm. */
beamr_status idle_set_alarm(idle_list *list, dev_alarm *alarm, uint64_t due, beamr_error *err);
void idle_clear_alarm(idle_list *list, dev_alarm *alarm);

#endif
