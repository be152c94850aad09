/* Setting and removing: what message@1.0 does with `set`, `set-path` and `remove`.
 * Source: AO-Core messages, "Set, remove, unset". */
#ifndef AO_SET_H
#define AO_SET_H

#include "ao/context.h"

/* `base` with the keys of `request`, as message@1.0/set has it: reserved names and private keys
 * left out, `undefined` ignored, `unset` removes; messages are merged with those that were
 * there, unless the request's `set-mode` is `explicit`. Commitments of `base`, and of those
 * within that were merged, are dropped when a key that they cover has another value now, or when
 * it cannot be told what they cover.
 * Private keys of `base` stay. Keys with `/` are taken as they are. Errors: BEAMR_LIMIT,
 * BEAMR_NO_MEMORY, those of loading a link that is merged. */
beamr_status ao_set(ao_context *context, const ao_message *base, const ao_message *request,
                    BEAMR_OWN ao_message **out, beamr_error *err);
/* One value at a path below `base`, whose messages are plain (no device of theirs overrides
 * `set`). At the end of the path it is as with ao_set; messages on the way are made where they
 * are missing, lists become numbered messages, and each drops its commitments as above. A path
 * through private or reserved keys changes nothing; the empty path is ao_set.
 * Errors: BEAMR_ARGUMENT (below a literal: where; no message at the empty path), BEAMR_LIMIT,
 * BEAMR_NO_MEMORY, those of loading. */
beamr_status ao_set_path(ao_context *context, const ao_message *base, beamr_bytes path,
                         ao_value value, BEAMR_OWN ao_message **out, beamr_error *err);
/* `base` with the public keys of `more`, where messages that both have are merged likewise. Not
 * what `set` does: nothing is reserved, removed or checked. Private keys of `base` stay.
 * Errors: BEAMR_LIMIT, BEAMR_NO_MEMORY, those of loading a link that is merged. */
beamr_status ao_merge(const ao_message *base, const ao_message *more,
                      BEAMR_OWN ao_message **out, beamr_error *err);
/* `base` without the keys of a list (also one that was numbered), or without one key; compared
 * normalised. Private keys stay.  Errors: BEAMR_NO_MEMORY. */
beamr_status ao_remove(const ao_message *base, ao_value keys, BEAMR_OWN ao_message **out,
                       beamr_error *err);

#endif
