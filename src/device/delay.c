/* Calls that go on after a while: delay.h.
 * Those that wait stand in a list in the order in which they are due; each entry lies in its
 * call's memory, so that waiting takes none. The thread ends when the list is empty, and the
 * next call starts another: nothing is left to be shut down. What goes on does so elsewhere. */
#include "device/delay.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "ao/aside.h"

typedef struct waiting {
    struct waiting *next;
    ao_call *call;
    ao_function then;
    struct timespec due; /* CLOCK_MONOTONIC */
} waiting;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed; /* by CLOCK_MONOTONIC */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static waiting *first;
static bool is_running;            /* there is a thread, */
static _Thread_local bool is_here; /* and it is this one */

static void prepare(void)
{
    pthread_condattr_t attr;

    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&changed, &attr);
    (void)pthread_condattr_destroy(&attr);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec : a->tv_nsec < b->tv_nsec;
}

static void insert(waiting *entry)
{
    waiting **place = &first;

    while (*place && !is_before(&entry->due, &(*place)->due))
        place = &(*place)->next;
    entry->next = *place;
    *place = entry;
}

static void *run(void *unused)
{
    is_here = true;
    (void)pthread_mutex_lock(&lock);
    while (first) {
        struct timespec now;
        waiting *entry = first;
        bool was_here;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        if (is_before(&now, &entry->due)) {
            struct timespec due = entry->due; /* the entry may go while we wait */

            (void)pthread_cond_timedwait(&changed, &lock, &due);
            continue;
        }
        first = entry->next;
        (void)pthread_mutex_unlock(&lock);
        was_here = aside_enter();
        ao_call_continue(entry->call, entry->then); /* the entry is gone after this */
        aside_leave(was_here);
        (void)pthread_mutex_lock(&lock);
    }
    is_running = false;
    (void)pthread_mutex_unlock(&lock);
    return unused;
}

/* Start the thread unless it is there. On that thread itself a task goes on only as no other
 * could be started (ao/aside.h), and somebody may wait there for the delay to end, which never
 * came. The lock is held.  false: there is none to be had */
static bool has_thread(void)
{
    if (!is_running)
        is_running = aside_start(run, NULL);
    return is_running && !is_here;
}

/* Nobody waits for the answer any more: it is due now. A call that the thread has taken already
 * is not in the list. */
static void hurry(ao_call *call, void *arg)
{
    (void)arg;
    (void)pthread_mutex_lock(&lock);
    for (waiting **place = &first; *place; place = &(*place)->next) {
        waiting *entry = *place;

        if (entry->call != call)
            continue;
        *place = entry->next;
        entry->due = (struct timespec){0};
        insert(entry);
        (void)pthread_cond_signal(&changed);
        break;
    }
    (void)pthread_mutex_unlock(&lock);
}

beamr_status delay_call(ao_call *call, unsigned ms, ao_function then, beamr_error *err)
{
    waiting *entry = ao_call_memory(call, sizeof *entry, NULL);
    beamr_status st;

    if (!entry)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a delay");
    (void)pthread_once(&once, prepare);
    (void)clock_gettime(CLOCK_MONOTONIC, &entry->due);
    entry->due.tv_sec += ms / 1000;
    entry->due.tv_nsec += (long)(ms % 1000) * 1000000;
    if (entry->due.tv_nsec >= 1000000000) {
        entry->due.tv_sec++;
        entry->due.tv_nsec -= 1000000000;
    }
    entry->call = call;
    entry->then = then;
    /* Said before the call can go on: it must not be touched after that. */
    st = ao_call_later(call, hurry, NULL);
    (void)pthread_mutex_lock(&lock);
    if (!has_thread()) {
        (void)pthread_mutex_unlock(&lock);
        ao_call_raise(call, BEAMR_IO, "no thread can be started to wait for a delay");
        return st;
    }
    insert(entry);
    (void)pthread_cond_signal(&changed);
    (void)pthread_mutex_unlock(&lock);
    return st;
}
