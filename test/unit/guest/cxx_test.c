/* C++ exceptions in Emscripten's form: throwing, choosing, catching, throwing again, and what
 * is left afterwards. The guest is sources/emscripten_guest.cc. */
#include <stdio.h>

#include "emscripten_fixture.h"
#include "guest/emscripten.h"

static const bool widths[] = {false, true};

#define FOR_BOTH(g)                                                                            \
    for (size_t w_ = 0; w_ < 2; w_++)                                                          \
        for (guest g = guest_open_with(widths[w_], NULL, NULL, NULL); g.wasi;                  \
             guest_close(&g), g.wasi = NULL)

static void the_handler_is_chosen_by_type(void **state)
{
    (void)state;
    FOR_BOTH(g)
    {
        assert_int_equal(guest_call1(&g, "handler", 0), 0);
        assert_int_equal(guest_call1(&g, "handler", 1), 1007);
        assert_int_equal(guest_call1(&g, "handler", 2), 2005);
        assert_int_equal(guest_call1(&g, "handler", 3), 2006);
        assert_int_equal(guest_call1(&g, "handler", 4), 3000 + 't');
        assert_int_equal(guest_left(&g), 0);
    }
}

static void objects_on_the_way_are_destroyed(void **state)
{
    (void)state;
    FOR_BOTH(g)
    {
        assert_int_equal(guest_call1(&g, "cleanup", 2), 22005);
        assert_int_equal(guest_call1(&g, "cleanup", 5), 100000);
        assert_int_equal(guest_left(&g), 0);
    }
}

static void a_handler_throws_again(void **state)
{
    (void)state;
    FOR_BOTH(g)
    {
        assert_int_equal(guest_call1(&g, "again", 2), 6);
        assert_int_equal(guest_call1(&g, "again", 3), 7);
        assert_int_equal(guest_call1(&g, "again", 1), 40);
        assert_int_equal(guest_call1(&g, "again", 0), 0);
        assert_int_equal(guest_left(&g), 0);
    }
}

static void uncaught_exceptions_are_named(void **state)
{
    static const struct {
        int32_t what;
        const char *text;
    } cases[] = {{1, "of type int"},
                 {2, "of type Base"},
                 {3, "of type Derived"},
                 {4, "of type char const*"},
                 {5, "of type double"}};

    (void)state;
    FOR_BOTH(g)
    {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            beamr_error err = {0};
            int32_t out;

            assert_int_equal(guest_try(&g, "raise", &cases[i].what, 1, &out, &err),
                             BEAMR_EXCEPTION);
            beamr_guest_explain(g.wasi, g.f.store, &err);
            assert_text(err, cases[i].text);
        }
        assert_int_equal(guest_call1(&g, "handler", 1), 1007);
    }
}

/* ---- State ---- */

static void save(guest *g, uint8_t **bytes, size_t *len)
{
    beamr_error err = {0};

    if (beamr_wasi_save(g->wasi, bytes, len, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static void the_state_is_part_of_the_systems(void **state)
{
    (void)state;
    FOR_BOTH(g)
    {
        guest fresh = guest_open_with(g.is64, NULL, NULL, NULL);
        uint8_t *first, *thrown, *again;
        size_t first_len, thrown_len, again_len;
        beamr_error err = {0};
        int32_t out;

        save(&g, &first, &first_len);
        assert_int_equal(guest_try(&g, "raise", (int32_t[]){2}, 1, &out, &err),
                         BEAMR_EXCEPTION);
        save(&g, &thrown, &thrown_len);
        assert_true(thrown_len > first_len);
        if (beamr_wasi_load(fresh.wasi, (beamr_bytes){thrown, thrown_len}, &err) != BEAMR_OK)
            fail_msg("%s", err.text);
        assert_int_equal(guest_wasi_cxx(fresh.wasi)->uncaught, 1);
        assert_true(guest_wasi_cxx(fresh.wasi)->last != 0);
        save(&fresh, &again, &again_len);
        assert_int_equal(again_len, thrown_len);
        assert_memory_equal(again, thrown, thrown_len);
        free(again);
        beamr_error_clear(&err);
        assert_int_equal(beamr_wasi_load(fresh.wasi, (beamr_bytes){first, first_len}, &err),
                         BEAMR_OK);
        assert_int_equal(guest_wasi_cxx(fresh.wasi)->uncaught, 0);
        free(first);
        free(thrown);
        guest_close(&fresh);
    }
}

static void caught_exceptions_are_saved_in_order(void **state)
{
    uint64_t caught[3] = {16, UINT64_MAX, 48};
    guest_cxx cxx = {
        .last = 5, .uncaught = 2, .temp_ret = UINT32_MAX, .caught = caught, .caught_count = 3};
    guest_cxx loaded = {0};
    uint8_t *bytes;
    size_t len;

    (void)state;
    assert_int_equal(guest_cxx_save(&cxx, &bytes, &len, NULL), BEAMR_OK);
    assert_int_equal(guest_cxx_load(&loaded, (beamr_bytes){bytes, len}, NULL), BEAMR_OK);
    assert_int_equal(loaded.last, 5);
    assert_int_equal(loaded.uncaught, 2);
    assert_int_equal(loaded.temp_ret, UINT32_MAX);
    assert_int_equal(loaded.caught_count, 3);
    assert_memory_equal(loaded.caught, caught, sizeof caught);
    guest_cxx_clear(&loaded);
    free(bytes);
}

static void damaged_states_change_nothing(void **state)
{
    uint8_t bytes[24] = {[20] = 1};
    guest_cxx cxx = {.last = 5};
    beamr_error err = {0};

    (void)state;
    for (size_t len = 1; len < sizeof bytes; len++)
        assert_int_equal(guest_cxx_load(&cxx, (beamr_bytes){bytes, len}, NULL),
                         BEAMR_MALFORMED);
    assert_int_equal(guest_cxx_load(&cxx, (beamr_bytes){bytes, sizeof bytes}, &err),
                     BEAMR_MALFORMED);
    assert_int_equal(err.offset, 16);
    assert_int_equal(cxx.last, 5);
}

/* ---- Hostile guests ---- */

/* A module that has nothing but these functions of ours, and a page of memory. */
static beamr_module *bare_module(fixture *f, const guest_import *rows, size_t count, bool is64)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        /* One name has one type. */
        bool is_again = i > 0 && strcmp(rows[i].name, rows[i - 1].name) == 0;
        const char *type = rows[i - is_again].type;
        char params[8] = {0}, *results = strchr(strcpy(params, type), ':');

        for (char *p = params; *p; p++)
            *p = *p == 'P' ? (is64 ? 'l' : 'i') : *p;
        *results++ = '\0';
        wasm_functype(&w, params, results);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wasm_import(&w, "env", rows[i].name);
        WASM(&w, 0);
        wasm_u32(&w, (uint32_t)i);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, is64 ? 4 : 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        char name[24];

        (void)snprintf(name, sizeof name, "%zu", i);
        wasm_export(&w, name, 0, (uint32_t)i);
    }
    wasm_end(&w);
    return fixture_load(f, &w);
}

static void instantiate_bare(guest *g)
{
    beamr_error err = {0};

    assert_int_equal(beamr_wasi_new(NULL, &g->wasi, &err), BEAMR_OK);
    assert_int_equal(beamr_linker_new(g->f.store, &g->linker, &err), BEAMR_OK);
    if (beamr_guest_instantiate(g->wasi, g->linker, g->module, BEAMR_STUBS_NONE, &g->instance,
                                &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static guest bare_guest(bool is64)
{
    guest g = {.f = fixture_open(), .is64 = is64};

    g.module = bare_module(&g.f, guest_cxx_rows, guest_cxx_row_count, is64);
    instantiate_bare(&g);
    return g;
}

/* Calls of every function in turn, with numbers that are addresses, nearly, or not at all. */
static void any_arguments_have_an_answer(void **state)
{
    static const int64_t numbers[] = {0,         1,         23,        24,     47,  48,
                                      65535,     65536,     65560,     -1,     -24, -48,
                                      INT32_MAX, INT32_MIN, INT64_MAX, 1 << 10};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };

    (void)state;
    for (size_t width = 0; width < 2; width++) {
        guest g = bare_guest(width);

        for (size_t i = 0; i < 40 * COUNT * guest_cxx_row_count; i++) {
            beamr_func *func =
                beamr_instance_export(g.instance, i % guest_cxx_row_count).of.func;
            beamr_functype type = beamr_func_type(func);
            beamr_value args[3], result;
            beamr_error err = {0};
            beamr_status st;

            for (size_t k = 0; k < type.param_count; k++) {
                int64_t n = numbers[(i / guest_cxx_row_count * (k + 1) + k) % COUNT];

                args[k] = beamr_valtype_kind(type.params[k]) == BEAMR_I64
                              ? beamr_i64(n)
                              : beamr_i32((int32_t)n);
            }
            st =
                beamr_func_call(func, args, type.param_count, &result, type.result_count, &err);
            assert_true(st == BEAMR_OK || st == BEAMR_TRAP || st == BEAMR_EXCEPTION);
            beamr_guest_explain(g.wasi, g.f.store, &err);
        }
        guest_close(&g);
    }
}

static void ends_without_a_beginning_trap(void **state)
{
    static const char *const names[] = {"__cxa_end_catch", "__cxa_rethrow"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        guest g = bare_guest(false);
        size_t row = 0;
        beamr_error err = {0};

        while (strcmp(guest_cxx_rows[row].name, names[i]) != 0)
            row++;
        assert_int_equal(beamr_func_call(beamr_instance_export(g.instance, row).of.func, NULL,
                                         0, NULL, 0, &err),
                         BEAMR_TRAP);
        assert_int_equal(err.trap, BEAMR_TRAP_ABORT);
        guest_close(&g);
    }
}

/* How many can be caught does not depend on whether the state was loaded. */
static void a_loaded_state_has_room_for_as_many(void **state)
{
    size_t count = GUEST_CXX_CAUGHT_MAX / 2 + 1;
    guest g = bare_guest(false);
    guest_cxx *cxx = guest_wasi_cxx(g.wasi);
    guest_cxx many = {.caught = calloc(count, sizeof(uint64_t)), .caught_count = count};
    beamr_value none = beamr_i32(0), result;
    beamr_error err = {0};
    uint8_t *bytes;
    size_t len, row = 0;

    (void)state;
    many.last = 1; /* else there would be nothing to save */
    assert_non_null(many.caught);
    assert_int_equal(guest_cxx_save(&many, &bytes, &len, NULL), BEAMR_OK);
    assert_int_equal(guest_cxx_load(cxx, (beamr_bytes){bytes, len}, NULL), BEAMR_OK);
    while (strcmp(guest_cxx_rows[row].name, "__cxa_begin_catch") != 0)
        row++;
    for (; count < GUEST_CXX_CAUGHT_MAX; count++)
        if (beamr_func_call(beamr_instance_export(g.instance, row).of.func, &none, 1, &result,
                            1, &err) != BEAMR_OK)
            fail_msg("%zu: %s", count, err.text);
    assert_int_equal(beamr_func_call(beamr_instance_export(g.instance, row).of.func, &none, 1,
                                     &result, 1, &err),
                     BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    free(bytes);
    free(many.caught);
    guest_close(&g);
}

/* ---- Pointers that are thrown ---- */

/* A module with the three imports that a throw needs, and what a guest of C++ exports: every
 * thrown type is a pointer, and every handler is for a base 4 bytes into what it points to. */
static beamr_module *pointer_module(fixture *f)
{
    static const char *const imports[] = {"__cxa_throw", "__cxa_find_matching_catch_3",
                                          "__cxa_begin_catch"};
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    WASM(&w, 3);
    wasm_functype(&w, "iii", "");
    wasm_functype(&w, "i", "i");
    wasm_functype(&w, "iii", "i");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 3);
    for (uint8_t i = 0; i < 3; i++) {
        wasm_import(&w, "env", imports[i]);
        WASM(&w, 0, i > 0);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 2, 2, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 5);
    for (uint32_t i = 0; i < 3; i++)
        wasm_export(&w, imports[i], 0, i);
    wasm_export(&w, "__cxa_can_catch", 0, 3);
    wasm_export(&w, "__cxa_is_pointer_type", 0, 4);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 2);
    /* i32.store(local 2, i32.load(i32.load(local 2)) + 4); 1 */
    WASM_BODY(&w, 0x20, 2, 0x20, 2, 0x28, 2, 0, 0x28, 2, 0, 0x41, 4, 0x6a, 0x36, 2, 0, 0x41, 1);
    WASM_BODY(&w, 0x41, 1);
    wasm_end(&w);
    return fixture_load(f, &w);
}

static int32_t catch_pointer(guest *g, int32_t handler)
{
    enum { OBJECT = 1024, TYPE = 64 };
    beamr_value thrown[3] = {beamr_i32(OBJECT), beamr_i32(TYPE), beamr_i32(0)};
    beamr_value type = beamr_i32(handler), object, caught;
    uint32_t target = 2000;
    beamr_error err = {0};

    assert_int_equal(beamr_memory_write(beamr_instance_memory(g->instance, 0), OBJECT, &target,
                                        sizeof target, &err),
                     BEAMR_OK);
    assert_int_equal(beamr_func_call(beamr_instance_find_func(g->instance, "__cxa_throw"),
                                     thrown, 3, NULL, 0, &err),
                     BEAMR_EXCEPTION);
    beamr_error_clear(&err);
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(g->instance, "__cxa_find_matching_catch_3"),
                        &type, 1, &object, 1, &err),
        BEAMR_OK);
    assert_int_equal(object.of.i32, OBJECT);
    assert_int_equal(beamr_func_call(beamr_instance_find_func(g->instance, "__cxa_begin_catch"),
                                     &object, 1, &caught, 1, &err),
                     BEAMR_OK);
    return caught.of.i32;
}

static void a_thrown_pointer_is_adjusted_to_its_handlers_type(void **state)
{
    guest g = {.f = fixture_open()};

    (void)state;
    g.module = pointer_module(&g.f);
    instantiate_bare(&g);
    assert_int_equal(catch_pointer(&g, 64), 2000); /* the thrown type itself */
    assert_int_equal(catch_pointer(&g, 80), 2004);
    assert_int_equal(catch_pointer(&g, 0), 2000); /* catch (...) */
    guest_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handler_is_chosen_by_type),
        cmocka_unit_test(objects_on_the_way_are_destroyed),
        cmocka_unit_test(a_handler_throws_again),
        cmocka_unit_test(uncaught_exceptions_are_named),
        cmocka_unit_test(the_state_is_part_of_the_systems),
        cmocka_unit_test(caught_exceptions_are_saved_in_order),
        cmocka_unit_test(damaged_states_change_nothing),
        cmocka_unit_test(any_arguments_have_an_answer),
        cmocka_unit_test(ends_without_a_beginning_trap),
        cmocka_unit_test(a_loaded_state_has_room_for_as_many),
        cmocka_unit_test(a_thrown_pointer_is_adjusted_to_its_handlers_type),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
