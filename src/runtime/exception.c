/* Exceptions: objects that guests throw, and finding out which of them nobody can reach any
 * more. Throwing and catching are the executors'.
 *
 * An exception lives outside the arena, in a list of its store. Every so often, when one is
 * made, those in use are marked and the others freed. Roots are the slots of the stack and the
 * stacks of native code, taken conservatively: any 64-bit slot that equals an exception's
 * address keeps it, whatever the slot is for. Globals and tables count when their type says so;
 * then what the embedder holds, and the one on its way. Marked exceptions wait in a list for
 * their own slots to be looked at, so nothing recurses. The work of a collection is in
 * proportion to the throws before it. When the call is to end, a collection stops wherever it
 * is: marks are numbers of collections, so those that it leaves behind mean nothing to the
 * next. Source: Core, "Exception Instances". */
#include "abi/context.h"
#include "base/pages.h"
#include "runtime/internal.h"

#include <stdlib.h>
#include <string.h>

#define COLLECT_MIN 256u
#define SLOTS_PER_THROW 64u
#define POLL_STEPS 4096u

static size_t exception_size(const abi_exception *e)
{
    return sizeof *e + e->slot_count * sizeof e->slots[0];
}

static void exception_free(abi_store *s, abi_exception *e)
{
    s->exception_count--;
    s->exception_bytes -= exception_size(e);
    free(e);
}

void rt_exceptions_free(abi_store *s)
{
    while (s->exceptions) {
        abi_exception *e = s->exceptions;

        s->exceptions = e->next;
        exception_free(s, e);
    }
    s->pending = NULL;
}

/* ---- The set of addresses ---- */

typedef struct collection {
    uint64_t *set; /* open addressing; 0 for a free place */
    uint64_t mask;
    uint64_t low, high; /* bounds of the addresses in it */
    uint64_t scanned;   /* slots looked at */
    uint64_t mark;      /* of this collection */
    uint32_t steps;
    bool stopped; /* the call is to end */
    abi_store *store;
    abi_exception *todo; /* marked, their slots not yet looked at */
} collection;

/* One step of the work.  Returns false when the collection is to stop. */
static bool step(collection *c)
{
    if (++c->steps % POLL_STEPS == 0 && rt_store_is_ending(c->store))
        c->stopped = true;
    return !c->stopped;
}

static uint64_t place(const collection *c, uint64_t address)
{
    return (address * UINT64_C(0x9e3779b97f4a7c15) >> 20) & c->mask;
}

/* Put all exceptions of the store into the set.  Returns false when memory is gone. */
static bool set_build(collection *c, const abi_store *s)
{
    uint64_t size = 64;

    while (size < s->exception_count * 2)
        size *= 2;
    if (!(c->set = calloc((size_t)size, sizeof *c->set)))
        return false;
    pages_prefer_large(c->set, (size_t)size * sizeof *c->set);
    c->mask = size - 1;
    c->low = UINT64_MAX;
    for (const abi_exception *e = s->exceptions; e && step(c); e = e->next) {
        uint64_t address = (uintptr_t)e;
        uint64_t i = place(c, address);

        while (c->set[i])
            i = (i + 1) & c->mask;
        c->set[i] = address;
        c->low = address < c->low ? address : c->low;
        c->high = address > c->high ? address : c->high;
    }
    return true;
}

static bool set_has(const collection *c, uint64_t value)
{
    uint64_t i;

    if (value < c->low || value > c->high)
        return false;
    for (i = place(c, value); c->set[i]; i = (i + 1) & c->mask)
        if (c->set[i] == value)
            return true;
    return false;
}

/* ---- Mark and sweep ---- */

static void mark(collection *c, abi_exception *e)
{
    if (e->mark == c->mark)
        return;
    e->mark = c->mark;
    e->mark_next = c->todo;
    c->todo = e;
}

/* Stacks of native code hold whatever C's checkers may think of them. */
#if defined(__clang__)
__attribute__((no_sanitize("address", "thread")))
#else
__attribute__((no_sanitize_address))
#endif
static void
mark_slots(collection *c, const uint64_t *slots, uint64_t count)
{
    for (uint64_t i = 0; i < count && step(c); i++)
        if (set_has(c, slots[i]))
            mark(c, (abi_exception *)(uintptr_t)slots[i]);
    c->scanned += count;
}

static bool holds_exceptions(wb_valtype type)
{
    return wb_valtype_is_ref(type) && wb_valtype_heap(type) == WB_HEAP_EXN;
}

/* A segment may hold what an imported global held. */
static void mark_segments(collection *c, const abi_instance *inst)
{
    const wb_module *w = inst->wasm;

    for (uint32_t i = 0; i < w->elem_count && step(c); i++)
        if (inst->elems[i] && holds_exceptions(w->elems[i].type))
            mark_slots(c, inst->elems[i], w->elems[i].count);
    c->scanned += w->elem_count + 1;
}

/* Native code that is in a builtin, with the registers that were spilled below. */
static void mark_native(collection *c, const abi_store *s)
{
    for (const abi_native_call *n = s->native; n && step(c); n = n->outer) {
        const uint64_t *end = n->exit_sp;
        const uint64_t *from = n->guest_sp;

        if (from)
            mark_slots(c, from - ABI_NATIVE_SPILL / sizeof *from,
                       (uint64_t)(end - from) + ABI_NATIVE_SPILL / sizeof *from);
    }
}

static void mark_roots(collection *c, abi_store *s, const uint64_t *live_end)
{
    mark_slots(c, s->stack, (uint64_t)(live_end - s->stack));
    mark_native(c, s);
    for (const abi_global *g = s->globals; g && step(c); g = g->next, c->scanned++)
        if (holds_exceptions(g->type))
            mark_slots(c, g->slots, 1);
    for (const abi_table *t = s->tables; t && step(c); t = t->next, c->scanned++)
        if (holds_exceptions(t->elem))
            mark_slots(c, t->elems, t->size);
    for (const abi_instance *i = s->instances; i && step(c); i = i->next)
        mark_segments(c, i);
    for (abi_exception *e = s->exceptions; e && step(c); e = e->next)
        if (e->pins > 0)
            mark(c, e);
    if (s->pending)
        mark(c, s->pending);
}

static void mark_reachable(collection *c)
{
    while (c->todo && step(c)) {
        abi_exception *e = c->todo;

        c->todo = e->mark_next;
        mark_slots(c, e->slots, e->slot_count);
    }
}

/* What is not marked may go one by one: stopping half-way only leaves garbage for the next. */
static void sweep(collection *c, abi_store *s)
{
    abi_exception **link = &s->exceptions;

    while (*link && step(c)) {
        abi_exception *e = *link;

        if (e->mark == c->mark) {
            link = &e->next;
        } else {
            *link = e->next;
            exception_free(s, e);
        }
    }
}

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static void collect(abi_store *s, const uint64_t *args, uint32_t arg_count,
                    const uint64_t *live_end)
{
    collection c = {.store = s, .mark = ++s->collections};

    s->exceptions_until_collect = COLLECT_MIN;
    if (!s->exceptions || !set_build(&c, s))
        return;
    mark_roots(&c, s, live_end);
    mark_slots(&c, args, arg_count);
    mark_reachable(&c);
    free(c.set);
    if (!c.stopped)
        sweep(&c, s);
    if (!c.stopped)
        s->exceptions_until_collect =
            most(COLLECT_MIN, most(s->exception_count, c.scanned / SLOTS_PER_THROW));
}

/* Free what can be freed when it is time to, or when `bytes` more would be too many. After a
 * collection for want of room an eighth of the whole must be free, or else a guest that keeps
 * just less than the limit would have one run at each throw. */
static bool make_room(abi_store *s, size_t bytes, const uint64_t *args, uint32_t arg_count,
                      const uint64_t *live_end)
{
    bool is_full = s->exception_bytes + bytes > RT_EXCEPTION_BYTES;

    if (is_full || s->exceptions_until_collect == 0)
        collect(s, args, arg_count, live_end);
    return !is_full || s->exception_bytes + bytes <= RT_EXCEPTION_BYTES / 8 * 7;
}

abi_exception *rt_exception_new(abi_store *s, const abi_tag *tag, const uint64_t *slots,
                                const uint64_t *live_end)
{
    uint32_t count = tag->type->param_slots;
    size_t bytes = sizeof(abi_exception) + count * sizeof(uint64_t);
    abi_exception *e;

    if (!make_room(s, bytes, slots, count, live_end) || !(e = malloc(bytes)))
        return NULL;
    e->tag = tag;
    e->pins = 0;
    e->mark = 0;
    e->slot_count = count;
    if (count > 0)
        memcpy(e->slots, slots, count * sizeof *slots);
    e->next = s->exceptions;
    s->exceptions = e;
    s->exception_count++;
    s->exception_bytes += bytes;
    s->exceptions_until_collect--;
    return e;
}
