/* json-iface@1.0: src/device/json_iface*.c. Without a guest: its texts are the parameters, and
 * the reply is a text. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "device/json_iface.h"
#include "world.h"

#define DEVICE "\"device\": \"json-iface@1.0\""
#define PROCESS "\"process\": {\"image\": \"IMG\", \"name\": \"p\"}"

/* ---- What a module is given ---- */

/* Pass 1 on a message, both as JSON; the text of the message, or of the environment. */
static char *prepared(const char *body, const char *moment, size_t which)
{
    ao_context *context = world_open(NULL, NULL);
    char request[4096], *copy;
    ao_result result;
    ao_value parameters;
    beamr_bytes text;

    snprintf(request, sizeof request, "{\"path\": \"compute\"%s, \"body\": %s}", moment, body);
    result = world_resolve(context, "{" DEVICE ", \"pass\": 1, " PROCESS "}", request);
    assert_int_equal(result.outcome, AO_OUTCOME_OK);
    parameters = ao_message_find_text(ao_to_message(result.value), "parameters");
    assert_int_equal(ao_list_count(parameters), 2);
    text = ao_text(ao_list_at(parameters, which));
    copy = strndup((const char *)text.data, text.len);
    assert_non_null(copy);
    ao_value_unref(result.value);
    ao_context_free(context);
    return copy;
}

static void assert_has(const char *body, const char *moment, const char *part)
{
    char *text = prepared(body, moment, 0);

    if (!strstr(text, part))
        fail_msg("%s has no %s", text, part);
    free(text);
}

static void a_message_shows_its_keys_as_tags(void **state)
{
    (void)state;
    assert_has("{\"x-custom-key\": \"1\", \"a\": \"b\"}", "",
               "\"Tags\":[{\"name\":\"A\",\"value\":\"b\"},"
               "{\"name\":\"X-Custom-Key\",\"value\":\"1\"}],\"Target\":\"\"}");
    assert_has("{\"n\": 5}", "", "{\"name\":\"N\",\"value\":\"5\"}");
    assert_has("{\"inner\": {\"b-c\": \"d\"}}", "",
               "{\"name\":\"Inner\",\"value\":{\"b-c\":\"d\"}}");
    assert_has("{\"q\\\"-\\n\": \"\\\\\"}", "", "{\"name\":\"Q\\\"-\\n\",\"value\":\"\\\\\"}");
    assert_has("{\"target\": \"T\", \"anchor\": \"0001\", \"owner\": \"O\", \"id\": \"I\"}", "",
               "\"Tags\":[]");
    assert_has("{\"target\": \"T\", \"anchor\": \"0001\"}", "", "{\"Anchor\":\"0001\",");
    assert_has("{\"target\": \"T\"}", "", "\"Target\":\"T\"}");
    assert_has("{\"from-process\": \"P\"}", "", "\"From\":\"P\",");
    assert_has("{\"data\": \"\\u0000\\u00e9\"}", "", "\"Data\":\"\\u0000\xc3\xa9\",");
}

#define ITEM(signer, value)                                                                    \
    "{" signer "\"commitment-device\": \"ans104@1.0\", \"original-tags\": {\"1\": {\"name\": " \
    "\"aCTion\", \"value\": \"" value "\"}}}"
#define ID_A "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\": "
#define ID_B "\"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA\": "

/* Anybody can put a commitment without a signature beside one that holds. */
static void tags_that_nobody_signed_do_not_stand_in_for_what_was_signed(void **state)
{
    static const char signature[] = "{\"committer\": \"c\", \"commitment-device\": \"x@1.0\"}";
    char body[1024];

    (void)state;
    snprintf(body, sizeof body, "{\"action\": \"Get\", \"commitments\": {%s%s, %s%s}}", ID_A,
             ITEM("", "Send"), ID_B, signature);
    assert_has(body, "", "\"Tags\":[{\"name\":\"Action\",\"value\":\"Get\"}]");
    snprintf(body, sizeof body, "{\"action\": \"Get\", \"commitments\": {%s%s, %s%s}}", ID_B,
             ITEM("", "Send"), ID_A, signature);
    assert_has(body, "", "\"Tags\":[{\"name\":\"Action\",\"value\":\"Get\"}]");
    snprintf(body, sizeof body, "{\"action\": \"Get\", \"commitments\": {%s%s, %s%s}}", ID_A,
             ITEM("", "Send"), ID_B, ITEM("\"committer\": \"c\", ", "Get"));
    assert_has(body, "", "\"Tags\":[{\"name\":\"aCTion\",\"value\":\"Get\"}]");
    snprintf(body, sizeof body, "{\"action\": \"Get\", \"commitments\": {%s%s}}", ID_A,
             ITEM("", "Get"));
    assert_has(body, "", "\"Tags\":[{\"name\":\"aCTion\",\"value\":\"Get\"}]");
}

static void a_message_shows_when_it_was_assigned(void **state)
{
    (void)state;
    assert_has("{}", "", "\"Block-Height\":0,\"Data\"");
    assert_has("{}", ", \"block-height\": \"12\"", "\"Block-Height\":\"12\",");
    assert_has("{}", ", \"block-height\": 12, \"timestamp\": \"99\", \"slot\": 3",
               "\"Slot\":3,\"Tags\":[],\"Target\":\"\",\"Timestamp\":99}");
    assert_has("{}", ", \"slot\": \"3\", \"block-timestamp\": \"8\"",
               "\"Block-Timestamp\":8,\"Data\":\"\",");
    assert_has("{}", ", \"slot\": \"3\"", "\"Slot\":3,\"Tags\"");
    assert_has("{}", ", \"block-timestamp\": 7", "\"Block-Timestamp\":7,\"Data\"");
    assert_has("{}", ", \"timestamp\": \"soon\"", "\"Timestamp\":\"soon\"}");
}

/* Of two; one without a committer is no signer. */
static void the_owner_is_the_first_signer(void **state)
{
    static const char body[] = "{\"a\": 1, \"commitments\": {"
                               "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\": "
                               "{\"commitment-device\": \"httpsig@1.0\","
                               " \"signature\": \"hmac\"},"
                               "\"BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBA\": "
                               "{\"commitment-device\": \"httpsig@1.0\","
                               " \"committer\": \"first\", \"signature\": \"one\"},"
                               "\"CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCA\": "
                               "{\"commitment-device\": \"httpsig@1.0\","
                               " \"committer\": \"second\", \"signature\": \"two\"}}}";

    (void)state;
    assert_has(body, "", "\"From\":\"first\",");
    assert_has(body, "", "\"Owner\":\"first\",\"Signature\":\"one\",");
}

/* 512 bytes are a signature itself, also if they could be a text. */
static void a_signature_of_bytes_is_base64url(void **state)
{
    char body[1024], signature[513] = "";

    (void)state;
    memset(signature, 'a', 512);
    snprintf(body, sizeof body,
             "{\"commitments\": {" ID_A
             "{\"commitment-device\": \"x@1.0\", \"committer\": \"c\","
             " \"signature\": \"%s\"}}}",
             signature);
    assert_has(body, "", "\"Signature\":\"YWFhYWFhYWFh");
    signature[511] = '\0';
    snprintf(body, sizeof body,
             "{\"commitments\": {" ID_A
             "{\"commitment-device\": \"x@1.0\", \"committer\": \"c\","
             " \"signature\": \"%s\"}}}",
             signature);
    assert_has(body, "", "\"Signature\":\"aaaaaaaa");
}

static void the_environment_is_the_process(void **state)
{
    char *text = prepared("{}", ", \"block-height\": 12", 1);

    (void)state;
    assert_ptr_equal(strstr(text, "{\"Process\":{\"Anchor\":\"\",\"Data\":\"\",\"From\":\"\","
                                  "\"Id\":\""),
                     text);
    assert_non_null(strstr(text, "\"Tags\":[{\"name\":\"Image\",\"value\":\"IMG\"},"
                                 "{\"name\":\"Name\",\"value\":\"p\"}],\"Target\":\"\"}}"));
    assert_null(strstr(text, "Block-Height"));
    free(text);
    assert_has("{}", "", "\"Module\":\"IMG\",");
}

/* {KEY: bytes} */
static ao_message *message_of_bytes(const char *key, const void *data, size_t len)
{
    ao_message *message = NULL;
    beamr_error err = {0};
    beamr_bytes bytes = {data, len};

    assert_int_equal(
        ao_message_with(ao_message_empty(), key, ao_binary_copy(bytes), &message, &err),
        BEAMR_OK);
    return message;
}

static void assert_written(const char *key, const void *data, size_t len, const char *part)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *message = message_of_bytes(key, data, len);
    beamr_error err = {0};
    beamr_bytes text;
    ao_value out;

    assert_int_equal(json_iface_message(context, message, ao_message_empty(),
                                        beamr_bytes_of("M"), &out, &err),
                     BEAMR_OK);
    text = ao_text(out);
    if (!memmem(text.data, text.len, part, strlen(part)))
        fail_msg("%.*s has no %s", (int)text.len, (const char *)text.data, part);
    ao_value_unref(out);
    ao_message_unref(message);
    ao_context_free(context);
}

static void bytes_that_are_no_text_are_base64url(void **state)
{
    uint8_t id[32];

    (void)state;
    memset(id, 0xff, sizeof id);
    assert_written("data", "\xff\x00", 2, "\"Data\":\"_wA\",\"Data-Encoding\":\"base64url\",");
    assert_written("data", "a", 1, "\"Data\":\"a\",\"From\"");
    assert_written("tag", "\xff", 1, "{\"name\":\"Tag\",\"value\":\"_w\"}");
    assert_written("target", id, sizeof id,
                   "\"Target\":\"__________________________________________8\"");
    assert_written("target", "0123456789abcdef0123456789abcdef",
                   32, /* an id, whatever it looks like */
                   "\"Target\":\"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY\"");
    assert_written("from-process", id, sizeof id,
                   "\"From\":\"__________________________________________8\"");
    assert_written("anchor", id, sizeof id,
                   "{\"Anchor\":\"__________________________________________8\"");
}

/* The process may have the module itself there, which is no id. */
static void an_image_that_is_no_id_is_not_shown(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    char image[301] = "", base[512];
    ao_result result;
    beamr_bytes text;

    (void)state;
    memset(image, 'i', 300);
    snprintf(base, sizeof base, "{" DEVICE ", \"pass\": 1, \"process\": {\"image\": \"%s\"}}",
             image);
    result = world_resolve(context, base, "{\"path\": \"compute\", \"body\": {}}");
    text =
        ao_text(ao_list_at(ao_message_find_text(ao_to_message(result.value), "parameters"), 0));
    assert_non_null(memmem(text.data, text.len, "\"Module\":\"\",", 12));
    ao_value_unref(result.value);
    ao_context_free(context);
}

static void what_is_missing_is_named(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect_outcome(context, "{" DEVICE ", \"pass\": 1, " PROCESS "}",
                         "{\"path\": \"compute\"}", AO_OUTCOME_ERROR, 400);
    world_expect_outcome(context, "{" DEVICE ", \"pass\": 1}",
                         "{\"path\": \"compute\", \"body\": {}}", AO_OUTCOME_ERROR, 400);
    world_expect_outcome(context, "{" DEVICE ", \"pass\": 2, " PROCESS "}",
                         "{\"path\": \"compute\"}", AO_OUTCOME_ERROR, 400);
    ao_context_free(context);
}

static void other_passes_do_nothing(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context, "{" DEVICE "}", "{\"path\": \"compute\"}", "{\"is\": {" DEVICE "}}");
    world_expect(context, "{" DEVICE ", \"pass\": 3}", "{\"path\": \"compute\"}",
                 "{\"is\": {" DEVICE ", \"pass\": 3}}");
    world_expect(context, "{" DEVICE "}", "{\"path\": \"init\"}",
                 "{\"is\": {" DEVICE ", \"function\": \"handle\"}}");
    ao_context_free(context);
}

/* ---- What becomes of a reply ---- */

/* Pass 2 on a reply: the outcome, and `results` without `type` and `output`. */
static ao_outcome replied(ao_context *context, const char *reply, size_t len, ao_value *out)
{
    ao_message *base = world_message(context, "{" DEVICE ", \"pass\": 2, " PROCESS "}");
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    ao_value on, request = ao_binary_text("compute"), results;
    ao_message *rest = NULL;
    beamr_error err = {0};
    ao_builder builder;

    ao_builder_begin(&builder, NULL, NULL, &err);
    ao_builder_put(&builder, "type", ao_binary_text("ok"));
    ao_builder_put(&builder, "output",
                   ao_binary_copy((beamr_bytes){(const uint8_t *)reply, len}));
    results = ao_builder_value(&builder);
    ao_builder_begin(&builder, base, NULL, &err);
    ao_builder_put(&builder, "results", results);
    on = ao_builder_value(&builder);
    if (ao_resolve_on(context, on, request, NULL, &result, &err) != BEAMR_OK)
        fail_msg("%.100s: %s", reply, err.text);
    results = ao_message_find_text(ao_to_message(result.value), "results");
    ao_builder_begin(&builder, ao_to_message(results), NULL, &err);
    ao_builder_remove(&builder, beamr_bytes_of("type"));
    ao_builder_remove(&builder, beamr_bytes_of("output"));
    assert_int_equal(ao_builder_end(&builder, &rest), BEAMR_OK);
    *out = ao_message_value(rest);
    ao_value_unref(request);
    ao_value_unref(on);
    ao_value_unref(result.value);
    ao_message_unref(base);
    return result.outcome;
}

static void assert_reply(const char *reply, ao_outcome outcome, const char *expected)
{
    ao_context *context = world_open(NULL, NULL);
    ao_message *holder = world_message(context, expected);
    ao_value results;

    assert_int_equal(replied(context, reply, strlen(reply), &results), outcome);
    if (!ao_value_equal(results, ao_message_find_text(holder, "is"))) {
        ao_value text = AO_NO_VALUE;
        beamr_error err = {0};

        (void)ao_encode(context, "json@1.0", ao_to_message(results), &text, &err);
        fail_msg("%s gives %.*s, not %s", reply, (int)ao_text(text).len,
                 (const char *)ao_text(text).data, expected);
    }
    ao_value_unref(results);
    ao_message_unref(holder);
    ao_context_free(context);
}

#define OK(response) "{\"ok\": true, \"response\": " response "}"
#define EMPTY "\"outbox\": {}, \"patches\": []"

static void replies_become_results(void **state)
{
    (void)state;
    assert_reply(OK("{\"Output\": {\"data\": 5, \"prompt\": \">\"}}"), AO_OUTCOME_OK,
                 "{\"is\": {\"data\": 5, " EMPTY "}}");
    assert_reply(OK("{\"Output\": {\"data\": {\"Deep\": [1, null]}}}"), AO_OUTCOME_OK,
                 "{\"is\": {\"data\": {\"deep\": [1, null]}, " EMPTY "}}");
    assert_reply(OK("{\"Output\": \"text\", \"Error\": []}"), AO_OUTCOME_OK,
                 "{\"is\": {\"data\": \"text\", " EMPTY "}}");
    assert_reply(OK("{\"Output\": \"text\", \"Error\": false}"), AO_OUTCOME_OK,
                 "{\"is\": {\"data\": \"text\", " EMPTY "}}");
    assert_reply(OK("{\"Output\": [], \"Messages\": []}"), AO_OUTCOME_OK,
                 "{\"is\": {" EMPTY "}}");
    assert_reply(OK("{\"Output\": {\"data\": \"x\"}, \"Error\": \"but\"}"), AO_OUTCOME_OK,
                 "{\"is\": {\"data\": \"x\", \"error\": \"but\", " EMPTY "}}");
    assert_reply(OK("{\"Error\": \"boom\"}"), AO_OUTCOME_OK,
                 "{\"is\": {\"data\": \"boom\", \"error\": \"boom\", " EMPTY "}}");
    assert_reply(OK("{\"Error\": \"boom\", \"Messages\": [{\"Target\": \"t\"}], \"Output\": [],"
                    " \"Spawns\": [{}], \"Assignments\": [1], \"patches\": [{\"a\": 1}]}"),
                 AO_OUTCOME_OK,
                 "{\"is\": {\"data\": \"boom\", \"error\": \"boom\", " EMPTY "}}");
    assert_reply(OK("{\"Output\": {}, \"Assignments\": [{\"Processes\": [\"p\"]}],"
                    " \"Spawns\": [{\"Data\": \"s\", \"Tags\": [{\"name\": \"T\","
                    " \"value\": \"1\"}]}], \"patches\": [{\"a\": 1}, 2]}"),
                 AO_OUTCOME_OK,
                 "{\"is\": {\"assignments\": [{\"processes\": [\"p\"]}],"
                 " \"spawns\": {\"1\": {\"data\": \"s\", \"t\": \"1\", \"from-image\": \"IMG\","
                 " \"from-process\": \"DSaUGD9oDk-5sVH1H6RoAMbL2UPgaTYZzKHIG06n_QY\"}},"
                 " \"outbox\": {}, \"patches\": [{\"a\": 1}]}}");
}

/* As a process has it that came out of a store. */
static void a_reply_may_stand_in_a_list_or_a_message(void **state)
{
    static const char reply[] =
        "{\\\"ok\\\": true, \\\"response\\\": {\\\"Output\\\": \\\"x\\\"}}";
    ao_context *context = world_open(NULL, NULL);
    char output[256], base[512];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        snprintf(output, sizeof output, i ? "{\"1\": \"%s\"}" : "[\"%s\"]", reply);
        snprintf(base, sizeof base,
                 "{" DEVICE ", \"pass\": 2, \"results\": {\"type\": \"ok\", \"output\": %s}}",
                 output);
        world_expect(context, base, "{\"path\": \"compute/results/data\"}", "{\"is\": \"x\"}");
    }
    ao_context_free(context);
}

static void errors_of_a_module_are_errors(void **state)
{
    (void)state;
    assert_reply("{\"ok\": false, \"response\": \"[string]:1: boom\"}", AO_OUTCOME_ERROR,
                 "{\"is\": {\"error\": \"[string]:1: boom\"}}");
    assert_reply("{\"ok\": false, \"error\": {\"code\": 3}}", AO_OUTCOME_ERROR,
                 "{\"is\": {\"error\": {\"code\": 3}}}");
}

/* The one message in the outbox of a reply. */
static void assert_sent(const char *message, const char *expected)
{
    char reply[2048], results[2048];

    snprintf(reply, sizeof reply, OK("{\"Messages\": [%s]}"), message);
    snprintf(results, sizeof results,
             "{\"is\": {\"outbox\": {\"1\": {%s\"from-image\": \"IMG\", \"from-process\": "
             "\"DSaUGD9oDk-5sVH1H6RoAMbL2UPgaTYZzKHIG06n_QY\"}}, \"patches\": []}}",
             expected);
    assert_reply(reply, AO_OUTCOME_OK, results);
}

static void a_module_cannot_say_what_the_node_says(void **state)
{
    (void)state;
    assert_sent("{\"From-Process\": \"x\", \"FROM-IMAGE\": \"x\", \"tags\": [], \"Anchor\": 1,"
                " \"Tags\": [{\"name\": \"fRom-process\", \"value\": \"x\"},"
                " {\"name\": \"Tags\", \"value\": \"x\"},"
                " {\"name\": \"Anchor\", \"value\": \"x\"}]}",
                "");
    assert_sent("{\"priv\": {\"a\": 1}, \"Private-key\": \"x\", \"commitments\": {\"a\": {}},"
                " \"Ao-Types\": \"a=\\\"integer\\\"\", \"x\": {\"priv\": 1, \"y\": 1}}",
                "\"x\": {\"y\": 1}, ");
    /* A patch comes from nowhere. */
    assert_reply(OK("{\"patches\": [{\"From-Image\": \"x\", \"From-Process\": \"x\", \"a\": 1,"
                    " \"Tags\": [{\"name\": \"from-image\", \"value\": \"x\"}]}]}"),
                 AO_OUTCOME_OK, "{\"is\": {\"outbox\": {}, \"patches\": [{\"a\": 1}]}}");
}

static void messages_get_their_tags_as_keys(void **state)
{
    (void)state;
    assert_sent("{\"Target\": \"T\", \"Data\": \"d\", \"Tags\": [{\"name\": \"Action\","
                " \"value\": \"A\"}, {\"name\": \"action\", \"value\": \"B\"},"
                " {\"name\": \"data\", \"value\": \"no\"}, {\"Name\": \"c\", \"Value\": 1}]}",
                "\"action\": \"B\", \"c\": 1, \"data\": \"d\", \"target\": \"T\", ");
    assert_sent("{\"a\": 1, \"Tags\": \"none\"}", "\"a\": 1, ");
    assert_sent("{\"Tags\": [1, {}, {\"name\": 5, \"value\": 1}, {\"name\": \"\", \"value\": "
                "1}, {\"name\": \"novalue\"}]}",
                "");
    assert_sent("{\"device\": \"d\", \"a/b\": \"c\"}", "\"a/b\": \"c\", \"device\": \"d\", ");
}

static void what_is_no_reply_is_an_error(void **state)
{
    static const char *const replies[] = {
        "",
        "5",
        "[]",
        "nil",
        "{\"ok\": true",
        "{\"ok\": true, \"ok\": true}",
        "{\"ok\": true, \"response\": {\"Output\": 123456789012345678901}}",
        "\xff",
    };

    (void)state;
    for (size_t i = 0; i < sizeof replies / sizeof replies[0]; i++)
        assert_reply(replies[i], AO_OUTCOME_ERROR,
                     "{\"is\": {\"body\": \"JSON error parsing result output.\"}}");
    assert_reply(OK("{\"Other\": 1}"), AO_OUTCOME_ERROR,
                 "{\"is\": {\"body\": \"the reply has no results: neither `Output` nor "
                 "`Error`\"}}");
    assert_reply(OK("5"), AO_OUTCOME_ERROR,
                 "{\"is\": {\"body\": \"the reply has no results: neither `Output` nor "
                 "`Error`\"}}");
    assert_reply("{\"ok\": 1}", AO_OUTCOME_ERROR,
                 "{\"is\": {\"body\": \"the reply does not say whether it is `ok`\"}}");
    assert_reply("{\"ok\": false}", AO_OUTCOME_ERROR,
                 "{\"is\": {\"body\": \"the reply is not `ok`, and says nothing else\"}}");
}

/* `count` times one text, between two others; to be given back with free(). */
static char *repeated(const char *start, const char *one, size_t count, const char *end)
{
    size_t len = strlen(one), at = strlen(start);
    char *text = malloc(at + count * len + strlen(end) + 1);

    assert_non_null(text);
    memcpy(text, start, at);
    for (size_t i = 0; i < count; i++, at += len)
        memcpy(text + at, one, len);
    strcpy(text + at, end);
    return text;
}

/*   text  what the answer says */
static void assert_refused(char *reply, const char *text)
{
    ao_context *context = world_open(NULL, NULL);
    ao_value results;
    beamr_bytes body;

    assert_int_equal(replied(context, reply, strlen(reply), &results), AO_OUTCOME_ERROR);
    body = ao_text(ao_message_find_text(ao_to_message(results), "body"));
    if (!memmem(body.data, body.len, text, strlen(text)))
        fail_msg("%.*s", (int)body.len, (const char *)body.data);
    ao_value_unref(results);
    ao_context_free(context);
    free(reply);
}

static void replies_without_end_are_refused(void **state)
{
    (void)state;
    assert_refused(repeated("", "[", 1000000, ""), "more than 64 arrays and objects");
    assert_refused(repeated("{\"ok\":true,\"response\":", "{\"Output\":", 65, "1"),
                   "more than 64 arrays and objects");
    assert_refused(repeated(OK("{\"Messages\": ["), "{},", 1200000, "{}]}}"),
                   "more than 1000000 values");
}

static void large_replies_are_results(void **state)
{
    char *reply =
        repeated("{\"ok\":true,\"response\":{\"Output\":{\"data\":\"", "x", 5000000,
                 "\"},\"Messages\":[{\"Tags\":[{\"name\":\"t\",\"value\":\"v\"}]}]}}");
    ao_context *context = world_open(NULL, NULL);
    ao_value results, sent;

    (void)state;
    assert_int_equal(replied(context, reply, strlen(reply), &results), AO_OUTCOME_OK);
    assert_int_equal(ao_text(ao_message_find_text(ao_to_message(results), "data")).len,
                     5000000);
    ao_value_unref(results);
    free(reply);
    reply = repeated("{\"ok\":true,\"response\":{\"Messages\":[{\"Tags\":[{\"name\":\"", "n",
                     70000, "\",\"value\":\"v\"}]}]}}");
    assert_int_equal(replied(context, reply, strlen(reply), &results), AO_OUTCOME_OK);
    assert_int_equal(
        ao_message_get_path(ao_to_message(results), beamr_bytes_of("outbox/1"), &sent, NULL),
        BEAMR_OK);
    assert_int_equal(ao_message_count(ao_to_message(sent)), 2); /* no name is so long */
    ao_value_unref(results);
    ao_context_free(context);
    free(reply);
}

static void results_of_an_earlier_message_are_gone(void **state)
{
    ao_context *context = world_open(NULL, NULL);

    (void)state;
    world_expect(context,
                 "{" DEVICE ", \"pass\": 2, \"output-prefix\": \"/w/\", " PROCESS
                 ", \"results\": {\"mine\": 1, \"data\": 1, \"error\": \"e\", \"outbox\": "
                 "{\"2\": {}}, \"w\": {\"type\": \"ok\", \"output\": "
                 "[\"{\\\"ok\\\":true,\\\"response\\\":{\\\"Output\\\":\\\"x\\\"}}\"]}}}",
                 "{\"path\": \"compute/results\"}",
                 "{\"is\": {\"mine\": 1, \"data\": \"x\", " EMPTY
                 ", \"w\": {\"type\": \"ok\", \"output\": "
                 "[\"{\\\"ok\\\":true,\\\"response\\\":{\\\"Output\\\":\\\"x\\\"}}\"]}}}");
    ao_context_free(context);
}

static void a_trap_is_an_error_with_what_the_module_said(void **state)
{
    ao_context *context = world_open(NULL, NULL);
    ao_result result = world_resolve(
        context,
        "{" DEVICE ", \"pass\": 2, " PROCESS
        ", \"results\": {\"outbox\": {\"1\": {}}, \"type\": \"error\", \"output\": \"trap\"}}",
        "{\"path\": \"compute\"}");
    ao_message *holder = world_message(
        context,
        "{\"is\": {\"type\": \"error\", \"output\": \"trap\", \"body\": \"WASM execution "
        "error.\"}}");

    (void)state;
    assert_int_equal(result.outcome, AO_OUTCOME_ERROR);
    assert_true(ao_value_equal(ao_message_find_text(ao_to_message(result.value), "results"),
                               ao_message_find_text(holder, "is")));
    ao_message_unref(holder);
    ao_value_unref(result.value);
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_shows_its_keys_as_tags),
        cmocka_unit_test(tags_that_nobody_signed_do_not_stand_in_for_what_was_signed),
        cmocka_unit_test(a_message_shows_when_it_was_assigned),
        cmocka_unit_test(the_owner_is_the_first_signer),
        cmocka_unit_test(a_signature_of_bytes_is_base64url),
        cmocka_unit_test(the_environment_is_the_process),
        cmocka_unit_test(bytes_that_are_no_text_are_base64url),
        cmocka_unit_test(an_image_that_is_no_id_is_not_shown),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(other_passes_do_nothing),
        cmocka_unit_test(replies_become_results),
        cmocka_unit_test(a_reply_may_stand_in_a_list_or_a_message),
        cmocka_unit_test(errors_of_a_module_are_errors),
        cmocka_unit_test(a_module_cannot_say_what_the_node_says),
        cmocka_unit_test(messages_get_their_tags_as_keys),
        cmocka_unit_test(what_is_no_reply_is_an_error),
        cmocka_unit_test(replies_without_end_are_refused),
        cmocka_unit_test(large_replies_are_results),
        cmocka_unit_test(results_of_an_earlier_message_are_gone),
        cmocka_unit_test(a_trap_is_an_error_with_what_the_module_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
