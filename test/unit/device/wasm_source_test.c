/* wasm-64@1.0: images that are not stored are asked of a source, which is not believed. */
#include "crypto/base64.h"
#include "crypto/sha256.h"
#include "wasm_modules.h"

/* ---- A source: answers what the test has put here ---- */

static ao_result answer; /* its value is borrowed */
static int asked;
static char target[64];

static beamr_status read_key(ao_call *call, beamr_error *err)
{
    beamr_bytes id = ao_text(ao_call_argument(call, "target"));

    (void)err;
    asked++;
    (void)snprintf(target, sizeof target, "%.*s", (int)id.len, (const char *)id.data);
    return ao_call_return(call, answer.outcome, ao_value_ref(answer.value));
}

static beamr_status raise_key(ao_call *call, beamr_error *err)
{
    (void)call;
    return beamr_fail(err, BEAMR_IO, 0, "the line is down");
}

static const ao_key keys[] = {{"read", read_key}, AO_KEYS_END};
static const ao_device source = {.name = "source@1.0", .keys = keys};
static const ao_key raise_keys[] = {{"read", raise_key}, AO_KEYS_END};
static const ao_device down = {.name = "down@1.0", .keys = raise_keys};

static ao_context *open_context(const char *device, bool has_store, const ao_wallet *wallet)
{
    ao_message *values = NULL;
    ao_settings settings = {.kv = has_store ? "memory" : NULL, .wallet = wallet};
    ao_context *context = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_message_with(ao_message_empty(), "wasm_image_source",
                                     ao_binary_text(device), &values, &err),
                     BEAMR_OK);
    settings.values = values;
    assert_int_equal(ao_context_new(&settings, &context, &err), BEAMR_OK);
    assert_int_equal(ao_context_add_device(context, &source, &err), BEAMR_OK);
    assert_int_equal(ao_context_add_device(context, &down, &err), BEAMR_OK);
    ao_message_unref(values);
    asked = 0;
    return context;
}

static ao_message *base_of(ao_context *context, const char *id)
{
    return message_with_key(context, "{\"device\": \"wasm-64@1.0\"}", "image",
                            ao_binary_text(id));
}

static void expect_guest(ao_context *context, const char *id)
{
    ao_message *base = base_of(context, id);

    base = resolve_next(context, base, "{\"path\": \"init\"}");
    base = resolve_next(context, base,
                        "{\"path\": \"compute\", \"function\": \"fac\", \"parameters\": [5]}");
    expect_float(base, "results", 120);
    ao_message_unref(base);
}

static void expect_outcome(ao_context *context, const char *id, ao_outcome outcome,
                           int64_t status, const char *text)
{
    ao_message *base = base_of(context, id);

    resolve_fails(context, base, "{\"path\": \"init\"}", NULL, outcome, status, text);
    ao_message_unref(base);
}

static void expect_refused(ao_context *context, const char *id, int64_t status)
{
    expect_outcome(context, id, AO_OUTCOME_ERROR, status, "init: the ");
}

static void hash_text(ao_value binary, char id[AO_ID_TEXT + 1])
{
    uint8_t hash[CRYPTO_SHA256_SIZE];
    beamr_error err = {0};

    assert_int_equal(crypto_sha256(ao_bytes(binary), hash, &err), BEAMR_OK);
    crypto_id_text(hash, id);
}

static void bytes_are_known_by_their_hash(void **state)
{
    ao_value bytes = module_value(module_plain), wrong = module_value(module_importing);
    char id[AO_ID_TEXT + 1];

    (void)state;
    hash_text(bytes, id);
    for (int has_store = 0; has_store < 2; has_store++) {
        ao_context *context = open_context("source@1.0", has_store, NULL);

        answer = (ao_result){AO_OUTCOME_OK, wrong};
        expect_refused(context, id, 502);
        answer.value = bytes;
        expect_guest(context, id);
        assert_int_equal(asked, 2);
        assert_string_equal(target, id);
        expect_guest(context, id); /* it is known now */
        assert_int_equal(asked, 2);
        ao_context_free(context);
    }
    ao_value_unref(bytes);
    ao_value_unref(wrong);
}

static void messages_are_known_by_their_unsigned_id(void **state)
{
    ao_context *context = open_context("source@1.0", true, NULL);
    ao_message *good = message_with_key(context, "{}", "body", module_value(module_plain));
    ao_message *bad = message_with_key(context, "{}", "body", module_value(module_importing));
    ao_message *stored = NULL;
    char id[AO_ID_TEXT + 1];
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_message_unsigned_id(context, good, id, &err), BEAMR_OK);
    answer = (ao_result){AO_OUTCOME_OK, ao_message_value(bad)};
    expect_refused(context, id, 502);
    answer.value = ao_message_value(good);
    expect_guest(context, id);
    /* It is stored, and not asked for again. */
    assert_int_equal(asked, 2);
    assert_int_equal(ao_load_message(context, beamr_bytes_of(id), &stored, &err), BEAMR_OK);
    expect_guest(context, id);
    assert_int_equal(asked, 2);
    ao_message_unref(stored);
    ao_message_unref(good);
    ao_message_unref(bad);
    ao_context_free(context);
}

static void signed_messages_are_verified(void **state)
{
    ao_wallet *wallet = NULL;
    ao_context *context;
    ao_message *plain, *good = NULL, *forged = NULL;
    char id[AO_ID_TEXT + 1], same[AO_ID_TEXT + 1];
    beamr_error err = {0};

    (void)state;
    assert_int_equal(ao_wallet_new(&wallet, &err), BEAMR_OK);
    context = open_context("source@1.0", true, wallet);
    plain = message_with_key(context, "{\"a\": \"b\"}", "body", module_value(module_plain));
    if (ao_message_commit(context, plain, NULL, NULL, &good, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(ao_message_id(context, good, id, &err), BEAMR_OK);
    /* Other bytes under the same signature. */
    assert_int_equal(
        ao_message_with(good, "body", module_value(module_importing), &forged, &err), BEAMR_OK);
    assert_int_equal(ao_message_id(context, forged, same, &err), BEAMR_OK);
    assert_string_equal(id, same);
    answer = (ao_result){AO_OUTCOME_OK, ao_message_value(forged)};
    expect_refused(context, id, 502);
    /* No signature at all. */
    answer.value = ao_message_value(plain);
    expect_refused(context, id, 502);
    answer.value = ao_message_value(good);
    expect_guest(context, id);
    ao_message_unref(forged);
    ao_message_unref(good);
    ao_message_unref(plain);
    ao_context_free(context);
    ao_wallet_unref(wallet);
}

static void what_a_source_may_say_instead(void **state)
{
    static const char id[] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    ao_context *context = open_context("source@1.0", true, NULL);
    ao_value text = ao_binary_text("no such luck"), atom = ao_atom("not_found"),
             number = ao_integer(5);
    struct {
        ao_result answer;
        ao_outcome outcome;
        int status;
        const char *text;
    } cases[] = {
        {{AO_OUTCOME_ERROR, atom}, AO_OUTCOME_ERROR, 404, "`source@1.0`, does not have it"},
        {{AO_OUTCOME_ERROR, text}, AO_OUTCOME_ERROR, 404, "does not have it: no such luck"},
        {{AO_OUTCOME_FAILURE, text}, AO_OUTCOME_FAILURE, 502, "be asked: no such luck"},
        {{AO_OUTCOME_UNAVAILABLE, text}, AO_OUTCOME_FAILURE, 502, "be asked: no such luck"},
        {{AO_OUTCOME_OK, number}, AO_OUTCOME_ERROR, 502, "this id"},
        {{AO_OUTCOME_OK, atom}, AO_OUTCOME_ERROR, 502, "this id"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        answer = cases[i].answer;
        expect_outcome(context, id, cases[i].outcome, cases[i].status, cases[i].text);
    }
    ao_value_unref(text);
    ao_value_unref(atom);
    ao_context_free(context);
    context = open_context("down@1.0", true, NULL);
    expect_outcome(context, id, AO_OUTCOME_FAILURE, 502,
                   "its source, `down@1.0`, could not be asked: the line is down");
    ao_context_free(context);
    context = open_context("nobody@1.0", true, NULL);
    expect_outcome(context, id, AO_OUTCOME_FAILURE, 502, "there is no device `nobody@1.0`");
    ao_context_free(context);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_are_known_by_their_hash),
        cmocka_unit_test(messages_are_known_by_their_unsigned_id),
        cmocka_unit_test(signed_messages_are_verified),
        cmocka_unit_test(what_a_source_may_say_instead),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
