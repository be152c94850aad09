/* Writing JSON: a tree of plain structs becomes text, without recursion.
 * The tree is an embedder's own and may be anything, even lead back into itself: depth, values
 * and bytes are bounded while it is written. Reading is in value_json.c.
 * Source: RFC 8259. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "beamr/values.h"

typedef struct frame {
    const beamr_json *container;
    size_t next;
} frame;

typedef struct writer {
    char *data;
    size_t len;
    size_t capacity;
    size_t values;
    size_t depth;
    beamr_json_limits limits;
    frame frames[BEAMR_JSON_DEPTH_MAX];
    beamr_error *err;
} writer;

/* ---- Bytes ---- */

/* Room for `more` bytes and a NUL. */
static beamr_status reserve(writer *w, size_t more)
{
    size_t wanted;
    char *data;

    if (more > w->limits.max_bytes - w->len)
        return beamr_fail(w->err, BEAMR_LIMIT, 0, "JSON of more than %zu bytes",
                          w->limits.max_bytes);
    if (w->capacity - w->len > more)
        return BEAMR_OK;
    wanted = (w->len + more + 32) * 2;
    if (!(data = realloc(w->data, wanted)))
        return beamr_fail(w->err, BEAMR_NO_MEMORY, 0, "no memory for JSON of %zu bytes",
                          w->len + more);
    w->data = data;
    w->capacity = wanted;
    return BEAMR_OK;
}

static beamr_status put(writer *w, const void *data, size_t len)
{
    beamr_status st = reserve(w, len);

    if (st == BEAMR_OK && len > 0)
        memcpy(w->data + w->len, data, len);
    if (st == BEAMR_OK)
        w->len += len;
    return st;
}

static beamr_status put_word(writer *w, const char *word)
{
    return put(w, word, strlen(word));
}

/* ---- Values ---- */

static beamr_status put_escape(writer *w, uint8_t c)
{
    static const char letters[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                   ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    char text[8];

    if (letters[c])
        snprintf(text, sizeof text, "\\%c", letters[c]);
    else
        snprintf(text, sizeof text, "\\u%04x", c);
    return put_word(w, text);
}

static beamr_status put_text(writer *w, beamr_bytes text)
{
    size_t from = 0;
    beamr_status st;

    if (text.len > w->limits.max_bytes - w->len) /* before it is looked at */
        return reserve(w, text.len);
    if (!utf8_is_valid(text))
        return beamr_fail(w->err, BEAMR_ARGUMENT, 0, "a text for JSON is not UTF-8");
    if ((st = put_word(w, "\"")) != BEAMR_OK)
        return st;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        if ((st = put(w, text.data + from, i - from)) != BEAMR_OK ||
            (st = put_escape(w, c)) != BEAMR_OK)
            return st;
        from = i + 1;
    }
    if (from < text.len && (st = put(w, text.data + from, text.len - from)) != BEAMR_OK)
        return st;
    return put_word(w, "\"");
}

static beamr_status put_integer(writer *w, int64_t n)
{
    char text[24];

    snprintf(text, sizeof text, "%" PRId64, n);
    return put_word(w, text);
}

static beamr_status put_float(writer *w, double n)
{
    beamr_value value = beamr_f64(n);
    char text[48];

    if (!isfinite(n))
        return beamr_fail(w->err, BEAMR_ARGUMENT, 0, "JSON has no %s",
                          beamr_value_text(&value, text, sizeof text));
    return put_word(w, beamr_value_text(&value, text, sizeof text));
}

static beamr_status open_container(writer *w, const beamr_json *json)
{
    if (w->depth >= w->limits.max_depth)
        return beamr_fail(w->err, BEAMR_LIMIT, 0,
                          "JSON with more than %zu lists and maps in each other",
                          w->limits.max_depth);
    w->frames[w->depth++] = (frame){json, 0};
    return put_word(w, json->kind == BEAMR_JSON_MAP ? "{" : "[");
}

static beamr_status put_value(writer *w, const beamr_json *json)
{
    if (++w->values > w->limits.max_values)
        return beamr_fail(w->err, BEAMR_LIMIT, 0, "JSON of more than %zu values",
                          w->limits.max_values);
    switch (json->kind) {
    case BEAMR_JSON_NULL:
        return put_word(w, "null");
    case BEAMR_JSON_BOOLEAN:
        return put_word(w, json->boolean ? "true" : "false");
    case BEAMR_JSON_INTEGER:
        return put_integer(w, json->integer);
    case BEAMR_JSON_FLOAT:
        return put_float(w, json->number);
    case BEAMR_JSON_TEXT:
        return put_text(w, json->text);
    case BEAMR_JSON_LIST:
    case BEAMR_JSON_MAP:
        return open_container(w, json);
    }
    return beamr_fail(w->err, BEAMR_ARGUMENT, 0, "a JSON value of unknown kind %d",
                      (int)json->kind);
}

/* The next item of the innermost list or map, or its end. */
static beamr_status put_next(writer *w)
{
    frame *f = &w->frames[w->depth - 1];
    const beamr_json *from = f->container;
    size_t i = f->next++;
    beamr_status st;

    if (i == from->count) {
        w->depth--;
        return put_word(w, from->kind == BEAMR_JSON_MAP ? "}" : "]");
    }
    if (i > 0 && (st = put_word(w, ",")) != BEAMR_OK)
        return st;
    if (from->kind == BEAMR_JSON_MAP &&
        ((st = put_text(w, from->keys[i])) != BEAMR_OK || (st = put_word(w, ":")) != BEAMR_OK))
        return st;
    return put_value(w, &from->items[i]);
}

beamr_status beamr_json_write(const beamr_json *json, const beamr_json_limits *limits,
                              BEAMR_OWN char **out, size_t *len, beamr_error *err)
{
    writer w = {.limits = BEAMR_JSON_LIMITS_DEFAULT, .err = err};
    beamr_status st;

    if (limits)
        w.limits = *limits;
    if (w.limits.max_depth > BEAMR_JSON_DEPTH_MAX)
        w.limits.max_depth = BEAMR_JSON_DEPTH_MAX;
    if ((st = put_value(&w, json)) == BEAMR_OK)
        while (w.depth > 0 && st == BEAMR_OK)
            st = put_next(&w);
    if (st != BEAMR_OK) {
        free(w.data);
        return st;
    }
    w.data[w.len] = '\0';
    *out = w.data;
    *len = w.len;
    return BEAMR_OK;
}
