/* Threads and turns: what is submitted is done, and turns end when they are over. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "driver/pool.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "driver/thread.h"

static drv_pool *pool;
static atomic_int paused, done;

static int setup(void **state)
{
    beamr_error err = {0};

    (void)state;
    atomic_store(&paused, 0);
    atomic_store(&done, 0);
    return drv_pool_new(&pool, &err) == BEAMR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    drv_pool_free(pool);
    return 0;
}

static double seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Wait until it is so many; a test asserts only that it comes to that. */
static void await(atomic_int *n, int many)
{
    double end = seconds() + 10;

    while (atomic_load(n) < many && seconds() < end)
        sched_yield();
    assert_true(atomic_load(n) >= many);
}

static void count_pause(void *user)
{
    atomic_fetch_add((atomic_int *)user, 1);
}

/* ---- Threads ---- */

typedef struct place {
    drv_task task;
    cpu_set_t set;
    atomic_bool is_known;
} place;

static void place_run(drv_task *task)
{
    place *p = (place *)task;

    assert_int_equal(sched_getaffinity(0, sizeof p->set, &p->set), 0);
    atomic_store(&p->is_known, true);
}

/* The first of the cores. */
static void one_of(const cpu_set_t *all, cpu_set_t *out)
{
    size_t core = 0;

    while (!CPU_ISSET(core, all))
        core++;
    CPU_ZERO(out);
    CPU_SET(core, out);
}

/* As a scheduler that the emulator binds to a core. */
static void *make_bound_pool(void *arg)
{
    beamr_error err = {0};
    cpu_set_t one;

    one_of(arg, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    assert_int_equal(drv_pool_new(&pool, &err), BEAMR_OK);
    return NULL;
}

static void threads_are_not_bound_where_the_pool_was_made(void **state)
{
    static place where;
    cpu_set_t all;
    pthread_t thread;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_int_equal(pthread_create(&thread, NULL, make_bound_pool, &all), 0);
    pthread_join(thread, NULL);
    where.task.run = place_run;
    drv_pool_submit(pool, &where.task);
    drv_pool_free(pool);
    assert_true(atomic_load(&where.is_known));
    assert_true(CPU_EQUAL(&where.set, &all));
}

static atomic_int last_one;

static void run_away(drv_task *task)
{
    double end = seconds() + 10;

    (void)task;
    drv_pool_leave(pool);
    while (atomic_load(&last_one) == 0 && seconds() < end)
        sched_yield();
    drv_pool_return(pool);
    atomic_fetch_add(&done, atomic_load(&last_one));
}

static void run_last(drv_task *task)
{
    (void)task;
    atomic_store(&last_one, 1);
}

static void others_take_the_place_of_threads_that_leave(void **state)
{
    enum { AWAY = 20 };
    static drv_task away[AWAY], last;

    (void)state;
    atomic_store(&last_one, 0);
    for (int round = 0; round < 2; round++) {
        atomic_store(&last_one, 0);
        atomic_store(&done, 0);
        last.run = run_last;
        for (int i = 0; i < AWAY; i++) {
            away[i].run = run_away;
            drv_pool_submit(pool, &away[i]);
        }
        drv_pool_submit(pool, &last);
        await(&done, AWAY);
    }
}

static void a_share_of_the_cores_is_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(drv_thread_share("200000 100000\n"), 2);
    assert_int_equal(drv_thread_share("150000 100000\n"), 2);
    assert_int_equal(drv_thread_share("1000 100000\n"), 1);
    assert_int_equal(drv_thread_share("max 100000\n"), 0);
    assert_int_equal(drv_thread_share("0 0\n"), 0);
    assert_int_equal(drv_thread_share("100000\n"), 0);
    assert_int_equal(drv_thread_share(""), 0);
    assert_true(drv_thread_cores() >= 1);
}

/* ---- Tasks ---- */

typedef struct counter {
    drv_task task;
    int left; /* times that it submits itself again */
    atomic_bool is_running;
} counter;

static void counter_run(drv_task *task)
{
    counter *c = (counter *)task;

    assert_false(atomic_exchange(&c->is_running, true));
    atomic_store(&c->is_running, false);
    atomic_fetch_add(&done, 1);
    if (c->left-- > 0)
        drv_pool_submit(pool, task);
}

static void all_that_is_submitted_is_done(void **state)
{
    static counter tasks[100];

    (void)state;
    for (int i = 0; i < 100; i++) {
        tasks[i] = (counter){.task = {.run = counter_run}, .left = 99};
        drv_pool_submit(pool, &tasks[i].task);
    }
    await(&done, 10000);
    assert_int_equal(atomic_load(&done), 10000);
}

static void freeing_does_what_is_left(void **state)
{
    counter c = {.task = {.run = counter_run}, .left = 1000};
    beamr_error err = {0};

    (void)state;
    drv_pool_submit(pool, &c.task);
    drv_pool_free(pool);
    assert_int_equal(atomic_load(&done), 1001);
    assert_int_equal(drv_pool_new(&pool, &err), BEAMR_OK);
}

/* ---- Order ---- */

#define MANY 100
#define FEW 10

static char order[2 * MANY + 1]; /* 'n' and 'o': new, and old */
static atomic_int may_begin;

static void blocker_run(drv_task *task)
{
    (void)task;
    await(&may_begin, 1);
}

static void note(char kind)
{
    order[atomic_load(&done)] = kind;
    atomic_fetch_add(&done, 1); /* whoever sees this sees the kind */
}

static void new_run(drv_task *task)
{
    (void)task;
    note('n');
}

static void old_run(drv_task *task)
{
    (void)task;
    note('o');
}

static void submit_both(int news, int olds)
{
    static drv_task tasks[2 * MANY], blocker = {.run = blocker_run};

    atomic_store(&may_begin, 0);
    drv_pool_submit(pool, &blocker);
    for (int i = 0; i < olds; i++) {
        tasks[i].run = old_run;
        drv_pool_submit_again(pool, &tasks[i]);
    }
    for (int i = olds; i < olds + news; i++) {
        tasks[i].run = new_run;
        drv_pool_submit(pool, &tasks[i]);
    }
    atomic_store(&may_begin, 1);
    await(&done, news + olds);
}

/* A pool of one thread, since the process has one core when it is made. */
static int setup_single(void **state)
{
    cpu_set_t all, one;
    int rc;

    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    one_of(&all, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    rc = setup(state);
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    memset(order, 0, sizeof order);
    return rc;
}

static void what_is_new_need_not_wait_for_all_that_had_a_turn(void **state)
{
    (void)state;
    submit_both(FEW, MANY);
    assert_true(strrchr(order, 'n') - order < 2 * FEW);
}

static void what_is_new_does_not_keep_others_from_their_turns(void **state)
{
    (void)state;
    submit_both(MANY, FEW);
    assert_true(strrchr(order, 'o') - order < 6 * FEW);
}

static void what_is_in_a_hurry_goes_first(void **state)
{
    static drv_task tasks[5], blocker = {.run = blocker_run};

    (void)state;
    for (int which = 0; which < 5; which++) { /* first, in the midst, last; of both queues */
        atomic_store(&done, 0);
        atomic_store(&may_begin, 0);
        drv_pool_submit(pool, &blocker);
        for (int i = 0; i < 5; i++) {
            tasks[i].run = i == which ? old_run : new_run;
            i < 3 ? drv_pool_submit_again(pool, &tasks[i]) : drv_pool_submit(pool, &tasks[i]);
        }
        drv_pool_hurry(pool, &tasks[which]);
        atomic_store(&may_begin, 1);
        await(&done, 5);
        assert_string_equal(order, "onnnn");
        drv_pool_hurry(pool, &tasks[which]); /* which waits no longer */
    }
}

/* ---- Turns ---- */

static void a_turn_that_is_over_is_paused_once(void **state)
{
    (void)state;
    assert_true(drv_turn_begin(pool, DRV_CALLBACK_NS, false, count_pause, &paused));
    await(&paused, 1);
    nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    drv_turn_end(pool);
    assert_int_equal(atomic_load(&paused), 1);
}

static void a_clock_that_slept_ends_turns(void **state)
{
    (void)state;
    for (int i = 1; i <= 3; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
        assert_true(drv_turn_begin(pool, DRV_CALLBACK_NS, false, count_pause, &paused));
        await(&paused, i);
        drv_turn_end(pool);
    }
}

static void a_turn_that_nobody_waits_for_lasts(void **state)
{
    (void)state;
    assert_true(drv_turn_begin(pool, DRV_TURN_NS, true, count_pause, &paused));
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    drv_turn_end(pool);
    assert_int_equal(atomic_load(&paused), 0);
}

enum { LOOPS = 20, OTHERS = 300 }; /* more than a pool has threads */

static atomic_int ended; /* loops */

typedef struct loop {
    drv_task task;
    atomic_int paused;
} loop;

/* As a guest in an endless loop: it lasts until it is paused. */
static void loop_run(drv_task *task)
{
    loop *l = (loop *)task;

    assert_true(drv_turn_begin(pool, DRV_TURN_NS, true, count_pause, &l->paused));
    await(&l->paused, 1);
    drv_turn_end(pool);
    atomic_fetch_add(&ended, 1);
}

/* Keeps its thread while loops are left. */
static void keeper_run(drv_task *task)
{
    (void)task;
    await(&ended, LOOPS);
    atomic_fetch_add(&done, 1);
}

static void loops_end_when_others_wait(void **state)
{
    static loop loops[LOOPS];
    static drv_task others[OTHERS];

    (void)state;
    atomic_store(&ended, 0);
    for (int i = 0; i < LOOPS; i++) {
        loops[i] = (loop){.task = {.run = loop_run}};
        drv_pool_submit(pool, &loops[i].task);
    }
    /* The first of these begins after the last loop, and some wait as long as loops are left.
     */
    for (int i = 0; i < OTHERS; i++) {
        others[i] = (drv_task){.run = keeper_run};
        drv_pool_submit(pool, &others[i]);
    }
    await(&done, OTHERS);
}

/* ---- Many threads ---- */

static void *many_turns(void *arg)
{
    atomic_int mine;

    (void)arg;
    for (int i = 0; i < 2000; i++) {
        atomic_init(&mine, 0);
        assert_true(drv_turn_begin(pool, i % 10 == 0 ? 1000 : DRV_CALLBACK_NS, false,
                                   count_pause, &mine));
        if (i % 100 == 0)
            await(&mine, 1);
        drv_turn_end(pool);
        assert_true(atomic_load(&mine) <= 1);
        atomic_store(&mine, 100); /* a late pause would show */
        assert_int_equal(atomic_load(&mine), 100);
    }
    return NULL;
}

static void threads_have_turns_of_their_own(void **state)
{
    pthread_t threads[8];

    (void)state;
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many_turns, NULL), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_are_not_bound_where_the_pool_was_made),
        cmocka_unit_test(a_share_of_the_cores_is_rounded_up),
        cmocka_unit_test_setup_teardown(others_take_the_place_of_threads_that_leave, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(all_that_is_submitted_is_done, setup, teardown),
        cmocka_unit_test_setup_teardown(freeing_does_what_is_left, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_new_need_not_wait_for_all_that_had_a_turn,
                                        setup_single, teardown),
        cmocka_unit_test_setup_teardown(what_is_new_does_not_keep_others_from_their_turns,
                                        setup_single, teardown),
        cmocka_unit_test_setup_teardown(what_is_in_a_hurry_goes_first, setup_single, teardown),
        cmocka_unit_test_setup_teardown(a_turn_that_is_over_is_paused_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_slept_ends_turns, setup, teardown),
        cmocka_unit_test_setup_teardown(a_turn_that_nobody_waits_for_lasts, setup, teardown),
        cmocka_unit_test_setup_teardown(loops_end_when_others_wait, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_have_turns_of_their_own, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
