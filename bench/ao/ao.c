/* What do resolving, ids, codecs and stores cost, beside what they cannot do without?
 * Each row is followed by its lower bound's ratio: the mere look-up, a hash or a copy of the
 * same bytes, a raw call of LMDB, all in one process and in turn.
 * Usage: ao [--runs N] [--only TEXT] [--quick] */
#include "ao.h"

#include <stdio.h>
#include <stdlib.h>

#include "options.h"
#include "report.h"

enum { RUNS_DEFAULT = 15, RUNS_MAX = 200 };

/* Lower bounds come before the rows that stand beside them. */
static const bench_row rows[] = {
    {.name = "look up a key", .run = run_find},
    {.name = "resolve a key", .run = run_key, .beside = "look up a key", .goal_ns = 300},
    {.name = "look up four keys", .run = run_find_four},
    {.name = "resolve a path of four",
     .run = run_path,
     .beside = "look up four keys",
     .goal_ns = 2000},

    {.name = "memcpy of 10 values", .run = run_copy_values, .which = 10},
    {.name = "change a key of 10",
     .run = run_with,
     .which = 10,
     .beside = "memcpy of 10 values"},
    {.name = "set a key of 10", .run = run_set, .which = 10, .beside = "memcpy of 10 values"},
    {.name = "memcpy of 1000 values", .run = run_copy_values, .which = 1000},
    {.name = "change a key of 1000",
     .run = run_with,
     .which = 1000,
     .beside = "memcpy of 1000 values"},
    {.name = "set a key of 1000",
     .run = run_set,
     .which = 1000,
     .beside = "memcpy of 1000 values"},

    {.name = "SHA-256 of a small message", .run = run_sha256},
    {.name = "make a small message anew", .run = run_change},
    {.name = "unsigned id of it",
     .run = run_id,
     .beside = "SHA-256 of a small message",
     .minus = "make a small message anew",
     .goal_ns = 1000,
     .goal_ratio = 5},

#define CODEC_ROW(name_, run_, which_, beside_)                                                \
    {                                                                                          \
        .name = name_, .run = run_, .which = which_, .beside = beside_, .len = codec_len       \
    }
#define CODEC(i, name)                                                                         \
    CODEC_ROW(name ": memcpy", run_memcpy, (i)*2, NULL),                                       \
        CODEC_ROW(name ": encode", run_encode, (i)*2, name ": memcpy"),                        \
        CODEC_ROW(name ": decode", run_decode, (i)*2, name ": memcpy"),                        \
        CODEC_ROW(name ", 1 MiB: memcpy", run_memcpy, (i)*2 + 1, NULL),                        \
        CODEC_ROW(name ", 1 MiB: encode", run_encode, (i)*2 + 1, name ", 1 MiB: memcpy"),      \
        CODEC_ROW(name ", 1 MiB: decode", run_decode, (i)*2 + 1, name ", 1 MiB: memcpy")
    CODEC(0, "structured"),
    CODEC(1, "httpsig"),
    CODEC(2, "flat"),
    CODEC(3, "json"),
    CODEC(4, "ans104"),
#undef CODEC
#undef CODEC_ROW

    {.name = "LMDB alone: get 1 KiB", .run = run_raw_get, .len = store_len},
    {.name = "lmdb: get 1 KiB",
     .run = run_get,
     .beside = "LMDB alone: get 1 KiB",
     .goal_ratio = 2,
     .len = store_len},
    {.name = "files: get 1 KiB",
     .run = run_get,
     .which = 2,
     .beside = "LMDB alone: get 1 KiB",
     .len = store_len},
    {.name = "memory: get 1 KiB",
     .run = run_get,
     .which = 4,
     .beside = "LMDB alone: get 1 KiB",
     .len = store_len},
    {.name = "LMDB alone: get 1 MiB", .run = run_raw_get, .which = 1, .len = store_len},
    {.name = "lmdb: get 1 MiB",
     .run = run_get,
     .which = 1,
     .beside = "LMDB alone: get 1 MiB",
     .goal_ratio = 2,
     .len = store_len},
    {.name = "files: get 1 MiB",
     .run = run_get,
     .which = 3,
     .beside = "LMDB alone: get 1 MiB",
     .len = store_len},
    {.name = "memory: get 1 MiB",
     .run = run_get,
     .which = 5,
     .beside = "LMDB alone: get 1 MiB",
     .len = store_len},

    {.name = "LMDB alone: put 1 KiB", .run = run_raw_put, .len = store_len, .at_most = 20},
    {.name = "lmdb: put 1 KiB",
     .run = run_put,
     .beside = "LMDB alone: put 1 KiB",
     .len = store_len,
     .at_most = 20},
    {.name = "files: put 1 KiB",
     .run = run_put,
     .which = 2,
     .beside = "LMDB alone: put 1 KiB",
     .len = store_len,
     .at_most = 20},
    {.name = "memory: put 1 KiB",
     .run = run_put,
     .which = 4,
     .beside = "LMDB alone: put 1 KiB",
     .len = store_len},
    {.name = "LMDB alone: put 1 MiB",
     .run = run_raw_put,
     .which = 1,
     .len = store_len,
     .at_most = 5},
    {.name = "lmdb: put 1 MiB",
     .run = run_put,
     .which = 1,
     .beside = "LMDB alone: put 1 MiB",
     .len = store_len,
     .at_most = 5},
    {.name = "files: put 1 MiB",
     .run = run_put,
     .which = 3,
     .beside = "LMDB alone: put 1 MiB",
     .len = store_len,
     .at_most = 5},
    {.name = "memory: put 1 MiB",
     .run = run_put,
     .which = 5,
     .beside = "LMDB alone: put 1 MiB",
     .len = store_len},
};

int main(int argc, char **argv)
{
    bench b = {0};
    beamr_error err = {0};
    bench_options opt = {.runs = RUNS_DEFAULT, .most = RUNS_MAX};
    bench_table table = {.rows = rows, .count = sizeof rows / sizeof rows[0], .options = &opt};

    if (!bench_options_read(&opt, argc, argv))
        return 2;
    check(ao_context_new(NULL, &b.context, &err), &err);
    messages_make(&b);
    stores_open(&b);
    bench_table_measure(&table, &b);
    report_host();
    bench_table_report(&table, &b);
    stores_close(&b);
    messages_clear(&b);
    ao_context_free(b.context);
    return 0;
}
