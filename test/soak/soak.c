/* Guests through messages for a long time: 100,000 calls, 1,000 instances, and fewer of what
 * goes wrong or back. Nothing may stay behind: in the asan build its leak checker looks, in the
 * others resident memory is the same at the end as after a warm-up, within FLAT_BYTES. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"
#include "unit/device/world.h"

/* What may be there at the end that was not after the warm-up. The smallest message is about a
 * hundred bytes: a leak of one for each of the calls shows, and of a page for each instance. */
#define FLAT_BYTES ((size_t)2 << 20)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static ao_context *context;

/* ---- A device that never answers, and one function that fails ---- */

static ao_call *hanging;

static void tell(ao_call *call, void *arg)
{
    (void)arg;
    ao_call_finish(call, AO_OUTCOME_OK, ao_binary_text("too late"));
}

static beamr_status hang(ao_call *call, beamr_error *err)
{
    (void)err;
    hanging = call;
    return ao_call_later(call, tell, NULL);
}

static beamr_status decline(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_error(call, 418, "no tea");
}

static const ao_key keys[] = {{"hang", hang}, {"fail", decline}, AO_KEYS_END};
static const ao_device dev_soak = {.name = "soak@1.0", .keys = keys};

static int open_context(void **state)
{
    ao_message *values = NULL;

    (void)state;
    assert_int_equal(
        ao_message_with(ao_message_empty(), "wasm_timeout", ao_integer(0), &values, NULL),
        BEAMR_OK);
    context = world_open(NULL, values);
    ao_message_unref(values);
    return ao_context_add_device(context, &dev_soak, NULL) == BEAMR_OK ? 0 : -1;
}

static int close_context(void **state)
{
    (void)state;
    ao_context_free(context);
    return 0;
}

/* ---- Messages ---- */

/* A message of a device with the guest as image. */
static ao_message *process_of(const char *json)
{
    ao_message *message = world_message(context, json), *whole = NULL;

    assert_int_equal(
        ao_message_with(message, "image", ao_binary_copy(soak_guest()), &whole, NULL),
        BEAMR_OK);
    ao_message_unref(message);
    return whole;
}

#define PLAIN                                                                                  \
    "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\": {\"device\": "                     \
    "\"test-device@1.0\"},"                                                                    \
    " \"soak\": {\"device\": \"soak@1.0\"}}}"
#define STACK                                                                                  \
    "{\"device\": \"stack@1.0\", \"device-stack\": [\"WASI@1.0\", \"WASM-64@1.0\","            \
    " \"patch@1.0\", \"Multipass@1.0\"], \"patch-from\": \"/results/outbox\"}"

static ao_value call_of(const char *function, ao_value parameter)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "path", ao_binary_text("compute"));
    ao_builder_put(&builder, "function", ao_binary_text(function));
    ao_builder_put(&builder, "parameters", ao_list_new(&parameter, 1));
    return ao_builder_value(&builder);
}

/* Resolve a request, which is given back. */
static ao_result ask(const ao_message *base, ao_value request, const ao_options *options)
{
    ao_value on = ao_message_value(ao_message_ref(base));
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    static beamr_error err;

    beamr_error_clear(&err);
    if (ao_resolve_on(context, on, request, options, &result, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_value_unref(on);
    ao_value_unref(request);
    return result;
}

/* The next state. */
static ao_message *next_of(const ao_message *base, ao_value request)
{
    ao_result result = ask(base, request, NULL);
    ao_message *message = ao_to_message(result.value);

    if (result.outcome != AO_OUTCOME_OK || !message) {
        beamr_bytes body =
            ao_text(message ? ao_message_find_text(message, "body") : result.value);

        fail_msg("%s: %.*s", ao_outcome_text(result.outcome), (int)body.len,
                 (const char *)body.data);
    }
    return message;
}

static void advance(ao_message **state, ao_value request)
{
    ao_message *next = next_of(*state, request);

    ao_message_unref(*state);
    *state = next;
}

static void expect_type(const ao_message *state, const char *type)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(ao_message_get_path(state, beamr_bytes_of("results/type"), &value, NULL),
                     BEAMR_OK);
    assert_int_equal(ao_text(value).len, strlen(type));
    assert_memory_equal(ao_text(value).data, type, strlen(type));
}

static int64_t output_of(const ao_message *state)
{
    ao_value value = AO_NO_VALUE;

    expect_type(state, "ok");
    assert_int_equal(ao_message_get_path(state, beamr_bytes_of("results/output"), &value, NULL),
                     BEAMR_OK);
    value = ao_list_at(value, 0);
    return value.kind == AO_FLOAT ? (int64_t)value.of.number : value.of.integer;
}

/* ---- Resident memory ---- */

static size_t resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t all = 0, pages = 0;

    (void)malloc_trim(0);
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%zu %zu", &all, &pages), 2);
    (void)fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Do something `count` times, of which the first half is the warm-up: what is kept to a
 * documented length (calls that could be repeated, hashpaths) is full by then. */
static void repeat(const char *what, size_t count, void (*once)(void *user, size_t i),
                   void *user)
{
    size_t before = 0, after;

    for (size_t i = 0; i < count; i++) {
        if (i == count / 2)
            before = resident();
        once(user, i);
    }
    after = resident();
    print_message("%s: %zu times, %zu KiB resident, before %zu\n", what, count, after >> 10,
                  before >> 10);
    if (!IS_SANITIZED && after > before + FLAT_BYTES)
        fail_msg("%s: %zu KiB resident, before %zu", what, after >> 10, before >> 10);
}

/* ---- Calls ---- */

static void compute_once(void *user, size_t i)
{
    ao_message **state = user;

    advance(state, call_of("fac", ao_float((double)(1 + i % 10))));
}

static void a_hundred_thousand_calls_leave_nothing(void **unused)
{
    enum { COUNT = 100000 };
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("compute", COUNT, compute_once, &state);
    assert_int_equal(output_of(state), 3628800);
    advance(&state, call_of("grow", ao_integer(0)));
    assert_int_equal(output_of(state), 1);
    ao_message_unref(state);
}

static void calls_through_a_stack_leave_nothing(void **unused)
{
    ao_message *state = process_of(STACK);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("compute through a stack", 20000, compute_once, &state);
    assert_int_equal(output_of(state), 3628800);
    ao_message_unref(state);
}

static void init_once(void *user, size_t i)
{
    ao_message *state = next_of(user, ao_binary_text("init"));

    advance(&state, call_of("fac", ao_float(5)));
    assert_int_equal(output_of(state), 120);
    if (i % 2 == 0)
        advance(&state, ao_binary_text("terminate"));
    ao_message_unref(state); /* an instance goes with its last state, terminated or not */
}

static void a_thousand_instances_leave_nothing(void **unused)
{
    ao_message *base = process_of(PLAIN);

    (void)unused;
    repeat("init, compute, terminate", 1000, init_once, base);
    ao_message_unref(base);
}

/* ---- Imports ---- */

static void import_once(void *user, size_t i)
{
    (void)i;
    advance(user, call_of("mul", ao_integer(2)));
}

static void imports_through_messages_leave_nothing(void **unused)
{
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("two imports by a device", 20000, import_once, &state);
    assert_int_equal(output_of(state), 42);
    ao_message_unref(state);
}

static void clock_once(void *user, size_t i)
{
    (void)i;
    advance(user, call_of("clock", ao_integer(1)));
}

static void imports_of_the_system_leave_nothing(void **unused)
{
    ao_message *state = process_of(STACK);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("an import of the system", 20000, clock_once, &state);
    assert_int_equal(output_of(state), 0);
    ao_message_unref(state);
}

static void failing_import_once(void *user, size_t i)
{
    ao_message **state = user;

    (void)i;
    advance(state, call_of("fail", ao_integer(1)));
    expect_type(*state, "error");
}

static void imports_that_fail_leave_nothing(void **unused)
{
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("an import that fails", 20000, failing_import_once, &state);
    ao_message_unref(state);
}

static void see_cancelled(void *user, const ao_result *result, const beamr_error *err)
{
    assert_null(err);
    *(ao_outcome *)user = result->outcome;
}

static void cancel_once(void *user, size_t i)
{
    const ao_message *base = user;
    ao_value items[2] = {ao_message_value(ao_message_ref(base)),
                         call_of("hang", ao_integer(1))};
    ao_value list = ao_list_new(items, 2);
    ao_outcome outcome = AO_OUTCOME_OK;
    ao_task *task = NULL;

    (void)i;
    hanging = NULL;
    assert_int_equal(ao_task_start(context, list, NULL, see_cancelled, &outcome, &task, NULL),
                     BEAMR_OK);
    assert_non_null(hanging);
    ao_task_cancel(task);
    assert_int_equal(outcome, AO_OUTCOME_FAILURE);
    ao_task_unref(task);
    ao_value_unref(list);
}

static void cancelled_calls_leave_nothing(void **unused)
{
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("a call that is cancelled", 500, cancel_once, state);
    advance(&state, call_of("fac", ao_float(5)));
    assert_int_equal(output_of(state), 120);
    ao_message_unref(state);
}

/* ---- What goes wrong ---- */

static void trap_once(void *user, size_t i)
{
    ao_message **state = user;

    advance(state, call_of("trap", ao_integer((int64_t)i)));
    expect_type(*state, "error");
}

static void traps_leave_nothing(void **unused)
{
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("trap", 20000, trap_once, &state);
    advance(&state, call_of("fac", ao_float(5)));
    assert_int_equal(output_of(state), 120);
    ao_message_unref(state);
}

static void wrong_once(void *user, size_t i)
{
    ao_value request = i % 2 == 0 ? call_of("nothing", ao_integer(1))
                                  : call_of("fac", ao_binary_text("no number"));
    ao_result result = ask(user, request, NULL);

    ao_value_unref(result.value);
}

static void wrong_calls_leave_nothing(void **unused)
{
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("no such function, no such parameter", 5000, wrong_once, state);
    ao_message_unref(state);
}

static void deadline_once(void *user, size_t i)
{
    ao_message *values = world_message(context, "{\"wasm_timeout\": 1}");
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_message **state = user;
    ao_result result;

    (void)i;
    options.values = values;
    result = ask(*state, call_of("spin", ao_integer(1)), &options);
    assert_int_equal(result.outcome, AO_OUTCOME_FAILURE);
    ao_value_unref(result.value);
    ao_message_unref(values);
    advance(state, call_of("fac", ao_float(5))); /* on the state as before, repeated */
    assert_int_equal(output_of(*state), 120);
}

static void deadlines_leave_nothing(void **unused)
{
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("a deadline", 100, deadline_once, &state);
    ao_message_unref(state);
}

/* ---- Going back ---- */

static void branch_once(void *user, size_t i)
{
    ao_message *one = next_of(user, call_of("fac", ao_float(5)));
    ao_message *two = next_of(user, call_of("fac", ao_float(6))); /* user is not the newest */

    (void)i;
    assert_int_equal(output_of(one), 120);
    assert_int_equal(output_of(two), 720);
    ao_message_unref(one);
    ao_message_unref(two);
}

static void older_states_leave_nothing(void **unused)
{
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    for (int i = 0; i < 3; i++)
        advance(&state, call_of("mul", ao_integer(2)));
    repeat("two calls on one state", 500, branch_once, state);
    ao_message_unref(state);
}

static void snapshot_once(void *user, size_t i)
{
    ao_message **state = user, *snapshot, *bare = NULL, *stored = NULL;

    advance(state, call_of("fac", ao_float((double)(1 + i % 10))));
    snapshot = next_of(*state, ao_binary_text("snapshot"));
    assert_int_equal(ao_message_reset(*state, &bare, NULL), BEAMR_OK);
    assert_int_equal(
        ao_message_with(bare, "snapshot", ao_message_value(snapshot), &stored, NULL), BEAMR_OK);
    ao_message_unref(bare);
    ao_message_unref(*state);
    *state = next_of(stored, ao_binary_text("normalize"));
    ao_message_unref(stored);
}

static void snapshots_leave_nothing(void **unused)
{
    ao_message *state = process_of(PLAIN);

    (void)unused;
    advance(&state, ao_binary_text("init"));
    repeat("snapshot and restore", 500, snapshot_once, &state);
    assert_int_equal(output_of(state), 3628800);
    ao_message_unref(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hundred_thousand_calls_leave_nothing),
        TEST(calls_through_a_stack_leave_nothing),
        TEST(a_thousand_instances_leave_nothing),
        TEST(imports_through_messages_leave_nothing),
        TEST(imports_of_the_system_leave_nothing),
        TEST(imports_that_fail_leave_nothing),
        TEST(cancelled_calls_leave_nothing),
        TEST(traps_leave_nothing),
        TEST(wrong_calls_leave_nothing),
        TEST(deadlines_leave_nothing),
        TEST(older_states_leave_nothing),
        TEST(snapshots_leave_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
