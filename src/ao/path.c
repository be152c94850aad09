/* Values of `path`: splitting and joining. Requests with queries, sub-paths and devices are
 * request_parse.c's. Source: AO-Core paths, "Path values inside messages". */
#include "ao/path.h"

#include <stdlib.h>
#include <string.h>

#include "ao/internal.h"

bool ao_is_id(beamr_bytes text)
{
    return text.len == 32 || text.len == 42 || text.len == 43;
}

static size_t count_parts(beamr_bytes text)
{
    size_t count = 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] != '/' && (i == 0 || text.data[i - 1] == '/');
    return count;
}

static void split(beamr_bytes text, ao_value *out)
{
    for (size_t i = 0, end; i < text.len; i = end) {
        for (end = i; end < text.len && text.data[end] != '/'; end++)
            continue;
        if (end == i)
            end++;
        else
            *out++ = ao_binary_copy((beamr_bytes){text.data + i, end - i});
    }
}

static ao_value part_of(ao_value value)
{
    char buffer[AO_INTEGER_TEXT_SIZE];

    switch (value.kind) {
    case AO_INTEGER:
        return ao_binary_copy(ao_integer_text(value, buffer));
    case AO_ATOM:
        return ao_binary_copy(ao_text(value));
    default:
        return ao_value_ref(value);
    }
}

static bool is_part(ao_value value)
{
    return value.kind == AO_BINARY || value.kind == AO_ATOM || value.kind == AO_INTEGER ||
           value.kind == AO_AS || value.kind == AO_RESOLVE;
}

static beamr_status finish(ao_value *items, size_t count, ao_value *out, beamr_error *err)
{
    *out = ao_list_new(items, count);
    free(items);
    return out->kind == AO_NONE ? value_fail(*out, err) : BEAMR_OK;
}

beamr_status ao_path_parts(ao_value path, ao_value *out, beamr_error *err)
{
    beamr_bytes text = ao_text(path);
    size_t count = path.kind == AO_LIST ? ao_list_count(path) : count_parts(text);
    ao_value *items;

    if (path.kind != AO_LIST && path.kind != AO_BINARY && path.kind != AO_ATOM)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a path must be a text or a list");
    for (size_t i = 0; path.kind == AO_LIST && i < count; i++)
        if (!is_part(ao_list_at(path, i)))
            return beamr_fail(err, BEAMR_ARGUMENT, 0, "part %zu of a path is no text", i + 1);
    items = malloc((count + 1) * sizeof *items);
    if (!items)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a path");
    if (path.kind == AO_LIST)
        for (size_t i = 0; i < count; i++)
            items[i] = part_of(ao_list_at(path, i));
    else
        split(text, items);
    return finish(items, count, out, err);
}

/* Append a part, normalised; an empty one, or a form, leaves nothing. */
static bool append(char *text, size_t *len, ao_value part)
{
    char buffer[KEY_BUFFER_SIZE], digits[AO_INTEGER_TEXT_SIZE], *owned = NULL;
    beamr_bytes all = part.kind == AO_INTEGER ? ao_integer_text(part, digits) : ao_text(part);
    beamr_bytes key;

    if (all.len == 0)
        return true;
    if (!key_normalise(all, buffer, &key, &owned))
        return false;
    if (*len)
        text[(*len)++] = '/';
    memcpy(text + *len, key.data, key.len);
    *len += key.len;
    free(owned);
    return true;
}

beamr_status ao_path_join(ao_value parts, ao_value *out, beamr_error *err)
{
    size_t size = 1, len = 0;
    bool is_whole = true;
    char *text;

    /* Lower case can be longer: three bytes for two at most. */
    for (size_t i = 0; i < ao_list_count(parts); i++)
        size += 2 * (ao_text(ao_list_at(parts, i)).len + AO_INTEGER_TEXT_SIZE) +
                (ao_list_at(parts, i).kind == AO_INTEGER ? AO_INTEGER_DIGITS_MAX : 0);
    text = malloc(size);
    for (size_t i = 0; text && is_whole && i < ao_list_count(parts); i++)
        is_whole = append(text, &len, ao_list_at(parts, i));
    *out = text && is_whole ? ao_binary_copy((beamr_bytes){(uint8_t *)text, len}) : AO_NO_VALUE;
    free(text);
    return out->kind == AO_NONE ? value_fail(*out, err) : BEAMR_OK;
}
