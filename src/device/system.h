/* The system around a guest whose files and descriptors are data in a message: beamr_wasi over
 * the keys `vfs` and `file-descriptors`. WASI@1.0 and emscripten@1.0 are two doors to it.
 *
 * A system belongs to one instance. Before a call it takes in what the message says, after the
 * call it says what changed; between the two the guest uses it directly, unless something else
 * stands at `stdlib/...`: then its imports are answered through messages, by whatever stands
 * there, and if those are our devices they work on this same system. Threads: as its store. */
#ifndef DEVICE_SYSTEM_H
#define DEVICE_SYSTEM_H

#include "ao/context.h"
#include "beamr/beamr.h"

typedef struct dev_system dev_system;

/* What a system takes from a message, and from the request of a call. Kept in the record of a
 * call, so that it can be repeated. */
typedef struct dev_inputs {
    ao_value vfs, descriptors; /* counted; AO_NONE when the message has none */
    bool wasi_direct;     /* the node's own WASI@1.0 stands at stdlib/wasi_snapshot_preview1 */
    bool unstable_direct; /* and at stdlib/wasi_unstable */
    bool env_direct;      /* and its emscripten@1.0 at stdlib/env */
    uint64_t time_ns;     /* since 1970: of the assignment; 0 when it has none */
    bool has_seed;        /* written when random numbers were first asked for */
    uint8_t seed[32];
    uint64_t max_output; /* bytes to streams */
} dev_inputs;

/* Read them; a message without the keys gives none.
 *   prefix  output prefix, without slashes; may be empty */
beamr_status dev_inputs_read(ao_call *call, const ao_message *base, beamr_bytes prefix,
                             dev_inputs *out, beamr_error *err);
void dev_inputs_clear(dev_inputs *inputs);

/* Who can be asked for the seed of random numbers: borrowed during the call. */
typedef struct dev_moment {
    ao_context *context;
    const ao_message *base, *request;
} dev_moment;

beamr_status dev_system_new(BEAMR_OWN dev_system **out, beamr_error *err);
void dev_system_free(dev_system *system);        /* accepts NULL; before its store */
beamr_wasi *dev_system_wasi(dev_system *system); /* borrowed */

/* Begin a call: take in what differs from what the system holds already.
 *   inputs  borrowed until dev_system_leave; its seed is written
 *   moment  NULL when the call is repeated: then the seed is there if it is needed
 * Errors: BEAMR_MESSAGE (a file system or descriptors that can be none: which key),
 * BEAMR_LIMIT, BEAMR_NO_MEMORY; the system may then have been changed in part. */
beamr_status dev_system_enter(dev_system *system, dev_inputs *inputs, const dev_moment *moment,
                              beamr_error *err);
/* During a call: bring a message up to date with what changed since it was read, for an import
 * that is answered through messages.
 *   state  replaced, if something changed */
beamr_status dev_system_show(dev_system *system, BEAMR_OWN ao_message **state,
                             beamr_error *err);
/* Likewise after such an import: take in what `state` says now; `direct` flags of inputs too,
 * but neither time nor seed, which are those of the call.
 *   inputs  not kept
 * Errors: as dev_system_enter. */
beamr_status dev_system_update(dev_system *system, const dev_inputs *inputs, beamr_error *err);
/* Do what a function of WASI or env does when the instance calls it.
 *   args     a list of numbers; NaN and infinities as atoms
 *   results  gets a list; untouched on failure
 * Errors: BEAMR_NOT_FOUND (no such function), BEAMR_ARGUMENT (arguments that do not fit), and
 * as the function itself ends a call, among them BEAMR_TRAP with EXIT. */
beamr_status dev_system_perform(dev_system *system, beamr_instance *instance,
                                beamr_bytes module, beamr_bytes name, ao_value args,
                                BEAMR_OWN ao_value *results, beamr_error *err);
/* The call has ended: as dev_system_show. Its time, its random numbers and an exit are
 * forgotten.
 *   state  NULL: nobody wants to see it */
beamr_status dev_system_leave(dev_system *system, BEAMR_OWN ao_message **state,
                              beamr_error *err);
/* Output was cut in this call: how many bytes went nowhere. */
uint64_t dev_system_lost(const dev_system *system);

/* All of it as bytes, and back; equal systems give equal bytes.
 *   out  to be released with free(); *len is 0 when there is nothing to be saved */
beamr_status dev_system_save(const dev_system *system, BEAMR_OWN uint8_t **out, size_t *len,
                             beamr_error *err);
beamr_status dev_system_load(dev_system *system, beamr_bytes bytes, beamr_error *err);

#endif
