/* Matching and minimising: what counts, what does not, in which mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ao/internal.h"
#include "ao/link.h"
#include "ao/match.h"

/* A message of pairs of key and value, up to NULL; binaries and small numbers (`#7`). */
static ao_message *message(const char *const *pairs)
{
    ao_message *m = NULL;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    for (; pairs[0]; pairs += 2)
        ao_builder_put(&b, pairs[0],
                       pairs[1][0] == '#' ? ao_integer(pairs[1][1] - '0')
                                          : ao_binary_text(pairs[1]));
    assert_int_equal(ao_builder_end(&b, &m), BEAMR_OK);
    return m;
}

#define MESSAGE(...) message((const char *const[]){__VA_ARGS__, NULL, NULL})

/* Takes both over. */
static bool match(ao_message *a, ao_message *b, ao_match_mode mode, const char *expected_path)
{
    char path[AO_MATCH_PATH_SIZE];
    bool is_match = ao_message_match(a, b, mode, path);

    assert_string_equal(path, is_match ? "" : expected_path);
    ao_message_unref(a);
    ao_message_unref(b);
    return is_match;
}

static ao_message *nest(ao_message *inner)
{
    ao_message *outer = NULL;

    assert_int_equal(
        ao_message_with(ao_message_empty(), "in", ao_message_value(inner), &outer, NULL),
        BEAMR_OK);
    return outer;
}

static void modes_say_whose_keys_count(void **state)
{
    (void)state;
    assert_true(
        match(MESSAGE("a", "1", "b", "2"), MESSAGE("B", "2", "A", "1"), AO_MATCH_STRICT, NULL));
    assert_false(match(MESSAGE("a", "1", "b", "2"), MESSAGE("a", "1"), AO_MATCH_STRICT, "b"));
    assert_false(match(MESSAGE("a", "1"), MESSAGE("a", "1", "b", "2"), AO_MATCH_STRICT, "b"));
    assert_true(match(MESSAGE("a", "1", "b", "2"), MESSAGE("a", "1", "c", "3"),
                      AO_MATCH_ONLY_PRESENT, ""));
    assert_false(
        match(MESSAGE("a", "1", "b", "2"), MESSAGE("b", "3"), AO_MATCH_ONLY_PRESENT, "b"));
    assert_true(match(MESSAGE("a", "1"), MESSAGE("a", "1", "b", "2"), AO_MATCH_PRIMARY, ""));
    assert_false(match(MESSAGE("a", "1", "b", "2"), MESSAGE("a", "1"), AO_MATCH_PRIMARY, "b"));
}

static void nested_messages_match_strictly(void **state)
{
    (void)state;
    assert_true(match(nest(MESSAGE("x", "1")), nest(MESSAGE("x", "1")), AO_MATCH_PRIMARY, ""));
    assert_false(match(nest(nest(MESSAGE("x", "1"))), nest(nest(MESSAGE("x", "1", "y", "2"))),
                       AO_MATCH_PRIMARY, "in/in/y"));
    assert_false(match(nest(MESSAGE("x", "1")), MESSAGE("in", "1"), AO_MATCH_STRICT, "in"));
}

static void some_keys_do_not_count(void **state)
{
    (void)state;
    assert_true(
        match(MESSAGE("a", "1", "unsigned_id", "x", "content-digest", "y", "priv_k", "z"),
              MESSAGE("a", "1", "content-type", "t", "body-keys", "b", "inline-body-key", "c",
                      "target", "", "quantity", "#0"),
              AO_MATCH_STRICT, ""));
    assert_false(
        match(MESSAGE("target", ""), MESSAGE("target", "x"), AO_MATCH_STRICT, "target"));
    assert_false(match(MESSAGE("a", "1"), MESSAGE("a", "1", "quantity", "0"), AO_MATCH_STRICT,
                       "quantity"));
}

static void transaction_fields_have_defaults(void **state)
{
    static const uint8_t zeros[512];
    ao_value id = ao_binary_copy((beamr_bytes){zeros, 32});
    ao_value key = ao_binary_copy((beamr_bytes){zeros, 512});
    ao_value pair[2] = {ao_atom("rsa"), ao_integer(65537)};
    ao_value type = ao_list_new(pair, 2), none = ao_list_new(NULL, 0);

    (void)state;
    assert_true(ao_is_transaction_default(beamr_bytes_of("id"), id));
    assert_false(ao_is_transaction_default(beamr_bytes_of("owner"), id));
    assert_true(ao_is_transaction_default(beamr_bytes_of("signature"), key));
    assert_true(ao_is_transaction_default(beamr_bytes_of("signature_type"), type));
    assert_true(ao_is_transaction_default(beamr_bytes_of("data_tree"), none));
    assert_false(ao_is_transaction_default(beamr_bytes_of("signature_type"), none));
    assert_true(ao_is_transaction_default(beamr_bytes_of("reward"), ao_integer(0)));
    assert_false(ao_is_transaction_default(beamr_bytes_of("reward"), ao_integer(1)));
    ao_value_unref(id);
    ao_value_unref(key);
    ao_value_unref(type);
    ao_value_unref(none);
}

static void lists_match_numbered_messages(void **state)
{
    ao_value items[2] = {ao_integer(1), ao_binary_text("x")};
    ao_value list = ao_list_new(items, 2);
    ao_message *m = MESSAGE("1", "#1", "2", "x"),
               *more = MESSAGE("1", "#1", "2", "x", "3", "y");
    ao_message *odd = MESSAGE("01", "#1", "2", "x"), *less = MESSAGE("2", "x");

    (void)state;
    assert_true(ao_value_match(list, ao_message_value(m)));
    assert_true(ao_value_match(ao_message_value(m), list));
    assert_false(ao_value_equal(list, ao_message_value(m)));
    assert_false(ao_value_match(list, ao_message_value(more)));
    assert_false(ao_value_match(list, ao_message_value(odd)));
    assert_false(ao_value_match(list, ao_message_value(less)));
    ao_message_unref(m);
    ao_message_unref(more);
    ao_message_unref(odd);
    ao_message_unref(less);
    ao_value_unref(list);
}

/* Message `n` has two links to message `n + 1`, and so on without end. */
static beamr_status load_next(void *user, beamr_bytes id, ao_value *out, beamr_error *err)
{
    ao_builder b;
    char text[32];
    int64_t n = 0;

    (void)key_integer(id, &n);
    (void)snprintf(text, sizeof text, "%s%lld", user ? "+" : "", (long long)n + 1);
    ao_builder_begin(&b, NULL, NULL, err);
    ao_builder_put(&b, "a", ao_link_new(beamr_bytes_of(text), AO_MESSAGE, load_next, user));
    ao_builder_put(&b, "b", ao_link_new(beamr_bytes_of(text), AO_MESSAGE, load_next, user));
    *out = ao_builder_value(&b);
    return b.status;
}

static beamr_status load_nothing(void *user, beamr_bytes id, ao_value *out, beamr_error *err)
{
    (void)user;
    (void)id;
    (void)out;
    return beamr_fail(err, BEAMR_NOT_FOUND, 0, "not stored");
}

static void links_match_by_id_or_by_what_they_lead_to(void **state)
{
    ao_value a = ao_link_new(beamr_bytes_of("1"), AO_MESSAGE, load_nothing, NULL);
    ao_value b = ao_link_new(beamr_bytes_of("1"), AO_MESSAGE, load_nothing, NULL);
    ao_value c = ao_link_new(beamr_bytes_of("2"), AO_MESSAGE, load_nothing, NULL);
    ao_value d = ao_link_new(beamr_bytes_of("1"), AO_MESSAGE, load_next, NULL), loaded;

    (void)state;
    assert_true(ao_value_match(a, b));
    assert_false(ao_value_match(a, c));
    assert_int_equal(ao_value_load(d, &loaded, NULL), BEAMR_OK);
    assert_true(ao_value_match(d, loaded));
    assert_false(ao_value_equal(d, loaded));
    ao_value_unref(a);
    ao_value_unref(b);
    ao_value_unref(c);
    ao_value_unref(d);
}

static void endless_links_end(void **state)
{
    int sign = 0;
    ao_value a = ao_link_new(beamr_bytes_of("1"), AO_MESSAGE, load_next, NULL);
    ao_value b = ao_link_new(beamr_bytes_of("1000"), AO_MESSAGE, load_next, &sign);

    (void)state;
    assert_false(ao_value_match(a, b));
    ao_value_unref(a);
    ao_value_unref(b);
}

static void minimising_drops_at_every_level(void **state)
{
    static const char *const also[] = {"body"};
    ao_message *inner = MESSAGE("x", "1", "content-digest", "2", "priv", "3", "body", "4");
    ao_message *m = nest(inner), *plain = nest(MESSAGE("x", "1")), *out = NULL;
    ao_value list = ao_list_new((ao_value[]){ao_message_value(ao_message_ref(m))}, 1);
    ao_message *outer = NULL;

    (void)state;
    assert_int_equal(ao_message_with(m, "list", list, &outer, NULL), BEAMR_OK);
    assert_int_equal(ao_message_minimise(outer, also, 1, &out, NULL), BEAMR_OK);
    assert_true(
        ao_value_equal(ao_message_find_text(out, "in"), ao_message_find_text(plain, "in")));
    assert_null(message_private(ao_to_message(ao_message_find_text(out, "in"))));
    assert_true(ao_value_equal(ao_list_at(ao_message_find_text(out, "list"), 0),
                               ao_message_value(plain)));
    ao_message_unref(out);
    assert_int_equal(ao_message_minimise(plain, also, 1, &out, NULL), BEAMR_OK);
    assert_true(message_is_same(out, plain));
    ao_message_unref(out);
    ao_message_unref(outer);
    ao_message_unref(m);
    ao_message_unref(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_say_whose_keys_count),
        cmocka_unit_test(nested_messages_match_strictly),
        cmocka_unit_test(some_keys_do_not_count),
        cmocka_unit_test(transaction_fields_have_defaults),
        cmocka_unit_test(lists_match_numbered_messages),
        cmocka_unit_test(links_match_by_id_or_by_what_they_lead_to),
        cmocka_unit_test(endless_links_end),
        cmocka_unit_test(minimising_drops_at_every_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
