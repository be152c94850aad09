/* Tables: edges of size and index, growth, bulk operations. */
#include "fixture.h"

static abi_table *make(abi_store *s, uint64_t min, uint64_t max, uint64_t init)
{
    wb_tabletype type = {{min, max, max != UINT64_MAX, false}, WB_EXTERNREF};
    beamr_error err = {0};
    abi_table *t = NULL;

    if (rt_table_new(s, &type, init, &t, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return t;
}

static void new_table_holds_its_initial_element(void **state)
{
    abi_store *s = fixture_store();
    abi_table *nulls = make(s, 3, UINT64_MAX, 0);
    abi_table *sevens = make(s, 3, UINT64_MAX, 7);

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(nulls->elems[i], 0);
        assert_int_equal(sevens->elems[i], 7);
    }
    rt_store_free(s);
}

static void grow_keeps_elements_and_stops_at_the_maximum(void **state)
{
    abi_store *s = fixture_store();
    abi_table *t = make(s, 0, 100, 0);

    (void)state;
    assert_int_equal(rt_table_grow(t, 0, 1), 0);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(rt_table_grow(t, 1, i + 1), i);
    assert_int_equal(rt_table_grow(t, 1, 1), -1);
    assert_int_equal(rt_table_grow(t, UINT64_MAX, 1), -1);
    assert_int_equal(rt_table_grow(t, UINT64_MAX - 99, 1), -1);
    assert_int_equal(rt_table_grow(t, 0, 1), 100);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(t->elems[i], i + 1);
    rt_store_free(s);
}

static void engine_and_store_limits_hold(void **state)
{
    rt_limits limits = fixture_limits;
    wb_tabletype type = {{ABI_TABLE_MAX_ELEMENTS + 1, UINT64_MAX, false, true}, WB_FUNCREF};
    abi_store *s = fixture_store();
    abi_table *t = make(s, 1, UINT64_MAX, 0);
    beamr_error err = {0};

    (void)state;
    assert_int_equal(rt_table_grow(t, ABI_TABLE_MAX_ELEMENTS, 0), -1);
    assert_int_equal(rt_table_grow(t, ABI_TABLE_MAX_ELEMENTS - 1, 5), 1);
    assert_int_equal(t->elems[ABI_TABLE_MAX_ELEMENTS - 1], 5);
    assert_int_equal(rt_table_new(s, &type, 0, &t, &err), BEAMR_LIMIT);
    rt_store_free(s);

    limits.max_table_elements = 4;
    s = fixture_store_with(&limits, false);
    t = make(s, 4, 10, 0);
    assert_int_equal(rt_table_grow(t, 1, 0), -1);
    rt_store_free(s);
}

static void bulk_operations_check_their_range(void **state)
{
    abi_store *s = fixture_store();
    abi_table *t = make(s, 10, 10, 0);
    abi_table *empty = make(s, 0, 0, 0);
    beamr_error err = {0};

    (void)state;
    assert_int_equal(rt_table_fill(t, 8, 3, 2, &err), BEAMR_OK);
    assert_int_equal(t->elems[7], 0);
    assert_int_equal(t->elems[9], 3);
    assert_int_equal(rt_table_fill(t, 10, 3, 0, &err), BEAMR_OK);
    assert_trap(rt_table_fill(t, 11, 3, 0, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_trap(rt_table_fill(t, 9, 3, 2, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_trap(rt_table_fill(t, 1, 3, UINT64_MAX, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_int_equal(rt_table_copy(empty, 0, t, 10, 0, &err), BEAMR_OK);
    assert_trap(rt_table_copy(empty, 0, t, 0, 1, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_trap(rt_table_copy(t, 0, empty, 0, 1, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_trap(rt_table_copy(t, 0, empty, 1, 0, &err), TABLE_OUT_OF_BOUNDS, err);
    assert_non_null(strstr(err.text, "out of bounds table access"));
    rt_store_free(s);
}

static void overlapping_copy_is_memmove(void **state)
{
    abi_store *s = fixture_store();
    abi_table *t = make(s, 500000, 500000, 0);
    beamr_error err = {0};

    (void)state;
    for (uint64_t i = 0; i < t->size; i++)
        t->elems[i] = i;
    assert_int_equal(rt_table_copy(t, 1000, t, 0, 400000, &err), BEAMR_OK);
    for (uint64_t i = 0; i < 400000; i++)
        assert_int_equal(t->elems[i + 1000], i);
    assert_int_equal(rt_table_copy(t, 0, t, 1000, 400000, &err), BEAMR_OK);
    for (uint64_t i = 0; i < 400000; i++)
        assert_int_equal(t->elems[i], i);
    rt_store_free(s);
}

static void fuel_and_interrupts_apply(void **state)
{
    abi_store *s = fixture_store_with(&fixture_limits, true);
    abi_table *t = make(s, 200000, 200000, 0);
    beamr_error err = {0};

    (void)state;
    s->fuel = 2;
    assert_int_equal(rt_table_fill(t, 0, 1, WB_COST_BULK_ITEMS + 1, &err), BEAMR_OK);
    assert_int_equal(s->fuel, 0);
    assert_trap(rt_table_copy(t, 0, t, 1, 1, &err), OUT_OF_FUEL, err);
    s->fuel = UINT64_MAX;
    atomic_store(&s->interrupt, 1);
    assert_trap(rt_table_fill(t, 0, 2, 200000, &err), INTERRUPTED, err);
    rt_store_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_table_holds_its_initial_element),
        cmocka_unit_test(grow_keeps_elements_and_stops_at_the_maximum),
        cmocka_unit_test(engine_and_store_limits_hold),
        cmocka_unit_test(bulk_operations_check_their_range),
        cmocka_unit_test(overlapping_copy_is_memmove),
        cmocka_unit_test(fuel_and_interrupts_apply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
