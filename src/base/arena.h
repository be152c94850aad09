/* An arena: many allocations, one free.
 * Module-lifetime data lives here and goes at once. Not for memory that grows and shrinks. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "beamr/error.h"

/* Leave the function with the status of a failed call. Only where there is nothing to release:
 * an arena, or the caller, owns all. */
#define BEAMR_TRY(call)                                                                        \
    do {                                                                                       \
        beamr_status try_status_ = (call);                                                     \
        if (try_status_ != BEAMR_OK)                                                           \
            return try_status_;                                                                \
    } while (0)

typedef struct arena_chunk arena_chunk;

typedef struct arena {
    arena_chunk *chunks; /* newest first */
    uint8_t *next;       /* free bytes of the newest chunk */
    uint8_t *end;
    size_t used;  /* bytes taken from malloc */
    size_t limit; /* of `used` */
    bool is_full; /* something was refused for the limit, not for want of memory */
} arena;

/* Open an arena in the caller's memory; takes nothing from the heap yet.
 *   limit  bytes that it may take; SIZE_MAX for no limit */
void arena_init(arena *a, size_t limit);

/* Let an arena that is empty take its first bytes from a buffer, so that little needs no heap.
 *   buffer  aligned to 16 bytes; lives until the arena is cleared for the last time */
void arena_lend(arena *a, void *buffer, size_t size);

/* Release all that was allocated. The arena may be used again. */
void arena_clear(arena *a);

/* `count` zeroed objects of `size` bytes, aligned to 16 bytes, living as long as the arena.
 * Returns a valid pointer for 0 bytes too; NULL when the limit or memory is exhausted, or the
 * product overflows. */
void *arena_alloc(arena *a, size_t count, size_t size);

/* A copy of `len` bytes with a NUL behind them, or NULL. */
char *arena_text(arena *a, const void *data, size_t len);

#define ARENA_NEW(a, type, count) ((type *)arena_alloc((a), (count), sizeof(type)))

#endif
