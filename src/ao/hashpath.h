/* Hashpaths: how a message came about.
 * A result remembers its requests in a chain of links, and the message that they begin with;
 * the hashpath is computed from it when somebody asks. A chain longer than AO_CHAIN_MAX is
 * computed at once, so that it holds no more messages alive than that. Source: AO-Core ids,
 * "Hashpaths". */
#ifndef AO_HASHPATH_H
#define AO_HASHPATH_H

#include "ao/context.h"

#define AO_CHAIN_MAX 16

/* `result` with the hashpath of base and request.
 *   key     the first part of the request's path, as written; `request` may be NULL if it is
 *           only a key
 *   result  taken over in any case */
beamr_status ao_hashpath_link(ao_context *context, const ao_message *base,
                              const ao_message *request, beamr_bytes key,
                              BEAMR_OWN ao_message *result, BEAMR_OWN ao_message **out,
                              beamr_error *err);
/* The hashpath that such a result has, as ao_hashpath_next, of a call's base and request. */
beamr_status hashpath_of_call(ao_context *context, const ao_message *base,
                              const ao_message *request, beamr_bytes key, ao_value *out,
                              beamr_error *err);
/* `message` without a hashpath. */
beamr_status ao_hashpath_reset(const ao_message *message, BEAMR_OWN ao_message **out,
                               beamr_error *err);
/* The hashpath of a message or a binary: a binary. */
beamr_status ao_hashpath_of(ao_context *context, ao_value value, ao_value *out,
                            beamr_error *err);
/* The hashpath that a message carries, in `priv/hashpath` or as it came about; AO_NONE when it
 * only has an id. */
beamr_status ao_hashpath_find(ao_context *context, const ao_message *message, ao_value *out,
                              beamr_error *err);
/* The hashpath that the result of base and request would have.
 *   base, request  messages, or an id or binary for base and a key for request */
beamr_status ao_hashpath_next(ao_context *context, ao_value base, ao_value request,
                              ao_value *out, beamr_error *err);
/* One link of the algorithm `name` ("sha-256-chain", "accumulate-256"): 32 bytes and the second
 * part, decoded if it is an id.  Errors: BEAMR_ARGUMENT (no such algorithm), BEAMR_NO_MEMORY.
 */
beamr_status ao_hashpath_mix(beamr_bytes name, const uint8_t first[AO_ID_SIZE],
                             beamr_bytes second, uint8_t out[AO_ID_SIZE], beamr_error *err);
/* Messages M1, M2, M3, ... are a history: hashpath(M1, M2) is hashpath(M3), and so on. */
beamr_status ao_hashpath_verify(ao_context *context, ao_value messages, bool *is_valid,
                                beamr_error *err);

#endif
