/* Setting and removing: the table of AO-Core messages, "Results for reference", and what
 * happens to commitments. Which keys are committed is decided here, in place of ao/commit.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ao/commit.h"
#include "ao/internal.h"
#include "ao/link.h"
#include "ao/set.h"

/* ---- Commitments as this test has them: the keys `a`, `c` and `path` ---- */

static beamr_status committed_status;
static int committed_calls;
const ao_selection AO_SELECT_SIGNED = {.committers = {.kind = AO_NONE}};

beamr_status ao_committed(ao_context *context, const ao_message *message,
                          const ao_selection *selection, ao_value *out, beamr_error *err)
{
    (void)context;
    (void)message;
    assert_ptr_equal(selection, &AO_SELECT_SIGNED);
    committed_calls++;
    if (committed_status != BEAMR_OK)
        return beamr_fail(err, committed_status, 0, "so");
    *out = ao_list_new(
        (ao_value[]){ao_binary_text("a"), ao_binary_text("c"), ao_binary_text("path")}, 3);
    return BEAMR_OK;
}

/* ---- Helpers ---- */

/* A message of a text like `{a: 1, b: {c: x}}`: numbers, atoms behind `:`, other binaries. */
static ao_message *message(const char **text)
{
    ao_message *m = NULL;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    for (++*text; **text != '}'; *text += **text == ',' || **text == ' ') {
        char key[50], word[20];
        int len = 0;

        if (**text == ',' || **text == ' ')
            continue;
        assert_int_equal(sscanf(*text, "%49[^:]: %n", key, &len), 1);
        *text += len;
        if (**text == '{') {
            ao_builder_put(&b, key, ao_message_value(message(text)));
            continue;
        }
        assert_int_equal(sscanf(*text, "%19[^,}]%n", word, &len), 1);
        *text += len;
        ao_builder_put(&b, key,
                       word[0] == ':'                     ? ao_atom(word + 1)
                       : word[0] >= '0' && word[0] <= '9' ? ao_integer(word[0] - '0')
                                                          : ao_binary_text(word));
    }
    ++*text;
    assert_int_equal(ao_builder_end(&b, &m), BEAMR_OK);
    return m;
}

static ao_message *read(const char *text)
{
    return message(&text);
}

static void assert_message(ao_message *actual, const char *expected)
{
    ao_message *m = read(expected);

    if (!ao_value_equal(ao_message_value(actual), ao_message_value(m)))
        fail_msg("the result is not %s", expected);
    ao_message_unref(actual);
    ao_message_unref(m);
}

static void check_set(const char *base_text, const char *request_text, const char *expected)
{
    ao_message *base = read(base_text), *request = read(request_text), *out = NULL;

    assert_int_equal(ao_set(NULL, base, request, &out, NULL), BEAMR_OK);
    ao_message_unref(base);
    ao_message_unref(request);
    assert_message(out, expected);
}

/* Takes the value over. */
static beamr_status set_path(const char *base_text, const char *path, ao_value value,
                             ao_message **out)
{
    ao_message *base = read(base_text);
    beamr_status st = ao_set_path(NULL, base, beamr_bytes_of(path), value, out, NULL);

    ao_message_unref(base);
    ao_value_unref(value);
    return st;
}

static void check_path(const char *base_text, const char *path, ao_value value,
                       const char *expected)
{
    ao_message *out = NULL;

    assert_int_equal(set_path(base_text, path, value, &out), BEAMR_OK);
    assert_message(out, expected);
}

/* ---- set ---- */

static void setting_merges_deeply_or_replaces(void **state)
{
    (void)state;
    check_set("{a: {b: 1, c: 2}}", "{a: {c: 3}}", "{a: {b: 1, c: 3}}");
    check_set("{a: {b: 1, c: 2}}", "{a: {c: 3}, set-mode: explicit}", "{a: {c: 3}}");
    check_set("{a: {b: {c: 1}}}", "{a: {b: {d: 2}}}", "{a: {b: {c: 1, d: 2}}}");
    check_set("{a: {b: 1}}", "{a: 2}", "{a: 2}");
    check_set("{a: 1}", "{a: {b: 2}}", "{a: {b: 2}}");
}

static void setting_unset_removes_at_the_top_only(void **state)
{
    (void)state;
    check_set("{a: 1, b: 2}", "{a: :unset}", "{b: 2}");
    check_set("{b: 2}", "{a: :unset}", "{b: 2}");
    check_set("{a: {b: 1}}", "{a: {b: :unset}}", "{a: {b: :unset}}");
}

static void some_keys_cannot_be_set(void **state)
{
    (void)state;
    check_set("{a: 1}", "{id: x, keys: y, verify: z, ok: 1}", "{a: 1, ok: 1}");
    check_set("{a: 1}", "{path: x, set: y, remove: z, committers: x, priv: 1, a: :undefined}",
              "{a: 1}");
}

static void private_keys_of_the_base_stay(void **state)
{
    ao_message *base = read("{a: 1, priv: {x: 1}}"), *request = read("{a: 2, priv: {x: 2}}");
    ao_message *out = NULL;

    (void)state;
    assert_int_equal(ao_set(NULL, base, request, &out, NULL), BEAMR_OK);
    assert_int_equal(ao_private_find(out, "x").of.integer, 1);
    ao_message_unref(base);
    ao_message_unref(request);
    ao_message_unref(out);
}

/* ---- Commitments ---- */

static void commitments_go_when_a_committed_key_changes(void **state)
{
    (void)state;
    check_set("{a: 1, b: 1, commitments: {x: 1}}", "{a: 2}", "{a: 2, b: 1}");
    check_set("{a: 1, b: 1, commitments: {x: 1}}", "{a: :unset}", "{b: 1}");
    check_set("{a: 1, commitments: {x: 1}}", "{c: 1}", "{a: 1, c: 1}");
    check_path("{a: {b: 1}, commitments: {x: 1}}", "a/b", ao_integer(2), "{a: {b: 2}}");
    check_path("{b: {a: 1, commitments: {x: 1}}}", "b/A", ao_integer(2), "{b: {a: 2}}");
}

/* Otherwise a message would go on to be who its commitments say, with other content. */
static void those_of_messages_within_go_as_well(void **state)
{
    ao_message *more = read("{a: 2}");

    (void)state;
    check_set("{b: {a: 1, c: 1, commitments: {x: 1}}}", "{b: {a: 2}}", "{b: {a: 2, c: 1}}");
    check_set("{b: {c: {a: 1, commitments: {x: 1}}}}", "{b: {c: {a: 2}, d: 1}}",
              "{b: {c: {a: 2}, d: 1}}");
    check_set("{b: {a: 1, commitments: {x: 1}}}", "{b: {a: 2, commitments: {y: 1}}}",
              "{b: {a: 2}}");
    check_set("{b: {a: {q: 1}, commitments: {x: 1}}}", "{b: {a: {r: 1}}}",
              "{b: {a: {q: 1, r: 1}}}");
    check_path("{c: {b: {a: 1, commitments: {x: 1}}}}", "c/b",
               ao_message_value(ao_message_ref(more)), "{c: {b: {a: 2}}}");
    /* Also by a key that cannot be set in the message itself. */
    check_set("{b: {path: x, commitments: {x: 1}}}", "{b: {path: y}}", "{b: {path: y}}");
    check_set("{b: {a: 1, commitments: {x: 1}}}", "{b: {a: 1}}",
              "{b: {a: 1, commitments: {x: 1}}}");
    check_set("{b: {a: 1, commitments: {x: 1}}}", "{b: {e: {d: 1}}}",
              "{b: {a: 1, e: {d: 1}, commitments: {x: 1}}}");
    ao_message_unref(more);
}

static void commitments_stay_when_they_still_hold(void **state)
{
    (void)state;
    check_set("{a: 1, commitments: {x: 1}}", "{b: 2}", "{a: 1, b: 2, commitments: {x: 1}}");
    check_set("{a: 1, commitments: {x: 1}}", "{a: 1}", "{a: 1, commitments: {x: 1}}");
    check_path("{b: {a: 1}, commitments: {x: 1}}", "b/a", ao_integer(2),
               "{b: {a: 2}, commitments: {x: 1}}");
    committed_calls = 0;
    check_set("{a: 1}", "{a: 2}", "{a: 2}");
    assert_int_equal(committed_calls, 0);
}

static void commitments_that_cannot_be_read_go(void **state)
{
    ao_message *base = read("{b: 1, commitments: {x: 1}}"), *request = read("{b: 2}");
    ao_message *out = NULL;
    beamr_error err = {0};

    (void)state;
    committed_status = BEAMR_MESSAGE;
    check_set("{b: 1, commitments: {x: 1}}", "{b: 2}", "{b: 2}");
    committed_status = BEAMR_NO_MEMORY;
    assert_int_equal(ao_set(NULL, base, request, &out, &err), BEAMR_NO_MEMORY);
    assert_string_equal(err.text, "so");
    assert_null(out);
    committed_status = BEAMR_OK;
    ao_message_unref(base);
    ao_message_unref(request);
}

/* ---- Paths ---- */

static void setting_at_a_path_makes_what_is_missing(void **state)
{
    (void)state;
    check_path("{}", "a/b/c", ao_integer(1), "{a: {b: {c: 1}}}");
    check_path("{a: {x: 1}}", "/A//b/", ao_integer(1), "{a: {x: 1, b: 1}}");
    check_path("{a: {b: {x: 1}}}", "a/b", ao_message_value(read("{y: 2}")),
               "{a: {b: {x: 1, y: 2}}}");
    check_path("{a: 1}", "", ao_message_value(read("{b: 2}")), "{a: 1, b: 2}");
    check_path("{a: 1}", "path", ao_integer(2), "{a: 1, path: 2}");
}

static void unset_at_a_path_removes(void **state)
{
    (void)state;
    check_path("{a: {b: 1, c: 2}}", "a/b", ao_atom("unset"), "{a: {c: 2}}");
    check_path("{a: {c: 2}}", "x/y/b", ao_atom("unset"), "{a: {c: 2}}");
    check_path("{a: {c: 2}}", "a/c", ao_atom("undefined"), "{a: {c: 2}}");
}

static void setting_in_a_list_numbers_it(void **state)
{
    ao_value list = ao_list_new((ao_value[]){ao_integer(1), ao_integer(2)}, 2);
    ao_message *base = NULL, *out = NULL;

    (void)state;
    assert_int_equal(ao_message_with(ao_message_empty(), "l", list, &base, NULL), BEAMR_OK);
    assert_int_equal(ao_set_path(NULL, base, beamr_bytes_of("l/2"), ao_integer(9), &out, NULL),
                     BEAMR_OK);
    assert_message(out, "{l: {1: 1, 2: 9}}");
    ao_message_unref(base);
}

static void nothing_is_set_below_a_literal(void **state)
{
    ao_message *out = NULL;

    (void)state;
    assert_int_equal(set_path("{a: 1}", "a/b", ao_integer(1), &out), BEAMR_ARGUMENT);
    assert_int_equal(set_path("{a: 1}", "//", ao_integer(1), &out), BEAMR_ARGUMENT);
    assert_null(out);
}

static void private_and_reserved_paths_are_ignored(void **state)
{
    (void)state;
    check_path("{a: 1}", "priv/x", ao_integer(1), "{a: 1}");
    check_path("{a: 1}", "a/Private_x", ao_integer(1), "{a: 1}");
    check_path("{a: 1}", "commitments/x", ao_integer(1), "{a: 1}");
}

static void long_paths_are_refused(void **state)
{
    char path[2 * (AO_DEPTH_MAX + 1) + 1];
    ao_message *out = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof path - 1; i++)
        path[i] = i % 2 ? '/' : 'a';
    path[sizeof path - 1] = '\0';
    assert_int_equal(set_path("{}", path, ao_integer(1), &out), BEAMR_LIMIT);
    path[2 * AO_DEPTH_MAX] = '\0';
    assert_int_equal(set_path("{}", path, ao_integer(1), &out), BEAMR_OK);
    ao_message_unref(out);
}

/* ---- Links ---- */

static beamr_status load(void *user, beamr_bytes id, ao_value *out, beamr_error *err)
{
    (void)user;
    (void)id;
    (void)err;
    *out = ao_message_value(read("{b: 1}"));
    return BEAMR_OK;
}

static void links_are_set_within_like_messages(void **state)
{
    ao_value link = ao_link_new(beamr_bytes_of("id"), AO_MESSAGE, load, NULL);
    ao_message *base = NULL, *request = read("{a: {c: 2}}"), *out = NULL;

    (void)state;
    assert_int_equal(ao_message_with(ao_message_empty(), "a", link, &base, NULL), BEAMR_OK);
    assert_int_equal(ao_set(NULL, base, request, &out, NULL), BEAMR_OK);
    assert_message(out, "{a: {b: 1, c: 2}}");
    assert_int_equal(ao_set_path(NULL, base, beamr_bytes_of("a/c"), ao_integer(3), &out, NULL),
                     BEAMR_OK);
    assert_message(out, "{a: {b: 1, c: 3}}");
    ao_message_unref(base);
    ao_message_unref(request);
}

/* ---- remove ---- */

static void removing_folds_case_and_spares_private_keys(void **state)
{
    ao_value keys = ao_list_new(
        (ao_value[]){ao_binary_text("A"), ao_atom("b"), ao_integer(1), ao_binary_text("priv")},
        4);
    ao_value one = ao_binary_text("C");
    ao_message *base = read("{a: 1, b: 2, c: 3, 1: 4, priv: 5}"), *out = NULL, *less = NULL;

    (void)state;
    assert_int_equal(ao_remove(base, keys, &out, NULL), BEAMR_OK);
    assert_non_null(message_private(out));
    assert_int_equal(ao_remove(out, one, &less, NULL), BEAMR_OK);
    assert_message(out, "{c: 3}");
    assert_message(less, "{}");
    ao_message_unref(base);
    ao_value_unref(keys);
    ao_value_unref(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(setting_merges_deeply_or_replaces),
        cmocka_unit_test(setting_unset_removes_at_the_top_only),
        cmocka_unit_test(some_keys_cannot_be_set),
        cmocka_unit_test(private_keys_of_the_base_stay),
        cmocka_unit_test(commitments_go_when_a_committed_key_changes),
        cmocka_unit_test(those_of_messages_within_go_as_well),
        cmocka_unit_test(commitments_stay_when_they_still_hold),
        cmocka_unit_test(commitments_that_cannot_be_read_go),
        cmocka_unit_test(setting_at_a_path_makes_what_is_missing),
        cmocka_unit_test(unset_at_a_path_removes),
        cmocka_unit_test(setting_in_a_list_numbers_it),
        cmocka_unit_test(nothing_is_set_below_a_literal),
        cmocka_unit_test(private_and_reserved_paths_are_ignored),
        cmocka_unit_test(long_paths_are_refused),
        cmocka_unit_test(links_are_set_within_like_messages),
        cmocka_unit_test(removing_folds_case_and_spares_private_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
