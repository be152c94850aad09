/* The emulator's binaries, for programs that link parts of the driver without an emulator. One
 * file of a program includes this. */
#ifndef TEST_PLAYED_BINARY_H
#define TEST_PLAYED_BINARY_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <erl_driver.h>

#include "beamr/bytes.h"

/* A binary with its count of references in front. */
typedef struct played_binary {
    _Atomic(long) refs;
    ErlDrvBinary binary;
} played_binary;

static _Atomic(long) played_binaries; /* that are alive */

static inline played_binary *played(ErlDrvBinary *binary)
{
    return (played_binary *)(void *)((char *)binary - offsetof(played_binary, binary));
}

static inline ErlDrvBinary *played_new(beamr_bytes bytes)
{
    played_binary *p = calloc(1, sizeof *p + bytes.len);

    p->refs = 1;
    p->binary.orig_size = (ErlDrvSInt)bytes.len;
    if (bytes.len > 0)
        memcpy(p->binary.orig_bytes, bytes.data, bytes.len);
    played_binaries++;
    return &p->binary;
}

ErlDrvSInt driver_binary_inc_refc(ErlDrvBinary *binary)
{
    return (ErlDrvSInt)++played(binary)->refs;
}

void driver_free_binary(ErlDrvBinary *binary)
{
    if (--played(binary)->refs > 0)
        return;
    played_binaries--;
    free(played(binary));
}

#endif
