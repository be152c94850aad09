/* Commitments: who made them, and messages with fewer of them.
 * Source: AO-Core messages, "Commitment filters used by other devices". */
#include <stdlib.h>

#include "ao/commit.h"
#include "ao/commit_list.h"
#include "ao/internal.h"
#include "base/arena.h"

/* ---- Committers ---- */

beamr_status ao_committers(const ao_message *message, ao_value *out, beamr_error *err)
{
    commitment_cursor cursor;
    commitment_entry one;
    ao_value *items;
    size_t count = 0;
    beamr_status st;

    BEAMR_TRY(commitments_begin(message, &cursor, err));
    items = calloc((cursor.all ? ao_message_count(cursor.all) : 0) + 1, sizeof *items);
    if (!items)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a list of committers");
    while ((st = commitments_next(&cursor, &one, err)) == BEAMR_OK && one.message) {
        beamr_bytes committer;

        if ((st = commitment_committer(&one, &committer, err)) != BEAMR_OK)
            break;
        if (committer.len)
            items[count++] = ao_binary_copy(committer);
    }
    *out = ao_list_new(items, count); /* takes the items over in any case */
    free(items);
    if (st == BEAMR_OK)
        return out->kind == AO_NONE ? value_fail(*out, err) : BEAMR_OK;
    ao_value_unref(*out);
    return st;
}

/* ---- What a commitment is asked for ---- */

typedef struct filter {
    ao_message *spec;  /* counted; matched; NULL to look at the committers */
    wanted committers; /* otherwise */
    bool is_without;   /* keep the others */
} filter;

static void filter_clear(filter *f)
{
    ao_message_unref(f->spec);
    wanted_clear(&f->committers);
}

/* A message is matched; a text is an address. */
static beamr_status filter_read(ao_value spec, bool is_without, filter *out, beamr_error *err)
{
    filter f = {.is_without = is_without};
    ao_builder b;

    BEAMR_TRY(ao_value_load(spec, &spec, err));
    if (spec.kind == AO_MESSAGE) {
        f.spec = ao_message_ref(ao_to_message(spec));
    } else if (spec.kind == AO_BINARY) {
        ao_builder_begin(&b, NULL, NULL, err);
        ao_builder_put(&b, "committer", ao_value_ref(spec));
        BEAMR_TRY(ao_builder_end(&b, &f.spec));
    } else {
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "commitments are asked for by a message or an address");
    }
    *out = f;
    return BEAMR_OK;
}

static beamr_status filter_has(filter *f, const commitment_entry *one, bool *out,
                               beamr_error *err)
{
    beamr_bytes committer;

    if (f->spec) {
        *out = ao_message_match(f->spec, one->message, AO_MATCH_PRIMARY, NULL) != f->is_without;
        return BEAMR_OK;
    }
    BEAMR_TRY(commitment_committer(one, &committer, err));
    *out = committer.len && wanted_has(&f->committers, committer);
    return BEAMR_OK;
}

/* ---- Messages with fewer commitments ---- */

/* The commitments that pass, into a builder. */
static beamr_status pass_into(const ao_message *message, filter *f, ao_builder *b,
                              beamr_error *err)
{
    commitment_cursor cursor;
    commitment_entry one;
    bool is_in;

    BEAMR_TRY(commitments_begin(message, &cursor, err));
    for (;;) {
        BEAMR_TRY(commitments_next(&cursor, &one, err));
        if (!one.message)
            return BEAMR_OK;
        BEAMR_TRY(filter_has(f, &one, &is_in, err));
        if (is_in)
            ao_builder_put_name(b, one.name, ao_message_value(ao_message_ref(one.message)));
    }
}

static beamr_status pass(const ao_message *message, filter *f, BEAMR_OWN ao_message **out,
                         beamr_error *err)
{
    beamr_status st;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, err);
    if ((st = pass_into(message, f, &b, err)) == BEAMR_OK)
        return ao_builder_end(&b, out);
    ao_builder_drop(&b);
    return st;
}

/* The message with the commitments that pass. */
static beamr_status apply(const ao_message *message, filter *f, BEAMR_OWN ao_message **out,
                          beamr_error *err)
{
    ao_message *passed = NULL;
    beamr_status st = pass(message, f, &passed, err);

    if (st == BEAMR_OK && ao_message_count(passed) == 0)
        st = ao_message_without(message, "commitments", out, err);
    else if (st == BEAMR_OK)
        st = ao_message_with(message, "commitments", ao_message_value(ao_message_ref(passed)),
                             out, err);
    ao_message_unref(passed);
    return st;
}

static beamr_status filter_by_spec(const ao_message *message, ao_value spec, bool is_without,
                                   BEAMR_OWN ao_message **out, beamr_error *err)
{
    filter f;
    beamr_status st = filter_read(spec, is_without, &f, err);

    if (st != BEAMR_OK)
        return st;
    st = apply(message, &f, out, err);
    filter_clear(&f);
    return st;
}

beamr_status ao_with_commitments(const ao_message *message, ao_value spec,
                                 BEAMR_OWN ao_message **out, beamr_error *err)
{
    return filter_by_spec(message, spec, false, out, err);
}

beamr_status ao_without_commitments(const ao_message *message, ao_value spec,
                                    BEAMR_OWN ao_message **out, beamr_error *err)
{
    return filter_by_spec(message, spec, true, out, err);
}

beamr_status ao_with_only_committers(const ao_message *message, ao_value committers,
                                     BEAMR_OWN ao_message **out, beamr_error *err)
{
    filter f = {.spec = NULL};
    beamr_status st = wanted_read(committers, "committers", &f.committers, err);

    if (st != BEAMR_OK)
        return st;
    st = apply(message, &f, out, err);
    filter_clear(&f);
    return st;
}

beamr_status ao_uncommitted(const ao_message *message, BEAMR_OWN ao_message **out,
                            beamr_error *err)
{
    return ao_message_without(message, "commitments", out, err);
}

/* ---- One commitment ---- */

static beamr_status take_single(const ao_message *passed, ao_value *id,
                                BEAMR_OWN ao_message **commitment, beamr_error *err)
{
    ao_cursor cursor = {0};
    ao_value value, text;
    const ao_name *name;

    if (!ao_message_next(passed, &cursor, &name, &value))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "not_found: no commitment matches");
    if (ao_message_next(passed, &cursor, NULL, NULL))
        return beamr_fail(err, BEAMR_CONFLICT, 0, "multiple_matches: %zu commitments match",
                          ao_message_count(passed));
    if (id) {
        text = ao_binary_copy(ao_name_text(name));
        if (text.kind == AO_NONE)
            return value_fail(text, err);
        *id = text;
    }
    if (commitment)
        *commitment = ao_message_ref(ao_to_message(value));
    return BEAMR_OK;
}

beamr_status ao_find_commitment(const ao_message *message, ao_value spec, ao_value *id,
                                BEAMR_OWN ao_message **commitment, beamr_error *err)
{
    ao_message *passed = NULL;
    filter f;
    beamr_status st = filter_read(spec, false, &f, err);

    if (st != BEAMR_OK)
        return st;
    if ((st = pass(message, &f, &passed, err)) == BEAMR_OK)
        st = take_single(passed, id, commitment, err);
    ao_message_unref(passed);
    filter_clear(&f);
    return st;
}
