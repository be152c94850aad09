/* Resolving paths: links, "..", the edge of a sandbox.
 *
 * What is still to be resolved is a stack of pieces: the rest of the path, and of each target
 * that was followed in the middle of one. A piece that is used up leaves the stack at once, so
 * a component is the last one exactly if nothing is left of its piece and no other is there.
 * Source: POSIX, "Pathname Resolution"; Linux, path_resolution(7). */
#include "guest/vfs_node.h"

#include <string.h>

#define MOST_LINKS 40u

typedef struct walker {
    beamr_vfs *vfs;
    vfs_node *top; /* NULL: no sandbox */
    vfs_node *at;  /* a directory */
    bool follow, is_entry;
    unsigned links;   /* followed */
    bool ended_slash; /* a piece that was the last ended in '/' */
    beamr_bytes pieces[MOST_LINKS + 1];
    unsigned count; /* of pieces */
} walker;

static void skip_slashes(beamr_bytes *piece)
{
    while (piece->len > 0 && piece->data[0] == '/') {
        piece->data++;
        piece->len--;
    }
}

/* Put a piece on the stack; one that begins with '/' begins at the root. */
static guest_errno push(walker *w, beamr_bytes piece)
{
    w->vfs->walked += piece.len;
    if (piece.data[0] == '/') {
        if (w->top)
            return GUEST_EPERM;
        w->at = w->vfs->root;
    }
    skip_slashes(&piece);
    if (piece.len > 0)
        w->pieces[w->count++] = piece;
    return GUEST_ESUCCESS;
}

/* Take the next component; there is one.  *last  whether it is the last of all */
static beamr_bytes pop(walker *w, bool *last)
{
    beamr_bytes *piece = &w->pieces[w->count - 1];
    const uint8_t *slash = memchr(piece->data, '/', piece->len);
    beamr_bytes name = {piece->data, slash ? (size_t)(slash - piece->data) : piece->len};

    piece->data += name.len;
    piece->len -= name.len;
    skip_slashes(piece);
    if (piece->len == 0)
        w->count--;
    *last = w->count == 0;
    if (*last && slash)
        w->ended_slash = true;
    return name;
}

static bool is_text(beamr_bytes name, const char *text)
{
    return name.len == strlen(text) && memcmp(name.data, text, name.len) == 0;
}

static guest_errno go_up(walker *w)
{
    if (w->at == w->top)
        return GUEST_EPERM;
    if (!w->at->dir.parent)
        return GUEST_ENOENT;
    w->at = w->at->dir.parent;
    return GUEST_ESUCCESS;
}

static guest_errno follow_link(walker *w, const vfs_node *link)
{
    if (++w->links > MOST_LINKS)
        return GUEST_ELOOP;
    return push(w, guest_node_target(link));
}

/* Is a link followed that the component leads to? */
static bool is_followed(const walker *w, const vfs_node *node, bool last)
{
    if (node->kind != BEAMR_VFS_LINK)
        return false;
    return !last || w->follow || (w->ended_slash && !w->is_entry);
}

/* A component with a name of its own.  *done  the spot is found */
static guest_errno enter(walker *w, beamr_bytes name, bool last, guest_spot *out, bool *done)
{
    vfs_entry *entry;
    vfs_node *node;

    if (name.len > w->vfs->limits.max_name)
        return GUEST_ENAMETOOLONG;
    entry = vfs_dir_lookup(w->at, name);
    node = entry ? entry->node : NULL;
    if (node && is_followed(w, node, last))
        return follow_link(w, node);
    if (last) {
        *out = (guest_spot){w->at, name, node, w->ended_slash};
        *done = true;
        return GUEST_ESUCCESS;
    }
    if (!node)
        return GUEST_ENOENT;
    if (node->kind != BEAMR_VFS_DIRECTORY)
        return GUEST_ENOTDIR;
    w->at = node;
    return GUEST_ESUCCESS;
}

static guest_errno resolve(walker *w, guest_spot *out)
{
    guest_errno e = GUEST_ESUCCESS;

    while (w->count > 0 && e == GUEST_ESUCCESS) {
        bool last, done = false;
        beamr_bytes name = pop(w, &last);

        if (is_text(name, "."))
            continue;
        if (is_text(name, ".."))
            e = go_up(w);
        else
            e = enter(w, name, last, out, &done);
        if (done)
            return GUEST_ESUCCESS;
    }
    if (e == GUEST_ESUCCESS)
        *out = (guest_spot){.node = w->at, .wants_directory = true};
    return e;
}

uint64_t guest_vfs_take_walked(beamr_vfs *vfs)
{
    uint64_t walked = vfs->walked;

    vfs->walked = 0;
    return walked;
}

guest_errno guest_path_walk(beamr_vfs *vfs, const guest_walk *walk, beamr_bytes path,
                            guest_spot *out)
{
    walker w = {.vfs = vfs,
                .at = walk->start,
                .top = walk->top,
                .follow = walk->follow,
                .is_entry = walk->is_entry};
    guest_errno e;

    if (path.len == 0)
        return GUEST_ENOENT;
    if (path.len > vfs->limits.max_path)
        return GUEST_ENAMETOOLONG;
    if (memchr(path.data, 0, path.len))
        return GUEST_EINVAL;
    if (w.at->kind != BEAMR_VFS_DIRECTORY)
        return GUEST_ENOTDIR;
    /* Nothing is moved during a walk, so who begins below `top` can pass its edge only there.
     */
    if (w.top && !vfs_dir_contains(w.top, w.at))
        w.top = w.at;
    if ((e = push(&w, path)) != GUEST_ESUCCESS)
        return e;
    return resolve(&w, out);
}
