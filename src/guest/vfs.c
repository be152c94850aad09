/* The file system as a whole, and its nodes: making, counting, freeing.
 * What a node is stands in vfs_node.h. */
#include "guest/vfs_node.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST 4096u /* what a directory costs rises with it: vfs_depth.c */

static const beamr_vfs_limits default_limits = BEAMR_VFS_LIMITS_DEFAULT;

/* ---- The whole ---- */

beamr_status beamr_vfs_new(const beamr_vfs_limits *limits, beamr_vfs **out, beamr_error *err)
{
    beamr_vfs *vfs = calloc(1, sizeof *vfs);
    vfs_node *root = calloc(1, sizeof *root);

    if (!vfs || !root) {
        free(vfs);
        free(root);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a file system");
    }
    root->kind = BEAMR_VFS_DIRECTORY;
    root->refs = 1;
    root->links = 1;
    root->id = 1;
    root->dir.parent = root;
    root->dir.next_cookie = 1;
    atomic_init(&vfs->refs, 1);
    vfs->limits = limits ? *limits : default_limits;
    if (vfs->limits.max_depth > DEPTH_MOST)
        vfs->limits.max_depth = DEPTH_MOST;
    vfs->root = root;
    vfs->nodes = 1;
    vfs->next_id = 2;
    *out = vfs;
    return BEAMR_OK;
}

beamr_vfs *beamr_vfs_ref(beamr_vfs *vfs)
{
    atomic_fetch_add_explicit(&vfs->refs, 1, memory_order_relaxed);
    return vfs;
}

void beamr_vfs_unref(beamr_vfs *vfs)
{
    if (!vfs || atomic_fetch_sub_explicit(&vfs->refs, 1, memory_order_acq_rel) != 1)
        return;
    vfs_dir_clear(vfs, vfs->root);
    guest_node_unref(vfs, vfs->root);
    free(vfs);
}

void guest_vfs_swap(beamr_vfs *a, beamr_vfs *b)
{
#define SWAP(type, member)                                                                     \
    do {                                                                                       \
        type kept = a->member;                                                                 \
        a->member = b->member;                                                                 \
        b->member = kept;                                                                      \
    } while (0)
    SWAP(beamr_vfs_limits, limits);
    SWAP(vfs_node *, root);
    SWAP(uint64_t, bytes);
    SWAP(uint64_t, nodes);
    SWAP(uint64_t, names);
    SWAP(uint64_t, next_id);
    SWAP(uint64_t, version);
    SWAP(uint64_t, time);
    SWAP(uint64_t, unplaced);
    SWAP(uint64_t, names_version);
    a->appended.node = b->appended.node = NULL;
#undef SWAP
}

void beamr_vfs_set_time(beamr_vfs *vfs, uint64_t ns)
{
    vfs->time = ns;
}

uint64_t beamr_vfs_version(const beamr_vfs *vfs)
{
    return vfs->version;
}

uint64_t beamr_vfs_bytes(const beamr_vfs *vfs)
{
    return vfs->bytes;
}

uint32_t beamr_vfs_nodes(const beamr_vfs *vfs)
{
    return (uint32_t)vfs->nodes;
}

beamr_vfs_limits beamr_vfs_limits_of(const beamr_vfs *vfs)
{
    return vfs->limits;
}

bool vfs_has_room(const beamr_vfs *vfs, uint64_t bytes)
{
    return vfs->bytes <= vfs->limits.max_bytes && bytes <= vfs->limits.max_bytes - vfs->bytes;
}

/* ---- Nodes ---- */

guest_errno vfs_node_new(beamr_vfs *vfs, beamr_vfs_kind kind, vfs_node **out)
{
    vfs_node *node;

    if (vfs->nodes >= vfs->limits.max_nodes)
        return GUEST_ENOSPC;
    if (!(node = calloc(1, sizeof *node)))
        return GUEST_ENOMEM;
    node->kind = kind;
    node->refs = 1;
    node->id = vfs->next_id++;
    node->accessed = node->modified = node->changed = vfs->time;
    if (kind == BEAMR_VFS_DIRECTORY)
        node->dir.next_cookie = 1;
    node->version = node->below = ++vfs->version;
    vfs->nodes++;
    *out = node;
    return GUEST_ESUCCESS;
}

guest_errno vfs_link_new(beamr_vfs *vfs, beamr_bytes target, vfs_node **out)
{
    vfs_node *node = NULL;
    guest_errno e;

    if (target.len == 0)
        return GUEST_ENOENT;
    if (memchr(target.data, 0, target.len))
        return GUEST_EINVAL;
    if (target.len > vfs->limits.max_path)
        return GUEST_ENAMETOOLONG;
    if (!vfs_has_room(vfs, target.len))
        return GUEST_ENOSPC;
    if ((e = vfs_node_new(vfs, BEAMR_VFS_LINK, &node)) != GUEST_ESUCCESS)
        return e;
    if (!(node->link.target = malloc(target.len))) {
        guest_node_unref(vfs, node);
        return GUEST_ENOMEM;
    }
    memcpy(node->link.target, target.data, target.len);
    node->link.size = target.len;
    vfs->bytes += target.len;
    *out = node;
    return GUEST_ESUCCESS;
}

vfs_node *guest_vfs_root(beamr_vfs *vfs)
{
    return vfs->root;
}

vfs_node *guest_node_ref(vfs_node *node)
{
    node->refs++;
    return node;
}

void guest_node_unref(beamr_vfs *vfs, vfs_node *node)
{
    if (!node || --node->refs > 0)
        return;
    switch (node->kind) {
    case BEAMR_VFS_DIRECTORY:
        vfs_dir_free(&node->dir);
        break;
    case BEAMR_VFS_FILE:
        vfs_blob_unref(node->file.blob);
        vfs->bytes -= node->file.size;
        break;
    case BEAMR_VFS_LINK:
        free(node->link.target);
        vfs->bytes -= node->link.size;
        break;
    }
    vfs->nodes--;
    free(node);
}

/* A directory, and all above it, have something changed in them. */
static void tell_above(vfs_node *directory, uint64_t version)
{
    vfs_node *at = directory;

    at->below = version;
    while (at->dir.entry) { /* not the root, nor removed */
        at = at->dir.parent;
        at->below = version;
    }
}

void vfs_node_touch(beamr_vfs *vfs, vfs_node *node)
{
    node->modified = node->changed = vfs->time;
    node->version = ++vfs->version;
    if (node->kind == BEAMR_VFS_DIRECTORY) {
        tell_above(node, node->version);
    } else if (node->home) {
        tell_above(node->home, node->version);
    } else if (node->links > 0) {
        vfs->unplaced = node->version;
    }
}

beamr_vfs_kind guest_node_kind(const vfs_node *node)
{
    return node->kind;
}

static uint64_t size_of(const vfs_node *node)
{
    switch (node->kind) {
    case BEAMR_VFS_FILE:
        return node->file.size;
    case BEAMR_VFS_LINK:
        return node->link.size;
    default:
        return 0;
    }
}

beamr_vfs_stat guest_node_stat(const vfs_node *node)
{
    return (beamr_vfs_stat){
        .kind = node->kind,
        .id = node->id,
        .links = node->links,
        .size = size_of(node),
        .accessed = node->accessed,
        .modified = node->modified,
        .changed = node->changed,
        .version = node->version,
        .below = node->kind == BEAMR_VFS_DIRECTORY ? node->below : node->version,
    };
}

bool guest_node_has_name(const vfs_node *node)
{
    return node->links > 0;
}

vfs_node *guest_node_parent(const vfs_node *directory)
{
    return directory->dir.parent;
}

beamr_bytes guest_node_target(const vfs_node *link)
{
    return (beamr_bytes){link->link.target, link->link.size};
}

void guest_node_set_times(vfs_node *node, beamr_vfs *vfs, uint64_t accessed, uint64_t modified)
{
    node->accessed = accessed;
    node->modified = modified;
    node->changed = vfs->time;
}

guest_errno guest_node_path(const vfs_node *directory, char *buf, size_t size, size_t *len)
{
    size_t total = 0;
    char *at;

    for (const vfs_node *d = directory; d->dir.entry; d = d->dir.parent)
        total += 1 + d->dir.entry->name.len;
    if (!directory->dir.parent)
        return GUEST_ENOENT;
    total += total == 0; /* the root */
    if (total >= size)
        return GUEST_ERANGE;
    buf[0] = '/';
    buf[total] = '\0';
    at = buf + total;
    for (const vfs_node *d = directory; d->dir.entry; d = d->dir.parent) {
        at -= d->dir.entry->name.len;
        memcpy(at, d->dir.entry->name.data, d->dir.entry->name.len);
        *--at = '/';
    }
    *len = total;
    return GUEST_ESUCCESS;
}
