/* SHA-256, through OpenSSL: the identity of bytes.
 * Source: FIPS 180-4. */
#ifndef CRYPTO_SHA256_H
#define CRYPTO_SHA256_H

#include "beamr/bytes.h"
#include "beamr/error.h"

#define CRYPTO_SHA256_SIZE 32

/* Errors: BEAMR_NO_MEMORY (`out` is then not written). */
beamr_status crypto_sha256(beamr_bytes bytes, uint8_t out[CRYPTO_SHA256_SIZE],
                           beamr_error *err);

#endif
