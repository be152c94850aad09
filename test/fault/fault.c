/* The wrapped functions of fault.h. Failing is per thread, what is held is of the process. */
#define _GNU_SOURCE
#include "fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/arena.h"

extern const char __executable_start;

static _Thread_local struct {
    bool is_armed;
    bool is_in_arena;
    uint64_t calls; /* since it was armed */
    uint64_t n;
    fault_mode mode;
    fault_hit first;
} state;

static _Atomic int64_t held_blocks, held_mapped;

void fault_arm(uint64_t n, fault_mode mode)
{
    state.calls = 0;
    state.n = n;
    state.mode = mode;
    state.first = (fault_hit){0};
    state.is_armed = true;
}

fault_hit fault_disarm(void)
{
    state.is_armed = false;
    return state.first;
}

void fault_pause(void)
{
    state.is_armed = false;
}

void fault_resume(void)
{
    state.is_armed = true;
}

const char *fault_name(fault_kind kind)
{
    static const char *const names[] = {
#define X(id, name) name,
        FAULT_KINDS(X)
#undef X
    };

    return names[kind];
}

fault_held fault_held_now(void)
{
    return (fault_held){held_blocks, held_mapped};
}

/* Whether this call is to fail. */
static bool fails(fault_kind kind, size_t size, const void *caller)
{
    if (!state.is_armed || state.n == 0)
        return false;
    state.calls++;
    if (state.calls < state.n || (state.mode == FAULT_ONE && state.calls > state.n))
        return false;
    if (!state.first.is_hit)
        state.first =
            (fault_hit){true, kind, size, (size_t)((const char *)caller - &__executable_start)};
    errno = ENOMEM;
    return true;
}

#define FAILS(kind, size) fails(FAULT_KIND_##kind, (size), __builtin_return_address(0))

/* REAL(type name, (parameters)): declares the function and its wrapper. */
#define REAL(type, name, params)                                                               \
    type __real_##name params;                                                                 \
    type __wrap_##name params;                                                                 \
    type __wrap_##name params

static void *taken(void *block)
{
    held_blocks += block != NULL;
    return block;
}

/* ---- Blocks ---- */

REAL(void *, malloc, (size_t size))
{
    bool has_failed = state.is_in_arena ? FAILS(CHUNK, size) : FAILS(MALLOC, size);

    return has_failed ? NULL : taken(__real_malloc(size));
}

REAL(void *, calloc, (size_t count, size_t size))
{
    return FAILS(CALLOC, count * size) ? NULL : taken(__real_calloc(count, size));
}

REAL(void *, realloc, (void *block, size_t size))
{
    void *out;

    if (FAILS(REALLOC, size))
        return NULL;
    out = __real_realloc(block, size);
    held_blocks += !block && out;
    return out;
}

REAL(void, free, (void *block))
{
    held_blocks -= block != NULL;
    __real_free(block);
}

REAL(int, posix_memalign, (void **out, size_t align, size_t size))
{
    int failed = FAILS(ALIGNED, size) ? ENOMEM : __real_posix_memalign(out, align, size);

    held_blocks += failed == 0;
    return failed;
}

REAL(void *, aligned_alloc, (size_t align, size_t size))
{
    return FAILS(ALIGNED, size) ? NULL : taken(__real_aligned_alloc(align, size));
}

REAL(char *, strdup, (const char *text))
{
    return FAILS(MALLOC, 0) ? NULL : taken(__real_strdup(text));
}

REAL(char *, strndup, (const char *text, size_t len))
{
    return FAILS(MALLOC, len) ? NULL : taken(__real_strndup(text, len));
}

/* ---- Arenas ---- */

REAL(void *, arena_alloc, (arena * a, size_t count, size_t size))
{
    void *out;

    if (FAILS(ARENA, count * size))
        return NULL;
    state.is_in_arena = true;
    out = __real_arena_alloc(a, count, size);
    state.is_in_arena = false;
    return out;
}

REAL(char *, arena_text, (arena * a, const void *data, size_t len))
{
    char *out;

    if (FAILS(ARENA_TEXT, len))
        return NULL;
    state.is_in_arena = true;
    out = __real_arena_text(a, data, len);
    state.is_in_arena = false;
    return out;
}

/* ---- Mappings ---- */

REAL(void *, mmap, (void *at, size_t len, int prot, int flags, int fd, off_t offset))
{
    void *out;

    if (FAILS(MMAP, len))
        return MAP_FAILED;
    out = __real_mmap(at, len, prot, flags, fd, offset);
    if (out != MAP_FAILED && !(flags & MAP_FIXED)) /* which goes over what is counted */
        held_mapped += (int64_t)len;
    return out;
}

REAL(int, munmap, (void *at, size_t len))
{
    held_mapped -= (int64_t)len;
    return __real_munmap(at, len);
}

/* The fifth argument is read whether it was passed or not, as the C library does. */
void *__real_mremap(void *at, size_t old_len, size_t len, int flags, ...);
void *__wrap_mremap(void *at, size_t old_len, size_t len, int flags, ...);
void *__wrap_mremap(void *at, size_t old_len, size_t len, int flags, ...)
{
    va_list rest;
    void *out;

    if (FAILS(MREMAP, len))
        return MAP_FAILED;
    va_start(rest, flags);
    out = __real_mremap(at, old_len, len, flags, va_arg(rest, void *));
    va_end(rest);
    if (out != MAP_FAILED)
        held_mapped += (int64_t)len - (int64_t)old_len;
    return out;
}

REAL(int, mprotect, (void *at, size_t len, int prot))
{
    return FAILS(MPROTECT, len) ? -1 : __real_mprotect(at, len, prot);
}

REAL(int, madvise, (void *at, size_t len, int advice))
{
    return FAILS(MADVISE, len) ? -1 : __real_madvise(at, len, advice);
}

/* ---- Other things of the host ---- */

REAL(int, pthread_create,
     (pthread_t * out, const pthread_attr_t *attr, void *(*start)(void *), void *arg))
{
    return FAILS(THREAD, 0) ? EAGAIN : __real_pthread_create(out, attr, start, arg);
}

REAL(int, pthread_mutex_init, (pthread_mutex_t * mutex, const pthread_mutexattr_t *attr))
{
    return FAILS(MUTEX, 0) ? ENOMEM : __real_pthread_mutex_init(mutex, attr);
}

REAL(ssize_t, getrandom, (void *buf, size_t len, unsigned flags))
{
    return FAILS(RANDOM, len) ? -1 : __real_getrandom(buf, len, flags);
}
