/* message@1.0: src/device/message.c and message_set.c. */
#include "world.h"

static void gives_the_value_of_any_other_key(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{\"a\": 1}", "{\"path\": \"A\"}", "{\"is\": 1}");
    world_expect(context, "{\"info\": 1}", "{\"path\": \"info\"}", "{\"is\": 1}");
    world_expect(context, "{\"get\": \"x\"}", "{\"path\": \"get\"}", "{\"is\": \"x\"}");
    world_expect_outcome(context, "{\"a\": 1}", "{\"path\": \"b\"}", AO_OUTCOME_ERROR, 0);
    world_expect_outcome(context, "{\"private\": 1}", "{\"path\": \"private\"}",
                         AO_OUTCOME_ERROR, 0);
    ao_context_free(context);
}

static void lists_its_keys_in_order(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{\"b\": 1, \"a\": 2, \"priv_x\": 3}", "{\"path\": \"keys\"}",
                 "{\"is\": [\"a\", \"b\"]}");
    world_expect(context, "{}", "{\"path\": \"keys\"}", "{\"is\": []}");
    ao_context_free(context);
}

static void removes_one_key_or_several(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    const char *base = "{\"a\": 1, \"b\": 2, \"c\": 3}";

    (void)state;
    world_expect(context, base, "{\"path\": \"remove\", \"item\": \"A\"}",
                 "{\"is\": {\"b\": 2, \"c\": 3}}");
    world_expect(context, base, "{\"path\": \"remove\", \"items\": [\"a\", \"c\"]}",
                 "{\"is\": {\"b\": 2}}");
    world_expect(context, base,
                 "{\"path\": \"remove\", \"items\": {\"1\": \"a\", \"2\": \"c\"}}",
                 "{\"is\": {\"b\": 2}}");
    world_expect_outcome(context, base, "{\"path\": \"remove\"}", AO_OUTCOME_ERROR, 400);
    ao_context_free(context);
}

static void sets_paths_and_makes_what_is_missing(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{}", "{\"path\": \"set\", \"a/b/c\": 1}",
                 "{\"is\": {\"a\": {\"b\": {\"c\": 1}}}}");
    world_expect(context, "{\"a\": {\"x\": 1}}", "{\"path\": \"set\", \"a/b\": 2, \"k\": 3}",
                 "{\"is\": {\"a\": {\"x\": 1, \"b\": 2}, \"k\": 3}}");
    world_expect(context, "{}", "{\"path\": \"set\", \"a/b\": 1, \"a/c\": 2}",
                 "{\"is\": {\"a\": {\"b\": 1, \"c\": 2}}}");
    world_expect(context, "{\"a\": 1}", "{\"path\": \"set-path\", \"value\": \"p\"}",
                 "{\"is\": {\"a\": 1, \"path\": \"p\"}}");
    world_expect_outcome(context, "{\"a\": 1}", "{\"path\": \"set-path\"}", AO_OUTCOME_ERROR,
                         400);
    ao_context_free(context);
}

/* ---- Setting through a device ---- */

/* A device whose `set` notes that it was asked. */
static beamr_status noting_set(ao_call *call, beamr_error *err)
{
    ao_message *next = NULL;
    beamr_status st = ao_message_with(ao_call_base(call), "noted",
                                      ao_value_ref(ao_call_argument(call, "k")), &next, err);

    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(next)) : st;
}

static const ao_key noting_keys[] = {{"set", noting_set}, AO_KEYS_END};
static const ao_device noting = {.name = "noting@1.0", .keys = noting_keys};

/* One that does not let itself be set. */
static beamr_status refusing_set(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_error(call, 418, "not here");
}

static const ao_key refusing_keys[] = {{"set", refusing_set}, AO_KEYS_END};
static const ao_device refusing = {.name = "refusing@1.0", .keys = refusing_keys};

static void a_device_may_refuse_to_be_set(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    assert_int_equal(ao_context_add_device(context, &refusing, NULL), BEAMR_OK);
    world_expect_outcome(context, "{\"a\": {\"device\": \"refusing@1.0\", \"k\": 1}}",
                         "{\"path\": \"set\", \"a/k\": 2, \"other\": 3}", AO_OUTCOME_ERROR,
                         418);
    ao_context_free(context);
}

static void a_path_through_a_device_uses_its_set(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    assert_int_equal(ao_context_add_device(context, &noting, NULL), BEAMR_OK);
    world_expect(context, "{\"a\": {\"b\": {\"device\": \"noting@1.0\", \"k\": 1}}}",
                 "{\"path\": \"set\", \"a/b/k\": 2, \"other\": 3}",
                 "{\"is\": {\"a\": {\"b\": {\"device\": \"noting@1.0\", \"k\": 1, \"noted\": "
                 "2}}, \"other\": 3}}");
    world_expect_outcome(context, "{\"a\": {\"device\": \"noting@1.0\", \"l\": 1}}",
                         "{\"path\": \"set\", \"a/l/x\": 2}", AO_OUTCOME_ERROR, 400);
    ao_context_free(context);
}

/* ---- Ids and commitments ---- */

/* The SHA-256 of its bytes; other literals have none. */
static void a_binary_has_an_id(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{\"k\": \"hello\"}", "{\"path\": \"k/id\"}",
                 "{\"is\": \"LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ\"}");
    world_expect_outcome(context, "{\"k\": \"hello\"}", "{\"path\": \"k/keys\"}",
                         AO_OUTCOME_ERROR, 0);
    world_expect_outcome(context, "{\"k\": 5}", "{\"path\": \"k/id\"}", AO_OUTCOME_ERROR, 0);
    ao_context_free(context);
}

static void names_unsigned_messages(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{\"a\": \"b\"}", "{\"path\": \"id\"}",
                 "{\"is\": \"UfSqKA58Hwk99Jg5fsYGY4iKDfnnUAW9MQdMv2-Fw40\"}");
    world_expect(context, "{\"a\": \"b\"}", "{\"path\": \"committers\"}", "{\"is\": []}");
    world_expect(context, "{\"a\": \"b\"}", "{\"path\": \"verify\"}", "{\"is\": true}");
    world_expect_outcome(context, "{\"a\": \"b\"}",
                         "{\"path\": \"id\", \"committers\": "
                         "[\"VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ\"]}",
                         AO_OUTCOME_ERROR, 404);
    world_expect_outcome(context, "{}", "{\"path\": \"verify\", \"target\": \"body\"}",
                         AO_OUTCOME_ERROR, 400);
    ao_context_free(context);
}

static void commits_and_verifies(void **state)
{
    ao_wallet *wallet = NULL;
    ao_context *context;
    ao_result signed_one, result;
    ao_value request;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_wallet_new(&wallet, &err), BEAMR_OK);
    context = world_open(wallet, NULL);
    signed_one = world_resolve(context, "{\"a\": \"b\"}", "{\"path\": \"commit\"}");
    assert_int_equal(signed_one.outcome, AO_OUTCOME_OK);
    request = ao_binary_text("verify");
    assert_int_equal(ao_resolve_on(context, signed_one.value, request, NULL, &result, &err),
                     BEAMR_OK);
    assert_true(ao_is_atom(result.value, "true"));
    ao_value_unref(result.value);
    ao_value_unref(request);
    request = ao_binary_text("committers");
    assert_int_equal(ao_resolve_on(context, signed_one.value, request, NULL, &result, &err),
                     BEAMR_OK);
    assert_int_equal(ao_list_count(result.value), 1);
    ao_value_unref(result.value);
    ao_value_unref(request);
    ao_value_unref(signed_one.value);
    ao_context_free(context);
    ao_wallet_unref(wallet);
}

/* ---- Reading in code ---- */

static beamr_status odd_keys(ao_call *call, beamr_error *err)
{
    ao_value items[] = {ao_binary_text("Name"), ao_integer(7), ao_atom("Kept")};

    (void)err;
    return ao_call_ok(call, ao_list_new(items, 3));
}

static beamr_status no_keys(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_ok(call, ao_integer(1));
}

static void keys_are_those_of_the_device(void **state)
{
    static const ao_key odd[] = {{"keys", odd_keys}, AO_KEYS_END};
    static const ao_key none[] = {{"keys", no_keys}, AO_KEYS_END};
    static const ao_device devices[] = {{.name = "odd@1.0", .keys = odd},
                                        {.name = "none@1.0", .keys = none}};
    static const char *const expected[][2] = {
        {"{\"B\": 1, \"a\": 2}", "{\"is\": [\"a\", \"b\"]}"},
        {"{\"device\": \"odd@1.0\"}", "{\"is\": [\"name\", \"7\", \"Kept\"]}"}};
    ao_context *context = world_open(NULL, NULL);
    ao_message *message;
    beamr_error err = {0};
    ao_value keys;

    (void)state;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(ao_context_add_device(context, &devices[i], NULL), BEAMR_OK);
    for (size_t i = 0; i < 2; i++) {
        ao_message *holder = world_message(context, expected[i][1]);

        message = world_message(context, expected[i][0]);
        assert_int_equal(ao_keys(context, message, &keys, NULL), BEAMR_OK);
        assert_true(ao_value_equal(keys, ao_message_find_text(holder, "is")));
        ao_value_unref(keys);
        ao_message_unref(message);
        ao_message_unref(holder);
    }
    message = world_message(context, "{\"device\": \"none@1.0\"}");
    assert_int_equal(ao_keys(context, message, &keys, &err), BEAMR_ARGUMENT);
    ao_message_unref(message);
    ao_context_free(context);
}

static void the_first_value_that_is_there_is_read(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *a = world_message(context, "{\"x\": {\"y\": 1}}");
    ao_message *b = world_message(context, "{\"x\": 2}");
    const ao_place places[] = {{a, "z"}, {b, "x/y"}, {a, "x/y"}, {b, "x"}};
    ao_value value;

    (void)state;
    assert_int_equal(ao_get_first(context, places, 4, &value, NULL), BEAMR_OK);
    assert_int_equal(value.of.integer, 1);
    assert_int_equal(ao_get_first(context, places, 2, &value, NULL), BEAMR_OK);
    assert_int_equal(value.kind, AO_NONE);
    ao_message_unref(a);
    ao_message_unref(b);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_value_of_any_other_key),
        cmocka_unit_test(lists_its_keys_in_order),
        cmocka_unit_test(removes_one_key_or_several),
        cmocka_unit_test(sets_paths_and_makes_what_is_missing),
        cmocka_unit_test(a_device_may_refuse_to_be_set),
        cmocka_unit_test(a_path_through_a_device_uses_its_set),
        cmocka_unit_test(a_binary_has_an_id),
        cmocka_unit_test(keys_are_those_of_the_device),
        cmocka_unit_test(the_first_value_that_is_there_is_read),
        cmocka_unit_test(names_unsigned_messages),
        cmocka_unit_test(commits_and_verifies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
