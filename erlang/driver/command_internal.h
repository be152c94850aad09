/* What the two forms of commands share. */
#ifndef DRIVER_COMMAND_INTERNAL_H
#define DRIVER_COMMAND_INTERNAL_H

#include "driver/command.h"

/* Something in the command's bytes that is to be kept. */
typedef struct drv_keep {
    beamr_bytes *to;
    drv_item item;   /* its bytes, or a LIST of characters */
    drv_reader list; /* LIST: behind its head */
    size_t size;     /* of what is kept */
} drv_keep;

enum { DRV_KEEPS = 4 };

/* A command that is being read. */
typedef struct drv_reading {
    drv_command *out;
    beamr_error *err;
    drv_reader at;
    ErlDrvBinary *binary; /* that the term lies in, or NULL: bytes in it may be held */
    bool has_behind;      /* something may stand behind the term */
    beamr_bytes behind;
    ErlDrvBinary *behind_binary; /* that it lies in, or NULL */
    size_t keep_count;
    drv_keep keeps[DRV_KEEPS];
} drv_reading;

void drv_reading_init(drv_reading *r, drv_command *out, beamr_error *err);

beamr_status drv_unknown_command(beamr_error *err);
/* "Failed to convert terms to wasm vals", and why. */
beamr_status drv_args_refused(const beamr_error *why, beamr_error *err);

/* ---- Parts of commands: each takes the next term ---- */

/* Keep text: a binary, a string or a list of characters, which becomes UTF-8. */
beamr_status drv_take_text_term(drv_reading *r, beamr_bytes *out);
/* An integer: UINT64_MAX and is_odd when it is not in 64 bits. */
beamr_status drv_take_offset(drv_reading *r, uint64_t *out);
/* An integer, not negative: UINT64_MAX when it is beyond 64 bits.
 *   what  text of the error for anything else */
beamr_status drv_take_number(drv_reading *r, const char *what, uint64_t *out);
/* Bytes: held if they are many and lie in a binary, or else kept. */
beamr_status drv_take_image(drv_reading *r);
void drv_take_behind(drv_reading *r); /* likewise, those behind the term */
beamr_status drv_take_target(drv_reading *r);
beamr_status drv_take_index(drv_reading *r);
/* All that is left of the term: arguments of a call, results of an import. */
beamr_status drv_take_args(drv_reading *r);
beamr_status drv_take_list(drv_reading *r);
/* A map of options. */
beamr_status drv_take_options(drv_reading *r);
/* wasm or aot. */
beamr_status drv_take_mode(drv_reading *r);

void drv_keep_bytes(drv_reading *r, beamr_bytes bytes, beamr_bytes *to);
/* Copy all that is to be kept into the command. Errors: BEAMR_NO_MEMORY. */
beamr_status drv_keep_all(drv_reading *r);

/* ---- Forms ---- */

/* A term with reference, and one without. */
beamr_status drv_read_own(drv_reading *r, unsigned op, beamr_bytes term);
beamr_status drv_read_plain(drv_reading *r, beamr_bytes term);

#endif
