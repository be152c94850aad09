/* Vector instructions on integer lanes: arithmetic, comparison, shifts, and changes of width.
 * Lane moves and whole-vector bits are in simd.c; relaxed variants stand beside what they do.
 * Source: Core, "Vector Instructions", "Numerics". */
#include "interp/simd_vec.h"

/* A scalar converted to a lane of its own type, as vector shifts want their count. */
#define SHIFT_COUNT(lane, bits) ((lane)(SIMD_GET(uint32_t, b) & ((bits)-1)))

/* ---- What all four shapes have. ix: signed lanes, ux: the same lanes unsigned ---- */

#define SHAPE(ID, ix, ux, lane, bits)                                                          \
    SIMD_BINARY(ID##_EQ, ix, x == y)                                                           \
    SIMD_BINARY(ID##_NE, ix, x != y)                                                           \
    SIMD_BINARY(ID##_LT_S, ix, x < y)                                                          \
    SIMD_BINARY(ID##_GT_S, ix, x > y)                                                          \
    SIMD_BINARY(ID##_LE_S, ix, x <= y)                                                         \
    SIMD_BINARY(ID##_GE_S, ix, x >= y)                                                         \
    SIMD_UNARY(ID##_ABS, ux, (x ^ (ux)((ix)x < 0)) - (ux)((ix)x < 0))                          \
    SIMD_UNARY(ID##_NEG, ux, -x)                                                               \
    SIMD_BINARY(ID##_ADD, ux, x + y)                                                           \
    SIMD_BINARY(ID##_SUB, ux, x - y)                                                           \
    SIMD_FUNCTION(ID##_SHL)                                                                    \
    {                                                                                          \
        const lane n = SHIFT_COUNT(lane, bits);                                                \
        SIMD_PUT(d, ux, SIMD_GET(ux, a) << n);                                                 \
    }                                                                                          \
    SIMD_FUNCTION(ID##_SHR_S)                                                                  \
    {                                                                                          \
        const lane n = SHIFT_COUNT(lane, bits);                                                \
        SIMD_PUT(d, ix, SIMD_GET(ix, a) >> (ix)((ux){0} + n));                                 \
    }                                                                                          \
    SIMD_FUNCTION(ID##_SHR_U)                                                                  \
    {                                                                                          \
        const lane n = SHIFT_COUNT(lane, bits);                                                \
        SIMD_PUT(d, ux, SIMD_GET(ux, a) >> n);                                                 \
    }                                                                                          \
    SIMD_FUNCTION(ID##_ALL_TRUE)                                                               \
    {                                                                                          \
        const u64x2 zeros = (u64x2)(SIMD_GET(ix, a) == 0);                                     \
        *d = (zeros[0] | zeros[1]) == 0;                                                       \
    }
SHAPE(I8X16, i8x16, u8x16, uint8_t, 8)
SHAPE(I16X8, i16x8, u16x8, uint16_t, 16)
SHAPE(I32X4, i32x4, u32x4, uint32_t, 32)
SHAPE(I64X2, i64x2, u64x2, uint64_t, 64)

/* ---- What only the narrower shapes have ---- */

#define COMPARE_UNSIGNED(ID, ux)                                                               \
    SIMD_BINARY(ID##_LT_U, ux, x < y)                                                          \
    SIMD_BINARY(ID##_GT_U, ux, x > y)                                                          \
    SIMD_BINARY(ID##_LE_U, ux, x <= y)                                                         \
    SIMD_BINARY(ID##_GE_U, ux, x >= y)
COMPARE_UNSIGNED(I8X16, u8x16)
COMPARE_UNSIGNED(I16X8, u16x8)
COMPARE_UNSIGNED(I32X4, u32x4)

#define MIN_MAX(ID, ix, ux)                                                                    \
    SIMD_BINARY(ID##_MIN_S, ix, SIMD_SELECT(ix, x < y, x, y))                                  \
    SIMD_BINARY(ID##_MIN_U, ux, SIMD_SELECT(ux, x < y, x, y))                                  \
    SIMD_BINARY(ID##_MAX_S, ix, SIMD_SELECT(ix, x > y, x, y))                                  \
    SIMD_BINARY(ID##_MAX_U, ux, SIMD_SELECT(ux, x > y, x, y))
MIN_MAX(I8X16, i8x16, u8x16)
MIN_MAX(I16X8, i16x8, u16x8)
MIN_MAX(I32X4, i32x4, u32x4)

SIMD_BINARY(I16X8_MUL, u16x8, (x * y))
SIMD_BINARY(I32X4_MUL, u32x4, (x * y))
SIMD_BINARY(I64X2_MUL, u64x2, (x * y))

/* ---- Saturation. A signed sum overflowed if its sign differs from that of both operands, a
 * difference if the operands' signs differ and its own differs from that of the first; what is
 * nearest to the true result then is the greatest number, or the least if the first operand is
 * negative. ---- */

#define SATURATE(ID, ix, ux, most)                                                             \
    static inline ux saturated_##ix(ux overflow, ux exact, ux x)                               \
    {                                                                                          \
        return SIMD_SELECT(ux, (ix)overflow < 0, (ux)((ix)x < 0) ^ most, exact);               \
    }                                                                                          \
    SIMD_BINARY(ID##_ADD_SAT_S, ux, saturated_##ix((x ^ (x + y)) & (y ^ (x + y)), x + y, x))   \
    SIMD_BINARY(ID##_SUB_SAT_S, ux, saturated_##ix((x ^ y) & (x ^ (x - y)), x - y, x))         \
    SIMD_BINARY(ID##_ADD_SAT_U, ux, (x + y) | (ux)((ux)(x + y) < x))                           \
    SIMD_BINARY(ID##_SUB_SAT_U, ux, (x - y) & (ux)(x > y))                                     \
    SIMD_BINARY(ID##_AVGR_U, ux, (x | y) - ((x ^ y) >> 1))
SATURATE(I8X16, i8x16, u8x16, 0x7f)
SATURATE(I16X8, i16x8, u16x8, 0x7fff)

/* The product of two fractions with 15 bits, rounded; only -1 times -1 has no exact place. The
 * relaxed form takes the saturated result too. */
static inline u64x2 q15mulr(i16x8 x, i16x8 y)
{
    i16x8 r;
    for (size_t i = 0; i < 8; i++) {
        int32_t product = (x[i] * y[i] + 0x4000) >> 15;
        r[i] = (int16_t)(product > INT16_MAX ? INT16_MAX : product);
    }
    return (u64x2)r;
}
SIMD_BINARY(I16X8_Q15MULR_SAT_S, i16x8, q15mulr(x, y))
SIMD_BINARY(I16X8_RELAXED_Q15MULR_S, i16x8, q15mulr(x, y))

/* ---- Bits of each lane ---- */

static inline u8x16 popcnt(u8x16 x)
{
    x -= (x >> 1) & 0x55;
    x = (x & 0x33) + ((x >> 2) & 0x33);
    return (x + (x >> 4)) & 0x0f;
}
SIMD_UNARY(I8X16_POPCNT, u8x16, popcnt(x))

/* Top bits of eight bytes, gathered: byte i's bit travels to bit 56 + i of the product, and no
 * two of the partial products meet in one bit. */
static inline uint64_t bitmask8(uint64_t bytes)
{
    return ((bytes >> 7 & 0x0101010101010101u) * 0x0102040810204080u) >> 56;
}
SIMD_FUNCTION(I8X16_BITMASK)
{
    const u64x2 x = SIMD_GET(u64x2, a);
    *d = bitmask8(x[0]) | bitmask8(x[1]) << 8;
}
SIMD_FUNCTION(I16X8_BITMASK)
{
    const u8x8 x = __builtin_convertvector(SIMD_GET(i16x8, a) < 0, u8x8);
    *d = bitmask8(SIMD_GET(uint64_t, &x));
}
SIMD_FUNCTION(I32X4_BITMASK)
{
    const u32x4 x = SIMD_GET(u32x4, a) >> 31;
    *d = x[0] | x[1] << 1 | x[2] << 2 | x[3] << 3;
}
SIMD_FUNCTION(I64X2_BITMASK)
{
    const u64x2 x = SIMD_GET(u64x2, a) >> 63;
    *d = x[0] | x[1] << 1;
}

/* ---- Widening. The low half of a vector is its first slot ---- */

/* Lanes of the half vector at slot `p`, as lanes of `wide`. */
#define EXTEND(wide, half, p) __builtin_convertvector(SIMD_GET(half, p), wide)

#define WIDEN(SIGN, EXTEND_LOW, EXTEND_HIGH, EXTMUL_LOW, EXTMUL_HIGH, wide, half)              \
    SIMD_FUNCTION(EXTEND_LOW##SIGN)                                                            \
    {                                                                                          \
        SIMD_PUT(d, wide, EXTEND(wide, half, a));                                              \
    }                                                                                          \
    SIMD_FUNCTION(EXTEND_HIGH##SIGN)                                                           \
    {                                                                                          \
        SIMD_PUT(d, wide, EXTEND(wide, half, a + 1));                                          \
    }                                                                                          \
    SIMD_FUNCTION(EXTMUL_LOW##SIGN)                                                            \
    {                                                                                          \
        SIMD_PUT(d, wide, EXTEND(wide, half, a) * EXTEND(wide, half, b));                      \
    }                                                                                          \
    SIMD_FUNCTION(EXTMUL_HIGH##SIGN)                                                           \
    {                                                                                          \
        SIMD_PUT(d, wide, EXTEND(wide, half, a + 1) * EXTEND(wide, half, b + 1));              \
    }
#define WIDEN_SHAPE(SIGN, wide16, half8, wide32, half16, wide64, half32)                       \
    WIDEN(SIGN, I16X8_EXTEND_LOW_I8X16, I16X8_EXTEND_HIGH_I8X16, I16X8_EXTMUL_LOW_I8X16,       \
          I16X8_EXTMUL_HIGH_I8X16, wide16, half8)                                              \
    WIDEN(SIGN, I32X4_EXTEND_LOW_I16X8, I32X4_EXTEND_HIGH_I16X8, I32X4_EXTMUL_LOW_I16X8,       \
          I32X4_EXTMUL_HIGH_I16X8, wide32, half16)                                             \
    WIDEN(SIGN, I64X2_EXTEND_LOW_I32X4, I64X2_EXTEND_HIGH_I32X4, I64X2_EXTMUL_LOW_I32X4,       \
          I64X2_EXTMUL_HIGH_I32X4, wide64, half32)
WIDEN_SHAPE(_S, i16x8, i8x8, i32x4, i16x4, i64x2, i32x2)
WIDEN_SHAPE(_U, u16x8, u8x8, u32x4, u16x4, u64x2, u32x2)

/* ---- Neighbours. A lane twice as wide holds a pair: the even lane low, the odd one high ----
 */

#define EVEN_S(ix, ux, pairs, bits) ((ux)((ix)((ux)(pairs) << (bits)) >> (bits)))
#define ODD_S(ix, ux, pairs, bits) ((ux)((ix)(pairs) >> (bits)))

SIMD_UNARY(I16X8_EXTADD_PAIRWISE_I8X16_S, u16x8,
           EVEN_S(i16x8, u16x8, x, 8) + ODD_S(i16x8, u16x8, x, 8))
SIMD_UNARY(I16X8_EXTADD_PAIRWISE_I8X16_U, u16x8, (x & 0xff) + (x >> 8))
SIMD_UNARY(I32X4_EXTADD_PAIRWISE_I16X8_S, u32x4,
           EVEN_S(i32x4, u32x4, x, 16) + ODD_S(i32x4, u32x4, x, 16))
SIMD_UNARY(I32X4_EXTADD_PAIRWISE_I16X8_U, u32x4, (x & 0xffff) + (x >> 16))

SIMD_BINARY(I32X4_DOT_I16X8_S, u32x4,
            EVEN_S(i32x4, u32x4, x, 16) * EVEN_S(i32x4, u32x4, y, 16) +
                ODD_S(i32x4, u32x4, x, 16) * ODD_S(i32x4, u32x4, y, 16))

/* Products of signed bytes, added in pairs. The sum of two products leaves 16 bits in one case,
 * where all four bytes are the least number; it saturates. */
static inline i16x8 dot_i8x16(i8x16 x, i8x16 y)
{
    i16x8 r;
    for (size_t i = 0; i < 8; i++) {
        int32_t sum = x[2 * i] * y[2 * i] + x[2 * i + 1] * y[2 * i + 1];
        r[i] = (int16_t)(sum > INT16_MAX ? INT16_MAX : sum);
    }
    return r;
}
SIMD_BINARY(I16X8_RELAXED_DOT_I8X16_I7X16_S, i8x16, dot_i8x16(x, y))

SIMD_FUNCTION(I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S)
{
    const u32x4 pairs = (u32x4)dot_i8x16(SIMD_GET(i8x16, a), SIMD_GET(i8x16, b));
    const u32x4 sums = EVEN_S(i32x4, u32x4, pairs, 16) + ODD_S(i32x4, u32x4, pairs, 16);
    SIMD_PUT(d, u32x4, sums + SIMD_GET(u32x4, c));
}

/* ---- Narrowing with saturation: lanes of `a`, then of `b`. Wide lanes are signed ---- */

#define CLAMP(ix, x, least, most)                                                              \
    SIMD_SELECT(ix, (x) < (least), (ix){0} + (least),                                          \
                SIMD_SELECT(ix, (x) > (most), (ix){0} + (most), x))

#define NARROW(ID, wide, half, least, most)                                                    \
    SIMD_FUNCTION(ID)                                                                          \
    {                                                                                          \
        const wide x = SIMD_GET(wide, a), y = SIMD_GET(wide, b);                               \
        const wide low = CLAMP(wide, x, least, most), high = CLAMP(wide, y, least, most);      \
        SIMD_PUT(d, half, __builtin_convertvector(low, half));                                 \
        SIMD_PUT(d + 1, half, __builtin_convertvector(high, half));                            \
    }
NARROW(I8X16_NARROW_I16X8_S, i16x8, i8x8, INT8_MIN, INT8_MAX)
NARROW(I8X16_NARROW_I16X8_U, i16x8, u8x8, 0, UINT8_MAX)
NARROW(I16X8_NARROW_I32X4_S, i32x4, i16x4, INT16_MIN, INT16_MAX)
NARROW(I16X8_NARROW_I32X4_U, i32x4, u16x4, 0, UINT16_MAX)
