/* Fuzz target: a guest whose allocator, results and memory are any bytes, called with arguments
 * that are copied and with its result read, by each convention. Whatever it does, the call ends
 * with a status that has a text, or with a result that lies in what the memory held. Input: a
 * byte that chooses the guest; a byte of what to read; 8 numbers of 4 bytes, which its
 * functions give one after the other; an action for each, in 4 bytes; the rest is put into
 * its memory.
 * Seeds: seeds/values/; in hexadecimal, with what they are for, in seeds/source/values/. */
#include "fuzz.h"

#include "../test/unit/wasm_builder.h"
#include "beamr/beamr.h"

enum { NUMBERS = 8, HEADER = 2 + NUMBERS * 4 + 4, FUNCS_MAX = 5, MAX_BYTES = 4096 };

typedef struct function {
    const char *name, *params, *results;
} function;

static const function guests[][FUNCS_MAX] = {
    {{"malloc", "i", "i"}, {"free", "i", ""}, {"f", "iii", "i"}},
    {{"malloc", "i", "i"}, {"f", "iiiiii", "ii"}},
    {{"cabi_realloc", "iiii", "i"}, {"f", "iii", "i"}},
    {{"__wbindgen_malloc", "ii", "i"},
     {"__wbindgen_free", "iii", ""},
     {"__wbindgen_add_to_stack_pointer", "i", "i"},
     {"f", "iiiiiii", ""}},
    {{"__wbindgen_malloc", "i", "i"}, {"__wbindgen_free", "ii", ""}, {"f", "iiiiii", "iiii"}},
    {{"__new", "ii", "i"}, {"__pin", "i", "i"}, {"__unpin", "i", ""}, {"f", "iii", "i"}},
};

enum { GUESTS = sizeof guests / sizeof guests[0] };

/* What is left of the input's numbers and actions. */
typedef struct tape {
    const uint8_t *numbers;
    uint32_t actions; /* two bits each */
    size_t at;
} tape;

static tape playing;
static beamr_engine *engine;

static size_t count_of(const function *guest)
{
    size_t n = 0;

    while (n < FUNCS_MAX && guest[n].name)
        n++;
    return n;
}

static uint32_t word_at(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* All functions of all guests. */
static beamr_status play(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    const function *is = call->user;
    unsigned action = playing.actions >> 2 * (playing.at % 16) & 3;

    (void)args;
    for (size_t i = 0; i < strlen(is->results); i++)
        results[i] = beamr_i32((int32_t)word_at(playing.numbers + playing.at++ % NUMBERS * 4));
    playing.at += strlen(is->results) == 0;
    if (action == 1)
        return beamr_fail_trap(err, BEAMR_TRAP_UNREACHABLE, NULL);
    if (action == 2)
        (void)beamr_memory_grow(beamr_instance_find_memory(call->caller, "memory"), 1, NULL,
                                NULL);
    if (action == 3)
        beamr_store_interrupt(call->store);
    return BEAMR_OK;
}

/* Each function calls the import that plays it, so that the caller is known. */
static void build(wasm_builder *w, const function *guest)
{
    uint32_t count = (uint32_t)count_of(guest);

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, count);
    for (uint32_t i = 0; i < count; i++)
        wasm_functype(w, guest[i].params, guest[i].results);
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, count);
    for (uint32_t i = 0; i < count; i++) {
        wasm_import(w, "env", guest[i].name);
        WASM(w, 0);
        wasm_u32(w, i);
    }
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, count);
    for (uint32_t i = 0; i < count; i++)
        wasm_u32(w, i);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 1, 1, 8);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 0, 0x41, 16, 0x0b);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, count + 2);
    for (uint32_t i = 0; i < count; i++)
        wasm_export(w, guest[i].name, 0, count + i);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "__rtti_base", 3, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, count);
    for (uint8_t i = 0; i < count; i++) {
        wasm_sized(w);
        WASM(w, 0);
        for (uint8_t p = 0; p < strlen(guest[i].params); p++)
            WASM(w, 0x20, p);
        WASM(w, 0x10, i, 0x0b);
        wasm_end(w);
    }
    wasm_end(w);
}

static beamr_module *module_of(size_t guest)
{
    static beamr_module *modules[GUESTS];
    wasm_builder w = {.len = 0};

    if (!modules[guest]) {
        build(&w, guests[guest]);
        FUZZ_CHECK(beamr_module_load(engine, wasm_bytes_of(&w), &modules[guest], NULL) ==
                   BEAMR_OK);
        wasm_free(&w);
    }
    return modules[guest];
}

static beamr_instance *instantiate(beamr_store *store, size_t guest)
{
    beamr_valtype i32[8];
    beamr_linker *linker;
    beamr_instance *instance;

    for (size_t i = 0; i < 8; i++)
        i32[i] = beamr_valtype_of(BEAMR_I32);
    FUZZ_CHECK(beamr_linker_new(store, &linker, NULL) == BEAMR_OK);
    for (size_t i = 0; i < count_of(guests[guest]); i++) {
        const function *is = &guests[guest][i];
        beamr_functype type = {i32, strlen(is->params), i32, strlen(is->results)};

        FUZZ_CHECK(beamr_linker_define_func(linker, "env", is->name, &type, play,
                                            (void *)(uintptr_t)is, NULL) == BEAMR_OK);
    }
    FUZZ_CHECK(beamr_linker_instantiate(linker, module_of(guest), &instance, NULL) == BEAMR_OK);
    beamr_linker_free(linker);
    return instance;
}

static void call(beamr_instance *instance, beamr_reading reading)
{
    beamr_json json = {.kind = BEAMR_JSON_TEXT, .text = beamr_bytes_of("x")};
    beamr_arg args[] = {{.kind = BEAMR_ARG_TEXT, .text = beamr_bytes_of("caf\xc3\xa9")},
                        {.kind = BEAMR_ARG_BYTES, .text = {(const uint8_t *)"\0\xff", 2}},
                        {.kind = BEAMR_ARG_TREE, .tree = &json}};
    beamr_args_options options = {.reading = reading, .max_bytes = MAX_BYTES};
    beamr_args_call *made = NULL;
    beamr_error err = {0};
    beamr_status st = beamr_args_begin(instance, beamr_instance_find_func(instance, "f"), args,
                                       3, &options, &made, &err);
    beamr_bytes text;
    size_t sum = 0;

    FUZZ_CHECK((st == BEAMR_OK) == (made != NULL));
    if (st != BEAMR_OK) {
        FUZZ_CHECK(err.status == st && err.text[0]);
        FUZZ_CHECK(st == BEAMR_ARGUMENT || st == BEAMR_TRAP || st == BEAMR_LIMIT ||
                   st == BEAMR_NOT_FOUND);
        return;
    }
    text = beamr_args_text(made);
    FUZZ_CHECK(text.len <= MAX_BYTES && (text.data || text.len == 0));
    for (size_t i = 0; i < text.len; i++)
        sum += text.data[i];
    FUZZ_CHECK(sum <= MAX_BYTES * 255u);
    beamr_args_free(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamr_store *store;
    beamr_instance *instance;
    beamr_memory *memory;

    if (size < HEADER)
        return 0;
    if (!engine)
        FUZZ_CHECK(beamr_engine_new(NULL, &engine, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_store_new(engine, NULL, &store, NULL) == BEAMR_OK);
    playing = (tape){data + 2, word_at(data + HEADER - 4), 0};
    instance = instantiate(store, data[0] % GUESTS);
    memory = beamr_instance_find_memory(instance, "memory");
    size = size - HEADER < 65536 ? size - HEADER : 65536;
    memcpy(beamr_memory_data(memory), data + HEADER, size);
    call(instance, (beamr_reading)(data[1] % 3));
    beamr_store_free(store);
    return 0;
}
