/* json@1.0: kinds of values, hostile texts with their places, and allocations that fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include "codec/codecs.h"

/* Fails the nth allocation of jansson from now on; set before the codec sets its own. */
static size_t fail_at, allocated;

static void *failing_malloc(size_t size)
{
    return ++allocated == fail_at ? NULL : malloc(size);
}

static beamr_status read_bytes(const char *data, size_t len, ao_message **out, beamr_error *err)
{
    ao_value text = ao_binary_copy((beamr_bytes){(const uint8_t *)data, len});
    beamr_status st = codec_json.decode(NULL, text, out, err);

    ao_value_unref(text);
    return st;
}

static beamr_status read(const char *text, ao_message **out, beamr_error *err)
{
    return read_bytes(text, strlen(text), out, err);
}

static void hostile_texts_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *text;
        beamr_status status;
        uint64_t from, to; /* of the offset */
    } rows[] = {
        {"", BEAMR_MESSAGE, 0, 0},
        {"[]", BEAMR_MESSAGE, 0, 0},
        {"5", BEAMR_MESSAGE, 0, 1},
        {"{\"a\":1", BEAMR_MESSAGE, 6, 6},
        {"{\"a\":1}x", BEAMR_MESSAGE, 7, 8},
        {"{\"a\":1,\"a\":2}", BEAMR_MESSAGE, 7, 10},
        {"{\"a\":\"1\",\"A\":\"2\"}", BEAMR_MESSAGE, 0, 17},
        {"{\"a\":9223372036854775808}", BEAMR_MESSAGE, 5, 24},
        {"{\"a\":1e999}", BEAMR_MESSAGE, 5, 10},
        {"{\"a\":\"\xff\"}", BEAMR_MESSAGE, 6, 7},
        {"{\"a\":\"\\ud800\"}", BEAMR_MESSAGE, 5, 13},
        {"{\"a\":nul}", BEAMR_MESSAGE, 5, 8},
        {"{\"a\":NaN}", BEAMR_MESSAGE, 5, 8},
        {"{\"a\\u0000\":1}", BEAMR_MESSAGE, 1, 10},
        {"{\"\":1}", BEAMR_MESSAGE, 0, 6},
        {"{\"a\":\"x\",\"ao-types\":\"a=\\\"integer\\\"\"}", BEAMR_MESSAGE, 0, 40},
        {"{\"a\":\"x\",\"ao-types\":5}", BEAMR_MESSAGE, 0, 40},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ao_message *message = NULL;
        beamr_error err = {0};

        if (read(rows[i].text, &message, &err) != rows[i].status || err.offset < rows[i].from ||
            err.offset > rows[i].to || !err.text[0])
            fail_msg("%s: byte %u: %s", rows[i].text, (unsigned)err.offset, err.text);
    }
}

static void large_integers_are_refused_clearly(void **state)
{
    ao_message *message = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(read("{\"a\":123456789012345678901}", &message, &err), BEAMR_MESSAGE);
    assert_non_null(strstr(err.text, "64 bits"));
    assert_int_equal(
        read("{\"ao-types\":\"a=integer\",\"a\":\"123456789012345678901\"}", &message, NULL),
        BEAMR_OK);
    ao_message_unref(message);
}

static void depth_and_size_are_limited(void **state)
{
    static char text[400000];
    ao_message *message = NULL;
    beamr_error err = {0};

    (void)state;
    memcpy(text, "{\"a\":", 5);
    memset(text + 5, '[', sizeof text - 5);
    assert_int_equal(read_bytes(text, sizeof text, &message, &err), BEAMR_LIMIT);
    assert_int_equal(err.offset, 5 + AO_DEPTH_MAX - 1);
    for (size_t i = 0; i + 5 < sizeof text; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    beamr_error_clear(&err);
    assert_int_equal(read_bytes(text, sizeof text, &message, &err), BEAMR_LIMIT);
}

static ao_message *must_read(const char *text, size_t len)
{
    ao_message *message = NULL;
    beamr_error err = {0};

    if (read_bytes(text, len, &message, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return message;
}

static void assert_written_as(const ao_message *message, const char *expected)
{
    ao_value text = AO_NO_VALUE;
    beamr_error err = {0};

    if (codec_json.encode(NULL, message, &text, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(ao_bytes(text).len, strlen(expected));
    assert_memory_equal(ao_bytes(text).data, expected, strlen(expected));
    ao_value_unref(text);
}

static void zero_bytes_and_controls_go_both_ways(void **state)
{
    static const char text[] =
        "{\"a\":\"x\\u0000\\u0001\\b\\t\\n\\u000b\\f\\r\\u001f \\\"\\\\/\x7f\xc3\xa9\"}";
    ao_message *message = must_read(text, sizeof text - 1);

    (void)state;
    assert_int_equal(ao_bytes(ao_message_find_text(message, "a")).data[1], 0);
    assert_written_as(message, text);
    ao_message_unref(message);
}

/* What is looked at eight bytes at a time must be found at each of them. */
static void every_byte_is_escaped_at_every_place(void **state)
{
    (void)state;
    for (unsigned c = 0; c < 0x80; c++)
        for (size_t at = 0; at < 20; at++) {
            char bytes[20];
            ao_message *message = NULL, *empty = ao_message_empty(), *back;
            ao_value text = AO_NO_VALUE, value;

            memset(bytes, 'x', sizeof bytes);
            bytes[at] = (char)c;
            value = ao_binary_copy((beamr_bytes){(const uint8_t *)bytes, sizeof bytes});
            assert_int_equal(ao_message_with(empty, "k", value, &message, NULL), BEAMR_OK);
            assert_int_equal(codec_json.encode(NULL, message, &text, NULL), BEAMR_OK);
            back = must_read((const char *)ao_bytes(text).data, ao_bytes(text).len);
            assert_true(ao_value_equal(ao_message_value(message), ao_message_value(back)));
            ao_message_unref(back);
            ao_value_unref(text);
            ao_message_unref(message);
            ao_message_unref(empty);
        }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    static const struct {
        const char *key, *value;
    } rows[] = {{"name", "\xff"}, {"name\xff", "x"}, {"name", "12345678\xed\xa0\x80"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ao_message *message = NULL, *empty = ao_message_empty();
        ao_value text = AO_NO_VALUE;
        beamr_error err = {0};

        assert_int_equal(
            ao_message_with(empty, rows[i].key, ao_binary_text(rows[i].value), &message, NULL),
            BEAMR_OK);
        assert_int_equal(codec_json.encode(NULL, message, &text, &err), BEAMR_ENCODING);
        assert_int_equal(beamr_status_http(err.status), 406);
        assert_non_null(strstr(err.text, "key `name"));
        ao_message_unref(message);
        ao_message_unref(empty);
    }
}

static void large_texts_outlive_what_was_read(void **state)
{
    static char text[20000];
    ao_message *message;
    beamr_bytes bytes;
    size_t len = sizeof text - 2;

    (void)state;
    memset(text, 'y', sizeof text);
    memcpy(text, "{\"a\":\"", 6);
    memcpy(text + len, "\"}", 2);
    message = must_read(text, sizeof text);
    bytes = ao_bytes(ao_message_find_text(message, "a"));
    assert_int_equal(bytes.len, len - 6);
    for (size_t i = 0; i < bytes.len; i++)
        assert_int_equal(bytes.data[i], 'y');
    ao_message_unref(message);
}

#define LARGE 9000

/* A JSON text with a large text in it, of this filler and with `insert` in its middle. */
static size_t write_large(char *out, const char *before, char filler, const char *insert,
                          const char *behind)
{
    char *p = out + sprintf(out, "%s\"", before);

    memset(p, filler, LARGE);
    p += sprintf(p + LARGE / 2, "%s", insert) + LARGE / 2;
    memset(p, filler, LARGE / 2);
    p += LARGE / 2;
    return (size_t)(p - out) + (size_t)sprintf(p, "\"%s", behind);
}

/* Every escape, also beside others, reads in a large text as it does in a small one. */
static void large_texts_read_as_small_ones_do(void **state)
{
    static const char *const inserts[] = {"",
                                          "\\n",
                                          "\\\"\\\\\\/\\b\\f\\n\\r\\t",
                                          "\\u0000\\u007F\\u0080\\u07ff\\u0800\\uFFFF",
                                          "\\ud83d\\ude00\\uDBFF\\uDFFF",
                                          "\xc3\xa9\xf0\x9f\x98\x80",
                                          "\\u0001",
                                          "\x7f:,{}[]"};
    static char text[2 * LARGE + 200];

    (void)state;
    for (size_t i = 0; i < sizeof inserts / sizeof inserts[0]; i++) {
        ao_message *large, *small;
        beamr_bytes got, wanted;
        char short_text[200];

        sprintf(short_text, "{\"a\":\"%s\"}", inserts[i]);
        small = must_read(short_text, strlen(short_text));
        wanted = ao_bytes(ao_message_find_text(small, "a"));
        for (int inner = 0; inner < 2; inner++) {
            ao_value a;

            large = must_read(text, write_large(text, inner ? "{\"a\":[1," : "{\"a\": ", 'y',
                                                inserts[i], inner ? "]}" : "\n,\"b\":\"c\"}"));
            a = ao_message_find_text(large, "a");
            got = ao_bytes(inner ? ao_list_at(a, 1) : a);
            assert_int_equal(got.len, wanted.len + LARGE);
            assert_memory_equal(got.data + LARGE / 2, wanted.data, wanted.len);
            assert_int_equal(got.data[0], 'y');
            assert_int_equal(got.data[got.len - 1], 'y');
            ao_message_unref(large);
        }
        ao_message_unref(small);
    }
}

static void what_is_wrong_with_large_texts_has_its_place(void **state)
{
    static const struct {
        const char *before, *insert, *behind;
        size_t from, to;
    } rows[] = {
        {"{\"a\":", "\xff", "}", 6 + LARGE / 2, 8 + LARGE / 2},
        {"{\"a\":", "\n", "}", 6 + LARGE / 2, 8 + LARGE / 2},
        {"{\"a\":", "\\x", "}", 6 + LARGE / 2, 9 + LARGE / 2},
        {"{\"a\":", "\\ud800", "}", 5, 24 + LARGE},
        {"{\"a\":", "\\ude00", "}", 5, 24 + LARGE},
        {"{\"a\":", "\\ud800\\u0041", "}", 5, 24 + LARGE},
        {"{\"a\":", "\\u00g0", "}", 5, 24 + LARGE},
        {"{\"a\":", "", ",\"b\":nul}", 12 + LARGE, 17 + LARGE},
        {"{\"a\":", "", ",\"a\":1}", 8 + LARGE, 12 + LARGE},
        {"{\"a\":", "", "", 7 + LARGE, 7 + LARGE},
        {"{", "", ":1,}", 6 + LARGE, 7 + LARGE},
        {"{", "", " 1}", 2 + LARGE, 5 + LARGE},
    };
    static char text[2 * LARGE + 200];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = write_large(text, rows[i].before, 'y', rows[i].insert, rows[i].behind);
        beamr_error err = {0};
        ao_message *message;

        assert_int_equal(read_bytes(text, len, &message, &err), BEAMR_MESSAGE);
        if (err.offset < rows[i].from || err.offset > rows[i].to)
            fail_msg("row %zu: %s", i, err.text);
    }
}

/* A text that looks like what stands for a large one. */
static void marks_of_others_are_texts(void **state)
{
    static char text[2 * LARGE + 200];
    ao_message *message;
    size_t len =
        write_large(text, "{\"b\":\"\\u00010\",\"c\":[\"\\u00017\"],\"a\":", 'y', "\\n", "}");

    (void)state;
    message = must_read(text, len);
    assert_int_equal(ao_bytes(ao_message_find_text(message, "a")).len, LARGE + 1);
    assert_int_equal(ao_bytes(ao_message_find_text(message, "b")).len, 2);
    assert_memory_equal(ao_bytes(ao_list_at(ao_message_find_text(message, "c"), 0)).data,
                        "\1"
                        "7",
                        2);
    ao_message_unref(message);
}

/* Each allocation of jansson fails once: never is that success. Without the check, characters
 * would be missing. */
static void failed_allocations_are_reported(void **state)
{
    static char text[3000];
    ao_message *message = NULL;
    size_t n = 0, failures = 0;
    beamr_status st;

    (void)state;
    memset(text, 'z', sizeof text);
    memcpy(text, "{\"key\":[1,2.5,{\"n\":null}],\"long\":\"", 34);
    memcpy(text + sizeof text - 2, "\"}", 2);
    do {
        beamr_error err = {0};

        allocated = 0;
        fail_at = ++n;
        st = read_bytes(text, sizeof text, &message, &err);
        if (st != BEAMR_OK) {
            assert_int_equal(st, BEAMR_NO_MEMORY);
            failures++;
        }
    } while (st != BEAMR_OK);
    fail_at = 0;
    assert_true(allocated < n); /* success only when none was left to fail */
    assert_true(failures > 10);
    ao_message_unref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_texts_are_refused_with_their_place),
        cmocka_unit_test(large_integers_are_refused_clearly),
        cmocka_unit_test(depth_and_size_are_limited),
        cmocka_unit_test(zero_bytes_and_controls_go_both_ways),
        cmocka_unit_test(every_byte_is_escaped_at_every_place),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(large_texts_outlive_what_was_read),
        cmocka_unit_test(large_texts_read_as_small_ones_do),
        cmocka_unit_test(what_is_wrong_with_large_texts_has_its_place),
        cmocka_unit_test(marks_of_others_are_texts),
        cmocka_unit_test(failed_allocations_are_reported),
    };

    json_set_alloc_funcs(failing_malloc, free);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
