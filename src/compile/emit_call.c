/* Calls. A call within the module goes straight to the function; one through a table or a
 * reference compares the function's key with that of this instance and type, and goes straight
 * to it as well; all others leave native code by BUILTIN(CALL), with arguments and results in
 * slots. Tail calls are LLVM's `musttail`. Source: Core, "Control Instructions"; the convention
 * is in abi/context.h. */
#include <stddef.h>

#include "compile/internal.h"

#define FIRST_PARAM 2u

/* Arguments in front of which context and units stand, and what signature.c wants behind. */
typedef struct arguments {
    LLVMValueRef v[COMPILE_ARGUMENTS_MAX];
    uint32_t type; /* index of the callee's */
    const wb_functype *t;
} arguments;

static void arguments_pop(compile_func *f, arguments *a, uint32_t type, bool tail)
{
    a->type = type;
    a->t = f->m->types[type].func;
    a->v[0] = f->context;
    a->v[1] = tail ? f->caller_units : f->units;
    for (uint32_t i = a->t->param_count; i-- > 0;)
        a->v[FIRST_PARAM + i] = compile_pop(f);
}

/* What a call came to. */
typedef struct outcome {
    LLVMValueRef status; /* NULL: cannot have thrown */
    LLVMValueRef first;  /* result; NULL when there is none */
} outcome;

/* Go on with a call's results, unless it threw. */
static void call_end(compile_func *f, const arguments *a, const outcome *o)
{
    uint32_t slot = 0;
    LLVMValueRef slots;

    if (o->status)
        compile_propagate(f, o->status);
    if (!o->first)
        return;
    compile_push(f, o->first, a->t->results[0]);
    if (a->t->result_count < 2)
        return;
    slots = compile_slots(f);
    for (uint32_t i = 1; i < a->t->result_count && !f->failed; i++) {
        slot += wb_valtype_slots(a->t->results[i - 1]);
        compile_push(f, compile_slot_load(f, slots, slot, a->t->results[i]), a->t->results[i]);
    }
}

/* ---- The ways to call ---- */

static outcome call_code(compile_func *f, arguments *a, LLVMValueRef code)
{
    LLVMValueRef call = compile_guest_call(f->u, a->type, code, a->v);
    outcome o;

    compile_site(f, call);
    compile_returned(f->u, a->type, call, &o.status, &o.first);
    return o;
}

static outcome call_slots(compile_func *f, const arguments *a, LLVMValueRef callee)
{
    LLVMValueRef slots = a->t->param_count || a->t->result_count ? compile_slots(f) : NULL;
    LLVMValueRef args[3] = {callee, f->units, compile_i32(f->u, 0)};
    uint32_t slot = 0;
    outcome o = {NULL, NULL};

    for (uint32_t i = 0; i < a->t->param_count; i++) {
        compile_slot_store(f, slots, slot, a->v[FIRST_PARAM + i], a->t->params[i]);
        slot += wb_valtype_slots(a->t->params[i]);
    }
    o.status = compile_builtin(f, ABI_BUILTIN_CALL, args, 3);
    if (!f->u->job->catches)
        o.status = NULL;
    if (a->t->result_count)
        o.first = compile_slot_load(f, slots, 0, a->t->results[0]);
    return o;
}

/* The call takes the place of this function. */
static void tail_end(compile_func *f, LLVMValueRef call)
{
    compile_site(f, call);
    LLVMSetTailCallKind(call, LLVMTailCallKindMustTail);
    if (LLVMTypeOf(call) == f->u->void_)
        LLVMBuildRetVoid(f->b);
    else
        LLVMBuildRet(f->b, call);
}

static void tail_code(compile_func *f, arguments *a, LLVMValueRef code)
{
    tail_end(f, compile_guest_call(f->u, a->type, code, a->v));
}

static void tail_slots(compile_func *f, arguments *a, LLVMValueRef callee)
{
    LLVMValueRef stub = compile_tail_stub(f->u, a->type);

    tail_end(f, compile_tail_stub_call(f->u, a->type, stub, a->v, callee));
}

/* ---- Of a function that is known ---- */

static void emit_call(compile_func *f, bool tail)
{
    uint32_t index = f->in.index;
    bool import = index < f->m->func_imports;
    arguments a;
    LLVMValueRef callee;
    outcome o;

    arguments_pop(f, &a, f->m->funcs[index].type, tail);
    callee = import ? compile_context_load(f, f->u->ptr, f->u->job->layout.imports + 8 * index)
                    : compile_func_decl(f->u, index);
    if (tail) {
        (import ? tail_slots : tail_code)(f, &a, callee);
        compile_dead(f);
        return;
    }
    o = import ? call_slots(f, &a, callee) : call_code(f, &a, callee);
    if (!import && !f->u->job->throws[index])
        o.status = NULL;
    call_end(f, &a, &o);
}

/* ---- Of a function that is not ---- */

/* Where an indirect call goes: to native code of this instance, or wherever else. */
typedef struct paths {
    LLVMBasicBlockRef near, far;
    LLVMValueRef near_callee; /* a phi */
    LLVMValueRef far_callee;
} paths;

static void near_add(compile_func *f, paths *p, LLVMValueRef callee)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);

    LLVMAddIncoming(p->near_callee, &callee, &here, 1);
}

static paths paths_new(compile_func *f)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);
    paths p = {.near = compile_block_new(f, "near"), .far = compile_block_new(f, "far")};

    compile_at(f, p.near);
    p.near_callee = LLVMBuildPhi(f->b, f->u->ptr, "");
    compile_at(f, here);
    return p;
}

/* The function is of the right type: its native code can be called if it is of this instance.
 */
static void choose(compile_func *f, paths *p, LLVMValueRef callee, uint32_t type)
{
    const uint32_t upper = 4; /* the instance's part of a key */
    compile_unit *u = f->u;
    LLVMValueRef has = compile_host_load(f, u->i32, callee, offsetof(abi_func, key) + upper);
    LLVMValueRef want = compile_context_load(f, u->i32, u->job->layout.keys + 8 * type + upper);
    LLVMValueRef is_far = LLVMBuildICmp(f->b, LLVMIntNE, has, want, "");

    near_add(f, p, callee);
    p->far_callee = callee;
    compile_unlikely(f, LLVMBuildCondBr(f->b, is_far, p->far, p->near));
}

static void join(LLVMValueRef phi, LLVMValueRef near, LLVMBasicBlockRef near_block,
                 LLVMValueRef far, LLVMBasicBlockRef far_block)
{
    LLVMAddIncoming(phi, &near, &near_block, 1);
    LLVMAddIncoming(phi, &far, &far_block, 1);
}

static LLVMValueRef near_code(compile_func *f, const paths *p)
{
    compile_at(f, p->near);
    return compile_host_load(f, f->u->ptr, p->near_callee, offsetof(abi_func, direct));
}

static void call_either(compile_func *f, arguments *a, const paths *p)
{
    LLVMBasicBlockRef next = compile_block_new(f, "");
    LLVMBasicBlockRef far_block;
    outcome near = call_code(f, a, near_code(f, p));
    outcome far;
    outcome o = {NULL, NULL};

    LLVMBuildBr(f->b, next);
    compile_at(f, p->far);
    far = call_slots(f, a, p->far_callee);
    far_block = LLVMGetInsertBlock(f->b);
    LLVMBuildBr(f->b, next);
    compile_at(f, next);
    if (near.status)
        o.status = LLVMBuildPhi(f->b, f->u->i32, "");
    if (near.first)
        o.first = LLVMBuildPhi(f->b, LLVMTypeOf(near.first), "");
    if (near.status)
        join(o.status, near.status, p->near, far.status, far_block);
    if (near.first)
        join(o.first, near.first, p->near, far.first, far_block);
    call_end(f, a, &o);
}

static void tail_either(compile_func *f, arguments *a, const paths *p)
{
    tail_code(f, a, near_code(f, p));
    compile_at(f, p->far);
    tail_slots(f, a, p->far_callee);
    compile_dead(f);
}

/* ---- Through a table ---- */

/* An element that is within the table, or where `out` leads. */
static LLVMValueRef element_load(compile_func *f, uint32_t table, LLVMValueRef element,
                                 LLVMBasicBlockRef out)
{
    LLVMBasicBlockRef next = compile_block_new(f, "");
    LLVMValueRef at = compile_table(f, table);
    LLVMValueRef beyond =
        LLVMBuildICmp(f->b, LLVMIntUGE, element, compile_table_size(f, table, at), "");

    compile_unlikely(f, LLVMBuildCondBr(f->b, beyond, out, next));
    compile_at(f, next);
    return compile_host_load(f, f->u->ptr, compile_table_element(f, at, element), 0);
}

/* The common case: a function with native code, of this instance and exactly the type. */
static void find_near(compile_func *f, paths *p, LLVMValueRef element, LLVMBasicBlockRef slow)
{
    compile_unit *u = f->u;
    LLVMBasicBlockRef there = compile_block_new(f, "");
    LLVMValueRef callee = element_load(f, f->in.index2, element, slow);
    LLVMValueRef null = LLVMBuildICmp(f->b, LLVMIntEQ, callee, LLVMConstNull(u->ptr), "");
    LLVMValueRef has;
    LLVMValueRef want;

    compile_unlikely(f, LLVMBuildCondBr(f->b, null, slow, there));
    compile_at(f, there);
    has = compile_host_load(f, u->i64, callee, offsetof(abi_func, key));
    want = compile_context_load(f, u->i64, u->job->layout.keys + 8 * f->in.index);
    near_add(f, p, callee);
    compile_unlikely(
        f, LLVMBuildCondBr(f->b, LLVMBuildICmp(f->b, LLVMIntNE, has, want, ""), slow, p->near));
}

static void emit_call_indirect(compile_func *f, bool tail)
{
    LLVMBasicBlockRef slow = compile_block_new(f, "slow");
    paths p = paths_new(f);
    LLVMValueRef element = compile_table_index(f, compile_pop(f));
    LLVMValueRef args[3] = {compile_i32(f->u, f->in.index2), compile_i32(f->u, f->in.index),
                            element};
    arguments a;

    arguments_pop(f, &a, f->in.index, tail);
    find_near(f, &p, element, slow);
    compile_at(f, slow);
    choose(f, &p, compile_builtin(f, ABI_BUILTIN_FIND_INDIRECT, args, 3), f->in.index);
    (tail ? tail_either : call_either)(f, &a, &p);
}

static void emit_call_ref(compile_func *f, bool tail)
{
    LLVMValueRef ref = compile_pop(f);
    paths p;
    arguments a;

    arguments_pop(f, &a, f->in.index, tail);
    compile_trap_if(f, LLVMBuildICmp(f->b, LLVMIntEQ, ref, compile_i64(f->u, 0), ""),
                    BEAMR_TRAP_NULL_FUNCTION);
    p = paths_new(f);
    choose(f, &p, LLVMBuildIntToPtr(f->b, ref, f->u->ptr, ""), f->in.index);
    (tail ? tail_either : call_either)(f, &a, &p);
}

bool compile_emit_call(compile_func *f)
{
    switch (f->in.op) {
    case WB_OP_CALL:
    case WB_OP_RETURN_CALL:
        emit_call(f, f->in.op == WB_OP_RETURN_CALL);
        return true;
    case WB_OP_CALL_INDIRECT:
    case WB_OP_RETURN_CALL_INDIRECT:
        emit_call_indirect(f, f->in.op == WB_OP_RETURN_CALL_INDIRECT);
        return true;
    case WB_OP_CALL_REF:
    case WB_OP_RETURN_CALL_REF:
        emit_call_ref(f, f->in.op == WB_OP_RETURN_CALL_REF);
        return true;
    default:
        return false;
    }
}
