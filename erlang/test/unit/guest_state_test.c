/* Memory from outside, and snapshots. */
#include "guest_fixture.h"

/* ---- Modules ---- */

/* A memory of 1 to 3 pages with "Hello" at 100; a mutable global. Exports: peek(address),
 * poke(address, byte), set(n) and get() of the global, grow(pages), ask() of host.ask, and
 * random(address, size) of the system's. Without `has_memory` the first two and grow do
 * nothing.
 */
static void put_state(wasm_builder *w, bool has_memory)
{
    wasm_begin(w);
    TYPES(w, "i:i", "ii:", "i:", ":i", ":", "ii:i");
    wasm_section(w, WASM_IMPORT);
    WASM(w, 2);
    wasm_import(w, "host", "ask");
    WASM(w, 0, 4);
    wasm_import(w, "wasi_snapshot_preview1", "random_get");
    WASM(w, 0, 5);
    wasm_end(w);
    SECTION(w, WASM_FUNCTION, 7, 0, 1, 2, 3, 0, 4, 5);
    if (has_memory)
        SECTION(w, WASM_MEMORY, 1, 1, 1, 3);
    SECTION(w, WASM_GLOBAL, 1, 0x7f, 1, 0x41, 0, 0x0b);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 7);
    wasm_export(w, "peek", 0, 2);
    wasm_export(w, "poke", 0, 3);
    wasm_export(w, "set", 0, 4);
    wasm_export(w, "get", 0, 5);
    wasm_export(w, "grow", 0, 6);
    wasm_export(w, "ask", 0, 7);
    wasm_export(w, "random", 0, 8);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 7);
    if (has_memory) {
        WASM_BODY(w, 0x20, 0, 0x2d, 0, 0);
        WASM_BODY(w, 0x20, 0, 0x20, 1, 0x3a, 0, 0);
    } else {
        WASM_BODY(w, 0x20, 0);
        WASM_BODY(w, 0x01);
    }
    WASM_BODY(w, 0x20, 0, 0x24, 0);
    WASM_BODY(w, 0x23, 0);
    if (has_memory)
        WASM_BODY(w, 0x20, 0, 0x40, 0);
    else
        WASM_BODY(w, 0x20, 0);
    WASM_BODY(w, 0x10, 0);
    WASM_BODY(w, 0x20, 0, 0x20, 1, 0x10, 1);
    wasm_end(w);
    if (has_memory)
        SECTION(w, WASM_DATA, 1, 0, 0x41, 0xe4, 0, 0x0b, 5, 'H', 'e', 'l', 'l', 'o');
}

static void open_state(fixture *f)
{
    wasm_builder w = {0};

    put_state(&w, true);
    fixture_open(f, &w);
}

static beamr_status view(fixture *f, uint64_t offset, uint64_t size, beamr_bytes *out)
{
    beamr_error_clear(&f->err);
    return drv_guest_view(f->guest, offset, size, out, &f->err);
}

/* ---- Memory ---- */

static void memory_is_read_within_its_bounds(void **state)
{
    static const uint64_t bad[][2] = {
        {65536, 1},       {65537, 0},           {0, 65537},
        {UINT64_MAX, 10}, {0, UINT64_MAX},      {UINT64_MAX, UINT64_MAX},
        {INT64_MAX, 10},  {UINT64_MAX - 5, 10}, {1000000, 0}};
    fixture f = {0};
    beamr_bytes out = {0};
    uint64_t size = 0;

    (void)state;
    open_state(&f);
    CHECK(&f, BEAMR_OK, "", drv_guest_size(f.guest, &size, &f.err));
    assert_int_equal(size, 65536);
    size = 0;
    assert_true(drv_guest_memory_size(f.guest, 0, &size));
    assert_int_equal(size, 65536);
    assert_false(drv_guest_memory_size(f.guest, 1, &size));
    assert_int_equal(view(&f, 100, 5, &out), BEAMR_OK);
    assert_int_equal(out.len, 5);
    assert_memory_equal(out.data, "Hello", 5);
    assert_int_equal(view(&f, 65536, 0, &out), BEAMR_OK);
    assert_int_equal(out.len, 0);
    assert_int_equal(view(&f, 65535, 1, &out), BEAMR_OK);
    assert_int_equal(view(&f, 0, 65536, &out), BEAMR_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(view(&f, bad[i][0], bad[i][1], &out), BEAMR_TRAP);
        assert_begins(&f, "Read request out of bounds");
        assert_int_equal(f.err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    fixture_close(&f);
}

static void memory_is_written_within_its_bounds(void **state)
{
    static const uint64_t bad[] = {65533, 65537, 1000000, UINT64_MAX, UINT64_MAX - 8};
    fixture f = {0};
    beamr_arg at = arg_int(65535);

    (void)state;
    open_state(&f);
    CHECK(&f, BEAMR_OK, "", drv_guest_write(f.guest, 65532, beamr_bytes_of("Text"), &f.err));
    assert_int_equal(call(&f, "peek", &at, 1).of.i32, 't');
    CHECK(&f, BEAMR_OK, "", drv_guest_write(f.guest, 65536, (beamr_bytes){NULL, 0}, &f.err));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK(&f, BEAMR_TRAP, "Write request out of bounds",
              drv_guest_write(f.guest, bad[i], beamr_bytes_of("TEXT"), &f.err));
        assert_int_equal(f.err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    }
    CHECK(&f, BEAMR_TRAP, "Write request out of bounds",
          drv_guest_write(f.guest, 65537, (beamr_bytes){NULL, 0}, &f.err));
    assert_int_equal(call(&f, "peek", &at, 1).of.i32, 't'); /* nothing was written */
    fixture_close(&f);
}

static void text_ends_at_its_nul(void **state)
{
    fixture f = {0};
    beamr_bytes out = {0};

    (void)state;
    open_state(&f);
    CHECK(&f, BEAMR_OK, "", drv_guest_text(f.guest, 100, 1000, &out, &f.err));
    assert_int_equal(out.len, 5);
    CHECK(&f, BEAMR_OK, "", drv_guest_text(f.guest, 100, 5, &out, &f.err));
    CHECK(&f, BEAMR_LIMIT, "the text at 100 is longer than 4 bytes",
          drv_guest_text(f.guest, 100, 4, &out, &f.err));
    CHECK(&f, BEAMR_OK, "", drv_guest_text(f.guest, 105, 0, &out, &f.err));
    assert_int_equal(out.len, 0);
    /* the last byte of memory is the NUL */
    CHECK(&f, BEAMR_OK, "", drv_guest_write(f.guest, 65533, beamr_bytes_of("ab"), &f.err));
    CHECK(&f, BEAMR_OK, "", drv_guest_text(f.guest, 65533, UINT64_MAX, &out, &f.err));
    assert_int_equal(out.len, 2);
    CHECK(&f, BEAMR_OK, "", drv_guest_write(f.guest, 65533, beamr_bytes_of("abc"), &f.err));
    CHECK(&f, BEAMR_TRAP, "Read request out of bounds",
          drv_guest_text(f.guest, 65533, 1000, &out, &f.err));
    assert_int_equal(f.err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    CHECK(&f, BEAMR_TRAP, "Read request out of bounds",
          drv_guest_text(f.guest, 65533, 3, &out, &f.err));
    CHECK(&f, BEAMR_TRAP, "Read request out of bounds",
          drv_guest_text(f.guest, 65536, 10, &out, &f.err));
    CHECK(&f, BEAMR_TRAP, "Read request out of bounds",
          drv_guest_text(f.guest, UINT64_MAX, UINT64_MAX, &out, &f.err));
    fixture_close(&f);
}

static void the_whole_memory_is_set(void **state)
{
    enum { PAGE = 65536 };
    fixture f = {0};
    uint8_t *bytes = malloc(4 * PAGE);
    beamr_bytes out = {0};
    uint64_t size = 0;

    (void)state;
    assert_non_null(bytes);
    memset(bytes, 'x', 4 * PAGE);
    open_state(&f);
    CHECK(&f, BEAMR_OK, "", drv_guest_set_memory(f.guest, (beamr_bytes){bytes, 50}, &f.err));
    assert_int_equal(view(&f, 0, PAGE, &out), BEAMR_OK);
    assert_int_equal(out.data[49], 'x');
    assert_int_equal(out.data[50], 0);
    assert_int_equal(out.data[100], 0); /* no Hello any more */
    CHECK(&f, BEAMR_OK, "",
          drv_guest_set_memory(f.guest, (beamr_bytes){bytes, 2 * PAGE + 1}, &f.err));
    CHECK(&f, BEAMR_OK, "", drv_guest_size(f.guest, &size, &f.err));
    assert_int_equal(size, 3 * PAGE);
    CHECK(&f, BEAMR_LIMIT, "",
          drv_guest_set_memory(f.guest, (beamr_bytes){bytes, 3 * PAGE + 1}, &f.err));
    assert_int_equal(view(&f, 2 * PAGE, 2, &out), BEAMR_OK);
    assert_memory_equal(out.data, "x\0", 2);
    CHECK(&f, BEAMR_OK, "", drv_guest_set_memory(f.guest, (beamr_bytes){NULL, 0}, &f.err));
    assert_int_equal(view(&f, 0, 1, &out), BEAMR_OK);
    assert_int_equal(out.data[0], 0);
    fixture_close(&f);
    free(bytes);
}

static void a_module_without_memory_says_so(void **state)
{
    fixture f = {0};
    wasm_builder w = {0};
    beamr_bytes out;
    uint64_t size;

    (void)state;
    put_state(&w, false);
    fixture_open(&f, &w);
    CHECK(&f, BEAMR_NOT_FOUND, "the module has no memory",
          drv_guest_size(f.guest, &size, &f.err));
    CHECK(&f, BEAMR_NOT_FOUND, "the module has no memory",
          drv_guest_view(f.guest, 0, 0, &out, &f.err));
    CHECK(&f, BEAMR_NOT_FOUND, "the module has no memory",
          drv_guest_write(f.guest, 0, (beamr_bytes){NULL, 0}, &f.err));
    CHECK(&f, BEAMR_NOT_FOUND, "the module has no memory",
          drv_guest_text(f.guest, 0, 1, &out, &f.err));
    CHECK(&f, BEAMR_NOT_FOUND, "the module has no memory",
          drv_guest_set_memory(f.guest, (beamr_bytes){NULL, 0}, &f.err));
    fixture_close(&f);
}

static void memory_of_no_pages_is_a_memory(void **state)
{
    fixture f = {0};
    wasm_builder w = {0};
    beamr_bytes out = {0};
    uint64_t size = 1;

    (void)state;
    wasm_begin(&w);
    SECTION(&w, WASM_MEMORY, 1, 1, 0, 0);
    fixture_open(&f, &w);
    CHECK(&f, BEAMR_OK, "", drv_guest_size(f.guest, &size, &f.err));
    assert_int_equal(size, 0);
    assert_int_equal(view(&f, 0, 0, &out), BEAMR_OK);
    assert_int_equal(view(&f, 0, 1, &out), BEAMR_TRAP);
    CHECK(&f, BEAMR_OK, "", drv_guest_write(f.guest, 0, (beamr_bytes){NULL, 0}, &f.err));
    fixture_close(&f);
}

/* ---- Snapshots ---- */

typedef struct taken {
    uint8_t *data;
    size_t len, total;
} taken;

static beamr_status take(void *user, uint64_t total, beamr_bytes piece, beamr_error *err)
{
    taken *t = user;

    (void)err;
    if (!t->data)
        t->data = malloc(total);
    assert_true(t->len + piece.len <= total);
    if (piece.len > 0)
        memcpy(t->data + t->len, piece.data, piece.len);
    t->len += piece.len;
    t->total = total;
    return BEAMR_OK;
}

static taken snapshot(fixture *f)
{
    taken t = {0};

    CHECK(f, BEAMR_OK, "", drv_guest_snapshot(f->guest, take, &t, &f->err));
    assert_int_equal(t.len, t.total);
    return t;
}

static beamr_status restore(fixture *f, const taken *t)
{
    beamr_error_clear(&f->err);
    return drv_guest_restore(f->guest, (beamr_bytes){t->data, t->len}, &f->err);
}

static void assert_same_snapshot(fixture *f, const taken *t)
{
    taken now = snapshot(f);

    assert_int_equal(now.len, t->len);
    assert_memory_equal(now.data, t->data, t->len);
    free(now.data);
}

/* The system's random numbers, four bytes of them at 0. */
static uint32_t random_of(fixture *f)
{
    beamr_arg args[] = {arg_int(0), arg_int(4)};
    beamr_bytes out = {0};
    uint32_t n;

    assert_int_equal(call(f, "random", args, 2).of.i32, 0);
    assert_int_equal(view(f, 0, 4, &out), BEAMR_OK);
    memcpy(&n, out.data, 4);
    return n;
}

static void a_snapshot_holds_the_whole_state(void **state)
{
    fixture f = {.options = {.has_system = true}}, g = f;
    beamr_arg n = arg_int(42), poke[] = {arg_int(70000), arg_int(9)}, one = arg_int(1);
    beamr_arg at = arg_int(70000);
    uint32_t next;
    taken t;

    (void)state;
    open_state(&f);
    open_state(&g);
    (void)call(&f, "set", &n, 1);
    assert_int_equal(call(&f, "grow", &one, 1).of.i32, 1);
    (void)call(&f, "poke", poke, 2);
    (void)random_of(&f);
    t = snapshot(&f);
    next = random_of(&f);
    assert_int_not_equal(random_of(&f), next);

    assert_int_equal(restore(&g, &t), BEAMR_OK);
    assert_same_snapshot(&g, &t);
    assert_int_equal(call(&g, "get", NULL, 0).of.i32, 42);
    assert_int_equal(call(&g, "peek", &at, 1).of.i32, 9);
    assert_int_equal(random_of(&g), next); /* the system goes on too */
    assert_int_equal(restore(&f, &t), BEAMR_OK);
    assert_int_equal(random_of(&f), next);
    free(t.data);
    fixture_close(&f);
    fixture_close(&g);
}

static void a_state_without_its_calls_is_refused(void **state)
{
    fixture f = {0};
    taken t, none = {0};
    drv_call *c = NULL;
    beamr_answer answer = {0};

    (void)state;
    open_state(&f);
    t = snapshot(&f);
    assert_int_equal(begin(&f, "ask", NULL, 0, &c), BEAMR_SUSPENDED);
    CHECK(&f, BEAMR_BUSY, "a call waits", drv_guest_snapshot(f.guest, take, &none, &f.err));
    assert_int_equal(restore(&f, &t), BEAMR_BUSY);
    assert_begins(&f, "a call waits");
    CHECK(&f, BEAMR_OK, "", drv_call_resume(c, &answer, &f.err));
    drv_call_free(c);
    assert_int_equal(restore(&f, &t), BEAMR_OK);
    free(t.data);
    fixture_close(&f);
}

/* Whatever byte is wrong, nothing changes. */
static void damaged_snapshots_change_nothing(void **state)
{
    fixture f = {.options = {.has_system = true}};
    beamr_arg n = arg_int(42);
    taken t, now, bad;

    (void)state;
    open_state(&f);
    (void)random_of(&f);
    t = snapshot(&f);
    (void)call(&f, "set", &n, 1);
    (void)random_of(&f);
    now = snapshot(&f);
    for (size_t i = 0; i < t.len; i += i < 600 || t.len - i < 600 ? 1 : 997) {
        t.data[i] ^= 0x10;
        assert_int_not_equal(restore(&f, &t), BEAMR_OK);
        t.data[i] ^= 0x10;
    }
    bad = t;
    for (bad.len = 0; bad.len < t.len; bad.len += bad.len < 100 ? 1 : 499)
        assert_int_not_equal(restore(&f, &bad), BEAMR_OK);
    assert_same_snapshot(&f, &now);
    assert_int_equal(restore(&f, &t), BEAMR_OK);
    assert_same_snapshot(&f, &t);
    free(t.data);
    free(now.data);
    fixture_close(&f);
}

/* A snapshot that is sound, and too large for this guest: the system's state stays as well. */
static void what_does_not_fit_changes_nothing(void **state)
{
    fixture f = {.options = {.has_system = true}};
    fixture small = {.options = {.has_system = true, .max_memory = 65536}};
    beamr_arg one = arg_int(1);
    taken t, now;

    (void)state;
    open_state(&f);
    open_state(&small);
    assert_int_equal(call(&f, "grow", &one, 1).of.i32, 1);
    (void)random_of(&f);
    t = snapshot(&f);
    (void)random_of(&small);
    (void)random_of(&small);
    now = snapshot(&small);
    assert_int_equal(restore(&small, &t), BEAMR_LIMIT);
    assert_same_snapshot(&small, &now);
    free(t.data);
    free(now.data);
    fixture_close(&f);
    fixture_close(&small);
}

static void snapshots_of_others_are_refused(void **state)
{
    fixture f = {0}, other = {0};
    wasm_builder w = {0};
    taken t;

    (void)state;
    open_state(&f);
    put_state(&w, false);
    fixture_open(&other, &w);
    t = snapshot(&other);
    assert_int_equal(restore(&f, &t), BEAMR_SNAPSHOT);
    free(t.data);
    t = (taken){.data = calloc(1, 100), .len = 100};
    assert_int_equal(restore(&f, &t), BEAMR_SNAPSHOT);
    free(t.data);
    fixture_close(&f);
    fixture_close(&other);
}

/* One that the engine alone has written: nothing is known of the system, which begins anew. */
static void a_snapshot_without_the_system_begins_it_anew(void **state)
{
    fixture f = {.options = {.has_system = true}}, plain = f;
    beamr_linker *linker = NULL;
    beamr_store *store = NULL;
    beamr_wasi *wasi = NULL;
    beamr_instance *instance = NULL;
    taken t = {0};
    uint32_t first;

    (void)state;
    open_state(&f);
    open_state(&plain);
    first = random_of(&plain);
    CHECK(&f, BEAMR_OK, "",
          beamr_store_new(drv_world_engine(f.world, false), NULL, &store, &f.err));
    CHECK(&f, BEAMR_OK, "", beamr_wasi_new(NULL, &wasi, &f.err));
    CHECK(&f, BEAMR_OK, "", beamr_linker_new(store, &linker, &f.err));
    CHECK(&f, BEAMR_OK, "",
          beamr_guest_instantiate(wasi, linker, drv_guest_module(f.guest), BEAMR_STUBS_ZEROS,
                                  &instance, &f.err));
    CHECK(&f, BEAMR_OK, "", beamr_snapshot_save(instance, NULL, &t.data, &t.len, &f.err));
    (void)random_of(&f);
    assert_int_equal(restore(&f, &t), BEAMR_OK);
    assert_int_equal(random_of(&f), first);
    beamr_snapshot_free(t.data);
    beamr_linker_free(linker);
    beamr_store_free(store);
    beamr_wasi_unref(wasi);
    fixture_close(&f);
    fixture_close(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_read_within_its_bounds),
        cmocka_unit_test(memory_is_written_within_its_bounds),
        cmocka_unit_test(text_ends_at_its_nul),
        cmocka_unit_test(the_whole_memory_is_set),
        cmocka_unit_test(a_module_without_memory_says_so),
        cmocka_unit_test(memory_of_no_pages_is_a_memory),
        cmocka_unit_test(a_snapshot_holds_the_whole_state),
        cmocka_unit_test(a_state_without_its_calls_is_refused),
        cmocka_unit_test(damaged_snapshots_change_nothing),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(snapshots_of_others_are_refused),
        cmocka_unit_test(a_snapshot_without_the_system_begins_it_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
