/* Control: blocks, branches, and what moves operands alone. What a branch carries goes into
 * phis of its target, which are made with the first branch to it; a block that nobody branches
 * to has no end of its own. Jumping back polls. Source: Core, "Control Instructions". The
 * interpreter's rules: interp/translate_control.c. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "compile/internal.h"

/* LLVM's way with a sparse switch of very many cases takes their square. */
#define SWITCH_MAX 65536u

/* ---- Blocks ---- */

compile_block *compile_block_at(compile_func *f, uint32_t depth)
{
    return &f->blocks[f->depth - 1 - depth];
}

static compile_block *block_push(compile_func *f)
{
    compile_block *b;

    if (f->depth == f->block_room) {
        uint32_t room = f->block_room ? 2 * f->block_room : 16;
        compile_block *blocks = realloc(f->blocks, room * sizeof *blocks);

        if (!blocks) {
            f->failed = true;
            return NULL;
        }
        f->blocks = blocks;
        f->block_room = room;
    }
    b = &f->blocks[f->depth++];
    *b = (compile_block){0};
    return b;
}

static const wb_valtype *block_results(const compile_block *b)
{
    return b->results ? b->results : &b->result;
}

/* Types that a branch to the block carries. */
static const wb_valtype *label_types(const compile_block *b, uint32_t *count)
{
    *count = b->kind == WB_OP_LOOP ? b->param_count : b->result_count;
    return b->kind == WB_OP_LOOP ? b->params : block_results(b);
}

/* Where branches to the block go. */
static LLVMBasicBlockRef label(const compile_block *b)
{
    return b->kind == WB_OP_LOOP ? b->start : b->end;
}

compile_block *compile_block_open(compile_func *f, wb_op kind)
{
    const wb_blocktype *type = &f->in.block;
    compile_block *b = block_push(f);

    if (!b)
        return NULL;
    b->kind = kind;
    if (type->is_index) {
        const wb_functype *t = f->m->types[type->index].func;

        b->params = t->params;
        b->param_count = t->param_count;
        b->results = t->results;
        b->result_count = t->result_count;
    } else if (type->result != WB_VALTYPE_NONE) {
        b->result = type->result;
        b->result_count = 1;
    }
    b->height = f->height - b->param_count;
    if (f->depth > 1)
        b->pad = compile_block_at(f, 1)->pad;
    return b;
}

void compile_block_drop(compile_func *f)
{
    compile_block *b = &f->blocks[--f->depth];

    free(b->phis);
    free(b->saved);
}

void compile_dead(compile_func *f)
{
    compile_charge_end(f);
    compile_block_at(f, 0)->dead = true;
}

/* Make the phis of a block's label, at `at`, which is new. */
static bool phis_begin(compile_func *f, compile_block *b, LLVMBasicBlockRef at)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);
    uint32_t count;
    const wb_valtype *types = label_types(b, &count);

    /* Each local may need a phi as well. */
    if (!compile_work(f, 1 + f->func->local_count / 8))
        return false;
    if (count == 0)
        return true;
    b->phis = calloc(count, sizeof(LLVMValueRef));
    if (!b->phis) {
        f->failed = true;
        return false;
    }
    compile_at(f, at);
    for (uint32_t i = 0; i < count; i++)
        b->phis[i] = LLVMBuildPhi(f->b, compile_type(f->u, types[i]), "");
    compile_at(f, here);
    return true;
}

/* The values go with an edge from the present block to the block's label, once made. Returns
 * where that is; NULL when the function failed. */
static LLVMBasicBlockRef edge_add(compile_func *f, compile_block *b, const LLVMValueRef *values)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);
    uint32_t count;

    (void)label_types(b, &count);
    if (!compile_work(f, 1 + count))
        return NULL;
    if (b->kind != WB_OP_LOOP && !b->end) {
        b->end = compile_block_new(f, "end");
        if (!phis_begin(f, b, b->end))
            return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        LLVMValueRef v = values[i];

        LLVMAddIncoming(b->phis[i], &v, &here, 1);
    }
    return label(b);
}

/* ---- Operands that travel ---- */

/* The topmost n operands, in their order; to be freed. With n == 0 there is nothing. */
static LLVMValueRef *top_values(compile_func *f, uint32_t n)
{
    LLVMValueRef *values = malloc((n + (size_t)1) * sizeof *values);

    if (!values) {
        f->failed = true;
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++)
        values[i] = compile_top(f, n - 1 - i)->v;
    return values;
}

static void push_values(compile_func *f, LLVMValueRef *values, const wb_valtype *types,
                        uint32_t count)
{
    for (uint32_t i = 0; i < count && !f->failed; i++)
        compile_push(f, values[i], types[i]);
}

static bool is_outermost(const compile_func *f, uint32_t depth)
{
    return depth + 1 == f->depth;
}

void compile_branch_values(compile_func *f, uint32_t depth, LLVMValueRef *values)
{
    LLVMBasicBlockRef to;

    if (is_outermost(f, depth)) {
        compile_return_values(f, values);
        return;
    }
    to = edge_add(f, compile_block_at(f, depth), values);
    if (to)
        LLVMBuildBr(f->b, to);
}

/* If the store was asked for something, see to it; with a condition (not NULL) only if that
 * holds too, which is looked at last so that a loop needs to jump no more than once a round. */
static void poll(compile_func *f, LLVMValueRef condition)
{
    LLVMBasicBlockRef out;
    LLVMBasicBlockRef next;
    LLVMValueRef asked;

    if (f->u->job->options->flags & ABI_OBJECT_NO_POLLS)
        return;
    out = compile_block_new(f, "poll");
    next = compile_block_new(f, "");
    asked = LLVMBuildICmp(f->b, LLVMIntNE, compile_interrupt(f), compile_i32(f->u, 0), "");
    compile_unlikely(f, LLVMBuildCondBr(f->b, asked, out, next));
    compile_at(f, out);
    if (condition) {
        out = compile_block_new(f, "poll");
        LLVMBuildCondBr(f->b, condition, out, next);
        compile_at(f, out);
    }
    (void)compile_builtin(f, ABI_BUILTIN_POLL, &f->units, 1);
    LLVMBuildBr(f->b, next);
    compile_at(f, next);
}

/* Branch to a label with the topmost operands, which stay. */
static void branch(compile_func *f, uint32_t depth)
{
    compile_block *b = compile_block_at(f, depth);
    LLVMValueRef *values;
    uint32_t n;

    (void)label_types(b, &n);
    if (!compile_work(f, n) || !(values = top_values(f, n)))
        return;
    if (b->kind == WB_OP_LOOP)
        poll(f, NULL);
    compile_branch_values(f, depth, values);
    free(values);
}

/* ---- Returning ---- */

/* Results from the second on go to slots. */
static void results_store(compile_func *f, LLVMValueRef *values)
{
    uint32_t slot = wb_valtype_slots(f->type->results[0]);
    LLVMValueRef slots = compile_slots(f);

    for (uint32_t i = 1; i < f->type->result_count; i++) {
        compile_slot_store(f, slots, slot, values[i], f->type->results[i]);
        slot += wb_valtype_slots(f->type->results[i]);
    }
}

void compile_return_values(compile_func *f, LLVMValueRef *values)
{
    uint32_t count = f->type->result_count;

    if (!compile_work(f, 1 + count))
        return;
    if (count > 1)
        results_store(f, values);
    compile_return(f->u, f->func->type, NULL, count ? values[0] : NULL);
}

/* ---- Structured control ---- */

static void emit_loop(compile_func *f)
{
    LLVMBasicBlockRef start = compile_block_new(f, "loop");
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);
    compile_block *b = compile_block_open(f, WB_OP_LOOP);

    if (!b)
        return;
    b->start = start;
    LLVMBuildBr(f->b, start);
    if (!phis_begin(f, b, start))
        return;
    for (uint32_t i = 0; i < b->param_count; i++) {
        compile_value *o = &f->stack[b->height + i];

        LLVMAddIncoming(b->phis[i], &o->v, &here, 1);
        o->v = b->phis[i];
    }
    compile_at(f, start);
    compile_charge_begin(f);
}

static void emit_if(compile_func *f)
{
    LLVMValueRef condition = compile_condition(f);
    LLVMBasicBlockRef then = compile_block_new(f, "then");
    LLVMBasicBlockRef otherwise = compile_block_new(f, "else");
    compile_block *b = compile_block_open(f, WB_OP_IF);

    if (!b || !compile_work(f, b->param_count))
        return;
    b->otherwise = otherwise;
    if (b->param_count && !(b->saved = top_values(f, b->param_count)))
        return;
    LLVMBuildCondBr(f->b, condition, then, otherwise);
    compile_at(f, then);
    compile_charge_begin(f);
}

/* The topmost operands are an arm's results; go to the block's end with them. */
static void go_to_end(compile_func *f, const compile_block *b)
{
    LLVMValueRef *values = top_values(f, b->result_count);

    compile_charge_end(f);
    if (values)
        compile_branch_values(f, 0, values);
    free(values);
}

void compile_fall_through(compile_func *f)
{
    const compile_block *b = compile_block_at(f, 0);

    if (!b->dead && !f->failed)
        go_to_end(f, b);
}

/* Behind a block whose label is its end, or that nobody branches to. */
static void close_at(compile_func *f, compile_block *b)
{
    compile_block closed = *b;

    f->depth--;
    f->height = closed.height;
    if (closed.end) {
        compile_at(f, closed.end);
        push_values(f, closed.phis, block_results(&closed), closed.result_count);
        compile_charge_begin(f);
    } else {
        compile_dead(f);
    }
    free(closed.phis);
    free(closed.saved);
}

void compile_block_close(compile_func *f)
{
    compile_block *b = compile_block_at(f, 0);

    if (!f->failed)
        close_at(f, b);
}

/* The end of a block that only its own code leads to: the results are where they are. */
static void close_through(compile_func *f)
{
    compile_block *b = compile_block_at(f, 0);
    LLVMValueRef *values = top_values(f, b->result_count);

    if (values) {
        f->height = b->height;
        push_values(f, values, block_results(b), b->result_count);
    }
    free(values);
    compile_charge_end(f);
    compile_block_drop(f);
    compile_charge_begin(f);
}

static void emit_else(compile_func *f)
{
    compile_block *b = compile_block_at(f, 0);

    compile_fall_through(f);
    b->kind = WB_OP_ELSE;
    b->dead = false;
    f->height = b->height;
    compile_at(f, b->otherwise);
    push_values(f, b->saved, b->params, b->param_count);
    compile_charge_begin(f);
}

/* Without an else, the other arm's results are the parameters. */
static void end_if(compile_func *f, compile_block *b)
{
    compile_fall_through(f);
    compile_at(f, b->otherwise);
    compile_branch_values(f, 0, b->saved);
    compile_block_close(f);
}

static void end_body(compile_func *f, compile_block *b)
{
    if (!b->dead) {
        LLVMValueRef *values = top_values(f, b->result_count);

        if (values)
            compile_return_values(f, values);
        free(values);
        compile_charge_end(f);
    }
    compile_block_drop(f);
}

static void emit_end(compile_func *f)
{
    compile_block *b = compile_block_at(f, 0);
    bool try = b->kind == WB_OP_TRY || b->kind == WB_OP_CATCH || b->kind == WB_OP_TRY_TABLE;

    if (try)
        compile_exception_end(f);
    if (is_outermost(f, 0)) {
        end_body(f, b);
    } else if (b->kind == WB_OP_IF) {
        end_if(f, b);
    } else if (!b->dead && !b->end) {
        close_through(f);
    } else {
        compile_fall_through(f);
        compile_block_close(f);
    }
}

/* ---- Branches ---- */

/* Branch to a label if `condition` holds, with the topmost operands, which stay. */
static void branch_if(compile_func *f, uint32_t depth, LLVMValueRef condition)
{
    compile_block *b = compile_block_at(f, depth);
    LLVMBasicBlockRef next = compile_block_new(f, "");
    uint32_t n;

    (void)label_types(b, &n);
    if (b->kind == WB_OP_LOOP)
        poll(f, condition);
    if (is_outermost(f, depth)) {
        LLVMBasicBlockRef out = compile_block_new(f, "");

        LLVMBuildCondBr(f->b, condition, out, next);
        compile_at(f, out);
        branch(f, depth);
    } else {
        LLVMValueRef *values = top_values(f, n);
        LLVMBasicBlockRef to = values ? edge_add(f, b, values) : NULL;

        if (to)
            LLVMBuildCondBr(f->b, condition, to, next);
        free(values);
    }
    compile_at(f, next);
}

static void emit_br_on_null(compile_func *f, bool non_null)
{
    compile_value ref = *compile_top(f, 0);
    LLVMIntPredicate test = non_null ? LLVMIntNE : LLVMIntEQ;
    LLVMValueRef condition = LLVMBuildICmp(f->b, test, ref.v, compile_zero(f->u, ref.type), "");

    if (!non_null)
        (void)compile_pop(f);
    branch_if(f, f->in.index, condition);
    if (non_null)
        (void)compile_pop(f);
    else
        compile_push(f, ref.v, ref.type);
    compile_charge_begin(f);
}

/* Where an entry of the br_table at hand goes: to its label, or by way of a block that gives
 * the label its values, one for each label. */
static LLVMBasicBlockRef table_edge(compile_func *f, uint32_t depth)
{
    compile_block *b = compile_block_at(f, depth);
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);
    LLVMValueRef *values;
    uint32_t n;

    if (b->edge_table == f->br_tables)
        return b->edge;
    (void)label_types(b, &n);
    if (!(values = top_values(f, n)))
        return NULL;
    b->edge_table = f->br_tables;
    if (n == 0 && !is_outermost(f, depth)) {
        b->edge = edge_add(f, b, values);
    } else {
        b->edge = compile_block_new(f, "");
        compile_at(f, b->edge);
        compile_branch_values(f, depth, values);
        compile_at(f, here);
    }
    free(values);
    return f->failed ? NULL : b->edge;
}

static bool table_jumps_back(compile_func *f)
{
    const uint8_t *cursor = f->in.list;

    for (uint32_t i = 0; i <= f->in.count; i++)
        if (compile_block_at(f, wb_label_next(&cursor))->kind == WB_OP_LOOP)
            return true;
    return false;
}

static uint32_t table_default(const compile_func *f)
{
    const uint8_t *cursor = f->in.list;

    for (uint32_t i = 0; i < f->in.count; i++)
        (void)wb_label_next(&cursor);
    return wb_label_next(&cursor);
}

/* Entries that go where the default goes need no case. */
static void emit_br_table(compile_func *f)
{
    LLVMValueRef index = compile_pop(f);
    uint32_t otherwise = table_default(f);
    const uint8_t *cursor = f->in.list;
    LLVMBasicBlockRef to;
    LLVMValueRef jump;
    uint32_t n;

    (void)label_types(compile_block_at(f, otherwise), &n);
    if (f->in.count > SWITCH_MAX || !compile_work(f, (uint64_t)f->in.count * (n + 1) / 16)) {
        f->failed = true;
        return;
    }
    if (table_jumps_back(f))
        poll(f, NULL);
    f->br_tables++;
    if (!(to = table_edge(f, otherwise)))
        return;
    jump = LLVMBuildSwitch(f->b, index, to, f->in.count);
    for (uint32_t i = 0; i < f->in.count; i++) {
        uint32_t depth = wb_label_next(&cursor);

        if (depth == otherwise)
            continue;
        if (!(to = table_edge(f, depth)))
            return;
        LLVMAddCase(jump, compile_i32(f->u, i), to);
    }
    compile_dead(f);
}

/* ---- Operands alone ---- */

static void emit_select(compile_func *f)
{
    LLVMValueRef condition = compile_condition(f);
    LLVMValueRef otherwise = compile_pop(f);
    wb_valtype type = compile_top(f, 0)->type;
    LLVMValueRef then = compile_pop(f);

    compile_push(f, LLVMBuildSelect(f->b, condition, then, otherwise, ""), type);
}

bool compile_emit_control(compile_func *f)
{
    switch (f->in.op) {
    case WB_OP_NOP:
        return true;
    case WB_OP_UNREACHABLE:
        compile_trap(f, BEAMR_TRAP_UNREACHABLE);
        compile_dead(f);
        return true;
    case WB_OP_DROP:
        (void)compile_pop(f);
        return true;
    case WB_OP_SELECT:
    case WB_OP_SELECT_T:
        emit_select(f);
        return true;
    case WB_OP_BLOCK:
        (void)compile_block_open(f, WB_OP_BLOCK);
        return true;
    case WB_OP_LOOP:
        emit_loop(f);
        return true;
    case WB_OP_IF:
        emit_if(f);
        return true;
    case WB_OP_ELSE:
        emit_else(f);
        return true;
    case WB_OP_END:
        emit_end(f);
        return true;
    case WB_OP_BR:
        branch(f, f->in.index);
        compile_dead(f);
        return true;
    case WB_OP_BR_IF:
        branch_if(f, f->in.index, compile_condition(f));
        compile_charge_begin(f);
        return true;
    case WB_OP_BR_ON_NULL:
    case WB_OP_BR_ON_NON_NULL:
        emit_br_on_null(f, f->in.op == WB_OP_BR_ON_NON_NULL);
        return true;
    case WB_OP_BR_TABLE:
        emit_br_table(f);
        return true;
    case WB_OP_RETURN:
        branch(f, f->depth - 1);
        compile_dead(f);
        return true;
    default:
        return false;
    }
}
