/* Guests: limits, bringing up, and calls that ask for nothing. */
#include <pthread.h>
#include <signal.h>

#include "guest_fixture.h"

/* ---- Modules ---- */

/* Functions of many kinds, without imports and memory. Exports:
 *   fac   d:d        the factorial
 *   loop  :          never ends
 *   count l:l        goes round n times; gives n
 *   turn  ilfd:dfli  gives its parameters in the other order
 *   trap  :          reaches unreachable
 *   table            not a function */
static void put_kinds(wasm_builder *w)
{
    wasm_begin(w);
    TYPES(w, "d:d", ":", "l:l", "ilfd:dfli");
    SECTION(w, WASM_FUNCTION, 5, 0, 1, 2, 3, 1);
    SECTION(w, WASM_TABLE, 1, 0x70, 0, 4);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 6);
    wasm_export(w, "fac", 0, 0);
    wasm_export(w, "loop", 0, 1);
    wasm_export(w, "count", 0, 2);
    wasm_export(w, "turn", 0, 3);
    wasm_export(w, "trap", 0, 4);
    wasm_export(w, "table", 1, 0);
    wasm_end(w);
    /* elements 1 and 2: count, turn */
    SECTION(w, WASM_ELEMENT, 1, 0, 0x41, 1, 0x0b, 2, 2, 3);
    wasm_section(w, WASM_CODE);
    WASM(w, 5);
    /* if n < 1 then 1 else n * fac(n - 1) */
    WASM_BODY(w, 0x20, 0, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x63, 0x04, 0x7c, 0x44, 0, 0, 0,
              0, 0, 0, 0xf0, 0x3f, 0x05, 0x20, 0, 0x20, 0, 0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f,
              0xa1, 0x10, 0, 0xa2, 0x0b);
    WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b);
    /* a local i; do i++ while i != n; gives i */
    wasm_sized(w);
    WASM(w, 1, 1, 0x7e, 0x03, 0x40, 0x20, 1, 0x42, 1, 0x7c, 0x22, 1, 0x20, 0, 0x52, 0x0d, 0,
         0x0b, 0x20, 1, 0x0b);
    wasm_end(w);
    WASM_BODY(w, 0x20, 3, 0x20, 2, 0x20, 1, 0x20, 0);
    WASM_BODY(w, 0);
    wasm_end(w);
}

static void open_kinds(fixture *f)
{
    wasm_builder w = {0};

    put_kinds(&w);
    fixture_open(f, &w);
}

/* A module of a mutable global that notes, in decimal digits, which of these were run: its
 * start function 1, _initialize 2, __wasm_call_ctors 3, _start 4. `seen` gives it. initialize
 * the type's number: 0 takes nothing, 2 takes an i32; 9: no such export */
static void put_starts(wasm_builder *w, bool has_start, uint8_t initialize, bool has_ctors)
{
    wasm_begin(w);
    TYPES(w, ":", ":i", "i:");
    SECTION(w, WASM_FUNCTION, 5, 0, initialize == 2 ? 2 : 0, 0, 0, 1);
    SECTION(w, WASM_GLOBAL, 1, 0x7f, 1, 0x41, 0, 0x0b);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 4);
    wasm_export(w, initialize == 9 ? "other" : "_initialize", 0, 1);
    wasm_export(w, has_ctors ? "__wasm_call_ctors" : "ctors", 0, 2);
    wasm_export(w, "_start", 0, 3);
    wasm_export(w, "seen", 0, 4);
    wasm_end(w);
    if (has_start)
        SECTION(w, WASM_START, 0);
    wasm_section(w, WASM_CODE);
    WASM(w, 5);
    for (uint8_t i = 1; i <= 4; i++)
        WASM_BODY(w, 0x23, 0, 0x41, 10, 0x6c, 0x41, i, 0x6a, 0x24, 0);
    WASM_BODY(w, 0x23, 0);
    wasm_end(w);
}

/* ---- Calls ---- */

static void numbers_go_in_and_out(void **state)
{
    fixture f = {0};
    beamr_arg five = arg_int(5), float_five = arg_float(5);
    beamr_arg four[] = {arg_int(UINT32_MAX), arg_int(INT64_MIN), arg_float(1.5), arg_int(-7)};
    const beamr_value *results;
    drv_call *c = NULL;
    size_t count = 0;

    (void)state;
    open_kinds(&f);
    assert_true(call(&f, "fac", &five, 1).of.f64 == 120);
    assert_true(call(&f, "fac", &float_five, 1).of.f64 == 120);
    assert_int_equal(begin(&f, "turn", four, 4, &c), BEAMR_OK);
    results = drv_call_results(c, &count);
    assert_int_equal(count, 4);
    assert_true(results[0].of.f64 == -7);
    assert_true(results[1].of.f32 == 1.5f);
    assert_true(results[2].of.i64 == INT64_MIN);
    assert_int_equal(results[3].of.i32, -1);
    drv_call_free(c);
    fixture_close(&f);
}

static void wrong_arguments_are_told_and_nothing_is_lost(void **state)
{
    fixture f = {0};
    beamr_arg args[] = {arg_int(5), arg_int(5)};
    beamr_arg big[] = {arg_int(INT64_C(1) << 32), arg_int(0), arg_float(0), arg_int(0)};
    beamr_arg text = arg_text("five");

    (void)state;
    open_kinds(&f);
    assert_call_fails(&f, "fac", NULL, 0, BEAMR_ARGUMENT,
                      "the function takes 1 parameter, and 0 arguments were given");
    assert_call_fails(&f, "fac", args, 2, BEAMR_ARGUMENT,
                      "the function takes 1 parameter, and 2 arguments were given");
    assert_call_fails(&f, "turn", big, 4, BEAMR_ARGUMENT, "argument 1: 4294967296 is no i32");
    big[0] = arg_int(0);
    big[2] = arg_float(1e39);
    assert_call_fails(&f, "turn", big, 4, BEAMR_ARGUMENT,
                      "argument 3: 1e39 is beyond the range of f32");
    assert_call_fails(&f, "fac", &text, 1, BEAMR_ARGUMENT, "argument 1");
    assert_true(call(&f, "fac", args, 1).of.f64 == 120);
    fixture_close(&f);
}

static void a_trap_is_told_once(void **state)
{
    fixture f = {0};
    beamr_arg five = arg_int(5);

    (void)state;
    open_kinds(&f);
    for (int i = 0; i < 3; i++) {
        assert_call_fails(&f, "trap", NULL, 0, BEAMR_TRAP, "unreachable");
        assert_int_equal(f.err.trap, BEAMR_TRAP_UNREACHABLE);
        assert_true(call(&f, "fac", &five, 1).of.f64 == 120);
    }
    fixture_close(&f);
}

/* What is told of a trap says where it was, in whole frames. */
static void a_trap_says_where(void **state)
{
    fixture f = {0};
    wasm_builder w = {0};
    beamr_arg depth = arg_int(3), deep = arg_int(100);

    (void)state;
    wasm_begin(&w);
    TYPES(&w, "i:");
    SECTION(&w, WASM_FUNCTION, 1, 0);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 1);
    wasm_export(&w, "down", 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    WASM_BODY(&w, 0x20, 0, 0x45, 0x04, 0x40, 0, 0x0b, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0);
    wasm_end(&w);
    fixture_open(&f, &w);
    assert_call_fails(&f, "down", &depth, 1, BEAMR_TRAP,
                      "unreachable; in down (function 0 at 0x");
    assert_null(strstr(f.err.text, "more"));
    assert_call_fails(&f, "down", &deep, 1, BEAMR_TRAP, "unreachable; in down (function 0");
    assert_string_equal(strrchr(f.err.text, '<'), "< 93 more");
    fixture_close(&f);
}

static void names_that_nobody_exports_are_told(void **state)
{
    fixture f = {0};
    char name[1001];
    drv_call *c = NULL;

    (void)state;
    open_kinds(&f);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_call_fails(&f, name, NULL, 0, BEAMR_NOT_FOUND, "Function not found: xxxxxxxx");
    assert_true(strlen(f.err.text) > 400);
    assert_call_fails(&f, "", NULL, 0, BEAMR_NOT_FOUND, "Function not found: ");
    assert_call_fails(&f, "table", NULL, 0, BEAMR_NOT_FOUND, "Function not found: table");
    assert_call_fails(&f, "facs", NULL, 0, BEAMR_NOT_FOUND, "Function not found: facs");
    /* a long name of two-byte characters is not cut within one */
    for (size_t i = 0; i < 1000; i += 2)
        memcpy(name + i, "\xc3\xa4", 2);
    assert_int_equal(begin(&f, name + 1, NULL, 0, &c), BEAMR_NOT_FOUND);
    assert_int_equal((uint8_t)f.err.text[strlen(f.err.text) - 1], 0xa4);
    fixture_close(&f);
}

static void many_exports_are_found(void **state)
{
    enum { COUNT = 5000 };
    fixture f = {0};
    wasm_builder w = {0};
    char name[24];

    (void)state;
    wasm_begin(&w);
    TYPES(&w, ":i");
    SECTION(&w, WASM_FUNCTION, 2, 0, 0);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        wasm_export(&w, name, 0, i & 1);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 2);
    WASM_BODY(&w, 0x41, 10);
    WASM_BODY(&w, 0x41, 11);
    wasm_end(&w);
    fixture_open(&f, &w);
    for (uint32_t i = 0; i < COUNT; i++) {
        (void)snprintf(name, sizeof name, "f%u", i);
        assert_int_equal(call(&f, name, NULL, 0).of.i32, 10 + (int)(i & 1));
    }
    assert_call_fails(&f, "f5000", NULL, 0, BEAMR_NOT_FOUND, "Function not found: f5000");
    fixture_close(&f);
}

/* ---- Elements ---- */

static void elements_of_the_only_table_are_called(void **state)
{
    fixture f = {0};
    beamr_arg args[] = {arg_int(3), arg_int(0), arg_int(0), arg_int(0)};
    drv_call *c = NULL;
    size_t count;

    (void)state;
    open_kinds(&f);
    CHECK(&f, BEAMR_OK, "", begin_index(&f, 1, args, 1, &c));
    assert_true(drv_call_results(c, &count)[0].of.i64 == 3);
    drv_call_free(c);
    c = NULL;
    CHECK(&f, BEAMR_NOT_FOUND, "Function not found: element 0 of the table is null",
          begin_index(&f, 0, args, 1, &c));
    CHECK(&f, BEAMR_NOT_FOUND,
          "Function not found: no element has this number, the table has 4",
          begin_index(&f, 4, args, 1, &c));
    CHECK(&f, BEAMR_NOT_FOUND, "Function not found", begin_index(&f, UINT64_MAX, args, 1, &c));
    CHECK(&f, BEAMR_ARGUMENT, "the function takes 4 parameters",
          begin_index(&f, 2, args, 1, &c));
    assert_null(c);
    fixture_close(&f);
}

/* Tables of types, each with a function that gives its own number; `named` is exported as
 * compilers do, -1: none. */
static void put_tables(wasm_builder *w, size_t count, const uint8_t *types, int named)
{
    wasm_begin(w);
    TYPES(w, ":i");
    SECTION(w, WASM_FUNCTION, 2, 0, 0);
    wasm_section(w, WASM_TABLE);
    wasm_u32(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++)
        WASM(w, types[i], 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    if (named >= 0)
        wasm_export(w, "__indirect_function_table", 1, (uint32_t)named);
    else
        wasm_export(w, "__indirect_function_table", 0, 0); /* misleading */
    wasm_end(w);
    if (count > 1)
        SECTION(w, WASM_ELEMENT, 2, 2, 0, 0x41, 0, 0x0b, 0, 1, 0, 2, 1, 0x41, 0, 0x0b, 0, 1, 1);
    wasm_section(w, WASM_CODE);
    WASM(w, 2);
    WASM_BODY(w, 0x41, 20);
    WASM_BODY(w, 0x41, 21);
    wasm_end(w);
}

static void the_table_of_function_pointers_is_chosen(void **state)
{
    static const uint8_t types[] = {0x70, 0x70}, external[] = {0x6f};
    fixture f = {0};
    wasm_builder w = {0};
    drv_call *c = NULL;
    size_t count;

    (void)state;
    put_tables(&w, 2, types, 1);
    fixture_open(&f, &w);
    CHECK(&f, BEAMR_OK, "", begin_index(&f, 0, NULL, 0, &c));
    assert_int_equal(drv_call_results(c, &count)[0].of.i32, 21);
    drv_call_free(c);
    fixture_close(&f);

    w = (wasm_builder){0};
    put_tables(&w, 2, types, -1);
    fixture_open(&f, &w);
    CHECK(&f, BEAMR_NOT_FOUND, "Function not found: the module has several tables",
          begin_index(&f, 0, NULL, 0, &c));
    fixture_close(&f);

    w = (wasm_builder){0};
    put_tables(&w, 0, types, -1);
    fixture_open(&f, &w);
    CHECK(&f, BEAMR_NOT_FOUND, "Function not found: the module has no table",
          begin_index(&f, 0, NULL, 0, &c));
    fixture_close(&f);

    w = (wasm_builder){0};
    put_tables(&w, 1, external, 0);
    fixture_open(&f, &w);
    CHECK(&f, BEAMR_NOT_FOUND, "Function not found: element 0 of the table is no function",
          begin_index(&f, 0, NULL, 0, &c));
    fixture_close(&f);
}

/* ---- Text ---- */

/* A memory, and a malloc that gives room one behind the other. `length` l -> of the text at an
 * address, `first` of JSON, `ask` likewise, but calls the import host.ask with the byte. */
static void put_texts(wasm_builder *w)
{
    wasm_begin(w);
    TYPES(w, "i:i");
    wasm_section(w, WASM_IMPORT);
    WASM(w, 1);
    wasm_import(w, "host", "ask");
    WASM(w, 0, 0);
    wasm_end(w);
    SECTION(w, WASM_FUNCTION, 4, 0, 0, 0, 0);
    SECTION(w, WASM_MEMORY, 1, 0, 1);
    SECTION(w, WASM_GLOBAL, 1, 0x7f, 1, 0x41, 16, 0x0b);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 5);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "malloc", 0, 1);
    wasm_export(w, "first", 0, 2);
    wasm_export(w, "ask", 0, 3);
    wasm_export(w, "half", 0, 4);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 4);
    WASM_BODY(w, 0x23, 0, 0x23, 0, 0x20, 0, 0x6a, 0x24, 0);
    WASM_BODY(w, 0x20, 0, 0x2d, 0, 0);
    WASM_BODY(w, 0x20, 0, 0x2d, 0, 0, 0x10, 0);
    WASM_BODY(w, 0x20, 0, 0x41, 1, 0x76);
    wasm_end(w);
}

static void text_is_put_into_the_guest(void **state)
{
    fixture f = {0};
    wasm_builder w = {0};
    beamr_arg text = arg_text("Zebra");
    beamr_request request;
    const beamr_value *args = NULL;
    beamr_value given = beamr_i32(77);
    beamr_answer answer = {.results = &given, .result_count = 1};
    drv_call *c = NULL;
    beamr_bytes view;
    size_t count = 0;

    (void)state;
    put_texts(&w);
    fixture_open(&f, &w);
    assert_int_equal(call(&f, "first", &text, 1).of.i32, 'Z');
    CHECK(&f, BEAMR_OK, "", drv_guest_view(f.guest, 16, 6, &view, &f.err));
    assert_memory_equal(view.data, "Zebra", 6);
    assert_int_equal(begin(&f, "ask", &text, 1, &c), BEAMR_SUSPENDED);
    assert_true(drv_call_request(c, &request, &args));
    assert_int_equal(args[0].of.i32, 'Z');
    assert_int_equal(drv_call_resume(c, &answer, &f.err), BEAMR_OK);
    assert_int_equal(drv_call_results(c, &count)[0].of.i32, 77);
    assert_int_equal(count, 1);
    drv_call_free(c);
    /* one that is given up */
    assert_int_equal(begin(&f, "ask", &text, 1, &c), BEAMR_SUSPENDED);
    drv_call_free(c);
    assert_int_equal(call(&f, "first", &text, 1).of.i32, 'Z');
    fixture_close(&f);
}

/* ---- Pauses ---- */

static void a_paused_call_goes_on(void **state)
{
    fixture f = {0};
    beamr_arg n = arg_int(100000);
    beamr_request request;
    const beamr_value *args;
    drv_call *c = NULL;
    beamr_status st;
    size_t count;
    int pauses = 0;

    (void)state;
    open_kinds(&f);
    drv_guest_pause(f.guest);
    st = begin(&f, "count", &n, 1, &c);
    while (st == BEAMR_SUSPENDED && ++pauses < 4) {
        assert_false(drv_call_request(c, &request, &args));
        drv_guest_settle(f.guest);
        if (pauses < 3)
            drv_guest_pause(f.guest);
        st = drv_call_resume(c, NULL, &f.err);
    }
    assert_int_equal(st, BEAMR_OK);
    assert_int_equal(pauses, 3);
    assert_true(drv_call_results(c, &count)[0].of.i64 == 100000);
    assert_int_equal(drv_call_resume(c, NULL, &f.err), BEAMR_ARGUMENT); /* it has ended */
    drv_call_free(c);
    fixture_close(&f);
}

static void *interrupt_it(void *guest)
{
    drv_guest_interrupt(guest);
    return NULL;
}

static void an_endless_call_is_interrupted_and_leaves_the_guest_usable(void **state)
{
    fixture f = {0};
    beamr_arg five = arg_int(5);
    pthread_t thread;

    (void)state;
    open_kinds(&f);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_it, f.guest), 0);
    assert_call_fails(&f, "loop", NULL, 0, BEAMR_TRAP, "interrupted");
    assert_int_equal(pthread_join(thread, NULL), 0);
    drv_guest_settle(f.guest);
    assert_true(call(&f, "fac", &five, 1).of.f64 == 120);
    drv_guest_interrupt(f.guest); /* and taken back before anything ran */
    drv_guest_settle(f.guest);
    assert_true(call(&f, "fac", &five, 1).of.f64 == 120);
    fixture_close(&f);
}

static void a_paused_call_can_be_given_up(void **state)
{
    fixture f = {0};
    beamr_arg five = arg_int(5);
    drv_call *c = NULL;

    (void)state;
    open_kinds(&f);
    drv_guest_pause(f.guest);
    assert_int_equal(begin(&f, "loop", NULL, 0, &c), BEAMR_SUSPENDED);
    drv_guest_settle(f.guest);
    drv_call_free(c);
    assert_true(call(&f, "fac", &five, 1).of.f64 == 120);
    fixture_close(&f);
}

/* ---- Limits ---- */

static void fuel_is_counted_for_each_call(void **state)
{
    fixture f = {.options = {.fuel = 100000}};
    beamr_arg few = arg_int(1000), many = arg_int(1000000);

    (void)state;
    open_kinds(&f);
    for (int i = 0; i < 50; i++)
        assert_true(call(&f, "count", &few, 1).of.i64 == 1000);
    assert_true(drv_guest_fuel_used(f.guest) > 50 * 1000);
    assert_call_fails(&f, "count", &many, 1, BEAMR_TRAP, "out of fuel");
    assert_true(call(&f, "count", &few, 1).of.i64 == 1000);
    fixture_close(&f);
}

/* `memories` of one page at first; grow(n) grows the first, grow1(n) the last. */
static void put_memories(wasm_builder *w, uint8_t memories)
{
    wasm_begin(w);
    TYPES(w, "i:i");
    SECTION(w, WASM_FUNCTION, 2, 0, 0);
    wasm_section(w, WASM_MEMORY);
    WASM(w, memories);
    for (uint8_t i = 0; i < memories; i++)
        WASM(w, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 2);
    wasm_export(w, "grow", 0, 0);
    wasm_export(w, "grow1", 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    WASM(w, 2);
    WASM_BODY(w, 0x20, 0, 0x40, 0);
    WASM_BODY(w, 0x20, 0, 0x40, (uint8_t)(memories - 1));
    wasm_end(w);
}

static void memory_is_limited(void **state)
{
    fixture f = {.options = {.max_memory = 4 * 65536 + 100}};
    wasm_builder w = {0};
    beamr_arg one = arg_int(1), two = arg_int(2);
    uint64_t size = 0;

    (void)state;
    put_memories(&w, 1);
    fixture_open(&f, &w);
    assert_int_equal(call(&f, "grow", &two, 1).of.i32, 1);
    assert_int_equal(call(&f, "grow", &two, 1).of.i32, -1);
    assert_int_equal(call(&f, "grow", &one, 1).of.i32, 3);
    assert_int_equal(call(&f, "grow", &one, 1).of.i32, -1);
    CHECK(&f, BEAMR_OK, "", drv_guest_size(f.guest, &size, &f.err));
    assert_int_equal(size, 4 * 65536);
    fixture_close(&f);

    f = (fixture){.options = {.max_memory = 4 * 65536}};
    w = (wasm_builder){0};
    put_memories(&w, 3);
    fixture_open(&f, &w);
    assert_int_equal(call(&f, "grow1", &two, 1).of.i32, -1); /* of all together */
    assert_int_equal(call(&f, "grow1", &one, 1).of.i32, 1);
    fixture_close(&f);

    f = (fixture){.options = {.max_memory = 65536}};
    w = (wasm_builder){0};
    put_memories(&w, 2);
    fixture_make(&f, &w);
    CHECK(&f, BEAMR_LIMIT, "", drv_guest_start(f.guest, &f.err));
    fixture_close(&f);
}

static void no_signal_handler_is_installed(void **state)
{
    fixture f = {0};
    beamr_arg five = arg_int(5);
    struct sigaction before[32], after;

    (void)state;
    for (int i = 1; i < 32; i++)
        assert_int_equal(sigaction(i, NULL, &before[i]), 0);
    open_kinds(&f);
    assert_true(call(&f, "fac", &five, 1).of.f64 == 120);
    assert_call_fails(&f, "trap", NULL, 0, BEAMR_TRAP, "unreachable");
    for (int i = 1; i < 32; i++) {
        assert_int_equal(sigaction(i, NULL, &after), 0);
        assert_true(before[i].sa_handler == after.sa_handler);
        assert_int_equal(before[i].sa_flags, after.sa_flags);
    }
    fixture_close(&f);
}

/* ---- Bringing up ---- */

static int seen_of(bool has_start, uint8_t initialize, bool has_ctors)
{
    fixture f = {0};
    wasm_builder w = {0};
    int seen;

    put_starts(&w, has_start, initialize, has_ctors);
    fixture_open(&f, &w);
    seen = call(&f, "seen", NULL, 0).of.i32;
    fixture_close(&f);
    return seen;
}

static void languages_are_initialized_and_programs_are_not_run(void **state)
{
    (void)state;
    assert_int_equal(seen_of(true, 0, true), 12);
    assert_int_equal(seen_of(false, 0, false), 2);
    assert_int_equal(seen_of(true, 9, true), 13);
    assert_int_equal(seen_of(false, 2, true), 3); /* an _initialize of another type */
    assert_int_equal(seen_of(false, 9, false), 0);
}

/* A start function that goes round for ever, or `initialize` does. */
static void put_endless(wasm_builder *w, bool in_start)
{
    wasm_begin(w);
    TYPES(w, ":");
    SECTION(w, WASM_FUNCTION, 1, 0);
    if (!in_start)
        SECTION(w, WASM_EXPORT, 1, 11, '_', 'i', 'n', 'i', 't', 'i', 'a', 'l', 'i', 'z', 'e', 0,
                0);
    else
        SECTION(w, WASM_START, 0);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b);
    wasm_end(w);
}

static void bringing_up_pauses_and_is_interrupted(void **state)
{
    (void)state;
    for (int in_start = 0; in_start < 2; in_start++) {
        fixture f = {0};
        wasm_builder w = {0};
        uint64_t size;
        drv_call *c = NULL;

        put_endless(&w, in_start);
        fixture_make(&f, &w);
        for (int i = 0; i < 3; i++) {
            drv_guest_pause(f.guest);
            assert_int_equal(drv_guest_start(f.guest, &f.err), BEAMR_SUSPENDED);
            drv_guest_settle(f.guest);
            CHECK(&f, BEAMR_NOT_FOUND, "Cannot run WASM function as module not initialized.",
                  begin(&f, "fac", NULL, 0, &c));
            CHECK(&f, BEAMR_NOT_FOUND, "Cannot", drv_guest_size(f.guest, &size, &f.err));
        }
        drv_guest_interrupt(f.guest);
        CHECK(&f, BEAMR_TRAP, "interrupted", drv_guest_start(f.guest, &f.err));
        drv_guest_settle(f.guest);
        CHECK(&f, BEAMR_NOT_FOUND, "The instance cannot be used",
              drv_guest_start(f.guest, &f.err));
        CHECK(&f, BEAMR_NOT_FOUND, "The instance cannot be used",
              begin(&f, "fac", NULL, 0, &c));
        fixture_close(&f);
    }
}

static void a_guest_can_be_freed_while_it_starts(void **state)
{
    fixture f = {0};
    wasm_builder w = {0};

    (void)state;
    put_endless(&w, true);
    fixture_make(&f, &w);
    drv_guest_pause(f.guest);
    assert_int_equal(drv_guest_start(f.guest, &f.err), BEAMR_SUSPENDED);
    fixture_close(&f);
    drv_guest_free(NULL);
}

/* A module whose start function runs out of fuel. */
static void the_start_has_fuel_like_a_call(void **state)
{
    fixture f = {.options = {.fuel = 10000}};
    wasm_builder w = {0};

    (void)state;
    put_endless(&w, true);
    fixture_make(&f, &w);
    CHECK(&f, BEAMR_TRAP, "out of fuel", drv_guest_start(f.guest, &f.err));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_go_in_and_out),
        cmocka_unit_test(wrong_arguments_are_told_and_nothing_is_lost),
        cmocka_unit_test(a_trap_is_told_once),
        cmocka_unit_test(a_trap_says_where),
        cmocka_unit_test(names_that_nobody_exports_are_told),
        cmocka_unit_test(many_exports_are_found),
        cmocka_unit_test(elements_of_the_only_table_are_called),
        cmocka_unit_test(the_table_of_function_pointers_is_chosen),
        cmocka_unit_test(text_is_put_into_the_guest),
        cmocka_unit_test(a_paused_call_goes_on),
        cmocka_unit_test(an_endless_call_is_interrupted_and_leaves_the_guest_usable),
        cmocka_unit_test(a_paused_call_can_be_given_up),
        cmocka_unit_test(fuel_is_counted_for_each_call),
        cmocka_unit_test(memory_is_limited),
        cmocka_unit_test(no_signal_handler_is_installed),
        cmocka_unit_test(languages_are_initialized_and_programs_are_not_run),
        cmocka_unit_test(bringing_up_pauses_and_is_interrupted),
        cmocka_unit_test(a_guest_can_be_freed_while_it_starts),
        cmocka_unit_test(the_start_has_fuel_like_a_call),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
