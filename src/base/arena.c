/* The arena of arena.h: chunks that double up to a bound, large requests in chunks of their
 * own. */
#include "base/arena.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_ALIGN 16u
#define ARENA_CHUNK_MIN ((size_t)2048)
#define ARENA_CHUNK_MAX ((size_t)256 * 1024)

struct arena_chunk {
    arena_chunk *older;
    size_t size; /* of the bytes behind the header */
    _Alignas(ARENA_ALIGN) uint8_t bytes[];
};

void arena_init(arena *a, size_t limit)
{
    *a = (arena){.limit = limit};
}

void arena_lend(arena *a, void *buffer, size_t size)
{
    a->next = buffer;
    a->end = a->next + (size & ~(size_t)(ARENA_ALIGN - 1));
}

void arena_clear(arena *a)
{
    arena_chunk *chunk = a->chunks;

    while (chunk) {
        arena_chunk *older = chunk->older;
        free(chunk);
        chunk = older;
    }
    arena_init(a, a->limit);
}

/* Add a chunk with room for `size` bytes. */
static arena_chunk *arena_grow(arena *a, size_t size)
{
    arena_chunk *chunk;

    if (size > SIZE_MAX - sizeof *chunk || a->limit - a->used < sizeof *chunk + size) {
        a->is_full = true;
        return NULL;
    }
    chunk = malloc(sizeof *chunk + size);
    if (!chunk)
        return NULL;
    chunk->size = size;
    a->used += sizeof *chunk + size;
    return chunk;
}

void *arena_alloc(arena *a, size_t count, size_t size)
{
    arena_chunk *chunk;
    size_t bytes;
    void *out;

    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX - ARENA_ALIGN)
        return NULL;
    bytes = (bytes + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if (bytes == 0)
        bytes = ARENA_ALIGN;

    if (bytes > (size_t)(a->end - a->next)) {
        size_t want = a->chunks ? a->chunks->size * 2 : ARENA_CHUNK_MIN;

        if (want > ARENA_CHUNK_MAX)
            want = ARENA_CHUNK_MAX;
        if (bytes > want / 4 && a->chunks) {
            /* Too large to share: a chunk of its own, behind the one being filled. */
            if (!(chunk = arena_grow(a, bytes)))
                return NULL;
            chunk->older = a->chunks->older;
            a->chunks->older = chunk;
            return memset(chunk->bytes, 0, bytes);
        }
        if (want < bytes)
            want = bytes;
        if (!(chunk = arena_grow(a, want)) && !(chunk = arena_grow(a, bytes)))
            return NULL;
        chunk->older = a->chunks;
        a->chunks = chunk;
        a->next = chunk->bytes;
        a->end = chunk->bytes + chunk->size;
    }
    out = a->next;
    a->next += bytes;
    return memset(out, 0, bytes);
}

char *arena_text(arena *a, const void *data, size_t len)
{
    char *out = len < SIZE_MAX ? arena_alloc(a, len + 1, 1) : NULL;

    if (out && len)
        memcpy(out, data, len);
    return out;
}
