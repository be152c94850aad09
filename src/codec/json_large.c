/* Large texts of JSON, and limits: json_large.h.
 * A mark is the character U+0001 and a number, which JSON can only write as `\u0001`. A text
 * that has a value of its own that begins so is left as it is. */
#include "codec/json_large.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/utf8.h"

#define MARK "\\u0001"
#define MARK_MAX 32 /* with its number */

/* ---- Texts ---- */

#define EACH(byte) (UINT64_MAX / 255 * (byte))

/* Where the first quote, backslash or control character is from `from` on; eight bytes at a
 * time are looked at. A borrow may stop it early, never late. */
static size_t skip_plain(beamr_bytes text, size_t from)
{
    for (; text.len - from >= 8; from += 8) {
        uint64_t word, quote, slash;

        memcpy(&word, text.data + from, sizeof word);
        quote = word ^ EACH('"');
        slash = word ^ EACH('\\');
        if ((((word - EACH(0x20)) & ~word) | ((quote - EACH(1)) & ~quote) |
             ((slash - EACH(1)) & ~slash)) &
            EACH(0x80))
            break;
    }
    while (from < text.len && text.data[from] >= 0x20 && text.data[from] != '"' &&
           text.data[from] != '\\')
        from++;
    return from;
}

static bool read_hex(beamr_bytes text, size_t at, uint32_t *out)
{
    if (text.len - at < 4)
        return false;
    *out = 0;
    for (size_t i = at; i < at + 4; i++) {
        uint8_t c = text.data[i], lower = c | 0x20;

        if (c >= '0' && c <= '9')
            *out = *out << 4 | (uint32_t)(c - '0');
        else if (lower >= 'a' && lower <= 'f')
            *out = *out << 4 | (uint32_t)(lower - 'a' + 10);
        else
            return false;
    }
    return true;
}

/* The character of `\uXXXX`, or of two that are a pair; 0 bytes when there is none.
 *   at  behind the `u` */
static size_t read_escaped(beamr_bytes text, size_t at, uint32_t *out)
{
    uint32_t low;

    if (!read_hex(text, at, out) || (*out >= 0xdc00 && *out <= 0xdfff))
        return 0;
    if (*out < 0xd800 || *out > 0xdbff)
        return 4;
    if (text.len - at < 10 || text.data[at + 4] != '\\' || text.data[at + 5] != 'u' ||
        !read_hex(text, at + 6, &low) || low < 0xdc00 || low > 0xdfff)
        return 0;
    *out = 0x10000 + ((*out - 0xd800) << 10) + (low - 0xdc00);
    return 10;
}

/* What an escape stands for.
 *   at  behind the backslash
 * Returns its length behind that; 0 when it is none. */
static size_t unescape(beamr_bytes text, size_t at, uint8_t out[4], size_t *len)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *found;
    uint32_t c;
    size_t used;

    if (at >= text.len)
        return 0;
    if (text.data[at] == 'u') {
        if ((used = read_escaped(text, at + 1, &c)) == 0)
            return 0;
        *len = utf8_write(c, out);
        return used + 1;
    }
    found = memchr(from, text.data[at], sizeof from - 1);
    if (!found)
        return 0;
    out[0] = (uint8_t)to[found - from];
    *len = 1;
    return 1;
}

/* The text that begins at `at`, behind its quote, up to the next one.
 *   out   where to write it without escapes; NULL to measure it
 *   end   gets the place of the closing quote
 *   size  gets its size without escapes
 * false: the parser has something to say against it */
static bool read_text(beamr_bytes text, size_t at, uint8_t *out, size_t *end, size_t *size)
{
    uint8_t buffer[4];

    *size = 0;
    for (;;) {
        size_t stop = skip_plain(text, at), used, len;

        if (out)
            memcpy(out + *size, text.data + at, stop - at);
        *size += stop - at;
        *end = at = stop;
        if (at >= text.len || text.data[at] != '\\')
            return at < text.len && text.data[at] == '"';
        if ((used = unescape(text, at + 1, buffer, &len)) == 0)
            return false;
        if (out)
            memcpy(out + *size, buffer, len);
        *size += len;
        at += 1 + used;
    }
}

/* Where the quote is that ends a text with something wrong in it. */
static size_t skip_text(beamr_bytes text, size_t at)
{
    for (; at < text.len && text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at;
}

static bool is_name(beamr_bytes text, size_t behind)
{
    while (behind < text.len && (text.data[behind] == ' ' || text.data[behind] == '\t' ||
                                 text.data[behind] == '\n' || text.data[behind] == '\r'))
        behind++;
    return behind < text.len && text.data[behind] == ':';
}

/* ---- Finding ---- */

typedef struct finder {
    beamr_bytes text;
    json_texts *out;
    bool has_mark; /* of its own */
    beamr_error *err;
} finder;

static beamr_status fail_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a JSON text");
}

static beamr_status add_large(finder *f, const json_large *one)
{
    json_texts *texts = f->out;

    if (texts->count == texts->capacity) {
        size_t capacity = texts->capacity * 2 + 4;
        json_large *more = realloc(texts->large, capacity * sizeof *more);

        if (!more)
            return fail_memory(f->err);
        texts->large = more;
        texts->capacity = capacity;
    }
    texts->large[texts->count++] = *one;
    return BEAMR_OK;
}

/* A text, from behind its quote; `at` gets the place of the one that ends it. */
static beamr_status find_text(finder *f, size_t *at)
{
    json_large one = {.at = *at};
    beamr_bytes inside;
    bool is_right = read_text(f->text, *at, NULL, at, &one.size);

    if (!is_right) {
        *at = skip_text(f->text, *at);
        return BEAMR_OK;
    }
    one.len = *at - one.at;
    inside = (beamr_bytes){f->text.data + one.at, one.len};
    if (one.len >= sizeof MARK - 1 && memcmp(inside.data, MARK, sizeof MARK - 1) == 0)
        f->has_mark = true;
    if (one.len < JSON_LARGE_MIN || is_name(f->text, *at + 1) || !utf8_is_valid(inside))
        return BEAMR_OK;
    return add_large(f, &one);
}

/* Brackets, and commas, outside of texts. */
static beamr_status scan(finder *f, const ao_limits *limits)
{
    size_t depth = 0, values = 0;
    size_t max_depth = limits->max_depth < AO_DEPTH_MAX ? limits->max_depth : AO_DEPTH_MAX;

    for (size_t i = 0; i < f->text.len; i++) {
        uint8_t c = f->text.data[i];

        if (c == '"') {
            i++;
            BEAMR_TRY(find_text(f, &i));
            continue;
        }
        if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth > 0)
            depth--;
        else if (c != ',')
            continue;
        values += c != ']' && c != '}';
        if (depth > max_depth)
            return beamr_fail(f->err, BEAMR_LIMIT, i,
                              "JSON: more than %zu arrays and objects in each other",
                              max_depth);
        if (values > limits->max_keys)
            return beamr_fail(f->err, BEAMR_LIMIT, i, "JSON: more than %zu values",
                              limits->max_keys);
    }
    return BEAMR_OK;
}

/* ---- Marks ---- */

static void copy(json_texts *texts, beamr_bytes from, size_t begin, size_t end)
{
    memcpy(texts->marked + texts->text.len, from.data + begin, end - begin);
    texts->text.len += end - begin;
}

static beamr_status mark(json_texts *texts, beamr_bytes text, beamr_error *err)
{
    size_t size = text.len, done = 0;

    for (size_t i = 0; i < texts->count; i++)
        size -= texts->large[i].len - MARK_MAX;
    if (!(texts->marked = malloc(size)))
        return fail_memory(err);
    texts->text = (beamr_bytes){texts->marked, 0};
    for (size_t i = 0; i < texts->count; i++) {
        json_large *one = &texts->large[i];
        char name[MARK_MAX];

        copy(texts, text, done, one->at);
        done = one->at + one->len;
        one->mark_at = texts->text.len;
        one->mark_len = (size_t)snprintf(name, sizeof name, MARK "%zu", i);
        copy(texts, beamr_bytes_of(name), 0, one->mark_len);
    }
    copy(texts, text, done, text.len);
    return BEAMR_OK;
}

beamr_status json_large_find(beamr_bytes text, const ao_limits *limits, json_texts *out,
                             beamr_error *err)
{
    finder f = {.text = text, .out = out, .err = err};
    beamr_status st;

    *out = (json_texts){.text = text};
    st = scan(&f, limits);
    if (f.has_mark)
        out->count = 0;
    if (st == BEAMR_OK && out->count)
        st = mark(out, text, err);
    if (st != BEAMR_OK)
        json_large_clear(out);
    return st;
}

void json_large_clear(json_texts *texts)
{
    free(texts->marked);
    free(texts->large);
    *texts = (json_texts){.count = 0};
}

size_t json_large_place(const json_texts *texts, size_t at)
{
    size_t place = at;

    for (size_t i = 0; i < texts->count && texts->large[i].mark_at < at; i++)
        place += texts->large[i].len - texts->large[i].mark_len;
    return place;
}

/* ---- Values ---- */

static void release(void *data, void *user)
{
    (void)user;
    free(data);
}

static beamr_status without_escapes(const json_large *one, beamr_bytes text, ao_value *out,
                                    beamr_error *err)
{
    uint8_t *data = malloc(one->size);
    size_t end, size;

    if (!data)
        return fail_memory(err);
    (void)read_text(text, one->at, data, &end, &size);
    *out = ao_binary_adopt(data, size, release, NULL);
    return out->kind == AO_NONE ? fail_memory(err) : BEAMR_OK;
}

beamr_status json_large_value(const json_texts *texts, beamr_bytes parsed, ao_value encoded,
                              BEAMR_OWN ao_value *out, beamr_error *err)
{
    const json_large *one;
    size_t index = 0;

    *out = AO_NO_VALUE;
    if (!texts->count || !parsed.len || parsed.data[0] != 1)
        return BEAMR_OK;
    for (size_t i = 1; i < parsed.len; i++)
        index = index * 10 + (size_t)(parsed.data[i] - '0');
    one = &texts->large[index];
    if (one->size < one->len)
        return without_escapes(one, ao_bytes(encoded), out, err);
    *out = ao_binary_slice(encoded, one->at, one->len);
    return out->kind == AO_NONE ? fail_memory(err) : BEAMR_OK;
}
