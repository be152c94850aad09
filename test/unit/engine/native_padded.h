/* Functions that the compiler leaves interpreted: those of a module whose bodies were made too
 * long for it, by instructions that do nothing. */
#ifndef TEST_ENGINE_NATIVE_PADDED_H
#define TEST_ENGINE_NATIVE_PADDED_H

#include "../wasm_builder.h"

/* More than is ever compiled in one function. */
#define PADDING ((2u << 20) + 1)

/* Which of the functions that a module defines are padded. */
enum { PAD_NONE, PAD_EVEN, PAD_ODD, PAD_ALL };

static inline bool is_padded(int way, uint32_t index)
{
    return way == PAD_ALL || (way == PAD_EVEN && index % 2 == 0) ||
           (way == PAD_ODD && index % 2 == 1);
}

static inline uint32_t padded_u32(const uint8_t **at)
{
    uint32_t v = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;

        v |= (uint32_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return v;
    }
}

static inline void pad_code(wasm_builder *w, const uint8_t *at, int way)
{
    uint32_t count = padded_u32(&at);

    wasm_section(w, WASM_CODE);
    wasm_u32(w, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t size = padded_u32(&at);

        wasm_sized(w);
        wasm_bytes(w, at, size - 1);
        if (is_padded(way, i)) {
            uint8_t *nops = malloc(PADDING);

            assert(nops);
            memset(nops, 0x01, PADDING);
            wasm_bytes(w, nops, PADDING);
            free(nops);
        }
        WASM(w, 0x0b);
        wasm_end(w);
        at += size;
    }
    wasm_end(w);
}

/* The module with padding; a builder's, to be freed with wasm_free. */
static inline void pad_functions(wasm_builder *w, const uint8_t *bytes, size_t len, int way)
{
    const uint8_t *at = bytes + 8, *end = bytes + len;

    wasm_begin(w);
    while (at < end) {
        const uint8_t *begin = at;
        uint8_t id = *at++;
        uint32_t size = padded_u32(&at);

        if (id == WASM_CODE)
            pad_code(w, at, way);
        else
            wasm_bytes(w, begin, (size_t)(at - begin) + size);
        at += size;
    }
}

#endif
