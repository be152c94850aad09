/* setjmp and longjmp for guests, where the C library has none: clang replaces calls of both
 * when it compiles with `-mllvm -wasm-enable-sjlj` or `-mllvm -enable-emscripten-sjlj`, and
 * leaves the bookkeeping to setjmp.c. */
#ifndef GUEST_SETJMP_H
#define GUEST_SETJMP_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct guest_jump {
    void *frame;    /* the activation that called setjmp */
    unsigned label; /* which of its calls; never 0 */
    struct {
        void *env; /* of the longjmp under way */
        int value;
    } passed; /* what is thrown points here */
} jmp_buf[1];

int setjmp(jmp_buf env) __attribute__((returns_twice));
void longjmp(jmp_buf env, int value) __attribute__((noreturn));

#define setjmp(env) setjmp(env)
#define _setjmp setjmp
#define _longjmp longjmp

#ifdef __cplusplus
}
#endif
#endif
