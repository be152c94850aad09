/* A time limit for a store: a thread that interrupts what runs in it. */
#ifndef CLI_DEADLINE_H
#define CLI_DEADLINE_H

#include <pthread.h>

#include "beamr/store.h"

typedef struct cli_deadline {
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the flags */
    pthread_cond_t changed;
    beamr_store *store;
    uint64_t limit_ms;
    bool is_running;
    bool stop;
    bool passed;
} cli_deadline;

/* Interrupt the store `limit_ms` from now, and over and over until cli_deadline_stop, so that
 * what runs after the interrupted call ends as well.
 * Errors: BEAMR_NO_MEMORY when there can be no thread; nothing needs to be stopped then. */
beamr_status cli_deadline_start(cli_deadline *d, beamr_store *store, uint64_t limit_ms,
                                beamr_error *err);

/* End the thread. Accepts a zeroed or stopped one. */
void cli_deadline_stop(cli_deadline *d);

/* The time is over. Accepts a zeroed one. */
bool cli_deadline_passed(cli_deadline *d);

#endif
