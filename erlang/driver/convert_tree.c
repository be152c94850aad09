/* Maps as JSON: terms become a tree of the engine's JSON values. Without recursion: the lists
 * and maps that are open lie in an array as long as the deepest tree that is taken. */
#include "driver/convert_internal.h"
#include "driver/text.h"

static const beamr_json_limits limits = BEAMR_JSON_LIMITS_DEFAULT;

enum { DEPTH_MAX = 128 };

/* A list or map that is being read. */
typedef struct level {
    beamr_json *items; /* all of them; NULL while measuring */
    beamr_bytes *keys; /* of a map, likewise */
    uint32_t count, done;
    bool is_map;
} level;

typedef struct walk {
    drv_builder *b;
    drv_reader *reader;
    beamr_error *err;
    size_t first; /* node of the tree, to count the tree's own */
    size_t depth;
    level levels[DEPTH_MAX];
} walk;

/* Room for the values of a list or map. */
static beamr_status take_nodes(walk *w, size_t count, beamr_json **out)
{
    drv_builder *b = w->b;

    if (count > limits.max_values - (b->node_count - w->first))
        return beamr_fail(w->err, BEAMR_LIMIT, 0, "argument %zu: JSON of more than %zu values",
                          b->arg + 1, limits.max_values);
    *out = b->nodes ? b->nodes + b->node_count : NULL;
    b->node_count += count;
    return BEAMR_OK;
}

static beamr_bytes *take_keys(drv_builder *b, size_t count)
{
    beamr_bytes *at = b->keys ? b->keys + b->key_count : NULL;

    b->key_count += count;
    return at;
}

/* ---- Maps in order ---- */

/* Names by their bytes, as memcmp; a shorter one first. */
static int compare(beamr_bytes a, beamr_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? memcmp(a.data, b.data, len) : 0;

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static void swap(const level *map, size_t i, size_t j)
{
    beamr_bytes key = map->keys[i];
    beamr_json item = map->items[i];

    map->keys[i] = map->keys[j];
    map->items[i] = map->items[j];
    map->keys[j] = key;
    map->items[j] = item;
}

/* Let the pair at i sink in the heap of the first n. */
static void sink(const level *map, size_t i, size_t n)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && compare(map->keys[child], map->keys[child + 1]) < 0)
            child++;
        if (compare(map->keys[i], map->keys[child]) >= 0)
            return;
        swap(map, i, child);
    }
}

static bool is_sorted(const level *map)
{
    for (size_t i = 1; i < map->count; i++)
        if (compare(map->keys[i - 1], map->keys[i]) >= 0)
            return false;
    return true;
}

/* In place, and whatever the names in n log n steps. */
static void sort(const level *map)
{
    for (size_t i = map->count / 2; i-- > 0;)
        sink(map, i, map->count);
    for (size_t n = map->count; n-- > 1;) {
        swap(map, 0, n);
        sink(map, 0, n);
    }
}

/* ---- Values ---- */

static void set(beamr_json *out, beamr_json value)
{
    if (out)
        *out = value;
}

/* An atom's name, as UTF-8. */
static beamr_status take_name(walk *w, const drv_item *item, beamr_bytes *out)
{
    drv_builder *b = w->b;
    size_t start = b->text_len;

    if (!item->is_latin1) {
        if (!drv_text_is_valid(item->bytes))
            return beamr_fail(w->err, BEAMR_MALFORMED, 0, "an atom that is no UTF-8");
        drv_take_text(b, item->bytes, out);
        return BEAMR_OK;
    }
    for (size_t i = 0; i < item->bytes.len; i++) {
        if (b->text)
            drv_code_write(item->bytes.data[i], b->text + b->text_len);
        b->text_len += drv_code_size(item->bytes.data[i]);
    }
    if (out)
        *out = (beamr_bytes){b->text ? b->text + start : NULL, b->text_len - start};
    return BEAMR_OK;
}

static beamr_status take_utf8(walk *w, const drv_item *item, beamr_bytes *out)
{
    if (!drv_text_is_valid(item->bytes))
        return drv_arg_fail(w->b, w->err, "a binary in a map that is no UTF-8");
    drv_take_text(w->b, item->bytes, out);
    return BEAMR_OK;
}

static beamr_status read_key(walk *w, beamr_bytes *out)
{
    drv_item item;
    beamr_status st;

    if ((st = drv_read(w->reader, &item, w->err)) != BEAMR_OK)
        return st;
    if (item.kind == DRV_BINARY)
        return take_utf8(w, &item, out);
    if (item.kind == DRV_ATOM)
        return take_name(w, &item, out);
    return drv_arg_fail(w->b, w->err, "a map's key that is neither a binary nor an atom");
}

static beamr_status read_word(walk *w, const drv_item *item, beamr_json *out)
{
    beamr_json value = {.kind = BEAMR_JSON_BOOLEAN};

    if (drv_item_is_atom(item, "null"))
        value.kind = BEAMR_JSON_NULL;
    else if (drv_item_is_atom(item, "true"))
        value.boolean = true;
    else if (!drv_item_is_atom(item, "false"))
        return drv_arg_fail(w->b, w->err, "an atom in a map that is not true, false or null");
    set(out, value);
    return BEAMR_OK;
}

static beamr_status read_integer(walk *w, const drv_item *item, beamr_json *out)
{
    beamr_json value = {.kind = BEAMR_JSON_INTEGER};

    if (item->magnitude > (uint64_t)INT64_MAX + item->is_negative)
        return drv_arg_fail(w->b, w->err, "an integer in a map beyond 64 bits with sign");
    value.integer = (int64_t)(item->is_negative ? -item->magnitude : item->magnitude);
    set(out, value);
    return BEAMR_OK;
}

static beamr_status read_text(walk *w, const drv_item *item, beamr_json *out)
{
    set(out, (beamr_json){.kind = BEAMR_JSON_TEXT});
    return take_utf8(w, item, out ? &out->text : NULL);
}

/* A list of small integers, or of nothing. */
static beamr_status read_small(walk *w, beamr_bytes bytes, beamr_json *out)
{
    beamr_json *items;
    beamr_status st;

    if ((st = take_nodes(w, bytes.len, &items)) != BEAMR_OK)
        return st;
    for (size_t i = 0; items && i < bytes.len; i++)
        items[i] = (beamr_json){.kind = BEAMR_JSON_INTEGER, .integer = bytes.data[i]};
    set(out, (beamr_json){.kind = BEAMR_JSON_LIST, .items = items, .count = bytes.len});
    return BEAMR_OK;
}

/* A list or map begins: it is filled by the steps that follow. */
static beamr_status open(walk *w, const drv_item *head, beamr_json *out)
{
    bool is_map = head->kind == DRV_MAP;
    beamr_json *items;
    beamr_bytes *keys;
    beamr_status st;

    if (w->depth == DEPTH_MAX)
        return beamr_fail(w->err, BEAMR_LIMIT, 0, "argument %zu: JSON deeper than %d levels",
                          w->b->arg + 1, DEPTH_MAX);
    if ((st = take_nodes(w, head->count, &items)) != BEAMR_OK)
        return st;
    keys = is_map ? take_keys(w->b, head->count) : NULL;
    w->levels[w->depth++] = (level){items, keys, head->count, 0, is_map};
    set(out, (beamr_json){.kind = is_map ? BEAMR_JSON_MAP : BEAMR_JSON_LIST,
                          .items = items,
                          .keys = keys,
                          .count = head->count});
    return BEAMR_OK;
}

static beamr_status read_value(walk *w, const drv_item *item, beamr_json *out)
{
    static const beamr_bytes none = {NULL, 0};

    switch (item->kind) {
    case DRV_MAP:
    case DRV_LIST:
        return open(w, item, out);
    case DRV_NIL:
        return read_small(w, none, out);
    case DRV_STRING:
        return read_small(w, item->bytes, out);
    case DRV_BINARY:
        return read_text(w, item, out);
    case DRV_INTEGER:
        return read_integer(w, item, out);
    case DRV_FLOAT:
        set(out, (beamr_json){.kind = BEAMR_JSON_FLOAT, .number = item->number});
        return BEAMR_OK;
    case DRV_ATOM:
        return read_word(w, item, out);
    case DRV_BIG:
        return drv_arg_fail(w->b, w->err, "an integer in a map beyond 64 bits with sign");
    default:
        return drv_arg_fail(w->b, w->err, "a term in a map that JSON has no form for");
    }
}

/* ---- The walk ---- */

/* The innermost list or map is complete. */
static beamr_status close(walk *w)
{
    const level *top = &w->levels[w->depth - 1];
    drv_item tail;
    beamr_status st;

    w->depth--;
    if (!top->is_map) {
        if ((st = drv_read(w->reader, &tail, w->err)) != BEAMR_OK)
            return st;
        return tail.kind == DRV_NIL ? BEAMR_OK
                                    : drv_arg_fail(w->b, w->err, "an improper list in a map");
    }
    if (!top->items || is_sorted(top))
        return BEAMR_OK;
    sort(top);
    return is_sorted(top) ? BEAMR_OK : drv_arg_fail(w->b, w->err, "a map's key stands twice");
}

/* One value, with its key in a map. */
static beamr_status step(walk *w)
{
    level *top = &w->levels[w->depth - 1];
    beamr_json *out = top->items ? top->items + top->done : NULL;
    drv_item item;
    beamr_status st;

    if (top->is_map && (st = read_key(w, top->keys ? top->keys + top->done : NULL)) != BEAMR_OK)
        return st;
    top->done++;
    if ((st = drv_read(w->reader, &item, w->err)) != BEAMR_OK)
        return st;
    return read_value(w, &item, out);
}

beamr_status drv_tree_read(drv_builder *b, drv_reader *reader, const drv_item *head,
                           beamr_json *root, beamr_error *err)
{
    walk w; /* large: its levels are not set to zero */
    beamr_status st;

    w.b = b;
    w.reader = reader;
    w.err = err;
    w.first = b->node_count;
    w.depth = 0;
    if ((st = open(&w, head, root)) != BEAMR_OK)
        return st;
    while (w.depth > 0) {
        const level *top = &w.levels[w.depth - 1];

        if ((st = top->done == top->count ? close(&w) : step(&w)) != BEAMR_OK)
            return st;
    }
    return BEAMR_OK;
}
