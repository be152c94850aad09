/* Hashes give the published values, however the bytes are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/checksum.h"
#include "crypto/sha256.h"

/* Source: FIPS 180-4's example for "abc". */
static void sha256_of_abc(void **state)
{
    static const uint8_t wanted[CRYPTO_SHA256_SIZE] = {
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
        0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
        0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    uint8_t out[CRYPTO_SHA256_SIZE];

    (void)state;
    assert_int_equal(crypto_sha256(beamr_bytes_of("abc"), out, NULL), BEAMR_OK);
    assert_memory_equal(out, wanted, sizeof wanted);
}

/* Source: the value that `xxhsum -H2` prints for no bytes. */
static void checksum_of_nothing(void **state)
{
    static const uint8_t wanted[CRYPTO_CHECKSUM_SIZE] = {0x99, 0xaa, 0x06, 0xd3, 0x01, 0x47,
                                                         0x98, 0xd8, 0x60, 0x01, 0xc3, 0x24,
                                                         0x46, 0x8d, 0x49, 0x7f};
    uint8_t out[CRYPTO_CHECKSUM_SIZE];

    (void)state;
    crypto_checksum_of(NULL, 0, out);
    assert_memory_equal(out, wanted, sizeof wanted);
}

/* Source: xxHash compiled without vectors; the host's must not change the value. */
static void checksum_of_4096_bytes(void **state)
{
    static const uint8_t wanted[CRYPTO_CHECKSUM_SIZE] = {0x49, 0xd3, 0x84, 0x2b, 0x33, 0xd5,
                                                         0x1e, 0x8a, 0xa3, 0xc1, 0x9f, 0x81,
                                                         0x74, 0xcd, 0xe0, 0xbb};
    uint8_t data[4096], out[CRYPTO_CHECKSUM_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 31 + 7);
    crypto_checksum_of(data, sizeof data, out);
    assert_memory_equal(out, wanted, sizeof wanted);
}

static void pieces_do_not_show_in_a_checksum(void **state)
{
    enum { SIZE = 100000 };
    uint8_t *data = malloc(SIZE);
    uint8_t whole[CRYPTO_CHECKSUM_SIZE], pieces[CRYPTO_CHECKSUM_SIZE];
    crypto_checksum *c = crypto_checksum_new();

    (void)state;
    assert_non_null(c);
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    crypto_checksum_of(data, SIZE, whole);
    for (size_t at = 0, len = 1; at < SIZE; at += len, len = len * 3 % 1009) {
        len = len < SIZE - at ? len : SIZE - at;
        crypto_checksum_add(c, data + at, len);
    }
    crypto_checksum_end(c, pieces);
    assert_memory_equal(pieces, whole, sizeof whole);
    crypto_checksum_free(c);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_of_abc),
        cmocka_unit_test(checksum_of_nothing),
        cmocka_unit_test(checksum_of_4096_bytes),
        cmocka_unit_test(pieces_do_not_show_in_a_checksum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
