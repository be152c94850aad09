/* Functions of a store. Guest functions run in the executor, host functions in src/engine; how
 * they are entered from C is in entry.c. */
#include "runtime/internal.h"

#include <assert.h>

abi_func *rt_instance_func(abi_instance *inst, uint32_t index)
{
    const wb_module *wasm = inst->wasm;
    rt_engine *e = inst->store->engine;
    abi_func *f = inst->funcs[index];

    if (f)
        return f;
    assert(index >= wasm->func_imports && index < wasm->func_count);
    if (!(f = ARENA_NEW(&inst->store->arena, abi_func, 1)))
        return NULL;
    f->entry = e->guest_entry;
    f->store = inst->store;
    f->instance = inst;
    f->type = wb_module_functype(wasm, index);
    f->canon = wasm->types[wasm->funcs[index].type].canon;
    f->index = index;
    f->code = e->code_func(inst->code, index);
    if (inst->context)
        e->func_init(f);
    inst->funcs[index] = f;
    return f;
}

beamr_status rt_host_func_new(abi_store *s, uint32_t canon, abi_entry entry, void *host,
                              void *user, void (*finalize)(void *), abi_func **out,
                              beamr_error *err)
{
    abi_func *f;

    BEAMR_TRY(rt_store_own_type(s, canon, err));
    if (!(f = ARENA_NEW(&s->arena, abi_func, 1)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a host function");
    f->entry = entry;
    f->store = s;
    f->type = wb_registry_func(s->engine->registry, canon);
    f->canon = canon;
    f->host = host;
    f->user = user;
    f->finalize = finalize;
    f->next_host = s->host_funcs;
    s->host_funcs = f;
    *out = f;
    return BEAMR_OK;
}
