/* A library of its own with hashes in it, which unit.crypto.unload loads and unloads. */
#include "crypto/hash.h"

__attribute__((visibility("default"))) bool hash_probe(void);

bool hash_probe(void)
{
    uint8_t out[CRYPTO_SHA384_SIZE];
    beamr_bytes text = {(const uint8_t *)"text", 4};

    return crypto_hash_pieces(CRYPTO_SHA384, &text, 1, out, NULL) == BEAMR_OK;
}
