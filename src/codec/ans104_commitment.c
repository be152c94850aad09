/* Commitments of ans104@1.0 in annotated messages: under `commitments`, by its id,
 *
 *   commitment-device  ans104@1.0
 *   alg                rsa-pss, or `unsigned` when it only keeps tags
 *   committer          address of the owner
 *   owner, signature   512 bytes each
 *   hashpath           when the item has a tag of this name
 *   original-tags      {1: {name, value}, 2: ...}, when the message does not give the tags anew
 *
 * The id of an item that is not signed is 32 zero bytes. An item has room for one signature.
 * Source: AO-Core messages, "Commitments"; codecs, "Item to TABM". */
#include <stdio.h>

#include "codec/ans104.h"
#include "codec/structured.h"
#include "crypto/base64.h"
#include "crypto/sha256.h"

enum { INDEX_SIZE = 24 }; /* decimal text of a size_t */

static beamr_status fail(beamr_error *err, const char *why)
{
    return beamr_fail(err, BEAMR_ENCODING, 0, "ans104: %s", why);
}

/* The id and the committer that owner and signature give, as texts. */
static beamr_status ids_of(const ans104_commitment *c, char id[AO_ID_TEXT + 1],
                           char committer[AO_ID_TEXT + 1], beamr_error *err)
{
    uint8_t digest[ANS104_ID_SIZE] = {0};

    if (c->is_signed)
        BEAMR_TRY(crypto_sha256(c->signature, digest, err));
    crypto_id_text(digest, id);
    if (c->is_signed)
        BEAMR_TRY(crypto_sha256(c->owner, digest, err));
    crypto_id_text(digest, committer);
    return BEAMR_OK;
}

/* ---- Reading ---- */

/* The bytes of a key; none when it is absent or no binary. */
static beamr_bytes bytes_of(const codec_node *node, const char *key)
{
    const codec_entry *entry = codec_node_find(node, key);

    return entry && entry->kind == CODEC_BYTES ? entry->bytes : (beamr_bytes){NULL, 0};
}

static beamr_status check_keys(const codec_node *node, beamr_error *err)
{
    static const char *const known[] = {
        "commitment-device", "alg",      "committer",     "owner",
        "signature",         "hashpath", "original-tags", CODEC_TYPES};
    char show[CODEC_SHOW_SIZE];

    for (size_t i = 0; i < node->count; i++) {
        size_t k = 0;

        while (k < sizeof known / sizeof known[0] && !text_is(node->entries[i].key, known[k]))
            k++;
        if (k == sizeof known / sizeof known[0])
            return beamr_fail(err, BEAMR_ENCODING, 0,
                              "ans104: an item has no room for key `%s` of a commitment",
                              codec_show_key(node->entries[i].key, show));
    }
    return BEAMR_OK;
}

static beamr_status read_tags(arena *a, const codec_node *node, ans104_tags *out,
                              beamr_error *err)
{
    size_t count = node->count - (codec_node_find(node, CODEC_TYPES) ? 1 : 0);
    char index[INDEX_SIZE];

    if (!(out->items = ARENA_NEW(a, ans104_tag, count)))
        return codec_fail_full(a, err);
    for (out->count = 0; out->count < count; out->count++) {
        const codec_entry *entry;

        snprintf(index, sizeof index, "%zu", out->count + 1);
        entry = codec_node_find(node, index);
        if (!entry || entry->kind != CODEC_NODE)
            return beamr_fail(err, BEAMR_ENCODING, 0,
                              "ans104: original tag %s is not there, or no message", index);
        out->items[out->count].name = bytes_of(entry->node, "name");
        out->items[out->count].value = bytes_of(entry->node, "value");
    }
    return BEAMR_OK;
}

static beamr_status read_signature(const codec_node *node, beamr_bytes id,
                                   ans104_commitment *out, beamr_error *err)
{
    char id_text[AO_ID_TEXT + 1], committer[AO_ID_TEXT + 1];

    out->is_signed = text_is(bytes_of(node, "alg"), "rsa-pss");
    if (!out->is_signed && !text_is(bytes_of(node, "alg"), "unsigned"))
        return fail(err, "the `alg` of a commitment is neither rsa-pss nor unsigned");
    out->owner = bytes_of(node, "owner");
    out->signature = bytes_of(node, "signature");
    out->hashpath = bytes_of(node, "hashpath");
    if (!out->is_signed && (out->owner.len || out->signature.len || out->hashpath.len))
        return fail(err, "a commitment with the `alg` unsigned has parts of a signature");
    if (out->is_signed &&
        (out->owner.len != ANS104_KEY_SIZE || out->signature.len != ANS104_KEY_SIZE ||
         ans104_is_zero(out->owner) || ans104_is_zero(out->signature)))
        return fail(err, "owner and signature of a commitment must be of 512 bytes");
    BEAMR_TRY(ids_of(out, id_text, committer, err));
    if (!text_is(id, id_text))
        return fail(err, "the id of the commitment is not that of its signature");
    if (out->is_signed && !text_is(bytes_of(node, "committer"), committer))
        return fail(err, "the committer is not the owner's address");
    return BEAMR_OK;
}

beamr_status ans104_commitment_read(arena *a, beamr_bytes id, const codec_node *node,
                                    ans104_commitment *out, beamr_error *err)
{
    const codec_entry *tags = codec_node_find(node, "original-tags");
    char show[CODEC_SHOW_SIZE];

    *out = (ans104_commitment){0};
    if (!text_is(bytes_of(node, "commitment-device"), ANS104_DEVICE))
        return beamr_fail(err, BEAMR_ENCODING, 0,
                          "ans104: an item has no room for a commitment of `%s`",
                          codec_show_key(bytes_of(node, "commitment-device"), show));
    BEAMR_TRY(check_keys(node, err));
    BEAMR_TRY(read_signature(node, id, out, err));
    if (!tags)
        return BEAMR_OK;
    if (tags->kind != CODEC_NODE)
        return fail(err, "original tags that are no message");
    out->has_tags = true;
    return read_tags(a, tags->node, &out->tags, err);
}

beamr_status ans104_commitment_of(arena *a, const codec_node *node, ans104_commitment *out,
                                  beamr_error *err)
{
    const codec_entry *all = codec_node_find(node, "commitments"), *one;

    if (!all)
        return BEAMR_OK;
    if (all->kind != CODEC_NODE || !all->node->count)
        return fail(err, "key `commitments` holds no commitments");
    one = &all->node->entries[0];
    if (all->node->count > 1)
        return beamr_fail(err, BEAMR_ENCODING, 0,
                          "ans104: the message has %zu commitments, an item has room for one",
                          all->node->count);
    if (one->kind != CODEC_NODE)
        return fail(err, "key `commitments` holds no commitments");
    return ans104_commitment_read(a, one->key, one->node, out, err);
}

/* ---- Making ---- */

/* A node that is being made: the first failure is kept. */
typedef struct maker {
    arena *a;
    beamr_status status;
    beamr_error *err;
} maker;

static codec_node *make_node(maker *m, size_t count)
{
    codec_node *node;

    if (m->status != BEAMR_OK)
        return NULL;
    if ((node = codec_node_new(m->a)) && codec_node_reserve(m->a, node, count))
        return node;
    m->status = codec_fail_full(m->a, m->err);
    return NULL;
}

static void put(maker *m, codec_node *node, const char *key, beamr_bytes bytes)
{
    if (m->status == BEAMR_OK)
        m->status =
            codec_node_add_bytes(m->a, node, beamr_bytes_of(key), bytes, AO_NO_VALUE, m->err);
}

static void put_text(maker *m, codec_node *node, const char *key, const char *text)
{
    char *copy;

    if (m->status == BEAMR_OK && !(copy = arena_text(m->a, text, strlen(text))))
        m->status = codec_fail_full(m->a, m->err);
    else if (m->status == BEAMR_OK)
        put(m, node, key, beamr_bytes_of(copy));
}

/* Take over `inner` under a key that is copied. */
static void put_node(maker *m, codec_node *node, const char *key, codec_node *inner)
{
    char *copy;

    if (m->status != BEAMR_OK)
        return;
    if (!(copy = arena_text(m->a, key, strlen(key))))
        m->status = codec_fail_full(m->a, m->err);
    else
        m->status = codec_node_add_node(m->a, node, beamr_bytes_of(copy), inner, m->err);
}

static void sort(maker *m, codec_node *node)
{
    if (m->status == BEAMR_OK)
        m->status = codec_node_sort(node, true, m->err);
}

static codec_node *make_tags(maker *m, const ans104_tags *tags)
{
    codec_node *node = make_node(m, tags->count);
    char index[INDEX_SIZE];

    for (size_t i = 0; i < tags->count && m->status == BEAMR_OK; i++) {
        codec_node *tag = make_node(m, 2);

        put(m, tag, "name", tags->items[i].name);
        put(m, tag, "value", tags->items[i].value);
        snprintf(index, sizeof index, "%zu", i + 1);
        put_node(m, node, index, tag);
    }
    sort(m, node);
    return node;
}

static codec_node *make_commitment(maker *m, const ans104_commitment *c, const char *committer)
{
    codec_node *node = make_node(m, 7);

    put(m, node, "alg", beamr_bytes_of(c->is_signed ? "rsa-pss" : "unsigned"));
    put(m, node, "commitment-device", beamr_bytes_of(ANS104_DEVICE));
    if (c->is_signed)
        put_text(m, node, "committer", committer);
    if (c->hashpath.len)
        put(m, node, "hashpath", c->hashpath);
    if (c->has_tags)
        put_node(m, node, "original-tags", make_tags(m, &c->tags));
    if (c->is_signed) {
        put(m, node, "owner", c->owner);
        put(m, node, "signature", c->signature);
    }
    sort(m, node);
    return node;
}

beamr_status ans104_commitment_add(arena *a, codec_node *node, const ans104_commitment *c,
                                   beamr_error *err)
{
    char id[AO_ID_TEXT + 1], committer[AO_ID_TEXT + 1];
    maker m = {a, BEAMR_OK, err};
    codec_node *all, *inner;
    codec_entry *entry;

    BEAMR_TRY(ids_of(c, id, committer, err));
    all = make_node(&m, 1);
    inner = make_commitment(&m, c, committer);
    put_node(&m, all, id, inner);
    if (m.status != BEAMR_OK)
        return m.status;
    if (!(entry = codec_node_insert(a, node, beamr_bytes_of("commitments"))))
        return codec_fail_full(a, err);
    entry->kind = CODEC_NODE;
    entry->node = all;
    return BEAMR_OK;
}
