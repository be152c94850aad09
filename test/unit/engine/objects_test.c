/* Memories, tables and globals made and used by an embedder. */
#include "fixture.h"

#define NO_MAX UINT64_MAX

static void memories_read_write_and_grow(void **state)
{
    fixture f = fixture_open();
    beamr_limits limits = {1, 2, false};
    beamr_memory *m = NULL;
    beamr_error err = {0};
    uint64_t old = 0;
    char buf[4] = "xyz";

    (void)state;
    assert_int_equal(beamr_memory_new(f.store, &limits, &m, &err), BEAMR_OK);
    assert_int_equal(beamr_memory_write(m, 65534, "ab", 2, &err), BEAMR_OK);
    assert_int_equal(beamr_memory_read(m, 65534, buf, 2, &err), BEAMR_OK);
    assert_string_equal(buf, "abz");
    assert_int_equal(beamr_memory_read(m, 65536, NULL, 0, &err), BEAMR_OK);
    assert_int_equal(beamr_memory_write(m, 65535, "ab", 2, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(beamr_memory_data(m)[65535], 'b');
    beamr_error_clear(&err);
    assert_int_equal(beamr_memory_read(m, UINT64_MAX, buf, 2, &err), BEAMR_TRAP);
    assert_int_equal(beamr_memory_read(m, 1, buf, SIZE_MAX, NULL), BEAMR_TRAP);
    assert_int_equal(beamr_memory_grow(m, 1, &old, NULL), BEAMR_OK);
    assert_int_equal(old, 1);
    assert_int_equal(beamr_memory_grow(m, 1, &old, NULL), BEAMR_LIMIT);
    assert_int_equal(beamr_memory_pages(m), 2);
    assert_int_equal(beamr_memory_size(m), 131072);
    limits = beamr_memory_type(m);
    assert_int_equal(limits.min, 2);
    assert_int_equal(limits.max, 2);
    fixture_close(&f);
}

static void impossible_limits_are_refused(void **state)
{
    static const beamr_limits bad[] = {
        {2, 1, false}, {65537, NO_MAX, false}, {0, 65537, false}, {0, (1ull << 48) + 1, true}};
    fixture f = fixture_open();
    beamr_limits large = {262145, NO_MAX, true};
    beamr_memory *m = NULL;
    beamr_table *t = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(beamr_memory_new(f.store, &bad[i], &m, NULL), BEAMR_ARGUMENT);
    assert_int_equal(beamr_memory_new(f.store, &large, &m, NULL), BEAMR_LIMIT);
    assert_int_equal(
        beamr_table_new(f.store, &bad[0], beamr_valtype_of(BEAMR_FUNCREF), NULL, &t, NULL),
        BEAMR_ARGUMENT);
    assert_int_equal(
        beamr_table_new(f.store, &large, beamr_valtype_of(BEAMR_I32), NULL, &t, NULL),
        BEAMR_ARGUMENT);
    assert_null(m);
    assert_null(t);
    fixture_close(&f);
}

static beamr_status seven(const beamr_call *call, const beamr_value *args, beamr_value *results,
                          beamr_error *err)
{
    (void)call;
    (void)args;
    (void)err;
    results[0].of.i32 = 7;
    return BEAMR_OK;
}

static void tables_hold_functions_of_their_store(void **state)
{
    fixture f = fixture_open();
    fixture other = fixture_open();
    beamr_limits limits = {2, 4, false};
    beamr_table *t = NULL;
    beamr_value v = {.kind = BEAMR_FUNCREF};
    beamr_value result;
    beamr_error err = {0};
    uint64_t old = 0;

    (void)state;
    assert_int_equal(
        beamr_table_new(f.store, &limits, beamr_valtype_of(BEAMR_FUNCREF), NULL, &t, &err),
        BEAMR_OK);
    v.of.func = fixture_func(&f, "", "i", seven, NULL);
    assert_int_equal(beamr_table_set(t, 1, &v, &err), BEAMR_OK);
    assert_int_equal(beamr_table_get(t, 1, &result, &err), BEAMR_OK);
    assert_ptr_equal(result.of.func, v.of.func);
    assert_int_equal(beamr_table_call(t, 1, NULL, 0, &result, 1, &err), BEAMR_OK);
    assert_int_equal(result.of.i32, 7);
    assert_int_equal(beamr_table_call(t, 0, NULL, 0, &result, 1, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNINITIALIZED_ELEMENT);
    beamr_error_clear(&err);
    assert_int_equal(beamr_table_call(t, 2, NULL, 0, &result, 1, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNDEFINED_ELEMENT);
    beamr_error_clear(&err);
    assert_int_equal(beamr_table_set(t, 2, &v, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_TABLE_OUT_OF_BOUNDS);
    assert_int_equal(beamr_table_grow(t, 2, &v, &old, NULL), BEAMR_OK);
    assert_int_equal(old, 2);
    assert_int_equal(beamr_table_grow(t, 1, NULL, &old, NULL), BEAMR_LIMIT);
    assert_int_equal(beamr_table_size(t), 4);
    v.of.func = fixture_func(&other, "", "i", seven, NULL);
    beamr_error_clear(&err);
    assert_int_equal(beamr_table_set(t, 1, &v, &err), BEAMR_ARGUMENT);
    assert_text(err, "another store");
    v = beamr_i32(1);
    beamr_error_clear(&err);
    assert_int_equal(beamr_table_set(t, 1, &v, &err), BEAMR_ARGUMENT);
    assert_text(err, "funcref expected, i32 given");
    fixture_close(&other);
    fixture_close(&f);
}

/* Bytes of the union that a value of the kind uses. */
static size_t value_size(beamr_kind kind)
{
    switch (kind) {
    case BEAMR_I32:
    case BEAMR_F32:
        return 4;
    case BEAMR_V128:
        return 16;
    default:
        return 8;
    }
}

static void globals_keep_values_of_every_kind(void **state)
{
    fixture f = fixture_open();
    int thing = 0;
    beamr_value values[] = {
        beamr_i32(-5),
        beamr_i64(INT64_MIN),
        beamr_f32(1.5f),
        beamr_f64(-2.5),
        {.kind = BEAMR_V128,
         .of.v128 = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
        {.kind = BEAMR_EXTERNREF, .of.external = &thing},
        {.kind = BEAMR_FUNCREF},
        {.kind = BEAMR_EXNREF},
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        beamr_valtype type = beamr_valtype_of(values[i].kind);
        beamr_global *g = NULL;
        bool is_mutable = true;
        beamr_value got;

        assert_int_equal(beamr_global_new(f.store, type, false, &values[i], &g, NULL),
                         BEAMR_OK);
        got = beamr_global_get(g);
        assert_int_equal(got.kind, values[i].kind);
        assert_memory_equal(&got.of, &values[i].of, value_size(got.kind));
        assert_int_equal(beamr_global_set(g, &values[i], NULL), BEAMR_ARGUMENT);
        assert_int_equal(beamr_global_type(g, &is_mutable).bits, type.bits);
        assert_false(is_mutable);
        assert_int_equal(beamr_global_new(f.store, type, true, &values[i], &g, NULL), BEAMR_OK);
        assert_int_equal(beamr_global_set(g, &values[i], NULL), BEAMR_OK);
        assert_int_equal(beamr_global_set(g, &values[(i + 1) % 8], NULL), BEAMR_ARGUMENT);
    }
    fixture_close(&f);
}

static void store_keeps_a_pointer_and_fuel(void **state)
{
    fixture f = fixture_open();

    (void)state;
    assert_null(beamr_store_data(f.store));
    beamr_store_set_data(f.store, &f);
    assert_ptr_equal(beamr_store_data(f.store), &f);
    assert_true(beamr_store_fuel(f.store) == UINT64_MAX);
    beamr_store_set_fuel(f.store, 10);
    assert_int_equal(beamr_store_fuel(f.store), 10);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memories_read_write_and_grow),
        cmocka_unit_test(impossible_limits_are_refused),
        cmocka_unit_test(tables_hold_functions_of_their_store),
        cmocka_unit_test(globals_keep_values_of_every_kind),
        cmocka_unit_test(store_keeps_a_pointer_and_fuel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
