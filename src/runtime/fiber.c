/* Fibers: everything but the switch of registers, which is a few lines of assembly for each
 * architecture (fiber_x86_64.S, fiber_aarch64.S). The sanitizers are told of every switch. */
#include "runtime/fiber.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#ifdef RT_ASAN
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef RT_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* Save the registers that a call keeps on the stack, store its pointer in *from, and go on with
 * those that were saved at `to`. */
void rt_fiber_switch(void **from, void *to);

/* Where a new fiber begins: calls the function with the argument that rt_fiber_saved holds. */
void rt_fiber_start(void);

/* What rt_fiber_switch keeps on the stack, lowest address first. */
#if defined(__x86_64__)
typedef struct saved {
    uint32_t mxcsr;
    uint32_t unused;
    void *r15, *r14;
    void *arg;                /* r13 */
    void (*function)(void *); /* r12 */
    void *rbx, *rbp;
    void (*go_on)(void);
} saved;
/* All exceptions masked, to nearest, subnormals kept. */
#define MODES 0x1f80u
#define SAVED_MODES .mxcsr = MODES
static void modes_reset(void)
{
    __builtin_ia32_ldmxcsr(MODES);
}
#elif defined(__aarch64__)
typedef struct saved {
    uint64_t fpcr;
    uint64_t unused;
    double d[8];
    void (*function)(void *); /* x19 */
    void *arg;                /* x20 */
    void *x21_to_x28[8];
    void *frame_pointer;
    void (*go_on)(void);
} saved;
#define SAVED_MODES .fpcr = 0
static void modes_reset(void)
{
    __asm__ volatile("msr fpcr, xzr");
}
#else
#error "no fiber switch for this architecture"
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
    rt_fiber_switch(&f->caller_sp, f->sp);
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
    rt_fiber_switch(&f->sp, f->caller_sp);
    switched_in(f);
}

/* ---- Fibers ---- */

static void fiber_main(void *arg)
{
    rt_fiber *f = arg;

    switched_in(f);
    for (;;) {
        modes_reset(); /* of what ran here before */
#ifdef RT_ASAN
        if (f->is_ending)
            switch_out(f);
#endif
        f->main(f->arg);
        switch_out(f);
    }
}

void rt_fiber_init(rt_fiber *f, void *stack, size_t size, void (*main)(void *arg), void *arg)
{
    saved *at = (saved *)(void *)((char *)stack + size) - 1;

    assert((uintptr_t)stack % 16 == 0 && size % 16 == 0);
    memset(f, 0, sizeof *f);
    f->main = main;
    f->arg = arg;
    *at = (saved){SAVED_MODES, .function = fiber_main, .arg = f, .go_on = rt_fiber_start};
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
