/* wasm-64@1.0, imports that nobody answers: zeros of every type, which are noted, or traps. */
#include "wasm_modules.h"

static ao_message *guest(ao_context *context, const char *json)
{
    return resolve_next(
        context, message_with_key(context, json, "image", module_value(module_importing)),
        "{\"path\": \"init\"}");
}

#define POW "{\"path\": \"compute\", \"function\": \"pow\", \"parameters\": [2, 5]}"

static void what_nobody_answers_is_zero_and_noted(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base =
        guest(context, "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"w\"}");

    (void)state;
    base = resolve_next(context, base, POW);
    expect_integer(base, "results/w", 0);
    assert_int_equal(ao_list_count(value_at(base, "results/w/undefined-calls")), 5);
    base = resolve_next(
        context, base,
        "{\"path\": \"compute\", \"function\": \"number\", \"parameters\": [1.5]}");
    expect_float(base, "results/w", 0);
    assert_true(
        has_text(ao_text(value_at(base, "results/w/undefined-calls/1/func")), "number"));
    assert_true(has_text(ao_text(value_at(base, "results/w/undefined-calls/2/func")), "mul"));
    assert_true(value_at(base, "results/w/undefined-calls/1/args/1").of.number == 1.5);
    assert_true(has_text(ao_text(value_at(base, "results/w/undefined-calls/1/module")), "env"));
    assert_true(
        has_text(ao_text(value_at(base, "results/w/undefined-calls/1/func-sig")), "(F)F"));
    base = resolve_next(
        context, base,
        "{\"path\": \"compute\", \"function\": \"number\", \"parameters\": [2.5]}");
    assert_true(value_at(base, "results/w/undefined-calls/1/args/1").of.number == 2.5);
    assert_true(value_at(base, "results/w/undefined-calls/2/args/1").of.number == 1.5);
    base = resolve_next(
        context, base,
        "{\"path\": \"compute\", \"function\": \"many\", \"parameters\": [10000]}");
    assert_true(ao_is_atom(value_at(base, "results/w/type"), "ok"));
    assert_int_equal(ao_list_count(value_at(base, "results/w/undefined-calls")), 64);
    ao_message_unref(base);
    ao_context_free(context);
}

/* As a process has it that came out of a store. */
static void calls_that_were_noted_as_a_message_are_kept(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = guest(context, "{\"device\": \"wasm-64@1.0\", \"results\": "
                                      "{\"undefined-calls\": {\"1\": {\"func\": \"old\"}}}}");

    (void)state;
    base = resolve_next(context, base, "{\"path\": \"compute\", \"function\": \"none\"}");
    assert_int_equal(ao_list_count(value_at(base, "results/undefined-calls")), 2);
    assert_true(has_text(ao_text(value_at(base, "results/undefined-calls/1/func")), "none"));
    assert_true(has_text(ao_text(value_at(base, "results/undefined-calls/2/func")), "old"));
    ao_message_unref(base);
    ao_context_free(context);
}

static void a_device_that_does_not_know_the_function_is_nobody(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *base =
        guest(context, "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"env\": {\"device\": "
                       "\"test-device@1.0\"}, \"my_lib\": \"text\"}}");

    (void)state;
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"none\", \"parameters\": []}");
    assert_true(ao_is_atom(value_at(base, "results/type"), "ok"));
    assert_int_equal(ao_list_count(value_at(base, "results/undefined-calls")), 1);
    base = resolve_next(context, base, POW);
    expect_integer(base, "results", 0);
    ao_message_unref(base);
    ao_context_free(context);
}

/* Imports whose results are no numbers, and one of a generator of bindings. */
static void module_strange(wasm_builder *w)
{
    static const module_func imports[] = {{"env.outer", "", "X"},
                                          {"env.function", "", "F"},
                                          {"env.vector", "", "v"},
                                          {"env.some", "", "lfXd"},
                                          {"__wbindgen_placeholder__.f", "", "i"},
                                          {"__wbindgen_externref_xform__.g", "", ""}};
    static const module_func funcs[] = {{"outer", "", "i"},  {"function", "", "i"},
                                        {"vector", "", "i"}, {"some", "", "lfid"},
                                        {"f", "", "i"},      {"g", "", ""}};

    module_begin(w, imports, 6, funcs, 6);
    wasm_section(w, WASM_CODE);
    WASM(w, 6);
    WASM_BODY(w, 0x10, 0, 0xd1); /* ref.is_null */
    WASM_BODY(w, 0x10, 1, 0xd1);
    WASM_BODY(w, 0x10, 2, 0xfd, 0x53, 0x45); /* v128.any_true, i32.eqz */
    MODULE_BODY_LOCAL(w, 0x7c, 0x10, 3, 0x21, 0, 0xd1, 0x20, 0);
    WASM_BODY(w, 0x10, 4);
    WASM_BODY(w, 0x10, 5);
    wasm_end(w);
}

static ao_message *strange_guest(ao_context *context)
{
    return resolve_next(context,
                        message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                                         module_value(module_strange)),
                        "{\"path\": \"init\"}");
}

static void zeros_are_of_every_type(void **state)
{
    static const char *const names[] = {"outer", "function", "vector"};
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = strange_guest(context);
    char json[64];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(json, sizeof json, "{\"path\": \"compute\", \"function\": \"%s\"}",
                       names[i]);
        base = resolve_next(context, base, json);
        expect_integer(base, "results", 1);
    }
    base = resolve_next(context, base, "{\"path\": \"compute\", \"function\": \"some\"}");
    assert_int_equal(value_at(base, "results/output/1").kind, AO_INTEGER);
    assert_int_equal(value_at(base, "results/output/2").kind, AO_FLOAT);
    assert_int_equal(value_at(base, "results/output/3").of.integer, 1);
    assert_int_equal(ao_list_count(value_at(base, "results/undefined-calls")), 4);
    ao_message_unref(base);
    ao_context_free(context);
}

static void placeholders_of_bindings_trap(void **state)
{
    static const char *const names[] = {"f", "g"};
    ao_context *context = world_open(NULL, NULL);
    ao_message *base = strange_guest(context);
    char json[128];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        (void)snprintf(json, sizeof json, "{\"path\": \"compute\", \"function\": \"%s\"}",
                       names[i]);
        base = resolve_next(context, base, json);
        expect_error(base, "results", "import __wbindgen_");
        expect_error(base, "results", "nothing provides it");
    }
    resolve_fails(context, base,
                  "{\"path\": \"import\", \"module\": \"__wbindgen_placeholder__\","
                  " \"func\": \"f\", \"args\": [], \"func-sig\": \"()i\"}",
                  NULL, AO_OUTCOME_ERROR, 404, "nothing provides");
    ao_message_unref(base);
    ao_context_free(context);
}

static void stubs_may_trap(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *values = world_message(context, "{\"wasm_imports\": \"trap\"}");
    ao_message *base;

    (void)state;
    ao_context_free(context);
    context = world_open(NULL, values);
    base = resolve_next(context, guest(context, "{\"device\": \"wasm-64@1.0\"}"), POW);
    expect_error(base, "results", "import my_lib.mul: nothing provides it");
    assert_int_equal(value_at(base, "results/undefined-calls").kind, AO_NONE);
    resolve_fails(context, base,
                  "{\"path\": \"import\", \"module\": \"m\", \"func\": \"f\", \"args\": []}",
                  NULL, AO_OUTCOME_ERROR, 404, "nothing provides m.f");
    ao_message_unref(base);
    ao_message_unref(values);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_nobody_answers_is_zero_and_noted),
        cmocka_unit_test(calls_that_were_noted_as_a_message_are_kept),
        cmocka_unit_test(a_device_that_does_not_know_the_function_is_nobody),
        cmocka_unit_test(zeros_are_of_every_type),
        cmocka_unit_test(placeholders_of_bindings_trap),
        cmocka_unit_test(stubs_may_trap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
