/* What the scalar number instructions compute, to the bit. The interpreter, constant
 * expressions and the builtins of compiled code all use these functions, so that they cannot
 * differ. Instructions that C's own operators do exactly (i32.add on unsigned numbers, f64.lt)
 * have no function here; vectors are in interp/simd.h.
 *
 * Names are wb_num_<type>_<operation>, as in the text format. An operation that can trap
 * returns the trap, BEAMR_TRAP_NONE when there is none, and writes its result only then.
 *
 * NaN: arithmetic returns the canonical NaN, positive, whatever the operands' payloads. abs,
 * neg, copysign and reinterpret work on bits and keep them, signalling NaN included. Assumes
 * the environment that C programs start in: round to nearest, subnormals kept. Compile with
 * -ffp-contract=off -fno-math-errno, and without -ffast-math.
 *
 * Source: Core, "Numerics", "Profiles" (deterministic). */
#ifndef WASM_NUM_H
#define WASM_NUM_H

#include <float.h>
#include <stdint.h>
#include <string.h>

#include "beamr/trap.h"

/* Wider intermediate results would round twice, and x87 registers change signalling NaN. */
_Static_assert(FLT_EVAL_METHOD == 0, "float and double are computed in their own precision");
#ifdef __FAST_MATH__
#error "-ffast-math changes results"
#endif

#define WB_NUM_LIKELY(x) __builtin_expect(!!(x), 1)
#define WB_NUM_UNLIKELY(x) __builtin_expect(!!(x), 0)

/* ---- Integers ---- */

/* Set bits, without the library call that a plain x86-64 target makes of the compiler's
 * builtin. Sums of 2, 4 and 8 bits side by side; the multiplication adds the bytes. */
static inline uint64_t wb_num_i64_popcnt(uint64_t a)
{
    a -= (a >> 1) & 0x5555555555555555u;
    a = (a & 0x3333333333333333u) + ((a >> 2) & 0x3333333333333333u);
    a = (a + (a >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (a * 0x0101010101010101u) >> 56;
}
static inline uint32_t wb_num_i32_popcnt(uint32_t a)
{
    return (uint32_t)wb_num_i64_popcnt(a);
}

static inline uint32_t wb_num_i32_clz(uint32_t a)
{
    return a != 0 ? (uint32_t)__builtin_clz(a) : 32;
}
static inline uint32_t wb_num_i32_ctz(uint32_t a)
{
    return a != 0 ? (uint32_t)__builtin_ctz(a) : 32;
}
static inline uint64_t wb_num_i64_clz(uint64_t a)
{
    return a != 0 ? (uint64_t)__builtin_clzll(a) : 64;
}
static inline uint64_t wb_num_i64_ctz(uint64_t a)
{
    return a != 0 ? (uint64_t)__builtin_ctzll(a) : 64;
}

/* Shifts and rotations take their count modulo the width; `bits` is the width. Both compilers
 * shift signed numbers arithmetically, and see single instructions in these. */
#define WB_NUM_SHIFTS(type, sint, uint, bits)                                                  \
    static inline uint wb_num_##type##_shl(uint a, uint count)                                 \
    {                                                                                          \
        return a << (count & (bits - 1));                                                      \
    }                                                                                          \
    static inline sint wb_num_##type##_shr_s(sint a, uint count)                               \
    {                                                                                          \
        return a >> (count & (bits - 1));                                                      \
    }                                                                                          \
    static inline uint wb_num_##type##_shr_u(uint a, uint count)                               \
    {                                                                                          \
        return a >> (count & (bits - 1));                                                      \
    }                                                                                          \
    static inline uint wb_num_##type##_rotl(uint a, uint count)                                \
    {                                                                                          \
        return (a << (count & (bits - 1))) | (a >> (-count & (bits - 1)));                     \
    }                                                                                          \
    static inline uint wb_num_##type##_rotr(uint a, uint count)                                \
    {                                                                                          \
        return (a >> (count & (bits - 1))) | (a << (-count & (bits - 1)));                     \
    }
WB_NUM_SHIFTS(i32, int32_t, uint32_t, 32)
WB_NUM_SHIFTS(i64, int64_t, uint64_t, 64)
#undef WB_NUM_SHIFTS

/* The least number by -1 overflows in div_s and traps in the processor's instruction for rem_s
 * too, which WebAssembly defines as 0. */
#define WB_NUM_DIVISION(type, sint, uint, least)                                               \
    static inline beamr_trap wb_num_##type##_div_s(sint a, sint b, sint *out)                  \
    {                                                                                          \
        if (WB_NUM_UNLIKELY(b == 0))                                                           \
            return BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO;                                          \
        if (WB_NUM_UNLIKELY(b == -1 && a == least))                                            \
            return BEAMR_TRAP_INTEGER_OVERFLOW;                                                \
        *out = a / b;                                                                          \
        return BEAMR_TRAP_NONE;                                                                \
    }                                                                                          \
    static inline beamr_trap wb_num_##type##_div_u(uint a, uint b, uint *out)                  \
    {                                                                                          \
        if (WB_NUM_UNLIKELY(b == 0))                                                           \
            return BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO;                                          \
        *out = a / b;                                                                          \
        return BEAMR_TRAP_NONE;                                                                \
    }                                                                                          \
    static inline beamr_trap wb_num_##type##_rem_s(sint a, sint b, sint *out)                  \
    {                                                                                          \
        if (WB_NUM_UNLIKELY(b == 0))                                                           \
            return BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO;                                          \
        *out = WB_NUM_UNLIKELY(b == -1) ? 0 : a % b;                                           \
        return BEAMR_TRAP_NONE;                                                                \
    }                                                                                          \
    static inline beamr_trap wb_num_##type##_rem_u(uint a, uint b, uint *out)                  \
    {                                                                                          \
        if (WB_NUM_UNLIKELY(b == 0))                                                           \
            return BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO;                                          \
        *out = a % b;                                                                          \
        return BEAMR_TRAP_NONE;                                                                \
    }
WB_NUM_DIVISION(i32, int32_t, uint32_t, INT32_MIN)
WB_NUM_DIVISION(i64, int64_t, uint64_t, INT64_MIN)
#undef WB_NUM_DIVISION

static inline int32_t wb_num_i32_extend8_s(uint32_t a)
{
    return (int8_t)a;
}
static inline int32_t wb_num_i32_extend16_s(uint32_t a)
{
    return (int16_t)a;
}
static inline int64_t wb_num_i64_extend8_s(uint64_t a)
{
    return (int8_t)a;
}
static inline int64_t wb_num_i64_extend16_s(uint64_t a)
{
    return (int16_t)a;
}
static inline int64_t wb_num_i64_extend32_s(uint64_t a)
{
    return (int32_t)a;
}

/* ---- Floats as bits ---- */

#define WB_NUM_F32_NAN 0x7fc00000u
#define WB_NUM_F64_NAN 0x7ff8000000000000u
#define WB_NUM_F32_SIGN 0x80000000u
#define WB_NUM_F64_SIGN 0x8000000000000000u

static inline uint32_t wb_num_i32_reinterpret_f32(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline float wb_num_f32_reinterpret_i32(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
static inline uint64_t wb_num_i64_reinterpret_f64(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
static inline double wb_num_f64_reinterpret_i64(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* An arithmetic result: any NaN becomes the canonical one, which is what the compiler's builtin
 * constant is. The empty instruction makes a branch of it, which is predicted; a conditional
 * move would make every result wait for the comparison. */
static inline float wb_num_f32_canonical(float x)
{
    if (WB_NUM_UNLIKELY(x != x)) {
        __asm__("");
        x = __builtin_nanf("");
    }
    return x;
}
static inline double wb_num_f64_canonical(double x)
{
    if (WB_NUM_UNLIKELY(x != x)) {
        __asm__("");
        x = __builtin_nan("");
    }
    return x;
}

static inline float wb_num_f32_abs(float x)
{
    return wb_num_f32_reinterpret_i32(wb_num_i32_reinterpret_f32(x) & ~WB_NUM_F32_SIGN);
}
static inline double wb_num_f64_abs(double x)
{
    return wb_num_f64_reinterpret_i64(wb_num_i64_reinterpret_f64(x) & ~WB_NUM_F64_SIGN);
}
static inline float wb_num_f32_neg(float x)
{
    return wb_num_f32_reinterpret_i32(wb_num_i32_reinterpret_f32(x) ^ WB_NUM_F32_SIGN);
}
static inline double wb_num_f64_neg(double x)
{
    return wb_num_f64_reinterpret_i64(wb_num_i64_reinterpret_f64(x) ^ WB_NUM_F64_SIGN);
}
static inline float wb_num_f32_copysign(float x, float sign)
{
    uint32_t bits = wb_num_i32_reinterpret_f32(sign) & WB_NUM_F32_SIGN;
    return wb_num_f32_reinterpret_i32(wb_num_i32_reinterpret_f32(wb_num_f32_abs(x)) | bits);
}
static inline double wb_num_f64_copysign(double x, double sign)
{
    uint64_t bits = wb_num_i64_reinterpret_f64(sign) & WB_NUM_F64_SIGN;
    return wb_num_f64_reinterpret_i64(wb_num_i64_reinterpret_f64(wb_num_f64_abs(x)) | bits);
}

/* ---- Float arithmetic ---- */

#define WB_NUM_ARITHMETIC(type, real, sqrt_builtin)                                            \
    static inline real wb_num_##type##_add(real a, real b)                                     \
    {                                                                                          \
        return wb_num_##type##_canonical(a + b);                                               \
    }                                                                                          \
    static inline real wb_num_##type##_sub(real a, real b)                                     \
    {                                                                                          \
        return wb_num_##type##_canonical(a - b);                                               \
    }                                                                                          \
    static inline real wb_num_##type##_mul(real a, real b)                                     \
    {                                                                                          \
        return wb_num_##type##_canonical(a * b);                                               \
    }                                                                                          \
    static inline real wb_num_##type##_div(real a, real b)                                     \
    {                                                                                          \
        return wb_num_##type##_canonical(a / b);                                               \
    }                                                                                          \
    static inline real wb_num_##type##_sqrt(real a)                                            \
    {                                                                                          \
        return wb_num_##type##_canonical(sqrt_builtin(a));                                     \
    }
WB_NUM_ARITHMETIC(f32, float, __builtin_sqrtf)
WB_NUM_ARITHMETIC(f64, double, __builtin_sqrt)
#undef WB_NUM_ARITHMETIC

/* Equal numbers have equal bits, except for zeros, where -0 is less than +0: joining the bits
 * of both gives the lesser, meeting them the greater. */
#define WB_NUM_MIN_MAX(type, real, uint, bits_of, real_of, nan)                                \
    static inline real wb_num_##type##_min(real a, real b)                                     \
    {                                                                                          \
        if (WB_NUM_UNLIKELY(a != a || b != b))                                                 \
            return real_of(nan);                                                               \
        if (WB_NUM_UNLIKELY(a == b))                                                           \
            return real_of((uint)(bits_of(a) | bits_of(b)));                                   \
        return a < b ? a : b;                                                                  \
    }                                                                                          \
    static inline real wb_num_##type##_max(real a, real b)                                     \
    {                                                                                          \
        if (WB_NUM_UNLIKELY(a != a || b != b))                                                 \
            return real_of(nan);                                                               \
        if (WB_NUM_UNLIKELY(a == b))                                                           \
            return real_of((uint)(bits_of(a) & bits_of(b)));                                   \
        return a > b ? a : b;                                                                  \
    }
WB_NUM_MIN_MAX(f32, float, uint32_t, wb_num_i32_reinterpret_f32, wb_num_f32_reinterpret_i32,
               WB_NUM_F32_NAN)
WB_NUM_MIN_MAX(f64, double, uint64_t, wb_num_i64_reinterpret_f64, wb_num_f64_reinterpret_i64,
               WB_NUM_F64_NAN)
#undef WB_NUM_MIN_MAX

/* Rounding to an integer, without the library call that a plain x86-64 target makes of it.
 * From `whole` (2 to the number of fraction bits) on, every number is an integer, so adding it
 * to a smaller magnitude rounds that to the nearest integer, ties to even, and subtracting it
 * again is exact. The other directions correct this by one where it went the wrong way. Adding
 * 0 where it did not is a masked addition, faster than a branch that nothing can predict. The
 * sign, of zeros too, is that of the operand. */
#define WB_NUM_ROUNDING(type, real, fabs_builtin, copysign_builtin, whole)                     \
    static inline real wb_num_##type##_nearest(real x)                                         \
    {                                                                                          \
        real m = fabs_builtin(x);                                                              \
        if (WB_NUM_UNLIKELY(!(m < whole)))                                                     \
            return wb_num_##type##_canonical(x);                                               \
        return copysign_builtin((m + whole) - whole, x);                                       \
    }                                                                                          \
    static inline real wb_num_##type##_trunc(real x)                                           \
    {                                                                                          \
        real m = fabs_builtin(x);                                                              \
        if (WB_NUM_UNLIKELY(!(m < whole)))                                                     \
            return wb_num_##type##_canonical(x);                                               \
        real r = (m + whole) - whole;                                                          \
        r += r > m ? (real)-1 : (real)0;                                                       \
        return copysign_builtin(r, x);                                                         \
    }                                                                                          \
    static inline real wb_num_##type##_floor(real x)                                           \
    {                                                                                          \
        real m = fabs_builtin(x);                                                              \
        if (WB_NUM_UNLIKELY(!(m < whole)))                                                     \
            return wb_num_##type##_canonical(x);                                               \
        real r = copysign_builtin((m + whole) - whole, x);                                     \
        r += r > x ? (real)-1 : (real)0;                                                       \
        return copysign_builtin(r, x);                                                         \
    }                                                                                          \
    static inline real wb_num_##type##_ceil(real x)                                            \
    {                                                                                          \
        real m = fabs_builtin(x);                                                              \
        if (WB_NUM_UNLIKELY(!(m < whole)))                                                     \
            return wb_num_##type##_canonical(x);                                               \
        real r = copysign_builtin((m + whole) - whole, x);                                     \
        r += r < x ? (real)1 : (real)0;                                                        \
        return copysign_builtin(r, x);                                                         \
    }
WB_NUM_ROUNDING(f32, float, __builtin_fabsf, __builtin_copysignf, 0x1p23f)
WB_NUM_ROUNDING(f64, double, __builtin_fabs, __builtin_copysign, 0x1p52)
#undef WB_NUM_ROUNDING

static inline float wb_num_f32_demote_f64(double x)
{
    return wb_num_f32_canonical((float)x);
}
static inline double wb_num_f64_promote_f32(float x)
{
    return wb_num_f64_canonical((double)x);
}

/* ---- Floats to integers ---- */

/* Two functions for each row: `trunc` traps, `trunc_sat` takes the nearest integer that exists,
 * and 0 for NaN. `in_range` tells whether truncating x gives a number of the integer type; its
 * bounds are exact in the float type. */
#define WB_NUM_TRUNC(to, from, integer, real, least, most, in_range)                           \
    static inline beamr_trap wb_num_##to##_trunc_##from(real x, integer *out)                  \
    {                                                                                          \
        if (WB_NUM_UNLIKELY(!(in_range)))                                                      \
            return x != x ? BEAMR_TRAP_INVALID_CONVERSION : BEAMR_TRAP_INTEGER_OVERFLOW;       \
        *out = (integer)x;                                                                     \
        return BEAMR_TRAP_NONE;                                                                \
    }                                                                                          \
    static inline integer wb_num_##to##_trunc_sat_##from(real x)                               \
    {                                                                                          \
        if (WB_NUM_LIKELY(in_range))                                                           \
            return (integer)x;                                                                 \
        if (x != x)                                                                            \
            return 0;                                                                          \
        return x < 0 ? least : most;                                                           \
    }
WB_NUM_TRUNC(i32, f32_s, int32_t, float, INT32_MIN, INT32_MAX, x >= -0x1p31f && x < 0x1p31f)
WB_NUM_TRUNC(i32, f32_u, uint32_t, float, 0, UINT32_MAX, x > -1.0f && x < 0x1p32f)
WB_NUM_TRUNC(i32, f64_s, int32_t, double, INT32_MIN, INT32_MAX, x > -2147483649.0 && x < 0x1p31)
WB_NUM_TRUNC(i32, f64_u, uint32_t, double, 0, UINT32_MAX, x > -1.0 && x < 0x1p32)
WB_NUM_TRUNC(i64, f32_s, int64_t, float, INT64_MIN, INT64_MAX, x >= -0x1p63f && x < 0x1p63f)
WB_NUM_TRUNC(i64, f32_u, uint64_t, float, 0, UINT64_MAX, x > -1.0f && x < 0x1p64f)
WB_NUM_TRUNC(i64, f64_s, int64_t, double, INT64_MIN, INT64_MAX, x >= -0x1p63 && x < 0x1p63)
WB_NUM_TRUNC(i64, f64_u, uint64_t, double, 0, UINT64_MAX, x > -1.0 && x < 0x1p64)
#undef WB_NUM_TRUNC

/* ---- Integers to floats: rounded once, to nearest ---- */

#define WB_NUM_CONVERT(to, from, real, integer)                                                \
    static inline real wb_num_##to##_convert_##from(integer a)                                 \
    {                                                                                          \
        return (real)a;                                                                        \
    }
WB_NUM_CONVERT(f32, i32_s, float, int32_t)
WB_NUM_CONVERT(f32, i32_u, float, uint32_t)
WB_NUM_CONVERT(f32, i64_s, float, int64_t)
WB_NUM_CONVERT(f32, i64_u, float, uint64_t)
WB_NUM_CONVERT(f64, i32_s, double, int32_t)
WB_NUM_CONVERT(f64, i32_u, double, uint32_t)
WB_NUM_CONVERT(f64, i64_s, double, int64_t)
WB_NUM_CONVERT(f64, i64_u, double, uint64_t)
#undef WB_NUM_CONVERT

#endif
