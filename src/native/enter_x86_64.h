/* Entering native code, leaving it, and the stubs that it calls builtins through, on x86-64
 * with the System V ABI; for entry.c alone.
 *
 * native_enter saves the registers that C wants back, notes the stack pointer, and calls a
 * thunk. A builtin's stub notes where the guest is, spills the registers that the guest may use
 * on (the collector of exceptions looks at them there), and calls the function behind. That
 * always returns here: when it wants the guest to be left, the stub goes back to native_enter's
 * end by the stack pointer that was noted, past frames of guests alone.
 *
 * The stack pointer with which native_enter calls a thunk points to the address of the call's
 * record: the handler of faults finds it there. Floating-point modes are C's inside, too. */
#ifndef NATIVE_ENTER_X86_64_H
#define NATIVE_ENTER_X86_64_H

#include "native/do.h"

#if defined(__x86_64__)

/* Returns what the thunk does, or NATIVE_LEFT. */
uint32_t native_enter(abi_native_call *call, const void *thunk, uint64_t *slots,
                      const void *code, uint32_t units);

#define FUNCTION(name)                                                                         \
    ".p2align 4\n"                                                                             \
    ".hidden " name "\n"                                                                       \
    ".globl " name "\n"                                                                        \
    ".type " name ", @function\n" name ":\n"                                                   \
    ".cfi_startproc\n"                                                                         \
    "endbr64\n"
#define FUNCTION_END(name)                                                                     \
    ".cfi_endproc\n"                                                                           \
    ".size " name ", . - " name "\n"

#define PUSH(reg)                                                                              \
    "pushq %" reg "\n"                                                                         \
    ".cfi_adjust_cfa_offset 8\n"
#define POP(reg)                                                                               \
    "popq %" reg "\n"                                                                          \
    ".cfi_adjust_cfa_offset -8\n"
#define PUSH_KEPT PUSH("rbp") PUSH("rbx") PUSH("r12") PUSH("r13") PUSH("r14") PUSH("r15")
#define POP_KEPT POP("r15") POP("r14") POP("r13") POP("r12") POP("rbx") POP("rbp")
#define PUSH_OTHERS                                                                            \
    PUSH("rax")                                                                                \
    PUSH("rcx") PUSH("rdx") PUSH("rsi") PUSH("rdi") PUSH("r8") PUSH("r9") PUSH("r10")
#define POP_OTHERS                                                                             \
    POP("r10")                                                                                 \
    POP("r9") POP("r8") POP("rdi") POP("rsi") POP("rdx") POP("rcx") POP("rax")

/* Note where the guest is; `reg` is free. */
#define NOTE(reg)                                                                              \
    "movq (%rdi), %" reg "\n"                                                                  \
    "movq OFFSET_native(%" reg "), %" reg "\n"                                                 \
    "movq %rsp, OFFSET_guest(%" reg ")\n"

#define PLAIN_STUB(id)                                                                         \
    FUNCTION("native_stub_" #id)                                                               \
    NOTE("rax")                                                                                \
    PUSH_KEPT                                                                                  \
    "subq $8, %rsp\n"                                                                          \
    ".cfi_adjust_cfa_offset 8\n"                                                               \
    "callq native_do_" #id "\n"                                                                \
    "addq $56, %rsp\n"                                                                         \
    ".cfi_adjust_cfa_offset -56\n"                                                             \
    "testq %rdx, %rdx\n"                                                                       \
    "jnz native_leave\n"                                                                       \
    "retq\n" FUNCTION_END("native_stub_" #id)

#define EACH_VECTOR(move, kind, X)                                                             \
    X(move, kind, 0)                                                                           \
    X(move, kind, 1)                                                                           \
    X(move, kind, 2)                                                                           \
    X(move, kind, 3)                                                                           \
    X(move, kind, 4)                                                                           \
    X(move, kind, 5)                                                                           \
    X(move, kind, 6)                                                                           \
    X(move, kind, 7)                                                                           \
    X(move, kind, 8)                                                                           \
    X(move, kind, 9)                                                                           \
    X(move, kind, 10)                                                                          \
    X(move, kind, 11)                                                                          \
    X(move, kind, 12)                                                                          \
    X(move, kind, 13)                                                                          \
    X(move, kind, 14)                                                                          \
    X(move, kind, 15)
#define VECTOR_SAVE(move, kind, i) move " %" kind #i ", 32*" #i "(%rsp)\n"
#define VECTOR_LOAD(move, kind, i) move " 32*" #i "(%rsp), %" kind #i "\n"

/* Saves everything but r11, as LLVM's preserve_all wants it. */
#define SAVING_STUB(name, id, move, kind, before)                                              \
    FUNCTION("native_stub_" name)                                                              \
    NOTE("r11")                                                                                \
    PUSH_KEPT                                                                                  \
    PUSH_OTHERS                                                                                \
    "subq $520, %rsp\n"                                                                        \
    ".cfi_adjust_cfa_offset 520\n" EACH_VECTOR(move, kind, VECTOR_SAVE) before                 \
        "callq native_do_" id "\n"                                                             \
        "testq %rdx, %rdx\n"                                                                   \
        "jnz native_leave\n" EACH_VECTOR(                                                      \
            move, kind, VECTOR_LOAD) "addq $520, %rsp\n"                                       \
                                     ".cfi_adjust_cfa_offset -520\n" POP_OTHERS POP_KEPT       \
                                     "retq\n" FUNCTION_END("native_stub_" name)

#define STUB_R(id) PLAIN_STUB(id)
#define STUB_0(id) PLAIN_STUB(id)
#define STUB_S(id)                                                                             \
    SAVING_STUB(#id, #id, "movups", "xmm", "")                                                 \
    SAVING_STUB(#id "_AVX", #id, "vmovups", "ymm", "vzeroupper\n")

/* Never called: tells the assembler C's offsets. */
void native_offsets(void);
__attribute__((noinline, used)) void native_offsets(void)
{
#define OFFSET(name, type, field)                                                              \
    __asm__ volatile(".set OFFSET_" name ", %c0" : : "i"(offsetof(type, field)))
    OFFSET("native", abi_store, native);
    OFFSET("guest", abi_native_call, guest_sp);
    OFFSET("exit", abi_native_call, exit_sp);
    OFFSET("context", abi_native_call, context);
    OFFSET("err", abi_native_call, err);
    OFFSET("skip_poll", abi_native_call, skip_poll);
    OFFSET("units", abi_store, units);
    OFFSET("stack_top", abi_store, stack_top);
    OFFSET("frame_top", abi_store, frame_top);
    OFFSET("entry", abi_func, entry);
    OFFSET("instance", abi_context, instance);
    OFFSET("memory0", abi_context, memory0);
    OFFSET("base", abi_memory, base);
    OFFSET("size", abi_memory, size);
    __asm__ volatile(".set OFFSET_left, %c0" : : "i"(NATIVE_LEFT));
#undef OFFSET
}

__asm__(
    ".pushsection .text\n" FUNCTION("native_enter")
        PUSH_KEPT PUSH("rdi") "movq %rsp, OFFSET_exit(%rdi)\n"
                              "movq %rsi, %rax\n"
                              "movq OFFSET_context(%rdi), %rdi\n"
                              "movl %r8d, %esi\n"
                              "callq *%rax\n"
                              "native_exit:\n"
                              "addq $8, %rsp\n"
                              ".cfi_adjust_cfa_offset -8\n" POP_KEPT
                              "retq\n" FUNCTION_END("native_enter")
    /* rdx: the call's record */
    FUNCTION("native_leave") "movq OFFSET_exit(%rdx), %rsp\n"
                             "movl $OFFSET_left, %eax\n"
                             "jmp native_exit\n" FUNCTION_END("native_leave") FUNCTION(
                                 "native_fault_stub") "movq %rsp, OFFSET_guest(%rdi)\n"
                                                      "andq $-16, %rsp\n"
                                                      "callq native_do_FAULT\n"
                                                      "jmp native_leave\n" FUNCTION_END(
                                                          "native_fault_stub") ".popsection\n");
/* clang-format off */
#define ABI_BUILTIN(id, result, params, flags)                                                 \
    __asm__(".pushsection .text\n" STUB_##flags(id) ".popsection\n");
#include "abi/builtin.def"
#undef ABI_BUILTIN
/* clang-format on */

#define ABI_BUILTIN(id, result, params, flags) STUB_DECLARE_##flags(id)
#define STUB_DECLARE_R(id) void native_stub_##id(void);
#define STUB_DECLARE_0(id) void native_stub_##id(void);
#define STUB_DECLARE_S(id)                                                                     \
    void native_stub_##id(void);                                                               \
    void native_stub_##id##_AVX(void);
#include "abi/builtin.def"
#undef ABI_BUILTIN

#define STUB_PLAIN_R(id) (const void *)(uintptr_t)native_stub_##id
#define STUB_PLAIN_0(id) (const void *)(uintptr_t)native_stub_##id
#define STUB_PLAIN_S(id) (const void *)(uintptr_t)native_stub_##id
#define STUB_AVX_R(id) STUB_PLAIN_R(id)
#define STUB_AVX_0(id) STUB_PLAIN_0(id)
#define STUB_AVX_S(id) (const void *)(uintptr_t)native_stub_##id##_AVX

void native_quick_CALL(void);
void native_quick_MEMORY_COPY(void);
void native_quick_MEMORY_FILL(void);
#include "native/quick_x86_64.h"

#define QUICK_CALL [ABI_BUILTIN_CALL] = (const void *)(uintptr_t)native_quick_CALL
#define QUICK                                                                                  \
    [ABI_BUILTIN_MEMORY_FILL] = (const void *)(uintptr_t)native_quick_MEMORY_FILL,             \
    [ABI_BUILTIN_MEMORY_COPY] = (const void *)(uintptr_t)native_quick_MEMORY_COPY

const void *const *native_builtins(uint32_t flags, uint32_t cpu)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#define ABI_BUILTIN(id, result, params, flags) [ABI_BUILTIN_##id] = STUB_PLAIN_##flags(id),
    static const void *const plain[] = {
#include "abi/builtin.def"
        QUICK_CALL};
    static const void *const quick[] = {
#include "abi/builtin.def"
        QUICK_CALL, QUICK};
#undef ABI_BUILTIN
#define ABI_BUILTIN(id, result, params, flags) [ABI_BUILTIN_##id] = STUB_AVX_##flags(id),
    static const void *const plain_avx[] = {
#include "abi/builtin.def"
        QUICK_CALL};
    static const void *const quick_avx[] = {
#include "abi/builtin.def"
        QUICK_CALL, QUICK};
#undef ABI_BUILTIN
#pragma GCC diagnostic pop
    bool avx = cpu & ABI_CPU_X86_64_V3;

    if (flags & ABI_OBJECT_METERING)
        return avx ? plain_avx : plain;
    return avx ? quick_avx : quick;
}

#endif
#endif
