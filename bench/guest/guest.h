/* What the files of bench/guest share. */
#ifndef BENCH_GUEST_H
#define BENCH_GUEST_H

#include "beamr/beamr.h"

/* The module; its exports take a number of repetitions, at least 1. */
beamr_bytes module_image(void);

#endif
