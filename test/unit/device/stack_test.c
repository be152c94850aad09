/* stack@1.0 with devices that say what they see: fold, Map, transform, prefixes, passes, the
 * strategies of errors, and what stays of a fold. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

static ao_context *context;

/* ---- A device that shows what it was activated with, and ends in every way ---- */

static void add_text(char *out, size_t size, const ao_message *base, const char *key)
{
    char buffer[AO_INTEGER_TEXT_SIZE];
    ao_value value = ao_message_find_text(base, key);
    beamr_bytes text =
        value.kind == AO_INTEGER ? ao_integer_text(value, buffer) : ao_text(value);
    size_t used = strlen(out);

    snprintf(out + used, size - used, "%.*s,", (int)text.len, (const char *)text.data);
}

static ao_value noted(const ao_message *base)
{
    static const char *const shown[] = {"device-key",
                                        "pass",
                                        "input-prefix",
                                        "output-prefix",
                                        "previous-device",
                                        "previous-input-prefix",
                                        "previous-output-prefix"};
    beamr_bytes log = ao_text(ao_message_find_text(base, "log"));
    char text[4096] = "";
    ao_message *state = NULL;

    snprintf(text, sizeof text, "%.*s", (int)log.len, (const char *)log.data);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        add_text(text, sizeof text, base, shown[i]);
    text[strlen(text) - 1] = ';';
    assert_int_equal(ao_message_with(base, "log", ao_binary_text(text), &state, NULL),
                     BEAMR_OK);
    return ao_message_value(state);
}

/* The request's `as` says with which outcome the base, noted, is answered. */
static beamr_status note(ao_call *call, beamr_error *err)
{
    beamr_bytes as = ao_text(ao_call_argument(call, "as"));
    ao_outcome outcome = AO_OUTCOME_OK;

    (void)err;
    for (int i = 0; i < AO_OUTCOME_COUNT; i++)
        if (as.len > 0 &&
            strncmp(ao_outcome_text((ao_outcome)i), (const char *)as.data, as.len) == 0)
            outcome = (ao_outcome)i;
    return ao_call_return(call, outcome, noted(ao_call_base(call)));
}

/* Likewise with a text. */
static beamr_status say(ao_call *call, beamr_error *err)
{
    ao_value as = ao_call_argument(call, "as");

    (void)err;
    if (ao_text(as).len == 4 && memcmp(ao_text(as).data, "skip", 4) == 0)
        return ao_call_return(call, AO_OUTCOME_SKIP, ao_binary_text("text"));
    if (ao_text(as).len == 4 && memcmp(ao_text(as).data, "pass", 4) == 0)
        return ao_call_return(call, AO_OUTCOME_PASS, ao_binary_text("text"));
    return ao_call_ok(call, ao_binary_text("text"));
}

static beamr_status refuse(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_error(call, 418, "no tea here");
}

static beamr_status host(ao_call *call, beamr_error *err)
{
    ao_builder b;

    ao_builder_begin(&b, NULL, NULL, err);
    ao_builder_put(&b, "status", ao_integer(503));
    ao_builder_put(&b, "body", ao_binary_text("the host is tired"));
    return ao_call_return(call, AO_OUTCOME_FAILURE, ao_builder_value(&b));
}

static beamr_status throw(ao_call * call, beamr_error *err)
{
    (void)call;
    return beamr_fail(err, BEAMR_CONFLICT, 0, "thrown by a device");
}

/* Only the device whose key is the request's `at` has this key. */
static beamr_status only_at(ao_call *call, beamr_error *err)
{
    (void)err;
    if (!ao_value_equal(ao_message_find_text(ao_call_base(call), "device-key"),
                        ao_call_argument(call, "at")))
        return ao_call_not_found(call);
    return ao_call_ok(call, noted(ao_call_base(call)));
}

static void *finish(void *call)
{
    ao_call_finish(call, AO_OUTCOME_OK, noted(ao_call_base(call)));
    return NULL;
}

static beamr_status later(ao_call *call, beamr_error *err)
{
    pthread_t thread;
    beamr_status st = ao_call_later(call, NULL, NULL);

    (void)err;
    assert_int_equal(pthread_create(&thread, NULL, finish, call), 0);
    assert_int_equal(pthread_detach(thread), 0);
    return st;
}

static ao_call *waiting;

static void tell(ao_call *call, void *arg)
{
    (void)arg;
    ao_call_finish(call, AO_OUTCOME_OK, ao_binary_text("too late"));
}

static beamr_status wait_for_ever(ao_call *call, beamr_error *err)
{
    (void)err;
    waiting = call;
    return ao_call_later(call, tell, NULL);
}

static beamr_status nested(ao_call *call, beamr_error *err)
{
    ao_message *state = NULL;
    beamr_status st = ao_message_with(ao_call_base(call), "inner",
                                      ao_value_ref(ao_call_result(call)->value), &state, err);

    return st == BEAMR_OK ? ao_call_ok(call, ao_message_value(state)) : st;
}

/* A stack within the stack: the base's `inner`. */
static beamr_status nest(ao_call *call, beamr_error *err)
{
    (void)err;
    return ao_call_resolve(call,
                           ao_value_ref(ao_message_find_text(ao_call_base(call), "inner")),
                           ao_binary_text("note"), NULL, nested);
}

static const ao_key probe_keys[] = {
    {"note", note},          {"say", say},         {"refuse", refuse}, {"host", host},
    {"throw", throw},        {"only-at", only_at}, {"later", later},   {"nest", nest},
    {"wait", wait_for_ever}, AO_KEYS_END,
};
static const ao_device probe = {.name = "probe@1.0", .keys = probe_keys};

static int open_context(void **state)
{
    (void)state;
    context = world_open(NULL, NULL);
    return ao_context_add_device(context, &probe, NULL) == BEAMR_OK ? 0 : -1;
}

static int close_context(void **state)
{
    (void)state;
    ao_context_free(context);
    return 0;
}

/* ---- Asking ---- */

static void expect_raised(const char *base, const char *request, const ao_options *options,
                          beamr_status status, const char *text)
{
    ao_value b = ao_message_value(world_message(context, base));
    ao_value r = ao_message_value(world_message(context, request));
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    assert_int_equal(ao_resolve_on(context, b, r, options, &result, &err), status);
    if (!strstr(err.text, text))
        fail_msg("`%s` is not in: %s", text, err.text);
    ao_value_unref(b);
    ao_value_unref(r);
}

static ao_result resolve_stopping(const char *base, const char *request)
{
    ao_value b = ao_message_value(world_message(context, base));
    ao_value r = ao_message_value(world_message(context, request));
    ao_message *values = world_message(context, "{\"error_strategy\": \"stop\"}");
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    options.values = values;
    if (ao_resolve_on(context, b, r, &options, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", request, err.text);
    ao_message_unref(values);
    ao_value_unref(b);
    ao_value_unref(r);
    return result;
}

/* A member of a message is this text; NULL: it is not there. */
static void assert_member(ao_value message, const char *key, const char *text)
{
    ao_value value = ao_message_find_text(ao_to_message(message), key);

    if (!text) {
        assert_int_equal(value.kind, AO_NONE);
        return;
    }
    if (ao_text(value).len != strlen(text) ||
        memcmp(ao_text(value).data, text, strlen(text)) != 0)
        fail_msg("%s: %.*s, not %s", key, (int)ao_text(value).len,
                 (const char *)ao_text(value).data, text);
}

#define STACK(devices, more)                                                                   \
    "{\"device\": \"stack@1.0\", \"device-stack\": [" devices "]" more "}"
#define P "\"probe@1.0\""

/* ---- Fold ---- */

static void each_device_is_activated_on_the_state_before(void **state)
{
    (void)state;
    world_expect(context, STACK(P ", " P, ", \"k\": 1"), "{\"path\": \"note\"}",
                 "{\"is\": " STACK(P ", " P, ", \"k\": 1, \"log\": \"1,1,,,stack@1.0,,;"
                                             "2,1,,,stack@1.0,,;\"") "}");
}

static void prefixes_come_from_their_lists_and_stay_until_the_next(void **state)
{
    (void)state;
    world_expect(
        context,
        STACK(P ", " P ", " P,
              ", \"input-prefix\": \"i\", \"input-prefixes\": [\"i1\", \"i2\"],"
              " \"output-prefixes\": {\"2\": \"o2\"}, \"pass\": 7"),
        "{\"path\": \"note\"}",
        "{\"is\": " STACK(P ", " P ", " P,
                          ", \"input-prefix\": \"i\", \"input-prefixes\": [\"i1\", \"i2\"],"
                          " \"output-prefixes\": {\"2\": \"o2\"}, \"pass\": 7, \"log\": \""
                          "1,1,i1,,stack@1.0,i,;"
                          "2,1,i2,o2,stack@1.0,i,;"
                          "3,1,i2,o2,stack@1.0,i,;\"") "}");
}

static void a_numbered_message_is_a_stack_too(void **state)
{
    ao_result result;

    (void)state;
    result = world_resolve(context,
                           "{\"device\": \"stack@1.0\", \"device-stack\": {\"1\": " P
                           ", \"2\": " P ", \"4\": " P "}}",
                           "{\"path\": \"note\"}");
    assert_member(result.value, "log", "1,1,,,stack@1.0,,;2,1,,,stack@1.0,,;");
    ao_value_unref(result.value);
}

/* Definitions of processes call it `Execution-Stack`. */
static void the_other_name_of_the_stack_is_known(void **state)
{
    static const char *const stacks[] = {"[" P ", " P "]", "{\"1\": " P ", \"2\": " P "}",
                                         "\"\\\"probe@1.0\\\", \\\"probe@1.0\\\"\"",
                                         "\"probe@1.0 ,probe@1.0\""};
    char base[512];
    ao_result result;

    (void)state;
    for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
        snprintf(base, sizeof base, "{\"device\": \"stack@1.0\", \"Execution-Stack\": %s}",
                 stacks[i]);
        result = world_resolve(context, base, "{\"path\": \"note\"}");
        assert_int_equal(result.outcome, AO_OUTCOME_OK);
        assert_member(result.value, "log", "1,1,,,stack@1.0,,;2,1,,,stack@1.0,,;");
        ao_value_unref(result.value);
    }
    /* The one that devices know goes before it. */
    result = world_resolve(context, STACK(P, ", \"execution-stack\": [\"nobody@1.0\"]"),
                           "{\"path\": \"note\"}");
    assert_member(result.value, "log", "1,1,,,stack@1.0,,;");
    ao_value_unref(result.value);
}

static void a_literal_ends_the_fold_and_so_does_a_plain_value(void **state)
{
    static const char base[] = STACK(P ", " P, ", \"k\": \"v\", \"m\": {\"n\": 1}, \"l\": [1]");

    (void)state;
    world_expect(context, base, "{\"path\": \"say\"}", "{\"is\": \"text\"}");
    world_expect(context, base, "{\"path\": \"k\"}", "{\"is\": \"v\"}");
    world_expect(context, base, "{\"path\": \"l\"}", "{\"is\": [1]}");
    world_expect(context, base, "{\"path\": \"m\"}", "{\"is\": {\"n\": 1}}");
    world_expect(context, base, "{\"path\": \"m/n\"}", "{\"is\": 1}");
}

static void a_device_without_the_key_is_passed_over(void **state)
{
    ao_result result;

    (void)state;
    result = world_resolve(context, STACK(P ", " P ", " P, ""),
                           "{\"path\": \"only-at\", \"at\": 2}");
    assert_member(result.value, "log", "2,1,,,stack@1.0,,;");
    assert_member(result.value, "device-key", NULL);
    ao_value_unref(result.value);
    world_expect(context, STACK(P, ""), "{\"path\": \"only-at\", \"at\": 2}",
                 "{\"is\": " STACK(P, "") "}");
    world_expect(context, STACK("", ""), "{\"path\": \"note\"}", "{\"is\": " STACK("", "") "}");
}

static void skip_ends_the_fold_and_all_is_as_before(void **state)
{
    ao_result result;

    (void)state;
    result = world_resolve(context, STACK(P ", " P, ", \"output-prefixes\": [\"o\"]"),
                           "{\"path\": \"note\", \"as\": \"skip\"}");
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_member(result.value, "log", "1,1,,o,stack@1.0,,;");
    assert_member(result.value, "device", "stack@1.0");
    assert_member(result.value, "device-key", NULL);
    assert_member(result.value, "pass", NULL);
    assert_member(result.value, "output-prefix", NULL);
    assert_member(result.value, "previous-device", NULL);
    ao_value_unref(result.value);
}

static void what_an_older_fold_left_behind_is_removed(void **state)
{
    ao_result result;

    (void)state;
    result = world_resolve(context,
                           STACK(P, ", \"previous-device\": \"x\", \"device-key\": 9,"
                                    " \"previous-input-prefix\": \"y\","
                                    " \"previous-output-prefix\": \"z\""),
                           "{\"path\": \"note\"}");
    assert_member(result.value, "log", "1,1,,,stack@1.0,,;");
    assert_member(result.value, "device-key", NULL);
    assert_member(result.value, "previous-device", NULL);
    assert_member(result.value, "previous-input-prefix", NULL);
    assert_member(result.value, "previous-output-prefix", NULL);
    ao_value_unref(result.value);
}

/* ---- Passes ---- */

static void a_pass_begins_again_at_the_first_device(void **state)
{
    ao_result result;

    (void)state;
    result = world_resolve(
        context,
        STACK(P ", \"multipass@1.0\"", ", \"passes\": 2, \"output-prefixes\": {\"2\": \"o\"}"),
        "{\"path\": \"note\"}");
    assert_member(result.value, "log", "1,1,,,stack@1.0,,;1,2,,,stack@1.0,,;");
    assert_member(result.value, "pass", NULL);
    ao_value_unref(result.value);
}

static void too_many_passes_are_an_error(void **state)
{
    (void)state;
    world_expect_outcome(context, STACK("\"multipass@1.0\"", ", \"passes\": 1001"),
                         "{\"path\": \"x\"}", AO_OUTCOME_ERROR, 508);
    world_expect_outcome(context, STACK("\"multipass@1.0\"", ", \"passes\": 1000"),
                         "{\"path\": \"x\"}", AO_OUTCOME_OK, 0);
    world_expect_outcome(context,
                         STACK("\"multipass@1.0\"", ", \"passes\": 9223372036854775807"),
                         "{\"path\": \"x\"}", AO_OUTCOME_ERROR, 508);
}

/* What a base, which is given back, answers to a key. */
static void expect_too_many(ao_value base, const char *key)
{
    ao_value request = ao_binary_text(key);
    ao_result result;
    int64_t status = 0;

    assert_int_equal(ao_resolve_on(context, base, request, NULL, &result, NULL), BEAMR_OK);
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(
        ao_to_integer(ao_message_find_text(ao_to_message(result.value), "status"), &status));
    assert_int_equal(status, 508);
    ao_value_unref(result.value);
    ao_value_unref(request);
    ao_value_unref(base);
}

/* 101 devices in 1,000 passes would be 101,000 steps. */
static void too_many_steps_are_an_error(void **state)
{
    ao_value devices[101];
    ao_builder b;

    (void)state;
    for (size_t i = 0; i < 100; i++)
        devices[i] = ao_binary_text("probe@1.0");
    devices[100] = ao_binary_text("multipass@1.0");
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text("stack@1.0"));
    ao_builder_put(&b, "device-stack", ao_list_new(devices, 101));
    ao_builder_put(&b, "passes", ao_integer(1000));
    expect_too_many(ao_builder_value(&b), "x");
}

static void too_many_devices_are_an_error_of_map_too(void **state)
{
    enum { MANY = 100001 };
    ao_value *devices = malloc(MANY * sizeof *devices), name = ao_binary_text("probe@1.0");
    ao_builder b;

    (void)state;
    assert_non_null(devices);
    for (size_t i = 0; i < MANY; i++)
        devices[i] = ao_value_ref(name);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "device", ao_binary_text("stack@1.0"));
    ao_builder_put(&b, "mode", ao_binary_text("Map"));
    ao_builder_put(&b, "device-stack", ao_list_new(devices, MANY));
    expect_too_many(ao_builder_value(&b), "say");
    ao_value_unref(name);
    free(devices);
}

/* ---- Errors ---- */

static void an_error_of_a_device_is_raised(void **state)
{
    (void)state;
    expect_raised(STACK(P, ""), "{\"path\": \"refuse\"}", NULL, BEAMR_EXCEPTION,
                  "device_failed: device 1 of the stack, `probe@1.0`, answered `refuse` with "
                  "error: no tea here");
    expect_raised(STACK(P, ""), "{\"path\": \"note\", \"as\": \"error\"}", NULL,
                  BEAMR_EXCEPTION, "device_failed");
    expect_raised("{\"device\": \"stack@1.0\", \"passes\": 2, \"process\": {\"a\": \"b\"},"
                  " \"device-stack\": [\"json-iface@1.0\", \"multipass@1.0\"],"
                  " \"results\": {\"type\": \"ok\", \"output\": [\"no JSON\"]}}",
                  "{\"path\": \"compute\", \"body\": {\"data\": \"x\"}}", NULL, BEAMR_EXCEPTION,
                  "with error: JSON error parsing result output.");
    expect_raised(STACK(P, ""), "{\"path\": \"note\", \"as\": \"created\"}", NULL,
                  BEAMR_EXCEPTION, "with created");
    expect_raised(STACK(P, ""), "{\"path\": \"say\", \"as\": \"skip\"}", NULL, BEAMR_EXCEPTION,
                  "with skip: text");
    expect_raised(STACK(P, ""), "{\"path\": \"say\", \"as\": \"pass\"}", NULL, BEAMR_EXCEPTION,
                  "with pass: text");
    expect_raised(STACK(P, ""), "{\"path\": \"throw\"}", NULL, BEAMR_CONFLICT, "thrown by");
}

static void with_stop_an_error_is_the_result(void **state)
{
    ao_result result;

    (void)state;
    result = resolve_stopping(STACK(P ", " P, ""), "{\"path\": \"refuse\"}");
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_member(result.value, "body", "no tea here");
    assert_member(result.value, "device", NULL);
    ao_value_unref(result.value);
    result = resolve_stopping(STACK(P, ""), "{\"path\": \"note\", \"as\": \"created\"}");
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    ao_value_unref(result.value);
}

static void a_state_that_comes_with_an_error_is_as_before(void **state)
{
    ao_result result;

    (void)state;
    result = resolve_stopping(STACK(P, ", \"output-prefixes\": [\"o\"], \"pass\": \"p\""),
                              "{\"path\": \"note\", \"as\": \"error\"}");
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_member(result.value, "log", "1,1,,o,stack@1.0,,;");
    assert_member(result.value, "device", "stack@1.0");
    assert_member(result.value, "device-key", NULL);
    assert_member(result.value, "output-prefix", NULL);
    assert_member(result.value, "pass", "p");
    ao_value_unref(result.value);
}

static void what_the_host_could_not_do_stays_a_failure(void **state)
{
    (void)state;
    world_expect_outcome(context, STACK(P ", " P, ""), "{\"path\": \"host\"}",
                         AO_OUTCOME_FAILURE, 503);
}

static void what_is_no_stack_is_raised(void **state)
{
    (void)state;
    expect_raised("{\"device\": \"stack@1.0\"}", "{\"path\": \"note\"}", NULL, BEAMR_ARGUMENT,
                  "no_valid_device_stack");
    expect_raised("{\"device\": \"stack@1.0\", \"device-stack\": \"probe@1.0\"}",
                  "{\"path\": \"note\"}", NULL, BEAMR_ARGUMENT, "no_valid_device_stack");
    expect_raised(STACK("\"nobody@1.0\"", ""), "{\"path\": \"note\"}", NULL, BEAMR_NOT_FOUND,
                  "nobody@1.0");
    expect_raised(STACK("7", ""), "{\"path\": \"note\"}", NULL, BEAMR_ARGUMENT,
                  "must be a text");
    expect_raised(STACK("\"test-device@1.0\"", ""), "{\"path\": \"snapshot\"}", NULL,
                  BEAMR_ARGUMENT, "mode=Map");
    expect_raised(STACK(P, ", \"mode\": \"Other\""), "{\"path\": \"note\"}", NULL,
                  BEAMR_ARGUMENT, "Other");
    expect_raised(STACK(P, ""), "{\"path\": \"note\", \"mode\": \"WASM\"}", NULL,
                  BEAMR_ARGUMENT, "WASM");
    expect_raised(STACK(P, ""), "{\"path\": \"note\", \"mode\": 7}", NULL, BEAMR_ARGUMENT,
                  "Fold or Map");
}

/* ---- Keys that are not the stack's ---- */

static void the_mode_of_a_guest_is_no_mode_of_the_stack(void **state)
{
    ao_result result;

    (void)state;
    result = world_resolve(context, STACK(P, ", \"mode\": \"WASM\""), "{\"path\": \"note\"}");
    assert_member(result.value, "log", "1,1,,,stack@1.0,,;");
    ao_value_unref(result.value);
}

static void only_stack_keys_belong_to_the_stack(void **state)
{
    static const char list[] =
        STACK(P, ", \"stack-keys\": [\"Only_At\", \"say\"], \"note\": 5");
    static const char numbered[] =
        STACK(P, ", \"stack-keys\": {\"1\": \"say\"}, \"note\": {\"x\": 5}");

    (void)state;
    world_expect(context, list, "{\"path\": \"note\"}", "{\"is\": 5}");
    world_expect(context, list, "{\"path\": \"say\"}", "{\"is\": \"text\"}");
    world_expect_outcome(context, list, "{\"path\": \"only-at\", \"at\": 2}", AO_OUTCOME_OK, 0);
    world_expect(context, numbered, "{\"path\": \"note/x\"}", "{\"is\": 5}");
    world_expect(context, numbered, "{\"path\": \"say\"}", "{\"is\": \"text\"}");
    world_expect_outcome(context, numbered, "{\"path\": \"transform\"}", AO_OUTCOME_ERROR, 0);
}

static void keys_about_the_message_are_those_of_message(void **state)
{
    static const char base[] = STACK(P, ", \"k\": 1");
    ao_message *message = world_message(context, base);
    char id[AO_ID_TEXT + 1], expected[AO_ID_TEXT + 20];

    (void)state;
    world_expect(context, base, "{\"path\": \"keys\"}",
                 "{\"is\": [\"device\", \"device-stack\", \"k\"]}");
    world_expect(context, base, "{\"path\": \"set\", \"k\": 2}",
                 "{\"is\": " STACK(P, ", \"k\": 2") "}");
    assert_int_equal(ao_message_id(context, message, id, NULL), BEAMR_OK);
    snprintf(expected, sizeof expected, "{\"is\": \"%s\"}", id);
    world_expect(context, base, "{\"path\": \"id\"}", expected);
    ao_message_unref(message);
}

/* ---- Map ---- */

static void map_asks_each_device_on_the_base(void **state)
{
    static const char base[] =
        "{\"device\": \"stack@1.0\", \"mode\": \"Map\", \"output-prefixes\": [\"o1\", \"o2\"],"
        " \"device-stack\": {\"1\": " P ", \"2\": " P ", \"3\": " P ", \"named\": " P "}}";
    static const char *const keys[] = {"1", "2", "3", "named"}, *const logs[] = {
                                                                    "1,,,o1,stack@1.0,,;",
                                                                    "2,,,o2,stack@1.0,,;",
                                                                    "3,,,o2,stack@1.0,,;",
                                                                    "named,,,o2,stack@1.0,,;"};
    ao_result result = world_resolve(context, base, "{\"path\": \"note\"}");

    (void)state;
    assert_int_equal(ao_message_count(ao_to_message(result.value)), 4);
    for (size_t i = 0; i < 4; i++)
        assert_member(ao_message_find_text(ao_to_message(result.value), keys[i]), "log",
                      logs[i]);
    ao_value_unref(result.value);
}

static void map_drops_what_is_not_ok(void **state)
{
    ao_result result = world_resolve(context, STACK(P ", " P, ""),
                                     "{\"path\": \"only-at\", \"at\": 2, \"mode\": \"Map\"}");

    (void)state;
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    assert_int_equal(ao_message_count(ao_to_message(result.value)), 1);
    assert_member(ao_message_find_text(ao_to_message(result.value), "2"), "log",
                  "2,,,,stack@1.0,,;");
    ao_value_unref(result.value);
    world_expect(context, STACK(P ", " P, ""), "{\"path\": \"refuse\", \"mode\": \"map\"}",
                 "{\"is\": {}}");
    world_expect(context, STACK(P ", " P, ""), "{\"path\": \"say\", \"mode\": \"Map\"}",
                 "{\"is\": {\"1\": \"text\", \"2\": \"text\"}}");
    expect_raised("{\"device\": \"stack@1.0\"}", "{\"path\": \"note\", \"mode\": \"Map\"}",
                  NULL, BEAMR_ARGUMENT, "no_valid_device_stack");
}

/* ---- transform ---- */

static void transform_activates_one_device(void **state)
{
    static const char base[] = STACK(P ", \"test-device@1.0\", " P,
                                     ", \"output-prefixes\": [\"o\"], \"input-prefix\": \"i\"");
    ao_result result;

    (void)state;
    world_expect(context, base, "{\"path\": \"transform/2/test_func\"}",
                 "{\"is\": \"GOOD_FUNCTION\"}");
    result = world_resolve(context, base, "{\"path\": \"transform/3/note\"}");
    assert_member(result.value, "log", "3,,i,o,stack@1.0,i,;");
    assert_member(result.value, "device", "probe@1.0");
    ao_value_unref(result.value);
    world_expect(context, base, "{\"path\": \"transform/keys/1\"}", "{\"is\": \"device\"}");
}

static void transform_has_only_the_devices_that_there_are(void **state)
{
    static const char *const paths[] = {
        "{\"path\": \"transform/2\"}", "{\"path\": \"transform/0\"}",
        "{\"path\": \"transform/-1\"}", "{\"path\": \"transform/note\"}",
        "{\"path\": \"transform/99999999999\"}"};

    (void)state;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        ao_result result = world_resolve(context, STACK(P, ""), paths[i]);

        assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
        assert_true(ao_is_atom(result.value, "not_found"));
        ao_value_unref(result.value);
    }
}

/* Prefixes are looked for from the device downwards: not from any number that there is. */
static void transform_has_no_devices_beyond_all_steps(void **state)
{
    static const char base[] = "{\"device\": \"stack@1.0\", \"output-prefixes\": [\"o\"],"
                               " \"device-stack\": {\"1\": " P ", \"999999999999999\": " P "}}";
    ao_result result =
        world_resolve(context, base, "{\"path\": \"transform/999999999999999/note\"}");

    (void)state;
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(ao_is_atom(result.value, "not_found"));
    ao_value_unref(result.value);
}

/* ---- Within each other, and later ---- */

static void a_stack_can_stand_within_a_stack(void **state)
{
    ao_result result = world_resolve(
        context,
        STACK(P ", " P, ", \"inner\": " STACK(P ", \"multipass@1.0\"", ", \"passes\": 2")),
        "{\"path\": \"nest\"}");
    ao_value inner = ao_message_find_text(ao_to_message(result.value), "inner");

    (void)state;
    assert_member(result.value, "device", "stack@1.0");
    assert_member(result.value, "device-key", NULL);
    assert_member(inner, "device", "stack@1.0");
    assert_member(inner, "log",
                  "1,1,,,stack@1.0,,;1,2,,,stack@1.0,,;1,1,,,stack@1.0,,;1,2,,,stack@1.0,,;");
    ao_value_unref(result.value);
}

static void a_stack_of_itself_comes_to_an_end(void **state)
{
    (void)state;
    expect_raised(STACK(P ", \"stack@1.0\", \"stack@1.0\"", ""), "{\"path\": \"note\"}", NULL,
                  BEAMR_LIMIT, "resolutions within each other");
}

static void devices_can_answer_later(void **state)
{
    ao_result result;

    (void)state;
    for (int i = 0; i < 20; i++) {
        result = world_resolve(context, STACK(P ", " P ", " P, ""), "{\"path\": \"later\"}");
        assert_member(result.value, "log",
                      "1,1,,,stack@1.0,,;2,1,,,stack@1.0,,;3,1,,,stack@1.0,,;");
        ao_value_unref(result.value);
        result = world_resolve(context, STACK(P ", " P, ""),
                               "{\"path\": \"later\", \"mode\": \"Map\"}");
        assert_int_equal(ao_message_count(ao_to_message(result.value)), 2);
        ao_value_unref(result.value);
    }
}

static void see_cancelled(void *user, const ao_result *result, const beamr_error *err)
{
    assert_null(err);
    *(ao_outcome *)user = result->outcome;
}

static void a_stack_that_waits_can_be_cancelled(void **state)
{
    ao_value items[2] = {ao_message_value(world_message(context, STACK(P ", " P, ""))),
                         ao_message_value(world_message(context, "{\"path\": \"wait\"}"))};
    ao_value list = ao_list_new(items, 2);
    ao_outcome outcome = AO_OUTCOME_OK;
    ao_task *task = NULL;

    (void)state;
    waiting = NULL;
    assert_int_equal(ao_task_start(context, list, NULL, see_cancelled, &outcome, &task, NULL),
                     BEAMR_OK);
    assert_non_null(waiting);
    assert_int_equal(outcome, AO_OUTCOME_OK);
    ao_task_cancel(task);
    assert_int_equal(outcome, AO_OUTCOME_FAILURE);
    ao_task_unref(task);
    ao_value_unref(list);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_context, close_context)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_device_is_activated_on_the_state_before),
        TEST(prefixes_come_from_their_lists_and_stay_until_the_next),
        TEST(a_numbered_message_is_a_stack_too),
        TEST(the_other_name_of_the_stack_is_known),
        TEST(a_literal_ends_the_fold_and_so_does_a_plain_value),
        TEST(a_device_without_the_key_is_passed_over),
        TEST(skip_ends_the_fold_and_all_is_as_before),
        TEST(what_an_older_fold_left_behind_is_removed),
        TEST(a_pass_begins_again_at_the_first_device),
        TEST(too_many_passes_are_an_error),
        TEST(too_many_steps_are_an_error),
        TEST(too_many_devices_are_an_error_of_map_too),
        TEST(an_error_of_a_device_is_raised),
        TEST(with_stop_an_error_is_the_result),
        TEST(a_state_that_comes_with_an_error_is_as_before),
        TEST(what_the_host_could_not_do_stays_a_failure),
        TEST(what_is_no_stack_is_raised),
        TEST(the_mode_of_a_guest_is_no_mode_of_the_stack),
        TEST(only_stack_keys_belong_to_the_stack),
        TEST(keys_about_the_message_are_those_of_message),
        TEST(map_asks_each_device_on_the_base),
        TEST(map_drops_what_is_not_ok),
        TEST(transform_activates_one_device),
        TEST(transform_has_only_the_devices_that_there_are),
        TEST(transform_has_no_devices_beyond_all_steps),
        TEST(a_stack_can_stand_within_a_stack),
        TEST(a_stack_of_itself_comes_to_an_end),
        TEST(devices_can_answer_later),
        TEST(a_stack_that_waits_can_be_cancelled),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
