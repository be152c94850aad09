/* What a guest must have to unwind by Emscripten's imports. Calls that may throw go through
 * `invoke_*`; these restore the guest's stack pointer and call setThrew when the callee threw,
 * and the code that clang wrote behind the call looks at __THREW__.
 * Read next: setjmp.c and cxx.cc with GUEST_INVOKE. */
#include <stdint.h>

#define EXPORT(name) __attribute__((export_name(#name)))

uintptr_t __THREW__; /* 0: nothing; 1: an exception; else the jmp_buf of a longjmp */
int __threwValue;    /* of a longjmp */
static int second;   /* the second result of a call */

void setThrew(uintptr_t threw, int value);
void setTempRet0(int value);
int getTempRet0(void);
uintptr_t emscripten_stack_get_current(void);
void _emscripten_stack_restore(uintptr_t at);
void _emscripten_tempret_set(int value);

/* The first one counts: a longjmp has set it before `invoke_*` reports a throw. */
EXPORT(setThrew) void setThrew(uintptr_t threw, int value)
{
    if (__THREW__ == 0) {
        __THREW__ = threw;
        __threwValue = value;
    }
}

void setTempRet0(int value)
{
    second = value;
}

int getTempRet0(void)
{
    return second;
}

EXPORT(_emscripten_tempret_set) void _emscripten_tempret_set(int value)
{
    second = value;
}

/* The stack pointer is a global of the module, out of reach for C. */
#ifdef __wasm64__
#define TYPE "i64"
#else
#define TYPE "i32"
#endif
__asm__(".globaltype __stack_pointer, " TYPE "\n");

EXPORT(emscripten_stack_get_current) uintptr_t emscripten_stack_get_current(void)
{
    uintptr_t at;

    __asm__ volatile("global.get __stack_pointer\nlocal.set %0" : "=r"(at));
    return at;
}

EXPORT(_emscripten_stack_restore) void _emscripten_stack_restore(uintptr_t at)
{
    __asm__ volatile("local.get %0\nglobal.set __stack_pointer" : : "r"(at));
}
