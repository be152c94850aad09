/* Devices: what a message can do.
 * A device is a name and a table of keys with functions; a message names its device in its key
 * `device`. Resolving a key calls the device's function for it with the message (the base) and
 * the request, and the function answers with an outcome and a value. It may answer at once, go
 * on after resolving something else, or answer later; while it waits, no thread is held.
 * Threads: a function runs on whatever thread resolves, or finished what was waited for; calls
 * of one device can run at the same time on several threads.
 * See examples/device/ for a device from outside.
 * Source: the AO-Core resolution protocol; docs/ao.md. */
#ifndef BEAMR_AO_DEVICE_H
#define BEAMR_AO_DEVICE_H

#include "beamr/ao/message.h"

#ifdef __cplusplus
extern "C" {
#endif

/*       id           text           HTTP */
#define AO_OUTCOME_MAP(X)                                                                      \
    X(OK, "ok", 200)                                                                           \
    X(CREATED, "created", 201)                                                                 \
    X(ERROR, "error", 400)                                                                     \
    X(NOT_FOUND, "not_found", 404)                                                             \
    X(FAILURE, "failure", 500)                                                                 \
    X(UNAVAILABLE, "unavailable", 503)                                                         \
    X(SKIP, "skip", 500)                                                                       \
    X(PASS, "pass", 500)

/* How a resolution ended. All but AO_OUTCOME_OK end a path. ERROR is the caller's fault,
 * FAILURE the host's; SKIP and PASS mean something to the device `stack@1.0` only. */
typedef enum ao_outcome {
#define X(id, text, http) AO_OUTCOME_##id,
    AO_OUTCOME_MAP(X)
#undef X
        AO_OUTCOME_COUNT
} ao_outcome;

BEAMR_API const char *ao_outcome_text(ao_outcome outcome);
BEAMR_API int ao_outcome_http(ao_outcome outcome);

typedef struct ao_result {
    ao_outcome outcome;
    ao_value value;
} ao_result;

typedef struct ao_context
    ao_context; /* devices, codecs, a store, options: beamr/ao/context.h */
typedef struct ao_options ao_options;

/* One call of a device's function. */
typedef struct ao_call ao_call;

/* A function of a device. It ends with the status of one of the functions below: those of
 * "Answering", of ao_call_resolve or of ao_call_later; or with a failure that it has reported
 * in `err`, which is raised to whoever began the resolution. */
typedef beamr_status (*ao_function)(ao_call *call, beamr_error *err);

/* ---- What a call is about; borrowed until it is answered ---- */

BEAMR_API const ao_message *ao_call_base(const ao_call *call);
/* The request as a message. One that was only a key is {path: key}.  NULL: memory is gone. */
BEAMR_API const ao_message *ao_call_request(ao_call *call);
/* A key of the request; AO_NONE when absent. Does not make a message of a mere key. */
BEAMR_API ao_value ao_call_argument(ao_call *call, const char *key);
/* The key that is resolved, normalised; and as it was written. */
BEAMR_API beamr_bytes ao_call_key(const ao_call *call);
BEAMR_API beamr_bytes ao_call_key_text(const ao_call *call);
BEAMR_API ao_context *ao_call_context(const ao_call *call);
BEAMR_API const ao_options *ao_call_options(const ao_call *call);
/* A value of the options' `values`, or of the context's; AO_NONE when neither has it. */
BEAMR_API ao_value ao_call_option(const ao_call *call, const char *name);
/* `arg` of the device. */
BEAMR_API void *ao_call_arg(const ao_call *call);

/* Memory of the call, zeroed when it is first asked for, kept until the call is answered and
 * then cleared with clear(memory). Always the same for a call.  NULL: memory is gone. */
BEAMR_API void *ao_call_memory(ao_call *call, size_t size, void (*clear)(void *memory));

/* ---- Answering ---- */

/* Answer. The value is taken over; AO_NONE is BEAMR_NO_MEMORY.  Returns what the function must
 * return. */
BEAMR_API beamr_status ao_call_return(ao_call *call, ao_outcome outcome,
                                      BEAMR_OWN ao_value value);
BEAMR_API beamr_status ao_call_ok(ao_call *call, BEAMR_OWN ao_value value);
/* Answer with the outcome ERROR and {status, body}. */
BEAMR_API beamr_status ao_call_error(ao_call *call, int http_status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Answer as when the key is not there: ERROR and the atom `not_found`. */
BEAMR_API beamr_status ao_call_not_found(ao_call *call);
/* Answer with what message@1.0 does for this call. */
BEAMR_API beamr_status ao_call_as_message(ao_call *call);

/* ---- Going on after resolving something else ---- */

/* Resolve `request` on `base` and call `then` when that has ended, with the same call.
 * Must be returned at once: `return ao_call_resolve(...)`. Long chains take no stack.
 *   base, request  as for ao_resolve_on; taken over
 *   options        NULL for those of the call, without force_message and cache_control, which
 *                  concern its own result alone; copied
 *   then           finds the end in ao_call_result */
BEAMR_API beamr_status ao_call_resolve(ao_call *call, BEAMR_OWN ao_value base,
                                       BEAMR_OWN ao_value request, const ao_options *options,
                                       ao_function then);
/* How that ended; borrowed until the next ao_call_resolve. A failure that was raised is not
 * given to `then` but raised further, unless the options say raises_as_error. */
BEAMR_API const ao_result *ao_call_result(const ao_call *call);

/* ---- Answering later ---- */

/* The function returns this, having arranged that ao_call_finish or ao_call_raise is called
 * once, on any thread, even before it returns.
 *   cancel  is called at most once, when nobody waits for the answer any more; the call must
 *           still be finished, which `cancel` may do itself. It may run while another thread
 *           finishes the call, and the call is there until it returns. NULL for none */
BEAMR_API beamr_status ao_call_later(ao_call *call, void (*cancel)(ao_call *call, void *arg),
                                     void *arg);
/* Finish a call that answers later; what comes next in the path runs before this returns,
 * unless the context has an executor, or this thread is resolving something already: then it
 * comes right after that has ended, or waits. The value is taken over; AO_NONE is
 * BEAMR_NO_MEMORY. */
BEAMR_API void ao_call_finish(ao_call *call, ao_outcome outcome, BEAMR_OWN ao_value value);
BEAMR_API void ao_call_raise(ao_call *call, beamr_status status, const char *text);
/* Instead: go on with `then` on this thread, which ends as a function does. */
BEAMR_API void ao_call_continue(ao_call *call, ao_function then);

/* ---- Being cancelled while at work ---- */

/* What ends work that a function does before it returns. Lies in the caller's memory; its fields
 * are not for others. */
typedef struct ao_stop {
    struct ao_stop *next, *previous;
    struct ao_task *task;
    void (*stop)(void *arg);
    void *arg;
    bool is_asked;
} ao_stop;

/* Have stop(arg) called when the resolution that runs on this thread is cancelled from now on:
 * at most once, on any thread, before this returns if it is cancelled already. It is called with
 * a lock held, so it leaves a note, as beamr_store_interrupt does, and neither resolves, answers
 * nor waits. Without a resolution on this thread it is never called.
 * Each is ended with ao_stop_end: before the call is answered, or by the `clear` of its memory.
 */
BEAMR_API void ao_stop_begin(ao_stop *stop, void (*function)(void *arg), void *arg);
/* From now on stop(arg) is neither called nor running.  Returns whether it was called. On any
 * thread. Accepts zeros, and one that has ended. */
BEAMR_API bool ao_stop_end(ao_stop *stop);

/* ---- Devices ---- */

typedef struct ao_key {
    const char *name; /* normalised; `-` and `_` are the same */
    ao_function function;
} ao_key;

#define AO_KEYS_END                                                                            \
    {                                                                                          \
        NULL, NULL                                                                             \
    }

typedef struct ao_device {
    const char *name;   /* "test-device@1.0"; normalised */
    const ao_key *keys; /* up to AO_KEYS_END; NULL for none */
    /* Which keys belong to the device; all others are those of message@1.0. Up to NULL.
     *   exports   NULL: those of `keys`, and all if there is a handler or a default
     *   excludes  NULL: none; wins over exports */
    const char *const *exports, *const *excludes;
    ao_function handler;     /* gets every key that belongs to the device; NULL for none */
    ao_function default_key; /* gets those that have no function of their own; NULL for none */
    /* Name the computation that a call is: equal names that run at the same time are computed
     * once, and all get the same answer. A binary; AO_NONE for no name.  NULL: see
     * ao_options.await_inprogress. */
    ao_value (*group)(ao_call *call);
    void *arg; /* for ao_call_arg */
} ao_device;

/* Add a device to a context; one of the same name is replaced.
 *   device  borrowed as long as the context lives
 * Errors: BEAMR_ARGUMENT (no name, or one that is not normalised), BEAMR_BUSY (the context
 * resolves already), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_context_add_device(ao_context *context, const ao_device *device,
                                             beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
