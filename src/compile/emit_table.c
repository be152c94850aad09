/* References and tables. Elements are read and written in place; what is longer is the
 * runtime's. Source: Core, "Reference Instructions", "Table Instructions". */
#include <stddef.h>

#include "compile/internal.h"

/* ---- Tables ---- */

LLVMValueRef compile_table(compile_func *f, uint32_t table)
{
    return compile_context_load(f, f->u->ptr, f->u->job->layout.tables + 8 * table);
}

LLVMValueRef compile_table_size(compile_func *f, uint32_t table, LLVMValueRef at)
{
    const wb_limits *limits = &f->m->tables[table].type.limits;

    if (limits->has_max && limits->max == limits->min) /* then so it is with what is linked */
        return compile_i64(f->u, limits->min);
    return compile_host_load(f, f->u->i64, at, offsetof(abi_table, size));
}

LLVMValueRef compile_table_element(compile_func *f, LLVMValueRef at, LLVMValueRef index)
{
    LLVMValueRef elems = compile_host_load(f, f->u->ptr, at, offsetof(abi_table, elems));

    return LLVMBuildInBoundsGEP2(f->b, f->u->i64, elems, &index, 1, "");
}

LLVMValueRef compile_table_index(compile_func *f, LLVMValueRef index)
{
    return LLVMTypeOf(index) == f->u->i64 ? index : LLVMBuildZExt(f->b, index, f->u->i64, "");
}

/* Where an element is; traps if it is not in the table. */
static LLVMValueRef element_at(compile_func *f, uint32_t table, LLVMValueRef index)
{
    LLVMValueRef at = compile_table(f, table);
    LLVMValueRef wide = compile_table_index(f, index);
    LLVMValueRef size = compile_table_size(f, table, at);

    compile_trap_if(f, LLVMBuildICmp(f->b, LLVMIntUGE, wide, size, ""),
                    BEAMR_TRAP_TABLE_OUT_OF_BOUNDS);
    return compile_table_element(f, at, wide);
}

static wb_valtype address_type(const compile_func *f, uint32_t table)
{
    return f->m->tables[table].type.limits.is64 ? WB_I64 : WB_I32;
}

/* Push a 64-bit number as an address of the table. */
static void push_address(compile_func *f, uint32_t table, LLVMValueRef v)
{
    wb_valtype type = address_type(f, table);

    if (type == WB_I32)
        v = LLVMBuildTrunc(f->b, v, f->u->i32, "");
    compile_push(f, v, type);
}

static void emit_table_get(compile_func *f)
{
    LLVMValueRef at = element_at(f, f->in.index, compile_pop(f));

    compile_push(f, compile_host_load(f, f->u->i64, at, 0),
                 f->m->tables[f->in.index].type.elem);
}

static void emit_table_set(compile_func *f)
{
    LLVMValueRef v = compile_pop(f);
    LLVMValueRef at = element_at(f, f->in.index, compile_pop(f));

    compile_host_store(f, v, at, 0);
    LLVMSetVolatile(LLVMGetLastInstruction(LLVMGetInsertBlock(f->b)), f->u->job->guarded);
}

static void emit_table_grow(compile_func *f)
{
    uint32_t table = f->in.index;
    LLVMValueRef delta = compile_table_index(f, compile_pop(f));
    LLVMValueRef args[] = {compile_i32(f->u, table), delta, compile_pop(f), f->units};

    push_address(f, table, compile_builtin(f, ABI_BUILTIN_TABLE_GROW, args, 4));
}

static void emit_table_fill(compile_func *f)
{
    LLVMValueRef len = compile_table_index(f, compile_pop(f));
    LLVMValueRef value = compile_pop(f);
    LLVMValueRef to = compile_table_index(f, compile_pop(f));
    LLVMValueRef args[] = {compile_i32(f->u, f->in.index), to, value, len, f->units};

    (void)compile_builtin(f, ABI_BUILTIN_TABLE_FILL, args, 5);
}

/* table.copy, table.init: target and source as one number. */
static void emit_table_move(compile_func *f, abi_builtin id, uint32_t to_index,
                            uint32_t from_index)
{
    LLVMValueRef len = compile_table_index(f, compile_pop(f));
    LLVMValueRef from = compile_table_index(f, compile_pop(f));
    LLVMValueRef to = compile_table_index(f, compile_pop(f));
    LLVMValueRef both = compile_i64(f->u, (uint64_t)from_index << 32 | to_index);
    LLVMValueRef args[] = {both, to, from, len, f->units};

    (void)compile_builtin(f, id, args, 5);
}

/* ---- References ---- */

static LLVMValueRef is_null(compile_func *f, LLVMValueRef ref)
{
    return LLVMBuildICmp(f->b, LLVMIntEQ, ref, compile_i64(f->u, 0), "");
}

static void emit_ref_func(compile_func *f)
{
    LLVMValueRef index = compile_i32(f->u, f->in.index);
    LLVMValueRef v = compile_builtin(f, ABI_BUILTIN_FIND_FUNC, &index, 1);

    compile_push(f, LLVMBuildPtrToInt(f->b, v, f->u->i64, ""), WB_FUNCREF);
}

bool compile_emit_table(compile_func *f)
{
    LLVMValueRef index = compile_i32(f->u, f->in.index);

    switch (f->in.op) {
    case WB_OP_REF_NULL:
        compile_push(f, compile_i64(f->u, 0), f->in.type);
        return true;
    case WB_OP_REF_IS_NULL:
        compile_push(f, LLVMBuildZExt(f->b, is_null(f, compile_pop(f)), f->u->i32, ""), WB_I32);
        return true;
    case WB_OP_REF_FUNC:
        emit_ref_func(f);
        return true;
    case WB_OP_REF_AS_NON_NULL:
        compile_trap_if(f, is_null(f, compile_top(f, 0)->v), BEAMR_TRAP_NULL_REFERENCE);
        return true;
    case WB_OP_TABLE_GET:
        emit_table_get(f);
        return true;
    case WB_OP_TABLE_SET:
        emit_table_set(f);
        return true;
    case WB_OP_TABLE_SIZE:
        push_address(f, f->in.index,
                     compile_table_size(f, f->in.index, compile_table(f, f->in.index)));
        return true;
    case WB_OP_TABLE_GROW:
        emit_table_grow(f);
        return true;
    case WB_OP_TABLE_FILL:
        emit_table_fill(f);
        return true;
    case WB_OP_TABLE_COPY:
        emit_table_move(f, ABI_BUILTIN_TABLE_COPY, f->in.index, f->in.index2);
        return true;
    case WB_OP_TABLE_INIT: /* its immediates come in the other order */
        emit_table_move(f, ABI_BUILTIN_TABLE_INIT, f->in.index2, f->in.index);
        return true;
    case WB_OP_ELEM_DROP:
        (void)compile_builtin(f, ABI_BUILTIN_ELEM_DROP, &index, 1);
        return true;
    default:
        return false;
    }
}
