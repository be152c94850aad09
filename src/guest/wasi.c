/* WASI preview 1 and its forerunner as imports: the two tables of functions, and linking them.
 * What the functions do: arguments, clocks and the rest in wasi_misc.c, descriptors in
 * wasi_fd.c, transfers in wasi_io.c, paths in wasi_path.c, waiting in wasi_poll.c.
 *
 * Source: WASI preview 1, "wasi_snapshot_preview1"; preview 0, "wasi_unstable". */
#include "guest/wasi.h"

/* Give a guest its errno, or end its call. */
static beamr_status answer(guest_errno e, beamr_value *results, beamr_error *err)
{
    if (e == GUEST_ENOMEM)
        return guest_fail_memory(err);
    if (e == GUEST_EABORT)
        return err->status;
    results[0] = beamr_i32((int32_t)e);
    return BEAMR_OK;
}

/* Put the halves of 64-bit numbers together.
 *   params  the function's, of which each l is two arguments */
static void join(const char *params, const beamr_value *args, beamr_value *out)
{
    for (; *params; params++, out++) {
        if (*params == 'l') {
            *out =
                beamr_i64((int64_t)(guest_u32(&args[0]) | (uint64_t)guest_u32(&args[1]) << 32));
            args += 2;
        } else {
            *out = *args++;
        }
    }
}

#define WASI_PAIR_CALL(name, params)                                                           \
    static beamr_status pair_##name(const guest_call *call, const beamr_value *args,           \
                                    beamr_value *results, beamr_error *err)                    \
    {                                                                                          \
        beamr_value joined[sizeof params - 1];                                                 \
                                                                                               \
        join(params, args, joined);                                                            \
        return answer(wasi_##name(call, joined, err), results, err);                           \
    }
#define WASI_CALL(name)                                                                        \
    static beamr_status call_##name(const guest_call *call, const beamr_value *args,           \
                                    beamr_value *results, beamr_error *err)                    \
    {                                                                                          \
        return answer(wasi_##name(call, args, err), results, err);                             \
    }
#define WASI_BOTH(name, type) WASI_CALL(name)
#define WASI_EACH(name, type) WASI_CALL(name) WASI_CALL(unstable_##name)
#define WASI_NEW(name, type) WASI_CALL(name)
#define WASI_PAIR(name, type, params) WASI_PAIR_CALL(name, params)
#include "guest/wasi.def"
#undef WASI_BOTH
#undef WASI_EACH
#undef WASI_NEW
#undef WASI_PAIR

static const guest_import preview1[] = {
#define WASI_BOTH(name, type) {#name, type, call_##name},
#define WASI_EACH(name, type) {#name, type, call_##name},
#define WASI_NEW(name, type) {#name, type, call_##name},
#define WASI_PAIR(name, type, params) {#name, type, pair_##name},
#include "guest/wasi.def"
#undef WASI_BOTH
#undef WASI_EACH
#undef WASI_NEW
#undef WASI_PAIR
};

static const guest_import unstable[] = {
#define WASI_BOTH(name, type) {#name, type, call_##name},
#define WASI_EACH(name, type) {#name, type, call_unstable_##name},
#define WASI_NEW(name, type)
#define WASI_PAIR(name, type, params)
#include "guest/wasi.def"
#undef WASI_BOTH
#undef WASI_EACH
#undef WASI_NEW
#undef WASI_PAIR
};

static const struct {
    const char *from;
    const guest_import *rows;
    size_t count;
    unsigned deferrable;
} versions[] = {
    {"wasi_snapshot_preview1", preview1, sizeof preview1 / sizeof preview1[0],
     GUEST_DEFER_PREVIEW1},
    {"wasi_unstable", unstable, sizeof unstable / sizeof unstable[0], GUEST_DEFER_UNSTABLE},
};

enum { VERSION_COUNT = sizeof versions / sizeof versions[0] };

const guest_import *guest_wasi_rows(beamr_bytes from, size_t *count)
{
    for (size_t i = 0; i < VERSION_COUNT; i++)
        if (from.len == strlen(versions[i].from) &&
            memcmp(from.data, versions[i].from, from.len) == 0) {
            *count = versions[i].count;
            return versions[i].rows;
        }
    *count = 0;
    return NULL;
}

beamr_status guest_wasi_link(beamr_wasi *wasi, beamr_linker *linker, const beamr_module *module,
                             const beamr_extern *taken, beamr_error *err)
{
    guest_door door = {.wasi = wasi, .taken = taken};
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; i < VERSION_COUNT && st == BEAMR_OK; i++) {
        door.deferrable = versions[i].deferrable;
        st = guest_bind(linker, module, versions[i].from, versions[i].rows, versions[i].count,
                        &door, err);
    }
    return st;
}

beamr_status beamr_wasi_link(beamr_wasi *wasi, beamr_linker *linker, const beamr_module *module,
                             beamr_error *err)
{
    return guest_wasi_link(wasi, linker, module, NULL, err);
}
