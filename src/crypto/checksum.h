/* A checksum of 128 bits, at the speed of memory: XXH3-128, through xxHash.
 * It finds damage; it is no proof against somebody who chooses the bytes (crypto/sha256.h is).
 * The result does not depend on the host, nor on how the bytes are cut into pieces. */
#ifndef CRYPTO_CHECKSUM_H
#define CRYPTO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CRYPTO_CHECKSUM_SIZE 16

typedef struct crypto_checksum crypto_checksum;

crypto_checksum *crypto_checksum_new(void);    /* NULL when memory is gone */
void crypto_checksum_free(crypto_checksum *c); /* accepts NULL */
void crypto_checksum_add(crypto_checksum *c, const void *data, size_t len);
/* The checksum of all that was added, the most significant byte first. */
void crypto_checksum_end(const crypto_checksum *c, uint8_t out[CRYPTO_CHECKSUM_SIZE]);

/* Of bytes in one piece. */
void crypto_checksum_of(const void *data, size_t len, uint8_t out[CRYPTO_CHECKSUM_SIZE]);

#endif
