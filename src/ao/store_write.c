/* Messages into the key-value store: records, and the ids that lead to them.
 * A message is written from its leaves upwards, since a record holds the hashes of what it
 * links to; what is there already under its hash is not written again. Nothing becomes visible
 * before the batch is committed. Anybody can put a commitment with a known id into a message.
 * So only commitments that are valid get ids that lead to their message, and a message with
 * such ones is what its unsigned id shows, whoever stores others afterwards. Nor does a message
 * with keys that its commitments do not cover take an id from another. */
#include <stdlib.h>

#include "ao/commit.h"
#include "ao/store_keys.h"
#include "crypto/base64.h"
#include "crypto/sha256.h"

typedef struct writer {
    ao_context *context;
    kv_batch *batch;
    bool is_borrowed; /* values live until the batch is committed */
    size_t budget;    /* bytes of messages whose ids are still computed */
    unsigned depth;
    beamr_error *err;
} writer;

#define BUDGET_FACTOR 8
#define BUDGET_BYTES ((size_t)1 << 20)

beamr_status store_check(const ao_context *context, beamr_error *err)
{
    if (context->kv)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "the context has no store");
}

/* ---- Records and binaries ---- */

static bool is_stored(const writer *w, char letter, beamr_bytes hash)
{
    store_key key;

    store_key_of(&key, letter, hash);
    return kv_has(w->context->kv, store_key_bytes(&key));
}

/* Put bytes under their hash, if they are not there.
 *   is_borrowed  they live until the batch is committed */
static beamr_status put_hashed(writer *w, char letter, beamr_bytes bytes, bool is_borrowed,
                               char hash[AO_ID_TEXT + 1])
{
    uint8_t digest[CRYPTO_SHA256_SIZE];
    store_key key;
    beamr_status st = crypto_sha256(bytes, digest, w->err);

    if (st != BEAMR_OK)
        return st;
    crypto_id_text(digest, hash);
    if (is_stored(w, letter, beamr_bytes_of(hash)))
        return BEAMR_OK;
    store_key_of(&key, letter, beamr_bytes_of(hash));
    if (is_borrowed)
        kv_batch_put_borrowed(w->batch, store_key_bytes(&key), bytes);
    else
        kv_batch_put(w->batch, store_key_bytes(&key), bytes);
    return BEAMR_OK;
}

static beamr_status add_value(writer *w, record *r, ao_value value, bool is_inline);
static beamr_status add_message(writer *w, const ao_message *message, store_ref *ref);

static beamr_status add_binary(writer *w, record *r, ao_value value)
{
    char hash[AO_ID_TEXT + 1];
    beamr_status st = put_hashed(w, 'b', ao_bytes(value), w->is_borrowed, hash);

    if (st == BEAMR_OK)
        record_ref(r, AO_BINARY, beamr_bytes_of(hash));
    return st;
}

static bool is_ref_stored(const writer *w, ao_kind kind, beamr_bytes ref)
{
    beamr_bytes hash;

    if (!record_is_ref(kind, ref))
        return false;
    for (size_t i = 0; (hash = record_ref_hash(ref, i)).len; i++)
        if (!is_stored(w, kind == AO_MESSAGE ? 'r' : 'b', hash))
            return false;
    return true;
}

/* A link of this store, or of one with the same contents, stays one; another is loaded. */
static beamr_status add_link(writer *w, record *r, ao_value link, bool is_inline)
{
    beamr_bytes ref = ao_link_id(link);
    ao_kind kind = ao_link_kind(link);
    ao_value value;
    beamr_status st;

    if (!is_inline && is_ref_stored(w, kind, ref)) {
        record_ref(r, kind, ref);
        return BEAMR_OK;
    }
    if ((st = ao_value_load(link, &value, w->err)) != BEAMR_OK)
        return st;
    return add_value(w, r, value, is_inline);
}

/* ---- Values ---- */

/* All keys but `commitments`, when these are kept apart. */
static beamr_status add_keys(writer *w, record *r, const ao_message *message,
                             bool has_commitments, bool is_inline)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;
    beamr_status st = BEAMR_OK;

    while (st == BEAMR_OK && ao_message_next(message, &cursor, &key, &value)) {
        if (has_commitments && text_is(ao_name_text(key), "commitments"))
            continue;
        record_key(r, ao_name_text(key));
        st = add_value(w, r, value, is_inline);
        if (st == BEAMR_ENCODING)
            return beamr_fail(w->err, st, 0, "key `%.100s` cannot be stored",
                              (const char *)ao_name_text(key).data);
    }
    return st;
}

static beamr_status add_list(writer *w, record *r, ao_value list, bool is_inline)
{
    beamr_status st = BEAMR_OK;

    record_list(r, ao_list_count(list));
    for (size_t i = 0; st == BEAMR_OK && i < ao_list_count(list); i++)
        st = add_value(w, r, ao_list_at(list, i), is_inline);
    return st;
}

static beamr_status add_nested(writer *w, record *r, ao_value value, bool is_inline)
{
    const ao_message *message = ao_to_message(value);
    store_ref ref;
    beamr_status st;

    if (w->depth == AO_DEPTH_MAX)
        return beamr_fail(w->err, BEAMR_LIMIT, 0, "nested more than %d levels deep",
                          AO_DEPTH_MAX);
    w->depth++;
    if (value.kind == AO_LIST)
        st = add_list(w, r, value, is_inline);
    else if (is_inline) {
        record_message(r, ao_message_count(message));
        st = add_keys(w, r, message, false, true);
    } else if ((st = add_message(w, message, &ref)) == BEAMR_OK)
        record_ref(r, AO_MESSAGE, store_ref_bytes(&ref));
    w->depth--;
    return st;
}

/* Failures of kind ENCODING are named by the key that holds them. */
static beamr_status add_value(writer *w, record *r, ao_value value, bool is_inline)
{
    switch (value.kind) {
    case AO_LIST:
    case AO_MESSAGE:
        return add_nested(w, r, value, is_inline);
    case AO_LINK:
        return add_link(w, r, value, is_inline);
    case AO_BINARY:
        if (!is_inline && ao_bytes(value).len > AO_STORE_INLINE_MAX)
            return add_binary(w, r, value);
        break;
    default:
        break;
    }
    return record_plain(r, value) ? BEAMR_OK : BEAMR_ENCODING;
}

/* ---- Messages ---- */

/* The record of a message, and its hash. */
static beamr_status add_record(writer *w, const ao_message *message, bool has_commitments,
                               bool is_inline, char hash[AO_ID_TEXT + 1])
{
    record r = {NULL, 0, 0, false};
    beamr_status st;

    record_begin(&r, ao_message_count(message) - has_commitments);
    st = add_keys(w, &r, message, has_commitments, is_inline);
    if (st == BEAMR_OK && r.is_full)
        st = beamr_fail(w->err, BEAMR_NO_MEMORY, 0, "no memory for a record of %zu bytes",
                        r.len);
    if (st == BEAMR_OK)
        st = put_hashed(w, 'r', (beamr_bytes){r.data, r.len}, false, hash);
    free(r.data);
    return st;
}

/* Its commitments, if there are some and all are messages; borrowed. What else stands under the
 * key is stored like any other value. */
static beamr_status find_commitments(const ao_message *message, const ao_message **out,
                                     beamr_error *err)
{
    ao_value value, each;
    ao_cursor cursor = {0};
    beamr_status st = ao_message_get(message, beamr_bytes_of("commitments"), &value, err);
    bool is_fine = st == BEAMR_OK && value.kind == AO_MESSAGE;

    *out = NULL;
    while (st == BEAMR_OK && is_fine &&
           ao_message_next(ao_to_message(value), &cursor, NULL, &each)) {
        st = ao_value_load(each, &each, err);
        is_fine = st == BEAMR_OK && each.kind == AO_MESSAGE;
        *out = ao_to_message(value);
    }
    if (!is_fine)
        *out = NULL;
    return st;
}

static void ref_add(store_ref *ref, beamr_bytes hash)
{
    if (ref->len)
        ref->text[ref->len++] = ',';
    memcpy(ref->text + ref->len, hash.data, AO_ID_TEXT);
    ref->len += AO_ID_TEXT;
}

/* A message of nothing but binaries. */
static bool is_flat(const ao_message *message)
{
    ao_cursor cursor = {0};
    ao_value value;

    while (message && ao_message_next(message, &cursor, NULL, &value))
        if (value.kind != AO_BINARY)
            return false;
    return message != NULL;
}

/* The form in which a signed message came: all that is kept of private state. What else stands
 * in its place is no form. */
static beamr_status add_received(writer *w, const ao_message *message, store_ref *ref)
{
    const ao_codec *codec = w->context->httpsig;
    ao_value form = AO_NO_VALUE;
    char hash[AO_ID_TEXT + 1];
    beamr_status st;

    if (codec && codec->received)
        form = ao_private_find(message, codec->received);
    if (form.kind == AO_LINK && ao_link_id(form).len == AO_ID_TEXT &&
        is_ref_stored(w, ao_link_kind(form), ao_link_id(form))) {
        ref_add(ref, ao_link_id(form));
        return BEAMR_OK;
    }
    if ((st = ao_value_load(form, &form, w->err)) != BEAMR_OK || !is_flat(ao_to_message(form)))
        return st;
    if ((st = add_record(w, ao_to_message(form), false, false, hash)) == BEAMR_OK)
        ref_add(ref, beamr_bytes_of(hash));
    return st;
}

/* ---- Ids ---- */

typedef struct entry {
    char letter; /* 0 for none */
    store_ref ref;
} entry;

static beamr_status see_entry(void *user, beamr_bytes value, beamr_error *err)
{
    entry *e = (entry *)user;

    (void)err;
    if (value.len < 2 || value.len - 1 > sizeof e->ref.text)
        return BEAMR_OK;
    e->letter = (char)value.data[0];
    e->ref.len = value.len - 1;
    memcpy(e->ref.text, value.data + 1, e->ref.len);
    return BEAMR_OK;
}

static void put_entry(writer *w, const char *id, char letter, const store_ref *ref)
{
    uint8_t value[1 + RECORD_REF_MAX];
    store_key key;

    value[0] = (uint8_t)letter;
    memcpy(value + 1, ref->text, ref->len);
    store_key_of(&key, 'i', beamr_bytes_of(id));
    kv_batch_put(w->batch, store_key_bytes(&key), (beamr_bytes){value, 1 + ref->len});
}

static beamr_status find_entry(writer *w, const char *id, entry *out)
{
    store_key key;
    beamr_status st;

    *out = (entry){0, {0, ""}};
    store_key_of(&key, 'i', beamr_bytes_of(id));
    st = kv_get(w->context->kv, store_key_bytes(&key), see_entry, out, NULL);
    if (st != BEAMR_OK && st != BEAMR_NOT_FOUND)
        return beamr_fail(w->err, st, 0, "cannot read what id %s leads to", id);
    return BEAMR_OK;
}

/* What stands there is the same message, valid without the form that this one came in: nobody
 * has it sent on in a form of his own. */
static bool is_plainer(const entry *old, const store_ref *ref)
{
    return old->letter == 'v' && ref->len == RECORD_REF_MAX && old->ref.len < ref->len &&
           old->ref.len && !memcmp(old->ref.text, ref->text, old->ref.len);
}

/* The unsigned id leads to the message that was stored last, but not from one with valid
 * commitments to one without. */
static beamr_status put_unsigned(writer *w, const char *id, char letter, const store_ref *ref)
{
    entry old;
    beamr_status st = find_entry(w, id, &old);

    if (st != BEAMR_OK)
        return st;
    if (old.letter == letter && old.ref.len == ref->len &&
        !memcmp(old.ref.text, ref->text, ref->len))
        return BEAMR_OK;
    if (old.letter != 'v' || (letter == 'v' && !is_plainer(&old, ref)))
        put_entry(w, id, letter, ref);
    return BEAMR_OK;
}

/* The id of commitments. Anybody can add keys that they do not cover, or other commitments: a
 * message that may have such stands under the id only as long as nothing else does.
 *   is_own  it has none */
static beamr_status put_committed(writer *w, const char *id, bool is_own, const store_ref *ref)
{
    entry old = {0, {0, ""}};
    beamr_status st = BEAMR_OK;

    if (!is_own || ref->len == RECORD_REF_MAX)
        st = find_entry(w, id, &old);
    if (st == BEAMR_OK && (is_own ? !is_plainer(&old, ref) : !old.letter))
        put_entry(w, id, is_own ? 'v' : 'u', ref);
    return st;
}

/* What says how a message came says nothing of it, nor does what is made anew. */
static bool is_about_form(beamr_bytes key)
{
    static const char *const names[] = {"commitments",     "unsigned_id", "content-digest",
                                        "inline-body-key", "body-keys",   "content-type"};

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (text_is(key, names[i]))
            return true;
    return false;
}

/* A valid commitment covers all that the message holds. */
static beamr_status covers_all(writer *w, const ao_message *message,
                               const ao_selection *selection, bool *out)
{
    ao_value keys = AO_NO_VALUE;
    ao_cursor cursor = {0};
    const ao_name *name;
    size_t at = 0, count;
    beamr_status st = ao_committed(w->context, message, selection, &keys, NULL);

    *out = st == BEAMR_OK;
    count = *out ? ao_list_count(keys) : 0;
    while (*out && ao_message_next(message, &cursor, &name, NULL)) { /* both are in order */
        beamr_bytes key = ao_name_text(name);

        if (is_about_form(key))
            continue;
        while (at < count && text_compare(ao_text(ao_list_at(keys, at)), key) < 0)
            at++;
        *out = at < count && text_equal(ao_text(ao_list_at(keys, at)), key);
    }
    ao_value_unref(keys);
    return st == BEAMR_NO_MEMORY ? st : BEAMR_OK;
}

/* Everybody knows the key of an hmac, and each can leave out keys. */
static bool has_committer(const ao_message *commitments, const ao_name *name)
{
    const ao_message *one = NULL;
    ao_value value = ao_message_find(commitments, ao_name_text(name));

    if (ao_value_load(value, &value, NULL) == BEAMR_OK)
        one = ao_to_message(value);
    return one && ao_message_find_text(one, "committer").kind != AO_NONE;
}

/* What is known of the commitments of a message. */
typedef struct census {
    bool is_valid[AO_COMMITMENTS_MAX], is_signature[AO_COMMITMENTS_MAX];
    bool is_whole[AO_COMMITMENTS_MAX]; /* covers the whole message */
    bool are_valid, are_whole;         /* all of them */
    size_t count, signatures;
} census;

/* Check a commitment. A failure to check one is no failure to store it. */
static beamr_status count_commitment(writer *w, const ao_message *message,
                                     const ao_message *commitments, const ao_name *name,
                                     census *c)
{
    ao_selection one = {.commitments = ao_binary_copy(ao_name_text(name))};
    bool is_valid = false, is_whole = false;
    beamr_status st = one.commitments.kind == AO_NONE
                          ? BEAMR_NO_MEMORY
                          : ao_verify(w->context, message, &one, &is_valid, NULL, NULL);

    is_valid = st == BEAMR_OK && is_valid && ao_name_text(name).len == AO_ID_TEXT;
    if (is_valid)
        st = covers_all(w, message, &one, &is_whole);
    ao_value_unref(one.commitments);
    if (st == BEAMR_NO_MEMORY)
        return beamr_fail(w->err, st, 0, "no memory to check a commitment");
    c->is_valid[c->count] = is_valid;
    c->is_whole[c->count] = is_whole;
    c->is_signature[c->count] = has_committer(commitments, name);
    c->signatures += c->is_signature[c->count++];
    c->are_valid &= is_valid;
    c->are_whole &= is_whole;
    return BEAMR_OK;
}

static beamr_status count_commitments(writer *w, const ao_message *message,
                                      const ao_message *commitments, census *c)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    beamr_status st = BEAMR_OK;

    if (ao_message_count(commitments) > AO_COMMITMENTS_MAX) /* none can be checked */
        return BEAMR_OK;
    c->are_valid = c->are_whole = true;
    while (st == BEAMR_OK && ao_message_next(commitments, &cursor, &name, NULL))
        st = count_commitment(w, message, commitments, name, c);
    return st;
}

/* Ids of the commitments that are valid. One that stands alone, and covers the whole message,
 * has its id for itself; so that nobody takes it by adding keys or commitments. */
static beamr_status put_commitments(writer *w, const ao_message *commitments, const census *c,
                                    const store_ref *ref)
{
    bool is_own = c->are_valid && c->are_whole && c->signatures <= 1;
    ao_cursor cursor = {0};
    const ao_name *name;
    char id[AO_ID_TEXT + 1];
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; st == BEAMR_OK && i < c->count; i++) {
        if (!ao_message_next(commitments, &cursor, &name, NULL) || !c->is_valid[i] ||
            !(c->is_whole[i] || c->is_signature[i]))
            continue;
        memcpy(id, ao_name_text(name).data, AO_ID_TEXT);
        id[AO_ID_TEXT] = '\0';
        st = put_committed(w, id, is_own, ref);
    }
    return st;
}

/* Ids of several commitments together. */
static beamr_status put_joined(writer *w, const ao_message *message, bool is_own,
                               const store_ref *ref)
{
    const ao_selection *const selections[] = {&AO_SELECT_ALL, &AO_SELECT_SIGNED};
    char id[AO_ID_TEXT + 1], unsigned_id[AO_ID_TEXT + 1];
    beamr_status st = ao_message_unsigned_id(w->context, message, unsigned_id, w->err);

    for (size_t i = 0; st == BEAMR_OK && i < 2; i++) {
        st = ao_id_of(w->context, message, selections[i], id, w->err);
        if (st == BEAMR_OK && strcmp(id, unsigned_id) != 0)
            st = put_committed(w, id, is_own, ref);
    }
    return st;
}

static beamr_status put_ids(writer *w, const ao_message *message, const ao_message *commitments,
                            const store_ref *ref)
{
    census c = {.are_valid = false};
    char id[AO_ID_TEXT + 1];
    beamr_status st = ao_message_unsigned_id(w->context, message, id, w->err);

    if (st == BEAMR_OK && commitments)
        st = count_commitments(w, message, commitments, &c);
    if (st == BEAMR_OK && commitments)
        st = put_commitments(w, commitments, &c, ref);
    if (st == BEAMR_OK && c.are_valid)
        st = put_joined(w, message, c.are_whole, ref);
    if (st == BEAMR_OK)
        st = put_unsigned(w, id, c.are_valid ? 'v' : 'u', ref);
    return st;
}

/* A part gets ids as long as that takes no more than some times the size of the whole: an id is
 * computed from all that lies below. The whole always gets them. */
static bool spend(writer *w, const ao_message *message)
{
    ao_limits size = ao_message_size(message);
    size_t cost;

    if (__builtin_add_overflow(size.max_bytes, size.max_keys * 64, &cost) || cost > w->budget)
        return false;
    w->budget -= cost;
    return true;
}

static beamr_status add_message(writer *w, const ao_message *message, store_ref *ref)
{
    const ao_message *commitments;
    char hash[AO_ID_TEXT + 1];
    beamr_status st = find_commitments(message, &commitments, w->err);

    if (st == BEAMR_OK)
        st = add_record(w, message, commitments != NULL, false, hash);
    if (st != BEAMR_OK)
        return st;
    ref->len = 0;
    ref_add(ref, beamr_bytes_of(hash));
    if (commitments) {
        if ((st = add_record(w, commitments, false, true, hash)) != BEAMR_OK)
            return st;
        ref_add(ref, beamr_bytes_of(hash));
        if ((st = add_received(w, message, ref)) != BEAMR_OK)
            return st;
    }
    return w->depth && !spend(w, message) ? BEAMR_OK : put_ids(w, message, commitments, ref);
}

/* ---- The whole ---- */

/* Add a message or a binary.
 *   to  gets what a name that leads to exactly this must hold */
static beamr_status add_whole(writer *w, ao_value value, entry *to)
{
    const ao_message *message = ao_to_message(value);
    char hash[AO_ID_TEXT + 1];
    ao_limits size;
    beamr_status st;

    if ((st = store_check(w->context, w->err)) != BEAMR_OK)
        return st;
    if (message) {
        size = ao_message_size(message);
        if (__builtin_mul_overflow(size.max_bytes, BUDGET_FACTOR, &w->budget) ||
            __builtin_add_overflow(w->budget, BUDGET_BYTES, &w->budget))
            w->budget = SIZE_MAX;
        to->letter = 'u';
        return add_message(w, message, &to->ref);
    }
    if (value.kind != AO_BINARY)
        return beamr_fail(w->err, BEAMR_ARGUMENT, 0,
                          "only messages and binaries can be stored by themselves");
    st = put_hashed(w, 'b', ao_bytes(value), w->is_borrowed, hash);
    to->letter = 'b';
    to->ref.len = AO_ID_TEXT;
    if (st == BEAMR_OK)
        memcpy(to->ref.text, hash, AO_ID_TEXT);
    return st;
}

static beamr_status add(ao_context *context, kv_batch *batch, ao_value value, bool is_borrowed,
                        char id[AO_ID_TEXT + 1], beamr_error *err)
{
    writer w = {context, batch, is_borrowed, 0, 0, err};
    entry to;
    beamr_status st;

    if ((st = ao_value_load(value, &value, err)) != BEAMR_OK ||
        (st = add_whole(&w, value, &to)) != BEAMR_OK)
        return st;
    if (value.kind == AO_MESSAGE)
        return ao_message_unsigned_id(context, ao_to_message(value), id, err);
    memcpy(id, to.ref.text, AO_ID_TEXT);
    id[AO_ID_TEXT] = '\0';
    return BEAMR_OK;
}

beamr_status ao_store_add(ao_context *context, kv_batch *batch, ao_value value,
                          char id[AO_ID_TEXT + 1], beamr_error *err)
{
    return add(context, batch, value, false, id, err);
}

void ao_store_add_name(kv_batch *batch, beamr_bytes name, beamr_bytes target)
{
    store_key key;
    uint8_t *value = (uint8_t *)malloc(target.len + 1);

    /* The empty key makes the batch fail. */
    key.len = 0;
    if (value && name.len) {
        store_key_of(&key, 'n', name);
        value[0] = '@';
        if (target.len)
            memcpy(value + 1, target.data, target.len);
    }
    kv_batch_put(batch, store_key_bytes(&key),
                 (beamr_bytes){value, value ? target.len + 1 : 0});
    free(value);
}

beamr_status ao_store_write(ao_context *context, ao_value value, char id[AO_ID_TEXT + 1],
                            beamr_error *err)
{
    kv_batch *batch;
    beamr_status st;

    if ((st = store_check(context, err)) != BEAMR_OK ||
        (st = kv_batch_new(context->kv, &batch, err)) != BEAMR_OK)
        return st;
    st = add(context, batch, value, true, id, err);
    if (st == BEAMR_OK)
        return kv_batch_commit(batch, NULL, err);
    kv_batch_free(batch);
    return st;
}

beamr_status ao_store_message(ao_context *context, const ao_message *message,
                              char id[AO_ID_TEXT + 1], beamr_error *err)
{
    ao_value value = ao_message_value(ao_message_ref(message));
    beamr_status st = ao_store_write(context, value, id, err);

    ao_value_unref(value);
    return st;
}

/* ---- Results ---- */

/* What is no message, and no more than an id or a key, need not be stored. */
static beamr_status add_input(writer *w, ao_value value)
{
    entry to;

    if (value.kind == AO_MESSAGE ||
        (value.kind == AO_BINARY && ao_bytes(value).len > AO_ID_TEXT))
        return add_whole(w, value, &to);
    return BEAMR_OK;
}

beamr_status ao_store_add_result(ao_context *context, kv_batch *batch, ao_value base,
                                 ao_value request, beamr_bytes hashpath, ao_value result,
                                 beamr_error *err)
{
    writer w = {context, batch, false, 0, 0, err};
    uint8_t value[1 + RECORD_REF_MAX];
    store_key key;
    entry to;
    beamr_status st;

    if ((st = ao_value_load(result, &result, err)) != BEAMR_OK)
        return st;
    if (result.kind != AO_MESSAGE && result.kind != AO_BINARY)
        return BEAMR_OK;
    if ((st = add_input(&w, base)) != BEAMR_OK || (st = add_input(&w, request)) != BEAMR_OK ||
        (st = add_whole(&w, result, &to)) != BEAMR_OK)
        return st;
    value[0] = (uint8_t)to.letter;
    memcpy(value + 1, to.ref.text, to.ref.len);
    store_key_of(&key, 'n', hashpath);
    kv_batch_put(batch, store_key_bytes(&key), (beamr_bytes){value, 1 + to.ref.len});
    return BEAMR_OK;
}

beamr_status ao_store_write_result(ao_context *context, ao_value base, ao_value request,
                                   beamr_bytes hashpath, ao_value result, beamr_error *err)
{
    kv_batch *batch;
    beamr_status st;

    if ((st = store_check(context, err)) != BEAMR_OK ||
        (st = kv_batch_new(context->kv, &batch, err)) != BEAMR_OK)
        return st;
    st = ao_store_add_result(context, batch, base, request, hashpath, result, err);
    if (st == BEAMR_OK)
        return kv_batch_commit(batch, NULL, err);
    kv_batch_free(batch);
    return st;
}
