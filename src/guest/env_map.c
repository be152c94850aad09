/* Mapping files: a copy of the file's bytes in memory that the guest's own allocator gives,
 * written back when the mapping is shared and writable. The guest's library keeps the list of
 * mappings, frees the memory, and maps what is anonymous by itself.
 *
 * The functions have had several types: see the rows. Their arguments are taken apart first.
 * Source: Linux, mmap(2), msync(2). */
#include "guest/env_calls.h"

enum { PROT_WRITES = 2, MAP_SHARES = 1, MAP_IS_PRIVATE = 2, MAP_ALIGN = 65536 };

typedef struct mapping {
    uint64_t addr, len, offset;
    uint32_t prot, flags, fd;
} mapping;

static bool is_64bit_offset(uint64_t offset)
{
    return offset <= INT64_MAX;
}

/* Allocate as the library does itself: on a boundary, if its allocator can. */
static beamr_status allocate(const guest_call *call, uint64_t len, uint64_t *out,
                             beamr_error *err)
{
    static const char *const names[] = {"emscripten_builtin_memalign", "memalign"};
    beamr_value args[2] = {guest_pointer_value(call, MAP_ALIGN),
                           guest_pointer_value(call, len)};
    beamr_status st = env_charge_looks(call, 2, err);

    *out = 0;
    if (st != BEAMR_OK)
        return st;
    for (size_t i = 0; i < 2; i++) {
        beamr_func *f = call->caller ? beamr_instance_find_func(call->caller, names[i]) : NULL;
        beamr_functype type = f ? beamr_func_type(f) : (beamr_functype){0};
        beamr_value result;

        if (!f || !guest_type_fits(&type, "PP:P", call->is64))
            continue;
        if ((st = beamr_func_call(f, args, 2, &result, 1, err)) == BEAMR_OK)
            *out = guest_pointer(&result);
        return st;
    }
    return env_allocate(call, len, out, err);
}

/* Read or write `len` bytes between the file and memory, a piece at a time.
 *   *moved  what was read or written before the file's end or a failure */
static guest_errno transfer(const guest_call *call, const mapping *m, bool writes, uint64_t len,
                            beamr_status *st, beamr_error *err)
{
    uint8_t *data;
    guest_errno e = guest_bytes_at(call, m->addr, len, &data);

    for (uint64_t at = 0; at < len && e == GUEST_ESUCCESS;) {
        uint64_t piece = len - at < ENV_WORK_STEP ? len - at : ENV_WORK_STEP, moved = 0;
        uint64_t offset = m->offset + at;
        guest_iovec iov = {data + at, (size_t)piece};

        if ((*st = beamr_store_work(call->store, piece, err)) != BEAMR_OK)
            return GUEST_EABORT;
        e = writes ? guest_fd_write(call->wasi, m->fd, &iov, 1, &offset, &moved, err)
                   : guest_fd_read(call->wasi, m->fd, &iov, 1, &offset, &moved, err);
        if (e == GUEST_EABORT)
            *st = err->status;
        if (moved == 0)
            break;
        at += moved;
    }
    return e;
}

/* Errors that need no memory.  Source: mmap(2), ERRORS. */
static guest_errno check_map(const guest_call *call, const mapping *m)
{
    guest_fdstat stat;
    guest_errno e = guest_fd_fdstat(call->wasi, m->fd, &stat);

    if (e != GUEST_ESUCCESS)
        return e;
    if (m->len == 0 || !is_64bit_offset(m->offset) || m->offset > INT64_MAX - m->len)
        return m->len ? GUEST_EOVERFLOW : GUEST_EINVAL;
    if (stat.type != GUEST_FILETYPE_REGULAR_FILE)
        return GUEST_ENODEV;
    if (!(stat.rights & GUEST_RIGHT_FD_READ))
        return GUEST_EACCES;
    if ((m->prot & PROT_WRITES) && !(m->flags & MAP_IS_PRIVATE) &&
        !(stat.rights & GUEST_RIGHT_FD_WRITE))
        return GUEST_EACCES;
    return GUEST_ESUCCESS;
}

/* m->addr becomes where the mapping is. */
static guest_errno map(const guest_call *call, mapping *m, beamr_status *st, beamr_error *err)
{
    guest_errno e = check_map(call, m);
    uint8_t *data;

    if (e != GUEST_ESUCCESS)
        return e;
    if (!call->is64 && m->len > UINT32_MAX)
        return GUEST_ENOMEM;
    if ((*st = allocate(call, m->len, &m->addr, err)) != BEAMR_OK)
        return GUEST_EABORT;
    if (m->addr == 0)
        return GUEST_ENOMEM;
    if ((e = guest_bytes_at(call, m->addr, m->len, &data)) != GUEST_ESUCCESS)
        return e;
    if ((*st = env_fill(call, data, 0, m->len, err)) != BEAMR_OK) /* behind the file's end */
        return GUEST_EABORT;
    return transfer(call, m, false, m->len, st, err);
}

/* Where an i32 result is an address, one in the upper half of a 32-bit memory looks like an
 * error to the library; it is the library that decides. */
static beamr_status map_result(guest_errno e, beamr_status st, const mapping *m, bool address,
                               beamr_value *results)
{
    if (st != BEAMR_OK)
        return st;
    if (e != GUEST_ESUCCESS)
        return env_value(results, -(int64_t)e);
    return env_value(results, address ? (int64_t)m->addr : 0);
}

/* (len, prot, flags, fd, offset, allocated, addr), or, from old modules, with an address that
 * is wanted in front and none behind. */
ENV_CALL(env_mmap)
{
    bool old = call->dialect == GUEST_ENV_OLD;
    const beamr_value *a = args + old;
    size_t at = 4;
    uint32_t allocated = 1;
    beamr_status st = BEAMR_OK;
    mapping m = {.len = guest_pointer(&a[0]),
                 .prot = guest_u32(&a[1]),
                 .flags = guest_u32(&a[2]),
                 .fd = guest_u32(&a[3])};
    guest_errno e;

    m.offset = guest_pointer(&a[at++]);
    e = map(call, &m, &st, err);
    if (st == BEAMR_OK && e == GUEST_ESUCCESS)
        e = guest_put_u32(call, guest_pointer(&a[at++]), allocated);
    if (st == BEAMR_OK && e == GUEST_ESUCCESS && !old)
        e = guest_put_word(call, guest_pointer(&a[at]), m.addr);
    return map_result(e, st, &m, old, results);
}

/* The same with the offset as the halves of an i64. */
ENV_CALL(env_mmap_halves)
{
    size_t at = 4;
    beamr_status st = BEAMR_OK;
    mapping m = {.len = guest_pointer(&args[0]),
                 .prot = guest_u32(&args[1]),
                 .flags = guest_u32(&args[2]),
                 .fd = guest_u32(&args[3])};
    guest_errno e;

    m.offset = env_wide(args, &at);
    e = map(call, &m, &st, err);
    if (st == BEAMR_OK && e == GUEST_ESUCCESS)
        e = guest_put_u32(call, guest_pointer(&args[at]), 1);
    if (st == BEAMR_OK && e == GUEST_ESUCCESS)
        e = guest_put_word(call, guest_pointer(&args[at + 1]), m.addr);
    return map_result(e, st, &m, false, results);
}

/* (len, prot, flags, fd, offset, allocated): the result is the address. */
ENV_CALL(env_mmap_address)
{
    beamr_status st = BEAMR_OK;
    mapping m = {.len = guest_pointer(&args[0]),
                 .prot = guest_u32(&args[1]),
                 .flags = guest_u32(&args[2]),
                 .fd = guest_u32(&args[3]),
                 .offset = guest_pointer(&args[4])};
    guest_errno e = map(call, &m, &st, err);

    if (st == BEAMR_OK && e == GUEST_ESUCCESS)
        e = guest_put_u32(call, guest_pointer(&args[5]), 1);
    return map_result(e, st, &m, true, results);
}

/* ---- Writing back ---- */

/* What lies behind the file's end is not written: a mapping does not make a file longer. */
static guest_errno write_back(const guest_call *call, const mapping *m, beamr_status *st,
                              beamr_error *err)
{
    guest_filestat stat;
    uint64_t len = m->len;
    guest_errno e = guest_fd_filestat(call->wasi, m->fd, &stat);

    if (e != GUEST_ESUCCESS)
        return e;
    if (stat.type != GUEST_FILETYPE_REGULAR_FILE)
        return GUEST_ENODEV;
    if (m->flags & MAP_IS_PRIVATE)
        return GUEST_ESUCCESS;
    if (stat.size <= m->offset)
        return GUEST_ESUCCESS;
    if (len > stat.size - m->offset)
        len = stat.size - m->offset;
    return transfer(call, m, true, len, st, err);
}

static mapping mapping_of(const beamr_value *args)
{
    size_t at = 5;
    mapping m = {.addr = guest_pointer(&args[0]),
                 .len = guest_pointer(&args[1]),
                 .prot = guest_u32(&args[2]),
                 .flags = guest_u32(&args[3]),
                 .fd = guest_u32(&args[4])};

    m.offset = env_wide(args, &at);
    return m;
}

/* With 32-bit memory the offset was a pointer's width once. */
static mapping mapping_of_short(const beamr_value *args)
{
    return (mapping){.addr = guest_pointer(&args[0]),
                     .len = guest_pointer(&args[1]),
                     .prot = guest_u32(&args[2]),
                     .flags = guest_u32(&args[3]),
                     .fd = guest_u32(&args[4]),
                     .offset = guest_pointer(&args[5])};
}

static beamr_status unmap(const guest_call *call, const mapping *m, beamr_value *results,
                          beamr_error *err)
{
    beamr_status st = BEAMR_OK;
    guest_errno e = GUEST_ESUCCESS;

    if (m->prot & PROT_WRITES)
        e = write_back(call, m, &st, err);
    return st == BEAMR_OK ? env_done(results, e, err) : st;
}

static beamr_status sync_map(const guest_call *call, const mapping *m, beamr_value *results,
                             beamr_error *err)
{
    beamr_status st = BEAMR_OK;
    guest_errno e = write_back(call, m, &st, err);

    return st == BEAMR_OK ? env_done(results, e, err) : st;
}

ENV_CALL(env_munmap)
{
    mapping m = mapping_of(args);

    return unmap(call, &m, results, err);
}

ENV_CALL(env_munmap_short)
{
    mapping m = mapping_of_short(args);

    return unmap(call, &m, results, err);
}

ENV_CALL(env_msync)
{
    mapping m = mapping_of(args);

    return sync_map(call, &m, results, err);
}

ENV_CALL(env_msync_short)
{
    mapping m = mapping_of_short(args);

    return sync_map(call, &m, results, err);
}

/* (addr, len, flags, fd): the mapping began at the file's beginning. */
ENV_CALL(env_msync_old)
{
    mapping m = {.addr = guest_pointer(&args[0]),
                 .len = guest_pointer(&args[1]),
                 .prot = PROT_WRITES,
                 .flags = guest_u32(&args[2]),
                 .fd = guest_u32(&args[3])};

    return sync_map(call, &m, results, err);
}
