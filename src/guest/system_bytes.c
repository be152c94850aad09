/* The system's state as bytes, and back: beamr_wasi_save and _load.
 *
 *     header      version, exit, times, counts (HEADER bytes)
 *     preopens    u64 id of the node, in the options' order
 *     open files  in the order in which descriptors first refer to them
 *     descriptors by number
 *     extra       what guest_set_extra's owner keeps
 *     files       as guest_vfs_save gives them
 *
 * All numbers are little-endian. Each state has one form: booleans are 0 or 1, nothing is left
 * between or behind the parts, and open files are numbered by use. Loading builds all of it
 * beside the present state, and exchanges the two when nothing can fail any more. */
#include "guest/system_state.h"

#include <stdlib.h>

enum { VERSION = 1, HEADER = 64, PREOPEN = 8, OPEN_FILE = 24, DESCRIPTOR = 32 };

typedef struct header {
    uint32_t version, has_exited, exit_code;
    uint32_t preopens, files, fds;
    uint64_t slept, random_used, cwd, extra, vfs;
} header;

/* ---- Numbers ---- */

static uint8_t *put(uint8_t *at, uint64_t v, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        *at++ = (uint8_t)(v >> 8 * i);
    return at;
}

static uint64_t get(const uint8_t **at, unsigned size)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)(*at)[i] << 8 * i;
    *at += size;
    return v;
}

static uint8_t *put_header(uint8_t *at, const header *h)
{
    const uint32_t words[] = {h->version,  h->has_exited, h->exit_code,
                              h->preopens, h->files,      h->fds};
    const uint64_t longs[] = {h->slept, h->random_used, h->cwd, h->extra, h->vfs};

    for (size_t i = 0; i < 6; i++)
        at = put(at, words[i], 4);
    for (size_t i = 0; i < 5; i++)
        at = put(at, longs[i], 8);
    return at;
}

static header get_header(const uint8_t **at)
{
    header h;

    h.version = (uint32_t)get(at, 4);
    h.has_exited = (uint32_t)get(at, 4);
    h.exit_code = (uint32_t)get(at, 4);
    h.preopens = (uint32_t)get(at, 4);
    h.files = (uint32_t)get(at, 4);
    h.fds = (uint32_t)get(at, 4);
    h.slept = get(at, 8);
    h.random_used = get(at, 8);
    h.cwd = get(at, 8);
    h.extra = get(at, 8);
    h.vfs = get(at, 8);
    return h;
}

/* ---- Saving ---- */

/* Parts that are made by others, and what refers to the file system. */
typedef struct saving {
    header head;
    open_file **files; /* in the order of first use */
    vfs_node **nodes;  /* what is open */
    size_t node_count;
    uint8_t *extra, *vfs;
    size_t extra_len, vfs_len;
} saving;

/* Number the open files by use, and list them. */
static beamr_status list_files(const beamr_wasi *w, saving *s, beamr_error *err)
{
    s->files = calloc(w->fd_room, sizeof *s->files);
    s->nodes = calloc(w->fd_room + w->preopen_count + 1, sizeof(vfs_node *));
    if (!s->files || !s->nodes)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to save descriptors");
    for (uint32_t fd = 0; fd < w->fd_room; fd++)
        if (w->fds[fd].file)
            w->fds[fd].file->number = UINT32_MAX;
    for (uint32_t fd = 0; fd < w->fd_room; fd++) {
        open_file *file = w->fds[fd].file;

        if (!file)
            continue;
        s->head.fds++;
        if (file->number != UINT32_MAX)
            continue;
        file->number = s->head.files++;
        s->files[file->number] = file;
        if (file->node)
            s->nodes[s->node_count++] = file->node;
    }
    for (size_t i = 0; i < w->preopen_count; i++)
        s->nodes[s->node_count++] = w->preopens[i].node;
    s->nodes[s->node_count++] = w->cwd;
    return BEAMR_OK;
}

static uint64_t node_id(const vfs_node *node)
{
    return guest_node_stat(node).id;
}

static beamr_status saving_begin(const beamr_wasi *w, saving *s, beamr_error *err)
{
    beamr_status st = list_files(w, s, err);

    if (st == BEAMR_OK && w->extra.save)
        st = w->extra.save(w->extra.user, &s->extra, &s->extra_len, err);
    if (st == BEAMR_OK)
        st = guest_vfs_save(w->vfs, s->nodes, s->node_count, &s->vfs, &s->vfs_len, err);
    s->head.version = VERSION;
    s->head.has_exited = w->has_exited;
    s->head.exit_code = w->exit_code;
    s->head.preopens = (uint32_t)w->preopen_count;
    s->head.slept = w->slept;
    s->head.random_used = w->random_used;
    s->head.cwd = node_id(w->cwd);
    s->head.extra = s->extra_len;
    s->head.vfs = s->vfs_len;
    return st;
}

static uint8_t *put_file(uint8_t *at, const open_file *file)
{
    at = put(at, file->node ? node_id(file->node) : file->stream, 8);
    at = put(at, file->position, 8);
    at = put(at, file->flags, 4);
    at = put(at, !file->node, 2);
    return put(at, file->is_read_only, 2);
}

static uint8_t *put_descriptor(uint8_t *at, uint32_t fd, const descriptor *d)
{
    at = put(at, fd, 4);
    at = put(at, d->file->number, 4);
    at = put(at, d->preopen, 4);
    at = put(at, d->is_posix, 4);
    at = put(at, d->rights, 8);
    return put(at, d->inheriting, 8);
}

static uint8_t *put_bytes(uint8_t *at, const uint8_t *data, size_t len)
{
    if (len)
        memcpy(at, data, len);
    return at + len;
}

static void put_all(const beamr_wasi *w, const saving *s, uint8_t *at)
{
    at = put_header(at, &s->head);
    for (size_t i = 0; i < w->preopen_count; i++)
        at = put(at, node_id(w->preopens[i].node), 8);
    for (uint32_t i = 0; i < s->head.files; i++)
        at = put_file(at, s->files[i]);
    for (uint32_t fd = 0; fd < w->fd_room; fd++)
        if (w->fds[fd].file)
            at = put_descriptor(at, fd, &w->fds[fd]);
    at = put_bytes(at, s->extra, s->extra_len);
    (void)put_bytes(at, s->vfs, s->vfs_len);
}

beamr_status beamr_wasi_save(const beamr_wasi *wasi, BEAMR_OWN uint8_t **out, size_t *len,
                             beamr_error *err)
{
    saving s = {0};
    uint8_t *bytes = NULL;
    size_t size;
    beamr_status st = saving_begin(wasi, &s, err);

    if (st != BEAMR_OK)
        goto out;
    size = HEADER + s.head.preopens * (size_t)PREOPEN + s.head.files * (size_t)OPEN_FILE +
           s.head.fds * (size_t)DESCRIPTOR + s.extra_len + s.vfs_len;
    bytes = malloc(size);
    if (!bytes) {
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu bytes of state", size);
        goto out;
    }
    put_all(wasi, &s, bytes);
    *out = bytes;
    *len = size;
out:
    free(s.files);
    free(s.nodes);
    free(s.extra);
    free(s.vfs);
    return st;
}

/* ---- Loading ---- */

/* The state that is being built. */
typedef struct loading {
    beamr_bytes bytes;
    const uint8_t *at; /* read up to here */
    header head;
    beamr_bytes extra;
    beamr_vfs *vfs;
    guest_vfs_index *index;
    vfs_node *cwd;       /* a reference */
    vfs_node **preopens; /* references */
    open_file **files;
    uint32_t file_count; /* made so far */
    descriptor *fds;
    uint32_t fd_room;
} loading;

static beamr_status malformed(const loading *l, const char *what, beamr_error *err)
{
    return beamr_fail(err, BEAMR_MALFORMED, (uint64_t)(l->at - l->bytes.data),
                      "state of a system: %s", what);
}

static beamr_status check_header(loading *l, const beamr_wasi *w, beamr_error *err)
{
    uint64_t rest = l->bytes.len, parts;
    const header *h = &l->head;

    l->at = l->bytes.data;
    if (rest < HEADER)
        return malformed(l, "shorter than its header", err);
    rest -= HEADER;
    l->head = get_header(&l->at);
    if (h->version != VERSION)
        return malformed(l, "of another version", err);
    if (h->has_exited > 1 || (h->exit_code && !h->has_exited))
        return malformed(l, "bad exit", err);
    if (h->preopens != w->preopen_count)
        return malformed(l, "other preopened directories than the options have", err);
    if (h->fds > w->max_open)
        return beamr_fail(err, BEAMR_LIMIT, 0, "%u descriptors; at most %u", h->fds,
                          w->max_open);
    if (h->files > h->fds)
        return malformed(l, "open files that nobody has", err);
    parts = h->preopens * (uint64_t)PREOPEN + h->files * (uint64_t)OPEN_FILE +
            h->fds * (uint64_t)DESCRIPTOR;
    if (parts > rest || h->extra > rest - parts || h->vfs != rest - parts - h->extra)
        return malformed(l, "its parts don't add up to its length", err);
    l->extra = (beamr_bytes){l->at + parts, (size_t)h->extra};
    return BEAMR_OK;
}

static beamr_status load_vfs(loading *l, const beamr_wasi *w, beamr_error *err)
{
    beamr_vfs_limits limits = beamr_vfs_limits_of(w->vfs);
    beamr_bytes bytes = {l->extra.data + l->extra.len, (size_t)l->head.vfs};
    bool is_first = err && err->status == BEAMR_OK;
    beamr_status st = guest_vfs_load(bytes, &limits, &l->vfs, &l->index, err);

    if (st == BEAMR_MALFORMED && is_first)
        err->offset += (uint64_t)(bytes.data - l->bytes.data);
    return st;
}

/* The node of an id, with a reference; a link is never open. */
static beamr_status take_node(loading *l, uint64_t id, bool is_dir, vfs_node **out,
                              beamr_error *err)
{
    vfs_node *node = guest_vfs_index_find(l->index, id);

    if (!node || guest_node_kind(node) == BEAMR_VFS_LINK ||
        (is_dir && guest_node_kind(node) != BEAMR_VFS_DIRECTORY))
        return malformed(l, "a file is not there, or of the wrong kind", err);
    *out = guest_node_ref(node);
    return BEAMR_OK;
}

static beamr_status load_preopens(loading *l, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    l->preopens = calloc(l->head.preopens + (size_t)1, sizeof *l->preopens);
    if (!l->preopens)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for preopened directories");
    for (uint32_t i = 0; i < l->head.preopens && st == BEAMR_OK; i++)
        st = take_node(l, get(&l->at, 8), true, &l->preopens[i], err);
    return st;
}

static beamr_status load_file(loading *l, open_file *file, beamr_error *err)
{
    uint64_t what = get(&l->at, 8), position = get(&l->at, 8), flags = get(&l->at, 4),
             is_stream = get(&l->at, 2), is_read_only = get(&l->at, 2);

    if (position > INT64_MAX || (flags & ~(uint64_t)GUEST_FDFLAGS_ALL) || is_stream > 1 ||
        is_read_only > 1 || (is_stream && (what >= SYSTEM_STREAMS || position)))
        return malformed(l, "bad open file", err);
    file->position = position;
    file->flags = (uint16_t)flags;
    file->is_read_only = is_read_only;
    if (!is_stream)
        return take_node(l, what, false, &file->node, err);
    file->stream = (uint8_t)what;
    return BEAMR_OK;
}

static beamr_status load_files(loading *l, beamr_error *err)
{
    beamr_status st = BEAMR_OK;

    l->files = calloc(l->head.files + (size_t)1, sizeof *l->files);
    if (!l->files)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for open files");
    for (uint32_t i = 0; i < l->head.files && st == BEAMR_OK; i++) {
        l->files[i] = calloc(1, sizeof *l->files[i]);
        if (!l->files[i])
            return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for open files");
        l->file_count++;
        st = load_file(l, l->files[i], err);
    }
    return st;
}

/* One descriptor.
 *   least  its number is at least this, and one more afterwards
 *   used   open files that descriptors before it refer to */
static beamr_status load_descriptor(loading *l, uint64_t *least, uint32_t *used,
                                    beamr_error *err)
{
    uint64_t fd = get(&l->at, 4), file = get(&l->at, 4), preopen = get(&l->at, 4),
             is_posix = get(&l->at, 4), rights = get(&l->at, 8), inheriting = get(&l->at, 8);

    if (fd < *least || fd >= l->fd_room)
        return malformed(l, "bad number of a descriptor", err);
    if (file > *used || file >= l->head.files)
        return malformed(l, "open files out of order", err);
    if ((preopen != NOT_PREOPENED && preopen >= l->head.preopens) || is_posix > 1 ||
        ((rights | inheriting) & ~GUEST_RIGHTS_ALL))
        return malformed(l, "bad descriptor", err);
    *used += file == *used;
    *least = fd + 1;
    l->fds[fd] = (descriptor){.file = l->files[file],
                              .rights = rights,
                              .inheriting = inheriting,
                              .preopen = (uint32_t)preopen,
                              .is_posix = is_posix};
    l->files[file]->refs++;
    return BEAMR_OK;
}

static beamr_status load_descriptors(loading *l, const beamr_wasi *w, beamr_error *err)
{
    beamr_status st = BEAMR_OK;
    uint64_t least = 0;
    uint32_t used = 0;

    l->fd_room = w->max_open;
    l->fds = calloc(l->fd_room, sizeof *l->fds);
    if (!l->fds)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for descriptors");
    for (uint32_t i = 0; i < l->head.fds && st == BEAMR_OK; i++)
        st = load_descriptor(l, &least, &used, err);
    if (st == BEAMR_OK && used != l->head.files)
        st = malformed(l, "open files that nobody has", err);
    return st;
}

/* What has neither a name nor anybody who has it open would not be saved again. */
static beamr_status check_used(const loading *l, beamr_error *err)
{
    return guest_vfs_index_is_used(l->index)
               ? BEAMR_OK
               : malformed(l, "a file without a name that nobody has open", err);
}

static beamr_status load_extra(const loading *l, const beamr_wasi *w, beamr_error *err)
{
    if (w->extra.load)
        return w->extra.load(w->extra.user, l->extra, err);
    if (l->extra.len)
        return malformed(l, "it has Emscripten's part, and the system has not", err);
    return BEAMR_OK;
}

static void swap_nodes(vfs_node **a, vfs_node **b)
{
    vfs_node *t = *a;

    *a = *b;
    *b = t;
}

/* Exchange the state with the one that was built. */
static void exchange(beamr_wasi *w, loading *l)
{
    descriptor *fds = w->fds;
    uint32_t room = w->fd_room;

    guest_vfs_swap(w->vfs, l->vfs);
    swap_nodes(&w->cwd, &l->cwd);
    for (size_t i = 0; i < w->preopen_count; i++)
        swap_nodes(&w->preopens[i].node, &l->preopens[i]);
    w->fds = l->fds;
    w->fd_room = l->fd_room;
    w->fd_free = 0;
    l->fds = fds;
    l->fd_room = room;
    w->slept = l->head.slept;
    w->random_used = l->head.random_used;
    w->has_seed = false;
    w->paths_version = 0;
    w->has_exited = l->head.has_exited;
    w->exit_code = l->head.exit_code;
}

/* Give back what is not the system's: what was built, or after the exchange what was before. */
static void loading_end(loading *l, bool is_exchanged, beamr_vfs *now)
{
    for (uint32_t fd = 0; fd < l->fd_room && is_exchanged; fd++)
        open_file_unref(l->vfs, l->fds[fd].file);
    for (uint32_t i = 0; i < l->file_count && !is_exchanged; i++) {
        guest_node_unref(l->vfs, l->files[i]->node);
        free(l->files[i]);
    }
    for (uint32_t i = 0; l->preopens && i < l->head.preopens; i++)
        guest_node_unref(l->vfs, l->preopens[i]);
    guest_node_unref(l->vfs, l->cwd);
    guest_vfs_index_free(is_exchanged ? now : l->vfs, l->index);
    beamr_vfs_unref(l->vfs);
    free(l->fds);
    free(l->files);
    free(l->preopens);
}

beamr_status beamr_wasi_load(beamr_wasi *wasi, beamr_bytes bytes, beamr_error *err)
{
    loading l = {.bytes = bytes};
    bool is_exchanged = false;
    beamr_status st;

    if ((st = check_header(&l, wasi, err)) != BEAMR_OK ||
        (st = load_vfs(&l, wasi, err)) != BEAMR_OK ||
        (st = take_node(&l, l.head.cwd, true, &l.cwd, err)) != BEAMR_OK ||
        (st = load_preopens(&l, err)) != BEAMR_OK || (st = load_files(&l, err)) != BEAMR_OK ||
        (st = load_descriptors(&l, wasi, err)) != BEAMR_OK ||
        (st = check_used(&l, err)) != BEAMR_OK || (st = load_extra(&l, wasi, err)) != BEAMR_OK)
        goto out;
    exchange(wasi, &l);
    is_exchanged = true;
out:
    loading_end(&l, is_exchanged, wasi->vfs);
    return st;
}
