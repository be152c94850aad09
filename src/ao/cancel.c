/* How tasks are cancelled. A task that runs sees it at its next step, and whatever was to be
 * ended by it is asked to (ao_stop); one that is parked is told, by its device's `cancel`.
 *
 * A parked call may also wait for what it resolves apart, which may wait so in turn. Then that
 * is cancelled, up to the task that runs or waits for a device. When this one has ended, or was
 * told, its waiter goes on, gives up and ends, and so does the next one's waiter, down to the
 * one that was cancelled or gave up first.
 * A task whose device was told is parked and cancelled: nothing of it will run again but what
 * gives its frames up, some time, when its device has finished. So its waiter goes on at once.
 * By then there may be no context any more, so what waits for a group that the task leads goes
 * on before. Three must agree, under the task's lock: who cancels it (is_held), who tells it
 * (was_told), and who ends it (has_ended); the last of them lets the waiter go on.
 *
 *   is_late   the waiter does not get the result; whoever sets it also sets is_held
 *   is_held   whoever set it still needs the waiter, and what that needs
 *   is_loose  set before was_told: the task does without its context */
#include "ao/apart.h"
#include "ao/group.h"
#include "ao/task.h"

/* ---- What is to be ended ---- */

void ao_stop_begin(ao_stop *stop, void (*function)(void *arg), void *arg)
{
    ao_task *task = task_here();

    *stop = (ao_stop){.task = task, .stop = function, .arg = arg};
    if (!task)
        return;
    (void)pthread_mutex_lock(&task->lock);
    stop->next = task->stops;
    if (task->stops)
        task->stops->previous = stop;
    task->stops = stop;
    if (atomic_load(&task->is_cancelled)) {
        stop->is_asked = true;
        function(arg);
    }
    (void)pthread_mutex_unlock(&task->lock);
}

bool ao_stop_end(ao_stop *stop)
{
    ao_task *task = stop->task;

    if (!task)
        return stop->is_asked;
    (void)pthread_mutex_lock(&task->lock);
    *(stop->previous ? &stop->previous->next : &task->stops) = stop->next;
    if (stop->next)
        stop->next->previous = stop->previous;
    (void)pthread_mutex_unlock(&task->lock);
    stop->task = NULL;
    return stop->is_asked;
}

static void ask_stops(ao_task *task)
{
    (void)pthread_mutex_lock(&task->lock);
    for (ao_stop *stop = task->stops; stop; stop = stop->next) {
        if (!stop->is_asked)
            stop->stop(stop->arg);
        stop->is_asked = true;
    }
    (void)pthread_mutex_unlock(&task->lock);
}

/* ---- Waiters of what is cancelled ---- */

void cancel_let_go(ao_task *task)
{
    ao_call *waiter = NULL;

    (void)pthread_mutex_lock(&task->lock);
    if (task->is_late && !task->is_held && (task->was_told || task->has_ended)) {
        waiter = task->waiter;
        task->waiter = NULL;
    }
    (void)pthread_mutex_unlock(&task->lock);
    if (!waiter)
        return;
    waiter->then = waiter->late;
    group_set_above(waiter->task, NULL);
    task_finish_call(waiter, LATER_CONTINUE);
}

static void drop_hold(ao_task *held)
{
    (void)pthread_mutex_lock(&held->lock);
    held->is_held = false;
    (void)pthread_mutex_unlock(&held->lock);
    cancel_let_go(held);
    ao_task_unref(held);
}

/* ---- Telling ---- */

/* The task is parked and cancelled: if it is apart, its waiter need not wait for the device. */
static void leave_behind(ao_task *task)
{
    bool is_late;

    (void)pthread_mutex_lock(&task->lock);
    is_late = task->is_late;
    (void)pthread_mutex_unlock(&task->lock);
    if (!is_late)
        return;
    for (ao_call *call = task->top; call; call = call->parent)
        group_abandon(call);
    task->is_loose = true;
}

/* Tell a parked call that nobody needs its answer.
 * Returns what it resolves apart instead, held; NULL: nothing, or the task is not parked. */
static ao_task *tell(ao_task *task)
{
    int expected = TASK_PARKED;
    ao_task *above = NULL;
    bool was_told;
    ao_call *call;

    if (!atomic_compare_exchange_strong(&task->state, &expected, TASK_TELLING))
        return NULL;
    call = task->top;
    was_told = !call->is_apart;
    if (call->is_apart)
        above = apart_hold(call);
    else if (call->cancel)
        call->cancel(call, call->cancel_arg);
    if (was_told)
        leave_behind(task);
    expected = TASK_TELLING;
    if (!atomic_compare_exchange_strong(&task->state, &expected, TASK_TOLD)) {
        atomic_store(&task->state, TASK_RUNNING); /* it was finished meanwhile */
        task_resume(task);
    }
    if (was_told) {
        (void)pthread_mutex_lock(&task->lock);
        task->was_told = true;
        (void)pthread_mutex_unlock(&task->lock);
    }
    return above;
}

/* Cancel a task and all that it waits for apart: upwards to what runs or waits for a device,
 * and back, letting waiters go on. */
static void cancel_all(ao_task *task)
{
    ao_task *at = task, *next = task;

    while (next) {
        at = next;
        atomic_store(&at->is_cancelled, true);
        ask_stops(at);
        next = tell(at);
    }
    while (at != task) {
        next = at->waiter->task; /* counted, or given: it waits as long as `at` is held */
        drop_hold(at);
        at = next;
    }
}

void ao_task_cancel(ao_task *task)
{
    bool was_here = task_enter_here();

    cancel_all(task);
    task_leave_here(was_here);
}

void cancel_held(ao_task *task)
{
    bool was_here = task_enter_here();

    cancel_all(task);
    drop_hold(task);
    task_leave_here(was_here);
}

void cancel_parked(ao_task *task)
{
    ao_task *above = tell(task);

    if (above) {
        cancel_all(above);
        drop_hold(above);
    }
    cancel_let_go(task);
}
