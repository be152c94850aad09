/* For tests of the parts around a guest: modules in bytes, made into guests. One file of a
 * program includes this. */
#ifndef TEST_GUEST_FIXTURE_H
#define TEST_GUEST_FIXTURE_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/guest.h"
#include "driver/world.h"
#include "played_binary.h"
#include "unit/wasm_builder.h"

/* ---- Guests ---- */

typedef struct fixture {
    drv_world *world;
    beamr_module *module;
    drv_guest *guest;
    drv_options options;
    beamr_error err;
} fixture;

/* Load the module that was built, whose builder is freed, and make a guest of it. */
static inline void fixture_make(fixture *f, wasm_builder *w)
{
    drv_image image = {.bytes = wasm_bytes_of(w)};
    bool is_metered = f->options.fuel > 0;

    if (!f->world)
        assert_int_equal(drv_world_new(&f->world, &f->err), BEAMR_OK);
    if (drv_world_module(f->world, &image, is_metered, &f->module, &f->err) != BEAMR_OK)
        fail_msg("the module is refused: %s at %zu", f->err.text, (size_t)f->err.offset);
    wasm_free(w);
    assert_int_equal(drv_guest_new(drv_world_engine(f->world, is_metered), f->module,
                                   &f->options, &f->guest, &f->err),
                     BEAMR_OK);
}

/* The same, and bring it up. */
static inline void fixture_open(fixture *f, wasm_builder *w)
{
    fixture_make(f, w);
    if (drv_guest_start(f->guest, &f->err) != BEAMR_OK)
        fail_msg("the guest does not start: %s", f->err.text);
}

static inline void fixture_close(fixture *f)
{
    drv_guest_free(f->guest);
    beamr_module_unref(f->module);
    drv_world_free(f->world);
    *f = (fixture){0};
}

/* ---- Calls ---- */

static inline beamr_arg arg_int(int64_t n)
{
    return (beamr_arg){.kind = BEAMR_ARG_INTEGER,
                       .is_negative = n < 0,
                       .magnitude = n < 0 ? -(uint64_t)n : (uint64_t)n};
}

static inline beamr_arg arg_float(double n)
{
    return (beamr_arg){.kind = BEAMR_ARG_FLOAT, .number = n};
}

static inline beamr_arg arg_text(const char *text)
{
    return (beamr_arg){.kind = BEAMR_ARG_TEXT, .text = beamr_bytes_of(text)};
}

static inline beamr_status begin_target(fixture *f, drv_target target, beamr_arg *args,
                                        size_t count, drv_call **call)
{
    drv_args given = {.args = args, .count = count};

    for (size_t i = 0; i < count; i++)
        given.has_copied = given.has_copied || beamr_arg_is_copied(&args[i]);
    beamr_error_clear(&f->err);
    return drv_call_begin(f->guest, &target, &given, call, &f->err);
}

static inline beamr_status begin(fixture *f, const char *name, beamr_arg *args, size_t count,
                                 drv_call **call)
{
    return begin_target(f, (drv_target){.name = beamr_bytes_of(name)}, args, count, call);
}

static inline beamr_status begin_index(fixture *f, uint64_t index, beamr_arg *args,
                                       size_t count, drv_call **call)
{
    return begin_target(f, (drv_target){.is_index = true, .index = index}, args, count, call);
}

/* Call to the end, and give the first result. */
static inline beamr_value call(fixture *f, const char *name, beamr_arg *args, size_t count)
{
    drv_call *c = NULL;
    beamr_value result = beamr_i32(-1);
    size_t results = 0;

    if (begin(f, name, args, count, &c) != BEAMR_OK)
        fail_msg("%s fails: %s", name, f->err.text);
    (void)drv_call_results(c, &results);
    if (results > 0)
        result = drv_call_results(c, &results)[0];
    drv_call_free(c);
    return result;
}

/* The error's text. */
static inline void assert_begins(const fixture *f, const char *with)
{
    if (strncmp(f->err.text, with, strlen(with)) != 0)
        fail_msg("the text is \"%s\", not \"%s...\"", f->err.text, with);
}

/* A call fails at once. */
static inline void assert_call_fails(fixture *f, const char *name, beamr_arg *args,
                                     size_t count, beamr_status status, const char *text)
{
    drv_call *c = NULL;

    assert_int_equal(begin(f, name, args, count, &c), status);
    assert_null(c);
    assert_begins(f, text);
}

/* What follows gives a status, and a text that begins so. The error is cleared before. */
#define CHECK(f, expected, begins, ...)                                                        \
    do {                                                                                       \
        beamr_error_clear(&(f)->err);                                                          \
        assert_int_equal((__VA_ARGS__), expected);                                             \
        assert_begins(f, begins);                                                              \
    } while (0)

/* ---- Modules ---- */

/* Types of a module, each as "parameters:results" in letters. */
static inline void put_types(wasm_builder *w, size_t count, const char *const *types)
{
    wasm_section(w, WASM_TYPE);
    wasm_u32(w, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        char params[64];
        const char *colon = strchr(types[i], ':');

        (void)snprintf(params, sizeof params, "%.*s", (int)(colon - types[i]), types[i]);
        wasm_functype(w, params, colon + 1);
    }
    wasm_end(w);
}
#define TYPES(w, ...)                                                                          \
    put_types((w), sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *),          \
              (const char *const[]){__VA_ARGS__})

/* A section in literal bytes. */
#define SECTION(w, id, ...)                                                                    \
    do {                                                                                       \
        wasm_section((w), (id));                                                               \
        WASM((w), __VA_ARGS__);                                                                \
        wasm_end(w);                                                                           \
    } while (0)

#endif
