/* Messages, as far as higher layers need more than beamr/ao/message.h has: their history, their
 * private keys, and the unsigned id that is kept with them.
 * Threads: as messages. */
#ifndef AO_MESSAGE_H
#define AO_MESSAGE_H

#include "beamr/ao/context.h"

/* How a message came about: hashpath.c makes and reads it, message.c holds it. A struct
 * ao_chain begins with an ao_object. */
typedef struct ao_chain ao_chain;

ao_chain *chain_ref(const ao_chain *chain); /* accepts NULL */
void chain_unref(const ao_chain *chain);    /* accepts NULL */

/* Borrowed; NULL for none. */
const ao_chain *message_chain(const ao_message *message);
/* The same contents with another chain, which is taken over in any case; NULL for none. Shares
 * everything. */
beamr_status message_with_chain(const ao_message *message, BEAMR_OWN ao_chain *chain,
                                BEAMR_OWN ao_message **out, beamr_error *err);

/* The unsigned id that was computed before, kept with the contents; any thread. */
bool message_cached_id(const ao_message *message, uint8_t id[AO_ID_SIZE]);
void message_cache_id(const ao_message *message, const uint8_t id[AO_ID_SIZE]);

/* All private keys of the top level, as a message whose private keys are found like public
 * ones; NULL for none. Borrowed. */
const ao_message *message_private(const ao_message *message);

#endif
