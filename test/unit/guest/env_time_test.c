/* Clocks and dates through env. */
#include "env_fixture.h"

#include <time.h>

static uint64_t ticking(void *user, beamr_clock clock)
{
    (void)user;
    switch (clock) {
    case BEAMR_CLOCK_REALTIME:
        return 1700000000123456789;
    case BEAMR_CLOCK_MONOTONIC:
        return 5000250000;
    default:
        return 3000000;
    }
}

static void with_clock(void (*body)(fixture *f))
{
    beamr_wasi_options o = {.clock = ticking, .clock_resolution = 1000000};

    for (int is64 = 0; is64 < 2; is64++) {
        fixture f = open_env_with(is64, &o);

        body(&f);
        close_env(&f);
    }
}
#define WITH_CLOCK(name)                                                                       \
    static void name##_body(fixture *f);                                                       \
    static void name(void **state)                                                             \
    {                                                                                          \
        (void)state;                                                                           \
        with_clock(name##_body);                                                               \
    }                                                                                          \
    static void name##_body(fixture *f)

WITH_CLOCK(clocks_are_in_milliseconds)
{
    (void)DO("emscripten_date_now");
    assert_true(f->real == 1700000000123.0);
    (void)DO("emscripten_get_now");
    assert_true(f->real == 5000.25);
    (void)DO("emscripten_get_now_res");
    assert_true(f->real == 1e6);
    assert_int_equal(DO("_emscripten_get_now_is_monotonic"), 1);
    assert_int_equal(DO("emscripten_get_now_is_monotonic"), 1);
}

WITH_CLOCK(old_modules_import_cs_own_clocks)
{
    size_t half = f->call.is64 ? 8 : 4;

    f->call.dialect = GUEST_ENV_OLD;
    memset(memory_at(f, DATA), 0xee, 32);
    assert_int_equal(DO("clock_gettime", 0, DATA), 0);
    assert_int_equal(get_number(f, DATA, half), 1700000000);
    assert_int_equal(get_number(f, DATA + half, half), 123456789);
    assert_int_equal(get_number(f, DATA + 2 * half, 1), 0xee);
    assert_int_equal(DO("__clock_gettime", 1, DATA), 0);
    assert_int_equal(get_number(f, DATA, half), 5);
    assert_int_equal(DO("clock_gettime", 9, DATA), -1);
    assert_int_equal(DO("clock_gettime", 0, MEMORY), -1);
    assert_int_equal(DO("clock_getres", 0, DATA), 0);
    assert_int_equal(get_number(f, DATA + half, half), 1000000);
    assert_int_equal(DO("clock_getres", 0, 0), 0);
    assert_int_equal(DO("clock_getres", 9, 0), -1);
    assert_int_equal(DO("gettimeofday", DATA, 0), 0);
    assert_int_equal(get_number(f, DATA + half, 4), 123456);
    assert_int_equal(DO("gettimeofday", MEMORY, 0), -1);
    assert_int_equal(DO("time", DATA), 1700000000);
    assert_int_equal(get_number(f, DATA, half), 1700000000);
    assert_int_equal(DO("time", 0), 1700000000);
    assert_int_equal(DO("clock"), 3000);
    (void)DO("difftime", 7, -3);
    assert_true(f->real == 10);
}

EACH_WIDTH(a_clock_that_stands_moves_with_each_look)
{
    double before;

    (void)DO("emscripten_get_now");
    before = f->real;
    for (int i = 0; i < 1000; i++)
        (void)DO("emscripten_get_now");
    assert_true(f->real - before > 0.999 && f->real - before < 1.001); /* 1,000 of 1 us */
    (void)DO("emscripten_thread_sleep", 500);
    (void)DO("emscripten_date_now");
    assert_true(f->real == 501);
    (void)DO("emscripten_thread_sleep", -500);
    (void)DO("_emscripten_date_now");
    assert_true(f->real == 501);
}

WITH_CLOCK(a_clock_of_the_embedders_is_left_alone)
{
    (void)DO("emscripten_get_now");
    (void)DO("emscripten_get_now");
    assert_true(f->real == 5000.25);
}

/* ---- Dates ---- */

static struct tm get_date(const fixture *f)
{
    int32_t fields[9];

    memcpy(fields, memory_at(f, DATA), sizeof fields);
    return (struct tm){.tm_sec = fields[0],
                       .tm_min = fields[1],
                       .tm_hour = fields[2],
                       .tm_mday = fields[3],
                       .tm_mon = fields[4],
                       .tm_year = fields[5],
                       .tm_wday = fields[6],
                       .tm_yday = fields[7],
                       .tm_isdst = fields[8]};
}

static void assert_same_date(const struct tm *a, const struct tm *b)
{
    assert_int_equal(a->tm_sec, b->tm_sec);
    assert_int_equal(a->tm_min, b->tm_min);
    assert_int_equal(a->tm_hour, b->tm_hour);
    assert_int_equal(a->tm_mday, b->tm_mday);
    assert_int_equal(a->tm_mon, b->tm_mon);
    assert_int_equal(a->tm_year, b->tm_year);
    assert_int_equal(a->tm_wday, b->tm_wday);
    assert_int_equal(a->tm_yday, b->tm_yday);
    assert_int_equal(a->tm_isdst, b->tm_isdst);
}

static int64_t next_number(void)
{
    static uint64_t state = 1;

    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)(state ^ state >> 29);
}

/* Each type that a time has been passed by. */
static void assert_breaks_down(fixture *f, int64_t seconds)
{
    const char *name = seconds % 2 ? "_gmtime_js" : "_localtime_js";
    struct tm expected;
    time_t t = seconds;

    assert_non_null(gmtime_r(&t, &expected));
    for (int way = 0; way < 4; way++) {
        struct tm got;

        memset(memory_at(f, DATA), 0xee, 100);
        put_number(f, ARGS, 8, (uint64_t)seconds);
        if (way == 0)
            (void)DO_TYPED(name, "lP:", seconds, DATA);
        else if (way == 1)
            assert_int_equal(DO_TYPED(name, "lP:i", seconds, DATA), 0);
        else if (way == 2)
            (void)DO_TYPED(name, "iiP:", seconds, seconds >> 32, DATA);
        else
            (void)DO_TYPED(name, "PP:", ARGS, DATA);
        got = get_date(f);
        assert_same_date(&got, &expected);
        assert_int_equal(get_number(f, DATA + (f->call.is64 ? 40 : 36), word_of(f)), 0);
        assert_int_equal(get_number(f, DATA + (f->call.is64 ? 48 : 40), 1), 0xee);
    }
}

EACH_WIDTH(times_become_the_dates_of_the_c_library)
{
    static const int64_t edges[] = {
        0,           -1,         951782400,         951868800,
        -2208988801, 4107542400, 67768036191676799, -67768040609740800,
        INT32_MAX,   INT32_MIN,  253402300800,      -62135596801};

    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        assert_breaks_down(f, edges[i]);
    for (int i = 0; i < 20000; i++)
        assert_breaks_down(f, next_number() % (i % 2 ? 100000000000 : 67768036191676799));
}

EACH_WIDTH(years_beyond_an_int_are_refused)
{
    memset(memory_at(f, DATA), 0xee, 100);
    assert_int_equal(DO_TYPED("_gmtime_js", "lP:i", 67768036191676800, DATA), 1);
    assert_int_equal(DO_TYPED("_gmtime_js", "lP:i", -67768040609740801, DATA), 1);
    assert_int_equal(DO_TYPED("_gmtime_js", "lP:i", INT64_MAX, DATA), 1);
    assert_int_equal(DO_TYPED("_gmtime_js", "lP:i", INT64_MIN, DATA), 1);
    assert_int_equal(get_number(f, DATA, 1), 0xee);
    assert_int_equal(DO_TYPED("_gmtime_js", "lP:i", 0, MEMORY - 36), 1);
    assert_int_equal(DO_TYPED("_gmtime_js", "PP:i", MEMORY, DATA), 1);
}

EACH_WIDTH(old_modules_pass_the_address_of_32_bits)
{
    put_number(f, ARGS, 8, 0x1234567800000000 | 86400);
    f->call.dialect = GUEST_ENV_OLD;
    assert_int_equal(DO_TYPED("_gmtime_js", "PP:i", ARGS, DATA), 0);
    assert_int_equal(get_date(f).tm_mday, 2);
    /* Where it is not known how wide it is, what gives no date is not 64 bits wide. */
    f->call.dialect = GUEST_ENV_MIDDLE;
    assert_int_equal(DO_TYPED("_gmtime_js", "PP:i", ARGS, DATA), 0);
    assert_int_equal(get_date(f).tm_year, 70);
}

EACH_WIDTH(cs_own_functions_return_where_the_date_is)
{
    put_number(f, ARGS, 8, 86400);
    assert_int_equal(DO("__localtime_r", ARGS, DATA), DATA);
    assert_int_equal(get_date(f).tm_mday, 2);
    assert_int_equal(DO("gmtime_r", ARGS, MEMORY), 0);
}

static void put_date(const fixture *f, const struct tm *tm)
{
    const int fields[9] = {tm->tm_sec,  tm->tm_min,  tm->tm_hour, tm->tm_mday, tm->tm_mon,
                           tm->tm_year, tm->tm_wday, tm->tm_yday, tm->tm_isdst};

    memcpy(memory_at(f, DATA), fields, sizeof fields);
}

EACH_WIDTH(dates_become_the_times_of_the_c_library_with_fields_in_order)
{
    for (int i = 0; i < 20000; i++) {
        int range = i % 2 ? 100 : 2000000000;
        struct tm tm = {.tm_sec = (int)(next_number() % range),
                        .tm_min = (int)(next_number() % range),
                        .tm_hour = (int)(next_number() % range),
                        .tm_mday = (int)(next_number() % range),
                        .tm_mon = (int)(next_number() % range),
                        .tm_year = (int)(next_number() % range)};
        struct tm got;
        int64_t expected;

        put_date(f, &tm);
        expected = timegm(&tm);
        assert_int_equal(DO_TYPED(i % 3 ? "_mktime_js" : "_timegm_js", "P:l", DATA), expected);
        got = get_date(f);
        assert_same_date(&got, &tm);
    }
}

EACH_WIDTH(a_date_that_has_no_time_gives_minus_one)
{
    struct tm tm = {.tm_mday = 1, .tm_year = INT32_MAX, .tm_mon = 12};

    put_date(f, &tm);
    assert_int_equal(DO_TYPED("_mktime_js", "P:l", DATA), -1);
    assert_int_equal(get_date(f).tm_mon, 12);
    tm = (struct tm){.tm_year = INT32_MIN,
                     .tm_mon = INT32_MIN,
                     .tm_mday = INT32_MIN,
                     .tm_hour = INT32_MIN,
                     .tm_min = INT32_MIN,
                     .tm_sec = INT32_MIN};
    put_date(f, &tm);
    assert_int_equal(DO_TYPED("_mktime_js", "P:l", DATA), -1);
    assert_int_equal(DO_TYPED("_mktime_js", "P:l", MEMORY - 20), -1);
}

EACH_WIDTH(the_upper_half_of_a_time_goes_through_the_library)
{
    struct tm tm = {.tm_mday = 1, .tm_year = 300};
    beamr_extern upper;

    put_date(f, &tm);
    assert_true(beamr_instance_find(f->instance, beamr_bytes_of("upper"), &upper));
    assert_int_equal(DO_TYPED("_mktime_js", "P:i", DATA), (int32_t)timegm(&tm));
    assert_int_equal(beamr_global_get(upper.of.global).of.i32, timegm(&tm) >> 32);
    /* Older libraries have no more than the lower one. */
    f->call.dialect = GUEST_ENV_MIDDLE;
    assert_int_equal(DO_TYPED("_mktime_js", "P:i", DATA), -1);
}

/* ---- The zone ---- */

EACH_WIDTH(the_zone_is_utc_by_each_type)
{
    size_t word = word_of(f);
    uint64_t name;

    memset(memory_at(f, DATA), 0xee, 100);
    (void)DO("_tzset_js", DATA, DATA + 8, DATA + 16, DATA + 32);
    assert_int_equal(get_number(f, DATA, word), 0);
    assert_int_equal(get_number(f, DATA + 8, 4), 0);
    assert_string_equal(memory_at(f, DATA + 16), "UTC");
    assert_string_equal(memory_at(f, DATA + 32), "UTC");
    memset(memory_at(f, DATA), 0, 100);
    (void)DO_TYPED("_tzset_js", "PPP:", DATA, DATA + 8, DATA + 16);
    name = get_number(f, DATA + 16, word);
    assert_int_equal(name, HEAP);
    assert_int_equal(get_number(f, DATA + 16 + word, word), HEAP);
    assert_string_equal(memory_at(f, name), "UTC");
    (void)DO_TYPED("_tzset_js", "PPP:", DATA, DATA + 8, DATA + 16); /* allocates once */
    assert_int_equal(get_number(f, DATA + 16, word), HEAP);
    (void)DO("_tzset_js", MEMORY, MEMORY, MEMORY, MEMORY);
    (void)DO_TYPED("_tzset_js", "PPP:", DATA, DATA + 8, MEMORY);
}

EACH_WIDTH(timers_never_run_out)
{
    assert_int_equal(DO("_setitimer_js", 0, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clocks_are_in_milliseconds),
        cmocka_unit_test(old_modules_import_cs_own_clocks),
        cmocka_unit_test(a_clock_that_stands_moves_with_each_look),
        cmocka_unit_test(a_clock_of_the_embedders_is_left_alone),
        cmocka_unit_test(times_become_the_dates_of_the_c_library),
        cmocka_unit_test(cs_own_functions_return_where_the_date_is),
        cmocka_unit_test(years_beyond_an_int_are_refused),
        cmocka_unit_test(old_modules_pass_the_address_of_32_bits),
        cmocka_unit_test(dates_become_the_times_of_the_c_library_with_fields_in_order),
        cmocka_unit_test(a_date_that_has_no_time_gives_minus_one),
        cmocka_unit_test(the_upper_half_of_a_time_goes_through_the_library),
        cmocka_unit_test(the_zone_is_utc_by_each_type),
        cmocka_unit_test(timers_never_run_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
