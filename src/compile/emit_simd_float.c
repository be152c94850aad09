/* Vector instructions on float lanes: arithmetic, comparison, rounding, and conversions.
 * Arithmetic gives canonical NaNs (nan.c); abs, neg, pmin and pmax only select or change bits.
 * Nothing is fused or reordered: LLVM does that for marked instructions alone.
 * Source: Core, "Vector Instructions", "Numerics". */
#include "compile/emit_simd.h"

/* ---- Arithmetic ---- */

static void push_number(compile_func *f, LLVMValueRef v, compile_shape shape)
{
    compile_shape_push(f, compile_canonical(f, v), shape);
}

/* `code`: LLVM's instruction. */
static void emit_binary(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);

    push_number(f, LLVMBuildBinOp(f->b, (LLVMOpcode)row->code, x, y, ""), row->shape);
}

static void emit_unary_call(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, row->shape);

    push_number(f, compile_lanes_call(f, row->name, x, NULL), row->shape);
}

static void emit_abs(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, row->shape);

    compile_shape_push(f, compile_lanes_call(f, "llvm.fabs", x, NULL), row->shape);
}

static void emit_neg(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, row->shape);

    compile_shape_push(f, LLVMBuildFNeg(f->b, x, ""), row->shape);
}

static void emit_compare(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);

    compile_shape_push(f, LLVMBuildFCmp(f->b, (LLVMRealPredicate)row->code, x, y, ""),
                       row->shape);
}

/* Rounded twice: the product, then the sum. `part`: the product is negated. */
static void emit_madd(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef z = compile_shape_pop(f, row->shape), y = compile_shape_pop(f, row->shape);
    LLVMValueRef x = compile_shape_pop(f, row->shape);

    if (row->part != 0)
        x = LLVMBuildFNeg(f->b, x, "");
    x = LLVMBuildFMul(f->b, x, y, "");
    push_number(f, LLVMBuildFAdd(f->b, x, z, ""), row->shape);
}

/* ---- Least and greatest ---- */

/* The first operand if it is less, or greater, than the second, else the second: also for zeros
 * and NaN. On x86-64 one instruction, which LLVM does not find again in every comparison and
 * choice. */
static LLVMValueRef choose(compile_func *f, LLVMRealPredicate predicate, LLVMValueRef x,
                           LLVMValueRef y)
{
    bool is_less = predicate == LLVMRealOLT;

    if (!compile_simd_x86(f))
        return LLVMBuildSelect(f->b, LLVMBuildFCmp(f->b, predicate, x, y, ""), x, y, "");
    if (LLVMGetVectorSize(LLVMTypeOf(x)) == 4)
        return compile_target_call(f, is_less ? "llvm.x86.sse.min.ps" : "llvm.x86.sse.max.ps",
                                   x, y);
    return compile_target_call(f, is_less ? "llvm.x86.sse2.min.pd" : "llvm.x86.sse2.max.pd", x,
                               y);
}

/* `code`: LLVMRealOLT or _OGT. The first operand stays unless the second is beyond it. */
static void emit_pseudo(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);

    compile_shape_push(f, choose(f, (LLVMRealPredicate)row->code, y, x), row->shape);
}

/* Both ways of choosing, as bits. They differ only for two zeros, and where an operand is NaN:
 * then each gives another operand. */
static void choose_both(compile_func *f, LLVMRealPredicate predicate, LLVMValueRef x,
                        LLVMValueRef y, LLVMValueRef both[2])
{
    both[0] = LLVMBuildBitCast(f->b, choose(f, predicate, x, y), f->u->v128, "");
    both[1] = LLVMBuildBitCast(f->b, choose(f, predicate, y, x), f->u->v128, "");
}

/* Zeros with the bits of both are -0; a NaN with those of another number is a NaN. */
static LLVMValueRef least_x86(compile_func *f, LLVMValueRef x, LLVMValueRef y)
{
    LLVMValueRef both[2], least;

    choose_both(f, LLVMRealOLT, x, y, both);
    least = LLVMBuildOr(f->b, both[0], both[1], "");
    return compile_canonical(f, LLVMBuildBitCast(f->b, least, LLVMTypeOf(x), ""));
}

/* Zeros with the bits that both have are +0; but of a NaN anything may be left. */
static LLVMValueRef greatest_x86(compile_func *f, LLVMValueRef x, LLVMValueRef y,
                                 compile_shape shape)
{
    LLVMValueRef is_nan = LLVMBuildFCmp(f->b, LLVMRealUNO, x, y, "");
    LLVMValueRef nan = compile_float_lanes(f, shape, __builtin_nan("")), both[2], greatest;

    choose_both(f, LLVMRealOGT, x, y, both);
    greatest = LLVMBuildAnd(f->b, both[0], both[1], "");
    greatest = LLVMBuildBitCast(f->b, greatest, LLVMTypeOf(x), "");
    return LLVMBuildSelect(f->b, is_nan, nan, greatest, "");
}

static void emit_min(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);

    if (compile_simd_x86(f))
        compile_shape_push(f, least_x86(f, x, y), row->shape);
    else
        push_number(f, compile_lanes_call(f, "llvm.minimum", x, y), row->shape);
}

static void emit_max(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);

    if (compile_simd_x86(f))
        compile_shape_push(f, greatest_x86(f, x, y, row->shape), row->shape);
    else
        push_number(f, compile_lanes_call(f, "llvm.maximum", x, y), row->shape);
}

/* ---- Conversions between floats, and from integers ---- */

/* `code`: LLVM's instruction; the low lanes, if there are more than results. */
static void emit_convert(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, I32X4);

    x = compile_lanes_of(f, x, 0, 1, compile_lane_count(row->shape));
    x = LLVMBuildCast(f->b, (LLVMOpcode)row->code, x, compile_shape_type(f, row->shape), "");
    compile_shape_push(f, x, row->shape);
}

static void emit_promote(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_lanes_of(f, compile_shape_pop(f, F32X4), 0, 1, 2);

    push_number(f, LLVMBuildFPExt(f->b, x, compile_shape_type(f, F64X2), ""), row->shape);
}

static void emit_demote(compile_func *f, const compile_simd_row *row)
{
    LLVMTypeRef half = LLVMVectorType(f->u->f32, 2);
    LLVMValueRef x = LLVMBuildFPTrunc(f->b, compile_shape_pop(f, F64X2), half, "");

    push_number(f, compile_join(f, x, LLVMConstNull(half)), row->shape);
}

/* ---- To integers, with saturation; 0 for NaN.
 * The instructions of x86-64 give the least number wherever there is no result, and know signed
 * numbers alone ---- */

static LLVMValueRef mask_where(compile_func *f, LLVMRealPredicate predicate, LLVMValueRef x,
                               LLVMValueRef y)
{
    LLVMValueRef holds = LLVMBuildFCmp(f->b, predicate, x, y, "");

    return LLVMBuildSExt(f->b, holds, compile_shape_type(f, I32X4), "");
}

/* Where the number is too great, the least one becomes the greatest by an inversion of its
 * bits. */
static LLVMValueRef trunc_x86(compile_func *f, LLVMValueRef x)
{
    LLVMValueRef limit = compile_float_lanes(f, F32X4, 0x1p31);
    LLVMValueRef great = mask_where(f, LLVMRealOGE, x, limit);

    x = compile_target_call(f, "llvm.x86.sse2.cvttps2dq", x, NULL);
    return LLVMBuildXor(f->b, x, great, "");
}

static LLVMValueRef trunc_f32_s_x86(compile_func *f, LLVMValueRef x)
{
    LLVMValueRef is_number = LLVMBuildFCmp(f->b, LLVMRealORD, x, x, "");

    return trunc_x86(f, LLVMBuildSelect(f->b, is_number, x, LLVMConstNull(LLVMTypeOf(x)), ""));
}

/* From 2 to the 31 on, the instruction gives the top bit alone, and the rest comes from what is
 * left of the number without it. */
static LLVMValueRef trunc_f32_u_x86(compile_func *f, LLVMValueRef x)
{
    LLVMValueRef limit = compile_float_lanes(f, F32X4, 0x1p31), low, rest, upper;

    x = choose(f, LLVMRealOGT, x, LLVMConstNull(LLVMTypeOf(x)));
    rest = trunc_x86(f, LLVMBuildFSub(f->b, x, limit, ""));
    low = compile_target_call(f, "llvm.x86.sse2.cvttps2dq", x, NULL);
    upper = LLVMBuildAShr(f->b, low, compile_lanes(f, I32X4, 31), "");
    return LLVMBuildOr(f->b, low, LLVMBuildAnd(f->b, rest, upper, ""), "");
}

/* A double holds the greatest number exactly. */
static LLVMValueRef trunc_f64_s_x86(compile_func *f, LLVMValueRef x)
{
    LLVMValueRef is_number = LLVMBuildFCmp(f->b, LLVMRealORD, x, x, "");
    LLVMValueRef most = compile_float_lanes(f, F64X2, INT32_MAX);

    most = LLVMBuildSelect(f->b, is_number, most, LLVMConstNull(LLVMTypeOf(x)), "");
    x = choose(f, LLVMRealOLT, x, most); /* `most`, 0, if x is NaN */
    return compile_target_call(f, "llvm.x86.sse2.cvttpd2dq", x, NULL);
}

/* 2 to the 52 and a whole number below that, added, have the number in their low bits. */
static LLVMValueRef trunc_f64_u_x86(compile_func *f, LLVMValueRef x)
{
    LLVMValueRef zero = LLVMConstNull(compile_shape_type(f, I32X4)), mask[4];

    x = choose(f, LLVMRealOGT, x, LLVMConstNull(LLVMTypeOf(x)));
    x = choose(f, LLVMRealOLT, x, compile_float_lanes(f, F64X2, UINT32_MAX));
    x = compile_lanes_call(f, "llvm.trunc", x, NULL);
    x = LLVMBuildFAdd(f->b, x, compile_float_lanes(f, F64X2, 0x1p52), "");
    x = LLVMBuildBitCast(f->b, x, LLVMTypeOf(zero), "");
    for (unsigned i = 0; i < 4; i++)
        mask[i] = compile_i32(f->u, 2 * i); /* lanes from 4 on are zeros */
    return LLVMBuildShuffleVector(f->b, x, zero, LLVMConstVector(mask, 4), "");
}

static LLVMValueRef trunc_x86_any(compile_func *f, LLVMValueRef x, compile_shape from,
                                  bool has_sign)
{
    if (from == F32X4)
        return has_sign ? trunc_f32_s_x86(f, x) : trunc_f32_u_x86(f, x);
    return has_sign ? trunc_f64_s_x86(f, x) : trunc_f64_u_x86(f, x);
}

static LLVMValueRef trunc_generic(compile_func *f, LLVMValueRef x, compile_shape from,
                                  bool has_sign)
{
    const char *name = has_sign ? "llvm.fptosi.sat" : "llvm.fptoui.sat";
    LLVMTypeRef to = LLVMVectorType(f->u->i32, compile_lane_count(from));
    LLVMTypeRef types[] = {to, LLVMTypeOf(x)};

    x = compile_intrinsic(f, name, types, 2, &x, 1);
    return from == F32X4 ? x : compile_join(f, x, LLVMConstNull(to));
}

/* `shape`: that of the operand. `part`: results are signed. */
static void emit_trunc(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef x = compile_shape_pop(f, row->shape);

    x = compile_simd_x86(f) ? trunc_x86_any(f, x, row->shape, row->part != 0)
                            : trunc_generic(f, x, row->shape, row->part != 0);
    compile_shape_push(f, x, I32X4);
}

/* ---- The table ---- */

#define ROW(ID, EMIT, SHAPE, ...)                                                              \
    COMPILE_SIMD_ROW(ID) = {.emit = EMIT, .shape = SHAPE, __VA_ARGS__}

#define SHAPE(ID)                                                                              \
    ROW(ID##_EQ, emit_compare, ID, .code = LLVMRealOEQ),                                       \
        ROW(ID##_NE, emit_compare, ID, .code = LLVMRealUNE),                                   \
        ROW(ID##_LT, emit_compare, ID, .code = LLVMRealOLT),                                   \
        ROW(ID##_GT, emit_compare, ID, .code = LLVMRealOGT),                                   \
        ROW(ID##_LE, emit_compare, ID, .code = LLVMRealOLE),                                   \
        ROW(ID##_GE, emit_compare, ID, .code = LLVMRealOGE),                                   \
        ROW(ID##_ABS, emit_abs, ID, .name = NULL), ROW(ID##_NEG, emit_neg, ID, .name = NULL),  \
        ROW(ID##_SQRT, emit_unary_call, ID, .name = "llvm.sqrt"),                              \
        ROW(ID##_CEIL, emit_unary_call, ID, .name = "llvm.ceil"),                              \
        ROW(ID##_FLOOR, emit_unary_call, ID, .name = "llvm.floor"),                            \
        ROW(ID##_TRUNC, emit_unary_call, ID, .name = "llvm.trunc"),                            \
        ROW(ID##_NEAREST, emit_unary_call, ID, .name = "llvm.roundeven"),                      \
        ROW(ID##_ADD, emit_binary, ID, .code = LLVMFAdd),                                      \
        ROW(ID##_SUB, emit_binary, ID, .code = LLVMFSub),                                      \
        ROW(ID##_MUL, emit_binary, ID, .code = LLVMFMul),                                      \
        ROW(ID##_DIV, emit_binary, ID, .code = LLVMFDiv),                                      \
        ROW(ID##_MIN, emit_min, ID, .name = NULL), ROW(ID##_MAX, emit_max, ID, .name = NULL),  \
        ROW(ID##_RELAXED_MIN, emit_min, ID, .name = NULL),                                     \
        ROW(ID##_RELAXED_MAX, emit_max, ID, .name = NULL),                                     \
        ROW(ID##_PMIN, emit_pseudo, ID, .code = LLVMRealOLT),                                  \
        ROW(ID##_PMAX, emit_pseudo, ID, .code = LLVMRealOGT),                                  \
        ROW(ID##_RELAXED_MADD, emit_madd, ID, .part = false),                                  \
        ROW(ID##_RELAXED_NMADD, emit_madd, ID, .part = true)

#define TRUNC(KIND)                                                                            \
    ROW(I32X4_##KIND##_F32X4_S, emit_trunc, F32X4, .part = true),                              \
        ROW(I32X4_##KIND##_F32X4_U, emit_trunc, F32X4, .part = false),                         \
        ROW(I32X4_##KIND##_F64X2_S_ZERO, emit_trunc, F64X2, .part = true),                     \
        ROW(I32X4_##KIND##_F64X2_U_ZERO, emit_trunc, F64X2, .part = false)

const compile_simd_row compile_simd_float[COMPILE_SIMD_COUNT] = {
    SHAPE(F32X4),
    SHAPE(F64X2),
    ROW(F32X4_CONVERT_I32X4_S, emit_convert, F32X4, .code = LLVMSIToFP),
    ROW(F32X4_CONVERT_I32X4_U, emit_convert, F32X4, .code = LLVMUIToFP),
    ROW(F64X2_CONVERT_LOW_I32X4_S, emit_convert, F64X2, .code = LLVMSIToFP),
    ROW(F64X2_CONVERT_LOW_I32X4_U, emit_convert, F64X2, .code = LLVMUIToFP),
    ROW(F64X2_PROMOTE_LOW_F32X4, emit_promote, F64X2, .name = NULL),
    ROW(F32X4_DEMOTE_F64X2_ZERO, emit_demote, F32X4, .name = NULL),
    TRUNC(TRUNC_SAT),
    TRUNC(RELAXED_TRUNC),
};
