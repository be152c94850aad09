/* Quicksort: comparisons, swaps, and recursion of uneven depth. */
#include "kernels.h"

#define COUNT_MAX 1000000u

static uint32_t numbers[COUNT_MAX];

static void sort(uint32_t *first, uint32_t *last)
{
    while (first < last) {
        uint32_t pivot = first[(last - first) / 2];
        uint32_t *low = first, *high = last;

        while (low <= high) {
            while (*low < pivot)
                low++;
            while (*high > pivot)
                high--;
            if (low <= high) {
                uint32_t kept = *low;

                *low++ = *high;
                *high-- = kept;
            }
        }
        /* The shorter side recurses, so the depth stays logarithmic. */
        if (high - first < last - low) {
            sort(first, high);
            first = low;
        } else {
            sort(low, last);
            last = high;
        }
    }
}

KERNEL(quicksort, size)
{
    uint32_t random = 2463534242u;
    uint64_t sum = 0;

    if (size > COUNT_MAX)
        size = COUNT_MAX;
    for (uint32_t i = 0; i < size; i++)
        numbers[i] = kernel_random(&random);
    if (size)
        sort(numbers, numbers + size - 1);
    for (uint32_t i = 0; i < size; i++)
        sum = sum * 31 + numbers[i];
    return sum;
}
