/* The codecs as devices: src/device/codec.c. */
#include "world.h"

static void json_is_written_and_read(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{\"device\": \"json@1.0\", \"a\": \"b\"}", "{\"path\": \"to\"}",
                 "{\"is\": \"{\\\"a\\\":\\\"b\\\",\\\"device\\\":\\\"json@1.0\\\"}\"}");
    world_expect(context, "{\"device\": \"json@1.0\", \"a\": \"b\"}",
                 "{\"path\": \"serialize/content-type\"}", "{\"is\": \"application/json\"}");
    world_expect(context, "{\"device\": \"json@1.0\"}", "{\"path\": \"content-type\"}",
                 "{\"is\": \"application/json\"}");
    world_expect(context, "{\"device\": \"json@1.0\", \"body\": \"{\\\"n\\\":5}\"}",
                 "{\"path\": \"deserialize\"}", "{\"is\": {\"n\": 5}}");
    world_expect(context, "{\"device\": \"json@1.0\", \"text\": \"{\\\"n\\\":5}\"}",
                 "{\"path\": \"deserialize\", \"target\": \"text\"}", "{\"is\": {\"n\": 5}}");
    world_expect_outcome(context, "{\"device\": \"json@1.0\"}", "{\"path\": \"deserialize\"}",
                         AO_OUTCOME_ERROR, 404);
    ao_context_free(context);
}

static void flat_text_is_read(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{\"device\": \"flat@1.0\", \"body\": \"a/b: c\\n\"}",
                 "{\"path\": \"from\"}", "{\"is\": {\"a\": {\"b\": \"c\"}}}");
    ao_context_free(context);
}

static void messages_of_fields_are_read(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{\"device\": \"structured@1.0\", \"n\": \"5\", \"m\": \"x\"}",
                 "{\"path\": \"from\"}", "{\"is\": {\"n\": \"5\", \"m\": \"x\"}}");
    ao_context_free(context);
}

static void what_cannot_be_decoded_is_raised(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_value base =
        ao_message_value(world_message(context, "{\"device\": \"json@1.0\", \"body\": \"{\"}"));
    ao_value request = ao_binary_text("from");
    ao_result result;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, &err), BEAMR_MESSAGE);
    ao_value_unref(base);
    ao_value_unref(request);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_is_written_and_read),
        cmocka_unit_test(flat_text_is_read),
        cmocka_unit_test(messages_of_fields_are_read),
        cmocka_unit_test(what_cannot_be_decoded_is_raised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
