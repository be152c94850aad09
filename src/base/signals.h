/* Signals of threads that a library starts: those of the program are for the program's own
 * threads. What an instruction raises is not among them: a fault of native guest code becomes a
 * trap by a handler, and the kernel ends the process if it is blocked.
 * Source: POSIX, "Signal Generation and Delivery". */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <signal.h>
#include <stddef.h>

/* Block on this thread, and so on those that it starts, all signals but those of faults.
 *   old  to be given to signals_restore */
static inline void signals_block(sigset_t *old)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    sigset_t all;

    (void)sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        (void)sigdelset(&all, faults[i]);
    (void)pthread_sigmask(SIG_SETMASK, &all, old);
}

static inline void signals_restore(const sigset_t *old)
{
    (void)pthread_sigmask(SIG_SETMASK, old, NULL);
}

#endif
