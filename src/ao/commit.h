/* Commitments of a message: which are selected, ids of selections, committed keys, verifying,
 * and messages with fewer of them.
 * The cryptography is the codecs' (ao/codec.h), each of which is asked for the commitments that
 * name it. What stands under `commitments` and is no message is no commitment, and is passed
 * over. Links are loaded: every function here can also fail as ao_message_get does.
 * Source: AO-Core messages, "Commitments" and "Commitment filters"; ids, "Ids of signed
 * messages". */
#ifndef AO_COMMIT_H
#define AO_COMMIT_H

#include "ao/context.h"

/* Commitments of a message. Checking each takes time in proportion to the whole message, so
 * that of a message with more none is selected: BEAMR_LIMIT. */
#define AO_COMMITMENTS_MAX 128

/* ---- Selecting ---- */

/* Which commitments: the union of those by committer and those by id. Borrows its values. */
typedef struct ao_selection {
    /* A list of addresses, one address, or `all` or `none` as binary or atom; AO_NONE: none.
     * `all` are those that have a committer, which an HMAC has not. */
    ao_value committers;
    /* A list of ids, one id, or `all` or `none`; AO_NONE: all when `committers` is none, else
     * none. Ids that the message does not have select nothing. */
    ao_value commitments;
    /* Selects without looking at the values above. */
    enum { AO_SELECT_BY_VALUES, AO_SELECT_COMMITTED, AO_SELECT_EVERY } fixed;
} ao_selection;

extern const ao_selection AO_SELECT_SIGNED; /* committers=all */
extern const ao_selection AO_SELECT_ALL;    /* commitments=all */

/* The commitments selected, as a message of id and commitment; empty when none is.
 * Errors: BEAMR_NOT_FOUND (a committer that was asked for has none; the text begins with
 * "requested_committers_not_found"), BEAMR_ARGUMENT (no such selection), BEAMR_LIMIT (more
 * than AO_COMMITMENTS_MAX in all), BEAMR_NO_MEMORY. */
beamr_status ao_commitments_select(const ao_message *message, const ao_selection *selection,
                                   BEAMR_OWN ao_message **out, beamr_error *err);

/* ---- Of a selection ---- */

/* The id of a selection: unsigned, of the one commitment, or of the joined ids.
 * Errors: those of selecting and of encoding; BEAMR_MESSAGE (a commitment under what is no
 * id). */
beamr_status ao_id_of(ao_context *context, const ao_message *message,
                      const ao_selection *selection, char out[AO_ID_TEXT + 1],
                      beamr_error *err);
/* Likewise as bytes. */
beamr_status ao_id_bytes_of(ao_context *context, const ao_message *message,
                            const ao_selection *selection, uint8_t out[AO_ID_SIZE],
                            beamr_error *err);
/* The keys that all selected commitments cover: a list of binaries, in bytewise order, empty
 * when no commitment is selected. One of an unknown device covers nothing. */
beamr_status ao_committed(ao_context *context, const ao_message *message,
                          const ao_selection *selection, ao_value *out, beamr_error *err);
/* Every selected commitment is valid; true when none is selected.
 *   why  a short text when not, a static string; may be NULL */
beamr_status ao_verify(ao_context *context, const ao_message *message,
                       const ao_selection *selection, bool *is_valid, const char **why,
                       beamr_error *err);

/* ---- Of all commitments ---- */

/* The committed keys alone, and `commitments`; the message itself when it has no commitments.
 * No private keys. */
beamr_status ao_only_committed(ao_context *context, const ao_message *message,
                               BEAMR_OWN ao_message **out, beamr_error *err);
/* The committers of all commitments that have one: a list of binaries. */
beamr_status ao_committers(const ao_message *message, ao_value *out, beamr_error *err);

/* ---- Messages with fewer commitments ---- */

/* `message` with those of its commitments that match, or that don't; without the key
 * `commitments` when none is left.
 *   spec  a message, whose keys a commitment must match (AO_MATCH_PRIMARY), or an address
 * Errors: BEAMR_ARGUMENT (another spec), BEAMR_NO_MEMORY. */
beamr_status ao_with_commitments(const ao_message *message, ao_value spec,
                                 BEAMR_OWN ao_message **out, beamr_error *err);
beamr_status ao_without_commitments(const ao_message *message, ao_value spec,
                                    BEAMR_OWN ao_message **out, beamr_error *err);
/* The one commitment that matches.
 *   id          gets its id, a binary
 *   commitment  gets it, with a count; each may be NULL
 * Errors: BEAMR_NOT_FOUND; BEAMR_CONFLICT (several match; the text begins with
 * "multiple_matches"). */
beamr_status ao_find_commitment(const ao_message *message, ao_value spec, ao_value *id,
                                BEAMR_OWN ao_message **commitment, beamr_error *err);
/* `message` with those of its commitments whose committer is in a list; HMACs go. */
beamr_status ao_with_only_committers(const ao_message *message, ao_value committers,
                                     BEAMR_OWN ao_message **out, beamr_error *err);
/* Without the key `commitments`. */
beamr_status ao_uncommitted(const ao_message *message, BEAMR_OWN ao_message **out,
                            beamr_error *err);

#endif
