/* Contexts: what a resolution can reach. Made and changed before the first resolution, only
 * read afterwards. Which devices and codecs there are is decided above (src/device/). */
#include "ao/context.h"

#include <stdlib.h>
#include <string.h>

#include "ao/group.h"
#include "ao/internal.h"

static const ao_limits limits_default = AO_LIMITS_DEFAULT;

/* The option resolve_max_steps, AO_RESOLVE_STEPS without it; 0 is no limit. */
static beamr_status take_steps(ao_context *c, beamr_error *err)
{
    ao_value value = AO_NO_VALUE;
    int64_t steps = AO_RESOLVE_STEPS;

    if (c->values)
        value = ao_message_find_text(c->values, "resolve_max_steps");
    if (value.kind != AO_NONE && (!ao_to_integer(value, &steps) || steps < 0))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the option resolve_max_steps is no number from 0 to %lld",
                          (long long)INT64_MAX);
    c->max_steps = steps ? (uint64_t)steps : UINT64_MAX;
    return BEAMR_OK;
}

static void take_settings(ao_context *c, const ao_settings *settings)
{
    c->limits = limits_default;
    if (!settings)
        return;
    c->wallet = settings->wallet;
    c->values = settings->values ? ao_message_ref(settings->values) : NULL;
    c->execute = settings->execute;
    c->user = settings->user;
    if (settings->limits.max_depth)
        c->limits.max_depth = settings->limits.max_depth;
    if (c->limits.max_depth > AO_DEPTH_MAX)
        c->limits.max_depth = AO_DEPTH_MAX;
    if (settings->limits.max_keys)
        c->limits.max_keys = settings->limits.max_keys;
    if (settings->limits.max_bytes)
        c->limits.max_bytes = settings->limits.max_bytes;
}

beamr_status ao_context_make(const ao_settings *settings, ao_context **out, beamr_error *err)
{
    ao_context *c = calloc(1, sizeof *c);
    beamr_status st;

    if (!c)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a context");
    take_settings(c, settings);
    if ((st = take_steps(c, err)) != BEAMR_OK)
        goto out;
    if ((st = groups_new(&c->groups, err)) != BEAMR_OK)
        goto out;
    if (settings && settings->kv && (st = kv_open(settings->kv, &c->kv, err)) != BEAMR_OK)
        goto out;
    *out = c;
    c = NULL;
out:
    ao_context_free(c);
    return st;
}

void ao_context_free(ao_context *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->device_count; i++)
        free(c->devices[i]);
    free(c->devices);
    free((void *)c->codecs);
    groups_free(c->groups);
    if (c->world)
        c->world_free(c->world);
    kv_close(c->kv);
    ao_message_unref(c->values);
    free(c);
}

/* ---- Devices ---- */

/* Where a name stands, or would stand. */
static size_t place_of(const ao_context *c, beamr_bytes name, bool *is_there)
{
    size_t low = 0, high = c->device_count;
    uint64_t prefix = text_prefix(name);

    *is_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const ao_registered *r = c->devices[middle];
        int order = r->prefix == prefix  ? text_compare(r->name, name)
                    : r->prefix < prefix ? -1
                                         : 1;

        if (order == 0) {
            *is_there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_normalised(const char *name)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;
    beamr_bytes text = beamr_bytes_of(name), out;
    bool is_same = key_normalise(text, buffer, &out, &owned) && out.len == text.len &&
                   memcmp(out.data, text.data, text.len) == 0;

    free(owned);
    return is_same;
}

static beamr_status insert(ao_context *c, size_t place, ao_registered *r, beamr_error *err)
{
    ao_registered **more = realloc(c->devices, (c->device_count + 1) * sizeof *more);

    if (!more)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a device");
    c->devices = more;
    memmove(more + place + 1, more + place, (c->device_count - place) * sizeof *more);
    more[place] = r;
    c->device_count++;
    return BEAMR_OK;
}

beamr_status ao_context_add_device(ao_context *c, const ao_device *device, beamr_error *err)
{
    ao_registered *r = NULL;
    beamr_status st;
    bool is_there;
    size_t place;

    if (!device->name || !device->name[0] || !is_normalised(device->name))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the device has no normalised name: `%s`",
                          device->name ? device->name : "");
    if (atomic_load_explicit(&c->has_resolved, memory_order_relaxed))
        return beamr_fail(err, BEAMR_BUSY, 0,
                          "the device %s is added after the context has begun to resolve",
                          device->name);
    if ((st = device_table_new(device, &r, err)) != BEAMR_OK)
        return st;
    place = place_of(c, beamr_bytes_of(device->name), &is_there);
    if (is_there) {
        free(c->devices[place]);
        c->devices[place] = r;
    } else if ((st = insert(c, place, r, err)) != BEAMR_OK) {
        free(r);
        return st;
    }
    if (strcmp(device->name, "message@1.0") == 0) {
        c->message = r;
        c->message_device = device;
    }
    return BEAMR_OK;
}

const ao_registered *context_find(const ao_context *c, beamr_bytes name)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;
    const ao_registered *found = NULL;
    beamr_bytes normal;
    bool is_there = false;
    size_t place;

    if (name.len > 0 && name.data[0] == '~') /* as paths, and people, write it */
        name = (beamr_bytes){name.data + 1, name.len - 1};
    place = place_of(c, name, &is_there);
    if (is_there) /* so it is normalised */
        return c->devices[place];
    if (!key_normalise(name, buffer, &normal, &owned))
        return NULL;
    place = place_of(c, normal, &is_there);
    if (is_there)
        found = c->devices[place];
    free(owned);
    return found;
}

const ao_device *ao_context_find_device(const ao_context *c, beamr_bytes name)
{
    const ao_registered *found = context_find(c, name);

    return found ? found->device : NULL;
}

/* ---- Codecs ---- */

beamr_status ao_context_add_codec(ao_context *c, const ao_codec *codec, beamr_error *err)
{
    const ao_codec **more =
        realloc((void *)c->codecs, (c->codec_count + 1) * sizeof(const ao_codec *));

    if (!more)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the codec %s", codec->name);
    c->codecs = more;
    more[c->codec_count++] = codec;
    if (strcmp(codec->name, "structured@1.0") == 0)
        c->structured = codec;
    if (strcmp(codec->name, "httpsig@1.0") == 0)
        c->httpsig = codec;
    return BEAMR_OK;
}

const ao_codec *ao_context_find_codec(const ao_context *c, beamr_bytes name)
{
    char buffer[KEY_BUFFER_SIZE], *owned = NULL;
    const ao_codec *found = NULL;
    beamr_bytes normal;

    if (!key_normalise(name, buffer, &normal, &owned))
        return NULL;
    for (size_t i = c->codec_count; i-- > 0 && !found;)
        if (strlen(c->codecs[i]->name) == normal.len &&
            memcmp(c->codecs[i]->name, normal.data, normal.len) == 0)
            found = c->codecs[i];
    free(owned);
    return found;
}
