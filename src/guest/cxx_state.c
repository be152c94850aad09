/* What C++ exceptions keep between calls, as bytes and back: `last`, `uncaught`, `temp_ret` and
 * the caught ones, each 8 bytes, little-endian. */
#include <stdlib.h>

#include "base/arena.h"
#include "guest/cxx.h"

enum { FIELDS = 3, FIELD_SIZE = 8 };

void guest_cxx_clear(guest_cxx *cxx)
{
    free(cxx->caught);
    *cxx = (guest_cxx){.doors = cxx->doors};
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

static bool is_as_at_first(const guest_cxx *cxx)
{
    return cxx->last == 0 && cxx->uncaught == 0 && cxx->temp_ret == 0 && cxx->caught_count == 0;
}

beamr_status guest_cxx_save(void *user, uint8_t **out, size_t *len, beamr_error *err)
{
    const guest_cxx *cxx = user;
    uint8_t *bytes, *at;

    *out = NULL;
    *len = 0;
    if (is_as_at_first(cxx))
        return BEAMR_OK;
    if (!(bytes = malloc((FIELDS + cxx->caught_count) * FIELD_SIZE)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to save C++ exceptions");
    at = put(bytes, cxx->last);
    at = put(at, cxx->uncaught);
    at = put(at, cxx->temp_ret);
    for (size_t i = 0; i < cxx->caught_count; i++)
        at = put(at, cxx->caught[i]);
    *out = bytes;
    *len = (size_t)(at - bytes);
    return BEAMR_OK;
}

static beamr_status check(beamr_bytes bytes, beamr_error *err)
{
    size_t count = bytes.len / FIELD_SIZE;

    if (bytes.len % FIELD_SIZE != 0 || count < FIELDS)
        return beamr_fail(err, BEAMR_MALFORMED, 0,
                          "the state of C++ exceptions cannot be %zu bytes long", bytes.len);
    if (get(bytes.data + 2 * FIELD_SIZE) > UINT32_MAX)
        return beamr_fail(err, BEAMR_MALFORMED, 2 * FIELD_SIZE,
                          "the second half of a result has more than 32 bits");
    if (count - FIELDS > GUEST_CXX_CAUGHT_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "%zu C++ exceptions are caught", count - FIELDS);
    return BEAMR_OK;
}

beamr_status guest_cxx_load(void *user, beamr_bytes bytes, beamr_error *err)
{
    guest_cxx *cxx = user;
    uint64_t *caught = NULL;
    size_t count;

    if (bytes.len == 0) {
        guest_cxx_clear(cxx);
        return BEAMR_OK;
    }
    BEAMR_TRY(check(bytes, err));
    count = bytes.len / FIELD_SIZE - FIELDS;
    if (count > 0 && !(caught = malloc(count * sizeof *caught)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for caught C++ exceptions");
    for (size_t i = 0; i < count; i++)
        caught[i] = get(bytes.data + (FIELDS + i) * FIELD_SIZE);
    free(cxx->caught);
    *cxx = (guest_cxx){.last = get(bytes.data),
                       .uncaught = get(bytes.data + FIELD_SIZE),
                       .temp_ret = (uint32_t)get(bytes.data + 2 * FIELD_SIZE),
                       .caught = caught,
                       .caught_count = count,
                       .caught_room = count,
                       .doors = cxx->doors};
    return BEAMR_OK;
}
