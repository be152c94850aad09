/* WASI's functions on paths. A path is copied out of guest memory before it is looked at: what
 * is resolved is what was judged. How paths are resolved: walk.c.
 * Source: WASI preview 1, "path_*", "lookupflags", "oflags", "fdflags". */
#include "base/utf8.h"
#include "guest/wasi.h"

enum { LOOKUP_FOLLOW = 1 };

typedef struct path {
    uint8_t text[GUEST_PATH_MAX];
} path;

/* Copy a path from where args[0] and args[1] say.
 *   out  borrows from `copy`
 * Errors: EFAULT, ENAMETOOLONG, EILSEQ, EINVAL (a NUL). */
static guest_errno path_get(const guest_call *call, const beamr_value *args, path *copy,
                            beamr_bytes *out)
{
    uint64_t len = guest_pointer(&args[1]);
    uint8_t *data;
    guest_errno e = guest_bytes_at(call, guest_pointer(&args[0]), len, &data);

    if (e != GUEST_ESUCCESS)
        return e;
    if (len > sizeof copy->text)
        return GUEST_ENAMETOOLONG;
    *out = (beamr_bytes){copy->text, (size_t)len};
    if (len == 0)
        return GUEST_ESUCCESS;
    memcpy(copy->text, data, out->len);
    if (memchr(copy->text, 0, out->len))
        return GUEST_EINVAL;
    return utf8_is_valid(*out) ? GUEST_ESUCCESS : GUEST_EILSEQ;
}

/* A place whose last link is not followed: descriptor, path and length. */
static guest_errno place_get(const guest_call *call, const beamr_value *fd,
                             const beamr_value *args, path *copy, guest_place *out)
{
    *out = (guest_place){.fd = guest_u32(fd)};
    return path_get(call, args, copy, &out->path);
}

/* A place with its flags: descriptor, flags, path and length. */
static guest_errno lookup_get(const guest_call *call, const beamr_value *args, path *copy,
                              guest_place *out)
{
    uint32_t flags = guest_u32(&args[1]);

    if (flags & ~(uint32_t)LOOKUP_FOLLOW)
        return GUEST_EINVAL;
    *out = (guest_place){.fd = guest_u32(&args[0]), .follow = flags & LOOKUP_FOLLOW};
    return path_get(call, &args[2], copy, &out->path);
}

/* ---- One path ---- */

typedef guest_errno (*path_function)(beamr_wasi *w, const guest_place *at);

static guest_errno at_place(const guest_call *call, const beamr_value *args,
                            path_function function)
{
    path copy;
    guest_place at;
    guest_errno e = place_get(call, &args[0], &args[1], &copy, &at);

    return e == GUEST_ESUCCESS ? function(call->wasi, &at) : e;
}

guest_errno wasi_path_create_directory(const guest_call *call, const beamr_value *args,
                                       beamr_error *err)
{
    (void)err;
    return at_place(call, args, guest_path_mkdir);
}

guest_errno wasi_path_remove_directory(const guest_call *call, const beamr_value *args,
                                       beamr_error *err)
{
    (void)err;
    return at_place(call, args, guest_path_rmdir);
}

guest_errno wasi_path_unlink_file(const guest_call *call, const beamr_value *args,
                                  beamr_error *err)
{
    (void)err;
    return at_place(call, args, guest_path_unlink);
}

static guest_errno filestat_get(const guest_call *call, const beamr_value *args, size_t size,
                                guest_filestat *stat)
{
    path copy;
    guest_place at;
    guest_errno e;

    if ((e = wasi_room(call, guest_pointer(&args[4]), size)) != GUEST_ESUCCESS ||
        (e = lookup_get(call, args, &copy, &at)) != GUEST_ESUCCESS)
        return e;
    return guest_path_filestat(call->wasi, &at, stat);
}

guest_errno wasi_path_filestat_get(const guest_call *call, const beamr_value *args,
                                   beamr_error *err)
{
    guest_filestat stat;
    guest_errno e = filestat_get(call, args, WASI_FILESTAT_SIZE, &stat);

    (void)err;
    return e == GUEST_ESUCCESS ? wasi_put_filestat(call, guest_pointer(&args[4]), &stat) : e;
}

guest_errno wasi_unstable_path_filestat_get(const guest_call *call, const beamr_value *args,
                                            beamr_error *err)
{
    guest_filestat stat;
    guest_errno e = filestat_get(call, args, WASI_UNSTABLE_FILESTAT_SIZE, &stat);

    (void)err;
    return e == GUEST_ESUCCESS
               ? wasi_unstable_put_filestat(call, guest_pointer(&args[4]), &stat)
               : e;
}

guest_errno wasi_path_filestat_set_times(const guest_call *call, const beamr_value *args,
                                         beamr_error *err)
{
    path copy;
    guest_place at;
    guest_times times;
    guest_errno e;

    (void)err;
    if ((e = wasi_times(guest_u32(&args[6]), guest_u64(&args[4]), guest_u64(&args[5]),
                        &times)) != GUEST_ESUCCESS ||
        (e = lookup_get(call, args, &copy, &at)) != GUEST_ESUCCESS)
        return e;
    return guest_path_set_times(call->wasi, &at, &times);
}

guest_errno wasi_path_open(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    uint32_t oflags = guest_u32(&args[4]), fdflags = guest_u32(&args[7]), fd;
    guest_open_options options = {
        .oflags = (uint16_t)oflags,
        .fdflags = (uint16_t)fdflags,
        .rights = guest_u64(&args[5]),
        .inheriting = guest_u64(&args[6]),
    };
    uint64_t out = guest_pointer(&args[8]);
    path copy;
    guest_place at;
    guest_errno e;

    (void)err;
    if (oflags & ~(uint32_t)GUEST_OFLAGS_ALL || fdflags & ~(uint32_t)GUEST_FDFLAGS_ALL)
        return GUEST_EINVAL;
    if ((e = wasi_room(call, out, sizeof fd)) != GUEST_ESUCCESS ||
        (e = lookup_get(call, args, &copy, &at)) != GUEST_ESUCCESS ||
        (e = guest_path_open(call->wasi, &at, &options, &fd)) != GUEST_ESUCCESS)
        return e;
    return guest_put_u32(call, out, fd);
}

/* ---- Links, and two paths ---- */

/* As much of the target as fits, without a NUL. */
guest_errno wasi_path_readlink(const guest_call *call, const beamr_value *args,
                               beamr_error *err)
{
    uint64_t len = guest_pointer(&args[4]), out = guest_pointer(&args[5]);
    path copy;
    guest_place at;
    uint8_t *buf;
    size_t used;
    guest_errno e;

    (void)err;
    if ((e = guest_bytes_at(call, guest_pointer(&args[3]), len, &buf)) != GUEST_ESUCCESS ||
        (e = wasi_room(call, out, guest_word(call))) != GUEST_ESUCCESS ||
        (e = place_get(call, &args[0], &args[1], &copy, &at)) != GUEST_ESUCCESS ||
        (e = guest_path_readlink(call->wasi, &at, buf, (size_t)len, &used)) != GUEST_ESUCCESS)
        return e;
    return guest_put_word(call, out, used);
}

guest_errno wasi_path_symlink(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    path target_copy, copy;
    beamr_bytes target;
    guest_place at;
    guest_errno e;

    (void)err;
    if ((e = path_get(call, &args[0], &target_copy, &target)) != GUEST_ESUCCESS ||
        (e = place_get(call, &args[2], &args[3], &copy, &at)) != GUEST_ESUCCESS)
        return e;
    return guest_path_symlink(call->wasi, target, &at);
}

guest_errno wasi_path_link(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    path from_copy, to_copy;
    guest_place from, to;
    guest_errno e;

    (void)err;
    if ((e = lookup_get(call, &args[0], &from_copy, &from)) != GUEST_ESUCCESS ||
        (e = place_get(call, &args[4], &args[5], &to_copy, &to)) != GUEST_ESUCCESS)
        return e;
    return guest_path_link(call->wasi, &from, &to);
}

guest_errno wasi_path_rename(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    path from_copy, to_copy;
    guest_place from, to;
    guest_errno e;

    (void)err;
    if ((e = place_get(call, &args[0], &args[1], &from_copy, &from)) != GUEST_ESUCCESS ||
        (e = place_get(call, &args[3], &args[4], &to_copy, &to)) != GUEST_ESUCCESS)
        return e;
    return guest_path_rename(call->wasi, &from, &to);
}
