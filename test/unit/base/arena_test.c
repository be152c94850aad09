/* The arena: alignment, zeroing, limits, reuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"

static void allocations_are_zeroed_and_aligned(void **state)
{
    arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t size = 0; size < 5000; size += 7) {
        uint8_t *p = arena_alloc(&a, 1, size);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xee, size); /* must not show up in a later allocation */
    }
    arena_clear(&a);
}

static void allocations_do_not_overlap(void **state)
{
    enum { COUNT = 300 };
    uint8_t *blocks[COUNT];
    arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    for (size_t i = 0; i < COUNT; i++) {
        size_t size = i * i % 3001 + 1;

        assert_non_null(blocks[i] = arena_alloc(&a, size, 1));
        memset(blocks[i], (int)(i & 0xff), size);
    }
    for (size_t i = 0; i < COUNT; i++)
        for (size_t k = 0; k < i * i % 3001 + 1; k++)
            assert_int_equal(blocks[i][k], i & 0xff);
    arena_clear(&a);
}

static void limit_holds(void **state)
{
    arena a;

    (void)state;
    arena_init(&a, 10000);
    assert_null(arena_alloc(&a, 1, 10001));
    while (arena_alloc(&a, 1, 100))
        assert_true(a.used <= 10000);
    assert_true(a.used > 5000); /* and it is not refused early */
    assert_true(a.used <= 10000);
    arena_clear(&a);
    assert_int_equal(a.used, 0);
    assert_non_null(arena_alloc(&a, 1, 100)); /* ready again, with the same limit */
    assert_null(arena_alloc(&a, 1, 10001));
    arena_clear(&a);
}

static void limit_of_zero_gives_nothing(void **state)
{
    arena a;

    (void)state;
    arena_init(&a, 0);
    assert_null(arena_alloc(&a, 1, 1));
    assert_null(arena_alloc(&a, 0, 0));
    arena_clear(&a);
}

static void overflowing_products_are_refused(void **state)
{
    arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    assert_null(arena_alloc(&a, SIZE_MAX, 2));
    assert_null(arena_alloc(&a, SIZE_MAX / 2 + 1, 2));
    assert_null(arena_alloc(&a, SIZE_MAX, 1));
    assert_null(arena_alloc(&a, SIZE_MAX - 8, 1));
    arena_clear(&a);
}

static void a_lent_buffer_comes_first(void **state)
{
    _Alignas(16) uint8_t buffer[64];
    uint8_t *first, *last;
    arena a;

    (void)state;
    memset(buffer, 0xff, sizeof buffer);
    arena_init(&a, 4096);
    arena_lend(&a, buffer, sizeof buffer);
    first = arena_alloc(&a, 1, 48);
    assert_ptr_equal(first, buffer);
    for (int i = 0; i < 48; i++)
        assert_int_equal(first[i], 0);
    assert_int_equal(a.used, 0); /* nothing from the heap */
    last = arena_alloc(&a, 1, 32);
    assert_non_null(last);
    assert_true(last < buffer || last >= buffer + sizeof buffer);
    arena_clear(&a);
}

static void text_ends_in_nul(void **state)
{
    arena a;

    (void)state;
    arena_init(&a, SIZE_MAX);
    assert_string_equal(arena_text(&a, "hello, world", 5), "hello");
    assert_string_equal(arena_text(&a, NULL, 0), "");
    assert_null(arena_text(&a, "", SIZE_MAX));
    arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allocations_are_zeroed_and_aligned),
        cmocka_unit_test(allocations_do_not_overlap),
        cmocka_unit_test(limit_holds),
        cmocka_unit_test(limit_of_zero_gives_nothing),
        cmocka_unit_test(overflowing_products_are_refused),
        cmocka_unit_test(a_lent_buffer_comes_first),
        cmocka_unit_test(text_ends_in_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
