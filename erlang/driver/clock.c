/* The clock of turns: see clock.h.
 *
 * Each thread that has turns owns a slot, and a slot's `turn` is one number:
 *
 *     0               no turn
 *     FIRING, FIRED   its pause function is being called, has been called
 *     otherwise       the deadline in nanoseconds, with the lowest bit set if the turn lasts
 *                     while nobody waits
 *
 *            begin            clock             clock
 *     0 ────────────▶ deadline ──────▶ FIRING ──────▶ FIRED
 *     ▲                  │ end                          │ end
 *     └──────────────────┴──────────────────────────────┘
 *
 * So a turn costs two atomic operations. `wakes_at` says when the clock will look next; whoever
 * begins a turn that ends before it wakes the clock. Before it looks, the clock says "never",
 * hence a turn that it does not see is one that sees this. */
#define _GNU_SOURCE /* syscall */
#include "driver/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "driver/thread.h"

enum { FIRING = 2, FIRED = 4, WHILE_WANTED = 1 };
#define NEVER UINT64_MAX
#define LOOK_NS 200000u /* between looks while callbacks come */
#define BUSY_TURNS 2u   /* that began since the last look: more are coming */
#define SLACK_NS 50000u /* a turn may end so much late rather than wake the clock */

typedef struct slot {
    struct slot *next;
    atomic_uint_least64_t turn;
    atomic_uint count; /* of turns that end in any case, modulo its range */
    void (*pause)(void *user);
    void *user;
} slot;

struct drv_clock {
    const atomic_uint *wanted;
    uint64_t number; /* tells clocks apart, also those that were at the same address */
    _Atomic(slot *) slots;
    atomic_uint_least64_t wakes_at;
    pthread_mutex_t mutex; /* of what follows */
    pthread_cond_t cond;
    bool is_kicked, is_stopping;
    pthread_t thread;
};

/* The slot of this thread, and of which clock. A library that is loaded again begins with
 * zeros here, or with the number of a clock that is gone. */
static _Thread_local struct {
    uint64_t clock;
    slot *slot;
} mine;

uint64_t drv_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t clock_number(void)
{
    static atomic_uint_least64_t last;
    /* Also apart from those of an earlier load, whose threads may still remember theirs. */
    uint64_t number = drv_now() + atomic_fetch_add(&last, 1);

    return number | 1;
}

/* ---- Turns ---- */

static slot *slot_new(drv_clock *clock)
{
    slot *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    s->next = atomic_load(&clock->slots);
    while (!atomic_compare_exchange_weak(&clock->slots, &s->next, s))
        continue;
    mine.clock = clock->number;
    mine.slot = s;
    return s;
}

bool drv_clock_begin(drv_clock *clock, uint64_t ns, bool while_wanted,
                     void (*pause)(void *user), void *user)
{
    slot *s = mine.clock == clock->number ? mine.slot : slot_new(clock);
    uint64_t deadline = drv_now() + ns;

    if (s == NULL)
        return false;
    s->pause = pause;
    s->user = user;
    if (!while_wanted)
        atomic_store_explicit(&s->count,
                              atomic_load_explicit(&s->count, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    atomic_store(&s->turn, (deadline & ~(uint64_t)7) | (while_wanted ? WHILE_WANTED : 0));
    if (atomic_load(&clock->wakes_at) > deadline + SLACK_NS)
        drv_clock_kick(clock);
    return true;
}

void drv_clock_end(drv_clock *clock)
{
    slot *s = mine.slot;

    (void)clock;
    if (atomic_exchange(&s->turn, 0) != FIRING)
        return;
    /* The clock is calling the pause function, and then says FIRED; what was a turn until now
     * must not be seen as one again. */
    while (atomic_load(&s->turn) != FIRED)
        sched_yield();
    atomic_store(&s->turn, 0);
}

/* ---- The clock's thread ---- */

void drv_clock_kick(drv_clock *clock)
{
    pthread_mutex_lock(&clock->mutex);
    clock->is_kicked = true;
    pthread_cond_signal(&clock->cond);
    pthread_mutex_unlock(&clock->mutex);
}

/* End the turn if it is over. Returns when to look again. */
static uint64_t slot_look(drv_clock *clock, slot *s, uint64_t now)
{
    uint64_t turn = atomic_load(&s->turn);

    if (turn <= FIRED)
        return NEVER;
    if (turn > now)
        return turn;
    if ((turn & WHILE_WANTED) && atomic_load(clock->wanted) == 0)
        return NEVER; /* a kick comes when that changes */
    if (!atomic_compare_exchange_strong(&s->turn, &turn, FIRING))
        return now; /* it has ended, and perhaps another has begun */
    s->pause(s->user);
    atomic_store(&s->turn, FIRED);
    return NEVER;
}

/* Look at all slots. Returns when to look again; adds up their counts. */
static uint64_t clock_look(drv_clock *clock, uint64_t now, unsigned *count)
{
    uint64_t next = NEVER;

    *count = 0;
    for (slot *s = atomic_load(&clock->slots); s != NULL; s = s->next) {
        uint64_t at = slot_look(clock, s, now);

        if (at < next)
            next = at;
        *count += atomic_load_explicit(&s->count, memory_order_relaxed);
    }
    return next;
}

/* Sleep until that time, or a kick. Returns false when the clock is to end. */
static bool clock_sleep(drv_clock *clock, uint64_t until)
{
    struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    bool goes_on;
    int rc = 0;

    pthread_mutex_lock(&clock->mutex);
    while (!clock->is_kicked && !clock->is_stopping && rc == 0)
        rc = until == NEVER ? pthread_cond_wait(&clock->cond, &clock->mutex)
                            : pthread_cond_timedwait(&clock->cond, &clock->mutex, &t);
    clock->is_kicked = false;
    goes_on = !clock->is_stopping;
    pthread_mutex_unlock(&clock->mutex);
    return goes_on;
}

/* The kernel's description of how a thread is scheduled, of which C libraries know nothing yet.
 */
typedef struct sched_description {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
} sched_description;

/* Be woken in time, also with more threads than cores: without slack, and, as Linux does from
 * 6.12 on, ahead of threads that want to run for longer at once. */
static void clock_hurry(void)
{
    sched_description d = {.size = sizeof d, .runtime = 100000};

    prctl(PR_SET_TIMERSLACK, 1000ul);
    d.nice = getpriority(PRIO_PROCESS, 0);
    (void)syscall(SYS_sched_setattr, 0, &d, 0);
}

static void *clock_run(void *arg)
{
    drv_clock *clock = arg;
    uint64_t next;
    unsigned count, seen = 0;

    clock_hurry();
    do {
        uint64_t now;

        atomic_store(&clock->wakes_at, NEVER);
        now = drv_now();
        next = clock_look(clock, now, &count);
        if (count - seen >= BUSY_TURNS && next > now + LOOK_NS)
            next = now + LOOK_NS;
        seen = count;
        atomic_store(&clock->wakes_at, next);
    } while (clock_sleep(clock, next));
    return NULL;
}

/* ---- Life ---- */

beamr_status drv_clock_new(const atomic_uint *wanted, BEAMR_OWN drv_clock **out,
                           beamr_error *err)
{
    drv_clock *clock = calloc(1, sizeof *clock);
    pthread_condattr_t attr;

    if (clock == NULL)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for the driver's clock");
    clock->wanted = wanted;
    clock->number = clock_number();
    atomic_init(&clock->wakes_at, NEVER);
    pthread_mutex_init(&clock->mutex, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&clock->cond, &attr);
    pthread_condattr_destroy(&attr);
    if (drv_thread_start(&clock->thread, "beamr-clock", clock_run, clock) != 0) {
        pthread_cond_destroy(&clock->cond);
        pthread_mutex_destroy(&clock->mutex);
        free(clock);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "the driver's clock got no thread");
    }
    *out = clock;
    return BEAMR_OK;
}

void drv_clock_free(drv_clock *clock)
{
    slot *s;

    if (clock == NULL)
        return;
    pthread_mutex_lock(&clock->mutex);
    clock->is_stopping = true;
    pthread_cond_signal(&clock->cond);
    pthread_mutex_unlock(&clock->mutex);
    pthread_join(clock->thread, NULL);
    while ((s = atomic_load(&clock->slots)) != NULL) {
        atomic_store(&clock->slots, s->next);
        free(s);
    }
    pthread_cond_destroy(&clock->cond);
    pthread_mutex_destroy(&clock->mutex);
    free(clock);
}
