/* Typing rules of the instructions that enter and leave blocks, branch, call and throw.
 * Every rule costs time in proportion to the types it names, of which there are at most
 * WB_LIMIT_PARAMS + WB_LIMIT_RESULTS; a br_table looks at each block once, however often the
 * block is named, and never twice in a row at equal types.
 * Source: Core, "Control Instructions" (validation); the legacy exception handling proposal. */
#include "wasm/validate.h"

/* ---- Blocks ---- */

/* Put the type of the present instruction's block into `frame`. */
static beamr_status read_block_type(wb_checker *c, wb_frame *frame)
{
    wb_blocktype block = c->in.block;
    const wb_functype *type;

    if (!block.is_index) {
        frame->result = block.result;
        wb_check_note_type(c, block.result);
        return BEAMR_OK;
    }
    BEAMR_TRY(wb_check_index(c, "type", block.index, c->m->type_count));
    BEAMR_TRY(
        wb_features_need(c->m, WB_FEATURE_BIT(MULTI_VALUE), &c->used, c->in.offset, c->err));
    type = c->m->types[block.index].func;
    frame->type = type;
    return BEAMR_OK;
}

static beamr_status enter(wb_checker *c, const wb_frame *frame)
{
    BEAMR_TRY(wb_check_pop_all(c, wb_frame_params(frame)));
    BEAMR_TRY(wb_check_push_frame(c, frame));
    return wb_check_push_all(c, wb_frame_params(frame));
}

static beamr_status check_block(wb_checker *c)
{
    wb_frame frame = {.op = c->in.op};

    BEAMR_TRY(read_block_type(c, &frame));
    if (frame.op == WB_OP_IF)
        BEAMR_TRY(wb_check_pop(c, WB_I32));
    return enter(c, &frame);
}

/* The block's results are on the stack, and nothing else. */
static beamr_status finish_part(wb_checker *c)
{
    BEAMR_TRY(wb_check_pop_all(c, wb_frame_results(c->top)));
    if (c->height != c->base)
        return WB_INVALID(c,
                          "type mismatch: %s finds %u operands more than the %u results "
                          "of its block",
                          wb_check_text(c), c->height - c->base,
                          wb_frame_results(c->top).count);
    return BEAMR_OK;
}

/* Begin the next part of the innermost block: after else, catch, catch_all. */
static void begin_part(wb_checker *c)
{
    wb_check_undo_locals(c, c->top->undo);
    c->height = c->base;
    c->top->op = c->in.op;
    c->top->is_unreachable = false;
    c->slots = c->top->slots + wb_frame_hidden(c->top);
    if (c->slots > c->max_slots)
        c->max_slots = c->slots;
}

/* The innermost block began with, or has come to, `op` or `other`. */
static beamr_status expect_part(wb_checker *c, wb_op op, wb_op other)
{
    if (c->depth > 1 && (c->top->op == op || c->top->op == other))
        return BEAMR_OK;
    return beamr_fail(c->err, BEAMR_MALFORMED, c->in.offset,
                      "unexpected %s: the block that it is in has no %s before it",
                      wb_check_text(c), wb_op_table[op].text);
}

static beamr_status check_else(wb_checker *c)
{
    BEAMR_TRY(expect_part(c, WB_OP_IF, WB_OP_IF));
    BEAMR_TRY(finish_part(c));
    begin_part(c);
    return wb_check_push_all(c, wb_frame_params(c->top));
}

/* An `if` without `else` passes its parameters on. */
static beamr_status check_missing_else(wb_checker *c)
{
    wb_types params = wb_frame_params(c->top), results = wb_frame_results(c->top);

    if (params.count != results.count)
        return WB_INVALID(c, "type mismatch: if without else has %u parameters but %u results",
                          params.count, results.count);
    for (uint32_t i = 0; i < params.count; i++)
        if (!wb_valtype_matches(c->m->registry, params.list[i], results.list[i]))
            return wb_check_mismatch(c, results.list[i], params.list[i]);
    return BEAMR_OK;
}

/* Leave the innermost block; its results have been checked. */
static beamr_status leave(wb_checker *c)
{
    wb_types results = wb_frame_results(c->top); /* stays while no frame is pushed */

    wb_check_undo_locals(c, c->top->undo);
    wb_check_pop_frame(c);
    return wb_check_push_all(c, results);
}

static beamr_status check_end(wb_checker *c)
{
    BEAMR_TRY(finish_part(c));
    if (c->top->op == WB_OP_IF)
        BEAMR_TRY(check_missing_else(c));
    return leave(c);
}

/* ---- Branches ---- */

static beamr_status find_label(wb_checker *c, uint32_t label, wb_frame **out)
{
    if (label >= c->depth)
        return WB_INVALID(c, "unknown label %u: %s is in %u blocks, the function included",
                          label, wb_check_text(c), c->depth);
    *out = &c->frames[c->depth - 1 - label];
    return BEAMR_OK;
}

static beamr_status check_br(wb_checker *c)
{
    wb_frame *target;

    BEAMR_TRY(find_label(c, c->in.index, &target));
    BEAMR_TRY(wb_check_pop_all(c, wb_frame_label(target)));
    wb_check_set_unreachable(c);
    return BEAMR_OK;
}

/* Check operands that a conditional branch takes along; afterwards they have the label's types.
 */
static beamr_status check_carried(wb_checker *c, wb_types types)
{
    BEAMR_TRY(wb_check_pop_all(c, types));
    return wb_check_push_all(c, types);
}

static beamr_status check_br_if(wb_checker *c)
{
    wb_frame *target;

    BEAMR_TRY(wb_check_pop(c, WB_I32));
    BEAMR_TRY(find_label(c, c->in.index, &target));
    return check_carried(c, wb_frame_label(target));
}

static beamr_status check_br_table(wb_checker *c)
{
    const uint8_t *cursor = c->in.list;
    wb_types last = {NULL, 0};
    wb_frame *target;

    BEAMR_TRY(wb_check_pop(c, WB_I32));
    c->table_count++;
    for (uint32_t i = 0; i <= c->in.count; i++) { /* the default label is behind the list */
        wb_types types;

        BEAMR_TRY(find_label(c, wb_label_next(&cursor), &target));
        if (target->table_mark == c->table_count)
            continue;
        target->table_mark = c->table_count;
        types = wb_frame_label(target);
        if (i > 0 && types.count != last.count)
            return WB_INVALID(c,
                              "type mismatch: br_table label %u takes %u operands, the "
                              "labels before it take %u",
                              i, types.count, last.count);
        if (types.list != last.list)
            BEAMR_TRY(wb_check_top(c, types));
        last = types;
    }
    wb_check_set_unreachable(c);
    return BEAMR_OK;
}

/* Take a reference of any kind, and give the same type without null. */
static beamr_status pop_reference(wb_checker *c, wb_valtype *non_null)
{
    wb_valtype found;

    BEAMR_TRY(wb_check_pop_any(c, &found));
    if (found == WB_BOTTOM) {
        *non_null = WB_REFTYPE(false, WB_HEAP_BOTTOM);
        return BEAMR_OK;
    }
    if (!wb_valtype_is_ref(found)) {
        char text[64];

        return WB_INVALID(c, "type mismatch: %s needs a reference, found %s", wb_check_text(c),
                          wb_valtype_text(found, text, sizeof text));
    }
    *non_null = WB_REFTYPE(false, wb_valtype_heap(found));
    return BEAMR_OK;
}

static beamr_status check_ref_as_non_null(wb_checker *c)
{
    wb_valtype type;

    BEAMR_TRY(pop_reference(c, &type));
    return wb_check_push(c, type);
}

static beamr_status check_ref_is_null(wb_checker *c)
{
    wb_valtype type;

    BEAMR_TRY(pop_reference(c, &type));
    return wb_check_push(c, WB_I32);
}

static beamr_status check_br_on_null(wb_checker *c)
{
    wb_valtype type;
    wb_frame *target;

    BEAMR_TRY(pop_reference(c, &type));
    BEAMR_TRY(find_label(c, c->in.index, &target));
    BEAMR_TRY(check_carried(c, wb_frame_label(target)));
    return wb_check_push(c, type);
}

static beamr_status check_br_on_non_null(wb_checker *c)
{
    wb_valtype type;
    wb_frame *target;
    wb_types types;

    BEAMR_TRY(pop_reference(c, &type));
    BEAMR_TRY(find_label(c, c->in.index, &target));
    types = wb_frame_label(target);
    if (types.count == 0)
        return WB_INVALID(c,
                          "type mismatch: br_on_non_null needs a label that takes a "
                          "reference, label %u takes nothing",
                          c->in.index);
    types.count--;
    if (!wb_valtype_matches(c->m->registry, type, types.list[types.count]))
        return wb_check_mismatch(c, types.list[types.count], type);
    return check_carried(c, types);
}

/* ---- Calls ---- */

/* Check operands against a callee's type. A tail call ends here, so that it needs the caller's
 * results. */
static beamr_status check_callee(wb_checker *c, const wb_functype *callee, bool is_tail)
{
    const wb_functype *caller = c->type;

    if (!is_tail) {
        BEAMR_TRY(wb_check_pop_all(c, wb_types_of_params(callee)));
        return wb_check_push_all(c, wb_types_of_results(callee));
    }
    if (callee->result_count != caller->result_count)
        return WB_INVALID(c, "type mismatch: %s of a function with %u results in one with %u",
                          wb_check_text(c), callee->result_count, caller->result_count);
    for (uint32_t i = 0; i < callee->result_count; i++)
        if (!wb_valtype_matches(c->m->registry, callee->results[i], caller->results[i]))
            return wb_check_mismatch(c, caller->results[i], callee->results[i]);
    BEAMR_TRY(wb_check_pop_all(c, wb_types_of_params(callee)));
    wb_check_set_unreachable(c);
    return BEAMR_OK;
}

static beamr_status check_call(wb_checker *c, bool is_tail)
{
    BEAMR_TRY(wb_check_index(c, "function", c->in.index, c->m->func_count));
    return check_callee(c, wb_module_functype(c->m, c->in.index), is_tail);
}

static beamr_status check_call_indirect(wb_checker *c, bool is_tail)
{
    const wb_module *m = c->m;
    const wb_tabletype *table;
    char text[64];

    BEAMR_TRY(wb_check_index(c, "table", c->in.index2, m->table_count));
    BEAMR_TRY(wb_check_index(c, "type", c->in.index, m->type_count));
    table = &m->tables[c->in.index2].type;
    if (!wb_valtype_matches(m->registry, table->elem, WB_FUNCREF))
        return WB_INVALID(c, "type mismatch: %s needs a table of functions, table %u holds %s",
                          wb_check_text(c), c->in.index2,
                          wb_valtype_text(table->elem, text, sizeof text));
    BEAMR_TRY(wb_check_pop(c, wb_address_type(table->limits)));
    return check_callee(c, m->types[c->in.index].func, is_tail);
}

static beamr_status check_call_ref(wb_checker *c, bool is_tail)
{
    BEAMR_TRY(wb_check_index(c, "type", c->in.index, c->m->type_count));
    BEAMR_TRY(wb_check_pop(c, wb_check_typed_ref(c, true, c->in.index)));
    return check_callee(c, c->m->types[c->in.index].func, is_tail);
}

static beamr_status check_return(wb_checker *c)
{
    BEAMR_TRY(wb_check_pop_all(c, wb_types_of_results(c->type)));
    wb_check_set_unreachable(c);
    return BEAMR_OK;
}

/* ---- Exceptions ---- */

/* A function uses one encoding of exception handling: executors need not mix them in a frame.
 */
static beamr_status check_encoding(wb_checker *c)
{
    if (c->in.op == WB_OP_TRY)
        c->has_legacy_try = true;
    else
        c->has_try_table = true;
    if (c->has_legacy_try && c->has_try_table)
        return WB_INVALID(c,
                          "legacy and new exception handling in one function: found %s "
                          "after %s",
                          wb_check_text(c),
                          c->in.op == WB_OP_TRY ? "try_table or throw_ref" : "try");
    return BEAMR_OK;
}

static beamr_status find_tag(wb_checker *c, uint32_t tag, wb_types *values)
{
    BEAMR_TRY(wb_check_index(c, "tag", tag, c->m->tag_count));
    *values = wb_types_of_params(c->m->types[c->m->tags[tag].type].func);
    return BEAMR_OK;
}

static beamr_status check_throw(wb_checker *c)
{
    wb_types values;

    BEAMR_TRY(find_tag(c, c->in.index, &values));
    BEAMR_TRY(wb_check_pop_all(c, values));
    wb_check_set_unreachable(c);
    return BEAMR_OK;
}

static beamr_status check_throw_ref(wb_checker *c)
{
    BEAMR_TRY(check_encoding(c));
    BEAMR_TRY(wb_check_pop(c, WB_EXNREF));
    wb_check_set_unreachable(c);
    return BEAMR_OK;
}

/* What a clause catches fits the label that it goes to, seen from outside the try_table. */
static beamr_status check_clause(wb_checker *c, wb_catch_clause clause)
{
    bool has_ref = clause.kind == WB_CATCH_REF || clause.kind == WB_CATCH_ALL_REF;
    wb_valtype ref = WB_REFTYPE(false, WB_HEAP_EXN);
    wb_types values = {NULL, 0}, label;
    wb_frame *target;

    if (clause.kind == WB_CATCH || clause.kind == WB_CATCH_REF)
        BEAMR_TRY(find_tag(c, clause.tag, &values));
    BEAMR_TRY(find_label(c, clause.label, &target));
    label = wb_frame_label(target);
    if (values.count + has_ref != label.count)
        return WB_INVALID(
            c, "type mismatch: a catch clause gives %u values, its label %u takes %u",
            values.count + has_ref, clause.label, label.count);
    for (uint32_t i = 0; i < values.count; i++)
        if (!wb_valtype_matches(c->m->registry, values.list[i], label.list[i]))
            return wb_check_mismatch(c, label.list[i], values.list[i]);
    if (has_ref && !wb_valtype_matches(c->m->registry, ref, label.list[values.count]))
        return wb_check_mismatch(c, label.list[values.count], ref);
    return BEAMR_OK;
}

static beamr_status check_try_table(wb_checker *c)
{
    const uint8_t *cursor = c->in.list;
    wb_frame frame = {.op = WB_OP_TRY_TABLE};

    BEAMR_TRY(check_encoding(c));
    BEAMR_TRY(read_block_type(c, &frame));
    for (uint32_t i = 0; i < c->in.count; i++)
        BEAMR_TRY(check_clause(c, wb_catch_next(&cursor)));
    return enter(c, &frame);
}

static beamr_status check_try(wb_checker *c)
{
    BEAMR_TRY(check_encoding(c));
    return check_block(c);
}

static beamr_status check_catch(wb_checker *c)
{
    wb_types values = {NULL, 0};

    BEAMR_TRY(expect_part(c, WB_OP_TRY, WB_OP_CATCH));
    if (c->in.op == WB_OP_CATCH)
        BEAMR_TRY(find_tag(c, c->in.index, &values));
    BEAMR_TRY(finish_part(c));
    begin_part(c);
    return wb_check_push_all(c, values);
}

static beamr_status check_delegate(wb_checker *c)
{
    BEAMR_TRY(expect_part(c, WB_OP_TRY, WB_OP_TRY));
    BEAMR_TRY(finish_part(c));
    /* The label counts from outside the try; the function itself stands for its caller. */
    if (c->in.index >= c->depth - 1)
        return WB_INVALID(c, "unknown label %u: delegate is in %u blocks, its try not counted",
                          c->in.index, c->depth - 1);
    return leave(c);
}

static beamr_status check_rethrow(wb_checker *c)
{
    wb_frame *target;

    BEAMR_TRY(find_label(c, c->in.index, &target));
    if (!wb_frame_hidden(target))
        return WB_INVALID(c, "invalid rethrow label %u: it is a %s, not a catch", c->in.index,
                          wb_op_table[target->op].text);
    wb_check_set_unreachable(c);
    return BEAMR_OK;
}

beamr_status wb_check_control(wb_checker *c)
{
    switch (c->in.op) {
    case WB_OP_UNREACHABLE:
        wb_check_set_unreachable(c);
        return BEAMR_OK;
    case WB_OP_BLOCK:
    case WB_OP_LOOP:
    case WB_OP_IF:
        return check_block(c);
    case WB_OP_ELSE:
        return check_else(c);
    case WB_OP_END:
        return check_end(c);
    case WB_OP_BR:
        return check_br(c);
    case WB_OP_BR_IF:
        return check_br_if(c);
    case WB_OP_BR_TABLE:
        return check_br_table(c);
    case WB_OP_BR_ON_NULL:
        return check_br_on_null(c);
    case WB_OP_BR_ON_NON_NULL:
        return check_br_on_non_null(c);
    case WB_OP_REF_AS_NON_NULL:
        return check_ref_as_non_null(c);
    case WB_OP_REF_IS_NULL:
        return check_ref_is_null(c);
    case WB_OP_RETURN:
        return check_return(c);
    case WB_OP_CALL:
    case WB_OP_RETURN_CALL:
        return check_call(c, c->in.op == WB_OP_RETURN_CALL);
    case WB_OP_CALL_INDIRECT:
    case WB_OP_RETURN_CALL_INDIRECT:
        return check_call_indirect(c, c->in.op == WB_OP_RETURN_CALL_INDIRECT);
    case WB_OP_CALL_REF:
    case WB_OP_RETURN_CALL_REF:
        return check_call_ref(c, c->in.op == WB_OP_RETURN_CALL_REF);
    case WB_OP_THROW:
        return check_throw(c);
    case WB_OP_THROW_REF:
        return check_throw_ref(c);
    case WB_OP_TRY_TABLE:
        return check_try_table(c);
    case WB_OP_TRY:
        return check_try(c);
    case WB_OP_CATCH:
    case WB_OP_CATCH_ALL:
        return check_catch(c);
    case WB_OP_DELEGATE:
        return check_delegate(c);
    case WB_OP_RETHROW:
        return check_rethrow(c);
    default:
        /* A SPECIAL row of opcode.def without a rule here is refused rather than let through.
         */
        return WB_INVALID(c, "no typing rule for %s", wb_check_text(c));
    }
}
