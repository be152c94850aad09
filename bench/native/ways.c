/* Rows in this process: interpreted, and in native code. A module is loaded for each way, and
 * kernels and Lua keep their instance, while a command gets a new one for each run. Only what
 * the guest does is timed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "report.h"

static beamr_engine *engine;

/* Long enough for each function of any module here, on a machine that is busy too: what is left
 * out would be interpreted, and measured as if it were native code. */
#define COMPILE_MS 900000

/* ---- Opening ---- */

static uint8_t *file_read(const char *path, size_t *len)
{
    FILE *file = fopen(path, "rbe");
    uint8_t *bytes = NULL;
    long end = -1;

    if (file && fseek(file, 0, SEEK_END) == 0 && (end = ftell(file)) >= 0) {
        bytes = malloc((size_t)end + 1);
        rewind(file);
        if (bytes && fread(bytes, 1, (size_t)end, file) != (size_t)end)
            end = -1;
    }
    if (file)
        (void)fclose(file);
    need(bytes && end >= 0, path);
    *len = (size_t)end;
    return bytes;
}

/* Returns false if there is no compiler. */
static bool compile(beamr_module *m, way w)
{
    beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT;
    beamr_error err = {0};
    beamr_status st;
    static bool told;

    options.time_ms = COMPILE_MS;
    options.no_polls = w == WAY_PLAIN;
    options.any_nan = w == WAY_PLAIN;
    st = beamr_module_compile(m, &options, &err);
    if (st == BEAMR_OK)
        return true;
    if (!told)
        (void)fprintf(stderr, "native: nothing is compiled: %s\n", err.text);
    told = true;
    return false;
}

static void instance_open(source *s, way w)
{
    beamr_linker *linker = NULL;
    beamr_error err = {0};

    check(beamr_store_new(engine, NULL, &s->stores[w], &err), &err);
    check(beamr_wasi_new(NULL, &s->wasi[w], &err), &err);
    check(beamr_linker_new(s->stores[w], &linker, &err), &err);
    check(beamr_guest_instantiate(s->wasi[w], linker, s->modules[w], BEAMR_STUBS_TRAP,
                                  &s->instances[w], &err),
          &err);
    beamr_linker_free(linker);
}

static void source_open(source *s)
{
    size_t len;
    uint8_t *bytes = file_read(s->path, &len);
    beamr_error err = {0};

    for (way w = WAY_INTERPRET; w <= WAY_PLAIN; w++) {
        check(beamr_module_load(engine, (beamr_bytes){bytes, len}, &s->modules[w], &err), &err);
        if (w != WAY_INTERPRET && !compile(s->modules[w], w)) {
            beamr_module_unref(s->modules[w]);
            s->modules[w] = NULL;
        } else if (s->kind != COMMAND) {
            instance_open(s, w);
        }
    }
    free(bytes);
}

void ways_open(source *sources, unsigned count)
{
    beamr_error err = {0};

    check(beamr_engine_new(NULL, &engine, &err), &err);
    for (unsigned i = 0; i < count; i++)
        if (sources[i].path)
            source_open(&sources[i]);
}

void ways_close(source *sources, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (way w = 0; w < WAYS; w++) {
            beamr_module_unref(sources[i].modules[w]);
            beamr_store_free(sources[i].stores[w]);
            beamr_wasi_unref(sources[i].wasi[w]);
        }
    beamr_engine_free(engine);
}

/* ---- Running ---- */

static outcome kernel_run(beamr_instance *instance, const row *r, uint32_t size)
{
    beamr_func *func = beamr_instance_find_func(instance, r->what);
    beamr_value arg = beamr_i32((int32_t)size), result;
    beamr_error err = {0};
    outcome out = {.has = true};
    double begin;

    need(func, r->what);
    begin = now_ms();
    check(beamr_func_call(func, &arg, 1, &result, 1, &err), &err);
    out.ms = now_ms() - begin;
    out.result = (uint64_t)result.of.i64;
    return out;
}

/* The number that was answered, in the text of an AO process's answer. */
static uint64_t lua_result(const char *text)
{
    static const char before[] = "\"data\":\"";
    const char *at = strstr(text, before);

    need(at, text);
    return strtoull(at + sizeof before - 1, NULL, 10);
}

static outcome lua_run(beamr_instance *instance, const row *r)
{
    static const char process[] = "{\"Process\":{\"Id\":\"P\",\"Owner\":\"ME\",\"Tags\":"
                                  "[{\"name\":\"Name\",\"value\":\"bench\"}]}}";
    static const beamr_args_options options = {.reading = BEAMR_READ_TEXT};
    static char message[4096];
    beamr_arg args[2] = {{.kind = BEAMR_ARG_TEXT}, {.kind = BEAMR_ARG_TEXT}};
    beamr_func *handle = beamr_instance_find_func(instance, "handle");
    beamr_args_call *call = NULL;
    beamr_error err = {0};
    outcome out = {.has = true};
    double begin;

    need(handle, "Lua has no handle");
    (void)snprintf(message, sizeof message,
                   "{\"Id\":\"1\",\"From\":\"ME\",\"Owner\":\"ME\",\"Module\":\"M\","
                   "\"Block-Height\":1,\"Timestamp\":1700,\"Tags\":[{\"name\":\"Action\","
                   "\"value\":\"Eval\"}],\"Data\":\"%s\"}",
                   r->what);
    args[0].text = beamr_bytes_of(message);
    args[1].text = beamr_bytes_of(process);
    begin = now_ms();
    check(beamr_args_begin(instance, handle, args, 2, &options, &call, &err), &err);
    out.ms = now_ms() - begin;
    out.result = lua_result((const char *)beamr_args_text(call).data);
    beamr_args_free(call);
    return out;
}

static beamr_status digest(void *user, beamr_bytes bytes, beamr_error *err)
{
    uint64_t *h = user;

    (void)err;
    for (size_t i = 0; i < bytes.len; i++)
        *h = (*h ^ bytes.data[i]) * UINT64_C(0x100000001b3);
    return BEAMR_OK;
}

static void wasi_open(beamr_wasi **wasi, const row *r, uint64_t *printed)
{
    static char words[4096];
    const char *args[8];
    beamr_wasi_options options = {.out = {.write = digest, .user = printed}, .args = args};
    beamr_error err = {0};

    (void)snprintf(words, sizeof words, "%s", r->what);
    for (char *word = strtok(words, "\x1f"); word; word = strtok(NULL, "\x1f"))
        args[options.arg_count++] = word;
    check(beamr_wasi_new(&options, wasi, &err), &err);
    for (const bench_file *f = bench_files; f->name; f++)
        check(beamr_vfs_write(beamr_wasi_vfs(*wasi), beamr_bytes_of(f->name),
                              beamr_bytes_of(f->content), &err),
              &err);
}

static outcome command_run(beamr_module *module, const row *r)
{
    outcome out = {.has = true, .result = UINT64_C(0xcbf29ce484222325)};
    beamr_instance *instance = NULL;
    beamr_linker *linker = NULL;
    beamr_store *store = NULL;
    beamr_wasi *wasi = NULL;
    beamr_error err = {0};
    uint32_t code = 0;
    double begin;

    wasi_open(&wasi, r, &out.result);
    check(beamr_store_new(engine, NULL, &store, &err), &err);
    check(beamr_linker_new(store, &linker, &err), &err);
    check(beamr_guest_instantiate(wasi, linker, module, BEAMR_STUBS_TRAP, &instance, &err),
          &err);
    begin = now_ms();
    check(beamr_guest_run(wasi, instance, &code, &err), &err);
    out.ms = now_ms() - begin;
    need(code == 0, r->name);
    beamr_linker_free(linker);
    beamr_store_free(store);
    beamr_wasi_unref(wasi);
    return out;
}

outcome ways_run(source *s, const row *r, way w, uint32_t size)
{
    if (!s->modules[w])
        return (outcome){0};
    switch (s->kind) {
    case KERNEL:
        return kernel_run(s->instances[w], r, size);
    case LUA:
        return lua_run(s->instances[w], r);
    default:
        return command_run(s->modules[w], r);
    }
}
