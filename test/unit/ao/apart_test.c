/* Resolutions apart: given up while they run or wait, and what comes of their answers; work
 * that is ended when its resolution is cancelled. */
#include "ao/apart.h"

#include "world.h"

#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

/* ---- A device that waits, and one that waits for it apart ---- */

#define MANY 2000

static _Atomic(ao_call *) waits; /* in `wait`, `quiet` or `deaf` */
static atomic_int told, ended_ok, ended_failed, late_count;

/* The call that resolves apart, as long as it can be given up. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static ao_call *outer_call;

static ao_value late_device(const char *name)
{
    return world_message_of("device", ao_binary_text(name));
}

static void finish(ao_call *call, void *arg)
{
    (void)arg;
    told++;
    ao_call_finish(call, AO_OUTCOME_OK, ao_binary_text("told"));
}

static void note(ao_call *call, void *arg)
{
    (void)call;
    (void)arg;
    told++;
}

static beamr_status wait_here(ao_call *call, beamr_error *err)
{
    (void)err;
    waits = call;
    return ao_call_later(call, finish, NULL);
}

static beamr_status wait_quietly(ao_call *call, beamr_error *err)
{
    (void)err;
    waits = call;
    return ao_call_later(call, note, NULL);
}

static beamr_status wait_deaf(ao_call *call, beamr_error *err)
{
    (void)err;
    waits = call;
    return ao_call_later(call, NULL, NULL);
}

static beamr_status say(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_binary_text("said"));
}

static beamr_status raise(ao_call *call, beamr_error *err)
{
    (void)call;
    return beamr_fail(err, BEAMR_IO, 0, "the disk is gone");
}

static void give_up(void)
{
    ao_task *held = NULL;

    (void)pthread_mutex_lock(&lock);
    if (outer_call)
        held = apart_hold(outer_call);
    (void)pthread_mutex_unlock(&lock);
    if (held)
        apart_give_up(held);
}

/* Given up while it is in its function; it would wait for ever after that. */
static beamr_status give_up_within(ao_call *call, beamr_error *err)
{
    give_up();
    return wait_quietly(call, err);
}

static void forget_outer(void)
{
    (void)pthread_mutex_lock(&lock);
    outer_call = NULL;
    (void)pthread_mutex_unlock(&lock);
}

static void clear_outer(void *memory)
{
    (void)memory;
    forget_outer();
}

static beamr_status outer_then(ao_call *call, beamr_error *err)
{
    const ao_result *result = ao_call_result(call);

    (void)err;
    forget_outer();
    return ao_call_return(call, result->outcome, ao_value_ref(result->value));
}

static beamr_status outer_late(ao_call *call, beamr_error *err)
{
    (void)err;
    late_count++;
    return ao_call_ok(call, ao_binary_text("late"));
}

/* Resolve the key that `inner` names on what `on` is, apart. */
static beamr_status outer(ao_call *call, beamr_error *err)
{
    const ao_message *base = ao_call_base(call);
    beamr_status st;

    assert_non_null(ao_call_memory(call, 1, clear_outer));
    st = apart_resolve(call, ao_value_ref(ao_message_find_text(base, "on")),
                       ao_value_ref(ao_message_find_text(base, "inner")), ao_call_options(call),
                       outer_then, outer_late, err);
    if (st != APART_WAITS)
        return st;
    (void)pthread_mutex_lock(&lock);
    outer_call = call;
    (void)pthread_mutex_unlock(&lock);
    return st;
}

static const ao_key keys[] = {
    {"outer", outer}, {"wait", wait_here}, {"quiet", wait_quietly},    {"deaf", wait_deaf},
    {"say", say},     {"raise", raise},    {"within", give_up_within}, AO_KEYS_END};
static const ao_device dev_apart = {.name = "apart@1.0", .keys = keys};

static ao_context *apart_world(const ao_settings *settings)
{
    ao_context *context = world_new(settings);

    world_add(context, &dev_apart);
    waits = NULL;
    told = ended_ok = ended_failed = late_count = 0;
    return context;
}

/* {device, on, inner}; `levels` of them within each other, each resolving the next apart. */
static ao_value outer_base(const char *inner, int levels)
{
    ao_value on = late_device("apart@1.0");
    const char *key = inner;

    for (int i = 0; i < levels; i++) {
        ao_builder b;

        ao_builder_begin(&b, NULL, NULL, NULL);
        ao_builder_put(&b, "device", ao_binary_text("apart@1.0"));
        ao_builder_put(&b, "on", on);
        ao_builder_put(&b, "inner", ao_binary_text(key));
        on = ao_builder_value(&b);
        key = "outer";
    }
    return on;
}

static void count_end(void *user, const ao_result *result, const beamr_error *err)
{
    (void)user;
    (void)err;
    if (result && result->outcome == AO_OUTCOME_OK)
        ended_ok++;
    else
        ended_failed++;
}

static ao_task *start(ao_context *context, const char *inner, int levels)
{
    ao_value list = world_list(outer_base(inner, levels), world_path("outer"), AO_NO_VALUE);
    ao_task *task = NULL;

    assert_int_equal(ao_task_start(context, list, NULL, count_end, NULL, &task, NULL),
                     BEAMR_OK);
    ao_value_unref(list);
    return task;
}

static bool comes(atomic_int *what, int n)
{
    for (int i = 0; i < 10000 && *what < n; i++)
        (void)usleep(1000);
    return *what == n;
}

/* ---- Ends ---- */

static void a_result_and_a_failure_are_those_of_the_call(void **state)
{
    ao_context *context = apart_world(NULL);
    beamr_error err = {0};

    (void)state;
    assert_result_text(world_resolve(context, outer_base("say", 1), "outer", NULL), "said");
    assert_result_text(world_resolve(context, outer_base("say", 20), "outer", NULL), "said");
    assert_int_equal(world_fail(context, outer_base("raise", 1), "outer", NULL, &err),
                     BEAMR_IO);
    assert_string_equal(err.text, "the disk is gone");
    assert_int_equal(late_count, 0);
    ao_context_free(context);
}

static void depth_counts_through_all(void **state)
{
    ao_context *context = apart_world(NULL);
    ao_options options = AO_OPTIONS_DEFAULT;
    beamr_error err = {0};

    (void)state;
    options.max_depth = 10;
    assert_result_text(world_resolve(context, outer_base("say", 9), "outer", &options), "said");
    assert_int_equal(world_fail(context, outer_base("say", 10), "outer", &options, &err),
                     BEAMR_LIMIT);
    ao_context_free(context);
}

static void an_answer_may_come_later(void **state)
{
    ao_context *context = apart_world(NULL);
    ao_task *task = start(context, "deaf", 1);

    (void)state;
    ao_call_finish(waits, AO_OUTCOME_OK, ao_integer(1));
    assert_int_equal(ended_ok, 1);
    ao_task_unref(task);
    ao_context_free(context);
}

/* ---- Giving up ---- */

static void what_is_given_up_is_told_and_its_answer_goes_nowhere(void **state)
{
    static const char *const waiting[] = {"wait", "quiet", "deaf"};
    const int tells[] = {1, 1, 0};

    (void)state;
    for (int i = 0; i < 3; i++) {
        ao_context *context = apart_world(NULL);
        ao_task *task = start(context, waiting[i], 1);

        give_up();
        give_up();
        assert_true(comes(&ended_ok, 1));
        assert_int_equal(late_count, 1);
        assert_int_equal(told, tells[i]);
        ao_task_unref(task);
        ao_context_free(context); /* nothing of it is needed by the answer */
        if (i > 0)
            ao_call_finish(waits, AO_OUTCOME_OK, ao_binary_text("too late"));
        assert_int_equal(ended_ok, 1);
    }
}

/* The function that runs is waited for, and what it waits for is not. */
static void what_runs_is_given_up_when_it_waits(void **state)
{
    ao_context *context = apart_world(NULL);
    ao_task *task = start(context, "within", 1);

    (void)state;
    assert_true(comes(&ended_ok, 1));
    assert_int_equal(late_count, 1);
    assert_int_equal(told, 1);
    ao_task_unref(task);
    ao_context_free(context);
    ao_call_finish(waits, AO_OUTCOME_OK, ao_binary_text("too late"));
}

static void a_cancelled_call_leaves_all_behind(void **state)
{
    (void)state;
    for (int levels = 1; levels <= 20; levels += 19) {
        ao_context *context = apart_world(NULL);
        ao_task *task = start(context, "quiet", levels);

        ao_task_cancel(task);
        assert_int_equal(ended_failed, 1);
        assert_int_equal(told, 1);
        assert_int_equal(late_count, 0);
        ao_task_unref(task);
        ao_context_free(context);
        ao_call_finish(waits, AO_OUTCOME_OK, ao_binary_text("too late"));
    }
}

static void (*noted_run)(void *arg);
static void *noted_arg;

static void note_run(void *user, void (*run)(void *arg), void *arg)
{
    (void)user;
    noted_run = run;
    noted_arg = arg;
}

static void run_noted(void)
{
    void (*run)(void *arg) = noted_run;

    noted_run = NULL;
    run(noted_arg);
}

static void an_executor_runs_what_goes_on(void **state)
{
    ao_settings settings = {.execute = note_run};
    ao_context *context = apart_world(&settings);
    ao_task *task = start(context, "quiet", 1);

    (void)state;
    give_up();
    assert_int_equal(told, 0);
    run_noted(); /* giving up */
    assert_int_equal(told, 1);
    assert_int_equal(ended_ok, 0);
    run_noted(); /* going on */
    assert_int_equal(ended_ok, 1);
    ao_task_unref(task);
    ao_context_free(context);
    ao_call_finish(waits, AO_OUTCOME_OK, ao_binary_text("too late"));
    assert_null(noted_run);
}

/* ---- Groups ---- */

static ao_value one_name(ao_call *call)
{
    (void)call;
    return ao_binary_text("the same");
}

/* Itself, apart. */
static beamr_status circle(ao_call *call, beamr_error *err)
{
    return apart_resolve(call, late_device("circle@1.0"), ao_binary_text("circle"),
                         ao_call_options(call), outer_then, outer_late, err);
}

static const ao_key circle_keys[] = {{"circle", circle}, AO_KEYS_END};
static const ao_device dev_circle = {
    .name = "circle@1.0", .keys = circle_keys, .group = one_name};

static void a_circle_through_what_is_apart_is_found(void **state)
{
    ao_context *context = apart_world(NULL);
    ao_result result;
    int64_t status = 0;

    (void)state;
    world_add(context, &dev_circle);
    result = world_resolve(context, late_device("circle@1.0"), "circle", NULL);
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(
        ao_to_integer(ao_message_find_text(ao_to_message(result.value), "status"), &status));
    assert_int_equal(status, 508);
    ao_value_unref(result.value);
    ao_context_free(context);
}

/* ---- Races: the answer, giving up and cancelling meet ---- */

static atomic_int gate;

static void *answer_it(void *unused)
{
    while (gate != 1)
        continue;
    for (int i = 0; i < rand() % 3; i++)
        (void)sched_yield();
    ao_call_finish(waits, AO_OUTCOME_OK, ao_binary_text("answer"));
    return unused;
}

static void *give_it_up(void *unused)
{
    while (gate != 1)
        continue;
    give_up();
    return unused;
}

static void *cancel_it(void *task)
{
    while (gate != 1)
        continue;
    ao_task_cancel(task);
    return NULL;
}

static void answers_and_those_who_give_up_may_meet(void **state)
{
    (void)state;
    for (int i = 0; i < MANY; i++) {
        ao_context *context = apart_world(NULL);
        const char *key = i % 2 ? "deaf" : "quiet";
        ao_task *task = start(context, key, 1 + i % 5);
        pthread_t threads[3];

        gate = 0;
        assert_int_equal(pthread_create(&threads[0], NULL, answer_it, NULL), 0);
        assert_int_equal(pthread_create(&threads[1], NULL, give_it_up, NULL), 0);
        if (i % 4 >= 2)
            assert_int_equal(pthread_create(&threads[2], NULL, cancel_it, task), 0);
        gate = 1;
        for (int k = 0; k < 10000 && ended_ok + ended_failed == 0; k++)
            (void)usleep(k < 100 ? 10 : 1000);
        assert_int_equal(ended_ok + ended_failed, 1);
        (void)pthread_join(threads[0], NULL);
        (void)pthread_join(threads[1], NULL);
        if (i % 4 >= 2)
            (void)pthread_join(threads[2], NULL);
        ao_task_unref(task);
        ao_context_free(context);
    }
}

/* ---- Work that is ended ---- */

static atomic_int asked, is_at_work;

static void ask(void *arg)
{
    atomic_int *count = arg;

    (*count)++;
}

static ao_task *own_task;

/* Works until it is asked to end. */
static beamr_status work(ao_call *call, beamr_error *err)
{
    ao_stop stop, inner;

    (void)err;
    ao_stop_begin(&stop, ask, &asked);
    ao_stop_begin(&inner, ask, &asked);
    assert_false(ao_stop_end(&inner) && asked == 0);
    is_at_work = 1;
    while (asked == 0)
        (void)sched_yield();
    assert_true(ao_stop_end(&stop));
    assert_true(ao_stop_end(&stop));
    return ao_call_ok(call, ao_binary_text("worked"));
}

/* Is cancelled before it begins to work. */
static beamr_status cancel_self(ao_call *call, beamr_error *err)
{
    ao_task_cancel(own_task);
    return work(call, err);
}

/* Is cancelled twice while it works. */
static beamr_status cancel_twice(ao_call *call, beamr_error *err)
{
    ao_stop stop;

    (void)err;
    ao_stop_begin(&stop, ask, &asked);
    ao_task_cancel(own_task);
    ao_task_cancel(own_task);
    assert_true(ao_stop_end(&stop));
    return ao_call_ok(call, ao_binary_text("worked"));
}

static const ao_key work_keys[] = {
    {"work", work}, {"self", cancel_self}, {"twice", cancel_twice}, AO_KEYS_END};
static const ao_device dev_work = {.name = "work@1.0", .keys = work_keys};

static void *cancel_soon(void *unused)
{
    while (is_at_work == 0)
        (void)sched_yield();
    ao_task_cancel(own_task);
    return unused;
}

/* Its task is known before it works: it waits first. */
static void work_ends_when_its_task_is_cancelled(void **state)
{
    ao_context *context = apart_world(NULL);
    ao_value list =
        world_list(late_device("apart@1.0"), world_path("deaf"), world_path("work"));
    pthread_t thread;

    (void)state;
    world_add(context, &dev_work);
    asked = is_at_work = 0;
    assert_int_equal(ao_task_start(context, list, NULL, count_end, NULL, &own_task, NULL),
                     BEAMR_OK);
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    ao_call_finish(waits, AO_OUTCOME_OK, late_device("work@1.0"));
    (void)pthread_join(thread, NULL);
    assert_int_equal(ended_ok + ended_failed, 1);
    assert_int_equal(asked, 1);
    ao_task_unref(own_task);
    ao_value_unref(list);
    ao_context_free(context);
}

static void work_of_a_cancelled_task_ends_at_once(void **state)
{
    ao_context *context = apart_world(NULL);
    ao_value list = world_list(late_device("work@1.0"), world_path("self"), AO_NO_VALUE);

    (void)state;
    world_add(context, &dev_work);
    asked = is_at_work = 0;
    assert_int_equal(ao_task_start(context, list, NULL, count_end, NULL, &own_task, NULL),
                     BEAMR_OK);
    assert_int_equal(ended_ok + ended_failed, 1);
    assert_int_equal(asked, 2);
    ao_task_unref(own_task);
    ao_value_unref(list);
    ao_context_free(context);
}

static void work_is_asked_once(void **state)
{
    ao_context *context = apart_world(NULL);
    ao_value list = world_list(late_device("work@1.0"), world_path("twice"), AO_NO_VALUE);

    (void)state;
    world_add(context, &dev_work);
    asked = 0;
    assert_int_equal(ao_task_start(context, list, NULL, count_end, NULL, &own_task, NULL),
                     BEAMR_OK);
    assert_int_equal(asked, 1);
    ao_task_unref(own_task);
    ao_value_unref(list);
    ao_context_free(context);
}

static void without_a_task_nothing_is_asked(void **state)
{
    ao_stop stop, zero = {0};

    (void)state;
    asked = 0;
    ao_stop_begin(&stop, ask, &asked);
    assert_false(ao_stop_end(&stop));
    assert_false(ao_stop_end(&zero));
    assert_int_equal(asked, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_and_a_failure_are_those_of_the_call),
        cmocka_unit_test(depth_counts_through_all),
        cmocka_unit_test(an_answer_may_come_later),
        cmocka_unit_test(what_is_given_up_is_told_and_its_answer_goes_nowhere),
        cmocka_unit_test(what_runs_is_given_up_when_it_waits),
        cmocka_unit_test(a_cancelled_call_leaves_all_behind),
        cmocka_unit_test(an_executor_runs_what_goes_on),
        cmocka_unit_test(a_circle_through_what_is_apart_is_found),
        cmocka_unit_test(answers_and_those_who_give_up_may_meet),
        cmocka_unit_test(work_is_asked_once),
        cmocka_unit_test(work_ends_when_its_task_is_cancelled),
        cmocka_unit_test(work_of_a_cancelled_task_ends_at_once),
        cmocka_unit_test(without_a_task_nothing_is_asked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
