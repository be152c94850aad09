/* The table of env's functions: its order, its types, and versions told by imports. */
#include "env_fixture.h"

static void rows_are_sorted_by_name_with_equal_names_together(void **state)
{
    (void)state;
    for (size_t i = 1; i < guest_env_row_count; i++)
        if (strcmp(guest_env_rows[i - 1].name, guest_env_rows[i].name) > 0)
            fail_msg("%s stands before %s", guest_env_rows[i - 1].name, guest_env_rows[i].name);
}

static void every_type_is_letters_with_at_most_one_result(void **state)
{
    (void)state;
    for (size_t i = 0; i < guest_env_row_count; i++) {
        const char *type = guest_env_rows[i].type, *colon = strchr(type, ':');

        assert_non_null(colon);
        assert_int_equal(strspn(type, "ilfdP"), colon - type);
        assert_true(strspn(colon + 1, "ilfdP") == strlen(colon + 1) && strlen(colon + 1) <= 1);
        assert_non_null(guest_env_rows[i].function);
    }
}

static void no_row_is_there_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < guest_env_row_count; i++)
        for (size_t k = i + 1; k < guest_env_row_count &&
                               strcmp(guest_env_rows[i].name, guest_env_rows[k].name) == 0;
             k++)
            assert_string_not_equal(guest_env_rows[i].type, guest_env_rows[k].type);
}

static void the_row_that_fits_a_type_is_taken(void **state)
{
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32), i64 = beamr_valtype_of(BEAMR_I64);
    beamr_valtype halves[3] = {i32, i32, i32}, whole[2] = {i32, i64};
    const beamr_functype by_halves = {halves, 3, &i32, 1}, by_whole = {whole, 2, &i32, 1};
    beamr_bytes name = beamr_bytes_of("__syscall_ftruncate64");
    const guest_import *row;

    (void)state;
    row = guest_import_fit(guest_env_rows, guest_env_row_count, name, &by_halves, false);
    assert_string_equal(row->type, "iii:i");
    row = guest_import_fit(guest_env_rows, guest_env_row_count, name, &by_whole, true);
    assert_string_equal(row->type, "il:i");
    assert_null(guest_import_fit(guest_env_rows, guest_env_row_count,
                                 beamr_bytes_of("__syscall_rmdir"), &by_whole, false));
    assert_null(guest_import_fit(guest_env_rows, guest_env_row_count, beamr_bytes_of("none"),
                                 &by_whole, false));
    assert_null(guest_import_find(guest_env_rows, guest_env_row_count, beamr_bytes_of("")));
}

/* ---- Versions ---- */

typedef struct imported {
    const char *name, *params, *results;
} imported;

static unsigned dialect_of(const char *module, const imported *imports, size_t count)
{
    wasm_builder w = {0};
    beamr_engine *engine = NULL;
    beamr_module *m = NULL;
    unsigned dialect;

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u64(&w, count);
    for (size_t i = 0; i < count; i++)
        wasm_functype(&w, imports[i].params, imports[i].results);
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u64(&w, count);
    for (size_t i = 0; i < count; i++) {
        wasm_import(&w, module, imports[i].name);
        WASM(&w, 0);
        wasm_u64(&w, i);
    }
    wasm_end(&w);
    assert_int_equal(beamr_engine_new(NULL, &engine, NULL), BEAMR_OK);
    assert_int_equal(beamr_module_load(engine, wasm_bytes_of(&w), &m, NULL), BEAMR_OK);
    dialect = guest_env_dialect(m);
    beamr_module_unref(m);
    beamr_engine_free(engine);
    wasm_free(&w);
    return dialect;
}

static void a_module_that_tells_nothing_is_current(void **state)
{
    const imported stat[] = {{"__syscall_stat64", "ii", "i"}};

    (void)state;
    assert_int_equal(dialect_of("env", NULL, 0), GUEST_ENV_CURRENT);
    assert_int_equal(dialect_of("env", stat, 1), GUEST_ENV_CURRENT);
}

static void names_that_were_given_up_tell_an_old_module(void **state)
{
    const imported stat[] = {{"__syscall_stat64", "ii", "i"},
                             {"__syscall_fstatat64", "iiii", "i"}};
    const imported clock[] = {{"clock_gettime", "ii", "i"}};

    const imported oldest[] = {{"__sys_stat64", "ii", "i"}};

    (void)state;
    assert_int_equal(dialect_of("env", oldest, 1), GUEST_ENV_OLD);
    assert_int_equal(dialect_of("env", stat, 2), GUEST_ENV_OLD);
    assert_int_equal(dialect_of("env", clock, 1), GUEST_ENV_OLD);
    assert_int_equal(dialect_of("other", clock, 1), GUEST_ENV_CURRENT);
}

static void times_by_address_tell_a_middle_module(void **state)
{
    const imported by_address[] = {{"_localtime_js", "ii", ""}};
    const imported by_value[] = {{"_localtime_js", "li", ""},
                                 {"emscripten_memcpy_big", "iii", ""}};
    const imported in_halves[] = {{"_gmtime_js", "iii", "i"}};
    const imported copies[] = {{"emscripten_memcpy_big", "iii", ""}};

    (void)state;
    assert_int_equal(dialect_of("env", by_address, 1), GUEST_ENV_MIDDLE);
    assert_int_equal(dialect_of("env", by_value, 2), GUEST_ENV_CURRENT);
    assert_int_equal(dialect_of("env", in_halves, 1), GUEST_ENV_CURRENT);
    assert_int_equal(dialect_of("env", copies, 1), GUEST_ENV_MIDDLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_sorted_by_name_with_equal_names_together),
        cmocka_unit_test(every_type_is_letters_with_at_most_one_result),
        cmocka_unit_test(no_row_is_there_twice),
        cmocka_unit_test(the_row_that_fits_a_type_is_taken),
        cmocka_unit_test(a_module_that_tells_nothing_is_current),
        cmocka_unit_test(names_that_were_given_up_tell_an_old_module),
        cmocka_unit_test(times_by_address_tell_a_middle_module),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
