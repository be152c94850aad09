/* The text of a path while it is parsed: where its parentheses match, what lies between
 * separators, percent-decoding. Separators within matching parentheses do not count, and a
 * parenthesis without its other one is a character like others. Looking for a separator jumps
 * over what is in parentheses, so that parsing takes linear time. Source: AO-Core paths,
 * "Grammar". */
#ifndef AO_PATH_TEXT_H
#define AO_PATH_TEXT_H

#include "ao/path.h"

typedef struct path_source {
    const uint8_t *data;
    size_t len;
    const uint32_t *close; /* of each `(`: where its `)` is; 0 when it has none */
    const uint32_t *at;    /* where each byte stands in the text it was decoded from; or NULL */
    size_t origin;         /* where the text begins in the path */
    bool is_decoded;
} path_source;

typedef struct path_range {
    size_t begin, end;
} path_range;

/* Find what matches in `len` bytes; `close` gets an entry for each. */
void path_match(const uint8_t *data, size_t len, uint32_t *close);
/* The first of some characters outside of parentheses; range.end if there is none. */
size_t path_find(const path_source *source, path_range range, const char *characters);
/* Take the piece up to the next `separator` off the front.  false: nothing is left. */
bool path_piece(const path_source *source, path_range *rest, char separator, path_range *piece);
/* The range is one pair of parentheses. */
bool path_is_group(const path_source *source, path_range range);
beamr_bytes path_bytes(const path_source *source, path_range range);
/* Where a byte stands in the path that came from outside. */
size_t path_position(const path_source *source, size_t index);

/* One decoded segment. */
typedef struct path_segment {
    path_source source;
    uint8_t data[PATH_SEGMENT_MAX];
    uint32_t close[PATH_SEGMENT_MAX], at[PATH_SEGMENT_MAX];
} path_segment;

/* Percent-decode a range.  Errors: BEAMR_MESSAGE (no two hexadecimal digits behind `%`),
 * BEAMR_LIMIT (more than PATH_SEGMENT_MAX bytes). */
beamr_status path_decode(const path_source *source, path_range range, path_segment *out,
                         beamr_error *err);

#endif
