/* Function bodies of a generated module. The types of the operands are known at every place:
 * an instruction is chosen first, and operands that are not there yet are then made for it.
 * Operands come from constants, locals, globals, tables, and small trees of instructions.
 * Source: Core, "Validation", "Instructions". */
#include "generate_body.h"

/* ---- Instructions by what they give ---- */

typedef struct op_list {
    uint16_t ops[256];
    uint32_t count;
} op_list;

enum { LIST_I, LIST_L, LIST_F, LIST_D, LIST_V, LIST_V_I, LIST_MEMORY, LIST_COUNT };
static op_list lists[LIST_COUNT];

static bool is_memory_imm(uint8_t imm)
{
    return imm == WB_IMM_MEM || (imm >= WB_IMM_MEM1 && imm <= WB_IMM_MEM8_LANE);
}

static bool is_const(wb_op op)
{
    return op == WB_OP_I32_CONST || op == WB_OP_I64_CONST || op == WB_OP_F32_CONST ||
           op == WB_OP_F64_CONST || op == WB_OP_V128_CONST;
}

static void lists_fill(void)
{
    static const char letters[] = "ilfdv";

    if (lists[LIST_I].count)
        return;
    for (unsigned op = 0; op < WB_OP_COUNT; op++) {
        const wb_op_info *info = &wb_op_table[op];
        const char *result = strchr(info->sig, '_');
        op_list *list;

        if (!result || is_const((wb_op)op) || info->imm == WB_IMM_DATA ||
            info->imm == WB_IMM_ELEM || op == WB_OP_NOP)
            continue;
        if (is_memory_imm(info->imm))
            list = &lists[LIST_MEMORY];
        else if (result[1] == 'i' && info->prefix == 0xfd)
            list = &lists[LIST_V_I];
        else
            list = &lists[strchr(letters, result[1]) - letters];
        list->ops[list->count++] = (uint16_t)op;
    }
}

/* ---- The stack ---- */

frame *body_top(body *b)
{
    return &b->frames[b->depth - 1];
}

void body_push(body *b, wb_valtype type)
{
    if (b->height < sizeof b->stack / sizeof b->stack[0])
        b->stack[b->height++] = type;
}

void body_push_all(body *b, const wb_valtype *types, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        body_push(b, types[i]);
}

void body_pop(body *b, uint32_t count)
{
    uint32_t there = b->height - body_top(b)->height;

    b->height -= count < there ? count : there;
}

void body_kill(body *b)
{
    body_top(b)->is_dead = true;
    b->height = body_top(b)->height;
}

bool body_has(const body *b, const wb_valtype *types, uint32_t count)
{
    const frame *f = &b->frames[b->depth - 1];
    uint32_t there = b->height - f->height;

    if (count > there && !f->is_dead)
        return false;
    for (uint32_t i = 0; i < count && i < there; i++)
        if (!gen_matches(b->g, b->stack[b->height - 1 - i], types[count - 1 - i]))
            return false;
    return true;
}

/* ---- Making operands ---- */

static wb_valtype letter_type(char letter, wb_valtype addr)
{
    switch (letter) {
    case 'i':
        return WB_I32;
    case 'l':
        return WB_I64;
    case 'f':
        return WB_F32;
    case 'd':
        return WB_F64;
    case 'v':
        return WB_V128;
    default:
        return addr;
    }
}

/* A local or global of the type; UINT32_MAX when there is none.
 *   for_set  its own type must take what has the given one */
static uint32_t find_local(body *b, wb_valtype type, bool for_set)
{
    uint32_t start = gen_below(b->g, b->local_count);

    for (uint32_t i = 0; i < b->local_count; i++) {
        uint32_t local = (start + i) % b->local_count;
        wb_valtype its = b->locals[local];

        if (for_set ? gen_matches(b->g, type, its) : gen_matches(b->g, its, type))
            return local;
    }
    return UINT32_MAX;
}

static uint32_t find_global(body *b, wb_valtype type, bool for_set)
{
    const gen *g = b->g;
    uint32_t start = gen_below(b->g, g->global_count);

    for (uint32_t i = 0; i < g->global_count; i++) {
        uint32_t global = (start + i) % g->global_count;
        wb_valtype its = g->globals[global].type;

        if (for_set ? g->globals[global].is_mutable && gen_matches(g, type, its)
                    : gen_matches(g, its, type))
            return global;
    }
    return UINT32_MAX;
}

void body_index(body *b, wb_op op, uint32_t index)
{
    gen_op(b->out, op);
    gen_u(b->out, index);
}

void body_make_ref(body *b, wb_valtype type)
{
    uint32_t heap = wb_valtype_heap(type), func;
    bool is_func = heap == WB_HEAP_FUNC || heap >= WB_HEAP_DEFINED;

    if (is_func && (gen_chance(b->g, 200) || !wb_valtype_is_nullable(type)) &&
        (func = gen_func_of(b->g, heap)) != UINT32_MAX) {
        body_index(b, WB_OP_REF_FUNC, func);
        return;
    }
    gen_op(b->out, WB_OP_REF_NULL);
    gen_heaptype(b->out, heap);
    if (!wb_valtype_is_nullable(type))
        gen_op(b->out, WB_OP_REF_AS_NON_NULL); /* it traps, but is valid */
}

void body_make_small(body *b, wb_valtype type, uint32_t bound)
{
    gen_op(b->out, type == WB_I64 ? WB_OP_I64_CONST : WB_OP_I32_CONST);
    gen_s(b->out, gen_below(b->g, bound + (gen_byte(b->g) > 240)));
}

/* A constant around a bound: of the memory, of its pages, of 32 bits. */
static void make_bound(body *b, wb_valtype type, uint32_t pages)
{
    static const uint64_t bounds[] = {65536, 131072, 0x80000000, 0x100000000, 1ull << 63, 0};
    uint32_t which = gen_below(b->g, 10);
    uint64_t bound = which < 6 ? bounds[which] : pages * 65536ull;

    bound += gen_below(b->g, 4) - (uint64_t)gen_below(b->g, 20);
    gen_op(b->out, type == WB_I64 ? WB_OP_I64_CONST : WB_OP_I32_CONST);
    gen_s(b->out, type == WB_I64 ? (int64_t)bound : (int32_t)(uint32_t)bound);
}

/* An address in a memory: a constant, or any value cut to fit. In a loop that counts it often
 * goes with the counter. */
static void make_addr(body *b, wb_valtype type, unsigned depth)
{
    if (b->counters && gen_chance(b->g, 130)) {
        body_index(b, WB_OP_LOCAL_GET, b->local_count + b->counters - 1);
        if (type == WB_I64)
            gen_op(b->out, WB_OP_I64_EXTEND_I32_U);
        body_make_small(b, type, 20);
        gen_op(b->out, type == WB_I64 ? WB_OP_I64_MUL : WB_OP_I32_MUL);
        return;
    }
    if (depth == 0 || gen_chance(b->g, 120)) {
        body_make_small(b, type, 65536 - 16);
        return;
    }
    body_make(b, type, depth - 1);
    gen_op(b->out, type == WB_I64 ? WB_OP_I64_CONST : WB_OP_I32_CONST);
    gen_s(b->out, 0x7fff);
    gen_op(b->out, type == WB_I64 ? WB_OP_I64_AND : WB_OP_I32_AND);
}

static bool may_trap(wb_op op)
{
    const char *text = wb_op_table[op].text;

    return strstr(text, ".div_") || strstr(text, ".rem_") ||
           (strstr(text, ".trunc_f") && !strstr(text, "sat"));
}

/* x = x ? x : nan, with a local of the type; vectors lane by lane. */
static void plain_nan(body *b, wb_op konst, wb_op equal, wb_op choose, uint32_t local,
                      bool is_double, unsigned lanes)
{
    static const uint8_t nan[8] = {0, 0, 0, 0, 0, 0, 0xf8, 0x7f}, half[4] = {0, 0, 0xc0, 0x7f};

    body_index(b, WB_OP_LOCAL_TEE, local);
    gen_op(b->out, konst);
    for (unsigned i = 0; i < lanes; i++)
        gen_bytes(b->out, is_double ? nan : half, is_double ? 8 : 4);
    body_index(b, WB_OP_LOCAL_GET, local);
    body_index(b, WB_OP_LOCAL_GET, local);
    gen_op(b->out, equal);
    gen_op(b->out, choose);
}

void body_plain_nan(body *b, wb_op op)
{
    const char *text = wb_op_table[op].text, *result = strchr(wb_op_table[op].sig, '_');
    uint32_t local = b->local_count + COUNTERS;
    bool is_double = strncmp(text, "f64", 3) == 0;

    if (!b->g->style.plain_nans || text[0] != 'f')
        return;
    if (result[1] == 'f')
        plain_nan(b, WB_OP_F32_CONST, WB_OP_F32_EQ, WB_OP_SELECT, local, false, 1);
    else if (result[1] == 'd')
        plain_nan(b, WB_OP_F64_CONST, WB_OP_F64_EQ, WB_OP_SELECT, local + 1, true, 1);
    else if (result[1] == 'v')
        plain_nan(b, WB_OP_V128_CONST, is_double ? WB_OP_F64X2_EQ : WB_OP_F32X4_EQ,
                  WB_OP_V128_BITSELECT, local + 2, is_double, is_double ? 2 : 4);
}

/* An instruction of the list that the style allows. */
static wb_op any_op(body *b, const op_list *list)
{
    wb_op op = (wb_op)list->ops[gen_below(b->g, list->count)];
    bool is_relaxed = wb_op_table[op].prefix == 0xfd && wb_op_table[op].code >= 0x100;

    return is_relaxed && b->g->style.no_relaxed ? (wb_op)list->ops[0] : op;
}

static void write_lane(body *b, unsigned lanes)
{
    gen_u8(b->out, gen_below(b->g, lanes));
}

/* Immediates of instructions with a signature, other than constants and memory accesses. */
static void write_imm(body *b, uint8_t imm)
{
    static const uint8_t lanes[] = {2, 4, 8, 16};

    if (imm >= WB_IMM_LANE2 && imm <= WB_IMM_LANE16)
        write_lane(b, lanes[imm - WB_IMM_LANE2]);
    else if (imm == WB_IMM_LANES16)
        for (unsigned i = 0; i < 16; i++)
            write_lane(b, 32);
}

/* What programs consist of: arithmetic of whole numbers. */
static wb_op usual_op(body *b, bool is_long)
{
    static const wb_op ops[] = {
        WB_OP_I32_ADD,   WB_OP_I32_SUB,  WB_OP_I32_MUL,  WB_OP_I32_AND,
        WB_OP_I32_OR,    WB_OP_I32_XOR,  WB_OP_I32_SHL,  WB_OP_I32_SHR_S,
        WB_OP_I32_SHR_U, WB_OP_I32_EQZ,  WB_OP_I32_EQ,   WB_OP_I32_LT_S,
        WB_OP_I32_LT_U,  WB_OP_I32_GE_U, WB_OP_I64_LT_S, WB_OP_I64_GT_U};
    static const wb_op longs[] = {
        WB_OP_I64_ADD,          WB_OP_I64_SUB,         WB_OP_I64_MUL,   WB_OP_I64_AND,
        WB_OP_I64_OR,           WB_OP_I64_SHL,         WB_OP_I64_SHR_S, WB_OP_I64_SHR_U,
        WB_OP_I64_EXTEND_I32_S, WB_OP_I64_EXTEND_I32_U};

    return is_long ? longs[gen_below(b->g, 10)] : ops[gen_below(b->g, 16)];
}

/* An instruction that gives the type, with its operands. */
static void make_tree(body *b, wb_valtype type, unsigned depth)
{
    unsigned which = type == WB_I32   ? LIST_I
                     : type == WB_I64 ? LIST_L
                     : type == WB_F32 ? LIST_F
                     : type == WB_F64 ? LIST_D
                                      : LIST_V;
    const op_list *list = &lists[which == LIST_I && gen_chance(b->g, 50) ? LIST_V_I : which];
    wb_op op = any_op(b, list);
    const char *sig;

    if (may_trap(op) && !gen_chance(b->g, 60))
        op = any_op(b, list);
    if ((type == WB_I32 || type == WB_I64) && gen_chance(b->g, 120))
        op = usual_op(b, type == WB_I64);
    sig = wb_op_table[op].sig;
    for (; *sig != '_'; sig++)
        body_make(b, letter_type(*sig, WB_I32), depth - 1);
    gen_op(b->out, op);
    write_imm(b, wb_op_table[op].imm);
    body_plain_nan(b, op);
}

void body_make(body *b, wb_valtype type, unsigned depth)
{
    uint32_t choice = gen_below(b->g, 8), index;

    if (b->out->len > GEN_BODY_MAX)
        choice = 0;
    if (choice >= 5 && depth > 0 && !wb_valtype_is_ref(type)) {
        make_tree(b, type, depth);
    } else if (choice == 2 && type == WB_I32 && b->counters) {
        body_index(b, WB_OP_LOCAL_GET, b->local_count + gen_below(b->g, b->counters));
    } else if (choice >= 2 && (index = find_local(b, type, false)) != UINT32_MAX) {
        body_index(b, WB_OP_LOCAL_GET, index);
    } else if (choice == 1 && (index = find_global(b, type, false)) != UINT32_MAX) {
        body_index(b, WB_OP_GLOBAL_GET, index);
    } else if (wb_valtype_is_ref(type)) {
        body_make_ref(b, type);
    } else {
        gen_const(b->g, b->out, type);
    }
}

void body_need(body *b, const wb_valtype *types, uint32_t count)
{
    uint32_t there = count;

    while (there > 0 && !body_has(b, types, there))
        there--;
    if (there == count && count && body_top(b)->is_dead && gen_chance(b->g, 128))
        there = 0;
    for (uint32_t i = there; i < count; i++) {
        body_make(b, types[i], 2);
        body_push(b, types[i]);
    }
}

static void need1(body *b, wb_valtype type)
{
    body_need(b, &type, 1);
}

void body_shed(body *b)
{
    wb_valtype type = b->stack[b->height - 1];
    uint32_t index;

    if (gen_chance(b->g, 150) && (index = find_local(b, type, true)) != UINT32_MAX)
        body_index(b, WB_OP_LOCAL_SET, index);
    else if (gen_chance(b->g, 100) && (index = find_global(b, type, true)) != UINT32_MAX)
        body_index(b, WB_OP_GLOBAL_SET, index);
    else
        gen_op(b->out, WB_OP_DROP);
    b->height--;
}

/* ---- Plain instructions ---- */

static void step_make(body *b)
{
    static const wb_valtype types[] = {WB_I32, WB_I64,     WB_F32,       WB_F64,
                                       WB_I32, WB_FUNCREF, WB_EXTERNREF, WB_EXNREF};
    wb_valtype type = types[gen_below(b->g, 8)];

    body_make(b, type, 3);
    body_push(b, type);
}

static void step_vector(body *b)
{
    body_make(b, WB_V128, 3);
    body_push(b, WB_V128);
}

/* An instruction whose operands may be on the stack already. */
static void step_op(body *b)
{
    const op_list *list = &lists[gen_below(b->g, LIST_MEMORY)];
    wb_op op = any_op(b, list);
    const char *sig = wb_op_table[op].sig;
    wb_valtype types[4];
    uint32_t count = 0;

    if (may_trap(op) && !gen_chance(b->g, 60))
        return;
    for (; *sig != '_'; sig++)
        types[count++] = letter_type(*sig, WB_I32);
    body_need(b, types, count);
    gen_op(b->out, op);
    write_imm(b, wb_op_table[op].imm);
    body_plain_nan(b, op);
    body_pop(b, count);
    if (sig[1])
        body_push(b, letter_type(sig[1], WB_I32));
}

static void step_local(body *b)
{
    uint32_t local = gen_below(b->g, b->local_count);

    if (b->local_count == 0)
        return;
    switch (gen_below(b->g, 3)) {
    case 0:
        body_index(b, WB_OP_LOCAL_GET, local);
        body_push(b, b->locals[local]);
        break;
    case 1:
        need1(b, b->locals[local]);
        body_index(b, WB_OP_LOCAL_SET, local);
        body_pop(b, 1);
        break;
    default:
        need1(b, b->locals[local]);
        body_index(b, WB_OP_LOCAL_TEE, local);
        body_pop(b, 1);
        body_push(b, b->locals[local]);
        break;
    }
}

static void step_global(body *b)
{
    uint32_t global = gen_below(b->g, b->g->global_count);

    if (b->g->global_count == 0)
        return;
    if (b->g->globals[global].is_mutable && gen_chance(b->g, 128)) {
        need1(b, b->g->globals[global].type);
        body_index(b, WB_OP_GLOBAL_SET, global);
        body_pop(b, 1);
    } else {
        body_index(b, WB_OP_GLOBAL_GET, global);
        body_push(b, b->g->globals[global].type);
    }
}

static void step_drop(body *b)
{
    if (b->height > body_top(b)->height)
        body_shed(b);
    else if (body_top(b)->is_dead)
        gen_op(b->out, WB_OP_DROP);
}

static void step_select(body *b)
{
    static const wb_valtype plain[] = {WB_I32, WB_I64, WB_F32, WB_F64, WB_V128, WB_FUNCREF};
    uint32_t choice = gen_below(b->g, 8);
    wb_valtype type = plain[choice < 6 ? choice : 0];
    wb_valtype operands[3];

    if (choice >= 6 && b->local_count)
        type = b->locals[gen_below(b->g, b->local_count)];
    operands[0] = operands[1] = type;
    operands[2] = WB_I32;
    body_need(b, operands, 3);
    if (wb_valtype_is_ref(type) || gen_chance(b->g, 60)) {
        gen_op(b->out, WB_OP_SELECT_T);
        gen_u(b->out, 1);
        gen_valtype(b->out, type);
    } else {
        gen_op(b->out, WB_OP_SELECT);
    }
    body_pop(b, 3);
    body_push(b, type);
}

/* ---- Memories and tables ---- */

static void write_access(body *b, wb_op op, uint32_t memory)
{
    static const uint8_t sizes[] = {0, 1, 2, 3, 4, 0, 1, 2, 3}; /* log2, from MEM1 on */
    uint8_t imm = wb_op_table[op].imm;
    unsigned log2_size = sizes[imm - WB_IMM_MEM1];
    static const uint64_t far[] = {65536,      0x7fffffff, 0x80000000, UINT32_MAX,
                                   UINT64_MAX, 1ull << 32, 1ull << 33, 1ull << 63};
    uint64_t offset = gen_below(b->g, 16);

    if (gen_chance(b->g, 6))
        offset = far[gen_below(b->g, b->g->memories[memory].is64 ? 8 : 4)] - offset;
    else if (gen_chance(b->g, 8))
        offset = b->g->memories[memory].min * 65536ull + offset - gen_below(b->g, 24);
    if (!b->g->memories[memory].is64)
        offset &= UINT32_MAX;
    gen_u(b->out, gen_below(b->g, log2_size + 1) | (memory ? 0x40u : 0u));
    if (memory)
        gen_u(b->out, memory);
    gen_u(b->out, offset);
    if (imm >= WB_IMM_MEM1_LANE)
        write_lane(b, 16u >> log2_size);
}

/* Loads, stores, memory.size, .grow and .fill. Addresses are mostly made to fit. */
static void step_memory(body *b)
{
    const op_list *list = &lists[LIST_MEMORY];
    wb_op op = (wb_op)list->ops[gen_below(b->g, list->count)];
    const wb_op_info *info = &wb_op_table[op];
    const char *sig = info->sig;
    uint32_t memory = gen_below(b->g, b->g->memory_count), count = 0;
    wb_valtype addr, types[4];
    bool as_it_is = gen_chance(b->g, 12);

    if (b->g->memory_count == 0)
        return;
    addr = gen_addr(b->g->memories[memory].is64);
    for (; *sig != '_'; sig++)
        types[count++] = letter_type(*sig, addr);
    if (as_it_is)
        body_need(b, types, count);
    for (uint32_t i = 0; !as_it_is && i < count; i++) {
        if (op == WB_OP_MEMORY_GROW || i == 2)
            body_make_small(b, addr, op == WB_OP_MEMORY_GROW ? 2 : 300);
        else if (i == 0 && gen_chance(b->g, 8))
            make_bound(b, addr, b->g->memories[memory].min);
        else if (i == 0)
            make_addr(b, addr, 2);
        else
            body_make(b, types[i], 2);
        body_push(b, types[i]);
    }
    gen_op(b->out, op);
    if (info->imm == WB_IMM_MEM)
        gen_u(b->out, memory);
    else
        write_access(b, op, memory);
    body_pop(b, count);
    if (sig[1])
        body_push(b, letter_type(sig[1], addr));
}

/* memory.copy, .init, data.drop. */
static void step_bulk(body *b)
{
    gen *g = b->g;
    uint32_t to = gen_below(g, g->memory_count), from = gen_below(g, g->memory_count);
    uint32_t data = gen_below(g, g->data_count);
    bool is_narrow;

    if (g->memory_count == 0)
        return;
    is_narrow = !g->memories[to].is64 || !g->memories[from].is64;
    if (g->data_count && gen_chance(g, 128)) {
        if (gen_chance(g, 60)) {
            body_index(b, WB_OP_DATA_DROP, data);
            return;
        }
        make_addr(b, gen_addr(g->memories[to].is64), 1);
        body_make_small(b, WB_I32, 8);
        body_make_small(b, WB_I32, 12);
        body_index(b, WB_OP_MEMORY_INIT, data);
        gen_u(b->out, to);
        return;
    }
    make_addr(b, gen_addr(g->memories[to].is64), 1);
    make_addr(b, gen_addr(g->memories[from].is64), 1);
    body_make_small(b, gen_addr(!is_narrow), 500);
    body_index(b, WB_OP_MEMORY_COPY, to);
    gen_u(b->out, from);
}

static void step_table(body *b)
{
    gen *g = b->g;
    uint32_t index = gen_below(g, g->table_count);
    const gen_table *t = &g->tables[index];
    wb_valtype addr = gen_addr(t->is64);

    if (g->table_count == 0)
        return;
    switch (gen_below(g, 5)) {
    case 0:
        body_make_small(b, addr, t->min);
        body_index(b, WB_OP_TABLE_GET, index);
        body_push(b, t->elem);
        break;
    case 1:
        body_make_small(b, addr, t->min);
        body_make(b, t->elem, 1);
        body_index(b, WB_OP_TABLE_SET, index);
        break;
    case 2:
        body_index(b, WB_OP_TABLE_SIZE, index);
        body_push(b, addr);
        break;
    case 3:
        body_make(b, t->elem, 1);
        body_make_small(b, addr, 6);
        body_index(b, WB_OP_TABLE_GROW, index);
        body_push(b, addr);
        break;
    default:
        body_make_small(b, addr, t->min);
        body_make(b, t->elem, 1);
        body_make_small(b, addr, 3);
        body_index(b, WB_OP_TABLE_FILL, index);
        break;
    }
}

/* table.copy, .init, elem.drop. */
static void step_table_bulk(body *b)
{
    gen *g = b->g;
    uint32_t to = gen_below(g, g->table_count), from = gen_below(g, g->table_count);
    uint32_t elem = gen_below(g, g->elem_count);

    if (g->table_count == 0)
        return;
    if (g->elem_count && gen_chance(g, 30)) {
        body_index(b, WB_OP_ELEM_DROP, elem);
    } else if (g->elem_count && gen_matches(g, g->elems[elem], g->tables[to].elem)) {
        body_make_small(b, gen_addr(g->tables[to].is64), g->tables[to].min);
        body_make_small(b, WB_I32, 3);
        body_make_small(b, WB_I32, 3);
        body_index(b, WB_OP_TABLE_INIT, elem);
        gen_u(b->out, to);
    } else if (gen_matches(g, g->tables[from].elem, g->tables[to].elem)) {
        body_make_small(b, gen_addr(g->tables[to].is64), g->tables[to].min);
        body_make_small(b, gen_addr(g->tables[from].is64), g->tables[from].min);
        body_make_small(b, gen_addr(g->tables[to].is64 && g->tables[from].is64), 4);
        body_index(b, WB_OP_TABLE_COPY, to);
        gen_u(b->out, from);
    }
}

/* ---- The body ---- */

typedef void (*step)(body *b);

static const step steps[] = {
    step_make,
    step_make,
    step_op,
    step_op,
    step_op,
    step_op,
    step_op,
    step_vector,
    step_local,
    step_local,
    step_local,
    step_global,
    step_drop,
    step_drop,
    step_select,
    step_memory,
    step_memory,
    step_memory,
    step_memory,
    step_bulk,
    step_table,
    step_table,
    step_table_bulk,
    body_step_br,
    body_step_br_if,
    body_step_br_if,
    body_step_br_if,
    body_step_br_table,
    body_step_br_on_null,
    body_step_ref,
    body_step_call,
    body_step_call,
    body_step_call_ref,
    body_step_call_indirect,
    body_step_block,
    body_step_block,
    body_step_block,
    body_step_counted_loop,
    body_step_counted_loop,
    body_step_try_table,
    body_step_try_table,
    body_step_throw,
    body_step_unreachable,
    body_step_close,
    body_step_close,
    body_step_close,
    body_step_close,
};

static void write_locals(body *b)
{
    static const wb_valtype types[] = {WB_I32,  WB_I64,     WB_F32,       WB_F64,
                                       WB_V128, WB_FUNCREF, WB_EXTERNREF, WB_EXNREF};
    uint32_t runs = gen_below(b->g, 5);
    bool plain_nans = b->g->style.plain_nans;

    gen_u(b->out, runs + (plain_nans ? 4 : 1));
    for (uint32_t i = 0; i < runs; i++) {
        uint32_t count = gen_below(b->g, 3);
        wb_valtype type = types[gen_below(b->g, 8)];

        gen_u(b->out, count);
        gen_valtype(b->out, type);
        for (uint32_t k = 0; k < count; k++)
            b->locals[b->local_count++] = type;
    }
    gen_u(b->out, COUNTERS);
    gen_valtype(b->out, WB_I32);
    for (unsigned i = 0; plain_nans && i < 3; i++) {
        gen_u(b->out, 1);
        gen_valtype(b->out, types[2 + i]);
    }
}

/* What ends a function seldom stands at its outermost level. */
static void any_step(body *b)
{
    step chosen = steps[gen_below(b->g, sizeof steps / sizeof steps[0])];
    bool is_end = chosen == body_step_br || chosen == body_step_br_table ||
                  chosen == body_step_throw || chosen == body_step_unreachable;

    if (!is_end || b->depth > 1 || gen_chance(b->g, 24))
        chosen(b);
}

/* What cannot be reached shall be short: end the block, or the body. Returns false for that. */
static bool leave_dead(body *b)
{
    if (!body_top(b)->is_dead || !gen_chance(b->g, 170))
        return true;
    if (b->depth == 1)
        return false;
    body_step_close(b);
    return true;
}

/* Too many operands: take away those of this block, and end it. */
static void shed_all(body *b)
{
    while (b->height > body_top(b)->height)
        body_shed(b);
    body_step_close(b);
}

void gen_body(gen *g, uint32_t func)
{
    body b = {.g = g, .out = &g->body, .type = &g->types[g->funcs[func]]};
    uint32_t count = gen_below(g, 80);

    lists_fill();
    b.is_legacy = gen_chance(g, 90);
    if (g->style.one_encoding)
        b.is_legacy = g->is_legacy;
    b.local_count = b.type->param_count;
    memcpy(b.locals, b.type->params, sizeof b.type->params);
    write_locals(&b);
    b.frames[0] = (frame){.kind = FRAME_BLOCK, .type = *b.type};
    b.frames[0].type.param_count = 0;
    b.depth = 1;
    for (uint32_t i = 0; i < count && b.out->len < GEN_BODY_MAX && leave_dead(&b); i++) {
        if (b.height > STACK_MAX)
            shed_all(&b);
        else
            any_step(&b);
    }
    while (b.depth > 0)
        body_close_part(&b, false);
}
