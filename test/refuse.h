/* A host that refuses memory: the Nth allocation fails, once or with all that follow.
 * For a test program whose name ends in _fault_test or _memory_test: the linker leads its
 * allocations here (test/CMakeLists.txt). One file of it includes this; one thread allocates
 * while anything is refused. What else the host may refuse passes. */
#ifndef TEST_REFUSE_H
#define TEST_REFUSE_H

#include <stdbool.h>
#include <stddef.h>

static struct {
    bool is_armed;
    size_t after; /* this many are still granted */
    bool is_lasting;
    unsigned hits; /* refused since refuse_begin */
    size_t calls;  /* allocations, and the bytes that they asked for, in all */
    size_t bytes;
} refusal;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *at, size_t size);
int __real_mprotect(void *at, size_t len, int prot);
int __real_madvise(void *at, size_t len, int advice);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *at, size_t size);
int __wrap_mprotect(void *at, size_t len, int prot);
int __wrap_madvise(void *at, size_t len, int advice);

/* Grant `after` allocations, and refuse the next one; is_lasting: and all behind it. */
static inline void refuse_begin(size_t after, bool is_lasting)
{
    refusal.after = after;
    refusal.is_lasting = is_lasting;
    refusal.hits = 0;
    refusal.is_armed = true;
}

/* Grant all again.  Returns whether one was refused. */
static inline bool refuse_end(void)
{
    refusal.is_armed = false;
    return refusal.hits > 0;
}

/* Count an allocation; true: it is to fail. */
static inline bool refuse_next(size_t size)
{
    refusal.calls++;
    refusal.bytes += size;
    if (!refusal.is_armed || (refusal.hits > 0 && !refusal.is_lasting))
        return false;
    if (refusal.after > 0) {
        refusal.after--;
        return false;
    }
    refusal.hits++;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return refuse_next(size) ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refuse_next(count * size) ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *at, size_t size)
{
    return refuse_next(size) ? NULL : __real_realloc(at, size);
}

int __wrap_mprotect(void *at, size_t len, int prot)
{
    return __real_mprotect(at, len, prot);
}

int __wrap_madvise(void *at, size_t len, int advice)
{
    return __real_madvise(at, len, advice);
}

#endif
