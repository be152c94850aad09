/* Text: code points and UTF-8.
 * Source: The Unicode Standard, "UTF-8" (table of well-formed byte sequences). */
#ifndef DRIVER_TEXT_H
#define DRIVER_TEXT_H

#include <stdbool.h>

#include "beamr/bytes.h"

/* A Unicode scalar value: at most 0x10ffff, and no half of a surrogate pair. */
bool drv_code_is_valid(uint64_t code);
/* Bytes that it takes in UTF-8. */
size_t drv_code_size(uint32_t code);
/* Write it; returns that number. */
size_t drv_code_write(uint32_t code, uint8_t *out);

/* Length of the well-formed sequence at p, of `left` bytes, at least one; 0 when there is none.
 */
size_t drv_code_read(const uint8_t *p, size_t left, uint32_t *out);
/* The bytes are such sequences and nothing else. True for no bytes. */
bool drv_text_is_valid(beamr_bytes text);

#endif
