/* Store: the unit of instances that may be linked, of threads and of freeing.
 * Everything made in a store - instances, functions, memories - lives until the store is freed.
 * One thread at a time may use a store; only what says so may be called from another. */
#ifndef BEAMR_STORE_H
#define BEAMR_STORE_H

#include "beamr/engine.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct beamr_store beamr_store;

/* What a store may use; begin with `beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT`.
 * A guest sees max_memory_pages, max_table_elements and max_bytes: memory.grow and table.grow
 * beyond them give -1, on every host alike. An instance that starts beyond them is refused. */
typedef struct beamr_store_limits {
    uint64_t max_memory_pages;   /* of each memory, 64 KiB each; at most 262,144 (16 GiB) */
    uint64_t max_table_elements; /* of each table; at most 10,000,000 */
    uint32_t max_instances;
    uint32_t max_stack_units; /* depth of guest calls; a call takes 16 and one for each local
                                 and operand slot of 64 bits */
    uint32_t max_nesting;     /* entries from C below which others are active; each takes two
                                 mappings of the process, and up to 300 KiB that it touches */
    uint64_t max_bytes;       /* of all memories (their present size), tables (8 for each element
                                 of the power of two that holds their size, at most of their
                                 maximum) and element segments that are not dropped (8 for
                                 each element); UINT64_MAX for no limit */
    uint64_t host_bytes;      /* of the same; 0 for no limit. The host's own limit: beyond it
                                 guests trap with OUT_OF_MEMORY, as beamr_config.max_bytes has
                                 it for all stores */
} beamr_store_limits;

#define BEAMR_STORE_LIMITS_DEFAULT {262144, 10000000, 100000, 1u << 20, 1000, 17ull << 30, 0}

/* Make a store.
 *   limits  NULL for the default; values beyond what is said above are cut
 *   out     to be freed with beamr_store_free
 * Errors: BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_store_new(beamr_engine *engine, const beamr_store_limits *limits,
                                       BEAMR_OWN beamr_store **out, beamr_error *err);

/* Free the store and all that was made in it. Calls that wait are cancelled; none may be
 * running. Accepts NULL. */
BEAMR_API void beamr_store_free(beamr_store *store);

/* End the running call with the trap INTERRUPTED at its next loop, call or mebibyte of a bulk
 * operation; without a running call, the next one. A call back into the store from a host
 * function ends so, and then the call around it. May be called from any thread and from a
 * signal handler. */
BEAMR_API void beamr_store_interrupt(beamr_store *store);
/* Take back an interrupt that has not been seen. */
BEAMR_API void beamr_store_clear_interrupt(beamr_store *store);

/* Whether start functions are left out when modules are instantiated from now on. Initially
 * they run, as the standard has it. Without them nothing of the guest's runs, for an instance
 * that a snapshot is to be restored into (beamr/snapshot.h): it holds what they did. */
BEAMR_API void beamr_store_skip_starts(beamr_store *store, bool skip);

/* Ask the running call to pause at the same places: it returns to its caller as suspended,
 * without a request (beamr/entry.h), and can go on later, on any thread. Only calls that can
 * wait do this: below one that cannot, the one around it pauses once that has ended. Without a
 * running call, the next one pauses. May be called from any thread and from a signal handler.
 */
BEAMR_API void beamr_store_pause(beamr_store *store);
/* Take back a request to pause that has not been seen. */
BEAMR_API void beamr_store_clear_pause(beamr_store *store);
/* Give the store a deadline, in place of the one set before. Once it has passed, the running
 * call ends with the trap DEADLINE at its next loop, call or mebibyte of a bulk operation, and
 * so does every later one, until the deadline is set anew or cleared. The store stays usable. A
 * guest cannot catch the trap; a host function that ignores it only gets to its guest's next
 * loop or call.
 *   ns  nanoseconds from now, of a clock that nobody sets; 0: it has passed already
 * May be called from any thread, also by host functions, but not from a signal handler, and not
 * in the child of a fork, where deadlines do not pass. The first starts a thread, one for each
 * engine, which ends when the engine goes.
 * Errors: BEAMR_NO_MEMORY, also when there can be no thread; nothing has changed then. */
BEAMR_API beamr_status beamr_store_set_deadline(beamr_store *store, uint64_t ns,
                                                beamr_error *err);
/* Take the deadline back, also when it has passed. Accepts a store that has none. May be called
 * as beamr_store_set_deadline. */
BEAMR_API void beamr_store_clear_deadline(beamr_store *store);

/* Fuel, for engines with metering: units left (initially UINT64_MAX), read and set between
 * calls or in host functions. A call that runs out traps with OUT_OF_FUEL,
 * and 0 are left. What active segments hold is charged when a module is instantiated. */
BEAMR_API uint64_t beamr_store_fuel(const beamr_store *store);
BEAMR_API void beamr_store_set_fuel(beamr_store *store, uint64_t units);
/* Units used by all that has run in the store: the difference tells what a call has cost. */
BEAMR_API uint64_t beamr_store_fuel_used(const beamr_store *store);

/* What a host function calls that does much for a guest, before each mebibyte or so that it
 * touches: charges `bytes` as a bulk operation of the guest would, and sees whether the store
 * was asked to stop.
 * Errors: BEAMR_TRAP with OUT_OF_FUEL, INTERRUPTED or DEADLINE, which it passes on. */
BEAMR_API beamr_status beamr_store_work(beamr_store *store, uint64_t bytes, beamr_error *err);

/* The engine that it was made with; borrowed. */
BEAMR_API beamr_engine *beamr_store_engine(const beamr_store *store);

/* The embedder's pointer; NULL at first. */
BEAMR_API void beamr_store_set_data(beamr_store *store, void *data);
BEAMR_API void *beamr_store_data(const beamr_store *store);

#ifdef __cplusplus
}
#endif
#endif
