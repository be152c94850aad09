/* The check of utf8.h: eight ASCII bytes at a time where there are that many, else sequence by
 * sequence. */
#include "base/utf8.h"

#include <string.h>

/* What the first byte leaves open is decided by the range of the second; those behind it are
 * 80 to BF. */
size_t utf8_sequence(const uint8_t *p, size_t left)
{
    uint8_t low = 0x80, high = 0xbf;
    size_t len;

    if (p[0] < 0x80)
        return 1;
    if (p[0] >= 0xc2 && p[0] <= 0xdf) {
        len = 2;
    } else if (p[0] >= 0xe0 && p[0] <= 0xef) {
        len = 3;
        if (p[0] == 0xe0)
            low = 0xa0; /* below: fits two bytes */
        else if (p[0] == 0xed)
            high = 0x9f; /* above: surrogates */
    } else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
        len = 4;
        if (p[0] == 0xf0)
            low = 0x90; /* below: fits three bytes */
        else if (p[0] == 0xf4)
            high = 0x8f; /* above: beyond U+10FFFF */
    } else {
        return 0;
    }
    if (left < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool utf8_is_valid(beamr_bytes text)
{
    const uint8_t *p = text.data;
    size_t left = text.len;

    while (left > 0) {
        size_t step = 1;
        uint64_t eight;

        if (left >= sizeof eight) {
            memcpy(&eight, p, sizeof eight);
            if (!(eight & 0x8080808080808080u)) {
                p += sizeof eight;
                left -= sizeof eight;
                continue;
            }
        }
        if (*p >= 0x80 && !(step = utf8_sequence(p, left)))
            return false;
        p += step;
        left -= step;
    }
    return true;
}

size_t utf8_write(uint32_t code, uint8_t *out)
{
    size_t len = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;

    if (len == 1) {
        out[0] = (uint8_t)code;
        return 1;
    }
    for (size_t i = len - 1; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(0x80u | (code & 0x3fu));
    out[0] = (uint8_t)(0xf00u >> len | code);
    return len;
}
