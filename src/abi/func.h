/* What guest code, interpreter and runtime agree on: functions and how they are entered.
 * The seam between executors: each calls the other, and host functions, through `entry`. */
#ifndef ABI_FUNC_H
#define ABI_FUNC_H

#include "beamr/error.h"
#include "wasm/types.h"

typedef struct abi_store abi_store;
typedef struct abi_instance abi_instance;
typedef struct abi_func abi_func;
typedef struct abi_exception abi_exception;

/* Run a function to its end.
 *   caller  instance whose code called, or NULL when C did
 *   slots   at store->stack_top; arguments in, results out, one or two 64-bit slots each, with
 *           room for the larger of both. i32 and f32 are zero-extended; references are
 *           pointers, 0 for null.
 * Errors: BEAMR_TRAP, with the backtrace so far; BEAMR_EXCEPTION, with store->pending set. */
typedef beamr_status (*abi_entry)(abi_func *f, abi_instance *caller, uint64_t *slots,
                                  beamr_error *err);

/* What an entry may return besides: the function ended in a tail call of store->tail, to be
 * called in its place with the same slots, in which the arguments are. See abi_call. */
#define ABI_TAIL ((beamr_status)BEAMR_STATUS_COUNT)

/* A function of a store; the referent of funcref. Lives as long as the store. */
struct abi_func {
    abi_entry entry;
    abi_store *store;
    abi_instance *instance;  /* of a guest function; NULL for a host function */
    const wb_functype *type; /* borrowed from the registry */
    uint32_t canon;          /* canonical id of the type */
    uint32_t index;          /* of a guest function: in its module */
    void *code;              /* of a guest function: the executor's record of it */
    const void *direct;      /* its native code (abi/context.h), or NULL */
    const void *thunk;       /* its type's, if it has native code */
    uint64_t key;            /* of a function with native code: abi_func_key; else 0 */
    /* Of a host function; for the embedder's side (runtime/import.h). */
    void *host;
    void *user;
    void (*finalize)(void *user); /* may be NULL */
    abi_func *next_host;          /* all host functions of the store */
};

#endif
