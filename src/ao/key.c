/* Keys: their normal form, and what they tell.
 * Source: AO-Core messages, "Normalisation", "Special keys". */
#include <stdlib.h>

#include "ao/internal.h"
#include "base/lower.h"

int text_compare(beamr_bytes a, beamr_bytes b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

bool key_is_normal(beamr_bytes key)
{
    return key.len == 32 || key.len == 42 || key.len == 43 || lower_is_plain(key);
}

bool key_normalise(beamr_bytes key, char buffer[KEY_BUFFER_SIZE], beamr_bytes *out,
                   char **owned)
{
    char *room = buffer;

    *owned = NULL;
    *out = key;
    if (key_is_normal(key))
        return true;
    if (lower_size(key.len) > KEY_BUFFER_SIZE && !(room = *owned = malloc(lower_size(key.len))))
        return false;
    out->len = lower_text(key, room);
    out->data = (const uint8_t *)room;
    return true;
}

bool key_is_private(beamr_bytes normalised)
{
    return normalised.len >= 4 && memcmp(normalised.data, "priv", 4) == 0;
}

bool key_is_regenerable(beamr_bytes normalised)
{
    return text_is(normalised, "unsigned_id") || text_is(normalised, "content-digest");
}

bool key_integer(beamr_bytes key, int64_t *out)
{
    bool is_negative = key.len > 0 && key.data[0] == '-';
    size_t i = is_negative || (key.len > 0 && key.data[0] == '+');
    int64_t sum = 0;

    if (i == key.len)
        return false;
    for (; i < key.len; i++) {
        int64_t digit = key.data[i] - '0';

        if (digit < 0 || digit > 9 || __builtin_mul_overflow(sum, 10, &sum) ||
            __builtin_add_overflow(sum, is_negative ? -digit : digit, &sum))
            return false;
    }
    *out = sum;
    return true;
}
