/* Commitments of httpsig@1.0: messages of clients that encode differently, and what must not
 * verify. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "client.h"
#include "codec/codecs.h"
#include "codec/httpsig.h"

static ao_wallet *wallet;

static int set_up(void **state)
{
    static const char jwk[] =
        "{\"kty\":\"RSA\",\"n\":\"" WALLET_N "\",\"e\":\"" WALLET_E "\",\"d\":\"" WALLET_D
        "\",\"p\":\"" WALLET_P "\",\"q\":\"" WALLET_Q "\",\"dp\":\"" WALLET_DP
        "\",\"dq\":\"" WALLET_DQ "\",\"qi\":\"" WALLET_QI "\"}";

    (void)state;
    return ao_wallet_read(beamr_bytes_of(jwk), &wallet, NULL) == BEAMR_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ao_wallet_unref(wallet);
    return 0;
}

static ao_message *sign(const request *r)
{
    return client_sign(wallet, r);
}

/* ---- The node ---- */

static ao_message *decode(BEAMR_OWN ao_message *fields)
{
    ao_value value = ao_message_value(fields);
    ao_message *out = NULL;
    beamr_error err = {0};

    if (codec_httpsig.decode(NULL, value, &out, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_value_unref(value);
    return out;
}

/* Whether the commitments of one algorithm verify; there is exactly one. */
static bool verifies(const ao_message *message, const char *alg, const char **why)
{
    ao_message *all = ao_to_message(ao_message_find_text(message, "commitments"));
    ao_cursor cursor = {0};
    const ao_name *id;
    ao_value one;
    bool is_valid = false, is_found = false;
    beamr_error err = {0};

    assert_non_null(all);
    while (ao_message_next(all, &cursor, &id, &one)) {
        const ao_message *commitment = ao_to_message(one);

        if (!text_is(ao_text(ao_message_find_text(commitment, "alg")), alg))
            continue;
        assert_false(is_found);
        is_found = true;
        if (codec_httpsig.verify(NULL, message, ao_name_text(id), commitment, &is_valid, why,
                                 &err) != BEAMR_OK)
            fail_msg("%s", err.text);
    }
    assert_true(is_found);
    return is_valid;
}

static void assert_valid(const ao_message *message)
{
    const char *why = "";

    if (!verifies(message, HTTPSIG_RSA, &why))
        fail_msg("%s", why);
    if (!verifies(message, HTTPSIG_HMAC, &why))
        fail_msg("hmac: %s", why);
}

static void assert_invalid(const ao_message *message, const char *expected)
{
    const char *why = "";

    assert_false(verifies(message, HTTPSIG_RSA, &why));
    if (!strstr(why, expected))
        fail_msg("%s", why);
}

static ao_message *with(const ao_message *message, const char *path, const char *text)
{
    const char *slash = strchr(path, '/');
    ao_message *out = NULL, *inner;
    char key[64];

    if (!slash) {
        assert_int_equal(ao_message_with(message, path, ao_binary_text(text), &out, NULL),
                         BEAMR_OK);
        return out;
    }
    snprintf(key, sizeof key, "%.*s", (int)(slash - path), path);
    inner = with(ao_to_message(ao_message_find_text(message, key)), slash + 1, text);
    assert_int_equal(ao_message_with(message, key, ao_message_value(inner), &out, NULL),
                     BEAMR_OK);
    return out;
}

static void assert_change_is_found(const ao_message *message, const char *path,
                                   const char *text)
{
    ao_message *changed = with(message, path, text);
    const char *why = "";

    if (verifies(changed, HTTPSIG_RSA, &why) || verifies(changed, HTTPSIG_HMAC, &why))
        fail_msg("%s = %s verifies", path, text);
    ao_message_unref(changed);
}

static bool is_committed(const ao_message *message, const char *key)
{
    ao_message *all = ao_to_message(ao_message_find_text(message, "commitments"));
    ao_cursor cursor = {0};
    const ao_name *id;
    ao_value one, keys;
    bool is_there = true;

    while (ao_message_next(all, &cursor, &id, &one)) {
        bool is_here = false;

        assert_int_equal(codec_httpsig.committed(NULL, message, ao_name_text(id),
                                                 ao_to_message(one), &keys, NULL),
                         BEAMR_OK);
        for (size_t i = 0; i < ao_list_count(keys); i++)
            is_here |= text_is(ao_bytes(ao_list_at(keys, i)), key);
        is_there = is_there && is_here;
        ao_value_unref(keys);
    }
    return is_there;
}

/* ---- Other encodings ---- */

static void any_member_name_and_order_of_parameters_verify(void **state)
{
    static const request r = {.fields = {"a", "1", "b", "2", "other", "x"},
                              .list = "\"b\" \"a\"",
                              .params = KEYID ";nonce=\"n\";created=1700000000;x-mine=?0"
                                              ";alg=\"rsa-pss-sha512\""};
    ao_message *message = decode(sign(&r));

    (void)state;
    assert_valid(message);
    assert_true(is_committed(message, "a"));
    assert_false(is_committed(message, "other"));
    assert_int_equal(ao_private_find(message, HTTPSIG_RECEIVED).kind, AO_NONE);
    assert_change_is_found(message, "a", "2");
    ao_message_unref(message);
}

/* Older nodes sort parameters, and leave out what they do not know. */
static void sorted_parameters_verify(void **state)
{
    static const request r = {.fields = {"a", "1"},
                              .list = "\"a\"",
                              .params = KEYID ";x-mine=1;alg=\"rsa-pss-sha512\"",
                              .signed_params = RSA};
    ao_message *message = decode(sign(&r));

    (void)state;
    assert_valid(message);
    ao_message_unref(message);
}

static void parts_in_another_order_verify(void **state)
{
    ao_message *message = decode(sign(&foreign_parts)), *added;

    (void)state;
    assert_valid(message);
    assert_true(is_committed(message, "m"));
    assert_true(is_committed(message, "l"));
    assert_true(is_committed(message, "n"));
    added = with(message, "not-committed", "x");
    assert_valid(added);
    assert_false(is_committed(added, "not-committed"));
    ao_message_unref(added);
    ao_message_unref(message);
}

static void what_came_in_another_form_is_protected_too(void **state)
{
    ao_message *message = decode(sign(&foreign_parts)), *changed = NULL;

    (void)state;
    assert_change_is_found(message, "m/a", "2");
    assert_change_is_found(message, "m/new", "x");
    assert_change_is_found(message, "m/body", "y");
    assert_change_is_found(message, "m", "gone");
    assert_change_is_found(message, "l", "one two"); /* has the same id */
    assert_change_is_found(message, "n", "5");       /* text, not a number */
    assert_change_is_found(message, "body", "new");
    assert_int_equal(ao_message_without(message, "l", &changed, NULL), BEAMR_OK);
    assert_invalid(changed, "");
    ao_message_unref(changed);
    ao_message_unref(message);
}

/* Uncommitted keys of another nested message are not taken for committed ones. */
static void a_changed_message_commits_to_what_is_its_own(void **state)
{
    ao_message *message = decode(sign(&foreign_parts));
    ao_message *changed = with(message, "m/a", "2");

    (void)state;
    assert_true(is_committed(message, "l"));
    assert_false(is_committed(changed, "l"));
    ao_message_unref(changed);
    ao_message_unref(message);
}

/* The own encoding is signed, and the form in which it came has more in its body. */
static void what_only_the_other_form_has_is_not_covered(void **state)
{
    ao_message *message = NULL, *signed_one = NULL, *fields, *decoded;
    ao_value encoded = AO_NO_VALUE, inner;
    char body[4096];
    beamr_bytes text, type;

    (void)state;
    assert_int_equal(
        ao_message_with(ao_message_empty(), "x", ao_binary_text("1"), &message, NULL),
        BEAMR_OK);
    inner = ao_message_value(message);
    message = NULL;
    assert_int_equal(ao_message_with(ao_message_empty(), "m", inner, &message, NULL), BEAMR_OK);
    assert_int_equal(codec_httpsig.commit(NULL, message, wallet, &signed_one, NULL), BEAMR_OK);
    assert_int_equal(codec_httpsig.encode(NULL, signed_one, &encoded, NULL), BEAMR_OK);
    text = ao_bytes(ao_message_find_text(ao_to_message(encoded), "body"));
    type = ao_bytes(ao_message_find_text(ao_to_message(encoded), "content-type"));
    assert_true(type.len > 60);
    snprintf(body, sizeof body,
             "%.*s\r\ncontent-disposition: form-data;name=\"evil\"\r\n\r\na\nb\r\n%.*s", 47 - 2,
             (const char *)text.data, (int)text.len, (const char *)text.data);
    fields = with(ao_to_message(encoded), "body", body);
    ao_value_unref(encoded);
    encoded = AO_NO_VALUE;
    assert_int_equal(ao_message_without(fields, "content-digest", &decoded, NULL), BEAMR_OK);
    ao_message_unref(fields);
    decoded = decode(decoded);
    assert_int_equal(ao_bytes(ao_message_find_text(decoded, "evil")).len, 3);
    assert_false(is_committed(decoded, "evil"));
    ao_message_unref(decoded);
    ao_message_unref(signed_one);
    ao_message_unref(message);
}

static void types_that_are_not_signed_do_not_count(void **state)
{
    static const request r = {.fields = {"ao-types", "a=\"integer\"", "a", "1", "b", "2"},
                              .list = "\"a\""};
    static const request other = {.fields = {"ao-types", "a=\"integer\"", "a", "1", "b", "2"},
                                  .list = "\"b\""};
    ao_message *message = decode(sign(&r));

    (void)state;
    assert_invalid(message, "types");
    ao_message_unref(message);
    message = decode(sign(&other));
    assert_valid(message);
    ao_message_unref(message);
}

static void it_is_sent_on_as_it_came(void **state)
{
    ao_message *fields = sign(&foreign_parts), *message = decode(ao_message_ref(fields)),
               *again, *changed;
    ao_value sent = AO_NO_VALUE;
    beamr_error err = {0};

    (void)state;
    assert_int_equal(codec_httpsig.encode(NULL, message, &sent, &err), BEAMR_OK);
    assert_true(ao_value_equal(ao_message_find_text(ao_to_message(sent), "body"),
                               ao_message_find_text(fields, "body")));
    again = decode(ao_message_ref(ao_to_message(sent)));
    assert_valid(again);
    ao_value_unref(sent);
    /* Changed, it has no form that could be sent: `l` cannot be a header. */
    changed = with(message, "m/a", "2");
    assert_int_equal(codec_httpsig.encode(NULL, changed, &sent, &err), BEAMR_ENCODING);
    ao_message_unref(changed);
    ao_message_unref(again);
    ao_message_unref(message);
    ao_message_unref(fields);
}

static void derived_components_are_fields_of_the_message(void **state)
{
    static const request r = {.fields = {"path", "/x", "a", "1", "method", "POST"},
                              .list = "\"a\" \"@path\" \"@method\""};
    ao_message *message = decode(sign(&r));

    (void)state;
    assert_valid(message);
    assert_true(is_committed(message, "path"));
    assert_change_is_found(message, "path", "/y");
    ao_message_unref(message);
}

/* ---- What must not verify ---- */

static ao_message *decode_signed(const char *list, const char *params)
{
    request r = {.fields = {"a", "1", "b", "2"}, .list = list, .params = params};

    return decode(sign(&r));
}

static void assert_never(const char *list, const char *params, const char *why)
{
    ao_message *message = decode_signed(list, params);

    assert_invalid(message, why);
    ao_message_unref(message);
}

static void lists_that_say_something_else_do_not_verify(void **state)
{
    (void)state;
    assert_never("\"a\" \"missing\"", NULL, "missing");
    assert_never("\"a\" \"a\"", NULL, "component");
    assert_never("\"a\";req", NULL, "component");
    assert_never("\"signature\"", NULL, "");
}

static void expired_signatures_do_not_verify(void **state)
{
    char params[1024];
    ao_message *message;

    (void)state;
    assert_never("\"a\"", RSA ";expires=1700000000", "expired");
    assert_never("\"a\"", RSA ";expired=1700000000", "expired");
    assert_never("\"a\"", RSA ";expires=\"never\"", "expired");
    snprintf(params, sizeof params, RSA ";expires=%lld", (long long)time(NULL) + 1000);
    message = decode_signed("\"a\"", params);
    assert_valid(message);
    ao_message_unref(message);
}

static void other_algorithms_do_not_verify(void **state)
{
    ao_message *message = decode_signed("\"a\"", KEYID ";alg=\"rsa-v1_5-sha256\"");
    bool is_valid = true;
    const char *why = NULL;
    ao_cursor cursor = {0};
    const ao_name *id;
    ao_value one;

    (void)state;
    assert_true(ao_message_next(ao_to_message(ao_message_find_text(message, "commitments")),
                                &cursor, &id, &one));
    while (!text_begins(ao_text(ao_message_find_text(ao_to_message(one), "alg")), "rsa"))
        assert_true(ao_message_next(ao_to_message(ao_message_find_text(message, "commitments")),
                                    &cursor, &id, &one));
    assert_int_equal(codec_httpsig.verify(NULL, message, ao_name_text(id), ao_to_message(one),
                                          &is_valid, &why, NULL),
                     BEAMR_OK);
    assert_false(is_valid);
    assert_non_null(why);
    ao_message_unref(message);
}

/* The signature's commitment under another id, or with another value of a key. */
static void check_forged(const char *key, const char *value, const char *forged_id,
                         const char *expected)
{
    ao_message *message = decode_signed("\"a\"", NULL), *commitment = NULL;
    ao_message *all = ao_to_message(ao_message_find_text(message, "commitments"));
    ao_cursor cursor = {0};
    const ao_name *id = NULL;
    ao_value one = AO_NO_VALUE;
    bool is_valid = true;
    const char *why = "";

    do
        assert_true(ao_message_next(all, &cursor, &id, &one));
    while (!text_is(ao_text(ao_message_find_text(ao_to_message(one), "alg")), HTTPSIG_RSA));
    assert_int_equal(
        ao_message_with(ao_to_message(one), key, ao_binary_text(value), &commitment, NULL),
        BEAMR_OK);
    assert_int_equal(
        codec_httpsig.verify(NULL, message,
                             forged_id ? beamr_bytes_of(forged_id) : ao_name_text(id),
                             commitment, &is_valid, &why, NULL),
        BEAMR_OK);
    assert_false(is_valid);
    if (!strstr(why, expected))
        fail_msg("%s", why);
    ao_message_unref(commitment);
    ao_message_unref(message);
}

static void commitments_must_be_what_they_say(void **state)
{
    (void)state;
    check_forged("x", "y", "tAcRqIxwOXVvuKc4J-q-LA_loDRsp-ChBK3A_HZPUo0", "id");
    check_forged("committer", "tAcRqIxwOXVvuKc4J-q-LA_loDRsp-ChBK3A_HZPUo0", NULL, "committer");
    check_forged("committer", "", NULL, "committer");
    check_forged("signature", "sig1=:AAAA:", NULL, "id");
    check_forged("signature", "sig2=:AAAA:", NULL, "read");
    check_forged("signature-input", "sig1=(\"b\")" RSA, NULL, "not of this message");
    check_forged("signature-input", "sig1=(\"a\");alg=\"rsa-pss-sha512\"", NULL, "committer");
    check_forged("signature-input", "sig1=(\"a\")" KEYID, NULL, "algorithm");
    check_forged("alg", "none", NULL, "algorithm");
}

static void digests_that_nobody_compared_do_not_count(void **state)
{
    static const request r = {.fields = {"content-digest", "md5=:AAAA:", "a", "1"},
                              .body = "anything",
                              .list = "\"a\" \"content-digest\""};
    ao_message *message = decode(sign(&r));

    (void)state;
    assert_invalid(message, "");
    ao_message_unref(message);
}

/* ---- Signing ---- */

static void what_cannot_be_read_again_is_not_signed(void **state)
{
    static const char *const values[] = {"a\nb", "a\rb", "a\r\nb: c"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ao_message *message = NULL, *out = NULL;
        beamr_error err = {0};

        assert_int_equal(
            ao_message_with(ao_message_empty(), "k", ao_binary_text(values[i]), &message, NULL),
            BEAMR_OK);
        assert_int_equal(codec_httpsig.commit(NULL, message, wallet, &out, &err),
                         BEAMR_ENCODING);
        assert_non_null(strstr(err.text, "`k`"));
        assert_null(out);
        ao_message_unref(message);
    }
}

static void a_committer_has_one_signature(void **state)
{
    ao_message *message = NULL, *once = NULL, *more, *twice = NULL;

    (void)state;
    assert_int_equal(
        ao_message_with(ao_message_empty(), "k", ao_binary_text("v"), &message, NULL),
        BEAMR_OK);
    assert_int_equal(codec_httpsig.commit(NULL, message, wallet, &once, NULL), BEAMR_OK);
    more = with(once, "l", "w");
    assert_false(is_committed(more, "l"));
    assert_int_equal(codec_httpsig.commit(NULL, more, wallet, &twice, NULL), BEAMR_OK);
    assert_valid(twice);
    assert_true(is_committed(twice, "l"));
    assert_int_equal(
        ao_message_count(ao_to_message(ao_message_find_text(twice, "commitments"))), 2);
    ao_message_unref(twice);
    ao_message_unref(more);
    ao_message_unref(once);
    ao_message_unref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_member_name_and_order_of_parameters_verify),
        cmocka_unit_test(sorted_parameters_verify),
        cmocka_unit_test(parts_in_another_order_verify),
        cmocka_unit_test(what_came_in_another_form_is_protected_too),
        cmocka_unit_test(a_changed_message_commits_to_what_is_its_own),
        cmocka_unit_test(what_only_the_other_form_has_is_not_covered),
        cmocka_unit_test(types_that_are_not_signed_do_not_count),
        cmocka_unit_test(it_is_sent_on_as_it_came),
        cmocka_unit_test(derived_components_are_fields_of_the_message),
        cmocka_unit_test(lists_that_say_something_else_do_not_verify),
        cmocka_unit_test(expired_signatures_do_not_verify),
        cmocka_unit_test(other_algorithms_do_not_verify),
        cmocka_unit_test(commitments_must_be_what_they_say),
        cmocka_unit_test(digests_that_nobody_compared_do_not_count),
        cmocka_unit_test(what_cannot_be_read_again_is_not_signed),
        cmocka_unit_test(a_committer_has_one_signature),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
