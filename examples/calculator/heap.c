/* malloc and free for a guest without a C library: a list of free blocks, in order of address,
 * joined where they touch. Memory grows when no block is large enough, and never shrinks.
 * Made for few and short-lived blocks: finding one takes time in proportion to the free ones.
 * Source: C11, "Memory management functions". */
#include <stddef.h>
#include <stdint.h>

/* In front of each block. Sizes are multiples of 16 and count the header. */
typedef struct block {
    size_t size;
    struct block *next;                    /* while it is free */
    uint64_t padding[sizeof(void *) == 4]; /* what follows is aligned to 16 bytes */
} block;

enum { PAGE_SIZE = 65536, ALIGNMENT = 16 };

extern unsigned char __heap_base; /* where the linker's data and stack end */

static block *free_list;
static uintptr_t heap_end; /* 0 before the first use */

void *malloc(size_t size) __attribute__((export_name("malloc")));
void free(void *address) __attribute__((export_name("free")));

/* Put a block among the free ones, and join it with its neighbours. */
static void release(block *freed)
{
    block *before = NULL, *after = free_list;

    for (; after && after < freed; after = after->next)
        before = after;
    freed->next = after;
    if (after && (char *)freed + freed->size == (char *)after) {
        freed->size += after->size;
        freed->next = after->next;
    }
    if (!before) {
        free_list = freed;
    } else if ((char *)before + before->size == (char *)freed) {
        before->size += freed->size;
        before->next = freed->next;
    } else {
        before->next = freed;
    }
}

/* Take `size` bytes, header included, from the free blocks. */
static block *take(size_t size)
{
    for (block **link = &free_list; *link; link = &(*link)->next) {
        block *found = *link, *rest;

        if (found->size < size)
            continue;
        if (found->size - size < 2 * sizeof(block)) {
            *link = found->next;
            return found;
        }
        rest = (block *)((char *)found + size);
        rest->size = found->size - size;
        rest->next = found->next;
        found->size = size;
        *link = rest;
        return found;
    }
    return NULL;
}

/* Make a free block of at least `size` bytes out of memory that was not used yet.
 * Returns 0 when there is no more. */
static int extend(size_t size)
{
    uintptr_t end = __builtin_wasm_memory_size(0) * PAGE_SIZE;
    block *added;

    if (heap_end == 0)
        heap_end = ((uintptr_t)&__heap_base + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (end - heap_end < size) {
        size_t pages = (size - (end - heap_end) + PAGE_SIZE - 1) / PAGE_SIZE;

        if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX)
            return 0;
        end += pages * PAGE_SIZE; /* no overflow: the maximum is below 4 GiB */
    }
    added = (block *)heap_end;
    added->size = end - heap_end;
    heap_end = end;
    release(added);
    return 1;
}

void *malloc(size_t size)
{
    block *found;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + sizeof(block) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    found = take(size);
    if (!found && extend(size))
        found = take(size);
    return found ? found + 1 : NULL;
}

void free(void *address)
{
    if (address)
        release((block *)address - 1);
}
