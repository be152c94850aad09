/* Vector instructions of the interpreter: one function for each, found by opcode.
 * Loads, stores and constants are the interpreter's own, since they need the memory and the
 * instruction; for them this header has what happens between the loaded bits and the vector.
 * A vector is two consecutive 64-bit slots of the frame; lane 0 is in the lowest bits of the
 * first.  Bodies: simd.c (lanes, bits, loads), simd_int.c, simd_float.c.
 *
 * Results are the same on every host. NaN results of float arithmetic are canonical in each
 * lane; abs, neg, pmin and pmax, which only select or change bits, keep NaN as they are.
 * Relaxed instructions take the results of the deterministic profile:
 *
 *   relaxed_swizzle            as swizzle: 0 for every index from 16 on
 *   relaxed_trunc              as trunc_sat
 *   relaxed_madd, nmadd        rounded twice: (x * y) + z, (-x * y) + z; never fused
 *   relaxed_laneselect         as bitselect
 *   relaxed_min, max           as min, max
 *   relaxed_q15mulr_s          as q15mulr_sat_s
 *   relaxed_dot_i8x16_i7x16_s  both operands signed, pairs added with saturation; _add_s builds
 *                              on it: its 32-bit sums wrap
 *
 * Source: Core, "Vector Instructions", "Numerics" ("Relaxed Operations"), "Profiles". */
#ifndef INTERP_SIMD_H
#define INTERP_SIMD_H

#include <stdint.h>

#include "wasm/opcode.h"

/* Execute one vector instruction.
 *   d        receives the result: two slots for a vector, one for a scalar
 *   a, b, c  first slots of the operands, in order; those that the instruction lacks may be
 * NULL. i32 and f32 take the low half of a slot: the upper half of an operand is ignored, of a
 * result zero imm      the lane index, or sixteen of them; unused by instructions that have
 * none All operands are read before d is written, so they may overlap in any way. No vector
 * instruction traps. */
typedef void (*interp_simd_fn)(uint64_t *d, const uint64_t *a, const uint64_t *b,
                               const uint64_t *c, const uint8_t *imm);

/* By opcode; NULL for scalar instructions, and for vector loads, stores and constants. */
extern const interp_simd_fn interp_simd_table[WB_OP_COUNT];

/* Finish a load that widens, repeats or pads what it has read: v128.load8x8_s to
 * load32x2_u, load8_splat to load64_splat, load32_zero, load64_zero.
 *   bits  the bytes read, as a little-endian number, zero-extended */
void interp_simd_load(wb_op op, uint64_t *d, uint64_t bits);

/* Finish v128.load8_lane to load64_lane: `v` with one lane replaced.
 *   v     two slots, may be `d`
 *   bits  as above */
void interp_simd_load_lane(wb_op op, uint64_t *d, const uint64_t *v, uint8_t lane,
                           uint64_t bits);

/* What v128.store8_lane to store64_lane write: the lane, zero-extended. */
uint64_t interp_simd_store_lane(wb_op op, const uint64_t *v, uint8_t lane);

#endif
