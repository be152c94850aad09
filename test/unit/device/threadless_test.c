/* A host that has no thread to give, now and then: whoever needed one ends all the same, with an
 * answer that says so or without native code, and who comes when there are threads again gets
 * one. The linker leads pthread_create here (test/CMakeLists.txt). */
#define _GNU_SOURCE /* pthread_timedjoin_np */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "device/delay.h"
#include "wasm_modules.h"

#define INIT "{\"path\": \"init\"}"
#define ADD "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [1]}"
#define POW "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 3]}"

/* ---- Threads ---- */

static atomic_int allowed = 1 << 30; /* so many more can be made; then none */

/* More than a small stack has room for: all of this holds for a program with such data too. */
static _Thread_local char of_program[2 << 20];

int __real_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg);
int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg);

int __wrap_pthread_create(pthread_t *out, const pthread_attr_t *attr, void *(*start)(void *),
                          void *arg)
{
    int failed = EAGAIN;

    if (atomic_fetch_sub(&allowed, 1) > 0)
        failed = __real_pthread_create(out, attr, start, arg);
    if (failed)
        (void)atomic_fetch_add(&allowed, 1);
    return failed;
}

static void allow_all(void)
{
    allowed = 1 << 30;
}

static void start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
    assert_int_equal(__real_pthread_create(thread, NULL, run, arg), 0);
}

/* ---- A world ---- */

static void wait_noting(ao_call *call, void *arg)
{
    (void)arg;
    ao_call_finish(call, AO_OUTCOME_OK, ao_integer(1));
}

static beamr_status never(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_later(call, wait_noting, NULL);
}

static beamr_status awake(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_integer(1));
}

static beamr_status delayed(ao_call *call, beamr_error *err)
{
    return delay_call(call, 1, awake, err);
}

static char told[1024];
static pthread_mutex_t told_lock = PTHREAD_MUTEX_INITIALIZER;

static void report(void *user, const char *text)
{
    size_t len;

    (void)user;
    (void)pthread_mutex_lock(&told_lock);
    len = strlen(told);
    (void)snprintf(told + len, sizeof told - len, "%s\n", text);
    (void)pthread_mutex_unlock(&told_lock);
}

static ao_context *open_world(const char *json, const ao_settings *with)
{
    static const ao_key keys[] = {{"mul", never}, {"delayed", delayed}, AO_KEYS_END};
    static const ao_device device = {.name = "library@1.0", .keys = keys};
    ao_settings settings = with ? *with : (ao_settings){0};
    ao_context *plain = world_open(NULL, NULL), *context = NULL;
    ao_message *values = world_message(plain, json);

    told[0] = '\0';
    settings.values = values;
    settings.report = report;
    assert_int_equal(ao_context_new(&settings, &context, NULL), BEAMR_OK);
    assert_int_equal(ao_context_add_device(context, &device, NULL), BEAMR_OK);
    ao_message_unref(values);
    ao_context_free(plain);
    return context;
}

static ao_message *process(ao_context *context, const char *mode,
                           void (*make)(wasm_builder *w))
{
    char json[160];

    (void)snprintf(json, sizeof json,
                   "{\"device\": \"wasm-64@1.0\", \"mode\": \"%s\", \"stdlib\": {\"my_lib\": "
                   "{\"device\": \"library@1.0\"}}}",
                   mode);
    return message_with_key(context, json, "image", module_value(make));
}

/* ---- Tasks ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int left;
    ao_outcome outcome;
    int64_t status; /* of a result that has one */
} tasks = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void ended(void *user, const ao_result *result, const beamr_error *err)
{
    const ao_message *message = result ? ao_to_message(result->value) : NULL;

    (void)user;
    (void)err;
    (void)pthread_mutex_lock(&tasks.lock);
    tasks.left--;
    tasks.outcome = result ? result->outcome : AO_OUTCOME_SKIP;
    tasks.status = message ? value_at(message, "status").of.integer : 0;
    (void)pthread_cond_broadcast(&tasks.changed);
    (void)pthread_mutex_unlock(&tasks.lock);
}

static void begin(ao_context *context, BEAMR_OWN ao_message *base, const char *request,
                  ao_done done)
{
    ao_value items[2] = {ao_message_value(base),
                         ao_message_value(world_message(context, request))};
    ao_value list = ao_list_new(items, 2);

    (void)pthread_mutex_lock(&tasks.lock);
    tasks.left++;
    (void)pthread_mutex_unlock(&tasks.lock);
    assert_int_equal(ao_task_start(context, list, NULL, done, context, NULL, NULL), BEAMR_OK);
    ao_value_unref(list);
}

static void wait_for_tasks(void)
{
    (void)pthread_mutex_lock(&tasks.lock);
    while (tasks.left > 0)
        (void)pthread_cond_wait(&tasks.changed, &tasks.lock);
    (void)pthread_mutex_unlock(&tasks.lock);
}

static void execute_here(void *user, void (*run)(void *arg), void *arg)
{
    (void)user;
    run(arg);
}

static const ao_settings with_executor = {.execute = execute_here};

/* ---- Compilers: scripts that fail once a file is there ---- */

static char folder[64], started[96], gate[96], script[96];

static int make_compiler(void **state)
{
    FILE *file;

    (void)state;
    of_program[0] = 1;
    (void)unsetenv("BEAMR_TIER");
    (void)snprintf(folder, sizeof folder, "/tmp/beamr_threadless_XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(started, sizeof started, "%s/started", folder);
    (void)snprintf(gate, sizeof gate, "%s/gate", folder);
    (void)snprintf(script, sizeof script, "%s/compiler", folder);
    if (!(file = fopen(script, "w")))
        return -1;
    (void)fprintf(file, "#!/bin/sh\necho >>'%s'\nuntil [ -e '%s' ]; do sleep 0.01; done\nexit 1",
                  started, gate);
    (void)fclose(file);
    return chmod(script, 0700) != 0 || setenv("BEAMR_COMPILE", script, 1) != 0;
}

static int remove_compiler(void **state)
{
    (void)state;
    (void)unlink(started);
    (void)unlink(gate);
    (void)unlink(script);
    return rmdir(folder);
}

static void close_gate(void)
{
    (void)unlink(started);
    (void)unlink(gate);
}

static void open_gate(void)
{
    FILE *file = fopen(gate, "w");

    assert_non_null(file);
    (void)fclose(file);
}

/* ---- Compiling ---- */

static void *init_here(void *context)
{
    begin(context, process(context, "AOT", module_plain), INIT, ended);
    return NULL;
}

/* The first thread found none to compile on, and does it itself; the second one's call waits,
 * as there is a thread again, for what the first one compiles. */
static void who_waits_for_a_compilation_elsewhere_goes_on(void **state)
{
    ao_context *context = open_world("{\"wasm_allow_aot\": true}", &with_executor);
    pthread_t first;

    (void)state;
    close_gate();
    allowed = 0;
    start(&first, init_here, context);
    while (access(started, F_OK) != 0)
        (void)usleep(1000);
    allow_all();
    (void)init_here(context);
    open_gate();
    (void)pthread_join(first, NULL);
    wait_for_tasks();
    assert_int_equal(tasks.outcome, AO_OUTCOME_OK);
    ao_context_free(context);
}

static void *init_importing(void *context)
{
    begin(context, process(context, "AOT", module_importing), INIT, ended);
    return NULL;
}

/* A call that waits until it is cancelled. */
static void begin_and_cancel(ao_context *context)
{
    ao_value items[2] = {ao_message_value(process(context, "AOT", module_importing)),
                         ao_message_value(world_message(context, INIT))};
    ao_value list = ao_list_new(items, 2);
    ao_task *task;

    (void)pthread_mutex_lock(&tasks.lock);
    tasks.left++;
    (void)pthread_mutex_unlock(&tasks.lock);
    assert_int_equal(ao_task_start(context, list, NULL, ended, NULL, &task, NULL), BEAMR_OK);
    ao_task_cancel(task);
    ao_task_unref(task);
    ao_value_unref(list);
}

static void join_within_seconds(pthread_t thread)
{
    struct timespec until;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    if (pthread_timedjoin_np(thread, NULL, &until) != 0)
        fail_msg("a thread waits for a compilation that nobody does");
}

/* One thread compiles; another waits until it may compile another module. This stands in the
 * queue by then, as there is a thread for calls again, but its call is cancelled. Whoever of
 * the two sees it first, the one that waits has its turn: several rounds. */
static void who_waits_for_what_is_not_wanted_any_more_goes_on(void **state)
{
    (void)state;
    for (int round = 0; round < 10; round++) {
        ao_context *context = open_world("{\"wasm_allow_aot\": true}", &with_executor);
        pthread_t first, second;

        close_gate();
        allowed = 0;
        start(&first, init_here, context);
        while (access(started, F_OK) != 0)
            (void)usleep(1000);
        start(&second, init_importing, context);
        (void)usleep(20000); /* it waits; if not, the round shows less */
        allow_all();
        begin_and_cancel(context);
        (void)usleep(2000);
        open_gate();
        join_within_seconds(first);
        join_within_seconds(second);
        wait_for_tasks();
        ao_context_free(context);
    }
}

static void init_another(void *context, const ao_result *result, const beamr_error *err)
{
    ao_message *other = process(context, "AOT", module_importing);

    ao_message_unref(resolve_next(context, other, INIT));
    ended(NULL, result, err);
}

/* What follows runs on the thread that compiles, and waits for nothing that would be compiled
 * there. */
static void what_follows_is_interpreted(void **state)
{
    ao_context *context = open_world("{\"wasm_allow_aot\": true}", &with_executor);

    (void)state;
    close_gate();
    open_gate();
    allowed = 1; /* the compiler's */
    begin(context, process(context, "AOT", module_plain), INIT, init_another);
    wait_for_tasks();
    allow_all();
    assert_int_equal(tasks.outcome, AO_OUTCOME_OK);
    assert_non_null(strstr(told, "interpreted this time: no thread could be started"));
    ao_context_free(context);
}

/* ---- Deadlines ---- */

static void expect_status(ao_context *context, const ao_message *base, int64_t status)
{
    ao_result result;

    assert_int_equal(resolve_json(context, base, POW, NULL, &result, NULL), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_FAILURE);
    assert_int_equal(value_at(ao_to_message(result.value), "status").of.integer, status);
    ao_value_unref(result.value);
}

/* However many there are, a call with a deadline ends, and the process is as it was. */
static void deadlines_end_whichever_thread_is_missing(void **state)
{
    const ao_settings *const with[] = {NULL, &with_executor};

    (void)state;
    for (int i = 0; i < 6; i++) {
        ao_context *context =
            open_world("{\"wasm_timeout\": 30, \"wasm_idle_time\": 0}", with[i % 2]);
        ao_message *guest = resolve_next(context, process(context, "WASM", module_importing),
                                         INIT);

        guest = resolve_next(context, guest, ADD);
        allowed = i / 2;
        expect_status(context, guest, i < 2 ? 503 : 504);
        allow_all();
        expect_status(context, guest, 504);
        guest = resolve_next(context, guest, ADD);
        expect_integer(guest, "results", 2);
        ao_message_unref(guest);
        ao_context_free(context);
    }
}

/* That of guest code, which the engine's timer ends. */
static void a_guest_without_a_timer_does_not_run(void **state)
{
    ao_context *context = open_world("{\"wasm_timeout\": 30}", NULL);
    ao_message *guest = process(context, "WASM", module_importing);

    (void)state;
    allowed = 0;
    resolve_fails(context, guest, INIT, NULL, AO_OUTCOME_FAILURE, 503, "thread");
    allow_all();
    guest = resolve_next(context, guest, INIT);
    expect_status(context, guest, 504);
    ao_message_unref(guest);
    ao_context_free(context);
}

static ao_message *computed_on;

static void compute_again(void *context, const ao_result *result, const beamr_error *err)
{
    expect_status(context, computed_on, 503);
    ended(NULL, result, err);
}

/* On the thread that rings alarms, as there is no other one. */
static void what_follows_is_refused_a_deadline(void **state)
{
    const ao_settings *const with[] = {NULL, &with_executor};

    (void)state;
    for (int i = 0; i < 2; i++) {
        ao_context *context =
            open_world("{\"wasm_timeout\": 30, \"wasm_idle_time\": 0}", with[i]);

        computed_on = resolve_next(context, process(context, "WASM", module_importing), INIT);
        allowed = 1;
        begin(context, ao_message_ref(computed_on), POW, compute_again);
        wait_for_tasks();
        allow_all();
        assert_int_equal(tasks.outcome, AO_OUTCOME_FAILURE);
        assert_int_equal(tasks.status, 504);
        ao_message_unref(computed_on);
        ao_context_free(context);
    }
}

/* ---- Delays ---- */

static void delays_are_refused(void **state)
{
    ao_context *context = open_world("{}", NULL);
    ao_message *base = world_message(context, "{\"device\": \"library@1.0\"}");
    ao_result result;
    beamr_error err = {0};

    (void)state;
    allowed = 0;
    assert_int_equal(
        resolve_json(context, base, "{\"path\": \"delayed\"}", NULL, &result, &err), BEAMR_IO);
    allow_all();
    beamr_error_clear(&err);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            resolve_json(context, base, "{\"path\": \"delayed\"}", NULL, &result, &err),
            BEAMR_OK);
        ao_value_unref(result.value);
    }
    ao_message_unref(base);
    ao_context_free(context);
}

static beamr_status delayed_status;

static void delay_again(void *context, const ao_result *result, const beamr_error *err)
{
    ao_message *base = world_message(context, "{\"device\": \"library@1.0\"}");
    ao_result again;

    delayed_status = resolve_json(context, base, "{\"path\": \"delayed\"}", NULL, &again, NULL);
    if (delayed_status == BEAMR_OK)
        ao_value_unref(again.value);
    ao_message_unref(base);
    ended(NULL, result, err);
}

static void delay_twice(ao_context *context, int threads)
{
    allowed = threads;
    begin(context, world_message(context, "{\"device\": \"library@1.0\"}"),
          "{\"path\": \"delayed\"}", delay_again);
    wait_for_tasks();
    allow_all();
    assert_int_equal(tasks.outcome, AO_OUTCOME_OK);
}

/* On the thread that ends delays, as there is no other one; it may still be there from before,
 * and there is another one then. */
static void what_follows_is_refused_a_delay(void **state)
{
    ao_context *context = open_world("{}", NULL);

    (void)state;
    delayed_status = BEAMR_OK;
    for (int i = 0; i < 100 && delayed_status != BEAMR_IO; i++)
        delay_twice(context, 1);
    assert_int_equal(delayed_status, BEAMR_IO);
    delay_twice(context, 1 << 30);
    assert_int_equal(delayed_status, BEAMR_OK);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_waits_for_a_compilation_elsewhere_goes_on),
        cmocka_unit_test(who_waits_for_what_is_not_wanted_any_more_goes_on),
        cmocka_unit_test(what_follows_is_interpreted),
        cmocka_unit_test(deadlines_end_whichever_thread_is_missing),
        cmocka_unit_test(a_guest_without_a_timer_does_not_run),
        cmocka_unit_test(what_follows_is_refused_a_deadline),
        cmocka_unit_test(delays_are_refused),
        cmocka_unit_test(what_follows_is_refused_a_delay),
    };

    return cmocka_run_group_tests(tests, make_compiler, remove_compiler);
}
