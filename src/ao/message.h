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
/* Likewise of a message that is taken over in any case: itself, if nobody else holds it. */
beamr_status message_take_chain(BEAMR_OWN ao_message *message, BEAMR_OWN ao_chain *chain,
                                BEAMR_OWN ao_message **out, beamr_error *err);

/* As ao_builder_begin with a message that is taken over in any case. What nobody else holds of
 * it is changed in place. */
void builder_take(ao_builder *builder, BEAMR_OWN ao_message *from, const ao_limits *limits,
                  beamr_error *err);
/* The message that a resolution gave, in place of ao_call_result; the caller's.  NULL: another
 * value, which stays. */
ao_message *call_take_message(ao_call *call);

/* The unsigned id that was computed before, kept with the contents; any thread. */
bool message_cached_id(const ao_message *message, uint8_t id[AO_ID_SIZE]);
void message_cache_id(const ao_message *message, const uint8_t id[AO_ID_SIZE]);

/* The value of a public key that is normalised; borrowed, AO_NONE when there is none. */
ao_value message_find_normal(const ao_message *message, beamr_bytes key);

/* Likewise of a key that is written in the source, normalised: its length is then known too. */
static inline ao_value message_key(const ao_message *message, const char *key)
{
    return message_find_normal(message, beamr_bytes_of(key));
}

/* Likewise, with a link loaded.  Errors: as ao_message_get. */
static inline beamr_status message_load_key(const ao_message *message, const char *key,
                                            ao_value *out, beamr_error *err)
{
    ao_value value = message_key(message, key);

    if (value.kind == AO_LINK)
        return ao_value_load(value, out, err);
    *out = value;
    return BEAMR_OK;
}

/* All private keys of the top level, as a message whose private keys are found like public
 * ones; NULL for none. Borrowed. */
const ao_message *message_private(const ao_message *message);

#endif
