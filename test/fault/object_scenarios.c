/* Stores, the objects that C makes in them, linkers and instances. */
#include "scenario.h"

#include <stdio.h>

/* ---- Stores and objects ---- */

static beamr_status run_store(world *w, answer *a, beamr_error *err)
{
    beamr_store *store = NULL;
    beamr_status st = beamr_store_new(w->engine, NULL, &store, err);

    answer_number(a, store != NULL);
    beamr_store_free(store);
    return st;
}

static beamr_status no_callback(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)args;
    (void)results;
    (void)err;
    return BEAMR_OK;
}

static void finalize(void *user)
{
    world *w = user;

    w->finalizers--;
}

/* A function of a type that is new to the engine. */
static beamr_status run_func(world *w, answer *a, beamr_error *err)
{
    beamr_valtype params[30];
    beamr_functype type = {params, 30, params, 2};
    beamr_func *f = NULL;
    beamr_status st;

    for (size_t i = 0; i < 30; i++)
        params[i] = beamr_valtype_of(i % 3 ? BEAMR_F64 : BEAMR_FUNCREF);
    st = beamr_func_new(w->store, &type, no_callback, w, finalize, &f, err);
    if (st == BEAMR_OK) {
        w->finalizers++;
        answer_number(a, beamr_func_type(f).param_count);
    }
    return st;
}

static beamr_status run_memory(world *w, answer *a, beamr_error *err)
{
    beamr_limits limits = {(uint64_t)w->is->number, 40, w->is->number > 1};
    beamr_memory *m = NULL;
    beamr_status st = beamr_memory_new(w->store, &limits, &m, err);

    if (st == BEAMR_OK)
        answer_number(a, beamr_memory_size(m));
    return st;
}

static beamr_status run_table(world *w, answer *a, beamr_error *err)
{
    beamr_limits limits = {50, 100, false};
    beamr_value none = {.kind = BEAMR_EXTERNREF};
    beamr_table *t = NULL;
    beamr_status st =
        beamr_table_new(w->store, &limits, beamr_valtype_of(BEAMR_EXTERNREF), &none, &t, err);

    if (st == BEAMR_OK)
        answer_number(a, beamr_table_size(t));
    return st;
}

static beamr_status run_global(world *w, answer *a, beamr_error *err)
{
    beamr_value init = beamr_i64(12), now;
    beamr_global *g = NULL;
    beamr_status st =
        beamr_global_new(w->store, beamr_valtype_of(BEAMR_I64), true, &init, &g, err);

    if (st == BEAMR_OK) {
        now = beamr_global_get(g);
        answer_values(a, &now, 1);
    }
    return st;
}

static beamr_status run_tag(world *w, answer *a, beamr_error *err)
{
    beamr_valtype params[2] = {beamr_valtype_of(BEAMR_I64), beamr_valtype_of(BEAMR_V128)};
    beamr_functype type = {params, 2, NULL, 0};
    beamr_tag *tag = NULL;
    beamr_status st = beamr_tag_new(w->store, &type, &tag, err);

    if (st == BEAMR_OK)
        answer_number(a, beamr_tag_type(tag).param_count);
    return st;
}

/* ---- Linkers ---- */

static beamr_status run_linker(world *w, answer *a, beamr_error *err)
{
    beamr_linker *l = NULL;
    beamr_status st = beamr_linker_new(w->store, &l, err);

    answer_number(a, l != NULL);
    beamr_linker_free(l);
    return st;
}

static void open_linker(world *w)
{
    world_instance(w);
    assert_int_equal(beamr_linker_new(w->store, &w->linker, NULL), BEAMR_OK);
}

/* Enough of them that the linker's table grows twice. */
static beamr_status run_define(world *w, answer *a, beamr_error *err)
{
    beamr_status st = BEAMR_OK;
    beamr_extern found;
    char name[20];

    for (int i = 0; i < 140 && st == BEAMR_OK; i++) {
        (void)snprintf(name, sizeof name, "item %d", i);
        st = beamr_linker_define(w->linker, beamr_bytes_of("env"), beamr_bytes_of(name),
                                 w->imports[i % GUEST_IMPORTS], err);
    }
    for (int i = 0; i < 140 && st == BEAMR_OK; i++) {
        (void)snprintf(name, sizeof name, "item %d", i);
        answer_number(a, beamr_linker_find(w->linker, beamr_bytes_of("env"),
                                           beamr_bytes_of(name), &found));
    }
    return st;
}

static beamr_status run_define_func(world *w, answer *a, beamr_error *err)
{
    beamr_valtype param = beamr_valtype_of(BEAMR_F32);
    beamr_functype type = {&param, 1, NULL, 0};
    beamr_extern found;
    beamr_status st =
        beamr_linker_define_func(w->linker, "env", "f", &type, no_callback, NULL, err);

    answer_number(
        a, beamr_linker_find(w->linker, beamr_bytes_of("env"), beamr_bytes_of("f"), &found));
    return st;
}

static beamr_status run_define_instance(world *w, answer *a, beamr_error *err)
{
    beamr_extern found;
    beamr_status st =
        beamr_linker_define_instance(w->linker, beamr_bytes_of("guest"), w->instance, err);

    answer_number(a, beamr_linker_find(w->linker, beamr_bytes_of("guest"),
                                       beamr_bytes_of("tag"), &found));
    return st;
}

/* ---- Instances ---- */

static void open_imports(world *w)
{
    world_module(w);
    assert_int_equal(guest_imports(w->store, w->imports, NULL), BEAMR_OK);
}

/* The instance's state, as far as its start function and segments made it. */
static void describe_instance(answer *a, const beamr_instance *inst)
{
    beamr_extern e;
    beamr_value v;
    uint8_t bytes[8];

    assert_true(beamr_instance_find(inst, beamr_bytes_of("global"), &e));
    v = beamr_global_get(e.of.global);
    answer_values(a, &v, 1);
    assert_int_equal(beamr_memory_read(beamr_instance_find_memory(inst, "wide"), 0, bytes,
                                       sizeof bytes, NULL),
                     BEAMR_OK);
    answer_bytes(a, bytes, sizeof bytes);
    for (uint64_t i = 0; i < 3; i++) {
        assert_int_equal(beamr_table_get(beamr_instance_table(inst, 0), i, &v, NULL), BEAMR_OK);
        answer_number(a, beamr_func_type(v.of.func).param_count);
    }
}

static beamr_status run_instance(world *w, answer *a, beamr_error *err)
{
    beamr_instance *inst = NULL;
    beamr_status st =
        beamr_instance_new(w->store, w->module, w->imports, GUEST_IMPORTS, &inst, err);

    if (st == BEAMR_OK)
        describe_instance(a, inst);
    return st;
}

/* The last import is missing. */
static beamr_status run_unlinkable(world *w, answer *a, beamr_error *err)
{
    beamr_extern imports[GUEST_IMPORTS];
    beamr_instance *inst = NULL;

    (void)a;
    memcpy(imports, w->imports, sizeof imports);
    imports[3] = imports[2];
    return beamr_instance_new(w->store, w->module, imports, GUEST_IMPORTS, &inst, err);
}

/* Imports, linker and instance. */
static beamr_status run_link(world *w, answer *a, beamr_error *err)
{
    beamr_instance *inst = NULL;
    beamr_linker *l = NULL;
    beamr_status st = beamr_linker_new(w->store, &l, err);

    if (st == BEAMR_OK)
        st = guest_imports(w->store, w->imports, err);
    for (size_t i = 0; i < GUEST_IMPORTS && st == BEAMR_OK; i++)
        st = beamr_linker_define(l, beamr_bytes_of("env"), beamr_bytes_of(guest_import_name(i)),
                                 w->imports[i], err);
    if (st == BEAMR_OK)
        st = beamr_linker_instantiate(l, w->module, &inst, err);
    if (st == BEAMR_OK)
        describe_instance(a, inst);
    beamr_linker_free(l);
    return st;
}

/* Every function of the instance becomes an object. */
static beamr_status run_exports(world *w, answer *a, beamr_error *err)
{
    for (size_t i = 0; i < beamr_module_export_count(w->module); i++) {
        beamr_extern e = beamr_instance_export(w->instance, i);

        if (!e.of.func)
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for export %zu", i);
        answer_number(a, e.kind);
    }
    return BEAMR_OK;
}

/* Calls that wait, each begun while the one before it does. */
static beamr_status run_wait(world *w, answer *a, beamr_error *err)
{
    const beamr_host later = {.module = beamr_bytes_of("host"), .name = beamr_bytes_of("later")};
    beamr_functype type = {0};
    beamr_func *func = NULL;
    beamr_entry first = 0, entry = 0;
    beamr_status st = beamr_func_make(w->store, &type, &later, &func, err);

    for (int i = 0; i < 3 && st == BEAMR_OK; i++) {
        st = beamr_entry_begin(func, NULL, 0, NULL, 0, &entry, err);
        if (st == BEAMR_SUSPENDED)
            st = BEAMR_OK;
        if (st == BEAMR_OK && i == 0)
            first = entry;
    }
    if (st == BEAMR_OK)
        st = beamr_entry_resume(w->store, entry, NULL, NULL, 0, err);
    if (first)
        assert_int_equal(beamr_entry_cancel(w->store, first, NULL), BEAMR_OK);
    answer_number(a, (uint64_t)beamr_store_waiting(w->store));
    return st;
}

const scenario object_scenarios[] = {
    {"store", .run = run_store, .without = FAULT_MADVISE},
    {"wait", .open = world_store, .run = run_wait},
    {"host_function", .open = world_store, .run = run_func},
    {"memory", .open = world_store, .run = run_memory, .without = FAULT_MMAP, .number = 1},
    {"memory_64", .open = world_store, .run = run_memory, .without = FAULT_MMAP, .number = 2},
    {"table", .open = world_store, .run = run_table},
    {"global", .open = world_store, .run = run_global},
    {"tag", .open = world_store, .run = run_tag},
    {"linker", .open = world_store, .run = run_linker, .without = FAULT_RANDOM},
    {"define", .open = open_linker, .run = run_define},
    {"define_func", .open = open_linker, .run = run_define_func},
    {"define_instance", .open = open_linker, .run = run_define_instance},
    {"instance", .open = open_imports, .run = run_instance, .without = FAULT_MMAP},
    {"unlinkable", .open = open_imports, .run = run_unlinkable},
    {"link", .open = world_module, .run = run_link, .without = FAULT_MMAP | FAULT_RANDOM},
    {"exports", .open = world_instance, .run = run_exports},
    {0},
};
