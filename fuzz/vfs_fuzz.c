/* Fuzz target: the virtual file system. The first byte of an input says what the rest is:
 *   - a file system as bytes, or a system's state: what is taken is written again as the same
 *     bytes;
 *   - changes, each done to a plain model too (vfs_model.h), which must agree; in between the
 *     file system is copied, saved and loaded, and paths are walked, also in a sandbox. */
#include "fuzz.h"

#include "vfs_model.h"

#include <string.h>

/* ---- Bytes ---- */

static void check_saved(const beamr_vfs *vfs, beamr_bytes want)
{
    uint8_t *data = NULL;
    size_t len = 0;

    FUZZ_CHECK(beamr_vfs_save(vfs, &data, &len, NULL) == BEAMR_OK);
    FUZZ_CHECK(len == want.len && memcmp(data, want.data, len) == 0);
    free(data);
}

static void check_refused(beamr_status st, const beamr_error *err, size_t size)
{
    FUZZ_CHECK(st == BEAMR_MALFORMED || st == BEAMR_LIMIT || st == BEAMR_NO_MEMORY);
    FUZZ_CHECK(err->status == st && err->text[0] && err->offset <= size);
}

static void load_alone(beamr_bytes bytes)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    beamr_error err = {0};
    beamr_vfs *vfs = NULL;
    beamr_status st;

    limits.max_bytes = 1u << 26; /* so that writing it again is quick */
    st = beamr_vfs_load(bytes, &limits, &vfs, &err);
    if (st == BEAMR_OK)
        check_saved(vfs, bytes);
    else
        check_refused(st, &err, bytes.len);
    beamr_vfs_unref(vfs);
}

/* Which nodes were open is not known here, so they are the ones that bear the ids 1 to 64. */
static void load_state(beamr_bytes bytes)
{
    beamr_vfs_limits limits = BEAMR_VFS_LIMITS_DEFAULT;
    vfs_node *open[64];
    guest_vfs_index *index = NULL;
    beamr_error err = {0};
    beamr_vfs *vfs = NULL;
    size_t count = 0, len = 0;
    uint8_t *data = NULL;
    beamr_status st;

    limits.max_bytes = 1u << 26;
    st = guest_vfs_load(bytes, &limits, &vfs, &index, &err);
    if (st != BEAMR_OK) {
        check_refused(st, &err, bytes.len);
        return;
    }
    for (uint64_t id = 64; id > 0; id--)
        if ((open[count] = guest_vfs_index_find(index, id)))
            count++;
    FUZZ_CHECK(guest_vfs_save(vfs, open, count, &data, &len, NULL) == BEAMR_OK);
    FUZZ_CHECK(len <= bytes.len);
    if (len == bytes.len)
        FUZZ_CHECK(memcmp(data, bytes.data, len) == 0);
    free(data);
    guest_vfs_index_free(vfs, index);
    beamr_vfs_unref(vfs);
}

/* ---- Changes ---- */

typedef struct tape {
    const uint8_t *at, *end;
} tape;

static unsigned take(tape *t)
{
    return t->at < t->end ? *t->at++ : 0;
}

/* A node that is there, found from a number; of that kind if there is one, else the root. */
static model_node *pick(model *m, tape *t, beamr_vfs_kind kind)
{
    unsigned from = take(t) % MODEL_NODES;

    for (unsigned i = 0; i < MODEL_NODES; i++) {
        model_node *n = &m->nodes[(from + i) % MODEL_NODES];

        if (n->real && n->kind == kind)
            return n;
    }
    return &m->nodes[0];
}

static char pick_name(tape *t)
{
    return (char)('a' + take(t) % 5);
}

/* A path of few kinds of components. */
static beamr_bytes pick_path(tape *t, char out[48])
{
    static const char *const parts[] = {"a", "b", "c", "..", ".", "/", "long name", "d"};
    unsigned count = take(t) % 10;
    size_t len = 0;

    for (unsigned i = 0; i < count; i++) {
        unsigned byte = take(t);
        const char *part = parts[byte % 8];

        if (len + strlen(part) + 1 >= 48)
            break;
        memcpy(out + len, part, strlen(part));
        len += strlen(part);
        if (byte & 0x40 || i + 1 < count)
            out[len++] = '/';
    }
    return (beamr_bytes){(const uint8_t *)out, len};
}

static bool is_below(const vfs_node *node, const vfs_node *top)
{
    for (;; node = guest_node_parent(node)) {
        if (!node || node == top)
            return node != NULL;
        if (guest_node_parent(node) == node)
            return false;
    }
}

/* In a sandbox nothing is found that is not in it. */
static void walk_somewhere(model *m, tape *t)
{
    char text[48];
    guest_walk walk = {.start = pick(m, t, BEAMR_VFS_DIRECTORY)->real};
    unsigned flags = take(t);
    beamr_bytes path = pick_path(t, text);
    guest_spot spot = {0};
    const vfs_node *top;

    walk.follow = flags & 1;
    walk.is_entry = flags & 2;
    walk.top = flags & 4 ? pick(m, t, BEAMR_VFS_DIRECTORY)->real : NULL;
    if (guest_path_walk(m->vfs, &walk, path, &spot) != GUEST_ESUCCESS)
        return;
    FUZZ_CHECK(spot.parent || spot.node);
    if (spot.parent && spot.node) {
        vfs_node *found = NULL;

        FUZZ_CHECK(guest_dir_find(spot.parent, spot.name, &found) == GUEST_ESUCCESS);
        FUZZ_CHECK(found == spot.node);
    }
    if (!walk.top)
        return;
    top = is_below(walk.start, walk.top) ? walk.top : walk.start;
    FUZZ_CHECK(is_below(spot.parent ? spot.parent : spot.node, top));
}

static uint64_t pick_offset(tape *t)
{
    unsigned high = take(t), low = take(t);

    return high == 0xff ? UINT64_MAX - low : (uint64_t)high * 64 + low;
}

static void change_content(model *m, tape *t)
{
    model_node *n = pick(m, t, BEAMR_VFS_FILE);
    unsigned what = take(t);

    if (n->kind != BEAMR_VFS_FILE)
        return;
    if (what % 4)
        model_write(m, n, pick_offset(t), (uint8_t)take(t), take(t) * 16u);
    else
        model_resize(m, n, pick_offset(t));
}

/* A copy is like its original, and stays so when that changes. */
static void copy_and_check(model *m, tape *t)
{
    beamr_vfs *copy = NULL;
    uint8_t *data = NULL;
    size_t len = 0;

    FUZZ_CHECK(beamr_vfs_copy(m->vfs, &copy, NULL) == BEAMR_OK);
    model_check(m, copy);
    FUZZ_CHECK(beamr_vfs_save(copy, &data, &len, NULL) == BEAMR_OK);
    for (unsigned i = 0; i < 3; i++)
        change_content(m, t);
    check_saved(copy, (beamr_bytes){data, len});
    free(data);
    beamr_vfs_unref(copy);
}

static void save_and_check(model *m)
{
    beamr_vfs_limits limits = MODEL_LIMITS;
    beamr_vfs *other = NULL;
    uint8_t *data = NULL;
    size_t len = 0;

    FUZZ_CHECK(beamr_vfs_save(m->vfs, &data, &len, NULL) == BEAMR_OK);
    FUZZ_CHECK(beamr_vfs_load((beamr_bytes){data, len}, &limits, &other, NULL) == BEAMR_OK);
    model_check(m, other);
    check_saved(other, (beamr_bytes){data, len});
    beamr_vfs_unref(other);
    free(data);
}

/* The system's state is loaded in the place of what there was, and it goes on from there. */
static void save_and_go_on(model *m)
{
    beamr_vfs_limits limits = MODEL_LIMITS;
    vfs_node *open[MODEL_NODES];
    guest_vfs_index *index = NULL;
    beamr_vfs *other = NULL;
    size_t count = 0, len = 0;
    uint8_t *data = NULL;

    for (unsigned i = 0; i < MODEL_NODES; i++)
        if (m->nodes[i].real && m->nodes[i].opens > 0)
            open[count++] = m->nodes[i].real;
    FUZZ_CHECK(guest_vfs_save(m->vfs, open, count, &data, &len, NULL) == BEAMR_OK);
    FUZZ_CHECK(guest_vfs_load((beamr_bytes){data, len}, &limits, &other, &index, NULL) ==
               BEAMR_OK);
    for (unsigned i = 0; i < MODEL_NODES; i++) {
        model_node *n = &m->nodes[i];
        vfs_node *was = n->real;

        if (!was)
            continue;
        n->real = guest_vfs_index_find(index, guest_node_stat(was).id);
        FUZZ_CHECK(n->real);
        for (unsigned k = 0; k < n->opens; k++) {
            (void)guest_node_ref(n->real);
            guest_node_unref(m->vfs, was);
        }
    }
    guest_vfs_swap(m->vfs, other);
    guest_vfs_index_free(m->vfs, index);
    beamr_vfs_unref(other);
    free(data);
    model_check(m, m->vfs);
}

static void change_names(model *m, tape *t, unsigned what)
{
    model_node *dir = pick(m, t, BEAMR_VFS_DIRECTORY);
    char name = pick_name(t), text[48];

    switch (what) {
    case 0:
    case 1:
        model_make(m, dir, name, BEAMR_VFS_DIRECTORY);
        break;
    case 2:
        model_make(m, dir, name, BEAMR_VFS_FILE);
        break;
    case 3:
        model_symlink(m, dir, name, pick_path(t, text));
        break;
    case 4:
        model_link(m, dir, name, pick(m, t, take(t) % 3));
        break;
    case 5:
        model_unlink(m, dir, name);
        break;
    case 6:
        model_rmdir(m, dir, name);
        break;
    default:
        model_rename(m, dir, name, pick(m, t, BEAMR_VFS_DIRECTORY), pick_name(t));
        break;
    }
}

static void change(model *m, tape *t)
{
    unsigned what = take(t) % 20;

    if (what < 10) {
        change_names(m, t, what);
    } else if (what < 14) {
        change_content(m, t);
    } else if (what < 15) {
        model_open(m, pick(m, t, take(t) % 3));
    } else if (what < 16) {
        model_close(m, pick(m, t, take(t) % 3));
    } else if (what < 17) {
        copy_and_check(m, t);
    } else if (what < 18) {
        save_and_check(m);
    } else if (what < 19) {
        save_and_go_on(m);
    } else {
        walk_somewhere(m, t);
    }
}

static void change_all(tape *t)
{
    static model m;

    model_init(&m);
    for (unsigned i = 0; i < 400 && t->at < t->end; i++) {
        change(&m, t);
        model_check(&m, m.vfs);
    }
    model_clear(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tape t = {data, data + size};
    unsigned what = take(&t) % 4;
    beamr_bytes rest = {t.at, (size_t)(t.end - t.at)};

    if (what == 0)
        load_alone(rest);
    else if (what == 1)
        load_state(rest);
    else
        change_all(&t);
    return 0;
}
