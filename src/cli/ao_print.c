/* Messages for people: cli/ao.h.
 *
 *   name: "Ada"
 *   age: 36
 *   active: true
 *   scores: list of 2
 *     1: 0.5
 *     2: "n/a"
 *   photo: binary of 5120 bytes 89504e470d0a...
 *   parent: link to message VutoYYwMPP5...
 *
 * A binary that is text stands in quotes, integers are bare digits, floats have a point; atoms
 * other than booleans name their type. Depth is bounded by AO_DEPTH_MAX. */
#include "ao/link.h"
#include "base/utf8.h"
#include "cli/ao.h"
#include "cli/escape.h"

#include <inttypes.h>

enum { TEXT_MAX = 240, HEX_MAX = 24 };

static void print_nested(FILE *out, ao_value value, unsigned depth);

/* Mostly text: valid UTF-8 whose controls are line ends and tabs. */
static bool is_text(beamr_bytes bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t c = bytes.data[i];

        if ((c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f)
            return false;
    }
    return utf8_is_valid(bytes);
}

static void print_binary(FILE *out, beamr_bytes bytes)
{
    bool is_cut;

    if (is_text(bytes)) {
        size_t len = bytes.len;

        if ((is_cut = len > TEXT_MAX)) { /* not within a character */
            len = TEXT_MAX;
            while (len > 0 && (bytes.data[len] & 0xc0) == 0x80)
                len--;
        }
        if (is_cut)
            (void)fprintf(out, "text of %zu bytes ", bytes.len);
        cli_print_quoted(out, (beamr_bytes){bytes.data, len});
        (void)fputs(is_cut ? "..." : "", out);
        return;
    }
    is_cut = bytes.len > HEX_MAX;
    (void)fprintf(out, "binary of %zu bytes ", bytes.len);
    for (size_t i = 0; i < (is_cut ? HEX_MAX : bytes.len); i++)
        (void)fprintf(out, "%02x", (unsigned)bytes.data[i]);
    (void)fputs(is_cut ? "..." : "", out);
}

const char *cli_float_text(ao_value value, char buffer[CLI_FLOAT_TEXT_SIZE])
{
    beamr_value number = beamr_f64(value.of.number);

    return beamr_value_text(&number, buffer, CLI_FLOAT_TEXT_SIZE);
}

static void print_atom(FILE *out, ao_value value)
{
    bool is_boolean = ao_is_atom(value, "true") || ao_is_atom(value, "false");

    cli_print_escaped(out, ao_text(value), "");
    (void)fputs(is_boolean ? "" : " (atom)", out);
}

static void print_link(FILE *out, ao_value link)
{
    beamr_bytes id = ao_link_id(link);

    (void)fprintf(out, "link to %s ", ao_link_kind(link) == AO_MESSAGE ? "message" : "binary");
    cli_print_escaped(out, id, "");
}

/* What stands behind the colon; without the line's end. */
static void print_short(FILE *out, ao_value value)
{
    char digits[AO_INTEGER_TEXT_SIZE], number[CLI_FLOAT_TEXT_SIZE];
    beamr_bytes text;

    switch (value.kind) {
    case AO_BINARY:
        print_binary(out, ao_bytes(value));
        return;
    case AO_INTEGER:
        text = ao_integer_text(value, digits);
        (void)fprintf(out, "%.*s", (int)text.len, (const char *)text.data);
        return;
    case AO_FLOAT:
        (void)fputs(cli_float_text(value, number), out);
        return;
    case AO_ATOM:
        print_atom(out, value);
        return;
    case AO_LINK:
        print_link(out, value);
        return;
    case AO_LIST:
        (void)fprintf(out, "list of %zu", ao_list_count(value));
        return;
    case AO_MESSAGE:
        (void)fputs(ao_message_count(ao_to_message(value)) ? "message" : "message, empty", out);
        return;
    default:
        (void)fputs("(what cannot be shown)", out);
    }
}

static void indent(FILE *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++)
        (void)fputs("  ", out);
}

/* A key may hold anything; those that could be misread stand in quotes. */
static void print_key(FILE *out, beamr_bytes key)
{
    bool is_plain = key.len > 0;

    for (size_t i = 0; i < key.len && is_plain; i++)
        is_plain =
            key.data[i] > ' ' && key.data[i] != ':' && key.data[i] != '"' && key.data[i] < 0x7f;
    if (is_plain)
        (void)fwrite(key.data, 1, key.len, out);
    else
        cli_print_quoted(out, key);
    (void)fputs(": ", out);
}

static void print_entry(FILE *out, beamr_bytes key, ao_value value, unsigned depth)
{
    indent(out, depth);
    print_key(out, key);
    print_short(out, value);
    (void)fputc('\n', out);
    print_nested(out, value, depth + 1);
}

/* What a message or a list holds, a line for each. */
static void print_nested(FILE *out, ao_value value, unsigned depth)
{
    ao_cursor cursor = {0};
    const ao_name *key;
    ao_value item;

    if (value.kind == AO_MESSAGE) {
        while (ao_message_next(ao_to_message(value), &cursor, &key, &item))
            print_entry(out, ao_name_text(key), item, depth);
        return;
    }
    for (size_t i = 0; i < ao_list_count(value); i++) {
        char index[24];

        (void)snprintf(index, sizeof index, "%zu", i + 1);
        print_entry(out, beamr_bytes_of(index), ao_list_at(value, i), depth);
    }
}

void cli_print_commitment(FILE *out, beamr_bytes id, ao_value commitment)
{
    static const char *const keys[] = {"commitment-device", "alg", "committer"};
    const ao_message *message = ao_to_message(commitment);

    cli_print_escaped(out, id, "");
    for (size_t i = 0; message && i < sizeof keys / sizeof keys[0]; i++) {
        beamr_bytes text = ao_text(ao_message_find_text(message, keys[i]));

        if (text.len == 0)
            continue;
        (void)fputc(' ', out);
        cli_print_escaped(out, text, "");
    }
}

void cli_print_value(FILE *out, ao_value value)
{
    bool has_more = (value.kind == AO_MESSAGE && ao_message_count(ao_to_message(value))) ||
                    (value.kind == AO_LIST && ao_list_count(value));

    if (!has_more) {
        print_short(out, value);
        (void)fputc('\n', out);
    }
    print_nested(out, value, 0);
}
