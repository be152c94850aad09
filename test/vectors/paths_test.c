/* paths.json: from requests to lists of messages. */
#include "vectors/notation.h"

#include <string.h>

/* Where the specification asks for something else than the reference does. */
static const struct {
    const char *name, *reason;
} deviations[] = {
    {"/a?x.y=1",
     "a dotted name whose left side is no integer is a plain key of all steps, since "
     "ordinary header names may have dots"},
    {"/a~(dev/path)/b",
     "the reference prints a sub-path as the device's name; here it is a form "
     "that is resolved to the name"},
};

static bool is_deviation(const char *name)
{
    for (size_t i = 0; i < sizeof deviations / sizeof deviations[0]; i++)
        if (strcmp(deviations[i].name, name) == 0)
            return true;
    return false;
}

static void check(const json_t *vector)
{
    const char *name = notation_text(vector, "name");
    const json_t *messages = notation_member(vector, "messages");
    ao_message *request = notation_message(notation_member(vector, "request"));
    beamr_error err = {0};
    ao_value list = AO_NO_VALUE;
    beamr_status st = ao_request_parse(notation_context, request, &list, &err);

    print_message("%s\n", name);
    if (notation_is_error(messages)) {
        assert_true(st == BEAMR_MESSAGE || st == BEAMR_LIMIT);
    } else {
        assert_string_equal(err.text, "");
        assert_int_equal(st, BEAMR_OK);
        assert_int_equal(ao_list_count(list), json_array_size(messages));
        for (size_t i = 0; i < json_array_size(messages); i++) {
            ao_value expected = notation_value(json_array_get(messages, i));

            notation_assert_equal(ao_list_at(list, i), expected, name);
            ao_value_unref(expected);
        }
    }
    ao_value_unref(list);
    ao_message_unref(request);
}

static void every_vector_parses_as_the_reference(void **state)
{
    json_t *file = notation_file("paths.json");
    const json_t *vectors = notation_member(file, "vectors");

    (void)state;
    assert_true(json_array_size(vectors) >= 64);
    for (size_t i = 0; i < json_array_size(vectors); i++) {
        const json_t *vector = json_array_get(vectors, i);

        if (!is_deviation(notation_text(vector, "name")))
            check(vector);
    }
    json_decref(file);
}

static ao_value parse(const char *path)
{
    ao_value list;
    ao_message *request;

    assert_int_equal(
        ao_message_with(ao_message_empty(), "path", ao_binary_text(path), &request, NULL),
        BEAMR_OK);
    assert_int_equal(ao_request_parse(notation_context, request, &list, NULL), BEAMR_OK);
    ao_message_unref(request);
    return list;
}

static void a_dotted_name_is_a_key_of_all_steps(void **state)
{
    ao_value list = parse("/a?x.y=1");

    (void)state;
    assert_int_equal(ao_list_count(list), 2);
    for (size_t i = 0; i < 2; i++) {
        ao_value x = ao_message_find_text(ao_to_message(ao_list_at(list, i)), "x.y");

        assert_int_equal(x.kind, AO_BINARY);
        assert_memory_equal(ao_bytes(x).data, "1", 1);
    }
    ao_value_unref(list);
}

static void a_device_in_parentheses_is_a_form(void **state)
{
    ao_value list = parse("/a~(dev/path)/b"), device;

    (void)state;
    assert_int_equal(ao_list_count(list), 2);
    assert_int_equal(ao_list_at(list, 0).kind, AO_AS);
    device = ao_as_device(ao_list_at(list, 0));
    assert_int_equal(device.kind, AO_RESOLVE);
    assert_int_equal(ao_list_count(ao_resolve_list(device)), 3);
    ao_value_unref(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_parses_as_the_reference),
        cmocka_unit_test(a_dotted_name_is_a_key_of_all_steps),
        cmocka_unit_test(a_device_in_parentheses_is_a_form),
    };

    return cmocka_run_group_tests(tests, notation_open, notation_close);
}
