/* Base64 has one text for each sequence of bytes, and the decoder takes no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/base64.h"

/* Source: RFC 4648, "Test Vectors". */
static const struct {
    const char *bytes, *padded, *plain;
} examples[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+", "-__-"},
};

static void assert_both_ways(crypto_alphabet alphabet, const char *bytes, const char *text)
{
    char written[16];
    uint8_t read[16];
    size_t len = crypto_base64_length(alphabet, strlen(bytes));

    assert_int_equal(len, strlen(text));
    crypto_base64_encode(alphabet, beamr_bytes_of(bytes), written);
    assert_memory_equal(written, text, len);
    assert_int_equal(crypto_base64_decode(alphabet, beamr_bytes_of(text), read, &len, NULL),
                     BEAMR_OK);
    assert_int_equal(len, strlen(bytes));
    assert_true(len <= crypto_base64_size(strlen(text)));
    assert_memory_equal(read, bytes, len);
}

static void published_examples_both_ways(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        assert_both_ways(CRYPTO_BASE64, examples[i].bytes, examples[i].padded);
        assert_both_ways(CRYPTO_BASE64URL, examples[i].bytes, examples[i].plain);
    }
}

static void all_bytes_come_back(void **state)
{
    uint8_t bytes[256], back[258];
    char text[344];
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(i * 167 + 13);
    for (size_t size = 0; size <= sizeof bytes; size++) {
        for (int alphabet = CRYPTO_BASE64; alphabet <= CRYPTO_BASE64URL; alphabet++) {
            size_t chars = crypto_base64_length((crypto_alphabet)alphabet, size);

            crypto_base64_encode((crypto_alphabet)alphabet, (beamr_bytes){bytes, size}, text);
            assert_int_equal(crypto_base64_decode((crypto_alphabet)alphabet,
                                                  (beamr_bytes){(uint8_t *)text, chars}, back,
                                                  &len, NULL),
                             BEAMR_OK);
            assert_int_equal(len, size);
            assert_memory_equal(back, bytes, size);
        }
    }
}

static void assert_refused(crypto_alphabet alphabet, const char *text, size_t offset)
{
    beamr_error err = {0};
    uint8_t out[32];
    size_t len = 77;

    assert_int_equal(crypto_base64_decode(alphabet, beamr_bytes_of(text), out, &len, &err),
                     BEAMR_MESSAGE);
    assert_int_equal(err.offset, offset);
    assert_int_equal(len, 77);
}

static void decoding_refuses_what_encoding_never_writes(void **state)
{
    (void)state;
    assert_refused(CRYPTO_BASE64URL, "Zm+v", 2); /* of the other alphabet */
    assert_refused(CRYPTO_BASE64, "Zm-v", 2);
    assert_refused(CRYPTO_BASE64URL, "Zg==", 2); /* padded */
    assert_refused(CRYPTO_BASE64, "Zg", 2);      /* not padded */
    assert_refused(CRYPTO_BASE64, "Zg=", 3);
    assert_refused(CRYPTO_BASE64, "Zg==Zg==", 2);
    assert_refused(CRYPTO_BASE64, "Z===", 1);
    assert_refused(CRYPTO_BASE64, "====", 0);
    assert_refused(CRYPTO_BASE64, "Zh==", 1); /* bits behind the last byte */
    assert_refused(CRYPTO_BASE64, "Zm9=", 2);
    assert_refused(CRYPTO_BASE64URL, "Zh", 1);
    assert_refused(CRYPTO_BASE64URL, "Zm9vZ", 4); /* six bits are no byte */
    assert_refused(CRYPTO_BASE64URL, "Zm 9v", 2);
    assert_refused(CRYPTO_BASE64, "Zm9v\nYm", 7);
    assert_refused(CRYPTO_BASE64, "Zm9\n", 3);
    assert_refused(CRYPTO_BASE64URL, "Zm9\xc3", 3);
}

static void every_other_byte_is_refused(void **state)
{
    static const char all[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t text[4] = "AAAA", out[4];
    size_t len;

    (void)state;
    for (int c = 0; c < 256; c++) {
        bool is_digit = c && strchr(all, c);

        text[1] = (uint8_t)c;
        assert_int_equal(
            crypto_base64_decode(CRYPTO_BASE64URL, (beamr_bytes){text, 4}, out, &len, NULL),
            is_digit ? BEAMR_OK : BEAMR_MESSAGE);
    }
}

static void ids_are_43_characters(void **state)
{
    uint8_t id[32] = {0x56, 0x76, 0x27, 0x6a, 0x83, 0xaf, 0x6a, 0x79, 0x2a, 0x5e, 0x4d,
                      0x77, 0xb3, 0x9d, 0x36, 0xce, 0x98, 0xaa, 0xf4, 0xf2, 0x1a, 0xa8,
                      0x51, 0xc3, 0x45, 0xc2, 0x2b, 0x4c, 0xd8, 0x72, 0xa8, 0xa4};
    uint8_t back[32] = {0};
    char text[44];

    (void)state;
    crypto_id_text(id, text);
    assert_string_equal(text, "VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKQ");
    assert_true(crypto_id_bytes(beamr_bytes_of(text), back));
    assert_memory_equal(back, id, sizeof id);
    assert_false(crypto_id_bytes(beamr_bytes_of("VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqKR"),
                                 back)); /* stray bits */
    assert_false(
        crypto_id_bytes(beamr_bytes_of("VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqK"), back));
    assert_false(
        crypto_id_bytes(beamr_bytes_of("VnYnaoOvankqXk13s502zpiq9PIaqFHDRcIrTNhyqK="), back));
    assert_memory_equal(back, id, sizeof id); /* untouched by what was refused */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples_both_ways),
        cmocka_unit_test(all_bytes_come_back),
        cmocka_unit_test(decoding_refuses_what_encoding_never_writes),
        cmocka_unit_test(every_other_byte_is_refused),
        cmocka_unit_test(ids_are_43_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
