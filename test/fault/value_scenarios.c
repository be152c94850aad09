/* Calls with arguments that are copied, by the conventions of two languages and across a wait,
 * and JSON. The guests are a few instructions each. */
#include "scenario.h"

#define CODE(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

/* A function: of the guest, with its code, or imported, without. */
typedef struct function {
    const char *name, *params, *results;
    const uint8_t *code;
    size_t len;
} function;

enum { WAIT_ANSWER = 4 }; /* behind what the text begins with */

/* Objects as AssemblyScript has them: class and size before each. Global 0 is where the next
 * one goes; giving back begins anew. `f` returns its first argument. */
static const function script[] = {
    {"__new", "ii", "i",
     CODE(0x23, 0, 0x20, 1, 0x36, 2, 0, 0x23, 0, 0x20, 0, 0x36, 2, 4, 0x23, 0, 0x41, 8, 0x6a,
          0x23, 0, 0x20, 0, 0x6a, 0x41, 16, 0x6a, 0x24, 0)},
    {"__pin", "i", "i", CODE(0x20, 0)},
    {"__unpin", "i", "", CODE(0x41, 0x80, 8, 0x24, 0)},
    {"f", "ii", "i", CODE(0x20, 0)},
    {NULL, NULL, NULL, NULL, 0},
};

/* `f` puts pointer and length of what it was given where its result is to be. */
static const function bindgen[] = {
    {"__wbindgen_malloc", "ii", "i", CODE(0x23, 0)},
    {"__wbindgen_free", "iii", "", CODE(0x01)},
    {"__wbindgen_add_to_stack_pointer", "i", "i", CODE(0x41, 0x80, 4)},
    {"f", "iii", "", CODE(0x20, 0, 0x20, 1, 0x36, 2, 0, 0x20, 0, 0x20, 2, 0x36, 2, 4)},
    {NULL, NULL, NULL, NULL, 0},
};

/* `f` asks how far into the text its result begins. */
static const function waiting[] = {
    {"later", "", "i", NULL, 0},   {"malloc", "i", "i", CODE(0x23, 0)},
    {"free", "i", "", CODE(0x01)}, {"f", "i", "i", CODE(0x20, 0, 0x10, 0, 0x6a)},
    {NULL, NULL, NULL, NULL, 0},
};

/* ---- Building ---- */

static uint32_t count_of(const function *functions)
{
    uint32_t n = 0;

    while (functions[n].name)
        n++;
    return n;
}

static void build_spaces(wasm_builder *w, const function *functions, uint32_t imported)
{
    uint32_t count = count_of(functions);

    wasm_section(w, WASM_TYPE);
    wasm_u32(w, count);
    for (uint32_t i = 0; i < count; i++)
        wasm_functype(w, functions[i].params, functions[i].results);
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, imported);
    for (uint32_t i = 0; i < imported; i++) {
        wasm_import(w, "env", functions[i].name);
        WASM(w, 0);
        wasm_u32(w, i);
    }
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, count - imported);
    for (uint32_t i = imported; i < count; i++)
        wasm_u32(w, i);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 1, 0x41, 0x80, 8, 0x0b);
    wasm_end(w);
}

static void build(wasm_builder *w, const function *functions)
{
    uint32_t count = count_of(functions), imported = functions[0].code ? 0 : 1;

    wasm_begin(w);
    build_spaces(w, functions, imported);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, count - imported + 1);
    for (uint32_t i = imported; i < count; i++)
        wasm_export(w, functions[i].name, 0, i);
    wasm_export(w, "memory", 2, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, count - imported);
    for (uint32_t i = imported; i < count; i++) {
        wasm_sized(w);
        WASM(w, 0);
        wasm_bytes(w, functions[i].code, functions[i].len);
        WASM(w, 0x0b);
        wasm_end(w);
    }
    wasm_end(w);
}

static void build_script(wasm_builder *w)
{
    build(w, script);
}

static void build_bindgen(wasm_builder *w)
{
    build(w, bindgen);
}

static void build_waiting(wasm_builder *w)
{
    build(w, waiting);
}

static void open_guest(world *w)
{
    world_module(w);
    assert_int_equal(beamr_instance_new(w->store, w->module, NULL, 0, &w->instance, NULL),
                     BEAMR_OK);
}

static void open_waiting(world *w)
{
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32);
    beamr_functype type = {NULL, 0, &i32, 1};
    beamr_host host = {.callback = NULL};

    world_module(w);
    w->imports[0].kind = BEAMR_EXTERN_FUNC;
    assert_int_equal(beamr_func_make(w->store, &type, &host, &w->imports[0].of.func, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_instance_new(w->store, w->module, w->imports, 1, &w->instance, NULL),
                     BEAMR_OK);
}

/* ---- Calling ---- */

static beamr_status begin(world *w, const beamr_arg *args, size_t count, beamr_args_call **call,
                          beamr_error *err)
{
    beamr_func *f = beamr_instance_find_func(w->instance, "f");
    beamr_args_options options = {.can_wait = true, .reading = BEAMR_READ_TEXT};

    if (!f)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a function's record");
    return beamr_args_begin(w->instance, f, args, count, &options, call, err);
}

static void take_answer(beamr_args_call *call, answer *a)
{
    beamr_bytes text = beamr_args_text(call);

    answer_bytes(a, text.data, text.len);
    beamr_args_free(call);
}

static beamr_status run_script(world *w, answer *a, beamr_error *err)
{
    beamr_json items[] = {{.kind = BEAMR_JSON_TEXT, .text = beamr_bytes_of("a long text")},
                          {.kind = BEAMR_JSON_FLOAT, .number = 0.1}};
    beamr_json list = {.kind = BEAMR_JSON_LIST, .items = items, .count = 2};
    beamr_arg args[] = {{.kind = BEAMR_ARG_TREE, .tree = &list},
                        {.kind = BEAMR_ARG_HEX, .text = beamr_bytes_of("00ff")}};
    beamr_args_call *call;
    beamr_status st = begin(w, args, 2, &call, err);

    if (st == BEAMR_OK)
        take_answer(call, a);
    return st;
}

static beamr_status run_bindgen(world *w, answer *a, beamr_error *err)
{
    beamr_arg arg = {.kind = BEAMR_ARG_JSON, .text = beamr_bytes_of("{\"a\":1}")};
    beamr_args_call *call;
    beamr_status st = begin(w, &arg, 1, &call, err);

    if (st == BEAMR_OK)
        take_answer(call, a);
    return st;
}

static beamr_status run_waiting(world *w, answer *a, beamr_error *err)
{
    beamr_arg arg = {.kind = BEAMR_ARG_TEXT, .text = beamr_bytes_of("and then")};
    beamr_value number = beamr_i32(WAIT_ANSWER);
    beamr_answer given = {.results = &number, .result_count = 1};
    beamr_args_call *call;
    beamr_status st = begin(w, &arg, 1, &call, err);

    if (st != BEAMR_SUSPENDED)
        return st;
    if ((st = beamr_args_resume(call, &given, err)) == BEAMR_OK)
        take_answer(call, a);
    else
        beamr_args_free(call);
    return st;
}

/* ---- JSON ---- */

static beamr_status run_json(world *w, answer *a, beamr_error *err)
{
    beamr_json *json;
    char *text;
    size_t len;
    beamr_status st;

    if ((st = beamr_json_read(beamr_bytes_of(w->is->text), NULL, &json, err)) != BEAMR_OK)
        return st;
    if ((st = beamr_json_write(json, NULL, &text, &len, err)) == BEAMR_OK) {
        answer_bytes(a, text, len);
        free(text);
    }
    beamr_json_free(json);
    return st;
}

const scenario value_scenarios[] = {
    {"args_assemblyscript", .open = open_guest, .run = run_script, .build = build_script},
    {"args_bindgen", .open = open_guest, .run = run_bindgen, .build = build_bindgen},
    {"args_that_wait", .open = open_waiting, .run = run_waiting, .build = build_waiting},
    {"json", .run = run_json,
     .text = "{\"a\":[1,2.5,\"a text that is long enough\",{\"b\":null}],"
             "\"a name that is long enough\":[[[],{}]],\"c\":\"\\u00e9\"}"},
    {"json_refused", .run = run_json, .text = "{\"a\":1,\"b\":2,\"a\":3}"},
    {0},
};
