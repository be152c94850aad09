/* Writing a file system as bytes, by the layout in vfs_format.h. Two passes over the tree: one
 * counts, one writes. */
#include "guest/vfs_format.h"
#include "guest/vfs_node.h"

#include <stdlib.h>
#include <string.h>

typedef struct writer {
    uint8_t *data; /* NULL: only count */
    size_t len;
    bool is_state;
    bool no_memory;
    uint32_t number; /* files and links so far */
    void *seen;      /* those with several names, with their numbers; made in the first pass */
} writer;

static void put_bytes(writer *w, const void *bytes, size_t len)
{
    if (w->data && len > 0)
        memcpy(w->data + w->len, bytes, len);
    w->len += len;
}

static void put(writer *w, uint64_t value, unsigned len)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < len; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    put_bytes(w, bytes, len);
}

/* ---- Nodes ---- */

/* How many blocks from `at` on are all zero, or all are not. */
static uint64_t run_of(beamr_bytes content, size_t at, bool zeros)
{
    static const uint8_t zero[VFS_BLOCK];
    uint64_t count = 0;

    for (; at < content.len; at += VFS_BLOCK, count++) {
        size_t len = content.len - at < VFS_BLOCK ? content.len - at : VFS_BLOCK;

        if ((memcmp(content.data + at, zero, len) == 0) != zeros)
            break;
    }
    return count;
}

static void put_runs(writer *w, beamr_bytes content)
{
    for (size_t at = 0; at < content.len;) {
        uint64_t zeros = run_of(content, at, true), others;
        size_t len;

        at += (size_t)zeros * VFS_BLOCK;
        others = at < content.len ? run_of(content, at, false) : 0;
        put(w, zeros, 8);
        put(w, others, 8);
        if (others == 0)
            return;
        len = (size_t)others * VFS_BLOCK;
        if (len > content.len - at)
            len = content.len - at;
        put_bytes(w, content.data + at, len);
        at += len;
    }
}

static void put_node(writer *w, const vfs_node *node)
{
    put(w, node->accessed, 8);
    put(w, node->modified, 8);
    put(w, node->changed, 8);
    if (w->is_state) {
        put(w, node->id, 8);
        put(w, node->version, 8);
    }
    switch (node->kind) {
    case BEAMR_VFS_DIRECTORY:
        if (w->is_state)
            put(w, node->dir.next_cookie, 8);
        break;
    case BEAMR_VFS_FILE:
        put(w, node->file.size, 8);
        if (node->file.size < VFS_BLOCK)
            put_bytes(w, vfs_file_bytes(node).data, node->file.size);
        else
            put_runs(w, vfs_file_bytes(node));
        break;
    case BEAMR_VFS_LINK:
        put(w, node->link.size, 4);
        put_bytes(w, node->link.target, node->link.size);
        break;
    }
}

static uint64_t tag_of(const vfs_node *node)
{
    switch (node->kind) {
    case BEAMR_VFS_DIRECTORY:
        return VFS_TAG_DIRECTORY;
    case BEAMR_VFS_FILE:
        return VFS_TAG_FILE;
    default:
        return VFS_TAG_LINK;
    }
}

/* ---- Names ---- */

/* Did the node of a name come earlier?  *number  then its number */
static bool came_earlier(writer *w, const vfs_node *node, uint32_t *number)
{
    vfs_seen *seen;

    if (node->kind == BEAMR_VFS_DIRECTORY || node->links == 1)
        return false;
    if (!(seen = vfs_seen_find(&w->seen, node))) {
        if ((seen = vfs_seen_add(&w->seen, node)))
            seen->number = w->number;
        else
            w->no_memory = true;
    }
    if (!seen || seen->number == w->number)
        return false;
    *number = seen->number;
    return true;
}

static void put_name(writer *w, const guest_dirent *entry, uint64_t tag)
{
    put(w, tag, 1);
    put(w, entry->name.len, 4);
    put_bytes(w, entry->name.data, entry->name.len);
    if (w->is_state)
        put(w, entry->cookie, 8);
}

static void put_entry(writer *w, const guest_dirent *entry)
{
    uint32_t number = 0;

    if (came_earlier(w, entry->node, &number)) {
        put_name(w, entry, VFS_TAG_AGAIN);
        put(w, number, 4);
        return;
    }
    put_name(w, entry, tag_of(entry->node));
    put_node(w, entry->node);
    if (entry->node->kind != BEAMR_VFS_DIRECTORY)
        w->number++;
}

static void put_tree(writer *w, const vfs_node *at)
{
    uint64_t cookie = 0;
    guest_dirent entry;

    put_node(w, at);
    for (;;) {
        if (guest_dir_next(at, cookie, &entry)) {
            put_entry(w, &entry);
            cookie = entry.cookie + 1;
            if (entry.node->kind == BEAMR_VFS_DIRECTORY) {
                at = entry.node;
                cookie = 0;
            }
            continue;
        }
        put(w, VFS_TAG_END, 1);
        if (!at->dir.entry)
            return;
        cookie = at->dir.entry->cookie + 1;
        at = at->dir.parent;
    }
}

/* ---- The whole ---- */

/* Nodes without a name, sorted by id. */
typedef struct orphans {
    vfs_node **nodes;
    size_t count;
} orphans;

static int compare_ids(const void *left, const void *right)
{
    const vfs_node *const *a = left, *const *b = right;

    return (*a)->id == (*b)->id ? 0 : (*a)->id < (*b)->id ? -1 : 1;
}

/* Returns false when memory is gone. */
static bool orphans_init(orphans *o, vfs_node *const *open, size_t count)
{
    size_t used = 0;

    *o = (orphans){0};
    if (count == 0)
        return true;
    if (!(o->nodes = calloc(count, sizeof(vfs_node *))))
        return false;
    for (size_t i = 0; i < count; i++)
        if (open[i]->links == 0)
            o->nodes[o->count++] = open[i];
    qsort(o->nodes, o->count, sizeof(vfs_node *), compare_ids);
    for (size_t i = 0; i < o->count; i++)
        if (used == 0 || o->nodes[used - 1] != o->nodes[i])
            o->nodes[used++] = o->nodes[i];
    o->count = used;
    return true;
}

static void put_all(writer *w, const beamr_vfs *vfs, const orphans *o)
{
    w->len = 0;
    w->number = 0;
    put_bytes(w, VFS_MAGIC, VFS_MAGIC_SIZE);
    put(w, VFS_VERSION, 4);
    put(w, w->is_state ? VFS_FLAG_STATE : 0, 4);
    if (w->is_state) {
        put(w, vfs->next_id, 8);
        put(w, vfs->version, 8);
        put(w, vfs->time, 8);
    }
    put_tree(w, vfs->root);
    if (!w->is_state)
        return;
    for (size_t i = 0; i < o->count; i++) {
        put(w, tag_of(o->nodes[i]), 1);
        put_node(w, o->nodes[i]);
    }
    put(w, VFS_TAG_END, 1);
}

static beamr_status save(writer *w, const beamr_vfs *vfs, const orphans *o, uint8_t **out,
                         size_t *len, beamr_error *err)
{
    put_all(w, vfs, o);
    if (!w->no_memory)
        w->data = malloc(w->len);
    if (w->data) {
        put_all(w, vfs, o);
        *out = w->data;
        *len = w->len;
    }
    vfs_seen_clear(&w->seen);
    return w->data ? BEAMR_OK
                   : beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to save a file system");
}

beamr_status beamr_vfs_save(const beamr_vfs *vfs, uint8_t **out, size_t *len, beamr_error *err)
{
    writer w = {0};

    return save(&w, vfs, NULL, out, len, err);
}

beamr_status guest_vfs_save(const beamr_vfs *vfs, vfs_node *const *open, size_t open_count,
                            uint8_t **out, size_t *len, beamr_error *err)
{
    writer w = {.is_state = true};
    orphans o;
    beamr_status st;

    if (!orphans_init(&o, open, open_count))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to save a file system");
    st = save(&w, vfs, &o, out, len, err);
    free(o.nodes);
    return st;
}
