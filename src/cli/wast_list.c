/* The list of the suite's modules that are known to be refused, because they need the garbage
 * collector's objects: lines "name:line", "#" begins a comment. */
#include <inttypes.h>
#include <stdlib.h>

#include "cli/wast.h"

static int compare(const void *a, const void *b)
{
    const wast_listed *x = a, *y = b;
    int order = strcmp(x->name, y->name);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Cut white space off both ends. */
static beamr_bytes trim(beamr_bytes text)
{
    while (text.len && text.data[text.len - 1] <= ' ')
        text.len--;
    while (text.len && text.data[0] <= ' ') {
        text.data++;
        text.len--;
    }
    return text;
}

/* Read "name:line". */
static beamr_status read_entry(arena *a, beamr_bytes text, uint32_t list_line, wast_listed *out,
                               beamr_error *err)
{
    size_t colon = text.len, digit;
    uint64_t line = 0;

    while (colon > 0 && text.data[colon - 1] != ':')
        colon--;
    for (digit = colon; digit < text.len && line <= UINT32_MAX; digit++) {
        if (text.data[digit] < '0' || text.data[digit] > '9')
            break;
        line = line * 10 + (text.data[digit] - (uint64_t)'0');
    }
    if (colon < 2 || digit == colon || digit < text.len || line == 0 || line > UINT32_MAX)
        return beamr_fail(err, BEAMR_MALFORMED, 0, "%" PRIu32 ":1: 'file-name:line' expected",
                          list_line);
    *out = (wast_listed){
        .name = arena_text(a, text.data, colon - 1),
        .line = (uint32_t)line,
        .list_line = list_line,
    };
    return out->name ? BEAMR_OK : beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the list");
}

/* Take the next line off the text, without its comment. */
static beamr_bytes next_line(beamr_bytes *text)
{
    const uint8_t *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
    size_t len = end ? (size_t)(end - text->data) : text->len;
    beamr_bytes line = {text->data, len};
    const uint8_t *comment = len ? memchr(line.data, '#', len) : NULL;

    if (comment)
        line.len = (size_t)(comment - line.data);
    len += end != NULL;
    text->data += len;
    text->len -= len;
    return trim(line);
}

beamr_status wast_list_read(arena *a, beamr_bytes text, wast_list *out, beamr_error *err)
{
    wast_list list = {0};
    uint32_t line = 1;
    size_t most = 1;

    for (size_t i = 0; i < text.len; i++)
        most += text.data[i] == '\n';
    if (most > UINT32_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "a list of %zu lines", most);
    if (!(list.items = ARENA_NEW(a, wast_listed, most)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a list of %zu lines", most);
    for (; text.len; line++) {
        beamr_bytes entry = next_line(&text);

        if (entry.len)
            BEAMR_TRY(read_entry(a, entry, line, &list.items[list.count++], err));
    }
    qsort(list.items, list.count, sizeof *list.items, compare);
    *out = list;
    return BEAMR_OK;
}

wast_listed *wast_list_find(const wast_list *list, const char *name, uint32_t line)
{
    wast_listed key = {.name = (char *)name, .line = line};

    return list->count ? bsearch(&key, list->items, list->count, sizeof *list->items, compare)
                       : NULL;
}
