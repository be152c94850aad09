/* dedup@1.0: a message comes through once, alone and in a stack. */
#include "world.h"

static ao_context *context;

/* Resolve on a base, which is given back, with options by name as JSON, or NULL. */
static ao_result resolve_on(ao_value base, const char *request, const char *values)
{
    ao_value r = ao_message_value(world_message(context, request));
    ao_message *v = values ? world_message(context, values) : NULL;
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    options.values = v;
    if (ao_resolve_on(context, base, r, &options, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", request, err.text);
    ao_message_unref(v);
    ao_value_unref(base);
    ao_value_unref(r);
    return result;
}

static ao_value message(const char *json)
{
    return ao_message_value(world_message(context, json));
}

static void assert_seen(ao_value state, size_t count)
{
    assert_int_equal(ao_list_count(ao_message_find_text(ao_to_message(state), "dedup")), count);
}

static void a_request_comes_through_once(void **state)
{
    ao_result first = resolve_on(message("{\"device\": \"dedup@1.0\"}"),
                                 "{\"path\": \"compute\", \"m\": 1}", NULL),
              other, again;

    (void)state;
    assert_int_equal(first.outcome, AO_OUTCOME_OK);
    assert_seen(first.value, 1);
    other = resolve_on(first.value, "{\"path\": \"compute\", \"m\": 2}", NULL);
    assert_int_equal(other.outcome, AO_OUTCOME_OK);
    assert_seen(other.value, 2);
    again = resolve_on(other.value, "{\"path\": \"compute\", \"m\": 1}", NULL);
    assert_int_equal(again.outcome, AO_OUTCOME_SKIP);
    assert_seen(again.value, 2);
    ao_value_unref(again.value);
}

static void keep(void *pointer)
{
    (void)pointer;
}

/* What only this host knows is carried by no codec. */
static void a_request_without_an_id_is_an_error(void **state)
{
    static int ours;
    ao_message *plain = world_message(context, "{\"path\": \"compute\"}"), *request = NULL;
    ao_value base = message("{\"device\": \"dedup@1.0\"}"), value;
    ao_result result;
    int64_t status = 0;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_message_with(plain, "m", ao_native_new(&ours, keep), &request, &err),
                     BEAMR_OK);
    value = ao_message_value(request);
    assert_int_equal(ao_resolve_on(context, base, value, NULL, &result, &err), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    (void)ao_to_integer(ao_message_find_text(ao_to_message(result.value), "status"), &status);
    assert_int_equal(status, 400);
    ao_value_unref(result.value);
    ao_value_unref(value);
    ao_value_unref(base);
    ao_message_unref(plain);
}

static void the_newest_id_stands_in_front(void **state)
{
    ao_message *request = world_message(context, "{\"path\": \"compute\", \"m\": 1}");
    char id[AO_ID_TEXT + 1];
    ao_result result;
    ao_value seen;

    (void)state;
    assert_int_equal(ao_message_id(context, request, id, NULL), BEAMR_OK);
    result = resolve_on(message("{\"device\": \"dedup@1.0\", \"dedup\": {\"1\": \"older\"}}"),
                        "{\"path\": \"compute\", \"m\": 1}", NULL);
    seen = ao_message_find_text(ao_to_message(result.value), "dedup");
    assert_int_equal(ao_list_count(seen), 2);
    assert_memory_equal(ao_text(ao_list_at(seen, 0)).data, id, AO_ID_TEXT);
    assert_memory_equal(ao_text(ao_list_at(seen, 1)).data, "older", 5);
    ao_value_unref(result.value);
    ao_message_unref(request);
}

/* One id that is no list counts as a list of it. */
static void a_single_id_is_seen(void **state)
{
    ao_message *request = world_message(context, "{\"path\": \"compute\"}");
    char id[AO_ID_TEXT + 1], base[128];

    (void)state;
    assert_int_equal(ao_message_id(context, request, id, NULL), BEAMR_OK);
    snprintf(base, sizeof base, "{\"device\": \"dedup@1.0\", \"dedup\": \"%s\"}", id);
    world_expect_outcome(context, base, "{\"path\": \"compute\"}", AO_OUTCOME_SKIP, 0);
    ao_message_unref(request);
}

static void later_passes_let_all_through(void **state)
{
    (void)state;
    world_expect(context, "{\"device\": \"dedup@1.0\", \"pass\": 2}", "{\"path\": \"compute\"}",
                 "{\"is\": {\"device\": \"dedup@1.0\", \"pass\": 2}}");
    world_expect_outcome(context, "{\"device\": \"dedup@1.0\", \"pass\": \"x\"}",
                         "{\"path\": \"compute\"}", AO_OUTCOME_ERROR, 400);
}

/* The same message in two slots. */
static void assert_by_body(const char *base, const char *values)
{
    ao_result first = resolve_on(
        message(base), "{\"path\": \"compute\", \"slot\": 1, \"body\": {\"m\": 1}}", values);
    ao_result second =
        resolve_on(ao_value_ref(first.value),
                   "{\"path\": \"compute\", \"slot\": 2, \"body\": {\"m\": 1}}", values);
    ao_result other = resolve_on(
        first.value, "{\"path\": \"compute\", \"slot\": 1, \"body\": {\"m\": 2}}", values);

    assert_int_equal(first.outcome, AO_OUTCOME_OK);
    assert_int_equal(second.outcome, AO_OUTCOME_SKIP);
    assert_int_equal(other.outcome, AO_OUTCOME_OK);
    ao_value_unref(second.value);
    ao_value_unref(other.value);
}

static void the_subject_can_be_what_was_assigned(void **state)
{
    ao_result result;

    (void)state;
    assert_by_body("{\"device\": \"dedup@1.0\", \"dedup-subject\": \"body\"}", NULL);
    assert_by_body("{\"device\": \"dedup@1.0\"}", "{\"dedup_subject\": \"body\"}");
    /* The base goes before the option; without a body the request is the subject. */
    result = resolve_on(message("{\"device\": \"dedup@1.0\", \"dedup-subject\": \"request\"}"),
                        "{\"path\": \"compute\", \"slot\": 1, \"body\": {\"m\": 1}}",
                        "{\"dedup_subject\": \"body\"}");
    result =
        resolve_on(result.value, "{\"path\": \"compute\", \"slot\": 2, \"body\": {\"m\": 1}}",
                   "{\"dedup_subject\": \"body\"}");
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    result = resolve_on(result.value, "{\"path\": \"compute\", \"body\": \"text\"}",
                        "{\"dedup_subject\": \"body\"}");
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_seen(result.value, 3);
    ao_value_unref(result.value);
}

static void in_a_stack_nothing_runs_twice(void **state)
{
    ao_result first = resolve_on(
        message("{\"device\": \"stack@1.0\", \"already-seen\": [], \"dedup-subject\": \"body\","
                " \"device-stack\": [\"dedup@1.0\", \"test-device@1.0\"]}"),
        "{\"path\": \"compute\", \"slot\": 1, \"body\": {\"m\": 1}}", NULL);
    ao_result again =
        resolve_on(ao_value_ref(first.value),
                   "{\"path\": \"compute\", \"slot\": 2, \"body\": {\"m\": 1}}", NULL);

    (void)state;
    assert_int_equal(again.outcome, AO_OUTCOME_OK);
    assert_true(ao_message_match(ao_to_message(first.value), ao_to_message(again.value),
                                 AO_MATCH_STRICT, NULL));
    ao_value_unref(first.value);
    ao_value_unref(again.value);
}

static void keys_and_set_are_those_of_message(void **state)
{
    (void)state;
    world_expect(context, "{\"device\": \"dedup@1.0\", \"k\": 1}", "{\"path\": \"keys\"}",
                 "{\"is\": [\"device\", \"k\"]}");
    world_expect(context, "{\"device\": \"dedup@1.0\"}", "{\"path\": \"set\", \"k\": 2}",
                 "{\"is\": {\"device\": \"dedup@1.0\", \"k\": 2}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_comes_through_once),
        cmocka_unit_test(a_request_without_an_id_is_an_error),
        cmocka_unit_test(the_newest_id_stands_in_front),
        cmocka_unit_test(a_single_id_is_seen),
        cmocka_unit_test(later_passes_let_all_through),
        cmocka_unit_test(the_subject_can_be_what_was_assigned),
        cmocka_unit_test(in_a_stack_nothing_runs_twice),
        cmocka_unit_test(keys_and_set_are_those_of_message),
    };
    int failed;

    context = world_open(NULL, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    ao_context_free(context);
    return failed;
}
