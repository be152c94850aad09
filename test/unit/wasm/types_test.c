/* Value types: how they match, and how they read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wasm/types.h"

static wb_registry *registry;

static int setup(void **state)
{
    (void)state;
    registry = wb_registry_new();
    return registry ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    wb_registry_free(registry);
    return 0;
}

/* A type without parameters and results that may be extended. */
static uint32_t add_open(uint32_t super)
{
    const wb_subtype type = {.super = super, .final = false};
    uint32_t id = WB_NO_TYPE;

    assert_int_equal(wb_registry_add(registry, &type, 1, &id, NULL), BEAMR_OK);
    return id;
}

static void abstract_heaps_match_along_the_hierarchy(void **state)
{
    static const struct {
        wb_heap bottom, top;
    } families[] = {
        {WB_HEAP_NOFUNC, WB_HEAP_FUNC},
        {WB_HEAP_NOEXTERN, WB_HEAP_EXTERN},
        {WB_HEAP_NOEXN, WB_HEAP_EXN},
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(wb_heap_matches(registry, families[i].bottom, families[k].top),
                             i == k);
            assert_int_equal(wb_heap_matches(registry, families[i].bottom, families[k].bottom),
                             i == k);
            assert_int_equal(wb_heap_matches(registry, families[i].top, families[k].top),
                             i == k);
            assert_false(wb_heap_matches(registry, families[i].top, families[k].bottom));
        }
        assert_true(wb_heap_matches(registry, WB_HEAP_BOTTOM, families[i].bottom));
    }
}

static void defined_types_lie_between_func_and_nofunc(void **state)
{
    uint32_t base = add_open(WB_NO_TYPE);
    uint32_t derived = add_open(WB_HEAP_DEFINED + base);
    uint32_t heap_base = WB_HEAP_DEFINED + base, heap_derived = WB_HEAP_DEFINED + derived;

    (void)state;
    assert_true(wb_heap_matches(registry, heap_base, WB_HEAP_FUNC));
    assert_true(wb_heap_matches(registry, WB_HEAP_NOFUNC, heap_base));
    assert_true(wb_heap_matches(registry, heap_derived, heap_base));
    assert_true(wb_heap_matches(registry, WB_HEAP_BOTTOM, heap_base));
    assert_false(wb_heap_matches(registry, heap_base, heap_derived));
    assert_false(wb_heap_matches(registry, WB_HEAP_FUNC, heap_base));
    assert_false(wb_heap_matches(registry, heap_base, WB_HEAP_NOFUNC));
    assert_false(wb_heap_matches(registry, heap_base, WB_HEAP_EXTERN));
    assert_false(wb_heap_matches(registry, WB_HEAP_NOEXTERN, heap_base));
    wb_registry_release(registry, derived);
    wb_registry_release(registry, base);
}

static void null_does_not_stand_for_non_null(void **state)
{
    wb_valtype non_null = WB_REFTYPE(false, WB_HEAP_FUNC);

    (void)state;
    assert_true(wb_valtype_matches(registry, non_null, WB_FUNCREF));
    assert_false(wb_valtype_matches(registry, WB_FUNCREF, non_null));
    assert_true(wb_valtype_matches(registry, WB_REFTYPE(true, WB_HEAP_NOFUNC), WB_FUNCREF));
    assert_false(wb_valtype_matches(registry, WB_REFTYPE(true, WB_HEAP_NOFUNC), non_null));
}

static void numbers_match_themselves(void **state)
{
    static const wb_valtype types[] = {WB_I32, WB_I64, WB_F32, WB_F64, WB_V128, WB_FUNCREF};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        for (size_t k = 0; k < 6; k++)
            assert_int_equal(wb_valtype_matches(registry, types[i], types[k]), i == k);
        assert_true(wb_valtype_matches(registry, WB_BOTTOM, types[i]));
        assert_false(wb_valtype_matches(registry, types[i], WB_BOTTOM));
    }
}

static void texts_are_those_of_the_text_format(void **state)
{
    static const struct {
        wb_valtype type;
        const char *text;
    } rows[] = {
        {WB_I32, "i32"},
        {WB_V128, "v128"},
        {WB_FUNCREF, "funcref"},
        {WB_EXTERNREF, "externref"},
        {WB_EXNREF, "exnref"},
        {WB_REFTYPE(true, WB_HEAP_NOFUNC), "nullfuncref"},
        {WB_REFTYPE(false, WB_HEAP_NOEXTERN), "(ref noextern)"},
        {WB_REFTYPE(false, WB_HEAP_FUNC), "(ref func)"},
        {WB_REFTYPE(true, WB_HEAP_DEFINED + 3), "(ref null 3)"},
        {WB_REFTYPE(false, WB_HEAP_DEFINED + 12), "(ref 12)"},
        {WB_REFTYPE(false, WB_HEAP_REC + 1), "(ref rec.1)"},
    };
    char buf[64];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_string_equal(wb_valtype_text(rows[i].type, buf, sizeof buf), rows[i].text);
}

static void function_texts_are_cut_to_fit(void **state)
{
    const wb_valtype params[] = {WB_I32, WB_REFTYPE(true, WB_HEAP_DEFINED)};
    const wb_valtype results[] = {WB_F64};
    const wb_functype type = {params, results, 2, 1, 2, 1};
    const char *whole = "[i32 (ref null 0)] -> [f64]";
    char buf[64];

    (void)state;
    assert_string_equal(wb_functype_text(&type, buf, sizeof buf), whole);
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        memset(buf, 'x', sizeof buf);
        wb_functype_text(&type, buf, size);
        assert_int_equal(strlen(buf), size - 1);
        assert_memory_equal(buf, whole, size - 1);
        assert_int_equal(buf[size], 'x');
    }
    buf[0] = 'x';
    wb_functype_text(&type, buf, 0);
    assert_int_equal(buf[0], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(abstract_heaps_match_along_the_hierarchy),
        cmocka_unit_test(defined_types_lie_between_func_and_nofunc),
        cmocka_unit_test(null_does_not_stand_for_non_null),
        cmocka_unit_test(numbers_match_themselves),
        cmocka_unit_test(texts_are_those_of_the_text_format),
        cmocka_unit_test(function_texts_are_cut_to_fit),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
