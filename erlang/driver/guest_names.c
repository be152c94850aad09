/* Exported functions by name. The engine goes through all exports of a module, of which there
 * may be very many; a call from outside should not. */
#include <stdlib.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "driver/guest_parts.h"

static bool is_equal(beamr_bytes a, beamr_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* The place of a name, or the free one where it belongs. */
static size_t place_of(const drv_names *names, const beamr_module *module, beamr_bytes name)
{
    size_t at = XXH3_64bits_withSeed(name.data, name.len, names->seed) & names->mask;

    while (names->slots[at] != 0 &&
           !is_equal(beamr_module_export(module, names->slots[at] - 1).name, name))
        at = (at + 1) & names->mask;
    return at;
}

beamr_status drv_names_init(drv_names *names, const beamr_module *module, beamr_error *err)
{
    size_t count = beamr_module_export_count(module);
    size_t room = 8;

    while (room / 2 < count)
        room *= 2;
    if (!(names->slots = calloc(room, sizeof *names->slots)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the names of %zu exports",
                          count);
    names->mask = room - 1;
    if (getrandom(&names->seed, sizeof names->seed, GRND_NONBLOCK) !=
        (ssize_t)sizeof names->seed)
        names->seed = (uintptr_t)names->slots; /* early at boot */
    for (size_t i = 0; i < count; i++) {
        beamr_export item = beamr_module_export(module, i);

        if (item.type.kind == BEAMR_EXTERN_FUNC)
            names->slots[place_of(names, module, item.name)] = (uint32_t)(i + 1);
    }
    return BEAMR_OK;
}

void drv_names_clear(drv_names *names)
{
    free(names->slots);
    *names = (drv_names){0};
}

bool drv_names_find(const drv_names *names, const beamr_module *module, beamr_bytes name,
                    size_t *export)
{
    uint32_t slot = names->slots[place_of(names, module, name)];

    if (slot == 0)
        return false;
    *export = slot - 1;
    return true;
}
