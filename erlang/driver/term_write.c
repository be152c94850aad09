/* Writing Erlang's external term format. Every number is written in the form that Erlang itself
 * would choose.
 * Source: Erlang, "External Term Format". */
#include <stdlib.h>

#include "driver/term.h"
#include "driver/term_tag.h"
#include "driver/text.h"

enum { STRING_MAX = 65535 };

/* ---- Room ---- */

static bool grow(drv_writer *w, size_t need)
{
    size_t room = w->room * 2 > w->len + need ? w->room * 2 : w->len + need;
    uint8_t *data = NULL;

    if (need > SIZE_MAX / 4 || !(data = realloc(w->data == w->own ? NULL : w->data, room))) {
        w->is_failed = true;
        return false;
    }
    if (w->data == w->own)
        memcpy(data, w->own, w->len);
    w->data = data;
    w->room = room;
    return true;
}

/* Room for n bytes, which are then written. NULL when the writer has failed. */
static uint8_t *extend(drv_writer *w, size_t n)
{
    uint8_t *at;

    if (w->is_failed || (w->room - w->len < n && !grow(w, n)))
        return NULL;
    at = w->data + w->len;
    w->len += n;
    return at;
}

void drv_writer_begin(drv_writer *w)
{
    w->data = w->own;
    w->own[0] = TAG_VERSION;
    w->len = 1;
    w->room = sizeof w->own;
    w->is_failed = false;
}

void drv_writer_clear(drv_writer *w)
{
    if (w->data != w->own)
        free(w->data);
    w->data = w->own;
    w->len = 0;
    w->room = sizeof w->own;
}

/* ---- Parts ---- */

static void big_endian(uint8_t *at, uint64_t value, size_t width)
{
    for (size_t i = width; i-- > 0; value >>= 8)
        at[i] = (uint8_t)value;
}

/* A tag and a number behind it. */
static void put_tagged(drv_writer *w, uint8_t tag, uint64_t value, size_t width)
{
    uint8_t *at = extend(w, 1 + width);

    if (!at)
        return;
    at[0] = tag;
    big_endian(at + 1, value, width);
}

void drv_put_term(drv_writer *w, beamr_bytes term)
{
    uint8_t *at = extend(w, term.len);

    if (at && term.len)
        memcpy(at, term.data, term.len);
}

void drv_put_atom(drv_writer *w, const char *name)
{
    beamr_bytes bytes = beamr_bytes_of(name);

    put_tagged(w, TAG_SMALL_ATOM_UTF8, bytes.len, 1);
    drv_put_term(w, bytes);
}

void drv_put_tuple(drv_writer *w, uint32_t count)
{
    if (count <= UINT8_MAX)
        put_tagged(w, TAG_SMALL_TUPLE, count, 1);
    else
        put_tagged(w, TAG_LARGE_TUPLE, count, 4);
}

void drv_put_list(drv_writer *w, uint32_t count)
{
    if (count > 0)
        put_tagged(w, TAG_LIST, count, 4);
}

void drv_put_nil(drv_writer *w)
{
    put_tagged(w, TAG_NIL, 0, 0);
}

void drv_put_map(drv_writer *w, uint32_t count)
{
    put_tagged(w, TAG_MAP, count, 4);
}

/* ---- Numbers ---- */

static void put_big(drv_writer *w, bool is_negative, uint64_t magnitude)
{
    size_t len = 8 - (size_t)__builtin_clzll(magnitude | 1) / 8;
    uint8_t *at = extend(w, 3 + len);

    if (!at)
        return;
    at[0] = TAG_SMALL_BIG;
    at[1] = (uint8_t)len;
    at[2] = is_negative;
    for (size_t i = 0; i < len; i++, magnitude >>= 8)
        at[3 + i] = (uint8_t)magnitude;
}

void drv_put_int(drv_writer *w, int64_t n)
{
    if (n >= 0 && n <= UINT8_MAX)
        put_tagged(w, TAG_SMALL_INTEGER, (uint64_t)n, 1);
    else if (n >= INT32_MIN && n <= INT32_MAX)
        put_tagged(w, TAG_INTEGER, (uint64_t)n, 4);
    else
        put_big(w, n < 0, n < 0 ? -(uint64_t)n : (uint64_t)n);
}

void drv_put_uint(drv_writer *w, uint64_t n)
{
    if (n <= INT64_MAX)
        drv_put_int(w, (int64_t)n);
    else
        put_big(w, false, n);
}

void drv_put_float(drv_writer *w, double n)
{
    uint64_t bits;

    memcpy(&bits, &n, sizeof bits);
    put_tagged(w, TAG_NEW_FLOAT, bits, 8);
}

/* ---- Bytes and text ---- */

void drv_put_binary(drv_writer *w, beamr_bytes bytes)
{
    if (bytes.len > UINT32_MAX) {
        w->is_failed = true;
        return;
    }
    put_tagged(w, TAG_BINARY, bytes.len, 4);
    drv_put_term(w, bytes);
}

/* Text, as characters: code points, or bytes when it is no UTF-8. */
typedef struct characters {
    beamr_bytes text;
    size_t at;
    bool is_utf8;
} characters;

static characters characters_of(beamr_bytes text)
{
    return (characters){text, 0, drv_text_is_valid(text)};
}

static bool next(characters *c, uint32_t *out)
{
    if (c->at == c->text.len)
        return false;
    *out = c->text.data[c->at];
    c->at += c->is_utf8 ? drv_code_read(c->text.data + c->at, c->text.len - c->at, out) : 1;
    return true;
}

/* How many there are, and the largest. */
static size_t measure(characters c, uint32_t *largest)
{
    size_t count = 0;
    uint32_t code;

    for (*largest = 0; next(&c, &code); count++)
        *largest = code > *largest ? code : *largest;
    return count;
}

static void put_bytes_of(drv_writer *w, characters c, size_t count)
{
    uint8_t *at;
    uint32_t code;

    put_tagged(w, TAG_STRING, count, 2);
    if (!(at = extend(w, count)))
        return;
    while (next(&c, &code))
        *at++ = (uint8_t)code;
}

void drv_put_string(drv_writer *w, beamr_bytes text)
{
    characters c = characters_of(text);
    uint32_t largest, code;
    size_t count = measure(c, &largest);

    if (count > UINT32_MAX) {
        w->is_failed = true;
    } else if (count > 0 && count <= STRING_MAX && largest <= UINT8_MAX) {
        put_bytes_of(w, c, count);
    } else {
        drv_put_list(w, (uint32_t)count);
        while (next(&c, &code))
            drv_put_int(w, code);
        drv_put_nil(w);
    }
}
