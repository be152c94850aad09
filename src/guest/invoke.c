/* `invoke_*`: calls of the guest's table that catch what Emscripten's imports throw. Here the
 * two modules of adapter.h are made into instances; what they do is told there. */
#include <stdio.h>
#include <stdlib.h>

#include "guest/adapter.h"
#include "guest/emscripten.h"

enum { NAME_TEXT_SIZE = 128 };

/* ---- Which imports ---- */

static bool is_of_env(const beamr_import *import)
{
    return import->module.len == 3 && memcmp(import->module.data, "env", 3) == 0;
}

bool emscripten_is_invoke(const beamr_import *import)
{
    static const char prefix[] = "invoke_";

    return is_of_env(import) && import->type.kind == BEAMR_EXTERN_FUNC &&
           import->name.len >= sizeof prefix &&
           memcmp(import->name.data, prefix, sizeof prefix - 1) == 0;
}

static const char *name_text(const beamr_import *import, char text[NAME_TEXT_SIZE])
{
    (void)snprintf(text, NAME_TEXT_SIZE, "%.*s", (int)import->name.len,
                   (const char *)import->name.data);
    return text;
}

static beamr_status check_type(const beamr_import *import, bool is64, beamr_error *err)
{
    const beamr_functype *t = &import->type.func;
    beamr_kind pointer = is64 ? BEAMR_I64 : BEAMR_I32;
    char name[NAME_TEXT_SIZE], type[256];

    if (t->param_count > 0 && beamr_valtype_kind(t->params[0]) == pointer &&
        adapter_type_is_plain(t))
        return BEAMR_OK;
    return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                      "import env.%s is declared as %s; its first parameter must be an %s, and "
                      "its references of a general type",
                      name_text(import, name),
                      beamr_externtype_text(&import->type, type, sizeof type),
                      is64 ? "i64" : "i32");
}

static beamr_status find_invokes(beamr_emscripten *e, beamr_error *err)
{
    size_t imports = beamr_module_import_count(e->module);
    size_t count = 0;

    for (size_t i = 0; i < imports; i++) {
        beamr_import import = beamr_module_import(e->module, i);

        if (!emscripten_is_invoke(&import))
            continue;
        BEAMR_TRY(check_type(&import, e->is64, err));
        count++;
    }
    if (count == 0)
        return BEAMR_OK;
    if (!(e->invokes = calloc(count, sizeof *e->invokes)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for invoke_*");
    for (size_t i = 0; i < imports; i++) {
        beamr_import import = beamr_module_import(e->module, i);

        if (emscripten_is_invoke(&import))
            e->invokes[e->invoke_count++].import = i;
    }
    return BEAMR_OK;
}

beamr_func *emscripten_invoke_find(const beamr_emscripten *e, size_t import)
{
    size_t low = 0, high = e->invoke_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (e->invokes[middle].import == import)
            return e->invokes[middle].func;
        if (e->invokes[middle].import < import)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* ---- Plans ---- */

/* What both modules are written from.  `types` holds what `invokes` borrow. */
typedef struct invoke_plan {
    adapter_plan plan;
    adapter_invoke *invokes;
    beamr_functype *types;
} invoke_plan;

static void plan_clear(invoke_plan *p)
{
    free(p->invokes);
    free(p->types);
}

static beamr_status plan_init(invoke_plan *p, const beamr_emscripten *e, beamr_error *err)
{
    *p = (invoke_plan){.invokes = calloc(e->invoke_count, sizeof *p->invokes),
                       .types = calloc(e->invoke_count, sizeof *p->types)};
    if (!p->invokes || !p->types)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for invoke_*");
    for (size_t i = 0; i < e->invoke_count; i++) {
        beamr_import import = beamr_module_import(e->module, e->invokes[i].import);

        p->types[i] = import.type.func;
        p->invokes[i] = (adapter_invoke){.name = import.name, .type = &p->types[i]};
    }
    p->plan = (adapter_plan){.invokes = p->invokes, .count = e->invoke_count, .is64 = e->is64};
    return BEAMR_OK;
}

typedef beamr_status (*adapter_write)(const adapter_plan *plan, uint8_t **out, size_t *len,
                                      beamr_error *err);

static beamr_status load(beamr_engine *engine, adapter_write write, const adapter_plan *plan,
                         beamr_module **out, beamr_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    beamr_status st = write(plan, &bytes, &len, err);

    if (st == BEAMR_OK)
        st = beamr_module_load(engine, (beamr_bytes){bytes, len}, out, err);
    free(bytes);
    return st;
}

/* Load the module in the form that is preferred, or else, where the engine leaves out what it
 * needs, in the other.
 *   choice  in the plan; left as what was loaded */
static beamr_status load_either(beamr_engine *engine, adapter_write write,
                                const adapter_plan *plan, bool *choice, beamr_module **out,
                                beamr_error *err)
{
    beamr_error first = {0};
    beamr_status st;

    *choice = true;
    if ((st = load(engine, write, plan, out, &first)) == BEAMR_UNSUPPORTED) {
        *choice = false;
        return load(engine, write, plan, out, err);
    }
    if (st != BEAMR_OK)
        (void)beamr_fail(err, st, first.offset, "%s", first.text);
    return st;
}

/* ---- The front ---- */

static beamr_status not_attached(const beamr_call *call, const beamr_value *args,
                                 beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_HOST,
                           "invoke_* is called before the instance has been attached "
                           "(by its start function?)");
}

static beamr_status no_table(const beamr_call *call, const beamr_value *args,
                             beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    return beamr_fail_trap(err, BEAMR_TRAP_HOST,
                           "invoke_* is called, and the module has neither a table nor dynCall "
                           "functions");
}

/* Let a function of the front trap when it is called. */
static beamr_status front_trap(const beamr_emscripten *e, size_t place, beamr_host_func how,
                               beamr_error *err)
{
    beamr_import import = beamr_module_import(e->module, e->invokes[place].import);
    beamr_value trap = {.kind = BEAMR_FUNCREF};

    BEAMR_TRY(beamr_func_new(e->store, &import.type.func, how, NULL, NULL, &trap.of.func, err));
    return beamr_table_set(beamr_instance_table(e->front, 0), place, &trap, err);
}

static beamr_status front_new(beamr_emscripten *e, beamr_error *err)
{
    beamr_engine *engine = beamr_store_engine(e->store);
    beamr_module *module = NULL;
    invoke_plan p;
    beamr_status st = plan_init(&p, e, err);

    if (st == BEAMR_OK)
        st = load_either(engine, adapter_write_front, &p.plan, &p.plan.use_tail, &module, err);
    if (st == BEAMR_OK)
        st = beamr_instance_new(e->store, module, NULL, 0, &e->front, err);
    beamr_module_unref(module);
    plan_clear(&p);
    return st;
}

/* Take the front's functions, and let them trap until the guest is there. */
static beamr_status front_take(beamr_emscripten *e, size_t place, beamr_linker *linker,
                               beamr_error *err)
{
    emscripten_invoke *invoke = &e->invokes[place];
    beamr_import import = beamr_module_import(e->module, invoke->import);
    beamr_extern item = beamr_instance_export(e->front, place + 1);

    if (!item.of.func)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for invoke_*");
    invoke->func = item.of.func;
    BEAMR_TRY(front_trap(e, place, not_attached, err));
    return beamr_linker_define(linker, import.module, import.name, item, err);
}

/* The reason why nothing can be linked is better told without the module's offsets. */
static beamr_status explain_unsupported(beamr_error *err)
{
    beamr_error_clear(err);
    return beamr_fail(err, BEAMR_UNSUPPORTED, 0,
                      "the module imports invoke_*, which need exceptions; the engine's "
                      "features leave them out");
}

/* Can the engine have exceptions at all?  Asked with a back of one function. */
static beamr_status check_exceptions(const beamr_emscripten *e, beamr_error *err)
{
    beamr_engine *engine = beamr_store_engine(e->store);
    beamr_error own = {0};
    beamr_module *module = NULL;
    invoke_plan p;
    beamr_status st = plan_init(&p, e, err);

    p.plan.has_table = true;
    p.plan.count = 1;
    if (st == BEAMR_OK && (st = load_either(engine, adapter_write_back, &p.plan,
                                            &p.plan.use_legacy, &module, &own)) != BEAMR_OK)
        st = st == BEAMR_UNSUPPORTED ? explain_unsupported(err)
                                     : beamr_fail(err, st, 0, "%s", own.text);
    beamr_module_unref(module);
    plan_clear(&p);
    return st;
}

beamr_status emscripten_invokes_link(beamr_emscripten *e, beamr_linker *linker,
                                     beamr_error *err)
{
    BEAMR_TRY(find_invokes(e, err));
    if (e->invoke_count == 0)
        return BEAMR_OK;
    BEAMR_TRY(check_exceptions(e, err));
    BEAMR_TRY(front_new(e, err));
    for (size_t i = 0; i < e->invoke_count; i++)
        BEAMR_TRY(front_take(e, i, linker, err));
    return BEAMR_OK;
}

/* ---- The back ---- */

/* The kind that a letter of an `invoke_` name stands for. */
static bool letter_fits(char letter, beamr_valtype type, bool is64)
{
    beamr_kind kind = beamr_valtype_kind(type);

    switch (letter) {
    case 'i':
        return kind == BEAMR_I32;
    case 'j':
        return kind == BEAMR_I64;
    case 'p':
        return kind == (is64 ? BEAMR_I64 : BEAMR_I32);
    default:
        return kind != BEAMR_I32 && kind != BEAMR_I64;
    }
}

/* Does the declared type have what the name says?  Modules for hosts without 64-bit integers
 * have two i32 for each j, also in `dynCall_*`, but not in the table. */
static bool type_is_as_named(const adapter_invoke *invoke, bool is64)
{
    const beamr_functype *t = invoke->type;
    const char *letters = (const char *)invoke->name.data + sizeof "invoke_" - 1;
    size_t count = invoke->name.len - (sizeof "invoke_" - 1);

    if (count != t->param_count)
        return false;
    for (size_t i = 1; i < count; i++)
        if (!letter_fits(letters[i], t->params[i], is64))
            return false;
    return t->result_count == 0 || letter_fits(letters[0], t->results[0], is64);
}

static bool types_equal(const beamr_functype *a, const beamr_functype *b)
{
    return a->param_count == b->param_count && a->result_count == b->result_count &&
           (a->param_count == 0 ||
            memcmp(a->params, b->params, a->param_count * sizeof *a->params) == 0) &&
           (a->result_count == 0 ||
            memcmp(a->results, b->results, a->result_count * sizeof *a->results) == 0);
}

/* ---- `dynCall_*` ---- */

/* The guest's exports of these names, sorted: it decides how many there are, and how often they
 * are looked for. */
typedef struct dyncall {
    beamr_bytes signature; /* the name without "dynCall_" */
    size_t export;
} dyncall;

typedef struct dyncalls {
    dyncall *items;
    size_t count;
} dyncalls;

static int compare_signature(const void *a, const void *b)
{
    const beamr_bytes *x = &((const dyncall *)a)->signature;
    const beamr_bytes *y = &((const dyncall *)b)->signature;
    int order = memcmp(x->data, y->data, x->len < y->len ? x->len : y->len);

    return order ? order : (x->len > y->len) - (x->len < y->len);
}

static bool cut_prefix(beamr_bytes *name, const char *prefix)
{
    size_t len = strlen(prefix);

    if (name->len < len || memcmp(name->data, prefix, len) != 0)
        return false;
    *name = (beamr_bytes){name->data + len, name->len - len};
    return true;
}

static beamr_status dyncalls_find(dyncalls *d, const beamr_module *module, beamr_error *err)
{
    size_t exports = beamr_module_export_count(module);

    if (exports > 0 && !(d->items = calloc(exports, sizeof *d->items)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for invoke_*");
    for (size_t i = 0; i < exports; i++) {
        beamr_export export = beamr_module_export(module, i);

        if (export.type.kind == BEAMR_EXTERN_FUNC && cut_prefix(&export.name, "dynCall_"))
            d->items[d->count++] = (dyncall){export.name, i};
    }
    if (d->count > 0)
        qsort(d->items, d->count, sizeof *d->items, compare_signature);
    return BEAMR_OK;
}

/* The one for an invoke, if it has the same type; otherwise *out is NULL. */
static beamr_status find_dyncall(const beamr_emscripten *e, const dyncalls *d,
                                 const adapter_invoke *invoke, beamr_func **out,
                                 beamr_error *err)
{
    dyncall key = {.signature = invoke->name};
    const dyncall *found = NULL;
    beamr_export export;

    *out = NULL;
    if (d->count > 0 && cut_prefix(&key.signature, "invoke_"))
        found = bsearch(&key, d->items, d->count, sizeof key, compare_signature);
    if (!found)
        return BEAMR_OK;
    export = beamr_module_export(e->module, found->export);
    if (!types_equal(&export.type.func, invoke->type))
        return BEAMR_OK;
    if (!(*out = beamr_instance_export(e->instance, found->export).of.func))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for an export");
    return BEAMR_OK;
}

/* ---- What the back imports ---- */

/* What the back imports, in its order. */
typedef struct back_imports {
    beamr_extern *items;
    size_t count;
} back_imports;

static void import_func(back_imports *b, beamr_func *func)
{
    b->items[b->count++] = (beamr_extern){.kind = BEAMR_EXTERN_FUNC, .of.func = func};
}

static beamr_status import_required(const beamr_emscripten *e, back_imports *b,
                                    const char *names, const char *type, beamr_error *err)
{
    beamr_func *func;

    BEAMR_TRY(emscripten_export(e, names, type, &func, err));
    if (!func)
        return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                          "the module imports invoke_*, and does not export the function %s "
                          "that they need",
                          names);
    import_func(b, func);
    return BEAMR_OK;
}

static beamr_status import_table(const beamr_emscripten *e, adapter_plan *p, back_imports *b,
                                 beamr_error *err)
{
    beamr_table *table = e->table;
    beamr_valtype elem;
    beamr_limits limits;

    if (!table)
        return BEAMR_OK;
    limits = beamr_table_type(table, &elem);
    if (elem.bits != beamr_valtype_of(BEAMR_FUNCREF).bits)
        return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                          "the module imports invoke_*, and its table is not of functions");
    p->has_table = true;
    p->is_table64 = limits.is64;
    b->items[b->count++] = (beamr_extern){.kind = BEAMR_EXTERN_TABLE, .of.table = table};
    return BEAMR_OK;
}

static void import_memory(const beamr_emscripten *e, adapter_plan *p, back_imports *b)
{
    beamr_memory *memory = beamr_instance_memory(e->instance, 0);

    if (!memory)
        return;
    p->has_memory = true;
    b->items[b->count++] = (beamr_extern){.kind = BEAMR_EXTERN_MEMORY, .of.memory = memory};
}

/* An invoke that the table cannot serve needs the guest's own function. */
static beamr_status import_dyncall(const beamr_emscripten *e, const dyncalls *d, invoke_plan *p,
                                   size_t place, back_imports *b, beamr_error *err)
{
    adapter_invoke *invoke = &p->invokes[place];
    beamr_func *func;

    if (p->plan.has_table && type_is_as_named(invoke, e->is64))
        return BEAMR_OK;
    BEAMR_TRY(find_dyncall(e, d, invoke, &func, err));
    if (func) {
        invoke->is_dyncall = true;
        import_func(b, func);
    } else if (!p->plan.has_table) {
        return beamr_fail(err, BEAMR_UNLINKABLE, 0,
                          "the module imports env.%.*s, and has neither a table nor a dynCall "
                          "function for it",
                          (int)invoke->name.len, (const char *)invoke->name.data);
    }
    return BEAMR_OK;
}

static beamr_status import_dyncalls(const beamr_emscripten *e, invoke_plan *p, back_imports *b,
                                    beamr_error *err)
{
    dyncalls d = {0};
    beamr_status st = dyncalls_find(&d, e->module, err);

    for (size_t i = 0; i < e->invoke_count && st == BEAMR_OK; i++)
        st = import_dyncall(e, &d, p, i, b, err);
    free(d.items);
    return st;
}

/* In the order that adapter.h gives. */
static beamr_status gather_imports(const beamr_emscripten *e, invoke_plan *p, back_imports *b,
                                   beamr_error *err)
{
    b->items[b->count++] = (beamr_extern){.kind = BEAMR_EXTERN_TAG, .of.tag = e->tag};
    BEAMR_TRY(import_required(
        e, b,
        "emscripten_stack_get_current\0_emscripten_stack_get_current\0stackSave\0_stackSave\0",
        ":P", err));
    BEAMR_TRY(import_required(e, b, "_emscripten_stack_restore\0stackRestore\0_stackRestore\0",
                              "P:", err));
    BEAMR_TRY(import_required(e, b, EMSCRIPTEN_SET_THREW, "Pi:", err));
    BEAMR_TRY(import_table(e, &p->plan, b, err));
    import_memory(e, &p->plan, b);
    return import_dyncalls(e, p, b, err);
}

static beamr_status back_new(const beamr_emscripten *e, invoke_plan *p, const back_imports *b,
                             beamr_instance **out, beamr_error *err)
{
    beamr_engine *engine = beamr_store_engine(e->store);
    beamr_module *module = NULL;
    beamr_status st =
        load_either(engine, adapter_write_back, &p->plan, &p->plan.use_legacy, &module, err);

    if (st == BEAMR_OK)
        st = beamr_instance_new(e->store, module, b->items, b->count, out, err);
    beamr_module_unref(module);
    return st;
}

/* Put the back's functions where the front jumps to. */
static beamr_status connect(const beamr_emscripten *e, const beamr_instance *back,
                            beamr_error *err)
{
    beamr_table *table = beamr_instance_table(e->front, 0);

    for (size_t i = 0; i < e->invoke_count; i++) {
        beamr_value func = {.kind = BEAMR_FUNCREF};

        if (!(func.of.func = beamr_instance_export(back, i).of.func))
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for invoke_*");
        BEAMR_TRY(beamr_table_set(table, i, &func, err));
    }
    return BEAMR_OK;
}

static bool has_dyncalls(const beamr_module *module)
{
    for (size_t i = beamr_module_export_count(module); i > 0; i--) {
        beamr_export export = beamr_module_export(module, i - 1);

        if (export.type.kind == BEAMR_EXTERN_FUNC && cut_prefix(&export.name, "dynCall_"))
            return true;
    }
    return false;
}

/* There is nothing that they could call. */
static beamr_status attach_none(const beamr_emscripten *e, beamr_error *err)
{
    for (size_t i = 0; i < e->invoke_count; i++)
        BEAMR_TRY(front_trap(e, i, no_table, err));
    return BEAMR_OK;
}

beamr_status emscripten_invokes_attach(beamr_emscripten *e, beamr_error *err)
{
    enum { FIXED = 6 }; /* tag, three functions, table, memory */
    back_imports b = {0};
    beamr_instance *back = NULL;
    beamr_status st;
    invoke_plan p;

    if (e->invoke_count == 0)
        return BEAMR_OK;
    if (!e->table && !has_dyncalls(e->module))
        return attach_none(e, err);
    st = plan_init(&p, e, err);
    if (st == BEAMR_OK && !(b.items = calloc(FIXED + e->invoke_count, sizeof *b.items)))
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for invoke_*");
    if (st == BEAMR_OK)
        st = gather_imports(e, &p, &b, err);
    if (st == BEAMR_OK)
        st = back_new(e, &p, &b, &back, err);
    if (st == BEAMR_OK)
        st = connect(e, back, err);
    free(b.items);
    plan_clear(&p);
    return st;
}
