/* System calls on names and directories.
 * Source: Linux, getdents64(2), mkdirat(2), unlinkat(2), renameat(2), linkat(2), symlinkat(2),
 * readlinkat(2), chdir(2), getcwd(2). */
#include "guest/env_calls.h"

enum {
    AT_REMOVE_DIRECTORY = 0x200,
    AT_FOLLOW = 0x400,
    DIRENT_HEADER = 19,      /* u64 ino, u64 offset, u16 length, u8 type */
    DIRENTS_MAX = 64 * 1024, /* bytes that one call fills at most */
    ENTRY_WORK = 4           /* what one of these is worth, in bytes that are only touched */
};

/* ---- Reading a directory ----
 * Its position is the number of the next entry, which fd_seek moves as for a file: so rewinddir
 * and seekdir find what telldir gave. */

static uint8_t dirent_type(guest_filetype type)
{
    switch (type) {
    case GUEST_FILETYPE_CHARACTER_DEVICE:
        return 2;
    case GUEST_FILETYPE_DIRECTORY:
        return 4;
    case GUEST_FILETYPE_REGULAR_FILE:
        return 8;
    case GUEST_FILETYPE_SYMBOLIC_LINK:
        return 10;
    default:
        return 0;
    }
}

static void put_dirent(uint8_t *to, uint16_t length, beamr_bytes name,
                       const guest_filestat *stat, uint64_t next)
{
    memset(to, 0, length);
    memcpy(to, &stat->ino, 8);
    memcpy(to + 8, &next, 8);
    memcpy(to + 16, &length, 2);
    to[18] = dirent_type(stat->type);
    memcpy(to + DIRENT_HEADER, name.data, name.len);
}

/* Fill `to` with as many entries as fit.  *cookie moves on, *used is what was written.
 * Errors: EINVAL when there are entries and not even one fits. */
static guest_errno fill(const guest_call *call, uint32_t fd, uint8_t *to, size_t room,
                        uint64_t *cookie, size_t *used)
{
    *used = 0;
    for (;;) {
        beamr_bytes name;
        guest_filestat stat;
        uint64_t next;
        bool more;
        size_t length;
        guest_errno e = guest_fd_readdir(call->wasi, fd, *cookie, &name, &stat, &next, &more);

        if (e != GUEST_ESUCCESS || !more)
            return *used ? GUEST_ESUCCESS : e;
        length = (DIRENT_HEADER + name.len + 1 + 7) & ~(size_t)7;
        if (length > room - *used || length > UINT16_MAX)
            return *used ? GUEST_ESUCCESS : GUEST_EINVAL;
        put_dirent(to + *used, (uint16_t)length, name, &stat, next);
        *used += length;
        *cookie = next;
    }
}

ENV_CALL(env_getdents64)
{
    uint32_t fd = guest_u32(&args[0]);
    uint64_t count = guest_pointer(&args[2]), cookie;
    size_t used = 0;
    uint8_t *to;
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, fd, &stat);

    if (e == GUEST_ESUCCESS && stat.type != GUEST_FILETYPE_DIRECTORY)
        e = GUEST_ENOTDIR;
    if (count > DIRENTS_MAX)
        count = DIRENTS_MAX;
    if (e == GUEST_ESUCCESS)
        e = guest_bytes_at(call, guest_pointer(&args[1]), count, &to);
    if (e == GUEST_ESUCCESS)
        e = guest_fd_seek(call->wasi, fd, 0, 1, &cookie);
    if (e == GUEST_ESUCCESS)
        e = fill(call, fd, to, (size_t)count, &cookie, &used);
    if (e == GUEST_ESUCCESS && used > 0)
        e = guest_fd_seek(call->wasi, fd, (int64_t)cookie, 0, &cookie);
    if (e == GUEST_ESUCCESS && used * ENTRY_WORK > GUEST_FREE_WORK &&
        beamr_store_work(call->store, used * ENTRY_WORK, err) != BEAMR_OK)
        e = GUEST_EABORT;
    return e == GUEST_ESUCCESS ? env_value(results, (int64_t)used) : env_done(results, e, err);
}

/* ---- Making and removing ---- */

static beamr_status make_directory(const guest_call *call, const env_path *path, guest_errno e,
                                   beamr_value *results, beamr_error *err)
{
    if (e == GUEST_ESUCCESS)
        e = guest_path_mkdir(call->wasi, &path->place);
    return env_path_done(results, e, err);
}

ENV_CALL(env_mkdirat)
{
    env_path path;

    return make_directory(call, &path,
                          env_path_at(call, &args[0], guest_pointer(&args[1]), false, &path),
                          results, err);
}

ENV_CALL(env_mkdir)
{
    env_path path;

    return make_directory(
        call, &path, env_path_here(call, guest_pointer(&args[0]), false, &path), results, err);
}

ENV_CALL(env_rmdir)
{
    env_path path;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), false, &path);

    if (e == GUEST_ESUCCESS)
        e = guest_path_rmdir(call->wasi, &path.place);
    return env_path_done(results, e, err);
}

ENV_CALL(env_unlinkat)
{
    uint32_t flags = guest_u32(&args[2]);
    env_path path;
    guest_errno e = env_path_at(call, &args[0], guest_pointer(&args[1]), false, &path);

    if (flags & ~(uint32_t)AT_REMOVE_DIRECTORY)
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS)
        e = flags ? guest_path_rmdir(call->wasi, &path.place)
                  : guest_path_unlink(call->wasi, &path.place);
    return env_path_done(results, e, err);
}

ENV_CALL(env_unlink)
{
    env_path path;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), false, &path);

    if (e == GUEST_ESUCCESS)
        e = guest_path_unlink(call->wasi, &path.place);
    return env_path_done(results, e, err);
}

/* Devices, pipes and sockets cannot be made here; a plain file can. */
static beamr_status make_node(const guest_call *call, const env_path *path, guest_errno e,
                              uint32_t mode, beamr_value *results, beamr_error *err)
{
    guest_open_options o = {.oflags = GUEST_OFLAG_CREAT | GUEST_OFLAG_EXCL,
                            .rights = GUEST_RIGHTS_ALL,
                            .inheriting = GUEST_RIGHTS_ALL};
    uint32_t type = mode & 0xf000, fd;

    if (e == GUEST_ESUCCESS && type != 0 && type != 0x8000)
        e = GUEST_EPERM;
    if (e == GUEST_ESUCCESS)
        e = guest_path_open(call->wasi, &path->place, &o, &fd);
    if (e == GUEST_ESUCCESS)
        e = guest_fd_close(call->wasi, fd);
    return env_path_done(results, e, err);
}

ENV_CALL(env_mknodat)
{
    env_path path;

    return make_node(call, &path,
                     env_path_at(call, &args[0], guest_pointer(&args[1]), false, &path),
                     guest_u32(&args[2]), results, err);
}

ENV_CALL(env_mknod)
{
    env_path path;

    return make_node(call, &path, env_path_here(call, guest_pointer(&args[0]), false, &path),
                     guest_u32(&args[1]), results, err);
}

/* ---- Moving and linking ---- */

static beamr_status rename_paths(const guest_call *call, const env_path *from,
                                 const env_path *to, beamr_value *results, beamr_error *err)
{
    return env_path_done(results, guest_path_rename(call->wasi, &from->place, &to->place), err);
}

ENV_CALL(env_renameat)
{
    env_path from, to;
    guest_errno e = env_path_at(call, &args[0], guest_pointer(&args[1]), false, &from);

    if (e == GUEST_ESUCCESS)
        e = env_path_at(call, &args[2], guest_pointer(&args[3]), false, &to);
    if (e != GUEST_ESUCCESS)
        return env_path_done(results, e, err);
    return rename_paths(call, &from, &to, results, err);
}

/* Whether a path's last component is there. */
static bool exists(const guest_call *call, const env_path *path)
{
    guest_filestat stat;

    return guest_path_filestat(call->wasi, &path->place, &stat) == GUEST_ESUCCESS;
}

ENV_CALL(env_renameat2)
{
    uint32_t flags = guest_u32(&args[4]);
    env_path from, to;
    guest_errno e = env_path_at(call, &args[0], guest_pointer(&args[1]), false, &from);

    if (e == GUEST_ESUCCESS)
        e = env_path_at(call, &args[2], guest_pointer(&args[3]), false, &to);
    if (e == GUEST_ESUCCESS && (flags & ~1u)) /* exchanging, and whiteouts */
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS && flags && exists(call, &to))
        e = exists(call, &from) ? GUEST_EEXIST : GUEST_ENOENT;
    if (e != GUEST_ESUCCESS)
        return env_path_done(results, e, err);
    return rename_paths(call, &from, &to, results, err);
}

ENV_CALL(env_rename)
{
    env_path from, to;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), false, &from);

    if (e == GUEST_ESUCCESS)
        e = env_path_here(call, guest_pointer(&args[1]), false, &to);
    if (e != GUEST_ESUCCESS)
        return env_path_done(results, e, err);
    return rename_paths(call, &from, &to, results, err);
}

ENV_CALL(env_linkat)
{
    uint32_t flags = guest_u32(&args[4]);
    env_path from, to;
    guest_errno e =
        env_path_at(call, &args[0], guest_pointer(&args[1]), (flags & AT_FOLLOW) != 0, &from);

    if (e == GUEST_ESUCCESS)
        e = env_path_at(call, &args[2], guest_pointer(&args[3]), false, &to);
    if (e == GUEST_ESUCCESS && (flags & ~(uint32_t)AT_FOLLOW))
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS)
        e = guest_path_link(call->wasi, &from.place, &to.place);
    return env_path_done(results, e, err);
}

ENV_CALL(env_link)
{
    env_path from, to;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), false, &from);

    if (e == GUEST_ESUCCESS)
        e = env_path_here(call, guest_pointer(&args[1]), false, &to);
    if (e == GUEST_ESUCCESS)
        e = guest_path_link(call->wasi, &from.place, &to.place);
    return env_path_done(results, e, err);
}

static beamr_status make_link(const guest_call *call, uint64_t target, const env_path *path,
                              guest_errno e, beamr_value *results, beamr_error *err)
{
    char text[GUEST_PATH_MAX];
    size_t len = 0;

    if (e == GUEST_ESUCCESS)
        e = env_string(call, target, text, &len);
    if (e == GUEST_ESUCCESS && len == 0)
        e = GUEST_ENOENT;
    if (e == GUEST_ESUCCESS)
        e = guest_path_symlink(call->wasi, (beamr_bytes){(const uint8_t *)text, len},
                               &path->place);
    return env_path_done(results, e, err);
}

ENV_CALL(env_symlinkat)
{
    env_path path;

    return make_link(call, guest_pointer(&args[0]), &path,
                     env_path_at(call, &args[1], guest_pointer(&args[2]), false, &path),
                     results, err);
}

ENV_CALL(env_symlink)
{
    env_path path;

    return make_link(call, guest_pointer(&args[0]), &path,
                     env_path_here(call, guest_pointer(&args[1]), false, &path), results, err);
}

static beamr_status read_link(const guest_call *call, const env_path *path, guest_errno e,
                              const beamr_value *buffer, beamr_value *results, beamr_error *err)
{
    uint64_t size = guest_pointer(&buffer[1]);
    size_t used = 0;
    uint8_t *to;

    if (e == GUEST_ESUCCESS && (size == 0 || (!call->is64 && (int32_t)size < 0)))
        e = GUEST_EINVAL;
    if (size > GUEST_PATH_MAX) /* no target is longer */
        size = GUEST_PATH_MAX;
    if (e == GUEST_ESUCCESS)
        e = guest_bytes_at(call, guest_pointer(&buffer[0]), size, &to);
    if (e == GUEST_ESUCCESS)
        e = guest_path_readlink(call->wasi, &path->place, to, (size_t)size, &used);
    return e == GUEST_ESUCCESS ? env_value(results, (int64_t)used)
                               : env_path_done(results, e, err);
}

ENV_CALL(env_readlinkat)
{
    env_path path;

    return read_link(call, &path,
                     env_path_at(call, &args[0], guest_pointer(&args[1]), false, &path),
                     &args[2], results, err);
}

ENV_CALL(env_readlink)
{
    env_path path;

    return read_link(call, &path, env_path_here(call, guest_pointer(&args[0]), false, &path),
                     &args[1], results, err);
}

/* ---- The current directory ---- */

ENV_CALL(env_chdir)
{
    env_path path;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), true, &path);

    if (e == GUEST_ESUCCESS)
        e = guest_path_chdir(call->wasi, &path.place);
    return env_path_done(results, e, err);
}

ENV_CALL(env_fchdir)
{
    return env_done(results, guest_fd_chdir(call->wasi, guest_u32(&args[0])), err);
}

/* The result is the length with the NUL. */
ENV_CALL(env_getcwd)
{
    uint64_t size = guest_pointer(&args[1]);
    char text[GUEST_PATH_MAX + 1];
    size_t len = 0;
    guest_errno e = size ? guest_cwd(call->wasi, text, GUEST_PATH_MAX, &len) : GUEST_EINVAL;

    if (e == GUEST_ESUCCESS && len + 1 > size)
        e = GUEST_ERANGE;
    if (e == GUEST_ESUCCESS) {
        text[len] = '\0';
        e = guest_put(call, guest_pointer(&args[0]), text, len + 1);
    }
    return e == GUEST_ESUCCESS ? env_value(results, (int64_t)len + 1)
                               : env_path_done(results, e, err);
}
