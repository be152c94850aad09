/* cache@1.0: src/device/cache.c. */
#include "world.h"

typedef struct world {
    ao_wallet *wallet;
    ao_context *context; /* whose cache_writers is the wallet alone */
} world;

static int open_world(void **state)
{
    static world w;
    ao_message *values = NULL;
    ao_builder builder;
    ao_value address;
    beamr_error err = {0};

    if (!w.wallet)
        assert_int_equal(ao_wallet_new(&w.wallet, &err), BEAMR_OK);
    address = ao_binary_text(ao_wallet_address(w.wallet));
    ao_builder_begin(&builder, NULL, NULL, &err);
    ao_builder_put(&builder, "cache_writers", ao_list_new(&address, 1));
    assert_int_equal(ao_builder_end(&builder, &values), BEAMR_OK);
    w.context = world_open(w.wallet, values);
    ao_message_unref(values);
    *state = &w;
    return 0;
}

static int close_world(void **state)
{
    world *w = *state;

    ao_context_free(w->context);
    ao_wallet_unref(w->wallet);
    return 0;
}

/* Sign a request that is JSON, put `key` into it afterwards if one is given, and resolve it. */
static ao_result ask(world *w, const char *json, const char *key, const char *value)
{
    ao_message *request = world_message(w->context, json), *signed_one = NULL;
    ao_value base, asked;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    if (ao_message_commit(w->context, request, NULL, NULL, &signed_one, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_message_unref(request);
    if (key) {
        assert_int_equal(
            ao_message_with(signed_one, key, ao_binary_text(value), &request, &err), BEAMR_OK);
        ao_message_unref(signed_one);
        signed_one = request;
    }
    base = ao_message_value(world_message(w->context, "{\"device\": \"cache@1.0\"}"));
    asked = ao_message_value(signed_one);
    if (ao_resolve_on(w->context, base, asked, NULL, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", json, err.text);
    ao_value_unref(asked);
    ao_value_unref(base);
    return result;
}

static int64_t status_of(ao_result result)
{
    int64_t status = 0;

    if (ao_to_message(result.value))
        (void)ao_to_integer(ao_message_find_text(ao_to_message(result.value), "status"),
                            &status);
    ao_value_unref(result.value);
    return status;
}

static void writers_write_and_all_read(void **state)
{
    world *w = *state;
    ao_result result = ask(w, "{\"path\": \"write\", \"body\": \"hello\"}", NULL, NULL);
    char request[128];
    beamr_bytes path;

    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    path = ao_text(ao_message_find_text(ao_to_message(result.value), "path"));
    assert_int_equal(path.len, AO_ID_TEXT);
    (void)snprintf(request, sizeof request, "{\"path\": \"read\", \"target\": \"%.*s\"}",
                   (int)path.len, (const char *)path.data);
    world_expect(w->context, "{\"device\": \"cache@1.0\"}", request, "{\"is\": \"hello\"}");
    ao_value_unref(result.value);
}

static void names_lead_to_what_was_written(void **state)
{
    world *w = *state;
    ao_result result = ask(w, "{\"path\": \"write\", \"body\": \"linked\"}", NULL, NULL);
    beamr_bytes path = ao_text(ao_message_find_text(ao_to_message(result.value), "path"));
    char request[192];

    (void)snprintf(request, sizeof request,
                   "{\"path\": \"link\", \"source\": \"%.*s\", \"destination\": \"a/name\"}",
                   (int)path.len, (const char *)path.data);
    ao_value_unref(result.value);
    assert_int_equal(status_of(ask(w, request, NULL, NULL)), 200);
    world_expect(w->context, "{\"device\": \"cache@1.0\"}",
                 "{\"path\": \"read\", \"target\": \"a/name\"}", "{\"is\": \"linked\"}");
    (void)snprintf(request, sizeof request,
                   "{\"path\": \"link\", \"source\": \"a/name\", \"destination\": "
                   "\"VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ\"}");
    assert_int_equal(status_of(ask(w, request, NULL, NULL)), 400);
}

static void a_batch_is_written_whole(void **state)
{
    world *w = *state;
    ao_result result =
        ask(w,
            "{\"path\": \"write\", \"type\": \"batch\", \"body\": {\"x\": \"1\", "
            "\"y\": \"2\"}}",
            NULL, NULL);
    ao_message *paths;

    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    paths = ao_to_message(ao_message_find_text(ao_to_message(result.value), "paths"));
    assert_non_null(paths);
    assert_int_equal(ao_message_count(paths), 2);
    ao_value_unref(result.value);
    assert_int_equal(status_of(ask(w,
                                   "{\"path\": \"write\", \"type\": \"batch\", \"body\": "
                                   "{\"x\": \"1\", \"y\": 2}}",
                                   NULL, NULL)),
                     400);
}

static void what_is_no_write_is_refused(void **state)
{
    world *w = *state;

    assert_int_equal(status_of(ask(w, "{\"path\": \"write\"}", NULL, NULL)), 400);
    assert_int_equal(
        status_of(
            ask(w, "{\"path\": \"write\", \"type\": \"odd\", \"body\": \"x\"}", NULL, NULL)),
        400);
    assert_int_equal(status_of(ask(w, "{\"path\": \"write\", \"body\": 5}", NULL, NULL)), 400);
}

static void others_may_not_write(void **state)
{
    world *w = *state;

    world_expect_outcome(w->context, "{\"device\": \"cache@1.0\"}",
                         "{\"path\": \"write\", \"body\": \"x\"}", AO_OUTCOME_ERROR, 403);
    world_expect_outcome(w->context, "{\"device\": \"cache@1.0\"}",
                         "{\"path\": \"link\", \"source\": \"x\", \"destination\": \"y\"}",
                         AO_OUTCOME_ERROR, 403);
}

static void a_signature_must_cover_what_is_written(void **state)
{
    world *w = *state;

    /* Changed behind the signature, and not covered by it. */
    assert_int_equal(
        status_of(ask(w, "{\"path\": \"write\", \"body\": \"x\"}", "body", "evil")), 403);
    assert_int_equal(status_of(ask(w, "{\"path\": \"write\"}", "body", "evil")), 403);
}

static void what_is_not_there_is_not_found(void **state)
{
    world *w = *state;
    const char *base = "{\"device\": \"cache@1.0\"}";

    world_expect_outcome(w->context, base,
                         "{\"path\": \"read\", \"target\": "
                         "\"VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ\"}",
                         AO_OUTCOME_ERROR, 0);
    world_expect_outcome(w->context, base, "{\"path\": \"read\"}", AO_OUTCOME_ERROR, 400);
    world_expect_outcome(w->context, base,
                         "{\"path\": \"read\", \"target\": \"x\", \"accept\": "
                         "\"application%2Faos-2\"}",
                         AO_OUTCOME_ERROR, 406);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_write_and_all_read),
        cmocka_unit_test(names_lead_to_what_was_written),
        cmocka_unit_test(a_batch_is_written_whole),
        cmocka_unit_test(what_is_no_write_is_refused),
        cmocka_unit_test(others_may_not_write),
        cmocka_unit_test(a_signature_must_cover_what_is_written),
        cmocka_unit_test(what_is_not_there_is_not_found),
    };

    return cmocka_run_group_tests(tests, open_world, close_world);
}
