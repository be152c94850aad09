/* Seeds: see tape.h. */
#include "tape.h"

#include <string.h>

static uint64_t mix(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

void tape_fill(uint64_t seed, diff_tape *tape)
{
    uint64_t state = seed * 2 + 1;

    /* Long tapes make large modules; what lies behind the end reads as zeros. */
    tape->len = TAPE_ROOM / 8 + mix(&state) % (TAPE_ROOM - TAPE_ROOM / 8);
    for (size_t i = 0; i < tape->len; i += 8) {
        uint64_t word = mix(&state);

        memcpy(tape->bytes + i, &word, tape->len - i < 8 ? tape->len - i : 8);
    }
    memset(tape->bytes + 4, 0, 2); /* nothing is made up behind it */
}

void tape_setup(uint64_t seed, diff_setup *setup)
{
    uint64_t state = seed * 2 + 2, word = mix(&state);
    uint8_t bytes[RUN_OPTIONS];

    memcpy(bytes, &word, sizeof bytes);
    bytes[1] &= 0xf8; /* all features */
    *setup = (diff_setup){.is_known_valid = true};
    run_options_read(bytes, &setup->run);
    setup->run.must_load = true;
    setup->run.flags |= RUN_STATE;
    word = mix(&state);
    if (word % 4) /* most hosts do nothing that ends the call */
        setup->run.flags |= RUN_CALM;
    if (word >> 8 & 7)
        setup->run.flags &= (uint8_t)~RUN_INTERRUPT;
    setup->run.fuel = 2000 + (uint32_t)(word >> 16 & 0x3fff);
    if ((word >> 32) % 8 == 0) {
        setup->run.fuel = 1000000;
        setup->run.stack &= 0xf8u; /* the default's depth */
    }
    setup->metering = word >> 40 & 1;
    setup->unguarded = (word >> 41 & 3) == 0;
    setup->checks = (word >> 43 & 3) == 0;
}
