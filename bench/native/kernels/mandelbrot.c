/* The Mandelbrot set, four points at a time: arithmetic and comparisons of floats. */
#include "../simd.h"

enum { STEPS = 100 };

/* Steps until each of four points escapes. */
static u32x4 steps_of(f32x4 cx, f32x4 cy)
{
    f32x4 x = {0}, y = {0};
    u32x4 count = {0};

    for (int i = 0; i < STEPS; i++) {
        f32x4 xx = x * x, yy = y * y;
        u32x4 inside = (u32x4)(xx + yy <= 4.0f);

        if (!(inside[0] | inside[1] | inside[2] | inside[3]))
            break;
        count -= inside;
        y = (x + x) * y + cy;
        x = xx - yy + cx;
    }
    return count;
}

KERNEL(mandelbrot, rows)
{
    float step = 2.0f / (float)rows;
    uint64_t sum = 0;

    for (uint32_t row = 0; row < rows; row++) {
        float y = -1.0f + step * (float)row;

        for (uint32_t column = 0; column < rows; column += 4) {
            float x = -1.5f + step * (float)column;
            u32x4 n = steps_of((f32x4){x, x + step, x + step + step, x + 3 * step},
                               (f32x4){y, y, y, y});

            sum = sum * 31 + n[0] + n[1] + n[2] + n[3];
        }
    }
    return sum;
}
