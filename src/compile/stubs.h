/* Stubs in place of functions that are left out. */
#ifndef COMPILE_STUBS_H
#define COMPILE_STUBS_H

#include <time.h>

#include "compile/link.h"

/* How many units the stubs take that functions in these states (COMPILE_*) need. */
uint32_t compile_stubs_units(const uint8_t *state, uint32_t functions);

/* Make them.
 *   limit  of CLOCK_MONOTONIC; NULL: none
 *   units  room for compile_stubs_units; zeroed. Their bytes are the caller's, even after
 * failure Errors: BEAMR_LIMIT (the time is over), and those of compile_unit_emit. */
beamr_status compile_stubs_make(const compile_job *job, const uint8_t *state,
                                const struct timespec *limit, compile_elf *units,
                                beamr_error *err);

#endif
