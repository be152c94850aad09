/* Arguments and results of env's functions; and calls back into the guest that made the call.
 */
#include "guest/env_calls.h"

/* ---- Results ---- */

beamr_status env_value(beamr_value *results, int64_t value)
{
    results[0] = results[0].kind == BEAMR_I64 ? beamr_i64(value) : beamr_i32((int32_t)value);
    return BEAMR_OK;
}

static beamr_status done(beamr_value *results, guest_errno e, guest_errno no_right,
                         beamr_error *err)
{
    if (e == GUEST_ENOMEM)
        return guest_fail_memory(err);
    if (e == GUEST_EABORT)
        return err->status;
    if (e == GUEST_ENOTCAPABLE)
        e = no_right;
    return env_value(results, -(int64_t)e);
}

beamr_status env_done(beamr_value *results, guest_errno e, beamr_error *err)
{
    return done(results, e, GUEST_EBADF, err);
}

beamr_status env_path_done(beamr_value *results, guest_errno e, beamr_error *err)
{
    return done(results, e, GUEST_EACCES, err);
}

/* ---- Arguments ---- */

guest_errno env_string_len(const guest_call *call, uint64_t addr, uint64_t *len,
                           beamr_error *err)
{
    uint64_t size = call->memory ? beamr_memory_size(call->memory) : 0;

    for (uint64_t at = addr; at < size;) {
        uint64_t piece = size - at < ENV_WORK_STEP ? size - at : ENV_WORK_STEP;
        const uint8_t *begin = beamr_memory_data(call->memory) + at;
        const uint8_t *end = memchr(begin, 0, (size_t)piece);

        if (end) {
            *len = at + (uint64_t)(end - begin) - addr;
            return GUEST_ESUCCESS;
        }
        if (beamr_store_work(call->store, piece, err) != BEAMR_OK)
            return GUEST_EABORT;
        at += piece;
    }
    return GUEST_EFAULT;
}

guest_errno env_string(const guest_call *call, uint64_t addr, char text[GUEST_PATH_MAX],
                       size_t *len)
{
    uint64_t size = call->memory ? beamr_memory_size(call->memory) : 0;
    size_t room = GUEST_PATH_MAX;
    const uint8_t *begin, *end;

    if (addr >= size)
        return GUEST_EFAULT;
    if (room > size - addr)
        room = (size_t)(size - addr);
    begin = beamr_memory_data(call->memory) + addr;
    end = memchr(begin, 0, room);
    if (!end)
        return room < GUEST_PATH_MAX ? GUEST_EFAULT : GUEST_ENAMETOOLONG;
    *len = (size_t)(end - begin);
    memcpy(text, begin, *len + 1);
    return GUEST_ESUCCESS;
}

static guest_errno path_from(const guest_call *call, int64_t fd, uint64_t addr, bool follow,
                             env_path *out)
{
    size_t len;
    guest_errno e = env_string(call, addr, out->text, &len);

    if (e == GUEST_ESUCCESS)
        out->place = (guest_place){.fd = fd,
                                   .path = {(const uint8_t *)out->text, len},
                                   .is_posix = true,
                                   .follow = follow};
    return e;
}

guest_errno env_path_at(const guest_call *call, const beamr_value *dirfd, uint64_t addr,
                        bool follow, env_path *out)
{
    int32_t fd = (int32_t)guest_u32(dirfd);

    /* Other negative numbers are descriptors that are not open, which an absolute path allows.
     */
    return path_from(call, fd == GUEST_CWD ? GUEST_CWD : (int64_t)(uint32_t)fd, addr, follow,
                     out);
}

guest_errno env_path_here(const guest_call *call, uint64_t addr, bool follow, env_path *out)
{
    return path_from(call, GUEST_CWD, addr, follow, out);
}

uint64_t env_wide(const beamr_value *args, size_t *at)
{
    size_t i = (*at)++;

    if (args[i].kind == BEAMR_I64)
        return guest_u64(&args[i]);
    (*at)++;
    return guest_u32(&args[i]) | (uint64_t)guest_u32(&args[i + 1]) << 32;
}

/* ---- The guest's own functions ---- */

beamr_status env_charge_looks(const guest_call *call, unsigned looks, beamr_error *err)
{
    enum { FREE = 1024, BYTES_OF_ONE = 64 };
    size_t exports =
        call->caller ? beamr_module_export_count(beamr_instance_module(call->caller)) : 0;

    return exports > FREE
               ? beamr_store_work(call->store, (uint64_t)exports * BYTES_OF_ONE * looks, err)
               : BEAMR_OK;
}

/* A function that the caller exports with `arg_count` parameters and at most one result. */
static beamr_func *find_export(const guest_call *call, const char *name, size_t arg_count)
{
    beamr_func *f = call->caller ? beamr_instance_find_func(call->caller, name) : NULL;
    beamr_functype type;

    if (!f)
        return NULL;
    type = beamr_func_type(f);
    return type.param_count == arg_count && type.result_count <= 1 ? f : NULL;
}

beamr_status env_call_export(const guest_call *call, const char *name, const beamr_value *args,
                             size_t arg_count, beamr_error *err)
{
    beamr_func *f;
    beamr_functype type;
    beamr_value result;
    beamr_status st = env_charge_looks(call, 1, err);

    if (st != BEAMR_OK || !(f = find_export(call, name, arg_count)))
        return st;
    type = beamr_func_type(f);
    for (size_t i = 0; i < arg_count; i++)
        if (beamr_valtype_kind(type.params[i]) != args[i].kind)
            return BEAMR_OK;
    return beamr_func_call(f, args, arg_count, &result, type.result_count, err);
}

beamr_status env_allocate(const guest_call *call, uint64_t len, uint64_t *out, beamr_error *err)
{
    static const char *const names[] = {"malloc", "emscripten_builtin_malloc"};
    beamr_value size = guest_pointer_value(call, len), result;
    beamr_status st = env_charge_looks(call, 2, err);

    *out = 0;
    if (st != BEAMR_OK)
        return st;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        beamr_func *f = find_export(call, names[i], 1);
        beamr_functype type;

        if (!f)
            continue;
        type = beamr_func_type(f);
        if (type.result_count != 1 || beamr_valtype_kind(type.params[0]) != size.kind ||
            beamr_valtype_kind(type.results[0]) != size.kind)
            continue;
        if ((st = beamr_func_call(f, &size, 1, &result, 1, err)) == BEAMR_OK)
            *out = guest_pointer(&result);
        return st;
    }
    return BEAMR_OK;
}
