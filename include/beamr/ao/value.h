/* Values of messages: bytes, numbers, atoms, lists, messages and links.
 * A value is a small struct that is passed by value; what does not fit stands in a counted,
 * immutable object behind it. Whoever holds a value holds one count of its object: a function
 * that returns or fills in a value passes one to its caller unless it says "borrowed", a
 * parameter borrows unless it is marked BEAMR_OWN.
 * A function that makes a value gives AO_NONE when memory is gone, or when there can be no such
 * value: an atom too long, lists too deep within each other, a float that is not finite.
 * Functions that take over a value pass such a one on, and a builder of messages reports the
 * reason, so that only the last call of a chain needs a check. Threads: values can be shared
 * and released by any thread; counts are atomic. Source: the AO-Core message model; docs/ao.md.
 */
#ifndef BEAMR_AO_VALUE_H
#define BEAMR_AO_VALUE_H

#include "beamr/error.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ao_kind {
    AO_NONE,    /* no value: absent, or memory is gone */
    AO_BINARY,  /* any bytes; what arrives without a type */
    AO_INTEGER, /* of any size up to AO_INTEGER_DIGITS_MAX digits */
    AO_FLOAT,   /* a finite double */
    AO_ATOM,    /* a symbol; booleans are `true` and `false` */
    AO_LIST,
    AO_MESSAGE,
    AO_LINK, /* a stored value that is loaded when it is first read; ao_message_get does it */
    /* The following are never encoded. */
    AO_AS,      /* a message to be used with another device */
    AO_RESOLVE, /* a list of messages that is still to be resolved */
    AO_NATIVE,  /* a pointer with its destructor; in private state only */
} ao_kind;

#define AO_INTEGER_DIGITS_MAX 4096

/* An interned text: a key or an atom. Equal texts have equal addresses for as long as somebody
 * holds a count. */
typedef struct ao_name ao_name;

typedef struct ao_binary ao_binary;
typedef struct ao_digits ao_digits;
typedef struct ao_list ao_list;
typedef struct ao_message ao_message;
typedef struct ao_link ao_link;
typedef struct ao_form ao_form;
typedef struct ao_native ao_native;

typedef struct ao_value {
    ao_kind kind;
    bool is_big; /* INTEGER: beyond 64 bits, in `digits` */
    union {
        int64_t integer;
        double number;
        const ao_name *atom;
        ao_binary *binary;
        ao_digits *digits;
        ao_list *list;
        ao_message *message;
        ao_link *link;
        ao_form *form;
        ao_native *native;
    } of;
} ao_value;

#define AO_NO_VALUE ((ao_value){AO_NONE, false, {0}})

/* Another count for the object behind a value; returns the value. */
BEAMR_API ao_value ao_value_ref(ao_value value);
/* Give a count back. Any kind is accepted. */
BEAMR_API void ao_value_unref(ao_value value);

/* Equal kinds and contents, nested ones too; a link equals only a link to the same id, a native
 * only itself. For the comparison that devices use, see ao_value_match. */
BEAMR_API bool ao_value_equal(ao_value a, ao_value b);
/* Equal as message matching has it: numbers by value (1 matches 1.0, never the text `1`), lists
 * as numbered messages, messages as ao_message_match has it in the mode AO_MATCH_STRICT. */
BEAMR_API bool ao_value_match(ao_value a, ao_value b);

/* ---- Binaries ---- */

BEAMR_API ao_value ao_binary_copy(beamr_bytes bytes);
BEAMR_API ao_value ao_binary_text(const char *text); /* without its NUL */
/* Take over `len` bytes without copying: release(data, user) is called when nobody needs them
 * any more, at once when memory is gone. release  NULL for bytes that live for ever */
BEAMR_API ao_value ao_binary_adopt(const void *data, size_t len,
                                   void (*release)(void *data, void *user), void *user);
/* A part of a binary. A large one shares the bytes of `whole`, which then live as long; a small
 * one is copied, so that it holds nothing large. The range must lie within. */
BEAMR_API ao_value ao_binary_slice(ao_value whole, size_t offset, size_t len);
/* The bytes of a binary, borrowed; none for another kind. Not followed by a NUL. */
BEAMR_API beamr_bytes ao_bytes(ao_value value);

/* ---- Numbers, atoms ---- */

BEAMR_API ao_value ao_integer(int64_t n);
/* Read `-` and decimal digits.  Errors: BEAMR_ARGUMENT (offset: where), BEAMR_LIMIT (more than
 * AO_INTEGER_DIGITS_MAX digits), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_integer_read(beamr_bytes text, ao_value *out, beamr_error *err);
/* The decimal text of an integer: borrowed from the value if it is big, else written into
 * `buffer`. */
#define AO_INTEGER_TEXT_SIZE 24
BEAMR_API beamr_bytes ao_integer_text(ao_value value, char buffer[AO_INTEGER_TEXT_SIZE]);
BEAMR_API ao_value ao_float(double number); /* AO_NONE when it is not finite */
/* An atom of any text of at most AO_NAME_MAX bytes, case kept; AO_NONE when it is longer. */
BEAMR_API ao_value ao_atom(const char *text);
BEAMR_API ao_value ao_atom_of(beamr_bytes text);
BEAMR_API ao_value ao_boolean(bool is_true);
BEAMR_API bool ao_is_atom(ao_value value, const char *text);
/* The text of an atom or a binary, borrowed; none for another kind. */
BEAMR_API beamr_bytes ao_text(ao_value value);

/* Read a whole number out of a value that holds one: an integer of 64 bits, or a binary of
 * decimal digits with an optional `-`.  Returns false, and leaves `out`, for any other. */
BEAMR_API bool ao_to_integer(ao_value value, int64_t *out);
/* The atom `true`, or the binaries `true` and `1`. */
BEAMR_API bool ao_to_boolean(ao_value value);

/* ---- Lists ---- */

/* A list of `count` values, whose counts it takes over in any case. AO_NONE when one of them
 * is, or when lists and messages would be more than AO_DEPTH_MAX levels within each other. */
BEAMR_API ao_value ao_list_new(BEAMR_OWN const ao_value *items, size_t count);
BEAMR_API size_t ao_list_count(ao_value list); /* 0 for another kind */
BEAMR_API ao_value ao_list_at(ao_value list,
                              size_t index); /* borrowed; from 0; AO_NONE beyond */

/* ---- Messages and links as values ---- */

/* Take over a count of a message; NULL gives AO_NONE. */
BEAMR_API ao_value ao_message_value(BEAMR_OWN ao_message *message);
/* The message of a value, borrowed; NULL for another kind. */
BEAMR_API ao_message *ao_to_message(ao_value value);

/* ---- Forms that are never encoded ---- */

/* `inner` with `device`, both taken over.
 *   device  a binary, or AO_RESOLVE
 *   inner   a message, or an id as binary */
BEAMR_API ao_value ao_as(BEAMR_OWN ao_value device, BEAMR_OWN ao_value inner);
BEAMR_API ao_value ao_as_device(ao_value as); /* borrowed */
BEAMR_API ao_value ao_as_inner(ao_value as);  /* borrowed */
/* A list that is still to be resolved, taken over. */
BEAMR_API ao_value ao_resolve_form(BEAMR_OWN ao_value list);
BEAMR_API ao_value ao_resolve_list(ao_value form); /* borrowed */

/* A pointer that release() gets when nobody needs it any more. */
BEAMR_API ao_value ao_native_new(void *pointer, void (*release)(void *pointer));
BEAMR_API void *ao_to_native(ao_value value); /* NULL for another kind */

/* ---- Names ---- */

#define AO_NAME_MAX 65535

BEAMR_API beamr_bytes ao_name_text(const ao_name *name); /* borrowed; a NUL stands behind it */

#ifdef __cplusplus
}
#endif
#endif
