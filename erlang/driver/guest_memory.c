/* Memory 0, from outside. Nothing here runs code of the guest's. */
#include <inttypes.h>
#include <stdio.h>

#include "driver/guest_parts.h"

static beamr_status check_memory(const drv_guest *guest, beamr_error *err)
{
    beamr_status st = drv_guest_check(guest, err);

    if (st != BEAMR_OK || guest->memory)
        return st;
    return beamr_fail(err, BEAMR_NOT_FOUND, 0, "the module has no memory");
}

/* Fail with the trap, and a text that does not begin with the trap's. */
static beamr_status fail_trap(beamr_error *err, const char *text)
{
    bool is_first = err && err->status == BEAMR_OK;

    (void)beamr_fail(err, BEAMR_TRAP, 0, "%s", text);
    if (is_first)
        err->trap = BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS;
    return BEAMR_TRAP;
}

/* "Read request out of bounds: 8 bytes at 65536, and the memory has 65536". What is negative in
 * Erlang, or beyond 64 bits, comes as UINT64_MAX. */
static beamr_status fail_bounds(const drv_guest *guest, const char *what, uint64_t offset,
                                uint64_t size, beamr_error *err)
{
    char sizes[48] = "bytes", at[32] = "nowhere", text[160];

    if (size != UINT64_MAX)
        (void)snprintf(sizes, sizeof sizes, "%" PRIu64 " bytes", size);
    if (offset != UINT64_MAX)
        (void)snprintf(at, sizeof at, "%" PRIu64, offset);
    (void)snprintf(text, sizeof text,
                   "%s request out of bounds: %s at %s, and the memory has %" PRIu64, what,
                   sizes, at, beamr_memory_size(guest->memory));
    return fail_trap(err, text);
}

static bool is_within(const drv_guest *guest, uint64_t offset, uint64_t size)
{
    uint64_t end = beamr_memory_size(guest->memory);

    return offset <= end && size <= end - offset;
}

static const uint8_t *address(const drv_guest *guest, uint64_t offset)
{
    const uint8_t *data = beamr_memory_data(guest->memory);

    return data ? data + offset : NULL;
}

beamr_status drv_guest_size(const drv_guest *guest, uint64_t *out, beamr_error *err)
{
    beamr_status st = check_memory(guest, err);

    if (st == BEAMR_OK)
        *out = beamr_memory_size(guest->memory);
    return st;
}

bool drv_guest_memory_size(const drv_guest *guest, size_t number, uint64_t *out)
{
    const beamr_memory *memory =
        guest->stage == DRV_STAGE_UP ? beamr_instance_memory(guest->instance, number) : NULL;

    if (memory)
        *out = beamr_memory_size(memory);
    return memory != NULL;
}

beamr_status drv_guest_view(const drv_guest *guest, uint64_t offset, uint64_t size,
                            beamr_bytes *out, beamr_error *err)
{
    beamr_status st = check_memory(guest, err);

    if (st != BEAMR_OK)
        return st;
    if (!is_within(guest, offset, size))
        return fail_bounds(guest, "Read", offset, size, err);
    *out = (beamr_bytes){address(guest, offset), (size_t)size};
    return BEAMR_OK;
}

beamr_status drv_guest_write(drv_guest *guest, uint64_t offset, beamr_bytes bytes,
                             beamr_error *err)
{
    beamr_status st = check_memory(guest, err);

    if (st != BEAMR_OK)
        return st;
    if (!is_within(guest, offset, bytes.len))
        return fail_bounds(guest, "Write", offset, bytes.len, err);
    return beamr_memory_write(guest->memory, offset, bytes.data, bytes.len, err);
}

beamr_status drv_guest_text(const drv_guest *guest, uint64_t offset, uint64_t max,
                            beamr_bytes *out, beamr_error *err)
{
    beamr_status st = check_memory(guest, err);
    const uint8_t *text, *nul;
    uint64_t room;

    if (st != BEAMR_OK)
        return st;
    if (!is_within(guest, offset, 1))
        return fail_bounds(guest, "Read", offset, 1, err);
    room = beamr_memory_size(guest->memory) - offset;
    text = address(guest, offset);
    nul = memchr(text, 0, (size_t)(max < room ? max + 1 : room));
    if (nul) {
        *out = (beamr_bytes){text, (size_t)(nul - text)};
        return BEAMR_OK;
    }
    if (max < room)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "the text at %" PRIu64 " is longer than %" PRIu64 " bytes", offset,
                          max);
    return fail_trap(err, "Read request out of bounds: the text has no NUL before the memory's "
                          "end");
}

beamr_status drv_guest_set_memory(drv_guest *guest, beamr_bytes bytes, beamr_error *err)
{
    beamr_status st = check_memory(guest, err);

    return st == BEAMR_OK ? beamr_memory_set(guest->memory, bytes, err) : st;
}
