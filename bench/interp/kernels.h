/* The kernels that the interpreter is measured with, each in kernels/<name>.c.
 * A kernel is a function of its size that returns a checksum of its result, needs no library
 * and keeps its data in static arrays; compiled natively and to WebAssembly it must return the
 * same number. Sizes are such that a native run takes some tens of milliseconds. */
#ifndef BENCH_INTERP_KERNELS_H
#define BENCH_INTERP_KERNELS_H

#include <stdint.h>

/*        name       size     quick   what the size is */
#define KERNELS(X)                                                                             \
    X(fib, 35, 16, "argument of a recursive Fibonacci function")                               \
    X(sieve, 8000000, 20000, "numbers sieved for primes")                                      \
    X(nbody, 400000, 500, "steps of five bodies")                                              \
    X(sha256, 6000, 40, "KiB hashed")                                                          \
    X(matmul, 320, 24, "rows of square matrices of doubles")                                   \
    X(bytecode, 25000, 300, "rounds of a program in a switch-driven loop")                     \
    X(quicksort, 400000, 2000, "numbers sorted")

#define X(name, size, quick, what) uint64_t kernel_##name(uint32_t);
KERNELS(X)
#undef X

/* Begins the definition of a kernel; in WebAssembly it is exported. */
#ifdef __wasm__
#define KERNEL(name, size)                                                                     \
    __attribute__((export_name("kernel_" #name))) uint64_t kernel_##name(uint32_t size)
#else
#define KERNEL(name, size) uint64_t kernel_##name(uint32_t size)
#endif

/* The next of a sequence of pseudo-random numbers. state  anything but 0 */
static inline uint32_t kernel_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    *state = x;
    return x;
}

/* The bits of a number, for checksums. */
static inline uint64_t kernel_bits(double number)
{
    union {
        double number;
        uint64_t bits;
    } as = {number};

    return as.bits;
}

#endif
