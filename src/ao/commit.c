/* Commitments: selecting them, the id of a selection, and what its commitments cover.
 * Asking codecs to sign and to verify is in commit_verify.c, filters in commit_filter.c.
 * Source: AO-Core messages, "Selecting commitments"; ids, "Ids of signed messages". */
#include "ao/commit.h"

#include <stdlib.h>

#include "ao/commit_list.h"
#include "ao/internal.h"
#include "base/arena.h"
#include "crypto/base64.h"
#include "crypto/hash.h"

const ao_selection AO_SELECT_SIGNED = {.fixed = AO_SELECT_COMMITTED};
const ao_selection AO_SELECT_ALL = {.fixed = AO_SELECT_EVERY};

/* ---- Selecting ---- */

typedef struct choice {
    wanted committers, ids;
} choice;

static void choice_clear(choice *c)
{
    wanted_clear(&c->committers);
    wanted_clear(&c->ids);
}

static beamr_status choice_read(const ao_selection *selection, choice *out, beamr_error *err)
{
    choice c = {.committers = {.how = WANTED_NONE}};
    beamr_status st;

    if (selection->fixed == AO_SELECT_COMMITTED)
        c.committers.how = WANTED_ALL;
    if (selection->fixed == AO_SELECT_EVERY)
        c.ids.how = WANTED_ALL;
    *out = c;
    if (selection->fixed != AO_SELECT_BY_VALUES)
        return BEAMR_OK;
    if ((st = wanted_read(selection->committers, "committers", &c.committers, err)) != BEAMR_OK)
        return st;
    if ((st = wanted_read(selection->commitments, "commitments", &c.ids, err)) != BEAMR_OK) {
        choice_clear(&c);
        return st;
    }
    if (selection->commitments.kind == AO_NONE && c.committers.how == WANTED_NONE)
        c.ids.how = WANTED_ALL;
    *out = c;
    return BEAMR_OK;
}

static beamr_status choice_has(choice *c, const commitment_entry *one, bool *out,
                               beamr_error *err)
{
    beamr_bytes committer = {NULL, 0};
    bool is_wanted = wanted_has(&c->ids, one->id);

    if (c->committers.how != WANTED_NONE)
        BEAMR_TRY(commitment_committer(one, &committer, err));
    if (committer.len && wanted_has(&c->committers, committer))
        is_wanted = true;
    *out = is_wanted;
    return BEAMR_OK;
}

/* Every committer that was listed has a commitment. */
static beamr_status choice_check(const choice *c, beamr_error *err)
{
    for (size_t i = 0; i < c->committers.count; i++) {
        const wanted_text *t = &c->committers.texts[i];
        char shown[AO_ID_TEXT + 1] = "";
        beamr_bytes text = wanted_text_of(t);

        if (t->is_found)
            continue;
        for (size_t j = 0; j < text.len && j < AO_ID_TEXT; j++)
            shown[j] = (char)(text.data[j] > ' ' && text.data[j] < 0x7f ? text.data[j] : '?');
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          "requested_committers_not_found: `%s` has no commitment", shown);
    }
    return BEAMR_OK;
}

static beamr_status select_into(choice *c, const ao_message *message, ao_builder *b,
                                beamr_error *err)
{
    commitment_cursor cursor;
    commitment_entry one;
    bool is_wanted;

    BEAMR_TRY(commitments_begin(message, &cursor, err));
    if (cursor.all && ao_message_count(cursor.all) > AO_COMMITMENTS_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "a message with more than %d commitments",
                          AO_COMMITMENTS_MAX);
    for (;;) {
        BEAMR_TRY(commitments_next(&cursor, &one, err));
        if (!one.message)
            return choice_check(c, err);
        BEAMR_TRY(choice_has(c, &one, &is_wanted, err));
        if (is_wanted)
            ao_builder_put_name(b, one.name, ao_message_value(ao_message_ref(one.message)));
    }
}

beamr_status ao_commitments_select(const ao_message *message, const ao_selection *selection,
                                   BEAMR_OWN ao_message **out, beamr_error *err)
{
    beamr_status st;
    ao_builder b;
    choice c;

    if ((st = choice_read(selection, &c, err)) != BEAMR_OK)
        return st;
    ao_builder_begin(&b, NULL, NULL, err);
    if ((st = select_into(&c, message, &b, err)) == BEAMR_OK)
        st = ao_builder_end(&b, out);
    else
        ao_builder_drop(&b);
    choice_clear(&c);
    return st;
}

/* ---- Ids ---- */

static beamr_status unsigned_id(ao_context *context, const ao_message *message,
                                uint8_t id[AO_ID_SIZE], beamr_error *err)
{
    if (message_cached_id(message, id))
        return BEAMR_OK;
    if (!context->httpsig)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "no codec httpsig@1.0, which makes ids");
    BEAMR_TRY(context->httpsig->unsigned_id(context, message, id, err));
    message_cache_id(message, id);
    return BEAMR_OK;
}

beamr_status ao_message_unsigned_id(ao_context *context, const ao_message *message,
                                    char out[AO_ID_TEXT + 1], beamr_error *err)
{
    uint8_t id[AO_ID_SIZE];

    BEAMR_TRY(unsigned_id(context, message, id, err));
    crypto_id_text(id, out);
    return BEAMR_OK;
}

/* The id that a commitment stands under. */
static beamr_status id_take(const ao_name *name, uint8_t id[AO_ID_SIZE], beamr_error *err)
{
    beamr_bytes text = ao_name_text(name);

    if (text.len == AO_ID_SIZE)
        memcpy(id, text.data, AO_ID_SIZE);
    else if (!crypto_id_bytes(text, id))
        return beamr_fail(err, BEAMR_MESSAGE, 0,
                          "a commitment stands under a key of %zu bytes that is no id",
                          text.len);
    return BEAMR_OK;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, AO_ID_TEXT);
}

/* SHA-256 of the ids in order, with a comma and a space between them. The array is filled in
 * and sorted; `ids` and `pieces` have room. */
static beamr_status join(const ao_message *selected, char (*ids)[AO_ID_TEXT + 1],
                         beamr_bytes *pieces, uint8_t out[AO_ID_SIZE], beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    size_t count = 0;

    while (ao_message_next(selected, &cursor, &name, NULL)) {
        BEAMR_TRY(id_take(name, out, err));
        crypto_id_text(out, ids[count++]);
    }
    qsort(ids, count, sizeof *ids, compare_ids); /* the text of a short form moves */
    for (size_t i = 0; i < count; i++) {
        pieces[2 * i] = (beamr_bytes){(const uint8_t *)ids[i], AO_ID_TEXT};
        pieces[2 * i + 1] = beamr_bytes_of(", ");
    }
    return crypto_hash_pieces(CRYPTO_SHA256, pieces, 2 * count - 1, out, err);
}

static beamr_status id_join(const ao_message *selected, uint8_t out[AO_ID_SIZE],
                            beamr_error *err)
{
    size_t count = ao_message_count(selected);
    char(*ids)[AO_ID_TEXT + 1] = calloc(count, sizeof *ids);
    beamr_bytes *pieces = calloc(count, 2 * sizeof *pieces);
    beamr_status st;

    if (ids && pieces)
        st = join(selected, ids, pieces, out, err);
    else
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu ids", count);
    free(pieces);
    free(ids);
    return st;
}

static bool has_commitments(const ao_message *message)
{
    return message_key(message, "commitments").kind != AO_NONE;
}

beamr_status ao_id_bytes_of(ao_context *context, const ao_message *message,
                            const ao_selection *selection, uint8_t out[AO_ID_SIZE],
                            beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_message *selected;
    beamr_status st;

    if (selection->fixed != AO_SELECT_BY_VALUES && !has_commitments(message))
        return unsigned_id(context, message, out, err);
    if ((st = ao_commitments_select(message, selection, &selected, err)) != BEAMR_OK)
        return st;
    if (ao_message_count(selected) == 0)
        st = unsigned_id(context, message, out, err);
    else if (ao_message_count(selected) > 1)
        st = id_join(selected, out, err);
    else if (ao_message_next(selected, &cursor, &name, NULL))
        st = id_take(name, out, err);
    ao_message_unref(selected);
    return st;
}

beamr_status ao_id_of(ao_context *context, const ao_message *message,
                      const ao_selection *selection, char out[AO_ID_TEXT + 1], beamr_error *err)
{
    uint8_t id[AO_ID_SIZE];

    BEAMR_TRY(ao_id_bytes_of(context, message, selection, id, err));
    crypto_id_text(id, out);
    return BEAMR_OK;
}

beamr_status ao_message_id(ao_context *context, const ao_message *message,
                           char out[AO_ID_TEXT + 1], beamr_error *err)
{
    return ao_id_of(context, message, &AO_SELECT_SIGNED, out, err);
}
