/* The table of vector instructions, those that move lanes or work on bits whatever the shape,
 * and what loads and stores of less than a vector do besides the memory access. Arithmetic is
 * in simd_int.c and simd_float.c. Source: Core, "Vector Instructions". */
#include "interp/simd.h"

#include <assert.h>
#include <stdbool.h>

#include "interp/simd_vec.h"

const interp_simd_fn interp_simd_table[WB_OP_COUNT] = {
#define SIMD_OP(id) [WB_OP_##id] = interp_simd_##id,
#include "interp/simd_ops.def"
};

/* ---- Bits ---- */

SIMD_UNARY(V128_NOT, u64x2, ~x)
SIMD_BINARY(V128_AND, u64x2, (x & y))
SIMD_BINARY(V128_ANDNOT, u64x2, x & ~y)
SIMD_BINARY(V128_OR, u64x2, x | y)
SIMD_BINARY(V128_XOR, u64x2, x ^ y)
SIMD_TERNARY(V128_BITSELECT, u64x2, SIMD_SELECT(u64x2, z, x, y))
SIMD_TERNARY(I8X16_RELAXED_LANESELECT, u64x2, SIMD_SELECT(u64x2, z, x, y))
SIMD_TERNARY(I16X8_RELAXED_LANESELECT, u64x2, SIMD_SELECT(u64x2, z, x, y))
SIMD_TERNARY(I32X4_RELAXED_LANESELECT, u64x2, SIMD_SELECT(u64x2, z, x, y))
SIMD_TERNARY(I64X2_RELAXED_LANESELECT, u64x2, SIMD_SELECT(u64x2, z, x, y))

SIMD_FUNCTION(V128_ANY_TRUE)
{
    *d = (a[0] | a[1]) != 0;
}

/* ---- Lanes. Floats move as integers, which keeps their bits ---- */

#define LANES(ID, ux, lane)                                                                    \
    SIMD_FUNCTION(ID##_SPLAT)                                                                  \
    {                                                                                          \
        const lane value = SIMD_GET(lane, a);                                                  \
        SIMD_PUT(d, ux, (ux){0} + value);                                                      \
    }                                                                                          \
    SIMD_FUNCTION(ID##_REPLACE_LANE)                                                           \
    {                                                                                          \
        ux x = SIMD_GET(ux, a);                                                                \
        x[*imm] = SIMD_GET(lane, b);                                                           \
        SIMD_PUT(d, ux, x);                                                                    \
    }
LANES(I8X16, u8x16, uint8_t)
LANES(I16X8, u16x8, uint16_t)
LANES(I32X4, u32x4, uint32_t)
LANES(I64X2, u64x2, uint64_t)
LANES(F32X4, u32x4, uint32_t)
LANES(F64X2, u64x2, uint64_t)

/* Lane `imm`, through `extended`, which says how an i32 is made of it. */
#define EXTRACT(ID, lane, extended)                                                            \
    SIMD_FUNCTION(ID)                                                                          \
    {                                                                                          \
        lane value;                                                                            \
        memcpy(&value, (const uint8_t *)a + *imm * sizeof value, sizeof value);                \
        const extended result = (extended)value;                                               \
        *d = result;                                                                           \
    }
EXTRACT(I8X16_EXTRACT_LANE_S, int8_t, uint32_t)
EXTRACT(I8X16_EXTRACT_LANE_U, uint8_t, uint32_t)
EXTRACT(I16X8_EXTRACT_LANE_S, int16_t, uint32_t)
EXTRACT(I16X8_EXTRACT_LANE_U, uint16_t, uint32_t)
EXTRACT(I32X4_EXTRACT_LANE, uint32_t, uint32_t)
EXTRACT(I64X2_EXTRACT_LANE, uint64_t, uint64_t)
EXTRACT(F32X4_EXTRACT_LANE, uint32_t, uint32_t)
EXTRACT(F64X2_EXTRACT_LANE, uint64_t, uint64_t)

SIMD_FUNCTION(I8X16_SHUFFLE)
{
    uint8_t from[32], to[16];
    memcpy(from, a, 16);
    memcpy(from + 16, b, 16);
    for (size_t i = 0; i < 16; i++)
        to[i] = from[imm[i]];
    memcpy(d, to, 16);
}

static inline void swizzle(uint64_t *d, const uint64_t *a, const uint64_t *b)
{
    uint8_t from[16], index[16], to[16];
    memcpy(from, a, 16);
    memcpy(index, b, 16);
    for (size_t i = 0; i < 16; i++)
        to[i] = index[i] < 16 ? from[index[i]] : 0;
    memcpy(d, to, 16);
}
SIMD_FUNCTION(I8X16_SWIZZLE)
{
    swizzle(d, a, b);
}
SIMD_FUNCTION(I8X16_RELAXED_SWIZZLE)
{
    swizzle(d, a, b);
}

/* ---- Parts of loads and stores, expressed by the instructions that do the same ---- */

/* Widen eight bytes: they become the low half of a vector. */
static void load_extend(interp_simd_fn extend_low, uint64_t *d, uint64_t bits)
{
    const uint64_t low[2] = {bits, 0};
    extend_low(d, low, NULL, NULL, NULL);
}

void interp_simd_load(wb_op op, uint64_t *d, uint64_t bits)
{
    switch (op) {
    case WB_OP_V128_LOAD8X8_S:
        load_extend(interp_simd_I16X8_EXTEND_LOW_I8X16_S, d, bits);
        return;
    case WB_OP_V128_LOAD8X8_U:
        load_extend(interp_simd_I16X8_EXTEND_LOW_I8X16_U, d, bits);
        return;
    case WB_OP_V128_LOAD16X4_S:
        load_extend(interp_simd_I32X4_EXTEND_LOW_I16X8_S, d, bits);
        return;
    case WB_OP_V128_LOAD16X4_U:
        load_extend(interp_simd_I32X4_EXTEND_LOW_I16X8_U, d, bits);
        return;
    case WB_OP_V128_LOAD32X2_S:
        load_extend(interp_simd_I64X2_EXTEND_LOW_I32X4_S, d, bits);
        return;
    case WB_OP_V128_LOAD32X2_U:
        load_extend(interp_simd_I64X2_EXTEND_LOW_I32X4_U, d, bits);
        return;
    case WB_OP_V128_LOAD8_SPLAT:
        interp_simd_I8X16_SPLAT(d, &bits, NULL, NULL, NULL);
        return;
    case WB_OP_V128_LOAD16_SPLAT:
        interp_simd_I16X8_SPLAT(d, &bits, NULL, NULL, NULL);
        return;
    case WB_OP_V128_LOAD32_SPLAT:
        interp_simd_I32X4_SPLAT(d, &bits, NULL, NULL, NULL);
        return;
    case WB_OP_V128_LOAD64_SPLAT:
        interp_simd_I64X2_SPLAT(d, &bits, NULL, NULL, NULL);
        return;
    case WB_OP_V128_LOAD32_ZERO:
    case WB_OP_V128_LOAD64_ZERO:
        d[0] = bits;
        d[1] = 0;
        return;
    default:
        assert(false && "a load that widens, repeats or pads");
    }
}

void interp_simd_load_lane(wb_op op, uint64_t *d, const uint64_t *v, uint8_t lane,
                           uint64_t bits)
{
    switch (op) {
    case WB_OP_V128_LOAD8_LANE:
        interp_simd_I8X16_REPLACE_LANE(d, v, &bits, NULL, &lane);
        return;
    case WB_OP_V128_LOAD16_LANE:
        interp_simd_I16X8_REPLACE_LANE(d, v, &bits, NULL, &lane);
        return;
    case WB_OP_V128_LOAD32_LANE:
        interp_simd_I32X4_REPLACE_LANE(d, v, &bits, NULL, &lane);
        return;
    case WB_OP_V128_LOAD64_LANE:
        interp_simd_I64X2_REPLACE_LANE(d, v, &bits, NULL, &lane);
        return;
    default:
        assert(false && "a load into one lane");
    }
}

uint64_t interp_simd_store_lane(wb_op op, const uint64_t *v, uint8_t lane)
{
    uint64_t bits = 0;

    switch (op) {
    case WB_OP_V128_STORE8_LANE:
        interp_simd_I8X16_EXTRACT_LANE_U(&bits, v, NULL, NULL, &lane);
        break;
    case WB_OP_V128_STORE16_LANE:
        interp_simd_I16X8_EXTRACT_LANE_U(&bits, v, NULL, NULL, &lane);
        break;
    case WB_OP_V128_STORE32_LANE:
        interp_simd_I32X4_EXTRACT_LANE(&bits, v, NULL, NULL, &lane);
        break;
    case WB_OP_V128_STORE64_LANE:
        interp_simd_I64X2_EXTRACT_LANE(&bits, v, NULL, NULL, &lane);
        break;
    default:
        assert(false && "a store of one lane");
    }
    return bits;
}
