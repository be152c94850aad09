/* The switch of fibers on AArch64, AAPCS64: the registers that a call keeps, and the modes of
 * floating point. What is on the stack is `saved` in fiber.c. */
#if defined(__aarch64__)

    .text
    .globl rt_fiber_switch
    .hidden rt_fiber_switch
    .type rt_fiber_switch, %function
/* void rt_fiber_switch(void **from, void *to) */
rt_fiber_switch:
    .cfi_startproc
    hint #34 /* bti c */
    sub sp, sp, #176
    .cfi_adjust_cfa_offset 176
    mrs x9, fpcr
    str x9, [sp]
    stp d8, d9, [sp, #16]
    stp d10, d11, [sp, #32]
    stp d12, d13, [sp, #48]
    stp d14, d15, [sp, #64]
    stp x19, x20, [sp, #80]
    stp x21, x22, [sp, #96]
    stp x23, x24, [sp, #112]
    stp x25, x26, [sp, #128]
    stp x27, x28, [sp, #144]
    stp x29, x30, [sp, #160]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldr x9, [sp]
    msr fpcr, x9
    ldp d8, d9, [sp, #16]
    ldp d10, d11, [sp, #32]
    ldp d12, d13, [sp, #48]
    ldp d14, d15, [sp, #64]
    ldp x19, x20, [sp, #80]
    ldp x21, x22, [sp, #96]
    ldp x23, x24, [sp, #112]
    ldp x25, x26, [sp, #128]
    ldp x27, x28, [sp, #144]
    ldp x29, x30, [sp, #160]
    add sp, sp, #176
    .cfi_adjust_cfa_offset -176
    ret
    .cfi_endproc
    .size rt_fiber_switch, . - rt_fiber_switch

    .globl rt_fiber_start
    .hidden rt_fiber_start
    .type rt_fiber_start, %function
rt_fiber_start:
    .cfi_startproc
    .cfi_undefined x30 /* backtraces end here */
    mov x0, x20
    blr x19
    brk #1
    .cfi_endproc
    .size rt_fiber_start, . - rt_fiber_start

#endif
    .section .note.GNU-stack, "", %progbits
