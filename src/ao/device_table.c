/* The table of a device's keys: device_table.h. */
#include "ao/device_table.h"

#include <stdlib.h>

#include "ao/internal.h"

static uint8_t fold(uint8_t c)
{
    return c == '_' ? '-' : c;
}

static uint32_t hash_of(beamr_bytes key)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ fold(key.data[i])) * 16777619U;
    return hash ^ hash >> 15;
}

static bool is_name(const char *name, beamr_bytes key)
{
    for (size_t i = 0; i < key.len; i++)
        if (name[i] == '\0' || fold((uint8_t)name[i]) != fold(key.data[i]))
            return false;
    return name[key.len] == '\0';
}

static uint64_t length_bit(size_t len)
{
    return (uint64_t)1 << (len < 63 ? len : 63);
}

static bool is_listed(const char *const *names, beamr_bytes key)
{
    for (; names && *names; names++)
        if (is_name(*names, key))
            return true;
    return false;
}

static ao_function own_function(const ao_device *device, beamr_bytes key)
{
    for (const ao_key *k = device->keys; k && k->name; k++)
        if (is_name(k->name, key))
            return k->function;
    return NULL;
}

/* Who answers a key that the device names somewhere: the order of the specification. */
static ao_function choose(const ao_device *device, beamr_bytes key)
{
    ao_function own = own_function(device, key);

    if (is_listed(device->excludes, key))
        return NULL;
    if (device->exports && !is_listed(device->exports, key))
        return NULL;
    if (device->handler)
        return device->handler;
    return own ? own : device->default_key;
}

static void add(ao_registered *r, const char *name)
{
    beamr_bytes key = beamr_bytes_of(name);
    uint32_t i = hash_of(key) & r->mask;

    while (r->slots[i].name) {
        if (is_name(r->slots[i].name, key))
            return;
        i = (i + 1) & r->mask;
    }
    r->slots[i] = (device_slot){name, choose(r->device, key)};
    r->lengths |= length_bit(key.len);
}

static size_t count_names(const char *const *names)
{
    size_t count = 0;

    while (names && names[count])
        count++;
    return count;
}

beamr_status device_table_new(const ao_device *device, ao_registered **out, beamr_error *err)
{
    size_t count = count_names(device->exports) + count_names(device->excludes);
    uint32_t size = 4;
    ao_registered *r;

    for (const ao_key *k = device->keys; k && k->name; k++)
        count++;
    while (size < 2 * count)
        size *= 2;
    r = calloc(1, sizeof *r + size * sizeof r->slots[0]);
    if (!r)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the device %s", device->name);
    r->device = device;
    r->name = beamr_bytes_of(device->name);
    r->prefix = text_prefix(r->name);
    r->mask = size - 1;
    if (!device->exports)
        r->other = device->handler ? device->handler : device->default_key;
    for (const ao_key *k = device->keys; k && k->name; k++)
        add(r, k->name);
    for (const char *const *n = device->exports; n && *n; n++)
        add(r, *n);
    for (const char *const *n = device->excludes; n && *n; n++)
        add(r, *n);
    *out = r;
    return BEAMR_OK;
}

ao_function device_table_find(const ao_registered *r, beamr_bytes key)
{
    if (!(r->lengths & length_bit(key.len)))
        return r->other;
    for (uint32_t i = hash_of(key) & r->mask; r->slots[i].name; i = (i + 1) & r->mask)
        if (is_name(r->slots[i].name, key))
            return r->slots[i].function;
    return r->other;
}
