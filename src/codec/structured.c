/* structured@1.0: messages of typed values to annotated messages. How types are written:
 *
 *   value                       text                          type
 *   empty binary, list, message none                          empty-binary, -list, -message
 *   binary                      its bytes                     none
 *   integer                     decimal                       integer
 *   float                       %.20e                         float
 *   atom                        a string of a field, quoted   atom
 *   list with a message         an annotated message of       list
 *     anywhere, or whose first    its items, from `1` on
 *     item is a list
 *   other list                  items of a field; values that list
 *                                 are not binaries as strings
 *                                 "(ao-type-T) TEXT"
 *
 * A list in which a binary begins like such a string is an annotated message too: its text
 * would be read back as something else. The way back is in structured_decode.c. Recursive to
 * AO_DEPTH_MAX levels. Source: AO-Core codecs, "structured@1.0". */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "codec/codecs.h"
#include "codec/structured.h"

/* The text of a list within lists doubles with every level. Beyond some levels all such texts
 * together must stay below a size: a few bytes, and some times what the message holds. */
enum { LIST_LEVELS_FREE = 4, LIST_TEXT_MIN = 1 << 20, LIST_TEXT_FACTOR = 16 };

typedef struct writer {
    arena *a;
    const ao_message *message; /* the whole */
    size_t list_bytes;         /* of texts beyond LIST_LEVELS_FREE, so far */
    beamr_error *err;
} writer;

static const beamr_bytes no_key = {(const uint8_t *)"", 0};

static beamr_bytes bytes_of(const char *text)
{
    return beamr_bytes_of(text);
}

static beamr_status fail_key(const writer *w, beamr_bytes key, const char *why)
{
    char show[CODEC_SHOW_SIZE];

    return beamr_fail(w->err, BEAMR_ENCODING, 0, "key `%s`: %s", codec_show_key(key, show),
                      why);
}

static beamr_status fail_deep(const writer *w)
{
    return beamr_fail(w->err, BEAMR_LIMIT, 0,
                      "more than %d messages and lists within each other", AO_DEPTH_MAX);
}

/* ---- Texts of single values ---- */

enum { FLOAT_DIGITS = 20 }; /* behind the point */

/* The text of %.20e, whatever the locale makes of the point: its digits are counted from the
 * ends. */
static size_t long_float_text(double number, char out[CODEC_FLOAT_SIZE])
{
    char text[CODEC_FLOAT_SIZE + 8];
    const char *exponent;
    size_t head, tail;

    snprintf(text, sizeof text, "%.*e", FLOAT_DIGITS, number);
    exponent = strrchr(text, 'e');
    head = text[0] == '-' ? 2 : 1;
    tail = strlen(exponent);
    memcpy(out, text, head);
    out[head] = '.';
    memcpy(out + head + 1, exponent - FLOAT_DIGITS, FLOAT_DIGITS + tail + 1);
    return head + 1 + FLOAT_DIGITS + tail;
}

/* The number as `digits` / 10^`places`, with no rounding: so it is for integers and for short
 * binary fractions. Its digits are then at most 20, and %.20e has all of them. */
static bool as_decimal(double number, uint64_t *digits, int *places)
{
    enum { PLACES_MAX = 27 }; /* 5^27 is the last power below 2^64 */
    const uint64_t one = (uint64_t)1 << 52;
    uint64_t bits, n;
    int exponent, shift;

    *digits = 0;
    *places = 0;
    if (number == 0)
        return true;
    memcpy(&bits, &number, sizeof bits);
    n = (bits & (one - 1)) | one; /* a subnormal one has no such bit, but too many places */
    shift = __builtin_ctzll(n);
    n >>= shift;
    exponent = (int)(bits >> 52 & 0x7ff) - 1075 + shift; /* the number is n * 2^exponent */
    if (-exponent > PLACES_MAX || exponent > __builtin_clzll(n))
        return false;
    if (exponent < 0)
        *places = -exponent;
    for (int i = 0; i < *places; i++)
        if (__builtin_mul_overflow(n, 5, &n))
            return false;
    *digits = exponent > 0 ? n << exponent : n;
    return true;
}

/* The same text for the numbers that are met most, in a tenth of the time. */
static size_t float_text(double number, char out[CODEC_FLOAT_SIZE])
{
    char *p = out, buffer[AO_INTEGER_TEXT_SIZE];
    size_t at = sizeof buffer, len;
    uint64_t digits;
    int exponent, places;

    if (!as_decimal(number, &digits, &places))
        return long_float_text(number, out);
    do
        buffer[--at] = (char)('0' + digits % 10);
    while ((digits /= 10));
    len = sizeof buffer - at - 1; /* behind the point */
    if (signbit(number))
        *p++ = '-';
    *p++ = buffer[at];
    *p++ = '.';
    memset(p, '0', FLOAT_DIGITS);
    memcpy(p, buffer + at + 1, len);
    p += FLOAT_DIGITS;
    exponent = (int)len - places;
    *p++ = 'e';
    *p++ = exponent < 0 ? '-' : '+';
    exponent = abs(exponent);
    *p++ = (char)('0' + exponent / 10);
    *p++ = (char)('0' + exponent % 10);
    return (size_t)(p - out);
}

/* What stands for a value that is no binary, list or message, and its type.
 *   buffer  for the text; atoms take it from the arena */
static beamr_status scalar_text(writer *w, ao_value value, char buffer[CODEC_FLOAT_SIZE],
                                beamr_bytes *text, const char **type)
{
    _Static_assert((int)CODEC_FLOAT_SIZE >= (int)AO_INTEGER_TEXT_SIZE, "one buffer for both");
    field_text atom = {.a = w->a};

    switch (value.kind) {
    case AO_INTEGER:
        *type = "integer";
        *text = ao_integer_text(value, buffer);
        return BEAMR_OK;
    case AO_FLOAT:
        *type = "float";
        *text = (beamr_bytes){(const uint8_t *)buffer, float_text(value.of.number, buffer)};
        return BEAMR_OK;
    case AO_ATOM:
        *type = "atom";
        field_text_add_string(&atom, ao_text(value));
        *text = field_text_bytes(&atom);
        return atom.is_full ? codec_fail_full(w->a, w->err) : BEAMR_OK;
    default:
        return fail_key(w, no_key, "a value that is never encoded");
    }
}

/* ---- Lists ---- */

/* Is this list encoded as a message of its items?  `is_outer`: it is no item itself. */
static beamr_status list_is_message(writer *w, ao_value list, bool is_outer, unsigned depth,
                                    bool *out)
{
    size_t count = ao_list_count(list);

    if (depth >= AO_DEPTH_MAX)
        return fail_deep(w);
    *out = false;
    for (size_t i = 0; i < count && !*out; i++) {
        ao_value item = ao_list_at(list, i);

        if (item.kind == AO_LINK)
            BEAMR_TRY(ao_value_load(item, &item, w->err));
        if (item.kind == AO_MESSAGE || (is_outer && i == 0 && item.kind == AO_LIST))
            *out = true;
        else if (item.kind == AO_LIST)
            BEAMR_TRY(list_is_message(w, item, false, depth + 1, out));
        else if (item.kind == AO_BINARY)
            *out = text_begins(ao_bytes(item), FIELD_ANNOTATION);
    }
    return BEAMR_OK;
}

static beamr_status list_text(writer *w, ao_value list, unsigned depth, field_text *out);

/* "(ao-type-T) TEXT", with its quotes. */
static void add_annotated(field_text *out, const char *type, beamr_bytes text)
{
    field_text_add_text(out, "\"" FIELD_ANNOTATION);
    field_text_add_text(out, type);
    field_text_add_text(out, ") ");
    field_text_add_escaped(out, text);
    field_text_add_text(out, "\"");
}

static beamr_status item_text(writer *w, ao_value item, unsigned depth, field_text *out)
{
    char buffer[CODEC_FLOAT_SIZE];
    field_text inner = {.a = w->a};
    const char *type = "list";
    beamr_bytes text;

    if (item.kind == AO_LINK)
        BEAMR_TRY(ao_value_load(item, &item, w->err));
    if (item.kind == AO_BINARY) {
        field_text_add_string(out, ao_bytes(item));
        return BEAMR_OK;
    }
    if (item.kind != AO_LIST) {
        BEAMR_TRY(scalar_text(w, item, buffer, &text, &type));
    } else {
        BEAMR_TRY(list_text(w, item, depth + 1, &inner));
        text = field_text_bytes(&inner);
        if (!text.len)
            type = "empty-list";
    }
    add_annotated(out, type, text);
    return BEAMR_OK;
}

/* Is there room for `len` more bytes of a list at such a level? */
static beamr_status check_list_text(writer *w, size_t len, unsigned depth)
{
    ao_limits size = ao_message_size(w->message);
    size_t most;

    if (__builtin_mul_overflow(size.max_bytes + size.max_keys, (size_t)LIST_TEXT_FACTOR,
                               &most) ||
        most > SIZE_MAX - LIST_TEXT_MIN)
        most = SIZE_MAX - LIST_TEXT_MIN;
    most += LIST_TEXT_MIN;
    if (len > most - w->list_bytes)
        return beamr_fail(w->err, BEAMR_LIMIT, 0,
                          "the text of lists grows beyond %zu bytes at level %u", most, depth);
    w->list_bytes += len;
    return BEAMR_OK;
}

static beamr_status list_text(writer *w, ao_value list, unsigned depth, field_text *out)
{
    size_t count = ao_list_count(list);

    for (size_t i = 0; i < count && !out->is_full; i++) {
        if (i > 0)
            field_text_add_text(out, ", ");
        BEAMR_TRY(item_text(w, ao_list_at(list, i), depth, out));
    }
    if (depth > LIST_LEVELS_FREE)
        BEAMR_TRY(check_list_text(w, out->len, depth));
    return out->is_full ? codec_fail_full(w->a, w->err) : BEAMR_OK;
}

/* ---- Messages ---- */

/* A level that is being annotated. */
typedef struct level {
    codec_node *node;
    field_text types;
    unsigned depth;
} level;

static beamr_status annotate(writer *w, const ao_message *message, unsigned depth,
                             bool without_commitments, codec_node **out);
static beamr_status annotate_list(writer *w, ao_value list, unsigned depth, codec_node **out);

static void add_key(field_text *types, beamr_bytes key)
{
    static const char hex[] = "0123456789abcdef";
    size_t plain = 0;

    for (size_t i = 0; i < key.len; i++) {
        uint8_t c = key.data[i];
        char escape[] = {'%', hex[c >> 4], hex[c & 15]};

        if ((c >= 'a' && c <= 'z') || (c >= '-' && c <= '9') || c == '_' || c == '?' ||
            c == '&' || c == '+')
            continue;
        field_text_add(types, (beamr_bytes){key.data + plain, i - plain});
        field_text_add(types, (beamr_bytes){(const uint8_t *)escape, sizeof escape});
        plain = i + 1;
    }
    field_text_add(types, (beamr_bytes){key.data + plain, key.len - plain});
}

static void add_type(level *l, beamr_bytes key, const char *type)
{
    char tail[32] = "=\""; /* with the longest type, and its quotes */
    size_t len = strlen(type);

    if (l->types.len)
        field_text_add_text(&l->types, ", ");
    add_key(&l->types, key);
    memcpy(tail + 2, type, len);
    tail[len + 2] = '"';
    field_text_add(&l->types, (beamr_bytes){(const uint8_t *)tail, len + 3});
}

static beamr_status add_list(writer *w, level *l, beamr_bytes key, ao_value list)
{
    field_text text = {.a = w->a};
    bool is_message;
    codec_node *node;

    if (!ao_list_count(list)) {
        add_type(l, key, "empty-list");
        return BEAMR_OK;
    }
    add_type(l, key, "list");
    BEAMR_TRY(list_is_message(w, list, true, l->depth + 1, &is_message));
    if (is_message) {
        BEAMR_TRY(annotate_list(w, list, l->depth + 1, &node));
        return codec_node_add_node(w->a, l->node, key, node, w->err);
    }
    BEAMR_TRY(list_text(w, list, 1, &text));
    return codec_node_add_bytes(w->a, l->node, key, field_text_bytes(&text), AO_NO_VALUE,
                                w->err);
}

static beamr_status add_message(writer *w, level *l, beamr_bytes key, const ao_message *message)
{
    codec_node *node;

    if (ao_message_count(message)) {
        BEAMR_TRY(annotate(w, message, l->depth + 1, false, &node));
        if (node->count)
            return codec_node_add_node(w->a, l->node, key, node, w->err);
    }
    add_type(l, key, "empty-message");
    return BEAMR_OK;
}

static beamr_status add_scalar(writer *w, level *l, beamr_bytes key, ao_value value)
{
    char buffer[CODEC_FLOAT_SIZE];
    beamr_bytes text;
    const char *type;

    if (value.kind != AO_INTEGER && value.kind != AO_FLOAT && value.kind != AO_ATOM)
        return fail_key(w, key, "a value that is never encoded");
    BEAMR_TRY(scalar_text(w, value, buffer, &text, &type));
    add_type(l, key, type);
    /* An atom's text is in the arena, that of a number of any size may be in the buffer. */
    if (value.kind != AO_ATOM &&
        !(text.data = (const uint8_t *)arena_text(w->a, text.data, text.len)))
        return codec_fail_full(w->a, w->err);
    return codec_node_add_bytes(w->a, l->node, key, text, AO_NO_VALUE, w->err);
}

static beamr_status add_value(writer *w, level *l, beamr_bytes key, ao_value value)
{
    if (value.kind == AO_LINK)
        BEAMR_TRY(ao_value_load(value, &value, w->err));
    if (value.kind == AO_MESSAGE)
        return add_message(w, l, key, ao_to_message(value));
    if (value.kind == AO_LIST)
        return add_list(w, l, key, value);
    if (value.kind != AO_BINARY)
        return add_scalar(w, l, key, value);
    if (ao_bytes(value).len)
        return codec_node_add_bytes(w->a, l->node, key, ao_bytes(value), value, w->err);
    add_type(l, key, "empty-binary");
    return BEAMR_OK;
}

static beamr_status begin_level(writer *w, level *l, size_t count, unsigned depth)
{
    *l = (level){.types = {.a = w->a}, .depth = depth};
    if (depth >= AO_DEPTH_MAX)
        return fail_deep(w);
    /* One more, for the types. */
    if (!(l->node = codec_node_new(w->a)) || !codec_node_reserve(w->a, l->node, count + 1))
        return codec_fail_full(w->a, w->err);
    return BEAMR_OK;
}

/* Put the types in their place. A message that was annotated before holds them already; then
 * there is nothing to add. */
static beamr_status end_level(writer *w, level *l, codec_node **out)
{
    size_t count = l->node->count;
    codec_entry *entry;

    *out = l->node;
    if (l->types.is_full)
        return codec_fail_full(w->a, w->err);
    if (!l->types.len)
        return BEAMR_OK;
    if (!(entry = codec_node_insert(w->a, l->node, bytes_of(CODEC_TYPES))))
        return codec_fail_full(w->a, w->err);
    if (l->node->count == count)
        return fail_key(w, bytes_of(CODEC_TYPES),
                        "it is where types are noted, which other keys here need");
    entry->bytes = field_text_bytes(&l->types);
    return BEAMR_OK;
}

/* The number that follows `n` of 1 to `count` when they are ordered as texts. */
static size_t next_as_text(size_t n, size_t count)
{
    if (n <= count / 10)
        return n * 10;
    if (n == count)
        n /= 10;
    for (n++; n % 10 == 0;)
        n /= 10;
    return n;
}

static beamr_status annotate_list(writer *w, ao_value list, unsigned depth, codec_node **out)
{
    size_t count = ao_list_count(list), n = 1;
    level l;

    BEAMR_TRY(begin_level(w, &l, count, depth));
    for (size_t i = 0; i < count; i++, n = next_as_text(n, count)) {
        char digits[AO_INTEGER_TEXT_SIZE];
        beamr_bytes key = ao_integer_text(ao_integer((int64_t)n), digits);

        if (!(key.data = (const uint8_t *)arena_text(w->a, key.data, key.len)))
            return codec_fail_full(w->a, w->err);
        BEAMR_TRY(add_value(w, &l, key, ao_list_at(list, n - 1)));
    }
    return end_level(w, &l, out);
}

static beamr_status annotate(writer *w, const ao_message *message, unsigned depth,
                             bool without_commitments, codec_node **out)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;
    level l;

    BEAMR_TRY(begin_level(w, &l, ao_message_count(message), depth));
    while (ao_message_next(message, &cursor, &name, &value)) {
        beamr_bytes key = ao_name_text(name);

        if (text_is(key, "unsigned_id") || text_is(key, "content-digest") ||
            (without_commitments && text_is(key, "commitments")))
            continue;
        BEAMR_TRY(add_value(w, &l, key, value));
    }
    return end_level(w, &l, out);
}

beamr_status codec_annotate(arena *a, const ao_message *message,
                            const codec_annotate_options *options, codec_node **out,
                            beamr_error *err)
{
    writer w = {.a = a, .message = message, .err = err};

    return annotate(&w, message, 0, options && options->without_commitments, out);
}
