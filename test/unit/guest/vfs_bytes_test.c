/* File systems as bytes: vfs_save.c and vfs_load.c. */
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

static beamr_vfs *new_vfs(void)
{
    beamr_vfs *vfs = NULL;

    assert_int_equal(beamr_vfs_new(NULL, &vfs, NULL), BEAMR_OK);
    return vfs;
}

static vfs_node *find(beamr_vfs *vfs, const char *path)
{
    guest_walk walk = {.start = guest_vfs_root(vfs)};
    guest_spot spot;

    assert_int_equal(guest_path_walk(vfs, &walk, b(path), &spot), GUEST_ESUCCESS);
    return spot.node;
}

static void write_at(beamr_vfs *vfs, const char *path, const char *content)
{
    assert_int_equal(beamr_vfs_write(vfs, b(path), b(content), NULL), BEAMR_OK);
}

/* Directories, an empty one too, links, files of several sizes, hard links, times, holes in
 * the list of names. */
static beamr_vfs *tree(void)
{
    beamr_vfs *vfs = new_vfs();
    size_t put;

    beamr_vfs_set_time(vfs, 1000);
    assert_int_equal(beamr_vfs_mkdir(vfs, b("d/e/empty"), true, NULL), BEAMR_OK);
    write_at(vfs, "gone", "x");
    write_at(vfs, "a", "content of a");
    write_at(vfs, "d/none", "");
    beamr_vfs_set_time(vfs, 2000);
    assert_int_equal(guest_dir_link(vfs, find(vfs, "d/e"), b("again"), find(vfs, "a")),
                     GUEST_ESUCCESS);
    assert_int_equal(beamr_vfs_symlink(vfs, b("../a"), b("d/l"), NULL), BEAMR_OK);
    assert_int_equal(guest_dir_link(vfs, guest_vfs_root(vfs), b("l2"), find(vfs, "d/l")),
                     GUEST_ESUCCESS);
    assert_int_equal(beamr_vfs_remove(vfs, b("gone"), false, NULL), BEAMR_OK);
    write_at(vfs, "sparse", "");
    assert_int_equal(guest_file_write(vfs, find(vfs, "sparse"), 3000000, "end", 3, &put),
                     GUEST_ESUCCESS);
    assert_int_equal(guest_file_write(vfs, find(vfs, "sparse"), 9000, "mid", 3, &put),
                     GUEST_ESUCCESS);
    assert_int_equal(guest_file_resize(vfs, find(vfs, "sparse"), 4000000), GUEST_ESUCCESS);
    assert_int_equal(beamr_vfs_set_times(vfs, b("a"), true, 7, 8, NULL), BEAMR_OK);
    return vfs;
}

static beamr_bytes save(const beamr_vfs *vfs)
{
    uint8_t *data = NULL;
    size_t len = 0;

    assert_int_equal(beamr_vfs_save(vfs, &data, &len, NULL), BEAMR_OK);
    return (beamr_bytes){data, len};
}

static beamr_bytes save_state(const beamr_vfs *vfs, vfs_node *const *open, size_t count)
{
    uint8_t *data = NULL;
    size_t len = 0;

    assert_int_equal(guest_vfs_save(vfs, open, count, &data, &len, NULL), BEAMR_OK);
    return (beamr_bytes){data, len};
}

static void release(beamr_bytes bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

static beamr_vfs *load(beamr_bytes bytes)
{
    beamr_vfs *vfs = NULL;
    beamr_error err = {0};

    if (beamr_vfs_load(bytes, NULL, &vfs, &err) != BEAMR_OK)
        fail_msg("%s at %llu", err.text, (unsigned long long)err.offset);
    return vfs;
}

static void assert_same(beamr_bytes x, beamr_bytes y)
{
    assert_int_equal(x.len, y.len);
    assert_memory_equal(x.data, y.data, x.len);
}

/* ---- Alone ---- */

static void what_was_saved_is_loaded(void **state)
{
    beamr_vfs *vfs = tree(), *other;
    beamr_bytes bytes = save(vfs), content;
    beamr_vfs_stat s, t;

    (void)state;
    other = load(bytes);
    assert_int_equal(beamr_vfs_bytes(other), beamr_vfs_bytes(vfs));
    assert_int_equal(beamr_vfs_nodes(other), beamr_vfs_nodes(vfs));
    assert_int_equal(beamr_vfs_read(other, b("a"), true, &content, NULL), BEAMR_OK);
    assert_int_equal(content.len, 12);
    assert_memory_equal(content.data, "content of a", 12);
    assert_ptr_equal(find(other, "a"), find(other, "d/e/again"));
    assert_ptr_equal(find(other, "l2"), find(other, "d/l"));
    assert_int_equal(guest_node_stat(find(other, "a")).links, 2);
    s = guest_node_stat(find(vfs, "a"));
    t = guest_node_stat(find(other, "a"));
    assert_int_equal(s.accessed, 7);
    assert_int_equal(t.accessed, s.accessed);
    assert_int_equal(t.modified, s.modified);
    assert_int_equal(t.changed, s.changed);
    assert_int_equal(beamr_vfs_read(other, b("sparse"), true, &content, NULL), BEAMR_OK);
    assert_int_equal(content.len, 4000000);
    assert_memory_equal(content.data + 9000, "mid", 3);
    assert_memory_equal(content.data + 3000000, "end\0", 4);
    release(bytes);
    beamr_vfs_unref(other);
    beamr_vfs_unref(vfs);
}

static void equal_file_systems_give_equal_bytes(void **state)
{
    beamr_vfs *vfs = tree(), *other, *copy = NULL;
    beamr_bytes bytes = save(vfs), again, copied;

    (void)state;
    other = load(bytes);
    again = save(other);
    assert_same(bytes, again);
    assert_int_equal(beamr_vfs_copy(vfs, &copy, NULL), BEAMR_OK);
    copied = save(copy);
    assert_same(bytes, copied);
    assert_true(bytes.len < 20000); /* zeros are left out */
    release(copied);
    release(again);
    release(bytes);
    beamr_vfs_unref(copy);
    beamr_vfs_unref(other);
    beamr_vfs_unref(vfs);
}

static void differences_show(void **state)
{
    beamr_vfs *vfs = tree();
    beamr_bytes before = save(vfs), after;

    (void)state;
    assert_int_equal(beamr_vfs_set_times(vfs, b("d/e"), true, 1, 1, NULL), BEAMR_OK);
    after = save(vfs);
    assert_int_equal(before.len, after.len);
    assert_memory_not_equal(before.data, after.data, before.len);
    release(after);
    release(before);
    beamr_vfs_unref(vfs);
}

static void what_is_open_without_a_name_is_not_saved(void **state)
{
    beamr_vfs *vfs = tree();
    beamr_bytes before = save(vfs), after;
    vfs_node *f, *root = guest_vfs_root(vfs);
    beamr_vfs_stat s = guest_node_stat(root);

    (void)state;
    write_at(vfs, "open", "x");
    f = guest_node_ref(find(vfs, "open"));
    assert_int_equal(beamr_vfs_remove(vfs, b("open"), false, NULL), BEAMR_OK);
    guest_node_set_times(root, vfs, s.accessed, s.modified);
    after = save(vfs);
    assert_same(before, after);
    guest_node_unref(vfs, f);
    release(after);
    release(before);
    beamr_vfs_unref(vfs);
}

/* ---- Bad bytes ---- */

static void every_cut_is_refused(void **state)
{
    beamr_vfs *vfs = tree(), *other = NULL;
    beamr_bytes bytes = save(vfs);

    (void)state;
    for (size_t len = 0; len < bytes.len; len += len < 600 ? 1 : 97) {
        beamr_error err = {0};

        assert_int_equal(beamr_vfs_load((beamr_bytes){bytes.data, len}, NULL, &other, &err),
                         BEAMR_MALFORMED);
        assert_true(err.offset <= len);
        assert_null(other);
    }
    release(bytes);
    beamr_vfs_unref(vfs);
}

/* What is taken after a byte changed is written as the same bytes. */
static void every_changed_byte_is_refused_or_kept(void **state)
{
    beamr_vfs *vfs = tree();
    vfs_node *open[2];
    beamr_bytes saved[2];

    (void)state;
    open[0] = guest_node_ref(find(vfs, "sparse"));
    open[1] = guest_node_ref(find(vfs, "d/e/empty"));
    assert_int_equal(guest_file_resize(vfs, open[0], 5000), GUEST_ESUCCESS);
    saved[0] = save(vfs);
    assert_int_equal(beamr_vfs_remove(vfs, b("sparse"), false, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_remove(vfs, b("d/e/empty"), false, NULL), BEAMR_OK);
    saved[1] = save_state(vfs, open, 2);
    for (size_t i = 0; i < 2 * saved[0].len; i++) {
        uint8_t *bytes = (uint8_t *)(uintptr_t)saved[0].data;
        uint8_t was = bytes[i / 2];
        beamr_vfs *other = NULL;

        bytes[i / 2] ^= i % 2 ? 0x80 : 1;
        if (beamr_vfs_load(saved[0], NULL, &other, NULL) == BEAMR_OK) {
            beamr_bytes again = save(other);

            assert_same(saved[0], again);
            release(again);
            beamr_vfs_unref(other);
        }
        bytes[i / 2] = was;
    }
    for (size_t i = 0; i < 2 * saved[1].len; i++) {
        uint8_t *bytes = (uint8_t *)(uintptr_t)saved[1].data;
        uint8_t was = bytes[i / 2];
        guest_vfs_index *index = NULL;
        beamr_vfs *other = NULL;

        bytes[i / 2] ^= i % 2 ? 0x80 : 1;
        if (guest_vfs_load(saved[1], NULL, &other, &index, NULL) == BEAMR_OK) {
            guest_vfs_index_free(other, index);
            beamr_vfs_unref(other);
        }
        bytes[i / 2] = was;
    }
    guest_node_unref(vfs, open[0]);
    guest_node_unref(vfs, open[1]);
    release(saved[0]);
    release(saved[1]);
    beamr_vfs_unref(vfs);
}

/* Bytes made by hand: a header and a root, and then what the test says. */
typedef struct maker {
    uint8_t data[512];
    size_t len;
} maker;

static void add(maker *m, uint64_t value, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        m->data[m->len++] = (uint8_t)(value >> (8 * i));
}

static void add_text(maker *m, const char *text)
{
    memcpy(m->data + m->len, text, strlen(text));
    m->len += strlen(text);
}

static void add_times(maker *m)
{
    add(m, 0, 8);
    add(m, 0, 8);
    add(m, 0, 8);
}

static void add_name(maker *m, unsigned kind, const char *name)
{
    add(m, kind, 1);
    add(m, strlen(name), 4);
    add_text(m, name);
}

static void add_file(maker *m, const char *name, uint64_t size)
{
    add_name(m, 2, name);
    add_times(m);
    add(m, size, 8);
}

static maker begin(void)
{
    maker m = {.len = 0};

    add_text(&m, "beamrvfs");
    add(&m, 1, 4);
    add(&m, 0, 4);
    add_times(&m);
    return m;
}

static beamr_status try_load(const maker *m, const beamr_vfs_limits *limits, beamr_error *err)
{
    beamr_vfs *vfs = NULL;
    beamr_status st;

    beamr_error_clear(err);
    st = beamr_vfs_load((beamr_bytes){m->data, m->len}, limits, &vfs, err);
    beamr_vfs_unref(vfs);
    return st;
}

static void assert_malformed(const maker *m, const char *text)
{
    beamr_error err;

    assert_int_equal(try_load(m, NULL, &err), BEAMR_MALFORMED);
    if (!strstr(err.text, text))
        fail_msg("\"%s\", not \"%s\"", err.text, text);
}

static void bytes_by_hand_are_loaded(void **state)
{
    maker m = begin();
    beamr_error err;

    (void)state;
    add_file(&m, "f", 2);
    add_text(&m, "hi");
    add_name(&m, 4, "g");
    add(&m, 0, 4);
    add(&m, 0, 1);
    assert_int_equal(try_load(&m, NULL, &err), BEAMR_OK);
    add(&m, 0, 1);
    assert_malformed(&m, "1 bytes behind the end");
}

static void headers_are_checked(void **state)
{
    maker m = begin();

    (void)state;
    add(&m, 0, 1);
    m.data[0] = 'B';
    assert_malformed(&m, "does not begin with");
    m.data[0] = 'b';
    m.data[8] = 2;
    assert_malformed(&m, "of version 2");
    m.data[8] = 1;
    m.data[12] = 1;
    assert_malformed(&m, "flags 1");
}

static void names_are_checked(void **state)
{
    static const char *const bad[] = {"", ".", "..", "a/b"};
    maker m;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        m = begin();
        add_file(&m, bad[i], 0);
        add(&m, 0, 1);
        assert_malformed(&m, "a bad name");
    }
    m = begin();
    add_file(&m, "twice", 0);
    add_file(&m, "twice", 0);
    add(&m, 0, 1);
    assert_malformed(&m, "a name that the directory has already");
    m = begin();
    add(&m, 5, 1);
    add(&m, 1, 4);
    add_text(&m, "x");
    add_times(&m);
    assert_malformed(&m, "an unknown kind 5");
}

static void another_name_is_of_a_file_that_came(void **state)
{
    maker m = begin();

    (void)state;
    add_name(&m, 4, "x");
    add(&m, 0, 4);
    add(&m, 0, 1);
    assert_malformed(&m, "another name of file 0, of 0 so far");
    m = begin();
    add_name(&m, 1, "directories do not count");
    add_times(&m);
    add_name(&m, 4, "x");
    add(&m, 0, 4);
    assert_malformed(&m, "another name of file 0, of 0 so far");
}

static void runs_are_checked(void **state)
{
    static const struct {
        uint64_t size, zeros, others;
        const char *text;
    } runs[] = {{4096, 0, 0, "a run without blocks"},
                {4097, 1, 0, "a run without blocks"},
                {4096, 0, 1, "bytes expected"},
                {4096, 2, 0, "a run beyond the end"},
                {4096, UINT64_MAX, 2, "a run beyond the end"},
                {4096, 1, UINT64_MAX, "a run beyond the end"}};
    maker m;

    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        m = begin();
        add_file(&m, "f", runs[i].size);
        add(&m, runs[i].zeros, 8);
        add(&m, runs[i].others, 8);
        assert_malformed(&m, runs[i].text);
    }
    m = begin();
    add_file(&m, "f", 4097);
    add(&m, 1, 8);
    add(&m, 1, 8);
    add(&m, 0, 1);
    add(&m, 0, 1);
    assert_malformed(&m, "a block of zeros");
}

static void loading_stays_within_the_limits(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    maker m = begin();
    beamr_error err;

    (void)state;
    add_file(&m, "file", 8 * 4096);
    add(&m, 8, 8);
    add(&m, 0, 8);
    add(&m, 0, 1);
    assert_int_equal(try_load(&m, &limits, &err), BEAMR_OK);
    limits.max_bytes = 8 * 4096 + 3;
    assert_int_equal(try_load(&m, &limits, &err), BEAMR_LIMIT);
    limits.max_bytes++;
    assert_int_equal(try_load(&m, &limits, &err), BEAMR_OK);
    limits.max_file_size = 8 * 4096 - 1;
    assert_int_equal(try_load(&m, &limits, &err), BEAMR_LIMIT);
    limits.max_file_size = UINT64_MAX;
    limits.max_nodes = 1;
    assert_int_equal(try_load(&m, &limits, &err), BEAMR_LIMIT);
    limits.max_nodes = 2;
    limits.max_name = 3;
    assert_int_equal(try_load(&m, &limits, &err), BEAMR_LIMIT);
    m = begin();
    for (int i = 0; i < 3; i++) {
        add_name(&m, 1, "d");
        add_times(&m);
    }
    add(&m, 0, 4);
    limits.max_nodes = 10;
    limits.max_depth = 3;
    assert_int_equal(try_load(&m, &limits, &err), BEAMR_OK);
    limits.max_depth = 2;
    assert_int_equal(try_load(&m, &limits, &err), BEAMR_LIMIT);
}

static void a_size_that_the_host_does_not_have_is_refused(void **state)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_error err;

    (void)state;
    limits.max_bytes = limits.max_file_size = UINT64_MAX;
    for (unsigned i = 0; i < 4; i++) {
        maker m = begin();

        add_file(&m, "f", UINT64_MAX - i * 4095);
        add(&m, 1, 8);
        add(&m, 0, 8);
        add(&m, 0, 1);
        assert_int_not_equal(try_load(&m, &limits, &err), BEAMR_OK);
    }
}

/* ---- A system's state ---- */

static uint64_t id_of(const vfs_node *node)
{
    return guest_node_stat(node).id;
}

static void nodes_without_a_name_come_back(void **state)
{
    beamr_vfs *vfs = tree(), *other = NULL;
    vfs_node *a = guest_node_ref(find(vfs, "d/none")), *root = guest_vfs_root(vfs);
    vfs_node *d = guest_node_ref(find(vfs, "d/e/empty")), *open[] = {root, d, a, d, root, a};
    guest_vfs_index *index = NULL;
    beamr_bytes bytes, again;
    char buf[8];
    size_t n;

    (void)state;
    assert_int_equal(guest_file_write(vfs, a, 0, "kept", 4, &n), GUEST_ESUCCESS);
    assert_int_equal(beamr_vfs_remove(vfs, b("d/none"), false, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_remove(vfs, b("d/e/empty"), false, NULL), BEAMR_OK);
    bytes = save_state(vfs, open, 6);
    assert_int_equal(guest_vfs_load(bytes, NULL, &other, &index, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_nodes(other), beamr_vfs_nodes(vfs));
    assert_int_equal(beamr_vfs_version(other), beamr_vfs_version(vfs));
    assert_ptr_equal(guest_vfs_index_find(index, id_of(root)), guest_vfs_root(other));
    assert_null(guest_vfs_index_find(index, 1u << 30));
    assert_null(guest_vfs_index_find(index, 0));
    open[0] = guest_node_ref(guest_vfs_index_find(index, id_of(a)));
    open[1] = guest_node_ref(guest_vfs_index_find(index, id_of(d)));
    guest_node_unref(vfs, a);
    guest_node_unref(vfs, d);
    a = open[0];
    d = open[1];
    guest_vfs_index_free(other, index);
    beamr_vfs_unref(vfs);

    guest_file_read(a, 0, buf, sizeof buf, &n);
    assert_int_equal(n, 4);
    assert_memory_equal(buf, "kept", 4);
    assert_false(guest_node_has_name(a));
    assert_null(guest_node_parent(d));
    again = save_state(other, open, 2);
    assert_same(bytes, again);
    guest_node_unref(other, a);
    guest_node_unref(other, d);
    release(again);
    release(bytes);
    beamr_vfs_unref(other);
}

static void cookies_and_ids_go_on(void **state)
{
    beamr_vfs *vfs = tree(), *other = NULL;
    beamr_bytes bytes = save_state(vfs, NULL, 0);
    guest_vfs_index *index = NULL;
    guest_dirent one, two;
    uint64_t cookie = 0;

    (void)state;
    assert_int_equal(guest_vfs_load(bytes, NULL, &other, &index, NULL), BEAMR_OK);
    guest_vfs_index_free(other, index);
    write_at(vfs, "new", "x");
    write_at(other, "new", "x");
    assert_int_equal(id_of(find(vfs, "new")), id_of(find(other, "new")));
    while (guest_dir_next(guest_vfs_root(vfs), cookie, &one)) {
        assert_true(guest_dir_next(guest_vfs_root(other), cookie, &two));
        assert_int_equal(one.cookie, two.cookie);
        assert_int_equal(one.name.len, two.name.len);
        assert_int_equal(id_of(one.node), id_of(two.node));
        cookie = one.cookie + 1;
    }
    assert_false(guest_dir_next(guest_vfs_root(other), cookie, &two));
    release(bytes);
    beamr_vfs_unref(other);
    beamr_vfs_unref(vfs);
}

static void a_loaded_file_system_takes_the_place_of_another(void **state)
{
    beamr_vfs *held = new_vfs(), *vfs = tree(), *other = NULL;
    beamr_bytes bytes = save_state(vfs, NULL, 0), again;
    guest_vfs_index *index = NULL;
    vfs_node *old;

    (void)state;
    write_at(held, "old", "x");
    old = guest_node_ref(find(held, "old"));
    assert_int_equal(guest_vfs_load(bytes, NULL, &other, &index, NULL), BEAMR_OK);
    guest_vfs_swap(held, other);
    guest_vfs_index_free(held, index);
    guest_node_unref(other, old);
    beamr_vfs_unref(other);
    again = save_state(held, NULL, 0);
    assert_same(bytes, again);
    release(again);
    release(bytes);
    beamr_vfs_unref(held);
    beamr_vfs_unref(vfs);
}

static void the_two_kinds_of_bytes_are_told_apart(void **state)
{
    beamr_vfs *vfs = tree(), *other = NULL;
    beamr_bytes alone = save(vfs), whole = save_state(vfs, NULL, 0);
    guest_vfs_index *index = NULL;

    (void)state;
    assert_int_equal(beamr_vfs_load(whole, NULL, &other, NULL), BEAMR_MALFORMED);
    assert_int_equal(guest_vfs_load(alone, NULL, &other, &index, NULL), BEAMR_MALFORMED);
    release(whole);
    release(alone);
    beamr_vfs_unref(vfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_saved_is_loaded),
        cmocka_unit_test(equal_file_systems_give_equal_bytes),
        cmocka_unit_test(differences_show),
        cmocka_unit_test(what_is_open_without_a_name_is_not_saved),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(every_changed_byte_is_refused_or_kept),
        cmocka_unit_test(bytes_by_hand_are_loaded),
        cmocka_unit_test(headers_are_checked),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(another_name_is_of_a_file_that_came),
        cmocka_unit_test(runs_are_checked),
        cmocka_unit_test(loading_stays_within_the_limits),
        cmocka_unit_test(a_size_that_the_host_does_not_have_is_refused),
        cmocka_unit_test(nodes_without_a_name_come_back),
        cmocka_unit_test(cookies_and_ids_go_on),
        cmocka_unit_test(a_loaded_file_system_takes_the_place_of_another),
        cmocka_unit_test(the_two_kinds_of_bytes_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
