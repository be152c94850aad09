/* Translation of what is not control: numbers, locals, globals, memories, tables, vectors.
 * Pairs are fused here: an addition with the access at the sum, a shift with the addition; and
 * comparisons are turned around. Operands and emission are in emit.c.
 * Source: Core, "Numeric Instructions" to "Memory Instructions". */
#include <string.h>

#include "interp/translate.h"

/* ---- Numbers ---- */

static bool fits_imm(uint64_t value, bool is64)
{
    return !is64 || (int64_t)value == (int64_t)(int32_t)value;
}

static void swap_operands(tr_operand *a, tr_operand *b)
{
    tr_operand o = *a;

    *a = *b;
    *b = o;
}

/* d = a op b, with the form at `imm` for a constant b. */
static void emit_binary(tr *t, interp_op op, interp_op imm, bool is64, const tr_operand *a,
                        const tr_operand *b, uint32_t d, bool traps)
{
    uint32_t x = tr_read(t, a);

    if (b->place == TR_CONST && fits_imm(b->value, is64)) {
        if (traps)
            tr_mark(t);
        TR_EMIT_D(t, imm, d, x, (uint32_t)b->value);
    } else {
        uint32_t y = tr_read(t, b);

        if (traps)
            tr_mark(t);
        TR_EMIT_D(t, op, d, x, y);
    }
    tr_push_stack(t, 1);
}

static bool commutes(interp_op op)
{
    switch (op) {
    case IOP_I32_ADD:
    case IOP_I32_MUL:
    case IOP_I32_AND:
    case IOP_I32_OR:
    case IOP_I32_XOR:
    case IOP_I64_ADD:
    case IOP_I64_MUL:
    case IOP_I64_AND:
    case IOP_I64_OR:
    case IOP_I64_XOR:
        return true;
    default:
        return false;
    }
}

/* x + (y << k), when the newest instruction was that shift and the other operand waits. */
static bool fuse_shift_add(tr *t, bool is64, const tr_operand *a, const tr_operand *b,
                           uint32_t d)
{
    const tr_operand *shifted = tr_is_last_result(t, b)   ? b
                                : tr_is_last_result(t, a) ? a
                                                          : NULL;
    const tr_operand *other = shifted == b ? a : b;
    uint32_t y;
    uint32_t k;

    if (!shifted || t->last_op != (is64 ? IOP_I64_SHL_I : IOP_I32_SHL_I) ||
        other->place == TR_CONST)
        return false;
    y = tr_words(t)[t->last_at + 2];
    k = tr_words(t)[t->last_at + 3] & (is64 ? 63 : 31);
    tr_rewind(t);
    TR_EMIT_D(t, is64 ? IOP_I64_SHLADD : IOP_I32_SHLADD, d, tr_read(t, other), y, k);
    tr_push_stack(t, 1);
    return true;
}

static void int_binary(tr *t, interp_op op, bool is64)
{
    tr_operand b = tr_pop(t);
    tr_operand a = tr_pop(t);
    uint32_t d = a.slot;

    if (a.place == TR_CONST && b.place != TR_CONST && commutes(op))
        swap_operands(&a, &b);
    if ((op == IOP_I32_ADD || op == IOP_I64_ADD) && fuse_shift_add(t, is64, &a, &b, d))
        return;
    if (b.place == TR_CONST && (op == IOP_I32_SUB || op == IOP_I64_SUB) &&
        fits_imm(0 - b.value, is64)) {
        op = is64 ? IOP_I64_ADD : IOP_I32_ADD;
        b.value = is64 ? 0 - b.value : (uint32_t)(0 - b.value);
    }
    emit_binary(t, op, (interp_op)(op + 1), is64, &a, &b, d, false);
}

static void int_division(tr *t, interp_op op, bool is64)
{
    tr_operand b = tr_pop(t);
    tr_operand a = tr_pop(t);

    emit_binary(t, op, (interp_op)(op + 1), is64, &a, &b, a.slot, true);
}

/* a op b is b `swapped` a. */
static void int_compare(tr *t, interp_op op, interp_op swapped, bool is64)
{
    tr_operand b = tr_pop(t);
    tr_operand a = tr_pop(t);
    uint32_t d = a.slot;

    if (a.place == TR_CONST && b.place != TR_CONST) {
        swap_operands(&a, &b);
        op = swapped;
    }
    emit_binary(t, op, (interp_op)(op + 10), is64, &a, &b, d, false);
}

/* eqz: the opposite of a comparison just made, else a comparison with 0. */
static void eqz(tr *t, interp_op compare)
{
    tr_operand a = tr_pop(t);
    interp_op first;
    uint32_t size;

    if (tr_is_last_result(t, &a) && tr_compare_family(t->last_op, &first, &size)) {
        t->last_op = tr_compare_opposite(t->last_op, first);
        tr_words(t)[t->last_at] = (uint32_t)t->handlers[t->last_op];
    } else {
        TR_EMIT_D(t, compare, a.slot, tr_read(t, &a), 0);
    }
    tr_push_stack(t, 1);
}

static void float_binary(tr *t, interp_op op)
{
    tr_operand b = tr_pop(t);
    tr_operand a = tr_pop(t);
    uint32_t x = tr_read(t, &a);
    uint32_t y = tr_read(t, &b);

    TR_EMIT_D(t, op, a.slot, x, y);
    tr_push_stack(t, 1);
}

static void unary(tr *t, interp_op op, bool traps)
{
    tr_operand a = tr_pop(t);
    uint32_t x = tr_read(t, &a);

    if (traps)
        tr_mark(t);
    TR_EMIT_D(t, op, a.slot, x);
    tr_push_stack(t, 1);
}

/* ---- Locals, globals, select ---- */

static void local_set(tr *t, uint32_t local, bool tee)
{
    uint32_t slot = t->local_slots[local];
    tr_operand o = tr_pop(t);

    if (o.place == TR_LOCAL && o.local == slot) {
        if (tee)
            tr_push_local(t, local);
        return;
    }
    tr_settle_local(t, slot);
    tr_move(t, slot, &o);
    if (tee && o.place == TR_CONST)
        tr_push_const(t, o.value);
    else if (tee)
        tr_push_local(t, local);
}

static void global_get(tr *t, uint32_t index)
{
    uint32_t width = wb_valtype_slots(t->m->globals[index].type.type);

    TR_EMIT_D(t, width == 2 ? IOP_GLOBAL_GET128 : IOP_GLOBAL_GET, tr_next_slot(t), index);
    tr_push_stack(t, width);
}

static void global_set(tr *t, uint32_t index)
{
    tr_operand o = tr_pop(t);
    uint32_t slot = tr_read(t, &o);

    TR_EMIT(t, o.width == 2 ? IOP_GLOBAL_SET128 : IOP_GLOBAL_SET, slot, index);
}

static void op_select(tr *t)
{
    tr_operand c = tr_pop(t);
    tr_operand b = tr_pop(t);
    tr_operand a = tr_pop(t);
    uint32_t x = tr_read(t, &a);
    uint32_t y = tr_read(t, &b);
    uint32_t z = tr_read(t, &c);

    TR_EMIT_D(t, a.width == 2 ? IOP_SELECT128 : IOP_SELECT, a.slot, x, y, z);
    tr_push_stack(t, a.width);
}

/* ---- Memory ---- */

static uint32_t low(uint64_t x)
{
    return (uint32_t)x;
}
static uint32_t high(uint64_t x)
{
    return (uint32_t)(x >> 32);
}

/* The access fits the short form: memory 0, offset and size in one word. */
static bool is_near(const wb_instr *in, uint32_t size)
{
    return in->mem.memory == 0 && in->mem.offset <= UINT32_MAX - size;
}

/* The address is a sum just computed: the access can add for itself. Returns 1 for a 32-bit
 * sum, 2 for a 64-bit one, the offset of the fused forms; else 0. */
static uint32_t fused_sum(const tr *t, const tr_operand *address)
{
    if (!tr_is_last_result(t, address))
        return 0;
    return t->last_op == IOP_I32_ADD ? 1 : t->last_op == IOP_I64_ADD ? 2 : 0;
}

/* The same for a store. A summand can be in the slot that belongs to the value now, where a
 * constant would have to go. */
static uint32_t fused_store(const tr *t, const tr_operand *address, const tr_operand *value)
{
    uint32_t fused = value->place == TR_STACK ? 0 : fused_sum(t, address);

    if (fused && value->place == TR_CONST &&
        (tr_words(t)[t->last_at + 2] == value->slot ||
         tr_words(t)[t->last_at + 3] == value->slot))
        return 0;
    return fused;
}

static void op_load(tr *t, const wb_instr *in, interp_op op, uint32_t size)
{
    tr_operand address = tr_pop(t);
    uint32_t off = low(in->mem.offset) + size;
    uint32_t fused;

    if (!is_near(in, size)) {
        uint32_t a = tr_read(t, &address);

        tr_mark(t);
        TR_EMIT_D(t, IOP_LOAD_FAR, address.slot, a, in->mem.memory, in->op, low(in->mem.offset),
                  high(in->mem.offset));
    } else if (size != 16 && (fused = fused_sum(t, &address)) != 0) {
        uint32_t a = tr_words(t)[t->last_at + 2];
        uint32_t b = tr_words(t)[t->last_at + 3];

        tr_rewind(t);
        tr_mark(t);
        TR_EMIT_D(t, (interp_op)(op + fused), address.slot, a, b, off);
    } else {
        uint32_t a = tr_read(t, &address);

        tr_mark(t);
        TR_EMIT_D(t, op, address.slot, a, off);
    }
    tr_push_stack(t, size == 16 ? 2 : 1);
}

static void op_store(tr *t, const wb_instr *in, interp_op op, uint32_t size)
{
    tr_operand value = tr_pop(t);
    tr_operand address = tr_pop(t);
    uint32_t off = low(in->mem.offset) + size;
    uint32_t fused;

    if (!is_near(in, size)) {
        uint32_t a = tr_read(t, &address);
        uint32_t v = tr_read(t, &value);

        tr_mark(t);
        TR_EMIT(t, IOP_STORE_FAR, a, v, in->mem.memory, in->op, low(in->mem.offset),
                high(in->mem.offset));
    } else if (size != 16 && (fused = fused_store(t, &address, &value)) != 0) {
        uint32_t a = tr_words(t)[t->last_at + 2];
        uint32_t b = tr_words(t)[t->last_at + 3];
        uint32_t v;

        tr_rewind(t);
        v = tr_read(t, &value);
        tr_mark(t);
        TR_EMIT(t, (interp_op)(op + fused), a, b, v, off);
    } else {
        uint32_t a = tr_read(t, &address);
        uint32_t v = tr_read(t, &value);

        tr_mark(t);
        TR_EMIT(t, op, a, v, off);
    }
}

/* Vector loads and stores of lanes, and loads that widen. */
static void op_simd_memory(tr *t, const wb_instr *in, bool lane, bool store)
{
    tr_operand v = {0};
    tr_operand address;
    uint32_t b = 0;
    uint32_t a;

    if (lane)
        v = tr_pop(t);
    address = tr_pop(t);
    a = tr_read(t, &address);
    if (lane)
        b = tr_read(t, &v);
    tr_mark(t);
    TR_EMIT_D(t, IOP_SIMD_MEMORY, address.slot, a, b, in->mem.memory, in->op,
              low(in->mem.offset), high(in->mem.offset), in->mem.lane);
    if (store)
        tr_barrier(t);
    else
        tr_push_stack(t, 2);
}

/* Instructions on memories and tables with three operands: d, s, n. */
static void op_bulk(tr *t, interp_op op, uint32_t x, uint32_t y, bool two)
{
    tr_operand c = tr_pop(t);
    tr_operand b = tr_pop(t);
    tr_operand a = tr_pop(t);
    uint32_t i = tr_read(t, &a);
    uint32_t j = tr_read(t, &b);
    uint32_t k = tr_read(t, &c);

    tr_mark(t);
    if (two)
        TR_EMIT(t, op, x, y, i, j, k);
    else
        TR_EMIT(t, op, x, i, j, k);
}

/* ---- References and tables ---- */

static void op_table_get(tr *t, uint32_t table)
{
    tr_operand i = tr_pop(t);
    uint32_t slot = tr_read(t, &i);

    tr_mark(t);
    TR_EMIT_D(t, IOP_TABLE_GET, i.slot, table, slot);
    tr_push_stack(t, 1);
}

static void op_table_set(tr *t, uint32_t table)
{
    tr_operand v = tr_pop(t);
    tr_operand i = tr_pop(t);
    uint32_t a = tr_read(t, &i);
    uint32_t b = tr_read(t, &v);

    tr_mark(t);
    TR_EMIT(t, IOP_TABLE_SET, table, a, b);
}

static void op_table_grow(tr *t, uint32_t table)
{
    tr_operand n = tr_pop(t);
    tr_operand init = tr_pop(t);
    uint32_t a = tr_read(t, &init);
    uint32_t b = tr_read(t, &n);

    tr_mark(t);
    TR_EMIT_D(t, IOP_TABLE_GROW, init.slot, table, a, b);
    tr_push_stack(t, 1);
}

static void op_memory_grow(tr *t, uint32_t memory)
{
    tr_operand n = tr_pop(t);
    uint32_t a = tr_read(t, &n);

    tr_mark(t);
    TR_EMIT_D(t, IOP_MEMORY_GROW, n.slot, memory, a);
    tr_push_stack(t, 1);
}

static void op_ref_as_non_null(tr *t)
{
    uint32_t slot = tr_read(t, tr_top(t, 0));

    tr_mark(t);
    TR_EMIT(t, IOP_REF_AS_NON_NULL, slot);
}

/* ---- Vectors ---- */

static void op_v128_const(tr *t, const wb_instr *in)
{
    uint32_t x[4];

    memcpy(x, in->v128, sizeof x);
    TR_EMIT_D(t, IOP_CONST128, tr_next_slot(t), x[0], x[1], x[2], x[3]);
    tr_push_stack(t, 2);
}

/* Any vector instruction on operands alone: as many as its signature has. */
static void op_simd(tr *t, const wb_instr *in)
{
    const wb_op_info *info = &wb_op_table[in->op];
    uint32_t n = (uint32_t)(strchr(info->sig, '_') - info->sig);
    uint32_t slots[3] = {0};
    tr_operand o[3];
    uint32_t d;
    uint64_t imm = 0;

    for (uint32_t i = n; i-- > 0;)
        o[i] = tr_pop(t);
    d = n ? o[0].slot : tr_next_slot(t);
    for (uint32_t i = 0; i < n; i++)
        slots[i] = tr_read(t, &o[i]);
    /* The immediate is the instruction's last bytes, which the module keeps. */
    if (info->imm == WB_IMM_LANES16)
        imm = (uint64_t)(uintptr_t)(t->reader.next - 16);
    else if (info->imm != WB_IMM_NONE)
        imm = (uint64_t)(uintptr_t)(t->reader.next - 1);
    TR_EMIT_D(t, IOP_SIMD, d, slots[0], slots[1], slots[2], in->op, low(imm), high(imm));
    tr_push_stack(t, info->sig[n + 1] == 'v' ? 2 : 1);
}

/* ---- One instruction ---- */

/* Loads and stores of numbers. Returns false for other instructions. */
static bool translate_access(tr *t, const wb_instr *in)
{
    switch (in->op) {
#define LOAD(id, op, size)                                                                     \
    case WB_OP_##id:                                                                           \
        op_load(t, in, IOP_##op, size);                                                        \
        return true;
#define STORE(id, op, size)                                                                    \
    case WB_OP_##id:                                                                           \
        op_store(t, in, IOP_##op, size);                                                       \
        return true;
        LOAD(I32_LOAD, LOAD32, 4)
        LOAD(F32_LOAD, LOAD32, 4)
        LOAD(I64_LOAD32_U, LOAD32, 4)
        LOAD(I64_LOAD, LOAD64, 8)
        LOAD(F64_LOAD, LOAD64, 8)
        LOAD(I32_LOAD8_U, LOAD8_U, 1)
        LOAD(I64_LOAD8_U, LOAD8_U, 1)
        LOAD(I32_LOAD16_U, LOAD16_U, 2)
        LOAD(I64_LOAD16_U, LOAD16_U, 2)
        LOAD(I32_LOAD8_S, I32_LOAD8_S, 1)
        LOAD(I32_LOAD16_S, I32_LOAD16_S, 2)
        LOAD(I64_LOAD8_S, I64_LOAD8_S, 1)
        LOAD(I64_LOAD16_S, I64_LOAD16_S, 2)
        LOAD(I64_LOAD32_S, I64_LOAD32_S, 4)
        LOAD(V128_LOAD, V128_LOAD, 16)
        STORE(I32_STORE, STORE32, 4)
        STORE(F32_STORE, STORE32, 4)
        STORE(I64_STORE32, STORE32, 4)
        STORE(I64_STORE, STORE64, 8)
        STORE(F64_STORE, STORE64, 8)
        STORE(I32_STORE8, STORE8, 1)
        STORE(I64_STORE8, STORE8, 1)
        STORE(I32_STORE16, STORE16, 2)
        STORE(I64_STORE16, STORE16, 2)
        STORE(V128_STORE, V128_STORE, 16)
#undef LOAD
#undef STORE
    default:
        break;
    }
    switch ((wb_imm)wb_op_table[in->op].imm) {
    case WB_IMM_MEM1_LANE:
    case WB_IMM_MEM2_LANE:
    case WB_IMM_MEM4_LANE:
    case WB_IMM_MEM8_LANE:
        op_simd_memory(t, in, true, strcmp(wb_op_table[in->op].sig, "av_") == 0);
        return true;
    case WB_IMM_MEM1:
    case WB_IMM_MEM2:
    case WB_IMM_MEM4:
    case WB_IMM_MEM8:
        op_simd_memory(t, in, false, false);
        return true;
    default:
        return false;
    }
}

/* Arithmetic, comparisons and conversions. Returns false for other instructions. */
static bool translate_number(tr *t, const wb_instr *in)
{
    switch (in->op) {
#define BINARY(T, name)                                                                        \
    case WB_OP_##T##_##name:                                                                   \
        int_binary(t, IOP_##T##_##name, IS64_##T);                                             \
        return true;
#define DIVISION(T, name)                                                                      \
    case WB_OP_##T##_##name:                                                                   \
        int_division(t, IOP_##T##_##name, IS64_##T);                                           \
        return true;
#define COMPARE(T, name, swapped)                                                              \
    case WB_OP_##T##_##name:                                                                   \
        int_compare(t, IOP_##T##_##name, IOP_##T##_##swapped, IS64_##T);                       \
        return true;
#define COMPARES(T)                                                                            \
    COMPARE(T, EQ, EQ)                                                                         \
    COMPARE(T, NE, NE)                                                                         \
    COMPARE(T, LT_S, GT_S)                                                                     \
    COMPARE(T, LT_U, GT_U)                                                                     \
    COMPARE(T, GT_S, LT_S)                                                                     \
    COMPARE(T, GT_U, LT_U)                                                                     \
    COMPARE(T, LE_S, GE_S)                                                                     \
    COMPARE(T, LE_U, GE_U)                                                                     \
    COMPARE(T, GE_S, LE_S)                                                                     \
    COMPARE(T, GE_U, LE_U)
#define FLOAT(T, name)                                                                         \
    case WB_OP_##T##_##name:                                                                   \
        float_binary(t, IOP_##T##_##name);                                                     \
        return true;
#define FLOAT_COMPARES(T)                                                                      \
    FLOAT(T, EQ) FLOAT(T, NE) FLOAT(T, LT) FLOAT(T, GT) FLOAT(T, LE) FLOAT(T, GE)
#define FLOAT_UNARY(T, name)                                                                   \
    case WB_OP_##T##_##name:                                                                   \
        unary(t, IOP_##T##_##name, false);                                                     \
        return true;
#define UNARY(name)                                                                            \
    case WB_OP_##name:                                                                         \
        unary(t, IOP_##name, false);                                                           \
        return true;
#define TRUNCATION(name)                                                                       \
    case WB_OP_##name:                                                                         \
        unary(t, IOP_##name, true);                                                            \
        return true;
#define IS64_I32 false
#define IS64_I64 true
        INTERP_INT_BINARIES(BINARY, I32)
        INTERP_INT_BINARIES(BINARY, I64)
        INTERP_INT_DIVISIONS(DIVISION, I32)
        INTERP_INT_DIVISIONS(DIVISION, I64)
        COMPARES(I32)
        COMPARES(I64)
        INTERP_FLOAT_BINARIES(FLOAT, F32)
        INTERP_FLOAT_BINARIES(FLOAT, F64)
        FLOAT_COMPARES(F32)
        FLOAT_COMPARES(F64)
        INTERP_FLOAT_UNARIES(FLOAT_UNARY, F32)
        INTERP_FLOAT_UNARIES(FLOAT_UNARY, F64)
        INTERP_UNARIES(UNARY)
        INTERP_TRUNCATIONS(TRUNCATION)
    case WB_OP_I32_EQZ:
        eqz(t, IOP_I32_EQ_I);
        return true;
    case WB_OP_I64_EQZ:
    case WB_OP_REF_IS_NULL:
        eqz(t, IOP_I64_EQ_I);
        return true;
    /* The slot is the same: an i32 is zero-extended already, and floats are bits. */
    case WB_OP_I64_EXTEND_I32_U:
    case WB_OP_I32_REINTERPRET_F32:
    case WB_OP_I64_REINTERPRET_F64:
    case WB_OP_F32_REINTERPRET_I32:
    case WB_OP_F64_REINTERPRET_I64:
        return true;
    case WB_OP_I32_CONST:
        tr_push_const(t, in->i32);
        return true;
    case WB_OP_I64_CONST:
        tr_push_const(t, in->i64);
        return true;
    case WB_OP_F32_CONST:
        tr_push_const(t, in->f32);
        return true;
    case WB_OP_F64_CONST:
        tr_push_const(t, in->f64);
        return true;
    default:
        return false;
    }
}

/* Tables, memories and references. Returns false for other instructions. */
static bool translate_object(tr *t, const wb_instr *in)
{
    switch (in->op) {
    case WB_OP_REF_NULL:
        tr_push_const(t, 0);
        return true;
    case WB_OP_REF_FUNC:
        tr_mark(t);
        TR_EMIT_D(t, IOP_REF_FUNC, tr_next_slot(t), in->index);
        tr_push_stack(t, 1);
        return true;
    case WB_OP_REF_AS_NON_NULL:
        op_ref_as_non_null(t);
        return true;
    case WB_OP_TABLE_GET:
        op_table_get(t, in->index);
        return true;
    case WB_OP_TABLE_SET:
        op_table_set(t, in->index);
        return true;
    case WB_OP_TABLE_SIZE:
        TR_EMIT_D(t, IOP_TABLE_SIZE, tr_next_slot(t), in->index);
        tr_push_stack(t, 1);
        return true;
    case WB_OP_TABLE_GROW:
        op_table_grow(t, in->index);
        return true;
    case WB_OP_TABLE_FILL:
        op_bulk(t, IOP_TABLE_FILL, in->index, 0, false);
        return true;
    case WB_OP_TABLE_COPY:
        op_bulk(t, IOP_TABLE_COPY, in->index, in->index2, true);
        return true;
    case WB_OP_TABLE_INIT:
        op_bulk(t, IOP_TABLE_INIT, in->index2, in->index, true);
        return true;
    case WB_OP_ELEM_DROP:
        TR_EMIT(t, IOP_ELEM_DROP, in->index);
        return true;
    case WB_OP_MEMORY_SIZE:
        TR_EMIT_D(t, IOP_MEMORY_SIZE, tr_next_slot(t), in->index);
        tr_push_stack(t, 1);
        return true;
    case WB_OP_MEMORY_GROW:
        op_memory_grow(t, in->index);
        return true;
    case WB_OP_MEMORY_FILL:
        op_bulk(t, IOP_MEMORY_FILL, in->index, 0, false);
        return true;
    case WB_OP_MEMORY_COPY:
        op_bulk(t, IOP_MEMORY_COPY, in->index, in->index2, true);
        return true;
    case WB_OP_MEMORY_INIT:
        op_bulk(t, IOP_MEMORY_INIT, in->index2, in->index, true);
        return true;
    case WB_OP_DATA_DROP:
        TR_EMIT(t, IOP_DATA_DROP, in->index);
        return true;
    case WB_OP_V128_CONST:
        op_v128_const(t, in);
        return true;
    default:
        return false;
    }
}

/* Operands, locals and globals. Returns false for other instructions. */
static bool translate_variable(tr *t, const wb_instr *in)
{
    switch (in->op) {
    case WB_OP_DROP:
        (void)tr_pop(t);
        return true;
    case WB_OP_SELECT:
    case WB_OP_SELECT_T:
        op_select(t);
        return true;
    case WB_OP_LOCAL_GET:
        tr_push_local(t, in->index);
        return true;
    case WB_OP_LOCAL_SET:
    case WB_OP_LOCAL_TEE:
        local_set(t, in->index, in->op == WB_OP_LOCAL_TEE);
        return true;
    case WB_OP_GLOBAL_GET:
        global_get(t, in->index);
        return true;
    case WB_OP_GLOBAL_SET:
        global_set(t, in->index);
        return true;
    default:
        return false;
    }
}

bool tr_plain(tr *t, const wb_instr *in)
{
    if (translate_variable(t, in) || translate_number(t, in) || translate_access(t, in) ||
        translate_object(t, in))
        return true;
    if (wb_op_table[in->op].prefix != 0xfd)
        return false;
    op_simd(t, in);
    return true;
}
