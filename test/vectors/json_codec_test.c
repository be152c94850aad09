/* json-codec.json: messages as JSON and back, and JSON that others wrote. */
#include "vectors/notation.h"

#include "codec/codecs.h"

static ao_message *decode(const char *name, const char *json)
{
    ao_value text = ao_binary_text(json);
    ao_message *message = NULL;
    beamr_error err = {0};

    if (codec_json.decode(NULL, text, &message, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    ao_value_unref(text);
    return message;
}

static void check_both_ways(const char *name, const json_t *vector)
{
    ao_message *message = notation_message(notation_member(vector, "message")), *back;
    const char *json = notation_text(vector, "json");
    ao_value text = AO_NO_VALUE, expected = ao_binary_text(json);
    beamr_error err = {0};

    if (codec_json.encode(NULL, message, &text, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    notation_assert_equal(text, expected, name);
    back = decode(name, json);
    assert_true(json_is_true(notation_member(vector, "back-matches")));
    notation_assert_equal(ao_message_value(back), ao_message_value(message), name);
    ao_message_unref(back);
    ao_message_unref(message);
    ao_value_unref(text);
    ao_value_unref(expected);
}

static void check_decoding(const char *name, const json_t *vector)
{
    ao_message *expected = notation_message(notation_member(vector, "decoded"));
    ao_message *message = decode(name, notation_text(vector, "json"));

    notation_assert_equal(ao_message_value(message), ao_message_value(expected), name);
    ao_message_unref(message);
    ao_message_unref(expected);
}

static void check(const char *name, const json_t *vector)
{
    if (json_object_get(vector, "decoded"))
        check_decoding(name, vector);
    else
        check_both_ways(name, vector);
}

static void texts_and_messages(void **state)
{
    (void)state;
    notation_each("json-codec.json", 6, check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
