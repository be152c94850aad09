/* SHA-256 by OpenSSL's libcrypto. */
#include "crypto/sha256.h"

#include <openssl/evp.h>

#include "crypto/internal.h"

beamr_status crypto_sha256(beamr_bytes bytes, uint8_t out[CRYPTO_SHA256_SIZE], beamr_error *err)
{
    if (!EVP_Digest(bytes.data, bytes.len, out, NULL, hash_method(CRYPTO_SHA256), NULL))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to compute SHA-256");
    return BEAMR_OK;
}
