/* Comparing texts, which are any bytes: beamr_bytes do not end in NUL, and may be none. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

#include "beamr/bytes.h"

static inline bool text_equal(beamr_bytes a, beamr_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

static inline bool text_is(beamr_bytes a, const char *text)
{
    return text_equal(a, beamr_bytes_of(text));
}

static inline bool text_begins(beamr_bytes a, const char *text)
{
    size_t len = strlen(text);

    return len == 0 || (a.len >= len && memcmp(a.data, text, len) == 0);
}

#endif
