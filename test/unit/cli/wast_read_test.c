/* The suite's text form: the tree that wast_read.c makes of it, the values and patterns of
 * wast_value.c, and that neither is harmed by wrong text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/wast.h"

/* ---- Helpers ---- */

static arena tree;

static int setup(void **state)
{
    (void)state;
    arena_init(&tree, SIZE_MAX);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_clear(&tree);
    return 0;
}

static const wast_node *read_ok(const char *text)
{
    const wast_node *node = NULL;
    beamr_error err = {0};

    if (wast_read(&tree, beamr_bytes_of(text), &node, &err) != BEAMR_OK)
        fail_msg("%s: %s", text, err.text);
    return node;
}

static void refuses(const char *text, const char *message)
{
    const wast_node *node = NULL;
    beamr_error err = {0};

    assert_int_equal(wast_read(&tree, beamr_bytes_of(text), &node, &err), BEAMR_MALFORMED);
    assert_string_equal(err.text, message);
}

static void is_bytes(beamr_bytes bytes, const char *want, size_t len)
{
    assert_int_equal(bytes.len, len);
    assert_memory_equal(bytes.data, want, len);
}

static beamr_value value_of(const char *text)
{
    beamr_value value = {0};
    beamr_error err = {0};

    if (wast_value_read(read_ok(text), &value, &err) != BEAMR_OK)
        fail_msg("%s: %s", text, err.text);
    return value;
}

static void value_refused(const char *text)
{
    beamr_value value;
    beamr_error err = {0};

    if (wast_value_read(read_ok(text), &value, &err) != BEAMR_MALFORMED)
        fail_msg("%s is accepted", text);
}

static uint32_t bits32(const char *text)
{
    beamr_value value = value_of(text);
    uint32_t bits;

    assert_int_equal(value.kind, BEAMR_F32);
    memcpy(&bits, &value.of.f32, sizeof bits);
    return bits;
}

static uint64_t bits64(const char *text)
{
    beamr_value value = value_of(text);
    uint64_t bits;

    assert_int_equal(value.kind, BEAMR_F64);
    memcpy(&bits, &value.of.f64, sizeof bits);
    return bits;
}

static bool matches(const char *pattern_text, beamr_value value)
{
    wast_pattern pattern;
    beamr_error err = {0};

    if (wast_pattern_read(read_ok(pattern_text), &tree, &pattern, &err) != BEAMR_OK)
        fail_msg("%s: %s", pattern_text, err.text);
    return wast_pattern_matches(&pattern, &value);
}

/* ---- The tree ---- */

static void lists_words_and_strings(void **state)
{
    const wast_node *list = read_ok("(a (b \"c\") d)\n (e)");
    const wast_node *inner = list->first->next;

    (void)state;
    assert_int_equal(list->kind, WAST_LIST);
    is_bytes(list->text, "(a (b \"c\") d)", 13);
    assert_true(wast_is(list->first, "a"));
    assert_false(wast_is(list->first, "ab"));
    assert_true(wast_is(wast_head(inner), "b"));
    is_bytes(inner->first->next->text, "c", 1);
    assert_true(wast_is(inner->next, "d"));
    assert_null(inner->next->next);
    assert_true(wast_is(wast_head(list->next), "e"));
    assert_null(list->next->next);
}

static void places_count_lines_and_columns(void **state)
{
    const wast_node *list = read_ok("(; one\n two ;) (a\n\t\"b\" ;; c\n d)");
    const wast_node *a = list->first;

    (void)state;
    assert_int_equal(list->line, 2);
    assert_int_equal(list->col, 9);
    assert_int_equal(a->line, 2);
    assert_int_equal(a->col, 10);
    assert_int_equal(a->next->line, 3);
    assert_int_equal(a->next->col, 2);
    assert_int_equal(a->next->next->line, 4);
    assert_int_equal(a->next->next->offset, 29);
}

static void empty_text_has_no_list(void **state)
{
    (void)state;
    assert_null(read_ok(""));
    assert_null(read_ok(" \n;; nothing"));
    assert_null(read_ok("(; (; nested ;) ;)"));
}

static void strings_resolve_escapes(void **state)
{
    const wast_node *s = read_ok("(\"\\00\\fF\\t\\n\\r\\\"\\\\\\'\" \"\\u{41}\\u{e9}\\u{202e}"
                                 "\\u{10ffff}\" \"\" \"\xc3\xa9\")")
                             ->first;

    (void)state;
    is_bytes(s->text, "\0\xff\t\n\r\"\\'", 8);
    is_bytes(s->next->text, "A\xc3\xa9\xe2\x80\xae\xf4\x8f\xbf\xbf", 10);
    is_bytes(s->next->next->text, "", 0);
    is_bytes(s->next->next->next->text, "\xc3\xa9", 2);
}

static void wrong_text_is_refused_with_its_place(void **state)
{
    (void)state;
    refuses("(a\n (b", "2:2: '(' without a ')'");
    refuses("(a))", "1:4: ')' without a '('");
    refuses("a", "1:1: a word outside of all lists");
    refuses("\"a\"", "1:1: a string outside of all lists");
    refuses("(\x01)", "1:2: byte 0x01 cannot stand here");
    refuses("(a\xff)", "1:3: byte 0xff cannot stand here");
    refuses("(a;b)", "1:3: byte 0x3b cannot stand here");
    refuses("(\"a", "1:3: string without an end");
    refuses("(\"a\\", "1:3: string without an end");
    refuses("(\"a\nb\")", "1:4: byte 0x0a in a string");
    refuses("(\"\\", "1:3: string without an end");
    refuses("(\"\\x\")", "1:3: unknown escape in a string");
    refuses("(\"\\4\")", "1:3: unknown escape in a string");
    refuses("(\"\\u41\")", "1:5: '{' expected in \\u{...}");
    refuses("(\"\\u{}\")", "1:5: hexadecimal digits and '}' expected in \\u{...}");
    refuses("(\"\\u{110000}\")", "1:5: \\u{...} beyond 10ffff");
    refuses("(\"\\u{d800}\")", "1:5: \\u{d800} is a surrogate, not a character");
    refuses("(; (; ;)", "1:1: comment without an end");
}

static void nesting_is_bounded(void **state)
{
    char text[2 * WAST_NESTING_MAX + 8] = "";
    const wast_node *node = NULL;
    beamr_error err = {0};

    (void)state;
    memset(text, '(', WAST_NESTING_MAX);
    memset(text + WAST_NESTING_MAX, ')', WAST_NESTING_MAX);
    assert_non_null(read_ok(text));
    memset(text, '(', WAST_NESTING_MAX + 1);
    assert_int_equal(wast_read(&tree, beamr_bytes_of(text), &node, &err), BEAMR_LIMIT);
}

static void memory_is_bounded(void **state)
{
    const wast_node *node = NULL;
    beamr_error err = {0};
    arena small;

    (void)state;
    arena_init(&small, 64);
    assert_int_equal(wast_read(&small, beamr_bytes_of("(a b c d)"), &node, &err),
                     BEAMR_NO_MEMORY);
    arena_clear(&small);
}

/* Every text of up to four of these bytes is answered one way or the other. */
static void short_texts_are_answered(void **state)
{
    static const char bytes[] = {'(', ')', ';', '"',  '\\', 'u',
                                 '{', '}', '0', '\n', 'x',  '\x80'};
    enum { N = sizeof bytes };

    (void)state;
    for (unsigned i = 0; i < N * N * N * N; i++) {
        uint8_t text[4] = {(uint8_t)bytes[i % N], (uint8_t)bytes[i / N % N],
                           (uint8_t)bytes[i / N / N % N], (uint8_t)bytes[i / N / N / N]};
        const wast_node *node = NULL;
        beamr_error err = {0};
        beamr_status st = wast_read(&tree, (beamr_bytes){text, sizeof text}, &node, &err);

        assert_true(st == BEAMR_OK || (st == BEAMR_MALFORMED && err.text[0]));
        arena_clear(&tree);
    }
}

/* ---- Numbers ---- */

static void integers_are_signed_or_unsigned(void **state)
{
    (void)state;
    assert_int_equal(value_of("(i32.const 42)").of.i32, 42);
    assert_int_equal(value_of("(i32.const -0x8000_0000)").of.i32, INT32_MIN);
    assert_int_equal(value_of("(i32.const 0xffff_ffff)").of.i32, -1);
    assert_int_equal(value_of("(i32.const +4294967295)").of.i32, -1);
    assert_int_equal(value_of("(i32.const 007)").of.i32, 7);
    assert_true(value_of("(i64.const -9223372036854775808)").of.i64 == INT64_MIN);
    assert_true(value_of("(i64.const 0xffff_ffff_ffff_ffff)").of.i64 == -1);
}

static void wrong_integers_are_refused(void **state)
{
    (void)state;
    value_refused("(i32.const 0x1_0000_0000)");
    value_refused("(i32.const -0x8000_0001)");
    value_refused("(i64.const 18446744073709551616)");
    value_refused("(i64.const 99999999999999999999999999)");
    value_refused("(i32.const 1_)");
    value_refused("(i32.const _1)");
    value_refused("(i32.const 1__1)");
    value_refused("(i32.const 0x)");
    value_refused("(i32.const 0x_1)");
    value_refused("(i32.const -)");
    value_refused("(i32.const 1f)");
    value_refused("(i32.const)");
    value_refused("(i32.const 1 2)");
    value_refused("(i32.const \"1\")");
    value_refused("(i32.const (a))");
    value_refused("(i33.const 1)");
    value_refused("((a))");
}

static void floats_round_once(void **state)
{
    (void)state;
    assert_int_equal(bits32("(f32.const 0x1p+0)"), 0x3f800000);
    assert_int_equal(bits32("(f32.const 1.5)"), 0x3fc00000);
    assert_int_equal(bits32("(f32.const 1.)"), 0x3f800000);
    assert_int_equal(bits32("(f32.const -0.0)"), 0x80000000);
    assert_int_equal(bits32("(f32.const 0x1p-149)"), 1);
    assert_int_equal(bits32("(f32.const 0x1p-151)"), 0);
    /* Rounded to a double first, the bit that breaks the tie would be lost. */
    assert_int_equal(bits32("(f32.const 0x1.00000100000000001p+0)"), 0x3f800001);
    assert_int_equal(bits32("(f32.const 1.00000017881393432617187499)"), 0x3f800001);
    assert_true(bits64("(f64.const 0x1.0000_0000_0000_1p-600)") == 0x1a70000000000001);
    assert_true(bits64("(f64.const 1e-1)") == 0x3fb999999999999a);
    assert_true(bits64("(f64.const -inf)") == 0xfff0000000000000);
    assert_int_equal(bits32("(f32.const inf)"), 0x7f800000);
}

static void nans_have_payloads(void **state)
{
    (void)state;
    assert_int_equal(bits32("(f32.const nan)"), 0x7fc00000);
    assert_int_equal(bits32("(f32.const -nan:0x20_0000)"), 0xffa00000);
    assert_int_equal(bits32("(f32.const nan:0x7f_ffff)"), 0x7fffffff);
    assert_true(bits64("(f64.const nan:0x4_0000_0000_0000)") == 0x7ff4000000000000);
    value_refused("(f32.const nan:0x0)");
    value_refused("(f32.const nan:0x800000)");
    value_refused("(f64.const nan:0x10000000000000000)");
    value_refused("(f32.const nan:1)");
    value_refused("(f32.const nan:canonical)"); /* a pattern, not a value */
}

static void wrong_floats_are_refused(void **state)
{
    (void)state;
    value_refused("(f32.const 0x1p+128)");
    value_refused("(f32.const 3.5e38)");
    value_refused("(f64.const 1e309)");
    value_refused("(f32.const infinity)");
    value_refused("(f32.const nan(1))");
    value_refused("(f32.const .5)");
    value_refused("(f32.const 1e)");
    value_refused("(f32.const 0x1p)");
    value_refused("(f32.const 1p3)");
    value_refused("(f32.const 1.5.5)");
    value_refused("(f32.const --1)");
}

static void vectors_are_little_endian(void **state)
{
    beamr_value v = value_of("(v128.const i32x4 0x03020100 0x07060504 0x0b0a0908 -1)");
    beamr_value w = value_of("(v128.const f64x2 1 nan:0x1)");

    (void)state;
    assert_int_equal(v.kind, BEAMR_V128);
    assert_memory_equal(v.of.v128, "\0\1\2\3\4\5\6\7\x08\x09\x0a\x0b\xff\xff\xff\xff", 16);
    assert_memory_equal(w.of.v128, "\0\0\0\0\0\0\xf0\x3f\1\0\0\0\0\0\xf0\x7f", 16);
    value_refused("(v128.const i32x4 1 2 3)");
    value_refused("(v128.const i32x4 1 2 3 4 5)");
    value_refused("(v128.const i16x8 1 2 3 4 5 6 7 65536)");
    value_refused("(v128.const i9x9 1)");
    value_refused("(v128.const)");
}

static void references_are_read(void **state)
{
    beamr_value zero = value_of("(ref.extern 0)");

    (void)state;
    assert_int_equal(zero.kind, BEAMR_EXTERNREF);
    assert_non_null(zero.of.external);
    assert_ptr_equal(value_of("(ref.host 7)").of.external,
                     value_of("(ref.extern 7)").of.external);
    assert_null(value_of("(ref.null extern)").of.external);
    assert_int_equal(value_of("(ref.null func)").kind, BEAMR_FUNCREF);
    assert_int_equal(value_of("(ref.null exn)").kind, BEAMR_EXNREF);
    value_refused("(ref.null)");
    value_refused("(ref.null what)");
    value_refused("(ref.func)");
    value_refused("(ref.extern 1 2)");
    value_refused("(ref.)");
}

/* ---- Patterns ---- */

static void numbers_match_bit_for_bit(void **state)
{
    (void)state;
    assert_true(matches("(i32.const 0xffffffff)", beamr_i32(-1)));
    assert_false(matches("(i32.const 1)", beamr_i64(1)));
    assert_false(matches("(f32.const 0)", value_of("(f32.const -0)")));
    assert_true(matches("(f32.const nan:0x1)", value_of("(f32.const nan:0x1)")));
    assert_false(matches("(f32.const nan:0x1)", value_of("(f32.const -nan:0x1)")));
}

static void nan_patterns_match_sets(void **state)
{
    (void)state;
    assert_true(matches("(f32.const nan:canonical)", value_of("(f32.const -nan)")));
    assert_false(matches("(f32.const nan:canonical)", value_of("(f32.const nan:0x400001)")));
    assert_true(matches("(f32.const nan:arithmetic)", value_of("(f32.const nan:0x400001)")));
    assert_false(matches("(f32.const nan:arithmetic)", value_of("(f32.const nan:0x200000)")));
    assert_false(matches("(f64.const nan:arithmetic)", value_of("(f64.const inf)")));
    assert_true(matches("(f64.const nan:canonical)", value_of("(f64.const nan)")));
    assert_true(matches("(v128.const f32x4 1 nan:canonical nan:arithmetic -0)",
                        value_of("(v128.const f32x4 1 -nan nan:0x7fffff -0)")));
    assert_false(matches("(v128.const f32x4 1 nan:canonical nan:arithmetic -0)",
                         value_of("(v128.const f32x4 1 -nan nan:0x7fffff 0)")));
    assert_true(matches("(v128.const f64x2 nan:arithmetic 2)",
                        value_of("(v128.const f64x2 -nan:0x8000000000001 2)")));
    assert_false(matches("(v128.const f64x2 2 nan:canonical)",
                         value_of("(v128.const f64x2 2 nan:0x8000000000001)")));
}

static void references_match_by_kind(void **state)
{
    int anything;
    beamr_value func = {.kind = BEAMR_FUNCREF, .of.external = &anything};
    beamr_value null = {.kind = BEAMR_FUNCREF};

    (void)state;
    assert_true(matches("(ref.func)", func));
    assert_false(matches("(ref.func)", null));
    assert_false(matches("(ref.extern)", func));
    assert_true(matches("(ref.null)", null));
    assert_true(matches("(ref.null nofunc)", null));
    assert_false(matches("(ref.null extern)", null));
    assert_false(matches("(ref.null)", func));
    assert_false(matches("(ref.null)", beamr_i32(0)));
    assert_true(matches("(ref.extern)", value_of("(ref.extern 3)")));
    assert_true(matches("(ref.extern 3)", value_of("(ref.host 3)")));
    assert_false(matches("(ref.extern 3)", value_of("(ref.extern 4)")));
    assert_false(matches("(ref.i31)", value_of("(ref.extern 4)")));
}

static void alternatives_match_any(void **state)
{
    (void)state;
    assert_true(matches("(either (i32.const 1) (i32.const 2))", beamr_i32(2)));
    assert_false(matches("(either (i32.const 1) (i32.const 2))", beamr_i32(3)));
    assert_false(matches("(either)", beamr_i32(3)));
}

static void values_print_as_constants(void **state)
{
    static const char *const texts[] = {
        "(i32.const 0xffffffff)", "(i64.const 0x10)",
        "(f32.const 0x1.8p+0)",   "(f32.const -nan:0x200000)",
        "(f64.const -inf)",       "(v128.const i32x4 0x1 0x2 0x3 0xffffffff)",
        "(ref.extern 3)",         "(ref.null exn)",
    };
    char buf[WAST_VALUE_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        beamr_value value = value_of(texts[i]);

        assert_string_equal(wast_value_text(&value, buf, sizeof buf), texts[i]);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lists_words_and_strings),
        TEST(places_count_lines_and_columns),
        TEST(empty_text_has_no_list),
        TEST(strings_resolve_escapes),
        TEST(wrong_text_is_refused_with_its_place),
        TEST(nesting_is_bounded),
        TEST(memory_is_bounded),
        TEST(short_texts_are_answered),
        TEST(integers_are_signed_or_unsigned),
        TEST(wrong_integers_are_refused),
        TEST(floats_round_once),
        TEST(nans_have_payloads),
        TEST(wrong_floats_are_refused),
        TEST(vectors_are_little_endian),
        TEST(references_are_read),
        TEST(numbers_match_bit_for_bit),
        TEST(nan_patterns_match_sets),
        TEST(references_match_by_kind),
        TEST(alternatives_match_any),
        TEST(values_print_as_constants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
