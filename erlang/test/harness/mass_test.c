/* What strangers make large: queues, names, lists of exports. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Queues ---- */

#define QUEUED by_patience(10000, 50000)

/* Returns how many came to wait. */
static unsigned queue_many(pid from, port *p)
{
    unsigned count = QUEUED, waiting = 0;
    uint64_t ref;

    for (unsigned i = 0; i < count; i++) {
        char *now = begin(from, p, &ref, DRV_OP_CALL, "<<\"fac\">>,[5]");

        waiting += !now;
        free(now);
    }
    return waiting;
}

static void many_that_wait_go_with_their_process(void **state)
{
    pid many = process_new();
    uint64_t spin, last;

    (void)state;
    assert_null(begin(me, tool, &spin, DRV_OP_CALL, "<<\"spin\">>,[]"));
    check(queue_many(many, tool) == QUEUED);
    assert_null(begin(other, tool, &last, DRV_OP_CALL, "<<\"fac\">>,[5]"));
    process_kill(many);
    expect(ask(other, tool, DRV_OP_INTERRUPT, NULL), "ok");
    expect(await(me, tool, spin), "{error,\"*");
    expect(await(other, tool, last), "{ok,[120.0]}");
    assert_int_equal(process_messages(me), 0);
}

static void many_that_wait_are_answered_when_their_time_is_up(void **state)
{
    wasm_builder w = module_tool(false);
    port *p = open_module(me, &w, "#{time=>300}");
    pid many = process_new();
    uint64_t spin;
    unsigned waiting;

    (void)state;
    assert_null(begin(me, p, &spin, DRV_OP_CALL, "<<\"spin\">>,[]"));
    waiting = queue_many(many, p); /* the time of the first may be up meanwhile */
    expect(await(me, p, spin), "{error,\"*");
    expect(ask(other, p, DRV_OP_SIZE, NULL), "{ok,65536}"); /* behind all of them */
    check(process_messages(many) == waiting);
    process_kill(many);
    close_port(p);
    wasm_free(&w);
}

/* Nobody waits for what has lost its caller. */
static void a_full_queue_has_room_when_its_callers_are_gone(void **state)
{
    pid many = process_new();
    uint64_t spin, last;
    char *now = NULL;

    (void)state;
    assert_null(begin(me, tool, &spin, DRV_OP_CALL, "<<\"spin\">>,[]"));
    while (!now)
        now = begin(many, tool, &last, DRV_OP_SIZE, NULL);
    expect(now, "{error,\"too many*");
    process_kill(many);
    now = begin(other, tool, &last, DRV_OP_CALL, "<<\"fac\">>,[5]");
    assert_null(now);
    expect(ask(other, tool, DRV_OP_INTERRUPT, NULL), "ok");
    expect(await(me, tool, spin), "{error,\"*");
    expect(await(other, tool, last), "{ok,[120.0]}");
}

/* Each takes fifty times as much as what it was sent as. */
static void what_a_queue_holds_is_bounded(void **state)
{
    enum { EMPTY = 300 };
    char *args = malloc(EMPTY * 3 + 32), *at = args, *now = NULL;
    pid many = process_new();
    uint64_t spin, ref;
    unsigned count = 0;

    (void)state;
    assert_non_null(args);
    at += sprintf(at, "<<\"fac\">>,[#{a=>[");
    for (int i = 0; i < EMPTY; i++)
        at += sprintf(at, "%s[]", i ? "," : "");
    sprintf(at, "]}]");
    assert_null(begin(me, tool, &spin, DRV_OP_CALL, "<<\"spin\">>,[]"));
    for (; count < 10000 && !now; count++)
        now = begin(many, tool, &ref, DRV_OP_CALL, args);
    check(count > 10 && now);
    expect(now, "{error,\"too many*");
    process_kill(many);
    expect(ask(other, tool, DRV_OP_INTERRUPT, NULL), "ok");
    expect(await(me, tool, spin), "{error,\"*");
    expect(ask(other, tool, DRV_OP_CALL, "<<\"fac\">>,[5]"), "{ok,[120.0]}");
    free(args);
}

/* ---- Names ---- */

static void add_types(wasm_builder *w, unsigned params)
{
    char letters[1001];

    memset(letters, 'i', params);
    letters[params] = 0;
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, letters, letters);
    wasm_end(w);
}

static wasm_builder module_of_exports(unsigned count, unsigned params)
{
    wasm_builder w = {0};
    char name[16];

    add_types(&w, params);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, count);
    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof name, "e%u", i);
        wasm_export(&w, name, 0, 0);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    WASM_BODY(&w, 0x00);
    wasm_end(&w);
    return w;
}

/* A binary of 70 KiB, and terms of 200 MB in the emulator. */
static void exports_that_would_fill_the_emulator_are_refused(void **state)
{
    wasm_builder w = module_of_exports(6000, 1000);
    port *p = port_open(me);
    piece module = {.data = w.data, .len = w.len};

    (void)state;
    expect(ask_bytes(me, p, DRV_OP_INIT, module, "#{}"),
           "{error,\"the names and signatures of the module's imports and exports have *");
    expect(ask(me, p, DRV_OP_INFO, NULL), "{error,\"*");
    wasm_free(&w);
    w = module_of_exports(100, 1000);
    module = (piece){.data = w.data, .len = w.len};
    expect(ask_bytes(me, p, DRV_OP_INIT, module, "#{}"), "{ok,[],[{func,\"e0\",\"(iii*");
    close_port(p);
    wasm_free(&w);
}

static wasm_builder module_that_asks(const char *name)
{
    wasm_builder w = {0};

    add_types(&w, 0);
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 1);
    wasm_import(&w, name, name);
    WASM(&w, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 1);
    wasm_export(&w, "f", 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    WASM_BODY(&w, 0x03, 0x40, 0x10, 0, 0x0c, 0, 0x0b);
    wasm_end(&w);
    return w;
}

/* Telling them takes as long as some callbacks may. */
static void imports_of_long_names_are_told_by_the_pool(void **state)
{
    enum { LEN = 99999 };
    char *name = calloc(1, LEN + 1), *now;
    wasm_builder w;
    uint64_t ref, id = 0;
    port *p;

    (void)state;
    assert_non_null(name);
    memset(name, 'n', LEN);
    w = module_that_asks(name);
    p = open_module(me, &w, "#{}");
    now = begin(me, p, &ref, DRV_OP_CALL, "<<\"f\">>,[]");
    for (unsigned i = 0; i < 20; i++) {
        assert_null(now);
        now = await(me, p, ref);
        check(import_id(now, &id));
        free(now);
        now = begin(me, p, &ref, DRV_OP_RESPOND, "%u,{ok,[]}", (unsigned)id);
    }
    assert_null(now);
    close_port(p);
    wasm_free(&w);
    free(name);
}

/* ---- Questions ---- */

static void infos_under_way_are_bounded(void **state)
{
    wasm_builder w = module_of_exports(4000, 0); /* take longer to tell than to ask for */
    port *p = open_module(me, &w, "#{}");
    uint64_t refs[200];
    unsigned refused = 0;

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        char *now = begin(me, p, &refs[i], DRV_OP_INFO, NULL);

        if (now) {
            expect(now, "{error,\"too many*");
            refs[i] = 0;
            refused++;
        }
    }
    check(refused > 0);
    for (unsigned i = 0; i < 200; i++)
        if (refs[i])
            expect(await(me, p, refs[i]), "{ok,#{*");
    close_port(p);
    wasm_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_that_wait_go_with_their_process),
        cmocka_unit_test(many_that_wait_are_answered_when_their_time_is_up),
        cmocka_unit_test(a_full_queue_has_room_when_its_callers_are_gone),
        cmocka_unit_test(what_a_queue_holds_is_bounded),
        cmocka_unit_test(exports_that_would_fill_the_emulator_are_refused),
        cmocka_unit_test(imports_of_long_names_are_told_by_the_pool),
        cmocka_unit_test(infos_under_way_are_bounded),
    };

    return cmocka_run_group_tests(tests, begin_all, end_all);
}
