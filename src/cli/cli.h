/* What the commands of `beamr` share: exit codes, messages, reading files and numbers.
 * A command is one file with one function, listed in main.c; it parses its own options with
 * getopt_long and answers `--help` itself. Results go to stdout, everything else to stderr. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdarg.h>
#include <stdio.h>

#include "beamr/beamr.h"

/* What the process ends with. */
enum cli_exit {
    CLI_OK = 0,     /* all went well */
    CLI_FAILED = 1, /* the guest failed: a trap, an exception, a failed assertion */
    CLI_USAGE = 2,  /* wrong usage, or an input that cannot be used */
};

/* The commands. argv[0] is the full name ("beamr run"), as getopt_long and the functions below
 * show it; the command's own options begin at argv[1], and optind is reset. Each returns the
 * process's exit code. */
int cli_run(int argc, char **argv);
int cli_inspect(int argc, char **argv);
int cli_validate(int argc, char **argv);
int cli_compile(int argc, char **argv);
int cli_wast(int argc, char **argv);
int cli_wallet(int argc, char **argv);
int cli_resolve(int argc, char **argv);
int cli_id(int argc, char **argv);
int cli_message(int argc, char **argv);
int cli_aos(int argc, char **argv);

/* ---- Messages ---- */

/* Print a command's help on stdout.  Returns CLI_OK. */
int cli_help(const char *text);

/* Report wrong usage on stderr as "<command>: <message>", and where help is found.
 *   format  as printf; NULL when getopt_long has told what is wrong already
 * Returns CLI_USAGE. */
int cli_usage(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Print a failure on stderr: "<command>: <what>: <status>: <text>", the byte offset where there
 * is one, and below it the backtrace, one frame a line.
 *   what  the file or function concerned; NULL to leave it out
 * Returns the exit code that fits, as cli_exit_of. */
int cli_error(const char *command, const char *what, const beamr_error *err);

/* The backtrace alone; prints nothing when there is none. */
void cli_backtrace(FILE *out, const beamr_error *err);

/* CLI_OK for BEAMR_OK; CLI_FAILED for what happens while a guest runs (a trap, an exception, no
 * memory left); CLI_USAGE for inputs that are refused before that. */
int cli_exit_of(beamr_status status);

/* Make sure that what was printed on stdout got there, and say so if not: a full disk or a
 * closed pipe is no success.
 *   code  the exit code so far
 * Returns `code`, or CLI_FAILED. */
int cli_finish(const char *command, int code);

/* Make sure that the descriptors 0 to 2 are taken, so that no file that is opened later becomes
 * a standard stream by chance. Those that are closed get one that can't be read or written. */
void cli_hold_streams(void);

/* ---- Input ---- */

/* The contents of a file. */
typedef struct cli_file {
    uint8_t *data; /* owned; NUL behind the last byte */
    size_t len;
} cli_file;

/* Enough for any module that the engine accepts. */
#define CLI_FILE_MAX ((size_t)1 << 30)

/* Read a whole file; "-" is stdin.
 *   limit  bytes; a larger file is refused, also one that has no size of its own, like a pipe
 *   out    to be cleared with cli_file_clear; untouched on failure
 * Errors: BEAMR_IO (the text names the file and the reason), BEAMR_LIMIT, BEAMR_NO_MEMORY (it
 * does not). */
beamr_status cli_file_read(const char *path, size_t limit, BEAMR_OWN cli_file *out,
                           beamr_error *err);
void cli_file_clear(cli_file *file); /* accepts an empty one */
beamr_bytes cli_file_bytes(const cli_file *file);

/* Read a module from a file with an engine.  Errors: as cli_file_read and beamr_module_load. */
beamr_status cli_module_read(beamr_engine *engine, const char *path,
                             BEAMR_OWN beamr_module **out, beamr_error *err);

/* Read the word of --tier: "interpret" or "native".
 * Returns CLI_OK, or CLI_USAGE when it has told what is wrong. */
int cli_tier(const char *command, const char *word, beamr_tier *out);

/* Say on stderr if a module that was to be compiled is interpreted after all.
 *   what  names it */
void cli_tell_interpreted(const char *command, const char *what, const beamr_module *module);

/* Read a whole word as an unsigned number, decimal or 0x hexadecimal, without a sign.
 *   max  largest value allowed
 * Returns false, and leaves `out`, when it is anything else. */
bool cli_number(const char *word, uint64_t max, uint64_t *out);

/* A unit of a number on the command line, and what it stands for. */
typedef struct cli_unit {
    const char *text;
    uint64_t factor;
} cli_unit;

extern const cli_unit cli_time_units[]; /* to milliseconds: 500ms, 2s, 1m */
extern const cli_unit cli_size_units[]; /* to bytes: 1000000, 64KiB, 16MiB, 2GiB */

/* Read a number above 0 with one of `units` behind it.  Returns false for anything else. */
bool cli_number_with_unit(const char *word, const cli_unit *units, uint64_t *out);

/* Longer is no limit that anybody means. */
#define CLI_TIME_MAX_MS (UINT64_C(1000) * 60 * 60 * 24 * 365)

/* The last component of a path. */
const char *cli_basename(const char *path);

#endif
