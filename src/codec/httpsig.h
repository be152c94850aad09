/* What the files of httpsig@1.0 share, and tests compare: messages as header fields and a body,
 * and signature bases over them.
 * A message in this form borrows from the annotated message that it was made of, or lies in the
 * same arena. Its body is a row of pieces, so that hashing it needs no copy.
 * Threads: one.
 * Source: AO-Core codecs, "httpsig@1.0"; ids, "Unsigned id" and "Signatures, httpsig@1.0". */
#ifndef CODEC_HTTPSIG_H
#define CODEC_HTTPSIG_H

#include "base/text.h"
#include "codec/annotated.h"
#include "codec/field.h"
#include "crypto/base64.h"
#include "crypto/hash.h"

/* Values up to this many bytes are header fields. */
#define HTTPSIG_HEADER_MAX 4096
/* Signatures of one message, and parts of one body. */
#define HTTPSIG_SIGNATURES_MAX 64
#define HTTPSIG_PARTS_MAX 100000

typedef enum httpsig_purpose {
    HTTPSIG_ID,    /* any message can be encoded; without `body-keys` */
    HTTPSIG_CHECK, /* likewise; notes what another message is encoded to as well */
    HTTPSIG_SIGN,  /* likewise, but what no reader could decode is refused */
    HTTPSIG_SEND,  /* likewise, with `body-keys`: what was signed */
    HTTPSIG_WIRE,  /* with `body-keys`; what cannot be a header field becomes a part */
} httpsig_purpose;

typedef struct httpsig_field {
    beamr_bytes name, value;
    ao_value owner; /* of the value's bytes, as in codec_entry; borrowed */
} httpsig_field;

/* A part of a multipart body, or what may become one: a message's own values or a binary. */
typedef struct httpsig_part {
    beamr_bytes name;
    const codec_node *node; /* NULL: a binary */
    beamr_bytes bytes;
    ao_value owner;
    bool has_only_body; /* a message with no own value but `body` */
} httpsig_part;

typedef struct httpsig_message {
    httpsig_field *fields; /* in ascending byte order of names; `body` is none of them */
    size_t count, capacity;
    httpsig_part *parts; /* sorted by name; also the one of a body that is not multipart */
    size_t part_count;
    bool is_multipart;
    /* HTTPSIG_CHECK: another message may have the same body, or the same `ao-ids` */
    bool is_body_ambiguous, are_ids_ambiguous;
    beamr_bytes *pieces; /* the body */
    size_t piece_count, body_len;
    ao_value body_owner; /* of a body that is one binary */
    beamr_bytes inline_key;
} httpsig_message;

/* ---- Encoding: httpsig.c, httpsig_encode.c, httpsig_parts.c ---- */

/* Errors: BEAMR_ENCODING (which key and why), BEAMR_LIMIT (the arena is full, too deep). */
beamr_status httpsig_encode(arena *a, const codec_node *node, httpsig_purpose purpose,
                            httpsig_message *out, beamr_error *err);
/* Encode a message without its commitments.
 *   node  gets the annotated message; may be NULL */
beamr_status httpsig_encode_message(arena *a, const ao_message *message,
                                    httpsig_purpose purpose, codec_node **node,
                                    httpsig_message *out, beamr_error *err);
/* The value is a header field of the message's own or, nested, of its part. */
bool httpsig_is_short(const codec_entry *entry, httpsig_purpose purpose, bool is_nested);
/* Write the parts as a multipart body; `boundary` gets the text between quotes. */
beamr_status httpsig_write_parts(arena *a, httpsig_message *message, httpsig_purpose purpose,
                                 beamr_bytes *boundary, beamr_error *err);
/* Name of a part, as it stands in content-disposition; NULL data when the arena is full. */
beamr_bytes httpsig_part_name(arena *a, const httpsig_part *part);
/* Add a field, in place of one of this name. */
beamr_status httpsig_set_field(arena *a, httpsig_message *message, beamr_bytes name,
                               beamr_bytes value, ao_value owner, beamr_error *err);
const httpsig_field *httpsig_find_field(const httpsig_message *message, beamr_bytes name);
/* The key that the body stands for. */
beamr_bytes httpsig_inline_key(const codec_node *node, bool *is_data);

/* ---- Decoding: httpsig_decode.c, httpsig_multipart.c ---- */

/* Read header fields and a body, without signatures. Keys that a reader must not believe
 * (private ones, `commitments`) are left out.
 *   encoded  fields and `body`, all binaries; borrowed by the result
 *   is_digest_known  the body was compared with at least one digest of `content-digest`
 * Errors: BEAMR_MESSAGE (offset: where in the body or the field), BEAMR_LIMIT, BEAMR_NO_MEMORY.
 */
beamr_status httpsig_decode(arena *a, const ao_message *encoded, codec_node **out,
                            bool *is_digest_known, beamr_error *err);
/* The boundary that a content-type names; none for one that has none or is no structured item.
 */
beamr_bytes httpsig_boundary(arena *a, beamr_bytes type);
/* Add the parts of a multipart body to the fields in `node`, which becomes another one: names
 * with `/`, also those of fields, are nested messages in it.
 *   body  the binary; what is read shares it */
beamr_status httpsig_read_parts(arena *a, ao_value body, beamr_bytes boundary,
                                beamr_bytes inline_key, codec_node **node, beamr_error *err);
/* Decode to a message, with its commitments; what ao_codec's decode is. */
beamr_status httpsig_decode_message(ao_context *context, ao_value encoded,
                                    BEAMR_OWN ao_message **out, beamr_error *err);

/* ---- Signature bases: httpsig_base.c ---- */

typedef struct httpsig_component {
    beamr_bytes name; /* without `@` */
    bool is_derived;  /* has a `@` in lists */
    beamr_bytes value;
} httpsig_component;

bool httpsig_is_derived(beamr_bytes name);
/* The base of components, in the order given.
 *   params  what follows the list in the last line: `;alg=...` */
beamr_status httpsig_base(arena *a, const httpsig_component *components, size_t count,
                          beamr_bytes params, beamr_bytes *out, beamr_error *err);
/* All fields as components: sorted with `@` for an hmac, without it for a signature. */
beamr_status httpsig_all_components(arena *a, const httpsig_message *message, bool is_hmac,
                                    httpsig_component **out, size_t *count, beamr_error *err);
/* The components that an inner list names, in its order.
 *   is_complete  false when one is missing, occurs twice, or has parameters */
beamr_status httpsig_listed_components(arena *a, const httpsig_message *message,
                                       const field_item *list, httpsig_component **out,
                                       size_t *count, bool *is_complete, beamr_error *err);
/* The base of an hmac: over all fields, or over those that `list` names.
 *   list  NULL for all */
beamr_status httpsig_hmac_base(arena *a, const httpsig_message *message, const field_item *list,
                               beamr_bytes *out, bool *is_complete, beamr_error *err);
beamr_status httpsig_hmac(arena *a, const httpsig_message *message, const field_item *list,
                          uint8_t id[AO_ID_SIZE], bool *is_complete, beamr_error *err);

/* ---- Signatures: httpsig_signatures.c ---- */

#define HTTPSIG_NAME "httpsig@1.0"
#define HTTPSIG_RSA "rsa-pss-sha512"
#define HTTPSIG_HMAC "hmac-sha256"

/* What a commitment says of itself. */
bool httpsig_is_ours(const ao_message *commitment); /* of this device */
bool httpsig_is_hmac(const ao_message *commitment);

/* A member of both `signature` and `signature-input`. */
typedef struct httpsig_pair {
    beamr_bytes name;
    field_item signature, input; /* FIELD_BYTES, FIELD_INNER_LIST */
} httpsig_pair;

typedef struct httpsig_pairs {
    httpsig_pair *items;
    size_t count, capacity;
} httpsig_pairs;

/* Read both out of fields or a commitment.  Errors: BEAMR_MESSAGE (malformed, or a member that
 * only one has), BEAMR_LIMIT, BEAMR_NO_MEMORY. */
beamr_status httpsig_read_pairs(arena *a, const ao_message *from, httpsig_pairs *out,
                                beamr_error *err);
/* `commitments` of a message, links loaded: NULL when it has none; borrowed. */
beamr_status httpsig_commitments(const ao_message *message, const ao_message **out,
                                 beamr_error *err);
/* The merged dictionaries of all signatures among `commitments` (which may be NULL), in the
 * order of their members' names. Empty when there is none. */
typedef struct httpsig_signatures {
    beamr_bytes signature, input;
    const field_item *first; /* the list of the first member of `input` */
} httpsig_signatures;
beamr_status httpsig_merge_signatures(arena *a, const ao_message *commitments,
                                      httpsig_signatures *out, beamr_error *err);
/* Commitments for the members of `signature` and `signature-input`; NULL when there are no
 * such fields. */
beamr_status httpsig_read_signatures(arena *a, const ao_message *encoded,
                                     BEAMR_OWN ao_message **out, beamr_error *err);
/* The commitment of one signature, and its id.
 *   encoded  fields, for components `hashpath...`; NULL for none */
beamr_status httpsig_make_commitment(arena *a, const httpsig_pair *pair,
                                     const ao_message *encoded, char id[AO_ID_TEXT + 1],
                                     BEAMR_OWN ao_message **out, beamr_error *err);
/* Fields as they came, as a message in this form; `body` is left out. */
beamr_status httpsig_of_fields(arena *a, const ao_message *encoded, httpsig_message *out,
                               beamr_error *err);
/* The address of a `keyid`; false when it is no RSA key. `modulus` lies in the arena. */
bool httpsig_address(arena *a, beamr_bytes keyid, char address[AO_ADDRESS_TEXT + 1],
                     beamr_bytes *modulus);

/* ---- Commitments: httpsig_commit.c, httpsig_verify.c ---- */

/* Add the keys `hashpath...` of commitments (NULL for none) as fields, never in place of what
 * the message has itself. */
beamr_status httpsig_add_hashpaths(arena *a, const ao_message *message,
                                   const ao_message *commitments, httpsig_message *encoded,
                                   beamr_error *err);
/* Put `commitments` and an hmac over them into a message, in place of those that it has.
 *   received  fields as they came, if the hmac is over these; NULL: over the message's own
 * Without hmac when a component of the first signature is missing. */
beamr_status httpsig_put_commitments(const ao_message *message, const ao_message *commitments,
                                     const httpsig_message *received,
                                     BEAMR_OWN ao_message **out, beamr_error *err);
beamr_status httpsig_commit(ao_context *context, const ao_message *message,
                            const ao_wallet *wallet, BEAMR_OWN ao_message **out,
                            beamr_error *err);
beamr_status httpsig_verify(ao_context *context, const ao_message *message, beamr_bytes id,
                            const ao_message *commitment, bool *is_valid, const char **why,
                            beamr_error *err);
beamr_status httpsig_committed(ao_context *context, const ao_message *message, beamr_bytes id,
                               const ao_message *commitment, ao_value *out, beamr_error *err);

/* ---- What is covered: httpsig_received.c ---- */

/* The form in which a signed message came, when its own encoding would be another. It is kept
 * in private state, which no id covers: whoever uses it compares contents first. The store
 * keeps it too, and gives a link. */
#define HTTPSIG_RECEIVED "httpsig/received"

typedef struct httpsig_received {
    const ao_message *encoded; /* NULL: there is none that can be used; borrowed */
    httpsig_message fields;
    codec_node *node;
    ao_message *message;  /* what it decodes to, without commitments */
    bool is_digest_known; /* the body was compared with `content-digest` */
} httpsig_received;

/* Read it once more; to be closed also after a failure. */
beamr_status httpsig_open_received(arena *a, const ao_message *message, httpsig_received *out,
                                   beamr_error *err);
void httpsig_close_received(httpsig_received *received);
/* Keys, which may repeat. */
typedef struct httpsig_keys {
    beamr_bytes *items;
    size_t count, capacity;
} httpsig_keys;

/* It has under each of `keys` what the message has, and nothing where that has nothing.
 *   keys  NULL for all keys of both */
beamr_status httpsig_received_matches(arena *a, const ao_message *message,
                                      const httpsig_received *received,
                                      const httpsig_keys *keys, bool *matches,
                                      beamr_error *err);
/* Every signature of `encoded` has the same base over what the message encodes to.
 *   commitments  for components `hashpath...` */
beamr_status httpsig_is_canonical(arena *a, const ao_message *message,
                                  const ao_message *commitments, const ao_message *encoded,
                                  bool *is_canonical, beamr_error *err);

/* The keys that a list of components covers, in the message's own encoding and in the form in
 * which it came.
 *   list  NULL for all fields */
beamr_status httpsig_own_keys(arena *a, const ao_message *message, const field_item *list,
                              httpsig_keys *keys, beamr_error *err);
beamr_status httpsig_received_keys(arena *a, const httpsig_received *received,
                                   const field_item *list, httpsig_keys *keys,
                                   beamr_error *err);

/* ---- Small things ---- */

static inline bool httpsig_is_id_key(beamr_bytes key)
{
    return key.len == 32 || key.len == 42 || key.len == 43;
}

/* The normalised key is private. */
bool httpsig_is_private(beamr_bytes key);
/* A field of the encoding, which a message's own key of this name is not. */
bool httpsig_is_reserved(beamr_bytes key);
/* A binary of bytes, which shares those of `owner` if there is one. */
ao_value httpsig_binary(beamr_bytes bytes, ao_value owner);

#endif
