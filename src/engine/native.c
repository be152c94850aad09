/* Native code for embedders: the options of a compilation, and what a module has.
 * The compiler's process is started by src/native/process.c; what it makes is checked and
 * loaded by src/native/code.c. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "beamr/native.h"

#include <sched.h>
#include <stdlib.h>

#include "engine/internal.h"
#include "native/native.h"

enum {
    TIME_MS = 60000,
    THREADS_MAX = 64,
};
#define MEMORY_BYTES (UINT64_C(4) << 30)
#define OUTPUT_BYTES (UINT64_C(1) << 30)

/* ---- Options ---- */

static uint32_t processors(void)
{
    cpu_set_t set;
    int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;

    return count < 1 ? 1 : count > THREADS_MAX ? THREADS_MAX : (uint32_t)count;
}

static beamr_status find_arch(const char *target, uint32_t *out, beamr_error *err)
{
    char name[RT_NAME_SIZE];

#if defined(__aarch64__)
    *out = ABI_ARCH_AARCH64;
#else
    *out = ABI_ARCH_X86_64;
#endif
    if (!target)
        return BEAMR_OK;
    if (strcmp(target, "x86_64") == 0)
        *out = ABI_ARCH_X86_64;
    else if (strcmp(target, "aarch64") == 0)
        *out = ABI_ARCH_AARCH64;
    else
        return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                          "target %s is not supported; x86_64 and aarch64 are",
                          rt_name_text(beamr_bytes_of(target), name, sizeof name));
    return BEAMR_OK;
}

/* What the code must do, by the engine and for measuring. */
static uint32_t flags_of(const rt_engine *e, const beamr_compile_options *o)
{
    uint32_t flags = 0;

    if (e->metering)
        flags |= ABI_OBJECT_METERING;
    if (o->checks || e->max_reserved == 0)
        flags |= ABI_OBJECT_CHECKS;
    if (o->no_polls)
        flags |= ABI_OBJECT_NO_POLLS;
    if (o->any_nan)
        flags |= ABI_OBJECT_ANY_NAN;
    return flags;
}

static uint32_t threads_of(const beamr_compile_options *o)
{
    if (o->threads == 0)
        return processors();
    return o->threads < THREADS_MAX ? o->threads : THREADS_MAX;
}

/* ---- Compiling ---- */

static beamr_status compile(abi_module *m, const beamr_compile_options *o, uint8_t **out,
                            size_t *size, beamr_error *err)
{
    static const beamr_compile_options defaults = BEAMR_COMPILE_OPTIONS_DEFAULT;
    char path[NATIVE_PATH_SIZE];
    native_process p = {.path = path};

    if (!o)
        o = &defaults;
    BEAMR_TRY(find_arch(o->target, &p.arch, err));
    BEAMR_TRY(native_process_find(o->program, path, err));
    p.time_ms = o->time_ms ? o->time_ms : TIME_MS;
    p.memory = o->max_memory ? o->max_memory : MEMORY_BYTES;
    p.max_output = o->max_output ? o->max_output : OUTPUT_BYTES;
    p.threads = threads_of(o);
    p.flags = flags_of(m->engine, o);
    p.cpu = o->cpu;
    p.is_stopped = o->is_stopped;
    p.user = o->user;
    return native_process_compile(&p, m->wasm.bytes, out, size, err);
}

beamr_status beamr_compile(beamr_module *module, const beamr_compile_options *options,
                           beamr_bytes *object, beamr_error *err)
{
    uint8_t *bytes = NULL;
    size_t size = 0;

    BEAMR_TRY(compile(engine_module(module), options, &bytes, &size, err));
    *object = (beamr_bytes){bytes, size};
    return BEAMR_OK;
}

void beamr_object_free(beamr_bytes object)
{
    free((void *)(uintptr_t)object.data);
}

beamr_status beamr_module_load_object(beamr_module *module, beamr_bytes object,
                                      beamr_error *err)
{
    return native_code_load(engine_module(module), object, err);
}

beamr_status beamr_module_compile(beamr_module *module, const beamr_compile_options *options,
                                  beamr_error *err)
{
    beamr_bytes object = {0};
    beamr_status st = beamr_compile(module, options, &object, err);

    if (st == BEAMR_OK)
        st = beamr_module_load_object(module, object, err);
    beamr_object_free(object);
    return st;
}

void engine_compile_loaded(abi_module *m)
{
    beamr_error err = {0};

    if (m->wasm.func_count == m->wasm.func_imports)
        return;
    m->native_status = beamr_module_compile(engine_public_module(m), NULL, &err);
    if (m->native_status != BEAMR_OK)
        m->native_error = strdup(err.text); /* the status says enough without */
}

/* ---- Asking ---- */

size_t beamr_module_native_count(const beamr_module *module)
{
    const abi_module *m = engine_module(module);

    return native_code_count(atomic_load_explicit(&m->native, memory_order_acquire));
}

beamr_status beamr_module_native_failure(const beamr_module *module, beamr_error *err)
{
    const abi_module *m = engine_module(module);

    if (m->native_status == BEAMR_OK)
        return BEAMR_OK;
    return beamr_fail(err, m->native_status, 0, "%s", m->native_error ? m->native_error : "");
}
