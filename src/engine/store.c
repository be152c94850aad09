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
        .host_bytes = limits->host_bytes,
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
static void ask(beamr_store *store, uint32_t what)
{
    atomic_fetch_or_explicit(&engine_store(store)->interrupt, what, memory_order_relaxed);
}

static void ask_no_more(beamr_store *store, uint32_t what)
{
    atomic_fetch_and_explicit(&engine_store(store)->interrupt, ~what, memory_order_relaxed);
}

void beamr_store_interrupt(beamr_store *store)
{
    ask(store, ABI_INTERRUPT);
}

void beamr_store_clear_interrupt(beamr_store *store)
{
    ask_no_more(store, ABI_INTERRUPT);
}

void beamr_store_pause(beamr_store *store)
{
    ask(store, ABI_PAUSE);
}

void beamr_store_clear_pause(beamr_store *store)
{
    ask_no_more(store, ABI_PAUSE);
}

void beamr_store_skip_starts(beamr_store *store, bool skip)
{
    engine_store(store)->skips_starts = skip;
}

beamr_status beamr_store_set_deadline(beamr_store *store, uint64_t ns, beamr_error *err)
{
    return rt_deadline_set(engine_store(store), ns, err);
}

void beamr_store_clear_deadline(beamr_store *store)
{
    rt_deadline_clear(engine_store(store));
}

uint64_t beamr_store_fuel(const beamr_store *store)
{
    return engine_store(store)->fuel;
}

void beamr_store_set_fuel(beamr_store *store, uint64_t units)
{
    abi_store *s = engine_store(store);

    s->fuel_used += s->fuel_given - s->fuel;
    s->fuel = s->fuel_given = units;
}

uint64_t beamr_store_fuel_used(const beamr_store *store)
{
    const abi_store *s = engine_store(store);

    return s->fuel_used + (s->fuel_given - s->fuel);
}

beamr_status beamr_store_work(beamr_store *store, uint64_t bytes, beamr_error *err)
{
    abi_store *s = engine_store(store);
    beamr_status st = rt_store_charge(s, bytes, WB_COST_BULK_BYTES, err);

    return st == BEAMR_OK ? rt_store_poll(s, err) : st;
}

void beamr_store_set_data(beamr_store *store, void *data)
{
    engine_store(store)->data = data;
}

void *beamr_store_data(const beamr_store *store)
{
    return engine_store(store)->data;
}

beamr_engine *beamr_store_engine(const beamr_store *store)
{
    return engine_public_engine(engine_store(store)->engine);
}
