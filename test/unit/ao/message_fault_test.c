/* Messages when memory is gone: the Nth allocation fails, for N = 1, 2, ... until none is hit;
 * once only that one, and once all that follow too. An operation then fails with
 * BEAMR_NO_MEMORY, or gives the same answer; what it worked on is as before, and nothing is
 * left over. The linker leads what is counted here to the functions with __wrap_
 * (test/CMakeLists.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ao/internal.h"
#include "ao/link.h"
#include "ao/merge.h"
#include "refuse.h"

/* ---- Operations; each gives a value, or fails ---- */

static ao_message *base, *other;
static ao_value list;

static beamr_status many_keys(ao_value *out, beamr_error *err)
{
    ao_message *m = NULL;
    ao_builder b;
    beamr_status st;

    ao_builder_begin(&b, base, NULL, err);
    for (int i = 0; i < 60; i++) {
        char key[90];

        (void)snprintf(key, sizeof key, "Key-%d-\xc3\x84%*d", i * 7 % 60, i, i);
        ao_builder_put(&b, key, ao_binary_text(key));
        ao_builder_put(&b, "priv_state", ao_integer(i));
    }
    for (int i = 0; i < 40; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "k%d", i);
        ao_builder_remove(&b, beamr_bytes_of(key));
    }
    if ((st = ao_builder_end(&b, &m)) == BEAMR_OK)
        *out = ao_message_value(m);
    return st;
}

static beamr_status one_key(ao_value *out, beamr_error *err)
{
    ao_message *m = NULL;
    beamr_status st = ao_message_with(base, "k7", ao_binary_text("new"), &m, err);

    *out = ao_message_value(m);
    return st;
}

static beamr_status less_keys(ao_value *out, beamr_error *err)
{
    ao_message *m = NULL;
    beamr_status st = ao_message_without(base, "k7", &m, err);

    *out = ao_message_value(m);
    return st;
}

static beamr_status values(ao_value *out, beamr_error *err)
{
    ao_value big = AO_NO_VALUE, items[5];
    beamr_status st =
        ao_integer_read(beamr_bytes_of("123456789012345678901234567890"), &big, err);

    if (st != BEAMR_OK)
        return st;
    items[0] = big;
    items[1] = ao_atom("an atom of this test");
    items[2] = ao_as(ao_binary_text("device@1.0"), ao_message_value(ao_message_ref(base)));
    items[3] = ao_resolve_form(ao_value_ref(list));
    items[4] = ao_native_new(NULL, NULL);
    *out = ao_list_new(items, 5);
    if (out->kind == AO_NONE)
        return value_fail(*out, err);
    ao_value_unref(*out);
    *out = ao_integer(1);
    return BEAMR_OK;
}

static beamr_status list_and_back(ao_value *out, beamr_error *err)
{
    ao_message *m = NULL;
    beamr_status st;

    if ((st = ao_list_to_message(list, &m, err)) == BEAMR_OK)
        st = ao_message_to_list(m, out, err);
    ao_message_unref(m);
    return st;
}

static beamr_status minimised(ao_value *out, beamr_error *err)
{
    static const char *const also[] = {"k3"};
    ao_message *m = NULL;
    beamr_status st = ao_message_minimise(base, also, 1, &m, err);

    *out = ao_message_value(m);
    return st;
}

static beamr_status merged(ao_value *out, beamr_error *err)
{
    ao_message *m = NULL;
    beamr_status st = message_merge(base, other, &m, err);

    *out = ao_message_value(m);
    return st;
}

static beamr_status private_state(ao_value *out, beamr_error *err)
{
    ao_message *a = NULL, *b = NULL;
    beamr_status st = ao_private_with(base, "wasm/instance", ao_binary_text("x"), &a, err);

    if (st == BEAMR_OK)
        st = ao_private_merge(other, a, &b, err);
    ao_message_unref(a);
    *out = ao_message_value(b);
    return st;
}

static beamr_status give_text(void *user, beamr_bytes id, ao_value *out, beamr_error *err)
{
    (void)user;
    *out = ao_binary_copy(id);
    return out->kind ? BEAMR_OK : value_fail(*out, err);
}

static beamr_status loaded(ao_value *out, beamr_error *err)
{
    ao_value link = ao_link_new(beamr_bytes_of("id"), AO_BINARY, give_text, NULL), value;
    beamr_status st;

    if (link.kind == AO_NONE)
        return value_fail(link, err);
    if ((st = ao_value_load(link, &value, err)) == BEAMR_OK)
        *out = ao_value_ref(value);
    ao_value_unref(link);
    return st;
}

/* ---- Running ---- */

typedef beamr_status (*operation)(ao_value *out, beamr_error *err);

static ao_message *numbered(int count, int nested)
{
    ao_message *m = NULL;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    for (int i = 0; i < count; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "k%d", i);
        ao_builder_put(&b, key, ao_integer(i));
    }
    if (nested > 0) {
        ao_builder_put(&b, "nested", ao_message_value(numbered(count / 2, nested - 1)));
        ao_builder_put(&b, "items", ao_value_ref(list));
    }
    assert_int_equal(ao_builder_end(&b, &m), BEAMR_OK);
    return m;
}

static void check(operation run, unsigned n, bool is_lasting, ao_value expected)
{
    beamr_error err = {0};
    ao_value value = AO_NO_VALUE;
    beamr_status st;

    refuse_begin(n, is_lasting);
    st = run(&value, &err);
    (void)refuse_end();
    if (st == BEAMR_OK) {
        assert_true(ao_value_equal(value, expected));
        ao_value_unref(value);
        return;
    }
    assert_int_equal(st, BEAMR_NO_MEMORY);
    assert_int_equal(err.status, BEAMR_NO_MEMORY);
    assert_true(err.text[0] != '\0');
    assert_int_equal(value.kind, AO_NONE);
}

static void survives(operation run)
{
    size_t names = name_count(); /* the leak detector sees those in the table as in use */
    ao_value expected = AO_NO_VALUE, before = ao_message_value(numbered(40, 2));

    assert_int_equal(run(&expected, NULL), BEAMR_OK);
    for (int is_lasting = 0; is_lasting < 2; is_lasting++)
        for (unsigned n = 0; n < 5000; n++) {
            check(run, n, is_lasting, expected);
            if (refusal.hits == 0)
                break;
        }
    assert_int_equal(refusal.hits, 0);
    assert_true(ao_value_equal(before, ao_message_value(base)));
    ao_value_unref(expected);
    ao_value_unref(before);
    assert_int_equal(name_count(), names);
}

static void each_operation_survives(void **state)
{
    static const operation all[] = {many_keys, one_key, less_keys,     values, list_and_back,
                                    minimised, merged,  private_state, loaded};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        survives(all[i]);
}

/* The value, three nodes from the root to the leaf, the contents and the handle; the other 999
 * values stay where they are. */
static void one_key_of_a_thousand_takes_six_allocations(void **state)
{
    ao_message *m = numbered(1000, 0), *changed = NULL;

    (void)state;
    refusal.calls = 0;
    assert_int_equal(ao_message_with(m, "k500", ao_binary_text("new"), &changed, NULL),
                     BEAMR_OK);
    assert_in_range(refusal.calls, 1, 6);
    ao_message_unref(m);
    ao_message_unref(changed);
}

static void reading_allocates_nothing(void **state)
{
    ao_cursor cursor = {0};

    (void)state;
    refusal.calls = 0;
    assert_int_equal(ao_message_find_text(base, "K7").kind, AO_INTEGER);
    assert_int_equal(ao_message_find_text(base, "absent").kind, AO_NONE);
    while (ao_message_next(base, &cursor, NULL, NULL))
        ;
    assert_true(ao_message_match(base, base, AO_MATCH_STRICT, NULL));
    assert_false(ao_message_match(base, other, AO_MATCH_STRICT, NULL));
    assert_int_equal(refusal.calls, 0);
}

static int set_up(void **state)
{
    ao_value items[3] = {ao_integer(1), ao_integer(2), ao_integer(3)};

    (void)state;
    list = ao_list_new(items, 3);
    base = numbered(40, 2);
    other = numbered(10, 1);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ao_message_unref(base);
    ao_message_unref(other);
    ao_value_unref(list);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_survives),
        cmocka_unit_test(one_key_of_a_thousand_takes_six_allocations),
        cmocka_unit_test(reading_allocates_nothing),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
