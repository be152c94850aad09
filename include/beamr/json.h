/* JSON values as data: trees of lists and maps that are given to guests, and read from them.
 * A tree is made of plain structs, which an embedder fills in as it likes, or which
 * beamr_json_read makes of a text. Threads: nothing here is shared.
 * Source: RFC 8259. */
#ifndef BEAMR_JSON_H
#define BEAMR_JSON_H

#include "beamr/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum beamr_json_kind {
    BEAMR_JSON_NULL,
    BEAMR_JSON_BOOLEAN,
    BEAMR_JSON_INTEGER, /* a number without fraction and exponent */
    BEAMR_JSON_FLOAT,   /* any other; finite */
    BEAMR_JSON_TEXT,
    BEAMR_JSON_LIST,
    BEAMR_JSON_MAP,
} beamr_json_kind;

typedef struct beamr_json beamr_json;

/* A value. Whatever its kind does not use is ignored, so that it may be all zeros. */
struct beamr_json {
    beamr_json_kind kind;
    bool boolean;            /* BOOLEAN */
    int64_t integer;         /* INTEGER */
    double number;           /* FLOAT */
    beamr_bytes text;        /* TEXT: UTF-8, which may hold NULs */
    const beamr_json *items; /* LIST, MAP: `count` values */
    const beamr_bytes *keys; /* MAP: `count` names, in the order of the items */
    size_t count;
};

typedef struct beamr_json_limits {
    size_t max_bytes;  /* of the text */
    size_t max_depth;  /* lists and maps within each other; at most BEAMR_JSON_DEPTH_MAX */
    size_t max_values; /* in the whole tree; reading takes 64 bytes for each */
} beamr_json_limits;

#define BEAMR_JSON_LIMITS_DEFAULT                                                              \
    {                                                                                          \
        16u << 20, 128, 1000000                                                                \
    }
/* What is beyond is cut to this. */
#define BEAMR_JSON_DEPTH_MAX 256

/* Read a text. Strict: one value, with nothing but white space around it; names are not given
 * twice in a map; text is UTF-8 without halves of surrogate pairs; integers fit 64 bits with
 * sign, and other numbers a double.
 *   text    borrowed during the call
 *   limits  NULL for the default
 *   out     the tree, one block, to be freed with beamr_json_free. Its maps keep the order of
 *           the text, and a NUL stands behind each text and name.
 * Errors: BEAMR_ARGUMENT (no JSON; the error's offset is where in `text`), BEAMR_LIMIT (offset
 * likewise), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_json_read(beamr_bytes text, const beamr_json_limits *limits,
                                       BEAMR_OWN beamr_json **out, beamr_error *err);

/* Free what beamr_json_read made. Accepts NULL; not for trees of the caller's own making. */
BEAMR_API void beamr_json_free(beamr_json *json);

/* Write a tree as text without white space: maps in their order; integers in decimal; floats as
 * the shortest text that reads back equal, with a fraction or an exponent; in text only quotes,
 * backslashes and control characters are escaped. Equal trees give equal bytes.
 * Names are not compared: two that are equal are both written, and refused by most readers.
 *   limits  NULL for the default; of bytes, those written
 *   out     `len` bytes and a NUL, to be freed with free()
 * Errors: BEAMR_ARGUMENT (text that is not UTF-8, a float that is not finite, an unknown
 * kind), BEAMR_LIMIT, BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_json_write(const beamr_json *json, const beamr_json_limits *limits,
                                        BEAMR_OWN char **out, size_t *len, beamr_error *err);

/* The value of a map under a name; NULL when there is none, or `json` is no map. */
BEAMR_API const beamr_json *beamr_json_find(const beamr_json *json, const char *name);

#ifdef __cplusplus
}
#endif
#endif
