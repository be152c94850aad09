/* For tests that also run with compiled modules: where each module that loads is to be compiled
 * (BEAMR_TIER=native), it must be. Otherwise they would pass without native code, as a module
 * that cannot be compiled is interpreted. */
#include <stdio.h>
#include <stdlib.h>

#include "beamr/native.h"

beamr_status __real_beamr_module_load(beamr_engine *engine, beamr_bytes wasm,
                                      beamr_module **out, beamr_error *err);
beamr_status __wrap_beamr_module_load(beamr_engine *engine, beamr_bytes wasm,
                                      beamr_module **out, beamr_error *err);

beamr_status __wrap_beamr_module_load(beamr_engine *engine, beamr_bytes wasm,
                                      beamr_module **out, beamr_error *err)
{
    beamr_status st = __real_beamr_module_load(engine, wasm, out, err);
    beamr_error why = {0};

    if (st != BEAMR_OK || beamr_module_native_failure(*out, &why) == BEAMR_OK ||
        why.status == BEAMR_NO_MEMORY) /* which some tests make scarce */
        return st;
    (void)fprintf(stderr, "a module is not compiled: %s\n", why.text);
    abort();
}
