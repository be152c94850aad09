/* Linking: does each import get an object of the type that it asks for, and saying so in text.
 * Looking objects up by name is in src/engine/linker.c.
 * Source: Core, "Matching", "External Types"; "Instantiation". */
#include "base/utf8.h"
#include "runtime/internal.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- Types of imports, exports and objects ---- */

rt_externtype rt_module_externtype(const wb_module *m, wb_extern_kind kind, uint32_t index)
{
    rt_externtype t = {.kind = kind};
    const wb_type *type = NULL;

    switch (kind) {
    case WB_EXTERN_FUNC:
        type = &m->types[m->funcs[index].type];
        break;
    case WB_EXTERN_TAG:
        type = &m->types[m->tags[index].type];
        break;
    case WB_EXTERN_TABLE:
        t.limits = m->tables[index].type.limits;
        t.value = m->tables[index].type.elem;
        break;
    case WB_EXTERN_MEMORY:
        t.limits = m->memories[index].limits;
        break;
    default:
        t.value = m->globals[index].type.type;
        t.is_mutable = m->globals[index].type.is_mutable;
        break;
    }
    if (type) {
        t.canon = type->canon;
        t.func = type->func;
    }
    return t;
}

static wb_limits present_limits(uint64_t size, uint64_t declared_max, bool is64)
{
    return (wb_limits){size, declared_max, declared_max != UINT64_MAX, is64};
}

rt_externtype rt_extern_type(const rt_extern *e)
{
    rt_externtype t = {.kind = e->kind};

    switch (e->kind) {
    case WB_EXTERN_FUNC:
        t.canon = e->of.func->canon;
        t.func = e->of.func->type;
        break;
    case WB_EXTERN_TAG:
        t.canon = e->of.tag->canon;
        t.func = e->of.tag->type;
        break;
    case WB_EXTERN_TABLE: {
        const abi_table *table = e->of.table;
        t.limits = present_limits(table->size, table->declared_max, table->is64);
        t.value = table->elem;
        break;
    }
    case WB_EXTERN_MEMORY: {
        const abi_memory *memory = e->of.memory;
        t.limits = present_limits(memory->pages, memory->declared_max, memory->is64);
        break;
    }
    default:
        t.value = e->of.global->type;
        t.is_mutable = e->of.global->is_mutable;
        break;
    }
    return t;
}

/* ---- Text ---- */

static void limits_text(const wb_limits *l, char *buf, size_t size)
{
    const char *address = l->is64 ? " i64" : "";

    if (l->has_max)
        (void)snprintf(buf, size, "%s %" PRIu64 " %" PRIu64, address, l->min, l->max);
    else
        (void)snprintf(buf, size, "%s %" PRIu64, address, l->min);
}

const char *rt_externtype_text(const rt_externtype *type, char *buf, size_t size)
{
    char inner[512];

    switch (type->kind) {
    case WB_EXTERN_FUNC:
        (void)snprintf(buf, size, "func %s", wb_functype_text(type->func, inner, sizeof inner));
        break;
    case WB_EXTERN_TAG: {
        wb_functype params = *type->func;
        char *arrow;

        params.result_count = 0;
        (void)wb_functype_text(&params, inner, sizeof inner);
        if ((arrow = strstr(inner, " -> ")))
            *arrow = '\0';
        (void)snprintf(buf, size, "tag %s", inner);
        break;
    }
    case WB_EXTERN_TABLE: {
        char elem[64];

        limits_text(&type->limits, inner, sizeof inner);
        (void)snprintf(buf, size, "table%s %s", inner,
                       wb_valtype_text(type->value, elem, sizeof elem));
        break;
    }
    case WB_EXTERN_MEMORY:
        limits_text(&type->limits, inner, sizeof inner);
        (void)snprintf(buf, size, "memory%s", inner);
        break;
    default:
        (void)snprintf(buf, size, "global %s%s", type->is_mutable ? "mut " : "",
                       wb_valtype_text(type->value, inner, sizeof inner));
        break;
    }
    return buf;
}

/* Bytes of the character that begins with `lead`, in valid UTF-8. */
static size_t utf8_length(uint8_t lead)
{
    return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

const char *rt_name_text(beamr_bytes name, char *buf, size_t size)
{
    static const char tail[] = "...\"";
    bool is_utf8 = utf8_is_valid(name);
    size_t used = 1;
    size_t i = 0;

    if (size < 8)
        return "";
    buf[0] = '"';
    while (i < name.len) {
        uint8_t c = name.data[i];
        bool is_plain = c >= 0x80 ? is_utf8 : c >= 0x20 && c != 0x7f && c != '"' && c != '\\';
        size_t take = is_plain ? utf8_length(c) : 1;
        size_t need = is_plain ? take : 3;

        if (used + need + sizeof tail > size) {
            memcpy(buf + used, tail, sizeof tail);
            return buf;
        }
        if (is_plain)
            memcpy(buf + used, name.data + i, take);
        else
            (void)snprintf(buf + used, 4, "\\%02x", c);
        used += need;
        i += take;
    }
    buf[used] = '"';
    buf[used + 1] = '\0';
    return buf;
}

/* ---- Matching ---- */

static bool limits_match(const wb_limits *given, const wb_limits *wanted)
{
    if (given->is64 != wanted->is64 || given->min < wanted->min)
        return false;
    return !wanted->has_max || (given->has_max && given->max <= wanted->max);
}

static bool type_matches(const wb_registry *r, const rt_externtype *given,
                         const rt_externtype *wanted)
{
    if (given->kind != wanted->kind)
        return false;
    switch (wanted->kind) {
    case WB_EXTERN_FUNC:
        return wb_type_is_subtype(r, given->canon, wanted->canon);
    case WB_EXTERN_TAG:
        return given->canon == wanted->canon;
    case WB_EXTERN_TABLE:
        return given->value == wanted->value && limits_match(&given->limits, &wanted->limits);
    case WB_EXTERN_MEMORY:
        return limits_match(&given->limits, &wanted->limits);
    default:
        if (given->is_mutable != wanted->is_mutable)
            return false;
        return wanted->is_mutable ? given->value == wanted->value
                                  : wb_valtype_matches(r, given->value, wanted->value);
    }
}

static const abi_store *extern_store(const rt_extern *e)
{
    switch (e->kind) {
    case WB_EXTERN_FUNC:
        return e->of.func->store;
    case WB_EXTERN_TABLE:
        return e->of.table->store;
    case WB_EXTERN_MEMORY:
        return e->of.memory->store;
    case WB_EXTERN_GLOBAL:
        return e->of.global->store;
    default:
        return e->of.tag->store;
    }
}

static beamr_status fail_import(const wb_import *import, const rt_externtype *given,
                                const rt_externtype *wanted, beamr_error *err)
{
    char module[RT_NAME_SIZE], name[RT_NAME_SIZE], got[112], want[112];

    return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                      "incompatible import type for %s.%s: %s expected, %s given",
                      rt_name_text(import->module, module, sizeof module),
                      rt_name_text(import->name, name, sizeof name),
                      rt_externtype_text(wanted, want, sizeof want),
                      rt_externtype_text(given, got, sizeof got));
}

static beamr_status check_object(const abi_store *s, const wb_import *import,
                                 const rt_extern *object, beamr_error *err)
{
    char module[RT_NAME_SIZE], name[RT_NAME_SIZE];
    const char *fault = NULL;

    if ((unsigned)object->kind >= WB_EXTERN_COUNT)
        fault = "is of no known kind";
    else if (!object->of.any)
        fault = "is missing: NULL was given";
    else if (extern_store(object) != s)
        fault = "belongs to another store";
    if (!fault)
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "import %s.%s %s",
                      rt_name_text(import->module, module, sizeof module),
                      rt_name_text(import->name, name, sizeof name), fault);
}

#define POLL_IMPORTS 16384u

beamr_status rt_link_check(abi_store *s, const abi_module *m, const rt_extern *imports,
                           size_t import_count, beamr_error *err)
{
    const wb_module *wasm = &m->wasm;

    if (m->engine != s->engine)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "module and store are of different engines");
    if (import_count != wasm->import_count)
        return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                          "the module has %" PRIu32 " imports, %zu were given",
                          wasm->import_count, import_count);
    for (uint32_t i = 0; i < wasm->import_count; i++) {
        const wb_import *import = &wasm->imports[i];
        rt_externtype wanted = rt_module_externtype(wasm, import->kind, import->index);
        rt_externtype given;

        if (i % POLL_IMPORTS == POLL_IMPORTS - 1)
            BEAMR_TRY(rt_store_poll(s, err));
        BEAMR_TRY(check_object(s, import, &imports[i], err));
        given = rt_extern_type(&imports[i]);
        if (!type_matches(s->engine->registry, &given, &wanted))
            return fail_import(import, &given, &wanted, err);
    }
    return BEAMR_OK;
}
