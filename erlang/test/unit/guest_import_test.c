/* Imports of every kind: who provides them, what is asked of the caller, and answers. */
#include "guest_fixture.h"

/* ---- Modules ---- */

typedef struct wanted {
    const char *module, *name;
    const char *type;   /* of a function: "i:l" */
    const char *object; /* otherwise: bytes of kind and type */
    size_t object_len;
} wanted;

#define FUNC(from, called, is)                                                                 \
    {                                                                                          \
        .module = (from), .name = (called), .type = (is)                                       \
    }
#define OBJECT(bytes) .object = (bytes), .object_len = sizeof(bytes) - 1

/* A module of these imports. For each function, an export "0", "1" ... of the same type calls
 * it; "round" of type i:i goes round for ever if its argument is not 0. It has a memory of its
 * own unless one is imported. */
static void put_imports(wasm_builder *w, const wanted *imports, size_t count, bool has_memory)
{
    const char *types[16] = {"i:i"};
    uint32_t funcs = 0, used = 0;
    char name[16];

    for (size_t i = 0; i < count; i++)
        if (imports[i].type)
            types[++funcs] = imports[i].type;
    wasm_begin(w);
    put_types(w, funcs + 1, types);
    wasm_section(w, WASM_IMPORT);
    wasm_u32(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wasm_import(w, imports[i].module, imports[i].name);
        if (imports[i].type)
            WASM(w, 0, (uint8_t)++used);
        else
            wasm_bytes(w, imports[i].object, imports[i].object_len);
    }
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, funcs + 1);
    for (uint32_t i = 0; i <= funcs; i++)
        WASM(w, (uint8_t)i);
    wasm_end(w);
    if (has_memory)
        SECTION(w, WASM_MEMORY, 1, 0, 1);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, funcs + 2);
    wasm_export(w, "round", 0, funcs);
    for (uint32_t i = 0; i < funcs; i++) {
        (void)snprintf(name, sizeof name, "%u", i);
        wasm_export(w, name, 0, funcs + 1 + i);
    }
    wasm_export(w, "rounds", 0, funcs);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, funcs + 1);
    WASM_BODY(w, 0x03, 0x40, 0x20, 0, 0x0d, 0, 0x0b, 0x41, 5);
    for (uint32_t i = 0; i < funcs; i++) {
        size_t params = (size_t)(strchr(types[i + 1], ':') - types[i + 1]);

        wasm_sized(w);
        WASM(w, 0);
        for (size_t k = 0; k < params; k++)
            WASM(w, 0x20, (uint8_t)k);
        WASM(w, 0x10, (uint8_t)i, 0x0b);
        wasm_end(w);
    }
    wasm_end(w);
}

static void open_imports(fixture *f, const wanted *imports, size_t count)
{
    wasm_builder w = {0};

    put_imports(&w, imports, count, true);
    fixture_open(f, &w);
}

static void assert_refused(const wanted *imports, size_t count, drv_options options,
                           beamr_status status, const char *text)
{
    fixture f = {.options = options};
    wasm_builder w = {0};

    put_imports(&w, imports, count, false);
    fixture_make(&f, &w);
    CHECK(&f, status, text, drv_guest_start(f.guest, &f.err));
    fixture_close(&f);
}

/* ---- Answers ---- */

static beamr_status answer(fixture *f, drv_call *c, const beamr_value *values, size_t count)
{
    beamr_answer given = {.results = values, .result_count = count};

    beamr_error_clear(&f->err);
    return drv_call_resume(c, &given, &f->err);
}

static void assert_asks(drv_call *c, const char *module, const char *name,
                        const beamr_value **args)
{
    beamr_request request;

    assert_true(drv_call_request(c, &request, args));
    assert_int_equal(request.module.len, strlen(module));
    assert_memory_equal(request.module.data, module, strlen(module));
    assert_int_equal(request.name.len, strlen(name));
    assert_memory_equal(request.name.data, name, strlen(name));
}

static const wanted mul[] = {FUNC("my_lib", "mul", "ii:i"), FUNC("", "", "ilfd:ilfd")};

static void the_caller_is_asked(void **state)
{
    fixture f = {0};
    beamr_arg args[] = {arg_int(6), arg_int(7)};
    beamr_arg four[] = {arg_int(-1), arg_int(INT64_MIN), arg_float(1.5), arg_float(-0.0)};
    beamr_value values[] = {beamr_i32(INT32_MIN), beamr_i64(-1), beamr_f32(2.5f), beamr_f64(3)};
    const beamr_value *asked, *results;
    drv_call *c = NULL;
    size_t count;

    (void)state;
    open_imports(&f, mul, 2);
    assert_true(drv_guest_is_quick(f.guest));
    assert_int_equal(begin(&f, "0", args, 2, &c), BEAMR_SUSPENDED);
    assert_asks(c, "my_lib", "mul", &asked);
    assert_int_equal(asked[0].of.i32, 6);
    assert_int_equal(asked[1].of.i32, 7);
    assert_int_equal(answer(&f, c, values, 1), BEAMR_OK);
    assert_int_equal(drv_call_results(c, &count)[0].of.i32, INT32_MIN);
    drv_call_free(c);

    assert_int_equal(begin(&f, "1", four, 4, &c), BEAMR_SUSPENDED);
    assert_asks(c, "", "", &asked);
    assert_true(asked[1].of.i64 == INT64_MIN);
    assert_true(signbit(asked[3].of.f64));
    assert_int_equal(answer(&f, c, values, 4), BEAMR_OK);
    results = drv_call_results(c, &count);
    assert_int_equal(count, 4);
    assert_true(results[2].of.f32 == 2.5f);
    drv_call_free(c);
    fixture_close(&f);
}

/* Results that do not fit, and errors: the guest traps with the text, and can be used again. */
static void wrong_answers_trap(void **state)
{
    fixture f = {0};
    beamr_arg args[] = {arg_int(6), arg_int(7)};
    beamr_value values[] = {beamr_i64(1), beamr_i32(2)};
    beamr_error why = {0};
    beamr_answer failure = {.error = &why};
    drv_call *c = NULL;

    (void)state;
    open_imports(&f, mul, 2);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(begin(&f, "0", args, 2, &c), BEAMR_SUSPENDED);
        if (i == 0) {
            assert_int_equal(answer(&f, c, values, 1), BEAMR_TRAP);
            assert_non_null(strstr(f.err.text, "result 1"));
        } else if (i == 1) {
            assert_int_equal(answer(&f, c, values, 2), BEAMR_TRAP);
            assert_non_null(strstr(f.err.text, "1 results, 2 given"));
        } else {
            (void)beamr_fail_trap(&why, BEAMR_TRAP_HOST, "the reason");
            beamr_error_clear(&f.err);
            assert_int_equal(drv_call_resume(c, &failure, &f.err), BEAMR_TRAP);
            assert_non_null(strstr(f.err.text, "the reason"));
        }
        assert_int_equal(f.err.trap, BEAMR_TRAP_HOST);
        drv_call_free(c);
    }
    args[0] = arg_int(0);
    assert_int_equal(call(&f, "round", args, 1).of.i32, 5);
    fixture_close(&f);
}

/* Calls on top of those that wait; the innermost goes on first. */
static void calls_nest(void **state)
{
    enum { DEPTH = 30 };
    fixture f = {0};
    beamr_arg args[] = {arg_int(0), arg_int(7)};
    drv_call *calls[DEPTH] = {0};
    const beamr_value *asked;
    size_t count;

    (void)state;
    open_imports(&f, mul, 2);
    for (int i = 0; i < DEPTH; i++) {
        args[0] = arg_int(i);
        assert_int_equal(begin(&f, "0", args, 2, &calls[i]), BEAMR_SUSPENDED);
    }
    assert_int_equal(answer(&f, calls[3], (beamr_value[]){beamr_i32(1)}, 1), BEAMR_BUSY);
    for (int i = DEPTH - 1; i >= 0; i--) {
        beamr_value value = beamr_i32(100 + i);
        beamr_arg zero = arg_int(0);

        assert_int_equal(call(&f, "round", &zero, 1).of.i32, 5);
        assert_asks(calls[i], "my_lib", "mul", &asked);
        assert_int_equal(asked[0].of.i32, i);
        assert_int_equal(answer(&f, calls[i], &value, 1), BEAMR_OK);
        assert_int_equal(drv_call_results(calls[i], &count)[0].of.i32, 100 + i);
        drv_call_free(calls[i]);
    }
    fixture_close(&f);
}

static void nesting_has_an_end(void **state)
{
    enum { MOST = 2000 };
    fixture f = {0};
    beamr_arg args[] = {arg_int(0), arg_int(7)};
    drv_call **calls = calloc(MOST, sizeof(drv_call *));
    beamr_status st = BEAMR_SUSPENDED;
    int depth = 0;

    (void)state;
    open_imports(&f, mul, 2);
    while (depth < MOST && (st = begin(&f, "0", args, 2, &calls[depth])) == BEAMR_SUSPENDED)
        depth++;
    assert_int_equal(st, BEAMR_TRAP);
    assert_int_equal(f.err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_in_range(depth, 16, 1000);
    assert_int_equal(answer(&f, calls[depth - 1], (beamr_value[]){beamr_i32(1)}, 1), BEAMR_OK);
    while (depth > 0)
        drv_call_free(calls[--depth]);
    args[0] = arg_int(0);
    assert_int_equal(call(&f, "round", args, 1).of.i32, 5);
    free(calls);
    fixture_close(&f);
}

/* Objects of calls that were cancelled with an outer one may be freed in any order. */
static void a_waiting_call_is_cancelled_with_all_on_top(void **state)
{
    fixture f = {0};
    beamr_arg args[] = {arg_int(0), arg_int(7)};
    drv_call *outer = NULL, *inner = NULL;
    beamr_request request;
    const beamr_value *asked;

    (void)state;
    open_imports(&f, mul, 2);
    assert_int_equal(begin(&f, "0", args, 2, &outer), BEAMR_SUSPENDED);
    assert_int_equal(begin(&f, "0", args, 2, &inner), BEAMR_SUSPENDED);
    drv_call_free(outer);
    assert_false(drv_call_request(inner, &request, &asked));
    drv_call_free(inner);
    assert_int_equal(call(&f, "round", args, 1).of.i32, 5);
    drv_call_free(NULL);
    fixture_close(&f);
}

/* A pause of a call that was answered is no request. */
static void a_call_can_wait_and_pause(void **state)
{
    fixture f = {0};
    beamr_arg args[] = {arg_int(1), arg_int(7)};
    beamr_request request;
    const beamr_value *asked;
    drv_call *outer = NULL, *inner = NULL;
    size_t count;

    (void)state;
    open_imports(&f, mul, 2);
    assert_int_equal(begin(&f, "0", args, 2, &outer), BEAMR_SUSPENDED);
    drv_guest_pause(f.guest);
    assert_int_equal(begin(&f, "round", args, 1, &inner), BEAMR_SUSPENDED);
    drv_guest_settle(f.guest);
    assert_false(drv_call_request(inner, &request, &asked));
    assert_true(drv_call_request(outer, &request, &asked)); /* as before */
    drv_call_free(inner);
    assert_int_equal(answer(&f, outer, (beamr_value[]){beamr_i32(4)}, 1), BEAMR_OK);
    assert_int_equal(drv_call_results(outer, &count)[0].of.i32, 4);
    drv_call_free(outer);
    fixture_close(&f);
}

/* Waiting for an import takes no fuel from later calls, and nested calls have their
 * outermost's.
 */
static void fuel_is_the_outermost_calls(void **state)
{
    fixture f = {.options = {.fuel = 10000}};
    beamr_arg args[] = {arg_int(1), arg_int(7)};
    drv_call *outer = NULL;

    (void)state;
    open_imports(&f, mul, 2);
    assert_int_equal(begin(&f, "0", args, 2, &outer), BEAMR_SUSPENDED);
    assert_call_fails(&f, "round", args, 1, BEAMR_TRAP, "out of fuel");
    assert_call_fails(&f, "round", args, 1, BEAMR_TRAP, "out of fuel");
    drv_call_free(outer);
    args[0] = arg_int(0);
    assert_int_equal(call(&f, "round", args, 1).of.i32, 5);
    fixture_close(&f);
}

/* ---- Stubs ---- */

static void stubs_give_zeros_or_trap(void **state)
{
    fixture f = {.options = {.stubs = DRV_STUBS_ZEROS}};
    beamr_arg args[] = {arg_int(6), arg_int(7)};

    (void)state;
    open_imports(&f, mul, 2);
    assert_int_equal(call(&f, "0", args, 2).of.i32, 0);
    fixture_close(&f);

    f = (fixture){.options = {.stubs = DRV_STUBS_TRAP}};
    open_imports(&f, mul, 2);
    assert_call_fails(&f, "0", args, 2, BEAMR_TRAP,
                      "call of an import that nothing provides: my_lib.mul");
    fixture_close(&f);
}

/* ---- The system ---- */

static const wanted system_imports[] = {
    FUNC("wasi_snapshot_preview1", "fd_close", "i:i"),
    FUNC("env", "emscripten_date_now", ":d"),
};

static void the_system_is_the_callers_or_the_librarys(void **state)
{
    fixture f = {0};
    beamr_arg nine = arg_int(9);
    const beamr_value *asked;
    drv_call *c = NULL;

    (void)state;
    open_imports(&f, system_imports, 2);
    assert_true(drv_guest_is_quick(f.guest));
    assert_int_equal(begin(&f, "0", &nine, 1, &c), BEAMR_SUSPENDED);
    assert_asks(c, "wasi_snapshot_preview1", "fd_close", &asked);
    drv_call_free(c);
    assert_int_equal(begin(&f, "1", NULL, 0, &c), BEAMR_SUSPENDED);
    assert_asks(c, "env", "emscripten_date_now", &asked);
    drv_call_free(c);
    fixture_close(&f);

    f = (fixture){.options = {.has_system = true}};
    open_imports(&f, system_imports, 2);
    assert_false(drv_guest_is_quick(f.guest));
    assert_int_equal(call(&f, "0", &nine, 1).of.i32, 8); /* badf */
    assert_true(call(&f, "1", NULL, 0).of.f64 == 0);
    fixture_close(&f);
}

static void proc_exit_ends_the_call(void **state)
{
    static const wanted imports[] = {FUNC("wasi_snapshot_preview1", "proc_exit", "i:")};
    fixture f = {.options = {.has_system = true}};
    beamr_arg three = arg_int(3), zero = arg_int(0);

    (void)state;
    open_imports(&f, imports, 1);
    assert_call_fails(&f, "0", &three, 1, BEAMR_TRAP, "exit");
    assert_int_equal(f.err.trap, BEAMR_TRAP_EXIT);
    assert_int_equal(call(&f, "round", &zero, 1).of.i32, 5);
    fixture_close(&f);
}

/* Names that the library knows, of types that it does not. */
static void types_of_their_own_are_asked_of_the_caller(void **state)
{
    static const wanted imports[] = {
        FUNC("wasi_snapshot_preview1", "fd_close", "dd:d"),
        FUNC("env", "abort", "iiii:"),
        FUNC("wasi_unstable", "fd_close", "l:l"),
    };
    fixture f = {0};
    beamr_arg args[] = {arg_int(1), arg_int(2)};
    beamr_value value = beamr_f64(2.5);
    const beamr_value *asked;
    drv_call *c = NULL;
    size_t count;

    (void)state;
    open_imports(&f, imports, 3);
    assert_int_equal(begin(&f, "0", args, 2, &c), BEAMR_SUSPENDED);
    assert_asks(c, "wasi_snapshot_preview1", "fd_close", &asked);
    assert_int_equal(answer(&f, c, &value, 1), BEAMR_OK);
    assert_true(drv_call_results(c, &count)[0].of.f64 == 2.5);
    drv_call_free(c);
    fixture_close(&f);
    assert_refused(imports, 1, (drv_options){.has_system = true}, BEAMR_UNLINKABLE,
                   "import wasi_snapshot_preview1 fd_close is declared as func [f64 f64]");
}

/* ---- Objects ---- */

static void objects_are_made_as_declared(void **state)
{
    static const wanted imports[] = {
        {"any", "memory", OBJECT("\x02\x01\x02\x03")},
        {"any", "table", OBJECT("\x01\x70\x01\x05\x09")},
        {"any", "externs", OBJECT("\x01\x6f\x00\x01")},
        {"any", "tag", OBJECT("\x04\x00\x01")},
        FUNC("any", "f", "i:"),
    };
    fixture f = {0};
    wasm_builder w = {0};
    uint64_t size = 0;

    (void)state;
    put_imports(&w, imports, 5, false);
    fixture_make(&f, &w);
    /* the tag's type gives nothing: that of function f */
    CHECK(&f, BEAMR_OK, "", drv_guest_start(f.guest, &f.err));
    CHECK(&f, BEAMR_OK, "", drv_guest_size(f.guest, &size, &f.err));
    assert_int_equal(size, 2 * 65536);
    fixture_close(&f);
    assert_refused(imports, 1, (drv_options){.max_memory = 65536}, BEAMR_LIMIT,
                   "import any.memory (memory 2 3): ");
}

static void globals_are_named_or_zero(void **state)
{
    static const wanted imports[] = {{"env", "g", OBJECT("\x03\x7e\x01")},
                                     {"env", "h", OBJECT("\x03\x70\x00")}};
    fixture f = {.options = {.stubs = DRV_STUBS_ZEROS}};

    (void)state;
    assert_refused(imports, 2, (drv_options){0}, BEAMR_UNLINKABLE,
                   "import env.g (global mut i64): nobody provides it");
    assert_refused(imports + 1, 1, (drv_options){.stubs = DRV_STUBS_TRAP}, BEAMR_UNLINKABLE,
                   "import env.h (global funcref): nobody provides it");
    assert_refused(imports, 1, (drv_options){.has_system = true}, BEAMR_UNLINKABLE,
                   "import env.g (global mut i64): nobody provides it");
    open_imports(&f, imports, 2);
    fixture_close(&f);
}

static void long_names_of_imports_are_cut(void **state)
{
    char name[701];
    wanted import = {name, name, OBJECT("\x03\x7e\x01")};
    fixture f = {0};
    wasm_builder w = {0};

    (void)state;
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    put_imports(&w, &import, 1, true);
    fixture_make(&f, &w);
    CHECK(&f, BEAMR_UNLINKABLE, "import nnnn", drv_guest_start(f.guest, &f.err));
    assert_non_null(strstr(f.err.text, "(global mut i64): nobody provides it"));
    fixture_close(&f);
}

/* ---- The start ---- */

/* A start function that calls host.ask, i:l, and traps unless that is zero. */
static void put_asking_start(wasm_builder *w)
{
    wasm_begin(w);
    TYPES(w, "i:l", ":");
    wasm_section(w, WASM_IMPORT);
    WASM(w, 1);
    wasm_import(w, "host", "ask");
    WASM(w, 0, 0);
    wasm_end(w);
    SECTION(w, WASM_FUNCTION, 1, 1);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 1);
    wasm_export(w, "_initialize", 0, 1);
    wasm_end(w);
    SECTION(w, WASM_START, 1);
    wasm_section(w, WASM_CODE);
    WASM(w, 1);
    WASM_BODY(w, 0x41, 1, 0x10, 0, 0x50, 0x45, 0x04, 0x40, 0, 0x0b);
    wasm_end(w);
}

static void imports_are_answered_with_zeros_while_it_starts(void **state)
{
    fixture f = {0};
    wasm_builder w = {0};

    (void)state;
    put_asking_start(&w);
    fixture_open(&f, &w);
    fixture_close(&f);

    f = (fixture){.options = {.stubs = DRV_STUBS_TRAP}};
    w = (wasm_builder){0};
    put_asking_start(&w);
    fixture_make(&f, &w);
    CHECK(&f, BEAMR_TRAP, "call of an import that nothing provides: host.ask",
          drv_guest_start(f.guest, &f.err));
    fixture_close(&f);
}

/* ---- The language ---- */

/* As Emscripten makes it: `try` calls throws(), which is element 1, through invoke_v; gives
 * what setThrew was told, so 1 after a longjmp. `bare` calls throws() directly. */
static void put_invoke(wasm_builder *w)
{
    wasm_begin(w);
    TYPES(w, "i:", ":", "ii:", ":i");
    wasm_section(w, WASM_IMPORT);
    WASM(w, 3);
    wasm_import(w, "env", "invoke_v");
    WASM(w, 0, 0);
    wasm_import(w, "env", "_emscripten_throw_longjmp");
    WASM(w, 0, 1);
    wasm_import(w, "env", "ask");
    WASM(w, 0, 1);
    wasm_end(w);
    SECTION(w, WASM_FUNCTION, 5, 1, 2, 3, 3, 0); /* 3 throws, 4 setThrew, 5 try, 6 7 stack */
    SECTION(w, WASM_TABLE, 1, 0x70, 0, 2);
    SECTION(w, WASM_GLOBAL, 1, 0x7f, 1, 0x41, 0, 0x0b);
    wasm_section(w, WASM_EXPORT);
    WASM(w, 6);
    wasm_export(w, "bare", 0, 3);
    wasm_export(w, "setThrew", 0, 4);
    wasm_export(w, "try", 0, 5);
    wasm_export(w, "emscripten_stack_get_current", 0, 6);
    wasm_export(w, "_emscripten_stack_restore", 0, 7);
    wasm_export(w, "__indirect_function_table", 1, 0);
    wasm_end(w);
    SECTION(w, WASM_ELEMENT, 1, 0, 0x41, 1, 0x0b, 1, 3);
    wasm_section(w, WASM_CODE);
    WASM(w, 5);
    WASM_BODY(w, 0x10, 2, 0x10, 1);
    WASM_BODY(w, 0x20, 0, 0x24, 0);
    WASM_BODY(w, 0x41, 0, 0x24, 0, 0x41, 1, 0x10, 0, 0x23, 0);
    WASM_BODY(w, 0x41, 16);
    WASM_BODY(w, 0x01);
    wasm_end(w);
}

static void what_belongs_to_the_language_is_never_asked(void **state)
{
    fixture f = {0};
    wasm_builder w = {0};
    const beamr_value *asked;
    drv_call *c = NULL;
    size_t count;

    (void)state;
    put_invoke(&w);
    fixture_open(&f, &w);
    assert_true(drv_guest_is_quick(f.guest));
    assert_int_equal(begin(&f, "try", NULL, 0, &c), BEAMR_SUSPENDED);
    assert_asks(c, "env", "ask", &asked); /* below invoke_v */
    assert_int_equal(answer(&f, c, NULL, 0), BEAMR_OK);
    assert_int_equal(drv_call_results(c, &count)[0].of.i32, 1);
    drv_call_free(c);
    assert_int_equal(begin(&f, "bare", NULL, 0, &c), BEAMR_SUSPENDED);
    assert_int_equal(answer(&f, c, NULL, 0), BEAMR_EXCEPTION);
    assert_begins(&f, "longjmp without target");
    drv_call_free(c);
    fixture_close(&f);

    f = (fixture){.options = {.stubs = DRV_STUBS_ZEROS}};
    w = (wasm_builder){0};
    put_invoke(&w);
    fixture_open(&f, &w);
    assert_int_equal(call(&f, "try", NULL, 0).of.i32, 1);
    assert_call_fails(&f, "bare", NULL, 0, BEAMR_EXCEPTION, "longjmp without target");
    fixture_close(&f);
}

static void destructors_are_slow(void **state)
{
    static const wanted imports[] = {FUNC("env", "__cxa_end_catch", ":")};
    fixture f = {0};

    (void)state;
    open_imports(&f, imports, 1);
    assert_false(drv_guest_is_quick(f.guest));
    fixture_close(&f);
}

static void invoke_without_a_table_traps(void **state)
{
    static const wanted imports[] = {FUNC("env", "invoke_vi", "ii:"),
                                     FUNC("my_lib", "mul", "ii:i")};
    beamr_arg args[] = {arg_int(1), arg_int(2)};
    fixture f = {.options = {.stubs = DRV_STUBS_ZEROS}};

    (void)state;
    open_imports(&f, imports, 2);
    assert_call_fails(&f, "0", args, 2, BEAMR_TRAP,
                      "host function failed: invoke_* is called, and the module has");
    assert_int_equal(call(&f, "1", args, 2).of.i32, 0);
    fixture_close(&f);
}

/* invoke_* with a table, and without what keeps the stack. */
static void a_language_that_is_not_whole_is_refused(void **state)
{
    static const wanted imports[] = {FUNC("env", "invoke_vi", "ii:"),
                                     {"env", "t", OBJECT("\x01\x70\x00\x00")}};

    (void)state;
    assert_refused(imports, 2, (drv_options){0}, BEAMR_UNLINKABLE,
                   "the module imports invoke_*, and does not export the function");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_caller_is_asked),
        cmocka_unit_test(wrong_answers_trap),
        cmocka_unit_test(calls_nest),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(a_waiting_call_is_cancelled_with_all_on_top),
        cmocka_unit_test(a_call_can_wait_and_pause),
        cmocka_unit_test(fuel_is_the_outermost_calls),
        cmocka_unit_test(stubs_give_zeros_or_trap),
        cmocka_unit_test(the_system_is_the_callers_or_the_librarys),
        cmocka_unit_test(proc_exit_ends_the_call),
        cmocka_unit_test(types_of_their_own_are_asked_of_the_caller),
        cmocka_unit_test(objects_are_made_as_declared),
        cmocka_unit_test(globals_are_named_or_zero),
        cmocka_unit_test(long_names_of_imports_are_cut),
        cmocka_unit_test(imports_are_answered_with_zeros_while_it_starts),
        cmocka_unit_test(what_belongs_to_the_language_is_never_asked),
        cmocka_unit_test(destructors_are_slow),
        cmocka_unit_test(invoke_without_a_table_traps),
        cmocka_unit_test(a_language_that_is_not_whole_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
