/* What host_tree.c and host_write.c share: the tree, the host's entries as they were when they
 * were copied, and paths. Paths of entries are relative to the tree, "a/b"; "" is the tree. */
#ifndef CLI_HOST_INTERNAL_H
#define CLI_HOST_INTERNAL_H

#include <sys/stat.h>

#include "cli/host_tree.h"

/* An entry of the host's, as it was when it was copied. */
typedef struct host_record {
    char *path; /* owned */
    struct stat stat;
} host_record;

struct host_tree {
    const char *command;
    const char *host;
    const char *place;
    bool is_writable;
    int root;             /* descriptor of the folder */
    host_record *records; /* of a writable tree; sorted by path once all is copied */
    size_t record_count, record_room;
};

/* Paths that wait for something to be done with them. */
typedef struct host_list {
    char **paths; /* owned */
    size_t count, room;
} host_list;

/* Add a path.  path  owned from now on, also when it fails; NULL fails */
bool host_list_add(host_list *list, char *path);
void host_list_clear(host_list *list);

/* "a" and "b" as "a/b", in new memory; an empty one leaves out the slash. NULL: no memory. */
char *host_join(const char *a, const char *b);

/* The path in the guest's file system, in new memory, or NULL. */
char *host_place_of(const host_tree *tree, const char *path);

bool host_is_other(const char *place, const char *const *others, size_t other_count);

/* Open a directory of the tree: each component of `path` from the one above, no links.
 * Returns the descriptor, or -1 with errno. */
int host_dir_open(const host_tree *tree, const char *path);

/* What the entry was, or NULL if it was not there. */
const host_record *host_record_find(const host_tree *tree, const char *path);

/* Nobody has written to the entry or put another in its place, as far as its kind, size and
 * time tell. */
bool host_is_unchanged(const struct stat *was, const struct stat *is);

/* ---- What the guest changed: host_changes.c ---- */

typedef enum host_action {
    HOST_MAKE_DIRECTORY,
    HOST_WRITE_FILE,
    HOST_WRITE_LINK,
    HOST_REMOVE,
} host_action;

typedef struct host_change {
    char *path; /* owned */
    host_action action;
    bool is_late; /* it takes, or lies below, the place of a directory that is removed before,
                     or is a directory in the place of something else */
    bool is_done;
    const char *why; /* static text: why not; or NULL: see `reason` */
    int reason;      /* errno; 0 with `why` NULL: it was not tried */
} host_change;

typedef struct host_changes {
    host_change *list; /* first what is made, parents before what they hold; then what is
                          removed, in the same order */
    size_t count, room;
    size_t path_bytes;      /* of all paths */
    uint64_t content_bytes; /* that are to be written; at most what the file system may hold */
} host_changes;

/* Find what differs between two states of a tree.
 *   out  begins empty; to be cleared in any case
 * Errors: BEAMR_ARGUMENT (the guest removed the directory itself), BEAMR_LIMIT (the paths are
 * too much to keep), BEAMR_NO_MEMORY. */
beamr_status host_changes_find(const host_tree *tree, const beamr_vfs *before,
                               const beamr_vfs *now, const char *const *others,
                               size_t other_count, host_changes *out, beamr_error *err);
void host_changes_clear(host_changes *changes);

#endif
