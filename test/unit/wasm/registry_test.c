/* The registry: equal types have equal ids, subtyping, and how long groups live. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "wasm/module.h"

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

static wb_subtype func_type(const wb_valtype *params, uint32_t param_count,
                            const wb_valtype *results, uint32_t result_count)
{
    return (wb_subtype){.func = {params, results, param_count, result_count, 0, 0},
                        .super = WB_NO_TYPE,
                        .final = true};
}

static uint32_t add(const wb_subtype *group, uint32_t count)
{
    uint32_t first = WB_NO_TYPE;

    assert_int_equal(wb_registry_add(registry, group, count, &first, NULL), BEAMR_OK);
    return first;
}

/* A type with one parameter. */
static uint32_t add_unary(wb_valtype param)
{
    wb_subtype type = func_type(&param, 1, NULL, 0);

    return add(&type, 1);
}

static uint32_t add_derived(uint32_t super, bool final)
{
    wb_subtype type = func_type(NULL, 0, NULL, 0);

    type.super = super == WB_NO_TYPE ? super : WB_HEAP_DEFINED + super;
    type.final = final;
    return add(&type, 1);
}

static void equal_types_have_equal_ids(void **state)
{
    const wb_valtype ii[] = {WB_I32, WB_I32}, il[] = {WB_I32, WB_I64};
    wb_subtype a = func_type(ii, 2, il, 1), b = func_type(il, 1, ii, 2);
    uint32_t id_a = add(&a, 1), id_b = add(&b, 1);

    (void)state;
    assert_int_not_equal(id_a, id_b);
    assert_int_equal(add(&a, 1), id_a);
    a.final = false;
    uint32_t open = add(&a, 1);
    assert_int_not_equal(open, id_a);
    assert_true(wb_registry_is_final(registry, id_a));
    assert_false(wb_registry_is_final(registry, open));
    wb_registry_release(registry, id_a);
    wb_registry_release(registry, id_a);
    wb_registry_release(registry, id_b);
    wb_registry_release(registry, open);
}

static void params_and_results_are_not_confused(void **state)
{
    const wb_valtype types[] = {WB_I32, WB_I32, WB_I32};
    uint32_t ids[4];

    (void)state;
    for (uint32_t i = 0; i <= 3; i++) {
        wb_subtype t = func_type(types, i, types, 3 - i);

        ids[i] = add(&t, 1);
        for (uint32_t k = 0; k < i; k++)
            assert_int_not_equal(ids[i], ids[k]);
    }
    for (uint32_t i = 0; i <= 3; i++)
        wb_registry_release(registry, ids[i]);
}

static void functions_are_kept_with_their_slots(void **state)
{
    const wb_valtype params[] = {WB_I32, WB_V128}, results[] = {WB_V128};
    wb_subtype t = func_type(params, 2, results, 1);
    uint32_t id = add(&t, 1);
    const wb_functype *f = wb_registry_func(registry, id);

    (void)state;
    assert_int_equal(f->param_count, 2);
    assert_int_equal(f->params[1], WB_V128);
    assert_int_equal(f->param_slots, 3);
    assert_int_equal(f->result_slots, 2);
    wb_registry_release(registry, id);
}

static void groups_are_equal_as_a_whole(void **state)
{
    const wb_valtype to0[] = {WB_REFTYPE(true, WB_HEAP_REC)};
    const wb_valtype to1[] = {WB_REFTYPE(true, WB_HEAP_REC + 1)};
    wb_subtype pair[] = {func_type(to1, 1, NULL, 0), func_type(to0, 1, NULL, 0)};
    wb_subtype other[] = {func_type(to0, 1, NULL, 0), func_type(to1, 1, NULL, 0)};
    uint32_t a = add(pair, 2), b = add(other, 2);

    (void)state;
    assert_int_not_equal(a, b);
    assert_int_equal(add(pair, 2), a);
    /* References within the group have become canonical. */
    assert_int_equal(wb_registry_func(registry, a)->params[0],
                     WB_REFTYPE(true, WB_HEAP_DEFINED + a + 1));
    assert_int_equal(wb_registry_func(registry, a + 1)->params[0],
                     WB_REFTYPE(true, WB_HEAP_DEFINED + a));
    wb_registry_release(registry, a);
    wb_registry_release(registry, a);
    wb_registry_release(registry, b);
}

/* Types are equal by the shape of their group, not by what unrolling it would give. */
static void reference_from_outside_is_another_type(void **state)
{
    uint32_t self = add_unary(WB_REFTYPE(true, WB_HEAP_REC));
    uint32_t outside = add_unary(WB_REFTYPE(true, WB_HEAP_DEFINED + self));

    (void)state;
    assert_int_not_equal(self, outside);
    assert_int_equal(add_unary(WB_REFTYPE(true, WB_HEAP_REC)), self);
    assert_int_equal(add_unary(WB_REFTYPE(true, WB_HEAP_DEFINED + self)), outside);
    for (int i = 0; i < 2; i++) {
        wb_registry_release(registry, self);
        wb_registry_release(registry, outside);
    }
}

static void subtyping_follows_declarations(void **state)
{
    uint32_t chain[WB_LIMIT_SUBTYPE_DEPTH + 1];
    uint32_t side;

    (void)state;
    chain[0] = add_derived(WB_NO_TYPE, false);
    side = add_derived(chain[0], true);
    for (int i = 1; i <= WB_LIMIT_SUBTYPE_DEPTH; i++)
        chain[i] = add_derived(chain[i - 1], false);
    for (int i = 0; i <= WB_LIMIT_SUBTYPE_DEPTH; i++) {
        for (int k = 0; k <= WB_LIMIT_SUBTYPE_DEPTH; k++)
            assert_int_equal(wb_type_is_subtype(registry, chain[i], chain[k]), i >= k);
        assert_int_equal(wb_type_is_subtype(registry, side, chain[i]), i == 0);
        assert_false(wb_type_is_subtype(registry, chain[i], side));
        assert_int_equal(wb_registry_super(registry, chain[i]), i ? chain[i - 1] : WB_NO_TYPE);
    }
    wb_registry_release(registry, side);
    for (int i = 0; i <= WB_LIMIT_SUBTYPE_DEPTH; i++)
        wb_registry_release(registry, chain[i]);
}

static void depth_of_subtyping_is_limited(void **state)
{
    enum { COUNT = WB_LIMIT_SUBTYPE_DEPTH + 2 };
    wb_subtype group[COUNT];
    beamr_error err = {0};
    uint32_t first;

    (void)state;
    for (uint32_t i = 0; i < COUNT; i++)
        group[i] = (wb_subtype){.super = i ? WB_HEAP_REC + i - 1 : WB_NO_TYPE};
    assert_int_equal(wb_registry_add(registry, group, COUNT, &first, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "64 levels of subtyping, the limit is 63");
    first = add(group, COUNT - 1);
    assert_true(wb_type_is_subtype(registry, first + COUNT - 2, first));
    wb_registry_release(registry, first);
}

static void groups_keep_what_they_refer_to(void **state)
{
    uint32_t base = add_derived(WB_NO_TYPE, false);
    uint32_t derived = add_derived(base, true);
    uint32_t user = add_unary(WB_REFTYPE(false, WB_HEAP_DEFINED + derived));
    uint32_t taken;

    (void)state;
    wb_registry_release(registry, base);
    wb_registry_release(registry, derived);
    /* Still there, through `user`: the same keys find the same ids, and new types get others.
     */
    assert_true(wb_type_is_subtype(registry, derived, base));
    taken = add_unary(WB_F32);
    assert_true(taken != base && taken != derived && taken != user);
    assert_int_equal(add_derived(base, true), derived);
    wb_registry_release(registry, derived);
    wb_registry_release(registry, user);
    wb_registry_release(registry, taken);
}

static void released_ids_are_given_out_again(void **state)
{
    wb_subtype group[5];
    uint32_t before, highest = 0;

    (void)state;
    before = add_unary(WB_F64); /* an odd neighbour, so that alignment leaves gaps */
    for (int round = 0; round < 2000; round++) {
        uint32_t count = (uint32_t)round % 5 + 1;
        uint32_t ids[5];

        for (uint32_t i = 0; i < count; i++)
            group[i] = func_type(NULL, 0, NULL, 0);
        for (uint32_t n = 0; n < 5; n++) {
            const wb_valtype params[] = {WB_I32, WB_I32, WB_I32, WB_I32, WB_I32};

            group[0] = func_type(params, n, NULL, 0);
            ids[n] = add(group, count);
            highest = ids[n] > highest ? ids[n] : highest;
        }
        for (uint32_t n = 0; n < 5; n++)
            wb_registry_release(registry, ids[(n * 3 + (uint32_t)round) % 5]);
    }
    assert_true(highest < 128);
    wb_registry_release(registry, before);
}

/* Each type names the one before: releasing the last releases all, without deep recursion. */
static void long_chains_are_released(void **state)
{
    uint32_t previous = add_unary(WB_I32), next, first;

    (void)state;
    first = previous;
    for (int i = 0; i < 300000; i++) {
        next = add_unary(WB_REFTYPE(true, WB_HEAP_DEFINED + previous));
        wb_registry_release(registry, previous);
        previous = next;
    }
    assert_int_equal(add_unary(WB_I32), first);
    wb_registry_release(registry, first);
    wb_registry_release(registry, previous);
}

static void many_types_stay_distinct(void **state)
{
    enum { COUNT = 20000 };
    uint32_t *ids = malloc(COUNT * sizeof *ids);
    wb_valtype params[16];

    (void)state;
    assert_non_null(ids);
    for (uint32_t n = 0; n < COUNT; n++) {
        wb_subtype t = func_type(params, 16, NULL, 0);

        for (uint32_t i = 0; i < 16; i++)
            params[i] = n >> i & 1 ? WB_I64 : WB_I32;
        ids[n] = add(&t, 1);
        assert_int_equal(wb_registry_func(registry, ids[n])->params[0], params[0]);
    }
    for (uint32_t n = 0; n < COUNT; n++) {
        const wb_functype *f = wb_registry_func(registry, ids[n]);

        for (uint32_t i = 0; i < 16; i++)
            assert_int_equal(f->params[i], n >> i & 1 ? WB_I64 : WB_I32);
    }
    for (uint32_t n = 0; n < COUNT; n++)
        wb_registry_release(registry, ids[n]);
    free(ids);
}

/* ---- Threads ---- */

/* Add and release types that other threads add too, and look at them meanwhile. */
static void *churn(void *arg)
{
    uintptr_t failures = 0;
    wb_valtype params[8];

    for (uint32_t n = 0; n < 20000; n++) {
        wb_subtype t = {.func = {.params = params, .param_count = 8}, .super = WB_NO_TYPE};
        uint32_t base, derived;

        for (uint32_t i = 0; i < 8; i++)
            params[i] = (n * 7 + (uint32_t)(uintptr_t)arg) >> i & 1 ? WB_I64 : WB_I32;
        if (wb_registry_add(registry, &t, 1, &base, NULL) != BEAMR_OK)
            return (void *)(uintptr_t)1;
        t.super = WB_HEAP_DEFINED + base;
        if (wb_registry_add(registry, &t, 1, &derived, NULL) != BEAMR_OK)
            return (void *)(uintptr_t)1;
        failures += !wb_type_is_subtype(registry, derived, base);
        failures += wb_type_is_subtype(registry, base, derived);
        failures += wb_registry_func(registry, derived)->params[7] != params[7];
        wb_registry_release(registry, base);
        wb_registry_release(registry, derived);
    }
    return (void *)failures;
}

static void threads_share_a_registry(void **state)
{
    pthread_t threads[4];

    (void)state;
    for (uintptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, churn, (void *)i), 0);
    for (uintptr_t i = 0; i < 4; i++) {
        void *failures;

        assert_int_equal(pthread_join(threads[i], &failures), 0);
        assert_null(failures);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_types_have_equal_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(params_and_results_are_not_confused, setup, teardown),
        cmocka_unit_test_setup_teardown(functions_are_kept_with_their_slots, setup, teardown),
        cmocka_unit_test_setup_teardown(groups_are_equal_as_a_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(reference_from_outside_is_another_type, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(subtyping_follows_declarations, setup, teardown),
        cmocka_unit_test_setup_teardown(depth_of_subtyping_is_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(groups_keep_what_they_refer_to, setup, teardown),
        cmocka_unit_test_setup_teardown(released_ids_are_given_out_again, setup, teardown),
        cmocka_unit_test_setup_teardown(long_chains_are_released, setup, teardown),
        cmocka_unit_test_setup_teardown(many_types_stay_distinct, setup, teardown),
        cmocka_unit_test_setup_teardown(threads_share_a_registry, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
