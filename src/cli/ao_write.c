/* Writing messages in any form: cli/ao.h. */
#include "cli/ao.h"

#include <errno.h>
#include <unistd.h>

#include "cli/escape.h"

void cli_print_bytes(FILE *out, beamr_bytes bytes)
{
    size_t from = 0;

    if (!isatty(fileno(out))) {
        (void)fwrite(bytes.data, 1, bytes.len, out);
        return;
    }
    for (size_t i = 0; i <= bytes.len; i++) {
        if (i < bytes.len && bytes.data[i] != '\n' && bytes.data[i] != '\t')
            continue;
        cli_print_escaped(out, (beamr_bytes){bytes.data + from, i - from}, "");
        if (i < bytes.len)
            (void)fputc(bytes.data[i], out);
        from = i + 1;
    }
}

void cli_print_last(FILE *out, beamr_bytes bytes)
{
    cli_print_bytes(out, bytes);
    if (isatty(fileno(out)) && (bytes.len == 0 || bytes.data[bytes.len - 1] != '\n'))
        (void)fputc('\n', out);
}

/* ---- HTTP as text ---- */

static bool is_body(beamr_bytes name)
{
    return name.len == 4 && memcmp(name.data, "body", 4) == 0;
}

static void http_write(const ao_message *fields, FILE *out)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;

    while (ao_message_next(fields, &cursor, &name, &value)) {
        if (is_body(ao_name_text(name)))
            continue;
        cli_print_bytes(out, ao_name_text(name));
        (void)fputs(": ", out);
        cli_print_bytes(out, ao_bytes(value));
        (void)fputc('\n', out);
    }
    (void)fputc('\n', out);
    cli_print_last(out, ao_bytes(ao_message_find_text(fields, "body")));
}

/* No field may begin a line of its own. */
static beamr_status fields_check(const ao_message *fields, beamr_error *err)
{
    ao_cursor cursor = {0};
    const ao_name *name;
    ao_value value;

    while (ao_message_next(fields, &cursor, &name, &value)) {
        beamr_bytes key = ao_name_text(name), text = ao_bytes(value);

        if (is_body(key))
            continue;
        if (memchr(text.data, '\n', text.len) || memchr(text.data, '\r', text.len) ||
            memchr(key.data, '\n', key.len) || memchr(key.data, '\r', key.len) ||
            memchr(key.data, ':', key.len))
            return beamr_fail(err, BEAMR_ENCODING, 0,
                              "`%.*s` has a line break in it, or a colon in its name, and "
                              "cannot be a header field",
                              (int)(key.len < 64 ? key.len : 64), (const char *)key.data);
    }
    return BEAMR_OK;
}

/* ---- Messages ---- */

/* A message in a form that is a codec's: a binary, or for HTTP a message of fields. */
static beamr_status form_encode(ao_context *context, cli_form form, const ao_message *message,
                                ao_value *out, beamr_error *err)
{
    ao_value encoded = AO_NO_VALUE;
    beamr_status st = ao_encode(context, cli_form_codec(form), message, &encoded, err);

    if (st == BEAMR_OK && encoded.kind == AO_MESSAGE)
        st = fields_check(ao_to_message(encoded), err);
    if (st == BEAMR_OK)
        *out = encoded;
    else
        ao_value_unref(encoded);
    return st;
}

static void encoded_write(cli_form form, ao_value encoded, FILE *out)
{
    if (encoded.kind == AO_MESSAGE) {
        http_write(ao_to_message(encoded), out);
    } else if (form == FORM_JSON) {
        cli_print_bytes(out, ao_bytes(encoded));
        (void)fputc('\n', out);
    } else {
        cli_print_last(out, ao_bytes(encoded));
    }
}

/* What there is to write: the message itself for people. */
static beamr_status writable(ao_context *context, cli_form form, const ao_message *message,
                             ao_value *out, beamr_error *err)
{
    if (form != FORM_TEXT)
        return form_encode(context, form, message, out, err);
    *out = ao_message_value(ao_message_ref(message));
    return BEAMR_OK;
}

static void write_out(cli_form form, ao_value what, FILE *out)
{
    if (form == FORM_TEXT)
        cli_print_value(out, what);
    else
        encoded_write(form, what, out);
}

beamr_status cli_form_write(ao_context *context, cli_form form, const ao_message *message,
                            FILE *out, beamr_error *err)
{
    ao_value what;
    beamr_status st = writable(context, form, message, &what, err);

    if (st != BEAMR_OK)
        return st;
    write_out(form, what, out);
    ao_value_unref(what);
    return BEAMR_OK;
}

beamr_status cli_message_write(ao_context *context, cli_form form, const ao_message *message,
                               const char *path, beamr_error *err)
{
    FILE *out;
    ao_value what;
    beamr_status st;
    bool is_bad;

    if (!path || strcmp(path, "-") == 0)
        return cli_form_write(context, form, message, stdout, err);
    if ((st = writable(context, form, message, &what, err)) != BEAMR_OK)
        return st;
    if (!(out = fopen(path, "wbe"))) {
        st = beamr_fail(err, BEAMR_IO, 0, "%s: %s", path, strerror(errno));
        goto out;
    }
    write_out(form, what, out);
    is_bad = ferror(out) != 0;
    if (fclose(out) != 0 || is_bad)
        st = beamr_fail(err, BEAMR_IO, 0, "%s: %s", path, strerror(errno));
out:
    ao_value_unref(what);
    return st;
}
