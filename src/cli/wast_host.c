/* The module "spectest" that the suite's modules import from. Its functions print nothing.
 * Source: the suite's own description of its host environment. */
#include "cli/wast.h"

static const char module_name[] = "spectest";

static beamr_status print_nothing(const beamr_call *call, const beamr_value *args,
                                  beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    (void)err;
    return BEAMR_OK;
}

static beamr_status define(beamr_linker *linker, const char *name, beamr_extern item,
                           beamr_error *err)
{
    return beamr_linker_define(linker, beamr_bytes_of(module_name), beamr_bytes_of(name), item,
                               err);
}

static beamr_status define_functions(beamr_linker *linker, beamr_error *err)
{
    static const struct {
        const char *name;
        size_t param_count;
        beamr_kind params[2];
    } functions[] = {
        {"print", 0, {BEAMR_I32}},
        {"print_i32", 1, {BEAMR_I32}},
        {"print_i64", 1, {BEAMR_I64}},
        {"print_f32", 1, {BEAMR_F32}},
        {"print_f64", 1, {BEAMR_F64}},
        {"print_i32_f32", 2, {BEAMR_I32, BEAMR_F32}},
        {"print_f64_f64", 2, {BEAMR_F64, BEAMR_F64}},
    };

    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        beamr_valtype params[2] = {beamr_valtype_of(functions[i].params[0]),
                                   beamr_valtype_of(functions[i].params[1])};
        beamr_functype type = {.params = params, .param_count = functions[i].param_count};

        BEAMR_TRY(beamr_linker_define_func(linker, module_name, functions[i].name, &type,
                                           print_nothing, NULL, err));
    }
    return BEAMR_OK;
}

static beamr_status define_globals(beamr_linker *linker, beamr_store *store, beamr_error *err)
{
    const struct {
        const char *name;
        beamr_value value;
    } globals[] = {
        {"global_i32", beamr_i32(666)},
        {"global_i64", beamr_i64(666)},
        {"global_f32", beamr_f32(666.6f)},
        {"global_f64", beamr_f64(666.6)},
    };

    for (size_t i = 0; i < sizeof globals / sizeof globals[0]; i++) {
        beamr_extern item = {.kind = BEAMR_EXTERN_GLOBAL};

        BEAMR_TRY(beamr_global_new(store, beamr_valtype_of(globals[i].value.kind), false,
                                   &globals[i].value, &item.of.global, err));
        BEAMR_TRY(define(linker, globals[i].name, item, err));
    }
    return BEAMR_OK;
}

static beamr_status define_table(beamr_linker *linker, beamr_store *store, const char *name,
                                 bool is64, beamr_error *err)
{
    beamr_limits limits = {.min = 10, .max = 20, .is64 = is64};
    beamr_value null = {.kind = BEAMR_FUNCREF};
    beamr_extern item = {.kind = BEAMR_EXTERN_TABLE};

    BEAMR_TRY(beamr_table_new(store, &limits, beamr_valtype_of(BEAMR_FUNCREF), &null,
                              &item.of.table, err));
    return define(linker, name, item, err);
}

static beamr_status define_memory(beamr_linker *linker, beamr_store *store, beamr_error *err)
{
    beamr_limits limits = {.min = 1, .max = 2};
    beamr_extern item = {.kind = BEAMR_EXTERN_MEMORY};

    BEAMR_TRY(beamr_memory_new(store, &limits, &item.of.memory, err));
    return define(linker, "memory", item, err);
}

beamr_status wast_host_define(beamr_linker *linker, beamr_store *store, beamr_error *err)
{
    BEAMR_TRY(define_functions(linker, err));
    BEAMR_TRY(define_globals(linker, store, err));
    BEAMR_TRY(define_table(linker, store, "table", false, err));
    BEAMR_TRY(define_table(linker, store, "table64", true, err));
    return define_memory(linker, store, err);
}
