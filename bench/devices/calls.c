/* Rows of calls: of the engine, through devices, and of imports. */
#include <stdlib.h>

#include "beamr/beamr.h"
#include "devices.h"

static struct {
    beamr_engine *engine;
    beamr_module *module;
    beamr_store *store;
    beamr_func *fac;
} raw;

static void raw_open(bench *b)
{
    beamr_instance *instance = NULL;
    beamr_bytes object = {0};
    beamr_error err = {0};

    check(beamr_engine_new(NULL, &raw.engine, &err), &err);
    check(beamr_module_load(raw.engine, guest_fac(), &raw.module, &err), &err);
    b->has_compiler = beamr_compile(raw.module, NULL, &object, NULL) == BEAMR_OK;
    check(beamr_store_new(raw.engine, NULL, &raw.store, &err), &err);
    check(beamr_instance_new(raw.store, raw.module, NULL, 0, &instance, &err), &err);
    raw.fac = beamr_instance_find_func(instance, "fac");
    beamr_object_free(object);
    need(raw.fac != NULL, "the guest has no fac");
}

void calls_open(bench *b)
{
    raw_open(b);
    b->wasm = json_message(b, "{\"device\": \"wasm-64@1.0\"}", guest_fac());
    b->stack = json_message(b,
                            "{\"device\": \"stack@1.0\", \"patch-from\": \"/results/outbox\","
                            " \"device-stack\": [\"WASI@1.0\", \"WASM-64@1.0\", \"patch@1.0\","
                            " \"Multipass@1.0\"]}",
                            guest_fac());
    b->imports = json_message(b,
                              "{\"device\": \"wasm-64@1.0\", \"stdlib\": {\"my_lib\":"
                              " {\"device\": \"test-device@1.0\"}}}",
                              guest_calls());
    b->direct = json_message(b,
                             "{\"device\": \"stack@1.0\", \"device-stack\": [\"WASI@1.0\","
                             " \"WASM-64@1.0\"]}",
                             guest_calls());
    advance(b, &b->wasm, ao_binary_text("init"));
    advance(b, &b->stack, ao_binary_text("init"));
    advance(b, &b->imports, ao_binary_text("init"));
    advance(b, &b->direct, ao_binary_text("init"));
}

void calls_close(bench *b)
{
    ao_message_unref(b->wasm);
    ao_message_unref(b->stack);
    ao_message_unref(b->imports);
    ao_message_unref(b->direct);
    beamr_module_unref(raw.module);
    beamr_store_free(raw.store);
    beamr_engine_free(raw.engine);
}

double run_raw(bench *b, const bench_row *row, uint64_t n)
{
    beamr_value arg = beamr_f64(5), result;
    beamr_error err = {0};
    double start = processor_ns();

    (void)b;
    (void)row;
    for (uint64_t i = 0; i < n; i++)
        check(beamr_func_call(raw.fac, &arg, 1, &result, 1, &err), &err);
    start = processor_ns() - start;
    need(result.of.f64 == 120, "fac(5) is not 120");
    return start;
}

/* fac(5) on a state, n times, each on the state before. */
static double run_fac(bench *b, ao_message **state, uint64_t n)
{
    ao_value request = call_of("fac", ao_float(5));
    double start = processor_ns();

    for (uint64_t i = 0; i < n; i++)
        advance(b, state, ao_value_ref(request));
    start = processor_ns() - start;
    expect(*state, 120);
    ao_value_unref(request);
    return start;
}

double run_wasm(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return run_fac(b, &b->wasm, n);
}

/* What the caller of the row below does besides. */
double run_make_requests(bench *b, const bench_row *row, uint64_t n)
{
    double start = processor_ns();

    (void)b;
    (void)row;
    for (uint64_t i = 0; i < n; i++)
        ao_value_unref(call_of("fac", ao_float(5)));
    return processor_ns() - start;
}

/* A request has its id once it was asked for: here each call has to compute it. */
double run_new_requests(bench *b, const bench_row *row, uint64_t n)
{
    double start = processor_ns();

    (void)row;
    for (uint64_t i = 0; i < n; i++)
        advance(b, &b->wasm, call_of("fac", ao_float(5)));
    start = processor_ns() - start;
    expect(b->wasm, 120);
    return start;
}

double run_bare(bench *b, const bench_row *row, uint64_t n)
{
    double ns;

    (void)row;
    b->has_no_hashpaths = true;
    ns = run_fac(b, &b->wasm, n);
    b->has_no_hashpaths = false;
    return ns;
}

double run_stack(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return run_fac(b, &b->stack, n);
}

/* A key that nobody has, n times. */
static double run_nothing(bench *b, const char *json, uint64_t n)
{
    ao_value base = ao_message_value(json_message(b, json, (beamr_bytes){NULL, 0}));
    ao_value request = ao_binary_text("nothing");
    ao_result result;
    beamr_error err = {0};
    double start = processor_ns();

    for (uint64_t i = 0; i < n; i++) {
        check(ao_resolve_on(b->context, base, request, NULL, &result, &err), &err);
        ao_value_unref(result.value);
    }
    start = processor_ns() - start;
    ao_value_unref(base);
    ao_value_unref(request);
    return start;
}

double run_stack_missing(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return run_nothing(b,
                       "{\"device\": \"stack@1.0\", \"k\": 1, \"device-stack\":"
                       " [\"test-device@1.0\", \"test-device@1.0\", \"test-device@1.0\","
                       " \"test-device@1.0\"]}",
                       n);
}

double run_missing(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return run_nothing(b, "{\"device\": \"test-device@1.0\", \"k\": 1}", n);
}

/* One call, in which the guest calls an import n times. */
static double run_imports(bench *b, ao_message **state, const char *function, double expected,
                          uint64_t n)
{
    ao_value request = call_of(function, ao_integer((int64_t)n));
    double start = processor_ns();

    advance(b, state, request);
    start = processor_ns() - start;
    expect(*state, expected);
    return start;
}

double run_import(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return run_imports(b, &b->imports, "mul", 42, n);
}

double run_direct(bench *b, const bench_row *row, uint64_t n)
{
    (void)row;
    return run_imports(b, &b->direct, "clock", 0, n);
}
