/* Instances, and what they import and export.
 * All objects here belong to their store and are freed with it; pointers to them stay valid
 * until then. Threads: the caller holds the store. */
#ifndef BEAMR_INSTANCE_H
#define BEAMR_INSTANCE_H

#include "beamr/module.h"
#include "beamr/store.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct beamr_instance beamr_instance;

/* One thing that can be imported or exported. */
typedef struct beamr_extern {
    beamr_extern_kind kind;
    union {
        beamr_func *func;
        beamr_table *table;
        beamr_memory *memory;
        beamr_global *global;
        beamr_tag *tag;
    } of;
} beamr_extern;

/* ---- Functions ---- */

/* What a host function is told of its call. */
typedef struct beamr_call {
    beamr_store *store;
    beamr_instance *caller; /* whose code called; NULL when C did */
    void *user;             /* as given to beamr_func_new */
} beamr_call;

/* A host function.
 *   args     of the declared parameters' kinds
 *   results  to be filled with the declared results' kinds; preset to zero and null
 * It may use the store, and call guest functions. It runs on a stack of the engine's, where it
 * finds 256 KiB, on the thread that made the call; C++ exceptions and longjmp must not leave it,
 * and it must not switch stacks.
 * Returns BEAMR_OK, or an error: the calling guest then traps with HOST and err's text (a
 * BEAMR_TRAP is passed on as it is, and BEAMR_NO_MEMORY becomes OUT_OF_MEMORY), except that
 * BEAMR_EXCEPTION throws the exception set with beamr_throw, or the one that an inner call ended
 * in, and that after BEAMR_SUSPENDED the call is answered later (beamr/entry.h). */
typedef beamr_status (*beamr_host_func)(const beamr_call *call, const beamr_value *args,
                                        beamr_value *results, beamr_error *err);

/* Make a function of the store out of a C function.
 *   type  borrowed during the call
 *   user  passed to each call; `finalize`, unless NULL, is called with it when the store goes
 * Errors: BEAMR_LIMIT (too many parameters or results), BEAMR_NO_MEMORY; `finalize` is then not
 * called. */
BEAMR_API beamr_status beamr_func_new(beamr_store *store, const beamr_functype *type,
                                      beamr_host_func callback, void *user,
                                      void (*finalize)(void *user), BEAMR_OWN beamr_func **out,
                                      beamr_error *err);

/* All that can be said of a host function; begin with `beamr_host host = {0}`. */
typedef struct beamr_host {
    beamr_host_func callback; /* NULL: every call of it is answered later (beamr/entry.h) */
    bool on_host_stack;       /* run it on the thread's own stack, which costs two switches: for
                                 a function that needs more than 256 KiB */
    size_t stack_size;        /* bytes that it needs there, 0 for 256 KiB: where less is left,
                                 since guests can call it within a call of itself, the guest
                                 traps with STACK_EXHAUSTED */
    beamr_bytes module, name; /* of the import that it is for, told to who answers; copied */
    void *user;               /* passed to each call, and told to who answers */
    void (*finalize)(void *user); /* unless NULL, called with it when the store goes */
} beamr_host;

/* Make a function of the store. As beamr_func_new. */
BEAMR_API beamr_status beamr_func_make(beamr_store *store, const beamr_functype *type,
                                       const beamr_host *host, BEAMR_OWN beamr_func **out,
                                       beamr_error *err);

/* The function's type; borrowed. */
BEAMR_API beamr_functype beamr_func_type(const beamr_func *func);

/* Call a function, of a guest or of the host.
 *   args     arg_count of them, checked against the parameters
 *   results  room for result_count, which must be the function's number of results; written
 *            only on success
 * A call that can wait is begun with beamr_entry_begin instead: here the guest traps with HOST
 * when it calls what is answered later.
 * Errors: BEAMR_ARGUMENT (wrong count or kind; nothing ran), BEAMR_TRAP with trap, text and
 * backtrace, BEAMR_EXCEPTION (not caught by the guest; see beamr_exception_take), BEAMR_BUSY
 * (another thread is using the store). The instance can be used again after each of them. */
BEAMR_API beamr_status beamr_func_call(beamr_func *func, const beamr_value *args,
                                       size_t arg_count, beamr_value *results,
                                       size_t result_count, beamr_error *err);

/* ---- Memories ----
 * A guarded memory has reserved the address space for all that it may grow to, and never moves.
 * One for which there was no room (beamr_config.max_reserved, or the host) grows as far and works
 * the same, but may move when it grows: in beamr_memory_grow, beamr_memory_set,
 * beamr_snapshot_restore, and whenever guest code runs. */

/* Make a memory of the store, to be imported by instances.
 *   limits  its type; borrowed during the call
 * Errors: BEAMR_ARGUMENT (limits that no memory can have), BEAMR_LIMIT (its minimum is beyond the
 * store's limits), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_memory_new(beamr_store *store, const beamr_limits *limits,
                                        beamr_memory **out, beamr_error *err);
BEAMR_API beamr_limits beamr_memory_type(const beamr_memory *memory); /* min: present size */
BEAMR_API uint64_t beamr_memory_size(const beamr_memory *memory);     /* bytes */
BEAMR_API uint64_t beamr_memory_pages(const beamr_memory *memory);
/* First byte; NULL when the memory can have no pages. The address stays the same if the memory is
 * guarded; otherwise it may change whenever the memory grows. */
BEAMR_API uint8_t *beamr_memory_data(const beamr_memory *memory);
BEAMR_API bool beamr_memory_is_guarded(const beamr_memory *memory);
/* Grow by `delta` pages.
 *   old  pages before; may be NULL
 * Errors: BEAMR_LIMIT (its maximum, or a limit of the store: memory.grow would give -1),
 * BEAMR_NO_MEMORY (the host or the engine's budget: it would trap); nothing changed. */
BEAMR_API beamr_status beamr_memory_grow(beamr_memory *memory, uint64_t delta, uint64_t *old,
                                         beamr_error *err);
/* Copy bytes out of or into the memory.
 *   addr  any 64-bit number; 0 bytes are valid anywhere up to and including the end
 * Errors: BEAMR_TRAP with MEMORY_OUT_OF_BOUNDS (nothing was copied). */
BEAMR_API beamr_status beamr_memory_read(const beamr_memory *memory, uint64_t addr, void *dst,
                                         size_t len, beamr_error *err);
BEAMR_API beamr_status beamr_memory_write(beamr_memory *memory, uint64_t addr, const void *src,
                                          size_t len, beamr_error *err);

/* Make `content` the whole content: the memory grows if it must, and is zero behind it. With
 * beamr_memory_read of the whole memory this is the plain form of a memory's state.
 * Errors: as beamr_memory_grow. */
BEAMR_API beamr_status beamr_memory_set(beamr_memory *memory, beamr_bytes content,
                                        beamr_error *err);

/* ---- Tables ---- */

/* Make a table of the store, to be imported by instances.
 *   elem  a reference type
 *   init  of each element; NULL for null
 * Errors: BEAMR_ARGUMENT (no reference type, limits that no table can have, or an `init` of another
 * type), BEAMR_LIMIT (its minimum is beyond the store's limits), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_table_new(beamr_store *store, const beamr_limits *limits,
                                       beamr_valtype elem, const beamr_value *init,
                                       beamr_table **out, beamr_error *err);
/* min: present size.  elem  may be NULL */
BEAMR_API beamr_limits beamr_table_type(const beamr_table *table, beamr_valtype *elem);
BEAMR_API uint64_t beamr_table_size(const beamr_table *table); /* elements */
/* Errors: BEAMR_TRAP with TABLE_OUT_OF_BOUNDS; BEAMR_ARGUMENT for a value of another type. */
BEAMR_API beamr_status beamr_table_get(const beamr_table *table, uint64_t index,
                                       beamr_value *out, beamr_error *err);
BEAMR_API beamr_status beamr_table_set(beamr_table *table, uint64_t index,
                                       const beamr_value *value, beamr_error *err);
/* Grow by `delta` elements.
 *   init  of each new element; NULL for null
 *   old   elements before; may be NULL
 * Errors: BEAMR_LIMIT and BEAMR_NO_MEMORY as beamr_memory_grow; BEAMR_TRAP with INTERRUPTED or
 * DEADLINE, when it grows by much; BEAMR_ARGUMENT for an `init` of another type; BEAMR_BUSY
 * (another thread is using the store). Nothing changed. */
BEAMR_API beamr_status beamr_table_grow(beamr_table *table, uint64_t delta,
                                        const beamr_value *init, uint64_t *old,
                                        beamr_error *err);
/* Call the function at an index, as call_indirect would.
 * Errors: BEAMR_TRAP (UNDEFINED_ELEMENT, UNINITIALIZED_ELEMENT), and as beamr_func_call. */
BEAMR_API beamr_status beamr_table_call(beamr_table *table, uint64_t index,
                                        const beamr_value *args, size_t arg_count,
                                        beamr_value *results, size_t result_count,
                                        beamr_error *err);

/* ---- Globals ---- */

/* Make a global of the store, to be imported by instances.
 *   init  its first value; NULL for zero or null
 * Errors: BEAMR_ARGUMENT (an `init` of another type), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_global_new(beamr_store *store, beamr_valtype type, bool is_mutable,
                                        const beamr_value *init, beamr_global **out,
                                        beamr_error *err);
/* is_mutable  may be NULL */
BEAMR_API beamr_valtype beamr_global_type(const beamr_global *global, bool *is_mutable);
BEAMR_API beamr_value beamr_global_get(const beamr_global *global);
/* Errors: BEAMR_ARGUMENT for an immutable global or a value of another type. */
BEAMR_API beamr_status beamr_global_set(beamr_global *global, const beamr_value *value,
                                        beamr_error *err);

/* ---- Tags and exceptions ----
 * An exception in a value that the embedder is given - an argument, a result, an element, a
 * global - is borrowed only until guest code runs again, unless it is retained. */

BEAMR_API beamr_status beamr_tag_new(beamr_store *store, const beamr_functype *type,
                                     beamr_tag **out, beamr_error *err);
BEAMR_API beamr_functype beamr_tag_type(const beamr_tag *tag);

/* In a host function: `return beamr_throw(...)` throws into the calling guest. Outside of one,
 * the exception can be taken with beamr_exception_take. A call made before that forgets it.
 * Returns BEAMR_EXCEPTION; BEAMR_ARGUMENT or BEAMR_NO_MEMORY when it cannot be made. */
BEAMR_API beamr_status beamr_throw(beamr_store *store, beamr_tag *tag, const beamr_value *args,
                                   size_t arg_count, beamr_error *err);
/* The exception that the last call ended in, which is then forgotten; NULL if there is none.
 * The embedder holds it until beamr_exception_release. */
BEAMR_API beamr_exception *beamr_exception_take(beamr_store *store);
/* Hold an exception until it is released as often as it was retained or taken. */
BEAMR_API void beamr_exception_retain(beamr_store *store, beamr_exception *exception);
BEAMR_API void beamr_exception_release(beamr_store *store, beamr_exception *exception);
BEAMR_API beamr_tag *beamr_exception_tag(const beamr_exception *exception);
BEAMR_API size_t beamr_exception_arg_count(const beamr_exception *exception);
BEAMR_API beamr_value beamr_exception_arg(const beamr_exception *exception, size_t i);

/* ---- Instances ---- */

/* Instantiate a module: check the imports, allocate, initialise, and run its start function.
 *   imports  one for each import of the module, in order
 *   out      the instance; belongs to the store
 * Errors: BEAMR_UNLINKABLE (the text names the import), BEAMR_TRAP or BEAMR_EXCEPTION (a segment
 * out of bounds, an interrupt, a deadline, no fuel for the segments, or the start function; what
 * was written to imported memories and tables stays), BEAMR_LIMIT (of the store, before anything
 * is made), BEAMR_NO_MEMORY (the host, or the engine's budget), BEAMR_BUSY (another thread is using
 * the store). */
BEAMR_API beamr_status beamr_instance_new(beamr_store *store, beamr_module *module,
                                          const beamr_extern *imports, size_t import_count,
                                          beamr_instance **out, beamr_error *err);

BEAMR_API beamr_module *beamr_instance_module(const beamr_instance *instance); /* borrowed */
BEAMR_API beamr_store *beamr_instance_store(const beamr_instance *instance);

/* Find an export.  Returns false when there is none of that name (and kind); and when there is
 * no memory for the record of a function that nobody has asked for yet, in which case
 * beamr_module_find_export still finds it. The same holds for NULL from the next. */
BEAMR_API bool beamr_instance_find(const beamr_instance *instance, beamr_bytes name,
                                   beamr_extern *out);
BEAMR_API beamr_func *beamr_instance_find_func(const beamr_instance *instance,
                                               const char *name); /* or NULL */
BEAMR_API beamr_memory *beamr_instance_find_memory(const beamr_instance *instance,
                                                   const char *name); /* or NULL */
/* Export i, in the order of the module's exports. */
BEAMR_API beamr_extern beamr_instance_export(const beamr_instance *instance, size_t i);
/* Memory or table i of the instance's index space, exported or not; NULL beyond the end. */
BEAMR_API beamr_memory *beamr_instance_memory(const beamr_instance *instance, size_t i);
BEAMR_API beamr_table *beamr_instance_table(const beamr_instance *instance, size_t i);

/* ---- Linking by name ---- */

/* Names under which the imports of instances of one store are looked up; everything defined in
 * it must be of that store. It is freed on its own, before the store or after. */
typedef struct beamr_linker beamr_linker;

BEAMR_API beamr_status beamr_linker_new(beamr_store *store, BEAMR_OWN beamr_linker **out,
                                        beamr_error *err);
BEAMR_API void beamr_linker_free(beamr_linker *linker); /* accepts NULL */

/* Define (or replace) one import. Names are copied. */
BEAMR_API beamr_status beamr_linker_define(beamr_linker *linker, beamr_bytes module,
                                           beamr_bytes name, beamr_extern item,
                                           beamr_error *err);
/* Make a host function and define it. As beamr_func_new. */
BEAMR_API beamr_status beamr_linker_define_func(beamr_linker *linker, const char *module,
                                                const char *name, const beamr_functype *type,
                                                beamr_host_func callback, void *user,
                                                beamr_error *err);
/* The same with all that can be said of it; its names are those given here. */
BEAMR_API beamr_status beamr_linker_define_host(beamr_linker *linker, const char *module,
                                                const char *name, const beamr_functype *type,
                                                const beamr_host *host, beamr_error *err);
/* Define all exports of an instance under a module name. */
BEAMR_API beamr_status beamr_linker_define_instance(beamr_linker *linker, beamr_bytes module,
                                                    const beamr_instance *instance,
                                                    beamr_error *err);
/* Asked for an import that nothing defines.  Returns true and fills `out`, or false. */
typedef bool (*beamr_resolver)(void *user, beamr_store *store, const beamr_import *import,
                               beamr_extern *out);
BEAMR_API void beamr_linker_set_resolver(beamr_linker *linker, beamr_resolver resolver,
                                         void *user);

BEAMR_API bool beamr_linker_find(const beamr_linker *linker, beamr_bytes module,
                                 beamr_bytes name, beamr_extern *out);
/* Look an import up as instantiation does: among the definitions, then by the resolver. */
BEAMR_API bool beamr_linker_resolve(const beamr_linker *linker, const beamr_import *import,
                                    beamr_extern *out);
BEAMR_API beamr_store *beamr_linker_store(const beamr_linker *linker);
/* Look up the module's imports and instantiate it. Errors: as beamr_instance_new; an import
 * that is not found is BEAMR_UNLINKABLE ("unknown import ..."). */
BEAMR_API beamr_status beamr_linker_instantiate(beamr_linker *linker, beamr_module *module,
                                                beamr_instance **out, beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
