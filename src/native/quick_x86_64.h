/* The short ways of what guests ask for most; for enter_x86_64.h alone. What is not that simple
 * jumps to the builtin's stub, its arguments as they came.
 *
 * Calls: nothing was asked of the store, and it is no tail call. As native_do_CALL, which would
 * save once more the registers that the stub has spilled anyway.
 *
 * Copies and fills of a few bytes: up to QUICK_BYTES within memory 0 are done here, at once:
 * nothing traps, polls or is charged for then (so not for code that counts fuel). All else
 * jumps to the builtin's stub, its arguments as they came. Each way reads everything before it
 * writes, in pieces from the beginning and from the end that meet, so source and destination
 * may overlap. */
#ifndef NATIVE_QUICK_X86_64_H
#define NATIVE_QUICK_X86_64_H

#include "native/enter_x86_64.h" /* its macros; which includes this file */

#define QUICK_BYTES "64"

/* For rdi context, r8 length: leaves in r10 the last address at which so many bytes are within
 * the memory, and in r11 the memory. */
#define QUICK_BEGIN(id)                                                                        \
    "testl %esi, %esi\n" /* index of the memory */                                             \
    "jnz native_stub_" id "\n"                                                                 \
    "cmpq $" QUICK_BYTES ", %r8\n"                                                             \
    "ja native_stub_" id "\n"                                                                  \
    "movq OFFSET_memory0(%rdi), %r11\n"                                                        \
    "movq OFFSET_size(%r11), %r10\n"                                                           \
    "subq %r8, %r10\n"                                                                         \
    "jb native_stub_" id "\n"
#define QUICK_WITHIN(id, at)                                                                   \
    "cmpq %r10, %" at "\n"                                                                     \
    "ja native_stub_" id "\n"
#define QUICK_UNLESS(least, label)                                                             \
    "cmpl $" least ", %r8d\n"                                                                  \
    "jb " label "\n"

/* clang-format off */

/* rsi: function, edx: units, ecx: it is a tail call */
__asm__(".pushsection .text\n"
    FUNCTION("native_quick_CALL")
    "testl %ecx, %ecx\n"
    "jnz native_stub_CALL\n"
    "movq (%rdi), %rax\n"
    "cmpl $0, (%rax)\n"
    "jne native_stub_CALL\n"
    "movq OFFSET_native(%rax), %r8\n"
    "movq %rsp, OFFSET_guest(%r8)\n"
    "movb $0, OFFSET_skip_poll(%r8)\n"
    PUSH_KEPT
    "subq $8, %rsp\n"
    ".cfi_adjust_cfa_offset 8\n"
    "movq %rax, %rbx\n"
    "movq %rdi, %r13\n"
    "movq %rsi, %r14\n"
    "movl %edx, OFFSET_units(%rbx)\n"
    "movq OFFSET_stack_top(%rbx), %r12\n"
    "movq OFFSET_frame_top(%rbx), %rbp\n"
    "movq %rsi, %rdi\n"
    "movq OFFSET_instance(%r13), %rsi\n"
    "movq %r12, %rdx\n"
    "movq OFFSET_err(%r8), %rcx\n"
    "callq *OFFSET_entry(%rdi)\n"
    "movq %r12, OFFSET_stack_top(%rbx)\n"
    "movq %rbp, OFFSET_frame_top(%rbx)\n"
    "testl %eax, %eax\n"
    "jnz 2f\n"
    "1: movq 16(%rsp), %r14\n"
    "movq 24(%rsp), %r13\n"
    "movq 32(%rsp), %r12\n"
    "movq 40(%rsp), %rbx\n"
    "movq 48(%rsp), %rbp\n"
    "addq $56, %rsp\n"
    ".cfi_adjust_cfa_offset -56\n"
    "retq\n"
    "2:\n"
    ".cfi_adjust_cfa_offset 56\n"
    "movq %r13, %rdi\n"
    "movq %r14, %rsi\n"
    "movl %eax, %edx\n"
    "callq native_do_CALLED\n"
    "testq %rdx, %rdx\n"
    "jz 1b\n"
    "jmp native_leave\n"
    FUNCTION_END("native_quick_CALL")
    ".popsection\n");

/* rsi: both indices, rdx: to, rcx: from */
__asm__(".pushsection .text\n"
    FUNCTION("native_quick_MEMORY_COPY")
    "movq %rsi, %rax\n"
    "shrq $32, %rax\n"
    "jnz native_stub_MEMORY_COPY\n"
    QUICK_BEGIN("MEMORY_COPY")
    QUICK_WITHIN("MEMORY_COPY", "rdx")
    QUICK_WITHIN("MEMORY_COPY", "rcx")
    "movq OFFSET_base(%r11), %r11\n"
    "addq %r11, %rdx\n"
    "addq %r11, %rcx\n"
    QUICK_UNLESS("16", "2f")
    "movups (%rcx), %xmm0\n"
    "movups -16(%rcx,%r8), %xmm1\n"
    QUICK_UNLESS("33", "1f")
    "movups 16(%rcx), %xmm2\n"
    "movups -32(%rcx,%r8), %xmm3\n"
    "movups %xmm2, 16(%rdx)\n"
    "movups %xmm3, -32(%rdx,%r8)\n"
    "1: movups %xmm0, (%rdx)\n"
    "movups %xmm1, -16(%rdx,%r8)\n"
    "retq\n"
    "2:\n"
    QUICK_UNLESS("8", "3f")
    "movq (%rcx), %rax\n"
    "movq -8(%rcx,%r8), %rcx\n"
    "movq %rax, (%rdx)\n"
    "movq %rcx, -8(%rdx,%r8)\n"
    "retq\n"
    "3:\n"
    QUICK_UNLESS("4", "4f")
    "movl (%rcx), %eax\n"
    "movl -4(%rcx,%r8), %ecx\n"
    "movl %eax, (%rdx)\n"
    "movl %ecx, -4(%rdx,%r8)\n"
    "retq\n"
    "4:\n"
    QUICK_UNLESS("1", "5f")
    "movl %r8d, %esi\n"
    "shrl $1, %esi\n" /* the one in the middle, if there is one */
    "movzbl (%rcx), %eax\n"
    "movzbl (%rcx,%rsi), %r10d\n"
    "movzbl -1(%rcx,%r8), %ecx\n"
    "movb %al, (%rdx)\n"
    "movb %r10b, (%rdx,%rsi)\n"
    "movb %cl, -1(%rdx,%r8)\n"
    "5: retq\n"
    FUNCTION_END("native_quick_MEMORY_COPY")
    ".popsection\n");

/* esi: index, rdx: to, cl: value */
__asm__(".pushsection .text\n"
    FUNCTION("native_quick_MEMORY_FILL")
    QUICK_BEGIN("MEMORY_FILL")
    QUICK_WITHIN("MEMORY_FILL", "rdx")
    "addq OFFSET_base(%r11), %rdx\n"
    "movzbl %cl, %eax\n"
    "movabsq $0x0101010101010101, %rcx\n"
    "imulq %rcx, %rax\n"
    QUICK_UNLESS("16", "2f")
    "movq %rax, %xmm0\n"
    "punpcklqdq %xmm0, %xmm0\n"
    QUICK_UNLESS("33", "1f")
    "movups %xmm0, 16(%rdx)\n"
    "movups %xmm0, -32(%rdx,%r8)\n"
    "1: movups %xmm0, (%rdx)\n"
    "movups %xmm0, -16(%rdx,%r8)\n"
    "retq\n"
    "2:\n"
    QUICK_UNLESS("8", "3f")
    "movq %rax, (%rdx)\n"
    "movq %rax, -8(%rdx,%r8)\n"
    "retq\n"
    "3:\n"
    QUICK_UNLESS("4", "4f")
    "movl %eax, (%rdx)\n"
    "movl %eax, -4(%rdx,%r8)\n"
    "retq\n"
    "4:\n"
    QUICK_UNLESS("1", "5f")
    "movb %al, (%rdx)\n"
    "movb %al, -1(%rdx,%r8)\n"
    "shrl $1, %r8d\n" /* the one in the middle, if there is one */
    "movb %al, (%rdx,%r8)\n"
    "5: retq\n"
    FUNCTION_END("native_quick_MEMORY_FILL")
    ".popsection\n");

/* clang-format on */

#endif
