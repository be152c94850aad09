/* Imports of every kind. What belongs to the language is the library's, and so is the system if
 * the options say so; all other functions are asked of the caller, or stubs; objects are made.
 * Read next: beamr/guest.h, for how the library comes to its part. */
#include <stdio.h>
#include <stdlib.h>

#include "driver/guest_parts.h"

enum { MODULE_SHOWN = 100, NAME_SHOWN = 160, TYPE_SIZE = 160, NAME_QUICK = 4096 };

/* ---- Stubs ---- */

/* The results are zeros and nulls already. */
static beamr_status give_zeros(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    (void)err;
    return BEAMR_OK;
}

static beamr_status trap_named(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_MISSING_IMPORT, "%s", (const char *)call->user);
}

/* "module.name", cut.  Returns NULL when memory is gone. */
static char *name_new(const beamr_import *import)
{
    enum { SIZE = MODULE_SHOWN + NAME_SHOWN + sizeof "." };
    char *text = malloc(SIZE);

    if (text)
        (void)snprintf(text, SIZE, "%.*s.%.*s", drv_name_shown(import->module, MODULE_SHOWN),
                       (const char *)import->module.data,
                       drv_name_shown(import->name, NAME_SHOWN),
                       (const char *)import->name.data);
    return text;
}

static beamr_status make_func(const drv_guest *guest, const beamr_import *import,
                              beamr_func **out, beamr_error *err)
{
    beamr_host host = {.module = import->module, .name = import->name};
    beamr_status st;

    if (guest->options.stubs == DRV_STUBS_ZEROS)
        host.callback = give_zeros;
    if (guest->options.stubs == DRV_STUBS_TRAP) {
        host.callback = trap_named;
        host.finalize = free;
        if (!(host.user = name_new(import)))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a stub");
    }
    st = beamr_func_make(guest->store, &import->type.func, &host, out, err);
    if (st != BEAMR_OK)
        free(host.user);
    return st;
}

/* ---- Who provides what ---- */

static bool is_library(const drv_guest *guest, beamr_bytes module, beamr_bytes name)
{
    return beamr_guest_is_language(module, name) ||
           (guest->options.has_system && beamr_guest_performs(module, name));
}

static beamr_status make_global(const drv_guest *guest, const beamr_externtype *type,
                                beamr_global **out, beamr_error *err)
{
    if (guest->options.stubs != DRV_STUBS_ZEROS)
        return beamr_fail(err, BEAMR_UNLINKABLE, 0, "nobody provides it");
    return beamr_global_new(guest->store, type->value, type->is_mutable, NULL, out, err);
}

static beamr_status make(const drv_guest *guest, const beamr_import *import, beamr_extern *out,
                         beamr_error *err)
{
    const beamr_externtype *type = &import->type;

    out->kind = type->kind;
    switch (type->kind) {
    case BEAMR_EXTERN_FUNC:
        return make_func(guest, import, &out->of.func, err);
    case BEAMR_EXTERN_MEMORY:
        return beamr_memory_new(guest->store, &type->limits, &out->of.memory, err);
    case BEAMR_EXTERN_TABLE:
        return beamr_table_new(guest->store, &type->limits, type->value, NULL, &out->of.table,
                               err);
    case BEAMR_EXTERN_GLOBAL:
        return make_global(guest, type, &out->of.global, err);
    case BEAMR_EXTERN_TAG:
        return beamr_tag_new(guest->store, &type->func, &out->of.tag, err);
    }
    return beamr_fail(err, BEAMR_UNSUPPORTED, 0, "an import of an unknown kind");
}

/* Asked once for each import. What it fails with is kept in guest->link_error. */
static bool resolve(void *user, beamr_store *store, const beamr_import *import,
                    beamr_extern *out)
{
    drv_guest *guest = user;
    beamr_error why = {0};
    char type[TYPE_SIZE];

    (void)store;
    if (guest->link_error->status != BEAMR_OK ||
        (import->type.kind == BEAMR_EXTERN_FUNC &&
         is_library(guest, import->module, import->name)))
        return false;
    if (make(guest, import, out, &why) == BEAMR_OK)
        return true;
    (void)beamr_fail(guest->link_error,
                     why.status == BEAMR_ARGUMENT ? BEAMR_UNLINKABLE : why.status, 0,
                     "import %.*s.%.*s (%s): %s", drv_name_shown(import->module, MODULE_SHOWN),
                     (const char *)import->module.data,
                     drv_name_shown(import->name, NAME_SHOWN), (const char *)import->name.data,
                     beamr_externtype_text(&import->type, type, sizeof type), why.text);
    return false;
}

/* ---- For guest.c ---- */

/* Functions that call the guest back, or work for it, until they have done: a pause waits. And
 * those of whom merely the names take long to tell, each time that they are called. */
static bool is_slow(const drv_guest *guest, const beamr_import *import)
{
    static const char cxx[] = "__cxa_";

    if (import->module.len + import->name.len > NAME_QUICK)
        return true;
    if (beamr_guest_is_language(import->module, import->name))
        return import->name.len >= sizeof cxx - 1 &&
               memcmp(import->name.data, cxx, sizeof cxx - 1) == 0;
    return is_library(guest, import->module, import->name);
}

void drv_guest_survey(drv_guest *guest)
{
    for (size_t i = 0; i < beamr_module_import_count(guest->module); i++) {
        beamr_import import = beamr_module_import(guest->module, i);
        const beamr_functype *type = &import.type.func;

        if (import.type.kind != BEAMR_EXTERN_FUNC)
            continue;
        if (type->param_count > guest->asked_max)
            guest->asked_max = type->param_count;
        guest->is_slow = guest->is_slow || is_slow(guest, &import);
    }
}

beamr_status drv_guest_link(drv_guest *guest, beamr_error *err)
{
    beamr_error why = {0};
    beamr_linker *linker = NULL;
    beamr_status st = beamr_linker_new(guest->store, &linker, err);

    if (st != BEAMR_OK)
        return st;
    guest->link_error = &why;
    beamr_linker_set_resolver(linker, resolve, guest);
    st = beamr_guest_begin(guest->wasi, linker, guest->module, BEAMR_STUBS_NONE,
                           &guest->instance, &guest->entry, err);
    guest->link_error = NULL;
    beamr_linker_free(linker);
    if (why.status == BEAMR_OK)
        return st;
    if (err)
        *err = why; /* what the linker says of it is that nobody provides it */
    return why.status;
}
