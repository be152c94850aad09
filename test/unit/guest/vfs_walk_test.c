/* Resolving paths: guest_path_walk. Trees are made by path, and spots are named by path again.
 */
#define _GNU_SOURCE /* strsep */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "guest/vfs.h"

static beamr_bytes b(const char *text)
{
    return beamr_bytes_of(text);
}

static beamr_vfs *vfs;

static void mkdir_at(const char *path)
{
    assert_int_equal(beamr_vfs_mkdir(vfs, b(path), true, NULL), BEAMR_OK);
}

static void file_at(const char *path)
{
    assert_int_equal(beamr_vfs_write(vfs, b(path), b("x"), NULL), BEAMR_OK);
}

static void link_at(const char *path, const char *target)
{
    assert_int_equal(beamr_vfs_symlink(vfs, b(target), b(path), NULL), BEAMR_OK);
}

/* A tree that most tests use:  /d/e/f, /d/g, /top/in/deep */
static int open_tree(void **state)
{
    (void)state;
    if (beamr_vfs_new(NULL, &vfs, NULL) != BEAMR_OK)
        return -1;
    mkdir_at("d/e");
    file_at("d/e/f");
    file_at("d/g");
    mkdir_at("top/in/deep");
    return 0;
}

static int close_tree(void **state)
{
    (void)state;
    beamr_vfs_unref(vfs);
    return 0;
}

/* The node at a path without links. */
static vfs_node *at(const char *path)
{
    vfs_node *node = guest_vfs_root(vfs);
    char copy[256], *rest = copy, *name;

    (void)snprintf(copy, sizeof copy, "%s", path);
    while ((name = strsep(&rest, "/")))
        if (*name)
            assert_int_equal(guest_dir_find(node, b(name), &node), GUEST_ESUCCESS);
    return node;
}

typedef enum walk_kind { PLAIN, FOLLOW, ENTRY } walk_kind;

static guest_errno walk_in(vfs_node *start, vfs_node *top, walk_kind how, beamr_bytes path,
                           guest_spot *spot)
{
    guest_walk walk = {
        .start = start, .top = top, .follow = how == FOLLOW, .is_entry = how == ENTRY};

    return guest_path_walk(vfs, &walk, path, spot);
}

static guest_errno walk(walk_kind how, const char *path, guest_spot *spot)
{
    return walk_in(guest_vfs_root(vfs), NULL, how, b(path), spot);
}

static void assert_leads(walk_kind how, const char *path, const char *to)
{
    guest_spot spot = {0};

    assert_int_equal(walk(how, path, &spot), GUEST_ESUCCESS);
    assert_ptr_equal(spot.node, at(to));
}

static void assert_fails(walk_kind how, const char *path, guest_errno e)
{
    guest_spot spot;

    assert_int_equal(walk(how, path, &spot), e);
}

/* ---- Plain paths ---- */

static void components_slashes_and_dots_lead_to_a_node(void **state)
{
    (void)state;
    assert_leads(PLAIN, "/", "");
    assert_leads(PLAIN, ".", "");
    assert_leads(PLAIN, "..", "");
    assert_leads(PLAIN, "/../../..", "");
    assert_leads(PLAIN, "d/e/f", "d/e/f");
    assert_leads(PLAIN, "///d//e///f", "d/e/f");
    assert_leads(PLAIN, "./d/./e/../g", "d/g");
    assert_leads(PLAIN, "d/e/..", "d");
    assert_leads(PLAIN, "d/e/../../d/e/.", "d/e");
    assert_leads(PLAIN, "d/e/", "d/e");
}

static void a_spot_tells_the_name_and_its_directory(void **state)
{
    guest_spot spot;

    (void)state;
    assert_int_equal(walk(PLAIN, "d/new", &spot), GUEST_ESUCCESS);
    assert_null(spot.node);
    assert_ptr_equal(spot.parent, at("d"));
    assert_int_equal(spot.name.len, 3);
    assert_memory_equal(spot.name.data, "new", 3);
    assert_false(spot.wants_directory);
    assert_int_equal(walk(PLAIN, "d/new///", &spot), GUEST_ESUCCESS);
    assert_int_equal(spot.name.len, 3);
    assert_true(spot.wants_directory);
    assert_int_equal(walk(PLAIN, "d/g/", &spot), GUEST_ESUCCESS);
    assert_ptr_equal(spot.node, at("d/g"));
    assert_true(spot.wants_directory);
    assert_int_equal(walk(PLAIN, "d/.", &spot), GUEST_ESUCCESS);
    assert_null(spot.parent);
    assert_ptr_equal(spot.node, at("d"));
    assert_int_equal(walk(PLAIN, "/", &spot), GUEST_ESUCCESS);
    assert_null(spot.parent);
}

static void what_is_missing_on_the_way_is_told(void **state)
{
    (void)state;
    assert_fails(PLAIN, "", GUEST_ENOENT);
    assert_fails(PLAIN, "x/y", GUEST_ENOENT);
    assert_fails(PLAIN, "x/..", GUEST_ENOENT);
    assert_fails(PLAIN, "d/g/x", GUEST_ENOTDIR);
    assert_fails(PLAIN, "d/g/.", GUEST_ENOTDIR);
    assert_fails(PLAIN, "d/g/..", GUEST_ENOTDIR);
}

static void long_names_and_paths_are_refused(void **state)
{
    char *text = malloc(10001);
    guest_spot spot;

    (void)state;
    assert_non_null(text);
    memset(text, 'n', 10000);
    text[10000] = '\0';
    assert_fails(PLAIN, text, GUEST_ENAMETOOLONG);
    text[256] = '\0';
    assert_fails(PLAIN, text, GUEST_ENAMETOOLONG);
    text[255] = '\0';
    assert_int_equal(walk(PLAIN, text, &spot), GUEST_ESUCCESS);
    for (size_t i = 0; i < 10000; i++)
        text[i] = i % 2 ? '/' : '.';
    text[4096] = '\0';
    assert_fails(PLAIN, text, GUEST_ENAMETOOLONG);
    text[4095] = '\0';
    assert_leads(PLAIN, text, "");
    free(text);
}

static void a_nul_is_no_part_of_a_path(void **state)
{
    guest_spot spot;

    (void)state;
    assert_int_equal(walk_in(guest_vfs_root(vfs), NULL, PLAIN,
                             (beamr_bytes){(const uint8_t *)"d\0e", 3}, &spot),
                     GUEST_EINVAL);
}

static void a_relative_path_begins_at_its_directory(void **state)
{
    guest_spot spot;

    (void)state;
    assert_int_equal(walk_in(at("d"), NULL, PLAIN, b("e/f"), &spot), GUEST_ESUCCESS);
    assert_ptr_equal(spot.node, at("d/e/f"));
    assert_int_equal(walk_in(at("d"), NULL, PLAIN, b("/top"), &spot), GUEST_ESUCCESS);
    assert_ptr_equal(spot.node, at("top"));
    assert_int_equal(walk_in(at("d/e"), NULL, PLAIN, b("../../top"), &spot), GUEST_ESUCCESS);
    assert_ptr_equal(spot.node, at("top"));
    assert_int_equal(walk_in(at("d/g"), NULL, PLAIN, b("x"), &spot), GUEST_ENOTDIR);
}

static void from_a_removed_directory_nothing_is_found(void **state)
{
    vfs_node *gone = guest_node_ref(at("top/in/deep"));
    guest_spot spot;

    (void)state;
    assert_int_equal(guest_dir_rmdir(vfs, at("top/in"), b("deep")), GUEST_ESUCCESS);
    assert_int_equal(walk_in(gone, NULL, PLAIN, b(".."), &spot), GUEST_ENOENT);
    assert_int_equal(walk_in(gone, gone, PLAIN, b(".."), &spot), GUEST_EPERM);
    assert_int_equal(walk_in(gone, NULL, PLAIN, b("x/y"), &spot), GUEST_ENOENT);
    assert_int_equal(walk_in(gone, NULL, PLAIN, b("x"), &spot), GUEST_ESUCCESS);
    assert_null(spot.node);
    assert_int_equal(guest_dir_make(vfs, spot.parent, spot.name, BEAMR_VFS_FILE, NULL),
                     GUEST_ENOENT);
    assert_int_equal(walk_in(gone, NULL, PLAIN, b("/d"), &spot), GUEST_ESUCCESS);
    guest_node_unref(vfs, gone);
}

/* ---- Links ---- */

static void links_are_followed_on_the_way_and_last_if_asked(void **state)
{
    (void)state;
    link_at("l", "d/e");
    link_at("d/up", "../top");
    link_at("abs", "/d/g");
    assert_leads(PLAIN, "l/f", "d/e/f");
    assert_leads(PLAIN, "l", "l");
    assert_leads(FOLLOW, "l", "d/e");
    assert_leads(PLAIN, "l/..", "d");
    assert_leads(FOLLOW, "d/up/in", "top/in");
    assert_leads(FOLLOW, "abs", "d/g");
    assert_fails(FOLLOW, "abs/x", GUEST_ENOTDIR);
}

static void a_slash_behind_a_link_follows_it_unless_its_name_is_meant(void **state)
{
    guest_spot spot;

    (void)state;
    link_at("l", "d/e");
    assert_leads(PLAIN, "l/", "d/e");
    assert_leads(ENTRY, "l/", "l");
    assert_int_equal(walk(ENTRY, "l/", &spot), GUEST_ESUCCESS);
    assert_true(spot.wants_directory);
    assert_int_equal(walk(PLAIN, "l/", &spot), GUEST_ESUCCESS);
    assert_true(spot.wants_directory);
}

static void a_slash_in_a_target_wants_a_directory_too(void **state)
{
    guest_spot spot;

    (void)state;
    link_at("l", "d/g/");
    assert_int_equal(walk(FOLLOW, "l", &spot), GUEST_ESUCCESS);
    assert_ptr_equal(spot.node, at("d/g"));
    assert_true(spot.wants_directory);
    assert_int_equal(walk(PLAIN, "l", &spot), GUEST_ESUCCESS);
    assert_false(spot.wants_directory);
}

static void a_link_to_nothing_gives_the_place_that_it_means(void **state)
{
    guest_spot spot;

    (void)state;
    link_at("l", "d/e/new");
    link_at("d/l", "../l");
    assert_int_equal(walk(FOLLOW, "d/l", &spot), GUEST_ESUCCESS);
    assert_null(spot.node);
    assert_ptr_equal(spot.parent, at("d/e"));
    assert_memory_equal(spot.name.data, "new", 3);
    assert_fails(PLAIN, "l/x", GUEST_ENOENT);
    link_at("m", "none/new");
    assert_fails(FOLLOW, "m", GUEST_ENOENT);
}

static void a_target_may_end_in_dots(void **state)
{
    guest_spot spot;

    (void)state;
    link_at("l", "d/e/..");
    assert_int_equal(walk(FOLLOW, "l", &spot), GUEST_ESUCCESS);
    assert_null(spot.parent);
    assert_ptr_equal(spot.node, at("d"));
    link_at("r", "/");
    assert_int_equal(walk(FOLLOW, "r", &spot), GUEST_ESUCCESS);
    assert_null(spot.parent);
    assert_ptr_equal(spot.node, at(""));
    assert_leads(FOLLOW, "r/d/../r/top", "top");
}

static void forty_links_are_followed_and_no_more(void **state)
{
    char name[16], target[16];

    (void)state;
    link_at("l1", "d");
    for (int i = 2; i <= 41; i++) {
        (void)snprintf(name, sizeof name, "l%d", i);
        (void)snprintf(target, sizeof target, "l%d", i - 1);
        link_at(name, target);
    }
    assert_leads(FOLLOW, "l40", "d");
    assert_fails(FOLLOW, "l41", GUEST_ELOOP);
    assert_leads(PLAIN, "l41", "l41");
    assert_leads(PLAIN, "l40/e", "d/e");
    assert_fails(PLAIN, "l41/e", GUEST_ELOOP);
}

static void loops_end(void **state)
{
    (void)state;
    link_at("self", "self");
    link_at("a", "b/x");
    link_at("b", "a/x");
    link_at("grow", "grow/x/y/z");
    assert_fails(FOLLOW, "self", GUEST_ELOOP);
    assert_fails(FOLLOW, "a", GUEST_ELOOP);
    assert_fails(FOLLOW, "grow", GUEST_ELOOP);
    assert_leads(PLAIN, "self", "self");
}

static void links_count_wherever_they_stand(void **state)
{
    char path[256] = "";

    (void)state;
    link_at("here", ".");
    for (int i = 0; i < 40; i++)
        (void)strcat(path, "here/");
    (void)strcat(path, "d");
    assert_leads(PLAIN, path, "d");
    path[strlen(path) - 1] = '\0';
    (void)strcat(path, "here/d");
    assert_fails(PLAIN, path, GUEST_ELOOP);
}

/* ---- Sandboxes ---- */

static void assert_boxed(walk_kind how, const char *path, guest_errno want, const char *to)
{
    guest_spot spot = {0};
    guest_errno e = walk_in(at("top"), at("top"), how, b(path), &spot);

    assert_int_equal(e, want);
    if (e == GUEST_ESUCCESS)
        assert_ptr_equal(spot.node, at(to));
}

static void nothing_above_the_sandbox_is_reached(void **state)
{
    (void)state;
    assert_boxed(PLAIN, "in/deep", GUEST_ESUCCESS, "top/in/deep");
    assert_boxed(PLAIN, "in/../in/deep/../..", GUEST_ESUCCESS, "top");
    assert_boxed(PLAIN, "..", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "in/../..", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "../top/in", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "/", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "/top/in", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "./.././top", GUEST_EPERM, NULL);
}

static void links_do_not_lead_out_of_the_sandbox(void **state)
{
    (void)state;
    link_at("top/abs", "/top/in");
    link_at("top/out", "../d");
    link_at("top/in/ok", "../in/deep");
    link_at("top/in/bad", "deep/../../../top");
    link_at("top/chain", "in/bad");
    assert_boxed(FOLLOW, "abs", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "abs/deep", GUEST_EPERM, NULL);
    assert_boxed(FOLLOW, "out", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "out/g", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "out/", GUEST_EPERM, NULL);
    assert_boxed(FOLLOW, "in/ok", GUEST_ESUCCESS, "top/in/deep");
    assert_boxed(FOLLOW, "in/bad", GUEST_EPERM, NULL);
    assert_boxed(FOLLOW, "chain", GUEST_EPERM, NULL);
    assert_boxed(PLAIN, "abs", GUEST_ESUCCESS, "top/abs");
    assert_boxed(PLAIN, "out", GUEST_ESUCCESS, "top/out");
}

static void a_path_may_begin_below_the_top_of_its_sandbox(void **state)
{
    guest_spot spot;

    (void)state;
    assert_int_equal(walk_in(at("top/in/deep"), at("top"), PLAIN, b("../.."), &spot),
                     GUEST_ESUCCESS);
    assert_ptr_equal(spot.node, at("top"));
    assert_int_equal(walk_in(at("top/in/deep"), at("top"), PLAIN, b("../../.."), &spot),
                     GUEST_EPERM);
}

static void what_was_moved_out_of_the_sandbox_is_one_of_its_own(void **state)
{
    vfs_node *in = at("top/in"), *top = at("top");
    guest_spot spot;

    (void)state;
    assert_int_equal(guest_dir_rename(vfs, top, b("in"), at("d/e"), b("in")), GUEST_ESUCCESS);
    assert_int_equal(walk_in(in, top, PLAIN, b(".."), &spot), GUEST_EPERM);
    assert_int_equal(walk_in(in, top, PLAIN, b("deep/../.."), &spot), GUEST_EPERM);
    assert_int_equal(walk_in(in, top, PLAIN, b("deep/.."), &spot), GUEST_ESUCCESS);
    /* And when the top moves, so does the sandbox. */
    assert_int_equal(guest_dir_rename(vfs, at(""), b("top"), in, b("top")), GUEST_ESUCCESS);
    assert_int_equal(walk_in(top, top, PLAIN, b("../deep"), &spot), GUEST_EPERM);
}

static void the_root_can_be_a_sandbox(void **state)
{
    vfs_node *root = guest_vfs_root(vfs);
    guest_spot spot;

    (void)state;
    assert_int_equal(walk_in(root, root, PLAIN, b("d/../d/g"), &spot), GUEST_ESUCCESS);
    assert_int_equal(walk_in(root, root, PLAIN, b(".."), &spot), GUEST_EPERM);
    assert_int_equal(walk_in(root, root, PLAIN, b("/d"), &spot), GUEST_EPERM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_tree, close_tree)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(components_slashes_and_dots_lead_to_a_node),
        TEST(a_spot_tells_the_name_and_its_directory),
        TEST(what_is_missing_on_the_way_is_told),
        TEST(long_names_and_paths_are_refused),
        TEST(a_nul_is_no_part_of_a_path),
        TEST(a_relative_path_begins_at_its_directory),
        TEST(from_a_removed_directory_nothing_is_found),
        TEST(links_are_followed_on_the_way_and_last_if_asked),
        TEST(a_slash_behind_a_link_follows_it_unless_its_name_is_meant),
        TEST(a_slash_in_a_target_wants_a_directory_too),
        TEST(a_link_to_nothing_gives_the_place_that_it_means),
        TEST(a_target_may_end_in_dots),
        TEST(forty_links_are_followed_and_no_more),
        TEST(loops_end),
        TEST(links_count_wherever_they_stand),
        TEST(nothing_above_the_sandbox_is_reached),
        TEST(links_do_not_lead_out_of_the_sandbox),
        TEST(a_path_may_begin_below_the_top_of_its_sandbox),
        TEST(what_was_moved_out_of_the_sandbox_is_one_of_its_own),
        TEST(the_root_can_be_a_sandbox),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
