/* Paths: opening, looking at, making, moving and removing what has a name.
 *
 * A place is resolved by guest_path_walk; what is decided here is where it begins, what the
 * descriptor allows, which errno belongs to what is found there, and whether a read-only
 * preopen forbids the change. The order of errnos is that of Linux. Source: WASI preview 1,
 * "rights" and the functions named path_*; POSIX.1-2017, open and its like; Linux where these
 * leave it open. */
#include "guest/system_state.h"

#include <stdlib.h>

/* Where a path begins, and what it comes through. */
typedef struct origin {
    vfs_node *start, *top;
    const descriptor *d; /* NULL: the current directory, or an absolute path */
} origin;

/* ---- Resolving ---- */

static bool is_absolute(beamr_bytes path)
{
    return path.len && path.data[0] == '/';
}

/* Errors: EBADF, ENOTDIR, ENOTCAPABLE. */
static guest_errno find_origin(beamr_wasi *w, const guest_place *at, guest_rights right,
                               origin *out)
{
    const descriptor *d = NULL;
    guest_errno e = GUEST_ESUCCESS;

    *out = (origin){0};
    if (at->is_posix && (at->fd == GUEST_CWD || is_absolute(at->path))) {
        out->start = w->cwd;
        return GUEST_ESUCCESS;
    }
    if (at->fd >= 0 && at->fd <= UINT32_MAX)
        d = system_fd(w, (uint64_t)at->fd);
    if (!d)
        return GUEST_EBADF;
    if (!is_directory(d->file))
        return GUEST_ENOTDIR;
    if (!at->is_posix)
        e = (d->rights & right) == right ? GUEST_ESUCCESS : GUEST_ENOTCAPABLE;
    out->d = d;
    out->start = d->file->node;
    out->top = at->is_posix ? NULL : out->start;
    return e;
}

static guest_errno walk_from(beamr_wasi *w, const origin *from, const guest_place *at,
                             bool follow, bool is_entry, guest_spot *out)
{
    guest_walk walk = {
        .start = from->start, .top = from->top, .follow = follow, .is_entry = is_entry};

    if (at->path.len >= GUEST_PATH_MAX)
        return GUEST_ENAMETOOLONG;
    return guest_path_walk(w->vfs, &walk, at->path, out);
}

/* What is there, which must be something. */
static guest_errno find(beamr_wasi *w, const guest_place *at, guest_rights right, bool follow,
                        origin *from, guest_spot *out)
{
    guest_errno e = find_origin(w, at, right, from);

    if (e == GUEST_ESUCCESS)
        e = walk_from(w, from, at, follow, false, out);
    if (e != GUEST_ESUCCESS)
        return e;
    if (!out->node)
        return GUEST_ENOENT;
    if (out->wants_directory && guest_node_kind(out->node) != BEAMR_VFS_DIRECTORY)
        return GUEST_ENOTDIR;
    return GUEST_ESUCCESS;
}

/* A name that is to be made or removed. */
static guest_errno find_entry(beamr_wasi *w, const guest_place *at, guest_rights right,
                              origin *from, guest_spot *out)
{
    guest_errno e = find_origin(w, at, right, from);

    return e == GUEST_ESUCCESS ? walk_from(w, from, at, false, true, out) : e;
}

static bool is_dir_spot(const guest_spot *spot)
{
    return spot->node && guest_node_kind(spot->node) == BEAMR_VFS_DIRECTORY;
}

/* What a path ends in, for those that end in no name: slashes behind it do not count. */
static bool ends_in(beamr_bytes path, const char *last)
{
    size_t end = path.len, len = strlen(last), begin;

    while (end && path.data[end - 1] == '/')
        end--;
    begin = end;
    while (begin && path.data[begin - 1] != '/')
        begin--;
    return end - begin == len && memcmp(path.data + begin, last, len) == 0;
}

/* ---- Read-only preopens ---- */

/* May nothing be changed in this directory? The nearest preopened directory above it decides,
 * as a mount would. For WASI it is the descriptor, unless there is one in between. */
static bool is_read_only(const beamr_wasi *w, const origin *from, const vfs_node *directory)
{
    const vfs_node *node = directory, *parent;

    if (!w->has_read_only)
        return false;
    while (node && node != from->top) {
        for (size_t i = 0; i < w->preopen_count; i++)
            if (w->preopens[i].node == node)
                return w->preopens[i].is_read_only;
        parent = guest_node_parent(node);
        if (parent == node)
            break; /* the root */
        node = parent;
    }
    return from->top && from->d->file->is_read_only;
}

static bool spot_is_read_only(const beamr_wasi *w, const origin *from, const guest_spot *spot)
{
    return is_read_only(w, from, is_dir_spot(spot) ? spot->node : spot->parent);
}

/* Of the name itself: whether it may be made, removed or replaced. */
static bool name_is_read_only(const beamr_wasi *w, const origin *from, const guest_spot *spot)
{
    return is_read_only(w, from, spot->parent);
}

/* Does a read-only preopen lie there, or below?  It must stay where it is: with another
 * directory in its place, its path would lead to what a guest has written. */
static bool holds_read_only(const beamr_wasi *w, const vfs_node *moved)
{
    for (size_t i = 0; i < w->preopen_count && w->has_read_only; i++) {
        const vfs_node *node = w->preopens[i].is_read_only ? w->preopens[i].node : NULL, *below;

        do {
            if (node && node == moved)
                return true;
            below = node;
            node = node ? guest_node_parent(node) : NULL;
        } while (node && node != below);
    }
    return false;
}

/* ---- Opening ---- */

/* Is it allowed to open so?  Errors: EINVAL, ENOTCAPABLE. */
static guest_errno open_check(const origin *from, const guest_open_options *o)
{
    guest_rights inheriting = from->top ? from->d->inheriting : GUEST_RIGHTS_ALL;

    if ((o->oflags & ~GUEST_OFLAGS_ALL) || (o->fdflags & ~GUEST_FDFLAGS_ALL) ||
        ((o->oflags & GUEST_OFLAG_CREAT) && (o->oflags & GUEST_OFLAG_DIRECTORY)))
        return GUEST_EINVAL;
    if ((o->rights | o->inheriting) & GUEST_RIGHTS_ALL & ~inheriting)
        return GUEST_ENOTCAPABLE;
    if ((o->fdflags & GUEST_FDFLAG_DSYNC) &&
        !(inheriting & (GUEST_RIGHT_FD_DATASYNC | GUEST_RIGHT_FD_SYNC)))
        return GUEST_ENOTCAPABLE;
    if ((o->fdflags & (GUEST_FDFLAG_RSYNC | GUEST_FDFLAG_SYNC)) &&
        !(inheriting & GUEST_RIGHT_FD_SYNC))
        return GUEST_ENOTCAPABLE;
    return GUEST_ESUCCESS;
}

/* The rights that path_open needs of the directory. */
static guest_rights open_rights(const guest_open_options *o)
{
    return GUEST_RIGHT_PATH_OPEN |
           (o->oflags & GUEST_OFLAG_CREAT ? GUEST_RIGHT_PATH_CREATE_FILE : 0) |
           (o->oflags & GUEST_OFLAG_TRUNC ? GUEST_RIGHT_PATH_FILESTAT_SET_SIZE : 0);
}

/* Open what is there. */
static guest_errno open_existing(beamr_wasi *w, const guest_open_options *o,
                                 const guest_spot *spot, bool read_only)
{
    beamr_vfs_kind kind = guest_node_kind(spot->node);
    bool is_written = (o->rights & GUEST_RIGHT_FD_WRITE) || (o->oflags & GUEST_OFLAG_TRUNC);

    if ((o->oflags & GUEST_OFLAG_CREAT) && (o->oflags & GUEST_OFLAG_EXCL))
        return GUEST_EEXIST;
    if (kind == BEAMR_VFS_DIRECTORY)
        return is_written || (o->oflags & GUEST_OFLAG_CREAT) ? GUEST_EISDIR : GUEST_ESUCCESS;
    if (spot->wants_directory && (o->oflags & GUEST_OFLAG_CREAT))
        return GUEST_EISDIR; /* a link's target ends in a slash */
    if ((o->oflags & GUEST_OFLAG_DIRECTORY) || spot->wants_directory)
        return GUEST_ENOTDIR;
    if (kind == BEAMR_VFS_LINK)
        return GUEST_ELOOP;
    if (is_written && read_only)
        return GUEST_EROFS;
    if (!(o->oflags & GUEST_OFLAG_TRUNC))
        return GUEST_ESUCCESS;
    system_touch(w);
    return guest_file_resize(w->vfs, spot->node, 0);
}

static guest_errno open_missing(beamr_wasi *w, const guest_open_options *o, guest_spot *spot,
                                bool read_only)
{
    if (!(o->oflags & GUEST_OFLAG_CREAT))
        return GUEST_ENOENT;
    if (spot->wants_directory)
        return GUEST_EISDIR;
    if (read_only)
        return GUEST_EROFS;
    system_touch(w);
    return guest_dir_make(w->vfs, spot->parent, spot->name, BEAMR_VFS_FILE, &spot->node);
}

/* Is a name with a slash behind it to be made? That is EISDIR, whatever has the name. */
static guest_errno check_new_file(beamr_wasi *w, const guest_place *at, const origin *from)
{
    guest_spot spot;
    guest_errno e;

    if (!at->path.len || at->path.data[at->path.len - 1] != '/')
        return GUEST_ESUCCESS;
    e = walk_from(w, from, at, false, true, &spot);
    return e == GUEST_ESUCCESS && spot.parent ? GUEST_EISDIR : e;
}

/* Find or make what is to be opened. */
static guest_errno open_node(beamr_wasi *w, const guest_place *at, const guest_open_options *o,
                             const origin *from, open_file *file)
{
    bool is_new = (o->oflags & GUEST_OFLAG_CREAT) && (o->oflags & GUEST_OFLAG_EXCL);
    guest_spot spot;
    guest_errno e = GUEST_ESUCCESS;

    if (o->oflags & GUEST_OFLAG_CREAT)
        e = check_new_file(w, at, from);
    if (e == GUEST_ESUCCESS)
        e = walk_from(w, from, at, at->follow && !is_new, false, &spot);
    if (e != GUEST_ESUCCESS)
        return e;
    file->is_read_only = spot_is_read_only(w, from, &spot);
    if (spot.node)
        e = open_existing(w, o, &spot, file->is_read_only);
    else
        e = open_missing(w, o, &spot, file->is_read_only);
    if (e != GUEST_ESUCCESS)
        return e;
    file->node = guest_node_ref(spot.node);
    if (!is_directory(file))
        system_note_path(file, spot.parent, spot.name);
    return e;
}

/* The rights of a new descriptor. For POSIX they follow from whether it may read and write. */
static void give_rights(descriptor *d, const guest_open_options *o, bool is_dir)
{
    static const guest_rights reading = GUEST_RIGHT_FD_READ,
                              writing = GUEST_RIGHT_FD_WRITE | GUEST_RIGHT_FD_ALLOCATE |
                                        GUEST_RIGHT_FD_FILESTAT_SET_SIZE;

    if (!d->is_posix) {
        d->rights = o->rights & (is_dir ? RIGHTS_OF_DIRECTORIES : RIGHTS_OF_FILES);
        d->inheriting = is_dir ? o->inheriting & GUEST_RIGHTS_ALL : 0;
    } else if (is_dir) {
        d->rights = RIGHTS_OF_DIRECTORIES | GUEST_RIGHT_FD_SEEK | GUEST_RIGHT_FD_TELL;
        d->inheriting = GUEST_RIGHTS_ALL;
    } else {
        d->rights = RIGHTS_OF_FILES & ~(reading | writing);
        d->rights |= o->rights & GUEST_RIGHT_FD_READ ? reading : 0;
        d->rights |= o->rights & GUEST_RIGHT_FD_WRITE ? writing : 0;
    }
}

guest_errno guest_path_open(beamr_wasi *w, const guest_place *at, const guest_open_options *o,
                            uint32_t *fd)
{
    open_file *file = NULL;
    descriptor d = {.preopen = NOT_PREOPENED, .is_posix = at->is_posix};
    origin from;
    uint32_t number;
    guest_errno e = system_fd_reserve(w, 0, &number); /* first: it moves descriptors */

    if (e != GUEST_ESUCCESS || (e = find_origin(w, at, open_rights(o), &from)) ||
        (e = open_check(&from, o)))
        return e;
    file = calloc(1, sizeof *file);
    if (!file)
        return GUEST_ENOMEM;
    if ((e = open_node(w, at, o, &from, file)) != GUEST_ESUCCESS) {
        free(file);
        return e;
    }
    file->refs = 1;
    file->flags = o->fdflags;
    d.file = file;
    give_rights(&d, o, is_directory(file));
    system_fd_install(w, number, &d);
    *fd = number;
    return GUEST_ESUCCESS;
}

/* ---- Looking and setting ---- */

guest_errno guest_path_filestat(beamr_wasi *w, const guest_place *at, guest_filestat *out)
{
    origin from;
    guest_spot spot;
    guest_errno e = find(w, at, GUEST_RIGHT_PATH_FILESTAT_GET, at->follow, &from, &spot);

    if (e == GUEST_ESUCCESS)
        system_node_filestat(spot.node, out);
    return e;
}

guest_errno guest_path_set_times(beamr_wasi *w, const guest_place *at, const guest_times *times)
{
    origin from;
    guest_spot spot;
    guest_errno e = find(w, at, GUEST_RIGHT_PATH_FILESTAT_SET_TIMES, at->follow, &from, &spot);

    if (e == GUEST_ESUCCESS && spot_is_read_only(w, &from, &spot))
        e = GUEST_EROFS;
    return e == GUEST_ESUCCESS ? system_set_times(w, spot.node, times) : e;
}

guest_errno guest_path_resize(beamr_wasi *w, const guest_place *at, uint64_t size)
{
    origin from;
    guest_spot spot;
    guest_errno e = find(w, at, GUEST_RIGHT_PATH_FILESTAT_SET_SIZE, true, &from, &spot);

    if (e != GUEST_ESUCCESS)
        return e;
    if (size > INT64_MAX)
        return GUEST_EINVAL;
    if (is_dir_spot(&spot))
        return GUEST_EISDIR;
    if (spot_is_read_only(w, &from, &spot))
        return GUEST_EROFS;
    system_touch(w);
    return guest_file_resize(w->vfs, spot.node, size);
}

guest_errno guest_path_readlink(beamr_wasi *w, const guest_place *at, void *buf, size_t size,
                                size_t *used)
{
    origin from;
    guest_spot spot;
    guest_errno e = find(w, at, GUEST_RIGHT_PATH_READLINK, false, &from, &spot);
    beamr_bytes target;

    if (e != GUEST_ESUCCESS)
        return e;
    if (guest_node_kind(spot.node) != BEAMR_VFS_LINK || (at->is_posix && !size))
        return GUEST_EINVAL;
    target = guest_node_target(spot.node);
    *used = target.len < size ? target.len : size;
    if (*used)
        memcpy(buf, target.data, *used);
    return GUEST_ESUCCESS;
}

guest_errno guest_path_chdir(beamr_wasi *w, const guest_place *at)
{
    origin from;
    guest_spot spot;
    vfs_node *before = w->cwd;
    guest_errno e = find(w, at, 0, true, &from, &spot);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!is_dir_spot(&spot))
        return GUEST_ENOTDIR;
    w->cwd = guest_node_ref(spot.node);
    guest_node_unref(w->vfs, before);
    return GUEST_ESUCCESS;
}

guest_errno guest_cwd(beamr_wasi *w, char *buf, size_t size, size_t *len)
{
    return guest_node_path(w->cwd, buf, size, len);
}

/* ---- Making ---- */

guest_errno guest_path_mkdir(beamr_wasi *w, const guest_place *at)
{
    origin from;
    guest_spot spot;
    guest_errno e = find_entry(w, at, GUEST_RIGHT_PATH_CREATE_DIRECTORY, &from, &spot);

    if (e != GUEST_ESUCCESS)
        return e;
    if (spot.node)
        return GUEST_EEXIST;
    if (name_is_read_only(w, &from, &spot))
        return GUEST_EROFS;
    system_touch(w);
    return guest_dir_make(w->vfs, spot.parent, spot.name, BEAMR_VFS_DIRECTORY, NULL);
}

/* A name for what is no directory is free.  Errors: EEXIST, ENOENT (it ends in '/'), EROFS. */
static guest_errno check_new_name(const beamr_wasi *w, const origin *from,
                                  const guest_spot *spot)
{
    if (spot->node)
        return GUEST_EEXIST;
    if (spot->wants_directory)
        return GUEST_ENOENT;
    return name_is_read_only(w, from, spot) ? GUEST_EROFS : GUEST_ESUCCESS;
}

guest_errno guest_path_symlink(beamr_wasi *w, beamr_bytes target, const guest_place *at)
{
    origin from;
    guest_spot spot;
    guest_errno e = find_entry(w, at, GUEST_RIGHT_PATH_SYMLINK, &from, &spot);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!target.len)
        return GUEST_ENOENT;
    if (target.len >= GUEST_PATH_MAX)
        return GUEST_ENAMETOOLONG;
    if (!at->is_posix && is_absolute(target))
        return GUEST_EPERM; /* it could not be followed */
    /* Linux has EEXIST here, which POSIX allows; WASI's users were promised ENOTDIR. */
    if (!at->is_posix && spot.node && spot.wants_directory && !is_dir_spot(&spot))
        return GUEST_ENOTDIR;
    if ((e = check_new_name(w, &from, &spot)) != GUEST_ESUCCESS)
        return e;
    system_touch(w);
    return guest_dir_symlink(w->vfs, spot.parent, spot.name, target);
}

guest_errno guest_path_link(beamr_wasi *w, const guest_place *from, const guest_place *to)
{
    origin old_from, new_from;
    guest_spot old, new;
    guest_errno e;

    if (!from->is_posix && from->follow)
        return GUEST_EINVAL;
    if ((e = find(w, from, GUEST_RIGHT_PATH_LINK_SOURCE, from->follow, &old_from, &old)) ||
        (e = find_entry(w, to, GUEST_RIGHT_PATH_LINK_TARGET, &new_from, &new)) ||
        (e = check_new_name(w, &new_from, &new)))
        return e;
    if (is_dir_spot(&old))
        return GUEST_EPERM;
    /* A second name, where writing is allowed, would lift the protection. */
    if (name_is_read_only(w, &old_from, &old))
        return GUEST_EROFS;
    system_touch(w);
    return guest_dir_link(w->vfs, new.parent, new.name, old.node);
}

/* ---- Removing and moving ---- */

guest_errno guest_path_rmdir(beamr_wasi *w, const guest_place *at)
{
    origin from;
    guest_spot spot;
    guest_errno e = find_entry(w, at, GUEST_RIGHT_PATH_REMOVE_DIRECTORY, &from, &spot);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!spot.parent)
        return ends_in(at->path, ".")    ? GUEST_EINVAL
               : ends_in(at->path, "..") ? GUEST_ENOTEMPTY
                                         : GUEST_EBUSY; /* the root */
    if (!spot.node)
        return GUEST_ENOENT;
    if (!is_dir_spot(&spot))
        return GUEST_ENOTDIR;
    if (name_is_read_only(w, &from, &spot))
        return GUEST_EROFS;
    if (holds_read_only(w, spot.node))
        return GUEST_EBUSY;
    system_touch(w);
    return guest_dir_rmdir(w->vfs, spot.parent, spot.name);
}

guest_errno guest_path_unlink(beamr_wasi *w, const guest_place *at)
{
    origin from;
    guest_spot spot;
    guest_errno e = find_entry(w, at, GUEST_RIGHT_PATH_UNLINK_FILE, &from, &spot);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!spot.parent || is_dir_spot(&spot))
        return GUEST_EISDIR;
    if (!spot.node)
        return GUEST_ENOENT;
    if (spot.wants_directory)
        return GUEST_ENOTDIR;
    if (name_is_read_only(w, &from, &spot))
        return GUEST_EROFS;
    system_touch(w);
    return guest_dir_unlink(w->vfs, spot.parent, spot.name);
}

guest_errno guest_path_rename(beamr_wasi *w, const guest_place *from, const guest_place *to)
{
    origin old_from, new_from;
    guest_spot old, new;
    guest_errno e;

    if ((e = find_entry(w, from, GUEST_RIGHT_PATH_RENAME_SOURCE, &old_from, &old)) ||
        (e = find_entry(w, to, GUEST_RIGHT_PATH_RENAME_TARGET, &new_from, &new)))
        return e;
    if (!old.parent || !new.parent)
        return GUEST_EBUSY;
    if (!old.node)
        return GUEST_ENOENT;
    if (!is_dir_spot(&old) && (old.wants_directory || new.wants_directory))
        return GUEST_ENOTDIR;
    if (name_is_read_only(w, &old_from, &old) || name_is_read_only(w, &new_from, &new))
        return GUEST_EROFS;
    if (holds_read_only(w, old.node) || (new.node &&holds_read_only(w, new.node)))
        return GUEST_EBUSY;
    system_touch(w);
    return guest_dir_rename(w->vfs, old.parent, old.name, new.parent, new.name);
}
