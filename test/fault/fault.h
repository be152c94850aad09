/* Failing calls: the Nth allocation or mapping of the library is refused, and all that it takes
 * and gives back is counted.
 *
 * The program is linked with `--wrap` for each name in FAULT_KINDS and for free and munmap, so
 * these calls of the static libraries, and of the tests themselves, come here first. Arena
 * allocations are taken one by one as well: the arena itself asks malloc only now and then, and
 * where it is refused a large chunk it may do with a small one (CHUNK).
 * Not reached: what shared libraries do inside, such as OpenSSL's own allocations when a hash
 * is computed, or the C library's in qsort and newlocale. */
#ifndef TEST_FAULT_H
#define TEST_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What can fail, with the name of the function. The order is that of the bits in masks. */
#define FAULT_KINDS(X)                                                                         \
    X(MALLOC, "malloc")                                                                        \
    X(CALLOC, "calloc")                                                                        \
    X(REALLOC, "realloc")                                                                      \
    X(ALIGNED, "aligned allocation")                                                           \
    X(ARENA, "arena_alloc")                                                                    \
    X(ARENA_TEXT, "arena_text")                                                                \
    X(CHUNK, "malloc of an arena's chunk")                                                     \
    X(MMAP, "mmap")                                                                            \
    X(MREMAP, "mremap")                                                                        \
    X(MPROTECT, "mprotect")                                                                    \
    X(MADVISE, "madvise")                                                                      \
    X(THREAD, "pthread_create")                                                                \
    X(MUTEX, "pthread_mutex_init")                                                             \
    X(RANDOM, "getrandom")

typedef enum fault_kind {
#define X(id, name) FAULT_KIND_##id,
    FAULT_KINDS(X)
#undef X
        FAULT_KIND_COUNT
} fault_kind;

/* The bits of masks: FAULT_MALLOC, FAULT_CALLOC, ... */
enum {
#define X(id, name) FAULT_##id = 1 << FAULT_KIND_##id,
    FAULT_KINDS(X)
#undef X
};

typedef enum fault_mode {
    FAULT_ONE,  /* only call n fails */
    FAULT_REST, /* call n and all after it */
} fault_mode;

/* The call that failed first. */
typedef struct fault_hit {
    bool is_hit;
    fault_kind kind;
    size_t size;   /* bytes asked for */
    size_t caller; /* its address in the program, for addr2line */
} fault_hit;

/* From here on call n of this thread fails, counted from 1; 0 counts without failing any. */
void fault_arm(uint64_t n, fault_mode mode);
/* Nothing fails any more. */
fault_hit fault_disarm(void);
/* In between nothing fails and nothing is counted. Pauses do not nest. */
void fault_pause(void);
void fault_resume(void);

const char *fault_name(fault_kind kind);

/* What is held at the moment: blocks of memory, and mapped bytes, since the program began. */
typedef struct fault_held {
    int64_t blocks;
    int64_t mapped;
} fault_held;
fault_held fault_held_now(void);

#endif
