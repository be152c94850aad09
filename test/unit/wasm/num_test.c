/* Tests of wasm/num.h: the values at the edges of every operation, bit for bit.
 * Expected numbers are written out, or come from libm, which the header does not use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "wasm/num.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Bits, so that zeros and NaN are told apart. `volatile` keeps the compiler from folding. */
#define assert_f32(x, want)                                                                    \
    assert_int_equal(wb_num_i32_reinterpret_f32(x), wb_num_i32_reinterpret_f32(want))
#define assert_f64(x, want)                                                                    \
    assert_int_equal(wb_num_i64_reinterpret_f64(x), wb_num_i64_reinterpret_f64(want))
#define assert_nan32(x) assert_int_equal(wb_num_i32_reinterpret_f32(x), 0x7fc00000)
#define assert_nan64(x) assert_int_equal(wb_num_i64_reinterpret_f64(x), 0x7ff8000000000000)

static const uint32_t nans32[] = {0x7fc00000, 0xffc00000, 0x7f800001, 0xff800001,
                                  0x7fa00000, 0x7fffffff, 0xffffffff, 0x7fc12345};
static const uint64_t nans64[] = {0x7ff8000000000000, 0xfff8000000000000, 0x7ff0000000000001,
                                  0xfff0000000000001, 0x7ff4000000000000, 0x7fffffffffffffff,
                                  0xffffffffffffffff, 0x7ff8123456789abc};

static float f32_of(uint32_t bits)
{
    volatile uint32_t v = bits;
    return wb_num_f32_reinterpret_i32(v);
}
static double f64_of(uint64_t bits)
{
    volatile uint64_t v = bits;
    return wb_num_f64_reinterpret_i64(v);
}

/* Numbers in a fixed, well mixed order. */
static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- Integers ---- */

static void bit_counts_cover_zero_and_all_ones(void **state)
{
    (void)state;
    assert_int_equal(wb_num_i32_clz(0), 32);
    assert_int_equal(wb_num_i32_clz(1), 31);
    assert_int_equal(wb_num_i32_clz(UINT32_MAX), 0);
    assert_int_equal(wb_num_i32_ctz(0), 32);
    assert_int_equal(wb_num_i32_ctz(0x80000000), 31);
    assert_int_equal(wb_num_i32_ctz(1), 0);
    assert_int_equal(wb_num_i64_clz(0), 64);
    assert_int_equal(wb_num_i64_clz(1), 63);
    assert_int_equal(wb_num_i64_clz(0x100000000), 31);
    assert_int_equal(wb_num_i64_ctz(0), 64);
    assert_int_equal(wb_num_i64_ctz(0x8000000000000000), 63);
    assert_int_equal(wb_num_i32_popcnt(0), 0);
    assert_int_equal(wb_num_i32_popcnt(UINT32_MAX), 32);
    assert_int_equal(wb_num_i64_popcnt(UINT64_MAX), 64);
    uint64_t seed = 1;
    for (int i = 0; i < 10000; i++) {
        uint64_t x = random_next(&seed), n = 0;
        for (int bit = 0; bit < 64; bit++)
            n += x >> bit & 1;
        assert_int_equal(wb_num_i64_popcnt(x), n);
    }
}

static void shift_counts_wrap_at_the_width(void **state)
{
    (void)state;
    assert_int_equal(wb_num_i32_shl(1, 31), 0x80000000);
    assert_int_equal(wb_num_i32_shl(1, 32), 1);
    assert_int_equal(wb_num_i32_shl(1, UINT32_MAX), 0x80000000);
    assert_int_equal(wb_num_i32_shr_s(INT32_MIN, 31), -1);
    assert_int_equal(wb_num_i32_shr_s(INT32_MIN, 33), -0x40000000);
    assert_int_equal(wb_num_i32_shr_u(0x80000000, 31), 1);
    assert_int_equal(wb_num_i32_shr_u(0x80000000, 32), 0x80000000);
    assert_int_equal(wb_num_i64_shl(1, 63), 0x8000000000000000);
    assert_int_equal(wb_num_i64_shl(1, 64), 1);
    assert_int_equal(wb_num_i64_shl(1, 0x100000001), 2);
    assert_int_equal(wb_num_i64_shr_s(INT64_MIN, 63), -1);
    assert_int_equal(wb_num_i64_shr_s(INT64_MIN, 64), INT64_MIN);
    assert_int_equal(wb_num_i64_shr_u(0x8000000000000000, 127), 1);
}

static void rotations_by_zero_and_the_width_change_nothing(void **state)
{
    static const uint64_t whole[] = {0, 32, 64, 128};
    (void)state;
    for (size_t i = 0; i < COUNT(whole); i++) {
        assert_int_equal(wb_num_i32_rotl(0xabcd9876, (uint32_t)whole[i]), 0xabcd9876);
        assert_int_equal(wb_num_i32_rotr(0xabcd9876, (uint32_t)whole[i]), 0xabcd9876);
        if (whole[i] == 32)
            continue;
        assert_int_equal(wb_num_i64_rotl(0xabcd987602468ace, whole[i]), 0xabcd987602468ace);
        assert_int_equal(wb_num_i64_rotr(0xabcd987602468ace, whole[i]), 0xabcd987602468ace);
    }
    assert_int_equal(wb_num_i32_rotl(0xabcd9876, 1), 0x579b30ed);
    assert_int_equal(wb_num_i32_rotl(1, 31), 0x80000000);
    assert_int_equal(wb_num_i32_rotr(1, 1), 0x80000000);
    assert_int_equal(wb_num_i32_rotr(0x80000000, 31), 1);
    assert_int_equal(wb_num_i64_rotl(1, 63), 0x8000000000000000);
    assert_int_equal(wb_num_i64_rotl(0x8000000000000001, 65), 3);
    assert_int_equal(wb_num_i64_rotr(1, 63), 2);
    assert_int_equal(wb_num_i64_rotr(0xabcd987602468ace, 32), 0x02468aceabcd9876);
}

static void division_traps_by_zero_and_on_overflow(void **state)
{
    int32_t s32 = 77;
    int64_t s64 = 77;
    uint32_t u32 = 77;
    uint64_t u64 = 77;
    (void)state;

    assert_int_equal(wb_num_i32_div_s(1, 0, &s32), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(wb_num_i32_rem_s(1, 0, &s32), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(wb_num_i32_div_u(1, 0, &u32), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(wb_num_i32_rem_u(1, 0, &u32), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(wb_num_i64_div_s(1, 0, &s64), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(wb_num_i64_rem_s(1, 0, &s64), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(wb_num_i64_div_u(1, 0, &u64), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(wb_num_i64_rem_u(1, 0, &u64), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(wb_num_i32_div_s(INT32_MIN, -1, &s32), BEAMR_TRAP_INTEGER_OVERFLOW);
    assert_int_equal(wb_num_i64_div_s(INT64_MIN, -1, &s64), BEAMR_TRAP_INTEGER_OVERFLOW);
    assert_int_equal(wb_num_i32_div_s(INT32_MIN, 0, &s32), BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    /* Nothing was written. */
    assert_true(s32 == 77 && s64 == 77 && u32 == 77 && u64 == 77);

    assert_int_equal(wb_num_i32_rem_s(INT32_MIN, -1, &s32), BEAMR_TRAP_NONE);
    assert_int_equal(s32, 0);
    assert_int_equal(wb_num_i64_rem_s(INT64_MIN, -1, &s64), BEAMR_TRAP_NONE);
    assert_int_equal(s64, 0);
}

static void division_truncates_towards_zero(void **state)
{
    int32_t s32;
    int64_t s64;
    uint32_t u32;
    uint64_t u64;
    (void)state;

    assert_int_equal(wb_num_i32_div_s(-7, 2, &s32), BEAMR_TRAP_NONE);
    assert_int_equal(s32, -3);
    assert_int_equal(wb_num_i32_rem_s(-7, 2, &s32), BEAMR_TRAP_NONE);
    assert_int_equal(s32, -1);
    assert_int_equal(wb_num_i32_rem_s(7, -2, &s32), BEAMR_TRAP_NONE);
    assert_int_equal(s32, 1);
    assert_int_equal(wb_num_i32_div_s(7, -1, &s32), BEAMR_TRAP_NONE);
    assert_int_equal(s32, -7);
    assert_int_equal(wb_num_i32_div_u(0x80000000, UINT32_MAX, &u32), BEAMR_TRAP_NONE);
    assert_int_equal(u32, 0);
    assert_int_equal(wb_num_i32_rem_u(0x80000000, UINT32_MAX, &u32), BEAMR_TRAP_NONE);
    assert_int_equal(u32, 0x80000000);
    assert_int_equal(wb_num_i64_div_s(INT64_MIN, 2, &s64), BEAMR_TRAP_NONE);
    assert_int_equal(s64, -0x4000000000000000);
    assert_int_equal(wb_num_i64_div_u(UINT64_MAX, 10, &u64), BEAMR_TRAP_NONE);
    assert_int_equal(u64, 1844674407370955161);
    assert_int_equal(wb_num_i64_rem_u(UINT64_MAX, 10, &u64), BEAMR_TRAP_NONE);
    assert_int_equal(u64, 5);
}

static void sign_extension_ignores_upper_bits(void **state)
{
    (void)state;
    assert_int_equal(wb_num_i32_extend8_s(0xffffff7f), 0x7f);
    assert_int_equal(wb_num_i32_extend8_s(0x80), -0x80);
    assert_int_equal(wb_num_i32_extend16_s(0xffff7fff), 0x7fff);
    assert_int_equal(wb_num_i32_extend16_s(0x8000), -0x8000);
    assert_int_equal(wb_num_i64_extend8_s(0xabcdef80), -0x80);
    assert_int_equal(wb_num_i64_extend16_s(0x18000), -0x8000);
    assert_int_equal(wb_num_i64_extend32_s(0x180000000), INT32_MIN);
    assert_int_equal(wb_num_i64_extend32_s(0xffffffff7fffffff), INT32_MAX);
}

/* ---- Floats ---- */

static void arithmetic_canonicalises_every_nan(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(nans32); i++) {
        float n = f32_of(nans32[i]);
        float (*const two[])(float, float) = {wb_num_f32_add, wb_num_f32_sub, wb_num_f32_mul,
                                              wb_num_f32_div, wb_num_f32_min, wb_num_f32_max};
        for (size_t k = 0; k < COUNT(two); k++) {
            assert_nan32(two[k](n, 1.0f));
            assert_nan32(two[k](1.0f, n));
            assert_nan32(two[k](n, f32_of(nans32[COUNT(nans32) - 1 - i])));
            assert_nan32(two[k](n, -INFINITY));
        }
        float (*const one[])(float) = {wb_num_f32_sqrt, wb_num_f32_ceil, wb_num_f32_floor,
                                       wb_num_f32_trunc, wb_num_f32_nearest};
        for (size_t k = 0; k < COUNT(one); k++)
            assert_nan32(one[k](n));
        assert_nan64(wb_num_f64_promote_f32(n));
    }
    for (size_t i = 0; i < COUNT(nans64); i++) {
        double n = f64_of(nans64[i]);
        double (*const two[])(double, double) = {wb_num_f64_add, wb_num_f64_sub,
                                                 wb_num_f64_mul, wb_num_f64_div,
                                                 wb_num_f64_min, wb_num_f64_max};
        for (size_t k = 0; k < COUNT(two); k++) {
            assert_nan64(two[k](n, 1.0));
            assert_nan64(two[k](1.0, n));
            assert_nan64(two[k](n, f64_of(nans64[COUNT(nans64) - 1 - i])));
            assert_nan64(two[k](n, -(double)INFINITY));
        }
        double (*const one[])(double) = {wb_num_f64_sqrt, wb_num_f64_ceil, wb_num_f64_floor,
                                         wb_num_f64_trunc, wb_num_f64_nearest};
        for (size_t k = 0; k < COUNT(one); k++)
            assert_nan64(one[k](n));
        assert_nan32(wb_num_f32_demote_f64(n));
    }
}

/* Processors disagree on the sign of these. */
static void arithmetic_makes_canonical_nan_from_numbers(void **state)
{
    volatile float inf = INFINITY, zero = 0.0f, minus = -1.0f;
    volatile double inf64 = (double)INFINITY, zero64 = 0.0, minus64 = -1.0;
    (void)state;
    assert_nan32(wb_num_f32_add(inf, -inf));
    assert_nan32(wb_num_f32_sub(inf, inf));
    assert_nan32(wb_num_f32_mul(zero, -inf));
    assert_nan32(wb_num_f32_div(zero, -zero));
    assert_nan32(wb_num_f32_div(inf, inf));
    assert_nan32(wb_num_f32_sqrt(minus));
    assert_nan64(wb_num_f64_add(inf64, -inf64));
    assert_nan64(wb_num_f64_sub(inf64, inf64));
    assert_nan64(wb_num_f64_mul(zero64, -inf64));
    assert_nan64(wb_num_f64_div(zero64, -zero64));
    assert_nan64(wb_num_f64_div(inf64, inf64));
    assert_nan64(wb_num_f64_sqrt(minus64));
    assert_f32(wb_num_f32_sqrt(-zero), -0.0f);
    assert_f64(wb_num_f64_sqrt(-zero64), -0.0);
    assert_f32(wb_num_f32_div(minus, zero), -INFINITY);
    assert_f64(wb_num_f64_div(minus64, -zero64), (double)INFINITY);
}

static void sign_operations_keep_nan_payloads(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(nans32); i++) {
        float n = f32_of(nans32[i]);
        uint32_t payload = nans32[i] & 0x7fffffff;
        assert_int_equal(wb_num_i32_reinterpret_f32(n), nans32[i]);
        assert_int_equal(wb_num_i32_reinterpret_f32(wb_num_f32_abs(n)), payload);
        assert_int_equal(wb_num_i32_reinterpret_f32(wb_num_f32_neg(n)), nans32[i] ^ 0x80000000);
        assert_int_equal(wb_num_i32_reinterpret_f32(wb_num_f32_copysign(n, -0.0f)),
                         payload | 0x80000000);
        assert_f32(wb_num_f32_copysign(1.5f, n), nans32[i] >> 31 ? -1.5f : 1.5f);
    }
    for (size_t i = 0; i < COUNT(nans64); i++) {
        double n = f64_of(nans64[i]);
        uint64_t payload = nans64[i] & 0x7fffffffffffffff;
        assert_int_equal(wb_num_i64_reinterpret_f64(n), nans64[i]);
        assert_int_equal(wb_num_i64_reinterpret_f64(wb_num_f64_abs(n)), payload);
        assert_int_equal(wb_num_i64_reinterpret_f64(wb_num_f64_neg(n)),
                         nans64[i] ^ 0x8000000000000000);
        assert_int_equal(wb_num_i64_reinterpret_f64(wb_num_f64_copysign(n, -1.0)),
                         payload | 0x8000000000000000);
        assert_f64(wb_num_f64_copysign(1.5, n), nans64[i] >> 63 ? -1.5 : 1.5);
    }
    assert_f32(wb_num_f32_neg(0.0f), -0.0f);
    assert_f64(wb_num_f64_abs(-0.0), 0.0);
}

static void min_and_max_order_zeros_by_sign(void **state)
{
    (void)state;
    assert_f32(wb_num_f32_min(0.0f, -0.0f), -0.0f);
    assert_f32(wb_num_f32_min(-0.0f, 0.0f), -0.0f);
    assert_f32(wb_num_f32_max(0.0f, -0.0f), 0.0f);
    assert_f32(wb_num_f32_max(-0.0f, 0.0f), 0.0f);
    assert_f32(wb_num_f32_max(-0.0f, -0.0f), -0.0f);
    assert_f64(wb_num_f64_min(0.0, -0.0), -0.0);
    assert_f64(wb_num_f64_min(-0.0, 0.0), -0.0);
    assert_f64(wb_num_f64_min(0.0, 0.0), 0.0);
    assert_f64(wb_num_f64_max(0.0, -0.0), 0.0);
    assert_f64(wb_num_f64_max(-0.0, 0.0), 0.0);
    assert_f32(wb_num_f32_min(-INFINITY, 1.0f), -INFINITY);
    assert_f32(wb_num_f32_max(2.0f, -INFINITY), 2.0f);
    assert_f64(wb_num_f64_min(0x1p-1074, 0.0), 0.0);
    assert_f64(wb_num_f64_max(-0x1p-1074, -0.0), -0.0);
    assert_f64(wb_num_f64_min(1.5, 1.5), 1.5);
    assert_f64(wb_num_f64_max(-2.5, -2.5), -2.5);
}

static void check_rounding_32(float x)
{
    assert_f32(wb_num_f32_ceil(x), ceilf(x));
    assert_f32(wb_num_f32_floor(x), floorf(x));
    assert_f32(wb_num_f32_trunc(x), truncf(x));
    assert_f32(wb_num_f32_nearest(x), rintf(x));
}
static void check_rounding_64(double x)
{
    assert_f64(wb_num_f64_ceil(x), ceil(x));
    assert_f64(wb_num_f64_floor(x), floor(x));
    assert_f64(wb_num_f64_trunc(x), trunc(x));
    assert_f64(wb_num_f64_nearest(x), rint(x));
}

static void rounding_keeps_the_sign_of_zero_and_ties_to_even(void **state)
{
    static const double edges[] = {
        0.0,
        0x1p-1074,
        0x1p-149,
        0x1p-126,
        0x1p-24,
        0.25,
        0.5,
        0.75,
        1.0,
        1.5,
        2.5,
        3.5,
        4.0,
        0x1.fffffep-1,
        0x1.fffffep-2,
        0x1p22,
        0x1p23,
        0x1p24,
        0x1.fffffep22,
        0x1.fffffcp22,
        0x1p51,
        0x1p52,
        0x1p53,
        0x1.ffffffffffffep51,
        0x1.fffffffffffffp51,
        0x1p63,
        0x1p64,
        0x1p1023,
        0x1.fffffep127,
        (double)INFINITY,
        0x1.fffffffffffffp-1,
        0x1.fffffffffffffp-2,
        2147483647.5,
        4503599627370497.5,
    };
    (void)state;
    for (size_t i = 0; i < COUNT(edges); i++) {
        check_rounding_64(edges[i]);
        check_rounding_64(-edges[i]);
        check_rounding_32((float)edges[i]);
        check_rounding_32(-(float)edges[i]);
    }
    assert_f64(wb_num_f64_ceil(-0.5), -0.0);
    assert_f64(wb_num_f64_floor(-0.0), -0.0);
    assert_f64(wb_num_f64_floor(0.5), 0.0);
    assert_f64(wb_num_f64_trunc(-0.75), -0.0);
    assert_f64(wb_num_f64_nearest(-0.5), -0.0);
    assert_f64(wb_num_f64_nearest(2.5), 2.0);
    assert_f64(wb_num_f64_nearest(3.5), 4.0);
    assert_f32(wb_num_f32_nearest(-4.5f), -4.0f);
    assert_f32(wb_num_f32_ceil(-0.1f), -0.0f);
}

static void rounding_agrees_with_libm_on_random_numbers(void **state)
{
    uint64_t seed = 2;
    (void)state;
    for (int i = 0; i < 300000; i++) {
        /* Exponents around those where fractions end. */
        uint64_t r = random_next(&seed);
        uint64_t exponent = 1018 + random_next(&seed) % 60;
        double x = f64_of((r & 0x800fffffffffffff) | exponent << 52);
        check_rounding_64(x);
        check_rounding_64(floor(x) + 0.5);
        check_rounding_32((float)x);
        check_rounding_32(floorf((float)x) + 0.5f);
    }
}

/* ---- Conversions ---- */

static void demotion_rounds_and_promotion_is_exact(void **state)
{
    (void)state;
    assert_f32(wb_num_f32_demote_f64(0x1.fffffefffffffp127), 0x1.fffffep127f);
    assert_f32(wb_num_f32_demote_f64(0x1.ffffffp127), INFINITY);
    assert_f32(wb_num_f32_demote_f64(0x1.000001p0), 1.0f);
    assert_f32(wb_num_f32_demote_f64(0x1.0000010000001p0), 0x1.000002p0f);
    assert_f32(wb_num_f32_demote_f64(0x1p-150), 0.0f);
    assert_f32(wb_num_f32_demote_f64(-0x1.0000000000001p-150), -0x1p-149f);
    assert_f32(wb_num_f32_demote_f64(-0.0), -0.0f);
    assert_f64(wb_num_f64_promote_f32(0x1p-149f), 0x1p-149);
    assert_f64(wb_num_f64_promote_f32(-0.0f), -0.0);
    assert_f64(wb_num_f64_promote_f32(-INFINITY), -(double)INFINITY);
}

/* For a value in range: both forms give it. */
#define CHECK_TRUNC(op, integer, x, want)                                                      \
    do {                                                                                       \
        integer out_ = 77;                                                                     \
        assert_int_equal(wb_num_##op(x, &out_), BEAMR_TRAP_NONE);                              \
        assert_true(out_ == (want));                                                           \
    } while (0)
#define CHECK_TRAP(op, integer, x, trap)                                                       \
    do {                                                                                       \
        integer out_ = 77;                                                                     \
        assert_int_equal(wb_num_##op(x, &out_), BEAMR_TRAP_##trap);                            \
        assert_int_equal(out_, 77);                                                            \
    } while (0)

static void truncation_accepts_exactly_the_range(void **state)
{
    (void)state;
    CHECK_TRUNC(i32_trunc_f64_s, int32_t, 2147483647.0, INT32_MAX);
    CHECK_TRUNC(i32_trunc_f64_s, int32_t, 2147483647.9999, INT32_MAX);
    CHECK_TRUNC(i32_trunc_f64_s, int32_t, -2147483648.0, INT32_MIN);
    CHECK_TRUNC(i32_trunc_f64_s, int32_t, -2147483648.9, INT32_MIN);
    CHECK_TRUNC(i32_trunc_f64_s, int32_t, -0.9, 0);
    CHECK_TRAP(i32_trunc_f64_s, int32_t, 2147483648.0, INTEGER_OVERFLOW);
    CHECK_TRAP(i32_trunc_f64_s, int32_t, -2147483649.0, INTEGER_OVERFLOW);
    CHECK_TRUNC(i32_trunc_f64_u, uint32_t, 4294967295.9, UINT32_MAX);
    CHECK_TRUNC(i32_trunc_f64_u, uint32_t, -0.9999999999999999, 0);
    CHECK_TRUNC(i32_trunc_f64_u, uint32_t, -0.0, 0);
    CHECK_TRAP(i32_trunc_f64_u, uint32_t, 4294967296.0, INTEGER_OVERFLOW);
    CHECK_TRAP(i32_trunc_f64_u, uint32_t, -1.0, INTEGER_OVERFLOW);
    CHECK_TRUNC(i32_trunc_f32_s, int32_t, 2147483520.0f, 2147483520);
    CHECK_TRUNC(i32_trunc_f32_s, int32_t, -2147483648.0f, INT32_MIN);
    CHECK_TRAP(i32_trunc_f32_s, int32_t, 2147483648.0f, INTEGER_OVERFLOW);
    CHECK_TRAP(i32_trunc_f32_s, int32_t, -2147483904.0f, INTEGER_OVERFLOW);
    CHECK_TRUNC(i32_trunc_f32_u, uint32_t, 4294967040.0f, 4294967040u);
    CHECK_TRUNC(i32_trunc_f32_u, uint32_t, -0x1.fffffep-1f, 0);
    CHECK_TRAP(i32_trunc_f32_u, uint32_t, 4294967296.0f, INTEGER_OVERFLOW);
    CHECK_TRAP(i32_trunc_f32_u, uint32_t, -1.0f, INTEGER_OVERFLOW);
    CHECK_TRUNC(i64_trunc_f64_s, int64_t, 9223372036854774784.0, 9223372036854774784);
    CHECK_TRUNC(i64_trunc_f64_s, int64_t, -9223372036854775808.0, INT64_MIN);
    CHECK_TRAP(i64_trunc_f64_s, int64_t, 9223372036854775808.0, INTEGER_OVERFLOW);
    CHECK_TRAP(i64_trunc_f64_s, int64_t, -9223372036854777856.0, INTEGER_OVERFLOW);
    CHECK_TRUNC(i64_trunc_f64_u, uint64_t, 18446744073709549568.0, 18446744073709549568u);
    CHECK_TRUNC(i64_trunc_f64_u, uint64_t, 9223372036854775808.0, 9223372036854775808u);
    CHECK_TRUNC(i64_trunc_f64_u, uint64_t, -0.5, 0);
    CHECK_TRAP(i64_trunc_f64_u, uint64_t, 18446744073709551616.0, INTEGER_OVERFLOW);
    CHECK_TRAP(i64_trunc_f64_u, uint64_t, -1.0, INTEGER_OVERFLOW);
    CHECK_TRUNC(i64_trunc_f32_s, int64_t, -9223372036854775808.0f, INT64_MIN);
    CHECK_TRAP(i64_trunc_f32_s, int64_t, 9223372036854775808.0f, INTEGER_OVERFLOW);
    CHECK_TRUNC(i64_trunc_f32_u, uint64_t, 18446742974197923840.0f, 18446742974197923840u);
    CHECK_TRAP(i64_trunc_f32_u, uint64_t, 18446744073709551616.0f, INTEGER_OVERFLOW);
}

static void truncation_names_nan_and_infinity(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(nans32); i++) {
        float n = f32_of(nans32[i]);
        CHECK_TRAP(i32_trunc_f32_s, int32_t, n, INVALID_CONVERSION);
        CHECK_TRAP(i32_trunc_f32_u, uint32_t, n, INVALID_CONVERSION);
        CHECK_TRAP(i64_trunc_f32_s, int64_t, n, INVALID_CONVERSION);
        CHECK_TRAP(i64_trunc_f32_u, uint64_t, n, INVALID_CONVERSION);
        assert_int_equal(wb_num_i32_trunc_sat_f32_s(n), 0);
        assert_int_equal(wb_num_i64_trunc_sat_f32_u(n), 0);
    }
    for (size_t i = 0; i < COUNT(nans64); i++) {
        double n = f64_of(nans64[i]);
        CHECK_TRAP(i32_trunc_f64_s, int32_t, n, INVALID_CONVERSION);
        CHECK_TRAP(i32_trunc_f64_u, uint32_t, n, INVALID_CONVERSION);
        CHECK_TRAP(i64_trunc_f64_s, int64_t, n, INVALID_CONVERSION);
        CHECK_TRAP(i64_trunc_f64_u, uint64_t, n, INVALID_CONVERSION);
        assert_int_equal(wb_num_i32_trunc_sat_f64_u(n), 0);
        assert_int_equal(wb_num_i64_trunc_sat_f64_s(n), 0);
    }
    CHECK_TRAP(i32_trunc_f32_s, int32_t, INFINITY, INTEGER_OVERFLOW);
    CHECK_TRAP(i64_trunc_f64_u, uint64_t, -(double)INFINITY, INTEGER_OVERFLOW);
}

static void saturating_truncation_stops_at_the_ends(void **state)
{
    (void)state;
    assert_int_equal(wb_num_i32_trunc_sat_f32_s(INFINITY), INT32_MAX);
    assert_int_equal(wb_num_i32_trunc_sat_f32_s(-2147483904.0f), INT32_MIN);
    assert_int_equal(wb_num_i32_trunc_sat_f32_s(-1.9f), -1);
    assert_int_equal(wb_num_i32_trunc_sat_f32_u(4294967296.0f), UINT32_MAX);
    assert_int_equal(wb_num_i32_trunc_sat_f32_u(-1.0f), 0);
    assert_int_equal(wb_num_i32_trunc_sat_f64_s(2147483648.0), INT32_MAX);
    assert_int_equal(wb_num_i32_trunc_sat_f64_s(-2147483648.9), INT32_MIN);
    assert_int_equal(wb_num_i32_trunc_sat_f64_s(-2147483649.0), INT32_MIN);
    assert_int_equal(wb_num_i32_trunc_sat_f64_u(-(double)INFINITY), 0);
    assert_int_equal(wb_num_i32_trunc_sat_f64_u(4294967295.5), UINT32_MAX);
    assert_int_equal(wb_num_i64_trunc_sat_f32_s(0x1p63f), INT64_MAX);
    assert_int_equal(wb_num_i64_trunc_sat_f32_s(-INFINITY), INT64_MIN);
    assert_int_equal(wb_num_i64_trunc_sat_f32_u(0x1p64f), UINT64_MAX);
    assert_int_equal(wb_num_i64_trunc_sat_f64_s(-0x1.1p63), INT64_MIN);
    assert_int_equal(wb_num_i64_trunc_sat_f64_u(0x1p64), UINT64_MAX);
    assert_int_equal(wb_num_i64_trunc_sat_f64_u(0x1p63), 0x8000000000000000);
    assert_int_equal(wb_num_i64_trunc_sat_f64_u(-0.9), 0);
}

/* The nearest float with `digits` significant bits, found by shifting: ties to even. */
static double nearest_with(uint64_t a, unsigned digits)
{
    unsigned bits = 64 - (unsigned)wb_num_i64_clz(a);
    if (bits <= digits)
        return (double)a;
    unsigned drop = bits - digits;
    uint64_t kept = a >> drop, rest = a & ((1ull << drop) - 1), half = 1ull << (drop - 1);
    if (rest > half || (rest == half && (kept & 1) != 0))
        kept++;
    return ldexp((double)kept, (int)drop);
}

static void integers_convert_with_one_rounding(void **state)
{
    static const uint64_t edges[] = {
        0,
        1,
        0xffffff,
        0x1000001,
        0x1000003,
        0x7fffffff,
        0x80000000,
        0xffffffff,
        0xffffff7f,
        0xffffff80,
        0x20000000000001,
        0x20000000000003,
        0x7fffffffffffffff,
        0x7ffffffffffffdff,
        0x8000000000000000,
        0x8000000000000400,
        0x8000000000000401,
        0x8000008000000000,
        0x8000008000000001,
        0xffffff7fffffffff,
        0xffffff8000000000,
        0xfffffffffffffbff,
        0xfffffffffffffc00,
        UINT64_MAX,
        0x0020000020000001, /* to f32 by way of f64, these round twice */
        0x8000004000000001,
        0x4000002000000001,
    };
    uint64_t seed = 3;
    (void)state;
    for (size_t i = 0; i < COUNT(edges) + 100000; i++) {
        uint64_t a = i < COUNT(edges) ? edges[i] : random_next(&seed) >> (i % 40);
        uint64_t magnitude = (int64_t)a < 0 ? -a : a;
        double sign = (int64_t)a < 0 ? -1.0 : 1.0;
        uint32_t low = (uint32_t)a;
        uint32_t low_magnitude = (int32_t)low < 0 ? -low : low;
        double low_sign = (int32_t)low < 0 ? -1.0 : 1.0;

        assert_f32(wb_num_f32_convert_i64_u(a), (float)nearest_with(a, 24));
        assert_f64(wb_num_f64_convert_i64_u(a), nearest_with(a, 53));
        assert_f32(wb_num_f32_convert_i64_s((int64_t)a),
                   (float)(sign * nearest_with(magnitude, 24)));
        assert_f64(wb_num_f64_convert_i64_s((int64_t)a), sign * nearest_with(magnitude, 53));
        assert_f32(wb_num_f32_convert_i32_u(low), (float)nearest_with(low, 24));
        assert_f64(wb_num_f64_convert_i32_u(low), (double)low);
        assert_f32(wb_num_f32_convert_i32_s((int32_t)low),
                   (float)(low_sign * nearest_with(low_magnitude, 24)));
        assert_f64(wb_num_f64_convert_i32_s((int32_t)low), low_sign * (double)low_magnitude);
    }
}

static void products_are_not_fused(void **state)
{
    volatile double a = 1.0 + 0x1p-30, c = -(1.0 + 0x1p-29);
    (void)state;
    assert_f64(wb_num_f64_add(wb_num_f64_mul(a, a), c), 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bit_counts_cover_zero_and_all_ones),
        cmocka_unit_test(shift_counts_wrap_at_the_width),
        cmocka_unit_test(rotations_by_zero_and_the_width_change_nothing),
        cmocka_unit_test(division_traps_by_zero_and_on_overflow),
        cmocka_unit_test(division_truncates_towards_zero),
        cmocka_unit_test(sign_extension_ignores_upper_bits),
        cmocka_unit_test(arithmetic_canonicalises_every_nan),
        cmocka_unit_test(arithmetic_makes_canonical_nan_from_numbers),
        cmocka_unit_test(sign_operations_keep_nan_payloads),
        cmocka_unit_test(min_and_max_order_zeros_by_sign),
        cmocka_unit_test(rounding_keeps_the_sign_of_zero_and_ties_to_even),
        cmocka_unit_test(rounding_agrees_with_libm_on_random_numbers),
        cmocka_unit_test(demotion_rounds_and_promotion_is_exact),
        cmocka_unit_test(truncation_accepts_exactly_the_range),
        cmocka_unit_test(truncation_names_nan_and_infinity),
        cmocka_unit_test(saturating_truncation_stops_at_the_ends),
        cmocka_unit_test(integers_convert_with_one_rounding),
        cmocka_unit_test(products_are_not_fused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
