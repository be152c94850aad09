/* Starting a program that has a `main` and no `_start`: run.h.
 * Emscripten leaves it to its loader to put the words of the command line into the guest's
 * memory, on its stack, and to call `main` with them; here that is done in its place. */
#include <stdlib.h>

#include "cli/run.h"

/* Whether a function takes and gives what the letters say: i for i32, l for i64. */
static bool type_is(const beamr_functype *type, const char *params, const char *results)
{
    if (type->param_count != strlen(params) || type->result_count != strlen(results))
        return false;
    for (size_t i = 0; i < type->param_count; i++) {
        if (beamr_valtype_kind(type->params[i]) != (params[i] == 'i' ? BEAMR_I32 : BEAMR_I64))
            return false;
    }
    for (size_t i = 0; i < type->result_count; i++) {
        if (beamr_valtype_kind(type->results[i]) != (results[i] == 'i' ? BEAMR_I32 : BEAMR_I64))
            return false;
    }
    return true;
}

static bool is_main(const beamr_functype *type)
{
    static const char *const params[] = {"", "ii", "il"};

    for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
        if (type_is(type, params[i], "i") || type_is(type, params[i], ""))
            return true;
    }
    return false;
}

const char *run_main_name(const beamr_module *module)
{
    static const char *const names[] = {"main", "__main_argc_argv"};
    beamr_export e;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (beamr_module_find_export(module, beamr_bytes_of(names[i]), &e) &&
            e.type.kind == BEAMR_EXTERN_FUNC && is_main(&e.type.func))
            return names[i];
    }
    return NULL;
}

/* A number of the guest's pointer width. */
static beamr_value pointer_of(bool is64, uint64_t p)
{
    return is64 ? beamr_i64((int64_t)p) : beamr_i32((int32_t)(uint32_t)p);
}

/* Take memory of the guest's: of its stack, or else by malloc. */
static beamr_status guest_alloc(const run *r, bool is64, uint64_t size, uint64_t *out,
                                beamr_error *err)
{
    static const char *const names[] = {"stackAlloc", "_emscripten_stack_alloc", "malloc"};
    beamr_value arg = pointer_of(is64, size), result;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        beamr_func *func = beamr_instance_find_func(r->instance, names[i]);
        beamr_functype type;
        beamr_status st;

        if (!func)
            continue;
        type = beamr_func_type(func);
        if (!type_is(&type, is64 ? "l" : "i", is64 ? "l" : "i"))
            continue;
        if ((st = beamr_func_call(func, &arg, 1, &result, 1, err)) != BEAMR_OK)
            return st;
        *out = is64 ? (uint64_t)result.of.i64 : (uint32_t)result.of.i32;
        return BEAMR_OK;
    }
    return beamr_fail(
        err, BEAMR_ARGUMENT, 0,
        "it takes arguments, and the module exports neither stackAlloc nor malloc");
}

/* Put the words into the guest's memory, as C's main expects them: pointers, a null, and behind
 * them the words.
 *   out  address of the pointers */
static beamr_status put_words(const run *r, bool is64, char *const *words, size_t count,
                              uint64_t *out, beamr_error *err)
{
    beamr_memory *memory = beamr_instance_memory(r->instance, 0);
    size_t word = is64 ? 8 : 4;
    uint64_t size = (count + 1) * word, table = 0, text;
    beamr_status st;

    if (!memory)
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "it takes arguments, and the module has no memory");
    for (size_t i = 0; i < count; i++)
        size += strlen(words[i]) + 1;
    if ((st = guest_alloc(r, is64, size, &table, err)) != BEAMR_OK)
        return st;
    text = table + (count + 1) * word;
    for (size_t i = 0; st == BEAMR_OK && i < count; i++) {
        size_t len = strlen(words[i]) + 1;

        st = beamr_memory_write(memory, table + i * word, &text, word, err);
        if (st == BEAMR_OK)
            st = beamr_memory_write(memory, text, words[i], len, err);
        text += len;
    }
    text = 0;
    if (st == BEAMR_OK)
        st = beamr_memory_write(memory, table + count * word, &text, word, err);
    *out = table;
    return st;
}

/* Write what the guest's C library still holds back. */
static beamr_status flush_guest(const run *r, beamr_error *err)
{
    beamr_func *func = beamr_instance_find_func(r->instance, "fflush");
    beamr_functype type;
    beamr_value all, result;

    if (!func)
        return BEAMR_OK;
    type = beamr_func_type(func);
    if (!type_is(&type, "i", "i") && !type_is(&type, "l", "i"))
        return BEAMR_OK;
    all = pointer_of(type_is(&type, "l", "i"), 0);
    return beamr_func_call(func, &all, 1, &result, 1, err);
}

/* The words of the command line for main.  Returns new memory, or NULL. */
static char **main_words(const run_options *o)
{
    char **words = calloc(o->arg_count + 1, sizeof *words);

    if (!words)
        return NULL;
    words[0] = (char *)cli_basename(o->file);
    if (o->arg_count)
        memcpy(words + 1, o->args, o->arg_count * sizeof *words);
    return words;
}

int run_main(run *r)
{
    const char *name = run_main_name(r->module);
    beamr_func *func = beamr_instance_find_func(r->instance, name);
    beamr_functype type = beamr_func_type(func);
    size_t count = r->options->arg_count + 1;
    char **words = main_words(r->options);
    bool is64 = type_is(&type, "il", "i") || type_is(&type, "il", "");
    beamr_value args[2], result = beamr_i32(0);
    uint64_t table = 0;
    beamr_error err = {0};
    beamr_status st = BEAMR_OK;

    if (!words)
        st = beamr_fail(&err, BEAMR_NO_MEMORY, 0, "no memory for the arguments");
    else if (type.param_count)
        st = put_words(r, is64, words, count, &table, &err);
    free(words);
    args[0] = beamr_i32((int32_t)count);
    args[1] = pointer_of(is64, table);
    if (st == BEAMR_OK)
        st = beamr_func_call(func, args, type.param_count, &result, type.result_count, &err);
    if (st == BEAMR_OK)
        st = flush_guest(r, &err);
    if (st != BEAMR_OK)
        return run_guest_failed(r, name, &err);
    return result.of.i32 & RUN_CODE_MASK;
}
