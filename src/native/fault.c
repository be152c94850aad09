/* Faults of guest code: an access without a check that misses its memory hits the reservation,
 * and the signal becomes the trap that a check would have raised. All other faults go to
 * whoever was there before, as if nobody were here.
 *
 * The handler claims a fault if the instruction is a guest function's in code that is loaded,
 * and the address lies behind the end of a guarded memory of the store that runs it. Which
 * store that is stands on the stack, where the code was entered. It rewrites the registers so
 * that the thread goes on in a stub, as if the instruction had called it, and returns. What it
 * reads was there before the guest began, or is the registry's: it takes no lock and calls
 * nothing of the C library that may not be called in a handler.
 * Source: POSIX, "Signal Concepts". */
#define _GNU_SOURCE /* registers by name */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "native/internal.h"

#if defined(__x86_64__)

/* Who was there before. A record does not change, and is never freed: a handler may be reading
 * it. */
typedef struct former former;
struct former {
    struct sigaction action;
    _Atomic(bool) is_gone; /* it was for one time */
    former *older;         /* who was there before we came the time before, or NULL */
};

static _Atomic(former *) former_segv, former_bus;

/* What this thread's handler is passing on. Whoever comes after us may pass what we pass on to
 * him back to us, who were there before him. */
#define HANDLER_LOCAL _Thread_local __attribute__((tls_model("initial-exec")))
static HANDLER_LOCAL const void *passed_machine;
static HANDLER_LOCAL const void *passed_frame;
static HANDLER_LOCAL former *passed_to;

/* ---- The guest's faults ---- */

/* The memory behind whose end the address lies. */
static bool is_behind_memory(const abi_store *s, uintptr_t address)
{
    for (const abi_memory *m = s->memories; m; m = m->next)
        if (m->guarded && address - (uintptr_t)m->base >= m->size &&
            address - (uintptr_t)m->base < m->reserved)
            return true;
    return false;
}

/* The call whose guest made the fault; NULL: it was no guest. */
static abi_native_call *call_find(const void *pc, const void *sp, uintptr_t address)
{
    const native_code *code = native_registry_find(pc);
    abi_native_call *const *entered = code ? native_walk_down(code, pc, sp) : NULL;

    if (!entered || (*entered)->exit_sp != (const void *)entered)
        return NULL;
    return is_behind_memory((*entered)->context->store, address) ? *entered : NULL;
}

/* The bytes below the stack pointer may be the function's own; it does not go on. */
static bool claim(const siginfo_t *info, ucontext_t *machine)
{
    greg_t *r = machine->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)r[REG_RIP];
    uintptr_t sp = (uintptr_t)r[REG_RSP];
    abi_native_call *call;

    if (info->si_code <= 0) /* somebody sent it */
        return false;
    call = call_find((const void *)pc, (const void *)sp, (uintptr_t)info->si_addr);
    if (!call)
        return false;
    sp -= sizeof pc;
    *(uintptr_t *)sp = pc + 1; /* a return address is looked up less one */
    r[REG_RSP] = (greg_t)sp;
    r[REG_RDI] = (greg_t)(uintptr_t)call;
    r[REG_RIP] = (greg_t)(uintptr_t)native_fault_stub;
    return true;
}

/* ---- Everybody else's ---- */

/* As the kernel would without a handler: the signal's default ends the process. What an
 * instruction caused it causes again; what somebody sent is sent again. */
static void forward_default(int sig, const siginfo_t *info)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    (void)sigaction(sig, &action, NULL);
    if (info->si_code <= 0)
        (void)syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), sig);
}

/* Call the former handler with the signals blocked that it wants blocked. They are as before
 * when this handler returns. */
static void forward_call(const struct sigaction *action, int sig, siginfo_t *info,
                         void *machine)
{
    sigset_t block = action->sa_mask;

    if (!(action->sa_flags & SA_NODEFER))
        (void)sigaddset(&block, sig);
    (void)pthread_sigmask(SIG_BLOCK, &block, NULL);
    if (action->sa_flags & SA_SIGINFO)
        action->sa_sigaction(sig, info, machine);
    else
        action->sa_handler(sig);
}

static bool is_function(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

/* Whose turn it is.
 *   frame  of the handler; a frame above one that passed on the same fault was called by it */
static former *former_find(int sig, const void *machine, const void *frame)
{
    former *f =
        atomic_load_explicit(sig == SIGBUS ? &former_bus : &former_segv, memory_order_acquire);

    if (passed_machine == machine && (uintptr_t)frame < (uintptr_t)passed_frame)
        f = passed_to->older ? passed_to->older : passed_to;
    passed_machine = machine;
    passed_frame = frame;
    passed_to = f;
    return f;
}

static void forward(former *f, int sig, siginfo_t *info, void *machine)
{
    const struct sigaction *action = &f->action;
    bool has_handler = is_function(action);

    if (has_handler && ((uint32_t)action->sa_flags & SA_RESETHAND))
        has_handler = !atomic_exchange_explicit(&f->is_gone, true, memory_order_relaxed);
    if (has_handler)
        forward_call(action, sig, info, machine);
    else if (action->sa_handler != SIG_IGN || info->si_code > 0)
        forward_default(sig, info); /* what an instruction causes cannot be ignored */
}

static void handle(int sig, siginfo_t *info, void *machine)
{
    int saved = errno;

    if (!claim(info, machine))
        forward(former_find(sig, machine, __builtin_frame_address(0)), sig, info, machine);
    errno = saved;
}

/* ---- Taking over ---- */

/* On the stack on which the former handler would run: a guest's has room for this one, and a
 * thread that has no room left has none without an alternate stack. It blocks nothing that was
 * not blocked, so that whoever comes after finds the mask that the kernel would make. */
static bool take_over(int sig, _Atomic(former *) *at)
{
    struct sigaction action;
    former *f;

    if (sigaction(sig, NULL, &action) != 0)
        return false;
    if ((action.sa_flags & SA_SIGINFO) && action.sa_sigaction == handle)
        return true;
    if (!(f = calloc(1, sizeof *f)))
        return false;
    f->action = action;
    f->older = atomic_load_explicit(at, memory_order_relaxed);
    atomic_store_explicit(at, f, memory_order_release);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
    if (is_function(&f->action))
        action.sa_flags =
            SA_SIGINFO | SA_NODEFER | (f->action.sa_flags & (SA_ONSTACK | SA_RESTART));
    return sigaction(sig, &action, NULL) == 0;
}

beamr_status native_fault_install(beamr_error *err)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    bool done;

    (void)pthread_mutex_lock(&lock);
    done = take_over(SIGSEGV, &former_segv) && take_over(SIGBUS, &former_bus);
    (void)pthread_mutex_unlock(&lock);
    if (!done)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "the host refuses a handler for faults");
    return BEAMR_OK;
}

#else

/* No native code is loaded here. */
beamr_status native_fault_install(beamr_error *err)
{
    return beamr_fail(err, BEAMR_UNSUPPORTED, 0, "no handler for faults on this architecture");
}

#endif
