/* Tests of interp/simd.h: every vector instruction against a reference that takes one lane at a
 * time, over edge values and random ones, with operands and result in all overlaps. The
 * reference computes integers in 128 bits and lets libm round; it shares nothing with
 * src/interp but the table. */
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

static uint64_t ones(unsigned bits)
{
    return bits == 64 ? UINT64_MAX : (1ull << bits) - 1;
}
static uint64_t get(const uint64_t *v, unsigned bits, unsigned i)
{
    return v[i * bits / 64] >> (i * bits % 64) & ones(bits);
}
static void put(uint64_t *v, unsigned bits, unsigned i, uint64_t x)
{
    unsigned shift = i * bits % 64;
    uint64_t *slot = &v[i * bits / 64];
    *slot = (*slot & ~(ones(bits) << shift)) | (x & ones(bits)) << shift;
}
static wide sint(unsigned bits, uint64_t x)
{
    return (x >> (bits - 1) & 1) != 0 ? (wide)x - ((wide)1 << bits) : (wide)x;
}
static wide number(bool is_signed, unsigned bits, uint64_t x)
{
    return is_signed ? sint(bits, x) : (wide)x;
}
static wide least(bool is_signed, unsigned bits)
{
    return is_signed ? -((wide)1 << (bits - 1)) : 0;
}
static wide most(bool is_signed, unsigned bits)
{
    return ((wide)1 << (is_signed ? bits - 1 : bits)) - 1;
}
static uint64_t saturate(bool is_signed, unsigned bits, wide x)
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

static float f32(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float x;
    memcpy(&x, &low, sizeof x);
    return x;
}
static double f64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static uint64_t bits32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isnan(x) ? 0x7fc00000 : bits;
}
static uint64_t bits64(double x)
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

static double lesser(double x, double y)
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
static uint64_t trunc_sat(bool is_signed, unsigned bits, uint64_t x)
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
static wide dot_pair(unsigned bits, const uint64_t *a, const uint64_t *b, unsigned i)
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

/* ---- Every instruction with its reference ---- */

#define ROW(id, whole, ...)                                                                    \
    {                                                                                          \
        WB_OP_##id, whole, __VA_ARGS__                                                         \
    }
#define LANEWISE(id, bits, lane) ROW(id, lanewise, bits, lane, false, false)
#define SIGNS(id, whole, bits, high)                                                           \
    ROW(id##_S, whole, bits, NULL, true, high), ROW(id##_U, whole, bits, NULL, false, high)

#define SHAPE(ID, bits)                                                                        \
    LANEWISE(ID##_EQ, bits, ref_eq), LANEWISE(ID##_NE, bits, ref_ne),                          \
        LANEWISE(ID##_LT_S, bits, ref_lt_s), LANEWISE(ID##_GT_S, bits, ref_gt_s),              \
        LANEWISE(ID##_LE_S, bits, ref_le_s), LANEWISE(ID##_GE_S, bits, ref_ge_s),              \
        LANEWISE(ID##_ABS, bits, ref_abs), LANEWISE(ID##_NEG, bits, ref_neg),                  \
        LANEWISE(ID##_ADD, bits, ref_add), LANEWISE(ID##_SUB, bits, ref_sub),                  \
        ROW(ID##_SHL, shift, bits, ref_shl, false, false),                                     \
        ROW(ID##_SHR_S, shift, bits, ref_shr_s, false, false),                                 \
        ROW(ID##_SHR_U, shift, bits, ref_shr_u, false, false),                                 \
        ROW(ID##_ALL_TRUE, all_true, bits, NULL, false, false),                                \
        ROW(ID##_BITMASK, bitmask, bits, NULL, false, false),                                  \
        ROW(ID##_SPLAT, splat, bits, NULL, false, false),                                      \
        ROW(ID##_REPLACE_LANE, replace, bits, NULL, false, false),                             \
        LANEWISE(ID##_RELAXED_LANESELECT, bits, ref_select)
#define UP_TO_32(ID, bits)                                                                     \
    LANEWISE(ID##_LT_U, bits, ref_lt_u), LANEWISE(ID##_GT_U, bits, ref_gt_u),                  \
        LANEWISE(ID##_LE_U, bits, ref_le_u), LANEWISE(ID##_GE_U, bits, ref_ge_u),              \
        LANEWISE(ID##_MIN_S, bits, ref_min_s), LANEWISE(ID##_MIN_U, bits, ref_min_u),          \
        LANEWISE(ID##_MAX_S, bits, ref_max_s), LANEWISE(ID##_MAX_U, bits, ref_max_u)
#define UP_TO_16(ID, bits)                                                                     \
    LANEWISE(ID##_ADD_SAT_S, bits, ref_add_sat_s),                                             \
        LANEWISE(ID##_ADD_SAT_U, bits, ref_add_sat_u),                                         \
        LANEWISE(ID##_SUB_SAT_S, bits, ref_sub_sat_s),                                         \
        LANEWISE(ID##_SUB_SAT_U, bits, ref_sub_sat_u), LANEWISE(ID##_AVGR_U, bits, ref_avgr_u)
#define WIDER(TO, FROM, bits)                                                                  \
    SIGNS(TO##_EXTEND_LOW_##FROM, extend, bits, false),                                        \
        SIGNS(TO##_EXTEND_HIGH_##FROM, extend, bits, true),                                    \
        SIGNS(TO##_EXTMUL_LOW_##FROM, extmul, bits, false),                                    \
        SIGNS(TO##_EXTMUL_HIGH_##FROM, extmul, bits, true)
#define FLOAT_SHAPE(ID, bits)                                                                  \
    LANEWISE(ID##_EQ, bits, ref_feq), LANEWISE(ID##_NE, bits, ref_fne),                        \
        LANEWISE(ID##_LT, bits, ref_flt), LANEWISE(ID##_GT, bits, ref_fgt),                    \
        LANEWISE(ID##_LE, bits, ref_fle), LANEWISE(ID##_GE, bits, ref_fge),                    \
        LANEWISE(ID##_ABS, bits, ref_fabs), LANEWISE(ID##_NEG, bits, ref_fneg),                \
        LANEWISE(ID##_SQRT, bits, ref_fsqrt), LANEWISE(ID##_CEIL, bits, ref_fceil),            \
        LANEWISE(ID##_FLOOR, bits, ref_ffloor), LANEWISE(ID##_TRUNC, bits, ref_ftrunc),        \
        LANEWISE(ID##_NEAREST, bits, ref_fnearest), LANEWISE(ID##_ADD, bits, ref_fadd),        \
        LANEWISE(ID##_SUB, bits, ref_fsub), LANEWISE(ID##_MUL, bits, ref_fmul),                \
        LANEWISE(ID##_DIV, bits, ref_fdiv), LANEWISE(ID##_MIN, bits, ref_fmin),                \
        LANEWISE(ID##_MAX, bits, ref_fmax), LANEWISE(ID##_PMIN, bits, ref_pmin),               \
        LANEWISE(ID##_PMAX, bits, ref_pmax), LANEWISE(ID##_RELAXED_MIN, bits, ref_fmin),       \
        LANEWISE(ID##_RELAXED_MAX, bits, ref_fmax),                                            \
        LANEWISE(ID##_RELAXED_MADD, bits, ref_madd),                                           \
        LANEWISE(ID##_RELAXED_NMADD, bits, ref_nmadd),                                         \
        ROW(ID##_SPLAT, splat, bits, NULL, false, false),                                      \
        ROW(ID##_EXTRACT_LANE, extract, bits, NULL, false, false),                             \
        ROW(ID##_REPLACE_LANE, replace, bits, NULL, false, false)

static const row rows[] = {
    LANEWISE(V128_NOT, 64, ref_not),
    LANEWISE(V128_AND, 64, ref_and),
    LANEWISE(V128_ANDNOT, 64, ref_andnot),
    LANEWISE(V128_OR, 64, ref_or),
    LANEWISE(V128_XOR, 64, ref_xor),
    LANEWISE(V128_BITSELECT, 64, ref_select),
    ROW(V128_ANY_TRUE, any_true, 64, NULL, false, false),
    SHAPE(I8X16, 8),
    SHAPE(I16X8, 16),
    SHAPE(I32X4, 32),
    SHAPE(I64X2, 64),
    UP_TO_32(I8X16, 8),
    UP_TO_32(I16X8, 16),
    UP_TO_32(I32X4, 32),
    UP_TO_16(I8X16, 8),
    UP_TO_16(I16X8, 16),
    LANEWISE(I16X8_MUL, 16, ref_mul),
    LANEWISE(I32X4_MUL, 32, ref_mul),
    LANEWISE(I64X2_MUL, 64, ref_mul),
    LANEWISE(I8X16_POPCNT, 8, ref_popcnt),
    LANEWISE(I16X8_Q15MULR_SAT_S, 16, ref_q15mulr),
    LANEWISE(I16X8_RELAXED_Q15MULR_S, 16, ref_q15mulr),
    SIGNS(I8X16_EXTRACT_LANE, extract, 8, false),
    SIGNS(I16X8_EXTRACT_LANE, extract, 16, false),
    ROW(I32X4_EXTRACT_LANE, extract, 32, NULL, false, false),
    ROW(I64X2_EXTRACT_LANE, extract, 64, NULL, false, false),
    ROW(I8X16_SHUFFLE, shuffle, 8, NULL, false, false),
    ROW(I8X16_SWIZZLE, swizzle, 8, NULL, false, false),
    ROW(I8X16_RELAXED_SWIZZLE, swizzle, 8, NULL, false, false),
    WIDER(I16X8, I8X16, 8),
    WIDER(I32X4, I16X8, 16),
    WIDER(I64X2, I32X4, 32),
    SIGNS(I16X8_EXTADD_PAIRWISE_I8X16, extadd, 8, false),
    SIGNS(I32X4_EXTADD_PAIRWISE_I16X8, extadd, 16, false),
    ROW(I32X4_DOT_I16X8_S, dot, 16, NULL, true, false),
    ROW(I16X8_RELAXED_DOT_I8X16_I7X16_S, dot_sat, 8, NULL, true, false),
    ROW(I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S, dot_add, 8, NULL, true, false),
    SIGNS(I8X16_NARROW_I16X8, narrow, 8, false),
    SIGNS(I16X8_NARROW_I32X4, narrow, 16, false),
    FLOAT_SHAPE(F32X4, 32),
    FLOAT_SHAPE(F64X2, 64),
    SIGNS(I32X4_TRUNC_SAT_F32X4, trunc_float, 32, false),
    ROW(I32X4_TRUNC_SAT_F64X2_S_ZERO, trunc_float, 64, NULL, true, false),
    ROW(I32X4_TRUNC_SAT_F64X2_U_ZERO, trunc_float, 64, NULL, false, false),
    SIGNS(I32X4_RELAXED_TRUNC_F32X4, trunc_float, 32, false),
    ROW(I32X4_RELAXED_TRUNC_F64X2_S_ZERO, trunc_float, 64, NULL, true, false),
    ROW(I32X4_RELAXED_TRUNC_F64X2_U_ZERO, trunc_float, 64, NULL, false, false),
    SIGNS(F32X4_CONVERT_I32X4, convert, 32, false),
    SIGNS(F64X2_CONVERT_LOW_I32X4, convert, 64, false),
    ROW(F32X4_DEMOTE_F64X2_ZERO, demote, 64, NULL, false, false),
    ROW(F64X2_PROMOTE_LOW_F32X4, promote, 32, NULL, false, false),
};

/* ---- Inputs ---- */

static uint64_t random_next(void)
{
    static uint64_t state = 4;
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static const double edge_numbers[] = {
    0.0,
    0.25,
    0.5,
    0.75,
    1.0,
    1.5,
    2.5,
    3.5,
    0x1p-149,
    0x1p-126,
    0x1.fffffep127,
    0x1.fffffefffffffp127,
    0x1.ffffffp127,
    0x1p-1074,
    0x1p-1022,
    0x1.fffffffffffffp1023,
    0x1p-150,
    0x1.0000000000001p-150,
    8388607.5,
    8388608.0,
    8388609.0,
    4503599627370495.5,
    4503599627370496.0,
    2147483520.0,
    2147483647.0,
    2147483647.5,
    2147483648.0,
    2147483648.9,
    2147483649.0,
    2147483904.0,
    4294967040.0,
    4294967295.0,
    4294967295.9,
    4294967296.0,
    0x1.fffffep-1,
    0x1.fffffffffffffp-1,
    (double)INFINITY,
};

static uint64_t edge_float(unsigned bits)
{
    static const uint64_t nans[] = {0x7ff8000000000000, 0x7ff0000000000001, 0x7ff4000000000000,
                                    0x7fffffffffffffff};
    static const uint64_t nans_32[] = {0x7fc00000, 0x7f800001, 0x7fa00000, 0x7fffffff};
    uint64_t pick = random_next(), x;
    double number = edge_numbers[pick / 8 % COUNT(edge_numbers)];

    if (pick % 8 == 0)
        x = bits == 32 ? nans_32[pick / 8 % 4] : nans[pick / 8 % 4];
    else
        x = bits == 32 ? bits32((float)number) : bits64(number);
    return x | (pick >> 63) << (bits - 1);
}

static uint64_t edge_int(unsigned bits)
{
    uint64_t top = 1ull << (bits - 1);
    const uint64_t edges[] = {0,
                              1,
                              2,
                              3,
                              15,
                              16,
                              bits - 1,
                              bits,
                              top - 1,
                              top,
                              top + 1,
                              ones(bits),
                              ones(bits) - 1,
                              ones(bits / 2),
                              ones(bits / 2) + 1,
                              ones(bits / 2) / 2,
                              ones(bits / 2) / 2 + 1,
                              ones(bits) - ones(bits / 2) / 2,
                              ones(bits) - ones(bits / 2) / 2 - 1};
    return edges[random_next() % COUNT(edges)] & ones(bits);
}

/* A vector whose lanes, of any width, are partly edge values and partly random. */
static void fill(uint64_t *v)
{
    unsigned bits = 8u << random_next() % 4;
    for (unsigned i = 0; i < 128 / bits; i++) {
        uint64_t pick = random_next() % 4;
        uint64_t x = random_next();
        if (pick == 0)
            x = edge_int(bits);
        else if (pick != 1 && bits >= 32)
            x = edge_float(bits);
        else if (pick == 2)
            x >>= x % 60; /* small numbers */
        put(v, bits, i, x);
    }
}

static const char *name_of(wb_op op)
{
    static const char *const names[] = {
#define WB_OP(id, prefix, code, text, imm, sig, feature) text,
#include "wasm/opcode.def"
#undef WB_OP
    };
    return names[op];
}

static bool is_scalar_result(const row *r)
{
    return r->whole == any_true || r->whole == all_true || r->whole == bitmask ||
           r->whole == extract;
}

/* Compare one execution with the reference, the result being at `d` in `frame`. */
static void check_at(const row *r, uint64_t *frame, const uint64_t *saved, unsigned d,
                     const uint64_t *want, const uint8_t *imm)
{
    memcpy(frame, saved, 8 * sizeof frame[0]);
    interp_simd_table[r->op](frame + d, frame, frame + 2, frame + 4, imm);
    if (memcmp(frame + d, want, is_scalar_result(r) ? 8 : 16) != 0)
        fail_msg("%s at slot %u: a %016llx %016llx b %016llx %016llx gives %016llx "
                 "%016llx, not %016llx %016llx",
                 name_of(r->op), d, (unsigned long long)saved[0], (unsigned long long)saved[1],
                 (unsigned long long)saved[2], (unsigned long long)saved[3],
                 (unsigned long long)frame[d], (unsigned long long)frame[d + 1],
                 (unsigned long long)want[0], (unsigned long long)want[1]);
    for (unsigned i = 0; i < 8; i++) /* nothing else was written */
        if (i < d || i >= d + (is_scalar_result(r) ? 1 : 2))
            assert_int_equal(frame[i], saved[i]);
}

static void check(const row *r)
{
    /* Operands at slots 0, 2 and 4, a free place at 6. */
    uint64_t saved[8], frame[8], want[2] = {0, 0};
    uint8_t imm[16];

    for (unsigned i = 0; i < 4; i++)
        fill(saved + 2 * i);
    for (unsigned i = 0; i < 16; i++)
        imm[i] = (uint8_t)(random_next() % (r->whole == shuffle ? 32 : 128 / r->bits));
    r->whole(r, want, saved, saved + 2, saved + 4, imm);
    for (unsigned d = 0; d <= 6; d++)
        check_at(r, frame, saved, d, want, imm);
}

/* ---- Tests ---- */

static void every_instruction_agrees_with_the_reference(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (int round = 0; round < ROUNDS; round++)
            check(&rows[i]);
}

static void every_vector_instruction_has_a_function_and_a_reference(void **state)
{
    static const struct {
        wb_op op;
        unsigned prefix;
        const char *imm;
    } all[] = {
#define WB_OP(id, prefix, code, text, imm, sig, feature) {WB_OP_##id, prefix, #imm},
#include "wasm/opcode.def"
#undef WB_OP
    };
    bool has_reference[WB_OP_COUNT] = {false};
    (void)state;

    for (size_t i = 0; i < COUNT(rows); i++) {
        assert_false(has_reference[rows[i].op]);
        has_reference[rows[i].op] = true;
    }
    for (size_t i = 0; i < COUNT(all); i++) {
        bool is_handled = all[i].prefix == 0xfd && strncmp(all[i].imm, "MEM", 3) != 0 &&
                          strcmp(all[i].imm, "V128") != 0;
        assert_int_equal(interp_simd_table[all[i].op] != NULL, is_handled);
        assert_int_equal(has_reference[all[i].op], is_handled);
    }
}

static void run2(wb_op op, uint64_t *d, uint64_t a0, uint64_t a1, uint64_t b0, uint64_t b1)
{
    const uint64_t a[2] = {a0, a1}, b[2] = {b0, b1};
    interp_simd_table[op](d, a, b, NULL, NULL);
}

static void relaxed_multiply_add_rounds_twice(void **state)
{
    const uint64_t a[2] = {0x3f8000023f800002, 0x3f8000023f800002};
    const uint64_t minus_a[2] = {0xbf800002bf800002, 0xbf800002bf800002};
    const uint64_t b[2] = {0x3f8001003f800100, 0x3f8001003f800100};
    const uint64_t c[2] = {0xbf800102bf800102, 0xbf800102bf800102};
    const uint64_t a64[2] = {0x3ff0000000400000, 0x7fefffffffffffff};
    const uint64_t b64[2] = {0x3ff0000020000000, 0x4000000000000000};
    const uint64_t c64[2] = {0xbff0000020400000, 0xffefffffffffffff};
    uint64_t d[2];
    (void)state;

    interp_simd_table[WB_OP_F32X4_RELAXED_MADD](d, a, b, c, NULL);
    assert_true(d[0] == 0 && d[1] == 0); /* fused, it would be 0x1p-37 */
    interp_simd_table[WB_OP_F32X4_RELAXED_NMADD](d, minus_a, b, c, NULL);
    assert_true(d[0] == 0 && d[1] == 0);
    interp_simd_table[WB_OP_F64X2_RELAXED_MADD](d, a64, b64, c64, NULL);
    assert_int_equal(d[0], 0);
    assert_int_equal(d[1], 0x7ff0000000000000); /* fused, the greatest finite number */
}

static void relaxed_integers_saturate(void **state)
{
    uint64_t d[2];
    const uint64_t least[2] = {0x8080808080808080, 0}, zero[2] = {0, 0};
    (void)state;

    run2(WB_OP_I16X8_RELAXED_Q15MULR_S, d, 0x80018000, 0x7fff, 0x80008000, 0x7fff);
    assert_int_equal(d[0], 0x7fff7fff);
    assert_int_equal(d[1], 0x7ffe);
    run2(WB_OP_I16X8_RELAXED_DOT_I8X16_I7X16_S, d, 0x8080, 0x80808080, 0x8181, 0x80807f7f);
    assert_int_equal(d[0], 0x7f00);
    assert_int_equal(d[1], 0x7fff8100);
    interp_simd_table[WB_OP_I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S](d, least, least, zero, NULL);
    assert_int_equal(d[0], 0x0000fffe0000fffe);
}

static void shift_counts_ignore_the_upper_half_of_their_slot(void **state)
{
    uint64_t d[2];
    (void)state;
    run2(WB_OP_I64X2_SHL, d, 1, 2, 0xffffffff00000041, 0);
    assert_true(d[0] == 2 && d[1] == 4);
    run2(WB_OP_I8X16_SHR_S, d, 0x80, 0x7f, 0x100000009, 0);
    assert_true(d[0] == 0xc0 && d[1] == 0x3f);
}

static void loads_widen_repeat_and_pad(void **state)
{
    const uint64_t bits = 0xff80017f8000fe02;
    static const struct {
        wb_op op;
        unsigned bits;
        bool is_signed;
    } extends[] = {{WB_OP_V128_LOAD8X8_S, 8, true},   {WB_OP_V128_LOAD8X8_U, 8, false},
                   {WB_OP_V128_LOAD16X4_S, 16, true}, {WB_OP_V128_LOAD16X4_U, 16, false},
                   {WB_OP_V128_LOAD32X2_S, 32, true}, {WB_OP_V128_LOAD32X2_U, 32, false}};
    uint64_t d[2];
    (void)state;

    for (size_t k = 0; k < COUNT(extends); k++) {
        unsigned n = extends[k].bits;
        interp_simd_load(extends[k].op, d, bits);
        for (unsigned i = 0; i < 64 / n; i++)
            assert_int_equal(get(d, 2 * n, i), (uint64_t)number(extends[k].is_signed, n,
                                                                bits >> i * n & ones(n)) &
                                                   ones(2 * n));
    }
    interp_simd_load(WB_OP_V128_LOAD8_SPLAT, d, 0xfe);
    assert_true(d[0] == 0xfefefefefefefefe && d[1] == d[0]);
    interp_simd_load(WB_OP_V128_LOAD16_SPLAT, d, 0xfedc);
    assert_true(d[0] == 0xfedcfedcfedcfedc && d[1] == d[0]);
    interp_simd_load(WB_OP_V128_LOAD32_SPLAT, d, 0xfedcba98);
    assert_true(d[0] == 0xfedcba98fedcba98 && d[1] == d[0]);
    interp_simd_load(WB_OP_V128_LOAD64_SPLAT, d, bits);
    assert_true(d[0] == bits && d[1] == bits);
    interp_simd_load(WB_OP_V128_LOAD32_ZERO, d, 0xfedcba98);
    assert_true(d[0] == 0xfedcba98 && d[1] == 0);
    interp_simd_load(WB_OP_V128_LOAD64_ZERO, d, bits);
    assert_true(d[0] == bits && d[1] == 0);
}

static void single_lanes_load_and_store(void **state)
{
    static const struct {
        wb_op load, store;
        unsigned bits;
    } lanes[] = {{WB_OP_V128_LOAD8_LANE, WB_OP_V128_STORE8_LANE, 8},
                 {WB_OP_V128_LOAD16_LANE, WB_OP_V128_STORE16_LANE, 16},
                 {WB_OP_V128_LOAD32_LANE, WB_OP_V128_STORE32_LANE, 32},
                 {WB_OP_V128_LOAD64_LANE, WB_OP_V128_STORE64_LANE, 64}};
    (void)state;

    for (size_t k = 0; k < COUNT(lanes); k++) {
        for (uint8_t lane = 0; lane < 128 / lanes[k].bits; lane++) {
            uint64_t v[2], want[2], bits = random_next() & ones(lanes[k].bits);
            fill(v);
            memcpy(want, v, sizeof v);
            assert_int_equal(interp_simd_store_lane(lanes[k].store, v, lane),
                             get(v, lanes[k].bits, lane));
            put(want, lanes[k].bits, lane, bits);
            interp_simd_load_lane(lanes[k].load, v, v, lane, bits);
            assert_memory_equal(v, want, sizeof v);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_instruction_has_a_function_and_a_reference),
        cmocka_unit_test(every_instruction_agrees_with_the_reference),
        cmocka_unit_test(relaxed_multiply_add_rounds_twice),
        cmocka_unit_test(relaxed_integers_saturate),
        cmocka_unit_test(shift_counts_ignore_the_upper_half_of_their_slot),
        cmocka_unit_test(loads_widen_repeat_and_pad),
        cmocka_unit_test(single_lanes_load_and_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
