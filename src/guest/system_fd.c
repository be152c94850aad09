/* Descriptors: numbers, what they share, their rights, and what is asked of them that neither
 * transfers bytes (system_io.c) nor takes a path (system_path.c).
 * Source: WASI preview 1, "rights" and the functions named fd_*; POSIX.1-2017, dup and open,
 * for which numbers are given. */
#include "guest/system_state.h"

#include <stdlib.h>

/* Devices, as numbers for guests: files are on one, each stream is a file of the other. */
enum { DEVICE_FILES = 1, DEVICE_STREAMS = 2 };

/* ---- Open files and numbers ---- */

void open_file_unref(beamr_vfs *vfs, open_file *file)
{
    if (!file || --file->refs)
        return;
    guest_node_unref(vfs, file->node);
    free(file->path);
    free(file);
}

guest_errno system_fd_room(beamr_wasi *w, uint32_t fd)
{
    uint32_t room = w->fd_room ? w->fd_room : 8;
    descriptor *fds;

    if (fd >= w->max_open)
        return GUEST_EMFILE;
    if (fd < w->fd_room)
        return GUEST_ESUCCESS;
    while (room <= fd)
        room *= 2;
    if (room > w->max_open)
        room = w->max_open;
    fds = realloc(w->fds, room * sizeof *fds);
    if (!fds)
        return GUEST_ENOMEM;
    memset(fds + w->fd_room, 0, (room - w->fd_room) * sizeof *fds);
    w->fds = fds;
    w->fd_room = room;
    return GUEST_ESUCCESS;
}

guest_errno system_fd_reserve(beamr_wasi *w, uint32_t least, uint32_t *fd)
{
    uint32_t i = least > w->fd_free ? least : w->fd_free;
    guest_errno e;

    while (system_fd(w, i))
        i++;
    if (least <= w->fd_free)
        w->fd_free = i;
    if ((e = system_fd_room(w, i)) == GUEST_ESUCCESS)
        *fd = i;
    return e;
}

void system_fd_install(beamr_wasi *w, uint32_t fd, const descriptor *d)
{
    w->fds[fd] = *d;
}

void system_fd_close(beamr_wasi *w, uint32_t fd)
{
    open_file *file = w->fds[fd].file;

    w->fds[fd] = (descriptor){0};
    if (fd < w->fd_free)
        w->fd_free = fd;
    open_file_unref(w->vfs, file);
}

/* A new open file as the next descriptor. */
static guest_errno begin_with(beamr_wasi *w, const open_file *as, const descriptor *with)
{
    open_file *file = malloc(sizeof *file);
    descriptor d = *with;
    uint32_t fd;
    guest_errno e = file ? system_fd_reserve(w, 0, &fd) : GUEST_ENOMEM;

    if (e != GUEST_ESUCCESS) {
        free(file);
        return e;
    }
    *file = *as;
    file->refs = 1;
    if (file->node)
        (void)guest_node_ref(file->node);
    d.file = file;
    system_fd_install(w, fd, &d);
    return e;
}

/* C libraries take a character device without the rights to seek and tell for a terminal. These
 * rights are of no use to a stream otherwise, which answers ESPIPE. */
guest_rights system_stream_rights(const beamr_wasi *w, unsigned i)
{
    return (i == 0 ? GUEST_RIGHT_FD_READ : GUEST_RIGHT_FD_WRITE) | GUEST_RIGHT_FD_DATASYNC |
           GUEST_RIGHT_FD_SYNC | GUEST_RIGHT_FD_FDSTAT_SET_FLAGS | GUEST_RIGHT_FD_FILESTAT_GET |
           GUEST_RIGHT_POLL_FD_READWRITE |
           (w->streams[i].is_terminal ? 0 : GUEST_RIGHT_FD_SEEK | GUEST_RIGHT_FD_TELL);
}

guest_errno system_fd_begin(beamr_wasi *w)
{
    guest_errno e = GUEST_ESUCCESS;

    for (unsigned i = 0; i < SYSTEM_STREAMS && e == GUEST_ESUCCESS; i++) {
        open_file file = {.stream = (uint8_t)i};
        descriptor d = {.rights = system_stream_rights(w, i), .preopen = NOT_PREOPENED};

        e = begin_with(w, &file, &d);
    }
    for (uint32_t i = 0; i < w->preopen_count && e == GUEST_ESUCCESS; i++) {
        open_file file = {.node = w->preopens[i].node,
                          .is_read_only = w->preopens[i].is_read_only};
        descriptor d = {
            .rights = RIGHTS_OF_DIRECTORIES, .inheriting = GUEST_RIGHTS_ALL, .preopen = i};

        e = begin_with(w, &file, &d);
    }
    return e;
}

void system_fd_end(beamr_wasi *w)
{
    for (uint32_t fd = 0; fd < w->fd_room; fd++)
        open_file_unref(w->vfs, w->fds[fd].file);
    free(w->fds);
    w->fds = NULL;
    w->fd_room = w->fd_free = 0;
}

/* ---- Closing, moving, duplicating ---- */

guest_errno guest_fd_close(beamr_wasi *w, uint32_t fd)
{
    if (!system_fd(w, fd))
        return GUEST_EBADF;
    system_fd_close(w, fd);
    return GUEST_ESUCCESS;
}

guest_errno guest_fd_renumber(beamr_wasi *w, uint32_t from, uint32_t to)
{
    descriptor *d = system_fd(w, from), moved;

    if (!d || !system_fd(w, to))
        return GUEST_EBADF;
    if (from == to)
        return GUEST_ESUCCESS;
    moved = *d;
    *d = (descriptor){0};
    if (from < w->fd_free)
        w->fd_free = from;
    system_fd_close(w, to);
    system_fd_install(w, to, &moved);
    return GUEST_ESUCCESS;
}

/* The same open file with the same rights; a duplicate is no preopen. */
static descriptor duplicate(const descriptor *d)
{
    descriptor copy = *d;

    copy.preopen = NOT_PREOPENED;
    copy.file->refs++;
    return copy;
}

guest_errno guest_fd_dup(beamr_wasi *w, uint32_t fd, uint32_t least, uint32_t *out)
{
    descriptor copy;
    guest_errno e;

    if (!system_fd(w, fd))
        return GUEST_EBADF;
    if (least >= w->max_open)
        return GUEST_EINVAL;
    if ((e = system_fd_reserve(w, least, out)) != GUEST_ESUCCESS)
        return e;
    copy = duplicate(system_fd(w, fd));
    system_fd_install(w, *out, &copy);
    return GUEST_ESUCCESS;
}

guest_errno guest_fd_dup3(beamr_wasi *w, uint32_t fd, uint32_t to)
{
    descriptor copy;
    guest_errno e;

    if (fd == to)
        return GUEST_EINVAL;
    if (!system_fd(w, fd) || to >= w->max_open)
        return GUEST_EBADF;
    if ((e = system_fd_room(w, to)) != GUEST_ESUCCESS)
        return e;
    copy = duplicate(system_fd(w, fd));
    if (system_fd(w, to))
        system_fd_close(w, to);
    system_fd_install(w, to, &copy);
    return GUEST_ESUCCESS;
}

/* ---- What a descriptor is, and may do ---- */

static guest_filetype filetype(beamr_vfs_kind kind)
{
    switch (kind) {
    case BEAMR_VFS_DIRECTORY:
        return GUEST_FILETYPE_DIRECTORY;
    case BEAMR_VFS_FILE:
        return GUEST_FILETYPE_REGULAR_FILE;
    case BEAMR_VFS_LINK:
        return GUEST_FILETYPE_SYMBOLIC_LINK;
    }
    return GUEST_FILETYPE_UNKNOWN;
}

guest_errno guest_fd_fdstat(beamr_wasi *w, uint32_t fd, guest_fdstat *out)
{
    const descriptor *d = system_fd(w, fd);

    if (!d)
        return GUEST_EBADF;
    out->type = d->file->node ? filetype(guest_node_kind(d->file->node))
                              : GUEST_FILETYPE_CHARACTER_DEVICE;
    out->flags = d->file->flags;
    out->rights = d->rights;
    out->inheriting = d->inheriting;
    return GUEST_ESUCCESS;
}

guest_errno guest_fd_set_flags(beamr_wasi *w, uint32_t fd, uint16_t flags)
{
    descriptor *d = system_fd(w, fd);
    guest_errno e;

    if (!d)
        return GUEST_EBADF;
    if (flags & ~GUEST_FDFLAGS_ALL)
        return GUEST_EINVAL;
    if ((e = system_check(d, GUEST_RIGHT_FD_FDSTAT_SET_FLAGS)) == GUEST_ESUCCESS)
        d->file->flags = flags;
    return e;
}

guest_errno guest_fd_set_rights(beamr_wasi *w, uint32_t fd, guest_rights rights,
                                guest_rights inheriting)
{
    descriptor *d = system_fd(w, fd);

    if (!d)
        return GUEST_EBADF;
    if ((rights & ~d->rights) || (inheriting & ~d->inheriting))
        return GUEST_ENOTCAPABLE;
    d->rights = rights;
    d->inheriting = inheriting;
    return GUEST_ESUCCESS;
}

guest_errno guest_fd_prestat(beamr_wasi *w, uint32_t fd, beamr_bytes *name)
{
    const descriptor *d = system_fd(w, fd);

    if (!d || d->preopen == NOT_PREOPENED)
        return GUEST_EBADF;
    *name = beamr_bytes_of(w->preopens[d->preopen].name);
    return GUEST_ESUCCESS;
}

bool guest_fd_is_input(const beamr_wasi *w, uint32_t fd)
{
    const descriptor *d = system_fd(w, fd);

    return d && !d->file->node && d->file->stream == 0;
}

bool guest_fd_is_terminal(const beamr_wasi *w, uint32_t fd)
{
    const descriptor *d = system_fd(w, fd);

    return d && !d->file->node && w->streams[d->file->stream].is_terminal;
}

void system_node_filestat(const vfs_node *node, guest_filestat *out)
{
    beamr_vfs_stat s = guest_node_stat(node);

    *out = (guest_filestat){.dev = DEVICE_FILES,
                            .ino = s.id,
                            .type = filetype(s.kind),
                            .nlink = s.links,
                            .size = s.size,
                            .atim = s.accessed,
                            .mtim = s.modified,
                            .ctim = s.changed};
}

guest_errno guest_fd_filestat(beamr_wasi *w, uint32_t fd, guest_filestat *out)
{
    const descriptor *d = system_fd(w, fd);
    guest_errno e;

    if (!d)
        return GUEST_EBADF;
    if ((e = system_check(d, GUEST_RIGHT_FD_FILESTAT_GET)) != GUEST_ESUCCESS)
        return e;
    if (d->file->node)
        system_node_filestat(d->file->node, out);
    else
        *out = (guest_filestat){.dev = DEVICE_STREAMS,
                                .ino = 1u + d->file->stream,
                                .type = GUEST_FILETYPE_CHARACTER_DEVICE,
                                .nlink = 1};
    return GUEST_ESUCCESS;
}

/* ---- Size, times, and advice ---- */

/* An open file that is to be changed.  Errors: EBADF, `stream` for a stream, `directory` for a
 * directory, ENOTCAPABLE, EROFS. */
static guest_errno changeable(beamr_wasi *w, uint32_t fd, guest_rights right,
                              guest_errno stream, guest_errno directory, open_file **out)
{
    const descriptor *d = system_fd(w, fd);
    guest_errno e;

    if (!d)
        return GUEST_EBADF;
    if (!d->file->node)
        return stream;
    if (is_directory(d->file) && directory != GUEST_ESUCCESS)
        return directory;
    if ((e = system_check(d, right)) != GUEST_ESUCCESS)
        return e;
    if (d->file->is_read_only)
        return GUEST_EROFS;
    *out = d->file;
    return GUEST_ESUCCESS;
}

guest_errno guest_fd_resize(beamr_wasi *w, uint32_t fd, uint64_t size)
{
    open_file *file;
    guest_errno e =
        changeable(w, fd, GUEST_RIGHT_FD_FILESTAT_SET_SIZE, GUEST_EINVAL, GUEST_EINVAL, &file);

    if (e != GUEST_ESUCCESS)
        return e;
    if (size > INT64_MAX)
        return GUEST_EINVAL;
    system_touch(w);
    return guest_file_resize(w->vfs, file->node, size);
}

guest_errno guest_fd_allocate(beamr_wasi *w, uint32_t fd, uint64_t offset, uint64_t len)
{
    open_file *file;
    guest_errno e =
        changeable(w, fd, GUEST_RIGHT_FD_ALLOCATE, GUEST_ESPIPE, GUEST_EISDIR, &file);

    if (e != GUEST_ESUCCESS)
        return e;
    if (!len || offset > INT64_MAX || len > INT64_MAX)
        return GUEST_EINVAL;
    if (len > INT64_MAX - offset)
        return GUEST_EFBIG;
    if (offset + len <= guest_node_stat(file->node).size)
        return GUEST_ESUCCESS;
    system_touch(w);
    return guest_file_resize(w->vfs, file->node, offset + len);
}

guest_errno guest_fd_advise(beamr_wasi *w, uint32_t fd, uint64_t offset, uint64_t len,
                            uint8_t advice)
{
    enum { ADVICE_LAST = 5 };
    const descriptor *d = system_fd(w, fd);
    guest_errno e;

    if (!d)
        return GUEST_EBADF;
    if (!d->file->node)
        return GUEST_ESPIPE;
    if ((e = system_check(d, GUEST_RIGHT_FD_ADVISE)) != GUEST_ESUCCESS)
        return e;
    if (advice > ADVICE_LAST || offset > INT64_MAX || len > INT64_MAX)
        return GUEST_EINVAL;
    return GUEST_ESUCCESS; /* all of it is in memory */
}

guest_errno guest_fd_sync(beamr_wasi *w, uint32_t fd, bool data_only)
{
    const descriptor *d = system_fd(w, fd);

    if (!d)
        return GUEST_EBADF;
    return system_check(d, data_only ? GUEST_RIGHT_FD_DATASYNC : GUEST_RIGHT_FD_SYNC);
}

guest_errno system_set_times(beamr_wasi *w, vfs_node *node, const guest_times *times)
{
    beamr_vfs_stat s = guest_node_stat(node);
    uint64_t now = guest_clock(w, BEAMR_CLOCK_REALTIME);

    if ((times->set_atim && times->atim_now) || (times->set_mtim && times->mtim_now))
        return GUEST_EINVAL;
    if (times->set_atim || times->atim_now)
        s.accessed = times->atim_now ? now : times->atim;
    if (times->set_mtim || times->mtim_now)
        s.modified = times->mtim_now ? now : times->mtim;
    beamr_vfs_set_time(w->vfs, now);
    guest_node_set_times(node, w->vfs, s.accessed, s.modified);
    return GUEST_ESUCCESS;
}

guest_errno guest_fd_set_times(beamr_wasi *w, uint32_t fd, const guest_times *times)
{
    open_file *file;
    guest_errno e = changeable(w, fd, GUEST_RIGHT_FD_FILESTAT_SET_TIMES, GUEST_ENOTCAPABLE,
                               GUEST_ESUCCESS, &file);

    return e == GUEST_ESUCCESS ? system_set_times(w, file->node, times) : e;
}

guest_errno guest_fd_chdir(beamr_wasi *w, uint32_t fd)
{
    const descriptor *d = system_fd(w, fd);
    vfs_node *before = w->cwd;

    if (!d)
        return GUEST_EBADF;
    if (!is_directory(d->file))
        return GUEST_ENOTDIR;
    w->cwd = guest_node_ref(d->file->node);
    guest_node_unref(w->vfs, before);
    return GUEST_ESUCCESS;
}
