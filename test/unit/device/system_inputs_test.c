/* What a system takes from a message and a request: who provides its functions, the time, the
 * limits. A device of the test's reads it for us. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "device/system.h"

static dev_inputs seen;

static beamr_status look(ao_call *call, beamr_error *err)
{
    ao_value prefix = ao_message_find_text(ao_call_base(call), "prefix");
    beamr_status st;

    dev_inputs_clear(&seen);
    st = dev_inputs_read(call, ao_call_base(call), ao_bytes(prefix), &seen, err);
    return st == BEAMR_OK ? ao_call_ok(call, ao_binary_text("ok")) : st;
}

static const ao_key look_keys[] = {{"look", look}, AO_KEYS_END};
static const ao_device look_device = {.name = "look@1.0", .keys = look_keys};

static ao_context *open_world(const ao_message *values)
{
    ao_context *context = world_open(NULL, values);

    assert_int_equal(ao_context_add_device(context, &look_device, NULL), BEAMR_OK);
    return context;
}

/* Read the inputs of a message, given without its braces and device. */
static void read_inputs(ao_context *context, const char *base, const char *request)
{
    char json[2048];
    ao_result result;

    (void)snprintf(json, sizeof json, "{\"device\":\"look@1.0\"%s%s}", *base ? "," : "", base);
    result = world_resolve(context, json, request);
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    ao_value_unref(result.value);
}

static void our_devices_are_direct_where_they_stand(void **state)
{
    static const struct {
        const char *base;
        bool wasi, unstable, env;
    } cases[] = {
        {"", false, false, false},
        {"\"stdlib\":{\"wasi_snapshot_preview1\":{\"device\":\"WASI@1.0\"}}", true, false,
         false},
        {"\"stdlib\":{\"wasi_unstable\":{\"device\":\"wasi@1.0\"}}", false, true, false},
        {"\"stdlib\":{\"env\":{\"device\":\"Emscripten@1.0\"}}", false, false, true},
        {"\"stdlib\":{\"env\":{\"device\":\"WASI@1.0\"}}", false, false, false},
        {"\"stdlib\":{\"env\":{\"device\":\"test-device@1.0\"}}", false, false, false},
        {"\"stdlib\":{\"device\":\"test-device@1.0\",\"env\":{\"device\":\"emscripten@1.0\"}}",
         false, false, false},
        {"\"stdlib\":{\"env\":\"emscripten@1.0\"}", false, false, false},
        {"\"stdlib\":\"x\"", false, false, false},
        {"\"prefix\":\"wasm\",\"stdlib\":{\"env\":{\"device\":\"emscripten@1.0\"}}", false,
         false, false},
        {"\"prefix\":\"wasm\",\"wasm\":{\"stdlib\":{\"env\":{\"device\":\"emscripten@1.0\"}}}",
         false, false, true},
        {"\"prefix\":\"wasm\",\"wasm\":{\"device\":\"test-device@1.0\",\"stdlib\":{\"env\":{"
         "\"device\":\"emscripten@1.0\"}}}",
         false, false, false},
    };
    ao_context *context = open_world(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_inputs(context, cases[i].base, "{\"path\":\"look\"}");
        assert_int_equal(seen.wasi_direct, cases[i].wasi);
        assert_int_equal(seen.unstable_direct, cases[i].unstable);
        assert_int_equal(seen.env_direct, cases[i].env);
    }
    dev_inputs_clear(&seen);
    ao_context_free(context);
}

static void a_device_of_that_name_that_is_not_ours_is_not_direct(void **state)
{
    static const ao_device theirs = {.name = "wasi@1.0", .keys = look_keys};
    ao_context *context = open_world(NULL);

    (void)state;
    assert_int_equal(ao_context_add_device(context, &theirs, NULL), BEAMR_OK);
    read_inputs(context, "\"stdlib\":{\"wasi_snapshot_preview1\":{\"device\":\"WASI@1.0\"}}",
                "{\"path\":\"look\"}");
    assert_false(seen.wasi_direct);
    dev_inputs_clear(&seen);
    ao_context_free(context);
}

/* Whether env is direct with this at priv/wasm/import-resolver. */
static bool is_direct_with(ao_context *context, const char *resolver)
{
    ao_message *base = world_message(context, "{\"device\":\"look@1.0\",\"prefix\":\"wasm\","
                                              "\"wasm\":{\"stdlib\":{\"env\":{\"device\":"
                                              "\"emscripten@1.0\"}}}}"),
               *with = NULL;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    ao_value value, request;

    assert_int_equal(
        ao_private_with(base, "wasm/import-resolver", ao_binary_text(resolver), &with, NULL),
        BEAMR_OK);
    value = ao_message_value(with);
    request = ao_binary_text("look");
    assert_int_equal(ao_resolve_on(context, value, request, NULL, &result, NULL), BEAMR_OK);
    ao_value_unref(request);
    ao_value_unref(result.value);
    ao_value_unref(value);
    ao_message_unref(base);
    return seen.env_direct;
}

static void nothing_is_direct_with_another_resolver(void **state)
{
    ao_context *context = open_world(NULL);

    (void)state;
    assert_true(is_direct_with(context, "wasm-64@1.0"));
    assert_true(is_direct_with(context, "WASM@1.0"));
    assert_false(is_direct_with(context, "look@1.0"));
    assert_false(is_direct_with(context, "unknown@1.0"));
    dev_inputs_clear(&seen);
    ao_context_free(context);
}

static void the_time_is_the_assignments(void **state)
{
    static const struct {
        const char *base, *request;
        uint64_t ns;
    } cases[] = {
        {"", "{\"path\":\"look\"}", 0},
        {"", "{\"path\":\"look\",\"timestamp\":\"1700000000000\"}", 1700000000000000000u},
        {"", "{\"path\":\"look\",\"block-timestamp\":\"5\"}", 5000000},
        {"\"timestamp\":\"9\"", "{\"path\":\"look\",\"block-timestamp\":\"5\"}", 5000000},
        {"\"timestamp\":\"9\"", "{\"path\":\"look\"}", 9000000},
        {"\"timestamp\":\"9\"", "{\"path\":\"look\",\"timestamp\":\"soon\"}", 9000000},
        {"\"block-timestamp\":\"7\"", "{\"path\":\"look\"}", 7000000},
        {"\"timestamp\":\"9\",\"block-timestamp\":\"7\"", "{\"path\":\"look\"}", 9000000},
        {"", "{\"path\":\"look\",\"timestamp\":\"-1\"}", 0},
        {"", "{\"path\":\"look\",\"timestamp\":\"9223372036854775807\"}", INT64_MAX},
    };
    ao_context *context = open_world(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        read_inputs(context, cases[i].base, cases[i].request);
        assert_int_equal(seen.time_ns, cases[i].ns);
    }
    dev_inputs_clear(&seen);
    ao_context_free(context);
}

static void limits_are_the_nodes(void **state)
{
    ao_message *values = NULL;
    ao_context *context = open_world(NULL);

    (void)state;
    read_inputs(context, "", "{\"path\":\"look\"}");
    assert_int_equal(seen.max_output, 1048576);
    ao_context_free(context);
    assert_int_equal(
        ao_message_with(ao_message_empty(), "wasi_max_output", ao_integer(5), &values, NULL),
        BEAMR_OK);
    context = open_world(values);
    read_inputs(context, "\"vfs\":{\"a\":\"b\"},\"file-descriptors\":{}",
                "{\"path\":\"look\"}");
    assert_int_equal(seen.max_output, 5);
    assert_int_equal(seen.vfs.kind, AO_MESSAGE);
    assert_int_equal(seen.descriptors.kind, AO_MESSAGE);
    dev_inputs_clear(&seen);
    ao_message_unref(values);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_devices_are_direct_where_they_stand),
        cmocka_unit_test(a_device_of_that_name_that_is_not_ours_is_not_direct),
        cmocka_unit_test(nothing_is_direct_with_another_resolver),
        cmocka_unit_test(the_time_is_the_assignments),
        cmocka_unit_test(limits_are_the_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
