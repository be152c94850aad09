/* Values: counts, binaries and slices, integers of any size, forms, names, and structures that
 * hold each other deeply. */
#include <math.h>
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

static ao_value integer(const char *text)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(ao_integer_read(beamr_bytes_of(text), &value, NULL), BEAMR_OK);
    return value;
}

static void assert_text(ao_value value, const char *expected)
{
    char buffer[AO_INTEGER_TEXT_SIZE];
    beamr_bytes text =
        value.kind == AO_INTEGER ? ao_integer_text(value, buffer) : ao_text(value);

    assert_int_equal(text.len, strlen(expected));
    assert_memory_equal(text.data, expected, text.len);
    ao_value_unref(value);
}

static void integers_keep_their_digits(void **state)
{
    (void)state;
    assert_text(integer("0"), "0");
    assert_text(integer("-0"), "0");
    assert_text(integer("0007"), "7");
    assert_text(integer("9223372036854775807"), "9223372036854775807");
    assert_text(integer("-9223372036854775808"), "-9223372036854775808");
    assert_text(integer("9223372036854775808"), "9223372036854775808");
    assert_text(integer("-00123456789012345678901234567890"),
                "-123456789012345678901234567890");
    assert_false(integer("0000000000000000000000000000001").is_big);
}

static void integers_that_are_none_are_refused(void **state)
{
    static char long_text[AO_INTEGER_DIGITS_MAX + 3];
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_integer_read(beamr_bytes_of(""), &value, NULL), BEAMR_ARGUMENT);
    assert_int_equal(ao_integer_read(beamr_bytes_of("-"), &value, NULL), BEAMR_ARGUMENT);
    assert_int_equal(ao_integer_read(beamr_bytes_of("+1"), &value, NULL), BEAMR_ARGUMENT);
    assert_int_equal(ao_integer_read(beamr_bytes_of("12a"), &value, &err), BEAMR_ARGUMENT);
    assert_int_equal(err.offset, 2);
    memset(long_text, '9', AO_INTEGER_DIGITS_MAX + 1);
    assert_int_equal(ao_integer_read(beamr_bytes_of(long_text), &value, NULL), BEAMR_LIMIT);
    assert_int_equal(value.kind, AO_NONE);
    long_text[0] = '0';
    assert_int_equal(ao_integer_read(beamr_bytes_of(long_text), &value, NULL), BEAMR_OK);
    ao_value_unref(value);
}

static bool match(ao_value a, ao_value b)
{
    bool is_match = ao_value_match(a, b);

    assert_int_equal(ao_value_match(b, a), is_match);
    ao_value_unref(a);
    ao_value_unref(b);
    return is_match;
}

static void numbers_match_by_value(void **state)
{
    (void)state;
    assert_true(match(ao_integer(1), ao_float(1.0)));
    assert_false(match(ao_integer(1), ao_float(1.5)));
    assert_false(match(ao_integer(1), ao_binary_text("1")));
    assert_false(match(ao_integer((1LL << 53) + 1), ao_float(0x1p53)));
    assert_false(match(ao_integer(INT64_MAX), ao_float(0x1p63)));
    assert_true(match(ao_integer(INT64_MIN), ao_float(-0x1p63)));
    assert_true(match(integer("9223372036854775808"), ao_float(0x1p63)));
    assert_false(match(integer("9223372036854775809"), ao_float(0x1p63)));
    assert_true(match(integer("-1180591620717411303424"), ao_float(-0x1p70)));
    assert_true(match(integer("100000000000000000000"), integer("00100000000000000000000")));
    assert_false(ao_value_equal(ao_integer(1), ao_float(1.0)));
}

static void whole_numbers_are_read_from_texts(void **state)
{
    ao_value text = ao_binary_text("-12"), bad = ao_binary_text("+12");
    int64_t n = 5;

    (void)state;
    assert_false(ao_to_integer(bad, &n));
    assert_false(ao_to_integer(ao_float(1), &n));
    assert_int_equal(n, 5);
    assert_true(ao_to_integer(text, &n));
    assert_int_equal(n, -12);
    ao_value_unref(text);
    ao_value_unref(bad);
    assert_true(ao_to_boolean(ao_boolean(true)));
    assert_false(ao_to_boolean(ao_boolean(false)));
}

static int released;

static void note_release(void *data, void *user)
{
    (void)data;
    (void)user;
    released++;
}

static void note_native(void *pointer)
{
    (void)pointer;
    released++;
}

static void large_slices_share_and_small_ones_copy(void **state)
{
    static const char bytes[5000] = "abcdef";
    ao_value whole = ao_binary_adopt(bytes, sizeof bytes, note_release, NULL);
    ao_value large = ao_binary_slice(whole, 1, 3000), small = ao_binary_slice(whole, 1, 3);
    ao_value inner = ao_binary_slice(large, 2, 2000);

    (void)state;
    released = 0;
    assert_ptr_equal(ao_bytes(inner).data, bytes + 3);
    ao_value_unref(whole);
    ao_value_unref(large);
    assert_int_equal(released, 0);
    ao_value_unref(inner);
    assert_int_equal(released, 1);
    assert_text(small, "bcd");
}

static void atoms_and_names_are_one_object_each(void **state)
{
    static char text[AO_NAME_MAX + 2];
    ao_value a = ao_atom("some atom of a test"), b = ao_atom("some atom of a test");

    (void)state;
    assert_ptr_equal(a.of.atom, b.of.atom);
    assert_string_equal((const char *)ao_name_text(a.of.atom).data, "some atom of a test");
    ao_value_unref(a);
    assert_text(b, "some atom of a test");
    a = ao_atom("device");
    b = ao_atom_of(beamr_bytes_of("device"));
    assert_ptr_equal(a.of.atom, b.of.atom);
    memset(text, 'x', AO_NAME_MAX + 1);
    assert_int_equal(ao_atom(text).kind, AO_NONE);
    text[AO_NAME_MAX] = '\0';
    assert_text(ao_atom(text), text);
}

static void many_names_come_and_go(void **state)
{
    enum { COUNT = 20000 };
    const ao_name **names = calloc(COUNT, sizeof *names);
    size_t before = name_count();

    (void)state;
    assert_non_null(names);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < COUNT; i++) {
            char text[24];

            (void)snprintf(text, sizeof text, "name %d", i);
            names[i] = name_of(beamr_bytes_of(text));
            assert_ptr_equal(name_of(beamr_bytes_of(text)), names[i]);
            name_unref(names[i]);
        }
        assert_int_equal(name_count(), before + COUNT);
        for (int i = 0; i < COUNT; i++)
            name_unref(names[i]);
        assert_int_equal(name_count(), before);
    }
    free(names);
}

static void forms_hold_what_they_are_given(void **state)
{
    ao_value items[2] = {ao_integer(1), ao_atom("x")};
    ao_value list = ao_list_new(items, 2), as, form;

    (void)state;
    as = ao_as(ao_binary_text("test@1.0"), ao_message_value(ao_message_empty()));
    form = ao_resolve_form(ao_value_ref(list));
    assert_int_equal(ao_as_inner(as).kind, AO_MESSAGE);
    assert_text(ao_value_ref(ao_as_device(as)), "test@1.0");
    assert_int_equal(ao_list_count(ao_resolve_list(form)), 2);
    assert_true(ao_value_equal(ao_resolve_list(form), list));
    assert_false(ao_value_equal(as, form));
    assert_int_equal(ao_as_inner(form).kind, AO_NONE);
    assert_int_equal(ao_list_at(list, 2).kind, AO_NONE);
    ao_value_unref(as);
    ao_value_unref(form);
    ao_value_unref(list);
    released = 0;
    ao_value_unref(ao_native_new(&released, note_native));
    assert_int_equal(released, 1);
}

static void floats_are_finite(void **state)
{
    ao_value item = ao_float(INFINITY);

    (void)state;
    assert_int_equal(value_fail(item, NULL), BEAMR_ARGUMENT);
    assert_int_equal(value_fail(ao_list_new(&item, 1), NULL), BEAMR_ARGUMENT);
    assert_int_equal(ao_float(-0x1p1023).kind, AO_FLOAT);
}

static void what_is_missing_makes_nothing(void **state)
{
    ao_value items[2] = {ao_native_new(&released, note_native), AO_NO_VALUE};

    (void)state;
    released = 0;
    assert_int_equal(ao_list_new(items, 2).kind, AO_NONE);
    assert_int_equal(released, 1);
    assert_int_equal(ao_as(AO_NO_VALUE, ao_native_new(NULL, note_native)).kind, AO_NONE);
    assert_int_equal(ao_resolve_form(AO_NO_VALUE).kind, AO_NONE);
    assert_int_equal(ao_message_value(NULL).kind, AO_NONE);
    assert_int_equal(released, 2);
}

static void lists_nest_so_deep_and_no_deeper(void **state)
{
    ao_value list = ao_list_new(NULL, 0);

    (void)state;
    for (int i = 1; i < AO_DEPTH_MAX; i++)
        list = ao_list_new(&list, 1);
    assert_int_equal(list.kind, AO_LIST);
    assert_true(ao_value_equal(list, list));
    list = ao_list_new(&list, 1);
    assert_int_equal(list.kind, AO_NONE);
    assert_int_equal(value_fail(list, NULL), BEAMR_LIMIT);
}

/* A list that holds itself twice, again and again, has more items than numbers can count. */
static void sums_of_shared_parts_do_not_overflow(void **state)
{
    ao_value list = ao_list_new(NULL, 0);

    (void)state;
    for (int i = 0; i < 100 && list.kind == AO_LIST; i++) {
        ao_value twice[2] = {list, ao_value_ref(list)};

        list = ao_list_new(twice, 2);
    }
    assert_int_equal(list.kind, AO_NONE);
    assert_int_equal(value_fail(list, NULL), BEAMR_LIMIT);
}

/* Links may lead to messages with links, without end. */
static beamr_status hand_over(void *user, beamr_bytes id, ao_value *out, beamr_error *err)
{
    ao_value *next = user;

    (void)id;
    (void)err;
    *out = *next;
    *next = AO_NO_VALUE;
    return BEAMR_OK;
}

static void long_chains_of_links_are_released(void **state)
{
    ao_value value = ao_integer(1);

    (void)state;
    for (int i = 0; i < 100000; i++) {
        ao_value loaded, link = ao_link_new(beamr_bytes_of("id"), AO_LIST, hand_over, &value);

        assert_int_equal(ao_value_load(link, &loaded, NULL), BEAMR_OK);
        value = ao_list_new(&link, 1);
    }
    ao_value_unref(value);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_keep_their_digits),
        cmocka_unit_test(integers_that_are_none_are_refused),
        cmocka_unit_test(numbers_match_by_value),
        cmocka_unit_test(whole_numbers_are_read_from_texts),
        cmocka_unit_test(large_slices_share_and_small_ones_copy),
        cmocka_unit_test(atoms_and_names_are_one_object_each),
        cmocka_unit_test(many_names_come_and_go),
        cmocka_unit_test(forms_hold_what_they_are_given),
        cmocka_unit_test(floats_are_finite),
        cmocka_unit_test(what_is_missing_makes_nothing),
        cmocka_unit_test(lists_nest_so_deep_and_no_deeper),
        cmocka_unit_test(sums_of_shared_parts_do_not_overflow),
        cmocka_unit_test(long_chains_of_links_are_released),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
