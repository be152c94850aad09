/* Loads and stores of vectors, and of their parts. Addresses, checks and what makes an access
 * trap exactly are emit_memory.c's. Source: Core, "Vector Instructions" (memory). */
#include <llvm-c/DebugInfo.h>

#include "compile/emit_simd.h"

/* Load; what is made of the value before push_loaded has the load's place too, since LLVM may
 * make one instruction of both. */
static LLVMValueRef load_at(compile_func *f, LLVMValueRef address, LLVMTypeRef type,
                            uint32_t size, bool *may_fault)
{
    LLVMValueRef place = compile_address(f, address, size, may_fault);
    LLVMValueRef v = compile_guest_load(f, type, place, *may_fault);

    if (*may_fault)
        LLVMSetCurrentDebugLocation2(f->b, LLVMInstructionGetDebugLoc(v));
    return v;
}

/* Load what fills a register by itself: a float, a double, a vector; see load_lane for others.
 */
static LLVMValueRef load(compile_func *f, LLVMValueRef address, LLVMTypeRef type, uint32_t size)
{
    bool may_fault = false;
    LLVMValueRef v = load_at(f, address, type, size, &may_fault);

    compile_loaded(f, v, may_fault);
    return v;
}

/* Load a lane. Floats keep lanes of 32 and 64 bits in the vector registers. */
static LLVMValueRef load_lane(compile_func *f, LLVMValueRef address, compile_shape shape)
{
    LLVMTypeRef type = compile_lane_type(f, shape);
    uint32_t size = compile_lane_bits(shape) / 8;
    bool may_fault = false;
    LLVMValueRef wide;

    if (shape == F32X4 || shape == F64X2)
        return load(f, address, type, size);
    wide = load_at(f, address, type, size, &may_fault);
    wide = LLVMBuildZExt(f->b, wide, f->u->i32, "");
    compile_loaded(f, wide, may_fault);
    return LLVMBuildTrunc(f->b, wide, type, "");
}

/* Push what was made of a loaded value. */
static void push_loaded(compile_func *f, LLVMValueRef v, compile_shape shape)
{
    compile_shape_push(f, v, shape);
    LLVMSetCurrentDebugLocation2(f->b, NULL);
}

static void emit_load(compile_func *f, const compile_simd_row *row)
{
    push_loaded(f, load(f, compile_pop(f), f->u->v128, 16), row->shape);
}

static void emit_store(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef v = compile_pop(f), address = compile_pop(f), place;
    bool may_fault = false;

    (void)row;
    place = compile_address(f, address, 16, &may_fault);
    compile_guest_store(f, v, place, may_fault);
}

/* Eight bytes, widened. `shape`: that of the result. `code`: the extension. */
static void emit_load_extend(compile_func *f, const compile_simd_row *row)
{
    unsigned count = compile_lane_count(row->shape);
    LLVMTypeRef half = LLVMIntTypeInContext(f->u->llvm, compile_lane_bits(row->shape) / 2);
    LLVMValueRef v = load(f, compile_pop(f), f->u->f64, 8);

    v = LLVMBuildBitCast(f->b, v, LLVMVectorType(half, count), "");
    v = LLVMBuildCast(f->b, (LLVMOpcode)row->code, v, compile_shape_type(f, row->shape), "");
    push_loaded(f, v, row->shape);
}

static void emit_load_splat(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef lane = load_lane(f, compile_pop(f), row->shape);

    push_loaded(f, compile_splat(f, lane, row->shape), row->shape);
}

static void emit_load_zero(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef lane = load_lane(f, compile_pop(f), row->shape);
    LLVMValueRef zero = LLVMConstNull(compile_shape_type(f, row->shape));

    zero = LLVMBuildInsertElement(f->b, zero, lane, compile_i32(f->u, 0), "");
    push_loaded(f, zero, row->shape);
}

static void emit_load_lane(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef v = compile_shape_pop(f, row->shape);
    LLVMValueRef lane = load_lane(f, compile_pop(f), row->shape);

    v = LLVMBuildInsertElement(f->b, v, lane, compile_i32(f->u, f->in.mem.lane), "");
    push_loaded(f, v, row->shape);
}

static void emit_store_lane(compile_func *f, const compile_simd_row *row)
{
    LLVMValueRef v = compile_shape_pop(f, row->shape), address = compile_pop(f), place;
    bool may_fault = false;

    place = compile_address(f, address, compile_lane_bits(row->shape) / 8, &may_fault);
    v = LLVMBuildExtractElement(f->b, v, compile_i32(f->u, f->in.mem.lane), "");
    compile_guest_store(f, v, place, may_fault);
}

#define ROW(ID, EMIT, SHAPE) COMPILE_SIMD_ROW(ID) = {.emit = EMIT, .shape = SHAPE}
#define EXTEND(ID, SHAPE)                                                                      \
    COMPILE_SIMD_ROW(ID##_S) = {.emit = emit_load_extend, .shape = SHAPE, .code = LLVMSExt},   \
    COMPILE_SIMD_ROW(ID##_U) = {.emit = emit_load_extend, .shape = SHAPE, .code = LLVMZExt}

const compile_simd_row compile_simd_memory[COMPILE_SIMD_COUNT] = {
    ROW(V128_LOAD, emit_load, I64X2),
    ROW(V128_STORE, emit_store, I64X2),
    EXTEND(V128_LOAD8X8, I16X8),
    EXTEND(V128_LOAD16X4, I32X4),
    EXTEND(V128_LOAD32X2, I64X2),
    ROW(V128_LOAD8_SPLAT, emit_load_splat, I8X16),
    ROW(V128_LOAD16_SPLAT, emit_load_splat, I16X8),
    ROW(V128_LOAD32_SPLAT, emit_load_splat, F32X4),
    ROW(V128_LOAD64_SPLAT, emit_load_splat, F64X2),
    ROW(V128_LOAD32_ZERO, emit_load_zero, F32X4),
    ROW(V128_LOAD64_ZERO, emit_load_zero, F64X2),
    ROW(V128_LOAD8_LANE, emit_load_lane, I8X16),
    ROW(V128_LOAD16_LANE, emit_load_lane, I16X8),
    ROW(V128_LOAD32_LANE, emit_load_lane, F32X4),
    ROW(V128_LOAD64_LANE, emit_load_lane, F64X2),
    ROW(V128_STORE8_LANE, emit_store_lane, I8X16),
    ROW(V128_STORE16_LANE, emit_store_lane, I16X8),
    ROW(V128_STORE32_LANE, emit_store_lane, F32X4),
    ROW(V128_STORE64_LANE, emit_store_lane, F64X2),
};
