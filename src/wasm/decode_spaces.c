/* The sections that fill index spaces or refer to them: imports, functions, tables, memories,
 * tags, globals, exports, start.
 * Checked here: encodings, counts, features, and type indices, since types are looked up.
 * Whether limits, other indices and initial values make sense is left to validate.c.
 * Source: Core, "Binary Format", "Types" and "Modules". */
#include <inttypes.h>
#include <string.h>

#include "wasm/internal.h"

#define ANY_EXCEPTIONS (WB_FEATURE_BIT(EXCEPTIONS) | WB_FEATURE_BIT(LEGACY_EXCEPTIONS))

/* Flags of limits. */
#define LIMITS_HAS_MAX 0x01
#define LIMITS_SHARED 0x02
#define LIMITS_IS64 0x04

static beamr_status need(wb_decoder *d, wb_features features, uint32_t offset, beamr_error *err)
{
    return wb_features_need(d->m, features, &d->m->used, offset, err);
}

/* ---- Types of what can be imported ---- */

static beamr_status read_limits(wb_decoder *d, wb_limits *out, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint8_t flags = 0;

    BEAMR_TRY(wb_read_byte(&d->in, &flags, err));
    if (flags & ~(LIMITS_HAS_MAX | LIMITS_SHARED | LIMITS_IS64))
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed limits flags 0x%02x", flags);
    if (flags & LIMITS_SHARED)
        return wb_fail_feature(WB_FEATURE_THREADS, offset, err);
    if (flags & LIMITS_IS64)
        BEAMR_TRY(need(d, WB_FEATURE_BIT(MEMORY64), offset, err));
    out->is64 = (flags & LIMITS_IS64) != 0;
    out->has_max = (flags & LIMITS_HAS_MAX) != 0;
    out->max = UINT64_MAX;
    BEAMR_TRY(wb_read_u64(&d->in, &out->min, err));
    return out->has_max ? wb_read_u64(&d->in, &out->max, err) : BEAMR_OK;
}

static beamr_status read_tabletype(wb_decoder *d, wb_tabletype *out, beamr_error *err)
{
    BEAMR_TRY(wb_read_reftype(&d->in, NULL, &out->elem, &d->m->used, err));
    return read_limits(d, &out->limits, err);
}

static beamr_status read_globaltype(wb_decoder *d, wb_globaltype *out, beamr_error *err)
{
    uint8_t mutability = 0;

    BEAMR_TRY(wb_read_valtype(&d->in, NULL, &out->type, &d->m->used, err));
    BEAMR_TRY(wb_read_byte(&d->in, &mutability, err));
    if (mutability > 1)
        return beamr_fail(err, BEAMR_MALFORMED, wb_reader_offset(&d->in) - 1,
                          "malformed mutability 0x%02x", mutability);
    out->is_mutable = mutability == 1;
    return BEAMR_OK;
}

static beamr_status read_type_index(wb_decoder *d, uint32_t *out, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);

    BEAMR_TRY(wb_read_u32(&d->in, out, err));
    if (*out >= d->m->type_count)
        return beamr_fail(err, BEAMR_INVALID, offset,
                          "unknown type %" PRIu32 ": the module has %" PRIu32, *out,
                          d->m->type_count);
    return BEAMR_OK;
}

static beamr_status read_tag(wb_decoder *d, wb_tag *out, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint8_t attribute = 0;

    /* Tags belong to both proposals; which one is meant, only instructions tell. */
    if (!(d->m->features & ANY_EXCEPTIONS))
        return wb_fail_feature(WB_FEATURE_EXCEPTIONS, offset, err);
    BEAMR_TRY(wb_read_byte(&d->in, &attribute, err));
    if (attribute != 0)
        return beamr_fail(err, BEAMR_MALFORMED, offset, "malformed tag attribute 0x%02x",
                          attribute);
    return read_type_index(d, &out->type, err);
}

/* ---- Index spaces ---- */

/* Make room behind the `count` entries of an index space for `add` more; imports come before
 * what the module defines itself.
 *   limit   row that the sum must obey
 *   offset  of the vector that asks for it */
static beamr_status extend(wb_decoder *d, void **entries, size_t size, uint32_t count,
                           uint32_t add, wb_limit limit, uint32_t offset, beamr_error *err)
{
    void *wider;

    BEAMR_TRY(wb_limit_check(limit, (uint64_t)count + add, offset, err));
    if (add == 0)
        return BEAMR_OK;
    if (!(wider = arena_alloc(&d->m->arena, (size_t)count + add, size)))
        return wb_fail_memory("an index space", err);
    if (count > 0)
        memcpy(wider, *entries, count * size);
    *entries = wider;
    return BEAMR_OK;
}

static beamr_status extend_funcs(wb_decoder *d, uint32_t add, uint32_t offset, beamr_error *err)
{
    void *entries = d->m->funcs;

    BEAMR_TRY(extend(d, &entries, sizeof(wb_func), d->m->func_count, add,
                     WB_LIMIT_ROW_FUNCTIONS, offset, err));
    d->m->funcs = entries;
    return BEAMR_OK;
}

static beamr_status extend_tables(wb_decoder *d, uint32_t add, uint32_t offset,
                                  beamr_error *err)
{
    void *entries = d->m->tables;

    BEAMR_TRY(extend(d, &entries, sizeof(wb_table), d->m->table_count, add, WB_LIMIT_ROW_TABLES,
                     offset, err));
    d->m->tables = entries;
    if ((uint64_t)d->m->table_count + add > 1)
        return need(d, WB_FEATURE_BIT(REFERENCE_TYPES), offset, err);
    return BEAMR_OK;
}

static beamr_status extend_memories(wb_decoder *d, uint32_t add, uint32_t offset,
                                    beamr_error *err)
{
    void *entries = d->m->memories;

    BEAMR_TRY(extend(d, &entries, sizeof(wb_memtype), d->m->memory_count, add,
                     WB_LIMIT_ROW_MEMORIES, offset, err));
    d->m->memories = entries;
    if ((uint64_t)d->m->memory_count + add > 1)
        return need(d, WB_FEATURE_BIT(MULTI_MEMORY), offset, err);
    return BEAMR_OK;
}

static beamr_status extend_globals(wb_decoder *d, uint32_t add, uint32_t offset,
                                   beamr_error *err)
{
    void *entries = d->m->globals;

    BEAMR_TRY(extend(d, &entries, sizeof(wb_global), d->m->global_count, add,
                     WB_LIMIT_ROW_GLOBALS, offset, err));
    d->m->globals = entries;
    return BEAMR_OK;
}

static beamr_status extend_tags(wb_decoder *d, uint32_t add, uint32_t offset, beamr_error *err)
{
    void *entries = d->m->tags;

    BEAMR_TRY(extend(d, &entries, sizeof(wb_tag), d->m->tag_count, add, WB_LIMIT_ROW_TAGS,
                     offset, err));
    d->m->tags = entries;
    return BEAMR_OK;
}

/* Functions know how many locals they have from their parameters on; those of the module's own
 * are added with the code. */
static void add_func(wb_module *m, uint32_t type)
{
    const wb_functype *f = m->types[type].func;

    m->funcs[m->func_count++] =
        (wb_func){.type = type, .local_count = f->param_count, .local_slots = f->param_slots};
}

/* ---- Imports ---- */

/* What an import is, until the numbers of each kind are known and the spaces have room. */
typedef struct import_type {
    union {
        uint32_t func; /* type index */
        wb_tabletype table;
        wb_memtype memory;
        wb_globaltype global;
        wb_tag tag;
    };
} import_type;

static beamr_status read_import_type(wb_decoder *d, wb_extern_kind kind, import_type *out,
                                     beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);

    switch (kind) {
    case WB_EXTERN_FUNC:
        return read_type_index(d, &out->func, err);
    case WB_EXTERN_TABLE:
        return read_tabletype(d, &out->table, err);
    case WB_EXTERN_MEMORY:
        return read_limits(d, &out->memory.limits, err);
    case WB_EXTERN_GLOBAL:
        BEAMR_TRY(read_globaltype(d, &out->global, err));
        return out->global.is_mutable ? need(d, WB_FEATURE_BIT(MUTABLE_GLOBALS), offset, err)
                                      : BEAMR_OK;
    default:
        return read_tag(d, &out->tag, err);
    }
}

/* Kind of an import or export. */
static beamr_status read_kind(wb_decoder *d, const char *what, wb_extern_kind *out,
                              beamr_error *err)
{
    uint8_t kind = 0;

    BEAMR_TRY(wb_read_byte(&d->in, &kind, err));
    if (kind >= WB_EXTERN_COUNT)
        return beamr_fail(err, BEAMR_MALFORMED, wb_reader_offset(&d->in) - 1,
                          "malformed %s kind 0x%02x", what, kind);
    *out = (wb_extern_kind)kind;
    return BEAMR_OK;
}

static void place_import(wb_module *m, wb_import *import, const import_type *type)
{
    switch (import->kind) {
    case WB_EXTERN_FUNC:
        import->index = m->func_count;
        add_func(m, type->func);
        break;
    case WB_EXTERN_TABLE:
        import->index = m->table_count;
        m->tables[m->table_count++].type = type->table;
        break;
    case WB_EXTERN_MEMORY:
        import->index = m->memory_count;
        m->memories[m->memory_count++] = type->memory;
        break;
    case WB_EXTERN_GLOBAL:
        import->index = m->global_count;
        m->globals[m->global_count++].type = type->global;
        break;
    default:
        import->index = m->tag_count;
        m->tags[m->tag_count++] = type->tag;
        break;
    }
}

/* Fill the index spaces with the imports that were read. */
static beamr_status place_imports(wb_decoder *d, const import_type *types,
                                  const uint32_t *counts, uint32_t offset, beamr_error *err)
{
    wb_module *m = d->m;

    BEAMR_TRY(extend_funcs(d, counts[WB_EXTERN_FUNC], offset, err));
    BEAMR_TRY(extend_tables(d, counts[WB_EXTERN_TABLE], offset, err));
    BEAMR_TRY(extend_memories(d, counts[WB_EXTERN_MEMORY], offset, err));
    BEAMR_TRY(extend_globals(d, counts[WB_EXTERN_GLOBAL], offset, err));
    BEAMR_TRY(extend_tags(d, counts[WB_EXTERN_TAG], offset, err));
    for (uint32_t i = 0; i < m->import_count; i++)
        place_import(m, &m->imports[i], &types[i]);
    m->func_imports = m->func_count;
    m->table_imports = m->table_count;
    m->memory_imports = m->memory_count;
    m->global_imports = m->global_count;
    m->tag_imports = m->tag_count;
    return BEAMR_OK;
}

beamr_status wb_decode_imports(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint32_t counts[WB_EXTERN_COUNT] = {0};
    wb_module *m = d->m;
    import_type *types;
    uint32_t count;

    /* Two empty names, the kind, and an index or more. */
    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_IMPORTS, 4, &count, err));
    m->imports = ARENA_NEW(&m->arena, wb_import, count);
    types = ARENA_NEW(&d->scratch, import_type, count);
    if (!m->imports || !types)
        return wb_fail_memory("imports", err);
    for (uint32_t i = 0; i < count; i++) {
        wb_import *import = &m->imports[i];

        BEAMR_TRY(wb_read_name(&d->in, &import->module, err));
        BEAMR_TRY(wb_read_name(&d->in, &import->name, err));
        BEAMR_TRY(read_kind(d, "import", &import->kind, err));
        BEAMR_TRY(read_import_type(d, import->kind, &types[i], err));
        counts[import->kind]++;
    }
    m->import_count = count;
    return place_imports(d, types, counts, offset, err);
}

/* ---- What the module defines ---- */

beamr_status wb_decode_functions(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint32_t count, type = 0;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_FUNCTIONS, 1, &count, err));
    BEAMR_TRY(extend_funcs(d, count, offset, err));
    for (uint32_t i = 0; i < count; i++) {
        BEAMR_TRY(read_type_index(d, &type, err));
        add_func(d->m, type);
    }
    return BEAMR_OK;
}

/* A table: its type, or 0x40 0x00, its type and an expression for all elements. */
static beamr_status read_table(wb_decoder *d, wb_table *out, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint8_t reserved = 0;

    if (wb_reader_left(&d->in) == 0 || *d->in.next != 0x40)
        return read_tabletype(d, &out->type, err);
    d->in.next++;
    BEAMR_TRY(wb_read_byte(&d->in, &reserved, err));
    if (reserved != 0)
        return beamr_fail(err, BEAMR_MALFORMED, offset,
                          "malformed table: 0x00 must follow 0x40, not 0x%02x", reserved);
    BEAMR_TRY(need(d, WB_FEATURE_BIT(FUNCTION_REFERENCES), offset, err));
    BEAMR_TRY(read_tabletype(d, &out->type, err));
    return wb_read_expr(&d->in, &out->init, err);
}

beamr_status wb_decode_tables(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint32_t count;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_TABLES, 3, &count, err));
    BEAMR_TRY(extend_tables(d, count, offset, err));
    for (uint32_t i = 0; i < count; i++) {
        BEAMR_TRY(read_table(d, &d->m->tables[d->m->table_count], err));
        d->m->table_count++;
    }
    return BEAMR_OK;
}

beamr_status wb_decode_memories(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint32_t count;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_MEMORIES, 2, &count, err));
    BEAMR_TRY(extend_memories(d, count, offset, err));
    for (uint32_t i = 0; i < count; i++) {
        BEAMR_TRY(read_limits(d, &d->m->memories[d->m->memory_count].limits, err));
        d->m->memory_count++;
    }
    return BEAMR_OK;
}

beamr_status wb_decode_tags(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint32_t count;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_TAGS, 2, &count, err));
    BEAMR_TRY(extend_tags(d, count, offset, err));
    for (uint32_t i = 0; i < count; i++) {
        BEAMR_TRY(read_tag(d, &d->m->tags[d->m->tag_count], err));
        d->m->tag_count++;
    }
    return BEAMR_OK;
}

beamr_status wb_decode_globals(wb_decoder *d, beamr_error *err)
{
    uint32_t offset = wb_reader_offset(&d->in);
    uint32_t count;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_GLOBALS, 3, &count, err));
    BEAMR_TRY(extend_globals(d, count, offset, err));
    for (uint32_t i = 0; i < count; i++) {
        wb_global *global = &d->m->globals[d->m->global_count];

        BEAMR_TRY(read_globaltype(d, &global->type, err));
        BEAMR_TRY(wb_read_expr(&d->in, &global->init, err));
        d->m->global_count++;
    }
    return BEAMR_OK;
}

/* ---- What refers to the index spaces ---- */

beamr_status wb_decode_exports(wb_decoder *d, beamr_error *err)
{
    wb_module *m = d->m;
    uint32_t count;

    BEAMR_TRY(wb_read_count(&d->in, WB_LIMIT_ROW_EXPORTS, 3, &count, err));
    if (!(m->exports = ARENA_NEW(&m->arena, wb_export, count)))
        return wb_fail_memory("exports", err);
    for (uint32_t i = 0; i < count; i++) {
        wb_export *out = &m->exports[i];
        uint32_t offset = wb_reader_offset(&d->in);

        BEAMR_TRY(wb_read_name(&d->in, &out->name, err));
        BEAMR_TRY(read_kind(d, "export", &out->kind, err));
        BEAMR_TRY(wb_read_u32(&d->in, &out->index, err));
        if (out->kind == WB_EXTERN_GLOBAL && out->index < m->global_count &&
            m->globals[out->index].type.is_mutable)
            BEAMR_TRY(need(d, WB_FEATURE_BIT(MUTABLE_GLOBALS), offset, err));
    }
    m->export_count = count;
    return BEAMR_OK;
}

beamr_status wb_decode_start(wb_decoder *d, beamr_error *err)
{
    d->m->has_start = true;
    d->m->start_offset = wb_reader_offset(&d->in);
    return wb_read_u32(&d->in, &d->m->start, err);
}
