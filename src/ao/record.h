/* Records: messages as bytes in the store.
 * A record is a mark and the number of keys, then each key and its value, in ascending order.
 * Numbers are in groups of seven bits, the lowest first; a value is a letter and what belongs
 * to it: b  length, bytes             i  a number, its sign in the lowest bit I  length,
 * decimal text      f  eight bytes of a double, big endian a  length, text of an atom   l
 * count, values M  a message within: number of keys, keys and values m  length, reference of a
 * stored message      B  likewise of a binary A reference is the hash of a record in base64url;
 * with commas and more hashes behind it, the second is the record of the commitments, and the
 * third that of the form in which the message came. Each is checked when it is read. */
#ifndef AO_RECORD_H
#define AO_RECORD_H

#include "ao/internal.h"
#include "ao/link.h"

#define RECORD_REF_HASHES 3
#define RECORD_REF_MAX (RECORD_REF_HASHES * AO_ID_TEXT + RECORD_REF_HASHES - 1)

/* ---- Writing ---- */

/* Bytes that grow. A failure is kept: `is_full`. Begin with {0}; free `data`. */
typedef struct record {
    uint8_t *data;
    size_t len, capacity;
    bool is_full;
} record;

void record_begin(record *r, size_t key_count);
void record_key(record *r, beamr_bytes key);
/* A value without parts: binary, number or atom. false for another kind. */
bool record_plain(record *r, ao_value value);
void record_list(record *r, size_t count);                 /* and then its values */
void record_message(record *r, size_t key_count);          /* and then its keys and values */
void record_ref(record *r, ao_kind kind, beamr_bytes ref); /* AO_MESSAGE or AO_BINARY */

/* ---- Reading ---- */

/* Who loads what the links in a record lead to. */
typedef struct record_loaders {
    ao_loader message, binary;
    void *user; /* of both */
} record_loaders;

/* The message of a record.
 *   commitments  becomes its key of that name; NULL for none
 *   loaders      of the links in it; copied
 * Errors: BEAMR_MESSAGE (offset: where), BEAMR_LIMIT, BEAMR_NO_MEMORY. */
beamr_status record_read(beamr_bytes bytes, const ao_message *commitments,
                         const ao_limits *limits, const record_loaders *loaders,
                         BEAMR_OWN ao_message **out, beamr_error *err);
/* It is one hash, or up to RECORD_REF_HASHES if `kind` is AO_MESSAGE. */
bool record_is_ref(ao_kind kind, beamr_bytes ref);
/* A hash of a reference, from 0 on, borrowed; empty where it has no more. */
beamr_bytes record_ref_hash(beamr_bytes ref, size_t index);

#endif
