/* Loads and stores of numbers, memory.size and grow, and the bulk instructions.
 *
 * An access at address + offset of memory 0, if that is guarded, is checked by the reservation:
 * what misses the memory hits pages that are closed, as long as the address is within the
 * reservation (any 32-bit address; a 64-bit one is compared with its end) and offset and size
 * within the guard behind. Such accesses are volatile, so that they happen exactly where the
 * guest has them, and have their places recorded. All others are compared with the memory's
 * size. Where some accesses may fault, all stores are volatile, those that cannot fault too: a
 * fault must find them done. Leaves loads and stores of vectors to emit_simd_memory.c, which
 * uses what is here. Source: Core, "Memory Instructions". */
#include <stddef.h>
#include <string.h>

#include "compile/internal.h"

#define MEMORY_MAX_BYTES (ABI_MEMORY_MAX_PAGES * ABI_PAGE_SIZE)

static bool is64(const compile_func *f, uint32_t memory)
{
    return f->m->memories[memory].limits.is64;
}

/* An address or a length, of which `wide` says whether it has 64 bits. */
static LLVMValueRef widened(compile_func *f, LLVMValueRef v, bool wide)
{
    return wide ? v : LLVMBuildZExt(f->b, v, f->u->i64, "");
}

/* Its abi_memory. */
static LLVMValueRef memory_record(compile_func *f, uint32_t memory)
{
    uint32_t at = memory == 0 ? (uint32_t)offsetof(abi_context, memory0)
                              : f->u->job->layout.memories + 8 * memory;

    return compile_context_load(f, f->u->ptr, at);
}

/* ---- Addresses ---- */

static LLVMValueRef plus(compile_func *f, LLVMValueRef pointer, LLVMValueRef offset)
{
    return LLVMBuildGEP2(f->b, f->u->i8, pointer, &offset, 1, "");
}

/* Of an address of 32 bits, widened: address + reach, which is no carry, is within the size. */
static LLVMValueRef misses_32(compile_func *f, LLVMValueRef address, uint64_t reach,
                              LLVMValueRef size)
{
    LLVMValueRef end = LLVMBuildNUWAdd(f->b, address, compile_i64(f->u, reach), "");

    return LLVMBuildICmp(f->b, LLVMIntUGT, end, size, "");
}

/* Of an address of 64 bits: it is less than size - (reach - 1), or that is not there. */
static LLVMValueRef misses_64(compile_func *f, LLVMValueRef address, uint64_t reach,
                              LLVMValueRef size, uint64_t least_size)
{
    LLVMTypeRef type = f->u->i64;
    LLVMValueRef args[] = {size, compile_i64(f->u, reach - 1)};
    LLVMValueRef limit = reach - 1 <= least_size
                             ? LLVMBuildNUWSub(f->b, args[0], args[1], "")
                             : compile_intrinsic(f, "llvm.usub.sat", &type, 1, args, 2);

    return LLVMBuildICmp(f->b, LLVMIntUGE, address, limit, "");
}

/* Trap unless the `reach` bytes from the address on are in the memory; 0: beyond 64 bits. */
static void check(compile_func *f, uint32_t memory, LLVMValueRef record, LLVMValueRef address,
                  uint64_t reach)
{
    const wb_limits *limits = &f->m->memories[memory].limits;
    LLVMValueRef size, misses;

    if (reach == 0 || reach > MEMORY_MAX_BYTES) {
        misses = LLVMConstInt(f->u->i1, 1, false);
    } else {
        size = compile_host_load(f, f->u->i64, record, offsetof(abi_memory, size));
        misses = limits->is64 ? misses_64(f, address, reach, size, limits->min * ABI_PAGE_SIZE)
                              : misses_32(f, address, reach, size);
    }
    compile_trap_if(f, misses, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
}

/* A field of the context that loops should not read again and again: read at the function's
 * start, unless the function has it already. */
static LLVMValueRef entry_load(compile_func *f, LLVMValueRef *kept, LLVMTypeRef type,
                               uint32_t offset)
{
    LLVMBasicBlockRef here = LLVMGetInsertBlock(f->b);

    if (!*kept) {
        LLVMPositionBuilderBefore(f->b, LLVMGetBasicBlockTerminator(f->entry));
        *kept = compile_context_load(f, type, offset);
        compile_at(f, here);
    }
    return *kept;
}

/* Trap unless a 64-bit address is within the reservation. A constant that the memory's least
 * size covers is. The comparison is marked for bounds.c. */
static void check_reservation(compile_func *f, LLVMValueRef address)
{
    LLVMValueRef limit, misses;

    if (LLVMIsAConstantInt(address) &&
        LLVMConstIntGetZExtValue(address) / ABI_PAGE_SIZE < f->m->memories[0].limits.min)
        return;
    limit = entry_load(f, &f->memory_limit, f->u->i64, offsetof(abi_context, memory_limit));
    misses = LLVMBuildICmp(f->b, LLVMIntUGE, address, limit, "");
    if (LLVMIsAICmpInst(misses))
        LLVMSetMetadata(misses, f->u->kind_canon, f->u->empty_node);
    compile_trap_if(f, misses, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
}

/* The base of memory 0 for an access that its guard checks. */
static LLVMValueRef guarded_base(compile_func *f, LLVMValueRef address)
{
    if (is64(f, 0))
        check_reservation(f, address);
    return entry_load(f, &f->memory_base, f->u->ptr, offsetof(abi_context, memory_base));
}

/* The guard checks an access to the operand's memory. */
static bool is_near(const compile_func *f, uint32_t size)
{
    uint64_t most = is64(f, 0) ? COMPILE_NEAR_BYTES : ABI_GUARD_BYTES;

    return f->u->job->guarded && f->in.mem.memory == 0 && f->in.mem.offset <= most - size;
}

static LLVMValueRef checked_base(compile_func *f, LLVMValueRef address, uint32_t size)
{
    uint32_t memory = f->in.mem.memory;
    uint64_t offset = f->in.mem.offset;
    LLVMValueRef record = memory_record(f, memory);

    check(f, memory, record, address, offset > UINT64_MAX - size ? 0 : offset + size);
    return compile_host_load(f, f->u->ptr, record, offsetof(abi_memory, base));
}

LLVMValueRef compile_address(compile_func *f, LLVMValueRef address, uint32_t size,
                             bool *may_fault)
{
    uint32_t memory = f->in.mem.memory;
    uint64_t offset = f->in.mem.offset;
    LLVMValueRef base, at;

    address = widened(f, address, is64(f, memory));
    *may_fault = is_near(f, size);
    base = *may_fault ? guarded_base(f, address) : checked_base(f, address, size);
    at = plus(f, base, address);
    return offset == 0 ? at : plus(f, at, compile_i64(f->u, offset));
}

/* ---- Accesses ---- */

LLVMValueRef compile_guest_load(compile_func *f, LLVMTypeRef type, LLVMValueRef pointer,
                                bool may_fault)
{
    LLVMValueRef v = LLVMBuildLoad2(f->b, type, pointer, "");

    LLVMSetAlignment(v, 1);
    LLVMSetMetadata(v, f->u->kind_tbaa, f->u->tbaa_guest);
    if (may_fault) {
        LLVMSetVolatile(v, true);
        compile_site(f, v);
    }
    return v;
}

void compile_guest_store(compile_func *f, LLVMValueRef v, LLVMValueRef pointer, bool may_fault)
{
    LLVMValueRef store = LLVMBuildStore(f->b, v, pointer);

    LLVMSetAlignment(store, 1);
    LLVMSetMetadata(store, f->u->kind_tbaa, f->u->tbaa_guest);
    LLVMSetVolatile(store, f->u->job->guarded);
    if (may_fault)
        compile_site(f, store);
}

static void add_attribute(compile_func *f, LLVMValueRef call, const char *name, uint64_t value)
{
    unsigned kind = LLVMGetEnumAttributeKindForName(name, strlen(name));

    LLVMAddCallSiteAttribute(call, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                             LLVMCreateEnumAttribute(f->u->llvm, kind, value));
}

/* LLVM's number for writing what no other code sees: no access has to be kept on its side of
 * it. */
#define MEMORY_INACCESSIBLE (UINT64_C(2) << 2)

void compile_loaded(compile_func *f, LLVMValueRef v, bool may_fault)
{
    bool x86 = f->u->job->options->arch == ABI_ARCH_X86_64;
    LLVMTypeRef type = LLVMTypeOf(v);
    const char *constraint = LLVMGetTypeKind(type) == LLVMIntegerTypeKind ? "r"
                             : x86                                        ? "x"
                                                                          : "w";
    LLVMValueRef code, call;

    if (!may_fault)
        return;
    type = LLVMFunctionType(f->u->void_, &type, 1, false);
    code = LLVMGetInlineAsm(type, "", 0, constraint, 1, true, false, LLVMInlineAsmDialectATT,
                            false);
    call = LLVMBuildCall2(f->b, type, code, &v, 1, "");
    add_attribute(f, call, "memory", MEMORY_INACCESSIBLE);
    add_attribute(f, call, "nounwind", 0);
    add_attribute(f, call, "willreturn", 0);
}

/* stored  type in memory
 * extend  LLVMSExt or LLVMZExt to the type of the result, where that is wider */
static void load(compile_func *f, LLVMTypeRef stored, uint32_t size, LLVMOpcode extend,
                 wb_valtype type)
{
    LLVMTypeRef result = compile_type(f->u, type);
    bool may_fault = false;
    LLVMValueRef at = compile_address(f, compile_pop(f), size, &may_fault);
    LLVMValueRef v = compile_guest_load(f, stored, at, may_fault);

    if (stored != result)
        v = LLVMBuildCast(f->b, extend, v, result, "");
    compile_loaded(f, v, may_fault);
    compile_push(f, v, type);
}

static void store(compile_func *f, LLVMTypeRef stored, uint32_t size)
{
    LLVMValueRef v = compile_pop(f);
    LLVMValueRef address = compile_pop(f);
    bool may_fault = false;
    LLVMValueRef at = compile_address(f, address, size, &may_fault);

    if (stored != LLVMTypeOf(v))
        v = LLVMBuildTrunc(f->b, v, stored, "");
    compile_guest_store(f, v, at, may_fault);
}

/* ---- Sizes, bulk ---- */

static void push_address(compile_func *f, LLVMValueRef v, bool wide)
{
    if (wide)
        compile_push(f, v, WB_I64);
    else
        compile_push(f, LLVMBuildTrunc(f->b, v, f->u->i32, ""), WB_I32);
}

static void memory_size(compile_func *f)
{
    uint32_t memory = f->in.index;
    LLVMValueRef record = memory_record(f, memory);

    push_address(f, compile_host_load(f, f->u->i64, record, offsetof(abi_memory, pages)),
                 is64(f, memory));
}

static void memory_grow(compile_func *f)
{
    uint32_t memory = f->in.index;
    bool wide = is64(f, memory);
    LLVMValueRef args[2];

    args[0] = compile_i32(f->u, memory);
    args[1] = widened(f, compile_pop(f), wide);
    push_address(f, compile_builtin(f, ABI_BUILTIN_MEMORY_GROW, args, 2), wide);
}

static void memory_fill(compile_func *f)
{
    uint32_t memory = f->in.index;
    bool wide = is64(f, memory);
    LLVMValueRef args[5];

    args[0] = compile_i32(f->u, memory);
    args[3] = widened(f, compile_pop(f), wide);
    args[2] = compile_pop(f);
    args[1] = widened(f, compile_pop(f), wide);
    args[4] = f->units;
    (void)compile_builtin(f, ABI_BUILTIN_MEMORY_FILL, args, 5);
}

/* Two indices travel in one number.
 *   to, from, len  whether these operands have 64 bits */
static void bulk(compile_func *f, abi_builtin id, uint32_t first, uint32_t second, bool to,
                 bool from, bool len)
{
    LLVMValueRef args[5];

    args[0] = compile_i64(f->u, (uint64_t)second << 32 | first);
    args[3] = widened(f, compile_pop(f), len);
    args[2] = widened(f, compile_pop(f), from);
    args[1] = widened(f, compile_pop(f), to);
    args[4] = f->units;
    (void)compile_builtin(f, id, args, 5);
}

static void memory_copy(compile_func *f)
{
    uint32_t to = f->in.index, from = f->in.index2;

    bulk(f, ABI_BUILTIN_MEMORY_COPY, to, from, is64(f, to), is64(f, from),
         is64(f, to) && is64(f, from));
}

static void memory_init(compile_func *f)
{
    uint32_t segment = f->in.index, memory = f->in.index2;

    bulk(f, ABI_BUILTIN_MEMORY_INIT, memory, segment, is64(f, memory), false, false);
}

static void data_drop(compile_func *f)
{
    LLVMValueRef segment = compile_i32(f->u, f->in.index);

    (void)compile_builtin(f, ABI_BUILTIN_DATA_DROP, &segment, 1);
}

/* ---- The table ---- */

static bool emit_access(compile_func *f)
{
    const compile_unit *u = f->u;

#define LOAD(id, stored, size, extend, type)                                                   \
    case WB_OP_##id:                                                                           \
        load(f, stored, size, extend, type);                                                   \
        return true;
#define STORE(id, stored, size)                                                                \
    case WB_OP_##id:                                                                           \
        store(f, stored, size);                                                                \
        return true;
    switch (f->in.op) {
        LOAD(I32_LOAD, u->i32, 4, LLVMZExt, WB_I32)
        LOAD(I64_LOAD, u->i64, 8, LLVMZExt, WB_I64)
        LOAD(F32_LOAD, u->f32, 4, LLVMZExt, WB_F32)
        LOAD(F64_LOAD, u->f64, 8, LLVMZExt, WB_F64)
        LOAD(I32_LOAD8_S, u->i8, 1, LLVMSExt, WB_I32)
        LOAD(I32_LOAD8_U, u->i8, 1, LLVMZExt, WB_I32)
        LOAD(I32_LOAD16_S, u->i16, 2, LLVMSExt, WB_I32)
        LOAD(I32_LOAD16_U, u->i16, 2, LLVMZExt, WB_I32)
        LOAD(I64_LOAD8_S, u->i8, 1, LLVMSExt, WB_I64)
        LOAD(I64_LOAD8_U, u->i8, 1, LLVMZExt, WB_I64)
        LOAD(I64_LOAD16_S, u->i16, 2, LLVMSExt, WB_I64)
        LOAD(I64_LOAD16_U, u->i16, 2, LLVMZExt, WB_I64)
        LOAD(I64_LOAD32_S, u->i32, 4, LLVMSExt, WB_I64)
        LOAD(I64_LOAD32_U, u->i32, 4, LLVMZExt, WB_I64)
        STORE(I32_STORE, u->i32, 4)
        STORE(I64_STORE, u->i64, 8)
        STORE(F32_STORE, u->f32, 4)
        STORE(F64_STORE, u->f64, 8)
        STORE(I32_STORE8, u->i8, 1)
        STORE(I32_STORE16, u->i16, 2)
        STORE(I64_STORE8, u->i8, 1)
        STORE(I64_STORE16, u->i16, 2)
        STORE(I64_STORE32, u->i32, 4)
    default:
        return false;
    }
#undef LOAD
#undef STORE
}

bool compile_emit_memory(compile_func *f)
{
    switch (f->in.op) {
    case WB_OP_MEMORY_SIZE:
        memory_size(f);
        return true;
    case WB_OP_MEMORY_GROW:
        memory_grow(f);
        return true;
    case WB_OP_MEMORY_FILL:
        memory_fill(f);
        return true;
    case WB_OP_MEMORY_COPY:
        memory_copy(f);
        return true;
    case WB_OP_MEMORY_INIT:
        memory_init(f);
        return true;
    case WB_OP_DATA_DROP:
        data_drop(f);
        return true;
    default:
        return emit_access(f);
    }
}
