/* A function body in the making: generate_body.c has the operands and the plain instructions,
 * generate_control.c blocks, jumps, calls and exceptions. */
#ifndef FUZZ_GENERATE_BODY_H
#define FUZZ_GENERATE_BODY_H

#include "generate_internal.h"

#define STACK_MAX 160u
#define FRAMES_MAX 24u
#define LOCALS_MAX (10u + GEN_ARITY)
#define COUNTERS 3u /* loops within each other that count */

typedef enum frame_kind {
    FRAME_BLOCK, /* also the function's, and try_table */
    FRAME_LOOP,
    FRAME_IF,
    FRAME_TRY,
    FRAME_CATCH,
    FRAME_CATCH_ALL,
} frame_kind;

typedef struct frame {
    frame_kind kind;
    gen_functype type;
    uint32_t height; /* operands below it, without its parameters */
    bool is_dead;    /* what follows cannot be reached */
    bool is_try;     /* exceptions in it may be caught: try_table */
    bool is_counted; /* a loop that ends when its counter is 0 */
} frame;

typedef struct body {
    gen *g;
    gen_buf *out;
    wb_valtype locals[LOCALS_MAX];
    uint32_t local_count;
    uint32_t counters; /* in use: of counted loops. These locals, COUNTERS of them, lie behind
                          the others, and those for plain NaNs behind them */
    const gen_functype *type;
    wb_valtype stack[STACK_MAX + 4 * GEN_ARITY];
    uint32_t height;
    frame frames[FRAMES_MAX];
    uint32_t depth;
    bool is_legacy; /* its exceptions: a function may not have both encodings */
} body;

/* ---- The stack, as validation sees it ---- */

frame *body_top(body *b);
void body_push(body *b, wb_valtype type);
void body_push_all(body *b, const wb_valtype *types, uint32_t count);
/* In unreachable code there may be fewer operands. */
void body_pop(body *b, uint32_t count);
/* What follows cannot be reached. */
void body_kill(body *b);
/* The topmost operands have these types. */
bool body_has(const body *b, const wb_valtype *types, uint32_t count);

/* ---- Writing ---- */

/* An instruction with one index behind it. */
void body_index(body *b, wb_op op, uint32_t index);
/* Code that puts a value of the type on the guest's stack; the caller pushes its type.
 *   depth  of the tree of instructions that may be made for it */
void body_make(body *b, wb_valtype type, unsigned depth);
void body_make_ref(body *b, wb_valtype type);
/* A constant that mostly lies below `bound`. */
void body_make_small(body *b, wb_valtype type, uint32_t bound);
/* Make a NaN just computed the plain one, if the style wants that. */
void body_plain_nan(body *b, wb_op op);
/* See that operands of these types are on top: what is there is used as far as it fits, the
 * rest made. */
void body_need(body *b, const wb_valtype *types, uint32_t count);
/* Code that takes the topmost operand away, often into a local. */
void body_shed(body *b);

/* ---- Steps (generate_control.c) ---- */

void body_step_br(body *b);
void body_step_br_if(body *b);
void body_step_br_table(body *b);
void body_step_br_on_null(body *b);
void body_step_ref(body *b);
void body_step_call(body *b);
void body_step_call_ref(body *b);
void body_step_call_indirect(body *b);
void body_step_block(body *b);
void body_step_counted_loop(body *b);
void body_step_try_table(body *b);
void body_step_throw(body *b);
void body_step_unreachable(body *b);
void body_step_close(body *b);
/* End the innermost block, or go on with its next part when it must have one, or may. */
void body_close_part(body *b, bool may_go_on);

#endif
