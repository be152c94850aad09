/* Vectors by a matrix of 4 x 4: multiplications and additions of floats, with loads and stores.
 */
#include "../simd.h"

enum { VECTORS = 16384 };

static f32x4 points[VECTORS];

static f32x4 apply(const f32x4 matrix[4], f32x4 v)
{
    f32x4 x = __builtin_shufflevector(v, v, 0, 0, 0, 0);
    f32x4 y = __builtin_shufflevector(v, v, 1, 1, 1, 1);
    f32x4 z = __builtin_shufflevector(v, v, 2, 2, 2, 2);
    f32x4 w = __builtin_shufflevector(v, v, 3, 3, 3, 3);

    return matrix[0] * x + matrix[1] * y + matrix[2] * z + matrix[3] * w;
}

KERNEL(transform, times)
{
    /* Turns by an angle whose cosine is 0.8, and moves a little. */
    static const f32x4 matrix[4] = {
        {0.8f, 0.6f, 0, 0}, {-0.6f, 0.8f, 0, 0}, {0, 0, 1, 0}, {0.125f, -0.25f, 0.5f, 1}};
    uint64_t sum = 0;

    for (uint32_t i = 0; i < VECTORS; i++)
        points[i] = (f32x4){(float)i, (float)(i % 7), (float)(i % 11), 1};
    for (uint32_t t = 0; t < times; t++)
        for (uint32_t i = 0; i < VECTORS; i++)
            points[i] = apply(matrix, points[i]);
    for (uint32_t i = 0; i < VECTORS; i++)
        sum = sum * 31 + kernel_bits((double)(points[i][0] + points[i][1] + points[i][2]));
    return sum;
}
