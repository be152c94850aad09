/* Threads of the driver's own: all signals blocked, named, and on every core that the emulator
 * may use.
 * Threads: everything may be called from any thread. */
#ifndef DRIVER_THREAD_H
#define DRIVER_THREAD_H

#include <pthread.h>

/*   name  at most 15 characters
 * Returns 0, or the error of pthread_create. */
int drv_thread_start(pthread_t *out, const char *name, void *(*run)(void *arg), void *arg);

/* How many threads can run at once: cores that the emulator may use, or as many as a
 * container's share of their time amounts to; 1 or more. */
unsigned drv_thread_cores(void);

/* Cores that a control group's `cpu.max` amounts to, rounded up; 0: without limit, or the text
 * is none of this kind. */
unsigned drv_thread_share(const char *text);

/* Let this thread not take the processor from whoever wakes it, who may be in a callback: it
 * waits for its turn. Its share of the processor stays the same. Where threads have priorities
 * of another kind, as under chrt, nothing changes. */
void drv_thread_defer(void);

#endif
