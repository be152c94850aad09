/* Tests of calls with numbers and text: src/guest/values.c.
 * The guests here are modules that export again what they import, so that the allocator and the
 * called function are C functions, which keep a record and fail as a test wants. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "beamr/beamr.h"

/* ---- A guest made to measure ---- */

typedef struct import {
    const char *name;
    const char *params; /* a letter each: i l f d for i32 i64 f32 f64, e for externref */
    const char *results;
    beamr_host_func callback;
} import;

enum { NO_MEMORY, MEMORY_32, MEMORY_64, EVENTS_MAX = 16, FIRST = 1024 };

/* What a test sets, and what the guest's functions note. */
typedef struct fixture {
    beamr_engine *engine;
    beamr_store *store;
    beamr_instance *instance;
    beamr_memory *memory;
    beamr_tag *tag;
    uint64_t next;   /* address that the allocator gives next */
    bool refuses;    /* the allocator gives 0 */
    beamr_trap trap; /* that the called function ends in */
    bool throws;     /* it throws instead */
    bool free_traps;
    /* The record: sizes taken, addresses given back, the last arguments and text. */
    uint64_t taken[EVENTS_MAX], given[EVENTS_MAX];
    int taken_count, given_count;
    beamr_value args[2];
    char text[64];
} fixture;

static fixture f;

typedef struct buffer {
    uint8_t data[1024];
    size_t len;
} buffer;

static void put(buffer *b, const void *data, size_t len)
{
    assert_true(b->len + len <= sizeof b->data);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void put_byte(buffer *b, size_t byte)
{
    uint8_t c = (uint8_t)byte;

    assert_true(byte < 256);
    put(b, &c, 1);
}

static void put_section(buffer *b, int id, const buffer *from)
{
    put_byte(b, (size_t)id);
    put_byte(b, (from->len & 127) | 128); /* a length of two bytes */
    put_byte(b, from->len >> 7);
    put(b, from->data, from->len);
}

static void put_name(buffer *b, const char *name)
{
    put_byte(b, strlen(name));
    put(b, name, strlen(name));
}

static beamr_kind kind_of(char letter)
{
    return letter == 'i'   ? BEAMR_I32
           : letter == 'l' ? BEAMR_I64
           : letter == 'f' ? BEAMR_F32
           : letter == 'd' ? BEAMR_F64
                           : BEAMR_EXTERNREF;
}

static void put_types(buffer *b, const char *letters)
{
    static const uint8_t codes[] = {0x7f, 0x7e, 0x7d, 0x7c, 0, 0, 0x6f};

    put_byte(b, strlen(letters));
    for (; *letters; letters++)
        put_byte(b, codes[kind_of(*letters)]);
}

/* The module: each import exported under its name, and perhaps a memory of two pages. */
static void build(buffer *b, const import *imports, size_t count, int memory)
{
    buffer types = {.len = 0}, links = {.len = 0}, memories = {.len = 0}, exports = {.len = 0};

    put_byte(&types, count);
    put_byte(&links, count);
    put_byte(&exports, count + (memory != NO_MEMORY));
    for (size_t i = 0; i < count; i++) {
        put_byte(&types, 0x60);
        put_types(&types, imports[i].params);
        put_types(&types, imports[i].results);
        put_name(&links, "host");
        put_name(&links, imports[i].name);
        put_byte(&links, 0);
        put_byte(&links, i);
        put_name(&exports, imports[i].name);
        put_byte(&exports, 0);
        put_byte(&exports, i);
    }
    put(&memories, (const uint8_t[]){1, memory == MEMORY_64 ? 4 : 0, 2}, 3);
    if (memory != NO_MEMORY) {
        put_name(&exports, "memory");
        put(&exports, (const uint8_t[]){2, 0}, 2);
    }
    put(b, "\0asm\1\0\0\0", 8);
    put_section(b, 1, &types);
    put_section(b, 2, &links);
    if (memory != NO_MEMORY)
        put_section(b, 5, &memories);
    put_section(b, 7, &exports);
}

static void define(beamr_linker *linker, const import *imported)
{
    beamr_valtype params[8], results[8];
    beamr_functype type = {params, strlen(imported->params), results,
                           strlen(imported->results)};
    beamr_error err = {0};

    for (size_t i = 0; i < type.param_count; i++)
        params[i] = beamr_valtype_of(kind_of(imported->params[i]));
    for (size_t i = 0; i < type.result_count; i++)
        results[i] = beamr_valtype_of(kind_of(imported->results[i]));
    if (beamr_linker_define_func(linker, "host", imported->name, &type, imported->callback,
                                 NULL, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
}

static void make(const import *imports, size_t count, int memory)
{
    buffer b = {.len = 0};
    beamr_linker *linker;
    beamr_module *module;
    beamr_error err = {0};

    build(&b, imports, count, memory);
    if (beamr_module_load(f.engine, (beamr_bytes){b.data, b.len}, &module, &err) != BEAMR_OK ||
        beamr_linker_new(f.store, &linker, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; i++)
        define(linker, &imports[i]);
    if (beamr_linker_instantiate(linker, module, &f.instance, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    f.memory = beamr_instance_find_memory(f.instance, "memory");
    beamr_linker_free(linker);
    beamr_module_unref(module);
}

#define GUEST(memory, ...)                                                                     \
    make((const import[]){__VA_ARGS__},                                                        \
         sizeof((const import[]){__VA_ARGS__}) / sizeof(import), (memory))

/* ---- Its functions ---- */

static uint64_t address(const beamr_value *v)
{
    return v->kind == BEAMR_I32 ? (uint32_t)v->of.i32 : (uint64_t)v->of.i64;
}

static void set_address(beamr_value *v, uint64_t n)
{
    *v = v->kind == BEAMR_I32 ? beamr_i32((int32_t)(uint32_t)n) : beamr_i64((int64_t)n);
}

static beamr_status guest_malloc(const beamr_call *call, const beamr_value *args,
                                 beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)err;
    assert_true(f.taken_count < EVENTS_MAX);
    f.taken[f.taken_count++] = address(&args[0]);
    set_address(&results[0], f.refuses ? 0 : f.next);
    f.next += 1024;
    return BEAMR_OK;
}

static beamr_status guest_free(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)call;
    (void)results;
    assert_true(f.given_count < EVENTS_MAX);
    f.given[f.given_count++] = address(&args[0]);
    return f.free_traps ? beamr_fail_trap(err, BEAMR_TRAP_HOST, "free") : BEAMR_OK;
}

static beamr_status guest_realloc(const beamr_call *call, const beamr_value *args,
                                  beamr_value *results, beamr_error *err)
{
    assert_int_equal(address(&args[2]), 1);
    if (address(&args[3]) == 0) {
        assert_int_equal(address(&args[1]), f.taken[f.given_count]);
        return guest_free(call, args, results, err);
    }
    assert_int_equal(address(&args[0]), 0);
    assert_int_equal(address(&args[1]), 0);
    return guest_malloc(call, args + 3, results, err);
}

/* Note the arguments, and the text at the first if it is one; give its length. */
static beamr_status guest_call(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    beamr_value one = beamr_i32(5);

    memcpy(f.args, args, sizeof f.args); /* all types here have two parameters */
    if (f.memory && f.taken_count > 0)
        assert_int_equal(
            beamr_memory_read_text(f.memory, address(&args[0]), f.text, sizeof f.text, NULL),
            BEAMR_OK);
    if (f.throws)
        return beamr_throw(call->store, f.tag, &one, 1, err);
    if (f.trap != BEAMR_TRAP_NONE)
        return beamr_fail_trap(err, f.trap, NULL);
    results[0] = beamr_i32((int32_t)strlen(f.text));
    return BEAMR_OK;
}

#define MALLOC                                                                                 \
    {                                                                                          \
        "malloc", "i", "i", guest_malloc                                                       \
    }
#define FREE                                                                                   \
    {                                                                                          \
        "free", "i", "", guest_free                                                            \
    }

/* ---- Calling ---- */

static beamr_arg text_arg(const char *text)
{
    return (beamr_arg){.kind = BEAMR_ARG_TEXT, .text = beamr_bytes_of(text)};
}

static beamr_arg integer_arg(int64_t n)
{
    return (beamr_arg){.kind = BEAMR_ARG_INTEGER,
                       .is_negative = n < 0,
                       .magnitude = n < 0 ? -(uint64_t)n : (uint64_t)n};
}

static beamr_arg float_arg(double n)
{
    return (beamr_arg){.kind = BEAMR_ARG_FLOAT, .number = n};
}

/* Call the export "f", which has one i32 as its result. */
static beamr_status call_f(const beamr_arg *args, size_t count, int32_t *result,
                           beamr_error *err)
{
    beamr_value results[2];
    size_t result_count = 2;
    beamr_status st = beamr_call_args(f.instance, beamr_instance_find_func(f.instance, "f"),
                                      args, count, results, &result_count, err);

    if (st == BEAMR_OK) {
        assert_int_equal(result_count, 1);
        *result = results[0].of.i32;
    }
    return st;
}

static void assert_result(const beamr_arg *args, size_t count, int32_t want)
{
    beamr_error err = {0};
    int32_t result = -1;

    if (call_f(args, count, &result, &err) != BEAMR_OK)
        fail_msg("%s", err.text);
    assert_int_equal(result, want);
}

static void assert_fails(const beamr_arg *args, size_t count, beamr_status status,
                         const char *text)
{
    beamr_error err = {0};
    int32_t result;

    assert_int_equal(call_f(args, count, &result, &err), status);
    if (strncmp(err.text, text, strlen(text)) != 0)
        fail_msg("the error is \"%s\", not \"%s\"", err.text, text);
}

static int set_up(void **state)
{
    beamr_valtype i32 = beamr_valtype_of(BEAMR_I32);
    beamr_functype type = {&i32, 1, NULL, 0};
    beamr_error err = {0};

    (void)state;
    f = (fixture){.next = FIRST};
    return beamr_engine_new(NULL, &f.engine, &err) ||
           beamr_store_new(f.engine, NULL, &f.store, &err) ||
           beamr_tag_new(f.store, &type, &f.tag, &err);
}

static int tear_down(void **state)
{
    (void)state;
    beamr_store_free(f.store);
    beamr_engine_free(f.engine);
    return 0;
}

/* ---- Text ---- */

static void text_is_one_pointer_with_as_many_arguments_as_parameters(void **state)
{
    beamr_arg args[] = {text_arg("hello"), integer_arg(-7)};

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    assert_result(args, 2, 5);
    assert_string_equal(f.text, "hello");
    assert_int_equal(f.args[0].of.i32, FIRST);
    assert_int_equal(f.args[1].of.i32, -7);
    assert_int_equal(f.taken_count, 1);
    assert_int_equal(f.taken[0], 6);
    assert_int_equal(f.given_count, 1);
    assert_int_equal(f.given[0], FIRST);
}

static void text_is_pointer_and_length_otherwise(void **state)
{
    beamr_arg arg = {.kind = BEAMR_ARG_TEXT, .text = {(const uint8_t *)"a\0b", 3}};

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    assert_result(&arg, 1, 1);
    assert_int_equal(f.args[1].of.i32, 3);
    assert_memory_equal(beamr_memory_data(f.memory) + FIRST, "a\0b", 4);
}

static void addresses_may_have_64_bits(void **state)
{
    beamr_arg arg = text_arg("");

    (void)state;
    GUEST(MEMORY_64, {"malloc", "l", "l", guest_malloc}, {"free", "l", "", guest_free},
          {"f", "ll", "i", guest_call});
    assert_result(&arg, 1, 0);
    assert_int_equal(f.args[0].of.i64, FIRST);
    assert_int_equal(f.args[1].of.i64, 0);
    assert_int_equal(f.given[0], FIRST);
}

static void cabi_realloc_serves_where_malloc_is_missing(void **state)
{
    beamr_arg arg = text_arg("one");

    (void)state;
    GUEST(MEMORY_32, {"cabi_realloc", "iiii", "i", guest_realloc},
          {"f", "ii", "i", guest_call});
    assert_result(&arg, 1, 3);
    assert_int_equal(f.taken_count, 1);
    assert_int_equal(f.given_count, 1);
}

static void without_free_text_is_left_to_the_guest(void **state)
{
    beamr_arg arg = text_arg("hello");

    (void)state;
    GUEST(MEMORY_32, MALLOC, {"f", "ii", "i", guest_call});
    assert_result(&arg, 1, 5);
}

static void all_texts_are_given_back(void **state)
{
    beamr_arg args[] = {text_arg("hello"), text_arg("there")};

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    assert_result(args, 2, 5);
    assert_int_equal(f.taken_count, 2);
    assert_int_equal(f.given_count, 2);
}

/* ---- What guests do wrong ---- */

static void a_useless_allocator_is_told(void **state)
{
    beamr_arg args[] = {integer_arg(0), text_arg("hello")};

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    f.refuses = true;
    assert_fails(args, 2, BEAMR_ARGUMENT,
                 "argument 2: the guest's allocator has no room for 6 bytes");
    f.refuses = false;
    f.next = 2 * 65536 - 5; /* one byte too far */
    assert_fails(args, 2, BEAMR_ARGUMENT,
                 "argument 2: the guest's allocator gave address 0x1fffb");
    f.next = UINT32_MAX;
    assert_fails(args, 2, BEAMR_ARGUMENT,
                 "argument 2: the guest's allocator gave address 0xffffffff");
    assert_int_equal(f.given_count, 0);
    f.next = 2 * 65536 - 6;
    assert_result(args, 2, 0);
}

static void a_wrong_type_of_the_allocator_is_told(void **state)
{
    beamr_arg args[] = {integer_arg(0), text_arg("hello")};

    (void)state;
    GUEST(MEMORY_32, {"malloc", "ii", "i", guest_malloc}, {"f", "ii", "i", guest_call});
    assert_fails(args, 2, BEAMR_ARGUMENT, "the guest's malloc is neither");
    GUEST(MEMORY_32, {"malloc", "i", "l", guest_malloc}, {"f", "ii", "i", guest_call});
    assert_fails(args, 2, BEAMR_ARGUMENT, "the guest's malloc is neither");
    GUEST(MEMORY_32, MALLOC, {"free", "l", "", guest_free}, {"f", "ii", "i", guest_call});
    assert_fails(args, 2, BEAMR_ARGUMENT, "the guest's free is not [i32] -> []");
    GUEST(MEMORY_32, {"cabi_realloc", "iiil", "i", guest_realloc},
          {"f", "ii", "i", guest_call});
    assert_fails(args, 2, BEAMR_ARGUMENT, "the guest's cabi_realloc does not take");
    assert_int_equal(f.taken_count, 0);
}

static void a_missing_allocator_or_memory_is_told(void **state)
{
    beamr_arg args[] = {integer_arg(0), text_arg("hello")};

    (void)state;
    GUEST(MEMORY_32, {"f", "ii", "i", guest_call});
    assert_fails(args, 2, BEAMR_ARGUMENT,
                 "argument 2 is text, and the guest exports neither malloc nor cabi_realloc");
    GUEST(NO_MEMORY, MALLOC, FREE, {"f", "ii", "i", guest_call});
    assert_fails(args, 2, BEAMR_ARGUMENT, "argument 2 is text, and the guest has no memory");
}

static void a_trap_is_kept_while_texts_are_given_back(void **state)
{
    beamr_arg arg = text_arg("hello");

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    f.trap = BEAMR_TRAP_UNREACHABLE;
    assert_fails(&arg, 1, BEAMR_TRAP, "unreachable");
    assert_int_equal(f.given_count, 1);
    f.free_traps = true;
    assert_fails(&arg, 1, BEAMR_TRAP, "unreachable");
    assert_int_equal(f.given_count, 2);
}

static void a_trap_of_free_fails_the_call(void **state)
{
    beamr_arg args[] = {text_arg("hello"), text_arg("there")};

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    f.free_traps = true;
    assert_fails(args, 2, BEAMR_TRAP, "host function failed: free");
    assert_int_equal(f.given_count, 2);
}

static void an_interrupted_guest_runs_no_more(void **state)
{
    beamr_arg arg = text_arg("hello");

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    f.trap = BEAMR_TRAP_INTERRUPTED;
    assert_fails(&arg, 1, BEAMR_TRAP, "interrupted");
    assert_int_equal(f.given_count, 0);
}

static void an_exception_can_still_be_taken(void **state)
{
    beamr_arg arg = text_arg("hello");
    beamr_exception *exception;

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    f.throws = true;
    assert_fails(&arg, 1, BEAMR_EXCEPTION, "");
    assert_int_equal(f.given_count, 1);
    exception = beamr_exception_take(f.store);
    assert_non_null(exception);
    assert_ptr_equal(beamr_exception_tag(exception), f.tag);
    assert_int_equal(beamr_exception_arg_count(exception), 1);
    assert_int_equal(beamr_exception_arg(exception, 0).of.i32, 5);
    beamr_exception_release(f.store, exception);
}

/* ---- Numbers ---- */

static void numbers_take_the_parameters_type(void **state)
{
    beamr_arg args[] = {integer_arg(UINT32_MAX), integer_arg(-1)};
    beamr_arg floats[] = {float_arg(0.1), integer_arg(16777217)};
    beamr_arg integral[] = {float_arg(-3), float_arg(0x1p63)};

    (void)state;
    GUEST(NO_MEMORY, {"f", "il", "i", guest_call});
    assert_result(args, 2, 0);
    assert_int_equal(f.args[0].of.i32, -1);
    assert_int_equal(f.args[1].of.i64, -1);
    assert_result(integral, 2, 0);
    assert_int_equal(f.args[0].of.i32, -3);
    assert_true(f.args[1].of.i64 == INT64_MIN);
    GUEST(NO_MEMORY, {"f", "df", "i", guest_call});
    assert_result(floats, 2, 0);
    assert_true(f.args[0].of.f64 == 0.1);
    assert_true(f.args[1].of.f32 == 16777216.0f);
    GUEST(NO_MEMORY, {"f", "fd", "i", guest_call});
    assert_result(floats, 2, 0);
    assert_true(f.args[0].of.f32 == 0.1f);
    assert_true(f.args[1].of.f64 == 16777217.0);
}

static void numbers_out_of_range_are_told(void **state)
{
    static const double bad[] = {1.5,   4294967296.0,     -2147483649.0,
                                 1e300, (double)INFINITY, (double)NAN};
    beamr_arg args[] = {integer_arg(INT64_C(1) << 32), integer_arg(0)};
    beamr_arg value[] = {{.kind = BEAMR_ARG_VALUE, .value = beamr_f64(1)}, integer_arg(0)};

    (void)state;
    GUEST(NO_MEMORY, {"f", "ie", "i", guest_call});
    assert_fails(args, 2, BEAMR_ARGUMENT, "argument 1: 4294967296 is no i32");
    args[0] = integer_arg(-2147483649);
    assert_fails(args, 2, BEAMR_ARGUMENT, "argument 1: -2147483649 is no i32");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        args[0] = float_arg(bad[i]);
        assert_fails(args, 2, BEAMR_ARGUMENT, "argument 1: ");
    }
    args[0] = integer_arg(0);
    assert_fails(args, 2, BEAMR_ARGUMENT,
                 "argument 2 is a number, and the function takes an external reference");
    assert_fails(value, 2, BEAMR_ARGUMENT, "argument 1 is f64, and the function takes i32");
}

static void finite_numbers_stay_finite(void **state)
{
    static const double ends[] = {0x1.fffffep127, -0x1.fffffep127, 0x1.fffffefffffffp127};
    static const double beyond[] = {0x1.ffffffp127, -0x1p128, 1e39, 0x1.fffffffffffffp1023};
    beamr_arg args[] = {float_arg((double)INFINITY), float_arg((double)NAN)};

    (void)state;
    GUEST(NO_MEMORY, {"f", "ff", "i", guest_call});
    assert_result(args, 2, 0);
    assert_true(f.args[0].of.f32 == INFINITY);
    assert_true(isnan(f.args[1].of.f32));
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        args[0] = float_arg(ends[i]);
        assert_result(args, 2, 0);
        assert_true(fabsf(f.args[0].of.f32) == 0x1.fffffep127f);
    }
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        args[0] = float_arg(beyond[i]);
        assert_fails(args, 2, BEAMR_ARGUMENT, "argument 1: ");
    }
    args[0] = integer_arg(INT64_MIN);
    assert_result(args, 2, 0);
    assert_true(f.args[0].of.f32 == -0x1p63f);
}

static beamr_arg shifted_arg(uint64_t magnitude, uint32_t shift)
{
    return (beamr_arg){.kind = BEAMR_ARG_INTEGER, .magnitude = magnitude, .shift = shift};
}

/* Halfway between two floats, and the least beyond; the ends; what is no float at all. */
static void integers_beyond_64_bits_become_floats_only(void **state)
{
    static const uint64_t half = UINT64_C(1) << 63;
    beamr_arg args[] = {shifted_arg(half | UINT64_C(1) << 39, 10),
                        shifted_arg(half | UINT64_C(1) << 10, 10)};

    (void)state;
    GUEST(NO_MEMORY, {"f", "fd", "i", guest_call});
    assert_result(args, 2, 0);
    assert_true(f.args[0].of.f32 == 0x1p73f && f.args[1].of.f64 == 0x1p73);
    args[0].magnitude |= 1;
    args[1].magnitude |= 1;
    args[1].is_negative = true;
    assert_result(args, 2, 0);
    assert_true(f.args[0].of.f32 == 0x1.000002p73f);
    assert_true(f.args[1].of.f64 == -0x1.0000000000001p73);
    args[0] = shifted_arg(half, 64);
    args[1] = shifted_arg(half, 960);
    assert_result(args, 2, 0);
    args[1].shift++;
    assert_fails(args, 2, BEAMR_ARGUMENT, "argument 2: an integer beyond 64 bits is no f64");
    args[1].shift = UINT32_MAX;
    assert_fails(args, 2, BEAMR_ARGUMENT, "argument 2: ");
    args[0].shift++;
    assert_fails(args, 2, BEAMR_ARGUMENT, "argument 1: an integer beyond 64 bits is no f32");
    GUEST(NO_MEMORY, {"f", "il", "i", guest_call});
    args[0] = integer_arg(1);
    args[1] = shifted_arg(half, 1);
    assert_fails(args, 2, BEAMR_ARGUMENT, "argument 2: an integer beyond 64 bits is no i64");
}

static void an_argument_becomes_a_value_of_a_type(void **state)
{
    beamr_arg n = integer_arg(-1), text = text_arg("x");
    beamr_arg exact = {.kind = BEAMR_ARG_VALUE, .value = beamr_i64(7)};
    beamr_value out = beamr_i32(5);
    beamr_error err = {0};

    (void)state;
    assert_int_equal(beamr_arg_value(&n, 0, true, beamr_valtype_of(BEAMR_I64), &out, &err),
                     BEAMR_OK);
    assert_int_equal(out.kind, BEAMR_I64);
    assert_true(out.of.i64 == -1);
    assert_int_equal(beamr_arg_value(&exact, 0, true, beamr_valtype_of(BEAMR_I32), &out, &err),
                     BEAMR_ARGUMENT);
    assert_string_equal(err.text, "result 1 is i64, and the function gives i32");
    beamr_error_clear(&err);
    assert_int_equal(beamr_arg_value(&text, 1, true, beamr_valtype_of(BEAMR_I32), &out, &err),
                     BEAMR_ARGUMENT);
    assert_string_equal(err.text, "result 2 is text, and the function gives i32");
    beamr_error_clear(&err);
    assert_int_equal(beamr_arg_value(&text, 1, false, beamr_valtype_of(BEAMR_I32), &out, &err),
                     BEAMR_ARGUMENT);
    assert_string_equal(err.text, "argument 2 is text, and the function takes i32");
    assert_true(out.of.i64 == -1); /* untouched */
}

static void nothing_runs_when_an_argument_is_wrong(void **state)
{
    beamr_arg args[] = {text_arg("hello"), integer_arg(INT64_C(1) << 32)};
    beamr_arg texts[] = {text_arg("hello"), text_arg("hello")};

    (void)state;
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "ii", "i", guest_call});
    assert_fails(args, 2, BEAMR_ARGUMENT, "argument 2: 4294967296 is no i32");
    GUEST(MEMORY_32, MALLOC, FREE, {"f", "if", "i", guest_call});
    assert_fails(texts, 2, BEAMR_ARGUMENT, "argument 2 is text, and the function takes f32");
    assert_fails(texts, 1, BEAMR_ARGUMENT, "argument 1 is text, and the function takes f32");
    assert_int_equal(f.taken_count, 0);
}

static void wrong_counts_are_told(void **state)
{
    beamr_arg args[] = {integer_arg(1), text_arg("x"), integer_arg(3)};
    size_t none = 0;
    beamr_error err = {0};

    (void)state;
    GUEST(NO_MEMORY, {"f", "ii", "i", guest_call});
    assert_fails(args, 1, BEAMR_ARGUMENT,
                 "the function takes 2 parameters, and 1 arguments were given");
    assert_fails(args, 3, BEAMR_ARGUMENT,
                 "the function takes 2 parameters, and 3 arguments were given (text may take");
    assert_fails(NULL, 0, BEAMR_ARGUMENT, "the function takes 2 parameters");
    args[1] = integer_arg(2);
    assert_int_equal(beamr_call_args(f.instance, beamr_instance_find_func(f.instance, "f"),
                                     args, 2, NULL, &none, &err),
                     BEAMR_ARGUMENT);
    assert_string_equal(err.text, "the function has 1 results, and there is room for 0");
}

/* ---- Reading text ---- */

static void text_is_read_up_to_its_end(void **state)
{
    char text[8] = "";
    beamr_error err = {0};

    (void)state;
    GUEST(MEMORY_32, {"f", "ii", "i", guest_call});
    assert_int_equal(beamr_memory_write(f.memory, 100, "abcdefghij", 11, &err), BEAMR_OK);
    assert_int_equal(beamr_memory_read_text(f.memory, 105, text, sizeof text, &err), BEAMR_OK);
    assert_string_equal(text, "fghij");
    assert_int_equal(beamr_memory_read_text(f.memory, 100, text, sizeof text, &err), BEAMR_OK);
    assert_string_equal(text, "abcdefg"); /* cut */
    assert_int_equal(beamr_memory_write(f.memory, 131070, "yz", 2, &err), BEAMR_OK);
    assert_int_equal(beamr_memory_read_text(f.memory, 131070, text, 3, &err), BEAMR_OK);
    assert_string_equal(text, "yz");
    assert_int_equal(beamr_memory_read_text(f.memory, 131070, text, 4, &err), BEAMR_TRAP);
    assert_int_equal(err.trap, BEAMR_TRAP_MEMORY_OUT_OF_BOUNDS);
    assert_int_equal(beamr_memory_read_text(f.memory, 131072, text, 1, NULL), BEAMR_TRAP);
    assert_int_equal(beamr_memory_read_text(f.memory, UINT64_MAX, text, 8, NULL), BEAMR_TRAP);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_is_one_pointer_with_as_many_arguments_as_parameters),
        TEST(text_is_pointer_and_length_otherwise),
        TEST(addresses_may_have_64_bits),
        TEST(cabi_realloc_serves_where_malloc_is_missing),
        TEST(without_free_text_is_left_to_the_guest),
        TEST(all_texts_are_given_back),
        TEST(a_useless_allocator_is_told),
        TEST(a_wrong_type_of_the_allocator_is_told),
        TEST(a_missing_allocator_or_memory_is_told),
        TEST(a_trap_is_kept_while_texts_are_given_back),
        TEST(a_trap_of_free_fails_the_call),
        TEST(an_interrupted_guest_runs_no_more),
        TEST(an_exception_can_still_be_taken),
        TEST(numbers_take_the_parameters_type),
        TEST(numbers_out_of_range_are_told),
        TEST(finite_numbers_stay_finite),
        TEST(integers_beyond_64_bits_become_floats_only),
        TEST(an_argument_becomes_a_value_of_a_type),
        TEST(nothing_runs_when_an_argument_is_wrong),
        TEST(wrong_counts_are_told),
        TEST(text_is_read_up_to_its_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
