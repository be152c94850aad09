/* Resolutions apart: apart.h. How one is cancelled, and who lets its waiter go on then, is told
 * in cancel.c; of a result it is the one who ends the task. */
#include "ao/apart.h"

#include <string.h>

#include "ao/aside.h"
#include "ao/group.h"
#include "ao/internal.h"
#include "ao/task.h"

/* ---- Its end ---- */

/* The call that gets the result; NULL: none, or it was given up. */
static ao_call *take_waiter(ao_task *task)
{
    ao_call *waiter = NULL;

    (void)pthread_mutex_lock(&task->lock);
    task->has_ended = true;
    if (!task->is_late) {
        waiter = task->waiter;
        task->waiter = NULL;
    }
    (void)pthread_mutex_unlock(&task->lock);
    return waiter;
}

static void ended(void *user, const ao_result *result, const beamr_error *err)
{
    ao_task *task = user;
    ao_call *waiter = take_waiter(task);

    if (!waiter) {
        cancel_let_go(task);
        return;
    }
    group_set_above(waiter->task, NULL);
    if (!result) {
        waiter->raised_status = err->status;
        waiter->raised = strdup(err->text);
        task_finish_here(waiter, LATER_RAISE);
        return;
    }
    value_drop(&waiter->child.value);
    waiter->child = (ao_result){result->outcome, ao_value_ref(result->value)};
    waiter->is_spent = task_is_spent(task);
    task_finish_here(waiter, LATER_CONTINUE);
}

/* ---- Its beginning ---- */

/* What a frame gets from the one below it. */
static void inherit(ao_task *task, const ao_call *call)
{
    task->depth = call->task->depth + call->depth + 1;
    task->top->in_hook = call->in_hook;
    task->top->no_force = call->no_force;
}

beamr_status apart_resolve(ao_call *call, ao_value base, ao_value request,
                           const ao_options *options, ao_function then, ao_function late,
                           beamr_error *err)
{
    ao_task *task;
    beamr_status st;

    if (base.kind == AO_NONE || request.kind == AO_NONE) {
        ao_value_unref(base);
        ao_value_unref(request);
        return value_fail(base.kind == AO_NONE ? base : request, err);
    }
    if (call->task->depth + call->depth + 1 >= call_depth_max(call)) {
        ao_value_unref(base);
        ao_value_unref(request);
        return call_fail_depth(call, err);
    }
    st = task_new(call->task->context, FOLD_TEXT, base, request, options, &task, err);
    if (st != BEAMR_OK)
        return st;
    inherit(task, call);
    task->done = ended;
    task->user = task;
    task->waiter = call;
    if (call->apart)
        ao_task_unref(call->apart);
    task_ref(task);
    call->apart = task;
    call->is_used = true;
    call->then = then;
    call->late = late;
    group_set_above(call->task, task);
    call->is_apart = true;
    task_resume_here(task); /* it begins when this task is parked */
    return APART_WAITS;
}

/* ---- Giving it up ---- */

ao_task *apart_hold(ao_call *call)
{
    ao_task *task = call->apart;
    bool is_held;

    if (!task)
        return NULL;
    (void)pthread_mutex_lock(&task->lock);
    is_held = task->waiter && !task->is_late;
    if (is_held) {
        task->is_late = task->is_held = true;
        task_ref(task);
    }
    (void)pthread_mutex_unlock(&task->lock);
    return is_held ? task : NULL;
}

static void give_up(void *held)
{
    cancel_held(held);
}

static void *run_give_up(void *held)
{
    give_up(held);
    return NULL;
}

void apart_give_up(ao_task *held)
{
    const ao_context *context = held->context; /* there, as the waiter has not gone on */
    bool was_here;

    if (!context->execute && aside_start(run_give_up, held))
        return;
    was_here = aside_enter();
    if (context->execute)
        context->execute(context->user, give_up, held);
    else
        give_up(held);
    aside_leave(was_here);
}
