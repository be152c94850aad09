/* Types, limits and values between their public and their inner forms. */
#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Value types ---- */

beamr_valtype beamr_valtype_of(beamr_kind kind)
{
    static const wb_valtype types[] = {WB_I32,  WB_I64,     WB_F32,       WB_F64,
                                       WB_V128, WB_FUNCREF, WB_EXTERNREF, WB_EXNREF};

    if ((unsigned)kind >= sizeof types / sizeof types[0])
        return (beamr_valtype){WB_VALTYPE_NONE};
    return (beamr_valtype){types[kind]};
}

beamr_kind beamr_valtype_kind(beamr_valtype type)
{
    return engine_kind(type.bits);
}

const char *beamr_valtype_text(beamr_valtype type, char *buf, size_t size)
{
    return wb_valtype_text(type.bits, buf, size);
}

bool engine_valtype_is_valid(beamr_valtype type)
{
    uint32_t heap = wb_valtype_heap(type.bits);

    if (wb_valtype_is_ref(type.bits))
        return heap <= WB_HEAP_NOEXN || (heap >= WB_HEAP_DEFINED && heap < WB_HEAP_REC);
    return type.bits >= WB_I32 && type.bits <= WB_V128;
}

/* ---- Function types ---- */

/* A beamr_valtype is a struct of one wb_valtype. */
_Static_assert(sizeof(beamr_valtype) == sizeof(wb_valtype), "value types are the same numbers");

beamr_functype engine_public_functype(const wb_functype *type)
{
    return (beamr_functype){
        .params = (const beamr_valtype *)type->params,
        .param_count = type->param_count,
        .results = (const beamr_valtype *)type->results,
        .result_count = type->result_count,
    };
}

static uint32_t count_slots(const beamr_valtype *types, size_t count)
{
    uint32_t slots = 0;

    for (size_t i = 0; i < count; i++)
        slots += wb_valtype_slots(types[i].bits);
    return slots;
}

static beamr_status check_types(const beamr_valtype *types, size_t count, size_t limit,
                                const char *what, beamr_error *err)
{
    if (count > limit)
        return beamr_fail(err, BEAMR_LIMIT, 0, "%zu %ss of a function; at most %zu", count,
                          what, limit);
    for (size_t i = 0; i < count; i++)
        if (!engine_valtype_is_valid(types[i]))
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "%s %zu is of no value type", what,
                              i + 1);
    return BEAMR_OK;
}

/* Of checked types. */
static wb_functype inner_functype(const beamr_functype *type)
{
    return (wb_functype){
        .params = (const wb_valtype *)type->params,
        .results = (const wb_valtype *)type->results,
        .param_count = (uint32_t)type->param_count,
        .result_count = (uint32_t)type->result_count,
        .param_slots = count_slots(type->params, type->param_count),
        .result_slots = count_slots(type->results, type->result_count),
    };
}

beamr_status engine_functype_add(rt_engine *e, const beamr_functype *type, uint32_t *canon,
                                 beamr_error *err)
{
    wb_subtype sub = {.super = WB_NO_TYPE, .final = true};

    BEAMR_TRY(check_types(type->params, type->param_count, WB_LIMIT_PARAMS, "parameter", err));
    BEAMR_TRY(check_types(type->results, type->result_count, WB_LIMIT_RESULTS, "result", err));
    sub.func = inner_functype(type);
    return wb_registry_add(e->registry, &sub, 1, canon, err);
}

/* ---- Imports and exports ---- */

const char *beamr_extern_kind_text(beamr_extern_kind kind)
{
    static const char *const texts[] = {"func", "table", "memory", "global", "tag"};

    return (unsigned)kind < sizeof texts / sizeof texts[0] ? texts[kind] : "unknown";
}

_Static_assert((int)BEAMR_EXTERN_FUNC == WB_EXTERN_FUNC &&
                   (int)BEAMR_EXTERN_TABLE == WB_EXTERN_TABLE &&
                   (int)BEAMR_EXTERN_MEMORY == WB_EXTERN_MEMORY &&
                   (int)BEAMR_EXTERN_GLOBAL == WB_EXTERN_GLOBAL &&
                   (int)BEAMR_EXTERN_TAG == WB_EXTERN_TAG,
               "kinds of externals are in the same order");

wb_limits engine_limits(const beamr_limits *limits)
{
    return (wb_limits){limits->min, limits->max, limits->max != UINT64_MAX, limits->is64};
}

beamr_limits engine_public_limits(uint64_t min, uint64_t max, bool is64)
{
    return (beamr_limits){min, max, is64};
}

beamr_externtype engine_public_externtype(const rt_externtype *type)
{
    beamr_externtype out = {.kind = (beamr_extern_kind)type->kind};

    if (type->func)
        out.func = engine_public_functype(type->func);
    out.limits = engine_public_limits(type->limits.min, type->limits.max, type->limits.is64);
    out.value.bits = type->value;
    out.is_mutable = type->is_mutable;
    return out;
}

const char *beamr_externtype_text(const beamr_externtype *type, char *buf, size_t size)
{
    bool has_func = type->kind == BEAMR_EXTERN_FUNC || type->kind == BEAMR_EXTERN_TAG;
    wb_functype func = has_func ? inner_functype(&type->func) : (wb_functype){0};
    rt_externtype inner = {
        .kind = (wb_extern_kind)type->kind,
        .func = &func,
        .limits = engine_limits(&type->limits),
        .value = type->value.bits,
        .is_mutable = type->is_mutable,
    };

    return rt_externtype_text(&inner, buf, size);
}

beamr_extern engine_public_extern(const rt_extern *e)
{
    beamr_extern out = {.kind = (beamr_extern_kind)e->kind};

    switch (e->kind) {
    case WB_EXTERN_FUNC:
        out.of.func = engine_public_func(e->of.func);
        break;
    case WB_EXTERN_TABLE:
        out.of.table = engine_public_table(e->of.table);
        break;
    case WB_EXTERN_MEMORY:
        out.of.memory = engine_public_memory(e->of.memory);
        break;
    case WB_EXTERN_GLOBAL:
        out.of.global = engine_public_global(e->of.global);
        break;
    default:
        out.of.tag = engine_public_tag(e->of.tag);
        break;
    }
    return out;
}

rt_extern engine_extern(const beamr_extern *e)
{
    rt_extern out = {.kind = (wb_extern_kind)e->kind};

    switch (e->kind) {
    case BEAMR_EXTERN_FUNC:
        out.of.func = engine_func(e->of.func);
        break;
    case BEAMR_EXTERN_TABLE:
        out.of.table = engine_table(e->of.table);
        break;
    case BEAMR_EXTERN_MEMORY:
        out.of.memory = engine_memory(e->of.memory);
        break;
    case BEAMR_EXTERN_GLOBAL:
        out.of.global = engine_global(e->of.global);
        break;
    default:
        out.of.tag = engine_tag(e->of.tag);
        break;
    }
    return out;
}

/* ---- Values ---- */

/* The public view of a reference is one pointer, whatever it refers to. */
static const void *ref_pointer(const beamr_value *v)
{
    uint64_t slot[2];

    (void)engine_value_put(v, slot);
    return (const void *)(uintptr_t)slot[0];
}

bool engine_ref_fits(const abi_store *s, const beamr_value *v, wb_valtype type)
{
    const wb_registry *registry = s->engine->registry;

    if (v->kind != engine_kind(type))
        return false;
    if (!ref_pointer(v))
        return wb_valtype_is_nullable(type);
    switch (v->kind) {
    case BEAMR_FUNCREF: {
        const abi_func *f = engine_func(v->of.func);
        return f->store == s &&
               wb_valtype_matches(registry, WB_REFTYPE(false, WB_HEAP_DEFINED + f->canon),
                                  type);
    }
    case BEAMR_EXNREF:
        return wb_valtype_heap(type) == WB_HEAP_EXN &&
               engine_exception(v->of.exception)->tag->store == s;
    default:
        return wb_valtype_heap(type) == WB_HEAP_EXTERN;
    }
}

const char *engine_misfit_text(const abi_store *s, const beamr_value *v, wb_valtype type,
                               char *buf, size_t size)
{
    char wanted[64], given[64];

    (void)wb_valtype_text(type, wanted, sizeof wanted);
    if (v->kind != engine_kind(type))
        (void)beamr_valtype_text(beamr_valtype_of(v->kind), given, sizeof given);
    else if (!ref_pointer(v))
        (void)snprintf(given, sizeof given, "null");
    else if (v->kind == BEAMR_EXTERNREF)
        (void)snprintf(given, sizeof given, "a reference");
    else if (v->kind == BEAMR_FUNCREF && engine_func(v->of.func)->store == s)
        (void)snprintf(given, sizeof given, "a function of another type");
    else
        (void)snprintf(given, sizeof given, "a reference of another store");
    (void)snprintf(buf, size, "%s expected, %s given", wanted, given);
    return buf;
}

beamr_status engine_value_slots(const abi_store *s, const beamr_value *v, wb_valtype type,
                                const char *what, uint64_t slots[2], beamr_error *err)
{
    char text[ENGINE_MISFIT_SIZE];
    beamr_value null = {.kind = engine_kind(type)};

    slots[0] = slots[1] = 0;
    if (!v)
        v = &null;
    if (!engine_value_fits(s, v, type))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "%s: %s", what,
                          engine_misfit_text(s, v, type, text, sizeof text));
    (void)engine_value_put(v, slots);
    return BEAMR_OK;
}
