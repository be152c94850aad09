/* Signatures as fields and as commitments.
 * The fields `signature` and `signature-input` of HTTP are dictionaries of all signatures; in a
 * message each has a commitment of its own. Here one is made of the other, both ways. Making
 * and checking signatures are httpsig_commit.c's and httpsig_verify.c's.
 * Source: AO-Core messages, "Shape" of commitments; codecs, "Decoding" of httpsig@1.0;
 * RFC 9421, "Including a Message Signature in a Message". */
#include <stdlib.h>

#include "codec/httpsig.h"
#include "crypto/sha256.h"

#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 1024

beamr_status httpsig_commitments(const ao_message *message, const ao_message **out,
                                 beamr_error *err)
{
    ao_value value;

    BEAMR_TRY(ao_message_get(message, beamr_bytes_of("commitments"), &value, err));
    *out = ao_to_message(value);
    return BEAMR_OK;
}

bool httpsig_is_ours(const ao_message *commitment)
{
    return text_is(ao_text(ao_message_find_text(commitment, "commitment-device")),
                   HTTPSIG_NAME);
}

bool httpsig_is_hmac(const ao_message *commitment)
{
    return text_is(ao_text(ao_message_find_text(commitment, "alg")), HTTPSIG_HMAC);
}

/* ---- Dictionaries of signatures ---- */

static beamr_status add_pair(arena *a, httpsig_pairs *p, const httpsig_pair *new,
                             beamr_error *err)
{
    if (p->count == p->capacity) {
        size_t capacity = p->capacity * 2 + 2;
        httpsig_pair *items = ARENA_NEW(a, httpsig_pair, capacity);

        if (!items)
            return codec_fail_full(a, err);
        if (p->count)
            memcpy(items, p->items, p->count * sizeof *items);
        p->items = items;
        p->capacity = capacity;
    }
    p->items[p->count++] = *new;
    return BEAMR_OK;
}

/* By name; of equal ones always the same comes first. */
static int compare_pairs(const void *left, const void *right)
{
    const httpsig_pair *a = left, *b = right;
    int order = codec_key_compare(a->name, b->name);

    return order ? order : codec_key_compare(a->signature.bytes, b->signature.bytes);
}

/* Read both dictionaries; each member of one has its like in the other. */
static beamr_status read_pairs(arena *a, beamr_bytes signature, beamr_bytes input,
                               httpsig_pairs *out, beamr_error *err)
{
    field_dictionary signatures, inputs;

    BEAMR_TRY(field_read_dictionary(a, signature, FIELD_STRICT, &signatures, err));
    BEAMR_TRY(field_read_dictionary(a, input, FIELD_LENIENT, &inputs, err));
    if (signatures.count > HTTPSIG_SIGNATURES_MAX || inputs.count > HTTPSIG_SIGNATURES_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "more than %d signatures",
                          HTTPSIG_SIGNATURES_MAX);
    for (size_t i = 0; i < signatures.count; i++) {
        const field_param *member = &signatures.members[i];
        const field_item *found = field_dictionary_find(&inputs, member->key);

        if (member->item.kind != FIELD_BYTES || !found || found->kind != FIELD_INNER_LIST)
            return beamr_fail(err, BEAMR_MESSAGE, 0,
                              "a signature that is no bytes, or without its signature-input");
        BEAMR_TRY(add_pair(a, out, &(httpsig_pair){member->key, member->item, *found}, err));
    }
    if (signatures.count != inputs.count)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "a signature-input without its signature");
    return BEAMR_OK;
}

/* One of two texts that go with each other. */
static beamr_status write_pairs(arena *a, const httpsig_pairs *p, bool is_input,
                                beamr_bytes *out, beamr_error *err)
{
    field_text text = {.a = a};

    for (size_t i = 0; i < p->count; i++)
        field_text_add_member(
            &text, &(field_param){p->items[i].name,
                                  is_input ? p->items[i].input : p->items[i].signature});
    if (text.is_full)
        return codec_fail_full(a, err);
    *out = field_text_bytes(&text);
    return BEAMR_OK;
}

beamr_status httpsig_read_pairs(arena *a, const ao_message *from, httpsig_pairs *out,
                                beamr_error *err)
{
    *out = (httpsig_pairs){NULL, 0, 0};
    return read_pairs(a, ao_text(ao_message_find_text(from, "signature")),
                      ao_text(ao_message_find_text(from, "signature-input")), out, err);
}

/* The signatures of one commitment; what cannot be read is none. */
static beamr_status collect_pairs(arena *a, const ao_message *commitment, httpsig_pairs *out,
                                  beamr_error *err)
{
    httpsig_pairs own;

    if (!httpsig_is_ours(commitment) || httpsig_is_hmac(commitment) ||
        httpsig_read_pairs(a, commitment, &own, NULL) != BEAMR_OK)
        return BEAMR_OK;
    for (size_t i = 0; i < own.count; i++)
        BEAMR_TRY(add_pair(a, out, &own.items[i], err));
    return BEAMR_OK;
}

static void drop_doubles(httpsig_pairs *p)
{
    size_t kept = 0;

    for (size_t i = 0; i < p->count; i++)
        if (!kept || !text_equal(p->items[kept - 1].name, p->items[i].name))
            p->items[kept++] = p->items[i];
    p->count = kept;
}

beamr_status httpsig_merge_signatures(arena *a, const ao_message *commitments,
                                      httpsig_signatures *out, beamr_error *err)
{
    httpsig_pairs all = {NULL, 0, 0};
    ao_cursor cursor = {0};
    ao_value value;

    *out = (httpsig_signatures){.first = NULL};
    while (commitments && ao_message_next(commitments, &cursor, NULL, &value)) {
        BEAMR_TRY(ao_value_load(value, &value, err));
        if (ao_to_message(value))
            BEAMR_TRY(collect_pairs(a, ao_to_message(value), &all, err));
    }
    if (!all.count)
        return BEAMR_OK;
    qsort(all.items, all.count, sizeof *all.items, compare_pairs);
    drop_doubles(&all);
    BEAMR_TRY(write_pairs(a, &all, false, &out->signature, err));
    BEAMR_TRY(write_pairs(a, &all, true, &out->input, err));
    out->first = &all.items[0].input;
    return BEAMR_OK;
}

/* ---- Commitments that were received ---- */

bool httpsig_address(arena *a, beamr_bytes keyid, char address[AO_ADDRESS_TEXT + 1],
                     beamr_bytes *modulus)
{
    uint8_t *bytes, digest[32];
    size_t len;

    if (keyid.len > 2 * RSA_BYTES_MAX ||
        !(bytes = arena_alloc(a, crypto_base64_size(keyid.len), 1)) ||
        crypto_base64_decode(CRYPTO_BASE64URL, keyid, bytes, &len, NULL) != BEAMR_OK ||
        len < RSA_BYTES_MIN || len > RSA_BYTES_MAX)
        return false;
    *modulus = (beamr_bytes){bytes, len};
    if (crypto_sha256(*modulus, digest, NULL) != BEAMR_OK)
        return false;
    crypto_id_text(digest, address);
    return true;
}

static void put_param(ao_builder *builder, const field_item *input, const char *name)
{
    const field_item *param = field_param_find(input, name);

    if (param && (param->kind == FIELD_STRING || param->kind == FIELD_TOKEN))
        ao_builder_put(builder, name, ao_binary_copy(param->bytes));
}

/* Values of components `hashpath...`, which are no keys of the message. */
static void put_hashpaths(ao_builder *builder, const field_item *input,
                          const ao_message *encoded)
{
    for (size_t i = 0; encoded && i < input->count; i++) {
        beamr_bytes name = input->items[i].bytes;

        if (input->items[i].kind == FIELD_STRING && text_begins(name, "hashpath")) {
            ao_value value = ao_message_find(encoded, name);

            if (value.kind == AO_BINARY)
                ao_builder_put_key(builder, name, ao_value_ref(value));
        }
    }
}

beamr_status httpsig_make_commitment(arena *a, const httpsig_pair *p, const ao_message *encoded,
                                     char id[AO_ID_TEXT + 1], BEAMR_OWN ao_message **out,
                                     beamr_error *err)
{
    const field_item *keyid = field_param_find(&p->input, "keyid");
    const httpsig_pairs alone = {(httpsig_pair *)(uintptr_t)p, 1, 1};
    char address[AO_ADDRESS_TEXT + 1];
    beamr_bytes modulus, signature, input;
    ao_builder builder;
    uint8_t digest[32];

    BEAMR_TRY(crypto_sha256(p->signature.bytes, digest, err));
    crypto_id_text(digest, id);
    BEAMR_TRY(write_pairs(a, &alone, false, &signature, err));
    BEAMR_TRY(write_pairs(a, &alone, true, &input, err));
    ao_builder_begin(&builder, NULL, NULL, err);
    put_param(&builder, &p->input, "alg");
    ao_builder_put(&builder, "commitment-device", ao_binary_text(HTTPSIG_NAME));
    if (keyid && keyid->kind == FIELD_STRING &&
        httpsig_address(a, keyid->bytes, address, &modulus))
        ao_builder_put(&builder, "committer", ao_binary_text(address));
    ao_builder_put(&builder, "signature", ao_binary_copy(signature));
    ao_builder_put(&builder, "signature-input", ao_binary_copy(input));
    put_hashpaths(&builder, &p->input, encoded);
    return ao_builder_end(&builder, out);
}

beamr_status httpsig_read_signatures(arena *a, const ao_message *encoded,
                                     BEAMR_OWN ao_message **out, beamr_error *err)
{
    httpsig_pairs all;
    ao_builder builder;

    BEAMR_TRY(httpsig_read_pairs(a, encoded, &all, err));
    if (!all.count)
        return BEAMR_OK;
    ao_builder_begin(&builder, NULL, NULL, err);
    for (size_t i = 0; i < all.count; i++) {
        char id[AO_ID_TEXT + 1];
        ao_message *one = NULL;
        beamr_status st = httpsig_make_commitment(a, &all.items[i], encoded, id, &one, err);

        if (st != BEAMR_OK) {
            ao_builder_drop(&builder);
            return st;
        }
        ao_builder_put(&builder, id, ao_message_value(one));
    }
    return ao_builder_end(&builder, out);
}

beamr_status httpsig_of_fields(arena *a, const ao_message *encoded, httpsig_message *out,
                               beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;

    *out = (httpsig_message){.capacity = ao_message_count(encoded) + 1};
    if (!(out->fields = ARENA_NEW(a, httpsig_field, out->capacity)))
        return codec_fail_full(a, err);
    while (ao_message_next(encoded, &cursor, &name, &value))
        if (value.kind == AO_BINARY && !text_is(ao_name_text(name), "body"))
            out->fields[out->count++] =
                (httpsig_field){ao_name_text(name), ao_bytes(value), value};
    return BEAMR_OK;
}
