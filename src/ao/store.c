/* Messages out of the key-value store: ids, names, paths, and loading what they lead to.
 * Whatever comes out is checked against its hash, so that a damaged disk gives an error. Names
 * are followed a limited number of times. */
#include "ao/store.h"

#include <stdlib.h>

#include "ao/store_keys.h"
#include "crypto/base64.h"
#include "crypto/sha256.h"

/* ---- Loading by hash ---- */

static beamr_status check_hash(beamr_bytes bytes, beamr_bytes hash, beamr_error *err)
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    char text[AO_ID_TEXT + 1];
    beamr_status st = crypto_sha256(bytes, digest, err);

    if (st != BEAMR_OK)
        return st;
    crypto_id_text(digest, text);
    if (text_equal(beamr_bytes_of(text), hash))
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_MESSAGE, 0, "what is stored under %.*s is damaged",
                      (int)hash.len, (const char *)hash.data);
}

typedef struct loading {
    ao_context *context;
    beamr_bytes hash;
    const ao_message *commitments;
    ao_value value;
} loading;

static beamr_status load_linked_message(void *user, beamr_bytes ref, ao_value *out,
                                        beamr_error *err);
static beamr_status load_linked_binary(void *user, beamr_bytes hash, ao_value *out,
                                       beamr_error *err);

static beamr_status see_record(void *user, beamr_bytes bytes, beamr_error *err)
{
    loading *l = (loading *)user;
    const record_loaders loaders = {load_linked_message, load_linked_binary, l->context};
    ao_message *message;
    beamr_status st;

    if ((st = check_hash(bytes, l->hash, err)) != BEAMR_OK ||
        (st = record_read(bytes, l->commitments, &l->context->limits, &loaders, &message,
                          err)) != BEAMR_OK)
        return st;
    l->value = ao_message_value(message);
    return l->value.kind == AO_NONE ? value_fail(l->value, err) : BEAMR_OK;
}

static beamr_status see_binary(void *user, beamr_bytes bytes, beamr_error *err)
{
    loading *l = (loading *)user;
    beamr_status st = check_hash(bytes, l->hash, err);

    if (st != BEAMR_OK)
        return st;
    l->value = ao_binary_copy(bytes);
    return l->value.kind == AO_NONE ? value_fail(l->value, err) : BEAMR_OK;
}

/* What a hash stands for; something leads to it, so that it must be there. */
static beamr_status load_hash(ao_context *context, char letter, beamr_bytes hash,
                              const ao_message *commitments, ao_value *out, beamr_error *err)
{
    loading l = {context, hash, commitments, AO_NO_VALUE};
    store_key key;
    beamr_status st;

    store_key_of(&key, letter, hash);
    st = kv_get(context->kv, store_key_bytes(&key), letter == 'r' ? see_record : see_binary, &l,
                err);
    if (st == BEAMR_OK)
        *out = l.value;
    return st;
}

/* A field of such a form; counted. */
static beamr_status load_field(ao_context *context, ao_value field, ao_value *out,
                               beamr_error *err)
{
    if (ao_link_kind(field) == AO_BINARY)
        return load_hash(context, 'b', ao_link_id(field), NULL, out, err);
    if (field.kind != AO_BINARY)
        return beamr_fail(err, BEAMR_MESSAGE, 0,
                          "the stored form of a message has other values than binaries");
    *out = ao_value_ref(field);
    return BEAMR_OK;
}

/* All fields, also those that are stored apart. */
static beamr_status load_fields(ao_context *context, const ao_message *stored,
                                BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_builder builder;
    ao_value value;
    beamr_status st = BEAMR_OK;

    ao_builder_begin(&builder, NULL, &context->limits, err);
    while (st == BEAMR_OK && ao_message_next(stored, &cursor, &key, &value))
        if ((st = load_field(context, value, &value, err)) == BEAMR_OK) {
            ao_builder_put_key(&builder, ao_name_text(key), value);
            st = builder.status;
        }
    if (st == BEAMR_OK)
        return ao_builder_end(&builder, out);
    ao_builder_drop(&builder);
    return st;
}

/* The form in which a message came: the loader of its link. */
static beamr_status load_received(void *user, beamr_bytes hash, ao_value *out, beamr_error *err)
{
    ao_context *context = (ao_context *)user;
    ao_value stored;
    ao_message *form;
    beamr_status st = load_hash(context, 'r', hash, NULL, &stored, err);

    if (st != BEAMR_OK)
        return st;
    st = load_fields(context, ao_to_message(stored), &form, err);
    ao_value_unref(stored);
    if (st == BEAMR_OK)
        *out = ao_message_value(form);
    return st;
}

/* Only who verifies needs that form: a link to it is put into private state. If it is damaged,
 * so is that signature, but not the message. */
static beamr_status put_received(ao_context *context, beamr_bytes hash, ao_value *message,
                                 beamr_error *err)
{
    const ao_codec *codec = context->httpsig;
    ao_message *out;
    ao_value link;
    beamr_status st = BEAMR_OK;

    if (!codec || !codec->received)
        return BEAMR_OK;
    link = ao_link_new(hash, AO_MESSAGE, load_received, context);
    if (link.kind == AO_NONE)
        st = value_fail(link, err);
    else
        st = ao_private_with(ao_to_message(*message), codec->received, link, &out, err);
    ao_value_unref(*message);
    *message = st == BEAMR_OK ? ao_message_value(out) : AO_NO_VALUE;
    return st;
}

static beamr_status load_message(ao_context *context, beamr_bytes ref, ao_value *out,
                                 beamr_error *err)
{
    ao_value commitments = AO_NO_VALUE;
    beamr_status st = BEAMR_OK;

    if (ref.len > AO_ID_TEXT)
        st = load_hash(context, 'r', record_ref_hash(ref, 1), NULL, &commitments, err);
    if (st == BEAMR_OK)
        st = load_hash(context, 'r', record_ref_hash(ref, 0), ao_to_message(commitments), out,
                       err);
    if (st == BEAMR_OK && ref.len == RECORD_REF_MAX)
        st = put_received(context, record_ref_hash(ref, 2), out, err);
    ao_value_unref(commitments);
    return st;
}

/* Loaders of links. A record and a binary can be of the same bytes, so that a hash alone does
 * not say which of them is meant. */
static beamr_status load_linked_message(void *user, beamr_bytes ref, ao_value *out,
                                        beamr_error *err)
{
    return load_message((ao_context *)user, ref, out, err);
}

static beamr_status load_linked_binary(void *user, beamr_bytes hash, ao_value *out,
                                       beamr_error *err)
{
    return load_hash((ao_context *)user, 'b', hash, NULL, out, err);
}

/* ---- Entries ---- */

#define TARGET_MAX 4096 /* bytes of what a name leads to */

typedef struct target {
    size_t len; /* 0 for none */
    char bytes[TARGET_MAX];
} target;

static beamr_status see_target(void *user, beamr_bytes value, beamr_error *err)
{
    target *t = (target *)user;

    if (value.len < 2 || value.len > sizeof t->bytes)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "a stored name of %zu bytes is damaged",
                          value.len);
    memcpy(t->bytes, value.data, value.len);
    t->len = value.len;
    return BEAMR_OK;
}

static beamr_status find_entry(ao_context *context, char letter, beamr_bytes text, target *out)
{
    store_key key;

    if (text.len + 2 > KV_KEY_MAX || !text.len)
        return BEAMR_NOT_FOUND;
    store_key_of(&key, letter, text);
    return kv_get(context->kv, store_key_bytes(&key), see_target, out, NULL);
}

/* What an id leads to, or a binary by its hash. */
static beamr_status find_id(ao_context *context, beamr_bytes id, target *out)
{
    char text[AO_ID_TEXT + 1];
    store_key key;
    beamr_status st;

    if (id.len == AO_ID_SIZE) {
        crypto_id_text(id.data, text);
        id = beamr_bytes_of(text);
    }
    if (id.len != AO_ID_TEXT)
        return BEAMR_NOT_FOUND;
    if ((st = find_entry(context, 'i', id, out)) != BEAMR_NOT_FOUND)
        return st;
    store_key_of(&key, 'b', id);
    if (!kv_has(context->kv, store_key_bytes(&key)))
        return BEAMR_NOT_FOUND;
    out->bytes[0] = 'b';
    memcpy(out->bytes + 1, id.data, AO_ID_TEXT);
    out->len = 1 + AO_ID_TEXT;
    return BEAMR_OK;
}

static beamr_status find_any(ao_context *context, beamr_bytes text, target *out)
{
    beamr_status st = find_id(context, text, out);

    return st == BEAMR_NOT_FOUND ? find_entry(context, 'n', text, out) : st;
}

/* Load what an entry that is no name leads to. */
static beamr_status load_target(ao_context *context, const target *t, ao_value *out,
                                beamr_error *err)
{
    beamr_bytes ref = {(const uint8_t *)t->bytes + 1, t->len - 1};
    char letter = t->bytes[0];

    if (letter == 'b' && record_is_ref(AO_BINARY, ref))
        return load_hash(context, 'b', ref, NULL, out, err);
    if ((letter == 'v' || letter == 'u') && record_is_ref(AO_MESSAGE, ref))
        return load_message(context, ref, out, err);
    return beamr_fail(err, BEAMR_MESSAGE, 0, "a stored id or name is damaged");
}

/* ---- Paths ---- */

static beamr_bytes trim(beamr_bytes path)
{
    while (path.len && path.data[0] == '/')
        path = (beamr_bytes){path.data + 1, path.len - 1};
    while (path.len && path.data[path.len - 1] == '/')
        path.len--;
    return path;
}

static beamr_status not_found(beamr_bytes path, beamr_error *err)
{
    if (!err)
        return BEAMR_NOT_FOUND;
    return beamr_fail(err, BEAMR_NOT_FOUND, 0, "nothing is stored under `%.*s`",
                      path.len > 200 ? 200 : (int)path.len, (const char *)path.data);
}

/* The longest beginning of a path that is an id or a name.
 *   rest  gets what follows it */
static beamr_status find_beginning(ao_context *context, beamr_bytes path, target *out,
                                   beamr_bytes *rest)
{
    beamr_bytes part = path;

    for (;;) {
        beamr_status st = find_any(context, part, out);

        if (st != BEAMR_NOT_FOUND) {
            *rest = trim((beamr_bytes){path.data + part.len, path.len - part.len});
            return st;
        }
        if (part.len > KV_KEY_MAX)
            part.len = KV_KEY_MAX + 1; /* no longer one is a name */
        while (part.len && part.data[part.len - 1] != '/')
            part.len--;
        while (part.len && part.data[part.len - 1] == '/')
            part.len--;
        if (!part.len)
            return BEAMR_NOT_FOUND;
    }
}

/* The path that a name and what follows it stand for, in new memory. */
static beamr_status join(const target *t, beamr_bytes rest, uint8_t **out, beamr_bytes *path,
                         beamr_error *err)
{
    size_t len = t->len - 1;
    uint8_t *joined = (uint8_t *)malloc(len + 1 + rest.len);

    if (!joined)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a path");
    memcpy(joined, t->bytes + 1, len);
    if (rest.len) {
        joined[len++] = '/';
        memcpy(joined + len, rest.data, rest.len);
        len += rest.len;
    }
    free(*out); /* which `rest` may point into */
    *out = joined;
    *path = trim((beamr_bytes){joined, len});
    return BEAMR_OK;
}

static beamr_status load_below(ao_context *context, const target *t, beamr_bytes rest,
                               ao_value *out, beamr_error *err)
{
    ao_value value, found;
    beamr_status st = load_target(context, t, &value, err);

    if (st != BEAMR_OK || !rest.len) {
        if (st == BEAMR_OK)
            *out = value;
        return st;
    }
    if (value.kind != AO_MESSAGE)
        st = not_found(rest, err);
    else if ((st = ao_message_get_path(ao_to_message(value), rest, &found, err)) == BEAMR_OK) {
        if (found.kind == AO_NONE)
            st = not_found(rest, err);
        else
            *out = ao_value_ref(found);
    }
    ao_value_unref(value);
    return st;
}

/* Follow names until something is loaded.
 *   is_whole  the text is one name, not a path */
static beamr_status follow(ao_context *context, beamr_bytes path, bool is_whole, ao_value *out,
                           beamr_error *err)
{
    uint8_t *joined = NULL;
    target t;
    beamr_status st = BEAMR_OK;

    for (unsigned hops = 0; st == BEAMR_OK; hops++) {
        beamr_bytes rest = {NULL, 0};

        t.len = 0;
        if (is_whole && !hops)
            st = find_any(context, path, &t);
        else
            st = find_beginning(context, path, &t, &rest);
        if (st == BEAMR_NOT_FOUND)
            st = not_found(path, err);
        else if (st != BEAMR_OK)
            st = beamr_fail(err, st, 0, "cannot read what is stored under a name");
        else if (t.bytes[0] != '@') {
            st = load_below(context, &t, rest, out, err);
            break;
        } else if (hops == AO_STORE_HOPS_MAX)
            st = beamr_fail(err, BEAMR_MESSAGE, 0, "more than %d names lead to each other",
                            AO_STORE_HOPS_MAX);
        else
            st = join(&t, rest, &joined, &path, err);
    }
    free(joined);
    return st;
}

beamr_status ao_store_read(ao_context *context, beamr_bytes id, ao_value *out, beamr_error *err)
{
    beamr_status st = store_check(context, err);

    return st != BEAMR_OK ? st : follow(context, id, true, out, err);
}

beamr_status ao_store_read_path(ao_context *context, beamr_bytes path, ao_value *out,
                                beamr_error *err)
{
    beamr_status st = store_check(context, err);

    return st != BEAMR_OK ? st : follow(context, trim(path), false, out, err);
}

beamr_status ao_store_find_result(ao_context *context, beamr_bytes hashpath, ao_value *out,
                                  beamr_error *err)
{
    return ao_store_read(context, hashpath, out, err);
}

beamr_status ao_load_message(ao_context *context, beamr_bytes id, BEAMR_OWN ao_message **out,
                             beamr_error *err)
{
    ao_value value;
    beamr_status st = ao_store_read(context, id, &value, err);

    if (st != BEAMR_OK)
        return st;
    if (value.kind != AO_MESSAGE) {
        ao_value_unref(value);
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "a binary is stored there, not a message");
    }
    *out = ao_to_message(value);
    return BEAMR_OK;
}

beamr_status ao_store_read_part(ao_context *context, beamr_bytes id, uint64_t offset,
                                void *buffer, size_t size, size_t *len, uint64_t *total,
                                beamr_error *err)
{
    char text[AO_ID_TEXT + 1];
    store_key key;
    beamr_status st = store_check(context, err);

    if (st != BEAMR_OK)
        return st;
    if (id.len == AO_ID_SIZE) {
        crypto_id_text(id.data, text);
        id = beamr_bytes_of(text);
    }
    if (id.len != AO_ID_TEXT)
        return not_found(id, err);
    store_key_of(&key, 'b', id);
    return kv_read(context->kv, store_key_bytes(&key), offset, buffer, size, len, total, err);
}

/* ---- Listing ---- */

typedef struct listing {
    size_t skip; /* bytes of a key before the part that is wanted */
    ao_value *items;
    size_t count, capacity;
    beamr_status status;
} listing;

static void listing_add(listing *l, beamr_bytes text)
{
    if (l->count == l->capacity) {
        size_t capacity = l->capacity ? l->capacity * 2 : 16;
        ao_value *items = (ao_value *)realloc(l->items, capacity * sizeof *items);

        if (!items) {
            l->status = BEAMR_NO_MEMORY;
            return;
        }
        l->items = items;
        l->capacity = capacity;
    }
    l->items[l->count] = ao_binary_copy(text);
    if (l->items[l->count].kind == AO_NONE)
        l->status = BEAMR_NO_MEMORY;
    else
        l->count++;
}

/* The next part of a name, once. */
static bool see_name(void *user, beamr_bytes key)
{
    listing *l = (listing *)user;
    beamr_bytes part = {key.data + l->skip, key.len - l->skip};
    const uint8_t *slash = part.len ? (const uint8_t *)memchr(part.data, '/', part.len) : NULL;

    if (slash)
        part.len = (size_t)(slash - part.data);
    if (part.len && !(l->count && text_equal(ao_bytes(l->items[l->count - 1]), part)))
        listing_add(l, part);
    return l->status == BEAMR_OK;
}

static int compare_items(const void *a, const void *b)
{
    return text_compare(ao_bytes(*(const ao_value *)a), ao_bytes(*(const ao_value *)b));
}

/* Equal parts need not be neighbours: `a/x` stands behind `a-`. */
static void listing_reduce(listing *l)
{
    size_t kept = 0;

    if (l->count)
        qsort(l->items, l->count, sizeof *l->items, compare_items);
    for (size_t i = 0; i < l->count; i++)
        if (kept && text_equal(ao_bytes(l->items[kept - 1]), ao_bytes(l->items[i])))
            ao_value_unref(l->items[i]);
        else
            l->items[kept++] = l->items[i];
    l->count = kept;
}

static beamr_status listing_end(listing *l, beamr_status st, ao_value *out, beamr_error *err)
{
    ao_value list;

    if (st == BEAMR_OK && l->status != BEAMR_OK)
        st = beamr_fail(err, l->status, 0, "no memory for a list of names");
    if (st == BEAMR_OK) {
        listing_reduce(l);
        list = ao_list_new(l->items, l->count);
        if (list.kind == AO_NONE)
            st = value_fail(list, err);
        else
            *out = list;
    } else
        for (size_t i = 0; i < l->count; i++)
            ao_value_unref(l->items[i]);
    free(l->items);
    return st;
}

static beamr_status list_names(ao_context *context, beamr_bytes path, ao_value *out,
                               beamr_error *err)
{
    listing l = {0, NULL, 0, 0, BEAMR_OK};
    store_key prefix;
    beamr_status st;

    store_key_of(&prefix, 'n', path);
    if (path.len + 3 > KV_KEY_MAX)
        return not_found(path, err);
    if (path.len)
        prefix.bytes[prefix.len++] = '/';
    l.skip = prefix.len;
    st = kv_list(context->kv, store_key_bytes(&prefix), (beamr_bytes){NULL, 0}, SIZE_MAX,
                 see_name, &l, err);
    if (st == BEAMR_OK && l.status == BEAMR_OK && !l.count)
        st = not_found(path, err);
    return listing_end(&l, st, out, err);
}

static beamr_status list_keys(const ao_message *message, ao_value *out, beamr_error *err)
{
    listing l = {0, NULL, 0, 0, BEAMR_OK};
    ao_cursor cursor = {0};
    const ao_name *key;

    while (l.status == BEAMR_OK && ao_message_next(message, &cursor, &key, NULL))
        listing_add(&l, ao_name_text(key));
    return listing_end(&l, BEAMR_OK, out, err);
}

beamr_status ao_store_list(ao_context *context, beamr_bytes path, ao_value *out,
                           beamr_error *err)
{
    ao_value value = AO_NO_VALUE;
    beamr_status st = store_check(context, err);

    if (st != BEAMR_OK)
        return st;
    path = trim(path);
    st = path.len ? follow(context, path, false, &value, NULL) : BEAMR_NOT_FOUND;
    if (st == BEAMR_OK && value.kind == AO_MESSAGE)
        st = list_keys(ao_to_message(value), out, err);
    else if (st == BEAMR_OK || st == BEAMR_NOT_FOUND)
        st = list_names(context, path, out, err);
    else
        st = beamr_fail(err, st, 0, "cannot read what is stored under a path");
    ao_value_unref(value);
    return st;
}
