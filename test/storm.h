/* What storms of tasks are made of, for tests: random numbers, of a row of its own for each
 * thread, and lists of calls that wait for their answers and of what an executor got. */
#ifndef TEST_STORM_H
#define TEST_STORM_H

#include <stdatomic.h>
#include <stdbool.h>

#include "beamr/ao.h"

static inline unsigned next_random(void)
{
    static _Thread_local unsigned state;
    static atomic_uint seeds;

    if (!state)
        state = 2463534242U + atomic_fetch_add(&seeds, 1) * 7919;
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

/* Allocated. A list has a lock of its test's, which is held for all of these. */
typedef struct job {
    struct job *next;
    ao_call *call; /* NULL: run what an executor got */
    void (*run)(void *arg);
    void *arg;
    bool is_apart, was_told; /* for whom it means something */
} job;

/* The job of a call, taken off; NULL: somebody has it. */
static inline job *take_call(job **list, const ao_call *call)
{
    job *j;

    while (*list && (*list)->call != call)
        list = &(*list)->next;
    if ((j = *list))
        *list = j->next;
    return j;
}

/* One of the first ones; NULL: there is none. */
static inline job *take_any(job **list)
{
    job *j;

    for (unsigned n = next_random() % 4; n > 0 && *list && (*list)->next; n--)
        list = &(*list)->next;
    if ((j = *list))
        *list = j->next;
    return j;
}

#endif
