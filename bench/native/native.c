/* How fast is native code, against C compiled natively, our interpreter, and V8?
 * Runs each row in all ways, in turn, and compares medians: the kernels of bench/interp and
 * some with vectors, from modules with 32-bit and 64-bit addresses; Lua as an AO process, with
 * errors by exceptions and by Emscripten's imports; QuickJS and SQLite. Native code is measured
 * as users get it, and without loop polls and canonical NaNs. Uses the public interface only,
 * and fails when two ways disagree about a result. What is not there is left out. Usage: native
 * [--runs N] [--only TEXT] [--quick] [--node NODE V8.mjs] [--lua LUA] NAME=WASM... */
#define _GNU_SOURCE
#include "native.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "options.h"
#include "report.h"
#include "simd.h"

enum { RUNS_DEFAULT = 5, WARM_UPS = 3 };

/* ---- What is run ---- */

enum { KERNELS32, KERNELS64, SIMD32, SIMD64, LUA64, LUA64_INVOKE, QUICKJS, SQLITE, SOURCES };

static source sources[SOURCES] = {
    {.name = "kernels32", .kind = KERNEL}, {.name = "kernels64", .kind = KERNEL},
    {.name = "simd32", .kind = KERNEL},    {.name = "simd64", .kind = KERNEL},
    {.name = "lua", .kind = LUA},          {.name = "lua_invoke", .kind = LUA},
    {.name = "quickjs", .kind = COMMAND},  {.name = "sqlite", .kind = COMMAND},
};

const bench_file bench_files[] = {
    {"work.js",
     "function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) }\n"
     "let sum = 0, words = {}\n"
     "for (let i = 0; i < 300000; i++) sum = (sum + i * i) % 1000003\n"
     "for (let i = 0; i < 30000; i++) words['w' + i % 977] = (words['w' + i % 977] || '') + i\n"
     "const list = Array.from({ length: 20000 }, (_, i) => (i * 7919) % 20011)\n"
     "list.sort((a, b) => a - b)\n"
     "print(fib(22), sum, words.w5.length, list[777], JSON.stringify(list).length)\n"},
    {NULL, NULL},
};

#define SQL                                                                                    \
    "create table t(id integer primary key, name text, n integer);"                            \
    "with recursive c(i) as (values (1) union all select i + 1 from c where i < 30000) "       \
    "insert into t select i, 'name ' || (i * 7919 % 30011), i % 97 from c;"                    \
    "create index by_name on t(name);"                                                         \
    "select n, count(*), sum(id) from t group by n order by 3 desc limit 3;"                   \
    "select count(*) from t a join t b on b.name = 'name ' || a.id;"

#define LOOP "local s = 0 for i = 1, 5000000 do s = s + i % 7 end return s"
#define FIB                                                                                    \
    "local function f(n) if n < 2 then return n end return f(n - 1) + f(n - 2) end return "    \
    "f(27)"
#define STRINGS                                                                                \
    "local t = {} for i = 1, 100000 do t[#t + 1] = i .. ':' end return #table.concat(t)"
#define PCALLS                                                                                 \
    "local n = 0 for i = 1, 200000 do if not pcall(error, 'x') then n = n + 1 end end return " \
    "n"

enum { NO_GROUP, MEAN32, MEAN64, MEAN_SIMD32, MEAN_SIMD64, MEAN_LUA, MEAN_LUA_INVOKE, GROUPS };

static const char *const group_names[GROUPS] = {"",
                                                "kernels, 32-bit memory",
                                                "kernels, 64-bit memory",
                                                "vectors, 32-bit memory",
                                                "vectors, 64-bit memory",
                                                "Lua, exceptions",
                                                "Lua, invoke_*"};

static const row rows[] = {
#define K(name, size, quick, from, mean, bits)                                                 \
    {#name ", " bits " bits", "kernel_" #name, from, mean, size, quick, kernel_##name},
#define X(name, size, quick, what) K(name, size, quick, KERNELS32, MEAN32, "32")
    KERNELS(X)
#undef X
#define X(name, size, quick, what) K(name, size, quick, KERNELS64, MEAN64, "64")
        KERNELS(X)
#undef X
#define X(name, size, quick, what) K(name, size, quick, SIMD32, MEAN_SIMD32, "32")
            SIMD_KERNELS(X)
#undef X
#define X(name, size, quick, what) K(name, size, quick, SIMD64, MEAN_SIMD64, "64")
                SIMD_KERNELS(X)
#undef X
#undef K
                    {"Lua: loop", LOOP, LUA64, MEAN_LUA, 0, 0, NULL},
    {"Lua: Fibonacci", FIB, LUA64, MEAN_LUA, 0, 0, NULL},
    {"Lua: strings", STRINGS, LUA64, MEAN_LUA, 0, 0, NULL},
    {"Lua: 200,000 pcalls", PCALLS, LUA64, MEAN_LUA, 0, 0, NULL},
    {"Lua, invoke: loop", LOOP, LUA64_INVOKE, MEAN_LUA_INVOKE, 0, 0, NULL},
    {"Lua, invoke: Fibonacci", FIB, LUA64_INVOKE, MEAN_LUA_INVOKE, 0, 0, NULL},
    {"Lua, invoke: strings", STRINGS, LUA64_INVOKE, MEAN_LUA_INVOKE, 0, 0, NULL},
    {"Lua, invoke: 200,000 pcalls", PCALLS, LUA64_INVOKE, MEAN_LUA_INVOKE, 0, 0, NULL},
    {"QuickJS", "qjs\x1fwork.js", QUICKJS, NO_GROUP, 0, 0, NULL},
    {"SQLite", "sqlite3\x1f:memory:\x1f" SQL, SQLITE, NO_GROUP, 0, 0, NULL},
};

#define ROWS (sizeof rows / sizeof rows[0])

typedef struct options {
    char *node, *script, *lua; /* programs; NULL: not there */
    bench_options shared;
} options;

typedef struct bench {
    options opt;
    child *v8, *lua;
    char folder[64]; /* that commands see in V8 */
    bool in_v8[SOURCES];
    double logs[GROUPS][WAYS]; /* sums of logarithms of ratios to native C */
    unsigned counts[GROUPS][WAYS];
} bench;

double now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- Running ---- */

static outcome row_run(bench *b, const row *r, way w)
{
    source *s = &sources[r->source];
    uint32_t size = b->opt.shared.is_quick ? r->quick_size : r->size;
    outcome out = {0};

    if (w == WAY_V8)
        return b->in_v8[r->source] ? child_run(b->v8, r->source, r, size) : out;
    if (w != WAY_C)
        return ways_run(s, r, w, size);
    if (s->kind == LUA)
        return b->lua ? child_run(b->lua, 0, r, size) : out;
    if (r->native) {
        out.ms = now_ms();
        out.result = r->native(size);
        out.ms = now_ms() - out.ms;
        out.has = true;
    }
    return out;
}

/* Run a row in all ways, round after round.
 *   times  by way and round; those of a way that it cannot be run in are 0 */
static void row_measure(bench *b, const row *r, double (*times)[RUNS_MAX])
{
    uint64_t expected = 0;
    bool has_expected = false;

    for (unsigned i = 0; i < WARM_UPS && !b->opt.shared.is_quick; i++)
        (void)row_run(b, r, WAY_V8);
    for (unsigned round = 0; round <= b->opt.shared.runs; round++)
        for (way w = 0; w < WAYS; w++) {
            outcome o = row_run(b, r, w);

            if (o.has && has_expected && o.result != expected) {
                (void)fprintf(stderr, "native: %s: way %d gives %" PRIu64 ", not %" PRIu64 "\n",
                              r->name, (int)w, o.result, expected);
                exit(1);
            }
            if (o.has)
                expected = o.result;
            has_expected |= o.has;
            if (round)
                times[w][round - 1] = o.ms;
        }
}

/* ---- Report ---- */

static void head_print(const bench *b)
{
    report_host();
    (void)printf("kernels:  %s\n", BENCH_KERNEL_COMPILER);
    (void)printf("beamr:    %s\n", beamr_version());
    (void)printf(
        "runs:     %u of each, in turn, after one that is not measured, and %d in V8\n",
        b->opt.shared.runs, WARM_UPS);
    (void)printf("time:     of the processor, median in ms; x: to native C\n\n");
    (void)printf("| | C | interpreter | x | native | x | without polls, any NaN | x | V8 | x | "
                 "native : V8 |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n");
}

static void row_report(bench *b, const row *r)
{
    static double times[WAYS][RUNS_MAX];
    double median[WAYS];
    unsigned runs = b->opt.shared.runs;

    row_measure(b, r, times);
    (void)printf("| %s |", r->name);
    for (way w = 0; w < WAYS; w++) {
        report_sort(times[w], runs);
        median[w] = (times[w][(runs - 1) / 2] + times[w][runs / 2]) / 2;
        if (median[w] > 0)
            (void)printf(" %.1f |", median[w]);
        else
            (void)printf(" |");
        if (w != WAY_C && median[w] > 0 && median[WAY_C] > 0) {
            (void)printf(" %.2f |", median[w] / median[WAY_C]);
            b->logs[r->group][w] += log(median[w] / median[WAY_C]);
            b->counts[r->group][w]++;
        } else if (w != WAY_C) {
            (void)printf(" |");
        }
    }
    if (median[WAY_NATIVE] > 0 && median[WAY_V8] > 0)
        (void)printf(" %.2f", median[WAY_NATIVE] / median[WAY_V8]);
    (void)printf(" |\n");
    (void)fflush(stdout);
}

static void means_print(const bench *b)
{
    (void)printf(
        "\n| geometric mean of x | interpreter | native | without polls, any NaN | V8 |\n"
        "|---|---:|---:|---:|---:|\n");
    for (unsigned g = 1; g < GROUPS; g++) {
        if (!b->counts[g][WAY_INTERPRET])
            continue;
        (void)printf("| %s |", group_names[g]);
        for (way w = WAY_INTERPRET; w < WAYS; w++)
            if (b->counts[g][w])
                (void)printf(" %.2f |", exp(b->logs[g][w] / b->counts[g][w]));
            else
                (void)printf(" |");
        (void)printf("\n");
    }
}

/* ---- The whole ---- */

static void files_write(const bench *b)
{
    char path[128];

    for (const bench_file *f = bench_files; f->name; f++) {
        FILE *file;

        (void)snprintf(path, sizeof path, "%s/%s", b->folder, f->name);
        file = fopen(path, "we");
        need(file && fputs(f->content, file) >= 0 && fclose(file) == 0, path);
    }
}

static void children_start(bench *b)
{
    (void)snprintf(b->folder, sizeof b->folder, "/tmp/beamr-bench-XXXXXX");
    need(mkdtemp(b->folder), b->folder);
    files_write(b);
    if (b->opt.lua)
        b->lua = child_start((char *[]){b->opt.lua, NULL}, b->folder);
    if (!b->opt.node || !b->opt.script)
        return;
    b->v8 =
        child_start((char *[]){b->opt.node, "--no-warnings", b->opt.script, NULL}, b->folder);
    for (unsigned i = 0; i < SOURCES; i++)
        b->in_v8[i] = sources[i].path && child_open(b->v8, i, &sources[i]);
}

static void children_stop(bench *b)
{
    char path[128];

    child_stop(b->v8);
    child_stop(b->lua);
    for (const bench_file *f = bench_files; f->name; f++) {
        (void)snprintf(path, sizeof path, "%s/%s", b->folder, f->name);
        (void)unlink(path);
    }
    (void)snprintf(path, sizeof path, "%s/output", b->folder);
    (void)unlink(path);
    (void)rmdir(b->folder);
}

static bool is_wanted(const options *opt, const row *r)
{
    return bench_options_want(&opt->shared, r->name);
}

/* Modules that no row needs are not compiled. */
static void sources_choose(const options *opt)
{
    for (unsigned s = 0; s < SOURCES; s++) {
        bool needed = false;

        for (size_t i = 0; i < ROWS; i++)
            needed |= rows[i].source == s && is_wanted(opt, &rows[i]);
        if (!needed)
            sources[s].path = NULL;
    }
}

/* The whole path of a file, since programs beside this one run in another folder; kept until
 * the end. NULL: it can't be used, which is said. */
static char *file_named(const char *word, int access_mode)
{
    char *path = access(word, access_mode) == 0 ? realpath(word, NULL) : NULL;

    if (!path)
        (void)fprintf(stderr, "native: %s is left out: %s\n", word, strerror(errno));
    return path;
}

static bool source_named(const char *word)
{
    const char *path = strchr(word, '=');

    for (unsigned i = 0; path && i < SOURCES; i++)
        if (strlen(sources[i].name) == (size_t)(path - word) &&
            strncmp(sources[i].name, word, (size_t)(path - word)) == 0) {
            sources[i].path = file_named(path + 1, R_OK);
            return true;
        }
    return false;
}

static bool options_read(int argc, char **argv, options *out)
{
    *out = (options){.shared = {.runs = RUNS_DEFAULT, .most = RUNS_MAX}};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--node") == 0 && i + 2 < argc) {
            out->node = file_named(argv[++i], X_OK);
            out->script = file_named(argv[++i], R_OK);
        } else if (strcmp(argv[i], "--lua") == 0 && i + 1 < argc) {
            out->lua = file_named(argv[++i], X_OK);
        } else if (!source_named(argv[i]) &&
                   !bench_options_take(&out->shared, argc, argv, &i)) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static bench b;

    if (!options_read(argc, argv, &b.opt)) {
        bench_options_usage(&b.opt.shared, "[--node NODE V8.mjs] [--lua LUA] NAME=WASM...");
        return 2;
    }
    (void)unsetenv("BEAMR_TIER"); /* each way says itself what it runs */
    (void)setenv("BEAMR_COMPILE", BENCH_COMPILE, 0);
    sources_choose(&b.opt);
    children_start(&b);
    ways_open(sources, SOURCES);
    head_print(&b);
    for (size_t i = 0; i < ROWS; i++)
        if (sources[rows[i].source].path && is_wanted(&b.opt, &rows[i]))
            row_report(&b, &rows[i]);
    means_print(&b);
    children_stop(&b);
    ways_close(sources, SOURCES);
    return 0;
}
