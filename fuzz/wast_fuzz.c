/* Fuzz target: any bytes as a file of the test suite. It must be refused with a place, or run;
 * modules in it have little fuel and memory. Constants in it that can be read are written and
 * read again as the same bits. The same bytes are also taken as the list of modules known to
 * be refused.
 * Seeds: seeds/wast/. */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "cli/wast.h"

#define ARENA_MAX ((size_t)1 << 26)

static wast_suite suite;
static int null_file = -1;

static void suite_open(void)
{
    static const beamr_store_limits limits = {16, 1000, 20, 5000, 20, (uint64_t)64 << 20, 0};
    beamr_config config = BEAMR_CONFIG_DEFAULT;

    if (suite.engine)
        return;
    config.metering = true;
    FUZZ_CHECK(beamr_engine_new(&config, &suite.engine, NULL) == BEAMR_OK);
    suite.is_verbose = true;
    suite.limits = &limits;
    suite.fuel = 20000;
    null_file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    FUZZ_CHECK(null_file >= 0);
    FUZZ_CHECK((suite.refused = fopen("/dev/null", "we")));
}

/* What the run prints goes nowhere. */
static beamr_status run_silently(beamr_bytes text, beamr_error *err)
{
    wast_counts counts = {0};
    beamr_status st;
    int saved;

    (void)fflush(stdout);
    saved = dup(STDOUT_FILENO);
    FUZZ_CHECK(dup2(null_file, STDOUT_FILENO) >= 0);
    st = wast_script_run(&suite, "folder/file.wast", text, &counts, err);
    (void)fflush(stdout);
    if (saved >= 0) { /* else it was closed before */
        FUZZ_CHECK(dup2(saved, STDOUT_FILENO) >= 0);
        (void)close(saved);
    }
    FUZZ_CHECK(counts.passed + counts.failed + counts.skipped <= text.len);
    return st;
}

static void check_refusal(beamr_status st, const beamr_error *err, size_t size)
{
    FUZZ_CHECK(err->status == st);
    FUZZ_CHECK((st == BEAMR_OK) == !err->text[0]);
    FUZZ_CHECK(st == BEAMR_OK || st == BEAMR_MALFORMED || st == BEAMR_LIMIT);
    FUZZ_CHECK(strlen(err->text) < sizeof err->text && err->offset <= size);
    FUZZ_CHECK(st != BEAMR_MALFORMED || (err->text[0] >= '1' && err->text[0] <= '9'));
}

/* The bytes that a value of the kind has. */
static size_t value_size(beamr_kind kind)
{
    if (kind == BEAMR_V128)
        return 16;
    return kind == BEAMR_I32 || kind == BEAMR_F32 ? 4 : 8;
}

static void check_value(const wast_node *node)
{
    char text[WAST_VALUE_TEXT_SIZE];
    const wast_node *again = NULL;
    beamr_value v = {0}, w = {0};
    arena a;

    if (wast_value_read(node, &v, NULL) != BEAMR_OK)
        return;
    (void)wast_value_text(&v, text, sizeof text);
    arena_init(&a, ARENA_MAX);
    FUZZ_CHECK(wast_read(&a, beamr_bytes_of(text), &again, NULL) == BEAMR_OK && again);
    FUZZ_CHECK(wast_value_read(again, &w, NULL) == BEAMR_OK);
    FUZZ_CHECK(v.kind == w.kind && memcmp(&v.of, &w.of, value_size(v.kind)) == 0);
    arena_clear(&a);
}

/* Each node at the outermost level, and two below it, as a constant and as a result. */
static void check_values(arena *a, const wast_node *first, unsigned depth)
{
    for (const wast_node *node = first; node; node = node->next) {
        wast_pattern pattern;

        check_value(node);
        if (wast_pattern_read(node, a, &pattern, NULL) == BEAMR_OK)
            (void)wast_pattern_matches(&pattern, &pattern.value);
        if (depth && node->kind == WAST_LIST)
            check_values(a, node->first, depth - 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    beamr_bytes text = {data, size};
    const wast_node *first = NULL;
    beamr_error err = {0};
    wast_list list = {0};
    beamr_status st;
    arena a;

    suite_open();
    arena_init(&a, ARENA_MAX);
    st = wast_list_read(&a, text, &list, &err);
    check_refusal(st, &err, size);
    suite.list = st == BEAMR_OK && list.count ? &list : NULL;
    beamr_error_clear(&err);
    if (wast_read(&a, text, &first, &err) == BEAMR_OK)
        check_values(&a, first, 2);
    beamr_error_clear(&err);
    check_refusal(run_silently(text, &err), &err, size);
    arena_clear(&a);
    return 0;
}
