/* What the files of src/runtime share. */
#ifndef RUNTIME_INTERNAL_H
#define RUNTIME_INTERNAL_H

#include "runtime/runtime.h"

/* One reference into the registry that goes with the store. */
typedef struct rt_owned_type {
    uint32_t canon;
    struct rt_owned_type *next;
} rt_owned_type;

/* ---- Budgets: runtime/budget.c ---- */

/* The store's budget has room for so many bytes more. */
bool rt_budget_fits(const abi_store *s, uint64_t bytes);
/* Count bytes that fit the store's budget. Returns false when the engine's has no room. */
bool rt_budget_take(abi_store *s, uint64_t bytes);
void rt_budget_give(abi_store *s, uint64_t bytes);
/* Ask both and count the bytes.
 *   what  begins the error's text
 * Errors: BEAMR_LIMIT (the store's budget), BEAMR_NO_MEMORY (the engine's). */
beamr_status rt_budget_need(abi_store *s, const char *what, uint64_t bytes, beamr_error *err);
/* Likewise, without counting them. */
beamr_status rt_budget_check(abi_store *s, const char *what, uint64_t bytes, beamr_error *err);

/* Address space of guarded memories. Returns false when the engine's budget has no room. */
bool rt_reserved_take(rt_engine *e, uint64_t bytes);
void rt_reserved_give(rt_engine *e, uint64_t bytes);

/* Each mapping is two ranges of address space to the host: a part that is accessible, and one
 * that is not. Returns false when the engine's budget has no room. */
enum { RT_MAPPING_RANGES = 2 };
bool rt_mapping_take(rt_engine *e);
void rt_mapping_give(rt_engine *e);

/* Elements that a table has room for when it has `size`. Depends on nothing else, so that a
 * table which was restored counts as much as the one that grew. */
uint64_t rt_table_capacity(const abi_table *t, uint64_t size);
#define RT_ELEMENT_BYTES ((uint64_t)sizeof(uint64_t))

/* What the budgets count for a new table of this type. */
uint64_t rt_tabletype_bytes(abi_store *s, const wb_tabletype *type);
/* What the budgets count for an evaluated element segment. */
static inline uint64_t rt_elem_bytes(const wb_elem *elem)
{
    return elem->mode == WB_SEGMENT_DECLARED ? 0 : elem->count * RT_ELEMENT_BYTES;
}

/* Release the contents of a new object that nothing refers to: it is empty for good then. */
void rt_memory_clear(abi_memory *m);
void rt_table_clear(abi_table *t);

/* Release what the arena does not: called when the store goes. */
void rt_memories_free(abi_store *s);
void rt_tables_free(abi_store *s);
void rt_exceptions_free(abi_store *s);
void rt_instance_clear(abi_instance *inst);

/* The imports are as many as the module wants, and each is of the type that it wants.
 * Errors: BEAMR_UNLINKABLE, BEAMR_ARGUMENT (of another store, or NULL), whose text names the
 * import; BEAMR_TRAP (INTERRUPTED, DEADLINE) when there are many. Source: Core,
 * "Instantiation"; "Import Matching". */
beamr_status rt_link_check(abi_store *s, const abi_module *m, const rt_extern *imports,
                           size_t import_count, beamr_error *err);

/* Evaluate an element segment, whose bytes are for the caller to count.
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
