/* Imports that several modules have: the heap of Emscripten, and writing to a file descriptor
 * as WASI describes it ("fd_write"). A module's own imports stand in its test. */
#include "guest.h"

#include <stdio.h>

beamr_status host_resize_heap(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    uint64_t size = (uint32_t)args[0].of.i32, now = beamr_memory_size(g->memory);

    (void)err;
    results[0] =
        beamr_i32(size <= now || beamr_memory_grow(g->memory, (size - now + 65535) / 65536,
                                                   NULL, NULL) == BEAMR_OK);
    return BEAMR_OK;
}

beamr_status host_fd_write(const beamr_call *call, const beamr_value *args,
                           beamr_value *results, beamr_error *err)
{
    guest *g = call->user;
    uint32_t list = (uint32_t)args[1].of.i32, count = (uint32_t)args[2].of.i32, total = 0;
    FILE *file = args[0].of.i32 == 2 ? stderr : stdout;

    (void)err;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = guest_get_u32(g, list + 8 * (int64_t)i);
        uint32_t len = guest_get_u32(g, list + 8 * (int64_t)i + 4);

        CHECK((uint64_t)at + len <= beamr_memory_size(g->memory), "fd_write of %u bytes", len);
        fwrite(beamr_memory_data(g->memory) + at, 1, len, file);
        total += len;
    }
    guest_put_u32(g, (uint32_t)args[3].of.i32, total);
    results[0] = beamr_i32(0);
    return BEAMR_OK;
}

beamr_status host_environ_sizes(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    guest *g = call->user;

    (void)err;
    guest_put_u32(g, (uint32_t)args[0].of.i32, 0);
    guest_put_u32(g, (uint32_t)args[1].of.i32, 0);
    results[0] = beamr_i32(0);
    return BEAMR_OK;
}

beamr_status host_nothing(const beamr_call *call, const beamr_value *args, beamr_value *results,
                          beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results; /* preset to zero */
    (void)err;
    return BEAMR_OK;
}
