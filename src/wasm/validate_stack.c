/* The validator's stacks: operands, and open blocks.
 * Both are arrays that grow as needed, so the depth of a body costs no C stack. An operand of
 * unreachable code that is not there is taken as WB_BOTTOM, which matches every type.
 * Source: Core, "Validation Algorithm", "Data Structures". */
#include "wasm/validate.h"

#include <stdlib.h>

void wb_checker_reset(wb_checker *c)
{
    c->height = c->base = c->depth = 0;
    c->slots = c->max_slots = 0;
    c->undo_count = 0;
    c->top = NULL;
    c->has_legacy_try = c->has_try_table = false;
}

void wb_checker_clear(wb_checker *c)
{
    free(c->stack);
    free(c->frames);
    free(c->local_types);
    free(c->run_ends);
    free(c->set_marks);
    free(c->undo);
}

void *wb_check_grow(wb_checker *c, void *array, uint32_t *room, size_t size, uint32_t want)
{
    uint64_t count = (uint64_t)*room * 2;
    void *out;

    if (count < want)
        count = want;
    if (count < 64)
        count = 64;
    if (count > UINT32_MAX || !(out = realloc(array, (size_t)count * size))) {
        wb_fail_memory("the stacks of the validator", c->err);
        return NULL;
    }
    *room = (uint32_t)count;
    return out;
}

beamr_status wb_check_grow_stack(wb_checker *c)
{
    wb_valtype *stack;

    /* Calls with many results could otherwise make memory out of very few bytes. */
    BEAMR_TRY(
        wb_limit_check(WB_LIMIT_ROW_OPERANDS, (uint64_t)c->height + 1, c->in.offset, c->err));
    stack = wb_check_grow(c, c->stack, &c->stack_room, sizeof *stack, c->height + 1);
    if (!stack)
        return BEAMR_NO_MEMORY;
    c->stack = stack;
    if (c->stack_room > WB_LIMIT_OPERANDS)
        c->stack_room = WB_LIMIT_OPERANDS;
    return BEAMR_OK;
}

beamr_status wb_check_mismatch(wb_checker *c, wb_valtype want, wb_valtype found)
{
    char want_text[64], found_text[64];

    return WB_INVALID(c, "type mismatch: %s needs %s, found %s", wb_check_text(c),
                      wb_valtype_text(want, want_text, sizeof want_text),
                      wb_valtype_text(found, found_text, sizeof found_text));
}

/* No operand is left in the block, where code is reachable. */
static beamr_status fail_empty(wb_checker *c, wb_valtype want)
{
    char text[64] = "an operand";

    if (want != WB_BOTTOM)
        wb_valtype_text(want, text, sizeof text);
    return WB_INVALID(c, "type mismatch: %s needs %s, found no operand in its block",
                      wb_check_text(c), text);
}

beamr_status wb_check_pop_any(wb_checker *c, wb_valtype *out)
{
    if (c->height == c->base) {
        if (!c->top->is_unreachable)
            return fail_empty(c, WB_BOTTOM);
        *out = WB_BOTTOM;
        return BEAMR_OK;
    }
    *out = c->stack[--c->height];
    c->slots -= wb_valtype_slots(*out);
    return BEAMR_OK;
}

beamr_status wb_check_pop_other(wb_checker *c, wb_valtype want)
{
    wb_valtype found;

    if (c->height == c->base)
        return c->top->is_unreachable ? BEAMR_OK : fail_empty(c, want);
    found = c->stack[c->height - 1];
    if (!wb_valtype_matches(c->m->registry, found, want))
        return wb_check_mismatch(c, want, found);
    c->height--;
    c->slots -= wb_valtype_slots(found);
    return BEAMR_OK;
}

beamr_status wb_check_push_all(wb_checker *c, wb_types types)
{
    for (uint32_t i = 0; i < types.count; i++)
        BEAMR_TRY(wb_check_push(c, types.list[i]));
    return BEAMR_OK;
}

beamr_status wb_check_pop_all(wb_checker *c, wb_types types)
{
    for (uint32_t i = types.count; i-- > 0;)
        BEAMR_TRY(wb_check_pop(c, types.list[i]));
    return BEAMR_OK;
}

beamr_status wb_check_top(wb_checker *c, wb_types types)
{
    uint32_t have = c->height - c->base;

    for (uint32_t i = 1; i <= types.count; i++) {
        wb_valtype want = types.list[types.count - i];

        if (i > have)
            return c->top->is_unreachable ? BEAMR_OK : fail_empty(c, want);
        if (!wb_valtype_matches(c->m->registry, c->stack[c->height - i], want))
            return wb_check_mismatch(c, want, c->stack[c->height - i]);
    }
    return BEAMR_OK;
}

beamr_status wb_check_push_frame(wb_checker *c, const wb_frame *frame)
{
    /* The outermost frame is the function itself. */
    BEAMR_TRY(wb_limit_check(WB_LIMIT_ROW_NESTING, c->depth, c->in.offset, c->err));
    if (c->depth == c->frame_room) {
        wb_frame *frames =
            wb_check_grow(c, c->frames, &c->frame_room, sizeof *frames, c->depth + 1);

        if (!frames)
            return BEAMR_NO_MEMORY;
        c->frames = frames;
    }
    c->top = &c->frames[c->depth++];
    *c->top = *frame;
    c->top->base = c->base = c->height;
    c->top->slots = c->slots;
    c->top->undo = c->undo_count;
    c->top->table_mark = 0;
    c->top->is_unreachable = false;
    return BEAMR_OK;
}

void wb_check_pop_frame(wb_checker *c)
{
    c->height = c->top->base;
    c->slots = c->top->slots;
    c->depth--;
    c->top = c->depth ? &c->frames[c->depth - 1] : NULL;
    c->base = c->top ? c->top->base : 0;
}

void wb_check_set_unreachable(wb_checker *c)
{
    c->height = c->base;
    c->slots = c->top->slots + wb_frame_hidden(c->top);
    c->top->is_unreachable = true;
}

wb_types wb_frame_params(const wb_frame *f)
{
    return f->type ? wb_types_of_params(f->type) : (wb_types){NULL, 0};
}

wb_types wb_frame_results(const wb_frame *f)
{
    if (f->type)
        return wb_types_of_results(f->type);
    return (wb_types){&f->result, f->result != WB_VALTYPE_NONE};
}

wb_types wb_frame_label(const wb_frame *f)
{
    return f->op == WB_OP_LOOP ? wb_frame_params(f) : wb_frame_results(f);
}
