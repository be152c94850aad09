/* `__cxa_find_matching_catch_N`: which of a function's handlers takes the exception that was
 * thrown last. There is one import for each number of handlers. */
#include <stdlib.h>

#include "guest/cxx_object.h"

beamr_status cxx_set_temp_ret(const guest_call *call, uint64_t v, beamr_error *err)
{
    beamr_func *func = cxx_exports(call)->set_temp_ret;
    beamr_value value = beamr_i32((int32_t)(uint32_t)v);

    cxx_state(call)->temp_ret = (uint32_t)v;
    return func ? beamr_func_call(func, &value, 1, NULL, 0, err) : BEAMR_OK;
}

/* ---- Choosing a handler ---- */

/* Is a handler for `type` one for the exception?  It then notes the adjusted address. */
static beamr_status can_catch(const guest_call *call, uint64_t type, uint64_t thrown,
                              uint64_t object, bool *out, beamr_error *err)
{
    beamr_func *func = cxx_exports(call)->can_catch;
    uint64_t pointers[3] = {type, thrown, cxx_field_at(call, object, CXX_ADJUSTED)};
    beamr_value result;

    *out = type == 0 || type == thrown;
    if (*out || !func)
        return BEAMR_OK;
    BEAMR_TRY(cxx_call(call, func, pointers, 3, &result, err));
    *out = result.of.i32 != 0;
    return BEAMR_OK;
}

/* The first of the types whose handler takes the last exception; or its own type, which none of
 * them is, so that the guest goes on to clean up. */
static beamr_status choose(const guest_call *call, uint64_t object, const beamr_value *types,
                           size_t count, uint64_t *out, beamr_error *err)
{
    uint64_t thrown;

    BEAMR_TRY(cxx_put(call, object, CXX_ADJUSTED, object, err));
    BEAMR_TRY(cxx_get(call, object, CXX_TYPE, &thrown, err));
    *out = thrown;
    for (size_t i = 0; i < count && thrown != 0; i++) {
        uint64_t type = guest_pointer(&types[i]);
        bool is_chosen;

        BEAMR_TRY(can_catch(call, type, thrown, object, &is_chosen, err));
        if (is_chosen) {
            *out = type ? type : thrown;
            break;
        }
    }
    return BEAMR_OK;
}

/* ---- `__cxa_find_matching_catch_N` ---- */

typedef struct matcher {
    beamr_emscripten *e; /* counted */
    size_t count;        /* of types */
} matcher;

static void matcher_free(void *user)
{
    matcher *m = user;

    beamr_emscripten_unref(m->e);
    free(m);
}

static beamr_status find_matching_catch(const beamr_call *outer, const beamr_value *args,
                                        beamr_value *results, beamr_error *err)
{
    const matcher *m = outer->user;
    beamr_instance *caller = m->e->instance ? m->e->instance : outer->caller;
    guest_call call = {.store = outer->store,
                       .caller = caller,
                       .memory = caller ? beamr_instance_memory(caller, 0) : NULL,
                       .is64 = m->e->is64,
                       .wasi = m->e->wasi,
                       .door = m->e};
    uint64_t object = cxx_state(&call)->last;
    uint64_t type = 0;

    if (object)
        BEAMR_TRY(choose(&call, object, args, m->count, &type, err));
    results[0] = guest_pointer_value(&call, object);
    return cxx_set_temp_ret(&call, type, err);
}

static bool has_prefix(beamr_bytes name, const char *prefix)
{
    return name.len >= strlen(prefix) && memcmp(name.data, prefix, strlen(prefix)) == 0;
}

bool emscripten_is_matching_catch(const beamr_import *import)
{
    return import->type.kind == BEAMR_EXTERN_FUNC && has_prefix(import->module, "env") &&
           import->module.len == 3 && has_prefix(import->name, "__cxa_find_matching_catch");
}

static bool matching_catch_fits(const beamr_functype *type, bool is64)
{
    beamr_kind pointer = is64 ? BEAMR_I64 : BEAMR_I32;

    for (size_t i = 0; i < type->param_count; i++)
        if (beamr_valtype_kind(type->params[i]) != pointer)
            return false;
    return type->result_count == 1 && beamr_valtype_kind(type->results[0]) == pointer;
}

static beamr_status matching_catch_define(beamr_emscripten *e, beamr_linker *linker,
                                          const beamr_import *import, beamr_error *err)
{
    beamr_extern item = {.kind = BEAMR_EXTERN_FUNC};
    beamr_host host = {.callback = find_matching_catch,
                       .finalize = matcher_free,
                       .module = import->module,
                       .name = import->name};
    matcher *m;

    if (!matching_catch_fits(&import->type.func, e->is64))
        return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                          "import env.%.*s takes and gives pointers only",
                          (int)import->name.len, (const char *)import->name.data);
    if (!(m = malloc(sizeof *m)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an import");
    *m = (matcher){beamr_emscripten_ref(e), import->type.func.param_count};
    host.user = m;
    if (beamr_func_make(e->store, &import->type.func, &host, &item.of.func, err) != BEAMR_OK) {
        matcher_free(m);
        return err ? err->status : BEAMR_NO_MEMORY;
    }
    return beamr_linker_define(linker, import->module, import->name, item, err);
}

beamr_status emscripten_matching_catch_link(beamr_emscripten *e, beamr_linker *linker,
                                            beamr_error *err)
{
    for (size_t i = 0; i < beamr_module_import_count(e->module); i++) {
        beamr_import import = beamr_module_import(e->module, i);

        if (emscripten_is_matching_catch(&import))
            BEAMR_TRY(matching_catch_define(e, linker, &import, err));
    }
    return BEAMR_OK;
}
