/* Snapshots that are refused, and that this leaves no trace: damaged bytes of every kind, also
 * with a checksum that is right; sizes that a type rules out; and any snapshot while a call of
 * the store has not ended. */
#include "snapshot_tiny.h"

#include "crypto/checksum.h"

#include <pthread.h>

#define HEADER 64u

/* ---- Bytes ---- */

static uint64_t get_le(const uint8_t *from, unsigned len)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < len; i++)
        v |= (uint64_t)from[i] << (8 * i);
    return v;
}

static void put_le(uint8_t *to, uint64_t v, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}

/* Make length and checksum right. */
static void seal(saved *s)
{
    size_t len = s->len - CRYPTO_CHECKSUM_SIZE;

    put_le(s->data + 16, s->len, 8);
    crypto_checksum_of(s->data, len, s->data + len);
}

/* With room for some bytes more. To be freed. */
static saved copy_of(const saved *s)
{
    saved c = {malloc(2 * s->len), s->len};

    assert_non_null(c.data);
    memcpy(c.data, s->data, s->len);
    return c;
}

/* Section `id` with its header. */
static beamr_bytes section_of(const saved *s, uint64_t id)
{
    const uint8_t *at = s->data + HEADER;

    while (get_le(at, 4) != id)
        at += 16 + get_le(at + 8, 8);
    return (beamr_bytes){at, 16 + (size_t)get_le(at + 8, 8)};
}

/* ---- Two guests: the snapshot is of one, the other must not change ---- */

typedef struct pair {
    fixture f;
    beamr_instance *to;
    saved of, is; /* to be restored; the state of `to` */
} pair;

static pair pair_open(void)
{
    pair p = {.f = fixture_open()};
    beamr_instance *from = tiny_new(&p.f, NULL, NULL);

    tiny_change(from);
    p.of = tiny_save(from);
    p.to = tiny_new(&p.f, NULL, NULL);
    assert_int_equal(
        beamr_memory_write(tiny_export(p.to, "m").of.memory, 50000, "kept", 4, NULL), BEAMR_OK);
    p.is = tiny_save(p.to);
    return p;
}

static void pair_close(pair *p)
{
    beamr_snapshot_free(p->of.data);
    beamr_snapshot_free(p->is.data);
    fixture_close(&p->f);
}

/*   text  part of what is said; "" for anything */
static void assert_refused(const pair *p, const saved *s, const char *text)
{
    beamr_error err = {0};
    beamr_status st = tiny_restore(p->to, s, &err);

    if (st != BEAMR_SNAPSHOT && st != BEAMR_LIMIT)
        fail_msg("not refused (%s): %s", text, err.text);
    assert_true(err.text[0] != '\0');
    assert_true(err.offset <= s->len);
    assert_text(err, text);
    assert_saved(p->to, &p->is);
}

/* Refused; or taken, and then it is what would be written. */
static bool is_taken(const pair *p, const saved *s, const beamr_snapshot_options *options)
{
    beamr_error err = {0};
    beamr_status st =
        beamr_snapshot_restore(p->to, (beamr_bytes){s->data, s->len}, options, &err);
    saved now;

    if (st != BEAMR_OK) {
        assert_true(st == BEAMR_SNAPSHOT || st == BEAMR_LIMIT);
        assert_true(err.text[0] != '\0');
        assert_saved(p->to, &p->is);
        return false;
    }
    now = tiny_save(p->to);
    assert_int_equal(now.len, s->len);
    assert_memory_equal(now.data, s->data, s->len - CRYPTO_CHECKSUM_SIZE);
    beamr_snapshot_free(now.data);
    assert_int_equal(tiny_restore(p->to, &p->is, NULL), BEAMR_OK);
    return true;
}

/* ---- Damage ---- */

static void every_changed_byte_is_refused(void **state)
{
    static const uint8_t changes[] = {1, 0x80, 0xff};
    pair p = pair_open();

    (void)state;
    for (size_t i = 0; i < p.of.len; i++)
        for (size_t k = 0; k < sizeof changes; k++) {
            p.of.data[i] ^= changes[k];
            assert_refused(&p, &p.of, "");
            p.of.data[i] ^= changes[k];
        }
    assert_int_equal(tiny_restore(p.to, &p.of, NULL), BEAMR_OK);
    pair_close(&p);
}

static void every_length_is_refused_but_one(void **state)
{
    pair p = pair_open();
    saved s = copy_of(&p.of);

    (void)state;
    for (s.len = 0; s.len < p.of.len; s.len++)
        assert_refused(&p, &s, "");
    s.len = p.of.len + 1;
    assert_refused(&p, &s, "are given");
    for (s.len = HEADER + CRYPTO_CHECKSUM_SIZE; s.len < p.of.len; s.len++) {
        seal(&s);
        assert_refused(&p, &s, "");
        memcpy(s.data, p.of.data, p.of.len);
    }
    s.len = p.of.len + 1;
    seal(&s);
    assert_refused(&p, &s, "too many");
    free(s.data);
    pair_close(&p);
}

/* Numbers of every kind at every place, with a checksum that is right. */
static void every_other_number_is_refused_or_another_state(void **state)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       3,
                                       4,
                                       5,
                                       1024,
                                       INT32_MAX,
                                       UINT32_MAX,
                                       UINT64_C(1) << 32,
                                       UINT64_C(1) << 48,
                                       UINT64_C(1) << 52,
                                       UINT64_C(1) << 60,
                                       UINT64_C(1) << 61,
                                       INT64_MAX,
                                       UINT64_MAX - 1,
                                       UINT64_MAX};
    pair p = pair_open();
    saved s = copy_of(&p.of);
    size_t last = (size_t)(section_of(&s, 4).data - s.data) + 16 + 20 + 16;
    size_t taken = 0;

    (void)state;
    for (size_t i = 0; i < last; i++)
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            put_le(s.data + i, numbers[k], k < 9 ? 4 : 8);
            seal(&s);
            taken += is_taken(&p, &s, &tiny_options);
            memcpy(s.data, p.of.data, p.of.len);
        }
    assert_true(taken > 100);
    free(s.data);
    pair_close(&p);
}

static void numbers_out_of_place_are_named(void **state)
{
    static const struct {
        uint64_t section; /* 0 for the header */
        size_t at;        /* from its begin on */
        uint64_t number;
        unsigned len;
        const char *text;
    } rows[] = {
        {0, 0, 'x', 1, "no snapshot begins like this"},
        {0, 8, 0, 4, "version 0; version 1 is known"},
        {0, 8, 2, 4, "version 2; version 1 is known"},
        {0, 12, 1, 4, "contents of memory 0 stand apart, and are not given"},
        {0, 12, 2, 4, "flags 0x2"},
        {0, 24, 0, 4, "of another module: 00000000"},
        {0, 56, 3, 4, "3 sections"},
        {0, 56, UINT32_MAX, 4, "bytes expected"},
        {0, 60, 1, 4, "which should be 0"},
        {1, 0, 2, 4, "section 2, where 1 is expected"},
        {1, 4, 1, 4, "section 1 of 41 bytes"},
        {1, 8, UINT64_MAX, 8, "section 1 of 18446744073709551615 bytes"},
        {1, 8, 40, 8, "are left"},
        {1, 8, 42, 8, "1 bytes too many in section 1"},
        {1, 16, 1, 4, "linked in another way"},
        {1, 48, 2, 1, "no reference begins with 2"},
        {1, 49, 9, 8, "external reference 9"},
        {2, 20, UINT64_MAX, 8, "table 0 cannot have"},
        {2, 20, 1, 8, "linked as one of 2 or more"},
        {2, 28, 100, 4, "function 99; the module has 5"},
        {3, 16, 0, 1, "data segment 0 gives nothing"},
        {3, 16, 5, 1, "more segments than the module has"},
        {4, 20, 4, 8, "memory 0 has 4 pages; at most 3 are allowed"},
        {4, 20, UINT64_MAX, 8, "at most 3 are allowed"},
        {4, 20, 0, 8, "linked as one of 1 or more"},
        {4, 20, 1, 8, "1 blocks from block 17 on: out of place"},
        {4, 28, UINT64_MAX, 8, "bytes expected"},
        {4, 36, 16, 8, "blocks from block 17 on: out of place"},
        {4, 36, UINT64_MAX, 8, "out of place"},
        {4, 44, 0, 8, "out of place"},
        {4, 44, UINT64_MAX, 8, "out of place"},
        {4, 44, 31, 8, "31 blocks of memory"},
        {4, 57, 0, 8, "block 0 is zero"},
    };
    pair p = pair_open();
    saved s = copy_of(&p.of);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t at =
            rows[i].section ? (size_t)(section_of(&s, rows[i].section).data - s.data) : 0;

        put_le(s.data + at + rows[i].at, rows[i].number, rows[i].len);
        seal(&s);
        assert_refused(&p, &s, rows[i].text);
        memcpy(s.data, p.of.data, p.of.len);
    }
    free(s.data);
    pair_close(&p);
}

/* A snapshot of the sections named by digits. */
static void sections_in_order(const pair *p, const char *order, uint64_t count, saved *s)
{
    s->len = HEADER;
    for (; *order; order++) {
        beamr_bytes section = section_of(&p->of, (uint64_t)(*order - '0'));

        memcpy(s->data + s->len, section.data, section.len);
        s->len += section.len;
    }
    s->len += CRYPTO_CHECKSUM_SIZE;
    put_le(s->data + 56, count, 4);
    seal(s);
}

static void sections_are_there_once_and_in_order(void **state)
{
    static const char *const orders[] = {"",     "1",     "123",   "124",   "134",
                                         "234",  "2134",  "1324",  "1243",  "4321",
                                         "1134", "11234", "12234", "12334", "12344"};
    pair p = pair_open();
    saved s = copy_of(&p.of);

    (void)state;
    sections_in_order(&p, "1234", 4, &s);
    assert_int_equal(tiny_restore(p.to, &s, NULL), BEAMR_OK);
    assert_int_equal(tiny_restore(p.to, &p.is, NULL), BEAMR_OK);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        for (uint64_t count = strlen(orders[i]); count <= 5; count++) {
            sections_in_order(&p, orders[i], count, &s);
            assert_refused(&p, &s, "");
        }
    free(s.data);
    pair_close(&p);
}

/* ---- Sizes that a type rules out ---- */

/* A module that imports a memory and a table, each twice, of the least sizes given. */
static beamr_instance *importer(fixture *f, beamr_memory *m, beamr_table *t, uint8_t least)
{
    const beamr_extern imports[] = {{BEAMR_EXTERN_MEMORY, {.memory = m}},
                                    {BEAMR_EXTERN_MEMORY, {.memory = m}},
                                    {BEAMR_EXTERN_TABLE, {.table = t}},
                                    {BEAMR_EXTERN_TABLE, {.table = t}}};
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_IMPORT);
    wasm_u32(&w, 4);
    for (uint8_t i = 0; i < 4; i++) {
        wasm_import(&w, "m", "x");
        if (i < 2)
            WASM(&w, 2, 0, i % 2 ? least : 1);
        else
            WASM(&w, 1, 0x70, 0, i % 2 ? least : 1);
    }
    wasm_end(&w);
    return fixture_instance(f, &w, imports, 4);
}

static void assert_restore_says(beamr_instance *inst, const saved *s, const char *text)
{
    saved is = tiny_save(inst);
    beamr_error err = {0};

    assert_int_equal(tiny_restore(inst, s, &err), BEAMR_SNAPSHOT);
    assert_text(err, text);
    assert_saved(inst, &is);
    beamr_snapshot_free(is.data);
}

/* Each type under which an object is linked counts, whatever index or instance it is of. */
static void sizes_stay_as_every_type_promises(void **state)
{
    const beamr_limits limits = {1, 9, false};
    fixture f = fixture_open();
    beamr_memory *m = NULL;
    beamr_table *t = NULL;
    beamr_instance *a, *b;
    saved small, large;

    (void)state;
    assert_int_equal(beamr_memory_new(f.store, &limits, &m, NULL), BEAMR_OK);
    assert_int_equal(
        beamr_table_new(f.store, &limits, beamr_valtype_of(BEAMR_FUNCREF), NULL, &t, NULL),
        BEAMR_OK);
    a = importer(&f, m, t, 1);
    small = tiny_save(a);
    assert_int_equal(beamr_table_grow(t, 2, NULL, NULL, NULL), BEAMR_OK);
    assert_int_equal(tiny_restore(a, &small, NULL), BEAMR_OK);
    assert_int_equal(beamr_table_grow(t, 2, NULL, NULL, NULL), BEAMR_OK);
    assert_int_equal(beamr_memory_grow(m, 2, NULL, NULL), BEAMR_OK);
    b = importer(&f, m, t, 3);
    assert_restore_says(a, &small, "table 0 has 1 elements; it is linked as one of 3 or more");
    large = tiny_save(b);
    put_le((uint8_t *)(uintptr_t)section_of(&large, 4).data + 20, 2, 8);
    seal(&large);
    assert_restore_says(b, &large, "memory 0 has 2 pages; it is linked as one of 3 or more");
    beamr_snapshot_free(small.data);
    beamr_snapshot_free(large.data);
    fixture_close(&f);
}

/* ---- An instance whose making failed ---- */

static beamr_status note_caller(const beamr_call *c, const beamr_value *args,
                                beamr_value *results, beamr_error *err)
{
    beamr_instance **noted = c->user;

    (void)args, (void)results, (void)err;
    *noted = c->caller;
    return BEAMR_OK;
}

/* Its first segment is written into the table, the second lies beyond. */
static void build_half_made(wasm_builder *w)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "", "");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 2);
    wasm_import(w, "m", "f");
    WASM(w, 0, 0);
    wasm_import(w, "m", "t");
    WASM(w, 1, 0x70, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 2, 0, 0x41, 0, 0x0b, 1, 1, 0, 0x41, 9, 0x0b, 1, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 1);
    WASM_BODY(w, 0x10, 0);
    wasm_end(w);
}

static void an_instance_made_by_halves_is_not_written(void **state)
{
    const beamr_limits limits = {1, 9, false};
    fixture f = fixture_open();
    beamr_instance *noted = NULL, *none = NULL;
    beamr_extern imports[2] = {{BEAMR_EXTERN_FUNC, {NULL}}, {BEAMR_EXTERN_TABLE, {NULL}}};
    wasm_builder w = {0};
    beamr_module *m;
    beamr_error err = {0};
    saved s = {0};

    (void)state;
    imports[0].of.func = fixture_func(&f, "", "", note_caller, &noted);
    assert_int_equal(beamr_table_new(f.store, &limits, beamr_valtype_of(BEAMR_FUNCREF), NULL,
                                     &imports[1].of.table, NULL),
                     BEAMR_OK);
    build_half_made(&w);
    m = fixture_load(&f, &w);
    assert_int_equal(beamr_instance_new(f.store, m, imports, 2, &none, NULL), BEAMR_TRAP);
    assert_int_equal(beamr_table_call(imports[1].of.table, 0, NULL, 0, NULL, 0, NULL),
                     BEAMR_OK);
    assert_non_null(noted);
    assert_int_equal(beamr_snapshot_save(noted, NULL, &s.data, &s.len, &err), BEAMR_SNAPSHOT);
    assert_text(err, "was refused when it was made");
    beamr_module_unref(m);
    fixture_close(&f);
}

/* ---- While a call has not ended ---- */

static void assert_busy(beamr_instance *inst, const saved *s)
{
    saved out = {0};
    beamr_error err = {0};

    assert_int_equal(beamr_snapshot_save(inst, &tiny_options, &out.data, &out.len, &err),
                     BEAMR_BUSY);
    assert_text(err, "a call is active or suspended");
    assert_null(out.data);
    beamr_error_clear(&err);
    assert_int_equal(tiny_restore(inst, s, &err), BEAMR_BUSY);
    assert_text(err, "a call is active or suspended");
}

typedef struct busy_guest {
    fixture f;
    beamr_instance *inst, *other; /* of one store */
    saved first;
    bool look; /* the import tries, instead of waiting */
} busy_guest;

static beamr_status wait_or_look(const beamr_call *c, const beamr_value *args,
                                 beamr_value *results, beamr_error *err)
{
    const busy_guest *g = c->user;

    (void)args, (void)err;
    if (!g->look)
        return BEAMR_SUSPENDED;
    assert_busy(g->inst, &g->first);
    results[0] = beamr_i32(0);
    return BEAMR_OK;
}

static void busy_open(busy_guest *g)
{
    *g = (busy_guest){.f = fixture_open()};
    g->inst = tiny_new(&g->f, wait_or_look, g);
    g->other = tiny_new(&g->f, wait_or_look, g);
    g->first = tiny_save(g->inst);
}

static void busy_close(busy_guest *g)
{
    beamr_snapshot_free(g->first.data);
    fixture_close(&g->f);
}

static beamr_entry begin(busy_guest *g, const char *name, bool pause)
{
    beamr_func *func = beamr_instance_find_func(g->inst, name);
    beamr_entry entry = 0;
    beamr_value result;

    if (pause)
        beamr_store_pause(g->f.store);
    assert_int_equal(beamr_entry_begin(func, NULL, 0, &result,
                                       beamr_func_type(func).result_count, &entry, NULL),
                     BEAMR_SUSPENDED);
    return entry;
}

static void cancel(busy_guest *g, beamr_entry entry)
{
    assert_int_equal(beamr_entry_cancel(g->f.store, entry, NULL), BEAMR_OK);
}

/* It can be saved and restored; what the call wrote before stays until then.
 *   wrote  the first byte of memory */
static void assert_free(busy_guest *g, uint8_t wrote)
{
    assert_int_equal(beamr_memory_data(tiny_export(g->inst, "m").of.memory)[0], wrote);
    assert_int_equal(tiny_restore(g->inst, &g->first, NULL), BEAMR_OK);
    assert_saved(g->inst, &g->first);
}

static void a_call_that_waits_refuses_them(void **state)
{
    beamr_value result = beamr_i32(7);
    beamr_answer answer = {.results = &result, .result_count = 1};
    beamr_entry entry;
    busy_guest g;

    (void)state;
    busy_open(&g);
    entry = begin(&g, "ask", false);
    assert_busy(g.inst, &g.first);
    assert_busy(g.other, &g.first); /* what it has in hand may reach this one too */
    cancel(&g, entry);
    assert_free(&g, 9);
    entry = begin(&g, "ask", false);
    assert_busy(g.inst, &g.first);
    assert_int_equal(beamr_entry_resume(g.f.store, entry, &answer, &result, 1, NULL), BEAMR_OK);
    assert_free(&g, 9);
    busy_close(&g);
}

static void a_paused_call_refuses_them(void **state)
{
    beamr_entry entry;
    busy_guest g;

    (void)state;
    busy_open(&g);
    entry = begin(&g, "work", true);
    assert_busy(g.inst, &g.first);
    beamr_store_pause(g.f.store);
    assert_int_equal(beamr_entry_resume(g.f.store, entry, NULL, NULL, 0, NULL),
                     BEAMR_SUSPENDED);
    assert_busy(g.inst, &g.first);
    cancel(&g, entry);
    assert_free(&g, 1);
    entry = begin(&g, "work", true);
    assert_int_equal(beamr_entry_resume(g.f.store, entry, NULL, NULL, 0, NULL), BEAMR_OK);
    assert_free(&g, 499 & 0xff);
    busy_close(&g);
}

static void calls_that_wait_above_others_refuse_them(void **state)
{
    beamr_entry outer, inner;
    busy_guest g;

    (void)state;
    busy_open(&g);
    outer = begin(&g, "ask", false);
    inner = begin(&g, "work", true);
    assert_busy(g.inst, &g.first);
    cancel(&g, inner);
    assert_busy(g.inst, &g.first); /* the outer one still waits */
    inner = begin(&g, "ask", false);
    assert_busy(g.inst, &g.first);
    g.look = true; /* in a host function, above two that wait */
    assert_int_equal(beamr_func_call(beamr_instance_find_func(g.inst, "ask"), NULL, 0,
                                     &(beamr_value){0}, 1, NULL),
                     BEAMR_OK);
    g.look = false;
    assert_busy(g.inst, &g.first);
    cancel(&g, outer); /* both */
    assert_free(&g, 9);
    assert_int_equal(beamr_store_waiting(g.f.store), 0);
    (void)inner;
    busy_close(&g);
}

static void a_store_that_waits_does_not_hinder_others(void **state)
{
    busy_guest g, h;

    (void)state;
    busy_open(&g);
    busy_open(&h);
    (void)begin(&g, "ask", false);
    assert_free(&h, 0);
    busy_close(&g); /* while the call waits */
    busy_close(&h);
}

static void *try_elsewhere(void *user)
{
    const busy_guest *g = user;
    saved out = {0};
    beamr_error err = {0};

    assert_int_equal(beamr_snapshot_save(g->inst, NULL, &out.data, &out.len, &err), BEAMR_BUSY);
    assert_text(err, "another thread");
    beamr_error_clear(&err);
    assert_int_equal(tiny_restore(g->inst, &g->first, &err), BEAMR_BUSY);
    assert_text(err, "another thread");
    return NULL;
}

static beamr_status try_in_a_thread(void *user, uint64_t total, beamr_bytes piece,
                                    beamr_error *err)
{
    pthread_t thread;

    (void)total, (void)piece, (void)err;
    assert_int_equal(pthread_create(&thread, NULL, try_elsewhere, user), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    return BEAMR_OK;
}

static void another_thread_is_refused_meanwhile(void **state)
{
    busy_guest g;

    (void)state;
    busy_open(&g);
    assert_int_equal(beamr_snapshot_write(g.inst, &tiny_options, try_in_a_thread, &g, NULL),
                     BEAMR_OK);
    assert_free(&g, 0);
    busy_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_changed_byte_is_refused),
        cmocka_unit_test(every_length_is_refused_but_one),
        cmocka_unit_test(every_other_number_is_refused_or_another_state),
        cmocka_unit_test(numbers_out_of_place_are_named),
        cmocka_unit_test(sections_are_there_once_and_in_order),
        cmocka_unit_test(sizes_stay_as_every_type_promises),
        cmocka_unit_test(an_instance_made_by_halves_is_not_written),
        cmocka_unit_test(a_call_that_waits_refuses_them),
        cmocka_unit_test(a_paused_call_refuses_them),
        cmocka_unit_test(calls_that_wait_above_others_refuse_them),
        cmocka_unit_test(a_store_that_waits_does_not_hinder_others),
        cmocka_unit_test(another_thread_is_refused_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
