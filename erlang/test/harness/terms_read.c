/* Terms that are shown in Erlang's notation, read strictly. */
#include "terms.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term_tags.h"

#define DEEPEST 200

typedef struct shower {
    const uint8_t *at, *end;
    bool is_bad;
    unsigned depth;
    term out;
} shower;

static void show(shower *s);

static const uint8_t *take(shower *s, size_t len)
{
    const uint8_t *at = s->at;

    if (s->is_bad || (size_t)(s->end - s->at) < len) {
        s->is_bad = true;
        return NULL;
    }
    s->at += len;
    return at;
}

static uint64_t take_number(shower *s, unsigned len)
{
    const uint8_t *at = take(s, len);
    uint64_t n = 0;

    for (unsigned i = 0; at && i < len; i++)
        n = n << 8 | at[i];
    return n;
}

__attribute__((format(printf, 2, 3))) static void say(shower *s, const char *format, ...)
{
    char text[64];
    va_list args;
    int len;

    va_start(args, format);
    len = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    term_bytes(&s->out, text, (size_t)len);
}

static bool is_text(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (at[i] < 32 || at[i] > 126)
            return false;
    return len > 0;
}

static void show_bytes(shower *s, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++)
        say(s, i > 0 ? ",%d" : "%d", at[i]);
}

static void show_string(shower *s, size_t len)
{
    const uint8_t *at = take(s, len);

    if (!at)
        return;
    if (is_text(at, len)) {
        say(s, "\"");
        term_bytes(&s->out, at, len);
        say(s, "\"");
    } else {
        say(s, "[");
        show_bytes(s, at, len);
        say(s, "]");
    }
}

static void show_binary(shower *s, size_t len)
{
    const uint8_t *at = take(s, len);

    if (!at)
        return;
    if (len > 1000) {
        say(s, "<<%zu bytes>>", len);
    } else if (is_text(at, len)) {
        say(s, "<<\"");
        term_bytes(&s->out, at, len);
        say(s, "\">>");
    } else {
        say(s, "<<");
        show_bytes(s, at, len);
        say(s, ">>");
    }
}

static void show_float(shower *s)
{
    uint64_t bits = take_number(s, 8);
    int decimals, exponent;
    double n;
    char text[40];

    memcpy(&n, &bits, 8);
    if ((bits >> 52 & 0x7ff) == 0x7ff) /* Erlang refuses these */
        s->is_bad = true;
    for (decimals = 0; decimals < 17; decimals++) { /* the fewest that tell it */
        snprintf(text, sizeof text, "%.*e", decimals, n);
        if (strtod(text, NULL) == n)
            break;
    }
    exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10);
    if (exponent > -5 && exponent < 16)
        snprintf(text, sizeof text, "%.*f", decimals > exponent ? decimals - exponent : 1, n);
    say(s, "%s", text);
}

static void show_big(shower *s, size_t len)
{
    const uint8_t *sign = take(s, 1), *at = take(s, len);
    uint64_t n = 0;

    if (!at)
        return;
    for (size_t i = len; i-- > 0 && len <= 8;)
        n = n << 8 | at[i];
    if (len > 8)
        say(s, "big");
    else
        say(s, "%s%" PRIu64, *sign ? "-" : "", n);
}

static void show_elements(shower *s, uint64_t count, const char *open, const char *close)
{
    say(s, "%s", open);
    for (uint64_t i = 0; i < count && !s->is_bad; i++) {
        if (i > 0)
            say(s, ",");
        show(s);
    }
    say(s, "%s", close);
}

/* A list of printable characters is shown as text, whatever its encoding. */
static bool show_as_text(shower *s, uint64_t count)
{
    const uint8_t *at = s->at;
    size_t left = (size_t)(s->end - s->at);

    if (left / 2 < count || left < 2 * count + 1 || at[2 * count] != TAG_NIL)
        return false;
    for (uint64_t i = 0; i < count; i++)
        if (at[2 * i] != TAG_BYTE || at[2 * i + 1] < 32 || at[2 * i + 1] > 126)
            return false;
    say(s, "\"");
    for (uint64_t i = 0; i < count; i++)
        term_bytes(&s->out, at + 2 * i + 1, 1);
    say(s, "\"");
    s->at += 2 * count + 1;
    return true;
}

static void show_list(shower *s)
{
    uint64_t count = take_number(s, 4);

    if (count == 0)
        s->is_bad = true;
    if (show_as_text(s, count))
        return;
    show_elements(s, count, "[", "");
    if (!s->is_bad && s->at < s->end && *s->at == TAG_NIL) {
        s->at++;
    } else {
        say(s, "|");
        show(s);
    }
    say(s, "]");
}

static void show_map(shower *s)
{
    uint64_t count = take_number(s, 4);

    say(s, "#{");
    for (uint64_t i = 0; i < count && !s->is_bad; i++) {
        say(s, i > 0 ? "," : "");
        show(s);
        say(s, "=>");
        show(s);
    }
    say(s, "}");
}

/* Of one to five numbers; `creation` is how long the node's is. */
static void show_reference(shower *s, unsigned creation)
{
    uint64_t count = take_number(s, 2), first, second = 0;
    size_t before = s->out.len;

    show(s); /* the node */
    s->out.len = before;
    take(s, creation);
    first = take_number(s, 4);
    if (count > 1)
        second = take_number(s, 4);
    if (count < 1 || count > 5)
        s->is_bad = true;
    else if (count > 2)
        take(s, 4 * (size_t)(count - 2));
    say(s, "#Ref<%" PRIu64 ">", first | second << 18);
}

static void show_atom(shower *s, size_t len)
{
    const uint8_t *at = take(s, len);

    if (at)
        term_bytes(&s->out, at, len);
}

static void show_tagged(shower *s, uint64_t kind)
{
    switch (kind) {
    case TAG_BYTE:
        say(s, "%d", (int)take_number(s, 1));
        break;
    case TAG_INTEGER:
        say(s, "%" PRId32, (int32_t)take_number(s, 4));
        break;
    case TAG_FLOAT:
        show_float(s);
        break;
    case TAG_BIG:
        show_big(s, take_number(s, 1));
        break;
    case TAG_LARGE_BIG:
        show_big(s, take_number(s, 4));
        break;
    case TAG_ATOM:
    case TAG_ATOM_UTF8:
        show_atom(s, take_number(s, 2));
        break;
    case TAG_SMALL_ATOM:
    case TAG_SMALL_ATOM_UTF8:
        show_atom(s, take_number(s, 1));
        break;
    case TAG_TUPLE:
        show_elements(s, take_number(s, 1), "{", "}");
        break;
    case TAG_LARGE_TUPLE:
        show_elements(s, take_number(s, 4), "{", "}");
        break;
    case TAG_NIL:
        say(s, "[]");
        break;
    case TAG_STRING:
        show_string(s, take_number(s, 2));
        break;
    case TAG_LIST:
        show_list(s);
        break;
    case TAG_BINARY:
        show_binary(s, take_number(s, 4));
        break;
    case TAG_MAP:
        show_map(s);
        break;
    case TAG_NEW_REFERENCE:
        show_reference(s, 4);
        break;
    case TAG_OLD_REFERENCE:
        show_reference(s, 1);
        break;
    default: /* others come from tests only, and are not sent back */
        s->is_bad = true;
    }
}

static void show(shower *s)
{
    uint64_t kind = take_number(s, 1);

    if (s->is_bad || ++s->depth > DEEPEST) {
        s->is_bad = true;
        return;
    }
    show_tagged(s, kind);
    s->depth--;
}

char *term_text(const uint8_t *data, size_t len, size_t *used)
{
    shower s = {.at = data, .end = data + len};

    show(&s);
    if (s.is_bad || (!used && s.at != s.end)) {
        term_free(&s.out);
        return NULL;
    }
    if (used)
        *used = (size_t)(s.at - data);
    term_bytes(&s.out, "", 1);
    return (char *)s.out.data;
}
