/* Copying a file system, and the table that copying and saving need to recognise a file that
 * has several names. */
#define _GNU_SOURCE /* tdestroy */
#include "guest/vfs_node.h"

#include <search.h>
#include <stdlib.h>

/* ---- Nodes seen ---- */

static int compare_seen(const void *left, const void *right)
{
    const vfs_seen *a = left, *b = right;

    return a->id == b->id ? 0 : a->id < b->id ? -1 : 1;
}

vfs_seen *vfs_seen_find(void *const *table, const vfs_node *node)
{
    vfs_seen key = {.id = node->id};
    vfs_seen *const *found = tfind(&key, table, compare_seen);

    return found ? *found : NULL;
}

vfs_seen *vfs_seen_add(void **table, const vfs_node *node)
{
    vfs_seen *seen = calloc(1, sizeof *seen);

    if (!seen)
        return NULL;
    seen->id = node->id;
    if (!tsearch(seen, table, compare_seen)) {
        free(seen);
        return NULL;
    }
    return seen;
}

void vfs_seen_clear(void **table)
{
    tdestroy(*table, free);
    *table = NULL;
}

/* ---- Copying ---- */

typedef struct copying {
    beamr_vfs *to;
    void *seen; /* files and links with several names, with their copies */
} copying;

static void copy_stat(vfs_node *to, const vfs_node *from)
{
    to->id = from->id;
    to->version = from->version;
    to->accessed = from->accessed;
    to->modified = from->modified;
    to->changed = from->changed;
}

static guest_errno new_node(copying *c, const vfs_node *from, vfs_node **out)
{
    guest_errno e;

    if (from->kind == BEAMR_VFS_LINK) {
        if ((e = vfs_link_new(c->to, guest_node_target(from), out)) != GUEST_ESUCCESS)
            return e;
    } else {
        if ((e = vfs_node_new(c->to, from->kind, out)) != GUEST_ESUCCESS)
            return e;
        if (from->kind == BEAMR_VFS_FILE)
            (void)vfs_file_share(c->to, *out, from); /* fits: the limits are the same */
    }
    copy_stat(*out, from);
    return GUEST_ESUCCESS;
}

/* The copy of a node, with a reference for the caller. */
static guest_errno copy_node(copying *c, const vfs_node *from, vfs_node **out)
{
    vfs_seen *seen;
    guest_errno e;

    if (from->kind == BEAMR_VFS_DIRECTORY || from->links == 1)
        return new_node(c, from, out);
    if ((seen = vfs_seen_find(&c->seen, from))) {
        *out = guest_node_ref(seen->copy);
        return GUEST_ESUCCESS;
    }
    if ((e = new_node(c, from, out)) != GUEST_ESUCCESS)
        return e;
    if (!(seen = vfs_seen_add(&c->seen, from))) {
        guest_node_unref(c->to, *out);
        return GUEST_ENOMEM;
    }
    seen->copy = *out;
    return GUEST_ESUCCESS;
}

/* Copy an entry into a directory; *out is borrowed. */
static guest_errno copy_entry(copying *c, vfs_node *directory, const guest_dirent *from,
                              vfs_node **out)
{
    guest_errno e = copy_node(c, from->node, out);

    if (e == GUEST_ESUCCESS) {
        e = vfs_dir_put(c->to, directory, from->name, from->cookie, *out);
        guest_node_unref(c->to, *out);
    }
    return e;
}

/* All that is below the root, in the order of the original. */
static guest_errno copy_tree(copying *c, const vfs_node *from)
{
    vfs_node *to = c->to->root, *copy = NULL;
    uint64_t cookie = 0;
    guest_dirent entry;

    copy_stat(to, from);
    for (;;) {
        if (guest_dir_next(from, cookie, &entry)) {
            guest_errno e = copy_entry(c, to, &entry, &copy);

            if (e != GUEST_ESUCCESS)
                return e;
            cookie = entry.cookie + 1;
            if (entry.node->kind == BEAMR_VFS_DIRECTORY) {
                from = entry.node;
                to = copy;
                cookie = 0;
            }
            continue;
        }
        to->dir.next_cookie = from->dir.next_cookie;
        if (!from->dir.entry)
            return GUEST_ESUCCESS;
        cookie = from->dir.entry->cookie + 1;
        from = from->dir.parent;
        to = to->dir.parent;
    }
}

/* The last step, since filling directories notes changes in them. Both have the same names in
 * the same order. */
static void copy_below(beamr_vfs *to, const beamr_vfs *from)
{
    guest_tour theirs = {.directory = from->root, .cookie = 1},
               ours = {.directory = to->root, .cookie = 1};
    guest_dirent a, b;

    to->root->below = from->root->below;
    while (guest_vfs_tour(&theirs, &a) && guest_vfs_tour(&ours, &b))
        b.node->below = a.node->below;
}

beamr_status beamr_vfs_copy(const beamr_vfs *vfs, beamr_vfs **out, beamr_error *err)
{
    copying c = {0};
    beamr_status st = beamr_vfs_new(&vfs->limits, &c.to, err);
    guest_errno e;

    if (st != BEAMR_OK)
        return st;
    e = copy_tree(&c, vfs->root);
    vfs_seen_clear(&c.seen);
    if (e != GUEST_ESUCCESS) {
        beamr_vfs_unref(c.to);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to copy a file system");
    }
    c.to->next_id = vfs->next_id;
    c.to->version = vfs->version;
    c.to->unplaced = vfs->unplaced;
    copy_below(c.to, vfs);
    c.to->time = vfs->time;
    *out = c.to;
    return BEAMR_OK;
}
