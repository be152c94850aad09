/* What run_fuzz.c does with a module: instantiate it with made-up imports, call what it
 * exports, change its state from outside, take snapshots and restore them; all steps follow
 * from the options alone, and leave a log. */
#ifndef FUZZ_RUN_GUEST_H
#define FUZZ_RUN_GUEST_H

#include "beamr/beamr.h"

#define RUN_OPTIONS 8u /* bytes */

typedef struct run_options {
    uint8_t flags; /* RUN_* */
    uint8_t features;
    uint8_t order;  /* in which things are freed */
    uint8_t limits; /* of memories and tables */
    uint8_t stack;  /* depth of calls, and of entries */
    uint32_t fuel;
    uint32_t seed;  /* of arguments and of what host functions do */
    bool must_load; /* the module is known to be valid */
} run_options;

#define RUN_INTERRUPT 0x01u /* before some calls */
#define RUN_LINKER 0x02u
#define RUN_TWICE 0x04u /* a second instance takes what it can from the first */
#define RUN_CALM 0x08u  /* host functions only compute */
#define RUN_STATE 0x10u /* log the state after each call, and whole memories at the end */

/* What happened, as text; it ends where the room does. */
#define RUN_LOG_ROOM 262144u
typedef struct run_log {
    size_t len;
    uint64_t fuel;                         /* what was left after each call, hashed */
    uint64_t used;                         /* fuel, by all calls */
    bool ran_out;                          /* of fuel, at least once */
    uint32_t statuses[BEAMR_STATUS_COUNT]; /* how calls ended */
    uint32_t traps[BEAMR_TRAP_COUNT];
    char text[RUN_LOG_ROOM];
} run_log;

void run_options_read(const uint8_t data[RUN_OPTIONS], run_options *out);

/* A status and the error that came with it fit together. */
void run_check_error(beamr_status st, const beamr_error *err);

/* Run a module in a store of its own.
 *   engine, module  taken, and given back in the order that the options say
 *   log             what happened */
void run_guest(beamr_engine *engine, beamr_module *module, const run_options *options,
               run_log *log);

#endif
