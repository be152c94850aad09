/* Recursive Fibonacci: calls and little else. */
#include "kernels.h"

static __attribute__((noinline)) uint64_t fib(uint32_t n)
{
    return n < 2 ? n : fib(n - 1) + fib(n - 2);
}

KERNEL(fib, size)
{
    return fib(size);
}
