/* What the files of ans104@1.0 share.
 *
 * An item is, in this order:
 *
 *   2     signature type, little endian: 1, RSA of 4096 bits
 *   512   signature       zeros: not signed
 *   512   owner           the modulus of the signer's key; zeros: none
 *   1     has a target    0 or 1; then 32 bytes
 *   1     has an anchor   0 or 1; then 32 bytes
 *   8     tags            how many, little endian
 *   8     bytes of tags   little endian
 *         tags            Avro; nothing when there are none
 *         data            the rest
 *
 *   ans104_tags.c        tags as Avro
 *   ans104_item.c        the other fields, ids and hashes
 *   ans104_manifest.c    the list of a bundle's members, JSON by json_text.h
 *   ans104_decode.c      items to annotated messages, bundles to nested ones
 *   ans104_encode.c      and back
 *   ans104_commitment.c  commitments in annotated messages
 *   ans104_tagged.c      what tags mean as keys, and tags that are kept as they were
 *   ans104.c             the codec: messages, signing, verifying
 *
 * Source: ANS-104; AO-Core codecs, "ans104@1.0". */
#ifndef CODEC_ANS104_H
#define CODEC_ANS104_H

#include "base/text.h"
#include "codec/annotated.h"

#define ANS104_DEVICE "ans104@1.0"

enum {
    ANS104_KEY_SIZE = 512, /* of signature and owner */
    ANS104_ID_SIZE = 32,   /* of target and anchor too */
    ANS104_DIGEST_SIZE = 48,
    ANS104_TAG_BYTES = 3072,     /* the longest name or value that is written */
    ANS104_VALUE_BYTES = 128,    /* longer values are members of a bundle */
    ANS104_SIGNED_TAGS = 128,    /* what may be signed: so many tags, */
    ANS104_SIGNED_NAME = 1024,   /* names so long, */
    ANS104_SIGNED_VALUE = 3072,  /* and values so long */
    ANS104_SHARED_MAX = 16,      /* what members that are named twice may come to */
    ANS104_ENTRY_SIZE = 32 + 32, /* in a bundle's table: size and id */
    ANS104_HEADER_SIZE = 2 + 2 * ANS104_KEY_SIZE + 2 + 16, /* without target, anchor, tags */
};

typedef struct ans104_tag {
    beamr_bytes name, value;
} ans104_tag;

typedef struct ans104_tags {
    ans104_tag *items;
    size_t count;
} ans104_tags;

typedef struct ans104_item {
    beamr_bytes signature, owner; /* 512 bytes, or none for zeros */
    beamr_bytes target, anchor;   /* 32 bytes, or none */
    ans104_tags tags;
    beamr_bytes avro; /* the tags as bytes */
    beamr_bytes data;
} ans104_item;

/* ---- Bytes ---- */

bool ans104_is_zero(beamr_bytes bytes); /* all of them; true for none */

/* ---- Reading ---- */

/* One decoding. Offsets of errors are distances from `origin`. */
typedef struct ans104_reader {
    arena *a;
    const uint8_t *origin;
    ao_value owner;          /* the binary that is read, for parts that share its bytes */
    const ao_limits *limits; /* without zeros */
    size_t keys_left;        /* tags and members that may still be read */
    size_t bytes_left;       /* bytes that may still be read; a shared member counts again */
    beamr_error *err;
} ans104_reader;

/* A failure at a place of the input. */
#define ANS104_FAIL(r, place, ...)                                                             \
    beamr_fail((r)->err, BEAMR_MESSAGE, (uint64_t)((place) - (r)->origin), __VA_ARGS__)

beamr_status ans104_item_read(ans104_reader *r, beamr_bytes bytes, ans104_item *out);
/* Exactly `count` tags, in one block, with lengths as short as they can be: only then are the
 * same bytes written again, and a signature is over these bytes. */
beamr_status ans104_tags_read(ans104_reader *r, beamr_bytes avro, uint64_t count,
                              ans104_tags *out);

/* A member that a manifest names. */
typedef struct ans104_name {
    beamr_bytes key; /* normalised */
    uint8_t id[ANS104_ID_SIZE];
    const uint8_t *place; /* where the manifest is */
} ans104_name;

/* The names of a manifest, in the order written. */
beamr_status ans104_manifest_read(ans104_reader *r, beamr_bytes json, ans104_name **out,
                                  size_t *count);

/* A key as messages have it.  false: the arena is full. */
bool ans104_key(arena *a, beamr_bytes name, beamr_bytes *out);

/* The annotated message of an item; `bytes` are those of r->owner or a part of them. */
beamr_status ans104_decode_node(ans104_reader *r, beamr_bytes bytes, codec_node **out);

/* ---- Writing ---- */

/* An item that is to be written: its size is known, its data may be that of a bundle. */
typedef struct ans104_plan ans104_plan;
typedef struct ans104_member {
    beamr_bytes key;
    ans104_plan *plan;
} ans104_member;

struct ans104_plan {
    ans104_item item; /* without avro; the data of a bundle comes when it is written */
    ans104_member *members;
    size_t member_count;
    bool is_bundle;
    uint8_t *map_id;                /* BUNDLE: where the id of the manifest goes, as text */
    uint8_t (*ids)[ANS104_ID_SIZE]; /* of the members, once they are written */
    size_t avro_size, data_size, manifest_size, size;
};

size_t ans104_tags_size(const ans104_tags *tags);
void ans104_tags_write(const ans104_tags *tags, uint8_t *out); /* ans104_tags_size bytes */

size_t ans104_header_size(const ans104_item *item, size_t avro_size);
/* Write all up to the data, and make item->avro lie there. */
void ans104_header_write(ans104_item *item, size_t avro_size, uint8_t *out);

size_t ans104_manifest_size(const ans104_member *members, size_t count);
void ans104_manifest_write(const ans104_member *members, size_t count,
                           const uint8_t (*ids)[ANS104_ID_SIZE], uint8_t *out);

/* What is signed: the deep hash, of the item as it is, or without its owner. */
beamr_status ans104_digest(const ans104_item *item, bool with_owner,
                           uint8_t out[ANS104_DIGEST_SIZE], beamr_error *err);
/* The unsigned id. */
beamr_status ans104_unsigned_id(const ans104_item *item, uint8_t out[ANS104_ID_SIZE],
                                beamr_error *err);

typedef struct ans104_commitment ans104_commitment;

/* Plan the item of an annotated message.
 *   commitment  instead of the message's own, if it is not NULL
 *   is_nested   it becomes a member of a bundle
 * Errors: BEAMR_ENCODING (which key and why), BEAMR_LIMIT (the arena is full). */
beamr_status ans104_plan_node(arena *a, const codec_node *node,
                              const ans104_commitment *commitment, bool is_nested,
                              ans104_plan **out, beamr_error *err);
/* Write it, plan->size bytes; afterwards plan->item lies in them. */
beamr_status ans104_plan_write(ans104_plan *plan, uint8_t *out, beamr_error *err);

/* ---- Commitments ---- */

struct ans104_commitment {
    bool is_signed;
    beamr_bytes owner, signature; /* of a signed item */
    beamr_bytes hashpath;         /* empty: none */
    bool has_tags;
    ans104_tags tags; /* as they are to be written */
};

/* Read a commitment, and check that its id and committer are those that its parts give. */
beamr_status ans104_commitment_read(arena *a, beamr_bytes id, const codec_node *node,
                                    ans104_commitment *out, beamr_error *err);
/* The one commitment of an annotated message; `out` is left alone when it has none. */
beamr_status ans104_commitment_of(arena *a, const codec_node *node, ans104_commitment *out,
                                  beamr_error *err);
/* Add `commitments` to an annotated message. */
beamr_status ans104_commitment_add(arena *a, codec_node *node, const ans104_commitment *c,
                                   beamr_error *err);

/* ---- Tags as keys ---- */

/* Keys that tags don't become: those of other fields of the item, of commitments, and private
 * ones. */
bool ans104_is_reserved(beamr_bytes key, bool is_signed);
/* The tags describe a bundle with a manifest.
 *   map_id  gets the manifest's id; may be NULL */
bool ans104_is_map(const ans104_tags *tags, beamr_bytes *map_id);
bool ans104_is_map_tag(beamr_bytes name); /* one of the three that describe it; any case */
bool ans104_is_map_id(beamr_bytes name);  /* the one with the manifest's id */
/* Add tags to a node as keys, those of equal keys as one list; sorted.
 *   hashpath  gets the value of the tag `hashpath` of a signed item */
beamr_status ans104_collapse(arena *a, const ans104_tags *tags, bool is_signed, ao_value owner,
                             codec_node *node, beamr_bytes *hashpath, beamr_error *err);
/* Tags mean what an annotated message says.
 *   covered  the keys that the tags become; all other keys are members of a bundle, or fields
 *   agrees   false also when the tags mean nothing */
beamr_status ans104_tags_agree(arena *a, const codec_node *node, const codec_node *covered,
                               bool is_bundle, bool *agrees, beamr_error *err);
/* An item's tags are those that its annotated message gives anew.
 *   may_be_bare  or those that it gives after ans104_bare */
beamr_status ans104_is_canonical(arena *a, const codec_node *node, const ans104_item *item,
                                 beamr_bytes hashpath, bool may_be_bare, bool *is_canonical,
                                 beamr_error *err);
/* Write the empty binaries of the top level as empty bytes, without a type.
 *   changed  there were any */
beamr_status ans104_bare(arena *a, codec_node *node, const ao_message *message, bool *changed,
                         beamr_error *err);

#endif
