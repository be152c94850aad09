/* Erlang's external term format, read within bounds and written.
 * A library for it comes with Erlang; its readers trust the bytes and take no length, and what
 * a port is sent comes from anybody.
 * Source: Erlang, "External Term Format". */
#ifndef DRIVER_TERM_H
#define DRIVER_TERM_H

#include <stdbool.h>
#include <stdint.h>

#include "beamr/error.h"

/* ---- Reading ---- */

/* What stands next in a term. */
typedef enum drv_kind {
    DRV_INTEGER, /* of at most 64 bits, signed or unsigned */
    DRV_BIG,     /* an integer beyond that */
    DRV_FLOAT,
    DRV_ATOM,
    DRV_BINARY, /* whole bytes */
    DRV_STRING, /* a list of integers 0 to 255, written as bytes */
    DRV_NIL,    /* the empty list */
    DRV_LIST,   /* `count` elements follow, and then the tail */
    DRV_TUPLE,  /* `count` elements follow */
    DRV_MAP,    /* `count` pairs follow: key, value */
    DRV_REF,    /* a reference */
    DRV_OTHER,  /* a pid, a port, a function, bits: stepped over, of no use here */
} drv_kind;

/* A place in a term. Copying it is looking ahead. */
typedef struct drv_reader {
    const uint8_t *at, *end;
} drv_reader;

/* One step: a whole value, or the head of a list, tuple or map. */
typedef struct drv_item {
    drv_kind kind;
    bool is_negative;   /* INTEGER: the number is -magnitude */
    uint64_t magnitude; /* INTEGER; BIG: the upper 64 bits, at least 57 of them in use, the
                           lowest is set if any below is */
    uint32_t shift;     /* BIG: how many bits are below, at most 65536 */
    double number;      /* FLOAT: finite */
    bool is_latin1;     /* ATOM: its name is in Latin-1; otherwise in UTF-8, unchecked */
    beamr_bytes bytes;  /* ATOM: its name; BINARY, STRING: their bytes; REF, OTHER, BIG: the
                           encoded term. Borrowed from the input */
    uint32_t count;     /* LIST, TUPLE, MAP; never more than the bytes left could hold */
} drv_item;

/* Begin with an encoded term: checks the version byte. Compressed terms are refused.
 * Errors: BEAMR_MALFORMED, "Failed to decode message header (version).". */
beamr_status drv_reader_begin(drv_reader *reader, beamr_bytes term, beamr_error *err);

/* Take the next step. Nothing is trusted; atoms are of any encoding. After a failure `out`
 * holds anything, and the reader stays where it was. Errors: BEAMR_MALFORMED (bytes that are no
 * term; a float that is not finite). */
beamr_status drv_read(drv_reader *reader, drv_item *out, beamr_error *err);

/* Step over one whole term, however deep, without recursion and in no memory.
 *   out  the bytes stepped over; may be NULL
 * Errors: BEAMR_MALFORMED. */
beamr_status drv_skip(drv_reader *reader, beamr_bytes *out, beamr_error *err);

bool drv_item_is_atom(const drv_item *item, const char *name);

/* ---- Writing ---- */

/* Terms as they grow: begins in memory of its own, so that short answers allocate nothing.
 * Begin with drv_writer_begin, end with drv_writer_clear; not to be copied, since `data` points
 * into it. When memory is gone, or a part is beyond what the format can hold (a binary of
 * 4 GiB), `is_failed` stays set and all further writing does nothing. */
typedef struct drv_writer {
    uint8_t *data; /* `own`, or allocated */
    size_t len, room;
    bool is_failed;
    uint8_t own[488];
} drv_writer;

void drv_writer_begin(drv_writer *w); /* writes the version byte */
void drv_writer_clear(drv_writer *w);

void drv_put_atom(drv_writer *w, const char *name); /* ASCII, at most 255 bytes */
void drv_put_tuple(drv_writer *w, uint32_t count);
/* The head of a list of `count` elements; behind them comes drv_put_nil. For 0 only that. */
void drv_put_list(drv_writer *w, uint32_t count);
void drv_put_nil(drv_writer *w);
void drv_put_map(drv_writer *w, uint32_t count);
void drv_put_int(drv_writer *w, int64_t n);
void drv_put_uint(drv_writer *w, uint64_t n);
void drv_put_float(drv_writer *w, double n); /* finite */
void drv_put_binary(drv_writer *w, beamr_bytes bytes);
/* Text as a list of characters: UTF-8 in code points, what is not UTF-8 as bytes. */
void drv_put_string(drv_writer *w, beamr_bytes text);
/* A term that is encoded already, without version byte. */
void drv_put_term(drv_writer *w, beamr_bytes term);

#endif
