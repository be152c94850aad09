/* The system behind both doors. */
#include "guest/system.h"

#include <stdlib.h>

struct beamr_wasi {
    size_t refs;
};

beamr_wasi *beamr_wasi_ref(beamr_wasi *wasi)
{
    wasi->refs++;
    return wasi;
}

void beamr_wasi_unref(beamr_wasi *wasi)
{
    if (wasi && --wasi->refs == 0)
        free(wasi);
}
