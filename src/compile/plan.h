/* What is found out about functions before any is compiled. */
#ifndef COMPILE_PLAN_H
#define COMPILE_PLAN_H

#include "compile/unit.h"

/* One run of functions, or of thunks: a unit to be compiled. */
typedef struct compile_part {
    uint32_t first, count; /* defined functions; or types */
    uint64_t size;         /* bytes of bodies and some more, or values of thunks */
    bool is_thunks;
    compile_effort effort;
} compile_part;

typedef struct compile_plan {
    bool *throws;   /* by function index: see compile_job */
    bool *tails;    /* by defined function: contains a tail call, or may be the target of one */
    uint8_t *costs; /* by defined function: compile_cost */
    bool *thunks;   /* by type: some defined function has it */
    bool has_tails; /* there is a tail call, of whatever kind */
    compile_part *parts; /* in the order of the object */
    uint32_t part_count;
} compile_plan;

typedef enum compile_cost {
    COMPILE_COST_PLAIN,
    COMPILE_COST_HIGH,     /* LLVM's time may not be linear: COMPILE_QUICK */
    COMPILE_COST_TOO_HIGH, /* stays interpreted */
} compile_cost;

/* Look through all bodies once, and divide them into parts. The division depends on the module
 * alone.
 *   plan  to be cleared, also after a failure
 * Errors: BEAMR_NO_MEMORY. */
beamr_status compile_plan_make(compile_plan *plan, const wb_module *m, beamr_error *err);
void compile_plan_clear(compile_plan *plan);

#endif
