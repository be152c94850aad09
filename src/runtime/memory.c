/* Linear memories: address space reserved once, opened page by page as the guest grows it, and
 * the bulk instructions on them. Loads and stores are the executors'.
 *
 * A 32-bit memory reserves the whole 4 GiB, a 64-bit one the power of two that covers all it
 * may ever have, each with a guard behind. Where the host refuses that much, the reservation
 * shrinks: first to exactly what the guest may reach, then by halves. What the guest may reach
 * stays the same (max_pages); growing past the reservation fails as if the host's memory were
 * gone. Source: Core, "Memory Instances", "Growing memories", "Memory Instructions". */
#include "runtime/internal.h"

#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUARD_BYTES UINT64_C(65536)
#define DROP_BYTES UINT64_C(65536) /* from here on giving pages back is cheaper than zeroing   \
                                    */
#define PAGES_32 UINT64_C(65536)

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Bytes to reserve for `max_pages`, guard excluded. */
static uint64_t reserve_wanted(bool is64, uint64_t max_pages)
{
    uint64_t pages = 1;

    if (!is64)
        return PAGES_32 * ABI_PAGE_SIZE;
    while (pages < max_pages)
        pages *= 2;
    return pages * ABI_PAGE_SIZE;
}

static bool map(abi_memory *m, uint64_t bytes, uint64_t guard)
{
    void *at;

    if (bytes + guard > SIZE_MAX)
        return false;
    at = mmap(NULL, (size_t)(bytes + guard), PROT_NONE,
              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return false;
    m->base = at;
    m->reserved = bytes + guard;
    return true;
}

/* Reserve for the memory's max_pages, or as much as the host gives but at least `min`. */
static bool reserve(abi_memory *m, uint64_t min)
{
    uint64_t pages = m->max_pages;

    if (pages == 0)
        return true;
    if (map(m, reserve_wanted(m->is64, pages), GUARD_BYTES))
        return true;
    for (; pages > min; pages = pages / 2 > min ? pages / 2 : min)
        if (map(m, pages * ABI_PAGE_SIZE, GUARD_BYTES))
            return true;
    return min == 0 || map(m, min * ABI_PAGE_SIZE, GUARD_BYTES);
}

bool rt_memory_resize(abi_memory *m, uint64_t pages)
{
    uint64_t size = pages * ABI_PAGE_SIZE;

    if (size == m->size)
        return true;
    if (!m->base || size > m->reserved - GUARD_BYTES)
        return false;
    if (size < m->size) {
        if (mprotect(m->base + size, (size_t)(m->size - size), PROT_NONE) != 0)
            return false;
    } else if (mprotect(m->base + m->size, (size_t)(size - m->size), PROT_READ | PROT_WRITE)) {
        return false;
    }
    m->size = size;
    m->pages = pages;
    return true;
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

void rt_memory_discard(abi_memory *m, uint64_t to)
{
    uint8_t *at;
    size_t len;

    if (to <= m->size)
        return; /* also when there is no base */
    at = m->base + m->size;
    len = (size_t)(to - m->size);
    if (drop_pages(at, len))
        return;
    /* Pages that are locked in memory cannot be given back. */
    if (mprotect(at, len, PROT_READ | PROT_WRITE) == 0) {
        memset(at, 0, len);
        (void)mprotect(at, len, PROT_NONE);
    }
}

beamr_status rt_memory_new(abi_store *s, const wb_memtype *type, abi_memory **out,
                           beamr_error *err)
{
    const wb_limits *limits = &type->limits;
    uint64_t most = least(s->max_memory_pages, limits->is64 ? ABI_MEMORY_MAX_PAGES : PAGES_32);
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
    if (!reserve(m, limits->min) || !rt_memory_resize(m, limits->min)) {
        if (m->base)
            munmap(m->base, (size_t)m->reserved);
        return beamr_fail(err, BEAMR_NO_MEMORY, 0,
                          "the host has no room for a memory of %" PRIu64 " pages",
                          limits->min);
    }
    m->next = s->memories;
    s->memories = m;
    *out = m;
    return BEAMR_OK;
}

void rt_memories_free(abi_store *s)
{
    for (abi_memory *m = s->memories; m; m = m->next)
        if (m->base)
            munmap(m->base, (size_t)m->reserved);
    s->memories = NULL;
}

int64_t rt_memory_grow(abi_memory *m, uint64_t delta)
{
    uint64_t old = m->pages;

    if (delta > m->max_pages - old)
        return -1;
    return rt_memory_resize(m, old + delta) ? (int64_t)old : -1;
}

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

/* Copy piece by piece, from the end that keeps what is still to be read. */
static beamr_status copy_pieces(abi_store *s, uint8_t *to, const uint8_t *from, uint64_t len,
                                beamr_error *err)
{
    bool backwards = to > from;
    uint64_t done = 0;

    while (done < len) {
        uint64_t n = least(len - done, RT_POLL_BYTES);
        uint64_t at = backwards ? len - done - n : done;

        memmove(to + at, from + at, (size_t)n);
        done += n;
        if (done < len)
            BEAMR_TRY(rt_store_poll(s, err));
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
    return len ? copy_pieces(dst->store, dst->base + to, src->base + from, len, err) : BEAMR_OK;
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
    return len ? copy_pieces(m->store, m->base + to, data->bytes.data + from, len, err)
               : BEAMR_OK;
}

void rt_data_drop(abi_instance *inst, uint32_t segment)
{
    inst->dropped_datas[segment] = true;
}
