/* What guests may take: memories that have a reservation and such that move, the budgets of
 * stores and engines at their edges, what guest and embedder get beyond them, and interrupts of
 * what takes long. The parts below are tested in unit/runtime. */
#include "fixture.h"

#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../fuzz/snapshot_guest.h"

#define PAGE UINT64_C(65536)
#define ELEMS 100u
/* What the guest starts with: a page, a table of one element, and the segment. */
#define START (PAGE + 8 + 8 * ELEMS)

/* ---- The guest ---- */

static const char *const names[] = {"grow", "grow_table", "across", "drop", "table_size"};

/* (import "env" "host" (func)) (memory 1) (table 1 funcref) (elem func 1 ...) and the functions
 * below, from index 1 on. */
static void build(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 2);
    wasm_functype(w, "", "");
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 1);
    wasm_import(w, "env", "host");
    WASM(w, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 5, 1, 1, 1, 1, 1);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0x00, 1);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0x00, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 5);
    for (uint32_t i = 0; i < 5; i++)
        wasm_export(w, names[i], 0, i + 1);
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 1, 1, 0);
    wasm_u32(w, ELEMS);
    for (uint32_t i = 0; i < ELEMS; i++)
        WASM(w, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 5);
    WASM_BODY(w, 0x20, 0, 0x40, 0);                              /* memory.grow */
    WASM_BODY(w, 0x10, 0, 0xd2, 1, 0x20, 0, 0xfc, 0x0f, 0);      /* host, table.grow */
    WASM_BODY(w, 0x41, 0xfc, 0xff, 3, 0x41, 0xd5, 0, 0x36, 2, 0, /* 85 at 65532 */
              0x10, 0, 0x20, 0, 0x40, 0, 0x1a,                   /* host, memory.grow */
              0x3f, 0, 0x41, 16, 0x74, 0x41, 4, 0x6b, 0x41, 7,   /* 7 at the end */
              0x36, 2, 0, 0x41, 0xfc, 0xff, 3, 0x28, 2, 0,       /* their sum */
              0x3f, 0, 0x41, 16, 0x74, 0x41, 4, 0x6b, 0x28, 2, 0, 0x6a);
    WASM_BODY(w, 0xfc, 0x0d, 0, 0x20, 0); /* elem.drop */
    WASM_BODY(w, 0xfc, 0x10, 0);          /* table.size */
    wasm_end(w);
}

typedef struct guest {
    fixture f;
    beamr_instance *inst;
    beamr_memory *memory;
    uint64_t host_grows; /* pages, at each call of the host */
    bool host_interrupts;
} guest;

static beamr_status host(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    guest *g = call->user;

    (void)args;
    (void)results;
    if (g->host_interrupts)
        beamr_store_interrupt(call->store);
    return g->host_grows ? beamr_memory_grow(g->memory, g->host_grows, NULL, err) : BEAMR_OK;
}

static beamr_status guest_try(guest *g, beamr_error *err)
{
    beamr_extern import = {.kind = BEAMR_EXTERN_FUNC};
    wasm_builder w = {0};
    beamr_module *m;
    beamr_status st;

    import.of.func = fixture_func(&g->f, "", "", host, g);
    build(&w);
    m = fixture_load(&g->f, &w);
    st = beamr_instance_new(g->f.store, m, &import, 1, &g->inst, err);
    beamr_module_unref(m);
    if (st == BEAMR_OK)
        g->memory = beamr_instance_memory(g->inst, 0);
    return st;
}

static void guest_open(guest *g, const beamr_config *config, const beamr_store_limits *limits)
{
    beamr_error err = {0};

    *g = (guest){.f = fixture_open_with(config, limits)};
    if (guest_try(g, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static beamr_status try(const guest *g, const char *name, int32_t arg, int32_t *result,
                        beamr_error *err)
{
    beamr_value a = beamr_i32(arg), r = beamr_i32(0);
    beamr_status st;

    beamr_error_clear(err);
    st = beamr_func_call(beamr_instance_find_func(g->inst, name), &a, 1, &r, 1, err);
    *result = r.of.i32;
    return st;
}

static int32_t call(const guest *g, const char *name, int32_t arg)
{
    beamr_error err = {0};
    int32_t result;

    if (try(g, name, arg, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    return result;
}

static void assert_traps(const guest *g, const char *name, int32_t arg, beamr_trap trap)
{
    beamr_error err = {0};
    int32_t result;

    assert_int_equal(try(g, name, arg, &result, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, trap);
}

/* ---- Two kinds of memories ---- */

static beamr_config unguarded_config(void)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;

    config.unguarded = true;
    return config;
}

static void guests_find_their_memory_again_when_it_grows(void **state)
{
    beamr_config config = unguarded_config();

    (void)state;
    for (int guarded = 0; guarded < 2; guarded++) {
        const uint8_t *data;
        guest g;

        guest_open(&g, guarded ? NULL : &config, NULL);
        assert_int_equal(beamr_memory_is_guarded(g.memory), guarded);
        data = beamr_memory_data(g.memory);
        assert_int_equal(call(&g, "across", 300), 85 + 7);
        g.host_grows = 700;
        assert_int_equal(call(&g, "across", 1), 85 + 7);
        assert_int_equal(call(&g, "across", 4000), 85 + 7);
        assert_int_equal(beamr_memory_pages(g.memory), 1 + 300 + 700 + 1 + 700 + 4000);
        if (guarded)
            assert_ptr_equal(beamr_memory_data(g.memory), data);
        assert_int_equal(beamr_memory_write(g.memory, 5702 * PAGE - 1, "x", 1, NULL), BEAMR_OK);
        assert_int_equal(beamr_memory_write(g.memory, 5702 * PAGE - 1, "xy", 2, NULL),
                         BEAMR_TRAP);
        fixture_close(&g.f);
    }
}

static void memories_are_unguarded_when_the_address_budget_is_used_up(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    guest a, b;

    (void)state;
    config.max_reserved = (UINT64_C(4) << 30) + (1 << 20);
    guest_open(&a, &config, NULL);
    b = a;
    assert_int_equal(guest_try(&b, NULL), BEAMR_OK);
    assert_true(beamr_memory_is_guarded(a.memory));
    assert_false(beamr_memory_is_guarded(b.memory));
    assert_int_equal(call(&b, "across", 9), 85 + 7);
    fixture_close(&a.f);
}

static void stores_memories_and_calls_end_where_the_ranges_do(void **state)
{
    beamr_config config = unguarded_config();
    beamr_store *more = NULL;
    beamr_error err = {0};
    guest a, b;

    (void)state;
    config.max_mappings = 5; /* of a store and a memory; and what is no whole mapping */
    guest_open(&a, &config, NULL);
    b = a;
    assert_int_equal(guest_try(&b, NULL), BEAMR_NO_MEMORY);
    assert_int_equal(beamr_store_new(a.f.engine, NULL, &more, &err), BEAMR_NO_MEMORY);
    assert_non_null(strstr(err.text, "address space"));
    assert_int_equal(call(&a, "across", 9), 85 + 7); /* it moves its memory */
    fixture_close(&a.f);
    guest_open(&a, &config, NULL); /* all was given back */
    fixture_close(&a.f);
}

static void content_that_is_set_may_lie_in_the_memory(void **state)
{
    beamr_config config = unguarded_config();
    static uint8_t large[9 * PAGE + 1];
    guest g;

    (void)state;
    guest_open(&g, &config, NULL);
    memset(large, 3, sizeof large);
    assert_int_equal(beamr_memory_set(g.memory, (beamr_bytes){large, sizeof large}, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_memory_pages(g.memory), 10);
    assert_memory_equal(beamr_memory_data(g.memory), large, sizeof large);
    beamr_memory_data(g.memory)[5] = 4;
    assert_int_equal(
        beamr_memory_set(g.memory, (beamr_bytes){beamr_memory_data(g.memory) + 5, 2}, NULL),
        BEAMR_OK);
    assert_memory_equal(beamr_memory_data(g.memory), "\4\3\0\0", 4);
    assert_int_equal(beamr_memory_data(g.memory)[9 * PAGE], 0);
    fixture_close(&g.f);
}

static const beamr_snapshot_options with_refs = {
    .ref_save = snapshot_guest_ref_save,
    .ref_load = snapshot_guest_ref_load,
};

static snapshot_guest snapshot_guest_open(fixture *f, const beamr_config *config)
{
    beamr_bytes wasm = {snapshot_guest_wasm, sizeof snapshot_guest_wasm};
    beamr_module *m = NULL;
    snapshot_guest g = {0};

    *f = fixture_open_with(config, NULL);
    g.store = f->store;
    assert_int_equal(snapshot_guest_imports(&g, NULL, NULL), BEAMR_OK);
    assert_int_equal(beamr_module_load(f->engine, wasm, &m, NULL), BEAMR_OK);
    assert_int_equal(beamr_instance_new(f->store, m, g.imports, 5, &g.instance, NULL),
                     BEAMR_OK);
    beamr_module_unref(m);
    return g;
}

/* Restore one guest's state in the other, whose state is then the same. */
static void carry_over(const snapshot_guest *from, const snapshot_guest *to)
{
    uint8_t *a = NULL, *b = NULL;
    size_t a_len = 0, b_len = 0;
    beamr_error err = {0};

    assert_int_equal(beamr_snapshot_save(from->instance, &with_refs, &a, &a_len, &err),
                     BEAMR_OK);
    if (beamr_snapshot_restore(to->instance, (beamr_bytes){a, a_len}, &with_refs, &err) !=
        BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(beamr_snapshot_save(to->instance, &with_refs, &b, &b_len, &err), BEAMR_OK);
    assert_int_equal(a_len, b_len);
    assert_memory_equal(a, b, a_len);
    beamr_snapshot_free(a);
    beamr_snapshot_free(b);
}

static void change(const snapshot_guest *g, int32_t delta, int64_t wide_delta)
{
    beamr_value arg = beamr_i32(delta), wide = beamr_i64(wide_delta), result;
    beamr_extern e = {0};

    assert_int_equal(beamr_func_call(beamr_instance_find_func(g->instance, "grow"), &arg, 1,
                                     &result, 1, NULL),
                     BEAMR_OK);
    assert_int_not_equal(result.of.i32, -1);
    assert_int_equal(beamr_func_call(beamr_instance_find_func(g->instance, "grow_wide"), &wide,
                                     1, &result, 1, NULL),
                     BEAMR_OK);
    assert_int_not_equal(result.of.i64, -1);
    assert_int_equal(beamr_func_call(beamr_instance_find_func(g->instance, "step"), &arg, 1,
                                     &result, 1, NULL),
                     BEAMR_OK);
    assert_true(beamr_instance_find(g->instance, beamr_bytes_of("wide"), &e));
    assert_int_equal(
        beamr_memory_write(e.of.memory, beamr_memory_size(e.of.memory) - 1, "w", 1, NULL),
        BEAMR_OK);
}

static void snapshots_are_the_same_for_both_kinds(void **state)
{
    beamr_config config = unguarded_config();
    fixture f, g;
    snapshot_guest guarded = snapshot_guest_open(&f, NULL);
    snapshot_guest unguarded = snapshot_guest_open(&g, &config);
    snapshot_guest fresh;
    fixture h;

    (void)state;
    change(&guarded, 7, 20);
    carry_over(&guarded, &unguarded);
    change(&unguarded, 3, 41);
    carry_over(&unguarded, &guarded);
    change(&guarded, 2, 1);
    carry_over(&guarded, &unguarded);
    fresh = snapshot_guest_open(&h, &config);
    carry_over(&fresh, &unguarded); /* all memories become smaller */
    change(&unguarded, 7, 20);
    carry_over(&unguarded, &guarded);
    fixture_close(&f);
    fixture_close(&g);
    fixture_close(&h);
}

/* ---- The store's budget ---- */

static void modules_with_great_tables_are_refused_before_they_are_made(void **state)
{
    beamr_limits all = {262144, 262144, true};
    fixture f = fixture_open();
    beamr_instance *inst = NULL;
    beamr_memory *memory = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};
    beamr_module *m;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TABLE);
    wasm_u32(&w, 300);
    for (int i = 0; i < 300; i++) {
        WASM(&w, 0x70, 0x00);
        wasm_u32(&w, 10000000);
    }
    wasm_end(&w);
    m = fixture_load(&f, &w);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, &err), BEAMR_LIMIT);
    assert_string_equal(err.text, "what the module starts with takes 24000000000 bytes; the "
                                  "store allows 18253611008 in all, and 0 are taken");
    beamr_module_unref(m);
    if (beamr_memory_new(f.store, &all, &memory, NULL) != BEAMR_OK)
        fail_msg("the default does not leave room for 16 GiB");
    fixture_close(&f);
}

static void store_budget_gives_minus_one_exactly_beyond_its_edge(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_error err = {0};
    guest g;

    (void)state;
    limits.max_bytes = START - 1;
    g = (guest){.f = fixture_open_with(NULL, &limits)};
    assert_int_equal(guest_try(&g, &err), BEAMR_LIMIT);
    assert_text(err, "takes 66344 bytes; the store allows 66343 in all");
    fixture_close(&g.f);
    limits.max_bytes = START + 2 * PAGE + 16;
    guest_open(&g, NULL, &limits);
    assert_int_equal(call(&g, "grow", 3), -1);
    assert_int_equal(call(&g, "grow", 2), 1);
    assert_int_equal(call(&g, "grow", 1), -1);
    assert_int_equal(call(&g, "grow_table", 3), -1); /* 32 bytes, 24 of them new */
    assert_int_equal(call(&g, "grow_table", 1), 1);
    assert_int_equal(call(&g, "grow_table", 1), -1);
    assert_int_equal(call(&g, "drop", 0), 0);
    assert_int_equal(call(&g, "grow_table", 127), -1); /* 1024 bytes in all, 824 are left */
    assert_int_equal(call(&g, "grow_table", 62), 2);
    assert_int_equal(call(&g, "grow_table", 1), -1);
    assert_int_equal(call(&g, "table_size", 0), 64);
    fixture_close(&g.f);
}

/* What was counted for an instance that was not made is given back. */
static void failed_instances_count_no_more(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};
    beamr_module *m;
    fixture f;

    (void)state;
    limits.max_bytes = 10 * PAGE + 80000000;
    f = fixture_open_with(NULL, &limits);
    wasm_begin(&w);
    wasm_section(&w, WASM_TABLE);
    WASM(&w, 1, 0x70, 0x00);
    wasm_u32(&w, 10000000);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0x00, 10);
    wasm_end(&w);
    m = fixture_load(&f, &w);
    beamr_store_interrupt(f.store);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, NULL), BEAMR_OK);
    beamr_error_clear(&err);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, &err), BEAMR_LIMIT);
    beamr_module_unref(m);
    fixture_close(&f);
}

/* ---- The engine's budget ---- */

static void engine_budget_traps_and_leaves_the_guest_usable(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_error err = {0};
    guest g, other;

    (void)state;
    config.max_bytes = START + 2 * PAGE;
    guest_open(&g, &config, NULL);
    other = g;
    assert_int_equal(guest_try(&other, &err), BEAMR_OK);
    beamr_error_clear(&err);
    assert_int_equal(guest_try(&other, &err), BEAMR_NO_MEMORY);
    assert_text(err, "takes 66344 bytes; the engine allows 197416 to all of its stores");
    assert_traps(&g, "grow", 1, BEAMR_TRAP_OUT_OF_MEMORY);
    assert_traps(&g, "grow_table", 100000, BEAMR_TRAP_OUT_OF_MEMORY);
    assert_int_equal(call(&g, "grow", 65536), -1);
    assert_int_equal(call(&g, "grow", 0), 1);
    assert_int_equal(call(&g, "table_size", 0), 1);
    fixture_close(&g.f);
}

/* As the engine's budget, of one store: others are not concerned. */
static void the_hosts_budget_of_a_store_traps_too(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_error err = {0};
    guest g, other;

    (void)state;
    limits.host_bytes = START + PAGE;
    guest_open(&g, NULL, &limits);
    assert_int_equal(call(&g, "grow", 1), 1);
    assert_traps(&g, "grow", 1, BEAMR_TRAP_OUT_OF_MEMORY);
    assert_traps(&g, "grow_table", 100000, BEAMR_TRAP_OUT_OF_MEMORY);
    assert_int_equal(call(&g, "grow", 65536), -1);
    other = g;
    assert_int_equal(guest_try(&other, &err), BEAMR_NO_MEMORY);
    assert_text(err, "the host allows 131880 to the store, and 131880 are taken");
    fixture_close(&g.f);
}

static void embedders_can_tell_limits_from_a_full_host(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_error err = {0};
    uint64_t old = 99;
    beamr_table *t;
    guest g;

    (void)state;
    config.max_bytes = START + PAGE;
    limits.max_bytes = START + 2 * PAGE;
    guest_open(&g, &config, &limits);
    t = beamr_instance_table(g.inst, 0);
    assert_int_equal(beamr_memory_grow(g.memory, 65536, &old, &err), BEAMR_LIMIT);
    assert_text(err, "at most 65536 are allowed");
    beamr_error_clear(&err);
    assert_int_equal(beamr_memory_grow(g.memory, 3, &old, &err), BEAMR_LIMIT);
    assert_text(err, "the store allows 197416 bytes in all, and 66344 are taken");
    beamr_error_clear(&err);
    assert_int_equal(beamr_memory_grow(g.memory, 2, &old, &err), BEAMR_NO_MEMORY);
    assert_text(err, "out of host memory: a memory of 1 pages cannot grow by 2");
    beamr_error_clear(&err);
    assert_int_equal(beamr_table_grow(t, 1000000, NULL, &old, &err), BEAMR_LIMIT);
    beamr_error_clear(&err);
    assert_int_equal(beamr_table_grow(t, 16000, NULL, &old, &err), BEAMR_NO_MEMORY);
    assert_int_equal(old, 99);
    assert_int_equal(beamr_table_grow(t, 8000, NULL, &old, NULL), BEAMR_OK);
    assert_int_equal(old, 1);
    fixture_close(&g.f);
}

/* ---- Restoring ---- */

typedef struct saved {
    uint8_t *data;
    size_t len;
} saved;

/* Three pages, 65 elements (1024 bytes) and the segment. */
static saved grown_guest(void)
{
    saved s = {0};
    guest g;

    guest_open(&g, NULL, NULL);
    (void)call(&g, "grow", 2);
    (void)call(&g, "grow_table", 64);
    assert_int_equal(beamr_snapshot_save(g.inst, NULL, &s.data, &s.len, NULL), BEAMR_OK);
    fixture_close(&g.f);
    return s;
}

/* Limits that leave `spare` bytes once the grown guest is there. */
static void restore_within(uint64_t spare, bool of_engine, beamr_status wanted)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    saved s = grown_guest();
    beamr_error err = {0};
    guest g;

    *(of_engine ? &config.max_bytes : &limits.max_bytes) =
        3 * PAGE + 128 * 8 + 8 * ELEMS + spare;
    guest_open(&g, &config, &limits);
    assert_int_equal(beamr_snapshot_restore(g.inst, (beamr_bytes){s.data, s.len}, NULL, &err),
                     wanted);
    assert_int_equal(beamr_memory_pages(g.memory), wanted == BEAMR_OK ? 3 : 1);
    assert_int_equal(call(&g, "table_size", 0), wanted == BEAMR_OK ? 65 : 1);
    if (wanted == BEAMR_OK && !of_engine) {
        assert_int_equal(call(&g, "grow", 1), spare >= PAGE ? 3 : -1);
        assert_int_equal(call(&g, "grow_table", 63), 65);
        assert_int_equal(call(&g, "grow_table", 1), -1);
    } else if (wanted != BEAMR_OK) {
        assert_int_equal(call(&g, "grow", 1), 1);
    }
    beamr_snapshot_free(s.data);
    fixture_close(&g.f);
}

static void restores_count_as_the_growth_did(void **state)
{
    (void)state;
    restore_within(0, false, BEAMR_OK);
    restore_within(PAGE, false, BEAMR_OK);
    restore_within((uint64_t)-1, false, BEAMR_LIMIT);
    restore_within(0, true, BEAMR_OK);
    restore_within((uint64_t)-1, true, BEAMR_NO_MEMORY);
}

/* To smaller sizes, and a dropped segment that comes back. */
static void restores_give_back_what_they_take_away(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    saved s = {0};
    guest g;

    (void)state;
    limits.max_bytes = START + 2 * PAGE + 8;
    guest_open(&g, NULL, &limits);
    assert_int_equal(beamr_snapshot_save(g.inst, NULL, &s.data, &s.len, NULL), BEAMR_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(call(&g, "grow", 2), 1);
        assert_int_equal(call(&g, "drop", 0), 0);
        assert_int_equal(call(&g, "grow_table", 63), 1);
        assert_int_equal(call(&g, "grow_table", 1), -1);
        assert_int_equal(
            beamr_snapshot_restore(g.inst, (beamr_bytes){s.data, s.len}, NULL, NULL), BEAMR_OK);
    }
    assert_int_equal(call(&g, "grow", 3), -1);
    assert_int_equal(call(&g, "grow", 2), 1);
    assert_int_equal(call(&g, "grow_table", 2), -1); /* the segment counts again */
    assert_int_equal(call(&g, "grow_table", 1), 1);
    beamr_snapshot_free(s.data);
    fixture_close(&g.f);
}

/* ---- Interrupts ---- */

static void growing_a_table_can_be_interrupted(void **state)
{
    beamr_value null = {.kind = BEAMR_FUNCREF};
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g, NULL, NULL);
    g.host_interrupts = true;
    assert_traps(&g, "grow_table", 9999999, BEAMR_TRAP_INTERRUPTED);
    g.host_interrupts = false;
    assert_int_equal(call(&g, "table_size", 0), 1);
    assert_int_equal(call(&g, "grow_table", 9999999), 1);
    fixture_close(&g.f);

    guest_open(&g, NULL, NULL);
    beamr_store_interrupt(g.f.store);
    assert_int_equal(
        beamr_table_grow(beamr_instance_table(g.inst, 0), 9999999, &null, NULL, &err),
        BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_int_equal(call(&g, "grow_table", 1), 1); /* the interrupt is taken back */
    fixture_close(&g.f);
}

/* A deadline stays when an interrupt is taken back, and is not a want of memory. */
static void growing_a_table_meets_deadlines(void **state)
{
    static const beamr_trap expected[] = {BEAMR_TRAP_INTERRUPTED, BEAMR_TRAP_DEADLINE,
                                          BEAMR_TRAP_DEADLINE};
    guest g;

    (void)state;
    guest_open(&g, NULL, NULL);
    beamr_store_interrupt(g.f.store);
    assert_int_equal(beamr_store_set_deadline(g.f.store, 0, NULL), BEAMR_OK);
    for (size_t i = 0; i < 3; i++) {
        beamr_error err = {0};

        assert_int_equal(
            beamr_table_grow(beamr_instance_table(g.inst, 0), 9999999, NULL, NULL, &err),
            BEAMR_TRAP);
        assert_int_equal(err.trap, expected[i]);
    }
    beamr_store_clear_deadline(g.f.store);
    assert_int_equal(
        beamr_table_grow(beamr_instance_table(g.inst, 0), 9999999, NULL, NULL, NULL), BEAMR_OK);
    beamr_store_interrupt(g.f.store); /* no other operation takes this one back */
    assert_traps(&g, "grow_table", 0, BEAMR_TRAP_INTERRUPTED);
    fixture_close(&g.f);
}

static void assert_interrupted(fixture *f, wasm_builder *w)
{
    beamr_module *m = fixture_load(f, w);
    beamr_instance *inst = NULL;
    beamr_error err = {0};

    beamr_store_interrupt(f->store);
    assert_int_equal(beamr_instance_new(f->store, m, NULL, 0, &inst, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_int_equal(beamr_instance_new(f->store, m, NULL, 0, &inst, NULL), BEAMR_OK);
    beamr_module_unref(m);
}

static void instances_of_many_small_things_can_be_interrupted(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_GLOBAL);
    wasm_u32(&w, 20000);
    for (int i = 0; i < 20000; i++)
        WASM(&w, 0x7f, 0, 0x41, 0, 0x0b);
    wasm_end(&w);
    assert_interrupted(&f, &w);

    wasm_begin(&w);
    wasm_section(&w, WASM_TABLE);
    wasm_u32(&w, 200);
    for (int i = 0; i < 200; i++) {
        WASM(&w, 0x70, 0x00);
        wasm_u32(&w, 1000);
    }
    wasm_end(&w);
    assert_interrupted(&f, &w);

    wasm_begin(&w);
    wasm_section(&w, WASM_ELEMENT);
    WASM(&w, 1, 5, 0x70); /* passive, expressions */
    wasm_u32(&w, 20000);
    for (int i = 0; i < 20000; i++)
        WASM(&w, 0xd0, 0x70, 0x0b);
    wasm_end(&w);
    assert_interrupted(&f, &w);

    wasm_begin(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0x00, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_DATA);
    wasm_u32(&w, 20000);
    for (int i = 0; i < 20000; i++)
        WASM(&w, 0, 0x41, 0, 0x0b, 1, 'x');
    wasm_end(&w);
    assert_interrupted(&f, &w);
    fixture_close(&f);
}

/* ---- A host that is full ---- */

static bool is_sanitized(void)
{
#ifdef __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    return true;
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#endif
    return false;
}

/* The number of the step that went wrong, or 0. */
static int in_little_space(void)
{
    struct rlimit limit = {(rlim_t)512 << 20, (rlim_t)512 << 20};
    beamr_error err = {0};
    int32_t result;
    guest g;

    if (setrlimit(RLIMIT_AS, &limit) != 0)
        return 1;
    guest_open(&g, NULL, NULL);
    if (beamr_memory_is_guarded(g.memory))
        return 2;
    if (call(&g, "across", 2000) != 85 + 7 || call(&g, "across", 3000) != 85 + 7)
        return 3;
    if (try(&g, "grow", 20000, &result, &err) != BEAMR_TRAP ||
        err.trap != BEAMR_TRAP_OUT_OF_MEMORY)
        return 4;
    if (try(&g, "grow", 65536, &result, &err) != BEAMR_OK || result != -1)
        return 5;
    if (call(&g, "across", 1) != 85 + 7 || beamr_memory_pages(g.memory) != 5002)
        return 6;
    fixture_close(&g.f);
    return 0;
}

/* In a child, since the limit stays. */
static void guests_run_where_address_space_is_short(void **state)
{
    int status = 0;
    pid_t pid;

    (void)state;
    if (is_sanitized())
        skip();
    pid = fork();
    if (pid == 0)
        _exit(in_little_space());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guests_find_their_memory_again_when_it_grows),
        cmocka_unit_test(memories_are_unguarded_when_the_address_budget_is_used_up),
        cmocka_unit_test(stores_memories_and_calls_end_where_the_ranges_do),
        cmocka_unit_test(content_that_is_set_may_lie_in_the_memory),
        cmocka_unit_test(snapshots_are_the_same_for_both_kinds),
        cmocka_unit_test(modules_with_great_tables_are_refused_before_they_are_made),
        cmocka_unit_test(store_budget_gives_minus_one_exactly_beyond_its_edge),
        cmocka_unit_test(failed_instances_count_no_more),
        cmocka_unit_test(engine_budget_traps_and_leaves_the_guest_usable),
        cmocka_unit_test(the_hosts_budget_of_a_store_traps_too),
        cmocka_unit_test(embedders_can_tell_limits_from_a_full_host),
        cmocka_unit_test(restores_count_as_the_growth_did),
        cmocka_unit_test(restores_give_back_what_they_take_away),
        cmocka_unit_test(growing_a_table_can_be_interrupted),
        cmocka_unit_test(growing_a_table_meets_deadlines),
        cmocka_unit_test(instances_of_many_small_things_can_be_interrupted),
        cmocka_unit_test(guests_run_where_address_space_is_short),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
