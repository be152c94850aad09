/* What a seed stands for: a tape for the generator of modules (fuzz/generate.h), and how the
 * module is run (fuzz/run_guest.h). */
#ifndef DIFF_TAPE_H
#define DIFF_TAPE_H

#include "generate.h"
#include "run_guest.h"

#define TAPE_ROOM 24576u

typedef struct diff_tape {
    size_t len;
    uint8_t bytes[TAPE_ROOM];
} diff_tape;

/* How two engines run one module. */
typedef struct diff_setup {
    run_options run;
    bool metering;
    bool unguarded; /* memories without guards */
    bool checks;    /* native code that checks each access all the same */
    bool is_known_valid;
} diff_setup;

/* The tape of a seed: all its bytes are there, so that it can be cut. */
void tape_fill(uint64_t seed, diff_tape *tape);
/* How the seed runs its module. Every eighth has fuel and stack for deep recursion. */
void tape_setup(uint64_t seed, diff_setup *setup);

#endif
