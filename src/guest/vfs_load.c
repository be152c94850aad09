/* Reading a file system from bytes, by the layout in vfs_format.h. The bytes are anybody's:
 * each length is compared with what is left, nothing goes beyond the limits, and what would not
 * be written the same way again is refused. */
#include "base/arena.h"
#include "guest/vfs_format.h"
#include "guest/vfs_node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Ids, cookies and versions are below it, so that counting on from them never overflows. */
#define COUNTER_MOST (UINT64_C(1) << 62)

struct guest_vfs_index {
    vfs_node **nodes; /* a reference to each */
    size_t count, room;
};

typedef struct reader {
    beamr_bytes bytes;
    size_t at;
    bool is_state;
    beamr_vfs *vfs;
    uint64_t next_id, version, time; /* of the state */
    guest_vfs_index files;           /* files and links, by number */
    guest_vfs_index all;             /* of a state, all nodes */
} reader;

#define REFUSE(r, ...) beamr_fail(err, BEAMR_MALFORMED, (r)->at, __VA_ARGS__)

static beamr_status no_memory(beamr_error *err)
{
    return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to load a file system");
}

/* ---- The index ---- */

static bool index_add(guest_vfs_index *index, vfs_node *node)
{
    if (index->count == index->room) {
        size_t room = index->room + index->room / 2 + 16;
        vfs_node **nodes = realloc(index->nodes, room * sizeof *nodes);

        if (!nodes)
            return false;
        index->nodes = nodes;
        index->room = room;
    }
    index->nodes[index->count++] = guest_node_ref(node);
    return true;
}

static void index_clear(beamr_vfs *vfs, guest_vfs_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        guest_node_unref(vfs, index->nodes[i]);
    free(index->nodes);
    *index = (guest_vfs_index){0};
}

static int compare_ids(const void *left, const void *right)
{
    const vfs_node *const *a = left, *const *b = right;

    return (*a)->id == (*b)->id ? 0 : (*a)->id < (*b)->id ? -1 : 1;
}

vfs_node *guest_vfs_index_find(const guest_vfs_index *index, uint64_t id)
{
    size_t low = 0, high = index->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (index->nodes[middle]->id == id)
            return index->nodes[middle];
        if (index->nodes[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool guest_vfs_index_is_used(const guest_vfs_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        if (index->nodes[i]->links == 0 && index->nodes[i]->refs == 1)
            return false;
    return true;
}

void guest_vfs_index_free(beamr_vfs *vfs, guest_vfs_index *index)
{
    if (!index)
        return;
    index_clear(vfs, index);
    free(index);
}

/* ---- Bytes ---- */

static beamr_status take(reader *r, uint64_t len, beamr_bytes *out, beamr_error *err)
{
    size_t left = r->bytes.len - r->at;

    if (len > left)
        return REFUSE(r, "%" PRIu64 " bytes expected, %zu are left", len, left);
    *out = (beamr_bytes){r->bytes.data + r->at, (size_t)len};
    r->at += (size_t)len;
    return BEAMR_OK;
}

static beamr_status get(reader *r, unsigned len, uint64_t *out, beamr_error *err)
{
    beamr_bytes bytes = {NULL, 0};
    beamr_status st = take(r, len, &bytes, err);
    uint64_t value = 0;

    if (st != BEAMR_OK)
        return st;
    for (unsigned i = 0; i < len; i++)
        value |= (uint64_t)bytes.data[i] << (8 * i);
    *out = value;
    return BEAMR_OK;
}

/* A counter that is below `end`, and not 0. */
static beamr_status get_counter(reader *r, const char *what, uint64_t end, uint64_t *out,
                                beamr_error *err)
{
    beamr_status st = get(r, 8, out, err);

    if (st == BEAMR_OK && (*out == 0 || *out >= end))
        return REFUSE(r, "%s %" PRIu64 " is not below %" PRIu64, what, *out, end);
    return st;
}

/* The status of an errno; what the file system refuses is a limit or a bad name. */
static beamr_status refuse(const reader *r, guest_errno e, const char *what, beamr_error *err)
{
    switch (e) {
    case GUEST_ESUCCESS:
        return BEAMR_OK;
    case GUEST_ENOMEM:
        return no_memory(err);
    case GUEST_EINVAL:
    case GUEST_ENOENT: /* an empty target */
        return REFUSE(r, "a bad %s", what);
    default:
        return beamr_fail(err, BEAMR_LIMIT, r->at, "a %s beyond the file system's limits: %s",
                          what, guest_errno_text(e));
    }
}

/* ---- Nodes ---- */

typedef struct stat_part {
    uint64_t accessed, modified, changed, id, version;
} stat_part;

static beamr_status get_stat(reader *r, stat_part *out, beamr_error *err)
{
    BEAMR_TRY(get(r, 8, &out->accessed, err));
    BEAMR_TRY(get(r, 8, &out->modified, err));
    BEAMR_TRY(get(r, 8, &out->changed, err));
    if (!r->is_state)
        return BEAMR_OK;
    BEAMR_TRY(get_counter(r, "id", r->next_id, &out->id, err));
    BEAMR_TRY(get(r, 8, &out->version, err));
    if (out->version > r->version)
        return REFUSE(r, "version %" PRIu64 ", the last is %" PRIu64, out->version, r->version);
    return BEAMR_OK;
}

/* The last step, since filling a node sets these. */
static void set_stat(const reader *r, vfs_node *node, const stat_part *s)
{
    node->accessed = s->accessed;
    node->modified = s->modified;
    node->changed = s->changed;
    if (r->is_state) {
        node->id = s->id;
        node->version = s->version;
    }
}

/* Blocks that are not zero, put where they belong. */
static beamr_status get_blocks(reader *r, vfs_node *file, uint64_t at, uint64_t blocks,
                               beamr_error *err)
{
    static const uint8_t zero[VFS_BLOCK];
    uint64_t size = file->file.size, len = blocks * VFS_BLOCK;
    beamr_bytes bytes = {NULL, 0};
    size_t put;

    if (len > size - at)
        len = size - at;
    BEAMR_TRY(take(r, len, &bytes, err));
    for (size_t i = 0; i < bytes.len; i += VFS_BLOCK) {
        size_t part = bytes.len - i < VFS_BLOCK ? bytes.len - i : VFS_BLOCK;

        if (memcmp(bytes.data + i, zero, part) == 0)
            return REFUSE(r, "a block of zeros, where others are expected");
    }
    return refuse(r, guest_file_write(r->vfs, file, at, bytes.data, bytes.len, &put), "file",
                  err);
}

static beamr_status get_runs(reader *r, vfs_node *file, beamr_error *err)
{
    uint64_t size = file->file.size, blocks = (size + VFS_BLOCK - 1) / VFS_BLOCK;

    for (uint64_t at = 0; at < blocks;) {
        uint64_t zeros = 0, others = 0;

        BEAMR_TRY(get(r, 8, &zeros, err));
        BEAMR_TRY(get(r, 8, &others, err));
        if (zeros > blocks - at || others > blocks - at - zeros)
            return REFUSE(r, "a run beyond the end of a file");
        if ((zeros == 0 && at > 0) || (others == 0 && at + zeros < blocks))
            return REFUSE(r, "a run without blocks");
        if (others > 0)
            BEAMR_TRY(get_blocks(r, file, (at + zeros) * VFS_BLOCK, others, err));
        at += zeros + others;
    }
    return BEAMR_OK;
}

/* An owned node: it has a reference until the caller gives it away. */
static beamr_status get_file(reader *r, vfs_node **out, beamr_error *err)
{
    uint64_t size = 0;
    beamr_bytes bytes = {NULL, 0};
    beamr_status st;

    BEAMR_TRY(get(r, 8, &size, err));
    if (size < VFS_BLOCK)
        BEAMR_TRY(take(r, size, &bytes, err));
    BEAMR_TRY(refuse(r, vfs_node_new(r->vfs, BEAMR_VFS_FILE, out), "file", err));
    if (size < VFS_BLOCK)
        return refuse(r, vfs_file_set(r->vfs, *out, bytes), "file", err);
    st = refuse(r, guest_file_resize(r->vfs, *out, size), "file", err);
    return st == BEAMR_OK ? get_runs(r, *out, err) : st;
}

static beamr_status get_link(reader *r, vfs_node **out, beamr_error *err)
{
    uint64_t size = 0;
    beamr_bytes target = {NULL, 0};

    BEAMR_TRY(get(r, 4, &size, err));
    BEAMR_TRY(take(r, size, &target, err));
    return refuse(r, vfs_link_new(r->vfs, target, out), "link", err);
}

static beamr_status get_directory(reader *r, vfs_node *node, beamr_error *err)
{
    return r->is_state ? get_counter(r, "cookie", COUNTER_MOST, &node->dir.next_cookie, err)
                       : BEAMR_OK;
}

static beamr_status get_new(reader *r, uint64_t tag, vfs_node **out, beamr_error *err)
{
    switch (tag) {
    case VFS_TAG_DIRECTORY:
        BEAMR_TRY(refuse(r, vfs_node_new(r->vfs, BEAMR_VFS_DIRECTORY, out), "directory", err));
        return get_directory(r, *out, err);
    case VFS_TAG_FILE:
        return get_file(r, out, err);
    case VFS_TAG_LINK:
        return get_link(r, out, err);
    default:
        return REFUSE(r, "an unknown kind %" PRIu64, tag);
    }
}

/* Read a node.  *out  owned, also when this fails; NULL then if there is none yet */
static beamr_status get_node(reader *r, uint64_t tag, vfs_node **out, beamr_error *err)
{
    stat_part s = {0};

    BEAMR_TRY(get_stat(r, &s, err));
    BEAMR_TRY(get_new(r, tag, out, err));
    set_stat(r, *out, &s);
    if (r->is_state && !index_add(&r->all, *out))
        return no_memory(err);
    return BEAMR_OK;
}

/* ---- Names ---- */

static beamr_status get_name(reader *r, const vfs_node *directory, beamr_bytes *name,
                             uint64_t *cookie, beamr_error *err)
{
    const vfs_dir *dir = &directory->dir;
    uint64_t len = 0;

    BEAMR_TRY(get(r, 4, &len, err));
    BEAMR_TRY(take(r, len, name, err));
    BEAMR_TRY(refuse(r, vfs_name_check(r->vfs, *name), "name", err));
    if (vfs_dir_lookup(directory, *name))
        return REFUSE(r, "a name that the directory has already");
    *cookie = 0; /* the next */
    if (!r->is_state)
        return BEAMR_OK;
    BEAMR_TRY(get_counter(r, "cookie", dir->next_cookie, cookie, err));
    if (dir->slot_count > 0 && *cookie <= dir->slots[dir->slot_count - 1].cookie)
        return REFUSE(r, "cookie %" PRIu64 ", which is not above the one before", *cookie);
    return BEAMR_OK;
}

/* What a name leads to, with a reference for the caller. */
static beamr_status get_named(reader *r, uint64_t tag, vfs_node **out, beamr_error *err)
{
    uint64_t number = 0;

    if (tag != VFS_TAG_AGAIN) {
        BEAMR_TRY(get_node(r, tag, out, err));
        if (tag != VFS_TAG_DIRECTORY && !index_add(&r->files, *out))
            return no_memory(err);
        return BEAMR_OK;
    }
    BEAMR_TRY(get(r, 4, &number, err));
    if (number >= r->files.count)
        return REFUSE(r, "another name of file %" PRIu64 ", of %zu so far", number,
                      r->files.count);
    *out = guest_node_ref(r->files.nodes[number]);
    return BEAMR_OK;
}

/* Read a name and what it leads to, into the directory *at, which becomes the new one if that
 * is a directory. */
static beamr_status get_entry(reader *r, uint64_t tag, vfs_node **at, beamr_error *err)
{
    beamr_bytes name = {NULL, 0};
    uint64_t cookie = 0;
    vfs_node *node = NULL;
    beamr_status st;

    BEAMR_TRY(get_name(r, *at, &name, &cookie, err));
    st = get_named(r, tag, &node, err);
    if (st == BEAMR_OK)
        st = refuse(r, vfs_dir_put(r->vfs, *at, name, cookie, node), "name", err);
    if (st == BEAMR_OK && node->kind == BEAMR_VFS_DIRECTORY)
        *at = node;
    guest_node_unref(r->vfs, node);
    return st;
}

static beamr_status get_tree(reader *r, beamr_error *err)
{
    vfs_node *at = r->vfs->root;
    stat_part s = {0};

    BEAMR_TRY(get_stat(r, &s, err));
    BEAMR_TRY(get_directory(r, at, err));
    set_stat(r, at, &s);
    if (r->is_state && !index_add(&r->all, at))
        return no_memory(err);
    for (;;) {
        uint64_t tag = 0;

        BEAMR_TRY(get(r, 1, &tag, err));
        if (tag != VFS_TAG_END) {
            BEAMR_TRY(get_entry(r, tag, &at, err));
            continue;
        }
        if (at == r->vfs->root)
            return BEAMR_OK;
        at = at->dir.parent;
    }
}

/* ---- The whole ---- */

static beamr_status get_orphans(reader *r, beamr_error *err)
{
    uint64_t last = 0, tag = 0;

    for (;;) {
        vfs_node *node = NULL;
        beamr_status st;

        BEAMR_TRY(get(r, 1, &tag, err));
        if (tag == VFS_TAG_END)
            return BEAMR_OK;
        st = get_node(r, tag, &node, err);
        if (st == BEAMR_OK && node->id <= last)
            st = REFUSE(r, "id %" PRIu64 ", which is not above the one before", node->id);
        if (st == BEAMR_OK)
            last = node->id;
        guest_node_unref(r->vfs, node); /* the index has it too */
        BEAMR_TRY(st);
    }
}

static beamr_status get_header(reader *r, beamr_error *err)
{
    beamr_bytes magic = {NULL, 0};
    uint64_t version = 0, flags = 0;

    BEAMR_TRY(take(r, VFS_MAGIC_SIZE, &magic, err));
    if (memcmp(magic.data, VFS_MAGIC, VFS_MAGIC_SIZE) != 0)
        return REFUSE(r, "not a file system: it does not begin with \"%s\"", VFS_MAGIC);
    BEAMR_TRY(get(r, 4, &version, err));
    if (version != VFS_VERSION)
        return REFUSE(r, "a file system of version %" PRIu64 ", %u is known", version,
                      VFS_VERSION);
    BEAMR_TRY(get(r, 4, &flags, err));
    if (flags != (r->is_state ? VFS_FLAG_STATE : 0))
        return REFUSE(r, "flags %" PRIu64 " are not those of %s", flags,
                      r->is_state ? "a system's state" : "a file system alone");
    if (!r->is_state)
        return BEAMR_OK;
    BEAMR_TRY(get_counter(r, "id", COUNTER_MOST, &r->next_id, err));
    BEAMR_TRY(get(r, 8, &r->version, err));
    if (r->version >= COUNTER_MOST)
        return REFUSE(r, "version %" PRIu64 " is too large", r->version);
    return get(r, 8, &r->time, err);
}

static beamr_status finish_state(reader *r, beamr_error *err)
{
    qsort(r->all.nodes, r->all.count, sizeof(vfs_node *), compare_ids);
    for (size_t i = 1; i < r->all.count; i++)
        if (r->all.nodes[i - 1]->id == r->all.nodes[i]->id)
            return REFUSE(r, "id %" PRIu64 " is there twice", r->all.nodes[i]->id);
    r->vfs->next_id = r->next_id;
    r->vfs->version = r->vfs->unplaced = r->version;
    r->vfs->time = r->time;
    return BEAMR_OK;
}

static beamr_status get_all(reader *r, beamr_error *err)
{
    BEAMR_TRY(get_header(r, err));
    BEAMR_TRY(get_tree(r, err));
    if (r->is_state)
        BEAMR_TRY(get_orphans(r, err));
    if (r->at < r->bytes.len)
        return REFUSE(r, "%zu bytes behind the end", r->bytes.len - r->at);
    return r->is_state ? finish_state(r, err) : BEAMR_OK;
}

/* Load into r->vfs; on success r->all is left to the caller. */
static beamr_status load(reader *r, const beamr_vfs_limits *limits, beamr_error *err)
{
    beamr_status st = beamr_vfs_new(limits, &r->vfs, err);

    if (st != BEAMR_OK)
        return st;
    st = get_all(r, err);
    index_clear(r->vfs, &r->files);
    if (st != BEAMR_OK) {
        index_clear(r->vfs, &r->all);
        beamr_vfs_unref(r->vfs);
    }
    return st;
}

beamr_status beamr_vfs_load(beamr_bytes bytes, const beamr_vfs_limits *limits, beamr_vfs **out,
                            beamr_error *err)
{
    reader r = {.bytes = bytes};
    beamr_status st = load(&r, limits, err);

    if (st == BEAMR_OK)
        *out = r.vfs;
    return st;
}

beamr_status guest_vfs_load(beamr_bytes bytes, const beamr_vfs_limits *limits, beamr_vfs **out,
                            guest_vfs_index **index, beamr_error *err)
{
    reader r = {.bytes = bytes, .is_state = true};
    guest_vfs_index *made = malloc(sizeof *made);
    beamr_status st;

    if (!made)
        return no_memory(err);
    if ((st = load(&r, limits, err)) != BEAMR_OK) {
        free(made);
        return st;
    }
    *made = r.all;
    *out = r.vfs;
    *index = made;
    return BEAMR_OK;
}
