/* Lower case of UTF-8 text.
 * Each code point becomes its full lower-case form by itself, whatever stands around it: U+0130
 * becomes two code points, and a sigma at the end of a word is like any other. Bytes that are
 * not well-formed UTF-8 stay as they are. Threads: any.
 * Source: The Unicode Standard 14.0, "Default Case Conversion" (toLowercase without contexts);
 * the table is made by scripts/lower. */
#ifndef BASE_LOWER_H
#define BASE_LOWER_H

#include <stdbool.h>

#include "beamr/bytes.h"

/* The version of Unicode that the table is of. */
#define LOWER_UNICODE_VERSION "14.0.0"

/* The text has no ASCII capitals and no bytes beyond ASCII, so that it is its own lower case.
 */
bool lower_is_plain(beamr_bytes text);

/* Room that the lower case of `len` bytes may need: code points of two bytes can become three.
 */
size_t lower_size(size_t len);

/* Write the lower case of a text.
 *   out  lower_size(text.len) bytes
 * Returns how many were written. */
size_t lower_text(beamr_bytes text, char *out);

#endif
