/* For the validator's tests: building modules byte by byte, and expecting what becomes of them.
 * Included once by each test program. */
#ifndef TEST_WASM_BUILD_H
#define TEST_WASM_BUILD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wasm/module.h"

static wb_registry *registry;

/* ---- Building modules ---- */

typedef struct buffer {
    uint8_t *data;
    size_t len, room;
} buffer;

static void put(buffer *b, const void *data, size_t len)
{
    while (b->len + len > b->room) {
        b->room = b->room * 2 + 64;
        b->data = realloc(b->data, b->room);
        assert_non_null(b->data);
    }
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

#define PUT(b, ...)                                                                            \
    put((b), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void put_u32(buffer *b, uint32_t n)
{
    for (; n >= 0x80; n >>= 7)
        PUT(b, (uint8_t)(n | 0x80));
    PUT(b, (uint8_t)n);
}

/* Move the contents of `from` behind its length; with an id in front of it, unless negative. */
static void put_sized(buffer *b, int id, buffer *from)
{
    if (id >= 0)
        PUT(b, (uint8_t)id);
    put_u32(b, (uint32_t)from->len);
    put(b, from->data, from->len);
    free(from->data);
    *from = (buffer){0};
}

typedef struct section {
    int id;
    const uint8_t *data;
    size_t len;
} section;

#define SECTION(id, ...)                                                                       \
    {                                                                                          \
        (id), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})           \
    }
#define SECTIONS(...)                                                                          \
    (const section[]){__VA_ARGS__}, sizeof((const section[]){__VA_ARGS__}) / sizeof(section)

static void put_header(buffer *b)
{
    PUT(b, 0, 'a', 's', 'm', 1, 0, 0, 0);
}

static void put_sections(buffer *b, const section *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        buffer contents = {0};

        put(&contents, list[i].data, list[i].len);
        put_sized(b, list[i].id, &contents);
    }
}

enum {
    I32 = 0x7f,
    I64 = 0x7e,
    F32 = 0x7d,
    F64 = 0x7c,
    V128 = 0x7b,
    FUNCREF = 0x70,
    EXTERNREF = 0x6f,
    EXNREF = 0x69,
    REF = 0x64,
    REF_NULL = 0x63,
};

#define BODY(...) (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
/* ---- Checking ---- */

/* Decode and validate; `m` is to be cleared if the result is BEAMR_OK. */
static beamr_status load(const buffer *b, wb_features features, wb_module *m, beamr_error *err)
{
    beamr_status st;

    beamr_error_clear(err);
    st = wb_decode(m, (beamr_bytes){b->data, b->len}, features, registry, err);
    if (st != BEAMR_OK)
        return st;
    st = wb_validate(m, err);
    if (st != BEAMR_OK)
        wb_module_clear(m);
    return st;
}

/* The bytes give `status`, with an error text that begins with `text`; frees them. */
static void expect(buffer *b, wb_features features, beamr_status status, const char *text)
{
    wb_module m;
    beamr_error err;
    beamr_status st = load(b, features, &m, &err);

    free(b->data);
    if (st == BEAMR_OK)
        wb_module_clear(&m);
    if (st != status || strncmp(err.text, text, strlen(text)) != 0)
        fail_msg("wanted %s \"%s\", got %s \"%s\" at %llu", beamr_status_text(status), text,
                 beamr_status_text(st), err.text, (unsigned long long)err.offset);
}

static int set_up(void **state)
{
    (void)state;
    registry = wb_registry_new();
    return registry ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    wb_registry_free(registry);
    return 0;
}

#endif
