/* What the files of `beamr aos` share.
 *
 *   aos.c          the command: options, and what is sent
 *   aos_process.c  the process: its messages, and the states that they make
 *   aos_print.c    answers, for people and pipes
 *   aos_read.c     expressions out of lines
 *   aos_prompt.c   the prompt on a terminal, with its history and its own commands
 *   aos_save.c     processes in folders
 *   aos_lock.c     who may save into one */
#ifndef CLI_AOS_H
#define CLI_AOS_H

#include "cli/ao.h"

typedef struct aos_options {
    const char *command, *module; /* module: NULL with `load` */
    const char *wallet, *save, *load;
    const char *action;
    char *const *tags; /* NAME=VALUE, of every message */
    size_t tag_count;
    char *const *process_tags; /* of the process */
    size_t process_tag_count;
    bool has_time;
    uint64_t time_ms, height;
    bool shows_outbox;
    beamr_tier tier;    /* BEAMR_TIER_DEFAULT: as the process and the node's options say */
    ao_builder *values; /* options of the node */
} aos_options;

/* ---- The process: aos_process.c ---- */

typedef struct aos {
    const aos_options *opt;
    cli_session session; /* its store is the one that the process was loaded from */
    ao_message *values;
    ao_message *state;                /* that the last message has left; counted */
    char id[AO_ID_TEXT + 1];          /* of the process */
    int64_t slot;                     /* of the last message */
    size_t shown_output, shown_error; /* bytes of the standard streams that were printed */
    int folder;                       /* that is locked, to save into it; -1: none */
    int code;                         /* what the command ends with */
} aos;

/* Make the process around a module, or load it, and init it.  Returns CLI_OK, or what the
 * command ends with, having said why. aos_close in any case. */
int aos_open(const aos_options *opt, aos *out);
void aos_close(aos *process);
/* Send a message with this data, and print what comes of it. What goes wrong is printed, and
 * the process goes on from where it can; process->code remembers it. */
void aos_send(aos *process, beamr_bytes data);
/* Note an exit code; the highest stays. */
void aos_note(aos *process, int code);

/* End the message that is being computed, or the next one if there is none; the state stays as
 * before it. May be called from a signal handler. */
void aos_interrupt(void);
/* What came before this is not for the next message. */
void aos_forget_interrupt(void);

/* ---- Answers: aos_print.c ---- */

/* Print what the standard streams of the process got since last time. */
void aos_print_streams(aos *process);
/* Print the results of a message.
 *   is_error  the outcome was one
 * Returns CLI_OK, or CLI_FAILED if they are an error. */
int aos_print_results(aos *process, bool is_error);
void aos_print_outbox(const aos *process);

/* ---- Expressions: aos_read.c ---- */

/* Lines until they are a whole expression. */
typedef struct aos_text {
    char *data; /* owned; ends in a NUL */
    size_t len, capacity;
    struct aos_scan {
        size_t at;             /* bytes that were looked at: whole lines */
        long brackets, blocks; /* that are open */
        bool is_long;          /* within a long string or comment, */
        size_t level;          /* whose end has so many `=` */
    } scan;
} aos_text;

/* Add a line, with or without its line feed; false: memory is gone. */
bool aos_text_add(aos_text *text, const char *line, size_t len);
void aos_text_clear(aos_text *text);
void aos_text_reset(aos_text *text); /* keeps its memory */
/* Brackets, blocks, strings and comments of Lua are closed, and it does not end in a backslash
 * (which aos_text_add has taken away again, if so). */
bool aos_text_is_whole(aos_text *text);
/* Nothing but white space. */
bool aos_text_is_blank(const aos_text *text);

/* Send what standard input says, one expression after the other. */
void aos_read_all(aos *process);

/* ---- The prompt: aos_prompt.c ---- */

void aos_prompt(aos *process);

/* ---- Folders: aos_save.c ---- */

/* Keep a process in a folder, which is made: a crash leaves what was there, or this.
 * Returns CLI_OK, or what the command ends with, having said why. */
int aos_save(aos *process, const char *folder);
/* Say at once if nothing can be kept in a folder, before there is anything to lose.
 * Returns CLI_OK, or what the command ends with, having said why. */
int aos_save_check(const char *command, const char *folder);
/* The store in which a folder keeps its process, "lmdb:...", to be freed, and the id.
 * Errors: BEAMR_IO, BEAMR_NOT_FOUND (there is none), BEAMR_MESSAGE (damaged), BEAMR_NO_MEMORY.
 */
beamr_status aos_saved(const char *folder, char **kv, char id[AO_ID_TEXT + 1],
                       beamr_error *err);

/* ---- Locks: aos_lock.c ---- */

/* Lock a folder that is there: until the descriptor is closed, or this program ends, nobody else
 * gets it. When another one has it, say so and wait.
 *   seconds  as long as it waits; 0: for ever
 *   out      the folder; not locked where there are no locks
 * Errors: BEAMR_BUSY (who has it), BEAMR_IO. */
beamr_status aos_lock(const char *command, const char *folder, int seconds, int *out,
                      beamr_error *err);
/* This is the folder that the process has locked. */
bool aos_has_locked(const aos *process, const char *folder);

#endif
