/* Borrowed bytes: a pointer and a length.
 * The plain value in which wasm images, names and memory contents are passed. It owns nothing,
 * is never assumed to end in NUL, and `data` may be NULL when `len` is 0. */
#ifndef BEAMR_BYTES_H
#define BEAMR_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A function or object that is visible outside the shared library. */
#define BEAMR_API __attribute__((visibility("default")))
/* Marks a pointer whose ownership passes to the callee, or (as `OWN type **out`) to the caller. */
#define BEAMR_OWN

typedef struct beamr_bytes {
    const uint8_t *data;
    size_t len;
} beamr_bytes;

/* The bytes of a C string, without its NUL. */
static inline beamr_bytes beamr_bytes_of(const char *text)
{
    beamr_bytes bytes;

    bytes.data = (const uint8_t *)text;
    bytes.len = strlen(text);
    return bytes;
}

#ifdef __cplusplus
}
#endif
#endif
