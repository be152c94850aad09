/* Entries: beginning a call from C on a fiber, suspending it, going on, and cancelling it.
 * Functions are made in func.c; the switch of stacks is in fiber.c. */
#include "runtime/entry.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "abi/context.h"
#include "runtime/internal.h"

/* Functions with frames larger than a page may step over a small guard. */
#define GUARD_BYTES ((size_t)65536)

/* What the engine's own functions need above a host function's. Sanitizers widen every frame,
 * a host function's too. */
#if defined(RT_ASAN) || defined(RT_TSAN) || !defined(NDEBUG)
#define STACK_BYTES (3 * RT_HOST_STACK)
#else
#define STACK_BYTES (RT_HOST_STACK + 32768)
#endif

/* Of native stack for each stack unit. A function's own frame takes up to
 * ABI_NATIVE_UNIT_BYTES; the rest is for calls that go through the runtime, of which each
 * function of WB_UNITS_FRAME units may make one. */
#if defined(RT_ASAN) || defined(RT_TSAN) || !defined(NDEBUG)
#define NATIVE_UNIT_BYTES ((size_t)384)
#else
#define NATIVE_UNIT_BYTES ((size_t)64)
#endif

/* Above all guests' units there is room for the frame of one that has none left, for a thunk
 * with the arguments of most parameters, and for raising the trap. */
_Static_assert(STACK_BYTES >=
                   ABI_NATIVE_FRAME_MAX + 2 * 16 * WB_LIMIT_PARAMS + RT_HOST_STACK / 4,
               "the host's part of a stack holds the frame of a function without units");

/* Entries that a store keeps for the next call, besides the first, which is part of it. */
#define SPARES 8u

/* ---- Fibers of a store ---- */

static size_t stack_bytes(const abi_store *s, bool is_large)
{
    return STACK_BYTES + (is_large ? (size_t)s->max_units * NATIVE_UNIT_BYTES : 0);
}

size_t rt_entry_bytes(const abi_store *s)
{
    return GUARD_BYTES + stack_bytes(s, s->large_stacks);
}

static void entry_main(void *arg)
{
    rt_entry *e = arg;

    e->status = abi_call(e->func, NULL, e->slots, e->err);
    e->state = RT_ENTRY_ENDED;
}

/* The entry is at the upper end of its mapping. */
static size_t record_bytes(void)
{
    return (sizeof(rt_entry) + 63) & ~(size_t)63;
}

static size_t entry_bytes(const rt_entry *e)
{
    return GUARD_BYTES + stack_bytes(e->store, e->is_large);
}

rt_entry *rt_entry_init(abi_store *s, void *at)
{
    size_t size = stack_bytes(s, s->large_stacks) - record_bytes();
    uint8_t *stack = (uint8_t *)at + GUARD_BYTES;
    rt_entry *e = (rt_entry *)(void *)(stack + size);

    if (mprotect(at, GUARD_BYTES, PROT_NONE) != 0)
        return NULL;
    e->store = s; /* the rest is zero: fresh from the host */
    e->is_large = s->large_stacks;
    rt_fiber_init(&e->fiber, stack, size, entry_main, e);
    return e;
}

static void *entry_mapping(rt_entry *e)
{
    return (uint8_t *)e + record_bytes() - entry_bytes(e);
}

static rt_entry *entry_map(abi_store *s)
{
    size_t bytes = rt_entry_bytes(s);
    rt_entry *e = NULL;
    void *at;

    if (!rt_mapping_take(s->engine))
        return NULL;
    at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (at != MAP_FAILED && s->large_stacks)
        (void)madvise(at, bytes, MADV_NOHUGEPAGE); /* few of its pages are ever used */
    if (at != MAP_FAILED && !(e = rt_entry_init(s, at)))
        (void)munmap(at, bytes);
    if (!e)
        rt_mapping_give(s->engine);
    return e;
}

static void entry_unmap(rt_entry *e)
{
    rt_engine *engine = e->store->engine;

    rt_fiber_clear(&e->fiber);
    (void)munmap(entry_mapping(e), entry_bytes(e));
    rt_mapping_give(engine);
}

/* The first is part of the store's mapping, and stays until that goes. */
static void entry_drop(rt_entry *e)
{
    if (e != e->store->first_entry)
        entry_unmap(e);
}

void rt_store_enlarge_stacks(abi_store *s)
{
    if (s->large_stacks)
        return;
    s->large_stacks = true;
    while (s->spare) {
        rt_entry *e = s->spare;

        s->spare = e->outer;
        entry_drop(e);
    }
    s->spare_count = 0;
}

void rt_entries_clear(abi_store *s)
{
    while (s->spare) {
        rt_entry *e = s->spare;

        s->spare = e->outer;
        if (e != s->first_entry)
            entry_unmap(e);
    }
    if (s->first_entry)
        rt_fiber_clear(&s->first_entry->fiber);
}

static rt_entry *entry_take(abi_store *s)
{
    rt_entry *e = s->spare;

    if (!e)
        return entry_map(s);
    s->spare = e->outer;
    s->spare_count--;
    return e;
}

static void entry_give_back(rt_entry *e)
{
    abi_store *s = e->store;

    if (e->is_large != s->large_stacks || (s->spare_count >= SPARES && e != s->first_entry)) {
        entry_drop(e);
        return;
    }
    e->outer = s->spare;
    s->spare = e;
    s->spare_count++;
}

/* ---- Beginning and ending ---- */

/* Slots of a host function's arguments and results; a guest function's are in its units. */
static uint32_t host_units(const abi_func *f)
{
    return f->instance ? 0 : rt_func_room(f);
}

/* The topmost entry has ended: put back what it moved. */
static beamr_status finish(rt_entry *e, beamr_error *err)
{
    abi_store *s = e->store;
    beamr_status st = e->status;

    assert(s->entry == e);
    s->stack_top = e->stack_top;
    s->frame_top = e->frame_top;
    s->units = e->units;
    s->entry = e->outer;
    s->nesting--;
    if (s->pause_later && !(s->entry && s->entry->state == RT_ENTRY_SUSPENDED)) {
        s->pause_later = false;
        if (s->entry)
            atomic_fetch_or_explicit(&s->interrupt, ABI_PAUSE, memory_order_relaxed);
    }
    if (st == BEAMR_EXCEPTION) {
        assert(s->pending);
        if (!e->func->instance)
            rt_trace_begin(s); /* the host's */
        (void)rt_fail_uncaught(s, e->err);
    } else if (st != BEAMR_OK) {
        s->pending = NULL;
    }
    if (st != BEAMR_OK && e->err == &e->own && err && err->status == BEAMR_OK)
        *err = e->own;
    entry_give_back(e);
    return st;
}

/* Faults of native code are traps by way of a handler; on a thread that blocks them, as those
 * of many a pool block all signals, the kernel would end the process instead. They have no
 * other meaning there, so each thread lets them through before it runs such code for the first
 * time. */
static void let_faults_through(void)
{
    static _Thread_local bool is_done;
    sigset_t faults;

    if (is_done)
        return;
    is_done = true;
    (void)sigemptyset(&faults);
    (void)sigaddset(&faults, SIGSEGV);
    (void)sigaddset(&faults, SIGBUS);
    (void)pthread_sigmask(SIG_UNBLOCK, &faults, NULL);
}

/* Run until it ends or waits. */
static beamr_status run(rt_entry *e, beamr_error *err)
{
    if (e->is_large)
        let_faults_through();
    do {
        e->state = RT_ENTRY_RUNNING;
        rt_fiber_enter(&e->fiber);
    } while (e->state == RT_ENTRY_YIELDED);
    return e->state == RT_ENTRY_SUSPENDED ? BEAMR_SUSPENDED : finish(e, err);
}

beamr_status rt_entry_begin(abi_func *f, uint64_t *slots, bool can_wait, uint64_t *id,
                            beamr_error *err)
{
    abi_store *s = f->store;
    rt_entry *e;
    beamr_status st;

    s->pending = NULL;
    if (s->nesting >= s->max_nesting || host_units(f) > s->units)
        return beamr_fail_trap(err, BEAMR_TRAP_STACK_EXHAUSTED, NULL);
    if (!(e = entry_take(s)))
        return beamr_fail_trap(err, BEAMR_TRAP_OUT_OF_MEMORY, "no stack for a call");
    e->outer = s->entry;
    e->id = ++s->last_entry_id;
    e->func = f;
    e->slots = slots;
    e->can_wait = can_wait;
    e->is_cancelled = false;
    e->stack_top = s->stack_top;
    e->frame_top = s->frame_top;
    e->units = s->units;
    e->err = err;
    /* What ended this call must be known, whoever asks. */
    if (can_wait || !err || err->status != BEAMR_OK) {
        beamr_error_clear(&e->own);
        e->err = &e->own;
    }
    s->entry = e;
    s->nesting++;
    st = run(e, err);
    if (st == BEAMR_SUSPENDED)
        *id = e->id;
    return st;
}

/* ---- Waiting ---- */

/* Go back to the C caller of this entry; returns when it goes on. */
static void suspend(rt_entry *e)
{
    e->state = RT_ENTRY_SUSPENDED;
    /* An interrupt that a call within has seen is for this one, too, when it goes on. */
    if (!e->outer || e->outer->state == RT_ENTRY_SUSPENDED)
        e->store->was_interrupted = false;
    rt_fiber_leave(&e->fiber);
}

static beamr_status fail_cancelled(beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_INTERRUPTED, "cancelled");
}

beamr_status rt_entry_wait(abi_func *f, abi_instance *caller, uint64_t *slots, beamr_error *err)
{
    abi_store *s = f->store;
    rt_entry *e = s->entry;
    uint64_t *stack_top = s->stack_top;
    uint32_t units = s->units;
    uint32_t room = rt_func_room(f);

    if (!e->can_wait)
        return beamr_fail_trap(err, BEAMR_TRAP_HOST,
                               "it is answered later, and this call cannot wait");
    e->request = f;
    e->request_caller = caller;
    e->request_slots = slots;
    s->stack_top = slots + room;
    s->units = units > room ? units - room : 0;
    suspend(e);
    s->stack_top = stack_top;
    s->units = units;
    e->request = NULL;
    return e->is_cancelled ? fail_cancelled(err) : e->answer;
}

/* The guest's frames are below the store's stack_top and frame_top. */
static beamr_status entry_pause(abi_store *s, beamr_error *err)
{
    rt_entry *e = s->entry;

    atomic_fetch_and_explicit(&s->interrupt, ~(uint32_t)ABI_PAUSE, memory_order_relaxed);
    if (!e->can_wait) {
        s->pause_later = true;
        return BEAMR_OK;
    }
    s->can_pause = false; /* not for those that run meanwhile */
    suspend(e);
    s->can_pause = true;
    return e->is_cancelled ? fail_cancelled(err) : BEAMR_OK;
}

beamr_status rt_store_poll(abi_store *s, beamr_error *err)
{
    uint32_t asked = atomic_load_explicit(&s->interrupt, memory_order_relaxed);

    if (asked & ABI_INTERRUPT) {
        s->was_interrupted = true;
        return beamr_fail_trap(err, BEAMR_TRAP_INTERRUPTED, NULL);
    }
    if (asked & ABI_DEADLINE)
        return beamr_fail_trap(err, BEAMR_TRAP_DEADLINE, NULL);
    if ((asked & ABI_PAUSE) && s->can_pause)
        return entry_pause(s, err);
    return BEAMR_OK;
}

#ifdef BEAMR_STRESS_YIELD
/* Leave the fiber, as if others ran above the guest's frames meanwhile. */
static void yield(abi_store *s)
{
    rt_entry *e = s->entry;

    for (unsigned i = 0; i < 64; i++)
        s->stack_top[i] = UINT64_C(0xa5a5a5a5a5a5a5a5);
    memset(s->frame_top, 0xa5, sizeof *s->frame_top);
    e->state = RT_ENTRY_YIELDED;
    rt_fiber_leave(&e->fiber);
}
#endif

beamr_status rt_store_poll_guest(abi_store *s, beamr_error *err)
{
    beamr_status st;

#ifdef BEAMR_STRESS_YIELD
    yield(s);
#endif
    s->can_pause = true;
    st = rt_store_poll(s, err);
    s->can_pause = false;
    return st;
}

/* ---- Going on ---- */

static rt_entry *entry_with_id(const abi_store *s, uint64_t id)
{
    rt_entry *e = s->entry;

    while (e && e->id != id)
        e = e->outer;
    return e;
}

static beamr_status fail_not_suspended(const rt_entry *e, uint64_t id, beamr_error *err)
{
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "entry %llu %s", (unsigned long long)id,
                      e ? "is running" : "is none of the store's, or has ended");
}

beamr_status rt_entry_waiting(abi_store *s, uint64_t id, rt_entry **out, beamr_error *err)
{
    rt_entry *e = entry_with_id(s, id);

    if (!e || e->state != RT_ENTRY_SUSPENDED)
        return fail_not_suspended(e, id, err);
    *out = e;
    return BEAMR_OK;
}

beamr_status rt_entry_find(abi_store *s, uint64_t id, rt_entry **out, beamr_error *err)
{
    rt_entry *e = NULL;

    BEAMR_TRY(rt_entry_waiting(s, id, &e, err));
    if (e != s->entry)
        return beamr_fail(err, BEAMR_BUSY, 0,
                          "entry %llu was begun after entry %llu and has not ended",
                          (unsigned long long)s->entry->id, (unsigned long long)id);
    *out = e;
    return BEAMR_OK;
}

beamr_status rt_entry_resume(rt_entry *e, beamr_status answer, beamr_error *err)
{
    assert(e->state == RT_ENTRY_SUSPENDED && e->store->entry == e);
    if (answer != BEAMR_EXCEPTION)
        e->store->pending = NULL; /* of a call made meanwhile */
    e->answer = answer;
    return run(e, err);
}

/* ---- Cancelling ---- */

uint32_t rt_entries_cancel_after(abi_store *s, const rt_entry *e)
{
    abi_exception *pending = s->pending; /* may be on its way through the host function */
    uint32_t count = 0;

    for (; s->entry != e && s->entry && s->entry->state == RT_ENTRY_SUSPENDED; count++) {
        beamr_status st;

        s->entry->is_cancelled = true;
        st = run(s->entry, NULL);
        assert(st == BEAMR_TRAP);
        (void)st;
    }
    s->pending = pending;
    return count;
}

beamr_status rt_entry_cancel(abi_store *s, uint64_t id, beamr_error *err)
{
    const rt_entry *e = entry_with_id(s, id);

    if (!e || e->state != RT_ENTRY_SUSPENDED)
        return fail_not_suspended(e, id, err);
    for (const rt_entry *i = s->entry; i != e; i = i->outer)
        if (i->state != RT_ENTRY_SUSPENDED)
            return beamr_fail(err, BEAMR_BUSY, 0,
                              "entry %llu was begun after entry %llu and is running",
                              (unsigned long long)i->id, (unsigned long long)id);
    (void)rt_entries_cancel_after(s, e->outer);
    return BEAMR_OK;
}
