/* Threads that a library starts for itself: the program's signals are not for them, and they
 * have a small stack where that is possible.
 * Source: POSIX, "pthread_create". */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

/* Start a thread, to be joined or detached.
 *   stack  bytes beyond the least that the host allows. Thread-local data, of which a program
 *          may have much, is part of a stack: one without room for it is as large as any
 * false: there is none to be had. */
bool thread_start(pthread_t *out, size_t stack, void *(*run)(void *arg), void *arg);

#endif
