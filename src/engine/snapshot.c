/* Snapshots: the public side of runtime/snapshot.h, and the sink that fills memory. */
#include "beamr/snapshot.h"

#include <stdlib.h>

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

beamr_status beamr_snapshot_write(beamr_instance *instance,
                                  const beamr_snapshot_options *options,
                                  beamr_snapshot_sink sink, void *sink_user, beamr_error *err)
{
    rt_snapshot_section *sections = NULL;
    rt_snapshot_options inner;
    beamr_status st;

    if (!sink)
        return beamr_fail(err, BEAMR_ARGUMENT, 0, "a snapshot without a sink");
    BEAMR_TRY(take_options(options, &inner, &sections, err));
    st = rt_snapshot_write(engine_instance(instance), &inner, sink, sink_user, err);
    free(sections);
    return st;
}

typedef struct growing {
    uint8_t *data;
    size_t len;
} growing;

static beamr_status keep(void *user, uint64_t total, beamr_bytes piece, beamr_error *err)
{
    growing *g = user;

    if (!g->data && (total > SIZE_MAX || !(g->data = malloc((size_t)total))))
        return beamr_fail(err, BEAMR_NO_MEMORY, 0, "no memory for a snapshot of %llu bytes",
                          (unsigned long long)total);
    memcpy(g->data + g->len, piece.data, piece.len);
    g->len += piece.len;
    return BEAMR_OK;
}

beamr_status beamr_snapshot_save(beamr_instance *instance,
                                 const beamr_snapshot_options *options, uint8_t **out,
                                 size_t *len, beamr_error *err)
{
    growing g = {0};
    beamr_status st = beamr_snapshot_write(instance, options, keep, &g, err);

    if (st != BEAMR_OK) {
        free(g.data);
        return st;
    }
    *out = g.data;
    *len = g.len;
    return BEAMR_OK;
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
