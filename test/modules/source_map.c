/* Package source-map: the parser of source maps, in Rust.
 * Mappings are made here at random and written as the format says (ECMA-426, "Mappings
 * structure": base64 VLQs relative to the mapping before). The module must give back all of
 * them, sorted, through its import, and find the original place of each. */
#include "guest.h"

#include <stdlib.h>

enum { COUNT = 4000 };

/* A place in the generated text, what it came from, and perhaps a name. */
typedef struct mapping {
    uint32_t line, column, source, original_line, original_column, name;
    bool has_name;
} mapping;

typedef struct walk {
    const mapping *mappings;
    size_t seen;
} walk;

/* ---- Writing a map ---- */

static size_t write_vlq(char *out, int64_t v)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint64_t bits = v < 0 ? (uint64_t)-v << 1 | 1 : (uint64_t)v << 1;
    size_t n = 0;

    do {
        unsigned digit = bits & 31;

        bits >>= 5;
        out[n++] = digits[digit | (bits ? 32 : 0)];
    } while (bits);
    return n;
}

/* Write all mappings; returns the number of characters. */
static size_t write_map(const mapping *m, char *out)
{
    mapping last = {0};
    uint32_t name = 0; /* the last one named */
    size_t n = 0;

    for (size_t i = 0; i < COUNT; i++) {
        if (i > 0 && m[i].line == last.line)
            out[n++] = ',';
        for (; last.line < m[i].line; last.line++, last.column = 0)
            out[n++] = ';';
        n += write_vlq(out + n, (int64_t)m[i].column - last.column);
        n += write_vlq(out + n, (int64_t)m[i].source - last.source);
        n += write_vlq(out + n, (int64_t)m[i].original_line - last.original_line);
        n += write_vlq(out + n, (int64_t)m[i].original_column - last.original_column);
        if (m[i].has_name) {
            n += write_vlq(out + n, (int64_t)m[i].name - name);
            name = m[i].name;
        }
        last = m[i];
    }
    return n;
}

/* Mappings in the order of the generated text. */
static mapping *make_mappings(void)
{
    blob noise = blob_noise(COUNT * 8, 3);
    mapping *m = calloc(COUNT, sizeof *m);
    uint32_t line = 0, column = 0;

    CHECK(m, "no memory");
    for (size_t i = 0; i < COUNT; i++) {
        const uint8_t *r = noise.data + 8 * i;

        if (r[0] < 30) {
            line += 1 + r[0] % 3;
            column = 0;
        }
        column += 1 + r[1];
        m[i] = (mapping){line, column, r[2] % 7, r[3] * 256u + r[4], r[5], r[6], r[7] & 1};
    }
    free(noise.data);
    return m;
}

/* ---- Reading it with the module ---- */

static beamr_status on_mapping(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    const guest *g = call->user;
    walk *w = g->user;
    const mapping *m = &w->mappings[w->seen];

    (void)results;
    (void)err;
#define ARG(i) ((uint32_t)args[i].of.i32)
    CHECK(w->seen < COUNT, "more mappings than there are");
    CHECK(ARG(0) == m->line && ARG(1) == m->column, "mapping %zu: place", w->seen);
    CHECK(ARG(4) == 1 && ARG(5) == m->source && ARG(6) == m->original_line &&
              ARG(7) == m->original_column,
          "mapping %zu: origin", w->seen);
    CHECK(ARG(8) == m->has_name && (!m->has_name || ARG(9) == m->name), "mapping %zu: name",
          w->seen);
#undef ARG
    w->seen++;
    return BEAMR_OK;
}

static int64_t parse(guest *g, const char *text, size_t len)
{
    int64_t at = CALL(g, "allocate_mappings", (int64_t)len);

    guest_put(g, at, text, len);
    return CALL(g, "parse_mappings", at);
}

void test_source_map(const test_folders *folders)
{
    static const guest_import imports[] = {{"env", "mapping_callback", on_mapping},
                                           {NULL, NULL, NULL}};
    mapping *mappings = make_mappings();
    char *text = malloc(COUNT * 48);
    walk w = {mappings, 0};
    int64_t parsed;
    guest g;

    CHECK(text, "no memory");
    guest_open(&g, blob_read(folders->package, "lib/mappings.wasm"), imports, &w);
    parsed = parse(&g, text, write_map(mappings, text));
    CHECK(parsed != 0, "error %d", (int)CALL(&g, "get_last_error"));
    CALL(&g, "by_generated_location", parsed);
    CHECK(w.seen == COUNT, "%zu mappings", w.seen);
    for (w.seen = 0; w.seen < COUNT;) { /* on_mapping advances it */
        const mapping *m = &mappings[w.seen];

        CALL(&g, "original_location_for", parsed, m->line, m->column, 1);
    }
    CALL(&g, "free_mappings", parsed);
    CHECK(parse(&g, "AAAA,A!", 7) == 0 && CALL(&g, "get_last_error") == 4, "no base64");
    guest_close(&g);
    free(text);
    free(mappings);
}
