/* Deadlines end guests, whatever these do, and leave them usable. */
#include "fixture.h"

#include <pthread.h>
#include <time.h>

#define MS UINT64_C(1000000)

/* Functions of the module; 0 is the host's. Numbered from 1 on. */
static const char *const exports[] = {"spin",       "fib",        "fill",  "copy",
                                      "table_fill", "table_grow", "throw", "storm",
                                      "host",       "persist",    "answer"};
enum { EXPORTS = sizeof exports / sizeof exports[0] };

static void build_spaces(wasm_builder *w)
{
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 2);
    wasm_functype(w, "", "");
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 1);
    wasm_import(w, "env", "host");
    WASM(w, 0x00, 0);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, EXPORTS, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    wasm_u32(w, 1);
    WASM(w, 0x70, 0x00, 0x80, 0x80, 0x40); /* 1 Mi elements */
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0x00, 64); /* 4 MiB */
    wasm_end(w);
    wasm_section(w, WASM_TAG);
    WASM(w, 1, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, EXPORTS);
    for (uint32_t i = 0; i < EXPORTS; i++)
        wasm_export(w, exports[i], 0, i + 1);
    wasm_end(w);
}

/* 4 MiB, 1 Mi and 5 Mi as i32.const */
#define CONST_4M 0x41, 0x80, 0x80, 0x80, 0x02
#define CONST_1M 0x41, 0x80, 0x80, 0xc0, 0x00
#define CONST_5M 0x41, 0x80, 0x80, 0xc0, 0x02

static void build_code(wasm_builder *w)
{
    wasm_section(w, WASM_CODE);
    wasm_u32(w, EXPORTS);
    WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b); /* spin: loop br 0 */
    /* fib: n < 2 ? n : fib(n - 1) + fib(n - 2) */
    WASM_BODY(w, 0x20, 0, 0x41, 2, 0x48, 0x04, 0x7f, 0x20, 0, 0x05, 0x20, 0, 0x41, 1, 0x6b,
              0x10, 2, 0x20, 0, 0x41, 2, 0x6b, 0x10, 2, 0x6a, 0x0b);
    WASM_BODY(w, 0x41, 0, 0x41, 7, CONST_4M, 0xfc, 0x0b, 0);            /* fill */
    WASM_BODY(w, 0x41, 0, 0x41, 0, CONST_4M, 0xfc, 0x0a, 0, 0);         /* copy */
    WASM_BODY(w, 0x41, 0, 0xd0, 0x70, CONST_1M, 0xfc, 0x11, 0);         /* table_fill */
    WASM_BODY(w, 0xd0, 0x70, CONST_5M, 0xfc, 0x0f, 0, 0x1a);            /* table_grow */
    WASM_BODY(w, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x08, 0, 0x0b, 0x0b); /* throw, caught */
    WASM_BODY(w, 0x03, 0x40, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x08, 0, 0x0b, 0x0b, 0x0c, 0,
              0x0b);                                                    /* storm: for ever */
    WASM_BODY(w, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x10, 0, 0x0b, 0x0b); /* host, caught */
    WASM_BODY(w, 0x03, 0x40, 0x10, 9, 0x0c, 0, 0x0b);                   /* persist: host */
    WASM_BODY(w, 0x20, 0);                                              /* answer */
    wasm_end(w);
}

typedef struct guest {
    fixture f;
    beamr_instance *inst;
    beamr_status (*host)(struct guest *g, beamr_error *err);
    unsigned calls; /* of host */
} guest;

static beamr_status host_call(const beamr_call *call, const beamr_value *args,
                              beamr_value *results, beamr_error *err)
{
    guest *g = call->user;

    (void)args, (void)results;
    g->calls++;
    return g->host ? g->host(g, err) : BEAMR_OK;
}

static void guest_open(guest *g)
{
    wasm_builder w = {0};
    beamr_extern import = {.kind = BEAMR_EXTERN_FUNC};

    *g = (guest){.f = fixture_open()};
    import.of.func = fixture_func(&g->f, "", "", host_call, g);
    wasm_begin(&w);
    build_spaces(&w);
    build_code(&w);
    g->inst = fixture_instance(&g->f, &w, &import, 1);
}

static beamr_status run(guest *g, const char *name, beamr_error *err)
{
    beamr_func *func = beamr_instance_find_func(g->inst, name);
    size_t count = beamr_func_type(func).param_count;
    beamr_value arg = beamr_i32(60), result;

    return beamr_func_call(func, &arg, count, &result, count, err);
}

static void assert_deadline(guest *g, const char *name)
{
    beamr_error err = {0};
    beamr_status st = run(g, name, &err);

    if (st != BEAMR_TRAP || err.trap != BEAMR_TRAP_DEADLINE)
        fail_msg("%s ended with status %d: %s", name, st, err.text);
}

static void assert_usable(guest *g)
{
    assert_int_equal(run(g, "answer", NULL), BEAMR_OK);
    assert_int_equal(run(g, "throw", NULL), BEAMR_OK);
}

static void set(guest *g, uint64_t ns)
{
    assert_int_equal(beamr_store_set_deadline(g->f.store, ns, NULL), BEAMR_OK);
}

static void guests_without_end_end(void **state)
{
    static const char *const endless[] = {"spin", "fib", "storm", "persist"};
    guest g;

    (void)state;
    guest_open(&g);
    for (size_t i = 0; i < sizeof endless / sizeof endless[0]; i++) {
        set(&g, 5 * MS);
        assert_deadline(&g, endless[i]);
        beamr_store_clear_deadline(g.f.store);
        assert_usable(&g);
    }
    fixture_close(&g.f);
}

/* Straight code: the only polls are those of the instruction itself. */
static void instructions_that_take_long_end(void **state)
{
    static const char *const lengthy[] = {"fill", "copy", "table_fill", "table_grow", "throw"};
    guest g;

    (void)state;
    guest_open(&g);
    for (size_t i = 0; i < sizeof lengthy / sizeof lengthy[0]; i++) {
        set(&g, 0);
        assert_deadline(&g, lengthy[i]);
        beamr_store_clear_deadline(g.f.store);
        assert_int_equal(run(&g, lengthy[i], NULL), BEAMR_OK);
    }
    fixture_close(&g.f);
}

static void every_call_ends_until_it_is_cleared_or_set_anew(void **state)
{
    guest g;

    (void)state;
    guest_open(&g);
    set(&g, MS);
    for (int i = 0; i < 3; i++)
        assert_deadline(&g, "spin");
    set(&g, UINT64_MAX);
    assert_usable(&g);
    set(&g, 0);
    assert_deadline(&g, "throw");
    beamr_store_clear_deadline(g.f.store);
    assert_usable(&g);
    fixture_close(&g.f);
}

static void an_interrupt_is_taken_back_and_a_deadline_is_not(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    set(&g, 0);
    beamr_store_interrupt(g.f.store);
    beamr_store_clear_interrupt(g.f.store);
    assert_deadline(&g, "spin");
    beamr_store_clear_deadline(g.f.store);
    beamr_store_interrupt(g.f.store);
    assert_int_equal(run(&g, "spin", &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_usable(&g);
    fixture_close(&g.f);
}

static void instantiation_ends(void **state)
{
    wasm_builder w = {0};
    beamr_instance *inst;
    beamr_error err = {0};
    beamr_module *m;
    fixture f = fixture_open();

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "", "");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_START);
    WASM(&w, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, 1);
    WASM_BODY(&w, 0x03, 0x40, 0x0c, 0, 0x0b);
    wasm_end(&w);
    m = fixture_load(&f, &w);
    assert_int_equal(beamr_store_set_deadline(f.store, MS, NULL), BEAMR_OK);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_DEADLINE);
    beamr_module_unref(m);
    fixture_close(&f);
}

/* ---- Translation ---- */

enum { HUGE_ADDS = 300000, THREADS = 4 };

/* f: adds 1 to a local, many times, without a poll of its own. */
static beamr_module *load_huge(fixture *f)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "i", "i");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, 1);
    wasm_export(&w, "f", 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, 1);
    wasm_sized(&w);
    WASM(&w, 0);
    for (int i = 0; i < HUGE_ADDS; i++)
        WASM(&w, 0x20, 0, 0x41, 1, 0x6a, 0x21, 0);
    WASM(&w, 0x20, 0, 0x0b);
    wasm_end(&w);
    wasm_end(&w);
    return fixture_load(f, &w);
}

static beamr_status call_huge(beamr_instance *inst, int32_t *out, beamr_error *err)
{
    beamr_value arg = beamr_i32(5), result = {0};
    beamr_status st =
        beamr_func_call(beamr_instance_find_func(inst, "f"), &arg, 1, &result, 1, err);

    *out = result.of.i32;
    return st;
}

static void translation_ends_and_is_done_anew(void **state)
{
    fixture f = fixture_open();
    beamr_module *m = load_huge(&f);
    beamr_instance *inst = NULL;
    int32_t result;

    (void)state;
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, NULL), BEAMR_OK);
    for (int i = 0; i < 3; i++) {
        beamr_error err = {0};

        assert_int_equal(beamr_store_set_deadline(f.store, 0, NULL), BEAMR_OK);
        assert_int_equal(call_huge(inst, &result, &err), BEAMR_TRAP);
        assert_int_equal(err.trap, BEAMR_TRAP_DEADLINE);
        assert_int_equal(err.frame_count, 1);
    }
    beamr_store_clear_deadline(f.store);
    assert_int_equal(call_huge(inst, &result, NULL), BEAMR_OK);
    assert_int_equal(result, 5 + HUGE_ADDS);
    beamr_module_unref(m);
    fixture_close(&f);
}

typedef struct sharer {
    pthread_t thread;
    fixture *f;
    beamr_module *module;
    uint64_t ns; /* of the first deadline; each further one is twice as long */
    bool ok;
} sharer;

/* Call until it is in time. */
static void *share(void *arg)
{
    sharer *me = arg;
    beamr_store *store = NULL;
    beamr_instance *inst = NULL;
    beamr_status st = BEAMR_TRAP;
    int32_t result = 0;

    if (beamr_store_new(me->f->engine, NULL, &store, NULL) != BEAMR_OK ||
        beamr_instance_new(store, me->module, NULL, 0, &inst, NULL) != BEAMR_OK)
        return NULL;
    for (uint64_t ns = me->ns; st == BEAMR_TRAP; ns *= 2) {
        beamr_error err = {0};

        (void)beamr_store_set_deadline(store, ns, NULL);
        st = call_huge(inst, &result, &err);
        if (st == BEAMR_TRAP && err.trap != BEAMR_TRAP_DEADLINE)
            break;
    }
    me->ok = st == BEAMR_OK && result == 5 + HUGE_ADDS;
    beamr_store_free(store);
    return NULL;
}

static void threads_that_share_a_module_end_each_for_itself(void **state)
{
    fixture f = fixture_open();
    beamr_module *m = load_huge(&f);
    sharer sharers[THREADS];

    (void)state;
    for (uint64_t i = 0; i < THREADS; i++) {
        sharers[i] = (sharer){.f = &f, .module = m, .ns = MS / 4 * (i + 1)};
        assert_int_equal(pthread_create(&sharers[i].thread, NULL, share, &sharers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(sharers[i].thread, NULL);
        assert_true(sharers[i].ok);
    }
    beamr_module_unref(m);
    fixture_close(&f);
}

/* ---- Set while a call runs ---- */

static void *set_soon(void *store)
{
    const struct timespec pause = {0, 5000000};

    (void)nanosleep(&pause, NULL);
    (void)beamr_store_set_deadline(store, MS, NULL);
    return NULL;
}

static void another_thread_sets_it(void **state)
{
    pthread_t thread;
    guest g;

    (void)state;
    guest_open(&g);
    set(&g, UINT64_MAX);
    assert_int_equal(pthread_create(&thread, NULL, set_soon, g.f.store), 0);
    assert_deadline(&g, "spin");
    pthread_join(thread, NULL);
    fixture_close(&g.f);
}

static beamr_status set_and_return(guest *g, beamr_error *err)
{
    return g->calls == 3 ? beamr_store_set_deadline(g->f.store, 0, err) : BEAMR_OK;
}

static void a_host_function_sets_it(void **state)
{
    guest g;

    (void)state;
    guest_open(&g);
    g.host = set_and_return;
    assert_deadline(&g, "persist");
    assert_int_equal(g.calls, 3);
    fixture_close(&g.f);
}

static beamr_status swallow(guest *g, beamr_error *err)
{
    (void)err;
    set(g, MS);
    assert_deadline(g, "spin");
    return BEAMR_OK;
}

/* The guest around it catches all, the host function ignores how its call ended. */
static void nobody_can_swallow_it(void **state)
{
    guest g;

    (void)state;
    guest_open(&g);
    g.host = swallow;
    assert_deadline(&g, "persist");
    assert_int_equal(g.calls, 1);
    assert_deadline(&g, "spin");
    fixture_close(&g.f);
}

static beamr_status pass_on(guest *g, beamr_error *err)
{
    set(g, 0);
    return run(g, "spin", err);
}

static void it_passes_through_host_frames(void **state)
{
    guest g;

    (void)state;
    guest_open(&g);
    g.host = pass_on;
    assert_deadline(&g, "host");
    beamr_store_clear_deadline(g.f.store);
    assert_usable(&g);
    fixture_close(&g.f);
}

static void the_store_may_go_with_one_to_come(void **state)
{
    guest g;

    (void)state;
    guest_open(&g);
    set(&g, 3600 * 1000 * MS);
    fixture_close(&g.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guests_without_end_end),
        cmocka_unit_test(instructions_that_take_long_end),
        cmocka_unit_test(every_call_ends_until_it_is_cleared_or_set_anew),
        cmocka_unit_test(an_interrupt_is_taken_back_and_a_deadline_is_not),
        cmocka_unit_test(instantiation_ends),
        cmocka_unit_test(translation_ends_and_is_done_anew),
        cmocka_unit_test(threads_that_share_a_module_end_each_for_itself),
        cmocka_unit_test(another_thread_sets_it),
        cmocka_unit_test(a_host_function_sets_it),
        cmocka_unit_test(nobody_can_swallow_it),
        cmocka_unit_test(it_passes_through_host_frames),
        cmocka_unit_test(the_store_may_go_with_one_to_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
