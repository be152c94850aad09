/* Writing structured fields: texts that grow in an arena.
 * Source: RFC 9651, "Serializing Structured Fields". */
#include <stdio.h>

#include "codec/field.h"
#include "crypto/base64.h"

/* Room for `len` more bytes, or NULL. */
static char *reserve(field_text *text, size_t len)
{
    size_t want, capacity;
    char *data;

    if (text->is_full)
        return NULL;
    if (len <= text->capacity - text->len)
        return text->data + text->len;
    if (__builtin_add_overflow(text->len, len, &want) || want > SIZE_MAX / 2 ||
        !(data = arena_alloc(text->a, capacity = want < 64 ? 128 : want * 2, 1))) {
        text->is_full = true;
        return NULL;
    }
    if (text->len)
        memcpy(data, text->data, text->len);
    text->data = data;
    text->capacity = capacity;
    return data + text->len;
}

void field_text_add(field_text *text, beamr_bytes bytes)
{
    char *to;

    if (!bytes.len || !(to = reserve(text, bytes.len)))
        return;
    memcpy(to, bytes.data, bytes.len);
    text->len += bytes.len;
}

/* Write `bytes` with `escapes` backslashes; returns where it ends. */
static char *put_escaped(char *to, beamr_bytes bytes, size_t escapes)
{
    if (!escapes && bytes.len) {
        memcpy(to, bytes.data, bytes.len);
        return to + bytes.len;
    }
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.data[i] == '"' || bytes.data[i] == '\\')
            *to++ = '\\';
        *to++ = (char)bytes.data[i];
    }
    return to;
}

static size_t count_escapes(beamr_bytes bytes)
{
    size_t escapes = 0;

    if (!bytes.len ||
        (!memchr(bytes.data, '"', bytes.len) && !memchr(bytes.data, '\\', bytes.len)))
        return 0; /* nearly always */
    for (size_t i = 0; i < bytes.len; i++)
        escapes += bytes.data[i] == '"' || bytes.data[i] == '\\';
    return escapes;
}

void field_text_add_string(field_text *text, beamr_bytes bytes)
{
    size_t escapes = count_escapes(bytes);
    char *to = reserve(text, bytes.len + escapes + 2);

    if (!to)
        return;
    *to++ = '"';
    to = put_escaped(to, bytes, escapes);
    *to = '"';
    text->len += bytes.len + escapes + 2;
}

void field_text_add_escaped(field_text *text, beamr_bytes bytes)
{
    size_t escapes = count_escapes(bytes);
    char *to = reserve(text, bytes.len + escapes);

    if (!to)
        return;
    (void)put_escaped(to, bytes, escapes);
    text->len += bytes.len + escapes;
}

void field_text_add_bytes(field_text *text, beamr_bytes bytes)
{
    size_t len = crypto_base64_length(CRYPTO_BASE64, bytes.len);
    char *to = reserve(text, len + 2);

    if (!to)
        return;
    to[0] = ':';
    crypto_base64_encode(CRYPTO_BASE64, bytes, to + 1);
    to[len + 1] = ':';
    text->len += len + 2;
}

static void add_number(field_text *text, const field_item *item)
{
    uint64_t n = item->integer < 0 ? -(uint64_t)item->integer : (uint64_t)item->integer;
    char digits[40];

    if (item->bytes.len) {
        field_text_add(text, item->bytes);
        return;
    }
    if (item->integer < 0)
        field_text_add_text(text, "-");
    if (item->kind == FIELD_INTEGER) {
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    } else {
        int len = snprintf(digits, sizeof digits, "%llu.%03llu", (unsigned long long)(n / 1000),
                           (unsigned long long)(n % 1000));

        /* The shortest form, with one digit behind the point at least. */
        while (digits[len - 1] == '0' && digits[len - 2] != '.')
            digits[--len] = 0;
    }
    field_text_add_text(text, digits);
}

static void add_bare(field_text *text, const field_item *item)
{
    switch (item->kind) {
    case FIELD_INTEGER:
    case FIELD_DECIMAL:
        add_number(text, item);
        break;
    case FIELD_STRING:
        field_text_add_string(text, item->bytes);
        break;
    case FIELD_TOKEN:
        field_text_add(text, item->bytes);
        break;
    case FIELD_BYTES:
        field_text_add_bytes(text, item->bytes);
        break;
    case FIELD_BOOLEAN:
        field_text_add_text(text, item->integer ? "?1" : "?0");
        break;
    case FIELD_INNER_LIST:
        break; /* only field_text_add_item gets one */
    }
}

static void add_params(field_text *text, const field_item *item)
{
    for (size_t i = 0; i < item->param_count; i++) {
        const field_item *value = &item->params[i].item;

        field_text_add_text(text, ";");
        field_text_add(text, item->params[i].key);
        if (value->kind == FIELD_BOOLEAN && value->integer)
            continue;
        field_text_add_text(text, "=");
        add_bare(text, value);
    }
}

static void add_inner(field_text *text, const field_item *item)
{
    field_text_add_text(text, "(");
    for (size_t i = 0; i < item->count; i++) {
        if (i > 0)
            field_text_add_text(text, " ");
        add_bare(text, &item->items[i]);
        add_params(text, &item->items[i]);
    }
    field_text_add_text(text, ")");
}

void field_text_add_item(field_text *text, const field_item *item)
{
    if (item->kind == FIELD_INNER_LIST)
        add_inner(text, item);
    else
        add_bare(text, item);
    add_params(text, item);
}

void field_text_add_member(field_text *text, const field_param *member)
{
    const field_item *item = &member->item;

    if (text->len)
        field_text_add_text(text, ", ");
    field_text_add(text, member->key);
    if (item->kind == FIELD_BOOLEAN && item->integer) {
        add_params(text, item);
        return;
    }
    field_text_add_text(text, "=");
    field_text_add_item(text, item);
}

beamr_bytes field_text_bytes(const field_text *text)
{
    return (beamr_bytes){(const uint8_t *)text->data, text->len};
}
