/* Reading a number: functions.h.
 * The digits become an integer of up to 120 bits, which is multiplied or divided by a power of
 * five and then scaled by the same power of two, so nothing overflows on the way.
 * Source: IEEE 754, "External decimal character sequences". */
#include <stdbool.h>
#include <stdint.h>

#include "double_double.h"
#include "functions.h"

enum {
    HALF_DIGITS = 18, /* digits that fit 64 bits; two such halves are kept */
    POWER_MAX = 310,  /* the first digit of a finite double stands for at most 10^308, */
    POWER_MIN = -330, /* and of one that is not 0 for at least 10^-324 */
    EXPONENT_MAX = 100000000,
};

/* A number as written: (upper * 10^lower_digits + lower) * 10^exponent. */
typedef struct decimal {
    uint64_t upper, lower;
    int upper_digits, lower_digits;
    int64_t exponent;
} decimal;

static void add_digit(decimal *d, int digit, bool is_fraction)
{
    if (d->upper_digits == 0 && digit == 0) {
        d->exponent -= is_fraction; /* leading zeros take no room */
    } else if (d->upper_digits < HALF_DIGITS) {
        d->upper = d->upper * 10 + (uint64_t)digit;
        d->upper_digits++;
        d->exponent -= is_fraction;
    } else if (d->lower_digits < HALF_DIGITS) {
        d->lower = d->lower * 10 + (uint64_t)digit;
        d->lower_digits++;
        d->exponent -= is_fraction;
    } else {
        d->exponent += !is_fraction;
    }
}

/* Read an exponent behind the digits at `p`, if there is one.  Returns what follows it. */
static const char *read_exponent(const char *p, decimal *d)
{
    const char *digit = p + 1;
    int64_t n = 0;
    bool is_negative;

    if (*p != 'e' && *p != 'E')
        return p;
    is_negative = *digit == '-';
    digit += *digit == '-' || *digit == '+';
    if (*digit < '0' || *digit > '9')
        return p;
    for (; *digit >= '0' && *digit <= '9'; digit++)
        n = n < EXPONENT_MAX ? n * 10 + (*digit - '0') : n;
    d->exponent += is_negative ? -n : n;
    return digit;
}

/* Exactly, since both halves of the bits fit a double. */
static dd dd_of_integer(uint64_t n)
{
    return dd_sum((double)(n >> 32) * 0x1p32, (double)(n & 0xffffffff));
}

static dd power(double base, int n)
{
    dd result = {1, 0}, square = dd_of(base);

    for (; n > 0; n /= 2) {
        if (n % 2)
            result = dd_mul(result, square);
        if (n > 1)
            square = dd_mul(square, square);
    }
    return result;
}

static double decimal_value(const decimal *d)
{
    int64_t leading = d->exponent + d->upper_digits + d->lower_digits;
    int exponent = (int)d->exponent;
    dd n;

    if (d->upper == 0 || leading < POWER_MIN)
        return 0;
    if (leading > POWER_MAX)
        return __builtin_inf();
    n = dd_mul(dd_of_integer(d->upper), power(10, d->lower_digits));
    n = dd_add(n, dd_of_integer(d->lower));
    n = exponent < 0 ? dd_div(n, power(5, -exponent)) : dd_mul(n, power(5, exponent));
    return calc_scale(n.hi, exponent);
}

double calc_read_number(const char *text, const char **end)
{
    decimal d = {0};
    const char *p = text;
    bool has_digits = false, is_fraction = false;

    for (;; p++) {
        if (*p >= '0' && *p <= '9') {
            add_digit(&d, *p - '0', is_fraction);
            has_digits = true;
        } else if (*p == '.' && !is_fraction) {
            is_fraction = true;
        } else {
            break;
        }
    }
    *end = has_digits ? read_exponent(p, &d) : text;
    return has_digits ? decimal_value(&d) : 0;
}
