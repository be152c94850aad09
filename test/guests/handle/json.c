/* JSON as messages have it: found by going through the text, and taken to be well-formed.
 * Source: RFC 8259. */
#include <stdlib.h>
#include <string.h>

#include "handle.h"

void text_add(text *t, const char *bytes, size_t len)
{
    if (t->len + len + 1 > t->room) {
        size_t room = 2 * (t->len + len + 1);
        char *moved = realloc(t->bytes, room);

        if (!moved)
            __builtin_trap();
        t->bytes = moved;
        t->room = room;
    }
    memcpy(t->bytes + t->len, bytes, len);
    t->len += len;
    t->bytes[t->len] = '\0';
}

void text_put(text *t, const char *s)
{
    text_add(t, s, strlen(s));
}

void text_put_json(text *t, const char *s, size_t len)
{
    static const char hex[] = "0123456789abcdef";

    text_put(t, "\"");
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        char escaped[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

        if (c == '"' || c == '\\')
            text_put(t, "\\");
        if (c < ' ')
            text_add(t, escaped, sizeof escaped);
        else
            text_add(t, s + i, 1);
    }
    text_put(t, "\"");
}

static const char *skip_space(const char *at)
{
    while (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')
        at++;
    return at;
}

/* Behind a string. */
static const char *skip_string(const char *at)
{
    for (at++; *at && *at != '"'; at++)
        at += *at == '\\' && at[1];
    return *at ? at + 1 : at;
}

/* Behind a value. */
static const char *skip_value(const char *at)
{
    int depth = 0;

    for (at = skip_space(at); *at; at++) {
        while (*at == '"')
            at = skip_string(at);
        if (*at == '{' || *at == '[')
            depth++;
        else if (depth && (*at == '}' || *at == ']'))
            depth--;
        else if (!depth && (!*at || *at == ',' || *at == '}' || *at == ']'))
            return at;
        if (!*at)
            break;
    }
    return at;
}

const char *json_first(const char *array)
{
    array = skip_space(array ? array : "");
    if (*array != '[' && *array != '{')
        return NULL;
    array = skip_space(array + 1);
    return *array && *array != ']' && *array != '}' ? array : NULL;
}

const char *json_next(const char *element)
{
    const char *at = skip_value(element);

    return *at == ',' ? skip_space(at + 1) : NULL;
}

bool json_is(const char *value, const char *s)
{
    text t = {0};
    bool is_equal;

    json_text(value, &t);
    is_equal = strcmp(t.bytes, s) == 0;
    free(t.bytes);
    return is_equal;
}

const char *json_member(const char *object, const char *name)
{
    for (const char *at = json_first(object); at && *at == '"'; at = json_next(at)) {
        const char *behind = skip_space(skip_string(at));

        if (*behind == ':' && json_is(at, name))
            return skip_space(behind + 1);
    }
    return NULL;
}

const char *json_tag(const char *tags, const char *name)
{
    for (const char *at = json_first(tags); at; at = json_next(at))
        if (json_is(json_member(at, "name"), name))
            return json_member(at, "value");
    return NULL;
}

/* The four digits of \uXXXX. */
static unsigned read_unit(const char *at)
{
    unsigned n = 0;

    for (int i = 0; i < 4 && at[i] && at[i] != '"'; i++)
        n = n * 16 + (unsigned)(at[i] <= '9' ? at[i] - '0' : (at[i] | 32) - 'a' + 10);
    return n;
}

static void put_utf8(text *out, unsigned c)
{
    char bytes[4];
    int len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (int i = len - 1; i > 0; i--, c >>= 6)
        bytes[i] = (char)(0x80 | (c & 0x3f));
    bytes[0] = (char)(len == 1 ? c : (0xf00u >> len & 0xff) | c);
    text_add(out, bytes, (size_t)len);
}

/* One escape, at the letter behind the backslash.  Returns its last character. */
static const char *put_escape(text *out, const char *at)
{
    static const char letters[] = "b\bf\fn\nr\rt\t";
    const char *found;
    unsigned c;

    if (*at != 'u') {
        for (found = letters; *found && *found != *at; found += 2)
            ;
        text_add(out, *found ? found + 1 : at, 1);
        return at;
    }
    c = read_unit(at + 1);
    at += strnlen(at, 5) - 1;
    if (c >> 10 == 0x36 && at[1] == '\\' && at[2] == 'u') {
        c = 0x10000 + ((c & 0x3ff) << 10) + (read_unit(at + 3) & 0x3ff);
        at += strnlen(at, 7) - 1;
    }
    put_utf8(out, c);
    return at;
}

void json_text(const char *value, text *out)
{
    const char *at = value ? value : "";

    text_add(out, "", 0);
    if (*at != '"') {
        const char *end = skip_value(at);

        while (end > at && end[-1] <= ' ')
            end--;
        text_add(out, at, (size_t)(end - at));
        return;
    }
    for (at++; *at && *at != '"'; at++) {
        if (*at == '\\' && at[1])
            at = put_escape(out, at + 1);
        else
            text_add(out, at, 1);
    }
}
