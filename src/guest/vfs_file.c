/* Contents of files: blobs that are shared by copies of a file system until one of them writes.
 *
 * Capacity grows by half, so that appending is linear in the end, but not beyond what the
 * limits allow a file. Large blobs are mappings of their own: they grow and shrink without
 * being copied, and their zeros cost no memory until they are written. A blob knows from where
 * on it has never been written, so that extending a file touches none of it. */
#define _GNU_SOURCE /* mremap */
#include "guest/vfs_node.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MAPPED_MIN ((size_t)1 << 20) /* bytes; smaller ones are malloc'ed */
#define PAGE ((size_t)4096)          /* rounding only: the host's may be larger */
#define GRAIN ((size_t)32)           /* what malloc would round to */

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) & ~(unit - 1);
}

/* ---- Blobs ---- */

void vfs_blob_ref(vfs_blob *blob)
{
    if (blob)
        atomic_fetch_add_explicit(&blob->refs, 1, memory_order_relaxed);
}

void vfs_blob_unref(vfs_blob *blob)
{
    if (!blob || atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (blob->is_mapped)
        (void)munmap(blob->data, blob->capacity);
    else
        free(blob->data);
    free(blob);
}

static bool is_shared(const vfs_blob *blob)
{
    return atomic_load_explicit(&blob->refs, memory_order_acquire) > 1;
}

static uint8_t *map(size_t bytes)
{
    void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return data == MAP_FAILED ? NULL : data;
}

/* Room for at least `bytes`, more than none; one reference. NULL when memory is gone. */
static vfs_blob *blob_new(size_t bytes)
{
    vfs_blob *blob = calloc(1, sizeof *blob);

    if (!blob)
        return NULL;
    atomic_init(&blob->refs, 1);
    blob->is_mapped = bytes >= MAPPED_MIN;
    blob->capacity = round_up(bytes, blob->is_mapped ? PAGE : GRAIN);
    blob->data = blob->is_mapped ? map(blob->capacity) : malloc(blob->capacity);
    blob->zero_from = blob->is_mapped ? 0 : blob->capacity;
    if (!blob->data) {
        free(blob);
        return NULL;
    }
    return blob;
}

/* Copy into a blob that was not written yet; blocks of zeros are left out where they are there
 * already, since writing them would take memory. */
static void blob_fill(vfs_blob *blob, const uint8_t *from, size_t len)
{
    static const uint8_t zeros[PAGE];

    for (size_t at = 0; at < len; at += PAGE) {
        size_t part = len - at < PAGE ? len - at : PAGE;

        if (!blob->is_mapped || memcmp(from + at, zeros, part) != 0)
            memcpy(blob->data + at, from + at, part);
    }
    if (blob->zero_from < len)
        blob->zero_from = len;
}

static vfs_blob *blob_copy(size_t capacity, const uint8_t *from, size_t len)
{
    vfs_blob *blob = blob_new(capacity);

    if (blob)
        blob_fill(blob, from, len);
    return blob;
}

/* Make the bytes between zero. */
static void blob_zero(vfs_blob *blob, size_t from, size_t to)
{
    if (to > blob->zero_from)
        to = blob->zero_from;
    if (from < to)
        memset(blob->data + from, 0, to - from);
}

/* Another capacity of a blob that is not shared.  Returns false when memory is gone. */
static bool blob_resize(vfs_blob *blob, size_t bytes)
{
    size_t capacity = round_up(bytes, blob->is_mapped ? PAGE : GRAIN);
    void *data;

    if (blob->is_mapped) {
        data = mremap(blob->data, blob->capacity, capacity, MREMAP_MAYMOVE);
        if (data == MAP_FAILED)
            return false;
    } else {
        if (!(data = realloc(blob->data, capacity)))
            return false;
        blob->zero_from = capacity;
    }
    if (blob->zero_from > capacity)
        blob->zero_from = capacity;
    blob->data = data;
    blob->capacity = capacity;
    return true;
}

/* ---- Files ---- */

beamr_bytes vfs_file_bytes(const vfs_node *file)
{
    return (beamr_bytes){file->file.blob ? file->file.blob->data : NULL, file->file.size};
}

uint64_t vfs_file_most(const beamr_vfs *vfs, const vfs_node *file)
{
    uint64_t others = vfs->bytes - file->file.size, most = 0;

    if (others < vfs->limits.max_bytes)
        most = vfs->limits.max_bytes - others;
    return most < vfs->limits.max_file_size ? most : vfs->limits.max_file_size;
}

/* Why a file may not have so many. */
static guest_errno too_many(const beamr_vfs *vfs, uint64_t bytes)
{
    return bytes > vfs->limits.max_file_size ? GUEST_EFBIG : GUEST_ENOSPC;
}

static void set_blob(vfs_node *file, vfs_blob *blob)
{
    vfs_blob_unref(file->file.blob);
    file->file.blob = blob;
}

static void set_size(beamr_vfs *vfs, vfs_node *file, uint64_t size)
{
    vfs->bytes += size - file->file.size;
    file->file.size = (size_t)size;
    vfs_node_touch(vfs, file);
}

/* Have a blob of the file's own with room for `bytes` of the `most` it may have.
 * Errors: ENOMEM; the content is what it was in any case. */
static guest_errno make_room(vfs_node *file, size_t bytes, uint64_t most)
{
    vfs_blob *blob = file->file.blob;
    size_t wanted = bytes;

    if (blob && bytes <= blob->capacity && !is_shared(blob))
        return GUEST_ESUCCESS;
    if (bytes > file->file.size && wanted < file->file.size + file->file.size / 2)
        wanted = file->file.size + file->file.size / 2;
    if (wanted > most)
        wanted = (size_t)most;
    if (blob && !is_shared(blob) && blob->is_mapped == (wanted >= MAPPED_MIN))
        return blob_resize(blob, wanted) ? GUEST_ESUCCESS : GUEST_ENOMEM;
    blob = blob_copy(wanted, blob ? blob->data : NULL, file->file.size);
    if (!blob)
        return GUEST_ENOMEM;
    set_blob(file, blob);
    return GUEST_ESUCCESS;
}

/* Give back what a file that shrank to `size`, more than none, does not need. Where memory for
 * a smaller blob is missing, the large one stays. */
static void give_back(vfs_node *file, size_t size)
{
    vfs_blob *blob = file->file.blob;

    if (blob->is_mapped && size >= MAPPED_MIN / 2 && !is_shared(blob)) {
        (void)blob_resize(blob, size);
    } else if (size < blob->capacity / 2) {
        if ((blob = blob_copy(size, blob->data, size)))
            set_blob(file, blob);
    }
}

void guest_file_read(const vfs_node *file, uint64_t offset, void *buf, size_t len, size_t *got)
{
    *got = 0;
    if (len == 0 || offset >= file->file.size)
        return;
    if (len > file->file.size - offset)
        len = file->file.size - (size_t)offset;
    memcpy(buf, file->file.blob->data + offset, len);
    *got = len;
}

guest_errno guest_file_write(beamr_vfs *vfs, vfs_node *file, uint64_t offset, const void *buf,
                             size_t len, size_t *put)
{
    uint64_t most = vfs_file_most(vfs, file);
    size_t size = file->file.size, end;
    vfs_blob *blob;
    guest_errno e;

    *put = 0;
    if (len == 0)
        return GUEST_ESUCCESS;
    if (offset >= most)
        return offset >= vfs->limits.max_file_size ? GUEST_EFBIG : GUEST_ENOSPC;
    if (len > most - offset)
        len = (size_t)(most - offset);
    end = (size_t)offset + len;
    if ((e = make_room(file, end > size ? end : size, most)) != GUEST_ESUCCESS)
        return e;
    blob = file->file.blob;
    if (offset > size)
        blob_zero(blob, size, (size_t)offset);
    memcpy(blob->data + offset, buf, len);
    if (blob->zero_from < end)
        blob->zero_from = end;
    set_size(vfs, file, end > size ? end : size);
    *put = len;
    return GUEST_ESUCCESS;
}

guest_errno guest_file_resize(beamr_vfs *vfs, vfs_node *file, uint64_t size)
{
    uint64_t most = vfs_file_most(vfs, file);
    guest_errno e;

    if (size > file->file.size) {
        if (size > most)
            return too_many(vfs, size);
        if ((e = make_room(file, (size_t)size, most)) != GUEST_ESUCCESS)
            return e;
        blob_zero(file->file.blob, file->file.size, (size_t)size);
    } else if (size == 0) {
        set_blob(file, NULL);
    } else if (size < file->file.size) {
        give_back(file, (size_t)size);
    }
    set_size(vfs, file, size);
    return GUEST_ESUCCESS;
}

guest_errno vfs_file_set(beamr_vfs *vfs, vfs_node *file, beamr_bytes content)
{
    vfs_blob *blob = NULL;

    if (content.len > vfs_file_most(vfs, file))
        return too_many(vfs, content.len);
    if (content.len > 0 && !(blob = blob_copy(content.len, content.data, content.len)))
        return GUEST_ENOMEM;
    set_blob(file, blob);
    set_size(vfs, file, content.len);
    return GUEST_ESUCCESS;
}

guest_errno vfs_file_share(beamr_vfs *vfs, vfs_node *file, const vfs_node *with)
{
    if (with->file.size > vfs_file_most(vfs, file))
        return too_many(vfs, with->file.size);
    vfs_blob_ref(with->file.blob);
    set_blob(file, with->file.blob);
    set_size(vfs, file, with->file.size);
    return GUEST_ESUCCESS;
}
