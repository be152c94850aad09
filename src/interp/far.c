/* Memory accesses of the interpreter that are rare enough for a call: memories other than the
 * first, offsets that do not fit one word, and vector lanes.
 * Source: Core, "Memory Instructions", "Vector Instructions". */
#include <string.h>

#include "interp/internal.h"
#include "interp/simd.h"

/* Address of `len` bytes, or NULL when they are not all in the memory. */
static uint8_t *far_address(abi_instance *inst, uint32_t memory, uint64_t addr, uint64_t offset,
                            uint64_t len)
{
    abi_memory *m = inst->memories[memory];
    uint64_t start;

    if (__builtin_add_overflow(addr, offset, &start) || !rt_memory_contains(m, start, len))
        return NULL;
    return m->base + start;
}

static uint64_t wide(const uint32_t *words)
{
    return (uint64_t)words[0] | (uint64_t)words[1] << 32;
}

/* Bytes that an instruction with a memory operand accesses. */
static uint64_t access_size(wb_op op)
{
    switch ((wb_imm)wb_op_table[op].imm) {
    case WB_IMM_MEM1:
    case WB_IMM_MEM1_LANE:
        return 1;
    case WB_IMM_MEM2:
    case WB_IMM_MEM2_LANE:
        return 2;
    case WB_IMM_MEM4:
    case WB_IMM_MEM4_LANE:
        return 4;
    case WB_IMM_MEM16:
        return 16;
    default:
        return 8;
    }
}

/* The bits of a number in memory, widened to a slot as the load says. */
static uint64_t widen(wb_op op, uint64_t bits)
{
    switch (op) {
    case WB_OP_I32_LOAD8_S:
        return (uint64_t)(uint32_t)(int8_t)bits;
    case WB_OP_I32_LOAD16_S:
        return (uint64_t)(uint32_t)(int16_t)bits;
    case WB_OP_I64_LOAD8_S:
        return (uint64_t)(int8_t)bits;
    case WB_OP_I64_LOAD16_S:
        return (uint64_t)(int16_t)bits;
    case WB_OP_I64_LOAD32_S:
        return (uint64_t)(int32_t)bits;
    default:
        return bits;
    }
}

bool interp_load_far(abi_instance *inst, uint64_t *fp, const uint32_t *ip)
{
    wb_op op = (wb_op)ip[3];
    uint64_t size = access_size(op);
    const uint8_t *at = far_address(inst, ip[2], fp[ip[1]], wide(ip + 4), size);
    uint64_t bits = 0;

    if (!at)
        return false;
    if (size == 16) {
        memcpy(&fp[ip[0]], at, 16);
        return true;
    }
    memcpy(&bits, at, size);
    fp[ip[0]] = widen(op, bits);
    return true;
}

bool interp_store_far(abi_instance *inst, uint64_t *fp, const uint32_t *ip)
{
    uint64_t size = access_size((wb_op)ip[3]);
    uint8_t *at = far_address(inst, ip[2], fp[ip[0]], wide(ip + 4), size);

    if (!at)
        return false;
    memcpy(at, &fp[ip[1]], size);
    return true;
}

bool interp_simd_memory(abi_instance *inst, uint64_t *fp, const uint32_t *ip)
{
    wb_op op = (wb_op)ip[4];
    uint8_t lane = (uint8_t)ip[7];
    uint64_t size = access_size(op);
    uint8_t *at = far_address(inst, ip[3], fp[ip[1]], wide(ip + 5), size);
    uint64_t bits = 0;

    if (!at)
        return false;
    switch (op) {
    case WB_OP_V128_STORE8_LANE:
    case WB_OP_V128_STORE16_LANE:
    case WB_OP_V128_STORE32_LANE:
    case WB_OP_V128_STORE64_LANE:
        bits = interp_simd_store_lane(op, &fp[ip[2]], lane);
        memcpy(at, &bits, size);
        return true;
    case WB_OP_V128_LOAD8_LANE:
    case WB_OP_V128_LOAD16_LANE:
    case WB_OP_V128_LOAD32_LANE:
    case WB_OP_V128_LOAD64_LANE:
        memcpy(&bits, at, size);
        interp_simd_load_lane(op, &fp[ip[0]], &fp[ip[2]], lane, bits);
        return true;
    default:
        memcpy(&bits, at, size);
        interp_simd_load(op, &fp[ip[0]], bits);
        return true;
    }
}
