/* What the files about states of guests share; the mechanism is described in
 * docs/internals/states.md.
 *
 *   state.c           states as counted objects, and which instance is whose
 *   state_guest.c     an instance with its system: making one, giving it up
 *   state_log.c       what imports did in a call, as bytes
 *   state_repeat.c    instances anew, by repetition
 *   state_snapshot.c  states as messages
 *   state_write.c     texts in guest memory
 *   run.c             calls that make new states
 *   run_call.c        one call in an instance, run or repeated
 *   run_values.c      parameters and results
 *   run_json.c        messages as JSON text, for parameters
 *   guest.c           beamr/ao/guest.h */
#ifndef DEVICE_STATE_INTERNAL_H
#define DEVICE_STATE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "device/internal.h"
#include "device/state.h"

/* ---- Instances: state_guest.c ---- */

typedef struct state_guest {
    beamr_store *store;
    beamr_instance *instance; /* NULL before the image is instantiated */
    dev_system *system;
} state_guest;

/* Guest code runs on this thread from now on, and ends when the resolution that does it is
 * cancelled; no more: the store is as if nobody had cancelled. Accepts one that has ended. */
void state_watch_begin(ao_stop *stop, const state_guest *guest);
void state_watch_end(ao_stop *stop, const state_guest *guest);

/* A store with a system; the image is not instantiated. */
beamr_status state_guest_new(dev_image *image, BEAMR_OWN state_guest **out, beamr_error *err);
void state_guest_free(state_guest *guest); /* accepts NULL */
/* Give a call its deadline and fuel: the host's, if that is less than the message's, without what
 * has been used for the call already.
 *   before                 the state that it is made on; NULL for none
 *   timeout_ns, host_fuel  0: none of the host's */
beamr_status state_guest_limit(state_guest *guest, const dev_image *image,
                               const dev_state *before, uint64_t timeout_ns, uint64_t host_fuel,
                               beamr_error *err);
/* Instantiate, as beamr_guest_begin: BEAMR_SUSPENDED when the start function waits. */
beamr_status state_guest_begin(state_guest *guest, dev_image *image, beamr_entry *entry,
                               beamr_error *err);
/* An exported function that takes and gives nothing, or NULL: what brings the language up. */
beamr_func *state_guest_initializer(const state_guest *guest);
/* NULL when there is none. */
beamr_memory *state_guest_memory(const state_guest *guest);
/* Addresses have 8 bytes. */
bool state_module_is64(const beamr_module *module);

/* Allocate with the guest's malloc.
 *   addr  0 with BEAMR_NO_MEMORY if it is the guest that has none; otherwise untouched
 * Errors: as ao_guest_allocate. */
beamr_status state_guest_malloc(state_guest *guest, uint64_t size, uint64_t *addr,
                                beamr_error *err);
/* Free, if the guest can. */
beamr_status state_guest_release(state_guest *guest, uint64_t addr, beamr_error *err);
/* Put bytes and a NUL into memory that malloc gives. */
beamr_status state_guest_put_text(state_guest *guest, beamr_bytes bytes, uint64_t *addr,
                                  beamr_error *err);

/* What its export last_error, which takes nothing, says: UTF-8 of at most size - 1 bytes.
 *   text  empty when it has none, says nothing, or could not say it
 * Returns BEAMR_OK also without it; otherwise how the call of it, or reading, failed. */
beamr_status state_guest_last_error(state_guest *guest, char *text, size_t size,
                                    beamr_error *err);

/* The host ended it: a deadline, an interrupt, no memory. What the guest did until then can't
 * be repeated. */
bool state_is_host_failure(beamr_status st, const beamr_error *err);

/* ---- What imports did: state_log.c ---- */

/* What happened while the imports of one call were answered, in order. */
typedef struct state_log {
    uint8_t *data;
    size_t len, capacity;
    bool is_lost; /* longer than STATE_RECORD_BYTES, or no memory: what was in it is gone */
} state_log;

typedef enum state_op {
    STATE_OP_REQUEST,  /* an import waits: a digest of its names and arguments */
    STATE_OP_WRITE,    /* ao_guest_write */
    STATE_OP_ALLOCATE, /* ao_guest_allocate */
    STATE_OP_PERFORM,  /* dev_state_perform */
    STATE_OP_UPDATE,   /* the system took in what the state said */
    STATE_OP_ANSWER,   /* and the import was answered, */
    STATE_OP_REFUSE,   /* or refused */
} state_op;

/* One of them. */
typedef struct state_entry {
    state_op op;
    uint64_t number;     /* REQUEST: digest; WRITE: address; ALLOCATE: the address it gave;
                            PERFORM, UPDATE: index in record.updates */
    beamr_status status; /* ALLOCATE, PERFORM, UPDATE: how it ended */
    beamr_bytes bytes;   /* WRITE, ALLOCATE: the bytes; PERFORM: the module; REFUSE: the text */
    beamr_bytes name;    /* PERFORM: the function */
    beamr_bytes values;  /* ANSWER: results; see state_values_of */
} state_entry;

/* From here on the call can't be repeated: nothing of it need be kept. */
void state_log_lose(state_log *log);
void state_log_add(state_log *log, const state_entry *entry);
/* The entry at *at, which then is where the next one stands; false at the end. */
bool state_log_next(const state_log *log, size_t *at, state_entry *out);
void state_log_clear(state_log *log);
/* Values as the log has them: numbers of 9 bytes. */
beamr_bytes state_values_bytes(const beamr_value *values, size_t count);
size_t state_values_count(beamr_bytes bytes);
/* values  borrowed from the bytes */
const beamr_value *state_values_of(beamr_bytes bytes);
uint64_t state_digest(uint64_t digest, const void *data, size_t len);
uint64_t state_digest_values(uint64_t digest, const beamr_value *values, size_t count);

/* ---- Records ---- */

typedef enum state_origin {
    STATE_RESTORED, /* from its snapshot */
    STATE_INIT,     /* an image was instantiated */
    STATE_CALL,     /* a function was called */
    STATE_WRITTEN,  /* texts were put into memory */
} state_origin;

typedef struct state_update {
    dev_inputs inputs;
    ao_value args; /* PERFORM: a list */
} state_update;

/* How a state came about. */
typedef struct state_record {
    state_origin origin;
    beamr_bytes function;   /* CALL; borrowed from the module */
    ao_value parameters;    /* CALL: a list; WRITTEN: a list of texts */
    dev_inputs inputs;      /* at the beginning */
    state_update **updates; /* what the system took in later */
    size_t update_count, update_room;
    size_t update_bytes; /* that they take, without what each shares with the one before */
    state_log log;
    uint64_t end; /* digest of how it ended */
    uint64_t ns;  /* that it took */
    uint64_t fuel; /* WRITTEN: likewise; the call that reads the texts has so much less */
} state_record;

void state_record_clear(state_record *record);
/* What it takes, without what it shares with the one before; NULL for none. */
size_t state_record_bytes(const state_record *record, const state_record *before);
/* Keep what the system takes in; `inputs` is cleared. More than STATE_RECORD_BYTES of it are
 * not kept: the log is lost, and with the next update those before it.
 * Returns where it is kept; NULL when memory is gone. */
state_update *state_record_update(state_record *record, dev_inputs *inputs);

/* ---- One call in an instance: run_call.c ---- */

enum { STATE_VALUES = 8, STATE_WORDS = 1024 /* room for what a guest says of a trap */ };

/* What begins and goes on, whether it is run for the first time or repeated. */
typedef struct state_call {
    state_guest *guest; /* borrowed */
    dev_image *image;   /* borrowed */
    const state_record *record;
    bool is_initializing;  /* INIT: the start function has ended */
    beamr_args_call *args; /* a call with texts */
    beamr_entry entry;     /* one that waits, if it is not that */
    beamr_value *results;
    size_t result_count;
    beamr_value few[STATE_VALUES]; /* for results, if they fit */
    bool is_host_fuel;             /* what the fuel is bounded by is the node's */
    char *words;                   /* what the guest said of its trap, or NULL */
} state_call;

/* Begin, or go on.
 * Returns BEAMR_OK (its results are there), BEAMR_SUSPENDED (an import waits), or how it
 * failed: BEAMR_TRAP, BEAMR_EXCEPTION, with a text that says what was thrown, and after these
 * with the guest's words, for which its code has run; others. */
beamr_status state_call_begin(state_call *call, state_guest *guest, dev_image *image,
                              const state_record *record, beamr_error *err);
beamr_status state_call_resume(state_call *call, const beamr_answer *answer, beamr_error *err);
/* What it gave when it ended in BEAMR_OK; borrowed. */
const beamr_value *state_call_results(const state_call *call, size_t *count);
/* The entry that waits; 0 for none. */
beamr_entry state_call_entry(const state_call *call);
void state_call_clear(state_call *call); /* before its instance goes */
/* How it ended, as a number that is equal for equal ends. */
uint64_t state_call_digest(const state_call *call, beamr_status st, const beamr_error *err);
/* What waits. */
beamr_status state_call_request(const state_call *call, beamr_request *out, beamr_value *args,
                                size_t room, beamr_error *err);
uint64_t state_request_digest(const beamr_request *request, const beamr_value *args);

/* ---- Values: run_values.c, run_json.c; single numbers: device/internal.h ---- */

/* Parameters of a call as they are recorded: a list in which messages and lists have become
 * JSON text; checked against the function's type as far as that can be done without the guest.
 * Errors: BEAMR_ARGUMENT (which), BEAMR_LIMIT, BEAMR_NO_MEMORY; of loading links. */
beamr_status run_parameters(const beamr_module *module, const beamr_functype *type,
                            ao_value parameters, BEAMR_OWN ao_value *out, beamr_error *err);
/* All of them are numbers. */
bool run_are_numbers(ao_value parameters, const beamr_functype *type);
/* Arguments for beamr_args_begin; `args` has room for all. */
void run_args(ao_value parameters, const beamr_functype *type, beamr_arg *args);
/* Values of a guest as a list. */
ao_value run_list(const beamr_value *values, size_t count);
/* "(iI)i" */
void run_signature(const beamr_functype *type, char *out, size_t size);
/* The text of a failed call: what went wrong, what the guest says of it (NULL: nothing), and
 * where. */
ao_value run_failure(const beamr_error *err, const char *words);

/* A message or a list as JSON text: a binary.  Errors: of loading links; BEAMR_NO_MEMORY. */
beamr_status run_json(ao_value value, BEAMR_OWN ao_value *out, beamr_error *err);

/* ---- States: state.c ---- */

typedef enum state_phase {
    STATE_AT_REST,
    STATE_RUNNING, /* the guest's code runs */
    STATE_WAITING, /* one of its imports is being answered */
    STATE_DEAD,    /* its call was cancelled, or failed */
} state_phase;

/* Where texts stand that were put into memory, and how much room there is. */
typedef struct state_buffer {
    uint64_t addr, room; /* room 0: none */
} state_buffer;

struct dev_state {
    _Atomic size_t count;
    dev_image *image;
    state_record record;
    state_buffer *buffers; /* STATE_BUFFERS of them, or NULL */
    /* Of the calls that are to be repeated for it, if nothing comes between: */
    size_t calls, bytes;
    uint64_t ns;
    bool is_whole; /* all calls up to it are recorded in full: it can be made anew */

    pthread_mutex_t lock; /* of the following */
    state_phase phase;
    state_guest *guest; /* NULL when it has none */
    dev_state *parent;  /* counted; NULL when it has none, or a snapshot */
    ao_message *saved;  /* its snapshot, or NULL */
    dev_run *run;       /* that makes it, while it runs or waits; borrowed */
    dev_idle idle;
};

/* A state that a call makes of another one (NULL: of none). */
beamr_status state_new(dev_image *image, dev_state *from, state_origin origin,
                       BEAMR_OWN dev_state **out, beamr_error *err);
/* Take the instance out of a state: the one that it has, or one made anew.
 * Errors: BEAMR_BUSY; of making it anew. */
beamr_status state_take(dev_state *state, BEAMR_OWN state_guest **out, beamr_error *err);
/* Put it back; given up if it has one again. */
void state_give(dev_state *state, BEAMR_OWN state_guest *guest);
/* As state_take, for a call on the state: before what is to be repeated becomes too much, the
 * state gets a snapshot. */
beamr_status state_take_for_call(dev_state *state, BEAMR_OWN state_guest **out,
                                 beamr_error *err);
/* A state has come about: its instance is at rest. */
void state_settle(dev_state *state);
/* It has not. */
void state_kill(dev_state *state);
/* The snapshot, borrowed; NULL when there is none. */
ao_message *state_saved(dev_state *state);

/* ---- Repetition: state_repeat.c ---- */

beamr_status state_rebuild(dev_state *state, BEAMR_OWN state_guest **out, beamr_error *err);

/* ---- Snapshots: state_snapshot.c ---- */

/* The snapshot of an instance that stands in this state. */
beamr_status state_save(const dev_state *state, state_guest *guest, BEAMR_OWN ao_message **out,
                        beamr_error *err);
/* An instance in the state of a snapshot that has `state`. */
beamr_status state_load(dev_image *image, const ao_message *saved, BEAMR_OWN state_guest **out,
                        beamr_error *err);
/* Keep a snapshot, and let go of what it makes needless. */
void state_keep(dev_state *state, BEAMR_OWN ao_message *saved);

/* ---- Writing: state_write.c ---- */

/* Put the texts of a state's record into an instance; `buffers` becomes what it is afterwards.
 *   options  NULL: it is repeated */
beamr_status state_write_texts(const dev_state *state, state_guest *guest,
                               state_buffer *buffers, const dev_run_options *options,
                               beamr_error *err);

/* ---- Imports being answered: run.c ---- */

/* Take the instance of a state that waits for an import, to do something in it.
 * Errors: BEAMR_ARGUMENT (it does not wait), BEAMR_BUSY (it runs). */
beamr_status run_borrow(dev_state *state, state_guest **guest, beamr_error *err);
/* It is done: note it in the record of the call. A failure of the host in it, such as a
 * deadline in the guest's malloc, ends the call.
 *   entry    NULL: nothing happened
 *   is_host  the host failed
 *   err      how it failed, if entry->status says so */
void run_return(dev_state *state, const state_entry *entry, bool is_host,
                const beamr_error *err);

#endif
