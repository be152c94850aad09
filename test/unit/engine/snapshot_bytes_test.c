/* Snapshots as bytes: sections of the embedder, sinks and buffers, and the plain bytes of a
 * memory. */
#include "snapshot_fixture.h"

/* ---- What the embedder adds ---- */

typedef struct received {
    uint32_t ids[4];
    size_t count;
    bool refuse;
} received;

static beamr_status receive(void *user, uint32_t id, beamr_bytes bytes, beamr_error *err)
{
    received *r = user;

    assert_true(r->count < 4);
    r->ids[r->count++] = id;
    assert_int_equal(bytes.len, id == BEAMR_SNAPSHOT_EMBEDDER ? 4 : 0);
    if (id == BEAMR_SNAPSHOT_EMBEDDER)
        assert_memory_equal(bytes.data, "wasi", 4);
    return r->refuse && r->count == 2 ? beamr_fail(err, BEAMR_NOT_FOUND, 0, "no such file")
                                      : BEAMR_OK;
}

static void sections_of_the_embedder_pass_through(void **state)
{
    const beamr_snapshot_section sections[] = {
        {BEAMR_SNAPSHOT_EMBEDDER, beamr_bytes_of("wasi")}, {5000, {NULL, 0}}};
    beamr_snapshot_section bad[] = {{5000, {NULL, 0}}, {5000, {NULL, 0}}};
    received r = {0};
    beamr_snapshot_options o = with_refs;
    fixture f = fixture_open();
    snapshot_guest a = guest_new(&f), b = guest_new(&f);
    saved s = {0}, is = save(&b);
    beamr_error err = {0};

    (void)state;
    o.user = &r;
    o.sections = sections;
    o.section_count = 2;
    change_all(&a);
    assert_int_equal(beamr_snapshot_save(a.instance, &o, &s.data, &s.len, &err), BEAMR_OK);
    assert_refused(&b, bytes_of(&s), &is); /* nobody takes the sections */
    o.section_load = receive;
    r.refuse = true;
    assert_int_equal(beamr_snapshot_restore(b.instance, bytes_of(&s), &o, &err),
                     BEAMR_NOT_FOUND);
    assert_text(err, "no such file");
    assert_state(&b, &is);
    r = (received){0};
    assert_int_equal(beamr_snapshot_restore(b.instance, bytes_of(&s), &o, NULL), BEAMR_OK);
    assert_int_equal(r.count, 2);
    assert_int_equal(r.ids[0], BEAMR_SNAPSHOT_EMBEDDER);
    assert_int_equal(r.ids[1], 5000);
    beamr_snapshot_free(s.data);
    o.sections = bad;
    beamr_error_clear(&err);
    assert_int_equal(beamr_snapshot_save(a.instance, &o, &s.data, &s.len, &err),
                     BEAMR_ARGUMENT);
    bad[0].id = 1023;
    assert_int_equal(beamr_snapshot_save(a.instance, &o, &s.data, &s.len, NULL),
                     BEAMR_ARGUMENT);
    beamr_snapshot_free(is.data);
    fixture_close(&f);
}

typedef struct collected {
    uint8_t data[65536];
    size_t len, stop;
    uint64_t total;
} collected;

static beamr_status collect(void *user, uint64_t total, beamr_bytes piece, beamr_error *err)
{
    collected *c = user;

    assert_true(c->len == 0 || c->total == total);
    c->total = total;
    if (c->len >= c->stop)
        return beamr_fail(err, BEAMR_IO, 0, "the disk is full");
    assert_true(piece.len > 0 && piece.len <= sizeof c->data - c->len);
    memcpy(c->data + c->len, piece.data, piece.len);
    c->len += piece.len;
    return BEAMR_OK;
}

static void a_sink_gets_the_same_bytes(void **state)
{
    static collected c;
    fixture f = fixture_open();
    snapshot_guest g = guest_new(&f);
    saved s = save(&g);
    beamr_error err = {0};

    (void)state;
    c.stop = SIZE_MAX;
    assert_int_equal(beamr_snapshot_write(g.instance, &with_refs, collect, &c, &err), BEAMR_OK);
    assert_int_equal(c.total, s.len);
    assert_int_equal(c.len, s.len);
    assert_memory_equal(c.data, s.data, s.len);
    c.len = 0;
    c.stop = 100;
    assert_int_equal(beamr_snapshot_write(g.instance, &with_refs, collect, &c, &err), BEAMR_IO);
    assert_int_equal(beamr_snapshot_write(g.instance, NULL, NULL, NULL, NULL), BEAMR_ARGUMENT);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

static void a_buffer_gets_the_same_bytes(void **state)
{
    fixture f = fixture_open();
    snapshot_guest g = guest_new(&f);
    saved s = save(&g);
    uint8_t *buffer = test_malloc(s.len + 1);
    size_t len = 0;
    beamr_error err = {0};

    (void)state;
    memset(buffer, 0xee, s.len + 1);
    assert_int_equal(
        beamr_snapshot_save_into(g.instance, &with_refs, buffer, s.len - 1, &len, &err),
        BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "for which the buffer has"));
    assert_int_equal(len, s.len);
    assert_int_equal(buffer[0], 0xee);
    len = 0;
    assert_int_equal(
        beamr_snapshot_save_into(g.instance, &with_refs, buffer, s.len, &len, NULL), BEAMR_OK);
    assert_int_equal(len, s.len);
    assert_memory_equal(buffer, s.data, s.len);
    assert_int_equal(buffer[s.len], 0xee);
    assert_int_equal(beamr_snapshot_save_into(g.instance, &with_refs, NULL, 0, &len, NULL),
                     BEAMR_ARGUMENT);
    test_free(buffer);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

typedef struct compared {
    const uint8_t *with;
    size_t len;
} compared;

static beamr_status compare_piece(void *user, uint64_t total, beamr_bytes piece,
                                  beamr_error *err)
{
    compared *c = user;

    (void)total;
    (void)err;
    assert_memory_equal(c->with + c->len, piece.data, piece.len);
    c->len += piece.len;
    return BEAMR_OK;
}

/* Large ones are copied in another way; the buffer begins at an odd address. */
static void large_snapshots_have_the_same_bytes(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_instance *inst;
    beamr_memory *memory;
    uint8_t *buffer;
    saved s;
    size_t len;
    compared c = {0};

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0, 80); /* 5 MiB */
    wasm_end(&w);
    inst = fixture_instance(&f, &w, NULL, 0);
    memory = beamr_instance_memory(inst, 0);
    for (size_t i = 0; i < beamr_memory_size(memory); i++)
        beamr_memory_data(memory)[i] = (uint8_t)(i * 167 >> 7 | 1);
    assert_int_equal(beamr_snapshot_save(inst, NULL, &s.data, &s.len, NULL), BEAMR_OK);
    buffer = test_malloc(s.len + 1);
    assert_int_equal(beamr_snapshot_save_into(inst, NULL, buffer + 1, s.len, &len, NULL),
                     BEAMR_OK);
    assert_int_equal(len, s.len);
    assert_memory_equal(buffer + 1, s.data, s.len);
    c.with = s.data;
    assert_int_equal(beamr_snapshot_write(inst, NULL, compare_piece, &c, NULL), BEAMR_OK);
    assert_int_equal(c.len, s.len);
    assert_int_equal(beamr_snapshot_restore(inst, bytes_of(&s), NULL, NULL), BEAMR_OK);
    test_free(buffer);
    beamr_snapshot_free(s.data);
    fixture_close(&f);
}

/* ---- While a call is active ---- */

static snapshot_guest busy_guest;
static saved busy_saved;

static beamr_status snapshot_inside(const beamr_call *call, const beamr_value *args,
                                    beamr_value *results, beamr_error *err)
{
    saved s = {0};
    beamr_error own = {0};

    (void)call;
    (void)args;
    (void)err;
    assert_int_equal(beamr_snapshot_save(busy_guest.instance, NULL, &s.data, &s.len, &own),
                     BEAMR_BUSY);
    assert_text(own, "a call is active");
    assert_int_equal(
        beamr_snapshot_restore(busy_guest.instance, bytes_of(&busy_saved), NULL, NULL),
        BEAMR_BUSY);
    results[0].of.i32 = 12;
    return BEAMR_OK;
}

static void an_active_call_is_refused(void **state)
{
    fixture f = fixture_open();

    (void)state;
    busy_guest = (snapshot_guest){.store = f.store};
    assert_int_equal(snapshot_guest_imports(&busy_guest, snapshot_inside, NULL), BEAMR_OK);
    guest_instantiate(&f, &busy_guest);
    busy_saved = save(&busy_guest);
    assert_int_equal(call1(&busy_guest, "busy", 0).of.i32, 12);
    assert_state(&busy_guest, &busy_saved);
    beamr_snapshot_free(busy_saved.data);
    fixture_close(&f);
}

/* ---- Plain bytes ---- */

static void plain_bytes_are_a_memorys_whole_content(void **state)
{
    fixture f = fixture_open();
    beamr_limits limits = {1, 4, false};
    beamr_memory *m = NULL;
    uint8_t *bytes = malloc(4 * 65536);
    beamr_error err = {0};

    (void)state;
    memset(bytes, 'x', 4 * 65536);
    assert_int_equal(beamr_memory_new(f.store, &limits, &m, NULL), BEAMR_OK);
    assert_int_equal(beamr_memory_set(m, (beamr_bytes){bytes, 65537}, &err), BEAMR_OK);
    assert_int_equal(beamr_memory_pages(m), 2);
    assert_int_equal(beamr_memory_data(m)[65536], 'x');
    assert_int_equal(beamr_memory_data(m)[65537], 0);
    assert_int_equal(beamr_memory_set(m, (beamr_bytes){bytes, 4 * 65536}, &err), BEAMR_OK);
    assert_int_equal(beamr_memory_set(m, (beamr_bytes){bytes, 4 * 65536 + 1}, &err),
                     BEAMR_LIMIT);
    assert_int_equal(beamr_memory_set(m, (beamr_bytes){bytes, 3}, NULL), BEAMR_OK);
    memset(bytes + 3, 0, 4 * 65536 - 3);
    assert_int_equal(beamr_memory_pages(m), 4);
    assert_memory_equal(beamr_memory_data(m), bytes, 4 * 65536);
    assert_int_equal(beamr_memory_set(m, (beamr_bytes){NULL, 0}, NULL), BEAMR_OK);
    assert_int_equal(beamr_memory_data(m)[0], 0);
    free(bytes);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_of_the_embedder_pass_through),
        cmocka_unit_test(a_sink_gets_the_same_bytes),
        cmocka_unit_test(a_buffer_gets_the_same_bytes),
        cmocka_unit_test(large_snapshots_have_the_same_bytes),
        cmocka_unit_test(an_active_call_is_refused),
        cmocka_unit_test(plain_bytes_are_a_memorys_whole_content),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
