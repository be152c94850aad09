/* Fuzz target: run a module, with limits, and everything that its embedder can do to it.
 * An input is OPTIONS bytes, then a module, or the tape of one (generate.h). It runs three
 * times in stores of their own, step by step as run_guest.c has them: twice with metering, and
 * once without if fuel did not run out. All three must come to the same, in results, errors,
 * fuel and snapshots. A generated module must be valid.
 * The mutator makes modules out of tapes at times, so that their bytes are mutated too.
 * Seeds: seeds/run/. */
#include "fuzz.h"

#include <string.h>

#include "generate.h"
#include "run_guest.h"

#define IS_MODULE 0x80u /* in the first byte of the options: what follows is not a tape */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room) __attribute__((weak));
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t room, unsigned seed);

static uint8_t room[GENERATE_ROOM];

/* Same options in both engines: with metering or without. */
static beamr_engine *engine_open(const run_options *options, bool metering)
{
    static const char *const features[] = {
        "",           "", "-simd", "-all", "-exceptions,-tail-call", "-memory64,-multi-memory",
        "-subtyping", ""};
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_engine *engine = NULL;

    config.features = features[options->features & 7u];
    config.metering = metering;
    FUZZ_CHECK(beamr_engine_new(&config, &engine, NULL) == BEAMR_OK);
    return engine;
}

/* Load, run, and free what that took.
 *   log  what came of it
 * Returns false if the module was refused. */
static bool run(beamr_bytes wasm, const run_options *options, bool metering, run_log *log)
{
    beamr_engine *engine = engine_open(options, metering);
    beamr_module *module = NULL;
    beamr_error err = {0};
    beamr_status st = beamr_module_load(engine, wasm, &module, &err);

    run_check_error(st, &err);
    if (st != BEAMR_OK) {
        if (options->must_load)
            (void)fprintf(stderr, "%s at %llu\n", err.text, (unsigned long long)err.offset);
        FUZZ_CHECK(!options->must_load);
        beamr_engine_free(engine);
        return false;
    }
    run_guest(engine, module, options, log); /* takes both */
    return true;
}

static void compare(const run_log *a, const run_log *b)
{
    size_t i = 0;

    while (i < a->len && a->text[i] == b->text[i])
        i++;
    if (a->len == b->len && i == a->len)
        return;
    while (i > 0 && a->text[i - 1] != '\n')
        i--;
    (void)fprintf(stderr, "runs differ:\n%.*s\n----\n%.*s\n", 300, a->text + i, 300,
                  b->text + i);
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static run_log logs[3];
    run_options options;
    beamr_bytes wasm;

    if (size < RUN_OPTIONS)
        return 0;
    run_options_read(data, &options);
    wasm = (beamr_bytes){data + RUN_OPTIONS, size - RUN_OPTIONS};
    if (!(data[0] & IS_MODULE)) {
        wasm = (beamr_bytes){room, generate_module(wasm.data, wasm.len, room)};
        options.must_load = options.features == 0;
    }
    if (!run(wasm, &options, true, &logs[0]))
        return 0;
    (void)run(wasm, &options, true, &logs[1]);
    compare(&logs[0], &logs[1]);
    FUZZ_CHECK(logs[0].fuel == logs[1].fuel);
    if (!logs[0].ran_out) {
        (void)run(wasm, &options, false, &logs[2]);
        compare(&logs[0], &logs[2]);
    }
    return 0;
}

/* Mostly mutate bytes; at times turn a tape into the module that it stands for. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    size_t len;

    if (size < RUN_OPTIONS || seed % 8 != 0 || (data[0] & IS_MODULE))
        return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, max) : size;
    len = generate_module(data + RUN_OPTIONS, size - RUN_OPTIONS, room);
    if (len == 0 || len > max - RUN_OPTIONS)
        return LLVMFuzzerMutate ? LLVMFuzzerMutate(data, size, max) : size;
    data[0] |= IS_MODULE;
    memcpy(data + RUN_OPTIONS, room, len);
    return RUN_OPTIONS + len;
}
