/* What the tests of devices share: a context, resolving with what must come out. */
#ifndef TEST_UNIT_DEVICE_WORLD_H
#define TEST_UNIT_DEVICE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "beamr/ao.h"

/* A context of a memory store. `options`: JSON text of its values; NULL for none. */
static inline ao_context *world_open(const ao_wallet *wallet, const ao_message *values)
{
    ao_settings settings = {.kv = "memory", .wallet = wallet, .values = values};
    ao_context *context = NULL;
    beamr_error err = {0};

    if (ao_context_new(&settings, &context, &err) != BEAMR_OK)
        fail_msg("context: %s", err.text);
    return context;
}

/* A message out of JSON. */
static inline ao_message *world_message(ao_context *context, const char *json)
{
    ao_value text = ao_binary_text(json);
    ao_message *message = NULL;
    beamr_error err = {0};

    if (ao_decode(context, "json@1.0", text, &message, &err) != BEAMR_OK)
        fail_msg("%s: %s", json, err.text);
    ao_value_unref(text);
    return message;
}

/* Resolve a request on a base, both as JSON. */
static inline ao_result world_resolve(ao_context *context, const char *base,
                                      const char *request)
{
    ao_value b = ao_message_value(world_message(context, base));
    ao_value r = ao_message_value(world_message(context, request));
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    if (ao_resolve_on(context, b, r, NULL, &result, &err) != BEAMR_OK)
        fail_msg("%s on %s: %s: %s", request, base, beamr_status_text(err.status), err.text);
    ao_value_unref(b);
    ao_value_unref(r);
    return result;
}

/* What it gives must be ok and this value, which is the member `is` of a JSON object. */
static inline void world_expect(ao_context *context, const char *base, const char *request,
                                const char *expected)
{
    ao_result result = world_resolve(context, base, request);
    ao_message *holder = world_message(context, expected);

    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    if (!ao_value_equal(result.value, ao_message_find_text(holder, "is")))
        fail_msg("%s on %s is not %s", request, base, expected);
    ao_message_unref(holder);
    ao_value_unref(result.value);
}

/* It must end with this outcome and, if it is not 0, a `status`. */
static inline void world_expect_outcome(ao_context *context, const char *base,
                                        const char *request, ao_outcome outcome,
                                        int64_t expected)
{
    ao_result result = world_resolve(context, base, request);
    ao_message *message = ao_to_message(result.value);
    int64_t status = 0;

    assert_int_equal(result.outcome, outcome);
    if (message)
        (void)ao_to_integer(ao_message_find_text(message, "status"), &status);
    assert_int_equal(status, expected);
    ao_value_unref(result.value);
}

#endif
