/* The modules of bench_interrupt, byte by byte. */
#include "guests.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- Writing a module ---- */

typedef struct writer {
    uint8_t *data;
    size_t len;
    size_t room;
    size_t open[4]; /* where sizes stand that are not known yet */
    unsigned depth;
} writer;

static void put(writer *w, const void *data, size_t len)
{
    if (w->room - w->len < len) {
        w->room = (w->room + len) * 2;
        if (!(w->data = realloc(w->data, w->room))) {
            (void)fprintf(stderr, "interrupt: no memory for a module\n");
            exit(1);
        }
    }
    memcpy(w->data + w->len, data, len);
    w->len += len;
}

#define PUT(w, ...)                                                                            \
    put((w), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void put_u32(writer *w, uint32_t v)
{
    for (; v >= 0x80; v >>= 7)
        PUT(w, (uint8_t)(v | 0x80));
    PUT(w, (uint8_t)v);
}

/* What has its size in front; the size is written with five bytes. */
static void begin(writer *w)
{
    w->open[w->depth++] = w->len;
    PUT(w, 0x80, 0x80, 0x80, 0x80, 0);
}

static void end(writer *w)
{
    size_t at = w->open[--w->depth];
    size_t size = w->len - at - 5;

    for (unsigned i = 0; i < 5; i++)
        w->data[at + i] = (uint8_t)((size >> (7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
}

static void section(writer *w, uint8_t id)
{
    PUT(w, id);
    begin(w);
}

/* ---- The common parts: types [] -> [] and [i32] -> [i32], one function "f" ---- */

static void head(writer *w, uint8_t type)
{
    put(w, "\0asm\1\0\0\0", 8);
    section(w, 1);
    PUT(w, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f);
    end(w);
    section(w, 3);
    PUT(w, 1, type);
    end(w);
}

static void table(writer *w, uint8_t elem, uint32_t size)
{
    section(w, 4);
    PUT(w, 1, elem, 0);
    put_u32(w, size);
    end(w);
}

static void memory(writer *w, uint32_t pages)
{
    section(w, 5);
    PUT(w, 1, 0);
    put_u32(w, pages);
    end(w);
}

static void export_f(writer *w)
{
    section(w, 7);
    PUT(w, 1, 1, 'f', 0, 0);
    end(w);
}

static void body_begin(writer *w)
{
    section(w, 10);
    PUT(w, 1);
    begin(w);
    PUT(w, 0);
}

static beamr_bytes body_end(writer *w)
{
    PUT(w, 0x0b);
    end(w);
    end(w);
    return (beamr_bytes){w->data, w->len};
}

#define BODY(w, ...) (body_begin(w), PUT((w), __VA_ARGS__), body_end(w))

/* ---- Guests ---- */

static beamr_bytes build_loop(void)
{
    writer w = {0};

    head(&w, 0);
    export_f(&w);
    return BODY(&w, 0x03, 0x40, 0x0c, 0, 0x0b);
}

/* fib(60) */
static beamr_bytes build_recursion(void)
{
    writer w = {0};

    head(&w, 1);
    export_f(&w);
    return BODY(&w, 0x20, 0, 0x41, 2, 0x48, 0x04, 0x7f, 0x20, 0, 0x05, 0x20, 0, 0x41, 1, 0x6b,
                0x10, 0, 0x20, 0, 0x41, 2, 0x6b, 0x10, 0, 0x6a, 0x0b);
}

/* In a loop, so that it does not end by itself; one fill is a thousand times as long as what is
 * demanded of an interrupt. */
static beamr_bytes build_fill(void)
{
    writer w = {0};

    head(&w, 0);
    memory(&w, 16384); /* 1 GiB */
    export_f(&w);
    return BODY(&w, 0x03, 0x40, 0x41, 0, 0x41, 7, 0x41, 0x80, 0x80, 0x80, 0x80, 4, 0xfc, 0x0b,
                0, 0x0c, 0, 0x0b);
}

/* Of 1 GiB - 64 KiB, upwards by 64 KiB: copied from the end. */
static beamr_bytes build_copy(void)
{
    writer w = {0};

    head(&w, 0);
    memory(&w, 16384);
    export_f(&w);
    return BODY(&w, 0x03, 0x40, 0x41, 0x80, 0x80, 4, 0x41, 0, 0x41, 0x80, 0x80, 0xfc, 0xff, 3,
                0xfc, 0x0a, 0, 0, 0x0c, 0, 0x0b);
}

/* By ten million elements that are not null. */
static beamr_bytes build_grow(void)
{
    writer w = {0};

    head(&w, 0);
    table(&w, 0x70, 0);
    export_f(&w);
    section(&w, 9);
    PUT(&w, 1, 3, 0, 1, 0); /* declares function 0 */
    end(&w);
    return BODY(&w, 0xd2, 0, 0x41, 0x80, 0xad, 0xe2, 4, 0xfc, 0x0f, 0, 0x1a);
}

/* f(n): n ? f(n - 1) : throw; called with 10,000 in a loop that catches all, and begins anew.
 */
static beamr_bytes build_throw(void)
{
    writer w = {0};

    put(&w, "\0asm\1\0\0\0", 8);
    section(&w, 1);
    PUT(&w, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 0);
    end(&w);
    section(&w, 3);
    PUT(&w, 2, 0, 1);
    end(&w);
    section(&w, 13);
    PUT(&w, 1, 0, 0);
    end(&w);
    export_f(&w);
    section(&w, 10);
    PUT(&w, 2);
    begin(&w);
    PUT(&w, 0, 0x03, 0x40, 0x02, 0x40, 0x1f, 0x40, 1, 2, 0, 0x41, 0x90, 0xce, 0, 0x10, 1, 0x0b,
        0x0b, 0x0c, 0, 0x0b, 0x0b);
    end(&w);
    begin(&w);
    PUT(&w, 0, 0x20, 0, 0x45, 0x04, 0x40, 0x08, 0, 0x0b, 0x20, 0, 0x41, 1, 0x6b, 0x10, 1, 0x0b);
    end(&w);
    end(&w);
    return (beamr_bytes){w.data, w.len};
}

/* Two million exceptions, all kept in a table: each collection looks at them all. */
static beamr_bytes build_collect(void)
{
    writer w = {0};

    head(&w, 0);
    table(&w, 0x69, 2000000);
    section(&w, 13);
    PUT(&w, 1, 0, 0);
    end(&w);
    export_f(&w);
    body_begin(&w);
    w.data[w.len - 1] = 1; /* locals: one i32 */
    PUT(&w, 1, 0x7f);
    PUT(&w, 0x03, 0x40, 0x20, 0); /* loop, table.set index */
    PUT(&w, 0x02, 0x69, 0x1f, 0x40, 1, 3, 0, 0x08, 0, 0x0b, 0x00, 0x0b); /* its exception */
    PUT(&w, 0x26, 0);
    PUT(&w, 0x20, 0, 0x41, 1, 0x6a, 0x22, 0, 0x41, 0xff, 0x88, 0xfa, 0, 0x49); /* < 1,999,999 */
    PUT(&w, 0x04, 0x40, 0x05, 0x41, 0, 0x21, 0, 0x0b);
    PUT(&w, 0x0c, 0, 0x0b);
    return body_end(&w);
}

/* As many bytes as a body may have, of what translates to much: 7.6 MB. */
static beamr_bytes build_huge(void)
{
    writer w = {0};

    head(&w, 0);
    memory(&w, 1);
    export_f(&w);
    body_begin(&w);
    for (int i = 0; i < 950000; i++)
        PUT(&w, 0x41, 0, 0x28, 2, 0, 0x1a, 0x41, 1, 0x1a); /* i32.load, drop; i32.const, drop */
    w.len -= (size_t)9 * 110000;
    return body_end(&w);
}

static beamr_bytes build_huge_arithmetic(void)
{
    writer w = {0};

    head(&w, 0);
    export_f(&w);
    body_begin(&w);
    w.data[w.len - 1] = 1; /* locals: two i64 */
    PUT(&w, 2, 0x7e);
    for (int i = 0; i < 1090000; i++)
        PUT(&w, 0x20, 0, 0x20, 1, 0x7c, 0x21, 0);
    return body_end(&w);
}

/* One br_table with a million targets, and seven of them. */
static beamr_bytes build_huge_table(void)
{
    writer w = {0};

    head(&w, 0);
    export_f(&w);
    body_begin(&w);
    for (int k = 0; k < 7; k++) {
        PUT(&w, 0x02, 0x40, 0x41, 0, 0x0e);
        put_u32(&w, 1000000);
        for (int i = 0; i <= 1000000; i++)
            PUT(&w, 0);
        PUT(&w, 0x0b);
    }
    return body_end(&w);
}

/* Two and a half million catch clauses, each `catch 0 0`. */
static beamr_bytes build_huge_catches(void)
{
    writer w = {0};

    head(&w, 0);
    section(&w, 13);
    PUT(&w, 1, 0, 0);
    end(&w);
    export_f(&w);
    body_begin(&w);
    for (int k = 0; k < 250; k++) {
        PUT(&w, 0x1f, 0x40);
        put_u32(&w, 10000);
        for (int i = 0; i < 10000; i++)
            PUT(&w, 0, 0, 0);
        PUT(&w, 0x0b);
    }
    return body_end(&w);
}

/* 16 active segments of 16 MiB, one behind the other. */
static beamr_bytes build_datas(void)
{
    static uint8_t zeros[1 << 20];
    writer w = {0};

    put(&w, "\0asm\1\0\0\0", 8);
    memory(&w, 4096);
    section(&w, 11);
    PUT(&w, 16);
    for (int i = 0; i < 16; i++) {
        PUT(&w, 0, 0x41, 0x80, 0x80, 0x80, (uint8_t)(i * 8 | 0x80), (uint8_t)(i * 8 >> 7),
            0x0b);
        put_u32(&w, 16 << 20);
        for (int k = 0; k < 16; k++)
            put(&w, zeros, sizeof zeros);
    }
    end(&w);
    return (beamr_bytes){w.data, w.len};
}

/* Active segments that each put half a million functions into one table. */
static beamr_bytes build_elems(void)
{
    enum { FUNCS = 500000, SEGMENTS = 8 };
    writer w = {0};

    put(&w, "\0asm\1\0\0\0", 8);
    section(&w, 1);
    PUT(&w, 1, 0x60, 0, 0);
    end(&w);
    section(&w, 3);
    put_u32(&w, FUNCS);
    for (int i = 0; i < FUNCS; i++)
        PUT(&w, 0);
    end(&w);
    table(&w, 0x70, FUNCS);
    section(&w, 9);
    PUT(&w, SEGMENTS);
    for (int k = 0; k < SEGMENTS; k++) {
        PUT(&w, 0, 0x41, 0, 0x0b);
        put_u32(&w, FUNCS);
        for (uint32_t i = 0; i < FUNCS; i++)
            put_u32(&w, i);
    }
    end(&w);
    section(&w, 10);
    put_u32(&w, FUNCS);
    for (int i = 0; i < FUNCS; i++)
        PUT(&w, 2, 0, 0x0b);
    end(&w);
    return (beamr_bytes){w.data, w.len};
}

/* A million globals. */
static beamr_bytes build_globals(void)
{
    writer w = {0};

    put(&w, "\0asm\1\0\0\0", 8);
    section(&w, 6);
    put_u32(&w, 1000000);
    for (int i = 0; i < 1000000; i++)
        PUT(&w, 0x7f, 0, 0x41, 0, 0x0b);
    end(&w);
    return (beamr_bytes){w.data, w.len};
}

const bench_guest bench_guests[] = {
    {"a loop", build_loop, "f", 20, false},
    {"recursion", build_recursion, "f", 20, false},
    {"memory.fill, 1 GiB", build_fill, "f", 300, false},
    {"memory.copy, 1 GiB", build_copy, "f", 600, false},
    {"table.grow by 10,000,000", build_grow, "f", 0, false},
    {"throws through 10,000 frames", build_throw, "f", 50, false},
    {"2,000,000 live exceptions", build_collect, "f", 3000, false},
    {"translation: loads", build_huge, "f", 0, true},
    {"translation: arithmetic", build_huge_arithmetic, "f", 0, true},
    {"translation: br_table", build_huge_table, "f", 0, true},
    {"translation: catch clauses", build_huge_catches, "f", 0, true},
    {"instantiation: data", build_datas, NULL, 0, false},
    {"instantiation: elements", build_elems, NULL, 0, false},
    {"instantiation: globals", build_globals, NULL, 0, false},
};
const size_t bench_guest_count = sizeof bench_guests / sizeof bench_guests[0];
