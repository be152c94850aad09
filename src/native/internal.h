/* What the files of src/native share: loaded code and its tables, the functions behind the
 * builtins, and the few lines of assembly around them. */
#ifndef NATIVE_INTERNAL_H
#define NATIVE_INTERNAL_H

#include "abi/context.h"
#include "native/native.h"
#include "runtime/runtime.h"

/* ---- Loaded code: code.c ---- */

struct native_code {
    const uint8_t *base; /* mapped readable and executable */
    size_t mapped;       /* bytes */
    uint32_t size;       /* of these, code */
    uint32_t flags;      /* ABI_OBJECT_* */
    uint32_t cpu;
    uint32_t compiled;
    const wb_module *wasm;
    uint32_t range_count, row_count, site_count;
    const abi_object_func *funcs; /* by index of defined function; all tables are in `tables` */
    const uint32_t *thunks;       /* by type index */
    const abi_object_range *ranges;
    const abi_object_row *rows;
    const abi_object_row *sites;
    uint8_t *tables; /* the object without its code */
};

/* The entry's offset in the code, or ABI_NO_CODE.  func  in the module's index space */
static inline uint32_t native_code_entry(const native_code *c, uint32_t func)
{
    return c->funcs[func - c->wasm->func_imports].code;
}

/* What the code at an offset is: a function's index or ABI_RANGE_*. */
uint32_t native_code_range(const native_code *c, uint32_t at);
/* From the stack pointer there to the caller's; 0: unknown. */
uint32_t native_code_frame(const native_code *c, uint32_t at);
/* The instruction's offset in the module. */
uint32_t native_code_site(const native_code *c, uint32_t at);

/* ---- Which code an address belongs to: registry.c ---- */

/* Returns false when memory is gone. */
bool native_registry_add(const native_code *c);
void native_registry_remove(const native_code *c);
/* The code that holds this address, or NULL. Safe in signal handlers; the caller's own code
 * must stay loaded. */
const native_code *native_registry_find(const void *pc);

/* ---- Places: walk.c ---- */

/* The code of a context. */
static inline const native_code *native_code_of(const abi_context *context)
{
    return atomic_load_explicit(&context->instance->module->native, memory_order_relaxed);
}

/* Go through the frames of a call in which the guest is in a builtin, from the innermost on.
 *   skip    leave that one out
 *   offset  of the innermost frame's instruction, when it is known; else 0
 * To err, if that is not NULL: */
void native_backtrace(const abi_native_call *call, bool skip, uint32_t offset,
                      beamr_error *err);
/* To the trace of store->pending. */
void native_trace(const abi_native_call *call, bool skip);
/* Likewise, the places that the exception has passed. */
void native_trace_passes(const abi_native_call *call);
/* The function that called a builtin was called by a thunk.
 *   func  that function's index, or ABI_RANGE_* */
bool native_is_outermost(const abi_native_call *call, uint32_t *func);
/* From an instruction of a function in the code to the stack pointer with which the entry
 * called the thunk, where the address of its abi_native_call is. Returns NULL when the tables
 * do not tell. Safe in signal handlers. */
const void *native_walk_down(const native_code *c, const void *pc, const void *sp);

/* ---- Builtins: builtins.c ---- */

/* What a function behind a builtin gives to its stub. */
typedef struct native_answer {
    uint64_t value;
    abi_native_call *leave; /* leave the native code of this call; or NULL: come back */
} native_answer;

/* What leaving gives to the entry in place of what a thunk returns. */
#define NATIVE_LEFT 2u

/* The table for native code with such ABI_OBJECT_* that may use such features of the processor.
 */
const void *const *native_builtins(uint32_t flags, uint32_t cpu);

/* ---- Faults: fault.c ---- */

/* Take over SIGSEGV and SIGBUS, unless that was done and nobody came after. Errors:
 * BEAMR_NO_MEMORY.
 */
beamr_status native_fault_install(beamr_error *err);
/* Where a guest's fault goes on, as if its instruction had called it, with the call's record as
 * the only argument: raises MEMORY_OUT_OF_BOUNDS. */
void native_fault_stub(void);

#endif
