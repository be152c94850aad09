/* What the files of env's functions share: their prototypes, out of the table; arguments that
 * are paths, descriptors and strings; results. */
#ifndef GUEST_ENV_CALLS_H
#define GUEST_ENV_CALLS_H

#include "guest/env.h"
#include "guest/system.h"

#define ENV(name, type, function)                                                              \
    beamr_status function(const guest_call *call, const beamr_value *args,                     \
                          beamr_value *results, beamr_error *err);
#include "guest/env.def"
#undef ENV

/* A function of this kind. */
#define ENV_CALL(function)                                                                     \
    beamr_status function(const guest_call *call, const beamr_value *args,                     \
                          beamr_value *results, beamr_error *err)

enum { ENV_WORK_STEP = 1 << 20 }; /* bytes between two reports of work */

/* ---- Results: what Emscripten's C library expects is a negated errno ---- */

/* The result of a call on a descriptor, or BEAMR_TRAP for GUEST_EABORT. A missing right is
 * EBADF, as for a descriptor that was opened for the other direction. */
beamr_status env_done(beamr_value *results, guest_errno e, beamr_error *err);
/* The result of a call on a path; a missing right is EACCES. */
beamr_status env_path_done(beamr_value *results, guest_errno e, beamr_error *err);
/* A result that is no error. */
beamr_status env_value(beamr_value *results, int64_t value);

/* ---- Arguments ---- */

/* A path of the guest's, copied. */
typedef struct env_path {
    guest_place place;
    char text[GUEST_PATH_MAX];
} env_path;

/* Copy a string with its NUL.
 *   *len  without the NUL
 * Errors: EFAULT, ENAMETOOLONG (no NUL among the first GUEST_PATH_MAX bytes). */
guest_errno env_string(const guest_call *call, uint64_t addr, char text[GUEST_PATH_MAX],
                       size_t *len);
/* Copy a path that begins at a directory (an i32, which may be AT_FDCWD).  Errors: as
 * env_string. */
guest_errno env_path_at(const guest_call *call, const beamr_value *dirfd, uint64_t addr,
                        bool follow, env_path *out);
/* The same for a function that begins at the current directory. */
guest_errno env_path_here(const guest_call *call, uint64_t addr, bool follow, env_path *out);
/* Where a string ends.  Errors: EFAULT (no NUL in memory), GUEST_EABORT. */
guest_errno env_string_len(const guest_call *call, uint64_t addr, uint64_t *len,
                           beamr_error *err);

/* An i64, which some modules pass as two i32, the low half first.  *at moves behind it. */
uint64_t env_wide(const beamr_value *args, size_t *at);

/* Fill memory, a piece at a time; each is work.  Errors: BEAMR_TRAP. */
beamr_status env_fill(const guest_call *call, uint8_t *data, uint8_t byte, uint64_t len,
                      beamr_error *err);

/* ---- The guest's own functions ---- */

/* Charge the guest for looking for some of its exports by name: how many there are to be passed
 * is its own choice.  Errors: BEAMR_TRAP. */
beamr_status env_charge_looks(const guest_call *call, unsigned looks, beamr_error *err);
/* Allocate in the guest, with the first of its exported allocators that there is.
 *   *out  0 when there is none, or no memory */
beamr_status env_allocate(const guest_call *call, uint64_t len, uint64_t *out,
                          beamr_error *err);
/* Call a function that the guest exports, if it does and if it takes `arg_count` arguments; its
 * result, if it has one, is dropped. */
beamr_status env_call_export(const guest_call *call, const char *name, const beamr_value *args,
                             size_t arg_count, beamr_error *err);

/* ---- Time ---- */

/* A time in memory as the module's dialect has it: seconds, then a word of nanoseconds (or
 * microseconds, which are an i32 in all dialects). */
unsigned env_time_size(const guest_call *call); /* bytes of a timespec or timeval */
guest_errno env_get_time(const guest_call *call, uint64_t addr, bool micro, int64_t *sec,
                         int64_t *fraction);

#endif
