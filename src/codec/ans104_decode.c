/* Items to annotated messages.
 * A tag becomes a key, and so do target, anchor (`last_tx`) and data; of an unsigned item id,
 * owner and signature too. An item whose tags describe a bundle with a manifest has members:
 * the data is a table of sizes and ids with the items behind it,
 *
 *   32         how many, big endian
 *   32 + 32    of each: size, big endian, and unsigned id
 *              the items
 *
 * and one item is the manifest, which names the others. Every item must be named, so that
 * nothing is lost. What the ids in the table claim is not checked: they only join names and
 * items here, and a signature covers what they ought to be. Recursive to the depth that
 * messages may have. Source: AO-Core codecs, "Item to TABM", "Bundles". */
#include <stdlib.h>

#include "codec/ans104.h"
#include "crypto/base64.h"

/* An item in a bundle. */
typedef struct part {
    beamr_bytes id, bytes;
    size_t index;
    size_t used; /* of the first with an id: how many of them were named */
} part;

/* What an item becomes: an annotated message, or bytes. */
typedef struct meaning {
    codec_node *node; /* NULL: bytes */
    beamr_bytes bytes;
} meaning;

enum { FIELDS_MAX = 8 }; /* entries of an item that are no tags */

static const uint8_t zeros[ANS104_KEY_SIZE];

static beamr_status decode_item(ans104_reader *r, beamr_bytes bytes, size_t depth,
                                meaning *out);

/* ---- The table of a bundle ---- */

/* 32 bytes, big endian, of which only the last eight may be other than zero. */
static bool read_wide(const uint8_t *bytes, uint64_t *out)
{
    *out = 0;
    for (unsigned i = 24; i < 32; i++)
        *out = *out << 8 | bytes[i];
    return ans104_is_zero((beamr_bytes){bytes, 24});
}

static int compare_parts(const void *a, const void *b)
{
    const part *x = a, *y = b;
    int order = memcmp(x->id.data, y->id.data, ANS104_ID_SIZE);

    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static beamr_status read_count(ans104_reader *r, beamr_bytes data, size_t *out)
{
    uint64_t count;

    if (data.len < 32)
        return ANS104_FAIL(r, data.data, "bundle: %zu bytes are no table", data.len);
    if (!read_wide(data.data, &count) || count > (data.len - 32) / ANS104_ENTRY_SIZE)
        return ANS104_FAIL(r, data.data, "bundle: more items than its %zu bytes can hold",
                           data.len);
    if (count > r->keys_left)
        return beamr_fail(r->err, BEAMR_LIMIT, (uint64_t)(data.data - r->origin),
                          "bundle: more than %zu keys in all", r->limits->max_keys);
    *out = (size_t)count;
    return BEAMR_OK;
}

/* The items of a bundle, sorted by their ids. */
static beamr_status read_table(ans104_reader *r, beamr_bytes data, part **out, size_t *count)
{
    const uint8_t *entry, *next, *end = data.data + data.len;
    uint64_t size;

    BEAMR_TRY(read_count(r, data, count));
    if (!(*out = ARENA_NEW(r->a, part, *count)))
        return codec_fail_full(r->a, r->err);
    entry = data.data + 32;
    next = entry + *count * ANS104_ENTRY_SIZE;
    for (size_t i = 0; i < *count; i++, entry += ANS104_ENTRY_SIZE) {
        if (!read_wide(entry, &size) || size > (uint64_t)(end - next))
            return ANS104_FAIL(r, entry, "bundle: item %zu is longer than the %zu bytes left",
                               i, (size_t)(end - next));
        (*out)[i] = (part){
            .id = {entry + 32, ANS104_ID_SIZE}, .bytes = {next, (size_t)size}, .index = i};
        next += size;
    }
    if (next != end)
        return ANS104_FAIL(r, next, "bundle: %zu bytes behind its items", (size_t)(end - next));
    qsort(*out, *count, sizeof **out, compare_parts);
    return BEAMR_OK;
}

/* The next item with an id: each in turn, so that equal members have one each; when all are
 * taken, the first again. NULL when there is none. */
static part *find_part(part *parts, size_t count, const uint8_t id[ANS104_ID_SIZE])
{
    size_t low = 0, high = count, next;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (memcmp(parts[middle].id.data, id, ANS104_ID_SIZE) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == count || memcmp(parts[low].id.data, id, ANS104_ID_SIZE) != 0)
        return NULL;
    next = low + parts[low].used;
    if (next == count || memcmp(parts[next].id.data, id, ANS104_ID_SIZE) != 0)
        return &parts[low];
    parts[low].used++;
    return &parts[next];
}

static beamr_status check_all_used(ans104_reader *r, const part *parts, size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        used += parts[i].used;
    for (size_t i = 0; i < count && used < count; i++) {
        size_t same = 1;

        while (i + same < count &&
               memcmp(parts[i].id.data, parts[i + same].id.data, ANS104_ID_SIZE) == 0)
            same++;
        if (parts[i].used < same)
            return ANS104_FAIL(r, parts[i + parts[i].used].bytes.data,
                               "bundle: its manifest does not name item %zu",
                               parts[i + parts[i].used].index);
        i += same - 1;
    }
    return BEAMR_OK;
}

/* ---- Members ---- */

/* Nothing but tags and data, of a manifest or of bytes: what else there were would be lost. */
static beamr_status check_plain(ans104_reader *r, beamr_bytes bytes, const ans104_item *item,
                                const char *what)
{
    if (!item->signature.len && !item->owner.len && !item->target.len && !item->anchor.len)
        return BEAMR_OK;
    return ANS104_FAIL(r, bytes.data, "bundle: %s has a signature, owner, target or anchor",
                       what);
}

/* Are these the two tags of a manifest? */
static bool is_manifest(const ans104_tags *tags)
{
    return tags->count == 2 && text_is(tags->items[0].name, "data-protocol") &&
           text_is(tags->items[0].value, "bundle-map") &&
           text_is(tags->items[1].name, "variant") && text_is(tags->items[1].value, "0.0.1");
}

static beamr_status read_manifest(ans104_reader *r, beamr_bytes bytes, ans104_name **names,
                                  size_t *count)
{
    ans104_item item;

    BEAMR_TRY(ans104_item_read(r, bytes, &item));
    BEAMR_TRY(check_plain(r, bytes, &item, "its manifest"));
    if (!is_manifest(&item.tags))
        return ANS104_FAIL(r, item.avro.data,
                           "bundle: a manifest has the tags data-protocol=bundle-map and "
                           "variant=0.0.1");
    return ans104_manifest_read(r, item.data, names, count);
}

static beamr_status add_member(ans104_reader *r, codec_node *node, const ans104_name *name,
                               beamr_bytes bytes, size_t depth)
{
    char show[CODEC_SHOW_SIZE];
    meaning found;

    if (ans104_is_reserved(name->key, false) && !text_is(name->key, "data"))
        return ANS104_FAIL(r, name->place, "manifest: no member can be named `%s`",
                           codec_show_key(name->key, show));
    BEAMR_TRY(decode_item(r, bytes, depth + 1, &found));
    if (found.node)
        return codec_node_add_node(r->a, node, name->key, found.node, r->err);
    return codec_node_add_bytes(r->a, node, name->key, found.bytes, r->owner, r->err);
}

static int compare_names(const void *a, const void *b)
{
    const ans104_name *x = a, *y = b;
    int order = codec_key_compare(x->key, y->key);

    return order != 0 ? order : (x->place > y->place) - (x->place < y->place);
}

/* No two members, and no member and tag, are one key. */
static beamr_status check_names(ans104_reader *r, const codec_node *node, ans104_name *names,
                                size_t count)
{
    char show[CODEC_SHOW_SIZE];

    qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++)
        if ((i > 0 && text_equal(names[i - 1].key, names[i].key)) ||
            codec_node_find_key(node, names[i].key))
            return ANS104_FAIL(r, names[i].place, "manifest: the key `%s` is there twice",
                               codec_show_key(names[i].key, show));
    return BEAMR_OK;
}

static beamr_status add_members(ans104_reader *r, codec_node *node, const ans104_item *item,
                                beamr_bytes map, size_t depth)
{
    char show[CODEC_SHOW_SIZE];
    uint8_t map_id[ANS104_ID_SIZE];
    ans104_name *names;
    size_t part_count = 0, name_count = 0;
    part *parts, *found;

    if (!crypto_id_bytes(map, map_id))
        return ANS104_FAIL(r, map.data, "bundle: the tag bundle-map is no id");
    BEAMR_TRY(read_table(r, item->data, &parts, &part_count));
    if (!(found = find_part(parts, part_count, map_id)))
        return ANS104_FAIL(r, map.data, "bundle: its manifest is not in it");
    BEAMR_TRY(read_manifest(r, found->bytes, &names, &name_count));
    BEAMR_TRY(check_names(r, node, names, name_count));
    for (size_t i = 0; i < name_count; i++) {
        if (!(found = find_part(parts, part_count, names[i].id)))
            return ANS104_FAIL(r, names[i].place, "manifest: member `%s` is not in the bundle",
                               codec_show_key(names[i].key, show));
        BEAMR_TRY(add_member(r, node, &names[i], found->bytes, depth));
    }
    return check_all_used(r, parts, part_count);
}

/* ---- Items ---- */

static beamr_status add_text(ans104_reader *r, codec_node *node, const char *key,
                             beamr_bytes bytes)
{
    return codec_node_add_bytes(r->a, node, beamr_bytes_of(key), bytes, r->owner, r->err);
}

static beamr_status add_fields(ans104_reader *r, codec_node *node, const ans104_item *item)
{
    BEAMR_TRY(add_text(r, node, "target", item->target));
    BEAMR_TRY(add_text(r, node, "last_tx", item->anchor));
    if (item->signature.len)
        return BEAMR_OK;
    BEAMR_TRY(codec_node_add_bytes(r->a, node, beamr_bytes_of("id"),
                                   (beamr_bytes){zeros, ANS104_ID_SIZE}, AO_NO_VALUE, r->err));
    BEAMR_TRY(codec_node_add_bytes(r->a, node, beamr_bytes_of("signature"),
                                   (beamr_bytes){zeros, ANS104_KEY_SIZE}, AO_NO_VALUE, r->err));
    if (item->owner.len)
        return add_text(r, node, "owner", item->owner);
    return codec_node_add_bytes(r->a, node, beamr_bytes_of("owner"),
                                (beamr_bytes){zeros, ANS104_KEY_SIZE}, AO_NO_VALUE, r->err);
}

/* The commitment that an item needs: of its signature, and of tags that its keys don't tell. */
static beamr_status add_commitment(ans104_reader *r, codec_node *node, const ans104_item *item,
                                   beamr_bytes hashpath, size_t depth)
{
    ans104_commitment c = {.is_signed = item->signature.len != 0,
                           .signature = item->signature,
                           .owner = item->owner,
                           .hashpath = hashpath,
                           .tags = item->tags};
    bool is_canonical;

    BEAMR_TRY(ans104_is_canonical(r->a, node, item, hashpath, c.is_signed && depth == 0,
                                  &is_canonical, r->err));
    c.has_tags = !is_canonical;
    if (!c.has_tags && !c.is_signed)
        return BEAMR_OK;
    return ans104_commitment_add(r->a, node, &c, r->err);
}

/* Take what an item itself is made of from what may still be read. */
static beamr_status charge(ans104_reader *r, beamr_bytes bytes, const ans104_item *item,
                           bool is_map)
{
    size_t size = bytes.len - (is_map ? item->data.len : 0);

    if (size > r->bytes_left)
        return beamr_fail(r->err, BEAMR_LIMIT, (uint64_t)(bytes.data - r->origin),
                          "bundle: its manifests name the same members too often");
    r->bytes_left -= size;
    return BEAMR_OK;
}

/* What the tags' types make impossible lies in the tags. */
static beamr_status place_failure(ans104_reader *r, const ans104_item *item, beamr_status st)
{
    if (st == BEAMR_MESSAGE && r->err && r->err->offset == 0)
        r->err->offset = (uint64_t)(item->avro.data - r->origin);
    return st;
}

static beamr_status decode_fields(ans104_reader *r, const ans104_item *item, size_t depth,
                                  codec_node *node)
{
    beamr_bytes hashpath = {NULL, 0}, map;
    bool is_map = ans104_is_map(&item->tags, &map);

    BEAMR_TRY(ans104_collapse(r->a, &item->tags, item->signature.len != 0, r->owner, node,
                              &hashpath, r->err));
    if (is_map)
        BEAMR_TRY(add_members(r, node, item, map, depth));
    else if (item->data.len)
        BEAMR_TRY(add_text(r, node, "data", item->data));
    BEAMR_TRY(add_fields(r, node, item));
    BEAMR_TRY(codec_node_sort(node, true, r->err));
    return place_failure(r, item, add_commitment(r, node, item, hashpath, depth));
}

static bool is_binary(const ans104_tags *tags)
{
    for (size_t i = 0; i < tags->count; i++)
        if (text_is(tags->items[i].name, "ao-type") && text_is(tags->items[i].value, "binary"))
            return true;
    return false;
}

static beamr_status check_binary(ans104_reader *r, beamr_bytes bytes, const ans104_item *item)
{
    if (item->tags.count > 1)
        return ANS104_FAIL(r, item->avro.data, "bundle: a binary has tags beside ao-type");
    return check_plain(r, bytes, item, "a binary");
}

static beamr_status decode_item(ans104_reader *r, beamr_bytes bytes, size_t depth, meaning *out)
{
    ans104_item item;

    if (depth >= r->limits->max_depth)
        return beamr_fail(r->err, BEAMR_LIMIT, (uint64_t)(bytes.data - r->origin),
                          "bundle: more than %zu within each other", r->limits->max_depth);
    BEAMR_TRY(ans104_item_read(r, bytes, &item));
    BEAMR_TRY(charge(r, bytes, &item, ans104_is_map(&item.tags, NULL)));
    *out = (meaning){NULL, item.data};
    if (depth > 0 && is_binary(&item.tags))
        return check_binary(r, bytes, &item);
    if (!(out->node = codec_node_new(r->a)) ||
        !codec_node_reserve(r->a, out->node, item.tags.count + FIELDS_MAX))
        return codec_fail_full(r->a, r->err);
    return decode_fields(r, &item, depth, out->node);
}

beamr_status ans104_decode_node(ans104_reader *r, beamr_bytes bytes, codec_node **out)
{
    meaning top;

    BEAMR_TRY(decode_item(r, bytes, 0, &top));
    *out = top.node;
    return BEAMR_OK;
}
