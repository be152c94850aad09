/* Modules: loading, and what can be asked of one before it is instantiated.
 * An index beyond the end gives an empty answer. */
#include "engine/internal.h"

static const wb_module *wasm_of(const beamr_module *module)
{
    return &engine_module(module)->wasm;
}

static beamr_externtype type_of(const wb_module *w, wb_extern_kind kind, uint32_t index)
{
    rt_externtype type = rt_module_externtype(w, kind, index);

    return engine_public_externtype(&type);
}

beamr_status beamr_module_load(beamr_engine *engine, beamr_bytes wasm, beamr_module **out,
                               beamr_error *err)
{
    abi_module *m = NULL;

    BEAMR_TRY(rt_module_new(engine_engine(engine), wasm, &m, err));
    if (m->engine->compiles)
        engine_compile_loaded(m);
    *out = engine_public_module(m);
    return BEAMR_OK;
}

beamr_module *beamr_module_ref(beamr_module *module)
{
    rt_module_ref(engine_module(module));
    return module;
}

void beamr_module_unref(beamr_module *module)
{
    rt_module_unref(engine_module(module));
}

beamr_status beamr_module_id(const beamr_module *module, uint8_t id[BEAMR_MODULE_ID_SIZE],
                             beamr_error *err)
{
    _Static_assert(BEAMR_MODULE_ID_SIZE == RT_MODULE_ID_SIZE, "the same identity");
    return rt_module_id(engine_module(module), id, err);
}

size_t beamr_module_import_count(const beamr_module *module)
{
    return wasm_of(module)->import_count;
}

beamr_import beamr_module_import(const beamr_module *module, size_t i)
{
    const wb_module *w = wasm_of(module);
    const wb_import *import;

    if (i >= w->import_count)
        return (beamr_import){0};
    import = &w->imports[i];
    return (beamr_import){import->module, import->name,
                          type_of(w, import->kind, import->index)};
}

size_t beamr_module_export_count(const beamr_module *module)
{
    return wasm_of(module)->export_count;
}

beamr_export beamr_module_export(const beamr_module *module, size_t i)
{
    const wb_module *w = wasm_of(module);
    const wb_export *export;

    if (i >= w->export_count)
        return (beamr_export){0};
    export = &w->exports[i];
    return (beamr_export){export->name, type_of(w, export->kind, export->index)};
}

bool beamr_module_find_export(const beamr_module *module, beamr_bytes name, beamr_export *out)
{
    const wb_module *w = wasm_of(module);

    for (size_t i = 0; i < w->export_count; i++)
        if (engine_bytes_equal(w->exports[i].name, name)) {
            *out = beamr_module_export(module, i);
            return true;
        }
    return false;
}

size_t beamr_module_memory_count(const beamr_module *module)
{
    return wasm_of(module)->memory_count;
}

beamr_limits beamr_module_memory(const beamr_module *module, size_t i)
{
    const wb_module *w = wasm_of(module);
    const wb_limits *limits;

    if (i >= w->memory_count)
        return (beamr_limits){0};
    limits = &w->memories[i].limits;
    return engine_public_limits(limits->min, limits->max, limits->is64);
}

size_t beamr_module_func_count(const beamr_module *module)
{
    return wasm_of(module)->func_count;
}

beamr_bytes beamr_module_func_name(const beamr_module *module, size_t i)
{
    const wb_module *w = wasm_of(module);

    return i < w->func_count ? wb_func_name(w, (uint32_t)i) : (beamr_bytes){0};
}

bool beamr_module_uses_feature(const beamr_module *module, size_t i)
{
    return i < WB_FEATURE_COUNT && (wasm_of(module)->used & 1u << i) != 0;
}

size_t beamr_module_section_count(const beamr_module *module)
{
    return wasm_of(module)->section_count;
}

/* Source: Core, "Binary Format", "Sections". */
static const char *section_kind(uint8_t id)
{
    static const char *const kinds[] = {
        "custom", "type",  "import",  "function", "table", "memory",     "global",
        "export", "start", "element", "code",     "data",  "data count", "tag",
    };

    return id < sizeof kinds / sizeof kinds[0] ? kinds[id] : "unknown";
}

beamr_section beamr_module_section(const beamr_module *module, size_t i)
{
    const wb_module *w = wasm_of(module);
    const wb_section *section;

    if (i >= w->section_count)
        return (beamr_section){0};
    section = &w->sections[i];
    return (beamr_section){section->id, section_kind(section->id), section->name,
                           section->offset, section->size};
}
