/* Makes valid modules out of any bytes, for fuzz targets that run them. */
#ifndef FUZZ_GENERATE_H
#define FUZZ_GENERATE_H

#include <stddef.h>
#include <stdint.h>

/* Room that any generated module fits in. */
#define GENERATE_ROOM 131072u

/* Make a module that is valid with all features that the engine has.
 *   tape  what decides on everything. The first four bytes are a seed, the next two the number
 * of pseudo-random bytes that follow behind the tape; beyond those it reads as zeros. A small
 * change of the tape is mostly a small change of the module. out   room for GENERATE_ROOM bytes
 * Returns the module's size; 0 without memory. */
size_t generate_module(const uint8_t *tape, size_t len, uint8_t *out);

#endif
