/* Guest functions as LLVM has them: types, declarations, returns, calls; the thunks through
 * which C enters them, and the stubs that stand for functions without native code. The
 * convention is described in abi/context.h. */
#include <stdio.h>
#include <string.h>

#include "compile/internal.h"

/* Before a guest function's own parameters: context, units. */
#define FIRST_PARAM 2u

/* ---- Types ---- */

static const wb_functype *type_of(const compile_unit *u, uint32_t type_index)
{
    return u->job->m->types[type_index].func;
}

LLVMTypeRef compile_result_type(compile_unit *u, uint32_t type_index)
{
    const wb_functype *t = type_of(u, type_index);
    LLVMTypeRef both[2] = {u->i32};

    if (t->result_count)
        both[1] = compile_type(u, t->results[0]);
    if (u->job->catches)
        return LLVMStructTypeInContext(u->llvm, both, t->result_count ? 2 : 1, false);
    return t->result_count ? both[1] : u->void_;
}

/* ---- One size of arguments ----
 * With `tailcc` the callee removes its arguments from the stack, and a tail call to a function
 * that takes more of them moves the return address. Who walks the frames cannot know that: the
 * address where a call returns to does not tell whom it called last. So in a module with tail
 * calls all functions take the same stack, as many words as the largest needs: unused
 * parameters behind their own fill it up. Nobody writes these, and nothing moves. */

static uint32_t integer_registers(const compile_job *job)
{
    return job->options->arch == ABI_ARCH_X86_64 ? 6 : 8;
}

/* What arguments take: registers for integers, and words on the stack. */
typedef struct places {
    uint32_t integers, floats, words;
} places;

/* As System V and AAPCS64 place them. */
static void place_add(const compile_job *job, places *p, wb_valtype type)
{
    const uint32_t float_registers = 8;
    bool is_vector = wb_valtype_slots(type) == 2;

    if (is_vector || type == WB_F32 || type == WB_F64) {
        if (p->floats < float_registers)
            p->floats++;
        else
            p->words = is_vector ? (p->words + 1) / 2 * 2 + 2 : p->words + 1;
    } else if (p->integers < integer_registers(job)) {
        p->integers++;
    } else {
        p->words++;
    }
}

static places places_of(const compile_job *job, const wb_functype *t, bool is_stub)
{
    places p = {.integers = FIRST_PARAM};

    for (uint32_t i = 0; i < t->param_count; i++)
        place_add(job, &p, t->params[i]);
    if (is_stub)
        place_add(job, &p, WB_I64); /* the callee */
    return p;
}

uint32_t compile_tail_words(const compile_job *job)
{
    uint32_t most = 0;

    if (!job->tails)
        return 0;
    for (uint32_t i = 0; i < job->m->type_count; i++) {
        uint32_t words = places_of(job, job->m->types[i].func, true).words;

        most = words > most ? words : most;
    }
    return most <= COMPILE_TAIL_WORDS_MAX ? most : COMPILE_TOO_MANY_WORDS;
}

/* Parameters that are added behind. */
static uint32_t pads_of(const compile_unit *u, const wb_functype *t, bool is_stub)
{
    const compile_job *job = u->job;
    places p = places_of(job, t, is_stub);

    if (job->tail_words == COMPILE_TOO_MANY_WORDS || job->tail_words <= p.words)
        return 0;
    return integer_registers(job) - p.integers + job->tail_words - p.words;
}

static uint32_t add_pads(const compile_unit *u, LLVMValueRef *args, uint32_t count,
                         uint32_t pads)
{
    for (; pads > 0; pads--)
        args[count++] = LLVMGetPoison(u->i64);
    return count;
}

/* ---- Functions ---- */

LLVMTypeRef compile_func_type(compile_unit *u, uint32_t type_index)
{
    const wb_functype *t = type_of(u, type_index);
    LLVMTypeRef params[COMPILE_ARGUMENTS_MAX] = {u->ptr, u->i32};
    uint32_t count = FIRST_PARAM + t->param_count;

    if (u->func_types[type_index])
        return u->func_types[type_index];
    for (uint32_t i = 0; i < t->param_count; i++)
        params[FIRST_PARAM + i] = compile_type(u, t->params[i]);
    for (uint32_t pads = pads_of(u, t, false); pads > 0; pads--)
        params[count++] = u->i64;
    u->func_types[type_index] =
        LLVMFunctionType(compile_result_type(u, type_index), params, count, false);
    return u->func_types[type_index];
}

/* ---- Declarations ---- */

/* The context travels in a register that every function preserves, so that nobody has to keep
 * it elsewhere over calls. Not along with tail calls, which give such registers back first. */
static LLVMAttributeRef context_attribute(compile_unit *u)
{
    static const char name[] = "swiftself";

    return LLVMCreateEnumAttribute(u->llvm, LLVMGetEnumAttributeKindForName(name, strlen(name)),
                                   0);
}

static LLVMValueRef declare(compile_unit *u, const char *name, LLVMTypeRef type)
{
    LLVMValueRef fn = LLVMAddFunction(u->module, name, type);

    LLVMSetVisibility(fn, LLVMHiddenVisibility);
    compile_attributes(u, fn);
    return fn;
}

LLVMValueRef compile_func_decl(compile_unit *u, uint32_t index)
{
    char name[16];

    if (u->funcs[index])
        return u->funcs[index];
    (void)snprintf(name, sizeof name, "f%u", index);
    u->funcs[index] = declare(u, name, compile_func_type(u, u->job->m->funcs[index].type));
    LLVMSetFunctionCallConv(u->funcs[index], u->convention);
    if (!u->job->tails)
        LLVMAddAttributeAtIndex(u->funcs[index], 1, context_attribute(u));
    return u->funcs[index];
}

void compile_func_undo(compile_unit *u, uint32_t index)
{
    LLVMValueRef old = u->funcs[index];

    LLVMSetValueName2(old, "", 0);
    u->funcs[index] = NULL;
    LLVMReplaceAllUsesWith(old, compile_func_decl(u, index));
    LLVMDeleteFunction(old);
}

/* ---- Returns and calls ---- */

void compile_return(compile_unit *u, uint32_t type_index, LLVMValueRef status,
                    LLVMValueRef first)
{
    LLVMValueRef v;

    if (!u->job->catches) {
        if (first)
            LLVMBuildRet(u->b, first);
        else
            LLVMBuildRetVoid(u->b);
        return;
    }
    v = LLVMGetPoison(compile_result_type(u, type_index));
    v = LLVMBuildInsertValue(u->b, v, status ? status : compile_i32(u, ABI_RETURNED), 0, "");
    if (first)
        v = LLVMBuildInsertValue(u->b, v, first, 1, "");
    LLVMBuildRet(u->b, v);
}

void compile_returned(compile_unit *u, uint32_t type_index, LLVMValueRef call,
                      LLVMValueRef *status, LLVMValueRef *first)
{
    const wb_functype *t = type_of(u, type_index);

    *status = u->job->catches ? LLVMBuildExtractValue(u->b, call, 0, "") : NULL;
    *first = t->result_count == 0 ? NULL
             : u->job->catches    ? LLVMBuildExtractValue(u->b, call, 1, "")
                                  : call;
}

LLVMValueRef compile_guest_call(compile_unit *u, uint32_t type_index, LLVMValueRef code,
                                LLVMValueRef *args)
{
    const wb_functype *t = type_of(u, type_index);
    uint32_t count = add_pads(u, args, FIRST_PARAM + t->param_count, pads_of(u, t, false));
    LLVMValueRef call =
        LLVMBuildCall2(u->b, compile_func_type(u, type_index), code, args, count, "");

    LLVMSetInstructionCallConv(call, u->convention);
    if (!u->job->tails)
        LLVMAddCallSiteAttribute(call, 1, context_attribute(u));
    return call;
}

/* ---- Thunks and stubs ---- */

/* So much of a function's state as the small pieces of code need. */
static compile_func begin(compile_unit *u, LLVMValueRef fn)
{
    compile_func f = {.u = u,
                      .b = u->b,
                      .m = u->job->m,
                      .fn = fn,
                      .context = LLVMGetParam(fn, 0),
                      .caller_units = LLVMGetParam(fn, 1),
                      .units = LLVMGetParam(fn, 1)};

    f.entry = compile_block_new(&f, "entry");
    compile_at(&f, f.entry);
    return f;
}

void compile_thunk_build(compile_unit *u, uint32_t type_index)
{
    const wb_functype *t = type_of(u, type_index);
    LLVMTypeRef params[] = {u->ptr, u->i32, u->ptr, u->ptr};
    LLVMValueRef args[COMPILE_ARGUMENTS_MAX];
    uint32_t slot = 0;
    LLVMValueRef slots;
    LLVMValueRef call;
    LLVMValueRef status;
    LLVMValueRef first;
    compile_func f;
    char name[16];

    (void)snprintf(name, sizeof name, "t%u", type_index);
    f = begin(u, declare(u, name, LLVMFunctionType(u->i32, params, 4, false)));
    slots = LLVMGetParam(f.fn, 2);
    args[0] = f.context;
    args[1] = f.units;
    for (uint32_t i = 0; i < t->param_count; i++) {
        args[FIRST_PARAM + i] = compile_slot_load(&f, slots, slot, t->params[i]);
        slot += wb_valtype_slots(t->params[i]);
    }
    call = compile_guest_call(u, type_index, LLVMGetParam(f.fn, 3), args);
    compile_returned(u, type_index, call, &status, &first);
    if (first) /* also when it threw: then nobody looks */
        compile_slot_store(&f, slots, 0, first, t->results[0]);
    LLVMBuildRet(u->b, status ? status : compile_i32(u, ABI_RETURNED));
}

/* What a function that was called through slots returned, as the result of this one. The others
 * are where they belong. */
void compile_return_slots(compile_func *f, uint32_t type_index)
{
    const wb_functype *t = type_of(f->u, type_index);
    LLVMValueRef first = NULL;

    if (t->result_count)
        first = compile_slot_load(f, compile_slots(f), 0, t->results[0]);
    compile_return(f->u, type_index, NULL, first);
}

/* Store the arguments that the function at hand got, call through slots, return what comes. */
static void call_on(compile_func *f, uint32_t type_index, LLVMValueRef callee, bool tail)
{
    const wb_functype *t = type_of(f->u, type_index);
    LLVMValueRef slots = t->param_count ? compile_slots(f) : NULL;
    LLVMValueRef args[3] = {callee, f->units, compile_i32(f->u, tail)};
    uint32_t slot = 0;

    for (uint32_t i = 0; i < t->param_count; i++) {
        compile_slot_store(f, slots, slot, LLVMGetParam(f->fn, FIRST_PARAM + i), t->params[i]);
        slot += wb_valtype_slots(t->params[i]);
    }
    compile_propagate_tail(f, compile_builtin(f, ABI_BUILTIN_CALL, args, 3));
    compile_return_slots(f, type_index);
    compile_exception_finish(f);
}

void compile_stub_build(compile_unit *u, uint32_t index)
{
    compile_func f = begin(u, compile_func_decl(u, index));
    LLVMValueRef number = compile_i32(u, index);

    f.index = index;
    call_on(&f, u->job->m->funcs[index].type,
            compile_builtin(&f, ABI_BUILTIN_FIND_FUNC, &number, 1), false);
}

/* As the functions of the type, with the callee behind their own parameters. */
static LLVMTypeRef tail_stub_type(compile_unit *u, uint32_t type_index)
{
    const wb_functype *t = type_of(u, type_index);
    LLVMTypeRef params[COMPILE_ARGUMENTS_MAX];
    uint32_t count = FIRST_PARAM + t->param_count;

    LLVMGetParamTypes(compile_func_type(u, type_index), params);
    params[count++] = u->ptr;
    for (uint32_t pads = pads_of(u, t, true); pads > 0; pads--)
        params[count++] = u->i64;
    return LLVMFunctionType(compile_result_type(u, type_index), params, count, false);
}

LLVMValueRef compile_tail_stub_call(compile_unit *u, uint32_t type_index, LLVMValueRef stub,
                                    LLVMValueRef *args, LLVMValueRef callee)
{
    const wb_functype *t = type_of(u, type_index);
    uint32_t count = FIRST_PARAM + t->param_count;
    LLVMValueRef call;

    args[count++] = callee;
    count = add_pads(u, args, count, pads_of(u, t, true));
    call = LLVMBuildCall2(u->b, tail_stub_type(u, type_index), stub, args, count, "");
    LLVMSetInstructionCallConv(call, u->convention);
    return call;
}

LLVMValueRef compile_tail_stub(compile_unit *u, uint32_t type_index)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(u->b);
    LLVMValueRef fn;
    compile_func f;
    char name[16];

    (void)snprintf(name, sizeof name, "s%u", type_index);
    if ((fn = LLVMGetNamedFunction(u->module, name)))
        return fn;
    fn = LLVMAddFunction(u->module, name, tail_stub_type(u, type_index));
    LLVMSetLinkage(fn, LLVMInternalLinkage);
    LLVMSetFunctionCallConv(fn, u->convention);
    compile_attributes(u, fn);
    f = begin(u, fn);
    call_on(&f, type_index, LLVMGetParam(fn, FIRST_PARAM + type_of(u, type_index)->param_count),
            true);
    LLVMPositionBuilderAtEnd(u->b, here);
    return fn;
}
