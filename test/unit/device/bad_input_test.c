/* What modules that messages run do with bad input: src/device/wasm.c and what it stands on. Of
 * each kind: the outcome and the text, and that the process goes on with the next message, from
 * the state that it should. */
#include "world.h"

#include "steps_guest.h"

/* ---- A device that answers imports in the wrong way ----
 * The guest's `question(n)` gives what `host.ask(n)` gave, and 1 more. Its answer depends on n.
 */

enum {
    ASK_WELL,
    ASK_ERROR,
    ASK_FAILURE,
    ASK_RAISE,
    ASK_LITERAL,
    ASK_NOTHING,
    ASK_TOO_MANY,
    ASK_TEXT,
    ASK_TOO_LARGE,
    ASK_NO_STATE,
    ASK_LATER
};

static beamr_status answer(ao_call *call, bool has_state, const ao_value *results, size_t count,
                           beamr_error *err)
{
    ao_value state = ao_message_find_text(ao_call_base(call), "state");
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, err);
    if (has_state)
        ao_builder_put(&builder, "state", ao_value_ref(state));
    if (results)
        ao_builder_put(&builder, "results", ao_list_new(results, count));
    return ao_call_ok(call, ao_builder_value(&builder));
}

static beamr_status ask(ao_call *call, beamr_error *err)
{
    ao_value one = ao_integer(1), two[2] = {one, one}, text, large = ao_integer(INT64_MAX);
    int64_t n = -1;

    assert_true(ao_to_integer(ao_list_at(ao_call_argument(call, "args"), 0), &n));
    switch (n) {
    case ASK_ERROR:
        return ao_call_error(call, 418, "no tea today");
    case ASK_FAILURE:
        return ao_call_return(call, AO_OUTCOME_FAILURE, ao_binary_text("no coffee today"));
    case ASK_RAISE:
        return beamr_fail(err, BEAMR_IO, 0, "the kettle is broken");
    case ASK_LITERAL:
        return ao_call_ok(call, ao_integer(7));
    case ASK_NOTHING:
        return answer(call, true, NULL, 0, err);
    case ASK_TOO_MANY:
        return answer(call, true, two, 2, err);
    case ASK_TEXT:
        text = ao_binary_text("1");
        return answer(call, true, &text, 1, err);
    case ASK_TOO_LARGE:
        return answer(call, true, &large, 1, err);
    case ASK_NO_STATE:
        return answer(call, false, &one, 1, err);
    default:
        return answer(call, true, &one, 1, err);
    }
}

static const ao_key keys[] = {{"ask", ask}, AO_KEYS_END};
static const ao_device host = {.name = "host@1.0", .keys = keys};

/* ---- A process ---- */

typedef struct world {
    ao_context *context;
    ao_message *process; /* with its instance; its counter is 0 */
} world;

static ao_message *options_of(const char *name, int64_t value)
{
    ao_message *message = NULL;
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, NULL);
    if (name)
        ao_builder_put(&builder, name, ao_integer(value));
    assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
    return message;
}

static ao_result resolve(world *w, const ao_message *base, const char *json)
{
    ao_value b = ao_message_value(ao_message_ref(base));
    ao_value r = ao_message_value(world_message(w->context, json));
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    options.raises_as_error = true;
    if (ao_resolve_on(w->context, b, r, &options, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", json, err.text);
    ao_value_unref(b);
    ao_value_unref(r);
    return result;
}

/* A process around bytes, with keys that JSON says. */
static ao_message *process_of(world *w, beamr_bytes image, const char *json)
{
    ao_message *keys_of = world_message(w->context, json), *process = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_message_with(keys_of, "image", ao_binary_copy(image), &process, &err),
                     BEAMR_OK);
    ao_message_unref(keys_of);
    return process;
}

static void open_with(world *w, const char *option, int64_t value)
{
    ao_message *values = options_of(option, value), *process;
    ao_result made;
    beamr_error err = {0};

    w->context = world_open(NULL, values);
    ao_message_unref(values);
    assert_int_equal(ao_context_add_device(w->context, &host, &err), BEAMR_OK);
    process = process_of(w, (beamr_bytes){steps_guest, sizeof steps_guest},
                         "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"host\": {\"device\": "
                         "\"host@1.0\"}}}");
    made = resolve(w, process, "{\"path\": \"init\"}");
    assert_int_equal(made.outcome, AO_OUTCOME_OK);
    ao_message_unref(process);
    w->process = ao_to_message(made.value);
}

static void close_world(world *w)
{
    ao_message_unref(w->process);
    ao_context_free(w->context);
}

static int open_plain(void **state)
{
    static world w;

    open_with(&w, NULL, 0);
    *state = &w;
    return 0;
}

static int close_plain(void **state)
{
    close_world(*state);
    return 0;
}

static ao_value result_of(world *w, const ao_message *message, const char *path)
{
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};

    assert_int_equal(ao_get(w->context, message, path, &value, &err), BEAMR_OK);
    return value;
}

static void assert_says(ao_value text, const char *words)
{
    beamr_bytes bytes = ao_text(text);
    char shown[512];

    (void)snprintf(shown, sizeof shown, "%.*s", (int)(bytes.len < 500 ? bytes.len : 500),
                   bytes.len ? (const char *)bytes.data : "");
    if (!strstr(shown, words))
        fail_msg("`%s` does not say `%s`", shown, words);
}

/* The next message is answered: the guest's counter is `expected` then. */
static void assert_goes_on(world *w, const ao_message *process, int64_t expected)
{
    ao_result next = resolve(w, process, "{\"path\": \"compute\", \"function\": \"count\"}");
    ao_value count;
    int64_t n = 0;

    assert_int_equal(next.outcome, AO_OUTCOME_OK);
    count = result_of(w, ao_to_message(next.value), "results/output/1");
    assert_true(ao_to_integer(count, &n));
    assert_int_equal(n, expected);
    ao_value_unref(count);
    ao_value_unref(next.value);
}

/* `request` gives a result of type `error` that says `words`; what it leaves goes on, and so
 * does what was before.
 *   counted  by how much it moved the guest's counter on */
static void expect_error(world *w, const char *request, const char *words, int64_t counted)
{
    ao_result got = resolve(w, w->process, request);
    ao_value type, output;

    if (got.outcome != AO_OUTCOME_OK)
        fail_msg("%s: %s", request, ao_outcome_text(got.outcome));
    type = result_of(w, ao_to_message(got.value), "results/type");
    output = result_of(w, ao_to_message(got.value), "results/output");
    assert_true(ao_is_atom(type, "error"));
    assert_says(output, words);
    assert_goes_on(w, ao_to_message(got.value), counted + 1);
    assert_goes_on(w, w->process, 1);
    ao_value_unref(type);
    ao_value_unref(output);
    ao_value_unref(got.value);
}

/* `request` on `base` ends in an outcome with a text; the process goes on from before. */
static void expect_outcome(world *w, const ao_message *base, const char *request,
                           ao_outcome outcome, int64_t status, const char *words)
{
    ao_result got = resolve(w, base, request);
    ao_message *message = ao_to_message(got.value);
    int64_t n = 0;

    if (got.outcome != outcome)
        fail_msg("%s: %s", request, ao_outcome_text(got.outcome));
    if (status) {
        assert_non_null(message);
        assert_true(ao_to_integer(ao_message_find_text(message, "status"), &n));
        assert_int_equal(n, status);
    }
    assert_says(message ? ao_message_find_text(message, "body") : got.value, words);
    ao_value_unref(got.value);
    assert_goes_on(w, w->process, 1);
}

#define CALL(function, parameters)                                                             \
    "{\"path\": \"compute\", \"function\": \"" function "\", \"parameters\": " parameters "}"

/* ---- The call ---- */

static void unknown_functions_are_results(void **state)
{
    expect_error(*state, CALL("nothing", "[]"), "nothing", 0);
    expect_error(*state, CALL("memory", "[]"), "memory", 0);
    expect_error(*state, CALL("", "[]"), "", 0);
}

static void parameters_that_do_not_fit_are_results(void **state)
{
    expect_error(*state, CALL("add", "[1]"), "parameter", 0);
    expect_error(*state, CALL("add", "[1, 2, 3]"), "parameter", 0);
    expect_error(*state, CALL("count", "[1]"), "parameter", 0);
    expect_error(*state, CALL("add", "[\"1\", 2]"), "parameter", 0);
    expect_error(*state, CALL("low", "[4294967296, 1]"), "parameter", 0);
    expect_error(*state, CALL("low", "[0.5, 1]"), "parameter", 0);
    expect_error(*state, CALL("add", "[1, 1e300]"), "parameter", 0);
}

static void traps_are_results_and_their_writes_stay(void **state)
{
    expect_error(*state, CALL("trap", "[]"), "unreachable", 1);
}

/* ---- Imports ---- */

static void an_import_that_answers_well(void **state)
{
    world *w = *state;
    ao_result got = resolve(w, w->process, CALL("question", "[0]"));
    ao_value one = result_of(w, ao_to_message(got.value), "results/output/1");

    assert_int_equal(one.of.integer, 2);
    ao_value_unref(one);
    ao_value_unref(got.value);
}

static void imports_whose_handler_fails_are_results(void **state)
{
    expect_error(*state, CALL("question", "[1]"), "no tea today", 0);
    expect_error(*state, CALL("question", "[2]"), "no coffee today", 0);
    expect_error(*state, CALL("question", "[3]"), "the kettle is broken", 0);
}

static void answers_of_imports_that_do_not_fit_are_results(void **state)
{
    expect_error(*state, CALL("question", "[4]"), "ask", 0);
    expect_error(*state, CALL("question", "[5]"), "ask", 0);
    expect_error(*state, CALL("question", "[6]"), "ask", 0);
    expect_error(*state, CALL("question", "[7]"), "ask", 0);
    expect_error(*state, CALL("question", "[8]"), "ask", 0);
}

/* ---- What does not end ---- */

static void a_timeout_is_a_failure_and_makes_no_state(void **state)
{
    world w;

    (void)state;
    open_with(&w, "wasm_timeout", 400);
    expect_outcome(&w, w.process, CALL("spin", "[]"), AO_OUTCOME_FAILURE, 504, "");
    close_world(&w);
}

static void the_nodes_fuel_is_a_failure_and_makes_no_state(void **state)
{
    world w;

    (void)state;
    open_with(&w, "wasm_max_fuel", 100000);
    expect_outcome(&w, w.process, CALL("spin", "[]"), AO_OUTCOME_FAILURE, 0, "fuel");
    close_world(&w);
}

/* ---- Modules, snapshots ---- */

static void images_that_are_none_are_refused(void **state)
{
    world *w = *state;
    ao_message *none = world_message(w->context, "{\"device\": \"wasm-64@1.0\"}");
    ao_message *text =
        process_of(w, beamr_bytes_of("this is no module"), "{\"device\": \"wasm-64@1.0\"}");
    ao_message *cut = process_of(w, (beamr_bytes){steps_guest, sizeof steps_guest - 1},
                                 "{\"device\": \"wasm-64@1.0\"}");

    expect_outcome(w, none, "{\"path\": \"init\"}", AO_OUTCOME_FAILURE, 0,
                   "No viable image found in image");
    expect_outcome(w, none, CALL("count", "[]"), AO_OUTCOME_FAILURE, 0,
                   "no_wasm_instance_or_snapshot");
    expect_outcome(w, text, "{\"path\": \"init\"}", AO_OUTCOME_ERROR, 400, "module");
    expect_outcome(w, cut, "{\"path\": \"init\"}", AO_OUTCOME_ERROR, 400, "module");
    ao_message_unref(none);
    ao_message_unref(text);
    ao_message_unref(cut);
}

/* A process that is to begin with a snapshot, of which one key is another. */
static ao_message *process_with(world *w, const ao_message *snapshot, const char *key,
                                BEAMR_OWN ao_value value)
{
    ao_message *changed = NULL, *bare, *process = NULL;
    beamr_error err = {0};

    bare = process_of(w, (beamr_bytes){steps_guest, sizeof steps_guest},
                      "{\"device\": \"wasm-64@1.0\"}");
    assert_int_equal(ao_message_with(snapshot, key, value, &changed, &err), BEAMR_OK);
    assert_int_equal(
        ao_message_with(bare, "snapshot", ao_message_value(changed), &process, &err), BEAMR_OK);
    ao_message_unref(bare);
    return process;
}

static void snapshots_that_do_not_fit_are_refused(void **state)
{
    static const char *const parts[] = {"state", "body"};
    world *w = *state;
    ao_result got = resolve(w, w->process, "{\"path\": \"snapshot\"}");
    ao_message *snapshot = ao_to_message(got.value);

    assert_non_null(snapshot);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        ao_value whole = ao_message_find_text(snapshot, parts[i]);
        ao_value half = ao_binary_slice(whole, 0, ao_bytes(whole).len / 2);
        ao_message *process = process_with(w, snapshot, parts[i], half);

        expect_outcome(w, process, CALL("count", "[]"), AO_OUTCOME_ERROR, 422,
                       i ? "contents" : "snapshot");
        ao_message_unref(process);
    }
    {
        ao_message *process =
            process_with(w, snapshot, "format", ao_binary_text("some other one"));

        expect_outcome(w, process, CALL("count", "[]"), AO_OUTCOME_ERROR, 422, "format");
        ao_message_unref(process);
    }
    ao_value_unref(got.value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_functions_are_results),
        cmocka_unit_test(parameters_that_do_not_fit_are_results),
        cmocka_unit_test(traps_are_results_and_their_writes_stay),
        cmocka_unit_test(an_import_that_answers_well),
        cmocka_unit_test(imports_whose_handler_fails_are_results),
        cmocka_unit_test(answers_of_imports_that_do_not_fit_are_results),
        cmocka_unit_test(a_timeout_is_a_failure_and_makes_no_state),
        cmocka_unit_test(the_nodes_fuel_is_a_failure_and_makes_no_state),
        cmocka_unit_test(images_that_are_none_are_refused),
        cmocka_unit_test(snapshots_that_do_not_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, open_plain, close_plain);
}
