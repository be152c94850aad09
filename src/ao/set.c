/* Setting and removing keys, as message@1.0 does it.
 * What stands where: merging and paths in merge.c, which keys commitments cover in commit.c.
 * Source: AO-Core messages, "Set, remove, unset". */
#include "ao/set.h"

#include <stdlib.h>

#include "ao/commit.h"
#include "ao/internal.h"
#include "ao/merge.h"

/* Keys of a request that say what to do, or that nobody can set. */
static bool is_reserved(beamr_bytes key)
{
    static const char *const reserved[] = {"id",     "commitments", "committers",
                                           "keys",   "path",        "set",
                                           "remove", "verify",      "set-mode"};

    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (text_is(key, reserved[i]))
            return true;
    return false;
}

static bool is_set(beamr_bytes key, ao_value value)
{
    return !is_reserved(key) && !ao_is_atom(value, "undefined");
}

/* ---- Commitments ---- */

/* The keys that the commitments of `base` cover. What they cover may not be known, as when one
 * is malformed: then `is_all`. */
static beamr_status find_committed(ao_context *context, const ao_message *base, ao_value *keys,
                                   bool *is_all, beamr_error *err)
{
    beamr_error why;
    beamr_status st;

    beamr_error_clear(&why);
    *keys = AO_NO_VALUE;
    *is_all = false;
    st = ao_committed(context, base, &AO_SELECT_SIGNED, keys, &why);
    if (st == BEAMR_NO_MEMORY || st == BEAMR_IO)
        return beamr_fail(err, st, why.offset, "%s", why.text);
    *is_all = st != BEAMR_OK;
    return BEAMR_OK;
}

/* The key is among the committed ones, which are in order. */
static bool is_committed(ao_value keys, beamr_bytes key)
{
    size_t low = 0, high = ao_list_count(keys);

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = text_compare(ao_text(ao_list_at(keys, middle)), key);

        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

/* What was set: the keys of a request, or one key. */
typedef struct changes {
    const ao_message *request; /* NULL: `key` */
    beamr_bytes key;           /* normalised */
    bool is_merged;            /* all keys of `request` were set, whatever they are called */
} changes;

static bool is_any_committed(const changes *set, ao_value keys)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    if (!set->request)
        return is_committed(keys, set->key);
    while (ao_message_next(set->request, &cursor, &key, &value))
        if ((set->is_merged || is_set(ao_name_text(key), value)) &&
            is_committed(keys, ao_name_text(key)))
            return true;
    return false;
}

/* Drop the commitments of `made`, which is taken over, if they don't hold any more. */
static beamr_status keep_honest(ao_context *context, const ao_message *base, const changes *set,
                                BEAMR_OWN ao_message *made, BEAMR_OWN ao_message **out,
                                beamr_error *err)
{
    ao_message *bare = NULL;
    ao_value keys;
    bool is_all;
    beamr_status st;

    if (ao_message_find_text(base, "commitments").kind == AO_NONE ||
        ao_message_match(base, made, AO_MATCH_STRICT, NULL)) {
        *out = made;
        return BEAMR_OK;
    }
    st = find_committed(context, base, &keys, &is_all, err);
    if (st == BEAMR_OK && (is_all || is_any_committed(set, keys))) {
        st = ao_message_without(made, "commitments", &bare, err);
        ao_message_unref(made);
        made = bare;
    }
    ao_value_unref(keys);
    if (st == BEAMR_OK)
        *out = made;
    else
        ao_message_unref(made);
    return st;
}

static beamr_status keep_merged_honest(ao_context *context, ao_value old, ao_value more,
                                       unsigned depth, ao_value *merged, beamr_error *err);

/* The same for the messages under the keys of `more`. The builder is of what was merged.
 *   is_changed  whether any of them became another */
static void keep_keys_honest(ao_context *context, const ao_message *old, const ao_message *more,
                             unsigned depth, const ao_message *merged, ao_builder *builder,
                             bool *is_changed)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    *is_changed = false;
    while (builder->status == BEAMR_OK && ao_message_next(more, &cursor, &key, &value)) {
        ao_value was = ao_message_find(merged, ao_name_text(key)), is = was;

        if (was.kind != AO_MESSAGE)
            continue;
        (void)ao_value_ref(is);
        builder->status = keep_merged_honest(context, ao_message_find(old, ao_name_text(key)),
                                             value, depth + 1, &is, builder->err);
        if (builder->status == BEAMR_OK && is.of.message != was.of.message) {
            ao_builder_put_name(builder, key, is);
            *is_changed = true;
        } else {
            ao_value_unref(is);
        }
    }
}

/* Likewise of the messages within, when `more` was merged into `old`. Goes down one level for
 * each level of these, AO_DEPTH_MAX at most.
 *   merged  replaced */
static beamr_status keep_merged_honest(ao_context *context, ao_value old, ao_value more,
                                       unsigned depth, ao_value *merged, beamr_error *err)
{
    changes set = {.is_merged = true};
    ao_message *made = NULL;
    ao_builder builder;
    bool is_changed;
    beamr_status st;

    if ((st = ao_value_load(old, &old, err)) != BEAMR_OK ||
        (st = ao_value_load(more, &more, err)) != BEAMR_OK)
        return st;
    if (old.kind != AO_MESSAGE || more.kind != AO_MESSAGE || merged->kind != AO_MESSAGE ||
        merged->of.message == more.of.message || depth >= AO_DEPTH_MAX)
        return BEAMR_OK;
    set.request = more.of.message;
    ao_builder_begin(&builder, merged->of.message, NULL, err);
    keep_keys_honest(context, old.of.message, more.of.message, depth, merged->of.message,
                     &builder, &is_changed);
    if (builder.status == BEAMR_OK && !is_changed &&
        ao_message_find_text(old.of.message, "commitments").kind == AO_NONE) {
        ao_builder_drop(&builder);
        return BEAMR_OK;
    }
    if ((st = ao_builder_end(&builder, &made)) == BEAMR_OK)
        st = keep_honest(context, old.of.message, &set, made, &made, err);
    if (st == BEAMR_OK) {
        ao_value_unref(*merged);
        *merged = ao_message_value(made);
    }
    return st;
}

/* The value that a key has once another was merged into it; counted. */
static beamr_status merge_honestly(ao_context *context, ao_value old, ao_value value,
                                   ao_value *out, beamr_error *err)
{
    ao_value merged = AO_NO_VALUE;
    beamr_status st = merge_value(old, value, &merged, err);

    if (st == BEAMR_OK && old.kind != AO_NONE)
        st = keep_merged_honest(context, old, value, 1, &merged, err);
    if (st == BEAMR_OK)
        *out = merged;
    else
        ao_value_unref(merged);
    return st;
}

/* Set one key in a builder that began with `base`. */
static void set_key(ao_context *context, ao_builder *builder, const ao_message *base,
                    const ao_name *key, ao_value value, bool is_explicit)
{
    beamr_bytes text = ao_name_text(key);
    ao_value merged;

    if (ao_is_atom(value, "unset")) {
        ao_builder_remove(builder, text);
    } else if (is_explicit || (value.kind != AO_MESSAGE && value.kind != AO_LINK)) {
        ao_builder_put_name(builder, key, ao_value_ref(value));
    } else {
        beamr_status st =
            merge_honestly(context, ao_message_find(base, text), value, &merged, builder->err);

        if (st == BEAMR_OK)
            ao_builder_put_name(builder, key, merged);
        else
            builder->status = st;
    }
}

beamr_status ao_set(ao_context *context, const ao_message *base, const ao_message *request,
                    BEAMR_OWN ao_message **out, beamr_error *err)
{
    bool is_explicit = text_is(ao_text(ao_message_find_text(request, "set-mode")), "explicit");
    changes set = {.request = request};
    ao_builder builder;
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;
    ao_message *made;
    beamr_status st;

    ao_builder_begin(&builder, base, NULL, err);
    while (builder.status == BEAMR_OK && ao_message_next(request, &cursor, &key, &value))
        if (is_set(ao_name_text(key), value))
            set_key(context, &builder, base, key, value, is_explicit);
    if ((st = ao_builder_end(&builder, &made)) != BEAMR_OK)
        return st;
    return keep_honest(context, base, &set, made, out, err);
}

/* ---- Setting at a path ---- */

/* One level of a path: the target is merged or unset, the messages above it are replaced. */
static beamr_status set_level(void *user, const ao_message *message, beamr_bytes key,
                              BEAMR_OWN ao_value value, bool is_target,
                              BEAMR_OWN ao_message **out, beamr_error *err)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;
    changes set = {.request = NULL};
    ao_builder builder;
    ao_message *made;
    beamr_status st;

    ao_builder_begin(&builder, message, NULL, err);
    if (!key_normalise(key, buffer, &set.key, &owned))
        ao_builder_fail(&builder, BEAMR_NO_MEMORY, "out of memory for a key");
    if (is_target && ao_is_atom(value, "unset")) {
        ao_builder_remove(&builder, key);
    } else {
        ao_value merged = ao_value_ref(value);

        if (is_target && builder.status == BEAMR_OK) {
            ao_value_unref(merged);
            merged = AO_NO_VALUE;
            builder.status =
                merge_honestly(user, ao_message_find(message, key), value, &merged, err);
        }
        ao_builder_put_key(&builder, key, merged);
    }
    ao_value_unref(value);
    if ((st = ao_builder_end(&builder, &made)) == BEAMR_OK)
        st = keep_honest(user, message, &set, made, out, err);
    free(owned);
    return st;
}

/* The path leads to what cannot be set: private or reserved keys. `path` can be: `set-path`
 * does that. */
static beamr_status check_path(beamr_bytes path, bool *is_ignored, beamr_error *err)
{
    beamr_bytes rest = path, key;

    *is_ignored = false;
    while (key_next(&rest, &key)) {
        char buffer[KEY_BUFFER_SIZE], *owned;

        if (!key_normalise(key, buffer, &key, &owned))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for a key");
        if (key_is_private(key) || (is_reserved(key) && !text_is(key, "path")))
            *is_ignored = true;
        free(owned);
    }
    return BEAMR_OK;
}

/* A value without its private keys and history; counted. */
static beamr_status strip(ao_value value, ao_value *out, beamr_error *err)
{
    ao_message *bare;
    beamr_status st;

    if (value.kind != AO_MESSAGE) {
        *out = ao_value_ref(value);
        return BEAMR_OK;
    }
    if ((st = ao_message_reset(value.of.message, &bare, err)) == BEAMR_OK)
        *out = ao_message_value(bare);
    return st;
}

static beamr_status set_at(ao_context *context, const ao_message *base, beamr_bytes path,
                           ao_value value, ao_message **out, beamr_error *err)
{
    ao_value old, bare;
    beamr_status st;

    if (ao_is_atom(value, "unset")) {
        if ((st = ao_message_get_path(base, path, &old, err)) != BEAMR_OK)
            return st;
        if (old.kind == AO_NONE) {
            *out = ao_message_ref(base);
            return BEAMR_OK;
        }
    }
    if ((st = strip(value, &bare, err)) != BEAMR_OK)
        return st;
    return message_with_path(base, path, bare, set_level, context, out, err);
}

beamr_status ao_set_path(ao_context *context, const ao_message *base, beamr_bytes path,
                         ao_value value, BEAMR_OWN ao_message **out, beamr_error *err)
{
    beamr_bytes rest = path, part;
    bool is_ignored;
    beamr_status st;

    if (!key_next(&rest, &part)) {
        if (value.kind == AO_MESSAGE)
            return ao_set(context, base, value.of.message, out, err);
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "only a message can be set at the empty path");
    }
    if ((st = check_path(path, &is_ignored, err)) != BEAMR_OK)
        return st;
    if (is_ignored || ao_is_atom(value, "undefined")) {
        *out = ao_message_ref(base);
        return BEAMR_OK;
    }
    return set_at(context, base, path, value, out, err);
}

beamr_status ao_merge(const ao_message *base, const ao_message *more,
                      BEAMR_OWN ao_message **out, beamr_error *err)
{
    return message_merge(base, more, out, err);
}

/* ---- Removing ---- */

static void remove_item(ao_builder *builder, ao_value item)
{
    char buffer[AO_INTEGER_TEXT_SIZE], normal[KEY_BUFFER_SIZE], *owned;
    beamr_bytes key = item.kind == AO_INTEGER ? ao_integer_text(item, buffer) : ao_text(item);

    if (key.len == 0)
        return;
    if (!key_normalise(key, normal, &key, &owned)) {
        ao_builder_fail(builder, BEAMR_NO_MEMORY, "out of memory for a key");
        return;
    }
    if (!key_is_private(key))
        ao_builder_remove(builder, key);
    free(owned);
}

beamr_status ao_remove(const ao_message *base, ao_value keys, BEAMR_OWN ao_message **out,
                       beamr_error *err)
{
    ao_builder builder;
    ao_cursor cursor = {0};
    ao_value item;

    ao_builder_begin(&builder, base, NULL, err);
    if (keys.kind == AO_LIST) {
        for (size_t i = 0; i < ao_list_count(keys); i++)
            remove_item(&builder, ao_list_at(keys, i));
    } else if (keys.kind == AO_MESSAGE) { /* a list that was numbered */
        while (ao_message_next(keys.of.message, &cursor, NULL, &item))
            remove_item(&builder, item);
    } else {
        remove_item(&builder, keys);
    }
    return ao_builder_end(&builder, out);
}
