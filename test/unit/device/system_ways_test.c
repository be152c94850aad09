/* Both ways to the system give the same (ways.h): scenes, what happens between calls, and
 * compiled guests. system_ways_random_test.c has any line of calls. */
#include "ways.h"

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

/* Where the forerunner differs: whence to seek, and how a file is described. */
static void scene_unstable(ways *w)
{
    int64_t fd = open_path(w, "a/b", 0, 0);

    EXPECT(0, STEP(w, fd_seek, fd, 3, 2, OUT)); /* from the beginning */
    assert_int_equal(memory_number(w, OUT, 8), 3);
    EXPECT(0, STEP(w, fd_seek, fd, 1, 0, OUT)); /* from where it is */
    assert_int_equal(memory_number(w, OUT, 8), 4);
    EXPECT(0, STEP(w, fd_filestat_get, fd, OUT2));
    EXPECT(0, STEP(w, fd_close, fd));
}

static void run(void (*scene)(ways *w), bool is_unstable, const char *prefix)
{
    for (int is64 = 0; is64 < 2; is64++) {
        ways w = ways_open(is64, is_unstable, prefix, WAYS_FILES);

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

static void the_forerunner_is_the_same_both_ways(void **state)
{
    (void)state;
    run(scene_unstable, true, "");
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
        ways w = ways_open(is64, false, "", WAYS_FILES);
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

static void a_snapshot_goes_on_where_it_was(void **state)
{
    (void)state;
    for (int is64 = 0; is64 < 2; is64++) {
        ways w = ways_open(is64, false, "", WAYS_FILES);
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
        ways w = ways_open(is64, false, "", WAYS_FILES);
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

/* In two gibibytes of memory and a page, of which little is touched. */
static void expect_high(ways *w, const char *function, const int64_t *args, size_t count)
{
    uint8_t bytes[2][8] = {{0}}, zeros[8] = {0};

    for (size_t i = 0; i < 2; i++) {
        w->sides[i] = resolve(w->context, w->sides[i], request_for(w, function, args, count));
        assert_int_equal(ao_guest_read(ao_guest_of(w->sides[i], ""), (uint64_t)args[0],
                                       bytes[i], sizeof bytes[i], NULL),
                         BEAMR_OK);
    }
    same_results(w, function);
    assert_memory_equal(bytes[0], bytes[1], sizeof zeros);
    assert_memory_not_equal(bytes[0], zeros, sizeof zeros);
}

/* As numbers of 32 bits these addresses are negative. */
static void what_lies_above_two_gib_is_reached(void **state)
{
    (void)state;
    for (int is64 = 0; is64 < 2; is64++) {
        ways w = ways_open_with(32769, is64, false, "", WAYS_FILES);
        int64_t random[2] = {0x80000010, 8}, now[1] = {0x80000020};

        w.time = 1700000000000;
        expect_high(&w, "random_get", random, 2);
        assert_int_equal(result_of(&w), 0);
        expect_high(&w, "time", now, 1);
        assert_int_equal(result_of(&w), 1700000000);
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
        cmocka_unit_test(the_forerunner_is_the_same_both_ways),
        cmocka_unit_test(functions_of_env_are_the_same_both_ways),
        cmocka_unit_test(the_older_wasi_and_prefixes_too),
        cmocka_unit_test(files_edited_between_calls),
        cmocka_unit_test(a_snapshot_goes_on_where_it_was),
        cmocka_unit_test(an_older_state_is_computed_on_again),
        cmocka_unit_test(what_lies_above_two_gib_is_reached),
    };

    programs = argv + 1;
    return argc > 1 ? cmocka_run_group_tests(compiled, NULL, NULL)
                    : cmocka_run_group_tests(tests, NULL, NULL);
}
