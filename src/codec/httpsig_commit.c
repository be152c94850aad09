/* Commitments of httpsig@1.0: signing, and the hmac that goes with signatures.
 * A signed message has a commitment for each signature, and one more: an hmac over the
 * components of the first. How they are fields of HTTP is httpsig_signatures.c's, checking them
 * httpsig_verify.c's.
 * Source: AO-Core ids, "The hmac commitment" and "Signing". */
#include <stdlib.h>

#include "ao/hashpath.h"
#include "ao/wallet.h"
#include "codec/httpsig.h"

#define SALT_SIZE 64

/* ---- The hmac ---- */

/* Fields that are to be added. */
typedef struct added {
    arena *a;
    const ao_message *message;
    httpsig_field *items;
    size_t count, capacity;
} added;

static beamr_status add_field(added *d, beamr_bytes name, ao_value value, beamr_error *err)
{
    if (d->count == d->capacity) {
        size_t capacity = d->capacity * 2 + 4;
        httpsig_field *items = ARENA_NEW(d->a, httpsig_field, capacity);

        if (!items)
            return codec_fail_full(d->a, err);
        if (d->count)
            memcpy(items, d->items, d->count * sizeof *items);
        d->items = items;
        d->capacity = capacity;
    }
    d->items[d->count++] = (httpsig_field){name, ao_bytes(value), value};
    return BEAMR_OK;
}

/* Those of one commitment. */
static beamr_status collect_hashpaths(added *d, const ao_message *commitment, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;

    while (commitment && ao_message_next(commitment, &cursor, &name, &value)) {
        beamr_bytes key = ao_name_text(name);

        if (text_begins(key, "hashpath") && value.kind == AO_BINARY &&
            ao_message_find(d->message, key).kind == AO_NONE)
            BEAMR_TRY(add_field(d, key, value, err));
    }
    return BEAMR_OK;
}

/* By name; of equal ones the one that was added last comes first. */
static int compare_added(const void *left, const void *right)
{
    const httpsig_field *a = *(httpsig_field *const *)left, *b = *(httpsig_field *const *)right;
    int order = codec_key_compare(a->name, b->name);

    return order ? order : (a < b) - (a > b);
}

/* Merge them into the fields at once: one after the other would take quadratic time. */
static beamr_status merge_fields(added *d, httpsig_message *encoded, beamr_error *err)
{
    size_t capacity = encoded->count + d->count, count = 0, i = 0, j = 0;
    httpsig_field **sorted = ARENA_NEW(d->a, httpsig_field *, d->count);
    httpsig_field *fields = ARENA_NEW(d->a, httpsig_field, capacity);

    if (!sorted || !fields)
        return codec_fail_full(d->a, err);
    for (size_t k = 0; k < d->count; k++)
        sorted[k] = &d->items[k];
    qsort(sorted, d->count, sizeof *sorted, compare_added);
    while (i < encoded->count || j < d->count) {
        int order = i == encoded->count ? 1
                    : j == d->count
                        ? -1
                        : codec_key_compare(encoded->fields[i].name, sorted[j]->name);
        httpsig_field next = order < 0 ? encoded->fields[i] : *sorted[j];

        i += order <= 0;
        while (order >= 0 && j < d->count && text_equal(sorted[j]->name, next.name))
            j++;
        fields[count++] = next;
    }
    encoded->fields = fields;
    encoded->count = count;
    encoded->capacity = capacity;
    return BEAMR_OK;
}

beamr_status httpsig_add_hashpaths(arena *a, const ao_message *message,
                                   const ao_message *commitments, httpsig_message *encoded,
                                   beamr_error *err)
{
    added all = {.a = a, .message = message};
    ao_cursor cursor = {0};
    ao_value value;

    while (commitments && ao_message_next(commitments, &cursor, NULL, &value)) {
        BEAMR_TRY(ao_value_load(value, &value, err));
        BEAMR_TRY(collect_hashpaths(&all, ao_to_message(value), err));
    }
    return all.count ? merge_fields(&all, encoded, err) : BEAMR_OK;
}

static beamr_status make_hmac(const httpsig_signatures *all, BEAMR_OWN ao_message **out,
                              beamr_error *err)
{
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, err);
    ao_builder_put(&builder, "alg", ao_binary_text(HTTPSIG_HMAC));
    ao_builder_put(&builder, "commitment-device", ao_binary_text(HTTPSIG_NAME));
    if (all->first) {
        ao_builder_put(&builder, "signature", ao_binary_copy(all->signature));
        ao_builder_put(&builder, "signature-input", ao_binary_copy(all->input));
    }
    return ao_builder_end(&builder, out);
}

/* The id of the hmac, over the message's own encoding, or the fields that were received. */
static beamr_status hmac_id(arena *a, const ao_message *message, const ao_message *commitments,
                            const httpsig_signatures *all, const httpsig_message *received,
                            uint8_t id[AO_ID_SIZE], bool *is_complete, beamr_error *err)
{
    httpsig_message encoded;

    if (received)
        return httpsig_hmac(a, received, all->first, id, is_complete, err);
    BEAMR_TRY(httpsig_encode_message(a, message, HTTPSIG_ID, NULL, &encoded, err));
    if (all->first)
        BEAMR_TRY(httpsig_add_hashpaths(a, message, commitments, &encoded, err));
    return httpsig_hmac(a, &encoded, all->first, id, is_complete, err);
}

/* `commitments` without the hmacs of this device. */
static beamr_status without_hmacs(const ao_message *commitments, ao_builder *builder,
                                  beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;

    while (ao_message_next(commitments, &cursor, &name, &value)) {
        const ao_message *one;

        BEAMR_TRY(ao_value_load(value, &value, err));
        one = ao_to_message(value);
        if (one && httpsig_is_ours(one) && httpsig_is_hmac(one))
            ao_builder_remove(builder, ao_name_text(name));
    }
    return BEAMR_OK;
}

static beamr_status add_hmac(arena *a, const ao_message *message, const ao_message *commitments,
                             const httpsig_message *received, ao_builder *builder,
                             beamr_error *err)
{
    httpsig_signatures all;
    uint8_t id[AO_ID_SIZE];
    char text[AO_ID_TEXT + 1];
    ao_message *hmac = NULL;
    bool is_complete;

    BEAMR_TRY(without_hmacs(commitments, builder, err));
    BEAMR_TRY(httpsig_merge_signatures(a, commitments, &all, err));
    BEAMR_TRY(hmac_id(a, message, commitments, &all, received, id, &is_complete, err));
    if (!is_complete)
        return BEAMR_OK;
    BEAMR_TRY(make_hmac(&all, &hmac, err));
    crypto_id_text(id, text);
    ao_builder_put(builder, text, ao_message_value(hmac));
    return BEAMR_OK;
}

beamr_status httpsig_put_commitments(const ao_message *message, const ao_message *commitments,
                                     const httpsig_message *received,
                                     BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_message *all = NULL;
    ao_builder builder;
    beamr_status st;
    arena a;

    arena_init(&a, codec_memory(codec_limits(NULL)));
    ao_builder_begin(&builder, commitments, NULL, err);
    st = add_hmac(&a, message, commitments, received, &builder, err);
    arena_clear(&a);
    if (st != BEAMR_OK) {
        ao_builder_drop(&builder);
        return st;
    }
    BEAMR_TRY(ao_builder_end(&builder, &all));
    return ao_message_with(message, "commitments", ao_message_value(all), out, err);
}

/* ---- Signing ---- */

/* The hashpath that the message carries; none when it is no more than its id. */
static beamr_status find_hashpath(ao_context *context, const ao_message *message, ao_value *out,
                                  beamr_error *err)
{
    ao_value stored = ao_private_find(message, "hashpath"), value, path = AO_NO_VALUE;
    beamr_status st;

    *out = AO_NO_VALUE;
    if (stored.kind == AO_BINARY)
        *out = ao_value_ref(stored);
    if (stored.kind == AO_BINARY || !context)
        return BEAMR_OK;
    value = ao_message_value(ao_message_ref(message));
    st = ao_hashpath_of(context, value, &path, err);
    ao_value_unref(value);
    if (st == BEAMR_OK && ao_bytes(path).len > AO_ID_TEXT)
        *out = path;
    else
        ao_value_unref(path);
    return st;
}

/* `;alg="..";keyid=".."`, and `;tag=".."` for a hashpath. */
static beamr_status write_params(arena *a, const ao_wallet *wallet, beamr_bytes hashpath,
                                 beamr_bytes *out, beamr_error *err)
{
    beamr_bytes modulus = ao_wallet_modulus(wallet);
    size_t len = crypto_base64_length(CRYPTO_BASE64URL, modulus.len);
    char *keyid = arena_alloc(a, len, 1);
    field_text text = {.a = a};

    if (!keyid)
        return codec_fail_full(a, err);
    crypto_base64_encode(CRYPTO_BASE64URL, modulus, keyid);
    field_text_add_text(&text, ";alg=\"" HTTPSIG_RSA "\";keyid=");
    field_text_add_string(&text, (beamr_bytes){(const uint8_t *)keyid, len});
    if (hashpath.len) {
        field_text_add_text(&text, ";tag=");
        field_text_add_string(&text, hashpath);
    }
    if (text.is_full)
        return codec_fail_full(a, err);
    *out = field_text_bytes(&text);
    return BEAMR_OK;
}

/* `http-sig-` and the address's bytes 1 to 8, the first one being 0. */
#define MEMBER_SIZE sizeof "http-sig-0011223344556677"

static void member_name(const ao_wallet *wallet, char out[MEMBER_SIZE])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t address[32] = {0};
    char *p = out;

    (void)crypto_id_bytes(beamr_bytes_of(ao_wallet_address(wallet)), address);
    memcpy(p, "http-sig-", 9);
    p += 9;
    for (size_t i = 1; i <= 8; i++) {
        *p++ = digits[address[i] >> 4];
        *p++ = digits[address[i] & 15];
    }
    *p = '\0';
}

/* The list of components and their parameters, as `signature-input` has it: what stands behind
 * the base's last name. */
static beamr_status read_input(arena *a, beamr_bytes base, const char *name, field_item *out,
                               beamr_error *err)
{
    static const char mark[] = "\"@signature-params\": ";
    size_t at = base.len;
    field_dictionary read;
    field_text text = {.a = a};

    while (at && base.data[at - 1] != '\n')
        at--;
    at += sizeof mark - 1;
    field_text_add_text(&text, name);
    field_text_add_text(&text, "=");
    field_text_add(&text, (beamr_bytes){base.data + at, base.len - at});
    if (text.is_full)
        return codec_fail_full(a, err);
    BEAMR_TRY(field_read_dictionary(a, field_text_bytes(&text), FIELD_LENIENT, &read, err));
    *out = read.members[0].item;
    return BEAMR_OK;
}

static beamr_status sign(arena *a, const ao_message *message, beamr_bytes hashpath,
                         const ao_wallet *wallet, char id[AO_ID_TEXT + 1],
                         BEAMR_OWN ao_message **out, beamr_error *err)
{
    const crypto_rsa *key = wallet_key(wallet);
    httpsig_component *components;
    httpsig_message encoded;
    char name[MEMBER_SIZE];
    beamr_bytes params, base;
    uint8_t *signature;
    size_t count;
    httpsig_pair new = {.signature = {.kind = FIELD_BYTES}};

    if (!(signature = arena_alloc(a, crypto_rsa_size(key), 1)))
        return codec_fail_full(a, err);
    member_name(wallet, name);
    BEAMR_TRY(httpsig_encode_message(a, message, HTTPSIG_SIGN, NULL, &encoded, err));
    BEAMR_TRY(httpsig_all_components(a, &encoded, false, &components, &count, err));
    BEAMR_TRY(write_params(a, wallet, hashpath, &params, err));
    BEAMR_TRY(httpsig_base(a, components, count, params, &base, err));
    BEAMR_TRY(read_input(a, base, name, &new.input, err));
    BEAMR_TRY(crypto_rsa_sign(key, CRYPTO_SHA512, SALT_SIZE, base, signature, err));
    new.name = beamr_bytes_of(name);
    new.signature.bytes = (beamr_bytes){signature, crypto_rsa_size(key)};
    return httpsig_make_commitment(a, &new, NULL, id, out, err);
}

/* Add a commitment to those of a message, in place of those of this device by the same
 * committer: fields hold one signature under a name, and the name comes from the committer. */
static beamr_status add_commitment(const ao_message *present, const char *id,
                                   BEAMR_OWN ao_message *new, const char *committer,
                                   BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_builder builder;
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;

    ao_builder_begin(&builder, present, NULL, err);
    while (present && ao_message_next(present, &cursor, &name, &value)) {
        const ao_message *one;
        beamr_status st = ao_value_load(value, &value, err);

        if (st != BEAMR_OK) {
            ao_message_unref(new);
            ao_builder_drop(&builder);
            return st;
        }
        one = ao_to_message(value);
        if (one && httpsig_is_ours(one) &&
            text_is(ao_text(ao_message_find_text(one, "committer")), committer))
            ao_builder_remove(&builder, ao_name_text(name));
    }
    ao_builder_put(&builder, id, ao_message_value(new));
    return ao_builder_end(&builder, out);
}

beamr_status httpsig_commit(ao_context *context, const ao_message *message,
                            const ao_wallet *wallet, BEAMR_OWN ao_message **out,
                            beamr_error *err)
{
    const ao_message *present;
    ao_message *new = NULL, *all = NULL;
    ao_value hashpath = AO_NO_VALUE;
    char id[AO_ID_TEXT + 1];
    beamr_status st;
    arena a;

    arena_init(&a, codec_memory(codec_limits(context)));
    if ((st = find_hashpath(context, message, &hashpath, err)) != BEAMR_OK)
        goto out;
    if ((st = httpsig_commitments(message, &present, err)) != BEAMR_OK)
        goto out;
    if ((st = sign(&a, message, ao_bytes(hashpath), wallet, id, &new, err)) != BEAMR_OK)
        goto out;
    if ((st = add_commitment(present, id, new, ao_wallet_address(wallet), &all, err)) !=
        BEAMR_OK)
        goto out;
    st = httpsig_put_commitments(message, all, NULL, out, err);
out:
    ao_value_unref(hashpath);
    ao_message_unref(all);
    arena_clear(&a);
    return st;
}
