/* The switch of fibers on x86-64, System V ABI: the registers that a call keeps, and the modes of
 * SSE and x87. What is on the stack is `saved` in fiber.c. */
#if defined(__x86_64__)

    .text
    .globl rt_fiber_switch
    .hidden rt_fiber_switch
    .type rt_fiber_switch, @function
/* void rt_fiber_switch(void **from, void *to) */
rt_fiber_switch:
    .cfi_startproc
    endbr64
    pushq %rbp
    .cfi_adjust_cfa_offset 8
    pushq %rbx
    .cfi_adjust_cfa_offset 8
    pushq %r12
    .cfi_adjust_cfa_offset 8
    pushq %r13
    .cfi_adjust_cfa_offset 8
    pushq %r14
    .cfi_adjust_cfa_offset 8
    pushq %r15
    .cfi_adjust_cfa_offset 8
    subq $8, %rsp
    .cfi_adjust_cfa_offset 8
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq %r15
    .cfi_adjust_cfa_offset -8
    popq %r14
    .cfi_adjust_cfa_offset -8
    popq %r13
    .cfi_adjust_cfa_offset -8
    popq %r12
    .cfi_adjust_cfa_offset -8
    popq %rbx
    .cfi_adjust_cfa_offset -8
    popq %rbp
    .cfi_adjust_cfa_offset -8
    ret
    .cfi_endproc
    .size rt_fiber_switch, . - rt_fiber_switch

    .globl rt_fiber_start
    .hidden rt_fiber_start
    .type rt_fiber_start, @function
rt_fiber_start:
    .cfi_startproc
    .cfi_undefined rip /* backtraces end here */
    endbr64
    movq %r13, %rdi
    callq *%r12
    ud2
    .cfi_endproc
    .size rt_fiber_start, . - rt_fiber_start

#endif
    .section .note.GNU-stack, "", @progbits
