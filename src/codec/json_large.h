/* What is looked at in a JSON text before it is parsed: how deep it is, how many values it has,
 * and which of them are large texts. These are set aside: a mark stands for each in the text
 * that the parser reads, so that it does not take them byte by byte and copy them on the way.
 * Only what the parser would take is set aside; what is wrong in a text, the parser says.
 * Source: RFC 8259, "Strings". */
#ifndef CODEC_JSON_LARGE_H
#define CODEC_JSON_LARGE_H

#include "beamr/ao/message.h"

/* Values of this size or more are set aside. */
#define JSON_LARGE_MIN 4096

typedef struct json_large {
    size_t at, len; /* of the text, between its quotes */
    size_t size;    /* that it has without escapes; `len` when it has none */
    size_t mark_at, mark_len;
} json_large;

typedef struct json_texts {
    beamr_bytes text; /* to be parsed: as it came, or with marks */
    uint8_t *marked;
    json_large *large;
    size_t count, capacity;
} json_texts;

/* Look at `text`, and set aside.
 *   limits  max_depth and max_keys count
 * Errors: BEAMR_LIMIT (offset: where), BEAMR_NO_MEMORY. */
beamr_status json_large_find(beamr_bytes text, const ao_limits *limits, json_texts *out,
                             beamr_error *err);
void json_large_clear(json_texts *texts);
/* The place in the text as it came of a place in the text that was parsed. */
size_t json_large_place(const json_texts *texts, size_t at);
/* The value for which a parsed text stands, when it is a mark: a part of `encoded` that shares
 * its bytes, or, with escapes, a copy without them.
 *   out  AO_NO_VALUE when it is none */
beamr_status json_large_value(const json_texts *texts, beamr_bytes parsed, ao_value encoded,
                              BEAMR_OWN ao_value *out, beamr_error *err);

#endif
