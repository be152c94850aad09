/* Calls that go on after a while, without a thread for each.
 * One thread of the process looks after all of them; it runs while there is one. */
#ifndef DEVICE_DELAY_H
#define DEVICE_DELAY_H

#include "beamr/ao/device.h"

#define DELAY_MAX_MS 3600000

/* Go on with `then` after `ms` milliseconds, or as soon as the call is cancelled. Must be
 * returned at once.  Errors: BEAMR_NO_MEMORY, BEAMR_IO (no thread can be started). */
beamr_status delay_call(ao_call *call, unsigned ms, ao_function then, beamr_error *err);

#endif
