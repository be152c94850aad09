/* What the files of src/device/ share. */
#ifndef DEVICE_INTERNAL_H
#define DEVICE_INTERNAL_H

#include "ao/commit.h"
#include "ao/context.h"
#include "base/text.h"

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

/* Options for what a device resolves on the way: no hashpaths, no cache. */
ao_options dev_inner_options(const ao_call *call);

/* ---- message@1.0 ---- */

beamr_status dev_message_set(ao_call *call, beamr_error *err); /* `set`: message_set.c */

#endif
