/* What the system's files share: its state, and how descriptors are found.
 *
 *     descriptor ── open_file (an open file description) ── node or stream
 *
 * A descriptor has rights, a name as a preopen, and the door it came through; what it shares
 * with its duplicates - position, flags, and whether it may change anything - is in the open
 * file. Who does what: system.c makes systems and has all that is no descriptor, system_fd.c
 * descriptors, system_io.c transfer, system_path.c paths, system_list.c what is open, told to
 * the embedder and set by it, system_bytes.c the state as bytes. */
#ifndef GUEST_SYSTEM_STATE_H
#define GUEST_SYSTEM_STATE_H

#include <stdatomic.h>

#include "guest/cxx.h"
#include "guest/system.h"

enum {
    SYSTEM_STREAMS = 3,
    SYSTEM_MAX_OPEN = 1024,       /* unless the options say otherwise */
    SYSTEM_MAX_OPEN_MOST = 65536, /* the search for a free number is linear */
    SYSTEM_MAX_TEXTS = 16 << 20,  /* bytes of arguments, or of the environment, with NULs */
    SYSTEM_MAX_IOVS = 1024,       /* IOV_MAX */
};

/* The most that one call transfers, as Linux has it. */
#define SYSTEM_MAX_TRANSFER UINT64_C(0x7ffff000)

/* An open file description. */
typedef struct open_file {
    size_t refs;       /* descriptors */
    vfs_node *node;    /* a reference; NULL for a stream */
    uint64_t position; /* of a file; of a directory that POSIX opened, a cookie. At most
                          INT64_MAX */
    uint16_t flags;    /* GUEST_FDFLAG_ */
    uint32_t number;   /* while saving */
    char *path;        /* where it was found last, or NULL: system_list.c */
    uint8_t stream;    /* 0 to 2, when there is no node */
    bool is_read_only; /* it was found in a preopen that is read-only */
} open_file;

#define NOT_PREOPENED UINT32_MAX

typedef struct descriptor {
    open_file *file; /* a reference; NULL: this number is free */
    guest_rights rights, inheriting;
    uint32_t preopen; /* index, or NOT_PREOPENED */
    bool is_posix;    /* opened so: what it may not do is EBADF, not ENOTCAPABLE */
} descriptor;

typedef struct system_preopen {
    char *name;
    vfs_node *node; /* a reference; a directory */
    bool is_read_only;
} system_preopen;

/* Texts with a NUL behind each. */
typedef struct system_texts {
    char *data;
    beamr_bytes *at; /* without their NULs */
    size_t count;
} system_texts;

struct beamr_wasi {
    atomic_size_t refs;
    beamr_vfs *vfs;
    system_texts args, env;

    /* Options, as given. */
    beamr_stream streams[SYSTEM_STREAMS];
    void *user;
    uint64_t (*clock)(void *user, beamr_clock clock);
    uint64_t clock_resolution;
    beamr_status (*wait)(void *user, uint64_t ns, bool for_input, bool *has_input,
                         beamr_error *err);
    beamr_status (*random)(void *user, uint8_t *buf, size_t len, beamr_error *err);
    beamr_status (*seed_of)(void *user, uint8_t seed[32], beamr_error *err);
    uint8_t seed[32]; /* with seed_of: valid if has_seed */
    system_preopen *preopens;
    size_t preopen_count;
    bool has_read_only; /* one of the preopens is */
    uint32_t max_open;

    /* What changes. */
    descriptor *fds; /* fd_room of them */
    uint32_t fd_room;
    uint32_t fd_free;     /* no number below it is free */
    vfs_node *cwd;        /* a reference */
    uint64_t begun;       /* ns that clocks say without `clock`, at the beginning of a call */
    uint64_t slept;       /* ns that passed without `wait` */
    uint64_t random_used; /* bytes of the sequence that were given */
    bool has_seed;
    bool has_exited;
    uint32_t exit_code;
    unsigned deferred;      /* GUEST_DEFER_ */
    uint64_t paths_version; /* of the file system, when all paths were last looked for */
    guest_extra extra;
    guest_cxx cxx; /* of Emscripten's side, which registers it as `extra` */
};

/* What files and directories can be asked for, whatever rights were given. */
#define RIGHTS_OF_FILES                                                                        \
    (GUEST_RIGHT_FD_DATASYNC | GUEST_RIGHT_FD_READ | GUEST_RIGHT_FD_SEEK |                     \
     GUEST_RIGHT_FD_FDSTAT_SET_FLAGS | GUEST_RIGHT_FD_SYNC | GUEST_RIGHT_FD_TELL |             \
     GUEST_RIGHT_FD_WRITE | GUEST_RIGHT_FD_ADVISE | GUEST_RIGHT_FD_ALLOCATE |                  \
     GUEST_RIGHT_FD_FILESTAT_GET | GUEST_RIGHT_FD_FILESTAT_SET_SIZE |                          \
     GUEST_RIGHT_FD_FILESTAT_SET_TIMES | GUEST_RIGHT_POLL_FD_READWRITE)
#define RIGHTS_OF_DIRECTORIES                                                                  \
    (GUEST_RIGHT_FD_FDSTAT_SET_FLAGS | GUEST_RIGHT_FD_SYNC | GUEST_RIGHT_FD_DATASYNC |         \
     GUEST_RIGHT_PATH_CREATE_DIRECTORY | GUEST_RIGHT_PATH_CREATE_FILE |                        \
     GUEST_RIGHT_PATH_LINK_SOURCE | GUEST_RIGHT_PATH_LINK_TARGET | GUEST_RIGHT_PATH_OPEN |     \
     GUEST_RIGHT_FD_READDIR | GUEST_RIGHT_PATH_READLINK | GUEST_RIGHT_PATH_RENAME_SOURCE |     \
     GUEST_RIGHT_PATH_RENAME_TARGET | GUEST_RIGHT_PATH_FILESTAT_GET |                          \
     GUEST_RIGHT_PATH_FILESTAT_SET_SIZE | GUEST_RIGHT_PATH_FILESTAT_SET_TIMES |                \
     GUEST_RIGHT_FD_FILESTAT_GET | GUEST_RIGHT_FD_FILESTAT_SET_TIMES |                         \
     GUEST_RIGHT_PATH_SYMLINK | GUEST_RIGHT_PATH_REMOVE_DIRECTORY |                            \
     GUEST_RIGHT_PATH_UNLINK_FILE | GUEST_RIGHT_POLL_FD_READWRITE)

/* ---- Descriptors: system_fd.c ---- */

/* NULL when the number is not open. */
static inline descriptor *system_fd(const beamr_wasi *w, uint64_t fd)
{
    return fd < w->fd_room && w->fds[fd].file ? &w->fds[fd] : NULL;
}

/* May the descriptor do what one of these rights allows?  Errors: ENOTCAPABLE, EBADF. */
static inline guest_errno system_check(const descriptor *d, guest_rights one_of)
{
    if (d->rights & one_of)
        return GUEST_ESUCCESS;
    return d->is_posix ? GUEST_EBADF : GUEST_ENOTCAPABLE;
}

static inline bool is_directory(const open_file *file)
{
    return file->node && guest_node_kind(file->node) == BEAMR_VFS_DIRECTORY;
}

/* The smallest free number that is at least `least`; there is room for it then.
 * Errors: EMFILE, ENOMEM. */
guest_errno system_fd_reserve(beamr_wasi *w, uint32_t least, uint32_t *fd);
/* Let a free number, with room, be a descriptor; takes over what `d` refers to. */
void system_fd_install(beamr_wasi *w, uint32_t fd, const descriptor *d);
/* The descriptors 0 to 2, and one for each preopen.  Errors: ENOMEM, EMFILE. */
guest_errno system_fd_begin(beamr_wasi *w);
/* The rights of a stream when it is opened. */
guest_rights system_stream_rights(const beamr_wasi *w, unsigned i);
/* Make room for a number.  Errors: EMFILE, ENOMEM. */
guest_errno system_fd_room(beamr_wasi *w, uint32_t fd);
/* Close a number that is open. */
void system_fd_close(beamr_wasi *w, uint32_t fd);
/* Close all, and free the table. */
void system_fd_end(beamr_wasi *w);
void open_file_unref(beamr_vfs *vfs, open_file *file); /* accepts NULL */

/* Remember where an open file was found, so that it need not be looked for. */
void system_note_path(open_file *file, const vfs_node *directory, beamr_bytes name);

/* ---- The rest ---- */

/* What a function of the embedder's gave: ESUCCESS, or EABORT with err filled. */
guest_errno system_result(beamr_status st, const char *what, beamr_error *err);
/* What is changed from now on bears the time of now: called before each change. */
void system_touch(beamr_wasi *w);
/* Of what a node is. */
void system_node_filestat(const vfs_node *node, guest_filestat *out);
/* Set times of a node.  Errors: EINVAL (a time to be set to two values). */
guest_errno system_set_times(beamr_wasi *w, vfs_node *node, const guest_times *times);

#endif
