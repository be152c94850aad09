/* For tests of commands: terms that are written as one goes, and what is sent in pieces. One
 * file of a program includes this. */
#ifndef TEST_COMMAND_FIXTURE_H
#define TEST_COMMAND_FIXTURE_H

#include "played_binary.h"
#include "term_fixture.h"

#include "driver/command.h"

#define REF "5a0002 770161 00000000 0000000a 0000000b" /* a reference, as Erlang writes it */

static beamr_error err;
static drv_command command;

static inline bool bytes_are_hex(beamr_bytes bytes, const char *text)
{
    beamr_bytes expected = hex(text);
    bool same = bytes.len == expected.len && memcmp(bytes.data, expected.data, bytes.len) == 0;

    bytes_free(expected);
    return same;
}

/* Read the term of a port_call, whose bytes are gone when this returns. */
static inline beamr_status call_port(unsigned op, const char *text)
{
    beamr_bytes term = hex(text);
    beamr_status st;

    beamr_error_clear(&err);
    st = drv_command_read_call(op, term, &command, &err);
    bytes_free(term);
    return st;
}

/* ---- What is sent ---- */

enum { PIECES_MAX = 8 };

/* Pieces, as the emulator gives them: the first is often empty. They are gone after reading. */
typedef struct parcel {
    int count;
    SysIOVec iov[PIECES_MAX];
    ErlDrvBinary *binaries[PIECES_MAX];
} parcel;

/* In a binary of the emulator's, or in memory that is just there. */
static inline void parcel_add(parcel *p, beamr_bytes bytes, bool is_binary)
{
    ErlDrvBinary *binary = is_binary ? played_new(bytes) : NULL;

    p->binaries[p->count] = binary;
    p->iov[p->count].iov_base = is_binary
                                    ? (void *)binary->orig_bytes
                                    : (void *)(uintptr_t)bytes_copy(bytes.data, bytes.len).data;
    p->iov[p->count++].iov_len = bytes.len;
}

static inline void parcel_free(parcel *p)
{
    for (int i = 0; i < p->count; i++)
        if (p->binaries[i])
            driver_free_binary(p->binaries[i]);
        else
            free(p->iov[i].iov_base);
    p->count = 0;
}

static inline beamr_status parcel_read(parcel *p)
{
    size_t size = 0;
    ErlIOVec sent;
    beamr_status st;

    for (int i = 0; i < p->count; i++)
        size += p->iov[i].iov_len;
    sent = (ErlIOVec){p->count, size, p->iov, p->binaries};
    beamr_error_clear(&err);
    st = drv_command_read_sent(&sent, &command, &err);
    parcel_free(p);
    return st;
}

/* "BMR", the operation and the size of the header, and the header. */
static inline beamr_bytes header_of(unsigned op, const char *text)
{
    beamr_bytes term = hex(text);
    uint8_t *out = malloc(8 + term.len);
    size_t size = 8 + term.len;

    memcpy(out, "BMR", 3);
    out[3] = (uint8_t)op;
    for (size_t i = 0; i < 4; i++)
        out[4 + i] = (uint8_t)(term.len >> (24 - 8 * i));
    memcpy(out + 8, term.data, term.len);
    bytes_free(term);
    return (beamr_bytes){out, size};
}

#endif
