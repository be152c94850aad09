/* Terms that are written: a notation is read, and encoded. */
#include "terms.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "term_tags.h"

/* ---- Writing ---- */

void term_free(term *t)
{
    free(t->data);
    *t = (term){0};
}

void term_bytes(term *t, const void *data, size_t len)
{
    if (t->room - t->len < len) {
        t->room = (t->room + len) * 2 + 32;
        t->data = realloc(t->data, t->room);
        assert(t->data);
    }
    if (len > 0)
        memcpy(t->data + t->len, data, len);
    t->len += len;
}

void term_number(term *t, uint64_t n, unsigned len)
{
    uint8_t bytes[8];

    for (unsigned i = 0; i < len; i++)
        bytes[i] = (uint8_t)(n >> (8 * (len - 1 - i)));
    term_bytes(t, bytes, len);
}

static void tag(term *t, uint8_t value)
{
    term_bytes(t, &value, 1);
}

static void term_big(term *t, bool is_negative, uint64_t magnitude)
{
    unsigned len = 0;

    while (len < 8 && magnitude >> (8 * len))
        len++;
    tag(t, TAG_BIG);
    tag(t, (uint8_t)len);
    tag(t, is_negative);
    for (unsigned i = 0; i < len; i++)
        tag(t, (uint8_t)(magnitude >> (8 * i)));
}

void term_int(term *t, int64_t n)
{
    if (n >= 0 && n <= 255) {
        tag(t, TAG_BYTE);
        tag(t, (uint8_t)n);
    } else if (n >= INT32_MIN && n <= INT32_MAX) {
        tag(t, TAG_INTEGER);
        term_number(t, (uint64_t)n, 4);
    } else {
        term_big(t, n < 0, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
    }
}

void term_uint(term *t, uint64_t n)
{
    if (n <= INT64_MAX)
        term_int(t, (int64_t)n);
    else
        term_big(t, false, n);
}

void term_float(term *t, double n)
{
    uint64_t bits;

    memcpy(&bits, &n, 8);
    tag(t, TAG_FLOAT);
    term_number(t, bits, 8);
}

static void atom_of(term *t, const char *name, size_t len)
{
    tag(t, TAG_SMALL_ATOM_UTF8);
    tag(t, (uint8_t)len);
    term_bytes(t, name, len);
}

void term_atom(term *t, const char *name)
{
    atom_of(t, name, strlen(name));
}

void term_binary(term *t, const void *data, size_t len)
{
    tag(t, TAG_BINARY);
    term_number(t, len, 4);
    term_bytes(t, data, len);
}

static void term_string(term *t, const char *text)
{
    size_t len = strlen(text);

    tag(t, len > 0 ? TAG_STRING : TAG_NIL);
    if (len > 0)
        term_number(t, len, 2);
    term_bytes(t, text, len);
}

void term_ref(term *t, uint64_t n)
{
    tag(t, TAG_NEW_REFERENCE);
    term_number(t, 3, 2);
    atom_of(t, "node@host", 9);
    term_number(t, 7, 4);
    term_number(t, n & 0x3ffff, 4);
    term_number(t, n >> 18, 4);
    term_number(t, 5, 4);
}

/* ---- The notation ---- */

/* Arguments in a struct, so that they can be passed on by address. */
typedef struct notation {
    const char *at;
    va_list args;
} notation;

static void write_term(notation *n, term *t);

static void skip_spaces(notation *n)
{
    while (isspace((unsigned char)*n->at))
        n->at++;
}

static bool accept(notation *n, const char *text)
{
    skip_spaces(n);
    if (strncmp(n->at, text, strlen(text)) != 0)
        return false;
    n->at += strlen(text);
    return true;
}

static void write_argument(notation *n, term *t)
{
    const uint8_t *bytes;
    const term *other;

    switch (*n->at++) {
    case 'd':
        term_int(t, va_arg(n->args, int));
        break;
    case 'q':
        term_int(t, va_arg(n->args, int64_t));
        break;
    case 'u':
        term_uint(t, va_arg(n->args, uint64_t));
        break;
    case 'f':
        term_float(t, va_arg(n->args, double));
        break;
    case 'r':
        term_ref(t, va_arg(n->args, uint64_t));
        break;
    case 'a':
        term_atom(t, va_arg(n->args, const char *));
        break;
    case 's':
        term_string(t, va_arg(n->args, const char *));
        break;
    case 'n':
        bytes = va_arg(n->args, const uint8_t *);
        term_binary(t, bytes, strlen((const char *)bytes));
        break;
    case 'b':
        bytes = va_arg(n->args, const uint8_t *);
        term_binary(t, bytes, va_arg(n->args, size_t));
        break;
    default:
        assert(n->at[-1] == 't');
        other = va_arg(n->args, const term *);
        term_bytes(t, other->data + 1, other->len - 1);
    }
}

/* Elements up to `close`.  Returns their number. */
static uint32_t write_elements(notation *n, term *t, const char *close)
{
    uint32_t count = 0;

    if (accept(n, close))
        return 0;
    do {
        write_term(n, t);
        count++;
        if (accept(n, "=>"))
            write_term(n, t);
    } while (accept(n, ","));
    if (*n->at != '|' || *close != ']') {
        bool is_closed = accept(n, close);

        assert(is_closed);
        (void)is_closed;
    }
    return count;
}

/* All of them integers 0 to 255? */
static bool is_bytes(const term *elements, uint32_t count)
{
    if (count == 0 || count > UINT16_MAX || elements->len != 2 * (size_t)count)
        return false;
    for (size_t i = 0; i < elements->len; i += 2)
        if (elements->data[i] != TAG_BYTE)
            return false;
    return true;
}

static void write_list(notation *n, term *t)
{
    term elements = {0};
    uint32_t count = write_elements(n, &elements, "]");
    bool is_improper = count > 0 && accept(n, "|");

    if (!is_improper && is_bytes(&elements, count)) {
        tag(t, TAG_STRING);
        term_number(t, count, 2);
        for (size_t i = 1; i < elements.len; i += 2)
            tag(t, elements.data[i]);
    } else {
        if (count > 0) {
            tag(t, TAG_LIST);
            term_number(t, count, 4);
            term_bytes(t, elements.data, elements.len);
        }
        if (is_improper) {
            write_term(n, t);
            accept(n, "]");
        } else {
            tag(t, TAG_NIL);
        }
    }
    term_free(&elements);
}

static void write_compound(notation *n, term *t, uint8_t kind)
{
    term elements = {0};
    uint32_t count = write_elements(n, &elements, "}");

    tag(t, kind);
    term_number(t, count, kind == TAG_MAP ? 4 : 1);
    term_bytes(t, elements.data, elements.len);
    term_free(&elements);
}

static void write_quoted(notation *n, term *t, bool is_binary)
{
    const char *end = strchr(n->at, '"');
    char *text;

    assert(end);
    text = strndup(n->at, (size_t)(end - n->at));
    n->at = end + 1;
    if (is_binary)
        term_binary(t, text, strlen(text));
    else
        term_string(t, text);
    free(text);
}

static void write_numeral(notation *n, term *t)
{
    size_t len = strspn(n->at, "-+0123456789.e");
    char *end = NULL;

    if (memchr(n->at, '.', len))
        term_float(t, strtod(n->at, &end));
    else if (*n->at == '-')
        term_int(t, strtoll(n->at, &end, 10));
    else
        term_uint(t, strtoull(n->at, &end, 10));
    n->at = end;
}

static void write_term(notation *n, term *t)
{
    size_t len;

    skip_spaces(n);
    if (accept(n, "%")) {
        write_argument(n, t);
    } else if (accept(n, "#{")) {
        write_compound(n, t, TAG_MAP);
    } else if (accept(n, "{")) {
        write_compound(n, t, TAG_TUPLE);
    } else if (accept(n, "[")) {
        write_list(n, t);
    } else if (accept(n, "<<>>")) {
        term_binary(t, NULL, 0);
    } else if (accept(n, "<<\"")) {
        write_quoted(n, t, true);
        accept(n, ">>");
    } else if (accept(n, "\"")) {
        write_quoted(n, t, false);
    } else if (islower((unsigned char)*n->at)) {
        for (len = 0; isalnum((unsigned char)n->at[len]) || n->at[len] == '_'; len++)
            ;
        atom_of(t, n->at, len);
        n->at += len;
    } else {
        assert(*n->at == '-' || isdigit((unsigned char)*n->at));
        write_numeral(n, t);
    }
}

term term_of_list(const char *text, va_list args)
{
    notation n = {.at = text};
    term t = {0};

    va_copy(n.args, args);
    tag(&t, TAG_VERSION);
    write_term(&n, &t);
    assert(*n.at == '\0');
    va_end(n.args);
    return t;
}

term term_of(const char *text, ...)
{
    va_list args;
    term t;

    va_start(args, text);
    t = term_of_list(text, args);
    va_end(args);
    return t;
}
