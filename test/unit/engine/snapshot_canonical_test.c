/* Snapshots are canonical: a fixed state has fixed bytes, and states that are equal have equal
 * bytes, by whatever way they were reached. */
#include "snapshot_tiny.h"

#include <ctype.h>
#include <stdio.h>

/* ---- Fixed bytes ---- */

/* The state that tiny_change leaves, as docs/internals/snapshot.md says. "0*N" are N bytes that
 * are zero. */
/* clang-format off */
static const char golden[] =
    "62 65 61 6d 72 73 6e 70 "                                       /* magic */
    "01 00 00 00  00 00 00 00 "                                      /* version, flags */
    "07 21 00 00 00 00 00 00 "                                       /* length */
    "e1 6a 7f af 5c c8 3c 21 cc ca 33 c9 30 68 0f 22 "               /* module */
    "8f 50 67 74 d6 a2 76 5e 6e 25 61 4a 43 8e e2 37 "
    "04 00 00 00  00 00 00 00 "                                      /* sections */
    "01 00 00 00  00 00 00 00  29 00 00 00 00 00 00 00 "             /* globals */
    "00 00 00 00  e8 03 00 00 "                                      /* 0: 1000 */
    "01 00 00 00  01 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00 " /* 1: a vector */
    "02 00 00 00  01 02 01 00 00 00 00 00 00 "                       /* 2: external reference 258 */
    "02 00 00 00  00 00 00 00  18 00 00 00 00 00 00 00 "             /* tables */
    "00 00 00 00  03 00 00 00 00 00 00 00 "                          /* 0: 3 elements */
    "02 00 00 00  01 00 00 00  01 00 00 00 "                         /* functions 1, 0, 0 */
    "03 00 00 00  00 00 00 00  02 00 00 00 00 00 00 00 "             /* segments */
    "01  03 "                                                        /* active ones; element segment 1 */
    "04 00 00 00  00 00 00 00  34 20 00 00 00 00 00 00 "             /* memories */
    "00 00 00 00  02 00 00 00 00 00 00 00  02 00 00 00 00 00 00 00 " /* 0: 2 pages, 2 runs */
    "00 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00 "              /* from block 0 on 1 */
    "0*5 68 69 0*4089 "
    "11 00 00 00 00 00 00 00  01 00 00 00 00 00 00 00 "              /* from block 17 on 1 */
    "78 0*4095 "
    "74 9f fc e0 ab b5 2f 91 58 22 bd 5a 3a fd 6e ce ";              /* checksum */
/* clang-format on */

/* To be freed. */
static saved from_text(const char *text)
{
    saved s = {.data = calloc(1, 65536)};

    assert_non_null(s.data);
    while (*text) {
        unsigned n;
        int used;

        if (isspace((unsigned char)*text)) {
            text++;
            continue;
        }
        if (sscanf(text, "0*%u%n", &n, &used) == 1)
            s.len += n;
        else if (sscanf(text, "%2x%n", &n, &used) == 1)
            s.data[s.len++] = (uint8_t)n;
        else
            fail_msg("no hexadecimal number: %s", text);
        text += used;
        assert_true(s.len <= 65536);
    }
    return s;
}

static void version_1_has_these_bytes(void **state)
{
    fixture f = fixture_open();
    beamr_instance *a = tiny_new(&f, NULL, NULL), *b = tiny_new(&f, NULL, NULL);
    saved s = from_text(golden);
    beamr_error err = {0};

    (void)state;
    tiny_change(a);
    assert_saved(a, &s);
    if (tiny_restore(b, &s, &err) != BEAMR_OK)
        fail_msg("not restored: %s", err.text);
    assert_saved(b, &s);
    free(s.data);
    fixture_close(&f);
}

/* ---- Other ways to the same state ---- */

static void grow_memory(beamr_instance *inst, uint64_t pages)
{
    assert_int_equal(beamr_memory_grow(tiny_export(inst, "m").of.memory, pages, NULL, NULL),
                     BEAMR_OK);
}

static void write_memory(beamr_instance *inst, uint64_t at, const void *bytes, size_t len)
{
    assert_int_equal(beamr_memory_write(tiny_export(inst, "m").of.memory, at, bytes, len, NULL),
                     BEAMR_OK);
}

static void grow_table(beamr_instance *inst, uint64_t elements)
{
    assert_int_equal(
        beamr_table_grow(tiny_export(inst, "t").of.table, elements, NULL, NULL, NULL),
        BEAMR_OK);
}

static void set_element(beamr_instance *inst, uint64_t i, beamr_func *func)
{
    const beamr_value v = {.kind = BEAMR_FUNCREF, .of.func = func};

    assert_int_equal(beamr_table_set(tiny_export(inst, "t").of.table, i, &v, NULL), BEAMR_OK);
}

static void growing_in_steps_is_growing_at_once(void **state)
{
    fixture f = fixture_open();
    beamr_instance *a = tiny_new(&f, NULL, NULL), *b = tiny_new(&f, NULL, NULL);

    (void)state;
    grow_memory(a, 2);
    grow_memory(b, 1);
    grow_memory(b, 0);
    grow_memory(b, 1);
    assert_equal_states(a, b);
    grow_table(a, 4);
    for (int i = 0; i < 4; i++)
        grow_table(b, 1); /* of another capacity */
    assert_equal_states(a, b);
    fixture_close(&f);
}

static void what_is_written_back_was_never_written(void **state)
{
    static const uint8_t zeros[65536];
    fixture f = fixture_open();
    beamr_instance *a = tiny_new(&f, NULL, NULL), *b = tiny_new(&f, NULL, NULL);
    beamr_func *seven = beamr_instance_find_func(b, "seven");
    beamr_value v = beamr_i32(3);

    (void)state;
    write_memory(b, 5, "ih", 2);
    write_memory(b, 5, "hi", 2);
    write_memory(b, 40000, "x", 1);
    write_memory(b, 40000, "", 1);
    assert_int_equal(beamr_global_set(tiny_export(b, "i").of.global, &v, NULL), BEAMR_OK);
    v = beamr_i32(-1);
    assert_int_equal(beamr_global_set(tiny_export(b, "i").of.global, &v, NULL), BEAMR_OK);
    set_element(b, 1, seven);
    set_element(b, 1, NULL);
    set_element(b, 0, NULL);
    set_element(b, 0, seven);
    assert_equal_states(a, b);
    grow_memory(a, 2);
    grow_memory(b, 2);
    write_memory(b, 65536, zeros, sizeof zeros); /* touched there, never touched here */
    assert_equal_states(a, b);
    fixture_close(&f);
}

static void memory_that_was_given_back_was_never_there(void **state)
{
    fixture f = fixture_open();
    beamr_instance *a = tiny_new(&f, NULL, NULL), *b = tiny_new(&f, NULL, NULL);
    saved s = tiny_save(a);

    (void)state;
    tiny_change(b);
    write_memory(b, 30000, "much", 4);
    assert_int_equal(tiny_restore(b, &s, NULL), BEAMR_OK);
    assert_equal_states(a, b);
    tiny_change(a);
    tiny_change(b);
    assert_equal_states(a, b);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

/* Functions are objects made when they are first needed; their order does not show. */
static void functions_made_in_another_order_have_the_same_indices(void **state)
{
    static const char *const names[] = {"work", "ask", "change", "seven"};
    fixture f = fixture_open();
    beamr_instance *a = tiny_new(&f, NULL, NULL), *b = tiny_new(&f, NULL, NULL);

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_non_null(beamr_instance_find_func(a, names[i]));
    for (size_t i = 4; i-- > 0;)
        assert_non_null(beamr_instance_find_func(b, names[i]));
    for (size_t i = 0; i < 2; i++) {
        set_element(a, i, beamr_instance_find_func(a, names[i]));
        set_element(b, i, beamr_instance_find_func(b, names[i]));
    }
    assert_equal_states(a, b);
    fixture_close(&f);
}

static beamr_status seven(const beamr_call *c, const beamr_value *args, beamr_value *results,
                          beamr_error *err)
{
    (void)c, (void)args, (void)err;
    results[0] = beamr_i32(7);
    return BEAMR_OK;
}

/* That a call waited does not show; neither do limits, and what else lives in the store. */
static void a_call_that_waited_leaves_what_it_wrote(void **state)
{
    const beamr_store_limits limits = {100, 1000, 50, 1u << 16, 20, 100 << 20, 0};
    fixture f = fixture_open(), g = fixture_open_with(NULL, &limits);
    beamr_instance *a = tiny_new(&f, seven, NULL), *b;
    beamr_value result = beamr_i32(7);
    beamr_answer answer = {.results = &result, .result_count = 1};
    beamr_entry entry = 0;

    (void)state;
    (void)tiny_new(&g, seven, NULL);
    b = tiny_new(&g, NULL, NULL);
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(a, "ask"), NULL, 0, &result, 1, NULL),
        BEAMR_OK);
    assert_int_equal(beamr_entry_begin(beamr_instance_find_func(b, "ask"), NULL, 0, &result, 1,
                                       &entry, NULL),
                     BEAMR_SUSPENDED);
    assert_int_equal(beamr_entry_resume(g.store, entry, &answer, &result, 1, NULL), BEAMR_OK);
    assert_equal_states(a, b);
    tiny_run(a, "work");
    beamr_store_pause(g.store);
    assert_int_equal(
        beamr_entry_begin(beamr_instance_find_func(b, "work"), NULL, 0, NULL, 0, &entry, NULL),
        BEAMR_SUSPENDED);
    assert_int_equal(beamr_entry_resume(g.store, entry, NULL, NULL, 0, NULL), BEAMR_OK);
    assert_equal_states(a, b);
    fixture_close(&f);
    fixture_close(&g);
}

/* ---- What is no part of it ---- */

static void fuel_is_no_part_of_it_and_none_is_used(void **state)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    fixture f;
    beamr_instance *a, *b;
    saved s;

    (void)state;
    config.metering = true;
    f = fixture_open_with(&config, NULL);
    a = tiny_new(&f, NULL, NULL);
    b = tiny_new(&f, NULL, NULL);
    beamr_store_set_fuel(f.store, 100000);
    tiny_change(a);
    assert_true(beamr_store_fuel(f.store) < 100000);
    beamr_store_set_fuel(f.store, 0);
    s = tiny_save(a);
    assert_int_equal(tiny_restore(b, &s, NULL), BEAMR_OK);
    assert_int_equal(tiny_restore(a, &s, NULL), BEAMR_OK);
    assert_int_equal(beamr_store_fuel(f.store), 0);
    beamr_store_set_fuel(f.store, 777);
    assert_saved(b, &s);
    assert_int_equal(beamr_store_fuel(f.store), 777);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

/* An interrupt or pause that was asked for stays asked for, and hinders no snapshot. */
static void what_was_asked_of_the_store_stays(void **state)
{
    fixture f = fixture_open();
    beamr_instance *a = tiny_new(&f, NULL, NULL);
    beamr_error err = {0};
    saved s;

    (void)state;
    tiny_change(a);
    beamr_store_interrupt(f.store);
    s = tiny_save(a);
    assert_int_equal(tiny_restore(a, &s, NULL), BEAMR_OK);
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(a, "work"), NULL, 0, NULL, 0, &err),
        BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

/* ---- Large addresses ---- */

static void bytes_beyond_four_gibibytes_come_back(void **state)
{
    const uint64_t far = UINT64_C(0x100000ffe);
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_instance *a, *b;
    beamr_module *m;
    char bytes[5] = "";
    saved s;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0x04, 0);
    wasm_end(&w);
    m = fixture_load(&f, &w);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &a, NULL), BEAMR_OK);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &b, NULL), BEAMR_OK);
    assert_int_equal(beamr_memory_grow(beamr_instance_memory(a, 0), 65537, NULL, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_memory_write(beamr_instance_memory(a, 0), far, "seen", 4, NULL),
                     BEAMR_OK);
    s = tiny_save(a);
    assert_true(s.len < 10000);
    assert_int_equal(tiny_restore(b, &s, NULL), BEAMR_OK);
    assert_int_equal(beamr_memory_pages(beamr_instance_memory(b, 0)), 65537);
    assert_int_equal(beamr_memory_read(beamr_instance_memory(b, 0), far, bytes, 4, NULL),
                     BEAMR_OK);
    assert_string_equal(bytes, "seen");
    beamr_snapshot_free(s.data);
    beamr_module_unref(m);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_has_these_bytes),
        cmocka_unit_test(growing_in_steps_is_growing_at_once),
        cmocka_unit_test(what_is_written_back_was_never_written),
        cmocka_unit_test(memory_that_was_given_back_was_never_there),
        cmocka_unit_test(functions_made_in_another_order_have_the_same_indices),
        cmocka_unit_test(a_call_that_waited_leaves_what_it_wrote),
        cmocka_unit_test(fuel_is_no_part_of_it_and_none_is_used),
        cmocka_unit_test(what_was_asked_of_the_store_stays),
        cmocka_unit_test(bytes_beyond_four_gibibytes_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
