/* Functions of a store, and entering them from C.
 * Guest functions run in the executor, host functions in src/engine. */
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

/* Slots of a host function's arguments and results; a guest function's are in its units. */
static uint32_t host_units(const abi_func *f)
{
    if (f->instance)
        return 0;
    return f->type->param_slots > f->type->result_slots ? f->type->param_slots
                                                        : f->type->result_slots;
}

/* Enter, and put back what entries move. */
static beamr_status enter(abi_store *s, abi_func *f, uint64_t *slots, beamr_error *err)
{
    uint64_t *stack_top = s->stack_top;
    abi_frame *frame_top = s->frame_top;
    uint32_t units = s->units;
    beamr_status st;

    s->pending = NULL;
    s->nesting++;
    st = f->entry(f, NULL, slots, err);
    s->nesting--;
    s->stack_top = stack_top;
    s->frame_top = frame_top;
    s->units = units;
    return st;
}

beamr_status rt_call(abi_func *f, uint64_t *slots, beamr_error *err)
{
    abi_store *s = f->store;
    beamr_error own;
    bool outermost;
    beamr_status st;

    if (!err || err->status != BEAMR_OK) {
        beamr_error_clear(&own); /* what ended this call must be known, whoever asks */
        err = &own;
    }
    BEAMR_TRY(rt_store_enter(s, &outermost, err));
    if (s->nesting >= s->max_nesting || host_units(f) > s->units)
        st = beamr_fail_trap(err, BEAMR_TRAP_STACK_EXHAUSTED, NULL);
    else
        st = enter(s, f, slots, err);
    if (st == BEAMR_EXCEPTION) {
        assert(s->pending);
        (void)beamr_fail(err, BEAMR_EXCEPTION, 0, "uncaught exception");
    } else if (st != BEAMR_OK) {
        s->pending = NULL;
        if (err->trap == BEAMR_TRAP_INTERRUPTED && s->nesting == 0)
            rt_store_clear_interrupt(s);
    }
    rt_store_leave(s, outermost);
    return st;
}
