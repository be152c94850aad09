/* Sieve of Eratosthenes: byte stores with a stride, and a tight loop. */
#include "kernels.h"

#define NUMBERS_MAX 8000000u

static uint8_t is_composite[NUMBERS_MAX];

KERNEL(sieve, size)
{
    uint64_t sum = 0;
    uint32_t count = 0;

    if (size > NUMBERS_MAX)
        size = NUMBERS_MAX;
    for (uint32_t i = 0; i < size; i++)
        is_composite[i] = 0;
    for (uint32_t i = 2; i < size; i++) {
        if (is_composite[i])
            continue;
        count++;
        sum += i;
        if (i >= 65536)
            continue;
        for (uint32_t j = i * i; j < size; j += i)
            is_composite[j] = 1;
    }
    return sum << 20 ^ count;
}
