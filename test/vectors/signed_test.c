/* signed.json: signed messages, as such and as HTTP has them. */
#include "vectors/notation.h"

#include "ao/commit.h"
#include "codec/codecs.h"
#include "codec/httpsig.h"

typedef struct fixture {
    json_t *file;
    const json_t *vectors;
    ao_context *context;
    ao_wallet *wallets[2];
} fixture;

static ao_wallet *wallet_of(const json_t *file, const char *key)
{
    char *text = json_dumps(notation_member(file, key), 0);
    ao_wallet *wallet = NULL;
    beamr_error err = {0};

    if (ao_wallet_read(beamr_bytes_of(text), &wallet, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    free(text);
    return wallet;
}

static int set_up(void **state)
{
    static fixture f;

    f.file = notation_file("signed.json");
    f.vectors = notation_member(f.file, "vectors");
    f.wallets[0] = wallet_of(f.file, "key-1");
    f.wallets[1] = wallet_of(f.file, "key-2");
    assert_int_equal(ao_context_new(NULL, &f.context, NULL), BEAMR_OK);
    assert_int_equal(json_array_size(f.vectors), 9);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    json_decref(f->file);
    ao_wallet_unref(f->wallets[0]);
    ao_wallet_unref(f->wallets[1]);
    ao_context_free(f->context);
    return 0;
}

/* Call `check` for every vector. */
static void for_each(fixture *f,
                     void (*check)(fixture *f, const char *name, const json_t *vector))
{
    const json_t *vector;
    size_t i;

    json_array_foreach((json_t *)(uintptr_t)f->vectors, i, vector)
        check(f, notation_text(vector, "name"), vector);
}

static bool verifies(fixture *f, const ao_message *message, const ao_selection *selection)
{
    bool is_valid = false;
    const char *why = NULL;
    beamr_error err = {0};

    if (ao_verify(f->context, message, selection, &is_valid, &why, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if (!is_valid)
        assert_non_null(why);
    return is_valid;
}

/* The fields of a vector, without the private state that it was handed over with. */
static ao_message *decode_http(fixture *f, const json_t *vector)
{
    ao_value encoded = notation_value(notation_member(vector, "http-message"));
    ao_message *plain = NULL, *decoded = NULL;
    beamr_error err = {0};
    ao_value value;

    assert_int_equal(ao_message_reset(ao_to_message(encoded), &plain, &err), BEAMR_OK);
    value = ao_message_value(plain);
    if (codec_httpsig.decode(f->context, value, &decoded, &err) != BEAMR_OK)
        fail_msg("%s: %s", notation_text(vector, "name"), err.text);
    ao_value_unref(value);
    ao_value_unref(encoded);
    return decoded;
}

/* ---- Checks ---- */

static void check_base(fixture *f, const char *name, const json_t *vector)
{
    ao_message *message = notation_message(notation_member(vector, "message"));
    ao_value expected = notation_value(notation_member(vector, "signature-base-first-signer"));
    const char *params = strstr((const char *)ao_bytes(expected).data, ");alg=");
    httpsig_component *components;
    httpsig_message encoded;
    beamr_bytes base, rest;
    beamr_error err = {0};
    size_t count;
    ao_value actual;
    arena a;

    (void)f;
    assert_non_null(params);
    rest.data = (const uint8_t *)params + 1;
    rest.len = ao_bytes(expected).len - (size_t)(rest.data - ao_bytes(expected).data);
    arena_init(&a, SIZE_MAX);
    assert_int_equal(httpsig_encode_message(&a, message, HTTPSIG_SIGN, NULL, &encoded, &err),
                     BEAMR_OK);
    assert_int_equal(httpsig_all_components(&a, &encoded, false, &components, &count, &err),
                     BEAMR_OK);
    assert_int_equal(httpsig_base(&a, components, count, rest, &base, &err), BEAMR_OK);
    actual = ao_binary_copy(base);
    notation_assert_equal(actual, expected, name);
    ao_value_unref(actual);
    ao_value_unref(expected);
    arena_clear(&a);
    ao_message_unref(message);
}

static void bases_of_signatures(void **state)
{
    for_each(*state, check_base);
}

static void check_decoding(fixture *f, const char *name, const json_t *vector)
{
    ao_message *signed_one = notation_message(notation_member(vector, "signed"));
    ao_message *decoded = decode_http(f, vector);
    char path[AO_MATCH_PATH_SIZE];

    assert_true(json_is_true(notation_member(vector, "decoded-matches")));
    if (!ao_message_match(decoded, signed_one, AO_MATCH_STRICT, path))
        fail_msg("%s: %s differs", name, path);
    /* All of these are written by nodes: there is no other form to keep. */
    assert_int_equal(ao_private_find(decoded, HTTPSIG_RECEIVED).kind, AO_NONE);
    ao_message_unref(decoded);
    ao_message_unref(signed_one);
}

static void http_messages_are_decoded(void **state)
{
    for_each(*state, check_decoding);
}

static void check_encoding(fixture *f, const char *name, const json_t *vector)
{
    ao_message *signed_one = notation_message(notation_member(vector, "signed"));
    ao_value expected = notation_value(notation_member(vector, "http-message"));
    ao_value encoded = AO_NO_VALUE;
    ao_message *plain = NULL;
    beamr_error err = {0};

    /* Private state is never sent; the vector `hashpath-tag` shows how it is handed on. */
    assert_int_equal(ao_message_reset(ao_to_message(expected), &plain, &err), BEAMR_OK);
    ao_value_unref(expected);
    expected = ao_message_value(plain);
    if (codec_httpsig.encode(f->context, signed_one, &encoded, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    notation_assert_equal(encoded, expected, name);
    ao_value_unref(encoded);
    ao_value_unref(expected);
    ao_message_unref(signed_one);
}

static void signed_messages_are_encoded(void **state)
{
    for_each(*state, check_encoding);
}

static void assert_id(fixture *f, const ao_message *message, ao_selection selection,
                      const json_t *vector, const char *key)
{
    char id[AO_ID_TEXT + 1];
    beamr_error err = {0};

    if (ao_id_of(f->context, message, &selection, id, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if (strcmp(id, notation_text(vector, key)) != 0)
        fail_msg("%s of %s: %s", key, notation_text(vector, "name"), id);
}

static void check_ids(fixture *f, const char *name, const json_t *vector)
{
    ao_message *messages[2] = {notation_message(notation_member(vector, "signed")),
                               decode_http(f, vector)};
    ao_value none = ao_list_new(NULL, 0), all = ao_binary_text("all");
    ao_value text_none = ao_binary_text("none");

    (void)name;
    for (int i = 0; i < 2; i++) {
        assert_id(f, messages[i], (ao_selection){.committers = all}, vector,
                  "id-committers-all");
        assert_id(f, messages[i], (ao_selection){.committers = none}, vector,
                  "id-committers-empty-list");
        assert_id(f, messages[i], (ao_selection){.committers = text_none}, vector,
                  "id-committers-none-string");
        assert_id(f, messages[i], (ao_selection){.commitments = all}, vector,
                  "id-commitments-all");
        assert_id(f, messages[i], (ao_selection){.committers = AO_NO_VALUE}, vector,
                  "id-no-specifier");
        ao_message_unref(messages[i]);
    }
    ao_value_unref(none);
    ao_value_unref(all);
    ao_value_unref(text_none);
}

static void ids_of_all_selections(void **state)
{
    for_each(*state, check_ids);
}

static void check_committed(fixture *f, const char *name, const json_t *vector)
{
    ao_message *messages[2] = {notation_message(notation_member(vector, "signed")),
                               decode_http(f, vector)};
    const json_t *keys = notation_member(vector, "committed-keys"), *key;
    beamr_error err = {0};
    size_t i;

    for (int m = 0; m < 2; m++) {
        ao_value committed = AO_NO_VALUE;

        if (ao_committed(f->context, messages[m], &AO_SELECT_ALL, &committed, &err) != BEAMR_OK)
            fail_msg("%s: %s", name, err.text);
        if (ao_list_count(committed) != json_array_size(keys))
            fail_msg("%s: %zu keys, not %zu: %s", name, ao_list_count(committed),
                     json_array_size(keys), notation_show(committed));
        json_array_foreach((json_t *)(uintptr_t)keys, i, key)
        {
            bool is_there = false;

            for (size_t n = 0; n < ao_list_count(committed); n++)
                is_there |= text_is(ao_bytes(ao_list_at(committed, n)), json_string_value(key));
            if (!is_there)
                fail_msg("%s: %s is not committed", name, json_string_value(key));
        }
        ao_value_unref(committed);
        ao_message_unref(messages[m]);
    }
}

static void committed_keys(void **state)
{
    for_each(*state, check_committed);
}

static void check_verifying(fixture *f, const char *name, const json_t *vector)
{
    ao_message *messages[2] = {notation_message(notation_member(vector, "signed")),
                               decode_http(f, vector)};
    const json_t *signers = notation_member(vector, "signers"), *signer;
    beamr_error err = {0};
    size_t i;

    assert_true(json_is_true(notation_member(vector, "verify")));
    for (int m = 0; m < 2; m++) {
        ao_value committers = AO_NO_VALUE;

        if (!verifies(f, messages[m], &AO_SELECT_SIGNED) ||
            !verifies(f, messages[m], &AO_SELECT_ALL)) /* the hmac too */
            fail_msg("%s does not verify", name);
        assert_int_equal(ao_committers(messages[m], &committers, &err), BEAMR_OK);
        assert_int_equal(ao_list_count(committers), json_array_size(signers));
        json_array_foreach((json_t *)(uintptr_t)signers, i, signer)
        {
            bool is_there = false;

            for (size_t n = 0; n < ao_list_count(committers); n++)
                is_there |=
                    text_is(ao_bytes(ao_list_at(committers, n)), json_string_value(signer));
            assert_true(is_there);
        }
        ao_value_unref(committers);
        ao_message_unref(messages[m]);
    }
}

static void signatures_and_hmacs_verify(void **state)
{
    for_each(*state, check_verifying);
}

/* Every key but `commitments` is changed, one at a time. */
static void check_tampering(fixture *f, const char *name, const json_t *vector)
{
    ao_message *signed_one = notation_message(notation_member(vector, "signed"));
    ao_cursor cursor = {0};
    const ao_name *key;

    while (ao_message_next(signed_one, &cursor, &key, NULL)) {
        const char *text = (const char *)ao_name_text(key).data;
        ao_message *changed = NULL;

        if (strcmp(text, "commitments") == 0)
            continue;
        assert_int_equal(
            ao_message_with(signed_one, text, ao_binary_text("changed"), &changed, NULL),
            BEAMR_OK);
        if (verifies(f, changed, &AO_SELECT_SIGNED))
            fail_msg("%s: changing %s is not found", name, text);
        if (verifies(f, changed, &AO_SELECT_ALL))
            fail_msg("%s: changing %s is not found by the hmac", name, text);
        ao_message_unref(changed);
    }
    ao_message_unref(signed_one);
}

static void changed_messages_do_not_verify(void **state)
{
    for_each(*state, check_tampering);
}

/* Signed again, by the other key too, and sent around. */
static void check_signing(fixture *f, const char *name, const json_t *vector)
{
    ao_message *message = notation_message(notation_member(vector, "message"));
    ao_message *once = NULL, *twice = NULL, *decoded = NULL;
    char path[AO_MATCH_PATH_SIZE], plain[AO_ID_TEXT + 1], id[AO_ID_TEXT + 1];
    ao_value encoded = AO_NO_VALUE;
    beamr_error err = {0};

    if (codec_httpsig.commit(f->context, message, f->wallets[0], &once, &err) != BEAMR_OK ||
        codec_httpsig.commit(f->context, once, f->wallets[1], &twice, &err) != BEAMR_OK ||
        codec_httpsig.encode(f->context, twice, &encoded, &err) != BEAMR_OK ||
        codec_httpsig.decode(f->context, encoded, &decoded, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    assert_true(verifies(f, once, &AO_SELECT_SIGNED));
    assert_true(verifies(f, twice, &AO_SELECT_SIGNED));
    assert_true(verifies(f, decoded, &AO_SELECT_SIGNED));
    assert_true(verifies(f, decoded, &AO_SELECT_ALL));
    if (!ao_message_match(twice, decoded, AO_MATCH_STRICT, path))
        fail_msg("%s: %s differs", name, path);
    assert_int_equal(ao_message_unsigned_id(f->context, message, plain, &err), BEAMR_OK);
    assert_int_equal(ao_message_unsigned_id(f->context, decoded, id, &err), BEAMR_OK);
    assert_string_equal(id, plain);
    ao_value_unref(encoded);
    ao_message_unref(message);
    ao_message_unref(once);
    ao_message_unref(twice);
    ao_message_unref(decoded);
}

static void our_own_signatures_verify(void **state)
{
    for_each(*state, check_signing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bases_of_signatures),
        cmocka_unit_test(http_messages_are_decoded),
        cmocka_unit_test(signed_messages_are_encoded),
        cmocka_unit_test(ids_of_all_selections),
        cmocka_unit_test(committed_keys),
        cmocka_unit_test(signatures_and_hmacs_verify),
        cmocka_unit_test(changed_messages_do_not_verify),
        cmocka_unit_test(our_own_signatures_verify),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
