/* What a guest says of its traps, by its export last_error: it stands in the text of the trap,
 * and asking for it is part of the call. */
#include "state_guest.h"
#include "words_guest.h"

static void open_guest(fixture *f, const dev_image_limits *limits)
{
    fixture_open(f, NULL, NULL);
    dev_image_unref(f->image);
    f->image = fixture_load(f, words_guest, sizeof words_guest, limits);
}

/* The text that a call ends in. */
static void expect_trap(fixture *f, dev_state *from, const char *name, long way,
                        const char *expected, dev_state **out)
{
    char text[2048];

    fixture_call_with(f, from, name, integers(1, way), NULL, NULL, text, sizeof text, out);
    assert_string_equal(text, expected);
}

static void a_trap_has_the_words_of_the_guest(void **state)
{
    fixture f;
    dev_state *a;

    (void)state;
    open_guest(&f, NULL);
    a = fixture_init(&f);
    expect_trap(&f, a, "trap", 0, "!unreachable: it broke; in trap (function 0)", NULL);
    expect_trap(&f, a, "throw", 0, "!uncaught exception: it broke; in throw (function 1)",
                NULL);
    dev_state_unref(a);
    fixture_close(&f);
}

static void words_that_are_none_are_left_out(void **state)
{
    static const char alone[] = "!unreachable; in trap (function 0)";
    static const struct {
        long way;
        const char *expected;
    } cases[] = {{1, alone}, /* a trap */
                 {3, alone}, /* an address beyond its memory */
                 {4, "!unreachable: a?b?; in trap (function 0)"},
                 {5, alone}, /* an empty text */
                 {6, alone} /* an exception */};
    fixture f;

    (void)state;
    open_guest(&f, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dev_state *a = fixture_init(&f), *b;

        expect_trap(&f, a, "trap", cases[i].way, cases[i].expected, &b);
        expect_call(&f, b, "asked", integers(0), "1", NULL);
        dev_state_unref(a);
        dev_state_unref(b);
    }
    fixture_close(&f);
}

static void a_module_that_says_it_otherwise_is_not_asked(void **state)
{
    fixture f;
    dev_state *a;
    char text[512];

    (void)state;
    fixture_open(&f, NULL, NULL);
    a = fixture_init(&f);
    fixture_call_with(&f, a, "trap", integers(1, 1L), NULL, NULL, text, sizeof text, NULL);
    assert_non_null(strstr(text, "!unreachable; in "));
    dev_state_unref(a);
    fixture_close(&f);
}

/* What asking has changed in the guest is there also when the call is repeated. */
static void asking_is_repeated_with_the_call(void **state)
{
    fixture f;
    dev_state *a, *b, *c;

    (void)state;
    open_guest(&f, NULL);
    a = fixture_init(&f);
    expect_trap(&f, a, "trap", 0, "!unreachable: it broke; in trap (function 0)", &b);
    expect_trap(&f, b, "trap", 1, "!unreachable; in trap (function 0)", &c);
    expect_call(&f, c, "asked", integers(0), "2", NULL);
    expect_call(&f, b, "asked", integers(0), "1", NULL); /* made anew, out of a */
    expect_call(&f, c, "asked", integers(0), "2", NULL);
    expect_call(&f, a, "asked", integers(0), "0", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
    fixture_close(&f);
}

/* The host ends a call, with these options. */
static void expect_failure(fixture *f, dev_state *from, const char *name, ao_value parameters,
                           const dev_run_options *options, beamr_trap trap)
{
    dev_run *run = NULL;

    beamr_error_clear(&f->err);
    assert_int_equal(
        dev_run_call(from, beamr_bytes_of(name), parameters, options, &run, &f->err), BEAMR_OK);
    assert_int_equal(dev_run_go(run, &f->err), BEAMR_TRAP);
    assert_int_equal(f->err.trap, trap);
    dev_run_free(run);
    ao_value_unref(parameters);
}

static void words_without_end_are_those_of_a_call_without_end(void **state)
{
    fixture f;
    dev_run_options options;
    dev_state *a;

    (void)state;
    open_guest(&f, NULL);
    a = fixture_init(&f);
    options = fixture_options(&f);
    options.timeout_ns = 50000000;
    expect_failure(&f, a, "trap", integers(1, 2L), &options, BEAMR_TRAP_DEADLINE);
    expect_call(&f, a, "asked", integers(0), "0", NULL);
    /* Nor is a guest asked whose call the host has ended. */
    expect_failure(&f, a, "spin", integers(0), &options, BEAMR_TRAP_DEADLINE);
    expect_call(&f, a, "asked", integers(0), "0", NULL);
    dev_state_unref(a);
    fixture_close(&f);
}

static void words_are_paid_with_the_fuel_of_the_call(void **state)
{
    static const dev_image_limits own = {.max_fuel = 100000};
    fixture f;
    dev_run_options options;
    dev_state *a, *b;

    (void)state;
    open_guest(&f, &own);
    a = fixture_init(&f);
    expect_trap(&f, a, "trap", 0, "!unreachable: it broke; in trap (function 0)", NULL);
    /* The message's own fuel ends the words, the node's the call. */
    expect_trap(&f, a, "trap", 2, "!unreachable; in trap (function 0)", &b);
    expect_call(&f, b, "asked", integers(0), "1", NULL);
    expect_call(&f, a, "asked", integers(0), "0", NULL);
    options = fixture_options(&f);
    options.host_fuel = 1000;
    expect_failure(&f, a, "trap", integers(1, 2L), &options, BEAMR_TRAP_OUT_OF_FUEL);
    expect_call(&f, b, "asked", integers(0), "1", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trap_has_the_words_of_the_guest),
        cmocka_unit_test(words_that_are_none_are_left_out),
        cmocka_unit_test(a_module_that_says_it_otherwise_is_not_asked),
        cmocka_unit_test(asking_is_repeated_with_the_call),
        cmocka_unit_test(words_without_end_are_those_of_a_call_without_end),
        cmocka_unit_test(words_are_paid_with_the_fuel_of_the_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
