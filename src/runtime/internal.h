/* What the files of src/runtime share. */
#ifndef RUNTIME_INTERNAL_H
#define RUNTIME_INTERNAL_H

#include "runtime/runtime.h"

/* One reference into the registry that goes with the store. */
typedef struct rt_owned_type {
    uint32_t canon;
    struct rt_owned_type *next;
} rt_owned_type;

/* Release what the arena does not: called when the store goes. */
void rt_memories_free(abi_store *s);
void rt_tables_free(abi_store *s);
void rt_exceptions_free(abi_store *s);
void rt_instance_clear(abi_instance *inst);

/* The imports are as many as the module wants, and each is of the type that it wants.
 * Errors: BEAMR_UNLINKABLE, BEAMR_ARGUMENT (of another store, or NULL); the text names the
 * import. Source: Core, "Instantiation"; "Import Matching". */
beamr_status rt_link_check(abi_store *s, const abi_module *m, const rt_extern *imports,
                           size_t import_count, beamr_error *err);

/* Evaluate an element segment, without polls.
 *   out  NULL before; its values, to be freed. Stays NULL for a segment that is empty or
 *        declared, which nobody can read
 * Errors: BEAMR_NO_MEMORY; `out` may then need freeing nevertheless. */
beamr_status rt_elem_eval(abi_instance *inst, uint32_t segment, uint64_t **out,
                          beamr_error *err);

/* Evaluate a constant expression that the validator accepted.
 *   inst   its globals and functions are read; those that the expression names must exist
 *   slots  the value, in the first or both
 * Errors: BEAMR_NO_MEMORY. */
beamr_status rt_const_eval(abi_instance *inst, const wb_expr *expr, uint64_t slots[2],
                           beamr_error *err);

#endif
