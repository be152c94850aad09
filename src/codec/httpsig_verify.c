/* Checking commitments of httpsig@1.0, and telling which keys they cover.
 * A signature is checked over the message's own encoding, and then over the form in which the
 * message came, if it was another (httpsig_received.c). Whatever a commitment says of itself
 * is compared with what it is: its id with the signature, its committer with the key.
 * Source: AO-Core ids, "Verification" and "Recommended superset"; RFC 9421, "Verifying a
 * Signature". */
#include <stdlib.h>
#include <time.h>

#include "codec/httpsig.h"
#include "crypto/rsa.h"
#include "crypto/sha256.h"

typedef struct check {
    arena a;
    const ao_message *whole, *commitment;
    const ao_message *message; /* what is encoded: the whole one, or a part of it */
    beamr_bytes id;
    httpsig_received received;
    const field_item *list;   /* of components; NULL: all fields */
    const httpsig_pair *pair; /* of a signature; NULL: an hmac is checked */
    const crypto_rsa *key;
    httpsig_keys keys; /* that are covered, in the form that was looked at last */
    bool is_valid;
    const char *why; /* not; NULL when it is not known yet */
    beamr_error *err;
} check;

static beamr_status is_wrong(check *c, const char *why)
{
    c->is_valid = false;
    c->why = why;
    return BEAMR_OK;
}

static beamr_bytes text_of(const ao_message *message, const char *key)
{
    return ao_text(ao_message_find_text(message, key));
}

/* ---- Parameters ---- */

static int64_t now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec;
}

/* `expires` is RFC 9421's, `expired` what AO nodes write; without a number they say no more
 * than that there is an end. */
static bool is_expired(const field_item *input)
{
    static const char *const names[] = {"expires", "expired"};

    for (size_t i = 0; i < 2; i++) {
        const field_item *end = field_param_find(input, names[i]);

        if (end && (end->kind != FIELD_INTEGER || end->integer < now_seconds()))
            return true;
    }
    return false;
}

/* Parameters as text, as they came. */
static beamr_status write_params(arena *a, const field_item *input, beamr_bytes *out,
                                 beamr_error *err)
{
    field_item without_list = *input;
    field_text text = {.a = a};

    without_list.count = 0;
    field_text_add_item(&text, &without_list);
    if (text.is_full)
        return codec_fail_full(a, err);
    *out = field_text_bytes(&text);
    *out = (beamr_bytes){out->data + 2, out->len - 2}; /* () */
    return BEAMR_OK;
}

/* As other nodes write them again: sorted, and without those that they do not know. */
static beamr_status write_known_params(arena *a, const field_item *input, beamr_bytes *out,
                                       beamr_error *err)
{
    static const char *const names[] = {"alg", "created", "expired", "keyid", "nonce", "tag"};
    field_item known = {.kind = FIELD_INNER_LIST};

    known.params = ARENA_NEW(a, field_param, sizeof names / sizeof names[0]);
    if (!known.params)
        return codec_fail_full(a, err);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const field_item *param = field_param_find(input, names[i]);

        if (param)
            known.params[known.param_count++] = (field_param){beamr_bytes_of(names[i]), *param};
    }
    return write_params(a, &known, out, err);
}

/* ---- Signatures ---- */

static bool has_committers_key(check *c, const httpsig_pair *pair, beamr_bytes *modulus)
{
    const field_item *keyid = field_param_find(&pair->input, "keyid");
    char address[AO_ADDRESS_TEXT + 1];

    return keyid && keyid->kind == FIELD_STRING &&
           httpsig_address(&c->a, keyid->bytes, address, modulus) &&
           text_is(text_of(c->commitment, "committer"), address);
}

static beamr_status compare_id(check *c, beamr_bytes signature, bool *is_own)
{
    uint8_t digest[32];
    char text[AO_ID_TEXT + 1];

    BEAMR_TRY(crypto_sha256(signature, digest, c->err));
    crypto_id_text(digest, text);
    *is_own = text_is(c->id, text);
    return BEAMR_OK;
}

/* Bases have a space where a value has a line feed, which no field that came over HTTP has. */
static bool has_line_feed(const httpsig_component *components, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (components[i].value.len &&
            memchr(components[i].value.data, '\n', components[i].value.len))
            return true;
    return false;
}

/* Over some fields, with the parameters in both forms. */
static beamr_status check_signature_of(check *c, const httpsig_message *fields)
{
    beamr_bytes params[2], base;
    httpsig_component *components;
    size_t count;
    bool is_complete;

    BEAMR_TRY(httpsig_listed_components(&c->a, fields, c->list, &components, &count,
                                        &is_complete, c->err));
    if (!is_complete)
        return is_wrong(c, "a component of the signature is missing");
    if (has_line_feed(components, count))
        return is_wrong(c, "a signed value has a line feed");
    BEAMR_TRY(write_params(&c->a, c->list, &params[0], c->err));
    BEAMR_TRY(write_known_params(&c->a, c->list, &params[1], c->err));
    c->why = "the signature is not of this message";
    for (size_t i = 0; i < 2 && !c->is_valid; i++) {
        if (i && text_equal(params[0], params[1]))
            break;
        BEAMR_TRY(httpsig_base(&c->a, components, count, params[i], &base, c->err));
        BEAMR_TRY(crypto_rsa_verify(c->key, CRYPTO_SHA512, base, c->pair->signature.bytes,
                                    &c->is_valid, c->err));
    }
    return BEAMR_OK;
}

static beamr_status check_hmac_of(check *c, const httpsig_message *fields)
{
    uint8_t id[AO_ID_SIZE];
    char text[AO_ID_TEXT + 1];
    bool is_complete;

    BEAMR_TRY(httpsig_hmac(&c->a, fields, c->list, id, &is_complete, c->err));
    c->why = "the hmac is not of this message";
    if (is_complete) {
        crypto_id_text(id, text);
        c->is_valid = text_is(c->id, text);
    }
    return BEAMR_OK;
}

/* ---- What else must be signed ---- */

static bool lists(const field_item *list, const char *name)
{
    for (size_t i = 0; list && i < list->count; i++)
        if (list->items[i].kind == FIELD_STRING && text_is(list->items[i].bytes, name))
            return true;
    return !list; /* all fields */
}

/* Without `ao-types` among the components anybody could have added it, and with it the types of
 * keys that were signed. */
static bool has_unsigned_types(const check *c)
{
    bool are_signed = lists(c->list, "ao-types");

    for (size_t i = 0; !are_signed && i < c->keys.count; i++) {
        ao_value value = ao_message_find(c->message, c->keys.items[i]);
        bool is_plain = value.kind == AO_NONE || value.kind == AO_LINK ||
                        (value.kind == AO_BINARY && ao_bytes(value).len) ||
                        (value.kind == AO_MESSAGE && ao_message_count(value.of.message));

        if (!is_plain)
            return true;
    }
    return false;
}

/* Likewise for the fields that say what the body is. */
static bool has_unsigned_body(check *c, const httpsig_message *fields)
{
    const field_item *list = c->list;
    const httpsig_field *type = httpsig_find_field(fields, beamr_bytes_of("content-type"));

    if (!lists(list, "content-digest"))
        return false;
    if (httpsig_find_field(fields, beamr_bytes_of("inline-body-key")) &&
        !lists(list, "inline-body-key"))
        return true;
    return type && !lists(list, "content-type") && httpsig_boundary(&c->a, type->value).len;
}

/* What is signed is the encoding: it must be that of no other message. */
static bool is_ambiguous(const check *c, const httpsig_message *fields)
{
    return (fields->is_body_ambiguous && lists(c->list, "content-digest")) ||
           (fields->are_ids_ambiguous && lists(c->list, "ao-ids"));
}

static beamr_status check_form(check *c, const httpsig_message *fields)
{
    if (c->pair && is_ambiguous(c, fields))
        return is_wrong(c, "another message would have the same signature");
    if (has_unsigned_types(c))
        return is_wrong(c, "the types of signed keys are not signed");
    if (has_unsigned_body(c, fields))
        return is_wrong(c, "which key the signed body is, is not signed");
    return c->pair ? check_signature_of(c, fields) : check_hmac_of(c, fields);
}

/* Over the message's own encoding, with the keys that it covers. Hashpaths are those of the
 * commitment, or for an hmac those of all. */
static beamr_status check_encoding(check *c)
{
    const ao_message *commitments;
    ao_message *alone = NULL;
    httpsig_message own;
    ao_builder builder;
    beamr_status st;

    BEAMR_TRY(httpsig_own_keys(&c->a, c->message, c->list, &c->keys, c->err));
    BEAMR_TRY(httpsig_encode_message(&c->a, c->message, c->pair ? HTTPSIG_CHECK : HTTPSIG_ID,
                                     NULL, &own, c->err));
    BEAMR_TRY(httpsig_commitments(c->whole, &commitments, c->err));
    if (c->pair) {
        ao_builder_begin(&builder, NULL, NULL, c->err);
        ao_builder_put_key(&builder, c->id, ao_message_value(ao_message_ref(c->commitment)));
        BEAMR_TRY(ao_builder_end(&builder, &alone));
        commitments = alone;
    }
    st = c->list ? httpsig_add_hashpaths(&c->a, c->whole, commitments, &own, c->err) : BEAMR_OK;
    ao_message_unref(alone); /* the commitment lives on */
    return st == BEAMR_OK ? check_form(c, &own) : st;
}

static int compare_keys(const void *a, const void *b)
{
    return codec_key_compare(*(const beamr_bytes *)a, *(const beamr_bytes *)b);
}

static void sort_keys(httpsig_keys *keys)
{
    if (keys->count)
        qsort(keys->items, keys->count, sizeof *keys->items, compare_keys);
}

static bool has_key(const httpsig_keys *sorted, beamr_bytes key)
{
    return sorted->count &&
           bsearch(&key, sorted->items, sorted->count, sizeof key, compare_keys);
}

/* The message with those of its keys that are among `sorted`; NULL when these are all. */
static beamr_status only_keys(const ao_message *message, const httpsig_keys *sorted,
                              ao_message **out, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_builder builder;
    ao_value value;
    bool has_others = false;

    ao_builder_begin(&builder, NULL, NULL, err);
    while (ao_message_next(message, &cursor, &name, &value)) {
        if (has_key(sorted, ao_name_text(name)))
            ao_builder_put_name(&builder, name, ao_value_ref(value));
        else
            has_others |= !text_is(ao_name_text(name), "commitments");
    }
    if (has_others)
        return ao_builder_end(&builder, out);
    ao_builder_drop(&builder);
    return BEAMR_OK;
}

/* Over the encoding of what is covered alone. Keys that were set later are in the way of the
 * whole one: the field `ao-types` is about all keys at once. */
static beamr_status check_covered(check *c)
{
    httpsig_keys covered = c->keys;
    ao_message *part = NULL;
    beamr_status st;

    sort_keys(&covered);
    BEAMR_TRY(only_keys(c->whole, &covered, &part, c->err));
    if (!part)
        return BEAMR_OK;
    c->message = part;
    st = check_encoding(c);
    c->message = c->whole;
    ao_message_unref(part); /* the whole one has what was found in it */
    sort_keys(&c->keys);
    for (size_t i = 0; c->is_valid && i < covered.count; i++)
        if (!has_key(&c->keys, covered.items[i]) &&
            ao_message_find(c->whole, covered.items[i]).kind != AO_NONE)
            return is_wrong(c, "a key that it should cover is not covered");
    return st;
}

/* Over the whole message, and then over what is covered of it. */
static beamr_status check_own_form(check *c)
{
    BEAMR_TRY(check_encoding(c));
    return c->is_valid || !c->list ? BEAMR_OK : check_covered(c);
}

/* Over the form in which the message came, if it still has what is covered there. */
static beamr_status check_received_form(check *c)
{
    const char *why = c->why;
    bool matches;

    BEAMR_TRY(httpsig_open_received(&c->a, c->message, &c->received, c->err));
    if (!c->received.encoded ||
        (lists(c->list, "content-digest") && !c->received.is_digest_known))
        return BEAMR_OK;
    BEAMR_TRY(httpsig_received_keys(&c->a, &c->received, c->list, &c->keys, c->err));
    BEAMR_TRY(
        httpsig_received_matches(&c->a, c->message, &c->received, &c->keys, &matches, c->err));
    if (!matches)
        return is_wrong(c, why);
    return check_form(c, &c->received.fields);
}

/* One form and then the other; `keys` are of the one that is valid. */
static beamr_status check_forms(check *c)
{
    BEAMR_TRY(check_own_form(c));
    return c->is_valid ? BEAMR_OK : check_received_form(c);
}

/* The members of both fields; none of what cannot be read. */
static beamr_status read_members(check *c, httpsig_pairs *out)
{
    beamr_status st = httpsig_read_pairs(&c->a, c->commitment, out, NULL);

    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(c->err, st, 0, "no memory to read signatures");
    if (st != BEAMR_OK)
        *out = (httpsig_pairs){NULL, 0, 0};
    return BEAMR_OK;
}

static beamr_status check_signature(check *c)
{
    httpsig_pairs pairs;
    const field_item *alg;
    beamr_bytes modulus;
    crypto_rsa *key = NULL;
    bool is_own_id;
    beamr_status st;

    BEAMR_TRY(read_members(c, &pairs));
    if (pairs.count != 1)
        return is_wrong(c, "there is not one signature that can be read");
    if (!has_committers_key(c, pairs.items, &modulus))
        return is_wrong(c, "the signature's key is not the committer's");
    BEAMR_TRY(compare_id(c, pairs.items[0].signature.bytes, &is_own_id));
    if (!is_own_id)
        return is_wrong(c, "the commitment's id is not that of its signature");
    alg = field_param_find(&pairs.items[0].input, "alg");
    if (!alg || !text_is(alg->bytes, HTTPSIG_RSA))
        return is_wrong(c, "the signature is of another algorithm");
    if (is_expired(&pairs.items[0].input))
        return is_wrong(c, "the signature has expired");
    st = crypto_rsa_public(modulus, &key, NULL);
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(c->err, st, 0, "no memory for a key");
    if (st != BEAMR_OK)
        return is_wrong(c, "its key is no RSA key");
    c->pair = pairs.items;
    c->list = &pairs.items[0].input;
    c->key = key;
    st = check_forms(c);
    crypto_rsa_unref(key);
    return st;
}

/* The list of components that a commitment covers.
 *   list         NULL: all fields
 *   is_readable  false: nothing that could be checked; it covers nothing */
static beamr_status find_list(check *c, const field_item **list, bool *is_readable)
{
    bool is_hmac = httpsig_is_hmac(c->commitment);
    const httpsig_pair *first;
    httpsig_pairs pairs;

    *list = NULL;
    BEAMR_TRY(read_members(c, &pairs));
    *is_readable = is_hmac ? pairs.count || !text_of(c->commitment, "signature-input").len
                           : pairs.count == 1;
    if (!pairs.count)
        return BEAMR_OK;
    first = pairs.items;
    for (size_t i = 1; i < pairs.count; i++)
        if (codec_key_compare(pairs.items[i].name, first->name) < 0)
            first = &pairs.items[i];
    *list = &first->input;
    return BEAMR_OK;
}

/* Everybody knows the key of an hmac: it shows what a message was, and nobody who said so. */
static beamr_status check_hmac(check *c)
{
    bool is_readable;

    if (ao_message_find_text(c->commitment, "committer").kind != AO_NONE)
        return is_wrong(c, "an hmac has no committer");
    BEAMR_TRY(find_list(c, &c->list, &is_readable));
    if (!is_readable)
        return is_wrong(c, "the hmac's signatures cannot be read");
    return check_forms(c);
}

static beamr_status check_any(check *c)
{
    if (httpsig_is_hmac(c->commitment))
        return check_hmac(c);
    if (text_is(text_of(c->commitment, "alg"), HTTPSIG_RSA))
        return check_signature(c);
    return is_wrong(c, "its algorithm is not known");
}

/* ---- What a codec offers ---- */

beamr_status httpsig_verify(ao_context *context, const ao_message *message, beamr_bytes id,
                            const ao_message *commitment, bool *is_valid, const char **why,
                            beamr_error *err)
{
    check c = {
        .whole = message, .commitment = commitment, .message = message, .id = id, .err = err};
    beamr_status st;

    arena_init(&c.a, codec_memory(codec_limits(context)));
    st = check_any(&c);
    httpsig_close_received(&c.received);
    arena_clear(&c.a);
    if (st != BEAMR_OK)
        return st;
    *is_valid = c.is_valid;
    if (!c.is_valid && why)
        *why = c.why;
    return BEAMR_OK;
}

/* Sorted, each key once. */
static beamr_status list_keys(arena *a, httpsig_keys *keys, ao_value *out, beamr_error *err)
{
    ao_value *items = ARENA_NEW(a, ao_value, keys->count);
    size_t count = 0;

    if (!items)
        return codec_fail_full(a, err);
    sort_keys(keys);
    for (size_t i = 0; i < keys->count; i++)
        if (!i || !text_equal(keys->items[i], keys->items[i - 1]))
            items[count++] = ao_binary_copy(keys->items[i]);
    *out = ao_list_new(items, count);
    if (out->kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a list of keys");
    return BEAMR_OK;
}

/* The keys of the form that is valid. A message without another form has only its own. */
static beamr_status find_keys(check *c)
{
    bool is_readable;

    if (ao_private_find(c->message, HTTPSIG_RECEIVED).kind != AO_NONE) {
        BEAMR_TRY(check_any(c));
        if (c->is_valid)
            return BEAMR_OK;
    }
    c->keys = (httpsig_keys){NULL, 0, 0};
    BEAMR_TRY(find_list(c, &c->list, &is_readable));
    if (!is_readable) /* what cannot be checked covers nothing */
        return BEAMR_OK;
    return httpsig_own_keys(&c->a, c->message, c->list, &c->keys, c->err);
}

beamr_status httpsig_committed(ao_context *context, const ao_message *message, beamr_bytes id,
                               const ao_message *commitment, ao_value *out, beamr_error *err)
{
    check c = {
        .whole = message, .commitment = commitment, .message = message, .id = id, .err = err};
    ao_value value = AO_NO_VALUE;
    beamr_status st;

    arena_init(&c.a, codec_memory(codec_limits(context)));
    if ((st = find_keys(&c)) == BEAMR_OK)
        st = list_keys(&c.a, &c.keys, &value, err);
    httpsig_close_received(&c.received);
    arena_clear(&c.a);
    if (st == BEAMR_OK)
        *out = value;
    return st;
}
