/* Making a system, and its descriptors: numbers, duplicates, rights, flags, sizes and times,
 * with the errno of each mistake. */
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

static guest_fdstat fdstat_of(beamr_wasi *w, uint32_t fd)
{
    guest_fdstat s = {0};

    assert_int_equal(guest_fd_fdstat(w, fd, &s), OK);
    return s;
}

static guest_filestat filestat_of(beamr_wasi *w, uint32_t fd)
{
    guest_filestat s = {0};

    assert_int_equal(guest_fd_filestat(w, fd, &s), OK);
    return s;
}

static bool is_open(beamr_wasi *w, uint32_t fd)
{
    guest_fdstat s;

    return guest_fd_fdstat(w, fd, &s) == OK;
}

/* ---- Making ---- */

static void without_options_there_are_streams_and_the_root(void **state)
{
    beamr_wasi *w = *state;
    beamr_bytes name;

    for (uint32_t fd = 0; fd < 3; fd++) {
        assert_int_equal(fdstat_of(w, fd).type, GUEST_FILETYPE_CHARACTER_DEVICE);
        assert_int_equal(guest_fd_prestat(w, fd, &name), GUEST_EBADF);
    }
    assert_int_equal(fdstat_of(w, ROOT).type, GUEST_FILETYPE_DIRECTORY);
    assert_int_equal(guest_fd_prestat(w, ROOT, &name), OK);
    assert_memory_equal(name.data, "/", 2);
    assert_int_equal(name.len, 1);
    assert_int_equal(guest_fd_prestat(w, 4, &name), GUEST_EBADF);
    assert_int_equal(guest_arg_count(w), 0);
    assert_int_equal(guest_env_count(w), 0);
}

static void arguments_and_environment_are_copied(void **state)
{
    char program[] = "prog", pair[] = "A=1";
    const char *args[] = {program, "", "two words"}, *env[] = {pair, "B=", "C==c"};
    beamr_wasi_options o = {.args = args, .arg_count = 3, .env = env, .env_count = 3};
    beamr_wasi *w = new_system(&o);

    (void)state;
    program[0] = pair[0] = '#';
    assert_int_equal(guest_arg_count(w), 3);
    assert_string_equal((const char *)guest_arg(w, 0).data, "prog");
    assert_int_equal(guest_arg(w, 1).len, 0);
    assert_int_equal(guest_arg(w, 2).len, 9);
    assert_int_equal(guest_env_count(w), 3);
    assert_string_equal((const char *)guest_env(w, 0).data, "A=1");
    assert_string_equal((const char *)guest_env(w, 2).data, "C==c");
    beamr_wasi_unref(w);
}

static void assert_refused(const beamr_wasi_options *o, beamr_status status, const char *text)
{
    beamr_wasi *w = NULL;
    beamr_error err = {0};

    assert_int_equal(beamr_wasi_new(o, &w, &err), status);
    assert_null(w);
    assert_int_equal(err.status, status);
    if (!strstr(err.text, text))
        fail_msg("'%s' is not in '%s'", text, err.text);
}

static void bad_options_are_refused_by_name(void **state)
{
    beamr_wasi *w = *state;
    const char *env[] = {"A=1", "broken"};
    beamr_preopen file = {.path = "file"}, none = {.path = "none"};
    beamr_wasi_options o = {.env = env, .env_count = 2};

    make_file(w, "file", "");
    assert_refused(&o, BEAMR_ARGUMENT, "'broken'");
    o = (beamr_wasi_options){.vfs = beamr_wasi_vfs(w), .preopens = &file, .preopen_count = 1};
    assert_refused(&o, BEAMR_ARGUMENT, "'file': not a directory");
    o.preopens = &none;
    assert_refused(&o, BEAMR_ARGUMENT, "'none': no such file");
    o = (beamr_wasi_options){.cwd = "/nowhere"};
    assert_refused(&o, BEAMR_ARGUMENT, "'/nowhere'");
    o = (beamr_wasi_options){.max_open = 3};
    assert_refused(&o, BEAMR_LIMIT, "3 descriptors");
    o = (beamr_wasi_options){.max_open = 1u << 20};
    assert_refused(&o, BEAMR_LIMIT, "at most 65536");
}

static void too_many_bytes_of_arguments_are_refused(void **state)
{
    size_t len = 8u << 20;
    char *half = malloc(len);
    const char *args[] = {half, half};
    beamr_wasi_options o = {.args = args, .arg_count = 2};
    beamr_wasi *w;

    (void)state;
    assert_non_null(half);
    memset(half, 'x', len);
    half[len - 1] = 0;
    w = new_system(&o); /* 16 MiB with the NULs */
    beamr_wasi_unref(w);
    o.env = (const char *const[]){"A=", half};
    o.env_count = 2;
    half[0] = '=';
    w = new_system(&o);
    beamr_wasi_unref(w);
    o = (beamr_wasi_options){.args = (const char *const[]){half, half, ""}, .arg_count = 3};
    assert_refused(&o, BEAMR_LIMIT, "arguments");
    free(half);
}

static void preopens_have_their_names_and_places(void **state)
{
    beamr_wasi *w = *state, *second;
    beamr_preopen preopens[] = {{.path = "/a", .name = "."}, {.path = "a/b"}};
    beamr_wasi_options o = {
        .vfs = beamr_wasi_vfs(w), .preopens = preopens, .preopen_count = 2, .cwd = "/a/b"};
    beamr_bytes name;
    char cwd[16];
    size_t len;

    make_directory(w, "a");
    make_directory(w, "a/b");
    make_file(w, "a/b/file", "x");
    second = new_system(&o);
    assert_ptr_equal(beamr_wasi_vfs(second), beamr_wasi_vfs(w));
    assert_int_equal(guest_fd_prestat(second, 3, &name), OK);
    assert_memory_equal(name.data, ".", 2);
    assert_int_equal(guest_fd_prestat(second, 4, &name), OK);
    assert_memory_equal(name.data, "a/b", 4);
    assert_int_equal(stat_error(second, at_fd(3, "b/file")), OK);
    assert_int_equal(stat_error(second, at_fd(4, "file")), OK);
    assert_int_equal(stat_error(second, posix("file")), OK);
    assert_int_equal(guest_cwd(second, cwd, sizeof cwd, &len), OK);
    assert_string_equal(cwd, "/a/b");
    beamr_wasi_unref(second);
}

static void no_preopens_are_possible_too(void **state)
{
    beamr_preopen unused = {0};
    beamr_wasi_options o = {.preopens = &unused};
    beamr_wasi *w = new_system(&o);

    (void)state;
    assert_false(is_open(w, 3));
    assert_int_equal(open_error(w, posix("f"), GUEST_OFLAG_CREAT, WRITE), OK);
    beamr_wasi_unref(w);
}

static void a_system_is_counted(void **state)
{
    beamr_wasi *w = new_system(NULL);

    (void)state;
    assert_ptr_equal(beamr_wasi_ref(w), w);
    beamr_wasi_unref(w);
    assert_true(is_open(w, 0));
    beamr_wasi_unref(w);
    beamr_wasi_unref(NULL);
}

/* ---- Numbers ---- */

static void numbers_are_the_smallest_free(void **state)
{
    beamr_wasi *w = *state;

    assert_int_equal(open_file_at(w, "f"), 4);
    assert_int_equal(open_file_at(w, "f"), 5);
    assert_int_equal(open_file_at(w, "f"), 6);
    assert_int_equal(guest_fd_close(w, 5), OK);
    assert_int_equal(guest_fd_close(w, 0), OK);
    assert_int_equal(open_file_at(w, "f"), 0);
    assert_int_equal(open_file_at(w, "f"), 5);
    assert_int_equal(open_file_at(w, "f"), 7);
}

static void closing_what_is_not_open_is_ebadf(void **state)
{
    beamr_wasi *w = *state;

    assert_int_equal(guest_fd_close(w, 4), GUEST_EBADF);
    assert_int_equal(guest_fd_close(w, 5000), GUEST_EBADF);
    assert_int_equal(guest_fd_close(w, UINT32_MAX), GUEST_EBADF);
    assert_int_equal(guest_fd_close(w, 1), OK);
    assert_int_equal(guest_fd_close(w, 1), GUEST_EBADF);
    assert_int_equal(write_error(w, 1, "x"), GUEST_EBADF);
    assert_int_equal(guest_fd_close(w, ROOT), OK);
    assert_int_equal(stat_error(w, at("x")), GUEST_EBADF);
}

static void at_most_max_open_are_open(void **state)
{
    beamr_wasi_options o = {.max_open = 6};
    beamr_wasi *w = new_system(&o);
    uint32_t fd;

    (void)state;
    assert_int_equal(open_file_at(w, "f"), 4);
    assert_int_equal(open_file_at(w, "f"), 5);
    assert_int_equal(open_as(w, at("new"), GUEST_OFLAG_CREAT, READ, 0, &fd), GUEST_EMFILE);
    assert_int_equal(stat_error(w, at("new")), GUEST_ENOENT); /* it was not made */
    assert_int_equal(guest_fd_dup(w, 4, 0, &fd), GUEST_EMFILE);
    assert_int_equal(guest_fd_dup3(w, 4, 6), GUEST_EBADF);
    assert_int_equal(guest_fd_close(w, 4), OK);
    assert_int_equal(guest_fd_dup(w, 5, 5, &fd), GUEST_EMFILE);
    assert_int_equal(guest_fd_dup(w, 5, 0, &fd), OK);
    assert_int_equal(fd, 4);
    beamr_wasi_unref(w);
}

static void a_thousand_can_be_open_by_default(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd;

    for (unsigned i = 4; i < 1024; i++)
        assert_int_equal(open_file_at(w, "f"), i);
    assert_int_equal(open_as(w, at("f"), 0, READ, 0, &fd), GUEST_EMFILE);
}

/* ---- Moving and duplicating ---- */

static void renumber_moves_onto_an_open_number(void **state)
{
    beamr_wasi *w = *state;
    uint32_t a = open_file_at(w, "a"), b = open_file_at(w, "b");
    guest_fdstat before = fdstat_of(w, a);

    write_text(w, a, "aaa");
    assert_int_equal(guest_fd_renumber(w, a, b), OK);
    assert_false(is_open(w, a));
    assert_int_equal(fdstat_of(w, b).rights, before.rights);
    assert_int_equal(seek(w, b, 0, 1), 3);
    assert_int_equal(filestat_of(w, b).ino, stat_of(w, at("a")).ino);
    assert_int_equal(guest_fd_renumber(w, b, b), OK);
    assert_int_equal(guest_fd_renumber(w, b, a), GUEST_EBADF);
    assert_int_equal(guest_fd_renumber(w, a, b), GUEST_EBADF);
    assert_int_equal(open_file_at(w, "c"), a);
}

static void streams_and_preopens_can_be_renumbered(void **state)
{
    beamr_wasi *w = *state;
    uint32_t dir = open_directory(w, "."), fd;
    beamr_bytes name;

    assert_int_equal(guest_fd_renumber(w, dir, ROOT), OK);
    assert_int_equal(guest_fd_prestat(w, ROOT, &name), GUEST_EBADF);
    assert_int_equal(stat_error(w, at(".")), OK);
    fd = open_file_at(w, "f");
    assert_int_equal(guest_fd_renumber(w, 1, fd), OK);
    assert_false(is_open(w, 1));
    assert_int_equal(fdstat_of(w, fd).type, GUEST_FILETYPE_CHARACTER_DEVICE);
    write_text(w, fd, "to stdout");
}

static void duplicates_share_position_and_flags(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f"), copy = 0;
    beamr_bytes name;

    write_text(w, fd, "0123456789");
    assert_int_equal(guest_fd_dup(w, fd, 0, &copy), OK);
    assert_int_equal(copy, fd + 1);
    assert_int_equal(seek(w, fd, 4, 0), 4);
    assert_reads(w, copy, "456789");
    assert_int_equal(guest_fd_set_flags(w, copy, GUEST_FDFLAG_APPEND), OK);
    assert_int_equal(fdstat_of(w, fd).flags, GUEST_FDFLAG_APPEND);
    assert_int_equal(guest_fd_close(w, fd), OK);
    assert_int_equal(seek(w, copy, 8, 0), 8);
    assert_reads(w, copy, "89");
    assert_int_equal(guest_fd_dup(w, ROOT, 9, &copy), OK);
    assert_int_equal(copy, 9);
    assert_int_equal(guest_fd_prestat(w, copy, &name), GUEST_EBADF);
}

static void dup_refuses_bad_numbers(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd;

    assert_int_equal(guest_fd_dup(w, 17, 0, &fd), GUEST_EBADF);
    assert_int_equal(guest_fd_dup(w, 1, 1024, &fd), GUEST_EINVAL);
    assert_int_equal(guest_fd_dup(w, 1, UINT32_MAX, &fd), GUEST_EINVAL);
    assert_int_equal(guest_fd_dup(w, 1, 1023, &fd), OK);
    assert_int_equal(guest_fd_dup(w, 1, 1023, &fd), GUEST_EMFILE);
}

static void dup3_replaces_what_is_open(void **state)
{
    beamr_wasi *w = *state;
    uint32_t a = open_file_at(w, "a");

    assert_int_equal(guest_fd_dup3(w, a, 1), OK);
    write_text(w, 1, "redirected");
    assert_int_equal(stat_of(w, at("a")).size, 10);
    assert_int_equal(guest_fd_dup3(w, a, 200), OK);
    assert_int_equal(seek(w, 200, 0, 1), 10);
    assert_int_equal(guest_fd_dup3(w, a, a), GUEST_EINVAL);
    assert_int_equal(guest_fd_dup3(w, 17, 17), GUEST_EINVAL);
    assert_int_equal(guest_fd_dup3(w, 17, 1), GUEST_EBADF);
    assert_int_equal(guest_fd_dup3(w, a, 1024), GUEST_EBADF);
}

/* ---- Rights ---- */

static void rights_are_those_asked_for_and_possible(void **state)
{
    beamr_wasi *w = *state;
    guest_fdstat s;
    uint32_t fd;

    s = fdstat_of(w, opened(w, at("f"), GUEST_OFLAG_CREAT, READ | GUEST_RIGHT_FD_READDIR));
    assert_int_equal(s.rights, READ);
    assert_int_equal(s.inheriting, 0);
    assert_int_equal(s.type, GUEST_FILETYPE_REGULAR_FILE);
    make_directory(w, "d");
    fd = opened(w, at("d"), GUEST_OFLAG_DIRECTORY,
                GUEST_RIGHT_FD_SEEK | GUEST_RIGHT_FD_READDIR | READ);
    s = fdstat_of(w, fd);
    assert_int_equal(s.rights, GUEST_RIGHT_FD_READDIR);
    assert_int_equal(s.inheriting, GUEST_RIGHT_FD_SEEK | GUEST_RIGHT_FD_READDIR | READ);
    s = fdstat_of(w, ROOT);
    assert_false(s.rights & (GUEST_RIGHT_FD_FILESTAT_SET_SIZE | GUEST_RIGHT_FD_SEEK));
    assert_int_equal(s.inheriting, GUEST_RIGHTS_ALL);
    assert_int_equal(s.flags, 0);
}

static void rights_beyond_what_is_inherited_are_refused(void **state)
{
    beamr_wasi *w = *state;
    guest_open_options o = {.rights = GUEST_RIGHT_PATH_OPEN, .inheriting = READ};
    guest_place dir = at("."), file;
    uint32_t d, fd;

    make_file(w, "f", "");
    assert_int_equal(guest_path_open(w, &dir, &o, &d), OK);
    file = at_fd(d, "f");
    assert_int_equal(open_error(w, file, 0, READ), OK);
    assert_int_equal(open_error(w, file, 0, READ | WRITE), GUEST_ENOTCAPABLE);
    o = (guest_open_options){.inheriting = WRITE};
    assert_int_equal(guest_path_open(w, &file, &o, &fd), GUEST_ENOTCAPABLE);
    /* Bits that mean nothing are no rights. */
    assert_int_equal(open_error(w, file, 0, READ | UINT64_C(1) << 40), OK);
    /* Synchronous writing is a right as well. */
    assert_int_equal(open_as(w, file, 0, READ, GUEST_FDFLAG_DSYNC, &fd), GUEST_ENOTCAPABLE);
    assert_int_equal(open_as(w, file, 0, READ, GUEST_FDFLAG_SYNC, &fd), GUEST_ENOTCAPABLE);
    assert_int_equal(open_as(w, file, 0, READ, GUEST_FDFLAG_RSYNC, &fd), GUEST_ENOTCAPABLE);
    assert_int_equal(open_as(w, at("f"), 0, READ, 0x1f, &fd), OK);
    assert_int_equal(fdstat_of(w, fd).flags, 0x1f);
}

static void rights_can_only_be_given_up(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");
    guest_rights all = fdstat_of(w, fd).rights;

    assert_int_equal(drop_rights(w, fd, READ | WRITE, 0), OK);
    assert_int_equal(fdstat_of(w, fd).rights, all & ~(READ | WRITE));
    assert_int_equal(read_error(w, fd), GUEST_ENOTCAPABLE);
    assert_int_equal(write_error(w, fd, "x"), GUEST_ENOTCAPABLE);
    assert_int_equal(guest_fd_set_rights(w, fd, all, 0), GUEST_ENOTCAPABLE);
    assert_int_equal(guest_fd_set_rights(w, fd, 0, READ), GUEST_ENOTCAPABLE);
    assert_int_equal(guest_fd_set_rights(w, fd, 0, 0), OK);
    assert_int_equal(guest_fd_set_rights(w, 17, 0, 0), GUEST_EBADF);
}

/* What each operation on a file answers. */
typedef struct file_call {
    guest_rights right;
    guest_errno (*call)(beamr_wasi *w, uint32_t fd);
} file_call;

static guest_errno do_pread(beamr_wasi *w, uint32_t fd)
{
    char buf[4];
    uint64_t offset = 0, total;

    return read_at(w, fd, buf, sizeof buf, &offset, &total);
}
static guest_errno do_pwrite(beamr_wasi *w, uint32_t fd)
{
    uint64_t offset = 0, total;

    return write_at(w, fd, "x", &offset, &total);
}
static guest_errno do_write(beamr_wasi *w, uint32_t fd)
{
    return write_error(w, fd, "x");
}
static guest_errno do_seek(beamr_wasi *w, uint32_t fd)
{
    return seek_error(w, fd, 0, 0);
}
static guest_errno do_tell(beamr_wasi *w, uint32_t fd)
{
    return seek_error(w, fd, 0, 1);
}
static guest_errno do_flags(beamr_wasi *w, uint32_t fd)
{
    return guest_fd_set_flags(w, fd, 0);
}
static guest_errno do_filestat(beamr_wasi *w, uint32_t fd)
{
    guest_filestat s;

    return guest_fd_filestat(w, fd, &s);
}
static guest_errno do_resize(beamr_wasi *w, uint32_t fd)
{
    return guest_fd_resize(w, fd, 1);
}
static guest_errno do_allocate(beamr_wasi *w, uint32_t fd)
{
    return guest_fd_allocate(w, fd, 0, 1);
}
static guest_errno do_advise(beamr_wasi *w, uint32_t fd)
{
    return guest_fd_advise(w, fd, 0, 0, 0);
}
static guest_errno do_sync(beamr_wasi *w, uint32_t fd)
{
    return guest_fd_sync(w, fd, false);
}
static guest_errno do_datasync(beamr_wasi *w, uint32_t fd)
{
    return guest_fd_sync(w, fd, true);
}
static guest_errno do_times(beamr_wasi *w, uint32_t fd)
{
    guest_times t = {.set_atim = true};

    return guest_fd_set_times(w, fd, &t);
}
static guest_errno do_readdir(beamr_wasi *w, uint32_t fd)
{
    beamr_bytes name;
    guest_filestat s;
    uint64_t next;
    bool more;

    return guest_fd_readdir(w, fd, 0, &name, &s, &next, &more);
}

static const file_call file_calls[] = {
    {READ, read_error},
    {WRITE, do_write},
    {READ | GUEST_RIGHT_FD_SEEK, do_pread},
    {WRITE | GUEST_RIGHT_FD_SEEK, do_pwrite},
    {GUEST_RIGHT_FD_SEEK, do_seek},
    {GUEST_RIGHT_FD_TELL, do_tell},
    {GUEST_RIGHT_FD_SEEK, do_tell},
    {GUEST_RIGHT_FD_FDSTAT_SET_FLAGS, do_flags},
    {GUEST_RIGHT_FD_FILESTAT_GET, do_filestat},
    {GUEST_RIGHT_FD_FILESTAT_SET_SIZE, do_resize},
    {GUEST_RIGHT_FD_ALLOCATE, do_allocate},
    {GUEST_RIGHT_FD_ADVISE, do_advise},
    {GUEST_RIGHT_FD_SYNC, do_sync},
    {GUEST_RIGHT_FD_DATASYNC, do_datasync},
    {GUEST_RIGHT_FD_FILESTAT_SET_TIMES, do_times},
};
enum { FILE_CALLS = sizeof file_calls / sizeof *file_calls };

static void each_operation_needs_its_right_and_no_other(void **state)
{
    beamr_wasi *w = *state;

    for (size_t i = 0; i < FILE_CALLS; i++) {
        uint32_t fd = open_file_at(w, "f");
        guest_rights all = fdstat_of(w, fd).rights, right = file_calls[i].right;
        bool is_tell = file_calls[i].call == do_tell;

        assert_int_equal(guest_fd_set_rights(w, fd, right, 0), OK);
        assert_int_equal(file_calls[i].call(w, fd), OK);
        assert_int_equal(guest_fd_close(w, fd), OK);
        for (guest_rights bit = 1; bit < all; bit <<= 1)
            if ((right & bit) && !is_tell) {
                fd = open_file_at(w, "f");
                assert_int_equal(guest_fd_set_rights(w, fd, all & ~bit, 0), OK);
                assert_int_equal(file_calls[i].call(w, fd), GUEST_ENOTCAPABLE);
                assert_int_equal(guest_fd_close(w, fd), OK);
            }
        fd = open_file_at(w, "f");
        assert_int_equal(guest_fd_set_rights(w, fd, 0, 0), OK);
        assert_int_equal(file_calls[i].call(w, fd), GUEST_ENOTCAPABLE);
        assert_int_equal(guest_fd_close(w, fd), OK);
        assert_int_equal(file_calls[i].call(w, fd), GUEST_EBADF);
    }
    assert_int_equal(drop_rights(w, ROOT, GUEST_RIGHT_FD_READDIR, 0), OK);
    assert_int_equal(do_readdir(w, ROOT), GUEST_ENOTCAPABLE);
}

static void what_posix_opened_answers_ebadf(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = opened(w, posix("f"), GUEST_OFLAG_CREAT, WRITE);

    assert_int_equal(read_error(w, fd), GUEST_EBADF);
    assert_int_equal(write_error(w, fd, "x"), OK);
    assert_int_equal(do_resize(w, fd), OK);
    assert_int_equal(do_allocate(w, fd), OK);
    fd = opened(w, posix("f"), 0, READ);
    assert_int_equal(write_error(w, fd, "x"), GUEST_EBADF);
    assert_int_equal(do_resize(w, fd), GUEST_EBADF);
    assert_int_equal(do_allocate(w, fd), GUEST_EBADF);
    assert_int_equal(read_error(w, fd), OK);
    assert_int_equal(do_seek(w, fd), OK);
    assert_int_equal(do_filestat(w, fd), OK);
    assert_int_equal(do_sync(w, fd), OK);
    assert_int_equal(do_times(w, fd), OK);
}

/* ---- Directories and streams, which are no files ---- */

static void directories_refuse_what_files_do(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = opened(w, posix("/"), GUEST_OFLAG_DIRECTORY, READ);

    for (unsigned i = 0; i < 2; i++, fd = ROOT) {
        assert_int_equal(read_error(w, fd), GUEST_EISDIR);
        assert_int_equal(do_pread(w, fd), GUEST_EISDIR);
        assert_int_equal(do_write(w, fd), GUEST_EBADF);
        assert_int_equal(do_pwrite(w, fd), GUEST_EBADF);
        assert_int_equal(do_resize(w, fd), GUEST_EINVAL);
        assert_int_equal(do_allocate(w, fd), GUEST_EISDIR);
        assert_int_equal(do_times(w, fd), OK);
        assert_int_equal(do_sync(w, fd), OK);
        assert_int_equal(do_flags(w, fd), OK);
        assert_int_equal(do_readdir(w, fd), OK);
    }
    assert_int_equal(do_seek(w, ROOT), GUEST_EISDIR);
    assert_int_equal(do_tell(w, ROOT), GUEST_EISDIR);
}

static void streams_refuse_what_files_do(void **state)
{
    beamr_wasi *w = *state;

    for (uint32_t fd = 0; fd < 3; fd++) {
        assert_int_equal(do_pread(w, fd), GUEST_ESPIPE);
        assert_int_equal(do_pwrite(w, fd), GUEST_ESPIPE);
        assert_int_equal(do_seek(w, fd), GUEST_ESPIPE);
        assert_int_equal(do_tell(w, fd), GUEST_ESPIPE);
        assert_int_equal(do_allocate(w, fd), GUEST_ESPIPE);
        assert_int_equal(do_advise(w, fd), GUEST_ESPIPE);
        assert_int_equal(do_resize(w, fd), GUEST_EINVAL);
        assert_int_equal(do_times(w, fd), GUEST_ENOTCAPABLE);
        assert_int_equal(do_readdir(w, fd), GUEST_ENOTDIR);
        assert_int_equal(do_sync(w, fd), OK);
        assert_int_equal(do_datasync(w, fd), OK);
        assert_int_equal(do_flags(w, fd), OK);
    }
    assert_int_equal(do_write(w, 0), GUEST_ENOTCAPABLE);
    assert_int_equal(read_error(w, 1), GUEST_ENOTCAPABLE);
}

static void streams_are_told_apart_and_from_files(void **state)
{
    beamr_wasi_options o = {.out = {.is_terminal = true}};
    beamr_wasi *w = new_system(&o);
    guest_rights position = GUEST_RIGHT_FD_SEEK | GUEST_RIGHT_FD_TELL;
    guest_filestat in = filestat_of(w, 0), out = filestat_of(w, 1);
    uint32_t file = open_file_at(w, "f");

    (void)state;
    assert_true(guest_fd_is_terminal(w, 1));
    assert_false(guest_fd_is_terminal(w, 0));
    assert_false(guest_fd_is_terminal(w, file));
    assert_false(guest_fd_is_terminal(w, 17));
    assert_true(guest_fd_is_input(w, 0));
    assert_false(guest_fd_is_input(w, 1));
    assert_false(guest_fd_is_input(w, file));
    assert_false(guest_fd_is_input(w, 17));
    /* This is how C libraries know. */
    assert_int_equal(fdstat_of(w, 1).rights & position, 0);
    assert_int_equal(fdstat_of(w, 0).rights & position, position);
    assert_int_equal(in.type, GUEST_FILETYPE_CHARACTER_DEVICE);
    assert_int_equal(in.size | in.atim | in.mtim | in.ctim, 0);
    assert_true(in.ino != out.ino);
    assert_int_equal(in.dev, out.dev);
    assert_true(filestat_of(w, file).dev != in.dev);
    beamr_wasi_unref(w);
}

/* ---- Flags, size, advice ---- */

static void flags_are_set_and_told(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");

    assert_int_equal(guest_fd_set_flags(w, fd, 0x1f), OK);
    assert_int_equal(fdstat_of(w, fd).flags, 0x1f);
    assert_int_equal(guest_fd_set_flags(w, fd, 0x20), GUEST_EINVAL);
    assert_int_equal(fdstat_of(w, fd).flags, 0x1f);
    assert_int_equal(guest_fd_set_flags(w, 17, 0), GUEST_EBADF);
}

static void resize_cuts_and_extends_with_zeros(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");
    char buf[8] = "xxxxxxx";
    uint64_t total, start = 0;

    write_text(w, fd, "hello");
    assert_int_equal(guest_fd_resize(w, fd, 2), OK);
    assert_int_equal(guest_fd_resize(w, fd, 4), OK);
    assert_int_equal(read_at(w, fd, buf, sizeof buf, &start, &total), OK);
    assert_int_equal(total, 4);
    assert_memory_equal(buf, "he\0\0xxx", 8);
    assert_int_equal(seek(w, fd, 0, 1), 5);
    assert_int_equal(guest_fd_resize(w, fd, UINT64_C(1) << 63), GUEST_EINVAL);
    assert_int_equal(guest_fd_resize(w, fd, UINT64_C(1) << 62), GUEST_EFBIG);
    assert_int_equal(filestat_of(w, fd).size, 4);
}

static void allocate_only_extends(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");

    assert_int_equal(guest_fd_allocate(w, fd, 0, 100), OK);
    assert_int_equal(filestat_of(w, fd).size, 100);
    assert_int_equal(guest_fd_allocate(w, fd, 10, 10), OK);
    assert_int_equal(filestat_of(w, fd).size, 100);
    assert_int_equal(guest_fd_allocate(w, fd, 90, 20), OK);
    assert_int_equal(filestat_of(w, fd).size, 110);
    assert_int_equal(guest_fd_allocate(w, fd, 0, 0), GUEST_EINVAL);
    assert_int_equal(guest_fd_allocate(w, fd, UINT64_MAX, 1), GUEST_EINVAL);
    assert_int_equal(guest_fd_allocate(w, fd, 1, UINT64_MAX), GUEST_EINVAL);
    assert_int_equal(guest_fd_allocate(w, fd, INT64_MAX, 1), GUEST_EFBIG);
    assert_int_equal(guest_fd_allocate(w, fd, INT64_MAX - 1, 1), GUEST_EFBIG);
    assert_int_equal(filestat_of(w, fd).size, 110);
}

static void advice_changes_nothing(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");

    for (uint8_t advice = 0; advice <= 5; advice++)
        assert_int_equal(guest_fd_advise(w, fd, 10, 50, advice), OK);
    assert_int_equal(guest_fd_advise(w, fd, 0, 0, 6), GUEST_EINVAL);
    assert_int_equal(guest_fd_advise(w, fd, UINT64_MAX, 0, 0), GUEST_EINVAL);
    assert_int_equal(guest_fd_advise(w, fd, 0, UINT64_MAX, 0), GUEST_EINVAL);
    assert_int_equal(filestat_of(w, fd).size, 0);
}

/* ---- Times ---- */

static uint64_t now = 5000;

static uint64_t clock_of(void *user, beamr_clock clock)
{
    return *(const uint64_t *)user + (uint64_t)clock;
}

static void times_are_the_clocks_or_as_set(void **state)
{
    beamr_wasi_options o = {.user = &now, .clock = clock_of};
    beamr_wasi *w = new_system(&o);
    uint32_t fd;
    guest_filestat s;
    guest_times t = {.set_mtim = true, .mtim = 42};

    (void)state;
    now = 5000;
    fd = open_file_at(w, "f");
    s = filestat_of(w, fd);
    assert_int_equal(s.atim, 5000);
    assert_int_equal(s.mtim, 5000);
    assert_int_equal(s.ctim, 5000);
    now = 6000;
    write_text(w, fd, "x");
    assert_int_equal(filestat_of(w, fd).mtim, 6000);
    now = 7000;
    assert_int_equal(guest_fd_set_times(w, fd, &t), OK);
    s = filestat_of(w, fd);
    assert_int_equal(s.atim, 5000);
    assert_int_equal(s.mtim, 42);
    assert_int_equal(s.ctim, 7000);
    t = (guest_times){.atim_now = true};
    assert_int_equal(guest_fd_set_times(w, fd, &t), OK);
    s = filestat_of(w, fd);
    assert_int_equal(s.atim, 7000);
    assert_int_equal(s.mtim, 42);
    beamr_wasi_unref(w);
}

static void a_time_has_one_value(void **state)
{
    beamr_wasi *w = *state;
    uint32_t fd = open_file_at(w, "f");
    guest_times both = {.set_mtim = true, .mtim_now = true};

    assert_int_equal(guest_fd_set_times(w, fd, &both), GUEST_EINVAL);
    both = (guest_times){.set_atim = true, .atim_now = true};
    assert_int_equal(guest_fd_set_times(w, fd, &both), GUEST_EINVAL);
    assert_int_equal(guest_fd_set_times(w, 17, &both), GUEST_EBADF);
}

static void chdir_takes_a_directory(void **state)
{
    beamr_wasi *w = *state;
    char buf[8];
    size_t len;

    make_directory(w, "d");
    assert_int_equal(guest_fd_chdir(w, open_directory(w, "d")), OK);
    assert_int_equal(guest_cwd(w, buf, sizeof buf, &len), OK);
    assert_string_equal(buf, "/d");
    assert_int_equal(guest_fd_chdir(w, open_file_at(w, "f")), GUEST_ENOTDIR);
    assert_int_equal(guest_fd_chdir(w, 0), GUEST_ENOTDIR);
    assert_int_equal(guest_fd_chdir(w, 17), GUEST_EBADF);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(without_options_there_are_streams_and_the_root),
        TEST(arguments_and_environment_are_copied),
        TEST(bad_options_are_refused_by_name),
        TEST(too_many_bytes_of_arguments_are_refused),
        TEST(preopens_have_their_names_and_places),
        TEST(no_preopens_are_possible_too),
        TEST(a_system_is_counted),
        TEST(numbers_are_the_smallest_free),
        TEST(closing_what_is_not_open_is_ebadf),
        TEST(at_most_max_open_are_open),
        TEST(a_thousand_can_be_open_by_default),
        TEST(renumber_moves_onto_an_open_number),
        TEST(streams_and_preopens_can_be_renumbered),
        TEST(duplicates_share_position_and_flags),
        TEST(dup_refuses_bad_numbers),
        TEST(dup3_replaces_what_is_open),
        TEST(rights_are_those_asked_for_and_possible),
        TEST(rights_beyond_what_is_inherited_are_refused),
        TEST(rights_can_only_be_given_up),
        TEST(each_operation_needs_its_right_and_no_other),
        TEST(what_posix_opened_answers_ebadf),
        TEST(directories_refuse_what_files_do),
        TEST(streams_refuse_what_files_do),
        TEST(streams_are_told_apart_and_from_files),
        TEST(flags_are_set_and_told),
        TEST(resize_cuts_and_extends_with_zeros),
        TEST(allocate_only_extends),
        TEST(advice_changes_nothing),
        TEST(times_are_the_clocks_or_as_set),
        TEST(a_time_has_one_value),
        TEST(chdir_takes_a_directory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
