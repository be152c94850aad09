/* Header fields and a body as a message.
 * Reads what came over HTTP into an annotated message; its signatures become commitments.
 * Multipart bodies are httpsig_multipart.c's, commitments httpsig_commit.c's.
 * Source: AO-Core codecs, "Decoding" of httpsig@1.0; RFC 9530 ("Digest Fields"). */
#include "codec/httpsig.h"

/* What an input of `bytes` may take as an annotated message. */
#define ARENA_BASE ((size_t)1 << 20)
#define ARENA_FACTOR 128

static size_t arena_limit(const ao_message *encoded)
{
    ao_limits size = ao_message_size(encoded);
    size_t limit;

    if (__builtin_mul_overflow(size.max_bytes + 16 * size.max_keys, ARENA_FACTOR, &limit))
        return SIZE_MAX;
    return limit < SIZE_MAX - ARENA_BASE ? limit + ARENA_BASE : SIZE_MAX;
}

bool httpsig_is_private(beamr_bytes key)
{
    return text_begins(key, "priv");
}

bool httpsig_is_reserved(beamr_bytes key)
{
    return text_is(key, "signature") || text_is(key, "signature-input") ||
           text_is(key, "content-digest") || text_is(key, "commitments") ||
           text_begins(key, "hashpath");
}

/* ---- Fields ---- */

static beamr_status add_fields(arena *a, const ao_message *encoded, codec_node *node,
                               beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;

    while (ao_message_next(encoded, &cursor, &name, &value)) {
        beamr_bytes key = ao_name_text(name);

        if (value.kind != AO_BINARY)
            return beamr_fail(err, BEAMR_MESSAGE, 0, "the field `%.*s` is no text",
                              (int)(key.len < 80 ? key.len : 80), (const char *)key.data);
        if (!text_is(key, "body") && !httpsig_is_reserved(key))
            BEAMR_TRY(codec_node_add_bytes(a, node, key, ao_bytes(value), value, err));
    }
    return BEAMR_OK;
}

/* ---- The digest of the body ---- */

static beamr_status check_digest(beamr_bytes body, crypto_hash_kind kind, size_t size,
                                 const field_item *member, beamr_error *err)
{
    uint8_t digest[CRYPTO_HASH_MAX];

    if (member->kind != FIELD_BYTES)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "content-digest holds something else");
    BEAMR_TRY(crypto_hash_pieces(kind, &body, 1, digest, err));
    if (!text_equal(member->bytes, (beamr_bytes){digest, size}))
        return beamr_fail(err, BEAMR_MESSAGE, 0, "the body has not its content-digest");
    return BEAMR_OK;
}

/* Algorithms that nobody knows here say nothing. */
static beamr_status check_digests(arena *a, const ao_message *encoded, beamr_bytes body,
                                  bool *is_known, beamr_error *err)
{
    ao_value field = ao_message_find_text(encoded, "content-digest");
    field_dictionary digests;
    const field_item *member;

    *is_known = false;
    if (field.kind == AO_NONE)
        return BEAMR_OK;
    BEAMR_TRY(field_read_dictionary(a, ao_bytes(field), FIELD_STRICT, &digests, err));
    if ((member = field_dictionary_find(&digests, beamr_bytes_of("sha-256")))) {
        BEAMR_TRY(check_digest(body, CRYPTO_SHA256, 32, member, err));
        *is_known = true;
    }
    if ((member = field_dictionary_find(&digests, beamr_bytes_of("sha-512")))) {
        BEAMR_TRY(check_digest(body, CRYPTO_SHA512, 64, member, err));
        *is_known = true;
    }
    return BEAMR_OK;
}

/* ---- The body ---- */

beamr_bytes httpsig_boundary(arena *a, beamr_bytes type)
{
    const field_item *boundary;
    field_item item;

    if (!type.len || field_read_item(a, type, FIELD_STRICT, &item, NULL) != BEAMR_OK)
        return (beamr_bytes){NULL, 0};
    boundary = field_param_find(&item, "boundary");
    if (!boundary || (boundary->kind != FIELD_STRING && boundary->kind != FIELD_TOKEN))
        return (beamr_bytes){NULL, 0};
    return boundary->bytes;
}

/* The message would be written with parts. */
static bool needs_parts(const codec_node *node, beamr_bytes inline_key)
{
    size_t in_body = 0;

    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];

        if (entry->kind == CODEC_NODE)
            return true;
        if (text_is(entry->key, "body") || text_equal(entry->key, inline_key))
            in_body++;
        else if (entry->bytes.len > HTTPSIG_HEADER_MAX)
            return true;
    }
    return in_body > 1;
}

/* Nothing that only the encoding has can come in a part. */
static void drop_reserved(codec_node *node)
{
    size_t kept = 0;

    for (size_t i = 0; i < node->count; i++)
        if (!httpsig_is_reserved(node->entries[i].key))
            node->entries[kept++] = node->entries[i];
    node->count = kept;
}

static beamr_status add_parts(arena *a, ao_value body, beamr_bytes boundary,
                              beamr_bytes inline_key, codec_node **node, beamr_error *err)
{
    BEAMR_TRY(httpsig_read_parts(a, body, boundary, inline_key, node, err));
    drop_reserved(*node);
    if (!needs_parts(*node, inline_key)) {
        /* What the message itself would not be written with is not a part of it. */
        codec_node_remove(*node, "content-type");
        codec_node_remove(*node, "body-keys");
    }
    return BEAMR_OK;
}

static beamr_status add_body(arena *a, const ao_message *encoded, codec_node **node,
                             beamr_error *err)
{
    ao_value body = ao_message_find_text(encoded, "body");
    ao_value named = ao_message_find_text(encoded, "inline-body-key");
    beamr_bytes inline_key = named.kind == AO_BINARY ? ao_bytes(named) : beamr_bytes_of("body");
    beamr_bytes boundary;

    if (!ao_bytes(body).len)
        return codec_node_sort(*node, true, err);
    BEAMR_TRY(codec_normalise(a, &inline_key, err));
    if (!inline_key.len || httpsig_is_private(inline_key) || httpsig_is_reserved(inline_key))
        return beamr_fail(err, BEAMR_MESSAGE, 0,
                          "the body cannot be the key that inline-body-key names");
    boundary = httpsig_boundary(a, ao_bytes(ao_message_find_text(encoded, "content-type")));
    if (boundary.len)
        return add_parts(a, body, boundary, inline_key, node, err);
    BEAMR_TRY(codec_node_add_bytes(a, *node, inline_key, ao_bytes(body), body, err));
    return codec_node_sort(*node, true, err);
}

/* ---- Keys that are ids ---- */

static beamr_status expand_ids(arena *a, codec_node *node, beamr_error *err)
{
    const codec_entry *entry = codec_node_find(node, "ao-ids");
    field_dictionary ids;

    if (!entry || entry->kind != CODEC_BYTES)
        return BEAMR_OK;
    BEAMR_TRY(field_read_dictionary(a, entry->bytes, FIELD_LENIENT, &ids, err));
    codec_node_remove(node, "ao-ids");
    for (size_t i = 0; i < ids.count; i++) {
        const field_param *id = &ids.members[i];

        if (!httpsig_is_id_key(id->key) || httpsig_is_private(id->key) ||
            (id->item.kind != FIELD_STRING && id->item.kind != FIELD_TOKEN))
            return beamr_fail(err, BEAMR_MESSAGE, 0, "ao-ids holds something else than ids");
        BEAMR_TRY(codec_node_add_bytes(a, node, id->key, id->item.bytes, AO_NO_VALUE, err));
    }
    return codec_node_sort(node, true, err);
}

/* ---- All of it ---- */

beamr_status httpsig_decode(arena *a, const ao_message *encoded, codec_node **out,
                            bool *is_digest_known, beamr_error *err)
{
    codec_node *node = codec_node_new(a);

    if (!node)
        return codec_fail_full(a, err);
    BEAMR_TRY(add_fields(a, encoded, node, err));
    BEAMR_TRY(check_digests(a, encoded, ao_bytes(ao_message_find_text(encoded, "body")),
                            is_digest_known, err));
    BEAMR_TRY(add_body(a, encoded, &node, err));
    BEAMR_TRY(expand_ids(a, node, err));
    *out = node;
    return BEAMR_OK;
}

/* Put in commitments, and the form in which the message came if its own would be another. */
static beamr_status with_commitments(arena *a, const ao_message *encoded,
                                     const ao_message *message, const ao_message *commitments,
                                     BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_message *committed = NULL;
    httpsig_message received;
    bool is_canonical;
    beamr_status st;

    BEAMR_TRY(httpsig_is_canonical(a, message, commitments, encoded, &is_canonical, err));
    if (is_canonical)
        return httpsig_put_commitments(message, commitments, NULL, out, err);
    BEAMR_TRY(httpsig_of_fields(a, encoded, &received, err));
    BEAMR_TRY(httpsig_put_commitments(message, commitments, &received, &committed, err));
    st = ao_private_with(committed, HTTPSIG_RECEIVED, ao_message_value(ao_message_ref(encoded)),
                         out, err);
    ao_message_unref(committed);
    return st;
}

beamr_status httpsig_decode_message(ao_context *context, ao_value encoded,
                                    BEAMR_OWN ao_message **out, beamr_error *err)
{
    const ao_message *fields = ao_to_message(encoded);
    ao_message *message = NULL, *commitments = NULL;
    codec_node *node;
    bool is_digest_known;
    beamr_status st;
    arena a;

    if (!fields)
        return beamr_fail(err, BEAMR_MESSAGE, 0,
                          "httpsig@1.0 is decoded from a message of header fields");
    arena_init(&a, arena_limit(fields));
    if ((st = httpsig_decode(&a, fields, &node, &is_digest_known, err)) != BEAMR_OK)
        goto out;
    if ((st = codec_message(node, codec_limits(context), &message, err)) != BEAMR_OK)
        goto out;
    if ((st = httpsig_read_signatures(&a, fields, &commitments, err)) != BEAMR_OK)
        goto out;
    if (commitments) {
        st = with_commitments(&a, fields, message, commitments, out, err);
    } else {
        *out = message;
        message = NULL;
    }
out:
    ao_message_unref(message);
    ao_message_unref(commitments);
    arena_clear(&a);
    return st;
}
