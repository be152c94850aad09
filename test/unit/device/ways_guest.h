/* A guest that forwards every function of WASI, and many of Emscripten's env, each under its
 * own name; and `poke`, which puts eight bytes somewhere. */
#ifndef TEST_UNIT_DEVICE_WAYS_GUEST_H
#define TEST_UNIT_DEVICE_WAYS_GUEST_H

#include "../guest/wasi_guest.h"

static const struct {
    const char *name, *type;
} ways_env[] = {
    {"__syscall_openat", "iPiP:i"},
    {"__syscall_fcntl64", "iiP:i"},
    {"__syscall_getdents64", "iPP:i"},
    {"__syscall_unlinkat", "iPi:i"},
    {"__syscall_renameat", "iPiP:i"},
    {"__syscall_rmdir", "P:i"},
    {"__syscall_readlinkat", "iPPP:i"},
    {"__syscall_dup3", "iii:i"},
    {"__syscall_mkdirat", "iPi:i"},
    {"__syscall_symlinkat", "PiP:i"},
    {"__syscall_fstat64", "iP:i"},
    {"__syscall_stat64", "PP:i"},
    {"__syscall_getcwd", "PP:i"},
    {"__syscall_chdir", "P:i"},
    {"__syscall_ftruncate64", "il:i"},
    {"__syscall_poll", "Pii:i"},
    {"emscripten_date_now", ":d"},
    {"emscripten_get_now", ":d"},
    {"time", "P:i"},
    {"_gmtime_js", "lP:i"},
    {"_emscripten_memcpy_js", "PPP:"},
    {"_emscripten_system", "P:i"},
    {"emscripten_resize_heap", "P:i"},
    {"strftime", "PPPP:P"},
    {"exit", "i:"},
    {"abort", ":"},
};

enum {
    WAYS_ENV = sizeof ways_env / sizeof ways_env[0],
    WAYS_IMPORTS = WASI_FUNCTIONS + WAYS_ENV + 1, /* the last: env.nobody_knows, ()->i */
};

static inline const char *ways_name(size_t i)
{
    return i < WASI_FUNCTIONS              ? wasi_functions[i].name
           : i < WASI_FUNCTIONS + WAYS_ENV ? ways_env[i - WASI_FUNCTIONS].name
                                           : "nobody_knows";
}

static inline const char *ways_type(size_t i)
{
    return i < WASI_FUNCTIONS              ? wasi_functions[i].type
           : i < WASI_FUNCTIONS + WAYS_ENV ? ways_env[i - WASI_FUNCTIONS].type
                                           : ":i";
}

/*   pages  of memory at the beginning, of at most 8 if it is no more */
static inline void ways_guest_module(wasm_builder *b, bool is64, bool is_unstable,
                                     uint32_t pages)
{
    const char *wasi = is_unstable ? "wasi_unstable" : "wasi_snapshot_preview1";
    char params[16], results[4];

    wasm_begin(b);
    wasm_section(b, WASM_TYPE);
    wasm_u32(b, WAYS_IMPORTS + 1);
    for (size_t i = 0; i < WAYS_IMPORTS; i++) {
        wasi_letters(ways_type(i), is64, params, results);
        wasm_functype(b, params, results);
    }
    wasm_functype(b, is64 ? "ll" : "il", "");
    wasm_end(b);
    wasm_section(b, WASM_IMPORT);
    wasm_u32(b, WAYS_IMPORTS);
    for (size_t i = 0; i < WAYS_IMPORTS; i++) {
        bool missing = is_unstable && i < WASI_FUNCTIONS && wasi_functions[i].is_new;

        wasm_import(b, missing ? "none" : i < WASI_FUNCTIONS ? wasi : "env", ways_name(i));
        WASM(b, 0);
        wasm_u32(b, (uint32_t)i);
    }
    wasm_end(b);
    wasm_section(b, WASM_FUNCTION);
    wasm_u32(b, WAYS_IMPORTS + 1);
    for (uint32_t i = 0; i <= WAYS_IMPORTS; i++)
        wasm_u32(b, i);
    wasm_end(b);
    wasm_section(b, WASM_MEMORY);
    WASM(b, 1, is64 ? 5 : 1);
    wasm_u32(b, pages);
    wasm_u32(b, pages > 8 ? pages : 8);
    wasm_end(b);
    wasm_section(b, WASM_EXPORT);
    wasm_u32(b, WAYS_IMPORTS + 2);
    for (uint32_t i = 0; i < WAYS_IMPORTS; i++)
        wasm_export(b, ways_name(i), 0, WAYS_IMPORTS + i);
    wasm_export(b, "poke", 0, 2 * WAYS_IMPORTS);
    wasm_export(b, "memory", 2, 0);
    wasm_end(b);
    wasm_section(b, WASM_CODE);
    wasm_u32(b, WAYS_IMPORTS + 1);
    for (uint32_t i = 0; i < WAYS_IMPORTS; i++) {
        size_t count = strcspn(ways_type(i), ":");

        wasm_sized(b);
        WASM(b, 0);
        for (size_t k = 0; k < count; k++)
            WASM(b, 0x20, (uint8_t)k);
        WASM(b, 0x10);
        wasm_u32(b, i);
        WASM(b, 0x0b);
        wasm_end(b);
    }
    WASM_BODY(b, 0x20, 0, 0x20, 1, 0x37, 0, 0);
    wasm_end(b);
}

#endif
