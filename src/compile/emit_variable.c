/* Variables: locals, which LLVM makes values of, and globals, which are in memory of the
 * host's. A store to a global is exact where a later access of linear memory faults (volatile).
 * Source: Core, "Variable Instructions". */
#include "compile/internal.h"

/* The global's value. */
static LLVMValueRef global_pointer(compile_func *f, uint32_t index)
{
    return compile_context_load(f, f->u->ptr, f->u->job->layout.globals + 8 * index);
}

/* The value of a global that is a constant of the module; NULL if it is not. */
static LLVMValueRef global_constant(compile_func *f, uint32_t index)
{
    const wb_global *g = &f->m->globals[index];
    const compile_unit *u = f->u;
    wb_reader r = {.module = f->m, .base = f->m->bytes.data, .next = g->init.data};
    wb_instr in;
    wb_instr end;

    if (g->init.len == 0)
        return NULL; /* imported */
    r.end = g->init.data + g->init.len;
    if (wb_instr_read(&r, &in, NULL) != BEAMR_OK || wb_instr_read(&r, &end, NULL) != BEAMR_OK ||
        end.op != WB_OP_END)
        return NULL;
    switch (in.op) {
    case WB_OP_I32_CONST:
        return compile_i32(u, in.i32);
    case WB_OP_I64_CONST:
        return compile_i64(u, in.i64);
    case WB_OP_F32_CONST:
        return LLVMConstBitCast(compile_i32(u, in.f32), u->f32);
    case WB_OP_F64_CONST:
        return LLVMConstBitCast(compile_i64(u, in.f64), u->f64);
    default:
        return NULL;
    }
}

static void emit_global_get(compile_func *f)
{
    const wb_globaltype *type = &f->m->globals[f->in.index].type;
    LLVMValueRef v = type->is_mutable ? NULL : global_constant(f, f->in.index);

    if (!v) {
        v = compile_host_load(f, compile_type(f->u, type->type), global_pointer(f, f->in.index),
                              0);
        if (!type->is_mutable)
            LLVMSetMetadata(v, f->u->kind_invariant, f->u->empty_node);
    }
    compile_push(f, v, type->type);
}

/* A slot is written as a whole: an i32 has zeros above it. */
static void emit_global_set(compile_func *f)
{
    LLVMValueRef v = compile_pop(f);
    LLVMValueRef at = global_pointer(f, f->in.index);

    compile_slot_store(f, at, 0, v, f->m->globals[f->in.index].type.type);
    LLVMSetVolatile(LLVMGetLastInstruction(LLVMGetInsertBlock(f->b)), f->u->job->guarded);
}

bool compile_emit_variable(compile_func *f)
{
    uint32_t i = f->in.index;

    switch (f->in.op) {
    case WB_OP_LOCAL_GET:
        compile_push(f, LLVMBuildLoad2(f->b, f->local_types[i], f->locals[i], ""),
                     f->local_valtypes[i]);
        return true;
    case WB_OP_LOCAL_SET:
        LLVMBuildStore(f->b, compile_pop(f), f->locals[i]);
        return true;
    case WB_OP_LOCAL_TEE:
        LLVMBuildStore(f->b, compile_top(f, 0)->v, f->locals[i]);
        return true;
    case WB_OP_GLOBAL_GET:
        emit_global_get(f);
        return true;
    case WB_OP_GLOBAL_SET:
        emit_global_set(f);
        return true;
    default:
        return false;
    }
}
