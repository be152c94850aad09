/* The guests, byte by byte: one module with an export for each kind of call, one that it calls
 * into, and small ones to be instantiated. */
#include "boundary.h"

#include "../../test/unit/wasm_builder.h"

/* Types of the main module. */
enum { NONE, FOUR, VECTOR, COUNT, TYPES };

/* Its functions: imports, plain ones, then the loops. */
enum {
    HOST_EMPTY,
    HOST_FOUR,
    HOST_NEST,
    HOST_LATER,  /* answered later */
    HOST_THREAD, /* runs on the thread's stack */
    OTHER_EMPTY,
    IMPORTS,
    EMPTY = IMPORTS,
    GUEST_FOUR,
    GUEST_VECTOR,
    TRAP,
    THROW_1, /* throws; each of the following calls the one before */
    THROW_10 = THROW_1 + 9,
    LOOPS,
};

typedef struct loop {
    const char *name;
    size_t len;
    uint8_t body[24]; /* what is measured */
} loop;

#define BODY(...)                                                                              \
    sizeof((const uint8_t[]){__VA_ARGS__}),                                                    \
    {                                                                                          \
        __VA_ARGS__                                                                            \
    }
#define FOUR_ARGS 0x42, 1, 0x42, 2, 0x42, 3, 0x42, 4 /* i64.const 1 ... i64.const 4 */
/* block, try_table (catch 0 0), ..., end, end */
#define CATCH(...) 0x02, 0x40, 0x1f, 0x40, 1, 0, 0, 0, __VA_ARGS__, 0x0b, 0x0b

static const loop loops[] = {
    {"loop_nothing", 0, {0}},
    {"loop_host", BODY(0x10, HOST_EMPTY)},
    {"loop_host_four", BODY(FOUR_ARGS, 0x10, HOST_FOUR, 0x1a)},
    {"loop_guest", BODY(0x10, EMPTY)},
    {"loop_guest_four", BODY(FOUR_ARGS, 0x10, GUEST_FOUR, 0x1a)},
    {"loop_indirect", BODY(0x41, 0, 0x11, NONE, 0)},
    {"loop_other", BODY(0x10, OTHER_EMPTY)},
    {"loop_nest", BODY(0x10, HOST_NEST)},
    {"loop_later", BODY(0x10, HOST_LATER)},
    {"loop_thread", BODY(0x10, HOST_THREAD)},
    {"loop_try", BODY(CATCH(0x10, EMPTY))},
    {"loop_throw", BODY(CATCH(0x08, 0))},
    {"loop_throw_1", BODY(CATCH(0x10, THROW_1))},
    {"loop_throw_10", BODY(CATCH(0x10, THROW_10))},
};
#define LOOP_COUNT (sizeof loops / sizeof loops[0])

/* ---- The main module ---- */

static void put_head(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, TYPES);
    wasm_functype(w, "", "");
    wasm_functype(w, "llll", "l");
    wasm_functype(w, "v", "v");
    wasm_functype(w, "i", "");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, IMPORTS);
    wasm_import(w, "host", "empty");
    WASM(w, 0, NONE);
    wasm_import(w, "host", "four");
    WASM(w, 0, FOUR);
    wasm_import(w, "host", "nest");
    WASM(w, 0, NONE);
    wasm_import(w, "host", "later");
    WASM(w, 0, NONE);
    wasm_import(w, "host", "thread");
    WASM(w, 0, NONE);
    wasm_import(w, "other", "empty");
    WASM(w, 0, NONE);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, LOOPS - IMPORTS + LOOP_COUNT);
    WASM(w, NONE, FOUR, VECTOR, NONE);
    for (int i = THROW_1; i <= THROW_10; i++)
        WASM(w, NONE);
    for (size_t i = 0; i < LOOP_COUNT; i++)
        WASM(w, COUNT);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_TAG);
    WASM(w, 1, 0, NONE);
    wasm_end(w);
}

static void put_exports(wasm_builder *w)
{
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 4 + LOOP_COUNT);
    wasm_export(w, "empty", 0, EMPTY);
    wasm_export(w, "four", 0, GUEST_FOUR);
    wasm_export(w, "vector", 0, GUEST_VECTOR);
    wasm_export(w, "trap", 0, TRAP);
    for (size_t i = 0; i < LOOP_COUNT; i++)
        wasm_export(w, loops[i].name, 0, (uint32_t)(LOOPS + i));
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 1, 0, 0x41, 0, 0x0b, 1, EMPTY);
    wasm_end(w);
}

/* loop, LOOP_TIMES times what is measured, local 0 less one, again unless that is zero, end */
static void put_loop(wasm_builder *w, const loop *l)
{
    wasm_sized(w);
    WASM(w, 0, 0x03, 0x40);
    for (int i = 0; i < LOOP_TIMES; i++)
        wasm_bytes(w, l->body, l->len);
    WASM(w, 0x20, 0, 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0, 0x0b, 0x0b);
    wasm_end(w);
}

static void put_main(wasm_builder *w)
{
    put_head(w);
    put_exports(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, LOOPS - IMPORTS + LOOP_COUNT);
    wasm_sized(w); /* EMPTY */
    WASM(w, 0, 0x0b);
    wasm_end(w);
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x7c, 0x20, 2, 0x7c, 0x20, 3, 0x7c);
    WASM_BODY(w, 0x20, 0);
    WASM_BODY(w, 0x00);
    WASM_BODY(w, 0x08, 0);
    for (uint8_t i = THROW_1; i < THROW_10; i++)
        WASM_BODY(w, 0x10, i);
    for (size_t i = 0; i < LOOP_COUNT; i++)
        put_loop(w, &loops[i]);
    wasm_end(w);
}

/* ---- Small modules ---- */

/* Three functions, the first of them exported, a table that holds all three, and a global; on
 * demand five imported functions, or a 64-bit memory with eight bytes of data. */
static void put_small(wasm_builder *w, unsigned imports, bool has_memory)
{
    uint8_t first = (uint8_t)imports;

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 2);
    wasm_functype(w, "", "");
    wasm_functype(w, "llll", "l");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, imports);
    for (unsigned i = 0; i < imports; i++) {
        wasm_import(w, "host", (const char[]){(char)('a' + i), '\0'});
        WASM(w, 0, 1);
    }
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 3, 0, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, 3);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    if (has_memory)
        WASM(w, 1, 4, 1);
    else
        WASM(w, 0);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 1, 0x41, 0, 0x0b);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "empty", 0, first);
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 1, 0, 0x41, 0, 0x0b, 3, first, (uint8_t)(first + 1), (uint8_t)(first + 2));
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 3);
    for (int i = 0; i < 2; i++) {
        wasm_sized(w);
        WASM(w, 0, 0x0b);
        wasm_end(w);
    }
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x7c);
    wasm_end(w);
    if (has_memory) {
        wasm_section(w, WASM_DATA);
        WASM(w, 1, 0, 0x42, 16, 0x0b, 8, 1, 2, 3, 4, 5, 6, 7, 8);
        wasm_end(w);
    }
}

static beamr_module *load(bench *b, const wasm_builder *w)
{
    beamr_module *m = NULL;
    beamr_error err = {0};

    check(beamr_module_load(b->engine, wasm_bytes_of(w), &m, &err), &err);
    return m;
}

/* ---- Around them ---- */

static beamr_status host_empty(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    (void)err;
    return BEAMR_OK;
}

static beamr_status host_four(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)err;
    results[0].of.i64 = args[0].of.i64 + args[1].of.i64 + args[2].of.i64 + args[3].of.i64;
    return BEAMR_OK;
}

static beamr_status host_nest(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    const bench *b = call->user;

    (void)args;
    (void)results;
    return beamr_func_call(b->inner, NULL, 0, NULL, 0, err);
}

static void define(bench *b, beamr_linker *linker, const char *name, bool has_values,
                   beamr_host_func callback)
{
    beamr_valtype i64 = beamr_valtype_of(BEAMR_I64);
    beamr_valtype params[4] = {i64, i64, i64, i64};
    beamr_functype type = {params, has_values ? 4 : 0, &i64, has_values ? 1 : 0};
    beamr_error err = {0};

    check(beamr_linker_define_func(linker, "host", name, &type, callback, b, &err), &err);
}

/* Functions without arguments that beamr_host says more of. */
static void define_host(beamr_linker *linker, const char *name, beamr_host host)
{
    beamr_functype type = {0};
    beamr_error err = {0};

    check(beamr_linker_define_host(linker, "host", name, &type, &host, &err), &err);
}

void guests_define(bench *b, beamr_linker *linker)
{
    for (char name[2] = "a"; name[0] < 'f'; name[0]++)
        define(b, linker, name, true, host_four);
}

static void open_main(bench *b, wasm_builder *w)
{
    beamr_linker *linker = NULL;
    beamr_instance *other = NULL;
    beamr_module *module;
    beamr_error err = {0};

    put_main(w);
    module = load(b, w);
    check(beamr_store_new(b->engine, NULL, &b->store, &err), &err);
    check(beamr_linker_new(b->store, &linker, &err), &err);
    check(beamr_instance_new(b->store, b->plain, NULL, 0, &other, &err), &err);
    check(beamr_linker_define_instance(linker, beamr_bytes_of("other"), other, &err), &err);
    define(b, linker, "empty", false, host_empty);
    define(b, linker, "four", true, host_four);
    define(b, linker, "nest", false, host_nest);
    define_host(linker, "later", (beamr_host){0});
    define_host(linker, "thread",
                (beamr_host){.callback = host_empty, .on_host_stack = true});
    check(beamr_linker_instantiate(linker, module, &b->instance, &err), &err);
    b->inner = beamr_instance_find_func(b->instance, "empty");
    beamr_linker_free(linker);
    beamr_module_unref(module);
}

void guests_open(bench *b, size_t code_size)
{
    wasm_builder w = {0};
    beamr_error err = {0};

    check(beamr_engine_new(NULL, &b->engine, &err), &err);
    put_small(&w, 0, false);
    b->plain = load(b, &w);
    put_small(&w, 5, false);
    b->imports = load(b, &w);
    put_small(&w, 0, true);
    b->memory64 = load(b, &w);
    open_main(b, &w);
    wasm_free(&w);
    b->code = generate_module(code_size, &b->code_len);
    if (!(b->copy = malloc(b->code_len)))
        check(BEAMR_NO_MEMORY, &err);
}

void guests_close(bench *b)
{
    free(b->code);
    free(b->copy);
    beamr_module_unref(b->plain);
    beamr_module_unref(b->imports);
    beamr_module_unref(b->memory64);
    beamr_store_free(b->store);
    beamr_engine_free(b->engine);
}
