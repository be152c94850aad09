/* device/internal.h: numbers of messages as values of guests, and back. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "device/internal.h"

static void expect_i32(int64_t number, int32_t expected)
{
    beamr_value value;

    assert_true(dev_number(ao_integer(number), BEAMR_I32, &value));
    assert_int_equal(value.kind, BEAMR_I32);
    assert_int_equal(value.of.i32, expected);
}

static void integers_are_signed_or_unsigned(void **state)
{
    beamr_value value;

    (void)state;
    expect_i32(-1, -1);
    expect_i32(INT32_MIN, INT32_MIN);
    expect_i32(UINT32_MAX, -1);
    assert_false(dev_number(ao_integer((int64_t)UINT32_MAX + 1), BEAMR_I32, &value));
    assert_false(dev_number(ao_integer((int64_t)INT32_MIN - 1), BEAMR_I32, &value));
}

static void what_fits_64_bits_does_not_fit_32(void **state)
{
    beamr_error err = {0};
    beamr_value value;
    ao_value most;

    (void)state;
    assert_int_equal(ao_integer_read(beamr_bytes_of("18446744073709551615"), &most, &err),
                     BEAMR_OK);
    assert_true(dev_number(most, BEAMR_I64, &value));
    assert_int_equal(value.of.i64, -1);
    assert_false(dev_number(most, BEAMR_I32, &value));
    ao_value_unref(most);
}

static void floats_are_integers_when_they_are_whole(void **state)
{
    beamr_value value;

    (void)state;
    assert_true(dev_number(ao_float(-3.0), BEAMR_I64, &value));
    assert_int_equal(value.of.i64, -3);
    assert_false(dev_number(ao_float(1.5), BEAMR_I32, &value));
    assert_false(dev_number(ao_float(0x1p64), BEAMR_I64, &value));
    assert_true(dev_number(ao_integer(16777217), BEAMR_F32, &value));
    assert_true(value.of.f32 == 16777216.0f);
    assert_false(dev_number(ao_float(1e300), BEAMR_F32, &value));
}

static void atoms_are_what_no_message_can_hold(void **state)
{
    static const double numbers[] = {(double)INFINITY, -(double)INFINITY, 0.5};
    beamr_value value;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        beamr_value before = beamr_f64(numbers[i]);
        ao_value shown = dev_value(&before);

        assert_true(dev_number(shown, BEAMR_F64, &value));
        assert_true(value.of.f64 == numbers[i]);
        ao_value_unref(shown);
    }
    assert_true(dev_number(ao_atom("nan"), BEAMR_F32, &value));
    assert_true(isnan(value.of.f32));
    assert_false(dev_number(ao_atom("nan"), BEAMR_I32, &value));
    assert_false(dev_number(ao_atom("other"), BEAMR_F64, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_are_signed_or_unsigned),
        cmocka_unit_test(what_fits_64_bits_does_not_fit_32),
        cmocka_unit_test(floats_are_integers_when_they_are_whole),
        cmocka_unit_test(atoms_are_what_no_message_can_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
