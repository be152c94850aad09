/* Messages that pass themselves off as signed: whatever somebody without the key changes in
 * what was signed, or writes into a commitment, does not verify. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../ao/wallet_key.h"
#include "ao/commit.h"
#include "ao/set.h"

static ao_context *context;
static ao_wallet *wallet;

static int set_up(void **state)
{
    static const char jwk[] =
        "{\"kty\":\"RSA\",\"n\":\"" WALLET_N "\",\"e\":\"" WALLET_E "\",\"d\":\"" WALLET_D
        "\",\"p\":\"" WALLET_P "\",\"q\":\"" WALLET_Q "\",\"dp\":\"" WALLET_DP
        "\",\"dq\":\"" WALLET_DQ "\",\"qi\":\"" WALLET_QI "\"}";

    (void)state;
    return ao_context_new(NULL, &context, NULL) == BEAMR_OK &&
                   ao_wallet_read(beamr_bytes_of(jwk), &wallet, NULL) == BEAMR_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ao_wallet_unref(wallet);
    ao_context_free(context);
    return 0;
}

/* ---- Messages; each function takes over those that it is given ---- */

static ao_message *message_of(const char *json)
{
    ao_value encoded = ao_binary_text(json);
    ao_message *message = NULL;

    assert_int_equal(ao_decode(context, "json@1.0", encoded, &message, NULL), BEAMR_OK);
    ao_value_unref(encoded);
    return message;
}

static ao_message *with(ao_message *message, const char *key, ao_value value)
{
    ao_message *out = NULL;

    assert_int_equal(ao_message_with(message, key, value, &out, NULL), BEAMR_OK);
    ao_message_unref(message);
    return out;
}

static ao_message *without(ao_message *message, const char *key)
{
    ao_message *out = NULL;

    assert_int_equal(ao_message_without(message, key, &out, NULL), BEAMR_OK);
    ao_message_unref(message);
    return out;
}

static ao_message *signed_by(ao_message *message, const char *device)
{
    ao_message *out = NULL;

    assert_int_equal(ao_message_commit(context, message, device, wallet, &out, NULL), BEAMR_OK);
    ao_message_unref(message);
    return out;
}

static ao_message *signed_of(const char *json)
{
    return signed_by(message_of(json), NULL);
}

/* `message` with one commitment alone. */
static ao_message *committed_by(ao_message *message, const char *id, ao_message *commitment)
{
    return with(message, "commitments",
                ao_message_value(with(ao_message_empty(), id, ao_message_value(commitment))));
}

/* The commitment that has a committer, and its id. */
static ao_message *signature_of(const ao_message *message, char id[AO_ID_TEXT + 1])
{
    ao_value spec = ao_binary_text(WALLET_ADDRESS), name = AO_NO_VALUE;
    ao_message *found = NULL;

    assert_int_equal(ao_find_commitment(message, spec, &name, &found, NULL), BEAMR_OK);
    assert_int_equal(ao_bytes(name).len, AO_ID_TEXT);
    memcpy(id, ao_bytes(name).data, AO_ID_TEXT);
    id[AO_ID_TEXT] = '\0';
    ao_value_unref(name);
    ao_value_unref(spec);
    return found;
}

/* With a key of its signature's commitment changed, and the hmac gone. */
static ao_message *with_changed_commitment(ao_message *message, const char *key,
                                           const char *value)
{
    char id[AO_ID_TEXT + 1];
    ao_message *commitment = signature_of(message, id);

    return committed_by(message, id, with(commitment, key, ao_binary_text(value)));
}

static void assert_verifies(ao_message *message, bool wanted)
{
    bool is_valid = !wanted;

    assert_int_equal(ao_message_verify(context, message, &is_valid, NULL), BEAMR_OK);
    assert_true(is_valid == wanted);
    ao_message_unref(message);
}

/* Nobody who trusts what is covered sees the key. */
static void assert_not_covered(ao_message *message, const char *key)
{
    ao_message *covered = NULL;

    assert_int_equal(ao_only_committed(context, message, &covered, NULL), BEAMR_OK);
    assert_int_equal(ao_message_find_text(covered, key).kind, AO_NONE);
    ao_message_unref(covered);
    ao_message_unref(message);
}

/* ---- What was signed ---- */

static void what_was_signed_verifies(void **state)
{
    (void)state;
    assert_verifies(signed_of("{\"a\":\"1\",\"b\":2,\"n\":{\"x\":\"y\"}}"), true);
    assert_verifies(signed_by(message_of("{\"a\":\"1\",\"data\":\"d\"}"), "ans104@1.0"), true);
}

/* As patch@1.0 merges what a guest wrote into the process: its id would go on to be the one
 * that was signed, with what was not. */
static void a_message_within_that_is_merged_with_another_is_signed_no_more(void **state)
{
    static const struct {
        const char *patch;
        bool is_signed;
    } rows[] = {{"{\"process\":{\"image\":\"b\"}}", false},
                {"{\"process\":{\"image\":\"a\"}}", true},
                {"{\"process\":{\"more\":\"b\"}}", true},
                {"{\"process\":{\"n\":{\"x\":\"z\"}}}", false}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ao_message *process = signed_of("{\"image\":\"a\",\"n\":{\"x\":\"y\"}}"), *out = NULL;
        ao_message *base = with(ao_message_empty(), "process", ao_message_value(process));
        ao_message *patch = message_of(rows[i].patch);
        ao_value inner;

        assert_int_equal(ao_set(context, base, patch, &out, NULL), BEAMR_OK);
        inner = ao_message_find_text(out, "process");
        assert_int_equal(inner.kind, AO_MESSAGE);
        assert_int_equal(ao_message_find_text(ao_to_message(inner), "commitments").kind !=
                             AO_NONE,
                         rows[i].is_signed);
        if (rows[i].is_signed)
            assert_verifies(ao_message_ref(ao_to_message(inner)), true);
        ao_message_unref(out);
        ao_message_unref(patch);
        ao_message_unref(base);
    }
}

static void a_changed_value_does_not_verify(void **state)
{
    (void)state;
    assert_verifies(with(signed_of("{\"a\":\"1\"}"), "a", ao_binary_text("2")), false);
    assert_verifies(without(signed_of("{\"a\":\"1\",\"b\":\"2\"}"), "a"), false);
    assert_verifies(with(signed_of("{\"a\":1}"), "a", ao_binary_text("1")), false);
    assert_verifies(with(signed_of("{\"n\":{\"x\":\"1\"}}"), "n",
                         ao_message_value(message_of("{\"x\":\"2\"}"))),
                    false);
}

/* The type would stand in a field that the signature does not cover. */
static void a_signed_text_does_not_become_a_number(void **state)
{
    (void)state;
    assert_verifies(with(signed_of("{\"a\":\"1\"}"), "a", ao_integer(1)), false);
    assert_verifies(with(signed_of("{\"a\":\"true\"}"), "a", ao_boolean(true)), false);
}

/* Which key the body stands for would stand in a field that the signature does not cover. */
static void a_signed_body_does_not_move_to_another_key(void **state)
{
    ao_message *moved;

    (void)state;
    moved = without(signed_of("{\"body\":\"text\"}"), "body");
    assert_verifies(with(moved, "data", ao_binary_text("text")), false);
    moved = without(signed_of("{\"body\":\"text\"}"), "body");
    moved = with(moved, "inline-body-key", ao_binary_text("other"));
    assert_verifies(with(moved, "other", ao_binary_text("text")), false);
    moved = without(signed_of("{\"data\":\"text\"}"), "data");
    assert_verifies(with(moved, "body", ao_binary_text("text")), false);
}

/* Lines of a part end with CR LF: a value that holds them reads as more keys than one. */
static void a_signed_part_does_not_become_another(void **state)
{
    (void)state;
    assert_verifies(with(signed_of("{\"m\":{\"x\":\"1\",\"y\":\"2\"}}"), "m",
                         ao_message_value(message_of("{\"x\":\"1\\r\\ny: 2\"}"))),
                    false);
    assert_verifies(with(signed_of("{\"m\":{\"x\":\"1\",\"y\":\"2\"}}"), "m",
                         ao_message_value(message_of("{\"x: 1\\r\\ny\":\"2\"}"))),
                    false);
    assert_verifies(with(signed_of("{\"m\":{\"body\":\"b\",\"x\":\"1\"}}"), "m",
                         ao_message_value(message_of("{\"x\":\"1\\r\\n\\r\\nb\"}"))),
                    false);
    assert_verifies(with(signed_of("{\"m\":{\"k\":\"x: 1\"}}"), "m",
                         ao_message_value(message_of("{\"k: x\":\"1\"}"))),
                    false);
    assert_verifies(
        with(signed_of("{\"m\":{\"k\":\"x\"}}"), "m",
             ao_message_value(message_of("{\"k\":\"x\",\"content-disposition\":\"y\"}"))),
        false);
}

/* A `/` in the name of a part separates keys. */
static void signed_nested_keys_do_not_become_one(void **state)
{
    ao_message *message = signed_of("{\"m\":{\"n\":{\"x\":\"1\"}}}");

    (void)state;
    message = without(message, "m");
    assert_verifies(with(message, "m/n", ao_message_value(message_of("{\"x\":\"1\"}"))), false);
}

/* A member of a bundle that is bytes has a tag that says so. */
static void signed_bytes_of_an_item_do_not_become_a_message(void **state)
{
    static char json[600], other[600];

    (void)state;
    (void)snprintf(json, sizeof json, "{\"m\":\"%0200d\"}", 1);
    (void)snprintf(other, sizeof other, "{\"ao-type\":\"binary\",\"data\":\"%0200d\"}", 1);
    assert_verifies(signed_by(message_of(json), "ans104@1.0"), true);
    assert_verifies(with(signed_by(message_of(json), "ans104@1.0"), "m",
                         ao_message_value(message_of(other))),
                    false);
}

static ao_value item_of(const ao_message *message)
{
    ao_value item = AO_NO_VALUE;

    assert_int_equal(ao_encode(context, "ans104@1.0", message, &item, NULL), BEAMR_OK);
    return item;
}

/* The same tags, under the same data, but as keys of the message. */
static void a_signed_bundle_does_not_become_data(void **state)
{
    static const char *const names[] = {"bundle-format", "bundle-version", "bundle-map"};
    ao_message *message = signed_by(message_of("{\"m\":{\"x\":\"1\"}}"), "ans104@1.0");
    ao_value item = item_of(message), values[3], tags[3], list;
    beamr_bytes bytes = ao_bytes(item);
    char id[AO_ID_TEXT + 1];
    ao_message *commitment = signature_of(message, id), *forged = ao_message_empty();
    const uint8_t *at = bytes.data + 2 + 1024 + 2 + 16;

    (void)state;
    /* the tags: a count, then names and values, each behind its size */
    at += 1;
    for (size_t i = 0; i < 3; i++) {
        ao_message *tag = ao_message_empty();

        at += 1 + strlen(names[i]);
        values[i] = ao_binary_copy((beamr_bytes){at + 1, (size_t)at[0] / 2});
        at += 1 + at[0] / 2;
        tag = with(tag, "name", ao_binary_text(names[i]));
        tags[i] = ao_message_value(with(tag, "value", ao_value_ref(values[i])));
    }
    at += 1;
    for (size_t i = 0; i < 3; i++)
        forged = with(forged, names[i], values[i]);
    forged = with(forged, "data",
                  ao_binary_copy((beamr_bytes){at, (size_t)(bytes.data + bytes.len - at)}));
    list = ao_list_new(tags, 3);
    assert_verifies(committed_by(forged, id, with(commitment, "original-tags", list)), false);
    ao_value_unref(item);
    ao_message_unref(message);
}

/* Keys that are ids are signed as one field, which is no key. */
static void a_signed_id_does_not_become_a_key(void **state)
{
    ao_message *message = signed_of("{\"" WALLET_ADDRESS "\":\"v\"}");

    (void)state;
    message = without(message, WALLET_ADDRESS);
    assert_verifies(with(message, "ao-ids", ao_binary_text(WALLET_ADDRESS "=\"v\"")), false);
}

/* Bases have a space for a line feed. */
static void a_signed_space_does_not_become_a_line_feed(void **state)
{
    (void)state;
    assert_verifies(with(signed_of("{\"a\":\"x y\"}"), "a", ao_binary_text("x\ny")), false);
    assert_verifies(with(signed_of("{\"a\":\"x\"}"), "a", ao_binary_text("x\n")), false);
}

/* ---- What a commitment says of itself ---- */

/* Anybody can compute an hmac; its id is the unsigned one. */
static void an_hmac_has_no_committer(void **state)
{
    ao_message *message = message_of("{\"a\":\"forged\"}");
    char id[AO_ID_TEXT + 1];

    (void)state;
    assert_int_equal(ao_message_unsigned_id(context, message, id, NULL), BEAMR_OK);
    assert_verifies(
        committed_by(message, id,
                     message_of("{\"alg\":\"hmac-sha256\",\"commitment-device\":"
                                "\"httpsig@1.0\",\"committer\":\"" WALLET_ADDRESS "\"}")),
        false);
}

static void an_unsigned_item_has_no_committer(void **state)
{
    (void)state;
    assert_verifies(
        committed_by(message_of("{\"a\":\"forged\"}"),
                     "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                     message_of("{\"alg\":\"unsigned\",\"commitment-device\":\"ans104@1.0\","
                                "\"committer\":\"" WALLET_ADDRESS "\"}")),
        false);
}

static void a_changed_commitment_does_not_verify(void **state)
{
    static const char *const changes[][2] = {
        {"committer", "leBuoI6RuISwU4KPJQcdDYjB0XZEydKRF77BKpbKrq8"},
        {"alg", "hmac-sha256"},
        {"commitment-device", "stranger@1.0"},
        {"signature", "http-sig-eb68618c0c3cfe6a=:AAAA:"},
        {"signature-input", "http-sig-eb68618c0c3cfe6a=();alg=\"rsa-pss-sha512\""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
        assert_verifies(
            with_changed_commitment(signed_of("{\"a\":\"1\"}"), changes[i][0], changes[i][1]),
            false);
}

static void a_signature_under_another_id_does_not_verify(void **state)
{
    ao_message *message = signed_of("{\"a\":\"1\"}");
    char id[AO_ID_TEXT + 1];

    (void)state;
    assert_verifies(committed_by(message, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                                 signature_of(message, id)),
                    false);
}

/* Hashpaths of a commitment are fields of its signature, but not in place of a key. */
static void a_commitment_does_not_stand_in_for_a_changed_key(void **state)
{
    ao_message *message = signed_of("{\"hashpath-alg\":\"sha-256-chain\"}");

    (void)state;
    message = with(message, "hashpath-alg", ao_binary_text("accumulate-256"));
    assert_verifies(with_changed_commitment(message, "hashpath-alg", "sha-256-chain"), false);
    message = without(signed_of("{\"hashpath-alg\":\"sha-256-chain\",\"a\":\"b\"}"), "a");
    message = with(message, "a", ao_binary_text("c"));
    assert_verifies(with_changed_commitment(message, "a", "b"), false);
}

static void a_second_member_covers_nothing(void **state)
{
    ao_message *message = signed_of("{\"a\":\"1\"}");
    char id[AO_ID_TEXT + 1], text[8192];
    ao_message *commitment = signature_of(message, id);
    beamr_bytes member;

    (void)state;
    member = ao_bytes(ao_message_find_text(commitment, "signature"));
    (void)snprintf(text, sizeof text, "aaa=:AAAA:, %.*s", (int)member.len,
                   (const char *)member.data);
    commitment = with(commitment, "signature", ao_binary_text(text));
    member = ao_bytes(ao_message_find_text(commitment, "signature-input"));
    (void)snprintf(text, sizeof text, "aaa=(\"a\" \"evil\");keyid=\"AAAA\", %.*s",
                   (int)member.len, (const char *)member.data);
    commitment = with(commitment, "signature-input", ao_binary_text(text));
    message = committed_by(message, id, commitment);
    assert_not_covered(with(message, "evil", ao_binary_text("forged")), "evil");
}

static void what_was_added_is_not_covered(void **state)
{
    (void)state;
    assert_not_covered(with(signed_of("{\"a\":\"1\"}"), "evil", ao_binary_text("x")), "evil");
    assert_not_covered(with(signed_of("{\"a\":\"1\"}"), "evil", ao_integer(1)), "evil");
    assert_not_covered(with(signed_of("{\"a\":\"1\"}"), "evil", ao_binary_text("")), "evil");
    assert_not_covered(with(signed_of("{\"a\":\"1\"}"), "body", ao_binary_text("x")), "body");
    assert_not_covered(
        with(signed_of("{\"a\":\"1\"}"), "evil", ao_message_value(message_of("{\"x\":\"1\"}"))),
        "evil");
}

/* A message by this JSON, signed, and then with one more key, still verifies, and the key is
 * not covered. */
static void assert_goes_on(const char *json, const char *key, ao_value value)
{
    ao_message *message = with(signed_of(json), key, value);
    beamr_error err = {0};
    bool is_valid = false;
    ao_value encoded;

    assert_int_equal(ao_message_verify(context, message, &is_valid, &err), BEAMR_OK);
    if (!is_valid)
        fail_msg("%s with %s does not verify", json, key);
    assert_int_equal(ao_verify(context, message, &AO_SELECT_ALL, &is_valid, NULL, &err),
                     BEAMR_OK); /* the hmac too */
    assert_true(is_valid);
    assert_int_equal(ao_encode(context, "httpsig@1.0", message, &encoded, &err), BEAMR_OK);
    ao_message_unref(message);
    assert_int_equal(ao_decode(context, "httpsig@1.0", encoded, &message, &err), BEAMR_OK);
    ao_value_unref(encoded);
    assert_int_equal(ao_message_verify(context, message, &is_valid, &err), BEAMR_OK);
    assert_true(is_valid);
    assert_not_covered(message, key);
}

static void keys_may_be_added_to_what_was_signed(void **state)
{
    (void)state;
    assert_goes_on("{\"a\": 1, \"b\": \"x\"}", "evil", ao_integer(2));
    assert_goes_on("{\"a\": 1, \"b\": \"x\"}", "evil", ao_binary_text("y"));
    assert_goes_on("{\"a\": 1, \"b\": \"x\"}", "evil",
                   ao_message_value(message_of("{\"x\":\"1\"}")));
    assert_goes_on("{\"a\": 1, \"b\": \"\"}", "0", ao_float(1.5));
    assert_goes_on("{\"a\": {\"b\": \"c\"}, \"d\": true}", "e", ao_boolean(false));
}

/* ... but not in place of what was signed. */
static void an_added_key_does_not_hide_a_change(void **state)
{
    const char *json = "{\"a\": 1, \"b\": \"x\"}";

    (void)state;
    assert_verifies(with(with(signed_of(json), "a", ao_integer(2)), "c", ao_integer(2)), false);
    assert_verifies(with(with(signed_of(json), "a", ao_binary_text("1")), "c", ao_integer(2)),
                    false);
    assert_verifies(with(without(signed_of(json), "a"), "c", ao_integer(2)), false);
    assert_verifies(
        with(with(signed_of(json), "b", ao_message_value(message_of("{\"x\":\"1\"}"))), "c",
             ao_integer(2)),
        false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_signed_verifies),
        cmocka_unit_test(a_message_within_that_is_merged_with_another_is_signed_no_more),
        cmocka_unit_test(a_changed_value_does_not_verify),
        cmocka_unit_test(a_signed_text_does_not_become_a_number),
        cmocka_unit_test(a_signed_body_does_not_move_to_another_key),
        cmocka_unit_test(a_signed_part_does_not_become_another),
        cmocka_unit_test(signed_nested_keys_do_not_become_one),
        cmocka_unit_test(signed_bytes_of_an_item_do_not_become_a_message),
        cmocka_unit_test(a_signed_bundle_does_not_become_data),
        cmocka_unit_test(a_signed_id_does_not_become_a_key),
        cmocka_unit_test(a_signed_space_does_not_become_a_line_feed),
        cmocka_unit_test(an_hmac_has_no_committer),
        cmocka_unit_test(an_unsigned_item_has_no_committer),
        cmocka_unit_test(a_changed_commitment_does_not_verify),
        cmocka_unit_test(a_signature_under_another_id_does_not_verify),
        cmocka_unit_test(a_commitment_does_not_stand_in_for_a_changed_key),
        cmocka_unit_test(a_second_member_covers_nothing),
        cmocka_unit_test(what_was_added_is_not_covered),
        cmocka_unit_test(keys_may_be_added_to_what_was_signed),
        cmocka_unit_test(an_added_key_does_not_hide_a_change),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
