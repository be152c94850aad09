/* structured.json: texts of values, values of texts, and annotated messages. */
#include "vectors/notation.h"

#include <stdio.h>

#include "codec/codecs.h"

/* Vectors of which the reference refuses what is required to be read here. */
static const struct {
    const char *name, *reason;
} wider[] = {
    {"decode-int-16-digits", "integers of any size are read, so that all that is written is"},
    {"decode-int-alias", "`int` is what documents call an integer; nothing else can be meant"},
    {"decode-atom-unknown", "any name is an atom, not only those that a machine has met"},
};

static bool is_wider(const char *name)
{
    for (size_t i = 0; i < sizeof wider / sizeof wider[0]; i++)
        if (strcmp(wider[i].name, name) == 0)
            return true;
    return false;
}

/* The annotated message with one key `v`. */
static ao_message *encoded_of(const json_t *value)
{
    ao_builder builder;
    ao_message *message = NULL;
    ao_value encoded = AO_NO_VALUE;
    beamr_error err = {0};

    ao_builder_begin(&builder, NULL, NULL, &err);
    ao_builder_put(&builder, "v", notation_value(value));
    assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
    if (codec_structured.encode(NULL, message, &encoded, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_message_unref(message);
    return ao_to_message(encoded);
}

static void check_encoding(const char *name, const json_t *vector)
{
    const json_t *value = json_object_get(vector, "value");
    char type[64];
    ao_message *encoded;
    ao_value text, types;

    if (!value)
        return;
    encoded = encoded_of(value);
    snprintf(type, sizeof type, "v=\"%s\"", notation_text(vector, "type"));
    text = notation_value(notation_member(vector, "encoded"));
    types = ao_binary_text(type);
    notation_assert_equal(ao_message_find_text(encoded, "v"), text, name);
    notation_assert_equal(ao_message_find_text(encoded, "ao-types"), types, name);
    ao_value_unref(text);
    ao_value_unref(types);
    ao_message_unref(encoded);
}

static void check_decoding(const char *name, const json_t *vector)
{
    const json_t *decoded = notation_member(vector, "decoded");
    ao_value text = notation_value(notation_member(vector, "encoded"));
    ao_value value = AO_NO_VALUE, expected;
    beamr_error err = {0};
    beamr_status st = codec_structured.decode_value(
        NULL, beamr_bytes_of(notation_text(vector, "type")), ao_bytes(text), &value, &err);

    if (notation_is_error(decoded) && !is_wider(name)) {
        assert_int_equal(st, BEAMR_MESSAGE);
        assert_string_not_equal(err.text, "");
    } else if (st != BEAMR_OK) {
        fail_msg("%s: %s", name, err.text);
    } else if (!is_wider(name)) {
        expected = notation_value(decoded);
        notation_assert_equal(value, expected, name);
        ao_value_unref(expected);
    }
    ao_value_unref(value);
    ao_value_unref(text);
}

static void check_annotated(const char *name, const json_t *vector)
{
    ao_value annotated = notation_value(notation_member(vector, "tabm"));
    ao_value expected = notation_value(notation_member(vector, "structured"));
    ao_message *message = NULL;
    beamr_error err = {0};

    if (codec_structured.decode(NULL, annotated, &message, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    notation_assert_equal(ao_message_value(message), expected, name);
    ao_message_unref(message);
    ao_value_unref(expected);
    ao_value_unref(annotated);
}

static void values_and_annotated_messages(void **state)
{
    json_t *file = notation_file("structured.json");
    const json_t *vectors = notation_member(file, "vectors"), *vector;
    size_t i;

    (void)state;
    assert_int_equal(json_array_size(vectors), 36);
    json_array_foreach(vectors, i, vector)
    {
        const char *name = notation_text(vector, "name");

        if (json_object_get(vector, "tabm")) {
            check_annotated(name, vector);
            continue;
        }
        check_encoding(name, vector);
        check_decoding(name, vector);
    }
    json_decref(file);
}

/* The messages of ids.json, with their annotated forms. */
static void messages_of_ids_are_annotated(void **state)
{
    json_t *file = notation_file("ids.json");
    const json_t *vectors = notation_member(file, "vectors"), *vector;
    size_t i;

    (void)state;
    json_array_foreach(vectors, i, vector)
    {
        ao_message *message = notation_message(notation_member(vector, "message"));
        ao_message *given = notation_message(notation_member(vector, "tabm"));
        ao_value encoded = AO_NO_VALUE;
        ao_message *expected = NULL;
        beamr_error err = {0};

        /* `priv-excluded` shows private state, which is no part of an encoding. */
        assert_int_equal(ao_message_reset(given, &expected, &err), BEAMR_OK);
        if (codec_structured.encode(NULL, message, &encoded, &err) != BEAMR_OK)
            fail_msg("%s: %s", notation_text(vector, "name"), err.text);
        notation_assert_equal(encoded, ao_message_value(expected),
                              notation_text(vector, "name"));
        ao_value_unref(encoded);
        ao_message_unref(expected);
        ao_message_unref(given);
        ao_message_unref(message);
    }
    assert_int_equal(i, 59);
    json_decref(file);
}

/* What the wider vectors are read as. */
static void wider_vectors_give_values(void **state)
{
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(codec_structured.decode_value(NULL, beamr_bytes_of("integer"),
                                                   beamr_bytes_of("1234567890123456"), &value,
                                                   &err),
                     BEAMR_OK);
    assert_int_equal(value.kind, AO_INTEGER);
    assert_int_equal(value.of.integer, 1234567890123456);
    assert_int_equal(codec_structured.decode_value(NULL, beamr_bytes_of("atom"),
                                                   beamr_bytes_of("\"zzz-unknown-atom\""),
                                                   &value, &err),
                     BEAMR_OK);
    assert_true(ao_is_atom(value, "zzz-unknown-atom"));
    ao_value_unref(value);
    assert_int_equal(codec_structured.decode_value(NULL, beamr_bytes_of("int"),
                                                   beamr_bytes_of("1"), &value, &err),
                     BEAMR_OK);
    assert_int_equal(value.of.integer, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_annotated_messages),
        cmocka_unit_test(messages_of_ids_are_annotated),
        cmocka_unit_test(wider_vectors_give_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
