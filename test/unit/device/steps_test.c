/* The limit of requests that one resolution may lead to. */
#include <string.h>

#include "world.h"

/* A path whose stack asks each of its devices for a path in parentheses, with a stack within
 * which each asks for another: `levels` of ten devices are ten to the power of `levels`. */
static ao_value stacks_within_stacks(ao_context *of, int levels)
{
    static const char devices[] = "message@1.0,message@1.0,message@1.0,message@1.0,message@1.0,"
                                  "message@1.0,message@1.0,message@1.0,message@1.0,message@1.0";
    char path[4096];
    int len = 0;
    ao_value list = AO_NO_VALUE;
    ao_message *request = NULL;
    ao_builder b;
    beamr_error err = {0};

    for (int i = 0; i < levels; i++)
        len += snprintf(path + len, sizeof path - (size_t)len,
                        "/~stack@1.0/j/1?mode=Map&execution-stack=%s&j=(", devices);
    len += snprintf(path + len, sizeof path - (size_t)len, "/~message@1.0/j?j=end");
    memset(path + len, ')', (size_t)levels);
    path[len + levels] = '\0';
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text(path));
    assert_int_equal(ao_builder_end(&b, &request), BEAMR_OK);
    if (ao_request_parse(of, request, &list, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_message_unref(request);
    return list;
}

static ao_context *open_with_steps(ao_value steps)
{
    ao_settings settings = {0};
    ao_context *opened = NULL;
    ao_message *values = NULL;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "resolve_max_steps", steps);
    assert_int_equal(ao_builder_end(&b, &values), BEAMR_OK);
    settings.values = values;
    (void)ao_context_new(&settings, &opened, NULL);
    ao_message_unref(values);
    return opened;
}

static void work_that_multiplies_comes_to_an_end(void **state)
{
    ao_context *limited = open_with_steps(ao_integer(5000));
    ao_value few = stacks_within_stacks(limited, 2), many = stacks_within_stacks(limited, 10);
    ao_options options = AO_OPTIONS_DEFAULT;
    beamr_error err = {0};
    ao_result result;

    (void)state;
    assert_int_equal(ao_resolve(limited, few, NULL, &result, NULL), BEAMR_OK);
    assert_true(ao_text(result.value).len == 3 &&
                memcmp(ao_text(result.value).data, "end", 3) == 0);
    ao_value_unref(result.value);
    assert_int_equal(ao_resolve(limited, many, NULL, &result, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "more than 5000 requests in a resolution");
    options.raises_as_error = true; /* which no stack within it takes for an answer */
    assert_int_equal(ao_resolve(limited, many, &options, &result, NULL), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_FAILURE);
    ao_value_unref(result.value);
    ao_value_unref(few);
    ao_value_unref(many);
    ao_context_free(limited);
}

static void what_is_no_number_of_steps_is_refused(void **state)
{
    (void)state;
    assert_null(open_with_steps(ao_integer(-1)));
    assert_null(open_with_steps(ao_binary_text("many")));
    ao_context_free(open_with_steps(ao_integer(0)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_that_multiplies_comes_to_an_end),
        cmocka_unit_test(what_is_no_number_of_steps_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
