/* A guest with all that it expects: finding out who provides which import, putting them
 * together, and starting programs. */
#include "guest/guest.h"

#include <stdio.h>
#include <stdlib.h>

#include "guest/emscripten.h"
#include "guest/env.h"
#include "guest/wasi.h"

/* ---- Who provides what ---- */

/* Objects that old modules import, and that are made for them. */
static bool is_made(const beamr_import *import)
{
    static const struct {
        const char *name;
        beamr_extern_kind kind;
    } objects[] = {{"memory", BEAMR_EXTERN_MEMORY},
                   {"table", BEAMR_EXTERN_TABLE},
                   {"__indirect_function_table", BEAMR_EXTERN_TABLE}};

    if (import->module.len != 3 || memcmp(import->module.data, "env", 3) != 0)
        return false;
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        if (import->type.kind == objects[i].kind &&
            import->name.len == strlen(objects[i].name) &&
            memcmp(import->name.data, objects[i].name, import->name.len) == 0)
            return true;
    return false;
}

static bool wasi_provides(const beamr_import *import, bool *fits, bool is64)
{
    size_t count;
    const guest_import *rows = guest_wasi_rows(import->module, &count);

    if (!rows || !guest_import_find(rows, count, import->name))
        return false;
    *fits = import->type.kind == BEAMR_EXTERN_FUNC &&
            guest_import_fit(rows, count, import->name, &import->type.func, is64);
    return true;
}

beamr_provider beamr_guest_provider(const beamr_module *module, size_t i,
                                    const beamr_linker *linker)
{
    beamr_import import = beamr_module_import(module, i);
    bool is64 = guest_module_is64(module);
    beamr_extern item;
    bool fits;

    if (linker && beamr_linker_resolve(linker, &import, &item))
        return BEAMR_PROVIDER_LINKER;
    if (wasi_provides(&import, &fits, is64))
        return fits ? BEAMR_PROVIDER_WASI : BEAMR_PROVIDER_MISFIT;
    if (emscripten_provides(&import, &fits, is64))
        return fits ? BEAMR_PROVIDER_EMSCRIPTEN : BEAMR_PROVIDER_MISFIT;
    return is_made(&import) ? BEAMR_PROVIDER_EMSCRIPTEN : BEAMR_PROVIDER_NONE;
}

/* ---- Instances ---- */

/* What an instance is made of. Our own functions are in a linker apart, so that the embedder's
 * stays as it is; for an import that the embedder provides, none of ours is made. */
typedef struct assembly {
    beamr_linker *theirs, *ours;
    beamr_module *module;
    beamr_emscripten *emscripten;
    beamr_extern *imports;
    size_t count;
} assembly;

static beamr_status make_object(beamr_store *store, const beamr_import *import,
                                beamr_extern *out, beamr_error *err)
{
    out->kind = import->type.kind;
    if (import->type.kind == BEAMR_EXTERN_MEMORY)
        return beamr_memory_new(store, &import->type.limits, &out->of.memory, err);
    return beamr_table_new(store, &import->type.limits, import->type.value, NULL,
                           &out->of.table, err);
}

static beamr_status find_import(const assembly *a, size_t i, beamr_stubs stubs,
                                beamr_extern *out, beamr_error *err)
{
    beamr_import import = beamr_module_import(a->module, i);
    beamr_store *store = beamr_linker_store(a->ours);

    if (out->of.func)
        return BEAMR_OK; /* theirs */
    out->kind = BEAMR_EXTERN_FUNC;
    if ((out->of.func = emscripten_invoke_find(a->emscripten, i)) ||
        beamr_linker_find(a->ours, import.module, import.name, out))
        return BEAMR_OK;
    if (is_made(&import))
        return make_object(store, &import, out, err);
    return guest_stub_make(store, &import, stubs, out, err);
}

static beamr_status assemble(assembly *a, beamr_wasi *wasi, beamr_stubs stubs, beamr_error *err)
{
    a->count = beamr_module_import_count(a->module);
    if (a->count > 0 && !(a->imports = calloc(a->count, sizeof *a->imports)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu imports", a->count);
    for (size_t i = 0; i < a->count; i++) {
        beamr_import import = beamr_module_import(a->module, i);

        if (!beamr_linker_resolve(a->theirs, &import, &a->imports[i]))
            a->imports[i].of.func = NULL;
    }
    BEAMR_TRY(beamr_linker_new(beamr_linker_store(a->theirs), &a->ours, err));
    BEAMR_TRY(guest_wasi_link(wasi, a->ours, a->module, a->imports, err));
    BEAMR_TRY(emscripten_link(wasi, a->ours, a->module, a->imports, &a->emscripten, err));
    for (size_t i = 0; i < a->count; i++)
        BEAMR_TRY(find_import(a, i, stubs, &a->imports[i], err));
    return BEAMR_OK;
}

/* The start function may be waiting already; it finds what is attached when it goes on. */
static beamr_status instantiate(const assembly *a, beamr_instance **out, beamr_entry *entry,
                                beamr_error *err)
{
    beamr_store *store = beamr_linker_store(a->theirs);
    beamr_instance *instance = NULL;
    beamr_status st =
        beamr_instance_begin(store, a->module, a->imports, a->count, &instance, entry, err);
    beamr_status attached;

    if (st != BEAMR_OK && st != BEAMR_SUSPENDED)
        return st;
    if ((attached = beamr_emscripten_attach(a->emscripten, instance, err)) != BEAMR_OK) {
        if (st == BEAMR_SUSPENDED)
            (void)beamr_entry_cancel(store, *entry, NULL);
        return attached;
    }
    *out = instance;
    return st;
}

beamr_status beamr_guest_begin(beamr_wasi *wasi, beamr_linker *linker, beamr_module *module,
                               beamr_stubs stubs, beamr_instance **out, beamr_entry *entry,
                               beamr_error *err)
{
    assembly a = {.theirs = linker, .module = module};
    beamr_status st = assemble(&a, wasi, stubs, err);

    if (st == BEAMR_OK)
        st = instantiate(&a, out, entry, err);
    beamr_emscripten_unref(a.emscripten);
    beamr_linker_free(a.ours);
    free(a.imports);
    return st;
}

beamr_status beamr_guest_instantiate(beamr_wasi *wasi, beamr_linker *linker,
                                     beamr_module *module, beamr_stubs stubs,
                                     beamr_instance **out, beamr_error *err)
{
    return beamr_guest_begin(wasi, linker, module, stubs, out, NULL, err);
}

/* ---- Starting ---- */

/* An exported function that takes and gives nothing, or NULL. */
static beamr_func *find_plain(const beamr_instance *instance, const char *name)
{
    beamr_func *func = beamr_instance_find_func(instance, name);
    beamr_functype type;

    if (!func)
        return NULL;
    type = beamr_func_type(func);
    return type.param_count == 0 && type.result_count == 0 ? func : NULL;
}

void beamr_guest_explain(beamr_wasi *wasi, beamr_store *store, beamr_error *err)
{
    beamr_exception *exception;
    char text[BEAMR_ERROR_TEXT_SIZE];

    if (err->status != BEAMR_EXCEPTION || !(exception = beamr_exception_take(store)))
        return;
    if (beamr_emscripten_describe(wasi, exception, text, sizeof text))
        memcpy(err->text, text, sizeof text);
    beamr_exception_release(store, exception);
}

static beamr_status call_plain(beamr_wasi *wasi, beamr_instance *instance, beamr_func *func,
                               beamr_error *err)
{
    beamr_status st;

    beamr_wasi_clear_exit(wasi);
    st = beamr_func_call(func, NULL, 0, NULL, 0, err);
    if (st == BEAMR_EXCEPTION)
        beamr_guest_explain(wasi, beamr_instance_store(instance), err);
    return st;
}

beamr_status beamr_guest_initialize(beamr_wasi *wasi, beamr_instance *instance,
                                    beamr_error *err)
{
    beamr_func *func = find_plain(instance, "_initialize");
    beamr_error own = {0};

    if (!func)
        func = find_plain(instance, "__wasm_call_ctors");
    return func ? call_plain(wasi, instance, func, err ? err : &own) : BEAMR_OK;
}

beamr_status beamr_guest_run(beamr_wasi *wasi, beamr_instance *instance, uint32_t *code,
                             beamr_error *err)
{
    beamr_func *start = find_plain(instance, "_start");
    beamr_error own = {0};
    uint32_t exit_code = 0;
    beamr_status st;

    if (!err)
        err = &own;
    if (!start)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0,
                          beamr_instance_find_func(instance, "_start")
                              ? "the export _start takes or gives something"
                              : "the module does not export _start: it is no program");
    st = call_plain(wasi, instance, start, err);
    if (st == BEAMR_TRAP && err->trap == BEAMR_TRAP_EXIT &&
        beamr_wasi_exited(wasi, &exit_code)) {
        beamr_error_clear(err);
        st = BEAMR_OK;
    }
    if (st == BEAMR_OK)
        *code = exit_code;
    return st;
}
