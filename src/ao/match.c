/* Comparing values and messages, and minimising.
 * Two messages are gone through side by side, as both have their keys in order. Messages nest
 * at most AO_DEPTH_MAX levels, but what a link leads to may have links again: a walk stops at
 * twice that depth, and after LINKED_STEPS_MAX values below links, and then says that they
 * differ. Source: AO-Core messages, "Matching and minimising". */
#include "ao/match.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ao/contents.h"

enum { WALK_DEPTH_MAX = 2 * AO_DEPTH_MAX, LINKED_STEPS_MAX = 250000 };

typedef struct walk {
    bool is_exact;  /* kinds and all keys count, and links are not loaded */
    unsigned depth; /* of messages and lists */
    unsigned links; /* that lie above */
    size_t steps;   /* taken below links */
    char *path;     /* AO_MATCH_PATH_SIZE bytes; NULL for none */
} walk;

static bool same_values(walk *w, ao_value a, ao_value b);
static bool same_messages(walk *w, const ao_message *a, const ao_message *b,
                          ao_match_mode mode);

/* ---- Transaction fields ---- */

static bool is_zeros(ao_value value, size_t len)
{
    beamr_bytes bytes = ao_bytes(value);

    if (value.kind != AO_BINARY || bytes.len != len)
        return false;
    for (size_t i = 0; i < len; i++)
        if (bytes.data[i] != 0)
            return false;
    return true;
}

static bool is_empty_list(ao_value value)
{
    return value.kind == AO_LIST && ao_list_count(value) == 0;
}

static bool is_integer(ao_value value, int64_t n)
{
    return value.kind == AO_INTEGER && !value.is_big && value.of.integer == n;
}

static bool is_in(beamr_bytes key, const char *const *keys, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (text_is(key, keys[i]))
            return true;
    return false;
}

#define IS_IN(key, keys) is_in(key, keys, sizeof(keys) / sizeof(keys)[0])

bool ao_is_transaction_default(beamr_bytes key, ao_value value)
{
    static const char *const empty[] = {"last_tx", "target", "data", "data_root"};
    static const char *const ids[] = {"id", "unsigned_id"};
    static const char *const keys[] = {"owner", "signature"};
    static const char *const zeros[] = {"quantity", "data_size", "reward", "denomination"};
    static const char *const lists[] = {"tags", "data_tree"};

    switch (value.kind) {
    case AO_BINARY:
        return (ao_bytes(value).len == 0 && IS_IN(key, empty)) ||
               (ao_bytes(value).len == 32 && IS_IN(key, ids) && is_zeros(value, 32)) ||
               (ao_bytes(value).len == 512 && IS_IN(key, keys) && is_zeros(value, 512));
    case AO_INTEGER:
        return is_integer(value, 0) && IS_IN(key, zeros);
    case AO_ATOM:
        return (text_is(key, "format") && ao_is_atom(value, "ans104")) ||
               (text_is(key, "manifest") && ao_is_atom(value, "undefined"));
    case AO_LIST:
        return (is_empty_list(value) && IS_IN(key, lists)) ||
               (text_is(key, "signature_type") && ao_list_count(value) == 2 &&
                ao_is_atom(ao_list_at(value, 0), "rsa") &&
                is_integer(ao_list_at(value, 1), 65537));
    default:
        return false;
    }
}

/* ---- Walking ---- */

static bool is_ignored(beamr_bytes key, ao_value value)
{
    static const char *const also[] = {"content-type", "body-keys", "inline-body-key"};

    return key_is_regenerable(key) || IS_IN(key, also) || ao_is_transaction_default(key, value);
}

/* The next key that counts. */
static bool next_key(const walk *w, const ao_message *message, ao_cursor *cursor,
                     const ao_name **key, ao_value *value)
{
    while (ao_message_next(message, cursor, key, value))
        if (w->is_exact || !is_ignored(ao_name_text(*key), *value))
            return true;
    *key = NULL;
    return false;
}

/* Put a key in front of the path. Returns false. */
static bool differ(walk *w, beamr_bytes key)
{
    size_t len = key.len < AO_MATCH_PATH_SIZE - 1 ? key.len : AO_MATCH_PATH_SIZE - 1;
    size_t from = len + 1, rest;

    if (!w->path)
        return false;
    rest = w->path[0] ? strlen(w->path) : 0;
    if (from < AO_MATCH_PATH_SIZE - 1 && rest > 0) {
        if (rest > AO_MATCH_PATH_SIZE - 1 - from)
            rest = AO_MATCH_PATH_SIZE - 1 - from;
        memmove(w->path + from, w->path, rest);
        w->path[len] = '/';
        w->path[from + rest] = '\0';
    } else {
        w->path[len] = '\0';
    }
    if (len > 0)
        memcpy(w->path, key.data, len);
    return false;
}

static bool differ_at(walk *w, size_t number)
{
    char text[24];

    (void)snprintf(text, sizeof text, "%zu", number);
    return differ(w, beamr_bytes_of(text));
}

/* Go down a level; false when that is too far. */
static bool enter(walk *w)
{
    if (w->depth >= WALK_DEPTH_MAX || (w->links > 0 && ++w->steps > LINKED_STEPS_MAX))
        return false;
    w->depth++;
    return true;
}

static bool same_lists(walk *w, ao_value a, ao_value b)
{
    size_t count = ao_list_count(a);

    if (count != ao_list_count(b))
        return differ_at(w, count < ao_list_count(b) ? count + 1 : ao_list_count(b) + 1);
    for (size_t i = 0; i < count; i++)
        if (!same_values(w, ao_list_at(a, i), ao_list_at(b, i)))
            return differ_at(w, i + 1);
    return true;
}

/* A list and a message with its items. */
static bool same_numbered(walk *w, ao_value list, const ao_message *message)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;
    size_t count = 0;

    for (; next_key(w, message, &cursor, &key, &value); count++) {
        char buffer[AO_INTEGER_TEXT_SIZE];
        int64_t n;

        if (!key_integer(ao_name_text(key), &n) || n < 1 || (uint64_t)n > ao_list_count(list) ||
            !text_equal(ao_name_text(key), ao_integer_text(ao_integer(n), buffer)) ||
            !same_values(w, ao_list_at(list, (size_t)n - 1), value))
            return differ(w, ao_name_text(key));
    }
    return count == ao_list_count(list) || differ_at(w, count + 1);
}

static bool same_parts(walk *w, ao_value a, ao_value b)
{
    bool is_same = false;

    if (a.kind == AO_LIST && b.kind == AO_LIST && a.of.list == b.of.list)
        return true;
    if (!enter(w))
        return false;
    if (a.kind == AO_MESSAGE && b.kind == AO_MESSAGE)
        is_same = same_messages(w, a.of.message, b.of.message, AO_MATCH_STRICT);
    else if (a.kind == AO_LIST && b.kind == AO_LIST)
        is_same = same_lists(w, a, b);
    else if (w->is_exact)
        is_same = false;
    else if (a.kind == AO_LIST)
        is_same = same_numbered(w, a, b.of.message);
    else
        is_same = same_numbered(w, b, a.of.message);
    w->depth--;
    return is_same;
}

static bool same_forms(walk *w, ao_value a, ao_value b)
{
    bool is_same;

    if (a.kind != b.kind || !enter(w))
        return false;
    is_same = same_values(w, ao_as_device(a), ao_as_device(b)) &&
              same_values(w, ao_as_inner(a), ao_as_inner(b)) &&
              same_values(w, ao_resolve_list(a), ao_resolve_list(b));
    w->depth--;
    return is_same;
}

static bool same_links(walk *w, ao_value a, ao_value b)
{
    bool is_same;

    if (a.kind == AO_LINK && b.kind == AO_LINK && text_equal(ao_link_id(a), ao_link_id(b)))
        return true;
    if (w->is_exact || !enter(w))
        return false;
    w->links++;
    is_same = ao_value_load(a, &a, NULL) == BEAMR_OK &&
              ao_value_load(b, &b, NULL) == BEAMR_OK && same_values(w, a, b);
    w->links--;
    w->depth--;
    return is_same;
}

static bool has_parts(ao_value value)
{
    return value.kind == AO_MESSAGE || value.kind == AO_LIST;
}

static bool same_values(walk *w, ao_value a, ao_value b)
{
    if (a.kind == AO_LINK || b.kind == AO_LINK)
        return same_links(w, a, b);
    if (has_parts(a) && has_parts(b))
        return same_parts(w, a, b);
    if ((a.kind == AO_INTEGER || a.kind == AO_FLOAT) && (!w->is_exact || a.kind == b.kind))
        return number_equal(a, b);
    if (a.kind != b.kind)
        return false;
    switch (a.kind) {
    case AO_BINARY:
        return text_equal(ao_bytes(a), ao_bytes(b));
    case AO_ATOM:
        return a.of.atom == b.of.atom;
    case AO_AS:
    case AO_RESOLVE:
        return same_forms(w, a, b);
    case AO_NATIVE:
        return a.of.native == b.of.native;
    default:
        return a.kind == AO_NONE;
    }
}

/* Which key is left out, if the two are not the same: that which comes first. */
static int order_of(const ao_name *a, const ao_name *b)
{
    if (!a || !b)
        return a ? -1 : b ? 1 : 0;
    return a == b ? 0 : text_compare(ao_name_text(a), ao_name_text(b));
}

static bool same_messages(walk *w, const ao_message *a, const ao_message *b, ao_match_mode mode)
{
    ao_cursor at_a = {0}, at_b = {0};
    const ao_name *key_a, *key_b;
    ao_value value_a, value_b;

    if (message_is_same(a, b))
        return true;
    next_key(w, a, &at_a, &key_a, &value_a);
    next_key(w, b, &at_b, &key_b, &value_b);
    while (key_a || key_b) {
        int order = order_of(key_a, key_b);

        if (order == 0 && !same_values(w, value_a, value_b))
            return differ(w, ao_name_text(key_a));
        if ((order < 0 && mode != AO_MATCH_ONLY_PRESENT) ||
            (order > 0 && mode == AO_MATCH_STRICT))
            return differ(w, ao_name_text(order < 0 ? key_a : key_b));
        if (order <= 0)
            next_key(w, a, &at_a, &key_a, &value_a);
        if (order >= 0)
            next_key(w, b, &at_b, &key_b, &value_b);
    }
    return true;
}

bool ao_value_equal(ao_value a, ao_value b)
{
    walk w = {.is_exact = true};

    return same_values(&w, a, b);
}

bool ao_value_match(ao_value a, ao_value b)
{
    walk w = {0};

    return same_values(&w, a, b);
}

bool ao_message_match(const ao_message *a, const ao_message *b, ao_match_mode mode,
                      char path[AO_MATCH_PATH_SIZE])
{
    walk w = {.path = path};

    if (path)
        path[0] = '\0';
    return same_messages(&w, a, b, mode);
}

/* ---- Minimising ---- */

typedef struct also_keys {
    const char *const *keys;
    size_t count;
} also_keys;

static ao_value minimise(ao_value value, const also_keys *also);

/* Minimising left the value as it was: the same object, or a message that had no private keys
 * and shares all others. */
static bool is_untouched(ao_value less, ao_value value)
{
    if (less.kind == AO_MESSAGE)
        return message_is_same(less.of.message, value.of.message) &&
               !message_private(value.of.message);
    return less.kind == AO_LIST && less.of.list == value.of.list;
}

static ao_value minimise_message(const ao_message *message, const also_keys *also)
{
    ao_builder builder;
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    ao_builder_begin(&builder, message, NULL, NULL);
    ao_builder_reset(&builder);
    while (ao_message_next(message, &cursor, &key, &value)) {
        beamr_bytes text = ao_name_text(key);

        if (key_is_regenerable(text) || is_in(text, also->keys, also->count)) {
            ao_builder_remove(&builder, text);
        } else if (has_parts(value)) {
            ao_value less = minimise(value, also);

            if (is_untouched(less, value))
                ao_value_unref(less);
            else
                ao_builder_put_name(&builder, key, less);
        }
    }
    return ao_builder_value(&builder);
}

static ao_value minimise_list(ao_value list, const also_keys *also)
{
    size_t count = ao_list_count(list);
    ao_value *items = calloc(count + 1, sizeof *items), result;
    bool is_same = true;

    if (!items)
        return AO_NO_VALUE;
    for (size_t i = 0; i < count; i++) {
        items[i] = minimise(ao_list_at(list, i), also);
        if (has_parts(ao_list_at(list, i)))
            is_same = is_same && is_untouched(items[i], ao_list_at(list, i));
    }
    result = ao_list_new(items, count);
    free(items);
    if (!is_same || result.kind == AO_NONE)
        return result;
    ao_value_unref(result);
    return ao_value_ref(list);
}

static ao_value minimise(ao_value value, const also_keys *also)
{
    if (value.kind == AO_MESSAGE)
        return minimise_message(value.of.message, also);
    if (value.kind == AO_LIST)
        return minimise_list(value, also);
    return ao_value_ref(value);
}

beamr_status ao_message_minimise(const ao_message *message, const char *const *also,
                                 size_t count, BEAMR_OWN ao_message **out, beamr_error *err)
{
    also_keys keys = {also, count};
    ao_value value = minimise_message(message, &keys);

    if (value.kind == AO_NONE)
        return value_fail(value, err);
    *out = value.of.message;
    return BEAMR_OK;
}
