/* What the files of src/crypto/ share. */
#ifndef CRYPTO_INTERNAL_H
#define CRYPTO_INTERNAL_H

#include <stdbool.h>

#include "crypto/checksum.h"
#include "crypto/hash.h"

/* ---- Checksums: checksum_avx2.c ---- */

/* The host has AVX2, and the following were compiled; otherwise they must not be called. */
bool checksum_has_avx2(void);
/* `state` is an XXH3_state_t, which is the same with and without AVX2. */
void checksum_add_avx2(void *state, const void *data, size_t len);
void checksum_of_avx2(const void *data, size_t len, uint8_t out[CRYPTO_CHECKSUM_SIZE]);

#endif
