/* The imports of modules made with Emscripten: those of module `env`, over the same system as
 * WASI's (beamr/wasi.h): `invoke_*` and what throws through them, C++ exceptions, system calls,
 * time, and the heap.
 *
 * `invoke_*` functions are made for each module out of the types that it declares, as
 * WebAssembly: what is called through them runs on the guest's own stack, may wait, nest as
 * deep as any call, and is caught only if it was thrown by Emscripten's imports - never a trap,
 * an exit, an interrupt, or an exception of another kind. They take two instances of the store.
 * A host function that a guest calls through them directly - not from a function of its own -
 * finds one of these as its caller, whose memory 0 is the guest's.
 *
 * What C++ exceptions remember between calls is part of the system's state (beamr_wasi_save).
 * Destructors of exceptions, and __cxa_can_catch, are called by the host: there an import
 * cannot be answered later, and a call does not pause. */
#ifndef BEAMR_EMSCRIPTEN_H
#define BEAMR_EMSCRIPTEN_H

#include "beamr/wasi.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct beamr_emscripten beamr_emscripten;

/* Define those imports of a module in a linker; others are left alone.
 *   out  counted; begins with one reference, functions that were linked hold another until
 *        their store goes. It serves one instance of the module
 * Errors: BEAMR_UNLINKABLE (an import of another type; named), BEAMR_UNSUPPORTED (the engine's
 * features leave out exceptions, which `invoke_*` stand on), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_emscripten_link(beamr_wasi *wasi, beamr_linker *linker,
                                             beamr_module *module,
                                             BEAMR_OWN beamr_emscripten **out,
                                             beamr_error *err);
/* Tell which instance it serves, once that is made: its table, stack functions and setThrew are
 * looked up. Before that `invoke_*` trap: in the start function, unless that waits first; they
 * always do in a module with neither a table nor a dynCall function, which has nothing to call.
 * Errors: BEAMR_UNLINKABLE (`invoke_*` are imported, and an export that they need is missing or
 * of another type; named), BEAMR_ARGUMENT (an instance of another
 * module or store), BEAMR_LIMIT (instances of the store), BEAMR_NO_MEMORY. */
BEAMR_API beamr_status beamr_emscripten_attach(beamr_emscripten *e, beamr_instance *instance,
                                               beamr_error *err);
/* A call has ended in BEAMR_EXCEPTION: say what was thrown, if Emscripten's imports threw it -
 * "longjmp without target", "uncaught C++ exception of type std::logic_error".
 *   exception  as beamr_exception_take gives it
 *   text       cut to fit `size`
 * Returns false, with nothing written, when others threw it. */
BEAMR_API bool beamr_emscripten_describe(beamr_wasi *wasi, const beamr_exception *exception,
                                         char *text, size_t size);
BEAMR_API beamr_emscripten *beamr_emscripten_ref(beamr_emscripten *e);
BEAMR_API void beamr_emscripten_unref(beamr_emscripten *e); /* accepts NULL */

#ifdef __cplusplus
}
#endif
#endif
