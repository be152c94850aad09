/* Hashes and HMAC give the published values, however the bytes are cut. The deep hash has its
 * vectors in test/vectors/. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/hash.h"
#include "crypto/sha256.h"

static void assert_hex(const uint8_t *bytes, size_t len, const char *wanted)
{
    char hex[2 * CRYPTO_HASH_MAX + 1] = "";

    for (size_t i = 0; i < len; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(hex, wanted);
}

/* Source: FIPS 180-4's examples for "abc". */
static void hashes_of_abc(void **state)
{
    const beamr_bytes pieces[] = {beamr_bytes_of("a"), {NULL, 0}, beamr_bytes_of("bc")};
    uint8_t out[CRYPTO_HASH_MAX];

    (void)state;
    assert_int_equal(crypto_hash_pieces(CRYPTO_SHA256, pieces, 3, out, NULL), BEAMR_OK);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(crypto_hash_pieces(CRYPTO_SHA384, pieces, 3, out, NULL), BEAMR_OK);
    assert_hex(out, 48,
               "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
               "8086072ba1e7cc2358baeca134c825a7");
    assert_int_equal(crypto_hash_pieces(CRYPTO_SHA512, pieces, 3, out, NULL), BEAMR_OK);
    assert_hex(out, 64,
               "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void a_hash_of_nothing(void **state)
{
    uint8_t out[CRYPTO_HASH_MAX], same[CRYPTO_SHA256_SIZE];

    (void)state;
    assert_int_equal(crypto_hash_pieces(CRYPTO_SHA256, NULL, 0, out, NULL), BEAMR_OK);
    assert_int_equal(crypto_sha256((beamr_bytes){NULL, 0}, same, NULL), BEAMR_OK);
    assert_memory_equal(out, same, sizeof same);
}

/* Source: NIST's example of a million letters. */
static void a_million_letters(void **state)
{
    uint8_t thousand[1000], out[CRYPTO_HASH_MAX];
    beamr_bytes pieces[1000];

    (void)state;
    memset(thousand, 'a', sizeof thousand);
    for (size_t i = 0; i < 1000; i++)
        pieces[i] = (beamr_bytes){thousand, sizeof thousand};
    assert_int_equal(crypto_hash_pieces(CRYPTO_SHA256, pieces, 1000, out, NULL), BEAMR_OK);
    assert_hex(out, 32, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

static void assert_hmac(beamr_bytes key, const char *text, const char *wanted)
{
    size_t len = strlen(text), half = len / 2;
    const beamr_bytes pieces[] = {{(const uint8_t *)text, half},
                                  {(const uint8_t *)text + half, len - half}};
    crypto_hmac_key prepared;
    uint8_t out[32];

    assert_int_equal(crypto_hmac_prepare(key, &prepared, NULL), BEAMR_OK);
    assert_int_equal(crypto_hmac_sha256(&prepared, pieces, 2, out, NULL), BEAMR_OK);
    assert_hex(out, 32, wanted);
}

/* Source: RFC 4231, "Test Vectors"; the last two by Python's hmac. */
static void published_hmacs(void **state)
{
    uint8_t key[131];

    (void)state;
    memset(key, 0x0b, sizeof key);
    assert_hmac((beamr_bytes){key, 20}, "Hi There",
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_hmac(beamr_bytes_of("Jefe"), "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    memset(key, 0xaa, sizeof key);
    assert_hmac((beamr_bytes){key, 131},
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    memset(key, 'k', sizeof key); /* a key of exactly one block */
    assert_hmac((beamr_bytes){key, 64}, "x",
                "f91c4c403625fb06910ef93999265bbd2d62baeaec6ff36455498cc124fe3e66");
    assert_hmac(beamr_bytes_of("ao"),
                "\n\"@signature-params\": ();alg=\"hmac-sha256\";keyid=\"ao\"",
                "5676276a83af6a792a5e4d77b39d36ce98aaf4f21aa851c345c22b4cd872a8a4");
}

/* Lists in each other, `depth` of them, the innermost empty. */
static beamr_status hash_nested(size_t depth, beamr_error *err)
{
    crypto_tree trees[CRYPTO_TREE_DEPTH_MAX + 1];
    uint8_t out[CRYPTO_SHA384_SIZE];

    for (size_t i = 0; i < depth; i++)
        trees[i] =
            (crypto_tree){.is_list = true, .items = &trees[i + 1], .count = i + 1 < depth};
    return crypto_deep_hash(&trees[0], out, err);
}

static void deep_hash_goes_down_64_lists_and_no_further(void **state)
{
    beamr_error err = {0};

    (void)state;
    assert_int_equal(hash_nested(CRYPTO_TREE_DEPTH_MAX, NULL), BEAMR_OK);
    assert_int_equal(hash_nested(CRYPTO_TREE_DEPTH_MAX + 1, &err), BEAMR_LIMIT);
}

/* Source: the definition, by Python's hashlib: H(H("blob1") H("a")). */
static void deep_hash_of_a_blob_alone(void **state)
{
    const crypto_tree tree = {.bytes = beamr_bytes_of("a")};
    uint8_t out[CRYPTO_SHA384_SIZE];

    (void)state;
    assert_int_equal(crypto_deep_hash(&tree, out, NULL), BEAMR_OK);
    assert_hex(out, sizeof out,
               "263413054645fa335132e9e7e4e5172d1436224990b6a1b8687198e24c64d37a"
               "bf1638ca7d6ef19b535c488d710f9d37");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes_of_abc),
        cmocka_unit_test(a_hash_of_nothing),
        cmocka_unit_test(a_million_letters),
        cmocka_unit_test(published_hmacs),
        cmocka_unit_test(deep_hash_goes_down_64_lists_and_no_further),
        cmocka_unit_test(deep_hash_of_a_blob_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
