/* System calls on files, by descriptor and by name: opening, duplicating, flags, sizes. What is
 * said of a file without opening it is env_stat.c's, names and directories are env_dir.c's.
 *
 * File modes are not kept: permissions follow from what the file system allows.
 * Source: Linux, openat(2), dup(2), fcntl(2), ioctl(2), truncate(2), fallocate(2). Numbers are
 * those of musl's generic headers. */
#include "guest/env_calls.h"

enum {
    O_ACCESS = 3,
    O_WRITE_ONLY = 1,
    O_READ_WRITE = 2,
    O_CREATE = 0x40,
    O_EXCLUSIVE = 0x80,
    O_TRUNCATE = 0x200,
    O_APPENDING = 0x400,
    O_NO_BLOCK = 0x800,
    O_DATA_SYNC = 0x1000,
    O_IS_DIRECTORY = 0x10000,
    O_NO_LINK = 0x20000,
    O_PATH_ONLY = 0x200000,
    O_UNNAMED = 0x400000,
    O_FULL_SYNC = 0x100000,
};

enum {
    DUP_FD = 0,
    GET_FD_FLAGS = 1,
    SET_FD_FLAGS = 2,
    GET_FLAGS = 3,
    SET_FLAGS = 4,
    DUP_FD_CLOEXEC = 1030,
};

/* ---- Opening ---- */

static guest_rights rights_of(uint32_t flags)
{
    uint32_t access = flags & O_ACCESS;
    guest_rights rights = GUEST_RIGHTS_ALL;

    if (access == O_WRITE_ONLY || (flags & O_PATH_ONLY))
        rights &= ~(GUEST_RIGHT_FD_READ | GUEST_RIGHT_FD_READDIR);
    if ((access != O_WRITE_ONLY && access != O_READ_WRITE) || (flags & O_PATH_ONLY))
        rights &= ~(GUEST_RIGHT_FD_WRITE | GUEST_RIGHT_FD_ALLOCATE |
                    GUEST_RIGHT_FD_FILESTAT_SET_SIZE | GUEST_RIGHT_FD_DATASYNC);
    return rights;
}

static uint16_t fdflags_of(uint32_t flags)
{
    uint16_t out = 0;

    if (flags & O_APPENDING)
        out |= GUEST_FDFLAG_APPEND;
    if (flags & O_NO_BLOCK)
        out |= GUEST_FDFLAG_NONBLOCK;
    if (flags & O_DATA_SYNC)
        out |= GUEST_FDFLAG_DSYNC;
    if (flags & O_FULL_SYNC)
        out |= GUEST_FDFLAG_SYNC;
    return out;
}

static uint16_t oflags_of(uint32_t flags)
{
    uint16_t out = 0;

    if (flags & O_CREATE)
        out |= GUEST_OFLAG_CREAT;
    if (flags & O_IS_DIRECTORY)
        out |= GUEST_OFLAG_DIRECTORY;
    if ((flags & O_CREATE) && (flags & O_EXCLUSIVE))
        out |= GUEST_OFLAG_EXCL;
    if (flags & O_TRUNCATE)
        out |= GUEST_OFLAG_TRUNC;
    return out;
}

/* The standard streams by name: another number for the same descriptor. */
static guest_errno open_stream(beamr_wasi *w, const env_path *path, uint32_t *fd)
{
    static const char *const names[] = {"/dev/stdin", "/dev/stdout", "/dev/stderr"};

    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(path->text, names[i]) == 0)
            return guest_fd_dup(w, i, 0, fd);
    return GUEST_ENOENT;
}

static beamr_status open_path(const guest_call *call, env_path *path, uint32_t flags,
                              beamr_value *results, beamr_error *err)
{
    guest_open_options o = {.oflags = oflags_of(flags),
                            .fdflags = fdflags_of(flags),
                            .rights = rights_of(flags),
                            .inheriting = GUEST_RIGHTS_ALL};
    uint32_t fd;
    guest_errno e;

    if (flags & O_UNNAMED)
        return env_value(results, -GUEST_ENOTSUP);
    if ((flags & O_CREATE) && (flags & O_IS_DIRECTORY))
        return env_value(results, -GUEST_EINVAL);
    /* An exclusive open does not look behind a link that is in its way. */
    path->place.follow = !(flags & O_NO_LINK) && !(o.oflags & GUEST_OFLAG_EXCL);
    e = guest_path_open(call->wasi, &path->place, &o, &fd);
    if (e == GUEST_ENOENT)
        e = open_stream(call->wasi, path, &fd);
    if (e != GUEST_ESUCCESS)
        return env_path_done(results, e, err);
    return env_value(results, fd);
}

ENV_CALL(env_openat)
{
    env_path path;
    guest_errno e = env_path_at(call, &args[0], guest_pointer(&args[1]), true, &path);

    if (e != GUEST_ESUCCESS)
        return env_path_done(results, e, err);
    return open_path(call, &path, guest_u32(&args[2]), results, err);
}

ENV_CALL(env_open)
{
    env_path path;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), true, &path);

    if (e != GUEST_ESUCCESS)
        return env_path_done(results, e, err);
    return open_path(call, &path, guest_u32(&args[1]), results, err);
}

/* ---- Descriptors ---- */

static beamr_status dup_from(const guest_call *call, uint32_t fd, uint32_t least,
                             beamr_value *results, beamr_error *err)
{
    uint32_t out;
    guest_errno e = guest_fd_dup(call->wasi, fd, least, &out);

    return e == GUEST_ESUCCESS ? env_value(results, out) : env_done(results, e, err);
}

ENV_CALL(env_dup)
{
    return dup_from(call, guest_u32(&args[0]), 0, results, err);
}

ENV_CALL(env_dup3)
{
    uint32_t to = guest_u32(&args[1]), flags = guest_u32(&args[2]);
    guest_errno e = GUEST_EINVAL;

    if ((flags & ~0x80000u) == 0) /* O_CLOEXEC, which means nothing here */
        e = guest_fd_dup3(call->wasi, guest_u32(&args[0]), to);
    return e == GUEST_ESUCCESS ? env_value(results, to) : env_done(results, e, err);
}

ENV_CALL(env_dup2)
{
    uint32_t fd = guest_u32(&args[0]), to = guest_u32(&args[1]);
    guest_fdstat stat;
    guest_errno e =
        fd == to ? guest_fd_fdstat(call->wasi, fd, &stat) : guest_fd_dup3(call->wasi, fd, to);

    return e == GUEST_ESUCCESS ? env_value(results, to) : env_done(results, e, err);
}

static int32_t flags_of(const guest_fdstat *stat)
{
    bool reads = stat->rights & (GUEST_RIGHT_FD_READ | GUEST_RIGHT_FD_READDIR);
    bool writes = stat->rights & GUEST_RIGHT_FD_WRITE && stat->type != GUEST_FILETYPE_DIRECTORY;
    int32_t out = writes ? reads ? O_READ_WRITE : O_WRITE_ONLY : 0;

    if (stat->flags & GUEST_FDFLAG_APPEND)
        out |= O_APPENDING;
    if (stat->flags & GUEST_FDFLAG_NONBLOCK)
        out |= O_NO_BLOCK;
    if (stat->flags & GUEST_FDFLAG_DSYNC)
        out |= O_DATA_SYNC;
    if (stat->flags & GUEST_FDFLAG_SYNC)
        out |= O_DATA_SYNC | O_FULL_SYNC;
    return out;
}

/* Only what Linux lets be changed, too. */
static guest_errno set_flags(const guest_call *call, uint32_t fd, const guest_fdstat *stat,
                             uint32_t flags)
{
    uint16_t settable = GUEST_FDFLAG_APPEND | GUEST_FDFLAG_NONBLOCK;

    return guest_fd_set_flags(
        call->wasi, fd, (uint16_t)((stat->flags & ~settable) | (fdflags_of(flags) & settable)));
}

/* Locks are the process's own: nobody else can hold one. `get` answers that none is in the way:
 * the first field of the structure, a short, becomes F_UNLCK. */
static beamr_status lock(const guest_call *call, bool get, uint64_t varargs,
                         beamr_value *results, beamr_error *err)
{
    uint64_t addr;
    uint16_t unlocked = 2;
    guest_errno e = GUEST_ESUCCESS;

    if (get && (e = guest_get_word(call, varargs, &addr)) == GUEST_ESUCCESS)
        e = guest_put(call, addr, &unlocked, sizeof unlocked);
    return env_done(results, e, err);
}

ENV_CALL(env_fcntl64)
{
    uint32_t fd = guest_u32(&args[0]), cmd = guest_u32(&args[1]), value = 0;
    uint64_t varargs = guest_pointer(&args[2]);
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, fd, &stat);

    if (e == GUEST_ESUCCESS && (cmd == DUP_FD || cmd == DUP_FD_CLOEXEC || cmd == SET_FLAGS))
        e = guest_get_u32(call, varargs, &value);
    if (e != GUEST_ESUCCESS)
        return env_done(results, e, err);
    switch (cmd) {
    case DUP_FD:
    case DUP_FD_CLOEXEC:
        if ((int32_t)value < 0)
            return env_value(results, -GUEST_EINVAL);
        return dup_from(call, fd, value, results, err);
    case GET_FD_FLAGS: /* closing on exec means nothing */
    case SET_FD_FLAGS:
        return env_value(results, 0);
    case GET_FLAGS:
        return env_value(results, flags_of(&stat));
    case SET_FLAGS:
        return env_done(results, set_flags(call, fd, &stat, value), err);
    case 5: /* F_GETLK, F_SETLK, F_SETLKW with 64-bit memory; with 32-bit memory those of 64-bit
               files have numbers of their own */
    case 12:
        return lock(call, true, varargs, results, err);
    case 6:
    case 7:
    case 13:
    case 14:
        return lock(call, false, varargs, results, err);
    default:
        return env_value(results, -GUEST_EINVAL);
    }
}

/* ---- Sizes ---- */

ENV_CALL(env_ftruncate64)
{
    size_t at = 1;
    int64_t size = (int64_t)env_wide(args, &at);
    uint32_t fd = guest_u32(&args[0]);
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, fd, &stat);

    if (e != GUEST_ESUCCESS)
        return env_done(results, e, err);
    e = size < 0 ? GUEST_EINVAL : guest_fd_resize(call->wasi, fd, (uint64_t)size);
    if (e == GUEST_EBADF || e == GUEST_ENOTCAPABLE) /* it is open, but not for writing */
        e = GUEST_EINVAL;
    return env_done(results, e, err);
}

ENV_CALL(env_truncate64)
{
    size_t at = 1;
    int64_t size = (int64_t)env_wide(args, &at);
    env_path path;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), true, &path);

    if (e == GUEST_ESUCCESS)
        e = size < 0 ? GUEST_EINVAL
                     : guest_path_resize(call->wasi, &path.place, (uint64_t)size);
    return env_path_done(results, e, err);
}

/* The oldest modules pass a 64-bit number at an even place: one argument is left out. */
ENV_CALL(env_ftruncate64_even)
{
    const beamr_value without[] = {args[0], args[2], args[3]};

    return env_ftruncate64(call, without, results, err);
}

ENV_CALL(env_truncate64_even)
{
    const beamr_value without[] = {args[0], args[2], args[3]};

    return env_truncate64(call, without, results, err);
}

ENV_CALL(env_fallocate)
{
    size_t at = 2;
    int64_t offset = (int64_t)env_wide(args, &at), len = (int64_t)env_wide(args, &at);
    uint32_t fd = guest_u32(&args[0]);
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, fd, &stat);

    if (e != GUEST_ESUCCESS)
        return env_done(results, e, err);
    if (guest_u32(&args[1]) != 0) /* holes and the like */
        e = GUEST_ENOTSUP;
    else if (offset < 0 || len <= 0)
        e = GUEST_EINVAL;
    else if (offset > INT64_MAX - len)
        e = GUEST_EFBIG;
    else if (stat.type == GUEST_FILETYPE_DIRECTORY)
        e = stat.rights & GUEST_RIGHT_FD_WRITE ? GUEST_EISDIR : GUEST_EBADF;
    else
        e = guest_fd_allocate(call->wasi, fd, (uint64_t)offset, (uint64_t)len);
    return env_done(results, e, err);
}

ENV_CALL(env_fadvise64)
{
    size_t at = 1;
    uint64_t offset = env_wide(args, &at), len = env_wide(args, &at);
    uint32_t advice = guest_u32(&args[at]);
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, guest_u32(&args[0]), &stat);

    (void)offset; /* any part of the file will do */
    if (e == GUEST_ESUCCESS && stat.type == GUEST_FILETYPE_CHARACTER_DEVICE)
        e = GUEST_ESPIPE;
    else if (e == GUEST_ESUCCESS && (advice > 5 || (int64_t)len < 0))
        e = GUEST_EINVAL;
    return env_done(results, e, err);
}

ENV_CALL(env_fsync)
{
    guest_fdstat stat;
    uint32_t fd = guest_u32(&args[0]);
    guest_errno e = guest_fd_fdstat(call->wasi, fd, &stat);

    if (e == GUEST_ESUCCESS && stat.type == GUEST_FILETYPE_CHARACTER_DEVICE)
        e = GUEST_EINVAL; /* as Linux says of terminals and pipes */
    else if (e == GUEST_ESUCCESS)
        e = guest_fd_sync(call->wasi, fd, false);
    return env_done(results, e == GUEST_ENOTCAPABLE ? GUEST_ESUCCESS : e, err);
}

ENV_CALL(env_close)
{
    return env_done(results, guest_fd_close(call->wasi, guest_u32(&args[0])), err);
}
