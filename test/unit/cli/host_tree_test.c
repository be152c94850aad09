/* cli/host_tree.c, host_changes.c and host_write.c: copying folders in and writing changes
 * back, also when the host's tree changes meanwhile. Each test works in a folder of its own,
 * with a tree "t" and a folder "out" beside it that must stay as it is. What is told on stderr
 * goes into the file "told". */
#include "cli/host_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct fixture {
    char folder[64];
    beamr_vfs *vfs, *before;
    host_tree *tree;
    int home; /* working directory before */
    int err;  /* stderr before */
} fixture;

static const char *const places[] = {"/t"};

/* ---- The host's side ---- */

static void put(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* The content of a file; "" for none. In a buffer that the next call uses again. */
static const char *get(const char *path)
{
    static char text[4096];
    FILE *file = fopen(path, "r");
    size_t len = 0;

    if (file) {
        len = fread(text, 1, sizeof text - 1, file);
        (void)fclose(file);
    }
    text[len] = '\0';
    return text;
}

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void make_folder(const char *path)
{
    assert_int_equal(mkdir(path, 0777), 0);
}

/* Make sure that the file system sees another time, however coarse its clock is. */
static void age(const char *path)
{
    struct timespec times[2] = {{1000, 0}, {1000, 0}};

    assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static int set_up(void **state)
{
    fixture *f = calloc(1, sizeof *f);
    int told;

    assert_non_null(f);
    (void)snprintf(f->folder, sizeof f->folder, "/tmp/host_tree_test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(chdir(f->folder), 0);
    make_folder("t");
    make_folder("out");
    put("out/secret", "secret");
    f->err = dup(STDERR_FILENO);
    told = open("told", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    assert_true(told >= 0 && dup2(told, STDERR_FILENO) == STDERR_FILENO);
    (void)close(told);
    assert_int_equal(beamr_vfs_new(NULL, &f->vfs, NULL), BEAMR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;
    char command[192];

    host_tree_close(f->tree);
    beamr_vfs_unref(f->vfs);
    beamr_vfs_unref(f->before);
    assert_true(dup2(f->err, STDERR_FILENO) == STDERR_FILENO);
    (void)close(f->err);
    assert_int_equal(fchdir(f->home), 0);
    (void)close(f->home);
    (void)snprintf(command, sizeof command, "chmod -R u+rwx %s; rm -rf %s", f->folder,
                   f->folder);
    assert_int_equal(system(command), 0);
    free(f);
    return 0;
}

/* ---- The guest's side ---- */

static void copy_in(fixture *f)
{
    beamr_error err = {0};

    assert_int_equal(host_tree_open("test", "t", "/t", true, &f->tree, &err), BEAMR_OK);
    assert_int_equal(beamr_vfs_mkdir(f->vfs, beamr_bytes_of("/t"), true, &err), BEAMR_OK);
    assert_int_equal(host_tree_copy_in(f->tree, f->vfs, places, 1, true, &err), BEAMR_OK);
    assert_int_equal(beamr_vfs_copy(f->vfs, &f->before, &err), BEAMR_OK);
}

static bool write_back(fixture *f)
{
    return host_tree_write_back(f->tree, f->before, f->vfs, places, 1);
}

static void guest_writes(fixture *f, const char *path, const char *text)
{
    assert_int_equal(beamr_vfs_write(f->vfs, beamr_bytes_of(path), beamr_bytes_of(text), NULL),
                     BEAMR_OK);
}

static void guest_makes_folder(fixture *f, const char *path)
{
    assert_int_equal(beamr_vfs_mkdir(f->vfs, beamr_bytes_of(path), false, NULL), BEAMR_OK);
}

static void guest_removes(fixture *f, const char *path)
{
    assert_int_equal(beamr_vfs_remove(f->vfs, beamr_bytes_of(path), true, NULL), BEAMR_OK);
}

static void guest_links(fixture *f, const char *target, const char *path)
{
    assert_int_equal(
        beamr_vfs_symlink(f->vfs, beamr_bytes_of(target), beamr_bytes_of(path), NULL),
        BEAMR_OK);
}

static void assert_content(const beamr_vfs *vfs, const char *path, const char *text)
{
    beamr_bytes content;

    assert_int_equal(beamr_vfs_read(vfs, beamr_bytes_of(path), false, &content, NULL),
                     BEAMR_OK);
    assert_int_equal(content.len, strlen(text));
    assert_memory_equal(content.data, text, content.len);
}

static void assert_told(const char *text)
{
    assert_non_null(strstr(get("told"), text));
}

/* No temporary file is left. */
static void assert_tidy(void)
{
    assert_int_equal(system("test -z \"$(find . -name '.beamr-*')\""), 0);
    assert_string_equal(get("out/secret"), "secret");
}

/* ---- Copying in ---- */

static void copy_in_takes_files_folders_and_links(void **state)
{
    fixture *f = *state;
    beamr_vfs_stat stat;

    make_folder("t/d");
    put("t/d/f", "text");
    put("t/empty", "");
    assert_int_equal(symlink("../out/secret", "t/link"), 0);
    age("t/d/f");
    copy_in(f);
    assert_content(f->vfs, "/t/d/f", "text");
    assert_content(f->vfs, "/t/empty", "");
    assert_content(f->vfs, "/t/link", "../out/secret");
    assert_int_equal(beamr_vfs_stat_at(f->vfs, beamr_bytes_of("/t/d/f"), false, &stat, NULL),
                     BEAMR_OK);
    assert_int_equal(stat.modified, UINT64_C(1000000000000));
}

static void copy_in_takes_large_files_whole(void **state)
{
    enum { SIZE = (5 << 20) / 2 };
    fixture *f = *state;
    char *text = malloc(SIZE + 1);
    beamr_bytes content;

    assert_non_null(text);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = (char)('a' + i % 23);
    text[SIZE] = '\0';
    put("t/f", text);
    copy_in(f);
    assert_int_equal(beamr_vfs_read(f->vfs, beamr_bytes_of("/t/f"), false, &content, NULL),
                     BEAMR_OK);
    assert_int_equal(content.len, SIZE);
    assert_memory_equal(content.data, text, SIZE);
    free(text);
}

static void copy_in_sorts_names(void **state)
{
    static const char *const expected[] = {"a", "b", "c"};
    fixture *f = *state;
    uint64_t cursor = 0;
    beamr_bytes name;
    beamr_vfs_stat stat;

    put("t/c", "");
    put("t/a", "");
    put("t/b", "");
    copy_in(f);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(
            beamr_vfs_next(f->vfs, beamr_bytes_of("/t"), &cursor, &name, &stat, NULL),
            BEAMR_OK);
        assert_memory_equal(name.data, expected[i], 1);
    }
}

static void copy_in_leaves_pipes_out(void **state)
{
    fixture *f = *state;
    beamr_vfs_stat stat;

    assert_int_equal(mkfifo("t/pipe", 0666), 0);
    copy_in(f);
    assert_int_equal(beamr_vfs_stat_at(f->vfs, beamr_bytes_of("/t/pipe"), false, &stat, NULL),
                     BEAMR_NOT_FOUND);
    assert_told("t/pipe: left out");
}

static void copy_in_names_what_is_too_large(void **state)
{
    fixture *f = *state;
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_error err = {0};

    beamr_vfs_unref(f->vfs);
    limits.max_file_size = 3;
    assert_int_equal(beamr_vfs_new(&limits, &f->vfs, NULL), BEAMR_OK);
    put("t/f", "text");
    assert_int_equal(host_tree_open("test", "t", "/t", true, &f->tree, &err), BEAMR_OK);
    assert_int_equal(beamr_vfs_mkdir(f->vfs, beamr_bytes_of("/t"), true, &err), BEAMR_OK);
    assert_int_equal(host_tree_copy_in(f->tree, f->vfs, places, 1, true, &err), BEAMR_LIMIT);
    assert_non_null(strstr(err.text, "t/f: "));
}

static void open_refuses_what_is_no_folder(void **state)
{
    fixture *f = *state;
    beamr_error err = {0};

    put("t/f", "");
    assert_int_equal(host_tree_open("test", "t/f", "/t", false, &f->tree, &err), BEAMR_IO);
    assert_non_null(strstr(err.text, "t/f: Not a directory"));
    beamr_error_clear(&err);
    assert_int_equal(host_tree_open("test", "t/g", "/t", false, &f->tree, &err), BEAMR_IO);
    assert_non_null(strstr(err.text, "t/g: No such file"));
}

/* ---- Writing back ---- */

static void unchanged_files_are_not_touched(void **state)
{
    fixture *f = *state;
    struct stat was, is;

    put("t/f", "text");
    age("t/f");
    assert_int_equal(stat("t/f", &was), 0);
    copy_in(f);
    guest_writes(f, "/t/f", "text");
    assert_true(write_back(f));
    assert_int_equal(stat("t/f", &is), 0);
    assert_int_equal(was.st_ino, is.st_ino);
    assert_int_equal(is.st_mtim.tv_sec, 1000);
    assert_int_equal(was.st_ctim.tv_nsec, is.st_ctim.tv_nsec);
}

static void changes_are_written(void **state)
{
    fixture *f = *state;
    char target[32];
    ssize_t len;

    put("t/changed", "old");
    put("t/removed", "old");
    make_folder("t/folder");
    put("t/folder/inside", "old");
    assert_int_equal(symlink("old", "t/link"), 0);
    copy_in(f);
    guest_writes(f, "/t/changed", "new");
    guest_removes(f, "/t/removed");
    guest_removes(f, "/t/folder");
    guest_removes(f, "/t/link");
    guest_links(f, "changed", "/t/link");
    guest_makes_folder(f, "/t/d");
    guest_makes_folder(f, "/t/d/e");
    guest_writes(f, "/t/d/e/made", "made");
    assert_true(write_back(f));
    assert_string_equal(get("t/changed"), "new");
    assert_string_equal(get("t/d/e/made"), "made");
    assert_false(is_there("t/removed"));
    assert_false(is_there("t/folder"));
    len = readlink("t/link", target, sizeof target);
    assert_int_equal(len, 7);
    assert_memory_equal(target, "changed", 7);
    assert_tidy();
}

static void permissions_and_owner_are_kept(void **state)
{
    fixture *f = *state;
    uid_t owner = geteuid() == 0 ? 65534 : geteuid();
    struct stat st;

    put("t/f", "old");
    assert_int_equal(chown("t/f", owner, (gid_t)-1), 0);
    assert_int_equal(chmod("t/f", 0751), 0);
    copy_in(f);
    guest_writes(f, "/t/f", "new");
    assert_true(write_back(f));
    assert_int_equal(stat("t/f", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0751);
    assert_int_equal(st.st_uid, owner);
}

static void a_file_takes_the_place_of_a_folder(void **state)
{
    fixture *f = *state;

    make_folder("t/a");
    put("t/a/inside", "old");
    copy_in(f);
    guest_removes(f, "/t/a");
    guest_writes(f, "/t/a", "file");
    assert_true(write_back(f));
    assert_string_equal(get("t/a"), "file");
}

static void a_folder_takes_the_place_of_a_file_or_link(void **state)
{
    fixture *f = *state;

    put("t/a", "old");
    assert_int_equal(symlink("../out", "t/b"), 0);
    copy_in(f);
    guest_removes(f, "/t/a");
    guest_makes_folder(f, "/t/a");
    guest_writes(f, "/t/a/secret", "new");
    guest_removes(f, "/t/b");
    guest_makes_folder(f, "/t/b");
    guest_writes(f, "/t/b/secret", "new");
    assert_true(write_back(f));
    assert_string_equal(get("t/a/secret"), "new");
    assert_string_equal(get("t/b/secret"), "new");
    assert_tidy();
}

static void what_changed_on_the_host_is_kept(void **state)
{
    fixture *f = *state;

    put("t/a", "old");
    put("t/b", "old");
    put("t/c", "old");
    copy_in(f);
    put("t/a", "host's");
    put("t/new", "host's");
    guest_writes(f, "/t/a", "guest's");
    guest_writes(f, "/t/b", "guest's");
    guest_writes(f, "/t/new", "guest's");
    guest_removes(f, "/t/c");
    assert_false(write_back(f));
    assert_string_equal(get("t/a"), "host's");
    assert_string_equal(get("t/b"), "guest's");
    assert_string_equal(get("t/new"), "host's");
    assert_string_equal(get("t/c"), "old"); /* nothing is removed when something failed */
    assert_told("3 of 4 changes were not written back");
    assert_told("  not written: a: it was changed here meanwhile\n");
    assert_told("  written: b\n");
    assert_told("  not written: new: it was made here meanwhile\n");
    assert_told("  not removed: c: not tried, because of others\n");
    assert_tidy();
}

static void what_the_host_removed_stays_removed(void **state)
{
    fixture *f = *state;

    put("t/a", "old");
    make_folder("t/d");
    put("t/d/b", "old");
    copy_in(f);
    assert_int_equal(unlink("t/a"), 0);
    assert_int_equal(unlink("t/d/b"), 0);
    assert_int_equal(rmdir("t/d"), 0);
    guest_writes(f, "/t/a", "new");
    guest_writes(f, "/t/d/b", "new");
    assert_false(write_back(f));
    assert_false(is_there("t/a"));
    assert_false(is_there("t/d"));
    assert_told("not written: a: it was removed here meanwhile");
    assert_told("not written: d/b: No such file or directory");
}

static void what_the_host_changed_is_not_removed(void **state)
{
    fixture *f = *state;

    put("t/a", "old");
    make_folder("t/d");
    put("t/d/b", "old");
    copy_in(f);
    put("t/a", "host's");
    put("t/d/new", "host's");
    guest_removes(f, "/t/a");
    guest_removes(f, "/t/d");
    assert_false(write_back(f));
    assert_string_equal(get("t/a"), "host's");
    assert_string_equal(get("t/d/new"), "host's");
    assert_told("not removed: a: it was changed here meanwhile");
    assert_told("not removed: d: Directory not empty");
}

static void a_link_in_place_of_a_folder_is_not_followed(void **state)
{
    fixture *f = *state;

    make_folder("t/d");
    put("t/d/secret", "old");
    put("t/d/other", "old");
    copy_in(f);
    guest_writes(f, "/t/d/secret", "new");
    guest_writes(f, "/t/d/made", "new");
    assert_int_equal(system("rm -r t/d && ln -s ../out t/d"), 0);
    assert_false(write_back(f));
    assert_false(is_there("out/made"));
    assert_told("not written: d/secret: Not a directory");
    assert_tidy();
}

static void a_link_in_place_of_a_file_is_not_followed(void **state)
{
    fixture *f = *state;

    put("t/f", "secret");
    copy_in(f);
    guest_writes(f, "/t/f", "new");
    guest_writes(f, "/t/made", "new");
    assert_int_equal(unlink("t/f"), 0);
    assert_int_equal(symlink("../out/secret", "t/f"), 0);
    assert_int_equal(symlink("../out/made", "t/made"), 0);
    assert_false(write_back(f));
    assert_false(is_there("out/made"));
    assert_told("not written: f: it was changed here meanwhile");
    assert_told("not written: made: it was made here meanwhile");
    assert_tidy();
}

static void a_folder_that_moved_is_written_where_it_is(void **state)
{
    fixture *f = *state;

    put("t/f", "old");
    copy_in(f);
    guest_writes(f, "/t/f", "new");
    assert_int_equal(rename("t", "u"), 0);
    assert_int_equal(symlink("out", "t"), 0);
    assert_true(write_back(f));
    assert_string_equal(get("u/f"), "new");
    assert_false(is_there("out/f"));
}

static void links_of_the_guest_lead_nowhere_on_the_host(void **state)
{
    fixture *f = *state;

    assert_int_equal(beamr_vfs_mkdir(f->vfs, beamr_bytes_of("/elsewhere"), false, NULL),
                     BEAMR_OK);
    copy_in(f);
    guest_links(f, "../elsewhere", "/t/d");
    guest_writes(f, "/t/d/f", "new"); /* follows the link, in the guest's file system */
    assert_true(write_back(f));
    assert_false(is_there("elsewhere"));
    assert_true(is_there("t/d"));
    assert_false(is_there("t/d/f"));
    assert_tidy();
}

static void a_guest_that_removed_its_folder_changes_nothing(void **state)
{
    fixture *f = *state;

    put("t/f", "old");
    copy_in(f);
    guest_removes(f, "/t");
    assert_false(write_back(f));
    assert_string_equal(get("t/f"), "old");
    assert_told("nothing was written back");
}

static void other_trees_are_left_out(void **state)
{
    static const char *const both[] = {"/t", "/t/inner"};
    fixture *f = *state;
    beamr_vfs_stat stat;

    make_folder("t/inner");
    put("t/inner/hidden", "old");
    assert_int_equal(host_tree_open("test", "t", "/t", true, &f->tree, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_mkdir(f->vfs, beamr_bytes_of("/t/inner"), true, NULL), BEAMR_OK);
    assert_int_equal(host_tree_copy_in(f->tree, f->vfs, both, 2, true, NULL), BEAMR_OK);
    assert_int_equal(
        beamr_vfs_stat_at(f->vfs, beamr_bytes_of("/t/inner/hidden"), false, &stat, NULL),
        BEAMR_NOT_FOUND);
    assert_int_equal(beamr_vfs_copy(f->vfs, &f->before, NULL), BEAMR_OK);
    guest_writes(f, "/t/inner/made", "new");
    assert_true(host_tree_write_back(f->tree, f->before, f->vfs, both, 2));
    assert_false(is_there("t/inner/made"));
    assert_string_equal(get("t/inner/hidden"), "old");
}

static void parents_of_other_trees_are_made_when_needed(void **state)
{
    static const char *const both[] = {"/t", "/t/x/y"};
    fixture *f = *state;

    assert_int_equal(host_tree_open("test", "t", "/t", true, &f->tree, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_mkdir(f->vfs, beamr_bytes_of("/t/x/y"), true, NULL), BEAMR_OK);
    assert_int_equal(host_tree_copy_in(f->tree, f->vfs, both, 2, true, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_copy(f->vfs, &f->before, NULL), BEAMR_OK);
    assert_true(host_tree_write_back(f->tree, f->before, f->vfs, both, 2));
    assert_false(is_there("t/x"));
    guest_writes(f, "/t/x/made", "new");
    assert_true(host_tree_write_back(f->tree, f->before, f->vfs, both, 2));
    assert_string_equal(get("t/x/made"), "new");
    assert_false(is_there("t/x/y"));
}

static void a_place_can_be_the_root(void **state)
{
    static const char *const root[] = {"/"};
    fixture *f = *state;

    make_folder("t/d");
    put("t/d/f", "old");
    assert_int_equal(host_tree_open("test", "t", "/", true, &f->tree, NULL), BEAMR_OK);
    assert_int_equal(host_tree_copy_in(f->tree, f->vfs, root, 1, true, NULL), BEAMR_OK);
    assert_content(f->vfs, "/d/f", "old");
    assert_int_equal(beamr_vfs_copy(f->vfs, &f->before, NULL), BEAMR_OK);
    guest_writes(f, "/d/f", "new");
    assert_true(host_tree_write_back(f->tree, f->before, f->vfs, root, 1));
    assert_string_equal(get("t/d/f"), "new");
}

static void names_are_escaped_when_they_are_told(void **state)
{
    fixture *f = *state;

    copy_in(f);
    put("t/\033[1m", "host's");
    guest_writes(f, "/t/\033[1m", "guest's");
    assert_false(write_back(f));
    assert_told("not written: \\u001b[1m: ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(copy_in_takes_files_folders_and_links),
        TEST(copy_in_takes_large_files_whole),
        TEST(copy_in_sorts_names),
        TEST(copy_in_leaves_pipes_out),
        TEST(copy_in_names_what_is_too_large),
        TEST(open_refuses_what_is_no_folder),
        TEST(unchanged_files_are_not_touched),
        TEST(changes_are_written),
        TEST(permissions_and_owner_are_kept),
        TEST(a_file_takes_the_place_of_a_folder),
        TEST(a_folder_takes_the_place_of_a_file_or_link),
        TEST(what_changed_on_the_host_is_kept),
        TEST(what_the_host_removed_stays_removed),
        TEST(what_the_host_changed_is_not_removed),
        TEST(a_link_in_place_of_a_folder_is_not_followed),
        TEST(a_link_in_place_of_a_file_is_not_followed),
        TEST(a_folder_that_moved_is_written_where_it_is),
        TEST(links_of_the_guest_lead_nowhere_on_the_host),
        TEST(a_guest_that_removed_its_folder_changes_nothing),
        TEST(other_trees_are_left_out),
        TEST(parents_of_other_trees_are_made_when_needed),
        TEST(a_place_can_be_the_root),
        TEST(names_are_escaped_when_they_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
