/* The file system by path, for embedders: beamr/vfs.h over the calls of guest/vfs.h, with a
 * text for each failure. What fails has changed nothing. */
#include "guest/vfs_node.h"

#include "base/utf8.h"

#include <string.h>

/* ---- Failures ---- */

#define SHOWN 200u /* bytes of a path in a text */

/* A path as one line of UTF-8. */
static const char *show(beamr_bytes path, char out[SHOWN + 4])
{
    size_t len = path.len < SHOWN ? path.len : SHOWN;
    bool is_utf8;

    while (len < path.len && len > 0 && (path.data[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    is_utf8 = utf8_is_valid((beamr_bytes){path.data, len});
    for (size_t i = 0; i < len; i++) {
        uint8_t byte = path.data[i];

        out[i] = byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_utf8) ? '?' : (char)byte;
    }
    memcpy(out + len, len < path.len ? "..." : "", len < path.len ? 4 : 1);
    return out;
}

static beamr_status status_of(guest_errno e)
{
    switch (e) {
    case GUEST_ESUCCESS:
        return BEAMR_OK;
    case GUEST_ENOENT:
        return BEAMR_NOT_FOUND;
    case GUEST_ENOMEM:
        return BEAMR_NO_MEMORY;
    case GUEST_ENOSPC:
    case GUEST_EFBIG:
    case GUEST_EMLINK:
    case GUEST_ENAMETOOLONG:
        return BEAMR_LIMIT;
    default:
        return BEAMR_ARGUMENT;
    }
}

/* Where the general text would mislead. */
static const char *reason_of(guest_errno e)
{
    switch (e) {
    case GUEST_ENOSPC:
        return "the file system's limit of bytes or files is reached";
    case GUEST_EMLINK:
        return "directories would be nested more deeply than allowed";
    default:
        return guest_errno_text(e);
    }
}

/* The status of an errno, and a text unless it is success. */
static beamr_status report(guest_errno e, const char *what, beamr_bytes path, beamr_error *err)
{
    char text[SHOWN + 4];

    if (e == GUEST_ESUCCESS)
        return BEAMR_OK;
    return beamr_fail(err, status_of(e), 0, "cannot %s \"%s\": %s", what, show(path, text),
                      reason_of(e));
}

/* ---- Finding ---- */

/* The place of a name, to make or remove it. */
static guest_errno find_entry(beamr_vfs *vfs, beamr_bytes path, guest_spot *out)
{
    guest_walk walk = {.start = vfs->root, .is_entry = true};

    return guest_path_walk(vfs, &walk, path, out);
}

static guest_errno check_slash(const guest_spot *spot)
{
    if (spot->node && spot->wants_directory && spot->node->kind != BEAMR_VFS_DIRECTORY)
        return GUEST_ENOTDIR;
    return GUEST_ESUCCESS;
}

/* What is there. */
static guest_errno find_node(const beamr_vfs *vfs, beamr_bytes path, bool follow,
                             vfs_node **out)
{
    guest_walk walk = {.start = vfs->root, .follow = follow};
    guest_spot spot;
    /* Walking changes nothing. */
    guest_errno e = guest_path_walk((beamr_vfs *)(uintptr_t)vfs, &walk, path, &spot);

    if (e == GUEST_ESUCCESS)
        e = check_slash(&spot);
    if (e == GUEST_ESUCCESS && !spot.node)
        e = GUEST_ENOENT;
    if (e == GUEST_ESUCCESS)
        *out = spot.node;
    return e;
}

/* ---- Making ---- */

/* The first node that a call made, to be removed again if the call fails. */
typedef struct undo {
    vfs_node *parent; /* NULL: none was made */
    vfs_node *node;
    uint64_t modified, changed; /* of the parent */
} undo;

static guest_errno make(beamr_vfs *vfs, const guest_spot *spot, beamr_vfs_kind kind, undo *u,
                        vfs_node **out)
{
    uint64_t modified = spot->parent->modified, changed = spot->parent->changed;
    guest_errno e = guest_dir_make(vfs, spot->parent, spot->name, kind, out);

    if (e == GUEST_ESUCCESS && !u->parent)
        *u = (undo){spot->parent, *out, modified, changed};
    return e;
}

static void take_back(beamr_vfs *vfs, const undo *u, beamr_bytes name)
{
    if (!u->parent)
        return;
    if (u->node->kind == BEAMR_VFS_DIRECTORY) {
        vfs_dir_clear(vfs, u->node);
        (void)guest_dir_rmdir(vfs, u->parent, u->node->dir.entry->name);
    } else {
        (void)guest_dir_unlink(vfs, u->parent, name);
    }
    u->parent->modified = u->modified;
    u->parent->changed = u->changed;
}

static guest_errno make_directory(beamr_vfs *vfs, beamr_bytes path)
{
    guest_spot spot;
    guest_errno e = find_entry(vfs, path, &spot);

    if (e != GUEST_ESUCCESS)
        return e;
    if (spot.node)
        return GUEST_EEXIST;
    return guest_dir_make(vfs, spot.parent, spot.name, BEAMR_VFS_DIRECTORY, NULL);
}

/* Go from *at into the directory of that name, which is made if nothing is there. */
static guest_errno enter(beamr_vfs *vfs, beamr_bytes name, undo *u, vfs_node **at)
{
    guest_walk walk = {.start = *at};
    guest_spot spot;
    guest_errno e = guest_path_walk(vfs, &walk, name, &spot);

    if (e == GUEST_ESUCCESS && !spot.node)
        return make(vfs, &spot, BEAMR_VFS_DIRECTORY, u, at);
    walk.follow = true;
    if (e == GUEST_ESUCCESS)
        e = guest_path_walk(vfs, &walk, name, &spot);
    if (e != GUEST_ESUCCESS)
        return e;
    if (!spot.node)
        return GUEST_ENOENT; /* a link to nothing */
    if (spot.node->kind != BEAMR_VFS_DIRECTORY)
        return GUEST_ENOTDIR;
    *at = spot.node;
    return GUEST_ESUCCESS;
}

static guest_errno make_directories(beamr_vfs *vfs, beamr_bytes path)
{
    vfs_node *at = vfs->root;
    undo u = {0};
    guest_errno e = GUEST_ESUCCESS;

    if (path.len == 0)
        return GUEST_ENOENT;
    if (path.len > vfs->limits.max_path)
        return GUEST_ENAMETOOLONG;
    while (path.len > 0 && e == GUEST_ESUCCESS) {
        const uint8_t *slash = memchr(path.data, '/', path.len);
        beamr_bytes name = {path.data, slash ? (size_t)(slash - path.data) : path.len};
        size_t used = name.len + (slash ? 1 : 0);

        if (name.len > 0)
            e = enter(vfs, name, &u, &at);
        path.data += used;
        path.len -= used;
    }
    if (e != GUEST_ESUCCESS)
        take_back(vfs, &u, (beamr_bytes){NULL, 0});
    return e;
}

beamr_status beamr_vfs_mkdir(beamr_vfs *vfs, beamr_bytes path, bool parents, beamr_error *err)
{
    guest_errno e = parents ? make_directories(vfs, path) : make_directory(vfs, path);

    return report(e, "make the directory", path, err);
}

/* The file at a path, made if nothing is there. */
static guest_errno open_file(beamr_vfs *vfs, beamr_bytes path, guest_spot *spot, undo *u,
                             vfs_node **out)
{
    guest_walk walk = {.start = vfs->root, .follow = true};
    guest_errno e = guest_path_walk(vfs, &walk, path, spot);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!spot->node)
        return spot->wants_directory ? GUEST_EISDIR : make(vfs, spot, BEAMR_VFS_FILE, u, out);
    if (spot->node->kind != BEAMR_VFS_FILE)
        return GUEST_EISDIR;
    *out = spot->node;
    return check_slash(spot);
}

/* The blob if the bytes are of it, so that they must stay where they are; NULL otherwise. */
static vfs_blob *blob_around(vfs_blob *blob, beamr_bytes bytes)
{
    uintptr_t at = (uintptr_t)bytes.data;

    if (!blob || at < (uintptr_t)blob->data || at - (uintptr_t)blob->data >= blob->capacity)
        return NULL;
    return blob;
}

/* Add all or nothing. */
static guest_errno append(beamr_vfs *vfs, vfs_node *file, beamr_bytes content)
{
    uint64_t most = vfs_file_most(vfs, file);
    vfs_blob *kept = blob_around(file->file.blob, content);
    size_t put;
    guest_errno e;

    if (content.len == 0)
        return GUEST_ESUCCESS;
    if (file->file.size > most || content.len > most - file->file.size)
        return content.len > vfs->limits.max_file_size - file->file.size ? GUEST_EFBIG
                                                                         : GUEST_ENOSPC;
    vfs_blob_ref(kept); /* being shared now it is copied, not moved */
    e = guest_file_write(vfs, file, file->file.size, content.data, content.len, &put);
    vfs_blob_unref(kept);
    return e;
}

/* Whoever appends mostly does so again: the path leads to the same file while no name changes.
 * NULL: it must be looked for. */
static vfs_node *appended_before(const beamr_vfs *vfs, beamr_bytes path)
{
    if (!vfs->appended.node || vfs->appended.names_version != vfs->names_version ||
        vfs->appended.len != path.len || path.len == 0 ||
        memcmp(vfs->appended.path, path.data, path.len) != 0)
        return NULL;
    return vfs->appended.node;
}

static void note_appended(beamr_vfs *vfs, beamr_bytes path, vfs_node *file)
{
    if (path.len == 0 || path.len > sizeof vfs->appended.path)
        return;
    memcpy(vfs->appended.path, path.data, path.len);
    vfs->appended.len = path.len;
    vfs->appended.node = file;
    vfs->appended.names_version = vfs->names_version;
}

static beamr_status put(beamr_vfs *vfs, beamr_bytes path, beamr_bytes content, bool at_end,
                        const char *what, beamr_error *err)
{
    guest_spot spot;
    vfs_node *file = at_end ? appended_before(vfs, path) : NULL;
    undo u = {0};
    guest_errno e = GUEST_ESUCCESS;

    if (file)
        return report(append(vfs, file, content), what, path, err);
    e = open_file(vfs, path, &spot, &u, &file);
    if (e == GUEST_ESUCCESS) {
        e = at_end ? append(vfs, file, content) : vfs_file_set(vfs, file, content);
        if (e != GUEST_ESUCCESS)
            take_back(vfs, &u, spot.name);
    }
    if (e == GUEST_ESUCCESS && at_end)
        note_appended(vfs, path, file);
    return report(e, what, path, err);
}

beamr_status beamr_vfs_write(beamr_vfs *vfs, beamr_bytes path, beamr_bytes content,
                             beamr_error *err)
{
    return put(vfs, path, content, false, "write", err);
}

beamr_status beamr_vfs_append(beamr_vfs *vfs, beamr_bytes path, beamr_bytes content,
                              beamr_error *err)
{
    return put(vfs, path, content, true, "append to", err);
}

beamr_status beamr_vfs_symlink(beamr_vfs *vfs, beamr_bytes target, beamr_bytes path,
                               beamr_error *err)
{
    guest_spot spot;
    guest_errno e = find_entry(vfs, path, &spot);

    if (e == GUEST_ESUCCESS && spot.node)
        e = GUEST_EEXIST;
    if (e == GUEST_ESUCCESS && spot.wants_directory)
        e = GUEST_ENOENT;
    if (e == GUEST_ESUCCESS)
        e = guest_dir_symlink(vfs, spot.parent, spot.name, target);
    return report(e, "make the link", path, err);
}

/* ---- Removing and moving ---- */

static guest_errno remove_at(beamr_vfs *vfs, beamr_bytes path, bool recursive)
{
    guest_spot spot;
    guest_errno e = find_entry(vfs, path, &spot);

    if (e == GUEST_ESUCCESS)
        e = check_slash(&spot);
    if (e != GUEST_ESUCCESS)
        return e;
    if (!spot.node)
        return GUEST_ENOENT;
    if (!spot.parent)
        return GUEST_EBUSY; /* the root, or a path that ends in "." */
    if (spot.node->kind != BEAMR_VFS_DIRECTORY)
        return guest_dir_unlink(vfs, spot.parent, spot.name);
    if (recursive)
        vfs_dir_clear(vfs, spot.node);
    return guest_dir_rmdir(vfs, spot.parent, spot.name);
}

beamr_status beamr_vfs_remove(beamr_vfs *vfs, beamr_bytes path, bool recursive,
                              beamr_error *err)
{
    return report(remove_at(vfs, path, recursive), "remove", path, err);
}

static guest_errno rename_at(beamr_vfs *vfs, beamr_bytes from, beamr_bytes to)
{
    guest_spot old, new;
    guest_errno e;

    if ((e = find_entry(vfs, from, &old)) != GUEST_ESUCCESS ||
        (e = find_entry(vfs, to, &new)) != GUEST_ESUCCESS)
        return e;
    if (!old.parent || !new.parent)
        return GUEST_EBUSY;
    if (!old.node)
        return GUEST_ENOENT;
    if (old.node->kind != BEAMR_VFS_DIRECTORY && (old.wants_directory || new.wants_directory))
        return GUEST_ENOTDIR;
    return guest_dir_rename(vfs, old.parent, old.name, new.parent, new.name);
}

beamr_status beamr_vfs_rename(beamr_vfs *vfs, beamr_bytes from, beamr_bytes to,
                              beamr_error *err)
{
    guest_errno e = rename_at(vfs, from, to);
    char old[SHOWN + 4], new[SHOWN + 4];

    if (e == GUEST_ESUCCESS)
        return BEAMR_OK;
    return beamr_fail(err, status_of(e), 0, "cannot rename \"%s\" to \"%s\": %s",
                      show(from, old), show(to, new), reason_of(e));
}

/* ---- Looking ---- */

beamr_status beamr_vfs_read(const beamr_vfs *vfs, beamr_bytes path, bool follow,
                            beamr_bytes *out, beamr_error *err)
{
    vfs_node *node = NULL;
    guest_errno e = find_node(vfs, path, follow, &node);

    if (e == GUEST_ESUCCESS && node->kind == BEAMR_VFS_DIRECTORY)
        e = GUEST_EISDIR;
    if (e == GUEST_ESUCCESS)
        *out = node->kind == BEAMR_VFS_LINK ? guest_node_target(node) : vfs_file_bytes(node);
    return report(e, "read", path, err);
}

static void get_stat(const beamr_vfs *vfs, const vfs_node *node, beamr_vfs_stat *out)
{
    *out = guest_node_stat(node);
    if (node->kind == BEAMR_VFS_DIRECTORY && out->below < vfs->unplaced)
        out->below = vfs->unplaced;
}

beamr_status beamr_vfs_stat_at(const beamr_vfs *vfs, beamr_bytes path, bool follow,
                               beamr_vfs_stat *out, beamr_error *err)
{
    vfs_node *node = NULL;
    guest_errno e = find_node(vfs, path, follow, &node);

    if (e == GUEST_ESUCCESS)
        get_stat(vfs, node, out);
    return report(e, "look at", path, err);
}

beamr_status beamr_vfs_set_times(beamr_vfs *vfs, beamr_bytes path, bool follow,
                                 uint64_t accessed, uint64_t modified, beamr_error *err)
{
    vfs_node *node = NULL;
    guest_errno e = find_node(vfs, path, follow, &node);

    if (e == GUEST_ESUCCESS)
        guest_node_set_times(node, vfs, accessed, modified);
    return report(e, "set the times of", path, err);
}

beamr_status beamr_vfs_next(const beamr_vfs *vfs, beamr_bytes directory, uint64_t *cursor,
                            beamr_bytes *name, beamr_vfs_stat *stat, beamr_error *err)
{
    vfs_node *node = NULL;
    guest_dirent entry;
    guest_errno e = find_node(vfs, directory, true, &node);

    if (e == GUEST_ESUCCESS && node->kind != BEAMR_VFS_DIRECTORY)
        e = GUEST_ENOTDIR;
    if (e != GUEST_ESUCCESS)
        return report(e, "list", directory, err);
    if (!guest_dir_next(node, *cursor, &entry))
        return BEAMR_NOT_FOUND;
    *cursor = entry.cookie + 1;
    *name = entry.name;
    get_stat(vfs, entry.node, stat);
    return BEAMR_OK;
}
