/* Stores, instances, and the objects in them: what executors and the public interface build on.
 * Errors of accesses are BEAMR_TRAP with the trap that the instruction of that name raises.
 * Threads: the caller holds the store.  Source: Core, "Execution". */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include "abi/instance.h"
#include "runtime/engine.h"

/* ---- Store ---- */

typedef struct rt_limits {
    uint64_t max_memory_pages;
    uint64_t max_table_elements;
    uint32_t max_instances;
    uint32_t max_units;
    uint32_t max_nesting;
    uint64_t max_bytes;  /* of memories, tables and element segments together */
    uint64_t host_bytes; /* of the same: the host's own limit; 0 for none */
} rt_limits;

/* Make a store. The stack of slots and the frames are mapped here, their pages touched as they
 * are used.  Errors: BEAMR_NO_MEMORY. */
beamr_status rt_store_new(rt_engine *e, const rt_limits *limits, BEAMR_OWN abi_store **out,
                          beamr_error *err);
void rt_store_free(abi_store *s); /* accepts NULL; calls the finalizers of host functions */

/* Slots above any frame that the store's units allow: arguments and results of one call. */
#define RT_STACK_SLACK 8192u

/* Its address is different in each thread. */
extern _Thread_local char rt_thread_mark;
/* For the two below. */
beamr_status rt_store_fail_busy(beamr_error *err);
void rt_store_forget_interrupt(abi_store *s);

/* Take the store for this thread. Entering again from the thread that has it is fine. When the
 * thread leaves, an interrupt that ended something meanwhile is taken back.
 *   outermost  set to true when it was free; give it to rt_store_leave
 * Errors: BEAMR_BUSY when another thread has it. */
static inline beamr_status rt_store_enter(abi_store *s, bool *outermost, beamr_error *err)
{
    uintptr_t self = (uintptr_t)&rt_thread_mark;
    uintptr_t owner = atomic_load_explicit(&s->owner, memory_order_relaxed);

    *outermost = false;
    if (owner == self)
        return BEAMR_OK;
    if (owner != 0 || !atomic_compare_exchange_strong_explicit(
                          &s->owner, &owner, self, memory_order_acquire, memory_order_relaxed))
        return rt_store_fail_busy(err);
    *outermost = true;
    return BEAMR_OK;
}
static inline void rt_store_leave(abi_store *s, bool outermost)
{
    if (!outermost)
        return;
    s->pause_later = false; /* nothing is running any more */
    if (s->was_interrupted)
        rt_store_forget_interrupt(s);
    atomic_store_explicit(&s->owner, 0, memory_order_release);
}

/* Hand one reference to the type with this canonical id (the only one of its group) to the
 * store, which releases it when it goes; when this fails, at once.  Errors: BEAMR_NO_MEMORY. */
beamr_status rt_store_own_type(abi_store *s, uint32_t canon, beamr_error *err);

/* Before `count` bytes or elements are touched that cost one unit for each `per` begun.
 * Errors: BEAMR_TRAP with OUT_OF_FUEL, and no fuel left; never without metering. */
beamr_status rt_store_charge(abi_store *s, uint64_t count, uint32_t per, beamr_error *err);
/* Look at store->interrupt; for work that takes long.
 * Errors: BEAMR_TRAP with INTERRUPTED or DEADLINE when the store was asked to stop. */
beamr_status rt_store_poll(abi_store *s, beamr_error *err);
/* The same for guest code, which may be paused here: other code of the store may then have run,
 * and memories grown. Its frames are below store->stack_top and store->frame_top. */
beamr_status rt_store_poll_guest(abi_store *s, beamr_error *err);
/* The next poll ends the call. */
static inline bool rt_store_is_ending(const abi_store *s)
{
    return atomic_load_explicit(&s->interrupt, memory_order_relaxed) &
           (ABI_INTERRUPT | ABI_DEADLINE);
}

/* Bytes that bulk operations touch between two polls. At a poll other code of the store may
 * run: memories and tables may have grown, and moved, and segments may have been dropped. */
#define RT_POLL_BYTES ((uint64_t)1 << 20)

/* ---- Memory ----
 * Of fill, copy and init, here and for tables: the bounds are checked first, then the fuel is
 * charged by size, then it starts. An interrupt ends it with a part done. */

/* Make a memory of `type`, zeroed; guarded if the host and the engine's budget of address space
 * have room for that.
 * Errors: BEAMR_LIMIT when its minimum is beyond the store's limits; BEAMR_NO_MEMORY. */
beamr_status rt_memory_new(abi_store *s, const wb_memtype *type, abi_memory **out,
                           beamr_error *err);
/* Grow by `delta` pages. A memory that is not guarded may move.
 *   old  the pages before, or -1 when that cannot be: it would pass the memory's maximum or the
 *        store's limits, which are the same on every host
 * Errors: BEAMR_TRAP with OUT_OF_MEMORY: the host, or the engine's budget, has no room; nothing
 * changed. */
beamr_status rt_memory_grow(abi_memory *m, uint64_t delta, int64_t *old, beamr_error *err);
/* Have `pages` pages, at most max_pages: more, or fewer; for the caller to count. What is cut
 * off must be zero already, since the memory may grow again. A memory that is not guarded may
 * move when it grows.
 * Returns false when the host refuses more; nothing changed then. Fewer is never refused. */
bool rt_memory_resize(abi_memory *m, uint64_t pages);
/* Close what a resize may have left open behind the end, for code that leaves checks out.
 * Returns false when the host refuses. */
bool rt_memory_close(abi_memory *m);
/* Make [from, to), which lies in the memory, zero; long ranges take no host memory then. */
void rt_memory_zero(abi_memory *m, uint64_t from, uint64_t to);
/* [addr, addr + len) lies in the memory. */
static inline bool rt_memory_contains(const abi_memory *m, uint64_t addr, uint64_t len)
{
    return len <= m->size && addr <= m->size - len;
}
beamr_status rt_memory_fill(abi_memory *m, uint64_t addr, uint8_t value, uint64_t len,
                            beamr_error *err);
beamr_status rt_memory_copy(abi_memory *dst, uint64_t to, const abi_memory *src, uint64_t from,
                            uint64_t len, beamr_error *err);
/* From data segment `segment` of the instance. */
beamr_status rt_memory_init(abi_instance *inst, uint32_t memory, uint32_t segment, uint64_t to,
                            uint64_t from, uint64_t len, beamr_error *err);
void rt_data_drop(abi_instance *inst, uint32_t segment);

/* ---- Table ---- */

/* Make a table whose elements are `init`, a slot.
 * Errors: BEAMR_LIMIT when its minimum is beyond the store's limits; BEAMR_NO_MEMORY. */
beamr_status rt_table_new(abi_store *s, const wb_tabletype *type, uint64_t init,
                          abi_table **out, beamr_error *err);
/* Fill the null elements of an instance's new table. Charges no fuel, but polls as the bulk
 * operations do: a module of a few bytes can ask for any number of great tables.
 * Errors: BEAMR_TRAP (INTERRUPTED, DEADLINE). */
beamr_status rt_table_begin(abi_table *t, uint64_t init, beamr_error *err);
/* The table's maximum and the store's limits let it grow by `delta`. */
bool rt_table_can_grow(const abi_table *t, uint64_t delta);
/* Grow by `delta` elements, which will be `init`. Charges no fuel, but polls.
 *   old  the size before, or -1 when it cannot grow
 * Errors: BEAMR_TRAP with OUT_OF_MEMORY (the host, or the engine's budget, has no room) or
 * INTERRUPTED or DEADLINE; the table's size is then as before. */
beamr_status rt_table_grow(abi_table *t, uint64_t delta, uint64_t init, int64_t *old,
                           beamr_error *err);
beamr_status rt_table_fill(abi_table *t, uint64_t to, uint64_t value, uint64_t len,
                           beamr_error *err);
beamr_status rt_table_copy(abi_table *dst, uint64_t to, const abi_table *src, uint64_t from,
                           uint64_t len, beamr_error *err);
beamr_status rt_table_init(abi_instance *inst, uint32_t table, uint32_t segment, uint64_t to,
                           uint64_t from, uint64_t len, beamr_error *err);
void rt_elem_drop(abi_instance *inst, uint32_t segment);

/* ---- Globals, tags ---- */

beamr_status rt_global_new(abi_store *s, wb_globaltype type, const uint64_t slots[2],
                           abi_global **out, beamr_error *err);
/* The type with id `canon` must stay referenced as long as the store: see rt_store_own_type. */
beamr_status rt_tag_new(abi_store *s, uint32_t canon, abi_tag **out, beamr_error *err);

/* ---- Exceptions: runtime/exception.c ---- */

/* Make an exception out of the tag's argument slots. May collect those that no slot, global,
 * table, pin or store->pending refers to; the slots up to `live_end` count as in use.
 *   live_end  end of the used part of the store's stack
 * It stops when the call is to end, which the caller finds out by the next poll.
 * Returns NULL when memory is gone, or the exceptions that are in use take RT_EXCEPTION_BYTES.
 */
abi_exception *rt_exception_new(abi_store *s, const abi_tag *tag, const uint64_t *slots,
                                const uint64_t *live_end);
#define RT_EXCEPTION_BYTES ((uint64_t)256 << 20)

/* ---- Backtraces: runtime/trace.c ---- */

/* Add a frame; the first come first.
 *   func    index in the module
 *   offset  of the instruction, in the module's bytes */
void rt_frame_add(beamr_error *err, const wb_module *m, uint32_t func, uint32_t offset);
/* store->pending was thrown just now, or by the host. */
static inline void rt_trace_begin(abi_store *s)
{
    s->trace_total = 0;
}
/* ... and leaves a frame. */
void rt_trace_add(abi_store *s, const wb_module *m, uint32_t func, uint32_t offset);
/* ... and nobody caught it.  Returns BEAMR_EXCEPTION. */
beamr_status rt_fail_uncaught(const abi_store *s, beamr_error *err);
/* A trap whose text ends with a table's element. */
beamr_status rt_fail_element(beamr_trap trap, uint64_t element, beamr_error *err);

/* ---- Functions and instances ---- */

/* What an import asks for, or an object is. Arrays are borrowed from the registry. */
typedef struct rt_externtype {
    wb_extern_kind kind;
    uint32_t canon;          /* FUNC, TAG */
    const wb_functype *func; /* FUNC, TAG */
    wb_limits limits;        /* TABLE, MEMORY */
    wb_valtype value;        /* TABLE: of the elements; GLOBAL */
    bool is_mutable;         /* GLOBAL */
} rt_externtype;

/* Of an entry of the module's index spaces. */
rt_externtype rt_module_externtype(const wb_module *m, wb_extern_kind kind, uint32_t index);
/* "func [i32 i64] -> [f64]", "memory i64 1 16384", "table 0 10 funcref", "global mut i32",
 * "tag [i32]". Cut to fit `size`; returns `buf`. */
const char *rt_externtype_text(const rt_externtype *type, char *buf, size_t size);

/* Quote a name from a module for an error's text: what would not print on one line is escaped,
 * and a long name is cut.  Returns `buf`; RT_NAME_SIZE bytes suffice. */
#define RT_NAME_SIZE 96
const char *rt_name_text(beamr_bytes name, char *buf, size_t size);

/* A function of the instance's index space; made on first use.
 * Returns NULL when memory is gone. */
abi_func *rt_instance_func(abi_instance *inst, uint32_t index);

/* Make a host function.
 *   canon  canonical id of its type; the store takes over one reference to it, as
 *          rt_store_own_type
 * Errors: BEAMR_NO_MEMORY; `finalize` is then not called. */
beamr_status rt_host_func_new(abi_store *s, uint32_t canon, abi_entry entry, void *host,
                              void *user, void (*finalize)(void *), abi_func **out,
                              beamr_error *err);

/* One import, resolved. */
typedef struct rt_extern {
    wb_extern_kind kind;
    union {
        abi_func *func;
        abi_table *table;
        abi_memory *memory;
        abi_global *global;
        abi_tag *tag;
        void *any;
    } of;
} rt_extern;

/* What the object is now: sizes are the present ones. `of` must not be NULL. */
rt_externtype rt_extern_type(const rt_extern *e);

/* As beamr_instance_begin; with `entry` NULL the start function cannot wait. What active
 * segments hold is charged as the instructions that would copy it. */
beamr_status rt_instance_new(abi_store *s, abi_module *m, const rt_extern *imports,
                             size_t import_count, abi_instance **out, uint64_t *entry,
                             beamr_error *err);

/* The export's object; kind and index from the module's export. NULL in `of` when memory is
 * gone. */
rt_extern rt_instance_extern(abi_instance *inst, wb_extern_kind kind, uint32_t index);

#endif
