/* Commands as they come, the queue, and whose turn it is: see port_internal.h. */
#include <stddef.h>
#include <stdlib.h>

#include "driver/port_internal.h"

#define QUEUED_MAX 65536u                   /* commands of one port */
#define QUEUED_BYTES ((size_t)64 << 20)     /* that are allocated for them */
#define TIME_MAX_MS UINT64_C(1000000000000) /* thirty years: as good as no limit */

/* ---- Jobs ---- */

void drv_list_push(drv_list *list, drv_job *job)
{
    job->next = NULL;
    if (list->last == NULL)
        list->first = job;
    else
        list->last->next = job;
    list->last = job;
    list->count++;
    list->bytes += job->bytes;
}

drv_job *drv_list_pop(drv_list *list)
{
    drv_job *job = list->first;

    if (job == NULL)
        return NULL;
    if ((list->first = job->next) == NULL)
        list->last = NULL;
    list->count--;
    list->bytes -= job->bytes;
    return job;
}

void drv_job_free(drv_job *job)
{
    drv_watched_drop(job->watched);
    drv_command_clear(&job->command);
    free(job);
}

drv_command *drv_port_command(drv_port *port)
{
    drv_job *job = port->spare;

    port->spare = NULL;
    if (job == NULL && (job = calloc(1, sizeof *job)) == NULL)
        job = &port->reserve;
    drv_command_init(&job->command);
    return &job->command;
}

/* In a callback: the job serves again. */
static void job_recycle(drv_port *port, drv_job *job)
{
    drv_watched_drop(job->watched);
    drv_command_clear(&job->command);
    if (job == &port->reserve)
        return;
    if (port->spare != NULL) {
        free(job);
        return;
    }
    memset((char *)job + offsetof(drv_job, task), 0, sizeof *job - offsetof(drv_job, task));
    port->spare = job;
}

/* ---- The task: what the pool does for a port ---- */

/* The next command that may go; NULL when all that are there must wait. */
static drv_job *port_next(drv_port *port)
{
    drv_job *job = drv_list_pop(&port->inner);

    if (job == NULL && port->top == NULL)
        job = drv_list_pop(&port->outer);
    return job;
}

void drv_port_wake(drv_port *port)
{
    if (port->is_busy)
        return;
    port->is_busy = true;
    drv_pool_submit_first(port->pool, &port->task);
}

/* What the guest shows when nobody runs it. */
static void port_settle(drv_port *port)
{
    uint32_t n = 0;

    if (port->guest == NULL)
        return;
    drv_guest_settle(port->guest);
    while (n < DRV_MEMORIES && drv_guest_memory_size(port->guest, n, &port->memories[n]))
        n++;
    port->memory_count = n;
    port->fuel = drv_guest_fuel_used(port->guest);
}

/* Is there anything that could go now, if the guest is free? */
static bool port_has_next(const drv_port *port)
{
    if (port->top == NULL)
        return port->inner.first != NULL || port->outer.first != NULL;
    return port->inner.first != NULL || port->top->doom != DRV_DOOM_NONE;
}

static drv_outcome port_step(drv_port *port, drv_job *job, drv_answer *answer, bool is_pool)
{
    return drv_job_is_call(job) ? drv_step_call(port, job, answer, is_pool)
                                : drv_step_memory(port, job, answer, is_pool);
}

/* The owner begins. Returns false when it has been answered instead: what a response was for
 * may be gone. With the mutex held. */
static bool port_begin(drv_port *port, drv_job *job)
{
    drv_answer answer;

    if (job->command.op != DRV_OP_RESPOND)
        return true;
    drv_answer_begin(&answer, job);
    if (!drv_frames_expect(port, job, &answer)) {
        drv_answer_end(&answer, port, job);
        return false;
    }
    if (answer.term == &answer.local)
        drv_answer_drop(&answer);
    return true;
}

/* Let the owner go on for a turn. With the mutex held, which is released meanwhile. When it was
 * paused, or is to end, it stays the owner. */
static void port_work(drv_port *port, drv_job *job)
{
    drv_outcome outcome;
    drv_answer answer;

    port->is_stepping = true;
    port_unlock(port);
    drv_answer_begin(&answer, job);
    outcome = port_step(port, job, &answer, true);
    port_lock(port);
    port->is_stepping = false;
    port_settle(port);
    if (outcome == DRV_PAUSED || (outcome == DRV_WAITS && job->doom != DRV_DOOM_NONE)) {
        drv_answer_drop(&answer);
        return;
    }
    port->current = NULL;
    if (outcome == DRV_WAITS)
        drv_frames_push(port, job); /* before its handler hears of it */
    port_unlock(port);
    drv_answer_end(&answer, port, job);
    if (outcome == DRV_DONE)
        drv_job_free(job);
    port_lock(port);
}

/* Find an owner. Returns false when there is nothing to do. */
static bool port_turn(drv_port *port)
{
    drv_job *job;

    do {
        drv_queue_sweep(port);
        drv_frames_end(port);
    } while (port->sweep != DRV_SWEEP_NONE);
    if ((job = port_next(port)) == NULL)
        return false;
    if (job->command.op == DRV_OP_RESPOND)
        drv_frames_unqueue(port, job);
    if (!port_begin(port, job)) {
        drv_job_free(job);
        return true;
    }
    if (job->command.op == DRV_OP_RESPOND)
        drv_job_free(drv_frames_respond(port, job));
    port->current = job;
    return true;
}

static void port_run(drv_task *task)
{
    drv_port *port = (drv_port *)task;

    port_lock(port);
    while (!atomic_load(&port->is_closed)) {
        if (port->current == NULL && !port_turn(port)) {
            port->is_busy = false;
            port_unlock(port);
            return;
        }
        if (port->current != NULL && port->current->doom != DRV_DOOM_NONE)
            drv_end_doomed(port, port->current);
        else if (port->current != NULL)
            port_work(port, port->current);
        /* With nothing left to do the port is free at once: its next command may be short. */
        if ((port->current != NULL || port_has_next(port)) && drv_pool_is_wanted(port->pool)) {
            if (port->current != NULL)
                drv_pool_submit_again(port->pool, &port->task);
            else
                drv_pool_submit(port->pool, &port->task);
            port_unlock(port);
            return;
        }
    }
    port_unlock(port);
    drv_port_drain(port);
    drv_port_release(port);
}

/* ---- Commands ---- */

#define TURN_PERCENT 20 /* of the time that the emulator gives a port at once: 1 ms */

/* Whom to watch, when the job may be gone already. */
typedef struct pending {
    ErlDrvTermData caller;
    uint64_t deadline;
    bool is_plain;
} pending;

static pending pending_of(const drv_job *job)
{
    return (pending){job->command.caller, job->deadline, job->command.is_plain};
}

static void pending_watch(drv_port *port, const pending *p)
{
    if (!p->is_plain)
        drv_watch_caller(port, p->caller);
    if (p->deadline != 0)
        drv_watch_time(port, p->deadline);
}

/* The guest is this callback's until it returns: all others that could use it are callbacks of
 * the same port, or the task, which is not submitted. */
static void take_now(drv_port *port, drv_job *job)
{
    pending p = pending_of(job);
    drv_outcome outcome = DRV_PAUSED;
    drv_answer answer;

    if (!drv_job_is_heavy(port, job)) {
        drv_answer_begin(&answer, job);
        outcome = port_step(port, job, &answer, false);
        if (outcome == DRV_PAUSED)
            drv_answer_drop(&answer);
        else
            drv_answer_end(&answer, port, job);
    }
    if (outcome == DRV_PAUSED) {
        drv_reply_later(job);
        erl_drv_consume_timeslice(port->handle, job->is_begun ? TURN_PERCENT : 1);
    }
    port_lock(port);
    port_settle(port);
    if (outcome == DRV_WAITS)
        drv_frames_push(port, job);
    if (outcome == DRV_PAUSED)
        port->current = job;
    if (outcome == DRV_PAUSED || port_has_next(port)) {
        port->is_busy = true;
        drv_pool_submit(port->pool, &port->task);
    }
    port_unlock(port);
    if (outcome == DRV_DONE)
        job_recycle(port, job);
    else
        pending_watch(port, &p);
}

/* An init is taken once, until it fails. */
static bool take_init(drv_port *port, drv_job *job)
{
    bool is_first = !port->was_initialised;

    if (is_first) {
        port->was_initialised = true;
        port->time_ms = job->command.options.time_ms;
        if (port->time_ms > TIME_MAX_MS)
            port->time_ms = 0;
    }
    return is_first;
}

/* Binaries of the emulator's, which are held, are not counted: they are there anyway. */
static size_t held_by(const drv_command *command)
{
    size_t kept = command->own == NULL ? 0
                                       : command->ref.len + command->target.name.len +
                                             command->list.len + command->text.len;

    return kept + command->args.size +
           (command->rest.own == NULL ? 0 : command->rest.bytes.len);
}

/* Stand in the queue. With the mutex held, which it releases. */
static void take_later(drv_port *port, drv_job *job, drv_list *list)
{
    pending p = pending_of(job);
    /* Those that are to go, whom nobody has removed yet, are in nobody's way. */
    size_t most = port->sweep == DRV_SWEEP_NONE ? QUEUED_MAX : 2 * QUEUED_MAX;

    job->bytes = held_by(&job->command);
    if (list->count >= most || job->bytes > QUEUED_BYTES ||
        list->bytes > QUEUED_BYTES - job->bytes) {
        port_unlock(port);
        drv_reply_error(port, job, "too many commands are waiting for the instance");
        job_recycle(port, job);
        return;
    }
    if (job->command.op == DRV_OP_RESPOND)
        port->top->is_responded = true;
    job->is_queued = true;
    if (!p.is_plain)
        job->watched = drv_watch_hold(port, p.caller);
    drv_reply_later(job);
    drv_list_push(list, job);
    port_unlock(port);
    pending_watch(port, &p);
}

static void take_refused(drv_port *port, drv_job *job, const char *text)
{
    port_unlock(port);
    drv_reply_error(port, job, text);
    job_recycle(port, job);
}

static void take(drv_port *port, drv_job *job)
{
    bool is_inner;

    port_lock(port);
    if (job->command.op == DRV_OP_INIT && !take_init(port, job)) {
        take_refused(port, job, "the instance is initialised already");
        return;
    }
    if (!port_begin(port, job)) {
        port_unlock(port);
        job_recycle(port, job);
        return;
    }
    if (job->command.op == DRV_OP_CALL)
        port->calls++;
    if (port->time_ms != 0 &&
        (job->command.op == DRV_OP_CALL || job->command.op == DRV_OP_INIT))
        job->deadline = drv_now() + port->time_ms * 1000000u;
    is_inner = drv_frames_admit(port, job);
    if (port->is_busy || (!is_inner && (port->top != NULL || port->outer.first != NULL))) {
        take_later(port, job, is_inner ? &port->inner : &port->outer);
        return;
    }
    if (job->command.op == DRV_OP_RESPOND) {
        drv_job *frame = drv_frames_respond(port, job);

        port_unlock(port);
        job_recycle(port, frame);
    } else {
        port_unlock(port);
    }
    take_now(port, job);
}

void drv_port_take(drv_port *port, drv_command *command, drv_writer *answer)
{
    drv_job *job = job_of(command);

    job->value = answer;
    command->caller = driver_caller(port->handle);
    if (command->is_plain)
        atomic_store(&port->owner, driver_connected(port->handle));
    if (job == &port->reserve && command->op != DRV_OP_INTERRUPT) {
        drv_reply_error(port, job, "out of memory for a command");
        job_recycle(port, job);
        return;
    }
    if (command->op == DRV_OP_INFO || command->op == DRV_OP_INTERRUPT) {
        if (command->op == DRV_OP_INTERRUPT)
            drv_interrupt(port, job);
        else if (!drv_info(port, job))
            return; /* a task has it */
        job_recycle(port, job);
        return;
    }
    take(port, job);
}

void drv_port_refuse(drv_port *port, drv_command *command, const beamr_error *why,
                     drv_writer *answer)
{
    drv_job *job = job_of(command);
    drv_answer reply;

    job->value = answer;
    command->caller = driver_caller(port->handle);
    if (command->is_plain)
        atomic_store(&port->owner, driver_connected(port->handle));
    drv_answer_begin(&reply, job);
    if (why->status == BEAMR_ARGUMENT && !command->is_plain)
        drv_answer_atom(&reply, "invalid_args");
    else
        drv_answer_error(&reply, why->text);
    drv_answer_end(&reply, port, job);
    job_recycle(port, job);
}

/* ---- Life ---- */

beamr_status drv_port_new(ErlDrvPort handle, drv_pool *pool, drv_world *world,
                          BEAMR_OWN drv_port **out, beamr_error *err)
{
    drv_port *port = calloc(1, sizeof *port);

    if (port == NULL)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a port");
    port->task.run = port_run;
    port->pool = pool;
    port->world = world;
    port->handle = handle;
    port->term = driver_mk_port(handle);
    port->ok_atom = driver_mk_atom("ok");
    port->result_atom = driver_mk_atom("execution_result");
    port->users = 1;
    pthread_mutex_init(&port->mutex, NULL);
    *out = port;
    return BEAMR_OK;
}

void drv_port_close(drv_port *port)
{
    port_lock(port);
    atomic_store(&port->is_closed, true);
    drv_doom_from(port, NULL, DRV_DOOM_STOPPED);
    drv_port_wake(port);
    port_unlock(port); /* it may be gone from here on */
}

void drv_port_release(drv_port *port)
{
    bool is_last;

    port_lock(port);
    is_last = --port->users == 0;
    port_unlock(port);
    if (!is_last)
        return;
    free(port->spare);
    drv_watch_free(port);
    drv_guest_free(port->guest);
    drv_guest_free(port->young);
    pthread_mutex_destroy(&port->mutex);
    free(port);
}
