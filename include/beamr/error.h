/* Results: one status type, one error object.
 * Every function that can fail returns a beamr_status and takes a beamr_error last. Whoever
 * detects a failure fills the error once; callers pass it up untouched. The text lives inside
 * the object, so a failure can be reported when memory is gone. */
#ifndef BEAMR_ERROR_H
#define BEAMR_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "beamr/bytes.h"
#include "beamr/trap.h"

#ifdef __cplusplus
extern "C" {
#endif

/*       id           HTTP  text */
#define BEAMR_STATUS_MAP(X)                                                                    \
    X(OK, 200, "ok")                                                                           \
    X(SUSPENDED, 202, "suspended")                                                             \
    X(MALFORMED, 400, "malformed module")                                                      \
    X(INVALID, 400, "invalid module")                                                          \
    X(UNSUPPORTED, 501, "unsupported feature")                                                 \
    X(LIMIT, 413, "implementation limit")                                                      \
    X(UNLINKABLE, 422, "unlinkable module")                                                    \
    X(TRAP, 500, "trap")                                                                       \
    X(EXCEPTION, 500, "uncaught exception")                                                    \
    X(ARGUMENT, 400, "bad argument")                                                           \
    X(NOT_FOUND, 404, "not found")                                                             \
    X(NO_MEMORY, 503, "out of memory")                                                         \
    X(BUSY, 409, "in use")                                                                     \
    X(IO, 500, "input or output failed")                                                       \
    X(SNAPSHOT, 422, "snapshot refused")                                                       \
    X(MESSAGE, 400, "malformed message")                                                       \
    X(ENCODING, 406, "cannot be encoded")                                                      \
    X(CONFLICT, 409, "changed meanwhile")                                                      \
    X(COMPILER, 500, "compiler failed")                                                        \
    X(OBJECT, 422, "code object refused")

typedef enum beamr_status {
#define X(id, http, text) BEAMR_##id,
    BEAMR_STATUS_MAP(X)
#undef X
        BEAMR_STATUS_COUNT
} beamr_status;

#define BEAMR_ERROR_TEXT_SIZE 512
#define BEAMR_BACKTRACE_MAX 24
#define BEAMR_FRAME_NAME_SIZE 56

/* One frame of a backtrace, innermost first. */
typedef struct beamr_frame {
    uint32_t func;                    /* index of the function in its module */
    uint32_t offset;                  /* of the instruction, in bytes from the module's start */
    char name[BEAMR_FRAME_NAME_SIZE]; /* from the name section or an export, cut; may be "" */
} beamr_frame;

/* Begin with `beamr_error err = {0}`. Only a failing call writes to it, and only the first
 * failure is kept, so reset it with beamr_error_clear before it is used again. */
typedef struct beamr_error {
    beamr_status status;
    beamr_trap trap;      /* which, when status is BEAMR_TRAP */
    uint64_t offset;      /* of the fault in the input bytes; 0 when it has no place there */
    uint32_t frame_count; /* entries of `frames` in use */
    uint32_t frame_total; /* depth of the guest's stack; the frames beyond those are not kept */
    char text[BEAMR_ERROR_TEXT_SIZE]; /* NUL-terminated UTF-8, one line */
    beamr_frame frames[BEAMR_BACKTRACE_MAX];
} beamr_error;

/* Make `err` ready for another call. */
BEAMR_API void beamr_error_clear(beamr_error *err);

/* Record a failure, unless `err` is NULL or holds one already.
 *   offset  where in the input, or 0
 *   format  as printf; the text is cut to fit
 * Returns `status`, so that a failure is one `return` statement. */
BEAMR_API beamr_status beamr_fail(beamr_error *err, beamr_status status, uint64_t offset,
                                  const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Record a trap: its text, followed by `: ` and the formatted details when these are given.
 *   format  as printf, or NULL
 * Returns BEAMR_TRAP. */
BEAMR_API beamr_status beamr_fail_trap(beamr_error *err, beamr_trap trap, const char *format,
                                       ...) __attribute__((format(printf, 3, 4)));

/* Names and numbers of the lists; static strings. An unknown value gives "unknown". */
BEAMR_API const char *beamr_status_text(beamr_status status);
BEAMR_API int beamr_status_http(beamr_status status);
BEAMR_API const char *beamr_trap_text(beamr_trap trap);

#ifdef __cplusplus
}
#endif
#endif
