/* One directory: its names, found through a balanced tree and listed in the order of cookies.
 *
 * The list is an array that only grows at its end, so a cookie is found by bisection. A removed
 * name leaves a hole; holes know how far they reach at least, and that is shortened while they
 * are passed (as the paths of a union-find are), so a list of holes is not walked again and
 * again. When holes outnumber names the array is written anew.
 * A tree, not a hash table: no guest can choose names that collide. */
#define _GNU_SOURCE /* tdestroy */
#include "guest/vfs_node.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define HOLES_MIN 16u /* that many don't count */

/* ---- Names ---- */

guest_errno vfs_name_check(const beamr_vfs *vfs, beamr_bytes name)
{
    if (name.len > vfs->limits.max_name)
        return GUEST_ENAMETOOLONG;
    if (name.len == 0 || memchr(name.data, '/', name.len) || memchr(name.data, 0, name.len))
        return GUEST_EINVAL;
    if (name.data[0] == '.' && (name.len == 1 || (name.len == 2 && name.data[1] == '.')))
        return GUEST_EINVAL;
    return GUEST_ESUCCESS;
}

/* By length first, which mostly decides; the order is seen nowhere. */
static int compare_names(const void *left, const void *right)
{
    const beamr_bytes *a = left, *b = right;

    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(a->data, b->data, a->len);
}

vfs_entry *vfs_dir_lookup(const vfs_node *directory, beamr_bytes name)
{
    vfs_entry *const *found = tfind(&name, &directory->dir.names, compare_names);

    return found ? *found : NULL;
}

static vfs_entry *entry_new(beamr_bytes name)
{
    vfs_entry *entry = malloc(sizeof *entry + name.len);

    if (!entry)
        return NULL;
    memcpy(entry->text, name.data, name.len);
    entry->name = (beamr_bytes){entry->text, name.len};
    entry->node = NULL;
    return entry;
}

/* ---- The list ---- */

static bool slots_resize(vfs_dir *dir, size_t room)
{
    vfs_slot *slots = realloc(dir->slots, room * sizeof *slots);

    if (!slots)
        return false;
    dir->slots = slots;
    dir->slot_room = room;
    return true;
}

static bool slots_reserve(vfs_dir *dir)
{
    if (dir->slot_count < dir->slot_room)
        return true;
    return slots_resize(dir, dir->slot_room + dir->slot_room / 2 + 4);
}

static void slots_free(vfs_dir *dir)
{
    free(dir->slots);
    dir->slots = NULL;
    dir->slot_count = dir->slot_room = 0;
}

/* Close the holes, and give back memory. Where the host has none for that, the array stays. */
static void slots_compact(vfs_dir *dir)
{
    size_t used = 0;

    for (size_t i = 0; i < dir->slot_count; i++) {
        vfs_slot *slot = &dir->slots[i];

        if (!slot->entry)
            continue;
        slot->entry->slot = used;
        dir->slots[used++] = *slot;
    }
    dir->slot_count = used;
    (void)slots_resize(dir, used);
}

static void slots_remove(vfs_dir *dir, size_t at)
{
    dir->slots[at].entry = NULL;
    dir->slots[at].next = at + 1;
    if (--dir->count == 0)
        slots_free(dir);
    else if (dir->slot_count > 2 * dir->count + HOLES_MIN)
        slots_compact(dir);
}

/* The first slot with at least this cookie; slot_count when there is none. */
static size_t slots_bisect(const vfs_dir *dir, uint64_t cookie)
{
    size_t low = 0, high = dir->slot_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (dir->slots[middle].cookie < cookie)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool guest_dir_next(const vfs_node *directory, uint64_t cookie, guest_dirent *out)
{
    const vfs_dir *dir = &directory->dir;
    vfs_slot *slots = dir->slots;
    size_t at = slots_bisect(dir, cookie);

    while (at < dir->slot_count && !slots[at].entry) {
        size_t next = slots[at].next;

        if (next < dir->slot_count && !slots[next].entry)
            slots[at].next = slots[next].next;
        at = next;
    }
    if (at >= dir->slot_count)
        return false;
    *out = (guest_dirent){slots[at].entry->name, slots[at].entry->node, slots[at].cookie};
    return true;
}

bool guest_vfs_tour(guest_tour *tour, guest_dirent *out)
{
    const vfs_node *at = tour->directory;

    while (!guest_dir_next(at, tour->cookie, out)) {
        if (!at->dir.entry)
            return false; /* the root's last */
        tour->cookie = at->dir.entry->cookie + 1;
        tour->directory = at = at->dir.parent;
    }
    tour->in = at;
    tour->cookie = out->cookie + 1;
    if (out->node->kind == BEAMR_VFS_DIRECTORY) {
        tour->directory = out->node;
        tour->cookie = 1;
    }
    return true;
}

/* ---- Entries ---- */

guest_errno vfs_dir_add(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name, uint64_t cookie,
                        vfs_entry **out)
{
    vfs_dir *dir = &directory->dir;
    vfs_entry *entry;

    if (!vfs_has_room(vfs, name.len) || vfs->names >= vfs->limits.max_nodes)
        return GUEST_ENOSPC;
    if (!slots_reserve(dir) || !(entry = entry_new(name)))
        return GUEST_ENOMEM;
    if (!tsearch(entry, &dir->names, compare_names)) {
        free(entry);
        return GUEST_ENOMEM;
    }
    entry->cookie = cookie ? cookie : dir->next_cookie;
    entry->slot = dir->slot_count++;
    dir->slots[entry->slot] = (vfs_slot){entry->cookie, entry, 0};
    dir->count++;
    if (dir->next_cookie <= entry->cookie)
        dir->next_cookie = entry->cookie + 1;
    vfs->bytes += name.len;
    vfs->names++;
    vfs->names_version++;
    *out = entry;
    return GUEST_ESUCCESS;
}

static void entry_free(beamr_vfs *vfs, vfs_entry *entry)
{
    vfs->bytes -= entry->name.len;
    vfs->names--;
    vfs->names_version++;
    free(entry);
}

void vfs_dir_drop(beamr_vfs *vfs, vfs_node *directory, vfs_entry *entry)
{
    (void)tdelete(entry, &directory->dir.names, compare_names);
    slots_remove(&directory->dir, entry->slot);
    entry_free(vfs, entry);
}

static void entry_attach(vfs_node *directory, vfs_entry *entry, vfs_node *node)
{
    entry->node = guest_node_ref(node);
    node->links++;
    if (node->kind != BEAMR_VFS_DIRECTORY) {
        node->home = node->links == 1 ? directory : NULL;
        return;
    }
    node->dir.parent = directory;
    node->dir.entry = entry;
    vfs_depth_enter(directory, node->dir.height);
}

guest_errno vfs_dir_put(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name, uint64_t cookie,
                        vfs_node *node)
{
    vfs_entry *entry = NULL;
    guest_errno e;

    if (node->kind == BEAMR_VFS_DIRECTORY &&
        (e = vfs_depth_reserve(vfs, directory, node->dir.height)) != GUEST_ESUCCESS)
        return e;
    if ((e = vfs_dir_add(vfs, directory, name, cookie, &entry)) != GUEST_ESUCCESS)
        return e;
    entry_attach(directory, entry, node);
    return GUEST_ESUCCESS;
}

vfs_node *vfs_entry_detach(vfs_entry *entry)
{
    vfs_node *node = entry->node, *parent;

    entry->node = NULL;
    node->links--;
    node->home = NULL;
    if (node->kind == BEAMR_VFS_DIRECTORY) {
        parent = node->dir.parent;
        node->dir.parent = NULL;
        node->dir.entry = NULL;
        vfs_depth_leave(parent, node->dir.height);
    }
    return node;
}

vfs_node *vfs_entry_move(vfs_entry *from, vfs_node *directory, vfs_entry *to)
{
    vfs_node *node = from->node, *was = to->node, *parent;

    from->node = NULL;
    to->node = node;
    /* Those that come first: what leaves may give back memory that was reserved. */
    if (node->kind == BEAMR_VFS_DIRECTORY) {
        parent = node->dir.parent;
        node->dir.parent = directory;
        node->dir.entry = to;
        vfs_depth_enter(directory, node->dir.height);
        vfs_depth_leave(parent, node->dir.height);
    } else {
        node->home = node->links == 1 ? directory : NULL;
    }
    if (was) {
        was->links--;
        was->home = NULL;
        if (was->kind == BEAMR_VFS_DIRECTORY) {
            was->dir.parent = NULL;
            was->dir.entry = NULL;
            vfs_depth_leave(directory, was->dir.height);
        }
    }
    return was;
}

/* ---- Everything below ---- */

void vfs_dir_free(vfs_dir *dir)
{
    slots_free(dir);
    free(dir->below);
    dir->below = NULL;
    dir->height = dir->below_room = 0;
}

static void keep(void *entry)
{
    (void)entry; /* the list has it too */
}

/* Take the tree away: from here on names are removed from the end of the list. */
static void begin_clear(vfs_dir *dir)
{
    tdestroy(dir->names, keep);
    dir->names = NULL;
}

/* Remove the last name of a directory that is being cleared. */
static void clear_last(beamr_vfs *vfs, vfs_dir *dir)
{
    vfs_entry *entry = dir->slots[dir->slot_count - 1].entry;
    vfs_node *node;

    dir->slot_count--;
    if (!entry)
        return;
    node = entry->node;
    dir->count--;
    entry_free(vfs, entry);
    node->links--;
    node->home = NULL;
    if (node->kind == BEAMR_VFS_DIRECTORY) {
        node->dir.parent = NULL;
        node->dir.entry = NULL;
    }
    guest_node_unref(vfs, node);
}

/* A directory with names at the end of the list, to be cleared first; or NULL. */
static vfs_node *last_full(const vfs_dir *dir)
{
    const vfs_entry *entry = dir->slots[dir->slot_count - 1].entry;

    if (!entry || entry->node->kind != BEAMR_VFS_DIRECTORY || entry->node->dir.count == 0)
        return NULL;
    return entry->node;
}

void vfs_dir_clear(beamr_vfs *vfs, vfs_node *directory)
{
    uint32_t height = directory->dir.height;
    vfs_node *at = directory, *full;

    begin_clear(&at->dir);
    for (;;) {
        if (at->dir.slot_count == 0) {
            vfs_dir_free(&at->dir);
            if (at == directory)
                break;
            at = at->dir.parent;
        } else if ((full = last_full(&at->dir))) {
            begin_clear(&full->dir);
            at = full;
        } else {
            clear_last(vfs, &at->dir);
        }
    }
    if (directory->dir.entry)
        vfs_depth_change(directory->dir.parent, height, 0);
}
