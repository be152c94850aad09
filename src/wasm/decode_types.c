/* The type section: recursion groups of function types, handed to the registry.
 * A group is read whole before its references are judged, since members may refer to those
 * behind them. Struct and array types are refused where they stand, before anything else about
 * their group is looked at.
 * Source: Core, "Binary Format", "Types"; "Validation of Types" (declared supertypes). */
#include <inttypes.h>

#include "wasm/internal.h"

/* Scratch memory is given back between groups when it has grown beyond this. */
#define SCRATCH_KEEP ((size_t)256 * 1024)

/* A super that cannot exist, for a declaration that is refused when its group is complete. */
#define SUPER_BAD (WB_HEAP_REC + WB_TYPE_POSITION_MAX)

/* A vector of value types.
 *   slots  64-bit slots of all of them */
static beamr_status read_valtypes(wb_decoder *d, const wb_type_scope *scope, wb_limit limit,
                                  const wb_valtype **out, uint32_t *count, uint32_t *slots,
                                  beamr_error *err)
{
    wb_valtype *types;

    BEAMR_TRY(wb_read_count(&d->in, limit, 1, count, err));
    if (!(types = ARENA_NEW(&d->scratch, wb_valtype, *count)))
        return wb_fail_memory("types", err);
    *slots = 0;
    for (uint32_t i = 0; i < *count; i++) {
        BEAMR_TRY(wb_read_valtype(&d->in, scope, &types[i], &d->m->used, err));
        *slots += wb_valtype_slots(types[i]);
    }
    *out = types;
    return BEAMR_OK;
}

static beamr_status read_functype(wb_decoder *d, const wb_type_scope *scope, wb_functype *out,
                                  beamr_error *err)
{
    uint32_t offset;

    BEAMR_TRY(read_valtypes(d, scope, WB_LIMIT_ROW_PARAMS, &out->params, &out->param_count,
                            &out->param_slots, err));
    offset = wb_reader_offset(&d->in);
    BEAMR_TRY(read_valtypes(d, scope, WB_LIMIT_ROW_RESULTS, &out->results, &out->result_count,
                            &out->result_slots, err));
    if (out->result_count > 1)
        return wb_features_need(d->m, WB_FEATURE_BIT(MULTI_VALUE), &d->m->used, offset, err);
    return BEAMR_OK;
}

/* Heap number of the type that index names, seen from the group. */
static uint32_t super_of(const wb_decoder *d, const wb_type_scope *scope, uint32_t index)
{
    if (index < scope->group_first)
        return WB_HEAP_DEFINED + d->m->types[index].canon;
    index -= scope->group_first;
    return index < WB_TYPE_POSITION_MAX ? WB_HEAP_REC + index : SUPER_BAD;
}

/* The vector of supertypes, of which there may be one. */
static beamr_status read_supers(wb_decoder *d, const wb_type_scope *scope, wb_subtype *out,
                                beamr_error *err)
{
    uint32_t count, index;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_TYPES, 1, &count, err));
    for (uint32_t i = 0; i < count; i++) {
        BEAMR_TRY(wb_read_u32(&d->in, &index, err));
        out->super = i == 0 ? super_of(d, scope, index) : SUPER_BAD;
    }
    return BEAMR_OK;
}

static beamr_status read_subtype(wb_decoder *d, const wb_type_scope *scope, wb_subtype *out,
                                 beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint8_t form = 0;

    out->super = WB_NO_TYPE;
    out->final = true;
    BEAMR_TRY(wb_read_byte(&d->in, &form, err));
    if (form == 0x50 || form == 0x4f) {
        BEAMR_TRY(wb_features_need(d->m, WB_FEATURE_BIT(SUBTYPING), &d->m->used, offset, err));
        out->final = form == 0x4f;
        BEAMR_TRY(read_supers(d, scope, out, err));
        offset = wb_reader_offset(&d->in);
        BEAMR_TRY(wb_read_byte(&d->in, &form, err));
    }
    if (form == 0x5e || form == 0x5f)
        return wb_fail_feature(WB_FEATURE_GC, offset, err);
    if (form != 0x60)
        return beamr_fail(err, BEAMR_MALFORMED, offset,
                          "malformed type 0x%02x (integer representation too long, or unknown)",
                          form);
    return read_functype(d, scope, &out->func, err);
}

/* ---- Judging a group ---- */

/* The types refer to nothing beyond the group. */
static beamr_status check_references(const wb_valtype *types, uint32_t count,
                                     uint32_t group_count, uint32_t offset, beamr_error *err)
{
    for (uint32_t i = 0; i < count; i++)
        if (wb_valtype_is_ref(types[i]) && wb_valtype_heap(types[i]) >= WB_HEAP_REC &&
            wb_valtype_heap(types[i]) - WB_HEAP_REC >= group_count)
            return beamr_fail(err, BEAMR_INVALID, offset,
                              "unknown type: a type refers to one behind its recursion group");
    return BEAMR_OK;
}

static beamr_status check_group(const wb_subtype *group, uint32_t count, uint32_t offset,
                                beamr_error *err)
{
    for (uint32_t i = 0; i < count; i++) {
        const wb_functype *f = &group[i].func;

        BEAMR_TRY(check_references(f->params, f->param_count, count, offset, err));
        BEAMR_TRY(check_references(f->results, f->result_count, count, offset, err));
        if (group[i].super != WB_NO_TYPE && group[i].super >= WB_HEAP_REC + i)
            return beamr_fail(err, BEAMR_INVALID, offset,
                              "sub type: a type extends one that is not before it (unknown "
                              "type), or more than one");
    }
    return BEAMR_OK;
}

/* Parameters of the subtype take all that those of the supertype take, results the reverse. */
static bool functype_matches(const wb_registry *r, const wb_functype *sub,
                             const wb_functype *super)
{
    if (sub->param_count != super->param_count || sub->result_count != super->result_count)
        return false;
    for (uint32_t i = 0; i < sub->param_count; i++)
        if (!wb_valtype_matches(r, super->params[i], sub->params[i]))
            return false;
    for (uint32_t i = 0; i < sub->result_count; i++)
        if (!wb_valtype_matches(r, sub->results[i], super->results[i]))
            return false;
    return true;
}

/* Type `index` of the module may extend the type that it says it extends. */
static beamr_status check_super(const wb_module *m, uint32_t index, uint32_t offset,
                                beamr_error *err)
{
    uint32_t super = wb_registry_super(m->registry, m->types[index].canon);

    if (super == WB_NO_TYPE)
        return BEAMR_OK;
    if (wb_registry_is_final(m->registry, super))
        return beamr_fail(err, BEAMR_INVALID, offset,
                          "sub type: type %" PRIu32 " extends a final type", index);
    if (!functype_matches(m->registry, m->types[index].func,
                          wb_registry_func(m->registry, super)))
        return beamr_fail(err, BEAMR_INVALID, offset,
                          "sub type: type %" PRIu32 " does not match the type that it extends",
                          index);
    return BEAMR_OK;
}

/* ---- Groups ---- */

/* Take a group into the registry and the module's list of types. From here on the module holds
 * the reference. */
static beamr_status adopt_group(wb_module *m, const wb_subtype *group, uint32_t count,
                                uint32_t offset, beamr_error *err)
{
    beamr_status st;
    uint32_t first;

    if ((st = wb_registry_add(m->registry, group, count, &first, err)) != BEAMR_OK) {
        if (err)
            err->offset = offset; /* the registry does not know it */
        return st;
    }
    m->groups[m->group_count++] = first;
    for (uint32_t i = 0; i < count; i++) {
        m->types[m->type_count].canon = first + i;
        m->types[m->type_count].func = wb_registry_func(m->registry, first + i);
        m->type_count++;
    }
    return BEAMR_OK;
}

static beamr_status read_group(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    wb_type_scope scope = {d->m->type_count};
    uint32_t count = 1;
    wb_subtype *group;

    if (wb_reader_left(&d->in) > 0 && *d->in.next == 0x4e) {
        BEAMR_TRY(wb_features_need(d->m, WB_FEATURE_BIT(SUBTYPING), &d->m->used, offset, err));
        d->in.next++;
        /* A refused type may take two bytes, and is to be refused by its name. */
        BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_TYPES, 2, &count, err));
    }
    BEAMR_TRY(
        wb_limit_check(WB_LIMIT_ROW_TYPES, (uint64_t)d->m->type_count + count, offset, err));
    if (count == 0)
        return BEAMR_OK; /* an empty group defines nothing */

    if (d->scratch.used > SCRATCH_KEEP)
        arena_clear(&d->scratch);
    if (!(group = ARENA_NEW(&d->scratch, wb_subtype, count)))
        return wb_fail_memory("types", err);
    for (uint32_t i = 0; i < count; i++)
        BEAMR_TRY(read_subtype(d, &scope, &group[i], err));
    BEAMR_TRY(check_group(group, count, offset, err));
    BEAMR_TRY(adopt_group(d->m, group, count, offset, err));
    for (uint32_t i = 0; i < count; i++)
        BEAMR_TRY(check_super(d->m, scope.group_first + i, offset, err));
    return BEAMR_OK;
}

beamr_status wb_decode_types(wb_decoder *d, beamr_error *err)
{
    size_t most_types = wb_reader_left(&d->in) / 3; /* 0x60 and two counts */
    uint32_t count;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_REC_GROUPS, 2, &count, err));
    if (most_types > WB_LIMIT_TYPES)
        most_types = WB_LIMIT_TYPES;
    d->m->groups = ARENA_NEW(&d->m->arena, uint32_t, count);
    d->m->types = ARENA_NEW(&d->m->arena, wb_type, most_types);
    if (!d->m->groups || !d->m->types)
        return wb_fail_memory("types", err);
    for (uint32_t i = 0; i < count; i++)
        BEAMR_TRY(read_group(d, err));
    return BEAMR_OK;
}
