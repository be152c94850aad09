/* Every allocation of json-iface@1.0 fails once, alone and with all that follow: that is
 * reported, or done without; nothing leaks, and no result is half made. */
#include "device/json_iface.h"
#include "refuse.h"
#include "wasm_modules.h"

static const char reply[] =
    "{\"ok\":true,\"response\":{\"Output\":{\"data\":{\"a\":[1,2.5,\"x\",null,true]}},"
    "\"Error\":\"e\",\"Messages\":[{\"Target\":\"T\",\"Tags\":[{\"name\":\"Action\","
    "\"value\":\"A\"}]}],\"Spawns\":[{\"Data\":\"d\"}],\"Assignments\":[{\"p\":[\"q\"]}],"
    "\"patches\":[{\"b\":1}]}}";

/* One call with the request on the base. */
typedef struct attempt {
    ao_context *context;
    ao_value base, request;
    ao_value expected;
} attempt;

static beamr_status try(const attempt *a, ao_result *result, beamr_error *err)
{
    return ao_resolve_on(a->context, a->base, a->request, NULL, result, err);
}

static void check_attempt(const attempt *a, size_t n, bool is_lasting, size_t *failures)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};
    beamr_status st;
    bool is_hit;

    refuse_begin(n, is_lasting);
    st = try(a, &result, &err);
    is_hit = refuse_end();
    if (st != BEAMR_OK) {
        if (st != BEAMR_NO_MEMORY || err.status != st)
            fail_msg("allocation %zu: %s: %s", n, beamr_status_text(st), err.text);
        (*failures)++;
    } else {
        assert_int_equal(result.outcome, AO_OUTCOME_OK);
        assert_true(ao_value_equal(result.value, a->expected));
    }
    assert_true(is_hit || st == BEAMR_OK);
    ao_value_unref(result.value);
}

static void check_all(attempt *a)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};
    size_t calls = refusal.calls, count, failures = 0;

    assert_int_equal(try(a, &result, &err), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    count = refusal.calls - calls;
    assert_true(count > 10);
    a->expected = result.value;
    for (size_t n = 0; n < count; n++) {
        check_attempt(a, n, false, &failures);
        check_attempt(a, n, true, &failures);
    }
    assert_true(failures > count);
    ao_value_unref(a->expected);
    ao_value_unref(a->base);
    ao_value_unref(a->request);
    ao_context_free(a->context);
}

static void failures_of_preparing_are_reported(void **state)
{
    attempt a = {.context = world_open(NULL, NULL)};

    (void)state;
    a.base = ao_message_value(world_message(
        a.context, "{\"device\": \"json-iface@1.0\", \"pass\": 1, \"process\": {\"image\": "
                   "\"I\", \"inner\": {\"k\": 5}}}"));
    a.request = ao_message_value(world_message(
        a.context,
        "{\"path\": \"compute\", \"block-height\": 5, \"body\": {\"data\": \"d\", "
        "\"action\": \"Eval\", \"commitments\": "
        "{\"Ip_1J4A7BfoMG2ck0pt_ihxJGkGfdOz1Djii7kdHPkI\": {\"committer\": \"c\", "
        "\"commitment-device\": \"ans104@1.0\", \"original-tags\": {\"1\": {\"name\": "
        "\"a\", \"value\": \"b\"}}}}}}"));
    check_all(&a);
}

static void failures_of_reading_a_reply_are_reported(void **state)
{
    attempt a = {.context = world_open(NULL, NULL)};
    ao_message *base = world_message(
        a.context, "{\"device\": \"json-iface@1.0\", \"pass\": 2, \"process\": {\"image\": "
                   "\"I\"}, \"results\": {\"type\": \"ok\", \"data\": 1}}");
    ao_message *results = NULL, *whole = NULL;

    (void)state;
    assert_int_equal(ao_message_with(ao_to_message(ao_message_find_text(base, "results")),
                                     "output", ao_binary_text(reply), &results, NULL),
                     BEAMR_OK);
    assert_int_equal(ao_message_with(base, "results", ao_message_value(results), &whole, NULL),
                     BEAMR_OK);
    ao_message_unref(base);
    a.base = ao_message_value(whole);
    a.request = ao_binary_text("compute");
    check_all(&a);
}

/* With a guest: its state has been computed on before, so each attempt makes an instance anew
 * and repeats what led there. What this gives is another state each time. */
static void failures_of_writing_into_a_guest_are_reported(void **state)
{
    attempt a = {.context = world_open(NULL, NULL)};
    ao_message *base = resolve_next(
        a.context,
        message_with_key(a.context,
                         "{\"device\": \"wasm-64@1.0\", \"output-prefix\": \"wasm\", \"pass\": "
                         "1, \"process\": {\"type\": \"Process\"}}",
                         "image", module_value(module_plain)),
        "{\"path\": \"init\"}");
    ao_message *whole = NULL;
    size_t failures = 0, n = 0;
    bool is_hit;

    (void)state;
    assert_int_equal(
        ao_message_with(base, "device", ao_binary_text("json-iface@1.0"), &whole, NULL),
        BEAMR_OK);
    ao_message_unref(base);
    a.base = ao_message_value(whole);
    a.request = ao_message_value(
        world_message(a.context, "{\"path\": \"compute\", \"body\": {\"data\": \"d\"}}"));
    do {
        ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
        beamr_error err = {0};
        beamr_status st;

        refuse_begin(n++, false);
        st = try(&a, &result, &err);
        is_hit = refuse_end();
        if (st != BEAMR_OK && st != BEAMR_NO_MEMORY)
            fail_msg("allocation %zu: %s: %s", n, beamr_status_text(st), err.text);
        assert_true(is_hit || (st == BEAMR_OK && result.outcome == AO_OUTCOME_OK));
        failures += st != BEAMR_OK || result.outcome != AO_OUTCOME_OK;
        ao_value_unref(result.value);
    } while (is_hit);
    assert_true(failures > 20);
    ao_value_unref(a.base);
    ao_value_unref(a.request);
    ao_context_free(a.context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failures_of_preparing_are_reported),
        cmocka_unit_test(failures_of_reading_a_reply_are_reported),
        cmocka_unit_test(failures_of_writing_into_a_guest_are_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
