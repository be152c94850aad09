/* structured@1.0: types both ways, and what hostile annotated messages come to. */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "beamr/ao/message.h"
#include "codec/annotated.h"
#include "codec/codecs.h"

static ao_value value_of(const char *type, const char *text)
{
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};

    if (codec_value(beamr_bytes_of(type), beamr_bytes_of(text), NULL, &value, &err) != BEAMR_OK)
        fail_msg("%s as %s: %s", text, type, err.text);
    return value;
}

static beamr_status refusal(const char *type, const char *text)
{
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};
    beamr_status st =
        codec_value(beamr_bytes_of(type), beamr_bytes_of(text), NULL, &value, &err);

    assert_true(st == BEAMR_OK || (err.status == st && err.text[0]));
    ao_value_unref(value);
    return st;
}

/* The message {v: value}, the value taken over. */
static ao_message *message_of(ao_value value)
{
    ao_message *message = NULL, *empty = ao_message_empty();

    assert_int_equal(ao_message_with(empty, "v", value, &message, NULL), BEAMR_OK);
    ao_message_unref(empty);
    return message;
}

static ao_message *annotate(const ao_message *message)
{
    ao_value encoded = AO_NO_VALUE;
    beamr_error err = {0};

    if (codec_structured.encode(NULL, message, &encoded, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return ao_to_message(encoded);
}

static void assert_round_trip(ao_value value)
{
    ao_message *message = message_of(value), *annotated = annotate(message), *back = NULL;
    beamr_error err = {0};

    if (codec_structured.decode(NULL, ao_message_value(annotated), &back, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_true(ao_value_equal(ao_message_value(message), ao_message_value(back)));
    ao_message_unref(back);
    ao_message_unref(annotated);
    ao_message_unref(message);
}

static ao_value pair(ao_value a, ao_value b)
{
    return ao_list_new((ao_value[]){a, b}, 2);
}

static ao_value bytes_value(const char *data, size_t len)
{
    return ao_binary_copy((beamr_bytes){(const uint8_t *)data, len});
}

static void values_survive_the_round_trip(void **state)
{
    ao_value big = value_of("integer", "-123456789012345678901234567890");

    (void)state;
    assert_round_trip(big);
    assert_round_trip(ao_integer(INT64_MIN));
    assert_round_trip(ao_float(4.9406564584124654e-324));
    assert_round_trip(ao_float(-1.7976931348623157e308));
    assert_round_trip(ao_float(-0.0));
    assert_round_trip(ao_atom("with \"quotes\" \\ and\nlines"));
    assert_round_trip(ao_atom(""));
    assert_round_trip(bytes_value("\0\r\n\xff", 4));
    assert_round_trip(ao_list_new(NULL, 0));
    assert_round_trip(ao_binary_text(""));
    assert_round_trip(ao_message_value(ao_message_empty()));
}

static void lists_survive_the_round_trip(void **state)
{
    ao_value many[25];

    (void)state;
    assert_round_trip(pair(bytes_value("\0\x1b\xff, \"\\", 7), ao_float(0.1)));
    assert_round_trip(pair(ao_integer(1), pair(ao_atom("a\"b"), ao_list_new(NULL, 0))));
    assert_round_trip(pair(pair(ao_integer(1), ao_integer(2)), ao_binary_text("x")));
    assert_round_trip(pair(ao_binary_text("x"), ao_message_value(message_of(ao_integer(1)))));
    assert_round_trip(
        pair(ao_binary_text("x"),
             pair(ao_integer(1), pair(ao_message_value(ao_message_empty()), ao_atom("true")))));
    for (int i = 0; i < 25; i++)
        many[i] = i == 3 ? ao_message_value(message_of(ao_integer(i))) : ao_integer(i);
    assert_round_trip(ao_list_new(many, 25));
    /* A text that would be read as an integer, were it written as a string. */
    assert_round_trip(pair(ao_binary_text("(ao-type-integer) 1"), ao_binary_text("x")));
}

static void lists_with_a_message_anywhere_are_numbered(void **state)
{
    ao_message *message =
        message_of(pair(ao_binary_text("x"), ao_message_value(message_of(ao_integer(1)))));
    ao_message *annotated = annotate(message);
    const ao_message *list = ao_to_message(ao_message_find_text(annotated, "v"));

    (void)state;
    assert_non_null(list);
    assert_int_equal(ao_message_count(list), 2);
    assert_int_equal(ao_message_find_text(list, "2").kind, AO_MESSAGE);
    ao_message_unref(annotated);
    ao_message_unref(message);
}

static void keys_in_types_are_escaped(void **state)
{
    static const char *const keys[] = {
        "a b",     "100%",         "q=\"1\", x",
        "/?&+-._", "\xc3\xa9\xff", "KEY-of-43-bytes-with-UPPER-case-as-ids-have"};

    (void)state;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        ao_message *message = NULL, *empty = ao_message_empty(), *annotated, *back = NULL;

        assert_int_equal(ao_message_with(empty, keys[i], ao_integer(7), &message, NULL),
                         BEAMR_OK);
        annotated = annotate(message);
        assert_int_equal(
            codec_structured.decode(NULL, ao_message_value(annotated), &back, NULL), BEAMR_OK);
        assert_true(ao_value_equal(ao_message_value(message), ao_message_value(back)));
        ao_message_unref(back);
        ao_message_unref(annotated);
        ao_message_unref(message);
        ao_message_unref(empty);
    }
}

static void floats_do_not_depend_on_the_locale(void **state)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"};
    bool is_set = false;

    (void)state;
    for (size_t i = 0; i < 3 && !is_set; i++)
        is_set = setlocale(LC_ALL, locales[i]) != NULL;
    assert_round_trip(ao_float(1.5));
    assert_true(value_of("float", "2.5").of.number == 2.5);
    setlocale(LC_ALL, "C");
    if (!is_set)
        skip(); /* no such locale here */
}

static void unquoted_forms_are_read(void **state)
{
    ao_value list = value_of("list", "(ao-type-integer) 1,(ao-type-atom) \"a,b\" , (1 x), tok");

    (void)state;
    assert_int_equal(ao_list_count(list), 4);
    assert_int_equal(ao_list_at(list, 0).of.integer, 1);
    assert_true(ao_is_atom(ao_list_at(list, 1), "a,b"));
    assert_int_equal(ao_list_count(ao_list_at(list, 2)), 2);
    assert_true(ao_is_atom(ao_list_at(list, 3), "tok"));
    ao_value_unref(list);
}

static void wrong_texts_are_refused(void **state)
{
    static const char *const rows[][2] = {
        {"integer", ""},
        {"integer", "+1"},
        {"integer", "1.0"},
        {"integer", "-"},
        {"integer", " 1"},
        {"float", "5"},
        {"float", ".5"},
        {"float", "5."},
        {"float", "1.5e"},
        {"float", "1.5e+"},
        {"float", "nan"},
        {"float", "0x1.8p1"},
        {"float", "1.0e999"},
        {"float", "1.5 "},
        {"atom", ""},
        {"atom", "5"},
        {"atom", "\"a"},
        {"list", "1,"},
        {"list", "\"a"},
        {"map", "a="},
        {"map", "=1"},
        {"binary", "x"},
        {"nonsense", "x"},
        {"", "x"},
        {"list", "\"(ao-type-x) 1\""},
        {"list", "\"(ao-type-integer)1\""},
        {"list", "\"(ao-type-integer\""},
        {"empty-list", "x"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (refusal(rows[i][0], rows[i][1]) != BEAMR_MESSAGE)
            fail_msg("%s as %s is taken", rows[i][1], rows[i][0]);
}

static void a_wrong_type_names_its_key(void **state)
{
    ao_message *annotated = NULL, *back = NULL;
    ao_builder builder;
    beamr_error err = {0};

    (void)state;
    ao_builder_begin(&builder, NULL, NULL, NULL);
    ao_builder_put(&builder, "ao-types", ao_binary_text("height=\"integer\""));
    ao_builder_put(&builder, "height", ao_binary_text("tall"));
    assert_int_equal(ao_builder_end(&builder, &annotated), BEAMR_OK);
    assert_int_equal(codec_structured.decode(NULL, ao_message_value(annotated), &back, &err),
                     BEAMR_MESSAGE);
    assert_non_null(strstr(err.text, "height"));
    ao_message_unref(annotated);
}

static void private_keys_come_from_nowhere(void **state)
{
    arena a;
    codec_node *node;
    ao_message *message = NULL;

    (void)state;
    arena_init(&a, 1 << 20);
    node = codec_node_new(&a);
    assert_int_equal(codec_node_add_bytes(&a, node, beamr_bytes_of("PRIVate"),
                                          beamr_bytes_of("x"), AO_NO_VALUE, NULL),
                     BEAMR_OK);
    assert_int_equal(codec_message(node, NULL, &message, NULL), BEAMR_OK);
    assert_int_equal(ao_private_find(message, "x").kind, AO_NONE);
    assert_true(
        ao_value_equal(ao_message_value(message), ao_message_value(ao_message_empty())));
    ao_message_unref(message);
    arena_clear(&a);
}

static void deep_lists_end_with_a_limit(void **state)
{
    static char text[64 + 16 * 4096];
    ao_value deep = pair(ao_integer(1), ao_integer(1));
    ao_message *message;
    ao_value encoded = AO_NO_VALUE;
    beamr_error err = {0};

    (void)state;
    /* Read: lists within lists, without the quotes that would double. */
    for (int i = 0; i < 4096; i++)
        memcpy(text + i * 15, "(ao-type-list) ", 15);
    strcpy(text + 4096 * 15, "1");
    assert_int_equal(refusal("list", text), BEAMR_LIMIT);
    /* Write: texts whose escapes double with each level. */
    for (int i = 0; i < 100; i++)
        deep = pair(ao_binary_text("\""), deep);
    message = message_of(deep);
    assert_int_equal(codec_structured.encode(NULL, message, &encoded, &err), BEAMR_LIMIT);
    ao_message_unref(message);
}

/* Each text alone would be small enough. */
static void many_nested_lists_end_with_a_limit(void **state)
{
    ao_message *message = NULL;
    ao_value encoded = AO_NO_VALUE;
    ao_builder builder;
    beamr_error err = {0};

    (void)state;
    ao_builder_begin(&builder, NULL, NULL, NULL);
    for (int i = 0; i < 40; i++) {
        ao_value deep = pair(ao_integer(1), ao_integer(1));
        char key[16];

        for (int level = 0; level < 18; level++)
            deep = pair(ao_integer(1), deep);
        snprintf(key, sizeof key, "k%d", i);
        ao_builder_put(&builder, key, deep);
    }
    assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
    assert_int_equal(codec_structured.encode(NULL, message, &encoded, &err), BEAMR_LIMIT);
    ao_message_unref(message);
}

static void limits_hold_for_lists(void **state)
{
    ao_limits limits = {16, 10, 1000};
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(codec_value(beamr_bytes_of("list"),
                                 beamr_bytes_of("1,2,3,4,5,6,7,8,9,10,11"), &limits, &value,
                                 &err),
                     BEAMR_LIMIT);
}

/* As a node does it, with nodes that are deeper than messages can be. */
static void deep_nodes_end_with_a_limit(void **state)
{
    arena a;
    codec_node *node;
    ao_message *message = NULL;
    beamr_error err = {0};

    (void)state;
    arena_init(&a, 64 << 20);
    node = codec_node_new(&a);
    for (int i = 0; i < 10000; i++) {
        codec_node *outer = codec_node_new(&a);

        assert_int_equal(codec_node_add_node(&a, outer, beamr_bytes_of("k"), node, NULL),
                         BEAMR_OK);
        node = outer;
    }
    assert_int_equal(codec_message(node, NULL, &message, &err), BEAMR_LIMIT);
    arena_clear(&a);
}

static void an_arena_without_room_is_a_limit(void **state)
{
    ao_message *message = message_of(value_of("integer", "5"));
    codec_node *node = NULL;
    beamr_error err = {0};
    arena a;

    (void)state;
    arena_init(&a, 100);
    assert_int_equal(codec_annotate(&a, message, NULL, &node, &err), BEAMR_LIMIT);
    arena_clear(&a);
    ao_message_unref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_survive_the_round_trip),
        cmocka_unit_test(lists_survive_the_round_trip),
        cmocka_unit_test(lists_with_a_message_anywhere_are_numbered),
        cmocka_unit_test(keys_in_types_are_escaped),
        cmocka_unit_test(floats_do_not_depend_on_the_locale),
        cmocka_unit_test(unquoted_forms_are_read),
        cmocka_unit_test(wrong_texts_are_refused),
        cmocka_unit_test(a_wrong_type_names_its_key),
        cmocka_unit_test(private_keys_come_from_nowhere),
        cmocka_unit_test(deep_lists_end_with_a_limit),
        cmocka_unit_test(many_nested_lists_end_with_a_limit),
        cmocka_unit_test(limits_hold_for_lists),
        cmocka_unit_test(deep_nodes_end_with_a_limit),
        cmocka_unit_test(an_arena_without_room_is_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
