/* Keys and other texts: their order, the normal form of keys, and what they tell.
 * Source: AO-Core messages, "Normalisation", "Special keys". */
#ifndef AO_KEY_H
#define AO_KEY_H

#include "ao/value.h"
#include "base/text.h"

/* Bytewise order; a text comes before those that it begins. */
int text_compare(beamr_bytes a, beamr_bytes b);

/* Normalise a key. The result is borrowed from `key` if nothing changes, else it stands in
 * `buffer`, or in an allocation that `*owned` gets, for free(). false: memory is gone. */
#define KEY_BUFFER_SIZE 128
bool key_normalise(beamr_bytes key, char buffer[KEY_BUFFER_SIZE], beamr_bytes *out,
                   char **owned);
bool key_is_normal(beamr_bytes key); /* is the normal form of itself for certain */
bool key_is_private(beamr_bytes normalised);
bool key_is_regenerable(beamr_bytes normalised); /* unsigned_id, content-digest */
/* Read the key as an integer: digits, perhaps behind a sign. false when it is none of 64 bits.
 */
bool key_integer(beamr_bytes key, int64_t *out);

#endif
