/* A file system told in the plainest way, to compare the real one with: arrays that are
 * searched from the start. Names are letters, files are small. A change either succeeds, or
 * fails for one of the reasons that there are, given as a set: which comes first is not the
 * model's matter. */
#ifndef FUZZ_VFS_MODEL_H
#define FUZZ_VFS_MODEL_H

#include "guest/vfs.h"

#define MODEL_NODES 64 /* that were ever made at one time, those without a name included */
#define MODEL_FILE 9000
#define MODEL_TARGET 32

#define MODEL_LIMITS                                                                           \
    {                                                                                          \
        .max_bytes = 20000, .max_file_size = MODEL_FILE, .max_nodes = 20, .max_name = 4,       \
        .max_path = 30, .max_depth = 4                                                         \
    }

typedef struct model_node {
    vfs_node *real; /* NULL: the place is free */
    beamr_vfs_kind kind;
    unsigned links, opens;
    size_t size; /* of content or target */
    uint8_t bytes[MODEL_FILE];
} model_node;

typedef struct model_entry {
    model_node *dir, *node;
    char name;
} model_entry;

typedef struct model {
    beamr_vfs *vfs;
    model_node nodes[MODEL_NODES]; /* the first is the root */
    model_entry entries[MODEL_NODES];
    unsigned entry_count; /* in the order in which they were made */
} model;

/* A set of errnos; none: success. */
typedef uint64_t model_set;
#define MODEL_SET(e) (UINT64_C(1) << (e))

void model_init(model *m);
void model_clear(model *m);

model_entry *model_find(model *m, const model_node *dir, char name); /* NULL: none */

/* Do it to both, and check that they agree. */
void model_make(model *m, model_node *dir, char name, beamr_vfs_kind kind);
void model_symlink(model *m, model_node *dir, char name, beamr_bytes target);
void model_link(model *m, model_node *dir, char name, model_node *node);
void model_unlink(model *m, model_node *dir, char name);
void model_rmdir(model *m, model_node *dir, char name);
void model_rename(model *m, model_node *from, char name, model_node *to, char new_name);
void model_write(model *m, model_node *file, uint64_t offset, uint8_t byte, size_t len);
void model_resize(model *m, model_node *file, uint64_t size);
void model_open(model *m, model_node *node);
void model_close(model *m, model_node *node);

/* Compare all: names in their order, contents, counts. */
void model_check(model *m, beamr_vfs *vfs);

#endif
