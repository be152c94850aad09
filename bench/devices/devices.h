/* What the files of this program share: the context, states, rows and where they come from.
 * Every row's function does one thing `n` times and says how long it took; repeating, medians
 * and printing are in devices.c. */
#ifndef BENCH_DEVICES_H
#define BENCH_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "beamr/ao.h"
#include "report.h"

enum { SMALL = 0, LARGE = 1, SIZES = 2 }; /* memories of 12 and 256 MiB */

typedef struct bench {
    ao_context *context;
    const char *lua; /* a file with an AO process; NULL for none */
    bool is_quick;   /* nothing large */
    bool has_no_hashpaths;
    ao_message *wasm; /* the newest states: fac */
    ao_message *stack;
    ao_message *imports; /* a device at stdlib/my_lib */
    ao_message *direct;  /* the node's own WASI */
    ao_message *process; /* the Lua process; NULL until it is asked for */
    ao_message *native;  /* the same in native code */
    bool has_compiler;
    ao_message *large[SIZES];
} bench;

typedef struct row {
    const char *name;
    double (*run)(bench *b, int which, uint64_t n); /* returns nanoseconds */
    int which;
    const char *beside; /* name of what it stands beside; NULL for none */
    const char *minus;  /* name of what is subtracted: the caller's part; NULL for none */
    double goal_ns;     /* 0: none; beyond `beside` if is_beyond */
    bool is_beyond;
    uint64_t at_most;                                  /* repetitions; 0: any */
    const char *(*missing)(const bench *b, int which); /* why it is left out, or NULL */
} row;

double now_ns(void); /* of this thread's processor time */

/* ---- messages.c ---- */

/* A context that allows native code to those that ask for it. */
void context_open(bench *b);
/* A message out of JSON, with an image unless it has no bytes. */
ao_message *json_message(bench *b, const char *json, beamr_bytes image);
/* Resolve a path or a request, given back, on a message; the result must be ok. */
ao_value resolve(bench *b, const ao_message *base, ao_value request);
/* The same where the result is the next state, in place of the old one. */
void advance(bench *b, ao_message **state, ao_value request);
/* {path: compute, function, parameters: [parameter]} */
ao_value call_of(const char *function, ao_value parameter);
/* results/output/1 of a state must be this number. */
void expect(const ao_message *state, double number);

/* ---- guests.c ---- */

beamr_bytes guest_fac(void);    /* fac(f64) f64 */
beamr_bytes guest_calls(void);  /* mul, clock: as many imports as they are told */
beamr_bytes guest_memory(void); /* fill: so many pages; touch: change a word */

/* ---- calls.c ---- */

void calls_open(bench *b);
void calls_close(bench *b);
double run_raw(bench *b, int which, uint64_t n);
double run_wasm(bench *b, int which, uint64_t n);
double run_make_requests(bench *b, int which, uint64_t n);
double run_new_requests(bench *b, int which, uint64_t n);
double run_bare(bench *b, int which, uint64_t n);
double run_stack(bench *b, int which, uint64_t n);
double run_stack_missing(bench *b, int which, uint64_t n);
double run_missing(bench *b, int which, uint64_t n);
double run_import(bench *b, int which, uint64_t n);
double run_direct(bench *b, int which, uint64_t n);

/* ---- state.c: `which` is SMALL or LARGE ---- */

double run_memcpy(bench *b, int which, uint64_t n);
double run_snapshot(bench *b, int which, uint64_t n);
double run_restore(bench *b, int which, uint64_t n);
const char *state_missing(const bench *b, int which);

/* ---- process.c ---- */

enum { EVAL_SUM, EVAL_LOOP, EVAL_PCALLS };
double run_first(bench *b, int which, uint64_t n);
double run_eval(bench *b, int which, uint64_t n);
double run_native(bench *b, int which, uint64_t n); /* compiling is not measured */
const char *process_missing(const bench *b, int which);
const char *native_missing(const bench *b, int which);

#endif
