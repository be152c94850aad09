/* Commitments: asking codecs to sign, to verify, and for what is covered.
 * A commitment names its codec; codecs without commitments of their own use those of
 * httpsig@1.0. Source: AO-Core messages, "Commitments". */
#include <stdlib.h>

#include "ao/commit.h"
#include "ao/commit_list.h"
#include "ao/internal.h"
#include "base/arena.h"

/* ---- Codecs ---- */

/* The codec that makes commitments for `name`; NULL when there is none. */
static const ao_codec *committing_codec(const ao_context *context, beamr_bytes name)
{
    const ao_codec *codec = name.len ? ao_context_find_codec(context, name) : context->httpsig;

    if (codec && !codec->commit && !codec->verify)
        codec = context->httpsig;
    return codec;
}

/* That of a commitment. */
static beamr_status codec_of(const ao_context *context, const ao_message *commitment,
                             const ao_codec **out, beamr_error *err)
{
    ao_value device;
    beamr_status st =
        ao_message_get(commitment, beamr_bytes_of("commitment-device"), &device, err);

    if (st == BEAMR_OK)
        *out = committing_codec(context, ao_text(device));
    return st;
}

/* ---- Verifying ---- */

static beamr_status verify_one(ao_context *context, const ao_message *message,
                               const ao_name *name, const ao_message *commitment,
                               bool *is_valid, const char **why, beamr_error *err)
{
    const ao_codec *codec;
    beamr_status st = codec_of(context, commitment, &codec, err);

    if (st != BEAMR_OK)
        return st;
    if (codec && codec->verify)
        return codec->verify(context, message, ao_name_text(name), commitment, is_valid, why,
                             err);
    *is_valid = false;
    *why = "the device of the commitment is not known";
    return BEAMR_OK;
}

static beamr_status verify_all(ao_context *context, const ao_message *message,
                               const ao_message *selected, bool *is_valid, const char **why,
                               beamr_error *err)
{
    bool is_fine = true;
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;

    while (is_fine && ao_message_next(selected, &cursor, &name, &value)) {
        beamr_status st =
            verify_one(context, message, name, ao_to_message(value), &is_fine, why, err);

        if (st != BEAMR_OK)
            return st;
    }
    *is_valid = is_fine;
    return BEAMR_OK;
}

beamr_status ao_verify(ao_context *context, const ao_message *message,
                       const ao_selection *selection, bool *is_valid, const char **why,
                       beamr_error *err)
{
    ao_message *selected;
    const char *ignored;
    beamr_status st = ao_commitments_select(message, selection, &selected, err);

    if (st != BEAMR_OK)
        return st;
    st = verify_all(context, message, selected, is_valid, why ? why : &ignored, err);
    ao_message_unref(selected);
    return st;
}

beamr_status ao_message_verify(ao_context *context, const ao_message *message, bool *is_valid,
                               beamr_error *err)
{
    ao_message *selected;
    const char *why;
    beamr_status st = ao_commitments_select(message, &AO_SELECT_SIGNED, &selected, err);

    if (st != BEAMR_OK)
        return st;
    if (ao_message_count(selected) == 0)
        *is_valid = false;
    else
        st = verify_all(context, message, selected, is_valid, &why, err);
    ao_message_unref(selected);
    return st;
}

/* ---- Signing ---- */

beamr_status ao_message_commit(ao_context *context, const ao_message *message,
                               const char *device, const ao_wallet *wallet,
                               BEAMR_OWN ao_message **out, beamr_error *err)
{
    const ao_codec *codec =
        committing_codec(context, device ? beamr_bytes_of(device) : (beamr_bytes){NULL, 0});

    if (!codec || !codec->commit)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "no codec `%.64s` that signs messages",
                          device ? device : "httpsig@1.0");
    if (!wallet && !(wallet = context->wallet))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "no wallet to sign with");
    return codec->commit(context, message, wallet, out, err);
}

/* ---- What is covered ---- */

/* A key that one of the commitments covers. */
typedef struct covered_key {
    ao_value key; /* counted */
    size_t by;    /* which commitment */
} covered_key;

typedef struct covered {
    covered_key *keys;
    size_t count, capacity;
} covered;

static void covered_clear(covered *c)
{
    for (size_t i = 0; i < c->count; i++)
        ao_value_unref(c->keys[i].key);
    free(c->keys);
}

static bool covered_add(covered *c, ao_value list, size_t by)
{
    size_t more = ao_list_count(list);

    if (more > c->capacity - c->count) {
        size_t capacity = c->count + more > 2 * c->capacity ? c->count + more : 2 * c->capacity;
        covered_key *keys = realloc(c->keys, capacity * sizeof *keys);

        if (!keys)
            return false;
        c->keys = keys;
        c->capacity = capacity;
    }
    for (size_t i = 0; i < more; i++)
        c->keys[c->count++] = (covered_key){ao_value_ref(ao_list_at(list, i)), by};
    return true;
}

static int compare_covered(const void *a, const void *b)
{
    const covered_key *x = a, *y = b;
    int order = text_compare(ao_text(x->key), ao_text(y->key));

    return order ? order : (x->by > y->by) - (x->by < y->by);
}

/* The keys from `start` on that are equal, and by how many commitments they are covered. */
static size_t run_end(const covered *c, size_t start, size_t *by)
{
    beamr_bytes text = ao_text(c->keys[start].key);
    size_t end = start + 1;

    *by = 1;
    for (; end < c->count && text_equal(ao_text(c->keys[end].key), text); end++)
        *by += c->keys[end].by != c->keys[end - 1].by;
    return end;
}

/* The list of those keys that all `total` commitments cover, each once and in order. */
static beamr_status covered_by_all(covered *c, size_t total, ao_value *out, beamr_error *err)
{
    ao_value *items = calloc(c->count + 1, sizeof *items);
    size_t count = 0, end, by;

    if (!items)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu keys", c->count);
    if (c->count)
        qsort(c->keys, c->count, sizeof *c->keys, compare_covered);
    for (size_t i = 0; i < c->count; i = end) {
        end = run_end(c, i, &by);
        if (by == total)
            items[count++] = ao_value_ref(c->keys[i].key);
    }
    *out = ao_list_new(items, count);
    free(items);
    return out->kind == AO_NONE ? value_fail(*out, err) : BEAMR_OK;
}

/* Add what one commitment covers; nothing when its device is not known. */
static beamr_status cover_one(ao_context *context, const ao_message *message,
                              const ao_name *name, const ao_message *commitment, size_t by,
                              covered *c, beamr_error *err)
{
    const ao_codec *codec;
    ao_value keys;
    beamr_status st = codec_of(context, commitment, &codec, err);

    if (st != BEAMR_OK || !codec || !codec->committed)
        return st;
    st = codec->committed(context, message, ao_name_text(name), commitment, &keys, err);
    if (st != BEAMR_OK)
        return st;
    if (!covered_add(c, keys, by))
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the keys of a commitment");
    ao_value_unref(keys);
    return st;
}

beamr_status ao_committed(ao_context *context, const ao_message *message,
                          const ao_selection *selection, ao_value *out, beamr_error *err)
{
    ao_message *selected = NULL;
    covered c = {NULL, 0, 0};
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;
    size_t total = 0;
    beamr_status st = ao_commitments_select(message, selection, &selected, err);

    while (st == BEAMR_OK && ao_message_next(selected, &cursor, &name, &value))
        st = cover_one(context, message, name, ao_to_message(value), total++, &c, err);
    if (st == BEAMR_OK)
        st = covered_by_all(&c, total, out, err);
    covered_clear(&c);
    ao_message_unref(selected);
    return st;
}

beamr_status ao_only_committed(ao_context *context, const ao_message *message,
                               BEAMR_OWN ao_message **out, beamr_error *err)
{
    commitment_cursor cursor;
    commitment_entry first;
    ao_value keys;
    ao_builder b;

    BEAMR_TRY(commitments_begin(message, &cursor, err));
    BEAMR_TRY(commitments_next(&cursor, &first, err));
    if (!first.message) {
        *out = ao_message_ref(message);
        return BEAMR_OK;
    }
    BEAMR_TRY(ao_committed(context, message, &AO_SELECT_ALL, &keys, err));
    ao_builder_begin(&b, NULL, NULL, err);
    for (size_t i = 0; i < ao_list_count(keys); i++) {
        beamr_bytes key = ao_text(ao_list_at(keys, i));
        ao_value value = ao_message_find(message, key);

        if (value.kind != AO_NONE)
            ao_builder_put_key(&b, key, ao_value_ref(value));
    }
    ao_builder_put(&b, "commitments",
                   ao_value_ref(ao_message_find_text(message, "commitments")));
    ao_value_unref(keys);
    return ao_builder_end(&b, out);
}
