/* Arguments of calls, from terms as Erlang writes them. */
#include "term_fixture.h"

#include <math.h>

#include "driver/convert.h"

static beamr_error err;

/* Read arguments that can be. */
static drv_args *read_args(const char *text)
{
    static drv_args args;
    beamr_bytes bytes = hex(text);
    drv_reader r = reader_of(bytes);

    beamr_error_clear(&err);
    if (drv_args_read(&r, &args, &err) != BEAMR_OK)
        fail_msg("%s: %s", text, err.text);
    assert_ptr_equal(r.at, r.end);
    bytes_free(bytes); /* nothing borrows from it */
    return &args;
}

static void refuse(const char *text, beamr_status status, const char *why)
{
    beamr_bytes bytes = hex(text);
    drv_reader r = reader_of(bytes);
    drv_args args;

    beamr_error_clear(&err);
    assert_int_equal(drv_args_read(&r, &args, &err), status);
    if (!strstr(err.text, why))
        fail_msg("the text is \"%s\", not \"%s\"", err.text, why);
    assert_true(args.count == 0 && args.args == args.few && !args.blocks);
    drv_args_clear(&args);
    bytes_free(bytes);
}

static void assert_text(const beamr_arg *arg, const char *text)
{
    assert_int_equal(arg->kind, BEAMR_ARG_TEXT);
    assert_null(arg->name);
    if (!bytes_are(arg->text, text))
        fail_msg("the text is \"%.*s\"", (int)arg->text.len, (const char *)arg->text.data);
}

/* The argument as JSON text. */
static void assert_json(const beamr_arg *arg, const char *text)
{
    char *json;
    size_t len;

    assert_int_equal(arg->kind, BEAMR_ARG_TREE);
    assert_int_equal(beamr_json_write(arg->tree, NULL, &json, &len, &err), BEAMR_OK);
    assert_string_equal(json, text);
    free(json);
}

static void no_arguments(void **state)
{
    drv_args *args = read_args("6a");

    (void)state;
    assert_int_equal(args->count, 0);
    assert_false(args->has_copied);
    drv_args_clear(args);
    args = read_args("6b0000");
    assert_int_equal(args->count, 0);
    drv_args_clear(args);
    args = read_args("6c00000000 6a");
    assert_int_equal(args->count, 0);
    drv_args_clear(args);
}

static void numbers_take_no_memory(void **state)
{
    /* [5.0, -7, 2^64 - 1, nan, infinity, neg_infinity] */
    drv_args *args = read_args("6c00000006 464014000000000000 62fffffff9"
                               " 6e0800ffffffffffffffff 6400036e616e 7708696e66696e697479"
                               " 64000c6e65675f696e66696e697479 6a");

    (void)state;
    assert_int_equal(args->count, 6);
    assert_ptr_equal(args->args, args->few);
    assert_null(args->blocks);
    assert_false(args->has_copied);
    assert_int_equal(args->args[0].kind, BEAMR_ARG_FLOAT);
    assert_true(args->args[0].number == 5.0);
    assert_int_equal(args->args[1].kind, BEAMR_ARG_INTEGER);
    assert_true(args->args[1].is_negative && args->args[1].magnitude == 7);
    assert_true(!args->args[2].is_negative && args->args[2].magnitude == UINT64_MAX);
    assert_true(isnan(args->args[3].number));
    assert_true(args->args[4].number == (double)INFINITY);
    assert_true(args->args[5].number == -(double)INFINITY);
    for (size_t i = 0; i < 6; i++)
        assert_null(args->args[i].name);
    drv_args_clear(args);
}

static void integers_beyond_64_bits_are_for_floats(void **state)
{
    drv_args *args = read_args("6c00000002 6e0901000000000000000001 6101 6a");

    (void)state;
    assert_int_equal(args->count, 2);
    assert_int_equal(args->args[0].kind, BEAMR_ARG_INTEGER);
    assert_true(args->args[0].is_negative);
    assert_true(ldexp((double)args->args[0].magnitude, (int)args->args[0].shift) == 0x1p64);
    assert_int_equal(args->args[1].shift, 0);
    drv_args_clear(args);
}

static void a_string_term_is_integers(void **state)
{
    drv_args *args = read_args("6b0002 01ff");

    (void)state;
    assert_int_equal(args->count, 2);
    assert_int_equal(args->args[0].kind, BEAMR_ARG_INTEGER);
    assert_true(args->args[1].magnitude == 255 && !args->args[1].is_negative);
    assert_false(args->has_copied);
    drv_args_clear(args);
    args = read_args("6b000a 00010203040506070809"); /* more than few */
    assert_int_equal(args->count, 10);
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(args->args[i].kind, BEAMR_ARG_INTEGER);
        assert_true(args->args[i].magnitude == i && !args->args[i].name);
    }
    drv_args_clear(args);
}

static void binaries_and_characters_are_text(void **state)
{
    /* [<<"abc">>, <<>>, "h\xe4", [955, $x], [128512]] */
    drv_args *args = read_args("6c00000005 6d00000003616263 6d00000000 6b000268e4"
                               " 6c00000002 62000003bb 6178 6a 6c00000001 620001f600 6a 6a");

    (void)state;
    assert_true(args->has_copied);
    assert_text(&args->args[0], "abc");
    assert_text(&args->args[1], "");
    assert_text(&args->args[2], "h\xc3\xa4");
    assert_text(&args->args[3], "\xce\xbbx");
    assert_text(&args->args[4], "\xf0\x9f\x98\x80");
    drv_args_clear(args);
}

static void many_arguments_of_each_kind(void **state)
{
    /* ten times {1, <<"abc">>}, one after the other */
    drv_args *args = read_args("6c00000014"
                               " 6101 6d00000003616263 6101 6d00000003616263"
                               " 6101 6d00000003616263 6101 6d00000003616263"
                               " 6101 6d00000003616263 6101 6d00000003616263"
                               " 6101 6d00000003616263 6101 6d00000003616263"
                               " 6101 6d00000003616263 6101 6d00000003616263 6a");

    (void)state;
    assert_int_equal(args->count, 20);
    for (size_t i = 0; i < 20; i += 2) {
        assert_int_equal(args->args[i].kind, BEAMR_ARG_INTEGER);
        assert_text(&args->args[i + 1], "abc");
    }
    drv_args_clear(args);
}

static void maps_are_json(void **state)
{
    /* all that a map can hold, in no order; and #{} */
    drv_args *args = read_args(
        "6c00000002"
        " 7400000007 770162 6101 770161 6c00000002 6a 6b00020102 6a"
        " 6d000000027a7a 77046e756c6c 77017a 770474727565 640001e4 770566616c7365"
        " 770163 463ff8000000000000 770164 7400000001 6d00000000 6e08010000000000000080"
        " 7400000000 6a");

    (void)state;
    assert_int_equal(args->count, 2);
    assert_true(args->has_copied);
    assert_json(&args->args[0], "{\"a\":[[],[1,2]],\"b\":1,\"c\":1.5,"
                                "\"d\":{\"\":-9223372036854775808},\"z\":true,\"zz\":null,"
                                "\"\xc3\xa4\":false}");
    assert_json(&args->args[1], "{}");
    drv_args_clear(args);
}

static void names_are_sorted_whatever_their_order(void **state)
{
    enum { COUNT = 1000 };
    static uint8_t term[16 + COUNT * 8];
    drv_reader r;
    drv_args args;
    uint64_t any = 3;
    uint16_t names[COUNT];
    uint8_t *at = term;

    (void)state;
    for (uint16_t i = 0; i < COUNT; i++)
        names[i] = i;
    for (size_t i = COUNT; i-- > 1;) {
        size_t j = any_number(&any) % (i + 1);
        uint16_t name = names[i];

        names[i] = names[j];
        names[j] = name;
    }
    memcpy(at, "l\0\0\0\1t\0\0\x03\xe8", 10);
    at += 10;
    for (size_t i = 0; i < COUNT; i++, at += 6)
        memcpy(at,
               (uint8_t[]){119, 2, (uint8_t)(names[i] / 50 + '0'),
                           (uint8_t)(names[i] % 50 + '!'), 97, (uint8_t)names[i]},
               6);
    *at++ = 'j';
    r = (drv_reader){term, at};
    assert_int_equal(drv_args_read(&r, &args, &err), BEAMR_OK);
    assert_int_equal(args.args[0].tree->count, COUNT);
    for (uint16_t i = 0; i < COUNT; i++) {
        const beamr_bytes *key = &args.args[0].tree->keys[i];

        assert_int_equal(key->data[0], i / 50 + '0');
        assert_int_equal(key->data[1], i % 50 + '!');
        assert_int_equal(args.args[0].tree->items[i].integer, i & 0xff);
    }
    drv_args_clear(&args);
}

static void anything_else_cannot_be_an_argument(void **state)
{
    (void)state;
    refuse("6101", BEAMR_ARGUMENT, "no list");
    refuse("77026f6b", BEAMR_ARGUMENT, "no list");
    refuse("6800", BEAMR_ARGUMENT, "no list");
    refuse("6d00000000", BEAMR_ARGUMENT, "no list");
    refuse("6c00000001 6101 6102", BEAMR_ARGUMENT, "improper");
    refuse("6c00000002 6101 6a 6a", BEAMR_ARGUMENT, "argument 2: an empty list");
    refuse("6c00000001 6b0000 6a", BEAMR_ARGUMENT, "argument 1: an empty list");
    refuse("6c00000001 6c00000000 6a 6a", BEAMR_ARGUMENT, "argument 1: an empty list");
    refuse("6c00000001 77026f6b 6a", BEAMR_ARGUMENT, "argument 1: an atom");
    refuse("6c00000001 6800 6a", BEAMR_ARGUMENT, "argument 1: neither");
    refuse("6c00000001 4d000000010320 6a", BEAMR_ARGUMENT, "argument 1: neither");
    refuse("6c00000001 5a0001 770161 00000000 00000000 6a", BEAMR_ARGUMENT, "neither");
}

static void text_is_characters_and_nothing_else(void **state)
{
    (void)state;
    refuse("6c00000001 6c00000001 620000d800 6a 6a", BEAMR_ARGUMENT, "more than characters");
    refuse("6c00000001 6c00000001 620000dfff 6a 6a", BEAMR_ARGUMENT, "more than characters");
    refuse("6c00000001 6c00000001 6200110000 6a 6a", BEAMR_ARGUMENT, "more than characters");
    refuse("6c00000001 6c00000001 62ffffffff 6a 6a", BEAMR_ARGUMENT, "more than characters");
    refuse("6c00000001 6c00000002 6161 463ff8000000000000 6a 6a", BEAMR_ARGUMENT,
           "more than characters");
    refuse("6c00000001 6c00000001 6161 6162 6a", BEAMR_ARGUMENT, "improper");
}

static void json_is_what_json_knows(void **state)
{
    (void)state;
    refuse("6c00000001 7400000001 6101 6101 6a", BEAMR_ARGUMENT, "key");
    refuse("6c00000001 7400000001 770161 77026f6b 6a", BEAMR_ARGUMENT, "atom");
    refuse("6c00000001 7400000001 770161 77036e616e 6a", BEAMR_ARGUMENT, "atom");
    refuse("6c00000001 7400000001 770161 6800 6a", BEAMR_ARGUMENT, "no form");
    refuse("6c00000001 7400000001 770161 6d00000001ff 6a", BEAMR_ARGUMENT, "no UTF-8");
    refuse("6c00000001 7400000001 6d00000001ff 6101 6a", BEAMR_ARGUMENT, "no UTF-8");
    refuse("6c00000001 7400000001 7701ff 6101 6a", BEAMR_MALFORMED, "no UTF-8");
    refuse("6c00000001 7400000001 770161 6c00000001 6101 6102 6a", BEAMR_ARGUMENT, "improper");
    refuse("6c00000001 7400000001 770161 6e08000000000000000080 6a", BEAMR_ARGUMENT, "64 bits");
    refuse("6c00000001 7400000001 770161 6e08010100000000000080 6a", BEAMR_ARGUMENT, "64 bits");
    refuse("6c00000001 7400000002 770161 6101 6d0000000161 6102 6a", BEAMR_ARGUMENT, "twice");
    refuse("6c00000002 6101 7400000001 770161 6800 6a", BEAMR_ARGUMENT, "argument 2: ");
}

/* Maps in each other, or lists in one map; `depth` in all. What is read can be written too. */
static beamr_status read_deep(size_t depth, bool is_list)
{
    uint8_t *term = malloc(16 + depth * 9), *at = term;
    drv_reader r;
    drv_args args;
    char *json = NULL;
    size_t len;
    beamr_status st;

    memcpy(at, "l\0\0\0\1", 5);
    at += 5;
    for (size_t i = 0; i < depth; i++) {
        const char *head = i > 0 && is_list ? "l\0\0\0\1" : "t\0\0\0\1w\1a";
        size_t size = i > 0 && is_list ? 5 : 8;

        memcpy(at, head, size);
        at += size;
    }
    memset(at, 'a', 2); /* the integer 97 */
    at += 2;
    memset(at, 'j', depth);
    at += is_list ? depth : 1;
    r = (drv_reader){term, at};
    beamr_error_clear(&err);
    st = drv_args_read(&r, &args, &err);
    if (st == BEAMR_OK)
        assert_int_equal(beamr_json_write(args.args[0].tree, NULL, &json, &len, &err),
                         BEAMR_OK);
    free(json);
    drv_args_clear(&args);
    free(term);
    return st;
}

static void json_has_limits(void **state)
{
    enum { VALUES = 1000001 };
    uint8_t *term = malloc(VALUES + 64), *at = term;
    drv_reader r;
    drv_args args;

    (void)state;
    assert_int_equal(read_deep(128, false), BEAMR_OK);
    assert_int_equal(read_deep(128, true), BEAMR_OK);
    assert_int_equal(read_deep(129, false), BEAMR_LIMIT);
    assert_int_equal(read_deep(1000000, false), BEAMR_LIMIT);
    assert_int_equal(read_deep(1000000, true), BEAMR_LIMIT);
    memcpy(at, "l\0\0\0\1t\0\0\0\1w\1al\0\x0f\x42\x41", 18); /* 1000001 empty lists */
    at += 18;
    memset(at, 'j', VALUES + 2);
    at += VALUES + 2;
    r = (drv_reader){term, at};
    assert_int_equal(drv_args_read(&r, &args, &err), BEAMR_LIMIT);
    drv_args_clear(&args);
    free(term);
}

static void no_function_takes_more_than_1000(void **state)
{
    uint8_t term[1100] = {107, 0x03, 0xe8};
    drv_reader r = {term, term + 3 + 1000};
    drv_args args;

    (void)state;
    assert_int_equal(drv_args_read(&r, &args, &err), BEAMR_OK);
    assert_int_equal(args.count, 1000);
    drv_args_clear(&args);
    term[2] = 0xe9;
    r = (drv_reader){term, term + 3 + 1001};
    beamr_error_clear(&err);
    assert_int_equal(drv_args_read(&r, &args, &err), BEAMR_LIMIT);
    drv_args_clear(&args);
}

static void arguments_can_be_moved(void **state)
{
    drv_args *args = read_args("6b000101"), to, again;

    (void)state;
    drv_args_move(&to, args);
    assert_int_equal(args->count, 0);
    assert_ptr_equal(to.args, to.few);
    assert_true(to.count == 1 && to.args[0].magnitude == 1);
    drv_args_clear(&to);
    args = read_args("6c00000001 6d00000003616263 6a");
    drv_args_move(&to, args);
    drv_args_clear(args);
    drv_args_move(&again, &to);
    assert_text(&again.args[0], "abc");
    drv_args_clear(&again);
    drv_args_clear(&to);
}

static void cut_anywhere_they_are_refused(void **state)
{
    beamr_bytes bytes =
        hex("6c00000006 464014000000000000 6d00000003616263 6c00000002 62000003bb 6178 6a"
            " 7400000002 770162 6101 770161 6c00000002 6a 6b00020102 6a 77036e616e"
            " 6e08010000000000000080 6a");
    drv_args args;

    (void)state;
    for (size_t len = 0; len < bytes.len; len++) {
        beamr_bytes cut = bytes_copy(bytes.data, len);
        drv_reader r = reader_of(cut);

        beamr_error_clear(&err);
        assert_int_equal(drv_args_read(&r, &args, &err), BEAMR_MALFORMED);
        drv_args_clear(&args);
        bytes_free(cut);
    }
    bytes_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_arguments),
        cmocka_unit_test(numbers_take_no_memory),
        cmocka_unit_test(integers_beyond_64_bits_are_for_floats),
        cmocka_unit_test(a_string_term_is_integers),
        cmocka_unit_test(binaries_and_characters_are_text),
        cmocka_unit_test(many_arguments_of_each_kind),
        cmocka_unit_test(maps_are_json),
        cmocka_unit_test(names_are_sorted_whatever_their_order),
        cmocka_unit_test(anything_else_cannot_be_an_argument),
        cmocka_unit_test(text_is_characters_and_nothing_else),
        cmocka_unit_test(json_is_what_json_knows),
        cmocka_unit_test(json_has_limits),
        cmocka_unit_test(no_function_takes_more_than_1000),
        cmocka_unit_test(arguments_can_be_moved),
        cmocka_unit_test(cut_anywhere_they_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
