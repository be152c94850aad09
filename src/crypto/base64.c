/* Base64: a table each way, and a decoder that accepts one text for each sequence of bytes.
 * OpenSSL's own decoder skips white space and the bits behind the last byte, and knows one
 * alphabet. */
#include "crypto/base64.h"

static const char alphabets[2][65] = {
    [CRYPTO_BASE64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [CRYPTO_BASE64URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

/* The value of a digit plus one; 0 for a byte that is none. The last two digits of the alphabet
 * are not in it. */
static const uint8_t digits[256] = {
    ['A'] = 1,  ['B'] = 2,  ['C'] = 3,  ['D'] = 4,  ['E'] = 5,  ['F'] = 6,  ['G'] = 7,
    ['H'] = 8,  ['I'] = 9,  ['J'] = 10, ['K'] = 11, ['L'] = 12, ['M'] = 13, ['N'] = 14,
    ['O'] = 15, ['P'] = 16, ['Q'] = 17, ['R'] = 18, ['S'] = 19, ['T'] = 20, ['U'] = 21,
    ['V'] = 22, ['W'] = 23, ['X'] = 24, ['Y'] = 25, ['Z'] = 26, ['a'] = 27, ['b'] = 28,
    ['c'] = 29, ['d'] = 30, ['e'] = 31, ['f'] = 32, ['g'] = 33, ['h'] = 34, ['i'] = 35,
    ['j'] = 36, ['k'] = 37, ['l'] = 38, ['m'] = 39, ['n'] = 40, ['o'] = 41, ['p'] = 42,
    ['q'] = 43, ['r'] = 44, ['s'] = 45, ['t'] = 46, ['u'] = 47, ['v'] = 48, ['w'] = 49,
    ['x'] = 50, ['y'] = 51, ['z'] = 52, ['0'] = 53, ['1'] = 54, ['2'] = 55, ['3'] = 56,
    ['4'] = 57, ['5'] = 58, ['6'] = 59, ['7'] = 60, ['8'] = 61, ['9'] = 62,
};

#define NO_DIGIT 64u

static inline uint32_t digit_value(crypto_alphabet alphabet, uint8_t c)
{
    if (digits[c])
        return digits[c] - 1u;
    if (c == (uint8_t)alphabets[alphabet][62])
        return 62;
    return c == (uint8_t)alphabets[alphabet][63] ? 63 : NO_DIGIT;
}

/* ---- Encoding ---- */

size_t crypto_base64_length(crypto_alphabet alphabet, size_t len)
{
    size_t rest = len % 3;

    if (alphabet == CRYPTO_BASE64)
        return len / 3 * 4 + (rest ? 4 : 0);
    return len / 3 * 4 + (rest ? rest + 1 : 0);
}

/* The one or two bytes behind the last whole group. */
static void encode_rest(crypto_alphabet alphabet, const uint8_t *in, size_t rest, char *out)
{
    const char *digit = alphabets[alphabet];
    uint32_t bits = (uint32_t)in[0] << 16 | (rest == 2 ? (uint32_t)in[1] << 8 : 0);

    *out++ = digit[bits >> 18];
    *out++ = digit[bits >> 12 & 63];
    if (rest == 2)
        *out++ = digit[bits >> 6 & 63];
    for (size_t i = rest; i < 3 && alphabet == CRYPTO_BASE64; i++)
        *out++ = '=';
}

void crypto_base64_encode(crypto_alphabet alphabet, beamr_bytes bytes, char *out)
{
    const char *digit = alphabets[alphabet];
    const uint8_t *in = bytes.data;
    size_t left = bytes.len;

    for (; left >= 3; left -= 3, in += 3, out += 4) {
        uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

        out[0] = digit[bits >> 18];
        out[1] = digit[bits >> 12 & 63];
        out[2] = digit[bits >> 6 & 63];
        out[3] = digit[bits & 63];
    }
    if (left)
        encode_rest(alphabet, in, left, out);
}

/* ---- Decoding ---- */

size_t crypto_base64_size(size_t len)
{
    return len / 4 * 3 + (len % 4 ? 2 : 0);
}

/* Decode digits that have been cut off from their padding.
 *   at  gets where the first bad digit is, on failure */
static bool decode_digits(crypto_alphabet alphabet, beamr_bytes text, uint8_t *out, size_t *at)
{
    uint32_t bits = 0, value;
    size_t i;

    for (i = 0; i < text.len; i++) {
        if ((value = digit_value(alphabet, text.data[i])) == NO_DIGIT) {
            *at = i;
            return false;
        }
        bits = bits << 6 | value;
        if (i % 4 == 3) {
            *out++ = (uint8_t)(bits >> 16);
            *out++ = (uint8_t)(bits >> 8);
            *out++ = (uint8_t)bits;
            bits = 0;
        }
    }
    /* A single digit is no byte; the bits that two or three have too many are zero. */
    *at = text.len ? text.len - 1 : 0;
    switch (text.len % 4) {
    case 1:
        return false;
    case 2:
        *out = (uint8_t)(bits >> 4);
        return (bits & 0xf) == 0;
    case 3:
        *out++ = (uint8_t)(bits >> 10);
        *out = (uint8_t)(bits >> 2);
        return (bits & 0x3) == 0;
    default:
        return true;
    }
}

/* The digits of a text that may be padded; SIZE_MAX when it is padded wrongly. */
static size_t digit_count(beamr_bytes text)
{
    size_t padding = 0;

    while (padding < 2 && padding < text.len && text.data[text.len - 1 - padding] == '=')
        padding++;
    return text.len % 4 ? SIZE_MAX : text.len - padding;
}

static size_t size_of_digits(size_t count)
{
    return count / 4 * 3 + (count % 4 ? count % 4 - 1 : 0);
}

beamr_status crypto_base64_decode(crypto_alphabet alphabet, beamr_bytes text, uint8_t *out,
                                  size_t *len, beamr_error *err)
{
    beamr_bytes only = text;
    size_t at;

    if (alphabet == CRYPTO_BASE64) {
        only.len = digit_count(text);
        if (only.len == SIZE_MAX)
            return beamr_fail(err, BEAMR_MESSAGE, text.len,
                              "base64 of %zu characters: padded, it has a multiple of 4",
                              text.len);
    }
    if (!decode_digits(alphabet, only, out, &at))
        return beamr_fail(err, BEAMR_MESSAGE, at, "no %s at character %zu of %zu",
                          alphabet == CRYPTO_BASE64 ? "base64" : "base64url", at, text.len);
    *len = size_of_digits(only.len);
    return BEAMR_OK;
}

/* ---- Ids ---- */

void crypto_id_text(const uint8_t id[32], char out[44])
{
    crypto_base64_encode(CRYPTO_BASE64URL, (beamr_bytes){id, 32}, out);
    out[43] = '\0';
}

bool crypto_id_bytes(beamr_bytes text, uint8_t id[32])
{
    uint8_t bytes[32];
    size_t at;

    if (text.len != 43 || !decode_digits(CRYPTO_BASE64URL, text, bytes, &at))
        return false;
    memcpy(id, bytes, sizeof bytes);
    return true;
}
