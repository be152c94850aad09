/* Engines and modules: making an engine, loading sound and unsound modules, looking at them,
 * and sharing them between stores. */
#include "scenario.h"

#include "../../fuzz/snapshot_guest.h"

/* ---- Looking at a module ---- */

static void describe_type(answer *a, const beamr_externtype *type)
{
    char text[200];

    answer_text(a, beamr_externtype_text(type, text, sizeof text));
}

static void describe_parts(answer *a, const beamr_module *m)
{
    for (size_t i = 0; i < beamr_module_memory_count(m); i++)
        answer_number(a, beamr_module_memory(m, i).min);
    for (size_t i = 0; i < beamr_module_func_count(m); i++) {
        beamr_bytes name = beamr_module_func_name(m, i);

        answer_bytes(a, name.data, name.len);
    }
    for (size_t i = 0; beamr_feature_name(i); i++)
        answer_number(a, beamr_module_uses_feature(m, i));
    for (size_t i = 0; i < beamr_module_section_count(m); i++) {
        beamr_section section = beamr_module_section(m, i);

        answer_text(a, section.kind);
        answer_number(a, section.offset + section.size);
    }
}

/* All that beamr/module.h can say of a module. */
static beamr_status describe(answer *a, const beamr_module *m, beamr_error *err)
{
    uint8_t id[BEAMR_MODULE_ID_SIZE];
    beamr_status st = beamr_module_id(m, id, err);

    if (st == BEAMR_OK)
        answer_bytes(a, id, sizeof id);
    for (size_t i = 0; i < beamr_module_import_count(m); i++) {
        beamr_import import = beamr_module_import(m, i);

        answer_bytes(a, import.name.data, import.name.len);
        describe_type(a, &import.type);
    }
    for (size_t i = 0; i < beamr_module_export_count(m); i++) {
        beamr_export export = beamr_module_export(m, i), found;

        answer_bytes(a, export.name.data, export.name.len);
        answer_number(a, beamr_module_find_export(m, export.name, &found));
        describe_type(a, &export.type);
    }
    describe_parts(a, m);
    return st;
}

/* ---- Engines ---- */

static beamr_status run_engine(world *w, answer *a, beamr_error *err)
{
    beamr_config config = {.features = "-simd,+simd,-all,all", .metering = true};
    beamr_engine *engine = NULL;
    beamr_status st = beamr_engine_new(&config, &engine, err);

    (void)w;
    answer_number(a, engine != NULL);
    beamr_engine_free(engine);
    return st;
}

static beamr_status run_refused_engine(world *w, answer *a, beamr_error *err)
{
    beamr_config config = {.features = "all,gc"};
    beamr_engine *engine = NULL;

    (void)w;
    (void)a;
    return beamr_engine_new(&config, &engine, err);
}

/* ---- Loading ---- */

static void open_bytes(world *w)
{
    world_engine(w);
    w->is->build(&w->wasm);
}

/* A file: one of the seeds of the fuzz targets, or the example guest. */
static void open_file(world *w)
{
    wasm_file(&w->wasm, w->is->text);
    world_engine(w);
}

static beamr_status run_load(world *w, answer *a, beamr_error *err)
{
    beamr_module *m = NULL;
    beamr_status st = beamr_module_load(w->engine, wasm_bytes_of(&w->wasm), &m, err);

    if (st == BEAMR_OK)
        st = describe(a, m, err);
    beamr_module_unref(m);
    return st;
}

static void build_snapshot_guest(wasm_builder *w)
{
    wasm_bytes(w, snapshot_guest_wasm, sizeof snapshot_guest_wasm);
}

static void build_cut(wasm_builder *w)
{
    guest_build(w);
    w->len = w->len * 9 / 10;
}

/* Sound but for the last function, which leaves an i64 for an i32. */
static void build_invalid(wasm_builder *w)
{
    static const uint8_t last[] = {0, 0x20, 0, 0x41, 39, 0x6a, 0x0b}, bad[] = {0, 0x42, 0};

    guest_build(w);
    for (size_t i = w->len; i-- > 0;)
        if (w->len - i >= sizeof last && memcmp(w->data + i, last, sizeof last) == 0) {
            memcpy(w->data + i, bad, sizeof bad);
            memset(w->data + i + sizeof bad, 0x01, 3); /* nop, up to the end */
            return;
        }
    fail();
}

/* Two exports of one name. */
static void build_double_export(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0x00, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 2);
    wasm_export(w, "m", 2, 0);
    wasm_export(w, "m", 2, 0);
    wasm_end(w);
}

/* Many types, some of which refer to each other: for the registry. */
static void build_types(wasm_builder *w)
{
    enum { TYPES = 150 };
    char params[20] = "";

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, TYPES + 1);
    for (unsigned i = 0; i < TYPES; i++) {
        for (unsigned bit = 0; bit < 8; bit++)
            params[bit] = i >> bit & 1 ? 'i' : 'l';
        wasm_functype(w, params, "i");
    }
    WASM(w, 0x4e, 2, 0x60, 1, 0x63); /* rec: a function of the other, and back */
    wasm_u32(w, TYPES + 1);
    WASM(w, 0, 0x60, 0, 1, 0x63);
    wasm_u32(w, TYPES);
    wasm_end(w);
}

/* ---- Sharing ---- */

/* Instances of one module in two stores, both called. */
static beamr_status run_sharing(world *w, answer *a, beamr_error *err)
{
    beamr_extern imports[2][GUEST_IMPORTS];
    beamr_store *stores[2] = {NULL, NULL};
    beamr_status st = BEAMR_OK;

    for (int i = 0; i < 2 && st == BEAMR_OK; i++) {
        beamr_module *held = beamr_module_ref(w->module);

        if ((st = beamr_store_new(w->engine, NULL, &stores[i], err)) == BEAMR_OK &&
            (st = guest_imports(stores[i], imports[i], err)) == BEAMR_OK &&
            (st = beamr_instance_new(stores[i], held, imports[i], GUEST_IMPORTS, &w->instance,
                                     err)) == BEAMR_OK)
            st = world_call(w, "catch", i, a, err);
        beamr_module_unref(held);
    }
    beamr_store_free(stores[0]);
    beamr_store_free(stores[1]);
    return st;
}

/* A second module with the types of one that is loaded: they are shared. */
static beamr_status run_second_module(world *w, answer *a, beamr_error *err)
{
    return run_load(w, a, err);
}

/* clang-format off */
#define SEED(name)                                                                             \
    {"load_seed_" name, .open = open_file, .run = run_load,                                    \
     .text = FAULT_SEEDS "/" name ".wasm"}
/* clang-format on */

const scenario load_scenarios[] = {
    {"engine", .run = run_engine, .without = FAULT_RANDOM},
    {"engine_with_a_refused_feature", .run = run_refused_engine},
    {"load", .open = open_bytes, .run = run_load, .build = guest_build},
    {"load_snapshot_guest", .open = open_bytes, .run = run_load, .build = build_snapshot_guest},
    /* Without a larger table the registry's chains of types are longer. */
    {"load_many_types", .open = open_bytes, .run = run_load, .build = build_types,
     .without = FAULT_CALLOC},
    {"load_calculator", .open = open_file, .run = run_load, .text = FAULT_CALCULATOR},
    {"load_malformed", .open = open_bytes, .run = run_load, .build = build_cut},
    {"load_invalid", .open = open_bytes, .run = run_load, .build = build_invalid},
    {"load_double_export", .open = open_bytes, .run = run_load, .build = build_double_export},
    SEED("control"),
    SEED("imports"),
    SEED("legacy_exceptions"),
    SEED("memory"),
    SEED("new_exceptions"),
    SEED("numbers"),
    SEED("simd"),
    SEED("table"),
    SEED("tail"),
    SEED("typed_references"),
    {"sharing", .open = world_module, .run = run_sharing,
     .without = FAULT_MMAP | FAULT_MADVISE},
    {"second_module", .open = world_module, .run = run_second_module},
    {0},
};
