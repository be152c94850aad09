/* Reading Erlang's external term format, step by step. What follows a tag is asked of the bytes
 * that are left before it is touched; what consists of other terms (pids, functions) is stepped
 * over without going into them more than one level.
 * Source: Erlang, "External Term Format". */
#include <stdlib.h>

#include "driver/term.h"
#include "driver/term_tag.h"
#include "driver/text.h"

enum {
    OLD_FLOAT_SIZE = 31,
    ATOM_MAX = 255, /* characters; no node's name has one that takes more than a byte */
    REF_WORDS_MAX = 5,
};

static beamr_status malformed(beamr_error *err, const char *what)
{
    return beamr_fail(err, BEAMR_MALFORMED, 0, "Failed to decode a term: %s", what);
}

static inline size_t left_of(const drv_reader *r)
{
    return (size_t)(r->end - r->at);
}

/* The next n bytes; NULL when fewer are left. */
static inline const uint8_t *take(drv_reader *r, size_t n)
{
    const uint8_t *at = r->at;

    if (left_of(r) < n)
        return NULL;
    r->at += n;
    return at;
}

/* Of 1, 2 or 4 bytes, most significant first. */
static inline uint32_t big_endian(const uint8_t *p, size_t width)
{
    uint32_t word;
    uint16_t half;

    if (width == 1)
        return *p;
    if (width == 2) {
        memcpy(&half, p, sizeof half);
        return __builtin_bswap16(half); /* hosts are little-endian, as guests */
    }
    memcpy(&word, p, sizeof word);
    return __builtin_bswap32(word);
}

static inline bool take_length(drv_reader *r, size_t width, uint32_t *out)
{
    const uint8_t *p = take(r, width);

    if (!p)
        return false;
    *out = big_endian(p, width);
    return true;
}

/* Bytes with their length before them. */
static inline bool take_bytes(drv_reader *r, size_t width, beamr_bytes *out)
{
    uint32_t len;

    if (!take_length(r, width, &len) || !(out->data = take(r, len)))
        return false;
    out->len = len;
    return true;
}

/* ---- Numbers ---- */

static bool read_integer(drv_reader *r, drv_item *out)
{
    const uint8_t *p = take(r, 4);
    uint32_t n;

    if (!p)
        return false;
    n = big_endian(p, 4);
    out->kind = DRV_INTEGER;
    out->is_negative = n >> 31;
    out->magnitude = n >> 31 ? (UINT64_C(1) << 32) - n : n;
    return true;
}

#define SHIFT_MAX 65536u /* no float is nearly so large */

/* Sign and magnitude, least significant byte first; zeros may stand at its end. */
static bool read_big(drv_reader *r, size_t width, drv_item *out)
{
    const uint8_t *start = r->at - 1, *p;
    uint32_t len, low;

    if (!take_length(r, width, &len) || !(p = take(r, (size_t)len + 1)))
        return false;
    out->bytes = (beamr_bytes){start, (size_t)(r->at - start)};
    out->is_negative = p[0] != 0;
    while (len > 0 && p[len] == 0)
        len--;
    out->kind = len > 8 ? DRV_BIG : DRV_INTEGER;
    low = len > 8 ? len - 8 : 0;
    out->magnitude = 0;
    for (uint32_t i = len; i > low; i--)
        out->magnitude = out->magnitude << 8 | p[i];
    out->shift = low < SHIFT_MAX / 8 ? low * 8 : SHIFT_MAX;
    while (low > 0 && p[low] == 0)
        low--;
    if (low > 0)
        out->magnitude |= 1; /* so that it rounds as if all were there */
    if (out->magnitude == 0)
        out->is_negative = false;
    return true;
}

static bool is_finite(uint64_t bits)
{
    return (bits >> 52 & 0x7ff) != 0x7ff;
}

static bool read_float(drv_reader *r, drv_item *out)
{
    const uint8_t *p = take(r, 8);
    uint64_t bits;

    if (!p)
        return false;
    memcpy(&bits, p, sizeof bits);
    bits = __builtin_bswap64(bits);
    if (!is_finite(bits))
        return false;
    out->kind = DRV_FLOAT;
    memcpy(&out->number, &bits, sizeof bits);
    return true;
}

/* As old programs write floats: in decimal, zeros behind it. */
static bool read_old_float(drv_reader *r, drv_item *out)
{
    const uint8_t *p = take(r, OLD_FLOAT_SIZE);
    char text[OLD_FLOAT_SIZE + 1];
    size_t len;
    uint64_t bits;
    char *end;

    if (!p)
        return false;
    memcpy(text, p, OLD_FLOAT_SIZE);
    text[OLD_FLOAT_SIZE] = 0;
    len = strspn(text, "0123456789+-.eE");
    out->kind = DRV_FLOAT;
    out->number = strtod(text, &end);
    memcpy(&bits, &out->number, sizeof bits);
    return len > 0 && text[len] == 0 && end == text + len && is_finite(bits);
}

/* ---- What has names and bytes ---- */

static inline bool read_atom(drv_reader *r, size_t width, bool is_latin1, drv_item *out)
{
    out->kind = DRV_ATOM;
    out->is_latin1 = is_latin1;
    return take_bytes(r, width, &out->bytes);
}

static inline bool read_bytes(drv_reader *r, drv_kind kind, size_t width, drv_item *out)
{
    out->kind = kind;
    return take_bytes(r, width, &out->bytes);
}

/* An atom inside a reference, pid or the like: one that the emulator takes back. */
static bool skip_atom(drv_reader *r)
{
    const uint8_t *tag = take(r, 1);
    beamr_bytes name;

    if (!tag)
        return false;
    switch (*tag) {
    case TAG_ATOM:
        return take_bytes(r, 2, &name) && name.len <= ATOM_MAX;
    case TAG_SMALL_ATOM:
        return take_bytes(r, 1, &name);
    case TAG_ATOM_UTF8:
        return take_bytes(r, 2, &name) && name.len <= ATOM_MAX && drv_text_is_valid(name);
    case TAG_SMALL_ATOM_UTF8:
        return take_bytes(r, 1, &name) && drv_text_is_valid(name);
    default:
        return false;
    }
}

/* A node's name, and then `size` bytes that number something there. */
static bool skip_numbered(drv_reader *r, size_t size)
{
    return skip_atom(r) && take(r, size);
}

/* Of 1 to 5 words. */
static bool skip_reference(drv_reader *r, size_t creation)
{
    uint32_t words;

    return take_length(r, 2, &words) && words >= 1 && words <= REF_WORDS_MAX &&
           skip_numbered(r, creation + (size_t)words * 4);
}

static bool skip_export(drv_reader *r)
{
    const uint8_t *arity;

    return skip_atom(r) && skip_atom(r) && (arity = take(r, 2)) != NULL &&
           arity[0] == TAG_SMALL_INTEGER;
}

/* Its size, which counts itself, tells where it ends. */
static bool skip_fun(drv_reader *r)
{
    uint32_t size;

    return take_length(r, 4, &size) && size >= 4 && take(r, size - 4);
}

static bool skip_bits(drv_reader *r)
{
    uint32_t len;

    return take_length(r, 4, &len) && take(r, (size_t)len + 1);
}

/* What is kept as bytes only. */
static bool read_whole(drv_reader *r, uint8_t tag, drv_item *out)
{
    const uint8_t *start = r->at - 1;
    bool is_read = false;

    out->kind = DRV_OTHER;
    switch (tag) {
    case TAG_REFERENCE:
        out->kind = DRV_REF;
        is_read = skip_numbered(r, 5);
        break;
    case TAG_NEW_REFERENCE:
    case TAG_NEWER_REFERENCE:
        out->kind = DRV_REF;
        is_read = skip_reference(r, tag == TAG_NEW_REFERENCE ? 1 : 4);
        break;
    case TAG_PID:
        is_read = skip_numbered(r, 9);
        break;
    case TAG_NEW_PID:
    case TAG_V4_PORT:
        is_read = skip_numbered(r, 12);
        break;
    case TAG_PORT:
        is_read = skip_numbered(r, 5);
        break;
    case TAG_NEW_PORT:
        is_read = skip_numbered(r, 8);
        break;
    case TAG_NEW_FUN:
        is_read = skip_fun(r);
        break;
    case TAG_EXPORT:
        is_read = skip_export(r);
        break;
    case TAG_BIT_BINARY:
        is_read = skip_bits(r);
        break;
    }
    out->bytes = (beamr_bytes){start, (size_t)(r->at - start)};
    return is_read;
}

/* ---- Steps ---- */

/* The head of what `count` times `each` terms follow, and `more` than that: none of them is
 * shorter than a byte. */
static inline bool read_head(drv_reader *r, drv_kind kind, size_t width, size_t each,
                             size_t more, drv_item *out)
{
    out->kind = kind;
    return take_length(r, width, &out->count) && (size_t)out->count * each + more <= left_of(r);
}

static bool read_tag(drv_reader *r, uint8_t tag, drv_item *out)
{
    const uint8_t *p;

    switch (tag) {
    case TAG_SMALL_INTEGER:
        if (!(p = take(r, 1)))
            return false;
        out->kind = DRV_INTEGER;
        out->is_negative = false;
        out->magnitude = *p;
        return true;
    case TAG_INTEGER:
        return read_integer(r, out);
    case TAG_SMALL_BIG:
        return read_big(r, 1, out);
    case TAG_LARGE_BIG:
        return read_big(r, 4, out);
    case TAG_NEW_FLOAT:
        return read_float(r, out);
    case TAG_FLOAT:
        return read_old_float(r, out);
    case TAG_ATOM:
        return read_atom(r, 2, true, out);
    case TAG_SMALL_ATOM:
        return read_atom(r, 1, true, out);
    case TAG_ATOM_UTF8:
        return read_atom(r, 2, false, out);
    case TAG_SMALL_ATOM_UTF8:
        return read_atom(r, 1, false, out);
    case TAG_BINARY:
        return read_bytes(r, DRV_BINARY, 4, out);
    case TAG_STRING:
        return read_bytes(r, DRV_STRING, 2, out);
    case TAG_NIL:
        out->kind = DRV_NIL;
        return true;
    case TAG_LIST:
        return read_head(r, DRV_LIST, 4, 1, 1, out);
    case TAG_SMALL_TUPLE:
        return read_head(r, DRV_TUPLE, 1, 1, 0, out);
    case TAG_LARGE_TUPLE:
        return read_head(r, DRV_TUPLE, 4, 1, 0, out);
    case TAG_MAP:
        return read_head(r, DRV_MAP, 4, 2, 0, out);
    default:
        return read_whole(r, tag, out);
    }
}

beamr_status drv_read(drv_reader *reader, drv_item *out, beamr_error *err)
{
    const uint8_t *tag = take(reader, 1);

    if (!tag)
        return malformed(err, "it ends too early");
    if (read_tag(reader, *tag, out))
        return BEAMR_OK;
    reader->at = tag; /* only this is put back: copying both takes longer than most steps */
    return beamr_fail(err, BEAMR_MALFORMED, 0,
                      "Failed to decode a term: tag %u, %zu bytes before the end", *tag,
                      left_of(reader));
}

beamr_status drv_reader_begin(drv_reader *reader, beamr_bytes term, beamr_error *err)
{
    if (term.len == 0 || term.data[0] != TAG_VERSION)
        return beamr_fail(err, BEAMR_MALFORMED, 0,
                          "Failed to decode message header (version).");
    if (term.len > 1 && term.data[1] == TAG_COMPRESSED)
        return malformed(err, "it is compressed, which is not taken");
    reader->at = term.data + 1;
    reader->end = term.data + term.len;
    return BEAMR_OK;
}

beamr_status drv_skip(drv_reader *reader, beamr_bytes *out, beamr_error *err)
{
    const uint8_t *start = reader->at;
    drv_reader r = *reader;
    uint64_t pending = 1; /* each count is below the bytes left, so their sum fits */
    drv_item item;
    beamr_status st;

    for (; pending > 0; pending--) {
        if (pending > left_of(&r))
            return malformed(err, "it ends too early");
        if ((st = drv_read(&r, &item, err)) != BEAMR_OK)
            return st;
        if (item.kind == DRV_LIST)
            pending += (uint64_t)item.count + 1;
        else if (item.kind == DRV_TUPLE)
            pending += item.count;
        else if (item.kind == DRV_MAP)
            pending += (uint64_t)item.count * 2;
    }
    *reader = r;
    if (out)
        *out = (beamr_bytes){start, (size_t)(r.at - start)};
    return BEAMR_OK;
}

bool drv_item_is_atom(const drv_item *item, const char *name)
{
    size_t len = strlen(name);

    return item->kind == DRV_ATOM && item->bytes.len == len &&
           memcmp(item->bytes.data, name, len) == 0;
}
