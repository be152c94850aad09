/* Runs: calls that make new states, what they take and give, how they fail. */
#include "state_guest.h"

#include <math.h>
#include <unistd.h>

static int open_world(void **state)
{
    static fixture f;

    fixture_open(&f, NULL, NULL);
    *state = &f;
    return 0;
}

static int close_world(void **state)
{
    fixture_close(*state);
    return 0;
}

static void a_call_makes_a_state_and_the_next_one_goes_on(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b, *c;

    expect_call(f, a, "add", integers(1, 5L), "5", &b);
    expect_call(f, b, "add", integers(1, 7L), "12", &c);
    expect_call(f, c, "get", integers(0), "12,12", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    dev_state_unref(c);
}

static void imports_wait_and_are_answered(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f);
    dev_run_options options = fixture_options(f);
    ao_value parameters = integers(1, 21L), results;
    dev_run *run = NULL;
    dev_import import;

    assert_int_equal(
        dev_run_call(a, beamr_bytes_of("ask"), parameters, &options, &run, &f->err), BEAMR_OK);
    assert_int_equal(dev_run_go(run, &f->err), BEAMR_SUSPENDED);
    dev_run_import(run, &import);
    assert_memory_equal(import.module.data, "host", 4);
    assert_memory_equal(import.name.data, "ask", 3);
    assert_string_equal(import.signature, "(i)i");
    assert_int_equal(ao_list_at(import.args, 0).of.integer, 21);
    /* Not yet answered, answered wrongly, and then well. */
    assert_int_equal(dev_run_go(run, NULL), BEAMR_ARGUMENT);
    results = integers(2, 1L, 2L);
    assert_int_equal(dev_run_answer(run, results, NULL, NULL), BEAMR_ARGUMENT);
    ao_value_unref(results);
    results = integers(1, 1L << 40);
    assert_int_equal(dev_run_answer(run, results, NULL, NULL), BEAMR_ARGUMENT);
    ao_value_unref(results);
    results = integers(1, 42L);
    assert_int_equal(dev_run_answer(run, results, NULL, &f->err), BEAMR_OK);
    assert_int_equal(dev_run_answer(run, results, NULL, NULL), BEAMR_ARGUMENT);
    ao_value_unref(results);
    assert_int_equal(dev_run_go(run, &f->err), BEAMR_OK);
    assert_int_equal(dev_run_go(run, NULL), BEAMR_ARGUMENT);
    dev_state_unref(run_leave(run, &f->err));
    ao_value_unref(parameters);
    dev_state_unref(a);
}

static void a_function_without_results_may_be_answered_with_one_value(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f);

    expect_call(f, a, "tell", integers(1, 3L), "", NULL);
    dev_state_unref(a);
}

static const char *refuse(void *arg, dev_run *run, const dev_import *import, ao_value *results)
{
    (void)run;
    (void)import;
    (void)results;
    return arg;
}

static void a_refused_import_is_a_trap_with_its_text(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b;
    char text[512];

    fixture_call_with(f, a, "ask", integers(1, 1L), refuse, (void *)"no such thing today", text,
                      sizeof text, &b);
    assert_non_null(strstr(text, "no such thing today"));
    assert_int_equal(text[0], '!');
    expect_call(f, b, "add", integers(1, 1L), "1", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
}

static void a_trap_leaves_what_was_written(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b;
    char text[512];

    fixture_call_with(f, a, "trap", integers(1, 9L), NULL, NULL, text, sizeof text, &b);
    assert_non_null(strstr(text, "unreachable; in "));
    expect_call(f, b, "get", integers(0), "9,9", NULL);
    expect_call(f, a, "get", integers(0), "0,0", NULL);
    expect_call(f, b, "get", integers(0), "9,9", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
}

/* ---- Parameters ---- */

static ao_value list_of(ao_value a, ao_value b)
{
    ao_value items[] = {a, b};

    return ao_list_new(items, b.kind == AO_NONE ? 1 : 2);
}

static void numbers_are_converted_by_the_rules(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f);
    ao_value big;

    expect_call(f, a, "both", integers(2, 0xffffffffL, -1L), "-1,-1", NULL);
    expect_call(f, a, "both", list_of(ao_float(-3.0), ao_float(4294967296.0)), "4294967296,-3",
                NULL);
    assert_int_equal(ao_integer_read(beamr_bytes_of("18446744073709551615"), &big, &f->err),
                     BEAMR_OK);
    expect_call(f, a, "both", list_of(ao_integer(1), big), "-1,1", NULL);
    expect_call(f, a, "halve", list_of(ao_integer(3), ao_float(0.5)), "1.5,0.25", NULL);
    expect_call(f, a, "halve", list_of(ao_atom("nan"), ao_atom("-inf")), "nan,neg_infinity",
                NULL);
    expect_call(f, a, "halve", list_of(ao_atom("infinity"), ao_atom("neg_infinity")),
                "infinity,neg_infinity", NULL);
    dev_state_unref(a);
}

static void expect_refusal(fixture *f, dev_state *a, const char *name,
                           BEAMR_OWN ao_value parameters, beamr_status st, const char *text)
{
    dev_run_options options = fixture_options(f);
    dev_run *run = NULL;

    beamr_error_clear(&f->err);
    assert_int_equal(dev_run_call(a, beamr_bytes_of(name), parameters, &options, &run, &f->err),
                     st);
    assert_null(run);
    assert_non_null(strstr(f->err.text, text));
    ao_value_unref(parameters);
}

static void what_does_not_fit_is_refused_and_the_state_is_as_before(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b;
    ao_value big;

    expect_call(f, a, "add", integers(1, 5L), "5", &b);
    assert_int_equal(ao_integer_read(beamr_bytes_of("18446744073709551616"), &big, &f->err),
                     BEAMR_OK);
    expect_refusal(f, b, "nothing", integers(0), BEAMR_NOT_FOUND,
                   "Function not found: nothing");
    expect_refusal(f, b, "memory", integers(0), BEAMR_NOT_FOUND, "not found");
    expect_refusal(f, b, "add", integers(0), BEAMR_ARGUMENT, "takes 1 parameter, and 0 were");
    expect_refusal(f, b, "add", integers(3, 1L, 2L, 3L), BEAMR_ARGUMENT, "and 3 were given");
    expect_refusal(f, b, "peek", integers(1, 1L << 32), BEAMR_ARGUMENT,
                   "parameter 1: 4294967296 is no i32");
    expect_refusal(f, b, "add", list_of(ao_float(0.5), AO_NO_VALUE), BEAMR_ARGUMENT,
                   "0.5 is no i64");
    expect_refusal(f, b, "add", list_of(big, AO_NO_VALUE), BEAMR_ARGUMENT,
                   "18446744073709551616 is no i64");
    expect_refusal(f, b, "halve", list_of(ao_float(1), ao_float(1e300)), BEAMR_ARGUMENT,
                   "is no f32");
    expect_refusal(f, b, "halve", list_of(ao_binary_text("1"), ao_float(1)), BEAMR_ARGUMENT,
                   "is text");
    expect_refusal(f, b, "add", ao_integer(1), BEAMR_ARGUMENT, "no list");
    expect_call(f, b, "get", integers(0), "5,5", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
}

static void texts_messages_and_lists_are_copied_into_the_guest(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f);
    ao_value item = ao_binary_text("sqrt(9) * (10 / 2)");

    expect_call(f, a, "length", list_of(item, AO_NO_VALUE), "18", NULL);
    expect_call(f, a, "length", list_of(ao_atom("four"), AO_NO_VALUE), "4", NULL);
    item = ao_message_value(world_message(f->context, "{\"a\":\"b\\n\",\"list\":[1,true]}"));
    expect_call(f, a, "length", list_of(item, AO_NO_VALUE), "27", NULL);
    expect_call(f, a, "length", list_of(integers(3, 1L, 2L, 33L), AO_NO_VALUE), "8", NULL);
    dev_state_unref(a);
}

/* ---- Who may ---- */

static void a_state_that_is_being_made_is_busy(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b;
    dev_run_options options = fixture_options(f);
    ao_value parameters = integers(1, 1L);
    dev_run *run = NULL, *other = NULL;
    ao_message *snapshot = NULL;

    assert_int_equal(
        dev_run_call(a, beamr_bytes_of("ask"), parameters, &options, &run, &f->err), BEAMR_OK);
    b = dev_state_ref(dev_run_state(run));
    assert_int_equal(dev_run_call(b, beamr_bytes_of("ask"), parameters, &options, &other, NULL),
                     BEAMR_BUSY);
    assert_int_equal(dev_run_go(run, &f->err), BEAMR_SUSPENDED);
    assert_int_equal(dev_run_call(b, beamr_bytes_of("ask"), parameters, &options, &other, NULL),
                     BEAMR_BUSY);
    assert_int_equal(dev_state_snapshot(b, &snapshot, NULL), BEAMR_BUSY);
    /* The older one can be computed on meanwhile. */
    expect_call(f, a, "get", integers(0), "0,0", NULL);
    dev_run_free(run); /* cancels it */
    assert_int_equal(dev_run_call(b, beamr_bytes_of("ask"), parameters, &options, &other, NULL),
                     BEAMR_ARGUMENT);
    dev_state_unref(b);
    expect_call(f, a, "get", integers(0), "0,0", NULL);
    ao_value_unref(parameters);
    dev_state_unref(a);
}

static void a_run_that_never_went_on_changes_nothing(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f);
    dev_run_options options = fixture_options(f);
    ao_value parameters = integers(1, 1L);
    dev_run *run = NULL;

    assert_int_equal(
        dev_run_call(a, beamr_bytes_of("add"), parameters, &options, &run, &f->err), BEAMR_OK);
    dev_run_free(run);
    assert_int_equal(dev_run_init(f->image, &options, &run, &f->err), BEAMR_OK);
    dev_run_free(run);
    expect_call(f, a, "get", integers(0), "0,0", NULL);
    ao_value_unref(parameters);
    dev_state_unref(a);
}

/* ---- The host's limits ---- */

static void expect_host_failure(fixture *f, dev_state *a, const char *name,
                                const dev_run_options *options, beamr_trap trap)
{
    ao_value none = integers(0);
    dev_run *run = NULL;
    beamr_status st;

    beamr_error_clear(&f->err);
    assert_int_equal(dev_run_call(a, beamr_bytes_of(name), none, options, &run, &f->err),
                     BEAMR_OK);
    st = dev_run_go(run, &f->err);
    assert_int_equal(st, BEAMR_TRAP);
    assert_int_equal(f->err.trap, trap);
    dev_run_free(run);
    ao_value_unref(none);
}

static void a_deadline_fails_and_the_state_is_as_before(void **state)
{
    fixture *f = *state;
    dev_state *a = fixture_init(f), *b;
    dev_run_options options = fixture_options(f);

    expect_call(f, a, "add", integers(1, 5L), "5", &b);
    options.timeout_ns = 1000000;
    expect_host_failure(f, b, "spin", &options, BEAMR_TRAP_DEADLINE);
    expect_call(f, b, "get", integers(0), "5,5", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
}

/* A signal may come before the guest runs, or between two of its steps. */
static void an_interrupt_before_it_runs_is_kept_until_it_is_forgotten(void **state)
{
    fixture *f = *state;
    dev_world *world = dev_world_of(f->context);
    dev_state *a = fixture_init(f), *b;
    dev_run_options options = fixture_options(f);

    expect_call(f, a, "add", integers(1, 5L), "5", &b);
    (void)alarm(10); /* it would not end */
    dev_world_interrupt(world);
    expect_host_failure(f, b, "spin", &options, BEAMR_TRAP_INTERRUPTED);
    (void)alarm(0);
    expect_call(f, b, "get", integers(0), "5,5", NULL);
    dev_world_interrupt(world);
    dev_world_forget_interrupt(world);
    expect_call(f, b, "add", integers(1, 1L), "6", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
}

static void the_nodes_fuel_fails_and_the_messages_fuel_is_a_trap(void **unused)
{
    fixture own, *f = &own;
    dev_image_limits limits = {.max_fuel = 100000};
    dev_run_options options;
    dev_state *a, *b;
    char text[512];

    (void)unused;
    fixture_open(f, NULL, &limits);
    options = fixture_options(f);
    a = fixture_init(f);
    options.host_fuel = 1000;
    expect_host_failure(f, a, "spin", &options, BEAMR_TRAP_OUT_OF_FUEL);
    fixture_call_with(f, a, "spin", integers(0), NULL, NULL, text, sizeof text, &b);
    assert_non_null(strstr(text, "out of fuel"));
    dev_state_rest(b);
    expect_call(f, b, "get", integers(0), "0,0", NULL);
    dev_state_unref(a);
    dev_state_unref(b);
    fixture_close(f);
}

static void the_messages_memory_limit_is_seen_by_the_guest(void **unused)
{
    fixture own, *f = &own;
    dev_image_limits limits = {.max_pages = 4};
    dev_state *a;

    (void)unused;
    fixture_open(f, NULL, &limits);
    a = fixture_init(f);
    expect_call(f, a, "grow", integers(1, 4L), "-1", NULL);
    expect_call(f, a, "grow", integers(1, 3L), "1", NULL);
    dev_state_unref(a);
    fixture_close(f);
}

static void the_nodes_memory_limit_of_one_guest_fails(void **unused)
{
    fixture own, *f = &own;
    ao_message *values;
    dev_run_options options;
    dev_state *a;

    (void)unused;
    assert_int_equal(ao_message_with(ao_message_empty(), "wasm_max_guest_memory",
                                     ao_integer(10 << 16), &values, NULL),
                     BEAMR_OK);
    fixture_open(f, values, NULL);
    options = fixture_options(f);
    a = fixture_init(f);
    expect_host_failure(f, a, "eat", &options, BEAMR_TRAP_OUT_OF_MEMORY);
    expect_call(f, a, "grow", integers(1, 5L), "1", NULL);
    dev_state_unref(a);
    fixture_close(f);
    ao_message_unref(values);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_makes_a_state_and_the_next_one_goes_on),
        cmocka_unit_test(imports_wait_and_are_answered),
        cmocka_unit_test(a_function_without_results_may_be_answered_with_one_value),
        cmocka_unit_test(a_refused_import_is_a_trap_with_its_text),
        cmocka_unit_test(a_trap_leaves_what_was_written),
        cmocka_unit_test(numbers_are_converted_by_the_rules),
        cmocka_unit_test(what_does_not_fit_is_refused_and_the_state_is_as_before),
        cmocka_unit_test(texts_messages_and_lists_are_copied_into_the_guest),
        cmocka_unit_test(a_state_that_is_being_made_is_busy),
        cmocka_unit_test(a_run_that_never_went_on_changes_nothing),
        cmocka_unit_test(a_deadline_fails_and_the_state_is_as_before),
        cmocka_unit_test(an_interrupt_before_it_runs_is_kept_until_it_is_forgotten),
        cmocka_unit_test(the_nodes_fuel_fails_and_the_messages_fuel_is_a_trap),
        cmocka_unit_test(the_messages_memory_limit_is_seen_by_the_guest),
        cmocka_unit_test(the_nodes_memory_limit_of_one_guest_fails),
    };

    return cmocka_run_group_tests_name("device/run", tests, open_world, close_world);
}
