/* The plain file system: vfs_model.h. */
#include "vfs_model.h"

#include "fuzz.h"

#include <string.h>

static const beamr_vfs_limits limits = MODEL_LIMITS;

void model_init(model *m)
{
    memset(m, 0, sizeof *m);
    FUZZ_CHECK(beamr_vfs_new(&limits, &m->vfs, NULL) == BEAMR_OK);
    m->nodes[0].real = guest_vfs_root(m->vfs);
    m->nodes[0].links = 1;
}

void model_clear(model *m)
{
    for (unsigned i = 0; i < MODEL_NODES; i++)
        while (m->nodes[i].real && m->nodes[i].opens > 0)
            model_close(m, &m->nodes[i]);
    beamr_vfs_unref(m->vfs);
}

/* ---- Looking ---- */

model_entry *model_find(model *m, const model_node *dir, char name)
{
    for (unsigned i = 0; i < m->entry_count; i++)
        if (m->entries[i].dir == dir && m->entries[i].name == name)
            return &m->entries[i];
    return NULL;
}

static bool is_empty(const model *m, const model_node *dir)
{
    for (unsigned i = 0; i < m->entry_count; i++)
        if (m->entries[i].dir == dir)
            return false;
    return true;
}

static model_node *parent_of(model *m, const model_node *dir)
{
    for (unsigned i = 0; i < m->entry_count; i++)
        if (m->entries[i].node == dir)
            return m->entries[i].dir;
    return NULL;
}

static bool contains(model *m, const model_node *dir, const model_node *below)
{
    for (; below; below = parent_of(m, below))
        if (below == dir)
            return true;
    return false;
}

static unsigned depth_of(model *m, const model_node *dir)
{
    unsigned depth = 0;

    while ((dir = parent_of(m, dir)))
        depth++;
    return depth;
}

/* The deepest directory in it: each is asked how deep it is. */
static unsigned height_of(model *m, const model_node *dir)
{
    unsigned own = depth_of(m, dir), height = 0;

    for (unsigned i = 0; i < MODEL_NODES; i++) {
        const model_node *n = &m->nodes[i];

        if (n->real && n->kind == BEAMR_VFS_DIRECTORY && contains(m, dir, n) &&
            depth_of(m, n) - own > height)
            height = depth_of(m, n) - own;
    }
    return height;
}

static unsigned node_count(const model *m)
{
    unsigned count = 0;

    for (unsigned i = 0; i < MODEL_NODES; i++)
        count += m->nodes[i].real != NULL;
    return count;
}

static uint64_t byte_count(const model *m)
{
    uint64_t count = m->entry_count;

    for (unsigned i = 0; i < MODEL_NODES; i++)
        if (m->nodes[i].real)
            count += m->nodes[i].size;
    return count;
}

/* ---- Agreeing ---- */

/* Returns whether it succeeded, as both say. */
static bool agree(guest_errno e, model_set reasons)
{
    if (reasons == 0) {
        FUZZ_CHECK(e == GUEST_ESUCCESS);
        return true;
    }
    FUZZ_CHECK(e != GUEST_ESUCCESS && (reasons & MODEL_SET(e)));
    return false;
}

static beamr_bytes name_bytes(const char *name)
{
    return (beamr_bytes){(const uint8_t *)name, 1};
}

/* Why a name may not be made. */
static model_set new_name(model *m, model_node *dir, char name)
{
    if (dir->links == 0)
        return MODEL_SET(GUEST_ENOENT);
    if (model_find(m, dir, name))
        return MODEL_SET(GUEST_EEXIST);
    return byte_count(m) + 1 > limits.max_bytes || m->entry_count >= limits.max_nodes
               ? MODEL_SET(GUEST_ENOSPC)
               : 0;
}

static model_set new_node(model *m)
{
    return node_count(m) >= limits.max_nodes ? MODEL_SET(GUEST_ENOSPC) : 0;
}

static void add_entry(model *m, model_node *dir, char name, model_node *node)
{
    FUZZ_CHECK(m->entry_count < MODEL_NODES);
    m->entries[m->entry_count++] = (model_entry){dir, node, name};
    node->links++;
}

static model_node *add_node(model *m, beamr_vfs_kind kind, vfs_node *real)
{
    for (unsigned i = 0; i < MODEL_NODES; i++) {
        model_node *n = &m->nodes[i];

        if (n->real)
            continue;
        *n = (model_node){.real = real, .kind = kind};
        return n;
    }
    abort();
}

static void drop_if_unused(model_node *n)
{
    if (n->links == 0 && n->opens == 0)
        n->real = NULL;
}

static void drop_entry(model *m, model_entry *entry)
{
    model_node *node = entry->node;

    m->entry_count--;
    memmove(entry, entry + 1, (size_t)(m->entries + m->entry_count - entry) * sizeof *entry);
    node->links--;
    drop_if_unused(node);
}

/* ---- Changes ---- */

void model_make(model *m, model_node *dir, char name, beamr_vfs_kind kind)
{
    model_set why = new_name(m, dir, name);
    vfs_node *real = NULL;
    guest_errno e = guest_dir_make(m->vfs, dir->real, name_bytes(&name), kind, &real);

    if (!(why & ~MODEL_SET(GUEST_ENOSPC))) {
        why |= new_node(m);
        if (kind == BEAMR_VFS_DIRECTORY && depth_of(m, dir) + 1 > limits.max_depth)
            why |= MODEL_SET(GUEST_EMLINK);
    }
    if (agree(e, why))
        add_entry(m, dir, name, add_node(m, kind, real));
}

void model_symlink(model *m, model_node *dir, char name, beamr_bytes target)
{
    model_set why = new_name(m, dir, name);
    guest_errno e = guest_dir_symlink(m->vfs, dir->real, name_bytes(&name), target);
    vfs_node *real = NULL;
    model_node *n;

    if (!(why & ~MODEL_SET(GUEST_ENOSPC))) {
        why |= new_node(m);
        if (byte_count(m) + 1 + target.len > limits.max_bytes)
            why |= MODEL_SET(GUEST_ENOSPC);
        if (target.len == 0)
            why |= MODEL_SET(GUEST_ENOENT);
        if (target.len > limits.max_path)
            why |= MODEL_SET(GUEST_ENAMETOOLONG);
    }
    if (!agree(e, why))
        return;
    FUZZ_CHECK(guest_dir_find(dir->real, name_bytes(&name), &real) == GUEST_ESUCCESS);
    n = add_node(m, BEAMR_VFS_LINK, real);
    memcpy(n->bytes, target.data, target.len);
    n->size = target.len;
    add_entry(m, dir, name, n);
}

void model_link(model *m, model_node *dir, char name, model_node *node)
{
    model_set why = new_name(m, dir, name);
    guest_errno e = guest_dir_link(m->vfs, dir->real, name_bytes(&name), node->real);

    if (!(why & ~MODEL_SET(GUEST_ENOSPC))) {
        if (node->kind == BEAMR_VFS_DIRECTORY)
            why |= MODEL_SET(GUEST_EPERM);
        else if (node->links == 0)
            why |= MODEL_SET(GUEST_ENOENT);
    }
    if (agree(e, why))
        add_entry(m, dir, name, node);
}

void model_unlink(model *m, model_node *dir, char name)
{
    model_entry *entry = model_find(m, dir, name);
    guest_errno e = guest_dir_unlink(m->vfs, dir->real, name_bytes(&name));
    model_set why = 0;

    if (!entry)
        why = MODEL_SET(GUEST_ENOENT);
    else if (entry->node->kind == BEAMR_VFS_DIRECTORY)
        why = MODEL_SET(GUEST_EISDIR);
    if (agree(e, why))
        drop_entry(m, entry);
}

void model_rmdir(model *m, model_node *dir, char name)
{
    model_entry *entry = model_find(m, dir, name);
    guest_errno e = guest_dir_rmdir(m->vfs, dir->real, name_bytes(&name));
    model_set why = 0;

    if (!entry)
        why = MODEL_SET(GUEST_ENOENT);
    else if (entry->node->kind != BEAMR_VFS_DIRECTORY)
        why = MODEL_SET(GUEST_ENOTDIR);
    else if (!is_empty(m, entry->node))
        why = MODEL_SET(GUEST_ENOTEMPTY);
    if (agree(e, why))
        drop_entry(m, entry);
}

static model_set replaced(model *m, const model_node *node, const model_node *was)
{
    if (node->kind != BEAMR_VFS_DIRECTORY)
        return was->kind == BEAMR_VFS_DIRECTORY ? MODEL_SET(GUEST_EISDIR) : 0;
    if (was->kind != BEAMR_VFS_DIRECTORY)
        return MODEL_SET(GUEST_ENOTDIR);
    return is_empty(m, was) ? 0 : MODEL_SET(GUEST_ENOTEMPTY);
}

/* Why a node that is there can't be renamed; `was` is what the new name leads to, or NULL. */
static model_set no_rename(model *m, const model_node *from, const model_node *node,
                           model_node *to, const model_node *was)
{
    bool is_dir = node->kind == BEAMR_VFS_DIRECTORY;
    model_set why = 0;

    if (is_dir && contains(m, node, to))
        why |= MODEL_SET(GUEST_EINVAL);
    if (to->links == 0)
        why |= MODEL_SET(GUEST_ENOENT);
    if (was && from != to && was->kind == BEAMR_VFS_DIRECTORY && contains(m, was, from))
        why |= MODEL_SET(GUEST_ENOTEMPTY);
    if (was)
        why |= replaced(m, node, was);
    if (is_dir && !contains(m, node, to) &&
        depth_of(m, to) + 1 + height_of(m, node) > limits.max_depth)
        why |= MODEL_SET(GUEST_EMLINK);
    return why;
}

void model_rename(model *m, model_node *from, char name, model_node *to, char new_name_)
{
    model_entry *old = model_find(m, from, name), *target = model_find(m, to, new_name_);
    model_node *node = old ? old->node : NULL, *was = target ? target->node : NULL;
    bool nothing = node && node == was;
    model_set why = !node     ? MODEL_SET(GUEST_ENOENT)
                    : nothing ? 0
                              : no_rename(m, from, node, to, was);
    guest_errno e = guest_dir_rename(m->vfs, from->real, name_bytes(&name), to->real,
                                     name_bytes(&new_name_));

    if (!agree(e, why) || nothing)
        return;
    if (target) { /* the name stays in its place */
        target->node = node;
        was->links--;
        node->links++;
        drop_if_unused(was);
    } else {
        add_entry(m, to, new_name_, node);
    }
    drop_entry(m, model_find(m, from, name));
}

void model_write(model *m, model_node *file, uint64_t offset, uint8_t byte, size_t len)
{
    uint64_t most = limits.max_bytes - (byte_count(m) - file->size), end;
    uint8_t bytes[MODEL_FILE + 1];
    size_t put = 0;
    guest_errno e;
    model_set why = 0;

    memset(bytes, byte, len);
    e = guest_file_write(m->vfs, file->real, offset, bytes, len, &put);
    if (most > limits.max_file_size)
        most = limits.max_file_size;
    if (len > 0 && offset >= limits.max_file_size)
        why |= MODEL_SET(GUEST_EFBIG);
    else if (len > 0 && offset >= most)
        why |= MODEL_SET(GUEST_ENOSPC);
    if (!agree(e, why) || len == 0)
        return;
    end = len < most - offset ? offset + len : most;
    FUZZ_CHECK(put == end - offset);
    if (offset > file->size)
        memset(file->bytes + file->size, 0, (size_t)offset - file->size);
    memset(file->bytes + offset, byte, put);
    if (end > file->size)
        file->size = (size_t)end;
}

void model_resize(model *m, model_node *file, uint64_t size)
{
    guest_errno e = guest_file_resize(m->vfs, file->real, size);
    model_set why = 0;

    if (size > limits.max_file_size)
        why = MODEL_SET(GUEST_EFBIG);
    else if (size > file->size && byte_count(m) - file->size + size > limits.max_bytes)
        why = MODEL_SET(GUEST_ENOSPC);
    if (!agree(e, why))
        return;
    if (size > file->size)
        memset(file->bytes + file->size, 0, (size_t)size - file->size);
    file->size = (size_t)size;
}

void model_open(model *m, model_node *node)
{
    (void)m;
    (void)guest_node_ref(node->real);
    node->opens++;
}

void model_close(model *m, model_node *node)
{
    if (node->opens == 0)
        return;
    guest_node_unref(m->vfs, node->real);
    node->opens--;
    drop_if_unused(node);
}

/* ---- Comparing ---- */

static void check_content(const model_node *n, const vfs_node *real)
{
    static uint8_t bytes[MODEL_FILE + 1];
    size_t got = 0;

    if (n->kind == BEAMR_VFS_FILE) {
        guest_file_read(real, 0, bytes, sizeof bytes, &got);
    } else if (n->kind == BEAMR_VFS_LINK) {
        beamr_bytes target = guest_node_target(real);

        got = target.len;
        memcpy(bytes, target.data, got);
    }
    FUZZ_CHECK(got == n->size && memcmp(bytes, n->bytes, got) == 0);
}

/* What both say of a node, which may be one of a copy. */
static void check_node(const model_node *n, const vfs_node *real)
{
    beamr_vfs_stat s = guest_node_stat(real);

    FUZZ_CHECK(s.kind == n->kind && s.links == n->links && s.size == n->size);
    check_content(n, real);
}

/* The names in a directory; others[] gets what the model's nodes are in this file system. */
static void check_names(model *m, const model_node *dir, vfs_node *others[MODEL_NODES])
{
    const vfs_node *real = others[dir - m->nodes];
    uint64_t cookie = 0;
    guest_dirent e;

    for (unsigned i = 0; i < m->entry_count; i++) {
        const model_entry *entry = &m->entries[i];
        ptrdiff_t at = entry->node - m->nodes;

        if (entry->dir != dir)
            continue;
        FUZZ_CHECK(guest_dir_next(real, cookie, &e));
        FUZZ_CHECK(e.name.len == 1 && e.name.data[0] == (uint8_t)entry->name);
        FUZZ_CHECK(!others[at] || others[at] == e.node);
        others[at] = e.node;
        if (entry->node->kind == BEAMR_VFS_DIRECTORY)
            FUZZ_CHECK(guest_node_parent(e.node) == real);
        cookie = e.cookie + 1;
    }
    FUZZ_CHECK(!guest_dir_next(real, cookie, &e));
}

void model_check(model *m, beamr_vfs *vfs)
{
    vfs_node *others[MODEL_NODES] = {guest_vfs_root(vfs)};
    bool is_done[MODEL_NODES] = {false};
    unsigned done = 1;

    while (done) { /* directories, as they are found */
        done = 0;
        for (unsigned i = 0; i < MODEL_NODES; i++) {
            const model_node *n = &m->nodes[i];

            if (is_done[i] || !n->real || !others[i])
                continue;
            check_node(n, others[i]);
            if (n->kind == BEAMR_VFS_DIRECTORY)
                check_names(m, n, others);
            is_done[i] = true;
            done++;
        }
    }
    for (unsigned i = 0; i < MODEL_NODES; i++)
        if (m->nodes[i].real)
            FUZZ_CHECK(is_done[i] || m->nodes[i].links == 0);
    if (vfs != m->vfs)
        return;
    for (unsigned i = 0; i < MODEL_NODES; i++)
        if (m->nodes[i].real && m->nodes[i].links == 0)
            check_node(&m->nodes[i], m->nodes[i].real);
    FUZZ_CHECK(beamr_vfs_nodes(vfs) == node_count(m));
    FUZZ_CHECK(beamr_vfs_bytes(vfs) == byte_count(m));
}
