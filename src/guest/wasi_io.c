/* WASI's transfers: reading and writing through lists of buffers, and reading directories.
 * Buffers are handed to the system where they lie in guest memory. A transfer of more than
 * WASI_PIECE bytes goes piece by piece, so that it can be stopped.
 * Source: WASI preview 1, "fd_read", "fd_write", "fd_readdir", "iovec", "dirent". */
#include <stdlib.h>

#include "guest/wasi.h"

enum {
    FEW = 16, /* buffers that are kept on the stack */
    MOST = 1024,
    DIRENT_SIZE = 24,
    DIRENT_WORK = 128, /* what finding an entry is worth, in bytes */
};

/* ---- Lists of buffers ---- */

typedef struct buffers {
    guest_iovec *list; /* `few`, or allocated */
    size_t count;
    uint64_t total; /* bytes of all */
    guest_iovec few[FEW];
} buffers;

static void buffers_clear(buffers *b)
{
    if (b->list != b->few)
        free(b->list);
}

/* The buffer at `record`: address and length, each as wide as a pointer. */
static guest_errno buffer_get(const guest_call *call, const uint8_t *record, guest_iovec *out)
{
    unsigned word = guest_word(call);
    uint64_t addr = 0, len = 0;
    guest_errno e;

    memcpy(&addr, record, word);
    memcpy(&len, record + word, word);
    e = guest_bytes_at(call, addr, len, &out->data);
    out->len = (size_t)len;
    return e;
}

static guest_errno buffers_fill(const guest_call *call, const uint8_t *records, buffers *b)
{
    uint64_t most = call->is64 ? INT64_MAX : INT32_MAX; /* what fits a ssize_t */

    b->total = 0;
    for (size_t i = 0; i < b->count; i++) {
        guest_errno e = buffer_get(call, records + 2 * i * guest_word(call), &b->list[i]);

        if (e != GUEST_ESUCCESS)
            return e;
        if (b->list[i].len > most - b->total)
            return GUEST_EINVAL;
        b->total += b->list[i].len;
    }
    return GUEST_ESUCCESS;
}

/* Look at the `count` buffers listed at an address. To be cleared, unless it fails.
 * Errors: EINVAL (too many; too many bytes), EFAULT, ENOMEM. */
static guest_errno buffers_get(const guest_call *call, uint64_t addr, uint64_t count,
                               buffers *b)
{
    uint8_t *records;
    guest_errno e;

    if (count > MOST)
        return GUEST_EINVAL;
    if ((e = guest_bytes_at(call, addr, 2 * count * guest_word(call), &records)) !=
        GUEST_ESUCCESS)
        return e;
    b->count = (size_t)count;
    b->list = count <= FEW ? b->few : malloc(b->count * sizeof *b->list);
    if (!b->list)
        return GUEST_ENOMEM;
    if ((e = buffers_fill(call, records, b)) != GUEST_ESUCCESS)
        buffers_clear(b);
    return e;
}

/* ---- Transfers ---- */

/* guest_fd_read or guest_fd_write */
typedef guest_errno (*mover)(beamr_wasi *, uint32_t, const guest_iovec *, size_t,
                             const uint64_t *, uint64_t *, beamr_error *);

typedef struct transfer {
    mover move;
    uint32_t fd;
    bool at; /* at `offset`, not at the position */
    uint64_t offset;
} transfer;

/* Move one buffer in pieces; *done rises by what was moved, *is_short tells that there will be
 * no more. */
static guest_errno move_buffer(const guest_call *call, const transfer *t,
                               const guest_iovec *buffer, uint64_t *done, bool *is_short,
                               beamr_error *err)
{
    bool waits = t->move == guest_fd_read && guest_fd_is_input(call->wasi, t->fd);

    for (size_t at = 0; at < buffer->len && !*is_short;) {
        size_t left = buffer->len - at;
        guest_iovec piece = {buffer->data + at, left < WASI_PIECE ? left : WASI_PIECE};
        uint64_t offset = t->offset + *done, moved = 0;
        guest_errno e = wasi_work(call, piece.len, err);

        if (e == GUEST_ESUCCESS)
            e = t->move(call->wasi, t->fd, &piece, 1, t->at ? &offset : NULL, &moved, err);
        if (e != GUEST_ESUCCESS)
            return e;
        at += (size_t)moved;
        *done += moved;
        *is_short = waits || moved < piece.len; /* a second read of a stream could wait */
    }
    return GUEST_ESUCCESS;
}

/* An error behind the first piece is for the next call to find. */
static guest_errno move_pieces(const guest_call *call, const transfer *t, const buffers *b,
                               uint64_t *done, beamr_error *err)
{
    bool is_short = false;
    guest_errno e = GUEST_ESUCCESS;

    *done = 0;
    for (size_t i = 0; i < b->count && e == GUEST_ESUCCESS && !is_short; i++)
        e = move_buffer(call, t, &b->list[i], done, &is_short, err);
    return e != GUEST_EABORT && *done > 0 ? GUEST_ESUCCESS : e;
}

/* What was moved is charged, not what there was room for. */
static guest_errno move_at_once(const guest_call *call, const transfer *t, const buffers *b,
                                uint64_t *done, beamr_error *err)
{
    guest_errno e =
        t->move(call->wasi, t->fd, b->list, b->count, t->at ? &t->offset : NULL, done, err);

    return e == GUEST_ESUCCESS ? wasi_some_work(call, *done, err) : e;
}

static guest_errno move(const guest_call *call, const transfer *t, const beamr_value *list,
                        const beamr_value *result, beamr_error *err)
{
    uint64_t out = guest_pointer(result), done = 0;
    buffers b;
    guest_errno e;

    if ((e = wasi_room(call, out, guest_word(call))) != GUEST_ESUCCESS ||
        (e = buffers_get(call, guest_pointer(&list[0]), guest_pointer(&list[1]), &b)) !=
            GUEST_ESUCCESS)
        return e;
    if (b.total <= WASI_PIECE)
        e = move_at_once(call, t, &b, &done, err);
    else
        e = move_pieces(call, t, &b, &done, err);
    buffers_clear(&b);
    return e == GUEST_ESUCCESS ? guest_put_word(call, out, done) : e;
}

guest_errno wasi_fd_read(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    transfer t = {.move = guest_fd_read, .fd = guest_u32(&args[0])};

    return move(call, &t, &args[1], &args[3], err);
}

guest_errno wasi_fd_write(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    transfer t = {.move = guest_fd_write, .fd = guest_u32(&args[0])};

    return move(call, &t, &args[1], &args[3], err);
}

guest_errno wasi_fd_pread(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    transfer t = {guest_fd_read, guest_u32(&args[0]), true, guest_u64(&args[3])};

    return move(call, &t, &args[1], &args[4], err);
}

guest_errno wasi_fd_pwrite(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    transfer t = {guest_fd_write, guest_u32(&args[0]), true, guest_u64(&args[3])};

    return move(call, &t, &args[1], &args[4], err);
}

/* ---- Directories ---- */

/* Where entries go: what does not fit is cut off, and a full buffer tells that there is more.
 */
typedef struct sink {
    uint8_t *data;
    uint64_t len, used;
} sink;

static void sink_put(sink *s, const void *data, size_t len)
{
    uint64_t room = s->len - s->used;
    size_t put = len < room ? len : (size_t)room;

    if (put)
        memcpy(s->data + s->used, data, put);
    s->used += put;
}

/* next u64 at 0, ino u64 at 8, the name's length u32 at 16, type u8 at 20; then the name. */
static void sink_put_entry(sink *s, uint64_t next, const guest_filestat *stat, beamr_bytes name)
{
    uint8_t record[DIRENT_SIZE] = {0};
    uint32_t len = (uint32_t)name.len;

    memcpy(record, &next, sizeof next);
    memcpy(record + 8, &stat->ino, sizeof stat->ino);
    memcpy(record + 16, &len, sizeof len);
    record[20] = (uint8_t)stat->type;
    sink_put(s, record, sizeof record);
    sink_put(s, name.data, name.len);
}

guest_errno wasi_fd_readdir(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    sink s = {.len = guest_pointer(&args[2])};
    uint64_t cookie = guest_u64(&args[3]), out = guest_pointer(&args[4]), work = 0;
    guest_errno e;

    if ((e = guest_bytes_at(call, guest_pointer(&args[1]), s.len, &s.data)) != GUEST_ESUCCESS ||
        (e = wasi_room(call, out, guest_word(call))) != GUEST_ESUCCESS)
        return e;
    do {
        guest_filestat stat;
        beamr_bytes name;
        bool more;

        e = guest_fd_readdir(call->wasi, guest_u32(&args[0]), cookie, &name, &stat, &cookie,
                             &more);
        if (e != GUEST_ESUCCESS)
            return e;
        if (!more)
            break;
        sink_put_entry(&s, cookie, &stat, name);
        work += DIRENT_WORK + name.len;
        if (work >= WASI_PIECE) {
            if (wasi_work(call, work, err) != GUEST_ESUCCESS)
                return GUEST_EABORT;
            work = 0;
        }
    } while (s.used < s.len);
    e = wasi_some_work(call, work, err);
    return e == GUEST_ESUCCESS ? guest_put_word(call, out, s.used) : e;
}
