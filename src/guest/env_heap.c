/* Memory functions of env: growing the heap, and copying within it.
 * Source: Emscripten, "emscripten/heap.h". */
#include "guest/env_calls.h"

enum { PAGE = 65536 };

/* Grow to at least so many bytes. Returns 1, or 0 where memory.grow would give -1. */
ENV_CALL(env_resize_heap)
{
    uint64_t wanted = guest_pointer(&args[0]);
    uint64_t size = call->memory ? beamr_memory_size(call->memory) : 0;
    beamr_status st;

    if (wanted <= size)
        return env_value(results, call->memory != NULL);
    if (!call->memory)
        return env_value(results, 0);
    st = beamr_memory_grow(call->memory, (wanted - size) / PAGE + ((wanted - size) % PAGE != 0),
                           NULL, NULL);
    if (st == BEAMR_NO_MEMORY) /* of the host: not for the guest to see */
        return beamr_fail(err, st, 0, "no memory to grow a guest's memory to %llu bytes",
                          (unsigned long long)wanted);
    return env_value(results, st == BEAMR_OK);
}

ENV_CALL(env_heap_max)
{
    beamr_limits type = call->memory ? beamr_memory_type(call->memory) : (beamr_limits){0};
    uint64_t most = call->is64 ? (uint64_t)1 << 34 : ((uint64_t)1 << 32) - PAGE;
    uint64_t bytes = type.max > most / PAGE ? most : type.max * PAGE;

    (void)args, (void)err;
    results[0] = guest_pointer_value(call, bytes);
    return BEAMR_OK;
}

/* Both areas, or a trap. */
static beamr_status find_areas(const guest_call *call, const beamr_value *args, uint64_t len,
                               uint8_t **to, uint8_t **from, beamr_error *err)
{
    uint64_t dst = guest_pointer(&args[0]), src = guest_pointer(&args[1]);

    if (guest_bytes_at(call, dst, len, to) != GUEST_ESUCCESS ||
        guest_bytes_at(call, src, len, from) != GUEST_ESUCCESS)
        return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                               "copying %llu bytes from %llu to %llu", (unsigned long long)len,
                               (unsigned long long)src, (unsigned long long)dst);
    return BEAMR_OK;
}

/* A piece at a time, so that it can be stopped; from the end if the areas overlap so. */
static beamr_status move_pieces(const guest_call *call, uint8_t *to, const uint8_t *from,
                                uint64_t len, beamr_error *err)
{
    for (uint64_t done = 0; done < len;) {
        uint64_t piece = len - done < ENV_WORK_STEP ? len - done : ENV_WORK_STEP;
        uint64_t at = to <= from ? done : len - done - piece;
        beamr_status st = beamr_store_work(call->store, piece, err);

        if (st != BEAMR_OK)
            return st;
        memmove(to + at, from + at, (size_t)piece);
        done += piece;
    }
    return BEAMR_OK;
}

/* (to, from, length); the areas may overlap, and then what is copied is what was there */
static beamr_status copy(const guest_call *call, const beamr_value *args, beamr_error *err)
{
    uint64_t len = guest_pointer(&args[2]);
    uint8_t *to = NULL, *from = NULL;
    beamr_status st;

    st = find_areas(call, args, len, &to, &from, err);
    return st == BEAMR_OK ? move_pieces(call, to, from, len, err) : st;
}

ENV_CALL(env_memcpy)
{
    (void)results;
    return copy(call, args, err);
}

ENV_CALL(env_memcpy_result)
{
    beamr_status st = copy(call, args, err);

    if (st == BEAMR_OK)
        results[0] = args[0];
    return st;
}

beamr_status env_fill(const guest_call *call, uint8_t *data, uint8_t byte, uint64_t len,
                      beamr_error *err)
{
    for (uint64_t at = 0; at < len;) {
        uint64_t piece = len - at < ENV_WORK_STEP ? len - at : ENV_WORK_STEP;
        beamr_status st = beamr_store_work(call->store, piece, err);

        if (st != BEAMR_OK)
            return st;
        memset(data + at, byte, (size_t)piece);
        at += piece;
    }
    return BEAMR_OK;
}

/* (to, byte, length) */
ENV_CALL(env_memset)
{
    uint64_t to = guest_pointer(&args[0]), len = guest_pointer(&args[2]);
    uint8_t *data;

    (void)results;
    if (guest_bytes_at(call, to, len, &data) != GUEST_ESUCCESS)
        return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                               "filling %llu bytes at %llu", (unsigned long long)len,
                               (unsigned long long)to);
    return env_fill(call, data, (uint8_t)guest_u32(&args[1]), len, err);
}

ENV_CALL(env_nothing) /* notices that mean nothing here */
{
    (void)call, (void)args, (void)results, (void)err;
    return BEAMR_OK;
}

/* A function of the language's, which some modules import instead of compiling it. */
ENV_CALL(env_round)
{
    (void)call, (void)err;
    results[0] = beamr_f64(__builtin_round(args[0].of.f64));
    return BEAMR_OK;
}
