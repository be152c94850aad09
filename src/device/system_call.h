/* What WASI@1.0 and emscripten@1.0 share: functions of the system as keys, and what `init` puts
 * into a message. */
#ifndef DEVICE_SYSTEM_CALL_H
#define DEVICE_SYSTEM_CALL_H

#include "ao/context.h"

/* Perform the function that the key names, on the guest whose state is the base's `state`.
 *   module  of which the functions are, unless the request says another that the door knows
 *   others  further names of such modules, up to NULL; may be NULL */
beamr_status dev_system_call(ao_call *call, const char *module, const char *const *others,
                             beamr_error *err);

/* {device} at PREFIX/stdlib/MODULE.
 *   is_shy  not if something is there */
beamr_status dev_system_place(ao_call *call, ao_message **state, const char *module,
                              const char *device, bool is_shy, beamr_error *err);
/* `vfs` and `file-descriptors` with the three streams, as far as the message lacks them. */
beamr_status dev_system_begin(ao_call *call, ao_message **state, beamr_error *err);

#endif
