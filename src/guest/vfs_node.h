/* What the files of the virtual file system share: nodes, directories, contents.
 *
 *     beamr_vfs ── root ── entries (names) ── node ── blob (content of a file)
 *
 * Nodes know no file system, so that all of one can be exchanged with another's; functions that
 * count what it holds take both. Who calls what: vfs_path.c and the system's calls use
 * vfs_walk.c to find a place, then the functions of guest/vfs.h in vfs_change.c and vfs_file.c,
 * which stand on vfs_dir.c (one directory) and vfs_depth.c (how deep the tree is). */
#ifndef GUEST_VFS_NODE_H
#define GUEST_VFS_NODE_H

#include "guest/vfs.h"

#include <stdatomic.h>

/* The content of files, shared by copies of a file system until one writes. */
typedef struct vfs_blob {
    atomic_size_t refs;
    size_t capacity;  /* bytes at data */
    size_t zero_from; /* all behind it is zero; at most capacity */
    bool is_mapped;   /* pages of its own, else malloc'ed */
    uint8_t *data;
} vfs_blob;

/* A name in a directory. */
typedef struct vfs_entry {
    beamr_bytes name; /* first, so that a name alone can be compared with an entry */
    vfs_node *node;   /* a reference */
    uint64_t cookie;
    size_t slot; /* its place in the directory's list */
    uint8_t text[];
} vfs_entry;

/* A place in the list, which is sorted by cookie. */
typedef struct vfs_slot {
    uint64_t cookie;
    vfs_entry *entry; /* NULL: was removed */
    size_t next;      /* then a later place, between which and this all are removed */
} vfs_slot;

typedef struct vfs_dir {
    vfs_node *parent; /* of the root itself; NULL when it has no name */
    vfs_entry *entry; /* its name; NULL of the root, and without a name */
    void *names;      /* a tree of entries, by name */
    vfs_slot *slots;
    size_t slot_count, slot_room;
    size_t count; /* entries */
    uint64_t next_cookie;
    /* Directories below each other in it: 0 when none. below[h] of its directories have height
     * h; it ends with the height. */
    uint32_t height, below_room;
    uint32_t *below;
} vfs_dir;

struct vfs_node {
    beamr_vfs_kind kind;
    uint64_t refs;  /* names and whoever has it open */
    uint64_t links; /* names; 1 for the root */
    uint64_t id, version;
    uint64_t accessed, modified, changed; /* ns */
    uint64_t
        below; /* of a directory: version when anything in it changed whose place is known */
    vfs_node
        *home; /* of others: the directory of their only name; NULL: none, or several names */
    union {
        vfs_dir dir;
        struct {
            vfs_blob *blob; /* NULL: no byte yet */
            size_t size;
        } file;
        struct {
            uint8_t *target;
            size_t size;
        } link;
    };
};

struct beamr_vfs {
    atomic_size_t refs;
    beamr_vfs_limits limits;
    vfs_node *root;
    uint64_t bytes; /* of contents, names and targets */
    uint64_t nodes, names;
    uint64_t next_id, version;
    uint64_t time;   /* ns */
    uint64_t walked; /* see guest_vfs_take_walked */
    /* Up to this version something may have changed of which no directory knows: what has
     * several names is not looked for. */
    uint64_t unplaced;
    uint64_t names_version; /* counts changes of names */
    /* Where beamr_vfs_append led last, while no name changes. */
    struct {
        vfs_node *node; /* NULL: nowhere */
        uint64_t names_version;
        size_t len;
        char path[32];
    } appended;
};

/* ---- Nodes: vfs.c ---- */

/* A new node without a name; one reference. Its times are the present.
 * Errors: ENOSPC, ENOMEM. */
guest_errno vfs_node_new(beamr_vfs *vfs, beamr_vfs_kind kind, vfs_node **out);
/* The same for a link.  Errors: also ENAMETOOLONG, ENOENT (an empty target), EINVAL (a NUL). */
guest_errno vfs_link_new(beamr_vfs *vfs, beamr_bytes target, vfs_node **out);
/* Its content or list of names changes now. */
void vfs_node_touch(beamr_vfs *vfs, vfs_node *node);
/* Is there room for so many more bytes? */
bool vfs_has_room(const beamr_vfs *vfs, uint64_t bytes);

/* ---- Contents: vfs_file.c ---- */

void vfs_blob_ref(vfs_blob *blob);   /* accepts NULL */
void vfs_blob_unref(vfs_blob *blob); /* accepts NULL */
/* Replace the content, or change nothing.  Errors: EFBIG, ENOSPC, ENOMEM. */
guest_errno vfs_file_set(beamr_vfs *vfs, vfs_node *file, beamr_bytes content);
/* Share another file's content; the file is new and empty.  Errors: ENOSPC. */
guest_errno vfs_file_share(beamr_vfs *vfs, vfs_node *file, const vfs_node *with);
beamr_bytes vfs_file_bytes(const vfs_node *file); /* borrowed */
/* The most bytes that it may have at present. */
uint64_t vfs_file_most(const beamr_vfs *vfs, const vfs_node *file);

/* ---- One directory: vfs_dir.c ---- */

/* Is it a component that can be a name?  Errors: EINVAL, ENAMETOOLONG. */
guest_errno vfs_name_check(const beamr_vfs *vfs, beamr_bytes name);
/* NULL when there is none. */
vfs_entry *vfs_dir_lookup(const vfs_node *directory, beamr_bytes name);
/* Add a name that is not there, leading nowhere yet.
 *   cookie  the next when 0, otherwise larger than all before
 * Errors: ENOSPC, ENOMEM. */
guest_errno vfs_dir_add(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name, uint64_t cookie,
                        vfs_entry **out);
/* Add a name for a node that has none yet if it is a directory: all of it, or nothing.
 * Errors: also EMLINK. */
guest_errno vfs_dir_put(beamr_vfs *vfs, vfs_node *directory, beamr_bytes name, uint64_t cookie,
                        vfs_node *node);
/* Remove a name that leads nowhere (any more). */
void vfs_dir_drop(beamr_vfs *vfs, vfs_node *directory, vfs_entry *entry);
/* Let a name lead nowhere.  Returns the node with the reference that the entry had. */
vfs_node *vfs_entry_detach(vfs_entry *entry);
/* Let `to` lead to what `from` leads to, and `from` nowhere; vfs_depth_reserve came before.
 * Returns what `to` led to, with the reference that it had; NULL if nowhere. */
vfs_node *vfs_entry_move(vfs_entry *from, vfs_node *directory, vfs_entry *to);
/* Remove all that is below, without recursion. */
void vfs_dir_clear(beamr_vfs *vfs, vfs_node *directory);
/* Free what a directory without entries owns. */
void vfs_dir_free(vfs_dir *dir);

/* ---- How deep: vfs_depth.c ---- */

/* May a directory of this height be put into that one? Provides for the memory of it.
 * Errors: EMLINK, ENOMEM. */
guest_errno vfs_depth_reserve(const beamr_vfs *vfs, vfs_node *directory, uint32_t height);
/* A directory of this height came, or went, or one has another height; in this order where
 * several things happen: what goes gives back memory. */
void vfs_depth_enter(vfs_node *directory, uint32_t height);
void vfs_depth_leave(vfs_node *directory, uint32_t height);
void vfs_depth_change(vfs_node *directory, uint32_t from, uint32_t to);
/* Is `below` the directory itself, or somewhere in it? */
bool vfs_dir_contains(const vfs_node *directory, const vfs_node *below);

/* ---- Nodes seen: vfs_copy.c ----
 * A table of nodes by id, while a tree is walked; begins as NULL. */

typedef struct vfs_seen {
    uint64_t id;
    vfs_node *copy; /* borrowed */
    uint32_t number;
} vfs_seen;

vfs_seen *vfs_seen_find(void *const *table, const vfs_node *node); /* NULL: not there */
vfs_seen *vfs_seen_add(void **table, const vfs_node *node);        /* NULL: no memory */
void vfs_seen_clear(void **table);

#endif
