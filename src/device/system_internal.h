/* What the files of the system share (system.h): its fields, and how files and descriptors look
 * in a message.
 *
 *     vfs               a directory is a message, a file a binary, a symbolic link a message
 *                       with the one key `%link`; keys are names: system_name.c
 *     file-descriptors  number -> {filename, offset, ...}: system_fds.c
 *
 * `files` is the message's `vfs` as the system holds it, so to say its picture: while the
 * version of the file system is still `files_version`, both say the same. A message that comes
 * is compared with the picture, not with the file system; equal objects are not looked into. */
#ifndef DEVICE_SYSTEM_INTERNAL_H
#define DEVICE_SYSTEM_INTERNAL_H

#include "device/system.h"

/* Limits of the file system of a message. The depth leaves room for the messages around it. */
#define SYSTEM_MAX_DEPTH 64u
#define SYSTEM_MAX_NAME 255u
#define SYSTEM_MAX_PATH ((SYSTEM_MAX_DEPTH + 1) * (SYSTEM_MAX_NAME + 1))
#define SYSTEM_MAX_NODES 250000u
#define SYSTEM_MAX_BYTES (UINT64_C(1) << 30)
#define SYSTEM_MAX_OPEN 1024u

#define SYSTEM_LINK_KEY "%link"

typedef struct system_stream {
    dev_system *system;
    const char *path;
} system_stream;

/* A descriptor as the message has it. */
typedef struct system_fd {
    beamr_descriptor as; /* of a file, kind FILE; offset of stream 0 too */
    char *path;          /* owned; NULL of a stream, a preopen, and what has no name */
} system_fd;

typedef struct system_fds {
    system_fd *items; /* by number */
    size_t count, room;
} system_fds;

struct dev_system {
    beamr_wasi *wasi;
    beamr_vfs *vfs; /* borrowed from it */
    system_stream streams[3];
    uint64_t in_at; /* bytes of /dev/stdin that were read */

    dev_inputs *inputs;       /* of the call; NULL between calls */
    const dev_moment *moment; /* likewise; may be NULL */
    uint64_t out_left, lost;
    unsigned doors; /* who provides functions, as set_doors has it; 0: not set yet */

    ao_value files; /* counted; AO_NONE: an empty root */
    uint64_t files_version;
    bool is_stale; /* the picture is to be made anew, in canonical form */

    ao_value fds_value; /* `file-descriptors` that `fds` is; AO_NONE: none yet */
    system_fds fds;
};

/* ---- Names: system_name.c ---- */

#define SYSTEM_KEY_MAX (3 * SYSTEM_MAX_NAME + 2)

/* The key for a file's name.  Returns its length; `key` has room for SYSTEM_KEY_MAX. */
size_t system_name_encode(beamr_bytes name, char key[SYSTEM_KEY_MAX]);

typedef enum system_key {
    SYSTEM_KEY_NAME,    /* as system_name_encode gives it */
    SYSTEM_KEY_LOOSE,   /* it means a name, which has another key */
    SYSTEM_KEY_NOTHING, /* of a message, not of a directory: passed over */
    SYSTEM_KEY_BAD,     /* no name */
} system_key;
/* The name that a key means.  *len is untouched for those that mean none. */
system_key system_name_decode(beamr_bytes key, char name[SYSTEM_MAX_NAME], size_t *len);

/* ---- Values: system_take.c ---- */

typedef enum system_kind {
    SYSTEM_FILE,
    SYSTEM_DIRECTORY,
    SYSTEM_LINK,
    SYSTEM_OTHER, /* can be none of them */
} system_kind;

/* What a value is, once loaded.
 *   bytes  of a file or a link's target; borrowed */
system_kind system_value_kind(ao_value value, beamr_bytes *bytes);

/* ---- The seed: system_inputs.c ---- */

/* moment  NULL: a fixed one.  Errors: BEAMR_NO_MEMORY. */
beamr_status system_seed(const dev_moment *moment, uint8_t seed[32], beamr_error *err);

/* ---- Both ways ---- */

/* Let the picture be what the file system is: system_show.c.  Errors: BEAMR_LIMIT,
 * BEAMR_NO_MEMORY. */
beamr_status system_show_files(dev_system *system, beamr_error *err);
/* Let the file system be what `value` says, and the picture too: system_take.c. */
beamr_status system_take_files(dev_system *system, ao_value value, beamr_error *err);
/* Likewise of descriptors: system_fds.c. */
beamr_status system_show_fds(dev_system *system, beamr_error *err);
beamr_status system_take_fds(dev_system *system, ao_value value, beamr_error *err);
void system_fds_clear(system_fds *fds);
/* What was shown of descriptors is what every system begins with. */
bool system_fds_are_untouched(const dev_system *system);

#endif
