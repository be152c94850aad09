/* Base64, with both alphabets: padded and standard, or without padding and safe in URLs.
 * Decoding is strict: no white space, no other alphabet, no missing or superfluous padding, no
 * bits behind the last byte that are not zero. Source: RFC 4648. */
#ifndef CRYPTO_BASE64_H
#define CRYPTO_BASE64_H

#include "beamr/error.h"

typedef enum crypto_alphabet {
    CRYPTO_BASE64,    /* + and /, padded */
    CRYPTO_BASE64URL, /* - and _, not padded */
} crypto_alphabet;

/* Length of the text of `len` bytes. */
size_t crypto_base64_length(crypto_alphabet alphabet, size_t len);
/* Write it, without a NUL; `out` has room for crypto_base64_length. */
void crypto_base64_encode(crypto_alphabet alphabet, beamr_bytes bytes, char *out);
/* Upper bound of the bytes that a text of `len` encodes. */
size_t crypto_base64_size(size_t len);
/* Decode.
 *   out  room for crypto_base64_size(text.len) bytes; `len` gets how many there are
 * Errors: BEAMR_MESSAGE (offset: the first bad byte of `text`). */
beamr_status crypto_base64_decode(crypto_alphabet alphabet, beamr_bytes text, uint8_t *out,
                                  size_t *len, beamr_error *err);

/* The 43 characters and a NUL of 32 bytes, and back; false if it is no such text. */
void crypto_id_text(const uint8_t id[32], char out[44]);
bool crypto_id_bytes(beamr_bytes text, uint8_t id[32]);

#endif
