/* What the files of wasm-64@1.0 share: one job for each call of its keys.
 * wasm.c has the keys, wasm_image.c finds the image, wasm_run.c runs guest code and asks for
 * what it imports, wasm_import.c answers that, wasm_limits.c reads what the message declares.
 */
#ifndef DEVICE_WASM_H
#define DEVICE_WASM_H

#include "device/internal.h"
#include "device/state.h"

typedef struct wasm_job wasm_job;

/* What comes next in a job; ends as a device's function does. */
typedef beamr_status (*wasm_step)(ao_call *call, wasm_job *job, beamr_error *err);

/* Memory of a call. */
struct wasm_job {
    beamr_bytes in, prefix; /* input and output prefix; borrowed from the base */
    bool is_start;          /* the run makes the first instance of an image */
    const char *what;       /* the key, for texts */
    ao_value resolver;      /* the device whose `import` is asked; borrowed; AO_NONE: ours */
    bool traps;             /* option wasm_imports */
    uint64_t timeout_ns, host_fuel;
    uint64_t begun_ns; /* when the run began, if there is a timeout */
    dev_alarm alarm;   /* set while an import waits, if there is a timeout */
    bool has_no_alarm; /* there was no thread for it */
    ao_call *call;
    dev_moment moment;

    dev_image_limits limits;
    dev_image *image;     /* counted */
    ao_value id;          /* of an image that a source is asked for; counted */
    wasm_step with_image; /* once there is an image, compiled if it is to be */
    dev_waiting waiting; /* for that */

    ao_message *state;    /* the base, and as imports left it; counted */
    dev_state *guest;     /* of `state` once that is normalised; borrowed from it */
    dev_run *run;         /* owned */
    ao_value asked;       /* the request of the import that waits; counted */
    ao_value parameters;  /* of compute; counted */
    ao_message *memory;   /* `<p>/state`, bytes, as a snapshot; counted */
    bool is_of_prefix;    /* the snapshot is `<p>/state` */
    uint64_t lost;        /* bytes of output that went nowhere */
    wasm_step ended;      /* once the run has ended, well or in a trap */
    wasm_step normalised; /* once `state` has its guest */
};

/* The job of a call.  Errors: those of the prefixes and options; BEAMR_NO_MEMORY. */
beamr_status wasm_job_begin(ao_call *call, const char *what, wasm_job **out, beamr_error *err);
/* The job of a call that goes on after something was resolved. */
wasm_job *wasm_job_of(ao_call *call);
/* Find out who resolves imports, before one is asked for. */
void wasm_read_resolver(wasm_job *job);
/* How a run is to go; takes the inputs from the job's state. */
beamr_status wasm_options(ao_call *call, wasm_job *job, dev_inputs *inputs,
                          dev_run_options *out, beamr_error *err);
uint64_t wasm_now_ns(void); /* of a clock that nobody sets */
/* Set job->state, which takes the message over. */
void wasm_set_state(wasm_job *job, BEAMR_OWN ao_message *state);
/* Answer with {status, body} of what `err` holds, which is cleared: the caller's fault, or the
 * host's, but for BEAMR_MESSAGE; then with the options that set a limit which was reached. */
beamr_status wasm_answer_error(ao_call *call, const char *what, int http, beamr_error *err);
beamr_status wasm_answer_failure(ao_call *call, const char *what, beamr_status st,
                                 beamr_error *err);
/* What somebody said who did not answer `ok`: a text, or the `body` of a message; borrowed. */
beamr_bytes wasm_text_of(ao_value value);

/* ---- wasm_limits.c ---- */

/* Read `memory-limit`, `compute-limit` and `mode` into job->limits.
 *   text  what is wrong with them; "" when they are fine */
#define WASM_TEXT_SIZE 256
beamr_status wasm_limits_read(ao_call *call, wasm_job *job, char text[WASM_TEXT_SIZE],
                              beamr_error *err);

/* ---- wasm_image.c ---- */

/* Find the image of the base, load it into job->image, compile it if it is to be native, and go
 * on with `then`. */
beamr_status wasm_image_begin(ao_call *call, wasm_job *job, wasm_step then, beamr_error *err);

/* ---- wasm_run.c ---- */

/* Run job->run to its end, through imports that are answered later, then job->ended. */
beamr_status wasm_run_go(ao_call *call, wasm_job *job, beamr_error *err);

/* ---- wasm_import.c ---- */

/* Undefined calls that are kept, those made last. */
#define WASM_UNDEFINED_MAX 64

typedef struct wasm_name {
    beamr_bytes module, func;
} wasm_name;

/* There is somebody who could answer a module's function. */
beamr_status wasm_has_handler(const ao_message *state, beamr_bytes prefix, wasm_name name,
                              bool *out, beamr_error *err);
/* What answers it: the message at PREFIX/stdlib/MODULE with `state`, and the
 * request for it.
 *   request  its keys are passed on
 *   base     AO_NONE when nothing stands there, or the function has no name */
beamr_status wasm_handler(const ao_message *state, beamr_bytes prefix, wasm_name name,
                          const ao_message *request, ao_value *base, ao_value *asked,
                          beamr_error *err);
/* A call of a handler ended with `not_found`. */
bool wasm_is_not_found(const ao_result *result);
/* The module stands for bindings that were never made: a stub for it traps. */
bool wasm_is_placeholder(beamr_bytes module);
/* `state` with one more undefined call.  `request` is what was asked. */
beamr_status wasm_with_undefined(ao_context *context, const ao_message *state,
                                 beamr_bytes prefix, const ao_message *request,
                                 BEAMR_OWN ao_message **out, beamr_error *err);
/* Zeros for the result letters of a signature: `(iI)F` gives [0.0], `(i)` an empty list. One that
 * can't be read gives [0].  AO_NONE: no memory. */
#define WASM_ZEROS_MAX 16
ao_value wasm_zeros(beamr_bytes signature);

beamr_status wasm_import_key(ao_call *call, beamr_error *err); /* `import` */

#endif
