/* Snapshots: writing and saving one, and restoring it over a fresh instance and over one that
 * has grown. A restore that fails changes nothing. The guest is that of the snapshot fuzzer. */
#include "scenario.h"

#include "../../fuzz/snapshot_guest.h"

static beamr_status load_section(void *user, uint32_t id, beamr_bytes bytes, beamr_error *err)
{
    (void)user;
    (void)err;
    assert_int_equal(id, BEAMR_SNAPSHOT_EMBEDDER);
    assert_int_equal(bytes.len, 4);
    return BEAMR_OK;
}

static const beamr_snapshot_section section = {BEAMR_SNAPSHOT_EMBEDDER,
                                               {(const uint8_t *)"wasi", 4}};
static const beamr_snapshot_options options = {.ref_save = snapshot_guest_ref_save,
                                               .ref_load = snapshot_guest_ref_load,
                                               .sections = &section,
                                               .section_count = 1,
                                               .section_load = load_section};

/* ---- Guests ---- */

static void call(world *w, const char *name, int32_t number)
{
    beamr_func *f = beamr_instance_find_func(w->instance, name);
    beamr_value args[2] = {beamr_i32(number), beamr_i32(number + 1)}, result;
    beamr_functype type = beamr_func_type(f);

    if (type.param_count > 0 && beamr_valtype_kind(type.params[0]) == BEAMR_I64)
        args[0] = beamr_i64(number);
    assert_int_equal(
        beamr_func_call(f, args, type.param_count, &result, type.result_count, NULL), BEAMR_OK);
}

static void new_instance(world *w)
{
    snapshot_guest g = {.store = w->store};

    assert_int_equal(snapshot_guest_imports(&g, NULL, NULL), BEAMR_OK);
    assert_int_equal(beamr_instance_new(w->store, w->module, g.imports, 5, &w->instance, NULL),
                     BEAMR_OK);
}

static void build(wasm_builder *w)
{
    wasm_bytes(w, snapshot_guest_wasm, sizeof snapshot_guest_wasm);
}

/* Change something of everything; both memories grow, the table too. */
static void change(world *w)
{
    call(w, "grow", 3);
    call(w, "grow_wide", 2);
    call(w, "table_grow", 9);
    for (int i = 0; i < 40; i++) {
        call(w, "store", i * 5000);
        call(w, "store_wide", i * 3000);
    }
    call(w, "memory_init", 0);
    call(w, "table_set_b", 3);
    call(w, "elem_drop", 0);
    call(w, "data_drop", 0);
    call(w, "global_b", 0);
}

static saved save(world *w)
{
    saved s;

    assert_int_equal(beamr_snapshot_save(w->instance, &options, &s.data, &s.len, NULL),
                     BEAMR_OK);
    return s;
}

/* ---- Writing ---- */

static void open_changed(world *w)
{
    world_module(w);
    new_instance(w);
    change(w);
}

static beamr_status run_save(world *w, answer *a, beamr_error *err)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    beamr_status st = beamr_snapshot_save(w->instance, &options, &bytes, &len, err);

    answer_bytes(a, bytes, len);
    beamr_snapshot_free(bytes);
    return st;
}

static beamr_status take_piece(void *user, uint64_t total, beamr_bytes piece, beamr_error *err)
{
    (void)err;
    answer_number(user, total);
    answer_bytes(user, piece.data, piece.len);
    return BEAMR_OK;
}

static beamr_status run_write(world *w, answer *a, beamr_error *err)
{
    return beamr_snapshot_write(w->instance, &options, take_piece, a, err);
}

/* ---- Restoring ---- */

/* A fresh instance, to which the state of a changed one is to be given. */
static void open_restore(world *w)
{
    open_changed(w);
    w->snapshot = save(w);
    new_instance(w);
    w->before = save(w);
}

/* The other way round: memories and tables get smaller, segments come back. */
static void open_restore_smaller(world *w)
{
    world_module(w);
    new_instance(w);
    w->snapshot = save(w);
    new_instance(w);
    change(w);
    w->before = save(w);
}

/* The answer is the new state, and that what was cut off comes back as zeros. */
static beamr_status run_restore(world *w, answer *a, beamr_error *err)
{
    beamr_memory *m = beamr_instance_find_memory(w->instance, "m");
    beamr_bytes bytes = {w->snapshot.data, w->snapshot.len};
    beamr_status st = beamr_snapshot_restore(w->instance, bytes, &options, err);
    saved now;

    if (st != BEAMR_OK)
        return st;
    fault_pause();
    now = save(w);
    answer_bytes(a, now.data, now.len);
    beamr_snapshot_free(now.data);
    assert_int_equal(beamr_memory_grow(m, 5, NULL, NULL), BEAMR_OK);
    answer_bytes(a, beamr_memory_data(m), (size_t)beamr_memory_size(m));
    fault_resume();
    return st;
}

/* The instance is still what it was. */
static void check_unchanged(world *w)
{
    saved now = save(w);

    assert_int_equal(now.len, w->before.len);
    assert_memory_equal(now.data, w->before.data, now.len);
    beamr_snapshot_free(now.data);
}

const scenario snapshot_scenarios[] = {
    {"snapshot_save", .open = open_changed, .run = run_save, .build = build},
    {"snapshot_write", .open = open_changed, .run = run_write, .build = build},
    {"restore", .open = open_restore, .run = run_restore, .check = check_unchanged,
     .build = build, .without = FAULT_MADVISE},
    {"restore_smaller", .open = open_restore_smaller, .run = run_restore,
     .check = check_unchanged, .build = build, .without = FAULT_MADVISE | FAULT_MPROTECT},
    {0},
};
