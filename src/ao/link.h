/* Links: values that are loaded when they are first read.
 * A failure is not kept: the next read tries again.
 * Threads: any; two that load at once get the same value, and one copy is kept. */
#ifndef AO_LINK_H
#define AO_LINK_H

#include "beamr/ao/message.h"

/* Loads what an id leads to: a value that is no link itself, counted. */
typedef beamr_status (*ao_loader)(void *user, beamr_bytes id, ao_value *out, beamr_error *err);

/* A link to an id.
 *   kind    of what it leads to: AO_MESSAGE or AO_BINARY
 *   id      at most AO_NAME_MAX bytes
 *   user    for `load`; lives as long as the link (the context of the store) */
ao_value ao_link_new(beamr_bytes id, ao_kind kind, ao_loader load, void *user);
beamr_bytes ao_link_id(ao_value link); /* borrowed */
ao_kind ao_link_kind(ao_value link);

#endif
