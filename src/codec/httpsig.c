/* httpsig@1.0: messages as HTTP has them, ids, and signatures over both.
 * An encoded message is a message of binaries: header fields under their names, and `body`.
 * The work is in the files that httpsig.h names; here is what a codec offers of it.
 * Source: AO-Core codecs, "httpsig@1.0"; ids, "Unsigned id". */
#include "codec/httpsig.h"

#include <stdlib.h>

#include "codec/codecs.h"

/* Bytes on the stack that suffice for the id of a small message. */
#define STACK_SIZE 8192

beamr_status httpsig_encode_message(arena *a, const ao_message *message,
                                    httpsig_purpose purpose, codec_node **node,
                                    httpsig_message *out, beamr_error *err)
{
    const codec_annotate_options options = {.without_commitments = true};
    codec_node *annotated;

    BEAMR_TRY(codec_annotate(a, message, &options, &annotated, err));
    if (node)
        *node = annotated;
    return httpsig_encode(a, annotated, purpose, out, err);
}

/* ---- Encoding ---- */

static void release_body(void *data, void *user)
{
    (void)user;
    free(data);
}

/* The body as a binary: shared with the message, or put together in one piece. */
static ao_value body_value(const httpsig_message *encoded)
{
    uint8_t *bytes, *next;

    if (!encoded->is_multipart)
        return httpsig_binary(encoded->pieces[0], encoded->body_owner);
    if (!(next = bytes = malloc(encoded->body_len)))
        return AO_NO_VALUE;
    for (size_t i = 0; i < encoded->piece_count; i++) {
        if (encoded->pieces[i].len)
            memcpy(next, encoded->pieces[i].data, encoded->pieces[i].len);
        next += encoded->pieces[i].len;
    }
    return ao_binary_adopt(bytes, encoded->body_len, release_body, NULL);
}

static beamr_status make_message(const httpsig_message *encoded, BEAMR_OWN ao_message **out,
                                 beamr_error *err)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, err);
    for (size_t i = 0; i < encoded->count; i++)
        ao_builder_put_key(&builder, encoded->fields[i].name,
                           httpsig_binary(encoded->fields[i].value, encoded->fields[i].owner));
    if (encoded->body_len)
        ao_builder_put(&builder, "body", body_value(encoded));
    return ao_builder_end(&builder, out);
}

static beamr_status add_signatures(arena *a, const ao_message *message,
                                   const ao_message *commitments, httpsig_message *encoded,
                                   const httpsig_signatures *all, beamr_error *err)
{
    BEAMR_TRY(httpsig_set_field(a, encoded, beamr_bytes_of("signature"), all->signature,
                                AO_NO_VALUE, err));
    BEAMR_TRY(httpsig_set_field(a, encoded, beamr_bytes_of("signature-input"), all->input,
                                AO_NO_VALUE, err));
    return httpsig_add_hashpaths(a, message, commitments, encoded, err);
}

/* A signed message whose own encoding its signatures do not cover, in the form in which it
 * came; `out` stays NULL when there is none, or the message has changed. */
static beamr_status encode_received(arena *a, const ao_message *message,
                                    const httpsig_signatures *all, BEAMR_OWN ao_message **out,
                                    beamr_error *err)
{
    httpsig_received received;
    ao_message *inner = NULL;
    bool matches = false;
    beamr_status st = httpsig_open_received(a, message, &received, err);

    if (st == BEAMR_OK && received.encoded)
        st = httpsig_received_matches(a, message, &received, NULL, &matches, err);
    if (st == BEAMR_OK && matches)
        st = ao_message_with(received.encoded, "signature", ao_binary_copy(all->signature),
                             &inner, err);
    if (inner)
        st = ao_message_with(inner, "signature-input", ao_binary_copy(all->input), out, err);
    ao_message_unref(inner);
    httpsig_close_received(&received);
    return st;
}

static beamr_status encode_in(arena *a, const ao_message *message, BEAMR_OWN ao_message **out,
                              beamr_error *err)
{
    const ao_message *commitments;
    httpsig_signatures all;
    httpsig_message encoded;

    BEAMR_TRY(httpsig_commitments(message, &commitments, err));
    BEAMR_TRY(httpsig_merge_signatures(a, commitments, &all, err));
    if (all.first) {
        BEAMR_TRY(encode_received(a, message, &all, out, err));
        if (*out)
            return BEAMR_OK;
    }
    BEAMR_TRY(httpsig_encode_message(a, message, all.first ? HTTPSIG_SEND : HTTPSIG_WIRE, NULL,
                                     &encoded, err));
    if (all.first)
        BEAMR_TRY(add_signatures(a, message, commitments, &encoded, &all, err));
    return make_message(&encoded, out, err);
}

static beamr_status encode(ao_context *context, const ao_message *message, ao_value *out,
                           beamr_error *err)
{
    ao_message *encoded = NULL;
    beamr_status st;
    arena a;

    arena_init(&a, codec_memory(codec_limits(context)));
    st = encode_in(&a, message, &encoded, err);
    arena_clear(&a);
    if (st == BEAMR_OK)
        *out = ao_message_value(encoded);
    return st;
}

/* ---- Ids ---- */

static beamr_status id_in(arena *a, const ao_message *message, uint8_t id[AO_ID_SIZE],
                          beamr_error *err)
{
    httpsig_message encoded;
    bool is_complete;

    BEAMR_TRY(httpsig_encode_message(a, message, HTTPSIG_ID, NULL, &encoded, err));
    return httpsig_hmac(a, &encoded, NULL, id, &is_complete, err);
}

static beamr_status unsigned_id(ao_context *context, const ao_message *message,
                                uint8_t id[AO_ID_SIZE], beamr_error *err)
{
    _Alignas(16) uint8_t memory[STACK_SIZE];
    beamr_status st;
    arena a;

    arena_init(&a, codec_memory(codec_limits(context)));
    arena_lend(&a, memory, sizeof memory);
    st = id_in(&a, message, id, err);
    arena_clear(&a);
    return st;
}

const ao_codec codec_httpsig = {
    .name = HTTPSIG_NAME,
    .encode = encode,
    .decode = httpsig_decode_message,
    .unsigned_id = unsigned_id,
    .commit = httpsig_commit,
    .verify = httpsig_verify,
    .committed = httpsig_committed,
    .received = HTTPSIG_RECEIVED,
};
