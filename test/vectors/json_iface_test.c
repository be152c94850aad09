/* Vectors of json-iface@1.0 (json-iface.json): what a module is given, and what is made of its
 * reply. The reference does not say what the process is: it has an id, an owner, an image and
 * some keys. */
#define _GNU_SOURCE
#include <string.h>

#include "device/json_iface.h"
#include "vectors/notation.h"

#define IMAGE "Oyimw3ZsYpWtrZdtNJcF70k5P7_evk-stYYtLN-ihdM"
#define PROCESS "GSttrj7cXG1dqUXHSkJIg9Xl7Qz0ydFWqPRuHM6aXDM"

/* The process of the vectors. Its signature was not kept. */
static ao_message *process(void)
{
    static const char text[] =
        "{\"commitments\":{\"" PROCESS "\":{\"commitment-device\":\"httpsig@1.0\","
        "\"committer\":\"VutoYYwMPP5qi1myEWCb6aJ3KPm98TZYZMdI6Ewoga0\"}},"
        "\"device\":\"process@1.0\",\"type\":\"Process\",\"image\":\"" IMAGE "\","
        "\"scheduler\":\"4IShBae31Zm4NG08ulrFG3VtfinH73f9nv8x_erjE4k\","
        "\"authority\":\"OQs2oJUCsF1PjCeuomNsa3_QWyfXQu0yB0_-ofiI6-Q\"}";
    ao_value encoded = ao_binary_text(text);
    ao_message *message = NULL;
    beamr_error err = {0};

    if (ao_decode(notation_context, "json@1.0", encoded, &message, &err) != BEAMR_OK)
        fail_msg("the process: %s", err.text);
    ao_value_unref(encoded);
    return message;
}

static ao_result compute(int pass, const char *key, ao_value value, ao_value body)
{
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    ao_value base, request;
    beamr_error err = {0};
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, &err);
    ao_builder_put(&builder, "device", ao_binary_text("json-iface@1.0"));
    ao_builder_put(&builder, "pass", ao_integer(pass));
    ao_builder_put(&builder, "process", ao_message_value(process()));
    if (key)
        ao_builder_put(&builder, key, value);
    base = ao_builder_value(&builder);
    ao_builder_begin(&builder, NULL, NULL, &err);
    ao_builder_put(&builder, "path", ao_binary_text("compute"));
    ao_builder_put(&builder, "block-height", ao_integer(1234));
    ao_builder_put(&builder, "body", body);
    request = ao_builder_value(&builder);
    if (ao_resolve_on(notation_context, base, request, NULL, &result, &err) != BEAMR_OK)
        fail_msg("compute: %s", err.text);
    ao_value_unref(base);
    ao_value_unref(request);
    return result;
}

/* The text without the value of its `Id`, in a buffer. */
static const char *without_id(const char *text, size_t len, char out[1024])
{
    const char *id = memmem(text, len, "\"Id\":\"", 6);
    size_t before;

    assert_non_null(id);
    assert_true(len < 1024);
    before = (size_t)(id - text) + 6;
    memcpy(out, text, before);
    memcpy(out + before, text + before + AO_ID_TEXT, len - before - AO_ID_TEXT);
    out[len - AO_ID_TEXT] = 0;
    return out;
}

/* The reference gives this message an id that is not that of what it shows: what else it had
 * is not told. Ours is its unsigned id, as it must be. */
static void check_unsigned(ao_value value, const char *expected)
{
    char ours[1024], other[1024];
    beamr_bytes text = ao_text(value);

    assert_non_null(
        memmem(text.data, text.len, "LR7dWTpR2SyhtAJoa3IIoIUOIe85iQimDdnPIOQgsMM", AO_ID_TEXT));
    assert_string_equal(without_id((const char *)text.data, text.len, ours),
                        without_id(expected, strlen(expected), other));
}

static void assert_text(ao_value value, const char *expected, const char *name)
{
    beamr_bytes text = ao_text(value);

    if (text.len != strlen(expected) || memcmp(text.data, expected, text.len) != 0)
        fail_msg("%s:\n%.*s\nis not\n%s", name, (int)text.len, (const char *)text.data,
                 expected);
}

static void check_prepared(const char *name, const json_t *vector)
{
    ao_result result =
        compute(1, NULL, AO_NO_VALUE, notation_value(notation_member(vector, "message")));
    const ao_message *base = ao_to_message(result.value);
    ao_value parameters;

    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    parameters = ao_message_find_text(base, "parameters");
    assert_int_equal(ao_list_count(parameters), 2);
    assert_text(ao_message_find_text(base, "function"), notation_text(vector, "function"),
                name);
    if (strcmp(name, "prep-unsigned") == 0)
        check_unsigned(ao_list_at(parameters, 0), notation_text(vector, "message-json"));
    else
        assert_text(ao_list_at(parameters, 0), notation_text(vector, "message-json"), name);
    assert_text(ao_list_at(parameters, 1), notation_text(vector, "process-json"), name);
    ao_value_unref(result.value);
}

/* ---- Where better is required ---- */

/* `results` with one message in its outbox as it must be. */
static ao_value with_outbox(ao_value results, ao_value message)
{
    ao_message *outbox = NULL, *out = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_message_with(ao_message_empty(), "1", message, &outbox, &err),
                     BEAMR_OK);
    assert_int_equal(
        ao_message_with(ao_to_message(results), "outbox", ao_message_value(outbox), &out, &err),
        BEAMR_OK);
    ao_value_unref(results);
    return ao_message_value(out);
}

static ao_value message_of(const char *json)
{
    ao_value text = ao_binary_text(json);
    ao_message *message = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_decode(notation_context, "json@1.0", text, &message, &err), BEAMR_OK);
    ao_value_unref(text);
    return ao_message_value(message);
}

/* What results must be; for some, better than the reference's. */
static ao_value expected_results(const json_t *vector, const char *name)
{
    /* A module must not say what process a message comes from, nor of which image, and what its
     * tags are is told by the keys; the process's id is that of its signature alone. */
    if (strcmp(name, "results-ok") == 0)
        return with_outbox(notation_value(notation_member(vector, "results")),
                           message_of("{\"action\":\"Pong\",\"data\":\"hi\",\"target\":\"T\","
                                      "\"from-process\":\"" PROCESS "\","
                                      "\"from-image\":\"" IMAGE "\"}"));
    /* An error can be told from an answer. */
    if (strcmp(name, "results-error-field") == 0) {
        ao_value results = notation_value(notation_member(vector, "results"));
        ao_message *out = NULL;
        beamr_error err = {0};

        assert_int_equal(ao_message_with(ao_to_message(results), "error",
                                         ao_binary_text("boom"), &out, &err),
                         BEAMR_OK);
        ao_value_unref(results);
        return ao_message_value(out);
    }
    /* The reference raises. */
    if (strcmp(name, "results-not-ok") == 0)
        return message_of("{\"error\":\"bad\",\"output\":\"{\\\"ok\\\":false,\\\"error\\\":"
                          "\\\"bad\\\"}\",\"type\":\"ok\"}");
    return notation_value(notation_member(vector, "results"));
}

static void check_results(const char *name, const json_t *vector)
{
    const char *status = notation_text(vector, "status");
    ao_value output = ao_binary_text(notation_text(vector, "wasm-output-json"));
    ao_value expected = expected_results(vector, name);
    beamr_error err = {0};
    ao_builder builder;
    ao_result result;

    if (strcmp(status, "raised") == 0)
        status = "error";
    ao_builder_begin(&builder, NULL, NULL, &err);
    ao_builder_put(&builder, "type", ao_binary_text("ok"));
    ao_builder_put(&builder, "output", output);
    result =
        compute(2, "results", ao_builder_value(&builder), ao_message_value(ao_message_empty()));
    assert_string_equal(ao_outcome_text(result.outcome), status);
    notation_assert_equal(ao_message_find_text(ao_to_message(result.value), "results"),
                          expected, name);
    ao_value_unref(expected);
    ao_value_unref(result.value);
}

static void check_legacy(const char *name, const json_t *vector)
{
    ao_value text = ao_binary_text(notation_text(vector, "json")), expected;
    ao_message *results = NULL;
    beamr_error err = {0};
    beamr_status st = json_iface_results(notation_context, text, NULL, &results, &err);

    if (strcmp(notation_text(vector, "status"), "raised") == 0) {
        assert_int_equal(st, BEAMR_MESSAGE);
    } else {
        assert_int_equal(st, BEAMR_OK);
        expected = notation_value(notation_member(vector, "message"));
        /* `tags` are in the keys already, as above. */
        if (strcmp(name, "cu-result") == 0)
            expected = with_outbox(expected, message_of("{\"a\":\"b\",\"target\":\"T\"}"));
        notation_assert_equal((ao_value){.kind = AO_MESSAGE, .of.message = results}, expected,
                              name);
        ao_value_unref(expected);
        ao_message_unref(results);
    }
    ao_value_unref(text);
}

static void check(const char *name, const json_t *vector)
{
    if (strncmp(name, "prep-", 5) == 0)
        check_prepared(name, vector);
    else if (strncmp(name, "results-", 8) == 0)
        check_results(name, vector);
    else
        check_legacy(name, vector);
}

static void modules_are_asked_and_understood_as_by_the_reference(void **state)
{
    (void)state;
    notation_each("json-iface.json", 11, check);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modules_are_asked_and_understood_as_by_the_reference),
    };

    return cmocka_run_group_tests(tests, notation_open, notation_close);
}
