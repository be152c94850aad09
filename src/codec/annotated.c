/* Annotated messages as trees of entries in an arena: adding, ordering, finding.
 * What they mean, and their types, is in structured.c. */
#include "codec/annotated.h"

#include <stdlib.h>

#include "ao/context.h"
#include "ao/key.h"

#define ENTRIES_MIN ((size_t)8)
#define ENTRIES_MAX ((size_t)UINT32_MAX)
#define MEMORY_MIN ((size_t)1 << 20)

beamr_status codec_fail_full(const arena *a, beamr_error *err)
{
    if (!a->is_full)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for converting a message");
    return beamr_fail(err, BEAMR_LIMIT, 0,
                      "converting this message takes more than %zu bytes of memory", a->limit);
}

const ao_limits *codec_limits(const ao_context *context)
{
    static const ao_limits standard = AO_LIMITS_DEFAULT;

    return context && context->limits.max_keys ? &context->limits : &standard;
}

size_t codec_memory(const ao_limits *limits)
{
    size_t memory;

    if (!limits)
        limits = codec_limits(NULL);
    /* Every key costs an entry, with room to grow, and its type. */
    if (__builtin_mul_overflow(limits->max_keys, 8 * sizeof(codec_entry), &memory) ||
        __builtin_add_overflow(memory, MEMORY_MIN, &memory) ||
        __builtin_add_overflow(memory, limits->max_bytes, &memory) ||
        __builtin_add_overflow(memory, limits->max_bytes, &memory))
        return SIZE_MAX;
    return memory;
}

const char *codec_show_key(beamr_bytes key, char buffer[CODEC_SHOW_SIZE])
{
    size_t len = key.len < CODEC_SHOW_SIZE - 4 ? key.len : CODEC_SHOW_SIZE - 4;

    for (size_t i = 0; i < len; i++) {
        uint8_t c = key.data[i];

        buffer[i] = c >= 0x20 && c < 0x7f ? (char)c : '?';
    }
    strcpy(buffer + len, len < key.len ? "..." : "");
    return buffer;
}

int codec_key_compare(beamr_bytes a, beamr_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len ? a.data[0] - b.data[0] : 0; /* which most keys differ in */

    if (order == 0 && len)
        order = memcmp(a.data, b.data, len);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

beamr_status codec_normalise(arena *a, beamr_bytes *key, beamr_error *err)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;
    beamr_bytes out;
    bool is_plain = true;

    for (size_t i = 0; i < key->len && is_plain; i++)
        is_plain = key->data[i] < 0x80 && !(key->data[i] >= 'A' && key->data[i] <= 'Z');
    if (is_plain)
        return BEAMR_OK;
    if (!key_normalise(*key, buffer, &out, &owned))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a key");
    if (out.data != key->data) {
        out.data = (const uint8_t *)arena_text(a, out.data, out.len);
        free(owned);
        if (!out.data)
            return codec_fail_full(a, err);
    }
    *key = out;
    return BEAMR_OK;
}

/* ---- Adding ---- */

codec_node *codec_node_new(arena *a)
{
    return ARENA_NEW(a, codec_node, 1);
}

bool codec_node_reserve(arena *a, codec_node *node, size_t count)
{
    codec_entry *entries;

    if (count <= node->capacity)
        return true;
    if (!(entries = ARENA_NEW(a, codec_entry, count)))
        return false;
    if (node->count)
        memcpy(entries, node->entries, node->count * sizeof *entries);
    node->entries = entries;
    node->capacity = count;
    return true;
}

codec_entry *codec_node_add(arena *a, codec_node *node, beamr_bytes key)
{
    codec_entry *entry;

    if (node->count == node->capacity) {
        if (node->count > ENTRIES_MAX / 2 ||
            !codec_node_reserve(a, node, node->count ? node->count * 2 : ENTRIES_MIN))
            return NULL;
    }
    entry = &node->entries[node->count];
    if (node->count && codec_key_compare(entry[-1].key, key) >= 0)
        node->is_unsorted = true;
    *entry = (codec_entry){.key = key, .order = (uint32_t)node->count};
    node->count++;
    return entry;
}

beamr_status codec_node_add_bytes(arena *a, codec_node *node, beamr_bytes key,
                                  beamr_bytes bytes, ao_value owner, beamr_error *err)
{
    codec_entry *entry = codec_node_add(a, node, key);

    if (!entry)
        return codec_fail_full(a, err);
    entry->bytes = bytes;
    entry->value = owner;
    return BEAMR_OK;
}

beamr_status codec_node_add_node(arena *a, codec_node *node, beamr_bytes key, codec_node *inner,
                                 beamr_error *err)
{
    codec_entry *entry = codec_node_add(a, node, key);

    if (!entry)
        return codec_fail_full(a, err);
    entry->kind = CODEC_NODE;
    entry->node = inner;
    return BEAMR_OK;
}

ao_value codec_entry_binary(const codec_entry *entry)
{
    beamr_bytes whole = ao_bytes(entry->value);

    if (entry->value.kind != AO_BINARY || !entry->bytes.len)
        return ao_binary_copy(entry->bytes);
    if (whole.data == entry->bytes.data && whole.len == entry->bytes.len)
        return ao_value_ref(entry->value);
    return ao_binary_slice(entry->value, (size_t)(entry->bytes.data - whole.data),
                           entry->bytes.len);
}

/* ---- Order ---- */

static int compare_entries(const void *a, const void *b)
{
    const codec_entry *x = a, *y = b;
    int order = codec_key_compare(x->key, y->key);

    return order != 0 ? order : (x->order > y->order) - (x->order < y->order);
}

beamr_status codec_node_sort(codec_node *node, bool is_strict, beamr_error *err)
{
    char show[CODEC_SHOW_SIZE];
    size_t kept = 0;

    if (!node->is_unsorted)
        return BEAMR_OK;
    for (size_t i = 0; i < node->count; i++)
        node->entries[i].order = (uint32_t)i;
    qsort(node->entries, node->count, sizeof *node->entries, compare_entries);
    for (size_t i = 0; i < node->count; i++) {
        bool is_repeated = kept > 0 && codec_key_compare(node->entries[kept - 1].key,
                                                         node->entries[i].key) == 0;

        if (is_repeated && is_strict)
            return beamr_fail(err, BEAMR_MESSAGE, 0, "the key `%s` is there twice",
                              codec_show_key(node->entries[i].key, show));
        kept += !is_repeated;
        node->entries[kept - 1] = node->entries[i];
    }
    node->count = kept;
    node->is_unsorted = false;
    return BEAMR_OK;
}

/* The first entry whose key is not below `key`; `count` if there is none. */
static size_t lower_bound(const codec_node *node, beamr_bytes key)
{
    size_t low = 0, high = node->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (codec_key_compare(node->entries[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

codec_entry *codec_node_find_key(const codec_node *node, beamr_bytes key)
{
    size_t at = lower_bound(node, key);

    if (at == node->count || codec_key_compare(node->entries[at].key, key) != 0)
        return NULL;
    return &node->entries[at];
}

codec_entry *codec_node_find(const codec_node *node, const char *key)
{
    return codec_node_find_key(node, beamr_bytes_of(key));
}

codec_entry *codec_node_insert(arena *a, codec_node *node, beamr_bytes key)
{
    size_t at = lower_bound(node, key);
    codec_entry *entry;

    if (at < node->count && codec_key_compare(node->entries[at].key, key) == 0)
        entry = &node->entries[at];
    else if ((entry = codec_node_add(a, node, key))) {
        entry = &node->entries[at];
        memmove(entry + 1, entry, (node->count - 1 - at) * sizeof *entry);
        node->is_unsorted = false;
    } else {
        return NULL;
    }
    *entry = (codec_entry){.key = key};
    return entry;
}

void codec_node_remove(codec_node *node, const char *key)
{
    codec_entry *entry = codec_node_find(node, key);

    if (!entry)
        return;
    node->count--;
    memmove(entry, entry + 1, (size_t)(node->entries + node->count - entry) * sizeof *entry);
}
