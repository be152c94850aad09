/* The interpreter's record of a module: one entry for each defined function. */
#include <stdlib.h>

#include "interp/internal.h"

static void func_init(interp_func *f, interp_code *code, uint32_t index)
{
    const wb_module *m = &code->module->wasm;
    const wb_functype *type = wb_module_functype(m, index);

    f->words = interp_stub;
    f->units = wb_func_units(m, index);
    f->param_slots = type->param_slots;
    f->zero_slots = m->funcs[index].local_slots - type->param_slots;
    f->frame_slots = f->units - WB_UNITS_FRAME;
    f->index = index;
    f->code = code;
}

beamr_status interp_code_new(abi_module *m, void **out, beamr_error *err)
{
    uint32_t count = m->wasm.func_count - m->wasm.func_imports;
    interp_code *code = calloc(1, sizeof *code + (size_t)count * sizeof code->funcs[0]);

    (void)interp_handlers();
    if (!code || pthread_mutex_init(&code->lock, NULL) != 0) {
        free(code);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %u functions", count);
    }
    code->module = m;
    code->func_imports = m->wasm.func_imports;
    code->func_count = count;
    for (uint32_t i = 0; i < count; i++)
        func_init(&code->funcs[i], code, code->func_imports + i);
    *out = code;
    return BEAMR_OK;
}

void interp_side_free(interp_side *side)
{
    if (!side)
        return;
    free(side->offsets);
    free(side->spans);
    free(side->regions);
    free(side->clauses);
    free(side);
}

void interp_code_free(void *record)
{
    interp_code *code = record;

    if (!code)
        return;
    for (uint32_t i = 0; i < code->func_count; i++) {
        interp_func *f = &code->funcs[i];

        if (f->words != interp_stub)
            free((void *)(uintptr_t)f->words);
        interp_side_free(f->side);
    }
    (void)pthread_mutex_destroy(&code->lock);
    free(code);
}

void *interp_code_func(void *record, uint32_t index)
{
    interp_code *code = record;

    return &code->funcs[index - code->func_imports];
}
