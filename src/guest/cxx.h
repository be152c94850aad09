/* C++ exceptions of Emscripten's `invoke_*` form: what the imports `__cxa_*` remember between
 * calls. A system (struct beamr_wasi) holds one, saves it with its own state, and gives it out
 * with guest_wasi_cxx. What is thrown lives in guest memory; here are only its addresses. */
#ifndef GUEST_CXX_H
#define GUEST_CXX_H

#include "beamr/emscripten.h"

/* Handlers that can be active at once; a guest's stack holds fewer frames that have one. */
#define GUEST_CXX_CAUGHT_MAX ((size_t)1 << 20)

/* Begins as zeros. */
typedef struct guest_cxx {
    uint64_t last;     /* the exception thrown last that no handler has ended; 0 for none */
    uint64_t uncaught; /* thrown, and not yet caught */
    uint32_t temp_ret; /* second half of a result, for guests that do not keep it themselves */
    uint64_t *caught;  /* by handlers that are active, outermost first; malloc */
    size_t caught_count, caught_room;

    beamr_emscripten *doors; /* those that are linked (emscripten.c); not part of the state */
} guest_cxx;

/* Of the system; borrowed.  Defined in system.c. */
guest_cxx *guest_wasi_cxx(beamr_wasi *wasi);

/* Free what it holds; then it is as at first, but for its doors. */
void guest_cxx_clear(guest_cxx *cxx);

/* The state as bytes and back, as guest_extra (system.h) has it; `cxx` is a guest_cxx. */
beamr_status guest_cxx_save(void *cxx, BEAMR_OWN uint8_t **out, size_t *len, beamr_error *err);
beamr_status guest_cxx_load(void *cxx, beamr_bytes bytes, beamr_error *err);

#endif
