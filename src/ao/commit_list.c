/* Going through commitments, and lists of texts to look in: commit_list.h. */
#include "ao/commit_list.h"

#include <stdlib.h>

#include "ao/internal.h"
#include "crypto/base64.h"

/* ---- Commitments, one by one ---- */

beamr_status commitments_begin(const ao_message *message, commitment_cursor *cursor,
                               beamr_error *err)
{
    ao_value all;
    beamr_status st = ao_message_get(message, beamr_bytes_of("commitments"), &all, err);

    *cursor = (commitment_cursor){0};
    if (st == BEAMR_OK)
        cursor->all = ao_to_message(all);
    return st;
}

beamr_status commitments_next(commitment_cursor *cursor, commitment_entry *out,
                              beamr_error *err)
{
    ao_value value;

    *out = (commitment_entry){0};
    while (cursor->all && ao_message_next(cursor->all, &cursor->at, &out->name, &value)) {
        beamr_status st = ao_value_load(value, &value, err);

        if (st != BEAMR_OK)
            return st;
        if (!(out->message = ao_to_message(value)))
            continue;
        out->id = ao_name_text(out->name);
        return BEAMR_OK;
    }
    return BEAMR_OK;
}

beamr_status commitment_committer(const commitment_entry *c, beamr_bytes *out, beamr_error *err)
{
    ao_value committer;
    beamr_status st = ao_message_get(c->message, beamr_bytes_of("committer"), &committer, err);

    if (st == BEAMR_OK)
        *out = ao_text(committer);
    return st;
}

/* ---- Lists of texts ---- */

static beamr_status fail_argument(const char *what, beamr_error *err)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "`%s` is neither `all` nor `none` nor a list of texts", what);
}

/* The values that are wanted, as a list with a count; a numbered message is one too. */
static beamr_status list_of(ao_value value, const char *what, ao_value *out, beamr_error *err)
{
    ao_value item;

    switch (value.kind) {
    case AO_LIST:
        *out = ao_value_ref(value);
        return BEAMR_OK;
    case AO_MESSAGE:
        return ao_message_to_list(ao_to_message(value), out, err);
    case AO_BINARY:
    case AO_ATOM:
        item = ao_value_ref(value);
        *out = ao_list_new(&item, 1);
        return out->kind == AO_NONE ? value_fail(*out, err) : BEAMR_OK;
    default:
        return fail_argument(what, err);
    }
}

static void text_take(wanted_text *t, beamr_bytes text)
{
    t->given = text;
    if (text.len == AO_ID_SIZE)
        crypto_id_text(text.data, t->buffer);
}

beamr_bytes wanted_text_of(const wanted_text *t)
{
    return t->buffer[0] ? (beamr_bytes){(const uint8_t *)t->buffer, AO_ID_TEXT} : t->given;
}

static int compare_texts(const void *a, const void *b)
{
    return text_compare(wanted_text_of(a), wanted_text_of(b));
}

static beamr_status texts_read(wanted *w, const char *what, beamr_error *err)
{
    size_t count = ao_list_count(w->list);

    if (count && !(w->texts = calloc(count, sizeof *w->texts)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a list of %zu texts", count);
    for (; w->count < count; w->count++) {
        ao_value item;
        beamr_status st = ao_value_load(ao_list_at(w->list, w->count), &item, err);

        if (st != BEAMR_OK)
            return st;
        if (item.kind != AO_BINARY && item.kind != AO_ATOM)
            return fail_argument(what, err);
        text_take(&w->texts[w->count], ao_text(item));
    }
    return BEAMR_OK;
}

beamr_status wanted_read(ao_value value, const char *what, wanted *out, beamr_error *err)
{
    wanted w = {.how = WANTED_NONE};
    beamr_status st;

    *out = w;
    if ((st = ao_value_load(value, &value, err)) != BEAMR_OK)
        return st;
    if (value.kind == AO_NONE || text_is(ao_text(value), "none"))
        return BEAMR_OK;
    w.how = text_is(ao_text(value), "all") ? WANTED_ALL : WANTED_LISTED;
    if (w.how == WANTED_LISTED) {
        st = list_of(value, what, &w.list, err);
        if (st == BEAMR_OK)
            st = texts_read(&w, what, err);
    }
    if (st != BEAMR_OK) {
        wanted_clear(&w);
        return st;
    }
    if (w.count)
        qsort(w.texts, w.count, sizeof *w.texts, compare_texts);
    *out = w;
    return BEAMR_OK;
}

void wanted_clear(wanted *w)
{
    ao_value_unref(w->list);
    free(w->texts);
    *w = (wanted){.how = WANTED_NONE};
}

bool wanted_has(wanted *w, beamr_bytes text)
{
    size_t low = 0, high = w->count;
    bool is_there = w->how == WANTED_ALL;

    while (low < high) { /* the first that is not less */
        size_t middle = low + (high - low) / 2;

        if (text_compare(wanted_text_of(&w->texts[middle]), text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < w->count && !w->texts[low].is_found; low++) { /* and its equals */
        if (!text_equal(wanted_text_of(&w->texts[low]), text))
            break;
        w->texts[low].is_found = is_there = true;
    }
    return is_there || (low < w->count && text_equal(wanted_text_of(&w->texts[low]), text));
}
