/* Exceptions: throwing, and the handlers of both encodings.
 *
 * Each try has a *pad*: a block that compares the exception on its way (store->pending) with
 * the tags of the clauses, in their order, and goes on to the pad of the try outside when none
 * fits. Outside all of them is the block through which exceptions leave the function. All calls
 * inside a try share its pad: after each, one test of the status that it returned leads there.
 * Locals are right at the pad because they are allocas until LLVM makes SSA of them, with the
 * calls' branches already there; operands below the try are values from before it. Why checked
 * returns: docs/internals/native.md. Source: Core, "Control Instructions"; the legacy exception
 * handling proposal. The interpreter does the same with side tables: interp/unwind.c. */
#include <stddef.h>
#include <stdlib.h>

#include "compile/internal.h"

/* ---- Where exceptions go ---- */

static LLVMBasicBlockRef leave_block(compile_func *f)
{
    if (!f->leave)
        f->leave = compile_block_new(f, "leave");
    return f->leave;
}

/* Where an exception inside a block goes. */
static LLVMBasicBlockRef pad_of(compile_func *f, const compile_block *b)
{
    return b->pad ? b->pad : leave_block(f);
}

static LLVMBasicBlockRef present_pad(compile_func *f)
{
    return pad_of(f, compile_block_at(f, 0));
}

static void branch_if_thrown(compile_func *f, LLVMValueRef status, LLVMBasicBlockRef pad)
{
    LLVMBasicBlockRef next = compile_block_new(f, "returned");
    LLVMValueRef thrown =
        LLVMBuildICmp(f->b, LLVMIntNE, status, compile_i32(f->u, ABI_RETURNED), "");

    compile_unlikely(f, LLVMBuildCondBr(f->b, thrown, pad, next));
    compile_at(f, next);
}

void compile_propagate(compile_func *f, LLVMValueRef status)
{
    if (f->u->job->catches)
        branch_if_thrown(f, status, present_pad(f));
}

void compile_propagate_tail(compile_func *f, LLVMValueRef status)
{
    if (f->u->job->catches)
        branch_if_thrown(f, status, leave_block(f));
}

void compile_exception_finish(compile_func *f)
{
    LLVMValueRef level = compile_i32(f->u, 0);
    LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(f->fn));
    LLVMValueRef out;
    LLVMValueRef back;

    if (!f->leave)
        return;
    compile_at(f, f->leave);
    back = compile_intrinsic(f, "llvm.returnaddress", NULL, 0, &level, 1);
    (void)compile_builtin(f, ABI_BUILTIN_PASS, &back, 1);
    out = LLVMBuildInsertValue(f->b, LLVMGetPoison(type), compile_i32(f->u, ABI_THROWN), 0, "");
    LLVMBuildRet(f->b, out);
}

/* The exception on its way is store->pending. It goes on from here. */
static void throw_on(compile_func *f)
{
    if (f->u->job->catches)
        LLVMBuildBr(f->b, present_pad(f));
    else
        LLVMBuildUnreachable(f->b);
    compile_dead(f);
}

/* ---- Throwing ---- */

static uint32_t types_slots(const wb_valtype *types, uint32_t count)
{
    uint32_t slots = 0;

    for (uint32_t i = 0; i < count; i++)
        slots += wb_valtype_slots(types[i]);
    return slots;
}

static void emit_throw(compile_func *f)
{
    const wb_functype *type = f->m->types[f->m->tags[f->in.index].type].func;
    uint32_t slot = types_slots(type->params, type->param_count);
    LLVMValueRef slots = slot ? compile_slots(f) : NULL;
    LLVMValueRef tag = compile_i32(f->u, f->in.index);

    for (uint32_t i = type->param_count; i-- > 0;) {
        slot -= wb_valtype_slots(type->params[i]);
        compile_slot_store(f, slots, slot, compile_pop(f), type->params[i]);
    }
    (void)compile_builtin(f, ABI_BUILTIN_THROW, &tag, 1);
    throw_on(f);
}

static void emit_throw_ref(compile_func *f, LLVMValueRef exception)
{
    (void)compile_builtin(f, ABI_BUILTIN_THROW_REF, &exception, 1);
    throw_on(f);
}

/* ---- Pads ---- */

static LLVMValueRef store_pointer(compile_func *f)
{
    return compile_context_load(f, f->u->ptr, offsetof(abi_context, store));
}

/* At a pad's beginning: the exception that has come. */
static LLVMValueRef exception_load(compile_func *f)
{
    return compile_host_load(f, f->u->ptr, store_pointer(f), offsetof(abi_store, pending));
}

static LLVMValueRef exception_ref(compile_func *f, LLVMValueRef exception)
{
    return LLVMBuildPtrToInt(f->b, exception, f->u->i64, "");
}

/* Go to a new block if the exception has this tag (WB_NO_TYPE: whatever it has), where it is no
 * longer on its way. The builder is then there; returns where it goes with another tag, or
 * NULL. */
static LLVMBasicBlockRef clause_begin(compile_func *f, LLVMValueRef exception, uint32_t tag)
{
    LLVMBasicBlockRef body = compile_block_new(f, "catch");
    LLVMBasicBlockRef next = NULL;

    if (tag == WB_NO_TYPE) {
        LLVMBuildBr(f->b, body);
    } else {
        LLVMValueRef want =
            compile_context_load(f, f->u->ptr, f->u->job->layout.tags + 8 * tag);
        LLVMValueRef has =
            compile_host_load(f, f->u->ptr, exception, offsetof(abi_exception, tag));

        next = compile_block_new(f, "pad");
        LLVMBuildCondBr(f->b, LLVMBuildICmp(f->b, LLVMIntEQ, has, want, ""), body, next);
    }
    compile_at(f, body);
    compile_host_store(f, LLVMConstNull(f->u->ptr), store_pointer(f),
                       offsetof(abi_store, pending));
    return next;
}

static const wb_functype *tag_type(const compile_func *f, uint32_t tag)
{
    return f->m->types[f->m->tags[tag].type].func;
}

static LLVMValueRef exception_argument(compile_func *f, LLVMValueRef exception,
                                       const wb_functype *type, uint32_t index)
{
    return compile_slot_load(f, compile_offset(f, exception, offsetof(abi_exception, slots)),
                             types_slots(type->params, index), type->params[index]);
}

/* ---- The legacy encoding ---- */

static void emit_try(compile_func *f)
{
    LLVMBasicBlockRef here;
    compile_block *b = compile_block_open(f, WB_OP_TRY);

    if (!b)
        return;
    here = LLVMGetInsertBlock(f->b);
    b->own_pad = compile_block_new(f, "pad");
    b->pad = b->own_pad;
    b->dispatch = b->own_pad;
    compile_at(f, b->own_pad);
    b->caught = exception_load(f);
    compile_at(f, here);
}

static void emit_catch(compile_func *f)
{
    bool all = f->in.op == WB_OP_CATCH_ALL;
    const wb_functype *type = all ? NULL : tag_type(f, f->in.index);
    compile_block *b;

    compile_fall_through(f);
    b = compile_block_at(f, 0);
    b->kind = WB_OP_CATCH;
    b->dead = false;
    b->pad = compile_block_at(f, 1)->pad;
    f->height = b->height;
    compile_at(f, b->dispatch);
    b->dispatch = clause_begin(f, b->caught, all ? WB_NO_TYPE : f->in.index);
    for (uint32_t i = 0; type && i < type->param_count; i++)
        compile_push(f, exception_argument(f, b->caught, type, i), type->params[i]);
    compile_charge_begin(f);
}

/* What none of the clauses has caught goes on to the pad of block `depth`. */
static void pad_finish(compile_func *f, uint32_t depth)
{
    compile_block *b = compile_block_at(f, 0);
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);

    if (!b->dispatch)
        return;
    compile_at(f, b->dispatch);
    LLVMBuildBr(f->b, pad_of(f, compile_block_at(f, depth)));
    b->dispatch = NULL;
    compile_at(f, here);
}

void compile_exception_end(compile_func *f)
{
    pad_finish(f, 1);
}

static void emit_delegate(compile_func *f)
{
    pad_finish(f, f->in.index + 1);
    compile_fall_through(f);
    compile_block_close(f);
}

/* ---- try_table ---- */

static void clause_branch(compile_func *f, LLVMValueRef exception, const wb_catch_clause *c)
{
    bool all = c->kind == WB_CATCH_ALL || c->kind == WB_CATCH_ALL_REF;
    const wb_functype *type = all ? NULL : tag_type(f, c->tag);
    uint32_t count = type ? type->param_count : 0;
    LLVMValueRef *values = calloc((size_t)count + 1, sizeof *values);

    if (!values) {
        f->failed = true;
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        values[i] = exception_argument(f, exception, type, i);
    if (c->kind == WB_CATCH_REF || c->kind == WB_CATCH_ALL_REF)
        values[count] = exception_ref(f, exception);
    compile_branch_values(f, c->label, values);
    free(values);
}

/* All that the pad does is known at once: it branches to labels outside. */
static LLVMBasicBlockRef try_table_pad(compile_func *f)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);
    LLVMBasicBlockRef pad = compile_block_new(f, "pad");
    LLVMBasicBlockRef next = pad;
    const uint8_t *cursor = f->in.list;
    LLVMValueRef exception;

    compile_at(f, pad);
    exception = exception_load(f);
    for (uint32_t i = 0; i < f->in.count && next && !f->failed; i++) {
        wb_catch_clause c = wb_catch_next(&cursor);
        bool all = c.kind == WB_CATCH_ALL || c.kind == WB_CATCH_ALL_REF;

        next = clause_begin(f, exception, all ? WB_NO_TYPE : c.tag);
        clause_branch(f, exception, &c);
        if (next)
            compile_at(f, next);
    }
    if (next)
        LLVMBuildBr(f->b, present_pad(f));
    compile_at(f, here);
    return pad;
}

static void emit_try_table(compile_func *f)
{
    LLVMBasicBlockRef pad = f->in.count ? try_table_pad(f) : NULL;
    compile_block *b = f->failed ? NULL : compile_block_open(f, WB_OP_TRY_TABLE);

    if (!b || !pad)
        return;
    b->own_pad = pad;
    b->pad = pad;
}

bool compile_emit_exception(compile_func *f)
{
    switch (f->in.op) {
    case WB_OP_THROW:
        emit_throw(f);
        return true;
    case WB_OP_THROW_REF:
        emit_throw_ref(f, compile_pop(f));
        return true;
    case WB_OP_RETHROW:
        emit_throw_ref(f, exception_ref(f, compile_block_at(f, f->in.index)->caught));
        return true;
    case WB_OP_TRY:
        emit_try(f);
        return true;
    case WB_OP_CATCH:
    case WB_OP_CATCH_ALL:
        emit_catch(f);
        return true;
    case WB_OP_DELEGATE:
        emit_delegate(f);
        return true;
    case WB_OP_TRY_TABLE:
        emit_try_table(f);
        return true;
    default:
        return false;
    }
}
