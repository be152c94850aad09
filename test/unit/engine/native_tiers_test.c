/* Guests of both tiers in one store: whatever crosses from one to another, to the host or to C
 * means the same, with each instance interpreted or native: results, traps, backtraces,
 * exceptions, waiting, interrupts, the depth of the stack. */
#define _GNU_SOURCE
#include "fixture.h"

#include <inttypes.h>
#include <stdio.h>

#include "beamr/native.h"
#include "native_tiers_guest.h"

/* One store with instances `a` and `b`; each of them native or not. */
typedef struct world {
    fixture f;
    beamr_instance *a, *b;
    beamr_tag *tag;
    int32_t host_calls;
} world;

enum { A_NATIVE = 1, B_NATIVE = 2, CHECKS = 4, WORLDS = 8 };

/* What the host does: traps, throws, calls back, interrupts; else gives its argument. */
static beamr_status host(const beamr_call *call, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    world *w = call->user;
    int32_t n = args[0].of.i32;
    beamr_value inner[1] = {{0}};
    beamr_error own = {0};

    w->host_calls++;
    results[0].of.i32 = n;
    switch (n) {
    case 1:
        return beamr_fail_trap(err, BEAMR_TRAP_EXIT, "by the host");
    case 2:
        return beamr_throw(w->f.store, w->tag, args, 1, err);
    case 3: /* a call that fails, and is dealt with */
        inner[0] = args[0];
        inner[0].of.i32 = 11;
        (void)beamr_func_call(beamr_instance_find_func(w->a, "via"), inner, 1, results, 1,
                              &own);
        results[0].kind = BEAMR_I32;
        results[0].of.i32 = (int32_t)own.frame_total;
        return BEAMR_OK;
    case 4: /* one whose exception goes on */
        inner[0] = args[0];
        return beamr_func_call(beamr_instance_find_func(w->a, "throw"), inner, 1, results, 1,
                               err);
    case 5: /* one whose trap goes on */
        inner[0] = args[0];
        inner[0].of.i32 = 12;
        return beamr_func_call(beamr_instance_find_func(w->a, "via"), inner, 1, results, 1,
                               err);
    case 6:
        beamr_store_interrupt(w->f.store);
        return BEAMR_OK;
    default:
        return BEAMR_OK;
    }
}

static beamr_instance *instance(world *w, const uint8_t *bytes, size_t size, int how,
                                const beamr_extern *imports, size_t count)
{
    beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT;
    beamr_module *m = NULL;
    beamr_instance *inst = NULL;
    beamr_error err = {0};

    options.threads = 1;
    options.checks = how & 2;
    if (beamr_module_load(w->f.engine, (beamr_bytes){bytes, size}, &m, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if ((how & 1) && beamr_module_compile(m, &options, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    if (beamr_instance_new(w->f.store, m, imports, count, &inst, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    beamr_module_unref(m);
    return inst;
}

static world *world_open(int which)
{
    world *w = calloc(1, sizeof *w);
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_host later = {.callback = NULL};
    beamr_extern imports[4];
    int checks = which & CHECKS ? 2 : 0;

    config.tier = BEAMR_TIER_INTERPRET;
    w->f = fixture_open_with(&config, NULL);
    assert_int_equal(beamr_tag_new(w->f.store, fixture_type("i", ""), &w->tag, NULL), BEAMR_OK);
    imports[0] =
        (beamr_extern){BEAMR_EXTERN_FUNC, {.func = fixture_func(&w->f, "i", "i", host, w)}};
    imports[1] = (beamr_extern){BEAMR_EXTERN_TAG, {.tag = w->tag}};
    w->b =
        instance(w, guest_b, sizeof guest_b, (which & B_NATIVE ? 1 : 0) | checks, imports, 2);
    imports[3] = imports[1];
    imports[1].kind = BEAMR_EXTERN_FUNC;
    assert_int_equal(
        beamr_func_make(w->f.store, fixture_type("i", "i"), &later, &imports[1].of.func, NULL),
        BEAMR_OK);
    imports[2] =
        (beamr_extern){BEAMR_EXTERN_FUNC, {.func = beamr_instance_find_func(w->b, "pass")}};
    w->a =
        instance(w, guest_a, sizeof guest_a, (which & A_NATIVE ? 1 : 0) | checks, imports, 4);
    return w;
}

static void world_close(world *w)
{
    fixture_close(&w->f);
    free(w);
}

/* ---- Calls that end at once ---- */

typedef struct outcome {
    beamr_status status;
    int32_t result;
    int32_t host_calls;
    beamr_error err;
} outcome;

static void call(world *w, const char *name, int32_t n, outcome *out)
{
    beamr_value arg = {.kind = BEAMR_I32, .of.i32 = n};
    beamr_value result = {0};

    memset(out, 0, sizeof *out);
    out->status =
        beamr_func_call(beamr_instance_find_func(w->a, name), &arg, 1, &result, 1, &out->err);
    out->result = result.of.i32;
    out->host_calls = w->host_calls;
}

static void check_same(const char *name, int32_t n, int which, const outcome *a,
                       const outcome *b)
{
    bool same =
        a->status == b->status && a->result == b->result && a->host_calls == b->host_calls &&
        a->err.trap == b->err.trap && strcmp(a->err.text, b->err.text) == 0 &&
        a->err.frame_total == b->err.frame_total && a->err.frame_count == b->err.frame_count;

    for (uint32_t i = 0; same && i < a->err.frame_count; i++)
        same = a->err.frames[i].func == b->err.frames[i].func &&
               a->err.frames[i].offset == b->err.frames[i].offset &&
               strcmp(a->err.frames[i].name, b->err.frames[i].name) == 0;
    if (!same)
        fail_msg("%s %d: interpreted %d, %d \"%s\", %u frames; in world %d %d, %d \"%s\", "
                 "%u frames (%x %x; %x %x)",
                 name, (int)n, (int)a->status, (int)a->result, a->err.text,
                 (unsigned)a->err.frame_total, which, (int)b->status, (int)b->result,
                 b->err.text, (unsigned)b->err.frame_total, (unsigned)a->err.frames[0].offset,
                 (unsigned)a->err.frames[1].offset, (unsigned)b->err.frames[0].offset,
                 (unsigned)b->err.frames[1].offset);
}

/* In the interpreter, then in each other world, in the same order. */
static void calls_mean_the_same(void **state)
{
    static const char *const names[] = {
        "up",     "host",        "via",        "nested",     "catch_host", "catch_via",
        "throw",  "catch_throw", "rethrow",    "table",      "keep",       "deep",
        "rec",    "load",        "store",      "store_deep", "grow",       "fill",
        "divide", "wait",        "wait_catch", "collect",
    };
    static const int32_t numbers[] = {0,  1,  2,     3,     4,     5,  6,     10,    11,
                                      12, 99, 65533, 65528, 65536, -1, 70000, 196608};
    enum { NAMES = sizeof names / sizeof names[0], NUMBERS = sizeof numbers / sizeof *numbers };
    static outcome expected[NAMES][NUMBERS];

    (void)state;
    for (int which = 0; which < WORLDS; which++) {
        world *w = world_open(which);

        for (size_t i = 0; i < NAMES; i++)
            for (size_t k = 0; k < NUMBERS; k++) {
                outcome got;

                if ((numbers[k] <= 0 || numbers[k] > 65533) && strcmp(names[i], "collect") == 0)
                    continue;
                call(w, names[i], numbers[k], &got);
                if (got.status != BEAMR_OK)
                    assert_true(got.err.frame_total > 0);
                if (which == 0)
                    expected[i][k] = got;
                else
                    check_same(names[i], numbers[k], which, &expected[i][k], &got);
            }
        world_close(w);
    }
}

/* ---- Waiting ---- */

static void waiting_calls_go_on_above_each_other(void **state)
{
    (void)state;
    for (int which = 0; which < WORLDS; which++) {
        world *w = world_open(which);
        beamr_func *wait = beamr_instance_find_func(w->a, "wait");
        beamr_value arg = {.kind = BEAMR_I32, .of.i32 = 3}, result = {0};
        beamr_value given = {.kind = BEAMR_I32, .of.i32 = 10};
        beamr_answer answer = {.results = &given, .result_count = 1};
        beamr_entry entries[2];
        outcome got;

        for (int i = 0; i < 2; i++)
            assert_int_equal(beamr_entry_begin(wait, &arg, 1, &result, 1, &entries[i], NULL),
                             BEAMR_SUSPENDED);
        call(w, "collect", 3000, &got); /* above both */
        assert_int_equal(got.result, 77);
        for (int i = 1; i >= 0; i--) {
            for (int k = 0; k < 2; k++)
                assert_int_equal(
                    beamr_entry_resume(w->f.store, entries[i], &answer, &result, 1, NULL),
                    BEAMR_SUSPENDED);
            assert_int_equal(
                beamr_entry_resume(w->f.store, entries[i], &answer, &result, 1, NULL),
                BEAMR_OK);
            assert_int_equal(result.of.i32, 30);
        }
        world_close(w);
    }
}

static void waiting_calls_are_cancelled(void **state)
{
    (void)state;
    for (int which = 0; which < WORLDS; which++) {
        world *w = world_open(which);
        beamr_func *wait = beamr_instance_find_func(w->a, "wait");
        beamr_value arg = {.kind = BEAMR_I32, .of.i32 = 3}, result = {0};
        beamr_entry entry;
        outcome got;

        assert_int_equal(beamr_entry_begin(wait, &arg, 1, &result, 1, &entry, NULL),
                         BEAMR_SUSPENDED);
        assert_int_equal(beamr_entry_cancel(w->f.store, entry, NULL), BEAMR_OK);
        call(w, "via", 7, &got);
        assert_int_equal(got.result, 237);
        assert_int_equal(beamr_entry_begin(wait, &arg, 1, &result, 1, &entry, NULL),
                         BEAMR_SUSPENDED);
        world_close(w); /* while it waits */
    }
}

/* ---- Being stopped ---- */

static void loops_and_calls_are_paused_and_interrupted(void **state)
{
    (void)state;
    for (int which = 0; which < WORLDS; which++) {
        world *w = world_open(which);
        beamr_func *spin = beamr_instance_find_func(w->a, "spin");
        beamr_value arg = {.kind = BEAMR_I32}, result = {0};
        beamr_entry entry;
        beamr_error err = {0};
        outcome got;

        beamr_store_pause(w->f.store);
        assert_int_equal(beamr_entry_begin(spin, &arg, 1, &result, 1, &entry, NULL),
                         BEAMR_SUSPENDED);
        call(w, "via", 7, &got);
        assert_int_equal(got.result, 237);
        beamr_store_pause(w->f.store);
        assert_int_equal(beamr_entry_resume(w->f.store, entry, NULL, &result, 1, &err),
                         BEAMR_SUSPENDED);
        beamr_store_interrupt(w->f.store);
        assert_int_equal(beamr_entry_resume(w->f.store, entry, NULL, &result, 1, &err),
                         BEAMR_TRAP);
        assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
        assert_int_equal(err.frame_total, 1);
        /* What was asked before a call waits for the guest's first call or loop. */
        beamr_store_interrupt(w->f.store);
        call(w, "up", 1, &got);
        assert_int_equal(got.status, BEAMR_OK);
        beamr_store_interrupt(w->f.store);
        call(w, "store_deep", 1, &got);
        assert_int_equal(got.err.trap, BEAMR_TRAP_INTERRUPTED);
        assert_int_equal(got.err.frame_total, 1);
        world_close(w);
    }
}

/* ---- Tail calls between instances ---- */

static beamr_instance *bouncer(world *w, int how, beamr_table *table, int32_t other)
{
    beamr_value v = {.kind = BEAMR_I32, .of.i32 = other};
    beamr_extern imports[3];

    imports[0] =
        (beamr_extern){BEAMR_EXTERN_FUNC, {.func = fixture_func(&w->f, "i", "i", host, w)}};
    imports[1] = (beamr_extern){BEAMR_EXTERN_TABLE, {.table = table}};
    imports[2].kind = BEAMR_EXTERN_GLOBAL;
    assert_int_equal(beamr_global_new(w->f.store, beamr_valtype_of(BEAMR_I32), false, &v,
                                      &imports[2].of.global, NULL),
                     BEAMR_OK);
    return instance(w, guest_t, sizeof guest_t, how, imports, 3);
}

static void bounce(world *w, beamr_instance *inst, const char *name, int32_t times)
{
    beamr_value args[2] = {{.kind = BEAMR_I32, .of.i32 = times}, {.kind = BEAMR_I64}};
    beamr_value result = {0};
    beamr_error err = {0};

    (void)w;
    if (beamr_func_call(beamr_instance_find_func(inst, name), args, 2, &result, 1, &err) !=
        BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    assert_int_equal(result.of.i64, name[1] == 't'   ? times + 5
                                    : name[0] == 's' ? (int64_t)times * 3
                                                     : times);
}

static void tail_calls_between_tiers_take_no_stack(void **state)
{
    static const beamr_limits limits = {.min = 2, .max = UINT64_MAX};

    (void)state;
    for (int which = 0; which < 4; which++) {
        world *w = world_open(0);
        beamr_table *table = NULL;
        beamr_instance *inst[2];

        assert_int_equal(beamr_table_new(w->f.store, &limits, beamr_valtype_of(BEAMR_FUNCREF),
                                         NULL, &table, NULL),
                         BEAMR_OK);
        for (int i = 0; i < 2; i++) {
            beamr_value v = {.kind = BEAMR_FUNCREF};

            inst[i] = bouncer(w, which >> i & 1, table, 1 - i);
            v.of.func = beamr_instance_find_func(inst[i], "bounce");
            assert_int_equal(beamr_table_set(table, (uint64_t)i, &v, NULL), BEAMR_OK);
        }
        for (int i = 0; i < 2; i++) {
            bounce(w, inst[i], "bounce", 300000);
            bounce(w, inst[i], "start", 300001);
            bounce(w, inst[i], "self", 300000);
        }
        world_close(w);
    }
}

/* ---- Native code that comes during a call ---- */

/* "f": calls the host, then the first element of its table. */
static void build_caller(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 2);
    wasm_functype(w, "i", "i");
    wasm_functype(w, "", "");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    WASM(w, 1);
    wasm_import(w, "env", "host");
    WASM(w, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    wasm_export(w, "f", 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    wasm_sized(w);
    WASM(w, 0, 0x10, 0, 0x20, 0, 0x41, 0, 0x11, 0, 0, 0x0b);
    wasm_end(w);
    wasm_end(w);
}

/* "f" of n: n, by as many calls of itself. */
static void build_recursion(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    WASM(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    wasm_export(w, "f", 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    wasm_sized(w);
    WASM(w, 0, 0x20, 0, 0x45, 0x04, 0x40, 0x41, 0, 0x0f, 0x0b); /* if 0: return 0 */
    WASM(w, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x41, 1, 0x6a, 0x0b);
    wasm_end(w);
    wasm_end(w);
}

typedef struct late {
    fixture f;
    beamr_instance *caller;
} late;

/* Compile the recursion, and put it where the guest that called goes on. */
static beamr_status compile_now(const beamr_call *call, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    late *l = call->user;
    wasm_builder w = {0};
    beamr_value v = {.kind = BEAMR_FUNCREF};
    beamr_instance *inst;

    (void)args;
    (void)results;
    build_recursion(&w);
    inst = instance(&(world){.f = l->f}, wasm_bytes_of(&w).data, wasm_bytes_of(&w).len, 1, NULL,
                    0);
    wasm_free(&w);
    v.of.func = beamr_instance_find_func(inst, "f");
    return beamr_table_set(beamr_instance_table(l->caller, 0), 0, &v, err);
}

/* The stack of a call that was begun before any native code was there has no room for it. */
static void code_that_comes_during_a_call_is_for_later_ones(void **state)
{
    static const int32_t depths[] = {10000000, 100, 20000};
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    wasm_builder w = {0};
    late l = {.caller = NULL};
    beamr_extern import = {BEAMR_EXTERN_FUNC, {NULL}};

    (void)state;
    config.tier = BEAMR_TIER_INTERPRET;
    l.f = fixture_open_with(&config, NULL);
    import.of.func = fixture_func(&l.f, "", "", compile_now, &l);
    build_caller(&w);
    l.caller = fixture_instance(&l.f, &w, &import, 1);
    for (size_t i = 0; i < sizeof depths / sizeof depths[0]; i++) {
        beamr_value arg = beamr_i32(depths[i]), result = beamr_i32(0);
        beamr_error err = {0};
        beamr_status st =
            beamr_func_call(beamr_instance_find_func(l.caller, "f"), &arg, 1, &result, 1, &err);

        if (depths[i] <= 20000)
            assert_int_equal(result.of.i32, depths[i]);
        else
            assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
        assert_int_equal(st, depths[i] <= 20000 ? BEAMR_OK : BEAMR_TRAP);
    }
    fixture_close(&l.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_mean_the_same),
        cmocka_unit_test(waiting_calls_go_on_above_each_other),
        cmocka_unit_test(waiting_calls_are_cancelled),
        cmocka_unit_test(loops_and_calls_are_paused_and_interrupted),
        cmocka_unit_test(tail_calls_between_tiers_take_no_stack),
        cmocka_unit_test(code_that_comes_during_a_call_is_for_later_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
