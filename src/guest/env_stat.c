/* System calls that say what a file is, or set its times: stat, statfs, access, utimensat,
 * chmod, chown.
 *
 * The file system keeps no permissions and no owners: files are 0644, directories 0755, links
 * 0777, and all belong to user 0. Changing them succeeds and changes nothing.
 * Layouts are those of Emscripten's musl (bits/stat.h, bits/statfs.h), which depend on the
 * version: env.h tells which there are.
 * Source: Linux, stat(2), statfs(2), access(2), utimensat(2). */
#include "guest/env_calls.h"

enum {
    AT_NO_FOLLOW = 0x100,
    AT_EFFECTIVE_IDS = 0x200,
    AT_NO_MOUNT = 0x800,
    AT_EMPTY = 0x1000,
};

enum { BLOCK_SIZE = 4096, NANOSECONDS = 1000000000 };

/* ---- stat ---- */

/* Where the fields are: bytes from the beginning. The device is at 0 always. */
typedef struct stat_layout {
    uint8_t size;
    uint8_t ino_low; /* an older field for the low half; 0 if there is none */
    uint8_t mode, links, bytes, block_size, blocks, times, ino;
} stat_layout;

static const stat_layout layouts[3][2] = {
    /*                         size low mode links bytes blksize blocks times ino */
    [GUEST_ENV_CURRENT] = {{96, 0, 4, 8, 24, 32, 36, 40, 88},
                           {104, 0, 4, 8, 32, 40, 44, 48, 96}},
    [GUEST_ENV_MIDDLE] = {{112, 8, 12, 16, 40, 48, 52, 56, 104},
                          {120, 8, 16, 24, 48, 56, 60, 64, 112}},
    [GUEST_ENV_OLD] = {{88, 8, 12, 16, 40, 48, 52, 56, 80},
                       {128, 8, 16, 24, 48, 56, 64, 72, 120}},
};

enum { STAT_SIZE_MAX = 128 };

static uint32_t mode_of(guest_filetype type)
{
    switch (type) {
    case GUEST_FILETYPE_DIRECTORY:
        return 0040755;
    case GUEST_FILETYPE_SYMBOLIC_LINK:
        return 0120777;
    case GUEST_FILETYPE_CHARACTER_DEVICE:
        return 0020666;
    default:
        return 0100644;
    }
}

static uint64_t blocks_of(uint64_t size) /* of 512 bytes */
{
    uint64_t blocks = size / 512 + (size % 512 != 0);

    return blocks > INT32_MAX ? INT32_MAX : blocks;
}

static guest_errno put_stat(const guest_call *call, uint64_t addr, const guest_filestat *stat)
{
    const stat_layout *at = &layouts[call->dialect][call->is64];
    const uint64_t times[3] = {stat->atim, stat->mtim, stat->ctim};
    uint64_t blocks = blocks_of(stat->size);
    uint32_t mode = mode_of(stat->type), block_size = BLOCK_SIZE;
    uint8_t bytes[STAT_SIZE_MAX] = {0};
    unsigned time_size = env_time_size(call);

    memcpy(bytes, &stat->dev, 4);
    if (at->ino_low)
        memcpy(bytes + at->ino_low, &stat->ino, 4);
    memcpy(bytes + at->mode, &mode, 4);
    memcpy(bytes + at->links, &stat->nlink, guest_word(call));
    memcpy(bytes + at->bytes, &stat->size, 8);
    memcpy(bytes + at->block_size, &block_size, 4);
    memcpy(bytes + at->blocks, &blocks, 4);
    for (unsigned i = 0; i < 3; i++) {
        uint64_t seconds = times[i] / NANOSECONDS, rest = times[i] % NANOSECONDS;
        uint8_t *to = bytes + at->times + i * time_size;

        memcpy(to, &seconds, time_size / 2);
        memcpy(to + time_size / 2, &rest, 4);
    }
    memcpy(bytes + at->ino, &stat->ino, 8);
    return guest_put(call, addr, bytes, at->size);
}

static beamr_status stat_path(const guest_call *call, const env_path *path, guest_errno e,
                              uint64_t out, beamr_value *results, beamr_error *err)
{
    guest_filestat stat;

    if (e == GUEST_ESUCCESS)
        e = guest_path_filestat(call->wasi, &path->place, &stat);
    if (e == GUEST_ESUCCESS)
        e = put_stat(call, out, &stat);
    return env_path_done(results, e, err);
}

static beamr_status stat_fd(const guest_call *call, uint32_t fd, uint64_t out,
                            beamr_value *results, beamr_error *err)
{
    guest_filestat stat;
    guest_errno e = guest_fd_filestat(call->wasi, fd, &stat);

    if (e == GUEST_ESUCCESS)
        e = put_stat(call, out, &stat);
    return env_done(results, e, err);
}

ENV_CALL(env_stat64)
{
    env_path path;

    return stat_path(call, &path, env_path_here(call, guest_pointer(&args[0]), true, &path),
                     guest_pointer(&args[1]), results, err);
}

ENV_CALL(env_lstat64)
{
    env_path path;

    return stat_path(call, &path, env_path_here(call, guest_pointer(&args[0]), false, &path),
                     guest_pointer(&args[1]), results, err);
}

ENV_CALL(env_fstat64)
{
    return stat_fd(call, guest_u32(&args[0]), guest_pointer(&args[1]), results, err);
}

/* With AT_EMPTY_PATH an empty path is the descriptor itself; the current directory is ".". */
static bool is_descriptor(const env_path *path, uint32_t flags)
{
    return (flags & AT_EMPTY) && path->place.path.len == 0 && path->place.fd != GUEST_CWD;
}

static void name_current(env_path *path, uint32_t flags)
{
    if ((flags & AT_EMPTY) && path->place.path.len == 0)
        path->place.path = beamr_bytes_of(".");
}

ENV_CALL(env_newfstatat)
{
    uint32_t flags = guest_u32(&args[3]);
    uint64_t out = guest_pointer(&args[2]);
    env_path path;
    guest_errno e =
        env_path_at(call, &args[0], guest_pointer(&args[1]), !(flags & AT_NO_FOLLOW), &path);

    if (e == GUEST_ESUCCESS && (flags & ~(uint32_t)(AT_NO_FOLLOW | AT_NO_MOUNT | AT_EMPTY)))
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS && is_descriptor(&path, flags))
        return stat_fd(call, guest_u32(&args[0]), out, results, err);
    if (e == GUEST_ESUCCESS)
        name_current(&path, flags);
    return stat_path(call, &path, e, out, results, err);
}

/* ---- statfs ---- */

static void put_field(uint8_t *bytes, size_t *at, uint64_t value, unsigned width)
{
    if (width == 4 && value > UINT32_MAX)
        value = UINT32_MAX;
    memcpy(bytes + *at, &value, width);
    *at += width;
}

/* The type, the block size, five counts, an id, name length, fragment size and flags. Counts
 * are 32 bits wide in modules of Emscripten before 4.0.13, which pass a smaller size. */
static guest_errno put_statfs(const guest_call *call, uint64_t addr, uint64_t size)
{
    const beamr_vfs *vfs = beamr_wasi_vfs(call->wasi);
    beamr_vfs_limits limits = beamr_vfs_limits_of(vfs);
    uint64_t used = beamr_vfs_bytes(vfs), nodes = beamr_vfs_nodes(vfs);
    uint64_t left = limits.max_bytes > used ? limits.max_bytes - used : 0;
    const uint64_t counts[5] = {limits.max_bytes / BLOCK_SIZE, left / BLOCK_SIZE,
                                left / BLOCK_SIZE, limits.max_nodes,
                                limits.max_nodes > nodes ? limits.max_nodes - nodes : 0};
    unsigned word = guest_word(call), width = size == (call->is64 ? 120 : 88) ? 8 : 4;
    uint8_t bytes[120] = {0};
    size_t at = 0;

    if (width == 4 && size != (call->is64 ? 104 : 64))
        return GUEST_EINVAL;
    put_field(bytes, &at, 0x01021994, word); /* a file system in memory */
    put_field(bytes, &at, BLOCK_SIZE, word);
    for (unsigned i = 0; i < 5; i++)
        put_field(bytes, &at, counts[i], width);
    at += 8; /* no id */
    at = (at + word - 1) & ~(size_t)(word - 1);
    put_field(bytes, &at, limits.max_name, word);
    put_field(bytes, &at, BLOCK_SIZE, word);
    return guest_put(call, addr, bytes, (size_t)size);
}

ENV_CALL(env_statfs64)
{
    env_path path;
    guest_filestat stat;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), true, &path);

    if (e == GUEST_ESUCCESS)
        e = guest_path_filestat(call->wasi, &path.place, &stat);
    if (e == GUEST_ESUCCESS)
        e = put_statfs(call, guest_pointer(&args[2]), guest_pointer(&args[1]));
    return env_path_done(results, e, err);
}

ENV_CALL(env_fstatfs64)
{
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, guest_u32(&args[0]), &stat);

    if (e == GUEST_ESUCCESS)
        e = put_statfs(call, guest_pointer(&args[2]), guest_pointer(&args[1]));
    return env_done(results, e, err);
}

/* ---- access ---- */

/* User 0 may read and write anything, and execute what has a bit for it. */
static beamr_status check_access(const guest_call *call, const env_path *path, guest_errno e,
                                 uint32_t mode, beamr_value *results, beamr_error *err)
{
    guest_filestat stat;

    if (e == GUEST_ESUCCESS && (mode & ~7u))
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS)
        e = guest_path_filestat(call->wasi, &path->place, &stat);
    if (e == GUEST_ESUCCESS && (mode & 1) && !(mode_of(stat.type) & 0111))
        e = GUEST_EACCES;
    return env_path_done(results, e, err);
}

ENV_CALL(env_faccessat)
{
    uint32_t flags = guest_u32(&args[3]);
    env_path path;
    guest_errno e =
        env_path_at(call, &args[0], guest_pointer(&args[1]), !(flags & AT_NO_FOLLOW), &path);

    if (e == GUEST_ESUCCESS &&
        (flags & ~(uint32_t)(AT_NO_FOLLOW | AT_EFFECTIVE_IDS | AT_EMPTY)))
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS && is_descriptor(&path, flags)) {
        guest_filestat stat;

        return env_done(results, guest_fd_filestat(call->wasi, guest_u32(&args[0]), &stat),
                        err);
    }
    if (e == GUEST_ESUCCESS)
        name_current(&path, flags);
    return check_access(call, &path, e, guest_u32(&args[2]), results, err);
}

ENV_CALL(env_access)
{
    env_path path;

    return check_access(call, &path, env_path_here(call, guest_pointer(&args[0]), true, &path),
                        guest_u32(&args[1]), results, err);
}

/* ---- What is not kept: modes and owners ---- */

static beamr_status exists(const guest_call *call, const env_path *path, guest_errno e,
                           beamr_value *results, beamr_error *err)
{
    guest_filestat stat;

    if (e == GUEST_ESUCCESS)
        e = guest_path_filestat(call->wasi, &path->place, &stat);
    return env_path_done(results, e, err);
}

/* chmod, chown: (path, ...) */
ENV_CALL(env_set_path)
{
    env_path path;

    return exists(call, &path, env_path_here(call, guest_pointer(&args[0]), true, &path),
                  results, err);
}

/* lchown: (path, ...) */
ENV_CALL(env_set_link)
{
    env_path path;

    return exists(call, &path, env_path_here(call, guest_pointer(&args[0]), false, &path),
                  results, err);
}

/* fchmod, fchown: (fd, ...) */
ENV_CALL(env_set_fd)
{
    guest_fdstat stat;

    return env_done(results, guest_fd_fdstat(call->wasi, guest_u32(&args[0]), &stat), err);
}

static beamr_status set_at(const guest_call *call, const beamr_value *args, uint32_t flags,
                           beamr_value *results, beamr_error *err)
{
    env_path path;
    guest_errno e =
        env_path_at(call, &args[0], guest_pointer(&args[1]), !(flags & AT_NO_FOLLOW), &path);

    if (e == GUEST_ESUCCESS && (flags & ~(uint32_t)(AT_NO_FOLLOW | AT_EMPTY)))
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS && is_descriptor(&path, flags)) {
        guest_fdstat stat;

        return env_done(results, guest_fd_fdstat(call->wasi, guest_u32(&args[0]), &stat), err);
    }
    if (e == GUEST_ESUCCESS)
        name_current(&path, flags);
    return exists(call, &path, e, results, err);
}

ENV_CALL(env_fchownat)
{
    return set_at(call, args, guest_u32(&args[4]), results, err);
}

ENV_CALL(env_fchmodat2)
{
    return set_at(call, args, guest_u32(&args[3]), results, err);
}

ENV_CALL(env_fchmodat)
{
    return set_at(call, args, 0, results, err); /* what follows is a pointer to arguments */
}

/* Files that are made get the same mode whatever this is. */
ENV_CALL(env_umask)
{
    (void)call, (void)args, (void)err;
    return env_value(results, 0022);
}

/* ---- Times ---- */

enum { TIME_NOW = 0x3fffffff, TIME_OMIT = 0x3ffffffe };

/* Times before 1970, and beyond what 64 bits of nanoseconds hold, become the nearest. */
static uint64_t to_ns(int64_t sec, int64_t ns)
{
    if (sec < 0)
        return 0;
    if ((uint64_t)sec >= UINT64_MAX / NANOSECONDS)
        return UINT64_MAX;
    return (uint64_t)sec * NANOSECONDS + (uint64_t)ns;
}

static guest_errno get_time(const guest_call *call, uint64_t addr, bool *set, bool *now,
                            uint64_t *time)
{
    int64_t sec, ns;
    guest_errno e = env_get_time(call, addr, false, &sec, &ns);

    if (e != GUEST_ESUCCESS)
        return e;
    *now = ns == TIME_NOW;
    if (*now || ns == TIME_OMIT)
        return GUEST_ESUCCESS;
    if (ns < 0 || ns >= NANOSECONDS)
        return GUEST_EINVAL;
    *set = true;
    *time = to_ns(sec, ns);
    return GUEST_ESUCCESS;
}

static guest_errno get_times(const guest_call *call, uint64_t addr, guest_times *out)
{
    guest_errno e;

    *out = (guest_times){.atim_now = addr == 0, .mtim_now = addr == 0};
    if (addr == 0)
        return GUEST_ESUCCESS;
    e = get_time(call, addr, &out->set_atim, &out->atim_now, &out->atim);
    if (e == GUEST_ESUCCESS)
        e = get_time(call, addr + env_time_size(call), &out->set_mtim, &out->mtim_now,
                     &out->mtim);
    return e;
}

/* Without a path, the descriptor's own times. */
ENV_CALL(env_utimensat)
{
    uint32_t flags = guest_u32(&args[3]);
    uint64_t addr = guest_pointer(&args[1]);
    guest_times times;
    env_path path;
    guest_errno e = get_times(call, guest_pointer(&args[2]), &times);

    if (e == GUEST_ESUCCESS && (flags & ~(uint32_t)(AT_NO_FOLLOW | AT_EMPTY)))
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS && addr == 0)
        return env_done(results, guest_fd_set_times(call->wasi, guest_u32(&args[0]), &times),
                        err);
    if (e == GUEST_ESUCCESS)
        e = env_path_at(call, &args[0], addr, !(flags & AT_NO_FOLLOW), &path);
    if (e == GUEST_ESUCCESS && is_descriptor(&path, flags))
        return env_done(results, guest_fd_set_times(call->wasi, guest_u32(&args[0]), &times),
                        err);
    if (e == GUEST_ESUCCESS) {
        name_current(&path, flags);
        e = guest_path_set_times(call->wasi, &path.place, &times);
    }
    return env_path_done(results, e, err);
}

/* (path, two times in microseconds): as C's function, which the oldest modules import */
ENV_CALL(env_utimes)
{
    uint64_t at = guest_pointer(&args[1]);
    guest_times times = {.atim_now = at == 0, .mtim_now = at == 0};
    int64_t sec[2] = {0}, us[2] = {0};
    env_path path;
    guest_errno e = env_path_here(call, guest_pointer(&args[0]), true, &path);

    for (unsigned i = 0; i < 2 && at && e == GUEST_ESUCCESS; i++)
        e = env_get_time(call, at + i * env_time_size(call), true, &sec[i], &us[i]);
    if (at) {
        times.set_atim = times.set_mtim = true;
        times.atim = to_ns(sec[0], us[0] * 1000);
        times.mtim = to_ns(sec[1], us[1] * 1000);
    }
    if (e == GUEST_ESUCCESS && (us[0] < 0 || us[0] > 999999 || us[1] < 0 || us[1] > 999999))
        e = GUEST_EINVAL;
    if (e == GUEST_ESUCCESS)
        e = guest_path_set_times(call->wasi, &path.place, &times);
    (void)err;
    return env_value(results, e == GUEST_ESUCCESS ? 0 : -1);
}
