/* What is open, as the embedder is told it and sets it. */
#include "system_fixture.h"

#include <string.h>

static const char *path_of(beamr_wasi *w, uint32_t fd)
{
    static char text[512];
    beamr_bytes path = {0};
    beamr_error err = {0};

    if (beamr_wasi_descriptor_path(w, fd, &path, &err) != BEAMR_OK)
        return NULL;
    assert_true(path.len < sizeof text);
    memcpy(text, path.data, path.len);
    text[path.len] = '\0';
    return text;
}

/* The descriptor of a number. */
static beamr_descriptor told(const beamr_wasi *w, uint32_t fd)
{
    beamr_descriptor d = {0};
    uint32_t cursor = fd;

    assert_true(beamr_wasi_next_descriptor(w, &cursor, &d));
    assert_int_equal(d.number, fd);
    return d;
}

static void put_file(beamr_wasi *w, const char *path, const char *content)
{
    assert_int_equal(
        beamr_vfs_write(beamr_wasi_vfs(w), beamr_bytes_of(path), beamr_bytes_of(content), NULL),
        BEAMR_OK);
}

static beamr_status set(beamr_wasi *w, const beamr_descriptor *as, const char *path)
{
    beamr_error err = {0};

    return beamr_wasi_set_descriptor(w, as, beamr_bytes_of(path), &err);
}

static void a_new_system_has_streams_and_its_preopen(void **state)
{
    beamr_wasi *w = new_system(NULL);
    beamr_descriptor d;
    uint32_t cursor = 0, count = 0;

    (void)state;
    for (; beamr_wasi_next_descriptor(w, &cursor, &d); count++) {
        assert_int_equal(d.number, count);
        assert_int_equal(d.same_as, count);
        assert_int_equal(d.kind,
                         count < 3 ? BEAMR_DESCRIPTOR_STREAM : BEAMR_DESCRIPTOR_PREOPEN);
        assert_int_equal(d.index, count < 3 ? count : 0);
        assert_true(d.has_default_rights);
    }
    assert_int_equal(count, 4);
    assert_null(path_of(w, 0));
    assert_string_equal(path_of(w, 3), "/");
    beamr_wasi_unref(w);
}

static void files_are_told_with_path_offset_flags_and_rights(void **state)
{
    beamr_wasi *w = new_system(NULL);
    uint32_t fd, dir, twin;
    beamr_descriptor d;

    (void)state;
    assert_int_equal(beamr_vfs_mkdir(beamr_wasi_vfs(w), beamr_bytes_of("a/b"), true, NULL), OK);
    put_file(w, "a/b/c", "hello");
    assert_int_equal(open_as(w, posix("/a/b/c"), 0, READ, GUEST_FDFLAG_APPEND, &fd), OK);
    dir = opened(w, at("a/b"), GUEST_OFLAG_DIRECTORY, GUEST_RIGHT_FD_READDIR);
    assert_int_equal(guest_fd_dup(w, fd, 9, &twin), OK);
    assert_int_equal(guest_fd_seek(w, twin, 4, 0, &(uint64_t){0}), OK);
    d = told(w, fd);
    assert_int_equal(d.kind, BEAMR_DESCRIPTOR_FILE);
    assert_int_equal(d.offset, 4);
    assert_int_equal(d.flags, GUEST_FDFLAG_APPEND);
    assert_true(d.is_posix);
    assert_false(d.has_default_rights);
    assert_int_equal(told(w, twin).same_as, fd);
    assert_int_equal(told(w, dir).kind, BEAMR_DESCRIPTOR_DIRECTORY);
    assert_int_equal(told(w, dir).rights, GUEST_RIGHT_FD_READDIR);
    assert_string_equal(path_of(w, fd), "/a/b/c");
    assert_string_equal(path_of(w, dir), "/a/b");
    beamr_wasi_unref(w);
}

static void paths_follow_what_happens_to_names(void **state)
{
    beamr_wasi *w = new_system(NULL);
    beamr_vfs *vfs = beamr_wasi_vfs(w);
    uint32_t fd;

    (void)state;
    put_file(w, "one", "1");
    put_file(w, "other", "2");
    fd = opened(w, posix("/one"), 0, READ);
    assert_int_equal(beamr_vfs_mkdir(vfs, beamr_bytes_of("d"), false, NULL), OK);
    assert_int_equal(
        beamr_vfs_rename(vfs, beamr_bytes_of("one"), beamr_bytes_of("d/moved"), NULL), OK);
    assert_string_equal(path_of(w, fd), "/d/moved");
    assert_int_equal(
        beamr_vfs_rename(vfs, beamr_bytes_of("other"), beamr_bytes_of("one"), NULL), OK);
    assert_string_equal(path_of(w, fd), "/d/moved");
    {
        guest_place from = posix("/d/moved"), to = posix("/second");

        assert_int_equal(guest_path_link(w, &from, &to), OK);
        assert_string_equal(path_of(w, fd), "/d/moved"); /* its directory was made before */
        assert_int_equal(guest_path_unlink(w, &from), OK);
        assert_string_equal(path_of(w, fd), "/second");
        assert_int_equal(guest_path_unlink(w, &to), OK);
    }
    assert_null(path_of(w, fd));
    assert_int_equal(told(w, fd).kind, BEAMR_DESCRIPTOR_FILE);
    beamr_wasi_unref(w);
}

static void what_is_told_can_be_set(void **state)
{
    beamr_wasi *w = new_system(NULL), *copy;
    beamr_wasi_options o = {0};
    beamr_descriptor d;
    uint32_t fd, twin, cursor = 4;

    (void)state;
    put_file(w, "f", "0123456789");
    fd = opened(w, at("f"), 0, READ | GUEST_RIGHT_FD_SEEK);
    assert_int_equal(guest_fd_seek(w, fd, 7, 0, &(uint64_t){0}), OK);
    assert_int_equal(guest_fd_dup(w, fd, 6, &twin), OK);
    o.vfs = beamr_wasi_vfs(w);
    copy = new_system(&o);
    while (beamr_wasi_next_descriptor(w, &cursor, &d))
        assert_int_equal(set(copy, &d, path_of(w, d.number)), BEAMR_OK);
    assert_int_equal(told(copy, fd).rights, READ | GUEST_RIGHT_FD_SEEK);
    assert_int_equal(told(copy, twin).same_as, fd);
    assert_int_equal(guest_fd_seek(copy, twin, 1, 1, &(uint64_t){0}), OK);
    assert_int_equal(told(copy, fd).offset, 8);
    beamr_wasi_unref(copy);
    beamr_wasi_unref(w);
}

static void numbers_are_replaced_and_closed(void **state)
{
    beamr_wasi *w = new_system(NULL);
    beamr_descriptor d = {.number = 1,
                          .kind = BEAMR_DESCRIPTOR_FILE,
                          .same_as = 1,
                          .rights = BEAMR_RIGHTS_DEFAULT,
                          .inheriting = BEAMR_RIGHTS_DEFAULT};

    (void)state;
    put_file(w, "f", "x");
    assert_int_equal(set(w, &d, "/f"), BEAMR_OK);
    assert_int_equal(told(w, 1).kind, BEAMR_DESCRIPTOR_FILE);
    assert_true(told(w, 1).has_default_rights);
    d.kind = BEAMR_DESCRIPTOR_STREAM;
    d.index = 1;
    assert_int_equal(set(w, &d, ""), BEAMR_OK);
    assert_int_equal(told(w, 1).kind, BEAMR_DESCRIPTOR_STREAM);
    assert_true(told(w, 1).has_default_rights);
    assert_int_equal(beamr_wasi_close_descriptor(w, 1, NULL), BEAMR_OK);
    assert_int_equal(beamr_wasi_close_descriptor(w, 1, NULL), BEAMR_NOT_FOUND);
    assert_int_equal(beamr_wasi_close_descriptor(w, UINT32_MAX, NULL), BEAMR_NOT_FOUND);
    beamr_wasi_unref(w);
}

static void bad_descriptors_change_nothing(void **state)
{
    beamr_wasi *w = new_system(NULL);
    const beamr_descriptor good = {.number = 5, .kind = BEAMR_DESCRIPTOR_FILE, .same_as = 5};
    beamr_descriptor d;

    (void)state;
    put_file(w, "f", "x");
#define BAD(field, value, path, status)                                                        \
    do {                                                                                       \
        d = good;                                                                              \
        d.field = value;                                                                       \
        assert_int_equal(set(w, &d, path), status);                                            \
        assert_int_equal(beamr_wasi_close_descriptor(w, d.number, NULL), BEAMR_NOT_FOUND);     \
    } while (0)
    BAD(number, 1024, "/f", BEAMR_LIMIT);
    BAD(number, UINT32_MAX, "/f", BEAMR_LIMIT);
    BAD(offset, (uint64_t)INT64_MAX + 1, "/f", BEAMR_ARGUMENT);
    BAD(flags, 32, "/f", BEAMR_ARGUMENT);
    BAD(rights, UINT64_C(1) << 40, "/f", BEAMR_ARGUMENT);
    BAD(same_as, 17, "/f", BEAMR_NOT_FOUND);
    BAD(offset, 1, "/missing", BEAMR_NOT_FOUND);
    BAD(offset, 1, "", BEAMR_NOT_FOUND);
    d = good;
    d.kind = BEAMR_DESCRIPTOR_STREAM;
    d.index = 3;
    assert_int_equal(set(w, &d, ""), BEAMR_ARGUMENT);
    d.kind = BEAMR_DESCRIPTOR_PREOPEN;
    d.index = 1;
    assert_int_equal(set(w, &d, ""), BEAMR_ARGUMENT);
    beamr_wasi_unref(w);
}

static beamr_status seed_of(void *user, uint8_t seed[32], beamr_error *err)
{
    (void)err;
    memset(seed, ++*(int *)user, 32);
    return BEAMR_OK;
}

static void a_renewed_system_has_its_own_time_and_random_numbers(void **state)
{
    int asked = 0;
    beamr_wasi_options o = {.user = &asked, .seed_of = seed_of};
    beamr_wasi *w = new_system(&o);
    uint8_t a[8], b[8], c[8];
    bool has_input;

    (void)state;
    beamr_wasi_renew(w, 5000);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_REALTIME), 5000);
    assert_int_equal(guest_wait(w, 100, false, &has_input, NULL), OK);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_MONOTONIC), 5100);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_PROCESS_CPU), 0);
    assert_int_equal(asked, 0);
    assert_int_equal(guest_random(w, a, 8, NULL), OK);
    assert_int_equal(guest_random(w, b, 8, NULL), OK);
    assert_int_equal(asked, 1);
    assert_memory_not_equal(a, b, 8);
    beamr_wasi_renew(w, 5000);
    assert_int_equal(guest_clock(w, BEAMR_CLOCK_REALTIME), 5000);
    assert_int_equal(guest_random(w, c, 8, NULL), OK);
    assert_int_equal(asked, 2);
    assert_memory_not_equal(a, c, 8);
    beamr_wasi_unref(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_system_has_streams_and_its_preopen),
        cmocka_unit_test(files_are_told_with_path_offset_flags_and_rights),
        cmocka_unit_test(paths_follow_what_happens_to_names),
        cmocka_unit_test(what_is_told_can_be_set),
        cmocka_unit_test(numbers_are_replaced_and_closed),
        cmocka_unit_test(bad_descriptors_change_nothing),
        cmocka_unit_test(a_renewed_system_has_its_own_time_and_random_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
