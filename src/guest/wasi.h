/* The functions of WASI as the table in wasi.def names them, and what they share.
 * Each takes a guest's arguments and returns the errno that the guest gets, or GUEST_EABORT
 * with `err` filled when the guest's call ends. They judge pointers, lengths and flags, and
 * leave the rest to the system (system.h).
 *
 * The order is the same in all: pointers, sizes and flags first, then the system. So nothing
 * has happened when a guest gets EFAULT, and results are written only when everything
 * succeeded. */
#ifndef GUEST_WASI_H
#define GUEST_WASI_H

#include "guest/bind.h"
#include "guest/system.h"

#define WASI_DECLARE(name)                                                                     \
    guest_errno wasi_##name(const guest_call *call, const beamr_value *args, beamr_error *err);
#define WASI_BOTH(name, type) WASI_DECLARE(name)
#define WASI_EACH(name, type) WASI_DECLARE(name) WASI_DECLARE(unstable_##name)
#define WASI_NEW(name, type) WASI_DECLARE(name)
#define WASI_PAIR(name, type, params)
#include "guest/wasi.def"
#undef WASI_BOTH
#undef WASI_EACH
#undef WASI_NEW
#undef WASI_PAIR
#undef WASI_DECLARE

/* The functions that imports from a module of that name can mean, sorted by name.
 * Returns NULL, and *count 0, when it is not a module of WASI's. */
const guest_import *guest_wasi_rows(beamr_bytes from, size_t *count);

/* As beamr_wasi_link, without those imports that are taken (guest/bind.h). */
beamr_status guest_wasi_link(beamr_wasi *wasi, beamr_linker *linker, const beamr_module *module,
                             const beamr_extern *taken, beamr_error *err);

/* A transfer of more is done in pieces of this many bytes, each of which is a place to stop. */
#define WASI_PIECE ((uint64_t)1 << 20)

/* Charge the guest for touching so many bytes.  Errors: GUEST_EABORT. */
static inline guest_errno wasi_work(const guest_call *call, uint64_t bytes, beamr_error *err)
{
    return beamr_store_work(call->store, bytes, err) == BEAMR_OK ? GUEST_ESUCCESS
                                                                 : GUEST_EABORT;
}
/* The same, where a little is part of what any call costs. */
static inline guest_errno wasi_some_work(const guest_call *call, uint64_t bytes,
                                         beamr_error *err)
{
    return bytes > GUEST_FREE_WORK ? wasi_work(call, bytes, err) : GUEST_ESUCCESS;
}

/* Is there room for a result of so many bytes?  Errors: EFAULT. */
static inline guest_errno wasi_room(const guest_call *call, uint64_t addr, uint64_t len)
{
    uint8_t *unused;

    return guest_bytes_at(call, addr, len, &unused);
}

/* Write what is known of a file, in the layout of either version.  Errors: EFAULT. */
guest_errno wasi_put_filestat(const guest_call *call, uint64_t addr,
                              const guest_filestat *stat);
guest_errno wasi_unstable_put_filestat(const guest_call *call, uint64_t addr,
                                       const guest_filestat *stat);
enum { WASI_FILESTAT_SIZE = 64, WASI_UNSTABLE_FILESTAT_SIZE = 56 };

/* What fstflags and two times mean.  Errors: EINVAL. */
guest_errno wasi_times(uint32_t flags, uint64_t atim, uint64_t mtim, guest_times *out);

#endif
