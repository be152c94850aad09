/* Instructions on integers: constants, comparisons, arithmetic, shifts, conversions between
 * widths. Division checks its operands before it divides, since LLVM gives no meaning to what
 * traps. Leaves conversions from and to floats to emit_float.c. What the instructions mean:
 * wasm/num.h. Source: Core, "Numeric Instructions", "Numerics". */
#include "compile/internal.h"

/* Of the operand on top. */
static bool top_is64(compile_func *f)
{
    return compile_top(f, 0)->type == WB_I64;
}

static wb_valtype int_type(bool is64)
{
    return is64 ? WB_I64 : WB_I32;
}

static LLVMValueRef int_const(const compile_func *f, bool is64, uint64_t value)
{
    return is64 ? compile_i64(f->u, value) : compile_i32(f->u, (uint32_t)value);
}

/* ---- Comparisons ---- */

static void push_flag(compile_func *f, LLVMValueRef i1)
{
    compile_push(f, LLVMBuildZExt(f->b, i1, f->u->i32, ""), WB_I32);
}

static void compare(compile_func *f, LLVMIntPredicate predicate)
{
    LLVMValueRef b = compile_pop(f);
    LLVMValueRef a = compile_pop(f);

    push_flag(f, LLVMBuildICmp(f->b, predicate, a, b, ""));
}

static void eqz(compile_func *f)
{
    LLVMValueRef zero = int_const(f, top_is64(f), 0);

    push_flag(f, LLVMBuildICmp(f->b, LLVMIntEQ, compile_pop(f), zero, ""));
}

/* ---- Arithmetic ---- */

static void binary(compile_func *f, LLVMOpcode op)
{
    wb_valtype type = compile_top(f, 0)->type;
    LLVMValueRef b = compile_pop(f);
    LLVMValueRef a = compile_pop(f);

    compile_push(f, LLVMBuildBinOp(f->b, op, a, b, ""), type);
}

/* The count is taken modulo the width; more than that LLVM gives no meaning. */
static void shift(compile_func *f, LLVMOpcode op)
{
    bool is64 = top_is64(f);
    LLVMValueRef b = compile_pop(f);
    LLVMValueRef a = compile_pop(f);
    LLVMValueRef count = LLVMBuildAnd(f->b, b, int_const(f, is64, is64 ? 63 : 31), "");

    compile_push(f, LLVMBuildBinOp(f->b, op, a, count, ""), int_type(is64));
}

/* A funnel shift of a number with itself, which counts modulo the width by definition. */
static void rotate(compile_func *f, const char *intrinsic)
{
    wb_valtype type = compile_top(f, 0)->type;
    LLVMTypeRef t = compile_type(f->u, type);
    LLVMValueRef b = compile_pop(f);
    LLVMValueRef a = compile_pop(f);
    LLVMValueRef args[] = {a, a, b};

    compile_push(f, compile_intrinsic(f, intrinsic, &t, 1, args, 3), type);
}

/* `zero_is_width`: the intrinsic wants to know that a zero operand has a result. */
static void count_bits(compile_func *f, const char *intrinsic, bool zero_is_width)
{
    wb_valtype type = compile_top(f, 0)->type;
    LLVMTypeRef t = compile_type(f->u, type);
    LLVMValueRef args[] = {compile_pop(f), LLVMConstInt(f->u->i1, 0, false)};

    compile_push(f, compile_intrinsic(f, intrinsic, &t, 1, args, zero_is_width ? 2 : 1), type);
}

static bool is_const(LLVMValueRef v, uint64_t *value)
{
    if (!LLVMIsAConstantInt(v))
        return false;
    *value = (uint64_t)LLVMConstIntGetSExtValue(v);
    return true;
}

static void trap_if_zero(compile_func *f, LLVMValueRef b, bool is64)
{
    uint64_t value;

    if (is_const(b, &value) && value != 0)
        return;
    compile_trap_if(f, LLVMBuildICmp(f->b, LLVMIntEQ, b, int_const(f, is64, 0), ""),
                    BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
}

/* The least number by -1. The divisor is compared first, and alone where it is not -1. */
static void trap_if_overflow(compile_func *f, LLVMValueRef a, LLVMValueRef b, bool is64)
{
    uint64_t least = is64 ? UINT64_C(1) << 63 : UINT64_C(1) << 31;
    LLVMBasicBlockRef by_minus_1, next;
    LLVMValueRef test;
    uint64_t value;

    if (is_const(b, &value) && value != UINT64_MAX)
        return;
    by_minus_1 = compile_block_new(f, "");
    next = compile_block_new(f, "");
    test = LLVMBuildICmp(f->b, LLVMIntEQ, b, int_const(f, is64, UINT64_MAX), "");
    compile_unlikely(f, LLVMBuildCondBr(f->b, test, by_minus_1, next));
    compile_at(f, by_minus_1);
    test = LLVMBuildICmp(f->b, LLVMIntEQ, a, int_const(f, is64, least), "");
    compile_trap_if(f, test, BEAMR_TRAP_INTEGER_OVERFLOW);
    LLVMBuildBr(f->b, next);
    compile_at(f, next);
}

/* The remainder by -1 is 0, of the least number too, where the processor's instruction traps;
 * so is the remainder by 1. */
static LLVMValueRef avoid_minus_1(compile_func *f, LLVMValueRef b, bool is64)
{
    LLVMValueRef is_minus_1 =
        LLVMBuildICmp(f->b, LLVMIntEQ, b, int_const(f, is64, UINT64_MAX), "");

    return LLVMBuildSelect(f->b, is_minus_1, int_const(f, is64, 1), b, "");
}

static void divide(compile_func *f, LLVMOpcode op)
{
    bool is64 = top_is64(f);
    LLVMValueRef b = compile_pop(f);
    LLVMValueRef a = compile_pop(f);

    trap_if_zero(f, b, is64);
    if (op == LLVMSDiv)
        trap_if_overflow(f, a, b, is64);
    if (op == LLVMSRem)
        b = avoid_minus_1(f, b, is64);
    compile_push(f, LLVMBuildBinOp(f->b, op, a, b, ""), int_type(is64));
}

/* ---- Widths ---- */

static void extend_low(compile_func *f, LLVMTypeRef low)
{
    wb_valtype type = compile_top(f, 0)->type;
    LLVMValueRef v = LLVMBuildTrunc(f->b, compile_pop(f), low, "");

    compile_push(f, LLVMBuildSExt(f->b, v, compile_type(f->u, type), ""), type);
}

static bool emit_comparison(compile_func *f)
{
#define COMPARE(name, predicate)                                                               \
    case WB_OP_I32_##name:                                                                     \
    case WB_OP_I64_##name:                                                                     \
        compare(f, predicate);                                                                 \
        return true;
    switch (f->in.op) {
        COMPARE(EQ, LLVMIntEQ)
        COMPARE(NE, LLVMIntNE)
        COMPARE(LT_S, LLVMIntSLT)
        COMPARE(LT_U, LLVMIntULT)
        COMPARE(GT_S, LLVMIntSGT)
        COMPARE(GT_U, LLVMIntUGT)
        COMPARE(LE_S, LLVMIntSLE)
        COMPARE(LE_U, LLVMIntULE)
        COMPARE(GE_S, LLVMIntSGE)
        COMPARE(GE_U, LLVMIntUGE)
    case WB_OP_I32_EQZ:
    case WB_OP_I64_EQZ:
        eqz(f);
        return true;
    default:
        return false;
    }
#undef COMPARE
}

static bool emit_arithmetic(compile_func *f)
{
#define BOTH(name, call)                                                                       \
    case WB_OP_I32_##name:                                                                     \
    case WB_OP_I64_##name:                                                                     \
        call;                                                                                  \
        return true;
    switch (f->in.op) {
        BOTH(CLZ, count_bits(f, "llvm.ctlz", true))
        BOTH(CTZ, count_bits(f, "llvm.cttz", true))
        BOTH(POPCNT, count_bits(f, "llvm.ctpop", false))
        BOTH(ADD, binary(f, LLVMAdd))
        BOTH(SUB, binary(f, LLVMSub))
        BOTH(MUL, binary(f, LLVMMul))
        BOTH(DIV_S, divide(f, LLVMSDiv))
        BOTH(DIV_U, divide(f, LLVMUDiv))
        BOTH(REM_S, divide(f, LLVMSRem))
        BOTH(REM_U, divide(f, LLVMURem))
        BOTH(AND, binary(f, LLVMAnd))
        BOTH(OR, binary(f, LLVMOr))
        BOTH(XOR, binary(f, LLVMXor))
        BOTH(SHL, shift(f, LLVMShl))
        BOTH(SHR_S, shift(f, LLVMAShr))
        BOTH(SHR_U, shift(f, LLVMLShr))
        BOTH(ROTL, rotate(f, "llvm.fshl"))
        BOTH(ROTR, rotate(f, "llvm.fshr"))
        BOTH(EXTEND8_S, extend_low(f, f->u->i8))
        BOTH(EXTEND16_S, extend_low(f, f->u->i16))
    case WB_OP_I64_EXTEND32_S:
        extend_low(f, f->u->i32);
        return true;
    default:
        return false;
    }
#undef BOTH
}

bool compile_emit_int(compile_func *f)
{
    switch (f->in.op) {
    case WB_OP_I32_CONST:
        compile_push(f, compile_i32(f->u, f->in.i32), WB_I32);
        return true;
    case WB_OP_I64_CONST:
        compile_push(f, compile_i64(f->u, f->in.i64), WB_I64);
        return true;
    case WB_OP_I32_WRAP_I64:
        compile_push(f, LLVMBuildTrunc(f->b, compile_pop(f), f->u->i32, ""), WB_I32);
        return true;
    case WB_OP_I64_EXTEND_I32_S:
        compile_push(f, LLVMBuildSExt(f->b, compile_pop(f), f->u->i64, ""), WB_I64);
        return true;
    case WB_OP_I64_EXTEND_I32_U:
        compile_push(f, LLVMBuildZExt(f->b, compile_pop(f), f->u->i64, ""), WB_I64);
        return true;
    default:
        return emit_arithmetic(f) || emit_comparison(f);
    }
}
