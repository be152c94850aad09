/* A guest as env's functions need one, for tests and fuzzing: it exports its memory (one page
 * of three), an allocator that gives what follows ENV_GUEST_HEAP, a function that keeps the
 * upper half of a result, a table whose element 1 is that function too, and what is to run at
 * exit. */
#ifndef TEST_UNIT_ENV_GUEST_H
#define TEST_UNIT_ENV_GUEST_H

#include "../wasm_builder.h"

enum { ENV_GUEST_HEAP = 0x8000, ENV_GUEST_MEMORY = 0x10000 };

static inline void env_guest_module(wasm_builder *w, bool is64)
{
    uint8_t constant = is64 ? 0x42 : 0x41, add = is64 ? 0x7c : 0x6a;

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 4);
    wasm_functype(w, is64 ? "l" : "i", is64 ? "l" : "i");
    wasm_functype(w, is64 ? "ll" : "ii", is64 ? "l" : "i");
    wasm_functype(w, "i", "");
    wasm_functype(w, "", "");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 4, 0, 1, 2, 3);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, is64 ? 4 : 0, 2);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, is64 ? 5 : 1, 1, 3);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 2, is64 ? 0x7e : 0x7f, 1, constant);
    wasm_s64(w, ENV_GUEST_HEAP);
    WASM(w, 0x0b, 0x7f, 1, 0x41, 0, 0x0b);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 7);
    wasm_export(w, "malloc", 0, 0);
    wasm_export(w, "emscripten_builtin_memalign", 0, 1);
    wasm_export(w, "_emscripten_tempret_set", 0, 2);
    wasm_export(w, "__funcs_on_exit", 0, 3);
    wasm_export(w, "__indirect_function_table", 1, 0);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "upper", 3, 1);
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 1, 0, constant, 1, 0x0b, 1, 2);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 4);
    WASM_BODY(w, 0x23, 0, 0x23, 0, 0x20, 0, add, 0x24, 0); /* malloc */
    WASM_BODY(w, 0x23, 0, 0x23, 0, 0x20, 1, add, 0x24, 0); /* memalign */
    WASM_BODY(w, 0x20, 0, 0x24, 1);
    WASM_BODY(w, 0x41, 7, 0x24, 1); /* at exit: 7 */
    wasm_end(w);
}

#endif
