/* Product of two square matrices of doubles: nested loops over memory. */
#include "kernels.h"

#define ROWS_MAX 384u

static double left[ROWS_MAX][ROWS_MAX], right[ROWS_MAX][ROWS_MAX], product[ROWS_MAX][ROWS_MAX];

static void fill(uint32_t rows)
{
    uint32_t random = 12345;

    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t j = 0; j < rows; j++) {
            left[i][j] = (double)(kernel_random(&random) & 0xffff) / 256.0;
            right[i][j] = (double)(kernel_random(&random) & 0xffff) / 512.0 - 64.0;
        }
    }
}

static void multiply(uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++) {
        for (uint32_t j = 0; j < rows; j++) {
            double sum = 0.0;

            for (uint32_t k = 0; k < rows; k++)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum;
        }
    }
}

KERNEL(matmul, size)
{
    uint64_t sum = 0;

    if (size > ROWS_MAX)
        size = ROWS_MAX;
    fill(size);
    multiply(size);
    for (uint32_t i = 0; i < size; i++) {
        for (uint32_t j = 0; j < size; j++)
            sum = sum * 31 + kernel_bits(product[i][j]);
    }
    return sum;
}
