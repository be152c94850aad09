/* The text form in which the official test suite is kept, and the constants in it.
 * wast_read.c turns bytes into a tree and wast_value.c tree nodes into values; neither does any
 * input or output, and both accept any bytes. wast_script.c runs what was read, wast_host.c is
 * the module that all of the suite imports, wast_list.c the list of modules known to be
 * refused, and wast.c the command. Source: WebAssembly 3.0, "Text Format", as far as scripts
 * with binary modules use it. */
#ifndef CLI_WAST_H
#define CLI_WAST_H

#include <stdio.h>

#include "base/arena.h"
#include "beamr/beamr.h"

/* ---- Reading (wast_read.c) ---- */

/* Lists deeper than this are refused. */
#define WAST_NESTING_MAX 32

typedef enum wast_kind {
    WAST_LIST,   /* (...) */
    WAST_ATOM,   /* a word or number */
    WAST_STRING, /* "..." */
} wast_kind;

typedef struct wast_node {
    wast_kind kind;
    uint32_t line; /* of the first character, from 1 */
    uint32_t col;  /* likewise, in bytes */
    uint32_t offset;
    beamr_bytes text; /* ATOM: as it stands; STRING: with escapes resolved; LIST: its source */
    struct wast_node *first; /* LIST: what is in it, or NULL */
    struct wast_node *next;  /* in the same list, or NULL */
} wast_node;

/* Fail at a node: the text begins with its place. Returns BEAMR_MALFORMED. */
#define WAST_FAIL(err, node, format, ...)                                                      \
    beamr_fail((err), BEAMR_MALFORMED, (node)->offset, "%" PRIu32 ":%" PRIu32 ": " format,     \
               (node)->line, (node)->col, ##__VA_ARGS__)

/* Read a whole text, in time and memory linear in its length.
 *   a     holds the tree, which also borrows from `text`
 *   text  any bytes
 *   out   the first of the lists at the outermost level, or NULL
 * Errors: BEAMR_MALFORMED (the text begins with "line:column: "), BEAMR_LIMIT (nesting, 4 GiB),
 * BEAMR_NO_MEMORY. */
beamr_status wast_read(arena *a, beamr_bytes text, const wast_node **out, beamr_error *err);

/* The node is an atom, and is that word. */
bool wast_is(const wast_node *node, const char *word);
/* The word that a list begins with, as a node; NULL when it begins with none. */
const wast_node *wast_head(const wast_node *list);

/* ---- Values (wast_value.c) ---- */

typedef enum wast_nan {
    WAST_NAN_NONE,       /* the bits count */
    WAST_NAN_CANONICAL,  /* either sign */
    WAST_NAN_ARITHMETIC, /* any with the quiet bit */
} wast_nan;

typedef enum wast_pattern_kind {
    WAST_EXACT,       /* `value`, and `nan` where a lane has one */
    WAST_NULL,        /* any null */
    WAST_REF,         /* any non-null reference of value.kind */
    WAST_GC,          /* a reference of the garbage collector's: nothing here matches */
    WAST_ALTERNATIVE, /* one of `alternatives` */
} wast_pattern_kind;

/* What an expected result may be. */
typedef struct wast_pattern {
    wast_pattern_kind kind;
    beamr_value value;
    wast_nan nan[4];    /* EXACT, by lane; of numbers only the first */
    unsigned lane_bits; /* EXACT vectors: 32 or 64, how they are compared */
    const struct wast_pattern *alternatives;
    size_t alternative_count;
} wast_pattern;

/* Read a constant, as an action has them for arguments: "(i32.const 1)".
 * An external reference n is the pointer n + 1, so that 0 is not null.
 * Errors: BEAMR_MALFORMED, as wast_read. */
beamr_status wast_value_read(const wast_node *node, beamr_value *out, beamr_error *err);

/* Read an expected result.
 *   a  holds the alternatives
 * Errors: BEAMR_MALFORMED, BEAMR_NO_MEMORY. */
beamr_status wast_pattern_read(const wast_node *node, arena *a, wast_pattern *out,
                               beamr_error *err);
bool wast_pattern_matches(const wast_pattern *pattern, const beamr_value *value);

/* Write a value as the suite writes constants, so that every bit shows. Cut to fit `size`;
 * returns buf. WAST_VALUE_TEXT_SIZE suffices. */
#define WAST_VALUE_TEXT_SIZE 80
const char *wast_value_text(const beamr_value *value, char *buf, size_t size);

/* ---- The host's module (wast_host.c) ---- */

/* Define "spectest": functions that print nothing, globals, tables, a memory. */
beamr_status wast_host_define(beamr_linker *linker, beamr_store *store, beamr_error *err);

/* ---- Modules known to be refused (wast_list.c) ---- */

/* One line of the list: where a module stands that needs the garbage collector's objects. */
typedef struct wast_listed {
    char *name; /* of the suite's file, without its folder */
    uint32_t line;
    uint32_t list_line; /* where the list says so */
    bool is_seen;       /* a module stood there */
} wast_listed;

typedef struct wast_list {
    wast_listed *items; /* sorted; in the arena */
    size_t count;
} wast_list;

/* Read the list: lines "name:line", "#" begins a comment.
 * Errors: BEAMR_MALFORMED (as wast_read), BEAMR_NO_MEMORY. */
beamr_status wast_list_read(arena *a, beamr_bytes text, wast_list *out, beamr_error *err);
/* The entry for a place; NULL when there is none. */
wast_listed *wast_list_find(const wast_list *list, const char *name, uint32_t line);

/* ---- Running (wast_script.c) ---- */

typedef struct wast_counts {
    size_t passed;
    size_t failed;
    size_t skipped; /* assertions on modules that are refused for the garbage collector */
    size_t functions; /* of all modules that were loaded, those imported left out */
    size_t compiled;  /* of these have native code */
} wast_counts;

/* What all files of one run share. */
typedef struct wast_suite {
    beamr_engine *engine;
    bool is_verbose;       /* print each failure */
    const wast_list *list; /* borrowed; NULL to accept any refusal */
    FILE *refused;         /* the list that this run finds is written here; may be NULL */
    const beamr_store_limits *limits; /* borrowed; NULL for the default */
    uint64_t fuel; /* for all modules of a file, if the engine meters; 0 for no limit */
} wast_suite;

/* Run one file in a store of its own.
 *   path    shown in messages; its last component is looked up in the list
 *   counts  added to; what was counted before a fault in the text stays
 * Errors: BEAMR_MALFORMED and BEAMR_LIMIT (as wast_read: the file cannot be used),
 * BEAMR_NO_MEMORY, and what making the store may give. Failed assertions are none. */
beamr_status wast_script_run(const wast_suite *suite, const char *path, beamr_bytes text,
                             wast_counts *counts, beamr_error *err);

#endif
