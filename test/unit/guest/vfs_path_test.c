/* The file system by path: beamr/vfs.h, its errors and their texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "beamr/vfs.h"

static beamr_bytes b(const char *text)
{
    return beamr_bytes_of(text);
}

static beamr_vfs *vfs;

static int open_empty(void **state)
{
    (void)state;
    return beamr_vfs_new(NULL, &vfs, NULL) == BEAMR_OK ? 0 : -1;
}

static int close_it(void **state)
{
    (void)state;
    beamr_vfs_unref(vfs);
    return 0;
}

static void reopen(beamr_vfs_limits limits)
{
    beamr_vfs_unref(vfs);
    assert_int_equal(beamr_vfs_new(&limits, &vfs, NULL), BEAMR_OK);
}

static void write_at(const char *path, const char *content)
{
    assert_int_equal(beamr_vfs_write(vfs, b(path), b(content), NULL), BEAMR_OK);
}

static void mkdir_at(const char *path)
{
    assert_int_equal(beamr_vfs_mkdir(vfs, b(path), true, NULL), BEAMR_OK);
}

static void link_at(const char *target, const char *path)
{
    assert_int_equal(beamr_vfs_symlink(vfs, b(target), b(path), NULL), BEAMR_OK);
}

static void assert_reads(const char *path, const char *want)
{
    beamr_bytes got;

    assert_int_equal(beamr_vfs_read(vfs, b(path), true, &got, NULL), BEAMR_OK);
    assert_int_equal(got.len, strlen(want));
    if (got.len > 0)
        assert_memory_equal(got.data, want, got.len);
}

static bool is_there(const char *path)
{
    beamr_vfs_stat s;

    return beamr_vfs_stat_at(vfs, b(path), false, &s, NULL) == BEAMR_OK;
}

/* All of it as bytes, to compare; to be freed. */
static beamr_bytes saved(void)
{
    uint8_t *data = NULL;
    size_t len = 0;

    assert_int_equal(beamr_vfs_save(vfs, &data, &len, NULL), BEAMR_OK);
    return (beamr_bytes){data, len};
}

/* The call fails in this way and changes nothing. */
#define FAILS(call, want, want_text)                                                           \
    do {                                                                                       \
        beamr_error err = {0};                                                                 \
        beamr_bytes before = saved(), after;                                                   \
                                                                                               \
        assert_int_equal(call, want);                                                          \
        assert_int_equal(err.status, want);                                                    \
        assert_string_equal(err.text, want_text);                                              \
        after = saved();                                                                       \
        assert_int_equal(before.len, after.len);                                               \
        assert_memory_equal(before.data, after.data, before.len);                              \
        free((void *)(uintptr_t)before.data);                                                  \
        free((void *)(uintptr_t)after.data);                                                   \
    } while (0)

/* ---- Making ---- */

static void directories_are_made_with_their_parents(void **state)
{
    (void)state;
    mkdir_at("/a//b/../c/./d/");
    assert_true(is_there("a/b"));
    assert_true(is_there("a/c/d"));
    mkdir_at("a/c/d");
    mkdir_at("/");
    assert_int_equal(beamr_vfs_mkdir(vfs, b("a/e/"), false, NULL), BEAMR_OK);
    link_at("a/c", "l");
    mkdir_at("l/d/x");
    assert_true(is_there("a/c/d/x"));
    write_at("f", "x");
    FAILS(beamr_vfs_mkdir(vfs, b("a"), false, &err), BEAMR_ARGUMENT,
          "cannot make the directory \"a\": file exists");
    FAILS(beamr_vfs_mkdir(vfs, b("/"), false, &err), BEAMR_ARGUMENT,
          "cannot make the directory \"/\": file exists");
    FAILS(beamr_vfs_mkdir(vfs, b("x/y"), false, &err), BEAMR_NOT_FOUND,
          "cannot make the directory \"x/y\": no such file or directory");
    FAILS(beamr_vfs_mkdir(vfs, b("f/y"), true, &err), BEAMR_ARGUMENT,
          "cannot make the directory \"f/y\": not a directory");
    FAILS(beamr_vfs_mkdir(vfs, b("f"), true, &err), BEAMR_ARGUMENT,
          "cannot make the directory \"f\": not a directory");
    FAILS(beamr_vfs_mkdir(vfs, b(""), true, &err), BEAMR_NOT_FOUND,
          "cannot make the directory \"\": no such file or directory");
}

static void parents_that_were_made_go_when_the_rest_fails(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;

    (void)state;
    limits.max_depth = 4;
    reopen(limits);
    mkdir_at("a");
    beamr_vfs_set_time(vfs, 50);
    FAILS(beamr_vfs_mkdir(vfs, b("a/b/c/d/e"), true, &err), BEAMR_LIMIT,
          "cannot make the directory \"a/b/c/d/e\": directories would be nested more deeply "
          "than allowed");
    assert_int_equal(beamr_vfs_nodes(vfs), 2);
    limits.max_name = 3;
    reopen(limits);
    FAILS(beamr_vfs_mkdir(vfs, b("a/b/long"), true, &err), BEAMR_LIMIT,
          "cannot make the directory \"a/b/long\": name too long");
}

static void files_are_written_and_replaced(void **state)
{
    (void)state;
    write_at("f", "one");
    write_at("f", "another");
    assert_reads("f", "another");
    write_at("f", "");
    assert_reads("f", "");
    link_at("d/new", "l");
    mkdir_at("d");
    write_at("l", "through");
    assert_reads("d/new", "through");
    FAILS(beamr_vfs_write(vfs, b("d"), b("x"), &err), BEAMR_ARGUMENT,
          "cannot write \"d\": is a directory");
    FAILS(beamr_vfs_write(vfs, b("g/"), b("x"), &err), BEAMR_ARGUMENT,
          "cannot write \"g/\": is a directory");
    FAILS(beamr_vfs_write(vfs, b("f/"), b("x"), &err), BEAMR_ARGUMENT,
          "cannot write \"f/\": not a directory");
    FAILS(beamr_vfs_write(vfs, b("x/y"), b("x"), &err), BEAMR_NOT_FOUND,
          "cannot write \"x/y\": no such file or directory");
}

static void what_does_not_fit_changes_nothing(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;

    (void)state;
    limits.max_bytes = 20;
    limits.max_file_size = 12;
    reopen(limits);
    write_at("f", "0123456789");
    beamr_vfs_set_time(vfs, 9);
    FAILS(beamr_vfs_write(vfs, b("g"), b("0123456789"), &err), BEAMR_LIMIT,
          "cannot write \"g\": the file system's limit of bytes or files is reached");
    FAILS(beamr_vfs_append(vfs, b("g"), b("0123456789"), &err), BEAMR_LIMIT,
          "cannot append to \"g\": the file system's limit of bytes or files is reached");
    FAILS(beamr_vfs_append(vfs, b("f"), b("abc"), &err), BEAMR_LIMIT,
          "cannot append to \"f\": file too large");
    FAILS(beamr_vfs_write(vfs, b("f"), b("0123456789abc"), &err), BEAMR_LIMIT,
          "cannot write \"f\": file too large");
    assert_int_equal(beamr_vfs_nodes(vfs), 2);
    write_at("g", "01234567");
    assert_int_equal(beamr_vfs_bytes(vfs), 20);
}

static void appending_adds_or_makes(void **state)
{
    beamr_bytes own;

    (void)state;
    assert_int_equal(beamr_vfs_append(vfs, b("f"), b("one"), NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_append(vfs, b("f"), b("two"), NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_append(vfs, b("f"), b(""), NULL), BEAMR_OK);
    assert_reads("f", "onetwo");
    for (int i = 0; i < 16; i++) { /* the file's own bytes, which move */
        assert_int_equal(beamr_vfs_read(vfs, b("f"), true, &own, NULL), BEAMR_OK);
        assert_int_equal(beamr_vfs_append(vfs, b("f"), own, NULL), BEAMR_OK);
    }
    assert_int_equal(beamr_vfs_read(vfs, b("f"), true, &own, NULL), BEAMR_OK);
    assert_int_equal(own.len, 6 << 16);
    for (size_t i = 0; i < own.len; i += 6)
        assert_memory_equal(own.data + i, "onetwo", 6);
    own.len = 3;
    assert_int_equal(beamr_vfs_write(vfs, b("f"), own, NULL), BEAMR_OK);
    assert_reads("f", "one");
}

static void a_million_appends_by_path_end(void **state)
{
    beamr_bytes got;

    (void)state;
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(beamr_vfs_append(vfs, b("f"), b("x"), NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_read(vfs, b("f"), true, &got, NULL), BEAMR_OK);
    assert_int_equal(got.len, 1000000);
}

static void links_are_made_and_read(void **state)
{
    beamr_bytes got;

    (void)state;
    link_at("nowhere/at all", "l");
    assert_int_equal(beamr_vfs_read(vfs, b("l"), false, &got, NULL), BEAMR_OK);
    assert_int_equal(got.len, 14);
    assert_memory_equal(got.data, "nowhere/at all", 14);
    FAILS(beamr_vfs_read(vfs, b("l"), true, &got, &err), BEAMR_NOT_FOUND,
          "cannot read \"l\": no such file or directory");
    FAILS(beamr_vfs_symlink(vfs, b("x"), b("l"), &err), BEAMR_ARGUMENT,
          "cannot make the link \"l\": file exists");
    FAILS(beamr_vfs_symlink(vfs, b(""), b("m"), &err), BEAMR_NOT_FOUND,
          "cannot make the link \"m\": no such file or directory");
    FAILS(beamr_vfs_symlink(vfs, (beamr_bytes){(const uint8_t *)"a\0b", 3}, b("m"), &err),
          BEAMR_ARGUMENT, "cannot make the link \"m\": invalid argument");
    FAILS(beamr_vfs_symlink(vfs, b("x"), b("m/"), &err), BEAMR_NOT_FOUND,
          "cannot make the link \"m/\": no such file or directory");
    link_at("self", "self");
    FAILS(beamr_vfs_read(vfs, b("self"), true, &got, &err), BEAMR_ARGUMENT,
          "cannot read \"self\": too many levels of symbolic links");
}

/* ---- Removing and moving ---- */

static void removing_takes_one_or_all(void **state)
{
    (void)state;
    mkdir_at("d/e/g");
    write_at("d/e/f", "x");
    link_at("../..", "d/e/l");
    FAILS(beamr_vfs_remove(vfs, b("d/e"), false, &err), BEAMR_ARGUMENT,
          "cannot remove \"d/e\": directory not empty");
    FAILS(beamr_vfs_remove(vfs, b("d/e/f/"), false, &err), BEAMR_ARGUMENT,
          "cannot remove \"d/e/f/\": not a directory");
    FAILS(beamr_vfs_remove(vfs, b("none"), true, &err), BEAMR_NOT_FOUND,
          "cannot remove \"none\": no such file or directory");
    FAILS(beamr_vfs_remove(vfs, b("/"), true, &err), BEAMR_ARGUMENT,
          "cannot remove \"/\": resource busy");
    FAILS(beamr_vfs_remove(vfs, b("d/."), true, &err), BEAMR_ARGUMENT,
          "cannot remove \"d/.\": resource busy");
    link_at("d/e", "l");
    assert_int_equal(beamr_vfs_remove(vfs, b("l"), true, NULL), BEAMR_OK);
    assert_true(is_there("d/e/f"));
    assert_int_equal(beamr_vfs_remove(vfs, b("d/e/g/"), false, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_remove(vfs, b("d"), true, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_nodes(vfs), 1);
    assert_int_equal(beamr_vfs_bytes(vfs), 0);
}

static void renaming_moves_and_replaces(void **state)
{
    (void)state;
    write_at("f", "x");
    write_at("g", "y");
    mkdir_at("d/e");
    assert_int_equal(beamr_vfs_rename(vfs, b("f"), b("g"), NULL), BEAMR_OK);
    assert_reads("g", "x");
    assert_int_equal(beamr_vfs_rename(vfs, b("d/e"), b("new/"), NULL), BEAMR_OK);
    assert_true(is_there("new"));
    FAILS(beamr_vfs_rename(vfs, b("g"), b("x/"), &err), BEAMR_ARGUMENT,
          "cannot rename \"g\" to \"x/\": not a directory");
    FAILS(beamr_vfs_rename(vfs, b("d"), b("d/x"), &err), BEAMR_ARGUMENT,
          "cannot rename \"d\" to \"d/x\": invalid argument");
    FAILS(beamr_vfs_rename(vfs, b("f"), b("x"), &err), BEAMR_NOT_FOUND,
          "cannot rename \"f\" to \"x\": no such file or directory");
    FAILS(beamr_vfs_rename(vfs, b("d"), b("/"), &err), BEAMR_ARGUMENT,
          "cannot rename \"d\" to \"/\": resource busy");
    FAILS(beamr_vfs_rename(vfs, b("d"), b("g"), &err), BEAMR_ARGUMENT,
          "cannot rename \"d\" to \"g\": not a directory");
}

/* ---- Looking ---- */

static void a_stat_tells_kind_and_size(void **state)
{
    beamr_vfs_stat s;

    (void)state;
    beamr_vfs_set_time(vfs, 77);
    write_at("f", "four");
    link_at("f", "l");
    assert_int_equal(beamr_vfs_stat_at(vfs, b("l"), false, &s, NULL), BEAMR_OK);
    assert_int_equal(s.kind, BEAMR_VFS_LINK);
    assert_int_equal(s.size, 1);
    assert_int_equal(beamr_vfs_stat_at(vfs, b("l"), true, &s, NULL), BEAMR_OK);
    assert_int_equal(s.kind, BEAMR_VFS_FILE);
    assert_int_equal(s.size, 4);
    assert_int_equal(s.links, 1);
    assert_int_equal(s.modified, 77);
    assert_int_equal(beamr_vfs_stat_at(vfs, b("/"), true, &s, NULL), BEAMR_OK);
    assert_int_equal(s.kind, BEAMR_VFS_DIRECTORY);
    assert_int_equal(beamr_vfs_set_times(vfs, b("f"), true, 1, 2, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_stat_at(vfs, b("f"), true, &s, NULL), BEAMR_OK);
    assert_int_equal(s.accessed, 1);
    assert_int_equal(s.modified, 2);
    FAILS(beamr_vfs_stat_at(vfs, b("f/"), true, &s, &err), BEAMR_ARGUMENT,
          "cannot look at \"f/\": not a directory");
    FAILS(beamr_vfs_set_times(vfs, b("g"), true, 1, 2, &err), BEAMR_NOT_FOUND,
          "cannot set the times of \"g\": no such file or directory");
}

static void entries_come_in_the_order_in_which_they_were_made(void **state)
{
    static const char *const names[] = {"z", "a", "m"};
    beamr_vfs_stat s;
    beamr_bytes name;
    beamr_error none = {0};
    uint64_t cursor = 0;

    (void)state;
    for (size_t i = 0; i < 3; i++)
        write_at(names[i], names[i]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(beamr_vfs_next(vfs, b("/"), &cursor, &name, &s, NULL), BEAMR_OK);
        assert_memory_equal(name.data, names[i], 1);
        assert_int_equal(s.size, 1);
    }
    assert_int_equal(beamr_vfs_next(vfs, b("/"), &cursor, &name, &s, &none), BEAMR_NOT_FOUND);
    assert_string_equal(none.text, "");
    write_at("later", "");
    assert_int_equal(beamr_vfs_next(vfs, b("/"), &cursor, &name, &s, &none), BEAMR_OK);
    FAILS(beamr_vfs_next(vfs, b("a"), &cursor, &name, &s, &err), BEAMR_ARGUMENT,
          "cannot list \"a\": not a directory");
    FAILS(beamr_vfs_next(vfs, b("x"), &cursor, &name, &s, &err), BEAMR_NOT_FOUND,
          "cannot list \"x\": no such file or directory");
}

/* ---- Texts, copies ---- */

static void a_path_in_a_text_is_one_short_line_of_utf8(void **state)
{
    char path[2100] = "";
    beamr_error last = {0};
    beamr_bytes got;

    (void)state;
    FAILS(beamr_vfs_read(vfs, b("a\nb\xff"), true, &got, &err), BEAMR_NOT_FOUND,
          "cannot read \"a?b?\": no such file or directory");
    FAILS(beamr_vfs_read(vfs, b("\xc3\xa9"), true, &got, &err), BEAMR_NOT_FOUND,
          "cannot read \"\xc3\xa9\": no such file or directory");
    for (int i = 0; i < 1000; i++)
        (void)strcat(path, "\xc3\xa9");
    path[0] = 'x';
    path[1] = 'y';
    path[2] = 'z'; /* a character is cut, and what follows moves to odd places */
    assert_int_equal(beamr_vfs_read(vfs, b(path), true, &got, &last), BEAMR_LIMIT);
    assert_true(strlen(last.text) < 260);
    assert_non_null(strstr(last.text, "...\": name too long"));
}

static void a_copy_goes_its_own_way(void **state)
{
    beamr_vfs *copy = NULL, *first = vfs;
    beamr_vfs_stat one, two;

    (void)state;
    mkdir_at("d/e");
    write_at("d/f", "shared");
    link_at("d/f", "l");
    assert_int_equal(beamr_vfs_copy(vfs, &copy, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_version(copy), beamr_vfs_version(vfs));
    assert_int_equal(beamr_vfs_bytes(copy), beamr_vfs_bytes(vfs));
    assert_int_equal(beamr_vfs_stat_at(vfs, b("d/f"), true, &one, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_stat_at(copy, b("d/f"), true, &two, NULL), BEAMR_OK);
    assert_memory_equal(&one, &two, sizeof one);
    vfs = copy;
    assert_int_equal(beamr_vfs_append(vfs, b("l"), b("?"), NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_remove(vfs, b("d/e"), false, NULL), BEAMR_OK);
    assert_reads("d/f", "shared?");
    vfs = first;
    assert_reads("d/f", "shared");
    assert_true(is_there("d/e"));
    beamr_vfs_unref(copy);
}

#define ROUNDS 2000

static void *change_copy(void *user)
{
    beamr_vfs *mine = user;

    for (int i = 0; i < ROUNDS; i++) {
        beamr_vfs *copy = NULL;

        if (beamr_vfs_copy(mine, &copy, NULL) != BEAMR_OK ||
            beamr_vfs_append(mine, b("f"), b("x"), NULL) != BEAMR_OK)
            return NULL;
        beamr_vfs_unref(mine);
        mine = copy;
    }
    beamr_vfs_unref(mine);
    return user;
}

static void copies_are_used_by_two_threads(void **state)
{
    beamr_vfs *copies[2] = {NULL, NULL};
    pthread_t threads[2];

    (void)state;
    write_at("f", "shared by both");
    for (int i = 0; i < 2; i++)
        assert_int_equal(beamr_vfs_copy(vfs, &copies[i], NULL), BEAMR_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, change_copy, copies[i]), 0);
    for (int i = 0; i < 2; i++) {
        void *result = NULL;

        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    assert_reads("f", "shared by both");
}

static void limits_are_told(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT, got;

    (void)state;
    limits.max_nodes = 5;
    limits.max_depth = 1000000;
    reopen(limits);
    got = beamr_vfs_limits_of(vfs);
    assert_int_equal(got.max_nodes, 5);
    assert_int_equal(got.max_depth, 4096);
    beamr_vfs_unref(beamr_vfs_ref(vfs));
    beamr_vfs_unref(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_empty, close_it)

/* Has anything changed at or below a path since a version was noted? */
static bool changed_below(const beamr_vfs *in, const char *path, uint64_t since)
{
    beamr_vfs_stat stat;

    assert_int_equal(beamr_vfs_stat_at(in, b(path), false, &stat, NULL), BEAMR_OK);
    return stat.below > since;
}

static void directories_know_what_changed_below_them(void **state)
{
    beamr_vfs *copy = NULL;
    uint64_t since;

    (void)state;
    mkdir_at("a/b/c");
    mkdir_at("a/x");
    write_at("a/b/c/f", "1");
#define CHANGES(action, in_a, in_b, in_x)                                                      \
    do {                                                                                       \
        since = beamr_vfs_version(vfs);                                                        \
        assert_int_equal(action, BEAMR_OK);                                                    \
        assert_true(changed_below(vfs, "/", since));                                           \
        assert_int_equal(changed_below(vfs, "a", since), in_a);                                \
        assert_int_equal(changed_below(vfs, "a/b", since), in_b);                              \
        assert_int_equal(changed_below(vfs, "a/x", since), in_x);                              \
    } while (0)
    CHANGES(beamr_vfs_append(vfs, b("a/b/c/f"), b("2"), NULL), true, true, false);
    CHANGES(beamr_vfs_append(vfs, b("a/b/c/f"), b("3"), NULL), true, true, false);
    CHANGES(beamr_vfs_rename(vfs, b("a/b/c"), b("a/x/c"), NULL), true, true, true);
    CHANGES(beamr_vfs_write(vfs, b("a/x/c/f"), b("4"), NULL), true, false, true);
    CHANGES(beamr_vfs_rename(vfs, b("a/x/c/f"), b("a/b/f"), NULL), true, true, true);
    CHANGES(beamr_vfs_append(vfs, b("a/b/f"), b("5"), NULL), true, true, false);
    CHANGES(beamr_vfs_write(vfs, b("g"), b("6"), NULL), false, false, false);
    since = beamr_vfs_version(vfs);
    assert_int_equal(beamr_vfs_copy(vfs, &copy, NULL), BEAMR_OK);
    assert_false(changed_below(copy, "/", since));
    assert_int_equal(beamr_vfs_append(copy, b("a/b/f"), b("7"), NULL), BEAMR_OK);
    assert_true(changed_below(copy, "a/b", since));
    assert_false(changed_below(copy, "a/x", since));
    assert_false(changed_below(vfs, "/", since));
    beamr_vfs_unref(copy);
}

static beamr_status append_to_f(const char *content)
{
    return beamr_vfs_append(vfs, b("/f"), b(content), NULL);
}

static void appending_again_finds_the_file_that_is_there_now(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(append_to_f("x"), BEAMR_OK);
    assert_int_equal(beamr_vfs_rename(vfs, b("f"), b("g"), NULL), BEAMR_OK);
    assert_int_equal(append_to_f("y"), BEAMR_OK);
    assert_int_equal(beamr_vfs_remove(vfs, b("f"), false, NULL), BEAMR_OK);
    link_at("g", "f");
    for (int i = 0; i < 2; i++)
        assert_int_equal(append_to_f("z"), BEAMR_OK);
    assert_reads("g", "xxzz");
    assert_int_equal(beamr_vfs_remove(vfs, b("g"), false, NULL), BEAMR_OK);
    mkdir_at("g");
    assert_int_equal(append_to_f("z"), BEAMR_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(directories_are_made_with_their_parents),
        TEST(parents_that_were_made_go_when_the_rest_fails),
        TEST(files_are_written_and_replaced),
        TEST(what_does_not_fit_changes_nothing),
        TEST(appending_adds_or_makes),
        TEST(a_million_appends_by_path_end),
        TEST(directories_know_what_changed_below_them),
        TEST(appending_again_finds_the_file_that_is_there_now),
        TEST(links_are_made_and_read),
        TEST(removing_takes_one_or_all),
        TEST(renaming_moves_and_replaces),
        TEST(a_stat_tells_kind_and_size),
        TEST(entries_come_in_the_order_in_which_they_were_made),
        TEST(a_path_in_a_text_is_one_short_line_of_utf8),
        TEST(a_copy_goes_its_own_way),
        TEST(copies_are_used_by_two_threads),
        TEST(limits_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
