/* Deadlines: they pass in their order, can be set, moved and taken back from any thread, and go
 * with their stores. That they end guests is tested in test/unit/engine/deadline_test.c. */
#include "fixture.h"

#include <pthread.h>
#include <time.h>

#define MS UINT64_C(1000000)
#define NEVER UINT64_MAX

/* Stores without the memory for a stack: thousands are needed. */
static const rt_limits small_limits = {1, 1, 1, 64, 4, 0, 0};

static rt_engine *engine_and_stores(abi_store **stores, size_t count)
{
    rt_engine *e = fixture_engine();

    for (size_t i = 0; i < count; i++)
        assert_int_equal(rt_store_new(e, &small_limits, &stores[i], NULL), BEAMR_OK);
    return e;
}

static void free_all(rt_engine *e, abi_store **stores, size_t count)
{
    rt_engine_unref(e);
    for (size_t i = 0; i < count; i++)
        rt_store_free(stores[i]);
}

static void set(abi_store *s, uint64_t ns)
{
    assert_int_equal(rt_deadline_set(s, ns, NULL), BEAMR_OK);
}

static bool has_passed(const abi_store *s)
{
    return atomic_load(&s->interrupt) & ABI_DEADLINE;
}

static void wait_ms(long ms)
{
    const struct timespec pause = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&pause, NULL);
}

static void wait_for(const abi_store *s)
{
    for (int i = 0; i < 10000 && !has_passed(s); i++)
        wait_ms(1);
    assert_true(has_passed(s));
}

static void polls_end_once_it_has_passed(void **state)
{
    abi_store *s = fixture_store();
    beamr_error err = {0};

    (void)state;
    set(s, 10 * MS);
    wait_for(s);
    assert_trap(rt_store_poll(s, &err), DEADLINE, err);
    assert_trap(rt_store_poll(s, &err), DEADLINE, err);
    rt_deadline_clear(s);
    assert_int_equal(rt_store_poll(s, NULL), BEAMR_OK);
    rt_store_free(s);
}

static void zero_has_passed_at_once_and_needs_no_thread(void **state)
{
    abi_store *s = fixture_store();

    (void)state;
    set(s, 0);
    assert_true(has_passed(s));
    assert_false(s->engine->timer.is_running);
    rt_deadline_clear(s);
    assert_false(has_passed(s));
    rt_store_free(s);
}

static void setting_anew_takes_a_passed_one_back(void **state)
{
    abi_store *s = fixture_store();

    (void)state;
    set(s, 0);
    set(s, NEVER);
    assert_false(has_passed(s));
    set(s, 0);
    assert_true(has_passed(s));
    rt_store_free(s);
}

static void any_time_can_be_given(void **state)
{
    static const uint64_t times[] = {UINT64_MAX, UINT64_MAX - 1, (uint64_t)INT64_MAX + 1,
                                     INT64_MAX, 1};
    abi_store *s[5];
    rt_engine *e = engine_and_stores(s, 5);

    (void)state;
    for (int i = 0; i < 5; i++)
        set(s[i], times[i]);
    wait_for(s[4]);
    for (int i = 0; i < 4; i++)
        assert_false(has_passed(s[i]));
    free_all(e, s, 5);
}

/* The thread sleeps for the first; others come before it. */
static void an_earlier_one_is_not_late(void **state)
{
    abi_store *s[3];
    rt_engine *e = engine_and_stores(s, 3);

    (void)state;
    set(s[0], NEVER);
    wait_ms(20);
    set(s[1], 60000 * MS);
    set(s[2], 5 * MS);
    wait_for(s[2]);
    assert_false(has_passed(s[0]));
    assert_false(has_passed(s[1]));
    set(s[1], MS); /* moved forward */
    wait_for(s[1]);
    free_all(e, s, 3);
}

static void one_that_is_moved_back_or_cleared_does_not_pass(void **state)
{
    abi_store *s[3];
    rt_engine *e = engine_and_stores(s, 3);

    (void)state;
    for (int i = 0; i < 3; i++)
        set(s[i], 200 * MS);
    set(s[0], NEVER);
    rt_deadline_clear(s[1]);
    wait_for(s[2]);
    assert_false(has_passed(s[0]));
    assert_false(has_passed(s[1]));
    free_all(e, s, 3);
}

/* ---- Many ---- */

enum { MANY = 10000, FEW = 64, THREADS = 4, STEPS = 20000 };

/* What the heap promises; its lock is held. */
static void check_heap(const rt_timer *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (i > 0)
            assert_true(t->heap[(i - 1) / 2].at <= t->heap[i].at);
        assert_int_equal(t->heap[i].store->deadline_place, i + 1);
    }
}

static void check_timer(rt_timer *t, size_t count)
{
    pthread_mutex_lock(&t->lock);
    check_heap(t);
    assert_int_equal(t->count, count);
    pthread_mutex_unlock(&t->lock);
}

static uint32_t next_random(uint32_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 17;
    *x ^= *x << 5;
    return *x;
}

static void thousands_pass(void **state)
{
    static abi_store *s[MANY];
    rt_engine *e = engine_and_stores(s, MANY);
    uint32_t random = 1;

    (void)state;
    for (int i = 0; i < MANY; i++)
        set(s[i], next_random(&random) % (300 * MS) + 1);
    for (int i = 0; i < MANY; i++)
        wait_for(s[i]);
    check_timer(&e->timer, 0);
    free_all(e, s, MANY);
}

/* The first of the heap is always the earliest, so that they pass in the order of their times.
 */
static void the_heap_yields_them_in_order(void **state)
{
    abi_store *s[FEW];
    rt_engine *e = engine_and_stores(s, FEW);
    uint32_t random = 7;
    uint64_t before = 0;

    (void)state;
    for (int i = 0; i < 10 * FEW; i++) {
        abi_store *one = s[next_random(&random) % FEW];

        if (next_random(&random) % 8 == 0)
            rt_deadline_clear(one);
        else
            set(one, (60 + next_random(&random) % 1000) * 1000 * MS);
        pthread_mutex_lock(&e->timer.lock);
        check_heap(&e->timer);
        pthread_mutex_unlock(&e->timer.lock);
    }
    while (e->timer.count > 0) {
        assert_true(e->timer.heap[0].at >= before);
        before = e->timer.heap[0].at;
        rt_deadline_clear(e->timer.heap[0].store);
    }
    free_all(e, s, FEW);
}

typedef struct worker {
    pthread_t thread;
    abi_store **stores;
    uint32_t random;
    bool failed;
} worker;

static void *set_at_random(void *arg)
{
    worker *w = arg;

    for (int i = 0; i < STEPS; i++) {
        abi_store *s = w->stores[next_random(&w->random) % FEW];
        uint32_t what = next_random(&w->random) % 8;

        if (what == 0)
            rt_deadline_clear(s);
        else if (rt_deadline_set(s, what == 1 ? 0 : next_random(&w->random) % (5 * MS), NULL) !=
                 BEAMR_OK)
            w->failed = true;
    }
    return NULL;
}

/* All at once, then one last time each: even stores get a time, odd ones none. */
static void threads_set_move_and_clear(void **state)
{
    abi_store *s[FEW];
    rt_engine *e = engine_and_stores(s, FEW);
    worker workers[THREADS];

    (void)state;
    for (uint32_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.stores = s, .random = i + 1};
        assert_int_equal(pthread_create(&workers[i].thread, NULL, set_at_random, &workers[i]),
                         0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_false(workers[i].failed);
    }
    for (int i = 0; i < FEW; i++)
        set(s[i], NEVER);
    check_timer(&e->timer, FEW);
    for (int i = 0; i < FEW; i++) {
        if (i % 2 == 0)
            set(s[i], MS);
        else
            rt_deadline_clear(s[i]);
    }
    for (int i = 0; i < FEW; i += 2)
        wait_for(s[i]);
    for (int i = 1; i < FEW; i += 2)
        assert_false(has_passed(s[i]));
    check_timer(&e->timer, 0);
    free_all(e, s, FEW);
}

/* ---- The end ---- */

static void freed_stores_leave(void **state)
{
    abi_store *s[FEW];
    rt_engine *e = engine_and_stores(s, FEW);

    (void)state;
    for (uint64_t i = 0; i < FEW; i++)
        set(s[i], (i * 37 % FEW + 1000) * 1000 * MS);
    for (size_t i = 0; i < FEW; i += 2)
        rt_store_free(s[i]);
    check_timer(&e->timer, FEW / 2);
    for (size_t i = 1; i < FEW; i += 2)
        rt_store_free(s[i]);
    check_timer(&e->timer, 0);
    rt_engine_unref(e);
}

static void *free_store(void *store)
{
    rt_store_free(store);
    return NULL;
}

/* The store has the last reference to its engine. */
static void the_engine_goes_on_any_thread_with_deadlines_to_come(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        abi_store *s = fixture_store();
        pthread_t thread;

        set(s, i % 2 ? NEVER : MS);
        assert_int_equal(pthread_create(&thread, NULL, free_store, s), 0);
        pthread_join(thread, NULL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polls_end_once_it_has_passed),
        cmocka_unit_test(zero_has_passed_at_once_and_needs_no_thread),
        cmocka_unit_test(setting_anew_takes_a_passed_one_back),
        cmocka_unit_test(any_time_can_be_given),
        cmocka_unit_test(an_earlier_one_is_not_late),
        cmocka_unit_test(one_that_is_moved_back_or_cleared_does_not_pass),
        cmocka_unit_test(thousands_pass),
        cmocka_unit_test(the_heap_yields_them_in_order),
        cmocka_unit_test(threads_set_move_and_clear),
        cmocka_unit_test(freed_stores_leave),
        cmocka_unit_test(the_engine_goes_on_any_thread_with_deadlines_to_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
