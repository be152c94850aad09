/* Tables: slots that grow, and the bulk instructions on them. Elements are read and written by
 * the executors directly.
 * Source: Core, "Table Instances", "Growing tables", "Table Instructions". */
#include "runtime/internal.h"

#include "base/pages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define POLL_ITEMS (RT_POLL_BYTES / sizeof(uint64_t))

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static bool contains(const abi_table *t, uint64_t index, uint64_t len)
{
    return len <= t->size && index <= t->size - len;
}

static void fill(uint64_t *at, uint64_t value, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        at[i] = value;
}

/* ---- Size ---- */

uint64_t rt_table_capacity(const abi_table *t, uint64_t size)
{
    uint64_t capacity = size > 0;

    while (capacity < size)
        capacity *= 2;
    return least(capacity, t->max_size);
}

/* Bytes that the budgets count for it. */
static uint64_t bytes_of(const abi_table *t, uint64_t size)
{
    return rt_table_capacity(t, size) * RT_ELEMENT_BYTES;
}

/* What the type and the store's limits say. */
static abi_table described(abi_store *s, const wb_tabletype *type)
{
    const wb_limits *limits = &type->limits;
    abi_table t = {.elem = type->elem, .is64 = limits->is64, .store = s};

    t.declared_max = limits->has_max ? limits->max : UINT64_MAX;
    t.max_size = least(least(s->max_table_elements, ABI_TABLE_MAX_ELEMENTS), t.declared_max);
    return t;
}

uint64_t rt_tabletype_bytes(abi_store *s, const wb_tabletype *type)
{
    abi_table t = described(s, type);

    return bytes_of(&t, type->limits.min);
}

beamr_status rt_table_new(abi_store *s, const wb_tabletype *type, uint64_t init,
                          abi_table **out, beamr_error *err)
{
    const wb_limits *limits = &type->limits;
    uint64_t most = least(s->max_table_elements, ABI_TABLE_MAX_ELEMENTS);
    uint64_t capacity;
    abi_table *t;

    if (limits->min > most)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a table begins with %" PRIu64 " elements; at most %" PRIu64
                          " are allowed",
                          limits->min, most);
    if (!(t = ARENA_NEW(&s->arena, abi_table, 1)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a table's record");
    *t = described(s, type);
    capacity = rt_table_capacity(t, limits->min);
    BEAMR_TRY(rt_budget_need(s, "a table", capacity * RT_ELEMENT_BYTES, err));
    if (capacity > 0 && !(t->elems = calloc((size_t)capacity, sizeof *t->elems))) {
        rt_budget_give(s, capacity * RT_ELEMENT_BYTES);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "no memory for a table of %" PRIu64 " elements", limits->min);
    }
    if (init)
        fill(t->elems, init, limits->min);
    t->size = limits->min;
    t->least_size = limits->min;
    t->capacity = capacity;
    t->next = s->tables;
    s->tables = t;
    *out = t;
    return BEAMR_OK;
}

void rt_table_clear(abi_table *t)
{
    rt_budget_give(t->store, bytes_of(t, t->size));
    free(t->elems);
    t->elems = NULL;
    t->size = t->capacity = t->max_size = 0;
}

void rt_tables_free(abi_store *s)
{
    for (abi_table *t = s->tables; t; t = t->next)
        free(t->elems);
    s->tables = NULL;
}

/* ---- Growing ---- */

static uint64_t growth(const abi_table *t, uint64_t delta)
{
    return bytes_of(t, t->size + delta) - bytes_of(t, t->size);
}

bool rt_table_can_grow(const abi_table *t, uint64_t delta)
{
    return delta <= t->max_size - t->size && rt_budget_fits(t->store, growth(t, delta));
}

static beamr_status no_room(const abi_table *t, uint64_t delta, beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_OUT_OF_MEMORY,
                           "a table of %" PRIu64 " elements cannot grow by %" PRIu64, t->size,
                           delta);
}

/* Room for `size` elements. */
static bool ensure(abi_table *t, uint64_t size)
{
    uint64_t capacity = rt_table_capacity(t, size);
    uint64_t *elems;

    if (capacity <= t->capacity)
        return true;
    if (!(elems = realloc(t->elems, (size_t)capacity * sizeof *elems)))
        return false;
    pages_prefer_large(elems, (size_t)capacity * sizeof *elems); /* trim must be quick */
    t->elems = elems;
    t->capacity = capacity;
    return true;
}

/* Give back what a growth that came to nothing has allocated. */
static void trim(abi_table *t)
{
    uint64_t capacity = rt_table_capacity(t, t->size);
    uint64_t *elems = NULL;

    if (capacity >= t->capacity)
        return;
    if (capacity == 0)
        free(t->elems);
    else if (!(elems = realloc(t->elems, (size_t)capacity * sizeof *elems)))
        return; /* it stays too large, which nobody sees */
    t->elems = elems;
    t->capacity = capacity;
}

/* Fill the elements behind the end, which count only when all of them are there.
 *   done  stays false, without an error, when at a poll other code has grown the table, or
 *         tried to, and written behind the end too */
static beamr_status extend(abi_table *t, uint64_t delta, uint64_t init, bool *done,
                           beamr_error *err)
{
    uint64_t growths = ++t->growths;
    uint64_t old = t->size;
    uint64_t at = 0;

    if (!ensure(t, old + delta))
        return no_room(t, delta, err);
    while (at < delta) {
        uint64_t n = least(delta - at, POLL_ITEMS);

        fill(t->elems + old + at, init, n);
        at += n;
        if (at < delta)
            BEAMR_TRY(rt_store_poll(t->store, err));
        if (t->growths != growths)
            return BEAMR_OK;
    }
    t->size = old + delta;
    *done = true;
    return BEAMR_OK;
}

beamr_status rt_table_grow(abi_table *t, uint64_t delta, uint64_t init, int64_t *old,
                           beamr_error *err)
{
    bool done = false;

    *old = -1;
    while (!done && rt_table_can_grow(t, delta)) {
        uint64_t before = t->size;
        uint64_t bytes = growth(t, delta);
        beamr_status st;

        if (!rt_budget_take(t->store, bytes))
            return no_room(t, delta, err);
        st = extend(t, delta, init, &done, err);
        if (!done) {
            rt_budget_give(t->store, bytes);
            trim(t);
        }
        BEAMR_TRY(st);
        if (done)
            *old = (int64_t)before;
    }
    return BEAMR_OK;
}

/* ---- Bulk instructions ---- */

static beamr_status out_of_bounds(const abi_table *t, uint64_t index, uint64_t len,
                                  beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_TABLE_OUT_OF_BOUNDS,
                           "%" PRIu64 " elements at %" PRIu64 " in a table of %" PRIu64, len,
                           index, t->size);
}

static beamr_status fill_pieces(abi_table *t, uint64_t to, uint64_t value, uint64_t len,
                                beamr_error *err)
{
    while (len > 0) {
        uint64_t n = least(len, POLL_ITEMS);

        fill(t->elems + to, value, n);
        to += n;
        len -= n;
        if (len > 0)
            BEAMR_TRY(rt_store_poll(t->store, err));
    }
    return BEAMR_OK;
}

beamr_status rt_table_fill(abi_table *t, uint64_t to, uint64_t value, uint64_t len,
                           beamr_error *err)
{
    if (!contains(t, to, len))
        return out_of_bounds(t, to, len, err);
    BEAMR_TRY(rt_store_charge(t->store, len, WB_COST_BULK_ITEMS, err));
    return fill_pieces(t, to, value, len, err);
}

beamr_status rt_table_begin(abi_table *t, uint64_t init, beamr_error *err)
{
    if (init)
        return fill_pieces(t, 0, init, t->size, err);
    return t->size > POLL_ITEMS ? rt_store_poll(t->store, err) : BEAMR_OK;
}

/* What is copied from: a table, or a segment of an instance. */
typedef struct source {
    const abi_table *table; /* or NULL */
    const abi_instance *inst;
    uint32_t segment;
} source;

static const uint64_t *source_elems(const source *src)
{
    return src->table ? src->table->elems : src->inst->elems[src->segment];
}

/* Copy piece by piece, from the end that keeps what is still to be read. Where a piece stands
 * is looked up each time, since at a poll tables may move, and segments be dropped. */
static beamr_status copy_pieces(abi_table *dst, uint64_t to, const source *src, uint64_t from,
                                uint64_t len, beamr_error *err)
{
    bool backwards = dst == src->table && to > from;
    uint64_t done = 0;

    while (done < len) {
        const uint64_t *elems = source_elems(src);
        uint64_t n = least(len - done, POLL_ITEMS);
        uint64_t at = backwards ? len - done - n : done;

        if (!elems)
            return beamr_fail_trap(err, BEAMR_TRAP_TABLE_OUT_OF_BOUNDS,
                                   "element segment %" PRIu32 " was dropped meanwhile",
                                   src->segment);
        memmove(dst->elems + to + at, elems + from + at, (size_t)n * sizeof *elems);
        done += n;
        if (done < len)
            BEAMR_TRY(rt_store_poll(dst->store, err));
    }
    return BEAMR_OK;
}

beamr_status rt_table_copy(abi_table *dst, uint64_t to, const abi_table *src, uint64_t from,
                           uint64_t len, beamr_error *err)
{
    if (!contains(src, from, len))
        return out_of_bounds(src, from, len, err);
    if (!contains(dst, to, len))
        return out_of_bounds(dst, to, len, err);
    BEAMR_TRY(rt_store_charge(dst->store, len, WB_COST_BULK_ITEMS, err));
    return copy_pieces(dst, to, &(source){.table = src}, from, len, err);
}

beamr_status rt_table_init(abi_instance *inst, uint32_t table, uint32_t segment, uint64_t to,
                           uint64_t from, uint64_t len, beamr_error *err)
{
    uint32_t size = inst->dropped_elems[segment] ? 0 : inst->wasm->elems[segment].count;
    abi_table *t = inst->tables[table];

    if (len > size || from > size - len)
        return beamr_fail_trap(err, BEAMR_TRAP_TABLE_OUT_OF_BOUNDS,
                               "%" PRIu64 " elements at %" PRIu64 " of element segment %" PRIu32
                               ", which has %" PRIu32,
                               len, from, segment, size);
    if (!contains(t, to, len))
        return beamr_fail_trap(err, BEAMR_TRAP_TABLE_OUT_OF_BOUNDS,
                               "%" PRIu64 " elements of element segment %" PRIu32 " at %" PRIu64
                               " in a table of %" PRIu64,
                               len, segment, to, t->size);
    BEAMR_TRY(rt_store_charge(t->store, len, WB_COST_BULK_ITEMS, err));
    return copy_pieces(t, to, &(source){.inst = inst, .segment = segment}, from, len, err);
}

void rt_elem_drop(abi_instance *inst, uint32_t segment)
{
    inst->dropped_elems[segment] = true;
    if (inst->elems[segment])
        rt_budget_give(inst->store, rt_elem_bytes(&inst->wasm->elems[segment]));
    free(inst->elems[segment]);
    inst->elems[segment] = NULL;
}
