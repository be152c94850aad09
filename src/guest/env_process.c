/* System calls about the process and the machine. There is one process, of user 0, and what it
 * is told is the same everywhere.
 * Source: Linux, getpid(2), uname(2), getrlimit(2), sysinfo(2), getrandom(2). */
#include "guest/env_calls.h"

enum { PROCESS = 42, PARENT = 1, OPEN_FILES = 1024 };

/* ---- Ids ---- */

ENV_CALL(env_getpid) /* and of the group and session */
{
    (void)call, (void)args, (void)err;
    return env_value(results, PROCESS);
}

ENV_CALL(env_getppid)
{
    (void)call, (void)args, (void)err;
    return env_value(results, PARENT);
}

/* Ids of users and groups, and whatever else succeeds without doing anything. */
ENV_CALL(env_zero)
{
    (void)call, (void)args, (void)err;
    return env_value(results, 0);
}

/* (pid): its group or session */
ENV_CALL(env_getpgid)
{
    uint32_t pid = guest_u32(&args[0]);

    (void)call, (void)err;
    return env_value(results, pid == 0 || pid == PROCESS ? PROCESS : -GUEST_ESRCH);
}

/* Setting ids: to what they are. */
ENV_CALL(env_set_id)
{
    uint32_t id = guest_u32(&args[0]);

    (void)call, (void)err;
    return env_value(results, id == 0 || id == UINT32_MAX ? 0 : -GUEST_EPERM);
}

ENV_CALL(env_set_ids)
{
    uint32_t a = guest_u32(&args[0]), b = guest_u32(&args[1]);
    bool same = (a == 0 || a == UINT32_MAX) && (b == 0 || b == UINT32_MAX);

    (void)call, (void)err;
    return env_value(results, same ? 0 : -GUEST_EPERM);
}

/* Three addresses of ids. */
ENV_CALL(env_get_ids)
{
    guest_errno e = GUEST_ESUCCESS;

    for (int i = 0; i < 3 && e == GUEST_ESUCCESS; i++)
        e = guest_put_u32(call, guest_pointer(&args[i]), 0);
    return env_done(results, e, err);
}

/* (count, list): one group, 0 */
ENV_CALL(env_getgroups)
{
    guest_errno e = GUEST_ESUCCESS;

    if ((int32_t)guest_u32(&args[0]) < 0)
        e = GUEST_EINVAL;
    else if (guest_u32(&args[0]) > 0)
        e = guest_put_u32(call, guest_pointer(&args[1]), 0);
    return e == GUEST_ESUCCESS ? env_value(results, 1) : env_done(results, e, err);
}

/* ---- What is not there ---- */

ENV_CALL(env_enosys)
{
    (void)call, (void)args, (void)err;
    return env_value(results, -GUEST_ENOSYS);
}

ENV_CALL(env_eperm)
{
    (void)call, (void)args, (void)err;
    return env_value(results, -GUEST_EPERM);
}

ENV_CALL(env_enomem)
{
    (void)call, (void)args, (void)err;
    return env_value(results, -GUEST_ENOMEM);
}

ENV_CALL(env_wait4)
{
    (void)call, (void)args, (void)err;
    return env_value(results, -GUEST_ECHILD);
}

/* ---- The machine ---- */

/* struct utsname: six texts of 65 bytes. */
ENV_CALL(env_uname)
{
    enum { FIELD = 65, FIELDS = 6 };
    const char *texts[FIELDS] = {
        "Emscripten", "emscripten", "1.0", "#1", call->is64 ? "wasm64" : "wasm32", ""};
    char bytes[FIELD * FIELDS] = {0};

    for (size_t i = 0; i < FIELDS; i++)
        memcpy(bytes + i * FIELD, texts[i], strlen(texts[i]));
    return env_done(results, guest_put(call, guest_pointer(&args[0]), bytes, sizeof bytes),
                    err);
}

enum { RESOURCE_OPEN_FILES = 7, RESOURCES = 16 };

static uint64_t limit_of(uint32_t resource)
{
    return resource == RESOURCE_OPEN_FILES ? OPEN_FILES : UINT64_MAX;
}

/* (pid, resource, new, old): two u64 each */
ENV_CALL(env_prlimit64)
{
    uint32_t pid = guest_u32(&args[0]), resource = guest_u32(&args[1]);
    uint64_t to = guest_pointer(&args[3]);
    uint64_t limits[2] = {limit_of(resource), limit_of(resource)};
    guest_errno e = GUEST_ESUCCESS;

    if (pid != 0 && pid != PROCESS)
        e = GUEST_ESRCH;
    else if (resource >= RESOURCES)
        e = GUEST_EINVAL;
    else if (guest_pointer(&args[2]) != 0)
        e = GUEST_EPERM;
    else if (to)
        e = guest_put(call, to, limits, sizeof limits);
    return env_done(results, e, err);
}

/* (resource, limits): two words */
ENV_CALL(env_getrlimit)
{
    uint32_t resource = guest_u32(&args[0]);
    uint64_t limit = limit_of(resource), to = guest_pointer(&args[1]);
    guest_errno e = GUEST_EINVAL;

    if (!call->is64 && limit > UINT32_MAX)
        limit = UINT32_MAX;
    if (resource < RESOURCES)
        e = guest_put_word(call, to, limit);
    if (e == GUEST_ESUCCESS)
        e = guest_put_word(call, to + guest_word(call), limit);
    return env_done(results, e, err);
}

/* ---- Random numbers, the program's name, signals, dynamic linking ---- */

/* Fill memory with random bytes, a piece at a time. */
static guest_errno fill(const guest_call *call, uint64_t addr, uint64_t len, beamr_error *err)
{
    uint8_t *data;
    guest_errno e = guest_bytes_at(call, addr, len, &data);

    for (uint64_t at = 0; at < len && e == GUEST_ESUCCESS;) {
        uint64_t piece = len - at < ENV_WORK_STEP ? len - at : ENV_WORK_STEP;

        if (beamr_store_work(call->store, piece * GUEST_RANDOM_WORK, err) != BEAMR_OK)
            return GUEST_EABORT;
        e = guest_random(call->wasi, data + at, (size_t)piece, err);
        at += piece;
    }
    return e;
}

/* (buffer, length); -1 where it fails, as C's function */
ENV_CALL(env_getentropy)
{
    guest_errno e = fill(call, guest_pointer(&args[0]), guest_pointer(&args[1]), err);

    if (e == GUEST_EABORT)
        return err->status;
    return env_value(results, e == GUEST_ESUCCESS ? 0 : -1);
}

/* (buffer, length, flags): the length */
ENV_CALL(env_getrandom)
{
    uint64_t len = guest_pointer(&args[1]);
    guest_errno e;

    if (len > INT32_MAX)
        len = INT32_MAX;
    e = fill(call, guest_pointer(&args[0]), len, err);
    return e == GUEST_ESUCCESS ? env_value(results, (int64_t)len) : env_done(results, e, err);
}

ENV_CALL(env_random) /* at least 0, less than 1 */
{
    uint32_t bits = 0;

    (void)args;
    if (guest_random(call->wasi, &bits, sizeof bits, err) == GUEST_EABORT)
        return err->status;
    results[0] = beamr_f32((float)(bits >> 8) / (float)(1 << 24));
    return BEAMR_OK;
}

/* What AssemblyScript's Math.random begins with: any number but a NaN. */
ENV_CALL(env_seed)
{
    uint64_t bits = 0;

    (void)args;
    if (guest_random(call->wasi, &bits, sizeof bits, err) == GUEST_EABORT)
        return err->status;
    results[0] = beamr_f64((double)(bits >> 11));
    return BEAMR_OK;
}

/* (buffer, size): the first argument, cut to fit */
ENV_CALL(env_progname)
{
    beamr_bytes name =
        guest_arg_count(call->wasi) ? guest_arg(call->wasi, 0) : beamr_bytes_of("program");
    uint64_t size = guest_u32(&args[1]), to = guest_pointer(&args[0]);
    size_t len = name.len;

    (void)results, (void)err;
    if (size == 0 || size > INT32_MAX)
        return BEAMR_OK;
    if (len > size - 1)
        len = (size_t)size - 1;
    if (guest_put(call, to, name.data, len) == GUEST_ESUCCESS)
        (void)guest_put(call, to + len, "", 1);
    return BEAMR_OK;
}

/* (handler, signal): the handler is called as a function of the guest's */
ENV_CALL(env_call_sighandler)
{
    beamr_value signal = args[1];
    beamr_extern table;
    beamr_status st = env_charge_looks(call, 1, err);

    (void)results;
    if (st != BEAMR_OK)
        return st;
    if (!call->caller ||
        !beamr_instance_find(call->caller, beamr_bytes_of("__indirect_function_table"),
                             &table) ||
        table.kind != BEAMR_EXTERN_TABLE)
        return beamr_fail_trap(err, BEAMR_TRAP_HOST,
                               "a signal's handler is called, and the module does not export "
                               "__indirect_function_table");
    return beamr_table_call(table.of.table, guest_pointer(&args[0]), &signal, 1, NULL, 0, err);
}

ENV_CALL(env_null) /* no library can be opened, no symbol found */
{
    (void)args, (void)err;
    results[0] = guest_pointer_value(call, 0);
    return BEAMR_OK;
}

/* A command of the host's: there are none. */
ENV_CALL(env_emscripten_system)
{
    (void)call, (void)err;
    return env_value(results, guest_pointer(&args[0]) ? -GUEST_ENOSYS : 0);
}

ENV_CALL(env_system) /* as C's function */
{
    (void)call, (void)err;
    return env_value(results, guest_pointer(&args[0]) ? -1 : 0);
}

/* ---- Archives that a process of AO may be given: there are none ---- */

ENV_CALL(env_minus_one)
{
    (void)call, (void)args, (void)err;
    return env_value(results, -1);
}
