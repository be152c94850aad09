/* wasm-64@1.0: the fuel of a message is one, for all that it makes the guest do; and the same
 * whenever that is repeated. */
#include "wasm_modules.h"

#define LOOPS(n)                                                                               \
    0x41, (n), 0x21, LOCAL, 0x03, 0x40, 0x20, LOCAL, 0x41, 1, 0x6b, 0x22, LOCAL, 0x0d, 0, 0x0b
#define STACK                                                                                  \
    "{\"device\": \"stack@1.0\", \"device-stack\": [\"WASI@1.0\", \"JSON-Iface@1.0\", "        \
    "\"WASM-64@1.0\", \"Multipass@1.0\"], \"output-prefixes\": [\"wasm\"], \"passes\": 2, "    \
    "\"process\": {\"type\": \"Process\"}}"

/* malloc(i)->i of 63 loops, one(i)->i, ten(i i i i i i i i i i)->i, handle(i i)->i of 63, add
 * as in module_plain */
static void module_counting(wasm_builder *w)
{
    static const module_func funcs[] = {{"malloc", "i", "i"},
                                        {"one", "i", "i"},
                                        {"ten", "iiiiiiiiii", "i"},
                                        {"handle", "ii", "i"},
                                        {"add", "l", "l"}};
    const size_t count = sizeof funcs / sizeof funcs[0];

    module_begin(w, NULL, 0, funcs, count);
    wasm_section(w, WASM_CODE);
    wasm_u64(w, count);
#define LOCAL 1
    MODULE_BODY_LOCAL(w, 0x7f, LOOPS(63), MODULE_MALLOC);
#undef LOCAL
    WASM_BODY(w, 0x20, 0);
    WASM_BODY(w, 0x20, 0);
#define LOCAL 2
    MODULE_BODY_LOCAL(w, 0x7f, LOOPS(63), 0x41, 16);
#undef LOCAL
    WASM_BODY(w, 0x41, 8, 0x41, 8, 0x29, 3, 0, 0x20, 0, 0x7c, 0x37, 3, 0, 0x41, 8, 0x29, 3, 0);
    wasm_end(w);
}

static ao_message *make_process(ao_context *context, const char *json, int64_t limit)
{
    ao_message *plain = message_with_key(context, json, "compute-limit", ao_integer(limit));
    ao_message *process = NULL;

    assert_int_equal(
        ao_message_with(plain, "image", module_value(module_counting), &process, NULL),
        BEAMR_OK);
    ao_message_unref(plain);
    return resolve_next(context, process, "{\"path\": \"init\"}");
}

/* The outcome of a request on a process with a limit.  true: the fuel was enough */
static bool is_enough(ao_context *context, const char *json, int64_t limit, const char *request)
{
    ao_message *process = make_process(context, json, limit);
    ao_result result;
    beamr_error err = {0};
    const ao_message *message;
    bool is_out;

    assert_int_equal(resolve_json(context, process, request, NULL, &result, &err), BEAMR_OK);
    message = ao_to_message(result.value);
    assert_non_null(message);
    is_out = has_text(ao_text(value_at(message, "body")), "out of fuel") ||
             has_text(ao_text(value_at(message, "results/output")), "out of fuel") ||
             has_text(ao_text(value_at(message, "results/wasm/output")), "out of fuel");
    ao_value_unref(result.value);
    ao_message_unref(process);
    return !is_out;
}

/* Errors of the guest are results of a stack. */
static ao_context *open_context(void)
{
    ao_context *plain = world_open(NULL, NULL), *context;
    ao_message *values = world_message(plain, "{\"error_strategy\": \"stop\"}");

    context = world_open(NULL, values);
    ao_message_unref(values);
    ao_context_free(plain);
    return context;
}

/* The least that is enough. */
static int64_t fuel_of(ao_context *context, const char *json, const char *request)
{
    int64_t low = 0, high = 100000;

    assert_true(is_enough(context, json, high, request));
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (is_enough(context, json, middle, request))
            high = middle;
        else
            low = middle;
    }
    return high;
}

#define PLAIN "{\"device\": \"wasm-64@1.0\"}"
#define CALL(function, parameters)                                                             \
    "{\"path\": \"compute\", \"function\": \"" function "\", \"parameters\": [" parameters "]" \
    "}"
#define TEN "\"a\", \"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", \"i\", \"j\""

static void texts_are_copied_in_with_the_fuel_of_the_call(void **state)
{
    ao_context *context = open_context();
    int64_t one = fuel_of(context, PLAIN, CALL("one", "\"a\""));
    int64_t ten = fuel_of(context, PLAIN, CALL("ten", TEN));

    (void)state;
    assert_true(ten > 9 * one);
    ao_context_free(context);
}

static void texts_of_a_message_are_written_with_its_fuel(void **state)
{
    ao_context *context = open_context();
    int64_t alone = fuel_of(context, PLAIN, CALL("handle", "0, 0"));
    int64_t whole =
        fuel_of(context, STACK, "{\"path\": \"compute\", \"body\": {\"data\": \"x\"}}");

    (void)state;
    assert_true(2 * whole > 5 * alone); /* two allocations, and the call */
    ao_context_free(context);
}

/* A call that ran out of fuel is repeated, and so is one that had just enough. */
static void repeated_calls_have_the_same_fuel(void **state)
{
    ao_context *context = open_context();
    int64_t ten = fuel_of(context, PLAIN, CALL("ten", TEN));

    (void)state;
    for (int64_t limit = ten - 1; limit <= ten; limit++) {
        ao_message *process = make_process(context, PLAIN, limit), *next;

        process = resolve_next(context, process, CALL("ten", TEN));
        next = resolve_ok(context, process, CALL("add", "1"));
        ao_message_unref(next);
        process = resolve_next(context, process, CALL("add", "5")); /* made anew */
        assert_int_equal(ao_list_at(value_at(process, "results/output"), 0).of.integer, 5);
        ao_message_unref(process);
    }
    ao_context_free(context);
}

/* Likewise one whose texts were written with a part of it. */
static void repeated_messages_have_the_same_fuel(void **state)
{
    static const char request[] = "{\"path\": \"compute\", \"body\": {\"data\": \"x\"}}";
    ao_context *context = open_context();
    int64_t whole = fuel_of(context, STACK, request);

    (void)state;
    for (int64_t limit = whole - 1; limit <= whole; limit++) {
        ao_message *process = make_process(context, STACK, limit), *after;
        ao_result result, again;
        beamr_error err = {0};

        assert_int_equal(resolve_json(context, process, request, NULL, &result, &err),
                         BEAMR_OK);
        after = ao_to_message(result.value);
        assert_non_null(after);
        for (int i = 0; i < 2; i++) { /* the second makes its instance anew */
            assert_int_equal(resolve_json(context, after, request, NULL, &again, &err),
                             BEAMR_OK);
            assert_false(has_text(ao_text(value_at(ao_to_message(again.value), "body")),
                                  "could not be repeated"));
            ao_value_unref(again.value);
        }
        ao_value_unref(result.value);
        ao_message_unref(process);
    }
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_copied_in_with_the_fuel_of_the_call),
        cmocka_unit_test(texts_of_a_message_are_written_with_its_fuel),
        cmocka_unit_test(repeated_calls_have_the_same_fuel),
        cmocka_unit_test(repeated_messages_have_the_same_fuel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
