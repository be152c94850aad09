/* The kernels with vectors, each in kernels/<name>.c, as those in bench/interp/kernels.h:
 * written with the C compiler's vector types, so that the same operations are asked for
 * natively and in WebAssembly. */
#ifndef BENCH_NATIVE_SIMD_H
#define BENCH_NATIVE_SIMD_H

#include "../interp/kernels.h"

/*        name       size     quick   what the size is */
#define SIMD_KERNELS(X)                                                                        \
    X(mandelbrot, 480, 24, "rows of a Mandelbrot set, f32x4")                                  \
    X(chacha, 24000, 100, "KiB of ChaCha20's stream, i32x4")                                   \
    X(blend, 150, 2, "times 256 KiB of pixels blended, i8x16 and i16x8")                       \
    X(transform, 600, 5, "times 16,384 vectors by a matrix, f32x4")

#define X(name, size, quick, what) uint64_t kernel_##name(uint32_t);
SIMD_KERNELS(X)
#undef X

typedef float f32x4 __attribute__((vector_size(16)));
typedef int32_t i32x4 __attribute__((vector_size(16)));
typedef uint32_t u32x4 __attribute__((vector_size(16)));
typedef uint16_t u16x8 __attribute__((vector_size(16)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef uint8_t u8x8 __attribute__((vector_size(8)));

#endif
