/* What is open, told to the embedder and set by it: for those who keep descriptors as data.
 *
 * A node knows its names only if it is a directory, so where an open file lies is noted when it
 * is opened, and believed if it is still found there and the file has no second name. Otherwise
 * one tour through the file system looks for all open files together; what it found holds
 * until the file system changes. */
#include "guest/system_state.h"

#include <stdlib.h>

/* ---- Telling ---- */

static beamr_descriptor_kind kind_of(const descriptor *d)
{
    if (!d->file->node)
        return BEAMR_DESCRIPTOR_STREAM;
    if (d->preopen != NOT_PREOPENED)
        return BEAMR_DESCRIPTOR_PREOPEN;
    return is_directory(d->file) ? BEAMR_DESCRIPTOR_DIRECTORY : BEAMR_DESCRIPTOR_FILE;
}

static void default_rights(const beamr_wasi *w, beamr_descriptor_kind kind, uint32_t index,
                           guest_rights *rights, guest_rights *inheriting)
{
    bool is_dir = kind == BEAMR_DESCRIPTOR_PREOPEN || kind == BEAMR_DESCRIPTOR_DIRECTORY;

    *inheriting = is_dir ? GUEST_RIGHTS_ALL : 0;
    if (kind == BEAMR_DESCRIPTOR_STREAM)
        *rights = system_stream_rights(w, index);
    else
        *rights = is_dir ? RIGHTS_OF_DIRECTORIES : RIGHTS_OF_FILES;
}

/* The smallest number of an open file. */
static uint32_t first_of(const beamr_wasi *w, uint32_t fd)
{
    const open_file *file = w->fds[fd].file;

    for (uint32_t i = 0; i < fd && file->refs > 1; i++)
        if (w->fds[i].file == file)
            return i;
    return fd;
}

bool beamr_wasi_next_descriptor(const beamr_wasi *w, uint32_t *cursor, beamr_descriptor *out)
{
    uint32_t fd = *cursor;
    guest_rights rights, inheriting;
    const descriptor *d;

    while (fd < w->fd_room && !w->fds[fd].file)
        fd++;
    *cursor = fd < w->fd_room ? fd + 1 : fd;
    if (fd >= w->fd_room)
        return false;
    d = &w->fds[fd];
    *out = (beamr_descriptor){.number = fd,
                              .kind = kind_of(d),
                              .same_as = first_of(w, fd),
                              .offset = d->file->position,
                              .flags = d->file->flags,
                              .rights = d->rights,
                              .inheriting = d->inheriting,
                              .is_posix = d->is_posix,
                              .is_read_only = d->file->is_read_only};
    if (out->kind == BEAMR_DESCRIPTOR_STREAM)
        out->index = d->file->stream;
    else if (out->kind == BEAMR_DESCRIPTOR_PREOPEN)
        out->index = d->preopen;
    default_rights(w, out->kind, out->index, &rights, &inheriting);
    out->has_default_rights = d->rights == rights && d->inheriting == inheriting;
    return true;
}

/* ---- Paths ---- */

/* "/directory/name"; `name` may be empty, for the directory itself.  NULL: no memory, or the
 * directory was removed. */
static char *path_new(const vfs_node *directory, beamr_bytes name)
{
    size_t size = 256, len = 0;
    char *text = NULL, *more;
    guest_errno e;

    do {
        size *= 2;
        if (!(more = realloc(text, size + name.len + 2))) {
            free(text);
            return NULL;
        }
        text = more;
        e = guest_node_path(directory, text, size, &len);
    } while (e == GUEST_ERANGE);
    if (e != GUEST_ESUCCESS) {
        free(text);
        return NULL;
    }
    if (name.len > 0) {
        if (len > 1)
            text[len++] = '/';
        memcpy(text + len, name.data, name.len);
        text[len + name.len] = '\0';
    }
    return text;
}

void system_note_path(open_file *file, const vfs_node *directory, beamr_bytes name)
{
    free(file->path);
    file->path = directory ? path_new(directory, name) : NULL;
}

/* Is the file still where it was found? */
static bool is_there(beamr_wasi *w, const open_file *file)
{
    guest_walk walk = {.start = guest_vfs_root(w->vfs)};
    guest_spot spot;

    return file->path &&
           guest_path_walk(w->vfs, &walk, beamr_bytes_of(file->path), &spot) ==
               GUEST_ESUCCESS &&
           spot.node == file->node;
}

static int compare_nodes(const void *a, const void *b)
{
    const vfs_node *x = (*(open_file *const *)a)->node, *y = (*(open_file *const *)b)->node;

    return (x > y) - (x < y);
}

/* Every open file that has a name somewhere, each once for each descriptor; without paths. */
static size_t list_files(const beamr_wasi *w, open_file **files)
{
    size_t count = 0;

    for (uint32_t fd = 0; fd < w->fd_room; fd++) {
        open_file *file = w->fds[fd].file;

        if (!file || !file->node || is_directory(file))
            continue;
        free(file->path);
        file->path = NULL;
        if (guest_node_has_name(file->node))
            files[count++] = file;
    }
    qsort(files, count, sizeof(open_file *), compare_nodes);
    return count;
}

static void note_all(open_file *const *files, size_t count, const vfs_node *node,
                     const vfs_node *directory, beamr_bytes name)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (files[middle]->node < node)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && files[low]->node == node; low++)
        if (!files[low]->path)
            system_note_path(files[low], directory, name);
}

static beamr_status find_all(beamr_wasi *w, beamr_error *err)
{
    open_file **files = calloc(w->fd_room + (size_t)1, sizeof(open_file *));
    guest_tour tour = {.directory = guest_vfs_root(w->vfs), .cookie = 1};
    guest_dirent entry;
    size_t count;

    if (!files)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory to look for open files");
    count = list_files(w, files);
    while (guest_vfs_tour(&tour, &entry))
        note_all(files, count, entry.node, tour.in, entry.name);
    free(files);
    w->paths_version = beamr_vfs_version(w->vfs) + 1;
    return BEAMR_OK;
}

/* The path of a file that has a name. */
static beamr_status find_file(beamr_wasi *w, const open_file *file, beamr_error *err)
{
    bool is_known = w->paths_version == beamr_vfs_version(w->vfs) + 1 && file->path;

    if (is_known || (guest_node_stat(file->node).links == 1 && is_there(w, file)))
        return BEAMR_OK;
    return find_all(w, err);
}

beamr_status beamr_wasi_descriptor_path(beamr_wasi *w, uint32_t number, beamr_bytes *out,
                                        beamr_error *err)
{
    descriptor *d = system_fd(w, number);
    beamr_status st = BEAMR_OK;

    if (!d || !d->file->node || !guest_node_has_name(d->file->node))
        return BEAMR_NOT_FOUND;
    if (is_directory(d->file))
        system_note_path(d->file, d->file->node, (beamr_bytes){NULL, 0});
    else
        st = find_file(w, d->file, err);
    if (st == BEAMR_OK && !d->file->path)
        st = beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for the path of descriptor %u",
                        number);
    if (st == BEAMR_OK)
        *out = beamr_bytes_of(d->file->path);
    return st;
}

/* ---- Setting ---- */

static beamr_status check(const beamr_wasi *w, const beamr_descriptor *as, beamr_error *err)
{
    const uint64_t rights = as->rights == BEAMR_RIGHTS_DEFAULT ? 0 : as->rights,
                   inheriting = as->inheriting == BEAMR_RIGHTS_DEFAULT ? 0 : as->inheriting;

    if (as->number >= w->max_open)
        return beamr_fail(err, BEAMR_LIMIT, 0, "descriptor %u: they are numbers below %u",
                          as->number, w->max_open);
    if (as->kind > BEAMR_DESCRIPTOR_DIRECTORY ||
        (as->kind == BEAMR_DESCRIPTOR_STREAM && as->index >= SYSTEM_STREAMS) ||
        (as->kind == BEAMR_DESCRIPTOR_PREOPEN && as->index >= w->preopen_count))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "descriptor %u: there is no stream or preopened directory %u",
                          as->number, as->index);
    if (((rights | inheriting) & ~GUEST_RIGHTS_ALL) || (as->flags & ~GUEST_FDFLAGS_ALL))
        return beamr_fail(err, BEAMR_ARGUMENT, 0,
                          "descriptor %u: rights or flags that there are none of", as->number);
    if (as->offset > INT64_MAX || (as->offset && as->kind == BEAMR_DESCRIPTOR_STREAM))
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "descriptor %u: a bad offset", as->number);
    return BEAMR_OK;
}

static beamr_status find_node(beamr_wasi *w, const beamr_descriptor *as, beamr_bytes path,
                              guest_spot *spot, beamr_error *err)
{
    guest_walk walk = {.start = guest_vfs_root(w->vfs), .follow = true};
    guest_errno e = guest_path_walk(w->vfs, &walk, path, spot);

    if (e == GUEST_ESUCCESS && !spot->node)
        e = GUEST_ENOENT;
    if (e != GUEST_ESUCCESS)
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "descriptor %u: '%.*s': %s", as->number,
                          (int)(path.len < 256 ? path.len : 256), (const char *)path.data,
                          guest_errno_text(e));
    return BEAMR_OK;
}

/* What it will be open as, of its own. */
static beamr_status make_file(beamr_wasi *w, const beamr_descriptor *as, beamr_bytes path,
                              open_file **out, beamr_error *err)
{
    open_file *file;
    guest_spot spot = {0};
    beamr_status st = BEAMR_OK;

    if (as->kind == BEAMR_DESCRIPTOR_PREOPEN)
        spot.node = w->preopens[as->index].node;
    else if (as->kind != BEAMR_DESCRIPTOR_STREAM)
        st = find_node(w, as, path, &spot, err);
    if (st != BEAMR_OK)
        return st;
    if (!(file = calloc(1, sizeof *file)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for descriptor %u", as->number);
    file->refs = 1;
    file->position = as->offset;
    file->flags = as->flags;
    file->is_read_only = as->is_read_only;
    file->stream = spot.node ? 0 : (uint8_t)as->index;
    if (spot.node)
        file->node = guest_node_ref(spot.node);
    if (spot.node && !is_directory(file))
        system_note_path(file, spot.parent, spot.name);
    *out = file;
    return BEAMR_OK;
}

static void install(beamr_wasi *w, const beamr_descriptor *as, open_file *file)
{
    descriptor d = {.file = file, .preopen = NOT_PREOPENED, .is_posix = as->is_posix};
    guest_rights rights, inheriting;

    if (as->kind == BEAMR_DESCRIPTOR_PREOPEN)
        d.preopen = as->index;
    default_rights(w, kind_of(&d), file->stream, &rights, &inheriting);
    d.rights = as->rights == BEAMR_RIGHTS_DEFAULT ? rights : as->rights;
    d.inheriting = as->inheriting == BEAMR_RIGHTS_DEFAULT ? inheriting : as->inheriting;
    if (system_fd(w, as->number))
        system_fd_close(w, as->number);
    system_fd_install(w, as->number, &d);
}

beamr_status beamr_wasi_set_descriptor(beamr_wasi *w, const beamr_descriptor *as,
                                       beamr_bytes path, beamr_error *err)
{
    open_file *file = NULL;
    beamr_status st = check(w, as, err);

    if (st != BEAMR_OK)
        return st;
    if (as->same_as != as->number && !system_fd(w, as->same_as))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "descriptor %u: %u is not open", as->number,
                          as->same_as);
    if (system_fd_room(w, as->number) != GUEST_ESUCCESS)
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for descriptors");
    if (as->same_as != as->number) {
        file = system_fd(w, as->same_as)->file; /* making room moves them */
        file->refs++;
    } else if ((st = make_file(w, as, path, &file, err)) != BEAMR_OK) {
        return st;
    }
    install(w, as, file);
    return BEAMR_OK;
}

beamr_status beamr_wasi_close_descriptor(beamr_wasi *w, uint32_t number, beamr_error *err)
{
    if (!system_fd(w, number))
        return beamr_fail(err, BEAMR_NOT_FOUND, 0, "descriptor %u is not open", number);
    system_fd_close(w, number);
    return BEAMR_OK;
}
