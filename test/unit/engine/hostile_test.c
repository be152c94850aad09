/* Modules at the edge of what is allowed, loaded and executed: great sizes, counts, depths and
 * addresses. What the decoder and the validator refuse is tested next to them. */
#include "fixture.h"

#include <time.h>

#define MANY_LOCALS 50000u
#define MANY_BLOCKS 100000u
#define MANY_TARGETS 1000000u
#define MANY_VALUES 1000u

/* ---- Building ---- */

/* The sections before the code of a module with one exported function "f".
 *   memory  contents of the memory section; NULL for none */
static void open_code(wasm_builder *w, const char *params, const char *results,
                      const uint8_t *memory, size_t memory_len)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, params, results);
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    WASM(w, 1, 0);
    wasm_end(w);
    if (memory) {
        wasm_section(w, WASM_MEMORY);
        wasm_bytes(w, memory, memory_len);
        wasm_end(w);
    }
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "f", 0, 0);
    wasm_end(w);
    wasm_section(w, WASM_CODE);
    wasm_u32(w, 1);
    wasm_sized(w);
}

static void close_code(wasm_builder *w)
{
    WASM(w, 0x0b);
    wasm_end(w);
    wasm_end(w);
}

static beamr_func *instantiate(fixture *f, wasm_builder *w)
{
    return beamr_instance_find_func(fixture_instance(f, w, NULL, 0), "f");
}

/* Call a function of at most one argument, [i32] or [i64], and one i32 result. */
static beamr_status call_i32(beamr_func *func, uint64_t arg, int32_t *result, beamr_error *err)
{
    beamr_functype type = beamr_func_type(func);
    beamr_value value = beamr_i64((int64_t)arg), out = beamr_i32(0);
    beamr_status st;

    if (type.param_count && beamr_valtype_kind(type.params[0]) == BEAMR_I32)
        value = beamr_i32((int32_t)arg);
    beamr_error_clear(err);
    st = beamr_func_call(func, &value, type.param_count, &out, type.result_count, err);
    *result = out.of.i32;
    return st;
}

static void assert_gives(beamr_func *func, uint64_t arg, int32_t wanted)
{
    beamr_error err = {0};
    int32_t result;

    if (call_i32(func, arg, &result, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(result, wanted);
}

static void assert_traps(beamr_func *func, uint64_t arg, beamr_trap trap)
{
    beamr_error err = {0};
    int32_t result;

    assert_int_equal(call_i32(func, arg, &result, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, trap);
}

/* ---- Size ---- */

static double cpu_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* `count` functions [i32] -> [i32] of `steps` additions of 1 each, the last one exported, and a
 * passive segment as large as all of them. */
static void build_large(wasm_builder *w, uint32_t count, uint32_t steps)
{
    static const uint8_t zeros[1000];
    size_t code;

    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, 1);
    wasm_functype(w, "i", "i");
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u32(w, count);
    for (uint32_t i = 0; i < count; i++)
        WASM(w, 0);
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u32(w, 1);
    wasm_export(w, "f", 0, count - 1);
    wasm_end(w);
    code = w->len;
    wasm_section(w, WASM_CODE);
    wasm_u32(w, count);
    for (uint32_t i = 0; i < count; i++) {
        wasm_sized(w);
        WASM(w, 0, 0x20, 0);
        for (uint32_t k = 0; k < steps; k++)
            WASM(w, 0x41, 1, 0x6a);
        WASM(w, 0x0b);
        wasm_end(w);
    }
    wasm_end(w);
    code = w->len - code;
    wasm_section(w, WASM_DATA);
    WASM(w, 1, 1);
    wasm_u64(w, code / sizeof zeros * sizeof zeros);
    for (size_t i = 0; i < code / sizeof zeros; i++)
        wasm_bytes(w, zeros, sizeof zeros);
    wasm_end(w);
}

/* Load and run a module of that shape.  Returns the processor time it took, in seconds. */
static double run_large(uint32_t count, uint32_t steps, size_t at_least)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_func *func;
    double begin;

    build_large(&w, count, steps);
    assert_true(w.len >= at_least);
    begin = cpu_seconds();
    func = instantiate(&f, &w);
    assert_gives(func, 5, 5 + (int32_t)steps);
    begin = cpu_seconds() - begin;
    fixture_close(&f);
    return begin;
}

/* Sixteen times the bytes may take up to sixty times as long, where quadratic work would take
 * 256 times as long: wide enough for a machine that is busy with something else. */
static void large_modules_take_linear_time(void **state)
{
    const size_t mib = 1u << 20;
    double small, large;

    (void)state;
    small = run_large(10, 54000, 3 * mib); /* few functions of 162 KB */
    large = run_large(162, 54000, 50 * mib);
    assert_true(large < 60 * small + 1);
    small = run_large(54000, 8, 3 * mib); /* many of 29 bytes */
    large = run_large(864000, 8, 50 * mib);
    assert_true(large < 60 * small + 1);
}

/* ---- Depth ---- */

/* `depth` blocks of one opcode in each other, left from the innermost with one jump.
 *   opcode  block, loop, if or (legacy) try */
static void nest(uint8_t opcode, uint32_t depth)
{
    fixture f = fixture_open();
    wasm_builder w = {0};

    open_code(&w, "i", "i", NULL, 0);
    WASM(&w, 0);
    WASM(&w, 0x02, 0x40); /* what is left */
    for (uint32_t i = 0; i + 1 < depth; i++) {
        if (opcode == 0x04)
            WASM(&w, 0x20, 0);
        WASM(&w, opcode, 0x40);
    }
    WASM(&w, 0x0c);
    wasm_u32(&w, depth - 1);
    for (uint32_t i = 0; i < depth; i++)
        WASM(&w, 0x0b);
    WASM(&w, 0x41, 7);
    close_code(&w);
    assert_gives(instantiate(&f, &w), 1, 7);
    fixture_close(&f);
}

static void blocks_nest_as_deep_as_allowed(void **state)
{
    (void)state;
    nest(0x02, MANY_BLOCKS);
    nest(0x03, MANY_BLOCKS);
    nest(0x04, MANY_BLOCKS);
    nest(0x06, MANY_BLOCKS);
}

/* A throw passes 99,998 try_tables, none of which wants it, up to the outermost. */
static void exceptions_pass_many_handlers(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};

    (void)state;
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 2);
    wasm_functype(&w, "", "i");
    wasm_functype(&w, "", "");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TAG);
    WASM(&w, 2, 0, 1, 0, 1);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, 1);
    wasm_export(&w, "f", 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, 1);
    wasm_sized(&w);
    WASM(&w, 0, 0x02, 0x40);             /* block: where the outermost leads */
    WASM(&w, 0x1f, 0x40, 1, 0x00, 1, 0); /* try_table (catch 1 0) */
    for (uint32_t i = 2; i < MANY_BLOCKS; i++)
        WASM(&w, 0x1f, 0x40, 1, 0x00, 0, 0); /* try_table (catch 0 0) */
    WASM(&w, 0x08, 1);
    for (uint32_t i = 0; i < MANY_BLOCKS; i++)
        WASM(&w, 0x0b);
    WASM(&w, 0x41, 9);
    close_code(&w);
    assert_gives(instantiate(&f, &w), 0, 9);
    fixture_close(&f);
}

/* `count` operands at once, and their sum. */
static beamr_func *stack_of(fixture *f, uint32_t count)
{
    wasm_builder w = {0};

    open_code(&w, "", "i", NULL, 0);
    WASM(&w, 0);
    for (uint32_t i = 0; i < count; i++)
        WASM(&w, 0x41, 1);
    for (uint32_t i = 1; i < count; i++)
        WASM(&w, 0x6a);
    close_code(&w);
    return instantiate(f, &w);
}

static void operands_fill_the_stack(void **state)
{
    fixture f = fixture_open();

    (void)state;
    assert_gives(stack_of(&f, 1000000), 0, 1000000);
    assert_traps(stack_of(&f, 1100000), 0, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_traps(stack_of(&f, 2500000), 0, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_gives(stack_of(&f, 3), 0, 3);
    fixture_close(&f);
}

/* ---- Counts ---- */

static void locals_reach_the_limit(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};

    (void)state;
    open_code(&w, "i", "i", NULL, 0);
    WASM(&w, 2);
    wasm_u32(&w, 10);
    WASM(&w, 0x7b); /* vectors, so that slots and indices differ */
    wasm_u32(&w, MANY_LOCALS - 11);
    WASM(&w, 0x7f, 0x20);
    wasm_u32(&w, MANY_LOCALS - 1); /* zero until it is set */
    WASM(&w, 0x20, 0, 0x21);
    wasm_u32(&w, MANY_LOCALS - 1);
    WASM(&w, 0x20);
    wasm_u32(&w, MANY_LOCALS - 1);
    WASM(&w, 0x41, 2, 0x6c, 0x6a, 0x20);
    wasm_u32(&w, MANY_LOCALS - 2);
    WASM(&w, 0x6a);
    close_code(&w);
    {
        beamr_func *func = instantiate(&f, &w);

        for (int32_t i = 1; i < 100; i++)
            assert_gives(func, (uint32_t)i, 2 * i);
    }
    fixture_close(&f);
}

static void branch_tables_reach_the_limit(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_func *func;

    (void)state;
    open_code(&w, "i", "i", NULL, 0);
    WASM(&w, 0, 0x02, 0x40, 0x02, 0x40, 0x02, 0x40, 0x20, 0, 0x0e);
    wasm_u32(&w, MANY_TARGETS);
    for (uint32_t i = 0; i < MANY_TARGETS; i++)
        WASM(&w, (uint8_t)(i % 2));
    WASM(&w, 2); /* otherwise */
    WASM(&w, 0x0b, 0x41, 0, 0x0f, 0x0b, 0x41, 1, 0x0f, 0x0b, 0x41, 2);
    close_code(&w);
    func = instantiate(&f, &w);
    assert_gives(func, 0, 0);
    assert_gives(func, 1, 1);
    assert_gives(func, 65536, 0);
    assert_gives(func, 65537, 1);
    assert_gives(func, MANY_TARGETS - 1, 1);
    assert_gives(func, MANY_TARGETS, 2);
    assert_gives(func, 0xffffffff, 2);
    fixture_close(&f);
}

/* "f" calls a function of 1,000 parameters that gives them back in the opposite order. */
static void parameters_and_results_reach_the_limit(void **state)
{
    static beamr_value args[MANY_VALUES], results[MANY_VALUES];
    char letters[MANY_VALUES + 1];
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_error err = {0};
    beamr_func *func;

    (void)state;
    memset(letters, 'l', MANY_VALUES);
    letters[MANY_VALUES] = '\0';
    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, letters, letters);
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 2, 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, 1);
    wasm_export(&w, "f", 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    wasm_u32(&w, 2);
    for (uint32_t k = 0; k < 2; k++) {
        wasm_sized(&w);
        WASM(&w, 0);
        for (uint32_t i = 0; i < MANY_VALUES; i++) {
            WASM(&w, 0x20);
            wasm_u32(&w, k == 0 ? i : MANY_VALUES - 1 - i);
        }
        if (k == 0)
            WASM(&w, 0x10, 1);
        WASM(&w, 0x0b);
        wasm_end(&w);
    }
    wasm_end(&w);
    func = instantiate(&f, &w);
    for (uint32_t i = 0; i < MANY_VALUES; i++)
        args[i] = beamr_i64((int64_t)i * 1000003);
    if (beamr_func_call(func, args, MANY_VALUES, results, MANY_VALUES, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < MANY_VALUES; i++)
        assert_true(results[i].of.i64 == args[MANY_VALUES - 1 - i].of.i64);
    fixture_close(&f);
}

/* ---- Addresses ---- */

/* (func (param address) (result i32) (i32.load offset=...)), and one page of zeros */
static beamr_func *loader(fixture *f, bool is64, uint64_t offset)
{
    const uint8_t memory[] = {1, is64 ? 0x04 : 0x00, 1};
    wasm_builder w = {0};

    open_code(&w, is64 ? "l" : "i", "i", memory, sizeof memory);
    WASM(&w, 0, 0x20, 0, 0x28, 0);
    wasm_u64(&w, offset);
    close_code(&w);
    return instantiate(f, &w);
}

static void addresses_of_32_bits_do_not_wrap(void **state)
{
    static const uint64_t offsets[] = {0,     1,          4,          65532,     65533,
                                       65536, 0x7fffffff, 0xfffffffc, 0xffffffff};
    static const uint32_t addresses[] = {
        0,          1,          65528,      65531,      65532,      65533,     65536,
        0x7ffffffc, 0x80000000, 0xfffeffff, 0xffff0000, 0xfffffffc, 0xffffffff};
    fixture f = fixture_open();

    (void)state;
    for (size_t i = 0; i < sizeof offsets / sizeof offsets[0]; i++) {
        beamr_func *func = loader(&f, false, offsets[i]);

        for (size_t k = 0; k < sizeof addresses / sizeof addresses[0]; k++) {
            if (offsets[i] + addresses[k] + 4 <= 65536)
                assert_gives(func, addresses[k], 0);
            else
                assert_traps(func, addresses[k], BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
        }
    }
    fixture_close(&f);
}

static void addresses_of_64_bits_do_not_wrap(void **state)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       4,
                                       8,
                                       65528,
                                       65532,
                                       65533,
                                       65536,
                                       0x7fffffff,
                                       0xffffffff,
                                       1ull << 32,
                                       1ull << 34,
                                       1ull << 48,
                                       1ull << 63,
                                       UINT64_MAX - 65535,
                                       UINT64_MAX - 8,
                                       UINT64_MAX - 7,
                                       UINT64_MAX - 3,
                                       UINT64_MAX - 1,
                                       UINT64_MAX};
    const size_t count = sizeof numbers / sizeof numbers[0];
    fixture f = fixture_open();

    (void)state;
    for (size_t i = 0; i < count; i++) {
        beamr_func *func = loader(&f, true, numbers[i]);

        for (size_t k = 0; k < count; k++) {
            unsigned __int128 end = (unsigned __int128)numbers[i] + numbers[k] + 4;

            if (end <= 65536)
                assert_gives(func, numbers[k], 0);
            else
                assert_traps(func, numbers[k], BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
        }
    }
    fixture_close(&f);
}

/* ---- Growing ---- */

/* (func (param delta) (result size) (memory.grow)), with a memory as given. */
static beamr_func *grower(fixture *f, bool is64, const uint8_t *memory, size_t len)
{
    wasm_builder w = {0};

    open_code(&w, is64 ? "l" : "i", is64 ? "l" : "i", memory, len);
    WASM(&w, 0, 0x20, 0, 0x40, 0);
    close_code(&w);
    return instantiate(f, &w);
}

static int64_t grow(beamr_func *func, uint64_t delta)
{
    beamr_functype type = beamr_func_type(func);
    bool is64 = beamr_valtype_kind(type.params[0]) == BEAMR_I64;
    beamr_value arg = is64 ? beamr_i64((int64_t)delta) : beamr_i32((int32_t)delta), out;

    assert_int_equal(beamr_func_call(func, &arg, 1, &out, 1, NULL), BEAMR_OK);
    return is64 ? out.of.i64 : out.of.i32;
}

static void guests_grow_memory_up_to_each_limit(void **state)
{
    static const uint8_t small[] = {1, 0x01, 1, 3}, open32[] = {1, 0x00, 1},
                         open64[] = {1, 0x04, 1};
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    fixture f;
    beamr_func *func;

    (void)state;
    limits.max_bytes = UINT64_MAX;
    f = fixture_open_with(NULL, &limits);
    func = grower(&f, false, small, sizeof small);
    assert_int_equal(grow(func, 3), -1); /* the declared maximum */
    assert_int_equal(grow(func, 0xffffffff), -1);
    assert_int_equal(grow(func, 2), 1);
    assert_int_equal(grow(func, 1), -1);
    assert_int_equal(grow(func, 0), 3);
    func = grower(&f, false, open32, sizeof open32); /* 4 GiB */
    assert_int_equal(grow(func, 65536), -1);
    assert_int_equal(grow(func, 65535), 1);
    assert_int_equal(grow(func, 0), 65536);
    assert_int_equal(grow(func, 1), -1);
    func = grower(&f, true, open64, sizeof open64); /* 16 GiB */
    assert_int_equal(grow(func, UINT64_MAX), -1);
    assert_int_equal(grow(func, 262144), -1);
    assert_int_equal(grow(func, 262143), 1);
    assert_int_equal(grow(func, 1), -1);
    fixture_close(&f);

    limits.max_memory_pages = 2; /* the store's */
    f = fixture_open_with(NULL, &limits);
    func = grower(&f, false, small, sizeof small);
    assert_int_equal(grow(func, 2), -1);
    assert_int_equal(grow(func, 1), 1);
    fixture_close(&f);
}

/* (func (param delta) (result size) ref.null func, local.get 0, table.grow 0) */
static beamr_func *table_grower(fixture *f, const uint8_t *table, size_t len)
{
    wasm_builder w = {0};

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "i", "i");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TABLE);
    wasm_bytes(&w, table, len);
    wasm_end(&w);
    wasm_section(&w, WASM_EXPORT);
    wasm_u32(&w, 1);
    wasm_export(&w, "f", 0, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    WASM_BODY(&w, 0xd0, 0x70, 0x20, 0, 0xfc, 0x0f, 0);
    wasm_end(&w);
    return instantiate(f, &w);
}

static void guests_grow_tables_up_to_each_limit(void **state)
{
    static const uint8_t small[] = {1, 0x70, 0x01, 1, 3}, open[] = {1, 0x70, 0x00, 1};
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    fixture f = fixture_open();
    beamr_func *func = table_grower(&f, small, sizeof small);

    (void)state;
    assert_int_equal(grow(func, 3), -1);
    assert_int_equal(grow(func, 2), 1);
    assert_int_equal(grow(func, 1), -1);
    func = table_grower(&f, open, sizeof open);
    assert_int_equal(grow(func, 0xffffffff), -1);
    assert_int_equal(grow(func, 10000000), -1);
    assert_int_equal(grow(func, 9999999), 1);
    assert_int_equal(grow(func, 1), -1);
    fixture_close(&f);

    limits.max_table_elements = 2;
    f = fixture_open_with(NULL, &limits);
    func = table_grower(&f, small, sizeof small);
    assert_int_equal(grow(func, 2), -1);
    assert_int_equal(grow(func, 1), 1);
    fixture_close(&f);
}

/* A few bytes ask for 64 tables of 80 MB each: an interrupt ends that, and is then forgotten.
 *   init  begins with tables of references to a function, else of null */
static void interrupt_great_tables(bool init)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_instance *inst = NULL;
    beamr_error err = {0};
    beamr_module *m;

    wasm_begin(&w);
    wasm_section(&w, WASM_TYPE);
    wasm_u32(&w, 1);
    wasm_functype(&w, "", "");
    wasm_end(&w);
    wasm_section(&w, WASM_FUNCTION);
    WASM(&w, 1, 0);
    wasm_end(&w);
    wasm_section(&w, WASM_TABLE);
    WASM(&w, 64);
    for (int i = 0; i < 64; i++) {
        if (init)
            WASM(&w, 0x40, 0x00);
        WASM(&w, 0x70, 0x00);
        wasm_u32(&w, 10000000);
        if (init)
            WASM(&w, 0xd2, 0, 0x0b);
    }
    wasm_end(&w);
    wasm_section(&w, WASM_CODE);
    WASM(&w, 1);
    WASM_BODY(&w, 0x01);
    wasm_end(&w);
    m = fixture_load(&f, &w);
    beamr_store_interrupt(f.store);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_INTERRUPTED);
    assert_null(inst);
    beamr_error_clear(&err);
    if (!init)
        assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, &err), BEAMR_OK);
    beamr_module_unref(m);
    fixture_close(&f);
}

static void great_tables_can_be_interrupted(void **state)
{
    (void)state;
    interrupt_great_tables(false);
    interrupt_great_tables(true);
}

/* Begin beyond the store's limits: refused, and nothing is left over. */
static void stores_refuse_instances_beyond_their_limits(void **state)
{
    beamr_store_limits limits = {.max_memory_pages = 2,
                                 .max_table_elements = 2,
                                 .max_instances = 3,
                                 .max_stack_units = 1000,
                                 .max_nesting = 10};
    static const uint8_t three[] = {1, 0x00, 3};
    fixture f = fixture_open_with(NULL, &limits);
    wasm_builder w = {0};
    beamr_instance *inst = NULL;
    beamr_error err = {0};
    beamr_module *m;

    (void)state;
    open_code(&w, "", "", three, sizeof three);
    WASM(&w, 0);
    close_code(&w);
    m = fixture_load(&f, &w);
    assert_int_equal(beamr_instance_new(f.store, m, NULL, 0, &inst, &err), BEAMR_LIMIT);
    assert_null(inst);
    beamr_module_unref(m);

    open_code(&w, "", "", NULL, 0);
    WASM(&w, 0);
    close_code(&w);
    m = fixture_load(&f, &w);
    for (int i = 0; i < 4; i++) {
        beamr_error_clear(&err);
        beamr_status st = beamr_instance_new(f.store, m, NULL, 0, &inst, &err);

        if (st == BEAMR_LIMIT) {
            assert_true(i >= 2); /* a refused one may count */
            assert_text(err, "3");
            break;
        }
        assert_int_equal(st, BEAMR_OK);
        assert_true(i < 3);
    }
    beamr_module_unref(m);
    fixture_close(&f);
}

/* ---- Recursion ---- */

/* (func $f (param i32) (result i32) local.get 0, if: local.get 0, 1, i32.sub, call $f, 1, add;
 * else 0): depth it reaches */
static void build_recursion(wasm_builder *w)
{
    open_code(w, "i", "i", NULL, 0);
    WASM(w, 0, 0x20, 0, 0x04, 0x7f, 0x20, 0, 0x41, 1, 0x6b, 0x10, 0, 0x41, 1, 0x6a, 0x05, 0x41,
         0, 0x0b);
    close_code(w);
}

static uint64_t deepest(beamr_func *func)
{
    uint64_t low = 1, high = 1u << 20;
    beamr_error err = {0};
    int32_t result;

    while (low + 1 < high) {
        uint64_t middle = (low + high) / 2;

        if (call_i32(func, middle, &result, &err) == BEAMR_OK) {
            assert_int_equal(result, (int32_t)middle);
            low = middle;
        } else {
            assert_int_equal(err.trap, BEAMR_TRAP_STACK_EXHAUSTED);
            high = middle;
        }
    }
    return low;
}

/* A call takes 16 units and its slots: here one local and two operands. */
static void the_stack_ends_at_the_same_call_always(void **state)
{
    fixture f = fixture_open();
    wasm_builder w = {0};
    beamr_func *func;
    uint64_t depth;

    (void)state;
    build_recursion(&w);
    func = instantiate(&f, &w);
    depth = deepest(func);
    assert_int_equal(depth, (1u << 20) / (16 + 1 + 2) - 1);
    assert_traps(func, 1u << 30, BEAMR_TRAP_STACK_EXHAUSTED);
    assert_int_equal(deepest(func), depth);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_modules_take_linear_time),
        cmocka_unit_test(blocks_nest_as_deep_as_allowed),
        cmocka_unit_test(exceptions_pass_many_handlers),
        cmocka_unit_test(operands_fill_the_stack),
        cmocka_unit_test(locals_reach_the_limit),
        cmocka_unit_test(branch_tables_reach_the_limit),
        cmocka_unit_test(parameters_and_results_reach_the_limit),
        cmocka_unit_test(addresses_of_32_bits_do_not_wrap),
        cmocka_unit_test(addresses_of_64_bits_do_not_wrap),
        cmocka_unit_test(guests_grow_memory_up_to_each_limit),
        cmocka_unit_test(guests_grow_tables_up_to_each_limit),
        cmocka_unit_test(great_tables_can_be_interrupted),
        cmocka_unit_test(stores_refuse_instances_beyond_their_limits),
        cmocka_unit_test(the_stack_ends_at_the_same_call_always),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
