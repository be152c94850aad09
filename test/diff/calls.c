/* Writes down what random modules do when they are called, so that another engine can be asked
 * for its opinion: FOLDER/<seed>.wasm, and <seed>.txt with a line for each call and what came
 * of it. third.mjs does the same with a JavaScript engine, and compares.
 *
 * usage: diff_calls [--seed N] [--count N] [--tier native|interpret] FOLDER
 *
 * Only what the standard says is compared: modules are in a style without vectors between
 * functions, without NaNs whose bits it leaves open, and without relaxed vectors; and a
 * module's calls end at the first that exhausts stack or fuel.
 *
 * | line                           | meaning                                         |
 * |--------------------------------|-------------------------------------------------|
 * | instance OUTCOME               | of making the instance; `ok`, or as below       |
 * | call NAME VALUE... = VALUE...  | arguments and results: kind:bits, or null, ref  |
 * | call NAME VALUE... ! OUTCOME   | `exception`, or `trap` and its class            |
 * | stop                           | the rest cannot be compared                     |
 * | global NAME VALUE              | at the end                                      |
 * | memory NAME BYTES HASH         | at the end                                      |
 * | table NAME ELEMENTS NULLS      | at the end                                      | */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "beamr/beamr.h"
#include "beamr/native.h"
#include "fuzz.h"
#include "tape.h"

#define IMPORTS_MAX 64u
#define VALUES_MAX 16u

static const generate_style style = {
    .one_encoding = true, .plain_types = true, .plain_nans = true, .no_relaxed = true};
static const char things[1] = "x"; /* the one external reference */

static uint8_t room[GENERATE_ROOM];
static FILE *out;

/* ---- Values ---- */

/* The arguments of a call, from where they stand: the same in third.mjs as it reads them. */
static beamr_value any_value(beamr_valtype type, uint64_t seed)
{
    static const int64_t ints[] = {0,         1,         -1,  2,    7,  100,
                                   INT32_MAX, INT32_MIN, 63,  64,   -8, 65536,
                                   INT64_MAX, INT64_MIN, 255, 40000};
    static const double floats[] = {0.0, -0.0, 1.0, -1.5, 1e9, -3e9, 0.25, 1e30};
    beamr_value v = {.kind = beamr_valtype_kind(type)};

    seed = (seed + 1) * 0x9e3779b97f4a7c15u >> 40;
    switch (v.kind) {
    case BEAMR_I32:
        v.of.i32 = (int32_t)(uint32_t)(uint64_t)ints[seed % 16];
        break;
    case BEAMR_I64:
        v.of.i64 = ints[seed % 16];
        break;
    case BEAMR_F32:
        v.of.f32 = (float)floats[seed % 8];
        break;
    case BEAMR_F64:
        v.of.f64 = floats[seed % 8];
        break;
    case BEAMR_EXTERNREF:
        v.of.external = seed % 2 ? (void *)(uintptr_t)things : NULL;
        break;
    default: /* null, or zeros */
        break;
    }
    return v;
}

static void write_value(const beamr_value *v)
{
    uint32_t word;
    uint64_t bits;

    switch (v->kind) {
    case BEAMR_I32:
        (void)fprintf(out, " i32:%" PRId32, v->of.i32);
        break;
    case BEAMR_I64:
        (void)fprintf(out, " i64:%" PRId64, v->of.i64);
        break;
    case BEAMR_F32:
        memcpy(&word, &v->of, 4);
        if (v->of.f32 != v->of.f32)
            (void)fprintf(out, " f32:nan");
        else
            (void)fprintf(out, " f32:%" PRIu32, word);
        break;
    case BEAMR_F64:
        memcpy(&bits, &v->of, 8);
        if (v->of.f64 != v->of.f64)
            (void)fprintf(out, " f64:nan");
        else
            (void)fprintf(out, " f64:%" PRIu64, bits);
        break;
    default:
        (void)fprintf(out, v->of.external ? " ref" : " null");
        break;
    }
}

static beamr_status host(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    const beamr_functype *type = call->user;

    (void)args;
    (void)err;
    for (size_t i = 0; i < type->result_count; i++)
        results[i] = any_value(type->results[i], i);
    return BEAMR_OK;
}

/* ---- Running ---- */

/* Classes that engines agree on. */
static const char *trap_class(beamr_trap trap)
{
    switch (trap) {
    case BEAMR_TRAP_UNREACHABLE:
        return "unreachable";
    case BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS:
        return "memory";
    case BEAMR_TRAP_TABLE_OUT_OF_BOUNDS:
    case BEAMR_TRAP_UNDEFINED_ELEMENT:
        return "table";
    case BEAMR_TRAP_UNINITIALIZED_ELEMENT:
    case BEAMR_TRAP_INDIRECT_CALL_MISMATCH:
        return "signature";
    case BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO:
        return "zero";
    case BEAMR_TRAP_INTEGER_OVERFLOW:
    case BEAMR_TRAP_INVALID_CONVERSION:
        return "range";
    case BEAMR_TRAP_NULL_REFERENCE:
    case BEAMR_TRAP_NULL_FUNCTION:
    case BEAMR_TRAP_NULL_EXCEPTION:
        return "null";
    default:
        return NULL;
    }
}

/* Returns false if nothing can be compared any more. */
static bool write_failure(beamr_status st, const beamr_error *err)
{
    const char *class = st == BEAMR_TRAP ? trap_class(err->trap) : NULL;

    if (st == BEAMR_EXCEPTION)
        (void)fprintf(out, " exception\n");
    else if (class)
        (void)fprintf(out, " trap %s\n", class);
    else
        (void)fprintf(out, " %s\nstop\n", err->text);
    return st == BEAMR_EXCEPTION || class;
}

static bool call(beamr_store *store, const beamr_export *export, beamr_func *func,
                 uint64_t number)
{
    beamr_functype type = beamr_func_type(func);
    beamr_value args[VALUES_MAX], results[VALUES_MAX];
    beamr_error err = {0};
    beamr_status st;

    (void)fprintf(out, "call %.*s", (int)export->name.len, (const char *)export->name.data);
    for (size_t i = 0; i < type.param_count; i++) {
        args[i] = any_value(type.params[i], number * 16 + i);
        write_value(&args[i]);
    }
    beamr_store_set_fuel(store, 300000);
    st = beamr_func_call(func, args, type.param_count, results, type.result_count, &err);
    if (st != BEAMR_OK) {
        (void)fprintf(out, " !");
        return write_failure(st, &err);
    }
    (void)fprintf(out, " =");
    for (size_t i = 0; i < type.result_count; i++)
        write_value(&results[i]);
    (void)fprintf(out, "\n");
    return true;
}

static uint32_t hash_bytes(const uint8_t *data, uint64_t size)
{
    uint32_t h = 1, word;

    for (uint64_t i = 0; i + 4 <= size; i += 4) {
        memcpy(&word, data + i, 4);
        h = (h ^ word) * 0x01000193u;
        h ^= h >> 15;
    }
    return h;
}

static void write_memory(const beamr_memory *memory)
{
    uint64_t size = beamr_memory_size(memory);

    /* Larger ones take the other side too long. */
    (void)fprintf(out, "%" PRIu64 " %" PRIu32, size,
                  size > 1u << 26 ? 0 : hash_bytes(beamr_memory_data(memory), size));
}

static void write_table(const beamr_table *table)
{
    uint64_t size = beamr_table_size(table), nulls = 0;
    beamr_value v = {0};

    for (uint64_t i = 0; i < size && i < 1000; i++)
        nulls += beamr_table_get(table, i, &v, NULL) == BEAMR_OK && !v.of.external;
    (void)fprintf(out, "%" PRIu64 " %" PRIu64, size, nulls);
}

static void write_end(const beamr_module *module, const beamr_instance *instance)
{
    for (size_t i = 0; i < beamr_module_export_count(module); i++) {
        beamr_export export = beamr_module_export(module, i);
        beamr_extern e = beamr_instance_export(instance, i);
        beamr_value v;

        if (e.kind != BEAMR_EXTERN_GLOBAL && e.kind != BEAMR_EXTERN_MEMORY &&
            e.kind != BEAMR_EXTERN_TABLE)
            continue;
        (void)fprintf(out, "%s %.*s ", beamr_extern_kind_text(e.kind), (int)export.name.len,
                      (const char *)export.name.data);
        if (e.kind == BEAMR_EXTERN_GLOBAL) {
            v = beamr_global_get(e.of.global);
            write_value(&v);
        } else if (e.kind == BEAMR_EXTERN_MEMORY) {
            write_memory(e.of.memory);
        } else {
            write_table(e.of.table);
        }
        (void)fprintf(out, "\n");
    }
}

static void run(beamr_store *store, beamr_module *module, const beamr_extern *imports)
{
    beamr_instance *instance;
    beamr_error err = {0};
    bool goes_on = true;

    (void)fprintf(out, "instance");
    if (beamr_instance_new(store, module, imports, beamr_module_import_count(module), &instance,
                           &err) != BEAMR_OK) {
        (void)write_failure(err.status, &err);
        return;
    }
    (void)fprintf(out, " ok\n");
    for (size_t i = 0; i < beamr_module_export_count(module) && goes_on; i++) {
        beamr_export export = beamr_module_export(module, i);

        if (export.type.kind == BEAMR_EXTERN_FUNC)
            goes_on = call(store, &export, beamr_instance_export(instance, i).of.func, i);
    }
    if (goes_on)
        write_end(module, instance);
}

static beamr_extern import_make(beamr_store *store, const beamr_externtype *type, size_t number,
                                beamr_functype *functype)
{
    beamr_extern e = {.kind = type->kind};
    beamr_error err = {0};
    beamr_value v;

    if (type->kind == BEAMR_EXTERN_FUNC) {
        *functype = type->func;
        (void)beamr_func_new(store, &type->func, host, functype, NULL, &e.of.func, &err);
    } else if (type->kind == BEAMR_EXTERN_TABLE) {
        (void)beamr_table_new(store, &type->limits, type->value, NULL, &e.of.table, &err);
    } else if (type->kind == BEAMR_EXTERN_MEMORY) {
        (void)beamr_memory_new(store, &type->limits, &e.of.memory, &err);
    } else if (type->kind == BEAMR_EXTERN_GLOBAL) {
        v = any_value(type->value, number);
        (void)beamr_global_new(store, type->value, type->is_mutable, &v, &e.of.global, &err);
    } else {
        (void)beamr_tag_new(store, &type->func, &e.of.tag, &err);
    }
    FUZZ_CHECK(err.status == BEAMR_OK);
    return e;
}

static void one(beamr_bytes wasm, bool native)
{
    static beamr_functype types[IMPORTS_MAX];
    beamr_extern imports[IMPORTS_MAX];
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_engine *engine = NULL;
    beamr_module *module = NULL;
    beamr_store *store = NULL;

    config.tier = BEAMR_TIER_INTERPRET; /* until it is compiled */
    config.metering = true;
    limits.max_stack_units = 40000; /* less than the other engine has */
    FUZZ_CHECK(beamr_engine_new(&config, &engine, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_module_load(engine, wasm, &module, NULL) == BEAMR_OK);
    if (native)
        FUZZ_CHECK(beamr_module_compile(module, NULL, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_store_new(engine, &limits, &store, NULL) == BEAMR_OK);
    beamr_store_set_fuel(store, 300000);
    for (size_t i = 0; i < beamr_module_import_count(module); i++) {
        beamr_import import = beamr_module_import(module, i);

        imports[i] = import_make(store, &import.type, i, &types[i]);
    }
    run(store, module, imports);
    beamr_store_free(store);
    beamr_module_unref(module);
    beamr_engine_free(engine);
}

static void seed_write(const char *folder, uint64_t seed, bool native)
{
    static diff_tape tape;
    char path[512];
    size_t len;
    FILE *f;

    tape_fill(seed, &tape);
    len = generate_styled(tape.bytes, tape.len, &style, room);
    (void)snprintf(path, sizeof path, "%s/%" PRIu64 ".wasm", folder, seed);
    f = fopen(path, "wb");
    FUZZ_CHECK(f && fwrite(room, 1, len, f) == len && fclose(f) == 0);
    (void)snprintf(path, sizeof path, "%s/%" PRIu64 ".txt", folder, seed);
    out = fopen(path, "w");
    FUZZ_CHECK(out);
    one((beamr_bytes){room, len}, native);
    FUZZ_CHECK(fclose(out) == 0);
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, count = 100;
    bool native = true;
    int i = 1;

    for (; i + 1 < argc && argv[i][0] == '-'; i += 2)
        if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--count") == 0)
            count = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--tier") == 0)
            native = strcmp(argv[i + 1], "native") == 0;
        else
            break;
    if (i + 1 != argc) {
        (void)fprintf(stderr, "usage: diff_calls [--seed N] [--count N] "
                              "[--tier native|interpret] FOLDER\n");
        return 2;
    }
    (void)mkdir(argv[i], 0777);
    for (uint64_t k = 0; k < count; k++)
        seed_write(argv[i], seed + k, native);
    return 0;
}
