/* Where in the key-value store what stands, for store.c, which reads, and store_write.c.
 *   r/HASH   a record (record.h)
 *   b/HASH   a binary
 *   i/ID     what an id leads to: an entry
 *   n/NAME   what a name leads to: an entry
 * An entry is a letter and a text:
 *   v  a reference of a message all of whose commitments are valid
 *   u  likewise, where not all are, or there are none
 *   b  the hash of a binary
 *   @  an id, a name, or a path below one */
#ifndef AO_STORE_KEYS_H
#define AO_STORE_KEYS_H

#include "ao/record.h"
#include "ao/store.h"

#define STORE_KEY_MAX KV_KEY_MAX

typedef struct store_key {
    size_t len;
    uint8_t bytes[STORE_KEY_MAX + 1]; /* one too long for a store is cut to what it refuses */
} store_key;

static inline void store_key_of(store_key *key, char letter, beamr_bytes text)
{
    size_t room = sizeof key->bytes - 2;

    key->bytes[0] = (uint8_t)letter;
    key->bytes[1] = '/';
    key->len = 2 + (text.len < room ? text.len : room);
    if (text.len)
        memcpy(key->bytes + 2, text.data, key->len - 2);
}

static inline beamr_bytes store_key_bytes(const store_key *key)
{
    return (beamr_bytes){key->bytes, key->len};
}

/* A reference, with or without commitments, and the form in which they came. */
typedef struct store_ref {
    size_t len;
    char text[RECORD_REF_MAX];
} store_ref;

static inline beamr_bytes store_ref_bytes(const store_ref *ref)
{
    return (beamr_bytes){(const uint8_t *)ref->text, ref->len};
}

/* The context has a store.  Errors: BEAMR_ARGUMENT. */
beamr_status store_check(const ao_context *context, beamr_error *err);

#endif
