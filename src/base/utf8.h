/* UTF-8: is it well-formed?
 * Source: The Unicode Standard, "UTF-8" (table of well-formed byte sequences). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>

#include "beamr/bytes.h"

/* The bytes are a sequence of Unicode scalar values: no surrogates, nothing above U+10FFFF, no
 * encoding longer than needed. True for no bytes. */
bool utf8_is_valid(beamr_bytes text);

#endif
