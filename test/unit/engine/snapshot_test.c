/* Snapshots: every kind of change comes back, equal states give equal bytes, and what cannot be
 * restored is refused without a trace. */
#include "snapshot_fixture.h"

/* Go on with both: the same results, and the same states. */
static void assert_goes_on_equally(const snapshot_guest *a, const snapshot_guest *b)
{
    saved x, y;

    call1(a, "table_set_add", 0);
    call1(b, "table_set_add", 0);
    for (int32_t i = 1; i < 20; i++)
        assert_true(call1(a, "step", i * 977).of.i64 == call1(b, "step", i * 977).of.i64);
    assert_int_equal(call1(a, "grow", 1).of.i32, call1(b, "grow", 1).of.i32);
    x = save(a);
    y = save(b);
    assert_true(is_equal(&x, &y));
    beamr_snapshot_free(x.data);
    beamr_snapshot_free(y.data);
}

/* ---- What comes back ---- */

static void every_change_comes_back_in_a_fresh_instance(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHANGES; i++) {
        fixture f = fixture_open(), h = fixture_open();
        snapshot_guest a = guest_new(&f), b = guest_new(&h);
        saved before = save(&a), s;

        changes[i](&a);
        s = save(&a);
        assert_true(is_equal(&before, &s) == (i == 0));
        restore(&b, &s);
        assert_state(&b, &s);
        assert_goes_on_equally(&a, &b);
        beamr_snapshot_free(before.data);
        beamr_snapshot_free(s.data);
        fixture_close(&f);
        fixture_close(&h);
    }
}

static void every_change_is_taken_back(void **state)
{
    fixture f = fixture_open();
    snapshot_guest fresh = guest_new(&f);
    saved s = save(&fresh);

    (void)state;
    for (size_t i = 0; i < CHANGES; i++) {
        snapshot_guest a = guest_new(&f);

        changes[i](&a);
        restore(&a, &s);
        assert_state(&a, &s);
        assert_int_equal(beamr_memory_pages(exported(&a, "m").of.memory), 1);
        assert_int_equal(beamr_table_size(exported(&a, "t").of.table), 4);
        changes[CHANGES - 1](&a); /* dropped segments are there again */
        assert_int_equal(call2(&a, "call", 3, 5).of.i32, 15);
    }
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

static void pages_given_back_are_zero_when_they_return(void **state)
{
    fixture f = fixture_open();
    snapshot_guest g = guest_new(&f);
    beamr_memory *m = exported(&g, "m").of.memory;
    saved s = save(&g);
    uint8_t byte = 1;

    (void)state;
    change_memory_size(&g);
    restore(&g, &s);
    assert_int_equal(beamr_memory_read(m, 65536, &byte, 1, NULL), BEAMR_TRAP);
    assert_int_equal(call1(&g, "grow", 3).of.i32, 1);
    assert_int_equal(beamr_memory_read(m, 4 * 65536 - 1, &byte, 1, NULL), BEAMR_OK);
    assert_int_equal(byte, 0);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

static void equal_states_give_equal_bytes(void **state)
{
    fixture f = fixture_open();
    snapshot_guest a = guest_new(&f), b = guest_new(&f);
    saved s;

    (void)state;
    change_all(&a);
    call1(&b, "grow", 1); /* otherwise, and by detours */
    call2(&b, "store", 70000, 1);
    change_elements(&b);
    call0(&b, "data_drop_empty");
    call0(&b, "elem_drop_empty");
    change_table(&b);
    s = save(&a);
    restore(&b, &s);
    assert_state(&b, &s);
    beamr_snapshot_free(s.data);
    a = guest_new(&f);
    b = guest_new(&f);
    s = save(&a);
    call2(&b, "store", 50000, 1);
    call2(&b, "store", 50000, 0);
    call1(&b, "table_set_b", 3);
    call1(&b, "table_clear", 3);
    call0(&b, "data_drop_empty");
    call0(&b, "elem_drop_empty");
    assert_state(&b, &s);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

static void size_follows_what_is_used(void **state)
{
    fixture f = fixture_open();
    snapshot_guest g = guest_new(&f);
    saved before = save(&g), s;

    (void)state;
    (void)call(&g, "grow_wide", 1, beamr_i64(64), beamr_i32(0));
    s = save(&g);
    assert_int_equal(s.len, before.len);
    assert_true(s.len < 8192);
    beamr_snapshot_free(before.data);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

static void a_memory_without_pages_comes_back(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    snapshot_guest g = {.store = f.store};
    saved s;

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0x01, 0, 0);
    wasm_end(&w);
    g.instance = fixture_instance(&f, &w, NULL, 0);
    s = save(&g);
    restore(&g, &s);
    assert_int_equal(beamr_memory_pages(beamr_instance_memory(g.instance, 0)), 0);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

/* ---- References ---- */

static beamr_status answer(const beamr_call *c, const beamr_value *args, beamr_value *results,
                           beamr_error *err)
{
    (void)c, (void)args, (void)err;
    results[0] = beamr_i32(42);
    return BEAMR_OK;
}

/* Imports two functions; the element of its table is the second. */
static snapshot_guest two_functions(fixture *f, beamr_func *first, beamr_func *second)
{
    const beamr_extern imports[] = {{BEAMR_EXTERN_FUNC, {.func = first}},
                                    {BEAMR_EXTERN_FUNC, {.func = second}}};
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "", "i");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u32(&w, 2);
    wasm_import(&w, "m", "f");
    WASM(&w, 0, 0);
    wasm_import(&w, "m", "g");
    WASM(&w, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TABLE);
    WASM(&w, 1, 0x70, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_ELEMENT);
    WASM(&w, 1, 0, 0x41, 0, 0x0b, 1, 1);
    wasm_end(&w);
    return (snapshot_guest){.store = f->store, .instance = fixture_instance(f, &w, imports, 2)};
}

/* A function imported under two indices is written under the lower, and read under no other. */
static void functions_have_one_number(void **state)
{
    fixture f = fixture_open();
    beamr_func *one = fixture_func(&f, "", "i", answer, NULL);
    beamr_func *two = fixture_func(&f, "", "i", answer, NULL);
    snapshot_guest apart = two_functions(&f, one, two);
    snapshot_guest alike = two_functions(&f, one, one);
    saved s = save(&apart), t = save(&alike);
    beamr_error err = {0};

    (void)state;
    assert_false(is_equal(&s, &t));
    restore(&apart, &s);
    restore(&alike, &t);
    assert_int_equal(beamr_snapshot_restore(alike.instance, bytes_of(&s), NULL, &err),
                     BEAMR_SNAPSHOT);
    assert_text(err, "linked in another way");
    beamr_snapshot_free(s.data);
    beamr_snapshot_free(t.data);
    fixture_close(&f);
}

static beamr_func *host_func(fixture *f)
{
    static const uint32_t five = 5;
    beamr_extern e;

    assert_int_equal(snapshot_guest_func(f->store, snapshot_guest_add, &five, &e, NULL),
                     BEAMR_OK);
    return e.of.func;
}

static void assert_save_refused(const snapshot_guest *g, const beamr_snapshot_options *o,
                                const char *text)
{
    saved s = {0};
    beamr_error err = {0};

    assert_int_equal(beamr_snapshot_save(g->instance, o, &s.data, &s.len, &err),
                     BEAMR_SNAPSHOT);
    assert_text(err, text);
    assert_null(s.data);
}

static void functions_of_others_are_refused(void **state)
{
    fixture f = fixture_open();
    snapshot_guest a = guest_new(&f), b = guest_new(&f);
    beamr_table *t = exported(&a, "t").of.table;
    beamr_value v = {.kind = BEAMR_FUNCREF, .of.func = exported(&b, "add").of.func};

    (void)state;
    assert_int_equal(beamr_table_set(t, 2, &v, NULL), BEAMR_OK);
    assert_save_refused(&a, NULL, "element 2 of table 0 holds a function that the instance");
    v.of.func = host_func(&f);
    assert_int_equal(beamr_table_set(t, 2, &v, NULL), BEAMR_OK);
    assert_save_refused(&a, NULL, "element 2 of table 0");
    v.of.func = a.imports[0].of.func;
    assert_int_equal(beamr_table_set(t, 2, &v, NULL), BEAMR_OK);
    set_global(&a, "fr", (beamr_value){.kind = BEAMR_FUNCREF, .of.func = host_func(&f)});
    assert_save_refused(&a, NULL, "global 8 holds");
    fixture_close(&f);
}

static void external_references_need_numbers(void **state)
{
    fixture f = fixture_open();
    snapshot_guest a = guest_new(&f), b = guest_new(&f);
    beamr_error err = {0};
    beamr_snapshot_options o = with_refs;
    int unknown = 0;
    saved s;

    (void)state;
    change_extern_global(&a);
    change_extern_table(&a);
    assert_save_refused(&a, NULL, "global 9 holds an external reference");
    s = save(&a);
    o.ref_load = NULL;
    assert_int_equal(beamr_snapshot_restore(b.instance, bytes_of(&s), &o, &err),
                     BEAMR_SNAPSHOT);
    assert_text(err, "external reference 1001, which the embedder does not know");
    restore(&b, &s);
    assert_ptr_equal(beamr_global_get(exported(&b, "xr").of.global).of.external,
                     &snapshot_guest_things[1]);
    set_global(&a, "xr", (beamr_value){.kind = BEAMR_EXTERNREF, .of.external = &unknown});
    assert_save_refused(&a, &with_refs, "global 9 holds an external reference");
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

/* A mutable global of type exnref, exported as "e". */
static void build_exception_holder(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x69, 1, 0xd0, 0x69, 0x0b);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "e", 3, 0);
    wasm_end(w);
}

static void exceptions_are_refused(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    snapshot_guest g = {.store = f.store};
    beamr_tag *tag = NULL;
    beamr_value v = {.kind = BEAMR_EXNREF};
    saved s;

    (void)state;
    build_exception_holder(&w);
    g.instance = fixture_instance(&f, &w, NULL, 0);
    s = save(&g);
    assert_int_equal(beamr_tag_new(f.store, fixture_type("", ""), &tag, NULL), BEAMR_OK);
    assert_int_equal(beamr_throw(f.store, tag, NULL, 0, NULL), BEAMR_EXCEPTION);
    v.of.exception = beamr_exception_take(f.store);
    assert_non_null(v.of.exception);
    set_global(&g, "e", v);
    assert_save_refused(&g, &with_refs, "global 0 holds an exception");
    restore(&g, &s);
    assert_null(beamr_global_get(exported(&g, "e").of.global).of.exception);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

/* ---- Linking ---- */

static void imports_that_are_one_object_are_written_once(void **state)
{
    fixture f = fixture_open();
    snapshot_guest a = {.store = f.store}, b = {.store = f.store}, apart = guest_new(&f);
    beamr_error err = {0};
    saved s, t;

    (void)state;
    assert_int_equal(snapshot_guest_imports(&a, NULL, NULL), BEAMR_OK);
    assert_int_equal(snapshot_guest_imports(&b, NULL, NULL), BEAMR_OK);
    a.imports[3] = a.imports[2];
    b.imports[3] = b.imports[2];
    a.imports[1] = a.imports[0];
    b.imports[1] = b.imports[0];
    guest_instantiate(&f, &a);
    guest_instantiate(&f, &b);
    change_all(&a);
    s = save(&a);
    t = save(&apart);
    restore(&b, &s);
    assert_state(&b, &s);
    assert_int_equal(beamr_global_get(b.imports[3].of.global).of.i32, 77);
    assert_int_equal(beamr_snapshot_restore(apart.instance, bytes_of(&s), &with_refs, &err),
                     BEAMR_SNAPSHOT);
    assert_text(err, "global 1 is the same as 0 there and as 1 here");
    assert_state(&apart, &t);
    beamr_error_clear(&err);
    assert_int_equal(beamr_snapshot_restore(b.instance, bytes_of(&t), &with_refs, &err),
                     BEAMR_SNAPSHOT);
    beamr_snapshot_free(s.data);
    beamr_snapshot_free(t.data);
    fixture_close(&f);
}

static void another_module_is_refused(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    snapshot_guest a = guest_new(&f);
    beamr_instance *other;
    beamr_error err = {0};
    saved s = save(&a);

    (void)state;
    build_exception_holder(&w);
    other = fixture_instance(&f, &w, NULL, 0);
    assert_int_equal(beamr_snapshot_restore(other, bytes_of(&s), &with_refs, &err),
                     BEAMR_SNAPSHOT);
    assert_text(err, "the snapshot is of another module");
    assert_int_equal(err.offset, 56);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

static void smaller_limits_refuse_it(void **state)
{
    beamr_store_limits memory_limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_store_limits table_limits = BEAMR_STORE_LIMITS_DEFAULT;
    fixture f = fixture_open(), m, t;
    snapshot_guest a = guest_new(&f), b;
    beamr_error err = {0};
    saved s;

    (void)state;
    memory_limits.max_memory_pages = 3;
    table_limits.max_table_elements = 12;
    m = fixture_open_with(NULL, &memory_limits);
    t = fixture_open_with(NULL, &table_limits);
    change_all(&a);
    s = save(&a);
    b = guest_new(&m);
    assert_int_equal(beamr_snapshot_restore(b.instance, bytes_of(&s), &with_refs, &err),
                     BEAMR_LIMIT);
    assert_text(err, "memory 1 has 4 pages; at most 3 are allowed");
    beamr_error_clear(&err);
    b = guest_new(&t);
    assert_int_equal(beamr_snapshot_restore(b.instance, bytes_of(&s), &with_refs, &err),
                     BEAMR_LIMIT);
    assert_text(err, "table 0 has 13 elements; at most 12 are allowed");
    beamr_snapshot_free(s.data);
    fixture_close(&f);
    fixture_close(&m);
    fixture_close(&t);
}

/* ---- Damage ---- */

static void every_cut_is_refused(void **state)
{
    fixture f = fixture_open();
    snapshot_guest a = guest_new(&f), b = guest_new(&f);
    saved s, is = save(&b);

    (void)state;
    change_table_size(&a);
    s = save(&a);
    for (size_t len = 0; len < s.len; len++) {
        uint8_t *cut = malloc(len + 1); /* its end is watched by the sanitizer */

        memcpy(cut, s.data, len);
        assert_refused(&b, (beamr_bytes){len ? cut : NULL, len}, &is);
        free(cut);
    }
    beamr_snapshot_free(s.data);
    beamr_snapshot_free(is.data);
    fixture_close(&f);
}

static void every_flipped_bit_is_refused(void **state)
{
    fixture f = fixture_open();
    snapshot_guest a = guest_new(&f), b = guest_new(&f);
    saved s, is = save(&b);

    (void)state;
    change_table_size(&a);
    s = save(&a);
    for (size_t i = 0; i < s.len; i++)
        for (size_t bit = i % 3; bit < 8; bit += 3) {
            s.data[i] ^= (uint8_t)(1u << bit);
            assert_refused(&b, bytes_of(&s), &is);
            s.data[i] ^= (uint8_t)(1u << bit);
        }
    restore(&b, &s);
    beamr_snapshot_free(s.data);
    beamr_snapshot_free(is.data);
    fixture_close(&f);
}

/* Without the checksum a changed byte may give another sound snapshot, and nothing else. */
static void what_is_taken_unchecked_is_a_canonical_state(void **state)
{
    fixture f = fixture_open();
    snapshot_guest a = guest_new(&f), b = guest_new(&f);
    beamr_snapshot_options o = with_refs;
    saved s, is = save(&b);
    size_t taken = 0;

    (void)state;
    o.is_verified = true;
    change_all(&a);
    s = save(&a);
    for (size_t i = 0; i < s.len - CHECKSUM; i += i < 700 ? 1 : 61) {
        uint8_t was = s.data[i];

        s.data[i] = (uint8_t)(was + (i % 2 ? 1 : 255));
        if (beamr_snapshot_restore(b.instance, bytes_of(&s), &o, NULL) == BEAMR_OK) {
            saved now = save(&b);

            assert_int_equal(now.len, s.len);
            assert_memory_equal(now.data, s.data, s.len - CHECKSUM);
            beamr_snapshot_free(now.data);
            restore(&b, &is);
            taken++;
        } else {
            assert_state(&b, &is);
        }
        s.data[i] = was;
    }
    assert_true(taken > 50);
    beamr_snapshot_free(s.data);
    beamr_snapshot_free(is.data);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_change_comes_back_in_a_fresh_instance),
        cmocka_unit_test(every_change_is_taken_back),
        cmocka_unit_test(pages_given_back_are_zero_when_they_return),
        cmocka_unit_test(equal_states_give_equal_bytes),
        cmocka_unit_test(size_follows_what_is_used),
        cmocka_unit_test(a_memory_without_pages_comes_back),
        cmocka_unit_test(functions_have_one_number),
        cmocka_unit_test(functions_of_others_are_refused),
        cmocka_unit_test(external_references_need_numbers),
        cmocka_unit_test(exceptions_are_refused),
        cmocka_unit_test(imports_that_are_one_object_are_written_once),
        cmocka_unit_test(another_module_is_refused),
        cmocka_unit_test(smaller_limits_refuse_it),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(what_is_taken_unchecked_is_a_canonical_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
