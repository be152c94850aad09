/* XXH3-128. The library is compiled into this file, from its header: nothing to link; and once
 * more, for hosts with AVX2, into checksum_avx2.c. The results are the same. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "crypto/internal.h"

struct crypto_checksum {
    XXH3_state_t state;
};

crypto_checksum *crypto_checksum_new(void)
{
    XXH3_state_t *state = XXH3_createState(); /* aligned as it wants */

    if (state)
        (void)XXH3_128bits_reset(state);
    return (crypto_checksum *)state;
}

void crypto_checksum_free(crypto_checksum *c)
{
    if (c)
        (void)XXH3_freeState(&c->state);
}

void crypto_checksum_add(crypto_checksum *c, const void *data, size_t len)
{
    if (checksum_has_avx2())
        checksum_add_avx2(&c->state, data, len);
    else
        (void)XXH3_128bits_update(&c->state, data, len);
}

void crypto_checksum_end(const crypto_checksum *c, uint8_t out[CRYPTO_CHECKSUM_SIZE])
{
    XXH128_canonicalFromHash((XXH128_canonical_t *)out, XXH3_128bits_digest(&c->state));
}

void crypto_checksum_of(const void *data, size_t len, uint8_t out[CRYPTO_CHECKSUM_SIZE])
{
    if (checksum_has_avx2())
        checksum_of_avx2(data, len, out);
    else
        XXH128_canonicalFromHash((XXH128_canonical_t *)out, XXH3_128bits(data, len));
}
