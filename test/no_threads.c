/* A host without threads, for the unit tests that start none: the linker leads pthread_create
 * here. Only what starts threads is run in the tsan build, so that a test may not do so
 * unnoticed (test/CMakeLists.txt). */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg)
{
    (void)out;
    (void)attr;
    (void)start;
    (void)arg;
    fputs("a thread is started: this test must stand in test/threads.txt\n", stderr);
    abort();
}
