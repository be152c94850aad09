/* What the files about commitments share: going through them, and lists of texts to look in. */
#ifndef AO_COMMIT_LIST_H
#define AO_COMMIT_LIST_H

#include "ao/commit.h"

/* ---- Commitments, one by one ---- */

typedef struct commitment_entry {
    const ao_name *name; /* the key */
    beamr_bytes id;      /* its text */
    const ao_message *message;
} commitment_entry;

/* Goes through the commitments of a message, in ascending order of their ids; all is borrowed
 * from it. */
typedef struct commitment_cursor {
    const ao_message *all; /* NULL: there are none */
    ao_cursor at;
} commitment_cursor;

beamr_status commitments_begin(const ao_message *message, commitment_cursor *cursor,
                               beamr_error *err);
/* The next one.
 *   out  its message is NULL at the end */
beamr_status commitments_next(commitment_cursor *cursor, commitment_entry *out,
                              beamr_error *err);
/* The committer; no bytes when there is none. */
beamr_status commitment_committer(const commitment_entry *c, beamr_bytes *out,
                                  beamr_error *err);

/* ---- Lists of texts ---- */

/* One text that is wanted. Ids and addresses have a short form of 32 bytes, of which a text is
 * made. */
typedef struct wanted_text {
    beamr_bytes given;           /* borrowed from the list */
    char buffer[AO_ID_TEXT + 1]; /* of a short form; else empty */
    bool is_found;
} wanted_text;

beamr_bytes wanted_text_of(const wanted_text *t);

typedef struct wanted {
    enum { WANTED_NONE, WANTED_ALL, WANTED_LISTED } how;
    ao_value list;      /* counted; AO_NONE unless LISTED */
    wanted_text *texts; /* sorted; owned */
    size_t count;
} wanted;

/* Read `all`, `none`, a text, or a list of texts; AO_NONE is none.
 *   what  the name of it, for the text of a failure
 * Errors: BEAMR_ARGUMENT (another value), BEAMR_NO_MEMORY. */
beamr_status wanted_read(ao_value value, const char *what, wanted *out, beamr_error *err);
void wanted_clear(wanted *w);
/* The text is listed, or all are; notes that it was found. */
bool wanted_has(wanted *w, beamr_bytes text);

#endif
