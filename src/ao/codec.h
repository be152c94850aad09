/* The seam to codecs and commitments: what src/ao/ needs of src/codec/, which lies above it.
 * A codec is one static ao_codec, filled in by a file of src/codec/ and added to a context when
 * that is made.
 * Threads: all functions may be called by any thread. */
#ifndef AO_CODEC_H
#define AO_CODEC_H

#include "beamr/ao/context.h"

typedef struct ao_codec {
    const char *name;         /* "json@1.0" */
    const char *content_type; /* of what it encodes, NULL for none */

    /* Message to its encoded form and back, as ao_encode and ao_decode say; NULL where there is
     * none. */
    beamr_status (*encode)(ao_context *context, const ao_message *message, ao_value *out,
                           beamr_error *err);
    beamr_status (*decode)(ao_context *context, ao_value encoded, BEAMR_OWN ao_message **out,
                           beamr_error *err);

    /* A typed text to a value: `type` as in ao-types, any case. Only of structured@1.0. */
    beamr_status (*decode_value)(ao_context *context, beamr_bytes type, beamr_bytes text,
                                 ao_value *out, beamr_error *err);

    /* The unsigned id of a message, without its commitments. Only of httpsig@1.0. */
    beamr_status (*unsigned_id)(ao_context *context, const ao_message *message,
                                uint8_t id[AO_ID_SIZE], beamr_error *err);

    /* Commitments of this device. NULL where the codec has none of its own: json, flat and
     * structured use those of httpsig@1.0. commit: the message with a new commitment of the
     * wallet. */
    beamr_status (*commit)(ao_context *context, const ao_message *message,
                           const ao_wallet *wallet, BEAMR_OWN ao_message **out,
                           beamr_error *err);
    /* Check one commitment of a message.
     *   id        its key in `commitments`
     *   is_valid  false for any reason that lies in the message; `why` then gets a short text
     */
    beamr_status (*verify)(ao_context *context, const ao_message *message, beamr_bytes id,
                           const ao_message *commitment, bool *is_valid, const char **why,
                           beamr_error *err);
    /* The keys that one commitment covers, as a list of binaries. */
    beamr_status (*committed)(ao_context *context, const ao_message *message, beamr_bytes id,
                              const ao_message *commitment, ao_value *out, beamr_error *err);
    /* Where in private state, as ao_private_find says, a message keeps the form in which it
     * came, if its commitments are over that: a message of binaries, or a link to one. The
     * store keeps this of private state, and nothing else; so what is there may be anybody's,
     * and is to be compared with the message. NULL for none. Only of httpsig@1.0. */
    const char *received;
} ao_codec;

/* Add a codec; borrowed as long as the context lives. */
beamr_status ao_context_add_codec(ao_context *context, const ao_codec *codec, beamr_error *err);
/* NULL when there is none of this name. */
const ao_codec *ao_context_find_codec(const ao_context *context, beamr_bytes name);

#endif
