/* patch@1.0: what is taken out of the source, and what stands at the target. */
#include <stdlib.h>
#include <string.h>

#include "world.h"

static ao_context *context;

#define DEVICE "\"device\": \"patch@1.0\""

static void patches_are_merged_and_taken_out(void **state)
{
    (void)state;
    world_expect(context,
                 "{" DEVICE ", \"out\": {\"1\": {\"method\": \"PATCH\", \"p\": {\"a\": 1}},"
                 " \"2\": {\"method\": \"GET\"}, \"3\": {\"device\": \"Patch@1.0\", \"p\":"
                 " {\"b\": 2}}, \"4\": \"text\"}, \"p\": {\"c\": 3}, \"patch-from\": \"/out\"}",
                 "{\"path\": \"patches\"}",
                 "{\"is\": {" DEVICE ", \"out\": {\"2\": {\"method\": \"GET\"}, \"4\":"
                 " \"text\"}, \"p\": {\"a\": 1, \"b\": 2, \"c\": 3}, \"patch-from\":"
                 " \"/out\"}}");
}

/* 2 comes before 10, and what has no number behind both. */
static void numbered_patches_come_in_the_order_of_their_numbers(void **state)
{
    (void)state;
    world_expect(context,
                 "{" DEVICE ", \"out\": {\"10\": {\"method\": \"PATCH\", \"v\": 10, \"w\": 10},"
                 " \"2\": {\"method\": \"PATCH\", \"v\": 2}, \"-1\": {\"method\": \"PATCH\","
                 " \"v\": 1}, \"name\": {\"method\": \"PATCH\", \"w\": 0}}}",
                 "{\"path\": \"compute\", \"patch-from\": \"out\"}",
                 "{\"is\": {" DEVICE ", \"out\": {}, \"v\": 10, \"w\": 0}}");
}

static void a_list_is_a_source_too(void **state)
{
    (void)state;
    world_expect(context,
                 "{" DEVICE ", \"out\": [{\"method\": \"PATCH\", \"v\": 1}, {\"m\": 1}]}",
                 "{\"path\": \"compute\", \"patch-from\": \"out\"}",
                 "{\"is\": {" DEVICE ", \"out\": {\"2\": {\"m\": 1}}, \"v\": 1}}");
}

static void without_patches_the_base_stays(void **state)
{
    (void)state;
    world_expect(context, "{" DEVICE ", \"out\": [{\"m\": 1}]}",
                 "{\"path\": \"compute\", \"patch-from\": \"out\"}",
                 "{\"is\": {" DEVICE ", \"out\": [{\"m\": 1}]}}");
}

static void without_a_source_it_is_the_base(void **state)
{
    (void)state;
    world_expect(
        context, "{" DEVICE ", \"1\": {\"method\": \"PATCH\", \"v\": 1}, \"k\": {\"l\": 2}}",
        "{\"path\": \"compute\"}", "{\"is\": {" DEVICE ", \"k\": {\"l\": 2}, \"v\": 1}}");
    world_expect(context, "{" DEVICE ", \"1\": {\"method\": \"PATCH\", \"v\": 1}}",
                 "{\"path\": \"compute\", \"to\": \"/x/y\"}",
                 "{\"is\": {" DEVICE ", \"x\": {\"y\": {\"v\": 1}}}}");
    world_expect(context, "{" DEVICE "}", "{\"path\": \"all\"}", "{\"is\": {" DEVICE "}}");
}

static void what_a_patch_says_about_itself_is_left_out(void **state)
{
    (void)state;
    world_expect(context,
                 "{" DEVICE ", \"k\": {\"a\": 1}, \"out\": {\"1\": {\"method\": \"PATCH\","
                 " \"set-mode\": \"explicit\", \"commitments\": {}, \"k\": {\"b\": 2}}}}",
                 "{\"path\": \"compute\", \"patch-from\": \"out\"}",
                 "{\"is\": {" DEVICE ", \"k\": {\"a\": 1, \"b\": 2}, \"out\": {}}}");
}

/* What vouches for a patch does not vouch for the place that it is merged into. */
static void a_target_gets_no_commitments(void **state)
{
    (void)state;
    world_expect(context,
                 "{" DEVICE ", \"to\": \"a/b\", \"a\": {\"b\": {\"w\": 2}}, \"1\": {\"method\":"
                 " \"PATCH\", \"v\": 1, \"commitments\": {\"x\": {\"commitment-device\":"
                 " \"httpsig@1.0\", \"committed\": [\"method\", \"v\"]}}}}",
                 "{\"path\": \"compute\"}",
                 "{\"is\": {" DEVICE
                 ", \"to\": \"a/b\", \"a\": {\"b\": {\"v\": 1, \"w\": 2}}}}");
}

/* The first of four places has the path. */
static void paths_come_from_the_request_before_the_base(void **state)
{
    static const char base[] = "{" DEVICE ", \"a\": {\"v\": 1}, \"b\": {\"v\": 2}, \"c\":"
                               " {\"v\": 3}, \"d\": {\"v\": 4}, \"from\": \"d\"%s}";
    static const struct {
        const char *more, *request;
        int value;
    } rows[] = {
        {", \"patch-from\": \"b\"",
         "{\"path\": \"all/t/v\", \"to\": \"t\", \"patch-from\": \"/a\", \"from\": \"c\"}", 1},
        {", \"patch-from\": \"b\"", "{\"path\": \"all/t/v\", \"to\": \"t\", \"from\": \"c\"}",
         2},
        {"", "{\"path\": \"all/t/v\", \"to\": \"t\", \"from\": \"c\"}", 3},
        {"", "{\"path\": \"all/t/v\", \"to\": \"t\"}", 4},
        {", \"patch-to\": \"t\"", "{\"path\": \"all/t/v\", \"to\": \"x\"}", 4},
        {", \"to\": \"x\"", "{\"path\": \"all/t/v\", \"patch-to\": [\"t\"]}", 4},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[256], expected[32];

        snprintf(text, sizeof text, base, rows[i].more);
        snprintf(expected, sizeof expected, "{\"is\": %d}", rows[i].value);
        world_expect(context, text, rows[i].request, expected);
    }
}

static void the_source_can_lie_in_the_request(void **state)
{
    (void)state;
    world_expect(
        context, "{" DEVICE ", \"k\": 1}",
        "{\"path\": \"compute\", \"patch-from\": \"req:/body/out\", \"body\": {\"out\":"
        " [{\"method\": \"PATCH\", \"v\": 2}]}}",
        "{\"is\": {" DEVICE ", \"k\": 1, \"v\": 2}}");
    world_expect(
        context, "{" DEVICE ", \"k\": 1}",
        "{\"path\": \"all\", \"patch-from\": \"req:x\", \"x\": 5, \"patch-to\": \"y\"}",
        "{\"is\": {" DEVICE ", \"k\": 1, \"y\": 5}}");
    world_expect(context, "{" DEVICE ", \"x\": 1}",
                 "{\"path\": \"all\", \"patch-from\": \"base:x\", \"patch-to\": \"y\"}",
                 "{\"is\": {" DEVICE ", \"y\": 1}}");
    world_expect(context, "{" DEVICE "}",
                 "{\"path\": \"compute\", \"patch-from\": \"req:\", \"1\": {\"method\":"
                 " \"PATCH\", \"v\": 2}}",
                 "{\"is\": {" DEVICE ", \"v\": 2}}");
}

static void the_target_can_lie_within_the_source(void **state)
{
    (void)state;
    world_expect(context, "{" DEVICE ", \"a\": {\"v\": 1}}",
                 "{\"path\": \"all\", \"patch-from\": \"a\", \"patch-to\": \"/a/b\"}",
                 "{\"is\": {" DEVICE ", \"a\": {\"b\": {\"v\": 1}}}}");
    world_expect(context,
                 "{" DEVICE ", \"a\": {\"1\": {\"method\": \"PATCH\", \"v\": 1}, \"w\": 2}}",
                 "{\"path\": \"compute\", \"patch-from\": \"a\", \"patch-to\": \"a\"}",
                 "{\"is\": {" DEVICE ", \"a\": {\"v\": 1, \"w\": 2}}}");
}

static void other_keys_give_the_base(void **state)
{
    static const char *const requests[] = {"{\"path\": \"init\"}", "{\"path\": \"normalize\"}",
                                           "{\"path\": \"snapshot\"}"};

    (void)state;
    for (size_t i = 0; i < 3; i++)
        world_expect(context, "{" DEVICE ", \"k\": 1}", requests[i],
                     "{\"is\": {" DEVICE ", \"k\": 1}}");
    world_expect(context, "{" DEVICE ", \"k\": 1}", "{\"path\": \"k\"}", "{\"is\": 1}");
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const paths[] = {"nope", "a/b/c", "req:nope", "priv", "t/x"};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        char request[96];
        ao_result result;

        snprintf(request, sizeof request, "{\"path\": \"all\", \"patch-from\": \"%s\"}",
                 paths[i]);
        result = world_resolve(context, "{" DEVICE ", \"t\": \"text\"}", request);
        assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
        assert_true(ao_is_atom(result.value, "not_found"));
        ao_value_unref(result.value);
    }
}

static void what_cannot_be_done_is_an_error(void **state)
{
    static const char *const requests[] = {
        "{\"path\": \"compute\", \"patch-from\": \"t\"}",
        "{\"path\": \"compute\", \"patch-from\": 5}",
        "{\"path\": \"compute\", \"patch-from\": {\"x\": 1}}",
        "{\"path\": \"all\", \"patch-from\": [1.5]}",
        "{\"path\": \"all\", \"patch-from\": \"t\"}",
        "{\"path\": \"all\", \"patch-from\": \"o\", \"patch-to\": \"t/x\"}",
        "{\"path\": \"all\", \"patch-from\": \"o\", \"patch-to\": \"/PRIV/x\"}",
        "{\"path\": \"all\", \"patch-from\": \"o\", \"patch-to\": \"x/commitments\"}",
        "{\"path\": \"all\", \"patch-from\": \"/\", \"patch-to\": \"x\"}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        world_expect_outcome(context, "{" DEVICE ", \"t\": \"text\", \"o\": {\"k\": 1}}",
                             requests[i], AO_OUTCOME_ERROR, 400);
}

/* ---- Hostile ---- */

static void expect_status(ao_value base, const char *from, const char *to, ao_outcome outcome,
                          int64_t expected)
{
    ao_builder b;
    ao_value request;
    ao_result result;
    int64_t status = 0;
    beamr_error err = {0};

    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text("all"));
    ao_builder_put(&b, "patch-from", ao_binary_text(from));
    ao_builder_put(&b, "patch-to", ao_binary_text(to));
    request = ao_builder_value(&b);
    if (ao_resolve_on(context, base, request, NULL, &result, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(result.outcome, outcome);
    if (result.value.kind == AO_MESSAGE)
        (void)ao_to_integer(ao_message_find_text(ao_to_message(result.value), "status"),
                            &status);
    assert_int_equal(status, expected);
    ao_value_unref(result.value);
    ao_value_unref(request);
}

static void deep_paths_are_refused(void **state)
{
    enum { PARTS = 200000 };
    char *deep = malloc(2 * PARTS + 1);
    ao_value base = ao_message_value(world_message(context, "{" DEVICE ", \"o\": {\"k\": 1}}"));

    (void)state;
    assert_non_null(deep);
    for (size_t i = 0; i < PARTS; i++)
        memcpy(deep + 2 * i, "/a", 3);
    expect_status(base, "o", deep, AO_OUTCOME_ERROR, 413);
    expect_status(base, deep, "o", AO_OUTCOME_ERROR, 0);
    memset(deep, '/', 2 * PARTS);
    expect_status(base, "o", deep, AO_OUTCOME_OK, 0);
    free(deep);
    ao_value_unref(base);
}

/* 128 levels are all there can be: one more on the way to the target is too many. */
static void a_deep_source_does_not_fit_below_a_deep_target(void **state)
{
    ao_value value = ao_integer(1);
    ao_builder b;

    (void)state;
    for (int i = 0; i < 100; i++) {
        ao_builder_begin(&b, NULL, NULL, NULL);
        ao_builder_put(&b, "a", value);
        value = ao_builder_value(&b);
    }
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text("patch@1.0"));
    ao_builder_put(&b, "o", value);
    value = ao_builder_value(&b);
    expect_status(value, "o", "/a/b/c/d/e/f/g/h/i/j", AO_OUTCOME_OK, 0);
    expect_status(value, "o", "/a/b/c/d/e/f/g/h/i/j/a/b/c/d/e/f/g/h/i/j/a/b/c/d/e/f/g/h/i/j",
                  AO_OUTCOME_ERROR, 413);
    ao_value_unref(value);
}

/* A hundred thousand patches, in time that grows with their number. */
static void many_patches_end_in_time(void **state)
{
    enum { MANY = 100000 };
    ao_value *items = malloc(MANY * sizeof *items);
    ao_value base, request = ao_binary_text("compute");
    ao_result result;
    int64_t last = 0;
    ao_builder b;

    (void)state;
    assert_non_null(items);
    for (int i = 0; i < MANY; i++) {
        char key[16];

        snprintf(key, sizeof key, "k%d", i % 1000);
        ao_builder_begin(&b, NULL, NULL, NULL);
        ao_builder_put(&b, "method", ao_binary_text("PATCH"));
        ao_builder_put(&b, key, ao_integer(i));
        items[i] = ao_builder_value(&b);
    }
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text("patch@1.0"));
    ao_builder_put(&b, "patch-from", ao_binary_text("/outbox"));
    ao_builder_put(&b, "outbox", ao_list_new(items, MANY));
    base = ao_builder_value(&b);
    assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, NULL), BEAMR_OK);
    assert_true(ao_to_integer(ao_message_find_text(ao_to_message(result.value), "k7"), &last));
    assert_int_equal(last, MANY - 1000 + 7);
    assert_int_equal(ao_message_count(ao_to_message(result.value)), 1003);
    ao_value_unref(result.value);
    ao_value_unref(base);
    ao_value_unref(request);
    free(items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patches_are_merged_and_taken_out),
        cmocka_unit_test(numbered_patches_come_in_the_order_of_their_numbers),
        cmocka_unit_test(a_list_is_a_source_too),
        cmocka_unit_test(without_patches_the_base_stays),
        cmocka_unit_test(without_a_source_it_is_the_base),
        cmocka_unit_test(what_a_patch_says_about_itself_is_left_out),
        cmocka_unit_test(a_target_gets_no_commitments),
        cmocka_unit_test(paths_come_from_the_request_before_the_base),
        cmocka_unit_test(the_source_can_lie_in_the_request),
        cmocka_unit_test(the_target_can_lie_within_the_source),
        cmocka_unit_test(other_keys_give_the_base),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(what_cannot_be_done_is_an_error),
        cmocka_unit_test(deep_paths_are_refused),
        cmocka_unit_test(a_deep_source_does_not_fit_below_a_deep_target),
        cmocka_unit_test(many_patches_end_in_time),
    };
    int failed;

    context = world_open(NULL, NULL);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    ao_context_free(context);
    return failed;
}
