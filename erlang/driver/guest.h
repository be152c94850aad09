/* One instance and its store: what a port does with the engine. No threads, no locks, nothing
 * of the emulator's: who calls owns the guest at that moment (port.c sees to it).
 *
 * Bringing up, and each call, go in steps: a step ends in BEAMR_OK or an error, or in
 * BEAMR_SUSPENDED, when it was asked to pause (drv_guest_pause) or waits for an import. */
#ifndef DRIVER_GUEST_H
#define DRIVER_GUEST_H

#include "beamr/entry.h"
#include "beamr/guest.h"
#include "beamr/snapshot.h"
#include "driver/convert.h"

/* What becomes of imports. Memories, tables and tags are made as they are declared, always. */
typedef enum drv_stubs {
    DRV_STUBS_HOST,  /* functions are asked of the caller; a global refuses the module, named */
    DRV_STUBS_ZEROS, /* functions give zeros and nulls, and globals are that */
    DRV_STUBS_TRAP,  /* functions trap, named; globals as HOST */
} drv_stubs;

typedef struct drv_options {
    uint64_t max_memory; /* bytes of all memories that the guest may have, whole pages of 64
                            KiB; of several memories its tables are counted as well. 0: the
                            engine's default */
    uint64_t fuel;       /* of each call from outside; 0: not counted */
    uint64_t time_ms;    /* of each call, waiting included; 0: no limit */
    drv_stubs stubs;
    bool has_system; /* WASI and Emscripten's env are the library's, not the caller's: an
                        empty file system, no input, output that goes nowhere, clocks that
                        begin at 0 and advance by what the guest sleeps, random numbers
                        from a fixed seed. So a guest computes the same everywhere */
} drv_options;

typedef struct drv_guest drv_guest;

/* Make the store and the system, without linking or running anything. Takes a reference of the
 * module.
 *   engine  the module's
 * Errors: BEAMR_NO_MEMORY. */
beamr_status drv_guest_new(beamr_engine *engine, beamr_module *module,
                           const drv_options *options, BEAMR_OWN drv_guest **out,
                           beamr_error *err);
/* Calls that wait are cancelled; their objects are to be freed before. Accepts NULL; may take
 * milliseconds. */
void drv_guest_free(drv_guest *guest);

/* Bring up: link, start function, then `_initialize` or else `__wasm_call_ctors` if it takes
 * and gives nothing; never `_start`. What belongs to the language - invoke_*, exceptions - is
 * always the library's. Imports that are called meanwhile are answered as drv_options.stubs
 * says, by HOST with zeros. Call until it is not BEAMR_SUSPENDED (which is always a pause). The
 * first step copies the module's data, and may take long without pausing. Errors:
 * BEAMR_UNLINKABLE (an import that cannot be, with kind, names and type), BEAMR_LIMIT (larger
 * than the options allow), BEAMR_TRAP, BEAMR_EXCEPTION, BEAMR_NO_MEMORY. A guest that was not
 * brought up is only good for drv_guest_free: all else fails with a text. */
beamr_status drv_guest_start(drv_guest *guest, beamr_error *err);

/* Whether a request to pause is seen soon in all that the module can do. It is not within
 * functions of the system's that the library does itself, nor in destructors of C++ exceptions,
 * nor in the first call of a large function, which is translated then: 20 us for each KiB.
 * (And, with all modules, not in a guest's allocator: drv_args.has_copied.) */
bool drv_guest_is_quick(const drv_guest *guest);
/* Bytes of the module's largest function, if the caller knows: drv_world_largest. */
#define DRV_QUICK_FUNCTION ((size_t)32 << 10)
void drv_guest_expect(drv_guest *guest, size_t largest_function);

/* The running step, from any thread: pause it, or end it with the trap INTERRUPTED. If none is
 * running, the next one. */
void drv_guest_pause(drv_guest *guest);
void drv_guest_interrupt(drv_guest *guest);
/* Take both back, when a step is over. */
void drv_guest_settle(drv_guest *guest);

/* ---- Calls ---- */

typedef struct drv_call drv_call;

/* Which function: an export's name, or an element of the table `__indirect_function_table`, or
 * of the only table. */
typedef struct drv_target {
    bool is_index;
    uint64_t index;
    beamr_bytes name;
} drv_target;

/* Begin a call, on top of those that wait. The first of all is given the fuel.
 *   args  borrowed during the call
 *   out   written when it returns BEAMR_OK or BEAMR_SUSPENDED; to be freed with drv_call_free
 * Errors: BEAMR_NOT_FOUND ("Function not found: NAME"; an element that is null, out of range),
 * BEAMR_ARGUMENT (count or range of arguments), BEAMR_TRAP, BEAMR_EXCEPTION (explained),
 * BEAMR_NO_MEMORY. */
beamr_status drv_call_begin(drv_guest *guest, const drv_target *target, const drv_args *args,
                            BEAMR_OWN drv_call **out, beamr_error *err);

/* Does it wait for an import (otherwise it was paused, or has ended)?
 *   request  borrowed until it goes on
 *   args     likewise; request->type.param_count of them */
bool drv_call_request(drv_call *call, beamr_request *request, const beamr_value **args);

/* Go on with the innermost call.
 *   answer  NULL after a pause. With results that do not fit, the guest traps and says so
 * Errors: BEAMR_SUSPENDED, BEAMR_TRAP, BEAMR_EXCEPTION (explained), BEAMR_NO_MEMORY.
 * BEAMR_BUSY: it is not the innermost; nothing has changed. */
beamr_status drv_call_resume(drv_call *call, const beamr_answer *answer, beamr_error *err);

/* Of a call that ended in BEAMR_OK; borrowed until it is freed. */
/* Text or JSON was copied into the guest for it: its allocator runs at the end, too. */
bool drv_call_has_copied(const drv_call *call);
const beamr_value *drv_call_results(const drv_call *call, size_t *count);
/* Frees it; one that waits is cancelled with all that were begun after it (whose objects are
 * to be freed first). */
void drv_call_free(drv_call *call);

/* ---- Memory and state: memory 0 ---- */

/* Errors of these: BEAMR_TRAP MEMORY_OUT_OF_BOUNDS ("Read request out of bounds", "Write
 * request out of bounds" and where), BEAMR_NOT_FOUND (the module has no memory). */
beamr_status drv_guest_size(const drv_guest *guest, uint64_t *out, beamr_error *err);
/* Bytes of each memory.  Returns false when there is none of this number. */
bool drv_guest_memory_size(const drv_guest *guest, size_t number, uint64_t *out);
/* Borrowed until guest code runs or the memory is written. No bytes can be had anywhere up to
 * and including the end. */
beamr_status drv_guest_view(const drv_guest *guest, uint64_t offset, uint64_t size,
                            beamr_bytes *out, beamr_error *err);
beamr_status drv_guest_write(drv_guest *guest, uint64_t offset, beamr_bytes bytes,
                             beamr_error *err);
/* The text at an address, without its NUL; borrowed likewise. Takes as long as the text is.
 * Errors: also BEAMR_LIMIT (longer than max). */
beamr_status drv_guest_text(const drv_guest *guest, uint64_t offset, uint64_t max,
                            beamr_bytes *out, beamr_error *err);
/* Make this the whole memory: it grows, or is zero behind it.
 * Errors: BEAMR_LIMIT (more than it may have), BEAMR_NO_MEMORY, BEAMR_NOT_FOUND. */
beamr_status drv_guest_set_memory(drv_guest *guest, beamr_bytes bytes, beamr_error *err);

/* The complete state, the system's in a section of its own, DRV_SECTION_SYSTEM. Into a binary
 * of the caller's: its size is asked for first, with `sink` getting `total`. Errors: as
 * beamr_snapshot_write; BEAMR_BUSY while calls wait. */
#define DRV_SECTION_SYSTEM BEAMR_SNAPSHOT_EMBEDDER
beamr_status drv_guest_snapshot(drv_guest *guest, beamr_snapshot_sink sink, void *user,
                                beamr_error *err);
/* All or nothing. If memory is gone even for what was there before, the guest cannot be used
 * any more, and says so. A snapshot without the section leaves the system as it was at first.
 * Errors: as beamr_snapshot_restore and beamr_wasi_load; BEAMR_BUSY while calls wait. */
beamr_status drv_guest_restore(drv_guest *guest, beamr_bytes bytes, beamr_error *err);

beamr_module *drv_guest_module(const drv_guest *guest); /* borrowed */
uint64_t drv_guest_fuel_used(const drv_guest *guest);   /* by all that ran; 0 if not counted */

#endif
