/* What the bodies of vector instructions share: vector types, getting them out of slots and
 * back, and the macros that most bodies are written with. For simd.c, simd_int.c and
 * simd_float.c.
 *
 * The types are the compiler's vectors: an operator works on each lane, a comparison gives
 * lanes of all ones or all zeros. Signed lanes that may overflow are computed as unsigned. */
#ifndef INTERP_SIMD_VEC_H
#define INTERP_SIMD_VEC_H

#include <stddef.h>
#include <string.h>

#include "interp/simd.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "lane 0 must be at the lowest address of a vector's slots: little-endian hosts only"
#endif

typedef int8_t i8x16 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int16_t i16x8 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef int64_t i64x2 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));
typedef float f32x4 __attribute__((vector_size(16)));
typedef double f64x2 __attribute__((vector_size(16)));

/* Half vectors, between which and whole ones lanes widen and narrow. */
typedef int8_t i8x8 __attribute__((vector_size(8)));
typedef uint8_t u8x8 __attribute__((vector_size(8)));
typedef int16_t i16x4 __attribute__((vector_size(8)));
typedef uint16_t u16x4 __attribute__((vector_size(8)));
typedef int32_t i32x2 __attribute__((vector_size(8)));
typedef uint32_t u32x2 __attribute__((vector_size(8)));

/* The value of `type` that begins at slot `p`: a vector, half of one, or a scalar. Slots are
 * aligned to 8 bytes only, hence the copy, which costs nothing. */
#define SIMD_GET(type, p)                                                                      \
    __extension__({                                                                            \
        type value_;                                                                           \
        memcpy(&value_, (p), sizeof value_);                                                   \
        value_;                                                                                \
    })

/* Write a vector, or half of one, to the slots from `d` on. */
#define SIMD_PUT(d, type, expr)                                                                \
    do {                                                                                       \
        const type put_ = (type)(expr);                                                        \
        memcpy((d), &put_, sizeof put_);                                                       \
    } while (0)

/* `mask ? yes : no` in each lane, for a mask of all ones or all zeros. */
#define SIMD_SELECT(type, mask, yes, no)                                                       \
    ((type)(((u64x2)(yes) & (u64x2)(mask)) | ((u64x2)(no) & ~(u64x2)(mask))))

/* Head of an instruction's function. */
#define SIMD_UNUSED __attribute__((unused))
#define SIMD_FUNCTION(id)                                                                      \
    void interp_simd_##id(uint64_t *d, SIMD_UNUSED const uint64_t *a,                          \
                          SIMD_UNUSED const uint64_t *b, SIMD_UNUSED const uint64_t *c,        \
                          SIMD_UNUSED const uint8_t *imm)

#define SIMD_OP(id) SIMD_FUNCTION(id);
#include "interp/simd_ops.def"

/* A whole function from one expression, whose operands x, y and z are vectors of `type`. The
 * result may be of another vector type, such as a comparison's. */
#define SIMD_UNARY(id, type, expr)                                                             \
    SIMD_FUNCTION(id)                                                                          \
    {                                                                                          \
        const type x = SIMD_GET(type, a);                                                      \
        SIMD_PUT(d, u64x2, expr);                                                              \
    }
#define SIMD_BINARY(id, type, expr)                                                            \
    SIMD_FUNCTION(id)                                                                          \
    {                                                                                          \
        const type x = SIMD_GET(type, a), y = SIMD_GET(type, b);                               \
        SIMD_PUT(d, u64x2, expr);                                                              \
    }
#define SIMD_TERNARY(id, type, expr)                                                           \
    SIMD_FUNCTION(id)                                                                          \
    {                                                                                          \
        const type x = SIMD_GET(type, a), y = SIMD_GET(type, b), z = SIMD_GET(type, c);        \
        SIMD_PUT(d, u64x2, expr);                                                              \
    }

/* Likewise, with an expression for lane i of a `to` that is computed from vectors of `from`. */
#define SIMD_LANES(to) (sizeof(to) / sizeof((to){0}[0]))
#define SIMD_UNARY_LANES(id, to, from, lanes, expr)                                            \
    SIMD_FUNCTION(id)                                                                          \
    {                                                                                          \
        const from x = SIMD_GET(from, a);                                                      \
        to r = {0};                                                                            \
        for (size_t i = 0; i < (lanes); i++)                                                   \
            r[i] = expr;                                                                       \
        SIMD_PUT(d, to, r);                                                                    \
    }

#endif
