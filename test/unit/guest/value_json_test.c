/* Tests of JSON as trees: src/guest/value_json.c and value_json_write.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "beamr/beamr.h"

static beamr_json *read_text(const char *text)
{
    beamr_json *json;
    beamr_error err = {0};

    if (beamr_json_read(beamr_bytes_of(text), NULL, &json, &err) != BEAMR_OK)
        fail_msg("%s: %s", text, err.text);
    return json;
}

static void assert_refused(beamr_bytes text, const beamr_json_limits *limits,
                           beamr_status status, uint64_t offset, const char *why)
{
    beamr_json *json = NULL;
    beamr_error err = {0};

    if (beamr_json_read(text, limits, &json, &err) != status)
        fail_msg("%.*s: \"%s\"", (int)text.len, (const char *)text.data, err.text);
    assert_null(json);
    if (!strstr(err.text, why) || err.offset != offset)
        fail_msg("%.*s: \"%s\" at %d", (int)(text.len < 99 ? text.len : 99),
                 (const char *)text.data, err.text, (int)err.offset);
}

static void assert_writes(const beamr_json *json, const char *want)
{
    beamr_error err = {0};
    char *text;
    size_t len;

    if (beamr_json_write(json, NULL, &text, &len, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(text, want);
    assert_int_equal(len, strlen(want));
    free(text);
}

/* ---- Reading ---- */

static void a_text_becomes_a_tree(void **state)
{
    beamr_json *json = read_text(" {\"z\": [1, -2.5, true, false, null], \"a\": {}, "
                                 "\"t\": \"\\u0000\\n\\ud83d\\ude00\", \"\": []}\n");
    const beamr_json *list = beamr_json_find(json, "z"), *text = beamr_json_find(json, "t");

    (void)state;
    assert_int_equal(json->kind, BEAMR_JSON_MAP);
    assert_int_equal(json->count, 4);
    assert_string_equal((const char *)json->keys[0].data, "z"); /* the order of the text */
    assert_string_equal((const char *)json->keys[1].data, "a");
    assert_ptr_equal(list, &json->items[0]);
    assert_int_equal(list->kind, BEAMR_JSON_LIST);
    assert_int_equal(list->count, 5);
    assert_int_equal(list->items[0].kind, BEAMR_JSON_INTEGER);
    assert_int_equal(list->items[0].integer, 1);
    assert_int_equal(list->items[1].kind, BEAMR_JSON_FLOAT);
    assert_true(list->items[1].number == -2.5);
    assert_int_equal(list->items[2].kind, BEAMR_JSON_BOOLEAN);
    assert_true(list->items[2].boolean);
    assert_false(list->items[3].boolean);
    assert_int_equal(list->items[4].kind, BEAMR_JSON_NULL);
    assert_int_equal(text->text.len, 6);
    assert_memory_equal(text->text.data, "\0\n\xf0\x9f\x98\x80\0", 7);
    assert_int_equal(beamr_json_find(json, "")->kind, BEAMR_JSON_LIST);
    assert_null(beamr_json_find(json, "b"));
    assert_null(beamr_json_find(list, "b"));
    assert_null(beamr_json_find(NULL, "b"));
    beamr_json_free(json);
    beamr_json_free(NULL);
}

static void a_single_value_is_a_tree(void **state)
{
    static const char *const texts[] = {"null", "-0", "1e2", "\"\"", "[]", "{}", " 7 "};
    static const beamr_json_kind kinds[] = {
        BEAMR_JSON_NULL, BEAMR_JSON_INTEGER, BEAMR_JSON_FLOAT,  BEAMR_JSON_TEXT,
        BEAMR_JSON_LIST, BEAMR_JSON_MAP,     BEAMR_JSON_INTEGER};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        beamr_json *json = read_text(texts[i]);

        assert_int_equal(json->kind, kinds[i]);
        beamr_json_free(json);
    }
}

static void integers_have_64_bits(void **state)
{
    beamr_json *json = read_text("[9223372036854775807,-9223372036854775808]");

    (void)state;
    assert_true(json->items[0].integer == INT64_MAX);
    assert_true(json->items[1].integer == INT64_MIN);
    beamr_json_free(json);
    assert_refused(beamr_bytes_of("[1, 9223372036854775808]"), NULL, BEAMR_ARGUMENT, 4,
                   "an integer of more than 64 bits");
    assert_refused(beamr_bytes_of("-1e999"), NULL, BEAMR_ARGUMENT, 0, "a number is too large");
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
    static const struct {
        const char *text;
        uint64_t offset;
        const char *why;
    } rows[] = {
        {"", 0, "it ends too early"},
        {"[1,]", 3, "no value begins here"},
        {"[1", 2, "it ends too early"},
        {"[1 2]", 3, "neither a comma nor the end"},
        {"[1}", 2, "neither a comma nor the end"},
        {"{\"a\":1,}", 7, "no name begins here"},
        {"{\"a\":1,\"b\"}", 10, "a colon is missing"},
        {"{a:1}", 1, "no name begins here"},
        {"1 2", 2, "something follows the value"},
        {"\"a", 2, "it ends too early"},
        {"\"\x01\"", 1, "a control character in a text"},
        {"\"\\x\"", 2, "no such escape"},
        {"\"\\u12g4\"", 5, "four hexadecimal digits are missing"},
        {"\"\\ud800\"", 1, "half of a surrogate pair"},
        {"\"\\udc00\\ud800\"", 1, "half of a surrogate pair"},
        {"\"\\ud800\\ud800\"", 1, "half of a surrogate pair"},
        {"\"\xc3(\"", 1, "a text that is not UTF-8"},
        {"{\"a\":1,\"a\":2}", 7, "a name is given twice in a map"},
        {"{\"b\":0,\"a\":1,\"c\":0,\"\\u0061\":2}", 19, "a name is given twice in a map"},
        {"nan", 0, "neither true, false nor null"},
        {"truE", 0, "neither true, false nor null"},
        {"01", 1, "something follows the value"},
        {"1.", 2, "it ends too early"},
        {"[.5]", 1, "no value begins here"},
        {"[1.e5]", 3, "a digit is missing"},
        {"[1e]", 3, "a digit is missing"},
        {"[-]", 2, "a digit is missing"},
        {"+1", 0, "no value begins here"},
        {"]", 0, "no value begins here"},
        {"'a'", 0, "no value begins here"},
        {"\xef\xbb\xbf[]", 0, "no value begins here"}, /* a byte order mark */
        {"[\"\\", 3, "it ends too early"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(beamr_bytes_of(rows[i].text), NULL, BEAMR_ARGUMENT, rows[i].offset,
                       rows[i].why);
    assert_refused((beamr_bytes){NULL, 0}, NULL, BEAMR_ARGUMENT, 0, "");
    assert_refused((beamr_bytes){(const uint8_t *)"[1\0]", 4}, NULL, BEAMR_ARGUMENT, 2,
                   "neither a comma nor the end");
    assert_refused((beamr_bytes){(const uint8_t *)"1\0", 2}, NULL, BEAMR_ARGUMENT, 1,
                   "something follows the value");
    assert_refused((beamr_bytes){(const uint8_t *)"\"\0\"", 3}, NULL, BEAMR_ARGUMENT, 1,
                   "a control character in a text");
}

static void limits_hold_before_anything_is_made(void **state)
{
    beamr_json_limits limits = {20, 3, 4};
    beamr_json *json;

    (void)state;
    assert_int_equal(
        beamr_json_read(beamr_bytes_of("[[[\"[[[,,,:\"]], []]"), &limits, &json, NULL),
        BEAMR_LIMIT); /* five values */
    assert_int_equal(
        beamr_json_read(beamr_bytes_of("[[[\"[[[,,,\\\"\"]]]"), &limits, &json, NULL),
        BEAMR_OK);
    beamr_json_free(json);
    assert_refused(beamr_bytes_of("[[[ [ 1 ]]]]"), &limits, BEAMR_LIMIT, 4,
                   "JSON, byte 4: more than 3 lists and maps in each other");
    assert_refused(beamr_bytes_of("[1,2,3,4]"), &limits, BEAMR_LIMIT, 6,
                   "JSON, byte 6: more than 4 values");
    assert_refused(beamr_bytes_of("[                   ]"), &limits, BEAMR_LIMIT, 0,
                   "JSON of 21 bytes, and the limit is 20");
}

/* Names in an order that does not help, and one of them twice. */
static void equal_names_are_found_among_many(void **state)
{
    enum { COUNT = 20000, ROOM = 16 };
    char *text = malloc(COUNT * ROOM);
    size_t len = 0, last = 0;
    beamr_json *json;

    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        last = len + 1;
        len += (size_t)sprintf(text + len, "%c\"%u\":0", i ? ',' : '{', i * 7919u % COUNT);
    }
    text[len++] = '}';
    assert_int_equal(beamr_json_read((beamr_bytes){(uint8_t *)text, len}, NULL, &json, NULL),
                     BEAMR_OK);
    assert_int_equal(json->count, COUNT);
    assert_string_equal((const char *)json->keys[1].data, "7919");
    beamr_json_free(json);
    len = last + (size_t)sprintf(text + last, "\"7919\":0}");
    assert_refused((beamr_bytes){(uint8_t *)text, len}, NULL, BEAMR_ARGUMENT, last, "twice");
    free(text);
}

static char *nested(size_t depth, const char *open, const char *close)
{
    char *text = calloc(depth, strlen(open) + strlen(close) + 1);

    for (size_t i = 0; i < depth; i++)
        memcpy(text + i * strlen(open), open, strlen(open));
    for (size_t i = 0; i < depth; i++)
        memcpy(text + depth * strlen(open) + i * strlen(close), close, strlen(close));
    return text;
}

static void depth_is_bounded_whatever_is_asked_for(void **state)
{
    beamr_json_limits limits = {SIZE_MAX, SIZE_MAX, SIZE_MAX};
    char *deep = nested(BEAMR_JSON_DEPTH_MAX, "[", "]");
    char *deeper = nested(BEAMR_JSON_DEPTH_MAX + 1, "[", "]");
    char *deepest = nested(1000000, "[", "");
    const beamr_json *at;
    beamr_json *json;
    size_t depth = 0;

    (void)state;
    assert_int_equal(beamr_json_read(beamr_bytes_of(deep), &limits, &json, NULL), BEAMR_OK);
    for (at = json; at; at = at->count ? at->items : NULL)
        depth++;
    assert_int_equal(depth, BEAMR_JSON_DEPTH_MAX);
    beamr_json_free(json);
    assert_refused(beamr_bytes_of(deeper), &limits, BEAMR_LIMIT, BEAMR_JSON_DEPTH_MAX, "256");
    assert_refused(beamr_bytes_of(deepest), NULL, BEAMR_LIMIT, 128, "128");
    free(deep);
    free(deeper);
    free(deepest);
}

/* ---- Writing ---- */

static void a_tree_becomes_a_text(void **state)
{
    beamr_json items[] = {
        {.kind = BEAMR_JSON_INTEGER, .integer = INT64_MIN},
        {.kind = BEAMR_JSON_FLOAT, .number = 3},
        {.kind = BEAMR_JSON_FLOAT, .number = 1e300},
        {.kind = BEAMR_JSON_FLOAT, .number = 0.1},
        {.kind = BEAMR_JSON_TEXT,
         .text = {(const uint8_t *)"\"\\/\b\f\n\r\t\0\x1f\x7f\xc3\xa9", 13}},
        {.kind = BEAMR_JSON_BOOLEAN, .boolean = true},
        {.kind = BEAMR_JSON_BOOLEAN},
        {.kind = BEAMR_JSON_NULL},
        {.kind = BEAMR_JSON_LIST},
        {.kind = BEAMR_JSON_MAP},
        {.kind = BEAMR_JSON_TEXT},
    };
    beamr_bytes keys[] = {beamr_bytes_of("b\n"), beamr_bytes_of("a")};
    beamr_json values[] = {{.kind = BEAMR_JSON_LIST, .items = items, .count = 11},
                           {.kind = BEAMR_JSON_INTEGER}};
    beamr_json map = {.kind = BEAMR_JSON_MAP, .items = values, .keys = keys, .count = 2};

    (void)state;
    assert_writes(&map,
                  "{\"b\\n\":[-9223372036854775808,3.0,1e300,0.1,"
                  "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\xc3\xa9\",true,false,null,"
                  "[],{},\"\"],\"a\":0}");
    assert_writes(&items[7], "null");
}

static void what_was_read_is_written_again(void **state)
{
    static const char *const texts[] = {
        "{\"b\":[1,2.5,[{\"x\":null}],\"\"],\"a\":{\"c\":{}},\"d\":[[],[[]]]}",
        "[[[[0]],1],2]",
        "\"\"",
        "-1.7976931348623157e308",
        "5e-324",
        "{\"a\":{\"b\":{\"c\":[true,false]}}}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        beamr_json *json = read_text(texts[i]);

        assert_writes(json, texts[i]);
        beamr_json_free(json);
    }
}

static void assert_not_written(const beamr_json *json, const beamr_json_limits *limits,
                               beamr_status status, const char *why)
{
    beamr_error err = {0};
    char *text = NULL;
    size_t len;

    assert_int_equal(beamr_json_write(json, limits, &text, &len, &err), status);
    assert_null(text);
    assert_string_equal(err.text, why);
}

static void what_cannot_be_written_is_told(void **state)
{
    beamr_json text = {.kind = BEAMR_JSON_TEXT, .text = beamr_bytes_of("\xff")};
    beamr_json infinite = {.kind = BEAMR_JSON_FLOAT, .number = -1e300 * 1e300};
    beamr_json unknown = {.kind = (beamr_json_kind)99};
    beamr_bytes key = beamr_bytes_of("\xed\xa0\x80"); /* half of a pair */
    beamr_json map = {.kind = BEAMR_JSON_MAP, .keys = &key, .items = &infinite, .count = 1};

    (void)state;
    assert_not_written(&text, NULL, BEAMR_ARGUMENT, "a text for JSON is not UTF-8");
    assert_not_written(&map, NULL, BEAMR_ARGUMENT, "a text for JSON is not UTF-8");
    assert_not_written(&infinite, NULL, BEAMR_ARGUMENT, "JSON has no -inf");
    assert_not_written(&unknown, NULL, BEAMR_ARGUMENT, "a JSON value of unknown kind 99");
}

static void a_tree_that_leads_into_itself_ends(void **state)
{
    beamr_json endless = {.kind = BEAMR_JSON_LIST, .count = 1};
    beamr_json wide = {.kind = BEAMR_JSON_LIST, .count = 1000001};
    beamr_json_limits limits = {10, 300, 5};
    beamr_json items[5] = {{.kind = BEAMR_JSON_NULL}};
    beamr_json list = {.kind = BEAMR_JSON_LIST, .items = items, .count = 5};

    (void)state;
    endless.items = &endless;
    assert_not_written(&endless, NULL, BEAMR_LIMIT,
                       "JSON with more than 128 lists and maps in each other");
    assert_not_written(&list, &limits, BEAMR_LIMIT, "JSON of more than 10 bytes");
    limits.max_bytes = 100;
    assert_not_written(&list, &limits, BEAMR_LIMIT, "JSON of more than 5 values");
    wide.items = calloc(wide.count, sizeof wide);
    assert_not_written(&wide, NULL, BEAMR_LIMIT, "JSON of more than 1000000 values");
    free((void *)(uintptr_t)wide.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_becomes_a_tree),
        cmocka_unit_test(a_single_value_is_a_tree),
        cmocka_unit_test(integers_have_64_bits),
        cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
        cmocka_unit_test(limits_hold_before_anything_is_made),
        cmocka_unit_test(equal_names_are_found_among_many),
        cmocka_unit_test(depth_is_bounded_whatever_is_asked_for),
        cmocka_unit_test(a_tree_becomes_a_text),
        cmocka_unit_test(what_was_read_is_written_again),
        cmocka_unit_test(what_cannot_be_written_is_told),
        cmocka_unit_test(a_tree_that_leads_into_itself_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
