/* wasm-64@1.0 with wasm_timeout: a call ends when its time is over while an import waits,
 * whoever is to answer it and whatever comes of that later; many at once, some of them
 * cancelled. */
#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "beamr/ao/guest.h"
#include "device/delay.h"
#include "wasm_modules.h"

#define ADD "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [1]}"
#define POW "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 3]}"
#define TASKS 60

/* ---- Devices that answer `mul` ---- */

static _Atomic(ao_call *) waits;
static _Atomic(int) asked, told;

static ao_value product_of(ao_call *call)
{
    ao_value args = ao_message_find_text(ao_call_request(call), "args"), product;
    ao_builder builder;

    product = ao_integer(ao_list_at(args, 0).of.integer * ao_list_at(args, 1).of.integer);
    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "results", ao_list_new(&product, 1));
    return ao_builder_value(&builder);
}

static void note(ao_call *call, void *arg)
{
    (void)call;
    (void)arg;
    told++;
}

static void finish(ao_call *call, void *arg)
{
    (void)arg;
    told++;
    ao_call_finish(call, AO_OUTCOME_OK, product_of(call));
}

static beamr_status wait_noting(ao_call *call, beamr_error *err)
{
    (void)err;
    asked++;
    waits = call;
    return ao_call_later(call, note, NULL);
}

static beamr_status wait_deaf(ao_call *call, beamr_error *err)
{
    (void)err;
    asked++;
    waits = call;
    return ao_call_later(call, NULL, NULL);
}

static beamr_status wait_obeying(ao_call *call, beamr_error *err)
{
    (void)err;
    asked++;
    waits = call;
    return ao_call_later(call, finish, NULL);
}

static beamr_status multiply(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, product_of(call));
}

/* After up to four milliseconds, at once, or never. */
static beamr_status multiply_some_time(ao_call *call, beamr_error *err)
{
    static _Atomic(unsigned) count;
    unsigned n = count++;

    if (n % 16 == 15)
        return ao_call_later(call, finish, NULL);
    return n % 4 == 3 ? multiply(call, err) : delay_call(call, n % 5, multiply, err);
}

/* By another process, which is computed on. */
static ao_message *other;
static ao_value other_request;

static beamr_status other_answered(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, product_of(call));
}

static beamr_status ask_other(ao_call *call, beamr_error *err)
{
    ao_options options = *ao_call_options(call);

    (void)err;
    options.hashpath = AO_HASHPATH_IGNORE;
    return ao_call_resolve(call, ao_message_value(ao_message_ref(other)),
                           ao_value_ref(other_request), &options, other_answered);
}

#define LIBRARY(id, function)                                                                  \
    static const ao_key id##_keys[] = {{"mul", function}, AO_KEYS_END};                        \
    static const ao_device id = {.name = #id "@1.0", .keys = id##_keys}

LIBRARY(noting, wait_noting);
LIBRARY(deaf, wait_deaf);
LIBRARY(obeying, wait_obeying);
LIBRARY(quick, multiply);
LIBRARY(sometime, multiply_some_time);
LIBRARY(through, ask_other);

/* Without a time of its own. */
static ao_context *open_world(const ao_settings *with)
{
    static const ao_device *const devices[] = {&noting, &deaf,     &obeying,
                                               &quick,  &sometime, &through};
    ao_settings settings = with ? *with : (ao_settings){0};
    ao_context *context = NULL;
    beamr_error err = {0};

    settings.kv = "memory";
    assert_int_equal(ao_context_new(&settings, &context, &err), BEAMR_OK);
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        assert_int_equal(ao_context_add_device(context, devices[i], &err), BEAMR_OK);
    asked = told = 0;
    waits = NULL;
    return context;
}

/* The option of calls that may take this long. */
static ao_message *time_limit(int64_t timeout_ms)
{
    ao_message *values = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_message_with(ao_message_empty(), "wasm_timeout", ao_integer(timeout_ms),
                                     &values, &err),
                     BEAMR_OK);
    return values;
}

static ao_options options_with(const ao_message *values)
{
    ao_options options = AO_OPTIONS_DEFAULT;

    options.values = values;
    return options;
}

/* A process with a library, to which 7 was added. */
static ao_message *make_process(ao_context *context, const char *library)
{
    char json[200];
    ao_message *process;

    (void)snprintf(json, sizeof json,
                   "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": {\"device\": "
                   "\"%s@1.0\"}}}",
                   library);
    process = message_with_key(context, json, "image", module_value(module_importing));
    process = resolve_next(context, process, "{\"path\": \"init\"}");
    return resolve_next(context, process,
                        "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [7]}");
}

static void expect_add(ao_context *context, const ao_message *process, int64_t sum)
{
    ao_message *next = resolve_ok(context, process, ADD);

    assert_int_equal(ao_list_at(value_at(next, "results/output"), 0).of.integer, sum);
    ao_message_unref(next);
}

/* ---- One call ---- */

static void expect_timeout_of(ao_context *context, const ao_message *process, int64_t ms)
{
    ao_message *values = time_limit(ms);
    ao_options options = options_with(values);
    ao_result result;
    beamr_error err = {0};

    assert_int_equal(resolve_json(context, process, POW, &options, &result, &err), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_FAILURE);
    assert_int_equal(value_at(ao_to_message(result.value), "status").of.integer, 504);
    assert_true(
        has_text(ao_text(value_at(ao_to_message(result.value), "body")), "wasm_timeout"));
    ao_value_unref(result.value);
    ao_message_unref(values);
}

/* While an import waits. If the machine was too busy to ask for it in time, it gets more. */
static void expect_timeout(ao_context *context, const ao_message *process)
{
    int before = asked;

    for (int64_t ms = 20; asked == before; ms *= 2)
        expect_timeout_of(context, process, ms);
}

static void an_import_without_an_answer_ends_with_the_time(void **state)
{
    static const char *const libraries[] = {"noting", "deaf", "obeying"};
    const int tells[] = {1, 0, 1};

    (void)state;
    for (int i = 0; i < 3; i++) {
        ao_context *context = open_world(NULL);
        ao_message *process = make_process(context, libraries[i]);

        for (int k = 1; k <= 3; k++) {
            ao_call *old = waits;

            expect_timeout(context, process);
            assert_int_equal(asked, k);
            assert_int_equal(told, k * tells[i]);
            if (i < 2 && old) /* one answers during the next, which it is nothing to */
                ao_call_finish(old, AO_OUTCOME_OK, ao_integer(1));
            expect_add(context, process, 8);
        }
        ao_message_unref(process);
        ao_context_free(context);
        if (i < 2) /* and one when all is gone */
            ao_call_finish(waits, AO_OUTCOME_OK, ao_integer(1));
    }
}

static void an_answer_in_time_is_taken(void **state)
{
    ao_context *context = open_world(NULL);
    ao_message *process = make_process(context, "quick");
    ao_message *values = time_limit(3600000);
    ao_options options = options_with(values);
    ao_result result;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(resolve_json(context, process, POW, &options, &result, &err), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_int_equal(
        ao_list_at(value_at(ao_to_message(result.value), "results/output"), 0).of.integer, 8);
    ao_value_unref(result.value);
    ao_message_unref(values);
    ao_message_unref(process);
    ao_context_free(context);
}

/* The handler's own resolution waits for another process, whose import waits. */
static void what_the_handler_waits_for_is_given_up_too(void **state)
{
    ao_context *context = open_world(NULL);
    ao_message *process = make_process(context, "through");

    (void)state;
    other = make_process(context, "noting");
    other_request = ao_message_value(world_message(
        context, "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 1]}"));
    expect_timeout(context, process);
    assert_int_equal(asked, 1);
    assert_int_equal(told, 1);
    expect_add(context, process, 8);
    expect_add(context, other, 8);
    ao_message_unref(other);
    ao_value_unref(other_request);
    ao_message_unref(process);
    ao_context_free(context);
    ao_call_finish(waits, AO_OUTCOME_OK, ao_integer(1));
}

/* ---- Many ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int left, good, late, cancelled, wrong;
} tasks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0, 0, 0};

static void ended(void *user, const ao_result *result, const beamr_error *err)
{
    const ao_message *message = result ? ao_to_message(result->value) : NULL;

    (void)user;
    (void)err;
    (void)pthread_mutex_lock(&tasks.lock);
    if (result && result->outcome == AO_OUTCOME_OK &&
        ao_list_at(value_at(message, "results/output"), 0).of.integer == 8)
        tasks.good++;
    else if (result && result->outcome == AO_OUTCOME_FAILURE && message &&
             value_at(message, "status").of.integer == 504)
        tasks.late++;
    else if (result && ao_is_atom(result->value, "cancelled"))
        tasks.cancelled++;
    else
        tasks.wrong++;
    tasks.left--;
    (void)pthread_cond_signal(&tasks.changed);
    (void)pthread_mutex_unlock(&tasks.lock);
}

/* The values stay until all have ended. */
static void start_all(ao_context *context, const ao_message *process, const ao_message *values,
                      ao_task *all[TASKS])
{
    ao_options options = options_with(values);
    ao_value items[2] = {ao_message_value(ao_message_ref(process)),
                         ao_message_value(world_message(context, POW))};
    ao_value list = ao_list_new(items, 2);

    tasks.left = TASKS;
    tasks.good = tasks.late = tasks.cancelled = tasks.wrong = 0;
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(ao_task_start(context, list, &options, ended, NULL, &all[i], NULL),
                         BEAMR_OK);
    ao_value_unref(list);
}

/* all  NULL: they are nobody's */
static void wait_all(ao_task *all[TASKS])
{
    for (int i = 0; all && i < TASKS; i++)
        ao_task_unref(all[i]);
    (void)pthread_mutex_lock(&tasks.lock);
    while (tasks.left > 0)
        (void)pthread_cond_wait(&tasks.changed, &tasks.lock);
    (void)pthread_mutex_unlock(&tasks.lock);
}

/* Answers, deadlines and cancelling meet, and the context goes right after. */
static void deadlines_and_answers_may_meet(void **state)
{
    ao_task *all[TASKS];

    (void)state;
    for (int round = 0; round < 12; round++) {
        ao_context *context = open_world(NULL);
        ao_message *process = make_process(context, "sometime");
        ao_message *values = time_limit(2 + round % 5);

        start_all(context, process, values, all);
        for (int i = 0; round % 2 && i < TASKS; i += 3) {
            (void)usleep((useconds_t)(i * 10));
            ao_task_cancel(all[i]);
        }
        wait_all(all);
        assert_int_equal(tasks.wrong, 0);
        if (round % 2 == 0)
            assert_int_equal(tasks.cancelled, 0);
        expect_add(context, process, 8);
        ao_message_unref(process);
        ao_context_free(context);
        ao_message_unref(values);
    }
}

static int count_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    int count = 0;

    assert_non_null(dir);
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

/* Two are there anyway: the engine's timer, and the world's own. */
static void calls_that_wait_have_no_threads(void **state)
{
    ao_context *context = open_world(NULL);
    ao_message *process = make_process(context, "obeying");
    ao_message *values = time_limit(3600000);
    int before = count_threads();
    ao_task *all[TASKS];

    (void)state;
    start_all(context, process, values, all);
    assert_int_equal(asked, TASKS);
    assert_true(count_threads() <= before + 2);
    for (int i = 0; i < TASKS; i++)
        ao_task_cancel(all[i]);
    wait_all(all);
    assert_int_equal(told, TASKS);
    assert_int_equal(tasks.cancelled, TASKS);
    ao_message_unref(process);
    ao_context_free(context);
    ao_message_unref(values);
}

/* ---- With an executor ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct job {
        void (*run)(void *arg);
        void *arg;
    } jobs[4096];
    size_t first, last;
    bool is_done;
} queue = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {{0}}, 0, 0, false};

static void execute(void *user, void (*run)(void *arg), void *arg)
{
    (void)user;
    (void)pthread_mutex_lock(&queue.lock);
    queue.jobs[queue.last++ % 4096] = (struct job){run, arg};
    (void)pthread_cond_signal(&queue.changed);
    (void)pthread_mutex_unlock(&queue.lock);
}

static void *run_jobs(void *unused)
{
    (void)pthread_mutex_lock(&queue.lock);
    while (!queue.is_done || queue.first < queue.last) {
        struct job job;

        if (queue.first == queue.last) {
            (void)pthread_cond_wait(&queue.changed, &queue.lock);
            continue;
        }
        job = queue.jobs[queue.first++ % 4096];
        (void)pthread_mutex_unlock(&queue.lock);
        job.run(job.arg);
        (void)pthread_mutex_lock(&queue.lock);
    }
    (void)pthread_mutex_unlock(&queue.lock);
    return unused;
}

static void an_executor_runs_what_goes_on(void **state)
{
    ao_settings settings = {.execute = execute};
    ao_context *context = open_world(&settings);
    ao_message *process, *values = time_limit(4);
    pthread_t threads[2];
    ao_task *all[TASKS];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_jobs, NULL), 0);
    process = make_process(context, "sometime");
    start_all(context, process, values, all);
    wait_all(all);
    assert_int_equal(tasks.wrong, 0);
    (void)pthread_mutex_lock(&queue.lock);
    queue.is_done = true;
    (void)pthread_cond_broadcast(&queue.changed);
    (void)pthread_mutex_unlock(&queue.lock);
    for (int i = 0; i < 2; i++)
        (void)pthread_join(threads[i], NULL);
    ao_message_unref(process);
    ao_context_free(context);
    ao_message_unref(values);
}

/* ---- What comes after a deadline has deadlines itself ---- */

static void execute_here(void *user, void (*run)(void *arg), void *arg)
{
    (void)user;
    run(arg);
}

typedef struct after {
    ao_context *context;
    ao_message *process;
} after;

static void compute_again(void *user, const ao_result *result, const beamr_error *err)
{
    const after *a = user;

    expect_timeout(a->context, a->process); /* waits for the thread that rings alarms */
    ended(NULL, result, err);
}

static void what_follows_can_wait_for_its_deadline(void **state)
{
    const ao_settings with[] = {{0}, {.execute = execute_here}};
    ao_message *values = time_limit(20);
    ao_options options = options_with(values);

    (void)state;
    for (int i = 0; i < 2; i++) {
        ao_context *context = open_world(&with[i]);
        after a = {context, make_process(context, "obeying")};
        ao_value items[2] = {ao_message_value(ao_message_ref(a.process)),
                             ao_message_value(world_message(context, POW))};
        ao_value list = ao_list_new(items, 2);

        tasks.left = 1;
        tasks.late = 0;
        assert_int_equal(ao_task_start(context, list, &options, compute_again, &a, NULL, NULL),
                         BEAMR_OK);
        ao_value_unref(list);
        wait_all(NULL);
        assert_int_equal(tasks.late, 1);
        assert_true(asked >= 1);
        ao_message_unref(a.process);
        ao_context_free(context);
    }
    ao_message_unref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_import_without_an_answer_ends_with_the_time),
        cmocka_unit_test(an_answer_in_time_is_taken),
        cmocka_unit_test(what_the_handler_waits_for_is_given_up_too),
        cmocka_unit_test(deadlines_and_answers_may_meet),
        cmocka_unit_test(calls_that_wait_have_no_threads),
        cmocka_unit_test(an_executor_runs_what_goes_on),
        cmocka_unit_test(what_follows_can_wait_for_its_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
