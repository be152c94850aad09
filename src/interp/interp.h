/* The interpreter: runs guest functions, each translated on its first call.
 * The reference executor. What it offers goes into rt_engine's function pointers; see
 * docs/internals/interpreter.md for the internal code. */
#ifndef INTERP_INTERP_H
#define INTERP_INTERP_H

#include "runtime/engine.h"

/* Make the record of a module: one entry for each defined function, nothing translated yet.
 * Errors: BEAMR_NO_MEMORY. */
beamr_status interp_code_new(abi_module *m, BEAMR_OWN void **out, beamr_error *err);
void interp_code_free(void *code); /* accepts NULL */

/* The record of function `index` of the module's index space, which must not be imported. */
void *interp_code_func(void *code, uint32_t index);

/* Run a guest function; see abi_entry. */
beamr_status interp_entry(abi_func *f, abi_instance *caller, uint64_t *slots, beamr_error *err);

#endif
