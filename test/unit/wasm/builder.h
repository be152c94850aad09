/* For tests of the decoder: putting bytes together into modules that may be wrong anywhere.
 * Memory comes from malloc; builder_clear gives it back. */
#ifndef TEST_WASM_BUILDER_H
#define TEST_WASM_BUILDER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "beamr/bytes.h"

typedef struct builder {
    uint8_t *data;
    size_t len, room;
} builder;

static inline void put(builder *b, const void *data, size_t len)
{
    if (b->len + len > b->room) {
        b->room = (b->len + len) * 2;
        b->data = realloc(b->data, b->room);
        if (!b->data)
            abort();
    }
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

/* The bytes written out: PUT(&b, 0x60, 0x00, 0x00). */
#define PUT(b, ...)                                                                            \
    put((b), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void put_leb(builder *b, uint64_t n)
{
    for (; n >= 0x80; n >>= 7)
        PUT(b, (uint8_t)(n | 0x80));
    PUT(b, (uint8_t)n);
}

static inline void put_zeros(builder *b, size_t count)
{
    static const uint8_t zeros[4096];

    for (; count > sizeof zeros; count -= sizeof zeros)
        put(b, zeros, sizeof zeros);
    put(b, zeros, count);
}

static inline void put_name(builder *b, const char *name)
{
    put_leb(b, strlen(name));
    put(b, name, strlen(name));
}

static inline void put_header(builder *b)
{
    PUT(b, 0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00);
}

/* A section with the contents collected in `contents`, which is emptied. */
static inline void put_section(builder *b, uint8_t id, builder *contents)
{
    PUT(b, id);
    put_leb(b, contents->len);
    put(b, contents->data, contents->len);
    contents->len = 0;
}

#define PUT_SECTION(b, id, ...)                                                                \
    do {                                                                                       \
        PUT((b), (id));                                                                        \
        put_leb((b), sizeof((const uint8_t[]){__VA_ARGS__}));                                  \
        PUT((b), __VA_ARGS__);                                                                 \
    } while (0)

static inline beamr_bytes builder_bytes(const builder *b)
{
    return (beamr_bytes){b->data, b->len};
}

static inline void builder_clear(builder *b)
{
    free(b->data);
    *b = (builder){0};
}

#endif
