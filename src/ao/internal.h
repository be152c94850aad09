/* What the files of src/ao/ share: counted objects, names, sizes.
 * What higher layers may use too is in ao/key.h, ao/value.h and ao/message.h. */
#ifndef AO_INTERNAL_H
#define AO_INTERNAL_H

#include <endian.h>
#include <stdatomic.h>

#include "ao/context.h"
#include "ao/key.h"
#include "ao/link.h"
#include "ao/message.h"
#include "ao/value.h"

/* ---- Counted objects: object.c ---- */

/* What every counted object begins with, so that one function counts them all. */
typedef struct ao_object ao_object;
struct ao_object {
    union {
        atomic_size_t count;
        ao_object *next; /* of those that wait to be destroyed */
    } is;
    void (*destroy)(ao_object *object); /* gives back what it holds, and itself */
};

/* One count; the caller's. */
void object_init(ao_object *object, void (*destroy)(ao_object *object));
/* Give a count back. The stack needed is bounded, however deep objects hold each other. */
void object_unref(ao_object *object);

static inline void object_ref(ao_object *object)
{
    atomic_fetch_add_explicit(&object->is.count, 1, memory_order_relaxed);
}

/* Nobody else holds the object, or can get hold of it. */
static inline bool object_is_single(ao_object *object)
{
    return atomic_load_explicit(&object->is.count, memory_order_acquire) == 1;
}

/* ---- Names: name.c ---- */

/* The first eight bytes of a text as a number, zeros behind a shorter one: of two texts with
 * different prefixes the smaller prefix comes first. */
static inline uint64_t text_prefix(beamr_bytes text)
{
    uint64_t prefix = 0;
    uint32_t first, last;

    if (text.len >= sizeof prefix) {
        memcpy(&prefix, text.data, sizeof prefix);
        return be64toh(prefix);
    }
    if (text.len >= sizeof first) { /* the two overlap, and agree where they do */
        memcpy(&first, text.data, sizeof first);
        memcpy(&last, text.data + text.len - sizeof last, sizeof last);
        return (uint64_t)be32toh(first) << 32 | (uint64_t)be32toh(last) << (64 - 8 * text.len);
    }
    for (size_t i = 0; i < text.len; i++)
        prefix |= (uint64_t)text.data[i] << (56 - 8 * i);
    return prefix;
}

/* A counted name of a text, as it is.  NULL: memory is gone, or it is too long. */
const ao_name *name_of(beamr_bytes text);
const ao_name *name_ref(const ao_name *name);
void name_unref(const ao_name *name);
/* How many names there are, but static ones; for tests. */
size_t name_count(void);

/* ---- Values: value.c ---- */

/* Why a constructor gave no value; AO_NO_VALUE says that memory is gone. */
enum value_reason { REASON_MEMORY, REASON_TOO_DEEP, REASON_TOO_LONG, REASON_NOT_FINITE };
#define VALUE_NONE(reason) ((ao_value){.kind = AO_NONE, .of.integer = (reason)})

/* How large something is, as ao_limits counts. Sums stay below SIZE_MAX / 2: what would be
 * larger is refused. */
typedef struct value_size {
    size_t keys, bytes;
    unsigned depth; /* 0 for what has no parts */
} value_size;

#define VALUE_SIZE_MAX (SIZE_MAX / 2)
value_size value_size_of(ao_value value);
/* Add, to at most VALUE_SIZE_MAX; of depths the larger one stays. */
static inline void value_size_add(value_size *sum, value_size more)
{
    if (__builtin_add_overflow(sum->keys, more.keys, &sum->keys) || sum->keys > VALUE_SIZE_MAX)
        sum->keys = VALUE_SIZE_MAX;
    if (__builtin_add_overflow(sum->bytes, more.bytes, &sum->bytes) ||
        sum->bytes > VALUE_SIZE_MAX)
        sum->bytes = VALUE_SIZE_MAX;
    if (more.depth > sum->depth)
        sum->depth = more.depth;
}

/* ---- Numbers: number.c ---- */

/* The canonical text of an integer beyond 64 bits. */
beamr_bytes digits_text(const ao_digits *digits);
/* Numbers, integers or floats, with equal values. */
bool number_equal(ao_value a, ao_value b);

/* ---- Messages: message.c ---- */

/* The value of a key, public or private; borrowed. */
ao_value message_find_any(const ao_message *message, beamr_bytes key);
/* Two messages share their public keys. */
bool message_is_same(const ao_message *a, const ao_message *b);

#endif
