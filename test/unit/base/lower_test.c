/* Lower case: ASCII, the ends of runs of the table, what grows, and bytes that are no UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/lower.h"

static void check(const char *text, const char *expected)
{
    char out[256];
    size_t len;

    assert_true(lower_size(strlen(text)) <= sizeof out);
    len = lower_text(beamr_bytes_of(text), out);
    assert_true(len <= lower_size(strlen(text)));
    assert_int_equal(len, strlen(expected));
    assert_memory_equal(out, expected, len);
}

static void ascii_capitals_become_small(void **state)
{
    (void)state;
    check("", "");
    check("@AZ[`az{", "@az[`az{");
    check("Content-Type_09", "content-type_09");
}

static void code_points_of_each_length_are_found(void **state)
{
    (void)state;
    check("\xc3\x80\xc3\x9e", "\xc3\xa0\xc3\xbe"); /* U+00C0, U+00DE */
    check("\xc3\x97\xc3\x9f", "\xc3\x97\xc3\x9f"); /* between and behind */
    check("\xc4\x80\xc4\x81", "\xc4\x81\xc4\x81"); /* steps of two */
    check("\xce\xa3\xcf\x82", "\xcf\x83\xcf\x82"); /* sigma, and a final one */
    check("\xe1\xba\x9e", "\xc3\x9f");             /* U+1E9E */
    check("\xe2\x84\xaa", "k");                    /* the kelvin sign */
    check("\xea\x99\x80", "\xea\x99\x81");         /* U+A640 */
    check("\xf0\x90\x90\x80\xf0\x9e\xa4\xa1", "\xf0\x90\x90\xa8\xf0\x9e\xa5\x83");
}

static void some_texts_grow(void **state)
{
    (void)state;
    check("\xc4\xb0", "i\xcc\x87");                        /* U+0130 becomes two code points */
    check("\xc8\xba\xc8\xba", "\xe2\xb1\xa5\xe2\xb1\xa5"); /* U+023A */
    check("\xc8\xbe", "\xe2\xb1\xa6");
}

static void bytes_that_are_no_text_stay(void **state)
{
    (void)state;
    check("A\xff\xc3", "a\xff\xc3");
    check("\xe1\xba"
          "A",
          "\xe1\xba"
          "a");
    check("\xc0\x80\xed\xa0\x80Z", "\xc0\x80\xed\xa0\x80z");
}

static void lower_case_is_its_own(void **state)
{
    (void)state;
    for (uint32_t code = 0x80; code < 0x110000; code++) {
        char text[4], once[8], twice[16];
        size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4, used;

        if (code >= 0xd800 && code < 0xe000)
            continue;
        for (size_t i = len; i-- > 1;)
            text[i] = (char)(0x80 | (code >> 6 * (len - 1 - i) & 0x3f));
        text[0] = (char)(uint8_t)(0xf00u >> len | code >> 6 * (len - 1));
        used = lower_text((beamr_bytes){(uint8_t *)text, len}, once);
        assert_true(used <= lower_size(len));
        assert_int_equal(lower_text((beamr_bytes){(uint8_t *)once, used}, twice), used);
        assert_memory_equal(once, twice, used);
    }
}

static void plain_text_is_recognised(void **state)
{
    (void)state;
    assert_true(lower_is_plain(beamr_bytes_of("")));
    assert_true(lower_is_plain(beamr_bytes_of("ao-types@1.0/[]")));
    assert_false(lower_is_plain(beamr_bytes_of("aZ")));
    assert_false(lower_is_plain(beamr_bytes_of("a\x80")));
}

static void each_byte_of_a_text_counts_in_each_place(void **state)
{
    enum { LONGEST = 20 };
    uint8_t text[LONGEST];

    (void)state;
    for (size_t len = 1; len <= LONGEST; len++) {
        for (size_t at = 0; at < len; at++) {
            for (int byte = 0; byte < 256; byte++) {
                memset(text, byte % 2 ? 'z' : '@', sizeof text);
                text[at] = (uint8_t)byte;
                assert_int_equal(lower_is_plain((beamr_bytes){text, len}),
                                 byte < 'A' || (byte > 'Z' && byte < 0x80));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ascii_capitals_become_small),
        cmocka_unit_test(code_points_of_each_length_are_found),
        cmocka_unit_test(some_texts_grow),
        cmocka_unit_test(bytes_that_are_no_text_stay),
        cmocka_unit_test(lower_case_is_its_own),
        cmocka_unit_test(plain_text_is_recognised),
        cmocka_unit_test(each_byte_of_a_text_counts_in_each_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
