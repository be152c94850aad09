/* Changes below the top level: merging messages, and setting a value at a path.
 * Devices play no part in either. */
#ifndef AO_MERGE_H
#define AO_MERGE_H

#include "ao/internal.h"

/* Cut the first part off a path: parts are separated by `/`, empty ones are skipped. false when
 * there is none. */
bool key_next(beamr_bytes *path, beamr_bytes *part);

/* `base` with the public keys of `more`; where both have messages, these are merged likewise,
 * otherwise the value of `more` stays. Private keys of `base` stay, those of `more` are left
 * out. Links to messages that are merged are loaded.  Errors: BEAMR_LIMIT, BEAMR_NO_MEMORY,
 * those of loading. */
beamr_status message_merge(const ao_message *base, const ao_message *more,
                           BEAMR_OWN ao_message **out, beamr_error *err);

/* Likewise for two values: what a key has after its old value was merged with a new one.
 *   old  may be AO_NONE
 *   out  counted */
beamr_status merge_value(ao_value old, ao_value value, ao_value *out, beamr_error *err);

/* How one message on a path gets the value of a key.
 *   value      taken over in any case
 *   is_target  the key is the last one of the path */
typedef beamr_status (*path_putter)(void *user, const ao_message *message, beamr_bytes key,
                                    BEAMR_OWN ao_value value, bool is_target,
                                    BEAMR_OWN ao_message **out, beamr_error *err);

/* `base` with a value at a path; messages that are missing on the way are made, and lists on it
 * become numbered messages.
 *   base   NULL: the empty message
 *   path   has at least one part
 *   value  taken over in any case
 *   put    NULL: the value stands in place of what was there
 * Errors: BEAMR_ARGUMENT (below a literal; offset: where in the path), BEAMR_LIMIT,
 * BEAMR_NO_MEMORY, those of loading a link on the way, and of `put`. */
beamr_status message_with_path(const ao_message *base, beamr_bytes path,
                               BEAMR_OWN ao_value value, path_putter put, void *user,
                               BEAMR_OWN ao_message **out, beamr_error *err);

#endif
