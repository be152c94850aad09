/* Signed messages, real ones, come back from a store verifiable, by each of their ids; also
 * those that came in another form than their own encoding. */
#define _GNU_SOURCE
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../codec/client.h"
#include "ao/commit.h"
#include "ao/context.h"

static ao_context *context;
static ao_wallet *wallet;

static int set_up(void **state)
{
    static const char jwk[] =
        "{\"kty\":\"RSA\",\"n\":\"" WALLET_N "\",\"e\":\"" WALLET_E "\",\"d\":\"" WALLET_D
        "\",\"p\":\"" WALLET_P "\",\"q\":\"" WALLET_Q "\",\"dp\":\"" WALLET_DP
        "\",\"dq\":\"" WALLET_DQ "\",\"qi\":\"" WALLET_QI "\"}";
    ao_settings settings = {.kv = "memory"};

    (void)state;
    return ao_context_new(&settings, &context, NULL) == BEAMR_OK &&
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

static ao_message *signed_of(const char *json, const char *device)
{
    ao_value encoded = ao_binary_text(json);
    ao_message *message = NULL, *out = NULL;
    beamr_error err = {0};

    if (ao_decode(context, "json@1.0", encoded, &message, &err) != BEAMR_OK ||
        ao_message_commit(context, message, device, wallet, &out, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_value_unref(encoded);
    ao_message_unref(message);
    return out;
}

static void assert_verifies(const ao_message *message)
{
    bool is_valid = false;
    beamr_error err = {0};

    if (ao_message_verify(context, message, &is_valid, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_true(is_valid);
}

static void assert_stored_as(const char *id, const ao_message *wanted)
{
    char text[AO_ID_TEXT + 1], other[AO_ID_TEXT + 1];
    ao_message *back = NULL;
    beamr_error err = {0};

    if (ao_load_message(context, beamr_bytes_of(id), &back, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_verifies(back);
    assert_int_equal(ao_message_id(context, back, text, &err), BEAMR_OK);
    assert_int_equal(ao_message_id(context, wanted, other, &err), BEAMR_OK);
    assert_string_equal(text, other);
    assert_true(ao_message_match(wanted, back, AO_MATCH_STRICT, NULL));
    ao_message_unref(back);
}

/* Nested, of several types, with a part so large that it is stored apart. */
static void check(const char *device)
{
    static char json[4000];
    char id[AO_ID_TEXT + 1], signed_id[AO_ID_TEXT + 1], all[AO_ID_TEXT + 1];
    ao_message *message;
    beamr_error err = {0};

    snprintf(json, sizeof json, "{\"key\":\"value\",\"large\":\"%02000d\"}", 0);
    message = signed_of(json, device);
    assert_verifies(message);
    if (ao_store_message(context, message, id, &err) != BEAMR_OK ||
        ao_message_id(context, message, signed_id, &err) != BEAMR_OK ||
        ao_id_of(context, message, &AO_SELECT_ALL, all, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_string_not_equal(id, signed_id);
    assert_stored_as(id, message);
    assert_stored_as(signed_id, message);
    assert_stored_as(all, message);
    ao_message_unref(message);
}

static void signed_over_http(void **state)
{
    (void)state;
    check("httpsig@1.0");
}

static void signed_as_an_item(void **state)
{
    (void)state;
    check("ans104@1.0");
}

/* The message of an assignment, say: it is found by its own id. */
static void nested_and_signed(void **state)
{
    ao_message *inner = signed_of("{\"key\":\"value\",\"data\":\"text\"}", NULL), *outer = NULL,
               *back = NULL;
    char id[AO_ID_TEXT + 1], inner_id[AO_ID_TEXT + 1];
    ao_value value;

    (void)state;
    assert_int_equal(ao_message_id(context, inner, inner_id, NULL), BEAMR_OK);
    assert_int_equal(ao_message_with(ao_message_empty(), "body",
                                     ao_message_value(ao_message_ref(inner)), &outer, NULL),
                     BEAMR_OK);
    assert_int_equal(ao_store_message(context, outer, id, NULL), BEAMR_OK);
    assert_stored_as(inner_id, inner);
    assert_int_equal(ao_load_message(context, beamr_bytes_of(id), &back, NULL), BEAMR_OK);
    assert_int_equal(ao_message_get(back, beamr_bytes_of("body"), &value, NULL), BEAMR_OK);
    assert_verifies(ao_to_message(value));
    ao_message_unref(back);
    ao_message_unref(outer);
    ao_message_unref(inner);
}

static ao_message *with(ao_message *message, const char *key, ao_value value)
{
    ao_message *out = NULL;

    assert_int_equal(ao_message_with(message, key, value, &out, NULL), BEAMR_OK);
    ao_message_unref(message);
    return out;
}

static void assert_not_there(const char *id, const char *key)
{
    ao_message *back = NULL;

    if (ao_load_message(context, beamr_bytes_of(id), &back, NULL) != BEAMR_OK)
        return;
    assert_int_equal(ao_message_find_text(back, key).kind, AO_NONE);
    ao_message_unref(back);
}

/* Whoever adds a key that is not covered, or a commitment, does not take the id. */
static void an_id_is_not_taken_by_what_is_added(void **state)
{
    ao_message *genuine = signed_of("{\"key\":\"genuine\"}", NULL), *forged;
    ao_message *commitments, *junk = with(ao_message_empty(), "committer", ao_binary_text("x"));
    char id[AO_ID_TEXT + 1], signed_id[AO_ID_TEXT + 1];

    (void)state;
    assert_int_equal(ao_message_id(context, genuine, signed_id, NULL), BEAMR_OK);
    assert_int_equal(ao_store_message(context, genuine, id, NULL), BEAMR_OK);
    forged = with(ao_message_ref(genuine), "evil", ao_binary_text("1"));
    assert_int_equal(ao_store_message(context, forged, id, NULL), BEAMR_OK);
    assert_not_there(signed_id, "evil");
    ao_message_unref(forged);
    commitments = ao_to_message(ao_message_find_text(genuine, "commitments"));
    commitments = with(ao_message_ref(commitments),
                       "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", ao_message_value(junk));
    forged = with(ao_message_ref(genuine), "commitments", ao_message_value(commitments));
    assert_int_equal(ao_store_message(context, forged, id, NULL), BEAMR_OK);
    assert_stored_as(signed_id, genuine);
    ao_message_unref(forged);
    ao_message_unref(genuine);
}

/* An hmac can be over some keys of a message, and is then the unsigned id of another. */
static void an_hmac_over_some_keys_takes_no_id(void **state)
{
    ao_message *genuine = with(ao_message_empty(), "key", ao_binary_text("alone"));
    ao_message *hmac = ao_message_empty(), *forged;
    char id[AO_ID_TEXT + 1], other[AO_ID_TEXT + 1];

    (void)state;
    hmac = with(hmac, "alg", ao_binary_text("hmac-sha256"));
    hmac = with(hmac, "commitment-device", ao_binary_text("httpsig@1.0"));
    hmac = with(hmac, "signature", ao_binary_text("a=:AAAA:"));
    hmac = with(hmac, "signature-input", ao_binary_text("a=(\"key\")"));
    assert_int_equal(ao_store_message(context, genuine, id, NULL), BEAMR_OK);
    forged = with(ao_message_ref(genuine), "evil", ao_binary_text("1"));
    forged = with(forged, "commitments",
                  ao_message_value(with(ao_message_empty(), id, ao_message_value(hmac))));
    assert_int_equal(ao_store_message(context, forged, other, NULL), BEAMR_OK);
    assert_not_there(id, "evil");
    ao_message_unref(forged);
    ao_message_unref(genuine);
}

/* ---- What came in another form than its own encoding ---- */

static ao_context *open_store(const char *name)
{
    ao_settings settings = {.kv = name};
    ao_context *opened = NULL;
    beamr_error err = {0};

    if (ao_context_new(&settings, &opened, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    return opened;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static ao_message *received(const request *r)
{
    ao_value fields = ao_message_value(client_sign(wallet, r));
    ao_message *message = NULL;
    beamr_error err = {0};

    if (ao_decode(context, "httpsig@1.0", fields, &message, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    ao_value_unref(fields);
    return message;
}

static ao_value form_of(const ao_message *message)
{
    return ao_private_find(
        message, ao_context_find_codec(context, beamr_bytes_of("httpsig@1.0"))->received);
}

static ao_message *with_form(BEAMR_OWN ao_message *message, ao_value form)
{
    const char *path = ao_context_find_codec(context, beamr_bytes_of("httpsig@1.0"))->received;
    ao_message *out = NULL;

    assert_int_equal(ao_private_with(message, path, ao_value_ref(form), &out, NULL), BEAMR_OK);
    ao_message_unref(message);
    return out;
}

static bool is_valid(const ao_message *message)
{
    bool valid = false;
    beamr_error err = {0};

    if (ao_message_verify(context, message, &valid, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return valid;
}

/* Store it, and give it back as the same store has it when it is opened anew; that of a store
 * in memory is not. */
static ao_message *through_store(ao_context **store, const char *name,
                                 const ao_message *message)
{
    char id[AO_ID_TEXT + 1];
    ao_message *back = NULL;
    beamr_error err = {0};

    if (ao_store_message(*store, message, id, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if (strcmp(name, "memory") != 0) {
        ao_context_free(*store);
        *store = open_store(name);
    }
    if (ao_load_message(*store, beamr_bytes_of(id), &back, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    return back;
}

/* It is valid, has the ids of the first, and is sent on as that came. */
static void assert_same(const ao_message *back, const ao_message *message)
{
    static const ao_selection *const selections[] = {&AO_SELECT_ALL, &AO_SELECT_SIGNED};
    char id[AO_ID_TEXT + 1], other[AO_ID_TEXT + 1];
    ao_value sent = AO_NO_VALUE;

    assert_true(is_valid(back));
    for (size_t i = 0; i < sizeof selections / sizeof selections[0]; i++) {
        assert_int_equal(ao_id_of(context, message, selections[i], id, NULL), BEAMR_OK);
        assert_int_equal(ao_id_of(context, back, selections[i], other, NULL), BEAMR_OK);
        assert_string_equal(id, other);
    }
    assert_int_equal(ao_message_unsigned_id(context, message, id, NULL), BEAMR_OK);
    assert_int_equal(ao_message_unsigned_id(context, back, other, NULL), BEAMR_OK);
    assert_string_equal(id, other);
    assert_int_equal(ao_encode(context, "httpsig@1.0", back, &sent, NULL), BEAMR_OK);
    assert_true(ao_value_equal(ao_message_find_text(ao_to_message(sent), "body"),
                               ao_message_find_text(ao_to_message(form_of(message)), "body")));
    ao_value_unref(sent);
}

/* By itself, and as a part of another message. */
static void check_in(const char *name, const ao_message *message)
{
    ao_message *marked = NULL, *outer, *back;
    ao_context *store = open_store(name);
    ao_value value;

    assert_int_equal(form_of(message).kind, AO_MESSAGE); /* or this shows nothing */
    assert_int_equal(ao_private_with(message, "mine", ao_binary_text("x"), &marked, NULL),
                     BEAMR_OK);
    back = through_store(&store, name, marked);
    assert_same(back, message);
    assert_int_equal(ao_private_find(back, "mine").kind, AO_NONE);
    ao_message_unref(back);
    outer = with(ao_message_empty(), "body", ao_message_value(marked));
    back = through_store(&store, name, outer);
    assert_int_equal(ao_message_get(back, beamr_bytes_of("body"), &value, NULL), BEAMR_OK);
    assert_same(ao_to_message(value), message);
    ao_message_unref(back);
    ao_message_unref(outer);
    ao_context_free(store);
}

static void check_received(const request *r)
{
    static const char *const kinds[] = {"lmdb", "files"};
    static unsigned serial;
    ao_message *message = received(r);
    char name[100], folder[60];

    check_in("memory", message);
    for (size_t i = 0; i < 2; i++) {
        snprintf(folder, sizeof folder, "stored_test.%d.%u", (int)getpid(), serial++);
        snprintf(name, sizeof name, "%s:%s", kinds[i], folder);
        check_in(name, message);
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
    ao_message_unref(message);
}

static void parts_in_another_order_come_back(void **state)
{
    (void)state;
    check_received(&foreign_parts);
}

/* Its body is stored apart. */
static void a_large_body_comes_back(void **state)
{
    static char body[8000];
    request large = foreign_parts;

    (void)state;
    snprintf(body, sizeof body,
             "--B\r\ncontent-disposition: form-data;name=\"m\"\r\nb: 1\r\n\r\n%05000d\r\n--B--",
             0);
    large.body = body;
    check_received(&large);
}

static void a_token_in_types_comes_back(void **state)
{
    static const request r = {.fields = {"ao-types", "n=integer", "n", "5"},
                              .list = "\"ao-types\" \"n\""};
    ao_message *message = received(&r), *back;

    (void)state;
    assert_int_equal(form_of(message).kind, AO_MESSAGE);
    back = through_store(&context, "memory", message);
    assert_true(is_valid(back));
    ao_message_unref(back);
    ao_message_unref(message);
}

/* The second store knows nothing of what the first one's link leads to. */
static void it_goes_from_store_to_store(void **state)
{
    ao_message *message = received(&foreign_parts), *first, *second, *again;
    ao_context *one = open_store("memory"), *two = open_store("memory");

    (void)state;
    first = through_store(&one, "memory", message);
    again = through_store(&one, "memory", first);
    assert_same(again, message);
    second = through_store(&two, "memory", first);
    ao_message_unref(again);
    ao_message_unref(first);
    ao_context_free(one);
    assert_same(second, message);
    ao_message_unref(second);
    ao_message_unref(message);
    ao_context_free(two);
}

static void a_form_that_does_not_belong_does_no_harm(void **state)
{
    static const request plain = {.fields = {"a", "1"}, .list = "\"a\""};
    ao_message *message = received(&foreign_parts), *other = received(&plain), *wrong, *back;
    ao_message *unsigned_one = with(ao_message_empty(), "a", ao_binary_text("1"));
    ao_value number = ao_integer(7), list = ao_list_new(&number, 1);
    ao_message *odd = with(ao_message_empty(), "body", list);

    (void)state;
    assert_int_equal(form_of(other).kind, AO_NONE);
    other = with_form(other, form_of(message));
    back = through_store(&context, "memory", other);
    assert_true(is_valid(back));
    ao_message_unref(back);
    wrong = with_form(received(&foreign_parts), ao_message_value(other));
    back = through_store(&context, "memory", wrong);
    assert_false(is_valid(back));
    ao_message_unref(back);
    ao_message_unref(wrong);
    other = with_form(other, ao_message_value(odd)); /* is no form, and not stored */
    back = through_store(&context, "memory", other);
    assert_int_equal(form_of(back).kind, AO_NONE);
    assert_true(is_valid(back));
    ao_message_unref(back);
    other = with_form(other, ao_message_find_text(other, "a"));
    back = through_store(&context, "memory", other);
    assert_int_equal(form_of(back).kind, AO_NONE);
    ao_message_unref(back);
    unsigned_one = with_form(unsigned_one, form_of(message)); /* nor is that of one unsigned */
    unsigned_one = with(unsigned_one, "b", ao_binary_text("2"));
    back = through_store(&context, "memory", unsigned_one);
    assert_int_equal(form_of(back).kind, AO_NONE);
    ao_message_unref(back);
    ao_message_unref(odd);
    ao_message_unref(unsigned_one);
    ao_message_unref(other);
    ao_message_unref(message);
}

/* Somebody sends what is known, and valid, in a form of his own. */
static void a_form_that_is_not_needed_takes_no_place(void **state)
{
    ao_message *message = signed_of("{\"key\":\"known\"}", NULL), *other, *back;
    ao_message *form = with(ao_message_empty(), "key", ao_binary_text("known"));
    ao_value value = ao_message_value(form);
    char id[AO_ID_TEXT + 1];

    (void)state;
    other = with_form(ao_message_ref(message), value);
    back = through_store(&context, "memory", other);
    assert_int_equal(form_of(back).kind, AO_LINK);
    ao_message_unref(back);
    for (unsigned i = 0; i < 2; i++) {
        back = through_store(&context, "memory", i ? other : message);
        assert_int_equal(form_of(back).kind, AO_NONE);
        ao_message_unref(back);
        assert_int_equal(ao_message_id(context, message, id, NULL), BEAMR_OK);
        assert_int_equal(ao_load_message(context, beamr_bytes_of(id), &back, NULL), BEAMR_OK);
        assert_int_equal(form_of(back).kind, AO_NONE);
        ao_message_unref(back);
    }
    ao_message_unref(other);
    ao_message_unref(message);
    ao_value_unref(value);
}

/* ---- Damage ---- */

typedef struct keys {
    size_t count, len[20];
    uint8_t bytes[20][100];
} keys;

static bool see_key(void *user, beamr_bytes key)
{
    keys *k = (keys *)user;

    assert_true(k->count < 20 && key.len <= 100);
    memcpy(k->bytes[k->count], key.data, key.len);
    k->len[k->count++] = key.len;
    return true;
}

typedef struct copy {
    size_t len;
    uint8_t bytes[10000];
} copy;

static beamr_status see_copy(void *user, beamr_bytes value, beamr_error *err)
{
    copy *c = (copy *)user;

    (void)err;
    assert_true(value.len <= sizeof c->bytes);
    memcpy(c->bytes, value.data, value.len);
    c->len = value.len;
    return BEAMR_OK;
}

/* Damage what holds the boundary, so that only the form is: by a byte, or all of it. */
static void damage(ao_context *store, bool is_cut)
{
    static const char *const prefixes[] = {"r/", "b/"};
    static keys found;
    static copy value;
    size_t damaged = 0;

    found.count = 0;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(kv_list(store->kv, beamr_bytes_of(prefixes[i]), (beamr_bytes){NULL, 0},
                                 100, see_key, &found, NULL),
                         BEAMR_OK);
    for (size_t i = 0; i < found.count; i++) {
        beamr_bytes key = {found.bytes[i], found.len[i]};
        uint8_t *at;

        assert_int_equal(kv_get(store->kv, key, see_copy, &value, NULL), BEAMR_OK);
        if (!(at = memmem(value.bytes, value.len, "--B\r\n", 5)))
            continue;
        damaged++;
        at[2] = 'C';
        if (is_cut)
            value.len = 5;
        assert_int_equal(kv_put(store->kv, key, (beamr_bytes){value.bytes, value.len}, NULL),
                         BEAMR_OK);
    }
    assert_int_equal(damaged, 1);
}

static void a_damaged_form_is_none(void **state)
{
    static char body[8000];
    request r = foreign_parts;

    (void)state;
    snprintf(body, sizeof body,
             "--B\r\ncontent-disposition: form-data;name=\"m\"\r\nb: 1\r\n\r\n%05000d\r\n--B--",
             0);
    for (unsigned i = 0; i < 4; i++) {
        ao_context *store = open_store("memory");
        ao_message *message, *back;
        ao_value keys_of;

        r.body = i & 1 ? body : foreign_parts.body;
        message = received(&r);
        back = through_store(&store, "memory", message);
        damage(store, i & 2);
        assert_false(is_valid(back));
        assert_int_equal(ao_committed(context, back, &AO_SELECT_ALL, &keys_of, NULL), BEAMR_OK);
        ao_value_unref(keys_of);
        ao_message_unref(back);
        ao_message_unref(message);
        ao_context_free(store);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_over_http),
        cmocka_unit_test(signed_as_an_item),
        cmocka_unit_test(nested_and_signed),
        cmocka_unit_test(an_id_is_not_taken_by_what_is_added),
        cmocka_unit_test(an_hmac_over_some_keys_takes_no_id),
        cmocka_unit_test(parts_in_another_order_come_back),
        cmocka_unit_test(a_large_body_comes_back),
        cmocka_unit_test(a_token_in_types_comes_back),
        cmocka_unit_test(it_goes_from_store_to_store),
        cmocka_unit_test(a_form_that_does_not_belong_does_no_harm),
        cmocka_unit_test(a_form_that_is_not_needed_takes_no_place),
        cmocka_unit_test(a_damaged_form_is_none),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
