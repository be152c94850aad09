/* Wallets and hashes when memory is gone: the Nth allocation fails, ours or that of OpenSSL or
 * of jansson, for N = 1, 2, ... until none is hit; once only that one, and once all that follow
 * too. An operation then fails, with BEAMR_NO_MEMORY where it can tell, or gives the same
 * answer; nothing is left over. The linker leads our allocations to the functions with __wrap_
 * (test/CMakeLists.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/crypto.h>

#include "ao/wallet.h"
#include "crypto/hash.h"
#include "crypto/sha256.h"
#include "refuse.h"
#include "wallet_key.h"

static void *openssl_malloc(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return refuse_next(size) ? NULL : __real_malloc(size);
}

static void *openssl_realloc(void *at, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return refuse_next(size) ? NULL : __real_realloc(at, size);
}

static void openssl_free(void *at, const char *file, int line)
{
    (void)file, (void)line;
    free(at);
}

/* ---- Operations; each says whether its answer is right ---- */

static const char jwk[] =
    "{\"kty\":\"RSA\",\"n\":\"" WALLET_N "\",\"e\":\"" WALLET_E "\",\"d\":\"" WALLET_D
    "\",\"p\":\"" WALLET_P "\",\"q\":\"" WALLET_Q "\",\"dp\":\"" WALLET_DP
    "\",\"dq\":\"" WALLET_DQ "\",\"qi\":\"" WALLET_QI "\"}";

static ao_wallet *wallet;
static uint8_t signature[AO_WALLET_BITS / 8];

static beamr_status read_wallet(bool *is_right, beamr_error *err)
{
    ao_wallet *read = NULL;
    beamr_status st = ao_wallet_read(beamr_bytes_of(jwk), &read, err);

    *is_right = st == BEAMR_OK && strcmp(ao_wallet_address(read), WALLET_ADDRESS) == 0;
    ao_wallet_unref(read);
    return st;
}

static beamr_status write_wallet(bool *is_right, beamr_error *err)
{
    char *text = NULL;
    size_t len = 0;
    beamr_status st = ao_wallet_write(wallet, &text, &len, err);

    *is_right = st == BEAMR_OK && strcmp(text, jwk) == 0;
    free(text);
    return st;
}

static beamr_status sign(bool *is_right, beamr_error *err)
{
    uint8_t out[AO_WALLET_BITS / 8];

    *is_right = true;
    return crypto_rsa_sign(wallet_key(wallet), CRYPTO_SHA512, 64, beamr_bytes_of("text"), out,
                           err);
}

static beamr_status verify(bool *is_right, beamr_error *err)
{
    crypto_rsa *key = NULL;
    beamr_status st = crypto_rsa_public(ao_wallet_modulus(wallet), &key, err);

    if (st == BEAMR_OK)
        st = crypto_rsa_verify(key, CRYPTO_SHA512, beamr_bytes_of("text"),
                               (beamr_bytes){signature, sizeof signature}, is_right, err);
    crypto_rsa_unref(key);
    return st;
}

static beamr_status hash(bool *is_right, beamr_error *err)
{
    beamr_bytes text = beamr_bytes_of("text");
    uint8_t one[CRYPTO_HASH_MAX], two[CRYPTO_HASH_MAX];
    beamr_status st = crypto_hash_pieces(CRYPTO_SHA256, &text, 1, one, err);

    if (st == BEAMR_OK)
        st = crypto_sha256(text, two, err);
    *is_right = st == BEAMR_OK && memcmp(one, two, CRYPTO_SHA256_SIZE) == 0;
    return st;
}

static beamr_status hmac(bool *is_right, beamr_error *err)
{
    beamr_bytes text = beamr_bytes_of("\n\"@signature-params\": ();alg=\"hmac-sha256\";"
                                      "keyid=\"ao\"");
    uint8_t out[32];
    crypto_hmac_key key;
    beamr_status st = crypto_hmac_prepare(beamr_bytes_of("ao"), &key, err);

    if (st == BEAMR_OK)
        st = crypto_hmac_sha256(&key, &text, 1, out, err);
    *is_right = st == BEAMR_OK && out[0] == 0x56 && out[31] == 0xa4;
    return st;
}

static beamr_status deep_hash(bool *is_right, beamr_error *err)
{
    const crypto_tree tree = {.is_list = true};
    uint8_t out[CRYPTO_SHA384_SIZE];
    beamr_status st = crypto_deep_hash(&tree, out, err);

    *is_right = st == BEAMR_OK && out[0] == 0xa6 && out[47] == 0x7a;
    return st;
}

/* ---- Failing ---- */

/*  may_be_refused  a refusal of what was read is as good: characters that jansson drops when
 * memory is gone make another number */
static bool try_one(beamr_status (*run)(bool *is_right, beamr_error *err), unsigned after,
                    bool is_lasting, bool may_be_refused)
{
    beamr_error err = {0};
    bool is_right = false;
    beamr_status st;

    refuse_begin(after, is_lasting);
    st = run(&is_right, &err);
    (void)refuse_end();
    if (st == BEAMR_OK ? !is_right
                       : st != BEAMR_NO_MEMORY && !(may_be_refused && st == BEAMR_ARGUMENT))
        fail_msg("after %u allocations: status %d, %s", after, st, err.text);
    return refusal.hits > 0;
}

static void fail_each(beamr_status (*run)(bool *is_right, beamr_error *err),
                      bool may_be_refused)
{
    bool is_right = false;

    for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
        unsigned after = 0;

        while (try_one(run, after, is_lasting, may_be_refused))
            after++;
        assert_true(after > 0);
    }
    assert_int_equal(run(&is_right, NULL), BEAMR_OK);
    assert_true(is_right);
}

static void wallets_are_read_or_refused(void **state)
{
    (void)state;
    fail_each(read_wallet, true);
}

static void wallets_are_written_or_not(void **state)
{
    (void)state;
    fail_each(write_wallet, false);
}

static void signatures_are_made_or_not(void **state)
{
    (void)state;
    fail_each(sign, false);
}

static void a_valid_signature_never_seems_wrong(void **state)
{
    (void)state;
    fail_each(verify, false);
}

static void hashes_are_right_or_absent(void **state)
{
    (void)state;
    fail_each(deep_hash, false);
}

static void sha256_needs_no_memory(void **state)
{
    (void)state;
    assert_false(try_one(hash, 0, true, false));
    assert_false(try_one(hmac, 0, true, false));
}

/* The first use of each method, and the random numbers, are set up while memory is there. */
static int set_up(void **state)
{
    bool is_right;

    (void)state;
    json_set_alloc_funcs(__wrap_malloc, free);
    if (ao_wallet_read(beamr_bytes_of(jwk), &wallet, NULL) != BEAMR_OK)
        return -1;
    return crypto_rsa_sign(wallet_key(wallet), CRYPTO_SHA512, 64, beamr_bytes_of("text"),
                           signature, NULL) == BEAMR_OK &&
                   verify(&is_right, NULL) == BEAMR_OK && deep_hash(&is_right, NULL) == BEAMR_OK
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ao_wallet_unref(wallet);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wallets_are_read_or_refused),
        cmocka_unit_test(wallets_are_written_or_not),
        cmocka_unit_test(signatures_are_made_or_not),
        cmocka_unit_test(a_valid_signature_never_seems_wrong),
        cmocka_unit_test(hashes_are_right_or_absent),
        cmocka_unit_test(sha256_needs_no_memory),
    };

    if (!CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free))
        return 77;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
