/* ao/resolve.c, task.c, request.c, form.c: results, failures, forms; for calls that answer
 * later see later_test.c. */
#include "world.h"

/* ---- A device that does what its keys say ---- */

static beamr_status do_raise(ao_call *call, beamr_error *err)
{
    (void)call;
    return beamr_fail(err, BEAMR_IO, 0, "the disk is gone");
}

static beamr_status do_run_out(ao_call *call, beamr_error *err)
{
    (void)call;
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a test");
}

static beamr_status do_nothing(ao_call *call, beamr_error *err)
{
    (void)call;
    (void)err;
    return BEAMR_OK;
}

static beamr_status do_refuse(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_error(call, 418, "no %s", "coffee");
}

static beamr_status do_key(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_binary_copy(ao_call_key_text(call)));
}

static beamr_status do_request(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_message_value(ao_message_ref(ao_call_request(call))));
}

static beamr_status do_list(ao_call *call, beamr_error *err)
{
    ao_value items[] = {ao_binary_text("x"), ao_binary_text("y")};

    (void)err;
    return ao_call_ok(call, ao_list_new(items, 2));
}

static beamr_status descend(ao_call *call, beamr_error *err);

static beamr_status ascend(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_return(call, ao_call_result(call)->outcome,
                          ao_value_ref(ao_call_result(call)->value));
}

/* {n} resolves {n - 1} within itself, down to 0. */
static beamr_status descend(ao_call *call, beamr_error *err)
{
    int64_t n = 0;
    ao_builder b;

    (void)ao_to_integer(ao_message_find_text(ao_call_base(call), "n"), &n);
    if (n == 0)
        return ao_call_ok(call, ao_binary_text("the ground"));
    ao_builder_begin(&b, ao_call_base(call), NULL, err);
    ao_builder_put(&b, "n", ao_integer(n - 1));
    return ao_call_resolve(call, ao_builder_value(&b), ao_binary_text("descend"), NULL, ascend);
}

/* Resolves a key again and again. */
static beamr_status repeat(ao_call *call, beamr_error *err)
{
    int64_t *count = ao_call_memory(call, sizeof *count, NULL);

    (void)err;
    if (!count)
        return BEAMR_NO_MEMORY;
    if (++*count == 100001)
        return ao_call_ok(call, ao_integer(*count));
    return ao_call_resolve(call, ao_message_value(ao_message_ref(ao_call_base(call))),
                           ao_binary_text("key"), NULL, repeat);
}

static beamr_status answer_within(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_resolve(call, ao_message_value(ao_message_ref(ao_call_base(call))),
                           ao_binary_text("fail"), NULL, ascend);
}

static const ao_key test_keys[] = {
    {"fail", do_raise},      {"run-out", do_run_out},   {"nothing", do_nothing},
    {"refuse", do_refuse},   {"dash-key", do_key},      {"key", do_key},
    {"request", do_request}, {"list", do_list},         {"descend", descend},
    {"repeat", repeat},      {"within", answer_within}, AO_KEYS_END};
static const ao_device dev_tool = {.name = "tool@1.0", .keys = test_keys};

static ao_context *tool_world(void)
{
    ao_context *context = world_new(NULL);

    world_add(context, &dev_tool);
    return context;
}

static ao_value tool(void)
{
    return world_message_of("device", ao_binary_text("tool@1.0"));
}

/* ---- Steps ---- */

static void a_path_is_folded(void **state)
{
    ao_context *context = world_new(NULL);
    ao_value deep = world_message_of(
        "a", world_message_of("b", world_message_of("c", ao_binary_text("deep"))));

    (void)state;
    assert_result_text(world_resolve(context, deep, "a//B/c/", NULL), "deep");
    ao_context_free(context);
}

static void a_missing_key_ends_the_path(void **state)
{
    ao_context *context = world_new(NULL);
    ao_result result =
        world_resolve(context, world_message_of("a", ao_integer(1)), "b/c/d", NULL);

    (void)state;
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(ao_is_atom(result.value, "not_found"));
    ao_value_unref(result.value);
    ao_context_free(context);
}

static void nothing_is_found_in_a_literal(void **state)
{
    ao_context *context = world_new(NULL);
    ao_result result =
        world_resolve(context, world_message_of("a", ao_integer(1)), "a/b", NULL);

    (void)state;
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(ao_is_atom(result.value, "not_found"));
    ao_value_unref(result.value);
    ao_context_free(context);
}

static void a_list_is_numbered_from_one(void **state)
{
    ao_context *context = tool_world();

    (void)state;
    assert_result_text(world_resolve(context, tool(), "list/2", NULL), "y");
    ao_context_free(context);
}

static void dashes_are_underscores(void **state)
{
    ao_context *context = tool_world();

    (void)state;
    assert_result_text(world_resolve(context, tool(), "Dash_Key", NULL), "Dash_Key");
    ao_context_free(context);
}

static void each_part_gets_the_rest_of_the_request(void **state)
{
    ao_context *context = tool_world();
    ao_value base = tool(), request;
    ao_message *message;
    ao_result result;
    ao_builder b;

    (void)state;
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text("request/x"));
    ao_builder_put(&b, "x", ao_integer(7));
    assert_int_equal(ao_builder_end(&b, &message), BEAMR_OK);
    request = ao_message_value(message);
    assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, NULL), BEAMR_OK);
    assert_int_equal(result_integer(result), 7);
    ao_value_unref(base);
    ao_value_unref(request);
    ao_context_free(context);
}

static void an_unknown_device_is_not_found(void **state)
{
    ao_context *context = world_new(NULL);
    beamr_error err;

    (void)state;
    assert_int_equal(world_fail(context, tool(), "a", NULL, &err), BEAMR_NOT_FOUND);
    assert_string_equal(err.text, "there is no device `tool@1.0`");
    assert_int_equal(
        world_fail(context,
                   world_message_of(
                       "device", ao_binary_text("tAcRqIxwOXVvuKc4J-q-LA_loDRsp-ChBK3A_HZPUo0")),
                   "a", NULL, &err),
        BEAMR_NOT_FOUND);
    assert_non_null(strstr(err.text, "code is never loaded"));
    ao_context_free(context);
}

static void a_function_must_answer(void **state)
{
    ao_context *context = tool_world();
    beamr_error err;

    (void)state;
    assert_int_equal(world_fail(context, tool(), "nothing", NULL, &err), BEAMR_EXCEPTION);
    assert_string_equal(err.text, "the device tool@1.0 gave no answer to `nothing`");
    ao_context_free(context);
}

static void errors_are_answers(void **state)
{
    ao_context *context = tool_world();
    ao_result result = world_resolve(context, tool(), "refuse/more", NULL);
    const ao_message *said = ao_to_message(result.value);
    int64_t status = 0;

    (void)state;
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(ao_to_integer(ao_message_find_text(said, "status"), &status));
    assert_int_equal(status, 418);
    assert_memory_equal(ao_bytes(ao_message_find_text(said, "body")).data, "no coffee", 9);
    ao_value_unref(result.value);
    ao_context_free(context);
}

static void failures_are_raised_or_answered(void **state)
{
    ao_context *context = tool_world();
    ao_options options = AO_OPTIONS_DEFAULT;
    beamr_error err;
    ao_result result;

    (void)state;
    assert_int_equal(world_fail(context, tool(), "within", NULL, &err), BEAMR_IO);
    assert_string_equal(err.text, "the disk is gone");
    options.raises_as_error = true;
    result = world_resolve(context, tool(), "within", &options);
    assert_int_equal(result.outcome, AO_OUTCOME_FAILURE);
    assert_memory_equal(
        ao_bytes(ao_message_find_text(ao_to_message(result.value), "body")).data,
        "the disk is gone", 16);
    ao_value_unref(result.value);
    ao_context_free(context);
}

/* There may be none for the answer either. */
static void without_memory_there_is_no_answer(void **state)
{
    ao_context *context = tool_world();
    ao_value base = tool(), request = ao_binary_text("run-out");
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_result result;
    beamr_error err = {0};

    (void)state;
    options.raises_as_error = true;
    assert_int_equal(ao_resolve_on(context, base, request, &options, &result, &err),
                     BEAMR_NO_MEMORY);
    assert_string_equal(err.text, "no memory for a test");
    ao_value_unref(request);
    ao_value_unref(base);
    ao_context_free(context);
}

static ao_value nested(int64_t n)
{
    ao_value base = tool(), value;
    ao_builder b;

    ao_builder_begin(&b, ao_to_message(base), NULL, NULL);
    ao_builder_put(&b, "n", ao_integer(n));
    value = ao_builder_value(&b);
    ao_value_unref(base);
    return value;
}

static void depth_is_limited(void **state)
{
    ao_context *context = tool_world();
    ao_options options = AO_OPTIONS_DEFAULT;
    beamr_error err;

    (void)state;
    assert_result_text(world_resolve(context, nested(250), "descend", NULL), "the ground");
    assert_int_equal(world_fail(context, nested(300), "descend", NULL, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "more than 256 resolutions within each other");
    options.max_depth = 200000;
    assert_result_text(world_resolve(context, nested(100000), "descend", &options),
                       "the ground");
    ao_context_free(context);
}

static void long_chains_take_no_stack(void **state)
{
    ao_context *context = tool_world();

    (void)state;
    assert_int_equal(result_integer(world_resolve(context, tool(), "repeat", NULL)), 100001);
    ao_context_free(context);
}

static void devices_are_added_before_the_first_resolution(void **state)
{
    ao_context *context = world_new(NULL);
    static const ao_device upper = {.name = "Tool@1.0"};
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_context_add_device(context, &upper, &err), BEAMR_ARGUMENT);
    ao_value_unref(
        world_resolve(context, world_message_of("a", ao_integer(1)), "a", NULL).value);
    beamr_error_clear(&err);
    assert_int_equal(ao_context_add_device(context, &dev_tool, &err), BEAMR_BUSY);
    ao_context_free(context);
}

static void a_request_without_a_path_is_refused(void **state)
{
    ao_context *context = world_new(NULL);
    ao_value items[] = {world_message_of("a", ao_integer(1)),
                        world_message_of("b", ao_integer(1))};
    ao_value list = ao_list_new(items, 2), none = ao_list_new(NULL, 0);
    beamr_error err = {0};
    ao_result result;

    (void)state;
    assert_int_equal(ao_resolve(context, list, NULL, &result, &err), BEAMR_ARGUMENT);
    assert_string_equal(err.text, "the request has no path");
    beamr_error_clear(&err);
    assert_int_equal(ao_resolve(context, none, NULL, &result, &err), BEAMR_ARGUMENT);
    ao_value_unref(list);
    ao_value_unref(none);
    ao_context_free(context);
}

/* ---- Which function ---- */

static beamr_status say_handler(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_binary_text("handler"));
}

static beamr_status say_default(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_binary_text(ao_call_arg(call)));
}

static beamr_status say_own(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_binary_text("own"));
}

static beamr_status say_message(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_as_message(call);
}

static const char *const some[] = {"shown", NULL}, *const none_of[] = {"hidden", NULL};
static const ao_key own_keys[] = {
    {"shown", say_own}, {"hidden", say_own}, {"plain", say_message}, AO_KEYS_END};
static const ao_device choices[] = {
    {.name = "handler@1.0", .keys = own_keys, .handler = say_handler, .excludes = none_of},
    {.name = "default@1.0",
     .keys = own_keys,
     .default_key = say_default,
     .arg = "default",
     .excludes = none_of},
    {.name = "exports@1.0", .keys = own_keys, .exports = some, .default_key = say_default},
};

static void expect_choice(ao_context *context, const char *device, const char *key,
                          const char *expected)
{
    ao_value base;
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text(device));
    ao_builder_put(&b, "shown", ao_binary_text("message"));
    ao_builder_put(&b, "hidden", ao_binary_text("message"));
    ao_builder_put(&b, "plain", ao_binary_text("message"));
    ao_builder_put(&b, "other", ao_binary_text("message"));
    base = ao_builder_value(&b);
    assert_result_text(world_resolve(context, base, key, NULL), expected);
}

static void functions_are_chosen_in_order(void **state)
{
    ao_context *context = world_new(NULL);

    (void)state;
    for (size_t i = 0; i < 3; i++)
        world_add(context, &choices[i]);
    expect_choice(context, "Handler@1.0", "shown", "handler");
    expect_choice(context, "handler@1.0", "other", "handler");
    expect_choice(context, "handler@1.0", "hidden", "message");
    expect_choice(context, "default@1.0", "shown", "own");
    expect_choice(context, "default@1.0", "other", "default");
    expect_choice(context, "default@1.0", "hidden", "message");
    expect_choice(context, "default@1.0", "plain", "message");
    expect_choice(context, "exports@1.0", "shown", "own");
    expect_choice(context, "exports@1.0", "hidden", "message");
    expect_choice(context, "exports@1.0", "other", "message");
    ao_context_free(context);
}

/* ---- Forms ---- */

static ao_result resolve_list(ao_context *context, ao_value list, const ao_options *options)
{
    beamr_error err = {0};
    ao_result result;

    if (ao_resolve(context, list, options, &result, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_value_unref(list);
    return result;
}

static void a_base_can_name_a_device(void **state)
{
    ao_context *context = tool_world();
    ao_value base = ao_as(ao_binary_text("tool@1.0"), world_path(""));

    (void)state;
    assert_result_text(
        resolve_list(context, world_list(base, world_path("key"), AO_NO_VALUE), NULL), "key");
    ao_context_free(context);
}

static void a_request_can_name_a_device(void **state)
{
    ao_context *context = tool_world();
    ao_value request = ao_as(ao_binary_text("tool@1.0"), world_path("list"));

    (void)state;
    assert_result_text(
        resolve_list(context,
                     world_list(world_message_of("a", ao_integer(1)), request, world_path("1")),
                     NULL),
        "x");
    ao_context_free(context);
}

static void a_path_in_parentheses_gives_the_request(void **state)
{
    ao_context *context = tool_world();
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value inner =
        world_list(world_message_of("k", ao_binary_text("a")), world_path("k"), AO_NO_VALUE);
    ao_result result;

    (void)state;
    options.force_message = true;
    result = resolve_list(context,
                          world_list(world_message_of("a", ao_binary_text("found")),
                                     ao_resolve_form(inner), AO_NO_VALUE),
                          &options);
    assert_int_equal(result.value.kind, AO_MESSAGE);
    assert_memory_equal(
        ao_bytes(ao_message_find_text(ao_to_message(result.value), "body")).data, "found", 5);
    ao_value_unref(result.value);
    ao_context_free(context);
}

/* Nor does what is resolved on the way to it become a message. */
static void what_a_request_is_made_of_stays_a_text(void **state)
{
    ao_context *context = tool_world();
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_value within =
        world_list(world_message_of("k", ao_binary_text("a")), world_path("k"), AO_NO_VALUE);
    ao_value inner = world_list(world_message_of("x", ao_resolve_form(within)), world_path("x"),
                                AO_NO_VALUE);
    ao_result result;

    (void)state;
    options.force_message = true;
    result = resolve_list(context,
                          world_list(world_message_of("a", ao_binary_text("found")),
                                     ao_resolve_form(inner), AO_NO_VALUE),
                          &options);
    assert_int_equal(result.value.kind, AO_MESSAGE);
    assert_memory_equal(
        ao_bytes(ao_message_find_text(ao_to_message(result.value), "body")).data, "found", 5);
    ao_value_unref(result.value);
    ao_context_free(context);
}

static void a_value_that_is_a_path_is_resolved(void **state)
{
    ao_context *context = tool_world();
    ao_value inner = world_list(world_message_of("k", ao_binary_text("value")), world_path("k"),
                                AO_NO_VALUE);
    ao_value base = world_message_of("x", ao_resolve_form(inner));

    (void)state;
    assert_result_text(world_resolve(context, base, "x", NULL), "value");
    ao_context_free(context);
}

/* Only what is nothing else than a status and a body stands for its body. */
static void a_message_of_status_and_body_is_marked(void **state)
{
    static const char *const statuses[] = {"ok", "created", "ok"};
    static const bool has_more[] = {false, false, true};
    ao_context *context = tool_world();
    ao_options options = AO_OPTIONS_DEFAULT;

    (void)state;
    options.force_message = true;
    for (size_t i = 0; i < 3; i++) {
        ao_builder b;
        ao_result result;

        ao_builder_begin(&b, NULL, NULL, NULL);
        ao_builder_put(&b, "status", ao_binary_text(statuses[i]));
        ao_builder_put(&b, "body", ao_binary_text("b"));
        if (has_more[i])
            ao_builder_put(&b, "more", ao_binary_text("m"));
        result =
            world_resolve(context, world_message_of("m", ao_builder_value(&b)), "m", &options);
        assert_int_equal(ao_message_find_text(ao_to_message(result.value), "ao-result").kind,
                         i == 0 ? AO_BINARY : AO_NONE);
        ao_value_unref(result.value);
    }
    ao_context_free(context);
}

/* ---- The step hook ---- */

static beamr_status hook_step(ao_call *call, beamr_error *err)
{
    ao_builder b;

    (void)err;
    assert_true(ao_call_argument(call, "base").kind == AO_MESSAGE);
    assert_true(ao_call_argument(call, "request").kind == AO_MESSAGE);
    assert_memory_equal(ao_bytes(ao_call_argument(call, "status")).data, "ok", 2);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "status", ao_binary_text("created"));
    ao_builder_put(&b, "body", ao_binary_text("hooked"));
    return ao_call_ok(call, ao_builder_value(&b));
}

static const ao_key hook_keys[] = {{"step", hook_step}, AO_KEYS_END};
static const ao_device dev_hook = {.name = "hook@1.0", .keys = hook_keys};

static void the_step_hook_replaces_results(void **state)
{
    ao_context *context = tool_world();
    ao_value values = world_message_of(
        "on", world_message_of("step", world_message_of("device", ao_binary_text("hook@1.0"))));
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_result result;

    (void)state;
    world_add(context, &dev_hook);
    options.values = ao_to_message(values);
    result = world_resolve(context, tool(), "key", &options);
    assert_int_equal(result.outcome, AO_OUTCOME_CREATED);
    assert_memory_equal(ao_bytes(result.value).data, "hooked", 6);
    ao_value_unref(result.value);
    ao_value_unref(values);
    ao_context_free(context);
}

/* Asks for something itself, which is no step that it is told of; `seen` says how often it was
 * told. */
static unsigned seen;

static beamr_status hook_asked(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_value_ref(ao_call_result(call)->value));
}

static beamr_status hook_asks(ao_call *call, beamr_error *err)
{
    ao_value base = world_message_of("body", ao_binary_text("asked"));

    (void)err;
    seen++;
    return ao_call_resolve(call, world_message_of("m", base), ao_binary_text("m"), NULL,
                           hook_asked);
}

static const ao_key asking_keys[] = {{"ask", hook_asks}, AO_KEYS_END};
static const ao_device dev_asking = {.name = "asking@1.0", .keys = asking_keys};

static void the_step_hook_is_not_told_of_itself(void **state)
{
    ao_context *context = tool_world();
    ao_value hook = world_message_of("device", ao_binary_text("asking@1.0")), values;
    ao_message *whole = NULL;
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_result result;

    (void)state;
    world_add(context, &dev_asking);
    assert_int_equal(
        ao_message_with(ao_to_message(hook), "path", ao_binary_text("ask"), &whole, NULL),
        BEAMR_OK);
    ao_value_unref(hook);
    values = world_message_of("on", world_message_of("step", ao_message_value(whole)));
    options.values = ao_to_message(values);
    seen = 0;
    result = world_resolve(context, tool(), "key", &options);
    assert_int_equal(seen, 1);
    assert_memory_equal(ao_bytes(result.value).data, "asked", 5);
    ao_value_unref(result.value);
    ao_value_unref(values);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_is_folded),
        cmocka_unit_test(a_missing_key_ends_the_path),
        cmocka_unit_test(nothing_is_found_in_a_literal),
        cmocka_unit_test(a_list_is_numbered_from_one),
        cmocka_unit_test(dashes_are_underscores),
        cmocka_unit_test(each_part_gets_the_rest_of_the_request),
        cmocka_unit_test(an_unknown_device_is_not_found),
        cmocka_unit_test(a_function_must_answer),
        cmocka_unit_test(errors_are_answers),
        cmocka_unit_test(failures_are_raised_or_answered),
        cmocka_unit_test(without_memory_there_is_no_answer),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(long_chains_take_no_stack),
        cmocka_unit_test(devices_are_added_before_the_first_resolution),
        cmocka_unit_test(a_request_without_a_path_is_refused),
        cmocka_unit_test(functions_are_chosen_in_order),
        cmocka_unit_test(a_base_can_name_a_device),
        cmocka_unit_test(a_request_can_name_a_device),
        cmocka_unit_test(a_path_in_parentheses_gives_the_request),
        cmocka_unit_test(what_a_request_is_made_of_stays_a_text),
        cmocka_unit_test(a_value_that_is_a_path_is_resolved),
        cmocka_unit_test(a_message_of_status_and_body_is_marked),
        cmocka_unit_test(the_step_hook_replaces_results),
        cmocka_unit_test(the_step_hook_is_not_told_of_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
