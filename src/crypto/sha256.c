/* SHA-256 by OpenSSL's libcrypto, and HMAC over it.
 * These are OpenSSL's functions with a state that is a plain struct. Version 3 calls them
 * deprecated in favour of EVP, which takes some 700 instructions more for every hash, several
 * times what a block of 64 bytes takes; ids and hashpaths are many hashes of few bytes. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/sha256.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>

enum { BLOCK = SHA256_CBLOCK, DIGEST = CRYPTO_SHA256_SIZE };

static bool add_all(SHA256_CTX *c, const beamr_bytes *pieces, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (pieces[i].len && !SHA256_Update(c, pieces[i].data, pieces[i].len))
            return false;
    }
    return true;
}

static beamr_status fail(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "OpenSSL did not compute SHA-256");
}

beamr_status crypto_sha256_pieces(const beamr_bytes *pieces, size_t count,
                                  uint8_t out[CRYPTO_SHA256_SIZE], beamr_error *err)
{
    SHA256_CTX c;

    if (!SHA256_Init(&c) || !add_all(&c, pieces, count) || !SHA256_Final(out, &c))
        return fail(err);
    return BEAMR_OK;
}

beamr_status crypto_sha256(beamr_bytes bytes, uint8_t out[CRYPTO_SHA256_SIZE], beamr_error *err)
{
    return crypto_sha256_pieces(&bytes, 1, out, err);
}

/* ---- HMAC ---- */

_Static_assert(sizeof(SHA256_CTX) == CRYPTO_SHA256_STATE, "room for OpenSSL's state");

/* The hash that has taken in the key's block, each byte of which is changed by `pad`. */
static bool prepare(const uint8_t key[BLOCK], uint8_t pad, uint32_t *out)
{
    uint8_t block[BLOCK];
    SHA256_CTX c;
    bool is_done;

    for (size_t i = 0; i < BLOCK; i++)
        block[i] = key[i] ^ pad;
    is_done = SHA256_Init(&c) && SHA256_Update(&c, block, BLOCK);
    memcpy(out, &c, sizeof c);
    OPENSSL_cleanse(block, sizeof block);
    OPENSSL_cleanse(&c, sizeof c);
    return is_done;
}

beamr_status crypto_hmac_prepare(beamr_bytes key, crypto_hmac_key *out, beamr_error *err)
{
    uint8_t block[BLOCK] = {0};
    bool is_done = true;

    if (key.len > BLOCK)
        is_done = crypto_sha256(key, block, err) == BEAMR_OK;
    else if (key.len)
        memcpy(block, key.data, key.len);
    is_done = is_done && prepare(block, 0x36, out->inner) && prepare(block, 0x5c, out->outer);
    OPENSSL_cleanse(block, sizeof block);
    return is_done ? BEAMR_OK : fail(err);
}

/* hash(outer block, hash(inner block, pieces)), where a block is the key and padding. */
beamr_status crypto_hmac_sha256(const crypto_hmac_key *key, const beamr_bytes *pieces,
                                size_t count, uint8_t out[CRYPTO_SHA256_SIZE], beamr_error *err)
{
    uint8_t digest[DIGEST];
    SHA256_CTX inner, outer;

    memcpy(&inner, key->inner, sizeof inner);
    memcpy(&outer, key->outer, sizeof outer);
    if (!add_all(&inner, pieces, count) || !SHA256_Final(digest, &inner) ||
        !SHA256_Update(&outer, digest, DIGEST) || !SHA256_Final(out, &outer))
        return fail(err);
    return BEAMR_OK;
}
