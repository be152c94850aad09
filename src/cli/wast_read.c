/* Reads the suite's text form into a tree: lists, words and strings, without knowing what they
 * mean. Never recursive: the open lists are kept in an array.
 * Source: WebAssembly 3.0, "Lexical Format". Read on in wast_value.c and wast.c. */
#include <inttypes.h>

#include "base/utf8.h"
#include "cli/wast.h"

typedef struct reader {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    const uint8_t *line_start;
    uint32_t line;
    arena *arena;
    beamr_error *err;
    uint32_t depth;
    wast_node *open[WAST_NESTING_MAX];      /* the lists around this place */
    wast_node **tail[WAST_NESTING_MAX + 1]; /* where each level's next node goes */
} reader;

/* A node without text for what stands at `at`; used for its place in messages too. */
static wast_node place(const reader *r)
{
    return (wast_node){
        .line = r->line,
        .col = (uint32_t)(r->at - r->line_start) + 1,
        .offset = (uint32_t)(r->at - r->start),
    };
}

#define READ_FAIL(r, ...)                                                                      \
    do {                                                                                       \
        wast_node place_ = place(r);                                                           \
        return WAST_FAIL((r)->err, &place_, __VA_ARGS__);                                      \
    } while (0)

/* ---- Space and comments ---- */

static void newline(reader *r)
{
    r->at++;
    r->line++;
    r->line_start = r->at;
}

static bool next_is(const reader *r, char first, char second)
{
    return r->end - r->at >= 2 && r->at[0] == (uint8_t)first && r->at[1] == (uint8_t)second;
}

static beamr_status skip_block_comment(reader *r)
{
    wast_node from = place(r);
    size_t depth = 0;

    do {
        if (r->at == r->end)
            return WAST_FAIL(r->err, &from, "comment without an end");
        if (next_is(r, '(', ';')) {
            depth++;
            r->at += 2;
        } else if (next_is(r, ';', ')')) {
            depth--;
            r->at += 2;
        } else if (*r->at == '\n') {
            newline(r);
        } else {
            r->at++;
        }
    } while (depth > 0);
    return BEAMR_OK;
}

static beamr_status skip_space(reader *r)
{
    while (r->at < r->end) {
        if (*r->at == '\n') {
            newline(r);
        } else if (*r->at == ' ' || *r->at == '\t' || *r->at == '\r') {
            r->at++;
        } else if (next_is(r, ';', ';')) {
            while (r->at < r->end && *r->at != '\n')
                r->at++;
        } else if (next_is(r, '(', ';')) {
            BEAMR_TRY(skip_block_comment(r));
        } else {
            break;
        }
    }
    return BEAMR_OK;
}

/* ---- Nodes ---- */

static beamr_status node_add(reader *r, wast_kind kind, wast_node **out)
{
    wast_node *node = ARENA_NEW(r->arena, wast_node, 1);

    if (!node)
        return beamr_fail(r->err, BEAMR_NO_MEMORY, 0, "no memory for the text's tree");
    *node = place(r);
    node->kind = kind;
    *r->tail[r->depth] = node;
    r->tail[r->depth] = &node->next;
    *out = node;
    return BEAMR_OK;
}

static beamr_status read_open(reader *r)
{
    wast_node *node;

    if (r->depth == WAST_NESTING_MAX)
        return beamr_fail(r->err, BEAMR_LIMIT, (uint64_t)(r->at - r->start),
                          "%" PRIu32 ":%zu: more than %d lists inside each other", r->line,
                          (size_t)(r->at - r->line_start) + 1, WAST_NESTING_MAX);
    BEAMR_TRY(node_add(r, WAST_LIST, &node));
    node->text.data = r->at++;
    r->open[r->depth++] = node;
    r->tail[r->depth] = &node->first;
    return BEAMR_OK;
}

static beamr_status read_close(reader *r)
{
    wast_node *node;

    if (r->depth == 0)
        READ_FAIL(r, "')' without a '('");
    node = r->open[--r->depth];
    r->at++;
    node->text.len = (size_t)(r->at - node->text.data);
    return BEAMR_OK;
}

/* Characters of words, the text format's `idchar`. */
static bool is_word(uint8_t c)
{
    return c > ' ' && c < 0x7f && !strchr("\"(),;[]{}", c);
}

static beamr_status read_word(reader *r)
{
    wast_node *node;

    if (!is_word(*r->at))
        READ_FAIL(r, "byte 0x%02x cannot stand here", *r->at);
    if (r->depth == 0)
        READ_FAIL(r, "a word outside of all lists");
    BEAMR_TRY(node_add(r, WAST_ATOM, &node));
    node->text.data = r->at;
    while (r->at < r->end && is_word(*r->at))
        r->at++;
    node->text.len = (size_t)(r->at - node->text.data);
    return BEAMR_OK;
}

/* ---- Strings ---- */

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Read "{hex}" of an escape; `at` is behind the u. */
static beamr_status read_code_point(reader *r, uint32_t *out)
{
    const uint8_t *p = r->at + 1;
    uint32_t c = 0;

    if (r->at == r->end || *r->at != '{')
        READ_FAIL(r, "'{' expected in \\u{...}");
    for (; p < r->end && hex_digit(*p) >= 0; p++) {
        c = c << 4 | (uint32_t)hex_digit(*p);
        if (c > 0x10ffff)
            READ_FAIL(r, "\\u{...} beyond 10ffff");
    }
    if (p == r->at + 1 || p == r->end || *p != '}')
        READ_FAIL(r, "hexadecimal digits and '}' expected in \\u{...}");
    if (c >= 0xd800 && c < 0xe000)
        READ_FAIL(r, "\\u{%" PRIx32 "} is a surrogate, not a character", c);
    r->at = p + 1;
    *out = c;
    return BEAMR_OK;
}

/* Read an escape, whose backslash is at `at`.
 *   len  bytes written to `out` */
static beamr_status read_escape(reader *r, uint8_t *out, size_t *len)
{
    static const char letters[] = "tnr\"'\\", bytes[] = "\t\n\r\"'\\";
    const char *letter;
    uint32_t c = 0;

    *len = 1;
    if (r->end - r->at < 2)
        READ_FAIL(r, "string without an end");
    if (r->at[1] == 'u') {
        r->at += 2;
        BEAMR_TRY(read_code_point(r, &c));
        *len = utf8_write(c, out);
        return BEAMR_OK;
    }
    if (r->at[1] && (letter = strchr(letters, r->at[1]))) {
        *out = (uint8_t)bytes[letter - letters];
    } else if (r->end - r->at >= 3 && hex_digit(r->at[1]) >= 0 && hex_digit(r->at[2]) >= 0) {
        *out = (uint8_t)(hex_digit(r->at[1]) << 4 | hex_digit(r->at[2]));
        r->at++;
    } else {
        READ_FAIL(r, "unknown escape in a string");
    }
    r->at += 2;
    return BEAMR_OK;
}

/* Bytes between the quotes as they stand, which bounds what they mean.  `at` is behind the
 * first. */
static beamr_status string_length(reader *r, size_t *out)
{
    const uint8_t *p = r->at;

    while (p < r->end && *p != '"' && *p >= ' ' && *p != 0x7f)
        p += *p == '\\' && r->end - p > 1 ? 2 : 1;
    if (p < r->end && *p != '"') {
        r->at = p;
        READ_FAIL(r, "byte 0x%02x in a string", *p);
    }
    if (p >= r->end)
        READ_FAIL(r, "string without an end");
    *out = (size_t)(p - r->at);
    return BEAMR_OK;
}

static beamr_status read_string(reader *r)
{
    wast_node *node;
    uint8_t *bytes;
    size_t len = 0, room = 0;

    if (r->depth == 0)
        READ_FAIL(r, "a string outside of all lists");
    BEAMR_TRY(node_add(r, WAST_STRING, &node));
    r->at++;
    BEAMR_TRY(string_length(r, &room));
    if (!(bytes = arena_alloc(r->arena, room, 1)))
        return beamr_fail(r->err, BEAMR_NO_MEMORY, 0, "no memory for a string");
    while (*r->at != '"') {
        if (*r->at == '\\') {
            size_t more = 0;

            BEAMR_TRY(read_escape(r, bytes + len, &more));
            len += more;
        } else {
            bytes[len++] = *r->at++;
        }
    }
    r->at++;
    node->text = (beamr_bytes){bytes, len};
    return BEAMR_OK;
}

/* ---- The whole ---- */

beamr_status wast_read(arena *a, beamr_bytes text, const wast_node **out, beamr_error *err)
{
    wast_node *first = NULL;
    reader r = {.start = text.data, .line = 1, .arena = a, .err = err};

    if (text.len >= UINT32_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0, "text of %zu bytes; at most 4 GiB", text.len);
    if (text.len == 0) {
        *out = NULL;
        return BEAMR_OK;
    }
    r.at = r.line_start = text.data;
    r.end = text.data + text.len;
    r.tail[0] = &first;
    for (;;) {
        BEAMR_TRY(skip_space(&r));
        if (r.at == r.end)
            break;
        if (*r.at == '(')
            BEAMR_TRY(read_open(&r));
        else if (*r.at == ')')
            BEAMR_TRY(read_close(&r));
        else if (*r.at == '"')
            BEAMR_TRY(read_string(&r));
        else
            BEAMR_TRY(read_word(&r));
    }
    if (r.depth > 0)
        return WAST_FAIL(err, r.open[r.depth - 1], "'(' without a ')'");
    *out = first;
    return BEAMR_OK;
}

bool wast_is(const wast_node *node, const char *word)
{
    size_t len = strlen(word);

    return node && node->kind == WAST_ATOM && node->text.len == len &&
           memcmp(node->text.data, word, len) == 0;
}

const wast_node *wast_head(const wast_node *list)
{
    const wast_node *head = list->kind == WAST_LIST ? list->first : NULL;

    return head && head->kind == WAST_ATOM ? head : NULL;
}
