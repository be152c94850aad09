/* Instructions on floats: constants, comparisons, arithmetic, and all conversions from and to
 * floats.
 *
 * LLVM says little about the bits of a NaN, so each arithmetic result goes through
 * compile_canonical, which says them; nan.c takes that out where nobody looks. abs, neg,
 * copysign, reinterpret, loads and stores are operations on bits for LLVM too, and keep a NaN
 * as it is. What the instructions mean: wasm/num.h. Source: Core, "Numeric Instructions",
 * "Numerics". */
#include "compile/internal.h"

static LLVMTypeRef float_type(const compile_func *f, wb_valtype type)
{
    return type == WB_F64 ? f->u->f64 : f->u->f32;
}

static void push_canonical(compile_func *f, LLVMValueRef v, wb_valtype type)
{
    compile_push(f, compile_canonical(f, v), type);
}

/* By their bits: a number that passes through the host's floats might lose a signalling NaN. */
static LLVMValueRef float_const(const compile_func *f, wb_valtype type, uint64_t bits)
{
    return type == WB_F64 ? LLVMConstBitCast(compile_i64(f->u, bits), f->u->f64)
                          : LLVMConstBitCast(compile_i32(f->u, (uint32_t)bits), f->u->f32);
}

static LLVMValueRef real(const compile_func *f, wb_valtype type, double value)
{
    return LLVMConstReal(float_type(f, type), value);
}

/* ---- Comparisons and arithmetic ---- */

static void compare(compile_func *f, LLVMRealPredicate predicate)
{
    LLVMValueRef b = compile_pop(f);
    LLVMValueRef a = compile_pop(f);
    LLVMValueRef flag = LLVMBuildFCmp(f->b, predicate, a, b, "");

    compile_push(f, LLVMBuildZExt(f->b, flag, f->u->i32, ""), WB_I32);
}

static void binary(compile_func *f, LLVMOpcode op)
{
    wb_valtype type = compile_top(f, 0)->type;
    LLVMValueRef b = compile_pop(f);
    LLVMValueRef a = compile_pop(f);

    push_canonical(f, LLVMBuildBinOp(f->b, op, a, b, ""), type);
}

static LLVMValueRef intrinsic(compile_func *f, const char *name, wb_valtype type,
                              LLVMValueRef a, LLVMValueRef b)
{
    LLVMTypeRef t = float_type(f, type);
    LLVMValueRef args[] = {a, b};

    return compile_intrinsic(f, name, &t, 1, args, b ? 2 : 1);
}

/* sqrt and the roundings. */
static void unary(compile_func *f, const char *name)
{
    wb_valtype type = compile_top(f, 0)->type;

    push_canonical(f, intrinsic(f, name, type, compile_pop(f), NULL), type);
}

static void absolute(compile_func *f)
{
    wb_valtype type = compile_top(f, 0)->type;

    compile_push(f, intrinsic(f, "llvm.fabs", type, compile_pop(f), NULL), type);
}

static void negate(compile_func *f)
{
    wb_valtype type = compile_top(f, 0)->type;

    compile_push(f, LLVMBuildFNeg(f->b, compile_pop(f), ""), type);
}

static void take_sign(compile_func *f)
{
    wb_valtype type = compile_top(f, 0)->type;
    LLVMValueRef sign = compile_pop(f);
    LLVMValueRef a = compile_pop(f);

    compile_push(f, intrinsic(f, "llvm.copysign", type, a, sign), type);
}

/* ---- Least and greatest ----
 *
 * The processor's instruction for `a < b ? a : b` gives b when the numbers are equal, so zeros
 * of different sign, or when one is NaN. Doing it both ways and joining the bits gives the NaN,
 * or the zero that is right for a minimum. For a maximum, subtracting the bits in which both
 * ways differ (the sign of a zero) from what was joined gives +0, and again the NaN. */

/* Marked for nan.c: whatever NaN this gives becomes canonical in the end. */
static LLVMValueRef choose(compile_func *f, LLVMRealPredicate predicate, LLVMValueRef a,
                           LLVMValueRef b)
{
    LLVMValueRef test = LLVMBuildFCmp(f->b, predicate, a, b, "");
    LLVMValueRef v = LLVMBuildSelect(f->b, test, a, b, "");

    if (LLVMIsASelectInst(v))
        LLVMSetMetadata(v, f->u->kind_canon, f->u->empty_node);
    return v;
}

static LLVMValueRef bits(compile_func *f, LLVMOpcode op, wb_valtype type, LLVMValueRef a,
                         LLVMValueRef b)
{
    LLVMTypeRef t = type == WB_F64 ? f->u->i64 : f->u->i32;
    LLVMValueRef x = LLVMBuildBitCast(f->b, a, t, "");
    LLVMValueRef y = LLVMBuildBitCast(f->b, b, t, "");

    return LLVMBuildBitCast(f->b, LLVMBuildBinOp(f->b, op, x, y, ""), float_type(f, type), "");
}

/* A constant that is neither zero nor NaN: then one way is enough. */
static bool is_plain_const(LLVMValueRef v)
{
    LLVMBool lost;
    double value;

    if (!LLVMIsAConstantFP(v))
        return false;
    value = LLVMConstRealGetDouble(v, &lost);
    return value == value && value != 0;
}

/* predicate  LLVMRealOLT for the minimum, LLVMRealOGT for the maximum */
static LLVMValueRef extreme(compile_func *f, LLVMRealPredicate predicate, wb_valtype type,
                            LLVMValueRef a, LLVMValueRef b)
{
    bool min = predicate == LLVMRealOLT;
    LLVMValueRef x, y, joined;

    if (is_plain_const(b))
        return choose(f, predicate, b, a);
    if (is_plain_const(a))
        return choose(f, predicate, a, b);
    /* The one instruction of other processors; and LLVM knows what a zero saves. */
    if (f->u->job->options->arch != ABI_ARCH_X86_64 || LLVMIsConstant(a) || LLVMIsConstant(b))
        return intrinsic(f, min ? "llvm.minimum" : "llvm.maximum", type, a, b);
    x = choose(f, predicate, a, b);
    y = choose(f, predicate, b, a);
    joined = bits(f, LLVMOr, type, x, y);
    return min ? joined : LLVMBuildFSub(f->b, joined, bits(f, LLVMXor, type, x, y), "");
}

static void min_max(compile_func *f, LLVMRealPredicate predicate)
{
    wb_valtype type = compile_top(f, 0)->type;
    LLVMValueRef b = compile_pop(f);
    LLVMValueRef a = compile_pop(f);

    push_canonical(f, extreme(f, predicate, type, a, b), type);
}

/* ---- Conversions ---- */

static void from_int(compile_func *f, LLVMOpcode op, wb_valtype to)
{
    compile_push(f, LLVMBuildCast(f->b, op, compile_pop(f), float_type(f, to), ""), to);
}

static void between_floats(compile_func *f, LLVMOpcode op, wb_valtype to)
{
    push_canonical(f, LLVMBuildCast(f->b, op, compile_pop(f), float_type(f, to), ""), to);
}

static void reinterpret(compile_func *f, wb_valtype to)
{
    compile_push(f, LLVMBuildBitCast(f->b, compile_pop(f), compile_type(f->u, to), ""), to);
}

static void truncate_sat(compile_func *f, const char *name, wb_valtype from, wb_valtype to)
{
    LLVMTypeRef types[] = {compile_type(f->u, to), float_type(f, from)};
    LLVMValueRef x = compile_pop(f);

    compile_push(f, compile_intrinsic(f, name, types, 2, &x, 1), to);
}

/* Trap if `bad` holds, as the number says: NaN cannot be converted, the rest is too large. */
static void trap_unconverted(compile_func *f, LLVMValueRef bad, LLVMValueRef x)
{
    LLVMBasicBlockRef good_block = compile_block_new(f, "");
    LLVMBasicBlockRef bad_block = compile_block_new(f, "");
    LLVMBasicBlockRef large_block = compile_block_new(f, "");
    LLVMBasicBlockRef nan_block = compile_block_new(f, "");

    compile_unlikely(f, LLVMBuildCondBr(f->b, bad, bad_block, good_block));
    compile_at(f, bad_block);
    LLVMBuildCondBr(f->b, LLVMBuildFCmp(f->b, LLVMRealUNO, x, x, ""), nan_block, large_block);
    compile_at(f, large_block);
    compile_trap(f, BEAMR_TRAP_INTEGER_OVERFLOW);
    compile_at(f, nan_block);
    compile_trap(f, BEAMR_TRAP_INVALID_CONVERSION);
    compile_at(f, good_block);
}

/* x86-64's own instruction, which for a number that does not fit gives the least integer, where
 * LLVM's says nothing. */
static LLVMValueRef convert_x86(compile_func *f, wb_valtype from, LLVMValueRef x)
{
    LLVMTypeRef vector = LLVMVectorType(float_type(f, from), from == WB_F64 ? 2 : 4);
    LLVMValueRef v =
        LLVMBuildInsertElement(f->b, LLVMGetPoison(vector), x, compile_i32(f->u, 0), "");
    const char *name =
        from == WB_F64 ? "llvm.x86.sse2.cvttsd2si64" : "llvm.x86.sse.cvttss2si64";

    return compile_intrinsic(f, name, NULL, 0, &v, 1);
}

/* To 32 bits by way of 64: what fits there and not here tells itself, and so does the least
 * integer. */
static LLVMValueRef truncate_32_x86(compile_func *f, wb_valtype from, bool is_signed,
                                    LLVMValueRef x)
{
    LLVMValueRef wide = convert_x86(f, from, x);
    LLVMValueRef v = LLVMBuildTrunc(f->b, wide, f->u->i32, "");
    LLVMValueRef back = is_signed ? LLVMBuildSExt(f->b, v, f->u->i64, "")
                                  : LLVMBuildZExt(f->b, v, f->u->i64, "");

    trap_unconverted(f, LLVMBuildICmp(f->b, LLVMIntNE, back, wide, ""), x);
    return v;
}

/* The least integer is right for one number alone. */
static LLVMValueRef truncate_s64_x86(compile_func *f, wb_valtype from, LLVMValueRef x)
{
    LLVMValueRef v = convert_x86(f, from, x);
    LLVMValueRef is_least =
        LLVMBuildICmp(f->b, LLVMIntEQ, v, compile_i64(f->u, UINT64_C(1) << 63), "");
    LLVMValueRef is_other = LLVMBuildFCmp(f->b, LLVMRealUNE, x, real(f, from, -0x1p63), "");

    trap_unconverted(f, LLVMBuildAnd(f->b, is_least, is_other, ""), x);
    return v;
}

/* x fits if it is above `below` (or equal, where `below` is the least that fits) and less than
 * `above`. */
static LLVMValueRef truncate_checked(compile_func *f, wb_valtype from, wb_valtype to,
                                     bool is_signed, LLVMValueRef x)
{
    double half = to == WB_I64 ? 0x1p63 : 0x1p31;
    bool exact = is_signed && (from == WB_F32 || to == WB_I64); /* no float between -half - 1 */
    double below = !is_signed ? -1.0 : exact ? -half : -half - 1;
    double above = is_signed ? half : 2 * half;
    LLVMValueRef low =
        LLVMBuildFCmp(f->b, exact ? LLVMRealULT : LLVMRealULE, x, real(f, from, below), "");
    LLVMValueRef high = LLVMBuildFCmp(f->b, LLVMRealUGE, x, real(f, from, above), "");

    trap_unconverted(f, LLVMBuildOr(f->b, low, high, ""), x);
    return LLVMBuildCast(f->b, is_signed ? LLVMFPToSI : LLVMFPToUI, x, compile_type(f->u, to),
                         "");
}

static void truncate(compile_func *f, wb_valtype from, wb_valtype to, bool is_signed)
{
    bool x86 = f->u->job->options->arch == ABI_ARCH_X86_64;
    LLVMValueRef x = compile_pop(f);
    LLVMValueRef v;

    if (x86 && to == WB_I32)
        v = truncate_32_x86(f, from, is_signed, x);
    else if (x86 && is_signed)
        v = truncate_s64_x86(f, from, x);
    else
        v = truncate_checked(f, from, to, is_signed, x);
    compile_push(f, v, to);
}

/* ---- The table ---- */

static bool emit_arithmetic(compile_func *f)
{
#define BOTH(name, call)                                                                       \
    case WB_OP_F32_##name:                                                                     \
    case WB_OP_F64_##name:                                                                     \
        call;                                                                                  \
        return true;
    switch (f->in.op) {
        BOTH(EQ, compare(f, LLVMRealOEQ))
        BOTH(NE, compare(f, LLVMRealUNE))
        BOTH(LT, compare(f, LLVMRealOLT))
        BOTH(GT, compare(f, LLVMRealOGT))
        BOTH(LE, compare(f, LLVMRealOLE))
        BOTH(GE, compare(f, LLVMRealOGE))
        BOTH(ABS, absolute(f))
        BOTH(NEG, negate(f))
        BOTH(CEIL, unary(f, "llvm.ceil"))
        BOTH(FLOOR, unary(f, "llvm.floor"))
        BOTH(TRUNC, unary(f, "llvm.trunc"))
        BOTH(NEAREST, unary(f, "llvm.roundeven"))
        BOTH(SQRT, unary(f, "llvm.sqrt"))
        BOTH(ADD, binary(f, LLVMFAdd))
        BOTH(SUB, binary(f, LLVMFSub))
        BOTH(MUL, binary(f, LLVMFMul))
        BOTH(DIV, binary(f, LLVMFDiv))
        BOTH(MIN, min_max(f, LLVMRealOLT))
        BOTH(MAX, min_max(f, LLVMRealOGT))
        BOTH(COPYSIGN, take_sign(f))
    default:
        return false;
    }
#undef BOTH
}

static bool emit_truncation(compile_func *f)
{
#define TRUNCATE(to, from)                                                                     \
    case WB_OP_##to##_TRUNC_##from##_S:                                                        \
        truncate(f, WB_##from, WB_##to, true);                                                 \
        return true;                                                                           \
    case WB_OP_##to##_TRUNC_##from##_U:                                                        \
        truncate(f, WB_##from, WB_##to, false);                                                \
        return true;                                                                           \
    case WB_OP_##to##_TRUNC_SAT_##from##_S:                                                    \
        truncate_sat(f, "llvm.fptosi.sat", WB_##from, WB_##to);                                \
        return true;                                                                           \
    case WB_OP_##to##_TRUNC_SAT_##from##_U:                                                    \
        truncate_sat(f, "llvm.fptoui.sat", WB_##from, WB_##to);                                \
        return true;
    switch (f->in.op) {
        TRUNCATE(I32, F32)
        TRUNCATE(I32, F64)
        TRUNCATE(I64, F32)
        TRUNCATE(I64, F64)
    default:
        return false;
    }
#undef TRUNCATE
}

static bool emit_conversion(compile_func *f)
{
#define ROW(id, call)                                                                          \
    case WB_OP_##id:                                                                           \
        call;                                                                                  \
        return true;
    switch (f->in.op) {
        ROW(F32_CONVERT_I32_S, from_int(f, LLVMSIToFP, WB_F32))
        ROW(F32_CONVERT_I32_U, from_int(f, LLVMUIToFP, WB_F32))
        ROW(F32_CONVERT_I64_S, from_int(f, LLVMSIToFP, WB_F32))
        ROW(F32_CONVERT_I64_U, from_int(f, LLVMUIToFP, WB_F32))
        ROW(F64_CONVERT_I32_S, from_int(f, LLVMSIToFP, WB_F64))
        ROW(F64_CONVERT_I32_U, from_int(f, LLVMUIToFP, WB_F64))
        ROW(F64_CONVERT_I64_S, from_int(f, LLVMSIToFP, WB_F64))
        ROW(F64_CONVERT_I64_U, from_int(f, LLVMUIToFP, WB_F64))
        ROW(F32_DEMOTE_F64, between_floats(f, LLVMFPTrunc, WB_F32))
        ROW(F64_PROMOTE_F32, between_floats(f, LLVMFPExt, WB_F64))
        ROW(I32_REINTERPRET_F32, reinterpret(f, WB_I32))
        ROW(I64_REINTERPRET_F64, reinterpret(f, WB_I64))
        ROW(F32_REINTERPRET_I32, reinterpret(f, WB_F32))
        ROW(F64_REINTERPRET_I64, reinterpret(f, WB_F64))
    default:
        return emit_truncation(f);
    }
#undef ROW
}

bool compile_emit_float(compile_func *f)
{
    switch (f->in.op) {
    case WB_OP_F32_CONST:
        compile_push(f, float_const(f, WB_F32, f->in.f32), WB_F32);
        return true;
    case WB_OP_F64_CONST:
        compile_push(f, float_const(f, WB_F64, f->in.f64), WB_F64);
        return true;
    default:
        return emit_arithmetic(f) || emit_conversion(f);
    }
}
