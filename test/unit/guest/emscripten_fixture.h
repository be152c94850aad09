/* Guests in Emscripten's `invoke_*` form, in both pointer widths, and calling them. */
#ifndef TEST_GUEST_EMSCRIPTEN_FIXTURE_H
#define TEST_GUEST_EMSCRIPTEN_FIXTURE_H

#include "../engine/fixture.h"
#include "emscripten_guest32.h"
#include "emscripten_guest64.h"

typedef struct guest {
    fixture f;
    beamr_wasi *wasi;
    beamr_linker *linker;
    beamr_module *module;
    beamr_instance *instance;
    bool is64;
} guest;

/* What the import `host` does. */
typedef beamr_status (*host_function)(const beamr_call *call, const beamr_value *args,
                                      beamr_value *results, beamr_error *err);

static inline beamr_bytes guest_image(bool is64)
{
    return is64 ? (beamr_bytes){emscripten_guest64, sizeof emscripten_guest64}
                : (beamr_bytes){emscripten_guest32, sizeof emscripten_guest32};
}

/* config, host  may be NULL; without a host function its import is answered later */
static inline guest guest_open_with(bool is64, const beamr_config *config, host_function host,
                                    void *user)
{
    guest g = {.f = fixture_open_with(config, NULL), .is64 = is64};
    beamr_host made = {.callback = host, .user = user};
    beamr_error err = {0};

    assert_int_equal(beamr_wasi_new(NULL, &g.wasi, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(g.f.store, &g.linker, &err), BEAMR_OK);
    assert_int_equal(
        beamr_linker_define_host(g.linker, "env", "host", fixture_type("i", ""), &made, &err),
        BEAMR_OK);
    if (beamr_module_load(g.f.engine, guest_image(is64), &g.module, &err) != BEAMR_OK ||
        beamr_guest_instantiate(g.wasi, g.linker, g.module, BEAMR_STUBS_TRAP, &g.instance,
                                &err) != BEAMR_OK)
        fail_msg("the guest cannot be made: %s", err.text);
    return g;
}

static inline void guest_close(guest *g)
{
    beamr_module_unref(g->module);
    beamr_linker_free(g->linker);
    fixture_close(&g->f);
    beamr_wasi_unref(g->wasi);
}

static inline beamr_func *guest_func(const guest *g, const char *name)
{
    beamr_func *func = beamr_instance_find_func(g->instance, name);

    assert_non_null(func);
    return func;
}

/* Call an export of i32 parameters and an i32 result. */
static inline beamr_status guest_try(guest *g, const char *name, const int32_t *args,
                                     size_t count, int32_t *out, beamr_error *err)
{
    beamr_value values[4], result = {0};
    beamr_status st;

    for (size_t i = 0; i < count; i++)
        values[i] = beamr_i32(args[i]);
    st = beamr_func_call(guest_func(g, name), values, count, &result, 1, err);
    *out = result.of.i32;
    return st;
}

static inline int32_t guest_call1(guest *g, const char *name, int32_t arg)
{
    beamr_error err = {0};
    int32_t out = 0;

    if (guest_try(g, name, &arg, 1, &out, &err) != BEAMR_OK)
        fail_msg("%s(%d): %s", name, (int)arg, err.text);
    return out;
}

static inline int32_t guest_call2(guest *g, const char *name, int32_t a, int32_t b)
{
    beamr_error err = {0};
    int32_t out = 0;

    if (guest_try(g, name, (int32_t[]){a, b}, 2, &out, &err) != BEAMR_OK)
        fail_msg("%s(%d, %d): %s", name, (int)a, (int)b, err.text);
    return out;
}

/* Objects and blocks that the guest has not given back. */
static inline int32_t guest_left(guest *g)
{
    beamr_error err = {0};
    int32_t out = 0;

    assert_int_equal(guest_try(g, "left", NULL, 0, &out, &err), BEAMR_OK);
    return out;
}

#endif
