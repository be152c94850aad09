/* Snapshots: the whole state of an instance as bytes, and back.
 *
 * A snapshot holds what the instance can reach by index: its memories, mutable globals, tables,
 * and which of its segments are dropped; what it imports is included. The bytes are canonical:
 * equal states give equal bytes, on every host. They can be put into any instance of the same
 * module that is linked in the same way, in this process or another; afterwards that instance
 * goes on exactly where the first one stood.
 *
 * Not in it: host functions and what they keep (the embedder may add sections of its own), the
 * store's fuel and limits, and other instances. What an instance shares with others by
 * importing it is restored for all of them.
 * Threads: the caller holds the store. Source of the layout: docs/internals/snapshot.md. */
#ifndef BEAMR_SNAPSHOT_H
#define BEAMR_SNAPSHOT_H

#include "beamr/instance.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A part of a snapshot that belongs to the embedder.  Ids below BEAMR_SNAPSHOT_EMBEDDER are the
 * library's. */
#define BEAMR_SNAPSHOT_EMBEDDER 1024u
typedef struct beamr_snapshot_section {
    uint32_t id;
    beamr_bytes bytes;
} beamr_snapshot_section;

/* What an embedder adds; begin with `beamr_snapshot_options options = {0}`. */
typedef struct beamr_snapshot_options {
    void *user; /* passed to the functions below, which must not use the store */

    /* External references as numbers, and back. A number must mean the same thing in every
     * process that reads the snapshot, and one thing must always have one number. Return false
     * for what has none: the snapshot is then refused, as it is without these functions unless
     * all external references are null. */
    bool (*ref_save)(void *user, void *ref, uint64_t *number);
    bool (*ref_load)(void *user, uint64_t number, void **ref);

    /* When writing: sections to add, their ids rising. */
    const beamr_snapshot_section *sections;
    size_t section_count;
    /* When reading: called with each such section, in order, once the snapshot is known to be
     * sound and before anything changes; an error refuses it. What the section says should
     * take effect when the whole has succeeded. A snapshot that has sections is refused when
     * this is NULL. */
    beamr_status (*section_load)(void *user, uint32_t id, beamr_bytes bytes, beamr_error *err);

    /* When reading: the caller knows that the bytes are undamaged, by a hash of its own; the
     * checksum is not computed. All else is checked as ever. */
    bool is_verified;

    /* Memory 0 stands apart: the snapshot has its size, and not its contents, which the
     * embedder keeps as beamr_memory_read gives them. Nothing says whether these are undamaged,
     * but for their length. Without a memory 0 there is no difference.
     * When writing: leave the contents out. When reading: take them from `memory`; a snapshot
     * with contents is then refused, as one without them is otherwise. */
    bool memory_apart;
    beamr_bytes memory; /* when reading; borrowed during the call */
} beamr_snapshot_options;

/* Takes the bytes of a snapshot piece by piece.
 *   total  bytes of the whole snapshot; the same each time
 *   piece  borrowed during the call; may lie in the guest's memory
 * It must not use the store.  An error ends the writing. */
typedef beamr_status (*beamr_snapshot_sink)(void *user, uint64_t total, beamr_bytes piece,
                                            beamr_error *err);

/* Write a snapshot.
 *   options    NULL for none
 *   sink_user  passed to the sink
 * Errors: BEAMR_BUSY (a call is active or waits in the store, or another thread uses it);
 * BEAMR_SNAPSHOT, with a text that names the place, for what cannot be written: an external
 * reference without a number, an exception, a function that the instance neither defines nor
 * imports, an instance whose making failed at a segment; BEAMR_ARGUMENT (ids of sections);
 * BEAMR_NO_MEMORY; what the sink returns. */
BEAMR_API beamr_status beamr_snapshot_write(beamr_instance *instance,
                                            const beamr_snapshot_options *options,
                                            beamr_snapshot_sink sink, void *sink_user,
                                            beamr_error *err);

/* Write a snapshot into new memory.
 *   out, len  the bytes, to be released with beamr_snapshot_free
 * Errors: as beamr_snapshot_write. */
BEAMR_API beamr_status beamr_snapshot_save(beamr_instance *instance,
                                           const beamr_snapshot_options *options,
                                           BEAMR_OWN uint8_t **out, size_t *len,
                                           beamr_error *err);
BEAMR_API void beamr_snapshot_free(uint8_t *bytes); /* accepts NULL */

/* Write a snapshot into memory of the caller's. To write one after the other into the same
 * memory is faster than into new: the host need not provide it each time.
 *   room  bytes of `buffer`
 *   len   bytes of the snapshot; also written with BEAMR_LIMIT
 * Errors: as beamr_snapshot_write; BEAMR_LIMIT (more than `room` bytes; nothing was written). */
BEAMR_API beamr_status beamr_snapshot_save_into(beamr_instance *instance,
                                                const beamr_snapshot_options *options,
                                                uint8_t *buffer, size_t room, size_t *len,
                                                beamr_error *err);

/* Put the state that a snapshot holds into an instance. All or nothing: when it fails, nothing
 * has changed. Memories and tables get the snapshot's sizes, also smaller ones, though never
 * below what an instance that shares them was linked with as their least.
 *   snapshot  borrowed during the call, in which nobody may change it; not in guest memory
 * Errors: BEAMR_BUSY as above; BEAMR_SNAPSHOT, with the offset and a text: bytes that are
 * damaged, cut off or of another version, another module, an instance linked in another way, a
 * reference or section that the embedder does not take; BEAMR_LIMIT (larger than the store or
 * the imported object allows); BEAMR_NO_MEMORY; what section_load returns. */
BEAMR_API beamr_status beamr_snapshot_restore(beamr_instance *instance, beamr_bytes snapshot,
                                              const beamr_snapshot_options *options,
                                              beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
