/* A function of the system's, performed for an embedder that answers the import itself. It is
 * found in the tables that guest_bind binds, and gets the same guest_call. */
#include <string.h>

#include "base/text.h"
#include "guest/emscripten.h"
#include "guest/env.h"
#include "guest/guest.h"
#include "guest/wasi.h"

static const guest_import *find_rows(beamr_bytes module, size_t *count)
{
    const guest_import *rows = guest_wasi_rows(module, count);

    if (!rows && module.len == 3 && memcmp(module.data, "env", 3) == 0) {
        rows = guest_env_rows;
        *count = guest_env_row_count;
    }
    return rows;
}

bool beamr_guest_performs(beamr_bytes module, beamr_bytes name)
{
    size_t count;
    const guest_import *rows = find_rows(module, &count);

    return rows && guest_import_find(rows, count, name);
}

/* The type that the module declares for a function of which several rows take as many
 * arguments.  NULL: it does not import it, or not among the first SEARCHED. */
static const guest_import *find_declared(const beamr_module *module, beamr_bytes from,
                                         beamr_bytes name, const guest_import *rows,
                                         size_t count)
{
    enum { SEARCHED = 4096 };
    size_t imports = beamr_module_import_count(module);

    for (size_t i = 0; i < imports && i < SEARCHED; i++) {
        beamr_import import = beamr_module_import(module, i);

        if (import.type.kind == BEAMR_EXTERN_FUNC && text_equal(import.module, from) &&
            text_equal(import.name, name))
            return guest_import_fit(rows, count, name, &import.type.func,
                                    guest_module_is64(module));
    }
    return NULL;
}

/* The row that is meant by a name and a number of arguments.  NULL: none. */
static const guest_import *find_row(const beamr_module *module, beamr_bytes from,
                                    beamr_bytes name, size_t arg_count)
{
    size_t count;
    const guest_import *rows = find_rows(from, &count);
    const guest_import *row = rows ? guest_import_find(rows, count, name) : NULL;
    const guest_import *found = NULL, *declared;
    const char *text = row ? row->name : NULL;

    for (; row && row < rows + count && strcmp(row->name, text) == 0; row++) {
        if ((size_t)(strchr(row->type, ':') - row->type) != arg_count)
            continue;
        if (found) {
            declared = find_declared(module, from, name, rows, count);
            return declared &&
                           (size_t)(strchr(declared->type, ':') - declared->type) == arg_count
                       ? declared
                       : found;
        }
        found = row;
    }
    return found;
}

int beamr_guest_signature(const beamr_instance *instance, beamr_bytes module, beamr_bytes name,
                          size_t arg_count, beamr_kind *params, beamr_kind *result)
{
    const beamr_module *of = beamr_instance_module(instance);
    const guest_import *row =
        arg_count <= BEAMR_PERFORM_PARAMS ? find_row(of, module, name, arg_count) : NULL;
    bool is64 = guest_module_is64(of);
    const char *results;

    if (!row)
        return -1;
    for (size_t i = 0; i < arg_count; i++)
        params[i] = guest_letter_kind(row->type[i], is64);
    results = row->type + arg_count + 1;
    if (*results)
        *result = guest_letter_kind(*results, is64);
    return *results != '\0';
}

/* Does a row take these arguments, and give so many results?
 *   results  gets zeros of their kinds */
static bool takes(const guest_import *row, bool is64, const beamr_value *args, size_t arg_count,
                  beamr_value *results, size_t result_count)
{
    const char *letter = row->type;
    size_t i = 0;

    for (; *letter != ':'; letter++, i++)
        if (i == arg_count || args[i].kind != guest_letter_kind(*letter, is64))
            return false;
    letter++;
    if (i != arg_count || strlen(letter) != result_count)
        return false;
    for (i = 0; i < result_count; i++)
        results[i] = (beamr_value){.kind = guest_letter_kind(letter[i], is64)};
    return true;
}

/* Of env's functions, what was linked for this instance; NULL for the others. */
static beamr_emscripten *find_door(beamr_wasi *wasi, const beamr_instance *instance)
{
    beamr_emscripten *e = guest_wasi_cxx(wasi)->doors;

    while (e && e->instance != instance)
        e = e->next;
    return e;
}

static beamr_status perform(beamr_wasi *wasi, beamr_instance *instance, guest_function function,
                            bool is_env, const beamr_value *args, beamr_value *results,
                            beamr_error *err)
{
    beamr_emscripten *door = is_env ? find_door(wasi, instance) : NULL;
    guest_call call = {
        .store = beamr_instance_store(instance),
        .caller = instance,
        .memory = beamr_instance_memory(instance, 0),
        .is64 = guest_module_is64(beamr_instance_module(instance)),
        .wasi = wasi,
        .door = door,
        .dialect = door     ? door->dialect
                   : is_env ? guest_env_dialect(beamr_instance_module(instance))
                            : 0,
    };

    return guest_call_function(&call, function, args, results, err);
}

beamr_status beamr_guest_perform(beamr_wasi *wasi, beamr_instance *instance, beamr_bytes module,
                                 beamr_bytes name, const beamr_value *args, size_t arg_count,
                                 beamr_value *results, size_t result_count, beamr_error *err)
{
    bool is64 = guest_module_is64(beamr_instance_module(instance));
    beamr_value given[1];
    size_t count;
    const guest_import *rows = find_rows(module, &count);
    const guest_import *first = rows ? guest_import_find(rows, count, name) : NULL, *row;
    beamr_status st;

    if (!first)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "the system has no function %.*s.%.*s",
                          (int)(module.len < 64 ? module.len : 64), (const char *)module.data,
                          (int)(name.len < 64 ? name.len : 64), (const char *)name.data);
    for (row = first; row < rows + count && strcmp(row->name, first->name) == 0; row++) {
        if (result_count > 1 || !takes(row, is64, args, arg_count, given, result_count))
            continue;
        if (err) {
            st = perform(wasi, instance, row->function, rows == guest_env_rows, args, given,
                         err);
        } else {
            beamr_error own = {0};

            st = perform(wasi, instance, row->function, rows == guest_env_rows, args, given,
                         &own);
        }
        if (st == BEAMR_OK && result_count)
            results[0] = given[0];
        return st;
    }
    return beamr_fail(err, BEAMR_ARGUMENT, 0,
                      "%s does not take %zu such arguments, or gives no %zu results: it is %s",
                      first->name, arg_count, result_count, first->type);
}
