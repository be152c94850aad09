/* Calls: what a first call translates, what instructions allocate, hosts and guests calling
 * each other, exceptions, growing, and calls with text. Each first call of a function
 * translates it: the guest is new in every run. */
#include "scenario.h"

/* A guest that is told -1 has not been told whether the host or a limit refused. With 1 here
 * that is a fault; with 0 the older behaviour passes as well. */
#define GROW_IS_STRICT 0

/* ---- Guest functions ---- */

static beamr_status run_call(world *w, answer *a, beamr_error *err)
{
    return world_call(w, w->is->text, w->is->number, a, err);
}

/* An exception that reaches C: what is in it. */
static beamr_status describe_exception(world *w, answer *a, beamr_status st)
{
    beamr_exception *e = beamr_exception_take(w->store);
    beamr_value arg;

    assert_int_equal(e != NULL, st == BEAMR_EXCEPTION);
    if (!e)
        return st;
    arg = beamr_exception_arg(e, 0);
    answer_values(a, &arg, 1);
    beamr_exception_release(w->store, e);
    return BEAMR_OK;
}

static beamr_status run_uncaught(world *w, answer *a, beamr_error *err)
{
    beamr_status st = describe_exception(w, a, run_call(w, a, err));

    if (st == BEAMR_OK)
        beamr_error_clear(err);
    return st;
}

static beamr_status run_throw(world *w, answer *a, beamr_error *err)
{
    beamr_value arg = beamr_i32(5);

    return describe_exception(w, a, beamr_throw(w->store, w->imports[2].of.tag, &arg, 1, err));
}

static beamr_status run_table_call(world *w, answer *a, beamr_error *err)
{
    beamr_value arg = beamr_i32(6), result;
    beamr_status st =
        beamr_table_call(beamr_instance_table(w->instance, 0), 1, &arg, 1, &result, 1, err);

    if (st == BEAMR_OK)
        answer_values(a, &result, 1);
    return st;
}

/* ---- Growing ---- */

static beamr_status run_guest_grow(world *w, answer *a, beamr_error *err)
{
    beamr_func *f = beamr_instance_find_func(w->instance, w->is->text);
    beamr_value arg = beamr_i32(w->is->number), result;
    beamr_status st;

    if (!f)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a function's record");
    if ((st = beamr_func_call(f, &arg, 1, &result, 1, err)) != BEAMR_OK)
        return st;
    if (!GROW_IS_STRICT && result.of.i32 == -1)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "the guest was told -1");
    answer_values(a, &result, 1);
    return st;
}

/* The same for what C is told. */
static beamr_status grown(beamr_status st, uint64_t old, answer *a, beamr_error *err)
{
    if (!GROW_IS_STRICT && st == BEAMR_LIMIT)
        err->status = st = BEAMR_NO_MEMORY;
    answer_number(a, old);
    return st;
}

static beamr_status run_memory_grow(world *w, answer *a, beamr_error *err)
{
    beamr_memory *m = beamr_instance_memory(w->instance, (size_t)w->is->number);
    uint64_t old = 0;
    beamr_status st = beamr_memory_grow(m, 3, &old, err);

    return grown(st, old, a, err);
}

/* Longer than the memory is, or shorter, by a page and a half. */
static beamr_status run_memory_set(world *w, answer *a, beamr_error *err)
{
    static uint8_t bytes[3 * 65536];
    beamr_memory *m = w->imports[3].of.memory;
    beamr_bytes content = {bytes, w->is->number ? 163840 : 32768};
    beamr_status st = grown(beamr_memory_set(m, content, err), 0, a, err);

    if (st == BEAMR_OK)
        answer_bytes(a, beamr_memory_data(m), (size_t)beamr_memory_size(m));
    return st;
}

static beamr_status run_table_grow(world *w, answer *a, beamr_error *err)
{
    uint64_t old = 0;
    beamr_status st =
        beamr_table_grow(beamr_instance_table(w->instance, 0), 30, NULL, &old, err);

    return grown(st, old, a, err);
}

/* A memory full of ones, much larger than what is set, so that pages are given back. */
static void open_large(world *w)
{
    world_instance(w);
    assert_int_equal(beamr_memory_grow(w->imports[3].of.memory, 4, NULL, NULL), BEAMR_OK);
    memset(beamr_memory_data(w->imports[3].of.memory), 1, 5 * 65536);
}

/* ---- Calls with text ---- */

static beamr_status call_args(world *w, const char *name, const char *word, answer *a,
                              beamr_error *err)
{
    beamr_func *f = beamr_instance_find_func(w->instance, name);
    beamr_value result;
    size_t count = 1;
    beamr_valtype param;
    beamr_arg arg;
    beamr_status st;

    if (!f)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a function's record");
    param = beamr_func_type(f).params[0];
    beamr_arg_parse(word, &param, &arg);
    st = beamr_call_args(w->instance, f, &arg, 1, &result, &count, err);
    if (st == BEAMR_OK)
        answer_values(a, &result, count);
    return st;
}

static beamr_status run_number(world *w, answer *a, beamr_error *err)
{
    return call_args(w, w->is->text, "0x20", a, err);
}

/* A `free` that fails under an exception is nobody's business; so it is ready. */
static void open_shout(world *w)
{
    answer ignored = {0};

    world_instance(w);
    assert_int_equal(world_call(w, "free", 0, &ignored, NULL), BEAMR_OK);
}

/* The guest's allocator and `free` run too. */
static beamr_status run_shout(world *w, answer *a, beamr_error *err)
{
    beamr_status st = describe_exception(w, a, call_args(w, "shout", "text:xyz", a, err));

    if (st == BEAMR_OK)
        beamr_error_clear(err);
    return st;
}

static void build_calculator(wasm_builder *w)
{
    wasm_file(w, FAULT_CALCULATOR);
}

static void open_calculator(world *w)
{
    world_module(w);
    assert_int_equal(beamr_instance_new(w->store, w->module, NULL, 0, &w->instance, NULL),
                     BEAMR_OK);
}

static beamr_status run_calculator(world *w, answer *a, beamr_error *err)
{
    beamr_func *f = beamr_instance_find_func(w->instance, "evaluate_expression");
    beamr_arg args[1];
    beamr_value results[2];
    size_t count = 2;
    beamr_status st;

    if (!f)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a function's record");
    beamr_arg_parse("sqrt(9) * (10 / 2)", NULL, &args[0]);
    st = beamr_call_args(w->instance, f, args, 1, results, &count, err);
    if (st == BEAMR_OK)
        answer_values(a, results, count);
    return st;
}

/* Reading and writing values, where nothing may fail. */
static beamr_status run_value_texts(world *w, answer *a, beamr_error *err)
{
    static const char *const words[] = {"-12", "0x7f", "1.5e-7", "nan", "0x1p-3", "text:1"};

    (void)w;
    (void)err;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        beamr_value v;
        beamr_arg arg;

        beamr_arg_parse(words[i], NULL, &arg);
        answer_number(a, arg.kind);
        answer_number(a, arg.magnitude);
        v = beamr_f64(arg.number);
        answer_values(a, &v, 1);
    }
    return BEAMR_OK;
}

/* clang-format off */
#define CALL(export, arg)                                                                      \
    {"call_" export, .open = world_instance, .run = run_call, .text = export, .number = arg}
#define GROW(export, arg)                                                                      \
    {"guest_" export, .open = world_instance, .run = run_guest_grow, .text = export,           \
     .number = arg, .is_once = true}
/* clang-format on */

const scenario call_scenarios[] = {
    CALL("add", 5),
    CALL("busy", 9),
    CALL("deep", 50),
    {"call_too_deep", .open = world_instance, .run = run_call, .text = "deep", .number = -1},
    CALL("indirect", 1),
    CALL("many", 0),
    CALL("bulk", 3),
    CALL("refs", 4),
    CALL("catch", 5),
    CALL("legacy", 6),
    /* An exception more is kept where there is no memory to look which are in use. */
    {"call_storm", .open = world_instance, .run = run_call, .text = "storm", .number = 300,
     .without = FAULT_CALLOC},
    {"call_throw", .open = world_instance, .run = run_uncaught, .text = "throw", .number = 7},
    {"host_calls_guest", .open = world_instance, .run = run_call, .text = "host", .number = 77},
    {"host_throws", .open = world_instance, .run = run_call, .text = "host_catch",
     .number = 88},
    {"host_throws_to_c", .open = world_instance, .run = run_uncaught, .text = "host",
     .number = 88},
    {"throw_from_c", .open = world_instance, .run = run_throw},
    {"table_call", .open = world_instance, .run = run_table_call},
    GROW("grow", 2),
    GROW("grow_wide", 2),
    GROW("grow_table", 9),
    {"memory_grow", .open = world_instance, .run = run_memory_grow, .is_once = true},
    {"memory_grow_64", .open = world_instance, .run = run_memory_grow, .number = 1,
     .is_once = true},
    {"memory_set_longer", .open = world_instance, .run = run_memory_set, .number = 1},
    {"memory_set_shorter", .open = open_large, .run = run_memory_set, .without = FAULT_MADVISE},
    {"table_grow", .open = world_instance, .run = run_table_grow, .is_once = true},
    {"call_with_a_number", .open = world_instance, .run = run_number, .text = "add"},
    {"call_with_text_throws", .open = open_shout, .run = run_shout},
    {"call_with_text", .open = open_calculator, .run = run_calculator,
     .build = build_calculator},
    {"value_texts", .run = run_value_texts},
    {0},
};
