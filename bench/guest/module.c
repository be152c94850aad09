/* The guest of bench/guest, byte by byte: an export for each row, which does one thing as often
 * as it is told. */
#include "guest.h"

#include "../../test/unit/wasm_builder.h"

enum { T_NONE, T_I, T_WRITE, T_OPEN, T_SAVE, T_THREW, T_CLOSE, TYPES };

enum {
    HOST_RAW,
    FD_WRITE,
    PATH_OPEN,
    FD_READ,
    FD_CLOSE,
    INVOKE_V,
    THROW_LONGJMP,
    IMPORTS,
    STACK_SAVE = IMPORTS,
    STACK_RESTORE,
    SET_THREW,
    EMPTY,   /* place 1 of the table */
    THROWS,  /* place 2: throws for invoke_v */
    OWN_TAG, /* throws the module's own tag */
    LOOPS,
};

/* Where things lie in memory. */
enum { IOV_SHORT = 16, IOV_LONG = 32, RESULT = 48, FD = 56, PATH = 64, BUFFER = 1024 };
enum { PATH_LEN = 4 };

typedef struct loop {
    const char *name;
    size_t len;
    uint8_t body[64];
} loop;

#define BODY(...)                                                                              \
    sizeof((const uint8_t[]){__VA_ARGS__}),                                                    \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }
#define I32(n) 0x41, (n) /* 0 to 63 */
#define CALL(f) 0x10, (f)
#define DROP 0x1a
#define LOAD_FD I32(FD), 0x28, 2, 0

static const loop loops[] = {
    {"nothing", 0, {0}},
    {"raw", BODY(I32(1), I32(IOV_SHORT), I32(1), I32(RESULT), CALL(HOST_RAW), DROP)},
    {"write_1", BODY(I32(1), I32(IOV_SHORT), I32(1), I32(RESULT), CALL(FD_WRITE), DROP)},
    {"write_64k", BODY(I32(1), I32(IOV_LONG), I32(1), I32(RESULT), CALL(FD_WRITE), DROP)},
    {"open_read_close",
     BODY(I32(3), I32(0), 0x41, 0xc0, 0x00, I32(PATH_LEN), I32(0), 0x42, 2, 0x42, 2, I32(0),
          I32(FD), CALL(PATH_OPEN), DROP, LOAD_FD, I32(IOV_SHORT), I32(1), I32(RESULT),
          CALL(FD_READ), DROP, LOAD_FD, CALL(FD_CLOSE), DROP)},
    {"invoke", BODY(I32(1), CALL(INVOKE_V))},
    {"invoke_throw", BODY(I32(2), CALL(INVOKE_V))},
    /* try, call, catch 0, end */
    {"throw_legacy", BODY(0x06, 0x40, CALL(OWN_TAG), 0x07, 0, 0x0b)},
    /* block (result exnref), try_table (catch_ref 0 0), call, end, unreachable, end, drop */
    {"throw_exnref",
     BODY(0x02, 0x69, 0x1f, 0x40, 1, 1, 0, 0, CALL(OWN_TAG), 0x0b, 0x00, 0x0b, DROP)},
    /* the same around the import that throws */
    {"throw_import", BODY(0x02, 0x40, 0x1f, 0x40, 1, 2, 0, CALL(THROW_LONGJMP), 0x0b, 0x0b)},
};
#define LOOP_COUNT (sizeof loops / sizeof loops[0])

static void put_import(wasm_builder *w, const char *module, const char *name, uint8_t type)
{
    wasm_import(w, module, name);
    WASM(w, 0, type);
}

static void put_head(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, TYPES);
    wasm_functype(w, "", "");
    wasm_functype(w, "i", "");
    wasm_functype(w, "iiii", "i");
    wasm_functype(w, "iiiiillii", "i");
    wasm_functype(w, "", "i");
    wasm_functype(w, "ii", "");
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, IMPORTS);
    put_import(w, "host", "raw", T_WRITE);
    put_import(w, "wasi_snapshot_preview1", "fd_write", T_WRITE);
    put_import(w, "wasi_snapshot_preview1", "path_open", T_OPEN);
    put_import(w, "wasi_snapshot_preview1", "fd_read", T_WRITE);
    put_import(w, "wasi_snapshot_preview1", "fd_close", T_CLOSE);
    put_import(w, "env", "invoke_v", T_I);
    put_import(w, "env", "_emscripten_throw_longjmp", T_NONE);
    wasm_end(w);
}

static void put_spaces(wasm_builder *w)
{
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, LOOPS - IMPORTS + LOOP_COUNT);
    WASM(w, T_SAVE, T_I, T_THREW, T_NONE, T_NONE, T_NONE);
    for (size_t i = 0; i < LOOP_COUNT; i++)
        WASM(w, T_I);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, 3);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 2);
    wasm_end(w);
    wasm_section(w, WASM_TAG);
    WASM(w, 1, 0, T_NONE);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 1, 0x41, 0, 0x0b); /* the stack pointer */
    wasm_end(w);
}

static void put_exports(wasm_builder *w)
{
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 5 + LOOP_COUNT);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "__indirect_function_table", 1, 0);
    wasm_export(w, "stackSave", 0, STACK_SAVE);
    wasm_export(w, "stackRestore", 0, STACK_RESTORE);
    wasm_export(w, "setThrew", 0, SET_THREW);
    for (size_t i = 0; i < LOOP_COUNT; i++)
        wasm_export(w, loops[i].name, 0, (uint32_t)(LOOPS + i));
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 1, 0, 0x41, 1, 0x0b, 2, EMPTY, THROWS);
    wasm_end(w);
}

/* loop, what is measured, count down, br_if */
static void put_loop(wasm_builder *w, const loop *l)
{
    wasm_sized(w);
    WASM(w, 0, 0x03, 0x40);
    wasm_bytes(w, l->body, l->len);
    WASM(w, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x0b);
    wasm_end(w);
}

static void put_code(wasm_builder *w)
{
    wasm_section(w, WASM_CODE);
    wasm_u32(w, LOOPS - IMPORTS + LOOP_COUNT);
    WASM_BODY(w, 0x23, 0);
    WASM_BODY(w, 0x20, 0, 0x24, 0);
    WASM_BODY(w, 0x01);
    WASM_BODY(w, 0x01);
    WASM_BODY(w, CALL(THROW_LONGJMP));
    WASM_BODY(w, 0x08, 0);
    for (size_t i = 0; i < LOOP_COUNT; i++)
        put_loop(w, &loops[i]);
    wasm_end(w);
}

/* Two lists of one piece each, and a path. */
static void put_data(wasm_builder *w)
{
    static const uint32_t lists[8] = {BUFFER, 1, 0, 0, BUFFER, 65536, 0, 0};

    wasm_section(w, WASM_DATA);
    WASM(w, 2, 0, 0x41, IOV_SHORT, 0x0b, sizeof lists);
    wasm_bytes(w, lists, sizeof lists);
    WASM(w, 0, 0x41, 0xc0, 0x00, 0x0b, PATH_LEN, 'f', 'i', 'l', 'e');
    wasm_end(w);
}

beamr_bytes module_image(void)
{
    static wasm_builder w;

    if (w.len == 0) {
        put_head(&w);
        put_spaces(&w);
        put_exports(&w);
        put_code(&w);
        put_data(&w);
    }
    return wasm_bytes_of(&w);
}
