/* Running a module in both tiers: see pair.h. fuzz/run_guest.c does with an instance all that
 * an embedder can, as its options say, and keeps a log: results bit for bit, failures with
 * their places and texts, what host functions were called with, elements, globals, memories,
 * snapshots. Two runs are the same if their logs are, and what fuel was left. */
#include "pair.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "beamr/native.h"
#include "fuzz.h"

static run_log logs[2];

void pair_stats_add(pair_stats *sum, const pair_stats *more)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)more;

    for (size_t i = 0; i < sizeof *sum / sizeof *to; i++)
        to[i] += from[i];
}

void pair_stats_print(const pair_stats *s)
{
    uint64_t calls = 0;

    printf("modules %" PRIu64 ", refused %" PRIu64 ", not instantiated %" PRIu64
           ", bytes %" PRIu64 " on average\n",
           s->modules, s->refused, s->failed, s->modules ? s->bytes / s->modules : 0);
    printf("  metered %" PRIu64 ", without guards %" PRIu64 ", guarded with checks %" PRIu64
           ", out of fuel %" PRIu64 ", log cut %" PRIu64 "\n",
           s->metered, s->unguarded, s->checked, s->ran_out, s->cut);
    printf("  functions %" PRIu64 ", compiled %" PRIu64 "\n", s->funcs, s->compiled);
    for (size_t i = 0; i < BEAMR_STATUS_COUNT; i++)
        calls += s->statuses[i];
    printf("  calls %" PRIu64 ", fuel of one %" PRIu64 "\n", calls,
           calls ? s->used / calls : 0);
    for (size_t i = 0; i < BEAMR_STATUS_COUNT; i++)
        if (s->statuses[i] && i != BEAMR_TRAP)
            printf("  %5.2f %%  %s\n", 100.0 * (double)s->statuses[i] / (double)calls,
                   beamr_status_text((beamr_status)i));
    for (size_t i = 1; i < BEAMR_TRAP_COUNT; i++)
        if (s->traps[i])
            printf("  %5.2f %%  trap: %s\n", 100.0 * (double)s->traps[i] / (double)calls,
                   beamr_trap_text((beamr_trap)i));
}

static beamr_engine *engine_open(bool metering, bool unguarded)
{
    beamr_config config = BEAMR_CONFIG_DEFAULT;
    beamr_engine *engine = NULL;

    config.tier = BEAMR_TIER_INTERPRET; /* until it is compiled */
    config.metering = metering;
    config.unguarded = unguarded;
    FUZZ_CHECK(beamr_engine_new(&config, &engine, NULL) == BEAMR_OK);
    return engine;
}

static void compile(beamr_module *module, const diff_setup *setup, pair_stats *stats)
{
    beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT;
    beamr_error err = {0};

    options.threads = 1;
    options.checks = setup->checks;
    if (beamr_module_compile(module, &options, &err) != BEAMR_OK)
        (void)fprintf(stderr, "not compiled: %s\n", err.text);
    FUZZ_CHECK(err.status == BEAMR_OK);
    stats->compiled += beamr_module_native_count(module);
}

static size_t defined_funcs(const beamr_module *module)
{
    size_t imported = 0, count = beamr_module_import_count(module);

    for (size_t i = 0; i < count; i++)
        imported += beamr_module_import(module, i).type.kind == BEAMR_EXTERN_FUNC;
    return beamr_module_func_count(module) - imported;
}

/* Returns false if the module does not load. */
static bool run(beamr_bytes wasm, const diff_setup *setup, bool native, pair_stats *stats,
                run_log *log)
{
    beamr_engine *engine = engine_open(setup->metering, setup->unguarded);
    beamr_module *module = NULL;
    beamr_error err = {0};

    if (beamr_module_load(engine, wasm, &module, &err) != BEAMR_OK) {
        if (setup->is_known_valid)
            (void)fprintf(stderr, "%s at %" PRIu64 "\n", err.text, err.offset);
        FUZZ_CHECK(!setup->is_known_valid);
        beamr_engine_free(engine);
        return false;
    }
    if (native) {
        stats->funcs += defined_funcs(module);
        compile(module, setup, stats);
    }
    run_guest(engine, module, &setup->run, log); /* takes both */
    return true;
}

static void describe(const run_log *a, const run_log *b, char *report, size_t size)
{
    size_t i = 0, from;

    while (i < a->len && i < b->len && a->text[i] == b->text[i])
        i++;
    from = i > 600 ? i - 600 : 0;
    while (from > 0 && a->text[from - 1] != '\n')
        from--;
    (void)snprintf(report, size,
                   "---- interpreter, the difference is %zu characters in, fuel %016" PRIx64
                   "\n%.*s\n---- native, fuel %016" PRIx64 "\n%.*s\n",
                   i - from, a->fuel, (int)(a->len - from < 1400 ? a->len - from : 1400),
                   a->text + from, b->fuel, (int)(b->len - from < 1400 ? b->len - from : 1400),
                   b->text + from);
}

static bool is_equal(const run_log *a, const run_log *b, bool fuel_too)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0 &&
           (!fuel_too || a->fuel == b->fuel);
}

static void count(const diff_setup *setup, size_t len, const run_log *log, pair_stats *stats)
{
    stats->modules++;
    stats->bytes += len;
    stats->metered += setup->metering;
    stats->unguarded += setup->unguarded;
    stats->checked += setup->checks && !setup->unguarded;
    stats->failed += strncmp(log->text, "ok ", 3) != 0;
    stats->ran_out += log->ran_out;
    stats->cut += log->len >= RUN_LOG_ROOM - 1000;
    stats->used += log->used;
    for (size_t i = 0; i < BEAMR_STATUS_COUNT; i++)
        stats->statuses[i] += log->statuses[i];
    for (size_t i = 0; i < BEAMR_TRAP_COUNT; i++)
        stats->traps[i] += log->traps[i];
}

pair_verdict pair_run(beamr_bytes wasm, const diff_setup *setup, bool native, pair_stats *stats,
                      char *report, size_t size)
{
    diff_setup first = *setup, second = *setup;

    first.metering = true; /* to see what ends by itself */
    if (!run(wasm, &first, false, stats, &logs[0])) {
        stats->refused++;
        return PAIR_REFUSED;
    }
    second.metering = setup->metering || logs[0].ran_out;
    second.unguarded = native ? setup->unguarded : !setup->unguarded;
    count(&second, wasm.len, &logs[0], stats);
    (void)run(wasm, &second, native, stats, &logs[1]);
    if (is_equal(&logs[0], &logs[1], second.metering)) {
        if (report)
            (void)snprintf(report, size, "%.*s", (int)strcspn(logs[0].text, "\n"),
                           logs[0].text);
        return PAIR_SAME;
    }
    if (report)
        describe(&logs[0], &logs[1], report, size);
    return PAIR_DIFFERENT;
}
