/* multipass@1.0: when it asks for another pass. */
#include "world.h"

static ao_context *context;

static void passes_are_asked_for_until_there_were_enough(void **state)
{
    static const struct {
        const char *keys;
        ao_outcome outcome;
    } rows[] = {
        {"", AO_OUTCOME_OK},
        {", \"passes\": 1", AO_OUTCOME_OK},
        {", \"passes\": 2", AO_OUTCOME_PASS},
        {", \"passes\": 2, \"pass\": 1", AO_OUTCOME_PASS},
        {", \"passes\": 2, \"pass\": 2", AO_OUTCOME_OK},
        {", \"passes\": \"3\", \"pass\": \"2\"", AO_OUTCOME_PASS},
        {", \"passes\": 2, \"pass\": 9", AO_OUTCOME_OK},
        {", \"passes\": -1", AO_OUTCOME_OK},
        {", \"pass\": 2", AO_OUTCOME_OK},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char base[128];
        ao_message *expected;
        ao_result result;

        snprintf(base, sizeof base, "{\"device\": \"multipass@1.0\"%s}", rows[i].keys);
        result = world_resolve(context, base, "{\"path\": \"compute\"}");
        expected = world_message(context, base);
        if (result.outcome != rows[i].outcome)
            fail_msg("%s: %s", base, ao_outcome_text(result.outcome));
        assert_true(
            ao_message_match(ao_to_message(result.value), expected, AO_MATCH_STRICT, NULL));
        ao_message_unref(expected);
        ao_value_unref(result.value);
    }
}

static void every_key_but_two_is_its_own(void **state)
{
    static const char base[] = "{\"device\": \"multipass@1.0\", \"passes\": 2, \"k\": 1}";

    (void)state;
    world_expect_outcome(context, base, "{\"path\": \"k\"}", AO_OUTCOME_PASS, 0);
    world_expect(context, base, "{\"path\": \"keys\"}",
                 "{\"is\": [\"device\", \"k\", \"passes\"]}");
    world_expect(context, base, "{\"path\": \"set\", \"k\": 2}",
                 "{\"is\": {\"device\": \"multipass@1.0\", \"passes\": 2, \"k\": 2}}");
}

static void what_is_no_number_is_an_error(void **state)
{
    static const char *const bases[] = {
        "{\"device\": \"multipass@1.0\", \"passes\": \"many\"}",
        "{\"device\": \"multipass@1.0\", \"pass\": {}}",
        "{\"device\": \"multipass@1.0\", \"passes\": 1.5}",
        "{\"device\": \"multipass@1.0\", \"passes\": \"99999999999999999999\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
        world_expect_outcome(context, bases[i], "{\"path\": \"x\"}", AO_OUTCOME_ERROR, 400);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_are_asked_for_until_there_were_enough),
        cmocka_unit_test(every_key_but_two_is_its_own),
        cmocka_unit_test(what_is_no_number_is_an_error),
    };
    int failed;

    context = world_open(NULL, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    ao_context_free(context);
    return failed;
}
