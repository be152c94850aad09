/* What C++ exceptions keep between calls, as bytes and back: `last`, `uncaught`, `temp_ret` and
 * the caught ones, each 8 bytes, little-endian. */
#include <stdlib.h>

#include "guest/cxx.h"

enum { FIELDS = 3, FIELD_SIZE = 8 };

void guest_cxx_clear(guest_cxx *cxx)
{
    free(cxx->caught);
    *cxx = (guest_cxx){.doors = cxx->doors};
}

size_t guest_cxx_size(const guest_cxx *cxx)
{
    return (FIELDS + cxx->caught_count) * FIELD_SIZE;
}

static uint8_t *put(uint8_t *out, uint64_t v)
{
    memcpy(out, &v, FIELD_SIZE);
    return out + FIELD_SIZE;
}

static uint64_t get(const uint8_t *in)
{
    uint64_t v;

    memcpy(&v, in, FIELD_SIZE);
    return v;
}

void guest_cxx_save(const guest_cxx *cxx, uint8_t *out)
{
    out = put(out, cxx->last);
    out = put(out, cxx->uncaught);
    out = put(out, cxx->temp_ret);
    for (size_t i = 0; i < cxx->caught_count; i++)
        out = put(out, cxx->caught[i]);
}

beamr_status guest_cxx_load(guest_cxx *out, beamr_bytes bytes, uint64_t offset,
                            beamr_error *err)
{
    size_t count = bytes.len / FIELD_SIZE;
    guest_cxx loaded = {0};

    if (bytes.len % FIELD_SIZE != 0 || count < FIELDS)
        return beamr_fail(err, BEAMR_MALFORMED, offset,
                          "the state of C++ exceptions cannot be %zu bytes long", bytes.len);
    if (get(bytes.data + 2 * FIELD_SIZE) > UINT32_MAX)
        return beamr_fail(err, BEAMR_MALFORMED, offset + 2 * FIELD_SIZE,
                          "the second half of a result has more than 32 bits");
    count -= FIELDS;
    if (count > GUEST_CXX_CAUGHT_MAX)
        return beamr_fail(err, BEAMR_LIMIT, offset, "%zu C++ exceptions are caught", count);
    if (count > 0 && !(loaded.caught = malloc(count * sizeof *loaded.caught)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for caught C++ exceptions");
    loaded.last = get(bytes.data);
    loaded.uncaught = get(bytes.data + FIELD_SIZE);
    loaded.temp_ret = (uint32_t)get(bytes.data + 2 * FIELD_SIZE);
    loaded.caught_count = loaded.caught_room = count;
    for (size_t i = 0; i < count; i++)
        loaded.caught[i] = get(bytes.data + (FIELDS + i) * FIELD_SIZE);
    *out = loaded;
    return BEAMR_OK;
}

void guest_cxx_replace(guest_cxx *cxx, guest_cxx *loaded)
{
    beamr_emscripten *doors = cxx->doors;

    free(cxx->caught);
    *cxx = *loaded;
    cxx->doors = doors;
    *loaded = (guest_cxx){0};
}
