/* ans104@1.0: messages as data items of Arweave, and their signatures.
 * What is signed is the deep hash of the item that a message is encoded as, so that verifying
 * encodes anew: every key of a valid message is committed. An empty binary can be encoded in
 * two ways, as an empty tag or as a note of its type; a signed message is encoded in the way
 * for which its signature is right.
 * The layout of items, and where the parts of this codec are, is in ans104.h.
 * Source: ANS-104; AO-Core codecs, "ans104@1.0"; ids, "ANS-104 items". */
#include <stdlib.h>

#include "ao/hashpath.h"
#include "ao/match.h"
#include "ao/wallet.h"
#include "codec/ans104.h"
#include "codec/codecs.h"
#include "crypto/sha256.h"

enum { SALT_SIZE = 32, MEMORY_MIN = 1 << 16, MEMORY_PER_BYTE = 1024, FIXED_MAX = 16 };

/* An item that is being written, and what it needs. */
typedef struct draft {
    arena a;
    const ao_message *message;
    ao_message *without_defaults; /* owned; NULL if that is `message` as it was */
    codec_node *node;
    ans104_commitment commitment;
    ans104_plan *plan;
    uint8_t *bytes; /* plan->size; owned */
    beamr_error *err;
} draft;

static void draft_init(draft *d, ao_context *context, const ao_message *message,
                       beamr_error *err)
{
    *d = (draft){.message = message, .err = err};
    arena_init(&d->a, codec_memory(codec_limits(context)));
}

static void draft_clear(draft *d)
{
    free(d->bytes);
    ao_message_unref(d->without_defaults);
    arena_clear(&d->a);
}

/* Does a value hold fields of transactions that say nothing? They are dropped by who reads an
 * item, so that none is to be written. Recursive to the depth that messages have. */
static bool has_defaults(ao_value value)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value item;

    if (value.kind == AO_LINK && ao_value_load(value, &value, NULL) != BEAMR_OK)
        return false; /* annotating fails too */
    for (size_t i = 0; i < ao_list_count(value); i++)
        if (has_defaults(ao_list_at(value, i)))
            return true;
    if (value.kind != AO_MESSAGE)
        return false;
    while (ao_message_next(ao_to_message(value), &cursor, &key, &item))
        if (ao_is_transaction_default(ao_name_text(key), item) || has_defaults(item))
            return true;
    return false;
}

static beamr_status draft_drop_defaults(draft *d)
{
    ao_message *message = NULL;
    codec_node *node;

    if (!has_defaults((ao_value){.kind = AO_MESSAGE, .of.message = (ao_message *)d->message}))
        return BEAMR_OK;
    BEAMR_TRY(codec_annotate(&d->a, d->message, NULL, &node, d->err));
    BEAMR_TRY(codec_message(node, NULL, &message, d->err));
    d->message = d->without_defaults = message;
    return BEAMR_OK;
}

static beamr_status draft_annotate(draft *d, bool without_commitments)
{
    const codec_annotate_options options = {.without_commitments = without_commitments};

    BEAMR_TRY(draft_drop_defaults(d));
    return codec_annotate(&d->a, d->message, &options, &d->node, d->err);
}

/* Plan and write the item of what was annotated. */
static beamr_status draft_write(draft *d)
{
    BEAMR_TRY(ans104_plan_node(&d->a, d->node, &d->commitment, false, &d->plan, d->err));
    free(d->bytes);
    if (!(d->bytes = malloc(d->plan->size)))
        return beamr_fail(d->err, BEAMR_NO_MEMORY, 0, "no memory for an item of %zu bytes",
                          d->plan->size);
    return ans104_plan_write(d->plan, d->bytes, d->err);
}

/* ---- Signatures ---- */

/* Why an item cannot be signed, or NULL. */
static const char *limit_broken(const ans104_tags *tags)
{
    if (tags->count > ANS104_SIGNED_TAGS)
        return "a signed item has at most 128 tags";
    for (size_t i = 0; i < tags->count; i++) {
        if (tags->items[i].name.len > ANS104_SIGNED_NAME)
            return "the name of a tag of a signed item has at most 1024 bytes";
        if (tags->items[i].value.len > ANS104_SIGNED_VALUE)
            return "the value of a tag of a signed item has at most 3072 bytes";
    }
    return NULL;
}

static beamr_status check_signature(const ans104_item *item, bool *is_valid, const char **why,
                                    beamr_error *err)
{
    uint8_t digest[ANS104_DIGEST_SIZE];
    crypto_rsa *key = NULL;
    beamr_error refused = {0};
    beamr_status st;

    *is_valid = false;
    if ((*why = limit_broken(&item->tags)))
        return BEAMR_OK;
    st = crypto_rsa_public(item->owner, &key, &refused);
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(err, st, 0, "%s", refused.text);
    *why = "the owner is no RSA key";
    if (st != BEAMR_OK)
        return BEAMR_OK;
    st = ans104_digest(item, true, digest, err);
    if (st == BEAMR_OK)
        st = crypto_rsa_verify(key, CRYPTO_SHA256, (beamr_bytes){digest, sizeof digest},
                               item->signature, is_valid, err);
    *why = *is_valid ? NULL : "the signature is not that of the message";
    crypto_rsa_unref(key);
    return st;
}

/* Annotate anew, with empty binaries as empty tags. */
static beamr_status draft_write_bare(draft *d, bool *changed)
{
    BEAMR_TRY(draft_annotate(d, true));
    BEAMR_TRY(ans104_bare(&d->a, d->node, d->message, changed, d->err));
    return *changed ? draft_write(d) : BEAMR_OK;
}

/* Write the item of a signed message, the way its signature is for. */
static beamr_status draft_write_signed(draft *d, bool *is_valid, const char **why)
{
    bool changed;

    BEAMR_TRY(draft_write(d));
    BEAMR_TRY(check_signature(&d->plan->item, is_valid, why, d->err));
    if (*is_valid || d->commitment.has_tags)
        return BEAMR_OK;
    BEAMR_TRY(draft_write_bare(d, &changed));
    if (changed)
        BEAMR_TRY(check_signature(&d->plan->item, is_valid, why, d->err));
    if (changed && !*is_valid) {
        BEAMR_TRY(draft_annotate(d, true));
        return draft_write(d);
    }
    return BEAMR_OK;
}

/* ---- Encoding and decoding ---- */

static bool has_empty_binary(const ao_message *message)
{
    ao_cursor cursor = {0};
    ao_value value;

    while (ao_message_next(message, &cursor, NULL, &value))
        if (value.kind == AO_BINARY && !ao_bytes(value).len)
            return true;
    return false;
}

static void release(void *data, void *user)
{
    (void)user;
    free(data);
}

static beamr_status write_message(draft *d)
{
    const char *why;
    bool is_valid;

    BEAMR_TRY(draft_annotate(d, false));
    BEAMR_TRY(ans104_commitment_of(&d->a, d->node, &d->commitment, d->err));
    if (d->commitment.is_signed && !d->commitment.has_tags && has_empty_binary(d->message))
        return draft_write_signed(d, &is_valid, &why);
    return draft_write(d);
}

static beamr_status encode(ao_context *context, const ao_message *message, ao_value *out,
                           beamr_error *err)
{
    beamr_status st;
    ao_value item;
    draft d;

    draft_init(&d, context, message, err);
    if ((st = write_message(&d)) != BEAMR_OK)
        goto out;
    item = ao_binary_adopt(d.bytes, d.plan->size, release, NULL);
    d.bytes = NULL;
    if (item.kind == AO_NONE)
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an item");
    else
        *out = item;
out:
    draft_clear(&d);
    return st;
}

static size_t memory_for(size_t len, const ao_limits *limits)
{
    size_t memory, most = codec_memory(limits);

    if (__builtin_mul_overflow(len, (size_t)MEMORY_PER_BYTE, &memory) || memory > most)
        return most;
    return memory + MEMORY_MIN;
}

static beamr_status decode(ao_context *context, ao_value encoded, ao_message **out,
                           beamr_error *err)
{
    const ao_limits *limits = codec_limits(context);
    beamr_bytes bytes = ao_bytes(encoded);
    codec_node *node;
    beamr_status st;
    arena a;

    if (encoded.kind != AO_BINARY)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "ans104: an item is a binary");
    arena_init(&a, memory_for(bytes.len, limits));
    ans104_reader reader = {.a = &a,
                            .origin = bytes.data,
                            .owner = encoded,
                            .limits = limits,
                            .keys_left = limits->max_keys,
                            .bytes_left = bytes.len * ANS104_SHARED_MAX,
                            .err = err};
    st = ans104_decode_node(&reader, bytes, &node);
    if (st == BEAMR_OK)
        st = codec_message(node, limits, out, err);
    arena_clear(&a);
    return st;
}

/* ---- Signing ---- */

/* The hashpath that the message carries, which becomes a tag. */
static beamr_status find_hashpath(draft *d, ao_context *context)
{
    ao_value value = AO_NO_VALUE;
    beamr_bytes text;
    char *copy;

    BEAMR_TRY(ao_hashpath_find(context, d->message, &value, d->err));
    text = ao_bytes(value);
    copy = arena_text(&d->a, text.len ? text.data : (const uint8_t *)"", text.len);
    ao_value_unref(value);
    if (!copy)
        return codec_fail_full(&d->a, d->err);
    d->commitment.hashpath = (beamr_bytes){(const uint8_t *)copy, text.len};
    return BEAMR_OK;
}

static beamr_status sign(draft *d, ao_context *context, const ao_wallet *wallet,
                         uint8_t signature[ANS104_KEY_SIZE])
{
    const crypto_rsa *key = wallet_key(wallet);
    uint8_t digest[ANS104_DIGEST_SIZE];
    const char *why;

    if (crypto_rsa_size(key) != ANS104_KEY_SIZE)
        return beamr_fail(d->err, BEAMR_ENCODING, 0,
                          "ans104: a key of %zu bytes; an item has room for one of %d",
                          crypto_rsa_size(key), ANS104_KEY_SIZE);
    d->commitment.is_signed = true;
    d->commitment.owner = ao_wallet_modulus(wallet);
    BEAMR_TRY(find_hashpath(d, context));
    BEAMR_TRY(draft_annotate(d, true));
    BEAMR_TRY(draft_write(d));
    if ((why = limit_broken(&d->plan->item.tags)))
        return beamr_fail(d->err, BEAMR_ENCODING, 0, "ans104: %s", why);
    BEAMR_TRY(ans104_digest(&d->plan->item, true, digest, d->err));
    d->commitment.signature = (beamr_bytes){signature, ANS104_KEY_SIZE};
    return crypto_rsa_sign(key, CRYPTO_SHA256, SALT_SIZE, (beamr_bytes){digest, sizeof digest},
                           signature, d->err);
}

/* The message with the commitment, instead of those that it had. */
static beamr_status with_commitment(draft *d, const ao_message *message, ao_message **out)
{
    codec_node *node = codec_node_new(&d->a);
    ao_message *holder = NULL;
    beamr_status st;

    if (!node)
        return codec_fail_full(&d->a, d->err);
    BEAMR_TRY(ans104_commitment_add(&d->a, node, &d->commitment, d->err));
    BEAMR_TRY(codec_message(node, NULL, &holder, d->err));
    st =
        ao_message_with(message, "commitments",
                        ao_value_ref(ao_message_find_text(holder, "commitments")), out, d->err);
    ao_message_unref(holder);
    return st;
}

static beamr_status commit(ao_context *context, const ao_message *message,
                           const ao_wallet *wallet, ao_message **out, beamr_error *err)
{
    uint8_t signature[ANS104_KEY_SIZE];
    beamr_status st;
    draft d;

    draft_init(&d, context, message, err);
    st = sign(&d, context, wallet, signature);
    if (st == BEAMR_OK)
        st = with_commitment(&d, message, out);
    draft_clear(&d);
    return st;
}

/* ---- Verifying ---- */

/* A failure that lies in the message: it is not valid. */
static beamr_status as_invalid(beamr_status st, const beamr_error *failure, const char *text,
                               const char **why, beamr_error *err)
{
    if (st != BEAMR_ENCODING)
        return st == BEAMR_OK ? st : beamr_fail(err, st, failure->offset, "%s", failure->text);
    *why = text;
    return BEAMR_OK;
}

static beamr_status read_commitment(draft *d, beamr_bytes id, const ao_message *commitment)
{
    codec_node *node;

    BEAMR_TRY(codec_annotate(&d->a, commitment, NULL, &node, d->err));
    return ans104_commitment_read(&d->a, id, node, &d->commitment, d->err);
}

static beamr_status write_for(draft *d, bool *is_valid, const char **why)
{
    BEAMR_TRY(draft_annotate(d, true));
    return draft_write_signed(d, is_valid, why);
}

/* Check a commitment; the draft is then that of the item. */
static beamr_status check(draft *d, beamr_bytes id, const ao_message *commitment,
                          bool *is_valid, const char **why)
{
    beamr_error failure = {0}, *err = d->err;
    beamr_status st;

    *is_valid = false;
    *why = NULL;
    d->err = &failure;
    st = read_commitment(d, id, commitment);
    if (st == BEAMR_OK && d->commitment.is_signed)
        st = write_for(d, is_valid, why);
    else
        *why = st == BEAMR_OK ? "it is not signed" : NULL;
    d->err = err;
    if (st != BEAMR_OK)
        *is_valid = false;
    return as_invalid(st, &failure,
                      "the commitment and the keys of the message do not make an item", why,
                      err);
}

static beamr_status verify(ao_context *context, const ao_message *message, beamr_bytes id,
                           const ao_message *commitment, bool *is_valid, const char **why,
                           beamr_error *err)
{
    const char *text;
    beamr_status st;
    draft d;

    draft_init(&d, context, message, err);
    st = check(&d, id, commitment, is_valid, &text);
    if (why && text)
        *why = text;
    draft_clear(&d);
    return st;
}

/* ---- What is committed ---- */

/* Texts that are collected, later sorted, each once. */
typedef struct names {
    beamr_bytes *items;
    size_t count;
} names;

static int compare_names(const void *a, const void *b)
{
    return codec_key_compare(*(const beamr_bytes *)a, *(const beamr_bytes *)b);
}

static beamr_status collect(draft *d, const ao_message *message, names *out)
{
    /* What upstream lists beside the keys, whether a message has them or not. */
    static const char *const fixed[] = {"alg",     "commitments", "committer", "data",  "id",
                                        "last_tx", "owner",       "signature", "target"};
    const ans104_tags *tags = &d->plan->item.tags;
    ao_cursor cursor = {0};
    const ao_name *key;

    out->items =
        ARENA_NEW(&d->a, beamr_bytes, ao_message_count(message) + tags->count + FIXED_MAX);
    if (!out->items)
        return codec_fail_full(&d->a, d->err);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        out->items[out->count++] = beamr_bytes_of(fixed[i]);
    for (size_t i = 0; i < tags->count; i++)
        if (!ans104_key(&d->a, tags->items[i].name, &out->items[out->count++]))
            return codec_fail_full(&d->a, d->err);
    while (ao_message_next(message, &cursor, &key, NULL)) {
        beamr_bytes text = ao_name_text(key);

        if (!text_is(text, "content-digest") && !text_is(text, "unsigned_id"))
            out->items[out->count++] = text;
    }
    qsort(out->items, out->count, sizeof *out->items, compare_names);
    return BEAMR_OK;
}

static beamr_status list_names(draft *d, const names *all, ao_value *out)
{
    ao_value *items = ARENA_NEW(&d->a, ao_value, all->count);
    size_t count = 0;

    if (!items)
        return codec_fail_full(&d->a, d->err);
    for (size_t i = 0; i < all->count; i++)
        if (i == 0 || !text_equal(all->items[i - 1], all->items[i]))
            items[count++] = ao_binary_copy(all->items[i]);
    *out = ao_list_new(items, count);
    if (out->kind == AO_NONE)
        return beamr_fail(d->err, BEAMR_NO_MEMORY, 0, "no memory for a list");
    return BEAMR_OK;
}

static beamr_status committed(ao_context *context, const ao_message *message, beamr_bytes id,
                              const ao_message *commitment, ao_value *out, beamr_error *err)
{
    names all = {NULL, 0};
    const char *why;
    beamr_status st;
    bool is_valid;
    draft d;

    draft_init(&d, context, message, err);
    st = check(&d, id, commitment, &is_valid, &why);
    if (st == BEAMR_OK && is_valid)
        st = collect(&d, message, &all);
    if (st == BEAMR_OK)
        st = list_names(&d, &all, out);
    draft_clear(&d);
    return st;
}

const ao_codec codec_ans104 = {
    .name = ANS104_DEVICE,
    .content_type = "application/ans104",
    .encode = encode,
    .decode = decode,
    .commit = commit,
    .verify = verify,
    .committed = committed,
};
