/* Memories, tables and globals: the public side of what runtime holds. Values that come in are
 * checked against the object's type. */
#include "engine/internal.h"

#include <inttypes.h>

#define PAGES_32 UINT64_C(65536)
#define PAGES_64 (UINT64_C(1) << 48)

/* Source: Core, "Validation of Types", "Limits". */
static beamr_status check_limits(const beamr_limits *l, uint64_t most, beamr_error *err)
{
    if (l->min > l->max)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "a minimum of %" PRIu64 " is above the maximum of %" PRIu64, l->min,
                          l->max);
    if (l->min > most || (l->max > most && l->max != UINT64_MAX))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a size beyond %" PRIu64, most);
    return BEAMR_OK;
}

/* ---- Memories ---- */

beamr_status beamr_memory_new(beamr_store *store, const beamr_limits *limits,
                              beamr_memory **out, beamr_error *err)
{
    wb_memtype type = {engine_limits(limits)};
    abi_memory *m = NULL;

    BEAMR_TRY(check_limits(limits, limits->is64 ? PAGES_64 : PAGES_32, err));
    BEAMR_TRY(rt_memory_new(engine_store(store), &type, &m, err));
    *out = engine_public_memory(m);
    return BEAMR_OK;
}

beamr_limits beamr_memory_type(const beamr_memory *memory)
{
    const abi_memory *m = engine_memory(memory);

    return engine_public_limits(m->pages, m->declared_max, m->is64);
}

uint64_t beamr_memory_size(const beamr_memory *memory)
{
    return engine_memory(memory)->size;
}

uint64_t beamr_memory_pages(const beamr_memory *memory)
{
    return engine_memory(memory)->pages;
}

uint8_t *beamr_memory_data(const beamr_memory *memory)
{
    return engine_memory(memory)->base;
}

bool beamr_memory_is_guarded(const beamr_memory *memory)
{
    return engine_memory(memory)->guarded;
}

/* A store's limit on all it holds is in the way.  Otherwise the object's own maximum is. */
static beamr_status fail_budget(const abi_store *s, const char *what, uint64_t size,
                                uint64_t delta, beamr_error *err)
{
    return beamr_fail(err, BEAMR_LIMIT, 0,
                      "%s of %" PRIu64 " cannot grow by %" PRIu64 ": the store allows %" PRIu64
                      " bytes in all, and %" PRIu64 " are taken",
                      what, size, delta, s->max_bytes, s->bytes);
}

/* What a trap of the instruction is to the embedder: the host has no memory. An interrupt or a
 * deadline stays what it is. */
static beamr_status fail_growth(const beamr_error *trap, beamr_error *err)
{
    if (trap->trap == BEAMR_TRAP_OUT_OF_MEMORY)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "%s", trap->text);
    return beamr_fail_trap(err, trap->trap, NULL);
}

beamr_status beamr_memory_grow(beamr_memory *memory, uint64_t delta, uint64_t *old,
                               beamr_error *err)
{
    abi_memory *m = engine_memory(memory);
    beamr_error trap = {0};
    int64_t before;

    if (rt_memory_grow(m, delta, &before, &trap) != BEAMR_OK)
        return fail_growth(&trap, err);
    if (before < 0 && delta <= m->max_pages - m->pages)
        return fail_budget(m->store, "a memory", m->pages, delta, err);
    if (before < 0)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a memory of %" PRIu64 " pages cannot grow by %" PRIu64
                          "; at most %" PRIu64 " are allowed",
                          m->pages, delta, m->max_pages);
    if (old)
        *old = (uint64_t)before;
    return BEAMR_OK;
}

static beamr_status check_range(const abi_memory *m, uint64_t addr, uint64_t len,
                                beamr_error *err)
{
    if (rt_memory_contains(m, addr, len))
        return BEAMR_OK;
    return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                           "%" PRIu64 " bytes at %" PRIu64 " in a memory of %" PRIu64, len,
                           addr, m->size);
}

beamr_status beamr_memory_read(const beamr_memory *memory, uint64_t addr, void *dst, size_t len,
                               beamr_error *err)
{
    const abi_memory *m = engine_memory(memory);

    BEAMR_TRY(check_range(m, addr, len, err));
    if (len > 0)
        memcpy(dst, m->base + addr, len);
    return BEAMR_OK;
}

beamr_status beamr_memory_write(beamr_memory *memory, uint64_t addr, const void *src,
                                size_t len, beamr_error *err)
{
    abi_memory *m = engine_memory(memory);

    BEAMR_TRY(check_range(m, addr, len, err));
    if (len > 0)
        memcpy(m->base + addr, src, len);
    return BEAMR_OK;
}

beamr_status beamr_memory_set(beamr_memory *memory, beamr_bytes content, beamr_error *err)
{
    abi_memory *m = engine_memory(memory);
    uint64_t pages = content.len / ABI_PAGE_SIZE + (content.len % ABI_PAGE_SIZE != 0);

    /* A larger content cannot lie in the memory, which may move now. */
    if (pages > m->pages)
        BEAMR_TRY(beamr_memory_grow(memory, pages - m->pages, NULL, err));
    if (content.len > 0)
        memmove(m->base, content.data, content.len);
    if (content.len < m->size)
        rt_memory_zero(m, content.len, m->size);
    return BEAMR_OK;
}

/* ---- Tables ---- */

beamr_status beamr_table_new(beamr_store *store, const beamr_limits *limits, beamr_valtype elem,
                             const beamr_value *init, beamr_table **out, beamr_error *err)
{
    abi_store *s = engine_store(store);
    wb_tabletype type = {engine_limits(limits), elem.bits};
    abi_table *t = NULL;
    uint64_t slots[2];

    if (!engine_valtype_is_valid(elem) || !wb_valtype_is_ref(elem.bits))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "elements of a table are references");
    BEAMR_TRY(check_limits(limits, limits->is64 ? UINT64_MAX : UINT32_MAX, err));
    BEAMR_TRY(engine_value_slots(s, init, elem.bits, "initial element", slots, err));
    BEAMR_TRY(rt_table_new(s, &type, slots[0], &t, err));
    *out = engine_public_table(t);
    return BEAMR_OK;
}

beamr_limits beamr_table_type(const beamr_table *table, beamr_valtype *elem)
{
    const abi_table *t = engine_table(table);

    if (elem)
        elem->bits = t->elem;
    return engine_public_limits(t->size, t->declared_max, t->is64);
}

uint64_t beamr_table_size(const beamr_table *table)
{
    return engine_table(table)->size;
}

static beamr_status check_index(const abi_table *t, uint64_t index, beamr_error *err)
{
    if (index < t->size)
        return BEAMR_OK;
    return beamr_fail_trap(err, BEAMR_TRAP_TABLE_OUT_OF_BOUNDS,
                           "element %" PRIu64 " of a table of %" PRIu64, index, t->size);
}

beamr_status beamr_table_get(const beamr_table *table, uint64_t index, beamr_value *out,
                             beamr_error *err)
{
    const abi_table *t = engine_table(table);

    BEAMR_TRY(check_index(t, index, err));
    (void)engine_value_get(t->elem, &t->elems[index], out);
    return BEAMR_OK;
}

beamr_status beamr_table_set(beamr_table *table, uint64_t index, const beamr_value *value,
                             beamr_error *err)
{
    abi_table *t = engine_table(table);
    uint64_t slots[2];

    BEAMR_TRY(check_index(t, index, err));
    BEAMR_TRY(engine_value_slots(t->store, value, t->elem, "element", slots, err));
    t->elems[index] = slots[0];
    return BEAMR_OK;
}

/* The store is entered: growing by much polls. */
static beamr_status table_grow(abi_table *t, uint64_t delta, const beamr_value *init,
                               uint64_t *old, beamr_error *err)
{
    beamr_error trap = {0};
    uint64_t slots[2];
    int64_t before;

    BEAMR_TRY(engine_value_slots(t->store, init, t->elem, "initial element", slots, err));
    if (rt_table_grow(t, delta, slots[0], &before, &trap) != BEAMR_OK)
        return fail_growth(&trap, err);
    if (before < 0 && delta <= t->max_size - t->size)
        return fail_budget(t->store, "a table", t->size, delta, err);
    if (before < 0)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a table of %" PRIu64 " elements cannot grow by %" PRIu64
                          "; at most %" PRIu64 " are allowed",
                          t->size, delta, t->max_size);
    if (old)
        *old = (uint64_t)before;
    return BEAMR_OK;
}

beamr_status beamr_table_grow(beamr_table *table, uint64_t delta, const beamr_value *init,
                              uint64_t *old, beamr_error *err)
{
    abi_table *t = engine_table(table);
    bool outermost;
    beamr_status st;

    BEAMR_TRY(rt_store_enter(t->store, &outermost, err));
    st = table_grow(t, delta, init, old, err);
    rt_store_leave(t->store, outermost);
    return st;
}

beamr_status beamr_table_call(beamr_table *table, uint64_t index, const beamr_value *args,
                              size_t arg_count, beamr_value *results, size_t result_count,
                              beamr_error *err)
{
    const abi_table *t = engine_table(table);
    beamr_value func;

    if (engine_kind(t->elem) != BEAMR_FUNCREF)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the table holds no functions");
    if (index >= t->size)
        return beamr_fail_trap(err, BEAMR_TRAP_UNDEFINED_ELEMENT,
                               "%" PRIu64 " in a table of %" PRIu64, index, t->size);
    (void)engine_value_get(t->elem, &t->elems[index], &func);
    if (!func.of.func)
        return beamr_fail_trap(err, BEAMR_TRAP_UNINITIALIZED_ELEMENT, "%" PRIu64, index);
    return beamr_func_call(func.of.func, args, arg_count, results, result_count, err);
}

/* ---- Globals ---- */

beamr_status beamr_global_new(beamr_store *store, beamr_valtype type, bool is_mutable,
                              const beamr_value *init, beamr_global **out, beamr_error *err)
{
    abi_store *s = engine_store(store);
    abi_global *g = NULL;
    uint64_t slots[2];

    if (!engine_valtype_is_valid(type))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a global of no value type");
    BEAMR_TRY(engine_value_slots(s, init, type.bits, "initial value", slots, err));
    BEAMR_TRY(rt_global_new(s, (wb_globaltype){type.bits, is_mutable}, slots, &g, err));
    *out = engine_public_global(g);
    return BEAMR_OK;
}

beamr_valtype beamr_global_type(const beamr_global *global, bool *is_mutable)
{
    const abi_global *g = engine_global(global);

    if (is_mutable)
        *is_mutable = g->is_mutable;
    return (beamr_valtype){g->type};
}

beamr_value beamr_global_get(const beamr_global *global)
{
    const abi_global *g = engine_global(global);
    beamr_value v = {0};

    (void)engine_value_get(g->type, g->slots, &v);
    return v;
}

beamr_status beamr_global_set(beamr_global *global, const beamr_value *value, beamr_error *err)
{
    abi_global *g = engine_global(global);
    uint64_t slots[2];

    if (!g->is_mutable)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "the global is immutable");
    BEAMR_TRY(engine_value_slots(g->store, value, g->type, "value", slots, err));
    memcpy(g->slots, slots, sizeof g->slots);
    return BEAMR_OK;
}
