/* Vector instructions: their tables, shapes of lanes, and what moves lanes or works on bits
 * whatever the shape. Arithmetic is in emit_simd_int.c and emit_simd_float.c, memory in
 * emit_simd_memory.c.
 *
 * Results are those of interp/simd.h to the bit. An operand is <2 x i64>; each instruction sees
 * it in its own shape, and LLVM removes the casts between. Plain instructions and generic
 * intrinsics are used as long as the code that LLVM makes of them is good, the processor's
 * otherwise. Source: Core, "Vector Instructions", "Numerics". */
#include "compile/emit_simd.h"

#include <string.h>

/* ---- Shapes ---- */

bool compile_simd_x86(const compile_func *f)
{
    return f->u->job->options->arch == ABI_ARCH_X86_64;
}

LLVMTypeRef compile_lane_type(const compile_func *f, compile_shape shape)
{
    switch (shape) {
    case I8X16:
        return f->u->i8;
    case I16X8:
        return f->u->i16;
    case I32X4:
        return f->u->i32;
    case I64X2:
        return f->u->i64;
    case F32X4:
        return f->u->f32;
    default:
        return f->u->f64;
    }
}

unsigned compile_lane_count(compile_shape shape)
{
    static const uint8_t counts[] = {16, 8, 4, 2, 4, 2};

    return counts[shape];
}

unsigned compile_lane_bits(compile_shape shape)
{
    return 128 / compile_lane_count(shape);
}

LLVMTypeRef compile_shape_type(const compile_func *f, compile_shape shape)
{
    return LLVMVectorType(compile_lane_type(f, shape), compile_lane_count(shape));
}

LLVMValueRef compile_shape_pop(compile_func *f, compile_shape shape)
{
    return LLVMBuildBitCast(f->b, compile_pop(f), compile_shape_type(f, shape), "");
}

void compile_shape_push(compile_func *f, LLVMValueRef v, compile_shape shape)
{
    static const compile_shape masks[] = {I8X16, I16X8, I32X4, I64X2, I32X4, I64X2};

    if (LLVMGetElementType(LLVMTypeOf(v)) == f->u->i1)
        v = LLVMBuildSExt(f->b, v, compile_shape_type(f, masks[shape]), "");
    compile_push(f, LLVMBuildBitCast(f->b, v, f->u->v128, ""), WB_V128);
}

static LLVMValueRef same_lanes(LLVMValueRef lane, compile_shape shape)
{
    LLVMValueRef lanes[16];

    for (unsigned i = 0; i < 16; i++)
        lanes[i] = lane;
    return LLVMConstVector(lanes, compile_lane_count(shape));
}

LLVMValueRef compile_lanes(const compile_func *f, compile_shape shape, uint64_t value)
{
    return same_lanes(LLVMConstInt(compile_lane_type(f, shape), value, false), shape);
}

LLVMValueRef compile_float_lanes(const compile_func *f, compile_shape shape, double value)
{
    return same_lanes(LLVMConstReal(compile_lane_type(f, shape), value), shape);
}

LLVMValueRef compile_splat(compile_func *f, LLVMValueRef lane, compile_shape shape)
{
    LLVMValueRef none = LLVMGetPoison(compile_shape_type(f, shape));
    LLVMValueRef one = LLVMBuildInsertElement(f->b, none, lane, compile_i32(f->u, 0), "");
    LLVMTypeRef mask = LLVMVectorType(f->u->i32, compile_lane_count(shape));

    return LLVMBuildShuffleVector(f->b, one, none, LLVMConstNull(mask), "");
}

LLVMValueRef compile_lanes_of(compile_func *f, LLVMValueRef v, unsigned first, unsigned step,
                              unsigned count)
{
    LLVMValueRef mask[16];

    for (unsigned i = 0; i < count; i++)
        mask[i] = compile_i32(f->u, first + i * step);
    return LLVMBuildShuffleVector(f->b, v, LLVMGetPoison(LLVMTypeOf(v)),
                                  LLVMConstVector(mask, count), "");
}

LLVMValueRef compile_join(compile_func *f, LLVMValueRef a, LLVMValueRef b)
{
    unsigned count = 2 * LLVMGetVectorSize(LLVMTypeOf(a));
    LLVMValueRef mask[16];

    for (unsigned i = 0; i < count; i++)
        mask[i] = compile_i32(f->u, i);
    return LLVMBuildShuffleVector(f->b, a, b, LLVMConstVector(mask, count), "");
}

LLVMValueRef compile_lanes_call(compile_func *f, const char *name, LLVMValueRef a,
                                LLVMValueRef b)
{
    LLVMValueRef args[] = {a, b};
    LLVMTypeRef type = LLVMTypeOf(a);

    return compile_intrinsic(f, name, &type, 1, args, b != NULL ? 2 : 1);
}

LLVMValueRef compile_target_call(compile_func *f, const char *name, LLVMValueRef a,
                                 LLVMValueRef b)
{
    LLVMValueRef args[] = {a, b};

    return compile_intrinsic(f, name, NULL, 0, args, b != NULL ? 2 : 1);
}

/* ---- Bits ---- */

static void emit_not(compile_func *f, const compile_simd_row *row)
{
    (void)row;
    compile_push(f, LLVMBuildNot(f->b, compile_pop(f), ""), WB_V128);
}

static void emit_logic(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_pop(f), x = compile_pop(f);

    compile_push(f, LLVMBuildBinOp(f->b, (LLVMOpcode)row->code, x, y, ""), WB_V128);
}

static void emit_andnot(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_pop(f), x = compile_pop(f);

    (void)row;
    compile_push(f, LLVMBuildAnd(f->b, x, LLVMBuildNot(f->b, y, ""), ""), WB_V128);
}

static void emit_bitselect(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef mask = compile_pop(f), y = compile_pop(f), x = compile_pop(f);
    LLVMValueRef yes = LLVMBuildAnd(f->b, x, mask, "");
    LLVMValueRef no = LLVMBuildAnd(f->b, y, LLVMBuildNot(f->b, mask, ""), "");

    (void)row;
    compile_push(f, LLVMBuildOr(f->b, yes, no, ""), WB_V128);
}

static void emit_any_true(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef all = compile_lanes_call(f, "llvm.vector.reduce.or", compile_pop(f), NULL);
    LLVMValueRef any = LLVMBuildICmp(f->b, LLVMIntNE, all, compile_i64(f->u, 0), "");

    (void)row;
    compile_push(f, LLVMBuildZExt(f->b, any, f->u->i32, ""), WB_I32);
}

/* ---- Lanes ---- */

static wb_valtype lane_valtype(compile_shape shape)
{
    switch (shape) {
    case I64X2:
        return WB_I64;
    case F32X4:
        return WB_F32;
    case F64X2:
        return WB_F64;
    default:
        return WB_I32;
    }
}

/* A popped scalar, as a lane; of an i32 that is too wide, its low bits. */
static LLVMValueRef pop_lane(compile_func *f, compile_shape shape)
{
    LLVMValueRef v = compile_pop(f);

    return shape == I8X16 || shape == I16X8
               ? LLVMBuildTrunc(f->b, v, compile_lane_type(f, shape), "")
               : v;
}

static void emit_const(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef bytes[16];

    for (unsigned i = 0; i < 16; i++)
        bytes[i] = LLVMConstInt(f->u->i8, f->in.v128[i], false);
    compile_shape_push(f, LLVMConstVector(bytes, 16), row->shape);
}

/* A number that LLVM knows nothing of: else it makes one instruction of an earlier load and
 * this splat, and a fault of the load would be looked for at the splat. */
static LLVMValueRef hide_origin(compile_func *f, LLVMValueRef v)
{
    LLVMTypeRef type = LLVMTypeOf(v), asm_type = LLVMFunctionType(type, &type, 1, false);
    bool is_int = LLVMGetTypeKind(type) == LLVMIntegerTypeKind;
    const char *registers = is_int ? "=r,0" : compile_simd_x86(f) ? "=x,0" : "=w,0";
    LLVMValueRef nothing;

    if (!f->u->job->guarded || LLVMIsConstant(v))
        return v;
    nothing = LLVMGetInlineAsm(asm_type, "", 0, registers, strlen(registers), false, false,
                               LLVMInlineAsmDialectATT, false);
    return LLVMBuildCall2(f->b, asm_type, nothing, &v, 1, "");
}

static void emit_splat(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef lane;

    compile_top(f, 0)->v = hide_origin(f, compile_top(f, 0)->v);
    lane = pop_lane(f, row->shape);

    compile_shape_push(f, compile_splat(f, lane, row->shape), row->shape);
}

/* `code`: how an i32 is made of the lane. */
static void emit_extract(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef v = compile_shape_pop(f, row->shape);

    v = LLVMBuildExtractElement(f->b, v, compile_i32(f->u, f->in.lane), "");
    if (row->code != 0)
        v = LLVMBuildCast(f->b, (LLVMOpcode)row->code, v, f->u->i32, "");
    compile_push(f, v, lane_valtype(row->shape));
}

static void emit_replace(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef lane = pop_lane(f, row->shape), v = compile_shape_pop(f, row->shape);

    v = LLVMBuildInsertElement(f->b, v, lane, compile_i32(f->u, f->in.lane), "");
    compile_shape_push(f, v, row->shape);
}

static void emit_shuffle(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef y = compile_shape_pop(f, row->shape), x = compile_shape_pop(f, row->shape);
    LLVMValueRef mask[16];

    for (unsigned i = 0; i < 16; i++)
        mask[i] = compile_i32(f->u, f->in.v128[i]);
    compile_shape_push(f, LLVMBuildShuffleVector(f->b, x, y, LLVMConstVector(mask, 16), ""),
                       row->shape);
}

/* 0 for indices from 16 on. pshufb gives 0 where bit 7 is set, and looks at no other bit above
 * the lowest four: a sum that saturates has that bit for all indices that are out of range. */
static void emit_swizzle(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef index = compile_shape_pop(f, row->shape);
    LLVMValueRef v = compile_shape_pop(f, row->shape);

    if (compile_simd_x86(f)) {
        index = compile_lanes_call(f, "llvm.uadd.sat", index, compile_lanes(f, I8X16, 0x70));
        v = compile_target_call(f, "llvm.x86.ssse3.pshuf.b.128", v, index);
    } else {
        v = compile_lanes_call(f, "llvm.aarch64.neon.tbl1", v, index);
    }
    compile_shape_push(f, v, row->shape);
}

#define LANES(ID)                                                                              \
    COMPILE_SIMD_ROW(ID##_SPLAT) = {.emit = emit_splat, .shape = ID},                          \
    COMPILE_SIMD_ROW(ID##_REPLACE_LANE) = {.emit = emit_replace, .shape = ID}
#define EXTRACT(ID) COMPILE_SIMD_ROW(ID##_EXTRACT_LANE) = {.emit = emit_extract, .shape = ID}
#define EXTRACT_SMALL(ID)                                                                      \
    COMPILE_SIMD_ROW(ID##_EXTRACT_LANE_S) = {emit_extract, ID, LLVMSExt, 0, NULL},             \
    COMPILE_SIMD_ROW(ID##_EXTRACT_LANE_U) = {emit_extract, ID, LLVMZExt, 0, NULL}
#define LANESELECT(ID) COMPILE_SIMD_ROW(ID##_RELAXED_LANESELECT) = {.emit = emit_bitselect}

const compile_simd_row compile_simd_bits[COMPILE_SIMD_COUNT] = {
    COMPILE_SIMD_ROW(V128_NOT) = {.emit = emit_not},
    COMPILE_SIMD_ROW(V128_AND) = {.emit = emit_logic, .code = LLVMAnd},
    COMPILE_SIMD_ROW(V128_OR) = {.emit = emit_logic, .code = LLVMOr},
    COMPILE_SIMD_ROW(V128_XOR) = {.emit = emit_logic, .code = LLVMXor},
    COMPILE_SIMD_ROW(V128_ANDNOT) = {.emit = emit_andnot},
    COMPILE_SIMD_ROW(V128_BITSELECT) = {.emit = emit_bitselect},
    COMPILE_SIMD_ROW(V128_ANY_TRUE) = {.emit = emit_any_true},
    COMPILE_SIMD_ROW(V128_CONST) = {.emit = emit_const, .shape = I8X16},
    COMPILE_SIMD_ROW(I8X16_SHUFFLE) = {.emit = emit_shuffle, .shape = I8X16},
    COMPILE_SIMD_ROW(I8X16_SWIZZLE) = {.emit = emit_swizzle, .shape = I8X16},
    COMPILE_SIMD_ROW(I8X16_RELAXED_SWIZZLE) = {.emit = emit_swizzle, .shape = I8X16},
    LANES(I8X16),
    LANES(I16X8),
    LANES(I32X4),
    LANES(I64X2),
    LANES(F32X4),
    LANES(F64X2),
    EXTRACT_SMALL(I8X16),
    EXTRACT_SMALL(I16X8),
    EXTRACT(I32X4),
    EXTRACT(I64X2),
    EXTRACT(F32X4),
    EXTRACT(F64X2),
    LANESELECT(I8X16),
    LANESELECT(I16X8),
    LANESELECT(I32X4),
    LANESELECT(I64X2),
};

/* ---- All ---- */

bool compile_emit_simd(compile_func *f)
{
    static const compile_simd_row *const tables[] = {compile_simd_bits, compile_simd_int,
                                                     compile_simd_float, compile_simd_memory};

    if (f->in.op < COMPILE_SIMD_FIRST)
        return false;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        const compile_simd_row *row = &tables[i][f->in.op - COMPILE_SIMD_FIRST];
        if (row->emit != NULL) {
            row->emit(f, row);
            return true;
        }
    }
    return false;
}
