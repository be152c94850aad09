/* Modules for the compiler's tests: decoded, validated, compiled to a unit or a code object. */
#ifndef TEST_COMPILE_MODULES_H
#define TEST_COMPILE_MODULES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "compile/link.h"
#include "compile/plan.h"
#include "unit/wasm_builder.h"

static wb_registry *registry;

static inline void module_decode(wb_module *m, const wasm_builder *w)
{
    beamr_error err = {0};

    if (!registry)
        registry = wb_registry_new();
    if (wb_decode(m, wasm_bytes_of(w), wb_features_default(), registry, &err) ||
        wb_validate(m, &err))
        fail_msg("%s", err.text);
}

/* Functions [i32] -> [i32], the bodies to be written between module_begin and module_end; one
 * memory. */
static inline void module_begin(wasm_builder *w, uint32_t functions)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, functions);
    for (uint32_t i = 0; i < functions; i++)
        wasm_u32(w, 0);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, functions);
}

static inline void module_end(wasm_builder *w, wb_module *m)
{
    wasm_end(w);
    module_decode(m, w);
    wasm_free(w);
}

/* Functions that load, divide and call one another, and one with a br_table that has a table of
 * addresses. */
static inline void module_of_all(wb_module *m, uint32_t functions)
{
    wasm_builder w = {0};

    module_begin(&w, functions);
    wasm_sized(&w);
    WASM(&w, 0);
    for (unsigned i = 0; i < 8; i++)
        WASM(&w, 0x02, 0x40); /* block */
    WASM(&w, 0x20, 0, 0x0e, 8, 0, 1, 2, 3, 4, 5, 6, 7, 0);
    for (unsigned i = 0; i < 8; i++) /* a call: what each does is no table of numbers */
        WASM(&w, 0x0b, 0x20, 0, 0x41, (uint8_t)(3 * i + 1), 0x6a, 0x10, 0, 0x21, 0);
    WASM(&w, 0x20, 0, 0x0b);
    wasm_end(&w);
    for (uint32_t i = 1; i < functions; i++) {
        wasm_sized(&w);
        WASM(&w, 0, 0x20, 0, 0x28, 2, 0, 0x20, 0, 0x6d, 0x10);
        wasm_u32(&w, (i * 7) % functions);
        WASM(&w, 0x0b);
        wasm_end(&w);
    }
    module_end(&w, m);
}

static inline compile_options options_of(uint32_t arch)
{
    return (compile_options){.arch = arch, .threads = 1, .verify = true};
}

/* A job without a plan, whose functions cannot throw. */
static inline compile_job job_of(const wb_module *m, const compile_options *options)
{
    return (compile_job){.m = m,
                         .options = options,
                         .layout = abi_context_layout_of(m),
                         .guarded = true,
                         .throws = calloc(m->func_count + 1, sizeof(bool))};
}

/* All functions, or all thunks, as one unit. */
static inline compile_elf unit_of(const compile_job *job, bool is_thunks)
{
    compile_unit u;
    compile_elf elf = {0};
    beamr_error err = {0};
    uint32_t imports = job->m->func_imports;

    assert_int_equal(compile_llvm_start(job->options->arch, &err), BEAMR_OK);
    assert_int_equal(compile_unit_init(&u, job, COMPILE_FULL, &err), BEAMR_OK);
    for (uint32_t i = 0; !is_thunks && i < job->m->func_count - imports; i++)
        assert_true(compile_func_build(&u, imports + i));
    for (uint32_t i = 0; is_thunks && i < job->m->type_count; i++)
        compile_thunk_build(&u, i);
    if (compile_unit_emit(&u, COMPILE_FULL, &elf, &err))
        fail_msg("%s", err.text);
    elf.func_count = is_thunks ? 0 : job->m->func_count - imports;
    compile_unit_clear(&u);
    return elf;
}

#endif
