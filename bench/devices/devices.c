/* What does it cost to reach a guest through messages?
 * Calls of a function raw, through wasm-64@1.0 and through a stack; imports that a device
 * answers and those that go to the node's own WASI directly; evaluations of a Lua process;
 * snapshots and restores beside memcpy. All in one process and in turn. Rows of a
 * process are left out by name when its module is not there, and those in native code when the
 * compiler is not.
 * Usage: devices [--runs N] [--only TEXT] [--quick] [--process MODULE.wasm] */
#include "devices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 200 };

#define MS 1e6

/* What others stand beside, or is subtracted from them, comes before them. */
static const bench_row rows[] = {
    {.name = "fac(5): raw call", .run = run_raw},
    {.name = "make and free a request", .run = run_make_requests},
    {.name = "fac(5): wasm-64@1.0 compute",
     .run = run_wasm,
     .beside = "fac(5): raw call",
     .goal_ns = 4000,
     .goal_ratio = 1},
    {.name = "the same, a new request each",
     .run = run_new_requests,
     .beside = "fac(5): raw call",
     .minus = "make and free a request",
     .goal_ns = 4000,
     .goal_ratio = 1},
    {.name = "the same, without hashpaths",
     .run = run_bare,
     .beside = "fac(5): raw call",
     .goal_ns = 4000,
     .goal_ratio = 1},
    {.name = "fac(5): stack of four",
     .run = run_stack,
     .beside = "fac(5): wasm-64@1.0 compute"},
    {.name = "a key that is not there", .run = run_missing},
    {.name = "such a key, stack of four",
     .run = run_stack_missing,
     .beside = "a key that is not there"},
    {.name = "import, answered by a device", .run = run_import, .at_most = 20000},
    {.name = "import, direct (WASI)", .run = run_direct, .goal_ns = 200},

    {.name = "Lua: first 1 + 1, from nothing",
     .run = run_first,
     .which = EVAL_SUM,
     .goal_ns = 600 * MS,
     .at_most = 1,
     .missing = process_missing},
    {.name = "Lua: later 1 + 1",
     .run = run_eval,
     .which = EVAL_SUM,
     .goal_ns = 15 * MS,
     .missing = process_missing},
    {.name = "Lua: loop of 1,000,000",
     .run = run_eval,
     .which = EVAL_LOOP,
     .at_most = 1,
     .missing = process_missing},
    {.name = "Lua: 200,000 pcalls",
     .run = run_eval,
     .which = EVAL_PCALLS,
     .at_most = 1,
     .missing = process_missing},

    {.name = "Lua native: later 1 + 1",
     .run = run_native,
     .which = EVAL_SUM,
     .beside = "Lua: later 1 + 1",
     .missing = native_missing},
    {.name = "Lua native: loop of 1,000,000",
     .run = run_native,
     .which = EVAL_LOOP,
     .beside = "Lua: loop of 1,000,000",
     .at_most = 1,
     .missing = native_missing},
    {.name = "Lua native: 200,000 pcalls",
     .run = run_native,
     .which = EVAL_PCALLS,
     .beside = "Lua: 200,000 pcalls",
     .at_most = 1,
     .missing = native_missing},

    {.name = "12 MiB: memcpy",
     .run = run_memcpy,
     .which = SMALL,
     .at_most = 3,
     .missing = state_missing},
    {.name = "12 MiB: snapshot",
     .run = run_snapshot,
     .which = SMALL,
     .beside = "12 MiB: memcpy",
     .at_most = 3,
     .missing = state_missing},
    {.name = "12 MiB: restore",
     .run = run_restore,
     .which = SMALL,
     .beside = "12 MiB: memcpy",
     .at_most = 3,
     .missing = state_missing},
    {.name = "256 MiB: memcpy",
     .run = run_memcpy,
     .which = LARGE,
     .at_most = 1,
     .missing = state_missing},
    {.name = "256 MiB: snapshot",
     .run = run_snapshot,
     .which = LARGE,
     .beside = "256 MiB: memcpy",
     .at_most = 1,
     .missing = state_missing},
    {.name = "256 MiB: restore",
     .run = run_restore,
     .which = LARGE,
     .beside = "256 MiB: memcpy",
     .at_most = 1,
     .missing = state_missing},
};

static bool options_read(bench *b, bench_options *out, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--process") == 0 && i + 1 < argc) {
            b->lua = argv[++i];
        } else if (!bench_options_take(out, argc, argv, &i)) {
            bench_options_usage(out, "[--process MODULE.wasm]");
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    bench b = {.lua = "build/programs/lua_process.wasm"};
    bench_options opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX};
    bench_table table = {.rows = rows, .count = sizeof rows / sizeof rows[0], .options = &opt};

    if (!options_read(&b, &opt, argc, argv))
        return 2;
    b.is_quick = opt.is_quick;
    context_open(&b);
    calls_open(&b);
    bench_table_measure(&table, &b);
    report_host();
    bench_table_report(&table, &b);
    calls_close(&b);
    ao_message_unref(b.process);
    ao_message_unref(b.native);
    for (int i = 0; i < SIZES; i++)
        ao_message_unref(b.large[i]);
    ao_context_free(b.context);
    return 0;
}
