/* Translation of a function to internal code, on its first call.
 * One pass over a validated body. Values are not pushed and popped: an operand that is a local
 * or a constant is read where it stands, every other has a fixed slot of the frame, and results
 * go straight to the local that takes them. Pairs are fused where the first has no other use:
 * comparison and branch, addition and access, shift and addition. Nothing is fused across a
 * block boundary.
 * Emission and operands are in emit.c; the rules for control flow come first here, then those
 * for the plain instructions.  Source: Core, "Execution", "Instructions". */
#include <stdlib.h>
#include <string.h>

#include "interp/translate.h"

/* ---- Fuel ---- */

/* Begin a block of instructions that is charged as one (wasm/cost.def). */
static void charge_begin(tr *t)
{
    if (!t->metering)
        return;
    t->charge_at = t->words.count;
    tr_mark(t);
    TR_EMIT(t, IOP_CHARGE, 0);
    tr_barrier(t);
}

static void charge(tr *t, wb_op op)
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

/* Open a block; its parameters are on the stack, and go to their own slots. */
static void block_open(tr *t, wb_op kind, const wb_blocktype *type)
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

/* If `op` compares, its family's first member. */
static bool compare_family(interp_op op, interp_op *first, uint32_t *size)
{
    static const struct {
        interp_op first;
        uint32_t size;
    } families[] = {{IOP_I32_EQ, 10},   {IOP_I32_EQ_I, 10}, {IOP_I64_EQ, 10},
                    {IOP_I64_EQ_I, 10}, {IOP_F32_EQ, 10},   {IOP_F64_EQ, 10}};

    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (op >= families[i].first && op < families[i].first + families[i].size) {
            *first = families[i].first;
            *size =
                families[i].first == IOP_F32_EQ || families[i].first == IOP_F64_EQ ? 10 : 20;
            return true;
        }
    }
    return false;
}

/* The opposite of a comparison, or of a branch made from one: pairs are neighbours. */
static interp_op compare_opposite(interp_op op, interp_op first)
{
    return (interp_op)(first + ((op - first) ^ 1u));
}

/* The newest instruction computed this operand, and only that. */
static bool is_last_result(const tr *t, const tr_operand *o)
{
    return t->last_valid && t->last_d && o->place == TR_STACK &&
           tr_words(t)[t->last_d] == o->slot;
}

/* Pop an i32 condition; a comparison that made it is taken back. */
static condition condition_take(tr *t, bool wanted)
{
    tr_operand o = tr_pop(t);
    condition c = {.op = wanted ? IOP_BR_IF : IOP_BR_UNLESS};
    interp_op first;
    uint32_t size;

    if (t->failed)
        return c;
    if (is_last_result(t, &o) && compare_family(t->last_op, &first, &size)) {
        interp_op op = wanted ? t->last_op : compare_opposite(t->last_op, first);

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
                unless.op = compare_opposite(c.op, firsts[i]);
    } else {
        unless.op = IOP_BR_UNLESS;
    }
    branch_if(t, depth, &c, &unless);
    charge_begin(t);
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
    charge_begin(t);
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
    TR_EMIT(t, IOP_BR_TABLE, slot, in->count);
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
    block_open(t, WB_OP_LOOP, &in->block);
    if (t->failed)
        return;
    tr_barrier(t);
    tr_block_at(t, 0)->start = t->words.count;
    charge_begin(t);
}

static void op_if(tr *t, const wb_instr *in)
{
    condition c = condition_take(t, false);
    uint32_t at;
    uint32_t from;

    block_open(t, WB_OP_IF, &in->block);
    if (t->failed)
        return;
    at = condition_emit(t, &c, false, &from);
    tr_fixup_add(t, &tr_block_at(t, 0)->else_fixup, at, from);
    charge_begin(t);
}

static void op_try(tr *t, const wb_instr *in)
{
    tr_block *b;

    block_open(t, WB_OP_TRY, &in->block);
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
    block_open(t, WB_OP_TRY_TABLE, &in->block);
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
    charge_begin(t);
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
    charge_begin(t);
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
    charge_begin(t);
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

static void op_call(tr *t, uint32_t index, bool tail)
{
    const wb_functype *type = wb_module_functype(t->m, index);
    uint32_t base = call_arguments(t, type);

    tr_mark(t);
    if (index < t->m->func_imports) {
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
    const tr_operand *shifted = is_last_result(t, b) ? b : is_last_result(t, a) ? a : NULL;
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

    if (is_last_result(t, &a) && compare_family(t->last_op, &first, &size)) {
        t->last_op = compare_opposite(t->last_op, first);
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
    if (!is_last_result(t, address))
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

/* Everything that is not arithmetic or access. Returns true at the end of the body. */
static bool translate_control(tr *t, const wb_instr *in)
{
    switch (in->op) {
    case WB_OP_NOP:
        break;
    case WB_OP_UNREACHABLE:
        tr_mark(t);
        tr_emit(t, IOP_UNREACHABLE, false, NULL, 0);
        dead_end(t);
        break;
    case WB_OP_BLOCK:
        block_open(t, WB_OP_BLOCK, &in->block);
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
    case WB_OP_DROP:
        (void)tr_pop(t);
        break;
    case WB_OP_SELECT:
    case WB_OP_SELECT_T:
        op_select(t);
        break;
    case WB_OP_LOCAL_GET:
        tr_push_local(t, in->index);
        break;
    case WB_OP_LOCAL_SET:
    case WB_OP_LOCAL_TEE:
        local_set(t, in->index, in->op == WB_OP_LOCAL_TEE);
        break;
    case WB_OP_GLOBAL_GET:
        global_get(t, in->index);
        break;
    case WB_OP_GLOBAL_SET:
        global_set(t, in->index);
        break;
    default:
        op_simd(t, in);
        break;
    }
    return false;
}

/* In code that cannot be reached, only blocks matter. Returns true if the instruction is to be
 * translated after all: it ends or continues the block that is dead. */
static bool wake(tr *t, wb_op op)
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

static void translate_body(tr *t)
{
    bool done = false;

    while (!done && !t->failed) {
        wb_instr in;

        if (wb_instr_read(&t->reader, &in, NULL) != BEAMR_OK) {
            t->failed = true; /* the body was validated: cannot be */
            return;
        }
        t->offset = in.offset;
        if (tr_block_at(t, 0)->dead && !wake(t, in.op))
            continue;
        charge(t, in.op);
        if (!translate_number(t, &in) && !translate_access(t, &in) && !translate_object(t, &in))
            done = translate_control(t, &in);
    }
}

/* ---- A function ---- */

/* Lay out the locals: parameters first, each in the slots that its type takes. */
static bool locals_init(tr *t)
{
    uint32_t count = t->func->local_count;
    uint32_t slot = 0;
    uint32_t n = 0;

    t->local_slots = calloc((size_t)count + 1, sizeof *t->local_slots);
    t->local_widths = calloc((size_t)count + 1, sizeof *t->local_widths);
    t->local_uses = calloc((size_t)t->func->local_slots + 1, sizeof *t->local_uses);
    if (!t->local_slots || !t->local_widths || !t->local_uses)
        return false;
    for (uint32_t i = 0; i < t->type->param_count; i++, n++) {
        t->local_slots[n] = slot;
        t->local_widths[n] = (uint8_t)wb_valtype_slots(t->type->params[i]);
        slot += t->local_widths[n];
    }
    for (uint32_t r = 0; r < t->func->run_count; r++) {
        const wb_local_run *run = &t->func->runs[r];

        for (uint32_t i = 0; i < run->count; i++, n++) {
            t->local_slots[n] = slot;
            t->local_widths[n] = (uint8_t)wb_valtype_slots(run->type);
            slot += t->local_widths[n];
        }
    }
    t->local_count = n;
    return true;
}

/* A copy of a vector that is just large enough; NULL with t->failed when memory is gone. */
static void *vector_copy(tr *t, const tr_vector *v, size_t size)
{
    void *out = malloc(v->count ? v->count * size : 1);

    if (!out)
        t->failed = true;
    else if (v->count)
        memcpy(out, v->data, v->count * size);
    return out;
}

/* Clauses of one region together, in the order in which they were written. */
static void clauses_sort(tr *t, interp_side *side)
{
    const tr_clause *from = t->clauses.data;
    uint32_t at = 0;

    side->clause_count = t->clauses.count;
    side->clauses = calloc((size_t)t->clauses.count + 1, sizeof *side->clauses);
    if (!side->clauses) {
        t->failed = true;
        return;
    }
    for (uint32_t i = 0; i < t->clauses.count; i++)
        side->regions[from[i].region].clause_count++;
    for (uint32_t i = 0; i < side->region_count; i++) {
        side->regions[i].first_clause = at;
        at += side->regions[i].clause_count;
        side->regions[i].clause_count = 0;
    }
    for (uint32_t i = 0; i < t->clauses.count; i++) {
        interp_region *r = &side->regions[from[i].region];

        side->clauses[r->first_clause + r->clause_count++] = from[i].clause;
    }
}

static interp_side *side_new(tr *t)
{
    interp_side *side = calloc(1, sizeof *side);

    if (!side) {
        t->failed = true;
        return NULL;
    }
    side->offsets = vector_copy(t, &t->offsets, sizeof(interp_mark));
    side->offset_count = t->offsets.count;
    side->spans = vector_copy(t, &t->spans, sizeof(interp_mark));
    side->span_count = t->spans.count;
    side->regions = vector_copy(t, &t->regions, sizeof(interp_region));
    side->region_count = t->regions.count;
    side->word_count = t->words.count;
    if (!t->failed)
        clauses_sort(t, side);
    return side;
}

static void tr_clear(tr *t)
{
    free(t->words.data);
    free(t->stack.data);
    free(t->blocks.data);
    free(t->fixups.data);
    free(t->offsets.data);
    free(t->spans.data);
    free(t->regions.data);
    free(t->clauses.data);
    free(t->local_slots);
    free(t->local_widths);
    free(t->local_uses);
}

/* Translate and publish; the module's lock is held. */
static beamr_status translate_locked(interp_func *f)
{
    const abi_module *module = f->code->module;
    const wb_module *m = &module->wasm;
    tr t = {.m = m,
            .code = f->code,
            .func = &m->funcs[f->index],
            .type = wb_module_functype(m, f->index),
            .handlers = interp_handlers(),
            .metering = module->engine->metering,
            .charge_at = UINT32_MAX,
            .offset = wb_module_offset(m, m->funcs[f->index].body)};
    wb_blocktype body = {.is_index = true, .index = t.func->type};
    interp_side *side = NULL;
    uint32_t *words = NULL;

    t.reader = (wb_reader){.module = m,
                           .base = m->bytes.data,
                           .next = t.func->body,
                           .end = t.func->body + t.func->body_len};
    if (locals_init(&t)) {
        /* The body's parameters are locals, not operands. */
        block_open(&t, WB_OP_BLOCK, &(wb_blocktype){.result = WB_VALTYPE_NONE});
        if (!t.failed) {
            tr_block_at(&t, 0)->results = m->types[body.index].func->results;
            tr_block_at(&t, 0)->result_count = m->types[body.index].func->result_count;
            charge_begin(&t);
            translate_body(&t);
        }
    } else {
        t.failed = true;
    }
    if (!t.failed)
        words = vector_copy(&t, &t.words, sizeof *words);
    if (!t.failed)
        side = side_new(&t);
    tr_clear(&t);
    if (t.failed) {
        free(words);
        interp_side_free(side);
        return BEAMR_NO_MEMORY;
    }
    f->side = side;
    __atomic_store_n(&f->words, words, __ATOMIC_RELEASE);
    return BEAMR_OK;
}

beamr_status interp_translate(interp_func *f)
{
    beamr_status st = BEAMR_OK;

    (void)pthread_mutex_lock(&f->code->lock);
    if (f->words == interp_stub)
        st = translate_locked(f);
    (void)pthread_mutex_unlock(&f->code->lock);
    return st;
}
