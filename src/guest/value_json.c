/* Reading JSON: a text becomes a tree of plain structs in one block.
 * A scan counts brackets, commas and colons outside of strings, which bounds depth and number
 * of values before anything is allocated for them, and says how large the block must be. One
 * pass then fills it, without recursion: items wait at the front of the block until their list
 * or map ends, and then move together to the back. Time is linear, but for names: those of a
 * map are sorted, to see whether one is given twice, with no hash that a guest could aim at.
 * It is our own because the libraries at hand do not hold what this one must: with one refused
 * allocation jansson 2.14 drops characters of a text and reports success, and it passes over
 * bytes of 0; json-c 0.16 keeps the last of two equal names without a word.
 * Writing is in value_json_write.c.
 * Source: RFC 8259. */
#include <assert.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "guest/value.h"

/* A list or map that has begun and not ended. */
typedef struct frame {
    size_t node;        /* index of its own node */
    size_t first_child; /* and of those of its items, up to the last node */
    size_t first_name;
    bool is_map;
} frame;

typedef struct reader {
    beamr_bytes text;
    size_t at;
    beamr_json_limits limits;
    /* Nodes: those that wait are before `node_count`, the others from `node_end` on. */
    beamr_json *nodes;
    size_t node_count, node_end;
    beamr_bytes *names; /* likewise */
    size_t name_count, name_end;
    uint8_t *bytes;  /* where the next decoded text goes */
    size_t *name_at; /* where in the text each waiting name is */
    size_t *order;   /* room to sort names */
    frame frames[BEAMR_JSON_DEPTH_MAX];
    size_t depth;
    beamr_error *err;
} reader;

static beamr_status fail_at(const reader *r, size_t at, const char *why)
{
    return beamr_fail(r->err, BEAMR_ARGUMENT, at, "JSON, byte %zu: %s", at, why);
}

static beamr_status fail_end(const reader *r)
{
    return fail_at(r, r->text.len, "it ends too early");
}

/* ---- Counting ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* The place behind the string that begins at `i`. */
static size_t skip_string(beamr_bytes text, size_t i)
{
    for (i++; i < text.len && text.data[i] != '"'; i++)
        i += text.data[i] == '\\';
    return i < text.len ? i + 1 : text.len;
}

/* Set node_end and name_end to the numbers of values and names. In a text that is no JSON they
 * mean little, but bound as well. */
static beamr_status scan(reader *r)
{
    beamr_bytes text = r->text;
    size_t values = 1, names = 0, depth = 0;
    uint8_t before = 0; /* the last byte that is no space */

    for (size_t i = 0; i < text.len;) {
        uint8_t c = text.data[i];
        bool opens = c == '[' || c == '{', closes = c == ']' || c == '}';

        if (opens && ++depth > r->limits.max_depth)
            return beamr_fail(r->err, BEAMR_LIMIT, i,
                              "JSON, byte %zu: more than %zu lists and maps in each other", i,
                              r->limits.max_depth);
        depth -= closes && depth > 0;
        values += opens || c == ',';
        values -= (c == ']' && before == '[') || (c == '}' && before == '{'); /* empty */
        names += c == ':';
        if (values > r->limits.max_values)
            return beamr_fail(r->err, BEAMR_LIMIT, i, "JSON, byte %zu: more than %zu values", i,
                              r->limits.max_values);
        if (!is_space(c))
            before = c;
        i = c == '"' ? skip_string(text, i) : i + 1;
    }
    r->node_end = values;
    r->name_end = names;
    return BEAMR_OK;
}

/* ---- Scalars ---- */

/* The next byte; 0, which is nowhere JSON, at the end. */
static uint8_t peek(const reader *r)
{
    return r->at < r->text.len ? r->text.data[r->at] : 0;
}

static uint8_t peek_word(reader *r)
{
    while (is_space(peek(r)))
        r->at++;
    return peek(r);
}

static beamr_status fail_here(const reader *r, const char *why)
{
    return r->at < r->text.len ? fail_at(r, r->at, why) : fail_end(r);
}

/* A node for one more value.  NULL when the scan did not see that many, as in no JSON. */
static beamr_json *push_node(reader *r, beamr_json_kind kind)
{
    beamr_json *node = &r->nodes[r->node_count];

    if (r->node_count == r->node_end)
        return NULL;
    r->node_count++;
    *node = (beamr_json){.kind = kind};
    return node;
}

static beamr_status read_literal(reader *r, const char *word, beamr_json_kind kind,
                                 bool boolean)
{
    size_t len = strlen(word);
    beamr_json *node;

    if (r->text.len - r->at < len || memcmp(r->text.data + r->at, word, len) != 0)
        return fail_at(r, r->at, "neither true, false nor null");
    if (!(node = push_node(r, kind)))
        return fail_at(r, r->at, "a value too many");
    node->boolean = boolean;
    r->at += len;
    return BEAMR_OK;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static beamr_status skip_digits(reader *r)
{
    if (!is_digit(peek(r)))
        return fail_here(r, "a digit is missing");
    while (is_digit(peek(r)))
        r->at++;
    return BEAMR_OK;
}

/* Step over a number.  *is_integer: it has neither fraction nor exponent. */
static beamr_status skip_number(reader *r, bool *is_integer)
{
    beamr_status st = BEAMR_OK;

    *is_integer = true;
    r->at += peek(r) == '-';
    if (peek(r) == '0')
        r->at++;
    else
        st = skip_digits(r);
    if (st == BEAMR_OK && peek(r) == '.') {
        *is_integer = false;
        r->at++;
        st = skip_digits(r);
    }
    if (st == BEAMR_OK && (peek(r) == 'e' || peek(r) == 'E')) {
        *is_integer = false;
        r->at++;
        r->at += peek(r) == '-' || peek(r) == '+';
        st = skip_digits(r);
    }
    return st;
}

static bool integer_of(const uint8_t *p, const uint8_t *end, int64_t *out)
{
    bool is_negative = *p == '-';
    uint64_t max = (uint64_t)INT64_MAX + is_negative, n = 0;

    for (p += is_negative; p < end; p++) {
        unsigned digit = (unsigned)(*p - '0');

        if (n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = (int64_t)(is_negative ? -n : n);
    return true;
}

static beamr_status read_number(reader *r)
{
    size_t from = r->at, len;
    bool is_integer;
    beamr_json *node;
    beamr_status st;

    if ((st = skip_number(r, &is_integer)) != BEAMR_OK)
        return st;
    if (!(node = push_node(r, is_integer ? BEAMR_JSON_INTEGER : BEAMR_JSON_FLOAT)))
        return fail_at(r, from, "a value too many");
    len = r->at - from;
    if (is_integer)
        return integer_of(r->text.data + from, r->text.data + r->at, &node->integer)
                   ? BEAMR_OK
                   : fail_at(r, from, "an integer of more than 64 bits");
    memcpy(r->bytes, r->text.data + from, len); /* only to put a NUL behind it */
    r->bytes[len] = 0;
    node->number = strtod((const char *)r->bytes, NULL);
    return isfinite(node->number) ? BEAMR_OK : fail_at(r, from, "a number is too large");
}

/* ---- Text ---- */

/* Four hexadecimal digits.  Returns false if they are none. */
static bool read_unit(reader *r, uint32_t *out)
{
    uint32_t n = 0;

    for (int i = 0; i < 4; i++) {
        int digit = guest_hex_digit(peek(r));

        if (digit < 0)
            return false;
        n = n << 4 | (uint32_t)digit;
        r->at++;
    }
    *out = n;
    return true;
}

/* What stands behind \u: one unit, or a pair. */
static beamr_status read_unicode(reader *r, uint8_t **out)
{
    size_t from = r->at - 2;
    uint32_t c, low = 0;

    if (!read_unit(r, &c))
        return fail_here(r, "four hexadecimal digits are missing");
    if (c >= 0xd800 && c < 0xdc00 && peek(r) == '\\') {
        r->at++;
        if (peek(r) == 'u') {
            r->at++;
            if (!read_unit(r, &low))
                return fail_here(r, "four hexadecimal digits are missing");
        }
        if (low >= 0xdc00 && low < 0xe000)
            c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    if (c >= 0xd800 && c < 0xe000)
        return fail_at(r, from, "half of a surrogate pair");
    *out = guest_utf8_put(*out, c);
    return BEAMR_OK;
}

static beamr_status read_escape(reader *r, uint8_t **out)
{
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    uint8_t c;
    const char *letter;

    r->at++;
    c = peek(r);
    if (c == 'u') {
        r->at++;
        return read_unicode(r, out);
    }
    letter = c ? strchr(letters, c) : NULL;
    if (!letter)
        return fail_here(r, "no such escape");
    *(*out)++ = (uint8_t)meanings[letter - letters];
    r->at++;
    return BEAMR_OK;
}

/* Decode a string, and put a NUL behind it. What is written is never longer than what was read:
 * the NUL takes the place of a quote. */
static beamr_status read_text(reader *r, beamr_bytes *out)
{
    size_t from = ++r->at;
    uint8_t *end = r->bytes;
    beamr_status st;

    while (peek(r) != '"') {
        uint8_t c = peek(r);

        if (c < 0x20)
            return fail_here(r, "a control character in a text");
        if (c != '\\') {
            *end++ = c;
            r->at++;
        } else if ((st = read_escape(r, &end)) != BEAMR_OK) {
            return st;
        }
    }
    if (!utf8_is_valid((beamr_bytes){r->text.data + from, r->at - from}))
        return fail_at(r, from, "a text that is not UTF-8");
    r->at++;
    *out = (beamr_bytes){r->bytes, (size_t)(end - r->bytes)};
    *end++ = 0;
    r->bytes = end;
    return BEAMR_OK;
}

static beamr_status read_string(reader *r)
{
    beamr_json *node = push_node(r, BEAMR_JSON_TEXT);

    return node ? read_text(r, &node->text) : fail_at(r, r->at, "a value too many");
}

/* ---- Names ---- */

/* A name and the colon behind it. */
static beamr_status read_name(reader *r)
{
    size_t at = r->at;
    beamr_bytes name;
    beamr_status st;

    if (peek(r) != '"')
        return fail_here(r, "no name begins here");
    if ((st = read_text(r, &name)) != BEAMR_OK)
        return st;
    if (peek_word(r) != ':')
        return fail_here(r, "a colon is missing");
    if (r->name_count == r->name_end)
        return fail_here(r, "a name too many");
    r->at++;
    r->name_at[r->name_count] = at;
    r->names[r->name_count++] = name;
    return BEAMR_OK;
}

static int compare(beamr_bytes a, beamr_bytes b)
{
    int sign = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return sign ? sign : (a.len > b.len) - (a.len < b.len);
}

/* Let what is at `i` sink in the heap of `count`, whose greatest is first. */
static void sink(size_t *heap, size_t count, size_t i, const beamr_bytes *names)
{
    size_t child, moving = heap[i];

    while ((child = 2 * i + 1) < count) {
        if (child + 1 < count && compare(names[heap[child]], names[heap[child + 1]]) < 0)
            child++;
        if (compare(names[moving], names[heap[child]]) >= 0)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moving;
}

/* The names from `first` on differ; by heapsort, whose time no input can stretch. */
static beamr_status check_names(const reader *r, size_t first)
{
    size_t count = r->name_count - first, *heap = r->order;
    const beamr_bytes *names = r->names + first;

    for (size_t i = 0; i < count; i++)
        heap[i] = i;
    for (size_t i = count / 2; i-- > 0;)
        sink(heap, count, i, names);
    for (size_t left = count; left > 1; left--) {
        size_t greatest = heap[0], twin;

        heap[0] = heap[left - 1];
        sink(heap, left - 1, 0, names);
        twin = heap[0];
        if (compare(names[greatest], names[twin]) == 0)
            return fail_at(r, r->name_at[first + (greatest > twin ? greatest : twin)],
                           "a name is given twice in a map");
    }
    return BEAMR_OK;
}

/* ---- Lists and maps ---- */

static beamr_status open_container(reader *r, bool is_map)
{
    assert(r->depth < BEAMR_JSON_DEPTH_MAX); /* the scan went the same way */
    if (!push_node(r, is_map ? BEAMR_JSON_MAP : BEAMR_JSON_LIST))
        return fail_at(r, r->at, "a value too many");
    r->frames[r->depth++] = (frame){r->node_count - 1, r->node_count, r->name_count, is_map};
    r->at++;
    return BEAMR_OK;
}

/* Move the items, all in a row, to where they stay. */
static beamr_status close_container(reader *r)
{
    const frame *f = &r->frames[--r->depth];
    beamr_json *node = &r->nodes[f->node];
    size_t count = r->node_count - f->first_child;
    beamr_status st;

    r->at++;
    if (f->is_map && (st = check_names(r, f->first_name)) != BEAMR_OK)
        return st;
    node->count = count;
    r->node_count = f->first_child;
    r->node_end -= count;
    node->items = r->nodes + r->node_end;
    memmove(r->nodes + r->node_end, r->nodes + f->first_child, count * sizeof *r->nodes);
    if (!f->is_map)
        return BEAMR_OK;
    r->name_count = f->first_name;
    r->name_end -= count;
    node->keys = r->names + r->name_end;
    memmove(r->names + r->name_end, r->names + f->first_name, count * sizeof *r->names);
    return BEAMR_OK;
}

static beamr_status read_value(reader *r)
{
    uint8_t c = peek_word(r);

    switch (c) {
    case '{':
    case '[':
        return open_container(r, c == '{');
    case '"':
        return read_string(r);
    case 't':
        return read_literal(r, "true", BEAMR_JSON_BOOLEAN, true);
    case 'f':
        return read_literal(r, "false", BEAMR_JSON_BOOLEAN, false);
    case 'n':
        return read_literal(r, "null", BEAMR_JSON_NULL, false);
    default:
        return c == '-' || is_digit(c) ? read_number(r) : fail_here(r, "no value begins here");
    }
}

/* The next item of the innermost list or map, or its end. */
static beamr_status read_item(reader *r)
{
    const frame *f = &r->frames[r->depth - 1];
    uint8_t c = peek_word(r);
    beamr_status st;

    if (c == (f->is_map ? '}' : ']'))
        return close_container(r);
    if (r->node_count > f->first_child) {
        if (c != ',')
            return fail_here(r, "neither a comma nor the end of the list or map");
        r->at++;
        (void)peek_word(r);
    }
    if (f->is_map && (st = read_name(r)) != BEAMR_OK)
        return st;
    return read_value(r);
}

static beamr_status read_all(reader *r)
{
    beamr_status st = read_value(r);

    while (st == BEAMR_OK && r->depth > 0)
        st = read_item(r);
    if (st == BEAMR_OK && (peek_word(r) || r->at < r->text.len))
        st = fail_at(r, r->at, "something follows the value");
    return st;
}

/* ---- The whole ---- */

/* The block: nodes, names, and the bytes of texts, no more than `text` has. Beside it, what is
 * only needed meanwhile. */
static beamr_status take_memory(reader *r)
{
    size_t values = r->node_end, names = r->name_end;

    r->nodes = malloc(values * sizeof *r->nodes + names * sizeof *r->names + r->text.len + 1);
    r->name_at = malloc(names * 2 * sizeof *r->name_at + 1);
    if (!r->nodes || !r->name_at)
        return beamr_fail(r->err, BEAMR_NO_MEMORY, 0, "no memory for %zu JSON values", values);
    r->names = (beamr_bytes *)(void *)(r->nodes + values);
    r->bytes = (uint8_t *)(r->names + names);
    r->order = r->name_at + names;
    return BEAMR_OK;
}

beamr_status beamr_json_read(beamr_bytes text, const beamr_json_limits *limits,
                             BEAMR_OWN beamr_json **out, beamr_error *err)
{
    reader r = {.text = text, .limits = BEAMR_JSON_LIMITS_DEFAULT, .err = err};
    locale_t plain, before;
    beamr_status st;

    if (limits)
        r.limits = *limits;
    if (r.limits.max_depth > BEAMR_JSON_DEPTH_MAX)
        r.limits.max_depth = BEAMR_JSON_DEPTH_MAX;
    if (text.len > r.limits.max_bytes)
        return beamr_fail(err, BEAMR_LIMIT, 0, "JSON of %zu bytes, and the limit is %zu",
                          text.len, r.limits.max_bytes);
    if ((st = scan(&r)) == BEAMR_OK && (st = take_memory(&r)) == BEAMR_OK) {
        plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* takes no memory */
        before = uselocale(plain);
        st = read_all(&r);
        uselocale(before);
        freelocale(plain);
    }
    free(r.name_at);
    if (st != BEAMR_OK)
        free(r.nodes);
    else
        *out = r.nodes; /* the first node is the value */
    return st;
}

void beamr_json_free(beamr_json *json)
{
    free(json);
}

const beamr_json *beamr_json_find(const beamr_json *json, const char *name)
{
    beamr_bytes wanted = beamr_bytes_of(name);

    if (!json || json->kind != BEAMR_JSON_MAP)
        return NULL;
    for (size_t i = 0; i < json->count; i++)
        if (compare(json->keys[i], wanted) == 0)
            return &json->items[i];
    return NULL;
}
