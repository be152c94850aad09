/* RSA keys, and signatures with RSASSA-PSS, by OpenSSL.
 * Keys are counted and immutable; any thread may use one. What is private is overwritten when
 * it goes. OpenSSL's queue of failures, which each thread has, is emptied by every call.
 * Source: RFC 8017 ("RSASSA-PSS"). */
#ifndef CRYPTO_RSA_H
#define CRYPTO_RSA_H

#include "crypto/hash.h"

typedef struct crypto_rsa crypto_rsa;

/* The numbers of a key, big endian without leading zeros. */
typedef struct crypto_rsa_parts {
    beamr_bytes n, e;                /* public */
    beamr_bytes d, p, q, dp, dq, qi; /* private; `d` empty: a public key */
} crypto_rsa_parts;

/* Make a key with the exponent 65537.  Errors: BEAMR_IO (no random numbers), BEAMR_NO_MEMORY.
 */
beamr_status crypto_rsa_new(unsigned bits, BEAMR_OWN crypto_rsa **out, beamr_error *err);
/* A key from its numbers; of a private one, all are needed, and are compared with each other.
 * Errors: BEAMR_ARGUMENT (one is missing or too long, or they don't fit: which and why),
 * BEAMR_NO_MEMORY. */
beamr_status crypto_rsa_from_parts(const crypto_rsa_parts *parts, BEAMR_OWN crypto_rsa **out,
                                   beamr_error *err);
/* A public key of a modulus, with the exponent 65537.
 *   modulus  256 to 1024 bytes, odd */
beamr_status crypto_rsa_public(beamr_bytes modulus, BEAMR_OWN crypto_rsa **out,
                               beamr_error *err);
/* The numbers of a key, copied into one block that `parts` points into, to be cleared with
 * crypto_rsa_parts_clear. */
beamr_status crypto_rsa_parts_of(const crypto_rsa *key, BEAMR_OWN crypto_rsa_parts *parts,
                                 beamr_error *err);
void crypto_rsa_parts_clear(crypto_rsa_parts *parts); /* overwrites it; accepts an empty one */
crypto_rsa *crypto_rsa_ref(const crypto_rsa *key);
void crypto_rsa_unref(const crypto_rsa *key);  /* accepts NULL */
size_t crypto_rsa_size(const crypto_rsa *key); /* bytes of the modulus, and of a signature */

/* Sign with PSS.
 *   salt  bytes of salt
 *   out   crypto_rsa_size bytes
 * Errors: BEAMR_ARGUMENT (a public key, or one with no room for the salt), BEAMR_NO_MEMORY. */
beamr_status crypto_rsa_sign(const crypto_rsa *key, crypto_hash_kind hash, size_t salt,
                             beamr_bytes message, uint8_t *out, beamr_error *err);
/* Check a signature with PSS and a salt of any length.
 *   is_valid  false for any wrong signature; `err` is then untouched
 * Errors: BEAMR_NO_MEMORY. */
beamr_status crypto_rsa_verify(const crypto_rsa *key, crypto_hash_kind hash,
                               beamr_bytes message, beamr_bytes signature, bool *is_valid,
                               beamr_error *err);

#endif
