/* What each vector instruction does, one lane at a time: integers in 128 bits, floats by libm.
 * It shares nothing with src/interp. */
#ifndef TEST_INTERP_SIMD_REFERENCE_H
#define TEST_INTERP_SIMD_REFERENCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "interp/simd.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ROUNDS 2000

__extension__ typedef __int128 wide;
typedef struct row row;

/* One lane of `bits` bits; operands and result are zero-extended. */
typedef uint64_t (*lane_fn)(unsigned bits, uint64_t x, uint64_t y, uint64_t z);
/* A whole instruction; `d` is two slots, of which a scalar leaves the second alone. */
typedef void (*whole_fn)(const row *r, uint64_t *d, const uint64_t *a, const uint64_t *b,
                         const uint64_t *c, const uint8_t *imm);

/* How one instruction is checked. */
struct row {
    wb_op op;
    whole_fn whole;
    unsigned bits; /* of a lane; of the narrow ones where two widths meet */
    lane_fn lane;
    bool is_signed;
    bool is_high;
};

/* ---- Lanes ---- */

static inline uint64_t ones(unsigned bits)
{
    return bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
}
static inline uint64_t get(const uint64_t *v, unsigned bits, unsigned i)
{
    return v[i * bits / 64] >> (i * bits % 64) & ones(bits);
}
static inline void put(uint64_t *v, unsigned bits, unsigned i, uint64_t x)
{
    unsigned shift = i * bits % 64;
    uint64_t *slot = &v[i * bits / 64];
    *slot = (*slot & ~(ones(bits) << shift)) | (x & ones(bits)) << shift;
}
static inline wide sint(unsigned bits, uint64_t x)
{
    return (x >> (bits - 1) & 1) != 0 ? (wide)x - ((wide)1 << bits) : (wide)x;
}
static inline wide number(bool is_signed, unsigned bits, uint64_t x)
{
    return is_signed ? sint(bits, x) : (wide)x;
}
static inline wide least(bool is_signed, unsigned bits)
{
    return is_signed ? -((wide)1 << (bits - 1)) : 0;
}
static inline wide most(bool is_signed, unsigned bits)
{
    return ((wide)1 << (is_signed ? bits - 1 : bits)) - 1;
}
static inline uint64_t saturate(bool is_signed, unsigned bits, wide x)
{
    x = x < least(is_signed, bits) ? least(is_signed, bits) : x;
    x = x > most(is_signed, bits) ? most(is_signed, bits) : x;
    return (uint64_t)x & ones(bits);
}

/* ---- Reference for integer lanes ---- */

#define LANE(name, expr)                                                                       \
    static uint64_t name(unsigned bits, uint64_t x, uint64_t y, uint64_t z)                    \
    {                                                                                          \
        const wide sx = sint(bits, x), sy = sint(bits, y);                                     \
        (void)sx, (void)sy, (void)y, (void)z;                                                  \
        return (uint64_t)(expr);                                                               \
    }
LANE(ref_eq, x == y ? ones(bits) : 0)
LANE(ref_ne, x != y ? ones(bits) : 0)
LANE(ref_lt_s, sx < sy ? ones(bits) : 0)
LANE(ref_lt_u, x < y ? ones(bits) : 0)
LANE(ref_gt_s, sx > sy ? ones(bits) : 0)
LANE(ref_gt_u, x > y ? ones(bits) : 0)
LANE(ref_le_s, sx <= sy ? ones(bits) : 0)
LANE(ref_le_u, x <= y ? ones(bits) : 0)
LANE(ref_ge_s, sx >= sy ? ones(bits) : 0)
LANE(ref_ge_u, x >= y ? ones(bits) : 0)
LANE(ref_abs, sx < 0 ? -sx : sx)
LANE(ref_neg, -sx)
LANE(ref_add, sx + sy)
LANE(ref_sub, sx - sy)
LANE(ref_mul, (x * y))
LANE(ref_add_sat_s, saturate(true, bits, sx + sy))
LANE(ref_add_sat_u, saturate(false, bits, (wide)x + (wide)y))
LANE(ref_sub_sat_s, saturate(true, bits, sx - sy))
LANE(ref_sub_sat_u, saturate(false, bits, (wide)x - (wide)y))
LANE(ref_min_s, sx < sy ? x : y)
LANE(ref_min_u, x < y ? x : y)
LANE(ref_max_s, sx > sy ? x : y)
LANE(ref_max_u, x > y ? x : y)
LANE(ref_avgr_u, (x + y + 1) / 2)
LANE(ref_q15mulr, saturate(true, 16, (sx * sy + 0x4000) >> 15))
LANE(ref_popcnt, (unsigned)__builtin_popcountll(x))
LANE(ref_not, ~x)
LANE(ref_and, (x & y))
LANE(ref_andnot, x & ~y)
LANE(ref_or, x | y)
LANE(ref_xor, x ^ y)
LANE(ref_select, (x & z) | (y & ~z))
/* y is the count, the same for all lanes. */
LANE(ref_shl, x << y % bits)
LANE(ref_shr_s, sx >> y % bits)
LANE(ref_shr_u, x >> y % bits)

/* ---- Reference for float lanes ---- */

static inline float f32(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float x;
    memcpy(&x, &low, sizeof x);
    return x;
}
static inline double f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline uint64_t bits32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isnan(x) ? 0x7fc00000 : bits;
}
static inline uint64_t bits64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isnan(x) ? 0x7ff8000000000000 : bits;
}

/* An expression over doubles. For f32 it is rounded afterwards, which is exact for one
 * operation; `x` and `y` are bits, `dx` and `dy` numbers. */
#define FLOAT_LANE(name, expr)                                                                 \
    static uint64_t name(unsigned bits, uint64_t x, uint64_t y, uint64_t z)                    \
    {                                                                                          \
        const double dx = bits == 32 ? (double)f32(x) : f64(x);                                \
        const double dy = bits == 32 ? (double)f32(y) : f64(y);                                \
        (void)dx, (void)dy, (void)z;                                                           \
        return bits == 32 ? bits32((float)(expr)) : bits64(expr);                              \
    }
FLOAT_LANE(ref_fadd, dx + dy)
FLOAT_LANE(ref_fsub, dx - dy)
FLOAT_LANE(ref_fmul, (dx * dy))
FLOAT_LANE(ref_fdiv, dx / dy)
FLOAT_LANE(ref_fsqrt, sqrt(dx))
FLOAT_LANE(ref_fceil, ceil(dx))
FLOAT_LANE(ref_ffloor, floor(dx))
FLOAT_LANE(ref_ftrunc, trunc(dx))
FLOAT_LANE(ref_fnearest, rint(dx))

static inline double lesser(double x, double y)
{
    if (isnan(x) || isnan(y))
        return (double)NAN;
    if (x == y)
        return signbit(x) ? x : y;
    return x < y ? x : y;
}
FLOAT_LANE(ref_fmin, lesser(dx, dy))
FLOAT_LANE(ref_fmax, -lesser(-dx, -dy))

#define FLOAT_TEST(name, op)                                                                   \
    static uint64_t name(unsigned bits, uint64_t x, uint64_t y, uint64_t z)                    \
    {                                                                                          \
        (void)z;                                                                               \
        return (bits == 32 ? f32(x) op f32(y) : f64(x) op f64(y)) ? ones(bits) : 0;            \
    }
FLOAT_TEST(ref_feq, ==)
FLOAT_TEST(ref_fne, !=)
FLOAT_TEST(ref_flt, <)
FLOAT_TEST(ref_fgt, >)
FLOAT_TEST(ref_fle, <=)
FLOAT_TEST(ref_fge, >=)

LANE(ref_fabs, (x & ones(bits - 1)))
LANE(ref_fneg, x ^ 1ull << (bits - 1))
LANE(ref_pmin, ref_flt(bits, y, x, 0) != 0 ? y : x)
LANE(ref_pmax, ref_flt(bits, x, y, 0) != 0 ? y : x)
LANE(ref_madd, ref_fadd(bits, ref_fmul(bits, x, y, 0), z, 0))
LANE(ref_nmadd, ref_madd(bits, ref_fneg(bits, x, 0, 0), y, z))

/* From f32 or f64, as `bits` tells, to an i32. */
static inline uint64_t trunc_sat(bool is_signed, unsigned bits, uint64_t x)
{
    double t = trunc(bits == 32 ? (double)f32(x) : f64(x));
    if (isnan(t))
        return 0;
    t = fmin(fmax(t, (double)least(is_signed, 32)), (double)most(is_signed, 32));
    return (uint64_t)(int64_t)t & ones(32);
}

/* ---- Reference for whole instructions ---- */

#define WHOLE(name)                                                                            \
    static void name(const row *r, uint64_t *d, const uint64_t *a, const uint64_t *b,          \
                     const uint64_t *c, const uint8_t *imm)
#define UNUSED(x) (void)(x)

WHOLE(lanewise)
{
    UNUSED(imm);
    for (unsigned i = 0; i < 128 / r->bits; i++)
        put(d, r->bits, i,
            r->lane(r->bits, get(a, r->bits, i), get(b, r->bits, i), get(c, r->bits, i)));
}
WHOLE(shift)
{
    UNUSED(c), UNUSED(imm);
    for (unsigned i = 0; i < 128 / r->bits; i++)
        put(d, r->bits, i, r->lane(r->bits, get(a, r->bits, i), b[0] & UINT32_MAX, 0));
}
WHOLE(any_true)
{
    UNUSED(r), UNUSED(b), UNUSED(c), UNUSED(imm);
    d[0] = a[0] != 0 || a[1] != 0;
}
WHOLE(all_true)
{
    UNUSED(b), UNUSED(c), UNUSED(imm);
    d[0] = 1;
    for (unsigned i = 0; i < 128 / r->bits; i++)
        d[0] &= get(a, r->bits, i) != 0;
}
WHOLE(bitmask)
{
    UNUSED(b), UNUSED(c), UNUSED(imm);
    d[0] = 0;
    for (unsigned i = 0; i < 128 / r->bits; i++)
        d[0] |= get(a, r->bits, i) >> (r->bits - 1) << i;
}
WHOLE(splat)
{
    UNUSED(b), UNUSED(c), UNUSED(imm);
    for (unsigned i = 0; i < 128 / r->bits; i++)
        put(d, r->bits, i, a[0]);
}
WHOLE(extract)
{
    UNUSED(b), UNUSED(c);
    wide x = number(r->is_signed, r->bits, get(a, r->bits, *imm));
    d[0] = (uint64_t)x & ones(r->bits == 64 ? 64 : 32);
}
WHOLE(replace)
{
    UNUSED(c);
    memcpy(d, a, 16);
    put(d, r->bits, *imm, b[0]);
}
WHOLE(shuffle)
{
    UNUSED(r), UNUSED(c);
    for (unsigned i = 0; i < 16; i++)
        put(d, 8, i, imm[i] < 16 ? get(a, 8, imm[i]) : get(b, 8, imm[i] - 16u));
}
WHOLE(swizzle)
{
    UNUSED(r), UNUSED(c), UNUSED(imm);
    for (unsigned i = 0; i < 16; i++)
        put(d, 8, i, get(b, 8, i) < 16 ? get(a, 8, (unsigned)get(b, 8, i)) : 0);
}
WHOLE(extend)
{
    UNUSED(b), UNUSED(c), UNUSED(imm);
    unsigned half = 64 / r->bits, from = r->is_high ? half : 0;
    for (unsigned i = 0; i < half; i++)
        put(d, 2 * r->bits, i,
            (uint64_t)number(r->is_signed, r->bits, get(a, r->bits, from + i)));
}
WHOLE(extmul)
{
    UNUSED(c), UNUSED(imm);
    unsigned half = 64 / r->bits, from = r->is_high ? half : 0;
    for (unsigned i = 0; i < half; i++)
        put(d, 2 * r->bits, i,
            (uint64_t)(number(r->is_signed, r->bits, get(a, r->bits, from + i)) *
                       number(r->is_signed, r->bits, get(b, r->bits, from + i))));
}
WHOLE(extadd)
{
    UNUSED(b), UNUSED(c), UNUSED(imm);
    for (unsigned i = 0; i < 64 / r->bits; i++)
        put(d, 2 * r->bits, i,
            (uint64_t)(number(r->is_signed, r->bits, get(a, r->bits, 2 * i)) +
                       number(r->is_signed, r->bits, get(a, r->bits, 2 * i + 1))));
}
/* Sum of two products of neighbouring lanes. */
static inline wide dot_pair(unsigned bits, const uint64_t *a, const uint64_t *b, unsigned i)
{
    return sint(bits, get(a, bits, 2 * i)) * sint(bits, get(b, bits, 2 * i)) +
           sint(bits, get(a, bits, 2 * i + 1)) * sint(bits, get(b, bits, 2 * i + 1));
}
WHOLE(dot)
{
    UNUSED(c), UNUSED(imm);
    for (unsigned i = 0; i < 64 / r->bits; i++)
        put(d, 2 * r->bits, i, (uint64_t)dot_pair(r->bits, a, b, i));
}
WHOLE(dot_sat)
{
    UNUSED(c), UNUSED(imm);
    for (unsigned i = 0; i < 64 / r->bits; i++)
        put(d, 2 * r->bits, i, saturate(true, 2 * r->bits, dot_pair(r->bits, a, b, i)));
}
WHOLE(dot_add)
{
    uint64_t pairs[2] = {0, 0};
    dot_sat(r, pairs, a, b, c, imm);
    for (unsigned i = 0; i < 4; i++)
        put(d, 32, i,
            (uint64_t)(sint(16, get(pairs, 16, 2 * i)) + sint(16, get(pairs, 16, 2 * i + 1)) +
                       (wide)get(c, 32, i)));
}
WHOLE(narrow)
{
    UNUSED(c), UNUSED(imm);
    unsigned from = 2 * r->bits, half = 64 / r->bits;
    for (unsigned i = 0; i < 2 * half; i++) {
        wide x = sint(from, i < half ? get(a, from, i) : get(b, from, i - half));
        put(d, r->bits, i, saturate(r->is_signed, r->bits, x));
    }
}
WHOLE(trunc_float)
{
    UNUSED(b), UNUSED(c), UNUSED(imm);
    d[0] = d[1] = 0;
    for (unsigned i = 0; i < 128 / r->bits; i++)
        put(d, 32, i, trunc_sat(r->is_signed, r->bits, get(a, r->bits, i)));
}
/* From i32 lanes to lanes of `bits`. */
WHOLE(convert)
{
    UNUSED(b), UNUSED(c), UNUSED(imm);
    for (unsigned i = 0; i < 128 / r->bits; i++) {
        double x = (double)number(r->is_signed, 32, get(a, 32, i));
        put(d, r->bits, i, r->bits == 32 ? bits32((float)x) : bits64(x));
    }
}
WHOLE(demote)
{
    UNUSED(r), UNUSED(b), UNUSED(c), UNUSED(imm);
    d[0] = bits32((float)f64(a[0])) | bits32((float)f64(a[1])) << 32;
    d[1] = 0;
}
WHOLE(promote)
{
    UNUSED(r), UNUSED(b), UNUSED(c), UNUSED(imm);
    d[0] = bits64((double)f32(get(a, 32, 0)));
    d[1] = bits64((double)f32(get(a, 32, 1)));
}

#endif
