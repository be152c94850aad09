/* Fibers: everything but the switch of stacks, which is a few lines of assembly for each
 * architecture (fiber_x86_64.h, fiber_aarch64.h). The sanitizers are told of every switch. */
#define _GNU_SOURCE /* pthread_getattr_np */

#include "runtime/fiber.h"

#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#include "runtime/fiber_x86_64.h"
#elif defined(__aarch64__)
#include "runtime/fiber_aarch64.h"
#else
#error "no switch of stacks for this architecture"
#endif

#ifdef RT_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef RT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* The fiber that this thread runs. */
static _Thread_local rt_fiber *current;

/* ---- Switches, and what the sanitizers hear of them ---- */

static void switch_in(rt_fiber *f)
{
#ifdef RT_ASAN
    __sanitizer_start_switch_fiber(&f->caller_fake_stack, f->stack, f->size);
#endif
#ifdef RT_TSAN
    f->caller_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->tsan, 0);
#endif
    fiber_switch(&f->caller_sp, f->sp);
#ifdef RT_ASAN
    __sanitizer_finish_switch_fiber(f->caller_fake_stack, NULL, NULL);
#endif
}

/* On the fiber, which has just been entered. */
static void switched_in(rt_fiber *f)
{
#ifdef RT_ASAN
    __sanitizer_finish_switch_fiber(f->fake_stack, &f->caller_stack, &f->caller_size);
#else
    (void)f;
#endif
}

static void switch_out(rt_fiber *f)
{
#ifdef RT_ASAN
    __sanitizer_start_switch_fiber(f->is_ending ? NULL : &f->fake_stack, f->caller_stack,
                                   f->caller_size);
#endif
#ifdef RT_TSAN
    __tsan_switch_to_fiber(f->caller_tsan, 0);
#endif
    /* Guests leave modes as they are; to ask the processor for them takes long. */
    if (f->is_done && !f->ran_host && fiber_modes_are_default(f->caller_sp))
        fiber_switch_alike(&f->sp, f->caller_sp);
    else
        fiber_switch(&f->sp, f->caller_sp);
    switched_in(f);
}

/* ---- Fibers ---- */

static void fiber_main(void *arg)
{
    rt_fiber *f = arg;

    switched_in(f);
    for (;;) {
#ifdef RT_ASAN
        if (f->is_ending)
            switch_out(f);
#endif
        f->main(f->arg);
        f->is_done = true;
        switch_out(f);
    }
}

void rt_fiber_init(rt_fiber *f, void *stack, size_t size, void (*main)(void *arg), void *arg)
{
    fiber_saved *at = (fiber_saved *)(void *)((char *)stack + size) - 1;

    assert((uintptr_t)stack % 16 == 0 && size % 16 == 0);
    memset(f, 0, sizeof *f);
    f->main = main;
    f->arg = arg;
    *at = (fiber_saved){FIBER_MODES, .go_on = rt_fiber_start, .arg = f, .function = fiber_main};
    f->sp = at;
#ifdef RT_ASAN
    f->stack = stack;
    f->size = size;
#endif
#ifdef RT_TSAN
    f->tsan = __tsan_create_fiber(0);
#endif
}

void rt_fiber_clear(rt_fiber *f)
{
#ifdef RT_ASAN
    f->is_ending = 1; /* its last switch tells that the fake stack is no longer wanted */
    rt_fiber_enter(f);
#endif
#ifdef RT_TSAN
    __tsan_destroy_fiber(f->tsan);
#endif
    f->sp = NULL;
}

void rt_fiber_enter(rt_fiber *f)
{
    rt_fiber *caller = current;

    f->caller = caller;
    for (;;) {
        current = f;
        switch_in(f);
        current = caller;
        if (f->is_done) {
            f->is_done = f->ran_host = false;
            fiber_modes_reset(f->sp); /* of what ran there */
        }
        if (!f->work)
            return;
        rt_fiber_on_thread(f->work, f->work_arg);
        f->work = NULL;
    }
}

void rt_fiber_leave(rt_fiber *f)
{
    switch_out(f);
}

void rt_fiber_on_thread(void (*work)(void *arg), void *arg)
{
    rt_fiber *f = current;

    if (!f) {
        work(arg);
        return;
    }
    f->work = work;
    f->work_arg = arg;
    switch_out(f);
}

/* Where this thread's stack ends, found once: for the first thread the C library reads files.
 */
static uintptr_t thread_stack_low(void)
{
    static _Thread_local uintptr_t low;
    pthread_attr_t attr;
    void *stack;
    size_t size;

    if (low == 0 && pthread_getattr_np(pthread_self(), &attr) == 0) {
        if (pthread_attr_getstack(&attr, &stack, &size) == 0)
            low = (uintptr_t)stack;
        (void)pthread_attr_destroy(&attr);
    }
    return low;
}

size_t rt_thread_stack_left(void)
{
    uintptr_t low = thread_stack_low();
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    return low != 0 && here > low ? here - low : SIZE_MAX;
}
