/* What native code finds at run time, and how it is called. The compiler (src/compile) emits
 * code against this layout, the runtime (src/native) fills it in; a change of either is a new
 * ABI_NATIVE_VERSION, which every code object carries.
 *
 * A function of the module becomes
 *
 *     result f(abi_context *context, uint32_t units, parameters...)
 *
 *   units       stack units that its caller has left. The function takes its own
 *               (wb_func_units) from them at its start, where it also looks at what the store was
 *               asked for: one signed comparison of what remains with store->interrupt, whose
 *               bits lie above any number of units, and BUILTIN(ENTER) if it is smaller. A tail
 *               call passes on the units that the function was called with.
 *   parameters  i32, i64, float, double, <2 x i64>; references are i64, 0 for null
 *   result      void, or the first result's value. In a module with handlers of exceptions
 *               (abi_module_catches) it is { i32 status, first result }, status being
 *               ABI_RETURNED or ABI_THROWN; else exceptions leave the native code at once, as traps
 *               do. Results from the second on are in slots at store->stack_top, each where the
 *               slots of all results, the first one's included, would place it.
 *
 * The calling convention is C's, but for the context, which is in a register that functions
 * preserve (LLVM's `swiftself`: r13, x20); or in a module that uses tail calls LLVM's `tailcc`,
 * with as many unused parameters behind that all functions take the same stack (compile/signature.c).
 * Native frames keep nothing in the store's slots, so store->stack_top stays where it was when the
 * native code was entered; arguments of calls that leave it are put there.
 *
 * A thunk for each function type leads from slots to that convention:
 *
 *     uint32_t thunk(abi_context *context, uint32_t units, uint64_t *slots, const void *code)
 *
 * with C's convention: loads the parameters from the slots, calls `code`, and puts the results there.
 * Returns ABI_RETURNED or ABI_THROWN. `slots` is store->stack_top. */
#ifndef ABI_CONTEXT_H
#define ABI_CONTEXT_H

#include "abi/instance.h"

#define ABI_NATIVE_VERSION 1u

#define ABI_RETURNED 0u
#define ABI_THROWN 1u

/* A native frame is no larger than its function's units times this; a function that needs more
 * stays interpreted. */
#define ABI_NATIVE_UNIT_BYTES 16u

/* Nor larger than this: a function makes its frame before it looks at its units, so the one that
 * finds too few of them stands on what is kept for the host. */
#define ABI_NATIVE_FRAME_MAX (UINT32_C(128) << 10)

/* Bytes that the frame of a function with so many units may have. */
static inline uint64_t abi_native_frame_most(uint32_t units)
{
    uint64_t most = (uint64_t)units * ABI_NATIVE_UNIT_BYTES;

    return most < ABI_NATIVE_FRAME_MAX ? most : ABI_NATIVE_FRAME_MAX;
}

/* Functions of the runtime that native code calls; see abi/builtin.def. */
typedef enum abi_builtin {
#define ABI_BUILTIN(id, result, params, flags) ABI_BUILTIN_##id,
#include "abi/builtin.def"
#undef ABI_BUILTIN
    ABI_BUILTIN_COUNT
} abi_builtin;

/* Nothing here changes while the instance lives. */
typedef struct abi_context {
    abi_store *store; /* at offset 0; its `interrupt` is at offset 0, too */
    abi_instance *instance;
    const void *const *builtins; /* by abi_builtin */
    uint8_t *memory_base;        /* of memory 0 if it is guarded, else NULL */
    uint64_t memory_limit;       /* of a guarded memory 0: addresses from here on are beyond the
                                    reservation; a power of two */
    abi_memory *memory0;
    /* Index spaces, at the offsets of abi_context_layout. */
    uint64_t arrays[];
} abi_context;

/* Offsets in bytes from the context's beginning, of arrays of 8-byte entries. */
typedef struct abi_context_layout {
    uint32_t memories; /* abi_memory * */
    uint32_t tables;   /* abi_table * */
    uint32_t globals;  /* uint64_t *: abi_global.slots */
    uint32_t tags;     /* abi_tag * */
    uint32_t keys;     /* uint64_t, by type index: what abi_func.key is for a native function of
                          this instance and exactly this type */
    uint32_t imports;  /* abi_func *: the imported functions */
    uint32_t size;     /* of all */
} abi_context_layout;

static inline abi_context_layout abi_context_layout_of(const wb_module *m)
{
    abi_context_layout l;
    uint32_t at = (uint32_t)sizeof(abi_context);

    l.memories = at;
    at += 8 * m->memory_count;
    l.tables = at;
    at += 8 * m->table_count;
    l.globals = at;
    at += 8 * m->global_count;
    l.tags = at;
    at += 8 * m->tag_count;
    l.keys = at;
    at += 8 * m->type_count;
    l.imports = at;
    at += 8 * m->func_imports;
    l.size = at;
    return l;
}

/* The key of a native function; never 0. */
static inline uint64_t abi_func_key(const abi_instance *inst, uint32_t canon)
{
    return ((uint64_t)inst->id + 1) << 32 | canon;
}

/* The module has handlers of exceptions: its native code returns a status, and what a call of
 * it throws is looked at. */
static inline bool abi_module_catches(const wb_module *m)
{
    for (uint32_t i = m->func_imports; i < m->func_count; i++)
        if (m->funcs[i].uses_exceptions)
            return true;
    return false;
}

/* Native code that is running: from its entry to the guest's call of something else. */
typedef struct abi_native_call abi_native_call;
struct abi_native_call {
    abi_native_call *outer; /* the native call below, of this entry or another; or NULL */
    void *exit_sp;          /* where the entry's registers are saved */
    void *guest_sp;         /* in a builtin: its return address is there, and in
                               ABI_NATIVE_SPILL bytes below are the registers that the guest may
                               use on. NULL before the first */
    abi_context *context;
    beamr_error *err;    /* may be NULL */
    beamr_status status; /* of code that was left */
    bool skip_poll; /* the store was asked for something before the entry: its first function
                       does not look */
    uint32_t pass_total; /* places that store->pending has passed here; the first of them: */
    const void *passes[BEAMR_BACKTRACE_MAX]; /* return addresses */
};

#define ABI_NATIVE_SPILL 640u

#endif
