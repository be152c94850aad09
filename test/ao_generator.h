/* Messages at random, the same for the same seed: all kinds of values, nested messages and
 * lists, empty values, keys and bytes that are hard for one encoding or another. What is hard
 * is chosen per message, so that there are messages for every encoding.
 * No keys that codecs give a meaning of their own: `ao-types`, `commitments`, `content-digest`
 * and the like; none that are private. */
#ifndef TEST_AO_GENERATOR_H
#define TEST_AO_GENERATOR_H

#include "beamr/ao/message.h"

/* What a message may hold beside texts of printable ASCII, numbers, atoms, lists, messages. */
enum {
    GENERATE_BYTES = 1,       /* binaries of any bytes */
    GENERATE_LINES = 2,       /* CR, LF, NUL and other control characters in texts */
    GENERATE_UNICODE = 4,     /* texts and keys beyond ASCII */
    GENERATE_KEYS = 8,        /* spaces, quotes, `%`, `: ` and the like in keys */
    GENERATE_SLASHES = 16,    /* `/` in keys */
    GENERATE_IDS = 32,        /* keys of 32, 42 and 43 bytes */
    GENERATE_LARGE = 64,      /* values as long as some limit, or one byte more or less */
    GENERATE_NUMBERS = 128,   /* integers of any size, and any floats */
    GENERATE_FIELDS = 256,    /* on the top level: body, data, path, target and the like */
    GENERATE_KEY_BYTES = 512, /* keys that are not UTF-8 */
    GENERATE_ALL = 1023,
    GENERATE_SOME = 1024, /* a choice of these, by the seed */
};

/* A message of the kinds of `flags`; never NULL. */
ao_message *generate_message(uint64_t seed, unsigned flags);
/* What GENERATE_SOME means for a seed. */
unsigned generate_flags(uint64_t seed);

#endif
