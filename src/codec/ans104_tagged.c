/* What tags mean as keys, and whether a message gives its tags anew.
 * Names are normalised, equal ones become one list, and names of other fields of an item, of
 * commitments and of private state are left out. Where a message would not give the same tags,
 * in the same order, its commitment keeps them: a signature is over their bytes.
 * Comparing is by value, through structured@1.0, since one value has several annotations.
 * Source: AO-Core codecs, "Item to TABM", "TABM to item". */
#include <stdlib.h>

#include "base/lower.h"
#include "codec/ans104.h"
#include "codec/field.h"
#include "codec/structured.h"

/* ---- Names ---- */

bool ans104_key(arena *a, beamr_bytes name, beamr_bytes *out)
{
    char *text;

    *out = name;
    if (name.len == 32 || name.len == 42 || name.len == 43 || lower_is_plain(name))
        return true;
    if (!(text = arena_alloc(a, lower_size(name.len), 1)))
        return false;
    *out = (beamr_bytes){(const uint8_t *)text, lower_text(name, text)};
    return true;
}

bool ans104_is_reserved(beamr_bytes key, bool is_signed)
{
    static const char *const names[] = {"target",      "last_tx",        "data",
                                        "commitments", "content-digest", "unsigned_id",
                                        "id",          "owner",          "signature"};
    enum { UNSIGNED = 3 }; /* of the last ones: fields of an item that is not signed */
    size_t count = sizeof names / sizeof names[0] - (is_signed ? UNSIGNED : 0);

    for (size_t i = 0; i < count; i++)
        if (text_is(key, names[i]))
            return true;
    return !key.len || (key.len >= 4 && memcmp(key.data, "priv", 4) == 0);
}

/* The name is this one, in any case; all bytes are ASCII. */
static bool is_named(beamr_bytes name, const char *text)
{
    if (name.len != strlen(text))
        return false;
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];

        if ((c >= 'A' && c <= 'Z' ? c | 0x20 : c) != (uint8_t)text[i])
            return false;
    }
    return true;
}

bool ans104_is_map_id(beamr_bytes name)
{
    return is_named(name, "bundle-map");
}

bool ans104_is_map_tag(beamr_bytes name)
{
    return is_named(name, "bundle-format") || is_named(name, "bundle-version") ||
           ans104_is_map_id(name);
}

bool ans104_is_map(const ans104_tags *tags, beamr_bytes *map_id)
{
    const ans104_tag *map = NULL;
    bool is_binary = false;

    for (size_t i = 0; i < tags->count; i++) {
        const ans104_tag *tag = &tags->items[i];

        is_binary |= is_named(tag->name, "bundle-format") && text_is(tag->value, "binary");
        if (ans104_is_map_id(tag->name))
            map = tag;
    }
    if (map && map_id)
        *map_id = map->value;
    return map && is_binary;
}

/* ---- Tags to keys ---- */

typedef struct named {
    beamr_bytes key, value;
    size_t index;
} named;

static int compare_named(const void *a, const void *b)
{
    const named *x = a, *y = b;
    int order = codec_key_compare(x->key, y->key);

    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

/* The tags that become keys, normalised. */
static beamr_status name_tags(arena *a, const ans104_tags *tags, bool is_signed, named *out,
                              size_t *count, beamr_bytes *hashpath, beamr_error *err)
{
    bool is_map = ans104_is_map(tags, NULL);
    beamr_bytes key;

    *count = 0;
    for (size_t i = 0; i < tags->count; i++) {
        const ans104_tag *tag = &tags->items[i];

        if (tag->name.len > AO_NAME_MAX)
            return beamr_fail(err, BEAMR_LIMIT, 0, "ans104: a tag's name of %zu bytes",
                              tag->name.len);
        if (!ans104_key(a, tag->name, &key))
            return codec_fail_full(a, err);
        if (is_signed && text_is(key, "hashpath"))
            *hashpath = tag->value;
        else if (!ans104_is_reserved(key, is_signed) && !(is_map && ans104_is_map_tag(key)))
            out[(*count)++] = (named){key, tag->value, i};
    }
    qsort(out, *count, sizeof *out, compare_named);
    return BEAMR_OK;
}

/* Several values of one key, as a list of strings. */
static beamr_status add_list(arena *a, const named *group, size_t count, codec_node *node,
                             beamr_error *err)
{
    field_text text = {.a = a};

    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            field_text_add_text(&text, ", ");
        field_text_add_string(&text, group[i].value);
    }
    if (text.is_full)
        return codec_fail_full(a, err);
    return codec_node_add_bytes(a, node, group->key, field_text_bytes(&text), AO_NO_VALUE, err);
}

beamr_status ans104_collapse(arena *a, const ans104_tags *tags, bool is_signed, ao_value owner,
                             codec_node *node, beamr_bytes *hashpath, beamr_error *err)
{
    named *all = ARENA_NEW(a, named, tags->count);
    size_t count, same;

    if (!all)
        return codec_fail_full(a, err);
    BEAMR_TRY(name_tags(a, tags, is_signed, all, &count, hashpath, err));
    for (size_t i = 0; i < count; i += same) {
        for (same = 1; i + same < count && text_equal(all[i].key, all[i + same].key);)
            same++;
        if (same > 1)
            BEAMR_TRY(add_list(a, &all[i], same, node, err));
        else
            BEAMR_TRY(codec_node_add_bytes(a, node, all[i].key, all[i].value, owner, err));
    }
    return BEAMR_OK;
}

/* ---- Comparing ---- */

/* A small message in place of a large one: whatever its type, it stays a message when it is
 * annotated again. */
static beamr_status make_stand_in(arena *a, codec_node **out, beamr_error *err)
{
    codec_node *inner = codec_node_new(a);

    if (!(*out = codec_node_new(a)) || !inner)
        return codec_fail_full(a, err);
    BEAMR_TRY(codec_node_add_bytes(a, inner, beamr_bytes_of("1"), beamr_bytes_of("1"),
                                   AO_NO_VALUE, err));
    return codec_node_add_node(a, *out, beamr_bytes_of("1"), inner, err);
}

/* The level of `node` alone: without commitments, with stand-ins for the messages in it but
 * those that `covered` has a key for.
 *   with_covered  entries that `covered` has keys for, too */
static beamr_status add_level(arena *a, const codec_node *node, const codec_node *covered,
                              bool with_covered, codec_node *out, beamr_error *err)
{
    codec_node *stand_in;

    BEAMR_TRY(make_stand_in(a, &stand_in, err));
    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];
        bool is_covered = covered && codec_node_find_key(covered, entry->key);
        codec_entry *copy;

        if (text_is(entry->key, "commitments") || (is_covered && !with_covered))
            continue;
        if (!(copy = codec_node_add(a, out, entry->key)))
            return codec_fail_full(a, err);
        copy->kind = entry->kind;
        copy->bytes = entry->bytes;
        copy->value = entry->value;
        copy->node = entry->kind == CODEC_NODE && !is_covered ? stand_in : entry->node;
    }
    return BEAMR_OK;
}

/* Other keys are fields and members, but for a note of types that is no member: when no tag
 * has it, the tags mean what they mean without it. */
static void drop_types(codec_node *node, bool is_bundle)
{
    const codec_entry *types = codec_node_find(node, CODEC_TYPES);

    if (types && types->kind == CODEC_BYTES &&
        (!is_bundle || types->bytes.len <= ANS104_VALUE_BYTES))
        codec_node_remove(node, CODEC_TYPES);
}

beamr_status ans104_tags_agree(arena *a, const codec_node *node, const codec_node *covered,
                               bool is_bundle, bool *agrees, beamr_error *err)
{
    codec_node *level = codec_node_new(a), *meant = codec_node_new(a);
    ao_message *message = NULL, *other = NULL;
    beamr_error why = {0};
    beamr_status st;

    *agrees = false;
    if (!level || !meant)
        return codec_fail_full(a, err);
    BEAMR_TRY(add_level(a, node, covered, true, level, err));
    BEAMR_TRY(add_level(a, node, covered, false, meant, err));
    drop_types(meant, is_bundle);
    for (size_t i = 0; i < covered->count; i++)
        BEAMR_TRY(codec_node_add_bytes(a, meant, covered->entries[i].key,
                                       covered->entries[i].bytes, AO_NO_VALUE, err));
    BEAMR_TRY(codec_node_sort(meant, true, err));
    if ((st = codec_message(level, NULL, &message, err)) != BEAMR_OK)
        return st;
    st = codec_message(meant, NULL, &other, &why);
    if (st == BEAMR_OK)
        *agrees = ao_value_equal((ao_value){.kind = AO_MESSAGE, .of.message = message},
                                 (ao_value){.kind = AO_MESSAGE, .of.message = other});
    else if (st == BEAMR_MESSAGE)
        st = BEAMR_OK;
    else
        beamr_fail(err, st, why.offset, "%s", why.text);
    ao_message_unref(message);
    ao_message_unref(other);
    return st;
}

/* ---- Tags of a message, anew ---- */

static bool same_tags(const ans104_plan *plan, const ans104_item *item)
{
    const ans104_tags *a = &plan->item.tags, *b = &item->tags;

    if (a->count != b->count || plan->is_bundle != ans104_is_map(b, NULL))
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!text_equal(a->items[i].name, b->items[i].name))
            return false;
        /* The id of the manifest is not known here. */
        if (plan->is_bundle && text_is(a->items[i].name, "bundle-map"))
            continue;
        if (!text_equal(a->items[i].value, b->items[i].value))
            return false;
    }
    return true;
}

/* Annotate a message and compare the tags that it gives with those of an item. */
static beamr_status compare_tags(arena *a, const ao_message *message, const ans104_item *item,
                                 beamr_bytes hashpath, bool is_bare, bool *is_same,
                                 beamr_error *err)
{
    ans104_commitment c = {.is_signed = item->signature.len != 0,
                           .signature = item->signature,
                           .owner = item->owner,
                           .hashpath = hashpath};
    beamr_error why = {0};
    ans104_plan *plan;
    codec_node *node;
    beamr_status st;
    bool changed;

    *is_same = false;
    BEAMR_TRY(codec_annotate(a, message, NULL, &node, err));
    if (is_bare)
        BEAMR_TRY(ans104_bare(a, node, message, &changed, err));
    if (!c.is_signed)
        c.owner = (beamr_bytes){NULL, 0};
    st = ans104_plan_node(a, node, &c, false, &plan, &why);
    if (st == BEAMR_OK)
        *is_same = same_tags(plan, item);
    else if (st != BEAMR_ENCODING)
        return beamr_fail(err, st, why.offset, "%s", why.text);
    return BEAMR_OK;
}

beamr_status ans104_is_canonical(arena *a, const codec_node *node, const ans104_item *item,
                                 beamr_bytes hashpath, bool may_be_bare, bool *is_canonical,
                                 beamr_error *err)
{
    codec_node *level = codec_node_new(a);
    ao_message *message = NULL;
    beamr_status st;

    *is_canonical = true;
    if (!item->tags.count)
        return BEAMR_OK;
    if (!level)
        return codec_fail_full(a, err);
    BEAMR_TRY(add_level(a, node, NULL, true, level, err));
    BEAMR_TRY(codec_message(level, NULL, &message, err));
    st = compare_tags(a, message, item, hashpath, false, is_canonical, err);
    if (st == BEAMR_OK && !*is_canonical && may_be_bare)
        st = compare_tags(a, message, item, hashpath, true, is_canonical, err);
    ao_message_unref(message);
    return st;
}

/* ---- Empty binaries ---- */

/* The types without those of empty binaries. */
static beamr_status drop_empty(arena *a, codec_node *node, beamr_error *err)
{
    codec_entry *types = codec_node_find(node, CODEC_TYPES);
    field_text text = {.a = a};
    field_dictionary dictionary;

    BEAMR_TRY(field_read_dictionary(a, types->bytes, FIELD_LENIENT, &dictionary, err));
    for (size_t i = 0; i < dictionary.count; i++) {
        const field_param *member = &dictionary.members[i];

        if (text_is(member->item.bytes, "empty-binary"))
            continue;
        if (text.len)
            field_text_add_text(&text, ", ");
        field_text_add(&text, member->key);
        field_text_add_text(&text, "=");
        field_text_add_string(&text, member->item.bytes);
    }
    if (text.is_full)
        return codec_fail_full(a, err);
    types->bytes = field_text_bytes(&text);
    if (!types->bytes.len)
        codec_node_remove(node, CODEC_TYPES);
    return BEAMR_OK;
}

beamr_status ans104_bare(arena *a, codec_node *node, const ao_message *message, bool *changed,
                         beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;

    *changed = false;
    while (ao_message_next(message, &cursor, &key, &value)) {
        beamr_bytes text = ao_name_text(key);

        if (value.kind != AO_BINARY || ao_bytes(value).len || text_is(text, "content-digest") ||
            text_is(text, "unsigned_id"))
            continue;
        if (!codec_node_add(a, node, text))
            return codec_fail_full(a, err);
        *changed = true;
    }
    if (!*changed)
        return BEAMR_OK;
    BEAMR_TRY(codec_node_sort(node, true, err));
    return drop_empty(a, node, err);
}
