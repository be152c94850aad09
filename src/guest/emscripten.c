/* Linking the imports that Emscripten's modules take from `env`, and finding what these need of
 * the guest. What the functions do: invoke.c, throw.c, cxx.c, and env_*.c. */
#include "guest/emscripten.h"

#include <stdlib.h>

#include "beamr/guest.h"
#include "guest/env.h"
#include "guest/system.h"

/* ---- The object ---- */

beamr_emscripten *beamr_emscripten_ref(beamr_emscripten *e)
{
    e->refs++;
    return e;
}

static void forget(beamr_emscripten *e)
{
    beamr_emscripten **link = &guest_wasi_cxx(e->wasi)->doors;

    while (*link && *link != e)
        link = &(*link)->next;
    if (*link)
        *link = e->next;
}

void beamr_emscripten_unref(beamr_emscripten *e)
{
    if (!e || --e->refs > 0)
        return;
    forget(e);
    beamr_wasi_unref(e->wasi);
    beamr_module_unref(e->module);
    free(e->invokes);
    free(e);
}

static void door_ref(void *door)
{
    (void)beamr_emscripten_ref(door);
}

static void door_unref(void *door)
{
    beamr_emscripten_unref(door);
}

static beamr_status make(beamr_wasi *wasi, beamr_store *store, beamr_module *module,
                         beamr_emscripten **out, beamr_error *err)
{
    beamr_valtype address = beamr_valtype_of(BEAMR_I64);
    beamr_functype type = {.params = &address, .param_count = 1};
    guest_cxx *cxx = guest_wasi_cxx(wasi);
    beamr_emscripten *e = calloc(1, sizeof *e);

    if (!e)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for Emscripten's imports");
    e->refs = 1;
    e->wasi = beamr_wasi_ref(wasi);
    e->store = store;
    e->module = beamr_module_ref(module);
    e->is64 = guest_module_is64(module);
    e->dialect = guest_env_dialect(module);
    e->next = cxx->doors;
    cxx->doors = e;
    guest_set_extra(wasi, &(guest_extra){guest_cxx_save, guest_cxx_load, cxx});
    *out = e;
    return beamr_tag_new(store, &type, &e->tag, err);
}

/* ---- Linking ---- */

static beamr_status bind_rows(beamr_emscripten *e, beamr_linker *linker,
                              const beamr_extern *taken, const guest_import *rows, size_t count,
                              unsigned deferrable, beamr_error *err)
{
    guest_door door = {.wasi = e->wasi,
                       .door = e,
                       .door_ref = door_ref,
                       .door_unref = door_unref,
                       .dialect = e->dialect,
                       .instance = &e->instance,
                       .deferrable = deferrable,
                       .taken = taken};

    return guest_bind(linker, e->module, "env", rows, count, &door, err);
}

static beamr_status link_all(beamr_emscripten *e, beamr_linker *linker,
                             const beamr_extern *taken, beamr_error *err)
{
    BEAMR_TRY(
        bind_rows(e, linker, taken, guest_env_rows, guest_env_row_count, GUEST_DEFER_ENV, err));
    BEAMR_TRY(bind_rows(e, linker, taken, guest_throw_rows, guest_throw_row_count, 0, err));
    BEAMR_TRY(bind_rows(e, linker, taken, guest_cxx_rows, guest_cxx_row_count, 0, err));
    BEAMR_TRY(emscripten_matching_catch_link(e, linker, err));
    return emscripten_invokes_link(e, linker, err);
}

beamr_status emscripten_link(beamr_wasi *wasi, beamr_linker *linker, beamr_module *module,
                             const beamr_extern *taken, beamr_emscripten **out,
                             beamr_error *err)
{
    beamr_emscripten *e = NULL;
    beamr_status st = make(wasi, beamr_linker_store(linker), module, &e, err);

    if (st == BEAMR_OK)
        st = link_all(e, linker, taken, err);
    if (st == BEAMR_OK) {
        *out = e;
        e = NULL;
    }
    beamr_emscripten_unref(e);
    return st;
}

beamr_status beamr_emscripten_link(beamr_wasi *wasi, beamr_linker *linker, beamr_module *module,
                                   beamr_emscripten **out, beamr_error *err)
{
    return emscripten_link(wasi, linker, module, NULL, out, err);
}

bool beamr_guest_is_language(beamr_bytes module, beamr_bytes name)
{
    beamr_import import = {module, name, {.kind = BEAMR_EXTERN_FUNC}};

    if (module.len != 3 || memcmp(module.data, "env", 3) != 0)
        return false;
    return guest_import_find(guest_throw_rows, guest_throw_row_count, name) ||
           guest_import_find(guest_cxx_rows, guest_cxx_row_count, name) ||
           emscripten_is_invoke(&import) || emscripten_is_matching_catch(&import);
}

bool emscripten_provides(const beamr_import *import, bool *fits, bool is64)
{
    static const struct {
        const guest_import *rows;
        const size_t *count;
    } tables[] = {{guest_env_rows, &guest_env_row_count},
                  {guest_throw_rows, &guest_throw_row_count},
                  {guest_cxx_rows, &guest_cxx_row_count}};

    *fits = import->type.kind == BEAMR_EXTERN_FUNC;
    if (import->module.len != 3 || memcmp(import->module.data, "env", 3) != 0)
        return false;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const guest_import *rows = tables[i].rows;
        size_t count = *tables[i].count;

        if (!guest_import_find(rows, count, import->name))
            continue;
        *fits = *fits &&
                guest_import_fit(rows, count, import->name, &import->type.func, is64) != NULL;
        return true;
    }
    return emscripten_is_invoke(import) || emscripten_is_matching_catch(import);
}

/* ---- The guest's functions ---- */

beamr_status emscripten_export(const beamr_emscripten *e, const char *names, const char *type,
                               beamr_func **out, beamr_error *err)
{
    *out = NULL;
    for (; *names; names += strlen(names) + 1) {
        beamr_export found;
        beamr_func *func;

        if (!beamr_module_find_export(e->module, beamr_bytes_of(names), &found) ||
            found.type.kind != BEAMR_EXTERN_FUNC ||
            !guest_type_fits(&found.type.func, type, e->is64))
            continue;
        if (!(func = beamr_instance_find_func(e->instance, names)))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the export %s", names);
        *out = func;
        return BEAMR_OK;
    }
    return BEAMR_OK;
}

/* The table of C's function pointers: exported, or else the instance's first; or NULL. */
static beamr_table *find_table(const beamr_emscripten *e)
{
    beamr_extern item;

    if (beamr_instance_find(e->instance, beamr_bytes_of("__indirect_function_table"), &item) &&
        item.kind == BEAMR_EXTERN_TABLE)
        return item.of.table;
    return beamr_instance_table(e->instance, 0);
}

static beamr_status find_exports(beamr_emscripten *e, beamr_error *err)
{
    emscripten_exports *x = &e->exports;
    const struct {
        beamr_func **func;
        const char *names, *type;
    } wanted[] = {
        {&x->malloc, "malloc\0_malloc\0", "P:P"},
        {&x->free, "free\0_free\0", "P:"},
        {&x->set_threw, EMSCRIPTEN_SET_THREW, "Pi:"},
        {&x->set_temp_ret, "_emscripten_tempret_set\0setTempRet0\0_setTempRet0\0", "i:"},
        {&x->can_catch, "__cxa_can_catch\0___cxa_can_catch\0", "PPP:i"},
        {&x->is_pointer_type, "__cxa_is_pointer_type\0___cxa_is_pointer_type\0", "P:i"},
        {&x->get_exception_ptr, "__cxa_get_exception_ptr\0", "P:P"},
        {&x->increment_refcount, "__cxa_increment_exception_refcount\0", "P:"},
        {&x->decrement_refcount, "__cxa_decrement_exception_refcount\0", "P:"},
        {&x->free_exception, "__cxa_free_exception\0", "P:"},
    };

    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        BEAMR_TRY(emscripten_export(e, wanted[i].names, wanted[i].type, wanted[i].func, err));
    return BEAMR_OK;
}

beamr_status beamr_emscripten_attach(beamr_emscripten *e, beamr_instance *instance,
                                     beamr_error *err)
{
    beamr_status st;

    if (beamr_instance_module(instance) != e->module ||
        beamr_instance_store(instance) != e->store)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "the instance is of another module or store than was linked");
    e->instance = instance;
    e->table = find_table(e);
    st = find_exports(e, err);
    if (st == BEAMR_OK)
        st = emscripten_invokes_attach(e, err);
    if (st != BEAMR_OK) {
        e->instance = NULL;
        e->table = NULL;
    }
    return st;
}
