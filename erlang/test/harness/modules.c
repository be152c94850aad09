/* Modules for the tests: see modules.h. */
#include "modules.h"

enum { T_FAC, T_ADD, T_NONE, T_ONE, T_POKE, T_TWO, T_FREE, T_MIX, T_PAIR, TYPES };
enum {
    F_ENV_ASK,
    F_ENV_MIX,
    F_ENV_NOTE,
    F_FAC,
    F_ADD,
    F_SPIN,
    F_COUNT,
    F_PEEK,
    F_POKE,
    F_DIV,
    F_ASK,
    F_ASKS,
    F_MIX,
    F_NOTE,
    F_DEEP,
    F_GROW,
    F_LENGTH,
    F_MALLOC,
    F_FREE,
    F_PAIR,
    FUNCTIONS
};

static const struct {
    const char *name;
    uint8_t type;
} functions[FUNCTIONS] = {
    [F_ENV_ASK] = {"ask", T_ONE},    [F_ENV_MIX] = {"mix", T_MIX},
    [F_ENV_NOTE] = {"note", T_FREE}, [F_FAC] = {"fac", T_FAC},
    [F_ADD] = {"add", T_ADD},        [F_SPIN] = {"spin", T_NONE},
    [F_COUNT] = {"count", T_ONE},    [F_PEEK] = {"peek", T_ONE},
    [F_POKE] = {"poke", T_POKE},     [F_DIV] = {"div", T_TWO},
    [F_ASK] = {"ask", T_ONE},        [F_ASKS] = {"asks", T_ONE},
    [F_MIX] = {"mix", T_MIX},        [F_NOTE] = {"note", T_FREE},
    [F_DEEP] = {"deep", T_NONE},     [F_GROW] = {"grow", T_ONE},
    [F_LENGTH] = {"length", T_ONE},  [F_MALLOC] = {"malloc", T_ONE},
    [F_FREE] = {"free", T_FREE},     [F_PAIR] = {"pair", T_PAIR},
};

static void build_types(wasm_builder *w)
{
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, TYPES);
    wasm_functype(w, "d", "d");
    wasm_functype(w, "ll", "l");
    wasm_functype(w, "", "");
    wasm_functype(w, "i", "i");
    wasm_functype(w, "ii", "");
    wasm_functype(w, "ii", "i");
    wasm_functype(w, "i", "");
    wasm_functype(w, "lfd", "d");
    wasm_functype(w, "l", "ll");
    wasm_end(w);
}

static void build_imports(wasm_builder *w)
{
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, F_FAC);
    for (unsigned i = 0; i < F_FAC; i++) {
        wasm_import(w, "env", functions[i].name);
        WASM(w, 0, functions[i].type);
    }
    wasm_end(w);
}

/* Functions, a table of four, a memory, a global where malloc goes on. */
static void build_declarations(wasm_builder *w)
{
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, FUNCTIONS - F_FAC);
    for (unsigned i = F_FAC; i < FUNCTIONS; i++)
        WASM(w, functions[i].type);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, 4);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 1, 1, 0x90, 0x03);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 1, 0x41, 0x80, 0x08, 0x0b);
    wasm_end(w);
}

static void build_exports(wasm_builder *w)
{
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, FUNCTIONS - F_FAC + 3);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "__indirect_function_table", 1, 0);
    wasm_export(w, "base", 3, 0);
    for (unsigned i = F_FAC; i < FUNCTIONS; i++)
        wasm_export(w, functions[i].name, 0, i);
    wasm_end(w);
}

/* Elements 0, 1 and 3. */
static void build_elements(wasm_builder *w)
{
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 2);
    WASM(w, 0, 0x41, 0, 0x0b, 2, F_FAC, F_ADD);
    WASM(w, 0, 0x41, 3, 0x0b, 1, F_SPIN);
    wasm_end(w);
}

/* A body with one local of type i32. */
#define BODY_WITH_I32(w, ...)                                                                  \
    do {                                                                                       \
        wasm_sized(w);                                                                         \
        WASM((w), 1, 1, 0x7f, __VA_ARGS__, 0x0b);                                              \
        wasm_end(w);                                                                           \
    } while (0)

#define F64_ONE 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f

static void build_fac(wasm_builder *w, uint8_t self)
{
    WASM_BODY(w, 0x20, 0, F64_ONE, 0x65, 0x04, 0x7c, F64_ONE, 0x05, 0x20, 0, 0x20, 0, F64_ONE,
              0xa1, 0x10, self, 0xa2, 0x0b);
}

static void build_plain_bodies(wasm_builder *w)
{
    build_fac(w, F_FAC);
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x7c);
    WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b);
    BODY_WITH_I32(w, 0x03, 0x40, 0x20, 1, 0x41, 1, 0x6a, 0x22, 1, 0x20, 0, 0x49, 0x0d, 0, 0x0b,
                  0x20, 1);
    WASM_BODY(w, 0x20, 0, 0x28, 2, 0);
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x36, 2, 0);
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x6d);
}

static void build_asking_bodies(wasm_builder *w)
{
    WASM_BODY(w, 0x20, 0, 0x10, F_ENV_ASK);
    BODY_WITH_I32(w, 0x03, 0x40, 0x20, 1, 0x20, 0, 0x10, F_ENV_ASK, 0x6a, 0x21, 1, 0x20, 0,
                  0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x20, 1);
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x20, 2, 0x10, F_ENV_MIX);
    WASM_BODY(w, 0x20, 0, 0x10, F_ENV_NOTE);
}

static void build_other_bodies(wasm_builder *w)
{
    WASM_BODY(w, 0x10, F_DEEP);
    WASM_BODY(w, 0x20, 0, 0x40, 0);
    BODY_WITH_I32(w, 0x02, 0x40, 0x03, 0x40, 0x20, 0, 0x20, 1, 0x6a, 0x2d, 0, 0, 0x45, 0x0d, 1,
                  0x20, 1, 0x41, 1, 0x6a, 0x21, 1, 0x0c, 0, 0x0b, 0x0b, 0x20, 1);
    WASM_BODY(w, 0x23, 0, 0x23, 0, 0x20, 0, 0x6a, 0x41, 15, 0x6a, 0x41, 0x70, 0x71, 0x24, 0);
    WASM_BODY(w, 0x01);
    WASM_BODY(w, 0x20, 0, 0x20, 0, 0x42, 1, 0x7c);
}

wasm_builder module_tool(bool is_hung)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    build_types(&w);
    build_imports(&w);
    build_declarations(&w);
    build_exports(&w);
    if (is_hung) {
        wasm_section(&w, WASM_START);
        wasm_u32(&w, F_SPIN);
        wasm_end(&w);
    }
    build_elements(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, FUNCTIONS - F_FAC);
    build_plain_bodies(&w);
    build_asking_bodies(&w);
    build_other_bodies(&w);
    wasm_end(&w);
    return w;
}

wasm_builder module_fac(void)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "d", "d");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 1);
    wasm_export(&w, "fac", 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    build_fac(&w, 0);
    wasm_end(&w);
    return w;
}
