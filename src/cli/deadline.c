/* A time limit for a store: deadline.h. */
#include "cli/deadline.h"

#include <time.h>

enum { REPEAT_MS = 50 };

static struct timespec time_after(struct timespec t, uint64_t ms)
{
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000;
    if (t.tv_nsec >= 1000000000) {
        t.tv_nsec -= 1000000000;
        t.tv_sec++;
    }
    return t;
}

static void *deadline_thread(void *arg)
{
    cli_deadline *d = arg;
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at = time_after(at, d->limit_ms);
    pthread_mutex_lock(&d->mutex);
    while (!d->stop) {
        /* Any other result is a wake-up before the time: look at `stop` again. */
        if (pthread_cond_timedwait(&d->changed, &d->mutex, &at) == 0)
            continue;
        d->passed = true;
        beamr_store_interrupt(d->store);
        clock_gettime(CLOCK_MONOTONIC, &at);
        at = time_after(at, REPEAT_MS);
    }
    pthread_mutex_unlock(&d->mutex);
    return NULL;
}

beamr_status cli_deadline_start(cli_deadline *d, beamr_store *store, uint64_t limit_ms,
                                beamr_error *err)
{
    pthread_condattr_t attr;

    *d = (cli_deadline){.store = store, .limit_ms = limit_ms};
    pthread_mutex_init(&d->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&d->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&d->thread, NULL, deadline_thread, d) != 0) {
        pthread_cond_destroy(&d->changed);
        pthread_mutex_destroy(&d->mutex);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no thread to watch the time limit");
    }
    d->is_running = true;
    return BEAMR_OK;
}

void cli_deadline_stop(cli_deadline *d)
{
    if (!d->is_running)
        return;
    pthread_mutex_lock(&d->mutex);
    d->stop = true;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->mutex);
    pthread_join(d->thread, NULL);
    pthread_cond_destroy(&d->changed);
    pthread_mutex_destroy(&d->mutex);
    d->is_running = false;
}

bool cli_deadline_passed(cli_deadline *d)
{
    bool passed;

    if (!d->is_running)
        return d->passed;
    pthread_mutex_lock(&d->mutex);
    passed = d->passed;
    pthread_mutex_unlock(&d->mutex);
    return passed;
}
