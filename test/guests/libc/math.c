/* math.h and strtod, on top of the calculator's functions (examples/calculator/functions.h),
 * whose errors they share: the inverse functions of angles may be off by a few units in the
 * last place, the rest by one at most. Source: C11, "Mathematics"; IEEE 754 for what lies
 * outside of a function's domain. */
#include <ctype.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"

#define PI 3.14159265358979323846
#define LN2 0.693147180559945309417
#define LN10 2.30258509299404568402

double fabs(double x)
{
    return __builtin_fabs(x);
}

double sqrt(double x)
{
    return __builtin_sqrt(x);
}

double floor(double x)
{
    return __builtin_floor(x);
}

double ceil(double x)
{
    return __builtin_ceil(x);
}

double sin(double x)
{
    return calc_sin(x);
}

double cos(double x)
{
    return calc_cos(x);
}

double tan(double x)
{
    return calc_tan(x);
}

double exp(double x)
{
    return calc_exp(x);
}

double log(double x)
{
    return calc_log(x);
}

double pow(double x, double y)
{
    return calc_pow(x, y);
}

double frexp(double x, int *exponent)
{
    uint64_t bits;
    int field;

    *exponent = 0;
    if (x == 0 || x != x || fabs(x) == HUGE_VAL)
        return x;
    if (fabs(x) < 0x1p-1022) {
        x *= 0x1p54;
        *exponent = -54;
    }
    memcpy(&bits, &x, sizeof bits);
    field = (int)(bits >> 52 & 0x7ff);
    *exponent += field - 1022;
    bits = (bits & ~(UINT64_C(0x7ff) << 52)) | UINT64_C(1022) << 52;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

double ldexp(double x, int exponent)
{
    int own;

    x = frexp(x, &own);
    exponent = exponent > 5000 ? 5000 : exponent < -5000 ? -5000 : exponent;
    exponent += own;
    if (exponent > 1024)
        return x * HUGE_VAL;
    return exponent < -1200 ? x * 0x1p-1074 * 0x1p-1074 : calc_scale(x, exponent);
}

double log2(double x)
{
    int exponent;
    double part = frexp(x, &exponent);

    if (part == 0.5)
        return exponent - 1;
    return x > 0 && x < HUGE_VAL ? exponent + calc_log(part) / LN2 : calc_log(x);
}

/* Exact for powers of ten. */
double log10(double x)
{
    double y = calc_log(x) / LN10, whole = __builtin_rint(y);

    return fabs(whole) < 309 && calc_pow(10, whole) == x ? whole : y;
}

/* As long division goes, bit by bit. */
double fmod(double x, double y)
{
    double rest = fabs(x), by = fabs(y);
    int from, to;

    if (x != x || y != y || rest == HUGE_VAL || by == 0)
        return __builtin_nan("");
    if (rest < by)
        return x;
    frexp(rest, &from);
    frexp(by, &to);
    for (int i = from - to; i >= 0; i--) {
        double step = ldexp(by, i);

        if (rest >= step)
            rest -= step;
    }
    return __builtin_copysign(rest, x);
}

/* Below a tenth the series converges fast; above, the angle is halved until it is there. */
double atan(double x)
{
    double sum = 0, power, square;
    int halved = 0;

    if (x != x)
        return x;
    if (fabs(x) > 1)
        return __builtin_copysign(PI / 2, x) - atan(1 / x);
    for (; fabs(x) > 0.1; halved++)
        x = x / (1 + sqrt(1 + x * x));
    square = x * x;
    power = x;
    for (int i = 1; i < 24; i += 2, power *= -square)
        sum += power / i;
    for (; halved; halved--)
        sum *= 2;
    return x == 0 ? x : sum;
}

double atan2(double y, double x)
{
    double angle;

    if (x != x || y != y)
        return x + y;
    if (fabs(x) == HUGE_VAL && fabs(y) == HUGE_VAL)
        angle = PI / 4;
    else if (x == 0 && y == 0)
        angle = 0;
    else
        angle = atan(fabs(y) / fabs(x));
    if (__builtin_signbit(x))
        angle = PI - angle;
    return __builtin_copysign(angle, y);
}

double asin(double x)
{
    return atan2(x, sqrt((1 - x) * (1 + x)));
}

double acos(double x)
{
    return atan2(sqrt((1 - x) * (1 + x)), x);
}

int abs(int n)
{
    return n < 0 ? -n : n;
}

/* ---- Reading numbers ---- */

static int digit_of(char c)
{
    return isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;
}

/* Digits behind 0x; those that no double can hold are dropped. */
static double read_hexadecimal(const char *text, const char **end)
{
    uint64_t mantissa = 0;
    int exponent = 0, given = 0;
    bool is_fraction = false, has_digits = false, is_negative;
    const char *at = text;

    for (;; at++) {
        if (*at == '.' && !is_fraction) {
            is_fraction = true;
            continue;
        }
        if (!isxdigit(*at))
            break;
        has_digits = true;
        if (mantissa >> 58) {
            exponent += is_fraction ? 0 : 4;
            mantissa |= digit_of(*at) != 0;
        } else {
            mantissa = mantissa * 16 + (uint64_t)digit_of(*at);
            exponent -= is_fraction ? 4 : 0;
        }
    }
    *end = has_digits ? at : text;
    if (!has_digits || (*at | 32) != 'p')
        return ldexp((double)mantissa, exponent);
    at++;
    is_negative = *at == '-';
    at += *at == '-' || *at == '+';
    if (isdigit(*at)) {
        for (; isdigit(*at); at++)
            given = given < 100000 ? given * 10 + (*at - '0') : given;
        *end = at;
    }
    return ldexp((double)mantissa, exponent + (is_negative ? -given : given));
}

/* Without names of infinities and NaN. */
double strtod(const char *restrict text, char **restrict end)
{
    const char *at = text, *behind;
    bool is_negative;
    double x;

    while (isspace(*at))
        at++;
    is_negative = *at == '-';
    at += *at == '-' || *at == '+';
    if (at[0] == '0' && (at[1] | 32) == 'x') {
        x = read_hexadecimal(at + 2, &behind);
        behind = behind == at + 2 ? at + 1 : behind;
    } else {
        x = calc_read_number(at, &behind);
    }
    if (end)
        *end = (char *)(uintptr_t)(behind == at ? text : behind);
    return is_negative ? -x : x;
}
