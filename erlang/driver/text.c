/* Text: code points and UTF-8. */
#include "driver/text.h"

bool drv_code_is_valid(uint64_t code)
{
    return code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
}

size_t drv_code_size(uint32_t code)
{
    return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

size_t drv_code_write(uint32_t code, uint8_t *out)
{
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    size_t size = drv_code_size(code);

    for (size_t i = size; --i > 0; code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3f));
    out[0] = (uint8_t)(leads[size] | code);
    return size;
}

size_t drv_code_read(const uint8_t *p, size_t left, uint32_t *out)
{
    size_t size = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    uint32_t code = size > 1 ? p[0] & (0x7fu >> size) : p[0];

    if (size == 0 || size > left || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    if (!drv_code_is_valid(code) || drv_code_size(code) != size)
        return 0;
    *out = code;
    return size;
}

bool drv_text_is_valid(beamr_bytes text)
{
    uint32_t code;
    size_t size;

    for (size_t i = 0; i < text.len; i += size)
        if ((size = drv_code_read(text.data + i, text.len - i, &code)) == 0)
            return false;
    return true;
}
