/* Vectors of devices that need no engine (devices.json): a base, a request, an outcome, a
 * result. Where this library differs from the reference, and why, stands at expected_of. */
#include "vectors/notation.h"

static int compare(const void *a, const void *b)
{
    beamr_bytes x = ao_text(*(const ao_value *)a), y = ao_text(*(const ao_value *)b);
    int order = memcmp(x.data, y.data, x.len < y.len ? x.len : y.len);

    return order != 0 ? order : (x.len > y.len) - (x.len < y.len);
}

/* A list of texts in bytewise order. */
static ao_value sorted(ao_value list)
{
    ao_value items[64];
    size_t count = ao_list_count(list);

    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        items[i] = ao_value_ref(ao_list_at(list, i));
    qsort(items, count, sizeof items[0], compare);
    ao_value_unref(list);
    return ao_list_new(items, count);
}

/* The base with the patch applied: {device, state: {a: 1, b: 2}}. */
static ao_value patched_base(void)
{
    ao_builder state, base;

    ao_builder_begin(&state, NULL, NULL, NULL);
    ao_builder_put(&state, "a", ao_integer(1));
    ao_builder_put(&state, "b", ao_integer(2));
    ao_builder_begin(&base, NULL, NULL, NULL);
    ao_builder_put(&base, "device", ao_binary_text("patch@1.0"));
    ao_builder_put(&base, "state", ao_builder_value(&state));
    return ao_builder_value(&base);
}

/* A state of the reference without what its stacks leave behind in it. */
static ao_value without_previous(ao_value value)
{
    ao_message *bare = NULL;

    if (value.kind != AO_MESSAGE)
        return value;
    assert_int_equal(ao_message_without(ao_to_message(value), "previous-device", &bare, NULL),
                     BEAMR_OK);
    ao_value_unref(value);
    return ao_message_value(bare);
}

/* What the result must be. */
static ao_value expected_of(const json_t *vector, const char *name)
{
    ao_value value;

    /* The reference fails when it checks an HMAC; it is to be recomputed, and holds. */
    if (strcmp(name, "message-verify") == 0)
        return ao_boolean(true);
    /* In the reference the request is the result when the source lies in it. Here the result of
     * a patch is always the base. */
    if (strcmp(name, "patch-req-prefix") == 0)
        return patched_base();
    value = notation_value(notation_member(vector, "result"));
    /* A fold of the reference leaves `previous-device` in the state, as a name of its own; here
     * it removes what it has set. */
    if (strncmp(name, "stack-", strlen("stack-")) == 0)
        return without_previous(value);
    /* Committed keys come in no particular order. */
    return strcmp(name, "message-committed") == 0 ? sorted(value) : value;
}

/* The reference throws an exception. */
static void check_raised(ao_context *context, ao_value base, ao_value request)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, &err),
                     BEAMR_ARGUMENT);
    assert_non_null(strstr(err.text, "no_valid_device_stack"));
}

static void check(ao_context *context, const json_t *vector)
{
    const char *name = notation_text(vector, "name");
    ao_value base = notation_value(notation_member(vector, "base"));
    ao_value request = notation_value(notation_member(vector, "request"));
    ao_value expected = expected_of(vector, name);
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    if (strcmp(name, "stack-no-device-stack") == 0)
        check_raised(context, base, request);
    else if (ao_resolve_on(context, base, request, NULL, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s: %s", name, beamr_status_text(err.status), err.text);
    if (result.value.kind != AO_NONE) {
        if (strcmp(name, "message-verify") != 0)
            assert_string_equal(ao_outcome_text(result.outcome),
                                notation_text(vector, "status"));
        notation_assert_equal(result.value, expected, name);
    }
    ao_value_unref(result.value);
    ao_value_unref(expected);
    ao_value_unref(request);
    ao_value_unref(base);
}

static void devices_give_the_results_of_the_reference(void **state)
{
    json_t *file = notation_file("devices.json");
    const json_t *vectors = notation_member(file, "vectors"), *vector;
    ao_context *context = NULL;
    beamr_error err = {0};
    size_t i, tried = 0;

    (void)state;
    assert_int_equal(ao_context_new(NULL, &context, &err), BEAMR_OK);
    json_array_foreach(vectors, i, vector)
    {
        check(context, vector);
        tried++;
    }
    assert_int_equal(tried, 41);
    ao_context_free(context);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(devices_give_the_results_of_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
