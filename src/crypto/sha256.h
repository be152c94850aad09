/* SHA-256, through OpenSSL: the identity of bytes; and HMAC-SHA-256.
 * Source: FIPS 180-4, RFC 2104. */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include "beamr/bytes.h"
#include "beamr/error.h"

#define CRYPTO_SHA256_SIZE 32

/* Errors: BEAMR_NO_MEMORY, should OpenSSL refuse; `out` means nothing then. */
beamr_status crypto_sha256(beamr_bytes bytes, uint8_t out[CRYPTO_SHA256_SIZE],
                           beamr_error *err);
/* Of all pieces, one behind the other. */
beamr_status crypto_sha256_pieces(const beamr_bytes *pieces, size_t count,
                                  uint8_t out[CRYPTO_SHA256_SIZE], beamr_error *err);

#define CRYPTO_SHA256_STATE 112 /* bytes of a hash that is not at its end, aligned to 4 */

/* A key of HMAC: the hashes that have taken in its blocks, so that this is done once for all
 * texts. A secret as the key is. */
typedef struct crypto_hmac_key {
    uint32_t inner[CRYPTO_SHA256_STATE / 4], outer[CRYPTO_SHA256_STATE / 4];
} crypto_hmac_key;

beamr_status crypto_hmac_prepare(beamr_bytes key, crypto_hmac_key *out, beamr_error *err);
beamr_status crypto_hmac_sha256(const crypto_hmac_key *key, const beamr_bytes *pieces,
                                size_t count, uint8_t out[CRYPTO_SHA256_SIZE],
                                beamr_error *err);

#endif
