/* What guest code, interpreter and runtime agree on: the layout of instances and stores.
 * All objects belong to a store and live until it is freed. One thread at a time.
 * The functions that work on them are in src/runtime. */
#ifndef ABI_INSTANCE_H
#define ABI_INSTANCE_H

#include <stdatomic.h>

#include "abi/func.h"
#include "wasm/module.h"

#define ABI_PAGE_SIZE UINT64_C(65536)
#define ABI_MEMORY_MAX_PAGES UINT64_C(262144) /* 16 GiB: a limit of the engine */
#define ABI_GUARD_BYTES UINT64_C(65536)       /* behind a guarded memory's reservation */
#define ABI_TABLE_MAX_ELEMENTS UINT64_C(10000000)

/* A linear memory. A guarded one has reserved all that it may reach and never moves; another
 * may move whenever it grows, so its base is read again after all that can make it grow. */
typedef struct abi_memory {
    uint8_t *base;         /* NULL when it can have no pages */
    uint64_t size;         /* bytes that may be accessed; the rest of the reservation may not */
    uint64_t pages;        /* size / ABI_PAGE_SIZE */
    uint64_t max_pages;    /* that memory.grow may reach */
    uint64_t declared_max; /* of its type; UINT64_MAX: none */
    uint64_t least_pages;  /* that every type under which it is linked promises */
    uint64_t reserved;     /* bytes of address space, the guard included */
    bool is64;
    bool open;      /* the host refused to close what lies behind `size` */
    bool unchecked; /* native code without checks accesses it */
    bool guarded;   /* accesses that miss it hit the reservation: 4 GiB, or for a 64-bit memory
                       the power of two that covers max_pages, and ABI_GUARD_BYTES behind. After a
                       restore that made it smaller, bytes behind `size` may be open; they are
                       zero, and rt_memory_close closes them for an executor that leaves out checks */
    abi_store *store;
    struct abi_memory *next; /* all memories of the store */
} abi_memory;

/* A table: slots as on the stack, 0 for null. */
typedef struct abi_table {
    uint64_t *elems;
    uint64_t size;         /* elements */
    uint64_t capacity;     /* allocated; see rt_table_capacity */
    uint64_t max_size;     /* that table.grow may reach */
    uint64_t declared_max; /* of its type; UINT64_MAX: none */
    uint64_t least_size;   /* that every type under which it is linked promises */
    wb_valtype elem;
    bool is64;
    uint64_t growths; /* begun */
    abi_store *store;
    struct abi_table *next; /* all tables of the store */
} abi_table;

typedef struct abi_global {
    uint64_t slots[2]; /* v128 takes both */
    wb_valtype type;
    bool is_mutable;
    abi_store *store;
    struct abi_global *next; /* all globals of the store */
} abi_global;

typedef struct abi_tag {
    const wb_functype *type;
    uint32_t canon;
    abi_store *store;
} abi_tag;

/* A thrown exception; see runtime/exception.c. */
struct abi_exception {
    abi_exception *next; /* all exceptions of the store */
    abi_exception *mark_next;
    const abi_tag *tag;
    uint32_t pins; /* holds of the embedder */
    uint32_t slot_count;
    uint64_t mark;    /* the collection that found it in use last */
    uint64_t slots[]; /* the tag's arguments */
};

typedef struct abi_module abi_module;

struct abi_instance {
    abi_store *store;
    abi_module *module; /* a counted reference */
    const wb_module *wasm;
    abi_memory *memory0;   /* memories[0], or a memory of size 0 when there is none */
    abi_memory **memories; /* index spaces, imports first; likewise the following */
    abi_table **tables;
    abi_global **globals;
    abi_tag **tags;
    abi_func **funcs;    /* made when first needed: read through rt_instance_func */
    void *code;          /* the executor's record of the module */
    bool *dropped_elems; /* per segment */
    bool *dropped_datas;
    uint64_t **elems; /* evaluated element segments; NULL once dropped or when empty */
    uint32_t id;      /* counts from 0 in its store */
    struct abi_context *context; /* of native code; NULL when all of it is interpreted */
    abi_instance *next;
};

/* One active guest call. */
typedef struct abi_frame {
    const uint32_t *ip; /* where it goes on, while it calls another */
    uint64_t *fp;       /* its first slot */
    const void *func;   /* the executor's record of the function */
    abi_instance *instance;
    uint32_t units; /* stack units left below it */
} abi_frame;

/* What a running guest can be asked for. As signed numbers all are greater than any count of
 * stack units (ABI_UNITS_MAX), so that native code can look at both in one comparison. */
#define ABI_INTERRUPT (UINT32_C(1) << 28) /* end the call */
#define ABI_DEADLINE (UINT32_C(1) << 29)  /* end every call: its time is over */
#define ABI_PAUSE (UINT32_C(1) << 30)     /* let others run */
/* A place in guest code, of the backtrace of an exception on its way. */
typedef struct abi_place {
    const wb_module *wasm;
    uint32_t func;   /* index in its module */
    uint32_t offset; /* of the instruction, in the module's bytes */
} abi_place;

#define ABI_UNITS_MAX ((UINT32_C(1) << 28) - 1)

struct abi_store {
    _Atomic(uint32_t) interrupt; /* bits of the above, polled at loops and calls; comes first:
                                    see abi/context.h */
    uint32_t units;              /* stack units left for a new entry */
    uint64_t fuel;               /* left; counted only when the engine meters */
    uint64_t fuel_given;         /* what was there when it was last set */
    uint64_t fuel_used;          /* before that */
    uint64_t *stack;             /* slots of all frames */
    uint64_t *stack_top;         /* first slot free for a new entry */
    abi_frame *frames;
    abi_frame *frame_top; /* first frame free for a new entry */
    uint32_t nesting;     /* active entries, suspended ones too */
    uint32_t max_nesting;
    uint32_t max_units;
    uint64_t max_memory_pages;
    uint64_t max_table_elements;
    uint64_t max_bytes;  /* that memories, tables and element segments may take */
    uint64_t host_bytes; /* the same, as the host's own limit */
    uint64_t bytes;      /* that they take: see docs/internals/memory.md */
    uint32_t max_instances;
    uint32_t instance_count;
    abi_exception *pending; /* thrown and on its way to the embedder or a calling guest */
    abi_func *tail;         /* what an entry that returned ABI_TAIL wants called */
    struct abi_native_call *native; /* the innermost native code that runs or waits, or NULL */
    uint32_t trace_total;           /* frames that `pending` has left; the first of them: */
    abi_place trace[BEAMR_BACKTRACE_MAX];

    /* Entries: runtime/entry.h. */
    struct rt_entry *entry;       /* the innermost, or NULL */
    struct rt_entry *spare;       /* for the next */
    struct rt_entry *first_entry; /* part of the mapping at `mapping` */
    uint32_t spare_count;
    bool large_stacks; /* the stacks of new entries have room for native code */
    uint64_t last_entry_id;
    bool can_pause;       /* guest code polls, its frames below stack_top and frame_top */
    bool pause_later;     /* asked to pause where that cannot be: ask an outer entry */
    bool was_interrupted; /* the interrupt is taken back when the thread leaves the store */
    bool skips_starts;    /* start functions are not run */

    abi_exception *exceptions;
    uint64_t exception_count;
    uint64_t exception_bytes;
    uint64_t exceptions_until_collect;
    uint64_t collections; /* begun */

    struct rt_engine *engine; /* a counted reference */
    arena arena;              /* of everything below */
    abi_instance *instances;
    abi_memory *memories;
    abi_table *tables;
    abi_global *globals;
    abi_func *host_funcs;
    abi_memory *no_memory;       /* of size 0; memory0 of instances that have none */
    struct rt_owned_type *types; /* references into the registry */
    void *mapping;               /* the first entry's stack, slots, frames */
    size_t mapped;               /* bytes at `mapping` */
    _Atomic(uintptr_t) owner;    /* the thread that is using the store, or 0 */
    void *data;                  /* the embedder's */
    size_t deadline_place;       /* 1 + index among the engine's deadlines; 0: none to come */
};

/* Run a function to its end, as abi_entry, and whatever it ends in by tail calls. These take no
 * stack however often they go from one executor to the other. */
static inline beamr_status abi_call(abi_func *f, abi_instance *caller, uint64_t *slots,
                                    beamr_error *err)
{
    beamr_status st = f->entry(f, caller, slots, err);

    while (__builtin_expect(st == ABI_TAIL, 0)) {
        f = f->store->tail;
        st = f->entry(f, caller, slots, err);
    }
    return st;
}

#endif
