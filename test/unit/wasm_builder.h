/* Building wasm modules in tests, byte by byte.
 *
 *     wasm_builder w = {0};
 *     wasm_begin(&w);
 *     wasm_section(&w, WASM_TYPE);
 *     wasm_u32(&w, 1);
 *     wasm_functype(&w, "ii", "i");
 *     wasm_end(&w);
 *     ... wasm_bytes_of(&w) ...
 *     wasm_free(&w);
 *
 * What has its size in front (sections, function bodies) begins with wasm_section or wasm_sized
 * and is closed with wasm_end; its size is written with five bytes. Types are letters:
 * i l f d v for i32 i64 f32 f64 v128, F X E for funcref, externref, exnref. */
#ifndef TEST_WASM_BUILDER_H
#define TEST_WASM_BUILDER_H

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "beamr/bytes.h"

enum {
    WASM_CUSTOM,
    WASM_TYPE,
    WASM_IMPORT,
    WASM_FUNCTION,
    WASM_TABLE,
    WASM_MEMORY,
    WASM_GLOBAL,
    WASM_EXPORT,
    WASM_START,
    WASM_ELEMENT,
    WASM_CODE,
    WASM_DATA,
    WASM_DATA_COUNT,
    WASM_TAG,
};

typedef struct wasm_builder {
    uint8_t *data;
    size_t len;
    size_t capacity;
    size_t open[8]; /* where the sizes of what is not yet closed stand */
    unsigned depth;
} wasm_builder;

static inline void wasm_bytes(wasm_builder *w, const void *data, size_t len)
{
    if (w->capacity - w->len < len) {
        w->capacity = (w->capacity + len) * 2;
        w->data = realloc(w->data, w->capacity);
        assert(w->data);
    }
    if (len > 0)
        memcpy(w->data + w->len, data, len);
    w->len += len;
}

/* WASM(&w, 0x20, 0, 0x0b): literal bytes. */
#define WASM(w, ...)                                                                           \
    wasm_bytes((w), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static inline void wasm_u64(wasm_builder *w, uint64_t v)
{
    do {
        uint8_t byte = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));

        wasm_bytes(w, &byte, 1);
        v >>= 7;
    } while (v);
}

static inline void wasm_u32(wasm_builder *w, uint32_t v)
{
    wasm_u64(w, v);
}

static inline void wasm_s64(wasm_builder *w, int64_t v)
{
    bool more = true;

    while (more) {
        uint8_t byte = v & 0x7f;

        v >>= 7;
        more = !((v == 0 && !(byte & 0x40)) || (v == -1 && (byte & 0x40)));
        byte |= more ? 0x80 : 0;
        wasm_bytes(w, &byte, 1);
    }
}

static inline void wasm_name(wasm_builder *w, const char *name)
{
    wasm_u64(w, strlen(name));
    wasm_bytes(w, name, strlen(name));
}

/* Begin something that has its size in front. */
static inline void wasm_sized(wasm_builder *w)
{
    assert(w->depth < sizeof w->open / sizeof w->open[0]);
    w->open[w->depth++] = w->len;
    wasm_bytes(w, "\0\0\0\0\0", 5);
}

/* Close what was begun last. */
static inline void wasm_end(wasm_builder *w)
{
    size_t at = w->open[--w->depth];
    size_t size = w->len - at - 5;

    for (unsigned i = 0; i < 5; i++)
        w->data[at + i] = (uint8_t)((size >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
}

static inline void wasm_begin(wasm_builder *w)
{
    w->len = 0;
    w->depth = 0;
    wasm_bytes(w, "\0asm\1\0\0\0", 8);
}

static inline void wasm_section(wasm_builder *w, uint8_t id)
{
    wasm_bytes(w, &id, 1);
    wasm_sized(w);
}

static inline uint8_t wasm_type_code(char letter)
{
    switch (letter) {
    case 'i':
        return 0x7f;
    case 'l':
        return 0x7e;
    case 'f':
        return 0x7d;
    case 'd':
        return 0x7c;
    case 'v':
        return 0x7b;
    case 'F':
        return 0x70;
    case 'X':
        return 0x6f;
    default:
        assert(letter == 'E');
        return 0x69;
    }
}

static inline void wasm_types(wasm_builder *w, const char *letters)
{
    wasm_u64(w, strlen(letters));
    for (; *letters; letters++)
        WASM(w, wasm_type_code(*letters));
}

static inline void wasm_functype(wasm_builder *w, const char *params, const char *results)
{
    WASM(w, 0x60);
    wasm_types(w, params);
    wasm_types(w, results);
}

/* An entry of the import section, without what follows the names: kind and type. */
static inline void wasm_import(wasm_builder *w, const char *module, const char *name)
{
    wasm_name(w, module);
    wasm_name(w, name);
}

/* kind: 0 function, 1 table, 2 memory, 3 global, 4 tag */
static inline void wasm_export(wasm_builder *w, const char *name, uint8_t kind, uint32_t index)
{
    wasm_name(w, name);
    WASM(w, kind);
    wasm_u32(w, index);
}

/* A body without locals in literal bytes, to which the final `end` (0x0b) is added. */
#define WASM_BODY(w, ...)                                                                      \
    do {                                                                                       \
        wasm_sized(w);                                                                         \
        WASM((w), 0, __VA_ARGS__, 0x0b);                                                       \
        wasm_end(w);                                                                           \
    } while (0)

static inline beamr_bytes wasm_bytes_of(const wasm_builder *w)
{
    assert(w->depth == 0);
    return (beamr_bytes){w->data, w->len};
}

static inline void wasm_free(wasm_builder *w)
{
    free(w->data);
    *w = (wasm_builder){0};
}

#endif
