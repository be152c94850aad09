/* WASI's functions on descriptors, but for transfers (wasi_io.c).
 * Source: WASI preview 1, "fd_*", "fdstat", "filestat", "prestat"; preview 0, "filestat". */
#include "guest/wasi.h"

enum { FDSTAT_SIZE = 24, ADVICE_COUNT = 6 };

guest_errno wasi_fd_advise(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    uint32_t advice = guest_u32(&args[3]);

    (void)err;
    if (advice >= ADVICE_COUNT)
        return GUEST_EINVAL;
    return guest_fd_advise(call->wasi, guest_u32(&args[0]), guest_u64(&args[1]),
                           guest_u64(&args[2]), (uint8_t)advice);
}

guest_errno wasi_fd_allocate(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return guest_fd_allocate(call->wasi, guest_u32(&args[0]), guest_u64(&args[1]),
                             guest_u64(&args[2]));
}

guest_errno wasi_fd_close(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return guest_fd_close(call->wasi, guest_u32(&args[0]));
}

guest_errno wasi_fd_datasync(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return guest_fd_sync(call->wasi, guest_u32(&args[0]), true);
}

guest_errno wasi_fd_sync(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return guest_fd_sync(call->wasi, guest_u32(&args[0]), false);
}

guest_errno wasi_fd_renumber(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return guest_fd_renumber(call->wasi, guest_u32(&args[0]), guest_u32(&args[1]));
}

/* ---- fdstat: type u8 at 0, flags u16 at 2, rights u64 at 8, inheriting u64 at 16 ---- */

guest_errno wasi_fd_fdstat_get(const guest_call *call, const beamr_value *args,
                               beamr_error *err)
{
    uint64_t addr = guest_pointer(&args[1]);
    uint8_t record[FDSTAT_SIZE] = {0};
    guest_fdstat stat;
    guest_errno e;

    (void)err;
    if ((e = wasi_room(call, addr, sizeof record)) != GUEST_ESUCCESS ||
        (e = guest_fd_fdstat(call->wasi, guest_u32(&args[0]), &stat)) != GUEST_ESUCCESS)
        return e;
    record[0] = (uint8_t)stat.type;
    memcpy(record + 2, &stat.flags, sizeof stat.flags);
    memcpy(record + 8, &stat.rights, sizeof stat.rights);
    memcpy(record + 16, &stat.inheriting, sizeof stat.inheriting);
    return guest_put(call, addr, record, sizeof record);
}

guest_errno wasi_fd_fdstat_set_flags(const guest_call *call, const beamr_value *args,
                                     beamr_error *err)
{
    uint32_t flags = guest_u32(&args[1]);

    (void)err;
    if (flags & ~(uint32_t)GUEST_FDFLAGS_ALL)
        return GUEST_EINVAL;
    return guest_fd_set_flags(call->wasi, guest_u32(&args[0]), (uint16_t)flags);
}

guest_errno wasi_fd_fdstat_set_rights(const guest_call *call, const beamr_value *args,
                                      beamr_error *err)
{
    (void)err;
    return guest_fd_set_rights(call->wasi, guest_u32(&args[0]), guest_u64(&args[1]),
                               guest_u64(&args[2]));
}

/* ---- filestat ---- */

/* dev u64 at 0, ino u64 at 8, type u8 at 16, nlink u64 at 24, then size and times, u64 each. */
guest_errno wasi_put_filestat(const guest_call *call, uint64_t addr, const guest_filestat *stat)
{
    uint64_t record[WASI_FILESTAT_SIZE / 8] = {stat->dev,   stat->ino,  (uint64_t)stat->type,
                                               stat->nlink, stat->size, stat->atim,
                                               stat->mtim,  stat->ctim};

    return guest_put(call, addr, record, sizeof record);
}

/* nlink u32 at 20, so that all behind it moves up by 8. */
guest_errno wasi_unstable_put_filestat(const guest_call *call, uint64_t addr,
                                       const guest_filestat *stat)
{
    uint64_t nlink = stat->nlink < UINT32_MAX ? stat->nlink : UINT32_MAX;
    uint64_t record[WASI_UNSTABLE_FILESTAT_SIZE / 8] = {
        stat->dev,  stat->ino,  (uint64_t)stat->type | nlink << 32, stat->size, stat->atim,
        stat->mtim, stat->ctim,
    };

    return guest_put(call, addr, record, sizeof record);
}

static guest_errno filestat_get(const guest_call *call, const beamr_value *args, size_t size,
                                guest_filestat *stat)
{
    guest_errno e = wasi_room(call, guest_pointer(&args[1]), size);

    return e == GUEST_ESUCCESS ? guest_fd_filestat(call->wasi, guest_u32(&args[0]), stat) : e;
}

guest_errno wasi_fd_filestat_get(const guest_call *call, const beamr_value *args,
                                 beamr_error *err)
{
    guest_filestat stat;
    guest_errno e = filestat_get(call, args, WASI_FILESTAT_SIZE, &stat);

    (void)err;
    return e == GUEST_ESUCCESS ? wasi_put_filestat(call, guest_pointer(&args[1]), &stat) : e;
}

guest_errno wasi_unstable_fd_filestat_get(const guest_call *call, const beamr_value *args,
                                          beamr_error *err)
{
    guest_filestat stat;
    guest_errno e = filestat_get(call, args, WASI_UNSTABLE_FILESTAT_SIZE, &stat);

    (void)err;
    return e == GUEST_ESUCCESS
               ? wasi_unstable_put_filestat(call, guest_pointer(&args[1]), &stat)
               : e;
}

guest_errno wasi_fd_filestat_set_size(const guest_call *call, const beamr_value *args,
                                      beamr_error *err)
{
    (void)err;
    return guest_fd_resize(call->wasi, guest_u32(&args[0]), guest_u64(&args[1]));
}

guest_errno wasi_times(uint32_t flags, uint64_t atim, uint64_t mtim, guest_times *out)
{
    enum { ATIM = 1, ATIM_NOW = 2, MTIM = 4, MTIM_NOW = 8 };

    if (flags & ~(uint32_t)(ATIM | ATIM_NOW | MTIM | MTIM_NOW))
        return GUEST_EINVAL;
    if ((flags & ATIM && flags & ATIM_NOW) || (flags & MTIM && flags & MTIM_NOW))
        return GUEST_EINVAL;
    *out = (guest_times){
        .set_atim = flags & ATIM,
        .atim_now = flags & ATIM_NOW,
        .set_mtim = flags & MTIM,
        .mtim_now = flags & MTIM_NOW,
        .atim = atim,
        .mtim = mtim,
    };
    return GUEST_ESUCCESS;
}

guest_errno wasi_fd_filestat_set_times(const guest_call *call, const beamr_value *args,
                                       beamr_error *err)
{
    guest_times times;
    guest_errno e =
        wasi_times(guest_u32(&args[3]), guest_u64(&args[1]), guest_u64(&args[2]), &times);

    (void)err;
    return e == GUEST_ESUCCESS ? guest_fd_set_times(call->wasi, guest_u32(&args[0]), &times)
                               : e;
}

/* ---- Preopens: tag u8 at 0 (0: a directory), the name's length behind it, as wide as a
 * pointer ---- */

guest_errno wasi_fd_prestat_get(const guest_call *call, const beamr_value *args,
                                beamr_error *err)
{
    uint64_t addr = guest_pointer(&args[1]), record[2] = {0};
    size_t word = guest_word(call);
    beamr_bytes name;
    guest_errno e;

    (void)err;
    if ((e = wasi_room(call, addr, 2 * word)) != GUEST_ESUCCESS ||
        (e = guest_fd_prestat(call->wasi, guest_u32(&args[0]), &name)) != GUEST_ESUCCESS)
        return e;
    memcpy((uint8_t *)record + word, &name.len, word);
    return guest_put(call, addr, record, 2 * word);
}

/* The name without a NUL, whole or not at all. */
guest_errno wasi_fd_prestat_dir_name(const guest_call *call, const beamr_value *args,
                                     beamr_error *err)
{
    uint64_t addr = guest_pointer(&args[1]), len = guest_pointer(&args[2]);
    beamr_bytes name;
    guest_errno e;

    (void)err;
    if ((e = wasi_room(call, addr, len)) != GUEST_ESUCCESS ||
        (e = guest_fd_prestat(call->wasi, guest_u32(&args[0]), &name)) != GUEST_ESUCCESS)
        return e;
    if (name.len > len)
        return GUEST_ENAMETOOLONG;
    return guest_put(call, addr, name.data, name.len);
}

/* ---- The position ---- */

static guest_errno seek(const guest_call *call, uint32_t fd, int64_t offset, unsigned whence,
                        uint64_t addr)
{
    uint64_t position;
    guest_errno e;

    if ((e = wasi_room(call, addr, sizeof position)) != GUEST_ESUCCESS ||
        (e = guest_fd_seek(call->wasi, fd, offset, whence, &position)) != GUEST_ESUCCESS)
        return e;
    return guest_put_u64(call, addr, position);
}

guest_errno wasi_fd_seek(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    uint32_t whence = guest_u32(&args[2]);

    (void)err;
    if (whence > 2)
        return GUEST_EINVAL;
    return seek(call, guest_u32(&args[0]), args[1].of.i64, whence, guest_pointer(&args[3]));
}

/* There, 0 is the position, 1 the end, 2 the beginning. */
guest_errno wasi_unstable_fd_seek(const guest_call *call, const beamr_value *args,
                                  beamr_error *err)
{
    static const unsigned whence_of[] = {1, 2, 0};
    uint32_t whence = guest_u32(&args[2]);

    (void)err;
    if (whence > 2)
        return GUEST_EINVAL;
    return seek(call, guest_u32(&args[0]), args[1].of.i64, whence_of[whence],
                guest_pointer(&args[3]));
}

guest_errno wasi_fd_tell(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    (void)err;
    return seek(call, guest_u32(&args[0]), 0, 1, guest_pointer(&args[1]));
}
