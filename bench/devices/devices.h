/* What the files of this program share: the context, states, and where rows come from
 * (rows.h). */
#ifndef BENCH_DEVICES_H
#define BENCH_DEVICES_H

#include <stdbool.h>
#include <stdint.h>

#include "beamr/ao.h"
#include "report.h"
#include "rows.h"

enum { SMALL = 0, LARGE = 1, SIZES = 2 }; /* memories of 12 and 256 MiB */

struct bench {
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
};

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
double run_raw(bench *b, const bench_row *row, uint64_t n);
double run_wasm(bench *b, const bench_row *row, uint64_t n);
double run_make_requests(bench *b, const bench_row *row, uint64_t n);
double run_new_requests(bench *b, const bench_row *row, uint64_t n);
double run_bare(bench *b, const bench_row *row, uint64_t n);
double run_stack(bench *b, const bench_row *row, uint64_t n);
double run_stack_missing(bench *b, const bench_row *row, uint64_t n);
double run_missing(bench *b, const bench_row *row, uint64_t n);
double run_import(bench *b, const bench_row *row, uint64_t n);
double run_direct(bench *b, const bench_row *row, uint64_t n);

/* ---- state.c: `which` is SMALL or LARGE ---- */

double run_memcpy(bench *b, const bench_row *row, uint64_t n);
double run_snapshot(bench *b, const bench_row *row, uint64_t n);
double run_restore(bench *b, const bench_row *row, uint64_t n);
const char *state_missing(const bench *b, const bench_row *row);

/* ---- process.c ---- */

enum { EVAL_SUM, EVAL_LOOP, EVAL_PCALLS };
double run_first(bench *b, const bench_row *row, uint64_t n);
double run_eval(bench *b, const bench_row *row, uint64_t n);
double run_native(bench *b, const bench_row *row, uint64_t n); /* compiling is not measured */
const char *process_missing(const bench *b, const bench_row *row);
const char *native_missing(const bench *b, const bench_row *row);

#endif
