/* Messages: reading, building, sharing, private keys, limits. */
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

static ao_message *end(ao_builder *b)
{
    ao_message *m = NULL;

    assert_int_equal(ao_builder_end(b, &m), BEAMR_OK);
    return m;
}

static ao_message *numbered(int count)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    for (int i = 0; i < count; i++) {
        char key[16];

        (void)snprintf(key, sizeof key, "key-%05d", i);
        ao_builder_put(&b, key, ao_integer(i));
    }
    return end(&b);
}

static ao_message *with(const ao_message *m, const char *key, ao_value value)
{
    ao_message *out = NULL;

    assert_int_equal(ao_message_with(m, key, value, &out, NULL), BEAMR_OK);
    return out;
}

static int64_t number_at(const ao_message *m, const char *key)
{
    ao_value value = ao_message_find_text(m, key);

    return value.kind == AO_INTEGER ? value.of.integer : -1;
}

static void keys_are_found_in_any_case(void **state)
{
    ao_message *m = with(ao_message_empty(), "Content-\xc3\x84", ao_integer(1));
    ao_cursor cursor = {0};
    const ao_name *key;

    (void)state;
    assert_int_equal(number_at(m, "content-\xc3\xa4"), 1);
    assert_int_equal(number_at(m, "CONTENT-\xc3\x84"), 1);
    assert_true(ao_message_next(m, &cursor, &key, NULL));
    assert_string_equal((const char *)ao_name_text(key).data, "content-\xc3\xa4");
    ao_message_unref(m);
}

static void ids_keep_their_case(void **state)
{
    static const char *const ids[] = {
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef",
        "0xABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq",
    };

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ao_message *m = with(ao_message_empty(), ids[i], ao_integer(1));
        char lower[44];

        for (size_t k = 0; k <= strlen(ids[i]); k++)
            lower[k] =
                (char)(ids[i][k] >= 'A' && ids[i][k] <= 'Z' ? ids[i][k] | 32 : ids[i][k]);
        assert_int_equal(number_at(m, ids[i]), 1);
        assert_int_equal(number_at(m, lower), -1);
        ao_message_unref(m);
    }
}

static void long_keys_are_normalised_too(void **state)
{
    char key[400];
    ao_message *m;

    (void)state;
    memset(key, 'K', 399);
    key[399] = '\0';
    m = with(ao_message_empty(), key, ao_integer(1));
    key[0] = 'k';
    assert_int_equal(number_at(m, key), 1);
    ao_message_unref(m);
}

static void the_cursor_goes_through_all_keys_in_order(void **state)
{
    ao_message *m = numbered(1000);
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;
    int count = 0;

    (void)state;
    for (; ao_message_next(m, &cursor, &key, &value); count++) {
        char expected[16];

        (void)snprintf(expected, sizeof expected, "key-%05d", count);
        assert_string_equal((const char *)ao_name_text(key).data, expected);
        assert_int_equal(value.of.integer, count);
    }
    assert_int_equal(count, 1000);
    assert_int_equal(ao_message_count(m), 1000);
    ao_message_unref(m);
}

static void a_change_leaves_the_message_as_it_was(void **state)
{
    ao_message *m = numbered(1000), *changed = with(m, "key-00500", ao_integer(-5)),
               *less = NULL;

    (void)state;
    assert_int_equal(number_at(m, "key-00500"), 500);
    assert_int_equal(number_at(changed, "key-00500"), -5);
    assert_int_equal(ao_message_without(changed, "Key-00500", &less, NULL), BEAMR_OK);
    assert_int_equal(number_at(less, "key-00500"), -1);
    assert_int_equal(ao_message_count(less), 999);
    assert_int_equal(ao_message_count(m), 1000);
    ao_message_unref(m);
    ao_message_unref(changed);
    ao_message_unref(less);
}

static void without_a_change_contents_are_shared(void **state)
{
    ao_message *m = numbered(3), *same;
    uint8_t id[AO_ID_SIZE] = {1, 2, 3}, found[AO_ID_SIZE];
    ao_builder b;

    (void)state;
    assert_false(message_cached_id(m, found));
    message_cache_id(m, id);
    ao_builder_begin(&b, m, NULL, NULL);
    ao_builder_remove(&b, beamr_bytes_of("not there"));
    ao_builder_put(&b, "priv_x", ao_integer(1));
    same = end(&b);
    assert_true(message_is_same(m, same));
    assert_true(message_cached_id(same, found));
    assert_memory_equal(id, found, sizeof id);
    ao_message_unref(same);
    same = with(m, "a", ao_integer(1));
    assert_false(message_cached_id(same, found));
    ao_message_unref(same);
    ao_message_unref(m);
}

static void private_keys_are_kept_apart(void **state)
{
    ao_builder b;
    ao_message *m, *bare = NULL;
    ao_cursor cursor = {0};

    (void)state;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "PRIV_wallet", ao_integer(1));
    ao_builder_put(&b, "private", ao_integer(2));
    ao_builder_put(&b, "pri", ao_integer(3));
    m = end(&b);
    assert_int_equal(ao_message_count(m), 1);
    assert_int_equal(number_at(m, "priv_wallet"), -1);
    assert_int_equal(message_find_any(m, beamr_bytes_of("Private")).of.integer, 2);
    assert_true(ao_message_next(m, &cursor, NULL, NULL));
    assert_false(ao_message_next(m, &cursor, NULL, NULL));
    assert_int_equal(ao_message_size(m).max_keys, 3);
    assert_int_equal(ao_message_reset(m, &bare, NULL), BEAMR_OK);
    assert_null(message_private(bare));
    assert_true(message_is_same(m, bare));
    ao_message_unref(m);
    ao_message_unref(bare);
}

static void private_paths_are_made_and_merged(void **state)
{
    ao_message *a = NULL, *b = NULL, *both = NULL, *literal = NULL;

    (void)state;
    assert_int_equal(
        ao_private_with(ao_message_empty(), "wasm/instance", ao_integer(1), &a, NULL),
        BEAMR_OK);
    assert_int_equal(ao_private_with(a, "priv/wasm/other", ao_integer(2), &b, NULL), BEAMR_OK);
    assert_int_equal(ao_private_find(b, "wasm/instance").of.integer, 1);
    assert_int_equal(ao_private_find(b, "private/WASM/other").of.integer, 2);
    assert_int_equal(ao_private_find(a, "wasm/other").kind, AO_NONE);
    assert_int_equal(ao_private_find(a, "wasm/instance/more").kind, AO_NONE);
    assert_int_equal(ao_private_with(a, "wasm/instance/more", ao_integer(2), &literal, NULL),
                     BEAMR_ARGUMENT);
    assert_null(literal);
    ao_message_unref(a);
    assert_int_equal(
        ao_private_with(ao_message_empty(), "wasm/instance", ao_integer(9), &a, NULL),
        BEAMR_OK);
    assert_int_equal(ao_private_merge(b, a, &both, NULL), BEAMR_OK);
    assert_int_equal(ao_private_find(both, "wasm/instance").of.integer, 9);
    assert_int_equal(ao_private_find(both, "wasm/other").of.integer, 2);
    ao_message_unref(a);
    ao_message_unref(b);
    ao_message_unref(both);
}

static void the_first_failure_of_a_builder_is_reported(void **state)
{
    beamr_error err = {0};
    ao_builder b;
    ao_message *m = NULL;

    (void)state;
    ao_builder_begin(&b, NULL, NULL, &err);
    ao_builder_put(&b, "fine", ao_binary_text("x"));
    ao_builder_put(&b, "bad", ao_float(NAN));
    ao_builder_put(&b, "", ao_binary_text("y"));
    ao_builder_put(&b, "none", AO_NO_VALUE);
    assert_int_equal(ao_builder_end(&b, &m), BEAMR_ARGUMENT);
    assert_null(m);
    assert_string_equal(err.text, "a float is not finite");
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "none", AO_NO_VALUE);
    assert_int_equal(ao_builder_end(&b, &m), BEAMR_NO_MEMORY);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "", ao_binary_text("y"));
    assert_int_equal(ao_builder_value(&b).kind, AO_NONE);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "x", ao_binary_text("y"));
    ao_builder_fail(&b, BEAMR_MESSAGE, "so");
    ao_builder_drop(&b);
}

/* `count` keys of one byte with values of three. */
static beamr_status build(const ao_limits *limits, int count, beamr_error *err)
{
    ao_builder b;
    ao_message *m = NULL;
    beamr_status st;

    ao_builder_begin(&b, NULL, limits, err);
    for (int i = 0; i < count; i++)
        ao_builder_put_key(&b, (beamr_bytes){(const uint8_t[]){(uint8_t)('a' + i)}, 1},
                           ao_binary_text("xyz"));
    st = ao_builder_end(&b, &m);
    ao_message_unref(m);
    return st;
}

static void limits_are_exact(void **state)
{
    ao_limits limits = {1, 10, 40};
    beamr_error err = {0};

    (void)state;
    assert_int_equal(build(&limits, 10, NULL), BEAMR_OK);
    assert_int_equal(build(&limits, 11, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "10 keys"));
    beamr_error_clear(&err);
    limits = (ao_limits){1, 100, 40};
    assert_int_equal(build(&limits, 10, NULL), BEAMR_OK);
    assert_int_equal(build(&limits, 11, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "40 bytes"));
}

static void replacing_counts_only_the_new_value(void **state)
{
    ao_limits limits = {2, 3, 20};
    ao_value items[2] = {ao_integer(1), ao_integer(2)};
    ao_builder b;
    ao_message *m;

    (void)state;
    ao_builder_begin(&b, NULL, &limits, NULL);
    ao_builder_put(&b, "a", ao_binary_text("0123456789012345678"));
    for (int i = 0; i < 5; i++)
        ao_builder_put(&b, "a", ao_integer(i));
    m = end(&b);
    assert_int_equal(ao_message_size(m).max_bytes, 17);
    ao_message_unref(m);
    ao_builder_begin(&b, NULL, &limits, NULL);
    ao_builder_put(&b, "a", ao_list_new(items, 2)); /* three keys, but 33 bytes */
    assert_int_equal(ao_builder_end(&b, &m), BEAMR_LIMIT);
}

static void messages_nest_so_deep_and_no_deeper(void **state)
{
    beamr_error err = {0};
    ao_message *m = with(ao_message_empty(), "a", ao_integer(1)), *deeper = NULL;

    (void)state;
    for (int i = 1; i < AO_DEPTH_MAX; i++)
        m = with(ao_message_empty(), "a", ao_message_value(m));
    assert_int_equal(ao_message_size(m).max_depth, AO_DEPTH_MAX);
    assert_true(ao_message_match(m, m, AO_MATCH_STRICT, NULL));
    assert_int_equal(ao_message_with(ao_message_empty(), "a",
                                     ao_message_value(ao_message_ref(m)), &deeper, &err),
                     BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "128 levels"));
    beamr_error_clear(&err);
    assert_int_equal(ao_message_with(ao_message_empty(), "priv",
                                     ao_message_value(ao_message_ref(m)), &deeper, &err),
                     BEAMR_LIMIT);
    ao_message_unref(m);
}

/* The same message twice in the next one, and so on, counts as often as it is there. */
static void shared_parts_count_each_time(void **state)
{
    ao_message *m = with(ao_message_empty(), "a", ao_integer(1));
    beamr_status st = BEAMR_OK;

    (void)state;
    for (int i = 0; i < 40 && st == BEAMR_OK; i++) {
        ao_message *next = NULL;
        ao_builder b;

        ao_builder_begin(&b, NULL, NULL, NULL);
        ao_builder_put(&b, "a", ao_message_value(ao_message_ref(m)));
        ao_builder_put(&b, "b", ao_message_value(ao_message_ref(m)));
        if ((st = ao_builder_end(&b, &next)) != BEAMR_OK)
            break;
        ao_message_unref(m);
        m = next;
    }
    assert_int_equal(st, BEAMR_LIMIT);
    assert_in_range(ao_message_size(m).max_keys, 500000, 1000000);
    ao_message_unref(m);
}

static void lists_become_messages_and_back(void **state)
{
    ao_value items[12], list, again;
    ao_message *m = NULL, *gap = NULL;
    beamr_error err = {0};

    (void)state;
    for (int i = 0; i < 12; i++)
        items[i] = ao_integer(i);
    list = ao_list_new(items, 12);
    assert_int_equal(ao_list_to_message(list, &m, NULL), BEAMR_OK);
    assert_int_equal(number_at(m, "12"), 11);
    assert_int_equal(ao_message_to_list(m, &again, NULL), BEAMR_OK);
    assert_true(ao_value_equal(list, again));
    ao_value_unref(again);
    assert_int_equal(ao_message_without(m, "1", &gap, NULL), BEAMR_OK); /* from 2 on */
    assert_int_equal(ao_message_to_list(gap, &again, NULL), BEAMR_OK);
    assert_int_equal(ao_list_count(again), 11);
    ao_value_unref(again);
    ao_message_unref(gap);
    assert_int_equal(ao_message_without(m, "5", &gap, NULL), BEAMR_OK);
    assert_int_equal(ao_message_to_list(gap, &again, &err), BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "key 5 is missing"));
    ao_message_unref(gap);
    gap = with(m, "x", ao_integer(1));
    assert_int_equal(ao_message_to_list(gap, &again, NULL), BEAMR_ARGUMENT);
    ao_message_unref(gap);
    assert_int_equal(ao_message_to_list(ao_message_empty(), &again, NULL), BEAMR_OK);
    assert_int_equal(ao_list_count(again), 0);
    ao_value_unref(again);
    ao_message_unref(m);
    ao_value_unref(list);
}

static int loads;

static beamr_status load_message(void *user, beamr_bytes id, ao_value *out, beamr_error *err)
{
    (void)user;
    loads++;
    if (text_is(id, "gone"))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "not stored");
    *out = ao_message_value(numbered(3));
    return BEAMR_OK;
}

static void links_are_loaded_once_when_they_are_read(void **state)
{
    ao_message *m = with(ao_message_empty(), "link",
                         ao_link_new(beamr_bytes_of("id"), AO_MESSAGE, load_message, NULL));
    ao_message *dead =
        with(m, "link", ao_link_new(beamr_bytes_of("gone"), AO_MESSAGE, load_message, NULL));
    ao_value value;

    (void)state;
    loads = 0;
    assert_int_equal(ao_message_find_text(m, "link").kind, AO_LINK);
    assert_int_equal(loads, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ao_message_get(m, beamr_bytes_of("link"), &value, NULL), BEAMR_OK);
        assert_int_equal(value.kind, AO_MESSAGE);
    }
    assert_int_equal(ao_message_get_path(m, beamr_bytes_of("/link//key-00002/"), &value, NULL),
                     BEAMR_OK);
    assert_int_equal(value.of.integer, 2);
    assert_int_equal(loads, 1);
    assert_int_equal(ao_message_get(dead, beamr_bytes_of("link"), &value, NULL),
                     BEAMR_NOT_FOUND);
    assert_int_equal(ao_message_get_path(m, beamr_bytes_of("x/y"), &value, NULL), BEAMR_OK);
    assert_int_equal(value.kind, AO_NONE);
    ao_message_unref(m);
    ao_message_unref(dead);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_in_any_case),
        cmocka_unit_test(ids_keep_their_case),
        cmocka_unit_test(long_keys_are_normalised_too),
        cmocka_unit_test(the_cursor_goes_through_all_keys_in_order),
        cmocka_unit_test(a_change_leaves_the_message_as_it_was),
        cmocka_unit_test(without_a_change_contents_are_shared),
        cmocka_unit_test(private_keys_are_kept_apart),
        cmocka_unit_test(private_paths_are_made_and_merged),
        cmocka_unit_test(the_first_failure_of_a_builder_is_reported),
        cmocka_unit_test(limits_are_exact),
        cmocka_unit_test(replacing_counts_only_the_new_value),
        cmocka_unit_test(messages_nest_so_deep_and_no_deeper),
        cmocka_unit_test(shared_parts_count_each_time),
        cmocka_unit_test(lists_become_messages_and_back),
        cmocka_unit_test(links_are_loaded_once_when_they_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
