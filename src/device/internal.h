/* What the files of src/device/ share. */
#ifndef DEVICE_INTERNAL_H
#define DEVICE_INTERNAL_H

#include "ao/commit.h"
#include "ao/context.h"
#include "ao/message.h"
#include "base/text.h"
#include "beamr/types.h"

/* ---- Arguments: argument.c ---- */

/* A key of the request with its link loaded, borrowed; AO_NONE when absent. */
beamr_status dev_argument(ao_call *call, const char *key, ao_value *out, beamr_error *err);
/* The same as a list: a numbered message becomes one, anything else stays what it is.
 *   out  holds a count */
beamr_status dev_argument_list(ao_call *call, const char *key, BEAMR_OWN ao_value *out,
                               beamr_error *err);
/* A key of the base with its link loaded, borrowed; AO_NONE when absent. */
beamr_status dev_base_value(const ao_call *call, const char *key, ao_value *out,
                            beamr_error *err);
/* `list` holds `text`, or is it. */
bool dev_list_has(ao_value list, beamr_bytes text);

/* The commitments that a request asks for: its keys `committers` and `commitments`.
 *   out  to be given back with dev_selection_clear, also after a failure */
beamr_status dev_selection(ao_call *call, ao_selection *out, beamr_error *err);
void dev_selection_clear(ao_selection *selection);
/* The message that `verify`, `commit` and `committed` are about: the base, or what the request
 * has under the key that its key `target` names, or else under `body`. Borrowed; NULL, and
 * BEAMR_OK, when that is no message. */
beamr_status dev_target(ao_call *call, const ao_message **out, beamr_error *err);

/* ---- Prefixes and results of guests: prefix.c ---- */

#define DEV_PREFIX_MAX 200 /* bytes */
#define DEV_PREFIX_PARTS 8

/* A prefix of the base: its `input-prefix` or `output-prefix`, without slashes at its ends;
 * borrowed; empty when there is none.  Errors: BEAMR_ARGUMENT (no text, too long, too many
 * parts, or a part that is private). */
beamr_status dev_prefix(const ao_message *base, const char *key, beamr_bytes *out,
                        beamr_error *err);
/* The value at PREFIX/KEY of a message, links loaded, devices left out; borrowed; AO_NONE when
 * there is none.  Errors: those of loading. */
beamr_status dev_prefixed(const ao_message *message, beamr_bytes prefix, const char *key,
                          ao_value *out, beamr_error *err);
/* The private path PREFIX/KEY as ao_private_find takes it. */
#define DEV_PATH_SIZE (DEV_PREFIX_MAX + 64)
void dev_private_path(beamr_bytes prefix, const char *key, char out[DEV_PATH_SIZE]);

/* `message` with keys in its results/PREFIX, in place of what they had. What is no message on
 * the way is replaced by one. Commitments that cover what changes are dropped.
 *   pairs  their values are taken over in any case */
typedef struct dev_pair {
    const char *key;
    ao_value value;
    bool is_removed; /* there is no such key then; `value` is AO_NONE */
} dev_pair;
beamr_status dev_with_results(ao_context *context, const ao_message *message,
                              beamr_bytes prefix, const dev_pair *pairs, size_t count,
                              BEAMR_OWN ao_message **out, beamr_error *err);

/* Likewise, and with a private key at PREFIX beside others that are there, in one step.
 *   instance  its value is taken over too */
beamr_status dev_with_end(ao_context *context, const ao_message *message, beamr_bytes prefix,
                          const dev_pair *instance, const dev_pair *pairs, size_t count,
                          BEAMR_OWN ao_message **out, beamr_error *err);

/* ---- Numbers of guests: number.c ---- */

/* A number as a value of a kind: an integer in the signed or unsigned range, or a float that is
 * one; of a float, any number, and the atoms of dev_special_float.  Returns false when it does
 * not fit, or is no number; `out` is then of no use. */
bool dev_number(ao_value value, beamr_kind kind, beamr_value *out);
/* The atoms for floats that no message can hold: nan, infinity, neg_infinity; also inf and
 * -inf, which are understood. */
bool dev_special_float(ao_value value, double *out);
/* A value of a guest as one of messages: references and vectors as text. */
ao_value dev_value(const beamr_value *value);

/* A number option: not negative, `none` when it is not given.  Errors: BEAMR_ARGUMENT. */
beamr_status dev_option_number(const ao_call *call, const char *name, uint64_t none,
                               uint64_t *out, beamr_error *err);

/* Options for what a device resolves on the way: no hashpaths, no cache. */
ao_options dev_inner_options(const ao_call *call);

/* ---- message@1.0 ---- */

beamr_status dev_message_set(ao_call *call, beamr_error *err); /* `set`: message_set.c */

#endif
