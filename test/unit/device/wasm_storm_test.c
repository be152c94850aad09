/* wasm-64@1.0 when everything happens at once: imports that are answered at once, later, late
 * or never, deadlines, cancelling, native code that is made slowly or not at all, instances
 * that are given up as idle, executors of every kind, and tasks that resolve when they end.
 * Every task ends once, each call's memory is cleared, and contexts go as soon as their last
 * task has ended, while calls that were left behind still wait for answers and messages are
 * kept. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "device/delay.h"
#include "device/state.h"
#include "storm.h"
#include "wasm_modules.h"

#define ROUNDS 40 /* with BEAMR_LONG a hundred times that */
#define TASKS 16
#define WORKERS 3

#define INIT "{\"path\": \"init\"}"
#define ADD "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [1]}"
#define POW "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 3]}"
#define SPIN "{\"path\": \"compute\", \"function\": \"spin\", \"parameters\": []}"
#define SNAPSHOT "{\"path\": \"snapshot\"}"
#define POW_ONCE "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 1]}"

/* ---- What waits ---- */

typedef enum executor { NOBODY, AT_ONCE, WORKER, EITHER, EXECUTORS } executor;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    job *answers, *runs;
    int open; /* tasks that have not ended */
    bool is_over;
    executor executor;
    ao_message *processes[2], *other;
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static atomic_int made, cleared, late, nested;

static void add(job **list, job *j)
{
    (void)pthread_mutex_lock(&all.lock);
    j->next = *list;
    *list = j;
    (void)pthread_mutex_unlock(&all.lock);
}

/* ---- A device that answers `mul` ---- */

static void clear(void *memory)
{
    (void)memory;
    atomic_fetch_add(&cleared, 1);
}

static ao_value product_of(ao_call *call)
{
    ao_value args = ao_message_find_text(ao_call_request(call), "args"), product;
    ao_builder builder;

    product = ao_integer(ao_list_at(args, 0).of.integer * ao_list_at(args, 1).of.integer);
    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "results", ao_list_new(&product, 1));
    return ao_builder_value(&builder);
}

static void obey(ao_call *call, void *arg)
{
    job *j;

    (void)arg;
    (void)pthread_mutex_lock(&all.lock);
    j = take_call(&all.answers, call);
    (void)pthread_mutex_unlock(&all.lock);
    if (!j)
        return;
    free(j);
    ao_call_finish(call, AO_OUTCOME_OK, ao_integer(0));
}

static void listen(ao_call *call, void *arg)
{
    (void)call;
    (void)arg;
}

static beamr_status answer_later(ao_call *call)
{
    static void (*const hears[])(ao_call * call, void *arg) = {obey, listen, NULL};
    job *j = calloc(1, sizeof *j);
    beamr_status st = ao_call_later(call, hears[next_random() % 3], NULL);

    if (ao_call_memory(call, 1, clear))
        atomic_fetch_add(&made, 1);
    j->call = call;
    add(&all.answers, j);
    return st;
}

static beamr_status multiply(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, product_of(call));
}

static beamr_status multiply_after(ao_call *call, beamr_error *err)
{
    (void)err;
    if (ao_call_result(call)->outcome != AO_OUTCOME_OK)
        return ao_call_return(call, ao_call_result(call)->outcome,
                              ao_value_ref(ao_call_result(call)->value));
    return ao_call_ok(call, product_of(call));
}

static beamr_status ask_other(ao_call *call)
{
    ao_options options = *ao_call_options(call);
    ao_message *request = world_message(ao_call_context(call), POW_ONCE);

    options.hashpath = AO_HASHPATH_IGNORE;
    return ao_call_resolve(call, ao_message_value(ao_message_ref(all.other)),
                           ao_message_value(request), &options, multiply_after);
}

/* Which waits for native code, on this thread or not. */
static beamr_status begin_another(ao_call *call)
{
    ao_context *context = ao_call_context(call);
    ao_message *process =
        message_with_key(context, "{\"device\": \"wasm-64@1.0\", \"mode\": \"AOT\"}", "image",
                         module_value(module_plain));

    return ao_call_resolve(call, ao_message_value(process),
                           ao_message_value(world_message(context, INIT)), NULL,
                           multiply_after);
}

static void note_stop(void *stopped)
{
    atomic_store((atomic_bool *)stopped, true);
}

/* Some milliseconds of work, unless it is cancelled. */
static beamr_status work_hard(ao_call *call)
{
    atomic_bool is_stopped = false;
    ao_stop stop;

    ao_stop_begin(&stop, note_stop, &is_stopped);
    for (int i = 0; i < 20 && !is_stopped; i++)
        (void)usleep(100);
    (void)ao_stop_end(&stop);
    return ao_call_ok(call, product_of(call));
}

static beamr_status multiply_somehow(ao_call *call, beamr_error *err)
{
    switch (next_random() % 9) {
    case 0:
        return multiply(call, err);
    case 1:
        return begin_another(call);
    case 2:
        return delay_call(call, next_random() % 4, multiply, err);
    case 3:
        return ask_other(call);
    case 4:
        return work_hard(call);
    case 5:
        return beamr_fail(err, BEAMR_IO, 0, "somehow");
    default:
        return answer_later(call);
    }
}

static const ao_key keys[] = {{"mul", multiply_somehow}, AO_KEYS_END};
static const ao_device library = {.name = "library@1.0", .keys = keys};

/* ---- Those who answer and run ---- */

static void answer(ao_call *call)
{
    switch (next_random() % 4) {
    case 0:
        ao_call_raise(call, BEAMR_IO, "raised");
        break;
    case 1:
        ao_call_continue(call, multiply);
        break;
    default:
        ao_call_finish(call, AO_OUTCOME_OK, ao_atom("nothing"));
    }
}

static void *work(void *unused)
{
    (void)pthread_mutex_lock(&all.lock);
    while (!all.is_over || all.answers) {
        job *j = take_any(&all.runs);

        if (!j && (next_random() % 4 == 0 || all.is_over))
            j = take_any(&all.answers);
        (void)pthread_mutex_unlock(&all.lock);
        if (j && j->run)
            j->run(j->arg);
        else if (j)
            answer(j->call);
        else
            (void)usleep(50);
        free(j);
        (void)pthread_mutex_lock(&all.lock);
    }
    (void)pthread_mutex_unlock(&all.lock);
    return unused;
}

static void execute(void *user, void (*run)(void *arg), void *arg)
{
    job *j;

    (void)user;
    if (all.executor == AT_ONCE || (all.executor == EITHER && next_random() % 2)) {
        run(arg);
        return;
    }
    j = calloc(1, sizeof *j);
    j->run = run;
    j->arg = arg;
    add(&all.runs, j);
}

/* ---- Tasks ---- */

static ao_value any_base(ao_context *context)
{
    static const char *const modes[] = {"AOT", "WASM"};
    char json[160];

    if (next_random() % 3)
        return ao_message_value(ao_message_ref(all.processes[next_random() % 2]));
    (void)snprintf(json, sizeof json,
                   "{\"device\": \"wasm-64@1.0\", \"mode\": \"%s\", \"stdlib\": {\"my_lib\": "
                   "{\"device\": \"library@1.0\"}}}",
                   modes[next_random() % 2]);
    return ao_message_value(
        message_with_key(context, json, "image",
                         module_value(next_random() % 2 ? module_importing : module_plain)));
}

/* {base, init, compute...} with a deadline or without. */
static ao_value any_list(ao_context *context, bool is_timed, ao_options *options)
{
    static const char *const requests[] = {INIT, ADD, POW, POW, SNAPSHOT, SPIN};
    size_t count = 2 + next_random() % 3;
    ao_value items[4] = {any_base(context)};
    char json[64];

    for (size_t i = 1; i < count; i++)
        items[i] = ao_message_value(world_message(
            context,
            requests[i == 1 && !dev_state_of(ao_to_message(items[0]), (beamr_bytes){NULL, 0})
                         ? 0
                         : 1 + next_random() % (i + 1 < count ? 3
                                                : is_timed    ? 5
                                                              : 4)]));
    *options = (ao_options)AO_OPTIONS_DEFAULT;
    options->hashpath = AO_HASHPATH_IGNORE;
    options->await_inprogress = next_random() % 2 ? AO_AWAIT_ALL : AO_AWAIT_NAMED;
    (void)snprintf(json, sizeof json, "{\"wasm_timeout\": %u}",
                   is_timed ? 1 + next_random() % 6 : 0);
    options->values = world_message(context, json);
    return ao_list_new(items, count);
}

static void forget(ao_value list, const ao_options *options)
{
    ao_value_unref(list);
    ao_message_unref((ao_message *)(uintptr_t)options->values);
}

/* As it ends always when the time is over, whoever answers. */
static void resolve_again(ao_context *context)
{
    ao_options options;
    ao_value list = any_list(context, true, &options);
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};

    options.await_inprogress = AO_AWAIT_NEVER; /* for one without a deadline */
    if (ao_resolve(context, list, &options, &result, NULL) == BEAMR_OK)
        ao_value_unref(result.value);
    forget(list, &options);
    atomic_fetch_add(&nested, 1);
}

static void ended(void *context, const ao_result *result, const beamr_error *err)
{
    if (result ? result->value.kind == AO_NONE : err->status == BEAMR_OK)
        abort();
    if (result && result->outcome == AO_OUTCOME_FAILURE)
        atomic_fetch_add(&late, 1);
    /* Workers who all wait would be waited for. */
    if ((all.executor == NOBODY || all.executor == AT_ONCE) && next_random() % 4 == 0)
        resolve_again(context);
    (void)pthread_mutex_lock(&all.lock);
    all.open--;
    (void)pthread_cond_broadcast(&all.changed);
    (void)pthread_mutex_unlock(&all.lock);
}

static ao_task *begin(ao_context *context)
{
    ao_options options;
    ao_value list = any_list(context, next_random() % 2, &options);
    ao_task *task;

    (void)pthread_mutex_lock(&all.lock);
    all.open++;
    (void)pthread_mutex_unlock(&all.lock);
    assert_int_equal(ao_task_start(context, list, &options, ended, context, &task, NULL),
                     BEAMR_OK);
    forget(list, &options);
    return task;
}

/* ---- Rounds ---- */

static void *begin_and_cancel(void *context)
{
    ao_task *tasks[TASKS];

    for (int i = 0; i < TASKS; i++) {
        tasks[i] = begin(context);
        if (next_random() % 4 == 0)
            ao_task_cancel(tasks[next_random() % (unsigned)(i + 1)]);
    }
    for (int i = 0; i < TASKS; i++) {
        if (next_random() % 4 == 0)
            (void)usleep(next_random() % 1000);
        if (next_random() % 2)
            ao_task_cancel(tasks[i]);
        ao_task_unref(tasks[i]);
    }
    return NULL;
}

static void wait_for_tasks(void)
{
    struct timespec at;

    (void)clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += 60;
    (void)pthread_mutex_lock(&all.lock);
    while (all.open) {
        if (pthread_cond_timedwait(&all.changed, &all.lock, &at) != 0) {
            (void)fprintf(stderr, "%d tasks do not end, executor %d\n", all.open,
                          (int)all.executor);
            abort();
        }
    }
    (void)pthread_mutex_unlock(&all.lock);
}

static ao_message *make_process(ao_context *context)
{
    ao_message *process =
        message_with_key(context,
                         "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": {\"device\": "
                         "\"library@1.0\"}}}",
                         "image", module_value(module_importing));

    process = resolve_next(context, process, INIT);
    return resolve_next(context, process, ADD);
}

static ao_context *make_context(void)
{
    char json[160];
    ao_context *plain = world_open(NULL, NULL), *context = NULL;
    ao_message *values;
    ao_settings settings = {.execute = all.executor == NOBODY ? NULL : execute};

    (void)snprintf(json, sizeof json,
                   "{\"wasm_allow_aot\": true, \"wasm_aot_time\": %u, \"wasm_idle_time\": %u, "
                   "\"wasm_cache\": %u}",
                   1 + next_random() % 100, next_random() % 4, next_random() % 4);
    values = world_message(plain, json);
    settings.values = values;
    assert_int_equal(ao_context_new(&settings, &context, NULL), BEAMR_OK);
    assert_int_equal(ao_context_add_device(context, &library, NULL), BEAMR_OK);
    ao_message_unref(values);
    ao_context_free(plain);
    return context;
}

static void one_round(executor kind)
{
    ao_context *context;
    pthread_t thread;

    all.executor = kind;
    context = make_context();
    for (int i = 0; i < 2; i++)
        all.processes[i] = make_process(context);
    all.other = make_process(context);
    assert_int_equal(pthread_create(&thread, NULL, begin_and_cancel, context), 0);
    (void)begin_and_cancel(context);
    (void)pthread_join(thread, NULL);
    wait_for_tasks();
    for (int i = 0; i < 2; i++) {
        if (i == 1)
            ao_context_free(context); /* calls of it may still be waiting for answers */
        ao_message_unref(all.processes[i]);
    }
    ao_message_unref(all.other);
}

static void every_task_ends_once(void **state)
{
    int rounds = getenv("BEAMR_LONG") ? 100 * ROUNDS : ROUNDS;
    pthread_t threads[WORKERS];

    (void)state;
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, NULL), 0);
    for (int i = 0; i < rounds; i++)
        one_round((executor)(i % EXECUTORS));
    (void)pthread_mutex_lock(&all.lock);
    all.is_over = true;
    (void)pthread_mutex_unlock(&all.lock);
    for (int i = 0; i < WORKERS; i++)
        (void)pthread_join(threads[i], NULL);
    for (int i = 0; i < 10000 && cleared != made; i++)
        (void)usleep(1000);
    assert_int_equal(cleared, made);
    assert_true(late > 0 && nested > 0);
}

/* ---- A compiler that fails, at once or after a while ---- */

static char script[64];

static int make_compiler(void **state)
{
    static const char text[] = "#!/bin/sh\n"
                               "case $(($$ % 8)) in 0) exec sleep 0.2;; 1) sleep 0.02;; esac\n"
                               "exit 1\n";
    int file;

    (void)state;
    (void)unsetenv("BEAMR_TIER");
    (void)snprintf(script, sizeof script, "/tmp/beamr_storm_XXXXXX");
    file = mkstemp(script);
    if (file < 0 || write(file, text, sizeof text - 1) < 0 || fchmod(file, 0700) != 0)
        return -1;
    (void)close(file);
    return setenv("BEAMR_COMPILE", script, 1);
}

static int remove_compiler(void **state)
{
    (void)state;
    return unlink(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_task_ends_once),
    };

    return cmocka_run_group_tests(tests, make_compiler, remove_compiler);
}
