/* A function's body to LLVM's intermediate form, in one pass.
 * Operands are values of LLVM's, kept on a stack as the validator has them; locals are allocas
 * in the entry block, of which LLVM makes values. Code that cannot be reached is skipped; what
 * the interpreter does at the same places, it does here: polls, charges of fuel, traps. Here:
 * the pass, and the pieces of code that all families of instructions use; the rules are in
 * emit_*.c. A function may be too much (compile_work), then it stays interpreted.
 * Source: Core, "Execution"; the interpreter's translator is src/interp/translate.c. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <llvm-c/DebugInfo.h>

#include "compile/internal.h"

#define WORK_MAX (UINT64_C(1) << 24)

/* ---- Operands ---- */

void compile_push(compile_func *f, LLVMValueRef v, wb_valtype type)
{
    if (f->height == f->stack_room) {
        uint32_t room = f->stack_room ? 2 * f->stack_room : 64;
        compile_value *stack = realloc(f->stack, room * sizeof *stack);

        if (!stack) {
            f->failed = true;
            return;
        }
        f->stack = stack;
        f->stack_room = room;
    }
    f->stack[f->height++] = (compile_value){v, type};
}

LLVMValueRef compile_pop(compile_func *f)
{
    if (f->height == 0) { /* after a push that failed */
        f->failed = true;
        return compile_i32(f->u, 0);
    }
    return f->stack[--f->height].v;
}

compile_value *compile_top(compile_func *f, uint32_t down)
{
    return &f->stack[f->height - 1 - down];
}

LLVMValueRef compile_condition(compile_func *f)
{
    LLVMValueRef v = compile_pop(f);

    if (LLVMIsAZExtInst(v) && LLVMTypeOf(LLVMGetOperand(v, 0)) == f->u->i1)
        return LLVMGetOperand(v, 0);
    return LLVMBuildICmp(f->b, LLVMIntNE, v, compile_i32(f->u, 0), "");
}

bool compile_work(compile_func *f, uint64_t count)
{
    f->work += count;
    if (f->work > WORK_MAX)
        f->failed = true;
    return !f->failed;
}

/* ---- Types and constants ---- */

LLVMTypeRef compile_type(const compile_unit *u, wb_valtype type)
{
    switch (wb_valtype_kind(type)) {
    case WB_KIND_I32:
        return u->i32;
    case WB_KIND_F32:
        return u->f32;
    case WB_KIND_F64:
        return u->f64;
    case WB_KIND_V128:
        return u->v128;
    default:
        return u->i64;
    }
}

LLVMValueRef compile_i32(const compile_unit *u, uint32_t value)
{
    return LLVMConstInt(u->i32, value, false);
}

LLVMValueRef compile_i64(const compile_unit *u, uint64_t value)
{
    return LLVMConstInt(u->i64, value, false);
}

LLVMValueRef compile_zero(const compile_unit *u, wb_valtype type)
{
    return LLVMConstNull(compile_type(u, type));
}

/* ---- Places ---- */

LLVMBasicBlockRef compile_block_new(compile_func *f, const char *name)
{
    return LLVMAppendBasicBlockInContext(f->u->llvm, f->fn, name);
}

void compile_at(compile_func *f, LLVMBasicBlockRef block)
{
    LLVMPositionBuilderAtEnd(f->b, block);
}

void compile_unlikely(compile_func *f, LLVMValueRef branch)
{
    LLVMSetMetadata(branch, f->u->kind_prof, f->u->unlikely);
}

static LLVMMetadataRef location(const compile_func *f, uint32_t offset)
{
    return LLVMDIBuilderCreateDebugLocation(f->u->llvm, offset, 0, f->di_scope, NULL);
}

void compile_site(compile_func *f, LLVMValueRef instruction)
{
    if (f->di_scope)
        LLVMInstructionSetDebugLoc(instruction, location(f, f->in.offset));
}

/* ---- Traps ---- */

/* The block where all traps of one kind end; phis there say at which instruction. */
static LLVMBasicBlockRef trap_block(compile_func *f, beamr_trap trap)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);
    LLVMValueRef args[2];

    if (f->traps[trap])
        return f->traps[trap];
    f->traps[trap] = compile_block_new(f, "trap");
    compile_at(f, f->traps[trap]);
    f->trap_offsets[trap] = LLVMBuildPhi(f->b, f->u->i32, "");
    args[0] = compile_i32(f->u, trap);
    args[1] = f->trap_offsets[trap];
    (void)compile_builtin(f, ABI_BUILTIN_TRAP, args, 2);
    LLVMBuildUnreachable(f->b);
    compile_at(f, here);
    return f->traps[trap];
}

/* A constant that LLVM cannot see through: in a cold block it keeps the block, and with it the
 * instruction that loads the constant off the other way. */
static LLVMValueRef hidden(compile_func *f, uint32_t value)
{
    LLVMTypeRef type = LLVMFunctionType(f->u->i32, &f->u->i32, 1, false);
    LLVMValueRef code =
        LLVMGetInlineAsm(type, "", 0, "=r,0", 4, true, false, LLVMInlineAsmDialectATT, false);
    LLVMValueRef v = compile_i32(f->u, value);

    return LLVMBuildCall2(f->b, type, code, &v, 1, "");
}

void compile_trap(compile_func *f, beamr_trap trap)
{
    LLVMBasicBlockRef end = trap_block(f, trap);
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);
    LLVMValueRef offset = hidden(f, f->in.offset);

    LLVMBuildBr(f->b, end);
    LLVMAddIncoming(f->trap_offsets[trap], &offset, &here, 1);
}

void compile_trap_if(compile_func *f, LLVMValueRef condition, beamr_trap trap)
{
    LLVMBasicBlockRef out;
    LLVMBasicBlockRef next;

    if (LLVMIsAConstantInt(condition) && LLVMConstIntGetZExtValue(condition) == 0)
        return;
    out = compile_block_new(f, "");
    next = compile_block_new(f, "");
    compile_unlikely(f, LLVMBuildCondBr(f->b, condition, out, next));
    compile_at(f, out);
    compile_trap(f, trap);
    compile_at(f, next);
}

/* ---- Reading and writing what is the host's ---- */

LLVMValueRef compile_offset(compile_func *f, LLVMValueRef pointer, uint64_t offset)
{
    LLVMValueRef at = compile_i64(f->u, offset);

    return offset ? LLVMBuildInBoundsGEP2(f->b, f->u->i8, pointer, &at, 1, "") : pointer;
}

LLVMValueRef compile_host_load(compile_func *f, LLVMTypeRef type, LLVMValueRef pointer,
                               uint64_t offset)
{
    LLVMValueRef v = LLVMBuildLoad2(f->b, type, compile_offset(f, pointer, offset), "");

    if (type == f->u->v128)
        LLVMSetAlignment(v, 8);
    LLVMSetMetadata(v, f->u->kind_tbaa, f->u->tbaa_context);
    return v;
}

void compile_host_store(compile_func *f, LLVMValueRef value, LLVMValueRef pointer,
                        uint64_t offset)
{
    LLVMValueRef v = LLVMBuildStore(f->b, value, compile_offset(f, pointer, offset));

    if (LLVMTypeOf(value) == f->u->v128)
        LLVMSetAlignment(v, 8);
    LLVMSetMetadata(v, f->u->kind_tbaa, f->u->tbaa_context);
}

LLVMValueRef compile_context_load(compile_func *f, LLVMTypeRef type, uint32_t offset)
{
    LLVMValueRef v = compile_host_load(f, type, f->context, offset);

    LLVMSetMetadata(v, f->u->kind_invariant, f->u->empty_node);
    return v;
}

LLVMValueRef compile_interrupt(compile_func *f)
{
    LLVMValueRef store = compile_context_load(f, f->u->ptr, offsetof(abi_context, store));
    LLVMValueRef asked = compile_host_load(f, f->u->i32, store, offsetof(abi_store, interrupt));

    LLVMSetVolatile(asked, true); /* other threads ask */
    return asked;
}

LLVMValueRef compile_slots(compile_func *f)
{
    LLVMValueRef store = compile_context_load(f, f->u->ptr, offsetof(abi_context, store));

    return compile_host_load(f, f->u->ptr, store, offsetof(abi_store, stack_top));
}

void compile_slot_store(compile_func *f, LLVMValueRef slots, uint32_t slot, LLVMValueRef v,
                        wb_valtype type)
{
    if (type == WB_F32)
        v = LLVMBuildBitCast(f->b, v, f->u->i32, "");
    if (type == WB_I32 || type == WB_F32)
        v = LLVMBuildZExt(f->b, v, f->u->i64, "");
    compile_host_store(f, v, slots, 8 * (uint64_t)slot);
}

LLVMValueRef compile_slot_load(compile_func *f, LLVMValueRef slots, uint32_t slot,
                               wb_valtype type)
{
    return compile_host_load(f, compile_type(f->u, type), slots, 8 * (uint64_t)slot);
}

/* ---- Calls of the runtime and of LLVM ---- */

#define BUILTIN_ARGS 8

static const char *const builtin_flags[ABI_BUILTIN_COUNT] = {
#define ABI_BUILTIN(id, result, params, flags) [ABI_BUILTIN_##id] = #flags,
#include "abi/builtin.def"
#undef ABI_BUILTIN
};

#define CALL_PRESERVE_ALL 15 /* LLVM's number of the convention */

LLVMValueRef compile_builtin(compile_func *f, abi_builtin id, LLVMValueRef *args,
                             uint32_t count)
{
    compile_unit *u = f->u;
    LLVMValueRef all[BUILTIN_ARGS] = {f->context};
    LLVMValueRef table = compile_context_load(f, u->ptr, offsetof(abi_context, builtins));
    LLVMValueRef code = compile_host_load(f, u->ptr, table, 8 * (uint64_t)id);
    LLVMValueRef call;

    memcpy(all + 1, args, count * sizeof *args);
    LLVMSetMetadata(code, u->kind_invariant, u->empty_node);
    call = LLVMBuildCall2(f->b, u->builtin_types[id], code, all, count + 1, "");
    if (builtin_flags[id][0] == 'S')
        LLVMSetInstructionCallConv(call, CALL_PRESERVE_ALL);
    compile_site(f, call);
    return call;
}

LLVMValueRef compile_intrinsic(compile_func *f, const char *name, LLVMTypeRef *types,
                               uint32_t type_count, LLVMValueRef *args, uint32_t arg_count)
{
    unsigned id = LLVMLookupIntrinsicID(name, strlen(name));
    LLVMValueRef fn = LLVMGetIntrinsicDeclaration(f->u->module, id, types, type_count);
    LLVMTypeRef type = LLVMIntrinsicGetType(f->u->llvm, id, types, type_count);

    return LLVMBuildCall2(f->b, type, fn, args, arg_count, "");
}

/* ---- Fuel ---- */

/* What is charged is known when the block ends. Until then the place is a block of LLVM's
 * without an end, and the code goes on in the next. */
void compile_charge_begin(compile_func *f)
{
    compile_charge_end(f);
    if (!(f->u->job->options->flags & ABI_OBJECT_METERING))
        return;
    f->charge_block = LLVMGetInsertBlock(f->b);
    f->charge_next = compile_block_new(f, "");
    f->charge_offset = f->in.offset;
    f->charge_units = 0;
    compile_at(f, f->charge_next);
}

void compile_charge(compile_func *f)
{
    f->charge_units += wb_op_cost[f->in.op];
}

/* Take `units` off; where they are not there, none are left. The builder is at the end of the
 * block; goes to `next`. */
static void charge_build(compile_func *f, uint64_t units, LLVMBasicBlockRef next)
{
    compile_unit *u = f->u;
    LLVMBasicBlockRef out = compile_block_new(f, "");
    LLVMValueRef store = compile_context_load(f, u->ptr, offsetof(abi_context, store));
    LLVMValueRef cost = compile_i64(u, units);
    LLVMValueRef fuel = compile_host_load(f, u->i64, store, offsetof(abi_store, fuel));
    LLVMValueRef at = compile_offset(f, store, offsetof(abi_store, fuel));
    LLVMValueRef put = LLVMBuildStore(f->b, LLVMBuildSub(f->b, fuel, cost, ""), at);

    LLVMSetMetadata(put, u->kind_tbaa, u->tbaa_context);
    LLVMSetVolatile(put, u->job->guarded);
    compile_unlikely(
        f, LLVMBuildCondBr(f->b, LLVMBuildICmp(f->b, LLVMIntULT, fuel, cost, ""), out, next));
    compile_at(f, out);
    compile_host_store(f, compile_i64(u, 0), store, offsetof(abi_store, fuel));
    compile_trap(f, BEAMR_TRAP_OUT_OF_FUEL);
}

void compile_charge_end(compile_func *f)
{
    LLVMBasicBlockRef here;
    uint32_t offset = f->in.offset;

    if (!f->charge_block)
        return;
    here = LLVMGetInsertBlock(f->b);
    compile_at(f, f->charge_block);
    f->in.offset = f->charge_offset;
    if (f->charge_units)
        charge_build(f, f->charge_units, f->charge_next);
    else
        LLVMBuildBr(f->b, f->charge_next);
    f->in.offset = offset;
    f->charge_block = NULL;
    compile_at(f, here);
}

/* ---- The beginning ---- */

static void debug_begin(compile_func *f)
{
    const compile_unit *u = f->u;
    size_t len;
    const char *name = LLVMGetValueName2(f->fn, &len);

    if (!u->di)
        return;
    f->di_scope = LLVMDIBuilderCreateFunction(u->di, u->di_file, name, len, NULL, 0, u->di_file,
                                              f->in.offset, u->di_type, false, true,
                                              f->in.offset, LLVMDIFlagZero, true);
    LLVMSetSubprogram(f->fn, f->di_scope);
}

/* Take this function's units; see to it if there are too few, or if the store was asked for
 * something: both show in one comparison. */
static void units_begin(compile_func *f)
{
    compile_unit *u = f->u;
    LLVMBasicBlockRef enter = compile_block_new(f, "enter");
    LLVMBasicBlockRef next = compile_block_new(f, "body");
    LLVMValueRef own = compile_i32(u, wb_func_units(f->m, f->index));
    LLVMValueRef asked;

    f->caller_units = LLVMGetParam(f->fn, 1);
    f->units = LLVMBuildSub(f->b, f->caller_units, own, "units");
    asked = compile_interrupt(f);
    compile_unlikely(f,
                     LLVMBuildCondBr(f->b, LLVMBuildICmp(f->b, LLVMIntSLT, f->units, asked, ""),
                                     enter, next));
    compile_at(f, enter);
    (void)compile_builtin(f, ABI_BUILTIN_ENTER, &f->units, 1);
    LLVMBuildBr(f->b, next);
    compile_at(f, next);
}

static void local_add(compile_func *f, uint32_t index, wb_valtype type, LLVMValueRef value)
{
    LLVMTypeRef llvm = compile_type(f->u, type);

    f->local_valtypes[index] = type;
    f->local_types[index] = llvm;
    f->locals[index] = LLVMBuildAlloca(f->b, llvm, "");
    LLVMBuildStore(f->b, value, f->locals[index]);
}

static bool locals_begin(compile_func *f)
{
    size_t count = (size_t)f->func->local_count + 1;
    uint32_t n = 0;

    f->locals = calloc(count, sizeof *f->locals);
    f->local_types = calloc(count, sizeof *f->local_types);
    f->local_valtypes = calloc(count, sizeof *f->local_valtypes);
    if (!f->locals || !f->local_types || !f->local_valtypes)
        return false;
    for (uint32_t i = 0; i < f->type->param_count; i++, n++)
        local_add(f, n, f->type->params[i], LLVMGetParam(f->fn, 2 + i));
    for (uint32_t r = 0; r < f->func->run_count; r++) {
        const wb_local_run *run = &f->func->runs[r];

        for (uint32_t i = 0; i < run->count; i++, n++)
            local_add(f, n, run->type, compile_zero(f->u, run->type));
    }
    return true;
}

/* ---- The body ---- */

/* In code that cannot be reached, only blocks matter. Returns true if the instruction is to be
 * compiled after all: it ends or continues the block that is dead. */
static bool wake(compile_func *f)
{
    switch (f->in.op) {
    case WB_OP_BLOCK:
    case WB_OP_LOOP:
    case WB_OP_IF:
    case WB_OP_TRY:
    case WB_OP_TRY_TABLE:
        f->skip_depth++;
        return false;
    case WB_OP_ELSE:
    case WB_OP_CATCH:
    case WB_OP_CATCH_ALL:
        return f->skip_depth == 0;
    case WB_OP_END:
    case WB_OP_DELEGATE:
        if (f->skip_depth == 0)
            return true;
        f->skip_depth--;
        return false;
    default:
        return false;
    }
}

static void instruction(compile_func *f)
{
    if (compile_emit_control(f) || compile_emit_variable(f) || compile_emit_int(f) ||
        compile_emit_memory(f) || compile_emit_float(f) || compile_emit_call(f) ||
        compile_emit_table(f) || compile_emit_exception(f) || compile_emit_simd(f))
        return;
    f->failed = true; /* nobody knows it: it stays interpreted */
}

static void body(compile_func *f)
{
    while (f->depth && !f->failed) {
        if (wb_instr_read(&f->reader, &f->in, NULL) != BEAMR_OK) {
            f->failed = true; /* the body was validated: cannot be */
            return;
        }
        if (compile_block_at(f, 0)->dead && !wake(f))
            continue;
        compile_charge(f);
        instruction(f);
    }
}

static void func_begin(compile_func *f)
{
    compile_block *b;

    debug_begin(f);
    f->context = LLVMGetParam(f->fn, 0);
    f->entry = compile_block_new(f, "entry");
    compile_at(f, f->entry);
    if (!locals_begin(f)) {
        f->failed = true;
        return;
    }
    units_begin(f);
    f->in.block = (wb_blocktype){.result = WB_VALTYPE_NONE};
    if (!(b = compile_block_open(f, WB_OP_BLOCK)))
        return;
    b->results = f->type->results;
    b->result_count = f->type->result_count;
    compile_charge_begin(f);
}

static void func_clear(compile_func *f)
{
    while (f->depth)
        compile_block_drop(f);
    free(f->blocks);
    free(f->stack);
    free(f->locals);
    free(f->local_types);
    free(f->local_valtypes);
}

bool compile_func_build(compile_unit *u, uint32_t index)
{
    const wb_func *func = &u->job->m->funcs[index];
    compile_func f = {.u = u,
                      .b = u->b,
                      .m = u->job->m,
                      .func = func,
                      .type = wb_module_functype(u->job->m, index),
                      .index = index,
                      .fn = compile_func_decl(u, index)};

    f.reader = (wb_reader){.module = f.m,
                           .base = f.m->bytes.data,
                           .next = func->body,
                           .end = func->body + func->body_len};
    f.in.offset = wb_module_offset(f.m, func->body);
    func_begin(&f);
    body(&f);
    if (!f.failed) {
        compile_charge_end(&f);
        compile_exception_finish(&f);
    }
    func_clear(&f);
    if (f.failed)
        compile_func_undo(u, index);
    return !f.failed;
}
