/* Native code: compiling modules to machine code, in a process of its own, and running that.
 * It means exactly what interpreting means: results, traps, places, fuel, stack depth.
 *
 * A *code object* is the machine code of one module for one kind of processor. Loading one is
 * running a program with the rights of this process: checks find damage, not malice. Load only
 * what beamr_compile made for you, or whom you trust. */
#ifndef BEAMR_NATIVE_H
#define BEAMR_NATIVE_H

#include "beamr/module.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How to compile; begin with `beamr_compile_options options = BEAMR_COMPILE_OPTIONS_DEFAULT`.
 * What concerns the code's meaning (fuel, guards) comes from the engine. */
typedef struct beamr_compile_options {
    /* The program beamr-compile; NULL: the environment's BEAMR_COMPILE, or what was installed
     * with this library. */
    const char *program;
    uint64_t time_ms;    /* what is not compiled by then stays interpreted; 0: 60,000. A process
                            that has not ended a second later is killed */
    uint64_t max_memory; /* bytes of the process; 0: 4 GiB */
    uint64_t max_output; /* bytes of the code object; 0: 1 GiB */
    uint32_t threads;    /* 0: one for each processor */
    const char *target;  /* "x86_64" or "aarch64"; NULL: this machine's */
    const char *cpu; /* "x86-64-v2", "x86-64-v3"; NULL: the best that this machine has, or of
                        another target the least */
    bool no_polls;   /* for measuring: loops do not poll. Such code must not be interrupted */
    bool any_nan;    /* for measuring: NaNs are what the processor makes of them */
    bool checks;     /* check every access even where memories have guards */
    /* Asked about ten times a second while the process runs, by the thread that waits: true
       ends it, which is BEAMR_COMPILER. NULL: nobody ends it */
    bool (*is_stopped)(void *user);
    void *user;
} beamr_compile_options;

#define BEAMR_COMPILE_OPTIONS_DEFAULT                                                          \
    {                                                                                          \
        NULL, 0, 0, 0, 0, NULL, NULL, false, false, false, NULL, NULL                          \
    }

/* Compile a module to a code object, which is not loaded. Blocks until the process has ended; any
 * thread may, several at once.
 *   options  borrowed; NULL for the default
 *   object   to be freed with beamr_object_free
 * Errors: BEAMR_UNSUPPORTED (there is no such program, target or processor), BEAMR_LIMIT (time,
 * memory or output beyond its limit), BEAMR_COMPILER (the compiler failed; the text says how),
 * BEAMR_NO_MEMORY. The module is as before. */
BEAMR_API beamr_status beamr_compile(beamr_module *module, const beamr_compile_options *options,
                                     BEAMR_OWN beamr_bytes *object, beamr_error *err);
BEAMR_API void beamr_object_free(beamr_bytes object); /* accepts no bytes */

/* Let instances of the module made from now on run an object's code. Those that are there stay
 * interpreted, as do those whose memory has no guard if the code needs it.
 *   object  borrowed during the call
 * Errors: BEAMR_OBJECT (cut or damaged), BEAMR_UNSUPPORTED (made by another compiler, for
 * another processor), BEAMR_ARGUMENT (of another module, or other options than the engine's;
 * the module has code already), BEAMR_NO_MEMORY. The module is as before. */
BEAMR_API beamr_status beamr_module_load_object(beamr_module *module, beamr_bytes object,
                                                beamr_error *err);

/* beamr_compile and beamr_module_load_object in one. */
BEAMR_API beamr_status beamr_module_compile(beamr_module *module,
                                            const beamr_compile_options *options,
                                            beamr_error *err);

/* Functions of the module that have native code; 0 when none was loaded. */
BEAMR_API size_t beamr_module_native_count(const beamr_module *module);

/* Why an engine of BEAMR_TIER_NATIVE left this module interpreted when it was loaded: the error
 * that beamr_module_compile would have given. BEAMR_OK if it has native code, or no function
 * that could have, or was not to be compiled. A function that was too large or too late is no
 * error: it is missing in beamr_module_native_count. */
BEAMR_API beamr_status beamr_module_native_failure(const beamr_module *module,
                                                   beamr_error *err);

#ifdef __cplusplus
}
#endif
#endif
