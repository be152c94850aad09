/* Stores: the public side of runtime/store.c. */
#include "engine/internal.h"

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

beamr_status beamr_store_new(beamr_engine *engine, const beamr_store_limits *limits,
                             beamr_store **out, beamr_error *err)
{
    static const beamr_store_limits defaults = BEAMR_STORE_LIMITS_DEFAULT;
    abi_store *s = NULL;
    rt_limits inner;

    if (!limits)
        limits = &defaults;
    inner = (rt_limits){
        .max_memory_pages = least(limits->max_memory_pages, ABI_MEMORY_MAX_PAGES),
        .max_table_elements = least(limits->max_table_elements, ABI_TABLE_MAX_ELEMENTS),
        .max_instances = limits->max_instances,
        .max_units = limits->max_stack_units,
        .max_nesting = limits->max_nesting,
        .max_bytes = limits->max_bytes,
    };
    BEAMR_TRY(rt_store_new(engine_engine(engine), &inner, &s, err));
    *out = engine_public_store(s);
    return BEAMR_OK;
}

void beamr_store_free(beamr_store *store)
{
    rt_store_free(engine_store(store));
}

/* Lock-free, so that a signal handler may do it. */
void beamr_store_interrupt(beamr_store *store)
{
    atomic_store_explicit(&engine_store(store)->interrupt, 1, memory_order_relaxed);
}

void beamr_store_clear_interrupt(beamr_store *store)
{
    atomic_store_explicit(&engine_store(store)->interrupt, 0, memory_order_relaxed);
}

uint64_t beamr_store_fuel(const beamr_store *store)
{
    return engine_store(store)->fuel;
}

void beamr_store_set_fuel(beamr_store *store, uint64_t units)
{
    engine_store(store)->fuel = units;
}

void beamr_store_set_data(beamr_store *store, void *data)
{
    engine_store(store)->data = data;
}

void *beamr_store_data(const beamr_store *store)
{
    return engine_store(store)->data;
}
