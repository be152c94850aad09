/* Trees of keys: against a plain model, with many versions alive at once; what a change shares;
 * what removals leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ao/tree.h"

enum { KEYS = 600, VERSIONS = 8, STEPS = 60000 };

static uint32_t seed = 12345;

static uint32_t random_below(uint32_t n)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)seed * n >> 32);
}

/* Keys with common beginnings of every length, and with bytes of zero. */
static beamr_bytes key_of(uint32_t n, char buffer[32])
{
    int len = snprintf(buffer, 32, n % 3 ? "%u" : "key-with-%u", n * 2654435761u % 4096);

    if (n % 5 == 0)
        buffer[len++] = '\0';
    return (beamr_bytes){(const uint8_t *)buffer, (size_t)len};
}

static bool put(tree **t, beamr_bytes key, ao_value value)
{
    return tree_put(t, tree_find(*t, key), key, NULL, value);
}

/* A version: the tree, and what it should hold; 0 for no value. */
typedef struct version {
    tree *keys;
    uint32_t values[KEYS];
} version;

static void check(const version *v)
{
    char buffer[32];
    size_t count = 0, bytes = 0, index = 0;
    const tree_entry *last = NULL, *at = NULL, *end = NULL;

    for (uint32_t n = 0; n < KEYS; n++) {
        const tree_entry *e = tree_find(v->keys, key_of(n, buffer));

        assert_int_equal(e != NULL, v->values[n] != 0);
        if (e) {
            assert_int_equal(e->value.of.integer, v->values[n]);
            bytes += ao_name_text(e->key).len + 16;
            count++;
        }
    }
    assert_int_equal(tree_count(v->keys), count);
    assert_int_equal(tree_size(v->keys).keys, count);
    assert_int_equal(tree_size(v->keys).bytes, bytes);
    for (; at != end || (at = tree_at(v->keys, index, &end)); index++, last = at++)
        if (last)
            assert_true(text_compare(ao_name_text(last->key), ao_name_text(at->key)) < 0);
    assert_int_equal(index, count);
}

static void change(version *v, bool is_growing)
{
    char buffer[32];
    uint32_t n = random_below(KEYS);

    if (random_below(10) < (is_growing ? 7u : 3u)) {
        v->values[n] = random_below(1000) + 1;
        assert_true(put(&v->keys, key_of(n, buffer), ao_integer(v->values[n])));
    } else {
        v->values[n] = 0;
        assert_true(tree_remove(&v->keys, key_of(n, buffer)));
    }
}

static void holds_what_a_plain_model_holds(void **state)
{
    static version versions[VERSIONS];

    (void)state;
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t i = random_below(VERSIONS);

        change(&versions[i], step / 10000 % 2 == 0);
        if (step % 500 == 0) { /* fork: both go on from the same tree */
            uint32_t to = random_below(VERSIONS);

            tree *old = versions[to].keys;

            (void)tree_ref(versions[i].keys);
            versions[to] = versions[i];
            tree_unref(old);
        }
        if (step % 2000 == 0)
            for (uint32_t k = 0; k < VERSIONS; k++)
                check(&versions[k]);
    }
    for (uint32_t k = 0; k < VERSIONS; k++) {
        check(&versions[k]);
        tree_unref(versions[k].keys);
    }
}

static size_t count_of(ao_value value)
{
    return atomic_load(&((ao_object *)value.of.binary)->is.count);
}

static tree *numbered_tree(uint32_t count, ao_value *values)
{
    tree *t = NULL;

    for (uint32_t n = 0; n < count; n++) {
        char text[16];

        (void)snprintf(text, sizeof text, "k%06u", n * 7919 % count);
        values[n] = ao_binary_text(text);
        assert_true(put(&t, beamr_bytes_of(text), ao_value_ref(values[n])));
    }
    return t;
}

/* 1,000 keys: a change copies the nodes on the way, of at most 16 slots each. */
static void a_change_shares_all_other_leaves(void **state)
{
    static ao_value values[1000];
    tree *t = numbered_tree(1000, values), *other = tree_ref(t);
    size_t touched = 0;

    (void)state;
    assert_true(put(&other, beamr_bytes_of("k000500"), ao_integer(1)));
    for (size_t i = 0; i < 1000; i++)
        touched += count_of(values[i]) != 2; /* the tree's and ours */
    assert_true(touched <= 15);
    assert_int_equal(tree_count(other), 1000);
    assert_int_equal(tree_find(t, beamr_bytes_of("k000500"))->value.kind, AO_BINARY);
    tree_unref(other);
    for (size_t i = 0; i < 1000; i++)
        assert_int_equal(count_of(values[i]), 2);
    tree_unref(t);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(count_of(values[i]), 1);
        ao_value_unref(values[i]);
    }
}

static void a_tree_of_its_own_is_changed_in_place(void **state)
{
    static ao_value values[1000];
    tree *t = numbered_tree(1000, values), *before = t;
    const tree_entry *entry = tree_find(t, beamr_bytes_of("k000500"));

    (void)state;
    assert_true(put(&t, beamr_bytes_of("k000500"), ao_integer(1)));
    assert_ptr_equal(t, before);
    assert_ptr_equal(tree_find(t, beamr_bytes_of("k000500")), entry);
    tree_unref(t);
    for (size_t i = 0; i < 1000; i++)
        ao_value_unref(values[i]);
}

static void removing_all_in_any_order_leaves_nothing(void **state)
{
    static const uint32_t strides[] = {1, 333, 999};
    static ao_value values[1000];

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        tree *t = numbered_tree(1000, values), *whole = tree_ref(t);

        for (uint32_t n = 0; n < 1000; n++) {
            char text[16];

            (void)snprintf(text, sizeof text, "k%06u", n * strides[i] % 1000);
            assert_true(tree_remove(&t, beamr_bytes_of(text)));
            assert_int_equal(tree_count(t), 1000 - n - 1);
        }
        assert_null(t);
        assert_int_equal(tree_count(whole), 1000);
        tree_unref(whole);
        for (size_t k = 0; k < 1000; k++)
            ao_value_unref(values[k]);
    }
}

/* The depth of a tree is that of its deepest value, also when that goes. */
static void depth_follows_the_deepest_value(void **state)
{
    ao_value deep = ao_list_new(NULL, 0), deeper;
    tree *t = NULL;

    (void)state;
    deeper = ao_list_new(&deep, 1);
    for (uint32_t n = 0; n < 200; n++) {
        char buffer[32];

        assert_true(put(&t, key_of(n, buffer), ao_integer(1)));
    }
    assert_int_equal(tree_size(t).depth, 0);
    assert_true(put(&t, beamr_bytes_of("x"), ao_value_ref(deep)));
    assert_true(put(&t, beamr_bytes_of("a"), deeper));
    assert_int_equal(tree_size(t).depth, 2);
    assert_true(put(&t, beamr_bytes_of("a"), ao_integer(1)));
    assert_int_equal(tree_size(t).depth, 1);
    assert_true(tree_remove(&t, beamr_bytes_of("x")));
    assert_int_equal(tree_size(t).depth, 0);
    tree_unref(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_what_a_plain_model_holds),
        cmocka_unit_test(a_change_shares_all_other_leaves),
        cmocka_unit_test(a_tree_of_its_own_is_changed_in_place),
        cmocka_unit_test(removing_all_in_any_order_leaves_nothing),
        cmocka_unit_test(depth_follows_the_deepest_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
