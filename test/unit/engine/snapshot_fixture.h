/* The guest of fuzz/seeds/source/snapshot/guest.wat for tests of snapshots: saving, restoring,
 * and every kind of change that it can make to its state. */
#ifndef TEST_ENGINE_SNAPSHOT_FIXTURE_H
#define TEST_ENGINE_SNAPSHOT_FIXTURE_H

#include "fixture.h"

#include "../../../fuzz/snapshot_guest.h"

#define CHECKSUM 16u

static const beamr_snapshot_options with_refs = {
    .ref_save = snapshot_guest_ref_save,
    .ref_load = snapshot_guest_ref_load,
};

/* ---- Guests and snapshots ---- */

static inline beamr_module *guest_module(fixture *f)
{
    beamr_bytes wasm = {snapshot_guest_wasm, sizeof snapshot_guest_wasm};
    beamr_module *m = NULL;
    beamr_error err = {0};

    if (beamr_module_load(f->engine, wasm, &m, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    return m;
}

/* Instantiate with the imports that are there. */
static inline void guest_instantiate(fixture *f, snapshot_guest *g)
{
    beamr_module *m = guest_module(f);
    beamr_error err = {0};

    if (beamr_instance_new(f->store, m, g->imports, 5, &g->instance, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    beamr_module_unref(m);
}

static inline snapshot_guest guest_new(fixture *f)
{
    snapshot_guest g = {.store = f->store};

    assert_int_equal(snapshot_guest_imports(&g, NULL, NULL), BEAMR_OK);
    guest_instantiate(f, &g);
    return g;
}

typedef struct saved {
    uint8_t *data;
    size_t len;
} saved;

static inline saved save(const snapshot_guest *g)
{
    saved s = {0};
    beamr_error err = {0};

    if (beamr_snapshot_save(g->instance, &with_refs, &s.data, &s.len, &err) != BEAMR_OK)
        fail_msg("not saved: %s", err.text);
    return s;
}

static inline beamr_bytes bytes_of(const saved *s)
{
    return (beamr_bytes){s->data, s->len};
}

static inline void restore(const snapshot_guest *g, const saved *s)
{
    beamr_error err = {0};

    if (beamr_snapshot_restore(g->instance, bytes_of(s), &with_refs, &err) != BEAMR_OK)
        fail_msg("not restored: %s at %u", err.text, (unsigned)err.offset);
}

static inline bool is_equal(const saved *a, const saved *b)
{
    return a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* The guest's state is still what was saved. */
static inline void assert_state(const snapshot_guest *g, const saved *s)
{
    saved now = save(g);

    assert_true(is_equal(&now, s));
    beamr_snapshot_free(now.data);
}

static inline beamr_value call(const snapshot_guest *g, const char *name, size_t arg_count,
                               beamr_value a, beamr_value b)
{
    beamr_func *f = beamr_instance_find_func(g->instance, name);
    beamr_value args[2] = {a, b}, result = {0};
    beamr_error err = {0};

    assert_non_null(f);
    if (beamr_func_call(f, args, arg_count, &result, beamr_func_type(f).result_count, &err) !=
        BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    return result;
}

static inline beamr_value call0(const snapshot_guest *g, const char *name)
{
    return call(g, name, 0, beamr_i32(0), beamr_i32(0));
}

static inline beamr_value call1(const snapshot_guest *g, const char *name, int32_t a)
{
    return call(g, name, 1, beamr_i32(a), beamr_i32(0));
}

static inline beamr_value call2(const snapshot_guest *g, const char *name, int32_t a, int32_t b)
{
    return call(g, name, 2, beamr_i32(a), beamr_i32(b));
}

static inline beamr_extern exported(const snapshot_guest *g, const char *name)
{
    beamr_extern e = {0};

    assert_true(beamr_instance_find(g->instance, beamr_bytes_of(name), &e));
    return e;
}

static inline void set_global(const snapshot_guest *g, const char *name, beamr_value v)
{
    assert_int_equal(beamr_global_set(exported(g, name).of.global, &v, NULL), BEAMR_OK);
}

static inline beamr_value thing(unsigned i)
{
    return (beamr_value){.kind = BEAMR_EXTERNREF,
                         .of.external = (void *)(uintptr_t)&snapshot_guest_things[i]};
}

/* ---- Changes ---- */

static inline void change_nothing(const snapshot_guest *g)
{
    (void)g;
}

static inline void change_memory(const snapshot_guest *g)
{
    call2(g, "store", 0, 1);
    call2(g, "store", 4095, 2);
    call2(g, "store", 65535, 3);
    call2(g, "store", 16, 0);
}

static inline void change_imported_memory(const snapshot_guest *g)
{
    assert_int_equal(beamr_memory_write(g->imports[4].of.memory, 30000, "abc", 3, NULL),
                     BEAMR_OK);
}

static inline void change_memory_size(const snapshot_guest *g)
{
    assert_int_equal(call1(g, "grow", 3).of.i32, 1);
    call2(g, "store", 4 * 65536 - 1, 9);
}

static inline void change_wide_memory(const snapshot_guest *g)
{
    assert_int_equal(call(g, "grow_wide", 1, beamr_i64(40), beamr_i32(0)).of.i64, 0);
    call(g, "store_wide", 2, beamr_i64(40 * 65536 - 1), beamr_i32(1));
    call(g, "store_wide", 2, beamr_i64(70000), beamr_i32(2));
}

static inline void change_data(const snapshot_guest *g)
{
    call0(g, "memory_init");
    call0(g, "data_drop");
}

static inline void change_numbers(const snapshot_guest *g)
{
    beamr_value v = {.kind = BEAMR_V128,
                     .of.v128 = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    uint32_t nan32 = 0xffc12345;
    uint64_t nan64 = 0x7ff8123456789abc;
    beamr_value f = beamr_f32(0), d = beamr_f64(0);

    memcpy(&f.of, &nan32, sizeof nan32);
    memcpy(&d.of, &nan64, sizeof nan64);
    set_global(g, "i", beamr_i32(INT32_MIN));
    set_global(g, "l", beamr_i64(INT64_MIN + 1));
    set_global(g, "f", f);
    set_global(g, "d", d);
    set_global(g, "v", v);
}

static inline void change_imported_globals(const snapshot_guest *g)
{
    beamr_value v = beamr_i32(77);

    assert_int_equal(beamr_global_set(g->imports[2].of.global, &v, NULL), BEAMR_OK);
}

static inline void change_func_global(const snapshot_guest *g)
{
    call0(g, "global_b");
}

static inline void change_extern_global(const snapshot_guest *g)
{
    set_global(g, "xr", thing(1));
}

static inline void change_table(const snapshot_guest *g)
{
    call1(g, "table_set_b", 3);
    call1(g, "table_set_add", 1);
    call1(g, "table_clear", 0);
}

static inline void change_table_size(const snapshot_guest *g)
{
    assert_int_equal(call1(g, "table_grow", 9).of.i32, 4);
    call2(g, "table_fill", 2, 5);
}

static inline void change_extern_table(const snapshot_guest *g)
{
    beamr_table *x = exported(g, "x").of.table;
    beamr_value v = thing(0);

    assert_int_equal(beamr_table_grow(x, 3, &v, NULL, NULL), BEAMR_OK);
    v = thing(1);
    assert_int_equal(beamr_table_set(x, 1, &v, NULL), BEAMR_OK);
}

static inline void change_elements(const snapshot_guest *g)
{
    call0(g, "table_init");
    call0(g, "elem_drop");
}

static inline void change_all(const snapshot_guest *g)
{
    change_memory(g);
    change_imported_memory(g);
    change_memory_size(g);
    change_wide_memory(g);
    change_data(g);
    change_numbers(g);
    change_imported_globals(g);
    change_func_global(g);
    change_extern_global(g);
    change_table_size(g);
    change_extern_table(g);
    change_elements(g);
}

static void (*const changes[])(const snapshot_guest *) = {
    change_nothing,
    change_memory,
    change_imported_memory,
    change_memory_size,
    change_wide_memory,
    change_data,
    change_numbers,
    change_imported_globals,
    change_func_global,
    change_extern_global,
    change_table,
    change_table_size,
    change_extern_table,
    change_elements,
    change_all,
};
#define CHANGES (sizeof changes / sizeof changes[0])

static inline void assert_refused(const snapshot_guest *g, beamr_bytes bytes, const saved *is)
{
    beamr_error err = {0};

    if (beamr_snapshot_restore(g->instance, bytes, &with_refs, &err) != BEAMR_SNAPSHOT)
        fail_msg("taken or refused otherwise: %s", err.text);
    assert_true(err.text[0] != '\0');
    assert_state(g, is);
}

#endif
