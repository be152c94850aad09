/* strptime through env: against the C library's, and what does not fit. */
#define _XOPEN_SOURCE 700
#define _DEFAULT_SOURCE
#include "env_fixture.h"

#include <time.h>

enum { FORMAT = TEXT2, DATE = DATA };

static int64_t parse(fixture *f, const char *text, const char *format)
{
    return DO("strptime", T(text), text_at(f, FORMAT, format), DATE);
}

static void put_zeros(const fixture *f)
{
    memset(memory_at(f, DATE), 0, 64);
}

EACH_WIDTH(dates_agree_with_the_c_library)
{
    static const struct {
        const char *text, *format;
    } cases[] = {
        {"2026-11-21 08:09:10", "%Y-%m-%d %H:%M:%S"},
        {"2026-11-21T08:09:10Z rest", "%FT%TZ"},
        {"Sat Nov 21 08:09:10 2026", "%c"},
        {"saturday, 3 FEBRUARY 2024", "%A, %d %B %Y"},
        {"02/29/68", "%D"},
        {"02/28/69", "%m/%d/%y"},
        {"19 99-1-2", "%C %y-%m-%d"},
        {"12:30:00 AM", "%r"},
        {"12:30:00 pm", "%I:%M:%S %p"},
        {"07 pm", "%I %p"},
        {"  17:05", " %R"},
        {"366", "%j"},
        {"100%x", "100%%x"},
        {"1 Jul 2026", "%d %h %Y"},
        {"3 7", "%w %M"},
        {"21 Nov 99", "%e%n%b%t%y"},
        {"2026-06-15", "%EY-%Om-%Od"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tm tm = {0};
        const char *end = strptime(cases[i].text, cases[i].format, &tm);
        int fields[9] = {tm.tm_sec,  tm.tm_min,  tm.tm_hour, tm.tm_mday, tm.tm_mon,
                         tm.tm_year, tm.tm_wday, tm.tm_yday, 0};

        assert_non_null(end);
        put_zeros(f);
        assert_int_equal(parse(f, cases[i].text, cases[i].format),
                         TEXT + (end - cases[i].text));
        if (memcmp(memory_at(f, DATE), fields, sizeof fields) != 0)
            fail_msg("'%s' by '%s' differs", cases[i].text, cases[i].format);
    }
}

EACH_WIDTH(zones_are_read_and_dropped)
{
    put_zeros(f);
    assert_int_equal(parse(f, "10 +0530 CET!", "%H %z %Z"), TEXT + 12);
    assert_int_equal(parse(f, "10 -05:30", "%H %z"), TEXT + 9);
    assert_int_equal(parse(f, "10 Z", "%H %z"), TEXT + 4);
    assert_int_equal(parse(f, "10 +1", "%H %z"), TEXT + 5);
}

EACH_WIDTH(what_does_not_fit_gives_0_and_writes_nothing)
{
    static const char *const cases[][2] = {
        {"x", "%Y"},        {"13", "%m"}, {"0", "%d"},     {"24", "%H"}, {"Foo", "%a"},
        {"", "%Y"},         {"a", "b"},   {"10:xx", "%R"}, {"1", "%"},   {"1", "%Q"},
        {"10 xm", "%I %p"}, {"1", "%E"},  {"5", "%z"},     {"5", "%%"},  {"0", "%I"}};

    memset(memory_at(f, DATE), 0xee, 64);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(parse(f, cases[i][0], cases[i][1]), 0);
    assert_int_equal(get_number(f, DATE, 8), 0xeeeeeeeeeeeeeeee);
    assert_int_equal(get_number(f, DATE + 28, 8), 0xeeeeeeeeeeeeeeee);
}

EACH_WIDTH(addresses_outside_memory_give_0)
{
    assert_int_equal(DO("strptime", MEMORY, text_at(f, FORMAT, "%Y"), DATE), 0);
    assert_int_equal(DO("strptime", T("2026"), MEMORY, DATE), 0);
    assert_int_equal(DO("strptime", T("2026"), text_at(f, FORMAT, "%Y"), MEMORY - 35), 0);
    assert_int_equal(DO("strptime_l", T("2026"), text_at(f, FORMAT, "%Y"), DATE, 0), TEXT + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dates_agree_with_the_c_library),
        cmocka_unit_test(zones_are_read_and_dropped),
        cmocka_unit_test(what_does_not_fit_gives_0_and_writes_nothing),
        cmocka_unit_test(addresses_outside_memory_give_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
