/* The links of link.h. A link's value is set once, by whoever comes first, and then belongs to
 * the link. */
#include "ao/link.h"

#include <stdlib.h>

#include "ao/internal.h"

struct ao_link {
    ao_object object;
    ao_kind kind;
    ao_loader load;
    void *user;
    _Atomic(ao_value *) loaded; /* NULL: not yet */
    size_t len;
    uint8_t id[];
};

static void destroy_link(ao_object *object)
{
    ao_link *link = (ao_link *)object;
    ao_value *loaded = atomic_load_explicit(&link->loaded, memory_order_acquire);

    if (loaded)
        ao_value_unref(*loaded);
    free(loaded);
    free(link);
}

ao_value ao_link_new(beamr_bytes id, ao_kind kind, ao_loader load, void *user)
{
    ao_link *link;

    if (id.len > AO_NAME_MAX)
        return VALUE_NONE(REASON_TOO_LONG);
    if (!(link = malloc(sizeof *link + id.len)))
        return AO_NO_VALUE;
    object_init(&link->object, destroy_link);
    link->kind = kind;
    link->load = load;
    link->user = user;
    atomic_init(&link->loaded, NULL);
    link->len = id.len;
    if (id.len > 0)
        memcpy(link->id, id.data, id.len);
    return (ao_value){.kind = AO_LINK, .of.link = link};
}

beamr_bytes ao_link_id(ao_value link)
{
    if (link.kind != AO_LINK)
        return (beamr_bytes){NULL, 0};
    return (beamr_bytes){link.of.link->id, link.of.link->len};
}

ao_kind ao_link_kind(ao_value link)
{
    return link.kind == AO_LINK ? link.of.link->kind : AO_NONE;
}

/* Ask the loader; its value is counted. */
static beamr_status ask(const ao_link *link, ao_value *out, beamr_error *err)
{
    beamr_status st = link->load(link->user, (beamr_bytes){link->id, link->len}, out, err);

    if (st != BEAMR_OK)
        return st;
    if (out->kind == AO_NONE)
        return value_fail(*out, err);
    if (out->kind != AO_LINK)
        return BEAMR_OK;
    ao_value_unref(*out);
    return beamr_fail(err, BEAMR_MESSAGE, 0, "a link leads to a link");
}

static beamr_status load(ao_link *link, ao_value *out, beamr_error *err)
{
    ao_value *fresh, *first = NULL;
    ao_value value = AO_NO_VALUE;
    beamr_status st = ask(link, &value, err);

    if (st != BEAMR_OK)
        return st;
    if (!(fresh = malloc(sizeof *fresh))) {
        ao_value_unref(value);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "out of memory for what a link leads to");
    }
    *fresh = value;
    if (!atomic_compare_exchange_strong_explicit(&link->loaded, &first, fresh,
                                                 memory_order_acq_rel, memory_order_acquire)) {
        ao_value_unref(value);
        free(fresh);
        fresh = first;
    }
    *out = *fresh;
    return BEAMR_OK;
}

beamr_status ao_value_load(ao_value value, ao_value *out, beamr_error *err)
{
    ao_value *loaded;

    if (value.kind != AO_LINK) {
        *out = value;
        return BEAMR_OK;
    }
    loaded = atomic_load_explicit(&value.of.link->loaded, memory_order_acquire);
    if (!loaded)
        return load(value.of.link, out, err);
    *out = *loaded;
    return BEAMR_OK;
}
