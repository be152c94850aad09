/* Contexts, and resolving paths in them.
 * A context holds devices, codecs, a store, a wallet and options. A resolution takes a list of
 * messages, the first of which is the base, and folds it: each further one is a request that is
 * resolved on the result so far. A request of a client, one message with a `path`, is made
 * into such a list by ao_request_parse.
 * Threads: a context can be used by any number of threads once its devices are added.
 * Source: the AO-Core resolution protocol; docs/ao.md. */
#ifndef BEAMR_AO_CONTEXT_H
#define BEAMR_AO_CONTEXT_H

#include "beamr/ao/device.h"
#include "beamr/ao/wallet.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Options of a resolution ---- */

typedef enum ao_hashpath_mode {
    AO_HASHPATH_UPDATE, /* a result knows how it came about */
    AO_HASHPATH_RESET,
    AO_HASHPATH_IGNORE, /* results are left alone, and not stored */
} ao_hashpath_mode;

/* Directives of cache control, as bits. */
enum {
    AO_CACHE_ALWAYS = 1,
    AO_CACHE_STORE = 2,
    AO_CACHE_NO_STORE = 4,
    AO_CACHE_LOOKUP = 8,     /* `cache` */
    AO_CACHE_NO_LOOKUP = 16, /* `no-cache` */
    AO_CACHE_ONLY = 32,      /* `only-if-cached` */
};

typedef enum ao_await {
    AO_AWAIT_NAMED, /* computations that their device names */
    AO_AWAIT_NEVER,
    AO_AWAIT_ALL, /* all, named by the ids of base and request otherwise */
} ao_await;

struct ao_options {
    ao_hashpath_mode hashpath;
    unsigned cache_control; /* 0: no preference */
    ao_await await_inprogress;
    bool force_message;       /* every result is a message */
    bool raises_as_error;     /* a failure that is raised becomes the outcome FAILURE */
    bool allow_infinite;      /* a computation may wait for itself, for ever */
    bool lookup_heuristics;   /* no lookup for what the base holds anyway */
    unsigned max_depth;       /* resolutions within each other; 0 for AO_RESOLVE_DEPTH */
    const ao_message *values; /* options by name, for devices; borrowed; NULL for none */
};

#define AO_OPTIONS_DEFAULT                                                                     \
    {                                                                                          \
        AO_HASHPATH_UPDATE, 0, AO_AWAIT_NAMED, false, false, false, false, 0, NULL             \
    }
#define AO_RESOLVE_DEPTH 256
/* Requests in one resolution, with all that devices resolve for it; the option (of `values` of
 * ao_settings) resolve_max_steps says another number, 0 for no limit. Beyond it BEAMR_LIMIT is
 * raised, and nothing that devices resolve on the way takes it for an answer. What a guest
 * imports is a resolution of its own. */
#define AO_RESOLVE_STEPS 10000000

/* ---- Contexts ---- */

typedef struct ao_settings {
    /* Where messages are stored: "memory", "lmdb:FOLDER" or "files:FOLDER"; NULL for nowhere.
     */
    const char *kv;
    const ao_wallet
        *wallet; /* that signs; borrowed as long as the context lives; NULL for none */
    const ao_message
        *values;      /* options by name, for devices; a count is taken; NULL for none */
    ao_limits limits; /* of messages that are decoded; zeros for the default */
    /* Runs what goes on after a call that answered later; NULL: on the thread that finished it,
     * and after a deadline on one for this alone. If it runs at once what it is given, what goes
     * on after a compilation or a deadline has a thread for this alone too. */
    void (*execute)(void *user, void (*run)(void *arg), void *arg);
    /* Told what the operator of this host may want to know and no message says: one line of
     * text, borrowed, as "module ID: interpreted, as it could not be compiled: ...". Called on
     * any thread, also on several at once, until ao_context_free returns; it must not resolve
     * anything. NULL: nobody is told. */
    void (*report)(void *user, const char *text);
    void *user; /* of both */
} ao_settings;

/* A context with the devices and codecs of this library.
 *   settings  NULL for none: no store, no wallet
 * Errors: BEAMR_ARGUMENT (an unknown kind of store), BEAMR_IO and others of opening it,
 * BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_context_new(const ao_settings *settings, BEAMR_OWN ao_context **out,
                                      beamr_error *err);
/* Nothing is being resolved in it: the last `done` has been called. A device that was told that
 * nobody waits (ao_call_later) may still have to finish its call, and uses the context no more.
 * What messages of its store have as links can be read no more, unless it has been read before.
 * Accepts NULL. */
BEAMR_API void ao_context_free(ao_context *context);

/* ---- Parsing requests ---- */

/* Make the list of messages of a request, whose `path` may have a query.
 *   out  a list: messages, ids as binaries, AO_AS and AO_RESOLVE
 * Errors: BEAMR_MESSAGE (malformed; offset: where in the path), BEAMR_LIMIT (too long, too many
 * parts, too deep), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_request_parse(ao_context *context, const ao_message *request,
                                        ao_value *out, beamr_error *err);

/* ---- Resolving ---- */

/* Resolve a list of messages and wait for the end. A device's function does not call this, but
 * ao_call_resolve: a thread that waits within a resolution cannot see that two wait for each
 * other.
 *   list     AO_LIST as ao_request_parse makes it, or {base, request...}, each request a
 *            message whose `path` is one key; borrowed
 *   options  NULL for the default
 *   out      the outcome and its value, a count of which is the caller's; untouched on failure
 * Errors: what a device raised: any status; BEAMR_NOT_FOUND (an unknown device, or an id of
 * which no message is stored), BEAMR_LIMIT (too deep), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_resolve(ao_context *context, ao_value list, const ao_options *options,
                                  ao_result *out, beamr_error *err);
/* Resolve a request on a base.
 *   base     a message, an id as binary, or a form that ao_request_parse makes; borrowed
 *   request  a binary (a path, split at `/`), a message, whose `path` is split likewise, or a
 *            form; borrowed
 * Otherwise as ao_resolve. */
BEAMR_API beamr_status ao_resolve_on(ao_context *context, ao_value base, ao_value request,
                                     const ao_options *options, ao_result *out,
                                     beamr_error *err);
/* Resolve a path on a message and give the value, or AO_NONE for the outcomes ERROR and
 * NOT_FOUND.  Errors: as ao_resolve; BEAMR_EXCEPTION (another outcome: which). */
BEAMR_API beamr_status ao_get(ao_context *context, const ao_message *base, const char *path,
                              ao_value *out, beamr_error *err);

/* The value of the first of several paths that leads to one, each on its own message; AO_NONE
 * when none does.  Errors: those of ao_get. */
typedef struct ao_place {
    const ao_message *base;
    const char *path;
} ao_place;
BEAMR_API beamr_status ao_get_first(ao_context *context, const ao_place *places, size_t count,
                                    ao_value *out, beamr_error *err);
/* The keys that a message's device says it has: a list of binaries, normalised.
 * Errors: those of ao_get; BEAMR_ARGUMENT (the device gives no list of keys). */
BEAMR_API beamr_status ao_keys(ao_context *context, const ao_message *base, ao_value *out,
                               beamr_error *err);

/* A resolution that may go on after the call that began it. */
typedef struct ao_task ao_task;

/* The end of a task; called once, on any thread, perhaps before ao_task_start returns. It may
 * resolve and wait for that; in an executor, if that has another thread for what goes on.
 *   result  NULL when `err` says what was raised; borrowed */
typedef void (*ao_done)(void *user, const ao_result *result, const beamr_error *err);

/* Begin to resolve, on this thread until the task ends or waits; what comes after that runs as
 * ao_call_finish says.  Errors: BEAMR_ARGUMENT (no list, or an empty one),
 * BEAMR_NO_MEMORY; `done` is then not called.
 *   list  as for ao_resolve; borrowed
 *   out   to be given to ao_task_unref; set before anything is resolved; NULL when it is of no
 *         interest */
BEAMR_API beamr_status ao_task_start(ao_context *context, ao_value list,
                                     const ao_options *options, ao_done done, void *user,
                                     BEAMR_OWN ao_task **out, beamr_error *err);
/* Nobody needs the result any more: calls that answer later are told, and the task ends with
 * the outcome FAILURE as soon as they are finished. Work that runs is ended, as far as its device
 * arranged for that (ao_stop_begin): a guest's code ends at once. */
BEAMR_API void ao_task_cancel(ao_task *task);
BEAMR_API void ao_task_unref(ao_task *task); /* accepts NULL */

/* ---- Ids, commitments, hashpaths ---- */

#define AO_ID_SIZE 32
#define AO_ID_TEXT 43 /* bytes; base64url without padding */

/* The id that everybody means by a message's id: of its commitments with a committer, or its
 * unsigned id when it has none. Nothing is verified.
 *   out  gets AO_ID_TEXT bytes and a NUL
 * Errors, of both: BEAMR_ENCODING (a message that httpsig@1.0 cannot carry), those of loading
 * links, BEAMR_LIMIT, BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_message_id(ao_context *context, const ao_message *message,
                                     char out[AO_ID_TEXT + 1], beamr_error *err);
BEAMR_API beamr_status ao_message_unsigned_id(ao_context *context, const ao_message *message,
                                              char out[AO_ID_TEXT + 1], beamr_error *err);
/* Sign with the context's wallet, or another.
 *   device  codec that commits; NULL for "httpsig@1.0"
 *   wallet  NULL for the context's
 * Errors: BEAMR_ARGUMENT (no wallet, an unknown codec), BEAMR_ENCODING. */
BEAMR_API beamr_status ao_message_commit(ao_context *context, const ao_message *message,
                                         const char *device, const ao_wallet *wallet,
                                         BEAMR_OWN ao_message **out, beamr_error *err);
/* Check every commitment that has a committer, and that there is one.
 *   is_valid  false also when there is none; `err` is then untouched
 * Errors: what keeps a check from being made: those of loading links, BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_message_verify(ao_context *context, const ao_message *message,
                                         bool *is_valid, beamr_error *err);
/* How a message came about: a binary, `ID/ID`, or the id of one that no resolution made.
 * Errors: as ao_message_id. */
BEAMR_API beamr_status ao_message_hashpath(ao_context *context, const ao_message *message,
                                           ao_value *out, beamr_error *err);

/* ---- Encoding ---- */

/* Encode and decode by the name of a codec: "json@1.0", "flat@1.0", "ans104@1.0",
 * "httpsig@1.0", "structured@1.0". An encoded message is a binary; for httpsig a message of
 * header fields and `body`; for structured the annotated message of binaries. Errors:
 * BEAMR_ARGUMENT (no such codec), BEAMR_ENCODING (a message that the codec cannot carry: which
 * key and why), BEAMR_MESSAGE (decoding; offset: where), BEAMR_LIMIT, BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_encode(ao_context *context, const char *codec,
                                 const ao_message *message, ao_value *out, beamr_error *err);
BEAMR_API beamr_status ao_decode(ao_context *context, const char *codec, ao_value encoded,
                                 BEAMR_OWN ao_message **out, beamr_error *err);

/* ---- The store ---- */

/* Store a message with all that it links to, and return its unsigned id. What was acknowledged
 * survives a crash. Errors: BEAMR_ARGUMENT (no store), BEAMR_IO, BEAMR_LIMIT, BEAMR_NO_MEMORY.
 */
BEAMR_API beamr_status ao_store_message(ao_context *context, const ao_message *message,
                                        char id[AO_ID_TEXT + 1], beamr_error *err);
/* The message of an id (unsigned, or of a commitment); nested messages and large binaries are
 * links.
 *   id  AO_ID_SIZE bytes, or AO_ID_TEXT of text
 * Errors: BEAMR_ARGUMENT (no store), BEAMR_NOT_FOUND, BEAMR_IO, BEAMR_MESSAGE (damaged),
 * BEAMR_NO_MEMORY. */
BEAMR_API beamr_status ao_load_message(ao_context *context, beamr_bytes id,
                                       BEAMR_OWN ao_message **out, beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
