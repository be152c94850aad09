/* Snapshots: the public side of runtime/snapshot.h, and the sink that fills memory. */
#include "beamr/snapshot.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "base/copy.h"
#include "engine/internal.h"
#include "runtime/snapshot.h"

/* The options as the runtime takes them; `sections` is to be freed. */
static beamr_status take_options(const beamr_snapshot_options *options,
                                 rt_snapshot_options *out, rt_snapshot_section **sections,
                                 beamr_error *err)
{
    _Static_assert(BEAMR_SNAPSHOT_EMBEDDER == RT_SNAPSHOT_EMBEDDER, "the same ids");
    *out = (rt_snapshot_options){0};
    if (!options)
        return BEAMR_OK;
    out->user = options->user;
    out->ref_save = options->ref_save;
    out->ref_load = options->ref_load;
    out->section_load = options->section_load;
    out->is_verified = options->is_verified;
    out->memory_apart = options->memory_apart;
    out->memory = options->memory;
    if (options->section_count == 0)
        return BEAMR_OK;
    if (options->section_count > SIZE_MAX / sizeof **sections ||
        !(*sections = malloc(options->section_count * sizeof **sections)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for %zu sections",
                          options->section_count);
    for (size_t i = 0; i < options->section_count; i++)
        (*sections)[i] =
            (rt_snapshot_section){options->sections[i].id, options->sections[i].bytes};
    out->sections = *sections;
    out->section_count = options->section_count;
    return BEAMR_OK;
}

/* piece  most bytes for the sink at once; 0 for the usual */
static beamr_status write_pieces(beamr_instance *instance,
                                 const beamr_snapshot_options *options, size_t piece,
                                 beamr_snapshot_sink sink, void *sink_user, beamr_error *err)
{
    rt_snapshot_section *sections = NULL;
    rt_snapshot_options inner;
    beamr_status st;

    BEAMR_TRY(take_options(options, &inner, &sections, err));
    inner.piece = piece;
    st = rt_snapshot_write(engine_instance(instance), &inner, sink, sink_user, err);
    base_copy_settle();
    free(sections);
    return st;
}

beamr_status beamr_snapshot_write(beamr_instance *instance,
                                  const beamr_snapshot_options *options,
                                  beamr_snapshot_sink sink, void *sink_user, beamr_error *err)
{
    if (!sink)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a snapshot without a sink");
    return write_pieces(instance, options, 0, sink, sink_user, err);
}

/* ---- Into memory ---- */

/* From here on a snapshot is large: it will not stay in the cache, and huge pages, which spare
 * the host most of the page faults, are worth the one that is not filled. */
#define LARGE ((size_t)4 << 20)
#define HUGE_PAGE ((size_t)2 << 20)
/* Pieces of large snapshots: small, so that reading one overlaps with writing the one before.
 */
#define LARGE_PIECE ((size_t)4096)

/* Where a snapshot is put; the caller's buffer, or new memory when there is none. */
typedef struct target {
    uint8_t *data;
    size_t len;
    uint64_t room; /* of the caller's buffer */
    uint64_t total;
} target;

static uint8_t *new_memory(uint64_t total)
{
    size_t size;
    void *data;

    if (total > SIZE_MAX - HUGE_PAGE)
        return NULL;
    if (total < LARGE)
        return malloc((size_t)total);
    size = ((size_t)total + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    if ((data = aligned_alloc(HUGE_PAGE, size)))
        (void)madvise(data, size, MADV_HUGEPAGE); /* a host without them refuses: no harm */
    return data;
}

/* The size is known. */
static beamr_status target_begin(target *t, uint64_t total, beamr_error *err)
{
    t->total = total;
    if (t->data && total > t->room)
        return beamr_fail(err, BEAMR_LIMIT, 0,
                          "a snapshot of %llu bytes, for which the buffer has %llu",
                          (unsigned long long)total, (unsigned long long)t->room);
    if (!t->data && !(t->data = new_memory(total)))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a snapshot of %llu bytes",
                          (unsigned long long)total);
    return BEAMR_OK;
}

static beamr_status keep(void *user, uint64_t total, beamr_bytes piece, beamr_error *err)
{
    target *t = user;

    if (t->total == 0)
        BEAMR_TRY(target_begin(t, total, err));
    if (total >= LARGE)
        base_copy_past_cache(t->data + t->len, piece.data, piece.len);
    else
        memcpy(t->data + t->len, piece.data, piece.len);
    t->len += piece.len;
    return BEAMR_OK;
}

beamr_status beamr_snapshot_save(beamr_instance *instance,
                                 const beamr_snapshot_options *options, uint8_t **out,
                                 size_t *len, beamr_error *err)
{
    target t = {0};
    beamr_status st = write_pieces(instance, options, LARGE_PIECE, keep, &t, err);

    if (st != BEAMR_OK) {
        free(t.data);
        return st;
    }
    *out = t.data;
    *len = t.len;
    return BEAMR_OK;
}

beamr_status beamr_snapshot_save_into(beamr_instance *instance,
                                      const beamr_snapshot_options *options, uint8_t *buffer,
                                      size_t room, size_t *len, beamr_error *err)
{
    target t = {.data = buffer, .room = room};
    beamr_status st;

    if (!buffer)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a snapshot without a buffer");
    st = write_pieces(instance, options, LARGE_PIECE, keep, &t, err);
    if (st == BEAMR_OK || (st == BEAMR_LIMIT && t.total > room))
        *len = (size_t)t.total;
    return st;
}

void beamr_snapshot_free(uint8_t *bytes)
{
    free(bytes);
}

beamr_status beamr_snapshot_restore(beamr_instance *instance, beamr_bytes snapshot,
                                    const beamr_snapshot_options *options, beamr_error *err)
{
    rt_snapshot_section *sections = NULL;
    rt_snapshot_options inner;
    beamr_status st;

    BEAMR_TRY(take_options(options, &inner, &sections, err));
    st = rt_snapshot_read(engine_instance(instance), snapshot, &inner, err);
    free(sections);
    return st;
}
