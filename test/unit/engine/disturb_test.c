/* A call that is interrupted or paused at random moments, from another thread: afterwards the
 * instance is as good as new, and a pause changes no bit of the outcome. */
#include "waiting.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#if TEST_IS_TSAN
enum { ROUNDS = 250, WORK = 40 };
#elif TEST_IS_ASAN
enum { ROUNDS = 1000, WORK = 40 };
#else
enum { ROUNDS = 1000, WORK = 200 };
#endif
#define FUEL UINT64_C(1000000000)
enum { MOMENTS = 4 };

/* ---- The one who disturbs ---- */

typedef struct moment {
    uint64_t after_ns; /* of the one before */
    bool is_interrupt; /* or a pause */
} moment;

typedef struct disturber {
    pthread_t thread;
    sem_t go, done;
    beamr_store *store;
    moment moments[MOMENTS];
    size_t count;
    bool stop;
} disturber;

static uint64_t now_ns(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sleeps, since on a busy machine both threads may have to share a core. */
static void sleep_until(uint64_t ns)
{
    struct timespec t = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

static void *disturb(void *arg)
{
    disturber *d = arg;

    (void)prctl(PR_SET_TIMERSLACK, 1uL);
    for (;;) {
        uint64_t at;

        while (sem_wait(&d->go) != 0)
            ;
        if (d->stop)
            return NULL;
        at = now_ns();
        for (size_t i = 0; i < d->count; i++) {
            at += d->moments[i].after_ns;
            sleep_until(at);
            if (d->moments[i].is_interrupt)
                beamr_store_interrupt(d->store);
            else
                beamr_store_pause(d->store);
        }
        sem_post(&d->done);
    }
}

/* ---- The one who goes on with paused calls ---- */

typedef struct partner {
    pthread_t thread;
    sem_t go, done;
    beamr_store *store;
    beamr_entry entry;
    beamr_value result;
    beamr_status st;
    beamr_error *err;
    bool stop;
} partner;

static void *go_on(void *arg)
{
    partner *p = arg;

    for (;;) {
        while (sem_wait(&p->go) != 0)
            ;
        if (p->stop)
            return NULL;
        p->st = beamr_entry_resume(p->store, p->entry, NULL, &p->result, 1, p->err);
        sem_post(&p->done);
    }
}

/* ---- Both, and what an undisturbed run gives ---- */

typedef struct trial {
    waiting w;
    disturber disturber;
    partner partner;
    uint8_t *before; /* snapshots */
    size_t before_len;
    uint8_t *after;
    size_t after_len;
    int64_t result;
    uint64_t fuel; /* left after it */
    uint64_t ns;   /* that it took */
    unsigned pauses, interrupts;
} trial;

static beamr_status run(trial *t, beamr_value *result, beamr_error *err)
{
    beamr_value n = beamr_i32(WORK);

    beamr_store_set_fuel(t->w.store, FUEL);
    return beamr_func_call(waiting_func(&t->w, "work"), &n, 1, result, 1, err);
}

static void restore(const trial *t)
{
    assert_int_equal(
        beamr_snapshot_restore(t->w.guest, (beamr_bytes){t->before, t->before_len}, NULL, NULL),
        BEAMR_OK);
}

static void trial_open(trial *t)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_value result;
    uint64_t begin;

    config.metering = true;
    *t = (trial){.w = waiting_open_with((beamr_host){0}, &config, NULL)};
    assert_int_equal(run(t, &result, NULL), BEAMR_OK); /* translates, and fills the memory */
    assert_int_equal(beamr_snapshot_save(t->w.guest, NULL, &t->before, &t->before_len, NULL),
                     BEAMR_OK);
    begin = now_ns();
    assert_int_equal(run(t, &result, NULL), BEAMR_OK);
    t->ns = now_ns() - begin;
    t->result = result.of.i64;
    t->fuel = beamr_store_fuel(t->w.store);
    assert_int_equal(beamr_snapshot_save(t->w.guest, NULL, &t->after, &t->after_len, NULL),
                     BEAMR_OK);
    t->disturber.store = t->partner.store = t->w.store;
    sem_init(&t->disturber.go, 0, 0);
    sem_init(&t->disturber.done, 0, 0);
    sem_init(&t->partner.go, 0, 0);
    sem_init(&t->partner.done, 0, 0);
    assert_int_equal(pthread_create(&t->disturber.thread, NULL, disturb, &t->disturber), 0);
    assert_int_equal(pthread_create(&t->partner.thread, NULL, go_on, &t->partner), 0);
}

static void trial_close(trial *t)
{
    t->disturber.stop = t->partner.stop = true;
    sem_post(&t->disturber.go);
    sem_post(&t->partner.go);
    pthread_join(t->disturber.thread, NULL);
    pthread_join(t->partner.thread, NULL);
    sem_destroy(&t->disturber.go);
    sem_destroy(&t->disturber.done);
    sem_destroy(&t->partner.go);
    sem_destroy(&t->partner.done);
    beamr_snapshot_free(t->before);
    beamr_snapshot_free(t->after);
    waiting_close(&t->w);
}

static void expect_outcome(const trial *t, const beamr_value *result)
{
    uint8_t *bytes = NULL;
    size_t len = 0;

    assert_true(result->of.i64 == t->result);
    assert_true(beamr_store_fuel(t->w.store) == t->fuel);
    assert_int_equal(beamr_snapshot_save(t->w.guest, NULL, &bytes, &len, NULL), BEAMR_OK);
    assert_int_equal(len, t->after_len);
    assert_int_equal(memcmp(bytes, t->after, len), 0);
    beamr_snapshot_free(bytes);
}

/* Run the work while it is disturbed: this thread and the partner take turns. */
static beamr_status run_disturbed(trial *t, beamr_value *result, beamr_error *err)
{
    beamr_value n = beamr_i32(WORK);
    partner *p = &t->partner;
    bool mine = false;
    beamr_status st;

    beamr_store_set_fuel(t->w.store, FUEL);
    p->entry = 0;
    p->err = err;
    sem_post(&t->disturber.go);
    st = beamr_entry_begin(waiting_func(&t->w, "work"), &n, 1, result, 1, &p->entry, err);
    for (; st == BEAMR_SUSPENDED; mine = !mine) {
        t->pauses++;
        if (mine) {
            st = beamr_entry_resume(t->w.store, p->entry, NULL, result, 1, err);
            continue;
        }
        sem_post(&p->go);
        while (sem_wait(&p->done) != 0)
            ;
        st = p->st;
        *result = p->result;
    }
    while (sem_wait(&t->disturber.done) != 0)
        ;
    beamr_store_clear_interrupt(t->w.store);
    beamr_store_clear_pause(t->w.store);
    return st;
}

/* Moments in the time that the work takes, and a little beyond. */
static void choose_moments(trial *t, size_t pauses, bool interrupt)
{
    disturber *d = &t->disturber;

    d->count = pauses + interrupt;
    for (size_t i = 0; i < d->count; i++)
        d->moments[i] =
            (moment){random_next() % (t->ns * 9 / 8 / d->count + 1), interrupt && i == pauses};
}

/* One round: disturbed, checked, and if it was ended, undisturbed. */
static void try_once(trial *t)
{
    beamr_value result = {0};
    beamr_error err = {0};
    beamr_status st;

    restore(t);
    st = run_disturbed(t, &result, &err);
    if (st == BEAMR_TRAP) {
        t->interrupts++;
        assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
        assert_true(err.frame_total >= 1);
        restore(t);
        assert_int_equal(run(t, &result, NULL), BEAMR_OK);
    } else if (st != BEAMR_OK) {
        fail_msg("%s: %s", beamr_status_text(st), err.text);
    }
    expect_outcome(t, &result);
}

static bool lacks_events(const trial *t, bool pauses, bool interrupts)
{
    return (pauses && t->pauses == 0) || (interrupts && t->interrupts == 0);
}

static void expect_undisturbed(int rounds, size_t most_pauses, bool interrupt)
{
    trial t;

    random_begin();
    trial_open(&t);
    /* On a busy host the work can be over before the other thread has looked at the clock. */
    for (int i = 0;
         i < rounds || (lacks_events(&t, most_pauses > 0, interrupt) && i < rounds * 50); i++) {
        choose_moments(&t, most_pauses ? 1 + random_next() % most_pauses : 0, interrupt);
        try_once(&t);
    }
    print_message("%u pauses, %u interrupts, %llu us\n", t.pauses, t.interrupts,
                  (unsigned long long)t.ns / 1000);
    assert_true(!interrupt || t.interrupts > 0);
    assert_true(most_pauses == 0 || t.pauses > 0);
    trial_close(&t);
}

static void an_interrupt_at_any_moment_leaves_the_instance_usable(void **state)
{
    (void)state;
    expect_undisturbed(ROUNDS, 0, true);
}

static void a_pause_at_any_moment_changes_nothing(void **state)
{
    (void)state;
    expect_undisturbed(ROUNDS, MOMENTS, false);
}

static void both_at_any_moment(void **state)
{
    (void)state;
    expect_undisturbed(ROUNDS / 4, MOMENTS - 1, true);
}

/* ---- Interrupts that are taken back at once ---- */

typedef struct flicker {
    pthread_t thread;
    beamr_store *store;
    atomic_bool stop;
} flicker;

static void *interrupt_and_clear(void *arg)
{
    flicker *f = arg;

    while (!atomic_load(&f->stop)) {
        uint64_t until = now_ns() + 10000;

        while (now_ns() < until)
            ;
        beamr_store_interrupt(f->store);
        (void)now_ns(); /* a few nanoseconds */
        beamr_store_clear_interrupt(f->store);
    }
    return NULL;
}

/* An exception that looks for its handler meanwhile must find it. */
static void an_interrupt_taken_back_loses_no_exception(void **state)
{
    waiting w = waiting_open();
    flicker f = {.store = w.store};
    beamr_value n = beamr_i32(1000), caught;
    unsigned interrupted = 0;

    (void)state;
    assert_int_equal(pthread_create(&f.thread, NULL, interrupt_and_clear, &f), 0);
    for (int i = 0; i < 5000; i++) {
        beamr_error err = {0};
        beamr_status st = beamr_func_call(waiting_func(&w, "churn"), &n, 1, &caught, 1, &err);

        interrupted += st == BEAMR_TRAP;
        if (st != BEAMR_OK && (st != BEAMR_TRAP || err.trap != BEAMR_TRAP_INTERRUPTED)) {
            atomic_store(&f.stop, true);
            pthread_join(f.thread, NULL);
            fail_msg("call %d: %s: %s", i, beamr_status_text(st), err.text);
        }
    }
    atomic_store(&f.stop, true);
    pthread_join(f.thread, NULL);
    print_message("%u of 5000 interrupted\n", interrupted);
    beamr_store_clear_interrupt(w.store);
    waiting_close(&w);
}

/* As often as the work polls: a pause at each place that has one. */
static void pauses_at_every_poll_change_nothing(void **state)
{
    trial t;
    beamr_value n = beamr_i32(WORK), result = {0};
    beamr_status st;

    (void)state;
    trial_open(&t);
    restore(&t);
    beamr_store_set_fuel(t.w.store, FUEL);
    beamr_store_pause(t.w.store);
    st = beamr_entry_begin(waiting_func(&t.w, "work"), &n, 1, &result, 1, &t.partner.entry,
                           NULL);
    for (; st == BEAMR_SUSPENDED; t.pauses++) {
        beamr_store_pause(t.w.store);
        st = beamr_entry_resume(t.w.store, t.partner.entry, NULL, &result, 1, NULL);
    }
    beamr_store_clear_pause(t.w.store);
    assert_int_equal(st, BEAMR_OK);
    assert_true(t.pauses > WORK * 40); /* calls of fib alone */
    expect_outcome(&t, &result);
    trial_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interrupt_at_any_moment_leaves_the_instance_usable),
        cmocka_unit_test(a_pause_at_any_moment_changes_nothing),
        cmocka_unit_test(both_at_any_moment),
        cmocka_unit_test(an_interrupt_taken_back_loses_no_exception),
        cmocka_unit_test(pauses_at_every_poll_change_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
