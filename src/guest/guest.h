/* What stub.c and guest.c share. */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "beamr/guest.h"

/* Make the stub for an imported function that nobody provides.
 * Errors: BEAMR_UNLINKABLE (BEAMR_STUBS_NONE, or not a function), BEAMR_NO_MEMORY. */
beamr_status guest_stub_make(beamr_store *store, const beamr_import *import, beamr_stubs stubs,
                             beamr_extern *out, beamr_error *err);

#endif
