/* Constant expressions: initial values of globals, tables and elements, offsets of segments.
 * The validator has checked that they are constant and well typed; nothing here can trap.
 * Source: Core, "Constant Expressions". */
#include "runtime/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* An instruction that pushes a value takes two bytes or more and pushes two slots only when it
 * takes eighteen, or is a global.get of a vector: no more slots than bytes. */
#define SMALL_EXPR 32u

static uint64_t arithmetic(wb_op op, uint64_t a, uint64_t b)
{
    switch (op) {
    case WB_OP_I32_ADD:
        return (uint32_t)(a + b);
    case WB_OP_I32_SUB:
        return (uint32_t)(a - b);
    case WB_OP_I32_MUL:
        return (uint32_t)(a * b);
    case WB_OP_I64_ADD:
        return a + b;
    case WB_OP_I64_SUB:
        return a - b;
    default:
        assert(op == WB_OP_I64_MUL);
        return a * b;
    }
}

static uint64_t *push_global(const abi_global *g, uint64_t *top)
{
    *top++ = g->slots[0];
    if (wb_valtype_slots(g->type) == 2)
        *top++ = g->slots[1];
    return top;
}

/* Execute one instruction.  Returns the new top, or NULL when memory is gone. */
static uint64_t *step(abi_instance *inst, const wb_instr *in, uint64_t *top)
{
    abi_func *f;

    switch (in->op) {
    case WB_OP_I32_CONST:
        *top++ = in->i32;
        return top;
    case WB_OP_I64_CONST:
        *top++ = in->i64;
        return top;
    case WB_OP_F32_CONST:
        *top++ = in->f32;
        return top;
    case WB_OP_F64_CONST:
        *top++ = in->f64;
        return top;
    case WB_OP_V128_CONST:
        memcpy(top, in->v128, sizeof in->v128);
        return top + 2;
    case WB_OP_GLOBAL_GET:
        return push_global(inst->globals[in->index], top);
    case WB_OP_REF_NULL:
        *top++ = 0;
        return top;
    case WB_OP_REF_FUNC:
        if (!(f = rt_instance_func(inst, in->index)))
            return NULL;
        *top++ = (uintptr_t)f;
        return top;
    default:
        top--;
        top[-1] = arithmetic(in->op, top[-1], top[0]);
        return top;
    }
}

static beamr_status run(abi_instance *inst, const wb_expr *expr, uint64_t *stack,
                        uint64_t slots[2], beamr_error *err)
{
    wb_reader r = {inst->wasm, inst->wasm->bytes.data, expr->data, expr->data + expr->len};
    uint64_t *top = stack;
    wb_instr in;

    stack[0] = 0;
    for (;;) {
        BEAMR_TRY(wb_instr_read(&r, &in, err));
        if (in.op == WB_OP_END)
            break;
        if (!(top = step(inst, &in, top)))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a function reference");
    }
    slots[0] = stack[0];
    slots[1] = top - stack > 1 ? stack[1] : 0;
    return BEAMR_OK;
}

beamr_status rt_const_eval(abi_instance *inst, const wb_expr *expr, uint64_t slots[2],
                           beamr_error *err)
{
    uint64_t small[SMALL_EXPR];
    uint64_t *stack = small;
    beamr_status st;

    if (expr->len > SMALL_EXPR && !(stack = malloc(expr->len * sizeof *stack)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a constant expression");
    st = run(inst, expr, stack, slots, err);
    if (stack != small)
        free(stack);
    return st;
}
