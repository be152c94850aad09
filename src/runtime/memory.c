/* Linear memories: address space that is opened page by page as the guest grows it, and the
 * bulk instructions on them. Loads and stores are the executors'.
 *
 * A guarded memory reserves all that it may ever reach at once and never moves. Where the host
 * or the engine's budget has no room for that, a memory takes what it has and some slack, and
 * moves when it outgrows that. A guest sees no difference. What each is for, and what counts
 * against which budget: docs/internals/memory.md.
 * Source: Core, "Memory Instances", "Growing memories", "Memory Instructions". */
#define _GNU_SOURCE /* mremap */
#include "runtime/internal.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* From here on giving pages back is cheaper than zeroing. */
#define DROP_BYTES UINT64_C(65536)
#define SLACK_BYTES (UINT64_C(16) << 20)
#define PAGES_32 UINT64_C(65536)

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- Address space ---- */

static bool map(abi_memory *m, uint64_t bytes)
{
    void *at;

    if (bytes > SIZE_MAX || !rt_mapping_take(m->store->engine))
        return false;
    at = mmap(NULL, (size_t)bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
              0);
    if (at == MAP_FAILED) {
        rt_mapping_give(m->store->engine);
        return false;
    }
    m->base = at;
    m->reserved = bytes;
    return true;
}

static void unmap(abi_memory *m)
{
    if (m->base) {
        munmap(m->base, (size_t)m->reserved);
        rt_mapping_give(m->store->engine);
    }
    if (m->guarded)
        rt_reserved_give(m->store->engine, m->reserved);
    m->base = NULL;
    m->reserved = 0;
    m->guarded = false;
}

static uint64_t guarded_bytes(const abi_memory *m)
{
    uint64_t pages = 1;

    if (!m->is64)
        return PAGES_32 * ABI_PAGE_SIZE + ABI_GUARD_BYTES;
    while (pages < m->max_pages)
        pages *= 2;
    return pages * ABI_PAGE_SIZE + ABI_GUARD_BYTES;
}

static bool map_guarded(abi_memory *m)
{
    uint64_t bytes = guarded_bytes(m);

    if (!rt_reserved_take(m->store->engine, bytes))
        return false;
    m->guarded = map(m, bytes);
    if (!m->guarded)
        rt_reserved_give(m->store->engine, bytes);
    return m->guarded;
}

/* Bytes to reserve without a guard for a memory of `size` bytes: up to twice as many, later an
 * eighth more, so that growing page by page moves it seldom enough to stay linear. */
static uint64_t roomy(const abi_memory *m, uint64_t size)
{
    uint64_t slack = least(size, SLACK_BYTES);

    if (slack < size / 8)
        slack = size / 8 / ABI_PAGE_SIZE * ABI_PAGE_SIZE;
    if (slack == 0)
        slack = ABI_PAGE_SIZE;
    return least(size + slack, m->max_pages * ABI_PAGE_SIZE);
}

/* Reserve for a memory that will have `size` bytes. */
static bool reserve(abi_memory *m, uint64_t size)
{
    if (m->max_pages == 0 || map_guarded(m))
        return true;
    return map(m, roomy(m, size)) || (size > 0 && map(m, size));
}

static bool move_by_copy(abi_memory *m, uint64_t bytes)
{
    uint8_t *base = m->base;
    uint64_t reserved = m->reserved;

    if (!map(m, bytes))
        return false;
    if (mprotect(m->base, (size_t)m->size, PROT_READ | PROT_WRITE) != 0) {
        munmap(m->base, (size_t)bytes);
        rt_mapping_give(m->store->engine);
        m->base = base;
        m->reserved = reserved;
        return false;
    }
    memcpy(m->base, base, (size_t)m->size);
    munmap(base, (size_t)reserved);
    rt_mapping_give(m->store->engine);
    return true;
}

/* Have `bytes` of address space, elsewhere. The kernel moves the pages that are accessible and
 * makes the range larger in one step, so that never more than the slack is there twice. */
static bool move(abi_memory *m, uint64_t bytes)
{
    uint64_t slack = m->reserved - m->size;
    void *at;

    if (bytes > SIZE_MAX)
        return false;
    at = m->size == 0 ? MAP_FAILED
                      : mremap(m->base, (size_t)m->size, (size_t)bytes, MREMAP_MAYMOVE);
    if (at == MAP_FAILED)
        return move_by_copy(m, bytes);
    /* Only what is still ours: another thread may have got the rest by now. */
    if (slack > 0)
        munmap(m->base + m->size, (size_t)slack);
    m->base = at;
    m->reserved = bytes;
    /* Where this fails, more stays open than need be: who has no guard checks all accesses. */
    (void)mprotect(m->base + m->size, (size_t)(bytes - m->size), PROT_NONE);
    return true;
}

/* The reservation covers `size` bytes, or now does. */
static bool cover(abi_memory *m, uint64_t size)
{
    uint64_t room = m->reserved - (m->guarded ? ABI_GUARD_BYTES : 0);

    if (!m->base)
        return false;
    return size <= room || (!m->guarded && (move(m, roomy(m, size)) || move(m, size)));
}

bool rt_memory_resize(abi_memory *m, uint64_t pages)
{
    uint64_t size = pages * ABI_PAGE_SIZE;

    if (size == m->size)
        return true;
    if (size < m->size) {
        /* The kernel only moves the border of two ranges. Should it refuse, the rest stays
         * open, which no access reaches that is checked against the size. */
        m->open |= mprotect(m->base + size, (size_t)(m->size - size), PROT_NONE) != 0;
    } else if (!cover(m, size) ||
               mprotect(m->base + m->size, (size_t)(size - m->size), PROT_READ | PROT_WRITE)) {
        return false;
    }
    m->size = size;
    m->pages = pages;
    return true;
}

bool rt_memory_close(abi_memory *m)
{
    uint64_t rest = m->reserved - m->size;

    if (m->open && mprotect(m->base + m->size, (size_t)rest, PROT_NONE) == 0)
        m->open = false;
    return !m->open;
}

/* Give whole host pages back: they are zero when touched again. */
static bool drop_pages(uint8_t *at, uint64_t len)
{
    return len == 0 || madvise(at, (size_t)len, MADV_DONTNEED) == 0;
}

void rt_memory_zero(abi_memory *m, uint64_t from, uint64_t to)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t first = (from + page - 1) / page * page;
    uint64_t last = to / page * page;

    if (from == to)
        return;
    if (to - from < DROP_BYTES || !drop_pages(m->base + first, last - first)) {
        memset(m->base + from, 0, (size_t)(to - from));
        return;
    }
    memset(m->base + from, 0, (size_t)(first - from));
    memset(m->base + last, 0, (size_t)(to - last));
}

beamr_status rt_memory_new(abi_store *s, const wb_memtype *type, abi_memory **out,
                           beamr_error *err)
{
    const wb_limits *limits = &type->limits;
    uint64_t most = least(s->max_memory_pages, limits->is64 ? ABI_MEMORY_MAX_PAGES : PAGES_32);
    uint64_t size = limits->min * ABI_PAGE_SIZE;
    abi_memory *m;

    if (limits->min > most)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a memory begins with %" PRIu64 " pages; at most %" PRIu64
                          " are allowed",
                          limits->min, most);
    if (!(m = ARENA_NEW(&s->arena, abi_memory, 1)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a memory's record");
    m->is64 = limits->is64;
    m->declared_max = limits->has_max ? limits->max : UINT64_MAX;
    m->max_pages = least(most, m->declared_max);
    m->least_pages = limits->min;
    m->store = s;
    BEAMR_TRY(rt_budget_need(s, "a memory", size, err));
    if (!reserve(m, size) || !rt_memory_resize(m, limits->min)) {
        unmap(m);
        rt_budget_give(s, size);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "the host has no room for a memory of %" PRIu64 " pages",
                          limits->min);
    }
    m->next = s->memories;
    s->memories = m;
    *out = m;
    return BEAMR_OK;
}

void rt_memory_clear(abi_memory *m)
{
    rt_budget_give(m->store, m->size);
    unmap(m);
    m->size = m->pages = m->max_pages = 0;
}

void rt_memories_free(abi_store *s)
{
    for (abi_memory *m = s->memories; m; m = m->next)
        unmap(m);
    s->memories = NULL;
}

static beamr_status no_room(const abi_memory *m, uint64_t delta, beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_OUT_OF_MEMORY,
                           "a memory of %" PRIu64 " pages cannot grow by %" PRIu64, m->pages,
                           delta);
}

beamr_status rt_memory_grow(abi_memory *m, uint64_t delta, int64_t *old, beamr_error *err)
{
    uint64_t pages = m->pages;
    uint64_t bytes;

    *old = -1;
    if (delta > m->max_pages - pages)
        return BEAMR_OK;
    bytes = delta * ABI_PAGE_SIZE;
    if (!rt_budget_fits(m->store, bytes))
        return BEAMR_OK;
    if (!rt_budget_take(m->store, bytes))
        return no_room(m, delta, err);
    if (!rt_memory_resize(m, pages + delta)) {
        rt_budget_give(m->store, bytes);
        return no_room(m, delta, err);
    }
    *old = (int64_t)pages;
    return BEAMR_OK;
}

/* ---- Bulk instructions ---- */

static beamr_status out_of_bounds(const abi_memory *m, uint64_t addr, uint64_t len,
                                  beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                           "%" PRIu64 " bytes at %" PRIu64 " in a memory of %" PRIu64, len,
                           addr, m->size);
}

beamr_status rt_memory_fill(abi_memory *m, uint64_t addr, uint8_t value, uint64_t len,
                            beamr_error *err)
{
    if (!rt_memory_contains(m, addr, len))
        return out_of_bounds(m, addr, len, err);
    BEAMR_TRY(rt_store_charge(m->store, len, WB_COST_BULK_BYTES, err));
    while (len > 0) {
        uint64_t n = least(len, RT_POLL_BYTES);

        memset(m->base + addr, value, (size_t)n);
        addr += n;
        len -= n;
        if (len > 0)
            BEAMR_TRY(rt_store_poll(m->store, err));
    }
    return BEAMR_OK;
}

/* Copy piece by piece, from the end that keeps what is still to be read. Where a piece stands
 * is looked up each time, since memories may move at a poll. src  NULL when the source is
 * `bytes` */
static beamr_status copy_pieces(abi_memory *dst, uint64_t to, const abi_memory *src,
                                const uint8_t *bytes, uint64_t from, uint64_t len,
                                beamr_error *err)
{
    bool backwards = dst == src && to > from;
    uint64_t done = 0;

    while (done < len) {
        uint64_t n = least(len - done, RT_POLL_BYTES);
        uint64_t at = backwards ? len - done - n : done;

        memmove(dst->base + to + at, (src ? src->base : bytes) + from + at, (size_t)n);
        done += n;
        if (done < len)
            BEAMR_TRY(rt_store_poll(dst->store, err));
    }
    return BEAMR_OK;
}

beamr_status rt_memory_copy(abi_memory *dst, uint64_t to, const abi_memory *src, uint64_t from,
                            uint64_t len, beamr_error *err)
{
    if (!rt_memory_contains(src, from, len))
        return out_of_bounds(src, from, len, err);
    if (!rt_memory_contains(dst, to, len))
        return out_of_bounds(dst, to, len, err);
    BEAMR_TRY(rt_store_charge(dst->store, len, WB_COST_BULK_BYTES, err));
    return copy_pieces(dst, to, src, NULL, from, len, err);
}

beamr_status rt_memory_init(abi_instance *inst, uint32_t memory, uint32_t segment, uint64_t to,
                            uint64_t from, uint64_t len, beamr_error *err)
{
    const wb_data *data = &inst->wasm->datas[segment];
    size_t size = inst->dropped_datas[segment] ? 0 : data->bytes.len;
    abi_memory *m = inst->memories[memory];

    if (len > size || from > size - len)
        return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                               "%" PRIu64 " bytes at %" PRIu64 " of data segment %" PRIu32
                               ", which has %zu",
                               len, from, segment, size);
    if (!rt_memory_contains(m, to, len))
        return beamr_fail_trap(err, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS,
                               "%" PRIu64 " bytes of data segment %" PRIu32 " at %" PRIu64
                               " in a memory of %" PRIu64,
                               len, segment, to, m->size);
    BEAMR_TRY(rt_store_charge(m->store, len, WB_COST_BULK_BYTES, err));
    return copy_pieces(m, to, NULL, data->bytes.data, from, len, err);
}

void rt_data_drop(abi_instance *inst, uint32_t segment)
{
    inst->dropped_datas[segment] = true;
}
