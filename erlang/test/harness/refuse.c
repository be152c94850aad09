/* Where the linker leads the requests of a program that refuses some: CMakeLists.txt. */
#include "refuse.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include "emulator.h"

static struct {
    atomic_bool is_armed, is_lasting;
    atomic_uint count, at, hits;
} refusal;

static bool is_refused(size_t size)
{
    unsigned n;

    (void)size;
    if (!atomic_load(&refusal.is_armed) || emulator_is_inside())
        return false;
    n = atomic_fetch_add(&refusal.count, 1) + 1;
    if (n < refusal.at || (n > refusal.at && !refusal.is_lasting))
        return false;
    atomic_fetch_add(&refusal.hits, 1);
    return true;
}

void refuse_begin(unsigned n, bool is_lasting)
{
    emulator_refuse = is_refused;
    refusal.count = 0;
    refusal.hits = 0;
    refusal.at = n;
    refusal.is_lasting = is_lasting;
    atomic_store(&refusal.is_armed, true);
}

bool refuse_end(void)
{
    atomic_store(&refusal.is_armed, false);
    return refusal.hits > 0;
}

#define WRAP(result, name, params, args, failure)                                              \
    result __real_##name params;                                                               \
    result __wrap_##name params;                                                               \
    result __wrap_##name params                                                                \
    {                                                                                          \
        if (is_refused(0)) {                                                                   \
            errno = ENOMEM;                                                                    \
            return failure;                                                                    \
        }                                                                                      \
        return __real_##name args;                                                             \
    }

WRAP(void *, malloc, (size_t size), (size), NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(void *, realloc, (void *at, size_t size), (at, size), NULL)
WRAP(void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size), NULL)
WRAP(int, posix_memalign, (void **out, size_t alignment, size_t size), (out, alignment, size),
     ENOMEM)
WRAP(char *, strdup, (const char *text), (text), NULL)
WRAP(char *, strndup, (const char *text, size_t len), (text, len), NULL)
WRAP(void *, mmap, (void *at, size_t len, int prot, int flags, int fd, off_t offset),
     (at, len, prot, flags, fd, offset), MAP_FAILED)
WRAP(int, mprotect, (void *at, size_t len, int prot), (at, len, prot), -1)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg),
     (thread, attributes, run, arg), EAGAIN)
