/* Reading messages in any form: cli/ao.h.
 * The text form of an HTTP message is its fields, one a line, an empty line, and the body as it
 * is; names lose their case. What the fields mean is httpsig@1.0's business.
 * Source: RFC 9110, "Field Syntax"; ANS-104, "DataItem Format". */
#define _GNU_SOURCE /* memmem */

#include "cli/ao.h"

#include <strings.h>

static const struct {
    const char *name, *codec;
} forms[FORM_COUNT] = {
    [FORM_JSON] = {"json", "json@1.0"},    [FORM_FLAT] = {"flat", "flat@1.0"},
    [FORM_HTTP] = {"http", "httpsig@1.0"}, [FORM_ANS104] = {"ans104", "ans104@1.0"},
    [FORM_TEXT] = {"text", NULL},
};

bool cli_form_find(const char *name, bool is_output, cli_form *out)
{
    for (int i = FORM_ANY + 1; i < (is_output ? FORM_COUNT : FORM_TEXT); i++) {
        if (strcmp(name, forms[i].name) == 0 ||
            (forms[i].codec && strcmp(name, forms[i].codec) == 0)) {
            *out = (cli_form)i;
            return true;
        }
    }
    return false;
}

cli_form cli_form_of_codec(const char *codec)
{
    cli_form form;

    return cli_form_find(codec, false, &form) ? form : FORM_HTTP;
}

const char *cli_form_codec(cli_form form)
{
    return forms[form].codec;
}

/* ---- Recognising ---- */

/* The line at `*at`, without its end; `*at` moves behind it. */
static beamr_bytes line_take(beamr_bytes bytes, size_t *at)
{
    const uint8_t *begin = bytes.data + *at;
    size_t left = bytes.len - *at;
    const uint8_t *end = left ? memchr(begin, '\n', left) : NULL;
    size_t len = end ? (size_t)(end - begin) : left;

    *at += len + (end ? 1 : 0);
    if (len > 0 && begin[len - 1] == '\r')
        len--;
    return (beamr_bytes){begin, len};
}

static bool names_field(beamr_bytes line, const char *name)
{
    size_t len = strlen(name);

    return line.len > len && line.data[len] == ':' &&
           strncasecmp((const char *)line.data, name, len) == 0;
}

/* An empty line with something around it, or a signature, is what flat text never has. */
static bool looks_like_http(beamr_bytes bytes)
{
    for (size_t at = 0; at < bytes.len;) {
        beamr_bytes line = line_take(bytes, &at);

        if (line.len == 0)
            return true;
        if (names_field(line, "signature") || names_field(line, "signature-input"))
            return true;
    }
    return false;
}

static cli_form recognise(beamr_bytes bytes)
{
    enum { ANS104_LEAST = 2 + 512 + 512 + 1 + 1 + 8 + 8 };
    size_t i = 0;

    if (bytes.len >= ANS104_LEAST && bytes.data[0] == 1 && bytes.data[1] == 0)
        return FORM_ANS104;
    while (i < bytes.len && strchr(" \t\r\n", bytes.data[i]) && bytes.data[i])
        i++;
    if (i < bytes.len && (bytes.data[i] == '{' || bytes.data[i] == '['))
        return FORM_JSON;
    return looks_like_http(bytes) ? FORM_HTTP : FORM_FLAT;
}

/* Flat text passes over lines that are none of its own. What was only taken for flat text may
 * be anything, so there it is a mistake, which would else be signed without a word. */
static beamr_status check_lines(beamr_bytes bytes, beamr_error *err)
{
    for (size_t at = 0; at < bytes.len;) {
        size_t offset = at;
        beamr_bytes line = line_take(bytes, &at);

        if (line.len > 0 && !memmem(line.data, line.len, ": ", 2))
            return beamr_fail(err, BEAMR_MESSAGE, offset,
                              "neither JSON, HTTP nor ANS-104, and a line that is not "
                              "`key: value`, which --format flat passes over");
    }
    return BEAMR_OK;
}

/* ---- HTTP as text ---- */

static beamr_bytes trim(beamr_bytes text)
{
    while (text.len > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.len--;
    }
    while (text.len > 0 && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '\t'))
        text.len--;
    return text;
}

/* One field into the builder. A field that comes twice would leave open which of them counts.
 */
static beamr_status field_read(beamr_bytes line, size_t offset, ao_builder *fields,
                               beamr_error *err)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    beamr_bytes name, value;

    if (!colon || colon == line.data)
        return beamr_fail(err, BEAMR_MESSAGE, offset,
                          "a line without `name: value` before the empty line");
    name = (beamr_bytes){line.data, (size_t)(colon - line.data)};
    value = trim((beamr_bytes){colon + 1, line.len - name.len - 1});
    if (memchr(value.data, '\r', value.len))
        return beamr_fail(err, BEAMR_MESSAGE, offset, "a field with a carriage return in it");
    ao_builder_put_key(fields, name, ao_binary_copy(value));
    return BEAMR_OK;
}

static beamr_status http_fields(beamr_bytes bytes, size_t *body, BEAMR_OWN ao_message **out,
                                beamr_error *err)
{
    size_t at = 0, lines = 0;
    ao_builder fields;
    beamr_status st = BEAMR_OK;

    ao_builder_begin(&fields, NULL, NULL, err);
    while (at < bytes.len) {
        size_t offset = at;
        beamr_bytes line = line_take(bytes, &at);

        if (line.len == 0)
            break;
        if ((st = field_read(line, offset, &fields, err)) != BEAMR_OK) {
            ao_builder_drop(&fields);
            return st;
        }
        lines++;
    }
    *body = at;
    if ((st = ao_builder_end(&fields, out)) != BEAMR_OK)
        return st;
    if (ao_message_count(*out) == lines)
        return BEAMR_OK;
    ao_message_unref(*out);
    *out = NULL;
    return beamr_fail(err, BEAMR_MESSAGE, 0, "a field that comes twice, or is private");
}

static beamr_status http_read(ao_context *context, beamr_bytes bytes,
                              BEAMR_OWN ao_message **out, beamr_error *err)
{
    size_t body = 0;
    ao_message *fields = NULL, *whole = NULL;
    ao_value encoded;
    beamr_status st = http_fields(bytes, &body, &fields, err);

    if (st != BEAMR_OK)
        return st;
    if (body < bytes.len) {
        beamr_bytes rest = {bytes.data + body, bytes.len - body};

        st = ao_message_with(fields, "body", ao_binary_copy(rest), &whole, err);
        ao_message_unref(fields);
        if (st != BEAMR_OK)
            return st;
        fields = whole;
    }
    encoded = ao_message_value(fields);
    st = ao_decode(context, forms[FORM_HTTP].codec, encoded, out, err);
    ao_value_unref(encoded);
    return st;
}

/* ---- Any form ---- */

beamr_status cli_form_read(ao_context *context, cli_form form, beamr_bytes bytes,
                           BEAMR_OWN ao_message **out, beamr_error *err)
{
    ao_value encoded;
    beamr_status st;

    if (form == FORM_ANY) {
        form = recognise(bytes);
        if (form == FORM_FLAT && (st = check_lines(bytes, err)) != BEAMR_OK)
            return st;
    }
    if (form == FORM_HTTP)
        return http_read(context, bytes, out, err);
    encoded = ao_binary_copy(bytes);
    if (encoded.kind == AO_NONE)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu bytes", bytes.len);
    st = ao_decode(context, forms[form].codec, encoded, out, err);
    ao_value_unref(encoded);
    return st;
}

beamr_status cli_message_read(ao_context *context, cli_form form, const char *path,
                              BEAMR_OWN ao_message **out, beamr_error *err)
{
    cli_file file = {0};
    beamr_status st = cli_file_read(path, CLI_FILE_MAX, &file, err);

    if (st == BEAMR_OK)
        st = cli_form_read(context, form, cli_file_bytes(&file), out, err);
    cli_file_clear(&file);
    return st;
}
