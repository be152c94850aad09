/* Vector instructions on float lanes: arithmetic, comparison, rounding, and conversions.
 * Lanes follow wasm/num.h; what is worth computing for the whole vector at once is written out
 * here, the rest calls it lane by lane. Needs -ffp-contract=off, as that header does.
 * Source: Core, "Vector Instructions", "Numerics". */
#include "interp/simd_vec.h"
#include "wasm/num.h"

/* ---- Whole-vector forms of what wasm/num.h does to one number, once for each shape. In their
 * expressions ix and ux are the lanes as integers, `least` the sign bit ---- */

#define FLOAT_HELPERS(fx, ux, nan, least, one, whole)                                          \
    static inline fx canonical_##fx(fx x)                                                      \
    {                                                                                          \
        return SIMD_SELECT(fx, x == x, x, (ux){0} + nan);                                      \
    }                                                                                          \
    static inline fx abs_##fx(fx x)                                                            \
    {                                                                                          \
        return (fx)((ux)x & ~((ux){0} + least));                                               \
    }                                                                                          \
    static inline fx neg_##fx(fx x)                                                            \
    {                                                                                          \
        return (fx)((ux)x ^ ((ux){0} + least));                                                \
    }                                                                                          \
    /* `magnitude`, which has no sign, with the sign of `sign`. */                             \
    static inline fx sign_##fx(fx magnitude, fx sign)                                          \
    {                                                                                          \
        return (fx)((ux)magnitude | ((ux)sign & ((ux){0} + least)));                           \
    }                                                                                          \
    /* For equal operands, zeros of both signs among them, the bits of both: see num.h. */     \
    static inline fx min_##fx(fx x, fx y)                                                      \
    {                                                                                          \
        const fx r = SIMD_SELECT(fx, x == y, (ux)x | (ux)y, SIMD_SELECT(fx, x < y, x, y));     \
        return SIMD_SELECT(fx, (x == x) & (y == y), r, (ux){0} + nan);                         \
    }                                                                                          \
    static inline fx max_##fx(fx x, fx y)                                                      \
    {                                                                                          \
        const fx r = SIMD_SELECT(fx, x == y, (ux)x & (ux)y, SIMD_SELECT(fx, x > y, x, y));     \
        return SIMD_SELECT(fx, (x == x) & (y == y), r, (ux){0} + nan);                         \
    }                                                                                          \
    /* |x|, rounded to nearest; only for magnitudes below `whole`. */                          \
    static inline fx nearest_magnitude_##fx(fx x)                                              \
    {                                                                                          \
        return (abs_##fx(x) + whole) - whole;                                                  \
    }                                                                                          \
    /* `rounded` where x may have a fraction; elsewhere x itself, or the canonical NaN. */     \
    static inline fx unless_whole_##fx(fx x, fx rounded)                                       \
    {                                                                                          \
        return SIMD_SELECT(fx, abs_##fx(x) < whole, rounded, canonical_##fx(x));               \
    }                                                                                          \
    /* 1 in the lanes of a mask, else 0. */                                                    \
    static inline fx one_where_##fx(ux mask)                                                   \
    {                                                                                          \
        return (fx)(mask & (ux)((fx){0} + one));                                               \
    }                                                                                          \
    static inline fx nearest_##fx(fx x)                                                        \
    {                                                                                          \
        return unless_whole_##fx(x, sign_##fx(nearest_magnitude_##fx(x), x));                  \
    }                                                                                          \
    static inline fx trunc_##fx(fx x)                                                          \
    {                                                                                          \
        fx r = nearest_magnitude_##fx(x);                                                      \
        r -= one_where_##fx((ux)(r > abs_##fx(x)));                                            \
        return unless_whole_##fx(x, sign_##fx(r, x));                                          \
    }                                                                                          \
    static inline fx floor_##fx(fx x)                                                          \
    {                                                                                          \
        fx r = sign_##fx(nearest_magnitude_##fx(x), x);                                        \
        r -= one_where_##fx((ux)(r > x));                                                      \
        return unless_whole_##fx(x, sign_##fx(abs_##fx(r), x));                                \
    }                                                                                          \
    static inline fx ceil_##fx(fx x)                                                           \
    {                                                                                          \
        fx r = sign_##fx(nearest_magnitude_##fx(x), x);                                        \
        r += one_where_##fx((ux)(r < x));                                                      \
        return unless_whole_##fx(x, sign_##fx(abs_##fx(r), x));                                \
    }
FLOAT_HELPERS(f32x4, u32x4, WB_NUM_F32_NAN, WB_NUM_F32_SIGN, 1.0f, 0x1p23f)
FLOAT_HELPERS(f64x2, u64x2, WB_NUM_F64_NAN, WB_NUM_F64_SIGN, 1.0, 0x1p52)

#define FLOAT_SHAPE(ID, fx, scalar)                                                            \
    SIMD_BINARY(ID##_EQ, fx, x == y)                                                           \
    SIMD_BINARY(ID##_NE, fx, x != y)                                                           \
    SIMD_BINARY(ID##_LT, fx, x < y)                                                            \
    SIMD_BINARY(ID##_GT, fx, x > y)                                                            \
    SIMD_BINARY(ID##_LE, fx, x <= y)                                                           \
    SIMD_BINARY(ID##_GE, fx, x >= y)                                                           \
    SIMD_UNARY(ID##_ABS, fx, abs_##fx(x))                                                      \
    SIMD_UNARY(ID##_NEG, fx, neg_##fx(x))                                                      \
    SIMD_UNARY_LANES(ID##_SQRT, fx, fx, SIMD_LANES(fx), wb_num_##scalar##_sqrt(x[i]))          \
    SIMD_UNARY(ID##_CEIL, fx, ceil_##fx(x))                                                    \
    SIMD_UNARY(ID##_FLOOR, fx, floor_##fx(x))                                                  \
    SIMD_UNARY(ID##_TRUNC, fx, trunc_##fx(x))                                                  \
    SIMD_UNARY(ID##_NEAREST, fx, nearest_##fx(x))                                              \
    SIMD_BINARY(ID##_ADD, fx, canonical_##fx(x + y))                                           \
    SIMD_BINARY(ID##_SUB, fx, canonical_##fx(x - y))                                           \
    SIMD_BINARY(ID##_MUL, fx, canonical_##fx((x * y)))                                         \
    SIMD_BINARY(ID##_DIV, fx, canonical_##fx(x / y))                                           \
    SIMD_BINARY(ID##_MIN, fx, min_##fx(x, y))                                                  \
    SIMD_BINARY(ID##_MAX, fx, max_##fx(x, y))                                                  \
    SIMD_BINARY(ID##_PMIN, fx, SIMD_SELECT(fx, y < x, y, x))                                   \
    SIMD_BINARY(ID##_PMAX, fx, SIMD_SELECT(fx, x < y, y, x))                                   \
    SIMD_BINARY(ID##_RELAXED_MIN, fx, min_##fx(x, y))                                          \
    SIMD_BINARY(ID##_RELAXED_MAX, fx, max_##fx(x, y))                                          \
    SIMD_TERNARY(ID##_RELAXED_MADD, fx, canonical_##fx((x * y) + z))                           \
    SIMD_TERNARY(ID##_RELAXED_NMADD, fx, canonical_##fx((neg_##fx(x) * y) + z))
FLOAT_SHAPE(F32X4, f32x4, f32)
FLOAT_SHAPE(F64X2, f64x2, f64)

/* ---- Conversions. Those between shapes of four and of two lanes read the low lanes, or leave
 * the upper lanes zero ---- */

SIMD_UNARY_LANES(F32X4_CONVERT_I32X4_S, f32x4, i32x4, 4, wb_num_f32_convert_i32_s(x[i]))
SIMD_UNARY_LANES(F32X4_CONVERT_I32X4_U, f32x4, u32x4, 4, wb_num_f32_convert_i32_u(x[i]))
SIMD_UNARY_LANES(F64X2_CONVERT_LOW_I32X4_S, f64x2, i32x4, 2, wb_num_f64_convert_i32_s(x[i]))
SIMD_UNARY_LANES(F64X2_CONVERT_LOW_I32X4_U, f64x2, u32x4, 2, wb_num_f64_convert_i32_u(x[i]))
SIMD_UNARY_LANES(F64X2_PROMOTE_LOW_F32X4, f64x2, f32x4, 2, wb_num_f64_promote_f32(x[i]))
SIMD_UNARY_LANES(F32X4_DEMOTE_F64X2_ZERO, f32x4, f64x2, 2, wb_num_f32_demote_f64(x[i]))

#define TRUNC(F32_S, F32_U, F64_S, F64_U)                                                      \
    SIMD_UNARY_LANES(F32_S, i32x4, f32x4, 4, wb_num_i32_trunc_sat_f32_s(x[i]))                 \
    SIMD_UNARY_LANES(F32_U, u32x4, f32x4, 4, wb_num_i32_trunc_sat_f32_u(x[i]))                 \
    SIMD_UNARY_LANES(F64_S, i32x4, f64x2, 2, wb_num_i32_trunc_sat_f64_s(x[i]))                 \
    SIMD_UNARY_LANES(F64_U, u32x4, f64x2, 2, wb_num_i32_trunc_sat_f64_u(x[i]))
TRUNC(I32X4_TRUNC_SAT_F32X4_S, I32X4_TRUNC_SAT_F32X4_U, I32X4_TRUNC_SAT_F64X2_S_ZERO,
      I32X4_TRUNC_SAT_F64X2_U_ZERO)
TRUNC(I32X4_RELAXED_TRUNC_F32X4_S, I32X4_RELAXED_TRUNC_F32X4_U,
      I32X4_RELAXED_TRUNC_F64X2_S_ZERO, I32X4_RELAXED_TRUNC_F64X2_U_ZERO)
