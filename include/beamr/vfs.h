/* A file system as a value: directories, files and symbolic links in memory.
 * It is what a guest sees as its files. Nothing in it leads to the host's files: there is no
 * function here that opens one, and what is copied in or out is copied by the embedder.
 *
 * Paths here are bytes, UTF-8 by convention, without NUL; components are separated by '/', a
 * leading '/' means nothing, "." and ".." mean what they mean to Linux, with ".." of the root
 * being the root. Symbolic links are followed, except by the last component where said.
 * Absolute targets begin at the root of this file system.
 *
 * Threads: one at a time, except for beamr_vfs_ref and _unref. */
#ifndef BEAMR_VFS_H
#define BEAMR_VFS_H

#include "beamr/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct beamr_vfs beamr_vfs;

/* What a file system may hold; begin with `beamr_vfs_limits l = BEAMR_VFS_LIMITS_DEFAULT`. A
 * guest that goes beyond them gets the errno that Linux would give (ENOSPC, EFBIG, EMLINK,
 * ENAMETOOLONG), the embedder BEAMR_LIMIT. */
typedef struct beamr_vfs_limits {
    uint64_t max_bytes;     /* of contents, names and targets together */
    uint64_t max_file_size; /* bytes */
    uint32_t max_nodes;     /* files, directories and links, the root included; those that were
                               unlinked while open count until they are closed. Also the most
                               names there can be, of which hard links are more than one */
    uint32_t max_name;      /* bytes of one component */
    uint32_t max_path;      /* bytes of a path, and of a link's target */
    uint32_t max_depth;     /* directories below each other, the root being 0; 4,096 is
                               the most */
} beamr_vfs_limits;

#define BEAMR_VFS_LIMITS_DEFAULT                                                               \
    {                                                                                          \
        1ull << 30, 1ull << 30, 1u << 20, 255, 4095, 128                                       \
    }

/* Make an empty file system: a root directory.
 *   limits  NULL for the default
 *   out     counted; begins with one reference
 * Errors: BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_vfs_new(const beamr_vfs_limits *limits, BEAMR_OWN beamr_vfs **out,
                                     beamr_error *err);
BEAMR_API beamr_vfs *beamr_vfs_ref(beamr_vfs *vfs); /* returns its argument */
BEAMR_API void beamr_vfs_unref(beamr_vfs *vfs);     /* accepts NULL */

/* A second file system with the same content, independent of the first. Contents of files are
 * shared until one side writes, so the cost is that of the names. Ids and versions are the
 * same. What is open but has no name is not copied. The two may then be used by two threads.
 * Errors: BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_vfs_copy(const beamr_vfs *vfs, BEAMR_OWN beamr_vfs **out,
                                      beamr_error *err);

typedef enum beamr_vfs_kind {
    BEAMR_VFS_DIRECTORY,
    BEAMR_VFS_FILE,
    BEAMR_VFS_LINK,
} beamr_vfs_kind;

/* Nanoseconds since 1970 are as the guest or the embedder set them; the file system itself has
 * no clock. */
typedef struct beamr_vfs_stat {
    beamr_vfs_kind kind;
    uint64_t id;    /* unique in this file system and never used twice */
    uint64_t links; /* names of this file; 1 for a directory */
    uint64_t size;  /* bytes of the content or the target; 0 for a directory */
    uint64_t accessed, modified, changed; /* ns */
    /* beamr_vfs_version when its content, its target or, of a directory, its list of names last
     * changed. Unlike times no guest can set it: what is not above a version noted earlier has
     * not changed since. Being renamed changes the directories, not the file. */
    uint64_t version;
    /* Of a directory: likewise for anything in it, at any depth. It may say more than there
     * was, never less: what is not above a version noted earlier has nothing in it that has
     * changed. Of others: version. */
    uint64_t below;
} beamr_vfs_stat;

/* The time that is put on what changes from now on; 0 at first. ns since 1970. */
BEAMR_API void beamr_vfs_set_time(beamr_vfs *vfs, uint64_t ns);

/* Errors of all that follow: BEAMR_NOT_FOUND (a component is missing), BEAMR_ARGUMENT (it is
 * there but of the wrong kind, a bad name, a loop of links, a directory that is not empty),
 * BEAMR_LIMIT, BEAMR_NO_MEMORY; the text names the path. Nothing has changed then. */

/* Make a directory.
 *   parents  make those above it too, and succeed if it is there already */
BEAMR_API beamr_status beamr_vfs_mkdir(beamr_vfs *vfs, beamr_bytes path, bool parents,
                                       beamr_error *err);
/* Make a file, or replace the content of one. The content is copied. */
BEAMR_API beamr_status beamr_vfs_write(beamr_vfs *vfs, beamr_bytes path, beamr_bytes content,
                                       beamr_error *err);
/* Add to the end of a file, which is made if it is not there. */
BEAMR_API beamr_status beamr_vfs_append(beamr_vfs *vfs, beamr_bytes path, beamr_bytes content,
                                        beamr_error *err);
/* Make a symbolic link; `path` must not be there. */
BEAMR_API beamr_status beamr_vfs_symlink(beamr_vfs *vfs, beamr_bytes target, beamr_bytes path,
                                         beamr_error *err);
/* Remove a file, a link or a directory.
 *   recursive  with all that it holds */
BEAMR_API beamr_status beamr_vfs_remove(beamr_vfs *vfs, beamr_bytes path, bool recursive,
                                        beamr_error *err);
/* Move; replaces what rename(2) would. */
BEAMR_API beamr_status beamr_vfs_rename(beamr_vfs *vfs, beamr_bytes from, beamr_bytes to,
                                        beamr_error *err);
/* The content of a file; or, of a link that is not followed, its target.
 *   follow  whether a link as the last component is followed, here and below
 *   out     borrowed until the file system changes */
BEAMR_API beamr_status beamr_vfs_read(const beamr_vfs *vfs, beamr_bytes path, bool follow,
                                      beamr_bytes *out, beamr_error *err);
BEAMR_API beamr_status beamr_vfs_stat_at(const beamr_vfs *vfs, beamr_bytes path, bool follow,
                                         beamr_vfs_stat *out, beamr_error *err);
/* Set the times of a file, directory or link. */
BEAMR_API beamr_status beamr_vfs_set_times(beamr_vfs *vfs, beamr_bytes path, bool follow,
                                           uint64_t accessed, uint64_t modified,
                                           beamr_error *err);

/* The entries of a directory, one after the other, in the order in which they were made.
 *   cursor  0 at first; then as it was left. Entries that are added or removed in between are
 *           seen or not seen; no other is missed or seen twice
 *   name    borrowed until the file system changes
 * Errors: as above; BEAMR_NOT_FOUND without a text: there are no more. */
BEAMR_API beamr_status beamr_vfs_next(const beamr_vfs *vfs, beamr_bytes directory,
                                      uint64_t *cursor, beamr_bytes *name, beamr_vfs_stat *stat,
                                      beamr_error *err);

/* Counts all changes of contents and names; never falls. A copy begins with its original's. */
BEAMR_API uint64_t beamr_vfs_version(const beamr_vfs *vfs);

/* What it holds, and may hold. */
BEAMR_API uint64_t beamr_vfs_bytes(const beamr_vfs *vfs);
BEAMR_API uint32_t beamr_vfs_nodes(const beamr_vfs *vfs);
BEAMR_API beamr_vfs_limits beamr_vfs_limits_of(const beamr_vfs *vfs);

/* All that has a name as bytes, and back. Equal file systems - the same names in the same
 * order, contents, times and hard links - give equal bytes. Limits, ids and versions are not
 * part of them.
 *   out     bytes, to be released with free(); or a file system, with one reference
 *   limits  NULL for the default
 * Errors: BEAMR_NO_MEMORY; for loading BEAMR_MALFORMED with the offset, BEAMR_LIMIT. */
BEAMR_API beamr_status beamr_vfs_save(const beamr_vfs *vfs, BEAMR_OWN uint8_t **out,
                                      size_t *len, beamr_error *err);
BEAMR_API beamr_status beamr_vfs_load(beamr_bytes bytes, const beamr_vfs_limits *limits,
                                      BEAMR_OWN beamr_vfs **out, beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
