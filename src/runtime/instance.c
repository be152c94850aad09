/* Instances: a module's index spaces filled with objects, imported or new, then its segments
 * and its start function.
 *
 * Everything is made before anything is written to what other instances can see: an instance
 * that is refused leaves no trace in them. From the first active segment on, what was written
 * stays, as the specification says.
 * Checking imports is in link.c, constant expressions in constexpr.c.
 * Source: Core, "Instantiation". */
#include "runtime/entry.h"
#include "runtime/internal.h"

#include <inttypes.h>
#include <stdlib.h>

static beamr_status no_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an instance");
}

/* The index spaces, empty. */
static abi_instance *instance_alloc(abi_store *s, abi_module *m)
{
    const wb_module *w = &m->wasm;
    arena *a = &s->arena;
    abi_instance *inst = ARENA_NEW(a, abi_instance, 1);

    if (!inst || !(inst->memories = ARENA_NEW(a, abi_memory *, w->memory_count)) ||
        !(inst->tables = ARENA_NEW(a, abi_table *, w->table_count)) ||
        !(inst->globals = ARENA_NEW(a, abi_global *, w->global_count)) ||
        !(inst->tags = ARENA_NEW(a, abi_tag *, w->tag_count)) ||
        !(inst->funcs = ARENA_NEW(a, abi_func *, w->func_count)) ||
        !(inst->dropped_elems = ARENA_NEW(a, bool, w->elem_count)) ||
        !(inst->dropped_datas = ARENA_NEW(a, bool, w->data_count)) ||
        !(inst->elems = ARENA_NEW(a, uint64_t *, w->elem_count)))
        return NULL;
    inst->store = s;
    inst->module = m;
    inst->wasm = w;
    inst->code = m->code;
    inst->memory0 = s->no_memory;
    return inst;
}

/* From here on the store frees it. */
static void instance_adopt(abi_store *s, abi_instance *inst)
{
    rt_module_ref(inst->module);
    inst->id = s->instance_count++;
    inst->next = s->instances;
    s->instances = inst;
}

void rt_instance_clear(abi_instance *inst)
{
    for (uint32_t i = 0; i < inst->wasm->elem_count; i++)
        free(inst->elems[i]);
    rt_module_unref(inst->module);
}

static void raise_to(uint64_t *least, uint64_t min)
{
    if (*least < min)
        *least = min;
}

/* What the types of imports promise of sizes holds from now on, whatever becomes of the
 * instance: its functions may be in use even if its start fails. */
static void take_imports(abi_instance *inst, const rt_extern *imports)
{
    const wb_module *w = inst->wasm;

    for (uint32_t i = 0; i < w->import_count; i++) {
        uint32_t index = w->imports[i].index;

        switch (imports[i].kind) {
        case WB_EXTERN_FUNC:
            inst->funcs[index] = imports[i].of.func;
            break;
        case WB_EXTERN_TABLE:
            inst->tables[index] = imports[i].of.table;
            raise_to(&inst->tables[index]->least_size, w->tables[index].type.limits.min);
            break;
        case WB_EXTERN_MEMORY:
            inst->memories[index] = imports[i].of.memory;
            raise_to(&inst->memories[index]->least_pages, w->memories[index].limits.min);
            break;
        case WB_EXTERN_GLOBAL:
            inst->globals[index] = imports[i].of.global;
            break;
        default:
            inst->tags[index] = imports[i].of.tag;
            break;
        }
    }
}

/* ---- New objects ---- */

static beamr_status make_memories(abi_instance *inst, beamr_error *err)
{
    const wb_module *w = inst->wasm;

    for (uint32_t i = w->memory_imports; i < w->memory_count; i++)
        BEAMR_TRY(rt_memory_new(inst->store, &w->memories[i], &inst->memories[i], err));
    if (w->memory_count > 0)
        inst->memory0 = inst->memories[0];
    return BEAMR_OK;
}

static beamr_status make_tags(abi_instance *inst, beamr_error *err)
{
    const wb_module *w = inst->wasm;

    for (uint32_t i = w->tag_imports; i < w->tag_count; i++)
        BEAMR_TRY(
            rt_tag_new(inst->store, w->types[w->tags[i].type].canon, &inst->tags[i], err));
    return BEAMR_OK;
}

/* Count work in bytes that might have been written, and poll about each mebibyte.
 *   work  0 at first */
static beamr_status worked(const abi_instance *inst, uint64_t *work, uint64_t bytes,
                           beamr_error *err)
{
    *work += bytes;
    if (*work < RT_POLL_BYTES)
        return BEAMR_OK;
    *work = 0;
    return rt_store_poll(inst->store, err);
}

#define ITEM_WORK UINT64_C(256) /* what an object, a segment or an element counts as */
#define ELEM_PIECE 4096u

static beamr_status make_globals(abi_instance *inst, beamr_error *err)
{
    const wb_module *w = inst->wasm;
    uint64_t work = 0;

    for (uint32_t i = w->global_imports; i < w->global_count; i++) {
        uint64_t slots[2];

        BEAMR_TRY(worked(inst, &work, ITEM_WORK, err));
        BEAMR_TRY(rt_const_eval(inst, &w->globals[i].init, slots, err));
        BEAMR_TRY(
            rt_global_new(inst->store, w->globals[i].type, slots, &inst->globals[i], err));
    }
    return BEAMR_OK;
}

static beamr_status make_tables(abi_instance *inst, beamr_error *err)
{
    const wb_module *w = inst->wasm;
    uint64_t work = 0;

    for (uint32_t i = w->table_imports; i < w->table_count; i++) {
        const wb_table *t = &w->tables[i];
        uint64_t slots[2] = {0};

        if (t->init.len > 0)
            BEAMR_TRY(rt_const_eval(inst, &t->init, slots, err));
        BEAMR_TRY(rt_table_new(inst->store, &t->type, 0, &inst->tables[i], err));
        BEAMR_TRY(rt_table_begin(inst->tables[i], slots[0], err));
        BEAMR_TRY(worked(inst, &work, ITEM_WORK + t->type.limits.min * RT_ELEMENT_BYTES, err));
    }
    return BEAMR_OK;
}

static beamr_status eval_elem(abi_instance *inst, const wb_elem *elem, uint32_t from,
                              uint32_t to, uint64_t *out, beamr_error *err)
{
    for (uint32_t i = from; i < to; i++) {
        if (elem->funcs) {
            abi_func *f = rt_instance_func(inst, elem->funcs[i]);

            if (!f)
                return no_memory(err);
            out[i] = (uintptr_t)f;
        } else {
            uint64_t slots[2];

            BEAMR_TRY(rt_const_eval(inst, &elem->exprs[i], slots, err));
            out[i] = slots[0];
        }
    }
    return BEAMR_OK;
}

beamr_status rt_elem_eval(abi_instance *inst, uint32_t segment, uint64_t **out,
                          beamr_error *err)
{
    const wb_elem *elem = &inst->wasm->elems[segment];

    if (rt_elem_bytes(elem) == 0)
        return BEAMR_OK;
    if (!(*out = malloc(elem->count * sizeof **out)))
        return no_memory(err);
    return eval_elem(inst, elem, 0, elem->count, *out, err);
}

/* As rt_elem_eval, counted and with polls. */
static beamr_status make_elem(abi_instance *inst, uint32_t segment, uint64_t *work,
                              beamr_error *err)
{
    const wb_elem *elem = &inst->wasm->elems[segment];
    uint64_t bytes = rt_elem_bytes(elem);

    BEAMR_TRY(worked(inst, work, ITEM_WORK, err));
    if (bytes == 0)
        return BEAMR_OK;
    BEAMR_TRY(rt_budget_need(inst->store, "an element segment", bytes, err));
    /* Null at first: an interrupt may leave a part of it. */
    if (!(inst->elems[segment] = calloc(elem->count, sizeof **inst->elems))) {
        rt_budget_give(inst->store, bytes);
        return no_memory(err);
    }
    for (uint32_t at = 0; at < elem->count;) {
        uint32_t n = elem->count - at < ELEM_PIECE ? elem->count - at : ELEM_PIECE;

        BEAMR_TRY(eval_elem(inst, elem, at, at + n, inst->elems[segment], err));
        BEAMR_TRY(worked(inst, work, n * ITEM_WORK, err));
        at += n;
    }
    return BEAMR_OK;
}

static beamr_status make_elems(abi_instance *inst, beamr_error *err)
{
    uint64_t work = 0;

    for (uint32_t i = 0; i < inst->wasm->elem_count; i++)
        BEAMR_TRY(make_elem(inst, i, &work, err));
    return BEAMR_OK;
}

/* What the budgets count for the new objects of an instance before its segments are applied. */
static uint64_t start_bytes(abi_store *s, const wb_module *w)
{
    uint64_t bytes = 0;

    for (uint32_t i = w->memory_imports; i < w->memory_count; i++)
        bytes += w->memories[i].limits.min * ABI_PAGE_SIZE;
    for (uint32_t i = w->table_imports; i < w->table_count; i++)
        bytes += rt_tabletype_bytes(s, &w->tables[i].type);
    for (uint32_t i = 0; i < w->elem_count; i++)
        bytes += rt_elem_bytes(&w->elems[i]);
    return bytes;
}

/* Limits of what the module declares, before any of it is made. */
static beamr_status check_limits(abi_store *s, const wb_module *w, beamr_error *err)
{
    if (s->instance_count >= s->max_instances)
        return beamr_fail(err, BEAMR_LIMIT, 0, "the store has %" PRIu32 " instances, its limit",
                          s->instance_count);
    for (uint32_t i = w->memory_imports; i < w->memory_count; i++)
        if (w->memories[i].limits.min > s->max_memory_pages)
            return beamr_fail(err, BEAMR_LIMIT, 0,
                              "memory %" PRIu32 " begins with %" PRIu64
                              " pages; the store allows %" PRIu64,
                              i, w->memories[i].limits.min, s->max_memory_pages);
    for (uint32_t i = w->table_imports; i < w->table_count; i++)
        if (w->tables[i].type.limits.min > s->max_table_elements)
            return beamr_fail(err, BEAMR_LIMIT, 0,
                              "table %" PRIu32 " begins with %" PRIu64
                              " elements; the store allows %" PRIu64,
                              i, w->tables[i].type.limits.min, s->max_table_elements);
    return rt_budget_check(s, "what the module starts with", start_bytes(s, w), err);
}

/* Release the contents of what make_all has made: nothing refers to it yet. */
static void abandon(abi_instance *inst)
{
    const wb_module *w = inst->wasm;

    for (uint32_t i = w->memory_imports; i < w->memory_count && inst->memories[i]; i++)
        rt_memory_clear(inst->memories[i]);
    for (uint32_t i = w->table_imports; i < w->table_count && inst->tables[i]; i++)
        rt_table_clear(inst->tables[i]);
    for (uint32_t i = 0; i < w->elem_count; i++)
        rt_elem_drop(inst, i);
}

static beamr_status make_all(abi_instance *inst, beamr_error *err)
{
    const rt_engine *e = inst->store->engine;

    BEAMR_TRY(make_memories(inst, err));
    BEAMR_TRY(make_tags(inst, err));
    BEAMR_TRY(make_globals(inst, err));
    BEAMR_TRY(make_tables(inst, err));
    BEAMR_TRY(make_elems(inst, err));
    return e->instance_init ? e->instance_init(inst, err) : BEAMR_OK;
}

/* ---- What guests can see ---- */

static beamr_status run_elems(abi_instance *inst, beamr_error *err)
{
    const wb_module *w = inst->wasm;
    uint64_t work = 0;

    for (uint32_t i = 0; i < w->elem_count; i++) {
        const wb_elem *elem = &w->elems[i];
        uint64_t at[2];

        BEAMR_TRY(worked(inst, &work, ITEM_WORK + rt_elem_bytes(elem), err));
        if (elem->mode == WB_SEGMENT_PASSIVE)
            continue;
        if (elem->mode == WB_SEGMENT_ACTIVE) {
            BEAMR_TRY(rt_const_eval(inst, &elem->offset, at, err));
            BEAMR_TRY(rt_table_init(inst, elem->table, i, at[0], 0, elem->count, err));
        }
        rt_elem_drop(inst, i);
    }
    return BEAMR_OK;
}

static beamr_status run_datas(abi_instance *inst, beamr_error *err)
{
    const wb_module *w = inst->wasm;
    uint64_t work = 0;

    for (uint32_t i = 0; i < w->data_count; i++) {
        const wb_data *data = &w->datas[i];
        uint64_t at[2];

        BEAMR_TRY(worked(inst, &work, ITEM_WORK + data->bytes.len, err));
        if (data->mode != WB_SEGMENT_ACTIVE)
            continue;
        BEAMR_TRY(rt_const_eval(inst, &data->offset, at, err));
        BEAMR_TRY(rt_memory_init(inst, data->memory, i, at[0], 0, data->bytes.len, err));
        rt_data_drop(inst, i);
    }
    return BEAMR_OK;
}

static beamr_status run_start(abi_instance *inst, uint64_t *entry, beamr_error *err)
{
    abi_func *f;

    if (!inst->wasm->has_start || inst->store->skips_starts)
        return BEAMR_OK;
    if (!(f = rt_instance_func(inst, inst->wasm->start)))
        return no_memory(err);
    return rt_entry_begin(f, inst->store->stack_top, entry != NULL, entry, err);
}

/* ---- Making one ---- */

static beamr_status instantiate(abi_store *s, abi_module *m, const rt_extern *imports,
                                size_t import_count, abi_instance **out, uint64_t *entry,
                                beamr_error *err)
{
    abi_instance *inst;
    beamr_status st;

    BEAMR_TRY(rt_link_check(s, m, imports, import_count, err));
    BEAMR_TRY(check_limits(s, &m->wasm, err));
    if (!(inst = instance_alloc(s, m)))
        return no_memory(err);
    instance_adopt(s, inst);
    take_imports(inst, imports);
    if ((st = make_all(inst, err)) != BEAMR_OK) {
        abandon(inst);
        return st;
    }
    BEAMR_TRY(run_elems(inst, err));
    BEAMR_TRY(run_datas(inst, err));
    st = run_start(inst, entry, err);
    if (st == BEAMR_OK || st == BEAMR_SUSPENDED)
        *out = inst;
    return st;
}

beamr_status rt_instance_new(abi_store *s, abi_module *m, const rt_extern *imports,
                             size_t import_count, abi_instance **out, uint64_t *entry,
                             beamr_error *err)
{
    bool outermost;
    beamr_status st;

    BEAMR_TRY(rt_store_enter(s, &outermost, err));
    st = instantiate(s, m, imports, import_count, out, entry, err);
    rt_store_leave(s, outermost);
    return st;
}

rt_extern rt_instance_extern(abi_instance *inst, wb_extern_kind kind, uint32_t index)
{
    rt_extern e = {.kind = kind};

    switch (kind) {
    case WB_EXTERN_FUNC:
        e.of.func = rt_instance_func(inst, index);
        break;
    case WB_EXTERN_TABLE:
        e.of.table = inst->tables[index];
        break;
    case WB_EXTERN_MEMORY:
        e.of.memory = inst->memories[index];
        break;
    case WB_EXTERN_GLOBAL:
        e.of.global = inst->globals[index];
        break;
    default:
        e.of.tag = inst->tags[index];
        break;
    }
    return e;
}
