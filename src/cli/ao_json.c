/* Any value as JSON: cli/ao.h. What a message looks like is json@1.0's business; here is what
 * stands around messages, and literals. Depth is bounded by AO_DEPTH_MAX.
 * Source: RFC 8259. */
#include "cli/ao.h"
#include "cli/escape.h"

static beamr_status value_write(ao_context *context, ao_value value, FILE *out,
                                beamr_error *err);

/* A message as an object of its values. */
static beamr_status object_write(const ao_message *message, FILE *out, beamr_error *err)
{
    const char *before = "{";
    ao_cursor cursor = {0};
    beamr_status st = BEAMR_OK;
    const ao_name *key;
    ao_value value;

    while (st == BEAMR_OK && ao_message_next(message, &cursor, &key, &value)) {
        (void)fputs(before, out);
        cli_print_quoted(out, ao_name_text(key));
        (void)fputs(": ", out);
        st = value_write(NULL, value, out, err);
        before = ", ";
    }
    (void)fputs(*before == '{' ? "{}" : "}", out);
    return st;
}

/* A message as its codec has it, without a line end. */
static beamr_status message_write(ao_context *context, const ao_message *message, FILE *out,
                                  beamr_error *err)
{
    ao_value encoded = AO_NO_VALUE;
    beamr_status st = ao_encode(context, cli_form_codec(FORM_JSON), message, &encoded, err);

    if (st == BEAMR_OK)
        cli_print_bytes(out, ao_bytes(encoded));
    ao_value_unref(encoded);
    return st;
}

static beamr_status list_write(ao_context *context, ao_value list, FILE *out, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    (void)fputc('[', out);
    for (size_t i = 0; i < ao_list_count(list) && st == BEAMR_OK; i++) {
        (void)fputs(i ? ", " : "", out);
        st = value_write(context, ao_list_at(list, i), out, err);
    }
    (void)fputc(']', out);
    return st;
}

static void atom_write(ao_value atom, FILE *out)
{
    beamr_bytes text = ao_text(atom);

    if (ao_is_atom(atom, "true") || ao_is_atom(atom, "false") || ao_is_atom(atom, "null"))
        (void)fwrite(text.data, 1, text.len, out);
    else
        cli_print_quoted(out, text);
}

static beamr_status value_write(ao_context *context, ao_value value, FILE *out,
                                beamr_error *err)
{
    char digits[AO_INTEGER_TEXT_SIZE], number[CLI_FLOAT_TEXT_SIZE];
    beamr_bytes text;
    beamr_status st = ao_value_load(value, &value, err);

    if (st != BEAMR_OK)
        return st;
    switch (value.kind) {
    case AO_MESSAGE:
        return context ? message_write(context, ao_to_message(value), out, err)
                       : object_write(ao_to_message(value), out, err);
    case AO_LIST:
        return list_write(context, value, out, err);
    case AO_INTEGER:
        text = ao_integer_text(value, digits);
        (void)fwrite(text.data, 1, text.len, out);
        return BEAMR_OK;
    case AO_FLOAT:
        (void)fputs(cli_float_text(value, number), out);
        return BEAMR_OK;
    case AO_ATOM:
        atom_write(value, out);
        return BEAMR_OK;
    default:
        cli_print_quoted(out, ao_bytes(value));
        return BEAMR_OK;
    }
}

beamr_status cli_json_write(ao_context *context, ao_value value, FILE *out, beamr_error *err)
{
    beamr_status st = value_write(context, value, out, err);

    if (st == BEAMR_OK)
        (void)fputc('\n', out);
    return st;
}
