/* The switch of stacks on x86-64, System V ABI; for fiber.c alone.
 * It is a jump: with a call and a return the processor would expect, at each return that
 * follows, to go back to the other stack. The compiler is told that all registers change, and
 * keeps what it still needs by itself. */
#ifndef RUNTIME_FIBER_X86_64_H
#define RUNTIME_FIBER_X86_64_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__x86_64__)

/* What is on top of a stack that does not run, and of a new one. */
typedef struct fiber_saved {
    uint64_t mxcsr; /* modes of SSE */
    void (*go_on)(void);
    /* Of a new stack. */
    void *arg;
    void (*function)(void *arg);
} fiber_saved;

/* All floating-point exceptions masked, to nearest, subnormals kept. The modes of x87 stay the
 * thread's: guests do not use it, functions leave it as they found it, and to ask for it takes
 * longer than all the rest of a switch. */
#define FIBER_MXCSR 0x1f80
#define FIBER_MODES .mxcsr = FIBER_MXCSR

/* Let a stack that does not run go on with these modes. */
static inline void fiber_modes_reset(void *sp)
{
    fiber_saved *at = sp;

    at->mxcsr = FIBER_MXCSR;
}

/* A stack that does not run goes on with the default modes. */
static inline bool fiber_modes_are_default(const void *sp)
{
    return ((((const fiber_saved *)sp)->mxcsr ^ FIBER_MXCSR) & UINT32_C(0xffffffc0)) == 0;
}

/* Where a new stack goes on: calls its function. Backtraces end here. */
void rt_fiber_start(void);
__asm__(".text\n"
        ".hidden rt_fiber_start\n"
        ".globl rt_fiber_start\n"
        ".type rt_fiber_start, @function\n"
        "rt_fiber_start:\n"
        ".cfi_startproc\n"
        ".cfi_undefined rip\n"
        "endbr64\n"
        "popq %rdi\n"
        "popq %rax\n"
        "callq *%rax\n"
        "ud2\n"
        ".cfi_endproc\n"
        ".size rt_fiber_start, . - rt_fiber_start\n");

#ifdef __AVX512F__
#define FIBER_AVX512                                                                           \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24",         \
        "xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", \
        "k5", "k6", "k7"
#else
#define FIBER_AVX512
#endif

/* Leave this stack, whose pointer is stored in *from, and go on with `to`. Returns when
 * somebody goes on with this one. */
#define FIBER_SWITCH(from, to, save, load, other)                                              \
    __asm__ volatile(                                                                          \
        "leaq -128(%%rsp), %%rsp\n"                                                            \
        "pushq %%rbp\n"                                                                        \
        "leaq 1f(%%rip), %%rax\n"                                                              \
        "pushq %%rax\n"                                                                        \
        "subq $8, %%rsp\n" save "movq %%rsp, (%%rdi)\n" load "3: addq $8, %%rsp\n"             \
        "popq %%rax\n"                                                                         \
        "jmpq *%%rax\n" other "1: endbr64\n"                                                   \
        "popq %%rbp\n"                                                                         \
        "leaq 128(%%rsp), %%rsp\n"                                                             \
        : "+D"(from), "+S"(to)                                                                 \
        :                                                                                      \
        : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",    \
          "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",      \
          "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc" FIBER_AVX512)

static inline void fiber_switch(void **from, void *to)
{
    /* 128 bytes below the stack pointer may be in use. rbp may be the compiler's own. To load
     * modes takes longer than all the rest, and they are seldom other ones. The flags of
     * exceptions that have been, below 0x40, are no modes. */
    FIBER_SWITCH(from, to, "stmxcsr (%%rsp)\n",
                 "movl (%%rsp), %%eax\n"
                 "movq %%rsi, %%rsp\n"
                 "xorl (%%rsp), %%eax\n"
                 "testl $0xffffffc0, %%eax\n"
                 "jne 2f\n",
                 "2: ldmxcsr (%%rsp)\n"
                 "jmp 3b\n");
}

/* Likewise between stacks with the same modes; this one's are not saved. */
static inline void fiber_switch_alike(void **from, void *to)
{
    FIBER_SWITCH(from, to, "", "movq %%rsi, %%rsp\n", "");
}

#endif
#endif
