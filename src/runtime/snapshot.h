/* The state of an instance as bytes, and back: what src/engine offers to embedders.
 * The layout is in runtime/snapshot_format.h and docs/internals/snapshot.md. */
#ifndef RUNTIME_SNAPSHOT_H
#define RUNTIME_SNAPSHOT_H

#include "runtime/runtime.h"

typedef struct rt_snapshot_section {
    uint32_t id;
    beamr_bytes bytes;
} rt_snapshot_section;

/* As beamr_snapshot_options. */
typedef struct rt_snapshot_options {
    void *user;
    bool (*ref_save)(void *user, void *ref, uint64_t *number);
    bool (*ref_load)(void *user, uint64_t number, void **ref);
    const rt_snapshot_section *sections;
    size_t section_count;
    beamr_status (*section_load)(void *user, uint32_t id, beamr_bytes bytes, beamr_error *err);
    bool is_verified;
    bool memory_apart;
    beamr_bytes memory;
    size_t piece; /* when writing: most bytes for the sink at once; 0: as it fits the cache */
} rt_snapshot_options;

/* Ids of sections from here on are the embedder's. */
#define RT_SNAPSHOT_EMBEDDER 1024u

typedef beamr_status (*rt_snapshot_sink)(void *user, uint64_t total, beamr_bytes piece,
                                         beamr_error *err);

/* As beamr_snapshot_write and beamr_snapshot_restore. */
beamr_status rt_snapshot_write(abi_instance *inst, const rt_snapshot_options *options,
                               rt_snapshot_sink sink, void *sink_user, beamr_error *err);
beamr_status rt_snapshot_read(abi_instance *inst, beamr_bytes snapshot,
                              const rt_snapshot_options *options, beamr_error *err);

#endif
