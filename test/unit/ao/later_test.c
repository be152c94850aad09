/* Calls that are answered later, on other threads, and tasks that are cancelled meanwhile. */
#include "world.h"

#include <sched.h>
#include <stdatomic.h>

#define PARKED 10000

static ao_call *parked[PARKED];
static atomic_size_t parked_count, ended_count, told_count;

static void told(ao_call *call, void *arg)
{
    (void)arg;
    atomic_fetch_add(&told_count, 1);
    ao_call_finish(call, AO_OUTCOME_OK, ao_integer(0));
}

static beamr_status wait_here(ao_call *call, beamr_error *err)
{
    (void)err;
    parked[atomic_fetch_add(&parked_count, 1)] = call;
    return ao_call_later(call, told, NULL);
}

static beamr_status answer_before(ao_call *call, beamr_error *err)
{
    (void)err;
    ao_call_finish(call, AO_OUTCOME_OK, ao_binary_text("early"));
    return ao_call_later(call, NULL, NULL);
}

static beamr_status raise_before(ao_call *call, beamr_error *err)
{
    (void)err;
    ao_call_raise(call, BEAMR_IO, "gone already");
    return ao_call_later(call, NULL, NULL);
}

static void *finish_soon(void *call)
{
    sched_yield();
    ao_call_finish(call, AO_OUTCOME_OK, world_message_of("inner", ao_binary_text("late")));
    return NULL;
}

static beamr_status answer_elsewhere(ao_call *call, beamr_error *err)
{
    pthread_t thread;

    (void)err;
    assert_int_equal(pthread_create(&thread, NULL, finish_soon, call), 0);
    pthread_detach(thread);
    return ao_call_later(call, NULL, NULL);
}

static beamr_status say_key(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_binary_copy(ao_call_key_text(call)));
}

static void *continue_soon(void *call)
{
    ao_call_continue(call, say_key);
    return NULL;
}

static beamr_status go_on_elsewhere(ao_call *call, beamr_error *err)
{
    pthread_t thread;

    (void)err;
    assert_int_equal(pthread_create(&thread, NULL, continue_soon, call), 0);
    pthread_detach(thread);
    return ao_call_later(call, NULL, NULL);
}

static const ao_key late_keys[] = {{"wait", wait_here},     {"early", answer_before},
                                   {"raise", raise_before}, {"elsewhere", answer_elsewhere},
                                   {"on", go_on_elsewhere}, AO_KEYS_END};
static const ao_device dev_late = {.name = "late@1.0", .keys = late_keys};

static ao_value late(void)
{
    return world_message_of("device", ao_binary_text("late@1.0"));
}

static ao_context *late_world(const ao_settings *settings)
{
    ao_context *context = world_new(settings);

    world_add(context, &dev_late);
    atomic_store(&parked_count, 0);
    atomic_store(&ended_count, 0);
    atomic_store(&told_count, 0);
    return context;
}

static void an_answer_may_come_before_the_function_returns(void **state)
{
    ao_context *context = late_world(NULL);
    beamr_error err;

    (void)state;
    assert_result_text(world_resolve(context, late(), "early", NULL), "early");
    assert_int_equal(world_fail(context, late(), "raise", NULL, &err), BEAMR_IO);
    assert_string_equal(err.text, "gone already");
    ao_context_free(context);
}

static void an_answer_may_come_from_another_thread(void **state)
{
    ao_context *context = late_world(NULL);

    (void)state;
    for (int i = 0; i < 200; i++) {
        assert_result_text(world_resolve(context, late(), "elsewhere/inner", NULL), "late");
        assert_result_text(world_resolve(context, late(), "on", NULL), "on");
    }
    ao_context_free(context);
}

static void count_end(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    assert_null(err);
    assert_int_equal(result->outcome, AO_OUTCOME_OK);
    atomic_fetch_add(&ended_count, 1);
}

static void *finish_half(void *arg)
{
    for (size_t i = (size_t)(uintptr_t)arg; i < PARKED; i += 2)
        ao_call_finish(parked[i], AO_OUTCOME_OK, world_message_of("x", ao_integer(1)));
    return NULL;
}

static void ten_thousand_wait_without_threads(void **state)
{
    ao_context *context = late_world(NULL);
    ao_value list = world_list(late(), world_path("wait"), world_path("x"));
    pthread_t threads[2];

    (void)state;
    for (size_t i = 0; i < PARKED; i++)
        assert_int_equal(ao_task_start(context, list, NULL, count_end, NULL, NULL, NULL),
                         BEAMR_OK);
    assert_int_equal(atomic_load(&parked_count), PARKED);
    assert_int_equal(atomic_load(&ended_count), 0);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, finish_half, (void *)i), 0);
    for (size_t i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&ended_count), PARKED);
    ao_value_unref(list);
    ao_context_free(context);
}

static void count_failure(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    assert_null(err);
    assert_int_equal(result->outcome, AO_OUTCOME_FAILURE);
    atomic_fetch_add(&ended_count, 1);
}

static void a_cancelled_task_fails(void **state)
{
    ao_context *context = late_world(NULL);
    ao_value list = world_list(late(), world_path("wait"), AO_NO_VALUE);
    ao_task *task;

    (void)state;
    assert_int_equal(ao_task_start(context, list, NULL, count_failure, NULL, &task, NULL),
                     BEAMR_OK);
    ao_task_cancel(task);
    ao_task_cancel(task);
    assert_int_equal(atomic_load(&told_count), 1);
    assert_int_equal(atomic_load(&ended_count), 1);
    ao_task_unref(task);
    ao_value_unref(list);
    ao_context_free(context);
}

/* A device that is not told finishes some time. */
static beamr_status wait_untold(ao_call *call, beamr_error *err)
{
    (void)err;
    parked[atomic_fetch_add(&parked_count, 1)] = call;
    return ao_call_later(call, NULL, NULL);
}

static const ao_key untold_keys[] = {{"wait", wait_untold}, AO_KEYS_END};
static const ao_device dev_untold = {.name = "untold@1.0", .keys = untold_keys};

static void *cancel_it(void *task)
{
    ao_task_cancel(task);
    return NULL;
}

static void cancelling_and_finishing_may_meet(void **state)
{
    ao_context *context = late_world(NULL);
    ao_value list;

    (void)state;
    world_add(context, &dev_untold);
    list = world_list(world_message_of("device", ao_binary_text("untold@1.0")),
                      world_path("wait"), world_path("x"));
    for (int i = 0; i < 300; i++) {
        pthread_t thread;
        ao_task *task;

        atomic_store(&parked_count, 0);
        assert_int_equal(ao_task_start(context, list, NULL, NULL, NULL, &task, NULL), BEAMR_OK);
        assert_int_equal(pthread_create(&thread, NULL, cancel_it, task), 0);
        ao_call_finish(parked[0], AO_OUTCOME_OK, world_message_of("x", ao_integer(1)));
        pthread_join(thread, NULL);
        ao_task_unref(task);
    }
    ao_value_unref(list);
    ao_context_free(context);
}

/* An executor that only notes what is to be run. */
static void (*noted_run)(void *arg);
static void *noted_arg;

static void note(void *user, void (*run)(void *arg), void *arg)
{
    (void)user;
    noted_run = run;
    noted_arg = arg;
}

static void an_executor_runs_what_goes_on(void **state)
{
    ao_settings settings = {.execute = note};
    ao_context *context = late_world(&settings);
    ao_value list = world_list(late(), world_path("wait"), world_path("x"));

    (void)state;
    assert_int_equal(ao_task_start(context, list, NULL, count_end, NULL, NULL, NULL), BEAMR_OK);
    ao_call_finish(parked[0], AO_OUTCOME_OK, world_message_of("x", ao_integer(1)));
    assert_int_equal(atomic_load(&ended_count), 0);
    noted_run(noted_arg);
    assert_int_equal(atomic_load(&ended_count), 1);
    ao_value_unref(list);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_come_before_the_function_returns),
        cmocka_unit_test(an_answer_may_come_from_another_thread),
        cmocka_unit_test(ten_thousand_wait_without_threads),
        cmocka_unit_test(a_cancelled_task_fails),
        cmocka_unit_test(cancelling_and_finishing_may_meet),
        cmocka_unit_test(an_executor_runs_what_goes_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
