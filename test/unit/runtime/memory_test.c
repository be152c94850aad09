/* Memories: every edge of size and address, growth in place, bulk operations. */
#include "fixture.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((uint64_t)1 << 20)
#define PAGE ABI_PAGE_SIZE

static abi_memory *make(abi_store *s, uint64_t min, uint64_t max, bool is64)
{
    wb_memtype type = {{min, max, max != UINT64_MAX, is64}};
    beamr_error err = {0};
    abi_memory *m = NULL;

    if (rt_memory_new(s, &type, &m, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return m;
}

static void new_memory_is_zeroed_and_grows_in_place(void **state)
{
    abi_store *s = fixture_store();
    abi_memory *m = make(s, 1, 4, false);
    uint8_t *base = m->base;

    (void)state;
    for (uint64_t i = 0; i < PAGE; i++)
        assert_int_equal(base[i], 0);
    base[PAGE - 1] = 7;
    assert_int_equal(rt_memory_grow(m, 0), 1);
    assert_int_equal(rt_memory_grow(m, 3), 1);
    assert_int_equal(rt_memory_grow(m, 1), -1);
    assert_int_equal(rt_memory_grow(m, 0), 4);
    assert_ptr_equal(m->base, base);
    assert_int_equal(base[PAGE - 1], 7);
    assert_int_equal(base[4 * PAGE - 1], 0);
    assert_int_equal(m->size, 4 * PAGE);
    rt_store_free(s);
}

static void memory_with_no_pages_has_no_base(void **state)
{
    abi_store *s = fixture_store();
    abi_memory *m = make(s, 0, 0, true);
    beamr_error err = {0};

    (void)state;
    assert_null(m->base);
    assert_int_equal(rt_memory_grow(m, 0), 0);
    assert_int_equal(rt_memory_grow(m, 1), -1);
    assert_int_equal(rt_memory_fill(m, 0, 1, 0, &err), BEAMR_OK);
    assert_int_equal(rt_memory_copy(m, 0, m, 0, 0, &err), BEAMR_OK);
    assert_trap(rt_memory_fill(m, 1, 1, 0, &err), MEMORY_OUT_OF_BOUNDS, err);
    assert_trap(rt_memory_fill(m, 0, 1, 1, &err), MEMORY_OUT_OF_BOUNDS, err);
    rt_store_free(s);
}

static void memory_that_starts_empty_can_grow(void **state)
{
    abi_store *s = fixture_store();
    abi_memory *m = make(s, 0, UINT64_MAX, false);

    (void)state;
    assert_non_null(m->base);
    assert_int_equal(rt_memory_grow(m, 2), 0);
    m->base[2 * PAGE - 1] = 1;
    rt_store_free(s);
}

static void grow_stops_at_4_gib_for_32_bit_and_16_gib_for_64_bit(void **state)
{
    abi_store *s = fixture_store();
    abi_memory *narrow = make(s, 1, UINT64_MAX, false);
    abi_memory *wide = make(s, 1, UINT64_MAX, true);

    (void)state;
    assert_int_equal(rt_memory_grow(narrow, 65536), -1);
    assert_int_equal(rt_memory_grow(narrow, 65535), 1);
    narrow->base[narrow->size - 1] = 1;
    assert_int_equal(narrow->size, UINT64_C(1) << 32);
    assert_int_equal(rt_memory_grow(wide, UINT64_MAX), -1);
    assert_int_equal(rt_memory_grow(wide, UINT64_MAX - 1), -1);
    assert_int_equal(rt_memory_grow(wide, ABI_MEMORY_MAX_PAGES), -1);
    assert_int_equal(rt_memory_grow(wide, ABI_MEMORY_MAX_PAGES - 1), 1);
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

    (void)state;
    limits.max_memory_pages = 5;
    s = fixture_store_with(&limits, false);
    assert_int_equal(rt_memory_new(s, &type, &m, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "6 pages"));
    assert_null(m);
    m = make(s, 5, 100, false);
    assert_int_equal(rt_memory_grow(m, 1), -1);
    rt_store_free(s);
}

static void fill_touches_exactly_its_range(void **state)
{
    abi_store *s = fixture_store();
    abi_memory *m = make(s, 1, 1, false);
    beamr_error err = {0};

    (void)state;
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
    abi_store *s = fixture_store();
    abi_memory *m = make(s, 128, 128, false);
    uint64_t len = 3 * MIB + 17;
    uint8_t *want = malloc(8 * MIB);
    beamr_error err = {0};

    (void)state;
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
    abi_store *s = fixture_store();
    abi_memory *small = make(s, 1, 1, false);
    abi_memory *large = make(s, 2, 2, true);
    beamr_error err = {0};

    (void)state;
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
    abi_store *s = fixture_store();
    abi_memory *m = make(s, 64, 64, false);
    beamr_error err = {0};

    (void)state;
    atomic_store(&s->interrupt, 1);
    assert_int_equal(rt_memory_fill(m, 0, 1, MIB, &err), BEAMR_OK);
    assert_trap(rt_memory_fill(m, 0, 1, MIB + 1, &err), INTERRUPTED, err);
    assert_trap(rt_memory_copy(m, MIB, m, 0, 2 * MIB, &err), INTERRUPTED, err);
    rt_store_free(s);
}

static void fuel_is_charged_by_size_before_the_start(void **state)
{
    abi_store *s = fixture_store_with(&fixture_limits, true);
    abi_memory *m = make(s, 1, 1, false);
    beamr_error err = {0};

    (void)state;
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

/* Sanitizers reserve more address space than the test leaves. */
static bool is_sanitized(void)
{
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#endif
    return false;
}

/* In a child, since the limit stays. */
static void small_address_space_still_gives_a_memory(void **state)
{
    abi_store *s;
    int status = 0;
    pid_t pid;

    (void)state;
    if (is_sanitized())
        skip();
    s = fixture_store();
    pid = fork();
    if (pid == 0) {
        struct rlimit limit = {(rlim_t)1 << 30, (rlim_t)1 << 30};
        wb_memtype type = {{2, UINT64_MAX, false, false}};
        abi_memory *m = NULL;
        bool ok = setrlimit(RLIMIT_AS, &limit) == 0 &&
                  rt_memory_new(s, &type, &m, NULL) == BEAMR_OK && m->max_pages == 65536 &&
                  m->reserved < (UINT64_C(1) << 30) && rt_memory_grow(m, 16) == 2 &&
                  rt_memory_grow(m, 65536 - 18) == -1 && m->pages == 18;

        if (ok)
            m->base[m->size - 1] = 1;
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    rt_store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_memory_is_zeroed_and_grows_in_place),
        cmocka_unit_test(memory_with_no_pages_has_no_base),
        cmocka_unit_test(memory_that_starts_empty_can_grow),
        cmocka_unit_test(grow_stops_at_4_gib_for_32_bit_and_16_gib_for_64_bit),
        cmocka_unit_test(reservation_of_64_bit_memory_covers_its_maximum),
        cmocka_unit_test(contains_does_not_overflow),
        cmocka_unit_test(store_limit_caps_growth_and_refuses_minimum),
        cmocka_unit_test(fill_touches_exactly_its_range),
        cmocka_unit_test(copy_is_memmove_at_every_distance),
        cmocka_unit_test(copy_between_memories_checks_both),
        cmocka_unit_test(interrupt_ends_large_operations),
        cmocka_unit_test(fuel_is_charged_by_size_before_the_start),
        cmocka_unit_test(small_address_space_still_gives_a_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
