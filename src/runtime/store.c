/* Stores: the stack that guest frames live on, who may use the store, fuel, and
 * freeing everything that was made in it. The objects are made in the files named after them.
 */
#include "runtime/entry.h"
#include "runtime/internal.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

_Thread_local char rt_thread_mark;

static size_t stack_bytes(const abi_store *s)
{
    return ((size_t)s->max_units + RT_STACK_SLACK) * sizeof(uint64_t);
}

/* Every guest frame takes WB_UNITS_FRAME units or more; each entry may have one in the making.
 */
static size_t frame_bytes(const abi_store *s)
{
    size_t count = s->max_units / WB_UNITS_FRAME + (size_t)s->max_nesting + 16;

    return count * sizeof(abi_frame);
}

/* One mapping holds the first entry with its stack, the slots and the frames, in this order: a
 * store should take few of them. Huge pages would make a store that hardly ran cost megabytes.
 */
static beamr_status stack_map(abi_store *s, beamr_error *err)
{
    size_t slots = stack_bytes(s);
    size_t bytes = rt_entry_bytes(s) + slots + frame_bytes(s);
    void *at;

    if (!rt_mapping_take(s->engine))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "the engine allows no more ranges of address space to its stores");
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
              -1, 0);
    if (at == MAP_FAILED)
        rt_mapping_give(s->engine);
    if (at == MAP_FAILED)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no address space for a stack of %zu bytes",
                          bytes);
    s->mapping = at;
    s->mapped = bytes;
    (void)madvise(at, bytes, MADV_NOHUGEPAGE);
    if (!(s->first_entry = rt_entry_init(s, at)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the guard of a stack");
    s->spare = s->first_entry;
    s->spare_count = 1;
    s->stack = s->stack_top = (uint64_t *)(void *)((uint8_t *)at + rt_entry_bytes(s));
    s->frames = s->frame_top = (abi_frame *)(s->stack + slots / sizeof(uint64_t));
    return BEAMR_OK;
}

beamr_status rt_store_new(rt_engine *e, const rt_limits *limits, abi_store **out,
                          beamr_error *err)
{
    abi_store *s = calloc(1, sizeof *s);
    beamr_status st;

    if (!s)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a store");
    /* Native code looks at units and at what was asked in one comparison. */
    s->units = s->max_units =
        limits->max_units < ABI_UNITS_MAX ? limits->max_units : ABI_UNITS_MAX;
    s->large_stacks = e->compiles || atomic_load_explicit(&e->has_native, memory_order_relaxed);
    s->fuel = s->fuel_given = UINT64_MAX;
    s->max_nesting = limits->max_nesting;
    s->max_memory_pages = limits->max_memory_pages;
    s->max_table_elements = limits->max_table_elements;
    s->max_instances = limits->max_instances;
    s->max_bytes = limits->max_bytes;
    s->host_bytes = limits->host_bytes ? limits->host_bytes : UINT64_MAX;
    s->exceptions_until_collect = 256;
    arena_init(&s->arena, SIZE_MAX);
    s->engine = e;
    if ((st = stack_map(s, err)) != BEAMR_OK)
        goto fail;
    if (!(s->no_memory = ARENA_NEW(&s->arena, abi_memory, 1))) {
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a store");
        goto fail;
    }
    s->no_memory->store = s;
    rt_engine_ref(e);
    *out = s;
    return BEAMR_OK;
fail:
    rt_entries_clear(s);
    if (s->mapped) {
        munmap(s->mapping, s->mapped);
        rt_mapping_give(e);
    }
    arena_clear(&s->arena);
    free(s);
    return st;
}

/* Suspended calls are cancelled. Finalizers run before all else: they may still look at
 * anything. Modules go last but for the engine, since types of objects are theirs. */
void rt_store_free(abi_store *s)
{
    if (!s)
        return;
    (void)rt_entries_cancel_after(s, NULL);
    assert(s->nesting == 0);
    if (s->nesting > 0)
        return; /* freed while a call in it is active: to lose it is better than to crash */
    for (abi_func *f = s->host_funcs; f; f = f->next_host)
        if (f->finalize)
            f->finalize(f->user);
    (void)rt_entries_cancel_after(s, NULL); /* that finalizers have begun */
    rt_exceptions_free(s);
    rt_memories_free(s);
    rt_tables_free(s);
    for (abi_instance *i = s->instances; i; i = i->next)
        rt_instance_clear(i);
    rt_budget_give(s, s->bytes);
    for (rt_owned_type *t = s->types; t; t = t->next)
        wb_registry_release(s->engine->registry, t->canon);
    rt_entries_clear(s);
    munmap(s->mapping, s->mapped);
    rt_mapping_give(s->engine);
    arena_clear(&s->arena);
    rt_deadline_clear(s);
    rt_engine_unref(s->engine);
    free(s);
}

beamr_status rt_store_fail_busy(beamr_error *err)
{
    return beamr_fail(err, BEAMR_BUSY, 0, "another thread is using the store");
}

void rt_store_forget_interrupt(abi_store *s)
{
    s->was_interrupted = false;
    atomic_fetch_and_explicit(&s->interrupt, ~ABI_INTERRUPT, memory_order_relaxed);
}

beamr_status rt_store_own_type(abi_store *s, uint32_t canon, beamr_error *err)
{
    rt_owned_type *t = ARENA_NEW(&s->arena, rt_owned_type, 1);

    if (!t) {
        wb_registry_release(s->engine->registry, canon);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a type of a store");
    }
    *t = (rt_owned_type){canon, s->types};
    s->types = t;
    return BEAMR_OK;
}

beamr_status rt_store_charge(abi_store *s, uint64_t count, uint32_t per, beamr_error *err)
{
    uint64_t units;

    if (!s->engine->metering)
        return BEAMR_OK;
    units = count / per + (count % per != 0);
    if (units > s->fuel) {
        s->fuel = 0;
        return beamr_fail_trap(err, BEAMR_TRAP_OUT_OF_FUEL, NULL);
    }
    s->fuel -= units;
    return BEAMR_OK;
}
