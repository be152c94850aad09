/* Both ways to the system give the same: directly, because our devices stand at `stdlib`, and
 * through messages, because a device of the test's stands there that only passes them on. Each
 * step of a scene is a `compute` on either side; results, memory, files, descriptors and
 * undefined calls are compared after each. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#include "beamr/ao/guest.h"
#include "ways_guest.h"

/* ---- The device between ---- */

static unsigned passes;

static beamr_status passed(ao_call *call, beamr_error *err)
{
    const ao_result *result = ao_call_result(call);

    (void)err;
    return ao_call_return(call, result->outcome, ao_value_ref(result->value));
}

/* What the base says as `inner`, on the same request. */
static beamr_status pass_on(ao_call *call, beamr_error *err)
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

static ao_message *resolve(ao_context *context, BEAMR_OWN ao_message *base,
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

static ao_message *with_key(BEAMR_OWN ao_message *message, const char *key,
                            BEAMR_OWN ao_value value)
{
    ao_message *out = NULL;

    assert_int_equal(ao_message_with(message, key, value, &out, NULL), BEAMR_OK);
    ao_message_unref(message);
    return out;
}

/* Put the device between at PREFIX/stdlib/MODULE of the second side. */
static ao_message *with_between(ways *w, BEAMR_OWN ao_message *state)
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

static ao_message *start(ways *w, ao_value image, const char *files, bool is_between)
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

static ways ways_of(BEAMR_OWN ao_value image, bool is64, const char *prefix, const char *files)
{
    ways w = {.context = world_open(NULL, NULL), .is64 = is64, .prefix = prefix};

    assert_int_equal(ao_context_add_device(w.context, &proxy, NULL), BEAMR_OK);
    for (size_t i = 0; i < 2; i++)
        w.sides[i] = start(&w, image, files, i == 1);
    ao_value_unref(image);
    return w;
}

static ways ways_open(bool is64, bool is_unstable, const char *prefix, const char *files)
{
    wasm_builder b = {0};
    ao_value image;

    ways_guest_module(&b, is64, is_unstable, 2);
    image = ao_binary_copy(wasm_bytes_of(&b));
    wasm_free(&b);
    return ways_of(image, is64, prefix, files);
}

static void ways_close(ways *w)
{
    for (size_t i = 0; i < 2; i++)
        ao_message_unref(w->sides[i]);
    ao_context_free(w->context);
}

/* ---- Comparing ---- */

static ao_value at_path(const ao_message *message, const char *path)
{
    ao_value value = AO_NO_VALUE;

    assert_int_equal(ao_message_get_path(message, beamr_bytes_of(path), &value, NULL),
                     BEAMR_OK);
    return value;
}

static void same_value(ways *w, const char *what, const char *path)
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

static uint8_t *memory_of(ways *w, size_t side, size_t *size)
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

static void same_memory(ways *w, const char *what)
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

static void same_results(ways *w, const char *what)
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

static ao_value request_for(const ways *w, const char *function, const int64_t *args,
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
static int64_t result_of(const ways *w)
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

static int64_t step(ways *w, const char *function, const int64_t *args, size_t count)
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
static int64_t put_text(ways *w, int64_t addr, const char *text)
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
static void put_iovec(ways *w, int64_t addr, int64_t len)
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

static uint64_t memory_number(ways *w, uint64_t addr, size_t size)
{
    uint64_t n = 0;

    assert_int_equal(ao_guest_read(ao_guest_of(w->sides[0], w->prefix), addr, &n, size, NULL),
                     BEAMR_OK);
    return n;
}

static void expect_text(ways *w, const char *path, const char *text)
{
    beamr_bytes bytes = ao_bytes(at_path(w->sides[0], path));

    if (bytes.len != strlen(text) || (bytes.len && memcmp(bytes.data, text, bytes.len) != 0))
        fail_msg("%s is '%.*s', not '%s'", path, (int)bytes.len, (const char *)bytes.data,
                 text);
}

static int64_t write_text(ways *w, int64_t fd, const char *text)
{
    put_iovec(w, DATA, put_text(w, DATA, text));
    return STEP(w, fd_write, fd, IOVS, 1, OUT);
}

/* Open by WASI; gives the descriptor. */
static int64_t open_path(ways *w, const char *path, int64_t oflags, int64_t fdflags)
{
    const int64_t rights = (1 << 28) - 1;
    int64_t len = put_text(w, PATH, path);

    EXPECT(0, STEP(w, path_open, 3, 1, PATH, len, oflags, rights, rights, fdflags, OUT2));
    return (int64_t)memory_number(w, OUT2, 4);
}

/* ---- Scenes ---- */

static void scene_streams(ways *w)
{
    EXPECT(0, write_text(w, 1, "Hello, World!\n"));
    EXPECT(0, write_text(w, 2, "oh"));
    EXPECT(0, write_text(w, 1, "again"));
    expect_text(w, "vfs/dev/stdout", "Hello, World!\nagain");
    expect_text(w, "vfs/dev/stderr", "oh");
    EXPECT(8, write_text(w, 77, "x"));
    put_iovec(w, DATA, 4);
    EXPECT(0, STEP(w, fd_read, 0, IOVS, 1, OUT));
    EXPECT(0, STEP(w, fd_read, 0, IOVS, 1, OUT));
    EXPECT(0, STEP(w, fd_read, 0, IOVS, 1, OUT));
    EXPECT(70, STEP(w, fd_seek, 1, 0, 0, OUT));
    EXPECT(21, STEP(w, fd_write, 1, 0x7fffffff, 1, OUT));
    EXPECT(0, STEP(w, fd_fdstat_get, 1, OUT));
}

static void scene_files(ways *w)
{
    int64_t fd = open_path(w, "new", 1, 0), len, len2;

    EXPECT(0, write_text(w, fd, "0123456789"));
    EXPECT(0, STEP(w, fd_seek, fd, 3, 0, OUT));
    EXPECT(0, write_text(w, fd, "xyz"));
    expect_text(w, "vfs/new", "012xyz6789");
    EXPECT(0, STEP(w, fd_tell, fd, OUT));
    EXPECT(0, STEP(w, fd_filestat_set_size, fd, 5));
    EXPECT(0, STEP(w, fd_filestat_get, fd, OUT));
    EXPECT(0, STEP(w, fd_close, fd));
    EXPECT(8, STEP(w, fd_close, fd));
    fd = open_path(w, "new", 0, 1);
    EXPECT(0, write_text(w, fd, "tail"));
    expect_text(w, "vfs/new", "012xytail");
    len = put_text(w, PATH, "dir");
    EXPECT(0, STEP(w, path_create_directory, 3, PATH, len));
    len = put_text(w, PATH, "new");
    len2 = put_text(w, PATH2, "dir/Moved");
    EXPECT(0, STEP(w, path_rename, 3, PATH, len, 3, PATH2, len2));
    expect_text(w, "vfs/dir/%4doved", "012xytail");
    EXPECT(0, write_text(w, fd, "+"));
    len = put_text(w, PATH, "Moved");
    len2 = put_text(w, PATH2, "dir/link");
    EXPECT(0, STEP(w, path_symlink, PATH, len, 3, PATH2, len2));
    EXPECT(0, STEP(w, path_readlink, 3, PATH2, len2, DATA, 100, OUT));
    EXPECT(0, STEP(w, path_filestat_get, 3, 1, PATH2, len2, OUT));
    EXPECT(0, STEP(w, path_unlink_file, 3, PATH2, len2));
    EXPECT(44, STEP(w, path_unlink_file, 3, PATH2, len2));
    len = put_text(w, PATH, "dir");
    EXPECT(55, STEP(w, path_remove_directory, 3, PATH, len));
    len = put_text(w, PATH, "../up");
    EXPECT(63, STEP(w, path_create_directory, 3, PATH, len));
    EXPECT(0, STEP(w, fd_readdir, 3, DATA, 500, 0, OUT));
    EXPECT(0, STEP(w, fd_renumber, fd, fd));
    EXPECT(0, STEP(w, fd_prestat_get, 3, OUT));
    EXPECT(0, STEP(w, fd_allocate, fd, 0, 100));
    len = put_text(w, PATH, "dir/Moved");
    EXPECT(0, STEP(w, path_unlink_file, 3, PATH, len));
    EXPECT(0, write_text(w, fd, "still open"));
    EXPECT(0, STEP(w, fd_close, fd));
}

static void scene_rest(ways *w)
{
    w->time = 1700000000123;
    EXPECT(0, STEP(w, clock_time_get, 0, 0, OUT));
    assert_int_equal(memory_number(w, OUT, 8), 1700000000123000000u);
    EXPECT(0, STEP(w, clock_time_get, 1, 0, OUT));
    EXPECT(0, STEP(w, clock_time_get, 2, 0, OUT));
    EXPECT(28, STEP(w, clock_time_get, 9, 0, OUT));
    EXPECT(0, STEP(w, clock_res_get, 0, OUT));
    EXPECT(0, STEP(w, random_get, OUT, 32));
    w->slot++;
    EXPECT(0, STEP(w, random_get, OUT2, 32));
    assert_int_not_equal(memory_number(w, OUT, 8), memory_number(w, OUT2, 8));
    EXPECT(0, STEP(w, args_sizes_get, OUT, OUT2));
    EXPECT(0, STEP(w, args_get, OUT, OUT2));
    EXPECT(0, STEP(w, environ_sizes_get, OUT, OUT2));
    EXPECT(0, STEP(w, environ_get, OUT, OUT2));
    EXPECT(0, STEP0(w, sched_yield));
    EXPECT(28, STEP(w, poll_oneoff, IOVS, DATA, 0, OUT));
    EXPECT(0, STEP0(w, nobody_knows));
    EXPECT(INT64_MIN, STEP(w, proc_exit, 3));
    EXPECT(INT64_MIN, STEP(w, proc_exit, 0));
    EXPECT(0, write_text(w, 1, "goes on"));
}

static void scene_env(ways *w)
{
    int64_t fd, here = -100;

    (void)put_text(w, PATH, "/made");
    fd = STEP(w, __syscall_openat, here, PATH, 0x42, ARGS_AT);
    assert_true(fd >= 3);
    EXPECT(0, write_text(w, fd, "content"));
    EXPECT(fd + 1, STEP(w, __syscall_fcntl64, fd, 0, ARGS_AT));
    EXPECT(2, STEP(w, __syscall_fcntl64, fd, 3, ARGS_AT));
    EXPECT(9, STEP(w, __syscall_dup3, fd, 9, 0));
    EXPECT(-28, STEP(w, __syscall_dup3, fd, fd, 0));
    EXPECT(0, STEP(w, __syscall_fstat64, fd, DATA));
    EXPECT(0, STEP(w, __syscall_ftruncate64, fd, 3));
    expect_text(w, "vfs/made", "con");
    (void)put_text(w, PATH2, "/dir");
    EXPECT(0, STEP(w, __syscall_mkdirat, here, PATH2, 511));
    EXPECT(0, STEP(w, __syscall_chdir, PATH2));
    EXPECT(5, STEP(w, __syscall_getcwd, DATA, 100));
    (void)put_text(w, PATH2, "moved");
    EXPECT(0, STEP(w, __syscall_renameat, here, PATH, here, PATH2));
    expect_text(w, "vfs/dir/moved", "con");
    EXPECT(0, STEP(w, __syscall_stat64, PATH2, DATA));
    (void)put_text(w, PATH, "/dir/link");
    EXPECT(0, STEP(w, __syscall_symlinkat, PATH2, here, PATH));
    EXPECT(5, STEP(w, __syscall_readlinkat, here, PATH, DATA, 100));
    EXPECT(-28, STEP(w, __syscall_readlinkat, here, PATH2, DATA, 100));
    (void)put_text(w, PATH, "/dir");
    fd = STEP(w, __syscall_openat, here, PATH, 0x10000, ARGS_AT);
    assert_true(STEP(w, __syscall_getdents64, fd, DATA, 1000) > 0);
    EXPECT(-55, STEP(w, __syscall_unlinkat, here, PATH, 0x200));
    EXPECT(0, STEP(w, __syscall_unlinkat, here, PATH2, 0));
    (void)put_text(w, PATH2, "/none");
    EXPECT(-44, STEP(w, __syscall_rmdir, PATH2));
    w->time = 1234567;
    (void)STEP0(w, emscripten_date_now);
    (void)STEP0(w, emscripten_get_now);
    EXPECT(0, STEP(w, _gmtime_js, 1234, OUT));
    EXPECT(1234, STEP(w, time, OUT2));
    (void)put_text(w, PATH, "%Y-%m-%d");
    EXPECT(10, STEP(w, strftime, DATA, 100, PATH, OUT));
    (void)STEP(w, _emscripten_memcpy_js, DATA + 100, DATA, 10);
    (void)STEP(w, _emscripten_memcpy_js, 0x7fffffff, DATA, 10);
    EXPECT(0, STEP(w, _emscripten_system, 0));
    EXPECT(1, STEP(w, emscripten_resize_heap, 4 * 65536));
    EXPECT(0, STEP(w, emscripten_resize_heap, 100 * 65536));
    EXPECT(INT64_MIN, STEP(w, exit, 5));
    EXPECT(INT64_MIN, STEP0(w, abort));
}

#define FILES "{\"vfs\":{\"dev\":{\"stdin\":\"input\"},\"a\":{\"b\":\"c\"}}}"

static void run(void (*scene)(ways *w), bool is_unstable, const char *prefix)
{
    for (int is64 = 0; is64 < 2; is64++) {
        ways w = ways_open(is64, is_unstable, prefix, FILES);

        scene(&w);
        ways_close(&w);
    }
}

static void streams_are_the_same_both_ways(void **state)
{
    (void)state;
    run(scene_streams, false, "");
}

static void files_are_the_same_both_ways(void **state)
{
    (void)state;
    run(scene_files, false, "");
}

static void the_rest_of_wasi_is_the_same_both_ways(void **state)
{
    (void)state;
    run(scene_rest, false, "");
}

static void functions_of_env_are_the_same_both_ways(void **state)
{
    (void)state;
    run(scene_env, false, "");
}

static void the_older_wasi_and_prefixes_too(void **state)
{
    (void)state;
    run(scene_streams, true, "wasm");
    run(scene_env, true, "wasm");
}

/* ---- Between calls ---- */

static void files_edited_between_calls(void **state)
{
    (void)state;
    for (int is64 = 0; is64 < 2; is64++) {
        ways w = ways_open(is64, false, "", FILES);
        int64_t fd = open_path(&w, "a/b", 0, 0);

        for (size_t i = 0; i < 2; i++)
            w.sides[i] = with_key(w.sides[i], "vfs",
                                  ao_message_value(world_message(
                                      w.context, "{\"a\":{\"b\":\"edited\"},\"n\":\"m\"}")));
        put_iovec(&w, DATA, 20);
        EXPECT(0, STEP(&w, fd_read, fd, IOVS, 1, OUT));
        assert_int_equal(memory_number(&w, OUT, 4), 6);
        EXPECT(0, write_text(&w, 1, "new stdout"));
        expect_text(&w, "vfs/dev/stdout", "new stdout");
        expect_text(&w, "vfs/n", "m");
        ways_close(&w);
    }
}

/* Without the private state: a message that came from elsewhere, with its snapshot. */
static ao_message *stranger(ways *w, const ao_message *message)
{
    ao_message *copy = NULL, *snapshot = resolve(w->context, ao_message_ref(message),
                                                 ao_binary_text("snapshot"));

    assert_int_equal(ao_message_reset(message, &copy, NULL), BEAMR_OK);
    return with_key(copy, "snapshot", ao_message_value(snapshot));
}

static void a_snapshot_goes_on_where_it_was(void **state)
{
    (void)state;
    for (int is64 = 0; is64 < 2; is64++) {
        ways w = ways_open(is64, false, "", FILES);
        int64_t fd = open_path(&w, "a/b", 0, 1), len;

        put_iovec(&w, DATA, 2);
        EXPECT(0, STEP(&w, fd_read, 0, IOVS, 1, OUT));
        len = put_text(&w, PATH, "a/b");
        EXPECT(0, STEP(&w, path_unlink_file, 3, PATH, len));
        for (size_t i = 0; i < 2; i++) {
            ao_message *next = stranger(&w, w.sides[i]);

            ao_message_unref(w.sides[i]);
            w.sides[i] = next;
        }
        put_iovec(&w, DATA, 100);
        EXPECT(0, STEP(&w, fd_read, fd, IOVS, 1, OUT)); /* it has no name, and is still open */
        assert_int_equal(memory_number(&w, OUT, 4), 1);
        EXPECT(0, STEP(&w, fd_read, 0, IOVS, 1, OUT));
        assert_int_equal(memory_number(&w, OUT, 4), 3);
        EXPECT(0, write_text(&w, 1, "after"));
        ways_close(&w);
    }
}

static void an_older_state_is_computed_on_again(void **state)
{
    (void)state;
    for (int is64 = 0; is64 < 2; is64++) {
        ways w = ways_open(is64, false, "", FILES);
        int64_t fd = open_path(&w, "a/new", 1, 0);
        ao_message *before[2];

        EXPECT(0, write_text(&w, fd, "one "));
        EXPECT(0, STEP(&w, random_get, OUT, 32));
        for (size_t i = 0; i < 2; i++)
            before[i] = ao_message_ref(w.sides[i]);
        EXPECT(0, write_text(&w, fd, "two"));
        expect_text(&w, "vfs/a/new", "one two");
        for (size_t i = 0; i < 2; i++) {
            ao_message_unref(w.sides[i]);
            w.sides[i] = before[i];
        }
        EXPECT(0, write_text(&w, fd, "other"));
        expect_text(&w, "vfs/a/new", "one other");
        ways_close(&w);
    }
}

/* ---- Any line, disturbed on one side ---- */

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static void put_random_path(ways *w, unsigned *seed, int64_t addr, int64_t *len)
{
    static const char *const paths[] = {"a",      "a/b", "new",        "a/new",
                                        "a/link", "dir", "dir/Deep",   "/a/b",
                                        "../up",  ".",   "dev/stdout", ""};

    *len = put_text(w, addr, paths[next_random(seed) % 12]);
}

/* Any function with values that are likely to mean something to it. */
static void random_step(ways *w, unsigned *seed)
{
    static const int64_t numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 10, 40, 100, -100, -1};
    static const int64_t places[] = {OUT,  OUT2,  IOVS,       DATA,
                                     PATH, PATH2, DATA + 100, 0x7fffffff};
    size_t which = next_random(seed) % WAYS_IMPORTS;
    const char *type = ways_type(which);
    int64_t args[16] = {0}, len[2];
    size_t count = strcspn(type, ":");

    if (next_random(seed) % 3 == 0)
        which = 0; /* see below */
    put_random_path(w, seed, PATH, &len[0]);
    put_random_path(w, seed, PATH2, &len[1]);
    put_iovec(w, DATA, 1 + next_random(seed) % 20);
    for (size_t i = 0; i < count; i++)
        args[i] = type[i] == 'P' && next_random(seed) % 8 ? places[next_random(seed) % 8]
                                                          : numbers[next_random(seed) % 13];
    w->time += next_random(seed) % 3;
    w->slot += next_random(seed) % 2;
    if (which == 0) { /* files are opened, and written to, more often than by chance */
        const int64_t rights = (1 << 28) - 1;
        int64_t open[9] = {
            3,   1, PATH, len[0], next_random(seed) % 10, rights, rights, next_random(seed) % 2,
            OUT2};
        int64_t put[4] = {next_random(seed) % 7, IOVS, 1, OUT};
        bool opens = next_random(seed) % 2 == 0;

        for (size_t i = 0; i < 2; i++)
            w->sides[i] = resolve(w->context, w->sides[i],
                                  opens ? request_for(w, "path_open", open, 9)
                                        : request_for(w, "fd_write", put, 4));
    } else {
        for (size_t i = 0; i < 2; i++)
            w->sides[i] =
                resolve(w->context, w->sides[i], request_for(w, ways_name(which), args, count));
    }
    same_results(w, ways_name(which));
}

/* What leaves a message as it is, but not its instance. */
static void disturb(ways *w, unsigned *seed)
{
    ao_message *state = w->sides[1];
    int64_t args[4] = {1, IOVS, 1, OUT};

    switch (next_random(seed) % 12) {
    case 0:
        ao_message_unref(
            resolve(w->context, ao_message_ref(state), ao_binary_text("terminate")));
        return;
    case 1:
        ao_message_unref(
            resolve(w->context, ao_message_ref(state), ao_binary_text("snapshot")));
        return;
    case 2:
        w->sides[1] = stranger(w, state);
        ao_message_unref(state);
        return;
    case 3:
    case 4:
        ao_message_unref(
            resolve(w->context, ao_message_ref(state), request_for(w, "fd_write", args, 4)));
        return;
    default:
        return;
    }
}

static void same_snapshot(ways *w)
{
    static const char *const keys[] = {"body", "state", "system"};

    for (size_t i = 0; i < 2; i++)
        w->sides[i] = resolve(w->context, w->sides[i], ao_binary_text("snapshot"));
    for (size_t i = 0; i < 3; i++)
        same_value(w, "snapshot", keys[i]);
}

static void any_line_is_the_same_whatever_disturbs_it(void **state)
{
    const char *rounds = getenv("BEAMR_WAYS_ROUNDS");
    unsigned count = rounds ? (unsigned)atoi(rounds) : 4;

    (void)state;
    for (unsigned round = 0; round < count; round++) {
        ways w = ways_open(round & 1, false, round & 2 ? "wasm" : "", FILES);
        unsigned seed = round + 1;

        for (size_t i = 0; i < 120; i++) {
            random_step(&w, &seed);
            disturb(&w, &seed);
            if (i % 20 != 19)
                continue;
            (void)put_text(&w, PATH, "both have an instance");
            same_memory(&w, "a random line");
        }
        (void)put_text(&w, PATH, "the end");
        same_snapshot(&w);
        ways_close(&w);
    }
}

/* ---- Compiled guests: programs of test/guests, given by their files ---- */

static ao_value read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t room = 8 << 20, len;
    uint8_t *bytes = malloc(room);
    ao_value value;

    if (!file || !bytes)
        fail_msg("%s cannot be read", path);
    len = fread(bytes, 1, room, file);
    (void)fclose(file);
    value = ao_binary_copy((beamr_bytes){bytes, len});
    free(bytes);
    return value;
}

static char **programs;

static void programs_run_the_same_both_ways(void **state)
{
    (void)state;
    for (char **path = programs; *path; path++) {
        ways w =
            ways_of(read_file(*path), false, "", "{\"vfs\":{\"dev\":{\"stdin\":\"1 2\\n\"}}}");

        w.time = 1700000000000;
        for (size_t i = 0; i < 2; i++)
            w.sides[i] = resolve(w.context, w.sides[i], request_for(&w, "_start", NULL, 0));
        same_results(&w, *path);
        same_memory(&w, *path);
        assert_true(passes > 0);
        passes = 0;
        if (ao_bytes(at_path(w.sides[0], "vfs/dev/stdout")).len == 0)
            fail_msg("%s has printed nothing", *path);
        printf("%s: %zu bytes of output\n", *path,
               ao_bytes(at_path(w.sides[0], "vfs/dev/stdout")).len);
        ways_close(&w);
    }
}

/* With files of programs these are run, otherwise the scenes above. */
int main(int argc, char **argv)
{
    const struct CMUnitTest compiled[] = {cmocka_unit_test(programs_run_the_same_both_ways)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_are_the_same_both_ways),
        cmocka_unit_test(files_are_the_same_both_ways),
        cmocka_unit_test(the_rest_of_wasi_is_the_same_both_ways),
        cmocka_unit_test(functions_of_env_are_the_same_both_ways),
        cmocka_unit_test(the_older_wasi_and_prefixes_too),
        cmocka_unit_test(files_edited_between_calls),
        cmocka_unit_test(a_snapshot_goes_on_where_it_was),
        cmocka_unit_test(an_older_state_is_computed_on_again),
        cmocka_unit_test(any_line_is_the_same_whatever_disturbs_it),
    };

    programs = argv + 1;
    return argc > 1 ? cmocka_run_group_tests(compiled, NULL, NULL)
                    : cmocka_run_group_tests(tests, NULL, NULL);
}
