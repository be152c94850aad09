/* Making, removing and renaming by one component, as the system calls of Linux do it.
 * Everything that may fail comes before anything changes. */
#include "guest/vfs_node.h"

/* May a name be made in this directory? */
static guest_errno check_new(const beamr_vfs *vfs, const vfs_node *directory, beamr_bytes name)
{
    guest_errno e = vfs_name_check(vfs, name);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!directory->dir.parent)
        return GUEST_ENOENT;
    return vfs_dir_lookup(directory, name) ? GUEST_EEXIST : GUEST_ESUCCESS;
}

/* Give a name to a node. */
static guest_errno add_name(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name,
                            vfs_node *node)
{
    guest_errno e = vfs_dir_put(vfs, directory, name, 0, node);

    if (e == GUEST_ESUCCESS)
        vfs_node_touch(vfs, directory);
    return e;
}

static void remove_name(beamr_vfs *vfs, vfs_node *directory, vfs_entry *entry)
{
    vfs_node *node = vfs_entry_detach(entry);

    vfs_dir_drop(vfs, directory, entry);
    vfs_node_touch(vfs, directory);
    node->changed = vfs->time;
    guest_node_unref(vfs, node);
}

guest_errno guest_dir_find(const vfs_node *directory, beamr_bytes name, vfs_node **out)
{
    const vfs_entry *entry = vfs_dir_lookup(directory, name);

    if (!entry)
        return GUEST_ENOENT;
    *out = entry->node;
    return GUEST_ESUCCESS;
}

guest_errno guest_dir_make(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name,
                           beamr_vfs_kind kind, vfs_node **out)
{
    vfs_node *node = NULL;
    guest_errno e = check_new(vfs, directory, name);

    if (e != GUEST_ESUCCESS)
        return e;
    if (kind == BEAMR_VFS_LINK)
        return GUEST_EINVAL; /* guest_dir_symlink makes them */
    if ((e = vfs_node_new(vfs, kind, &node)) != GUEST_ESUCCESS)
        return e;
    e = add_name(vfs, directory, name, node);
    if (e == GUEST_ESUCCESS && out)
        *out = node;
    guest_node_unref(vfs, node);
    return e;
}

guest_errno guest_dir_symlink(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name,
                              beamr_bytes target)
{
    vfs_node *node = NULL;
    guest_errno e = check_new(vfs, directory, name);

    if (e != GUEST_ESUCCESS)
        return e;
    if ((e = vfs_link_new(vfs, target, &node)) != GUEST_ESUCCESS)
        return e;
    e = add_name(vfs, directory, name, node);
    guest_node_unref(vfs, node);
    return e;
}

guest_errno guest_dir_link(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name,
                           vfs_node *node)
{
    guest_errno e = check_new(vfs, directory, name);

    if (e != GUEST_ESUCCESS)
        return e;
    if (node->kind == BEAMR_VFS_DIRECTORY)
        return GUEST_EPERM;
    if (node->links == 0)
        return GUEST_ENOENT;
    if ((e = add_name(vfs, directory, name, node)) == GUEST_ESUCCESS)
        node->changed = vfs->time;
    return e;
}

guest_errno guest_dir_unlink(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name)
{
    vfs_entry *entry;
    guest_errno e = vfs_name_check(vfs, name);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!(entry = vfs_dir_lookup(directory, name)))
        return GUEST_ENOENT;
    if (entry->node->kind == BEAMR_VFS_DIRECTORY)
        return GUEST_EISDIR;
    remove_name(vfs, directory, entry);
    return GUEST_ESUCCESS;
}

guest_errno guest_dir_rmdir(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name)
{
    vfs_entry *entry;
    guest_errno e = vfs_name_check(vfs, name);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!(entry = vfs_dir_lookup(directory, name)))
        return GUEST_ENOENT;
    if (entry->node->kind != BEAMR_VFS_DIRECTORY)
        return GUEST_ENOTDIR;
    if (entry->node->dir.count > 0)
        return GUEST_ENOTEMPTY;
    remove_name(vfs, directory, entry);
    return GUEST_ESUCCESS;
}

/* ---- Renaming ---- */

typedef struct renaming {
    vfs_node *from, *to; /* directories */
    vfs_entry *old, *target;
} renaming;

static bool is_directory(const vfs_entry *entry)
{
    return entry->node->kind == BEAMR_VFS_DIRECTORY;
}

/* The checks of rename(2), in its order. */
static guest_errno check_rename(const renaming *r)
{
    bool moves_directory = is_directory(r->old);

    if (moves_directory && vfs_dir_contains(r->old->node, r->to))
        return GUEST_EINVAL;
    if (r->target && is_directory(r->target) && r->from != r->to &&
        vfs_dir_contains(r->target->node, r->from))
        return GUEST_ENOTEMPTY;
    if (!r->to->dir.parent)
        return GUEST_ENOENT;
    if (!r->target || r->target->node == r->old->node)
        return GUEST_ESUCCESS;
    if (moves_directory != is_directory(r->target))
        return moves_directory ? GUEST_ENOTDIR : GUEST_EISDIR;
    return moves_directory && r->target->node->dir.count > 0 ? GUEST_ENOTEMPTY : GUEST_ESUCCESS;
}

/* Make the new name, which nothing has yet. The old one's room may be used for it. */
static guest_errno add_target(beamr_vfs *vfs, renaming *r, beamr_bytes name)
{
    uint64_t bytes = r->old->name.len;
    guest_errno e;

    vfs->bytes -= bytes;
    vfs->names--;
    e = vfs_dir_add(vfs, r->to, name, 0, &r->target);
    vfs->bytes += bytes;
    vfs->names++;
    return e;
}

static void finish_rename(beamr_vfs *vfs, renaming *r)
{
    vfs_node *was = vfs_entry_move(r->old, r->to, r->target);

    vfs_dir_drop(vfs, r->from, r->old);
    vfs_node_touch(vfs, r->from);
    vfs_node_touch(vfs, r->to);
    r->target->node->changed = vfs->time;
    if (was)
        was->changed = vfs->time;
    guest_node_unref(vfs, was);
}

guest_errno guest_dir_rename(beamr_vfs *vfs, vfs_node *from, beamr_bytes name, vfs_node *to,
                             beamr_bytes new_name)
{
    renaming r = {.from = from, .to = to};
    guest_errno e;

    if ((e = vfs_name_check(vfs, name)) != GUEST_ESUCCESS ||
        (e = vfs_name_check(vfs, new_name)) != GUEST_ESUCCESS)
        return e;
    if (!(r.old = vfs_dir_lookup(from, name)))
        return GUEST_ENOENT;
    r.target = vfs_dir_lookup(to, new_name);
    if ((e = check_rename(&r)) != GUEST_ESUCCESS)
        return e;
    if (r.target && r.target->node == r.old->node)
        return GUEST_ESUCCESS; /* two names of one file: both stay */
    if (is_directory(r.old) &&
        (e = vfs_depth_reserve(vfs, to, r.old->node->dir.height)) != GUEST_ESUCCESS)
        return e;
    if (!r.target && (e = add_target(vfs, &r, new_name)) != GUEST_ESUCCESS)
        return e;
    finish_rename(vfs, &r);
    return GUEST_ESUCCESS;
}
