/* What the files of json-iface@1.0 share.
 *
 *   json_iface.c          the device: passes, texts into the guest and out of it
 *   json_iface_message.c  a message as the JSON that modules read
 *   json_iface_result.c   a reply as results
 *   json_iface_value.c    a JSON value as a value of a message
 *
 * Source: AO-Core devices, "json-iface@1.0"; host imports, "The handle interface". */
#ifndef DEVICE_JSON_IFACE_H
#define DEVICE_JSON_IFACE_H

#include "codec/json_text.h"
#include "device/internal.h"

/* Levels of a reply; what it becomes is nested a few levels more. */
#define JSON_IFACE_DEPTH (AO_DEPTH_MAX / 2)
/* Bytes of a reply. */
#define JSON_IFACE_REPLY_MAX ((size_t)256 << 20)

/* ---- To the module: json_iface_message.c ---- */

/* The id of a value that is one, of 32 bytes or as text; a text that is none is itself. Empty
 * for another kind.
 *   buffer  for the text of 32 bytes */
beamr_bytes json_iface_id(ao_value value, char buffer[AO_ID_TEXT + 1]);

/* The JSON of a message, its keys in byte order.
 *   request  of the call, which says when: block-height and so on; NULL: the message is a
 *            process, which is wrapped as {"Process": ...}
 *   module   id of the process's image; only with a request
 *   out      a binary
 * Errors: BEAMR_ENCODING (which key and why), BEAMR_LIMIT, BEAMR_NO_MEMORY, those of loading
 * links. */
beamr_status json_iface_message(ao_context *context, const ao_message *message,
                                const ao_message *request, beamr_bytes module, ao_value *out,
                                beamr_error *err);

/* ---- From the module: json_iface_result.c ---- */

/* Whose messages those of a reply are; empty texts for nobody's. */
typedef struct json_iface_origin {
    beamr_bytes process, image; /* ids as texts */
} json_iface_origin;

/* Results out of a module's reply, `{"ok": true, "response": R}`.
 *   text      a binary
 *   is_error  the reply is none, or tells of an error; `out` is then {body} or {error}
 *   out       keys to be set in `results`, in place of those of JSON_IFACE_KEYS
 * Errors: BEAMR_NO_MEMORY. Whatever the text is, there is a result. */
beamr_status json_iface_reply(ao_context *context, ao_value text,
                              const json_iface_origin *origin, bool *is_error,
                              BEAMR_OWN ao_message **out, beamr_error *err);
/* Likewise of R alone, as compute units of old give it.  Errors: BEAMR_MESSAGE (no JSON, or
 * no results), BEAMR_LIMIT (too deep, or too much), BEAMR_NO_MEMORY. */
beamr_status json_iface_results(ao_context *context, ao_value text,
                                const json_iface_origin *origin, BEAMR_OWN ao_message **out,
                                beamr_error *err);
/* All keys that these can set, up to NULL. */
extern const char *const JSON_IFACE_KEYS[];

/* ---- JSON values: json_iface_value.c ---- */

/* A text that was read. */
typedef struct json_iface_reader {
    codec_json_doc json;
    ao_value text;    /* that it was read from; borrowed */
    ao_limits limits; /* of messages that are made */
    beamr_error *err;
} json_iface_reader;

/* Errors: as codec_json_load.  To be given to codec_json_clear(&reader->json). */
beamr_status json_iface_read(ao_context *context, ao_value text, json_iface_reader *out,
                             beamr_error *err);
/* A value as it is: objects become messages, arrays lists, null an atom.
 * Members that a guest has no say in are left out: json_iface_is_free.
 *   out  counted */
beamr_status json_iface_value(json_iface_reader *reader, const json_t *json, ao_value *out);
/* Put a member into a message, if its name may be a key.
 *   is_denied  denies more names, which it is given normalised; NULL: no */
beamr_status json_iface_put(json_iface_reader *reader, ao_builder *builder, beamr_bytes name,
                            const json_t *json, bool (*is_denied)(beamr_bytes key));

#endif
