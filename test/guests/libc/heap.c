/* malloc and its like for guests that run long: a list of free blocks for each size, so that
 * taking one and giving one back cost the same however many there are. Blocks are never split
 * or joined; memory grows when there is none of a size, and never shrinks.
 * Sizes are multiples of 16 up to 1 KiB, and four between each two powers of two above.
 * Source: C11, "Memory management functions". */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* In front of each block. */
typedef struct block {
    size_t class;
    struct block *next; /* while it is free */
} block;

enum {
    PAGE_SIZE = 65536,
    SMALL = 1024,                 /* bytes, header included */
    SMALL_CLASSES = SMALL / 16,   /* class c has (c + 1) * 16 bytes */
    CLASSES = SMALL_CLASSES + 128 /* up to 4 TiB */
};

extern unsigned char __heap_base; /* where the linker's data and stack end */

static block *free_lists[CLASSES];
static uintptr_t heap_next, heap_end; /* memory that was never used */

void *malloc(size_t size) __attribute__((export_name("malloc")));
void free(void *at) __attribute__((export_name("free")));

static size_t class_of(size_t size)
{
    unsigned top;

    if (size <= SMALL)
        return (size + 15) / 16 - 1;
    top = 63 - (unsigned)__builtin_clzll(size - 1); /* 2^top < size <= 2^(top + 1) */
    return SMALL_CLASSES + (top - 10) * 4 + ((size - 1) >> (top - 2) & 3);
}

static size_t class_size(size_t class)
{
    size_t step = class - SMALL_CLASSES;

    if (class < SMALL_CLASSES)
        return (class + 1) * 16;
    return (step % 4 + 5) << (8 + step / 4);
}

/* Memory that was never used; NULL when there is no more. */
static block *fresh(size_t size)
{
    block *made;

    if (!heap_end) {
        heap_next = ((uintptr_t)&__heap_base + 15) & ~(uintptr_t)15;
        heap_end = __builtin_wasm_memory_size(0) * PAGE_SIZE;
    }
    if (heap_end - heap_next < size) {
        uintptr_t now = __builtin_wasm_memory_size(0) * PAGE_SIZE;
        size_t pages;

        if (now != heap_end) { /* somebody else has grown it */
            heap_next = now;
            heap_end = now;
        }
        pages = (size - (heap_end - heap_next) + PAGE_SIZE - 1) / PAGE_SIZE;
        if (__builtin_wasm_memory_grow(0, pages) == SIZE_MAX)
            return NULL;
        heap_end += pages * PAGE_SIZE;
    }
    made = (block *)heap_next;
    heap_next += size;
    return made;
}

void *malloc(size_t size)
{
    size_t class;
    block *found;

    if (size > (size_t)1 << 40)
        return NULL;
    class = class_of(size + sizeof(block));
    found = free_lists[class];
    if (found)
        free_lists[class] = found->next;
    else
        found = fresh(class_size(class));
    if (!found)
        return NULL;
    found->class = class;
    return found + 1;
}

void free(void *at)
{
    block *freed;

    if (!at)
        return;
    freed = (block *)at - 1;
    freed->next = free_lists[freed->class];
    free_lists[freed->class] = freed;
}

void *calloc(size_t count, size_t size)
{
    void *made = count > UINT32_MAX || size > UINT32_MAX ? NULL : malloc(count * size);

    return made ? memset(made, 0, count * size) : NULL;
}

void *realloc(void *at, size_t size)
{
    size_t class, room;
    void *made;

    if (!at)
        return malloc(size);
    if (size > (size_t)1 << 40)
        return NULL;
    class = ((block *)at - 1)->class;
    if (class_of(size + sizeof(block)) == class)
        return at;
    made = malloc(size);
    if (!made)
        return NULL;
    room = class_size(class) - sizeof(block);
    memcpy(made, at, size < room ? size : room);
    free(at);
    return made;
}
