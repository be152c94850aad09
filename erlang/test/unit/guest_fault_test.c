/* A host that refuses memory: at each allocation in turn, once or from then on, a guest is
 * known, made, called, saved, restored and freed. What fails says so, and nothing is left. */
#include "guest_fixture.h"
#include "refuse.h"

/* A module with imports of all kinds, text, and the system. Exports: ask(i) calls host.ask,
 * first(text) gives its first byte, grow(pages), set(n), malloc. */
static wasm_builder build(void)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    TYPES(&w, "i:i", ":", "ii:i");
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 6);
    wasm_import(&w, "host", "ask");
    WASM(&w, 0, 0);
    wasm_import(&w, "wasi_snapshot_preview1", "random_get");
    WASM(&w, 0, 2);
    wasm_import(&w, "env", "_emscripten_throw_longjmp");
    WASM(&w, 0, 1);
    wasm_import(&w, "any", "memory");
    WASM(&w, 2, 0, 1);
    wasm_import(&w, "any", "table");
    WASM(&w, 1, 0x70, 0, 4);
    wasm_import(&w, "any", "tag");
    WASM(&w, 4, 0, 1);
    wasm_end(&w);
    SECTION(&w, WASM_FUNCTION, 6, 0, 0, 0, 0, 0, 1);
    SECTION(&w, WASM_GLOBAL, 1, 0x7f, 1, 0x41, 16, 0x0b);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 6);
    wasm_export(&w, "malloc", 0, 3);
    wasm_export(&w, "first", 0, 4);
    wasm_export(&w, "ask", 0, 5);
    wasm_export(&w, "grow", 0, 6);
    wasm_export(&w, "random", 0, 7);
    wasm_export(&w, "_initialize", 0, 8);
    wasm_end(&w);
    SECTION(&w, WASM_ELEMENT, 1, 0, 0x41, 0, 0x0b, 1, 4);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 6);
    WASM_BODY(&w, 0x23, 0, 0x23, 0, 0x20, 0, 0x6a, 0x24, 0);
    WASM_BODY(&w, 0x20, 0, 0x2d, 0, 0);
    WASM_BODY(&w, 0x20, 0, 0x10, 0);
    WASM_BODY(&w, 0x20, 0, 0x40, 0);
    WASM_BODY(&w, 0x41, 0, 0x20, 0, 0x10, 1);
    WASM_BODY(&w, 0x41, 1, 0x10, 0, 0x1a); /* asked of nobody: zero */
    wasm_end(&w);
    return w;
}

static drv_options options_of(int way)
{
    return (drv_options){.has_system = way & 1,
                         .stubs = way & 2 ? DRV_STUBS_TRAP : DRV_STUBS_HOST,
                         .fuel = way & 4 ? 1000000 : 0};
}

/* What a step may end in when memory is refused. */
static bool is_no_memory(beamr_status st, const beamr_error *err)
{
    assert_true(err->text[0] != '\0');
    return st == BEAMR_NO_MEMORY || (st == BEAMR_TRAP && err->trap == BEAMR_TRAP_OUT_OF_MEMORY);
}

/* ---- Making ---- */

static beamr_status make(fixture *f, const drv_image *image)
{
    bool is_metered = f->options.fuel > 0;
    beamr_status st;

    if ((st = drv_world_new(&f->world, &f->err)) == BEAMR_OK &&
        (st = drv_world_module(f->world, image, is_metered, &f->module, &f->err)) == BEAMR_OK &&
        (st = drv_guest_new(drv_world_engine(f->world, is_metered), f->module, &f->options,
                            &f->guest, &f->err)) == BEAMR_OK)
        st = drv_guest_start(f->guest, &f->err);
    return st;
}

static void a_guest_is_made_or_not(void **state)
{
    wasm_builder w = build();
    bool was_refused = true;

    (void)state;
    for (int way = 0; way < 16; way++) {
        was_refused = true;
        for (size_t n = 0; was_refused; n++) {
            fixture f = {.options = options_of(way & 5)};
            drv_image image = {.bytes = wasm_bytes_of(&w)};
            beamr_status st;

            refuse_begin(n, way & 8);
            st = make(&f, &image);
            was_refused = refuse_end();
            if (st != BEAMR_OK)
                assert_true(is_no_memory(st, &f.err));
            assert_true(st == BEAMR_OK || was_refused);
            fixture_close(&f);
        }
    }
    wasm_free(&w);
}

/* ---- Calls ---- */

/* A call of one import; afterwards the guest is as before. */
static beamr_status ask(fixture *f)
{
    beamr_value value = beamr_i32(5);
    beamr_answer answer = {.results = &value, .result_count = 1};
    beamr_arg args[] = {arg_int(5)};
    drv_call *c = NULL;
    beamr_status st = begin(f, "ask", args, 1, &c);

    if (st == BEAMR_SUSPENDED)
        st = drv_call_resume(c, &answer, &f->err);
    drv_call_free(c);
    return st;
}

static beamr_status read_text(fixture *f)
{
    beamr_arg text = arg_text("some text");
    drv_call *c = NULL;
    beamr_status st = begin(f, "first", &text, 1, &c);

    drv_call_free(c);
    return st;
}

static beamr_status call_element(fixture *f)
{
    beamr_arg at = arg_int(0);
    drv_call *c = NULL;
    beamr_status st = begin_index(f, 0, &at, 1, &c);

    drv_call_free(c);
    return st;
}

static beamr_status grow(fixture *f)
{
    beamr_arg one = arg_int(1);
    drv_call *c = NULL;
    beamr_status st = begin(f, "grow", &one, 1, &c);

    drv_call_free(c);
    return st;
}

static beamr_status set_memory(fixture *f)
{
    beamr_error_clear(&f->err);
    return drv_guest_set_memory(f->guest, beamr_bytes_of("content"), &f->err);
}

static void calls_end_and_leave_a_usable_guest(void **state)
{
    static beamr_status (*const steps[])(fixture *) = {ask, read_text, call_element, grow,
                                                       set_memory};
    wasm_builder w = build();

    (void)state;
    for (size_t i = 0; i < 2 * sizeof steps / sizeof steps[0]; i++) {
        bool was_refused = true;

        for (size_t n = 0; was_refused; n++) {
            fixture f = {.options = options_of(1)};
            drv_image image = {.bytes = wasm_bytes_of(&w)};
            beamr_status st;

            assert_int_equal(make(&f, &image), BEAMR_OK);
            refuse_begin(n, i & 1);
            st = steps[i / 2](&f);
            was_refused = refuse_end();
            if (st != BEAMR_OK)
                assert_true(is_no_memory(st, &f.err));
            assert_int_equal(ask(&f), BEAMR_OK);
            fixture_close(&f);
        }
    }
    wasm_free(&w);
}

/* ---- States ---- */

typedef struct taken {
    uint8_t data[1 << 18];
    size_t len;
} taken;

static beamr_status take(void *user, uint64_t total, beamr_bytes piece, beamr_error *err)
{
    taken *t = user;

    (void)err;
    assert_true(total <= sizeof t->data);
    if (piece.len > 0)
        memcpy(t->data + t->len, piece.data, piece.len);
    t->len += piece.len;
    return BEAMR_OK;
}

static beamr_status snapshot(fixture *f, taken *t)
{
    t->len = 0;
    beamr_error_clear(&f->err);
    return drv_guest_snapshot(f->guest, take, t, &f->err);
}

static beamr_status restore(fixture *f, const taken *t)
{
    beamr_error_clear(&f->err);
    return drv_guest_restore(f->guest, (beamr_bytes){t->data, t->len}, &f->err);
}

static void snapshots_are_taken_or_not(void **state)
{
    static taken t;
    wasm_builder w = build();
    drv_image image = {.bytes = wasm_bytes_of(&w)};
    fixture f = {.options = options_of(1)};
    bool was_refused = true;

    (void)state;
    assert_int_equal(make(&f, &image), BEAMR_OK);
    for (size_t n = 0; was_refused; n++) {
        beamr_status st;

        refuse_begin(n, true);
        st = snapshot(&f, &t);
        was_refused = refuse_end();
        if (st != BEAMR_OK)
            assert_true(is_no_memory(st, &f.err));
    }
    fixture_close(&f);
    wasm_free(&w);
}

/* All or nothing; and if there is no memory even for nothing, the guest says that it is lost.
 */
static void snapshots_are_restored_whole(void **state)
{
    static taken other, before, after;
    wasm_builder w = build();
    drv_image image = {.bytes = wasm_bytes_of(&w)};
    beamr_arg four = arg_int(4);

    (void)state;
    for (int is_lasting = 0; is_lasting < 2; is_lasting++) {
        bool was_refused = true;

        for (size_t n = 0; was_refused; n++) {
            fixture f = {.options = options_of(1)};
            beamr_status st;

            assert_int_equal(make(&f, &image), BEAMR_OK);
            (void)call(&f, "random", &four, 1);
            assert_int_equal(grow(&f), BEAMR_OK);
            assert_int_equal(snapshot(&f, &other), BEAMR_OK);
            (void)call(&f, "random", &four, 1);
            assert_int_equal(set_memory(&f), BEAMR_OK);
            assert_int_equal(grow(&f), BEAMR_OK);
            assert_int_equal(snapshot(&f, &before), BEAMR_OK);
            refuse_begin(n, is_lasting);
            st = restore(&f, &other);
            was_refused = refuse_end();
            if (st != BEAMR_OK)
                assert_true(is_no_memory(st, &f.err));
            if (snapshot(&f, &after) == BEAMR_OK) {
                const taken *expected = st == BEAMR_OK ? &other : &before;

                assert_int_equal(after.len, expected->len);
                assert_memory_equal(after.data, expected->data, after.len);
            } else {
                assert_int_not_equal(st, BEAMR_OK);
                assert_true(is_lasting);
                assert_begins(&f, "The instance cannot be used");
            }
            fixture_close(&f);
        }
    }
    wasm_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_guest_is_made_or_not),
        cmocka_unit_test(calls_end_and_leave_a_usable_guest),
        cmocka_unit_test(snapshots_are_taken_or_not),
        cmocka_unit_test(snapshots_are_restored_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
