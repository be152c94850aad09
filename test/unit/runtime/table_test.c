/* Tables: edges of size and index, growth, bulk operations, budgets. */
#include "fixture.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

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
    assert_int_equal(fixture_table_grow(t, 0, 1), 0);
    for (uint64_t i = 0; i < 100; i++)
        assert_int_equal(fixture_table_grow(t, 1, i + 1), i);
    assert_int_equal(fixture_table_grow(t, 1, 1), -1);
    assert_int_equal(fixture_table_grow(t, UINT64_MAX, 1), -1);
    assert_int_equal(fixture_table_grow(t, UINT64_MAX - 99, 1), -1);
    assert_int_equal(fixture_table_grow(t, 0, 1), 100);
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
    assert_int_equal(fixture_table_grow(t, ABI_TABLE_MAX_ELEMENTS, 0), -1);
    assert_int_equal(fixture_table_grow(t, ABI_TABLE_MAX_ELEMENTS - 1, 5), 1);
    assert_int_equal(t->elems[ABI_TABLE_MAX_ELEMENTS - 1], 5);
    assert_int_equal(rt_table_new(s, &type, 0, &t, &err), BEAMR_LIMIT);
    rt_store_free(s);

    limits.max_table_elements = 4;
    s = fixture_store_with(&limits, false);
    t = make(s, 4, 10, 0);
    assert_int_equal(fixture_table_grow(t, 1, 0), -1);
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
    atomic_store(&s->interrupt, ABI_INTERRUPT);
    assert_trap(rt_table_fill(t, 0, 2, 200000, &err), INTERRUPTED, err);
    rt_store_free(s);
}

/* ---- Budgets ---- */

/* Counted is the power of two that holds the size, or the maximum. */
static void store_budget_ends_exactly_there(void **state)
{
    rt_limits limits = fixture_limits;
    wb_tabletype type = {{1, UINT64_MAX, false, false}, WB_EXTERNREF};
    beamr_error err = {0};
    abi_table *a, *b, *c = NULL;
    abi_store *s;

    (void)state;
    limits.max_bytes = (8 + 6) * sizeof(uint64_t);
    s = fixture_store_with(&limits, false);
    a = make(s, 3, UINT64_MAX, 1);
    assert_int_equal(s->bytes, 4 * sizeof(uint64_t));
    b = make(s, 0, 6, 0);
    assert_int_equal(fixture_table_grow(a, 1, 1), 3);
    assert_int_equal(s->bytes, 4 * sizeof(uint64_t));
    assert_int_equal(fixture_table_grow(b, 5, 2), 0);
    assert_int_equal(s->bytes, (4 + 6) * sizeof(uint64_t));
    assert_int_equal(fixture_table_grow(a, 5, 1), -1);
    assert_int_equal(fixture_table_grow(a, 1, 1), 4);
    assert_int_equal(s->bytes, limits.max_bytes);
    assert_int_equal(fixture_table_grow(a, 3, 1), 5);
    assert_int_equal(fixture_table_grow(b, 1, 2), 5);
    assert_int_equal(fixture_table_grow(a, 1, 1), -1);
    assert_int_equal(fixture_table_grow(a, 0, 1), 8);
    assert_int_equal(rt_table_new(s, &type, 0, &c, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "a table takes 8 bytes; the store allows 112"));
    rt_store_free(s);
}

/* The same sizes count the same, however they were reached. */
static void budget_counts_sizes_alone(void **state)
{
    abi_store *s = fixture_store();
    abi_table *a = make(s, 0, 1000, 0), *b = make(s, 0, 1000, 0), *c = make(s, 600, 1000, 0);
    uint64_t bytes = s->bytes;

    (void)state;
    assert_int_equal(fixture_table_grow(a, 600, 0), 0);
    assert_int_equal(s->bytes, 2 * bytes);
    for (uint64_t i = 0; i < 600; i++)
        assert_int_equal(fixture_table_grow(b, 1, i), i);
    assert_int_equal(s->bytes, 3 * bytes);
    assert_int_equal(a->capacity, b->capacity);
    assert_int_equal(a->capacity, c->capacity);
    rt_store_free(s);
}

static void engine_budget_traps_and_leaves_the_table_as_it_was(void **state)
{
    abi_store *s = fixture_store();
    abi_table *t = make(s, 4, 1000, 9);
    beamr_error err = {0};
    int64_t old;

    (void)state;
    s->engine->max_bytes = 8 * sizeof(uint64_t);
    assert_trap(rt_table_grow(t, 5, 1, &old, &err), OUT_OF_MEMORY, err);
    assert_string_equal(err.text, "out of host memory: a table of 4 elements cannot grow by 5");
    assert_int_equal(t->size, 4);
    assert_int_equal(s->bytes, 4 * sizeof(uint64_t));
    assert_int_equal(fixture_table_grow(t, 997, 1), -1); /* its maximum: on every host */
    assert_int_equal(fixture_table_grow(t, 4, 1), 4);
    assert_int_equal(t->elems[3], 9);
    assert_int_equal(t->elems[7], 1);
    rt_store_free(s);
}

static void interrupt_ends_growth_without_a_trace(void **state)
{
    abi_store *s = fixture_store();
    abi_table *t = make(s, 3, UINT64_MAX, 5);
    uint64_t bytes = s->bytes;
    beamr_error err = {0};
    int64_t old;

    (void)state;
    atomic_store(&s->interrupt, ABI_INTERRUPT);
    assert_trap(rt_table_grow(t, 1000000, 1, &old, &err), INTERRUPTED, err);
    assert_int_equal(t->size, 3);
    assert_int_equal(t->capacity, 4);
    assert_int_equal(s->bytes, bytes);
    assert_int_equal(s->engine->bytes, bytes);
    assert_int_equal(t->elems[2], 5);
    assert_int_equal(fixture_table_grow(t, 1000, 1), 3); /* too few to be asked */
    atomic_store(&s->interrupt, 0);
    assert_int_equal(fixture_table_grow(t, 1000000, 2), 1003);
    assert_int_equal(t->elems[1002], 1);
    assert_int_equal(t->elems[1001002], 2);
    rt_store_free(s);
}

static int in_little_memory(abi_store *s)
{
    struct rlimit limit = {(rlim_t)64 << 20, (rlim_t)64 << 20};
    abi_table *t = make(s, 100, UINT64_MAX, 7);
    beamr_error err = {0};
    int64_t old;

    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 1;
    if (rt_table_grow(t, 9999900, 1, &old, &err) != BEAMR_TRAP ||
        err.trap != BEAMR_TRAP_OUT_OF_MEMORY)
        return 2;
    if (t->size != 100 || t->elems[99] != 7 || s->bytes != 128 * sizeof(uint64_t))
        return 3;
    if (rt_table_grow(t, 9999901, 1, &old, NULL) != BEAMR_OK || old != -1)
        return 4;
    return rt_table_grow(t, 28, 1, &old, NULL) == BEAMR_OK && old == 100 ? 0 : 5;
}

/* In a child, since the limit stays. */
static void full_host_is_a_trap(void **state)
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
        _exit(in_little_memory(s));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
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
        cmocka_unit_test(store_budget_ends_exactly_there),
        cmocka_unit_test(budget_counts_sizes_alone),
        cmocka_unit_test(engine_budget_traps_and_leaves_the_table_as_it_was),
        cmocka_unit_test(interrupt_ends_growth_without_a_trace),
        cmocka_unit_test(full_host_is_a_trap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
