/* Instances: making one out of a module and its imports, and finding what it exports. */
#include "beamr/entry.h"

#include <stdlib.h>

#include "engine/internal.h"

beamr_status beamr_instance_new(beamr_store *store, beamr_module *module,
                                const beamr_extern *imports, size_t import_count,
                                beamr_instance **out, beamr_error *err)
{
    return beamr_instance_begin(store, module, imports, import_count, out, NULL, err);
}

beamr_status beamr_instance_begin(beamr_store *store, beamr_module *module,
                                  const beamr_extern *imports, size_t import_count,
                                  beamr_instance **out, beamr_entry *entry, beamr_error *err)
{
    abi_module *m = engine_module(module);
    abi_instance *inst = NULL;
    rt_extern *inner = NULL;
    beamr_status st;

    /* With another count the runtime says so before it reads any. */
    if (import_count > 0 && import_count == m->wasm.import_count) {
        if (!(inner = malloc(import_count * sizeof *inner)))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu imports",
                              import_count);
        for (size_t i = 0; i < import_count; i++)
            inner[i] = engine_extern(&imports[i]);
    }
    st = rt_instance_new(engine_store(store), m, inner, import_count, &inst, entry, err);
    if (st == BEAMR_OK || st == BEAMR_SUSPENDED)
        *out = engine_public_instance(inst);
    free(inner);
    return st;
}

beamr_module *beamr_instance_module(const beamr_instance *instance)
{
    return engine_public_module(engine_instance(instance)->module);
}

beamr_store *beamr_instance_store(const beamr_instance *instance)
{
    return engine_public_store(engine_instance(instance)->store);
}

beamr_extern beamr_instance_export(const beamr_instance *instance, size_t i)
{
    abi_instance *inst = engine_instance(instance);
    const wb_export *export;
    rt_extern e;

    if (i >= inst->wasm->export_count)
        return (beamr_extern){0};
    export = &inst->wasm->exports[i];
    e = rt_instance_extern(inst, export->kind, export->index);
    return engine_public_extern(&e);
}

bool beamr_instance_find(const beamr_instance *instance, beamr_bytes name, beamr_extern *out)
{
    const wb_module *w = engine_instance(instance)->wasm;

    for (size_t i = 0; i < w->export_count; i++)
        if (engine_bytes_equal(w->exports[i].name, name)) {
            beamr_extern e = beamr_instance_export(instance, i);

            if (!e.of.func)
                return false; /* no memory for the function's record */
            *out = e;
            return true;
        }
    return false;
}

beamr_func *beamr_instance_find_func(const beamr_instance *instance, const char *name)
{
    beamr_extern e;

    if (!beamr_instance_find(instance, beamr_bytes_of(name), &e) || e.kind != BEAMR_EXTERN_FUNC)
        return NULL;
    return e.of.func;
}

beamr_memory *beamr_instance_find_memory(const beamr_instance *instance, const char *name)
{
    beamr_extern e;

    if (!beamr_instance_find(instance, beamr_bytes_of(name), &e) ||
        e.kind != BEAMR_EXTERN_MEMORY)
        return NULL;
    return e.of.memory;
}

beamr_memory *beamr_instance_memory(const beamr_instance *instance, size_t i)
{
    const abi_instance *inst = engine_instance(instance);

    return i < inst->wasm->memory_count ? engine_public_memory(inst->memories[i]) : NULL;
}

beamr_table *beamr_instance_table(const beamr_instance *instance, size_t i)
{
    const abi_instance *inst = engine_instance(instance);

    return i < inst->wasm->table_count ? engine_public_table(inst->tables[i]) : NULL;
}
