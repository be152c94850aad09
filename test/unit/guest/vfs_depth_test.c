/* How deep directories are: guest/vfs_depth.c. */
#include "vfs_fixture.h"

static beamr_vfs *open_deep(uint32_t max_depth)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;

    limits.max_depth = max_depth;
    return open_with(limits);
}

/* Directories named "d", below each other. */
static vfs_node *chain(beamr_vfs *vfs, vfs_node *at, int count)
{
    while (count-- > 0)
        at = dir(vfs, at, "d");
    return at;
}

static void directories_are_as_deep_as_the_limit(void **state)
{
    beamr_vfs *vfs = open_deep(10);
    vfs_node *last = chain(vfs, guest_vfs_root(vfs), 10);

    (void)state;
    assert_int_equal(guest_dir_make(vfs, last, b("d"), BEAMR_VFS_DIRECTORY, NULL),
                     GUEST_EMLINK);
    assert_int_equal(guest_dir_make(vfs, last, b("f"), BEAMR_VFS_FILE, NULL), GUEST_ESUCCESS);
    beamr_vfs_unref(vfs);
}

static void moving_a_tree_minds_its_depth(void **state)
{
    beamr_vfs *vfs = open_deep(10);
    vfs_node *root = guest_vfs_root(vfs), *a = dir(vfs, root, "a"), *c = dir(vfs, root, "c");
    vfs_node *end;

    (void)state;
    end = chain(vfs, a, 5); /* a has height 5 */
    (void)chain(vfs, c, 4);
    assert_int_equal(rename_in(vfs, root, "a", chain(vfs, dir(vfs, c, "x"), 3), "a"),
                     GUEST_EMLINK); /* 5 + 1 + 5 */
    assert_int_equal(guest_dir_rmdir(vfs, guest_node_parent(end), b("d")), GUEST_ESUCCESS);
    assert_int_equal(
        rename_in(vfs, root, "a", find(find(find(find(c, "x"), "d"), "d"), "d"), "a"),
        GUEST_ESUCCESS);
    /* Now c is 10 deep: nothing may go below another. */
    (void)dir(vfs, root, "top");
    assert_int_equal(rename_in(vfs, root, "c", find(root, "top"), "c"), GUEST_EMLINK);
    assert_int_equal(rename_in(vfs, root, "c", root, "top"), GUEST_ESUCCESS);
    beamr_vfs_unref(vfs);
}

/* The deepest directory below each is found by looking, and compared with what moves. */
static uint32_t height_by_looking(const vfs_node *at)
{
    guest_dirent e;
    uint32_t height = 0;

    for (uint64_t cookie = 0; guest_dir_next(at, cookie, &e); cookie = e.cookie + 1) {
        uint32_t below = height_by_looking(e.node) + 1;

        height = below > height ? below : height;
    }
    return height;
}

static uint32_t depth_by_looking(const vfs_node *at)
{
    uint32_t depth = 0;

    for (; guest_node_parent(at) != at; at = guest_node_parent(at))
        depth++;
    return depth;
}

static void random_moves_keep_the_limit_exactly(void **state)
{
    enum { COUNT = 40, DEPTH = 7 };
    beamr_vfs *vfs = open_deep(DEPTH);
    vfs_node *nodes[COUNT];
    uint32_t random = 1, moved = 0, refused = 0;
    char name[COUNT][8];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        (void)snprintf(name[i], sizeof name[i], "%d", i);
        nodes[i] = dir(vfs, guest_vfs_root(vfs), name[i]);
    }
    for (int step = 0; step < 20000; step++) {
        vfs_node *what, *to;
        uint32_t pick, height;
        guest_errno e;

        random = random * 1664525 + 1013904223;
        pick = (random >> 8) % COUNT;
        what = nodes[pick];
        to = (random >> 20) % 16 ? nodes[(random >> 16) % COUNT] : guest_vfs_root(vfs);
        height = height_by_looking(what);
        e = rename_in(vfs, guest_node_parent(what), name[pick], to, name[pick]);
        if (e == GUEST_EINVAL)
            continue;
        if (e == GUEST_ESUCCESS) {
            moved++;
            assert_true(depth_by_looking(what) + height <= DEPTH);
        } else {
            refused++;
            assert_int_equal(e, GUEST_EMLINK);
            assert_true(depth_by_looking(to) + 1 + height > DEPTH);
        }
    }
    assert_true(moved > 1000 && refused > 100);
    beamr_vfs_unref(vfs);
}

static void a_deep_tree_is_copied_and_freed(void **state)
{
    enum { DEEP = 4096 };
    beamr_vfs *vfs = open_deep(UINT32_MAX), *copy = NULL;

    (void)state;
    /* By putting one above the other: to make them downwards would climb to the root each. */
    for (int i = 0; i < DEEP; i++) {
        vfs_node *root = guest_vfs_root(vfs), *above = dir(vfs, root, "new");

        if (find(root, "d"))
            assert_int_equal(rename_in(vfs, root, "d", above, "d"), GUEST_ESUCCESS);
        assert_int_equal(rename_in(vfs, root, "new", root, "d"), GUEST_ESUCCESS);
    }
    assert_int_equal(beamr_vfs_copy(vfs, &copy, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_nodes(copy), DEEP + 1);
    beamr_vfs_unref(vfs);
    assert_int_equal(beamr_vfs_remove(copy, b("d"), true, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_nodes(copy), 1);
    beamr_vfs_unref(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(directories_are_as_deep_as_the_limit),
        cmocka_unit_test(moving_a_tree_minds_its_depth),
        cmocka_unit_test(random_moves_keep_the_limit_exactly),
        cmocka_unit_test(a_deep_tree_is_copied_and_freed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
