/* What the two halves of structured@1.0 share: structured.c writes, structured_decode.c reads.
 */
#ifndef CODEC_STRUCTURED_H
#define CODEC_STRUCTURED_H

#include "codec/annotated.h"
#include "codec/field.h"

#define CODEC_TYPES "ao-types"

/* Room for a float's text, and a NUL: sign, 21 digits, point, exponent of three digits. */
enum { CODEC_FLOAT_SIZE = 40 };

#endif
