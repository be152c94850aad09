/* Text of AssemblyScript: UTF-16 and back.
 * Nothing is read beyond what is given, whatever it holds.
 * Source: The Unicode Standard, "UTF-16" and "UTF-8". */
#include "guest/value.h"

enum { REPLACEMENT = 0xfffd };

static uint8_t *put_unit(uint8_t *out, uint32_t unit)
{
    out[0] = (uint8_t)unit;
    out[1] = (uint8_t)(unit >> 8);
    return out + 2;
}

/* The character that begins at text.data[i], which is well-formed.  *len is its bytes. */
static uint32_t decode_utf8(const uint8_t *p, size_t *len)
{
    if (p[0] < 0x80) {
        *len = 1;
        return p[0];
    }
    if (p[0] < 0xe0) {
        *len = 2;
        return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    }
    if (p[0] < 0xf0) {
        *len = 3;
        return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    }
    *len = 4;
    return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
}

size_t guest_utf16_from_utf8(beamr_bytes text, uint8_t *out)
{
    uint8_t *end = out;
    size_t len;

    for (size_t i = 0; i < text.len; i += len) {
        uint32_t c = decode_utf8(text.data + i, &len);

        if (c < 0x10000) {
            end = put_unit(end, c);
        } else {
            end = put_unit(end, 0xd800 + ((c - 0x10000) >> 10));
            end = put_unit(end, 0xdc00 + ((c - 0x10000) & 0x3ff));
        }
    }
    return (size_t)(end - out);
}

uint8_t *guest_utf8_put(uint8_t *out, uint32_t c)
{
    static const uint8_t leads[] = {0, 0xc0, 0xe0, 0xf0};
    unsigned more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

    *out++ = (uint8_t)(leads[more] | c >> (6 * more));
    while (more-- > 0)
        *out++ = (uint8_t)(0x80 | (c >> (6 * more) & 0x3f));
    return out;
}

static uint32_t unit_at(const uint8_t *data, size_t i)
{
    return data[2 * i] | (uint32_t)data[2 * i + 1] << 8;
}

size_t guest_utf8_from_utf16(const uint8_t *data, size_t units, uint8_t *out)
{
    uint8_t *end = out;

    for (size_t i = 0; i < units; i++) {
        uint32_t c = unit_at(data, i);

        if (c >= 0xd800 && c < 0xe000) {
            uint32_t low = c < 0xdc00 && i + 1 < units ? unit_at(data, i + 1) : 0;
            bool is_pair = low >= 0xdc00 && low < 0xe000;

            c = is_pair ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : REPLACEMENT;
            i += is_pair;
        }
        end = guest_utf8_put(end, c);
    }
    return (size_t)(end - out);
}
