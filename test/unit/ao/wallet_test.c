/* Wallets: whole JWKs of RSA-4096 are read and written, all others refused with the reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ao/wallet.h"
#include "wallet_key.h"

enum { PART_COUNT = 8, TEXT_SIZE = 8192 };

static const char *const names[PART_COUNT] = {"n", "e", "d", "p", "q", "dp", "dq", "qi"};
static const char *const numbers[PART_COUNT] = {WALLET_N, WALLET_E,  WALLET_D,  WALLET_P,
                                                WALLET_Q, WALLET_DP, WALLET_DQ, WALLET_QI};

/* The JWK with the member at `index` changed.
 *   text  the member's JSON in place of its own; NULL leaves it out */
static void jwk_changed(size_t index, const char *text, char out[TEXT_SIZE])
{
    int len = snprintf(out, TEXT_SIZE, "{\"ext\":true,\"kty\":\"RSA\"");

    for (size_t i = 0; i < PART_COUNT; i++) {
        size_t left = TEXT_SIZE - (size_t)len;

        if (i != index)
            len += snprintf(out + len, left, ",\"%s\":\"%s\"", names[i], numbers[i]);
        else if (text)
            len += snprintf(out + len, left, ",\"%s\":%s", names[i], text);
    }
    (void)snprintf(out + len, TEXT_SIZE - (size_t)len, "}");
}

static void jwk(char out[TEXT_SIZE])
{
    jwk_changed(PART_COUNT, NULL, out);
}

static void assert_refused(const char *text, beamr_status wanted, const char *reason)
{
    ao_wallet *wallet = NULL;
    beamr_error err = {0};

    assert_int_equal(ao_wallet_read(beamr_bytes_of(text), &wallet, &err), wanted);
    assert_null(wallet);
    if (!strstr(err.text, reason))
        fail_msg("\"%s\" lacks \"%s\"", err.text, reason);
}

static void assert_refused_with(size_t index, const char *member, const char *reason)
{
    char text[TEXT_SIZE];

    jwk_changed(index, member, text);
    assert_refused(text, BEAMR_ARGUMENT, reason);
}

static void the_address_is_that_of_the_reference(void **state)
{
    ao_wallet *wallet = NULL;
    char text[TEXT_SIZE];

    (void)state;
    jwk(text);
    assert_int_equal(ao_wallet_read(beamr_bytes_of(text), &wallet, NULL), BEAMR_OK);
    assert_string_equal(ao_wallet_address(wallet), WALLET_ADDRESS);
    assert_int_equal(ao_wallet_modulus(wallet).len, AO_WALLET_BITS / 8);
    assert_int_equal(crypto_rsa_size(wallet_key(wallet)), AO_WALLET_BITS / 8);
    ao_wallet_unref(wallet);
}

static void what_is_written_is_read_again(void **state)
{
    ao_wallet *wallet = NULL, *again = NULL;
    char text[TEXT_SIZE], *first = NULL, *second = NULL;
    size_t len, second_len;

    (void)state;
    jwk(text);
    assert_int_equal(ao_wallet_read(beamr_bytes_of(text), &wallet, NULL), BEAMR_OK);
    assert_int_equal(ao_wallet_write(wallet, &first, &len, NULL), BEAMR_OK);
    assert_int_equal(strlen(first), len);
    assert_null(strchr(first, '\n'));
    for (size_t i = 0; i < PART_COUNT; i++)
        assert_non_null(strstr(first, numbers[i]));
    assert_int_equal(ao_wallet_read(beamr_bytes_of(first), &again, NULL), BEAMR_OK);
    assert_int_equal(ao_wallet_write(again, &second, &second_len, NULL), BEAMR_OK);
    assert_string_equal(first, second);
    ao_wallet_unref(wallet);
    ao_wallet_unref(again);
    free(first);
    free(second);
}

static void a_new_wallet_is_one_of_its_own(void **state)
{
    ao_wallet *wallet = NULL, *other = NULL, *again = NULL;
    char *text = NULL;
    size_t len;

    (void)state;
    assert_int_equal(ao_wallet_new(&wallet, NULL), BEAMR_OK);
    assert_int_equal(ao_wallet_new(&other, NULL), BEAMR_OK);
    assert_string_not_equal(ao_wallet_address(wallet), ao_wallet_address(other));
    assert_int_equal(ao_wallet_write(wallet, &text, &len, NULL), BEAMR_OK);
    assert_int_equal(ao_wallet_read(beamr_bytes_of(text), &again, NULL), BEAMR_OK);
    assert_string_equal(ao_wallet_address(wallet), ao_wallet_address(again));
    ao_wallet_unref(ao_wallet_ref(wallet)); /* a count more and less */
    assert_int_equal(strlen(ao_wallet_address(wallet)), AO_ADDRESS_TEXT);
    ao_wallet_unref(wallet);
    ao_wallet_unref(other);
    ao_wallet_unref(again);
    ao_wallet_unref(NULL);
    free(text);
}

static void what_is_no_jwk_is_refused(void **state)
{
    (void)state;
    assert_refused("", BEAMR_ARGUMENT, "no JSON");
    assert_refused("-----BEGIN PRIVATE KEY-----", BEAMR_ARGUMENT, "no JSON");
    assert_refused("{\"kty\":\"RSA\"", BEAMR_ARGUMENT, "line 1, column 12");
    assert_refused("{\"kty\":\"RSA\"} {}", BEAMR_ARGUMENT, "no JSON");
    assert_refused("[]", BEAMR_ARGUMENT, "no object");
    assert_refused("\"RSA\"", BEAMR_ARGUMENT, "no object");
    assert_refused("{}", BEAMR_ARGUMENT, "no text \"kty\"");
    assert_refused("{\"kty\":7}", BEAMR_ARGUMENT, "no text \"kty\"");
    assert_refused("{\"kty\":\"EC\",\"crv\":\"P-256\"}", BEAMR_ARGUMENT, "another kind");
    assert_refused("{\"kty\":\"RSA\",\"kty\":\"RSA\"}", BEAMR_ARGUMENT, "duplicate");
    assert_refused("{\"kty\":\"RSA\",\"oth\":[]}", BEAMR_ARGUMENT, "more than two primes");
}

static void a_member_that_is_missing_is_named(void **state)
{
    char reason[64];

    (void)state;
    for (size_t i = 0; i < PART_COUNT; i++) {
        (void)snprintf(reason, sizeof reason, "has no \"%s\"", names[i]);
        assert_refused_with(i, NULL, reason);
        (void)snprintf(reason, sizeof reason, "\"%s\" is not a string", names[i]);
        assert_refused_with(i, "7", reason);
        (void)snprintf(reason, sizeof reason, "\"%s\": no base64url at character 2", names[i]);
        assert_refused_with(i, "\"AQ+B\"", reason);
    }
    assert_refused("{\"kty\":\"RSA\",\"n\":\"" WALLET_N "\",\"e\":\"AQAB\"}", BEAMR_ARGUMENT,
                   "a public key only");
}

static void another_size_or_exponent_is_refused(void **state)
{
    (void)state;
    assert_refused_with(0, "\"\"", "has 0 bits; a wallet's has 4096");
    assert_refused_with(0, "\"AQ\"", "has 1 bits");
    assert_refused_with(0, "\"" WALLET_P "\"", "has 2048 bits");
    assert_refused_with(0, "\"AA" WALLET_P "\"", "bits; a wallet's has 4096");
    assert_refused_with(1, "\"Aw\"", "another exponent");
    assert_refused_with(1, "\"\"", "another exponent");
}

static void numbers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    assert_refused_with(2, "\"" WALLET_DP "\"", "d is not the inverse of e");
    assert_refused_with(3, "\"" WALLET_Q "\"", "p times q is not n");
    assert_refused_with(3, "\"\"", "p is missing");
    assert_refused_with(3, "\"AA\"", "p or q is no prime");
    assert_refused_with(4, "\"AQ\"", "p or q is no prime");
    assert_refused_with(5, "\"" WALLET_DQ "\"", "dp is not d");
    assert_refused_with(6, "\"" WALLET_DP "\"", "dq is not d");
    assert_refused_with(7, "\"" WALLET_P "\"", "qi is not the inverse");
}

/* Some programs pad numbers to the width of the modulus. */
static void zeros_before_private_numbers_are_accepted(void **state)
{
    ao_wallet *wallet = NULL;
    char text[TEXT_SIZE];

    (void)state;
    assert_int_equal(strlen(WALLET_QI) % 4, 2); /* so that three bytes go in front */
    jwk_changed(7, "\"AAAA" WALLET_QI "\"", text);
    assert_int_equal(ao_wallet_read(beamr_bytes_of(text), &wallet, NULL), BEAMR_OK);
    ao_wallet_unref(wallet);
}

static void texts_do_not_show_what_is_private(void **state)
{
    ao_wallet *wallet = NULL;
    beamr_error err = {0};
    char text[TEXT_SIZE];

    (void)state;
    (void)snprintf(text, sizeof text, "{\"kty\":\"RSA\",\"d\":\"secret\", \"p\":secret}");
    assert_int_equal(ao_wallet_read(beamr_bytes_of(text), &wallet, &err), BEAMR_ARGUMENT);
    assert_null(strstr(err.text, "secret"));
}

static void a_large_file_is_refused_unread(void **state)
{
    enum { SIZE = 65 * 1024 };
    char *text = malloc(SIZE + 1);

    (void)state;
    assert_non_null(text);
    memset(text, ' ', SIZE);
    text[SIZE] = '\0';
    assert_refused(text, BEAMR_LIMIT, "at most");
    memset(text, '[', SIZE - 2048);
    text[SIZE - 2048] = '\0';
    assert_refused(text, BEAMR_ARGUMENT, "no JSON"); /* lists in lists */
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_address_is_that_of_the_reference),
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(a_new_wallet_is_one_of_its_own),
        cmocka_unit_test(what_is_no_jwk_is_refused),
        cmocka_unit_test(a_member_that_is_missing_is_named),
        cmocka_unit_test(another_size_or_exponent_is_refused),
        cmocka_unit_test(numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(zeros_before_private_numbers_are_accepted),
        cmocka_unit_test(texts_do_not_show_what_is_private),
        cmocka_unit_test(a_large_file_is_refused_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
