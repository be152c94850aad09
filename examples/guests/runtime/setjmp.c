/* What clang calls in place of setjmp and longjmp. It gives each activation of a function an
 * address of its own, `frame`, and numbers the calls of setjmp in a function.
 * Two ways to unwind: by an exception with the tag __c_longjmp (tags.S), or, with GUEST_INVOKE,
 * by Emscripten's imports (invoke.c). */
#include "setjmp.h"

#include <stdint.h>

void __wasm_setjmp(struct guest_jump *env, uint32_t label, void *frame);
uint32_t __wasm_setjmp_test(const struct guest_jump *env, const void *frame);

void __wasm_setjmp(struct guest_jump *env, uint32_t label, void *frame)
{
    env->frame = frame;
    env->label = label;
}

/* Which call of setjmp in this activation env comes from; 0: none. */
uint32_t __wasm_setjmp_test(const struct guest_jump *env, const void *frame)
{
    return env->frame == frame ? env->label : 0;
}

#ifdef GUEST_INVOKE

void _emscripten_throw_longjmp(void)
    __attribute__((import_module("env"), import_name("_emscripten_throw_longjmp"), noreturn));
void setThrew(uintptr_t threw, int value);
void emscripten_longjmp(uintptr_t env, int value) __attribute__((noreturn));

void emscripten_longjmp(uintptr_t env, int value)
{
    setThrew(env, value ? value : 1);
    _emscripten_throw_longjmp();
}

#else

void __wasm_longjmp(struct guest_jump *env, int value) __attribute__((noreturn));

void __wasm_longjmp(struct guest_jump *env, int value)
{
    env->passed.env = env;
    env->passed.value = value ? value : 1;
    __builtin_wasm_throw(1, &env->passed); /* 1: __c_longjmp */
}

#endif
