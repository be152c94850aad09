/* Budgets: what the memories, tables and element segments of a store may take together, the
 * same sum over all stores of an engine, and the address space that an engine may reserve.
 *
 * A store's budget is part of what a guest can see (growing beyond it gives -1), so it counts
 * sizes as the guest knows them, not what the host was asked for. The engine's budgets, and the
 * one that the host has for each store, are the host's affair: beyond one of them the host
 * counts as full. */
#include "runtime/internal.h"

#include <inttypes.h>

/* Several threads may do this, each for a store of its own. */
static bool take(_Atomic(uint64_t) *used, uint64_t most, uint64_t bytes)
{
    uint64_t now = atomic_load_explicit(used, memory_order_relaxed);

    do {
        if (now > most || bytes > most - now)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(
        used, &now, now + bytes, memory_order_relaxed, memory_order_relaxed));
    return true;
}

static void give(_Atomic(uint64_t) *used, uint64_t bytes)
{
    (void)atomic_fetch_sub_explicit(used, bytes, memory_order_relaxed);
}

bool rt_budget_fits(const abi_store *s, uint64_t bytes)
{
    return s->bytes <= s->max_bytes && bytes <= s->max_bytes - s->bytes;
}

bool rt_budget_take(abi_store *s, uint64_t bytes)
{
    if (s->bytes > s->host_bytes || bytes > s->host_bytes - s->bytes ||
        !take(&s->engine->bytes, s->engine->max_bytes, bytes))
        return false;
    s->bytes += bytes;
    return true;
}

void rt_budget_give(abi_store *s, uint64_t bytes)
{
    give(&s->engine->bytes, bytes);
    s->bytes -= bytes;
}

static beamr_status fail_store(const abi_store *s, const char *what, uint64_t bytes,
                               beamr_error *err)
{
    return beamr_fail(err, BEAMR_LIMIT, 0,
                      "%s takes %" PRIu64 " bytes; the store allows %" PRIu64
                      " in all, and %" PRIu64 " are taken",
                      what, bytes, s->max_bytes, s->bytes);
}

static beamr_status fail_host(const abi_store *s, const char *what, uint64_t bytes,
                              beamr_error *err)
{
    const rt_engine *e = s->engine;

    if (s->bytes > s->host_bytes || bytes > s->host_bytes - s->bytes)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "%s takes %" PRIu64 " bytes; the host allows %" PRIu64
                          " to the store, and %" PRIu64 " are taken",
                          what, bytes, s->host_bytes, s->bytes);
    return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                      "%s takes %" PRIu64 " bytes; the engine allows %" PRIu64
                      " to all of its stores",
                      what, bytes, e->max_bytes);
}

beamr_status rt_budget_need(abi_store *s, const char *what, uint64_t bytes, beamr_error *err)
{
    if (!rt_budget_fits(s, bytes))
        return fail_store(s, what, bytes, err);
    if (!rt_budget_take(s, bytes))
        return fail_host(s, what, bytes, err);
    return BEAMR_OK;
}

beamr_status rt_budget_check(abi_store *s, const char *what, uint64_t bytes, beamr_error *err)
{
    BEAMR_TRY(rt_budget_need(s, what, bytes, err));
    rt_budget_give(s, bytes);
    return BEAMR_OK;
}

bool rt_reserved_take(rt_engine *e, uint64_t bytes)
{
    return take(&e->reserved, e->max_reserved, bytes);
}

bool rt_mapping_take(rt_engine *e)
{
    return take(&e->mappings, e->max_mappings, RT_MAPPING_RANGES);
}

void rt_mapping_give(rt_engine *e)
{
    give(&e->mappings, RT_MAPPING_RANGES);
}

void rt_reserved_give(rt_engine *e, uint64_t bytes)
{
    give(&e->reserved, bytes);
}
