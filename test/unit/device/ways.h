/* Two sides of one process for tests: one reaches the system directly, because our devices
 * stand at `stdlib`, the other through messages, because a device of the test's stands there
 * that only passes them on. Each step is a `compute` on either side; results, memory, files,
 * descriptors and undefined calls are compared after each. */
#ifndef TEST_UNIT_DEVICE_WAYS_H
#define TEST_UNIT_DEVICE_WAYS_H

#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "beamr/ao/guest.h"
#include "ways_guest.h"

/* ---- The device between ---- */

static unsigned passes;

static inline beamr_status passed(ao_call *call, beamr_error *err)
{
    const ao_result *result = ao_call_result(call);

    (void)err;
    return ao_call_return(call, result->outcome, ao_value_ref(result->value));
}

/* What the base says as `inner`, on the same request. */
static inline beamr_status pass_on(ao_call *call, beamr_error *err)
{
    ao_value inner = ao_message_find_text(ao_call_base(call), "inner");
    ao_options options = *ao_call_options(call);
    ao_message *base = NULL;
    beamr_status st =
        ao_message_with(ao_call_base(call), "device", ao_value_ref(inner), &base, err);

    if (st != BEAMR_OK)
        return st;
    passes++;
    options.hashpath = AO_HASHPATH_IGNORE;
    options.cache_control = AO_CACHE_NO_STORE | AO_CACHE_NO_LOOKUP;
    return ao_call_resolve(call, ao_message_value(base),
                           ao_message_value(ao_message_ref(ao_call_request(call))), &options,
                           passed);
}

static const ao_device proxy = {.name = "proxy@1.0", .default_key = pass_on};

/* ---- Two sides ---- */

enum {
    OUT = 256,
    OUT2 = 512,
    PATH = 1024,
    PATH2 = 2048,
    IOVS = 4096,
    DATA = 8192,
    ARGS_AT = 768
};

typedef struct ways {
    ao_context *context;
    ao_message *sides[2]; /* direct; through messages */
    bool is64;
    const char *prefix; /* "" or "wasm" */
    int64_t time;       /* ms, of the next calls */
    int64_t slot;
} ways;

static inline ao_message *resolve(ao_context *context, BEAMR_OWN ao_message *base,
                                  BEAMR_OWN ao_value request)
{
    ao_value value = ao_message_value(base), text = AO_NO_VALUE;
    ao_result result = {AO_OUTCOME_OK, AO_NO_VALUE};
    beamr_error err = {0};

    if (ao_resolve_on(context, value, request, NULL, &result, &err) != BEAMR_OK)
        fail_msg("%s: %s", beamr_status_text(err.status), err.text);
    if (result.outcome != AO_OUTCOME_OK || result.value.kind != AO_MESSAGE) {
        if (result.value.kind == AO_MESSAGE)
            (void)ao_encode(context, "json@1.0", ao_to_message(result.value), &text, NULL);
        fail_msg("outcome %s %.*s", ao_outcome_text(result.outcome), (int)ao_bytes(text).len,
                 (const char *)ao_bytes(text).data);
    }
    ao_value_unref(value);
    ao_value_unref(request);
    return ao_to_message(result.value);
}

static inline ao_message *with_key(BEAMR_OWN ao_message *message, const char *key,
                                   BEAMR_OWN ao_value value)
{
    ao_message *out = NULL;

    assert_int_equal(ao_message_with(message, key, value, &out, NULL), BEAMR_OK);
    ao_message_unref(message);
    return out;
}

/* Put the device between at PREFIX/stdlib/MODULE of the second side. */
static inline ao_message *with_between(ways *w, BEAMR_OWN ao_message *state)
{
    static const char *const places[][2] = {{"wasi_snapshot_preview1", "WASI@1.0"},
                                            {"wasi_unstable", "WASI@1.0"},
                                            {"env", "emscripten@1.0"}};
    ao_message *stdlib = ao_message_ref(ao_message_empty()), *above = stdlib;

    for (size_t i = 0; i < 3; i++) {
        char json[256];

        (void)snprintf(json, sizeof json, "{\"device\":\"proxy@1.0\",\"inner\":\"%s\"}",
                       places[i][1]);
        above =
            with_key(above, places[i][0], ao_message_value(world_message(w->context, json)));
    }
    if (*w->prefix) {
        above = with_key(ao_message_ref(ao_message_empty()), "stdlib", ao_message_value(above));
        return with_key(state, w->prefix, ao_message_value(above));
    }
    return with_key(state, "stdlib", ao_message_value(above));
}

static inline ao_message *start(ways *w, ao_value image, const char *files, bool is_between)
{
    ao_message *state = world_message(w->context, files);

    if (*w->prefix)
        state = with_key(state, "output-prefix", ao_binary_text(w->prefix));
    state = with_key(state, "device", ao_binary_text("WASI@1.0"));
    state = resolve(w->context, state, ao_binary_text("init"));
    if (is_between)
        state = with_between(w, state);
    state = with_key(state, "device", ao_binary_text("wasm-64@1.0"));
    state = with_key(state, "image", ao_value_ref(image));
    return resolve(w->context, state, ao_binary_text("init"));
}

static inline ways ways_of(BEAMR_OWN ao_value image, bool is64, const char *prefix,
                           const char *files)
{
    ways w = {.context = world_open(NULL, NULL), .is64 = is64, .prefix = prefix};

    assert_int_equal(ao_context_add_device(w.context, &proxy, NULL), BEAMR_OK);
    for (size_t i = 0; i < 2; i++)
        w.sides[i] = start(&w, image, files, i == 1);
    ao_value_unref(image);
    return w;
}

static inline ways ways_open_with(uint32_t pages, bool is64, bool is_unstable,
                                  const char *prefix, const char *files)
{
    wasm_builder b = {0};
    ao_value image;

    ways_guest_module(&b, is64, is_unstable, pages);
    image = ao_binary_copy(wasm_bytes_of(&b));
    wasm_free(&b);
    return ways_of(image, is64, prefix, files);
}

static inline ways ways_open(bool is64, bool is_unstable, const char *prefix, const char *files)
{
    return ways_open_with(2, is64, is_unstable, prefix, files);
}

static inline void ways_close(ways *w)
{
    for (size_t i = 0; i < 2; i++)
        ao_message_unref(w->sides[i]);
    ao_context_free(w->context);
}

/* ---- Comparing ---- */

static inline ao_value at_path(const ao_message *message, const char *path)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(ao_message_get_path(message, beamr_bytes_of(path), &value, NULL),
                     BEAMR_OK);
    return value;
}

static inline void same_value(ways *w, const char *what, const char *path)
{
    ao_value a = at_path(w->sides[0], path), b = at_path(w->sides[1], path), text[2] = {{0}};

    if (a.kind == AO_NONE && b.kind == AO_NONE)
        return;
    if (ao_value_equal(a, b))
        return;
    for (size_t i = 0; i < 2; i++) {
        ao_message *holder =
            with_key(ao_message_ref(ao_message_empty()), "is", ao_value_ref(i ? b : a));

        (void)ao_encode(w->context, "json@1.0", holder, &text[i], NULL);
    }
    fail_msg("%s: %s differs: %.*s directly, %.*s through messages", what, path,
             (int)ao_bytes(text[0]).len, (const char *)ao_bytes(text[0]).data,
             (int)ao_bytes(text[1]).len, (const char *)ao_bytes(text[1]).data);
}

static inline uint8_t *memory_of(ways *w, size_t side, size_t *size)
{
    ao_guest *guest = ao_guest_of(w->sides[side], w->prefix);
    uint64_t bytes = 0;
    uint8_t *copy;

    assert_non_null(guest);
    assert_int_equal(ao_guest_memory_size(guest, &bytes, NULL), BEAMR_OK);
    copy = malloc(bytes);
    assert_int_equal(ao_guest_read(guest, 0, copy, bytes, NULL), BEAMR_OK);
    *size = bytes;
    return copy;
}

static inline void same_memory(ways *w, const char *what)
{
    size_t sizes[2];
    uint8_t *a = memory_of(w, 0, &sizes[0]), *b = memory_of(w, 1, &sizes[1]);

    assert_int_equal(sizes[0], sizes[1]);
    for (size_t i = 0; i < sizes[0]; i++)
        if (a[i] != b[i])
            fail_msg("%s: byte %zu is %u directly, %u through messages", what, i, a[i], b[i]);
    free(a);
    free(b);
}

static inline void same_results(ways *w, const char *what)
{
    char path[64];
    static const char *const keys[] = {"type", "output", "undefined-calls"};

    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "results/%s%s%s", w->prefix, *w->prefix ? "/" : "",
                       keys[i]);
        same_value(w, what, path);
    }
    same_value(w, what, "vfs");
    same_value(w, what, "file-descriptors");
}

/* ---- Steps ---- */

static inline ao_value request_for(const ways *w, const char *function, const int64_t *args,
                                   size_t count)
{
    ao_value *items = calloc(count + 1, sizeof *items);
    ao_builder b;
    ao_value value;

    for (size_t i = 0; i < count; i++)
        items[i] = ao_integer(args[i]);
    ao_builder_begin(&b, NULL, NULL, NULL);
    ao_builder_put(&b, "path", ao_binary_text("compute"));
    ao_builder_put(&b, "function", ao_binary_text(function));
    ao_builder_put(&b, "parameters", ao_list_new(items, count));
    ao_builder_put(&b, "timestamp", ao_integer(w->time));
    ao_builder_put(&b, "slot", ao_integer(w->slot));
    value = ao_builder_value(&b);
    free(items);
    return value;
}

/* The first result, or INT64_MIN when there is none (an error). */
static inline int64_t result_of(const ways *w)
{
    char path[64];
    int64_t n = INT64_MIN;
    ao_value list;

    (void)snprintf(path, sizeof path, "results/%s%soutput", w->prefix, *w->prefix ? "/" : "");
    list = at_path(w->sides[0], path);
    if (list.kind == AO_LIST)
        (void)ao_to_integer(ao_list_at(list, 0), &n);
    return n;
}

static inline int64_t step(ways *w, const char *function, const int64_t *args, size_t count)
{
    passes = 0;
    w->sides[0] = resolve(w->context, w->sides[0], request_for(w, function, args, count));
    assert_int_equal(passes, 0);
    w->sides[1] = resolve(w->context, w->sides[1], request_for(w, function, args, count));
    assert_int_equal(passes, strcmp(function, "nobody_knows") ? 1 : passes);
    same_results(w, function);
    same_memory(w, function);
    return result_of(w);
}

#define STEP(w, function, ...)                                                                 \
    step((w), #function, (const int64_t[]){__VA_ARGS__},                                       \
         sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t))
#define STEP0(w, function) step((w), #function, NULL, 0)
/* A step whose first result is a given one. */
#define EXPECT(expected, call)                                                                 \
    do {                                                                                       \
        int64_t expect_got = (call);                                                           \
                                                                                               \
        if (expect_got != (expected))                                                          \
            fail_msg("%s gave %lld", #call, (long long)expect_got);                            \
    } while (0)

/* Put bytes into memory, without comparing all of it each time. */
static inline int64_t put_text(ways *w, int64_t addr, const char *text)
{
    size_t len = strlen(text) + 1;

    for (size_t at = 0; at < len; at += 8) {
        int64_t args[2] = {addr + (int64_t)at, 0};

        memcpy(&args[1], text + at, len - at < 8 ? len - at : 8);
        for (size_t i = 0; i < 2; i++)
            w->sides[i] = resolve(w->context, w->sides[i], request_for(w, "poke", args, 2));
    }
    return (int64_t)len - 1;
}

/* One buffer in the list of them. */
static inline void put_iovec(ways *w, int64_t addr, int64_t len)
{
    int64_t all[4] = {IOVS, addr, IOVS + 8, len};

    if (!w->is64)
        all[1] = addr | len << 32;
    for (size_t i = 0; i < 2; i++) {
        w->sides[i] = resolve(w->context, w->sides[i], request_for(w, "poke", all, 2));
        if (w->is64)
            w->sides[i] = resolve(w->context, w->sides[i], request_for(w, "poke", all + 2, 2));
    }
}

static inline uint64_t memory_number(ways *w, uint64_t addr, size_t size)
{
    uint64_t n = 0;

    assert_int_equal(ao_guest_read(ao_guest_of(w->sides[0], w->prefix), addr, &n, size, NULL),
                     BEAMR_OK);
    return n;
}

static inline void expect_text(ways *w, const char *path, const char *text)
{
    beamr_bytes bytes = ao_bytes(at_path(w->sides[0], path));

    if (bytes.len != strlen(text) || (bytes.len && memcmp(bytes.data, text, bytes.len) != 0))
        fail_msg("%s is '%.*s', not '%s'", path, (int)bytes.len, (const char *)bytes.data,
                 text);
}

static inline int64_t write_text(ways *w, int64_t fd, const char *text)
{
    put_iovec(w, DATA, put_text(w, DATA, text));
    return STEP(w, fd_write, fd, IOVS, 1, OUT);
}

/* Open by WASI; gives the descriptor. */
static inline int64_t open_path(ways *w, const char *path, int64_t oflags, int64_t fdflags)
{
    const int64_t rights = (1 << 28) - 1;
    int64_t len = put_text(w, PATH, path);

    EXPECT(0, STEP(w, path_open, 3, 1, PATH, len, oflags, rights, rights, fdflags, OUT2));
    return (int64_t)memory_number(w, OUT2, 4);
}

/* ---- Between calls ---- */

/* Without the private state: a message that came from elsewhere, with its snapshot. */
static inline ao_message *stranger(ways *w, const ao_message *message)
{
    ao_message *copy = NULL, *snapshot = resolve(w->context, ao_message_ref(message),
                                                 ao_binary_text("snapshot"));

    assert_int_equal(ao_message_reset(message, &copy, NULL), BEAMR_OK);
    return with_key(copy, "snapshot", ao_message_value(snapshot));
}

/* What both sides begin with. */
#define WAYS_FILES "{\"vfs\":{\"dev\":{\"stdin\":\"input\"},\"a\":{\"b\":\"c\"}}}"

#endif
