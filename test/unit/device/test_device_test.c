/* test-device@1.0: src/device/test_device.c and delay.c. */
#include <pthread.h>
#include <time.h>

#include "world.h"

#define DEVICE "\"device\": \"test-device@1.0\""

static void computes_and_restores(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{" DEVICE ", \"results\": {\"x\": 1}}",
                 "{\"path\": \"compute/results\", \"slot\": 3}",
                 "{\"is\": {\"x\": 1, \"assignment-slot\": 3}}");
    world_expect_outcome(context, "{" DEVICE "}", "{\"path\": \"compute\"}", AO_OUTCOME_ERROR,
                         400);
    world_expect(context, "{" DEVICE "}", "{\"path\": \"snapshot\"}", "{\"is\": {}}");
    world_expect_outcome(context, "{" DEVICE "}", "{\"path\": \"restore\"}", AO_OUTCOME_ERROR,
                         400);
    world_expect(context, "{" DEVICE "}", "{\"path\": \"mul/results\", \"args\": [2, 4]}",
                 "{\"is\": [8]}");
    world_expect_outcome(context, "{" DEVICE "}", "{\"path\": \"mul\", \"args\": [2]}",
                         AO_OUTCOME_ERROR, 400);
    ao_context_free(context);
}

static void restoring_keeps_what_was_seen_in_private(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_result result = world_resolve(context, "{" DEVICE ", \"already-seen\": [2, 1]}",
                                     "{\"path\": \"restore\"}");

    (void)state;
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_int_equal(
        ao_list_count(ao_private_find(ao_to_message(result.value), "test-key/started-state")),
        2);
    ao_value_unref(result.value);
    ao_context_free(context);
}

static void delays_answer_later(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{" DEVICE ", \"return\": \"r\"}",
                 "{\"path\": \"delay\", \"duration\": 5}", "{\"is\": \"r\"}");
    world_expect(context, "{" DEVICE "}",
                 "{\"path\": \"delay\", \"duration\": \"5\", "
                 "\"body\": \"b\"}",
                 "{\"is\": \"b\"}");
    world_expect(context, "{" DEVICE "}", "{\"path\": \"delay/result\", \"duration\": 0}",
                 "{\"is\": \"slept\"}");
    world_expect_outcome(context, "{" DEVICE "}", "{\"path\": \"delay\", \"duration\": -1}",
                         AO_OUTCOME_ERROR, 400);
    ao_context_free(context);
}

/* ---- Many at once ---- */

typedef struct counter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int left, outcomes[AO_OUTCOME_COUNT];
} counter;

static void ended(void *user, const ao_result *result, const beamr_error *err)
{
    counter *c = user;

    (void)err;
    (void)pthread_mutex_lock(&c->lock);
    if (result)
        c->outcomes[result->outcome]++;
    c->left--;
    (void)pthread_cond_signal(&c->changed);
    (void)pthread_mutex_unlock(&c->lock);
}

/* Begin `times` delays of so many milliseconds each, cancel them if asked to, wait for all. */
static void delays(int times, int ms, bool is_cancelled, counter *c)
{
    ao_context *context = world_open(NULL, NULL);
    char path[64];
    ao_task *tasks[500];
    ao_value items[2], list;
    beamr_error err = {0};

    (void)snprintf(path, sizeof path, "{\"path\": \"delay\", \"duration\": %d}", ms);
    items[0] = ao_message_value(world_message(context, "{" DEVICE "}"));
    items[1] = ao_message_value(world_message(context, path));
    list = ao_list_new(items, 2);
    *c = (counter){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, times, {0}};
    for (int i = 0; i < times; i++)
        assert_int_equal(ao_task_start(context, list, NULL, ended, c, &tasks[i], &err),
                         BEAMR_OK);
    ao_value_unref(list);
    for (int i = 0; i < times; i++) {
        if (is_cancelled)
            ao_task_cancel(tasks[i]);
        ao_task_unref(tasks[i]);
    }
    (void)pthread_mutex_lock(&c->lock);
    while (c->left > 0)
        (void)pthread_cond_wait(&c->changed, &c->lock);
    (void)pthread_mutex_unlock(&c->lock);
    ao_context_free(context);
}

static void many_delays_wait_at_the_same_time(void **state)
{
    struct timespec begin, end;
    counter c;

    (void)state;
    (void)clock_gettime(CLOCK_MONOTONIC, &begin);
    delays(500, 100, false, &c); /* one after the other they would take 50 s */
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    assert_int_equal(c.outcomes[AO_OUTCOME_OK], 500);
    assert_true(end.tv_sec - begin.tv_sec < 10);
}

static void a_cancelled_delay_ends_at_once(void **state)
{
    counter c;

    (void)state;
    delays(20, 3600000, true, &c);
    assert_int_equal(c.outcomes[AO_OUTCOME_FAILURE], 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_and_restores),
        cmocka_unit_test(restoring_keeps_what_was_seen_in_private),
        cmocka_unit_test(delays_answer_later),
        cmocka_unit_test(many_delays_wait_at_the_same_time),
        cmocka_unit_test(a_cancelled_delay_ends_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
