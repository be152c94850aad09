/* The guest of the scenarios: a module with every section, and a function for each operation.
 */
#include "scenario.h"

#include <stdio.h>

typedef struct body {
    const char *name;
    uint8_t type; /* of build_types */
    const uint8_t *code;
    size_t len;
} body;

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

enum { TYPE_NONE, TYPE_I_I, TYPE_MANY, TYPE_I_, FIRST_FUNC = 2, SMALL_FUNCS = 40, BUSY = 100 };
enum { REFERRED = 23 }; /* the second of the small functions */

/* Function 2 and those behind it; 0 and 1 are imported. */
static const body bodies[] = {
    {"add", TYPE_I_I, CODE(0x20, 0, 0x41, 0xe4, 0, 0x6a)},
    /* deep: 0 for 0, else deep(a - 1) + 1 */
    {"deep", TYPE_I_I,
     CODE(0x20, 0, 0x04, 0x7f, 0x20, 0, 0x41, 1, 0x6b, 0x10, 3, 0x41, 1, 0x6a, 0x05, 0x41, 0,
          0x0b)},
    {"indirect", TYPE_I_I, CODE(0x20, 0, 0x20, 0, 0x11, 1, 0)},
    /* many: twenty numbers for the host */
    {"many", TYPE_I_I,
     CODE(0x42, 1, 0x42, 2, 0x42, 3, 0x42, 4, 0x42, 5, 0x42, 6, 0x42, 7, 0x42, 8, 0x42, 9, 0x42,
          10, 0x42, 11, 0x42, 12, 0x42, 13, 0x42, 14, 0x42, 15, 0x42, 16, 0x42, 17, 0x42, 18,
          0x42, 19, 0x42, 20, 0x10, 1, 0xa7)},
    {"throw", TYPE_I_, CODE(0x20, 0, 0x08, 0)},
    /* catch: what throw throws, and 1000; likewise with the older instructions, and 2000 */
    {"catch", TYPE_I_I,
     CODE(0x02, 0x7f, 0x1f, 0x7f, 1, 0, 0, 0, 0x20, 0, 0x10, 6, 0x41, 0, 0x0b, 0x0f, 0x0b, 0x41,
          0xe8, 0x07, 0x6a)},
    {"legacy", TYPE_I_I,
     CODE(0x06, 0x7f, 0x20, 0, 0x10, 6, 0x41, 0, 0x07, 0, 0x41, 0xd0, 0x0f, 0x6a, 0x0b)},
    /* storm: throw and catch a times */
    {"storm", TYPE_I_I,
     CODE(0x03, 0x40, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x20, 0, 0x08, 0, 0x0b, 0x0b, 0x20, 0,
          0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x41, 5)},
    /* bulk: memory.fill, init and copy from the other memory; table.init, copy and fill */
    {"bulk", TYPE_I_I,
     CODE(0x41, 0, 0x41, 7, 0x41, 0xc8, 1, 0xfc, 0x0b, 0,     /**/
          0x41, 16, 0x41, 0, 0x41, 3, 0xfc, 0x08, 1, 0,       /**/
          0x41, 18, 0x42, 0, 0x41, 4, 0xfc, 0x0a, 0, 1,       /**/
          0x41, 8, 0x41, 0, 0x41, 2, 0xfc, 0x0c, 1, 0,        /**/
          0x41, 10, 0x41, 8, 0x41, 2, 0xfc, 0x0e, 0, 0,       /**/
          0x41, 12, 0xd2, FIRST_FUNC, 0x41, 2, 0xfc, 0x11, 0, /**/
          0x20, 0, 0x41, 12, 0x11, 1, 0, 0x41, 16, 0x28, 2, 0, 0x6a)},
    /* refs: put a function into the table and call it there */
    {"refs", TYPE_I_I, CODE(0x41, 14, 0xd2, REFERRED, 0x26, 0, 0x20, 0, 0x41, 14, 0x11, 1, 0)},
    {"grow", TYPE_I_I, CODE(0x20, 0, 0x40, 0)},
    {"grow_wide", TYPE_I_I, CODE(0x20, 0, 0xad, 0x40, 1, 0xa7)},
    {"grow_table", TYPE_I_I, CODE(0xd2, FIRST_FUNC, 0x20, 0, 0xfc, 0x0f, 0)},
    {"host", TYPE_I_I, CODE(0x20, 0, 0x10, 0)},
    /* host_catch: what the host throws, and 1000 */
    {"host_catch", TYPE_I_I,
     CODE(0x02, 0x7f, 0x1f, 0x7f, 1, 0, 0, 0, 0x20, 0, 0x10, 0, 0x0b, 0x0f, 0x0b, 0x41, 0xe8,
          0x07, 0x6a)},
    /* an allocator for one text, and a function that throws the text's first byte */
    {"malloc", TYPE_I_I, CODE(0x41, 0x80, 0x08)},
    {"free", TYPE_I_, CODE(0x20, 0, 0x1a)},
    {"shout", TYPE_I_, CODE(0x20, 0, 0x2d, 0, 0, 0x08, 0)},
    {"start", TYPE_NONE, CODE(0x41, 42, 0x24, 0, 0x41, 1, 0x10, 0, 0x1a)},
};

enum { BODIES = sizeof bodies / sizeof bodies[0], START = FIRST_FUNC + BODIES - 1 };
_Static_assert(REFERRED == FIRST_FUNC + BODIES + 2, "behind `busy` and one more");
enum { FUNCS = BODIES + 1 + SMALL_FUNCS }; /* `busy` stands behind the bodies */

static const char many[] = "llllllllllllllllllll";

static void build_types(wasm_builder *w)
{
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 4);
    wasm_functype(w, "", "");
    wasm_functype(w, "i", "i");
    wasm_functype(w, many, "l");
    wasm_functype(w, "i", "");
    wasm_end(w);
}

static void build_imports(wasm_builder *w)
{
    static const uint8_t types[GUEST_IMPORTS][5] = {
        {0x00, TYPE_I_I}, {0x00, TYPE_MANY}, {0x04, 0, TYPE_I_}, {0x02, 0x01, 1, 8}};
    static const uint8_t sizes[GUEST_IMPORTS] = {2, 2, 3, 4};

    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, GUEST_IMPORTS);
    for (size_t i = 0; i < GUEST_IMPORTS; i++) {
        wasm_import(w, "env", guest_import_name(i));
        wasm_bytes(w, types[i], sizes[i]);
    }
    wasm_end(w);
}

static void build_spaces(wasm_builder *w)
{
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, FUNCS);
    for (size_t i = 0; i < FUNCS; i++)
        WASM(w, i < BODIES ? bodies[i].type : TYPE_I_I);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 3, 0x70, 0x01, 20, 64, 0x6f, 0x01, 2, 32);       /* funcref, externref, */
    WASM(w, 0x40, 0, 0x70, 0x00, 3, 0xd2, FIRST_FUNC, 0x0b); /* and one full of `add` */
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0x05, 1, 8); /* 64-bit */
    wasm_end(w);
    wasm_section(w, WASM_TAG);
    WASM(w, 1, 0, TYPE_I_);
    wasm_end(w);
}

static void build_globals(wasm_builder *w)
{
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 4, 0x7f, 1, 0x41, 0, 0x0b);
    WASM(w, 0x70, 0, 0xd2, FIRST_FUNC + 1, 0x0b);
    WASM(w, 0x7b, 1, 0xfd, 0x0c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x0b);
    WASM(w, 0x7f, 0, 0x41, 1); /* a long sum */
    for (int i = 0; i < 100; i++)
        WASM(w, 0x41, 1, 0x6a);
    WASM(w, 0x0b);
    wasm_end(w);
}

static void build_exports(wasm_builder *w)
{
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, BODIES + 6);
    for (uint32_t i = 0; i < BODIES; i++)
        wasm_export(w, bodies[i].name, 0, FIRST_FUNC + i);
    wasm_export(w, "busy", 0, FIRST_FUNC + BODIES);
    wasm_export(w, "table", 1, 0);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "wide", 2, 1);
    wasm_export(w, "global", 3, 0);
    wasm_export(w, "tag", 4, 1);
    wasm_end(w);
    wasm_section(w, WASM_START);
    wasm_u32(w, START);
    wasm_end(w);
}

static void build_segments(wasm_builder *w)
{
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 4);
    WASM(w, 0x00, 0x41, 0, 0x0b, 3, FIRST_FUNC, 3, 7); /* active */
    WASM(w, 0x01, 0x00, 2, FIRST_FUNC, 8);             /* passive */
    WASM(w, 0x03, 0x00, 1, REFERRED);                  /* declared */
    WASM(w, 0x06, 1, 0x41, 0, 0x0b, 0x6f, 2, 0xd0, 0x6f, 0x0b, 0xd0, 0x6f, 0x0b);
    wasm_end(w);
    wasm_section(w, WASM_DATA_COUNT);
    WASM(w, 2);
    wasm_end(w);
}

/* Much of everything that translation and validation keep in arrays that grow. */
static void build_busy(wasm_builder *w)
{
    wasm_sized(w);
    WASM(w, 2, 0xac, 2, 0x7e, 3, 0x7f); /* locals: 300 i64, 3 i32 */
    for (int i = 0; i < BUSY; i++)
        WASM(w, 0x02, 0x40); /* nested blocks */
    for (int i = 0; i < BUSY; i++)
        WASM(w, 0x20, 0, 0x41, 0x90, 0x03, 0x46, 0x0d, 0); /* br_if a == 400 */
    for (int i = 0; i < BUSY; i++)
        WASM(w, 0x20, 0, 0x0e, 2, 0, 0, 0, 0x0b); /* br_table, end */
    for (int i = 0; i < BUSY; i++)
        WASM(w, 0x20, 0, 0x67); /* operands: clz */
    for (int i = 1; i < BUSY; i++)
        WASM(w, 0x6a);
    for (int i = 0; i < BUSY; i++) /* handlers, one in the other */
        WASM(w, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0);
    WASM(w, 0x20, 0, 0x21, 0xae, 2);
    for (int i = 0; i < BUSY; i++)
        WASM(w, 0x0b, 0x0b);
    WASM(w, 0x20, 0xae, 2, 0x6a, 0x0b);
    wasm_end(w);
}

static void build_code(wasm_builder *w)
{
    wasm_section(w, WASM_CODE);
    wasm_u32(w, FUNCS);
    for (size_t i = 0; i < BODIES; i++) {
        wasm_sized(w);
        WASM(w, 0);
        wasm_bytes(w, bodies[i].code, bodies[i].len);
        WASM(w, 0x0b);
        wasm_end(w);
    }
    build_busy(w);
    for (uint8_t i = 0; i < SMALL_FUNCS; i++)
        WASM_BODY(w, 0x20, 0, 0x41, i, 0x6a);
    wasm_end(w);
    wasm_section(w, WASM_DATA);
    WASM(w, 2, 0x02, 1, 0x42, 0, 0x0b, 5, 'h', 'e', 'l', 'l', 'o', 0x01, 3, 'a', 'b', 'c');
    wasm_end(w);
}

static void build_names(wasm_builder *w)
{
    wasm_section(w, WASM_CUSTOM);
    wasm_name(w, "name");
    WASM(w, 1); /* functions */
    wasm_sized(w);
    wasm_u32(w, BODIES);
    for (uint32_t i = 0; i < BODIES; i++) {
        wasm_u32(w, FIRST_FUNC + i);
        wasm_name(w, bodies[i].name);
    }
    wasm_end(w);
    wasm_end(w);
}

void guest_build(wasm_builder *w)
{
    wasm_begin(w);
    build_types(w);
    build_imports(w);
    build_spaces(w);
    build_globals(w);
    build_exports(w);
    build_segments(w);
    build_code(w);
    build_names(w);
}

void wasm_file(wasm_builder *w, const char *path)
{
    uint8_t piece[4096];
    size_t len;
    FILE *f = fopen(path, "rb");

    if (!f)
        fail_msg("%s cannot be read", path);
    while ((len = fread(piece, 1, sizeof piece, f)) > 0)
        wasm_bytes(w, piece, len);
    assert_int_equal(fclose(f), 0);
}

/* ---- What it imports ---- */

const char *guest_import_name(size_t i)
{
    static const char *const names[] = {"host", "many", "tag", "memory"};

    return names[i];
}

/* Adds 1; but calls back for 77, and throws for 88. */
static beamr_status host(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    const beamr_extern *imports = call->user;
    beamr_value three = beamr_i32(3);
    beamr_func *deep;

    if (args[0].of.i32 == 88)
        return beamr_throw(call->store, imports[2].of.tag, args, 1, err);
    if (args[0].of.i32 != 77) {
        results[0] = beamr_i32(args[0].of.i32 + 1);
        return BEAMR_OK;
    }
    if (!(deep = beamr_instance_find_func(call->caller, "deep")))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a function's record");
    return beamr_func_call(deep, &three, 1, results, 1, err);
}

static beamr_status sum(const beamr_call *call, const beamr_value *args, beamr_value *results,
                        beamr_error *err)
{
    int64_t n = 0;

    (void)call;
    (void)err;
    for (size_t i = 0; i < sizeof many - 1; i++)
        n = n * 3 % 1000 + args[i].of.i64;
    results[0] = beamr_i64(n);
    return BEAMR_OK;
}

beamr_status guest_imports(beamr_store *store, beamr_extern imports[GUEST_IMPORTS],
                           beamr_error *err)
{
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32), i64 = beamr_valtype_of(BEAMR_I64);
    beamr_valtype params[sizeof many - 1];
    beamr_functype host_type = {&i32, 1, &i32, 1}, tag_type = {&i32, 1, NULL, 0};
    beamr_functype many_type = {params, sizeof many - 1, &i64, 1};
    beamr_limits limits = {1, 8, false};
    beamr_status st;

    for (size_t i = 0; i < sizeof many - 1; i++)
        params[i] = i64;
    imports[0].kind = imports[1].kind = BEAMR_EXTERN_FUNC;
    imports[2].kind = BEAMR_EXTERN_TAG;
    imports[3].kind = BEAMR_EXTERN_MEMORY;
    st = beamr_func_new(store, &host_type, host, imports, NULL, &imports[0].of.func, err);
    if (st == BEAMR_OK)
        st = beamr_func_new(store, &many_type, sum, NULL, NULL, &imports[1].of.func, err);
    if (st == BEAMR_OK)
        st = beamr_tag_new(store, &tag_type, &imports[2].of.tag, err);
    if (st == BEAMR_OK)
        st = beamr_memory_new(store, &limits, &imports[3].of.memory, err);
    return st;
}
