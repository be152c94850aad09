/* Encoding by name: the codec that the context knows is called, others are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ao/context.h"

static beamr_status encode_x(ao_context *context, const ao_message *message, ao_value *out,
                             beamr_error *err)
{
    (void)context;
    (void)message;
    (void)err;
    *out = ao_binary_text("x");
    return BEAMR_OK;
}

static beamr_status decode_empty(ao_context *context, ao_value encoded, ao_message **out,
                                 beamr_error *err)
{
    (void)context;
    (void)encoded;
    (void)err;
    *out = ao_message_empty();
    return BEAMR_OK;
}

static const ao_codec both = {.name = "both@1.0", .encode = encode_x, .decode = decode_empty};
static const ao_codec neither = {.name = "neither@1.0"};

static void the_named_codec_is_called(void **state)
{
    ao_context *context = *state;
    ao_message *message = ao_message_empty(), *decoded = NULL;
    ao_value text = AO_NO_VALUE;

    assert_int_equal(ao_encode(context, "Both@1.0", message, &text, NULL), BEAMR_OK);
    assert_int_equal(ao_bytes(text).len, 1);
    assert_int_equal(ao_decode(context, "both@1.0", text, &decoded, NULL), BEAMR_OK);
    assert_int_equal(ao_message_count(decoded), 0);
    ao_message_unref(decoded);
    ao_message_unref(message);
    ao_value_unref(text);
}

static void other_names_are_refused(void **state)
{
    static const char *const names[] = {"neither@1.0", "both", "", "unknown@1.0"};
    ao_context *context = *state;
    ao_message *message = ao_message_empty(), *decoded = NULL;
    ao_value text = AO_NO_VALUE;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        beamr_error err = {0};

        assert_int_equal(ao_encode(context, names[i], message, &text, &err), BEAMR_ARGUMENT);
        assert_string_not_equal(err.text, "");
        assert_int_equal(ao_decode(context, names[i], text, &decoded, NULL), BEAMR_ARGUMENT);
    }
    assert_null(decoded);
    ao_message_unref(message);
}

static int make_context(void **state)
{
    ao_context *context = NULL;

    if (ao_context_make(NULL, &context, NULL) != BEAMR_OK ||
        ao_context_add_codec(context, &both, NULL) != BEAMR_OK ||
        ao_context_add_codec(context, &neither, NULL) != BEAMR_OK)
        return -1;
    *state = context;
    return 0;
}

static int free_context(void **state)
{
    ao_context_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_named_codec_is_called),
        cmocka_unit_test(other_names_are_refused),
    };

    return cmocka_run_group_tests(tests, make_context, free_context);
}
