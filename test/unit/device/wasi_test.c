/* WASI@1.0 and emscripten@1.0 as devices; that they do what the engine does directly is shown
 * by system_ways_test.c. */
#include "world.h"

#include <string.h>

static void init_sets_streams_and_places(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_result r = world_resolve(context, "{\"device\":\"WASI@1.0\",\"output-prefix\":\"wasm\"}",
                                "{\"path\":\"init\"}");
    ao_message *m = ao_to_message(r.value);
    ao_value v = AO_NO_VALUE;
    int64_t n = -1;

    (void)state;
    assert_int_equal(r.outcome, AO_OUTCOME_OK);
#define TEXT(path, text)                                                                       \
    do {                                                                                       \
        assert_int_equal(ao_message_get_path(m, beamr_bytes_of(path), &v, NULL), BEAMR_OK);    \
        assert_int_equal(v.kind, AO_BINARY);                                                   \
        assert_int_equal(ao_bytes(v).len, strlen(text));                                       \
        assert_memory_equal(ao_bytes(v).data, text, strlen(text));                             \
    } while (0)
    TEXT("wasm/stdlib/wasi_snapshot_preview1/device", "WASI@1.0");
    TEXT("wasm/stdlib/wasi_unstable/device", "WASI@1.0");
    TEXT("wasm/stdlib/env/device", "emscripten@1.0");
    TEXT("file-descriptors/0/filename", "/dev/stdin");
    TEXT("file-descriptors/2/filename", "/dev/stderr");
    TEXT("vfs/dev/stdout", "");
    assert_int_equal(
        ao_message_get_path(m, beamr_bytes_of("file-descriptors/1/offset"), &v, NULL),
        BEAMR_OK);
    assert_true(ao_to_integer(v, &n));
    assert_int_equal(n, 0);
    ao_value_unref(r.value);
    ao_context_free(context);
}

static void init_keeps_what_is_there(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    const char *base =
        "{\"device\":\"WASI@1.0\",\"vfs\":{\"dev\":{\"stdin\":\"in\"},\"a\":\"b\"},"
        "\"stdlib\":{\"env\":{\"device\":\"test-device@1.0\"}},"
        "\"file-descriptors\":{\"1\":{\"filename\":\"/dev/stdout\"}}}";
    ao_result r = world_resolve(context, base, "{\"path\":\"init\"}");
    ao_message *m = ao_to_message(r.value);
    ao_value v = AO_NO_VALUE;

    (void)state;
    TEXT("vfs/dev/stdin", "in");
    TEXT("vfs/dev/stderr", "");
    TEXT("vfs/a", "b");
    TEXT("stdlib/env/device", "test-device@1.0");
    TEXT("stdlib/wasi_unstable/device", "WASI@1.0");
    assert_int_equal(ao_message_get_path(m, beamr_bytes_of("file-descriptors/0"), &v, NULL),
                     BEAMR_OK);
    assert_int_equal(v.kind, AO_NONE);
    ao_value_unref(r.value);
    ao_context_free(context);
}

static void compute_gives_the_base(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_result r = world_resolve(context, "{\"device\":\"emscripten@1.0\",\"a\":\"b\"}",
                                "{\"path\":\"compute\"}");
    ao_message *m = ao_to_message(r.value);
    ao_value v = AO_NO_VALUE;

    (void)state;
    TEXT("a", "b");
    ao_value_unref(r.value);
    ao_context_free(context);
}

static void functions_need_a_guest_that_waits(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect_outcome(context, "{\"device\":\"WASI@1.0\"}",
                         "{\"path\":\"fd_close\",\"args\":{\"1\":\"3\"}}", AO_OUTCOME_ERROR,
                         400);
    world_expect_outcome(context, "{\"device\":\"WASI@1.0\",\"state\":{\"a\":\"b\"}}",
                         "{\"path\":\"fd_close\",\"args\":{\"1\":\"3\"}}", AO_OUTCOME_ERROR,
                         400);
    world_expect_outcome(context, "{\"device\":\"WASI@1.0\",\"state\":\"x\"}",
                         "{\"path\":\"fd_close\",\"args\":{\"1\":\"3\"}}", AO_OUTCOME_ERROR,
                         400);
    ao_context_free(context);
}

static void other_keys_are_those_of_a_message(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{\"device\":\"WASI@1.0\",\"fd_close\":\"mine\"}",
                 "{\"path\":\"fd_close\"}", "{\"is\":\"mine\"}");
    world_expect(context, "{\"device\":\"emscripten@1.0\",\"time\":\"late\"}",
                 "{\"path\":\"time\"}", "{\"is\":\"late\"}");
    world_expect_outcome(context, "{\"device\":\"WASI@1.0\"}",
                         "{\"path\":\"no_such_function\",\"args\":{\"1\":\"3\"}}",
                         AO_OUTCOME_ERROR, 0);
    world_expect_outcome(context, "{\"device\":\"emscripten@1.0\"}",
                         "{\"path\":\"invoke_v\",\"args\":{\"1\":\"3\"}}", AO_OUTCOME_ERROR, 0);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_sets_streams_and_places),
        cmocka_unit_test(init_keeps_what_is_there),
        cmocka_unit_test(compute_gives_the_base),
        cmocka_unit_test(functions_need_a_guest_that_waits),
        cmocka_unit_test(other_keys_are_those_of_a_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
