/* Messages in a key-value store, by content.
 * A message becomes a record under the hash of its bytes; nested messages and large binaries
 * are stored likewise, with links in between, so that equal parts are stored once and a part
 * can be read alone. Ids lead to records: the unsigned id of each message, and the ids of
 * commitments that are valid. Names (links) lead from a text to an id, to another name, or to a
 * path below one. Of private state only the form in which a signed message came is stored
 * (`received` in ao/codec.h). Threads: as the key-value store. Source: AO-Core devices,
 * "cache@1.0"; read next: docs/internals/kv.md. */
#ifndef AO_STORE_H
#define AO_STORE_H

#include "ao/context.h"

/* Binaries longer than this are stored apart, and read back as links. */
#define AO_STORE_INLINE_MAX 1024
/* Names that lead to names. */
#define AO_STORE_HOPS_MAX 32

/* ---- Writing ---- */

/* Add a message, or a binary, to a batch.
 *   id  gets the message's unsigned id, or the binary's SHA-256
 * What is stored already is not written again. Nested messages get ids of their own too, as
 * long as to compute them takes no more than a few times the size of the whole. Errors:
 * BEAMR_ARGUMENT (no store, another kind of value), BEAMR_ENCODING (a form that is never
 * encoded), BEAMR_LIMIT, BEAMR_IO, BEAMR_NO_MEMORY, those of loading links. */
beamr_status ao_store_add(ao_context *context, kv_batch *batch, ao_value value,
                          char id[AO_ID_TEXT + 1], beamr_error *err);
/* Add a name that leads to an id, to another name, or to a path below one of them; it need not
 * be there yet. A failure shows when the batch is committed.
 *   name    one or more parts, separated by `/`; replaced when it is there
 *   target  up to KV_VALUE_MAX bytes */
void ao_store_add_name(kv_batch *batch, beamr_bytes name, beamr_bytes target);
/* Store at once, in a batch of its own. */
beamr_status ao_store_write(ao_context *context, ao_value value, char id[AO_ID_TEXT + 1],
                            beamr_error *err);

/* ---- Reading ---- */

/* What an id or a name leads to: a message or a binary. The commitments of a message are there
 * at once; nested messages and large binaries are links.
 *   id  its text, its 32 bytes, or a name
 * Errors: BEAMR_NOT_FOUND (cheap when `err` is NULL), BEAMR_IO, BEAMR_MESSAGE (damaged: what;
 * or names that lead in a circle), BEAMR_NO_MEMORY. */
beamr_status ao_store_read(ao_context *context, beamr_bytes id, ao_value *out,
                           beamr_error *err);
/* Likewise, at a path of keys below it; only what is needed is read. Of names that are parts of
 * each other the longest is taken. The value is of any kind, links loaded. */
beamr_status ao_store_read_path(ao_context *context, beamr_bytes path, ao_value *out,
                                beamr_error *err);
/* A part of a stored binary, by its id; as kv_read. Its hash is not checked. */
beamr_status ao_store_read_part(ao_context *context, beamr_bytes id, uint64_t offset,
                                void *buffer, size_t size, size_t *len, uint64_t *total,
                                beamr_error *err);
/* The keys of a stored message, or the next parts of all names that begin with the parts of
 * `path`: a list of binaries, in bytewise order. Errors: BEAMR_NOT_FOUND (neither). */
beamr_status ao_store_list(ao_context *context, beamr_bytes path, ao_value *out,
                           beamr_error *err);

/* ---- Results ---- */

/* Store what a resolution gave: base, request and result, and lead from `hashpath` to exactly
 * this result, with its commitments.
 *   base, request  what is neither a message nor a binary longer than an id is not stored
 *   result         a message or a binary; for others nothing is stored */
beamr_status ao_store_write_result(ao_context *context, ao_value base, ao_value request,
                                   beamr_bytes hashpath, ao_value result, beamr_error *err);
beamr_status ao_store_add_result(ao_context *context, kv_batch *batch, ao_value base,
                                 ao_value request, beamr_bytes hashpath, ao_value result,
                                 beamr_error *err);
/* The result at a hashpath.  Errors: as ao_store_read. */
beamr_status ao_store_find_result(ao_context *context, beamr_bytes hashpath, ao_value *out,
                                  beamr_error *err);

#endif
