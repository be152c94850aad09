/* Copying past the caches, with the stores of SSE2 that do so; elsewhere it is memcpy. */
#include "base/copy.h"

#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)

#include <emmintrin.h>

#define LINE ((size_t)64)

/* One line; `to` is aligned to it. */
static void copy_line(uint8_t *to, const uint8_t *from)
{
    __m128i a = _mm_loadu_si128((const __m128i *)from);
    __m128i b = _mm_loadu_si128((const __m128i *)(from + 16));
    __m128i c = _mm_loadu_si128((const __m128i *)(from + 32));
    __m128i d = _mm_loadu_si128((const __m128i *)(from + 48));

    _mm_stream_si128((__m128i *)to, a);
    _mm_stream_si128((__m128i *)(to + 16), b);
    _mm_stream_si128((__m128i *)(to + 32), c);
    _mm_stream_si128((__m128i *)(to + 48), d);
}

void base_copy_past_cache(void *to, const void *from, size_t len)
{
    uint8_t *out = to;
    const uint8_t *in = from;
    size_t head = (LINE - ((uintptr_t)out & (LINE - 1))) & (LINE - 1);
    size_t left = len;

    if (len < 2 * LINE) {
        memcpy(to, from, len);
        return;
    }
    memcpy(out, in, head);
    out += head;
    in += head;
    for (left -= head; left >= LINE; left -= LINE) {
        __builtin_prefetch((const void *)((uintptr_t)in + len));
        copy_line(out, in);
        out += LINE;
        in += LINE;
    }
    memcpy(out, in, left);
}

void base_copy_settle(void)
{
    _mm_sfence();
}

#else

void base_copy_past_cache(void *to, const void *from, size_t len)
{
    memcpy(to, from, len);
}

void base_copy_settle(void)
{
}

#endif
