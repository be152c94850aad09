/* resolve.json: sequences of messages, resolved. */
#include "vectors/notation.h"

#include <stdio.h>
#include <string.h>

static ao_options options_of(const char *name)
{
    ao_options options = AO_OPTIONS_DEFAULT;

    options.force_message = strncmp(name, "force-message", 13) == 0;
    if (strcmp(name, "ignore-hashpath") == 0)
        options.hashpath = AO_HASHPATH_IGNORE;
    return options;
}

/* `none` is what a result has that was not linked: then its hashpath is its id. */
static void check_hashpath(const json_t *vector, const ao_message *result)
{
    const char *expected = notation_text(vector, "result-hashpath");
    ao_value hashpath;
    beamr_error err = {0};

    assert_int_equal(ao_message_hashpath(notation_context, result, &hashpath, &err), BEAMR_OK);
    if (strcmp(expected, "none") == 0) {
        assert_int_equal(ao_bytes(hashpath).len, AO_ID_TEXT);
    } else {
        assert_int_equal(ao_bytes(hashpath).len, strlen(expected));
        assert_memory_equal(ao_bytes(hashpath).data, expected, strlen(expected));
    }
    ao_value_unref(hashpath);
}

static void check(const json_t *vector)
{
    const char *name = notation_text(vector, "name");
    const json_t *sequence = notation_member(vector, "sequence");
    ao_value items[8], list, expected = notation_value(notation_member(vector, "result"));
    size_t count = json_array_size(sequence);
    ao_options options = options_of(name);
    beamr_error err = {0};
    ao_result result;

    print_message("%s\n", name);
    assert_in_range(count, 1, 8);
    for (size_t i = 0; i < count; i++)
        items[i] = notation_value(json_array_get(sequence, i));
    list = ao_list_new(items, count);
    if (ao_resolve(notation_context, list, &options, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    assert_string_equal(ao_outcome_text(result.outcome), notation_text(vector, "status"));
    notation_assert_equal(result.value, expected, name);
    if (result.value.kind == AO_MESSAGE)
        check_hashpath(vector, ao_to_message(result.value));
    ao_value_unref(result.value);
    ao_value_unref(expected);
    ao_value_unref(list);
}

static void every_vector_resolves_as_the_reference(void **state)
{
    json_t *file = notation_file("resolve.json");
    const json_t *vectors = notation_member(file, "vectors");

    (void)state;
    assert_int_equal(json_array_size(vectors), 15);
    for (size_t i = 0; i < json_array_size(vectors); i++)
        check(json_array_get(vectors, i));
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_resolves_as_the_reference),
    };

    return cmocka_run_group_tests(tests, notation_open, notation_close);
}
