/* XXH3-128 with AVX2, which reads what is in the cache nearly twice as fast. On x86-64 this
 * file alone is compiled for AVX2; whether the host has it is asked at run time. */
#if defined(__AVX2__)
#define XXH_INLINE_ALL
#include <xxhash.h>
#endif

#include "crypto/internal.h"

#if defined(__AVX2__)

bool checksum_has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

void checksum_add_avx2(void *state, const void *data, size_t len)
{
    (void)XXH3_128bits_update(state, data, len);
}

void checksum_of_avx2(const void *data, size_t len, uint8_t out[CRYPTO_CHECKSUM_SIZE])
{
    XXH128_canonicalFromHash((XXH128_canonical_t *)out, XXH3_128bits(data, len));
}

#else

bool checksum_has_avx2(void)
{
    return false;
}

void checksum_add_avx2(void *state, const void *data, size_t len)
{
    (void)state;
    (void)data;
    (void)len;
}

void checksum_of_avx2(const void *data, size_t len, uint8_t out[CRYPTO_CHECKSUM_SIZE])
{
    (void)data;
    (void)len;
    (void)out;
}

#endif
