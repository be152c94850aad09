/* What stands idle: entries are given up in order, and once. */
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "device/idle.h"
#include "wasm_modules.h"

typedef struct thing {
    dev_idle idle;
    _Atomic int holds, given_up, expired;
    bool is_going;
    dev_world *world; /* given back when it expires; NULL for none */
} thing;

static bool hold(dev_idle *idle)
{
    thing *t = (thing *)idle;

    if (t->is_going)
        return false;
    t->holds++;
    t->given_up++;
    return true;
}

static void expire(dev_idle *idle)
{
    thing *t = (thing *)idle;
    dev_world *world = t->world;

    t->holds--;
    t->expired++; /* whoever waits for it may go now */
    dev_world_unref(world);
}

#define THING                                                                                  \
    {                                                                                          \
        .idle = {.expire = expire, .hold = hold }                                              \
    }

static dev_world *open_world(int64_t idle_ms)
{
    ao_message *values = NULL;
    ao_settings settings = {0};
    dev_world *world = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_message_with(ao_message_empty(), "wasm_idle_time", ao_integer(idle_ms),
                                     &values, &err),
                     BEAMR_OK);
    settings.values = values;
    assert_int_equal(dev_world_new(&settings, &world, &err), BEAMR_OK);
    ao_message_unref(values);
    return world;
}

/* Within ten seconds. */
static bool comes(_Atomic int *what, int n)
{
    for (int i = 0; i < 10000 && *what != n; i++)
        (void)usleep(1000);
    return *what == n;
}

static uint64_t in_ms(uint64_t ms)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec + ms * 1000000;
}

/* Rest, and wake again before the time is over. If the machine was too busy for that, it may
 * have been given up, and it is done once more.  How often it was given up. */
static int rest_shortly(dev_world *world, thing *t, uint64_t idle_ms)
{
    int given_up;
    uint64_t due;

    do {
        given_up = t->given_up;
        assert_true(comes(&t->expired, given_up));
        due = in_ms(idle_ms);
        dev_world_rest(world, &t->idle);
        dev_world_wake(world, &t->idle);
    } while (in_ms(0) >= due);
    assert_int_equal(t->given_up, given_up);
    return given_up;
}

static void what_rests_is_given_up_and_what_is_used_is_not(void **state)
{
    dev_world *world = open_world(20);
    thing rests = THING, is_used = THING, goes = THING;
    int given_up;

    (void)state;
    goes.is_going = true;
    dev_world_rest(world, &goes.idle);
    given_up = rest_shortly(world, &is_used, 20);
    dev_world_wake(world, &is_used.idle);
    dev_world_rest(world, &rests.idle);
    assert_true(comes(&rests.expired, 1));
    assert_int_equal(is_used.expired, given_up);
    assert_int_equal(goes.expired, 0);
    assert_int_equal(rests.holds, 0);
    dev_world_wake(world, &goes.idle);
    /* Another thread, when this one has ended. */
    (void)usleep(1000);
    dev_world_rest(world, &rests.idle);
    assert_true(comes(&rests.expired, 2));
    dev_world_unref(world);
}

static void a_world_can_go_on_its_own_thread(void **state)
{
    dev_world *world = open_world(1);
    thing last = THING;

    (void)state;
    last.world = world;
    dev_world_rest(world, &last.idle);
    assert_true(comes(&last.expired, 1));
}

static void a_world_that_goes_does_not_wait(void **state)
{
    dev_world *world = open_world(3600000);
    thing t = THING;

    (void)state;
    dev_world_rest(world, &t.idle);
    dev_world_rest(world, &t.idle);
    dev_world_wake(world, &t.idle);
    dev_world_unref(world);
    assert_int_equal(t.expired, 0);
}

static void without_a_time_nothing_is_given_up(void **state)
{
    dev_world *world = open_world(0);
    thing t = THING;

    (void)state;
    dev_world_rest(world, &t.idle);
    (void)usleep(5000);
    assert_int_equal(t.expired, 0);
    dev_world_unref(world);
}

/* ---- Alarms ---- */

typedef struct bell {
    dev_alarm alarm;
    _Atomic int holds, rings;
    bool is_needless;
} bell;

static void *hold_bell(dev_alarm *alarm)
{
    bell *b = (bell *)alarm;

    b->holds++;
    return b->is_needless ? NULL : b;
}

static void ring_bell(void *held)
{
    bell *b = held;

    b->rings++;
}

#define BELL                                                                                   \
    {                                                                                          \
        .alarm = {.hold = hold_bell, .ring = ring_bell }                                       \
    }

static void set_bell(dev_world *world, bell *b, uint64_t due)
{
    beamr_error err = {0};

    assert_int_equal(dev_world_set_alarm(world, &b->alarm, due, &err), BEAMR_OK);
}

/* Set one and clear it before it is due. If the machine was too busy for that, it is done once
 * more. */
static void set_and_clear(dev_world *world, bell *b, uint64_t ms)
{
    uint64_t due;

    do {
        b->holds = 0;
        due = in_ms(ms);
        set_bell(world, b, due);
        dev_world_clear_alarm(world, &b->alarm);
    } while (in_ms(0) >= due);
}

static void alarms_ring_once_unless_they_are_cleared(void **state)
{
    dev_world *world = open_world(0);
    bell far = BELL, soon = BELL, cleared = BELL, needless = BELL, past = BELL;

    (void)state;
    needless.is_needless = true;
    set_bell(world, &far, UINT64_MAX);
    set_and_clear(world, &cleared, 2);
    dev_world_clear_alarm(world, &cleared.alarm);
    set_bell(world, &needless, in_ms(4));
    set_bell(world, &soon, in_ms(3600000));
    set_bell(world, &soon, in_ms(5)); /* in place of it */
    assert_true(comes(&soon.rings, 1));
    assert_int_equal(needless.holds, 1);
    assert_int_equal(needless.rings, 0);
    set_bell(world, &past, 0);
    assert_true(comes(&past.rings, 1));
    set_bell(world, &soon, 0);
    assert_true(comes(&soon.rings, 2));
    assert_int_equal(cleared.holds, 0);
    assert_int_equal(far.holds, 0);
    dev_world_clear_alarm(world, &far.alarm);
    dev_world_unref(world);
}

static void an_alarm_far_away_keeps_nothing_idle(void **state)
{
    dev_world *world = open_world(20);
    bell far = BELL;
    thing t = THING;

    (void)state;
    set_bell(world, &far, in_ms(3600000));
    (void)usleep(2000); /* it sleeps until then */
    dev_world_rest(world, &t.idle);
    assert_true(comes(&t.expired, 1));
    dev_world_clear_alarm(world, &far.alarm);
    dev_world_unref(world);
}

/* ---- From many threads ---- */

#define THREADS 4
#define ROUNDS 2000

static void *rest_and_wake(void *arg)
{
    dev_world *world = arg;
    thing t = THING;

    for (int i = 0; i < ROUNDS; i++) {
        dev_world_rest(world, &t.idle);
        if (i % 100 == 0)
            (void)usleep(1500);
        dev_world_wake(world, &t.idle);
        while (t.holds > 0) /* what it lies in is held */
            (void)usleep(10);
    }
    return NULL;
}

static void many_threads_rest_and_wake(void **state)
{
    dev_world *world = open_world(1);
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, rest_and_wake, world), 0);
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
    dev_world_unref(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_rests_is_given_up_and_what_is_used_is_not),
        cmocka_unit_test(a_world_can_go_on_its_own_thread),
        cmocka_unit_test(a_world_that_goes_does_not_wait),
        cmocka_unit_test(without_a_time_nothing_is_given_up),
        cmocka_unit_test(alarms_ring_once_unless_they_are_cleared),
        cmocka_unit_test(an_alarm_far_away_keeps_nothing_idle),
        cmocka_unit_test(many_threads_rest_and_wake),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
