/* A guest with all that it expects: WASI, Emscripten's env, and stubs for what nobody provides,
 * in one step; and the conventions by which programs are started.
 *
 *     beamr_wasi_new(&options, &wasi, &err);
 *     beamr_linker_new(store, &linker, &err);            // with imports of your own, if any
 *     beamr_guest_instantiate(wasi, linker, module, BEAMR_STUBS_TRAP, &instance, &err);
 *     beamr_guest_run(wasi, instance, &code, &err); */
#ifndef BEAMR_GUEST_H
#define BEAMR_GUEST_H

#include "beamr/emscripten.h"
#include "beamr/entry.h"
#include "beamr/wasi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What becomes of imported functions that nobody provides. */
typedef enum beamr_stubs {
    BEAMR_STUBS_NONE,  /* the module is BEAMR_UNLINKABLE; the text names the first */
    BEAMR_STUBS_TRAP,  /* calling one traps with MISSING_IMPORT and its name */
    BEAMR_STUBS_ZEROS, /* calling one gives zeros and nulls */
} beamr_stubs;

/* Who provides an import. */
typedef enum beamr_provider {
    BEAMR_PROVIDER_NONE, /* nobody: functions would be stubbed, all else is not linkable */
    BEAMR_PROVIDER_WASI,
    BEAMR_PROVIDER_EMSCRIPTEN,
    BEAMR_PROVIDER_LINKER, /* defined in the linker before */
    BEAMR_PROVIDER_MISFIT, /* the name is known and its type is another: not linkable */
} beamr_provider;

/* Who would provide an import of a module, before anything is linked.
 *   import  its number, below beamr_module_import_count
 *   linker  what the embedder provides; NULL for nothing */
BEAMR_API beamr_provider beamr_guest_provider(const beamr_module *module, size_t import,
                                              const beamr_linker *linker);

/* Define stubs in the linker for all imported functions of the module that it does not have.
 * Errors: BEAMR_UNLINKABLE (with BEAMR_STUBS_NONE, if there is one), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_stubs_link(beamr_linker *linker, const beamr_module *module,
                                        beamr_stubs stubs, beamr_error *err);

/* Link and instantiate. The instance belongs to the linker's store, as the functions that are
 * made for it do, and `wasi` lives at least as long. What the linker has, or its resolver
 * finds (it is asked once for each import), goes before WASI and Emscripten, also where these
 * know the name with another type; it is not changed. Memories and tables that old
 * modules import from `env` are made as they are declared.
 *   linker  says in which store
 *   out     borrowed; written when the start function has ended well, or there is none
 * Errors: as beamr_wasi_link, beamr_emscripten_link, beamr_emscripten_attach and
 * beamr_instance_new. */
BEAMR_API beamr_status beamr_guest_instantiate(beamr_wasi *wasi, beamr_linker *linker,
                                               beamr_module *module, beamr_stubs stubs,
                                               beamr_instance **out, beamr_error *err);
/* The same, so that the start function can wait: as beamr_linker_begin. */
BEAMR_API beamr_status beamr_guest_begin(beamr_wasi *wasi, beamr_linker *linker,
                                         beamr_module *module, beamr_stubs stubs,
                                         beamr_instance **out, beamr_entry *entry,
                                         beamr_error *err);

/* Bring the guest's language up, for a guest whose functions are then called: calls its export
 * `_initialize`, or else `__wasm_call_ctors`, if it takes and gives nothing; otherwise does
 * nothing. Not for guests with `_start`, which do this themselves.
 * Errors: as beamr_func_call; for an exception, as beamr_guest_explain says it. */
BEAMR_API beamr_status beamr_guest_initialize(beamr_wasi *wasi, beamr_instance *instance,
                                              beamr_error *err);

/* Run a program: its export `_start`.
 *   code  its exit code: what it passed to exit, 0 when it returned; written on success
 * Errors: BEAMR_NOT_FOUND (no `_start`, or one that takes or gives something); as
 * beamr_guest_initialize, but for the trap EXIT, which is an end like another. */
BEAMR_API beamr_status beamr_guest_run(beamr_wasi *wasi, beamr_instance *instance,
                                       uint32_t *code, beamr_error *err);

/* Is there such a function of the system's, of WASI or of Emscripten's `env`? Not those that
 * belong to the language. */
BEAMR_API bool beamr_guest_performs(beamr_bytes module, beamr_bytes name);
/* Is there such a function that belongs to the language rather than to the system: `invoke_*`,
 * what throws, C++ exceptions? They catch, and call the guest on its own stack, so that an
 * embedder cannot do in their place what they do. */
BEAMR_API bool beamr_guest_is_language(beamr_bytes module, beamr_bytes name);
/* What a function of the system's takes and gives, of those that take so many arguments, in the
 * width of an instance's memory. Where several types do, the one that the instance's module
 * imports. params  gets arg_count kinds; room for at least BEAMR_PERFORM_PARAMS result  gets
 * the result's Returns the number of results, 0 or 1; -1 when there is none such. */
#define BEAMR_PERFORM_PARAMS 16
BEAMR_API int beamr_guest_signature(const beamr_instance *instance, beamr_bytes module,
                                    beamr_bytes name, size_t arg_count, beamr_kind *params,
                                    beamr_kind *result);
/* Do what a function of the system's does when an instance calls it: for an embedder that
 * answers the import, and wants it to be as if it had not. It finds memory 0 of the instance,
 * and costs the same fuel.
 *   results  room for result_count; written when it returns BEAMR_OK
 * Errors: BEAMR_NOT_FOUND (no such function), BEAMR_ARGUMENT (arguments or results that it does
 * not have, in the width of the instance's memory), BEAMR_TRAP and others as the import itself
 * would fail: among them EXIT. */
BEAMR_API beamr_status beamr_guest_perform(beamr_wasi *wasi, beamr_instance *instance,
                                           beamr_bytes module, beamr_bytes name,
                                           const beamr_value *args, size_t arg_count,
                                           beamr_value *results, size_t result_count,
                                           beamr_error *err);

/* A call has ended in BEAMR_EXCEPTION: put what beamr_emscripten_describe says of it into err's
 * text, if it says something. The exception is then forgotten. */
BEAMR_API void beamr_guest_explain(beamr_wasi *wasi, beamr_store *store, beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
