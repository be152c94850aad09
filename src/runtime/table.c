/* Tables: slots that grow, and the bulk instructions on them. Elements are read and written by
 * the executors directly.
 * Source: Core, "Table Instances", "Growing tables", "Table Instructions". */
#include "runtime/internal.h"

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

beamr_status rt_table_new(abi_store *s, const wb_tabletype *type, uint64_t init,
                          abi_table **out, beamr_error *err)
{
    const wb_limits *limits = &type->limits;
    uint64_t most = least(s->max_table_elements, ABI_TABLE_MAX_ELEMENTS);
    abi_table *t;

    if (limits->min > most)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a table begins with %" PRIu64 " elements; at most %" PRIu64
                          " are allowed",
                          limits->min, most);
    if (!(t = ARENA_NEW(&s->arena, abi_table, 1)) ||
        (limits->min > 0 && !(t->elems = calloc((size_t)limits->min, sizeof *t->elems))))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "no memory for a table of %" PRIu64 " elements", limits->min);
    if (init)
        fill(t->elems, init, limits->min);
    t->size = t->capacity = limits->min;
    t->declared_max = limits->has_max ? limits->max : UINT64_MAX;
    t->max_size = least(most, t->declared_max);
    t->least_size = limits->min;
    t->elem = type->elem;
    t->is64 = limits->is64;
    t->store = s;
    t->next = s->tables;
    s->tables = t;
    *out = t;
    return BEAMR_OK;
}

void rt_tables_free(abi_store *s)
{
    for (abi_table *t = s->tables; t; t = t->next)
        free(t->elems);
    s->tables = NULL;
}

/* Room for `size` elements; doubles, so that growing one by one stays linear. */
static bool ensure(abi_table *t, uint64_t size)
{
    uint64_t capacity = least(t->capacity * 2, t->max_size);
    uint64_t *elems;

    if (size <= t->capacity)
        return true;
    if (capacity < size)
        capacity = size;
    if (!(elems = realloc(t->elems, (size_t)capacity * sizeof *elems)))
        return false;
    t->elems = elems;
    t->capacity = capacity;
    return true;
}

int64_t rt_table_grow(abi_table *t, uint64_t delta, uint64_t init)
{
    uint64_t old = t->size;

    if (delta > t->max_size - old || !ensure(t, old + delta))
        return -1;
    if (delta > 0)
        fill(t->elems + old, init, delta);
    t->size = old + delta;
    return (int64_t)old;
}

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

/* Copy piece by piece, from the end that keeps what is still to be read. */
static beamr_status copy_pieces(abi_store *s, uint64_t *to, const uint64_t *from, uint64_t len,
                                beamr_error *err)
{
    bool backwards = to > from;
    uint64_t done = 0;

    while (done < len) {
        uint64_t n = least(len - done, POLL_ITEMS);
        uint64_t at = backwards ? len - done - n : done;

        memmove(to + at, from + at, (size_t)n * sizeof *to);
        done += n;
        if (done < len)
            BEAMR_TRY(rt_store_poll(s, err));
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
    return len ? copy_pieces(dst->store, dst->elems + to, src->elems + from, len, err)
               : BEAMR_OK;
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
    return len ? copy_pieces(t->store, t->elems + to, inst->elems[segment] + from, len, err)
               : BEAMR_OK;
}

void rt_elem_drop(abi_instance *inst, uint32_t segment)
{
    inst->dropped_elems[segment] = true;
    free(inst->elems[segment]);
    inst->elems[segment] = NULL;
}
