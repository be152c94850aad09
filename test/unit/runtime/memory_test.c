/* Memories, guarded and not: every edge of size and address, growth in place and by moving,
 * bulk operations, budgets, and a host that is full. */
#define _GNU_SOURCE
#include "fixture.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)
#define PAGE ABI_PAGE_SIZE

/* The state of a test: whether its memories are guarded. */
static bool guarded = true;
static bool unguarded = false;

static abi_store *store_with(void **state, const rt_limits *limits, bool metering)
{
    abi_store *s = fixture_store_with(limits, metering);

    if (!*(const bool *)*state)
        s->engine->max_reserved = 0;
    return s;
}

static abi_store *store_of(void **state)
{
    return store_with(state, &fixture_limits, false);
}

static abi_memory *make(abi_store *s, uint64_t min, uint64_t max, bool is64)
{
    wb_memtype type = {{min, max, max != UINT64_MAX, is64}};
    beamr_error err = {0};
    abi_memory *m = NULL;

    if (rt_memory_new(s, &type, &m, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return m;
}

static void new_memory_is_zeroed_and_grows(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 1, 4, false);
    uint8_t *base = m->base;

    for (uint64_t i = 0; i < PAGE; i++)
        assert_int_equal(base[i], 0);
    base[PAGE - 1] = 7;
    assert_int_equal(fixture_memory_grow(m, 0), 1);
    assert_int_equal(fixture_memory_grow(m, 3), 1);
    assert_int_equal(fixture_memory_grow(m, 1), -1);
    assert_int_equal(fixture_memory_grow(m, 0), 4);
    assert_int_equal(m->guarded, *(const bool *)*state);
    if (m->guarded)
        assert_ptr_equal(m->base, base);
    assert_int_equal(m->base[PAGE - 1], 7);
    assert_int_equal(m->base[4 * PAGE - 1], 0);
    assert_int_equal(m->size, 4 * PAGE);
    rt_store_free(s);
}

static void memory_with_no_pages_has_no_base(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 0, 0, true);
    beamr_error err = {0};

    assert_null(m->base);
    assert_int_equal(fixture_memory_grow(m, 0), 0);
    assert_int_equal(fixture_memory_grow(m, 1), -1);
    assert_int_equal(rt_memory_fill(m, 0, 1, 0, &err), BEAMR_OK);
    assert_int_equal(rt_memory_copy(m, 0, m, 0, 0, &err), BEAMR_OK);
    assert_trap(rt_memory_fill(m, 1, 1, 0, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_trap(rt_memory_fill(m, 0, 1, 1, &err), MEMORY_OUT_OF_BOUNDS, err);
    rt_store_free(s);
}

static void memory_that_starts_empty_can_grow(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 0, UINT64_MAX, false);

    assert_non_null(m->base);
    assert_int_equal(fixture_memory_grow(m, 2), 0);
    m->base[2 * PAGE - 1] = 1;
    rt_store_free(s);
}

static void grow_stops_at_4_gib_for_32_bit_and_16_gib_for_64_bit(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *narrow = make(s, 1, UINT64_MAX, false);
    abi_memory *wide = make(s, 1, UINT64_MAX, true);

    assert_int_equal(fixture_memory_grow(narrow, 65536), -1);
    assert_int_equal(fixture_memory_grow(narrow, 65535), 1);
    narrow->base[narrow->size - 1] = 1;
    assert_int_equal(narrow->size, UINT64_C(1) << 32);
    assert_int_equal(fixture_memory_grow(wide, UINT64_MAX), -1);
    assert_int_equal(fixture_memory_grow(wide, UINT64_MAX - 1), -1);
    assert_int_equal(fixture_memory_grow(wide, ABI_MEMORY_MAX_PAGES), -1);
    assert_int_equal(fixture_memory_grow(wide, ABI_MEMORY_MAX_PAGES - 1), 1);
    wide->base[wide->size - 1] = 1;
    rt_store_free(s);
}

static void reservation_of_64_bit_memory_covers_its_maximum(void **state)
{
    abi_store *s = fixture_store();

    (void)state;
    assert_int_equal(make(s, 0, 3, true)->reserved, 4 * PAGE + 65536);
    assert_int_equal(make(s, 0, 4, true)->reserved, 4 * PAGE + 65536);
    assert_int_equal(make(s, 0, 1, false)->reserved, (UINT64_C(1) << 32) + 65536);
    rt_store_free(s);
}

static void contains_does_not_overflow(void **state)
{
    abi_store *s = fixture_store();
    abi_memory *m = make(s, 1, 1, true);

    (void)state;
    assert_true(rt_memory_contains(m, 0, PAGE));
    assert_true(rt_memory_contains(m, PAGE, 0));
    assert_true(rt_memory_contains(m, PAGE - 1, 1));
    assert_false(rt_memory_contains(m, PAGE, 1));
    assert_false(rt_memory_contains(m, PAGE + 1, 0));
    assert_false(rt_memory_contains(m, UINT64_MAX, 1));
    assert_false(rt_memory_contains(m, UINT64_MAX, 0));
    assert_false(rt_memory_contains(m, 1, UINT64_MAX));
    assert_false(rt_memory_contains(m, UINT64_MAX, UINT64_MAX));
    rt_store_free(s);
}

static void store_limit_caps_growth_and_refuses_minimum(void **state)
{
    rt_limits limits = fixture_limits;
    wb_memtype type = {{6, UINT64_MAX, false, true}};
    beamr_error err = {0};
    abi_memory *m = NULL;
    abi_store *s;

    limits.max_memory_pages = 5;
    s = store_with(state, &limits, false);
    assert_int_equal(rt_memory_new(s, &type, &m, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "6 pages"));
    assert_null(m);
    m = make(s, 5, 100, false);
    assert_int_equal(fixture_memory_grow(m, 1), -1);
    rt_store_free(s);
}

static void fill_touches_exactly_its_range(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 1, 1, false);
    beamr_error err = {0};

    assert_int_equal(rt_memory_fill(m, PAGE - 2, 0xab, 2, &err), BEAMR_OK);
    assert_int_equal(m->base[PAGE - 3], 0);
    assert_int_equal(m->base[PAGE - 2], 0xab);
    assert_int_equal(m->base[PAGE - 1], 0xab);
    assert_trap(rt_memory_fill(m, PAGE - 2, 1, 3, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_int_equal(m->base[PAGE - 1], 0xab);
    assert_non_null(strstr(err.text, "out of bounds memory access"));
    assert_trap(rt_memory_fill(m, 2, 1, UINT64_MAX, &err), MEMORY_OUT_OF_BOUNDS, err);
    rt_store_free(s);
}

/* Overlapping by less and by more than the piece that is copied at once. */
static void copy_is_memmove_at_every_distance(void **state)
{
    static const uint64_t distances[] = {0, 1, 4096, MIB - 1, MIB, MIB + 1, 2 * MIB + 5};
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 128, 128, false);
    uint64_t len = 3 * MIB + 17;
    uint8_t *want = malloc(8 * MIB);
    beamr_error err = {0};

    for (size_t i = 0; i < 2 * sizeof distances / sizeof distances[0]; i++) {
        uint64_t near = 100;
        uint64_t far = near + distances[i / 2];
        uint64_t to = i % 2 ? near : far;
        uint64_t from = i % 2 ? far : near;

        for (uint64_t k = 0; k < 8 * MIB; k++)
            want[k] = m->base[k] = (uint8_t)(k * 2654435761u >> 13);
        memmove(want + to, want + from, len);
        assert_int_equal(rt_memory_copy(m, to, m, from, len, &err), BEAMR_OK);
        assert_memory_equal(m->base, want, 8 * MIB);
    }
    free(want);
    rt_store_free(s);
}

static void copy_between_memories_checks_both(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *small = make(s, 1, 1, false);
    abi_memory *large = make(s, 2, 2, true);
    beamr_error err = {0};

    large->base[2 * PAGE - 1] = 9;
    assert_int_equal(rt_memory_copy(small, PAGE - 1, large, 2 * PAGE - 1, 1, &err), BEAMR_OK);
    assert_int_equal(small->base[PAGE - 1], 9);
    assert_trap(rt_memory_copy(small, 0, large, 0, PAGE + 1, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_trap(rt_memory_copy(large, 0, small, 0, PAGE + 1, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_int_equal(rt_memory_copy(small, PAGE, large, 2 * PAGE, 0, NULL), BEAMR_OK);
    rt_store_free(s);
}

static void interrupt_ends_large_operations(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 64, 64, false);
    beamr_error err = {0};

    atomic_store(&s->interrupt, ABI_INTERRUPT);
    assert_int_equal(rt_memory_fill(m, 0, 1, MIB, &err), BEAMR_OK);
    assert_trap(rt_memory_fill(m, 0, 1, MIB + 1, &err), INTERRUPTED, err);
    assert_trap(rt_memory_copy(m, MIB, m, 0, 2 * MIB, &err), INTERRUPTED, err);
    rt_store_free(s);
}

static void fuel_is_charged_by_size_before_the_start(void **state)
{
    abi_store *s = store_with(state, &fixture_limits, true);
    abi_memory *m = make(s, 1, 1, false);
    beamr_error err = {0};

    s->fuel = 3;
    assert_int_equal(rt_memory_fill(m, 0, 1, 0, &err), BEAMR_OK);
    assert_int_equal(s->fuel, 3);
    assert_int_equal(rt_memory_fill(m, 0, 1, 1, &err), BEAMR_OK);
    assert_int_equal(s->fuel, 2);
    assert_int_equal(rt_memory_copy(m, 0, m, 64, WB_COST_BULK_BYTES, &err), BEAMR_OK);
    assert_int_equal(s->fuel, 1);
    assert_trap(rt_memory_fill(m, 0, 2, WB_COST_BULK_BYTES + 1, &err), OUT_OF_FUEL, err);
    assert_int_equal(m->base[1], 0);
    assert_int_equal(s->fuel, 0);
    assert_trap(rt_memory_fill(m, 0, 2, UINT64_MAX, &err), MEMORY_OUT_OF_BOUNDS, err);
    rt_store_free(s);
}

/* ---- Room ---- */

/* Sizes at which an unguarded memory has to move, among others. */
static void growing_keeps_the_content_and_is_zero_behind(void **state)
{
    static const uint64_t deltas[] = {1, 1, 2, 3, 255, 1, 300, 2, 600, 1};
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 0, 2000, true);
    unsigned moves = 0;

    for (size_t i = 0; i < sizeof deltas / sizeof deltas[0]; i++) {
        const uint8_t *base = m->base;
        uint64_t before = m->size;

        assert_int_equal(fixture_memory_grow(m, deltas[i]), before / PAGE);
        moves += m->base != base;
        for (uint64_t at = 0; at < before; at += PAGE)
            assert_int_equal(m->base[at] + 256 * m->base[at + PAGE - 1], at / PAGE);
        for (uint64_t at = before; at < m->size; at += PAGE) {
            assert_int_equal(m->base[at] | m->base[at + PAGE - 1], 0);
            m->base[at] = (uint8_t)(at / PAGE);
            m->base[at + PAGE - 1] = (uint8_t)(at / PAGE >> 8);
        }
    }
    if (m->guarded)
        assert_int_equal(moves, 0);
    else
        assert_true(m->reserved < m->size + 17 * MIB);
    rt_store_free(s);
}

/* By 1 MiB to 2 GiB: the slack grows with the size. */
static void growing_by_little_moves_seldom(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 0, UINT64_MAX, false);
    const uint8_t *base = m->base;
    unsigned moves = 0;

    for (int i = 0; i < 2048; i++) {
        assert_int_equal(fixture_memory_grow(m, 16), 16 * i);
        moves += m->base != base;
        base = m->base;
    }
    assert_in_range(moves, 0, 60);
    assert_true(m->reserved < m->size + m->size / 8 + 17 * MIB || m->guarded);
    rt_store_free(s);
}

/* Something lies behind the reservation, so that the memory cannot grow where it is. */
static void unguarded_memory_moves_when_it_must(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 3, 100, false);
    abi_memory *other = make(s, 1, 1, false);
    uint8_t *base = m->base;

    assert_false(m->guarded);
    assert_int_equal(m->reserved, 6 * PAGE);
    m->base[3 * PAGE - 1] = 5;
    assert_int_equal(fixture_memory_grow(m, 3), 3); /* the slack */
    assert_ptr_equal(m->base, base);
    m->base[6 * PAGE - 1] = 6;
    (void)mmap(m->base + m->reserved, PAGE, PROT_NONE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_int_equal(fixture_memory_grow(m, 1), 6);
    assert_ptr_not_equal(m->base, base);
    assert_int_equal(m->base[3 * PAGE - 1], 5);
    assert_int_equal(m->base[6 * PAGE - 1], 6);
    assert_int_equal(m->base[7 * PAGE - 1], 0);
    other->base[PAGE - 1] = 1;
    /* Pages of two kinds cannot be moved at once: they are copied. */
    base = m->base;
    assert_int_equal(mprotect(base + PAGE, PAGE, PROT_READ), 0);
    assert_int_equal(fixture_memory_grow(m, 30), 7);
    assert_ptr_not_equal(m->base, base);
    assert_int_equal(m->base[3 * PAGE - 1], 5);
    memset(m->base, 1, m->size);
    rt_store_free(s);
}

/* What the restore of a snapshot does. */
static void memory_can_become_smaller_and_larger_again(void **state)
{
    abi_store *s = store_of(state);
    abi_memory *m = make(s, 8, 64, false);

    memset(m->base, 1, m->size);
    rt_memory_zero(m, 2 * PAGE, 8 * PAGE);
    assert_true(rt_memory_resize(m, 2));
    assert_int_equal(m->size, 2 * PAGE);
    assert_true(rt_memory_resize(m, 64));
    assert_int_equal(m->base[2 * PAGE - 1], 1);
    for (uint64_t at = 2 * PAGE; at < m->size; at++)
        assert_int_equal(m->base[at], 0);
    rt_memory_zero(m, 0, 64 * PAGE);
    assert_true(rt_memory_resize(m, 0));
    assert_true(rt_memory_resize(m, 64));
    assert_int_equal(m->base[0], 0);
    rt_store_free(s);
}

static unsigned mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned lines = 0;
    int c;

    assert_non_null(maps);
    while ((c = fgetc(maps)) != EOF)
        lines += c == '\n';
    (void)fclose(maps);
    return lines;
}

/* The kernel allows a process about 65,000 of them. */
static void memories_take_two_mappings_at_most(void **state)
{
    abi_memory *memories[50];
    unsigned before;
    abi_store *s;

    if (fixture_is_sanitized())
        skip(); /* the sanitizer's own would count */
    s = store_of(state);
    before = mappings();
    for (int i = 0; i < 50; i++)
        memories[i] = make(s, (uint64_t)i % 3, 200, true);
    for (uint64_t round = 1; round < 6; round++)
        for (uint64_t i = 0; i < 50; i++)
            assert_true(fixture_memory_grow(memories[i], i % 7 + round) >= 0);
    for (int i = 0; i < 50; i++) {
        assert_true(rt_memory_resize(memories[i], 3));
        assert_true(fixture_memory_grow(memories[i], 9) == 3);
    }
    assert_in_range(mappings(), before, before + 2 * 50 + 4); /* and the record of them */
    rt_store_free(s);
}

static void address_space_is_a_budget_of_the_engine(void **state)
{
    rt_engine *e = fixture_engine();
    uint64_t wide = 4 * PAGE + ABI_GUARD_BYTES;
    abi_store *a = NULL, *b = NULL;

    (void)state;
    e->max_reserved = 2 * wide;
    assert_int_equal(rt_store_new(e, &fixture_limits, &a, NULL), BEAMR_OK);
    assert_int_equal(rt_store_new(e, &fixture_limits, &b, NULL), BEAMR_OK);
    assert_false(make(a, 1, UINT64_MAX, false)->guarded);
    assert_true(make(a, 1, 4, true)->guarded);
    assert_true(make(b, 1, 3, true)->guarded);
    assert_false(make(b, 0, 1, true)->guarded);
    assert_int_equal(e->reserved, 2 * wide);
    rt_store_free(b);
    assert_int_equal(e->reserved, wide);
    assert_false(make(a, 1, 5, true)->guarded); /* 8 pages and a guard */
    assert_true(make(a, 1, 1, true)->guarded);
    rt_store_free(a);
    assert_int_equal(e->reserved, 0);
    rt_engine_unref(e);
}

/* ---- Budgets ---- */

static void store_budget_ends_exactly_there(void **state)
{
    rt_limits limits = fixture_limits;
    wb_memtype type = {{4, 4, true, false}};
    abi_memory *a, *b, *c = NULL;
    beamr_error err = {0};
    abi_store *s;

    limits.max_bytes = 8 * PAGE + 100;
    s = store_with(state, &limits, false);
    a = make(s, 2, 100, false);
    b = make(s, 2, 100, true);
    assert_int_equal(s->bytes, 4 * PAGE);
    assert_int_equal(fixture_memory_grow(a, 5), -1);
    assert_int_equal(fixture_memory_grow(a, 1), 2);
    assert_int_equal(fixture_memory_grow(b, 4), -1);
    assert_int_equal(rt_memory_new(s, &type, &c, &err), BEAMR_LIMIT);
    assert_string_equal(err.text,
                        "a memory takes 262144 bytes; the store allows 524388 in all, "
                        "and 327680 are taken");
    assert_int_equal(fixture_memory_grow(b, 3), 2);
    assert_int_equal(fixture_memory_grow(b, 1), -1);
    assert_int_equal(fixture_memory_grow(b, 0), 5);
    assert_int_equal(s->bytes, 8 * PAGE);
    b->base[5 * PAGE - 1] = 1;
    rt_store_free(s);
}

static void engine_budget_traps_and_leaves_the_memory_as_it_was(void **state)
{
    abi_store *s = store_of(state);
    wb_memtype type = {{2, 4, true, false}};
    abi_memory *m = make(s, 2, 100, false), *other = NULL;
    beamr_error err = {0};
    int64_t old;

    s->engine->max_bytes = 3 * PAGE;
    m->base[2 * PAGE - 1] = 3;
    assert_trap(rt_memory_grow(m, 2, &old, &err), OUT_OF_MEMORY, err);
    assert_string_equal(err.text, "out of host memory: a memory of 2 pages cannot grow by 2");
    assert_int_equal(m->pages, 2);
    assert_int_equal(s->bytes, 2 * PAGE);
    beamr_error_clear(&err);
    assert_int_equal(rt_memory_new(s, &type, &other, &err), BEAMR_NO_MEMORY);
    assert_int_equal(fixture_memory_grow(m, 99), -1); /* its maximum: on every host */
    assert_int_equal(fixture_memory_grow(m, 1), 2);
    assert_int_equal(m->base[2 * PAGE - 1], 3);
    rt_store_free(s);
}

static void engine_budget_is_shared_by_its_stores(void **state)
{
    rt_engine *e = fixture_engine();
    abi_store *a = NULL, *b = NULL;
    beamr_error err = {0};
    abi_memory *m;
    int64_t old;

    (void)state;
    e->max_bytes = 10 * PAGE;
    assert_int_equal(rt_store_new(e, &fixture_limits, &a, NULL), BEAMR_OK);
    assert_int_equal(rt_store_new(e, &fixture_limits, &b, NULL), BEAMR_OK);
    (void)make(a, 6, 6, false);
    m = make(b, 4, 100, false);
    assert_trap(rt_memory_grow(m, 1, &old, &err), OUT_OF_MEMORY, err);
    rt_store_free(a);
    assert_int_equal(e->bytes, 4 * PAGE);
    assert_int_equal(fixture_memory_grow(m, 6), 4);
    assert_trap(rt_memory_grow(m, 1, &old, &err), OUT_OF_MEMORY, err);
    rt_store_free(b);
    assert_int_equal(e->bytes, 0);
    rt_engine_unref(e);
}

/* ---- A host that is full ---- */

#define CHECK(condition)                                                                       \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            (void)fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                      \
            return 1;                                                                          \
        }                                                                                      \
    } while (0)

static int in_one_gib(abi_store *s)
{
    struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
    wb_memtype type = {{2, UINT64_MAX, false, false}};
    beamr_error err = {0};
    abi_memory *m = NULL;
    int64_t old = 0;

    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    CHECK(rt_memory_new(s, &type, &m, NULL) == BEAMR_OK);
    CHECK(!m->guarded && m->max_pages == 65536 && m->reserved <= 4 * PAGE);
    m->base[m->size - 1] = 1;
    /* To more than half of what there is, in steps: a copy would not have room. */
    for (int i = 0; i < 11; i++)
        CHECK(rt_memory_grow(m, 1024, &old, &err) == BEAMR_OK && old == 2 + 1024 * i);
    CHECK(m->base[2 * PAGE - 1] == 1 && m->base[m->size - 1] == 0);
    m->base[m->size - 1] = 2;
    /* Beyond the host's memory, and beyond what any host allows. */
    CHECK(rt_memory_grow(m, 8192, &old, &err) == BEAMR_TRAP);
    CHECK(err.trap == BEAMR_TRAP_OUT_OF_MEMORY && m->pages == 2 + 11264);
    beamr_error_clear(&err);
    CHECK(rt_memory_grow(m, 65536, &old, &err) == BEAMR_OK && old == -1);
    CHECK(s->bytes == m->size && s->engine->reserved == 0);
    CHECK(m->base[2 * PAGE - 1] == 1 && m->base[m->size - 1] == 2);
    CHECK(rt_memory_grow(m, 16, &old, &err) == BEAMR_OK && old == 2 + 11264);
    m->base[m->size - 1] = 3;
    type.limits.min = 16384;
    CHECK(rt_memory_new(s, &type, &m, &err) == BEAMR_NO_MEMORY);
    return 0;
}

/* In a child, since the limit stays. */
static void small_address_space_still_gives_memories_that_grow(void **state)
{
    abi_store *s;
    int status = 0;
    pid_t pid;

    (void)state;
    if (fixture_is_sanitized())
        skip();
    s = fixture_store();
    pid = fork();
    if (pid == 0)
        _exit(in_one_gib(s));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    rt_store_free(s);
}

/* A test of both kinds of memories. */
#define BOTH(test)                                                                             \
    {#test ", guarded", test, NULL, NULL, &guarded},                                           \
    {                                                                                          \
#test ", unguarded", test, NULL, NULL, &unguarded                                      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(new_memory_is_zeroed_and_grows),
        BOTH(memory_with_no_pages_has_no_base),
        BOTH(memory_that_starts_empty_can_grow),
        BOTH(grow_stops_at_4_gib_for_32_bit_and_16_gib_for_64_bit),
        BOTH(store_limit_caps_growth_and_refuses_minimum),
        BOTH(fill_touches_exactly_its_range),
        BOTH(copy_is_memmove_at_every_distance),
        BOTH(copy_between_memories_checks_both),
        BOTH(interrupt_ends_large_operations),
        BOTH(fuel_is_charged_by_size_before_the_start),
        BOTH(growing_keeps_the_content_and_is_zero_behind),
        BOTH(growing_by_little_moves_seldom),
        BOTH(memory_can_become_smaller_and_larger_again),
        BOTH(memories_take_two_mappings_at_most),
        BOTH(store_budget_ends_exactly_there),
        BOTH(engine_budget_traps_and_leaves_the_memory_as_it_was),
        cmocka_unit_test_prestate(unguarded_memory_moves_when_it_must, &unguarded),
        cmocka_unit_test(reservation_of_64_bit_memory_covers_its_maximum),
        cmocka_unit_test(contains_does_not_overflow),
        cmocka_unit_test(address_space_is_a_budget_of_the_engine),
        cmocka_unit_test(engine_budget_is_shared_by_its_stores),
        cmocka_unit_test(small_address_space_still_gives_memories_that_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
