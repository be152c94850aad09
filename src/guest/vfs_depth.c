/* How deep the tree is, so that max_depth holds also when a directory is moved with all that it
 * holds.
 *
 * Each directory knows its height, how many directories there are below each other in it, and
 * counts its directories by height. A change goes up as long as heights change. So a directory
 * made, removed or moved costs at most max_depth squared steps, however much it holds, and a
 * directory that holds others has 4 bytes for each level below it. */
#include "guest/vfs_node.h"

#include <stdlib.h>

#define ROOM_STEP 4u

static bool reserve(vfs_dir *dir, uint32_t room)
{
    uint32_t *below;

    if (room <= dir->below_room)
        return true;
    room = (room + ROOM_STEP - 1) / ROOM_STEP * ROOM_STEP;
    if (!(below = realloc(dir->below, room * sizeof *below)))
        return false;
    for (uint32_t i = dir->below_room; i < room; i++)
        below[i] = 0;
    dir->below = below;
    dir->below_room = room;
    return true;
}

static bool is_root(const vfs_node *directory)
{
    return directory->dir.parent == directory;
}

/* Directories above it. */
static uint32_t depth_of(const vfs_node *directory)
{
    uint32_t depth = 0;

    for (; !is_root(directory); directory = directory->dir.parent)
        depth++;
    return depth;
}

guest_errno vfs_depth_reserve(const beamr_vfs *vfs, vfs_node *directory, uint32_t height)
{
    uint64_t room = (uint64_t)height + 1;

    if (depth_of(directory) + room > vfs->limits.max_depth)
        return GUEST_EMLINK;
    for (;; directory = directory->dir.parent, room++) {
        if (!reserve(&directory->dir, (uint32_t)room))
            return GUEST_ENOMEM;
        if (is_root(directory))
            return GUEST_ESUCCESS;
    }
}

/* Count one that came, at `height`, into a directory of the old height `was`. */
static uint32_t raised(uint32_t was, uint32_t height)
{
    return was > height ? was : height + 1;
}

static uint32_t lowered(const vfs_dir *dir)
{
    uint32_t height = dir->height;

    while (height > 0 && dir->below[height - 1] == 0)
        height--;
    return height;
}

void vfs_depth_change(vfs_node *directory, uint32_t from, uint32_t to)
{
    for (;; directory = directory->dir.parent) {
        vfs_dir *dir = &directory->dir;
        uint32_t was = dir->height;

        dir->below[from]--;
        dir->below[to]++;
        dir->height = raised(was, to);
        dir->height = lowered(dir);
        if (dir->height == was || is_root(directory))
            return;
        from = was;
        to = dir->height;
    }
}

void vfs_depth_enter(vfs_node *directory, uint32_t height)
{
    vfs_dir *dir = &directory->dir;
    uint32_t was = dir->height;

    dir->below[height]++;
    dir->height = raised(was, height);
    if (dir->height != was && !is_root(directory))
        vfs_depth_change(dir->parent, was, dir->height);
}

void vfs_depth_leave(vfs_node *directory, uint32_t height)
{
    vfs_dir *dir = &directory->dir;
    uint32_t was = dir->height;

    dir->below[height]--;
    dir->height = lowered(dir);
    if (dir->height == was)
        return;
    if (dir->height == 0) {
        free(dir->below);
        dir->below = NULL;
        dir->below_room = 0;
    }
    if (!is_root(directory))
        vfs_depth_change(dir->parent, was, dir->height);
}

bool vfs_dir_contains(const vfs_node *directory, const vfs_node *below)
{
    for (; below; below = below->dir.parent) {
        if (below == directory)
            return true;
        if (is_root(below))
            break;
    }
    return false;
}
