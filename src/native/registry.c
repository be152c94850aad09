/* Which loaded code an address belongs to, for the handler of faults: it may not lock, and
 * other threads may load and free code meanwhile.
 *
 * Places for entries are made in chunks that are never freed. A place that is changed has an
 * odd number of changes; who reads it compares the number before and after, and passes over a
 * place that changed. The place of the code that the reader itself is in does not change. */
#include "native/internal.h"

#include <pthread.h>
#include <stdlib.h>

#define CHUNK 64u

typedef struct place {
    _Atomic(uint32_t) changes;
    _Atomic(uintptr_t) base; /* 0: free */
    _Atomic(uintptr_t) size;
    _Atomic(const native_code *) code;
} place;

typedef struct chunk chunk;
struct chunk {
    place places[CHUNK];
    _Atomic(chunk *) next;
};

static chunk first;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of those who change places */

static void place_set(place *p, const native_code *c)
{
    uint32_t changes = atomic_load_explicit(&p->changes, memory_order_relaxed);

    atomic_store_explicit(&p->changes, changes + 1, memory_order_seq_cst);
    atomic_store_explicit(&p->base, c ? (uintptr_t)c->base : 0, memory_order_seq_cst);
    atomic_store_explicit(&p->size, c ? c->mapped : 0, memory_order_seq_cst);
    atomic_store_explicit(&p->code, c, memory_order_seq_cst);
    atomic_store_explicit(&p->changes, changes + 2, memory_order_seq_cst);
}

/* A free place, or the one of this code. NULL when memory is gone. */
static place *place_find(uintptr_t base, bool make)
{
    chunk *c = &first;

    for (;;) {
        chunk *next;

        for (uint32_t i = 0; i < CHUNK; i++)
            if (atomic_load_explicit(&c->places[i].base, memory_order_relaxed) == base)
                return &c->places[i];
        next = atomic_load_explicit(&c->next, memory_order_relaxed);
        if (!next) {
            if (!make || !(next = calloc(1, sizeof *next)))
                return NULL;
            atomic_store_explicit(&c->next, next, memory_order_release);
        }
        c = next;
    }
}

bool native_registry_add(const native_code *c)
{
    place *p;

    (void)pthread_mutex_lock(&lock);
    p = place_find(0, true);
    if (p)
        place_set(p, c);
    (void)pthread_mutex_unlock(&lock);
    return p != NULL;
}

void native_registry_remove(const native_code *c)
{
    place *p;

    (void)pthread_mutex_lock(&lock);
    p = place_find((uintptr_t)c->base, false);
    if (p)
        place_set(p, NULL);
    (void)pthread_mutex_unlock(&lock);
}

static const native_code *place_read(const place *p, uintptr_t pc)
{
    uint32_t before = atomic_load_explicit(&p->changes, memory_order_seq_cst);
    uintptr_t base = atomic_load_explicit(&p->base, memory_order_seq_cst);
    uintptr_t size = atomic_load_explicit(&p->size, memory_order_seq_cst);
    const native_code *code = atomic_load_explicit(&p->code, memory_order_seq_cst);

    if (base == 0 || pc < base || pc - base >= size || before % 2 != 0 ||
        atomic_load_explicit(&p->changes, memory_order_seq_cst) != before)
        return NULL;
    return code;
}

const native_code *native_registry_find(const void *pc)
{
    for (const chunk *c = &first; c; c = atomic_load_explicit(&c->next, memory_order_acquire))
        for (uint32_t i = 0; i < CHUNK; i++) {
            const native_code *code = place_read(&c->places[i], (uintptr_t)pc);

            if (code)
                return code;
        }
    return NULL;
}
