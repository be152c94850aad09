/* The list of codecs. */
#include "codec/codecs.h"

beamr_status codec_add_all(ao_context *context, beamr_error *err)
{
    static const ao_codec *const all[] = {&codec_structured, &codec_httpsig, &codec_flat,
                                          &codec_json, &codec_ans104};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        beamr_status st = ao_context_add_codec(context, all[i], err);

        if (st != BEAMR_OK)
            return st;
    }
    return BEAMR_OK;
}
