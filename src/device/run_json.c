/* Messages and lists as JSON text, for parameters of guests: keys as they are, numbers, texts,
 * `true`, `false` and `null` for what they say, other atoms as texts. Bytes that are no UTF-8
 * become U+FFFD. What codecs add to tell kinds apart is not for guests; see json@1.0 for that.
 * Links are followed; since what they lead to counts for no message's size, the text has a
 * limit of its own, and so has the depth. Recursive to AO_DEPTH_MAX levels. Source: RFC 8259.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "device/state_internal.h"

#define TEXT_MAX ((size_t)64 << 20)

typedef struct text {
    uint8_t *data;
    size_t len, capacity;
    unsigned depth;
    bool failed;
} text;

static void put(text *t, const void *data, size_t len)
{
    if (t->failed)
        return;
    if (t->capacity - t->len < len) {
        size_t capacity = 2 * t->capacity + len + 64;
        uint8_t *grown = realloc(t->data, capacity);

        if (!grown) {
            t->failed = true;
            return;
        }
        t->data = grown;
        t->capacity = capacity;
    }
    memcpy(t->data + t->len, data, len);
    t->len += len;
}

static void put_text(text *t, const char *s)
{
    put(t, s, strlen(s));
}

/* ---- Texts ---- */

static void put_escape(text *t, uint8_t c)
{
    static const char letters[] = "btn\vfr";
    char escape[8];

    if (c == '"' || c == '\\')
        (void)snprintf(escape, sizeof escape, "\\%c", c);
    else if (c >= '\b' && c <= '\r' && c != '\v')
        (void)snprintf(escape, sizeof escape, "\\%c", letters[c - '\b']);
    else
        (void)snprintf(escape, sizeof escape, "\\u%04x", c);
    put_text(t, escape);
}

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c != '"' && c != '\\' && c < 0x80;
}

static void put_string(text *t, beamr_bytes bytes)
{
    const uint8_t *at = bytes.data, *end = bytes.len > 0 ? at + bytes.len : at;

    put_text(t, "\"");
    while (at < end) {
        const uint8_t *from = at;

        while (at < end && is_plain(*at))
            at++;
        if (at > from) {
            put(t, from, (size_t)(at - from));
        } else if (*at < 0x80) {
            put_escape(t, *at++);
        } else {
            size_t len = utf8_sequence(at, (size_t)(end - at));

            put(t, len > 0 ? (const char *)at : "\xef\xbf\xbd", len > 0 ? len : 3);
            at += len > 0 ? len : 1;
        }
    }
    put_text(t, "\"");
}

/* ---- Values ---- */

static beamr_status put_value(text *t, ao_value value, beamr_error *err);

static beamr_status put_list(text *t, ao_value list, beamr_error *err)
{
    size_t count = ao_list_count(list);
    beamr_status st = BEAMR_OK;

    put_text(t, "[");
    for (size_t i = 0; st == BEAMR_OK && i < count; i++) {
        if (i > 0)
            put_text(t, ",");
        st = put_value(t, ao_list_at(list, i), err);
    }
    put_text(t, "]");
    return st;
}

static beamr_status put_message(text *t, const ao_message *message, beamr_error *err)
{
    beamr_status st = BEAMR_OK;
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value value;
    bool is_first = true;

    put_text(t, "{");
    while (st == BEAMR_OK && ao_message_next(message, &cursor, &key, &value)) {
        if (!is_first)
            put_text(t, ",");
        is_first = false;
        put_string(t, ao_name_text(key));
        put_text(t, ":");
        st = put_value(t, value, err);
    }
    put_text(t, "}");
    return st;
}

static void put_atom(text *t, ao_value value)
{
    if (ao_is_atom(value, "true") || ao_is_atom(value, "false") || ao_is_atom(value, "null"))
        put(t, ao_text(value).data, ao_text(value).len);
    else
        put_string(t, ao_text(value));
}

static beamr_status put_plain(text *t, ao_value value, beamr_error *err)
{
    char buffer[AO_INTEGER_TEXT_SIZE], shown[48];
    beamr_value number;
    beamr_bytes digits;

    switch (value.kind) {
    case AO_INTEGER:
        digits = ao_integer_text(value, buffer);
        put(t, digits.data, digits.len);
        return BEAMR_OK;
    case AO_FLOAT:
        number = beamr_f64(value.of.number);
        put_text(t, beamr_value_text(&number, shown, sizeof shown));
        return BEAMR_OK;
    case AO_ATOM:
        put_atom(t, value);
        return BEAMR_OK;
    case AO_BINARY:
        put_string(t, ao_bytes(value));
        return BEAMR_OK;
    default:
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a value that no JSON text can hold");
    }
}

static beamr_status put_value(text *t, ao_value value, beamr_error *err)
{
    beamr_status st = ao_value_load(value, &value, err);

    if (st != BEAMR_OK)
        return st;
    if (value.kind != AO_MESSAGE && value.kind != AO_LIST)
        return put_plain(t, value, err);
    if (t->depth == AO_DEPTH_MAX || t->len > TEXT_MAX)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a parameter is too large as JSON: beyond %u levels, or %zu bytes",
                          (unsigned)AO_DEPTH_MAX, TEXT_MAX);
    t->depth++;
    st = value.kind == AO_LIST ? put_list(t, value, err)
                               : put_message(t, ao_to_message(value), err);
    t->depth--;
    return st;
}

static void release(void *data, void *user)
{
    (void)user;
    free(data);
}

beamr_status run_json(ao_value value, BEAMR_OWN ao_value *out, beamr_error *err)
{
    text t = {0};
    beamr_status st = put_value(&t, value, err);

    if (st == BEAMR_OK && t.failed)
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a parameter as JSON");
    if (st != BEAMR_OK) {
        free(t.data);
        return st;
    }
    *out = ao_binary_adopt(t.data, t.len, release, NULL);
    return out->kind == AO_NONE
               ? beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a parameter as JSON")
               : BEAMR_OK;
}
