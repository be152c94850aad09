/* From the runtime into native code: contexts of instances, functions that have code, and their
 * entry. The assembly is in enter_<arch>.h, what the code calls in builtins.c. */
#include "runtime/entry.h"
#include "native/internal.h"

#include <string.h>

#if defined(__x86_64__)
#include "native/enter_x86_64.h"
#else
#include "native/enter_other.h"
#endif

/* ---- Instances ---- */

/* Code that leaves checks out relies on the guard of memory 0. */
static bool needs_guard(const native_code *c)
{
    return !(c->flags & ABI_OBJECT_CHECKS) && c->wasm->memory_count > 0;
}

static uint64_t *array(abi_context *c, uint32_t offset)
{
    return (uint64_t *)(void *)((uint8_t *)c + offset);
}

static void fill_arrays(abi_context *c, const abi_context_layout *l)
{
    const abi_instance *inst = c->instance;
    const wb_module *w = inst->wasm;

    for (uint32_t i = 0; i < w->memory_count; i++)
        array(c, l->memories)[i] = (uintptr_t)inst->memories[i];
    for (uint32_t i = 0; i < w->table_count; i++)
        array(c, l->tables)[i] = (uintptr_t)inst->tables[i];
    for (uint32_t i = 0; i < w->global_count; i++)
        array(c, l->globals)[i] = (uintptr_t)inst->globals[i]->slots;
    for (uint32_t i = 0; i < w->tag_count; i++)
        array(c, l->tags)[i] = (uintptr_t)inst->tags[i];
    for (uint32_t i = 0; i < w->type_count; i++)
        array(c, l->keys)[i] = abi_func_key(inst, w->types[i].canon);
    for (uint32_t i = 0; i < w->func_imports; i++)
        array(c, l->imports)[i] = (uintptr_t)inst->funcs[i];
}

static void fill(abi_context *c, abi_instance *inst, const native_code *code)
{
    abi_memory *m = inst->memory0;

    c->store = inst->store;
    c->instance = inst;
    c->builtins = native_builtins(code->flags, code->cpu);
    c->memory0 = m;
    if (m->guarded) {
        c->memory_base = m->base;
        c->memory_limit = m->reserved - ABI_GUARD_BYTES;
    }
}

/* Accesses without checks must not find what an earlier resize left open. */
static beamr_status take_memory(abi_memory *m, beamr_error *err)
{
    if (!rt_memory_close(m))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "the host refuses to close what lies behind a memory");
    m->unchecked = true;
    return native_fault_install(err);
}

beamr_status native_instance_init(abi_instance *inst, beamr_error *err)
{
    const native_code *code = atomic_load_explicit(&inst->module->native, memory_order_acquire);
    abi_context_layout l;
    abi_context *c;

    if (!code || code->compiled == 0 || (needs_guard(code) && !inst->memory0->guarded))
        return BEAMR_OK;
    l = abi_context_layout_of(inst->wasm);
    if (!(c = arena_alloc(&inst->store->arena, 1, l.size)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an instance");
    if (needs_guard(code))
        BEAMR_TRY(take_memory(inst->memory0, err));
    fill(c, inst, code);
    fill_arrays(c, &l);
    inst->context = c;
    rt_store_enlarge_stacks(inst->store);
    for (uint32_t i = inst->wasm->func_imports; i < inst->wasm->func_count; i++)
        if (inst->funcs[i])
            native_func_init(inst->funcs[i]);
    return BEAMR_OK;
}

void native_func_init(abi_func *f)
{
    const native_code *code = native_code_of(f->instance->context);
    uint32_t at = native_code_entry(code, f->index);

    if (at == ABI_NO_CODE)
        return;
    f->direct = code->base + at;
    f->thunk = code->base + code->thunks[code->wasm->funcs[f->index].type];
    f->key = abi_func_key(f->instance, f->canon);
    f->entry = native_entry;
}

/* ---- Entry ---- */

/* Run native code once.  Returns what native_enter does. */
static uint32_t enter(abi_native_call *call, const abi_func *f, uint64_t *slots)
{
    abi_store *s = f->store;
    uint32_t result;

    call->context = f->instance->context;
    call->guest_sp = NULL;
    call->pass_total = 0;
    call->skip_poll = true;
    call->outer = s->native;
    s->native = call;
    result = native_enter(call, f->thunk, slots, f->direct, s->units);
    s->native = call->outer;
    return result;
}

beamr_status native_entry(abi_func *f, abi_instance *caller, uint64_t *slots, beamr_error *err)
{
    abi_native_call call;
    uint32_t result;

    /* Begun before the store had an instance with native code. */
    if (!rt_entry_is_large(f->store))
        return f->store->engine->guest_entry(f, caller, slots, err);
    call.err = err;
    result = enter(&call, f, slots);
    if (result == ABI_RETURNED)
        return BEAMR_OK;
    if (result == NATIVE_LEFT)
        return call.status;
    native_trace_passes(&call);
    return BEAMR_EXCEPTION;
}
