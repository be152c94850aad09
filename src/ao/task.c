/* Tasks: the stack of frames, and how a task waits, goes on and ends. What a frame does in a
 * step is resolve.c's, and how tasks are cancelled cancel.c's. Source: task.h explains the
 * states. */
#include "ao/task.h"

#include <stdlib.h>

#include "ao/group.h"
#include "ao/internal.h"

/* ---- Frames ---- */

static void options_free(ao_options *options)
{
    if (!options)
        return;
    ao_message_unref(options->values);
    free(options);
}

static beamr_status options_copy(const ao_options *options, ao_options **out, beamr_error *err)
{
    ao_options *copy = malloc(sizeof *copy);

    if (!copy)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for options");
    *copy = *options;
    if (copy->values)
        (void)ao_message_ref(copy->values);
    *out = copy;
    return BEAMR_OK;
}

void call_clear_request(ao_call *call)
{
    if (call->memory) {
        if (call->clear)
            call->clear(call->memory);
        free(call->memory);
        call->memory = NULL;
    }
    if (call->apart) { /* after the memory, by which it may be found */
        ao_task_unref(call->apart);
        call->apart = NULL;
        call->is_apart = false;
    }
    if (call->request) {
        ao_message_unref(call->request);
        call->request = NULL;
    }
    if (call->key_owned) {
        free(call->key_owned);
        call->key_owned = NULL;
    }
    value_drop(&call->part);
    value_drop(&call->child.value);
    value_drop(&call->held);
    value_drop(&call->held_device);
    call->registered = NULL;
    call->device = NULL;
    call->is_only_key = false;
    call->is_answered = false;
    call->is_used = false;
}

static void frame_drop(ao_task *task)
{
    ao_call *call = task->top;

    task->top = call->parent;
    if (call->has_own_steps)
        task->steps = call->steps_before;
    if (call->is_used)
        call_clear_request(call);
    value_drop(&call->result.value);
    value_drop(&call->base);
    value_drop(&call->source);
    options_free(call->own_options);
    if (call->depth >= TASK_INLINE_FRAMES)
        free(call);
}

/* Field by field: clearing the whole of it costs as much as a tenth of a resolution. What is
 * not set here is set before it is read. */
static void frame_init(ao_call *call)
{
    call->own_options = NULL;
    call->base = call->source = call->path = AO_NO_VALUE;
    call->place = 0;
    call->in_hook = call->no_force = false;
    call->is_first = true;
    call->stage = STAGE_BASE;
    call->is_used = call->is_answered = call->is_only_key = false;
    call->request = NULL;
    call->part = AO_NO_VALUE;
    call->key_owned = NULL;
    call->registered = NULL;
    call->device = NULL;
    call->then = NULL;
    call->entry = CALL_AGAIN;
    call->result.value = call->child.value = AO_NO_VALUE;
    call->held = call->held_device = AO_NO_VALUE;
    call->memory = NULL;
    call->group = NULL;
    call->raised = NULL;
    call->apart = NULL;
    call->is_apart = false;
    call->has_own_steps = call->is_spent = false;
}

static ao_call *frame_new(ao_task *task, ao_call *parent)
{
    uint32_t depth = parent ? parent->depth + 1 : 0;
    ao_call *call = depth < TASK_INLINE_FRAMES ? &task->frames[depth] : malloc(sizeof *call);

    if (!call)
        return NULL;
    frame_init(call);
    call->task = task;
    call->parent = parent;
    call->depth = depth;
    call->options = parent ? parent->options : &task->options;
    if (parent) {
        call->in_hook = parent->in_hook;
        call->no_force = parent->no_force;
    }
    task->top = call;
    return call;
}

beamr_status call_fail_depth(ao_call *call, beamr_error *err)
{
    call->task->is_too_deep = true;
    return beamr_fail(err, BEAMR_LIMIT, 0, "more than %u resolutions within each other",
                      call_depth_max(call));
}

beamr_status call_push(ao_call *call, fold_kind fold, ao_value base, ao_value source,
                       const ao_options *options, ao_function then, beamr_error *err)
{
    ao_options *own = NULL;
    ao_call *child = NULL;
    beamr_status st = BEAMR_OK;

    if (call->task->depth + call->depth + 1 >= call_depth_max(call))
        st = call_fail_depth(call, err);
    else if (options)
        st = options_copy(options, &own, err);
    if (st == BEAMR_OK && !(child = frame_new(call->task, call)))
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a resolution");
    if (st != BEAMR_OK) {
        ao_value_unref(base);
        ao_value_unref(source);
        options_free(own);
        return st;
    }
    call->then = then;
    if (own)
        child->options = child->own_options = own;
    st = fold_begin(child, fold, base, source, err);
    if (st != BEAMR_OK) {
        frame_drop(call->task);
        return st;
    }
    return CALL_PUSHED;
}

void call_own_steps(ao_task *task)
{
    task->top->has_own_steps = true;
    task->top->steps_before = task->steps;
    task->steps = 0;
}

/* ---- Ends of frames ---- */

static void end_task(ao_task *task, beamr_status status, ao_result result)
{
    task->status = status;
    task->result = result;
}

/* The top frame has its result: hand it down.  true: that was the last one. */
static bool pop(ao_task *task)
{
    ao_call *call = task->top, *parent = call->parent;
    ao_result result = call->result;
    bool is_spent = call->has_own_steps && task_is_spent(task);

    if (!parent && task->end && result.outcome != AO_OUTCOME_OK && call->fold == FOLD_LIST)
        *task->end = (task_end){call->place - 1, ao_value_ref(call->base)};
    call->result.value = AO_NO_VALUE;
    frame_drop(task);
    if (!parent) {
        end_task(task, BEAMR_OK, result);
        return true;
    }
    value_drop(&parent->child.value);
    parent->child = result;
    parent->is_spent = is_spent;
    parent->is_used = true;
    return false;
}

/* Those who wait for the call fail with it, but not as it had no requests left, which it has
 * spent on other things, or stands too deep: they have their own requests and depth. */
static void raise_in_group(ao_call *call, beamr_status status, const char *text)
{
    if (task_is_spent(call->task) || call->task->is_too_deep)
        group_abandon(call);
    else
        group_raise(call, status, text);
}

/* A failure becomes the result of the frame, if its options say so and there is memory. */
static bool answer_failure(ao_call *call, beamr_status status, beamr_error *err)
{
    ao_value value;

    if (!call->options->raises_as_error || status == BEAMR_NO_MEMORY)
        return false;
    if (call->parent && !call->has_own_steps && task_is_spent(call->task))
        return false;
    value = call_error_value(beamr_status_http(status), err->text);
    if (value.kind == AO_NONE)
        return false;
    ao_value_unref(call->result.value);
    call->result = (ao_result){AO_OUTCOME_FAILURE, value};
    raise_in_group(call, status, err->text); /* options of those who wait may say otherwise */
    call->task->is_too_deep = false;
    beamr_error_clear(err);
    return true;
}

/* Raise a failure through the frames.  true: nobody answered it, the task has ended. */
static bool raise_failure(ao_task *task, beamr_status status, beamr_error *err)
{
    (void)beamr_fail(err, status, 0, "a device failed: %s", beamr_status_text(status));
    while (task->top) {
        if (answer_failure(task->top, status, err))
            return pop(task);
        raise_in_group(task->top, status, err->text);
        frame_drop(task);
    }
    end_task(task, status, (ao_result){AO_OUTCOME_FAILURE, AO_NO_VALUE});
    return true;
}

static void give_up(ao_task *task)
{
    while (task->top) {
        group_abandon(task->top);
        frame_drop(task);
    }
    end_task(task, BEAMR_OK, (ao_result){AO_OUTCOME_FAILURE, ao_atom("cancelled")});
}

/* ---- Counts ---- */

void task_ref(ao_task *task)
{
    atomic_fetch_add_explicit(&task->count, 1, memory_order_relaxed);
}

void ao_task_unref(ao_task *task)
{
    if (!task || atomic_fetch_sub_explicit(&task->count, 1, memory_order_acq_rel) != 1)
        return;
    while (task->top)
        frame_drop(task);
    value_drop(&task->result.value);
    if (task->options.values)
        ao_message_unref(task->options.values);
    (void)pthread_mutex_destroy(&task->lock);
    free(task);
}

/* ---- Waiting ---- */

/* Leave the task to whoever finishes its call.  false: that has happened already. */
static bool park(ao_task *task)
{
    int expected = TASK_RUNNING;
    bool is_parked;

    task_ref(task); /* it may end, elsewhere, while we look whether it is cancelled */
    is_parked = atomic_compare_exchange_strong(&task->state, &expected, TASK_PARKED);
    if (!is_parked)
        atomic_store(&task->state, TASK_RUNNING);
    else if (atomic_load(&task->is_cancelled))
        cancel_parked(task);
    ao_task_unref(task);
    return is_parked;
}

/* false: whoever is at the task goes on */
static bool finish(ao_call *call, later_kind later)
{
    ao_task *task = call->task;
    int before;

    call->later = (uint8_t)later;
    before = atomic_exchange(&task->state, TASK_FINISHED);
    if (before == TASK_RUNNING || before == TASK_TELLING)
        return false;
    atomic_store(&task->state, TASK_RUNNING);
    return true;
}

void task_finish_call(ao_call *call, later_kind later)
{
    ao_task *task = call->task;

    if (finish(call, later))
        task_resume(task);
}

void task_finish_here(ao_call *call, later_kind later)
{
    ao_task *task = call->task;

    if (finish(call, later))
        task_resume_here(task);
}

/* What the call that waited goes on with. */
static void take_later(ao_call *call, beamr_error *err)
{
    switch ((later_kind)call->later) {
    case LATER_FINISH:
        call->entry = call->stage == STAGE_EXECUTE ? BEAMR_OK : CALL_END;
        break;
    case LATER_RAISE:
        call->entry =
            beamr_fail(err, call->raised_status, 0, "%s",
                       call->raised ? call->raised : beamr_status_text(call->raised_status));
        free(call->raised);
        call->raised = NULL;
        break;
    case LATER_CONTINUE:
        call->entry = CALL_AGAIN;
        break;
    }
}

/* Run until the task ends (true) or waits (false: it belongs to others now). */
static bool run_steps(ao_task *task, beamr_error *err)
{
    if (!task->is_fresh)
        take_later(task->top, err);
    task->is_fresh = false;
    for (;;) {
        beamr_status st;

        if (atomic_load_explicit(&task->is_cancelled, memory_order_relaxed)) {
            give_up(task);
            return true;
        }
        st = resolve_step(task->top, err);
        if (st == BEAMR_OK) {
            if (pop(task))
                return true;
        } else if (st == CALL_LATER) {
            if (park(task))
                return false;
            take_later(task->top, err);
        } else if (st != CALL_PUSHED) {
            if (raise_failure(task, st, err))
                return true;
        }
    }
}

/* ---- Going on: tasks that are resumed by a task wait until that one ends or waits, so that no
 *      chain of them takes stack ---- */

static _Thread_local struct {
    ao_task *first, *last;
    ao_task *task; /* that runs */
    bool is_running;
} here;

ao_task *task_here(void)
{
    return here.task;
}

static bool task_run(ao_task *task, beamr_error *err)
{
    ao_task *before = here.task;
    bool has_ended;

    here.task = task;
    has_ended = run_steps(task, err);
    here.task = before;
    return has_ended;
}

static void report_end(ao_task *task, const beamr_error *err)
{
    if (task->done)
        task->done(task->user, task->status == BEAMR_OK ? &task->result : NULL,
                   task->status == BEAMR_OK ? NULL : err);
    ao_task_unref(task);
}

/* Run a task until it ends or waits; the thread's count of it goes with it. */
static void run_one(ao_task *task)
{
    beamr_error err;

    beamr_error_clear(&err);
    if (task_run(task, &err))
        report_end(task, &err);
}

static void drain(void)
{
    while (here.first) {
        ao_task *task = here.first;

        here.first = task->next;
        run_one(task);
    }
}

bool task_enter_here(void)
{
    bool was_here = here.is_running;

    here.is_running = true;
    return was_here;
}

void task_leave_here(bool was_here)
{
    if (!was_here)
        drain();
    here.is_running = was_here;
}

void task_put_here(ao_task *list)
{
    if (here.first)
        here.last->next = list;
    else
        here.first = list;
    while (list->next)
        list = list->next;
    here.last = list;
}

ao_task *task_take_here(void)
{
    ao_task *list = here.first;

    here.first = NULL;
    return list;
}

void task_run_list(ao_task *list)
{
    bool was_here = task_enter_here();

    task_put_here(list);
    task_leave_here(was_here);
}

static void resume_here(void *arg)
{
    ao_task *task = arg;

    if (here.is_running) {
        task->next = NULL;
        task_put_here(task);
        return;
    }
    here.is_running = true;
    run_one(task);
    drain();
    here.is_running = false;
}

void task_resume_here(ao_task *task)
{
    resume_here(task);
}

void task_resume(ao_task *task)
{
    const ao_context *context = task->context;

    if (!task->is_loose && context->execute)
        context->execute(context->user, resume_here, task);
    else
        resume_here(task);
}

/* ---- Beginning ---- */

static const ao_options options_default = AO_OPTIONS_DEFAULT;

beamr_status task_new(ao_context *context, fold_kind fold, ao_value base, ao_value source,
                      const ao_options *options, ao_task **out, beamr_error *err)
{
    ao_task *task = malloc(sizeof *task);
    beamr_status st;

    if (!task) {
        ao_value_unref(base);
        ao_value_unref(source);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a resolution");
    }
    if (!atomic_load_explicit(&context->has_resolved, memory_order_relaxed))
        atomic_store_explicit(&context->has_resolved, true, memory_order_relaxed);
    atomic_init(&task->count, 1);
    atomic_init(&task->state, TASK_RUNNING);
    atomic_init(&task->is_cancelled, false);
    task->context = context;
    task->top = NULL;
    task->waits_for = NULL;
    task->above = NULL;
    task->depth = 0;
    task->steps = 0;
    task->is_too_deep = false;
    task->is_fresh = true;
    task->is_loose = false;
    task->lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    task->stops = NULL;
    task->waiter = NULL;
    task->is_late = task->is_held = task->was_told = task->has_ended = false;
    task->done = NULL;
    task->end = NULL;
    task->result = (ao_result){AO_OUTCOME_FAILURE, AO_NO_VALUE};
    task->options = options ? *options : options_default;
    if (task->options.values)
        (void)ao_message_ref(task->options.values);
    st = fold_begin(frame_new(task, NULL), fold, base, source, err);
    if (st != BEAMR_OK)
        ao_task_unref(task);
    else
        *out = task;
    return st;
}

/* ---- Waiting for a task ---- */

typedef struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool has_ended;
    ao_result result;
    beamr_status status;
    beamr_error *err;
} waiter;

static void wake(void *user, const ao_result *result, const beamr_error *err)
{
    waiter *w = user;

    pthread_mutex_lock(&w->lock);
    if (result) {
        w->result = (ao_result){result->outcome, ao_value_ref(result->value)};
    } else {
        w->status = err->status;
        if (w->err->status == BEAMR_OK)
            *w->err = *err;
    }
    w->has_ended = true;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
}

static void wait_until(waiter *w)
{
    pthread_mutex_lock(&w->lock);
    while (!w->has_ended)
        pthread_cond_wait(&w->ended, &w->lock);
    pthread_mutex_unlock(&w->lock);
    pthread_cond_destroy(&w->ended);
    pthread_mutex_destroy(&w->lock);
}

static beamr_status run_and_wait(ao_task *task, ao_result *out, beamr_error *err)
{
    bool was_running = here.is_running;
    waiter w;

    w.lock = (pthread_mutex_t)PTHREAD_MUTEX_INITIALIZER;
    w.ended = (pthread_cond_t)PTHREAD_COND_INITIALIZER;
    w.has_ended = false;
    w.status = BEAMR_OK;
    w.err = err;

    task->done = wake;
    task->user = &w;
    here.is_running = true;
    if (task_run(task, err)) {
        w.status = task->status;
        w.result = task->result;
        task->result.value = AO_NO_VALUE;
        ao_task_unref(task);
        if (!was_running)
            drain();
    } else {
        drain(); /* one of these may be what the task waits for */
        wait_until(&w);
    }
    here.is_running = was_running;
    if (w.status == BEAMR_OK)
        *out = w.result;
    return w.status;
}

static beamr_status resolve(ao_context *context, fold_kind fold, ao_value base, ao_value source,
                            const ao_options *options, ao_result *out, beamr_error *err)
{
    beamr_error own;
    ao_task *task;
    beamr_status st;

    if (!err) {
        beamr_error_clear(&own);
        err = &own;
    }
    st = task_new(context, fold, base, source, options, &task, err);
    return st == BEAMR_OK ? run_and_wait(task, out, err) : st;
}

/* ---- The public side ---- */

/* A list, or a message that is one. */
static beamr_status as_list(ao_value list, ao_value *out, beamr_error *err)
{
    ao_message *message = ao_to_message(list);

    if (message)
        return ao_message_to_list(message, out, err);
    *out = ao_value_ref(list);
    return BEAMR_OK;
}

static beamr_status task_of_list(ao_context *context, ao_value list, const ao_options *options,
                                 ao_task **out, beamr_error *err)
{
    ao_value source;
    beamr_status st = as_list(list, &source, err);

    if (st == BEAMR_OK)
        st = task_new(context, FOLD_LIST, AO_NO_VALUE, source, options, out, err);
    return st;
}

beamr_status task_resolve_list(ao_context *context, ao_value list, const ao_options *options,
                               task_end *end, ao_result *out, beamr_error *err)
{
    ao_task *task;
    beamr_status st = task_of_list(context, list, options, &task, err);

    if (st != BEAMR_OK)
        return st;
    task->end = end;
    return run_and_wait(task, out, err);
}

beamr_status ao_resolve(ao_context *context, ao_value list, const ao_options *options,
                        ao_result *out, beamr_error *err)
{
    beamr_error own;

    if (!err) {
        beamr_error_clear(&own);
        err = &own;
    }
    return task_resolve_list(context, list, options, NULL, out, err);
}

beamr_status ao_resolve_on(ao_context *context, ao_value base, ao_value request,
                           const ao_options *options, ao_result *out, beamr_error *err)
{
    return resolve(context, FOLD_TEXT, ao_value_ref(base), ao_value_ref(request), options, out,
                   err);
}

beamr_status ao_get(ao_context *context, const ao_message *base, const char *path,
                    ao_value *out, beamr_error *err)
{
    ao_value request = ao_binary_text(path);
    ao_result result;
    beamr_status st;

    if (request.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a path");
    st = resolve(context, FOLD_TEXT, ao_message_value(ao_message_ref(base)), request, NULL,
                 &result, err);
    if (st != BEAMR_OK)
        return st;
    if (result.outcome == AO_OUTCOME_OK) {
        *out = result.value;
        return BEAMR_OK;
    }
    ao_value_unref(result.value);
    if (result.outcome != AO_OUTCOME_ERROR && result.outcome != AO_OUTCOME_NOT_FOUND)
        return beamr_fail(err, BEAMR_EXCEPTION, 0, "`%.200s` ended with the outcome %s", path,
                          ao_outcome_text(result.outcome));
    *out = AO_NO_VALUE;
    return BEAMR_OK;
}

beamr_status ao_task_start(ao_context *context, ao_value list, const ao_options *options,
                           ao_done done, void *user, ao_task **out, beamr_error *err)
{
    bool was_running = here.is_running;
    ao_task *task;
    beamr_status st = task_of_list(context, list, options, &task, err);

    if (st != BEAMR_OK)
        return st;
    task->done = done;
    task->user = user;
    if (out) {
        task_ref(task);
        *out = task;
    }
    here.is_running = true;
    run_one(task);
    if (!was_running)
        drain();
    here.is_running = was_running;
    return BEAMR_OK;
}
