/* What the validator's own files share: the state of checking one module, with the stacks of
 * operands and of open blocks. Nothing outside the validator includes this.
 *   validate.c          parts of the module, constant expressions; wb_validate
 *   validate_body.c     function bodies: signatures, locals, memories, tables, references
 *   validate_control.c  instructions that enter, leave, branch, call and throw
 *   validate_stack.c    the stacks
 * Source: Core, "Validation" and its appendix "Validation Algorithm". */
#ifndef WASM_VALIDATE_H
#define WASM_VALIDATE_H

#include "wasm/internal.h"

/* Value types in a row; borrowed. */
typedef struct wb_types {
    const wb_valtype *list;
    uint32_t count;
} wb_types;

/* A row of opcode.def, its signature taken apart. Types are kinds, which for numbers and
 * vectors are the value types themselves. */
typedef struct wb_rule {
    bool is_special; /* SPECIAL: the rule is written out */
    uint8_t feature;
    uint8_t access; /* what its immediate names: see validate_body.c */
    uint8_t align;  /* natural alignment of an access, as log2 */
    uint8_t pop_count;
    uint8_t pops[3]; /* the topmost operand last */
    uint8_t push;    /* WB_KIND_NONE: nothing */
} wb_rule;

#define WB_RULE_ADDRESS 15u /* in wb_rule: the memory's address type */

/* An open block; the function's body is the outermost one. */
typedef struct wb_frame {
    const wb_functype *type; /* NULL: no parameters, and at most `result` */
    wb_valtype result;
    uint32_t base;       /* operands below it belong to the blocks outside */
    uint32_t slots;      /* 64-bit slots of the operands below */
    uint32_t undo;       /* length of the undo log of locals when the block began */
    uint32_t table_mark; /* number of the last br_table that named the block */
    wb_op op;            /* what began its current part: BLOCK, ELSE, CATCH ... */
    bool is_unreachable; /* the end of the present code is not reached */
} wb_frame;

/* All arrays are scratch that functions use one after another; wb_checker_clear frees them. */
typedef struct wb_checker {
    wb_module *m;
    beamr_error *err;
    const wb_func *func; /* the body that is being checked */
    const wb_functype *type;
    wb_instr in; /* the instruction that is being checked */
    wb_features used;

    wb_valtype *stack; /* operands */
    uint32_t height, stack_room;
    uint32_t base; /* of the innermost frame */
    uint32_t slots, max_slots;

    wb_frame *frames;
    wb_frame *top; /* the innermost */
    uint32_t depth, frame_room;
    uint32_t table_count; /* br_tables so far, in all functions */

    wb_valtype *local_types; /* of the first `local_flat` locals */
    uint32_t local_flat, local_room;
    uint32_t *run_ends; /* locals declared up to the end of each run, when some are not flat */
    uint32_t run_room;
    uint32_t *set_marks; /* by local: the number of the function that has set it */
    uint32_t mark_room;
    uint32_t mark;  /* number of the function, from 1 */
    uint32_t *undo; /* locals without a default that have been set, in this order */
    uint32_t undo_count, undo_room;

    bool has_legacy_try, has_try_table; /* `throw_ref` counts as the second */

    wb_rule rules[WB_OP_COUNT];
} wb_checker;

/* Fail at the present instruction. */
#define WB_INVALID(c, ...) beamr_fail((c)->err, BEAMR_INVALID, (c)->in.offset, __VA_ARGS__)

/* Text of the present instruction. */
static inline const char *wb_check_text(const wb_checker *c)
{
    return wb_op_table[c->in.op].text;
}

/* An index lies below `count`; otherwise "unknown <what> <index>". */
static inline beamr_status wb_check_index(wb_checker *c, const char *what, uint32_t index,
                                          uint32_t count)
{
    if (index < count)
        return BEAMR_OK;
    return WB_INVALID(c, "unknown %s %u: %s names it, there are %u", what, index,
                      wb_check_text(c), count);
}

/* The type of references to instances of the module's type `type`. */
static inline wb_valtype wb_check_typed_ref(const wb_checker *c, bool nullable, uint32_t type)
{
    return WB_REFTYPE(nullable, WB_HEAP_DEFINED + c->m->types[type].canon);
}

static inline wb_valtype wb_address_type(wb_limits limits)
{
    return limits.is64 ? WB_I64 : WB_I32;
}

static inline wb_types wb_types_of_params(const wb_functype *t)
{
    return (wb_types){t->params, t->param_count};
}

static inline wb_types wb_types_of_results(const wb_functype *t)
{
    return (wb_types){t->results, t->result_count};
}

/* ---- validate_stack.c ---- */

/* Ready for a function or a constant expression: all stacks empty, nothing set. */
void wb_checker_reset(wb_checker *c);
void wb_checker_clear(wb_checker *c);

/* Make room in an array of scratch for `want` entries of `size` bytes, doubling it.
 * Returns the array's new place, or NULL with the failure recorded (BEAMR_NO_MEMORY). */
void *wb_check_grow(wb_checker *c, void *array, uint32_t *room, size_t size, uint32_t want);

beamr_status wb_check_grow_stack(wb_checker *c);

static inline beamr_status wb_check_push(wb_checker *c, wb_valtype type)
{
    if (c->height == c->stack_room)
        BEAMR_TRY(wb_check_grow_stack(c));
    c->stack[c->height++] = type;
    c->slots += wb_valtype_slots(type);
    if (c->slots > c->max_slots)
        c->max_slots = c->slots;
    return BEAMR_OK;
}

/* Take an operand of any type: WB_BOTTOM when code is unreachable and none is left. */
beamr_status wb_check_pop_any(wb_checker *c, wb_valtype *out);
beamr_status wb_check_pop_other(wb_checker *c, wb_valtype want);

/* Take an operand that may stand for `want`. */
static inline beamr_status wb_check_pop(wb_checker *c, wb_valtype want)
{
    if (c->height > c->base && c->stack[c->height - 1] == want) {
        c->height--;
        c->slots -= wb_valtype_slots(want);
        return BEAMR_OK;
    }
    return wb_check_pop_other(c, want);
}

beamr_status wb_check_push_all(wb_checker *c, wb_types types);
beamr_status wb_check_pop_all(wb_checker *c, wb_types types);

/* The topmost operands may stand for `types`; they stay as they are. */
beamr_status wb_check_top(wb_checker *c, wb_types types);

/* An operand or value of type `found` stands where `want` is needed. */
beamr_status wb_check_mismatch(wb_checker *c, wb_valtype want, wb_valtype found);

/* Begin a block with what `frame` says of op and type; its parameters are not pushed.
 * Errors: BEAMR_LIMIT, BEAMR_NO_MEMORY. */
beamr_status wb_check_push_frame(wb_checker *c, const wb_frame *frame);
void wb_check_pop_frame(wb_checker *c);

/* What follows is not reached: operands of the innermost block are whatever is needed. */
void wb_check_set_unreachable(wb_checker *c);

/* A clause of a legacy try keeps the exception in one hidden slot, below its operands. */
static inline uint32_t wb_frame_hidden(const wb_frame *f)
{
    return f->op == WB_OP_CATCH || f->op == WB_OP_CATCH_ALL;
}

wb_types wb_frame_params(const wb_frame *f);
/* Borrowed until the next wb_check_push_frame; likewise wb_frame_label. */
wb_types wb_frame_results(const wb_frame *f);
/* What a branch to the block takes along. */
wb_types wb_frame_label(const wb_frame *f);

/* ---- validate_body.c ---- */

void wb_check_init_rules(wb_checker *c);

/* Check an instruction that has a signature. */
beamr_status wb_check_signature(wb_checker *c, const wb_rule *rule);

/* Count the features that a type written in an instruction needs as used. */
void wb_check_note_type(wb_checker *c, wb_valtype type);

/* Forget the locals that have been set since the undo log had `length` entries. */
void wb_check_undo_locals(wb_checker *c, uint32_t length);

/* Check the bodies of all functions, and fill in what wb_func says of them. */
beamr_status wb_check_bodies(wb_checker *c);

/* ---- validate_control.c ---- */

/* Check the present instruction, one of control flow. */
beamr_status wb_check_control(wb_checker *c);

#endif
