/* Guests of messages: the memory of the WebAssembly instance whose state a message stands for.
 * For devices that answer imports of a module (they stand at `PREFIX/stdlib/MODULE` of the
 * process) and are given addresses; and for hosts that want to look at a guest.
 *
 * A device finds the guest in the key `state` of its base. What it writes is part of the call
 * that asked for the import: it is repeated with it when the state is computed anew.
 * Threads: any; a guest that runs is used by the device that answers its import alone.
 * Source: docs/devices.md. */
#ifndef BEAMR_AO_GUEST_H
#define BEAMR_AO_GUEST_H

#include "beamr/ao/message.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ao_guest ao_guest;

/* The guest of a message; borrowed; NULL when it has none.
 *   prefix  the output prefix, as "wasm"; NULL or "" for none */
BEAMR_API ao_guest *ao_guest_of(const ao_message *message, const char *prefix);

/* Bytes of an address in it: 4 or 8. */
BEAMR_API unsigned ao_guest_pointer_size(const ao_guest *guest);

/* The size of its memory 0 in bytes; 0 without one.  Errors, of all that follow: BEAMR_BUSY
 * (its call runs elsewhere), and of making an instance anew if the state is not the newest. */
BEAMR_API beamr_status ao_guest_memory_size(ao_guest *guest, uint64_t *out, beamr_error *err);
/* Read bytes.  Errors: BEAMR_TRAP with MEMORY_OUT_OF_BOUNDS. */
BEAMR_API beamr_status ao_guest_read(ao_guest *guest, uint64_t addr, void *dst, size_t len,
                                     beamr_error *err);
/* Read the text up to a NUL.
 *   max  bytes, without the NUL
 *   out  a binary
 * Errors: as ao_guest_read; BEAMR_LIMIT (longer than max). */
BEAMR_API beamr_status ao_guest_read_text(ao_guest *guest, uint64_t addr, size_t max,
                                          ao_value *out, beamr_error *err);

/* Only while an import is answered: otherwise BEAMR_ARGUMENT, since states do not change. */

/* Write bytes.  Errors: BEAMR_TRAP with MEMORY_OUT_OF_BOUNDS (nothing was written). */
BEAMR_API beamr_status ao_guest_write(ao_guest *guest, uint64_t addr, beamr_bytes bytes,
                                      beamr_error *err);
/* Allocate with the guest's malloc, and write bytes and a NUL; the guest frees them.
 * Errors: BEAMR_NOT_FOUND (no malloc), BEAMR_NO_MEMORY (it gave null), BEAMR_TRAP. */
BEAMR_API beamr_status ao_guest_allocate(ao_guest *guest, beamr_bytes bytes, uint64_t *addr,
                                         beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
