/* Printing bytes of strangers: escape.h.
 * Source: RFC 8259, "Strings"; The Unicode Standard, "Control Codes". */
#include "cli/escape.h"

#include "base/utf8.h"

/* Length of the UTF-8 sequence that `p` begins with, or 0 if there is none. */
static size_t sequence_length(const uint8_t *p, size_t left)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    return len <= left && utf8_is_valid((beamr_bytes){p, len}) ? len : 0;
}

void cli_print_escaped(FILE *out, beamr_bytes text, const char *also)
{
    for (size_t i = 0; i < text.len;) {
        const uint8_t *p = text.data + i;
        size_t len = sequence_length(p, text.len - i);

        if (len == 0)
            (void)fputs("\\ufffd", out);
        else if (len == 1 && (*p < 0x20 || *p == 0x7f))
            (void)fprintf(out, "\\u%04x", (unsigned)*p);
        else if (len == 2 && p[0] == 0xc2 && p[1] < 0xa0) /* also controls, U+0080 and on */
            (void)fprintf(out, "\\u%04x", (unsigned)p[1]);
        else
            (void)fprintf(out, "%s%.*s", len == 1 && strchr(also, *p) ? "\\" : "", (int)len,
                          (const char *)p);
        i += len ? len : 1;
    }
}

void cli_print_quoted(FILE *out, beamr_bytes text)
{
    (void)fputc('"', out);
    cli_print_escaped(out, text, "\"\\");
    (void)fputc('"', out);
}
