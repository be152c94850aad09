/* The clock that ends turns (pool.h). One thread, which sleeps without a timer while nothing
 * runs. A turn that begins then wakes it; while many come one after the other it looks every
 * 200 us, so that beginning and ending one needs no system call.
 * Threads: everything may be called from any thread. */
#ifndef DRIVER_CLOCK_H
#define DRIVER_CLOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "beamr/error.h"

typedef struct drv_clock drv_clock;

/*   wanted  turns that last while nobody waits end once this is not 0; borrowed
 * Errors: BEAMR_NO_MEMORY (also when no thread can be made). */
beamr_status drv_clock_new(const atomic_uint *wanted, BEAMR_OWN drv_clock **out,
                           beamr_error *err);
void drv_clock_free(drv_clock *clock); /* accepts NULL; no turn is under way */

/* Look now: `wanted` is no longer 0. */
void drv_clock_kick(drv_clock *clock);

/* As drv_turn_begin and drv_turn_end. */
bool drv_clock_begin(drv_clock *clock, uint64_t ns, bool while_wanted,
                     void (*pause)(void *user), void *user);
void drv_clock_end(drv_clock *clock);

/* Nanoseconds of a clock that only goes forward. */
uint64_t drv_now(void);

#endif
