/* The text of a path while it is parsed: path_text.h. */
#include "ao/path_text.h"

#include <string.h>

#define NOWHERE UINT32_MAX

void path_match(const uint8_t *data, size_t len, uint32_t *close)
{
    uint32_t open = NOWHERE; /* the innermost one; its entry leads to the next outer one */

    for (size_t i = 0; i < len; i++) {
        close[i] = 0;
        if (data[i] == '(') {
            close[i] = open;
            open = (uint32_t)i;
        } else if (data[i] == ')' && open != NOWHERE) {
            uint32_t outer = close[open];

            close[open] = (uint32_t)i;
            open = outer;
        }
    }
    while (open != NOWHERE) {
        uint32_t outer = close[open];

        close[open] = 0;
        open = outer;
    }
}

size_t path_find(const path_source *source, path_range range, const char *characters)
{
    for (size_t i = range.begin; i < range.end; i++) {
        uint8_t c = source->data[i];

        if (c && strchr(characters, c))
            return i;
        if (c == '(' && source->close[i] && source->close[i] < range.end)
            i = source->close[i];
    }
    return range.end;
}

bool path_piece(const path_source *source, path_range *rest, char separator, path_range *piece)
{
    const char separators[] = {separator, '\0'};

    if (rest->begin >= rest->end)
        return false;
    piece->begin = rest->begin;
    piece->end = path_find(source, *rest, separators);
    rest->begin = piece->end + 1;
    return true;
}

bool path_is_group(const path_source *source, path_range range)
{
    return range.end - range.begin >= 2 && source->data[range.begin] == '(' &&
           source->close[range.begin] == range.end - 1;
}

beamr_bytes path_bytes(const path_source *source, path_range range)
{
    return (beamr_bytes){source->data + range.begin, range.end - range.begin};
}

size_t path_position(const path_source *source, size_t index)
{
    if (source->at)
        index = index < source->len ? source->at[index]
                : source->len       ? source->at[source->len - 1] + 1
                                    : 0;
    return source->origin + index;
}

static int digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

beamr_status path_decode(const path_source *source, path_range range, path_segment *out,
                         beamr_error *err)
{
    size_t len = 0;

    for (size_t i = range.begin; i < range.end; i++) {
        uint8_t c = source->data[i];

        if (len == PATH_SEGMENT_MAX)
            return beamr_fail(err, BEAMR_LIMIT, path_position(source, range.begin),
                              "segment_too_long: more than %d bytes", PATH_SEGMENT_MAX);
        out->at[len] = (uint32_t)i;
        if (c == '%') {
            int high = range.end - i > 2 ? digit(source->data[i + 1]) : -1;
            int low = high >= 0 ? digit(source->data[i + 2]) : -1;

            if (low < 0)
                return beamr_fail(err, BEAMR_MESSAGE, path_position(source, i),
                                  "two hexadecimal digits must stand behind %%");
            c = (uint8_t)(high << 4 | low);
            i += 2;
        }
        out->data[len++] = c;
    }
    path_match(out->data, len, out->close);
    out->source = (path_source){out->data, len, out->close, out->at, source->origin, true};
    return BEAMR_OK;
}
