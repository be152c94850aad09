/* Tasks: resolutions that run, wait and go on. One task is a stack of frames; a frame is one
 * resolution: a base on which requests are resolved one after the other, each through the
 * stages of resolve.c. A frame is also what a device sees as its call.
 *
 * A step of a frame is a function that ends with a status:
 *   BEAMR_OK      it is done: the stage is over
 *   CALL_AGAIN    run frame->then at once
 *   CALL_PUSHED   another frame stands on top; frame->then goes on when that has ended
 *   CALL_LATER    somebody will call ao_call_finish, ao_call_raise or ao_call_continue
 *   CALL_END      the frame's result is final for this request
 *   another       a failure, reported in `err`
 * So nothing here calls itself, however deep resolutions stand within each other.
 *
 * A task belongs to one thread at a time, which task->state hands on:
 *   RUNNING --the function returned CALL_LATER--> PARKED --finished--> RUNNING, elsewhere
 *   RUNNING --finished before it returned--> FINISHED: the same thread goes on
 *   PARKED --cancelled--> TELLING --the device was told--> TOLD, or finished meanwhile: goes on
 *
 * What a call resolves apart (apart.h) is a task of its own, whose end the call waits for as for
 * any answer that comes later. How all of them are cancelled is cancel.c's. */
#ifndef AO_TASK_H
#define AO_TASK_H

#include <pthread.h>
#include <stdatomic.h>

#include "ao/context.h"

#define CALL_AGAIN ((beamr_status)(BEAMR_STATUS_COUNT + 1))
#define CALL_PUSHED ((beamr_status)(BEAMR_STATUS_COUNT + 2))
#define CALL_LATER ((beamr_status)(BEAMR_STATUS_COUNT + 3))
#define CALL_END ((beamr_status)(BEAMR_STATUS_COUNT + 4))

typedef struct ao_group ao_group;

/* Where the requests of a frame come from. */
typedef enum fold_kind {
    FOLD_LIST, /* items of the list `source`; the first one is the base */
    FOLD_ONE,  /* `source` is the request */
    FOLD_TEXT, /* parts of the text `path`, each put into the message `source`, if it is one */
    FOLD_PARTS /* likewise, of the list `path` */
} fold_kind;

/* How a call that answered later went on. */
typedef enum later_kind { LATER_FINISH, LATER_RAISE, LATER_CONTINUE } later_kind;

/* The stages of the specification, in their order; resolve.c has a function for each. */
typedef enum stage {
    STAGE_BASE,
    STAGE_REQUEST,
    STAGE_LOOKUP,
    STAGE_VALIDATE,
    STAGE_JOIN,
    STAGE_DEVICE,
    STAGE_EXECUTE,
    STAGE_ANSWER,
    STAGE_HOOK,
    STAGE_FOLLOW,
    STAGE_LINK,
    STAGE_STORE,
    STAGE_NOTIFY,
    STAGE_COUNT
} stage;

struct ao_call {
    ao_task *task;
    ao_call *parent;
    const ao_options *options;
    beamr_error *err;        /* of the thread that runs the task, while it does */
    ao_options *own_options; /* NULL: those of the parent, or of the task */

    /* ---- The requests; kept as long as the frame ---- */
    ao_value base, source;
    ao_value path; /* borrowed from `source` */
    size_t place;  /* the next item, or byte of the text */
    uint32_t depth;
    uint8_t fold;          /* fold_kind */
    bool in_hook;          /* this is what a step hook does: it has none itself */
    bool is_first;         /* nothing has been resolved yet */
    bool no_force;         /* whatever the options say, results are not forced to be messages */
    bool has_own_steps;    /* task->steps counts those of this frame, */
    uint64_t steps_before; /* and goes on from here behind it */

    /* ---- The request that is resolved ---- */
    uint8_t stage;
    bool is_used; /* call_clear_request has something to do */
    bool is_answered;
    bool is_only_key;                /* and `request` is made when somebody asks for it */
    uint8_t later;                   /* later_kind */
    ao_message *request;             /* counted */
    ao_value part;                   /* holds the text of the key, if `source` does not */
    beamr_bytes text, key;           /* as written; normalised */
    char *key_owned;                 /* memory of `key`, or NULL */
    const ao_registered *registered; /* the device of the base; NULL: not looked for yet */
    const ao_device *device;         /* whose function is called */
    ao_function function;            /* of that device */
    ao_function then;                /* what goes on after a child; NULL: the stage begins */
    beamr_status entry;              /* CALL_AGAIN: run; else how the stage has ended */
    ao_result result, child;
    bool is_spent;              /* `child` had more requests than it may: call_own_steps */
    ao_value held, held_device; /* what a form is about while it is worked out */
    void *memory;
    void (*clear)(void *memory);
    void (*cancel)(ao_call *call, void *arg);
    void *cancel_arg;
    ao_group *group; /* that this call leads */
    ao_call *next_waiter, *previous_waiter;
    char *raised; /* text of LATER_RAISE; NULL: memory was gone */
    beamr_status raised_status;
    ao_task *apart;   /* counted: what it resolves apart, or did; NULL for none */
    bool is_apart;    /* it is that what a parked call waits for */
    ao_function late; /* goes on instead of `then` when that was given up */
};

typedef enum task_state {
    TASK_RUNNING,
    TASK_PARKED,
    TASK_FINISHED,
    TASK_TELLING,
    TASK_TOLD
} task_state;

#define TASK_INLINE_FRAMES 2

/* Where a list was when its resolution ended with another outcome than OK, for a text about it.
 */
typedef struct task_end {
    size_t place;  /* of the request in the list, which has the base at 0; 0: not ended so */
    ao_value base; /* on which it was resolved; counted */
} task_end;

struct ao_task {
    atomic_uint count;
    atomic_int state;
    atomic_bool is_cancelled;
    ao_context *context;
    ao_call *top;
    ao_task *next;       /* of those that wait for this thread */
    ao_group *waits_for; /* under the lock of the groups, */
    ao_task *above;      /* likewise: that its top call resolves apart; NULL for none */
    uint32_t depth;      /* of resolutions around it, if it is apart */
    uint64_t steps;      /* requests that were begun; beyond context->max_steps it ends */
    bool is_too_deep;    /* what fails is a resolution too deep within others */
    bool is_fresh;       /* nothing of it has run */
    bool is_loose;       /* its waiter goes on without it: it needs no context */

    pthread_mutex_t lock; /* of the following */
    ao_stop *stops;       /* of what runs in it */
    ao_call *waiter;      /* that it was resolved apart for; NULL: none, or it has gone on */
    bool is_late;         /* and is not to get the result, */
    bool is_held;         /* for which somebody cancels this task */
    bool was_told;        /* the device that it waits for knows that it is cancelled */
    bool has_ended;

    ao_done done;
    void *user;
    task_end *end;    /* of whoever waits for it; NULL for none */
    ao_result result; /* when it has ended */
    beamr_status status;
    ao_options options;
    ao_call frames[TASK_INLINE_FRAMES];
};

/* Give a count back, if there is one: most values of a frame are not there. */
static inline void value_drop(ao_value *value)
{
    if (value->kind != AO_NONE) {
        ao_value_unref(*value);
        *value = AO_NO_VALUE;
    }
}

/* ---- task.c ---- */

/* As ao_resolve, and says where it ended.
 *   end  begin with {0} */
beamr_status task_resolve_list(ao_context *context, ao_value list, const ao_options *options,
                               task_end *end, ao_result *out, beamr_error *err);
/* Resolve something else first; `then` goes on with the calling frame, which finds the end in
 * frame->child. Returns what the step must return: CALL_PUSHED, or a failure.
 *   fold     FOLD_LIST: `source` is the list, `base` is AO_NO_VALUE. Else `source` is the
 * request, FOLD_TEXT means that its path is split options  NULL for those of the frame; copied
 * otherwise */
beamr_status call_push(ao_call *call, fold_kind fold, BEAMR_OWN ao_value base,
                       BEAMR_OWN ao_value source, const ao_options *options, ao_function then,
                       beamr_error *err);
/* Resolutions within each other that the options of a call allow. */
static inline uint32_t call_depth_max(const ao_call *call)
{
    return call->options->max_depth ? call->options->max_depth : AO_RESOLVE_DEPTH;
}
/* Fail as a call has too many resolutions around it. */
beamr_status call_fail_depth(ao_call *call, beamr_error *err);
/* The resolution that was pushed last is one of its own for the limit of requests: none of its
 * own counts for those below, and they answer when it had too many: `is_spent` of the call that
 * pushed it. So with what is resolved apart. */
void call_own_steps(ao_task *task);
/* More requests were begun than a resolution may have: nothing that is counted with them goes
 * on. */
static inline bool task_is_spent(const ao_task *task)
{
    return task->steps > task->context->max_steps;
}
/* End the request with a result: sets it.  Returns CALL_END, or BEAMR_NO_MEMORY. */
beamr_status call_end(ao_call *call, ao_outcome outcome, BEAMR_OWN ao_value value,
                      beamr_error *err);
beamr_status call_end_error(ao_call *call, int http_status, const char *text, beamr_error *err);
/* The {status, body} that answers of errors are. */
ao_value call_error_value(int http_status, const char *text);
/* Forget the request, and what its key, device and memory were. */
void call_clear_request(ao_call *call);
/* The call has what it waited for: `later` says what. Its task goes on, here or elsewhere. */
void task_finish_call(ao_call *call, later_kind later);
/* Likewise, on this thread whatever the context's executor. */
void task_finish_here(ao_call *call, later_kind later);
/* A task that has not begun.
 *   base, source  taken over */
beamr_status task_new(ao_context *context, fold_kind fold, BEAMR_OWN ao_value base,
                      BEAMR_OWN ao_value source, const ao_options *options,
                      BEAMR_OWN ao_task **out, beamr_error *err);
void task_ref(ao_task *task);
/* A task that is handed on goes on: by the executor, or on this thread; here on this one. */
void task_resume(ao_task *task);
void task_resume_here(ao_task *task);
/* What is resumed on this thread waits from now on until task_leave_here. */
bool task_enter_here(void);
void task_leave_here(bool was_here);
/* Those that wait so, as a list, which is taken or put back; and run such a list, here. */
ao_task *task_take_here(void); /* NULL: there are none */
void task_put_here(ao_task *list);
void task_run_list(ao_task *list);
/* The task that runs on this thread; NULL for none. */
ao_task *task_here(void);

/* ---- cancel.c ---- */

/* A parked task was cancelled meanwhile: tell it, and what it resolves apart. */
void cancel_parked(ao_task *task);
/* Cancel a task that is held (apart.h), let its waiter go on, and give the count back. */
void cancel_held(BEAMR_OWN ao_task *task);
/* Let the waiter of a task that was cancelled go on, if nobody else has still to do with it. */
void cancel_let_go(ao_task *task);

/* ---- resolve.c ---- */

/* Run one step of a frame. BEAMR_OK: the frame has ended with frame->result. */
beamr_status resolve_step(ao_call *call, beamr_error *err);
/* Give the frame the result of its last child.  Returns CALL_END. */
beamr_status result_of_child(ao_call *call);
/* Likewise as its base, if that was OK: CALL_AGAIN. Else it is the result: CALL_END. */
beamr_status base_of_child(ao_call *call);
/* Make the result a message, if the options say so. */
beamr_status result_force(ao_call *call, beamr_error *err);
/* Note in a result how it came about. */
beamr_status result_link(ao_call *call, beamr_error *err);

/* ---- request.c: the next request ---- */

/* Set where the requests come from.  Errors: BEAMR_ARGUMENT (nothing that can be a request). */
beamr_status fold_begin(ao_call *call, fold_kind fold, BEAMR_OWN ao_value base,
                        BEAMR_OWN ao_value source, beamr_error *err);
/* There is another request. */
bool fold_has_next(const ao_call *call);
/* Stage 1 for the request: take the next one, and its key. */
beamr_status request_next(ao_call *call, beamr_error *err);

/* ---- form.c: {as, ...}, {resolve, ...} ---- */

/* The base is a form: work it out, and set call->base. */
beamr_status form_base(ao_call *call, beamr_error *err);
/* The request is an AO_AS: resolve it on the base as another device.
 *   request  the message whose path it is; NULL for none */
beamr_status form_request(ao_call *call, ao_value as, const ao_message *request,
                          beamr_error *err);

/* ---- recall.c: cache control ---- */

/* Stage 2 and stage 10. */
beamr_status recall_lookup(ao_call *call, beamr_error *err);
beamr_status recall_store(ao_call *call, beamr_error *err);

/* The base is an id: load it.  Errors: BEAMR_NOT_FOUND. */
beamr_status recall_load(ao_call *call, beamr_bytes id, ao_value *out, beamr_error *err);

/* ---- call.c ---- */

/* A value of the options by name; borrowed. */
ao_value call_option(const ao_call *call, const char *name);

#endif
