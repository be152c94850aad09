/* Makes valid modules out of any bytes, for fuzz targets that run them. */
#ifndef FUZZ_GENERATE_H
#define FUZZ_GENERATE_H

#include <stdbool.h>
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

/* For engines that leave open what ours defines, or that are called from JavaScript. */
typedef struct generate_style {
    bool one_encoding; /* of exceptions in a module */
    bool plain_types;  /* functions, globals and tags have numbers, and references to functions
                          or externals; no vectors */
    bool plain_nans;   /* computed NaNs are made one by further instructions */
    bool no_relaxed;   /* no relaxed SIMD */
} generate_style;

/* generate_module in a style; NULL for none. */
size_t generate_styled(const uint8_t *tape, size_t len, const generate_style *style,
                       uint8_t *out);

#endif
