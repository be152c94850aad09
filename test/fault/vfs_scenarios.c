/* The virtual file system: making, changing, copying, saving and loading. What fails has
 * changed nothing. (What the C library's tsearch allocates is out of reach: fault.h.) */
#include "scenario.h"

#include "guest/vfs.h"

#include <stdio.h>
#include <stdlib.h>

#define MIB ((size_t)1 << 20)

static beamr_bytes b(const char *text)
{
    return beamr_bytes_of(text);
}

static saved save(const beamr_vfs *vfs)
{
    saved s = {NULL, 0};

    assert_int_equal(beamr_vfs_save(vfs, &s.data, &s.len, NULL), BEAMR_OK);
    return s;
}

static void answer_vfs(const beamr_vfs *vfs, answer *a)
{
    saved s;

    fault_pause();
    s = save(vfs);
    answer_bytes(a, s.data, s.len);
    free(s.data);
    fault_resume();
}

static uint8_t large[2 * MIB];

static vfs_node *find(beamr_vfs *vfs, const char *name)
{
    vfs_node *node = NULL;

    assert_int_equal(guest_dir_find(guest_vfs_root(vfs), b(name), &node), GUEST_ESUCCESS);
    return node;
}

/* A tree with a file under two names, a large one, a link, and directories below each other. */
static void open_tree(world *w)
{
    beamr_vfs *vfs = NULL;

    assert_int_equal(beamr_vfs_new(NULL, &vfs, NULL), BEAMR_OK);
    memset(large, 'x', sizeof large);
    assert_int_equal(beamr_vfs_mkdir(vfs, b("d/e/f"), true, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_mkdir(vfs, b("other"), true, NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_write(vfs, b("d/small"), b("content"), NULL), BEAMR_OK);
    assert_int_equal(beamr_vfs_write(vfs, b("large"), (beamr_bytes){large, sizeof large}, NULL),
                     BEAMR_OK);
    assert_int_equal(beamr_vfs_symlink(vfs, b("large"), b("l"), NULL), BEAMR_OK);
    assert_int_equal(guest_dir_link(vfs, guest_vfs_root(vfs), b("large2"), find(vfs, "large")),
                     GUEST_ESUCCESS);
    w->vfs = vfs;
    w->before = save(vfs);
}

/* Like it, with contents that a copy shares. */
static void open_shared(world *w)
{
    open_tree(w);
    assert_int_equal(beamr_vfs_copy(w->vfs, &w->other_vfs, NULL), BEAMR_OK);
}

static void check_unchanged(world *w)
{
    saved now = save(w->vfs);

    assert_int_equal(now.len, w->before.len);
    assert_memory_equal(now.data, w->before.data, now.len);
    free(now.data);
}

static beamr_status status_of(guest_errno e, beamr_error *err)
{
    if (e == GUEST_ESUCCESS)
        return BEAMR_OK;
    return beamr_fail(err, e == GUEST_ENOMEM ? BEAMR_NO_MEMORY : BEAMR_ARGUMENT, 0, "%s",
                      guest_errno_text(e));
}

/* ---- Operations ---- */

static void open_nothing(world *w)
{
    (void)w;
}

static beamr_status make(world *w, answer *a, beamr_error *err)
{
    beamr_vfs *vfs = NULL;
    beamr_status st = beamr_vfs_new(NULL, &vfs, err);

    (void)w;
    (void)a;
    beamr_vfs_unref(vfs);
    return st;
}

static beamr_status make_directories(world *w, answer *a, beamr_error *err)
{
    beamr_status st = beamr_vfs_mkdir(w->vfs, b("d/e/f/g/h/i"), true, err);

    if (st == BEAMR_OK)
        answer_vfs(w->vfs, a);
    return st;
}

static beamr_status write_new(world *w, answer *a, beamr_error *err)
{
    beamr_status st = beamr_vfs_write(w->vfs, b("d/new"), b("something"), err);

    if (st == BEAMR_OK)
        answer_vfs(w->vfs, a);
    return st;
}

static beamr_status replace(world *w, answer *a, beamr_error *err)
{
    beamr_status st =
        beamr_vfs_write(w->vfs, b("d/small"), (beamr_bytes){large, sizeof large}, err);

    if (st == BEAMR_OK)
        answer_vfs(w->vfs, a);
    return st;
}

static beamr_status append(world *w, answer *a, beamr_error *err)
{
    beamr_status st =
        beamr_vfs_append(w->vfs, b(w->is->text), (beamr_bytes){large, 100000}, err);

    if (st == BEAMR_OK)
        answer_vfs(w->vfs, a);
    return st;
}

/* A small file becomes a large one with a hole. */
static beamr_status write_behind(world *w, answer *a, beamr_error *err)
{
    vfs_node *file = NULL;
    size_t put;
    beamr_status st;

    (void)guest_dir_find(find(w->vfs, "d"), b("small"), &file);
    st = status_of(guest_file_write(w->vfs, file, 3 * MIB, "x", 1, &put), err);
    if (st == BEAMR_OK)
        answer_vfs(w->vfs, a);
    return st;
}

/* Cutting never fails: without memory for a smaller blob the large one stays. */
static beamr_status cut(world *w, answer *a, beamr_error *err)
{
    vfs_node *file = find(w->vfs, "large");
    beamr_status st = status_of(guest_file_resize(w->vfs, file, MIB + MIB / 2), err);

    if (st == BEAMR_OK)
        st = status_of(guest_file_resize(w->vfs, file, 10), err);
    answer_vfs(w->vfs, a);
    return st;
}

static beamr_status link_new(world *w, answer *a, beamr_error *err)
{
    beamr_status st = beamr_vfs_symlink(w->vfs, b("d"), b("d/link"), err);

    if (st == BEAMR_OK)
        answer_vfs(w->vfs, a);
    return st;
}

static beamr_status move_tree(world *w, answer *a, beamr_error *err)
{
    beamr_status st = beamr_vfs_rename(w->vfs, b("d"), b("other/here"), err);

    if (st == BEAMR_OK)
        answer_vfs(w->vfs, a);
    return st;
}

/* Many names go, so the list is written anew; without memory it keeps its size. */
static void open_many(world *w)
{
    char name[16];

    open_tree(w);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "d/%d", i);
        assert_int_equal(beamr_vfs_write(w->vfs, b(name), b(""), NULL), BEAMR_OK);
    }
}

static beamr_status remove_many(world *w, answer *a, beamr_error *err)
{
    char name[16];
    beamr_status st = BEAMR_OK;

    for (int i = 0; i < 98 && st == BEAMR_OK; i++) {
        (void)snprintf(name, sizeof name, "d/%d", i);
        st = beamr_vfs_remove(w->vfs, b(name), false, err);
    }
    answer_vfs(w->vfs, a);
    return st;
}

static beamr_status copy(world *w, answer *a, beamr_error *err)
{
    beamr_vfs *vfs = NULL;
    beamr_status st = beamr_vfs_copy(w->vfs, &vfs, err);

    if (st == BEAMR_OK)
        answer_vfs(vfs, a);
    beamr_vfs_unref(vfs);
    return st;
}

static beamr_status save_alone(world *w, answer *a, beamr_error *err)
{
    saved s = {NULL, 0};
    beamr_status st = beamr_vfs_save(w->vfs, &s.data, &s.len, err);

    if (st == BEAMR_OK)
        answer_bytes(a, s.data, s.len);
    free(s.data);
    return st;
}

static beamr_status load_alone(world *w, answer *a, beamr_error *err)
{
    beamr_vfs *vfs = NULL;
    beamr_status st =
        beamr_vfs_load((beamr_bytes){w->before.data, w->before.len}, NULL, &vfs, err);

    if (st == BEAMR_OK)
        answer_vfs(vfs, a);
    beamr_vfs_unref(vfs);
    return st;
}

/* Save with an open file that has no name, and load that. */
static beamr_status save_and_load_state(world *w, answer *a, beamr_error *err)
{
    vfs_node *open = guest_node_ref(find(w->vfs, "l"));
    guest_vfs_index *index = NULL;
    beamr_vfs *vfs = NULL;
    saved s = {NULL, 0};
    beamr_status st;

    (void)guest_dir_unlink(w->vfs, guest_vfs_root(w->vfs), b("l"));
    st = guest_vfs_save(w->vfs, &open, 1, &s.data, &s.len, err);
    if (st == BEAMR_OK)
        st = guest_vfs_load((beamr_bytes){s.data, s.len}, NULL, &vfs, &index, err);
    if (st == BEAMR_OK)
        answer_vfs(vfs, a);
    guest_vfs_index_free(vfs, index);
    beamr_vfs_unref(vfs);
    free(s.data);
    fault_pause();
    assert_int_equal(beamr_vfs_symlink(w->vfs, b("large"), b("l"), NULL), BEAMR_OK);
    fault_resume();
    guest_node_unref(w->vfs, open);
    return st;
}

#define VFS(operation, opens) .name = "vfs: " operation, .open = opens
#define SAFE .check = check_unchanged
#define ONCE .is_once = true

const scenario vfs_scenarios[] = {
    {VFS("make", open_nothing), .run = make},
    {VFS("make directories", open_tree), .run = make_directories, SAFE},
    {VFS("write a new file", open_tree), .run = write_new, SAFE},
    {VFS("replace a content", open_tree), .run = replace, SAFE},
    {VFS("replace a shared content", open_shared), .run = replace, SAFE},
    {VFS("append", open_tree), .run = append, .text = "d/small", SAFE, ONCE},
    {VFS("append to a large file", open_tree), .run = append, .text = "large", SAFE, ONCE},
    {VFS("append to shared content", open_shared), .run = append, .text = "large", SAFE, ONCE},
    {VFS("append to a new file", open_tree), .run = append, .text = "d/new", SAFE, ONCE},
    {VFS("write far behind the end", open_tree), .run = write_behind, SAFE},
    {VFS("cut", open_tree), .run = cut, .without = FAULT_CALLOC | FAULT_MALLOC | FAULT_MREMAP,
     ONCE},
    {VFS("cut what is shared", open_shared), .run = cut, .without = FAULT_CALLOC | FAULT_MALLOC,
     ONCE},
    {VFS("make a link", open_tree), .run = link_new, SAFE, ONCE},
    {VFS("move a tree", open_tree), .run = move_tree, SAFE, ONCE},
    {VFS("remove many names", open_many), .run = remove_many, .without = FAULT_REALLOC, ONCE},
    {VFS("copy", open_tree), .run = copy, SAFE},
    {VFS("save", open_tree), .run = save_alone, SAFE},
    {VFS("load", open_tree), .run = load_alone, SAFE},
    {VFS("save and load a state", open_tree), .run = save_and_load_state, ONCE},
    {0},
};
