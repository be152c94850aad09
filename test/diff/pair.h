/* One module run by two engines that must come to the same. */
#ifndef DIFF_PAIR_H
#define DIFF_PAIR_H

#include "tape.h"

typedef enum pair_verdict {
    PAIR_SAME,
    PAIR_REFUSED, /* the module does not load: so for both */
    PAIR_DIFFERENT,
} pair_verdict;

/* What the runs were like; added up over modules. */
typedef struct pair_stats {
    uint64_t modules, refused, bytes;
    uint64_t metered, unguarded, checked;
    uint64_t failed;   /* modules of which there was no instance */
    uint64_t ran_out;  /* modules of which a call ran out of fuel */
    uint64_t cut;      /* modules whose log was full */
    uint64_t used;     /* fuel */
    uint64_t funcs;    /* functions with a body */
    uint64_t compiled; /* of them */
    uint64_t statuses[BEAMR_STATUS_COUNT];
    uint64_t traps[BEAMR_TRAP_COUNT];
} pair_stats;

void pair_stats_add(pair_stats *sum, const pair_stats *more);
void pair_stats_print(const pair_stats *stats);

/* Run the module with the interpreter and with the other engine, and compare the logs.
 *   native  the other engine runs native code; otherwise it interprets, with guards and
 *           metering the other way round
 *   report  of a difference, or else how the instance was made; may be NULL
 *   size    of the report
 * Stops the process if what run_guest.h promises does not hold. */
pair_verdict pair_run(beamr_bytes wasm, const diff_setup *setup, bool native, pair_stats *stats,
                      char *report, size_t size);

#endif
