/* Annotated messages: the form in which all codecs meet. AO-Core calls it TABM.
 * A tree of byte strings, in which the types of what they were are recorded per level under the
 * key `ao-types`. It lives in an arena; its bytes are borrowed from the message or the input
 * that it was made from, or lie in the arena. Entries are in ascending byte order of their
 * keys. Threads: one. Source: AO-Core codecs, "TABM". */
#ifndef CODEC_ANNOTATED_H
#define CODEC_ANNOTATED_H

#include "ao/codec.h"
#include "base/arena.h"

typedef enum codec_kind {
    CODEC_BYTES,
    CODEC_NODE,
    CODEC_VALUE, /* typed already: what JSON's numbers, booleans and lists become */
} codec_kind;

typedef struct codec_node codec_node;

typedef struct codec_entry {
    beamr_bytes key;
    codec_kind kind;
    uint32_t order;    /* for sorting: when it was added */
    beamr_bytes bytes; /* BYTES */
    /* BYTES: the binary that `bytes` is a part of, so that a message can share a large one;
     * AO_NONE if there is none. VALUE: the value. Borrowed. */
    ao_value value;
    codec_node *node; /* NODE */
} codec_entry;

struct codec_node {
    codec_entry *entries;
    size_t count, capacity;
    bool is_unsorted; /* entries were added out of order: codec_node_sort comes first */
};

/* An empty node; NULL when the arena is full. */
codec_node *codec_node_new(arena *a);
/* Room for `count` entries; false when the arena is full. */
bool codec_node_reserve(arena *a, codec_node *node, size_t count);
/* Add an entry behind the others, of the kind BYTES and empty; its key, bytes and value are
 * borrowed. The pointer holds until the next entry is added.  NULL when the arena is full. */
codec_entry *codec_node_add(arena *a, codec_node *node, beamr_bytes key);
beamr_status codec_node_add_bytes(arena *a, codec_node *node, beamr_bytes key,
                                  beamr_bytes bytes, ao_value owner, beamr_error *err);
beamr_status codec_node_add_node(arena *a, codec_node *node, beamr_bytes key, codec_node *inner,
                                 beamr_error *err);
/* Put the entries in order. Of equal keys the last one added stays, or it is BEAMR_MESSAGE if
 * `is_strict`. */
beamr_status codec_node_sort(codec_node *node, bool is_strict, beamr_error *err);

/* The binary of an entry of the kind BYTES: its owner, a part of it, or a copy. */
ao_value codec_entry_binary(const codec_entry *entry);

/* Of a sorted node. */
codec_entry *codec_node_find(const codec_node *node, const char *key); /* or NULL */
codec_entry *codec_node_find_key(const codec_node *node, beamr_bytes key);
/* A fresh entry of the kind BYTES in its place, instead of one that is there.  NULL when the
 * arena is full. */
codec_entry *codec_node_insert(arena *a, codec_node *node, beamr_bytes key);
void codec_node_remove(codec_node *node, const char *key);

/* ---- For all codecs ---- */

/* Nested messages are named by their paths in flat@1.0 and httpsig@1.0, each of which repeats
 * that of what it is in: how many bytes are repeated in all. Long keys with many messages below
 * them would else take quadratic memory. */
#define CODEC_PATHS_MAX ((size_t)64 << 20)

/* The limits of a context's messages; the default for NULL. */
const ao_limits *codec_limits(const ao_context *context);
/* A limit for the arena in which a message of these limits is converted; NULL for the default.
 */
size_t codec_memory(const ao_limits *limits);
/* Byte order, as memcmp tells it. */
int codec_key_compare(beamr_bytes a, beamr_bytes b);
/* Normalise a key, into the arena if that changes it. */
beamr_status codec_normalise(arena *a, beamr_bytes *key, beamr_error *err);
/* The failure of an arena: BEAMR_LIMIT when it is at its limit, else BEAMR_NO_MEMORY. */
beamr_status codec_fail_full(const arena *a, beamr_error *err);
/* A key for the text of an error: cut, other bytes than printable ASCII as `?`. */
#define CODEC_SHOW_SIZE 68
const char *codec_show_key(beamr_bytes key, char buffer[CODEC_SHOW_SIZE]);

/* ---- structured@1.0: messages to annotated ones (structured.c) and back
 * (structured_decode.c), or as they are (plain.c) ---- */

typedef struct codec_annotate_options {
    bool without_commitments; /* of the top level */
} codec_annotate_options;

/* Annotate a message: private and regenerable keys left out at every level, links loaded. The
 * node is sorted, and borrows from the message.
 *   options  NULL for none
 * Errors: BEAMR_ENCODING (which key and why), BEAMR_LIMIT (the arena is full), those of
 * loading. */
beamr_status codec_annotate(arena *a, const ao_message *message,
                            const codec_annotate_options *options, codec_node **out,
                            beamr_error *err);
/* The message of an annotated one, whose nodes are sorted; large binaries share the bytes of
 * their owner. limits  NULL for the default Errors: BEAMR_MESSAGE (a type that its text does
 * not have: which key), BEAMR_LIMIT, BEAMR_NO_MEMORY. */
beamr_status codec_message(const codec_node *node, const ao_limits *limits,
                           BEAMR_OWN ao_message **out, beamr_error *err);
/* The value of one text.
 *   type  as in ao-types, any case
 * Errors: BEAMR_MESSAGE (no such type; offset: where the text is not of it), BEAMR_LIMIT,
 * BEAMR_NO_MEMORY. */
beamr_status codec_value(beamr_bytes type, beamr_bytes text, const ao_limits *limits,
                         ao_value *out, beamr_error *err);
/* The annotated message as a plain message of binaries, and back. */
beamr_status codec_node_to_message(const codec_node *node, const ao_limits *limits,
                                   BEAMR_OWN ao_message **out, beamr_error *err);
beamr_status codec_node_of_message(arena *a, const ao_message *message, codec_node **out,
                                   beamr_error *err);

/* ---- flat@1.0: nested messages as paths (flat.c) ---- */

/* All leaves of an annotated message as one node whose keys are paths, their parts joined with
 * `/`, sorted.  Errors: BEAMR_ENCODING (a key that holds `/`), BEAMR_LIMIT. */
beamr_status codec_flatten(arena *a, const codec_node *node, codec_node **out,
                           beamr_error *err);
/* The nested node of entries whose keys are paths; empty parts are skipped. Entries can be
 * nodes themselves: their keys are no paths, and they are added to. `flat` is changed. origin
 * of bytes of entries, for the offset of an error; NULL for none Errors: BEAMR_MESSAGE (a path
 * that is there twice, or leads through a value), BEAMR_LIMIT. */
beamr_status codec_unflatten(arena *a, codec_node *flat, const uint8_t *origin,
                             codec_node **out, beamr_error *err);

#endif
