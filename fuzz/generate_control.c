/* Blocks, jumps, calls and exceptions in a generated function body. */
#include "generate_body.h"

/* ---- Labels and calls ---- */

/* What a jump to the label carries. */
static uint32_t label_types(const body *b, uint32_t label, const wb_valtype **types)
{
    const frame *f = &b->frames[b->depth - 1 - label];

    *types = f->kind == FRAME_LOOP ? f->type.params : f->type.results;
    return f->kind == FRAME_LOOP ? f->type.param_count : f->type.result_count;
}

/* Seldom that of a counted loop, whose counter would not change. */
static uint32_t any_label(body *b)
{
    uint32_t label = gen_below(b->g, b->depth);

    while (b->frames[b->depth - 1 - label].is_counted && !gen_chance(b->g, 20))
        label++; /* the outermost frame is no loop */
    return label;
}

void body_step_br(body *b)
{
    uint32_t label = any_label(b), count;
    const wb_valtype *types;

    count = label_types(b, label, &types);
    body_need(b, types, count);
    if (label == b->depth - 1 && gen_chance(b->g, 128))
        gen_op(b->out, WB_OP_RETURN);
    else
        body_index(b, WB_OP_BR, label);
    body_kill(b);
}

void body_step_br_if(body *b)
{
    uint32_t label = any_label(b), count;
    const wb_valtype *types;

    count = label_types(b, label, &types);
    body_need(b, types, count);
    body_make(b, WB_I32, 3); /* not from the stack: comparisons right before jumps are fused */
    body_index(b, WB_OP_BR_IF, label);
    body_pop(b, count);
    body_push_all(b, types, count);
}

void body_step_br_table(body *b)
{
    uint32_t label = any_label(b), count = gen_below(b->g, 6), arity;
    const wb_valtype *types, *others;

    arity = label_types(b, label, &types);
    body_need(b, types, arity);
    body_make(b, WB_I32, 1);
    gen_op(b->out, WB_OP_BR_TABLE);
    gen_u(b->out, count);
    for (uint32_t i = 0; i <= count; i++) {
        uint32_t other = any_label(b);

        if (label_types(b, other, &others) != arity ||
            memcmp(types, others, arity * sizeof *types) != 0)
            other = label;
        gen_u(b->out, other);
    }
    body_kill(b);
}

/* br_on_null, or br_on_non_null where the label takes a reference. */
void body_step_br_on_null(body *b)
{
    uint32_t label = gen_below(b->g, b->depth), count;
    const wb_valtype *types;
    wb_valtype ref = WB_FUNCREF;

    count = label_types(b, label, &types);
    if (count && wb_valtype_is_ref(types[count - 1]) && gen_chance(b->g, 128)) {
        ref = types[count - 1] | WB_NULLABLE;
        body_need(b, types, count - 1);
        body_make(b, ref, 1);
        body_index(b, WB_OP_BR_ON_NON_NULL, label);
        body_pop(b, count - 1);
        body_push_all(b, types, count - 1);
        return;
    }
    if (b->local_count && wb_valtype_is_ref(b->locals[b->local_count - 1]))
        ref = b->locals[b->local_count - 1] | WB_NULLABLE;
    body_need(b, types, count);
    body_make(b, ref, 1);
    body_index(b, WB_OP_BR_ON_NULL, label);
    body_pop(b, count);
    body_push_all(b, types, count);
    body_push(b, ref & ~WB_NULLABLE);
}

void body_step_ref(body *b)
{
    switch (gen_below(b->g, 3)) {
    case 0:
        body_make(b, gen_chance(b->g, 128) ? WB_FUNCREF : WB_EXTERNREF, 1);
        gen_op(b->out, WB_OP_REF_IS_NULL);
        body_push(b, WB_I32);
        break;
    case 1:
        body_make(b, WB_FUNCREF, 1);
        gen_op(b->out, WB_OP_REF_AS_NON_NULL);
        body_push(b, WB_FUNCREF & ~WB_NULLABLE);
        break;
    default:
        body_make_ref(b, WB_REFTYPE(true, WB_HEAP_DEFINED + gen_below(b->g, b->g->type_count)));
        body_push(b, WB_FUNCREF);
        break;
    }
}

/* Results of the callee may stand for this function's, so that a tail call is valid. */
static bool may_tail_call(const body *b, const gen_functype *callee)
{
    if (callee->result_count != b->type->result_count)
        return false;
    for (uint32_t i = 0; i < callee->result_count; i++)
        if (!gen_matches(b->g, callee->results[i], b->type->results[i]))
            return false;
    return true;
}

static void called(body *b, const gen_functype *type, bool is_tail)
{
    if (is_tail) {
        body_kill(b);
        return;
    }
    body_pop(b, type->param_count);
    body_push_all(b, type->results, type->result_count);
}

void body_step_call(body *b)
{
    gen *g = b->g;
    uint32_t func = gen_below(g, g->func_count);
    const gen_functype *type = &g->types[g->funcs[func]];
    bool is_tail = gen_chance(g, 50) && may_tail_call(b, type);

    body_need(b, type->params, type->param_count);
    body_index(b, is_tail ? WB_OP_RETURN_CALL : WB_OP_CALL, func);
    called(b, type, is_tail);
}

void body_step_call_ref(body *b)
{
    gen *g = b->g;
    uint32_t func = gen_below(g, g->func_count), index = g->funcs[func];
    const gen_functype *type = &g->types[index];
    bool is_tail = gen_chance(g, 50) && may_tail_call(b, type);

    body_need(b, type->params, type->param_count);
    if (gen_chance(g, 60))
        body_make(b, WB_REFTYPE(true, WB_HEAP_DEFINED + index), 0);
    else
        body_index(b, WB_OP_REF_FUNC, func);
    body_index(b, is_tail ? WB_OP_RETURN_CALL_REF : WB_OP_CALL_REF, index);
    called(b, type, is_tail);
}

/* Through a table; mostly of a type that one of its functions may have. */
void body_step_call_indirect(body *b)
{
    gen *g = b->g;
    uint32_t table = gen_below(g, g->table_count);
    uint32_t index = g->funcs[gen_below(g, g->func_count)];
    const gen_functype *type = &g->types[index];
    bool is_tail = gen_chance(g, 50) && may_tail_call(b, type);

    if (g->table_count == 0 || !gen_matches(g, g->tables[table].elem, WB_FUNCREF))
        return;
    body_need(b, type->params, type->param_count);
    body_make_small(b, gen_addr(g->tables[table].is64), g->tables[table].min);
    body_index(b, is_tail ? WB_OP_RETURN_CALL_INDIRECT : WB_OP_CALL_INDIRECT, index);
    gen_u(b->out, table);
    called(b, type, is_tail);
}

/* ---- Blocks ---- */

/* Make the frame's operands exactly its results. */
static void fit(body *b)
{
    frame *f = body_top(b);
    uint32_t there = b->height - f->height, count = f->type.result_count;

    if (there == count && body_has(b, f->type.results, count))
        return;
    while (b->height > f->height)
        body_shed(b);
    if (f->is_dead && gen_chance(b->g, 128))
        return;
    for (uint32_t i = 0; i < count; i++) {
        body_make(b, f->type.results[i], 1);
        body_push(b, f->type.results[i]);
    }
}

/* Choose the type of a block, and write it. */
static void any_blocktype(body *b, gen_buf *out, bool may_take, gen_functype *type)
{
    gen *g = b->g;
    uint32_t choice = gen_below(g, 4), index = gen_below(g, g->type_count);

    *type = g->types[0];
    if (choice == 1) {
        type->result_count = 1;
        type->results[0] = b->local_count ? b->locals[gen_below(g, b->local_count)] : WB_I32;
        gen_valtype(out, type->results[0]);
    } else if (choice > 1 && (may_take || g->types[index].param_count == 0)) {
        *type = g->types[index];
        gen_s(out, index);
    } else {
        gen_u8(out, 0x40);
    }
}

static void frame_push(body *b, frame_kind kind, const gen_functype *type)
{
    frame *f = &b->frames[b->depth++];

    *f = (frame){.kind = kind, .type = *type, .height = b->height};
    body_push_all(b, type->params, type->param_count);
}

/* The type is chosen before the operands are made, and written behind them. */
static void open_block(body *b, wb_op op, frame_kind kind)
{
    uint8_t bytes[16];
    gen_buf head = {bytes, 0, sizeof bytes};
    gen_functype type;

    gen_op(&head, op);
    any_blocktype(b, &head, true, &type);
    body_need(b, type.params, type.param_count);
    if (op == WB_OP_IF)
        body_make(b, WB_I32, 3);
    gen_bytes(b->out, bytes, head.len);
    body_pop(b, type.param_count);
    frame_push(b, kind, &type);
}

static bool is_room(const body *b)
{
    return b->depth < FRAMES_MAX - 1;
}

void body_step_block(body *b)
{
    static const struct {
        wb_op op;
        frame_kind kind;
    } blocks[] = {{WB_OP_BLOCK, FRAME_BLOCK},
                  {WB_OP_LOOP, FRAME_LOOP},
                  {WB_OP_IF, FRAME_IF},
                  {WB_OP_TRY, FRAME_TRY}};
    uint32_t choice = gen_below(b->g, b->is_legacy ? 4 : 3);

    if (is_room(b))
        open_block(b, blocks[choice].op, blocks[choice].kind);
}

/* A loop whose counter runs from a small number down to 0; its end has the rest. */
void body_step_counted_loop(body *b)
{
    uint32_t counter = b->local_count + b->counters;

    if (!is_room(b) || b->counters == COUNTERS)
        return;
    gen_op(b->out, WB_OP_I32_CONST);
    gen_s(b->out, 1 + gen_below(b->g, gen_chance(b->g, 40) ? 200 : 12));
    body_index(b, WB_OP_LOCAL_SET, counter);
    gen_op(b->out, WB_OP_LOOP);
    gen_u8(b->out, 0x40);
    frame_push(b, FRAME_LOOP, &b->g->types[0]);
    body_top(b)->is_counted = true;
    b->counters++;
}

static void count_down(body *b)
{
    uint32_t counter = b->local_count + --b->counters;

    body_index(b, WB_OP_LOCAL_GET, counter);
    gen_op(b->out, WB_OP_I32_CONST);
    gen_s(b->out, 1);
    gen_op(b->out, WB_OP_I32_SUB);
    body_index(b, WB_OP_LOCAL_TEE, counter);
    body_index(b, WB_OP_BR_IF, 0);
}

/* A clause kind that the label can take; 4 when there is none.  *tag is chosen for it. */
static uint32_t clause_for(body *b, uint32_t label, uint32_t *tag)
{
    gen *g = b->g;
    const wb_valtype *types;
    uint32_t count = label_types(b, label, &types);
    bool has_ref = count && gen_matches(g, WB_EXNREF & ~WB_NULLABLE, types[count - 1]);

    *tag = gen_below(g, g->tag_count);
    if (count == 0 && gen_chance(g, 80))
        return WB_CATCH_ALL;
    if (count == 1 && has_ref && gen_chance(g, 80))
        return WB_CATCH_ALL_REF;
    for (uint32_t i = 0; i < g->tag_count; i++, *tag = (*tag + 1) % g->tag_count) {
        const gen_functype *type = &g->types[g->tags[*tag]];
        uint32_t same = 0;

        while (same < type->param_count && same < count &&
               gen_matches(g, type->params[same], types[same]))
            same++;
        if (same == type->param_count && same == count)
            return WB_CATCH;
        if (same == type->param_count && same + 1 == count && has_ref)
            return WB_CATCH_REF;
    }
    return count == 0 ? (uint32_t)WB_CATCH_ALL : 4;
}

static void write_clauses(body *b, gen_buf *head)
{
    uint32_t want = 1 + gen_below(b->g, 3), count = 0, tag;
    uint8_t bytes[64];
    gen_buf clauses = {bytes, 0, sizeof bytes};

    for (uint32_t i = 0; i < want; i++) {
        uint32_t label = gen_below(b->g, i == 0 ? 1 : b->depth);
        uint32_t kind = clause_for(b, label, &tag);

        if (kind == 4)
            continue;
        gen_u8(&clauses, kind);
        if (kind == WB_CATCH || kind == WB_CATCH_REF)
            gen_u(&clauses, tag);
        gen_u(&clauses, label);
        count++;
    }
    gen_u(head, count);
    gen_bytes(head, bytes, clauses.len);
}

/* A block with what a tag carries as results, and a try_table in it that catches the tag. */
void body_step_try_table(body *b)
{
    gen *g = b->g;
    uint32_t tag = gen_below(g, g->tag_count);
    uint32_t index = g->tag_count ? g->tags[tag] + gen_below(g, 3) : 0;
    gen_functype type;

    if (b->depth + 2 >= FRAMES_MAX || b->is_legacy)
        return;
    if (g->types[index].param_count == 0) {
        gen_op(b->out, WB_OP_BLOCK);
        gen_s(b->out, index);
        frame_push(b, FRAME_BLOCK, &g->types[index]);
    }
    gen_op(b->out, WB_OP_TRY_TABLE);
    any_blocktype(b, b->out, false, &type);
    write_clauses(b, b->out);
    frame_push(b, FRAME_BLOCK, &type);
    body_top(b)->is_try = true;
}

/* The exception of a clause around. Returns false where there is none. */
static bool rethrow(body *b)
{
    for (uint32_t i = 0; i < b->depth; i++)
        if (b->frames[b->depth - 1 - i].kind >= FRAME_CATCH) {
            body_index(b, WB_OP_RETHROW, i);
            body_kill(b);
            return true;
        }
    return false;
}

void body_step_throw(body *b)
{
    gen *g = b->g;
    uint32_t tag = gen_below(g, g->tag_count);
    const gen_functype *type;
    uint32_t choice = gen_below(g, 4);

    if (choice >= 2 && b->is_legacy && rethrow(b))
        return;
    if (choice == 2 && !b->is_legacy &&
        (body_has(b, (wb_valtype[]){WB_EXNREF}, 1) || gen_chance(g, 30))) {
        body_need(b, (wb_valtype[]){WB_EXNREF}, 1);
        gen_op(b->out, WB_OP_THROW_REF);
        body_kill(b);
    } else if (g->tag_count) {
        type = &g->types[g->tags[tag]];
        body_need(b, type->params, type->param_count);
        body_index(b, WB_OP_THROW, tag);
        body_kill(b);
    }
}

void body_step_unreachable(body *b)
{
    if (!gen_chance(b->g, 60)) {
        gen_op(b->out, WB_OP_NOP);
        return;
    }
    gen_op(b->out, WB_OP_UNREACHABLE);
    body_kill(b);
}

/* Begin a clause of a legacy try. */
static void open_catch(body *b)
{
    frame *f = body_top(b);
    uint32_t tag = gen_below(b->g, b->g->tag_count);

    b->height = f->height;
    f->is_dead = false;
    if (b->g->tag_count && gen_chance(b->g, 160)) {
        const gen_functype *type = &b->g->types[b->g->tags[tag]];

        body_index(b, WB_OP_CATCH, tag);
        f->kind = FRAME_CATCH;
        body_push_all(b, type->params, type->param_count);
    } else {
        gen_op(b->out, WB_OP_CATCH_ALL);
        f->kind = FRAME_CATCH_ALL;
    }
}

/* An `if` without an `else` gives what it takes. */
static bool needs_else(const body *b, const frame *f)
{
    const gen_functype *t = &f->type;

    if (t->param_count != t->result_count)
        return true;
    for (uint32_t i = 0; i < t->param_count; i++)
        if (!gen_matches(b->g, t->params[i], t->results[i]))
            return true;
    return false;
}

static void frame_end(body *b)
{
    frame *f = body_top(b);

    b->depth--;
    b->height = f->height;
    body_push_all(b, f->type.results, f->type.result_count);
    if (b->depth && !b->is_legacy && f->type.result_count && !body_top(b)->is_dead &&
        f->type.results[f->type.result_count - 1] == WB_EXNREF && gen_chance(b->g, 60)) {
        gen_op(b->out, WB_OP_THROW_REF); /* what a clause has caught, mostly */
        body_kill(b);
    }
}

/* End the innermost block, or begin its next part. */
void body_close_part(body *b, bool may_go_on)
{
    frame *f = body_top(b);

    if ((f->is_try || f->kind == FRAME_TRY) && !f->is_dead && gen_chance(b->g, 100))
        body_step_throw(b);
    fit(b);
    if (f->is_counted)
        count_down(b);
    if (f->kind == FRAME_IF && (needs_else(b, f) || (may_go_on && gen_chance(b->g, 128)))) {
        gen_op(b->out, WB_OP_ELSE);
        f->kind = FRAME_BLOCK;
        f->is_dead = false;
        b->height = f->height;
        body_push_all(b, f->type.params, f->type.param_count);
        return;
    }
    if (f->kind == FRAME_TRY && gen_chance(b->g, 50)) {
        body_index(b, WB_OP_DELEGATE, gen_below(b->g, b->depth - 1));
        frame_end(b);
        return;
    }
    if (may_go_on &&
        (f->kind == FRAME_TRY || (f->kind == FRAME_CATCH && gen_chance(b->g, 80)))) {
        open_catch(b);
        return;
    }
    gen_op(b->out, WB_OP_END);
    if (b->depth > 1)
        frame_end(b);
    else
        b->depth = 0;
}

void body_step_close(body *b)
{
    if (b->depth > 1)
        body_close_part(b, true);
}
