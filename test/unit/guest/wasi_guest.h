/* A guest that forwards every function of WASI: the module, for tests and fuzzing. */
#ifndef TEST_WASI_GUEST_H
#define TEST_WASI_GUEST_H

#include "../wasm_builder.h"

typedef struct wasi_function {
    const char *name, *type;
    bool is_new;
} wasi_function;

static const wasi_function wasi_functions[] = {
#define WASI_BOTH(name, type) {#name, type, false},
#define WASI_EACH(name, type) {#name, type, false},
#define WASI_NEW(name, type) {#name, type, true},
#define WASI_PAIR(name, type, params)
#include "guest/wasi.def"
#undef WASI_BOTH
#undef WASI_EACH
#undef WASI_NEW
#undef WASI_PAIR
};

enum { WASI_FUNCTIONS = sizeof wasi_functions / sizeof wasi_functions[0] };

/* A type's parameters and results in the builder's letters. */
static inline void wasi_letters(const char *type, bool is64, char *params, char *results)
{
    char *to = params;

    for (; *type; type++) {
        if (*type == ':') {
            *to = '\0';
            to = results;
        } else {
            *to++ = *type != 'P' ? *type : is64 ? 'l' : 'i';
        }
    }
    *to = '\0';
}

static inline void wasi_guest_forwarders(wasm_builder *b, size_t count)
{
    wasm_section(b, WASM_CODE);
    wasm_u32(b, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        size_t params = strcspn(wasi_functions[i].type, ":");

        wasm_sized(b);
        WASM(b, 0);
        for (size_t k = 0; k < params; k++)
            WASM(b, 0x20, (uint8_t)k);
        WASM(b, 0x10, (uint8_t)i, 0x0b);
        wasm_end(b);
    }
    wasm_end(b);
}

/* A module that imports every function of a version and exports one that forwards to it, under
 * the same name; and its memory. What the older version lacks it imports from "none".
 *   pages  of memory at the beginning; at most 127 */
static inline void wasi_guest_module(wasm_builder *b, bool is64, bool is_unstable,
                                     uint32_t pages)
{
    const char *from = is_unstable ? "wasi_unstable" : "wasi_snapshot_preview1";
    char params[16], results[4];

    wasm_begin(b);
    wasm_section(b, WASM_TYPE);
    wasm_u32(b, WASI_FUNCTIONS);
    for (size_t i = 0; i < WASI_FUNCTIONS; i++) {
        wasi_letters(wasi_functions[i].type, is64, params, results);
        wasm_functype(b, params, results);
    }
    wasm_end(b);
    wasm_section(b, WASM_IMPORT);
    wasm_u32(b, WASI_FUNCTIONS);
    for (size_t i = 0; i < WASI_FUNCTIONS; i++) {
        bool missing = is_unstable && wasi_functions[i].is_new;

        wasm_import(b, missing ? "none" : from, wasi_functions[i].name);
        WASM(b, 0);
        wasm_u32(b, (uint32_t)i);
    }
    wasm_end(b);
    wasm_section(b, WASM_FUNCTION);
    wasm_u32(b, WASI_FUNCTIONS);
    for (size_t i = 0; i < WASI_FUNCTIONS; i++)
        wasm_u32(b, (uint32_t)i);
    wasm_end(b);
    wasm_section(b, WASM_MEMORY);
    WASM(b, 1, is64 ? 5 : 1, (uint8_t)pages, 0x80, 2); /* at most 256 pages */
    wasm_end(b);
    wasm_section(b, WASM_EXPORT);
    wasm_u32(b, WASI_FUNCTIONS + 1);
    for (size_t i = 0; i < WASI_FUNCTIONS; i++)
        wasm_export(b, wasi_functions[i].name, 0, (uint32_t)(WASI_FUNCTIONS + i));
    wasm_export(b, "memory", 2, 0);
    wasm_end(b);
    wasi_guest_forwarders(b, WASI_FUNCTIONS);
}

#endif
