/* Transfer: reading and writing files and streams, seeking, and listing directories.
 *
 * Streams: whoever writes a line in pieces - C libraries give what they hold and what is new as
 * two - wants it to arrive as one. So small pieces are gathered on the stack and handed to the
 * embedder in one call; pieces of GATHER bytes and more go as they lie in guest memory. Reading
 * asks the embedder once, since a second time could block while there is something to return.
 * Source: WASI preview 1, "fd_read" and its like; POSIX.1-2017, read, write, lseek; Linux where
 * these leave it open (pwrite with O_APPEND appends). */
#include "guest/system_state.h"

enum { GATHER = 4096 };

/* The sum of the lengths.  Errors: EINVAL (too many pieces or bytes). */
static guest_errno sum_of(const guest_iovec *iovs, size_t count, uint64_t *out)
{
    uint64_t sum = 0;

    if (count > SYSTEM_MAX_IOVS)
        return GUEST_EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (iovs[i].len > INT64_MAX - sum)
            return GUEST_EINVAL;
        sum += iovs[i].len;
    }
    *out = sum;
    return GUEST_ESUCCESS;
}

/* ---- Streams ---- */

/* A stream failed.  What a guest can deal with becomes its errno. */
static guest_errno stream_failed(beamr_status st, guest_errno for_guest, const char *what,
                                 beamr_error *err)
{
    if (st != BEAMR_IO)
        return system_result(st, what, err);
    if (err)
        beamr_error_clear(err);
    return for_guest;
}

static guest_errno put(const beamr_stream *s, const uint8_t *data, size_t len, uint64_t *total,
                       beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    if (!len)
        return GUEST_ESUCCESS;
    if (s->write)
        st = s->write(s->user, (beamr_bytes){data, len}, err);
    if (st != BEAMR_OK)
        return stream_failed(st, GUEST_EPIPE, "writing to a stream", err);
    *total += len;
    return GUEST_ESUCCESS;
}

/* Pieces gathered until they fill the buffer; large ones as they are. */
static guest_errno write_gathered(const beamr_stream *s, const guest_iovec *iovs, size_t count,
                                  uint64_t left, uint64_t *total, beamr_error *err)
{
    uint8_t buf[GATHER];
    size_t held = 0;
    guest_errno e;

    for (size_t i = 0; i < count && left; i++) {
        size_t len = iovs[i].len < left ? iovs[i].len : (size_t)left;

        left -= len;
        if (len > sizeof buf - held) {
            if ((e = put(s, buf, held, total, err)) != GUEST_ESUCCESS)
                return e;
            held = 0;
        }
        if (len > sizeof buf - held) {
            if ((e = put(s, iovs[i].data, len, total, err)) != GUEST_ESUCCESS)
                return e;
        } else if (len) {
            memcpy(buf + held, iovs[i].data, len);
            held += len;
        }
    }
    return put(s, buf, held, total, err);
}

static guest_errno stream_write(const beamr_stream *s, const guest_iovec *iovs, size_t count,
                                uint64_t sum, uint64_t *total, beamr_error *err)
{
    guest_errno e;

    if (count == 1)
        e = put(s, iovs[0].data, (size_t)sum, total, err);
    else
        e = write_gathered(s, iovs, count, sum, total, err);
    /* What was written before the end of a pipe was noticed counts. */
    return e == GUEST_EPIPE && *total ? GUEST_ESUCCESS : e;
}

static guest_errno get(const beamr_stream *s, uint8_t *data, size_t len, size_t *got,
                       beamr_error *err)
{
    beamr_status st;

    *got = 0;
    if (!s->read || !len)
        return GUEST_ESUCCESS;
    st = s->read(s->user, data, len, got, err);
    if (st != BEAMR_OK)
        return stream_failed(st, GUEST_EIO, "reading from a stream", err);
    return *got <= len
               ? GUEST_ESUCCESS
               : system_result(beamr_fail(err, BEAMR_ARGUMENT, 0,
                                          "a stream gave %zu bytes instead of %zu", *got, len),
                               "reading from a stream", err);
}

static void scatter(const guest_iovec *iovs, const uint8_t *from, size_t len)
{
    for (; len; iovs++) {
        size_t piece = iovs->len < len ? iovs->len : len;

        if (piece)
            memcpy(iovs->data, from, piece);
        from += piece;
        len -= piece;
    }
}

static guest_errno stream_read(const beamr_stream *s, const guest_iovec *iovs, size_t count,
                               uint64_t sum, uint64_t *total, beamr_error *err)
{
    uint8_t buf[GATHER];
    size_t got = 0, first = 0;
    guest_errno e;

    while (first < count && !iovs[first].len)
        first++;
    if (first == count)
        return GUEST_ESUCCESS;
    if (iovs[first].len >= sizeof buf || iovs[first].len >= sum) {
        size_t len = iovs[first].len < sum ? iovs[first].len : (size_t)sum;

        e = get(s, iovs[first].data, len, &got, err);
    } else {
        e = get(s, buf, sum < sizeof buf ? (size_t)sum : sizeof buf, &got, err);
        if (e == GUEST_ESUCCESS)
            scatter(iovs + first, buf, got);
    }
    if (e == GUEST_ESUCCESS)
        *total = got;
    return e;
}

/* Input that would block, when the guest does not want that; no other stream is read.
 * Errors: EAGAIN, EABORT. */
static guest_errno await_input(beamr_wasi *w, const open_file *file, beamr_error *err)
{
    bool has_input = true;
    guest_errno e;

    if (!(file->flags & GUEST_FDFLAG_NONBLOCK))
        return GUEST_ESUCCESS;
    e = guest_wait(w, 0, true, &has_input, err);
    return e == GUEST_ESUCCESS && !has_input ? GUEST_EAGAIN : e;
}

/* ---- Files ---- */

static void file_read(const vfs_node *node, const guest_iovec *iovs, size_t count, uint64_t at,
                      uint64_t sum, uint64_t *total)
{
    for (size_t i = 0; i < count && *total < sum; i++) {
        uint64_t left = sum - *total;
        size_t len = iovs[i].len < left ? iovs[i].len : (size_t)left, got = 0;

        if (len)
            guest_file_read(node, at + *total, iovs[i].data, len, &got);
        *total += got;
        if (got < len)
            return;
    }
}

/* Fails only when nothing was written. */
static guest_errno file_write(beamr_vfs *vfs, vfs_node *node, const guest_iovec *iovs,
                              size_t count, uint64_t at, uint64_t sum, uint64_t *total)
{
    if (sum > INT64_MAX - at && at == INT64_MAX)
        return GUEST_EFBIG;
    if (sum > INT64_MAX - at)
        sum = INT64_MAX - at;
    for (size_t i = 0; i < count && *total < sum; i++) {
        uint64_t left = sum - *total;
        size_t len = iovs[i].len < left ? iovs[i].len : (size_t)left, written = 0;
        guest_errno e;

        if (!len)
            continue;
        e = guest_file_write(vfs, node, at + *total, iovs[i].data, len, &written);
        if (e != GUEST_ESUCCESS)
            return *total ? GUEST_ESUCCESS : e;
        *total += written;
        if (written < len)
            break;
    }
    return GUEST_ESUCCESS;
}

/* ---- Both ---- */

/* An open file to transfer with, and how much.
 *   directory  the errno for one
 * Errors: EBADF, ESPIPE, EINVAL, ENOTCAPABLE. */
static guest_errno transfer_begin(beamr_wasi *w, uint32_t fd, guest_rights right,
                                  guest_errno directory, const guest_iovec *iovs, size_t count,
                                  const uint64_t *offset, open_file **out, uint64_t *sum)
{
    const descriptor *d = system_fd(w, fd);
    guest_errno e;

    if (!d)
        return GUEST_EBADF;
    if (is_directory(d->file))
        return directory;
    if (offset && !d->file->node)
        return GUEST_ESPIPE;
    if ((e = system_check(d, right)) != GUEST_ESUCCESS ||
        (offset && (e = system_check(d, GUEST_RIGHT_FD_SEEK)) != GUEST_ESUCCESS) ||
        (e = sum_of(iovs, count, sum)) != GUEST_ESUCCESS)
        return e;
    if (offset && *offset > INT64_MAX)
        return GUEST_EINVAL;
    if (*sum > SYSTEM_MAX_TRANSFER)
        *sum = SYSTEM_MAX_TRANSFER;
    *out = d->file;
    return GUEST_ESUCCESS;
}

guest_errno guest_fd_read(beamr_wasi *w, uint32_t fd, const guest_iovec *iovs, size_t count,
                          const uint64_t *offset, uint64_t *total, beamr_error *err)
{
    open_file *file;
    uint64_t sum;
    guest_errno e = transfer_begin(w, fd, GUEST_RIGHT_FD_READ, GUEST_EISDIR, iovs, count,
                                   offset, &file, &sum);

    if (e != GUEST_ESUCCESS)
        return e;
    *total = 0;
    if (!file->node) {
        if ((e = await_input(w, file, err)) != GUEST_ESUCCESS)
            return e;
        return stream_read(&w->streams[file->stream], iovs, count, sum, total, err);
    }
    file_read(file->node, iovs, count, offset ? *offset : file->position, sum, total);
    if (!offset)
        file->position += *total;
    return GUEST_ESUCCESS;
}

guest_errno guest_fd_write(beamr_wasi *w, uint32_t fd, const guest_iovec *iovs, size_t count,
                           const uint64_t *offset, uint64_t *total, beamr_error *err)
{
    open_file *file;
    uint64_t sum, at;
    guest_errno e = transfer_begin(w, fd, GUEST_RIGHT_FD_WRITE, GUEST_EBADF, iovs, count,
                                   offset, &file, &sum);

    if (e != GUEST_ESUCCESS)
        return e;
    *total = 0;
    if (!file->node)
        return stream_write(&w->streams[file->stream], iovs, count, sum, total, err);
    if (file->is_read_only)
        return GUEST_EROFS;
    if (!sum)
        return GUEST_ESUCCESS;
    at = offset ? *offset : file->position;
    if (file->flags & GUEST_FDFLAG_APPEND)
        at = guest_node_stat(file->node).size;
    system_touch(w);
    e = file_write(w->vfs, file->node, iovs, count, at, sum, total);
    if (e == GUEST_ESUCCESS && !offset)
        file->position = at + *total;
    return e;
}

/* ---- Positions ---- */

/* Where an offset counts from.  Errors: EINVAL. */
static guest_errno seek_base(const open_file *file, unsigned whence, uint64_t *out)
{
    enum { SET, CURRENT, END };

    switch (whence) {
    case SET:
        *out = 0;
        return GUEST_ESUCCESS;
    case CURRENT:
        *out = file->position;
        return GUEST_ESUCCESS;
    case END: /* cookies have no end */
        *out = guest_node_stat(file->node).size;
        return is_directory(file) ? GUEST_EINVAL : GUEST_ESUCCESS;
    default:
        return GUEST_EINVAL;
    }
}

guest_errno guest_fd_seek(beamr_wasi *w, uint32_t fd, int64_t offset, unsigned whence,
                          uint64_t *out)
{
    const descriptor *d = system_fd(w, fd);
    bool is_tell = offset == 0 && whence == 1;
    uint64_t base;
    guest_errno e;

    if (!d)
        return GUEST_EBADF;
    if (!d->file->node)
        return GUEST_ESPIPE;
    if (is_directory(d->file) && !d->is_posix)
        return GUEST_EISDIR;
    if ((e = system_check(d, GUEST_RIGHT_FD_SEEK | (is_tell ? GUEST_RIGHT_FD_TELL : 0))) !=
            GUEST_ESUCCESS ||
        (e = seek_base(d->file, whence, &base)) != GUEST_ESUCCESS)
        return e;
    if (offset < 0 && base < -(uint64_t)offset)
        return GUEST_EINVAL;
    if (offset > 0 && (uint64_t)offset > INT64_MAX - base)
        return GUEST_EOVERFLOW;
    d->file->position = base + (uint64_t)offset;
    *out = d->file->position;
    return GUEST_ESUCCESS;
}

/* ---- Directories ---- */

/* "." and "..", whose cookies are 0 and 1. */
static void readdir_dots(vfs_node *directory, uint64_t cookie, beamr_bytes *name,
                         guest_filestat *stat)
{
    *name = beamr_bytes_of(cookie ? ".." : ".");
    system_node_filestat(cookie ? guest_node_parent(directory) : directory, stat);
}

guest_errno guest_fd_readdir(beamr_wasi *w, uint32_t fd, uint64_t cookie, beamr_bytes *name,
                             guest_filestat *stat, uint64_t *next, bool *more)
{
    const descriptor *d = system_fd(w, fd);
    guest_dirent entry;
    guest_errno e;

    if (!d)
        return GUEST_EBADF;
    if (!is_directory(d->file))
        return GUEST_ENOTDIR;
    if ((e = system_check(d, GUEST_RIGHT_FD_READDIR)) != GUEST_ESUCCESS)
        return e;
    *more =
        guest_node_has_name(d->file->node); /* a removed directory has nothing, not even . */
    if (!*more)
        return GUEST_ESUCCESS;
    if (cookie < 2) {
        readdir_dots(d->file->node, cookie, name, stat);
        *next = cookie + 1;
        return GUEST_ESUCCESS;
    }
    /* The file system's cookies begin at 1, and ours behind the two. */
    *more = guest_dir_next(d->file->node, cookie - 1, &entry);
    if (*more) {
        *name = entry.name;
        system_node_filestat(entry.node, stat);
        *next = entry.cookie + 2;
    }
    return GUEST_ESUCCESS;
}
