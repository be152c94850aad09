/* Vectors of HTTP exchanges (http.json), those that concern codecs, paths and resolution: a
 * request is decoded, parsed and resolved, and the answer encoded, as a node does it around the
 * socket. Headers that a node adds to every answer (`access-control-*`) are left out. What
 * needs more of a node is listed with the reason; a vector of a new name is tried. */
#define _GNU_SOURCE /* memmem */

#include "vectors/notation.h"

static const struct {
    const char *name, *why;
} others[] = {
    {"get-address", "meta@1.0"},
    {"get-literal-json", "meta@1.0"},
    {"get-port-integer", "meta@1.0"},
    {"post-schedule-process", "scheduler@1.0"},
    {"post-schedule-process-scheduler-device", "scheduler@1.0"},
    {"post-schedule-message", "scheduler@1.0"},
    {"post-schedule-ans104", "scheduler@1.0"},
    {"post-bad-signature", "scheduler@1.0"},
    {"get-slot", "scheduler@1.0"},
    {"get-slot-current", "scheduler@1.0"},
    {"get-schedule", "scheduler@1.0"},
    {"get-schedule-typed", "scheduler@1.0"},
    {"get-schedule-aos2", "scheduler@1.0"},
    {"get-compute", "process@1.0"},
    {"get-compute-results", "process@1.0"},
    {"get-compute-results-json", "process@1.0"},
    {"get-now-results", "process@1.0"},
    {"get-now-at-slot", "process@1.0"},
    {"get-compute-future", "process@1.0"},
    {"get-relay-no-peer", "cron@1.0"},
    {"force-signed", "an option of the node, which signs what it sends"},
};

static const char *why_not(const char *name)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (strcmp(name, others[i].name) == 0)
            return others[i].why;
    }
    return NULL;
}

static bool is_text(ao_value value, const char *expected)
{
    beamr_bytes text = ao_text(value);

    return text.len == strlen(expected) && memcmp(text.data, expected, text.len) == 0;
}

/* ---- Request to message ---- */

/* The value of a header, borrowed; NULL when absent. */
static const json_t *header(const json_t *request, const char *name)
{
    const json_t *pair;
    size_t i;

    json_array_foreach(notation_member(request, "headers"), i, pair)
    {
        if (strcmp(json_string_value(json_array_get(pair, 0)), name) == 0)
            return json_array_get(pair, 1);
    }
    return NULL;
}

static bool header_is(const json_t *request, const char *name, const char *text)
{
    const json_t *json = header(request, name);
    ao_value value = json ? notation_value(json) : AO_NO_VALUE;
    bool is_equal = is_text(value, text);

    ao_value_unref(value);
    return is_equal;
}

/* Header fields and a body that is not empty, as httpsig@1.0 decodes them. */
static ao_value fields_of(const json_t *exchange)
{
    ao_value body = notation_value(notation_member(exchange, "body"));
    const json_t *pair;
    ao_builder fields;
    size_t i;

    ao_builder_begin(&fields, NULL, NULL, NULL);
    json_array_foreach(notation_member(exchange, "headers"), i, pair)
    {
        const char *name = json_string_value(json_array_get(pair, 0));

        if (strncmp(name, "access-control-", strlen("access-control-")) != 0)
            ao_builder_put(&fields, name, notation_value(json_array_get(pair, 1)));
    }
    if (ao_bytes(body).len > 0)
        ao_builder_put(&fields, "body", ao_value_ref(body));
    ao_value_unref(body);
    return ao_builder_value(&fields);
}

static ao_message *request_message(ao_context *context, const json_t *request)
{
    bool is_json = header_is(request, "codec-device", "json@1.0");
    ao_value encoded =
        is_json ? notation_value(notation_member(request, "body")) : fields_of(request);
    ao_message *decoded = NULL, *message = NULL;
    beamr_error err = {0};
    ao_builder builder;

    if (ao_decode(context, is_json ? "json@1.0" : "httpsig@1.0", encoded, &decoded, &err) !=
        BEAMR_OK)
        fail_msg("decoding: %s", err.text);
    ao_builder_begin(&builder, decoded, NULL, &err);
    ao_builder_put(&builder, "method", ao_binary_text(notation_text(request, "method")));
    if (ao_message_find_text(decoded, "path").kind == AO_NONE)
        ao_builder_put(&builder, "path", ao_binary_text(notation_text(request, "target")));
    assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
    ao_message_unref(decoded);
    ao_value_unref(encoded);
    return message;
}

/* ---- Message to reply ---- */

typedef struct reply {
    int status;
    ao_value encoded; /* fields and body, or the text of another codec */
    const char *codec;
} reply;

static int status_of(const ao_result *result)
{
    ao_message *message = ao_to_message(result->value);
    ao_value body = message ? ao_message_find_text(message, "body") : result->value;
    int64_t status;

    if (message && ao_to_integer(ao_message_find_text(message, "status"), &status))
        return (int)status;
    if (ao_is_atom(body, "not_found"))
        return 404;
    return ao_outcome_http(result->outcome);
}

static const char *codec_of(const json_t *request)
{
    if (header_is(request, "accept-codec", "flat@1.0"))
        return "flat@1.0";
    if (header_is(request, "accept-codec", "json@1.0") ||
        header_is(request, "accept", "application/json"))
        return "json@1.0";
    return "httpsig@1.0";
}

static reply reply_make(ao_context *context, const json_t *request, const ao_result *result)
{
    reply r = {.status = status_of(result), .codec = codec_of(request)};
    ao_message *message = NULL;
    beamr_error err = {0};
    ao_builder builder;

    ao_builder_begin(&builder, ao_to_message(result->value), NULL, &err);
    if (!ao_to_message(result->value)) /* what no device was asked for: an id alone */
        ao_builder_put(&builder, "body", ao_value_ref(result->value));
    ao_builder_put(&builder, "status", ao_integer(r.status));
    assert_int_equal(ao_builder_end(&builder, &message), BEAMR_OK);
    if (ao_encode(context, r.codec, message, &r.encoded, &err) != BEAMR_OK)
        fail_msg("encoding: %s", err.text);
    ao_message_unref(message);
    return r;
}

static reply exchange(ao_context *context, const json_t *request)
{
    ao_options options = AO_OPTIONS_DEFAULT;
    ao_message *message = request_message(context, request);
    ao_value list = AO_NO_VALUE;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};
    reply r = {.encoded = AO_NO_VALUE};

    options.force_message = true;
    options.cache_control = AO_CACHE_ALWAYS;
    if (ao_request_parse(context, message, &list, &err) != BEAMR_OK ||
        ao_resolve(context, list, &options, &result, &err) != BEAMR_OK)
        r.status = beamr_status_http(err.status);
    else
        r = reply_make(context, request, &result);
    ao_value_unref(result.value);
    ao_value_unref(list);
    ao_message_unref(message);
    return r;
}

/* ---- Comparing ---- */

/* The keys of a request to which the reference adds an HMAC, which is the node's business. */
static ao_value without_commitments(ao_value fields)
{
    ao_message *changed = NULL;
    ao_builder builder;

    ao_builder_begin(&builder, ao_to_message(fields), NULL, NULL);
    ao_builder_put(&builder, "3", ao_binary_text("method"));
    ao_builder_remove(&builder, beamr_bytes_of("4"));
    assert_int_equal(ao_builder_end(&builder, &changed), BEAMR_OK);
    ao_value_unref(fields);
    return ao_message_value(changed);
}

/* Failures of the reference, for which an answer is asked for. */
static bool is_better(const char *name, const reply *r)
{
    if (strcmp(name, "get-unknown-device") == 0) { /* a 500 there */
        assert_int_equal(r->status, 404);
        return true;
    }
    if (strcmp(name, "get-accept-flat") == 0) { /* a 500 there: the text form is to be sent */
        beamr_bytes text = ao_bytes(r->encoded);

        assert_int_equal(r->status, 200);
        assert_non_null(memmem(text.data, text.len, "body/version: 1.0\n", 18));
        return true;
    }
    return false;
}

static void check(ao_context *context, const json_t *vector)
{
    const char *name = notation_text(vector, "name");
    const json_t *response = notation_member(vector, "response");
    reply r = exchange(context, notation_member(vector, "request"));
    ao_value expected;

    if (is_better(name, &r)) {
        ao_value_unref(r.encoded);
        return;
    }
    if (r.status != json_integer_value(notation_member(response, "status")))
        fail_msg("%s: status %d", name, r.status);
    /* As JSON the reference repeats keys as headers, which nobody needs: the body counts. */
    expected = strcmp(r.codec, "json@1.0") == 0
                   ? notation_value(notation_member(response, "body"))
                   : fields_of(response);
    if (strcmp(name, "get-keys") == 0)
        expected = without_commitments(expected);
    notation_assert_equal(r.encoded, expected, name);
    ao_value_unref(expected);
    ao_value_unref(r.encoded);
}

static void exchanges_are_those_of_the_reference(void **state)
{
    json_t *file = notation_file("http.json");
    const json_t *vectors = notation_member(file, "vectors"), *vector;
    ao_settings settings = {.kv = "memory"};
    beamr_error err = {0};
    size_t i, tried = 0;

    (void)state;
    json_array_foreach(vectors, i, vector)
    {
        const char *name = notation_text(vector, "name"), *why = why_not(name);
        ao_context *context = NULL;

        if (why) {
            print_message("left to the node: %s (%s)\n", name, why);
            continue;
        }
        assert_int_equal(ao_context_new(&settings, &context, &err), BEAMR_OK);
        check(context, vector);
        ao_context_free(context);
        tried++;
    }
    assert_int_equal(tried, json_array_size(vectors) - sizeof others / sizeof others[0]);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exchanges_are_those_of_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
