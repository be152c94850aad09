/* Pixels of one picture over another: bytes that are widened, multiplied, and narrowed. */
#include "../simd.h"

enum { BYTES = 1 << 18 };

static u8x16 front[BYTES / 16], back[BYTES / 16];

static u16x8 mix(u8x8 a, u8x8 b, uint16_t weight)
{
    u16x8 wide = __builtin_convertvector(a, u16x8) * weight +
                 __builtin_convertvector(b, u16x8) * (uint16_t)(256 - weight);

    return wide >> 8;
}

static u8x16 blend(u8x16 a, u8x16 b, uint16_t weight)
{
    u16x8 low = mix(__builtin_shufflevector(a, a, 0, 1, 2, 3, 4, 5, 6, 7),
                    __builtin_shufflevector(b, b, 0, 1, 2, 3, 4, 5, 6, 7), weight);
    u16x8 high = mix(__builtin_shufflevector(a, a, 8, 9, 10, 11, 12, 13, 14, 15),
                     __builtin_shufflevector(b, b, 8, 9, 10, 11, 12, 13, 14, 15), weight);

    return __builtin_shufflevector((u8x16)low, (u8x16)high, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18,
                                   20, 22, 24, 26, 28, 30);
}

KERNEL(blend, times)
{
    uint32_t random = 1;
    uint64_t sum = 0;

    for (uint32_t i = 0; i < BYTES; i++) {
        ((uint8_t *)front)[i] = (uint8_t)kernel_random(&random);
        ((uint8_t *)back)[i] = (uint8_t)i;
    }
    for (uint32_t t = 0; t < times; t++)
        for (uint32_t i = 0; i < BYTES / 16; i++)
            back[i] = blend(front[i], back[i], (uint16_t)(t % 255 + 1));
    for (uint32_t i = 0; i < BYTES; i++)
        sum = sum * 31 + ((uint8_t *)back)[i];
    return sum;
}
