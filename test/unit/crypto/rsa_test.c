/* RSA keys are only made of numbers that fit each other, and signatures are checked with a salt
 * of any length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "crypto/base64.h"
#include "crypto/rsa.h"

/* A key, and signatures of "signed by openssl" by the command `openssl dgst -sign`. */
static const char modulus[] =
    "vMhABeUUZTfQhlRnjc0_obT9EQmsstOzd-"
    "t5xPqnQQQYQkzey4nvtb7SJRy7Qu4h30pUv8_KBCOup2fONXCdr-GRpE-XDvnAUxCGXiGXuUmCcRRf_S"
    "iqx5RIWofWhnuURqLnBxP7jZpBT8Ad3NB-q1w6v6oeYGr7Mdqev9IgrU8fXEQ0CpUexbEq-vVVCQukKi"
    "u6ybI73xvJcjkRhc7S2hqZcDdKco-"
    "z54V7fcGEw1FwkH9ZQlo6WDe19eoWd9B6Nae3OlsFyV7yQURn2zmbf3E6ocRJ1p-"
    "8W5IGkH_4jCvrB1Rv246qgHfZVRYu05Zi-rza6bqOw6EfWD7_BOfh2Q";
static const char signature_sha512_salt20[] =
    "BfhlrXVxmiXlK1baMtmgbg1-H1JMKX906luBvWX3J1eqdX3cWXa_Phn_FH52p_f-QJ7ZkMP7L8B1P75A"
    "0va0NVtyX0VgO6ZoYJui0JwL8uZU4eVyXF_qoQasKKisOxcxkjPfp0_V_6qurf-"
    "2d0KWskHZVjL9xV5EkRKVpKZDD6aFHBFK-CAH8Fj0W0Toyco-"
    "9yUDh5C4JW4q3MxVV8ThxOnHBMpVguq1qJ96kAGvwjAGzA2o3Tkec90toh3ElyijTOqhHHOfjXq-"
    "HllQBaRDAhV1OV2pSeJbWrEa1GglhszsbSz5QmaM6y7ESnwwa9HXgh6s7jAy_Uo0OeW06AF7IQ";
static const char signature_sha256_salt_max[] =
    "bTtgDihEndK-xRcHkxgHI8xPcaoiz58hViJxEj5U2KpA_5OtxzTEisssMYbFc8h_G-"
    "4aQ3BLPfM_a8RDcC7c1Mdeir_OpFV7r0BX1nn76SCV_GqoYQxCx1VWCdqP-"
    "8DbsyCpMeVorND6wPBuCM10FwkAF1x5ZcM4VKD0n7wFNOJ1s_yugHXl0mLZRzYHaRIAS4BelV-fR-HwS"
    "3iE3LnS2ey9SsCbbazDzygdeHhNlzSkKCblYDJ25Q-NJ9nmrlQXUkbXTq_e4q69PPGqqPCXCiETtp14-"
    "Fh8O1jjz4ArVWnfHOdTfk-Xj7FqgqsPyq_hNL0A3KBSCxoOVf2fEBmbvQ";

enum { BITS = 2048, SIZE = BITS / 8 };

/* One key for all tests: making one takes long. */
static crypto_rsa *key;

static int make_key(void **state)
{
    (void)state;
    return crypto_rsa_new(BITS, &key, NULL) == BEAMR_OK ? 0 : -1;
}

static int drop_key(void **state)
{
    (void)state;
    crypto_rsa_unref(key);
    return 0;
}

static void read_text(const char *text, uint8_t out[SIZE])
{
    size_t len;

    assert_int_equal(
        crypto_base64_decode(CRYPTO_BASE64URL, beamr_bytes_of(text), out, &len, NULL),
        BEAMR_OK);
    assert_int_equal(len, SIZE);
}

static bool is_signed(const crypto_rsa *by, crypto_hash_kind hash, const char *text,
                      const uint8_t *signature, size_t len)
{
    bool is_valid;

    assert_int_equal(crypto_rsa_verify(by, hash, beamr_bytes_of(text),
                                       (beamr_bytes){signature, len}, &is_valid, NULL),
                     BEAMR_OK);
    return is_valid;
}

static void signatures_of_openssl_verify_with_any_salt(void **state)
{
    uint8_t n[SIZE], signature[SIZE];
    crypto_rsa *public = NULL;

    (void)state;
    read_text(modulus, n);
    assert_int_equal(crypto_rsa_public((beamr_bytes){n, SIZE}, &public, NULL), BEAMR_OK);
    read_text(signature_sha512_salt20, signature);
    assert_true(is_signed(public, CRYPTO_SHA512, "signed by openssl", signature, SIZE));
    assert_false(is_signed(public, CRYPTO_SHA256, "signed by openssl", signature, SIZE));
    read_text(signature_sha256_salt_max, signature);
    assert_true(is_signed(public, CRYPTO_SHA256, "signed by openssl", signature, SIZE));
    assert_false(is_signed(public, CRYPTO_SHA256, "signed by opensst", signature, SIZE));
    crypto_rsa_unref(public);
}

static void what_is_signed_verifies_and_nothing_else(void **state)
{
    uint8_t signature[SIZE + 1] = {0};

    (void)state;
    assert_int_equal(crypto_rsa_size(key), SIZE);
    assert_int_equal(
        crypto_rsa_sign(key, CRYPTO_SHA512, 64, beamr_bytes_of("text"), signature, NULL),
        BEAMR_OK);
    assert_true(is_signed(key, CRYPTO_SHA512, "text", signature, SIZE));
    assert_false(is_signed(key, CRYPTO_SHA512, "texT", signature, SIZE));
    assert_false(is_signed(key, CRYPTO_SHA512, "", signature, SIZE));
    assert_false(is_signed(key, CRYPTO_SHA512, "text", signature, SIZE - 1));
    assert_false(is_signed(key, CRYPTO_SHA512, "text", signature, SIZE + 1));
    assert_false(is_signed(key, CRYPTO_SHA512, "text", signature, 0));
    signature[100] ^= 1;
    assert_false(is_signed(key, CRYPTO_SHA512, "text", signature, SIZE));
    memset(signature, 0xff, sizeof signature); /* larger than the modulus */
    assert_false(is_signed(key, CRYPTO_SHA512, "text", signature, SIZE));
    memset(signature, 0, sizeof signature);
    assert_false(is_signed(key, CRYPTO_SHA512, "text", signature, SIZE));
}

static void the_salt_is_as_long_as_asked(void **state)
{
    uint8_t first[SIZE], second[SIZE];
    beamr_error err = {0};

    (void)state;
    assert_int_equal(
        crypto_rsa_sign(key, CRYPTO_SHA256, 0, beamr_bytes_of("text"), first, NULL), BEAMR_OK);
    assert_int_equal(
        crypto_rsa_sign(key, CRYPTO_SHA256, 0, beamr_bytes_of("text"), second, NULL), BEAMR_OK);
    assert_memory_equal(first, second, SIZE); /* without salt nothing is random */
    assert_int_equal(
        crypto_rsa_sign(key, CRYPTO_SHA256, 32, beamr_bytes_of("text"), second, NULL),
        BEAMR_OK);
    assert_memory_not_equal(first, second, SIZE);
    assert_true(is_signed(key, CRYPTO_SHA256, "text", first, SIZE));
    assert_true(is_signed(key, CRYPTO_SHA256, "text", second, SIZE));
    assert_int_equal(
        crypto_rsa_sign(key, CRYPTO_SHA256, SIZE, beamr_bytes_of("text"), first, &err),
        BEAMR_ARGUMENT); /* no room for it */
}

static void numbers_make_the_same_key_again(void **state)
{
    crypto_rsa_parts parts = {0};
    crypto_rsa *again = NULL;
    uint8_t signature[SIZE];

    (void)state;
    assert_int_equal(crypto_rsa_parts_of(key, &parts, NULL), BEAMR_OK);
    assert_int_equal(parts.n.len, SIZE);
    assert_int_equal(parts.e.len, 3);
    assert_memory_equal(parts.e.data, "\1\0\1", 3);
    assert_int_equal(crypto_rsa_from_parts(&parts, &again, NULL), BEAMR_OK);
    assert_int_equal(
        crypto_rsa_sign(again, CRYPTO_SHA256, 32, beamr_bytes_of("text"), signature, NULL),
        BEAMR_OK);
    assert_true(is_signed(key, CRYPTO_SHA256, "text", signature, SIZE));
    crypto_rsa_parts_clear(&parts);
    assert_null(parts.n.data);
    crypto_rsa_parts_clear(&parts);
    crypto_rsa_unref(again);
}

static void a_public_key_does_not_sign(void **state)
{
    crypto_rsa_parts parts = {0}, of_public = {0};
    crypto_rsa *public = NULL;
    uint8_t signature[SIZE];
    beamr_error err = {0};

    (void)state;
    assert_int_equal(crypto_rsa_parts_of(key, &parts, NULL), BEAMR_OK);
    assert_int_equal(crypto_rsa_public(parts.n, &public, NULL), BEAMR_OK);
    assert_int_equal(
        crypto_rsa_sign(public, CRYPTO_SHA256, 32, beamr_bytes_of("text"), signature, &err),
        BEAMR_ARGUMENT);
    assert_int_equal(crypto_rsa_parts_of(public, &of_public, NULL), BEAMR_OK);
    assert_int_equal(of_public.d.len, 0);
    assert_memory_equal(of_public.n.data, parts.n.data, SIZE);
    crypto_rsa_parts_clear(&of_public);
    crypto_rsa_parts_clear(&parts);
    crypto_rsa_unref(public);
}

static void assert_refused(const crypto_rsa_parts *parts, const char *text)
{
    crypto_rsa *made = NULL;
    beamr_error err = {0};

    assert_int_equal(crypto_rsa_from_parts(parts, &made, &err), BEAMR_ARGUMENT);
    assert_null(made);
    if (!strstr(err.text, text))
        fail_msg("\"%s\" lacks \"%s\"", err.text, text);
}

/* Each number in turn gets another last bit but one, which keeps it odd. */
static void a_wrong_number_is_refused_by_name(void **state)
{
    static const struct {
        size_t offset;
        const char *text;
    } rows[] = {
        {offsetof(crypto_rsa_parts, n), "p times q is not n"},
        {offsetof(crypto_rsa_parts, e), "d is not the inverse of e"},
        {offsetof(crypto_rsa_parts, d), "d is not the inverse of e"},
        {offsetof(crypto_rsa_parts, p), "p times q is not n"},
        {offsetof(crypto_rsa_parts, q), "p times q is not n"},
        {offsetof(crypto_rsa_parts, dp), "dp is not d"},
        {offsetof(crypto_rsa_parts, dq), "dq is not d"},
        {offsetof(crypto_rsa_parts, qi), "qi is not the inverse of q"},
    };
    crypto_rsa_parts parts = {0};

    (void)state;
    assert_int_equal(crypto_rsa_parts_of(key, &parts, NULL), BEAMR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        crypto_rsa_parts wrong = parts;
        beamr_bytes *part = (beamr_bytes *)((char *)&wrong + rows[i].offset);
        uint8_t bytes[SIZE];

        memcpy(bytes, part->data, part->len);
        bytes[part->len - 1] ^= 2;
        part->data = bytes;
        assert_refused(&wrong, rows[i].text);
        part->len = 0;
        if (rows[i].offset != offsetof(crypto_rsa_parts, d)) /* without d it is a public key */
            assert_refused(&wrong, "is missing");
    }
    crypto_rsa_parts_clear(&parts);
}

static void moduli_of_wrong_sizes_are_refused(void **state)
{
    uint8_t n[1025];
    crypto_rsa *public = NULL;

    (void)state;
    memset(n, 0xff, sizeof n);
    assert_int_equal(crypto_rsa_public((beamr_bytes){n, 1025}, &public, NULL), BEAMR_ARGUMENT);
    assert_int_equal(crypto_rsa_public((beamr_bytes){n, 255}, &public, NULL), BEAMR_ARGUMENT);
    assert_int_equal(crypto_rsa_public((beamr_bytes){n, 0}, &public, NULL), BEAMR_ARGUMENT);
    n[255] = 0xfe; /* even */
    assert_int_equal(crypto_rsa_public((beamr_bytes){n, 256}, &public, NULL), BEAMR_ARGUMENT);
    n[0] = 0; /* a byte less than it seems */
    n[255] = 0xff;
    assert_int_equal(crypto_rsa_public((beamr_bytes){n, 256}, &public, NULL), BEAMR_ARGUMENT);
}

static void *sign_and_check(void *arg)
{
    uint8_t signature[SIZE];
    bool is_valid = false;
    size_t *count = arg;

    for (int i = 0; i < 20; i++) {
        crypto_rsa *mine = crypto_rsa_ref(key);
        char text[16];

        (void)snprintf(text, sizeof text, "text %d", i);
        if (crypto_rsa_sign(mine, CRYPTO_SHA512, 64, beamr_bytes_of(text), signature, NULL) ==
                BEAMR_OK &&
            crypto_rsa_verify(mine, CRYPTO_SHA512, beamr_bytes_of(text),
                              (beamr_bytes){signature, SIZE}, &is_valid, NULL) == BEAMR_OK)
            *count += is_valid;
        crypto_rsa_unref(mine);
    }
    return NULL;
}

static void threads_share_a_key(void **state)
{
    pthread_t threads[4];
    size_t counts[4] = {0};

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_and_check, &counts[i]), 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(counts[i], 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_openssl_verify_with_any_salt),
        cmocka_unit_test(what_is_signed_verifies_and_nothing_else),
        cmocka_unit_test(the_salt_is_as_long_as_asked),
        cmocka_unit_test(numbers_make_the_same_key_again),
        cmocka_unit_test(a_public_key_does_not_sign),
        cmocka_unit_test(a_wrong_number_is_refused_by_name),
        cmocka_unit_test(moduli_of_wrong_sizes_are_refused),
        cmocka_unit_test(threads_share_a_key),
    };

    return cmocka_run_group_tests(tests, make_key, drop_key);
}
