/* A context for tests of this layer: a tiny message@1.0, and devices of the test's own. */
#ifndef TEST_UNIT_AO_WORLD_H
#define TEST_UNIT_AO_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "ao/context.h"

/* The value of a key, or not_found. */
static inline beamr_status world_find(ao_call *call, beamr_error *err)
{
    ao_value value = ao_message_find(ao_call_base(call), ao_call_key(call));

    (void)err;
    return value.kind == AO_NONE ? ao_call_not_found(call)
                                 : ao_call_ok(call, ao_value_ref(value));
}

/* The base with the keys of the request. */
static inline beamr_status world_set(ao_call *call, beamr_error *err)
{
    const ao_message *request = ao_call_request(call);
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_builder b;
    ao_value value;

    ao_builder_begin(&b, ao_call_base(call), NULL, err);
    while (request && ao_message_next(request, &cursor, &key, &value))
        if (strcmp((const char *)ao_name_text(key).data, "path") != 0)
            ao_builder_put_name(&b, key, ao_value_ref(value));
    return ao_call_ok(call, ao_builder_value(&b));
}

static const ao_key world_keys[] = {{"set", world_set}, AO_KEYS_END};
static const ao_device world_message = {
    .name = "message@1.0", .keys = world_keys, .default_key = world_find};

static inline ao_context *world_new(const ao_settings *settings)
{
    ao_context *context;

    assert_int_equal(ao_context_make(settings, &context, NULL), BEAMR_OK);
    assert_int_equal(ao_context_add_device(context, &world_message, NULL), BEAMR_OK);
    return context;
}

static inline void world_add(ao_context *context, const ao_device *device)
{
    assert_int_equal(ao_context_add_device(context, device, NULL), BEAMR_OK);
}

/* {key: value} */
static inline ao_value world_message_of(const char *key, ao_value value)
{
    ao_message *message;

    assert_int_equal(ao_message_with(ao_message_empty(), key, value, &message, NULL), BEAMR_OK);
    return ao_message_value(message);
}

/* Resolve a path on a message, which is given back. */
static inline ao_result world_resolve(ao_context *context, ao_value base, const char *path,
                                      const ao_options *options)
{
    ao_value request = ao_binary_text(path);
    beamr_error err = {0};
    ao_result result;

    if (ao_resolve_on(context, base, request, options, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", path, err.text);
    ao_value_unref(request);
    ao_value_unref(base);
    return result;
}

static inline beamr_status world_fail(ao_context *context, ao_value base, const char *path,
                                      const ao_options *options, beamr_error *err)
{
    ao_value request = ao_binary_text(path);
    ao_result result;
    beamr_status st;

    beamr_error_clear(err);
    st = ao_resolve_on(context, base, request, options, &result, err);
    assert_int_not_equal(st, BEAMR_OK);
    ao_value_unref(request);
    ao_value_unref(base);
    return st;
}

static inline void assert_result_text(ao_result result, const char *expected)
{
    beamr_bytes text = ao_text(result.value);

    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
    ao_value_unref(result.value);
}

static inline int64_t result_integer(ao_result result)
{
    int64_t n = -1;

    assert_true(ao_to_integer(result.value, &n));
    ao_value_unref(result.value);
    return n;
}

/* A list to be resolved: two, or three. They are taken over. */
static inline ao_value world_list(ao_value first, ao_value second, ao_value third)
{
    ao_value items[] = {first, second, third};

    return ao_list_new(items, third.kind == AO_NONE ? 2 : 3);
}

/* A request of a path alone. */
static inline ao_value world_path(const char *path)
{
    return world_message_of("path", ao_binary_text(path));
}

#endif
