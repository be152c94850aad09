/* What the interpreter's files share: the record of a module and of a function, the side tables
 * of translated code, and the calls between translate.c, exec.c and unwind.c. */
#ifndef INTERP_INTERNAL_H
#define INTERP_INTERNAL_H

#include <pthread.h>

#include "interp/interp.h"
#include "interp/iop.h"
#include "runtime/runtime.h"

typedef struct interp_code interp_code;

/* One catch clause: what it catches and where the guest goes on. */
typedef struct interp_clause {
    uint32_t tag;    /* in the module's index space; WB_NO_TYPE: any exception */
    bool to_ref;     /* the reference goes behind the arguments (try_table) */
    bool hidden;     /* the reference goes before the arguments (legacy) */
    uint32_t slot;   /* first slot that receives arguments or reference */
    uint32_t target; /* word in the code */
} interp_clause;

#define INTERP_NO_REGION UINT32_MAX

/* The body of a try or try_table. One of the two kinds has no clauses: a `delegate`, whose
 * parent is where it delegates to. */
typedef struct interp_region {
    uint32_t parent; /* asked next, or INTERP_NO_REGION */
    uint32_t first_clause;
    uint32_t clause_count;
} interp_region;

/* From word `pc` on, up to the next entry. */
typedef struct interp_mark {
    uint32_t pc;
    uint32_t value; /* region, or byte offset in the module */
} interp_mark;

/* Tables beside a function's code, sorted by pc. */
typedef struct interp_side {
    interp_mark *offsets; /* of instructions that can trap or call */
    uint32_t offset_count;
    interp_mark *spans; /* of regions */
    uint32_t span_count;
    interp_region *regions;
    uint32_t region_count;
    interp_clause *clauses;
    uint32_t clause_count;
} interp_side;

/* A defined function. */
typedef struct interp_func {
    const uint32_t *words; /* read and written atomically; one IOP_TRANSLATE at first */
    uint32_t units;        /* of stack depth */
    uint32_t param_slots;
    uint32_t zero_slots;  /* of locals that are not parameters */
    uint32_t frame_slots; /* all that the frame uses */
    uint32_t index;       /* in the module's index space */
    interp_side *side;    /* NULL until translated */
    interp_code *code;
} interp_func;

struct interp_code {
    const abi_module *module;
    pthread_mutex_t lock; /* held while a function is translated */
    uint32_t func_imports;
    uint32_t func_count; /* defined functions */
    interp_func funcs[];
};

/* Distance of each instruction's handler from the base, which begins a code word's life. */
const int32_t *interp_handlers(void);

/* The code of a function that was not translated yet. */
extern uint32_t interp_stub[1];

/* Translate a function, unless another thread has; publishes `words`.
 *   store  whose call needs it; polled, since a body may have millions of bytes
 * Errors: BEAMR_TRAP with OUT_OF_MEMORY, or as rt_store_poll; nothing is published then. */
beamr_status interp_translate(interp_func *f, abi_store *store, beamr_error *err);
void interp_side_free(interp_side *side); /* accepts NULL */

/* Find the clause that catches store->pending among the frames above `bottom`, innermost first.
 * Frames hold, in ip, one word past some word of the instruction that threw or called.
 *   handler  the frame, with its ip at the clause and the arguments in its slots; the pending
 *            exception is taken. Or NULL, and it stays pending: nothing here catches it
 * Errors: as rt_store_poll. */
beamr_status interp_unwind(abi_store *s, abi_frame *top, abi_frame *bottom, abi_frame **handler,
                           beamr_error *err);

/* Add the frames above `bottom` to err's backtrace, innermost first. */
void interp_backtrace(abi_frame *top, abi_frame *bottom, beamr_error *err);
/* Likewise, to the trace of store->pending. */
void interp_trace(abi_frame *top, abi_frame *bottom, abi_store *s);

/* Accesses that are rare enough for a call: other memories, large offsets, vector lanes.
 *   ip  at the operands of LOAD_FAR, STORE_FAR, SIMD_MEMORY
 * Returns false when out of bounds. */
bool interp_load_far(abi_instance *inst, uint64_t *fp, const uint32_t *ip);
bool interp_store_far(abi_instance *inst, uint64_t *fp, const uint32_t *ip);
bool interp_simd_memory(abi_instance *inst, uint64_t *fp, const uint32_t *ip);

#endif
