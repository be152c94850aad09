/* Loading, linking and calling the modules; and files. See guest.h. */
#include "guest.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void guest_die(const char *file, int line, const char *what, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "%s:%d: %s: ", file, line, what);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    exit(1);
}

/* Fail the test because of an error of the engine. */
static _Noreturn void die_of(const char *what, const beamr_error *err)
{
    fflush(stdout);
    fprintf(stderr, "%s: %s: %s\n", what, beamr_status_text(err->status), err->text);
    for (uint32_t i = 0; i < err->frame_count; i++)
        fprintf(stderr, "  in %s (function %u) at 0x%x\n", err->frames[i].name,
                (unsigned)err->frames[i].func, (unsigned)err->frames[i].offset);
    exit(1);
}

/* ---- Files ---- */

static FILE *file_open(const char *folder, const char *name, const char *mode)
{
    char path[4096];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, mode);
    CHECK(file, "%s cannot be opened", path);
    return file;
}

blob blob_read(const char *folder, const char *name)
{
    FILE *file = file_open(folder, name, "rb");
    blob b;
    long size;

    CHECK(fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0, "%s", name);
    rewind(file);
    b.len = (size_t)size;
    b.data = malloc(b.len + 1);
    CHECK(b.data && fread(b.data, 1, b.len, file) == b.len, "%s", name);
    b.data[b.len] = 0;
    fclose(file);
    return b;
}

void blob_write(const char *folder, const char *name, const void *data, size_t len)
{
    FILE *file = file_open(folder, name, "wb");

    CHECK(fwrite(data, 1, len, file) == len && fclose(file) == 0, "%s", name);
}

blob blob_read_embedded(const char *folder, const char *name)
{
    static const char base64[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    blob text = blob_read(folder, name), wasm;
    const char *start = strstr((char *)text.data, "AGFzbQEAAAA"); /* "\0asm", version 1 */
    size_t len;

    CHECK(start, "%s holds no module", name);
    len = strspn(start, base64);
    len += strspn(start + len, "=");
    CHECK(len % 4 == 0 && len <= INT32_MAX, "%s: %zu characters of base64", name, len);
    wasm.data = malloc(len / 4 * 3 + 1);
    CHECK(wasm.data && EVP_DecodeBlock(wasm.data, (const uint8_t *)start, (int)len) >= 0, "%s",
          name);
    wasm.len = len / 4 * 3 - (start[len - 1] == '=') - (start[len - 2] == '=');
    free(text.data);
    return wasm;
}

blob blob_noise(size_t len, uint32_t seed)
{
    blob b = {malloc(len + 1), len};

    CHECK(b.data, "%zu bytes", len);
    for (size_t i = 0; i < len; i++) {
        seed = seed * 1664525 + 1013904223;
        b.data[i] = (uint8_t)(seed >> 24);
    }
    b.data[len] = 0;
    return b;
}

/* ---- Life ---- */

/* Stands in for an import that the test does not expect to be called. */
static beamr_status unexpected(const beamr_call *call, const beamr_value *args,
                               beamr_value *results, beamr_error *err)
{
    (void)args;
    (void)results;
    return beamr_fail(err, BEAMR_ARGUMENT, 0, "the test does not provide the import %s",
                      (const char *)call->user);
}

static bool is_named(beamr_bytes bytes, const char *name)
{
    return bytes.len == strlen(name) && memcmp(bytes.data, name, bytes.len) == 0;
}

static bool resolve(void *user, beamr_store *store, const beamr_import *import,
                    beamr_extern *out)
{
    guest *g = user;
    beamr_error err = {0};
    size_t size;
    char *name;

    if (import->type.kind != BEAMR_EXTERN_FUNC)
        return false;
    out->kind = BEAMR_EXTERN_FUNC;
    for (const guest_import *i = g->imports; i && i->name; i++)
        if (is_named(import->module, i->module) && is_named(import->name, i->name))
            return beamr_func_new(store, &import->type.func, i->callback, g, NULL,
                                  &out->of.func, &err) == BEAMR_OK;
    size = import->module.len + import->name.len + 2;
    name = malloc(size);
    CHECK(name, "no memory");
    snprintf(name, size, "%.*s.%.*s", (int)import->module.len, import->module.data,
             (int)import->name.len, import->name.data);
    return beamr_func_new(store, &import->type.func, unexpected, name, free, &out->of.func,
                          &err) == BEAMR_OK;
}

void guest_load(guest *g, blob wasm, const guest_import *imports, void *user)
{
    beamr_store_limits limits = BEAMR_STORE_LIMITS_DEFAULT;
    beamr_error err = {0};

    limits.max_nesting = 300; /* Lua may nest 220 calls of C, each of them an entry (lua.c) */
    memset(g, 0, sizeof *g);
    g->imports = imports;
    g->user = user;
    if (beamr_engine_new(NULL, &g->engine, &err) != BEAMR_OK ||
        beamr_store_new(g->engine, &limits, &g->store, &err) != BEAMR_OK ||
        beamr_module_load(g->engine, (beamr_bytes){wasm.data, wasm.len}, &g->module, &err) !=
            BEAMR_OK ||
        beamr_linker_new(g->store, &g->linker, &err) != BEAMR_OK)
        die_of("load", &err);
    beamr_linker_set_resolver(g->linker, resolve, g);
    free(wasm.data);
}

void guest_link(guest *g)
{
    beamr_error err = {0};

    if (beamr_linker_instantiate(g->linker, g->module, &g->instance, &err) != BEAMR_OK)
        die_of("instantiate", &err);
    g->memory = beamr_instance_memory(g->instance, 0);
}

void guest_open(guest *g, blob wasm, const guest_import *imports, void *user)
{
    guest_load(g, wasm, imports, user);
    guest_link(g);
}

void guest_close(guest *g)
{
    beamr_linker_free(g->linker);
    beamr_module_unref(g->module);
    beamr_store_free(g->store);
    beamr_engine_free(g->engine);
    memset(g, 0, sizeof *g);
}

/* ---- Calls and memory ---- */

static beamr_value value_of(beamr_kind kind, int64_t v)
{
    switch (kind) {
    case BEAMR_I32:
        return beamr_i32((int32_t)v);
    case BEAMR_I64:
        return beamr_i64(v);
    case BEAMR_F32:
        return beamr_f32((float)v);
    default:
        CHECK(kind == BEAMR_F64, "a parameter that is no number");
        return beamr_f64((double)v);
    }
}

static int64_t number_of(const beamr_value *v)
{
    switch (v->kind) {
    case BEAMR_I32:
        return (int64_t)(uint32_t)v->of.i32;
    case BEAMR_I64:
        return v->of.i64;
    case BEAMR_F32:
        return (int64_t)v->of.f32;
    default:
        CHECK(v->kind == BEAMR_F64, "a result that is no number");
        return (int64_t)v->of.f64;
    }
}

beamr_status guest_try(guest *g, const char *name, const int64_t *args, size_t count,
                       int64_t *result, beamr_error *err)
{
    beamr_func *func = beamr_instance_find_func(g->instance, name);
    beamr_functype type;
    beamr_value values[16], value;
    beamr_status st;

    CHECK(func, "no export %s", name);
    type = beamr_func_type(func);
    CHECK(count == type.param_count && count <= 16 && type.result_count <= 1,
          "%s takes %zu arguments and gives %zu results", name, type.param_count,
          type.result_count);
    for (size_t i = 0; i < count; i++)
        values[i] = value_of(beamr_valtype_kind(type.params[i]), args[i + 1]);
    st = beamr_func_call(func, values, count, &value, type.result_count, err);
    *result = st == BEAMR_OK && type.result_count ? number_of(&value) : 0;
    return st;
}

int64_t guest_call(guest *g, const char *name, const int64_t *args, size_t count)
{
    beamr_error err = {0};
    int64_t result;

    if (guest_try(g, name, args, count, &result, &err) != BEAMR_OK)
        die_of(name, &err);
    return result;
}

blob guest_call_bytes(guest *g, const char *name, const beamr_arg *args, size_t count)
{
    beamr_func *func = beamr_instance_find_func(g->instance, name);
    beamr_args_options options = {.reading = BEAMR_READ_BYTES};
    beamr_args_call *call;
    beamr_error err = {0};
    beamr_bytes bytes;
    blob out;

    CHECK(func, "no export %s", name);
    if (beamr_args_begin(g->instance, func, args, count, &options, &call, &err) != BEAMR_OK)
        die_of(name, &err);
    bytes = beamr_args_text(call);
    out = (blob){malloc(bytes.len + 1), bytes.len};
    CHECK(out.data && bytes.data, "%s gives bytes", name);
    memcpy(out.data, bytes.data, bytes.len + 1);
    beamr_args_free(call);
    return out;
}

void guest_put(guest *g, int64_t addr, const void *data, size_t len)
{
    beamr_error err = {0};

    if (beamr_memory_write(g->memory, (uint64_t)addr, data, len, &err) != BEAMR_OK)
        die_of("write to the guest", &err);
}

void guest_get(guest *g, int64_t addr, void *out, size_t len)
{
    beamr_error err = {0};

    if (beamr_memory_read(g->memory, (uint64_t)addr, out, len, &err) != BEAMR_OK)
        die_of("read from the guest", &err);
}

uint32_t guest_get_u32(guest *g, int64_t addr)
{
    uint8_t b[4];

    guest_get(g, addr, b, sizeof b);
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

void guest_put_u32(guest *g, int64_t addr, uint32_t v)
{
    uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

    guest_put(g, addr, b, sizeof b);
}

void guest_grow_to(guest *g, uint64_t size)
{
    uint64_t now = beamr_memory_size(g->memory);
    beamr_error err = {0};

    if (size > now &&
        beamr_memory_grow(g->memory, (size - now + 65535) / 65536, NULL, &err) != BEAMR_OK)
        die_of("grow", &err);
}
