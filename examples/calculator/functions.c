/* The calculator's functions: functions.h.
 * Each is its power series in double-double arithmetic behind a reduction of the argument. That
 * takes a microsecond rather than the nanoseconds of a good C library, and in return there are
 * no tables of coefficients and hardly any rounding errors to think about.
 * Source: DLMF, "Power series" of 4.6 (logarithm, exponential) and 4.19 (trigonometric
 * functions); IEEE 754, "Recommended operations", for special cases. */
#include "functions.h"

#include <stdbool.h>
#include <stdint.h>

#include "double_double.h"

#define INFINITE __builtin_inf()
#define NOT_A_NUMBER __builtin_nan("")

static const dd one = {1, 0};
static const dd log_of_2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};

/* pi / 2 as the sum of four doubles. */
static const double half_pi[] = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54,
                                 -0x1.f1976b7ed8fbcp-110, 0x1.4cf98e804177dp-164};

/* 2^k for a normal double. */
static double power_of_2(int k)
{
    union {
        uint64_t bits;
        double value;
    } u = {.bits = (uint64_t)(k + 1023) << 52};

    return u.value;
}

double calc_scale(double x, int k)
{
    if (k > 1000) {
        x *= power_of_2(1000);
        k -= 1000;
    } else if (k < -1000) { /* exact, as x is near 1: only the last step may round */
        x *= power_of_2(-600);
        k += 600;
    }
    return x * power_of_2(k);
}

/* ---- Exponential and logarithm ---- */

/* e^a for |a.hi| <= 760: e^a = 2^k e^r with |r| <= log(2) / 2. */
static double exp_of(dd a)
{
    enum { TERMS = 26 };
    double k = __builtin_rint(a.hi / log_of_2.hi);
    dd r = dd_add(a, dd_neg(dd_mul(log_of_2, dd_of(k))));
    dd sum = one;

    for (int n = TERMS; n > 0; n--) /* 1 + r/1 (1 + r/2 (1 + r/3 (...))) */
        sum = dd_add(one, dd_div(dd_mul(r, sum), dd_of(n)));
    return calc_scale(sum.hi, (int)k);
}

double calc_exp(double x)
{
    if (x != x)
        return x;
    if (x > 720)
        return INFINITE;
    return x < -760 ? 0 : exp_of(dd_of(x));
}

/* The logarithm of a positive, finite x = 2^k m, with m near 1, from the series of
 * log(m) = 2 artanh((m - 1) / (m + 1)). */
static dd log_of(double x)
{
    enum { TERMS = 24 };
    union {
        double value;
        uint64_t bits;
    } u = {.value = x};
    int k = 0;
    dd s, square, sum;

    if (x < 0x1p-1022) {
        u.value *= 0x1p54;
        k = -54;
    }
    k += (int)(u.bits >> 52) - 1023;
    u.bits = (u.bits & 0xfffffffffffff) | (uint64_t)1023 << 52;
    if (u.value > 0x1.6a09e667f3bcdp+0) { /* the square root of 2 */
        u.value /= 2;
        k++;
    }
    s = dd_div(dd_of(u.value - 1), dd_sum(u.value, 1));
    square = dd_mul(s, s);
    sum = dd_of(0);
    for (int n = TERMS; n >= 0; n--) /* 1 + s^2/3 + s^4/5 + ... */
        sum = dd_add(dd_div(one, dd_of(2 * n + 1)), dd_mul(square, sum));
    sum = dd_mul(dd_mul(s, dd_of(2)), sum);
    return dd_add(dd_mul(log_of_2, dd_of(k)), sum);
}

double calc_log(double x)
{
    if (x != x || x == INFINITE)
        return x;
    if (x == 0)
        return -INFINITE;
    return x < 0 ? NOT_A_NUMBER : log_of(x).hi;
}

/* ---- Powers ---- */

static bool is_integer(double y)
{
    return __builtin_floor(y) == y;
}

static bool is_odd(double y)
{
    return is_integer(y) && !is_integer(y / 2);
}

/* x^y where one of them is infinite or x is 0; x >= 0 and no NaN. */
static double pow_at_limits(double x, double y)
{
    if (x == 1)
        return 1; /* to whatever power */
    return (x > 1) == (y > 0) ? INFINITE : 0;
}

double calc_pow(double x, double y)
{
    double size = __builtin_fabs(x), result, estimate;
    dd log;

    if (y == 0 || x == 1)
        return 1;
    if (x != x || y != y)
        return NOT_A_NUMBER;
    if (size == 0 || size == INFINITE || __builtin_fabs(y) == INFINITE) {
        result = pow_at_limits(size, y);
    } else if (x < 0 && !is_integer(y)) {
        return NOT_A_NUMBER;
    } else {
        log = log_of(size);
        estimate = log.hi * y;
        if (estimate > 720)
            result = INFINITE;
        else
            result = estimate < -760 ? 0 : exp_of(dd_mul(log, dd_of(y)));
    }
    return __builtin_signbit(x) && is_odd(y) ? -result : result;
}

/* ---- Angles ---- */

/* Bring an angle to |r| <= pi / 4, which is x less a multiple of pi / 2.
 * Returns which multiple, modulo 4. */
static int reduce_angle(double x, dd *r)
{
    double n = __builtin_rint(x / half_pi[0]);

    *r = dd_of(x);
    for (int i = 0; i < 4; i++)
        *r = dd_add(*r, dd_neg(dd_product(n, half_pi[i])));
    return (int)(n - 4 * __builtin_floor(n / 4));
}

/* The series of sine (first = 1, times r) or cosine (first = 0) for |r| <= pi / 4. */
static dd angle_series(dd r, int first)
{
    enum { TERMS = 14 };
    dd minus_square = dd_neg(dd_mul(r, r));
    dd sum = one;

    for (int n = 2 * TERMS + first; n > first; n -= 2)
        sum = dd_add(one, dd_div(dd_mul(minus_square, sum), dd_of((double)n * (n - 1))));
    return first ? dd_mul(r, sum) : sum;
}

/* The sine of x plus `quarters` right angles. */
static dd sine_of(double x, int quarters)
{
    dd r, result;

    quarters += reduce_angle(x, &r);
    result = angle_series(r, !(quarters & 1));
    return quarters & 2 ? dd_neg(result) : result;
}

double calc_sin(double x)
{
    if (!(__builtin_fabs(x) <= CALC_ANGLE_MAX))
        return NOT_A_NUMBER;
    if (__builtin_fabs(x) < 0x1p-27) /* also keeps the sign of zero */
        return x;
    return sine_of(x, 0).hi;
}

double calc_cos(double x)
{
    return __builtin_fabs(x) <= CALC_ANGLE_MAX ? sine_of(x, 1).hi : NOT_A_NUMBER;
}

double calc_tan(double x)
{
    if (!(__builtin_fabs(x) <= CALC_ANGLE_MAX))
        return NOT_A_NUMBER;
    if (__builtin_fabs(x) < 0x1p-27)
        return x;
    return dd_div(sine_of(x, 0), sine_of(x, 1)).hi;
}
