/* Vector instructions on integer lanes: arithmetic, comparison, shifts, and changes of width.
 * Relaxed instructions stand beside what they do; see interp/simd.h for what that is.
 * Source: Core, "Vector Instructions", "Numerics". */
#include "compile/emit_simd.h"

/* ---- Lane by lane ---- */

/* `code`: LLVM's instruction. */
static void emit_binary(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);

    compile_shape_push(f, LLVMBuildBinOp(f->b, (LLVMOpcode)row->code, x, y, ""), row->shape);
}

static void emit_binary_call(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);

    compile_shape_push(f, compile_lanes_call(f, row->name, x, y), row->shape);
}

static void emit_compare(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);

    compile_shape_push(f, LLVMBuildICmp(f->b, (LLVMIntPredicate)row->code, x, y, ""),
                       row->shape);
}

static void emit_neg(compile_func *f, const compile_simd_row *row)
{
    compile_shape_push(f, LLVMBuildNeg(f->b, compile_shape_pop(f, row->shape), ""), row->shape);
}

/* The least number stays what it is. */
static void emit_abs(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, row->shape);
    LLVMValueRef may_overflow = LLVMConstInt(f->u->i1, 0, false);

    compile_shape_push(f, compile_lanes_call(f, "llvm.abs", x, may_overflow), row->shape);
}

static void emit_popcnt(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, row->shape);

    compile_shape_push(f, compile_lanes_call(f, "llvm.ctpop", x, NULL), row->shape);
}

/* `code`: LLVM's instruction. The count is taken modulo the lane's width. */
static void emit_shift(compile_func *f, const compile_simd_row *row)
{
    LLVMTypeRef lane = compile_lane_type(f, row->shape);
    LLVMValueRef last = compile_i32(f->u, compile_lane_bits(row->shape) - 1);
    LLVMValueRef count = LLVMBuildAnd(f->b, compile_pop(f), last, "");
    LLVMValueRef x = compile_shape_pop(f, row->shape);

    count = LLVMBuildIntCast2(f->b, count, lane, false, "");
    count = compile_splat(f, count, row->shape);
    compile_shape_push(f, LLVMBuildBinOp(f->b, (LLVMOpcode)row->code, x, count, ""),
                       row->shape);
}

/* (x + y + 1) / 2, in a wider type: LLVM knows the instruction by this form. */
static void emit_avgr(compile_func *f, const compile_simd_row *row)
{
    unsigned count = compile_lane_count(row->shape);
    LLVMTypeRef narrow = compile_shape_type(f, row->shape);
    LLVMTypeRef lane = LLVMIntTypeInContext(f->u->llvm, 2 * compile_lane_bits(row->shape));
    LLVMTypeRef wide = LLVMVectorType(lane, count);
    LLVMValueRef y = LLVMBuildZExt(f->b, compile_shape_pop(f, row->shape), wide, "");
    LLVMValueRef x = LLVMBuildZExt(f->b, compile_shape_pop(f, row->shape), wide, "");
    LLVMValueRef ones[16], one, sum;

    for (unsigned i = 0; i < count; i++)
        ones[i] = LLVMConstInt(lane, 1, false);
    one = LLVMConstVector(ones, count);
    sum = LLVMBuildNUWAdd(f->b, LLVMBuildNUWAdd(f->b, x, y, ""), one, "");
    sum = LLVMBuildLShr(f->b, sum, one, "");
    compile_shape_push(f, LLVMBuildTrunc(f->b, sum, narrow, ""), row->shape);
}

/* Products of fractions with 15 bits, rounded. Only -1 times -1 has no exact place: pmulhrsw
 * gives the least number there, and nowhere else. */
static void emit_q15mulr(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, I16X8), x = compile_shape_pop(f, I16X8), wrapped;

    if (compile_simd_x86(f)) {
        x = compile_target_call(f, "llvm.x86.ssse3.pmul.hr.sw.128", x, y);
        wrapped = LLVMBuildICmp(f->b, LLVMIntEQ, x, compile_lanes(f, I16X8, 0x8000), "");
        wrapped = LLVMBuildSExt(f->b, wrapped, LLVMTypeOf(x), "");
        x = LLVMBuildXor(f->b, x, wrapped, "");
    } else {
        x = compile_lanes_call(f, "llvm.aarch64.neon.sqrdmulh", x, y);
    }
    compile_shape_push(f, x, row->shape);
}

/* ---- Tests ---- */

static void emit_all_true(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, row->shape);
    LLVMValueRef set = LLVMBuildICmp(f->b, LLVMIntNE, x, LLVMConstNull(LLVMTypeOf(x)), "");

    set = compile_lanes_call(f, "llvm.vector.reduce.and", set, NULL);
    compile_push(f, LLVMBuildZExt(f->b, set, f->u->i32, ""), WB_I32);
}

static void emit_bitmask(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, row->shape);
    LLVMValueRef signs = LLVMBuildICmp(f->b, LLVMIntSLT, x, LLVMConstNull(LLVMTypeOf(x)), "");
    LLVMTypeRef bits = LLVMIntTypeInContext(f->u->llvm, compile_lane_count(row->shape));

    signs = LLVMBuildBitCast(f->b, signs, bits, "");
    compile_push(f, LLVMBuildZExt(f->b, signs, f->u->i32, ""), WB_I32);
}

/* ---- Widening: `shape` is that of the result, `code` the extension ---- */

/* Lanes first, first + step, ... of a vector with twice as many lanes as `wide`, in `wide`. */
static LLVMValueRef widen(compile_func *f, LLVMOpcode extension, LLVMValueRef v, unsigned first,
                          unsigned step, compile_shape wide)
{
    v = compile_lanes_of(f, v, first, step, compile_lane_count(wide));
    return LLVMBuildCast(f->b, extension, v, compile_shape_type(f, wide), "");
}

static compile_shape half_shape(compile_shape wide)
{
    return (compile_shape)(wide - 1);
}

static void emit_extend(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, half_shape(row->shape));

    x = widen(f, (LLVMOpcode)row->code, x, row->part, 1, row->shape);
    compile_shape_push(f, x, row->shape);
}

static void emit_extmul(compile_func *f, const compile_simd_row *row)
{
    LLVMOpcode extension = (LLVMOpcode)row->code;
    LLVMValueRef y = compile_shape_pop(f, half_shape(row->shape));
    LLVMValueRef x = compile_shape_pop(f, half_shape(row->shape));

    x = widen(f, extension, x, row->part, 1, row->shape);
    y = widen(f, extension, y, row->part, 1, row->shape);
    compile_shape_push(f, LLVMBuildMul(f->b, x, y, ""), row->shape);
}

/* ---- Neighbours ---- */

/* Products of 16-bit lanes, added in pairs: the processor's instruction, or what is the same.
 */
static LLVMValueRef dot(compile_func *f, LLVMValueRef x, LLVMValueRef y)
{
    LLVMValueRef even, odd;

    if (compile_simd_x86(f))
        return compile_target_call(f, "llvm.x86.sse2.pmadd.wd", x, y);
    even = LLVMBuildMul(f->b, widen(f, LLVMSExt, x, 0, 2, I32X4),
                        widen(f, LLVMSExt, y, 0, 2, I32X4), "");
    odd = LLVMBuildMul(f->b, widen(f, LLVMSExt, x, 1, 2, I32X4),
                       widen(f, LLVMSExt, y, 1, 2, I32X4), "");
    return LLVMBuildAdd(f->b, even, odd, "");
}

static void emit_dot(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, I16X8), x = compile_shape_pop(f, I16X8);

    compile_shape_push(f, dot(f, x, y), row->shape);
}

/* On x86-64, signed or not, by multiplication with 1; pmaddubsw takes bytes without sign first.
 * Only 16-bit lanes without sign have no such instruction. */
static void emit_extadd(compile_func *f, const compile_simd_row *row)
{
    LLVMOpcode extension = (LLVMOpcode)row->code;
    LLVMValueRef x = compile_shape_pop(f, half_shape(row->shape));
    LLVMValueRef ones = compile_lanes(f, half_shape(row->shape), 1), sum;
    bool has_sign = extension == LLVMSExt;

    if (compile_simd_x86(f) && row->shape == I16X8)
        sum = compile_target_call(f, "llvm.x86.ssse3.pmadd.ub.sw.128", has_sign ? ones : x,
                                  has_sign ? x : ones);
    else if (compile_simd_x86(f) && has_sign)
        sum = dot(f, x, ones);
    else
        sum = LLVMBuildAdd(f->b, widen(f, extension, x, 0, 2, row->shape),
                           widen(f, extension, x, 1, 2, row->shape), "");
    compile_shape_push(f, sum, row->shape);
}

/* ---- Narrowing with saturation ---- */

/* Lanes of a, then of b, as numbers from least to most; wide lanes are signed. */
static LLVMValueRef narrow(compile_func *f, LLVMValueRef a, LLVMValueRef b, int64_t least,
                           int64_t most, compile_shape shape)
{
    compile_shape wide = (compile_shape)(shape + 1);
    LLVMValueRef low = compile_lanes(f, wide, (uint64_t)least);
    LLVMValueRef high = compile_lanes(f, wide, (uint64_t)most);

    low = compile_join(f, low, low);
    high = compile_join(f, high, high);
    a = compile_join(f, a, b);
    a = compile_lanes_call(f, "llvm.smax", a, low);
    a = compile_lanes_call(f, "llvm.smin", a, high);
    return LLVMBuildTrunc(f->b, a, compile_shape_type(f, shape), "");
}

/* `part`: the result's lanes are signed. */
static void emit_narrow(compile_func *f, const compile_simd_row *row)
{
    compile_shape wide = (compile_shape)(row->shape + 1);
    LLVMValueRef b = compile_shape_pop(f, wide), a = compile_shape_pop(f, wide);
    int64_t numbers = INT64_C(1) << compile_lane_bits(row->shape);
    int64_t least = row->part != 0 ? -numbers / 2 : 0;

    compile_shape_push(f, narrow(f, a, b, least, least + numbers - 1, row->shape), row->shape);
}

/* Products of signed bytes, added in pairs with saturation: the sums have 17 bits. */
static LLVMValueRef dot_bytes(compile_func *f)
{
    LLVMValueRef y = compile_shape_pop(f, I8X16), x = compile_shape_pop(f, I8X16);
    LLVMValueRef low =
        dot(f, widen(f, LLVMSExt, x, 0, 1, I16X8), widen(f, LLVMSExt, y, 0, 1, I16X8));
    LLVMValueRef high =
        dot(f, widen(f, LLVMSExt, x, 8, 1, I16X8), widen(f, LLVMSExt, y, 8, 1, I16X8));

    return narrow(f, low, high, INT16_MIN, INT16_MAX, I16X8);
}

static void emit_dot_bytes(compile_func *f, const compile_simd_row *row)
{
    compile_shape_push(f, dot_bytes(f), row->shape);
}

static void emit_dot_bytes_add(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef more = compile_shape_pop(f, I32X4);
    LLVMValueRef sum = dot(f, dot_bytes(f), compile_lanes(f, I16X8, 1));

    compile_shape_push(f, LLVMBuildAdd(f->b, sum, more, ""), row->shape);
}

/* ---- The table ---- */

#define ROW(ID, EMIT, SHAPE, ...)                                                              \
    COMPILE_SIMD_ROW(ID) = {.emit = EMIT, .shape = SHAPE, __VA_ARGS__}

#define SHAPE(ID)                                                                              \
    ROW(ID##_EQ, emit_compare, ID, .code = LLVMIntEQ),                                         \
        ROW(ID##_NE, emit_compare, ID, .code = LLVMIntNE),                                     \
        ROW(ID##_LT_S, emit_compare, ID, .code = LLVMIntSLT),                                  \
        ROW(ID##_GT_S, emit_compare, ID, .code = LLVMIntSGT),                                  \
        ROW(ID##_LE_S, emit_compare, ID, .code = LLVMIntSLE),                                  \
        ROW(ID##_GE_S, emit_compare, ID, .code = LLVMIntSGE),                                  \
        ROW(ID##_ABS, emit_abs, ID, .name = NULL), ROW(ID##_NEG, emit_neg, ID, .name = NULL),  \
        ROW(ID##_ADD, emit_binary, ID, .code = LLVMAdd),                                       \
        ROW(ID##_SUB, emit_binary, ID, .code = LLVMSub),                                       \
        ROW(ID##_SHL, emit_shift, ID, .code = LLVMShl),                                        \
        ROW(ID##_SHR_S, emit_shift, ID, .code = LLVMAShr),                                     \
        ROW(ID##_SHR_U, emit_shift, ID, .code = LLVMLShr),                                     \
        ROW(ID##_ALL_TRUE, emit_all_true, ID, .name = NULL),                                   \
        ROW(ID##_BITMASK, emit_bitmask, ID, .name = NULL)

/* Not of 64-bit lanes. */
#define UNSIGNED(ID)                                                                           \
    ROW(ID##_LT_U, emit_compare, ID, .code = LLVMIntULT),                                      \
        ROW(ID##_GT_U, emit_compare, ID, .code = LLVMIntUGT),                                  \
        ROW(ID##_LE_U, emit_compare, ID, .code = LLVMIntULE),                                  \
        ROW(ID##_GE_U, emit_compare, ID, .code = LLVMIntUGE),                                  \
        ROW(ID##_MIN_S, emit_binary_call, ID, .name = "llvm.smin"),                            \
        ROW(ID##_MIN_U, emit_binary_call, ID, .name = "llvm.umin"),                            \
        ROW(ID##_MAX_S, emit_binary_call, ID, .name = "llvm.smax"),                            \
        ROW(ID##_MAX_U, emit_binary_call, ID, .name = "llvm.umax")

#define SATURATING(ID)                                                                         \
    ROW(ID##_ADD_SAT_S, emit_binary_call, ID, .name = "llvm.sadd.sat"),                        \
        ROW(ID##_ADD_SAT_U, emit_binary_call, ID, .name = "llvm.uadd.sat"),                    \
        ROW(ID##_SUB_SAT_S, emit_binary_call, ID, .name = "llvm.ssub.sat"),                    \
        ROW(ID##_SUB_SAT_U, emit_binary_call, ID, .name = "llvm.usub.sat"),                    \
        ROW(ID##_AVGR_U, emit_avgr, ID, .name = NULL)

/* HIGH: the first lane of a half vector's upper part. */
#define WIDEN(ID, HALF, HIGH, SIGN, EXTENSION)                                                 \
    ROW(ID##_EXTEND_LOW_##HALF##_##SIGN, emit_extend, ID, .code = EXTENSION),                  \
        ROW(ID##_EXTEND_HIGH_##HALF##_##SIGN, emit_extend, ID, .code = EXTENSION,              \
            .part = HIGH),                                                                     \
        ROW(ID##_EXTMUL_LOW_##HALF##_##SIGN, emit_extmul, ID, .code = EXTENSION),              \
        ROW(ID##_EXTMUL_HIGH_##HALF##_##SIGN, emit_extmul, ID, .code = EXTENSION,              \
            .part = HIGH)
#define EXTADD(ID, HALF, SIGN, EXTENSION)                                                      \
    ROW(ID##_EXTADD_PAIRWISE_##HALF##_##SIGN, emit_extadd, ID, .code = EXTENSION)

const compile_simd_row compile_simd_int[COMPILE_SIMD_COUNT] = {
    SHAPE(I8X16),
    SHAPE(I16X8),
    SHAPE(I32X4),
    SHAPE(I64X2),
    UNSIGNED(I8X16),
    UNSIGNED(I16X8),
    UNSIGNED(I32X4),
    SATURATING(I8X16),
    SATURATING(I16X8),
    ROW(I16X8_MUL, emit_binary, I16X8, .code = LLVMMul),
    ROW(I32X4_MUL, emit_binary, I32X4, .code = LLVMMul),
    ROW(I64X2_MUL, emit_binary, I64X2, .code = LLVMMul),
    ROW(I8X16_POPCNT, emit_popcnt, I8X16, .name = NULL),
    ROW(I16X8_Q15MULR_SAT_S, emit_q15mulr, I16X8, .name = NULL),
    ROW(I16X8_RELAXED_Q15MULR_S, emit_q15mulr, I16X8, .name = NULL),
    WIDEN(I16X8, I8X16, 8, S, LLVMSExt),
    WIDEN(I16X8, I8X16, 8, U, LLVMZExt),
    WIDEN(I32X4, I16X8, 4, S, LLVMSExt),
    WIDEN(I32X4, I16X8, 4, U, LLVMZExt),
    WIDEN(I64X2, I32X4, 2, S, LLVMSExt),
    WIDEN(I64X2, I32X4, 2, U, LLVMZExt),
    EXTADD(I16X8, I8X16, S, LLVMSExt),
    EXTADD(I16X8, I8X16, U, LLVMZExt),
    EXTADD(I32X4, I16X8, S, LLVMSExt),
    EXTADD(I32X4, I16X8, U, LLVMZExt),
    ROW(I32X4_DOT_I16X8_S, emit_dot, I32X4, .name = NULL),
    ROW(I16X8_RELAXED_DOT_I8X16_I7X16_S, emit_dot_bytes, I16X8, .name = NULL),
    ROW(I32X4_RELAXED_DOT_I8X16_I7X16_ADD_S, emit_dot_bytes_add, I32X4, .name = NULL),
    ROW(I8X16_NARROW_I16X8_S, emit_narrow, I8X16, .part = true),
    ROW(I8X16_NARROW_I16X8_U, emit_narrow, I8X16, .part = false),
    ROW(I16X8_NARROW_I32X4_S, emit_narrow, I16X8, .part = true),
    ROW(I16X8_NARROW_I32X4_U, emit_narrow, I16X8, .part = false),
};
