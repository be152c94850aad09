/* Results of imports from terms, and values as terms. */
#include "term_fixture.h"

#include <math.h>

#include "driver/convert.h"

enum { RESULTS_MAX = 4 };

static beamr_error err;
static beamr_value values[RESULTS_MAX];

static beamr_status read_results(const char *text, const char *types)
{
    static const char letters[] = "ilfdvFX";
    static const beamr_kind kinds[] = {BEAMR_I32,  BEAMR_I64,     BEAMR_F32,      BEAMR_F64,
                                       BEAMR_V128, BEAMR_FUNCREF, BEAMR_EXTERNREF};
    beamr_valtype results[RESULTS_MAX];
    beamr_functype type = {.results = results, .result_count = strlen(types)};
    beamr_bytes bytes = hex(text);
    drv_reader r = reader_of(bytes);
    beamr_status st;

    for (size_t i = 0; types[i]; i++)
        results[i] = beamr_valtype_of(kinds[strchr(letters, types[i]) - letters]);
    beamr_error_clear(&err);
    st = drv_results_read(&r, &type, values, &err);
    bytes_free(bytes);
    return st;
}

static void accept(const char *text, const char *types)
{
    if (read_results(text, types) != BEAMR_OK)
        fail_msg("%s for %s: %s", text, types, err.text);
}

static void refuse(const char *text, const char *types, const char *why)
{
    assert_int_equal(read_results(text, types), BEAMR_ARGUMENT);
    if (!strstr(err.text, why))
        fail_msg("the text is \"%s\", not \"%s\"", err.text, why);
}

static void results_become_values_of_the_type(void **state)
{
    (void)state;
    /* [-1, 2^64 - 1, 1.5, 2] */
    accept("6c00000004 62ffffffff 6e0800ffffffffffffffff 463ff8000000000000 6102 6a", "ilfd");
    assert_int_equal(values[0].of.i32, -1);
    assert_true(values[1].of.i64 == -1);
    assert_true(values[2].kind == BEAMR_F32 && values[2].of.f32 == 1.5F);
    assert_true(values[3].kind == BEAMR_F64 && values[3].of.f64 == 2.0);
    accept("6b00020103", "il"); /* [1, 3] */
    assert_true(values[0].of.i32 == 1 && values[1].of.i64 == 3);
    accept("6c00000001 464014000000000000 6a", "i"); /* [5.0] */
    assert_int_equal(values[0].of.i32, 5);
    accept("6c00000003 77036e616e 7708696e66696e697479 770c6e65675f696e66696e697479 6a", "fdd");
    assert_true(isnan(values[0].of.f32) && values[1].of.f64 == (double)INFINITY &&
                values[2].of.f64 == -(double)INFINITY);
    accept("6a", "");
}

static void the_count_is_that_of_the_type(void **state)
{
    (void)state;
    refuse("6a", "i", ": 0, not 1");
    refuse("6b00020102", "i", ": 2, not 1");
    refuse("6c00000001 6101 6a", "ii", ": 1, not 2");
    refuse("6b00020102", "", ": 2, not 0");
}

static void one_number_for_no_results_is_ignored(void **state)
{
    (void)state;
    accept("6b000100", "");
    accept("6c00000001 463ff8000000000000 6a", "");
    accept("6c00000001 6e0900000000000000000001 6a", "");
    refuse("6c00000001 77026f6b 6a", "", "result 1: no number");
    refuse("6c00000001 6101 6101", "", "improper");
}

static void what_does_not_fit_is_refused_by_place(void **state)
{
    (void)state;
    refuse("6c00000002 6101 6e05000000000001 6a", "ii", "result 2");
    refuse("6c00000001 62ffffffff 6a", "v", "result 1");
    refuse("6b000101", "F", "result 1");
    refuse("6b000101", "X", "result 1");
    refuse("6c00000001 463ff8000000000000 6a", "i", "result 1");
    refuse("6c00000001 77036e616e 6a", "l", "result 1");
    refuse("6c00000001 6e08010100000000000080 6a", "l", "result 1"); /* -(2^63 + 1) */
    refuse("6c00000001 6e0900000000000000000001 6a", "l", "result 1: an integer beyond");
    refuse("6c00000001 6d00000000 6a", "i", "result 1: no number");
    refuse("6c00000001 77026f6b 6a", "i", "result 1: no number");
    refuse("6c00000001 6a 6a", "d", "result 1: no number");
    refuse("6c00000001 46 7e37e43c8800759c 6a", "f", "result 1"); /* 1.0e300 */
    refuse("6c00000001 6101 6102", "i", "improper");
    refuse("77026f6b", "i", "no list");
    assert_int_equal(read_results("6c00000001 6101", "i"), BEAMR_MALFORMED);
    assert_int_equal(read_results("", "i"), BEAMR_MALFORMED);
}

static void assert_values(size_t count, const beamr_value *given, const char *text)
{
    drv_writer w;

    drv_writer_begin(&w);
    drv_put_values(&w, given, count);
    assert_written(&w, text);
    drv_writer_clear(&w);
}

static void values_become_terms(void **state)
{
    beamr_value given[] = {beamr_i32(-1), beamr_i64(INT64_MIN), beamr_f32(1.5F),
                           beamr_f64(-0.0)};

    (void)state;
    assert_values(0, NULL, "6a");
    assert_values(4, given,
                  "6c00000004 62ffffffff 6e08010000000000000080 463ff8000000000000"
                  " 468000000000000000 6a");
}

static void what_is_no_number_becomes_an_atom(void **state)
{
    beamr_value given[] = {beamr_f32(NAN), beamr_f32(INFINITY), beamr_f64(-(double)INFINITY),
                           beamr_f64(-(double)NAN)};

    (void)state;
    assert_values(4, given,
                  "6c00000004 77036e616e 7708696e66696e697479 770c6e65675f696e66696e697479"
                  " 77036e616e 6a");
}

static void vectors_and_references_have_a_form(void **state)
{
    beamr_value given[5] = {{.kind = BEAMR_V128, .of.v128 = {1, 2, 3}},
                            {.kind = BEAMR_FUNCREF},
                            {.kind = BEAMR_EXTERNREF},
                            {.kind = BEAMR_EXNREF},
                            {.kind = BEAMR_EXTERNREF, .of.external = &given[0]}};

    (void)state;
    assert_values(5, given,
                  "6c00000005 6d00000010 01020300000000000000000000000000"
                  " 77046e756c6c 77046e756c6c 77046e756c6c 7703726566 6a");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(results_become_values_of_the_type),
        cmocka_unit_test(the_count_is_that_of_the_type),
        cmocka_unit_test(one_number_for_no_results_is_ignored),
        cmocka_unit_test(what_does_not_fit_is_refused_by_place),
        cmocka_unit_test(values_become_terms),
        cmocka_unit_test(what_is_no_number_becomes_an_atom),
        cmocka_unit_test(vectors_and_references_have_a_form),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
