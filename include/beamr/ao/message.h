/* Messages: sets of keys with values.
 * A message is immutable, counted, and shares with those that it was made from whatever did not
 * change. Its keys are kept in ascending byte order and normalised: a key of exactly 32, 42 or
 * 43 bytes stays as it is (an id), any other is lower-cased as UTF-8 text, where bytes that are
 * not UTF-8 stay. Keys that begin with `priv` after that are private: they are kept apart, and
 * no function here shows them but those that say so. Threads: as values. An ao_builder belongs
 * to one thread. Source: the AO-Core message model; docs/ao.md. */
#ifndef BEAMR_AO_MESSAGE_H
#define BEAMR_AO_MESSAGE_H

#include "beamr/ao/value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What a message may hold, with its private keys and all that is nested in it; what is there
 * twice counts twice, what a link leads to does not count. A change that goes beyond is
 * BEAMR_LIMIT. All zeros stand for the default. */
typedef struct ao_limits {
    size_t
        max_depth;   /* messages and lists within each other, 1 for one; at most AO_DEPTH_MAX */
    size_t max_keys; /* keys and items of lists */
    size_t max_bytes; /* of keys, binaries and other values, 16 for each number */
} ao_limits;

#define AO_DEPTH_MAX 128
#define AO_LIMITS_DEFAULT                                                                      \
    {                                                                                          \
        AO_DEPTH_MAX, 1000000, (size_t)1 << 36                                                 \
    }

/* ---- Counts ---- */

BEAMR_API ao_message *ao_message_ref(const ao_message *message); /* accepts NULL; returns it */
BEAMR_API void ao_message_unref(const ao_message *message);      /* accepts NULL */

/* The message without keys; never NULL. It is static: counts of it need not be given back. */
BEAMR_API ao_message *ao_message_empty(void);

/* ---- Reading ---- */

BEAMR_API size_t ao_message_count(const ao_message *message); /* of public keys */

/* What a message holds in all, as ao_limits counts. */
BEAMR_API ao_limits ao_message_size(const ao_message *message);

/* The value of a public key, borrowed; AO_NONE when there is none. A link is returned as such.
 *   key  need not be normalised */
BEAMR_API ao_value ao_message_find(const ao_message *message, beamr_bytes key);
BEAMR_API ao_value ao_message_find_text(const ao_message *message, const char *key);

/* Likewise, with links loaded: the value that the link leads to, borrowed too.
 * Errors: of loading (BEAMR_NOT_FOUND: the link's id is not stored; BEAMR_IO, BEAMR_MESSAGE,
 * BEAMR_NO_MEMORY). An absent key is BEAMR_OK and AO_NONE. */
BEAMR_API beamr_status ao_message_get(const ao_message *message, beamr_bytes key, ao_value *out,
                                      beamr_error *err);
/* Follow a path of keys (and of indices from 1 in lists) through nested messages, without
 * devices; parts are separated by `/`. Borrowed. Errors: as ao_message_get. */
BEAMR_API beamr_status ao_message_get_path(const ao_message *message, beamr_bytes path,
                                           ao_value *out, beamr_error *err);
/* What a link leads to, loaded if need be and kept in the link; other values are themselves.
 * Borrowed from `value`.  Errors: as ao_message_get. */
BEAMR_API beamr_status ao_value_load(ao_value value, ao_value *out, beamr_error *err);

/* Goes through the public keys in ascending byte order. Begin with {0}. */
typedef struct ao_cursor {
    size_t index; /* of the next key */
    const void *place[2];
} ao_cursor;

/* The next key and its value, both borrowed; false at the end.
 *   key, value  may be NULL */
BEAMR_API bool ao_message_next(const ao_message *message, ao_cursor *cursor,
                               const ao_name **key, ao_value *value);

/* ---- Making ---- */

/* A message that is being made. In the caller's memory; the fields are not for others. The
 * first failure is kept and reported by ao_builder_end, so that calls between need no check. */
typedef struct ao_builder {
    void *contents, *keys, *private_keys, *chain;
    const ao_limits *limits;
    beamr_status status;
    beamr_error *err;
} ao_builder;

/* Begin with the keys of `from`, private ones too, or with none.
 *   from    NULL for none; borrowed
 *   limits  NULL for the default; kept until the end
 *   err     gets the first failure; may be NULL; kept until the end */
BEAMR_API void ao_builder_begin(ao_builder *builder, const ao_message *from,
                                const ao_limits *limits, beamr_error *err);
/* Set a key, also a private one, in place of what it had. The value is taken over in any case.
 * Failures: BEAMR_NO_MEMORY, BEAMR_LIMIT (which one, and at which key), BEAMR_ARGUMENT (an
 * empty key, or one longer than AO_NAME_MAX); for AO_NONE the reason of whoever made it. */
BEAMR_API void ao_builder_put(ao_builder *builder, const char *key, BEAMR_OWN ao_value value);
BEAMR_API void ao_builder_put_key(ao_builder *builder, beamr_bytes key,
                                  BEAMR_OWN ao_value value);
BEAMR_API void ao_builder_put_name(ao_builder *builder, const ao_name *key,
                                   BEAMR_OWN ao_value value);
/* Remove a key, if it is there. */
BEAMR_API void ao_builder_remove(ao_builder *builder, beamr_bytes key);
/* Remove all private keys. */
BEAMR_API void ao_builder_reset(ao_builder *builder);
/* Note a failure of the caller's, so that the end reports it. */
BEAMR_API void ao_builder_fail(ao_builder *builder, beamr_status status, const char *text);
/* The message, or the first failure. Ends the builder in any case.
 *   out  untouched on failure */
BEAMR_API beamr_status ao_builder_end(ao_builder *builder, BEAMR_OWN ao_message **out);
/* The message as a value; AO_NONE after a failure. */
BEAMR_API ao_value ao_builder_value(ao_builder *builder);
/* Give up what was made. */
BEAMR_API void ao_builder_drop(ao_builder *builder);

/* One change; in time that grows with the logarithm of the number of keys.  Errors: as
 * ao_builder_put. */
BEAMR_API beamr_status ao_message_with(const ao_message *message, const char *key,
                                       BEAMR_OWN ao_value value, BEAMR_OWN ao_message **out,
                                       beamr_error *err);
BEAMR_API beamr_status ao_message_without(const ao_message *message, const char *key,
                                          BEAMR_OWN ao_message **out, beamr_error *err);

/* ---- Lists as messages ---- */

/* A list as the message of its items under `1`, `2`, ...  Errors: BEAMR_ARGUMENT (no list),
 * BEAMR_LIMIT, BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_list_to_message(ao_value list, BEAMR_OWN ao_message **out,
                                          beamr_error *err);
/* A message as the list of its values: all public keys are integers, consecutive from the
 * smallest one.  Errors: BEAMR_ARGUMENT (a key that is no integer, or missing: which one),
 * BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_message_to_list(const ao_message *message, ao_value *out,
                                          beamr_error *err);

/* ---- Comparing ---- */

typedef enum ao_match_mode {
    AO_MATCH_STRICT,       /* equal keys, and every value matches */
    AO_MATCH_ONLY_PRESENT, /* keys that only one side has do not count */
    AO_MATCH_PRIMARY,      /* only keys of the first count */
} ao_match_mode;

/* Compare as AO-Core does: without private keys, `unsigned_id`, `content-digest`,
 * `content-type`, `body-keys`, `inline-body-key`, and without what equals the default of a
 * transaction's field. Nested messages strictly. A link that can't be loaded matches only a
 * link to the same id.
 *   path  gets the first key that differs, cut to fit, with a NUL; may be NULL */
#define AO_MATCH_PATH_SIZE 128
BEAMR_API bool ao_message_match(const ao_message *a, const ao_message *b, ao_match_mode mode,
                                char path[AO_MATCH_PATH_SIZE]);
/* Drop, at every level, `unsigned_id`, `content-digest`, private keys and those given.
 *   also  `count` normalised keys
 * Errors: BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_message_minimise(const ao_message *message, const char *const *also,
                                           size_t count, BEAMR_OWN ao_message **out,
                                           beamr_error *err);

/* ---- Private state ---- */

/* A value of the private message `priv`, borrowed; AO_NONE when there is none.
 *   path  keys separated by `/`, below `priv`: `wasm/instance`; a leading `priv` or `private`
 * is skipped */
BEAMR_API ao_value ao_private_find(const ao_message *message, const char *path);
/* Set such a value, making what is missing on the way.  Errors: BEAMR_ARGUMENT (below a
 * literal), those of ao_builder_put. */
BEAMR_API beamr_status ao_private_with(const ao_message *message, const char *path,
                                       BEAMR_OWN ao_value value, BEAMR_OWN ao_message **out,
                                       beamr_error *err);
/* The message without any private key of its top level, and without its hashpath.
 * Errors: BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_message_reset(const ao_message *message, BEAMR_OWN ao_message **out,
                                        beamr_error *err);
/* `message` with the private keys of `from`, deeply merged; the values of `from` win, and so
 * does its hashpath.  Errors: BEAMR_LIMIT, BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_private_merge(const ao_message *message, const ao_message *from,
                                        BEAMR_OWN ao_message **out, beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
