/* Engines and modules: counted references, and what loading a module consists of.
 * Decoding and validation are in src/wasm; the executor's part comes through the function
 * pointers of rt_engine. */
#include "runtime/engine.h"

#include "crypto/sha256.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

beamr_status rt_engine_new(rt_engine **out, beamr_error *err)
{
    rt_engine *e = calloc(1, sizeof *e);
    beamr_status st;

    if (!e || !(e->registry = wb_registry_new())) {
        free(e);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an engine");
    }
    if ((st = rt_timer_init(&e->timer, err)) != BEAMR_OK) {
        wb_registry_free(e->registry);
        free(e);
        return st;
    }
    atomic_init(&e->refs, 1);
    e->features = wb_features_default();
    e->max_module_size = WB_LIMIT_MODULE_SIZE;
    e->max_reserved = e->max_bytes = e->max_mappings = UINT64_MAX;
    *out = e;
    return BEAMR_OK;
}

void rt_engine_ref(rt_engine *e)
{
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
}

void rt_engine_unref(rt_engine *e)
{
    if (!e || atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    rt_timer_clear(&e->timer);
    wb_registry_free(e->registry);
    free(e);
}

/* Decode into `m`; on failure the wasm part needs no clearing. */
static beamr_status load(rt_engine *e, abi_module *m, beamr_bytes wasm, beamr_error *err)
{
    beamr_status st;

    if ((st = wb_decode(&m->wasm, wasm, e->features, e->registry, err)) != BEAMR_OK)
        return st;
    if ((st = wb_validate(&m->wasm, err)) != BEAMR_OK)
        goto fail;
    if ((st = e->code_new(m, &m->code, err)) != BEAMR_OK)
        goto fail;
    return BEAMR_OK;
fail:
    wb_module_clear(&m->wasm);
    return st;
}

beamr_status rt_module_new(rt_engine *e, beamr_bytes wasm, abi_module **out, beamr_error *err)
{
    abi_module *m;
    beamr_status st;

    if (wasm.len > e->max_module_size)
        return beamr_fail(err, BEAMR_LIMIT, 0, "a module of %zu bytes; at most %zu are taken",
                          wasm.len, e->max_module_size);
    if (!(m = calloc(1, sizeof *m)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a module");
    atomic_init(&m->refs, 1);
    m->engine = e;
    if ((st = load(e, m, wasm, err)) != BEAMR_OK) {
        free(m);
        return st;
    }
    rt_engine_ref(e);
    *out = m;
    return BEAMR_OK;
}

beamr_status rt_module_id(abi_module *m, uint8_t id[RT_MODULE_ID_SIZE], beamr_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    uint8_t own[CRYPTO_SHA256_SIZE];

    if (!atomic_load_explicit(&m->has_id, memory_order_acquire)) {
        BEAMR_TRY(crypto_sha256(m->wasm.bytes, own, err));
        (void)pthread_mutex_lock(&lock);
        if (!atomic_load_explicit(&m->has_id, memory_order_relaxed)) {
            memcpy(m->id, own, sizeof own);
            atomic_store_explicit(&m->has_id, true, memory_order_release);
        }
        (void)pthread_mutex_unlock(&lock);
    }
    memcpy(id, m->id, sizeof m->id);
    return BEAMR_OK;
}

void rt_module_ref(abi_module *m)
{
    atomic_fetch_add_explicit(&m->refs, 1, memory_order_relaxed);
}

void rt_module_unref(abi_module *m)
{
    rt_engine *e;

    if (!m || atomic_fetch_sub_explicit(&m->refs, 1, memory_order_acq_rel) != 1)
        return;
    e = m->engine;
    if (atomic_load_explicit(&m->native, memory_order_relaxed))
        e->native_free(atomic_load_explicit(&m->native, memory_order_relaxed));
    e->code_free(m->code);
    wb_module_clear(&m->wasm);
    free(m->native_error);
    free(m);
    rt_engine_unref(e);
}
