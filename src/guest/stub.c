/* Stubs: functions in the place of imports that nobody provides, so that a module can be used
 * as far as it does without them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "guest/guest.h"

enum { NAME_MAX_SHOWN = 200 };

/* "module.name", cut. */
static char *name_new(const beamr_import *import)
{
    int module =
        (int)(import->module.len < NAME_MAX_SHOWN ? import->module.len : NAME_MAX_SHOWN);
    int name = (int)(import->name.len < NAME_MAX_SHOWN ? import->name.len : NAME_MAX_SHOWN);
    size_t size = (size_t)module + (size_t)name + sizeof ".";
    char *text = malloc(size);

    if (text)
        (void)snprintf(text, size, "%.*s.%.*s", module, (const char *)import->module.data, name,
                       (const char *)import->name.data);
    return text;
}

static beamr_status stub_traps(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_MISSING_IMPORT, "%s", (const char *)call->user);
}

/* The results are zeros and nulls already. */
static beamr_status stub_gives_zeros(const beamr_call *call, const beamr_value *args,
                                     beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    (void)err;
    return BEAMR_OK;
}

static beamr_status fail_unknown(const beamr_import *import, beamr_error *err)
{
    char type[256];

    return beamr_fail(err, BEAMR_UNLINKABLE, 0, "nothing provides the import %.*s.%.*s (%s)",
                      (int)import->module.len, (const char *)import->module.data,
                      (int)import->name.len, (const char *)import->name.data,
                      beamr_externtype_text(&import->type, type, sizeof type));
}

beamr_status guest_stub_make(beamr_store *store, const beamr_import *import, beamr_stubs stubs,
                             beamr_extern *out, beamr_error *err)
{
    beamr_host host = {.callback = stub_traps,
                       .finalize = free,
                       .module = import->module,
                       .name = import->name};
    beamr_extern item = {.kind = BEAMR_EXTERN_FUNC};
    beamr_status st;

    if (stubs == BEAMR_STUBS_NONE || import->type.kind != BEAMR_EXTERN_FUNC)
        return fail_unknown(import, err);
    if (stubs == BEAMR_STUBS_ZEROS) {
        host.callback = stub_gives_zeros;
        host.finalize = NULL;
    } else if (!(host.user = name_new(import))) {
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a stub");
    }
    st = beamr_func_make(store, &import->type.func, &host, &item.of.func, err);
    if (st == BEAMR_OK)
        *out = item;
    else
        free(host.user);
    return st;
}

beamr_status beamr_stubs_link(beamr_linker *linker, const beamr_module *module,
                              beamr_stubs stubs, beamr_error *err)
{
    for (size_t i = 0; i < beamr_module_import_count(module); i++) {
        beamr_import import = beamr_module_import(module, i);
        beamr_extern item;

        if (import.type.kind != BEAMR_EXTERN_FUNC ||
            beamr_linker_resolve(linker, &import, &item))
            continue;
        BEAMR_TRY(guest_stub_make(beamr_linker_store(linker), &import, stubs, &item, err));
        BEAMR_TRY(beamr_linker_define(linker, import.module, import.name, item, err));
    }
    return BEAMR_OK;
}
