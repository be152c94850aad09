/* Linking by name. No guest code runs. */
#include "fixture.h"

#include <stdio.h>

static beamr_status nothing(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    (void)err;
    return BEAMR_OK;
}

/* Imports "env" "foo", a function of i32, and exports it again as "bar", with a memory "mem".
 */
static beamr_module *sample(fixture *f)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "i", "");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u32(&w, 1);
    wasm_import(&w, "env", "foo");
    WASM(&w, 0x00, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0x00, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, 2);
    wasm_export(&w, "bar", 0, 0);
    wasm_export(&w, "mem", 2, 0);
    wasm_end(&w);
    return fixture_load(f, &w);
}

static void unknown_and_wrong_imports_are_named(void **state)
{
    fixture f = fixture_open();
    beamr_module *m = sample(&f);
    beamr_instance *inst = NULL;
    beamr_linker *l = NULL;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_linker_new(f.store, &l, NULL), BEAMR_OK);
    assert_int_equal(beamr_linker_instantiate(l, m, &inst, &err), BEAMR_UNLINKABLE);
    assert_string_equal(err.text, "unknown import \"env\".\"foo\" (func [i32] -> [])");
    assert_int_equal(
        beamr_linker_define_func(l, "env", "foo", fixture_type("l", ""), nothing, NULL, NULL),
        BEAMR_OK);
    beamr_error_clear(&err);
    assert_int_equal(beamr_linker_instantiate(l, m, &inst, &err), BEAMR_UNLINKABLE);
    assert_text(err, "incompatible import type for \"env\".\"foo\"");
    assert_int_equal(
        beamr_linker_define_func(l, "env", "foo", fixture_type("i", ""), nothing, NULL, NULL),
        BEAMR_OK);
    assert_int_equal(beamr_linker_instantiate(l, m, &inst, NULL), BEAMR_OK);
    beamr_linker_free(l);
    beamr_linker_free(NULL);
    beamr_module_unref(m);
    fixture_close(&f);
}

static void exports_of_instances_can_be_found_and_linked(void **state)
{
    fixture f = fixture_open();
    beamr_module *m = sample(&f);
    beamr_instance *inst = NULL;
    beamr_linker *l = NULL;
    beamr_extern item, other;

    (void)state;
    assert_int_equal(beamr_linker_new(f.store, &l, NULL), BEAMR_OK);
    assert_int_equal(
        beamr_linker_define_func(l, "env", "foo", fixture_type("i", ""), nothing, NULL, NULL),
        BEAMR_OK);
    assert_int_equal(beamr_linker_instantiate(l, m, &inst, NULL), BEAMR_OK);
    assert_ptr_equal(beamr_instance_store(inst), f.store);
    assert_ptr_equal(beamr_instance_module(inst), m);
    assert_int_equal(beamr_linker_define_instance(l, beamr_bytes_of("one"), inst, NULL),
                     BEAMR_OK);
    assert_true(beamr_linker_find(l, beamr_bytes_of("one"), beamr_bytes_of("bar"), &item));
    assert_true(beamr_linker_find(l, beamr_bytes_of("env"), beamr_bytes_of("foo"), &other));
    assert_ptr_equal(item.of.func, other.of.func);
    assert_ptr_equal(beamr_instance_find_func(inst, "bar"), item.of.func);
    assert_null(beamr_instance_find_func(inst, "mem"));
    assert_null(beamr_instance_find_func(inst, "nope"));
    assert_ptr_equal(beamr_instance_find_memory(inst, "mem"), beamr_instance_memory(inst, 0));
    assert_null(beamr_instance_memory(inst, 1));
    assert_null(beamr_instance_table(inst, 0));
    assert_int_equal(beamr_instance_export(inst, 1).kind, BEAMR_EXTERN_MEMORY);
    assert_null(beamr_instance_export(inst, 2).of.func);
    assert_false(beamr_linker_find(l, beamr_bytes_of("on"), beamr_bytes_of("ebar"), &item));
    beamr_linker_free(l);
    beamr_module_unref(m);
    fixture_close(&f);
}

static bool give(void *user, beamr_store *store, const beamr_import *import, beamr_extern *out)
{
    assert_non_null(store);
    assert_int_equal(import->name.len, 3);
    out->kind = BEAMR_EXTERN_FUNC;
    out->of.func = user;
    return user != NULL;
}

static void resolver_is_asked_last(void **state)
{
    fixture f = fixture_open();
    beamr_module *m = sample(&f);
    beamr_instance *inst = NULL;
    beamr_linker *l = NULL;

    (void)state;
    assert_int_equal(beamr_linker_new(f.store, &l, NULL), BEAMR_OK);
    beamr_linker_set_resolver(l, give, NULL);
    assert_int_equal(beamr_linker_instantiate(l, m, &inst, NULL), BEAMR_UNLINKABLE);
    beamr_linker_set_resolver(l, give, fixture_func(&f, "i", "", nothing, NULL));
    assert_int_equal(beamr_linker_instantiate(l, m, &inst, NULL), BEAMR_OK);
    beamr_linker_free(l);
    beamr_module_unref(m);
    fixture_close(&f);
}

static void many_names_and_odd_names_are_kept_apart(void **state)
{
    fixture f = fixture_open();
    beamr_func *func = fixture_func(&f, "", "", nothing, NULL);
    beamr_func *last = fixture_func(&f, "", "", nothing, NULL);
    beamr_extern item = {.kind = BEAMR_EXTERN_FUNC, .of.func = func};
    beamr_linker *l = NULL;
    char name[16];

    (void)state;
    assert_int_equal(beamr_linker_new(f.store, &l, NULL), BEAMR_OK);
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "%d", i);
        assert_int_equal(
            beamr_linker_define(l, beamr_bytes_of("m"), beamr_bytes_of(name), item, NULL),
            BEAMR_OK);
    }
    item.of.func = last;
    assert_int_equal(beamr_linker_define(l, (beamr_bytes){0}, (beamr_bytes){0}, item, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_linker_define(l, beamr_bytes_of("m"),
                                         (beamr_bytes){(const uint8_t *)"7\0", 2}, item, NULL),
                     BEAMR_OK);
    assert_true(beamr_linker_find(l, beamr_bytes_of(""), beamr_bytes_of(""), &item));
    assert_ptr_equal(item.of.func, last);
    assert_true(beamr_linker_find(l, beamr_bytes_of("m"), beamr_bytes_of("7"), &item));
    assert_ptr_equal(item.of.func, func);
    assert_true(beamr_linker_find(l, beamr_bytes_of("m"), beamr_bytes_of("4999"), &item));
    assert_false(beamr_linker_find(l, beamr_bytes_of("m"), beamr_bytes_of("5000"), &item));
    beamr_linker_free(l);
    fixture_close(&f);
}

static void objects_of_other_stores_are_refused(void **state)
{
    fixture f = fixture_open();
    fixture other = fixture_open();
    beamr_extern item = {.kind = BEAMR_EXTERN_FUNC};
    beamr_linker *l = NULL;

    (void)state;
    assert_int_equal(beamr_linker_new(f.store, &l, NULL), BEAMR_OK);
    assert_int_equal(
        beamr_linker_define(l, beamr_bytes_of("m"), beamr_bytes_of("n"), item, NULL),
        BEAMR_ARGUMENT);
    item.of.func = fixture_func(&other, "", "", nothing, NULL);
    assert_int_equal(
        beamr_linker_define(l, beamr_bytes_of("m"), beamr_bytes_of("n"), item, NULL),
        BEAMR_ARGUMENT);
    beamr_linker_free(l);
    fixture_close(&other);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unknown_and_wrong_imports_are_named),
        cmocka_unit_test(exports_of_instances_can_be_found_and_linked),
        cmocka_unit_test(resolver_is_asked_last),
        cmocka_unit_test(many_names_and_odd_names_are_kept_apart),
        cmocka_unit_test(objects_of_other_stores_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
