/* Thousands of calls that wait at once, each in a store of its own, answered in random order by
 * several threads. */
#include "waiting.h"

#include <pthread.h>

/* A store takes four mappings of the 65,530 that Linux allows a process; the address sanitizer
 * maps a stack of its own for each, and the thread sanitizer has room for 8,000 fibers. */
#if TEST_IS_TSAN
enum { MANY = 200 };
#elif TEST_IS_ASAN
enum { MANY = 4000 };
#else
enum { MANY = 10000 };
#endif
enum { ANSWERERS = 4 };

typedef struct waiter {
    waiting w;
    beamr_entry entry;
    int32_t rounds; /* answers that it wants */
} waiter;

typedef struct answerer {
    pthread_t thread;
    waiter *const *waiters; /* of this thread alone */
    size_t count;
    const char *problem;
} answerer;

/* Answer i with 10 * i: a call of n rounds ends in 10 * (n + ... + 1). */
static const char *answer_all(waiter *one)
{
    int32_t result = 0;

    for (int32_t i = one->rounds; i > 0; i--) {
        beamr_request request;
        beamr_value asked;

        if (beamr_entry_request(one->w.store, one->entry, &request, &asked, 1, NULL) !=
                BEAMR_OK ||
            asked.of.i32 != i || request.caller != one->w.guest)
            return "it asks for something else";
        if (waiting_answer(&one->w, one->entry, i * 10, &result, NULL) !=
            (i > 1 ? BEAMR_SUSPENDED : BEAMR_OK))
            return "it ended in another way";
    }
    return result == 5 * one->rounds * (one->rounds + 1) ? NULL : "a wrong result";
}

static void *answer(void *arg)
{
    answerer *me = arg;

    for (size_t i = 0; i < me->count && !me->problem; i++)
        me->problem = answer_all(me->waiters[i]);
    return NULL;
}

static void shuffle(waiter **list, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)(random_next() % i);
        waiter *swapped = list[i - 1];

        list[i - 1] = list[other];
        list[other] = swapped;
    }
}

static void thousands_wait_and_are_answered_by_four_threads(void **state)
{
    waiter *waiters = calloc(MANY, sizeof *waiters);
    waiter **order = calloc(MANY, sizeof *order);
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    answerer answerers[ANSWERERS];
    waiting first = waiting_open();

    (void)state;
    assert_non_null(waiters);
    assert_non_null(order);
    random_begin();
    limits.max_memory_pages = 64;
    for (size_t i = 0; i < MANY; i++) {
        waiters[i].w = waiting_in(first.engine, first.module, (beamr_host){0}, &limits);
        waiters[i].rounds = 1 + (int32_t)(i % 3);
        waiters[i].entry = waiting_begin(&waiters[i].w, "often", waiters[i].rounds);
        order[i] = &waiters[i];
    }
    shuffle(order, MANY);
    for (size_t i = 0; i < ANSWERERS; i++) {
        answerers[i] =
            (answerer){.waiters = order + i * (MANY / ANSWERERS), .count = MANY / ANSWERERS};
        assert_int_equal(pthread_create(&answerers[i].thread, NULL, answer, &answerers[i]), 0);
    }
    for (size_t i = 0; i < ANSWERERS; i++) {
        pthread_join(answerers[i].thread, NULL);
        if (answerers[i].problem)
            fail_msg("thread %zu: %s", i, answerers[i].problem);
    }
    for (size_t i = 0; i < MANY; i++)
        beamr_store_free(waiters[i].w.store);
    waiting_close(&first);
    free(order);
    free(waiters);
}

/* Nobody answers: all are freed. */
static void hundreds_of_stores_are_freed_while_they_wait(void **state)
{
    waiting first = waiting_open();
    static waiting all[200];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        all[i] = waiting_in(first.engine, first.module, (beamr_host){0}, NULL);
        (void)waiting_begin(&all[i], "deep_in_try", 3);
    }
    for (size_t i = 0; i < 200; i++)
        beamr_store_free(all[i].store);
    waiting_close(&first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thousands_wait_and_are_answered_by_four_threads),
        cmocka_unit_test(hundreds_of_stores_are_freed_while_they_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
