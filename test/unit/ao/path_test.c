/* ao/path*.c, request_parse.c, request_merge.c: what is refused, where, and how much fits.
 * Types are of a codec of the test's own: this layer has none. */
#include "world.h"

#include "ao/path.h"

static ao_context *context;

/* `integer` only. */
static beamr_status decode_value(ao_context *c, beamr_bytes type, beamr_bytes text,
                                 ao_value *out, beamr_error *err)
{
    (void)c;
    if (type.len != 7)
        return beamr_fail(err, BEAMR_MESSAGE, 0, "no such type");
    return ao_integer_read(text, out, err);
}

/* `ao-types` means that `n` is an integer. */
static beamr_status decode(ao_context *c, ao_value encoded, ao_message **out, beamr_error *err)
{
    const ao_message *message = ao_to_message(encoded);
    ao_value n = AO_NO_VALUE;
    ao_builder b;

    (void)c;
    ao_builder_begin(&b, message, NULL, err);
    ao_builder_remove(&b, beamr_bytes_of("ao-types"));
    if (ao_integer_read(ao_bytes(ao_message_find_text(message, "n")), &n, err) == BEAMR_OK)
        ao_builder_put(&b, "n", n);
    return ao_builder_end(&b, out);
}

static const ao_codec codec = {
    .name = "structured@1.0", .decode_value = decode_value, .decode = decode};

static int open_context(void **state)
{
    (void)state;
    context = world_new(NULL);
    return ao_context_add_codec(context, &codec, NULL) == BEAMR_OK ? 0 : -1;
}

static int close_context(void **state)
{
    (void)state;
    ao_context_free(context);
    return 0;
}

static beamr_status parse(const char *path, const char *key, const char *value, ao_value *out,
                          beamr_error *err)
{
    ao_message *request;
    beamr_status st;
    ao_builder b;

    beamr_error_clear(err);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text(path));
    if (key)
        ao_builder_put(&b, key, ao_binary_text(value));
    assert_int_equal(ao_builder_end(&b, &request), BEAMR_OK);
    st = ao_request_parse(context, request, out, err);
    ao_message_unref(request);
    return st;
}

static ao_value parsed(const char *path, const char *key, const char *value)
{
    beamr_error err;
    ao_value list;

    if (parse(path, key, value, &list, &err) != BEAMR_OK)
        fail_msg("%s: %s", path, err.text);
    return list;
}

static void refused(const char *path, beamr_status status, uint64_t offset)
{
    beamr_error err;
    ao_value list;

    assert_int_equal(parse(path, NULL, NULL, &list, &err), status);
    if (err.offset != offset)
        fail_msg("%s: offset %llu: %s", path, (unsigned long long)err.offset, err.text);
}

static void assert_key(ao_value list, size_t index, const char *key, const char *expected)
{
    ao_value value = ao_message_find_text(ao_to_message(ao_list_at(list, index)), key);

    if (!expected) {
        assert_int_equal(value.kind, AO_NONE);
        return;
    }
    assert_int_equal(value.kind, AO_BINARY);
    assert_int_equal(ao_bytes(value).len, strlen(expected));
    assert_memory_equal(ao_bytes(value).data, expected, strlen(expected));
}

static void bad_paths_are_refused_with_their_place(void **state)
{
    (void)state;
    refused("/a+b", BEAMR_MESSAGE, 2);
    refused("/a/%2", BEAMR_MESSAGE, 3);
    refused("/a/b%zz", BEAMR_MESSAGE, 4);
    refused("/%20/x+y", BEAMR_MESSAGE, 6);
    refused("/%20x+y", BEAMR_MESSAGE, 5);
    refused("/a~", BEAMR_MESSAGE, 3);
    refused("/a&=1", BEAMR_MESSAGE, 3);
    refused("/a&x+integer", BEAMR_MESSAGE, 4);
    refused("/a&x+integer=z", BEAMR_MESSAGE, 13);
    refused("/a?x+colour=red", BEAMR_MESSAGE, 12);
    refused("/a?1.=x", BEAMR_MESSAGE, 3);
    refused("/a/(b/(c+d))", BEAMR_MESSAGE, 8);
}

static void percent_is_decoded_once(void **state)
{
    ao_value list = parsed("/a%2520b", NULL, NULL);

    (void)state;
    assert_key(list, 1, "path", "a%20b");
    ao_value_unref(list);
    list = parsed("/(b%2520c)", NULL, NULL);
    assert_key(ao_resolve_list(ao_list_at(list, 0)), 1, "path", "b%20c");
    ao_value_unref(list);
    list = parsed("/a?x=%20", NULL, NULL);
    assert_key(list, 1, "x", "%20");
    ao_value_unref(list);
}

static void parentheses_without_another_are_characters(void **state)
{
    ao_value list = parsed("/a(b/c)/d)e/f(g/h", NULL, NULL);

    (void)state;
    assert_int_equal(ao_list_count(list), 5);
    assert_key(list, 1, "path", "a(b/c)");
    assert_key(list, 2, "path", "d)e");
    assert_key(list, 3, "path", "f(g");
    assert_key(list, 4, "path", "h");
    ao_value_unref(list);
}

static void a_query_stands_in_parentheses_too(void **state)
{
    ao_value list = parsed("/(b?x=1)/c?y=(d/e)", NULL, NULL), inner, y;

    (void)state;
    inner = ao_resolve_list(ao_list_at(list, 0));
    assert_key(inner, 0, "x", "1");
    assert_key(inner, 1, "x", "1");
    y = ao_message_find_text(ao_to_message(ao_list_at(list, 1)), "y");
    assert_int_equal(y.kind, AO_RESOLVE);
    assert_int_equal(ao_list_count(ao_resolve_list(y)), 3);
    ao_value_unref(list);
}

static void scopes_win_over_all_and_all_over_inline(void **state)
{
    ao_value list = parsed("/a&k=inline/b&k=inline?2.k=scoped", "K", "all");

    (void)state;
    assert_key(list, 0, "k", "all");
    assert_key(list, 1, "k", "all");
    assert_key(list, 2, "k", "scoped");
    ao_value_unref(list);
    list = parsed("/a?99999999999999999999999.k=v", NULL, NULL);
    assert_key(list, 1, "k", NULL);
    ao_value_unref(list);
}

static void types_of_the_request_and_of_its_query_both_count(void **state)
{
    ao_message *request;
    beamr_error err = {0};
    ao_value list;
    ao_builder b;
    int64_t n = 0, m = 0;

    (void)state;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text("/a?m+int=2"));
    ao_builder_put(&b, "n", ao_binary_text("1"));
    ao_builder_put(&b, "ao-types", ao_binary_text("n=\"integer\""));
    assert_int_equal(ao_builder_end(&b, &request), BEAMR_OK);
    assert_int_equal(ao_request_parse(context, request, &list, &err), BEAMR_OK);
    for (size_t i = 0; i < 2; i++) {
        const ao_message *message = ao_to_message(ao_list_at(list, i));

        assert_int_equal(ao_message_find_text(message, "n").kind, AO_INTEGER);
        assert_true(ao_to_integer(ao_message_find_text(message, "n"), &n) && n == 1);
        assert_int_equal(ao_message_find_text(message, "m").kind, AO_INTEGER);
        assert_true(ao_to_integer(ao_message_find_text(message, "m"), &m) && m == 2);
        assert_key(list, i, "ao-types", NULL);
    }
    ao_value_unref(list);
    ao_message_unref(request);
}

static void private_keys_are_dropped(void **state)
{
    ao_value list = parsed("/a&private=1?Priv-x=2", NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(ao_private_find(ao_to_message(ao_list_at(list, i)), "x").kind,
                         AO_NONE);
    assert_int_equal(ao_message_count(ao_to_message(ao_list_at(list, 0))), 0);
    assert_int_equal(ao_message_count(ao_to_message(ao_list_at(list, 1))), 1);
    ao_value_unref(list);
}

/* ---- Limits ---- */

static char *repeated(const char *before, const char *unit, size_t count, const char *after)
{
    char *text = malloc(strlen(before) + strlen(unit) * count + strlen(after) + 1), *at = text;

    assert_non_null(text);
    at = stpcpy(at, before);
    for (size_t i = 0; i < count; i++)
        at = stpcpy(at, unit);
    strcpy(at, after);
    return text;
}

/* A key in parentheses, too long to look like an id. */
static char *nested(size_t depth)
{
    char *right = repeated("", ")", depth, ""), *key = repeated("", "k", 50, right);
    char *path = repeated("/", "(", depth, key);

    free(right);
    free(key);
    return path;
}

static void expect(char *path, beamr_status status)
{
    beamr_error err;
    ao_value list;

    assert_int_equal(parse(path, NULL, NULL, &list, &err), status);
    if (status == BEAMR_OK)
        ao_value_unref(list);
    free(path);
}

static void limits_are_what_the_header_says(void **state)
{
    (void)state;
    expect(repeated("/", "x", PATH_SEGMENT_MAX, ""), BEAMR_OK);
    expect(repeated("/", "x", PATH_SEGMENT_MAX + 1, ""), BEAMR_LIMIT);
    expect(repeated("/", "%41", PATH_SEGMENT_MAX, ""), BEAMR_OK);
    expect(repeated("", "/a", PATH_PARTS_MAX, ""), BEAMR_OK);
    expect(repeated("", "/a", PATH_PARTS_MAX + 1, ""), BEAMR_LIMIT);
    expect(repeated("/a?x", "&x", PATH_PARTS_MAX, ""), BEAMR_LIMIT);
    expect(repeated("/a?x=", "y", PATH_TEXT_MAX - 5, ""), BEAMR_OK);
    expect(repeated("/a?x=", "y", PATH_TEXT_MAX, ""), BEAMR_LIMIT);
    expect(nested(PATH_NESTING_MAX), BEAMR_OK);
    expect(nested(PATH_NESTING_MAX + 1), BEAMR_LIMIT);
    expect(repeated("/a?x=", "(", 60000, ""), BEAMR_OK);
    expect(repeated("/a?x=", "()", 30000, ""), BEAMR_OK);
}

/* ---- Values of paths ---- */

static void a_path_is_split_and_joined(void **state)
{
    ao_value text = ao_binary_text("//a/B//c/"), parts, joined;

    (void)state;
    assert_int_equal(ao_path_parts(text, &parts, NULL), BEAMR_OK);
    assert_int_equal(ao_list_count(parts), 3);
    assert_int_equal(ao_path_join(parts, &joined, NULL), BEAMR_OK);
    assert_int_equal(ao_bytes(joined).len, 5);
    assert_memory_equal(ao_bytes(joined).data, "a/b/c", 5);
    ao_value_unref(joined);
    ao_value_unref(parts);
    ao_value_unref(text);
}

static void a_list_of_parts_may_have_integers_and_atoms(void **state)
{
    ao_value items[] = {ao_atom("a"), ao_integer(12), ao_binary_text("")};
    ao_value list = ao_list_new(items, 3), parts, joined, bad;
    ao_value wrong[] = {ao_float(1.5)};
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_path_parts(list, &parts, NULL), BEAMR_OK);
    assert_int_equal(ao_path_join(parts, &joined, NULL), BEAMR_OK);
    assert_memory_equal(ao_bytes(joined).data, "a/12", 4);
    ao_value_unref(joined);
    ao_value_unref(parts);
    ao_value_unref(list);
    bad = ao_list_new(wrong, 1);
    assert_int_equal(ao_path_parts(bad, &parts, &err), BEAMR_ARGUMENT);
    ao_value_unref(bad);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_paths_are_refused_with_their_place),
        cmocka_unit_test(percent_is_decoded_once),
        cmocka_unit_test(parentheses_without_another_are_characters),
        cmocka_unit_test(a_query_stands_in_parentheses_too),
        cmocka_unit_test(scopes_win_over_all_and_all_over_inline),
        cmocka_unit_test(types_of_the_request_and_of_its_query_both_count),
        cmocka_unit_test(private_keys_are_dropped),
        cmocka_unit_test(limits_are_what_the_header_says),
        cmocka_unit_test(a_path_is_split_and_joined),
        cmocka_unit_test(a_list_of_parts_may_have_integers_and_atoms),
    };

    return cmocka_run_group_tests(tests, open_context, close_context);
}
