/* The guests that bench_interrupt ends: each keeps its thread busy with one thing. */
#ifndef BENCH_GUESTS_H
#define BENCH_GUESTS_H

#include "beamr/beamr.h"

typedef struct bench_guest {
    const char *name;
    /* Make the module; to be freed. */
    beamr_bytes (*build)(void);
    const char *invoke; /* NULL: instantiation itself takes long */
    unsigned window_ms; /* it is ended this long after its start at most; 0: it ends by itself,
                           and the time that it takes is measured first */
    bool is_fresh;      /* what takes long happens only once for a module */
} bench_guest;

extern const bench_guest bench_guests[];
extern const size_t bench_guest_count;

#endif
