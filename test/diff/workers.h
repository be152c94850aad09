/* Spreading numbered jobs over processes, since native code that is wrong may crash or hang. */
#ifndef DIFF_WORKERS_H
#define DIFF_WORKERS_H

#include "pair.h"

/* Do one job in a worker's process.
 *   stats  what it counted is added there
 * Returns false if it found a difference, which it has then reported. */
typedef bool (*worker_job)(void *user, uint64_t number, pair_stats *stats);

typedef struct worker_plan {
    worker_job job;
    /* In the parent: the job ended its process. `what` says how. May be NULL. */
    void (*lost)(void *user, uint64_t number, const char *what);
    void *user;
    uint64_t first, count;
    unsigned processes;    /* 0: this one does all jobs itself */
    unsigned seconds;      /* after which a job is killed */
    uint64_t max_failures; /* after which no more are begun */
} worker_plan;

/* Do all jobs.
 *   stats  the sum
 * Returns how many failed or were lost. */
uint64_t workers_run(const worker_plan *plan, pair_stats *stats);

/* Do one job in a process of its own.
 * Returns 0 when it returned true, 1 for false, and 2 when it was lost. */
int worker_once(const worker_plan *plan, uint64_t number);

#endif
