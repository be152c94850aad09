/* When an expression is whole: src/cli/aos_read.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/aos.h"

/* Add the lines of a text one by one; whether it was whole after the last one, and after none
 * before. */
static bool is_whole(const char *lines, aos_text *text)
{
    bool was_whole = false;

    while (*lines) {
        size_t len = strcspn(lines, "\n");

        assert_false(was_whole);
        assert_true(aos_text_add(text, lines, len));
        was_whole = aos_text_is_whole(text);
        lines += len + (lines[len] == '\n');
    }
    return was_whole;
}

static void assert_whole(const char *lines, bool expected)
{
    aos_text text = {0};

    if (is_whole(lines, &text) != expected)
        fail_msg("%s is %swhole", lines, expected ? "not " : "");
    aos_text_clear(&text);
}

static void a_line_is_an_expression(void **state)
{
    (void)state;
    assert_whole("1 + 1", true);
    assert_whole("x = 'do'", true);
    assert_whole("x = \"(\\\"\" y = 1", true);
    assert_whole("-- if (", true);
    assert_whole("done, ended, iffy = 1", true);
    assert_whole("x = 'not closed (", true);
    assert_whole("end ) ]", true);
    assert_whole("a[b[1]]", true);
}

static void what_is_open_goes_on(void **state)
{
    (void)state;
    assert_whole("f(1,", false);
    assert_whole("f(1,\n2)", true);
    assert_whole("x = {\n{\n}\n}", true);
    assert_whole("for i = 1, 2 do", false);
    assert_whole("for i = 1, 2 do\nif i then\nf()\nelseif x then\nend\nend", true);
    assert_whole("while x do\nend", true);
    assert_whole("function f()\nreturn 1\nend", true);
    assert_whole("repeat\nuntil x", true);
    assert_whole("repeat", false);
}

static void long_strings_and_comments_go_on(void **state)
{
    (void)state;
    assert_whole("x = [[ (", false);
    assert_whole("x = [[ (\n]]", true);
    assert_whole("x = [==[ ]] ]=]\n]==]", true);
    assert_whole("x = [==[ ]===]", false);
    assert_whole("x = [=[ ]]=]", true);
    assert_whole("--[[ a\nend ( ]]", true);
}

static void a_backslash_goes_on(void **state)
{
    aos_text text = {0};

    (void)state;
    assert_true(is_whole("1 + \\\n1", &text));
    assert_string_equal(text.data, "1 + \n1");
    aos_text_clear(&text);
    assert_whole("1 + \\", false);
}

static void only_white_space_is_blank(void **state)
{
    aos_text text = {0};

    (void)state;
    assert_true(aos_text_is_blank(&text));
    assert_true(aos_text_add(&text, " \t\r\n", 4));
    assert_true(aos_text_is_blank(&text));
    assert_true(aos_text_add(&text, "x\n", 2));
    assert_false(aos_text_is_blank(&text));
    aos_text_reset(&text);
    assert_true(aos_text_is_blank(&text));
    aos_text_clear(&text);
}

/* Each line is looked at once: this ends at once, or else not for a long time. */
static void many_lines_are_read_once(void **state)
{
    aos_text text = {0};

    (void)state;
    assert_true(aos_text_add(&text, "x = {", 5));
    for (int i = 0; i < 300000; i++) {
        assert_true(aos_text_add(&text, "'0123456789012345678901234567890123456789',", 43));
        assert_false(aos_text_is_whole(&text));
    }
    assert_true(aos_text_add(&text, "}", 1));
    assert_true(aos_text_is_whole(&text));
    aos_text_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_an_expression),
        cmocka_unit_test(what_is_open_goes_on),
        cmocka_unit_test(long_strings_and_comments_go_on),
        cmocka_unit_test(a_backslash_goes_on),
        cmocka_unit_test(only_white_space_is_blank),
        cmocka_unit_test(many_lines_are_read_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
