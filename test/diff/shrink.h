/* Making the module of a seed smaller while both tiers still differ on it. */
#ifndef DIFF_SHRINK_H
#define DIFF_SHRINK_H

#include "pair.h"

/* Shrink for at most a minute or so.
 *   out  room for GENERATE_ROOM bytes: the smallest module
 * Returns its size; 0 if the seed's module does not differ. */
size_t shrink(uint64_t seed, bool native, uint8_t *out);

#endif
