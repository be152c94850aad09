/* Canonical NaNs: each arithmetic result is followed by a select that makes a NaN canonical,
 * and those whose effect nobody can see are taken out again.
 *
 * Who sees: instructions that take an operand's bits as they are (stores, calls, returns,
 * reinterpretations to integers). Who does not: arithmetic, comparisons and conversions, for
 * which one NaN is like another. Phis, selects and sign changes hand the bits on, and see what
 * is seen of their results. A vector's lanes of 64 bits read as lanes of 32, or the other way
 * round, are seen: so for each value two bits are kept, SEEN_F32 and SEEN_F64: whether a NaN
 * made by arithmetic of that width could be told from the canonical one.
 *
 * A select that stays serves those who see alone: arithmetic takes the raw number, so that a
 * chain of additions does not wait for the comparisons.
 * Time is linear: a value is looked at once for each of the two bits. Source: Core, "Profiles".
 */
#include <stdlib.h>
#include <string.h>

#include "compile/internal.h"
#include "compile/map.h"
#include "wasm/num.h"

enum {
    SEEN_F32 = 1,
    SEEN_F64 = 2,
    SEEN_ALL = 3,
};

/* ---- Making ---- */

static LLVMValueRef canonical_nan(const compile_unit *u, bool is64)
{
    return is64 ? LLVMConstBitCast(compile_i64(u, WB_NUM_F64_NAN), u->f64)
                : LLVMConstBitCast(compile_i32(u, WB_NUM_F32_NAN), u->f32);
}

static LLVMTypeRef scalar_type(LLVMTypeRef type)
{
    return LLVMGetTypeKind(type) == LLVMVectorTypeKind ? LLVMGetElementType(type) : type;
}

LLVMValueRef compile_canonical(compile_func *f, LLVMValueRef v)
{
    const compile_unit *u = f->u;
    LLVMTypeRef type = LLVMTypeOf(v);
    LLVMValueRef nan = canonical_nan(u, scalar_type(type) == u->f64);
    LLVMValueRef lanes[4] = {nan, nan, nan, nan};
    LLVMValueRef is_nan, chosen;

    if (u->job->options->flags & ABI_OBJECT_ANY_NAN)
        return v;
    if (type != scalar_type(type))
        nan = LLVMConstVector(lanes, LLVMGetVectorSize(type));
    is_nan = LLVMBuildFCmp(f->b, LLVMRealUNO, v, v, "");
    chosen = LLVMBuildSelect(f->b, is_nan, nan, v, "");
    if (LLVMIsASelectInst(chosen)) /* not of a constant */
        LLVMSetMetadata(chosen, u->kind_canon, u->empty_node);
    return chosen;
}

/* ---- Who sees ---- */

typedef struct nan_scan {
    const compile_unit *u;
    compile_map seen;    /* of instructions: SEEN_* */
    LLVMValueRef *queue; /* whose seen bits have grown */
    size_t queued;
    unsigned blind[16]; /* LLVM's numbers of intrinsics that are arithmetic */
    unsigned abs, copysign;
} nan_scan;

static unsigned intrinsic_id(const char *name)
{
    return LLVMLookupIntrinsicID(name, strlen(name));
}

static void find_intrinsics(nan_scan *s)
{
    static const char *const names[] = {
        "llvm.ceil",
        "llvm.floor",
        "llvm.trunc",
        "llvm.roundeven",
        "llvm.sqrt",
        "llvm.minimum",
        "llvm.maximum",
        "llvm.fptosi.sat",
        "llvm.fma",
        "llvm.minnum",
        "llvm.maxnum",
        "llvm.fptoui.sat",
        "llvm.x86.sse.cvttss2si64",
        "llvm.x86.sse2.cvttsd2si64",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        s->blind[i] = intrinsic_id(names[i]);
    s->abs = intrinsic_id("llvm.fabs");
    s->copysign = intrinsic_id("llvm.copysign");
}

/* A value through which bits can go that arithmetic made. */
static bool is_carrier(LLVMValueRef v)
{
    LLVMTypeKind kind;

    if (!LLVMIsAInstruction(v))
        return false;
    kind = LLVMGetTypeKind(LLVMTypeOf(v));
    return kind == LLVMFloatTypeKind || kind == LLVMDoubleTypeKind ||
           kind == LLVMVectorTypeKind;
}

static unsigned seen(const nan_scan *s, LLVMValueRef v)
{
    return compile_map_get(&s->seen, v);
}

static void see(nan_scan *s, LLVMValueRef v, unsigned bits)
{
    unsigned before;

    if (bits == 0 || !is_carrier(v))
        return;
    before = seen(s, v);
    if ((before | bits) == before)
        return;
    compile_map_set(&s->seen, v, before | bits);
    s->queue[s->queued++] = v;
}

/* ---- What an instruction sees of an operand ---- */

/* A marked select: by compile_canonical, or one of emit_float.c between numbers, whose result
 * becomes canonical however it got its NaN. */
static bool is_marked(const nan_scan *s, LLVMValueRef v, bool canonical)
{
    LLVMValueRef test;

    if (!LLVMIsASelectInst(v) || !LLVMHasMetadata(v) || !LLVMGetMetadata(v, s->u->kind_canon))
        return false;
    test = LLVMGetOperand(v, 0);
    return LLVMIsAFCmpInst(test) && (LLVMGetFCmpPredicate(test) == LLVMRealUNO) == canonical;
}

static unsigned seen_by_arithmetic(const nan_scan *s, LLVMValueRef operand)
{
    LLVMTypeRef type = scalar_type(LLVMTypeOf(operand));

    return type == s->u->f32 ? SEEN_F64 : type == s->u->f64 ? SEEN_F32 : SEEN_ALL;
}

/* Moving lanes tears numbers apart that are wider. */
static unsigned seen_by_lanes(LLVMValueRef vector)
{
    switch (LLVMGetTypeKind(LLVMTypeOf(vector)) == LLVMVectorTypeKind
                ? LLVMGetTypeKind(LLVMGetElementType(LLVMTypeOf(vector)))
                : LLVMDoubleTypeKind) {
    case LLVMDoubleTypeKind:
        return 0;
    case LLVMFloatTypeKind:
        return SEEN_F64;
    default:
        return LLVMGetIntTypeWidth(LLVMGetElementType(LLVMTypeOf(vector))) == 64   ? 0
               : LLVMGetIntTypeWidth(LLVMGetElementType(LLVMTypeOf(vector))) == 32 ? SEEN_F64
                                                                                   : SEEN_ALL;
    }
}

static unsigned seen_by_call(const nan_scan *s, LLVMValueRef call, unsigned index,
                             unsigned of_result)
{
    LLVMValueRef callee = LLVMGetCalledValue(call);
    unsigned id = LLVMIsAFunction(callee) ? LLVMGetIntrinsicID(callee) : 0;

    if (id == 0)
        return SEEN_ALL;
    if (id == s->abs || (id == s->copysign && index == 0))
        return of_result;
    for (size_t i = 0; i < sizeof s->blind / sizeof s->blind[0]; i++)
        if (id == s->blind[i])
            return seen_by_arithmetic(s, LLVMGetOperand(call, index));
    return SEEN_ALL;
}

/* of_result  what is seen of the instruction's own result */
static unsigned seen_by(const nan_scan *s, LLVMValueRef user, unsigned index,
                        unsigned of_result)
{
    LLVMValueRef operand = LLVMGetOperand(user, index);

    switch (LLVMGetInstructionOpcode(user)) {
    case LLVMPHI:
    case LLVMFNeg:
    case LLVMFreeze:
        return of_result;
    case LLVMSelect:
        return is_marked(s, user, true) || is_marked(s, user, false) ? 0 : of_result;
    case LLVMBitCast:
        return is_carrier(user) ? of_result : SEEN_ALL;
    case LLVMExtractElement:
        return is_carrier(user) ? of_result : SEEN_ALL;
    case LLVMInsertElement:
    case LLVMShuffleVector:
        return of_result == 0 ? 0 : of_result | seen_by_lanes(operand);
    case LLVMFAdd:
    case LLVMFSub:
    case LLVMFMul:
    case LLVMFDiv:
    case LLVMFCmp:
    case LLVMFPTrunc:
    case LLVMFPExt:
    case LLVMFPToSI:
    case LLVMFPToUI:
        return seen_by_arithmetic(s, operand);
    case LLVMCall:
        return seen_by_call(s, user, index, of_result);
    default:
        return SEEN_ALL;
    }
}

static void look(nan_scan *s, LLVMValueRef user)
{
    unsigned of_result = is_carrier(user) ? seen(s, user) : 0;
    unsigned count = (unsigned)LLVMGetNumOperands(user);

    for (unsigned i = 0; i < count; i++)
        if (is_carrier(LLVMGetOperand(user, i)))
            see(s, LLVMGetOperand(user, i), seen_by(s, user, i, of_result));
}

/* ---- Removing ---- */

/* Operands that need not be canonical become raw. */
static void take_raw(const nan_scan *s, LLVMValueRef user)
{
    unsigned of_result = is_carrier(user) ? seen(s, user) : 0;
    unsigned count = (unsigned)LLVMGetNumOperands(user);

    for (unsigned i = 0; i < count; i++) {
        LLVMValueRef v = LLVMGetOperand(user, i);
        unsigned bit;

        if (!is_carrier(v) || !is_marked(s, v, true))
            continue;
        bit = scalar_type(LLVMTypeOf(v)) == s->u->f64 ? SEEN_F64 : SEEN_F32;
        if (!(seen_by(s, user, i, of_result) & bit))
            LLVMSetOperand(user, i, LLVMGetOperand(v, 2));
    }
}

static void erase_unused(const nan_scan *s, LLVMValueRef v)
{
    LLVMValueRef test;

    if (LLVMGetFirstUse(v) || !is_marked(s, v, true))
        return;
    test = LLVMGetOperand(v, 0);
    LLVMInstructionEraseFromParent(v);
    if (!LLVMGetFirstUse(test))
        LLVMInstructionEraseFromParent(test);
}

/* Call `visit` with each instruction that follows; it may erase it and what is before it. */
#define EACH_INSTRUCTION(fn, v, statement)                                                     \
    for (LLVMBasicBlockRef at_ = LLVMGetFirstBasicBlock(fn); at_;                              \
         at_ = LLVMGetNextBasicBlock(at_))                                                     \
        for (LLVMValueRef v = LLVMGetFirstInstruction(at_), next_; v; v = next_) {             \
            next_ = LLVMGetNextInstruction(v);                                                 \
            statement;                                                                         \
        }

static void scan_function(nan_scan *s, LLVMValueRef fn)
{
    find_intrinsics(s);
    EACH_INSTRUCTION(fn, v, look(s, v))
    while (s->queued > 0)
        look(s, s->queue[--s->queued]);
    EACH_INSTRUCTION(fn, v, take_raw(s, v))
    EACH_INSTRUCTION(fn, v, erase_unused(s, v))
}

void compile_nans_remove(compile_unit *u, LLVMValueRef fn)
{
    nan_scan s = {.u = u};
    size_t carriers = 0, marked = 0;

    EACH_INSTRUCTION(fn, v, {
        carriers += is_carrier(v);
        marked += is_marked(&s, v, true);
    })
    if (marked == 0)
        return;
    s.queue = calloc(2 * carriers + 1, sizeof *s.queue); /* once for each bit */
    if (compile_map_init(&s.seen, carriers) && s.queue)
        scan_function(&s, fn);
    else
        u->failed = true;
    compile_map_clear(&s.seen);
    free(s.queue);
}
