/* For tests that read terms: bytes written in hexadecimal, each in a block of exactly its size,
 * so that the sanitizer sees a step beyond. One file of a program includes this. */
#ifndef TEST_TERM_FIXTURE_H
#define TEST_TERM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "driver/term.h"

/* A copy of `len` bytes, to be freed. */
static inline beamr_bytes bytes_copy(const void *data, size_t len)
{
    uint8_t *copy = malloc(len + !len);

    if (len > 0)
        memcpy(copy, data, len);
    return (beamr_bytes){copy, len};
}

static inline void bytes_free(beamr_bytes bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

static inline unsigned digit_of(char c)
{
    const char *digits = "0123456789abcdef", *at = strchr(digits, c);

    assert_true(c != 0 && at != NULL);
    return (unsigned)(at - digits);
}

/* The bytes of this text, spaces apart, in one block; to be freed. */
static inline beamr_bytes hex(const char *text)
{
    uint8_t *data = malloc(strlen(text) / 2 + 1);
    beamr_bytes out;
    size_t n = 0;

    for (; *text; text++)
        if (*text != ' ') {
            data[n++] = (uint8_t)(digit_of(text[0]) << 4 | digit_of(text[1]));
            text++;
        }
    out = bytes_copy(data, n);
    free(data);
    return out;
}

static inline drv_reader reader_of(beamr_bytes bytes)
{
    return (drv_reader){bytes.data, bytes.data + bytes.len};
}

/* What was written, without the version byte. */
static inline beamr_bytes written(const drv_writer *w)
{
    assert_false(w->is_failed);
    return (beamr_bytes){w->data + 1, w->len - 1};
}

static inline void assert_written(const drv_writer *w, const char *text)
{
    beamr_bytes expected = hex(text), is = written(w);

    if (is.len != expected.len || memcmp(is.data, expected.data, is.len) != 0) {
        for (size_t i = 0; i < is.len; i++)
            (void)fprintf(stderr, "%02x", is.data[i]);
        fail_msg(" is not %s", text);
    }
    bytes_free(expected);
}

static inline bool bytes_are(beamr_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

/* Any numbers, always the same. */
static inline uint64_t any_number(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

#endif
