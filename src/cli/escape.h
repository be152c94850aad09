/* Printing bytes of strangers: names out of modules, texts of guests. */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H

#include <stdio.h>

#include "beamr/bytes.h"

/* Print text so that a terminal and a JSON reader take it for text: control characters as
 * \u00XX, and \ufffd for each byte that is not UTF-8.
 *   also  ASCII characters that get a backslash: "\"\\" for what stands between quotes, "" for
 *         running text */
void cli_print_escaped(FILE *out, beamr_bytes text, const char *also);

/* The same between quotes: a JSON string. */
void cli_print_quoted(FILE *out, beamr_bytes text);

#endif
