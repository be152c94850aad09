/* Native code and the state around it: memories that a restored snapshot makes smaller or that
 * have no guard, calls that began before a store had native code, and modules that must be
 * compiled as a whole or not at all. */
#define _GNU_SOURCE
#include "fixture.h"

#include "beamr/native.h"
#include "native_padded.h"

/* ---- A module around a memory ---- */

enum { LOAD, STORE, GROW, DEEP, FUNCS };

/* Functions [i32] -> [i32] with a memory of one page at least, its own or imported; "call" is
 * imported too. The memory's addresses have 64 bits, or 32. */
static void build(wasm_builder *w, bool imports, bool is64)
{
    uint8_t limits = is64 ? 0x05 : 0x01, extend = is64 ? 0xad : 0x01; /* or nop */
    uint8_t wrap = is64 ? 0xa7 : 0x01;

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, imports ? 2 : 1);
    wasm_import(w, "env", "call");
    WASM(w, 0, 0);
    if (imports) {
        wasm_import(w, "env", "memory");
        WASM(w, 2, limits, 1, 8);
    }
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, FUNCS, 0, 0, 0, 0);
    wasm_end(w);
    if (!imports) {
        wasm_section(w, WASM_MEMORY);
        WASM(w, 1, limits, 1, 8);
        wasm_end(w);
    }
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, FUNCS + 2);
    wasm_export(w, "load", 0, 1 + LOAD);
    wasm_export(w, "store", 0, 1 + STORE);
    wasm_export(w, "grow", 0, 1 + GROW);
    wasm_export(w, "deep", 0, 1 + DEEP);
    wasm_export(w, "call", 0, 0);
    wasm_export(w, "memory", 2, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, FUNCS);
    WASM_BODY(w, 0x20, 0, extend, 0x28, 0, 0);
    WASM_BODY(w, 0x20, 0, extend, 0x41, 7, 0x36, 0, 0, 0x41, 0);
    WASM_BODY(w, 0x20, 0, extend, 0x40, 0, wrap);
    WASM_BODY(w, 0x20, 0, 0x10, 1 + DEEP, 0x41, 1, 0x6a);
    wasm_end(w);
}

/* What the host does when "call" is called. */
typedef struct host {
    beamr_store *store;
    beamr_func *func;
    beamr_status status;
    beamr_error err;
} host;

static beamr_status on_call(const beamr_call *call, const beamr_value *args,
                            beamr_value *results, beamr_error *err)
{
    host *h = call->user;

    (void)err;
    results[0] = args[0];
    if (h->func)
        h->status = beamr_func_call(h->func, args, 1, results, 1, &h->err);
    return BEAMR_OK;
}

static beamr_instance *instance(fixture *f, host *h, beamr_memory *memory, bool is64,
                                bool is_native)
{
    beamr_extern imports[2] = {
        {BEAMR_EXTERN_FUNC, {.func = fixture_func(f, "i", "i", on_call, h)}},
        {BEAMR_EXTERN_MEMORY, {.memory = memory}},
    };
    beamr_instance *inst = NULL;
    beamr_error err = {0};
    wasm_builder w = {0};
    beamr_module *m;

    build(&w, memory, is64);
    m = fixture_load(f, &w);
    if ((is_native && beamr_module_compile(m, NULL, &err) != BEAMR_OK) ||
        beamr_instance_new(f->store, m, imports, memory ? 2 : 1, &inst, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(beamr_module_native_count(m), is_native ? FUNCS : 0);
    beamr_module_unref(m);
    return inst;
}

static fixture open_engine(uint64_t max_reserved)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;

    config.tier = BEAMR_TIER_INTERPRET;
    config.max_reserved = max_reserved;
    return fixture_open_with(&config, NULL);
}

static beamr_trap call(beamr_instance *inst, const char *name, int32_t n, int32_t *result)
{
    beamr_value arg = beamr_i32(n), out = beamr_i32(0);
    beamr_error err = {0};

    (void)beamr_func_call(beamr_instance_find_func(inst, name), &arg, 1, &out, 1, &err);
    *result = out.of.i32;
    return err.trap;
}

static int32_t good(beamr_instance *inst, const char *name, int32_t n)
{
    int32_t result;

    assert_int_equal(call(inst, name, n, &result), BEAMR_TRAP_NONE);
    return result;
}

static void bad(beamr_instance *inst, const char *name, int32_t n)
{
    int32_t result;

    assert_int_equal(call(inst, name, n, &result), BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
}

/* ---- Memories that become smaller ---- */

/* Grown, written, and back to one page; what it has lost is gone, and comes back as zeros. */
static void shrink(beamr_instance *restored, beamr_instance *inst)
{
    uint8_t *bytes;
    size_t len;

    assert_int_equal(beamr_snapshot_save(restored, NULL, &bytes, &len, NULL), BEAMR_OK);
    assert_int_equal(good(inst, "grow", 3), 1);
    assert_int_equal(good(inst, "store", 3 * 65536), 0);
    assert_int_equal(good(inst, "load", 3 * 65536), 7);
    assert_int_equal(beamr_snapshot_restore(restored, (beamr_bytes){bytes, len}, NULL, NULL),
                     BEAMR_OK);
    beamr_snapshot_free(bytes);
}

static void check_shrunk(beamr_instance *inst)
{
    for (int32_t at = 65533; at < 65540; at++)
        bad(inst, "load", at);
    bad(inst, "load", 3 * 65536);
    bad(inst, "store", 3 * 65536);
    bad(inst, "store", 65533);
    assert_int_equal(good(inst, "load", 65532), 0);
    assert_int_equal(good(inst, "grow", 3), 1);
    assert_int_equal(good(inst, "load", 3 * 65536), 0);
}

static void what_a_restored_memory_lost_is_out_of_bounds(void **state)
{
    (void)state;
    for (int is64 = 0; is64 < 2; is64++) {
        fixture f = open_engine(0);
        host h = {.store = f.store};
        beamr_instance *inst = instance(&f, &h, NULL, is64, true);

        shrink(inst, inst);
        check_shrunk(inst);
        fixture_close(&f);
    }
}

/* An interpreted instance has it, and a native one imports it, before that or after. */
static void a_memory_that_was_made_smaller_is_shared(void **state)
{
    (void)state;
    for (int how = 0; how < 4; how++) {
        bool is64 = how & 1, is_early = how & 2;
        fixture f = open_engine(0);
        host h = {.store = f.store};
        beamr_instance *owner = instance(&f, &h, NULL, is64, false);
        beamr_memory *memory = beamr_instance_find_memory(owner, "memory");
        beamr_instance *inst = is_early ? instance(&f, &h, memory, is64, true) : NULL;

        shrink(owner, inst ? inst : owner);
        if (!inst)
            inst = instance(&f, &h, memory, is64, true);
        check_shrunk(inst);
        assert_int_equal(good(owner, "load", 3 * 65536), 0);
        fixture_close(&f);
    }
}

/* ---- Memories without a guard ---- */

/* Room for one reservation. Code that leaves checks out does not run with the second memory. */
static void a_memory_without_a_guard_is_checked(void **state)
{
    (void)state;
    for (int is64 = 0; is64 < 2; is64++) {
        fixture f = open_engine(is64 ? UINT64_C(1) << 20 : UINT64_C(5) << 30);
        host h = {.store = f.store};
        beamr_instance *inst[3];

        for (int i = 0; i < 2; i++) {
            beamr_memory *memory;

            inst[i] = instance(&f, &h, NULL, is64, true);
            memory = beamr_instance_find_memory(inst[i], "memory");
            assert_int_equal(beamr_memory_is_guarded(memory), i == 0);
        }
        inst[2] = instance(&f, &h, beamr_instance_find_memory(inst[1], "memory"), is64, true);
        for (int i = 0; i < 3; i++) {
            bad(inst[i], "load", 65533);
            bad(inst[i], "store", 65536);
            bad(inst[i], "load", -4);
        }
        for (int i = 0; i < 2; i++) {
            assert_int_equal(good(inst[i], "grow", 7), 1);
            assert_int_equal(good(inst[i], "store", 8 * 65536 - 4), 0);
            bad(inst[i], "store", 8 * 65536 - 3);
        }
        assert_int_equal(good(inst[2], "load", 8 * 65536 - 4), 7);
        fixture_close(&f);
    }
}

/* ---- Calls that began before the store had native code ---- */

/* Their stacks have no room for native frames, so they interpret; what they see is the same. */
static void a_call_from_before_means_the_same(void **state)
{
    uint32_t depths[2][2];

    (void)state;
    for (int is_native = 0; is_native < 2; is_native++) {
        fixture f = open_engine(0);
        host h = {.store = f.store}, waits = {.store = f.store};
        beamr_instance *first = instance(&f, &h, NULL, false, false), *second;
        beamr_host later = {.callback = NULL};
        beamr_func *asks;
        beamr_value arg = beamr_i32(1), out;
        beamr_answer answer = {.results = &arg, .result_count = 1};
        beamr_entry entry;
        int32_t result;

        assert_int_equal(beamr_func_make(f.store, fixture_type("i", "i"), &later, &asks, NULL),
                         BEAMR_OK);
        assert_int_equal(beamr_entry_begin(asks, &arg, 1, &out, 1, &entry, NULL),
                         BEAMR_SUSPENDED);
        second = instance(&f, &waits, NULL, false, is_native);
        h.func = beamr_instance_find_func(second, "deep");
        for (int i = 0; i < 2; i++) { /* above the waiting call, and when it has ended */
            beamr_error_clear(&h.err);
            assert_int_equal(call(first, "call", 1, &result), BEAMR_TRAP_NONE);
            assert_int_equal(h.err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
            depths[is_native][i] = h.err.frame_total;
            if (i == 0)
                assert_int_equal(beamr_entry_resume(f.store, entry, &answer, &out, 1, NULL),
                                 BEAMR_OK);
        }
        fixture_close(&f);
    }
    assert_true(depths[0][0] > 1000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(depths[0][i], depths[1][i]);
}

/* The host makes the store's first native instance during a call, and calls it from there. */
typedef struct maker {
    fixture *f;
    bool is_native;
    beamr_error err;
    int32_t loaded;
    beamr_trap missed;
} maker;

static beamr_status make_within(const beamr_call *call_, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    static host nothing;
    maker *m = call_->user;
    beamr_instance *inst = instance(m->f, &nothing, NULL, true, m->is_native);
    beamr_value arg = beamr_i32(1), out = beamr_i32(0);

    (void)err;
    results[0] = args[0];
    m->loaded = good(inst, "load", 0);
    m->missed = call(inst, "load", 65533, &m->loaded);
    (void)beamr_func_call(beamr_instance_find_func(inst, "deep"), &arg, 1, &out, 1, &m->err);
    return BEAMR_OK;
}

static void a_call_may_make_the_first_native_instance(void **state)
{
    maker m[2] = {{0}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f = open_engine(0);
        beamr_value arg = beamr_i32(1), out;

        m[i] = (maker){.f = &f, .is_native = i};
        assert_int_equal(beamr_func_call(fixture_func(&f, "i", "i", make_within, &m[i]), &arg,
                                         1, &out, 1, NULL),
                         BEAMR_OK);
        assert_int_equal(m[i].missed, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
        assert_int_equal(m[i].err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
        fixture_close(&f);
    }
    assert_int_equal(m[0].err.frame_total, m[1].err.frame_total);
    assert_string_equal(m[0].err.text, m[1].err.text);
}

/* ---- Modules with tail calls ---- */

/* Three functions that end in tail calls of each other in a ring, [i32 i32] -> [i32], the first
 * of them exported as "f"; and "g", which calls it. */
static void build_ring(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "ii", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 4, 0, 0, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 2);
    wasm_export(w, "f", 0, 0);
    wasm_export(w, "g", 0, 3);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 4);
    for (uint8_t i = 0; i < 3; i++) /* a ? next(a - 1, b + 1) : b */
        WASM_BODY(w, 0x20, 0, 0x04, 0x40, 0x20, 0, 0x41, 1, 0x6b, 0x20, 1, 0x41, 1, 0x6a, 0x12,
                  (uint8_t)((i + 1) % 3), 0x0b, 0x20, 1);
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x10, 0);
    wasm_end(w);
}

/* If one of them stays interpreted, a ring would take native stack each time round. */
static void tail_calls_are_compiled_together_or_not_at_all(void **state)
{
    (void)state;
    for (int way = PAD_NONE; way <= PAD_ODD; way++) {
        fixture f = open_engine(0);
        wasm_builder plain = {0}, w = {0};
        beamr_instance *inst = NULL;
        beamr_error err = {0};
        beamr_module *m;

        build_ring(&plain);
        pad_functions(&w, plain.data, plain.len, way);
        wasm_free(&plain);
        m = fixture_load(&f, &w);
        if (beamr_module_compile(m, NULL, &err) != BEAMR_OK)
            assert_int_equal(err.status, BEAMR_LIMIT);
        assert_int_equal(beamr_module_native_count(m), way == PAD_NONE ? 4 : 0);
        assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, NULL), BEAMR_OK);
        beamr_module_unref(m);
        for (int i = 0; i < 2; i++) {
            beamr_value args[2] = {beamr_i32(3000000), beamr_i32(5)}, out;

            assert_int_equal(beamr_func_call(beamr_instance_find_func(inst, i ? "g" : "f"),
                                             args, 2, &out, 1, &err),
                             BEAMR_OK);
            assert_int_equal(out.of.i32, 3000005);
        }
        fixture_close(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_restored_memory_lost_is_out_of_bounds),
        cmocka_unit_test(a_memory_that_was_made_smaller_is_shared),
        cmocka_unit_test(a_memory_without_a_guard_is_checked),
        cmocka_unit_test(a_call_from_before_means_the_same),
        cmocka_unit_test(a_call_may_make_the_first_native_instance),
        cmocka_unit_test(tail_calls_are_compiled_together_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
