/* wasm-64@1.0 with `mode` = `AOT`: native code is made once, where it is allowed, and changes
 * nothing that a message says. Who waits for it: wasm_native_wait_test.c. */
#include "native_nodes.h"

/* ---- The same bytes ---- */

static const char *const calls[] = {
    CALL("add", "7"),          CALL("fac", "20"),    CALL("store_trap", "99"),
    CALL("trap", ""),          CALL("grow", "2"),    CALL("spin", ""),
    CALL("nan", ""),           CALL("both", "1, 2"), CALL("first", "\"text\""),
    CALL("first", "10000000"), CALL("add", "-1"),
};

static void expect_same_messages(ao_context *contexts[2], ao_message *messages[2])
{
    ao_value paths[2] = {AO_NO_VALUE, AO_NO_VALUE};
    ao_message *snapshots[2];
    beamr_error err = {0};

    for (int i = 0; i < 2; i++) {
        snapshots[i] = resolve_ok(contexts[i], messages[i], "{\"path\": \"snapshot\"}");
        assert_int_equal(ao_message_hashpath(contexts[i], messages[i], &paths[i], &err),
                         BEAMR_OK);
    }
    assert_true(ao_value_equal(paths[0], paths[1]));
    assert_true(ao_value_equal(ao_message_find_text(messages[0], "results"),
                               ao_message_find_text(messages[1], "results")));
    assert_true(ao_value_equal(ao_message_value(snapshots[0]), ao_message_value(snapshots[1])));
    for (int i = 0; i < 2; i++) {
        ao_message_unref(snapshots[i]);
        ao_value_unref(paths[i]);
    }
}

/* On a node that allows it and one that does not; `keys` of both processes. */
static void compare(const char *keys)
{
    ao_context *contexts[2] = {node(ALLOWED, NULL), node("\"wasm_allow_aot\": false", NULL)};
    ao_message *messages[2];

    for (int i = 0; i < 2; i++)
        messages[i] = started_process(contexts[i], keys);
    assert_true(is_native(messages[0]));
    assert_false(is_native(messages[1]));
    for (size_t c = 0; c < sizeof calls / sizeof calls[0]; c++) {
        for (int i = 0; i < 2; i++)
            messages[i] = resolve_next(contexts[i], messages[i], calls[c]);
        expect_same_messages(contexts, messages);
    }
    for (int i = 0; i < 2; i++) {
        ao_message_unref(messages[i]);
        ao_context_free(contexts[i]);
    }
}

static void both_ways_make_the_same_states(void **state)
{
    (void)state;
    use_real();
    compare(AOT ", \"compute-limit\": 100000, \"memory-limit\": 131072");
    expect_told(0, NULL);
}

/* A snapshot of one node, continued on the other. */
static void cross(const char *from_options, const char *to_options)
{
    ao_context *from = node(from_options, NULL), *to = node(to_options, NULL);
    ao_message *first = started_process(from, AOT), *second, *snapshot, *whole = NULL;
    ao_message *ends[2];
    beamr_error err = {0};

    first = resolve_next(from, first, CALL("add", "7"));
    first = resolve_next(from, first, CALL("store_trap", "50"));
    snapshot = resolve_ok(from, first, "{\"path\": \"snapshot\"}");
    second = process(to, AOT, module_plain);
    assert_int_equal(
        ao_message_with(second, "snapshot", ao_message_value(snapshot), &whole, &err),
        BEAMR_OK);
    ao_message_unref(second);
    second = resolve_next(to, whole, "{\"path\": \"normalize\"}");
    assert_true(is_native(first) != is_native(second));
    first = resolve_next(from, first, CALL("add", "1"));
    second = resolve_next(to, second, CALL("add", "1"));
    expect_integer(second, "results", 51);
    ends[0] = resolve_next(from, first, "{\"path\": \"snapshot\"}");
    ends[1] = resolve_next(to, second, "{\"path\": \"snapshot\"}");
    assert_true(ao_value_equal(ao_message_value(ends[0]), ao_message_value(ends[1])));
    ao_message_unref(ends[0]);
    ao_message_unref(ends[1]);
    ao_context_free(from);
    ao_context_free(to);
}

static void snapshots_go_from_one_way_to_the_other(void **state)
{
    (void)state;
    use_real();
    cross(ALLOWED, "\"wasm_allow_aot\": false");
    cross("\"wasm_allow_aot\": false", ALLOWED);
}

/* The older of two states gets an instance anew. */
static void instances_made_anew_are_native_too(void **state)
{
    ao_context *context;
    ao_message *first, *second;

    (void)state;
    use_real();
    context = node(ALLOWED, NULL);
    first = resolve_next(context, started_process(context, AOT), CALL("add", "7"));
    second = resolve_ok(context, first, CALL("add", "1"));
    expect_integer(second, "results", 8);
    first = resolve_next(context, first, CALL("add", "2"));
    expect_integer(first, "results", 9);
    assert_true(is_native(first));
    assert_int_equal(started(), 1);
    ao_message_unref(first);
    ao_message_unref(second);
    ao_context_free(context);
}

/* ---- Once, and only where it is wanted ---- */

static void a_module_is_compiled_once(void **state)
{
    ao_context *context;
    ao_message *plain;

    (void)state;
    use_real();
    context = node(ALLOWED, NULL);
    for (int i = 0; i < 3; i++)
        expect_works(context, started_process(context, AOT));
    assert_int_equal(started(), 1);
    for (int i = 0; i < 3; i++) /* code that counts fuel is other code */
        expect_works(context, started_process(context, AOT ", \"compute-limit\": 100000"));
    assert_int_equal(started(), 2);
    plain = started_process(context, "\"device\": \"wasm-64@1.0\", \"mode\": \"WASM\"");
    assert_false(is_native(plain));
    expect_works(context, plain);
    assert_int_equal(started(), 2);
    ao_context_free(context);
}

static void nobody_compiles_who_need_not(void **state)
{
    ao_context *context;

    (void)state;
    use(compilers.failing);
    context = node("\"wasm_timeout\": 0", NULL);
    expect_works(context, started_process(context, AOT));
    ao_context_free(context);
    context = node("\"wasm_allow_aot\": false", NULL);
    expect_works(context, started_process(context, AOT));
    ao_context_free(context);
    context = node("\"wasm_allow_aot\": \"perhaps\"", NULL);
    expect_works(context, started_process(context, AOT));
    ao_context_free(context);
    context = node(ALLOWED, NULL);
    expect_works(context, started_process(context, "\"device\": \"wasm-64@1.0\""));
    expect_works(context, started_process(context, "\"device\": \"stack@1.0\", \"mode\": "
                                                   "\"Fold\", \"device-stack\": "
                                                   "[\"wasm-64@1.0\"]"));
    assert_int_equal(started(), 0);
    expect_told(0, NULL);
    ao_context_free(context);
}

/* A stack's own `mode`, or one below an input prefix. */
static void a_stack_says_so_too(void **state)
{
    ao_context *context;
    ao_message *message;

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED, NULL);
    expect_works(context, started_process(context, "\"device\": \"stack@1.0\", \"mode\": "
                                                   "\"AOT\", \"device-stack\": "
                                                   "[\"wasm-64@1.0\"]"));
    assert_int_equal(started(), 1);
    ao_context_free(context);
    context = node(ALLOWED, NULL);
    message = message_with_key(context,
                               "{\"device\": \"stack@1.0\", \"mode\": \"Fold\","
                               " \"device-stack\": [\"wasm-64@1.0\"],"
                               " \"input-prefixes\": [\"guest\"], \"guest\": {\"mode\": "
                               "\"AOT\"}}",
                               "module", module_value(module_plain));
    expect_works(context, resolve_next(context, message, INIT));
    assert_int_equal(started(), 2);
    ao_context_free(context);
}

static void code_objects_are_no_images(void **state)
{
    static const char *const objects[] = {"\\u007fELF object", "beamrobj and more",
                                          "\\u0000aot object"};
    ao_context *context;
    char json[128];

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED, NULL);
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        ao_message *base;

        (void)snprintf(json, sizeof json, "{" AOT ", \"image\": \"%s\"}", objects[i]);
        base = world_message(context, json);
        resolve_fails(context, base, INIT, NULL, AO_OUTCOME_ERROR, 400, "native code is not");
        ao_message_unref(base);
    }
    assert_int_equal(started(), 0);
    ao_context_free(context);
}

/* ---- Compilers that fail ---- */

static void without_a_compiler_a_process_is_interpreted(void **state)
{
    ao_context *context;

    (void)state;
    use("/nowhere/beamr-compile");
    context = node(ALLOWED, NULL);
    expect_works(context, started_process(context, AOT));
    expect_told(1, "cannot be started");
    expect_works(context, started_process(context, AOT));
    expect_told(1, "interpreted, as it could not be compiled");
    ao_context_free(context);
}

static void so_it_is_when_the_compiler_fails(void **state)
{
    ao_context *context;
    ao_message *message;

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED, NULL);
    for (int i = 0; i < 3; i++) {
        message = started_process(context, AOT);
        assert_false(is_native(message));
        expect_works(context, message);
    }
    assert_int_equal(started(), 1); /* it would fail again */
    expect_told(1, "no luck");
    ao_context_free(context);
}

static void or_does_not_end(void **state)
{
    ao_context *context;

    (void)state;
    use(compilers.hanging);
    context = node(ALLOWED ", \"wasm_aot_time\": 20", NULL);
    expect_works(context, started_process(context, AOT));
    expect_told(1, "killed");
    ao_context_free(context);
}

static void the_compiler_is_told_its_limits(void **state)
{
    ao_context *context;

    (void)state;
    use(compilers.failing);
    context = node(ALLOWED ", \"wasm_aot_memory\": 268435456, \"wasm_aot_time\": 12345", NULL);
    expect_works(context, started_process(context, AOT));
    expect_told(1, "--time-ms 12345 --max-memory 268435456 ");
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ways_make_the_same_states),
        cmocka_unit_test(snapshots_go_from_one_way_to_the_other),
        cmocka_unit_test(instances_made_anew_are_native_too),
        cmocka_unit_test(a_module_is_compiled_once),
        cmocka_unit_test(nobody_compiles_who_need_not),
        cmocka_unit_test(a_stack_says_so_too),
        cmocka_unit_test(code_objects_are_no_images),
        cmocka_unit_test(without_a_compiler_a_process_is_interpreted),
        cmocka_unit_test(so_it_is_when_the_compiler_fails),
        cmocka_unit_test(or_does_not_end),
        cmocka_unit_test(the_compiler_is_told_its_limits),
    };

    return cmocka_run_group_tests(tests, make_compilers, remove_compilers);
}
