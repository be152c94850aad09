/* An engine and a store, loading and calling in one line. */
#ifndef TEST_ENGINE_FIXTURE_H
#define TEST_ENGINE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../wasm_builder.h"
#include "beamr/beamr.h"

typedef struct fixture {
    beamr_engine *engine;
    beamr_store *store;
} fixture;

static inline fixture fixture_open_with(const beamr_config *config,
                                        const beamr_store_limits *limits)
{
    fixture f = {0};

    assert_int_equal(beamr_engine_new(config, &f.engine, NULL), BEAMR_OK);
    assert_int_equal(beamr_store_new(f.engine, limits, &f.store, NULL), BEAMR_OK);
    return f;
}

static inline fixture fixture_open(void)
{
    return fixture_open_with(NULL, NULL);
}

static inline void fixture_close(fixture *f)
{
    beamr_engine_free(f->engine);
    beamr_store_free(f->store);
}

static inline beamr_module *fixture_load(fixture *f, wasm_builder *w)
{
    beamr_module *m = NULL;
    beamr_error err = {0};

    if (beamr_module_load(f->engine, wasm_bytes_of(w), &m, &err) != BEAMR_OK)
        fail_msg("the module does not load: %s at %u", err.text, (unsigned)err.offset);
    wasm_free(w);
    return m;
}

static inline beamr_instance *fixture_instance(fixture *f, wasm_builder *w,
                                               const beamr_extern *imports, size_t count)
{
    beamr_module *m = fixture_load(f, w);
    beamr_instance *inst = NULL;
    beamr_error err = {0};

    if (beamr_instance_new(f->store, m, imports, count, &inst, &err) != BEAMR_OK)
        fail_msg("the module cannot be instantiated: %s", err.text);
    beamr_module_unref(m);
    return inst;
}

/* A function type out of letters, as in wasm_builder.h. One at a time. */
static inline const beamr_functype *fixture_type(const char *params, const char *results)
{
    static beamr_valtype types[2][1100];
    static beamr_functype type;
    static const char letters[] = "ilfdvFXE";

    type = (beamr_functype){types[0], strlen(params), types[1], strlen(results)};
    for (size_t i = 0; params[i]; i++)
        types[0][i] = beamr_valtype_of((beamr_kind)(strchr(letters, params[i]) - letters));
    for (size_t i = 0; results[i]; i++)
        types[1][i] = beamr_valtype_of((beamr_kind)(strchr(letters, results[i]) - letters));
    return &type;
}

static inline beamr_func *fixture_func(fixture *f, const char *params, const char *results,
                                       beamr_host_func callback, void *user)
{
    beamr_func *func = NULL;

    assert_int_equal(beamr_func_new(f->store, fixture_type(params, results), callback, user,
                                    NULL, &func, NULL),
                     BEAMR_OK);
    return func;
}

#define assert_text(err, part)                                                                 \
    do {                                                                                       \
        if (!strstr((err).text, part))                                                         \
            fail_msg("\"%s\" does not say \"%s\"", (err).text, part);                          \
    } while (0)

#endif
