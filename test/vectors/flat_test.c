/* flat.json: messages as paths, as text, and back. */
#include "vectors/notation.h"

#include "codec/annotated.h"
#include "codec/codecs.h"

/* The lines of `config-file` hold one that the reference loses: its value has `: ` in it. A
 * line is to be split at the first `: `, so the key is there. */
static const char *const wider = "config-file", *const wider_key = "url",
                         *const wider_value = "http://x: y";

static ao_message *decode(const char *name, ao_value text)
{
    ao_message *message = NULL;
    beamr_error err = {0};

    if (codec_flat.decode(NULL, text, &message, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    return message;
}

/* The message with the key that the reference loses. */
static ao_message *widen(BEAMR_OWN ao_message *message)
{
    ao_message *more = NULL;

    assert_int_equal(
        ao_message_with(message, wider_key, ao_binary_text(wider_value), &more, NULL),
        BEAMR_OK);
    ao_message_unref(message);
    return more;
}

static void check_text(const char *name, const json_t *vector)
{
    ao_value text = notation_value(notation_member(vector, "text"));
    ao_message *expected = notation_message(notation_member(vector, "message"));
    ao_message *message = decode(name, text);

    if (strcmp(name, wider) == 0)
        expected = widen(expected);
    notation_assert_equal(ao_message_value(message), ao_message_value(expected), name);
    ao_message_unref(message);
    ao_message_unref(expected);
    ao_value_unref(text);
}

/* The message as paths. */
static ao_message *flatten(const ao_message *message)
{
    arena a;
    codec_node *node = NULL, *flat = NULL;
    ao_message *out = NULL;

    arena_init(&a, 1 << 20);
    assert_int_equal(codec_annotate(&a, message, NULL, &node, NULL), BEAMR_OK);
    assert_int_equal(codec_flatten(&a, node, &flat, NULL), BEAMR_OK);
    assert_int_equal(codec_node_to_message(flat, NULL, &out, NULL), BEAMR_OK);
    arena_clear(&a);
    return out;
}

static void check_both_ways(const char *name, const json_t *vector)
{
    ao_message *message = notation_message(notation_member(vector, "message"));
    ao_message *flat = flatten(message), *back;
    ao_value expected_flat = notation_value(notation_member(vector, "flat"));
    ao_value expected = notation_value(notation_member(vector, "serialized"));
    ao_value text = AO_NO_VALUE;
    beamr_error err = {0};

    notation_assert_equal(ao_message_value(flat), expected_flat, name);
    if (codec_flat.encode(NULL, message, &text, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    notation_assert_equal(text, expected, name);
    back = decode(name, text);
    assert_true(json_is_true(notation_member(vector, "back-matches")));
    notation_assert_equal(ao_message_value(back), ao_message_value(message), name);
    ao_message_unref(back);
    ao_message_unref(flat);
    ao_message_unref(message);
    ao_value_unref(expected);
    ao_value_unref(expected_flat);
    ao_value_unref(text);
}

static void check(const char *name, const json_t *vector)
{
    if (json_object_get(vector, "text"))
        check_text(name, vector);
    else
        check_both_ways(name, vector);
}

static void texts_and_messages(void **state)
{
    (void)state;
    notation_each("flat.json", 5, check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
