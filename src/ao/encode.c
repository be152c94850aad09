/* Encoding and decoding by the name of a codec, which the context knows.
 * What the codecs do is in src/codec/. */
#include <string.h>

#include "ao/internal.h"

static beamr_status find(const ao_context *context, const char *name, const ao_codec **out,
                         beamr_error *err)
{
    *out = ao_context_find_codec(context, beamr_bytes_of(name));
    if (!*out)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "there is no codec `%.64s`", name);
    return BEAMR_OK;
}

beamr_status ao_encode(ao_context *context, const char *codec, const ao_message *message,
                       ao_value *out, beamr_error *err)
{
    const ao_codec *found = NULL;
    beamr_status st = find(context, codec, &found, err);

    if (st != BEAMR_OK)
        return st;
    if (!found->encode)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "codec %s does not encode", found->name);
    return found->encode(context, message, out, err);
}

beamr_status ao_decode(ao_context *context, const char *codec, ao_value encoded,
                       ao_message **out, beamr_error *err)
{
    const ao_codec *found = NULL;
    beamr_status st = find(context, codec, &found, err);

    if (st != BEAMR_OK)
        return st;
    if (!found->decode)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "codec %s does not decode", found->name);
    return found->decode(context, encoded, out, err);
}
