/* Stacks and what stands in them when memory is refused: every allocation in turn. What fails
 * says so, leaves nothing behind, and the next attempt works. */
#include "refuse.h"
#include "world.h"

static ao_context *context;

static void every_allocation_of(const char *base_text, const char *request_text)
{
    ao_value base = ao_message_value(world_message(context, base_text));
    ao_value request = ao_message_value(world_message(context, request_text));
    size_t n = 0;

    do {
        ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
        beamr_error err = {0};
        beamr_status st;

        assert_in_range(n, 0, 20000);
        refuse_begin(n++, false);
        st = ao_resolve_on(context, base, request, NULL, &result, &err);
        (void)refuse_end();
        if (st == BEAMR_OK)
            ao_value_unref(result.value);
        else if (st != BEAMR_NO_MEMORY)
            fail_msg("%s: allocation %zu: %s", request_text, n, err.text);
        assert_true(refusal.hits > 0 || st == BEAMR_OK);
    } while (refusal.hits > 0);
    ao_value_unref(request);
    ao_value_unref(base);
}

#define STACK                                                                                  \
    "{\"device\": \"stack@1.0\", \"device-stack\": [\"test-device@1.0\", \"dedup@1.0\","       \
    " \"patch@1.0\", \"multipass@1.0\"], \"passes\": 2, \"already-seen\": [],"                 \
    " \"patch-from\": \"out\", \"out\": {\"1\": {\"method\": \"PATCH\", \"k\": {\"a\": 1}},"   \
    " \"2\": {\"method\": \"PATCH\", \"k\": {\"b\": 2}}, \"3\": {\"x\": 1}},"                  \
    " \"output-prefixes\": [\"o\"]}"

static void a_fold_survives_every_refusal(void **state)
{
    (void)state;
    every_allocation_of(STACK, "{\"path\": \"compute\", \"slot\": 1}");
    every_allocation_of(STACK, "{\"path\": \"out\"}");
}

static void a_map_survives_every_refusal(void **state)
{
    (void)state;
    every_allocation_of(STACK, "{\"path\": \"snapshot\", \"mode\": \"Map\"}");
    every_allocation_of("{\"device\": \"stack@1.0\", \"device-stack\": {\"1\":"
                        " \"test-device@1.0\", \"a-name\": \"test-device@1.0\"}}",
                        "{\"path\": \"snapshot\", \"mode\": \"Map\"}");
}

static void a_transformed_stack_survives_every_refusal(void **state)
{
    (void)state;
    every_allocation_of(STACK, "{\"path\": \"transform/3/all\", \"patch-to\": \"a/b\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fold_survives_every_refusal),
        cmocka_unit_test(a_map_survives_every_refusal),
        cmocka_unit_test(a_transformed_stack_survives_every_refusal),
    };
    int failed;

    context = world_open(NULL, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    ao_context_free(context);
    return failed;
}
