/* UTF-8: is it well-formed, and writing it.
 * Source: The Unicode Standard, "UTF-8" (table of well-formed byte sequences). */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>

#include "beamr/bytes.h"

/* The bytes are a sequence of Unicode scalar values: no surrogates, nothing above U+10FFFF, no
 * encoding longer than needed. True for no bytes. */
bool utf8_is_valid(beamr_bytes text);

/* Length of the well-formed sequence at p, of `left` bytes, at least one; 0 when there is none.
 */
size_t utf8_sequence(const uint8_t *p, size_t left);

/* Write a Unicode scalar value: up to 4 bytes.  Returns how many. */
size_t utf8_write(uint32_t code, uint8_t *out);

#endif
