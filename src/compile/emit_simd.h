/* What the emitters of vector instructions share: shapes of lanes, operands in a shape, and
 * tables with a row for each instruction. For emit_simd.c (lanes, bits), emit_simd_int.c,
 * emit_simd_float.c and emit_simd_memory.c. */
#ifndef COMPILE_EMIT_SIMD_H
#define COMPILE_EMIT_SIMD_H

#include "compile/internal.h"

/* How a vector divides into lanes. */
typedef enum compile_shape {
    I8X16,
    I16X8,
    I32X4,
    I64X2,
    F32X4,
    F64X2,
} compile_shape;

/* One instruction. What `code`, `name` and `part` are is up to `emit`. */
typedef struct compile_simd_row compile_simd_row;
struct compile_simd_row {
    void (*emit)(compile_func *f, const compile_simd_row *row); /* NULL: not in this table */
    compile_shape shape;
    unsigned code;    /* LLVM's number of an operation or a predicate */
    unsigned part;    /* first lane */
    const char *name; /* an intrinsic of LLVM */
};

/* Tables have a place for each vector instruction; they are the last in opcode.def. */
#define COMPILE_SIMD_FIRST WB_OP_V128_LOAD
#define COMPILE_SIMD_COUNT (WB_OP_COUNT - COMPILE_SIMD_FIRST)
#define COMPILE_SIMD_ROW(id) [WB_OP_##id - COMPILE_SIMD_FIRST]
extern const compile_simd_row compile_simd_bits[COMPILE_SIMD_COUNT];
extern const compile_simd_row compile_simd_int[COMPILE_SIMD_COUNT];
extern const compile_simd_row compile_simd_float[COMPILE_SIMD_COUNT];
extern const compile_simd_row compile_simd_memory[COMPILE_SIMD_COUNT];

/* The code is for x86-64, and may use its intrinsics; else for AArch64. */
bool compile_simd_x86(const compile_func *f);

LLVMTypeRef compile_lane_type(const compile_func *f, compile_shape shape);
unsigned compile_lane_count(compile_shape shape);
unsigned compile_lane_bits(compile_shape shape);
LLVMTypeRef compile_shape_type(const compile_func *f, compile_shape shape);
LLVMValueRef compile_shape_pop(compile_func *f, compile_shape shape);
/* Of any shape, or i1 in each lane, which become all zeros or all ones. */
void compile_shape_push(compile_func *f, LLVMValueRef v, compile_shape shape);

/* The same number in every lane: a constant, or a value of the lane's type. */
LLVMValueRef compile_lanes(const compile_func *f, compile_shape shape, uint64_t value);
LLVMValueRef compile_float_lanes(const compile_func *f, compile_shape shape, double value);
LLVMValueRef compile_splat(compile_func *f, LLVMValueRef lane, compile_shape shape);
/* Lanes first, first + step, ... of v: `count` of them, as a shorter vector. */
LLVMValueRef compile_lanes_of(compile_func *f, LLVMValueRef v, unsigned first, unsigned step,
                              unsigned count);
/* The lanes of a, then those of b, which are of one type and short. */
LLVMValueRef compile_join(compile_func *f, LLVMValueRef a, LLVMValueRef b);

/* An intrinsic with operands of one type, overloaded for it; and one that is not overloaded. */
LLVMValueRef compile_lanes_call(compile_func *f, const char *name, LLVMValueRef a,
                                LLVMValueRef b);
LLVMValueRef compile_target_call(compile_func *f, const char *name, LLVMValueRef a,
                                 LLVMValueRef b);

#endif
