/* Modules built to be slow to compile: compiling ends in time, and whatever stays interpreted,
 * the answers are the interpreter's. */
#include "fixture.h"

#include "native.h"

enum {
    TIME_MS = 2000,
    MEGABYTE = 1 << 20,
    ARGUMENTS = 5,
};

static const int32_t arguments[ARGUMENTS] = {0, 1, 7, 49999, -1};

/* ---- Building ---- */

/* The sections before the code, of a module with a memory of one page.
 *   count  functions of type [i32] -> [i32], the first of which is exported as "f" */
static void open_code(wasm_builder *w, uint32_t count)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 2);
    wasm_functype(w, "i", "i");
    wasm_functype(w, "", "");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, count);
    for (uint32_t i = 0; i < count; i++)
        WASM(w, 0);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_TAG);
    WASM(w, 1, 0, 1);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "f", 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, count);
}

/* Begin a body.
 *   locals  of type i32, beside the parameter */
static void open_body(wasm_builder *w, uint32_t locals)
{
    wasm_sized(w);
    WASM(w, 1);
    wasm_u32(w, locals);
    WASM(w, 0x7f);
}

static void close_body(wasm_builder *w)
{
    WASM(w, 0x0b);
    wasm_end(w);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void local_get(wasm_builder *w, uint32_t index)
{
    WASM(w, 0x20);
    wasm_u32(w, index);
}

static void local_set(wasm_builder *w, uint32_t index)
{
    WASM(w, 0x21);
    wasm_u32(w, index);
}

static void i32_const(wasm_builder *w, int32_t n)
{
    WASM(w, 0x41);
    wasm_s64(w, n);
}

/* ---- Compiling and comparing ---- */

static void check_answers(beamr_func *a, beamr_func *b)
{
    for (int i = 0; i < ARGUMENTS; i++) {
        beamr_value arg = beamr_i32(arguments[i]), x = beamr_i32(1), y = beamr_i32(2);
        beamr_error one = {0}, other = {0};
        beamr_status st = beamr_func_call(a, &arg, 1, &x, 1, &one);

        assert_int_equal(beamr_func_call(b, &arg, 1, &y, 1, &other), st);
        assert_string_equal(one.text, other.text);
        if (st == BEAMR_OK)
            assert_int_equal(x.of.i32, y.of.i32);
    }
}

static void check(const char *what, wasm_builder *w)
{
    beamr_compile_options options = native_options();
    fixture f = native_fixture(false);
    beamr_bytes wasm = wasm_bytes_of(w);
    beamr_module *interpreted = NULL, *compiled = NULL;
    beamr_instance *a = NULL, *b = NULL;
    beamr_error err = {0};
    beamr_status st;

    options.time_ms = TIME_MS;
    assert_int_equal(beamr_module_load(f.engine, wasm, &interpreted, &err), BEAMR_OK);
    assert_int_equal(beamr_module_load(f.engine, wasm, &compiled, NULL), BEAMR_OK);
    st = beamr_module_compile(compiled, &options, &err);
    if (st != BEAMR_OK)
        print_message("%s: %s\n", what, err.text);
    else
        print_message("%s: %zu of %zu functions compiled\n", what,
                      beamr_module_native_count(compiled), beamr_module_func_count(compiled));
    assert_true(st == BEAMR_OK || st == BEAMR_LIMIT);
    assert_int_equal(beamr_instance_new(f.store, interpreted, NULL, 0, &a, NULL), BEAMR_OK);
    assert_int_equal(beamr_instance_new(f.store, compiled, NULL, 0, &b, NULL), BEAMR_OK);
    check_answers(beamr_instance_find_func(a, "f"), beamr_instance_find_func(b, "f"));
    beamr_module_unref(interpreted);
    beamr_module_unref(compiled);
    fixture_close(&f);
    wasm_free(w);
}

/* ---- One function of a megabyte ---- */

static void a_megabyte_of_arithmetic(void **state)
{
    static const uint8_t ops[] = {0x6a, 0x6b, 0x6c, 0x71, 0x72, 0x73, 0x74, 0x77, 0x48, 0x46};
    wasm_builder w = {0};
    uint32_t seed = 1;

    (void)state;
    open_code(&w, 1);
    open_body(&w, 20);
    for (size_t begin = w.len; w.len < begin + MEGABYTE;) {
        local_get(&w, next_random(&seed) % 21);
        local_get(&w, next_random(&seed) % 21);
        WASM(&w, ops[next_random(&seed) % sizeof ops]);
        i32_const(&w, (int32_t)next_random(&seed));
        WASM(&w, ops[next_random(&seed) % sizeof ops]);
        local_set(&w, next_random(&seed) % 21);
    }
    local_get(&w, 3);
    close_body(&w);
    wasm_end(&w);
    check("a megabyte of arithmetic", &w);
}

static void a_megabyte_of_branches(void **state)
{
    wasm_builder w = {0};
    uint32_t seed = 2;

    (void)state;
    open_code(&w, 1);
    open_body(&w, 20);
    for (size_t begin = w.len; w.len < begin + MEGABYTE;) {
        WASM(&w, 0x02, 0x40); /* block */
        local_get(&w, next_random(&seed) % 21);
        i32_const(&w, (int32_t)(next_random(&seed) % 100));
        WASM(&w, 0x48, 0x0d, 0); /* i32.lt_s br_if */
        local_get(&w, next_random(&seed) % 21);
        i32_const(&w, (int32_t)next_random(&seed));
        WASM(&w, 0x6a);
        local_set(&w, next_random(&seed) % 21);
        WASM(&w, 0x0b);
    }
    local_get(&w, 5);
    close_body(&w);
    wasm_end(&w);
    check("a megabyte of branches", &w);
}

static void a_megabyte_of_accesses(void **state)
{
    wasm_builder w = {0};
    uint32_t seed = 3;

    (void)state;
    open_code(&w, 1);
    open_body(&w, 1);
    for (size_t begin = w.len; w.len < begin + MEGABYTE;) {
        i32_const(&w, (int32_t)(next_random(&seed) % 60000));
        local_get(&w, 0);
        WASM(&w, 0x28, 0, (uint8_t)(next_random(&seed) & 0x7f)); /* i32.load */
        local_get(&w, 0);
        WASM(&w, 0x6a, 0x36, 0, 4); /* i32.add i32.store */
    }
    local_get(&w, 0);
    WASM(&w, 0x28, 0, 0);
    close_body(&w);
    wasm_end(&w);
    check("a megabyte of accesses", &w);
}

static void a_megabyte_of_calls(void **state)
{
    wasm_builder w = {0};

    (void)state;
    open_code(&w, 2);
    open_body(&w, 1);
    local_get(&w, 0);
    for (size_t begin = w.len; w.len < begin + MEGABYTE;)
        WASM(&w, 0x10, 1);
    close_body(&w);
    open_body(&w, 0);
    local_get(&w, 0);
    i32_const(&w, 3);
    WASM(&w, 0x6c);
    close_body(&w);
    wasm_end(&w);
    check("a megabyte of calls", &w);
}

/* All of them on the operand stack at once. */
static void a_megabyte_of_operands(void **state)
{
    wasm_builder w = {0};
    uint32_t count = 0;

    (void)state;
    open_code(&w, 1);
    open_body(&w, 0);
    for (; count < MEGABYTE / 5; count++) {
        local_get(&w, 0);
        i32_const(&w, (int32_t)(count & 63));
        WASM(&w, 0x77); /* i32.rotl */
    }
    for (; count > 1; count--)
        WASM(&w, 0x6b); /* i32.sub */
    close_body(&w);
    wasm_end(&w);
    check("a megabyte of operands", &w);
}

/* A function makes its frame before it finds that it has no units. */
static void a_frame_larger_than_the_stack(void **state)
{
    enum { VECTORS = 24000, UNITS = 1000 };
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_compile_options options = native_options();
    fixture f = native_fixture(false);
    beamr_value arg = beamr_i32(0), result = beamr_i32(0);
    wasm_builder w = {0};
    beamr_module *m = NULL;
    beamr_instance *inst = NULL;
    beamr_store *small = NULL;
    beamr_error err = {0};

    (void)state;
    open_code(&w, 1);
    open_body(&w, 0);
    for (uint32_t i = 0; i < VECTORS; i++) {
        local_get(&w, 0);
        WASM(&w, 0xfd, 0, 0); /* v128.load */
        wasm_u32(&w, i);
    }
    for (uint32_t i = 1; i < VECTORS; i++)
        WASM(&w, 0xfd, 0x6e); /* i8x16.add */
    WASM(&w, 0xfd, 0x1b, 0);  /* i32x4.extract_lane */
    close_body(&w);
    wasm_end(&w);
    m = fixture_load(&f, &w);
    options.time_ms = 4 * TIME_MS;
    assert_int_equal(beamr_module_compile(m, &options, &err), BEAMR_OK);
    limits.max_stack_units = UNITS;
    assert_int_equal(beamr_store_new(f.engine, &limits, &small, NULL), BEAMR_OK);
    assert_int_equal(beamr_instance_new(small, m, NULL, 0, &inst, NULL), BEAMR_OK);
    assert_int_equal(
        beamr_func_call(beamr_instance_find_func(inst, "f"), &arg, 1, &result, 1, &err),
        BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_int_equal(beamr_module_native_count(m), 0);
    beamr_store_free(small);
    beamr_module_unref(m);
    fixture_close(&f);
}

/* ---- Locals ---- */

static void fifty_thousand_locals(void **state)
{
    enum { LOCALS = 49999 }; /* and the parameter */
    wasm_builder w = {0};
    uint32_t seed = 4;

    (void)state;
    open_code(&w, 1);
    open_body(&w, LOCALS);
    WASM(&w, 0x03, 0x40); /* loop: each local is a value of its head */
    for (uint32_t i = 1; i <= LOCALS; i++) {
        local_get(&w, i);
        local_get(&w, next_random(&seed) % (LOCALS + 1));
        WASM(&w, 0x73, 0x41, 1, 0x6a); /* i32.xor, i32.add 1 */
        local_set(&w, i);
    }
    local_get(&w, 1);
    local_get(&w, 7);
    WASM(&w, 0x71, 0x41, 3, 0x71, 0x0d, 0, 0x0b); /* br_if on two bits */
    local_get(&w, LOCALS);
    close_body(&w);
    wasm_end(&w);
    check("50,000 locals", &w);
}

/* ---- Control ---- */

/* A br_table to as many blocks as it has ways, each of which does something else. */
static void fifty_thousand_ways(void **state)
{
    enum { WAYS = 50000 };
    wasm_builder w = {0};

    (void)state;
    open_code(&w, 1);
    open_body(&w, 1);
    for (uint32_t i = 0; i <= WAYS; i++)
        WASM(&w, 0x02, 0x40);
    local_get(&w, 0);
    WASM(&w, 0x0e);
    wasm_u32(&w, WAYS);
    for (uint32_t i = 0; i <= WAYS; i++)
        wasm_u32(&w, i);
    for (uint32_t i = 0; i <= WAYS; i++) {
        WASM(&w, 0x0b);
        local_get(&w, 1);
        i32_const(&w, (int32_t)i);
        WASM(&w, 0x6a);
        local_set(&w, 1);
    }
    local_get(&w, 1);
    close_body(&w);
    wasm_end(&w);
    check("a br_table of 50,000 ways", &w);
}

/* 1,000 of a construct, one in the other, each of which changes some locals.
 *   opcode  0x02 block, 0x03 loop, 0x04 if, 0x06 try */
static void check_nested(const char *what, uint8_t opcode)
{
    enum { DEPTH = 1000, LOCALS = 50 };
    wasm_builder w = {0};
    uint32_t seed = 5;

    open_code(&w, 1);
    open_body(&w, LOCALS);
    for (uint32_t i = 0; i < DEPTH; i++) {
        if (opcode == 0x04) {
            local_get(&w, next_random(&seed) % (LOCALS + 1));
            i32_const(&w, (int32_t)(next_random(&seed) % 8) - 4);
            WASM(&w, 0x4d); /* i32.le_u */
        }
        WASM(&w, opcode, 0x40);
        for (int k = 0; k < 3; k++) {
            local_get(&w, next_random(&seed) % (LOCALS + 1));
            i32_const(&w, (int32_t)next_random(&seed));
            WASM(&w, 0x6a);
            local_set(&w, 1 + next_random(&seed) % LOCALS);
        }
    }
    if (opcode == 0x06)
        WASM(&w, 0x08, 0); /* throw */
    for (uint32_t i = 0; i < DEPTH; i++) {
        if (opcode == 0x06)
            WASM(&w, 0x07, 0); /* catch */
        local_get(&w, next_random(&seed) % (LOCALS + 1));
        i32_const(&w, -5);
        WASM(&w, 0x48);     /* i32.lt_s */
        if (opcode == 0x03) /* an inner loop must end: go out, not round */
            WASM(&w, 0x1a);
        else
            WASM(&w, 0x0d, (uint8_t)(next_random(&seed) % (DEPTH - i < 100 ? DEPTH - i : 100)));
        if (opcode == 0x06 && i % 3 == 0)
            WASM(&w, 0x08, 0);
        WASM(&w, 0x0b);
    }
    local_get(&w, 7);
    close_body(&w);
    wasm_end(&w);
    check(what, &w);
}

static void a_thousand_nested_blocks(void **state)
{
    (void)state;
    check_nested("1,000 nested blocks", 0x02);
}

static void a_thousand_nested_loops(void **state)
{
    (void)state;
    check_nested("1,000 nested loops", 0x03);
}

static void a_thousand_nested_ifs(void **state)
{
    (void)state;
    check_nested("1,000 nested ifs", 0x04);
}

static void a_thousand_nested_handlers(void **state)
{
    (void)state;
    check_nested("1,000 nested handlers", 0x06);
}

/* ---- Functions ---- */

static void a_hundred_thousand_functions(void **state)
{
    enum { COUNT = 100000 };
    wasm_builder w = {0};

    (void)state;
    open_code(&w, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        wasm_sized(&w);
        WASM(&w, 0, 0x20, 0);
        i32_const(&w, (int32_t)i);
        WASM(&w, 0x6a);
        if (i % 1000 != 999) {
            WASM(&w, 0x10); /* call the next */
            wasm_u32(&w, i + 1);
        }
        close_body(&w);
    }
    wasm_end(&w);
    check("100,000 functions", &w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_megabyte_of_arithmetic),
        cmocka_unit_test(a_megabyte_of_branches),
        cmocka_unit_test(a_megabyte_of_accesses),
        cmocka_unit_test(a_megabyte_of_calls),
        cmocka_unit_test(a_megabyte_of_operands),
        cmocka_unit_test(a_frame_larger_than_the_stack),
        cmocka_unit_test(fifty_thousand_locals),
        cmocka_unit_test(fifty_thousand_ways),
        cmocka_unit_test(a_thousand_nested_blocks),
        cmocka_unit_test(a_thousand_nested_loops),
        cmocka_unit_test(a_thousand_nested_ifs),
        cmocka_unit_test(a_thousand_nested_handlers),
        cmocka_unit_test(a_hundred_thousand_functions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
