/* Globals and tags: made here, read and written by the executors directly.
 * Source: Core, "Global Instances", "Tag Instances". */
#include "runtime/internal.h"

beamr_status rt_global_new(abi_store *s, wb_globaltype type, const uint64_t slots[2],
                           abi_global **out, beamr_error *err)
{
    abi_global *g = ARENA_NEW(&s->arena, abi_global, 1);

    if (!g)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a global");
    g->type = type.type;
    g->is_mutable = type.is_mutable;
    g->slots[0] = slots[0];
    g->slots[1] = wb_valtype_slots(type.type) == 2 ? slots[1] : 0;
    g->store = s;
    g->next = s->globals;
    s->globals = g;
    *out = g;
    return BEAMR_OK;
}

beamr_status rt_tag_new(abi_store *s, uint32_t canon, abi_tag **out, beamr_error *err)
{
    abi_tag *tag = ARENA_NEW(&s->arena, abi_tag, 1);

    if (!tag)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a tag");
    tag->type = wb_registry_func(s->engine->registry, canon);
    tag->canon = canon;
    tag->store = s;
    *out = tag;
    return BEAMR_OK;
}
