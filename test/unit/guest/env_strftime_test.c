/* strftime through env: against the C library's, in the C locale, over random dates; and for
 * fields that no date has. */
#include "env_fixture.h"

#include <time.h>

enum { DATE = DATA, OUT = DATA + 0x200 };

/* Numbers that look random, the same in each run. */
static uint32_t next_number(void)
{
    static uint64_t state = 0x9e3779b97f4a7c15;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

static void put_date(const fixture *f, const struct tm *tm, const char *zone)
{
    const int fields[9] = {tm->tm_sec,  tm->tm_min,  tm->tm_hour, tm->tm_mday, tm->tm_mon,
                           tm->tm_year, tm->tm_wday, tm->tm_yday, tm->tm_isdst};
    uint64_t at = DATE + (f->call.is64 ? 40 : 36);

    memcpy(memory_at(f, DATE), fields, sizeof fields);
    put_number(f, at, word_of(f), (uint64_t)tm->tm_gmtoff);
    put_number(f, at + word_of(f), word_of(f),
               zone ? (uint64_t)text_at(f, DATA + 0x100, zone) : 0);
}

static int64_t format(fixture *f, const char *text, int64_t max)
{
    return DO("strftime", OUT, max, T(text), DATE);
}

static void assert_formats(fixture *f, const char *text, const char *expected)
{
    assert_int_equal(format(f, text, 500), strlen(expected));
    assert_string_equal(memory_at(f, OUT), expected);
}

static struct tm random_date(void)
{
    struct tm tm = {0};
    /* years 1000 to 9999 */
    time_t seconds = -30610224000 + (time_t)(((uint64_t)next_number() << 31 | next_number()) %
                                             284000000000ull);

    assert_non_null(gmtime_r(&seconds, &tm));
    return tm;
}

EACH_WIDTH(conversions_agree_with_the_c_library)
{
    static const char *const formats[] = {"%a",
                                          "%A",
                                          "%b",
                                          "%B",
                                          "%c",
                                          "%C",
                                          "%d",
                                          "%D",
                                          "%e",
                                          "%F",
                                          "%g",
                                          "%G",
                                          "%h",
                                          "%H",
                                          "%I",
                                          "%j",
                                          "%m",
                                          "%M",
                                          "%n",
                                          "%p",
                                          "%P",
                                          "%r",
                                          "%R",
                                          "%s",
                                          "%S",
                                          "%t",
                                          "%T",
                                          "%u",
                                          "%U",
                                          "%V",
                                          "%w",
                                          "%W",
                                          "%x",
                                          "%X",
                                          "%y",
                                          "%Y",
                                          "%z",
                                          "%Z",
                                          "%%",
                                          "%Ec",
                                          "%EY",
                                          "%Od",
                                          "%Oe",
                                          "%OH",
                                          "%_d",
                                          "%-d",
                                          "%0e",
                                          "%-j",
                                          "%_j",
                                          "%-H",
                                          "%_m",
                                          "%-S",
                                          "%-V",
                                          "%_W",
                                          "%-y",
                                          "%_I",
                                          "%10Y",
                                          "%6C",
                                          "at %Y-%m-%dT%H:%M:%S%z on %A"};

    for (int i = 0; i < 2000; i++) {
        struct tm tm = random_date();

        put_date(f, &tm, "GMT");
        for (size_t k = 0; k < sizeof formats / sizeof formats[0]; k++) {
            char expected[200];

            assert_true(strftime(expected, sizeof expected, formats[k], &tm) > 0);
            if (format(f, formats[k], 200) != (int64_t)strlen(expected) ||
                strcmp((char *)memory_at(f, OUT), expected) != 0)
                fail_msg("%s of %d-%d-%d: '%s', not '%s'", formats[k], tm.tm_year + 1900,
                         tm.tm_mon + 1, tm.tm_mday, (char *)memory_at(f, OUT), expected);
        }
    }
}

EACH_WIDTH(weeks_at_the_edges_of_years_agree_with_the_c_library)
{
    for (int year = 1; year < 800; year++)
        for (int day = -4; day < 5; day++) {
            struct tm tm = {.tm_year = year, .tm_mday = day};
            char expected[200];

            (void)timegm(&tm);
            put_date(f, &tm, NULL);
            assert_true(strftime(expected, sizeof expected, "%G-%V %g %U %W %u %j", &tm) > 0);
            assert_formats(f, "%G-%V %g %U %W %u %j", expected);
        }
}

EACH_WIDTH(offsets_and_names_of_zones_are_the_guests)
{
    struct tm tm = {.tm_mday = 1, .tm_gmtoff = 5 * 3600 + 45 * 60};

    put_date(f, &tm, "NPT");
    assert_formats(f, "%z %Z", "+0545 NPT");
    tm.tm_gmtoff = -1800;
    put_date(f, &tm, NULL);
    assert_formats(f, "%z[%Z]", "-0030[]");
    tm.tm_isdst = -1;
    put_date(f, &tm, "XYZ");
    assert_formats(f, "[%z%Z]", "[]");
}

EACH_WIDTH(years_of_other_lengths_have_signs_and_zeros)
{
    struct tm tm = {.tm_mday = 2, .tm_year = 12345 - 1900};

    put_date(f, &tm, NULL);
    assert_formats(f, "%Y %C %y", "+12345 123 45");
    tm.tm_year = 5 - 1900;
    put_date(f, &tm, NULL);
    assert_formats(f, "%Y %C %y %6Y %+Y", "0005 00 05 000005 0005");
    assert_formats(f, "%+6Y", "+00005");
    tm.tm_year = -5 - 1900;
    put_date(f, &tm, NULL);
    assert_formats(f, "%Y %6Y", "-0005 -00005");
    tm.tm_year = 2026 - 1900;
    put_date(f, &tm, NULL);
    assert_formats(f, "%12F", "002026-01-02");
    assert_formats(f, "%+F %+12F", "2026-01-02 +02026-01-02");
}

EACH_WIDTH(any_number_in_a_field_is_formatted)
{
    static const int edges[] = {INT32_MIN, INT32_MIN + 1, -1, 0, INT32_MAX - 1, INT32_MAX};
    static const char all[] = "%a%A%b%B%c%C%d%D%e%F%g%G%h%H%I%j%m%M%p%r%R%s%S%T%u%U%V%w%W%x%X"
                              "%y%Y%z%Z %200Y%999999999999F";

    for (int i = 0; i < 3000; i++) {
        int fields[9];

        for (int k = 0; k < 9; k++)
            fields[k] = i % 2 ? (int)(next_number() << 1) : edges[next_number() % 6];
        memcpy(memory_at(f, DATE), fields, sizeof fields);
        memset(memory_at(f, DATE + 36), i, 20);
        assert_true(format(f, all, 4000) > 0);
    }
}

EACH_WIDTH(names_of_what_is_no_day_or_month_are_dashes)
{
    struct tm tm = {.tm_wday = 7, .tm_mon = -1};

    put_date(f, &tm, NULL);
    assert_formats(f, "%a %A %b %B", "- - - -");
}

EACH_WIDTH(what_does_not_fit_gives_0_and_writes_nothing_behind)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 126};

    put_date(f, &tm, NULL);
    memset(memory_at(f, OUT), '#', 20);
    assert_int_equal(format(f, "%Y!", 6), 5);
    assert_string_equal(memory_at(f, OUT), "2026!");
    assert_int_equal(memory_at(f, OUT + 6)[0], '#');
    assert_int_equal(format(f, "%Y!", 5), 0);
    assert_int_equal(memory_at(f, OUT + 6)[0], '#');
    assert_int_equal(format(f, "%Y", 0), 0);
    assert_int_equal(format(f, "", 5), 0);
    assert_int_equal(format(f, "%Q", 50), 0);
    assert_int_equal(format(f, "%", 50), 0);
    assert_int_equal(format(f, "%-5", 50), 0);
}

EACH_WIDTH(addresses_outside_memory_give_0)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 126};

    put_date(f, &tm, NULL);
    assert_int_equal(DO("strftime", MEMORY, 10, T("%Y"), DATE), 0);
    assert_int_equal(DO("strftime", OUT, 10, MEMORY, DATE), 0);
    assert_int_equal(DO("strftime", OUT, 10, T("%Y"), MEMORY - 40), 0);
    assert_int_equal(DO("strftime", -1, -1, -1, -1), 0);
    /* Room that the guest claims, but does not have. */
    assert_int_equal(DO("strftime", MEMORY - 3, 100, T("%Y"), DATE), 0);
    assert_int_equal(DO("strftime", MEMORY - 5, 100, T("%Y"), DATE), 4);
    /* A zone's name that runs out of memory is what there is of it. */
    memset(memory_at(f, MEMORY - 3), 'Z', 3);
    put_number(f, DATE + (f->call.is64 ? 48 : 40), word_of(f), MEMORY - 3);
    assert_formats(f, "%Z", "ZZZ");
}

EACH_WIDTH(a_format_may_lie_where_the_text_goes)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 126};

    put_date(f, &tm, NULL);
    assert_true(DO("strftime", TEXT, 100, T("%Y %Y %Y"), DATE) >= 0);
}

EACH_WIDTH(strftime_l_does_the_same)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 126};

    put_date(f, &tm, NULL);
    assert_int_equal(DO("strftime_l", OUT, 10, T("%Y"), DATE, 0), 4);
}

/* However short it is: conversions take long. */
EACH_WIDTH(a_format_of_many_conversions_can_be_stopped)
{
    char text[100] = "";

    memset(memory_at(f, DATE), 0, 100);
    for (int i = 0; i < 20; i++)
        strcat(text, "%c");
    assert_true(DO("strftime", OUT, 4000, T(text), DATE) > 0);
    beamr_store_interrupt(f->store);
    (void)TRY("strftime", OUT, 4000, T(text), DATE);
    assert_int_equal(f->status, BEAMR_TRAP);
    assert_int_equal(f->err.trap, BEAMR_TRAP_INTERRUPTED);
}

static void a_format_of_many_conversions_ends(void **state)
{
    fixture opened = open_env(true), *f = &opened;
    int64_t base = MEMORY;

    (void)state;
    assert_int_equal(beamr_memory_grow(f->call.memory, 2, NULL, NULL), BEAMR_OK);
    for (int64_t at = base; at < base + 2 * MEMORY; at += 2)
        memcpy(memory_at(f, (uint64_t)at), "%Z", 2);
    memset(memory_at(f, DATE), 0, 100);
    assert_int_equal(DO("strftime", OUT, 10, base, DATE), 0); /* no end in memory */
    *memory_at(f, (uint64_t)(base + 2 * MEMORY - 1)) = '\0';
    assert_int_equal(DO("strftime", OUT, 10, base, DATE), 0); /* a '%' at the end */
    *memory_at(f, (uint64_t)(base + 2 * MEMORY - 2)) = '\0';
    assert_int_equal(DO("strftime", OUT, 10, base, DATE), 0); /* of names that are empty */
    close_env(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions_agree_with_the_c_library),
        cmocka_unit_test(weeks_at_the_edges_of_years_agree_with_the_c_library),
        cmocka_unit_test(offsets_and_names_of_zones_are_the_guests),
        cmocka_unit_test(years_of_other_lengths_have_signs_and_zeros),
        cmocka_unit_test(any_number_in_a_field_is_formatted),
        cmocka_unit_test(names_of_what_is_no_day_or_month_are_dashes),
        cmocka_unit_test(what_does_not_fit_gives_0_and_writes_nothing_behind),
        cmocka_unit_test(addresses_outside_memory_give_0),
        cmocka_unit_test(a_format_may_lie_where_the_text_goes),
        cmocka_unit_test(strftime_l_does_the_same),
        cmocka_unit_test(a_format_of_many_conversions_can_be_stopped),
        cmocka_unit_test(a_format_of_many_conversions_ends),
    };

    (void)setenv("TZ", "UTC", 1); /* what the C library's %s goes by */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
