/* Rows of a Lua process: evaluations through the stack that processes have. The module is a
 * file: our own (test/programs/lua_process/), or one that is named on the command line. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices.h"

static const char *const texts[] = {
    [EVAL_SUM] = "return 1 + 1",
    [EVAL_LOOP] = "local s = 0 for i = 1, 1000000 do s = s + i end return s",
    [EVAL_PCALLS] = "for i = 1, 200000 do n = i - (pcall(error) and 1 or 0) end return n",
};
static const char *const answers[] = {
    [EVAL_SUM] = "2", [EVAL_LOOP] = "500000500000", [EVAL_PCALLS] = "200000"};

const char *process_missing(const bench *b, const bench_row *row)
{
    FILE *file;

    (void)row;
    if (!b->lua)
        return "no module of a Lua process";
    if (!(file = fopen(b->lua, "rb")))
        return "scripts/fetch-sources makes the module";
    (void)fclose(file);
    return NULL;
}

static ao_value read_module(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t len = 0, size = 0, got;
    ao_value value;

    need(file != NULL, "the module cannot be read");
    do {
        if (len == size)
            bytes = realloc(bytes, size += 1 << 20);
        need(bytes != NULL, "no memory for the module");
        got = fread(bytes + len, 1, size - len, file);
        len += got;
    } while (got > 0);
    (void)fclose(file);
    value = ao_binary_copy((beamr_bytes){bytes, len});
    free(bytes);
    return value;
}

const char *native_missing(const bench *b, const bench_row *row)
{
    if (b->is_quick)
        return "compiling takes seconds, and this is a quick run";
    return b->has_compiler ? process_missing(b, row) : "no beamr-compile";
}

/*   mode  WASM or AOT */
static ao_message *spawn(bench *b, const char *mode)
{
    ao_message *base = json_message(
        b,
        "{\"device\": \"stack@1.0\", \"passes\": 2, \"device-stack\": [\"WASI@1.0\","
        " \"JSON-Iface@1.0\", \"WASM-64@1.0\", \"Multipass@1.0\"],"
        " \"process\": {\"type\": \"Process\", \"name\": \"bench\"}}",
        (beamr_bytes){NULL, 0});
    ao_message *moded = NULL, *whole = NULL;
    beamr_error err = {0};

    check(ao_message_with(base, "mode", ao_binary_text(mode), &moded, &err), &err);
    ao_message_unref(base);
    base = moded;
    check(ao_message_with(base, "image", read_module(b->lua), &whole, &err), &err);
    ao_message_unref(base);
    advance(b, &whole, ao_binary_text("init"));
    return whole;
}

static ao_value eval_of(const char *text)
{
    ao_builder body, request;

    ao_builder_begin(&body, NULL, NULL, NULL);
    ao_builder_put(&body, "action", ao_binary_text("Eval"));
    ao_builder_put(&body, "data", ao_binary_text(text));
    ao_builder_begin(&request, NULL, NULL, NULL);
    ao_builder_put(&request, "path", ao_binary_text("compute"));
    ao_builder_put(&request, "slot", ao_integer(1));
    ao_builder_put(&request, "block-height", ao_integer(1));
    ao_builder_put(&request, "timestamp", ao_integer(1700000000000));
    ao_builder_put(&request, "body", ao_builder_value(&body));
    return ao_builder_value(&request);
}

/* The evaluation gave its answer; a real process may say more around it. */
static void expect_answer(const ao_message *state, const char *answer)
{
    ao_value data = AO_NO_VALUE;
    beamr_error err = {0};
    beamr_bytes text;

    check(ao_message_get_path(state, beamr_bytes_of("results/data"), &data, &err), &err);
    if (data.kind == AO_MESSAGE)
        data = ao_message_find_text(ao_to_message(data), "output");
    text = ao_text(data);
    if (text.len > 0 && memmem(text.data, text.len, answer, strlen(answer)))
        return;
    (void)fprintf(stderr, "devices: the process answered: %.*s\n", (int)text.len,
                  (const char *)text.data);
    need(false, "the process gave another answer");
}

static double evaluate(bench *b, ao_message **state, int which)
{
    ao_value request = eval_of(texts[which]);
    double start = processor_ns();

    advance(b, state, request);
    start = processor_ns() - start;
    expect_answer(*state, answers[which]);
    return start;
}

/* From nothing: a node that knows no module, an instance, and the first evaluation. */
double run_first(bench *b, const bench_row *row, uint64_t n)
{
    double sum = 0;

    for (uint64_t i = 0; i < n; i++) {
        bench own = {.lua = b->lua};
        beamr_error err = {0};
        double start = processor_ns();
        ao_message *state;

        check(ao_context_new(NULL, &own.context, &err), &err);
        state = spawn(&own, "WASM");
        (void)evaluate(&own, &state, row->which);
        sum += processor_ns() - start;
        ao_message_unref(state);
        ao_context_free(own.context);
    }
    return sum;
}

static double run_often(bench *b, const char *mode, ao_message **process, int which, uint64_t n)
{
    double sum = 0;

    if (!*process) {
        *process = spawn(b, mode);
        (void)evaluate(b, process, EVAL_SUM);
    }
    for (uint64_t i = 0; i < n; i++)
        sum += evaluate(b, process, which);
    return sum;
}

double run_eval(bench *b, const bench_row *row, uint64_t n)
{
    return run_often(b, "WASM", &b->process, row->which, n);
}

double run_native(bench *b, const bench_row *row, uint64_t n)
{
    return run_often(b, "AOT", &b->native, row->which, n);
}
