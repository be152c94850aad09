/* What the fuzz targets of codecs share: what was decoded is encoded and decoded again to an
 * equal message, and what was refused says why. */
#ifndef FUZZ_CODEC_H
#define FUZZ_CODEC_H

#include "fuzz.h"

#include "codec/codecs.h"

/* Decode with a codec that needs no context. What is decoded matches what its encoded form
 * decodes to: that has lost what is regenerable. From then on nothing changes any more.
 *   must_encode  what it decodes it can encode; else it may refuse with BEAMR_ENCODING */
static inline void fuzz_codec(const ao_codec *codec, ao_value encoded, bool must_encode)
{
    ao_message *message = NULL, *again = NULL;
    ao_value once = AO_NO_VALUE, twice = AO_NO_VALUE;
    beamr_error err = {0};
    beamr_status st = codec->decode(NULL, encoded, &message, &err);

    if (st != BEAMR_OK) {
        FUZZ_CHECK(st == BEAMR_MESSAGE || st == BEAMR_LIMIT);
        FUZZ_CHECK(err.status == st && err.text[0]);
        FUZZ_CHECK(encoded.kind != AO_BINARY || err.offset <= ao_bytes(encoded).len);
        return;
    }
    st = codec->encode(NULL, message, &once, &err);
    if (st == BEAMR_OK) {
        FUZZ_CHECK(codec->decode(NULL, once, &again, &err) == BEAMR_OK);
        FUZZ_CHECK(ao_message_match(message, again, AO_MATCH_STRICT, NULL));
        FUZZ_CHECK(codec->encode(NULL, again, &twice, &err) == BEAMR_OK);
        FUZZ_CHECK(ao_value_equal(once, twice));
    } else {
        FUZZ_CHECK(st == BEAMR_LIMIT || (!must_encode && st == BEAMR_ENCODING));
    }
    ao_message_unref(again);
    ao_message_unref(message);
    ao_value_unref(once);
    ao_value_unref(twice);
}

#endif
