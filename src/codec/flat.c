/* flat@1.0: an annotated message as one line `path: value` for each of its values.
 * A text cannot hold everything: keys with `/`, `: ` or a line feed, and values with a line
 * feed, are refused when it is written. When it is read, a line is split at its first `: `, and
 * a line without it is passed over. Paths are sorted part by part, so that each is built upon
 * the one before, in linear time.
 * Source: AO-Core codecs, "flat@1.0". */
#include <stdlib.h>

#include "base/text.h"
#include "codec/codecs.h"
#include "codec/structured.h"

/* ---- Nested to flat ---- */

typedef struct flattener {
    arena *a;
    codec_node *out;
    size_t paths; /* bytes of paths that were repeated */
    beamr_error *err;
} flattener;

static beamr_status fail_key(beamr_error *err, beamr_bytes key, const char *why)
{
    char show[CODEC_SHOW_SIZE];

    return beamr_fail(err, BEAMR_ENCODING, 0, "key `%s`: %s", codec_show_key(key, show), why);
}

static beamr_status fail_deep(beamr_error *err, size_t offset)
{
    return beamr_fail(err, BEAMR_LIMIT, offset, "more than %d messages within each other",
                      AO_DEPTH_MAX);
}

static beamr_status join(flattener *f, beamr_bytes path, beamr_bytes key, beamr_bytes *out)
{
    size_t len = path.len + (path.len > 0) + key.len;
    uint8_t *data;

    if (key.len && memchr(key.data, '/', key.len))
        return fail_key(f->err, key, "a key that holds `/` would be read as a path");
    *out = key;
    if (!path.len)
        return BEAMR_OK;
    if (path.len > CODEC_PATHS_MAX - f->paths)
        return beamr_fail(f->err, BEAMR_LIMIT, 0, "paths of more than %zu bytes",
                          CODEC_PATHS_MAX);
    f->paths += path.len;
    if (!(data = arena_alloc(f->a, len, 1)))
        return codec_fail_full(f->a, f->err);
    memcpy(data, path.data, path.len);
    data[path.len] = '/';
    if (key.len)
        memcpy(data + path.len + 1, key.data, key.len);
    *out = (beamr_bytes){data, len};
    return BEAMR_OK;
}

static beamr_status flatten(flattener *f, const codec_node *node, beamr_bytes path,
                            unsigned depth)
{
    if (depth >= AO_DEPTH_MAX)
        return fail_deep(f->err, 0);
    for (size_t i = 0; i < node->count; i++) {
        const codec_entry *entry = &node->entries[i];
        codec_entry *flat;
        beamr_bytes name;

        BEAMR_TRY(join(f, path, entry->key, &name));
        if (entry->kind == CODEC_NODE) {
            BEAMR_TRY(flatten(f, entry->node, name, depth + 1));
            continue;
        }
        if (!(flat = codec_node_add(f->a, f->out, name)))
            return codec_fail_full(f->a, f->err);
        flat->kind = entry->kind;
        flat->bytes = entry->bytes;
        flat->value = entry->value;
    }
    return BEAMR_OK;
}

beamr_status codec_flatten(arena *a, const codec_node *node, codec_node **out, beamr_error *err)
{
    flattener f = {.a = a, .out = codec_node_new(a), .err = err};

    if (!f.out)
        return codec_fail_full(a, err);
    BEAMR_TRY(flatten(&f, node, (beamr_bytes){0}, 0));
    BEAMR_TRY(codec_node_sort(f.out, true, err));
    *out = f.out;
    return BEAMR_OK;
}

/* ---- Flat to nested ---- */

typedef struct builder {
    arena *a;
    const uint8_t *origin;
    beamr_error *err;
    codec_node *nodes[AO_DEPTH_MAX]; /* on the way to the last path, from the root */
    beamr_bytes parts[AO_DEPTH_MAX]; /* parts[i] led from nodes[i] to nodes[i + 1] */
    size_t depth;                    /* nodes in use */
} builder;

static size_t offset_of(const builder *b, const codec_entry *entry)
{
    return b->origin && entry->kind == CODEC_BYTES ? (size_t)(entry->bytes.data - b->origin)
                                                   : 0;
}

static beamr_status fail_path(const builder *b, const codec_entry *entry, const char *why)
{
    char show[CODEC_SHOW_SIZE];

    return beamr_fail(b->err, BEAMR_MESSAGE, offset_of(b, entry), "path `%s`: %s",
                      codec_show_key(entry->key, show), why);
}

/* The next part of a path, which is cut off; false at the end. Empty parts are skipped. */
static bool next_part(beamr_bytes *path, beamr_bytes *part)
{
    const uint8_t *slash;

    while (path->len && path->data[0] == '/')
        *path = (beamr_bytes){path->data + 1, path->len - 1};
    if (!path->len)
        return false;
    slash = memchr(path->data, '/', path->len);
    part->data = path->data;
    part->len = slash ? (size_t)(slash - path->data) : path->len;
    *path = (beamr_bytes){path->data + part->len, path->len - part->len};
    return true;
}

/* Give a path normalised parts, with one `/` between them. */
static beamr_status normalise_path(const builder *b, codec_entry *entry)
{
    field_text text = {.a = b->a};
    beamr_bytes path = entry->key, part;
    bool is_plain = path.len > 0 && path.data[0] != '/' && path.data[path.len - 1] != '/';

    for (size_t i = 0; i < path.len && is_plain; i++)
        is_plain = path.data[i] < 0x80 && !(path.data[i] >= 'A' && path.data[i] <= 'Z') &&
                   !(path.data[i] == '/' && path.data[i - 1] == '/');
    if (is_plain)
        return BEAMR_OK;
    while (next_part(&path, &part)) {
        BEAMR_TRY(codec_normalise(b->a, &part, b->err));
        if (text.len)
            field_text_add_text(&text, "/");
        field_text_add(&text, part);
    }
    if (text.is_full)
        return codec_fail_full(b->a, b->err);
    if (!text.len)
        return fail_path(b, entry, "it has no parts");
    entry->key = field_text_bytes(&text);
    return BEAMR_OK;
}

/* Paths part by part: `/` comes before all other bytes. */
static int compare_paths(const void *a, const void *b)
{
    const codec_entry *x = a, *y = b;
    size_t len = x->key.len < y->key.len ? x->key.len : y->key.len;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = x->key.data[i], d = y->key.data[i];

        if (c != d)
            return c == '/' ? -1 : d == '/' ? 1 : c < d ? -1 : 1;
    }
    if (x->key.len != y->key.len)
        return x->key.len < y->key.len ? -1 : 1;
    return (x->order > y->order) - (x->order < y->order);
}

/* Go from the node at `depth` to the one under `part`, which is made if need be. */
static beamr_status descend(builder *b, const codec_entry *entry, size_t depth,
                            beamr_bytes part)
{
    codec_node *node = b->nodes[depth], *inner;
    codec_entry *last = node->count ? &node->entries[node->count - 1] : NULL;

    if (depth + 1 == AO_DEPTH_MAX)
        return fail_deep(b->err, offset_of(b, entry));
    if (last && text_equal(last->key, part)) {
        if (last->kind != CODEC_NODE)
            return fail_path(b, entry, "it leads through a value");
        inner = last->node;
    } else {
        if (!(inner = codec_node_new(b->a)))
            return codec_fail_full(b->a, b->err);
        BEAMR_TRY(codec_node_add_node(b->a, node, part, inner, b->err));
    }
    b->parts[depth] = part;
    b->nodes[depth + 1] = inner;
    b->depth = depth + 2;
    return BEAMR_OK;
}

static beamr_status add_leaf(builder *b, const codec_entry *entry, size_t depth,
                             beamr_bytes part)
{
    codec_node *node = b->nodes[depth];
    codec_entry *leaf = node->count ? &node->entries[node->count - 1] : NULL;

    if (leaf && text_equal(leaf->key, part)) {
        if (leaf->kind != CODEC_NODE || entry->kind != CODEC_NODE)
            return fail_path(b, entry, "it is there twice");
        for (size_t i = 0; i < entry->node->count; i++) {
            codec_entry *copy = codec_node_add(b->a, leaf->node, entry->node->entries[i].key);

            if (!copy)
                return codec_fail_full(b->a, b->err);
            copy->kind = entry->node->entries[i].kind;
            copy->bytes = entry->node->entries[i].bytes;
            copy->value = entry->node->entries[i].value;
            copy->node = entry->node->entries[i].node;
        }
        return BEAMR_OK;
    }
    if (!(leaf = codec_node_add(b->a, node, part)))
        return codec_fail_full(b->a, b->err);
    leaf->kind = entry->kind;
    leaf->bytes = entry->bytes;
    leaf->value = entry->value;
    leaf->node = entry->node;
    return BEAMR_OK;
}

static beamr_status add_path(builder *b, const codec_entry *entry)
{
    beamr_bytes path = entry->key, part = {0}, next;
    size_t depth = 0;

    if (!next_part(&path, &part))
        return fail_path(b, entry, "it has no parts");
    while (next_part(&path, &next)) {
        if (depth + 1 >= b->depth || !text_equal(b->parts[depth], part))
            BEAMR_TRY(descend(b, entry, depth, part));
        depth++;
        part = next;
    }
    b->depth = depth + 1;
    return add_leaf(b, entry, depth, part);
}

/* Sort the nodes to which more was added than paths that follow each other. */
static beamr_status sort_all(const builder *b, codec_node *node, unsigned depth)
{
    if (depth >= AO_DEPTH_MAX)
        return fail_deep(b->err, 0);
    BEAMR_TRY(codec_node_sort(node, true, b->err));
    for (size_t i = 0; i < node->count; i++)
        if (node->entries[i].kind == CODEC_NODE)
            BEAMR_TRY(sort_all(b, node->entries[i].node, depth + 1));
    return BEAMR_OK;
}

beamr_status codec_unflatten(arena *a, codec_node *flat, const uint8_t *origin,
                             codec_node **out, beamr_error *err)
{
    builder b = {.a = a, .origin = origin, .err = err, .depth = 1};

    if (!(b.nodes[0] = codec_node_new(a)))
        return codec_fail_full(a, err);
    for (size_t i = 0; i < flat->count; i++) {
        flat->entries[i].order = (uint32_t)i;
        BEAMR_TRY(normalise_path(&b, &flat->entries[i]));
    }
    if (flat->count)
        qsort(flat->entries, flat->count, sizeof *flat->entries, compare_paths);
    for (size_t i = 0; i < flat->count; i++)
        BEAMR_TRY(add_path(&b, &flat->entries[i]));
    BEAMR_TRY(sort_all(&b, b.nodes[0], 0));
    *out = b.nodes[0];
    return BEAMR_OK;
}

/* ---- The text ---- */

/* Is `: ` in it? */
static const uint8_t *find_colon(beamr_bytes line)
{
    const uint8_t *at = line.data, *end = line.data + line.len;

    while (at < end && (at = memchr(at, ':', (size_t)(end - at)))) {
        if (at + 1 < end && at[1] == ' ')
            return at;
        at++;
    }
    return NULL;
}

static beamr_status check_entry(const codec_entry *entry, beamr_error *err)
{
    if (entry->kind != CODEC_BYTES)
        return fail_key(err, entry->key, "it is no text");
    if (memchr(entry->key.data, '\n', entry->key.len))
        return fail_key(err, entry->key, "a line feed in a key ends its line");
    if (find_colon(entry->key))
        return fail_key(err, entry->key, "`: ` in a key ends it");
    if (entry->bytes.len && memchr(entry->bytes.data, '\n', entry->bytes.len))
        return fail_key(err, entry->key, "a line feed in a value ends its line");
    return BEAMR_OK;
}

static void put(uint8_t **to, beamr_bytes bytes)
{
    if (bytes.len)
        memcpy(*to, bytes.data, bytes.len);
    *to += bytes.len;
}

static void release(void *data, void *user)
{
    (void)user;
    free(data);
}

static beamr_status write_lines(const codec_node *flat, ao_value *out, beamr_error *err)
{
    const beamr_bytes colon = beamr_bytes_of(": "), end = beamr_bytes_of("\n");
    size_t size = 0;
    uint8_t *data, *to;

    for (size_t i = 0; i < flat->count; i++) {
        BEAMR_TRY(check_entry(&flat->entries[i], err));
        size += flat->entries[i].key.len + flat->entries[i].bytes.len + 3;
    }
    if (!(to = data = malloc(size + 1)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a text of %zu bytes", size);
    for (size_t i = 0; i < flat->count; i++) {
        put(&to, flat->entries[i].key);
        put(&to, colon);
        put(&to, flat->entries[i].bytes);
        put(&to, end);
    }
    *out = ao_binary_adopt(data, size, release, NULL);
    return out->kind == AO_NONE ? beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a text")
                                : BEAMR_OK;
}

static beamr_status read_lines(arena *a, ao_value encoded, codec_node **out, beamr_error *err)
{
    beamr_bytes text = ao_bytes(encoded);
    codec_node *flat = codec_node_new(a);

    if (!flat)
        return codec_fail_full(a, err);
    for (size_t from = 0; from < text.len;) {
        const uint8_t *start = text.data + from, *colon;
        const uint8_t *end = memchr(start, '\n', text.len - from);
        beamr_bytes line = {start, end ? (size_t)(end - start) : text.len - from};

        from += line.len + 1;
        if (!(colon = find_colon(line)) || colon == start)
            continue;
        BEAMR_TRY(codec_node_add_bytes(
            a, flat, (beamr_bytes){start, (size_t)(colon - start)},
            (beamr_bytes){colon + 2, (size_t)(start + line.len - colon - 2)}, encoded, err));
    }
    return codec_unflatten(a, flat, text.data, out, err);
}

/* ---- The codec ---- */

static beamr_status encode(ao_context *context, const ao_message *message, ao_value *out,
                           beamr_error *err)
{
    codec_node *node = NULL, *flat = NULL;
    beamr_status st;
    arena a;

    arena_init(&a, codec_memory(codec_limits(context)));
    st = codec_annotate(&a, message, NULL, &node, err);
    if (st == BEAMR_OK)
        st = codec_flatten(&a, node, &flat, err);
    if (st == BEAMR_OK)
        st = write_lines(flat, out, err);
    arena_clear(&a);
    return st;
}

static beamr_status decode(ao_context *context, ao_value encoded, ao_message **out,
                           beamr_error *err)
{
    const ao_limits *limits = codec_limits(context);
    codec_node *node = NULL;
    beamr_status st;
    arena a;

    if (encoded.kind != AO_BINARY)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "a flat message is a text");
    arena_init(&a, codec_memory(limits));
    st = read_lines(&a, encoded, &node, err);
    if (st == BEAMR_OK)
        st = codec_message(node, limits, out, err);
    arena_clear(&a);
    return st;
}

const ao_codec codec_flat = {
    .name = "flat@1.0",
    .encode = encode,
    .decode = decode,
};
