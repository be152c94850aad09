/* Options of an instance: a map. What is unknown or of the wrong kind is refused by name. */
#include "driver/command_internal.h"

enum { OPTIONS_MAX = 6 };

static beamr_status fail_option(const drv_reading *r, const char *name, const char *what)
{
    return beamr_fail(r->err, BEAMR_MALFORMED, 0, "option %s is to be %s", name, what);
}

/* A positive number, or `infinity`, which is 0. */
static beamr_status take_limit(drv_reading *r, const char *name, uint64_t *out)
{
    drv_item item;
    beamr_status st;

    if ((st = drv_read(&r->at, &item, r->err)) != BEAMR_OK)
        return st;
    if (drv_item_is_atom(&item, "infinity")) {
        *out = 0;
        return BEAMR_OK;
    }
    if (item.kind == DRV_BIG && !item.is_negative)
        *out = UINT64_MAX;
    else if (item.kind == DRV_INTEGER && !item.is_negative && item.magnitude > 0)
        *out = item.magnitude;
    else
        return fail_option(r, name, "a positive integer or infinity");
    return BEAMR_OK;
}

static beamr_status take_stubs(drv_reading *r, drv_stubs *out)
{
    static const char *const names[] = {
        [DRV_STUBS_HOST] = "host", [DRV_STUBS_ZEROS] = "zeros", [DRV_STUBS_TRAP] = "trap"};
    drv_item item;
    beamr_status st;

    if ((st = drv_read(&r->at, &item, r->err)) != BEAMR_OK)
        return st;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (drv_item_is_atom(&item, names[i])) {
            *out = (drv_stubs)i;
            return BEAMR_OK;
        }
    return fail_option(r, "stubs", "host, zeros or trap");
}

static beamr_status take_flag(drv_reading *r, const char *name, bool *out)
{
    drv_item item;
    beamr_status st;

    if ((st = drv_read(&r->at, &item, r->err)) != BEAMR_OK)
        return st;
    *out = drv_item_is_atom(&item, "true");
    return *out || drv_item_is_atom(&item, "false") ? BEAMR_OK
                                                    : fail_option(r, name, "true or false");
}

static beamr_status take_option(drv_reading *r)
{
    drv_options *options = &r->out->options;
    drv_item key;
    beamr_status st;

    if ((st = drv_read(&r->at, &key, r->err)) != BEAMR_OK)
        return st;
    if (drv_item_is_atom(&key, "max_memory"))
        return take_limit(r, "max_memory", &options->max_memory);
    if (drv_item_is_atom(&key, "fuel"))
        return take_limit(r, "fuel", &options->fuel);
    if (drv_item_is_atom(&key, "time"))
        return take_limit(r, "time", &options->time_ms);
    if (drv_item_is_atom(&key, "stubs"))
        return take_stubs(r, &options->stubs);
    if (drv_item_is_atom(&key, "system"))
        return take_flag(r, "system", &options->has_system);
    if (drv_item_is_atom(&key, "mode"))
        return drv_take_mode(r);
    if (key.kind != DRV_ATOM)
        return beamr_fail(r->err, BEAMR_MALFORMED, 0, "an option's name is to be an atom");
    return beamr_fail(r->err, BEAMR_MALFORMED, 0, "unknown option %.*s",
                      (int)(key.bytes.len < 64 ? key.bytes.len : 64),
                      (const char *)key.bytes.data);
}

beamr_status drv_take_options(drv_reading *r)
{
    drv_item head;
    beamr_status st;

    if ((st = drv_read(&r->at, &head, r->err)) != BEAMR_OK)
        return st;
    if (head.kind != DRV_MAP)
        return beamr_fail(r->err, BEAMR_MALFORMED, 0, "the options are to be a map");
    for (uint32_t i = 0; i < head.count; i++) {
        if (i == OPTIONS_MAX) /* some stand twice */
            return beamr_fail(r->err, BEAMR_MALFORMED, 0, "%u options, of %d that are known",
                              head.count, OPTIONS_MAX);
        if ((st = take_option(r)) != BEAMR_OK)
            return st;
    }
    return BEAMR_OK;
}
