/* The system that a guest finds around it: arguments, environment, streams, files, clocks and
 * random numbers, as WASI preview 1 has them. Emscripten's imports (beamr/emscripten.h) are a
 * second door to the same system, and beamr/guest.h brings all of it to an instance.
 *
 * Nothing here reaches the host by itself: files are a value (beamr/vfs.h), and streams, clocks
 * and random numbers are functions of the embedder. Without any, the system is the same for
 * everybody: no input, output that goes nowhere, clocks that begin at 0 and advance only by
 * what a guest sleeps, and random numbers from a fixed seed.
 *
 * Threads: the caller holds the store that the system is linked into. */
#ifndef BEAMR_WASI_H
#define BEAMR_WASI_H

#include "beamr/instance.h"
#include "beamr/vfs.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct beamr_wasi beamr_wasi;

/* A stream of the embedder's. A function that fails ends the guest's call as a host function
 * does, with its error; what a guest can deal with is BEAMR_IO, which it sees as EIO (EPIPE for
 * writing). They may block; whoever sets a deadline sees to it that they return by then. They
 * do not use the system that calls them. */
typedef struct beamr_stream {
    /* Read at most len bytes, at least one unless at the end: *got is 0 there. Called once for
     * a guest's read, len is at least 1. NULL: at the end. */
    beamr_status (*read)(void *user, uint8_t *buf, size_t len, size_t *got, beamr_error *err);
    /* Write all of it, at least one byte. What a guest writes in small pieces at once comes as
     * one; larger ones lie in guest memory. NULL: it goes nowhere. */
    beamr_status (*write)(void *user, beamr_bytes bytes, beamr_error *err);
    bool is_terminal; /* what the guest is told */
    void *user;       /* passed to both */
} beamr_stream;

typedef enum beamr_clock {
    BEAMR_CLOCK_REALTIME, /* ns since 1970 */
    BEAMR_CLOCK_MONOTONIC,
    BEAMR_CLOCK_PROCESS_CPU,
    BEAMR_CLOCK_THREAD_CPU,
} beamr_clock;

/* A directory that the guest finds open, as descriptor 3 and on. */
typedef struct beamr_preopen {
    const char *path;  /* in the file system; must be a directory */
    const char *name;  /* what the guest is told; NULL: as path */
    bool is_read_only; /* changes in it, or below it up to another preopen, are EROFS; moving it
                          or what it lies in is EBUSY */
} beamr_preopen;

/* What a system is made of; begin with `beamr_wasi_options o = {0}`. All of it is borrowed
 * during the call, except that what `user` points to, and the streams' functions, are used
 * later. */
typedef struct beamr_wasi_options {
    const char *const *args; /* arg_count of them, the first is the program's name */
    size_t arg_count;
    const char *const *env; /* env_count of "NAME=value" */
    size_t env_count;

    beamr_vfs *vfs;                /* counted; NULL: a new one with the default limits */
    const beamr_preopen *preopens; /* NULL: the root, as "/" */
    size_t preopen_count;
    const char *cwd;   /* for Emscripten; NULL: "/" */
    uint32_t max_open; /* descriptors, streams and preopens included; at most 65,536; 0 for
                          1,024 */

    beamr_stream in, out, err;

    void *user; /* passed to the functions below */
    /* Read a clock, in ns. NULL: 0 for each. To real and monotonic time is added what a guest
     * slept without `wait`. Called for each change of a file as well. */
    uint64_t (*clock)(void *user, beamr_clock clock);
    uint64_t clock_resolution; /* ns; 0 for 1,000 */
    /* Wait until `ns` have passed (UINT64_MAX: for ever) or, if `for_input`, `in` can be read;
     * *has_input tells whether it can. Errors end the guest's call. NULL: time passes at once,
     * and input is always there. */
    beamr_status (*wait)(void *user, uint64_t ns, bool for_input, bool *has_input,
                         beamr_error *err);
    /* Fill with random bytes; errors end the guest's call. NULL: a fixed sequence that follows
     * from `seed`, which ChaCha20 gives. */
    beamr_status (*random)(void *user, uint8_t *buf, size_t len, beamr_error *err);
    uint8_t seed[32];
    /* Asked for the seed when random numbers are first needed, at the beginning and after each
     * beamr_wasi_renew and _load; errors end the guest's call. NULL: `seed`. */
    beamr_status (*seed_of)(void *user, uint8_t seed[32], beamr_error *err);
} beamr_wasi_options;

/* Make a system.
 *   options  NULL for none
 *   out      counted; begins with one reference; functions that were linked hold another until
 *            their store goes
 * Errors: BEAMR_ARGUMENT (a preopen or `cwd` that is no directory; an env entry without '='),
 * BEAMR_LIMIT (more than 16 MiB of arguments or environment; max_open), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_wasi_new(const beamr_wasi_options *options,
                                      BEAMR_OWN beamr_wasi **out, beamr_error *err);
BEAMR_API beamr_wasi *beamr_wasi_ref(beamr_wasi *wasi);
BEAMR_API void beamr_wasi_unref(beamr_wasi *wasi); /* accepts NULL */

BEAMR_API beamr_vfs *beamr_wasi_vfs(const beamr_wasi *wasi); /* borrowed */

/* The guest has ended itself (proc_exit, exit). Its call then ended in the trap EXIT.
 *   code  may be NULL; untouched when it has not
 * Stays true until it is cleared, which beamr_guest_run and _initialize do before they call. */
BEAMR_API bool beamr_wasi_exited(const beamr_wasi *wasi, uint32_t *code);
BEAMR_API void beamr_wasi_clear_exit(beamr_wasi *wasi);

/* A new call begins, of a system whose calls are told apart by what they are given: real and
 * monotonic time are `now_ns` (added to what `clock` says, if there is one), what was slept
 * before does not count, the random sequence begins anew, and the exit is cleared. */
BEAMR_API void beamr_wasi_renew(beamr_wasi *wasi, uint64_t now_ns);

/* Let the embedder answer a library's functions, or no longer: they suspend the guest's call
 * (beamr/entry.h), and the request names module and function. Holds from the next call of one
 * on, in all that was linked. What belongs to the language rather than to the system -
 * `invoke_*`, what throws, C++ exceptions - is not among them.
 *   module  "wasi_snapshot_preview1", "wasi_unstable" or "env"
 * Errors: BEAMR_ARGUMENT (another module). */
BEAMR_API beamr_status beamr_wasi_set_deferred(beamr_wasi *wasi, const char *module,
                                               bool is_deferred, beamr_error *err);

/* ---- Descriptors ---- */

typedef enum beamr_descriptor_kind {
    BEAMR_DESCRIPTOR_STREAM,
    BEAMR_DESCRIPTOR_PREOPEN, /* a directory that the guest is told of */
    BEAMR_DESCRIPTOR_FILE,
    BEAMR_DESCRIPTOR_DIRECTORY,
} beamr_descriptor_kind;

/* What a number is open as. */
typedef struct beamr_descriptor {
    uint32_t number;
    beamr_descriptor_kind kind;
    uint32_t index;   /* STREAM: 0 to 2; PREOPEN: which, as in the options */
    uint32_t same_as; /* the smallest number with which it shares offset and flags; itself, if
                         with none or only larger ones */
    uint64_t offset;  /* of a file: bytes, at most INT64_MAX; of a directory that Emscripten's
                         door opened: readdir's cookie */
    uint16_t flags;   /* 1 append, 2 dsync, 4 nonblock, 8 rsync, 16 sync */
    uint64_t rights, inheriting; /* as WASI numbers them; BEAMR_RIGHTS_DEFAULT can be set */
    bool has_default_rights;     /* told: setting BEAMR_RIGHTS_DEFAULT would give these */
    bool is_posix;               /* opened by Emscripten's door */
    bool is_read_only;           /* found in a read-only preopen */
} beamr_descriptor;

/* All that such a descriptor can be asked for. */
#define BEAMR_RIGHTS_DEFAULT UINT64_MAX

/* The descriptors one after the other, by number.
 *   cursor  0 at first; then as it was left
 * Returns false when there are no more. */
BEAMR_API bool beamr_wasi_next_descriptor(const beamr_wasi *wasi, uint32_t *cursor,
                                          beamr_descriptor *out);
/* The path of what a number is open as, from the root and beginning with '/'. A file with
 * several names has the first that is found, by directories in the order in which their entries
 * were made. Cheap unless files were renamed or have several names.
 *   out  borrowed until the system or its file system is used again
 * Errors: BEAMR_NOT_FOUND (not open, or a stream; or it has no name any more; without a text),
 * BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_wasi_descriptor_path(beamr_wasi *wasi, uint32_t number,
                                                  beamr_bytes *out, beamr_error *err);
/* Let a number be open as a descriptor says, in place of what it was. Of `as`, `number` is the
 * number. If same_as is another number, that is open, and is shared, with the rights of `as`.
 *   path  of a FILE or DIRECTORY; links are followed. Which of the two it is, is what is there
 * Errors: BEAMR_NOT_FOUND (no such file; same_as is not open), BEAMR_ARGUMENT (no such stream
 * or preopen; rights or flags that are none; an offset beyond INT64_MAX, or of a stream),
 * BEAMR_LIMIT (a number beyond max_open), BEAMR_NO_MEMORY. Nothing has changed then. */
BEAMR_API beamr_status beamr_wasi_set_descriptor(beamr_wasi *wasi, const beamr_descriptor *as,
                                                 beamr_bytes path, beamr_error *err);
/* Errors: BEAMR_NOT_FOUND (not open). */
BEAMR_API beamr_status beamr_wasi_close_descriptor(beamr_wasi *wasi, uint32_t number,
                                                   beamr_error *err);
/* Define those imports of a module that are WASI's - of `wasi_snapshot_preview1` and
 * `wasi_unstable` - in a linker. Others are left alone; a name that WASI does not have, too.
 * The pointer width is that of the module's memory 0.
 * Errors: BEAMR_UNLINKABLE (an import of another type; the text names it and both types),
 * BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_wasi_link(beamr_wasi *wasi, beamr_linker *linker,
                                       const beamr_module *module, beamr_error *err);

/* The system's state as bytes, and back: file system, descriptors, current directory, time
 * slept, random sequence, exit code, and what Emscripten's side keeps. Not the options: they
 * must be equal where it is loaded, so that what is open as a stream or a preopen is found
 * again. Equal states give equal bytes. Fits a section of a snapshot (beamr/snapshot.h).
 * Loading replaces the content of beamr_wasi_vfs, for all that hold it; no other system may
 * have something open in it. Bytes from strangers are safe to load, but they decide what is
 * open and with which rights.
 *   out  to be released with free()
 * Errors: BEAMR_NO_MEMORY; loading: BEAMR_MALFORMED with the offset, BEAMR_LIMIT; nothing has
 * changed then. */
BEAMR_API beamr_status beamr_wasi_save(const beamr_wasi *wasi, BEAMR_OWN uint8_t **out,
                                       size_t *len, beamr_error *err);
BEAMR_API beamr_status beamr_wasi_load(beamr_wasi *wasi, beamr_bytes bytes, beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
