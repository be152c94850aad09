/* UTF-8: every boundary of the table of well-formed sequences, on both sides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static bool valid(const char *text)
{
    return utf8_is_valid(beamr_bytes_of(text));
}

static void accepts_the_ends_of_each_range(void **state)
{
    (void)state;
    assert_true(valid(""));
    assert_true(valid("\x01\x7f"));
    assert_true(utf8_is_valid((beamr_bytes){(const uint8_t *)"a\0b", 3}));
    assert_true(valid("\xc2\x80\xdf\xbf"));
    assert_true(valid("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"));
    assert_true(valid("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"));
}

static void rejects_what_is_beyond(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x7f",
        "\xc2\xc0",
        "\xe0\x9f\xbf",
        "\xe0\xa0",
        "\xe1\x80\x7f",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x8f\xbf\xbf",
        "\xf1\x80\x80\xc0",
        "\xf1\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xff",
        "\xfe",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(valid(bad[i]));
}

static void finds_a_bad_byte_at_any_place(void **state)
{
    char text[41];

    (void)state;
    for (size_t at = 0; at < 40; at++) {
        memset(text, 'x', 40);
        text[40] = '\0';
        assert_true(valid(text));
        text[at] = (char)0x80;
        assert_false(valid(text));
        text[at] = (char)0xc3; /* the next byte is ASCII or the end */
        assert_false(valid(text));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts_the_ends_of_each_range),
        cmocka_unit_test(rejects_what_is_beyond),
        cmocka_unit_test(finds_a_bad_byte_at_any_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
