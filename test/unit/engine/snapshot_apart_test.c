/* Snapshots with memory 0 apart: its contents are not in them, and come back from where the
 * embedder keeps them. */
#include "snapshot_tiny.h"

static const beamr_snapshot_options apart = {
    .ref_save = tiny_ref_save, .ref_load = tiny_ref_load, .memory_apart = true};

typedef struct guest {
    fixture f;
    beamr_instance *instance;
    beamr_memory *memory;
} guest;

static guest guest_open(void)
{
    guest g = {.f = fixture_open()};

    g.instance = tiny_new(&g.f, NULL, NULL);
    g.memory = beamr_instance_memory(g.instance, 0);
    return g;
}

static saved save(const guest *g, const beamr_snapshot_options *options)
{
    saved s = {0};

    assert_int_equal(beamr_snapshot_save(g->instance, options, &s.data, &s.len, NULL),
                     BEAMR_OK);
    return s;
}

static beamr_bytes copy_memory(const guest *g)
{
    size_t len = (size_t)beamr_memory_size(g->memory);
    uint8_t *data = malloc(len);

    assert_non_null(data);
    memcpy(data, beamr_memory_data(g->memory), len);
    return (beamr_bytes){data, len};
}

static beamr_status restore(const guest *g, const saved *s, bool is_apart, beamr_bytes memory,
                            beamr_error *err)
{
    beamr_snapshot_options options = apart;

    *err = (beamr_error){0};
    options.memory_apart = is_apart;
    options.memory = memory;
    return beamr_snapshot_restore(g->instance, (beamr_bytes){s->data, s->len}, &options, err);
}

static void contents_come_back_from_apart(void **state)
{
    guest a = guest_open(), b = guest_open();
    beamr_bytes memory, before = copy_memory(&a);
    saved s, first = save(&a, &apart), again;
    beamr_error err;

    (void)state;
    tiny_change(a.instance);
    memory = copy_memory(&a);
    s = save(&a, &apart);
    assert_true(s.len < 4096);
    assert_int_equal(restore(&b, &s, true, memory, &err), BEAMR_OK);
    assert_equal_states(a.instance, b.instance);
    again = save(&b, &apart);
    assert_int_equal(again.len, s.len);
    assert_memory_equal(again.data, s.data, s.len);
    /* And smaller again, with zeros where there were none. */
    assert_int_equal(restore(&b, &first, true, before, &err), BEAMR_OK);
    assert_int_equal(restore(&a, &first, true, before, &err), BEAMR_OK);
    assert_equal_states(a.instance, b.instance);
    assert_int_equal(beamr_memory_size(b.memory), 65536);
    free((void *)(uintptr_t)memory.data);
    free((void *)(uintptr_t)before.data);
    beamr_snapshot_free(s.data);
    beamr_snapshot_free(first.data);
    beamr_snapshot_free(again.data);
    fixture_close(&a.f);
    fixture_close(&b.f);
}

static void contents_of_another_length_are_refused(void **state)
{
    guest a = guest_open();
    beamr_bytes memory = copy_memory(&a);
    saved s = save(&a, &apart), whole = tiny_save(a.instance);
    beamr_error err;

    (void)state;
    tiny_change(a.instance);
    assert_int_equal(restore(&a, &s, true, (beamr_bytes){memory.data, memory.len - 1}, &err),
                     BEAMR_SNAPSHOT);
    assert_non_null(strstr(err.text, "memory 0 has 1 pages; 65535 bytes"));
    assert_int_equal(restore(&a, &s, true, (beamr_bytes){NULL, 0}, &err), BEAMR_SNAPSHOT);
    assert_int_equal(restore(&a, &s, false, (beamr_bytes){NULL, 0}, &err), BEAMR_SNAPSHOT);
    assert_non_null(strstr(err.text, "stand apart, and are not given"));
    assert_int_equal(restore(&a, &whole, true, memory, &err), BEAMR_SNAPSHOT);
    assert_non_null(strstr(err.text, "should stand apart"));
    assert_int_equal(beamr_memory_size(a.memory), 2 * 65536);
    free((void *)(uintptr_t)memory.data);
    beamr_snapshot_free(s.data);
    beamr_snapshot_free(whole.data);
    fixture_close(&a.f);
}

static void without_a_memory_there_is_no_difference(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    guest g = {.f = f};
    saved x, y;
    beamr_error err;

    (void)state;
    wasm_begin(&w);
    g.instance = fixture_instance(&f, &w, NULL, 0);
    x = save(&g, NULL);
    y = save(&g, &apart);
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
    assert_int_equal(restore(&g, &y, true, (beamr_bytes){NULL, 0}, &err), BEAMR_OK);
    beamr_snapshot_free(x.data);
    beamr_snapshot_free(y.data);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_come_back_from_apart),
        cmocka_unit_test(contents_of_another_length_are_refused),
        cmocka_unit_test(without_a_memory_there_is_no_difference),
    };

    return cmocka_run_group_tests_name("engine/snapshot_apart", tests, NULL, NULL);
}
