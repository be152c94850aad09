/* What the commands on messages share: contexts, reading messages in any form, printing them.
 * Used by resolve*.c, aos*.c, id.c and message.c. */
#ifndef CLI_AO_H
#define CLI_AO_H

#include "beamr/ao.h"
#include "cli/cli.h"

/* What these commands end with, besides those of cli_exit. */
enum { CLI_HOST_FAILED = 3 }; /* the host failed: no memory, input or output, a device */

/* The exit code of a failure while something was done: 2 for a bad argument, 1 for what else is
 * the caller's fault (it is not there, it does not fit), 3 for what the host failed at. */
int cli_exit_of_answer(beamr_status status);
/* Print such a failure as cli_error does.  Returns cli_exit_of_answer its status. */
int cli_report(const char *command, const char *what, const beamr_error *err);
/* Print a failure of reading or understanding an input, from the command line or `what`, a
 * file. Returns CLI_USAGE, or CLI_HOST_FAILED without memory. */
int cli_refuse(const char *command, const char *what, const beamr_error *err);

/* ---- Contexts: ao_open.c ---- */

typedef struct cli_session {
    ao_context *context;
    ao_wallet *wallet;
} cli_session;

/* What a context is made with; {0} for nothing. */
typedef struct cli_setup {
    const char *kv;     /* "memory", "files:FOLDER", "lmdb:FOLDER", or a folder for LMDB */
    const char *wallet; /* a file */
    const ao_message *values; /* options of the node; borrowed */
    const char *command; /* what the node reports goes to stderr, behind this; NULL: nowhere */
} cli_setup;

/* A context.
 *   setup  borrowed; NULL for nothing
 *   out    to be closed in any case
 *   what   gets the wallet when that is what a failure is about; for cli_refuse */
beamr_status cli_session_open(const cli_setup *setup, cli_session *out, const char **what,
                              beamr_error *err);
void cli_session_close(cli_session *session);

/* ---- Words of the command line: ao_words.c ---- */

/* KEY=VALUE (text), KEY=@FILE (its bytes; - is stdin) or KEY:=JSON. */
bool cli_is_word(const char *text);
/* Put a word's key into a message that is being made.  Errors: BEAMR_ARGUMENT (no such word),
 * those of reading the file, of decoding (offset: in the JSON). */
beamr_status cli_word_read(ao_context *context, const char *word, ao_builder *into,
                           beamr_error *err);
/* Likewise an option of the node, NAME=VALUE; names and types are those that the devices of
 * this library know.  Errors: BEAMR_ARGUMENT (which names there are, or what the value is to
 * be). */
beamr_status cli_option_read(const char *word, ao_builder *into, beamr_error *err);

/* ---- Forms: ao_read.c, ao_write.c ---- */

typedef enum cli_form {
    FORM_ANY, /* to be recognised */
    FORM_JSON,
    FORM_FLAT,
    FORM_HTTP, /* httpsig@1.0: header lines, an empty one, the body */
    FORM_ANS104,
    FORM_TEXT, /* for people; cannot be read */
    FORM_COUNT
} cli_form;

/* false: no such form. "text" only if `is_output`. */
bool cli_form_find(const char *name, bool is_output, cli_form *out);
/* The form in which messages with commitments of a codec are usually passed on. */
cli_form cli_form_of_codec(const char *codec);
/* The codec of a form; NULL for FORM_ANY and FORM_TEXT. */
const char *cli_form_codec(cli_form form);

/* The message that bytes are.
 *   form  FORM_ANY recognises: ANS-104 by its first bytes, JSON by its brace or bracket, HTTP
 *         by an empty line or a header `signature`, and takes anything else for flat text,
 *         whose every line must then be `key: value`; FORM_FLAT passes over others
 * Errors: those of decoding; the offset is in the bytes. */
beamr_status cli_form_read(ao_context *context, cli_form form, beamr_bytes bytes,
                           BEAMR_OWN ao_message **out, beamr_error *err);
/* Read a file; "-" is stdin.  Errors: also those of cli_file_read. */
beamr_status cli_message_read(ao_context *context, cli_form form, const char *path,
                              BEAMR_OWN ao_message **out, beamr_error *err);
/* Write a message in a form; on a terminal nothing but text gets there. Whether that went well
 * is known when the stream is closed or checked by cli_finish.  Errors: those of encoding. */
beamr_status cli_form_write(ao_context *context, cli_form form, const ao_message *message,
                            FILE *out, beamr_error *err);
/* Likewise into a file, or to stdout for NULL and "-". A file is opened once the message is
 * encoded, so that one that cannot be leaves it as it was.  Errors: also BEAMR_IO. */
beamr_status cli_message_write(ao_context *context, cli_form form, const ao_message *message,
                               const char *path, beamr_error *err);

/* Write any value as JSON and a line end: messages as json@1.0 has them, lists as arrays,
 * literals as JSON's own; atoms that are none of these as texts.
 *   context  NULL: messages as mere objects of their values, for people
 * Errors: those of encoding. */
beamr_status cli_json_write(ao_context *context, ao_value value, FILE *out, beamr_error *err);

/* Print bytes as they are; on a terminal with everything escaped but line feeds and tabs. */
void cli_print_bytes(FILE *out, beamr_bytes bytes);
/* Likewise as the last thing that is printed: on a terminal a line end comes behind them. */
void cli_print_last(FILE *out, beamr_bytes bytes);

/* ---- For people: ao_print.c ---- */

/* A float so that it reads back as the same, and as a float: 15.0. Borrowed from `buffer`. */
#define CLI_FLOAT_TEXT_SIZE 48
const char *cli_float_text(ao_value value, char buffer[CLI_FLOAT_TEXT_SIZE]);
/* Print a value: a message one key a line, nested ones indented below theirs, with types shown
 * and long binaries shortened; a literal alone on its line. Links are not loaded. */
void cli_print_value(FILE *out, ao_value value);

struct task_end; /* ao/task.h */
/* Say behind `not_found` which key there is not, and where: resolve_end.c.
 *   list  that was resolved; `end` is where */
void cli_end_tell(FILE *out, ao_value list, const struct task_end *end);

/* Print a commitment's id, and its device, algorithm and committer as far as it has them,
 * separated by spaces, without a line end.
 *   commitment  what stands under the id; need not be a message */
void cli_print_commitment(FILE *out, beamr_bytes id, ao_value commitment);

#endif
