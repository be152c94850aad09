/* Translation of control: blocks, branches, calls, exceptions, and the fuel that is charged
 * where they begin. What a branch carries is put into its target's slots before it is taken;
 * settling for a conditional branch comes before it, so that the translator's picture of the
 * operands does not depend on the way taken. The instructions in between are in
 * translate_plain.c.  Source: Core, "Control Instructions"; the legacy exception handling
 * proposal. */
#include "interp/translate.h"

/* ---- Fuel ---- */

/* Begin a block of instructions that is charged as one (wasm/cost.def). */
void tr_charge_begin(tr *t)
{
    if (!t->metering)
        return;
    t->charge_at = t->words.count;
    tr_mark(t);
    TR_EMIT(t, IOP_CHARGE, 0);
    tr_barrier(t);
}

void tr_charge(tr *t, wb_op op)
{
    if (t->charge_at != UINT32_MAX && !t->failed)
        tr_words(t)[t->charge_at + 1] += wb_op_cost[op];
}

/* ---- Regions ---- */

static void region_set(tr *t, uint32_t region)
{
    interp_mark *spans = t->spans.data;

    if (t->spans.count && spans[t->spans.count - 1].value == region)
        return;
    if (!t->spans.count && region == INTERP_NO_REGION)
        return;
    if (tr_push(t, &t->spans, sizeof(interp_mark)))
        ((interp_mark *)t->spans.data)[t->spans.count - 1] =
            (interp_mark){t->words.count, region};
    tr_barrier(t);
}

static uint32_t region_new(tr *t, uint32_t parent)
{
    if (tr_push(t, &t->regions, sizeof(interp_region)))
        ((interp_region *)t->regions.data)[t->regions.count - 1] =
            (interp_region){.parent = parent};
    return t->regions.count - 1;
}

static uint32_t clause_new(tr *t, uint32_t region, interp_clause c)
{
    if (tr_push(t, &t->clauses, sizeof(tr_clause)))
        ((tr_clause *)t->clauses.data)[t->clauses.count - 1] = (tr_clause){region, c};
    return t->clauses.count - 1;
}

/* ---- Blocks ---- */

static const wb_valtype *block_results(const tr_block *b)
{
    return b->results ? b->results : &b->result;
}

/* Types that a branch to the block carries. */
static const wb_valtype *label_types(const tr_block *b, uint32_t *count)
{
    *count = b->kind == WB_OP_LOOP ? b->param_count : b->result_count;
    return b->kind == WB_OP_LOOP ? b->params : block_results(b);
}

static void push_types(tr *t, const wb_valtype *types, uint32_t count)
{
    for (uint32_t i = 0; i < count && !t->failed; i++)
        tr_push_stack(t, wb_valtype_slots(types[i]));
}

static uint32_t types_slots(const wb_valtype *types, uint32_t count)
{
    uint32_t slots = 0;

    for (uint32_t i = 0; i < count; i++)
        slots += wb_valtype_slots(types[i]);
    return slots;
}

void tr_block_open(tr *t, wb_op kind, const wb_blocktype *type)
{
    tr_block b = {.kind = kind, .region = INTERP_NO_REGION, .own_region = INTERP_NO_REGION};

    if (type->is_index) {
        const wb_functype *f = t->m->types[type->index].func;

        b.params = f->params;
        b.param_count = f->param_count;
        b.results = f->results;
        b.result_count = f->result_count;
    } else if (type->result != WB_VALTYPE_NONE) {
        b.result = type->result;
        b.result_count = 1;
    }
    tr_settle_top(t, b.param_count);
    tr_settle_locals(t);
    b.height = t->stack.count - b.param_count;
    b.base =
        b.param_count && t->stack.count ? tr_top(t, b.param_count - 1)->slot : tr_next_slot(t);
    if (t->blocks.count)
        b.region = tr_block_at(t, 0)->region;
    if (tr_push(t, &t->blocks, sizeof b))
        *tr_block_at(t, 0) = b;
}

/* What follows cannot be reached. */
static void dead_end(tr *t)
{
    tr_block_at(t, 0)->dead = true;
    t->charge_at = UINT32_MAX;
    tr_barrier(t);
}

/* The topmost n operands' values go to the slots from `base` on. They stay on the stack;
 * several go through their own slots first. */
static void move_values(tr *t, uint32_t base, const wb_valtype *types, uint32_t n)
{
    if (n == 1) {
        tr_operand o = *tr_top(t, 0);

        if (o.place != TR_STACK || o.slot != base)
            tr_move(t, base, &o);
    } else if (n > 1) {
        uint32_t from;

        tr_settle_top(t, n);
        from = tr_top(t, n - 1)->slot;
        if (from != base)
            TR_EMIT(t, IOP_MOVE_N, base, from, types_slots(types, n));
    }
}

/* Before code that runs only if a branch is taken: settle there and then what would be settled
 * on that way alone, although the translator goes on as if it always were. */
static void settle_for_branch(tr *t, uint32_t n)
{
    if (n > 1 || (n == 1 && tr_top(t, 0)->width > 1))
        tr_settle_top(t, n);
}

static bool values_in_place(tr *t, uint32_t base, uint32_t n)
{
    if (n == 0)
        return true;
    return tr_top(t, n - 1)->slot == base && (n > 1 || tr_top(t, 0)->place == TR_STACK);
}

/* Return the topmost operands. They stay on the stack. */
static void emit_return(tr *t)
{
    uint32_t n = t->type->result_count;

    if (n == 0) {
        tr_emit(t, IOP_RETURN_0, false, NULL, 0);
    } else if (n == 1 && t->type->result_slots == 1) {
        TR_EMIT(t, IOP_RETURN_1, tr_read(t, tr_top(t, 0)));
    } else {
        tr_settle_top(t, n);
        TR_EMIT(t, IOP_RETURN_N, tr_top(t, n - 1)->slot, t->type->result_slots);
    }
}

/* The word at `at` becomes the distance from `from` to the block's label. */
static void aim(tr *t, uint32_t depth, uint32_t at, uint32_t from)
{
    tr_block *b = tr_block_at(t, depth);

    if (b->kind == WB_OP_LOOP)
        tr_words(t)[at] = b->start - from;
    else
        tr_fixup_add(t, &b->fixups, at, from);
}

static bool is_outermost(const tr *t, uint32_t depth)
{
    return depth + 1 == t->blocks.count;
}

/* Jump to a label, the values being in place. */
static void emit_jump(tr *t, uint32_t depth)
{
    uint32_t from = t->words.count;

    tr_mark(t);
    TR_EMIT(t, tr_block_at(t, depth)->kind == WB_OP_LOOP ? IOP_BR_LOOP : IOP_BR, 0);
    if (!t->failed)
        aim(t, depth, from + 1, from);
}

static void branch(tr *t, uint32_t depth)
{
    uint32_t n;
    const wb_valtype *types = label_types(tr_block_at(t, depth), &n);

    if (is_outermost(t, depth)) {
        emit_return(t);
        return;
    }
    move_values(t, tr_block_at(t, depth)->base, types, n);
    emit_jump(t, depth);
}

/* ---- Conditions ---- */

/* A condition on its way into a branch: an instruction's branching form and its operands. */
typedef struct condition {
    interp_op op; /* branches when the condition holds */
    bool is_compare;
    uint32_t a;
    uint32_t b;
} condition;

/* Pop an i32 condition; a comparison that made it is taken back. */
static condition condition_take(tr *t, bool wanted)
{
    tr_operand o = tr_pop(t);
    condition c = {.op = wanted ? IOP_BR_IF : IOP_BR_UNLESS};
    interp_op first;
    uint32_t size;

    if (t->failed)
        return c;
    if (tr_is_last_result(t, &o) && tr_compare_family(t->last_op, &first, &size)) {
        interp_op op = wanted ? t->last_op : tr_compare_opposite(t->last_op, first);

        c.is_compare = true;
        c.op = (interp_op)((uint32_t)op + size); /* value forms, then as many branch forms */
        c.a = tr_words(t)[t->last_at + 2];
        c.b = tr_words(t)[t->last_at + 3];
        tr_rewind(t);
    } else {
        c.a = tr_read(t, &o);
    }
    return c;
}

/* The form that polls, for jumping back. */
static interp_op condition_loop_op(interp_op op)
{
    switch (op) {
    case IOP_BR_IF:
        return IOP_BR_IF_LOOP;
    case IOP_BR_UNLESS:
        return IOP_BR_UNLESS_LOOP;
    default:
        if ((op >= IOP_BR_F32_EQ && op < IOP_BR_F32_EQ + 10) ||
            (op >= IOP_BR_F64_EQ && op < IOP_BR_F64_EQ + 10))
            return (interp_op)(op + 10);
        return (interp_op)(op + 20);
    }
}

/* Emit the branch; returns the word that takes the distance from *from. */
static uint32_t condition_emit(tr *t, const condition *c, bool loop, uint32_t *from)
{
    interp_op op = loop ? condition_loop_op(c->op) : c->op;

    *from = t->words.count;
    if (loop)
        tr_mark(t);
    if (c->is_compare)
        TR_EMIT(t, op, c->a, c->b, 0);
    else
        TR_EMIT(t, op, c->a, 0);
    tr_barrier(t);
    return t->words.count - 1;
}

/* Branch to a label if `c` holds; `unless` is its opposite. */
static void branch_if(tr *t, uint32_t depth, const condition *c, const condition *unless)
{
    tr_block *b = tr_block_at(t, depth);
    uint32_t n;
    const wb_valtype *types = label_types(b, &n);
    uint32_t at;
    uint32_t from;
    uint32_t skip = 0;

    settle_for_branch(t, n);
    if (t->failed)
        return;
    if (!is_outermost(t, depth) && values_in_place(t, b->base, n)) {
        at = condition_emit(t, c, b->kind == WB_OP_LOOP, &from);
        if (!t->failed)
            aim(t, depth, at, from);
        return;
    }
    at = condition_emit(t, unless, false, &from);
    tr_fixup_add(t, &skip, at, from);
    if (is_outermost(t, depth)) {
        emit_return(t);
    } else {
        move_values(t, b->base, types, n);
        emit_jump(t, depth);
    }
    tr_bind(t, &skip);
}

static void br_if(tr *t, uint32_t depth)
{
    condition c = condition_take(t, true);
    condition unless = c;

    if (c.is_compare) {
        /* Branch forms stand in the same pairs, tens from the family's beginning. */
        static const interp_op firsts[] = {IOP_BR_I32_EQ,   IOP_BR_I32_EQ_I, IOP_BR_I64_EQ,
                                           IOP_BR_I64_EQ_I, IOP_BR_F32_EQ,   IOP_BR_F64_EQ};

        for (size_t i = 0; i < sizeof firsts / sizeof firsts[0]; i++)
            if (c.op >= firsts[i] && c.op < firsts[i] + 10)
                unless.op = tr_compare_opposite(c.op, firsts[i]);
    } else {
        unless.op = IOP_BR_UNLESS;
    }
    branch_if(t, depth, &c, &unless);
    tr_charge_begin(t);
}

/* br_on_null and br_on_non_null: the reference goes with the branch, or stays if there is none.
 */
static void br_on_null(tr *t, uint32_t depth, bool non_null)
{
    condition unless = {.op = non_null ? IOP_BR_UNLESS64 : IOP_BR_IF64};
    tr_operand o;
    uint32_t at;
    uint32_t from;
    uint32_t n;
    uint32_t skip = 0;

    (void)label_types(tr_block_at(t, depth), &n);
    tr_settle_top(t, 1);
    if (t->failed)
        return;
    o = *tr_top(t, 0);
    unless.a = o.slot;
    if (!non_null)
        (void)tr_pop(t);
    settle_for_branch(t, n);
    if (t->failed)
        return;
    at = condition_emit(t, &unless, false, &from);
    tr_fixup_add(t, &skip, at, from);
    branch(t, depth);
    tr_bind(t, &skip);
    if (non_null)
        (void)tr_pop(t);
    else
        tr_push_stack(t, o.width);
    tr_charge_begin(t);
}

static bool table_has_loop(tr *t, const wb_instr *in)
{
    const uint8_t *cursor = in->list;

    for (uint32_t i = 0; i <= in->count; i++)
        if (tr_block_at(t, wb_label_next(&cursor))->kind == WB_OP_LOOP)
            return true;
    return false;
}

/* Entries whose values are in place go straight to their label, the others by a stub behind the
 * table, one for each label. Several values have been settled, so a stub is of bounded size. */
static void br_table(tr *t, const wb_instr *in)
{
    tr_operand index = tr_pop(t);
    uint32_t slot = tr_read(t, &index);
    const uint8_t *cursor = in->list;
    uint32_t from;
    uint32_t arity;

    (void)label_types(tr_block_at(t, wb_label_next(&cursor)), &arity);
    settle_for_branch(t, arity);
    from = t->words.count;
    tr_mark(t);
    TR_EMIT(t, table_has_loop(t, in) ? IOP_BR_TABLE_LOOP : IOP_BR_TABLE, slot, in->count);
    cursor = in->list;
    for (uint32_t i = 0; i <= in->count && !t->failed; i++) {
        uint32_t depth = wb_label_next(&cursor);
        uint32_t at = t->words.count;
        tr_block *b = tr_block_at(t, depth);

        if (tr_push(t, &t->words, sizeof(uint32_t)))
            tr_words(t)[at] = 0;
        if (t->failed)
            break;
        if (!is_outermost(t, depth) && values_in_place(t, b->base, arity))
            aim(t, depth, at, from);
        else
            tr_fixup_add(t, &b->stub, at, from);
    }
    cursor = in->list;
    for (uint32_t i = 0; i <= in->count && !t->failed; i++) {
        uint32_t depth = wb_label_next(&cursor);

        if (tr_block_at(t, depth)->stub) {
            tr_bind(t, &tr_block_at(t, depth)->stub);
            branch(t, depth);
        }
    }
    dead_end(t);
}

/* ---- Structured control ---- */

static void op_loop(tr *t, const wb_instr *in)
{
    tr_block_open(t, WB_OP_LOOP, &in->block);
    if (t->failed)
        return;
    tr_barrier(t);
    tr_block_at(t, 0)->start = t->words.count;
    tr_charge_begin(t);
}

static void op_if(tr *t, const wb_instr *in)
{
    condition c = condition_take(t, false);
    uint32_t at;
    uint32_t from;

    tr_block_open(t, WB_OP_IF, &in->block);
    if (t->failed)
        return;
    at = condition_emit(t, &c, false, &from);
    tr_fixup_add(t, &tr_block_at(t, 0)->else_fixup, at, from);
    tr_charge_begin(t);
}

static void op_try(tr *t, const wb_instr *in)
{
    tr_block *b;

    tr_block_open(t, WB_OP_TRY, &in->block);
    if (t->failed)
        return;
    b = tr_block_at(t, 0);
    b->own_region = region_new(t, b->region);
    b->region = b->own_region;
    region_set(t, b->region);
}

static void op_try_table(tr *t, const wb_instr *in)
{
    const uint8_t *cursor = in->list;
    uint32_t region;

    /* Labels of the clauses count from outside. */
    tr_block_open(t, WB_OP_TRY_TABLE, &in->block);
    if (t->failed)
        return;
    region = region_new(t, tr_block_at(t, 0)->region);
    for (uint32_t i = 0; i < in->count && !t->failed; i++) {
        wb_catch_clause c = wb_catch_next(&cursor);
        tr_block *b = tr_block_at(t, c.label + 1);
        bool all = c.kind == WB_CATCH_ALL || c.kind == WB_CATCH_ALL_REF;
        uint32_t clause = clause_new(
            t, region,
            (interp_clause){.tag = all ? WB_NO_TYPE : c.tag,
                            .to_ref = c.kind == WB_CATCH_REF || c.kind == WB_CATCH_ALL_REF,
                            .slot = b->base,
                            .target = b->start});
        if (b->kind != WB_OP_LOOP)
            tr_fixup_clause(t, &b->fixups, clause);
    }
    tr_block_at(t, 0)->region = region;
    region_set(t, region);
}

/* The end of a block's arm: its results go to where the block's end expects them. */
static void fall_through(tr *t, bool jump)
{
    tr_block *b = tr_block_at(t, 0);

    if (b->dead || t->failed)
        return;
    move_values(t, b->base, block_results(b), b->result_count);
    if (jump)
        emit_jump(t, 0);
}

static void op_else(tr *t)
{
    tr_block *b;

    fall_through(t, true);
    if (t->failed)
        return;
    b = tr_block_at(t, 0);
    tr_bind(t, &b->else_fixup);
    b->kind = WB_OP_ELSE;
    b->dead = false;
    tr_drop_to(t, b->height);
    push_types(t, b->params, b->param_count);
    tr_charge_begin(t);
}

/* catch and catch_all of the legacy encoding. The exception is kept in a slot below the
 * clause's operands, for rethrow. */
static void op_catch(tr *t, const wb_instr *in)
{
    tr_block *b;
    uint32_t parent;

    fall_through(t, true);
    if (t->failed)
        return;
    b = tr_block_at(t, 0);
    parent = ((interp_region *)t->regions.data)[b->own_region].parent;
    b->kind = WB_OP_CATCH;
    b->dead = false;
    b->region = parent;
    region_set(t, parent);
    tr_barrier(t);
    (void)clause_new(t, b->own_region,
                     (interp_clause){.tag = in->op == WB_OP_CATCH ? in->index : WB_NO_TYPE,
                                     .hidden = true,
                                     .slot = b->base,
                                     .target = t->words.count});
    tr_drop_to(t, b->height);
    tr_push_stack(t, 1);
    if (in->op == WB_OP_CATCH) {
        const wb_functype *type = t->m->types[t->m->tags[in->index].type].func;

        push_types(t, type->params, type->param_count);
    }
    tr_charge_begin(t);
}

/* Returns true at the end of the body. */
static bool op_end(tr *t)
{
    tr_block b;

    if (is_outermost(t, 0)) {
        tr_block *body = tr_block_at(t, 0);

        if (!body->dead)
            emit_return(t);
        if (body->fixups && !t->failed) {
            /* Exceptions caught with the function's own label: the values are at its base. */
            tr_bind(t, &body->fixups);
            tr_drop_to(t, 0);
            push_types(t, t->type->results, t->type->result_count);
            if (!t->failed)
                emit_return(t);
        }
        return true;
    }
    fall_through(t, false);
    if (t->failed)
        return true;
    tr_drop_to(t, tr_block_at(t, 0)->height);
    tr_bind(t, &tr_block_at(t, 0)->else_fixup);
    tr_bind(t, &tr_block_at(t, 0)->fixups);
    b = *tr_block_at(t, 0);
    t->blocks.count--;
    region_set(t, tr_block_at(t, 0)->region);
    push_types(t, block_results(&b), b.result_count);
    tr_charge_begin(t);
    return false;
}

static bool op_delegate(tr *t, const wb_instr *in)
{
    interp_region *own = (interp_region *)t->regions.data + tr_block_at(t, 0)->own_region;

    own->parent = tr_block_at(t, in->index + 1)->region;
    return op_end(t);
}

/* ---- Calls ---- */

/* Arguments go to their own slots, which become the callee's first; returns the first. */
static uint32_t call_arguments(tr *t, const wb_functype *type)
{
    tr_settle_top(t, type->param_count);
    for (uint32_t i = 0; i < type->param_count; i++)
        (void)tr_pop(t);
    return tr_next_slot(t);
}

/* The function has native code, which those instances run that can. No function with a tail
 * call is interpreted beside native code of its module. */
static bool is_native(const tr *t, uint32_t index)
{
    const abi_module *m = t->code->module;
    const void *native = atomic_load_explicit(&m->native, memory_order_acquire);

    return native && index >= t->m->func_imports && m->engine->native_has(native, index);
}

static void op_call(tr *t, uint32_t index, bool tail)
{
    const wb_functype *type = wb_module_functype(t->m, index);
    uint32_t base = call_arguments(t, type);

    tr_mark(t);
    if (!tail && is_native(t, index)) {
        TR_EMIT(t, IOP_CALL_FUNC, base, index);
    } else if (index < t->m->func_imports) {
        TR_EMIT(t, tail ? IOP_TAIL_CALL_IMPORT : IOP_CALL_IMPORT, base, index);
    } else {
        uint64_t target = (uint64_t)(uintptr_t)&t->code->funcs[index - t->m->func_imports];

        TR_EMIT(t, tail ? IOP_TAIL_CALL : IOP_CALL, base, (uint32_t)target,
                (uint32_t)(target >> 32));
    }
    tr_barrier(t);
    push_types(t, type->results, type->result_count);
    if (tail)
        dead_end(t);
}

static void op_call_indirect(tr *t, const wb_instr *in, bool tail)
{
    const wb_type *type = &t->m->types[in->index];
    tr_operand index = tr_pop(t);
    uint32_t slot;
    uint32_t base;

    slot = tr_read(t, &index);
    base = call_arguments(t, type->func);
    tr_mark(t);
    TR_EMIT(t, tail ? IOP_TAIL_CALL_INDIRECT : IOP_CALL_INDIRECT, base, type->canon, in->index2,
            slot);
    tr_barrier(t);
    push_types(t, type->func->results, type->func->result_count);
    if (tail)
        dead_end(t);
}

static void op_call_ref(tr *t, const wb_instr *in, bool tail)
{
    const wb_type *type = &t->m->types[in->index];
    tr_operand ref = tr_pop(t);
    uint32_t slot = tr_read(t, &ref);
    uint32_t base = call_arguments(t, type->func);

    tr_mark(t);
    TR_EMIT(t, tail ? IOP_TAIL_CALL_REF : IOP_CALL_REF, base, slot);
    tr_barrier(t);
    push_types(t, type->func->results, type->func->result_count);
    if (tail)
        dead_end(t);
}

static void op_throw(tr *t, uint32_t tag)
{
    const wb_functype *type = t->m->types[t->m->tags[tag].type].func;
    uint32_t base = call_arguments(t, type);

    tr_mark(t);
    TR_EMIT(t, IOP_THROW, base, tag);
    dead_end(t);
}

static void throw_slot(tr *t, uint32_t slot)
{
    tr_mark(t);
    TR_EMIT(t, IOP_THROW_REF, slot);
    dead_end(t);
}

/* ---- One instruction ---- */

bool tr_control(tr *t, const wb_instr *in)
{
    switch (in->op) {
    case WB_OP_UNREACHABLE:
        tr_mark(t);
        tr_emit(t, IOP_UNREACHABLE, false, NULL, 0);
        dead_end(t);
        break;
    case WB_OP_BLOCK:
        tr_block_open(t, WB_OP_BLOCK, &in->block);
        break;
    case WB_OP_LOOP:
        op_loop(t, in);
        break;
    case WB_OP_IF:
        op_if(t, in);
        break;
    case WB_OP_ELSE:
        op_else(t);
        break;
    case WB_OP_TRY:
        op_try(t, in);
        break;
    case WB_OP_TRY_TABLE:
        op_try_table(t, in);
        break;
    case WB_OP_CATCH:
    case WB_OP_CATCH_ALL:
        op_catch(t, in);
        break;
    case WB_OP_DELEGATE:
        return op_delegate(t, in);
    case WB_OP_END:
        return op_end(t);
    case WB_OP_THROW:
        op_throw(t, in->index);
        break;
    case WB_OP_RETHROW:
        throw_slot(t, tr_block_at(t, in->index)->base);
        break;
    case WB_OP_THROW_REF: {
        tr_operand o = tr_pop(t);

        throw_slot(t, tr_read(t, &o));
        break;
    }
    case WB_OP_BR:
        branch(t, in->index);
        dead_end(t);
        break;
    case WB_OP_BR_IF:
        br_if(t, in->index);
        break;
    case WB_OP_BR_TABLE:
        br_table(t, in);
        break;
    case WB_OP_BR_ON_NULL:
        br_on_null(t, in->index, false);
        break;
    case WB_OP_BR_ON_NON_NULL:
        br_on_null(t, in->index, true);
        break;
    case WB_OP_RETURN:
        emit_return(t);
        dead_end(t);
        break;
    case WB_OP_CALL:
    case WB_OP_RETURN_CALL:
        op_call(t, in->index, in->op == WB_OP_RETURN_CALL);
        break;
    case WB_OP_CALL_INDIRECT:
    case WB_OP_RETURN_CALL_INDIRECT:
        op_call_indirect(t, in, in->op == WB_OP_RETURN_CALL_INDIRECT);
        break;
    case WB_OP_CALL_REF:
    case WB_OP_RETURN_CALL_REF:
        op_call_ref(t, in, in->op == WB_OP_RETURN_CALL_REF);
        break;
    default: /* nop */
        break;
    }
    return false;
}

bool tr_wake(tr *t, wb_op op)
{
    switch (op) {
    case WB_OP_BLOCK:
    case WB_OP_LOOP:
    case WB_OP_IF:
    case WB_OP_TRY:
    case WB_OP_TRY_TABLE:
        t->skip_depth++;
        return false;
    case WB_OP_ELSE:
    case WB_OP_CATCH:
    case WB_OP_CATCH_ALL:
        return t->skip_depth == 0;
    case WB_OP_END:
    case WB_OP_DELEGATE:
        if (t->skip_depth == 0)
            return true;
        t->skip_depth--;
        return false;
    default:
        return false;
    }
}
