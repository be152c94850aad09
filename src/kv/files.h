/* What the files of the kind `files` share. files.c opens, locks, reads and lists;
 * files_write.c commits batches and finishes those of processes that died; files_name.c knows
 * how keys become names of files, and what stands in a file. In the folder: format       marks
 * it as ours v/, l/       a file for each value, and for each entry of a log, named after its
 * full key new/         files of a batch that is being written, by number journal      a batch
 * that is decided, but perhaps not all done turn, lock   flock()ed: `lock` by readers and
 * writers, `turn` while one waits for it */
#ifndef KV_FILES_H
#define KV_FILES_H

#include "kv/internal.h"

typedef struct files {
    kv base;
    int root; /* descriptor of the folder */
    char *folder;
} files;

beamr_status files_fail(const files *f, int code, const char *doing, const char *name,
                        beamr_error *err);

/* ---- files_name.c ---- */

/* Bytes of a key in one part of a path: a part fits the 255 bytes of a name, escaped. */
#define FILES_PART 64
#define FILES_PATH_SIZE (4 + 3 * KV_FULL_MAX + 2 * (KV_FULL_MAX / FILES_PART + 1))

/* The path of a full key, below the folder: `v/dPART/dPART/kPART`. */
void files_path(beamr_bytes full, char path[FILES_PATH_SIZE]);
/* The bytes of one part, behind its `d` or `k`.  Returns how many, SIZE_MAX for a name that is
 * not ours. */
size_t files_part(const char *name, uint8_t bytes[FILES_PART]);

/* Write a new file with a header, in place of what was there, and sync it. Returns an errno. */
int files_write_file(const files *f, const char *path, beamr_bytes value);
/* Open one and check its header.
 *   len  gets the length of the value; BEAMR_NOT_FOUND without a text when there is none */
beamr_status files_open_file(const files *f, const char *path, int *fd, size_t *len,
                             beamr_error *err);
/* Read from an open one. */
beamr_status files_read_file(const files *f, const char *path, int fd, uint64_t offset,
                             void *buffer, size_t size, beamr_error *err);
/* All of one, checked, in new memory; closes `fd`. */
beamr_status files_load_file(const files *f, const char *path, BEAMR_OWN int fd, size_t len,
                             BEAMR_OWN uint8_t **out, beamr_error *err);

/* ---- files.c, files_write.c ---- */

/* Take the lock, after finishing what another left behind.
 *   fd  to be closed, which gives the lock back */
beamr_status files_lock(const files *f, bool is_writer, int *fd, beamr_error *err);
/* Entries of a log; the lock is held. */
uint64_t files_count(const files *f, beamr_bytes log);

beamr_status files_commit(kv *store, kv_batch *batch, beamr_error *err);
/* Do what the journal says, if there is one; the lock is held for writing. */
beamr_status files_recover(const files *f, beamr_error *err);

#endif
