/* Fibers: stacks of their own on which entries run, so that one can stop in the middle, hold no
 * thread, and go on later on any thread. Only switching is here; runtime/entry.c says when.
 *
 * A fiber runs while whoever entered it waits, on the same thread. What runs on one must not
 * keep the address of a thread-local variable over rt_fiber_leave. */
#ifndef RUNTIME_FIBER_H
#define RUNTIME_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#define RT_HAS_FEATURE(name) __has_feature(name)
#else
#define RT_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || RT_HAS_FEATURE(address_sanitizer)
#define RT_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) || RT_HAS_FEATURE(thread_sanitizer)
#define RT_TSAN 1
#endif

typedef struct rt_fiber rt_fiber;
struct rt_fiber {
    void *sp;         /* while it does not run: its stack pointer, registers saved above */
    void *caller_sp;  /* while it runs: the same of whoever entered it */
    rt_fiber *caller; /* which fiber that is; NULL: the thread's own stack */
    void (*main)(void *arg);
    void *arg;
    void (*work)(void *arg); /* wanted on the thread's own stack, or NULL */
    void *work_arg;
    bool is_done;  /* `main` has returned */
    bool ran_host; /* code of the embedder has run on it, which may have changed modes */
#ifdef RT_ASAN
    const void *stack;
    size_t size;
    void *fake_stack;
    void *caller_fake_stack;
    const void *caller_stack;
    size_t caller_size;
    int is_ending;
#endif
#ifdef RT_TSAN
    void *tsan;
    void *caller_tsan;
#endif
};

/* Prepare a fiber.
 *   f      the caller's; not moved until it is cleared
 *   stack  lowest of `size` bytes, aligned to 16 like its end; the caller's
 *   main   called with `arg` when the fiber is entered; when it returns the fiber leaves, and
 *          `main` is called again when it is entered again */
void rt_fiber_init(rt_fiber *f, void *stack, size_t size, void (*main)(void *arg), void *arg);
/* Done with a fiber whose `main` is not active; the stack may go then. */
void rt_fiber_clear(rt_fiber *f);

/* Run a fiber until it leaves. Floating-point modes are the default's inside, and each side
 * finds its own again. */
void rt_fiber_enter(rt_fiber *f);
/* On the fiber: go back to whoever entered it. Returns when it is entered again. */
void rt_fiber_leave(rt_fiber *f);

/* Call `work` on the stack of the thread itself; costs a switch for each fiber between. */
void rt_fiber_on_thread(void (*work)(void *arg), void *arg);
/* On the thread's own stack: bytes that are left of it; SIZE_MAX when that cannot be told. */
size_t rt_thread_stack_left(void);

#endif
