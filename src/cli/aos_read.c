/* Expressions out of lines: cli/aos.h.
 * A line is an expression unless something in it is still open: a bracket, a block, a string in
 * long brackets or a comment of Lua's, or a backslash at its end. For programs of other
 * languages brackets and the backslash do the same, and nothing is ever held back for long: the
 * end of the input ends an expression too.
 * Source: Lua 5.3 reference manual, "Lexical Conventions". */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cli/aos.h"

/* ---- Lines ---- */

bool aos_text_add(aos_text *text, const char *line, size_t len)
{
    while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    if (text->capacity - text->len < len + 2) {
        size_t capacity = (text->len + len + 2) * 2;
        char *data = realloc(text->data, capacity);

        if (!data)
            return false;
        text->data = data;
        text->capacity = capacity;
    }
    if (text->len && text->data[text->len - 1] == '\\')
        text->len--;
    if (text->len)
        text->data[text->len++] = '\n';
    if (len)
        memcpy(text->data + text->len, line, len);
    text->len += len;
    text->data[text->len] = 0;
    return true;
}

void aos_text_clear(aos_text *text)
{
    free(text->data);
    *text = (aos_text){0};
}

void aos_text_reset(aos_text *text)
{
    text->len = 0;
    if (text->data)
        text->data[0] = 0;
    text->scan = (struct aos_scan){0};
}

bool aos_text_is_blank(const aos_text *text)
{
    return strspn(text->data ? text->data : "", " \t\n\v\f\r") == text->len;
}

/* ---- What is open ---- */

/* A pass over the lines that were not looked at; goes on where the last one ended. */
typedef struct scan {
    const char *at, *end;
    struct aos_scan *open;
} scan;

/* Behind `[`, `=`, `[`; NULL when they are none.  level: how many `=` */
static const char *long_start(const scan *s, const char *at, size_t *level)
{
    *level = 0;
    if (at >= s->end || *at++ != '[')
        return NULL;
    while (at < s->end && *at == '=')
        at++, (*level)++;
    return at < s->end && *at == '[' ? at + 1 : NULL;
}

/* Go behind the `]`, `=`, `]` that ends what is open. */
static void long_end(scan *s)
{
    while (s->at < s->end && s->open->is_long) {
        size_t n = 0;

        if (*s->at++ != ']')
            continue;
        while (s->at + n < s->end && s->at[n] == '=')
            n++;
        s->open->is_long = !(n == s->open->level && s->at + n < s->end && s->at[n] == ']');
        s->at += n + !s->open->is_long; /* the next `]` may begin an end */
    }
}

static void long_begin(scan *s, const char *inside, size_t level)
{
    s->at = inside;
    s->open->is_long = true;
    s->open->level = level;
}

static void skip_comment(scan *s)
{
    size_t level;
    const char *inside = long_start(s, s->at + 2, &level);

    if (inside) {
        long_begin(s, inside, level);
        return;
    }
    while (s->at < s->end && *s->at != '\n')
        s->at++;
}

/* A string ends with its line. */
static void skip_string(scan *s)
{
    char quote = *s->at++;

    while (s->at < s->end && *s->at != quote && *s->at != '\n')
        s->at += *s->at == '\\' && s->at + 1 < s->end ? 2 : 1;
    s->at += s->at < s->end;
}

static void skip_word(scan *s)
{
    static const struct {
        const char *word;
        long change;
    } words[] = {{"do", 1}, {"end", -1},   {"function", 1},
                 {"if", 1}, {"repeat", 1}, {"until", -1}};
    const char *begin = s->at;
    size_t len;

    while (s->at < s->end && (isalnum((unsigned char)*s->at) || *s->at == '_'))
        s->at++;
    len = (size_t)(s->at - begin);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strlen(words[i].word) == len && memcmp(words[i].word, begin, len) == 0)
            s->open->blocks += words[i].change;
    }
}

static void skip_sign(scan *s)
{
    size_t level;
    const char *inside = long_start(s, s->at, &level);
    char c = *s->at;

    if (inside) {
        long_begin(s, inside, level);
        return;
    }
    s->open->brackets += c == '(' || c == '[' || c == '{';
    s->open->brackets -= c == ')' || c == ']' || c == '}';
    s->at++;
}

bool aos_text_is_whole(aos_text *text)
{
    scan s = {
        .at = text->data + text->scan.at, .end = text->data + text->len, .open = &text->scan};

    if (text->len && text->data[text->len - 1] == '\\')
        return false;
    while (s.at < s.end) {
        if (s.open->is_long)
            long_end(&s);
        else if (s.end - s.at >= 2 && s.at[0] == '-' && s.at[1] == '-')
            skip_comment(&s);
        else if (*s.at == '"' || *s.at == '\'')
            skip_string(&s);
        else if (isalpha((unsigned char)*s.at) || *s.at == '_')
            skip_word(&s);
        else
            skip_sign(&s);
    }
    text->scan.at = text->len;
    return !s.open->is_long && s.open->brackets <= 0 && s.open->blocks <= 0;
}

/* ---- Standard input ---- */

static void send(aos *process, aos_text *text)
{
    if (!aos_text_is_blank(text))
        aos_send(process, (beamr_bytes){(const uint8_t *)text->data, text->len});
    aos_text_reset(text);
}

void aos_read_all(aos *process)
{
    aos_text text = {0};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;

    while ((len = getline(&line, &capacity, stdin)) >= 0) {
        if (!aos_text_add(&text, line, (size_t)len)) {
            (void)fprintf(stderr, "%s: no memory for a line\n", process->opt->command);
            aos_note(process, CLI_HOST_FAILED);
            break;
        }
        if (aos_text_is_whole(&text))
            send(process, &text);
    }
    send(process, &text);
    free(line);
    aos_text_clear(&text);
}
