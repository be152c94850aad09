/* Numbers of about 106 bits: the unevaluated sum of two doubles, of which `lo` is at most half
 * a unit in the last place of `hi`. The calculator computes its functions and reads its numbers
 * in them, and rounds once at the end. Needs plain double arithmetic, rounded after each
 * operation: no contraction to fused multiply-add, no extra precision. Values must stay between
 * about 2^-960 and 2^990. Source: T. J. Dekker, "A floating-point technique for extending the
 * available precision"; D. E. Knuth, The Art of Computer Programming, "Accuracy of Floating
 * Point Arithmetic". */
#ifndef DOUBLE_DOUBLE_H
#define DOUBLE_DOUBLE_H

typedef struct dd {
    double hi;
    double lo;
} dd;

/* a + b exactly. */
static inline dd dd_sum(double a, double b)
{
    double hi = a + b;
    double of_b = hi - a;

    return (dd){hi, (a - (hi - of_b)) + (b - of_b)};
}

/* The same when |a| >= |b| or a is 0. */
static inline dd dd_ordered_sum(double a, double b)
{
    double hi = a + b;

    return (dd){hi, b - (hi - a)};
}

/* The upper half of a number's bits: the product of two such is exact. */
static inline double dd_upper_half(double a)
{
    double shifted = 134217729.0 * a; /* 2^27 + 1 */

    return shifted - (shifted - a);
}

/* a * b exactly. */
static inline dd dd_product(double a, double b)
{
    double a_hi = dd_upper_half(a), a_lo = a - a_hi;
    double b_hi = dd_upper_half(b), b_lo = b - b_hi;
    double hi = a * b;

    return (dd){hi, a_lo * b_lo - (((hi - a_hi * b_hi) - a_lo * b_hi) - a_hi * b_lo)};
}

static inline dd dd_neg(dd a)
{
    return (dd){-a.hi, -a.lo};
}

static inline dd dd_add(dd a, dd b)
{
    dd upper = dd_sum(a.hi, b.hi);
    dd lower = dd_sum(a.lo, b.lo);

    upper = dd_ordered_sum(upper.hi, upper.lo + lower.hi);
    return dd_ordered_sum(upper.hi, upper.lo + lower.lo);
}

static inline dd dd_mul(dd a, dd b)
{
    dd p = dd_product(a.hi, b.hi);

    return dd_ordered_sum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

/* Long division, with doubles for digits. */
static inline dd dd_div(dd a, dd b)
{
    dd q = {0, 0};

    for (int i = 0; i < 3; i++) {
        dd digit = {a.hi / b.hi, 0};

        q = dd_add(q, digit);
        a = dd_add(a, dd_neg(dd_mul(b, digit)));
    }
    return q;
}

/* The same with a double; exact as far as a double is. */
static inline dd dd_of(double a)
{
    return (dd){a, 0};
}

#endif
