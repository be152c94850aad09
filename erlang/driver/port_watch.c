/* What ends calls from outside: the end of their callers, time limits, interrupts, and the end
 * of the port. See port_internal.h. */
#include <stdlib.h>

#include "driver/port_internal.h"

#define TIMER_MAX_MS 1000000000u
#define LOOK_MAX                                                                               \
    64u /* of a queue's commands that are looked at under the mutex, or in callbacks */
#define SWEEP_NS 5000000u

const char *drv_doom_text(drv_doom doom)
{
    switch (doom) {
    case DRV_DOOM_INTERRUPTED:
        return "the call was interrupted";
    case DRV_DOOM_TIME:
        return "the call took longer than its time limit";
    default:
        return "the instance was stopped";
    }
}

/* ---- Those that are watched ---- */

typedef struct drv_watched {
    struct drv_watched *next;
    ErlDrvTermData pid;
    ErlDrvMonitor monitor;
    atomic_uint refs; /* the table's, and of those that hold it */
    atomic_bool is_gone;
} watched;

void drv_watched_drop(watched *w)
{
    if (w != NULL && atomic_fetch_sub(&w->refs, 1) == 1)
        free(w);
}

static bool is_gone(const drv_job *job)
{
    return job->watched != NULL && atomic_load(&job->watched->is_gone);
}

static bool is_over(const drv_job *job, uint64_t now)
{
    return job->deadline != 0 && job->deadline <= now;
}

/* ---- Doom ---- */

static void doom_current(drv_port *port, drv_doom doom)
{
    drv_job *job = port->current;
    drv_guest *guest = port->guest != NULL ? port->guest : port->young;

    if (job == NULL || job->doom != DRV_DOOM_NONE ||
        (!drv_job_is_call(job) && job->command.op != DRV_OP_INIT))
        return;
    job->doom = doom;
    if (port->is_stepping) {
        if (guest != NULL)
            drv_guest_interrupt(guest);
        return;
    }
    drv_pool_hurry(port->pool, &port->task); /* others wait for the guest, or its memory */
    if (doom == DRV_DOOM_INTERRUPTED || doom == DRV_DOOM_TIME) {
        drv_reply_error(port, job, drv_doom_text(doom));
        job->is_answered = true;
    }
}

void drv_doom_from(drv_port *port, drv_job *frame, drv_doom doom)
{
    for (drv_job *job = port->top; frame != NULL && job != NULL; job = job->below) {
        if (job->doom == DRV_DOOM_NONE)
            job->doom = doom;
        if (job == frame)
            break;
    }
    doom_current(port, doom);
    if (port->current != NULL || port->top != NULL)
        drv_port_wake(port);
}

/* The outermost of those that wait. */
static drv_job *frames_bottom(const drv_port *port)
{
    drv_job *job = port->top;

    while (job != NULL && job->below != NULL)
        job = job->below;
    return job;
}

void drv_end_doomed(drv_port *port, drv_job *job)
{
    port_unlock(port);
    if (job->call != NULL)
        drv_call_free(job->call);
    if (job->command.op == DRV_OP_INIT)
        drv_init_undo(port);
    if (!job->is_answered)
        drv_reply_error(port, job, drv_doom_text(job->doom));
    port_lock(port);
    port->current = NULL;
    drv_job_free(job);
}

/* While the task is between two jobs, the next one is as good as running. */
static void doom_next(drv_port *port, drv_doom doom)
{
    drv_job *job = port->inner.first;

    if (job == NULL && port->top == NULL)
        job = port->outer.first;
    for (unsigned i = 0; job != NULL && is_gone(job) && i < LOOK_MAX; i++)
        job = job->next;
    if (job != NULL && (drv_job_is_call(job) || job->command.op == DRV_OP_INIT))
        job->doom = doom;
}

void drv_interrupt(drv_port *port, drv_job *job)
{
    drv_answer answer;

    port_lock(port);
    drv_doom_from(port, frames_bottom(port), DRV_DOOM_INTERRUPTED);
    if (port->is_busy && port->current == NULL)
        doom_next(port, DRV_DOOM_INTERRUPTED);
    port_unlock(port);
    drv_answer_begin(&answer, job);
    drv_answer_atom(&answer, "ok");
    drv_answer_end(&answer, port, job);
}

/* ---- The queue ---- */

/* Some that stand there are to go. With the mutex held. */
static void queue_check(drv_port *port)
{
    if (port->inner.first == NULL && port->outer.first == NULL)
        return;
    port->sweep = DRV_SWEEP_WANTED;
    drv_port_wake(port);
}

/* Move those that are to go out of a part of a list.
 *   last  behind which the part begins, NULL: with the first; then the last that stays of it
 * Returns whether there is more. */
static bool list_part(drv_list *list, drv_job **last, uint64_t now, drv_list *out)
{
    drv_job **at = *last == NULL ? &list->first : &(*last)->next, *job;

    for (unsigned i = 0; i < LOOK_MAX && (job = *at) != NULL; i++) {
        if (!is_gone(job) && !is_over(job, now)) {
            *last = job;
            at = &job->next;
            continue;
        }
        if ((*at = job->next) == NULL)
            list->last = *last;
        list->count--;
        list->bytes -= job->bytes;
        drv_list_push(out, job);
    }
    return *at != NULL;
}

static void list_sweep(drv_port *port, drv_list *list)
{
    uint64_t now = drv_now();
    drv_job *last = NULL, *job;
    bool has_more;

    do {
        drv_list out = {0};

        has_more = list_part(list, &last, now, &out);
        port_unlock(
            port); /* callbacks wait for no more than a part; they only add at the end */
        while ((job = drv_list_pop(&out)) != NULL) {
            if (!is_gone(job))
                drv_reply_error(port, job, drv_doom_text(DRV_DOOM_TIME));
            drv_job_free(job);
        }
        port_lock(port);
    } while (has_more);
}

void drv_queue_sweep(drv_port *port)
{
    while (port->sweep != DRV_SWEEP_NONE) {
        port->sweep = DRV_SWEEP_BEGUN;
        list_sweep(port, &port->inner);
        list_sweep(port, &port->outer);
        if (port->sweep == DRV_SWEEP_BEGUN)
            port->sweep = DRV_SWEEP_NONE;
    }
}

/* ---- Callers ---- */

/* By pid; one for each process that ever had to wait, until it ends. */
struct drv_monitors {
    ErlDrvTermData last; /* the one that was asked for last, or 0 */
    size_t count, room;  /* room: a power of two */
    watched **table;
};

static watched **monitors_at(struct drv_monitors *all, ErlDrvTermData pid)
{
    size_t hash = (size_t)((uint64_t)pid * UINT64_C(0x9e3779b97f4a7c15) >> 32);
    watched **at = &all->table[hash & (all->room - 1)];

    while (*at != NULL && (*at)->pid != pid)
        at = &(*at)->next;
    return at;
}

static bool monitors_grow(struct drv_monitors *all)
{
    struct drv_monitors old = *all;
    watched *w;

    if (old.count < old.room)
        return true;
    all->room = old.room == 0 ? 8 : 2 * old.room;
    if ((all->table = calloc(all->room, sizeof(watched *))) == NULL) {
        *all = old;
        return old.room > 0; /* longer chains, then */
    }
    for (size_t i = 0; i < old.room; i++)
        while ((w = old.table[i]) != NULL) {
            watched **at = monitors_at(all, w->pid);

            old.table[i] = w->next;
            w->next = *at;
            *at = w;
        }
    free(old.table);
    return true;
}

/* Take out of a short list what a process has sent. */
static void list_lose(drv_list *list, ErlDrvTermData pid)
{
    drv_list all = *list;
    drv_job *job;

    *list = (drv_list){0};
    while ((job = drv_list_pop(&all)) != NULL)
        if (!job->command.is_plain && job->command.caller == pid)
            drv_job_free(job);
        else
            drv_list_push(list, job);
}

/* The queue is left to the pool: it may be long. */
static void caller_lost(drv_port *port, ErlDrvTermData pid)
{
    const drv_job *top, *current;

    port_lock(port);
    top = port->top;
    current = port->current;
    list_lose(&port->ended, pid);
    if (top != NULL && !top->command.is_plain && top->command.caller == pid)
        drv_doom_from(port, frames_bottom(port), DRV_DOOM_CALLER);
    else if (current != NULL && !current->command.is_plain && current->command.caller == pid)
        drv_doom_from(port, NULL, DRV_DOOM_CALLER);
    queue_check(port);
    port_unlock(port);
}

/* Errors: NULL. One that has ended is not in the table. */
static watched *watched_new(drv_port *port, ErlDrvTermData pid)
{
    watched *w = calloc(1, sizeof *w), **at;
    int rc;

    if (w == NULL)
        return NULL;
    w->pid = pid;
    atomic_init(&w->refs, 1);
    if ((rc = driver_monitor_process(port->handle, pid, &w->monitor)) < 0) {
        free(w);
        return NULL;
    }
    if (rc > 0) {
        atomic_init(&w->is_gone, true);
        return w;
    }
    at = monitors_at(port->monitors, pid);
    *at = w;
    port->monitors->count++;
    atomic_fetch_add(&w->refs, 1);
    return w;
}

watched *drv_watch_hold(drv_port *port, ErlDrvTermData pid)
{
    struct drv_monitors *all = port->monitors;
    watched *w;

    if (all == NULL && (all = port->monitors = calloc(1, sizeof *all)) == NULL)
        return NULL;
    if (!monitors_grow(all))
        return NULL;
    if ((w = *monitors_at(all, pid)) == NULL)
        return watched_new(port, pid);
    atomic_fetch_add(&w->refs, 1);
    return w;
}

void drv_watch_caller(drv_port *port, ErlDrvTermData pid)
{
    watched *w;

    if (port->monitors != NULL && port->monitors->last == pid)
        return;
    if ((w = drv_watch_hold(port, pid)) == NULL)
        return;
    if (atomic_load(&w->is_gone))
        caller_lost(port, pid);
    else
        port->monitors->last = pid;
    drv_watched_drop(w);
}

void drv_port_down(drv_port *port, const ErlDrvMonitor *monitor)
{
    ErlDrvTermData pid = driver_get_monitored_process(port->handle, monitor);
    struct drv_monitors *all = port->monitors;
    watched **at, *w;

    if (all == NULL || all->room == 0)
        return;
    all->last = 0;
    at = monitors_at(all, pid);
    if ((w = *at) != NULL) {
        *at = w->next;
        atomic_store(&w->is_gone, true);
        drv_watched_drop(w);
        all->count--;
    }
    caller_lost(port, pid);
}

/* The emulator ends the monitors with the port. */
void drv_watch_free(drv_port *port)
{
    struct drv_monitors *all = port->monitors;
    watched *w;

    for (size_t i = 0; all != NULL && i < all->room; i++)
        while ((w = all->table[i]) != NULL) {
            all->table[i] = w->next;
            drv_watched_drop(w);
        }
    if (all != NULL)
        free(all->table);
    free(all);
    port->monitors = NULL;
}

/* ---- Time limits ---- */

void drv_watch_time(drv_port *port, uint64_t deadline)
{
    uint64_t now = drv_now(), ms;

    if (port->timer != 0 && port->timer <= deadline)
        return;
    ms = deadline <= now ? 0 : (deadline - now) / 1000000u + 1;
    if (ms > TIMER_MAX_MS)
        ms = TIMER_MAX_MS; /* it is set again when it fires */
    port->timer = deadline;
    driver_set_timer(port->handle, (unsigned long)ms);
}

static void earlier(uint64_t *next, const drv_job *job)
{
    if (job->deadline != 0 && job->doom == DRV_DOOM_NONE && job->deadline < *next)
        *next = job->deadline;
}

/* Those in a list have come, and end, one after the other: the first tells of all. */
static void list_look(drv_port *port, const drv_list *list, uint64_t now, uint64_t *next)
{
    const drv_job *job = list->first;

    for (unsigned i = 0; job != NULL && job->deadline == 0 && i < LOOK_MAX; i++)
        job = job->next;
    if (job == NULL)
        return;
    if (job->deadline == 0 || is_over(job, now)) {
        queue_check(port);
        if (*next > now + SWEEP_NS) /* to see what comes behind them */
            *next = now + SWEEP_NS;
    } else {
        earlier(next, job);
    }
}

void drv_port_tick(drv_port *port)
{
    uint64_t now = drv_now(), next = UINT64_MAX;
    drv_job *frame = NULL;

    port->timer = 0;
    port_lock(port);
    list_look(port, &port->inner, now, &next);
    list_look(port, &port->outer, now, &next);
    for (drv_job *job = port->top; job != NULL; job = job->below)
        if (is_over(job, now))
            frame = job;
    if (frame != NULL || (port->current != NULL && is_over(port->current, now)))
        drv_doom_from(port, frame, DRV_DOOM_TIME);
    for (drv_job *job = port->top; job != NULL; job = job->below)
        earlier(&next, job);
    if (port->current != NULL)
        earlier(&next, port->current);
    port_unlock(port);
    if (next != UINT64_MAX)
        drv_watch_time(port, next);
}

/* ---- The end of the port ---- */

static void list_free(drv_list *list)
{
    drv_job *job;

    while ((job = drv_list_pop(list)) != NULL)
        drv_job_free(job);
}

/* The innermost call first. */
void drv_port_drain(drv_port *port)
{
    drv_job *job;

    port_lock(port); /* with those who ask for info */
    job = port->current;
    port->current = NULL;
    while (job != NULL || (job = port->top) != NULL) {
        if (job == port->top)
            port->top = job->below;
        if (job->call != NULL)
            drv_call_free(job->call);
        drv_job_free(job);
        job = NULL;
    }
    list_free(&port->inner);
    list_free(&port->outer);
    list_free(&port->ended);
    port_unlock(port);
}
