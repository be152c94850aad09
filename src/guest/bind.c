/* Binding a module's imports to rows of functions. What the functions do is in wasi_*.c,
 * env_*.c, cxx.c and throw.c; imports that nothing provides are stub.c's. */
#include "guest/bind.h"
#include "guest/system.h"

#include <stdio.h>
#include <stdlib.h>

enum { TYPE_TEXT_SIZE = 200 };

/* All that was bound at once: one block, counted by the functions in it. */
typedef struct bound_block bound_block;

typedef struct bound {
    bound_block *block;
    guest_function function;
} bound;

struct bound_block {
    size_t refs; /* functions, and the binding while it goes on */
    bool is64;
    guest_door door;
    bound functions[];
};

static void block_unref(bound_block *block)
{
    if (--block->refs > 0)
        return;
    if (block->door.door_unref)
        block->door.door_unref(block->door.door);
    beamr_wasi_unref(block->door.wasi);
    free(block);
}

static void bound_finalize(void *user)
{
    bound *b = user;

    block_unref(b->block);
}

/* Charge a call for resolving paths, where that was more than a little: a link can lead along
 * thousands of components.  Errors: BEAMR_TRAP. */
static beamr_status charge_walk(const guest_call *call, beamr_error *err)
{
    enum { FREE = 1024, BYTES_OF_ONE = 256 }; /* what a byte of a path costs, about */
    uint64_t walked = guest_vfs_take_walked(beamr_wasi_vfs(call->wasi));

    return walked > FREE ? beamr_store_work(call->store, walked * BYTES_OF_ONE, err) : BEAMR_OK;
}

beamr_status guest_call_function(const guest_call *call, guest_function function,
                                 const beamr_value *args, beamr_value *results,
                                 beamr_error *err)
{
    beamr_status st;

    (void)guest_vfs_take_walked(beamr_wasi_vfs(call->wasi)); /* by the embedder */
    st = function(call, args, results, err);
    return st == BEAMR_OK ? charge_walk(call, err) : st;
}

static beamr_status bound_call(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    const bound *b = call->user;
    const bound_block *block = b->block;
    beamr_instance *const *served = block->door.instance;
    beamr_instance *caller = served && *served ? *served : call->caller;
    guest_call c = {
        .store = call->store,
        .caller = caller,
        .memory = caller ? beamr_instance_memory(caller, 0) : NULL,
        .is64 = block->is64,
        .wasi = block->door.wasi,
        .door = block->door.door,
        .dialect = block->door.dialect,
    };

    if (block->door.deferrable & guest_deferred(c.wasi))
        return BEAMR_SUSPENDED;
    return guest_call_function(&c, b->function, args, results, err);
}

beamr_status guest_fail_memory(beamr_error *err)
{
    return beamr_fail_trap(err, BEAMR_TRAP_OUT_OF_MEMORY, "for a call of the guest's system");
}

/* ---- Types ---- */

beamr_kind guest_letter_kind(char letter, bool is64)
{
    switch (letter) {
    case 'i':
        return BEAMR_I32;
    case 'l':
        return BEAMR_I64;
    case 'f':
        return BEAMR_F32;
    case 'd':
        return BEAMR_F64;
    default: /* 'P' */
        return is64 ? BEAMR_I64 : BEAMR_I32;
    }
}

/* Compare types with letters up to `end`.  Returns what follows, or NULL. */
static const char *match(const beamr_valtype *types, size_t count, const char *letters,
                         char end, bool is64)
{
    for (size_t i = 0; i < count; i++, letters++)
        if (*letters == end || *letters == '\0' ||
            beamr_valtype_kind(types[i]) != guest_letter_kind(*letters, is64))
            return NULL;
    return *letters == end ? letters : NULL;
}

bool guest_type_fits(const beamr_functype *type, const char *letters, bool is64)
{
    letters = match(type->params, type->param_count, letters, ':', is64);
    return letters && match(type->results, type->result_count, letters + 1, '\0', is64);
}

bool guest_module_is64(const beamr_module *module)
{
    return beamr_module_memory_count(module) > 0 && beamr_module_memory(module, 0).is64;
}

static void append(char *text, size_t size, size_t *at, const char *word)
{
    int n = snprintf(text + *at, size - *at, "%s", word);

    *at = n < 0 || (size_t)n >= size - *at ? size - 1 : *at + (size_t)n;
}

/* A row's type as beamr_externtype_text writes it. */
static const char *letters_text(const char *letters, bool is64, char *text, size_t size)
{
    static const char *const names[] = {
        [BEAMR_I32] = "i32", [BEAMR_I64] = "i64", [BEAMR_F32] = "f32", [BEAMR_F64] = "f64"};
    const char *space = "";
    size_t at = 0;

    append(text, size, &at, "func [");
    for (; *letters; letters++) {
        if (*letters == ':') {
            append(text, size, &at, "] -> [");
            space = "";
            continue;
        }
        append(text, size, &at, space);
        append(text, size, &at, names[guest_letter_kind(*letters, is64)]);
        space = " ";
    }
    append(text, size, &at, "]");
    return text;
}

static beamr_status fail_type(const beamr_import *import, const guest_import *row, bool is64,
                              beamr_error *err)
{
    char declared[TYPE_TEXT_SIZE], provided[TYPE_TEXT_SIZE];

    return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                      "import %.*s %s is declared as %s; with %d-bit memory it is %s",
                      (int)import->module.len, (const char *)import->module.data, row->name,
                      beamr_externtype_text(&import->type, declared, sizeof declared),
                      is64 ? 64 : 32, letters_text(row->type, is64, provided, sizeof provided));
}

/* ---- Binding ---- */

static int compare_name(const void *key, const void *row)
{
    const beamr_bytes *name = key;
    const char *other = ((const guest_import *)row)->name;
    size_t len = strlen(other);
    int order = memcmp(name->data, other, name->len < len ? name->len : len);

    return order ? order : (name->len > len) - (name->len < len);
}

const guest_import *guest_import_find(const guest_import *rows, size_t row_count,
                                      beamr_bytes name)
{
    const guest_import *row = NULL;

    if (name.len > 0)
        row = bsearch(&name, rows, row_count, sizeof *rows, compare_name);
    while (row && row > rows && strcmp(row[-1].name, row->name) == 0)
        row--;
    return row;
}

const guest_import *guest_import_fit(const guest_import *rows, size_t row_count,
                                     beamr_bytes name, const beamr_functype *type, bool is64)
{
    const guest_import *row = guest_import_find(rows, row_count, name);

    for (; row && row < rows + row_count && compare_name(&name, row) == 0; row++)
        if (guest_type_fits(type, row->type, is64))
            return row;
    return NULL;
}

/* `first` is the first row of the import's name, for the report. */
static beamr_status bind_one(beamr_linker *linker, const beamr_import *import,
                             const guest_import *first, const guest_import *row,
                             bound_block *block, bound *b, beamr_error *err)
{
    beamr_host host = {.callback = bound_call,
                       .user = b,
                       .finalize = bound_finalize,
                       .module = import->module,
                       .name = import->name};
    beamr_extern item = {.kind = BEAMR_EXTERN_FUNC};
    beamr_status st;

    if (!row)
        return fail_type(import, first, block->is64, err);
    *b = (bound){block, row->function};
    st = beamr_func_make(beamr_linker_store(linker), &import->type.func, &host, &item.of.func,
                         err);
    if (st != BEAMR_OK)
        return st;
    block
        ->refs++; /* the function's: it ends with the store, whatever comes of the definition */
    return beamr_linker_define(linker, import->module, import->name, item, err);
}

static bool is_from(const beamr_import *import, const char *from)
{
    return import->module.len == strlen(from) &&
           memcmp(import->module.data, from, import->module.len) == 0;
}

/* The first row for import i, if it is to be bound. */
static const guest_import *row_for(const beamr_import *import, size_t i, const char *from,
                                   const guest_import *rows, size_t row_count,
                                   const guest_door *door)
{
    bool is_taken = door->taken && door->taken[i].of.func;

    return is_from(import, from) && !is_taken ? guest_import_find(rows, row_count, import->name)
                                              : NULL;
}

beamr_status guest_bind(beamr_linker *linker, const beamr_module *module, const char *from,
                        const guest_import *rows, size_t row_count, const guest_door *door,
                        beamr_error *err)
{
    size_t count = 0, used = 0;
    bound_block *block;
    beamr_status st = BEAMR_OK;

    for (size_t i = 0; i < beamr_module_import_count(module); i++) {
        beamr_import import = beamr_module_import(module, i);

        count += row_for(&import, i, from, rows, row_count, door) != NULL;
    }
    if (count == 0)
        return BEAMR_OK;
    if (!(block = malloc(sizeof *block + count * sizeof(bound))))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to bind %zu imports of %s", count,
                          from);
    *block = (bound_block){.refs = 1, .is64 = guest_module_is64(module), .door = *door};
    (void)beamr_wasi_ref(door->wasi);
    if (door->door_ref)
        door->door_ref(door->door);
    for (size_t i = 0; i < beamr_module_import_count(module) && st == BEAMR_OK; i++) {
        beamr_import import = beamr_module_import(module, i);
        const guest_import *first = row_for(&import, i, from, rows, row_count, door);
        const guest_import *row = NULL;

        if (first && import.type.kind == BEAMR_EXTERN_FUNC)
            row =
                guest_import_fit(rows, row_count, import.name, &import.type.func, block->is64);
        if (first)
            st = bind_one(linker, &import, first, row, block, &block->functions[used++], err);
    }
    block_unref(block);
    return st;
}
