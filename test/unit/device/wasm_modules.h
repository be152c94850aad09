/* Modules for the tests of devices that run guests, and messages around them. */
#ifndef TEST_UNIT_DEVICE_WASM_MODULES_H
#define TEST_UNIT_DEVICE_WASM_MODULES_H

#include "unit/wasm_builder.h"
#include "world.h"

/* ---- Modules ---- */

/* A body with one local of a type. */
#define MODULE_BODY_LOCAL(w, type, ...)                                                        \
    do {                                                                                       \
        wasm_sized(w);                                                                         \
        WASM((w), 1, 1, type, __VA_ARGS__, 0x0b);                                              \
        wasm_end(w);                                                                           \
    } while (0)

typedef struct module_func {
    const char *name, *params, *results;
} module_func;

/* The sections up to the exports: imports first, then functions, all of them exported, one
 * memory of 1 to 16 pages, and a global that counts what malloc gave. */
static inline void module_begin(wasm_builder *w, const module_func *imports,
                                size_t import_count, const module_func *funcs, size_t count)
{
    wasm_begin(w);
    wasm_section(w, WASM_TYPE);
    wasm_u64(w, import_count + count);
    for (size_t i = 0; i < import_count; i++)
        wasm_functype(w, imports[i].params, imports[i].results);
    for (size_t i = 0; i < count; i++)
        wasm_functype(w, funcs[i].params, funcs[i].results);
    wasm_end(w);
    wasm_section(w, WASM_IMPORT);
    wasm_u64(w, import_count);
    for (size_t i = 0; i < import_count; i++) {
        const char *dot = strchr(imports[i].name, '.');
        char module[64] = {0};

        memcpy(module, imports[i].name, (size_t)(dot - imports[i].name));
        wasm_import(w, module, dot + 1);
        WASM(w, 0);
        wasm_u64(w, i);
    }
    wasm_end(w);
    wasm_section(w, WASM_FUNCTION);
    wasm_u64(w, count);
    for (size_t i = 0; i < count; i++)
        wasm_u64(w, import_count + i);
    wasm_end(w);
    wasm_section(w, WASM_MEMORY);
    WASM(w, 1, 1, 1, 16);
    wasm_end(w);
    wasm_section(w, WASM_GLOBAL);
    WASM(w, 1, 0x7f, 1, 0x41, 0x80, 0x08, 0x0b); /* mut i32 = 1024 */
    wasm_end(w);
    wasm_section(w, WASM_EXPORT);
    wasm_u64(w, count + 1);
    wasm_export(w, "memory", 2, 0);
    for (size_t i = 0; i < count; i++)
        wasm_export(w, funcs[i].name, 0, (uint32_t)(import_count + i));
    wasm_end(w);
}

#define MODULE_ONE 0, 0, 0, 0, 0, 0, 0xf0, 0x3f /* 1.0 */
#define MODULE_MALLOC                                                                          \
    0x23, 0, 0x23, 0, 0x20, 0, 0x6a, 0x24, 0 /* the global, which then moves on */

/* Without imports:
 *   fac(d)->d, trap(), spin(), add(l)->l (to what stands at 8), malloc, free, first(i)->i (the
 *   byte there), grow(i)->i, store_trap(l) (stores it at 8, then traps), nan()->d, half()->f,
 *   both(i l)->(l i) */
static inline void module_plain(wasm_builder *w)
{
    static const module_func funcs[] = {
        {"fac", "d", "d"},       {"trap", "", ""},  {"spin", "", ""},    {"add", "l", "l"},
        {"malloc", "i", "i"},    {"free", "i", ""}, {"first", "i", "i"}, {"grow", "i", "i"},
        {"store_trap", "l", ""}, {"nan", "", "d"},  {"half", "", "f"},   {"both", "il", "li"},
    };
    const size_t count = sizeof funcs / sizeof funcs[0];

    module_begin(w, NULL, 0, funcs, count);
    wasm_section(w, WASM_CODE);
    wasm_u64(w, count);
    WASM_BODY(w, 0x20, 0, 0x44, MODULE_ONE, 0x65, 0x04, 0x7c, 0x44, MODULE_ONE, 0x05, 0x20, 0,
              0x20, 0, 0x44, MODULE_ONE, 0xa1, 0x10, 0, 0xa2, 0x0b);
    WASM_BODY(w, 0x00);
    WASM_BODY(w, 0x03, 0x40, 0x0c, 0, 0x0b);
    WASM_BODY(w, 0x41, 8, 0x41, 8, 0x29, 3, 0, 0x20, 0, 0x7c, 0x37, 3, 0, 0x41, 8, 0x29, 3, 0);
    WASM_BODY(w, MODULE_MALLOC);
    WASM_BODY(w, 0x01);
    WASM_BODY(w, 0x20, 0, 0x2d, 0, 0);
    WASM_BODY(w, 0x20, 0, 0x40, 0);
    WASM_BODY(w, 0x41, 8, 0x20, 0, 0x37, 3, 0, 0x00);
    WASM_BODY(w, 0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f);
    WASM_BODY(w, 0x43, 0, 0, 0xc0, 0x3f);
    WASM_BODY(w, 0x20, 1, 0x20, 0);
    wasm_end(w);
}

/* With imports my_lib.mul(i i)->i, env.none(), env.number(d)->d, env.a/b(l)->l:
 *   pow(i i)->i by mul, none(), number(d)->d, slash(l)->l, many(i) (calls none so often),
 *   malloc, add(l)->l as above, store_none(l) (stores at 8, then none) */
static inline void module_importing(wasm_builder *w)
{
    static const module_func imports[] = {{"my_lib.mul", "ii", "i"},
                                          {"env.none", "", ""},
                                          {"env.number", "d", "d"},
                                          {"env.a/b", "l", "l"}};
    static const module_func funcs[] = {
        {"pow", "ii", "i"}, {"none", "", ""},     {"number", "d", "d"}, {"slash", "l", "l"},
        {"many", "i", ""},  {"malloc", "i", "i"}, {"add", "l", "l"},    {"store_none", "l", ""},
    };
    const size_t count = sizeof funcs / sizeof funcs[0];

    module_begin(w, imports, 4, funcs, count);
    wasm_section(w, WASM_CODE);
    wasm_u64(w, count);
    MODULE_BODY_LOCAL(w, 0x7f, 0x41, 1, 0x21, 2, 0x02, 0x40, 0x03, 0x40, 0x20, 1, 0x45, 0x0d, 1,
                      0x20, 2, 0x20, 0, 0x10, 0, 0x21, 2, 0x20, 1, 0x41, 1, 0x6b, 0x21, 1, 0x0c,
                      0, 0x0b, 0x0b, 0x20, 2);
    WASM_BODY(w, 0x10, 1);
    WASM_BODY(w, 0x20, 0, 0x10, 2);
    WASM_BODY(w, 0x20, 0, 0x10, 3);
    WASM_BODY(w, 0x03, 0x40, 0x20, 0, 0x45, 0x04, 0x40, 0x0f, 0x0b, 0x10, 1, 0x20, 0, 0x41, 1,
              0x6b, 0x21, 0, 0x0c, 0, 0x0b);
    WASM_BODY(w, MODULE_MALLOC);
    WASM_BODY(w, 0x41, 8, 0x41, 8, 0x29, 3, 0, 0x20, 0, 0x7c, 0x37, 3, 0, 0x41, 8, 0x29, 3, 0);
    WASM_BODY(w, 0x41, 8, 0x20, 0, 0x37, 3, 0, 0x10, 1);
    wasm_end(w);
}

/* The bytes of a module as a value. */
static inline ao_value module_value(void (*make)(wasm_builder *w))
{
    wasm_builder w = {0};
    ao_value value;

    make(&w);
    value = ao_binary_copy(wasm_bytes_of(&w));
    wasm_free(&w);
    return value;
}

/* ---- Messages ---- */

static inline bool has_text(beamr_bytes bytes, const char *text)
{
    size_t len = strlen(text);

    for (size_t i = 0; i + len <= bytes.len; i++) {
        if (memcmp(bytes.data + i, text, len) == 0)
            return true;
    }
    return false;
}

/* JSON, with one more key. The value is taken over. */
static inline ao_message *message_with_key(ao_context *context, const char *json,
                                           const char *key, ao_value value)
{
    ao_message *plain = world_message(context, json), *whole = NULL;
    beamr_error err = {0};

    if (ao_message_with(plain, key, value, &whole, &err) != BEAMR_OK)
        fail_msg("%s: %s", key, err.text);
    ao_message_unref(plain);
    return whole;
}

/* Resolve JSON on a message. */
static inline beamr_status resolve_json(ao_context *context, const ao_message *base,
                                        const char *request, const ao_options *options,
                                        ao_result *out, beamr_error *err)
{
    ao_value r = ao_message_value(world_message(context, request));
    ao_value b = ao_message_value(ao_message_ref(base));
    beamr_status st;

    *out = (ao_result){AO_OUTCOME_OK, AO_NO_VALUE};
    st = ao_resolve_on(context, b, r, options, out, err);
    ao_value_unref(b);
    ao_value_unref(r);
    return st;
}

/* What must be ok and a message. */
static inline ao_message *resolve_ok(ao_context *context, const ao_message *base,
                                     const char *request)
{
    ao_result result;
    beamr_error err = {0};

    if (resolve_json(context, base, request, NULL, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s: %s", request, beamr_status_text(err.status), err.text);
    if (result.outcome != AO_OUTCOME_OK || result.value.kind != AO_MESSAGE) {
        const ao_message *said = ao_to_message(result.value);
        beamr_bytes text = ao_text(said ? ao_message_find_text(said, "body") : result.value);

        fail_msg("%s: %s: %.*s", request, ao_outcome_text(result.outcome), (int)text.len,
                 text.len ? (const char *)text.data : "");
    }
    return ao_to_message(result.value);
}

/* The same, giving the base up. */
static inline ao_message *resolve_next(ao_context *context, ao_message *base,
                                       const char *request)
{
    ao_message *next = resolve_ok(context, base, request);

    ao_message_unref(base);
    return next;
}

/* It must end with an outcome, {status, body}, and this in the body. */
static inline void resolve_fails(ao_context *context, const ao_message *base,
                                 const char *request, const ao_options *options,
                                 ao_outcome outcome, int64_t status, const char *text)
{
    ao_result result;
    beamr_error err = {0};
    const ao_message *said;
    beamr_bytes body;
    int64_t got = 0;

    if (resolve_json(context, base, request, options, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s: %s", request, beamr_status_text(err.status), err.text);
    said = ao_to_message(result.value);
    assert_non_null(said);
    body = ao_text(ao_message_find_text(said, "body"));
    (void)ao_to_integer(ao_message_find_text(said, "status"), &got);
    if (result.outcome != outcome || got != status || body.len == 0 || !has_text(body, text))
        fail_msg("%s: %s %d: %.*s", request, ao_outcome_text(result.outcome), (int)got,
                 (int)body.len, body.len ? (const char *)body.data : "");
    ao_value_unref(result.value);
}

/* The value at a path of plain messages; borrowed. */
static inline ao_value value_at(const ao_message *message, const char *path)
{
    ao_value value = AO_NO_VALUE;
    beamr_error err = {0};

    if (ao_message_get_path(message, beamr_bytes_of(path), &value, &err) != BEAMR_OK)
        fail_msg("%s: %s", path, err.text);
    return value;
}

/* results/PREFIX/type is `ok` or `error`, and the first output, or the text, is this. */
static inline void expect_integer(const ao_message *message, const char *results, int64_t n)
{
    char path[64];
    ao_value value;

    (void)snprintf(path, sizeof path, "%s/type", results);
    if (!ao_is_atom(value_at(message, path), "ok")) {
        (void)snprintf(path, sizeof path, "%s/output", results);
        value = value_at(message, path);
        fail_msg("%.*s", (int)ao_text(value).len,
                 ao_text(value).len ? (const char *)ao_text(value).data : "");
    }
    (void)snprintf(path, sizeof path, "%s/output/1", results);
    value = value_at(message, path);
    assert_int_equal(value.kind, AO_INTEGER);
    assert_int_equal(value.of.integer, n);
}

static inline void expect_float(const ao_message *message, const char *results, double n)
{
    char path[64];
    ao_value value;

    (void)snprintf(path, sizeof path, "%s/output/1", results);
    value = value_at(message, path);
    assert_int_equal(value.kind, AO_FLOAT);
    assert_true(value.of.number == n);
}

static inline void expect_error(const ao_message *message, const char *results,
                                const char *text)
{
    char path[64];
    beamr_bytes said;

    (void)snprintf(path, sizeof path, "%s/type", results);
    assert_true(ao_is_atom(value_at(message, path), "error"));
    (void)snprintf(path, sizeof path, "%s/output", results);
    assert_int_equal(value_at(message, path).kind, AO_BINARY);
    said = ao_text(value_at(message, path));
    if (!has_text(said, text))
        fail_msg("%.*s", (int)said.len, (const char *)said.data);
}

#endif
