/* What writing and reading snapshots have in common. */
#include "runtime/snapshot_format.h"

#include <stdlib.h>

rt_snapshot_ref rt_snapshot_ref_kind(wb_valtype type)
{
    switch (wb_valtype_heap(type)) {
    case WB_HEAP_EXTERN:
        return SNAPSHOT_REF_EXTERN;
    case WB_HEAP_NOEXTERN:
    case WB_HEAP_EXN:
    case WB_HEAP_NOEXN:
        return SNAPSHOT_REF_NULL;
    default:
        return SNAPSHOT_REF_FUNC;
    }
}

bool rt_snapshot_block_is_zero(const uint8_t *block)
{
    static const uint8_t zeros[SNAPSHOT_BLOCK];

    return block[0] == 0 && memcmp(block, zeros, SNAPSHOT_BLOCK) == 0;
}

bool rt_snapshot_is_apart(const abi_instance *inst, const rt_snapshot_options *options)
{
    return options->memory_apart && inst->wasm->memory_count > 0;
}

/* ---- Same objects ---- */

static int compare(const void *a, const void *b)
{
    const rt_object *x = a, *y = b;
    uintptr_t p = (uintptr_t)x->object, q = (uintptr_t)y->object;

    if (p != q)
        return p < q ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static uint32_t import_count(const wb_module *w, wb_extern_kind kind)
{
    switch (kind) {
    case WB_EXTERN_FUNC:
        return w->func_imports;
    case WB_EXTERN_TABLE:
        return w->table_imports;
    case WB_EXTERN_MEMORY:
        return w->memory_imports;
    default:
        return w->global_imports;
    }
}

static const void *import_object(const abi_instance *inst, wb_extern_kind kind, uint32_t i)
{
    switch (kind) {
    case WB_EXTERN_FUNC:
        return inst->funcs[i];
    case WB_EXTERN_TABLE:
        return inst->tables[i];
    case WB_EXTERN_MEMORY:
        return inst->memories[i];
    default:
        return inst->globals[i];
    }
}

bool rt_object_map_init(rt_object_map *map, const abi_instance *inst, wb_extern_kind kind)
{
    uint32_t count = import_count(inst->wasm, kind);

    *map = (rt_object_map){0};
    if (count == 0)
        return true;
    if (!(map->objects = malloc(count * sizeof *map->objects)))
        return false;
    map->count = count;
    for (uint32_t i = 0; i < count; i++)
        map->objects[i] = (rt_object){import_object(inst, kind, i), i};
    qsort(map->objects, count, sizeof *map->objects, compare);
    return true;
}

void rt_object_map_clear(rt_object_map *map)
{
    free(map->objects);
    *map = (rt_object_map){0};
}

uint32_t rt_object_map_find(const rt_object_map *map, const void *object, uint32_t otherwise)
{
    uint32_t low = 0, high = map->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if ((uintptr_t)map->objects[middle].object < (uintptr_t)object)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < map->count && map->objects[low].object == object)
        return map->objects[low].index;
    return otherwise;
}

/* ---- The store ---- */

beamr_status rt_snapshot_enter(abi_store *s, bool *outermost, beamr_error *err)
{
    BEAMR_TRY(rt_store_enter(s, outermost, err));
    if (s->nesting == 0)
        return BEAMR_OK;
    rt_store_leave(s, *outermost);
    return beamr_fail(err, BEAMR_BUSY, 0, "a call is active or suspended in the store");
}
