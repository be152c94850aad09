/* Base64: a table each way, and a decoder that accepts one text for each sequence of bytes.
 * OpenSSL's own decoder skips white space and the bits behind the last byte, and knows one
 * alphabet. */
#include "crypto/base64.h"

static const char alphabets[2][65] = {
    [CRYPTO_BASE64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [CRYPTO_BASE64URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

/* The value of a digit, and in which alphabets it is one; 0 for a byte that is none. */
enum { STANDARD = 0x40, URL = 0x80, BOTH = STANDARD | URL };

static const uint8_t digits[256] = {
    ['A'] = BOTH | 0,  ['B'] = BOTH | 1,  ['C'] = BOTH | 2,      ['D'] = BOTH | 3,
    ['E'] = BOTH | 4,  ['F'] = BOTH | 5,  ['G'] = BOTH | 6,      ['H'] = BOTH | 7,
    ['I'] = BOTH | 8,  ['J'] = BOTH | 9,  ['K'] = BOTH | 10,     ['L'] = BOTH | 11,
    ['M'] = BOTH | 12, ['N'] = BOTH | 13, ['O'] = BOTH | 14,     ['P'] = BOTH | 15,
    ['Q'] = BOTH | 16, ['R'] = BOTH | 17, ['S'] = BOTH | 18,     ['T'] = BOTH | 19,
    ['U'] = BOTH | 20, ['V'] = BOTH | 21, ['W'] = BOTH | 22,     ['X'] = BOTH | 23,
    ['Y'] = BOTH | 24, ['Z'] = BOTH | 25, ['a'] = BOTH | 26,     ['b'] = BOTH | 27,
    ['c'] = BOTH | 28, ['d'] = BOTH | 29, ['e'] = BOTH | 30,     ['f'] = BOTH | 31,
    ['g'] = BOTH | 32, ['h'] = BOTH | 33, ['i'] = BOTH | 34,     ['j'] = BOTH | 35,
    ['k'] = BOTH | 36, ['l'] = BOTH | 37, ['m'] = BOTH | 38,     ['n'] = BOTH | 39,
    ['o'] = BOTH | 40, ['p'] = BOTH | 41, ['q'] = BOTH | 42,     ['r'] = BOTH | 43,
    ['s'] = BOTH | 44, ['t'] = BOTH | 45, ['u'] = BOTH | 46,     ['v'] = BOTH | 47,
    ['w'] = BOTH | 48, ['x'] = BOTH | 49, ['y'] = BOTH | 50,     ['z'] = BOTH | 51,
    ['0'] = BOTH | 52, ['1'] = BOTH | 53, ['2'] = BOTH | 54,     ['3'] = BOTH | 55,
    ['4'] = BOTH | 56, ['5'] = BOTH | 57, ['6'] = BOTH | 58,     ['7'] = BOTH | 59,
    ['8'] = BOTH | 60, ['9'] = BOTH | 61, ['+'] = STANDARD | 62, ['/'] = STANDARD | 63,
    ['-'] = URL | 62,  ['_'] = URL | 63,
};

static const uint8_t marks[2] = {[CRYPTO_BASE64] = STANDARD, [CRYPTO_BASE64URL] = URL};

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
    uint8_t mark = marks[alphabet];
    uint32_t bits = 0;
    size_t i = 0;

    for (; text.len - i >= 4; i += 4) {
        const uint8_t *in = text.data + i;
        uint8_t a = digits[in[0]], b = digits[in[1]], c = digits[in[2]], d = digits[in[3]];

        if (!(a & b & c & d & mark))
            break;
        bits = (uint32_t)(a & 63) << 18 | (uint32_t)(b & 63) << 12 | (uint32_t)(c & 63) << 6 |
               (d & 63);
        *out++ = (uint8_t)(bits >> 16);
        *out++ = (uint8_t)(bits >> 8);
        *out++ = (uint8_t)bits;
    }
    for (bits = 0; i < text.len; i++) { /* the last ones, or what is wrong with four */
        uint8_t digit = digits[text.data[i]];

        if (!(digit & mark)) {
            *at = i;
            return false;
        }
        bits = bits << 6 | (digit & 63);
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
