/* flat@1.0: lines both ways, paths that clash, and what a text of lines cannot hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "codec/annotated.h"
#include "codec/codecs.h"

static beamr_status read(const char *text, ao_message **out, beamr_error *err)
{
    ao_value encoded = ao_binary_text(text);
    beamr_status st = codec_flat.decode(NULL, encoded, out, err);

    ao_value_unref(encoded);
    return st;
}

static void assert_at(const ao_message *message, const char *path, const char *expected)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(ao_message_get_path(message, beamr_bytes_of(path), &value, NULL),
                     BEAMR_OK);
    assert_int_equal(value.kind, AO_BINARY);
    assert_int_equal(ao_bytes(value).len, strlen(expected));
    assert_memory_equal(ao_bytes(value).data, expected, strlen(expected));
}

static void paths_nest_whatever_their_order(void **state)
{
    ao_message *message = NULL;
    beamr_error err = {0};

    (void)state;
    if (read("b/c-d: 1\na: 2: 3\nb/c/e: 4\nno pair\nB/c/F: 5\n//g//h/: 6\n: none\nlast: 7",
             &message, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_at(message, "a", "2: 3");
    assert_at(message, "b/c-d", "1");
    assert_at(message, "b/c/e", "4");
    assert_at(message, "b/c/f", "5");
    assert_at(message, "g/h", "6");
    assert_at(message, "last", "7");
    assert_int_equal(ao_message_count(message), 4);
    ao_message_unref(message);
}

static void paths_that_clash_are_refused_with_their_place(void **state)
{
    static const struct {
        const char *text;
        uint64_t offset;
    } rows[] = {
        {"a: 1\na: 2\n", 8},
        {"a/b: 1\na: 2\n", 5},
        {"a: 1\na/b/c: 2\n", 12},
        {"x: 1\nA/b: 1\na/B: 2\n", 17},
        {"/: 1\n", 3},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ao_message *message = NULL;
        beamr_error err = {0};

        assert_int_equal(read(rows[i].text, &message, &err), BEAMR_MESSAGE);
        if (i != 1)
            assert_int_equal(err.offset, rows[i].offset);
    }
}

static void deep_paths_are_a_limit(void **state)
{
    char text[4 * AO_DEPTH_MAX];
    ao_message *message = NULL;
    beamr_error err = {0};
    size_t len = 0;

    (void)state;
    for (int i = 0; i < AO_DEPTH_MAX + 1; i++) {
        text[len++] = 'a';
        text[len++] = '/';
    }
    memcpy(text + len, "b: 1", 5);
    assert_int_equal(read(text, &message, &err), BEAMR_LIMIT);
}

static beamr_status write(const char *key, const char *value, beamr_error *err)
{
    ao_message *message = NULL, *empty = ao_message_empty();
    ao_value text = AO_NO_VALUE;
    beamr_status st;

    assert_int_equal(ao_message_with(empty, key, ao_binary_text(value), &message, NULL),
                     BEAMR_OK);
    st = codec_flat.encode(NULL, message, &text, err);
    ao_value_unref(text);
    ao_message_unref(message);
    ao_message_unref(empty);
    return st;
}

static void what_lines_cannot_hold_is_refused(void **state)
{
    static const char *const rows[][2] = {
        {"a/b", "x"}, {"a\nb", "x"}, {"a: b", "x"}, {"a", "x\ny"}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        beamr_error err = {0};

        assert_int_equal(write(rows[i][0], rows[i][1], &err), BEAMR_ENCODING);
        assert_non_null(strstr(err.text, "key `a"));
    }
    assert_int_equal(write("a:", "x: y", NULL), BEAMR_OK);
}

static void put(ao_message **message, const char *key, ao_value value)
{
    ao_message *next = NULL;

    assert_int_equal(ao_message_with(*message, key, value, &next, NULL), BEAMR_OK);
    ao_message_unref(*message);
    *message = next;
}

/* Else 150 KB take 120 MB: every part below has the name of the one above. */
static void a_long_key_above_many_messages_is_a_limit(void **state)
{
    ao_message *leaf = ao_message_empty(), *many = ao_message_empty(),
               *whole = ao_message_empty();
    ao_value out = AO_NO_VALUE;
    uint8_t id[AO_ID_SIZE];
    char key[60001];

    (void)state;
    put(&leaf, "x", ao_binary_text("1"));
    for (int i = 0; i < 2000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        put(&many, key, ao_message_value(ao_message_ref(leaf)));
    }
    memset(key, 'a', sizeof key - 1);
    key[sizeof key - 1] = '\0';
    put(&whole, key, ao_message_value(many));
    assert_int_equal(codec_flat.encode(NULL, whole, &out, NULL), BEAMR_LIMIT);
    assert_int_equal(codec_httpsig.encode(NULL, whole, &out, NULL), BEAMR_LIMIT);
    assert_int_equal(codec_httpsig.unsigned_id(NULL, whole, id, NULL), BEAMR_LIMIT);
    ao_message_unref(leaf);
    ao_message_unref(whole);
}

/* As multipart bodies need it: parts that are messages. */
static void entries_that_are_messages_merge(void **state)
{
    arena a;
    codec_node *flat, *part, *out = NULL;
    codec_entry *inner;

    (void)state;
    arena_init(&a, 1 << 20);
    flat = codec_node_new(&a);
    part = codec_node_new(&a);
    codec_node_add_bytes(&a, part, beamr_bytes_of("x"), beamr_bytes_of("1"), AO_NO_VALUE, NULL);
    codec_node_add_node(&a, flat, beamr_bytes_of("m/n"), part, NULL);
    codec_node_add_bytes(&a, flat, beamr_bytes_of("m/n/a"), beamr_bytes_of("2"), AO_NO_VALUE,
                         NULL);
    assert_int_equal(codec_unflatten(&a, flat, NULL, &out, NULL), BEAMR_OK);
    inner = codec_node_find(codec_node_find(out, "m")->node, "n");
    assert_int_equal(inner->node->count, 2);
    assert_non_null(codec_node_find(inner->node, "a"));
    assert_non_null(codec_node_find(inner->node, "x"));
    arena_clear(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_nest_whatever_their_order),
        cmocka_unit_test(paths_that_clash_are_refused_with_their_place),
        cmocka_unit_test(deep_paths_are_a_limit),
        cmocka_unit_test(what_lines_cannot_hold_is_refused),
        cmocka_unit_test(a_long_key_above_many_messages_is_a_limit),
        cmocka_unit_test(entries_that_are_messages_merge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
