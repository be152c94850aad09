/* What writer and reader of snapshots share: the layout, and which objects are the same.
 *
 *     header     magic 8, version u32, flags u32, total length u64, module id 32,
 *                count of sections u32, zero u32
 *     sections   id u32, zero u32, length u64, contents; ids rising
 *     checksum   16 bytes, of all before it
 *
 * Numbers are little-endian. docs/internals/snapshot.md describes the contents. */
#ifndef RUNTIME_SNAPSHOT_FORMAT_H
#define RUNTIME_SNAPSHOT_FORMAT_H

#include "crypto/checksum.h"
#include "runtime/snapshot.h"

#define SNAPSHOT_MAGIC "beamrsnp"
#define SNAPSHOT_VERSION 1u
#define SNAPSHOT_HEADER 64u         /* bytes */
#define SNAPSHOT_SECTION_HEADER 16u /* bytes */
#define SNAPSHOT_RUN_HEADER 16u     /* bytes */
#define SNAPSHOT_APART 1u           /* a flag: the contents of memory 0 are not there */
#define SNAPSHOT_BLOCK 4096u        /* bytes of memory that are there or, being zero, not */

enum {
    SNAPSHOT_GLOBALS = 1,
    SNAPSHOT_TABLES,
    SNAPSHOT_SEGMENTS,
    SNAPSHOT_MEMORIES, /* these four are always there */
};
#define SNAPSHOT_OWN_SECTIONS 4u

/* How a reference is written. */
typedef enum rt_snapshot_ref {
    SNAPSHOT_REF_FUNC,   /* u32: 0 for null, or the function's index + 1 */
    SNAPSHOT_REF_EXTERN, /* u8: 0 for null; 1, then the number u64 */
    SNAPSHOT_REF_NULL,   /* u8: 0, all that can be written of this type */
} rt_snapshot_ref;

rt_snapshot_ref rt_snapshot_ref_kind(wb_valtype type);

bool rt_snapshot_block_is_zero(const uint8_t *block);

/* The contents of memory 0 stand apart: asked for, and there is one. */
bool rt_snapshot_is_apart(const abi_instance *inst, const rt_snapshot_options *options);

/* Objects with their indices in an index space, to find the lowest index of each: one object
 * may be imported under several. */
typedef struct rt_object {
    const void *object;
    uint32_t index;
} rt_object;

typedef struct rt_object_map {
    rt_object *objects;
    uint32_t count;
} rt_object_map;

/* Of the imported functions, memories, tables or globals of an instance; to be released with
 * rt_object_map_clear. Own objects are found in no map: they have one index each.
 * Returns false when memory is gone. */
bool rt_object_map_init(rt_object_map *map, const abi_instance *inst, wb_extern_kind kind);
void rt_object_map_clear(rt_object_map *map);
/* The lowest index of the object, or `otherwise`. */
uint32_t rt_object_map_find(const rt_object_map *map, const void *object, uint32_t otherwise);

/* Take the store for a snapshot.  Errors: BEAMR_BUSY. */
beamr_status rt_snapshot_enter(abi_store *s, bool *outermost, beamr_error *err);

#endif
