/* Calls that can wait: for an import that the embedder answers later, or because they were
 * asked to pause. A waiting call holds no thread, and goes on in any.
 *
 *     st = beamr_entry_begin(func, args, 1, results, 1, &entry, &err);
 *     while (st == BEAMR_SUSPENDED) {
 *         beamr_answer *given = NULL;
 *
 *         if (beamr_entry_request(store, entry, &request, values, 4, &err) == BEAMR_OK)
 *             given = ... find it; the thread may do other things meanwhile ...
 *         st = beamr_entry_resume(store, entry, given, results, 1, &err);
 *     }
 *
 * Entries of a store are last in, first out. While one waits, other functions of the store can
 * be called, and wait in turn; it can go on once these have ended. A host function that begins
 * an entry sees it wait, and must resume or cancel it before it returns.
 * Threads: as for any call, one at a time uses the store. */
#ifndef BEAMR_ENTRY_H
#define BEAMR_ENTRY_H

#include "beamr/instance.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A call that has begun and not ended: a number of its store's, never given twice, never 0. */
typedef uint64_t beamr_entry;

/* Call a function, as beamr_func_call, but so that it can wait.
 *   results  written when the call ends in BEAMR_OK
 *   entry    written when it returns BEAMR_SUSPENDED; NULL: the call cannot wait
 * Errors: as beamr_func_call; and BEAMR_SUSPENDED, without a text: the call has not ended. */
BEAMR_API beamr_status beamr_entry_begin(beamr_func *func, const beamr_value *args,
                                         size_t arg_count, beamr_value *results,
                                         size_t result_count, beamr_entry *entry,
                                         beamr_error *err);

/* Instantiate a module, as beamr_instance_new and beamr_linker_instantiate, but so that its start
 * function can wait. When they return BEAMR_SUSPENDED, `out` is written too; the instance may be
 * used once that entry has ended in BEAMR_OK. The entry has no results.
 *   entry  as beamr_entry_begin; NULL: it cannot wait */
BEAMR_API beamr_status beamr_instance_begin(beamr_store *store, beamr_module *module,
                                            const beamr_extern *imports, size_t import_count,
                                            beamr_instance **out, beamr_entry *entry,
                                            beamr_error *err);
BEAMR_API beamr_status beamr_linker_begin(beamr_linker *linker, beamr_module *module,
                                          beamr_instance **out, beamr_entry *entry,
                                          beamr_error *err);

/* What a waiting call asks for. All of it is borrowed until the call goes on. */
typedef struct beamr_request {
    beamr_bytes module; /* names as the function was made with; may be empty */
    beamr_bytes name;
    beamr_functype type;    /* of the arguments, and of the results that it waits for */
    beamr_instance *caller; /* whose code called; NULL when C did */
    void *user;             /* as given when the function was made */
} beamr_request;

/* Look at what a waiting call asks for.
 *   args  the first `room` of the arguments are written here; may be NULL if room is 0
 * Errors: BEAMR_NOT_FOUND, without a text (it was paused: it asks for nothing), BEAMR_ARGUMENT (no such entry,
 * or it does not wait), BEAMR_BUSY (another thread is using the store). */
BEAMR_API beamr_status beamr_entry_request(beamr_store *store, beamr_entry entry,
                                           beamr_request *out, beamr_value *args, size_t room,
                                           beamr_error *err);

/* How a request ended: in results; or, unless it is NULL, in `error`: the guest then traps as
 * if a host function had failed with it; or in `exception`, which is thrown in the guest. */
typedef struct beamr_answer {
    const beamr_value *results;
    size_t result_count;
    const beamr_error *error;
    beamr_exception *exception; /* of the store; retained or taken by the caller */
} beamr_answer;

/* Go on with a waiting call.
 *   answer   NULL for a call that was paused, and as an answer without results
 *   results  of the call, as beamr_entry_begin
 * Errors: BEAMR_SUSPENDED (it waits again, as the same entry). BEAMR_ARGUMENT (no such entry,
 * one that does not wait, values of another type or number, an error that holds no failure, an
 * answer to a paused call) and BEAMR_BUSY (entries that were begun after it have not ended, or
 * another thread is using the store): it still waits. All others: as beamr_func_call; the call
 * has ended. */
BEAMR_API beamr_status beamr_entry_resume(beamr_store *store, beamr_entry entry,
                                          const beamr_answer *answer, beamr_value *results,
                                          size_t result_count, beamr_error *err);

/* End a waiting call, and all that wait which were begun after it, without running any code of
 * the guest. What it wrote so far stays.
 * Errors: BEAMR_ARGUMENT (no such entry, or it does not wait), BEAMR_BUSY (an entry that was
 * begun after it is running, or another thread is using the store). Nothing is ended then. */
BEAMR_API beamr_status beamr_entry_cancel(beamr_store *store, beamr_entry entry,
                                          beamr_error *err);

/* The call that could go on: the innermost of the store, if it waits; otherwise 0. */
BEAMR_API beamr_entry beamr_store_waiting(const beamr_store *store);

#ifdef __cplusplus
}
#endif
#endif
