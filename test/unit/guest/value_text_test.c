/* Tests of reading arguments and writing values: src/guest/value_text.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "beamr/values.h"

static beamr_arg parse(const char *word, beamr_kind kind)
{
    beamr_valtype type = beamr_valtype_of(kind);
    beamr_arg arg;

    beamr_arg_parse(word, &type, &arg);
    return arg;
}

static void assert_integer(const char *word, beamr_kind kind, bool is_negative,
                           uint64_t magnitude)
{
    beamr_arg arg = parse(word, kind);

    if (arg.kind != BEAMR_ARG_INTEGER)
        fail_msg("%s is no integer", word);
    assert_int_equal(arg.is_negative, is_negative);
    assert_int_equal(arg.magnitude, magnitude);
}

static void assert_float(const char *word, beamr_kind kind, double number)
{
    beamr_arg arg = parse(word, kind);

    if (arg.kind != BEAMR_ARG_FLOAT || memcmp(&arg.number, &number, sizeof number) != 0)
        fail_msg("%s is read as %a, not %a", word, arg.number, number);
}

static void assert_text(const char *word, beamr_kind kind, const char *text)
{
    beamr_arg arg = parse(word, kind);

    if (arg.kind != BEAMR_ARG_TEXT)
        fail_msg("%s is no text", word);
    assert_int_equal(arg.text.len, strlen(text));
    assert_memory_equal(arg.text.data, text, strlen(text));
}

static void integers_are_read_in_signed_and_unsigned_range(void **state)
{
    (void)state;
    assert_integer("0", BEAMR_I32, false, 0);
    assert_integer("-5", BEAMR_I32, true, 5);
    assert_integer("007", BEAMR_I32, false, 7);
    assert_integer("4294967295", BEAMR_I32, false, UINT32_MAX);
    assert_integer("0xFFffFFff", BEAMR_I32, false, UINT32_MAX);
    assert_integer("-2147483648", BEAMR_I32, true, 2147483648u);
    assert_integer("-0x80000000", BEAMR_I32, true, 2147483648u);
    assert_integer("18446744073709551615", BEAMR_I64, false, UINT64_MAX);
    assert_integer("-9223372036854775808", BEAMR_I64, true, UINT64_C(1) << 63);
    assert_integer("0xffffffffffffffff", BEAMR_I64, false, UINT64_MAX);
}

static void what_is_no_integer_of_the_type_is_text(void **state)
{
    static const char *const words[] = {
        "4294967296", "-2147483649", "0x100000000", "",    "-",   "0x",  "--1", "+1",
        " 1",         "1 ",          "1.0",         "1e3", "12a", "0xg", "nan"};

    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_text(words[i], BEAMR_I32, words[i]);
    assert_text("18446744073709551616", BEAMR_I64, "18446744073709551616");
    assert_text("-9223372036854775809", BEAMR_I64, "-9223372036854775809");
}

static void floats_are_read_in_decimal_and_hexadecimal(void **state)
{
    (void)state;
    assert_float("5", BEAMR_F64, 5);
    assert_float("-5", BEAMR_F64, -5);
    assert_float("-0", BEAMR_F64, -0.0);
    assert_float(".5", BEAMR_F64, 0.5);
    assert_float("5.", BEAMR_F64, 5);
    assert_float("1.5e-3", BEAMR_F64, 1.5e-3);
    assert_float("1E+300", BEAMR_F64, 1e300);
    assert_float("0x1.8p1", BEAMR_F64, 3);
    assert_float("0xff", BEAMR_F64, 255);
    assert_float("inf", BEAMR_F64, (double)INFINITY);
    assert_float("-inf", BEAMR_F32, (double)-INFINITY);
    assert_true(isnan(parse("nan", BEAMR_F64).number));
    /* Between two singles, and nearer to the upper one than doubles can tell. */
    assert_float("1.00000005960464477540", BEAMR_F32, 1.00000011920928955078125);
    assert_float("3.4028235e38", BEAMR_F32, 0x1.fffffep127);
    assert_text("3.5e38", BEAMR_F32, "3.5e38"); /* digits never mean infinity */
    assert_text("-1e400", BEAMR_F64, "-1e400");
    assert_text("1e", BEAMR_F64, "1e");
    assert_text(".", BEAMR_F64, ".");
    assert_text("0x.p1", BEAMR_F64, "0x.p1");
    assert_text("infinity", BEAMR_F64, "infinity");
    assert_text(" 1", BEAMR_F64, " 1");
    assert_text("1,5", BEAMR_F64, "1,5");
    assert_text("sqrt(9)", BEAMR_F64, "sqrt(9)");
}

static void text_can_be_forced(void **state)
{
    (void)state;
    assert_text("text:42", BEAMR_I32, "42");
    assert_text("text:", BEAMR_F64, "");
    assert_text("text:text:1", BEAMR_I64, "text:1");
    assert_text("Text:1", BEAMR_I32, "Text:1");
}

static void without_a_type_numbers_of_any_kind_are_read(void **state)
{
    beamr_arg arg;

    (void)state;
    beamr_arg_parse("-7", NULL, &arg);
    assert_int_equal(arg.kind, BEAMR_ARG_INTEGER);
    beamr_arg_parse("1.5", NULL, &arg);
    assert_int_equal(arg.kind, BEAMR_ARG_FLOAT);
    beamr_arg_parse("99999999999999999999", NULL, &arg);
    assert_int_equal(arg.kind, BEAMR_ARG_FLOAT);
    beamr_arg_parse("word", NULL, &arg);
    assert_int_equal(arg.kind, BEAMR_ARG_TEXT);
}

static void a_mark_says_what_a_word_is(void **state)
{
    static const struct {
        const char *word;
        beamr_arg_kind kind;
        const char *text;
    } rows[] = {
        {"text:42", BEAMR_ARG_TEXT, "42"},
        {"json:42", BEAMR_ARG_JSON, "42"},
        {"hex:00ff", BEAMR_ARG_HEX, "00ff"},
        {"bytes:", BEAMR_ARG_HEX, ""},
        {"text:json:1", BEAMR_ARG_TEXT, "json:1"},
        {"{\"a\":1}", BEAMR_ARG_TEXT, "{\"a\":1}"},
        {"[1]", BEAMR_ARG_TEXT, "[1]"},
        {"JSON:1", BEAMR_ARG_TEXT, "JSON:1"},
    };
    beamr_arg arg;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        beamr_arg_parse(rows[i].word, NULL, &arg);
        assert_int_equal(arg.kind, rows[i].kind);
        assert_string_equal((const char *)arg.text.data, rows[i].text);
        assert_true(beamr_arg_is_copied(&arg));
    }
    beamr_arg_parse("42", NULL, &arg);
    assert_false(beamr_arg_is_copied(&arg));
}

static void vectors_and_null_are_read_as_they_are_written(void **state)
{
    beamr_arg arg = parse("0x0f0e0d0c0b0a09080706050403020100", BEAMR_V128);
    char text[48];

    (void)state;
    assert_int_equal(arg.kind, BEAMR_ARG_VALUE);
    for (uint8_t i = 0; i < 16; i++)
        assert_int_equal(arg.value.of.v128[i], i);
    assert_string_equal(beamr_value_text(&arg.value, text, sizeof text),
                        "0x0f0e0d0c0b0a09080706050403020100");
    arg = parse("null", BEAMR_EXTERNREF);
    assert_int_equal(arg.kind, BEAMR_ARG_VALUE);
    assert_string_equal(beamr_value_text(&arg.value, text, sizeof text), "null");
    assert_text("0x0f", BEAMR_V128, "0x0f");
    assert_text("null", BEAMR_I32, "null");
    assert_text("5", BEAMR_FUNCREF, "5");
}

/* ---- Writing ---- */

static void assert_written(beamr_value value, const char *want)
{
    char text[48];

    assert_string_equal(beamr_value_text(&value, text, sizeof text), want);
}

static void values_are_written_as_people_read_them(void **state)
{
    beamr_value null = {.kind = BEAMR_FUNCREF};
    beamr_value external = {.kind = BEAMR_EXTERNREF, .of.external = &null};

    (void)state;
    assert_written(beamr_i32(-1), "-1");
    assert_written(beamr_i32(INT32_MIN), "-2147483648");
    assert_written(beamr_i64(INT64_MIN), "-9223372036854775808");
    assert_written(beamr_f64(15), "15.0");
    assert_written(beamr_f64(-0.0), "-0.0");
    assert_written(beamr_f64(0.1), "0.1");
    assert_written(beamr_f64(0.1 + 0.2), "0.30000000000000004");
    assert_written(beamr_f64(-123.25), "-123.25");
    assert_written(beamr_f64(0.0001), "0.0001");
    assert_written(beamr_f64(0.00001), "1e-5");
    assert_written(beamr_f64(1.25e-7), "1.25e-7");
    assert_written(beamr_f64(1e15), "1000000000000000.0");
    assert_written(beamr_f64(1e16), "1e16");
    assert_written(beamr_f64(9007199254740992), "9007199254740992.0");
    assert_written(beamr_f64(5e-324), "5e-324");
    assert_written(beamr_f64(1.7976931348623157e308), "1.7976931348623157e308");
    assert_written(beamr_f64((double)INFINITY), "inf");
    assert_written(beamr_f64((double)-INFINITY), "-inf");
    assert_written(beamr_f64((double)NAN), "nan");
    assert_written(beamr_f64(-(double)NAN), "nan");
    assert_written(beamr_f32(0.1f), "0.1");
    assert_written(beamr_f32(16777216.0f), "16777216.0");
    assert_written(beamr_f32(1e-45f), "1e-45");
    assert_written(beamr_f32(3.4028235e38f), "3.4028235e38");
    assert_written(null, "null");
    assert_written(external, "extern");
}

/* Below a power of two the nearest digits may miss where the next ones hit. */
static void powers_of_two_are_written_shortest(void **state)
{
    (void)state;
    assert_written(beamr_f64(0x1p-44), "5.684341886080802e-14");
    assert_written(beamr_f64(0x1p-24), "5.960464477539063e-8");
    assert_written(beamr_f32(0x1p-96f), "1.2621775e-29");
}

static void floats_read_back_equal(void **state)
{
    uint64_t bits = 88172645463325252u;
    char text[48];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        uint32_t half;
        beamr_value v = beamr_f64(0), single = beamr_f32(0);

        bits ^= bits << 13;
        bits ^= bits >> 7;
        bits ^= bits << 17;
        half = (uint32_t)bits;
        memcpy(&v.of.f64, &bits, sizeof bits);
        memcpy(&single.of.f32, &half, sizeof half);
        if (isfinite(v.of.f64))
            assert_true(strtod(beamr_value_text(&v, text, sizeof text), NULL) == v.of.f64);
        if (isfinite(single.of.f32))
            assert_true(strtof(beamr_value_text(&single, text, sizeof text), NULL) ==
                        single.of.f32);
        assert_non_null(strpbrk(text, ".eni"));
    }
}

static void text_is_cut_to_fit(void **state)
{
    beamr_value v = beamr_i32(123456);
    char text[4];

    (void)state;
    assert_string_equal(beamr_value_text(&v, text, sizeof text), "123");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_read_in_signed_and_unsigned_range),
        cmocka_unit_test(what_is_no_integer_of_the_type_is_text),
        cmocka_unit_test(floats_are_read_in_decimal_and_hexadecimal),
        cmocka_unit_test(text_can_be_forced),
        cmocka_unit_test(without_a_type_numbers_of_any_kind_are_read),
        cmocka_unit_test(vectors_and_null_are_read_as_they_are_written),
        cmocka_unit_test(values_are_written_as_people_read_them),
        cmocka_unit_test(powers_of_two_are_written_shortest),
        cmocka_unit_test(floats_read_back_equal),
        cmocka_unit_test(text_is_cut_to_fit),
        cmocka_unit_test(a_mark_says_what_a_word_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
