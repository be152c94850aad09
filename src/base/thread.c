/* Threads that a library starts: thread.h. */
#include "base/thread.h"

#include <limits.h>

#include "base/signals.h"

static bool start_small(pthread_t *out, size_t stack, void *(*run)(void *arg), void *arg)
{
    pthread_attr_t attr;
    int failed = pthread_attr_init(&attr);

    if (failed)
        return false;
    failed = pthread_attr_setstacksize(&attr, (size_t)PTHREAD_STACK_MIN + stack);
    if (!failed)
        failed = pthread_create(out, &attr, run, arg);
    (void)pthread_attr_destroy(&attr);
    return !failed;
}

bool thread_start(pthread_t *out, size_t stack, void *(*run)(void *arg), void *arg)
{
    sigset_t old;
    bool is_started;

    signals_block(&old);
    is_started = start_small(out, stack, run, arg) || pthread_create(out, NULL, run, arg) == 0;
    signals_restore(&old);
    return is_started;
}
