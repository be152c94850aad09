/* Backtraces: the frames of a trap, with names and the offset of each instruction. */
#include "fixture.h"

/* Where in the module's bytes the instructions of the sample stand. */
typedef struct places {
    uint32_t div;      /* inner: i32.div_s */
    uint32_t call;     /* outer: call inner */
    uint32_t host;     /* ask: call host */
    uint32_t indirect; /* through: call_indirect */
    uint32_t tail;     /* hop: return_call inner */
} places;

/* Functions of the sample; the imported one comes first. */
enum { HOST, INNER, OUTER, ASK, THROUGH, HOP, FUNC_COUNT };

static void put_names(wasm_builder *w)
{
    static const char *const names[FUNC_COUNT] = {"host", "inner",   "outer with a blank",
                                                  "ask",  "through", NULL};
    uint32_t count = 0;

    wasm_section(w, WASM_CUSTOM);
    wasm_name(w, "name");
    WASM(w, 1); /* function names */
    wasm_sized(w);
    for (uint32_t i = 0; i < FUNC_COUNT; i++)
        count += names[i] != NULL;
    wasm_u32(w, count);
    for (uint32_t i = 0; i < FUNC_COUNT; i++)
        if (names[i]) {
            wasm_u32(w, i);
            wasm_name(w, names[i]);
        }
    wasm_end(w);
    wasm_end(w);
}

/* A body: `before`, then the instruction whose place is wanted, and `end`. */
#define BODY_AT(w, place, before, ...)                                                         \
    do {                                                                                       \
        wasm_sized(w);                                                                         \
        WASM((w), 0);                                                                          \
        wasm_bytes((w), (before), sizeof(before) - 1);                                         \
        (place) = (uint32_t)(w)->len;                                                          \
        WASM((w), __VA_ARGS__, 0x0b);                                                          \
        wasm_end(w);                                                                           \
    } while (0)

static void put_code(wasm_builder *w, places *at)
{
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 5);
    /* inner: 1 / a, with something before it */
    BODY_AT(w, at->div, "\x01\x41\x07\x1a\x41\x01\x20\x00", 0x6d);
    /* outer: inner(a) within a block and a loop */
    BODY_AT(w, at->call, "\x02\x7f\x03\x7f\x20\x00", 0x10, INNER, 0x0b, 0x0b);
    BODY_AT(w, at->host, "\x20\x00", 0x10, HOST);
    BODY_AT(w, at->indirect, "\x20\x00\x41\x00", 0x11, 0, 0);
    BODY_AT(w, at->tail, "\x20\x00", 0x12, INNER);
    wasm_end(w);
}

static void build(wasm_builder *w, places *at)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, 1);
    wasm_import(w, "env", "host");
    WASM(w, 0x00, 0);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 5, 0, 0, 0, 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_TABLE);
    WASM(w, 1, 0x70, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 4);
    wasm_export(w, "outer", 0, OUTER);
    wasm_export(w, "ask", 0, ASK);
    wasm_export(w, "through", 0, THROUGH);
    wasm_export(w, "hop", 0, HOP);
    wasm_end(w);
    wasm_section(w, WASM_ELEMENT);
    WASM(w, 1, 0, 0x41, 0, 0x0b, 1, OUTER);
    wasm_end(w);
    put_code(w, at);
    put_names(w);
}

typedef struct guest {
    fixture f;
    beamr_instance *inst;
    places at;
    const char *next; /* export that the host function calls; NULL: it fails itself */
} guest;

static beamr_status call(guest *g, const char *name, int32_t arg, beamr_error *err)
{
    beamr_value value = beamr_i32(arg), result;

    return beamr_func_call(beamr_instance_find_func(g->inst, name), &value, 1, &result, 1, err);
}

static beamr_status host(const beamr_call *c, const beamr_value *args, beamr_value *results,
                         beamr_error *err)
{
    guest *g = c->user;

    (void)results;
    if (!g->next)
        return beamr_fail(err, BEAMR_IO, 0, "nobody answers");
    return call(g, g->next, args[0].of.i32, err);
}

static void guest_open(guest *g)
{
    beamr_extern import = {.kind = BEAMR_EXTERN_FUNC};
    wasm_builder w = {0};

    *g = (guest){.f = fixture_open()};
    import.of.func = fixture_func(&g->f, "i", "i", host, g);
    build(&w, &g->at);
    g->inst = fixture_instance(&g->f, &w, &import, 1);
}

static void assert_frame(const beamr_error *err, uint32_t i, uint32_t func, const char *name,
                         uint32_t offset)
{
    assert_true(i < err->frame_count);
    assert_int_equal(err->frames[i].func, func);
    assert_string_equal(err->frames[i].name, name);
    assert_int_equal(err->frames[i].offset, offset);
}

static void frames_name_functions_and_instructions(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    assert_int_equal(call(&g, "outer", 0, &err), BEAMR_TRAP);
    assert_int_equal(err.frame_count, 2);
    assert_int_equal(err.frame_total, 2);
    assert_frame(&err, 0, INNER, "inner", g.at.div);
    assert_frame(&err, 1, OUTER, "outer with a blank", g.at.call);
    fixture_close(&g.f);
}

static void indirect_calls_have_frames(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    assert_int_equal(call(&g, "through", 0, &err), BEAMR_TRAP);
    assert_int_equal(err.frame_total, 3);
    assert_frame(&err, 0, INNER, "inner", g.at.div);
    assert_frame(&err, 1, OUTER, "outer with a blank", g.at.call);
    assert_frame(&err, 2, THROUGH, "through", g.at.indirect);
    fixture_close(&g.f);
}

static void tail_calls_leave_no_frame(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    assert_int_equal(call(&g, "hop", 0, &err), BEAMR_TRAP);
    assert_int_equal(err.frame_total, 1);
    assert_frame(&err, 0, INNER, "inner", g.at.div);
    fixture_close(&g.f);
}

static void frames_go_on_below_host_functions(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    g.next = "outer";
    assert_int_equal(call(&g, "ask", 0, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTEGER_DIVIDE_BY_ZERO);
    assert_int_equal(err.frame_total, 3);
    assert_frame(&err, 0, INNER, "inner", g.at.div);
    assert_frame(&err, 1, OUTER, "outer with a blank", g.at.call);
    assert_frame(&err, 2, ASK, "ask", g.at.host);
    fixture_close(&g.f);
}

static void failures_of_the_host_stand_at_its_call(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    assert_int_equal(call(&g, "ask", 0, &err), BEAMR_TRAP);
    assert_string_equal(err.text, "nobody answers");
    assert_int_equal(err.frame_total, 1);
    assert_frame(&err, 0, ASK, "ask", g.at.host);
    fixture_close(&g.f);
}

/* Each failure is told once: the next call knows nothing of it, and its own frames are its own.
 */
static void the_next_failure_is_told_as_fresh(void **state)
{
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    for (int i = 0; i < 3; i++) {
        beamr_error_clear(&err);
        assert_int_equal(call(&g, "outer", 0, &err), BEAMR_TRAP);
        assert_int_equal(err.frame_total, 2);
        beamr_error_clear(&err);
        assert_int_equal(call(&g, "outer", 1, &err), BEAMR_OK);
        assert_int_equal(err.status, BEAMR_OK);
        assert_int_equal(err.frame_count, 0);
    }
    fixture_close(&g.f);
}

static void deep_stacks_keep_the_innermost_frames(void **state)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_error err = {0};
    guest g;

    (void)state;
    guest_open(&g);
    g.next = "ask"; /* without end: as deep as nesting goes */
    assert_int_equal(call(&g, "ask", 0, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_int_equal(err.frame_count, BEAMR_BACKTRACE_MAX);
    assert_int_equal(err.frame_total, limits.max_nesting);
    assert_frame(&err, 0, ASK, "ask", g.at.host);
    fixture_close(&g.f);
}

/* (module (func $begin unreachable) (start $begin)) */
static void start_functions_have_frames(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_error err = {0};
    beamr_instance *inst = NULL;
    beamr_module *m;
    uint32_t at;

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
    WASM(&w, 1);
    BODY_AT(&w, at, "\x01", 0x00);
    wasm_end(&w);
    m = fixture_load(&f, &w);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNREACHABLE);
    assert_null(inst);
    assert_int_equal(err.frame_total, 1);
    assert_frame(&err, 0, 0, "", at);
    beamr_module_unref(m);
    fixture_close(&f);
}

/* A module of one function that traps, with the name `name`, which ends the module. */
static void build_named(wasm_builder *w, const char *name)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "", "");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "f", 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x00);
    wasm_end(w);
    wasm_section(w, WASM_CUSTOM);
    wasm_name(w, "name");
    WASM(w, 1);
    wasm_sized(w);
    WASM(w, 1, 0);
    wasm_name(w, name);
    wasm_end(w);
    wasm_end(w);
}

static void long_names_are_cut_between_characters(void **state)
{
    static const char *const ends[] = {
        "", "y", "yy", "\xc3\xa9", "\xe2\x82\xac", "\xe2\x82\xacyy", "\xf0\x9f\x98\x80z"};
    const size_t most = BEAMR_FRAME_NAME_SIZE - 1;

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        for (size_t len = most - 5; len <= most + 1; len++) {
            fixture f = fixture_open();
            wasm_builder w = {0};
            beamr_error err = {0};
            char name[2 * BEAMR_FRAME_NAME_SIZE];
            size_t kept;

            memset(name, 'x', len);
            strcpy(name + len, ends[i]);
            kept = strlen(name);
            if (kept > most)
                for (kept = most; ((unsigned char)name[kept] & 0xc0) == 0x80;)
                    kept--;
            build_named(&w, name);
            assert_int_equal(beamr_func_call(beamr_instance_find_func(
                                                 fixture_instance(&f, &w, NULL, 0), "f"),
                                             NULL, 0, NULL, 0, &err),
                             BEAMR_TRAP);
            assert_int_equal(strlen(err.frames[0].name), kept);
            assert_memory_equal(err.frames[0].name, name, kept);
            fixture_close(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_name_functions_and_instructions),
        cmocka_unit_test(indirect_calls_have_frames),
        cmocka_unit_test(tail_calls_leave_no_frame),
        cmocka_unit_test(frames_go_on_below_host_functions),
        cmocka_unit_test(failures_of_the_host_stand_at_its_call),
        cmocka_unit_test(the_next_failure_is_told_as_fresh),
        cmocka_unit_test(deep_stacks_keep_the_innermost_frames),
        cmocka_unit_test(start_functions_have_frames),
        cmocka_unit_test(long_names_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
