/* States of guests as values.
 *
 * A message stands for a state of its guest, and messages never change; an instance does. A
 * dev_state is the value that a message holds (at priv/PREFIX/instance): how the state came
 * about - from which other one, by which call, with which answers of imports - and, as long as
 * it is the newest of its line, the instance itself. A call on the newest state takes the
 * instance with it to the state that it makes. A call on an older one makes an instance anew,
 * from the nearest state that has a snapshot (or from none, a fresh instance), and repeats the
 * calls since. So two messages that descend from one state never see each other's writes, and a
 * plain sequence of calls costs no copy.
 *
 * What is kept for this: at most STATE_RECORDS calls, STATE_RECORD_BYTES bytes of their
 * parameters and of answers, and STATE_REPEAT_NS of their time; then the state gets a snapshot,
 * and what came before is dropped with the messages that hold it.
 *
 * What a trap does: what the guest wrote before it trapped stays, in its memory and its files,
 * as WebAssembly has it; the state that the call makes is the one that the trap left. A call
 * that the host ended (a deadline, its own limits, no memory) makes no state at all.
 *
 * Threads: any; calls on one state may run at the same time, each of them on an instance of its
 * own. A run belongs to one thread at a time. */
#ifndef DEVICE_STATE_H
#define DEVICE_STATE_H

#include "device/system.h"
#include "device/world.h"

#define STATE_RECORDS 4096
#define STATE_RECORD_BYTES ((size_t)4 << 20)
#define STATE_REPEAT_NS UINT64_C(1000000000)

typedef struct dev_state dev_state;

dev_state *dev_state_ref(dev_state *state);
void dev_state_unref(dev_state *state); /* accepts NULL */
/* As the value of a message's private key; takes over a count.  AO_NONE: no memory. */
ao_value dev_state_value(BEAMR_OWN dev_state *state);
/* The state at priv/PREFIX/instance; borrowed; NULL when there is none.
 *   prefix  may be empty */
dev_state *dev_state_of(const ao_message *message, beamr_bytes prefix);
/* `message` with it, and with `write`, `read` and `import-resolver` beside it if they are not
 * there yet. */
beamr_status dev_state_put(const ao_message *message, beamr_bytes prefix, dev_state *state,
                           BEAMR_OWN ao_message **out, beamr_error *err);
/* Borrowed. */
dev_image *dev_state_image(const dev_state *state);
/* Give its instance up; the state can still be computed on. */
void dev_state_rest(dev_state *state);

/* ---- Runs: one call that makes a new state ---- */

typedef struct dev_run dev_run;

typedef struct dev_run_options {
    dev_inputs *inputs;       /* taken over: cleared by the run, also when it could not begin */
    const dev_moment *moment; /* borrowed until the run is freed */
    uint64_t timeout_ns;      /* of the whole call; 0: no limit */
    uint64_t host_fuel;       /* the node's; 0: no limit */
} dev_run_options;

/* Make an instance of an image, with its start function, `_initialize` or `__wasm_call_ctors`
 * (`_start` is never called).  A run that has begun must go on with dev_run_go. */
beamr_status dev_run_init(dev_image *image, const dev_run_options *options,
                          BEAMR_OWN dev_run **out, beamr_error *err);
/* Call an exported function.
 *   parameters  a list; counted. Integers, floats, and what is copied into the guest: binaries
 *               (text, with a NUL behind), atoms as text, messages and lists as JSON text
 * Errors: BEAMR_NOT_FOUND (no such function), BEAMR_ARGUMENT (parameters that do not fit:
 * which), BEAMR_BUSY (the state is that of a call that has not ended); and of making an
 * instance anew. The state stays as it was. */
beamr_status dev_run_call(dev_state *from, beamr_bytes function, ao_value parameters,
                          const dev_run_options *options, BEAMR_OWN dev_run **out,
                          beamr_error *err);

/* Go on.
 * Returns BEAMR_OK: it has ended, well or in a trap, see dev_run_ended; BEAMR_SUSPENDED: an
 * import waits for an answer, see dev_run_import. Any other is a failure of the host (a
 * deadline, its limits, no memory), after which the run can only be freed. */
beamr_status dev_run_go(dev_run *run, beamr_error *err);

/* An import that waits; borrowed until it is answered. */
typedef struct dev_import {
    beamr_bytes module, name;
    ao_value args;       /* a list of numbers; counted by the run */
    char signature[256]; /* "(iI)i"; "(...)" when it does not fit */
    const beamr_functype *type;
} dev_import;
void dev_run_import(const dev_run *run, dev_import *out);

/* Answer it, and then dev_run_go.
 *   results  a list of numbers, as many as declared, or one more value than declared if that is
 *            none (old devices answer [0] to all); borrowed. AO_NONE: a zero of each type, or null
 *   inputs   what the state says now; taken over; NULL: nothing has changed
 * Errors: BEAMR_ARGUMENT (results that do not fit: which); nothing is answered then.
 * Threads: who is at work in the instance meanwhile, on another thread, is waited for; who
 * comes later finds it busy. So with dev_run_refuse and dev_run_free. */
beamr_status dev_run_answer(dev_run *run, ao_value results, dev_inputs *inputs,
                            beamr_error *err);
/* Answer it with a trap. */
beamr_status dev_run_refuse(dev_run *run, const char *text, beamr_error *err);
/* As dev_system_show on its system, while an import waits and others may be at work in it.
 * Errors: BEAMR_ARGUMENT (none waits); of dev_system_show. */
beamr_status dev_run_show(dev_run *run, ao_message **message, beamr_error *err);

/* Perform a function of the guest's own system, as WASI@1.0 and emscripten@1.0 do when they are
 * asked through messages: take in what the message says, perform, show what changed. It is part
 * of the record, and repeated with it. If it traps, the guest traps likewise, whatever answers
 * the import then.
 *   inputs   of the message; taken over, and cleared
 *   args     a list of numbers
 *   results  a list of numbers; untouched on failure
 *   message  replaced, if something changed
 * Errors: BEAMR_ARGUMENT (no import of the state's call is being answered), BEAMR_BUSY;
 * BEAMR_TRAP; as dev_system_update and dev_system_perform. */
beamr_status dev_state_perform(dev_state *state, dev_inputs *inputs, beamr_bytes module,
                               beamr_bytes name, ao_value args, BEAMR_OWN ao_value *results,
                               BEAMR_OWN ao_message **message, beamr_error *err);

/* How it ended: `results` is a list of numbers (NaN and infinities as atoms `nan`,
 * `infinity`, `neg_infinity`, vectors and references as text), or, if is_trap, the text of what
 * went wrong, with the guest's own words and the first frames. Borrowed. */
typedef struct dev_end {
    bool is_trap;
    ao_value value;
} dev_end;
void dev_run_ended(const dev_run *run, dev_end *out);
/* The state that the call makes; borrowed. While it runs, memory can be read and written by
 * ao_guest_*, and other calls on it are BEAMR_BUSY. */
dev_state *dev_run_state(const dev_run *run);
/* The system of its instance; borrowed; valid until dev_run_free. */
dev_system *dev_run_system(const dev_run *run);
/* A call that has ended: its state can now be computed on, by whoever is given it. Of one that
 * has not, or that failed, there is no state: it is cancelled. Before this dev_system_leave
 * must have been called. Accepts NULL. */
void dev_run_free(dev_run *run);

/* ---- Texts in guest memory, for json-iface@1.0 ---- */

/* A new state in which texts, each with a NUL behind, stand in the guest's memory. Text i goes
 * into buffer i of the state, which is used again for the next text i if it is large enough, or
 * freed if the guest has `free`.
 *   pointers  gets `count` addresses
 * Errors: BEAMR_NOT_FOUND (no malloc), BEAMR_LIMIT (malloc has no room), BEAMR_TRAP, BEAMR_BUSY,
 * BEAMR_NO_MEMORY (the host's). */
#define STATE_BUFFERS 8
beamr_status dev_state_write(dev_state *from, const dev_run_options *options,
                             const beamr_bytes *texts, size_t count, uint64_t *pointers,
                             BEAMR_OWN dev_state **out, beamr_error *err);

/* ---- Snapshots ---- */

/* The state as a message:
 *   body          the bytes of linear memory (of memory 0); absent without a memory
 *   format        "beamr-1"
 *   state         the engine's snapshot, but for the contents of memory 0
 *   system        files, descriptors and the rest of the system, if there is something
 *   buffers       as dev_state_write keeps them, if there are any
 * Equal states give equal messages. The state keeps it, so that it need not be repeated. */
beamr_status dev_state_snapshot(dev_state *state, BEAMR_OWN ao_message **out, beamr_error *err);
/* The state of a snapshot, in a fresh instance of an image.
 *   snapshot  as above, or with `body` alone: that becomes the content of memory 0, which grows
 *             to it and is zero behind it, in an instance as dev_run_init makes one
 * Errors: BEAMR_SNAPSHOT (damaged, cut off, of another module: what), BEAMR_LIMIT; those of
 * making an instance. */
beamr_status dev_state_restore(dev_image *image, const ao_message *snapshot,
                               const dev_run_options *options, BEAMR_OWN dev_state **out,
                               beamr_error *err);

#endif
