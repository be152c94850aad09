/* A small language: statements between line ends and semicolons, which compute as they are
 * read. Variables stay from one evaluation to the next.
 *
 *   statement = [ "return" ] joined | name "=" joined
 *   joined    = sum { ".." sum }
 *   sum       = product { ("+" | "-") product }
 *   product   = signed { ("*" | "/" | "%") signed }
 *   signed    = "-" signed | "(" joined ")" | number | text | name | name "(" [ args ] ")"
 *   args      = joined { "," joined }
 *
 * Values are numbers, texts, and nil, which a variable is that was never set. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "handle.h"

enum { DEPTH_MAX = 100, NAME_MAX = 32, ARGS_MAX = 4 };

typedef struct variable {
    struct variable *next;
    char name[NAME_MAX];
    value value; /* its bytes belong to the variable */
} variable;

/* Texts that an evaluation makes. */
typedef struct temporary {
    struct temporary *next;
    char bytes[];
} temporary;

jmp_buf failed;
text failure;
static variable *variables;
static temporary *temporaries;
static const char *at; /* what comes next */
static int depth;

static value joined(void);

void fail(const char *format, const char *name)
{
    char line[200];

    failure.len = 0;
    snprintf(line, sizeof line, format, name);
    text_put(&failure, line);
    longjmp(failed, 1);
}

/* ---- Values ---- */

value number_value(double x)
{
    return (value){.kind = NUMBER, .number = x};
}

value text_value(const char *bytes, size_t len)
{
    temporary *made = malloc(sizeof *made + len + 1);

    if (!made)
        fail("not enough memory", "");
    memcpy(made->bytes, bytes, len);
    made->bytes[len] = '\0';
    made->next = temporaries;
    temporaries = made;
    return (value){.kind = TEXT, .bytes = made->bytes, .len = len};
}

value as_text(value v)
{
    char digits[40];
    int len;

    if (v.kind == TEXT)
        return v;
    if (v.kind == NIL)
        return text_value("nil", 3);
    if (v.number == floor(v.number) && fabs(v.number) < 0x1p53)
        len = snprintf(digits, sizeof digits, "%lld", (long long)v.number);
    else
        len = snprintf(digits, sizeof digits, "%.14g", v.number);
    return text_value(digits, (size_t)len);
}

void evaluate_end(void)
{
    while (temporaries) {
        temporary *t = temporaries;

        temporaries = t->next;
        free(t);
    }
}

static double as_number(value v)
{
    if (v.kind != NUMBER)
        fail("arithmetic on %s", v.kind == NIL ? "nil" : "a text");
    return v.number;
}

/* ---- Variables ---- */

static variable *find(const char *name)
{
    variable *v = variables;

    while (v && strcmp(v->name, name) != 0)
        v = v->next;
    return v;
}

static void assign(const char *name, value new)
{
    variable *v = find(name);
    char *kept = NULL;

    if (new.kind == TEXT) {
        kept = malloc(new.len + 1);
        if (!kept)
            fail("not enough memory", "");
        memcpy(kept, new.bytes, new.len + 1);
        new.bytes = kept;
    }
    if (!v) {
        v = calloc(1, sizeof *v);
        if (!v)
            fail("not enough memory", "");
        snprintf(v->name, sizeof v->name, "%s", name);
        v->next = variables;
        variables = v;
    }
    if (v->value.kind == TEXT)
        free((void *)(uintptr_t)v->value.bytes);
    v->value = new;
}

/* ---- Reading ---- */

static void skip_space(void)
{
    while (*at == ' ' || *at == '\t' || *at == '\r')
        at++;
}

static bool accept(const char *word)
{
    size_t len = strlen(word);

    skip_space();
    if (strncmp(at, word, len) != 0)
        return false;
    at += len;
    return true;
}

static void expect(const char *word)
{
    if (!accept(word))
        fail("expected '%s'", word);
}

static void read_name(char *name)
{
    size_t len = 0;

    while (isalnum((unsigned char)*at) || *at == '_') {
        if (len == NAME_MAX - 1)
            fail("a name is too long", "");
        name[len++] = *at++;
    }
    name[len] = '\0';
}

/* In quotes of either kind; a backslash stands before n and what would end it. */
static value read_text(void)
{
    char quote = *at++;
    text t = {0};
    value v;

    text_add(&t, "", 0);
    for (; *at && *at != quote; at++) {
        bool is_escaped = *at == '\\' && at[1];

        at += is_escaped;
        text_add(&t, is_escaped && *at == 'n' ? "\n" : at, 1);
    }
    v = text_value(t.bytes, t.len);
    free(t.bytes);
    if (!*at)
        fail("unfinished text", "");
    at++;
    return v;
}

static value call(const char *name)
{
    value args[ARGS_MAX], result = {0};
    int count = 0;

    if (!accept(")")) {
        do {
            if (count == ARGS_MAX)
                fail("too many arguments of '%s'", name);
            args[count++] = joined();
        } while (accept(","));
        expect(")");
    }
    if (!call_function(name, args, count, &result))
        fail("no function '%s'", name);
    return result;
}

/* All that recurses passes here. */
static value signed_value(void)
{
    char name[NAME_MAX], *end;
    value v = {0};

    if (++depth > DEPTH_MAX)
        fail("nested too deeply", "");
    skip_space();
    if (accept("-")) {
        v = number_value(-as_number(signed_value()));
    } else if (accept("(")) {
        v = joined();
        expect(")");
    } else if (isdigit((unsigned char)*at) || *at == '.') {
        v = number_value(strtod(at, &end));
        if (end == at)
            fail("expected a number", "");
        at = end;
    } else if (*at == '"' || *at == '\'') {
        v = read_text();
    } else if (isalpha((unsigned char)*at) || *at == '_') {
        read_name(name);
        if (accept("("))
            v = call(name);
        else if (find(name))
            v = find(name)->value;
    } else {
        fail("expected a value", "");
    }
    depth--;
    return v;
}

static value product(void)
{
    value v = signed_value();

    for (;;) {
        if (accept("*"))
            v = number_value(as_number(v) * as_number(signed_value()));
        else if (accept("/"))
            v = number_value(as_number(v) / as_number(signed_value()));
        else if (accept("%"))
            v = number_value(fmod(as_number(v), as_number(signed_value())));
        else
            return v;
    }
}

static value sum(void)
{
    value v = product();

    for (;;) {
        if (accept("+"))
            v = number_value(as_number(v) + as_number(product()));
        else if (accept("-"))
            v = number_value(as_number(v) - as_number(product()));
        else
            return v;
    }
}

static value joined(void)
{
    value v = sum();

    while (accept("..")) {
        value a = as_text(v), b = as_text(sum());
        text t = {0};

        text_add(&t, a.bytes, a.len);
        text_add(&t, b.bytes, b.len);
        v = text_value(t.bytes, t.len);
        free(t.bytes);
    }
    return v;
}

/* NAME = value; false, and nothing is read, if it is none. */
static bool assignment(void)
{
    const char *start = at;
    char name[NAME_MAX];

    if (isalpha((unsigned char)*at) || *at == '_') {
        read_name(name);
        skip_space();
        if (*at == '=') {
            at++;
            assign(name, joined());
            return true;
        }
    }
    at = start;
    return false;
}

value evaluate(const char *program)
{
    value v = {0};

    depth = 0;
    at = program;
    for (;;) {
        skip_space();
        if (!*at)
            return v;
        if (*at == '\n' || *at == ';') {
            at++;
            continue;
        }
        if (strncmp(at, "return ", 7) == 0) {
            at += 7;
            return joined();
        }
        if (!assignment())
            v = joined();
        skip_space();
        if (*at && *at != '\n' && *at != ';')
            fail("unexpected '%s'", at);
    }
}
