/* The switch of stacks on AArch64, AAPCS64; for fiber.c alone.
 * The compiler is told that all registers change, and keeps what it still needs by itself. */
#ifndef RUNTIME_FIBER_AARCH64_H
#define RUNTIME_FIBER_AARCH64_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__aarch64__)

/* What is on top of a stack that does not run, and of a new one. */
typedef struct fiber_saved {
    void *frame_pointer;
    void (*go_on)(void);
    uint64_t fpcr; /* modes of floating point */
    uint64_t unused;
    /* Of a new stack. */
    void *arg;
    void (*function)(void *arg);
} fiber_saved;

/* To nearest, subnormals and NaNs kept. */
#define FIBER_MODES .fpcr = 0

/* Let a stack that does not run go on with these modes. */
static inline void fiber_modes_reset(void *sp)
{
    ((fiber_saved *)sp)->fpcr = 0;
}

/* A stack that does not run goes on with the default modes. */
static inline bool fiber_modes_are_default(const void *sp)
{
    return ((const fiber_saved *)sp)->fpcr == 0;
}

/* Where a new stack goes on: calls its function. Backtraces end here. */
void rt_fiber_start(void);
__asm__(".text\n"
        ".hidden rt_fiber_start\n"
        ".globl rt_fiber_start\n"
        ".type rt_fiber_start, %function\n"
        "rt_fiber_start:\n"
        ".cfi_startproc\n"
        ".cfi_undefined x30\n"
        "hint #36\n" /* bti j */
        "ldp x0, x9, [sp], #16\n"
        "blr x9\n"
        "brk #1\n"
        ".cfi_endproc\n"
        ".size rt_fiber_start, . - rt_fiber_start\n");

/* Leave this stack, whose pointer is stored in *from, and go on with `to`. Returns when
 * somebody goes on with this one. */
static inline void fiber_switch(void **from, void *to)
{
    register void **save __asm__("x0") = from;
    register void *load __asm__("x1") = to;

    __asm__ volatile("adr x9, 1f\n"
                     "stp x29, x9, [sp, #-32]!\n"
                     "mrs x10, fpcr\n"
                     "str x10, [sp, #16]\n"
                     "mov x10, sp\n"
                     "str x10, [x0]\n"
                     "mov sp, x1\n"
                     "ldr x10, [sp, #16]\n"
                     "msr fpcr, x10\n"
                     "ldp x29, x9, [sp], #32\n"
                     "br x9\n"
                     "1: hint #36\n" /* bti j */
                     : "+r"(save), "+r"(load)
                     :
                     : "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",
                       "x13", "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22",
                       "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3",
                       "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
                       "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
                       "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc");
}

/* Likewise between stacks with the same modes. */
static inline void fiber_switch_alike(void **from, void *to)
{
    fiber_switch(from, to);
}

#endif
#endif
