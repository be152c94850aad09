/* Two instances of a store sharing a memory, a table, globals and a tag: what one does, the
 * other and the embedder see. */
#include "fixture.h"

/* Both modules have the same functions; one defines the shared objects, the other imports them.
 */
static const char *const func_names[] = {"load", "grow", "size",  "get",   "set",
                                         "call", "put",  "seven", "throw", "catch"};

enum { FUNC_COUNT = sizeof func_names / sizeof func_names[0], SEVEN = 7 };

static void put_objects(wasm_builder *w, bool defines)
{
    if (defines) {
        wasm_section(w, WASM_FUNCTION);
        WASM(w, FUNC_COUNT, 0, 0, 1, 1, 2, 0, 2, 1, 2, 0);
        wasm_end(w);
        wasm_section(w, WASM_TABLE);
        WASM(w, 1, 0x70, 0, 4);
        wasm_end(w);
        wasm_section(w, WASM_MEMORY);
        WASM(w, 1, 0x01, 1, 10);
        wasm_end(w);
        wasm_section(w, WASM_TAG);
        WASM(w, 1, 0, 2);
        wasm_end(w);
        wasm_section(w, WASM_GLOBAL);
        WASM(w, 1, 0x7f, 1, 0x41, 5, 0x0b);
        wasm_end(w);
        return;
    }
    wasm_section(w, WASM_IMPORT);
    WASM(w, 4);
    wasm_import(w, "a", "table");
    WASM(w, 0x01, 0x70, 0, 4);
    wasm_import(w, "a", "memory");
    WASM(w, 0x02, 0x01, 1, 10);
    wasm_import(w, "a", "tag");
    WASM(w, 0x04, 0, 2);
    wasm_import(w, "a", "global");
    WASM(w, 0x03, 0x7f, 1);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, FUNC_COUNT, 0, 0, 1, 1, 2, 0, 2, 1, 2, 0);
    wasm_end(w);
}

static void put_exports(wasm_builder *w)
{
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, FUNC_COUNT + 4);
    for (uint32_t i = 0; i < FUNC_COUNT; i++)
        wasm_export(w, func_names[i], 0, i);
    wasm_export(w, "table", 1, 0);
    wasm_export(w, "memory", 2, 0);
    wasm_export(w, "global", 3, 0);
    wasm_export(w, "tag", 4, 0);
    wasm_end(w);
}

/* own  what "seven" gives */
static void put_code(wasm_builder *w, uint8_t own)
{
    wasm_section(w, WASM_CODE);
    wasm_u32(w, FUNC_COUNT);
    WASM_BODY(w, 0x20, 0, 0x28, 2, 0);           /* load: i32.load */
    WASM_BODY(w, 0x20, 0, 0x40, 0);              /* grow: memory.grow */
    WASM_BODY(w, 0x3f, 0);                       /* size: memory.size */
    WASM_BODY(w, 0x23, 0);                       /* get: the global */
    WASM_BODY(w, 0x20, 0, 0x24, 0);              /* set: the global */
    WASM_BODY(w, 0x20, 0, 0x11, 1, 0);           /* call: element a, [] -> [i32] */
    WASM_BODY(w, 0x20, 0, 0xd2, SEVEN, 0x26, 0); /* put: "seven" into element a */
    WASM_BODY(w, 0x41, own);                     /* seven */
    WASM_BODY(w, 0x20, 0, 0x08, 0);              /* throw: the tag with a */
    /* catch: call element 3, which is of type [i32] -> [], with a; what it throws, or -1 */
    WASM_BODY(w, 0x02, 0x7f, 0x1f, 0x40, 1, 0x00, 0, 0, 0x20, 0, 0x41, 3, 0x11, 2, 0, 0x0b,
              0x41, 0x7f, 0x0b);
    wasm_end(w);
}

static void build(wasm_builder *w, bool defines, uint8_t own)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 3);
    wasm_functype(w, "i", "i");
    wasm_functype(w, "", "i");
    wasm_functype(w, "i", "");
    wasm_end(w);
    put_objects(w, defines);
    put_exports(w);
    wasm_section(w, WASM_ELEMENT); /* "throw" is element 3; functions may be referred to */
    WASM(w, 2, 0x00, 0x41, 3, 0x0b, 1, 8, 0x03, 0x00, 1, SEVEN);
    wasm_end(w);
    put_code(w, own);
}

typedef struct pair {
    fixture f;
    beamr_instance *a, *b; /* b imports a's objects */
    beamr_memory *memory;
    beamr_table *table;
    beamr_global *global;
} pair;

static beamr_extern find(beamr_instance *inst, const char *name)
{
    beamr_extern e = {0};

    assert_true(beamr_instance_find(inst, beamr_bytes_of(name), &e));
    return e;
}

static void pair_open(pair *p)
{
    wasm_builder w = {0};
    beamr_extern imports[4];

    *p = (pair){.f = fixture_open()};
    build(&w, true, 7);
    p->a = fixture_instance(&p->f, &w, NULL, 0);
    imports[0] = find(p->a, "table");
    imports[1] = find(p->a, "memory");
    imports[2] = find(p->a, "tag");
    imports[3] = find(p->a, "global");
    build(&w, false, 8);
    p->b = fixture_instance(&p->f, &w, imports, 4);
    p->table = imports[0].of.table;
    p->memory = imports[1].of.memory;
    p->global = imports[3].of.global;
}

static beamr_status call(beamr_instance *inst, const char *name, int32_t arg, int32_t *result,
                         beamr_error *err)
{
    beamr_func *func = beamr_instance_find_func(inst, name);
    beamr_functype type = beamr_func_type(func);
    beamr_value value = beamr_i32(arg), out = beamr_i32(0);
    beamr_status st =
        beamr_func_call(func, &value, type.param_count, &out, type.result_count, err);

    *result = out.of.i32;
    return st;
}

static int32_t get(beamr_instance *inst, const char *name, int32_t arg)
{
    beamr_error err = {0};
    int32_t result;

    if (call(inst, name, arg, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", name, err.text);
    return result;
}

static void growth_is_seen_by_all(void **state)
{
    beamr_error err = {0};
    uint8_t *base;
    int32_t result;
    pair p;

    (void)state;
    pair_open(&p);
    base = beamr_memory_data(p.memory);
    assert_ptr_equal(beamr_memory_data(find(p.b, "memory").of.memory), base);
    assert_int_equal(call(p.a, "load", 65536, &result, &err), BEAMR_TRAP);
    assert_int_equal(get(p.b, "grow", 1), 1);
    assert_int_equal(get(p.a, "size", 0), 2);
    assert_int_equal(get(p.a, "load", 65536), 0);
    assert_int_equal(beamr_memory_pages(p.memory), 2);
    assert_int_equal(beamr_memory_grow(p.memory, 1, NULL, NULL), BEAMR_OK);
    assert_int_equal(get(p.a, "size", 0), 3);
    assert_int_equal(get(p.b, "size", 0), 3);
    assert_ptr_equal(beamr_memory_data(p.memory), base);
    base[3 * 65536 - 4] = 42;
    assert_int_equal(get(p.a, "load", 3 * 65536 - 4), 42);
    assert_int_equal(get(p.b, "load", 3 * 65536 - 4), 42);
    assert_int_equal(get(p.a, "grow", 8), -1);
    assert_int_equal(get(p.b, "grow", 7), 3);
    assert_int_equal(get(p.a, "grow", 1), -1);
    fixture_close(&p.f);
}

/* The guest is in a function that began before the host made the memory grow. */
static beamr_status grow_it(const beamr_call *c, const beamr_value *args, beamr_value *results,
                            beamr_error *err)
{
    (void)args;
    (void)results;
    return beamr_memory_grow(beamr_instance_memory(c->caller, 0), 1, NULL, err);
}

/* (func (result i32) call $host, i32.load (i32.const 65536)) */
static void growth_by_the_host_is_seen_by_the_running_function(void **state)
{
    fixture f = fixture_open();
    beamr_extern import = {.kind = BEAMR_EXTERN_FUNC};
    wasm_builder w = {0};

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 2);
    wasm_functype(&w, "", "");
    wasm_functype(&w, "", "i");
    wasm_end(&w);
    wasm_section(&w, WASM_IMPORT);
    WASM(&w, 1);
    wasm_import(&w, "e", "h");
    WASM(&w, 0x00, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_MEMORY);
    WASM(&w, 1, 0x00, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    WASM(&w, 1);
    wasm_export(&w, "f", 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    WASM_BODY(&w, 0x10, 0, 0x41, 0x80, 0x80, 0x04, 0x28, 2, 0);
    wasm_end(&w);
    import.of.func = fixture_func(&f, "", "", grow_it, NULL);
    assert_int_equal(get(fixture_instance(&f, &w, &import, 1), "f", 0), 0);
    fixture_close(&f);
}

static void mutable_globals_are_one(void **state)
{
    beamr_value v = beamr_i32(-3);
    int32_t none;
    pair p;

    (void)state;
    pair_open(&p);
    assert_int_equal(get(p.b, "get", 0), 5);
    assert_int_equal(call(p.a, "set", 77, &none, NULL), BEAMR_OK);
    assert_int_equal(get(p.b, "get", 0), 77);
    assert_int_equal(beamr_global_get(p.global).of.i32, 77);
    assert_int_equal(beamr_global_set(p.global, &v, NULL), BEAMR_OK);
    assert_int_equal(get(p.a, "get", 0), -3);
    assert_int_equal(get(p.b, "get", 0), -3);
    fixture_close(&p.f);
}

static void functions_keep_their_instance_in_shared_tables(void **state)
{
    beamr_value result, func;
    beamr_error err = {0};
    int32_t none;
    pair p;

    (void)state;
    pair_open(&p);
    assert_int_equal(call(p.a, "put", 0, &none, NULL), BEAMR_OK);
    assert_int_equal(call(p.b, "put", 1, &none, NULL), BEAMR_OK);
    assert_int_equal(get(p.b, "call", 0), 7);
    assert_int_equal(get(p.a, "call", 1), 8);
    assert_int_equal(beamr_table_call(p.table, 1, NULL, 0, &result, 1, NULL), BEAMR_OK);
    assert_int_equal(result.of.i32, 8);
    assert_int_equal(beamr_table_get(p.table, 1, &func, NULL), BEAMR_OK);
    assert_ptr_equal(func.of.func, beamr_instance_find_func(p.b, "seven"));
    assert_int_equal(call(p.a, "call", 2, &none, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNINITIALIZED_ELEMENT);
    beamr_error_clear(&err);
    assert_int_equal(call(p.a, "call", 3, &none, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INDIRECT_CALL_MISMATCH);
    beamr_error_clear(&err);
    assert_int_equal(call(p.a, "call", 4, &none, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_UNDEFINED_ELEMENT);
    beamr_error_clear(&err);
    assert_int_equal(beamr_table_call(p.table, 3, NULL, 0, &result, 1, &err), BEAMR_ARGUMENT);
    fixture_close(&p.f);
}

/* Element 3 is b's "throw": b's segment came last. */
static void exceptions_cross_instances(void **state)
{
    pair p;

    (void)state;
    pair_open(&p);
    assert_int_equal(get(p.a, "catch", 1234), 1234);
    assert_int_equal(get(p.b, "catch", -1), -1);
    fixture_close(&p.f);
}

/* What a failed instantiation wrote to shared objects stays, and works. */
static void a_failed_instance_leaves_its_functions_in_the_table(void **state)
{
    wasm_builder w = {0};
    beamr_error err = {0};
    beamr_instance *inst = NULL;
    beamr_extern imports[4];
    beamr_module *m;
    pair p;

    (void)state;
    pair_open(&p);
    imports[0] = find(p.a, "table");
    imports[1] = find(p.a, "memory");
    imports[2] = find(p.a, "tag");
    imports[3] = find(p.a, "global");
    build(&w, false, 9);
    wasm_section(&w, WASM_DATA); /* one that does not fit */
    WASM(&w, 1, 0x00, 0x41, 0x7f, 0x0b, 1, 'x');
    wasm_end(&w);
    m = fixture_load(&p.f, &w);
    assert_int_equal(beamr_instance_new(p.f.store, m, imports, 4, &inst, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_null(inst);
    beamr_module_unref(m);
    assert_int_equal(get(p.a, "catch", 55), 55); /* through the failed one's "throw" */
    fixture_close(&p.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_is_seen_by_all),
        cmocka_unit_test(growth_by_the_host_is_seen_by_the_running_function),
        cmocka_unit_test(mutable_globals_are_one),
        cmocka_unit_test(functions_keep_their_instance_in_shared_tables),
        cmocka_unit_test(exceptions_cross_instances),
        cmocka_unit_test(a_failed_instance_leaves_its_functions_in_the_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
