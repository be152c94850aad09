/* The file system as the system calls of a guest use it: by node and by component, with the
 * errno that Linux would give. By path, for embedders, it is beamr/vfs.h; both are in vfs*.c.
 *
 * A node is counted: a name holds one reference to it, an open file another, so that a file
 * without a name lives until it is closed. Names are stored by directory: found through a
 * balanced tree by name, listed by a number that rises with each name made and is never used
 * twice in that directory: this is readdir's cookie.
 * Paths are resolved by vfs_walk.c, which is where links, "..", and the sandbox's edge are
 * decided. */
#ifndef GUEST_VFS_H
#define GUEST_VFS_H

#include "beamr/vfs.h"
#include "guest/errno.h"

typedef struct vfs_node vfs_node;

vfs_node *guest_vfs_root(beamr_vfs *vfs);              /* borrowed */
vfs_node *guest_node_ref(vfs_node *node);              /* returns its argument */
void guest_node_unref(beamr_vfs *vfs, vfs_node *node); /* accepts NULL */

beamr_vfs_kind guest_node_kind(const vfs_node *node);
beamr_vfs_stat guest_node_stat(const vfs_node *node);
bool guest_node_has_name(const vfs_node *node); /* false once unlinked; true for the root */
vfs_node *guest_node_parent(const vfs_node *directory); /* borrowed; of the root: itself; of a
                                                           removed directory: NULL */
beamr_bytes guest_node_target(const vfs_node *link);    /* borrowed */
/* The path of a directory from the root, beginning with '/', NUL behind it.
 * Errors: ENOENT (removed), ERANGE (more than `size`). */
guest_errno guest_node_path(const vfs_node *directory, char *buf, size_t size, size_t *len);
void guest_node_set_times(vfs_node *node, beamr_vfs *vfs, uint64_t accessed, uint64_t modified);

/* ---- Contents of files ---- */

/* Read at most len bytes at an offset; *got is 0 at and behind the end. */
void guest_file_read(const vfs_node *file, uint64_t offset, void *buf, size_t len, size_t *got);
/* Write; what lies between the old end and the offset becomes zero.
 * Errors: EFBIG, ENOSPC, ENOMEM; nothing was written. A write that only partly fits a limit
 * writes what fits (*put < len), and fails if that is nothing. */
guest_errno guest_file_write(beamr_vfs *vfs, vfs_node *file, uint64_t offset, const void *buf,
                             size_t len, size_t *put);
/* Cut off, or extend with zeros.  Errors: EFBIG, ENOSPC, ENOMEM. */
guest_errno guest_file_resize(beamr_vfs *vfs, vfs_node *file, uint64_t size);

/* ---- Directories, by one component ----
 * A name here is one component: not empty, not "." or "..", without '/' and NUL; otherwise
 * EINVAL (ENAMETOOLONG when it is too long). `directory` must be one. All set times. */

/* Errors: ENOENT, also for what can't be a name.  out  borrowed */
guest_errno guest_dir_find(const vfs_node *directory, beamr_bytes name, vfs_node **out);
/* Make a file or directory.
 *   out  borrowed (the name holds it); may be NULL
 * Errors: EEXIST, ENOSPC (nodes, bytes), EMLINK (depth), ENOENT (the directory was removed),
 * ENOMEM. */
guest_errno guest_dir_make(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name,
                           beamr_vfs_kind kind, vfs_node **out);
/* Errors: as guest_dir_make; ENAMETOOLONG, ENOENT for an empty target, EINVAL for one with a
 * NUL.
 */
guest_errno guest_dir_symlink(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name,
                              beamr_bytes target);
/* Give a file or link another name.  Errors: as guest_dir_make; EPERM for a directory, ENOENT
 * for a node that has no name any more. */
guest_errno guest_dir_link(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name,
                           vfs_node *node);
/* Remove a file's or link's name.  Errors: ENOENT, EISDIR. */
guest_errno guest_dir_unlink(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name);
/* Remove an empty directory.  Errors: ENOENT, ENOTDIR, ENOTEMPTY. */
guest_errno guest_dir_rmdir(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name);
/* As rename(2): a file over a file, a directory over an empty one, nothing for two names of one
 * node.  Errors: ENOENT, EISDIR, ENOTDIR, ENOTEMPTY, EINVAL (into itself), EMLINK (depth). */
guest_errno guest_dir_rename(beamr_vfs *vfs, vfs_node *from, beamr_bytes name, vfs_node *to,
                             beamr_bytes new_name);

typedef struct guest_dirent {
    beamr_bytes name; /* borrowed until the directory changes */
    vfs_node *node;   /* borrowed */
    uint64_t cookie;  /* of this entry: reading from cookie + 1 gives what follows */
} guest_dirent;

/* The first entry whose cookie is at least `cookie`; cookies begin at 1.  Returns false when
 * there is none. "." and ".." are not among them. */
bool guest_dir_next(const vfs_node *directory, uint64_t cookie, guest_dirent *out);

/* Goes through all names of a file system; nothing in it changes meanwhile. Begin with the root
 * as `directory` and 1 as `cookie`. */
typedef struct guest_tour {
    const vfs_node *directory; /* where to go on */
    uint64_t cookie;
    const vfs_node *in; /* the directory of the entry that was given last */
} guest_tour;

/* The next name: a directory before what it holds.  Returns false at the end. */
bool guest_vfs_tour(guest_tour *tour, guest_dirent *out);

/* ---- Paths ---- */

/* How a path is to be resolved. */
typedef struct guest_walk {
    vfs_node *start; /* the directory that a relative path begins at */
    /* What ".." and links don't leave. NULL: the root is, as for a process: absolute paths and
     * targets begin there, ".." of it is itself. Otherwise a sandbox as WASI describes it:
     * absolute paths and targets, and what leads above `top`, are EPERM. If `start` is not at
     * or below it (any more), `start` takes its place. */
    vfs_node *top;
    bool follow; /* a link as the last component */
    /* The last component is meant as a name, to be made or removed (mkdir, rmdir, unlink, link,
     * symlink, rename): a '/' behind it doesn't make a link be followed, as it does otherwise.
     */
    bool is_entry;
} guest_walk;

/* Where a path leads. */
typedef struct guest_spot {
    /* Directory of the last component; borrowed. NULL when the path ends in ".", ".." or at the
     * root, which has no name to be made or removed. */
    vfs_node *parent;
    beamr_bytes name; /* the last component; borrows from the path or from a link's target */
    vfs_node *node;   /* what is there; NULL when nothing is; borrowed */
    /* It ended in '/': the node must be a directory, or become one. The walk doesn't look,
     * since the errno depends on the call. */
    bool wants_directory;
} guest_spot;

/* Resolve a path, following at most 40 links. A last component that is missing is no error: its
 * spot has no node. Where `follow` is set and the last component is a link to nothing, the spot
 * is the place that it points to, as open with O_CREAT needs it.
 * Errors: ENOENT (a directory on the way, an empty path), ENOTDIR, ELOOP, ENAMETOOLONG, EPERM,
 * EINVAL (a NUL). */
guest_errno guest_path_walk(beamr_vfs *vfs, const guest_walk *walk, beamr_bytes path,
                            guest_spot *out);

/* ---- The whole state ----
 * What beamr_vfs_save leaves out because it cannot be told by names: nodes that are open
 * without one, the ids of nodes, and the cookies. With it a system that has files open goes on
 * in another process as if nothing had been. */

/* Save as bytes.
 *   open  nodes that are open, in any order, also twice; those that have a name are skipped
 *   out   to be released with free(). Equal histories give equal bytes
 * Errors: BEAMR_NO_MEMORY. */
beamr_status guest_vfs_save(const beamr_vfs *vfs, vfs_node *const *open, size_t open_count,
                            BEAMR_OWN uint8_t **out, size_t *len, beamr_error *err);

/* The nodes of a loaded file system by their ids. Holds a reference to each. */
typedef struct guest_vfs_index guest_vfs_index;

/* Load what guest_vfs_save gave.
 *   limits  NULL for the default
 *   index   to find the nodes that were open; to be freed before the file system
 * Errors: BEAMR_MALFORMED with the offset in `bytes`, BEAMR_LIMIT, BEAMR_NO_MEMORY. */
beamr_status guest_vfs_load(beamr_bytes bytes, const beamr_vfs_limits *limits,
                            BEAMR_OWN beamr_vfs **out, BEAMR_OWN guest_vfs_index **index,
                            beamr_error *err);
/* Borrowed from the index: whoever keeps it takes a reference. NULL when there is none. */
vfs_node *guest_vfs_index_find(const guest_vfs_index *index, uint64_t id);
/* Has each node that the index holds a name, or somebody else who holds it? */
bool guest_vfs_index_is_used(const guest_vfs_index *index);
/* Nodes without a name that nobody took are gone then. `vfs` is where they are at that time:
 * the other one after guest_vfs_swap. Accepts NULL. */
void guest_vfs_index_free(beamr_vfs *vfs, guest_vfs_index *index);

/* Exchange all of two file systems but who refers to them: how a loaded one takes the place of
 * one that others hold. References to nodes go with the nodes. */
void guest_vfs_swap(beamr_vfs *a, beamr_vfs *b);

/* Bytes of paths and of targets that were resolved since this was called before: whoever gives
 * links to follow decides how much work a short path is. Returns them and begins anew. */
uint64_t guest_vfs_take_walked(beamr_vfs *vfs);

#endif
