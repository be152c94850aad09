/* Wallets: the RSA keys with which messages are signed.
 * A wallet is a JWK (RFC 7517) as Arweave uses it: an RSA key of 4096 bits with the exponent
 * 65537; its address is the SHA-256 of the modulus. Wallets are counted and immutable; any
 * thread may use them; their private numbers are overwritten when they go.
 * Source: RFC 7517, RFC 7518 ("RSA Private Key"). */
#ifndef BEAMR_AO_WALLET_H
#define BEAMR_AO_WALLET_H

#include "beamr/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ao_wallet ao_wallet;

#define AO_ADDRESS_TEXT 43 /* bytes; base64url without padding */
#define AO_WALLET_BITS 4096

/* Make a key; takes some seconds.  Errors: BEAMR_IO (no random numbers), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_wallet_new(BEAMR_OWN ao_wallet **out, beamr_error *err);
/* Read a JWK.  Errors: BEAMR_ARGUMENT (no JWK; a key that is not RSA, public only, of another
 * size or exponent, or whose parts don't fit each other), BEAMR_LIMIT, BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_wallet_read(beamr_bytes jwk, BEAMR_OWN ao_wallet **out,
                                      beamr_error *err);
/* The JWK as one line of JSON, `len` bytes and a NUL, to be freed with free() once it is
 * overwritten.  Errors: BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_wallet_write(const ao_wallet *wallet, BEAMR_OWN char **out,
                                       size_t *len, beamr_error *err);
BEAMR_API ao_wallet *ao_wallet_ref(const ao_wallet *wallet);
BEAMR_API void ao_wallet_unref(const ao_wallet *wallet); /* accepts NULL */
/* AO_ADDRESS_TEXT bytes and a NUL, as long as the wallet lives. */
BEAMR_API const char *ao_wallet_address(const ao_wallet *wallet);
/* The public modulus, big endian, AO_WALLET_BITS / 8 bytes; borrowed. */
BEAMR_API beamr_bytes ao_wallet_modulus(const ao_wallet *wallet);

#ifdef __cplusplus
}
#endif
#endif
