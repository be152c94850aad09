/* Paths: opening, making, moving, removing, with the errno of each mistake. */
#include "system_fixture.h"

static int setup(void **state)
{
    *state = new_system(NULL);
    return 0;
}

static int teardown(void **state)
{
    beamr_wasi_unref(*state);
    return 0;
}

/* ---- Opening ---- */

static void open_makes_a_file_and_finds_it_again(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = opened(w, at("a"), GUEST_OFLAG_CREAT, READ | WRITE);

    assert_int_equal(fd, 4);
    write_text(w, fd, "hello");
    assert_int_equal(guest_fd_close(w, fd), OK);
    fd = opened(w, at("a"), 0, READ);
    assert_reads(w, fd, "hello");
}

static void open_says_what_is_wrong_with_the_path(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "file", "");
    make_directory(w, "dir");
    assert_int_equal(open_error(w, at("none"), 0, 0), GUEST_ENOENT);
    assert_int_equal(open_error(w, at("none/x"), GUEST_OFLAG_CREAT, 0), GUEST_ENOENT);
    assert_int_equal(open_error(w, at(""), 0, 0), GUEST_ENOENT);
    assert_int_equal(open_error(w, at("file/x"), GUEST_OFLAG_CREAT, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at("file/"), 0, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at("file///"), 0, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at("new/"), GUEST_OFLAG_CREAT, 0), GUEST_EISDIR);
    assert_int_equal(open_error(w, at("dir/"), 0, 0), OK);
    assert_int_equal(open_error(w, at("dir///"), 0, 0), OK);
}

static void open_flags_decide(void **state)
{
    beamr_wasi *w = *state;
    unsigned create = GUEST_OFLAG_CREAT, excl = create | GUEST_OFLAG_EXCL;

    make_file(w, "file", "text");
    make_directory(w, "dir");
    assert_int_equal(open_error(w, at("file"), excl, 0), GUEST_EEXIST);
    assert_int_equal(open_error(w, at("dir"), excl, 0), GUEST_EEXIST);
    assert_int_equal(open_error(w, at("new"), excl, 0), OK);
    assert_int_equal(open_error(w, at("file"), GUEST_OFLAG_DIRECTORY, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at("dir"), create, 0), GUEST_EISDIR);
    assert_int_equal(open_error(w, at("dir"), GUEST_OFLAG_TRUNC, 0), GUEST_EISDIR);
    assert_int_equal(open_error(w, at("dir"), 0, WRITE), GUEST_EISDIR);
    assert_int_equal(open_error(w, at("dir"), GUEST_OFLAG_DIRECTORY, READ | WRITE),
                     GUEST_EISDIR);
    assert_int_equal(open_error(w, at("x"), create | GUEST_OFLAG_DIRECTORY, 0), GUEST_EINVAL);
    assert_int_equal(open_error(w, at("x"), 0x10, 0), GUEST_EINVAL);
    assert_int_equal(stat_of(w, at("file")).size, 4);
    assert_int_equal(open_error(w, at("file"), GUEST_OFLAG_TRUNC, 0), OK);
    assert_int_equal(stat_of(w, at("file")).size, 0);
}

static void truncating_needs_no_right_to_write(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "f", "text");
    assert_int_equal(drop_rights(w, ROOT, 0, GUEST_RIGHT_FD_FILESTAT_SET_SIZE), OK);
    assert_int_equal(open_error(w, at("f"), GUEST_OFLAG_TRUNC, 0), OK);
    assert_int_equal(drop_rights(w, ROOT, GUEST_RIGHT_PATH_FILESTAT_SET_SIZE, 0), OK);
    assert_int_equal(open_error(w, at("f"), GUEST_OFLAG_TRUNC, 0), GUEST_ENOTCAPABLE);
    assert_int_equal(open_error(w, at("f"), 0, 0), OK);
}

static void a_link_is_opened_only_when_followed(void **state)
{
    beamr_wasi *w = *state;
    unsigned excl = GUEST_OFLAG_CREAT | GUEST_OFLAG_EXCL;

    make_file(w, "file", "");
    make_directory(w, "dir");
    assert_int_equal(symlink_at(w, "file", at("to_file")), OK);
    assert_int_equal(symlink_at(w, "dir", at("to_dir")), OK);
    assert_int_equal(symlink_at(w, "made", at("dangling")), OK);
    assert_int_equal(symlink_at(w, "loop", at("loop")), OK);
    assert_int_equal(open_error(w, at("to_file"), 0, 0), GUEST_ELOOP);
    assert_int_equal(open_error(w, followed(at("to_file")), 0, 0), OK);
    assert_int_equal(open_error(w, not_followed(posix("to_file")), 0, READ), GUEST_ELOOP);
    assert_int_equal(open_error(w, at("to_dir"), GUEST_OFLAG_DIRECTORY, 0), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, followed(at("to_dir")), GUEST_OFLAG_DIRECTORY, 0), OK);
    assert_int_equal(open_error(w, at("to_dir/"), GUEST_OFLAG_DIRECTORY, 0), OK);
    assert_int_equal(open_error(w, followed(at("to_file")), GUEST_OFLAG_DIRECTORY, 0),
                     GUEST_ENOTDIR);
    assert_int_equal(open_error(w, followed(at("loop")), 0, 0), GUEST_ELOOP);
    assert_int_equal(open_error(w, at("loop/x"), 0, 0), GUEST_ELOOP);
    assert_int_equal(open_error(w, followed(at("dangling")), 0, 0), GUEST_ENOENT);
    assert_int_equal(open_error(w, followed(at("dangling")), excl, 0), GUEST_EEXIST);
    assert_int_equal(open_error(w, followed(at("dangling")), GUEST_OFLAG_CREAT, 0), OK);
    assert_int_equal(stat_of(w, at("made")).type, GUEST_FILETYPE_REGULAR_FILE);
}

static void wasi_never_leaves_its_directory(void **state)
{
    beamr_wasi *w = *state;
    uint32_t d;

    make_directory(w, "d");
    make_directory(w, "d/e");
    make_file(w, "secret", "");
    make_file(w, "d/f", "");
    d = open_directory(w, "d");
    assert_int_equal(stat_error(w, at_fd(d, "f")), OK);
    assert_int_equal(stat_error(w, at_fd(d, "e/.././/e/../f")), OK);
    assert_int_equal(stat_error(w, at_fd(d, "..")), GUEST_EPERM);
    assert_int_equal(stat_error(w, at_fd(d, "../secret")), GUEST_EPERM);
    assert_int_equal(stat_error(w, at_fd(d, "e/../../d/f")), GUEST_EPERM);
    assert_int_equal(stat_error(w, at_fd(d, "/d/f")), GUEST_EPERM);
    assert_int_equal(stat_error(w, at("/secret")), GUEST_EPERM);
    assert_int_equal(symlink_at(w, "../../secret", at("d/e/out")), OK);
    assert_int_equal(stat_error(w, followed(at_fd(d, "e/out"))), GUEST_EPERM);
    assert_int_equal(stat_error(w, followed(at("d/e/out"))), OK);
    assert_int_equal(symlink_at(w, "/secret", posix("/d/absolute")), OK);
    assert_int_equal(stat_error(w, followed(at("d/absolute"))), GUEST_EPERM);
}

static void a_process_goes_wherever_it_likes(void **state)
{
    beamr_wasi *w = *state;
    guest_place d = posix("d"), from_d = {.is_posix = true};

    make_directory(w, "d");
    make_file(w, "f", "");
    assert_int_equal(guest_path_chdir(w, &d), OK);
    assert_int_equal(stat_error(w, posix("../f")), OK);
    assert_int_equal(stat_error(w, posix("../../../f")), OK);
    assert_int_equal(stat_error(w, posix("/f")), OK);
    assert_int_equal(stat_error(w, posix("f")), GUEST_ENOENT);
    assert_int_equal(symlink_at(w, "/f", posix("l")), OK);
    assert_int_equal(stat_error(w, posix("l")), OK);
    from_d.fd = open_directory(w, "d");
    from_d.path = beamr_bytes_of("../f");
    assert_int_equal(stat_error(w, from_d), OK);
    from_d.fd = 17;
    assert_int_equal(stat_error(w, from_d), GUEST_EBADF);
    from_d.path = beamr_bytes_of("/f"); /* then the descriptor doesn't matter */
    assert_int_equal(stat_error(w, from_d), OK);
}

static void a_place_begins_at_an_open_directory(void **state)
{
    beamr_wasi *w = *state;
    uint32_t file = open_file_at(w, "f");
    guest_place p = at("x");

    assert_int_equal(stat_error(w, at_fd(17, "x")), GUEST_EBADF);
    assert_int_equal(stat_error(w, at_fd(file, "x")), GUEST_ENOTDIR);
    assert_int_equal(stat_error(w, at_fd(0, "x")), GUEST_ENOTDIR);
    assert_int_equal(open_error(w, at_fd(file, "x"), GUEST_OFLAG_CREAT, 0), GUEST_ENOTDIR);
    p.fd = GUEST_CWD; /* means nothing to WASI */
    assert_int_equal(stat_error(w, p), GUEST_EBADF);
    p.fd = INT64_MAX;
    assert_int_equal(stat_error(w, p), GUEST_EBADF);
    p.fd = (INT64_C(1) << 32) + ROOT;
    assert_int_equal(stat_error(w, p), GUEST_EBADF);
    p.is_posix = true;
    p.fd = -1;
    assert_int_equal(stat_error(w, p), GUEST_EBADF);
}

static void names_and_paths_have_limits(void **state)
{
    beamr_wasi *w = *state;
    char *path = malloc(10001);
    guest_place p = {.fd = ROOT, .path = {(const uint8_t *)path, 256}};

    assert_non_null(path);
    memset(path, 'x', 10000);
    path[10000] = 0;
    assert_int_equal(open_error(w, p, GUEST_OFLAG_CREAT, 0), GUEST_ENAMETOOLONG);
    p.path.len = 255;
    assert_int_equal(open_error(w, p, GUEST_OFLAG_CREAT, 0), OK);
    p.path.len = 10000;
    assert_int_equal(stat_error(w, p), GUEST_ENAMETOOLONG);
    assert_int_equal(symlink_at(w, path, at("l")), GUEST_ENAMETOOLONG);
    for (size_t i = 1; i < 10000; i += 2)
        memcpy(path + i - 1, "./", 2);
    assert_int_equal(stat_error(w, p), GUEST_ENAMETOOLONG);
    p.path.len = 4096;
    assert_int_equal(stat_error(w, p), GUEST_ENAMETOOLONG);
    p.path.len = 4095;
    assert_int_equal(stat_error(w, p), OK);
    p.path = (beamr_bytes){(const uint8_t *)"a\0b", 3};
    assert_int_equal(open_error(w, p, GUEST_OFLAG_CREAT, 0), GUEST_EINVAL);
    free(path);
}

/* ---- Looking and setting ---- */

static void filestat_tells_of_a_link_or_its_target(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "f", "1234567");
    assert_int_equal(symlink_at(w, "f", at("l")), OK);
    assert_int_equal(stat_of(w, at("l")).type, GUEST_FILETYPE_SYMBOLIC_LINK);
    assert_int_equal(stat_of(w, at("l")).size, 1);
    assert_int_equal(stat_of(w, followed(at("l"))).size, 7);
    assert_int_equal(stat_of(w, followed(at("l"))).ino, stat_of(w, at("f")).ino);
    assert_int_equal(stat_error(w, at("f/")), GUEST_ENOTDIR);
    assert_int_equal(stat_error(w, at("l/")), GUEST_ENOTDIR);
    assert_int_equal(stat_error(w, at("none/")), GUEST_ENOENT);
    assert_int_equal(stat_of(w, at(".")).type, GUEST_FILETYPE_DIRECTORY);
    assert_int_equal(stat_of(w, posix("/")).ino, stat_of(w, at(".")).ino);
}

static void times_are_set_on_a_link_or_its_target(void **state)
{
    beamr_wasi *w = *state;
    guest_place l = at("l"), target = followed(at("l")), none = at("none");
    guest_times t = {.set_atim = true, .set_mtim = true, .atim = 7, .mtim = 8};

    make_file(w, "f", "");
    assert_int_equal(symlink_at(w, "f", at("l")), OK);
    assert_int_equal(guest_path_set_times(w, &l, &t), OK);
    assert_int_equal(stat_of(w, l).mtim, 8);
    assert_int_equal(stat_of(w, at("f")).mtim, 0);
    t.mtim = 9;
    assert_int_equal(guest_path_set_times(w, &target, &t), OK);
    assert_int_equal(stat_of(w, at("f")).mtim, 9);
    assert_int_equal(stat_of(w, at("f")).atim, 7);
    assert_int_equal(stat_of(w, l).mtim, 8);
    assert_int_equal(guest_path_set_times(w, &none, &t), GUEST_ENOENT);
    t.mtim_now = true;
    assert_int_equal(guest_path_set_times(w, &l, &t), GUEST_EINVAL);
    assert_int_equal(stat_of(w, l).mtim, 8);
}

static void resize_is_for_files(void **state)
{
    beamr_wasi *w = *state;
    guest_place f = posix("f"), d = posix("d"), none = posix("none");

    make_file(w, "f", "123");
    make_directory(w, "d");
    assert_int_equal(guest_path_resize(w, &f, 2), OK);
    assert_int_equal(stat_of(w, at("f")).size, 2);
    assert_int_equal(guest_path_resize(w, &d, 2), GUEST_EISDIR);
    assert_int_equal(guest_path_resize(w, &none, 2), GUEST_ENOENT);
    assert_int_equal(guest_path_resize(w, &f, UINT64_MAX), GUEST_EINVAL);
    assert_int_equal(guest_path_resize(w, &f, UINT64_C(1) << 60), GUEST_EFBIG);
    assert_int_equal(stat_of(w, at("f")).size, 2);
}

static guest_errno readlink_error(beamr_wasi *w, guest_place p, size_t size)
{
    char buf[16];
    size_t used;

    return guest_path_readlink(w, &p, buf, size, &used);
}

static void readlink_gives_what_fits(void **state)
{
    beamr_wasi *w = *state;
    guest_place l = followed(at("l")); /* which means nothing here */
    char buf[8] = ".......";
    size_t used = 0;

    make_file(w, "f", "");
    make_directory(w, "d");
    assert_int_equal(symlink_at(w, "target", l), OK);
    assert_int_equal(guest_path_readlink(w, &l, buf, sizeof buf, &used), OK);
    assert_int_equal(used, 6);
    assert_memory_equal(buf, "target.", 8);
    assert_int_equal(guest_path_readlink(w, &l, buf, 3, &used), OK);
    assert_int_equal(used, 3);
    assert_int_equal(readlink_error(w, l, 0), OK);
    assert_int_equal(readlink_error(w, posix("l"), 0), GUEST_EINVAL);
    assert_int_equal(readlink_error(w, at("f"), 8), GUEST_EINVAL);
    assert_int_equal(readlink_error(w, at("d"), 8), GUEST_EINVAL);
    assert_int_equal(readlink_error(w, at("none"), 8), GUEST_ENOENT);
    assert_int_equal(readlink_error(w, at("f/x"), 8), GUEST_ENOTDIR);
}

static void the_current_directory_can_vanish(void **state)
{
    beamr_wasi *w = *state;
    guest_place d = at("d"), cwd = posix("d"), f = posix("f"), none = posix("none");
    char buf[8];
    size_t len;

    make_directory(w, "d");
    make_file(w, "f", "");
    assert_int_equal(guest_path_chdir(w, &f), GUEST_ENOTDIR);
    assert_int_equal(guest_path_chdir(w, &none), GUEST_ENOENT);
    assert_int_equal(guest_cwd(w, buf, 2, &len), OK);
    assert_string_equal(buf, "/");
    assert_int_equal(guest_cwd(w, buf, 1, &len), GUEST_ERANGE);
    assert_int_equal(guest_path_chdir(w, &cwd), OK);
    assert_int_equal(guest_cwd(w, buf, sizeof buf, &len), OK);
    assert_int_equal(len, 2);
    assert_string_equal(buf, "/d");
    assert_int_equal(guest_path_rmdir(w, &d), OK);
    assert_int_equal(guest_cwd(w, buf, sizeof buf, &len), GUEST_ENOENT);
    assert_int_equal(open_error(w, posix("x"), GUEST_OFLAG_CREAT, WRITE), GUEST_ENOENT);
    assert_int_equal(stat_error(w, posix("/f")), OK);
}

/* ---- Making ---- */

static void mkdir_wants_a_free_name(void **state)
{
    beamr_wasi *w = *state;

    assert_int_equal(mkdir_at(w, at("d")), OK);
    assert_int_equal(mkdir_at(w, at("d/e/")), OK);
    assert_int_equal(mkdir_at(w, at("d")), GUEST_EEXIST);
    assert_int_equal(mkdir_at(w, at("d/")), GUEST_EEXIST);
    assert_int_equal(mkdir_at(w, at(".")), GUEST_EEXIST);
    assert_int_equal(mkdir_at(w, posix("/")), GUEST_EEXIST);
    assert_int_equal(mkdir_at(w, at("none/d")), GUEST_ENOENT);
    assert_int_equal(mkdir_at(w, at("")), GUEST_ENOENT);
    make_file(w, "f", "");
    assert_int_equal(mkdir_at(w, at("f")), GUEST_EEXIST);
    assert_int_equal(mkdir_at(w, at("f/d")), GUEST_ENOTDIR);
    assert_int_equal(symlink_at(w, "nowhere", at("l")), OK);
    assert_int_equal(mkdir_at(w, at("l")), GUEST_EEXIST);
}

static void directories_have_a_greatest_depth(void **state)
{
    beamr_wasi *w = *state;
    guest_place p = posix("d");
    unsigned depth = 0;
    guest_errno e;

    while ((e = guest_path_mkdir(w, &p)) == OK) {
        assert_int_equal(guest_path_chdir(w, &p), OK);
        assert_true(++depth <= 128);
    }
    assert_int_equal(e, GUEST_EMLINK);
    assert_int_equal(depth, 128);
}

static void symlink_wants_a_free_name_and_a_target(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "f", "");
    make_directory(w, "d");
    assert_int_equal(symlink_at(w, "any/where", at("l")), OK);
    assert_int_equal(symlink_at(w, "x", at("l")), GUEST_EEXIST);
    assert_int_equal(symlink_at(w, "x", at("f")), GUEST_EEXIST);
    assert_int_equal(symlink_at(w, "x", at("d")), GUEST_EEXIST);
    assert_int_equal(symlink_at(w, "x", at("d/")), GUEST_EEXIST);
    assert_int_equal(symlink_at(w, "x", at("new/")), GUEST_ENOENT);
    assert_int_equal(symlink_at(w, "x", at("f/")), GUEST_ENOTDIR);
    assert_int_equal(symlink_at(w, "x", posix("f/")), GUEST_EEXIST);
    assert_int_equal(symlink_at(w, "x", at("none/l")), GUEST_ENOENT);
    assert_int_equal(symlink_at(w, "", at("new")), GUEST_ENOENT);
    assert_int_equal(symlink_at(w, "/", at("new")), GUEST_EPERM);
    assert_int_equal(symlink_at(w, "/", posix("new")), OK);
}

static guest_errno link_at(beamr_wasi *w, guest_place from, guest_place to)
{
    return guest_path_link(w, &from, &to);
}

static void link_gives_a_second_name(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "f", "text");
    assert_int_equal(link_at(w, at("f"), at("g")), OK);
    assert_int_equal(stat_of(w, at("g")).ino, stat_of(w, at("f")).ino);
    assert_int_equal(stat_of(w, at("g")).nlink, 2);
    assert_int_equal(symlink_at(w, "nowhere", at("l")), OK);
    assert_int_equal(link_at(w, at("l"), at("l2")), OK);
    assert_int_equal(stat_of(w, at("l2")).type, GUEST_FILETYPE_SYMBOLIC_LINK);
}

static void link_refuses_what_linux_refuses(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "f", "");
    make_directory(w, "d");
    assert_int_equal(symlink_at(w, "f", at("l")), OK);
    assert_int_equal(link_at(w, at("f"), at("f")), GUEST_EEXIST);
    assert_int_equal(link_at(w, at("f"), at("d")), GUEST_EEXIST);
    assert_int_equal(link_at(w, at("f"), at("l")), GUEST_EEXIST);
    assert_int_equal(link_at(w, at("d"), at("new")), GUEST_EPERM);
    assert_int_equal(link_at(w, at("."), at("new")), GUEST_EPERM);
    assert_int_equal(link_at(w, at("f"), at("new/")), GUEST_ENOENT);
    assert_int_equal(link_at(w, at("f/"), at("new")), GUEST_ENOTDIR);
    assert_int_equal(link_at(w, at("none"), at("new")), GUEST_ENOENT);
    assert_int_equal(link_at(w, at("f"), at("none/new")), GUEST_ENOENT);
    assert_int_equal(link_at(w, followed(at("l")), at("new")), GUEST_EINVAL);
    assert_int_equal(link_at(w, posix("l"), posix("new")), OK);
    assert_int_equal(stat_of(w, at("new")).type, GUEST_FILETYPE_REGULAR_FILE);
}

/* ---- Removing and moving ---- */

static guest_errno rmdir_at(beamr_wasi *w, guest_place p)
{
    return guest_path_rmdir(w, &p);
}

static void rmdir_takes_an_empty_directory(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "f", "");
    make_directory(w, "d");
    make_directory(w, "d/e");
    assert_int_equal(symlink_at(w, "d", at("l")), OK);
    assert_int_equal(rmdir_at(w, at("d")), GUEST_ENOTEMPTY);
    assert_int_equal(rmdir_at(w, at("d/.")), GUEST_EINVAL);
    assert_int_equal(rmdir_at(w, at(".")), GUEST_EINVAL);
    assert_int_equal(rmdir_at(w, at("./")), GUEST_EINVAL);
    assert_int_equal(rmdir_at(w, at("d/e/..")), GUEST_ENOTEMPTY);
    assert_int_equal(rmdir_at(w, posix("/")), GUEST_EBUSY);
    assert_int_equal(rmdir_at(w, at("f")), GUEST_ENOTDIR);
    assert_int_equal(rmdir_at(w, at("f/")), GUEST_ENOTDIR);
    assert_int_equal(rmdir_at(w, at("l")), GUEST_ENOTDIR);
    assert_int_equal(rmdir_at(w, at("l/")), GUEST_ENOTDIR);
    assert_int_equal(rmdir_at(w, at("none")), GUEST_ENOENT);
    assert_int_equal(rmdir_at(w, at("d/e/")), OK);
    assert_int_equal(rmdir_at(w, at("d")), OK);
    assert_int_equal(stat_error(w, at("d")), GUEST_ENOENT);
}

static guest_errno unlink_at(beamr_wasi *w, guest_place p)
{
    return guest_path_unlink(w, &p);
}

static void unlink_takes_what_is_no_directory(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "f", "");
    make_directory(w, "d");
    assert_int_equal(symlink_at(w, "d", at("l")), OK);
    assert_int_equal(unlink_at(w, at("d")), GUEST_EISDIR);
    assert_int_equal(unlink_at(w, at("d/")), GUEST_EISDIR);
    assert_int_equal(unlink_at(w, at(".")), GUEST_EISDIR);
    assert_int_equal(unlink_at(w, posix("/")), GUEST_EISDIR);
    assert_int_equal(unlink_at(w, at("f/")), GUEST_ENOTDIR);
    assert_int_equal(unlink_at(w, at("none")), GUEST_ENOENT);
    assert_int_equal(unlink_at(w, at("none/")), GUEST_ENOENT);
    assert_int_equal(unlink_at(w, at("f")), OK);
    assert_int_equal(unlink_at(w, followed(at("l"))), OK);
    assert_int_equal(stat_error(w, at("d")), OK);
}

static guest_errno rename_at(beamr_wasi *w, guest_place from, guest_place to)
{
    return guest_path_rename(w, &from, &to);
}

static void rename_replaces_like_by_like(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd;

    make_file(w, "a", "A");
    make_file(w, "b", "B");
    fd = opened(w, at("b"), 0, READ);
    assert_int_equal(rename_at(w, at("a"), at("b")), OK);
    assert_int_equal(stat_error(w, at("a")), GUEST_ENOENT);
    assert_reads(w, fd, "B"); /* what was open stays what it is */
    assert_reads(w, opened(w, at("b"), 0, READ), "A");
    make_directory(w, "d");
    make_directory(w, "e");
    assert_int_equal(rename_at(w, at("d"), at("e")), OK);
    make_directory(w, "d");
    make_file(w, "e/f", "");
    assert_int_equal(rename_at(w, at("d"), at("e")), GUEST_ENOTEMPTY);
    assert_int_equal(rename_at(w, at("d"), at("b")), GUEST_ENOTDIR);
    assert_int_equal(rename_at(w, at("b"), at("d")), GUEST_EISDIR);
    assert_int_equal(rename_at(w, at("b"), at("b")), OK);
    assert_int_equal(stat_error(w, at("b")), OK);
}

static void rename_refuses_what_linux_refuses(void **state)
{
    beamr_wasi *w = *state;

    make_file(w, "f", "");
    make_directory(w, "d");
    make_directory(w, "d/e");
    assert_int_equal(rename_at(w, at("none"), at("x")), GUEST_ENOENT);
    assert_int_equal(rename_at(w, at("f"), at("none/x")), GUEST_ENOENT);
    assert_int_equal(rename_at(w, at("d"), at("d/e/x")), GUEST_EINVAL);
    assert_int_equal(rename_at(w, at("d/e"), at("d")), GUEST_ENOTEMPTY);
    assert_int_equal(rename_at(w, at("f/"), at("x")), GUEST_ENOTDIR);
    assert_int_equal(rename_at(w, at("f"), at("x/")), GUEST_ENOTDIR);
    assert_int_equal(rename_at(w, at("."), at("x")), GUEST_EBUSY);
    assert_int_equal(rename_at(w, at("d"), at(".")), GUEST_EBUSY);
    assert_int_equal(rename_at(w, at("d/e/.."), at("x")), GUEST_EBUSY);
    assert_int_equal(rename_at(w, at("f"), posix("/")), GUEST_EBUSY);
}

static void directories_are_renamed_with_slashes_too(void **state)
{
    beamr_wasi *w = *state;

    make_directory(w, "source");
    assert_int_equal(rename_at(w, at("source/"), at("target")), OK);
    assert_int_equal(rename_at(w, at("target"), at("source/")), OK);
    assert_int_equal(rename_at(w, at("source/"), at("target/")), OK);
    assert_int_equal(stat_error(w, at("target")), OK);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open_makes_a_file_and_finds_it_again),
        TEST(open_says_what_is_wrong_with_the_path),
        TEST(open_flags_decide),
        TEST(truncating_needs_no_right_to_write),
        TEST(a_link_is_opened_only_when_followed),
        TEST(wasi_never_leaves_its_directory),
        TEST(a_process_goes_wherever_it_likes),
        TEST(a_place_begins_at_an_open_directory),
        TEST(names_and_paths_have_limits),
        TEST(filestat_tells_of_a_link_or_its_target),
        TEST(times_are_set_on_a_link_or_its_target),
        TEST(resize_is_for_files),
        TEST(readlink_gives_what_fits),
        TEST(the_current_directory_can_vanish),
        TEST(mkdir_wants_a_free_name),
        TEST(directories_have_a_greatest_depth),
        TEST(symlink_wants_a_free_name_and_a_target),
        TEST(link_gives_a_second_name),
        TEST(link_refuses_what_linux_refuses),
        TEST(rmdir_takes_an_empty_directory),
        TEST(unlink_takes_what_is_no_directory),
        TEST(rename_replaces_like_by_like),
        TEST(rename_refuses_what_linux_refuses),
        TEST(directories_are_renamed_with_slashes_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
