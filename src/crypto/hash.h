/* Hashes by OpenSSL: SHA-256, SHA-384, SHA-512 of bytes in pieces, and the deep hash of
 * Arweave. For SHA-256 of bytes in one piece, and HMAC, see crypto/sha256.h.
 * Source: FIPS 180-4, ANS-104 ("deep hash"). */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "beamr/error.h"

#define CRYPTO_SHA384_SIZE 48
#define CRYPTO_SHA512_SIZE 64
#define CRYPTO_HASH_MAX 64

typedef enum crypto_hash_kind {
    CRYPTO_SHA256,
    CRYPTO_SHA384,
    CRYPTO_SHA512,
} crypto_hash_kind;

/* The hash of all pieces, one behind the other.  Errors: BEAMR_NO_MEMORY. */
beamr_status crypto_hash_pieces(crypto_hash_kind kind, const beamr_bytes *pieces, size_t count,
                                uint8_t *out, beamr_error *err);

/* The deep hash of a tree of byte strings.
 *   items   of a list, if `is_list`; otherwise the bytes */
typedef struct crypto_tree {
    bool is_list;
    beamr_bytes bytes;
    const struct crypto_tree *items;
    size_t count;
} crypto_tree;

#define CRYPTO_TREE_DEPTH_MAX 64 /* deeper is BEAMR_LIMIT */

beamr_status crypto_deep_hash(const crypto_tree *tree, uint8_t out[CRYPTO_SHA384_SIZE],
                              beamr_error *err);

#endif
