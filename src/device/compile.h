/* Native code of modules that processes ask for: who compiles, and who waits for it.
 * One compiler runs at a time for each world (world.h), and once for each module that is
 * remembered. What comes of it is told to the host and to nobody else: a process whose module
 * has no native code is interpreted, and means the same. */
#ifndef DEVICE_COMPILE_H
#define DEVICE_COMPILE_H

#include <pthread.h>

#include "ao/context.h"
#include "beamr/beamr.h"

/* What is known about the native code of a module. Counted. */
typedef struct dev_code dev_code;

BEAMR_OWN dev_code *dev_code_new(beamr_module *module); /* NULL: no memory */
dev_code *dev_code_ref(dev_code *code);                 /* returns its argument; accepts NULL */
void dev_code_unref(dev_code *code);                    /* accepts NULL */

/* A call that waits; lies in its memory. */
typedef struct dev_waiting {
    struct dev_waiting *next;
    struct dev_compiler *compiler;
    dev_code *code; /* borrowed */
    ao_call *call;
    ao_function then;
} dev_waiting;

typedef struct dev_compiler {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* of CLOCK_MONOTONIC */
    uint64_t time_ms, max_memory;
    void (*report)(void *user, const char *text); /* of ao_settings; NULL: nobody is told */
    void *report_user;
    bool has_executor;
    bool is_busy;             /* a process runs */
    _Atomic bool is_stopping; /* it is asked for without the lock too */
    dev_code *first, *last;   /* those that wait, counted */
    bool has_thread;
    pthread_t thread;
    void (*stopped)(void *user); /* see compiler_stop */
    void *stopped_user;
} dev_compiler;

/* Limits of one compilation, and those of `settings`, which may be NULL. Errors:
 * BEAMR_NO_MEMORY. */
beamr_status compiler_init(dev_compiler *c, const ao_settings *settings, uint64_t time_ms,
                           uint64_t max_memory, beamr_error *err);
/* Nobody waits any more, and nobody comes: end the process and the thread, if there are any.
 * The host is told nothing from now on. On that thread itself, within a call that goes on, this
 * returns at once, and it ends later. */
void compiler_end(dev_compiler *c);
/* Likewise, then call stopped(user), which may clear the compiler. On that thread itself,
 * within a call that goes on, this returns at once, and it is called as the last thing that the
 * thread does.
 */
void compiler_stop(dev_compiler *c, void (*stopped)(void *user), void *user);
void compiler_clear(dev_compiler *c);

/* Go on with `then` once the module has its native code, or it is known that it gets none.
 * Ends as a device's function does, which returns what this returns.
 *   wait  of the call's memory; the code stays there as long as the call */
beamr_status compiler_wait(dev_compiler *c, dev_code *code, ao_call *call, dev_waiting *wait,
                           ao_function then, beamr_error *err);

#endif
