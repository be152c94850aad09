/* Structured fields: what is read, where it stops, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/field.h"

enum { MEMORY = 1 << 20 };

static void assert_text(beamr_bytes is, const char *expected)
{
    assert_int_equal(is.len, strlen(expected));
    if (is.len)
        assert_memory_equal(is.data, expected, is.len);
}

static void item_kinds_are_read(void **state)
{
    static const struct {
        const char *text;
        field_kind kind;
        int64_t integer;
        const char *bytes;
    } rows[] = {
        {"5", FIELD_INTEGER, 5, "5"},
        {"-999999999999999", FIELD_INTEGER, -999999999999999, "-999999999999999"},
        {"-0.5", FIELD_DECIMAL, -500, "-0.5"},
        {"12.345", FIELD_DECIMAL, 12345, "12.345"},
        {"\"a\\\"b\\\\\"", FIELD_STRING, 0, "a\"b\\"},
        {"  \"\"  ", FIELD_STRING, 0, ""},
        {"*to/ke:n", FIELD_TOKEN, 0, "*to/ke:n"},
        {":AQI=:", FIELD_BYTES, 0, "\1\2"},
        {"::", FIELD_BYTES, 0, ""},
        {"?1", FIELD_BOOLEAN, 1, ""},
        {"?0", FIELD_BOOLEAN, 0, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        arena a;
        field_item item;
        beamr_error err = {0};

        arena_init(&a, MEMORY);
        if (field_read_item(&a, beamr_bytes_of(rows[i].text), FIELD_STRICT, &item, &err) !=
            BEAMR_OK)
            fail_msg("%s: %s", rows[i].text, err.text);
        assert_int_equal(item.kind, rows[i].kind);
        assert_int_equal(item.integer, rows[i].integer);
        assert_text(item.bytes, rows[i].bytes);
        arena_clear(&a);
    }
}

static void malformed_items_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *text;
        uint64_t offset;
    } rows[] = {
        {"", 0},
        {"5 6", 2},
        {"\"abc", 4},
        {"\"a\\n\"", 3},
        {"\"a\001\"", 2},
        {"\"\xc3\xa9\"", 1},
        {":AQI:", 1},
        {":AQI=", 5},
        {"?2", 1},
        {"-", 1},
        {"1.", 2},
        {"1.2345", 0},
        {"1234567890123456", 0},
        {"@12", 0},
        {"%\"a\"", 0},
        {"a;", 2},
        {"a;=1", 2},
        {"a;b=", 4},
        {"a,b", 1},
        {"=", 0},
        {"1234567890123.1", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        arena a;
        field_item item;
        beamr_error err = {0};

        arena_init(&a, MEMORY);
        if (field_read_item(&a, beamr_bytes_of(rows[i].text), FIELD_STRICT, &item, &err) !=
                BEAMR_MESSAGE ||
            err.offset != rows[i].offset)
            fail_msg("%s: byte %u, %s", rows[i].text, (unsigned)err.offset, err.text);
        arena_clear(&a);
    }
}

static void lists_dictionaries_and_parameters_are_read(void **state)
{
    arena a;
    field_list list;
    field_dictionary members;
    beamr_error err = {0};

    (void)state;
    arena_init(&a, MEMORY);
    assert_int_equal(field_read_list(&a, beamr_bytes_of("1 ,\t(\"a\" b;x);y=2, ?0"),
                                     FIELD_STRICT, &list, &err),
                     BEAMR_OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.items[1].kind, FIELD_INNER_LIST);
    assert_int_equal(list.items[1].count, 2);
    assert_int_equal(field_param_find(&list.items[1], "y")->integer, 2);
    assert_int_equal(field_param_find(&list.items[1].items[1], "x")->kind, FIELD_BOOLEAN);
    assert_null(field_param_find(&list.items[1], "x"));
    assert_int_equal(field_read_list(&a, beamr_bytes_of(""), FIELD_STRICT, &list, &err),
                     BEAMR_OK);
    assert_int_equal(list.count, 0);

    assert_int_equal(
        field_read_dictionary(&a, beamr_bytes_of("aB%2=1, 9x=(1 2);q, c;d=5, aB%2=\"last\""),
                              FIELD_STRICT, &members, &err),
        BEAMR_OK);
    assert_int_equal(members.count, 3); /* of equal keys the last */
    assert_text(field_dictionary_find(&members, beamr_bytes_of("aB%2"))->bytes, "last");
    assert_int_equal(field_dictionary_find(&members, beamr_bytes_of("9x"))->count, 2);
    assert_int_equal(field_dictionary_find(&members, beamr_bytes_of("c"))->integer, 1);
    assert_null(field_dictionary_find(&members, beamr_bytes_of("ab%2")));
    arena_clear(&a);
}

static void malformed_lists_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *text;
        uint64_t offset;
    } rows[] = {
        {"1,", 2}, {"1,,2", 2}, {",1", 0}, {"1 2", 2}, {"(1", 2}, {"(1,2)", 2}, {"((1))", 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        arena a;
        field_list list;
        beamr_error err = {0};

        arena_init(&a, MEMORY);
        if (field_read_list(&a, beamr_bytes_of(rows[i].text), FIELD_STRICT, &list, &err) !=
                BEAMR_MESSAGE ||
            err.offset != rows[i].offset)
            fail_msg("%s: byte %u, %s", rows[i].text, (unsigned)err.offset, err.text);
        arena_clear(&a);
    }
}

static void lenient_reading_takes_any_bytes_digits_and_keys(void **state)
{
    arena a;
    field_item item;
    field_list list;
    field_dictionary members;
    beamr_error err = {0};

    (void)state;
    arena_init(&a, MEMORY);
    assert_int_equal(
        field_read_item(&a, beamr_bytes_of("\"\xff\r\n\""), FIELD_LENIENT, &item, &err),
        BEAMR_OK);
    assert_text(item.bytes, "\xff\r\n");
    assert_int_equal(field_read_item(&a, beamr_bytes_of("-99999999999999999999"), FIELD_LENIENT,
                                     &item, &err),
                     BEAMR_OK);
    assert_int_equal(item.integer, INT64_MIN);
    assert_text(item.bytes, "-99999999999999999999");
    assert_int_equal(
        field_read_dictionary(&a, beamr_bytes_of("a/b?c&d+=1"), FIELD_LENIENT, &members, &err),
        BEAMR_OK);
    assert_int_equal(
        field_read_dictionary(&a, beamr_bytes_of("a/b=1"), FIELD_STRICT, &members, &err),
        BEAMR_MESSAGE);
    assert_int_equal(field_read_list(&a, beamr_bytes_of("(ao-type-atom) \"x,\\\"y\" , 2"),
                                     FIELD_LENIENT | FIELD_ANNOTATED, &list, NULL),
                     BEAMR_OK);
    assert_int_equal(list.count, 2);
    assert_text(list.items[0].bytes, "(ao-type-atom) \"x,\\\"y\"");
    arena_clear(&a);
}

static void what_is_written_reads_the_same(void **state)
{
    static const char text[] = "a=1, b=\"x\\\"\\\\\", c=?0, d, e=(1 t;p);q=:AQI=:, f;g=-1.5";
    arena a;
    field_dictionary members;
    field_text out = {.a = &a};
    beamr_error err = {0};

    (void)state;
    arena_init(&a, MEMORY);
    assert_int_equal(
        field_read_dictionary(&a, beamr_bytes_of(text), FIELD_STRICT, &members, &err),
        BEAMR_OK);
    for (size_t i = 0; i < members.count; i++)
        field_text_add_member(&out, &members.members[i]);
    assert_text(field_text_bytes(&out), text);
    arena_clear(&a);
}

static void numbers_without_a_text_are_written(void **state)
{
    static const struct {
        field_kind kind;
        int64_t integer;
        const char *text;
    } rows[] = {
        {FIELD_INTEGER, INT64_MIN, "-9223372036854775808"},
        {FIELD_INTEGER, 0, "0"},
        {FIELD_DECIMAL, -1500, "-1.5"},
        {FIELD_DECIMAL, 2000, "2.0"},
        {FIELD_DECIMAL, 7, "0.007"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        field_item item = {.kind = rows[i].kind, .integer = rows[i].integer};
        arena a;
        field_text out = {.a = &a};

        arena_init(&a, MEMORY);
        field_text_add_item(&out, &item);
        assert_text(field_text_bytes(&out), rows[i].text);
        arena_clear(&a);
    }
}

static void an_arena_without_room_is_a_limit(void **state)
{
    char text[4096];
    arena a;
    field_list list;
    field_text out = {.a = &a};
    beamr_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ',' : '1';
    arena_init(&a, 16384);
    assert_int_equal(field_read_list(&a, (beamr_bytes){(const uint8_t *)text, sizeof text - 1},
                                     FIELD_STRICT, &list, &err),
                     BEAMR_LIMIT);
    for (int i = 0; i < 100; i++)
        field_text_add(&out, (beamr_bytes){(const uint8_t *)text, 1000});
    assert_true(out.is_full);
    arena_clear(&a);
}

/* Many members with equal keys, many parameters, many colons: all in linear time, which shows
 * as ending at all. */
static void long_hostile_texts_end(void **state)
{
    static const char *const units[] = {"a,", "a;a;a;", "a=(1 2),", "\"\\\\\",", "a=::,"};
    enum { SIZE = 2 << 20 };
    char *text = malloc(SIZE);

    (void)state;
    assert_non_null(text);
    for (size_t u = 0; u < sizeof units / sizeof units[0]; u++) {
        size_t len = strlen(units[u]);
        field_dictionary members;
        arena a;

        for (size_t i = 0; i < SIZE; i++)
            text[i] = units[u][i % len];
        arena_init(&a, (size_t)2 << 30);
        (void)field_read_dictionary(&a, (beamr_bytes){(const uint8_t *)text, SIZE},
                                    FIELD_LENIENT, &members, NULL);
        arena_clear(&a);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(item_kinds_are_read),
        cmocka_unit_test(malformed_items_are_refused_with_their_place),
        cmocka_unit_test(lists_dictionaries_and_parameters_are_read),
        cmocka_unit_test(malformed_lists_are_refused_with_their_place),
        cmocka_unit_test(lenient_reading_takes_any_bytes_digits_and_keys),
        cmocka_unit_test(what_is_written_reads_the_same),
        cmocka_unit_test(numbers_without_a_text_are_written),
        cmocka_unit_test(an_arena_without_room_is_a_limit),
        cmocka_unit_test(long_hostile_texts_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
