/* The internal code's instructions.
 * Code is a sequence of 32-bit words. An instruction is the distance of its handler from a base
 * label, then its operands. Operand kinds:
 *   d a b c  index of a 64-bit slot in the frame (d: written); a v128 takes two
 *   imm      32-bit constant; for 64-bit operations sign-extended
 *   rel      words from the start of this instruction to the target
 *   off      offset plus size of the access: checked against the memory's size as one number
 *   x:2      64 bits in two words, low first
 * i32 and f32 slots are always zero-extended, so addresses of 32- and 64-bit memories are read
 * alike. Comparisons stand in pairs of opposites: one follows from the other by ^ 1. */
#ifndef INTERP_IOP_H
#define INTERP_IOP_H

/* Comparisons of a type, each beside its opposite. */
#define INTERP_INT_COMPARES(X, T)                                                              \
    X(T, EQ)                                                                                   \
    X(T, NE) X(T, LT_S) X(T, GE_S) X(T, LT_U) X(T, GE_U) X(T, GT_S) X(T, LE_S) X(T, GT_U)      \
        X(T, LE_U)
#define INTERP_FLOAT_COMPARES(X, T)                                                            \
    X(T, EQ)                                                                                   \
    X(T, NE) X(T, LT) X(T, NLT) X(T, GT) X(T, NGT) X(T, LE) X(T, NLE) X(T, GE) X(T, NGE)

/* Binary integer operations, those that cannot trap and those that can. */
#define INTERP_INT_BINARIES(X, T)                                                              \
    X(T, ADD)                                                                                  \
    X(T, SUB) X(T, MUL) X(T, AND) X(T, OR) X(T, XOR) X(T, SHL) X(T, SHR_S) X(T, SHR_U)         \
        X(T, ROTL) X(T, ROTR)
#define INTERP_INT_DIVISIONS(X, T) X(T, DIV_S) X(T, DIV_U) X(T, REM_S) X(T, REM_U)
#define INTERP_FLOAT_BINARIES(X, T)                                                            \
    X(T, ADD) X(T, SUB) X(T, MUL) X(T, DIV) X(T, MIN) X(T, MAX) X(T, COPYSIGN)
#define INTERP_FLOAT_UNARIES(X, T)                                                             \
    X(T, ABS) X(T, NEG) X(T, CEIL) X(T, FLOOR) X(T, TRUNC) X(T, NEAREST) X(T, SQRT)

/* Unary operations that need a handler each. Zero-extension and reinterpretation are moves. */
#define INTERP_UNARIES(X)                                                                      \
    X(I32_CLZ)                                                                                 \
    X(I32_CTZ) X(I32_POPCNT) X(I64_CLZ) X(I64_CTZ) X(I64_POPCNT) X(I32_WRAP_I64)               \
        X(I64_EXTEND_I32_S) X(F32_CONVERT_I32_S) X(F32_CONVERT_I32_U) X(F32_CONVERT_I64_S)     \
            X(F32_CONVERT_I64_U) X(F32_DEMOTE_F64) X(F64_CONVERT_I32_S) X(F64_CONVERT_I32_U)   \
                X(F64_CONVERT_I64_S) X(F64_CONVERT_I64_U) X(F64_PROMOTE_F32) X(I32_EXTEND8_S)  \
                    X(I32_EXTEND16_S) X(I64_EXTEND8_S) X(I64_EXTEND16_S) X(I64_EXTEND32_S)     \
                        X(I32_TRUNC_SAT_F32_S) X(I32_TRUNC_SAT_F32_U) X(I32_TRUNC_SAT_F64_S)   \
                            X(I32_TRUNC_SAT_F64_U) X(I64_TRUNC_SAT_F32_S)                      \
                                X(I64_TRUNC_SAT_F32_U) X(I64_TRUNC_SAT_F64_S)                  \
                                    X(I64_TRUNC_SAT_F64_U)
#define INTERP_TRUNCATIONS(X)                                                                  \
    X(I32_TRUNC_F32_S)                                                                         \
    X(I32_TRUNC_F32_U) X(I32_TRUNC_F64_S) X(I32_TRUNC_F64_U) X(I64_TRUNC_F32_S)                \
        X(I64_TRUNC_F32_U) X(I64_TRUNC_F64_S) X(I64_TRUNC_F64_U)

/* Loads and stores of memory 0: the instruction, and the C type in memory. Loads that read the
 * same bits into the same slot share a handler (translate_plain.c). */
#define INTERP_LOADS(X)                                                                        \
    X(LOAD32, uint32_t, uint64_t)                                                              \
    X(LOAD64, uint64_t, uint64_t) X(LOAD8_U, uint8_t, uint64_t)                                \
        X(LOAD16_U, uint16_t, uint64_t) X(I32_LOAD8_S, int8_t, uint32_t)                       \
            X(I32_LOAD16_S, int16_t, uint32_t) X(I64_LOAD8_S, int8_t, uint64_t)                \
                X(I64_LOAD16_S, int16_t, uint64_t) X(I64_LOAD32_S, int32_t, uint64_t)
#define INTERP_STORES(X)                                                                       \
    X(STORE8, uint8_t) X(STORE16, uint16_t) X(STORE32, uint32_t) X(STORE64, uint64_t)

typedef enum interp_op {
#define IOP(name) IOP_##name,
#include "interp/iop.def"
#undef IOP
    IOP_COUNT
} interp_op;

#endif
