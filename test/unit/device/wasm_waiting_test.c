/* wasm-64@1.0, imports that are answered later and on another thread: what their device does
 * with the waiting guest and with the message before it, many at once, some of them cancelled
 * at any moment, while instances are given up. */
#include <pthread.h>
#include <unistd.h>

#include "beamr/ao/guest.h"
#include "device/delay.h"
#include "wasm_modules.h"

#define ADD "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [1]}"
#define POW "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 4]}"
#define TASKS 40

static ao_message *common; /* all begin with it; `add` gives 8 */
static ao_value add_request;
static _Atomic(int) wrong;

static void expect(bool is_so, const char *what)
{
    if (is_so)
        return;
    (void)fprintf(stderr, "%s\n", what);
    wrong++;
}

static ao_value state_of(ao_call *call)
{
    return ao_message_find_text(ao_call_base(call), "state");
}

static beamr_status resolve_on(ao_call *call, ao_value base, ao_function then)
{
    ao_options options = *ao_call_options(call);

    options.hashpath = AO_HASHPATH_IGNORE;
    options.raises_as_error = true;
    return ao_call_resolve(call, ao_value_ref(base), ao_value_ref(add_request), &options, then);
}

/* Write and allocate in the guest, and answer with the product. */
static beamr_status answer(ao_call *call, beamr_error *err)
{
    ao_value args = ao_message_find_text(ao_call_request(call), "args"), product;
    ao_guest *guest = ao_guest_of(ao_to_message(state_of(call)), NULL);
    ao_builder builder;
    uint64_t addr = 0;

    expect(guest && ao_guest_write(guest, 100, beamr_bytes_of("here"), err) == BEAMR_OK,
           "the guest is not written to");
    expect(guest && ao_guest_allocate(guest, beamr_bytes_of("text"), &addr, err) == BEAMR_OK,
           "the guest allocates nothing");
    beamr_error_clear(err);
    product = ao_integer(ao_list_at(args, 0).of.integer * ao_list_at(args, 1).of.integer);
    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "state", ao_value_ref(state_of(call)));
    ao_builder_put(&builder, "results", ao_list_new(&product, 1));
    return ao_call_ok(call, ao_builder_value(&builder));
}

/* The message before has computed: an instance of its own. */
static beamr_status after_common(ao_call *call, beamr_error *err)
{
    const ao_result *result = ao_call_result(call);

    expect(result->outcome == AO_OUTCOME_OK &&
               ao_list_at(value_at(ao_to_message(result->value), "results/output"), 0)
                       .of.integer == 8,
           "the message before gives something else");
    return answer(call, err);
}

/* The waiting guest can't be computed on. */
static beamr_status after_waiting(ao_call *call, beamr_error *err)
{
    const ao_result *result = ao_call_result(call);

    (void)err;
    expect(result->outcome == AO_OUTCOME_ERROR &&
               value_at(ao_to_message(result->value), "status").of.integer == 409,
           "the waiting guest is not busy");
    return resolve_on(call, (ao_value){.kind = AO_MESSAGE, .of.message = common}, after_common);
}

static beamr_status later(ao_call *call, beamr_error *err)
{
    if (ao_list_at(ao_message_find_text(ao_call_request(call), "args"), 0).of.integer == 4)
        return resolve_on(call, state_of(call), after_waiting);
    return answer(call, err);
}

static beamr_status mul(ao_call *call, beamr_error *err)
{
    static _Atomic(unsigned) count;

    return delay_call(call, count++ % 4, later, err);
}

static const ao_key keys[] = {{"mul", mul}, AO_KEYS_END};
static const ao_device library = {.name = "later@1.0", .keys = keys};

/* ---- Tasks ---- */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int left, good, failed;
} tasks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};

static void ended(void *user, const ao_result *result, const beamr_error *err)
{
    ao_value output = AO_NO_VALUE;

    (void)user;
    (void)err;
    if (result && result->outcome == AO_OUTCOME_OK)
        output = value_at(ao_to_message(result->value), "results/output");
    (void)pthread_mutex_lock(&tasks.lock);
    if (output.kind == AO_LIST && ao_list_at(output, 0).of.integer == 16)
        tasks.good++;
    else
        tasks.failed++;
    tasks.left--;
    (void)pthread_cond_signal(&tasks.changed);
    (void)pthread_mutex_unlock(&tasks.lock);
}

static void open_common(ao_context **context)
{
    ao_context *plain = world_open(NULL, NULL);
    ao_message *values = world_message(plain, "{\"wasm_idle_time\": 1}");

    *context = world_open(NULL, values);
    assert_int_equal(ao_context_add_device(*context, &library, NULL), BEAMR_OK);
    add_request = ao_message_value(world_message(*context, ADD));
    common = message_with_key(*context,
                              "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": "
                              "{\"device\": \"later@1.0\"}}}",
                              "image", module_value(module_importing));
    common = resolve_next(*context, common, "{\"path\": \"init\"}");
    common =
        resolve_next(*context, common,
                     "{\"path\": \"compute\", \"function\": \"add\", \"parameters\": [7]}");
    ao_message_unref(values);
    ao_context_free(plain);
}

/* Begin all; cancel every `cancelled`th, each after another while. */
static void run_all(ao_context *context, int cancelled)
{
    ao_value items[2] = {ao_message_value(ao_message_ref(common)),
                         ao_message_value(world_message(context, POW))};
    ao_value list = ao_list_new(items, 2);
    ao_task *all[TASKS];

    tasks.left = TASKS;
    tasks.good = tasks.failed = 0;
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(ao_task_start(context, list, NULL, ended, NULL, &all[i], NULL),
                         BEAMR_OK);
    for (int i = 0; i < TASKS; i++) {
        if (cancelled && i % cancelled == 0) {
            (void)usleep((useconds_t)(i * 20));
            ao_task_cancel(all[i]);
        }
        ao_task_unref(all[i]);
    }
    (void)pthread_mutex_lock(&tasks.lock);
    while (tasks.left > 0)
        (void)pthread_cond_wait(&tasks.changed, &tasks.lock);
    (void)pthread_mutex_unlock(&tasks.lock);
    ao_value_unref(list);
}

static void many_calls_wait_at_once(void **state)
{
    ao_context *context;

    (void)state;
    open_common(&context);
    wrong = 0;
    for (int round = 0; round < 5; round++) {
        run_all(context, 0);
        assert_int_equal(tasks.good, TASKS);
    }
    assert_int_equal(wrong, 0);
    ao_message_unref(common);
    ao_value_unref(add_request);
    ao_context_free(context);
}

static void calls_are_cancelled_at_any_moment(void **state)
{
    ao_context *context;

    (void)state;
    open_common(&context);
    wrong = 0;
    for (int round = 0; round < 10; round++) {
        run_all(context, 1 + round % 3);
        assert_true(tasks.failed <= TASKS);
    }
    common = resolve_next(context, common, ADD);
    expect_integer(common, "results", 8);
    ao_message_unref(common);
    ao_value_unref(add_request);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_calls_wait_at_once),
        cmocka_unit_test(calls_are_cancelled_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
