/* What stands idle, and alarms: idle.h. */
#include "device/idle.h"

#include <time.h>

#include "base/thread.h"
#include "device/alarm.h"

#define NS_PER_S UINT64_C(1000000000)
#define THREAD_STACK ((size_t)256 << 10) /* freeing an instance runs on it */

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

beamr_status idle_init(idle_list *list, uint64_t after_ns, beamr_error *err)
{
    pthread_condattr_t attr;

    *list = (idle_list){.after_ns = after_ns};
    list->entries.next = list->entries.previous = &list->entries;
    if (pthread_condattr_init(&attr) != 0)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the list of idle guests");
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&list->stop, &attr);
    (void)pthread_condattr_destroy(&attr);
    (void)pthread_mutex_init(&list->lock, NULL);
    return BEAMR_OK;
}

static void unlink_entry(dev_idle *idle)
{
    idle->next->previous = idle->previous;
    idle->previous->next = idle->next;
    idle->next = idle->previous = NULL;
}

/* ---- The thread ---- */

/* Sleep until `due`, until an alarm is set for an earlier time, or until the list is to stop.
 * The lock is held. */
static void sleep_until(idle_list *list, uint64_t due)
{
    struct timespec at = {.tv_sec = (time_t)(due / NS_PER_S),
                          .tv_nsec = (long)(due % NS_PER_S)};

    list->wakes = due;
    (void)pthread_cond_timedwait(&list->stop, &list->lock, &at);
    list->wakes = 0;
}

static bool has_something(const idle_list *list)
{
    return list->alarms || list->entries.next != &list->entries;
}

/* There is nothing. A guest that computes rests again soon, and no thread is to be made for
 * each of its calls.  false: it is time to end */
static bool linger(idle_list *list)
{
    sleep_until(list, now_ns() + NS_PER_S);
    return has_something(list);
}

/* When the first of all is due. */
static uint64_t first_due(const idle_list *list)
{
    const dev_idle *oldest = list->entries.next;
    uint64_t due = list->alarms ? list->alarms->due : UINT64_MAX, idle_due;

    if (oldest == &list->entries)
        return due;
    idle_due = oldest->since + list->after_ns;
    return idle_due < due ? idle_due : due;
}

/* The first alarm is due. The lock is held, but not while it rings. */
static void ring_first(idle_list *list)
{
    dev_alarm *alarm = list->alarms;
    void (*ring)(void *held) = alarm->ring;
    void *held = alarm->hold(alarm);

    alarm_remove(&list->alarms, alarm);
    if (!held)
        return;
    (void)pthread_mutex_unlock(&list->lock);
    ring(held); /* by now the alarm may be gone */
    (void)pthread_mutex_lock(&list->lock);
}

/* The oldest entry is due. The lock is held, but not while it expires. */
static void expire_oldest(idle_list *list)
{
    dev_idle *oldest = list->entries.next;
    bool is_held = oldest->hold(oldest);

    unlink_entry(oldest);
    if (!is_held)
        return;
    (void)pthread_mutex_unlock(&list->lock);
    oldest->expire(oldest);
    (void)pthread_mutex_lock(&list->lock);
}

static void *run(void *arg)
{
    idle_list *list = arg;
    void (*stopped)(void *user) = NULL;

    (void)pthread_mutex_lock(&list->lock);
    while (!list->is_stopping) {
        uint64_t now = now_ns();

        if (!has_something(list)) {
            if (!linger(list))
                break;
        } else if (list->alarms && list->alarms->due <= now) {
            ring_first(list);
        } else if (first_due(list) > now) {
            sleep_until(list, first_due(list));
        } else {
            expire_oldest(list);
        }
    }
    list->state = IDLE_ENDED;
    stopped = list->stopped;
    (void)pthread_mutex_unlock(&list->lock);
    if (stopped) { /* idle_stop was called here, by the last `expire` */
        (void)pthread_detach(pthread_self());
        stopped(list->user);
    }
    return NULL;
}

/* The lock is held. Without a thread nothing is given up until the next entry rests. */
static void start_thread(idle_list *list)
{
    if (list->state == IDLE_RUNS)
        return;
    if (list->state == IDLE_ENDED) /* it needs the lock no more */
        (void)pthread_join(list->thread, NULL);
    list->state = thread_start(&list->thread, THREAD_STACK, run, list) ? IDLE_RUNS : IDLE_NONE;
}

void idle_stop(idle_list *list, void (*stopped)(void *user), void *user)
{
    bool is_joined;

    (void)pthread_mutex_lock(&list->lock);
    list->is_stopping = true;
    if (list->state == IDLE_RUNS && pthread_equal(list->thread, pthread_self())) {
        list->stopped = stopped;
        list->user = user;
        (void)pthread_mutex_unlock(&list->lock);
        return;
    }
    is_joined = list->state != IDLE_NONE;
    (void)pthread_cond_signal(&list->stop);
    (void)pthread_mutex_unlock(&list->lock);
    if (is_joined)
        (void)pthread_join(list->thread, NULL);
    stopped(user);
}

void idle_clear(idle_list *list)
{
    (void)pthread_mutex_destroy(&list->lock);
    (void)pthread_cond_destroy(&list->stop);
}

/* ---- Entries ---- */

void idle_rest(idle_list *list, dev_idle *idle)
{
    if (list->after_ns == 0)
        return;
    (void)pthread_mutex_lock(&list->lock);
    if (idle->next)
        unlink_entry(idle);
    idle->since = now_ns();
    idle->next = &list->entries;
    idle->previous = list->entries.previous;
    idle->previous->next = idle;
    list->entries.previous = idle;
    start_thread(list);
    if (idle->since + list->after_ns < list->wakes) /* it sleeps until an alarm is due */
        (void)pthread_cond_signal(&list->stop);
    (void)pthread_mutex_unlock(&list->lock);
}

void idle_wake(idle_list *list, dev_idle *idle)
{
    if (list->after_ns == 0)
        return;
    (void)pthread_mutex_lock(&list->lock);
    if (idle->next)
        unlink_entry(idle);
    (void)pthread_mutex_unlock(&list->lock);
}

/* ---- Alarms ---- */

/* This is the thread, on which a task goes on as no other could be started (ao/aside.h). If
 * somebody waits here for that, no alarm will ring. The lock is held. */
static bool is_here(const idle_list *list)
{
    return list->state == IDLE_RUNS && pthread_equal(list->thread, pthread_self());
}

beamr_status idle_set_alarm(idle_list *list, dev_alarm *alarm, uint64_t due, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    (void)pthread_mutex_lock(&list->lock);
    if (alarm->is_set)
        alarm_remove(&list->alarms, alarm);
    start_thread(list);
    if (list->state == IDLE_RUNS && !is_here(list)) {
        alarm->due = due;
        alarm_add(&list->alarms, alarm);
        if (due < list->wakes)
            (void)pthread_cond_signal(&list->stop);
    } else {
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no thread can be started for a deadline");
    }
    (void)pthread_mutex_unlock(&list->lock);
    return st;
}

void idle_clear_alarm(idle_list *list, dev_alarm *alarm)
{
    (void)pthread_mutex_lock(&list->lock);
    if (alarm->is_set)
        alarm_remove(&list->alarms, alarm);
    (void)pthread_mutex_unlock(&list->lock);
}
