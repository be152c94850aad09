/* The functions of Emscripten's module `env` other than invoke_* and those of exceptions:
 * system calls, time, the heap, and how a program ends. What is here is bound with guest_bind.
 */
#ifndef GUEST_ENV_H
#define GUEST_ENV_H

#include "guest/bind.h"

/* Sorted by name; their calls need no door of their own. */
extern const guest_import guest_env_rows[];
extern const size_t guest_env_row_count;

/* Which structures a module's C library knows, as guest_door's `dialect`. 0 is also right for a
 * module that passes none of them.
 *   current  3.1.42 and later: 64-bit times, the present struct stat
 *   middle   3.1.16 to 3.1.41: 64-bit times, a struct stat with fields that were removed later
 *   old      up to 3.1.7: times are 32 bits wide with 32-bit memory. System calls have the
 *            prefix __sys_ before 2.0.32; those before 1.39 are not known here */
enum { GUEST_ENV_CURRENT, GUEST_ENV_MIDDLE, GUEST_ENV_OLD };

/* The dialect that a module's imports from `env` tell of: by functions that one range of
 * versions imports and the others don't. Modules of 3.1.8 to 3.1.15 cannot be told from middle
 * ones, and those that import no function which tells are taken as current. */
unsigned guest_env_dialect(const beamr_module *module);

#endif
