/* The lower case of lower.h: ASCII here, the rest by the generated table. */
#include "base/lower.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* Code points from `first` to `last`, each `step`-th of them; the first becomes `to`, and the
 * others keep their distance from it. */
typedef struct lower_run {
    uint32_t first, last, step, to;
} lower_run;

static const lower_run runs[] = {
#define LOWER_RUN(first, last, step, to) {first, last, step, to},
#include "base/lower.def"
#undef LOWER_RUN
};

enum { DOTTED_I = 0x130 }; /* becomes `i` and a combining dot above */

static uint32_t lower_code(uint32_t code)
{
    size_t low = 0, high = sizeof runs / sizeof runs[0];

    while (low < high) {
        size_t middle = (low + high) / 2;
        const lower_run *run = &runs[middle];

        if (code > run->last)
            low = middle + 1;
        else if (code < run->first)
            high = middle;
        else if ((code - run->first) % run->step)
            return code;
        else
            return code - run->first + run->to;
    }
    return code;
}

static uint32_t decode(const uint8_t *p, size_t len)
{
    uint32_t code = p[0] & (0x7fu >> len);

    for (size_t i = 1; i < len; i++)
        code = code << 6 | (p[i] & 0x3fu);
    return code;
}

/* One of eight bytes is `A` to `Z`, or none of ASCII. The sums of ASCII bytes do not carry. */
static bool has_other(uint64_t word)
{
    const uint64_t each = UINT64_C(0x0101010101010101);
    uint64_t from_a = word + each * (0x80 - 'A'), beyond_z = word + each * (0x7f - 'Z');

    return ((word | (from_a & ~beyond_z)) & each * 0x80) != 0;
}

/* What keys are asked for each time: eight bytes at once, of which the last eight, or the two
 * halves of a short text, may overlap those before. */
bool lower_is_plain(beamr_bytes text)
{
    uint64_t word = 0;
    uint32_t half[2] = {0, 0};

    if (text.len >= sizeof word) {
        for (size_t i = 0; text.len - i > sizeof word; i += sizeof word) {
            memcpy(&word, text.data + i, sizeof word);
            if (has_other(word))
                return false;
        }
        memcpy(&word, text.data + text.len - sizeof word, sizeof word);
    } else if (text.len >= sizeof half[0]) {
        memcpy(&half[0], text.data, sizeof half[0]);
        memcpy(&half[1], text.data + text.len - sizeof half[1], sizeof half[1]);
        memcpy(&word, half, sizeof word);
    } else {
        for (size_t i = 0; i < text.len; i++)
            word = word << 8 | text.data[i];
    }
    return !has_other(word);
}

size_t lower_size(size_t len)
{
    return len + len / 2;
}

size_t lower_text(beamr_bytes text, char *out)
{
    size_t used = 0;

    for (size_t i = 0; i < text.len;) {
        uint8_t byte = text.data[i];
        size_t len = byte < 0x80 ? 1 : utf8_sequence(text.data + i, text.len - i);
        uint32_t code;

        if (len <= 1) { /* ASCII, or a byte that begins nothing */
            out[used++] = (char)((uint8_t)(byte - 'A') < 26 ? byte | 0x20 : byte);
            i++;
            continue;
        }
        code = decode(text.data + i, len);
        if (code == DOTTED_I)
            used += utf8_write('i', (uint8_t *)out + used), code = 0x307;
        used += utf8_write(lower_code(code), (uint8_t *)out + used);
        i += len;
    }
    return used;
}
